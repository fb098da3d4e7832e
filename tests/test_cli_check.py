"""``smtpdoctor check`` and ``lint`` through the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from smtpdoctor import __version__
from smtpdoctor.cli import app
from tests.checking import HOST, NEVER, PASSWORD, USER, cli, command
from tests.each import each
from tests.examples import some_of
from tests.servers import Peer, Script, dialogue, serve, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificates
    from tests.servers import Server

GOLDEN = Path(__file__).parent / "golden"
TOP = {"version", "tool", "verdict", "settings", "preset", "app", "stages", "findings", "next"}
STAGE = {"name", "status", "seconds", "summary", "facts"}
FINDING = {
    *("id", "stage", "severity", "confidence", "fault", "retryable", "title", "meaning", "fixes", "links"),
    *("evidence", "origin", "candidates", "changes"),
}
EVIDENCE = {"code", "enhanced", "error", "text"}
TURN = {"seconds", "direction", "encrypted", "text"}
SETTINGS = {"host", "port", "security", "username", "password", "sender"}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is no .env."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def at(server: Server, password: Path, *more: str | Path, security: str = "none") -> list[str | Path]:
    """Return the arguments that check a server under the name of localhost, port 587."""
    return [
        *("check", "--host", "localhost", "--port", "587", "--security", security),
        *("--connect-to", f"localhost:587:{HOST}:{server.port}", "--timeout", "3"),
        *("--username", USER, "--password-file", password, "--sender", USER),
        *("--ehlo", "app.example.test", "--no-environment", *more),
    ]


def assert_usage(text: str, *words: str) -> None:
    """Check that this is the one object that is printed for wrong usage, and that it says these words."""
    shown = json.loads(text)
    assert set(shown) == {"version", "tool", "error"}
    assert shown["version"] == 1
    assert shown["tool"] == {"name": "smtpdoctor", "version": __version__}
    assert set(shown["error"]) == {"message"}
    for word in words:
        assert word in shown["error"]["message"]


def assert_contract(shown: dict[str, Any], *, transcript: bool = False) -> None:
    """Check that an object has the keys of the contract and no other."""
    assert set(shown) == (TOP | {"transcript"} if transcript else TOP)
    assert shown["version"] == 1
    assert shown["tool"] == {"name": "smtpdoctor", "version": __version__}
    assert shown["verdict"] in {"pass", "warn", "fail", "inconclusive"}
    if shown["stages"]:
        assert set(shown["settings"]) >= SETTINGS
    for setting in shown["settings"].values():
        assert set(setting) in ({"value", "origin", "overrides"}, set())
    for stage in shown["stages"]:
        assert set(stage) == STAGE
        assert stage["status"] in {"pass", "warn", "fail", "skip"}
    for finding in shown["findings"]:
        assert set(finding) == FINDING
        assert set(finding["evidence"]) == EVIDENCE
        for change in finding["changes"]:
            assert set(change) == {"file", "line", "name", "value"}
    for turn in shown.get("transcript", ()):
        assert set(turn) == TURN
    if shown["verdict"] in {"fail", "inconclusive"}:
        assert shown["findings"][0]["severity"] == "error"


# -- The report ---------------------------------------------------------------


@pytest.mark.parametrize("transcript", [True, False])
@pytest.mark.parametrize("reply", ["235 ok", "535 5.7.8 no"])
def test_json(password: Path, reply: str, transcript: bool) -> None:
    """One object on standard output, with the contract's keys; nothing on standard error."""
    with serve(dialogue({"AUTH": reply})) as server:
        more = ["--format", "json", *(["--transcript"] if transcript else [])]
        done = cli(*at(server, password, *more), code=0 if reply.startswith("2") else 1)
    shown = json.loads(done.stdout)
    assert_contract(shown, transcript=transcript)
    assert done.stderr == ""
    assert shown["settings"]["password"] == {
        "value": "********",
        "origin": "flag --password-file",
        "overrides": [],
    }
    assert [one["name"] for one in shown["stages"]] == [
        *("config", "dns", "connect", "greeting", "tls", "auth", "sender"),
    ]
    if transcript:
        assert {one["direction"] for one in shown["transcript"]} == {"in", "out", "note"}


