"""What is said of wrong usage: in the words of the command that was typed, and with what to type instead."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from smtpdoctor.cli.declared import declared_in, function_of
from smtpdoctor.generate.kinds import KINDS, example_of, kinds_of
from smtpdoctor.knowledge import load
from tests.checking import cli, command

DJANGO = "EMAIL_HOST=smtp.corp.kr\nEMAIL_PORT=587\nEMAIL_USE_TLS=True\nEMAIL_HOST_USER=a@corp.kr\n"
UNKNOWN = "SMTP_HOST=smtp.corp.kr\nSMTP_USER=a@corp.kr\nSMTP_PASS=kT9-qwErty\n"
BY_CODE = [
    app
    for app in load.dialect_ids()
    if (dialect := load.dialect(app)) is not None
    and not any(one.name == "dotenv" for one in kinds_of(dialect))
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("django.env").write_text(DJANGO)
    Path("unknown.env").write_text(UNKNOWN)
    Path("other.env").write_text("FOO=1\n")
    Path("empty").write_text("")
    Path("here").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "convert nosuch --to n8n",
        "convert here --to n8n",
        "convert empty --to n8n",
        "convert other.env --to n8n",
        "convert unknown.env --to n8n",
        "convert django.env --to n8m",
        "convert django.env --to n8n --from djngo",
        "convert django.env --to n8n --write here",
        "convert django.env --from nodemailer --to n8n",
        "lint --config nosuch",
        "lint --config here",
        "lint --config empty",
        "lint --config unknown.env",
        "lint --app djngo",
        "apps djngo",
        "generate gmail --app djngo",
        "generate gmail --write here",
        "generate gmail --app nodemailer --write .env",
        "help chekc",
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_command_is_told_of_its_own_arguments(line: str, lang: str, folder: Path) -> None:
    """No option stands in what is said that this command does not have, but in a command line of its own."""
    words = shlex.split(line)
    told = cli(*words, "--lang", lang, code=2).stderr
    own = (
        {flag for _, one in declared_in(function_of(words[0])).values() for flag in one.names}
        if (words[0] != "help")
        else set()
    )
    without = re.sub(r"`smtpdoctor [^`]*`", "", told)
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", without)) <= {*own, "--help", "--version"}, told


@pytest.mark.parametrize("app", BY_CODE)
def test_who_reads_no_env_is_told_what_to_write_instead(app: str, folder: Path) -> None:
    """The file that is named instead can be written, and what the bare variables are good for is said of code."""
    told = cli("generate", "gmail", "--app", app, "--write", ".env", code=2).stderr
    dialect = load.dialect(app)
    assert dialect is not None
    named = re.findall(r"`--write ([^`]+)`", told)
    if any(map(example_of, kinds_of(dialect))):
        assert named
        assert named[0] != ".env"
        done = cli("generate", "gmail", "--app", app, "--write", named[0])
        assert Path(named[0]).is_file() or "cannot log in" in done.stderr, done.stderr
    assert ("SMTP_HOST" in told) == (len(named) > 1 or named == [".env"])


def test_a_folder_is_no_file_to_write_to(folder: Path) -> None:
    """A file in it that would do is named, and it does."""
    told = cli("generate", "gmail", "--write", "here", code=2).stderr
    (name,) = re.findall(r"`--write ([^`]+)`", told)
    assert Path(name).parent == Path("here")
    cli("generate", "gmail", "--write", name, code=0)
    assert Path(name).is_file()


def test_an_example_of_a_kind_is_of_that_kind() -> None:
    for kind in KINDS:
        name = example_of(kind)
        assert not name or kind.owns(name), kind.name


def test_a_hyphen_is_standard_input(folder: Path) -> None:
    """For settings and for a log, as for other programs; a file of that name is named with its folder."""
    done = command("lint", "--config", "-", "--app", "django", "--format", "json", input=DJANGO)
    assert '"smtp.corp.kr"' in done.stdout
    assert '"-:1"' in done.stdout
    done = command("explain", "-", "--format", "json", input="535 5.7.8 authentication failed\n")
    assert "auth-bad-credentials" in done.stdout
    Path("-").write_text(DJANGO.replace("587", "465"))
    done = command("lint", "--config", str(folder / "-"), "--app", "django", "--format", "json", input="")
    assert "465" in done.stdout
