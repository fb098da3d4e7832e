"""Faults put into working files by rule, and how many of them ``fix`` mends.

``python benchmarks/faults.py`` writes a table: for each application and syntax how many faults were put in,
how many of these the rules find at all, and how many are mended so that the application reads what it read
before. ``--show`` lists what is not mended. A fault is one change of a value or a name that the file's own
reader takes for another one; two at once where ``--two`` says so. Nothing here knows how a fault is mended.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from smtpdoctor.cli.known import Known
from smtpdoctor.cli.settings import Request
from smtpdoctor.cli.states import state_for
from smtpdoctor.errors import UsageError
from smtpdoctor.fix import plan
from smtpdoctor.fix.plan import Plan
from smtpdoctor.fix.state import Budget, State, Subject
from smtpdoctor.formats.document import Assignment
from smtpdoctor.formats.editing import Edit, spellings
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Flag
from smtpdoctor.model import Security, Settings

__all__ = [
    "APPS",
    "KINDS",
    "LOGINS",
    "Case",
    "Fault",
    "Result",
    "cases",
    "faults_in",
    "files_of",
    "tried",
    "working",
]


_SHORTEST: Final = 4  # letters of a name in which one can be lost
_MOST_LINES: Final = 2  # that come for one or two faults


class Login(NamedTuple):
    """A provider's server and an account of it, made up in the right form."""

    host: str
    user: str
    password: str
    sender: str


LOGINS: Final = {
    "gmail": Login("smtp.gmail.com", "app.team@gmail.com", "abcdefghijklmnop", "app.team@gmail.com"),
    "naver": Login("smtp.naver.com", "ourmailer@naver.com", "ABCD1234EFGH", "ourmailer@naver.com"),
    "resend": Login(
        "smtp.resend.com", "resend", "re_AbCdEf12_3456789AbCdEfGhIjKlMnOp", "hello@shop.example.org"
    ),
    "sendgrid": Login(
        "smtp.sendgrid.net",
        "apikey",
        "SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq",
        "hello@shop.example.org",
    ),
}


class App(NamedTuple):
    """An application's file: its name, and its text for TLS from the first byte and for STARTTLS.

    ``beside`` are files that lie beside it.
    """

    id: str
    name: str
    text: str
    tls: str
    starttls: str
    beside: Mapping[str, str] = {}


def _env(app: str, name: str, head: str, names: str, tls: str, starttls: str) -> App:
    """Return an application that is set by a `.env`: ``names`` are those of host, port, user, password, sender."""
    host, port, user, password, sender = names.split()
    lines = [
        *head.split("|"),
        "# mail",
        f"{host}={{host}}",
        f"{port}={{port}}",
        f"{user}={{user}}",
        f"{password}={{password}}",
        f"{sender}={{sender}}",
        "{mode}",
        "LOG_LEVEL=info   # of the whole",
        "",
    ]
    return App(app, name, "\n".join(lines), tls.replace("|", "\n"), starttls.replace("|", "\n"))


def _compose(
    app: str, image: str, names: str, tls: str, starttls: str, head: str = "", *, listed: bool = False
) -> App:
    host, port, user, password, sender = names.split()
    pairs = [
        *(one.split("=", 1) for one in filter(None, head.split("|"))),
        [host, "{host}"],
        [port, "{port}"],
        [user, "{user}"],
        [password, "{password}"],
        [sender, "{sender}"],
    ]

    def lines(each: list[list[str]]) -> str:
        if listed:
            return "\n".join(f"      - {name}={value}" for name, value in each)
        return "\n".join(f'      {name}: "{value}"' for name, value in each)

    modes = {
        mode: lines([one.split("=", 1) for one in text.split("|")])
        for mode, text in (("tls", tls), ("starttls", starttls))
    }
    text = f"services:\n  db:\n    image: postgres:17\n  app:\n    image: {image}\n    restart: always\n    environment:\n{lines(pairs)}\n{{mode}}\n    ports:\n      - 80:80\n"
    return App(app, "docker-compose.yml", text, modes["tls"], modes["starttls"])


