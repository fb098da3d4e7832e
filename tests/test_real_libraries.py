"""The real libraries do what their dialects say: for each cell of a table, what goes over the wire.

Each library runs in a process of its own, which sends one mail for each case. What the dialect says of a case
tells which servers it is tried against, and what must then have arrived there. Where a library is not
installed its tests are skipped; ``.ci/run`` installs them (``pip install '.[apps]'``, ``npm install nodemailer``,
and Debian's packages for PHP, Ruby, Java and Go).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Kind, Scope
from smtpdoctor.generate.plan import Wish
from smtpdoctor.generate.planning import kind_for
from smtpdoctor.knowledge import load
from smtpdoctor.model import Secret
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.reading import Reading
from smtpdoctor.smtp.channel import own_name
from smtpdoctor.smtp.command import ehlo_for
from smtpdoctor.terms import Security
from tests.certs import Certificates
from tests.servers import Peer, Server, dialogue, serve
from tests.spelled import assignment
from tests.written import written

DRIVERS: Final = Path(__file__).parent / "drivers"
SECONDS: Final = 120  # of the whole run of a library, on a slow machine


class Case(Struct, frozen=True):
    """A configuration: what the library is given, and the same in the names of its dialect."""

    app: str
    options: dict[str, Any]
    assignments: tuple[Assignment, ...]
    version: str = ""


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
        names_of_login = tuple(map(of_login, login))
        yield Case(app, options, names_of_login + tuple(value(*one) for one in options.items()))


def of_login(name: str) -> Assignment:
    """Return a setting that every case has; which value it has changes nothing, but that a port is a number."""
    return assignment(name, "587" if name.endswith("PORT") else "x")


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
    names_of_login = tuple(map(of_login, login))
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
    return read(dialect, Scope(assignments=told), version=case.version)


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


# Libraries of other languages, as Debian has them.


def phpmailer_cases(version: str) -> Iterator[Case]:
    login = {"mail.Host": "127.0.0.1", "mail.Username": "x", "mail.Password": "x"}
    base = tuple(assignment(name, text, "string") for name, text in login.items())
    base += (assignment("mail.SMTPAuth", "true", "boolean"), assignment("mail.isSMTP()", "", "call"))
    several: list[dict[str, Any]] = [
        *choices("SMTPSecure", words=("", "tls", "ssl", "TLS", "SSL", "starttls")),
        *({"SMTPAutoTLS": False, **one} for one in choices("SMTPSecure", words=("", "tls"))),
        {"prefix": "tls://"},
        {"prefix": "ssl://"},
        {"prefix": "tls://", "SMTPSecure": "ssl"},
    ]
    for options in several:
        told = [value(f"mail.{name}", one) for name, one in options.items() if name != "prefix"]
        if "prefix" in options:
            told.append(assignment("mail.Host", options["prefix"] + "127.0.0.1", "string"))
        yield Case("phpmailer", options, base + tuple(told), version)
    unchecked = {"ssl": {"verify_peer": False, "verify_peer_name": False, "allow_self_signed": True}}
    for word in ("tls", "ssl"):
        told = [assignment("mail.SMTPSecure", word, "string")]
        told += [value(f"mail.SMTPOptions.ssl.{name}", one) for name, one in unchecked["ssl"].items()]
        yield Case("phpmailer", {"SMTPSecure": word, "SMTPOptions": unchecked}, base + tuple(told), version)


def symfony_cases(version: str) -> Iterator[Case]:
    queries = (
        "",
        "?verify_peer=0",
        "?auto_tls=false",
        "?require_tls=true",
        "?encryption=tls",
        "?auth_mode=login",
    )
    for scheme, query in product(("smtp", "smtps"), queries):
        url = f"{scheme}://USER:secret@HOST:PORT{query}"
        yield Case("symfony", {"url": url}, (assignment("MAILER_DSN", url),), version)


def ruby_cases(version: str) -> Iterator[Case]:
    to = "config.action_mailer.smtp_settings."
    base = tuple(assignment(to + name, "x", "string") for name in ("address", "user_name", "password"))
    several: list[dict[str, Any]] = [
        *choices("enable_starttls_auto", words=(True, False, "false")),
        *choices("enable_starttls", words=(True, False, ":always", ":auto", "false")),
        *choices("tls", words=(True, False)),
        *choices("ssl", words=(True, False)),
        {"tls": True, "openssl_verify_mode": "none"},
        {"enable_starttls": True, "openssl_verify_mode": "none"},
    ]
    for options in several:
        told = tuple(
            assignment(to + name, one, "word") if str(one).startswith(":") else value(to + name, one)
            for name, one in options.items()
        )
        yield Case("rails", options, base + told, version)


def java_cases(version: str, *, spring: bool = False) -> Iterator[Case]:
    smtp = "mail.smtp."
    several: list[dict[str, str]] = [
        {},
        *({smtp + name: "true"} for name in ("starttls.enable", "starttls.required", "ssl.enable")),
        {smtp + "starttls.enable": "true", smtp + "starttls.required": "true"},
        {smtp + "starttls.enable": "true", smtp + "ssl.enable": "true"},
        {smtp + "ssl.enable": "true", smtp + "ssl.trust": "*"},
        {smtp + "starttls.required": "true", smtp + "ssl.trust": "*"},
        {
            smtp + "socketFactory.class": "javax.net.ssl.SSLSocketFactory",
            smtp + "socketFactory.fallback": "false",
        },
        {smtp + "starttls": "true"},
        {"mail.starttls.enable": "true"},
        {"protocol": "smtps"},
        {"protocol": "smtps", smtp + "starttls.enable": "true"},
    ]
    app, prefix = ("spring-boot", "spring.mail.properties.") if spring else ("javamail", "")
    names = ("spring.mail.host", "spring.mail.username", "spring.mail.password")
    code = ("transport.connect.0", "Transport.send.1", "Transport.send.2")
    base = tuple(assignment(name, "x", "string") for name in (names if spring else code))
    for options in several:
        told = [assignment(prefix + name, one) for name, one in options.items() if name != "protocol"]
        if "protocol" in options:
            name = "spring.mail.protocol" if spring else "session.getTransport.0"
            told.append(assignment(name, options["protocol"], "string"))
        yield Case(app, dict(options), base + tuple(told), version)


def go_cases() -> Iterator[Case]:
    place = assignment("smtp.SendMail.0", "localhost:PORT", "string")
    login = (assignment("smtp.PlainAuth.1", "x", "string"), assignment("smtp.PlainAuth.2", "x", "string"))
    yield Case("go-smtp", {"auth": True}, (place, *login))


def version_said(*command: str) -> str:
    """Return the version that a driver says of its library, "" where there is none."""
    if shutil.which(command[0]) is None:
        return ""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else ""


@pytest.mark.parametrize("library", ["phpmailer", "symfony"])
def test_a_php_library_does_what_its_dialect_says(library: str, certificates: Certificates) -> None:
    driver = str(DRIVERS / "mail.php")
    version = version_said("php", driver, "version", library)
    if not version:
        pytest.skip(f"no php with {library}")
    cases = {"phpmailer": phpmailer_cases, "symfony": symfony_cases}[library](version)
    hold(tuple(cases), ["php", driver, library], certificates, "SSL_CERT_FILE")


def test_rubys_mail_gem_does_what_its_dialect_says(certificates: Certificates) -> None:
    driver = str(DRIVERS / "mail.rb")
    version = version_said("ruby", driver, "version")
    if not version:
        pytest.skip("no ruby with the mail gem")
    hold(tuple(ruby_cases(version)), ["ruby", driver], certificates, "SSL_CERT_FILE")


# It sends a few mails and ends: to translate its code for speed would take longer than to run it.
SHORT_LIVED: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
JARS: Final = Path("/usr/share/java")
# Whose sender it is, the archives that it needs, the version that decides, and the names of its packages.
JAVA: Final[Mapping[str, tuple[str, tuple[str, ...], str, str]]] = {
    "javamail": ("javamail", ("javax.mail.jar", "javax.activation.jar"), "1.6.5", "javax.mail"),
    "jakarta mail": ("javamail", ("jakarta-mail.jar", "jakarta-activation.jar"), "2.0.0", "jakarta.mail"),
    "spring": (
        "spring-boot",
        (
            *("javax.mail.jar", "javax.activation.jar", "commons-logging.jar"),
            *(f"spring3-{part}.jar" for part in ("core", "beans", "context", "context.support")),
        ),
        "1.5.0",
        "javax.mail",
    ),
}


@pytest.fixture(scope="session")
def java(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Return what gives the command that sends through a library of Java; its driver is compiled once for each."""
    folder = tmp_path_factory.mktemp("java")

    def command(library: str) -> list[str]:
        _, names, _, package = JAVA[library]
        missing = [name for name in names if not (JARS / name).is_file()]
        if missing or shutil.which("javac") is None:
            pytest.skip(f"no javac, or no {', '.join(missing)}")
        classes = folder / package
        path = os.pathsep.join([*(str(JARS / name) for name in names), str(classes)])
        if not classes.exists():
            classes.mkdir()
            source = classes / "JavaMail.java"
            text = (DRIVERS / "JavaMail.java").read_text(encoding="utf-8")
            source.write_text(text.replace("javax.mail", package), encoding="utf-8")
            compiler = shutil.which("javac") or "javac"
            subprocess.run(
                [
                    compiler,
                    *(f"-J{one}" for one in SHORT_LIVED),
                    "-cp",
                    path,
                    "-d",
                    str(classes),
                    str(source),
                ],
                check=True,
            )
        return ["java", *SHORT_LIVED, "-cp", path, "JavaMail", *(["spring"] if library == "spring" else [])]

    return command


