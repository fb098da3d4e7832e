"""What follows from there being several sources of settings, through the public commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smtpdoctor.model import Security
from smtpdoctor.settings.read import read_variables
from smtpdoctor.settings.resolve import Flags, resolve
from tests.checking import HOST, cli
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpdoctor.model import Settings

FILE = """\
# the server
export SMTP_HOST = mail.corp.kr  # ours
SMTP_PORT=587
SMTP_TLS=false
SMTP_OPPORTUNISTIC_TLS=true
SMTP_USERNAME=app@corp.kr
SMTP_PASSWORD='hunter22' # hunter22
SMTP_SENDER=app@corp.kr
"""
NAMES = ["SMTP_HOST", "SMTP_PORT", "SMTP_TLS", "SMTP_OPPORTUNISTIC_TLS", "SMTP_USERNAME", "SMTP_PASSWORD"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder with a file of settings."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(FILE)


def lint(*args: str, env: Mapping[str, str] | None = None, code: int | None = 0) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(cli("lint", "--format", "json", *args, env=env, code=code).stdout)
    return shown


def settings(environment: Mapping[str, str] | None, *files: str, flags: Flags | None = None) -> Settings:
    variables = read_variables(
        environment=environment,
        env_files=[Path(one) for one in files],
        implicit_env_file=Path(".env"),
        names=NAMES,
    )
    return resolve(flags or Flags(), variables).settings


def found(shown: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in shown["findings"] if one["id"] == name]


# -- One source over another --------------------------------------------------


def test_the_environment_over_the_file_is_told() -> None:
    """Both values, where the other stands, and no secret; it is a remark."""
    env = {"SMTP_PORT": "2525", "SMTP_OPPORTUNISTIC_TLS": "TRUE", "SMTP_PASSWORD": "another7"}
    done = cli("lint", "--verbose", env=env, code=0)
    shown = lint(env=env)
    (one,) = found(shown, "config-overridden")
    assert one["origin"] == "environment SMTP_PORT"
    for text in (" ".join(done.stdout.split()), one["meaning"]):
        assert "SMTP_PORT=2525 (.env:3: 587)" in text
        assert "SMTP_PASSWORD=******** (.env:7: ********)" in text
        assert "SMTP_OPPORTUNISTIC_TLS" not in text  # the same, spelled otherwise
        assert "hunter" not in text
        assert "another7" not in text
    assert shown["settings"]["port"]["origin"] == "environment SMTP_PORT"
    assert one["severity"] != "error"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"SMTP_PORT": " 0587 ", "SMTP_HOST": "MAIL.corp.kr.", "SMTP_TLS": "no"},
        {"OTHER": "x", "PATH_SMTP": "y"},
    ],
)
def test_the_same_in_other_words_is_not_told(env: dict[str, str]) -> None:
    """Nor is anything said where there is nothing to override."""
    assert found(lint(env=env), "config-overridden") == []


def test_what_the_command_line_says_is_not_overlooked() -> None:
    """A flag is deliberate; so is a file after another, and `--no-environment`."""
    Path("other.env").write_text("SMTP_PORT=2525\n")
    env = {"SMTP_PORT": "465", "SMTP_TLS": "true"}
    flags = ["--port", "587", "--security", "starttls"]
    assert found(lint(*flags, env=env), "config-overridden") == []
    assert found(lint("--no-environment", env=env), "config-overridden") == []
    files = ["--env-file", ".env", "--env-file", "other.env"]
    assert found(lint(*files), "config-overridden") == []


def test_an_empty_variable_overrides_too() -> None:
    """Compose passes on an empty one, and the application has no password then."""
    shown = lint(env={"SMTP_PASSWORD": ""}, code=None)
    (one,) = found(shown, "config-overridden")
    assert "SMTP_PASSWORD= (.env:7: ********)" in one["meaning"]
    assert shown["settings"]["password"] == {}


def test_an_empty_host_is_an_error_and_not_missing_beside() -> None:
    """The override explains an error and takes nothing from it."""
    shown = lint(env={"SMTP_HOST": ""}, code=1)
    assert shown["findings"][0]["severity"] == "error"
    assert found(shown, "config-overridden")


def test_every_value_knows_what_it_overrides() -> None:
    """Flag over environment over the later file over the earlier one; only what differs is kept."""
    Path("later.env").write_text("SMTP_PORT=25\nSMTP_USERNAME=app@corp.kr\n")
    environment = {"SMTP_PORT": "465", "SMTP_HOST": "Mail.Corp.KR", "SMTP_TLS": "true"}
    one = settings(environment, ".env", "later.env", flags=Flags(port=2525))
    assert one.port is not None
    assert [(old.value, str(old.origin)) for old in one.port.overrides] == [
        (465, "environment SMTP_PORT"),
        (25, "later.env:1"),
        (587, ".env:3"),
    ]
    assert one.host is not None
    assert one.host.overrides == ()
    assert one.username is not None
    assert one.username.overrides == ()
    assert one.security is not None
    assert (one.security.value, str(one.security.origin)) == (Security.TLS, "environment SMTP_TLS")
    assert [(old.value, str(old.origin)) for old in one.security.overrides] == [
        (Security.STARTTLS, ".env:5"),
    ]


def test_a_line_is_kept_for_the_report_and_shows_no_secret() -> None:
    """The raw lines of our own variables; of a secret not even what looks like a comment behind it."""
    Path(".env").write_text(
        FILE
        + "SECRET_OF_OTHERS=x\nSMTP_HOST='mail.corp.kr' # hunter22 \x1b[31m\nSMTP_PASSWORD=\"hunter22\nend\"\n"
    )
    one = settings(None)
    assert one.host is not None
    assert one.host.origin.text == "SMTP_HOST='mail.corp.kr' # ******** \\x1b[31m"
    assert one.password is not None
    assert one.password.origin.text == "SMTP_PASSWORD=********"
    assert one.port is not None
    assert one.port.origin.text == "SMTP_PORT=587"
    Path(".env").write_text("SMTP_HOST=smtp://me:hunter22/x@mail.corp.kr\n")
    broken = settings(None)
    assert "hunter22" not in repr(broken)


# -- Names that are not read --------------------------------------------------


GOOD = "SMTP_HOST=mail.corp.kr\nSMTP_PORT=587\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=true\nSMTP_SENDER=a@corp.kr\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SMTP_USER", "SMTP_USERNAME"),
        ("SMTP_LOGIN", "SMTP_USERNAME"),
        ("SMTP_PASS", "SMTP_PASSWORD"),
        ("SMTP_PASWORD", "SMTP_PASSWORD"),
        ("SMTP_PASSWROD", "SMTP_PASSWORD"),
        ("smtp_password", "SMTP_PASSWORD"),
        ("smtpPassword", "SMTP_PASSWORD"),
        ("SMPT_PASSWORD", "SMTP_PASSWORD"),
        ("SMTP-USERNAME", "SMTP_USERNAME"),
        ("SMTP_CIPHER", "SMTP_CIPHER_SPEC"),
    ],
)
def test_a_near_name_is_told_with_the_one_that_is_read(name: str, expected: str) -> None:
    """Where it stands and what it was meant to be, in words and in JSON; no value."""
    Path(".env").write_text(f"{GOOD}{name}=hunter22\n")
    (one,) = found(lint(), "config-unknown-name")
    assert one["origin"] == ".env:6"
    assert f"{name} → {expected}" in one["meaning"]
    shown = cli("lint", code=0).stdout
    assert name in shown
    assert expected in shown
    assert "hunter22" not in shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SMTP_SERVER", "SMTP_HOST"),
        ("SMTP_HOSTNAME", "SMTP_HOST"),
        ("smtp_host", "SMTP_HOST"),
        ("SMPT_HOST", "SMTP_HOST"),
        ("SMTP_FROM", "SMTP_SENDER"),
        ("SMTP_FROM_EMAIL", "SMTP_SENDER"),
        ("SMTP_SECURE", "SMTP_TLS"),
        ("SMTP_SSL", "SMTP_TLS"),
        ("SMTP_STARTTLS", "SMTP_OPPORTUNISTIC_TLS"),
        ("SMTP_POST", "SMTP_HOST"),
    ],
)
def test_a_near_name_where_nothing_else_is_set(name: str, expected: str) -> None:
    """The error that there are no settings says what was found instead."""
    Path(".env").write_text(f"{name}=x\n")
    assert f"{name} (.env:1) is not read; {expected} is." in cli("lint", code=2).stderr


@pytest.mark.parametrize(
    "lines",
    [
        "SMTP_USERNAME=a\nSMTP_PASSWORD=bcdefg\nSMTP_USER=a\nSMTP_PASS=b\nSMTP_SERVER=x\nSMTP_FROM=y\n",  # both
        "SMTP_USER=\n",
        "SMTP_TIMEOUT=3\nSMTP_DOMAIN=x\nSMTP_AUTH=plain\nSMTP_FROM_NAME=x\nSMTP_SENDER_NAME=y\nSMTP_NAME=z\n",
        "SMTP_HOST_2=x\nSMTP_PORT2=x\nSMTP_DEBUG=1\nSMTP_POOL=1\nSMTP_REPLY_TO=x\nSMTP_URL=x\n",
        "SMTPD_HOST=x\nSMTPS_PORT=x\nPOSTFIX_HOST=x\nMAILTO=root\nMAILCHECK=60\nMAIL=/var/mail/root\nEMAIL=a@b.c\n",
        "SMTP_PASSWORD_FILE=\nSMTP_TLS_CA=x\nHOST=x\nPORT=1\nUSER=x\nPASSWORD=y\nMAILGUN=1\nWEBMAIL_HOST=x\n",
    ],
)
def test_names_of_others_are_no_alarm(lines: str) -> None:
    """Nor is a name whose better one is set, in the file or in the environment."""
    Path(".env").write_text(GOOD + lines)
    env = dict(line.split("=") for line in lines.splitlines())
    assert found(lint(code=None), "config-unknown-name") == []
    assert found(lint(env=env, code=None), "config-unknown-name") == []


@pytest.mark.parametrize(
    ("names", "app"),
    [
        (["EMAIL_HOST", "EMAIL_HOST_USER"], "Django"),
        (["MAIL_HOST", "MAIL_PORT"], "Laravel"),
        (["MAIL_PORT", "MAIL_SERVER", "MAIL_USE_TLS"], "Flask-Mail"),
        (["SPRING_MAIL_HOST"], "Spring Boot"),
        (["spring.mail.host"], "Spring Boot"),
        (["MAILER_DSN"], "Symfony"),
        (["GF_SMTP_HOST"], "Grafana"),
        (["N8N_SMTP_HOST"], "n8n"),
        (["DISCOURSE_SMTP_ADDRESS"], "Discourse"),
        (["mail__options__host"], "Ghost"),
        (["globalSettings__mail__smtp__host"], "Bitwarden"),
        (["_APP_SMTP_HOST"], "Appwrite"),
    ],
)
def test_a_name_of_another_application_is_told_with_whose_it_is(names: list[str], app: str) -> None:
    """Beside settings that are whole; where there are none it is read as it is, or told in the error."""
    lines = "".join(f"{name}=x\n" for name in names)
    Path(".env").write_text(GOOD + lines)
    (one,) = found(lint(), "config-unknown-name")
    assert one["severity"] == "info"
    assert one["origin"] == ".env:6"
    assert app in one["meaning"]
    assert all(name in one["meaning"] for name in names)
    Path(".env").write_text(lines)
    for lang in ("en", "ko"):
        done = cli("lint", "--lang", lang, code=None)
        assert app in done.stdout + done.stderr
        if done.exit_code == 2:
            assert ".env:1" in done.stderr
            assert all(name in done.stderr for name in names)


def test_the_environment_is_everybodys() -> None:
    """Other applications' names there are told of only where there is no host at all."""
    env = {"EMAIL_HOST": "x", "MAIL": "/var/mail/root"}
    assert found(lint(env=env), "config-unknown-name") == []
    Path(".env").unlink()
    assert "EMAIL_HOST (environment EMAIL_HOST): variables of Django" in cli("lint", env=env, code=2).stderr
    said = lint("--port", "587", env={**env, "SMTP_SENDER": "a@b.kr"}, code=1)
    assert "Django" in found(said, "config-unknown-name")[0]["meaning"]