_SMTP: Final = "SMTP_HOST SMTP_PORT SMTP_USERNAME SMTP_PASSWORD"
APPS: Final[tuple[App, ...]] = (
    _env("smtp", ".env", "", f"{_SMTP} SMTP_SENDER", "SMTP_TLS=true", "SMTP_TLS=false|SMTP_OPPORTUNISTIC_TLS=true"),
    _compose("abc-user-feedback", "linecorp/abc-user-feedback:latest", f"{_SMTP} SMTP_SENDER", "SMTP_TLS=true", "SMTP_TLS=false", "SMTP_BASE_URL=https://fb.example.org", listed=True),
    _env("laravel", ".env", 'APP_NAME="Our Shop"|APP_ENV=production|MAIL_MAILER=smtp', "MAIL_HOST MAIL_PORT MAIL_USERNAME MAIL_PASSWORD MAIL_FROM_ADDRESS", "MAIL_SCHEME=smtps", "MAIL_SCHEME=smtp"),
    App("django", "settings.py", 'import os\n\nINSTALLED_APPS = ["django.contrib.auth"]\n\nEMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"\nEMAIL_HOST = "{host}"\nEMAIL_PORT = {port}\nEMAIL_HOST_USER = "{user}"  # the account\nEMAIL_HOST_PASSWORD = "{password}"\nDEFAULT_FROM_EMAIL = "{sender}"\n{mode}\nDEBUG = False\n', "EMAIL_USE_SSL = True", "EMAIL_USE_TLS = True"),
    App("spring-boot", "application.yml", "server:\n  port: 8080\nspring:\n  mail:\n    host: {host}\n    port: {port}\n    username: {user}\n    password: {password}   # of the account\n    properties:\n      mail:\n        smtp:\n          auth: true\n          from: {sender}\n{mode}\n  datasource:\n    url: jdbc:h2:mem:x\n", "          ssl:\n            enable: true", "          starttls:\n            enable: true\n            required: true"),
    App("spring-boot", "application.properties", "server.port=8080\nspring.mail.host={host}\nspring.mail.port={port}\nspring.mail.username={user}\nspring.mail.password={password}\nspring.mail.properties.mail.smtp.auth=true\nspring.mail.properties.mail.smtp.from={sender}\n{mode}\nlogging.level.root=INFO\n", "spring.mail.properties.mail.smtp.ssl.enable=true", "spring.mail.properties.mail.smtp.starttls.enable=true\nspring.mail.properties.mail.smtp.starttls.required=true"),
    App("rails", "config/environments/production.rb", 'Rails.application.configure do\n  config.action_mailer.delivery_method = :smtp\n  config.action_mailer.default_options = {{ from: "{sender}" }}\n  config.action_mailer.smtp_settings = {{\n    address: "{host}",\n    port: {port},\n    user_name: "{user}",\n    password: "{password}",\n{mode}\n    authentication: :plain\n  }}\n  config.log_level = :info\nend\n', "    tls: true,", "    enable_starttls: true,"),
    App("gitlab", "gitlab.rb", "external_url 'https://git.example.org'\ngitlab_rails['smtp_enable'] = true\ngitlab_rails['smtp_address'] = \"{host}\"\ngitlab_rails['smtp_port'] = {port}\ngitlab_rails['smtp_user_name'] = \"{user}\"\ngitlab_rails['smtp_password'] = \"{password}\"\ngitlab_rails['smtp_authentication'] = \"login\"\n{mode}\ngitlab_rails['gitlab_email_from'] = '{sender}'\n# nothing below\n", "gitlab_rails['smtp_tls'] = true\ngitlab_rails['smtp_enable_starttls_auto'] = false", "gitlab_rails['smtp_tls'] = false\ngitlab_rails['smtp_enable_starttls_auto'] = true"),
    _env("mastodon", ".env.production", "LOCAL_DOMAIN=social.example.org", "SMTP_SERVER SMTP_PORT SMTP_LOGIN SMTP_PASSWORD SMTP_FROM_ADDRESS", "SMTP_TLS=true|SMTP_ENABLE_STARTTLS=never", "SMTP_ENABLE_STARTTLS=always"),
    App("discourse", "app.yml", "templates:\n  - templates/postgres.template.yml\nenv:\n  LC_ALL: en_US.UTF-8\n  DISCOURSE_HOSTNAME: forum.example.org\n  DISCOURSE_SMTP_ADDRESS: {host}\n  DISCOURSE_SMTP_PORT: {port}\n  DISCOURSE_SMTP_USER_NAME: {user}\n  DISCOURSE_SMTP_PASSWORD: \"{password}\"\n  DISCOURSE_NOTIFICATION_EMAIL: {sender}\n{mode}\nvolumes:\n  - volume:\n      host: /var/discourse\n", "  DISCOURSE_SMTP_FORCE_TLS: true", "  DISCOURSE_SMTP_ENABLE_START_TLS: true"),
    _compose("ghost", "ghost:6-alpine", "mail__options__host mail__options__port mail__options__auth__user mail__options__auth__pass mail__from", "mail__options__secure=true", "mail__options__secure=false", "url=https://blog.example.org|mail__transport=SMTP"),
    _env("n8n", ".env", "N8N_HOST=n8n.example.org|N8N_EMAIL_MODE=smtp", "N8N_SMTP_HOST N8N_SMTP_PORT N8N_SMTP_USER N8N_SMTP_PASS N8N_SMTP_SENDER", "N8N_SMTP_SSL=true", "N8N_SMTP_SSL=false|N8N_SMTP_STARTTLS=true"),
    _env("outline", "docker.env", "SECRET_KEY=0123456789abcdef0123456789abcdef|UTILS_SECRET=fedcba|URL=https://wiki.example.org", f"{_SMTP} SMTP_FROM_EMAIL", "SMTP_SECURE=true", "SMTP_SECURE=false"),
    _compose("directus", "directus/directus:11", "EMAIL_SMTP_HOST EMAIL_SMTP_PORT EMAIL_SMTP_USER EMAIL_SMTP_PASSWORD EMAIL_FROM", "EMAIL_SMTP_SECURE=true", "EMAIL_SMTP_SECURE=false", "EMAIL_TRANSPORT=smtp", listed=True),
    _env("calcom", ".env", "NEXT_PUBLIC_WEBAPP_URL=https://cal.example.org|CALENDSO_ENCRYPTION_KEY=abcdefghijklmnop", "EMAIL_SERVER_HOST EMAIL_SERVER_PORT EMAIL_SERVER_USER EMAIL_SERVER_PASSWORD EMAIL_FROM", "EMAIL_FROM_NAME=Cal", "EMAIL_FROM_NAME=Cal"),
    _compose("formbricks", "ghcr.io/formbricks/formbricks:latest", "SMTP_HOST SMTP_PORT SMTP_USER SMTP_PASSWORD MAIL_FROM", "SMTP_SECURE_ENABLED=1", "SMTP_SECURE_ENABLED=0"),
    _env("plausible", "plausible-conf.env", "BASE_URL=https://stats.example.org|SECRET_KEY_BASE=GLVzDZW04FzuS1gMcmBRVhwgd4Gu9YmSl", "SMTP_HOST_ADDR SMTP_HOST_PORT SMTP_USER_NAME SMTP_USER_PWD MAILER_EMAIL", "MAILER_ADAPTER=Bamboo.SMTPAdapter|SMTP_HOST_SSL_ENABLED=true", "MAILER_ADAPTER=Bamboo.SMTPAdapter|SMTP_HOST_SSL_ENABLED=false"),
    _compose("vaultwarden", "vaultwarden/server:latest", f"{_SMTP} SMTP_FROM", "SMTP_SECURITY=force_tls", "SMTP_SECURITY=starttls", "DOMAIN=https://vault.example.org"),
    _env("authentik", ".env", "PG_PASS=abc|AUTHENTIK_SECRET_KEY=def", "AUTHENTIK_EMAIL__HOST AUTHENTIK_EMAIL__PORT AUTHENTIK_EMAIL__USERNAME AUTHENTIK_EMAIL__PASSWORD AUTHENTIK_EMAIL__FROM", "AUTHENTIK_EMAIL__USE_TLS=false|AUTHENTIK_EMAIL__USE_SSL=true", "AUTHENTIK_EMAIL__USE_TLS=true|AUTHENTIK_EMAIL__USE_SSL=false"),
    App("grafana", "grafana.ini", "[server]\ndomain = metrics.example.org\n\n[smtp]\nenabled = true\nhost = {host}:{port}\nuser = {user}\npassword = {password}\nfrom_address = {sender}\n{mode}\n\n[users]\ndefault_theme = system\n", "skip_verify = false", "startTLS_policy = MandatoryStartTLS"),
    App("gitea", "app.ini", "APP_NAME = Git\n\n[mailer]\nENABLED = true\nSMTP_ADDR = {host}\nSMTP_PORT = {port}\nUSER = {user}\nPASSWD = `{password}`\nFROM = {sender}\n{mode}\n\n[server]\nDOMAIN = git.example.org\n", "PROTOCOL = smtps", "PROTOCOL = smtp+starttls"),
    _compose("nextcloud", "nextcloud:31-apache", "SMTP_HOST SMTP_PORT SMTP_NAME SMTP_PASSWORD OVERWRITEHOST", "SMTP_SECURE=ssl|MAIL_FROM_ADDRESS={local}|MAIL_DOMAIN={domain}", "SMTP_SECURE=tls|MAIL_FROM_ADDRESS={local}|MAIL_DOMAIN={domain}", listed=True),
    App("wordpress", "wp-config.php", "<?php\ndefine( 'DB_NAME', 'wp' );\ndefine( 'WPMS_ON', true );\ndefine( 'WPMS_MAILER', 'smtp' );\ndefine( 'WPMS_SMTP_HOST', '{host}' ); // the server\ndefine( 'WPMS_SMTP_PORT', {port} );\ndefine( 'WPMS_SMTP_AUTH', true );\ndefine( 'WPMS_SMTP_USER', '{user}' );\ndefine( 'WPMS_SMTP_PASS', '{password}' );\ndefine( 'WPMS_MAIL_FROM', '{sender}' );\n{mode}\n$table_prefix = 'wp_';\n", "define( 'WPMS_SSL', 'ssl' );", "define( 'WPMS_SSL', 'tls' );"),
    _env("airflow", ".env", "AIRFLOW_UID=50000", "AIRFLOW__SMTP__SMTP_HOST AIRFLOW__SMTP__SMTP_PORT AIRFLOW__SMTP__SMTP_USER AIRFLOW__SMTP__SMTP_PASSWORD AIRFLOW__SMTP__SMTP_MAIL_FROM", "AIRFLOW__SMTP__SMTP_SSL=true|AIRFLOW__SMTP__SMTP_STARTTLS=false", "AIRFLOW__SMTP__SMTP_SSL=false|AIRFLOW__SMTP__SMTP_STARTTLS=true"),
    App("sentry", "sentry/config.yml", "# Mail\nmail.backend: 'smtp'  # Use dummy to disable\nmail.host: '{host}'\nmail.port: {port}\nmail.username: '{user}'\nmail.password: '{password}'\n{mode}\nmail.from: '{sender}'\nsystem.url-prefix: https://sentry.example.org\n", "mail.use-ssl: true", "mail.use-tls: true"),
    App("symfony", ".env", "APP_ENV=prod\nMAILER_DSN={scheme}://{quoted}:{password}@{host}:{port}\nDATABASE_URL=sqlite:///x.db\n", "smtps", "smtp"),
    App("nodemailer", "mailer.js", "import nodemailer from 'nodemailer';\n\nexport const transporter = nodemailer.createTransport({{\n  host: '{host}', // the server\n  port: {port},\n{mode}\n  auth: {{\n    user: '{user}',\n    pass: '{password}',\n  }},\n}});\n\nexport const send = (to) => transporter.sendMail({{ from: '{sender}', to }});\n", "  secure: true,", "  secure: false,\n  requireTLS: true,"),
    App("nextauth", ".env.local", "NEXTAUTH_URL=https://x.example.org\nEMAIL_SERVER={scheme}://{quoted}:{password}@{host}:{port}\nEMAIL_FROM={sender}\n", "smtps", "smtp"),
    App("msmtp", "msmtprc", "defaults\nauth           on\ntls            on\nlogfile        ~/.msmtp.log\n\naccount        main\nhost           {host}\nport           {port}\nfrom           {sender}\nuser           {user}\npassword       {password}\n{mode}\n\naccount default : main\n", "tls_starttls   off", "tls_starttls   on"),
    App("alertmanager", "alertmanager.yml", "global:\n  resolve_timeout: 5m\n  smtp_smarthost: '{host}:{port}'\n  smtp_from: '{sender}'\n  smtp_auth_username: '{user}'\n  smtp_auth_password: '{password}'\n{mode}\nroute:\n  receiver: default\nreceivers:\n  - name: default\n", "  smtp_require_tls: false", "  smtp_require_tls: true"),
    App("kratos", "kratos.yml", "serve:\n  public:\n    base_url: https://auth.example.org/\ncourier:\n  smtp:\n    connection_uri: {scheme}://{quoted}:{password}@{host}:{port}/\n    from_address: {sender}\n", "smtps", "smtp"),
    App("dotnet", "appsettings.json", '{{\n  "Logging": {{ "LogLevel": {{ "Default": "Information" }} }},\n  "EmailSettings": {{\n    "SmtpServer": "{host}",\n    "SmtpPort": {port},\n    "SenderEmail": "{sender}",\n    "SmtpUsername": "{user}",\n    "SmtpPassword": "{password}",\n    "EnableSsl": true\n  }}\n}}\n', "", "x"),
    _compose("openproject", "openproject/openproject:16", "OPENPROJECT_SMTP__ADDRESS OPENPROJECT_SMTP__PORT OPENPROJECT_SMTP__USER__NAME OPENPROJECT_SMTP__PASSWORD OPENPROJECT_MAIL__FROM", "OPENPROJECT_SMTP__SSL=true|OPENPROJECT_SMTP__ENABLE__STARTTLS__AUTO=false", "OPENPROJECT_SMTP__SSL=false|OPENPROJECT_SMTP__ENABLE__STARTTLS__AUTO=true", "OPENPROJECT_EMAIL__DELIVERY__METHOD=smtp"),
    App("phpmailer", "mail.php", "<?php\nuse PHPMailer\\PHPMailer\\PHPMailer;\n$mail = new PHPMailer(true);\n$mail->isSMTP();\n$mail->Host = '{host}';\n$mail->SMTPAuth = true;\n$mail->Username = '{user}';\n$mail->Password = '{password}';\n{mode}\n$mail->Port = {port};\n$mail->setFrom('{sender}', 'Shop');\n$mail->send();\n", "$mail->SMTPSecure = PHPMailer::ENCRYPTION_SMTPS;", "$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;"),
    App("keycloak", "realm.json", '{{\n  "realm": "main",\n  "smtpServer": {{\n    "host": "{host}",\n    "port": "{port}",\n    "from": "{sender}",\n    "auth": "true",\n    "user": "{user}",\n    "password": "{password}",\n{mode}\n  }}\n}}\n', '    "ssl": "true",\n    "starttls": "false"', '    "ssl": "false",\n    "starttls": "true"'),
    App("outline", "compose.yml", "services:\n  wiki:\n    image: outlinewiki/outline:latest\n    environment:\n      SMTP_HOST: ${{SMTP_HOST}}\n      SMTP_PORT: ${{SMTP_PORT}}\n      SMTP_USERNAME: ${{SMTP_USERNAME}}\n      SMTP_PASSWORD: ${{SMTP_PASSWORD}}\n      SMTP_FROM_EMAIL: {sender}\n{mode}\n", "      SMTP_SECURE: \"true\"", "      SMTP_SECURE: \"false\"", {".env": "# of Compose\nSMTP_HOST={host}\nSMTP_PORT={port}\nSMTP_USERNAME={user}\nSMTP_PASSWORD={password}\nOTHER='a b'\n"}),
)  # fmt: skip