@pytest.mark.parametrize("library", JAVA)
def test_a_java_library_does_what_its_dialect_says(
    library: str, certificates: Certificates, java: Callable[[str], list[str]]
) -> None:
    version, spring = JAVA[library][2], library == "spring"
    hold(tuple(java_cases(version, spring=spring)), java(library), certificates, "CA_OF_TEST")


def test_gos_net_smtp_does_what_its_dialect_says(certificates: Certificates) -> None:
    if shutil.which("go") is None:
        pytest.skip("no go")
    hold(tuple(go_cases()), ["go", "run", str(DRIVERS / "mail.go")], certificates, "SSL_CERT_FILE")


def test_gos_net_smtp_logs_in_over_no_clear_connection_but_its_own_machines() -> None:
    if shutil.which("go") is None:
        pytest.skip("no go")
    with serve(dialogue(), host="127.0.0.2") as server:
        line = {"id": "c0", "host": "127.0.0.2", "port": server.port, "options": {"auth": True}}
        said = answers(["go", "run", str(DRIVERS / "mail.go")], [json.dumps(line) + "\n"], {})
        server.join()
    assert "unencrypted connection" in said["c0"]
    assert all(not peer.logins for peer in server.connections)


# Which mechanism a library takes of those that the server lists.

OPEN: Final = frozenset(
    {Security.NONE, Security.OPPORTUNISTIC}
)  # modes that a server without TLS will do for
LISTS: Final = (
    ("PLAIN", "LOGIN", "CRAM-MD5"),
    ("CRAM-MD5", "LOGIN", "PLAIN"),
    ("LOGIN", "PLAIN"),
    ("LOGIN",),
    ("CRAM-MD5",),
    ("XOAUTH2", "LOGIN"),
)


