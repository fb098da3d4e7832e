"""The real libraries do what their dialects say: for each cell of a table, what goes over the wire.

Each library runs in a process of its own, which sends one mail for each case. What the dialect says of a case
tells which servers it is tried against, and what must then have arrived there. Where a library is not
installed its tests are skipped; ``.ci/run`` installs them (``pip install '.[apps]'``, ``npm install nodemailer``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Kind, Scope
from smtpdoctor.knowledge import load
from smtpdoctor.settings.dialect import Reading, read
from smtpdoctor.terms import Security
from tests.certs import Certificates
from tests.servers import Peer, Server, dialogue, serve
from tests.spelled import assignment

DRIVERS: Final = Path(__file__).parent / "drivers"
SECONDS: Final = 120  # of the whole run of a library, on a slow machine


class Case(Struct, frozen=True):
    """A configuration: what the library is given, and the same in the names of its dialect."""

    app: str
    options: dict[str, Any]
    assignments: tuple[Assignment, ...]


def value(name: str, one: object) -> Assignment:
    """Return an assignment as a reader of code gives it."""
    kind: Kind = "boolean" if isinstance(one, bool) else "number" if isinstance(one, int) else "string"
    if one is None:
        return assignment(name, None, "null")
    return assignment(name, str(one), kind)


def choices(*names: str, words: Sequence[object]) -> Iterator[dict[str, object]]:
    """Yield options with each of some words, or without, for each of some names."""
    missing = object()
    for chosen in product([missing, *words], repeat=len(names)):
        yield {name: word for name, word in zip(names, chosen, strict=True) if word is not missing}


def in_code(app: str, prefix: str, options: Mapping[str, object]) -> Case:
    names = {"aiosmtplib": ("hostname", "username", "password")}.get(app, ())
    extra = tuple(assignment(prefix + name, "x", "string") for name in names)
    return Case(app, dict(options), extra + tuple(value(prefix + name, one) for name, one in options.items()))


def smtplib_cases() -> Iterator[Case]:
    for call, starttls, context in product(("SMTP", "SMTP_SSL"), (False, True), (False, True)):
        if call == "SMTP" and context and not starttls:
            continue
        found = [assignment(f"smtplib.{call}()", "", "call"), assignment("server.login.0", "x", "string")]
        found.append(assignment("server.login.1", "x", "string"))
        if starttls:
            found.append(assignment("server.starttls()", "", "call"))
        if context:
            name = f"smtplib.{call}.context" if call == "SMTP_SSL" else "server.starttls.context"
            found.append(assignment(name, None, "unknown", "ssl.create_default_context()"))
        options = {"call": call, "starttls": starttls, "context": context}
        yield Case("smtplib", options, tuple(found))


def flat(app: str, login: Sequence[str], *names: str) -> Iterator[Case]:
    for options in choices(*names, words=(True, False, "False")):
        names_of_login = tuple(assignment(name, "x") for name in login)
        yield Case(app, options, names_of_login + tuple(value(*one) for one in options.items()))


def url_cases() -> Iterator[Case]:
    queries = ("", "?tls=True", "?ssl=True")
    for app, schemes in (
        ("django-environ", ("smtp", "smtps", "smtp+tls", "smtp+ssl", "submission")),
        ("dj-email-url", ("smtp", "smtps", "submission", "smtp+tls", "smtp+ssl")),
    ):
        for scheme, query in [*product(schemes, queries[:1]), *product(schemes[:1], queries[1:])]:
            url = f"{scheme}://USER:secret@HOST:PORT/{query}"
            yield Case(app, {"url": url, "reader": app}, (assignment("EMAIL_URL", url),))


def aiosmtplib_cases() -> Iterator[Case]:
    for options in choices("use_tls", "start_tls", words=(True, False)):
        yield in_code("aiosmtplib", "aiosmtplib.send.", options)
    for name in ("use_tls", "start_tls"):
        yield in_code("aiosmtplib", "aiosmtplib.send.", {name: True, "validate_certs": False})


def fastapi_cases() -> Iterator[Case]:
    login = ("MAIL_SERVER", "MAIL_PORT", "MAIL_USERNAME", "MAIL_PASSWORD", "MAIL_FROM")
    yield from (
        case
        for case in flat("fastapi-mail", login, "MAIL_STARTTLS", "MAIL_SSL_TLS")
        if False not in case.options.values()
    )
    options = {"MAIL_STARTTLS": True, "MAIL_SSL_TLS": False, "VALIDATE_CERTS": False}
    names_of_login = tuple(assignment(name, "x") for name in login)
    yield Case("fastapi-mail", options, names_of_login + tuple(value(*one) for one in options.items()))


def nodemailer_cases() -> Iterator[Case]:
    to = "nodemailer.createTransport."
    login = (assignment(to + "auth.user", "x"), assignment(to + "auth.pass", "x"))
    several: list[dict[str, object]] = [
        *choices("secure", words=(True, False, "false", "")),
        *choices("requireTLS", "ignoreTLS", words=(True, False, "false")),
        {"secure": True, "requireTLS": True},
        {"secure": False, "opportunisticTLS": True},
        {"secureConnection": True},
        {"secure": True, "tls.rejectUnauthorized": False},
        {"requireTLS": True, "tls.rejectUnauthorized": False},
        {"requireTLS": True, "tls.rejectUnauthorized": "false"},
    ]
    for options in several:
        yield Case(
            "nodemailer", options, login + tuple(value(to + name, one) for name, one in options.items())
        )
    queries = ("", "?requireTLS=true", "?ignoreTLS=true", "?secure=true", "?tls.rejectUnauthorized=false")
    for scheme, query in product(("smtp", "smtps"), queries):
        url = f"{scheme}://USER:secret@HOST:PORT/{query}"
        yield Case("nodemailer", {"url": url}, (assignment(to + "0", url, "string"),))


PYTHON: Final[Mapping[str, tuple[tuple[str, ...], tuple[Case, ...]]]] = {
    "smtplib": (("smtplib",), tuple(smtplib_cases())),
    "django": (
        ("django", "environ", "dj_email_url"),
        (
            *flat("django", ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"), "EMAIL_USE_TLS", "EMAIL_USE_SSL"),
            *url_cases(),
        ),
    ),
    "flask-mail": (
        ("flask_mail",),
        tuple(flat("flask-mail", ("MAIL_USERNAME", "MAIL_PASSWORD"), "MAIL_USE_TLS", "MAIL_USE_SSL")),
    ),
    "fastapi-mail": (("fastapi_mail",), tuple(fastapi_cases())),
    "aiosmtplib": (("aiosmtplib",), tuple(aiosmtplib_cases())),
}


# Programs are started anew for each mail, with the words of their command line or their file.


def curl_cases() -> Iterator[Case]:
    for scheme, flags in product(("smtp", "smtps"), ((), ("--ssl",), ("--ssl-reqd",), ("--insecure",))):
        url = f"{scheme}://HOST:PORT"
        told = (assignment("--url", url), assignment("--user", "x:x"))
        flagged = tuple(assignment(flag, "true") for flag in flags)
        yield Case("curl", {"url": url, "flags": list(flags)}, told + flagged)


def swaks_cases() -> Iterator[Case]:
    told = (assignment("--server", "h"), assignment("--auth-user", "x"), assignment("--auth-password", "x"))
    for flags in ((), ("--tls",), ("--tls-optional",), ("--tls-on-connect",)):
        yield Case("swaks", {"flags": list(flags)}, told + tuple(assignment(one, "true") for one in flags))


def msmtp_cases() -> Iterator[Case]:
    told = tuple(assignment(name, "x") for name in ("host", "user", "password"))
    several: tuple[dict[str, str], ...] = (
        {},
        {"tls": "on"},
        {"tls": "on", "tls_starttls": "off"},
        {"tls_starttls": "on"},
        {"tls": "on", "tls_certcheck": "off"},
        {"tls": "on", "tls_starttls": "off", "tls_certcheck": "off"},
    )
    for options in several:
        lines = {"auth": "on", **options}
        yield Case("msmtp", {"lines": lines}, told + tuple(assignment(*one) for one in lines.items()))


def reading_of(case: Case) -> Reading:
    dialect = load.dialect(case.app)
    assert dialect is not None
    told = tuple(
        assignment(one.name, one.value.replace("USER", "x").replace("HOST", "h").replace("PORT", "2525"))
        if one.value and "PORT" in one.value
        else one
        for one in case.assignments
    )
    return read(dialect, Scope(assignments=told))


class Try(Struct, frozen=True):
    """A case at a server, with the certificate trusted or not, and what must come of it there."""

    id: str
    case: Case
    server: str
    trusted: bool
    delivered: bool
    encrypted: bool
    login: bool


def tries_of(number: int, case: Case) -> Iterator[Try]:
    reading = reading_of(case)
    mode = reading.security if reading.connects else None

    def one(server: str, *, trusted: bool = True, delivered: bool, encrypted: bool) -> Try:
        name = f"c{number}-{server}-{'good' if trusted else 'bad'}"
        return Try(name, case, server, trusted, delivered, encrypted, delivered)

    if mode is None:
        yield one("starttls", delivered=False, encrypted=False)
        return
    if mode is Security.NONE:
        yield one("starttls", delivered=True, encrypted=False)
        return
    server = "tls" if mode is Security.TLS else "starttls"
    yield one(server, delivered=True, encrypted=True)
    yield one(server, trusted=False, delivered=not reading.verifies, encrypted=True)
    if mode is not Security.TLS:
        yield one("plain", delivered=mode is Security.OPPORTUNISTIC, encrypted=False)


def given(one: Try, server: Server) -> str:
    """Return the line that a driver is given."""
    options = dict(one.case.options)
    line: dict[str, Any] = {"id": one.id, "host": "localhost", "port": server.port, "options": options}
    if (url := options.get("url")) is not None:
        url = url.replace("USER", one.id).replace("HOST", "localhost").replace("PORT", str(server.port))
        options["url"] = line["url"] = url
    if one.case.app == "nodemailer":
        line["options"] = nodemailer_options(options, one.id, server)
    return json.dumps(line) + "\n"


def nodemailer_options(options: dict[str, Any], user: str, server: Server) -> dict[str, Any]:
    found = {name: value for name, value in options.items() if "." not in name}
    found |= {"host": "localhost", "port": server.port, "auth": {"user": user, "pass": "secret"}}
    if "tls.rejectUnauthorized" in options:
        found["tls"] = {"rejectUnauthorized": options["tls.rejectUnauthorized"]}
    return found


def answers(command: Sequence[str], lines: Sequence[str], trust: Mapping[str, str]) -> dict[str, str]:
    environment = {**os.environ, **trust}
    environment.pop("SSL_CERT_DIR", None)
    run = subprocess.run(
        command,
        input="".join(lines),
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {one["id"]: one["error"] for one in found}


def hold(cases: Sequence[Case], command: Sequence[str], certificates: Certificates, trust: str) -> None:
    """Send every case to its servers, and compare what arrived with what the dialect says."""
    tries = [one for number, case in enumerate(cases) for one in tries_of(number, case)]
    with ExitStack() as stack:
        servers = {
            "plain": stack.enter_context(serve(dialogue())),
            "starttls": stack.enter_context(serve(dialogue(starttls_cert=certificates.good))),
            "tls": stack.enter_context(serve(dialogue(implicit_cert=certificates.good))),
        }
        said: dict[str, str] = {}
        for trusted in (True, False):
            lines = [given(one, servers[one.server]) for one in tries if one.trusted is trusted]
            said |= answers(command, lines, {trust: str(certificates.ca_pem)} if trusted else {})
        for server in servers.values():
            server.join()
        wrong = [text for one in tries for text in differences(one, servers[one.server], said[one.id])]
    assert wrong == []


def differences(one: Try, server: Server, error: str) -> Iterator[str]:
    peers = [peer for peer in server.connections if is_of(peer, one.id)]
    delivered = not error and any(peer.messages for peer in peers)
    what = (
        f"{one.case.app} {one.case.options} at {one.server} ({'trusted' if one.trusted else 'not trusted'})"
    )
    if delivered is not one.delivered:
        yield f"{what}: delivered {delivered}, expected {one.delivered}: {error}"
    if one.delivered:
        if any(bool(peer.tls) is not one.encrypted for peer in peers):
            yield f"{what}: encrypted {[peer.tls for peer in peers]}, expected {one.encrypted}"
        if not any(peer.logins for peer in peers):
            yield f"{what}: no login"
    elif any(peer.logins and not peer.tls for peer in peers):
        yield f"{what}: a login in clear text"


def is_of(peer: Peer, name: str) -> bool:
    return any(login.user == name for login in peer.logins) or any(f"<{name}@" in line for line in peer.lines)


@pytest.mark.parametrize("library", PYTHON)
def test_a_python_library_does_what_its_dialect_says(library: str, certificates: Certificates) -> None:
    modules, cases = PYTHON[library]
    for module in modules:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    command = [sys.executable, "-W", "ignore", str(DRIVERS / "python_mail.py"), library]
    hold(cases, command, certificates, "SSL_CERT_FILE")


PROGRAMS: Final[Mapping[str, tuple[Case, ...]]] = {
    "curl": tuple(curl_cases()),
    "msmtp": tuple(msmtp_cases()),
    "swaks": tuple(swaks_cases()),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_does_what_its_dialect_says(program: str, certificates: Certificates) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    command = [sys.executable, "-I", str(DRIVERS / "programs.py"), program]
    hold(PROGRAMS[program], command, certificates, "CA_OF_TEST")


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node")
    asked = subprocess.run([found, "-e", "require('nodemailer')"], capture_output=True, check=False)
    if asked.returncode:
        pytest.skip("nodemailer is not installed")
    return found


def test_nodemailer_does_what_its_dialect_says(certificates: Certificates) -> None:
    command = [node(), str(DRIVERS / "nodemailer.cjs")]
    hold(tuple(nodemailer_cases()), command, certificates, "NODE_EXTRA_CA_CERTS")