def files_of(app: App, provider: str, mode: str) -> dict[str, str]:
    """Return the working files of an application, by name; the first is the one to be named."""
    login = LOGINS[provider]
    local, _, domain = login.sender.partition("@")
    values = {
        **login._asdict(),
        "port": "465" if mode == "tls" else "587",
        "scheme": app.tls if mode == "tls" else app.starttls,
        "quoted": login.user.replace("@", "%40"),
        "local": local,
        "domain": domain,
    }
    values["mode"] = (
        (app.tls if mode == "tls" else app.starttls)
        .replace("{{", "{")
        .replace("{local}", local)
        .replace("{domain}", domain)
    )
    return {name: text.format(**values) for name, text in {app.name: app.text, **app.beside}.items()}


def working(folder: Path, files: Mapping[str, str]) -> State | None:
    """Write files, and return their state where nothing is wrong with them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    main = folder / next(iter(files))
    try:
        base = main.name == ".env" and "\nSMTP_SENDER=" in next(iter(files.values()))
        request = Request(
            config=None if base else [main], env_file=[main] if base else None, no_environment=True
        )
        return state_for(request, lang="en", known=Known())
    except UsageError:
        return None


class Fault(NamedTuple):
    """A fault: its kind, the setting or name, and the edit that puts it in."""

    kind: str
    about: str
    edit: Edit


KINDS: Final = (
    "port",
    "mode",
    "scheme",
    "host-port",
    "misspelt",
    "quotes",
    "blank",
    "word",
    "name",
    "sender",
    "login",
    "switch",
)


def faults_in(state: State, chosen: random.Random, kinds: Collection[str] = KINDS) -> Iterator[Fault]:
    """Yield the faults that a working file can have, of some kinds or of all."""
    subject = state.subjects[0]
    for kind in kinds:
        for about, one, values in _values_of(kind, subject, chosen):
            if one is None or not one.region.place.path:
                continue
            if kind == "name":
                yield from _renamed(state, one)
                continue
            for value in values:
                edit = _written(state, subject, one, value)
                if edit is not None:
                    yield Fault(kind, about, edit)


_Values = Iterator[tuple[str, Assignment | None, list[str]]]
"""What a fault is about, the assignment that it is put into, and the values that make it."""


def _values_of(kind: str, subject: Subject, chosen: random.Random) -> _Values:
    return _misspelt(subject, chosen) if kind == "misspelt" else _VALUES[kind](subject)


def _used(subject: Subject) -> dict[str, Assignment]:
    return {name: one.at for name, one in subject.reading.used.items() if one.at is not None}


def _whole(subject: Subject) -> dict[str, Assignment]:
    """Return what gives a setting a value of its own, no part of another one."""
    return {name: one for name, one in _used(subject).items() if "@" not in one.name}


def _host(subject: Subject) -> str:
    return subject.loaded.settings.host.value if subject.loaded.settings.host else ""


def _flags(subject: Subject) -> Iterator[tuple[str, Flag, Assignment]]:
    for name, flag in subject.dialect.flags.items():
        there = (subject.assignment(each) for each in flag.names or (name,))
        one = next((at for at in there if at is not None), None)
        if one is not None and one.value is not None:
            yield name, flag, one


def _ports(subject: Subject) -> _Values:
    one = _used(subject).get("port")
    if one is None:
        return
    parent = subject.assignment(one.name.partition("@")[0])
    old = one.value or ""
    new = "587" if old == "465" else "465"
    whole = (
        (parent.value or "").replace(f":{old}", f":{new}") if "@" in one.name and parent is not None else new
    )
    yield "port", parent, [whole]


def _modes(subject: Subject) -> _Values:
    for name, flag, one in _flags(subject):
        words = [word for several in flag.states.values() for word in several]
        yield name, one, [w for w in words if w and w[0] not in "=*:" and "*" not in w and w != one.value]
    for name, flag in subject.dialect.flags.items():
        for each in flag.names or (name,):
            parent = subject.assignment(each.partition("@")[0]) if each.endswith("@scheme") else None
            if parent is not None and "://" in (parent.value or ""):
                scheme, _, rest = (parent.value or "").partition("://")
                yield name, parent, [f"{'smtp' if scheme == 'smtps' else 'smtps'}://{rest}"]


def _schemes(subject: Subject) -> _Values:
    text = _host(subject)
    yield "host", _whole(subject).get("host"), [f"smtp://{text}", f"https://{text}", f"smtps://{text}/"]


def _host_ports(subject: Subject) -> _Values:
    port = subject.loaded.settings.port
    yield "host", _whole(subject).get("host"), [f"{_host(subject)}:{port.value if port else 587}"]


def _misspelt(subject: Subject, chosen: random.Random) -> _Values:
    text = _host(subject)
    at = chosen.randrange(5, len(text) - 5)
    slips = [
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        text[:at] + text[at + 1 :],
        text.replace("smtp", "stmp", 1),
        text.removesuffix("m") + "n" if text.endswith("m") else text + "t",
    ]
    one = _used(subject).get("host")
    parent = subject.assignment(one.name.partition("@")[0]) if one is not None else None
    value = (parent.value or "") if parent is not None else ""
    # What is a provider's own name is no slip to be seen: smtp.mail.com.
    yield "host", parent, [value.replace(text, slip) for slip in slips if load.names().of_host(slip) is None]


def _quoted(subject: Subject) -> _Values:
    for name, one in _whole(subject).items():
        if name in {"username", "password", "host"}:
            yield name, one, [f'"{one.value}"', f"'{one.value}'"]


def _blank(subject: Subject) -> _Values:
    for name, one in _whole(subject).items():
        if name in {"username", "password", "host"}:
            yield name, one, [f"{one.value} ", f" {one.value}"]


def _words(subject: Subject) -> _Values:
    for name, _, one in _flags(subject):
        value = one.value or ""
        words = {
            "true": ["True", "TRUE", "yes", "on", "1", "ture"],
            "1": ["true", "True", "yes", "on"],
            "false": ["False", "no", "off", "flase"],
            "0": ["false", "no", "off"],
        }.get(value.lower(), [value.upper(), value[:-1], f"{value}s"] if value else [])
        yield name, one, [word for word in words if word != value]


def _names(subject: Subject) -> _Values:
    for name, one in _whole(subject).items():
        if name in {"host", "port", "username", "password"}:
            yield name, one, []


def _senders(subject: Subject) -> _Values:
    one = _whole(subject).get("sender")
    if one is not None and "@naver" in (one.value or ""):
        yield "sender", one, ["someone@example.org", "ourmailr@naver.com"]


def _logins(subject: Subject) -> _Values:
    one = _whole(subject).get("username")
    if one is not None and one.value and "@" not in one.value:
        yield "username", one, ["me@shop.example.org", one.value.upper()]


def _switches(subject: Subject) -> _Values:
    for switch in subject.dialect.switch:
        there = (subject.assignment(each) for each in switch.names)
        one = next((at for at in there if at is not None), None)
        if one is not None and one.value and "@" not in one.name and not switch.on[0].startswith("!"):
            yield switch.names[0], one, ["false" if one.value.lower() in {"true", "1"} else "log"]


_VALUES: Final[Mapping[str, Callable[[Subject], _Values]]] = {
    "port": _ports,
    "mode": _modes,
    "scheme": _schemes,
    "host-port": _host_ports,
    "quotes": _quoted,
    "blank": _blank,
    "word": _words,
    "name": _names,
    "sender": _senders,
    "login": _logins,
    "switch": _switches,
}


def _written(state: State, subject: Subject, one: Assignment, value: str) -> Edit | None:
    """Return the first way of writing a value that the file's own reader takes for it."""
    for edit in spellings(subject.document, one, value, reader=subject.dialect.reader):
        state.budget = Budget()
        after = state.with_edit(edit)
        if (
            after is not None
            and (now := after.subjects[0].assignment(one.name)) is not None
            and now.value == value
        ):
            return edit
    return None


