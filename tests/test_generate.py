"""``smtpdoctor generate`` through the public command: print, write, merge, read back."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from smtpdoctor.settings.lint import lint
from smtpdoctor.settings.read import LONGEST, read_env_file, read_variables
from smtpdoctor.settings.resolve import Flags, resolve
from tests.examples import examples

if TYPE_CHECKING:
    from typer.testing import Result

GOLDEN = Path(__file__).parent / "golden"
PRESETS = ("daum", "forwardemail", "gmail", "local", "naver", "resend", "sendgrid")
FLAGS = ["SMTP_TLS", "SMTP_OPPORTUNISTIC_TLS"]
NAMES = ["SMTP_HOST", "SMTP_PORT", *FLAGS, "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_SENDER"]
SECRET = "S3cret-value-of-the-user"


def run(*args: object, stdin: str | None = None, lang: str = "en") -> Result:
    return CliRunner().invoke(app, [str(one) for one in args], input=stdin, env={"SMTPDOCTOR_LANG": lang})


def generate(*args: object, stdin: str | None = None, lang: str = "en", code: int = 0) -> Result:
    result = run("generate", *args, stdin=stdin, lang=lang)
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@dataclass
class Folder:
    """A folder to write in."""

    path: Path

    def file(self, name: str, text: str | bytes) -> Path:
        """Make a file."""
        path = self.path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def values_of(path: Path) -> dict[str, str]:
    """Return what the project and python-dotenv both read in a file."""
    read = {name: one.text for name, one in read_env_file(path)[0].items()}
    assert read == dict(dotenv_values(path))
    return read


# printing


@pytest.mark.parametrize(
    ("golden", "args", "lang"),
    [
        ("generate-gmail.env", ["gmail"], "en"),
        ("generate-gmail-ko.env", ["gmail"], "ko"),
        ("generate-local.env", ["local"], "en"),
        ("generate-sendgrid.compose.yml", ["sendgrid", "--for", "compose"], "en"),
        ("generate-naver-ko.compose.yml", ["naver", "--for", "compose"], "ko"),
    ],
)
def test_prints(golden: str, args: list[str], lang: str) -> None:
    result = generate(*args, lang=lang)
    path = GOLDEN / golden
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(result.stdout)
    assert result.stdout == path.read_text()
    assert "SMTP_SENDER" in result.stderr or args[0] == "local"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_preset_reads_back_as_what_it_says(preset: str, lang: str, folder: Folder) -> None:
    path = folder.path / ".env"
    generate(preset, "--write", path, lang=lang)
    assert path.read_text() == generate(preset, lang=lang).stdout.replace(
        "smtpdoctor check\n", f"smtpdoctor check --env-file {path}\n"
    )
    values = values_of(path)
    known = load.presets()[preset]
    assert values["SMTP_HOST"] == known.host
    assert values["SMTP_PORT"] == str(known.endpoint[0].port)
    report = json.loads(run("lint", "--env-file", path, "--no-environment", "--format", "json").stdout)
    assert report["settings"]["security"]["value"] == known.endpoint[0].security.value
    if preset == "local":
        assert "SMTP_USERNAME" not in values
        assert "SMTP_PASSWORD" not in values
        return
    assert report["verdict"] == "fail"
    # lint sees every placeholder, and nothing else is wrong.
    to_fill_in = json.loads(generate(preset, "--format", "json").stdout)["to_fill_in"]
    found = read_variables(environment=None, env_files=[path], implicit_env_file=None, names=NAMES)
    evidence = lint(resolve(Flags(), found))
    assert {one.origin.name for one in evidence if one.origin} == set(to_fill_in)
    assert all(one.labels == {"placeholder"} for one in evidence)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", [".env", "compose.yaml"])
def test_every_endpoint_can_be_picked_by_its_port(preset: str, name: str, folder: Folder) -> None:
    for number, endpoint in enumerate(load.presets()[preset].endpoint):
        path = folder.path / f"{number}" / name
        path.parent.mkdir()
        host = endpoint.host or load.presets()[preset].host
        if "*" in host:
            continue
        where = ("--set", f"host={host}") if endpoint.host else ()
        generate(preset, *where, "--set", f"port={endpoint.port}", "--write", path)
        text = path.read_text()
        assert re.search(rf"^ *SMTP_PORT[=:] ?'?{endpoint.port}'?$", text, re.MULTILINE)
        tls, starttls = endpoint.security == "tls", endpoint.security == "starttls"
        assert re.search(rf"^ *SMTP_TLS[=:] ?'?{str(tls).lower()}'?$", text, re.MULTILINE)
        assert re.search(rf"^ *SMTP_OPPORTUNISTIC_TLS[=:] ?'?{str(starttls).lower()}'?$", text, re.MULTILINE)
        assert host in text


def test_security_picks_the_port() -> None:
    assert (
        "SMTP_PORT=587\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=true"
        in generate("gmail", "--security", "starttls").stdout
    )
    assert "SMTP_PORT=465\nSMTP_TLS=true" in generate("naver", "--set", "security=tls").stdout
    assert "SMTP_PORT=587\nSMTP_TLS=false\n\n" in generate("naver", "--security", "opportunistic").stdout


def test_a_sink_may_listen_anywhere() -> None:
    text = generate("local", "--set", "port=2526", "--set", "host=mailpit").stdout
    assert "SMTP_HOST=mailpit" in text
    assert "SMTP_PORT=2526\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=false" in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["gmail", "--security", "starttls", "--set", "port=465"], "465 tls, 587 starttls"),
        (["daum", "--security", "starttls"], "offers 465 tls"),
        (["naver", "--security", "none"], "587 starttls, 465 tls"),
        (["gmail", "--set", "port=2525"], "does not offer 2525"),
        (["gmail", "--set", "host=smtp.naver.com"], "belongs to naver"),
        (["gmail", "--set", "port=0"], "whole number from 1 to 65535"),
        (["gmail", "--set", "port=smtp"], "whole number from 1 to 65535"),
        (["gmail", "--set", "security=ssl"], "use one of tls, starttls"),
        (["gmail", "--set", "security=tls", "--security", "starttls"], "contradict"),
        (["gmail", "--set", "port=465", "--set", "port=587"], "contradict"),
        (["gmail", "--set", "sender=nobody"], "app@example.com"),
        (["gmail", "--set", "username="], "NAME=VALUE"),
        (["gmail", "--set", "username"], "NAME=VALUE"),
        (["gmail", "--set", "service=web"], "--for compose"),
        (["gmail", "--set", "ehlo=mail.example.com"], "NAME=VALUE"),  # the base variables have none
        (["sendgrid", "--set", "username=me@example.com"], "apikey"),
        (["gmal"], "Did you mean gmail?"),
        (["gmail", "--app", "nextclod"], "nextcloud"),
        (["gmail", "--force"], "--write"),
        (["gmail", "--ask-password"], "--write"),
        (["gmail", "--write", "x.env", "--output", "y"], "contradict"),
        (["gmail", "--write", "settings.ini"], "--for dotenv"),
        (["gmail", "--for", "ini"], "dotenv, compose"),
        (["gmail", "--app", "n8n", "--for", "ini"], "kubernetes"),
        (["gmail", "--app", "strapi", "--for", "dotenv", "--set", "sender=a@gmail.com"], "sender"),
        (["gmail", "--app", "spring-boot", "--set", "cipher=HIGH"], "NAME=VALUE"),
        (["gmail", "--app", "n8n", "--write", "a.ini"], "kubernetes"),
        (["gmail", "--app", "dotnet", "--security", "tls"], "--security starttls"),
        (["gmail", "--app", "gnuboard"], "gnuboard"),
        (["gmail", "--write", ".envrc"], "cannot tell"),
        (["gmail", "--write", ".env", "--for", "compose"], "contradict"),
        (["gmail", "--password-file", "a", "--password-stdin"], "contradict"),
    ],
)
def test_refuses(args: list[str], said: str, folder: Folder) -> None:
    for lang in ("en", "ko"):
        result = generate(*args, lang=lang, code=2)
        assert result.stdout == ""
        if lang == "en":
            assert said in result.stderr
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("text", [f"password={SECRET}", f"PASSWORD={SECRET}", f"passwrd={SECRET}"])
def test_a_password_on_the_command_line_is_refused_and_never_shown(text: str) -> None:
    result = generate("gmail", "--set", text, code=2)
    assert SECRET not in result.stdout + result.stderr


def test_a_password_is_written_but_never_printed(folder: Folder) -> None:
    secret = folder.file("secret", SECRET + "\n")
    printed = generate("naver", "--password-file", secret)
    shown = generate("naver", "--password-stdin", "--format", "json", stdin=SECRET)
    path = folder.path / ".env"
    written = generate("naver", "--password-file", secret, "--write", path)
    again = generate("naver", "--password-file", secret, "--write", path, "--format", "json")
    for result in (printed, shown, written, again):
        assert SECRET not in result.stdout + result.stderr
    assert values_of(path)["SMTP_PASSWORD"] == SECRET
    assert "SMTP_PASSWORD" in json.loads(shown.stdout)["to_fill_in"]
    assert "SMTP_PASSWORD" not in json.loads(again.stdout)["to_fill_in"]


@pytest.mark.parametrize("kind", ["dotenv", "compose"])
@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_presets_placeholder_stands_for_a_password_that_is_not_printed(
    kind: str, to_file: bool, lang: str, folder: Folder
) -> None:
    secret = folder.file("secret", SECRET + "\n")
    without = generate("gmail", "--for", kind, lang=lang)
    path = folder.path / "out"
    to = ["--output", path] if to_file else []
    done = generate("gmail", "--for", kind, "--password-file", secret, *to, lang=lang)
    assert (path.read_text() if to_file else done.stdout) == without.stdout
    told = done.stderr.splitlines()
    assert any("SMTP_PASSWORD" in line and "--write" in line for line in told)
    assert without.stderr.splitlines()[0] in told  # what is to be filled in
    assert (str(path) in told[0]) == to_file
    assert "SMTP_PASSWORD" in without.stderr


def test_a_password_that_is_not_printed_belongs_to_a_login_all_the_same(folder: Folder) -> None:
    printed = generate("local", "--password-file", folder.file("secret", SECRET))
    assert "SMTP_PASSWORD=your-password" in printed.stdout
    assert "To fill in: SMTP_USERNAME, SMTP_PASSWORD." in printed.stderr


def test_the_blanks_of_an_app_password_are_left_out(folder: Folder) -> None:
    path = folder.path / ".env"
    generate("gmail", "--password-stdin", "--write", path, stdin="abcd efgh ijkl mnop\n")
    assert values_of(path)["SMTP_PASSWORD"] == "abcdefghijklmnop"


def test_what_one_address_says_about_the_other() -> None:
    assert "SMTP_SENDER=me@naver.com" in generate("naver", "--set", "username=me").stdout
    assert "SMTP_SENDER=me@gmail.com" in generate("gmail", "--set", "username=me@gmail.com").stdout
    assert "SMTP_USERNAME=me@naver.com" in generate("naver", "--set", "sender=Me <me@naver.com>").stdout
    # Gmail may send as another address, so a sender says nothing about the login.
    assert "SMTP_USERNAME=your-address@gmail.com" in generate("gmail", "--set", "sender=a@b.example").stdout


# writing


def test_a_new_file_is_private_and_says_what_is_left(folder: Folder) -> None:
    path = folder.path / "smtp.env"
    result = generate("gmail", "--write", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert result.stdout == ""
    assert "To fill in: SMTP_USERNAME, SMTP_PASSWORD, SMTP_SENDER." in result.stderr
    assert f"smtpdoctor check --env-file {path}" in result.stderr
    assert generate("gmail", "--write", path, "--quiet").stderr == ""


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
@pytest.mark.parametrize("preset", PRESETS)
def test_writing_twice_changes_nothing(preset: str, name: str, folder: Folder) -> None:
    path = folder.path / name
    generate(preset, "--write", path)
    before, state = path.read_bytes(), path.stat()
    result = generate(preset, "--write", path)
    assert "is already up to date" in result.stderr
    assert path.read_bytes() == before
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    assert generate(preset, "--write", path, "--force", "--format", "json").stdout.count('"written": []') == 1


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_who_may_read_a_file_stays_as_it_was_and_is_told(
    name: str, mode: int, lang: str, folder: Folder
) -> None:
    """An application may read it by its group; so the mode stays, and is told where a password is in it."""
    path = folder.file(name, "services:\n  web:\n    image: x\n" if name == "compose.yaml" else "A=1\n")
    path.chmod(mode)
    warned = f"chmod 600 {path}"
    assert warned not in generate("gmail", "--write", path, lang=lang).stderr
    given = ["--set", "username=me@gmail.com", "--password-stdin"]
    for extra in ([], ["--force"], ["--format", "json"]):
        done = generate("gmail", "--write", path, *given, *extra, stdin="abcdefghijklmnop", lang=lang)
        assert (warned in done.stderr) == bool(mode & 0o077)
        assert (f"{mode:04o}" in done.stderr) == bool(mode & 0o077)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert generate("gmail", "--write", path, "--quiet", lang=lang).stderr == ""


def test_a_link_is_followed_and_stays(folder: Folder) -> None:
    target = folder.file("real.env", "A=1\n")
    link = folder.path / ".env"
    link.symlink_to(target)
    generate("gmail", "--write", link)
    assert link.is_symlink()
    assert "SMTP_HOST" in target.read_text()


MINE = """\
# my application
DATABASE_URL="postgres://x"   # keep
export SMTP_HOST = smtp.gmail.com
SMTP_PORT="465" # the port
SMTP_TLS=True
SMTP_USERNAME=
SMTP_PASSWORD=real-password
UNRELATED='#$ x'
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_merging_keeps_what_it_does_not_own(end: str, mark: str, folder: Folder) -> None:
    path = folder.file(".env", (mark + MINE).replace("\n", end))
    result = generate("gmail", "--write", path, "--set", "username=me@gmail.com")
    expected = MINE.replace("SMTP_USERNAME=\n", "SMTP_USERNAME=me@gmail.com\n").replace(
        "real-password\n", "real-password\nSMTP_OPPORTUNISTIC_TLS=false\nSMTP_SENDER=me@gmail.com\n"
    )
    assert path.read_bytes() == (mark + expected).replace("\n", end).encode()
    assert "Wrote" in result.stderr
    assert "To fill in" not in result.stderr