def scrub(text: str) -> str:
    """Take out what differs from run to run: times, ports, the token, sizes."""
    lines = []
    for line in text.splitlines():
        if re.match(r"  [✔!✖–] ", line):
            line = re.sub(r" *▇* +(\d+ ms|\d+\.\d s)$", "", line).rstrip()  # noqa: PLW2901
        line = re.sub(r"^( +)\d+\.\d{3} (->|<-|~>|<~|==) ", r"\1T.TTT \2 ", line)  # noqa: PLW2901
        line = re.sub(r"127\.0\.0\.1([: ])\d+", r"127.0.0.1\1PORT", line)  # noqa: PLW2901
        line = re.sub(r"smtpdoctor-[0-9a-f]{8}", "smtpdoctor-TOKEN", line)  # noqa: PLW2901
        line = re.sub(r"SIZE=\d+|\(\d+ bytes\)|^( +size +)\d+", r"\1SIZE", line)  # noqa: PLW2901
        line = re.sub(r"^( +(?:0x|attempts|addresses|address) +.*?PORT)( [\d.e-]+)$", r"\1 T", line)  # noqa: PLW2901
        lines.append(line.replace(f"smtpdoctor {__version__}", "smtpdoctor VERSION"))
    return "\n".join(lines) + "\n"


REFUSED = {"AUTH": "535 5.7.8 Error: authentication failed: invalid credentials"}


@pytest.mark.parametrize(
    ("golden", "script", "more"),
    [
        ("check-pass", dialogue(), []),
        ("check-pass-ko", dialogue(), ["--lang", "ko"]),
        ("check-send-verbose", dialogue(), ["--to", "you@example.test", "--verbose", "--transcript"]),
        ("check-login-refused", dialogue(REFUSED), []),
        ("check-login-refused-ko", dialogue(REFUSED), ["--lang", "ko"]),
        ("check-quiet", dialogue(REFUSED), ["--quiet"]),
        ("check-not-smtp", lambda peer: peer.send_line("SSH-2.0-OpenSSH_9.2p1"), []),
    ],
)
def test_looks(password: Path, golden: str, script: Script, more: list[str]) -> None:
    """What the user sees, in 80 columns; UPDATE_GOLDEN=1 writes it anew."""
    with serve(script) as server:
        shown = scrub(cli(*at(server, password, *more)).stdout)
    path = GOLDEN / f"{golden}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_quiet_is_one_line(password: Path) -> None:
    """Only the verdict, in success and failure."""
    for replies in ({}, REFUSED):
        with serve(dialogue(replies)) as server:
            assert cli(*at(server, password, "--quiet")).stdout.count("\n") == 1


@pytest.mark.parametrize("lang", [["--lang", "ko"], []])
def test_language(password: Path, lang: list[str]) -> None:
    """`--lang ko`, or SMTPDOCTOR_LANG."""
    with serve(dialogue()) as server:
        env = {"SMTPDOCTOR_LANG": None if lang else "ko", "LC_ALL": "en_US.UTF-8"}
        shown = cli(*at(server, password, *lang), env=env, code=0).stdout
        assert re.search("[가-힣]", shown)
        shown = cli(*at(server, password, "--lang", "en"), env={"SMTPDOCTOR_LANG": "ko"}).stdout
        assert not re.search("[가-힣]", shown)


@pytest.mark.parametrize("how", ["--no-color", "NO_COLOR", None])
def test_colour(password: Path, how: str | None) -> None:
    """Colour on a terminal unless it is declined; never in a pipe."""
    with serve(dialogue()) as server:
        env = {"TERM": "xterm-256color", "FORCE_COLOR": "1", "NO_COLOR": "1" if how == "NO_COLOR" else None}
        more = ["--no-color"] if how == "--no-color" else []
        assert ("\x1b[" in cli(*at(server, password, *more), env=env).stdout) == (how is None)
        assert "\x1b" not in cli(*at(server, password)).stdout


def test_strict_counts_warnings(certificates: Certificates, password: Path) -> None:
    """A warning leaves the exit code alone, unless `--strict` is given."""
    with serve(dialogue(starttls_cert=certificates.expiring)) as server:
        arguments = at(server, password, "--ca-file", certificates.ca_pem, security="starttls")
        assert "tls-cert-expiring" in cli(*arguments, code=0).stdout
        cli(*arguments, "--strict", code=1)


# -- Settings -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["check", "lint"])
def test_no_settings_at_all(name: str) -> None:
    """It says where it looked and what to do; exit code 2."""
    done = cli(name, code=2)
    assert done.stdout == ""
    for text in (
        "there are no SMTP settings",
        "environment",
        ".env (does not exist)",
        "--sandbox",
        "generate",
    ):
        assert text in done.stderr


@pytest.mark.parametrize("name", ["check", "lint"])
def test_no_settings_at_all_as_json(name: str) -> None:
    """JSON stays JSON, with an error that says so, where was looked, and what to do."""
    done = cli(name, "--format", "json", code=2)
    assert done.stderr == ""
    assert_usage(done.stdout, "there are no SMTP settings", ".env (does not exist)", "--sandbox")


