"""Where settings come from: files, the environment, flags, URLs, presets; and that each says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
import tracemalloc
from contextlib import suppress
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from smtpdoctor.errors import UsageError
from smtpdoctor.knowledge import load
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Message, Origin, Secret, Security, Setting
from smtpdoctor.settings.read import (
    Variable,
    Variables,
    read_env_file,
    read_secret_file,
    read_variables,
)
from smtpdoctor.settings.resolve import (
    Flags,
    detect_app,
    endpoint_of,
    preset_named,
    preset_of_host,
    resolve,
    with_recipient,
)
from smtpdoctor.text import say
from tests.checking import cli, command
from tests.each import each
from tests.examples import examples, some_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpdoctor.model import Evidence, Settings

NAMES = (
    *("SMTP_HOST", "SMTP_PORT", "SMTP_SENDER", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_TLS"),
    *("SMTP_CIPHER_SPEC", "SMTP_OPPORTUNISTIC_TLS"),
)
SECRET = "hunter2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def texts_of(values: Mapping[str, Variable]) -> dict[str, str]:
    return {name: variable.text for name, variable in values.items()}


def lines_of(values: Mapping[str, Variable]) -> dict[str, int | None]:
    return {name: variable.origin.line for name, variable in values.items()}


def odd(evidence: list[Evidence]) -> list[tuple[str, int | None]]:
    return [(label, one.origin.line if one.origin else None) for one in evidence for label in one.labels]


# -- .env files ---------------------------------------------------------------

KEYS = st.sampled_from(["SMTP_HOST", "SMTP_PORT", "A", "b.c", "X1"])
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\x85"), max_size=12
)
QUOTED = WORDS.map(lambda word: word.replace("\\", "").replace("'", "").replace('"', ""))
VALUES = st.one_of(
    WORDS,
    QUOTED.map(lambda word: f"'{word}'"),
    QUOTED.map(lambda word: f'"{word}"'),
    st.sampled_from(
        ["'a b' # c", '"a\\nb"', '"two\nlines"', "a#b", "a # b", "${A}", "${Q:-d}", '"${A}-x"', "'it\\'s'"]
    ),
)
LINES = st.one_of(
    st.tuples(KEYS, st.sampled_from(["=", " = ", "= ", " ="]), VALUES).map("".join),
    st.tuples(KEYS, VALUES).map(lambda pair: f"export {pair[0]}={pair[1]}"),
    st.sampled_from(["", "  ", "# comment", "#SMTP_HOST=no", "=broken", "A", "export A"]),
)


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_are_read_as_python_dotenv_does(file: Path, lines: list[str], end: str) -> None:
    """Every value is the one that a Python application would get from the same file."""
    file.write_bytes(end.join(line.replace("\n", end) for line in lines).encode())
    values, _ = read_env_file(file)
    expected = {name: text for name, text in dotenv_values(file).items() if text is not None}
    assert texts_of(values) == expected


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_those_of_an_editor(file: Path, lines: list[str], end: str) -> None:
    """A marked variable behind anything that ends in a line of its own is found on the right line."""
    before = [line for line in lines if "'" not in line and '"' not in line]
    file.write_bytes(end.join([*before, "MARK=x"]).encode())
    values, _ = read_env_file(file)
    assert lines_of(values)["MARK"] == len(before) + 1


SAMPLE = """\
# settings

SMTP_HOST=smtp.example.test
  export SMTP_PORT = 587  # the usual
SMTP_SENDER='App <app@example.test>'