def test_without_a_last_line_end_and_without_our_variables(folder: Folder) -> None:
    path = folder.file(".env", "# mine\nA=1")
    generate("gmail", "--write", path)
    assert path.read_text().startswith("# mine\nA=1\n\n# SMTP settings for Gmail")
    assert list(values_of(path)) == ["A", *NAMES]


def test_another_value_stops_everything(folder: Folder) -> None:
    text = "SMTP_HOST=smtp.naver.com\nSMTP_PORT=465\nSMTP_TLS=no\nSMTP_PASSWORD=\n"
    path = folder.file(".env", text)
    result = generate("gmail", "--write", path, code=2)
    assert "SMTP_HOST, SMTP_TLS already set to something else; --force" in result.stderr
    assert path.read_text() == text
    generate("gmail", "--write", path, "--force")
    assert values_of(path)["SMTP_HOST"] == "smtp.gmail.com"
    assert values_of(path)["SMTP_TLS"] == "true"


def test_force_keeps_quotes_blanks_and_comments(folder: Folder) -> None:
    path = folder.file(
        ".env", "  export SMTP_HOST = \"old\"  # a\nSMTP_PORT='25'\nSMTP_TLS=yes#x\nSMTP_SENDER= # who\n"
    )
    generate("naver", "--write", path, "--force", "--set", "sender=App <me@naver.com>")
    lines = path.read_text().splitlines()
    assert lines[:4] == [
        '  export SMTP_HOST = "smtp.naver.com"  # a',
        "SMTP_PORT='587'",
        "SMTP_TLS=false",
        "SMTP_SENDER='App <me@naver.com>' # who",
    ]