def _renamed(state: State, one: Assignment) -> Iterator[Fault]:
    """Yield slips in a name, where it stands before its value: two letters change places, one is lost."""
    text = state.text(one.region.place.path) or ""
    start = text.rfind("\n", 0, one.region.end) + 1
    line = text[start : one.region.end]
    last = one.name.replace("__", ".").replace("_", ".").split(".")[-1]
    at = line.rfind(last, 0, max(line.find("="), line.find(":"), 1)) if last else -1
    if at < 0 or len(last) < _SHORTEST:
        return
    for slip in (last[:-3] + last[-2] + last[-3] + last[-1], last[:-1]):
        if slip != last:
            yield Fault(
                "name", one.name, Edit(one.region.place.path, start + at, start + at + len(last), slip)
            )


class Result(NamedTuple):
    """How a fault went: why it is not mended, "" where it is; whether the rules find it at all."""

    why: str
    found: bool = False
    worse: bool = False
    plan: Plan | None = None

    @property
    def mended(self) -> bool:
        """Whether the application reads again what it read before."""
        return not self.why


def tried(good: State, faults: list[Fault]) -> Result | None:
    """Put faults in and mend them; None where the file cannot be read so, or nothing has changed by it."""
    good.budget = Budget()
    state: State | None = good
    for fault in sorted(faults, key=lambda one: -one.edit.start):
        state = state.with_edit(fault.edit) if state is not None else None
    if state is None:
        return None
    if not state.found:
        # What works all the same is no fault: STARTTLS that is tried and not required, a port that says its mode.
        return None if _works(good, state) else Result("not found")
    state.budget = Budget()
    made = plan(state)
    why = _wrong(good, state, made)
    return Result(why, found=True, worse=_is_worse(state, made.after), plan=made)