SMTP_PASSWORD="one
two"
SMTP_USERNAME=${SMTP_SENDER}
=bad
SMTP_HOST=smtp2.example.test
EMPTY=
BARE
"""
SAMPLE_LINES = {
    "SMTP_HOST": 11,
    "SMTP_PORT": 4,
    "SMTP_SENDER": 5,
    "SMTP_PASSWORD": 7,
    "SMTP_USERNAME": 9,
    "EMPTY": 12,
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_values_and_oddities(file: Path, encoding: str, end: str) -> None:
    """In any common encoding, with any line ends, values, line numbers and what is odd are right."""
    file.write_bytes((SAMPLE + "NAME=메일\n").replace("\n", end).encode(encoding))
    values, evidence = read_env_file(file)
    assert lines_of(values) == SAMPLE_LINES | {"NAME": 14}
    assert texts_of(values) == {
        "SMTP_HOST": "smtp2.example.test",
        "SMTP_PORT": "587",
        "SMTP_SENDER": "App <app@example.test>",
        "SMTP_PASSWORD": "one\ntwo",
        "SMTP_USERNAME": "App <app@example.test>",
        "EMPTY": "",
        "NAME": "메일",
    }
    assert odd(evidence) == [("bad-line", 10), ("duplicate", 11)]
    assert evidence[1].facts == {"value": "SMTP_HOST", "first": "3"}
    assert str(values["SMTP_PORT"].origin) == f"{file}:4"


def test_a_variable_never_shows_its_text() -> None:
    """A variable may be a secret, so its repr has the origin alone."""
    variable = Variable(SECRET, Origin("environment", "SMTP_PASSWORD"))
    assert repr(variable) == "Variable(origin='environment SMTP_PASSWORD')"
    assert SECRET not in repr(Variables({"SMTP_PASSWORD": variable}))


def usage_error(path: Path) -> Message:
    """Return why a file cannot be read, after a look at the sentence in both languages."""
    with pytest.raises(UsageError) as caught:
        read_env_file(path, flag="--env-file")
    for lang in ("en", "ko"):
        sentence = say(lang, caught.value.message)
        assert str(path) in sentence
        assert "--env-file" in sentence
    return caught.value.message


def test_a_file_of_settings_has_a_limit(file: Path) -> None:
    """A megabyte is read, and more is said to be too much."""
    line = b"SMTP_HOST=localhost\n"
    file.write_bytes(line + b"#" * (1_048_576 - len(line)))
    assert texts_of(read_env_file(file)[0]) == {"SMTP_HOST": "localhost"}
    file.write_bytes(line + b"#" * (1_048_577 - len(line)))
    message = usage_error(file)
    assert (message.key, message.values["most"]) == ("usage.file.limit", "1 MB")


@pytest.mark.parametrize(
    "data", [b"A=\x00", b"\x7fELF\x00\x00", b"A=\xff\x80\xff", b"\xff\xfeA\x00=\x00\x00\x00", b"\xff\xfeA"]
)
def test_binary_files_are_refused(file: Path, data: bytes) -> None:
    """What is no text in any common encoding is said to be none."""
    file.write_bytes(data)
    assert usage_error(file).key == "usage.file.binary"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret", "secret"),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b" blanks \n", " blanks "),
        (b"\xef\xbb\xbfsecret", "secret"),
        (b"", ""),
    ],
)
def test_a_secret_file_is_its_value(file: Path, data: bytes, text: str) -> None:
    """Only the line end that an editor adds is not part of the value."""
    file.write_bytes(data)
    assert read_secret_file(file, "--password-file") == text


# -- Merging the sources ------------------------------------------------------


def read(
    environment: Mapping[str, str] | None = None, *files: Path, implicit: Path | None = None
) -> Variables:
    return read_variables(environment=environment, env_files=files, implicit_env_file=implicit, names=NAMES)


def test_stronger_sources_win(tmp_path: Path) -> None:
    """The environment over files, later files over earlier ones; a named file replaces ./.env."""
    first, second, implicit = (tmp_path / name for name in ("first", "second", "implicit"))
    first.write_text("SMTP_HOST=first\nSMTP_PORT=1\nSMTP_SENDER=first\nOTHER=x\n")
    second.write_text("SMTP_PORT=2\nSMTP_SENDER=second\n")
    implicit.write_text("SMTP_HOST=implicit\nSMTP_TLS=true\n")
    found = read({"SMTP_SENDER": "environment", "PATH": "/"}, first, second, implicit=implicit)
    assert texts_of(found.values) == {"SMTP_HOST": "first", "SMTP_PORT": "2", "SMTP_SENDER": "environment"}
    assert [str(found.values[name].origin) for name in ("SMTP_HOST", "SMTP_PORT", "SMTP_SENDER")] == [
        f"{first}:1",
        f"{second}:1",
        "environment SMTP_SENDER",
    ]
    assert found.files == (str(first), str(second))
    assert texts_of(read(None, implicit=implicit).values) == {"SMTP_HOST": "implicit", "SMTP_TLS": "true"}
    assert read({}, implicit=tmp_path / "none") == Variables({})


def test_only_oddities_that_matter_are_kept(file: Path) -> None:
    """A line that cannot be read may be one of ours; a duplicate of another variable is not."""
    file.write_text("OTHER=1\nOTHER=2\nSMTP_PORT=1\n=x\nSMTP_PORT=2\n")
    assert odd(list(read(None, file).evidence)) == [("bad-line", 4), ("duplicate", 5)]


def test_a_value_may_be_in_a_file_of_its_own(tmp_path: Path, file: Path) -> None:
    """``<NAME>_FILE`` names a file with the value, in the environment and in a file of settings."""
    (tmp_path / "password").write_text(f"{SECRET}\n")
    (tmp_path / "host").write_text("smtp.example.test")
    file.write_text(f"SMTP_HOST_FILE={tmp_path / 'host'}\nSMTP_TLS_FILE=\n")
    found = read({"SMTP_PASSWORD_FILE": str(tmp_path / "password"), "SMTP_PASSWORD": ""}, file)
    assert texts_of(found.values) == {"SMTP_HOST": "smtp.example.test", "SMTP_PASSWORD": SECRET}
    assert found.values["SMTP_PASSWORD"].origin == Origin("file", "SMTP_PASSWORD", str(tmp_path / "password"))
    assert str(found.values["SMTP_HOST"].origin) == str(tmp_path / "host")
    assert not found.evidence


def test_a_value_and_its_file_contradict_each_other(tmp_path: Path) -> None:
    """Where both are given the value stays, and it is said."""
    found = read({"SMTP_PASSWORD": SECRET, "SMTP_PASSWORD_FILE": str(tmp_path / "missing")})
    assert texts_of(found.values) == {"SMTP_PASSWORD": SECRET}
    (evidence,) = found.evidence
    assert evidence.labels == {"contradiction"}
    assert evidence.facts["used"] == "SMTP_PASSWORD (environment SMTP_PASSWORD)"
    assert (
        evidence.facts["value"]
        == f"{evidence.facts['used']}, SMTP_PASSWORD_FILE (environment SMTP_PASSWORD_FILE)"
    )


def test_a_missing_secret_file_says_who_named_it(tmp_path: Path) -> None:
    """The error names the variable and where it stands."""
    with pytest.raises(UsageError) as caught:
        read({"SMTP_PASSWORD_FILE": str(tmp_path / "missing")})
    assert caught.value.message.values["flag"] == "SMTP_PASSWORD_FILE (environment SMTP_PASSWORD_FILE)"


# -- Variables → settings -----------------------------------------------------


def variables(**values: str) -> Variables:
    return Variables({name: Variable(text, Origin("environment", name)) for name, text in values.items()})


def settings(flags: Flags | None = None, **values: str) -> Settings:
    return resolve(flags or Flags(), variables(**values)).settings


def origins(found: Settings) -> dict[str, str]:
    names = ("host", "port", "security", "username", "password", "sender", "cipher", "ehlo", "recipient")
    return {name: str(one.origin) for name in names if (one := getattr(found, name)) is not None}


TRUE = ("true", "TRUE", " True ", "1", "yes", "on")
FALSE = ("false", "False", "0", "no", "off ")
ABSENT = ("", "  ")


@each("port", ["465", "587", "25", "2525"])
@each("tls", [*TRUE, *FALSE, *ABSENT, "starttls"])
def test_the_truth_table_of_the_base_variables(tls: str, port: str) -> None:
    """SMTP_TLS wins; then SMTP_OPPORTUNISTIC_TLS; with neither said the port decides (RFC 8314)."""
    for opportunistic in (*TRUE, *FALSE, *ABSENT, "maybe"):
        loaded = resolve(
            Flags(),
            variables(SMTP_HOST="h.test", SMTP_PORT=port, SMTP_TLS=tls, SMTP_OPPORTUNISTIC_TLS=opportunistic),
        )
        by_port = {
            "465": Security.TLS,
            "587": Security.STARTTLS,
            "25": Security.OPPORTUNISTIC,
            "2525": Security.STARTTLS,
        }
        if tls in TRUE:
            expected = (Security.TLS, "environment SMTP_TLS")
        elif opportunistic in TRUE:
            expected = (Security.STARTTLS, "environment SMTP_OPPORTUNISTIC_TLS")
        elif tls in FALSE and opportunistic in FALSE:
            expected = (Security.NONE, "environment SMTP_OPPORTUNISTIC_TLS")
        elif tls in FALSE:
            expected = (Security.OPPORTUNISTIC, "environment SMTP_TLS")
        else:
            expected = (by_port[port], "default")
        security = loaded.settings.security
        assert security is not None
        assert (security.value, str(security.origin)) == expected, opportunistic
        wrong = {one.facts["name"] for one in loaded.evidence if "not-a-boolean" in one.labels}
        assert wrong == ({"SMTP_TLS"} if tls == "starttls" else set()) | (
            {"SMTP_OPPORTUNISTIC_TLS"} if opportunistic == "maybe" else set()
        )


@each(
    ("text", "value", "label"),
    [
        ("587", 587, None),
        (" 587 ", 587, None),
        ("1", 1, None),
        ("65535", 65535, None),
        ("0587", 587, None),
        ("0", None, "out-of-range"),
        ("65536", None, "out-of-range"),
        ("9" * 5000, None, "out-of-range"),
        ("-1", None, "not-a-number"),
        ("５８７", None, "not-a-number"),
        ("smtp", None, "not-a-number"),
        ("587.0", None, "not-a-number"),
        ("", None, "empty"),
        (" ", None, "empty"),
    ],
)
def test_ports(text: str, value: int | None, label: str | None) -> None:
    """A port is a number from 1 to 65535; anything else is said and not used."""
    loaded = resolve(Flags(), variables(SMTP_HOST="h.test", SMTP_PORT=text))
    assert (loaded.settings.port.value if loaded.settings.port else None) == value
    assert [sorted(one.labels) for one in loaded.evidence] == ([[label]] if label else [])


def test_empty_values() -> None:
    """An empty host or sender is said; an empty login or cipher counts as none, as applications take it."""
    names = {name: " " for name in NAMES if name != "SMTP_PASSWORD"}
    loaded = resolve(Flags(), variables(**names, SMTP_PASSWORD=""))
    assert origins(loaded.settings) == {}
    found = {one.setting: one.labels for one in loaded.evidence}
    assert found == {name: {"empty"} for name in ("host", "port", "sender")}


def test_a_password_of_blanks_is_a_password() -> None:
    """Blanks may be meant in a password, so they stay for lint to judge."""
    password = settings(SMTP_PASSWORD=" ").password
    assert password is not None
    assert password.value.reveal() == " "


def test_a_flag_hides_what_is_wrong_with_the_variable() -> None:
    """A variable that a flag overrides is not used, so what it says does not matter."""
    flags = Flags(host="h.test", port=587, security=Security.STARTTLS, sender="a@b.test")
    loaded = resolve(flags, variables(SMTP_HOST="", SMTP_PORT="x", SMTP_TLS="maybe", SMTP_SENDER=""))
    assert loaded.evidence == ()


def test_every_origin_reads_as_the_contract_says(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag, environment, file with its line, preset, default: the exact strings of the report."""
    monkeypatch.chdir(file.parent)
    file.write_text("\nSMTP_USERNAME=me@gmail.com\n\nSMTP_PASSWORD=abcdefghijklmnop\nSMTP_PORT=465\n")
    found = read_variables(
        environment={"SMTP_HOST": "smtp.naver.com", "SMTP_CIPHER_SPEC": "DEFAULT"},
        env_files=[],
        implicit_env_file=Path(".env"),
        names=NAMES,
    )
    flags = Flags(host="smtp.naver.com", sender="me@gmail.com", ehlo="x.test", recipient="to@x.test")
    assert origins(resolve(flags, found).settings) == {
        "host": "flag --host",
        "port": ".env:5",
        "security": "preset naver",
        "username": ".env:2",
        "password": ".env:4",
        "sender": "flag --sender",
        "cipher": "environment SMTP_CIPHER_SPEC",
        "ehlo": "flag --ehlo",
        "recipient": "flag --to",
    }
    assert origins(resolve(Flags(), found).settings)["host"] == "environment SMTP_HOST"
    elsewhere = settings(Flags(host="mail.example.test", security=Security.TLS))
    assert origins(elsewhere) == {"host": "flag --host", "port": "default", "security": "flag --security"}
    assert str(Origin("sandbox", "sandbox")) == "sandbox"


