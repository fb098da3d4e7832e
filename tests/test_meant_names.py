"""Names that were meant to be others, and what an application is known by besides its names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.cli.config import Configured, load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.formats.document import Assignment, Place, Region, Scope
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.model import Origin
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.names import unread_names
from smtpdoctor.settings.read import Layer
from smtpdoctor.settings.resolve import Flags
from tests.each import each

_LONG = 9  # letters; a slip in a shorter name is another word


def _dialect(app: str) -> Dialect:
    found = load.dialect(app)
    assert found is not None
    return found


NAMES = [
    (app, name)
    for app in load.dialect_ids()
    for key in _dialect(app).keys.values()
    for name in key.names[:1]
    if name.isupper() and "*" not in name and "@" not in name and len(name) > _LONG
]


def scope(**values: str) -> Scope:
    """Return a scope with such variables."""
    found = [
        Assignment(name=name, value=value, region=Region(Place(".env", line, 1), 0, 0))
        for line, (name, value) in enumerate(values.items(), 1)
    ]
    return Scope(assignments=tuple(found))


def found_in(folder: Path, name: str, text: str) -> list[Configured]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_configs(Flags(), [path], environment=False, known=Known())


@given(st.sampled_from(NAMES), st.data())
def test_a_slip_in_a_name_is_told(one: tuple[str, str], data: st.DataObject) -> None:
    """One letter too few inside a word, where nothing reads the name that this gives."""
    app, name = one
    inside = [at for at in range(1, len(name) - 1) if name[at - 1 : at + 2].isalpha()]
    at = data.draw(st.sampled_from(inside))
    wrong = name[:at] + name[at + 1 :]
    told = read(_dialect(app), scope(**{wrong: "x"})).oddities
    if wrong in load.dialect_names().exact:
        return
    assert any(odd.name == wrong and odd.kind in {"unread", "inert"} for odd in told), (app, wrong)


@given(st.sampled_from(NAMES))
def test_a_name_that_is_read_is_no_slip(one: tuple[str, str]) -> None:
    app, name = one
    told = read(_dialect(app), scope(**{name: "1"})).oddities
    assert not any(odd.name == name and odd.kind == "unread" for odd in told), (app, name)


PORTS = [
    (app, name)
    for app in load.dialect_ids()
    if "port" in _dialect(app).keys
    for name in _dialect(app).keys["port"].names[:1]
    if "*" not in name and "@" not in name
]


@each("app, name", PORTS)
def test_what_is_no_port_is_never_connected_to(app: str, name: str) -> None:
    assert not read(_dialect(app), scope(**{name: "port"})).connects


@pytest.mark.parametrize("wrong", ["GF_FROM_ADDRESS", "GF_FROM_NAME"])
def test_a_sender_without_the_word_of_its_section(wrong: str) -> None:
    dialect = _dialect("grafana")
    told = read(dialect, scope(GF_SMTP_HOST="smtp.example.net:587", **{wrong: "a@example.net"})).oddities
    assert ("unread" in {odd.kind for odd in told if odd.name == wrong}) == (wrong == "GF_FROM_ADDRESS")


def test_a_name_of_the_application_itself_is_no_slip_of_a_mail_setting() -> None:
    """``N8N_HOST`` is where n8n listens, not ``N8N_SMTP_HOST`` without a word."""
    dialect = _dialect("n8n")
    told = read(dialect, scope(N8N_HOST="n8n.example.net", N8N_PORT="5678")).oddities
    assert not {odd.name for odd in told} & {"N8N_HOST", "N8N_PORT"}


MASTODON = "SMTP_SERVER=smtp.example.net\nSMTP_PORT=25\nSMTP_FROM_ADDRESS=m@example.net\nSMTP_ENABLE_STARTTLS_AUTO=true\n"


def test_a_shared_name_of_a_file_decides_only_where_all_is_read(tmp_path: Path) -> None:
    assert found_in(tmp_path, ".env.production", MASTODON)[0].identified.app == "mastodon"
    with pytest.raises(UsageError):
        found_in(tmp_path, "mail.env", MASTODON)
    with pytest.raises(UsageError):
        found_in(tmp_path, ".env.production", MASTODON + "SMTP_USERNAME=a\nMAIL_HOST=b\n")


@pytest.mark.parametrize("app", ["saleor", "glitchtip"])
@pytest.mark.parametrize("line", ["OTEL_SERVICE_NAME={}", "DATABASE_URL=postgres://u:p@db/{}?a=b"])
def test_what_a_service_calls_itself_decides_among_those_that_it_may_be(
    app: str, line: str, tmp_path: Path
) -> None:
    text = f"EMAIL_URL=smtp://mailpit:1025\nDEFAULT_FROM_EMAIL=a@example.net\n{line.format(app)}\n"
    assert found_in(tmp_path, "backend.env", text)[0].identified.app == app


RECEIVER = """route: {{receiver: a}}
receivers:
  - name: a
    email_configs:
      - to: b@example.net
        smarthost: {}
        from: own@example.net