def test_near_and_foreign_names_are_told_together() -> None:
    """One finding that names them all."""
    Path(".env").write_text(f"{GOOD}SMTP_USER=a\nSMTP_PASS=bcdefg\nEMAIL_HOST=x\nMAIL_HOST=y\n")
    (one,) = found(lint(), "config-unknown-name")
    for text in (
        "SMTP_USER → SMTP_USERNAME",
        "SMTP_PASS → SMTP_PASSWORD",
        "EMAIL_HOST, MAIL_HOST",
        "Django, Laravel",
    ):
        assert text in one["meaning"]
    assert one["severity"] == "warning"


# -- A login and the host that it was given for -------------------------------


LOCAL = "SMTP_HOST=localhost\nSMTP_PORT={port}\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=false\n"
LOGIN = "SMTP_USERNAME=app@corp.kr\nSMTP_PASSWORD=hunter22\nSMTP_SENDER=app@corp.kr\n"


def test_a_password_is_not_sent_to_another_host(tmp_path: Path) -> None:
    """From a flag or a URL: no AUTH is sent, and it is an error that says why and how to go on."""
    with serve(dialogue()) as server:
        Path(".env").write_text(LOCAL.format(port=server.port) + LOGIN)
        url = f"smtp+plain://{HOST}:{server.port}"
        for more in (["--host", HOST], ["--url", url], ["--url", url, "--username", "app@corp.kr"]):
            done = cli("check", *more, "--format", "json", code=1)
            shown = json.loads(done.stdout)
            assert shown["findings"][0]["id"] == "config-other-host"
            assert shown["settings"]["password"] == {}
            assert shown["findings"][0]["origin"] == ".env:6"
            assert "config-credentials-form" not in {one["id"] for one in shown["findings"]}
            said = " ".join(cli("check", *more, code=1).stdout.split())
            for text in ("localhost", HOST, ".env:1", "--ask-password", "--password-file"):
                assert text in said
        assert server.connections
        assert not [line for line in server.lines if line.startswith("AUTH")]
        # What is given with the command goes where the command says.
        (tmp_path / "secret").write_text("hunter22")
        login = ["--username", "app@corp.kr", "--password-file", str(tmp_path / "secret")]
        shown = json.loads(cli("check", "--host", HOST, *login, "--format", "json", code=0).stdout)
        assert found(shown, "config-other-host") == []
        assert [line for line in server.lines if line.startswith("AUTH")]