def test_the_env_file_of_the_folder_is_read(password: Path) -> None:
    """`./.env` is read where no other is named, and its lines are the origins."""
    Path(".env").write_text("# mine\nSMTP_HOST=localhost\nSMTP_PORT=587\nSMTP_SENDER=a@example.test\n")
    shown = json.loads(cli("lint", "--format", "json").stdout)
    assert_contract(shown)
    assert shown["settings"]["host"] == {"value": "localhost", "origin": ".env:2", "overrides": []}


@pytest.mark.parametrize(
    "flags",
    [
        ["--quiet", "--verbose"],
        ["--ipv4", "--ipv6"],
        ["--url", "smtp://x.test", "--host", "y.test"],
        ["--url", "smtp://x.test", "--port", "25"],
        ["--url", "smtp://x.test", "--security", "tls"],
        ["--password-stdin", "--ask-password"],
        ["--sandbox", "--host", "x.test"],
        ["--sandbox", "--service", "web"],
        ["--sandbox", "--resolver", "127.0.0.1"],
        ["--preset", "gmail", "--host", "smtp.naver.com"],
        ["--until", "send"],
        ["--until", "recipient"],
    ],
)
def test_contradictions(flags: list[str]) -> None:
    """Flags that exclude each other are told, not guessed about; no network is used."""
    done = cli("check", *flags, "--no-environment", code=2)
    assert done.stdout == ""
    assert all(
        flag.removeprefix("--") in done.stderr for flag in flags if flag in {"--quiet", "--ipv6", "--url"}
    )
    assert_usage(cli("check", *flags, "--no-environment", "--format", "json", code=2).stdout)


@pytest.mark.parametrize(("name", "near"), [("gmial", "gmail"), ("sengrid", "sendgrid"), ("qqqqq", None)])
def test_an_unknown_preset(name: str, near: str | None) -> None:
    """The nearest name is offered, and the list where none is near."""
    done = cli("check", "--preset", name, "--no-environment", code=2)
    assert name in done.stderr
    assert ("smtpdoctor presets" in done.stderr) == (near is None)
    assert (f"Did you mean {near}?" in done.stderr) if near else ("Did you mean" not in done.stderr)


@each(
    "flags",
    [
        ["--connect-to", "a:b"],
        ["--connect-to", "a:25:b:99999"],
        ["--connect-to", "a:0:b:25"],
        ["--port", "0"],
        ["--port", "65536"],
        ["--timeout", "0"],
        ["--timeout", "nan"],
        ["--timeout", "inf"],
        ["--deadline", "nan"],
        ["--deadline", "inf"],
        ["--to", "not-an-address"],
        ["--to", "a@example.test,b@example.test"],
        ["--to", "a@example.test, b@example.test"],
        ["--to", "a@example.test,"],
        ["--to", "a@example.test;b"],
        ["--to", ""],
        ["--to", "a@example.test\r\nRSET"],
        ["--sender", "nobody"],
        ["--sender", "A <a@example.test>, B <b@example.test>"],
        ["--ehlo", ""],
        ["--ehlo", "my laptop"],
        ["--ehlo", "laptop\r\nQUIT"],
        ["--ehlo", "laptop\u2028"],
        ["--url", ""],
        ["--username", " "],
        ["--until", "delivery"],
        ["--security", "ssl"],
        ["--lang", "fr"],
        ["--format", "xml"],
        ["--app", "nonesuch"],
    ],
)
def test_values_out_of_range(flags: list[str]) -> None:
    """Exit code 2, and the flag is named."""
    with serve(dialogue()) as server:
        settings = ["--host", "127.0.0.1", "--port", str(server.port)]
        given = [] if flags[0] in {"--url", "--port"} else settings
        for lang in [] if flags[0] == "--lang" else ["en", "ko"]:
            done = cli("check", *given, *flags, "--no-environment", "--lang", lang, code=2)
            assert flags[0] in done.stderr
            assert "\r" not in done.stderr
            # A sentence, not a bare form; and what is empty is not quoted.
            said = done.stderr.splitlines()[0]
            assert not re.search(r":  |[.;] [A-Z0-9:.-]+$", said)
            assert ("--connect-to" in said) <= ("HOST:PORT:ADDR:PORT" in said)
            assert done.stdout == ""
        assert server.connections == []