def test_flags_beat_variables() -> None:
    """Every flag is stronger than its variable."""
    flags = Flags(
        host="h.test", port=1, security=Security.NONE, username="u", password=Setting(Secret("p"), Origin("flag", "-")),
        sender="s@h.test",
    )  # fmt: skip
    found = settings(flags, **dict.fromkeys(NAMES, "7"))
    assert (found.host and found.host.value, found.port and found.port.value) == ("h.test", 1)
    assert found.security == Setting(Security.NONE, Origin("flag", "--security"))
    assert found.username == Setting("u", Origin("flag", "--username"))
    assert found.password == flags.password
    assert found.sender == Setting("s@h.test", Origin("flag", "--sender"))


def test_with_recipient() -> None:
    """A recipient can be added later, and says that it is --to."""
    found = with_recipient(settings(Flags(host="h.test")), "to@x.test")
    assert origins(found)["recipient"] == "flag --to"


# -- URLs ---------------------------------------------------------------------


@each(
    ("url", "host", "port", "security", "username", "password"),
    [
        ("smtp://h.test", "h.test", 587, Security.STARTTLS, None, None),
        ("smtp://h.test:465", "h.test", 465, Security.TLS, None, None),
        ("smtp://h.test:25/", "h.test", 25, Security.OPPORTUNISTIC, None, None),
        ("SMTPS://H.test", "h.test", 465, Security.TLS, None, None),
        ("submissions://h.test", "h.test", 465, Security.TLS, None, None),
        ("submission://h.test", "h.test", 587, Security.STARTTLS, None, None),
        ("smtp+starttls://h.test:25", "h.test", 25, Security.STARTTLS, None, None),
        ("smtp+opportunistic://h.test", "h.test", 587, Security.OPPORTUNISTIC, None, None),
        ("smtp+plain://h.test:1025", "h.test", 1025, Security.NONE, None, None),
        ("smtp://u:p@h.test", "h.test", 587, Security.STARTTLS, "u", "p"),
        ("smtp://u%40h.test:p%2F%23%3F%40%25@h.test", "h.test", 587, Security.STARTTLS, "u@h.test", "p/#?@%"),
        ("smtp://u@h.test:p@ss@h.test", "h.test", 587, Security.STARTTLS, "u@h.test", "p@ss"),
        ("smtp://u:%EB%A9%94@h.test", "h.test", 587, Security.STARTTLS, "u", "메"),
        ("smtp://:p@h.test", "h.test", 587, Security.STARTTLS, None, "p"),
        ("smtp://u:@h.test", "h.test", 587, Security.STARTTLS, "u", None),
        ("smtp://[::1]:2525", "::1", 2525, Security.STARTTLS, None, None),
        ("smtps://u:p@[2001:db8::1]", "2001:db8::1", 465, Security.TLS, "u", "p"),
    ],
)
def test_urls(
    url: str, host: str, port: int, security: Security, username: str | None, password: str | None
) -> None:
    """A URL gives host, port, security and login; what it does not say follows from its scheme or port."""
    found = settings(Flags(url=url))
    origin = Origin("flag", "--url")
    assert found.host == Setting(host, origin)
    assert found.port == Setting(port, origin)
    assert found.security is not None
    assert found.security.value is security
    assert found.username == (Setting(username, origin) if username else None)
    assert found.password == (Setting(Secret(password), origin) if password else None)


