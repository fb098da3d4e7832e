"""Sends through real libraries to ports 25, 465 and 587 in a network of its own: ``real_ports.py LIBRARY``.

Some libraries look at the number of the port, or have one of their own for each mode; only at the real ports is
what they do there what their dialects say. Printed is what was otherwise, as JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Scope
from smtpdoctor.knowledge import load
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.reading import Reading
from smtpdoctor.terms import Security
from tests import certs
from tests.namespace import loopback_up
from tests.servers import dialogue, serve
from tests.spelled import assignment
from tests.test_real_libraries import DRIVERS, answers, value

PORTS: Final = (25, 465, 587)


class Sent(Struct, frozen=True):
    """One mail: what the library is given, the same in the names of its dialect, and its version."""

    app: str
    line: dict[str, Any]
    told: tuple[Assignment, ...]
    version: str = ""


def nodemailer() -> Iterator[Sent]:
    to = "nodemailer.createTransport."
    for port in (None, *PORTS):
        for secure in (None, True, False):
            options: dict[str, object] = {"host": "localhost"}
            options |= {} if port is None else {"port": port}
            options |= {} if secure is None else {"secure": secure}
            told = tuple(value(to + name, one) for name, one in options.items())
            login = (assignment(to + "auth.user", "x"), assignment(to + "auth.pass", "x"))
            options["auth"] = {"user": "ID", "pass": "secret"}
            yield Sent("nodemailer", {"options": options}, told + login)


def symfony() -> Iterator[Sent]:
    for scheme in ("smtp", "smtps"):
        for port in ("", ":25", ":465", ":587"):
            url = f"{scheme}://ID:secret@localhost{port}"
            yield Sent("symfony", {"url": url, "options": {}}, (assignment("MAILER_DSN", url),), "5.4.0")


def aiosmtplib() -> Iterator[Sent]:
    to = "aiosmtplib.send."
    for port in (None, *PORTS):
        for options in ({}, {"use_tls": True}, {"start_tls": True}):
            told = [assignment(to + name, "x", "string") for name in ("hostname", "username", "password")]
            told += [value(to + name, one) for name, one in options.items()]
            told += [] if port is None else [value(to + "port", port)]
            yield Sent("aiosmtplib", {"port": port, "options": options}, tuple(told))


def curl() -> Iterator[Sent]:
    for scheme in ("smtp", "smtps"):
        for port in ("", ":25", ":465", ":587"):
            url = f"{scheme}://localhost{port}"
            told = (assignment("--url", url), assignment("--user", "x:x"), assignment("--ssl", "true"))
            yield Sent("curl", {"options": {"url": url, "flags": ["--ssl"]}}, told)


def msmtp() -> Iterator[Sent]:
    for port in (None, *PORTS):
        for more in ({"tls": "on"}, {"tls": "on", "tls_starttls": "off"}):
            lines = {"auth": "on", **more}
            told = [assignment(name, "x") for name in ("host", "user", "password")]
            told += [assignment(*one) for one in lines.items()]
            told += [] if port is None else [assignment("port", str(port))]
            yield Sent("msmtp", {"port": port, "options": {"lines": lines}}, tuple(told))


LIBRARIES: Final[Mapping[str, tuple[Iterator[Sent], tuple[str, ...], str]]] = {
    "nodemailer": (nodemailer(), ("node", str(DRIVERS / "nodemailer.cjs")), "NODE_EXTRA_CA_CERTS"),
    "symfony": (symfony(), ("php", str(DRIVERS / "mail.php"), "symfony"), "SSL_CERT_FILE"),
    "aiosmtplib": (
        aiosmtplib(),
        (sys.executable, "-W", "ignore", str(DRIVERS / "python_mail.py"), "aiosmtplib"),
        "SSL_CERT_FILE",
    ),
    "curl": (curl(), (sys.executable, "-I", str(DRIVERS / "programs.py"), "curl"), "CA_OF_TEST"),
    "msmtp": (msmtp(), (sys.executable, "-I", str(DRIVERS / "programs.py"), "msmtp"), "CA_OF_TEST"),
}


def missing(library: str) -> str:
    """Return what a library needs and this machine lacks, "" where nothing."""
    if library == "aiosmtplib":
        return "" if find_spec("aiosmtplib") else "aiosmtplib"
    if library in {"curl", "msmtp"}:
        return "" if shutil.which(library) else library
    asked: Mapping[str, Sequence[str]] = {
        "nodemailer": ("node", "-e", "require('nodemailer')"),
        "symfony": ("php", str(DRIVERS / "mail.php"), "version", "symfony"),
    }
    command = asked[library]
    if shutil.which(command[0]) is None:
        return command[0]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = done.returncode == 0 and (library == "nodemailer" or bool(done.stdout.strip()))
    return "" if found else library


def main(library: str) -> None:
    loopback_up()
    cases, command, trust = LIBRARIES[library]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        certificates = certs.make(Path(folder))
        good = certificates.good
        servers = {
            25: stack.enter_context(serve(dialogue(starttls_cert=good), port=25)),
            465: stack.enter_context(serve(dialogue(implicit_cert=good), port=465)),
            587: stack.enter_context(serve(dialogue(starttls_cert=good), port=587)),
        }
        tried: list[tuple[str, Sent, Reading, int]] = []
        for number, one in enumerate(cases):
            dialect = load.dialect(one.app)
            assert dialect is not None
            reading = read(dialect, Scope(assignments=one.told), version=one.version)
            port = int(reading.used["port"].text or "0")
            # Who waits for a greeting at 465 waits as long as it waits for anything.
            if (reading.security is Security.TLS) or port != 465:
                tried.append((f"p{number}", one, reading, port))
        lines = []
        for name, one, _, _ in tried:
            line = {"id": name, "host": "localhost", "port": None, **one.line}
            lines.append(json.dumps(line).replace("ID", name) + "\n")
        said = answers(command, lines, {trust: str(certificates.ca_pem)})
        wrong = []
        for server in servers.values():
            server.join()
        for name, one, reading, port in tried:
            arrived = {
                number: {
                    bool(peer.tls)
                    for peer in server.connections
                    for login in peer.logins
                    if login.user == name
                }
                for number, server in servers.items()
            }
            there = {number: tls for number, tls in arrived.items() if tls}
            fits = (reading.security is Security.TLS) == (port == 465)
            expected = {port: {True}} if fits else {}
            if there != expected:
                wrong.append(f"{one.line}: {there}, expected {expected}: {said[name]}")
    print(json.dumps({"tried": len(tried), "wrong": wrong}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
