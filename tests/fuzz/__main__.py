"""``python -m tests.fuzz TARGET --seconds 10``: feeds a target, or each in turn (``all``), until something fails.

Exit 0 where every invariant held, else 1; what failed is kept in ``tests/fuzz/corpus``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.fuzz import engine


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="a target, all, or list")
    parser.add_argument("--seconds", type=float, default=0.0, help="of each target")
    parser.add_argument("--inputs", type=int, default=0, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true", help="past a failure, to see others")
    parser.add_argument("--plain", action="store_true", help="by mutation, though atheris is there")
    parser.add_argument("--failures", type=Path, help="where to keep what fails, instead of beside the seeds")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("SMTP_", "SMTPDOCTOR_"))]:
        del os.environ[name]
    os.environ["XDG_CONFIG_HOME"] = os.devnull
    if not (options.seconds or options.inputs):
        options.seconds = 10.0
    one_target = options.target not in {"all", "list"}
    guided = engine.has_atheris() and not options.plain
    targets = engine.load(instrumented=guided and one_target)
    if options.target == "list":
        print("\n".join(sorted(targets)))
        return 0
    if one_target:
        if options.target not in targets:
            parser.error(f"no such target; there are {', '.join(sorted(targets))}")
        limits = engine.Limits(
            inputs=options.inputs,
            seconds=options.seconds,
            seed=options.seed,
            keep_going=options.keep_going,
            failures=options.failures,
        )
        return engine.run(targets[options.target], limits, guided=guided)
    return _all(sorted(targets), sys.argv[2:])


def _all(names: list[str], arguments: list[str]) -> int:
    """Run each target in a process of its own: libFuzzer ends the one that it runs in."""
    from smtpdoctor.knowledge import load  # not before a target's own process has it watched

    load.ids()  # the index is compiled once, and not by each while it is being watched
    failed = []
    for name in names:
        print(f"-- {name}", flush=True)
        command = [sys.executable, "-m", "tests.fuzz", name, *arguments]
        # The same inputs for the same seed: what a set is iterated by decides which code runs.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, env=environment)
        told = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print("\n".join(told if not done.returncode else [done.stderr[-3_000:]]), flush=True)
        if done.returncode:
            failed.append(name)
    print(f"{len(names)} targets, failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