@pytest.mark.parametrize("scheme", ["http", "smtp+ssl", "imap", ""])
def test_unknown_schemes(scheme: str) -> None:
    """Another scheme is refused, with the ones that are known."""
    with pytest.raises(UsageError) as caught:
        settings(Flags(url=f"{scheme}://u:{SECRET}@h.test"))
    text = say("en", caught.value.message)
    assert "smtp+starttls" in text
    assert SECRET not in text


@each(
    "url",
    [
        *(f"smtp://user:{SECRET}{one}{SECRET}@h.test" for one in "/#?[]"),
        *(f"smtp://user:1{one}{SECRET}@h.test" for one in "/#?"),
        f"smtp://user:{SECRET}@",
        f"smtp://user:{SECRET}@h.test:{SECRET}",
        f"smtp://user:{SECRET}@h.test:99999",
        f"smtp://user:{SECRET}@h.test:0",
        f"smtp://user:{SECRET}@h.test/path",
        f"smtp://user:{SECRET}@[::1",
        f"smtp:user:{SECRET}@h.test",
        f"{SECRET}",
    ],
)
def test_a_broken_url_never_shows_its_password(url: str) -> None:
    """Raw special characters break a URL; the error says so, and holds no part of the password."""
    with pytest.raises(UsageError) as caught:
        settings(Flags(url=url))
    shown = "".join(traceback.format_exception(caught.value.__class__, caught.value, None))
    for lang in ("en", "ko"):
        shown += say(lang, caught.value.message)
    assert SECRET not in shown


# -- Presets ------------------------------------------------------------------


@each(
    ("name", "preset"),
    [
        ("gmail", "gmail"),
        (" Gmail ", "gmail"),
        ("googlemail", "gmail"),
        ("Google Workspace", "gmail"),
        ("google-workspace", "gmail"),
        ("네이버", "naver"),
        ("한메일", "daum"),
        ("Forward Email", "forwardemail"),
        ("forward_email", "forwardemail"),
        ("twilio", "sendgrid"),
        ("mailpit", "local"),
    ],
)
def test_presets_by_name_and_alias(name: str, preset: str) -> None:
    """A preset is found by its id, its name in either language, and what people call it."""
    assert preset_named(name).id == preset