def _works(good: State, state: State) -> bool:
    """Whether an application would connect to the same server in a way that it offers, with the same login."""
    new, old = state.subjects[0].loaded.settings, good.subjects[0].loaded.settings
    for name in ("host", "username", "sender"):
        one, other = new.get(name), old.get(name)
        if (one.value if one else None) != (other.value if other else None):
            return False
    passwords = [one.password.value.reveal() if one.password else None for one in (new, old)]
    return passwords[0] == passwords[1] and _fits(new, old) and state.subjects[0].reading.on


def _fits(new: Settings, old: Settings) -> bool:
    """Whether port and mode are a pair that the provider offers."""
    preset = load.preset_with_id(old.preset)
    offered = (
        {(one.port, one.security is Security.TLS) for one in preset.endpoints_at(old.host.value)}
        if preset and old.host
        else set()
    )
    if new.port is None or new.security is None or new.security.value is Security.NONE:
        return False
    return (new.port.value, new.security.value is Security.TLS) in offered


def _wrong(good: State, bad: State, made: Plan) -> str:
    """Return why a plan has not mended a file, "" where it has: the mode works, and it logs in as before."""
    after = made.after
    subject, before = after.subjects[0], good.subjects[0]
    new, old = subject.loaded.settings, before.loaded.settings
    for name in ("host", "username", "sender"):
        one, other = new.get(name), old.get(name)
        if (one.value if one else None) != (other.value if other else None):
            if (
                name == "sender"
                and one is not None
                and old.username is not None
                and one.value == old.username.value
            ):
                continue
            return f"{name}: {one.value if one else None}"
    passwords = [one.password.value.reveal() if one.password else None for one in (new, old)]
    if passwords[0] != passwords[1]:
        return "password"
    if not _fits(new, old):
        return f"{new.port.value if new.port else None} {new.security.value if new.security else None}"
    if not subject.reading.on or (before.reading.connects and not subject.reading.connects):
        return "off"
    left = [one for one in after.found if one.key not in good.keys]
    if left:
        return f"left: {left[0].finding.id}"
    lines = sum(
        max(text.count("\n") - (bad.text(path) or "").count("\n"), 0)
        for path, (_, text) in made.changed.items()
    )
    return "lines" if lines > _MOST_LINES else ""