"""
GLOBAL = "global:\n  smtp_smarthost: all.example.net:465\n  smtp_from: all@example.net\n"


@pytest.mark.parametrize("before", ["", GLOBAL])
def test_a_receivers_own_server_wins(before: str, tmp_path: Path) -> None:
    found = found_in(tmp_path, "alertmanager.yml", before + RECEIVER.format("own.example.net:587"))
    used = found[0].reading.used
    assert [used[name].text for name in ("host", "port", "sender")] == [
        "own.example.net",
        "587",
        "own@example.net",
    ]


OMNIBUS = """services:
  web:
    image: gitlab/gitlab-ce:17.5.1
    environment:
      GITLAB_OMNIBUS_CONFIG: |
        external_url 'https://git.example.net'
{}
"""
RUBY = {
    "smtp_enable": "true",
    "smtp_address": "'smtp.example.net'",
    "smtp_port": "587",
    "smtp_user_name": "'git'",
    "smtp_password": "'a1b2c3'",
}


@given(st.permutations(list(RUBY)))
def test_the_file_of_gitlab_in_a_variable_of_compose(order: list[str]) -> None:
    from smtpdoctor.formats.compose import read as read_compose
    from smtpdoctor.formats.document import Source

    lines = [f"        gitlab_rails['{name}'] = {RUBY[name]}" for name in order]
    document = read_compose(Source(path="docker-compose.yml", text=OMNIBUS.format("\n".join(lines))))
    told = {
        one.name: one.region.place.line
        for found in document.scopes
        for one in found.assignments
        if one.name.startswith("gitlab_rails.")
    }
    assert told == {f"gitlab_rails.{name}": line for line, name in enumerate(order, 7)}


def _realms() -> Iterator[tuple[str, bool]]:
    yield "${SMTP_HOST}", False
    yield "${env.SMTP_HOST:mail}", False
    yield "smtp.example.net", True


def test_what_an_import_fills_in_is_not_known(tmp_path: Path) -> None:
    for host, known in _realms():
        text = f'{{"realm": "a", "smtpServer": {{"host": "{host}", "from": "a@example.net", "replyTo": ""}}}}'
        used = found_in(tmp_path, "realm.json", text)[0].reading.used["host"]
        assert (used.text == host) is known, host


def test_nextcloud_ignores_all_without_a_domain(tmp_path: Path) -> None:
    text = "SMTP_HOST=smtp.example.net\nSMTP_NAME=a\nSMTP_PASSWORD=b\nSMTP_SECURE=ssl\nMAIL_FROM_ADDRESS=a\n"
    assert not found_in(tmp_path, "nextcloud.env", text)[0].reading.connects
    assert found_in(tmp_path, "nextcloud.env", text + "MAIL_DOMAIN=example.net\n")[0].reading.connects


@each(
    ("app", "name"),
    [one for one in NAMES if re.search("MAIL|SMTP", one[1]) and not one[1].startswith("SMTP")],
)
def test_whose_a_name_is_follows_from_the_dialects(app: str, name: str) -> None:
    """Where only one application reads it that one is told, else those that the others are made with."""
    dialect = _dialect(app)
    if not {"environment", "dotenv"}.intersection(dialect.syntaxes):
        return
    layer = Layer(place=".env", values={}, others={name: Origin("file", name, ".env", 1)})
    (found,) = unread_names(load.apps()["smtp"], [layer], {"host"})
    told = (found.app or "").split(", ")
    label = dialect.name.en.partition(" (")[0]
    others = [one for one in load.dialect_ids() if one != app and one in load.dialect_names().readers(name)]
    if not others:
        assert told == [label]
    elif not dialect.behaviour.library:
        assert label in told or told[-1].startswith("…")


@pytest.mark.parametrize("name", ["SMTP_AUTH_USERNAME", "Smtp_Auth_Username"])
def test_a_name_in_other_capitals_is_no_name(tmp_path: Path, name: str) -> None:
    """And where a file is read strictly it stops the start."""
    text = f"global:\n  smtp_smarthost: mx.corp.test:587\n  smtp_from: a@corp.test\n  {name}: a@corp.test\n"
    (one,) = found_in(tmp_path, "alertmanager.yml", text)
    (odd,) = (odd for odd in one.reading.oddities if odd.kind == "unread")
    assert (odd.name, odd.expected, odd.ends) == (f"global.{name}", "global.smtp_auth_username", "start")