@pytest.mark.parametrize(("name", "near"), [("gmial", "gmail"), ("sendgird", "sendgrid"), ("qqqqqq", None)])
def test_an_unknown_preset_offers_the_nearest(name: str, near: str | None) -> None:
    """A slip of the finger is answered with what was probably meant, anything else with how to list them."""
    with pytest.raises(UsageError) as caught:
        settings(Flags(preset=name))
    assert caught.value.message == Message("usage.preset.unknown", {"name": name})
    expected = Message("usage.preset.near", {"name": near}) if near else Message("usage.preset.list")
    assert caught.value.hints == (expected,)


def test_an_unknown_app_is_refused() -> None:
    """With where the known ones are listed."""
    with pytest.raises(UsageError) as caught:
        settings(Flags(app="nosuch"))
    assert "smtpdoctor apps" in say("en", caught.value.hints[0])
    assert detect_app({"SMTP_HOST": 1}) == detect_app({}) == "smtp"


@each(
    ("host", "preset"),
    [
        ("smtp.gmail.com", "gmail"),
        ("SMTP.GMAIL.COM.", "gmail"),
        ("smtp-relay.gmail.com", "gmail"),
        ("smtp.hanmail.net", "daum"),
        ("smtp.eu.sendgrid.net", "sendgrid"),
        ("gmail.com", None),
        ("localhost", None),
        ("mail.example.test", None),
    ],
)
def test_presets_by_host(host: str, preset: str | None) -> None:
    """A provider is recognised by its host, whoever names it; localhost may be anything."""
    found = preset_of_host(host)
    assert (found.id if found else None) == preset
    assert settings(SMTP_HOST=host).preset == preset


@each("name", sorted(load.presets()))
def test_a_named_preset_gives_everything(name: str) -> None:
    """Host, port, security and a literal user name come from the preset, and say so."""
    preset, found = load.presets()[name], settings(Flags(preset=name))
    first = preset.endpoint[0]
    assert found.preset == name
    assert found.host is not None
    assert found.port is not None
    assert found.security is not None
    assert (found.host.value, found.port.value) == (first.host or preset.host, first.port)
    assert found.security.value is first.security
    assert set(origins(found).values()) == {f"preset {name}"}
    assert (found.username is not None) == (preset.username.form == "literal")


def test_a_recognised_preset_only_completes_the_command_line() -> None:
    """An application knows no presets, so a port that its variables lack stays missing."""
    assert settings(SMTP_HOST="smtp.gmail.com").port is None
    assert settings(SMTP_HOST="smtp.gmail.com").security is None
    found = settings(Flags(host="smtp.gmail.com"))
    assert found.port == Setting(465, Origin("preset", "gmail"))
    assert found.security == Setting(Security.TLS, Origin("preset", "gmail"))


def test_what_is_known_chooses_the_endpoint() -> None:
    """The endpoint of a preset is the first that fits the port and the security that are given."""
    gmail = load.presets()["gmail"]
    assert settings(Flags(preset="gmail", port=587)).security == Setting(
        Security.STARTTLS, Origin("preset", "gmail")
    )
    found = settings(Flags(preset="gmail", security=Security.OPPORTUNISTIC))
    assert found.port == Setting(587, Origin("preset", "gmail"))
    assert settings(Flags(preset="gmail", port=25)).host == Setting(
        "smtp-relay.gmail.com", Origin("preset", "gmail")
    )
    assert endpoint_of(gmail, 2525, None) is None
    assert endpoint_of(gmail, 465, Security.NONE) is None
    # What the provider does not offer is taken as it was said; lint speaks about it.
    odd_one = settings(Flags(preset="gmail", port=2525))
    assert odd_one.security == Setting(Security.STARTTLS, Origin("default", "default"))


def test_a_preset_and_the_host_of_another_contradict_each_other() -> None:
    """Both named on the command line: neither can be meant, so it is wrong usage."""
    with pytest.raises(UsageError) as caught:
        settings(Flags(preset="gmail", host="smtp.naver.com"))
    assert caught.value.message == Message(
        "usage.contradiction.preset",
        {"preset": "gmail", "host": "smtp.naver.com", "place": "flag --host", "other": "naver"},
    )
    assert settings(Flags(preset="gmail", host="smtp.googlemail.com")).preset == "gmail"
    assert settings(Flags(preset="gmail", host="relay.example.test")).preset == "gmail"


# -- The user's own presets ---------------------------------------------------

OWN = """\
kind = "mailbox"
host = "smtp.corp.example"
hosts = ["*.mail.corp.example"]
aliases = ["corporation"]
checked = "2026-11"
sources = ["own"]
[name]
en = "Corp"
ko = "회사"
[[endpoint]]
port = 2525
security = "starttls"
[username]
form = "email"
en = "x"
ko = "x"
[password]
kind = "account-password"
example = "your-password"
en = "x"
ko = "x"
[sender]
rule = "any"
en = "x"
ko = "x"
"""
SHOW = """
from smtpdoctor.knowledge import load
from smtpdoctor.settings.resolve import preset_of_host
if load.preset("corporation"):
    print(load.preset("corporation").host, preset_of_host("eu.mail.corp.example").id, len(load.replies("corp")))
print(*load.own_problems(), sep="\\n")
"""


def own(files: Mapping[str, str], script: str = SHOW, *arguments: str) -> str:
    """Write presets of the user's own, and return what another process sees of them."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "smtpdoctor" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_preset_of_the_user_s_own() -> None:
    """A file in the platform's configuration folder is one more preset, by alias and by host."""
    assert own({"corp.toml": OWN, "notes.txt": "not a preset"}) == "smtp.corp.example corp 0\n\n"