def _is_worse(before: State, after: State) -> bool:
    """Whether more is wrong after than before."""
    return len(after.found) > len(before.found)


def cases(
    chosen: random.Random,
    only: Collection[str],
    logins: Collection[str],
    *,
    two: bool,
    kinds: int = len(KINDS),
) -> Iterator[Case]:
    """Yield the faults of all applications, or of some, with the working file that each is put into.

    ``kinds``: of so many kinds of faults, drawn for each file.
    """
    for app in APPS:
        if only and app.id not in only:
            continue
        for provider in logins:
            for mode in ("tls", "starttls"):
                with tempfile.TemporaryDirectory() as name:
                    good = working(Path(name), files_of(app, provider, mode))
                    if good is None or good.found:  # it has no such mode
                        continue
                    faults = list(faults_in(good, chosen, chosen.sample(KINDS, kinds)))
                    several = (
                        [chosen.sample(faults, 2) for _ in range(12)] if two else [[one] for one in faults]
                    )
                    for each in several:
                        if len({one.about for one in each}) == len({one.kind for one in each}) == len(each):
                            yield Case(app, provider, mode, good, each)


class Case(NamedTuple):
    """A working file and the faults that are put into it."""

    app: App
    provider: str
    mode: str
    good: State
    faults: list[Fault]


