"""What follows from there being several sources of settings, through the public commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smtpdoctor.model import Security
from smtpdoctor.settings.read import read_variables
from smtpdoctor.settings.resolve import Flags, resolve
from tests.checking import cli

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
    done = cli("lint", env=env, code=0)
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
    assert shown["verdict"] == "pass"


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
