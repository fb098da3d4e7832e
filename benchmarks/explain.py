"""How fast ``explain`` reads a log: ``python benchmarks/explain.py [--megabytes 2000]``.

Writes a log as services print it, without mail failures, and one where every hundredth line is one,
and runs ``smtpdoctor explain`` on both, beside ``grep -cE`` over words of the same kind. Prints
MB/s and the peak memory of each run.

``--repetitions``: instead, MB of a second of CPU time on hostile logs: every literal that a pattern
knows, and signs that structure is made of, over and over, as one line and as many.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from smtpdoctor.knowledge import load
from smtpdoctor.logs import Source, explain_source

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


UNITS = (
    *(
        "key-",
        "535-",
        "a.b.",
        "aA0",
        "0x8",
        "12:",
        "1.2.3.4 ",
        "550 5.1.1 ",
        "a@b ",
        "://",
        "//:@",
        "smtp://a:b@c ",
    ),
    *(
        "password=",
        "password ",
        '"password":"',
        "AUTH PLAIN ",
        "AGZvbwBiYXI= ",
        "<a>",
        "</",
        "&quot;",
        "%22",
        "x" * 40,
    ),
    *(
        '"',
        "'",
        "`",
        "(",
        ")",
        "[",
        "{",
        "<",
        "\\",
        "-",
        "_",
        ".",
        ",",
        ":",
        "=",
        "@",
        "/",
        "#",
        "?",
        "&",
        "|",
        "\t",
        " ",
    ),
    *("가", "é", "密码", "비밀번호: ", "\x1b[31m", "\0", "re_a1", "SG.a.", "eyJa.", "at a.b(C.java:1) "),
)


def literals() -> list[str]:
    """Return every literal that a pattern knows, and what else repetitions are made of."""
    found = dict.fromkeys(UNITS)
    groups = [group for rule in load.rules() for atoms in rule.atoms for group in atoms]
    groups += [group for word in load.words() for group in word.atoms]
    groups += [group for hint in load.hints().code for group in hint.atoms]
    secrets = load.secrets()
    groups += [load.hints().in_log, secrets.anywhere, secrets.words, secrets.logins, tuple(secrets.keys)]
    groups += [tuple(load.names().hosts), tuple(load.names().marks)]
    for group in groups:
        found |= dict.fromkeys(group)
    return list(found)


def repeated(unit: str, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield logs of about a size that are made of a piece of text: one line, long and short ones, all different."""
    yield "one line", (unit * (size // len(unit))).encode()
    yield "one failure", ("smtp failed 535 " + unit * (size // len(unit))).encode()
    for length in (15_000, 1_000, 100):
        line = "smtp failed 535 " + unit * (length // len(unit) or 1) + "\n"
        yield f"lines of {length}", (line * (size // len(line))).encode()
    yield "short lines", (f"{unit}\n" * (size // (len(unit) + 1))).encode()
    lines = (f"smtp failed 535 {unit * (1 + number % 200)}\n" for number in range(size))
    different = bytearray()
    while len(different) < size:
        different += next(lines).encode()
    yield "lines that differ", bytes(different)


def speed(data: bytes) -> float:
    """Return the MB that are explained in a second of CPU time."""
    started = time.process_time()
    explain_source(Source(io.BytesIO(data)))
    return len(data) / 1e6 / (time.process_time() - started)


def repetitions(kilobytes: int, every: int) -> None:
    """Print how fast the slowest repetitions are read, of each way to repeat."""
    speed(b"smtp failed 535 5.7.8\n" * 20_000)  # compiles what is compiled once
    slowest: dict[str, list[tuple[float, str]]] = {}
    for unit in [*UNITS, *literals()[len(UNITS) :: every]]:
        for name, data in repeated(unit, kilobytes * 1_000):
            slowest.setdefault(name, []).append((speed(data), unit))
    for name, speeds in slowest.items():
        speeds.sort()
        shown = ", ".join(f"{mb:.1f} ({unit[:24]!r})" for mb, unit in speeds[:6])
        print(f"{name:18} slowest of {len(speeds)}: {shown} MB/s")


def main() -> int:
    """Measure both logs with both programs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--repetitions", action="store_true")
    parser.add_argument("--kilobytes", type=int, default=400, help="of each repetition")
    parser.add_argument("--every", type=int, default=1, help="only every n-th literal of the knowledge files")
    options = parser.parse_args()
    if options.repetitions:
        repetitions(options.kilobytes, options.every)
        return 0
    megabytes = options.megabytes
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
