"""What a dialect says a library does is what the library did: every row that was recorded on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from smtpdoctor.formats.document import Assignment, Kind, Place, Region, Scope
from smtpdoctor.knowledge import load
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.reading import Reading
from tests.each import each

DATA: Final = Path(__file__).parent / "data"
NOWHERE: Final = Region(Place("", 1), 0, 0)
VALUE: Final = re.compile(r"""([A-Za-z_][\w.]*)=(\{.*?\}|"[^"]*"|'[^']*'|\S+)""")
Value = tuple[str | None, Kind]


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def typed(text: str) -> Value:
    """Return a value with the type that it has where it stands in code."""
    if text[:1] in {'"', "'"}:
        inner = text[1:-1]
        return (inner, "word") if inner.startswith(":") else (inner, "string")
    if text.lower() in {"true", "false"}:
        return text, "boolean"
    if text == "None":
        return None, "null"
    return text, "number" if text.isdigit() else "word"


def values(text: str) -> dict[str, Value]:
    return {name: typed(value) for name, value in VALUE.findall(text)}


def made(found: Mapping[str, Value | str], sources: Mapping[str, str] | None = None) -> Scope:
    """Return a scope with values; a text alone is one without a type."""
    assignments = []
    for name, value in found.items():
        text, kind = (value, "word") if isinstance(value, str) else value
        called: Kind = "call" if name.endswith("()") else kind
        source = (sources or {}).get(name, "")
        assignments.append(
            Assignment(name=name, value=None if source else text, region=NOWHERE, kind=called, source=source)
        )
    return Scope(assignments=tuple(assignments))


def under(prefix: str, found: Mapping[str, Value | str]) -> dict[str, Value | str]:
    return {prefix + name: value for name, value in found.items()}


Told = tuple[str, Scope]


def nodemailer(config: str) -> Told:
    to = "nodemailer.createTransport."
    if config.startswith("url "):
        return "nodemailer", made({to + "0": (config.removeprefix("url "), "string")})
    base: dict[str, Value | str] = {"host": "h", "auth.user": "user@mail.test", "auth.pass": "secret"}
    if "without auth.pass" in config:
        del base["auth.pass"]
        config = config.partition(" auth.")[0]
    found = values(config.partition(" ->")[0])
    if "tls" in found:
        _, verify = found.pop("tls")[0].strip("{}").split(": ")  # type: ignore[union-attr]
        found["tls.rejectUnauthorized"] = typed(verify)
    return "nodemailer", made(under(to, {**base, **found}))


def ghost(config: str) -> Told:
    base: dict[str, Value | str] = {"mail.transport": "SMTP", "mail.options.host": "h"}
    login: dict[str, Value | str] = {"mail.options.auth.user": "u", "mail.options.auth.pass": "p"}
    found = values(config.removeprefix("ghost SMTP "))
    return "ghost", made({**base, **login, **under("mail.options.", found)})


def smtplib(config: str) -> Told:
    call = config.partition(" ")[0].partition("+")[0]
    port = config.split("port ")[1].split(maxsplit=1)[0]
    found: dict[str, Value | str] = {
        f"smtplib.{call}()": "",
        f"smtplib.{call}.0": ("h", "string"),
        f"smtplib.{call}.1": (port, "number"),
        "server.login.0": ("user", "string"),
        "server.login.1": ("secret", "string"),
    }
    sources = {}
    if "starttls" in config:
        found["server.starttls()"] = ""
    if "default context" in config:
        name = "server.starttls.context" if "starttls" in config else f"smtplib.{call}.context"
        found[name] = (None, "call")
        sources[name] = "ssl.create_default_context()"
        found[name] = (None, "unknown")
    return "smtplib", made(found, sources)


def django(config: str) -> Told:
    if not config.startswith("MAILERS"):
        login = {"EMAIL_HOST": "h", "EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": "secret"}
        if "without password" in config:
            del login["EMAIL_HOST_PASSWORD"]
        return "django", made({**login, **values(config)})
    if config.startswith("MAILERS={}"):
        return "django-mailers", made({"MAILERS": ("{}", "word"), "EMAIL_HOST": "h", "EMAIL_PORT": "587"})
    options = values(config.removeprefix("MAILERS OPTIONS"))
    base: dict[str, Value | str] = {"username": "u", "password": "secret", "host": "h"}
    if "without host" in config:
        del base["host"]
    return "django-mailers", made(under("MAILERS.default.OPTIONS.", {**base, **options}))