def test_a_placeholder_gives_way_to_a_real_value(folder: Folder) -> None:
    path = folder.path / ".env"
    generate("gmail", "--write", path)
    generate("gmail", "--write", path, "--set", "username=me@gmail.com")
    text = path.read_text()
    assert values_of(path)["SMTP_USERNAME"] == values_of(path)["SMTP_SENDER"] == "me@gmail.com"
    for extra in ([], ["--force"]):
        generate("gmail", "--write", path, *extra)
        assert path.read_text() == text


def test_someone_elses_placeholder_stays_and_is_named(folder: Folder) -> None:
    path = folder.file(".env", "SMTP_PASSWORD=changeme\n")
    result = generate("gmail", "--write", path)
    assert path.read_text().startswith("SMTP_PASSWORD=changeme\n")
    assert "SMTP_PASSWORD" in result.stderr.partition("To fill in")[2]
    generate("gmail", "--write", path, "--password-stdin", stdin=SECRET, code=2)


def test_the_last_definition_counts(folder: Folder) -> None:
    path = folder.file(".env", "SMTP_HOST=old\nSMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_PORT=25\n")
    generate("gmail", "--write", path, code=2)
    generate("gmail", "--write", path, "--force")
    assert path.read_text().startswith(
        "SMTP_HOST=old\nSMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_PORT=465\n"
    )


def test_a_flag_that_would_change_the_security_is_a_conflict(folder: Folder) -> None:
    path = folder.file(".env", "SMTP_OPPORTUNISTIC_TLS=true\n")
    result = generate("naver", "--security", "opportunistic", "--write", path, code=2)
    assert "SMTP_OPPORTUNISTIC_TLS" in result.stderr
    generate("naver", "--security", "opportunistic", "--write", path, "--force")
    shown = json.loads(run("lint", "--env-file", path, "--no-environment", "--format", "json").stdout)
    assert shown["settings"]["security"]["value"] == "opportunistic"


def test_a_secret_file_counts_as_the_value(folder: Folder) -> None:
    path = folder.file(".env", "SMTP_PASSWORD_FILE=/run/secrets/smtp\n")
    result = generate("gmail", "--write", path)
    assert "SMTP_PASSWORD" not in values_of(path)
    assert "SMTP_PASSWORD" not in result.stderr
    generate("gmail", "--write", path, "--password-stdin", stdin=SECRET, code=2)
    generate("gmail", "--write", path, "--password-stdin", "--force", stdin=SECRET)
    assert values_of(path)["SMTP_PASSWORD_FILE"] == ""
    assert values_of(path)["SMTP_PASSWORD"] == SECRET


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("SMTP_HOST=\uc548".encode("cp949"), "UTF-8"),
        (b"\xff\xfeA\0=\0", "UTF-8"),
        (b"#" * 1_100_000, "MB"),
    ],
)
def test_files_that_are_left_alone(content: bytes, said: str, folder: Folder) -> None:
    path = folder.file(".env", content)
    assert said in generate("gmail", "--write", path, code=2).stderr
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "name", ["a\nSMTP_HOST=evil.example\n.env", "a\rSMTP_HOST=evil.example", "\udcff.env"]
)
def test_a_name_that_is_no_line_is_not_written_into_the_file(name: str, folder: Folder) -> None:
    """What stands behind a line break in a file's name would be a variable of its own."""
    path = folder.path / name
    generate("gmail", "--write", path, "--for", "dotenv")
    assert "evil" not in path.read_text()
    assert values_of(path)["SMTP_HOST"] == "smtp.gmail.com"


