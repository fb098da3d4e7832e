"""``python -m tests.fuzz.dialogue --count 10000``: plays dialogues, and tells where doctor and clients disagree.

Exit 1 for any false green, or where more than one in two hundred dialogues is a false red.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from tests import certs
from tests.fuzz.dialogue import clients
from tests.fuzz.dialogue.judge import Verdict, cut_down, judged
from tests.fuzz.dialogue.script import Script, draw_script
from tests.fuzz.dialogue.server import Contexts, Stage
from tests.fuzz.draw import RandomDraw

MOST_FALSE_RED: Final = 0.005
_THREADS: Final = 8
_EXAMPLES: Final = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.dialogue", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many dialogues")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--nodemailer", type=Path, help="a folder with node_modules/nodemailer")
    parser.add_argument("--script", help="play this one script (JSON), and show what was said")
    parser.add_argument("--step", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Play, and say how it went."""
    options = _arguments()
    os.environ.setdefault("XDG_CONFIG_HOME", os.devnull)
    for name in [name for name in os.environ if name.startswith(("SMTP_", "SMTPDOCTOR_"))]:
        del os.environ[name]
    if options.script is not None:
        return _show(msgspec.json.decode(options.script, type=Script), options)
    if options.step == 1 and options.processes > 1:
        return _told(_in_processes(options), options.count)
    print(json.dumps(_run(options)))
    return 0


def _in_processes(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run a share of the dialogues in each of some processes."""
    count = options.processes
    arguments = [
        [
            *(sys.executable, "-m", "tests.fuzz.dialogue", f"--step={count}"),
            *(f"--seed={options.seed + number}", f"--count={len(range(number, options.count, count))}"),
            *([f"--nodemailer={options.nodemailer}"] if options.nodemailer else []),
        ]
        for number in range(count)
    ]
    running = [subprocess.Popen(one, stdout=subprocess.PIPE) for one in arguments]
    found = []
    for one in running:
        output = one.communicate()[0]
        if one.returncode:
            raise SystemExit(one.returncode)
        found.append(json.loads(output))
    return found


def _run(options: argparse.Namespace) -> dict[str, Any]:
    """Play the dialogues of one process: some at a time, since many of them only wait."""
    numbers = iter(range(options.seed, options.seed + options.count * options.step, options.step))
    lock = threading.Lock()
    tally: Counter[str] = Counter()
    wrong: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        contexts = Contexts(certs.make(Path(folder)))
        nodemailer = clients.Nodemailer(options.nodemailer) if options.nodemailer else None

        def work() -> None:
            with Stage(contexts) as stage:
                while True:
                    with lock:
                        number = next(numbers, None)
                    if number is None:
                        return
                    script = draw_script(RandomDraw(number))
                    verdict = judged(script, stage, nodemailer)
                    if verdict.kind and judged(script, stage, nodemailer).kind != verdict.kind:
                        once = f"once: {verdict.kind}"
                        tally[once] += 1
                        told = msgspec.to_builtins({"seed": number, "script": script, "verdict": verdict})
                        wrong.setdefault(once, []).append(told)
                        verdict = msgspec.structs.replace(verdict, kind="")
                    with lock:
                        _count(tally, verdict)
                        examples = wrong.setdefault(verdict.kind, [])
                        wanted = verdict.kind and len(examples) < 20 * _EXAMPLES
                    if wanted:
                        small = cut_down(script, verdict.kind, stage, nodemailer)
                        again = judged(small, stage, nodemailer)
                        told = msgspec.to_builtins({"seed": number, "script": small, "verdict": again})
                        with lock:
                            examples.append(told)

        with ThreadPoolExecutor(_THREADS) as workers:
            for one in [workers.submit(work) for _ in range(_THREADS)]:
                one.result()
        if nodemailer is not None:
            nodemailer.close()
    wrong.pop("", None)
    return {"tally": tally, "wrong": wrong, "seconds": time.process_time()}


def _count(tally: Counter[str], verdict: Verdict) -> None:
    tally["dialogues"] += 1
    tally["healthy"] += verdict.healthy
    for name, error in verdict.others.items():
        tally[f"sent by {name}"] += not error
        tally[f"asked {name}"] += 1
    if verdict.kind:
        tally[verdict.kind] += 1


def _told(results: list[dict[str, Any]], count: int) -> int:
    tally: Counter[str] = Counter()
    for one in results:
        tally.update(one["tally"])
    for name, number in sorted(tally.items()):
        print(f"{number:8} {name}")
    print(f"{sum(one['seconds'] for one in results):8.0f} seconds of CPU")
    for kind in sorted({kind for one in results for kind in one["wrong"]}):
        print(f"\n{kind}:")
        shown: set[str] = set()
        for example in (example for one in results for example in one["wrong"].get(kind, ())):
            text = json.dumps(example["script"], ensure_ascii=False)
            if text not in shown:
                shown.add(text)
                print(f"  seed {example['seed']}: {text}\n    doctor: {example['verdict']['told']}")
                print(f"    others: {json.dumps(example['verdict']['others'], ensure_ascii=False)}")
    greens = sum(number for kind, number in tally.items() if kind.startswith("false green"))
    reds = tally["false red"]
    print(f"\n{greens} false greens, {reds} false reds in {count} dialogues ({reds / max(count, 1):.2%})")
    return int(greens > 0 or reds > MOST_FALSE_RED * count)


def _show(script: Script, options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        contexts = Contexts(certs.make(Path(folder)))
        nodemailer = clients.Nodemailer(options.nodemailer) if options.nodemailer else None
        with Stage(contexts) as stage:
            stage.play(script)
            report = clients.doctor(script, stage)
            print("\n".join(stage.lines), f"\n--> healthy: {report.healthy}, accepted: {stage.settled()}")
            for turn in report.transcript:
                print(f"  {turn.direction:4} {turn.text}")
            for found in report.findings:
                print(f"  {found.id} {found.evidence}")
            kinds: dict[str, Any] = {"smtplib": clients.python, "nodemailer": nodemailer}
            kinds["second"] = lambda script, stage: clients.python(script, stage, clients.Second)
            for name, client in kinds.items():
                if client is not None:
                    stage.play(script)
                    error = client(script, stage)
                    print(
                        "\n".join(stage.lines),
                        f"\n--> {name}: {error or 'sent'}, accepted: {stage.settled()}",
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