def url(app: str, name: str) -> Callable[[str], Told]:
    return lambda config: (app, made({name: config}))


def flat(app: str, **base: str) -> Callable[[str], Told]:
    return lambda config: (app, made({**base, **values(config)}))


def aiosmtplib(config: str) -> Told:
    base: dict[str, Value | str] = {"hostname": "h", "username": "u", "password": "secret"}
    return "aiosmtplib", made(under("aiosmtplib.send.", {**base, **values(config)}))


def symfony(config: str) -> Told:
    if not config.startswith("laravel"):
        return "symfony", made({"MAILER_DSN": config})
    base = {"MAIL_HOST": "h", "MAIL_USERNAME": "u", "MAIL_PASSWORD": "secret", "MAIL_MAILER": "smtp"}
    found = values(config.removeprefix("laravel mailer"))
    return "laravel", made({**base, **under("mailers.smtp.", found)})


def phpmailer(config: str) -> Told:
    base: dict[str, Value | str] = {
        "Host": "h",
        "SMTPAuth": ("true", "boolean"),
        "Username": "u",
        "Password": "secret",
        "isSMTP()": "",
    }
    return "phpmailer", made(under("mail.", {**base, **values(config)}))


def ruby(config: str) -> Told:
    base: dict[str, Value | str] = {"address": "h", "user_name": "u", "password": "secret"}
    return "rails", made(under("config.action_mailer.smtp_settings.", {**base, **values(config)}))


def java(config: str) -> Told:
    protocol, port, rest = config.split(" ", 2)
    found: dict[str, Value | str] = {
        "transport.connect.0": ("h", "string"),
        f"mail.{protocol}.port": (port, "string"),
        "Transport.send.1": ("u", "string"),
        "Transport.send.2": ("secret", "string"),
        "session.getTransport.0": (protocol, "string"),
    }
    rest = rest.replace("=SSLSocketFactory", "=javax.net.ssl.SSLSocketFactory")
    for name, value in values(rest).items():
        found[name] = (value[0], "string")
    return "javamail", made(found)


def go_smtp(config: str) -> Told:
    found: dict[str, Value | str] = {
        "smtp.SendMail.0": f"h:{config.split('port ')[1].split(',', maxsplit=1)[0]}"
    }
    if "PlainAuth" in config:
        found |= {"smtp.PlainAuth.1": "u", "smtp.PlainAuth.2": "secret"}
    return "go-smtp", made(found)


def gomail(config: str) -> Told:
    policy = config.split("policy ")[1].split(",", maxsplit=1)[0]
    names = {"auto": "OpportunisticStartTLS", "mandatory": "MandatoryStartTLS", "no": "NoStartTLS"}
    found: dict[str, Value | str] = {
        "mail.NewDialer.0": "h",
        "mail.NewDialer.1": config.split("port ")[1].split(",", maxsplit=1)[0],
    }
    if "no login" not in config:
        found |= {"mail.NewDialer.2": "u", "mail.NewDialer.3": "secret"}
    if policy == "ssl":
        return "gomail", made({**found, "d.SSL": "true"})
    source = {"d.StartTLSPolicy": f"mail.{names[policy]}"}
    return "gomail", made({**found, "d.StartTLSPolicy": (None, "unknown")}, source)


def msmtp(config: str) -> Told:
    found = {"host": "h", "auth": "on", "user": "u", "password": "secret", "from": "u@mail.test"}
    for line in config.split("; "):
        name, _, value = line.partition(" ")
        found[name] = value
    return "msmtp", made(found)


def curl(config: str) -> Told:
    address, *flags = config.split()
    flags = ["--insecure" if flag == "-k" else flag for flag in flags]
    return "curl", made({"--url": address, "--user": "u:secret", **dict.fromkeys(flags, "true")})


def swaks(config: str) -> Told:
    flags = [flag for flag in config.split() if flag.startswith("--")]
    base = {"--server": "h", "--port": "587", "--auth-user": "u", "--auth-password": "secret"}
    return "swaks", made({**base, **dict.fromkeys(flags, "true")})