def hold_mechanisms(case: Case, command: Sequence[str]) -> None:
    """Log in to servers with other lists of mechanisms, and compare what was taken with the dialect's order."""
    reading = reading_of(case)
    order, listed = reading.mechanisms, reading.dialect.behaviour.as_listed
    assert order
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serve(dialogue(capabilities=(f"AUTH {' '.join(one)}",)))) for one in LISTS
        ]
        tries = [
            Try(f"m{number}", case, "", trusted=True, delivered=True, encrypted=False, login=True)
            for number in range(len(LISTS))
        ]
        lines = [given(one, server) for one, server in zip(tries, servers, strict=True)]
        answers(command, lines, {})
        wrong = []
        for offered, server in zip(LISTS, servers, strict=True):
            server.join()
            # A real server refuses what it does not list; this one lets anybody in.
            taken = [login.mechanism for peer in server.connections for login in peer.logins]
            taken = [one for one in taken if one in offered][:1]
            ranked = offered if listed else order
            expected = [one for one in ranked if one in order and one in offered and one != "XOAUTH2"][:1]
            if taken != expected:
                wrong.append((offered, taken, expected))
    assert wrong == []


@pytest.mark.parametrize("library", PYTHON)
def test_a_python_library_takes_the_mechanism_that_its_dialect_says(library: str) -> None:
    modules, cases = PYTHON[library]
    for module in modules:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    command = [sys.executable, "-W", "ignore", str(DRIVERS / "python_mail.py"), library]
    hold_mechanisms(next(one for one in cases if reading_of(one).security in OPEN), command)


@pytest.mark.parametrize("library", ["phpmailer", "symfony"])
def test_a_php_library_takes_the_mechanism_that_its_dialect_says(library: str) -> None:
    driver = str(DRIVERS / "mail.php")
    version = version_said("php", driver, "version", library)
    if not version:
        pytest.skip(f"no php with {library}")
    cases = {"phpmailer": phpmailer_cases, "symfony": symfony_cases}[library](version)
    hold_mechanisms(next(cases), ["php", driver, library])