def test_two_who_write_at_once_both_have_what_they_gave(folder: Folder) -> None:
    """Whoever comes second merges into what the first has written."""
    path = folder.path / ".env"
    command = [sys.executable, "-m", "smtpdoctor", "generate", "resend", "--write", str(path), "--quiet"]
    given = [["--set", "sender=me@corp.kr"], ["--password-stdin"], ["--security", "tls"], []]
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(subprocess.Popen([*command, *one], stdin=subprocess.PIPE)) for one in given
        ]
        for one in writers:
            assert one.stdin is not None
            one.stdin.write(SECRET.encode())
            one.stdin.close()
    assert [one.returncode for one in writers] == [0, 0, 0, 0]
    values = values_of(path)
    assert (values["SMTP_SENDER"], values["SMTP_PASSWORD"]) == ("me@corp.kr", SECRET)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("it's", "contains ',"),
        ("tail\\", "contains \\,"),
        ("a\\\\b", "contains \\,"),
        ("x${HOME}y", "contains ${,"),
        ("line\nbreak", "a line break (U+000A)"),
        ("twice\n\n", "a line break (U+000A)"),
        ("a\rb", "a carriage return (U+000D)"),
        ("a\tb", "a tab (U+0009)"),
        ("a\x85", "a line break (U+0085)"),
        ("a\u2028b", "a line break (U+2028)"),
        ("a\ufeffb", "a byte order mark (U+FEFF)"),
        ("a\x1bb", "a control character (U+001B)"),
        ("nul\0", "a NUL character (U+0000)"),
    ],
)
def test_values_that_readers_disagree_about_are_refused(value: str, said: str, folder: Folder) -> None:
    """With the character that is the trouble, and not with the value."""
    path = folder.path / ".env"
    for lang in ("en", "ko"):
        given = ["resend", "--write", path, "--password-stdin"]
        result = generate(*given, lang=lang, code=2, stdin=value)
        assert value not in result.stderr
        assert lang == "ko" or said in result.stderr
        assert value not in generate(*given, "--format", "json", lang=lang, code=2, stdin=value).stdout
    assert not path.exists()


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 200_000])
def test_a_password_is_never_cut(length: int, folder: Folder) -> None:
    """It is written whole, or refused with how long it may be."""
    path = folder.path / ".env"
    whole = length <= LONGEST
    given = ["resend", "--write", path, "--password-stdin"]
    for lang in ("en", "ko"):
        done = generate(*given, stdin="x" * length + "\n", code=0 if whole else 2, lang=lang)
        assert whole or str(LONGEST) in done.stderr
    assert not whole or len(values_of(path)["SMTP_PASSWORD"]) == length
    assert path.exists() == whole


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_password_comes_the_same_from_a_file_and_from_standard_input(
    end: str, mark: str, folder: Folder
) -> None:
    """The line end of whoever wrote it is none of it; blanks are."""
    text = f"{mark} p w {end}"
    for way in (["--password-stdin"], ["--password-file", folder.file("secret", text)]):
        path = folder.path / f"{len(way)}.env"
        generate("resend", "--write", path, *way, stdin=text)
        assert values_of(path)["SMTP_PASSWORD"] == " p w "


def test_bytes_that_are_no_text_are_no_password(folder: Folder) -> None:
    result = CliRunner().invoke(
        app, ["generate", "resend", "--write", f"{folder.path}/.env", "--password-stdin"], input=b"\xff\xfea"
    )
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr
    assert list(folder.path.iterdir()) == []


def test_a_dollar_is_quoted_and_mentioned(folder: Folder) -> None:
    path = folder.path / ".env"
    result = generate("resend", "--write", path, "--password-stdin", stdin="pa$$word#1")
    assert "SMTP_PASSWORD='pa$$word#1'\n" in path.read_text()
    assert "dotenv-expand" in result.stderr


PRINTABLE = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    min_size=1,
    max_size=40,
)
# What readers stumble over, more often than among all characters; a password is more than a line end.
PASSWORDS = st.one_of(
    st.text(st.sampled_from(" \t\r\n\0\ufeff\x85\u2028\\'\"#$ {}=aZ0%`~^\x1b"), min_size=1, max_size=12),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
).filter(lambda text: text.lstrip("\ufeff").strip("\r\n"))
STANDING = ["SMTP_PASSWORD=", "SMTP_PASSWORD=''", 'export SMTP_PASSWORD = ""  # mine', "SMTP_PASSWORD", "C=3"]