@each(
    ("arguments", "words"),
    [
        (["check", "--port", "abc"], ["--port", "abc", "65535"]),
        (["lint", "--port", "70000"], ["--port", "70000", "65535"]),
        (["check", "--timeout", "soon"], ["--timeout", "soon", "3600"]),
        (["check", "--until", "delivery"], ["--until", "delivery", "recipient"]),
        (["check", "--nonesuch"], ["--nonesuch", "smtpdoctor check --help"]),
        (["check", "--pasword-file", "x"], ["--pasword-file", "--password-file"]),
        (["check", "--password", "hunter22"], ["--password", "--ask-password"]),
        (["check", "--host"], ["--host"]),
        (["check", "--quiet=yes"], ["--quiet"]),
        (["check", "extra"], ["extra"]),
        (["check", "--ask-password", "hunter22"], []),
        (["generate"], ["PRESET"]),
        (["generate", "gmail", "--for", "ini"], ["--for", "ini", "compose"]),
        (["explain", "--file"], ["--file"]),
        (["presets", "naver", "gmail"], ["gmail"]),
        (["sandbox", "--starttls-port", "x"], ["--starttls-port", "x"]),
        (["chekc"], ["chekc", "check", "lint"]),
        (["--nonesuch"], ["--nonesuch", "smtpdoctor --help"]),
        (["--quiet", "check"], ["--quiet", "`smtpdoctor check --quiet …`"]),
        (["--host", "h.test", "lint"], ["--host", "`smtpdoctor lint --host …`"]),
        (["--nonesuch", "check"], ["--nonesuch", "smtpdoctor check --help"]),
    ],
)
@each("format_", [["--format", "json"], ["--format=json"], []])
@each("lang", [["--lang", "ko"], ["--lang=en"], []])
def test_what_the_parser_refuses(
    arguments: list[str], words: list[str], format_: list[str], lang: list[str]
) -> None:
    """It is told as any other error of usage: JSON stays JSON, and the language is the one that was asked for."""
    if len(arguments) > 1 and arguments[-1] == arguments[1] and arguments[1] in {"--host", "--file"}:
        given = [arguments[0], *format_, *lang, arguments[1]]  # the value is missing at the end
    else:
        given = [*arguments, *format_, *lang]
    done = cli(*given, code=2)
    said = done.stdout if format_ else done.stderr
    assert (done.stderr if format_ else done.stdout) == ""
    assert bool(re.search("[가-힣]", said)) == ("ko" in lang)
    assert "hunter22" not in said
    assert "Usage:" not in said
    if format_:
        assert_usage(said, *words)
    assert all(word in said for word in words)


def test_the_format_is_found_though_it_stands_first(tmp_path: Path) -> None:
    """Wherever it stands, and only as an option; a file that was to be written stays as it is."""
    target = tmp_path / "report"
    target.write_text("old")
    assert_usage(
        cli("check", "--format", "json", "--port", "x", "--output", target, "--force", code=2).stdout
    )
    assert target.read_text() == "old"
    assert cli("explain", "--nonesuch", "--", "--format", "json", code=2).stdout == ""
    assert cli("check", "--format", "terminal", "--port", "x", code=2).stdout == ""


def test_help_and_no_command() -> None:
    """Help goes to standard output; without a command it is shown as well."""
    assert "--ask-password" in cli("check", "--help", code=0).stdout
    assert "check" in cli(code=2).stderr


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty", "key", "binary"])
def test_a_ca_file_that_is_none(tmp_path: Path, certificates: Certificates, kind: str) -> None:
    """It is refused before anything is dialled, and what is expected is said."""
    file = tmp_path / "ca.pem"
    match kind:
        case "folder":
            file.mkdir()
        case "text":
            file.write_text("not a certificate")
        case "empty":
            file.write_text("")
        case "key":
            file.write_bytes(certificates.good.key_pem.read_bytes())
        case "binary":
            file.write_bytes(bytes(range(256)))
    done = cli("check", "--host", "127.0.0.1", "--ca-file", file, "--no-environment", code=2)
    assert "--ca-file" in done.stderr
    assert str(file) in done.stderr


@pytest.mark.parametrize("name", ["check", "lint"])
@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "huge", "unreadable"])
def test_an_env_file_that_cannot_be_read(tmp_path: Path, kind: str, name: str) -> None:
    """Exit code 2, the file is named, and JSON stays JSON."""
    file = tmp_path / "settings.env"
    match kind:
        case "folder":
            file.mkdir()
        case "binary":
            file.write_bytes(b"\x7fELF\0\1\2\3" * 100)
        case "huge":
            with file.open("wb") as stream:
                stream.truncate(3_000_000_000)
        case "unreadable":
            file = Path("/proc/self/mem")  # for root as for others, its first byte cannot be read
            if not file.exists():
                pytest.skip("there is no such file here")
    done = cli(name, "--env-file", file, code=2)
    assert str(file) in done.stderr
    assert done.stdout == ""
    done = cli(name, "--env-file", file, "--format", "json", code=2)
    assert_usage(done.stdout, str(file))