@pytest.mark.parametrize("word", ["", ":login", ":cram_md5", ":plain"])
def test_rubys_mail_gem_takes_the_mechanism_that_its_settings_say(word: str) -> None:
    driver = str(DRIVERS / "mail.rb")
    version = version_said("ruby", driver, "version")
    if not version:
        pytest.skip("no ruby with the mail gem")
    case = next(ruby_cases(version))
    if word:
        told = assignment("config.action_mailer.smtp_settings.authentication", word, "word")
        case = Case("rails", {"authentication": word}, (*case.assignments, told), version)
    hold_mechanisms(case, ["ruby", driver])


def test_nodemailer_takes_the_mechanism_that_its_dialect_says() -> None:
    hold_mechanisms(next(nodemailer_cases()), [node(), str(DRIVERS / "nodemailer.cjs")])


def test_javamail_takes_the_mechanism_that_its_dialect_says(java: Callable[[str], list[str]]) -> None:
    hold_mechanisms(next(java_cases("1.6.5")), java("javamail"))


def test_gos_net_smtp_takes_the_mechanism_that_its_dialect_says() -> None:
    if shutil.which("go") is None:
        pytest.skip("no go")
    hold_mechanisms(next(go_cases()), ["go", "run", str(DRIVERS / "mail.go")])


# At the real ports, in a network of its own.


@pytest.mark.parametrize("library", ["nodemailer", "symfony", "aiosmtplib", "curl", "msmtp"])
def test_what_the_port_decides_is_read_right(library: str) -> None:
    from tests.namespace import may_have_a_network
    from tests.real_ports import missing

    if not may_have_a_network():
        pytest.skip("no network of its own for this process")
    if lacking := missing(library):
        pytest.skip(f"no {lacking}")
    command = ["unshare", "-n", sys.executable, "-m", "tests.real_ports", library]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        timeout=SECONDS,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tried"] >= 5
    assert found["wrong"] == []


@pytest.mark.parametrize(
    "library", ["smtplib", "django", "flask-mail", "aiosmtplib", "fastapi-mail", "symfony"]
)
def test_a_library_that_tries_all_mechanisms_goes_on_where_one_is_refused(library: str) -> None:
    """The first is refused whatever the password; the mail goes out by the next."""
    if library == "symfony":
        driver = str(DRIVERS / "mail.php")
        version = version_said("php", driver, "version", library)
        if not version:
            pytest.skip("no php with symfony")
        case, command = next(symfony_cases(version)), ["php", driver, library]
    else:
        modules, cases = PYTHON[library]
        for module in modules:
            if find_spec(module) is None:
                pytest.skip(f"{module} is not installed")
        case = next(one for one in cases if reading_of(one).security in OPEN)
        command = [sys.executable, "-W", "ignore", str(DRIVERS / "python_mail.py"), library]
    reading = reading_of(case)
    assert reading.dialect.behaviour.tries_all
    refusing = {"AUTH": ["535 5.7.8 Error: authentication failed", "235 2.7.0 Ok"]}
    with serve(dialogue(refusing, capabilities=("AUTH CRAM-MD5 PLAIN LOGIN",))) as server:
        one = Try("m0", case, "", trusted=True, delivered=True, encrypted=False, login=True)
        said = answers(command, [given(one, server)], {})
        server.join()
    assert said == {"m0": ""}
    taken = [login.mechanism for peer in server.connections for login in peer.logins]
    offered = [name for name in reading.mechanisms if name != "XOAUTH2"]
    assert taken == offered[:2]


def greeted(server: Server) -> str:
    """Return the name that the client gave for itself."""
    said = [line for peer in server.connections for line in peer.lines if line[:4].upper() == "EHLO"]
    return said[0].partition(" ")[2] if said else ""


@pytest.mark.parametrize("library", ["smtplib", "flask-mail", "nodemailer", "phpmailer", "symfony"])
def test_a_library_names_itself_as_its_dialect_says(library: str) -> None:
    """Where nothing is configured: the machine's name, its address, or always the same."""
    if library in PYTHON:
        modules, cases = PYTHON[library]
        for module in modules:
            if find_spec(module) is None:
                pytest.skip(f"{module} is not installed")
        case = next(one for one in cases if reading_of(one).security in OPEN)
        command = [sys.executable, "-W", "ignore", str(DRIVERS / "python_mail.py"), library]
    elif library == "nodemailer":
        case, command = next(nodemailer_cases()), [node(), str(DRIVERS / "nodemailer.cjs")]
    else:
        driver = str(DRIVERS / "mail.php")
        version = version_said("php", driver, "version", library)
        if not version:
            pytest.skip(f"no php with {library}")
        made = {"phpmailer": phpmailer_cases, "symfony": symfony_cases}[library]
        case, command = next(made(version)), ["php", driver, library]
    style = reading_of(case).dialect.behaviour.names_itself
    assert style
    with serve(dialogue()) as server:
        one = Try("m0", case, "", trusted=True, delivered=True, encrypted=False, login=True)
        answers(command, [given(one, server)], {})
        server.join()
    assert greeted(server) == ehlo_for(None, own_name(), "127.0.0.1", style).text


