"""Checks a second of one process with many threads, as a monitor of many profiles runs them.

``python benchmarks/threads.py [--threads N] [--seconds N] [--rounds N]``: needs root, postfix and
dovecot, as the tests do. Each check goes through AUTH over STARTTLS to one local Postfix with the
certificate verified, once with a short password and once with a token of 1,500 characters, which
costs a redactor that is not careful a multiple.
"""

from __future__ import annotations

import argparse
import string
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor import Settings, check
from tests import certs, postfix

OWNER = "token@example.test"
# Base64 of it still fits Postfix's limit for a line, 2,048 bytes.
TOKEN = (string.ascii_letters + string.digits) * 24 + string.digits + "ab"
AT_LEAST = 150.0  # checks a second, of eight threads on two cores


def _per_second(settings: Settings, ca_file: str, threads: int, seconds: float) -> float:
    """Return how many checks a second all threads together make; raises where one does not pass."""
    counts = [0] * threads
    wrong: list[str] = []
    start = threading.Barrier(threads + 1)
    stop = threading.Event()

    def work(number: int) -> None:
        start.wait()
        while not stop.is_set():
            report = check(settings, until="auth", ca_file=ca_file)
            if report.verdict != "pass":
                wrong.append(", ".join(finding.id for finding in report.findings))
                return
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for worker in workers:
        worker.join()
    if wrong:
        raise SystemExit("not healthy: " + "; ".join(sorted(set(wrong))))
    return sum(counts) / (time.perf_counter() - began)


def main() -> int:
    """Measure both logins in turns; return 1 where a mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postfix.running(certs.make(Path(folder))) as server:
        with (server.directory / "users").open("a") as users:
            users.write(f"{OWNER}:{{PLAIN}}{TOKEN}:::::\n")
        logins = {"short password": (server.user, server.password), "long token": (OWNER, TOKEN)}
        best = dict.fromkeys(logins, 0.0)
        for _ in range(arguments.rounds):
            for name, (username, password) in logins.items():
                settings = Settings.of(
                    host="localhost",
                    port=server.ports["submission"],
                    security="starttls",
                    username=username,
                    password=password,
                    sender=server.user,
                )
                check(
                    settings, until="auth", ca_file=str(server.ca_pem)
                )  # what is loaded once is not counted
                rate = _per_second(settings, str(server.ca_pem), arguments.threads, arguments.seconds)
                best[name] = max(best[name], rate)
                print(f"{arguments.threads} threads, {name:14} {rate:6.0f} checks a second")
    short, long = best.values()
    return int(short < AT_LEAST or long < 0.9 * short)


if __name__ == "__main__":
    sys.exit(main())