JUDGE = """
from smtpdoctor.settings.lint import lint
from smtpdoctor.settings.read import Variables
from smtpdoctor.settings.resolve import Flags, resolve
for preset, username in (("local-part", "me"), ("local-part", "me@x"), ("regex", "AKIA1"), ("regex", "me"), ("any", "é")):
    found = lint(resolve(Flags(preset=preset, username=username, sender="a@b.kr"), Variables({})))
    print(preset, username, sorted(label.value for one in found for label in one.labels))
"""


def test_user_names_by_the_rule_of_a_preset() -> None:
    """A preset's rule for user names holds, whichever form it has."""
    rules = {"local-part": "", "regex": "\nvalue = 'AKIA[0-9]+'", "any": ""}
    files = {
        f"{form}.toml": OWN.replace('form = "email"', f'form = "{form}"{more}')
        for form, more in rules.items()
    }
    assert own(files, JUDGE).splitlines() == [
        "local-part me ['half-login']",
        "local-part me@x ['half-login', 'username-form']",
        "regex AKIA1 ['half-login']",
        "regex me ['half-login', 'username-form']",
        "any é ['half-login']",
    ]


def with_pattern(pattern: str) -> str:
    return OWN.replace('example = "your', f"pattern = '{pattern}'\nexample = \"your")


BROKEN = {
    "key.toml": (OWN.replace("checked", "chekced"), "chekced"),
    "text.toml": (OWN.replace('ko = "회사"', ""), "ko"),
    "toml.toml": ("kind = ", "Invalid value"),
    "pattern.toml": (with_pattern("("), "password.pattern"),
    "ahead.toml": (with_pattern("^(?=.*[0-9]).+$"), "password.pattern"),
    "many.toml": (with_pattern("a{2000}"), "password.pattern"),
    "inside.toml": (with_pattern("(" * 499 + ")" * 499), "nested too deep"),
    "wide.toml": (with_pattern("a" * 2_000), "password.pattern"),
    "deep.toml": (f"{OWN}x={'[' * 50_000}", "nested too deep"),
    "dots.toml": (f"{OWN}{'a.' * 50_000}b=1\n", "parts"),
    "name.toml": (f"{OWN}{'k' * 90_000}=1\n", "kkk"),
    "sign.toml": (f'{OWN}"\u202e\x1b"=1\n', "sign.toml"),
    "large.toml": (f"{OWN}{'#' * 200_000}\n", "128 KB"),
}


TOLD = """
from smtpdoctor.knowledge import load
from smtpdoctor.model import Message
from smtpdoctor.text import say
for lang in ("en", "ko"):
    for one in load.own_problems():
        print(say(lang, "usage.preset.broken", problem=one).replace(chr(10), "?"))
print(load.preset("corporation").host, len(load.presets()))
"""


def test_broken_presets_of_the_user_s_own() -> None:
    """Each is left out and told of with its file and key; the right one beside them counts."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "smtpdoctor" / "presets"
    (folder / "folder.toml").mkdir(parents=True)
    os.mkfifo(folder / "fifo.toml")
    for name, target in {
        "zero": "/dev/zero",
        "loop": "loop.toml",
        "gone": "nowhere",
        "kernel": "/proc/kmsg",
    }.items():
        (folder / f"{name}.toml").symlink_to(target)
    (folder / ".#corp.toml").symlink_to("who@where.1")  # as Emacs marks a file that is open
    (folder / "latin.toml").write_bytes(OWN.encode() + b"\xff")
    strange = ["folder", "fifo", "zero", "loop", "gone", "kernel", "latin"]
    *lines, last = own(
        {**{name: text for name, (text, _) in BROKEN.items()}, "corp.toml": OWN}, TOLD
    ).splitlines()
    assert last == f"smtp.corp.example {len(load.presets()) + 1}"
    assert len(lines) == 2 * (len(BROKEN) + len(strange))
    for name, word in [
        *((name, word) for name, (_, word) in BROKEN.items()),
        *((f"{one}.toml", "") for one in strange),
    ]:
        assert sum(f"{name}" in line and word in line for line in lines) == 2, (name, lines)
    assert max(map(len, lines)) < 700


def test_too_many_presets_of_the_user_s_own() -> None:
    """So many are read and so many problems told, and it is said that there are more."""
    *lines, last = own(
        {f"p{n:03}.toml": OWN.replace("checked", "x") for n in range(250)} | {"corp.toml": OWN}, TOLD
    ).splitlines()
    assert last == f"smtp.corp.example {len(load.presets()) + 1}"
    assert len(lines) == 2 * 21
    assert "180" in lines[20]


FITS = """
from smtpdoctor.knowledge import load
preset = load.preset("corporation")
print(*(load.fits(preset.password.pattern, text, preset) for text in ("aaa", "a" * 8_000 + "b", "AAA", "aaa\\n")))
"""


def test_a_pattern_of_the_user_s_own_takes_no_longer_than_its_text() -> None:
    """One that Python would be at until the end of the world; the case counts, and the whole text."""
    assert own({"corp.toml": with_pattern("^(a+)+$")}, FITS) == "True False False False\n"


def test_the_patterns_of_our_presets_are_held_against_texts_as_python_does_in_time() -> None:
    """None has a repetition inside of another, nor three without an end: the time is bounded by the length."""
    from re import _constants, _parser  # type: ignore[attr-defined] # no public parse tree exists

    def endless(tree: Any, *, inside: bool = False) -> int:
        count = 0
        for operation, argument in tree:
            if operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
                least, most, body = argument
                varies = least != most
                assert not (varies and inside)
                count += (most is _constants.MAXREPEAT) + endless(body, inside=inside or varies)
            elif operation is _constants.SUBPATTERN:
                count += endless(argument[-1], inside=inside)
            elif operation is _constants.BRANCH:
                count += max(endless(one, inside=inside) for one in argument[1])
        return count

    for preset in load.presets().values():
        for pattern in filter(None, (preset.password.pattern, preset.username.value)):
            assert endless(_parser.parse(pattern)) < 3, (preset.id, pattern)


COMMANDS = [
    ["lint", "--host", "smtp-relay.gmail.com", "--sender", "a@b.kr", "--no-environment"],
    ["check", "--host", "127.0.0.1", "--until", "dns", "--no-environment", "--format", "json"],
    ["explain", "535 5.7.8 authentication failed"],
    ["explain", "--list"],
    ["presets"],
    ["presets", "gmail"],
    ["generate", "gmail"],
]
RUN_ALL = """
import contextlib, io, json, sys
from smtpdoctor.cli import main
results = []
for sys.argv[1:] in json.loads(sys.argv[1]):
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    results.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(results))
"""


def test_a_broken_preset_of_the_user_s_own_stops_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning on standard error names file and key, and the command does what it does."""
    monkeypatch.setenv("COLUMNS", "80")
    runs = [[*arguments, "--lang", lang] for lang in ("en", "ko") for arguments in COMMANDS]
    sound = [cli(*one) for one in runs]
    # What lies there is read once: by a process that has read nothing yet.
    done = json.loads(own({"key.toml": BROKEN["key.toml"][0]}, RUN_ALL, json.dumps(runs)))
    for (code, stdout, stderr), expected in zip(done, sound, strict=True):
        assert code == expected.exit_code == 0
        warning, *others = stderr.splitlines()
        assert "key.toml: " in warning
        assert "chekced" in warning
        assert others == expected.stderr.splitlines()
        assert stdout.splitlines()[:1] == expected.stdout.splitlines()[:1]