@pytest.mark.parametrize(
    ("file", "env", "flags", "used"),
    [
        # the same host, spelled otherwise, or another port of it
        (FILE, {}, ["--host", "mail.corp.kr"], True),
        (FILE, {}, ["--host", "MAIL.Corp.KR."], True),
        (FILE, {}, ["--host", "mail.corp.kr", "--port", "465", "--security", "tls"], True),
        (FILE, {}, ["--url", "smtps://mail.corp.kr"], True),
        (FILE.replace("mail.corp.kr", "[2001:db8::1]"), {}, ["--host", "2001:db8:0::1"], True),
        (
            FILE.replace("mail.corp.kr", "메일.한국"),
            {},
            ["--host", "메일.한국".encode("idna").decode()],
            True,
        ),
        # another one
        (FILE, {}, ["--host", "mail2.corp.kr"], False),
        (FILE, {}, ["--host", "corp.kr"], False),
        (FILE, {}, ["--host", "mail.corp.kr.example.com"], False),
        (FILE, {}, ["--url", "smtp://mail.example.com"], False),
        (FILE, {}, ["--host", "localhost"], False),
        (FILE, {"SMTP_PASSWORD": "of-the-environment"}, ["--host", "mail2.corp.kr"], False),
        ("", {"SMTP_HOST": "a.kr", "SMTP_PASSWORD": "secret77"}, ["--host", "b.kr"], False),
        ("SMTP_HOST=a.kr\n", {"SMTP_PASSWORD": "secret77"}, ["--host", "b.kr"], False),
        ("SMTP_PASSWORD=secret77\n", {"SMTP_HOST": "a.kr"}, ["--host", "b.kr"], False),
        # no host is named where the password stands, nor anywhere else
        ("SMTP_USERNAME=u\nSMTP_PASSWORD=secret77\n", {}, ["--host", "b.kr"], True),
        ("", {"SMTP_USERNAME": "u", "SMTP_PASSWORD": "secret77"}, ["--host", "b.kr"], True),
        ("", {"SMTP_USERNAME": "u", "SMTP_PASSWORD": "secret77"}, ["--preset", "gmail"], True),
        # the environment decides for the application, too
        (FILE, {"SMTP_HOST": "b.kr"}, [], True),
        (FILE, {"SMTP_HOST": "b.kr"}, ["--host", "b.kr"], True),
        (FILE, {"SMTP_HOST": "b.kr"}, ["--host", "mail.corp.kr"], True),
        (FILE, {"SMTP_HOST": "b.kr"}, ["--host", "c.kr"], False),
    ],
)
def test_which_host_a_password_was_given_for(
    file: str, env: dict[str, str], flags: list[str], used: bool
) -> None:
    """The one beside it, else the one that environment and file name together."""
    Path(".env").write_text(file)
    shown = lint(*flags, env=env, code=None)
    assert bool(shown["settings"]["password"]) == used
    errors = [one for one in found(shown, "config-other-host") if one["severity"] == "error"]
    assert bool(errors) == (not used)


