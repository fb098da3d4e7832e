"""Many profiles at once: how many a second, beside ``xargs -P 8 swaks``, and a flaky server for 200 runs.

``python benchmarks/profiles.py [--profiles N] [--rounds N] [--flaky N]``: needs root, postfix, dovecot, swaks
and xargs. The doctor is one process, ``check --all-profiles --until auth``, its start included; swaks is one process
for each, as a script that tries many logins runs it. Both go through AUTH over STARTTLS to one local Postfix and
verify the certificate. On a machine that does other things at the same time the seconds of the processor say more
than those of the clock, so both are printed; the mark is held against the clock.

Then a server of which every third connection is cut or greylists, in turn: with ``--retries 2`` no run may end red.
The pauses are not waited, so that what is measured is the verdict.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor import runner
from smtpdoctor.model import Stage
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded
from tests import certs, postfix
from tests.checking import settings_for
from tests.servers import Peer, closing, dialogue, serve

AT_LEAST = 15.0  # times as many a second as swaks
FOREIGN = ("SMTP_", "SMTPDOCTOR_", "SWAKS_")


def _environment() -> dict[str, str]:
    here = str(Path(__file__).resolve().parent.parent)
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONPATH": here}


def _write(folder: Path, server: postfix.Postfix, count: int) -> None:
    (folder / "password").write_text(server.password)
    shutil.copy(server.ca_pem, folder / "ca.pem")
    head = f"""host = "localhost"
port = {server.ports["submission"]}
security = "starttls"
username = "{server.user}"
password_file = "password"
sender = "{server.user}"
ca_file = "ca.pem"
until = "auth"
no_environment = true
"""
    profiles = "".join(f"[profiles.p{number:03}]\n" for number in range(count))
    (folder / "smtpdoctor.toml").write_text(head + profiles)


def _timed(
    command: list[str], folder: Path, environment: Mapping[str, str], text: str = ""
) -> tuple[float, float]:
    """Return the seconds that a command takes, and those of the processor; raises where it does not end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(
            f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _swaks(server: postfix.Postfix, folder: Path) -> list[str]:
    words = [
        "swaks", "--server", "localhost", "--port", str(server.ports["submission"]), "--tls",
        "--tls-verify", "--tls-ca-path", str(folder / "ca.pem"), "--auth", "PLAIN", "--auth-user", server.user,
        "--auth-password", server.password, "--from", server.user, "--to", server.user, "--quit-after", "AUTH",
        "--suppress-data",
    ]  # fmt: skip
    return ["xargs", "-P", "8", "-I", "{}", *words]


def _rates(count: int, rounds: int) -> float:
    """Print how many a second each does in each round, and return the best ratio of one round."""
    best = 0.0
    environment = _environment()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as work,
        postfix.running(certs.make(Path(folder))) as server,
    ):
        _write(Path(work), server, count)
        doctor = [sys.executable, "-m", "smtpdoctor", "check", "--all-profiles", "--format", "json"]
        _timed(doctor, Path(work), environment)  # the first run of a checkout compiles its index
        swaks = _swaks(server, Path(work))
        lines = "".join(f"{number}\n" for number in range(count))
        for _ in range(rounds):
            ours, our_cpu = _timed(doctor, Path(work), environment)
            theirs, their_cpu = _timed(swaks, Path(work), environment, lines)
            best = max(best, theirs / ours)
            print(
                f"smtpdoctor {count / ours:7.1f} a second, swaks {count / theirs:6.1f}: {theirs / ours:5.1f} times; "
                f"of the processor {1000 * our_cpu / count:6.2f} ms each, swaks {1000 * their_cpu / count:6.1f}: "
                f"{their_cpu / our_cpu:5.1f} times"
            )
    return best


def _flaky(runs: int) -> int:
    """Print what became of runs against a server that fails every third time; return how many ended red."""
    healthy, greylisting = dialogue(), dialogue({"RCPT": "450 4.2.0 Greylisted, please try again later"})

    def script(peer: Peer) -> None:
        if peer.number % 3:
            healthy(peer)
        elif peer.number % 2:
            closing(peer)
        else:
            greylisting(peer)

    ended: Counter[str] = Counter()
    repeated = 0
    with serve(script) as server:
        for _ in range(runs):
            loaded = Loaded(settings_for(server.port, to="you@example.test"), ())
            options = Options(until=Stage.RECIPIENT)
            report = runner.check(loaded, options, retries=2, sleep=lambda _: None)
            ended[report.verdict] += 1
            repeated += len(report.attempts) > 1
    print(f"flaky server, {runs} runs: {dict(ended)}, {repeated} of them needed more than one attempt")
    return runs - ended["pass"]


def main() -> int:
    """Measure both; return 1 where a mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--profiles", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flaky", type=int, default=200)
    arguments = parser.parse_args()
    red = _flaky(arguments.flaky)
    ratio = _rates(arguments.profiles, arguments.rounds) if arguments.profiles else AT_LEAST
    return int(red > 0 or ratio < AT_LEAST)


if __name__ == "__main__":
    sys.exit(main())