# -- Hostile files ------------------------------------------------------------


def read_hostile(file: Path, text: str) -> Variables | None:
    """Return what is read in a file, None where it is refused with a word about it."""
    file.write_text(text, encoding="utf-8", newline="")
    try:
        return read(None, file)
    except UsageError as error:
        said = [say(lang, error.message) for lang in ("en", "ko")]
    assert max(map(len, said)) < 1_000
    return None


DEFINITIONS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.lists(st.sampled_from(["${A}", "${B}", "${C}", "${C:-x}", "y"]))),
    max_size=12,
)


@given(DEFINITIONS)
@hypothesis_settings(
    deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_names_in_values_are_expanded_as_python_dotenv_does(
    file: Path, definitions: list[tuple[str, list[str]]]
) -> None:
    """Each from the lines above it; what would grow without an end is refused, with whose value it is."""
    text = "".join(f"{name}={''.join(parts)}\n" for name, parts in definitions)
    file.write_text(text)
    sizes = dict.fromkeys("ABC", 0)
    for name, parts in definitions:
        sizes[name] = sum(sizes[one[2]] if one.startswith("$") else 1 for one in parts)
    if max(sizes.values()) < 60_000:
        assert texts_of(read_env_file(file, environment={})[0]) == dotenv_values(file)
    else:
        with suppress(UsageError):
            read_env_file(file, environment={})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A0=xxxxxxxx\n" + "".join(f"A{n + 1}=${{A{n}}}${{A{n}}}\n" for n in range(60)) + "SMTP_PASSWORD=${A60}", "A14"),
        (f"B={'x' * 60_000}\nSMTP_PASSWORD={'${B}' * 5_000}", "SMTP_PASSWORD"),
        (f"B={'x' * 900_000}\nSMTP_PASSWORD=${{B}}", "SMTP_PASSWORD"),
        (f"B={'x' * 60_000}\n" + "".join(f"A{n}=${{B}}\n" for n in range(60)) + "SMTP_HOST=" + "".join(f"${{A{n}}}" for n in range(60)), "A"),
    ],
    ids=["doubled", "one wide value many times", "one very wide value", "many wide values"],
)  # fmt: skip
def test_a_value_that_grows_without_an_end_is_refused(file: Path, text: str, name: str) -> None:
    """A few lines must not fill the memory; it is said whose value, where, and what the limit is."""
    file.write_text(text)
    tracemalloc.start()
    try:
        with pytest.raises(UsageError) as caught:
            read(None, file)
        assert tracemalloc.get_traced_memory()[1] < 30 * len(text) + 3_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.message.key == "usage.file.expansion"
    assert str(caught.value.message.values["name"]).startswith(name)
    assert str(file) in str(caught.value.message.values["place"])


def test_what_nobody_asks_for_is_not_expanded(file: Path) -> None:
    """Other programs' values may be as they like; one that is asked for may stand at the end of a long chain."""
    chain = "".join(f"A{n + 1}=${{A{n}}}\n" for n in range(5_000))
    laughs = "".join(f"B{n + 1}=${{B{n}}}${{B{n}}}\n" for n in range(60))
    found = read_hostile(file, f"A0=x\n{chain}B0=xxxxxxxx\n{laughs}SMTP_HOST=${{A5000}}\n")
    assert found is not None
    assert texts_of(found.values) == {"SMTP_HOST": "x"}


