"""Command lines without end: random ones, each option with each odd value, and odd surroundings.

``python benchmarks/lines.py [--lines N] [--seed N]`` tries random lines in this process, ``--each`` every
option of every command with every odd value, ``--processes N`` random lines in processes of their own, and
``--surroundings`` each command in each odd surrounding; ``--secrets N`` puts passwords where they do not
belong, and looks for them in whatever form. What must hold is said by ``tests/lines.py``; what does
not is told with its seed. Nothing leaves this machine: each connection elsewhere is refused in this process,
and ``--processes`` wants a network of its own (``unshare -rn``).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import Phase, given, settings

from smtpdoctor.cli.declared import COMMANDS, Argument, declared_in, function_of
from tests import test_cli_secrets as wrong
from tests.fuzz.leak import leaked
from tests.lines import PATHS, SURROUNDINGS, TEXTS, Done, Line, broken_rules, furnish, line, run, started

AT_HOME = ["--resolver", "127.0.0.1:1", "--timeout", "0.5", "--deadline", "1"]
BASE = {
    "check": [
        "--host",
        "127.0.0.1",
        "--port",
        "1",
        "--sender",
        "a@example.test",
        "--no-environment",
        *AT_HOME,
    ],
    "lint": ["--host", "127.0.0.1", "--no-environment"],
    "generate": ["gmail"],
    "explain": ["535"],
}
JSON = ["--format", "json"]
INTERRUPTED = 130
SHOWN = 3  # examples of each fault
LONG = "h" * 5_000
AROUND: dict[str, tuple[str | None, ...]] = {
    **SURROUNDINGS,
    "HOME": (None, *SURROUNDINGS["HOME"]),
    "XDG_CACHE_HOME": (None, "", LONG, "/etc/passwd", "/dev/null", "relative", "/proc"),
    "PYTHONIOENCODING": ("ascii", "cp949", "utf-16", "latin-1", "ascii:strict", "cp037", "utf-7"),
    "PYTHONCOERCECLOCALE": ("0",),
    "PYTHONUTF8": ("0", "1"),
    "TMPDIR": ("/nonexistent", LONG),
    "OPENSSL_CONF": ("/nonexistent", "/etc/passwd"),
    "PYTHONWARNINGS": ("error",),
}
COMMANDS_AROUND = (
    ["lint", *BASE["lint"]],
    ["lint", "--no-environment"],
    ["check", *BASE["check"]],
    ["explain", "535"],
    ["explain"],
    ["presets", "gmail"],
    ["generate", "gmail"],
    ["check", "--port", "x"],
    ["--version"],
    ["check", "--help"],
    ["nonesuch"],
)


def _random(first: int, count: int) -> Iterator[tuple[str, Line]]:
    for seed in range(first, first + count):
        yield f"seed {seed}", line(Random(seed))  # noqa: S311 -- to be had again


def _each() -> Iterator[tuple[str, Line]]:
    for command in COMMANDS:
        for name, (hint, one) in declared_in(function_of(command)).items():
            flag = "" if isinstance(one, Argument) else one.names[0]
            if hint is bool or (command == "sandbox" and flag not in {"--starttls-port", "--count"}):
                continue
            base = list(BASE.get(command, []))
            if flag in base:
                del base[base.index(flag) : base.index(flag) + 2]
            elif not flag:
                base = []
            for value in dict.fromkeys((*TEXTS, *PATHS)):
                for more in ([], JSON):
                    given = [f"{flag}={value}"] if flag else [value]
                    yield f"{command} {flag or name}", Line([command, *base, *given, *more], stdin=b"x")


def _around() -> Iterator[tuple[str, Line, dict[str, Any]]]:
    for command in COMMANDS_AROUND:
        for more in ([], JSON):
            one = Line([*command, *more])
            for name, values in AROUND.items():
                for value in values:
                    around = {**os.environ, name: value, "PYTHONPATH": str(Path(__file__).parent.parent)}
                    env = {key: text for key, text in around.items() if text is not None}
                    yield f"{name}={value!s:.20}", one, {"env": env}
            for stream in ("stdout", "stderr"):
                yield f"full {stream}", one, {stream: os.open("/dev/full", os.O_WRONLY)}
            for streams in ((0,), (1,), (2,), (0, 1, 2)):
                yield (
                    f"closed {streams}",
                    one,
                    {"preexec_fn": lambda taken=streams: _close(taken), "stdin": None},
                )


def _close(streams: tuple[int, ...]) -> None:
    for one in streams:
        os.close(one)


def main() -> int:
    """Try lines, and tell what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--surroundings", action="store_true")
    parser.add_argument("--secrets", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lines-") as name:
        folder = Path(name)
        furnish(folder)
        if options.secrets:
            return _secrets(options.secrets, folder)
        if options.surroundings:
            cases = ((what, one, _running(more)) for what, one, more in _around())
        elif options.processes:
            cases = ((what, one, started) for what, one in _random(options.seed, options.processes))
        else:
            lines = _each() if options.each else _random(options.seed, options.lines)
            cases = ((what, one, run) for what, one in lines)
        return _tried(cases, folder, exact=not options.surroundings)


def _secrets(count: int, folder: Path) -> int:
    """Put secrets into lines, and tell of those that can be read out of what is shown."""
    found: list[str] = []
    tried = 0
    for strategy in (wrong.with_password(), wrong.known_by_form()):

        @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate])
        @given(strategy)
        def held(case: tuple[str, Line]) -> None:
            nonlocal tried
            tried += 1
            secret, one = case
            (folder / "password").write_text(f"{secret}\n")
            done = run(one, folder)
            ended = done.code in {0, 1, 2} or (one.command == "sandbox" and done.code == INTERRUPTED)
            if (piece := leaked(secret, done.stdout + done.stderr)) or not ended:
                found.append(f"{piece!r} of {secret!r}, exit code {done.code}: {one}")

        held()
    print(f"{tried} lines with a secret, {len(found)} wrong", *found[:20], sep="\n")
    return 1 if found else 0


Run = Callable[[Line, Path], Done]


def _running(more: dict[str, Any]) -> Run:
    return lambda one, folder: started(one, folder, **more)


def _tried(cases: Iterator[tuple[str, Line, Run]], folder: Path, *, exact: bool) -> int:
    """Run lines and print what was found; ``exact``: what they print can be looked at."""
    faults: Counter[str] = Counter()
    codes: Counter[object] = Counter()
    began, count = time.monotonic(), 0
    for what, one, how in cases:
        done = how(one, folder)
        count += 1
        codes[done.code] += 1
        rules = broken_rules(one, done)
        if not exact:
            rules = [rule for rule in rules if rule.startswith(("exit code", "a traceback"))]
        for rule in rules:
            faults[rule] += 1
            if faults[rule] <= SHOWN:
                print(f"{rule}: {what}: {one}\n    {done.stderr[-300:]!r}")
    print(f"{count} lines in {time.monotonic() - began:.0f} s; exit codes {dict(codes)}")
    for rule, times in faults.most_common():
        print(f"{times:6} {rule}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