@given(value=PASSWORDS, standing=st.sampled_from(STANDING), end=st.sampled_from(["\n", "\r\n"]))
@settings(
    deadline=None, max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_password_survives_or_is_refused(
    value: str, standing: str, end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What check reads, and the application, is what was given; else nothing is written."""
    folder = tmp_path_factory.mktemp("hypothesis")
    path = folder / ".env"
    before = f"A=1{end}{standing}{end}B='2'{end}".encode()
    path.write_bytes(before)
    given_password = value.removeprefix("\ufeff")
    given_password = given_password[:-1].removesuffix("\r") if given_password[-1:] == "\n" else given_password
    result = run("generate", "resend", "--write", path, "--password-stdin", stdin=value)
    if result.exit_code == 2:
        assert re.search("['\\\\\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\\${", given_password), (
            result.stderr
        )
        assert path.read_bytes() == before
        return
    assert result.exit_code == 0, result.stderr
    read = values_of(path)
    assert read["SMTP_PASSWORD"] == given_password
    assert (read["A"], read["B"]) == ("1", "2")
    written = path.read_bytes()
    assert run("generate", "resend", "--write", path, "--password-stdin", stdin=value).exit_code == 0
    assert path.read_bytes() == written


LINE = st.one_of(
    st.sampled_from(
        ["", "# a", "A=1", "export B = 'x y'", 'C="a\\nb"', "broken line", "D=\"open", "SMTP_HOST=", "SMTP_HOST",
         "SMTP_PORT= # p", "SMTP_PORT=''", "SMTP_TLS=", "SMTP_TLS=true", "  SMTP_SENDER = \"\"  # s", "E='multi\nline'",
         "SMTP_USERNAME=me@gmail.com", "SMTP_USERNAME='me@gmail.com'#c", "F=${A}", "SMTP_HOST=#x", "G"]
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
)  # fmt: skip


@given(lines=st.lists(LINE, max_size=8), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
@settings(deadline=None, max_examples=examples(60))
def test_no_file_loses_anything(
    lines: list[str], end: str, last: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("hypothesis") / ".env"
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    before = path.read_bytes()
    old = dict(dotenv_values(path, interpolate=False))
    result = run("generate", "gmail", "--write", path, "--force", "--set", "username=me@gmail.com")
    if result.exit_code == 2:
        assert path.read_bytes() == before
        return
    assert result.exit_code == 0, result.stderr
    new = dict(dotenv_values(path, interpolate=False))
    assert {name: new[name] for name in old if name not in NAMES} == {
        name: value for name, value in old.items() if name not in NAMES
    }
    assert new["SMTP_HOST"] == "smtp.gmail.com"
    assert new["SMTP_PORT"] == "465"
    after = path.read_bytes()
    run("generate", "gmail", "--write", path, "--set", "username=me@gmail.com")
    assert path.read_bytes() == after


# Docker Compose


COMPOSE = """\
# my stack
x-logging: &logging { driver: json-file }

services:
  db:
    image: postgres
    logging: *logging
  "web":   # the application
    image: app
    command: |
      run --env
      # no comment
    environment:
      - TZ=Asia/Seoul   # zone
      - SMTP_HOST=
      - "SMTP_PORT=465"

volumes: {}
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_merges_into_a_list(end: str, folder: Folder) -> None:
    path = folder.file("docker-compose.yml", COMPOSE.replace("\n", end))
    generate("gmail", "--write", path, "--set", "service=web", "--set", "sender=Me <me@gmail.com>")
    expected = COMPOSE.replace("- SMTP_HOST=\n", "- SMTP_HOST=smtp.gmail.com\n").replace(
        '- "SMTP_PORT=465"\n',
        '- "SMTP_PORT=465"\n'
        "      - SMTP_TLS=true\n"
        "      - SMTP_OPPORTUNISTIC_TLS=false\n"
        "      - SMTP_USERNAME=your-address@gmail.com\n"
        "      - SMTP_PASSWORD=your-app-password\n"
        '      - "SMTP_SENDER=Me <me@gmail.com>"\n',
    )
    assert path.read_bytes() == expected.replace("\n", end).encode()


def test_merges_into_a_mapping(folder: Folder) -> None:
    path = folder.file(
        "compose.yaml",
        "services:\n    web:\n        environment:\n"
        "            A: '1'  # a\n            SMTP_HOST:\n            SMTP_PORT: 25 # p\n"
        '            SMTP_TLS: "no"\n            SMTP_PASSWORD: ${SMTP_PASSWORD}\n            Z: &z x\n',
    )
    assert "SMTP_PORT, SMTP_TLS already" in generate("gmail", "--write", path, code=2).stderr
    generate("gmail", "--write", path, "--force", "--set", "username=me@gmail.com")
    assert path.read_text() == (
        "services:\n    web:\n        environment:\n"
        "            A: '1'  # a\n            SMTP_HOST: smtp.gmail.com\n            SMTP_PORT: 465 # p\n"
        '            SMTP_TLS: "true"\n            SMTP_PASSWORD: ${SMTP_PASSWORD}\n'
        '            SMTP_OPPORTUNISTIC_TLS: "false"\n'
        '            SMTP_USERNAME: "me@gmail.com"\n'
        '            SMTP_SENDER: "me@gmail.com"\n'
        "            Z: &z x\n"
    )


def test_makes_an_environment_where_there_is_none(folder: Folder) -> None:
    path = folder.file(
        "compose.yml", "services:\n  web:\n    image: x\n    command: |\n      a\n      # b\n\n  # end\n"
    )
    generate("local", "--write", path)
    assert path.read_text() == (
        "services:\n  web:\n    image: x\n    command: |\n      a\n      # b\n    environment:\n"
        "      SMTP_HOST: 'localhost'\n      SMTP_PORT: '1025'\n      SMTP_TLS: 'false'\n"
        "      SMTP_OPPORTUNISTIC_TLS: 'false'\n      SMTP_SENDER: 'noreply@example.com'\n\n  # end\n"
    )


@pytest.mark.parametrize(
    "above",
    [
        "",
        "    command: [\n      run,\n      environment: x\n    ]\n",
        '    label: "a\n    environment:\n      b"\n',
        "    label: 'it''s\n    environment: {'\n",
        '    command: |\n      environment:\n      "\n',
        "    ports:\n    - 80:80\n",
    ],
)
def test_lines_that_only_look_like_keys(above: str, folder: Folder) -> None:
    path = folder.file("compose.yml", f"---\nservices:\n  web: # one\n{above}\nvolumes:\n  v:\n")
    generate("local", "--write", path)
    assert path.read_text() == (
        f"---\nservices:\n  web: # one\n{above}    environment:\n"
        "      SMTP_HOST: 'localhost'\n      SMTP_PORT: '1025'\n      SMTP_TLS: 'false'\n"
        "      SMTP_OPPORTUNISTIC_TLS: 'false'\n      SMTP_SENDER: 'noreply@example.com'\n\nvolumes:\n  v:\n"
    )


def test_compose_doubles_the_dollar_and_may_hold_quotes(folder: Folder) -> None:
    path = folder.file("app.compose.yml", "services:\n  web:\n    environment:\n    - A=1\n")
    generate("resend", "--write", path, "--password-stdin", stdin="p'a$$s: #\\")
    assert "    - 'SMTP_PASSWORD=p''a$$$$s: #\\'\n" in path.read_text()
    before = path.read_text()
    result = generate("resend", "--write", path, "--password-stdin", stdin="p'a$$s: #\\")
    assert path.read_text() == before
    assert "already" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n", "no services"),
        ("services: {}\n", "braces"),
        ("services: {web: {image: x}}\n", "braces"),
        ("services:\n  web: &x\n    image: x\n", "anchor"),
        ("services:\n  web:\n    <<: *x\n", "merge key"),
        ("services:\n  web:\n    environment: *x\n", "anchor"),
        ("services:\n  web:\n    environment: {A: b}\n", "braces"),
        ("services:\n  web:\n    environment:\n      <<: *x\n      A: b\n", "merge key"),
        ("services:\n  web:\n    environment:\n      - *x\n", "cannot be understood"),
        ("services:\n  web:\n    environment:\n      SMTP_HOST: |\n        x\n", "cannot be understood"),
        ("services:\n  web:\n    environment:\n      SMTP_HOST: a\n        b\n", "cannot be understood"),
        ("services:\n  web:\n    environment:\n      SMTP_HOST: a\n      SMTP_HOST: b\n", "twice"),
        ("services:\n\tweb:\n", "tab"),
        ("services:\n  web:\n    image: x\n---\na: 1\n", "more than one document"),
        ("services:\n  a:\n    image: x\n  b:\n    image: x\n", "--set service=NAME (a, b)"),
        ("services:\n  web:\n    env_file: ./app.env\n", "--write ./app.env"),
        (
            "services:\n  web:\n    env_file:\n      - path: conf/x.env\n        required: true\n",
            "--write conf/x.env",
        ),
        ('services:\n  web:\n    x: "open\n', "cannot be understood"),
        ('services:\n  web:\n    environment:\n      SMTP_HOST: "a\n        b"\n', "cannot be understood"),
        ("services:\n  web:\n    environment:\n      - SMTP_HOST: a\n", "cannot be understood"),
        ("- a\n", "cannot be understood"),
        ("just text\n", "cannot be understood"),
    ],
)
def test_unusual_compose_files_are_left_alone(text: str, said: str, folder: Folder) -> None:
    path = folder.file("compose.yaml", text)
    result = generate("gmail", "--write", path, code=2)
    assert said in result.stderr
    assert path.read_text() == text