LINES_OF_ATTACK = (
    *("=\n", "x y\n", "SMTP_HOST='\n", "SMTP_HOST=a\n", "PASS{n}=secret{n}\n", "SMTP_{n}=1\n", "V{n}=1\n"),
    *("SMTP_USERNAM{c}=1\n", "MAIL_{c}=1\n", "'SMTP_PORT' \n", "export \n", "SMTP_PASSWORD\n", '"SMTP_TLS\n'),
    *(
        "SMTP_HOST=${{V{n}}}\n",
        "SMTP_PASSWORD='x\n' y\n",
        "MAIL_HOST={n}\n",
        "#\n",
        "SMTP_{c}{c}{c}{c}\x1b[31m=1\n",
    ),
)


def attack(unit: str, size: int) -> str:
    """Return a file of so many characters, of lines that differ where the unit says so."""
    lines: list[str] = []
    left = size
    for number in range(size):
        lines.append(unit.format(n=number, c="".join(chr(97 + number // 26**i % 26) for i in range(4))))
        left -= len(lines[-1])
        if left < 0:
            break
    return "".join(lines)


@pytest.mark.parametrize("unit", some_of(LINES_OF_ATTACK, 2))
def test_many_lines_take_no_longer_than_they_are_many(file: Path, unit: str) -> None:
    """Reading them, merging and judging: four times as many take about four times as long; few are told of."""

    def work(text: str) -> float:
        taken = []
        for _ in range(2):
            start = time.process_time()
            variables = read_hostile(file, text)
            if variables is not None:
                loaded = resolve(Flags(), variables)
                assert len(loaded.evidence) < 150
                assert sum(len(str(one.facts)) for one in loaded.evidence) < 30_000
            taken.append(time.process_time() - start)
        return min(taken)

    short, long = (attack(unit, size) for size in (5_000, 20_000))
    work(short)
    assert work(long) < 8 * work(short) + 0.05
    tracemalloc.start()
    try:
        read_hostile(file, short)
        assert tracemalloc.get_traced_memory()[1] < 150 * len(short) + 300_000
    finally:
        tracemalloc.stop()


@given(
    st.sampled_from(["", "SMTP_PASSWORD=hunter22\n"]),
    st.lists(
        st.one_of(
            st.sampled_from(["'", '"', "=", "\n", "SMTP_HOST=", "SMTP_PASWORD=", "SMTP_PASSWORD=", "export ", " ", "#"]),
            st.characters(codec="utf-8"),
            st.just("hunter22"),
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_said_of_a_file_shows_no_password_and_no_control_character(
    file: Path, before: str, text: str
) -> None:
    """In a line that cannot be read, under a misspelt name or on the wrong one; nor a sign that obeys."""
    found = read_hostile(file, before + text)
    if found is None:
        return
    told = [f"{one.facts} {one.origin}" for one in found.evidence]
    told += [str(origin) for layer in found.layers for origin in layer.others.values()]
    told += [one.origin.text for one in found.values.values()]
    assert all("hunter22" not in one for one in told[: len(found.evidence)])
    if before:
        assert all("hunter22" not in one for one in told)
    for one in found.values.values():
        assert printable(one.origin.text.replace("\n", "")) == one.origin.text.replace("\n", "")


def test_many_wrong_lines_are_told_together(file: Path) -> None:
    """The first of them by number, and how many there are; one of ours for itself."""
    text = "=1\n" * 30 + "SMTP_HOST='localhost\n" + "x y\n" * 70
    file.write_text(text)
    ours, others = sorted(read(None, file).evidence, key=lambda one: "SMTP_HOST" not in one.facts["place"])
    assert ours.facts["place"] == f"SMTP_HOST ({file}:31)"
    assert others.facts["place"] == f"{file}:1, 2, 3, 4, 5 … (+95)"
    done = command("lint", "--env-file", file, "--no-environment", "--lang", "ko")
    assert done.returncode == 2
    assert "(+95)" in done.stderr
    assert len(done.stderr.splitlines()) < 20


def test_many_names_that_are_not_read_are_told_together(file: Path) -> None:
    """Twenty of a kind, and how many there are besides."""
    names = [f"SMTP_HOS{one}" for one in ascii_uppercase if one != "T"]
    names += [f"SMTP_H{one}ST" for one in ascii_uppercase if one != "O"]
    file.write_text(
        "".join(f"{name}=1\n" for name in names) + "".join(f"MAIL_FROM_{n}=1\n" for n in range(3_000))
    )
    for lang in ("en", "ko"):
        said = cli("lint", "--env-file", file, "--no-environment", "--lang", lang, code=2).stderr
        assert len(said) < 6_000
    file.write_text(file.read_text() + "SMTP_PORT=25\nSMTP_SENDER=a@b.kr\n")
    (one,) = (one for one in resolve(Flags(), read(None, file)).evidence if "near-name" in one.labels)
    assert "… (+" in one.facts["pairs"]
    assert len(one.facts["pairs"].split("→")) < 25


@pytest.mark.parametrize(
    "text", ["SMTP_PASSWORD=p\\u0000\n", "SMTP_HOST='a\x1b[31m\x07b'\nSMTP_PORT=\u202e25\n"]
)
@pytest.mark.parametrize("format_", ["terminal", "json"])
def test_control_characters_of_a_file_are_shown_and_not_obeyed(file: Path, text: str, format_: str) -> None:
    """Those of its own lines, too."""
    file.write_text(text, encoding="utf-8")
    done = cli("lint", "--env-file", file, "--no-environment", "--format", format_, "--verbose")
    assert done.exit_code in {1, 2}
    assert not set("\x1b\x07\u202e") & set(done.stdout + done.stderr)


def test_a_password_in_the_host_is_masked() -> None:
    """A whole URL in SMTP_HOST is an error that names it without its password."""
    loaded = resolve(Flags(host="smtp://user:hunter2@smtp.example.com"), Variables({}))
    assert "hunter2" not in repr(loaded)