# What is written for an application is used as it stands: the library is given the file and nothing else.


def run_python(file: Path, _: str) -> list[str]:
    return [sys.executable, "-W", "ignore", str(file)]


def run_flat(file: Path, _: str) -> list[str]:
    return [sys.executable, "-W", "ignore", str(DRIVERS / "settings_mail.py"), str(file)]


def run_node(file: Path, _: str) -> list[str]:
    return [node(), str(file)]


def run_curl(file: Path, ca: str) -> list[str]:
    message = file.with_name("message")
    message.write_text("Subject: x\n\nx\n", encoding="utf-8")
    more = ["--cacert", ca, "--mail-rcpt", "somebody@example.test", "-T", str(message), "--max-time", "20"]
    return ["curl", "-sS", "--config", str(file), *more]


def run_msmtp(file: Path, ca: str) -> list[str]:
    file.chmod(0o600)
    return ["msmtp", "--file", str(file), f"--tls-trust-file={ca}", "somebody@example.test"]


def run_swaks(file: Path, ca: str) -> list[str]:
    more = ["--tls-ca-path", ca, "--to", "somebody@example.test", "--timeout", "20", "--silent", "2"]
    return ["swaks", "--config", str(file), *more]


WRITTEN: Final[Mapping[str, tuple[str, str, Callable[[Path, str], list[str]]]]] = {
    "smtplib": ("smtplib", "python", run_python),
    "aiosmtplib": ("aiosmtplib", "python", run_python),
    "django": ("django", "python", run_flat),
    "django-mailers": ("django", "python", run_flat),
    "flask-mail": ("flask_mail", "python", run_flat),
    "nodemailer": ("", "javascript", run_node),
    "curl": ("curl", "curlrc", run_curl),
    "msmtp": ("msmtp", "msmtprc", run_msmtp),
    "swaks": ("swaks", "swaksrc", run_swaks),
}
PASSWORD: Final = "p4ss 'word' \"$x\" #1 \\ ${y}"


@pytest.mark.parametrize("mode", [Security.TLS, Security.STARTTLS], ids=str)
@pytest.mark.parametrize("app", WRITTEN)
def test_a_mail_is_sent_with_what_was_written(
    app: str, mode: Security, certificates: Certificates, tmp_path: Path
) -> None:
    """The file alone leads to the server, over an encrypted connection, with the very login that was given."""
    needed, kind_name, command = WRITTEN[app]
    by_program = command in {run_curl, run_msmtp, run_swaks}
    if needed and (shutil.which(needed) if by_program else find_spec(needed)) is None:
        pytest.skip(f"{needed} is not installed")
    if app == "django-mailers" and not has_mailers():
        pytest.skip("this Django has no MAILERS")
    dialect, preset = load.dialect(app), load.preset("own")
    assert dialect is not None
    assert preset is not None
    certificate = certificates.good
    script = (
        dialogue(implicit_cert=certificate) if mode is Security.TLS else dialogue(starttls_cert=certificate)
    )
    with serve(script) as server:
        wish = Wish(
            host="localhost",
            port=server.port,
            security=mode,
            username="jane",
            password=Secret(PASSWORD),
            sender="jane@example.test",
        )
        _, text = written(dialect, kind_for(dialect, kind_name), preset, wish)
        file = tmp_path / {"python": "send_mail.py", "javascript": "send_mail.cjs"}.get(kind_name, kind_name)
        file.write_text(text, encoding="utf-8")
        ca = str(certificates.ca_pem)
        environment = {**os.environ, "SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca}
        environment.pop("SSL_CERT_DIR", None)
        done = subprocess.run(
            command(file, ca),
            input="Subject: x\n\nx\n",
            capture_output=True,
            text=True,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
        server.join()
        assert done.returncode == 0, (done.stdout, done.stderr, text)
        peers = [peer for peer in server.connections if peer.messages]
        assert len(peers) == 1, (done.stdout, done.stderr, text)
        assert peers[0].tls
        assert any("<jane@example.test>" in line for line in peers[0].lines)
        assert [login.user for login in peers[0].logins] == ["jane"]
        assert peers[0].logins[0].matches(PASSWORD)


def has_mailers() -> bool:
    from django.core import mail

    return hasattr(mail, "mailers")