HARNESS: Final[Mapping[str, Callable[[str], Told]]] = {
    "nodemailer": nodemailer,
    "nodemailer6": nodemailer,
    "nodemailer7": nodemailer,
    "@tryghost/nodemailer": ghost,
    "smtplib": smtplib,
    "django": django,
    "django 6.1": django,
    "django-environ": url("django-environ", "EMAIL_URL"),
    "dj-email-url": url("dj-email-url", "EMAIL_URL"),
    "flask-mail": flat("flask-mail", MAIL_SERVER="h", MAIL_USERNAME="u", MAIL_PASSWORD="secret"),
    "fastapi-mail": flat(
        "fastapi-mail",
        MAIL_SERVER="h",
        MAIL_USERNAME="u",
        MAIL_PASSWORD="secret",
        MAIL_FROM="u@mail.test",
    ),
    "aiosmtplib": aiosmtplib,
    "symfony": symfony,
    "symfony (other)": symfony,
    "phpmailer": phpmailer,
    "phpmailer (other)": phpmailer,
    "ruby mail": ruby,
    "ruby mail (other)": ruby,
    "actionmailer": ruby,
    "javamail": java,
    "jakarta mail": java,
    "go net/smtp": go_smtp,
    "go mail.v2": gomail,
    "msmtp": msmtp,
    "curl": curl,
    "swaks": swaks,
}
# Which version of what the dialect counts by, where the row names another package.
VERSIONS: Final = {"actionmailer": "2.7.1"}
# A row whose answer is another file's than the one that the row is about.
FELL_BACK: Final = {
    # The first connection is TLS, the second is plain: what a port usually speaks decides which one serves.
    "tls, then a plain socket": "tls",
    "tls, then a plain socket with STARTTLS if offered": "opportunistic",
}


def reading_of(row: Mapping[str, Any]) -> Reading:
    app, scope = HARNESS[row["library"]](row["config"])
    dialect = load.dialect(app)
    assert dialect is not None, app
    version = VERSIONS.get(row["library"], row["version"]) if dialect.version_of else ""
    return read(dialect, scope, version=version)


def by_library(name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(name):
        found.setdefault(f"{row['library']} {row['version']}", []).append(row)
    return found


WIRE: Final = by_library("wire.jsonl")
NAMES: Final = by_library("wire-names.jsonl")


def ends(reading: Reading) -> bool:
    return any(odd.ends for odd in reading.oddities)


def differences(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield in what a dialect says something else than was recorded."""
    reading = reading_of(row)
    mode = row["mode"]
    if "->" in row["config"]:  # which host and port are used, and no connection
        used = (reading.used["host"].text, reading.used["port"].text, reading.security)
        if used != ("smtp.naver.com", "587", "opportunistic"):
            yield f"{row['config']}: {used}"
        return
    if mode is None or mode.startswith("error") or "refused" in mode:
        if not ends(reading) or reading.login_in_clear:
            yield f"{row['config']}: {reading.security}, and it never gets so far"
        return
    told = {
        "mode": reading.security if not ends(reading) else "error",
        "verifies": reading.verifies,
        "login_in_clear": reading.login_in_clear,
    }
    done = {**row, "mode": FELL_BACK.get(mode, mode)}
    if row["verifies"] is None:
        told["verifies"] = None
    for name, said in told.items():
        if said != done[name]:
            yield f"{row['config']}: {name} {said!r}, and it was {done[name]!r}"


@each("library", WIRE)
def test_a_dialect_does_what_its_library_did(library: str) -> None:
    assert [text for row in WIRE[library] for text in differences(row)] == []


@each("library", NAMES)
def test_a_dialect_checks_the_host_name_where_its_library_did(library: str) -> None:
    for row in NAMES[library]:
        assert reading_of(row).checks_name is row["checks_host_name"], row["config"]


def recorded() -> Iterator[str]:
    yield from (row["library"] for row in rows("wire.jsonl"))
    yield from (row["library"] for row in rows("wire-names.jsonl"))


def test_every_library_that_was_recorded_has_a_dialect() -> None:
    assert set(recorded()) == set(HARNESS)