def _main() -> None:
    show, two = "--show" in sys.argv, "--two" in sys.argv
    only = [one for one in sys.argv[1:] if not one.startswith("-")]
    logins = ("gmail", "naver") if "--quick" in sys.argv else tuple(LOGINS)
    counts: dict[str, Counter[str]] = {}
    for case in cases(random.Random(7), only, logins, two=two):  # noqa: S311 -- the same each time
        result = tried(case.good, case.faults)
        if result is None:
            continue
        kind = "+".join(sorted(one.kind for one in case.faults))
        name = f"{case.app.id} ({case.app.name})"
        for row in (name, *(() if two else (kind,)), "all"):
            counter = counts.setdefault(row, Counter())
            counter["faults"] += 1
            counter["found"] += result.found
            counter["mended"] += result.mended
            counter["worse"] += result.worse
        if show and not result.mended:
            about = [(one.about, one.edit.text) for one in case.faults]
            print(f"{name} {case.provider} {case.mode} {kind} {about} -> {result.why}")
    for row, counter in sorted(counts.items(), key=lambda one: one[0] == "all"):
        told = ", ".join(f"{counter[what]:5} {what}" for what in ("faults", "found", "mended", "worse"))
        share = counter["mended"] / counter["faults"]
        print(f"{row:44} {told} {share:7.1%}")


if __name__ == "__main__":
    _main()