def test_a_host_from_the_environment_leads_the_login_of_the_file_away() -> None:
    """That is what the application does, so it is done; a warning names both hosts."""
    shown = lint(env={"SMTP_HOST": "b.kr"})
    (one,) = found(shown, "config-other-host")
    assert one["severity"] == "warning"
    assert one["origin"] == ".env:7"
    for text in ("b.kr", "mail.corp.kr", ".env:2"):
        assert text in one["meaning"]
    both = lint(env={"SMTP_HOST": "b.kr", "SMTP_USERNAME": "b@b.kr", "SMTP_PASSWORD": "for-b-only"})
    assert found(both, "config-other-host") == []


def test_a_secret_file_belongs_to_where_it_is_named(tmp_path: Path) -> None:
    """`SMTP_PASSWORD_FILE` beside a host is a password for that host."""
    (tmp_path / "secret").write_text("hunter22\n")
    Path(".env").write_text(f"SMTP_HOST=a.kr\nSMTP_USERNAME=u\nSMTP_PASSWORD_FILE={tmp_path / 'secret'}\n")
    assert lint("--host", "b.kr", code=1)["settings"]["password"] == {}
    assert lint(code=None)["settings"]["password"]["value"] == "********"


def test_a_user_name_alone_is_no_secret_but_said() -> None:
    """It is not used for the other host either; a warning, since nothing is lost."""
    Path(".env").write_text(FILE.replace("SMTP_PASSWORD", "OTHER"))
    shown = lint("--host", "b.kr", code=None)
    assert shown["settings"]["username"] == {}
    (one,) = found(shown, "config-other-host")
    assert (one["severity"], one["origin"]) == ("warning", ".env:6")


