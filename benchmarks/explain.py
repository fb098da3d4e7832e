"""How fast ``explain`` reads a log: ``python benchmarks/explain.py [--megabytes 2000]``.

Writes a log as services print it, without mail failures, and one where every hundredth line is one,
and runs ``smtpdoctor explain`` on both, beside ``grep -cE`` over words of the same kind. Prints
MB/s and the peak memory of each run.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [
    "GET",
    "/api/v1/orders",
    "HTTP/1.1",
    "200",
    "354",
    "order",
    "accepted",
    "total=887",
    "db",
    "query",
    "took",
    "12ms",
    "SELECT",
    "id",
    "FROM",
    "jobs",
    "WHERE",
    "status",
    "cache",
    "hit",
    "key=dash:24",
    "level=info",
    "msg=request",
    "completed",
    "INFO",
    "o.s.web.servlet.DispatcherServlet",
    "Completed",
    "connection",
    "pool",
    "idle",
    "websocket",
    "closed",
    "payment",
    "captured",
    "queued",
    "worker",
    "started",
    "user",
    "signed",
    "in",
]
FAILURES = (
    "Error: Invalid login: 535 5.7.8 Error: authentication failed: {n:x}",
    (
        "postfix/smtp[{n}]: A{n:X}: to=<user{n}@example.com>, relay=mail.example.com[192.0.2.9]:25, dsn=5.1.1, "
        "status=bounced (host mail.example.com[192.0.2.9] said: 550 5.1.1 <user{n}@example.com>: Recipient "
        "address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command))"
    ),
    "ERROR mailer: connect ECONNREFUSED 192.0.2.{b}:587 (smtp.example.com)",
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
)
PATTERN = (
    "5[0-9][0-9] 5\\.[0-9]\\.[0-9]|ECONNREFUSED|SMTPServerDisconnected|authentication failed|User unknown"
)


def write(path: Path, megabytes: int, *, every: int) -> None:
    """Write a log of that size; every so many lines is a failure, none where 0."""
    chance = random.Random(7)  # noqa: S311 -- the same log each time
    number = written = 0
    with path.open("w", encoding="utf-8") as log:
        while written < megabytes * 1_000_000:
            lines = []
            for _ in range(10_000):
                number += 1
                stamp = f"2026-03-02T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z "
                if every and number % every == 0:
                    failure = FAILURES[number // every % len(FAILURES)]
                    lines.append(stamp + failure.format(n=number, b=number % 250))
                else:
                    lines.append(stamp + " ".join(chance.choices(WORDS, k=chance.randrange(6, 20))))
            written += log.write("\n".join(lines) + "\n")


def measure(command: list[str]) -> tuple[float, float]:
    """Return seconds and peak memory in MB of one run."""
    started = time.perf_counter()
    # Into a file: grep stops at the first match when its output goes to /dev/null.
    with tempfile.TemporaryFile() as output, subprocess.Popen(command, stdout=output) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> int:
    """Measure both logs with both programs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--megabytes", type=int, default=2000)
    megabytes = parser.parse_args().megabytes
    doctor = [sys.executable, "-m", "smtpdoctor", "explain", "--format", "json", "--file"]
    with tempfile.TemporaryDirectory() as folder:
        for name, every in (("without failures", 0), ("every 100th line", 100)):
            path = Path(folder) / "service.log"
            write(path, megabytes, every=every)
            size = path.stat().st_size / 1e6
            subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)  # into the page cache
            for program, command in (
                ("smtpdoctor explain", [*doctor, str(path)]),
                ("grep -cE", ["grep", "-cE", PATTERN, str(path)]),
            ):
                seconds, memory = measure(command)
                print(f"{name:18} {program:20} {size / seconds:7.0f} MB/s  peak {memory:5.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