def test_an_unknown_service_is_refused(folder: Folder) -> None:
    path = folder.file("compose.yaml", "services:\n  web:\n    image: x\n")
    assert "it has web" in generate("gmail", "--write", path, "--set", "service=api", code=2).stderr


def test_env_file_gives_way_to_force_or_to_variables_that_are_there(folder: Folder) -> None:
    start = "services:\n  web:\n    env_file: .env\n"
    path = folder.file("compose.yaml", start)
    generate("gmail", "--write", path, "--force")
    assert path.read_text().startswith(start + "    environment:\n      SMTP_HOST: ")
    path.write_text(start + "    environment:\n      - SMTP_HOST=smtp.gmail.com\n")
    generate("gmail", "--write", path)
    assert "      - SMTP_PORT=465\n" in path.read_text()


@given(value=PRINTABLE.filter(lambda text: text.strip("\r\n")), form=st.sampled_from(["list", "mapping"]))
@settings(deadline=None, max_examples=examples(30))
def test_compose_reads_back_what_it_wrote(
    value: str, form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hypothesis")
    path = folder / "compose.yaml"
    entry = "- A=1" if form == "list" else "A: '1'"
    path.write_text(f"services:\n  web:\n    environment:\n      {entry}\n")
    (folder / "secret").write_text(value)
    args = ["generate", "resend", "--write", path, "--password-file", folder / "secret", "--format", "json"]
    first = run(*args)
    assert first.exit_code == 0, first.stdout
    text = path.read_text()
    line = next(line for line in text.splitlines() if "SMTP_PASSWORD" in line)
    doubled = value.replace("$", "$$")
    quoted = doubled.replace("'", "''")
    expected = (
        {f"- SMTP_PASSWORD={doubled}", f"- 'SMTP_PASSWORD={quoted}'"}
        if form == "list"
        else {f"SMTP_PASSWORD: '{quoted}'"}
    )
    assert line.strip(" ") in expected
    assert json.loads(run(*args).stdout)["written"] == []
    assert path.read_text() == text


# JSON, and a process of its own


def test_json_of_printing_and_writing(folder: Folder) -> None:
    printed = json.loads(generate("gmail", "--format", "json").stdout)
    assert printed["text"] == generate("gmail").stdout
    assert {"version", "tool", "preset", "file", "written", "unchanged", "to_fill_in", "text"} <= set(printed)
    assert printed["file"] is None
    assert printed["to_fill_in"] == ["SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_SENDER"]
    path = folder.file(".env", "SMTP_HOST=smtp.gmail.com\n")
    written = json.loads(generate("gmail", "--format", "json", "--write", path).stdout)
    assert "text" not in written
    assert written["unchanged"] == ["SMTP_HOST"]
    assert written["written"] == NAMES[1:]
    failed = json.loads(generate("gmail", "--format", "json", "--security", "none", code=2).stdout)
    assert "gmail" in failed["error"]["message"]


def test_output_takes_what_would_be_printed(folder: Folder) -> None:
    path = folder.path / "out.txt"
    assert generate("gmail", "--output", path).stdout == ""
    assert path.read_text() == generate("gmail").stdout
    generate("gmail", "--output", path)  # the same again
    for lang in ("en", "ko"):
        refused = generate("naver", "--output", path, lang=lang, code=2)
        assert f"--write {path}" in refused.stderr
        assert "--force" in refused.stderr
    assert path.read_text() == generate("gmail").stdout
    generate("naver", "--output", path, "--force")
    assert path.read_text() == generate("naver").stdout


def test_output_leaves_a_users_file_alone(folder: Folder) -> None:
    path = folder.file(".env", MINE)
    assert f"--write {path}" in generate("gmail", "--output", path, code=2).stderr
    assert path.read_text() == MINE
    shown = json.loads(generate("gmail", "--output", path, "--format", "json", code=2).stdout)
    assert "--force" in shown["error"]["message"]
    other = folder.file("report.json", "mine")
    generate("gmail", "--write", path, "--format", "json", "--output", other, code=2)
    assert (path.read_text(), other.read_text()) == (MINE, "mine")


def test_as_a_process(folder: Folder) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smtpdoctor", "generate", "naver", "--lang", "ko", "--write", ".env"],
        cwd=folder.path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "채워 넣을 항목: SMTP_USERNAME, SMTP_PASSWORD, SMTP_SENDER." in done.stderr
    assert done.stderr.rstrip().endswith("smtpdoctor check")


# From one provider to another


def written_for(folder: Folder, preset: str, name: str, *, lang: str = "en") -> Path:
    """Return a file as `generate` leaves it, filled in by its user and with comments of his."""
    path = folder.path / name
    domain = load.presets()[preset].mail_domains[0]
    given = ["--set", f"username=me@{domain}", "--set", f"sender=Me <me@{domain}>"]
    generate(preset, "--write", path, *given, "--password-stdin", stdin="Abcd1234Efgh5678", lang=lang)
    indent = "      " if name.endswith("yaml") else ""
    text = path.read_text()
    mine = f"{indent}# my own words about {preset}, port 465 and User name: x\n"
    at = text.index(f"{indent}SMTP_PORT")
    path.write_text(f"{text[:at]}{mine}{text[at:]}")
    return path


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
@pytest.mark.parametrize(("old", "new"), [("gmail", "naver"), ("naver", "gmail"), ("daum", "naver")])
@pytest.mark.parametrize(("before", "after"), [("en", "en"), ("en", "ko"), ("ko", "en")])
def test_another_provider_takes_its_place(
    old: str, new: str, name: str, before: str, after: str, folder: Folder
) -> None:
    """Its comments and its login go, with a word about it; the user's own comments stay."""
    path = written_for(folder, old, name, lang=before)
    untouched = path.read_bytes()
    refused = generate(new, "--write", path, lang=after, code=2)
    assert "SMTP_PASSWORD" in refused.stderr
    assert path.read_bytes() == untouched
    done = generate(new, "--write", path, "--force", lang=after)
    text = path.read_text()
    assert f"# my own words about {old}, port 465 and User name: x\n" in text
    preset = load.presets()[old]
    assert "Abcd1234Efgh5678" not in text
    assert preset.host not in text
    assert preset.mail_domains[0] not in text
    for line in text.splitlines():
        assert preset.name.en not in line
    for told in (
        "SMTP_USERNAME, SMTP_PASSWORD, SMTP_SENDER: ",
        preset.name.in_("ko" if after == "ko" else "en"),
    ):
        assert told in done.stderr
    kind = "compose" if name.endswith("yaml") else "dotenv"
    fresh = comments(generate(new, "--for", kind, lang=after).stdout)
    left = [line for line in comments(text) if "my own" not in line and str(path) not in line]
    assert left[0] == fresh[0]
    if before == after:
        assert left == [line for line in fresh if not line.endswith("smtpdoctor check")]
    shown = json.loads(generate(new, "--write", path, "--format", "json", lang=after).stdout)
    assert (shown["written"], shown["reset"], shown["doubtful"]) == ([], [], [])
    assert shown["to_fill_in"] == ["SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_SENDER"]
    assert path.read_text() == text


def test_the_result_is_what_a_new_file_is(folder: Folder) -> None:
    path = written_for(folder, "gmail", ".env")
    path.write_text(path.read_text().replace("# my own words about gmail, port 465 and User name: x\n", ""))
    generate("naver", "--write", path, "--force")
    fresh = folder.path / "fresh.env"
    generate("naver", "--write", fresh)
    expected = fresh.read_text().replace("fresh.env", ".env")
    assert path.read_text().replace("'your-address@naver.com'", "your-address@naver.com") == expected


def test_what_the_command_gives_is_written_and_not_reset(folder: Folder) -> None:
    path = written_for(folder, "gmail", ".env")
    given = ["--set", "username=me@naver.com", "--password-stdin"]
    done = generate("naver", "--write", path, "--force", *given, stdin="ABCD1234EFGH")
    values = values_of(path)
    assert (values["SMTP_USERNAME"], values["SMTP_PASSWORD"]) == ("me@naver.com", "ABCD1234EFGH")
    assert values["SMTP_SENDER"] == "me@naver.com"
    assert "SMTP_PASSWORD: reset" not in done.stderr


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
def test_a_server_of_ones_own_before(name: str, folder: Folder) -> None:
    """Whatever stood beside another host was for that host; a sender of one's own domain stays."""
    lines = {
        "SMTP_HOST": "mail.corp.kr",
        "SMTP_USERNAME": "app",
        "SMTP_PASSWORD": SECRET,
        "SMTP_SENDER": "app@corp.kr",
    }
    if name == ".env":
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
    else:
        text = "services:\n  web:\n    environment:\n" + "".join(
            f"      {k}: '{v}'\n" for k, v in lines.items()
        )
    path = folder.file(name, text)
    done = generate("sendgrid", "--write", path, "--force")
    assert SECRET not in path.read_text()
    assert "app@corp.kr" in path.read_text()
    assert "SMTP_PASSWORD: reset, because the old values belonged to mail.corp.kr." in done.stderr


def test_a_provider_without_login_takes_the_old_one_away(folder: Folder) -> None:
    path = written_for(folder, "gmail", ".env")
    done = generate("local", "--write", path, "--force")
    values = values_of(path)
    assert (values["SMTP_USERNAME"], values["SMTP_PASSWORD"]) == ("", "")
    assert "SMTP_USERNAME, SMTP_PASSWORD" in done.stderr
    assert run("lint", "--env-file", path, "--no-environment").exit_code == 0


def test_a_secret_kept_elsewhere_is_named(folder: Folder) -> None:
    path = folder.file(
        ".env", "SMTP_HOST=smtp.gmail.com\nSMTP_USERNAME=${ME}\nSMTP_PASSWORD_FILE=/run/secrets/smtp\n"
    )
    done = generate("naver", "--write", path, "--force")
    assert (
        "SMTP_USERNAME, SMTP_PASSWORD_FILE: left unchanged; check that it belongs to Naver Mail."
        in done.stderr
    )
    assert "SMTP_PASSWORD_FILE=/run/secrets/smtp\n" in path.read_text()


@pytest.mark.parametrize(
    ("preset", "username", "doubtful"),
    [
        ("gmail", "me@naver.com", True),
        ("gmail", "me", True),
        ("gmail", "me@corp.kr", False),
        ("naver", "me", False),
        ("sendpulse", "me@gmail.com", False),
        ("gmail", "your-name@example.com", False),
    ],
)
def test_a_login_of_another_form_is_not_left_without_a_word(
    preset: str, username: str, doubtful: bool, folder: Folder
) -> None:
    """Where no host says whose it is, it stays and is named."""
    path = folder.file(".env", f"SMTP_USERNAME={username}\n")
    done = generate(preset, "--write", path)
    assert path.read_text().startswith(f"SMTP_USERNAME={username}\n")
    assert ("SMTP_USERNAME: left unchanged" in done.stderr) == doubtful


def test_the_same_provider_under_another_name_or_port_keeps_its_login(folder: Folder) -> None:
    path = written_for(folder, "gmail", ".env")
    before = values_of(path)
    generate("gmail", "--write", path, "--force", "--security", "starttls")
    after = values_of(path)
    assert (after["SMTP_PORT"], after["SMTP_OPPORTUNISTIC_TLS"]) == ("587", "true")
    assert after["SMTP_PASSWORD"] == before["SMTP_PASSWORD"]
    text = path.read_text()
    assert "port 587 uses STARTTLS" in text
    assert "port 465 uses" not in text
    assert text.count("# User name:") == 1
    path.write_text(text.replace("SMTP_HOST=smtp.gmail.com", "SMTP_HOST=smtp.googlemail.com"))
    generate("gmail", "--write", path, "--force")
    assert values_of(path)["SMTP_PASSWORD"] == before["SMTP_PASSWORD"]


def test_a_comment_of_ours_that_the_user_changed_is_his(folder: Folder) -> None:
    path = written_for(folder, "gmail", ".env")
    text = path.read_text().replace("# Other ports: 587", "# Other ports: only 587, says Kim;")
    path.write_text(text)
    generate("naver", "--write", path, "--force")
    assert "# Other ports: only 587, says Kim; (STARTTLS)" in path.read_text()


def test_lines_that_look_like_comments_within_values_stay(folder: Folder) -> None:
    header = "# SMTP settings for Gmail / Google Workspace, written by smtpdoctor"
    path = folder.file(".env", f"A='x\n{header}\n'\nSMTP_HOST=smtp.gmail.com\n")
    generate("naver", "--write", path, "--force")
    assert f"A='x\n{header}\n'\n" in path.read_text()
    compose = folder.file(
        "compose.yaml",
        f"services:\n  web:\n    command: |\n      {header}\n      run\n    environment:\n      SMTP_HOST: smtp.gmail.com\n",
    )
    generate("naver", "--write", compose, "--force")
    assert f"    command: |\n      {header}\n      run\n" in compose.read_text()


def test_only_comments_may_be_out_of_date(folder: Folder) -> None:
    """The user has changed the values by hand; what smtpdoctor says beside them follows."""
    path = folder.path / ".env"
    generate("gmail", "--write", path)
    old = path.read_text()
    generate("naver", "--write", path, "--force")
    new = path.read_text()
    heads = [line for line in old.splitlines() if line.startswith("#")]
    by_hand = "\n".join([*heads, *(line for line in new.splitlines() if "=" in line and line[0] != "#"), ""])
    path.write_text(by_hand)
    done = generate("naver", "--write", path)
    assert "the comments were updated" in done.stderr
    assert "Gmail" not in path.read_text()
    assert "Naver Mail" in path.read_text()


def test_service_is_for_compose(folder: Folder) -> None:
    assert "--for compose" in generate("gmail", "--set", "service=web", code=2).stderr


def test_help_offers_only_what_is_taken() -> None:
    """Each name that `--set` offers is one that it takes."""
    shown = " ".join(run("generate", "--help").stdout.split())
    offered = re.search(r"A value: ([a-z, ]+) \(Compose\)", shown)
    assert offered is not None
    for name in re.split(r", (?:or )?", offered[1]):
        value = {"port": "587", "security": "starttls", "sender": "a@gmail.com", "host": "smtp.gmail.com"}
        more = ["--for", "compose"] if name == "service" else []
        generate("gmail", "--set", f"{name}={value.get(name, 'x@gmail.com')}", *more)


OF_NAVER = {"SMTP_USERNAME": "lee@naver.com", "SMTP_PASSWORD": SECRET, "SMTP_SENDER": "Lee <lee@naver.com>"}


@pytest.mark.parametrize(
    "host",
    [
        "smtp.naver.com:587",
        "smtps://smtp.naver.com",
        f"smtp://lee:{SECRET}@smtp.naver.com:587",
        "${MAIL_HOST:-smtp.naver.com}",
        "smtp.gmail.com",  # changed by hand, or by whatever left the rest
        "smtp.navr.com",
        "${MAIL_HOST}",
        "smtp.example.com",
        "",
        None,
    ],
)
@pytest.mark.parametrize("name", [".env", "compose.yaml"])
def test_the_old_login_goes_however_the_old_host_is_told(host: str | None, name: str, folder: Folder) -> None:
    values = ({} if host is None else {"SMTP_HOST": host}) | OF_NAVER
    if name == ".env":
        text = "".join(f'{key}="{value}"\n' for key, value in values.items())
    else:
        text = "services:\n  web:\n    environment:\n"
        text += "".join(f"      {key}: '{value}'\n" for key, value in values.items())
    path = folder.file(name, text)
    done = generate("gmail", "--write", path, "--force")
    assert "naver" not in path.read_text()
    assert SECRET not in path.read_text() + done.stderr
    assert "SMTP_USERNAME, SMTP_PASSWORD, SMTP_SENDER: reset, " in done.stderr
    assert "To fill in: SMTP_USERNAME, SMTP_PASSWORD, SMTP_SENDER." in done.stderr


def test_a_login_by_an_address_elsewhere_is_no_other_provider_where_any_address_will_do(
    folder: Folder,
) -> None:
    text = f"SMTP_USERNAME=me@gmail.com\nSMTP_PASSWORD={SECRET}\nSMTP_SENDER=me@gmail.com\n"
    path = folder.file(".env", text)
    done = generate("sendpulse", "--write", path, "--force")
    assert text in path.read_text()
    assert "reset" not in done.stderr


@pytest.mark.parametrize("name", [".env", "compose.yaml"])
@pytest.mark.parametrize("setting", ["username", "sender", "host", "cipher"])
def test_a_value_that_check_would_refuse_is_not_written(setting: str, name: str, folder: Folder) -> None:
    """One that is too long for any mail server is told before, with its flag."""
    long = {"sender": f"a@{'b' * 9000}.example"}.get(setting, "x" * 9000)
    path = folder.path / name
    result = generate("local", "--write", path, "--set", f"{setting}={long}", code=2)
    assert f"--set {setting}" in result.stderr
    assert len(result.stderr) < 500
    assert not path.exists()


def test_what_stands_elsewhere_in_a_file_is_no_reason_not_to_write(folder: Folder) -> None:
    """What check never expands may grow as it likes; what it reads and cannot is named."""
    bomb = "B0=xxxxxxxxxx\n" + "".join(f"B{one + 1}=${{B{one}}}${{B{one}}}\n" for one in range(20))
    path = folder.file(".env", bomb)
    generate("gmail", "--write", path)
    assert path.read_text().startswith(bomb)
    assert run("lint", "--env-file", path, "--no-environment").exit_code == 1  # placeholders
    before = bomb + "SMTP_USERNAME=${B20}\n"
    path = folder.file("other.env", before)
    result = generate("gmail", "--write", path, code=2)
    assert f"({path}:" in result.stderr
    assert "/proc" not in result.stderr
    assert path.read_text() == before