# -- A preset beside variables for another host -------------------------------


@pytest.mark.parametrize(
    ("preset", "host", "fits"),
    [
        ("naver", "mail.corp.kr", False),
        ("naver", "smtp.gmail.com", False),
        ("naver", "smtp.naver.com", True),
        ("naver", "SMTP.naver.com.", True),
        ("naver", "smtp.naver.com:587", True),
        ("gmail", "smtp-relay.gmail.com", True),
        ("local", "mailpit", True),
        ("local", "localhost", True),
        ("local", "mail.corp.kr", False),
    ],
)
@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_preset_beside_variables_for_another_host(preset: str, host: str, fits: bool, place: str) -> None:
    """It is refused before anything is dialled, with both names and the line; also by check."""
    Path(".env").write_text(f"SMTP_HOST={host}\n" if place == "file" else "")
    env = {"SMTP_HOST": host} if place == "environment" else {}
    if fits:
        assert lint("--preset", preset, env=env, code=None)["preset"] == preset
        return
    for name in ("lint", "check"):
        for lang in ("en", "ko"):
            said = cli(name, "--preset", preset, "--lang", lang, env=env, code=2).stderr
            for text in (preset, host, ".env:1" if place == "file" else "environment SMTP_HOST"):
                assert text in said


def test_who_names_both_on_the_command_line_knows() -> None:
    """A provider's host in one's own domain."""
    Path(".env").unlink()
    shown = lint("--preset", "naver", "--host", "mail.corp.kr", code=None)
    assert (shown["preset"], shown["settings"]["host"]["value"]) == ("naver", "mail.corp.kr")