# -- Output -------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["terminal", "json"])
def test_output_to_a_file(password: Path, tmp_path: Path, format_: str) -> None:
    """The report is in the file and nothing is on standard output; the exit code is the same."""
    target = tmp_path / "report"
    target.write_text("")
    target.chmod(0o640)
    with serve(dialogue(REFUSED)) as server:
        done = cli(*at(server, password, "--format", format_, "--output", target), code=1)
    assert done.stdout == ""
    assert "auth-bad-credentials" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir() if "report" in one.name] == ["report"]
    if format_ == "json":
        assert_contract(json.loads(target.read_text()))


@pytest.mark.parametrize("place", ["no/such/folder", "."])
def test_output_that_cannot_be_written(password: Path, tmp_path: Path, place: str) -> None:
    """It is told at once, before the server is bothered."""
    with serve(dialogue()) as server:
        done = cli(*at(server, password, "--output", tmp_path / place), code=2)
        assert "--output" in done.stderr
        assert server.connections == []


def test_output_keeps_the_old_file_where_the_run_cannot_begin(tmp_path: Path) -> None:
    """A report is written whole or not at all."""
    target = tmp_path / "report"
    target.write_text("old")
    cli("check", "--preset", "nonesuch", "--no-environment", "--output", target, "--force", code=2)
    assert target.read_text() == "old"


OUTPUTS: list[list[str]] = [
    ["lint", "--host", "smtp.gmail.com", "--sender", "a@gmail.com"],
    ["lint", "--host", "smtp.gmail.com", "--port", "588"],
    ["explain", "535 5.7.8 authentication failed"],
    ["explain", "all is well"],
    ["explain", "auth-app-password"],
    ["explain", "--list"],
    ["presets"],
    ["presets", "gmail"],
]


SHAPES: list[tuple[list[str], list[str]]] = [
    ([], ["en", "ko"]),
    (["--quiet"], ["en"]),
    (["--verbose"], ["ko"]),
    (["--format", "json"], ["en"]),
]
# `presets gmail --quiet` is a host and a port, which may be anybody's.
WRITTEN = [
    (arguments, more, lang)
    for arguments in OUTPUTS
    for more, languages in SHAPES
    for lang in languages
    if (*arguments, *more) != ("presets", "gmail", "--quiet")
]


@pytest.mark.parametrize(("arguments", "more", "lang"), some_of(WRITTEN, 2))
def test_output_replaces_what_smtpdoctor_wrote(
    tmp_path: Path, arguments: list[str], lang: str, more: list[str]
) -> None:
    """A report over an older one needs no `--force`, in any format; the user's own file does."""
    target = tmp_path / "out"
    for _ in range(2):
        done = cli(*arguments, *more, "--lang", lang, "--output", target)
        assert done.exit_code in {0, 1}, done.stderr
    before = target.read_text()
    assert before
    target.write_text(f"my notes\n\n{before}")
    done = cli(*arguments, *more, "--lang", lang, "--output", target, code=2)
    assert str(target) in done.stdout + done.stderr
    assert "--force" in done.stdout + done.stderr
    assert target.read_text() == f"my notes\n\n{before}"
    cli(*arguments, *more, "--lang", lang, "--output", target, "--force")
    assert target.read_text()[:20] == before[:20]


@pytest.mark.parametrize(
    "content",
    [
        "SMTP_HOST=smtp.gmail.com\nSMTP_PASSWORD=secret77\n",
        "# SMTP settings for Gmail, written by smtpdoctor\nSMTP_HOST=smtp.gmail.com\n",
        "# STARTTLS\nSMTP_HOST=127.0.0.1\nSMTP_PORT=1\nDATABASE_URL=x\n",
        "# STARTTLS\nSMTP_HOST=mail.corp.kr\n",
        '{"name": "smtpdoctor"}\n',
        '{"version": 1}\n',
        "smtpdoctor is a program\n",
        "✔ done\n",
        "! careful\n",
        "✖\n",
        "gmail is what we use\n",
        "\ufeff\n",
        "x",
    ],
)
@pytest.mark.parametrize("name", ["check", "lint", "explain", "presets", "sandbox", "generate"])
def test_output_never_destroys(tmp_path: Path, name: str, content: str) -> None:
    """What is not known as smtpdoctor's own stays byte for byte, and nothing is dialled or asked."""
    target = tmp_path / "out"
    target.write_text(content)
    more = {"explain": ["535"], "generate": ["gmail"], "check": ["--host", HOST], "lint": ["--host", HOST]}
    done = cli(name, *more.get(name, []), "--output", target, "--format", "json", code=2)
    assert_usage(done.stdout, str(target), "--force")
    assert target.read_text() == content


def test_output_to_what_is_no_ordinary_file(tmp_path: Path) -> None:
    """A device or a pipe loses nothing; binary files are somebody's."""
    cli("explain", "535", "--output", "/dev/null", code=0)
    target = tmp_path / "binary"
    target.write_bytes(b"\xff\xfe\x00")
    assert "--force" in cli("explain", "535", "--output", target, code=2).stderr
    assert "--output" in cli("explain", "535", "--force", code=2).stderr


def test_the_settings_of_a_sandbox_are_replaced_by_those_of_the_next(tmp_path: Path) -> None:
    """Each run has ports and a password of its own; the file is its own as long as nothing was added."""
    target = tmp_path / "sandbox.env"
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", "smtpdoctor", "sandbox", "--output", target],
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            ready = process.stderr.readline()
            process.terminate()  # an interrupt means nothing to a job in the background of a shell
            process.communicate(timeout=NEVER)
        assert "--force" not in ready
        assert process.returncode == 0
    assert "SMTP_PASSWORD" in target.read_text()


def unread(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command whose output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", "smtpdoctor", *map(str, arguments)],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            encoding="utf-8",
            timeout=NEVER,
            **more,
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("format_", ["terminal", "json"])
def test_a_reader_that_has_seen_enough(password: Path, format_: str) -> None:
    """`smtpdoctor check | head -1`: no traceback, no complaint, and the exit code is that of the run."""
    with serve(dialogue()) as server:
        done = unread(*at(server, password, "--format", format_))
    assert (done.returncode, done.stderr) == (0, "")
    with serve(dialogue(REFUSED)) as server:
        done = unread(*at(server, password, "--format", format_))
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    some_of(
        [
            ["--help"],
            ["--version"],
            ["check", "--help"],
            ["explain", "--list"],
            ["explain", "--list", "--format", "json"],
            ["explain", "535 5.7.8 authentication failed"],
            ["explain", "auth-app-password"],
            ["presets"],
            ["presets", "gmail"],
            ["generate", "gmail", "--quiet"],
            ["lint", "--host", "mail.corp.kr", "--sender", "a@corp.kr", "--no-environment"],
        ],
        2,
    ),
)
def test_no_command_minds_a_closed_pipe(arguments: list[str]) -> None:
    """`| head` is no error."""
    done = unread(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_following_ends_where_nobody_reads() -> None:
    """`tail -f mail.log | smtpdoctor explain --follow | head -1` comes to an end."""
    line = "535 5.7.8 authentication failed\n\n"
    done = unread("explain", "--follow", input=line * 3)
    assert (done.returncode, done.stderr) == (0, "")


def test_wrong_usage_into_a_closed_pipe() -> None:
    """Its exit code stays."""
    assert unread("check", "--port", "x", "--format", "json").returncode == 2
    assert unread("presets", "nonesuch", "--format", "json").returncode == 2


# -- Interrupts ---------------------------------------------------------------


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Give a port that does not even answer a connection, as its queue is full."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


def interrupted(arguments: list[str | Path], ready: threading.Event | None) -> None:
    """Start a check, interrupt it once it waits, and look at how it ends."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "SMTPDOCTOR_LANG": "en"}
    with subprocess.Popen(
        [sys.executable, "-m", "smtpdoctor", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    ) as process:
        assert process.stdout is not None
        try:
            if ready is None:
                while "DNS" not in process.stdout.readline():
                    assert process.poll() is None
            else:
                assert ready.wait(NEVER)
            process.send_signal(signal.SIGINT)
            shown, errors = process.communicate(timeout=NEVER)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    if "json" in arguments:
        assert errors == ""
        assert json.loads(shown)["error"] == {"message": "Interrupted."}
    else:
        assert errors.strip() == "Interrupted."


@pytest.mark.parametrize("format_", ["terminal", "json"])
@pytest.mark.parametrize("place", ["greeting", "EHLO", "AUTH"])
def test_an_interrupt_while_waiting(password: Path, place: str, format_: str) -> None:
    """Ctrl-C ends a run at once, with exit code 130 and one word; JSON stays JSON."""
    ready = threading.Event()

    def wait(peer: Peer) -> None:
        ready.set()
        silent(peer)

    with serve(wait if place == "greeting" else dialogue({place: wait})) as server:
        interrupted(at(server, password, "--timeout", "60", "--format", format_), ready)


INTERRUPT = """
import os, signal, sys
wanted = sys.argv.pop(1)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from smtpdoctor.entry import main
main()
"""


@pytest.mark.parametrize(
    "module",
    ["smtpdoctor.cli", "typer", "smtpdoctor.cli.options", "smtpdoctor.cli.check", "smtpdoctor.doctor"],
)
def test_an_interrupt_while_the_program_is_loading(module: str) -> None:
    """Ctrl-C before anything has begun: exit code 130, and no traceback."""
    # Only a line that is not plain needs typer; an abbreviated flag is one.
    host = "--hos" if module == "typer" else "--host"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT, module, "check", host, "h.test", "--until", "dns"],
        capture_output=True,
        check=False,
        text=True,
        timeout=NEVER,
        env={**os.environ, "SMTPDOCTOR_LANG": "en"},
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr.strip() in {"", "Interrupted."}


def test_an_interrupt_while_connecting(password: Path, deaf_port: int) -> None:
    """Also where the other side does not answer at all."""
    arguments: list[str | Path] = [
        *("check", "--host", HOST, "--port", str(deaf_port), "--security", "none", "--no-environment"),
        *("--username", USER, "--password-file", password, "--sender", USER, "--timeout", "60"),
    ]
    interrupted(arguments, None)


def test_a_connection_that_is_not_answered(password: Path, deaf_port: int) -> None:
    """It fails in the connect stage, as a time-out."""
    done = cli(
        *("check", "--host", HOST, "--port", str(deaf_port), "--security", "none", "--no-environment"),
        *("--sender", USER, "--timeout", "0.4", "--format", "json"),
        code=1,
    )
    assert json.loads(done.stdout)["findings"][0]["id"] == "connect-timeout"


# -- lint ---------------------------------------------------------------------

HOOK = """
import os, sys
def hook(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"{event} {arguments}".encode())
        os._exit(99)
sys.addaudithook(hook)
from smtpdoctor.cli import main
sys.argv = ["smtpdoctor", *sys.argv[1:]]
main()
"""


def test_lint_shows_the_value_that_is_wrong(tmp_path: Path) -> None:
    """The line, and what stands there, without what a terminal would obey."""
    file = tmp_path / ".env"
    file.write_text("SMTP_HOST=smtp.gmail.com\nSMTP_PORT='5\x1b[31m87'\n")
    result = CliRunner().invoke(app, ["lint", "--env-file", str(file), "--no-environment", "--lang", "en"])
    assert result.exit_code == 1
    assert ".env:2" in result.stdout
    assert "5\\x1b[31m87" in result.stdout


@pytest.mark.parametrize("format_", ["terminal", "json"])
def test_lint_opens_no_socket(tmp_path: Path, format_: str) -> None:
    """No connection, no DNS, not even the host's own name."""
    file = tmp_path / ".env"
    file.write_text(
        "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=true\n"
        "SMTP_USERNAME=me\nSMTP_PASSWORD='abcd efgh'\nSMTP_SENDER=other@example.test\n"
        "SMTP_CIPHER_SPEC=HIGH\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            HOOK,
            "lint",
            "--env-file",
            str(file),
            "--no-environment",
            "--format",
            format_,
        ],
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        env={**os.environ, "SMTPDOCTOR_LANG": "en", "COLUMNS": "80"},
        timeout=NEVER,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    if format_ == "json":
        shown = json.loads(done.stdout)
        assert_contract(shown)
        assert [one["name"] for one in shown["stages"]] == ["config"]
        assert {one["origin"] for one in shown["findings"]} <= {*(f"{file}:{n}" for n in range(1, 9)), None}


@pytest.mark.parametrize(
    ("golden", "lines", "code"),
    [
        ("lint-pass", ["SMTP_HOST=localhost", "SMTP_PORT=2525", "SMTP_SENDER=a@example.test"], 0),
        ("lint-mode", ["SMTP_HOST=mail.firm.test", "SMTP_PORT=465", "SMTP_OPPORTUNISTIC_TLS=true",
                       "SMTP_SENDER=a@firm.test"], 1),
    ],
)  # fmt: skip
def test_lint_looks(golden: str, lines: list[str], code: int) -> None:
    """What the user sees, in 80 columns."""
    Path(".env").write_text("\n".join([*lines, ""]))
    shown = scrub(cli("lint", "--no-environment", code=code).stdout)
    path = GOLDEN / f"check-{golden}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_lint_strict() -> None:
    """A warning is a problem with `--strict` only."""
    Path(".env").write_text(
        "SMTP_HOST=mail.firm.test\nSMTP_PORT=25\nSMTP_SENDER=a@firm.test\n"
        "SMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=false\n"
    )
    verdict = json.loads(cli("lint", "--no-environment", "--format", "json").stdout)["verdict"]
    assert verdict == "warn"
    cli("lint", "--no-environment", code=0)
    cli("lint", "--no-environment", "--strict", code=1)


# -- The process itself -------------------------------------------------------


def test_the_command_in_a_process_of_its_own(password: Path) -> None:
    """`python -m smtpdoctor` is the command."""
    with serve(dialogue()) as server:
        done = command(*at(server, password, "--format", "json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert_contract(json.loads(done.stdout))


def test_a_terminal_that_knows_no_korean(password: Path) -> None:
    """ASCII output shows escapes; it does not end the run."""
    with serve(dialogue()) as server:
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        done = command(*at(server, password, "--lang", "ko"), env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_no_terminal_to_ask_on(password: Path) -> None:
    """`--ask-password` in a job without a terminal: one line that says so, and nothing is read or dialled."""
    for lang in ("en", "ko"):
        with serve(dialogue()) as server:
            arguments = [one for one in at(server, password) if one not in {"--password-file", password}]
            done = command(
                *arguments, "--ask-password", "--lang", lang, input=f"{PASSWORD}\n", start_new_session=True
            )
            assert server.connections == []
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert "--ask-password" in done.stderr
        assert "--password-stdin" in done.stderr


OLD = [
    found
    for version in ("3.8", "3.9", "3.10")
    for found in (
        shutil.which(f"python{version}"),
        *map(str, Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python")),
    )
    if found
]


@pytest.mark.skipif(not OLD, reason="no older Python on this machine")
def test_an_older_python_is_told_which_one_is_needed() -> None:
    """A checkout that is run with it says one sentence instead of a traceback."""
    for python in OLD:
        done = subprocess.run(
            [python, "-m", "smtpdoctor", "check"],
            capture_output=True,
            check=False,
            text=True,
            timeout=NEVER,
            cwd=Path(__file__).parent.parent,
        )
        if done.returncode == 127:  # a shim of pyenv, with nothing behind it
            continue
        assert done.returncode == 2
        assert "3.11" in done.stderr
        assert done.stderr.count("\n") == 1


def test_password_from_standard_input(password: Path) -> None:
    """`--password-stdin` takes the line without its end."""
    with serve(dialogue(users={USER: PASSWORD})) as server:
        arguments = [one for one in at(server, password) if one not in {"--password-file", password}]
        done = command(*arguments, "--password-stdin", input=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stdout
        assert command(*arguments, "--password-stdin", input="\n").returncode == 2


def said_on_terminal(columns: int, *arguments: str, lang: str) -> list[str]:
    """Run the command with standard error on a terminal of a width, and return what stands there."""
    ours, its = os.openpty()
    try:
        termios.tcsetwinsize(its, (24, columns))
        environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
        done = subprocess.run(
            [sys.executable, "-m", "smtpdoctor", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=its,
            env={**environment, "SMTPDOCTOR_LANG": lang, "PYTHONUTF8": "1"},
            check=False,
        )
        os.write(its, b"\0")  # there is always something to read, and an end of it
        said = b""
        while not said.endswith(b"\0"):
            said += os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(its)
    assert done.returncode in {0, 2}
    return said.decode().rstrip("\0").splitlines()


@pytest.mark.parametrize(
    ("arguments", "lang"),
    [
        (arguments, lang)
        for turn, arguments in enumerate(
            (
                ["lint", "--no-environment"],
                ["check", "--port", "abc"],
                ["generate", "gmail", "--write", "settings.ini"],
                [
                    "generate",
                    "gmail",
                    "--write",
                    "a/long/way/to/the/file/of/settings/of/some/application.env",
                ],
            )
        )
        for lang in some_of(("en", "ko"), 2, turn)
    ],
)
def test_what_is_said_on_a_terminal_breaks_between_words_alone(arguments: list[str], lang: str) -> None:
    """No command, path or word is broken at the terminal's edge; without a terminal nothing is."""
    Path("a/long/way/to/the/file/of/settings/of/some").mkdir(parents=True)
    plain = cli(*arguments, env={"SMTPDOCTOR_LANG": lang}).stderr
    Path(arguments[-1]).unlink(missing_ok=True)
    lines = said_on_terminal(60, *arguments, lang=lang)
    assert " ".join(lines).split() == plain.split()
    assert len(lines) >= len(plain.splitlines())
    for whole in re.findall(r"`smtpdoctor [^`]*`|(?<=: )smtpdoctor .*", plain):
        assert any(whole in line for line in lines)
    for line in lines:
        # What is wider than the terminal is one command or one word.
        assert cell_len(line) <= 60 or line.strip().startswith(("`", "smtpdoctor")) or " " not in line.strip()
