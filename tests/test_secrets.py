"""No output holds a secret, whatever the server sends back; and no control character of a server gets through."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from smtpdoctor import doctor
from smtpdoctor.cli.common import guarded
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.model import Secret, Setting, Stage
from smtpdoctor.probes.session import Options, Session
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from smtpdoctor.settings.read import read_env_file, read_variables
from smtpdoctor.settings.resolve import Flags, Loaded, resolve
from smtpdoctor.settings.target import target_of
from smtpdoctor.smtp.transcript import Transcript
from tests.checking import ORIGIN, USER, cli, settings_for
from tests.servers import Peer, Script, serve

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Zq7 /tR+ü%비&x"
PLAIN_SECRET = "Zq7tRbxWpLk93"
TOKEN = "ya29." + "Zq7tRbxWpLk93_-" * 5


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def forms(secret: str) -> set[str]:
    """Return the encodings of a secret that a server could echo."""
    raw = secret.encode()
    messages = (
        raw,
        f"\0{USER}\0{secret}".encode(),
        f"{USER}\0{USER}\0{secret}".encode(),
        f"user={USER}\1auth=Bearer {secret}\1\1".encode(),
    )
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), raw.hex(), raw.hex().upper()}
    found |= {b64(one) for one in messages}
    found |= {base64.urlsafe_b64encode(one).decode() for one in messages}
    return found | {one.rstrip("=") for one in found}


def assert_no_secret(text: str, secret: str) -> None:
    flat = re.sub(r"\s+", "", text)
    for form in forms(secret):
        assert form not in text
        assert re.sub(r"\s+", "", form) not in flat


def echo(secret: str, mechanism: str, *, right: bool, at: str = "AUTH") -> Script:
    """Send back whatever came, in every form: in the greeting already, as of an earlier connection."""
    known = " ".join(sorted(forms(secret)))
    offer = f"AUTH {mechanism}"

    def run(peer: Peer) -> None:
        seen: list[str] = [known]

        def reply(code: int) -> None:
            lines = [part[:900] for one in seen for part in (one, *map(decoded, one.split()))]
            lines = [line for line in lines if "\n" not in line and "\r" not in line]
            head = [f"{code}-{line}" for line in lines]
            peer.send_line("\n".join([*head, f"{code} you said: {lines[-1]}"]))

        def ask(challenge: bytes) -> None:
            peer.send_line(f"334 {b64(challenge)}")
            seen.append(peer.read_line())

        reply(220)
        while True:
            line = peer.read_line()
            seen.append(line)
            match line.split(" ")[0]:
                case "EHLO":
                    peer.send_line("\n".join([f"250-{one}" for one in seen] + [f"250 {offer}"]))
                case "AUTH":
                    if mechanism == "LOGIN":
                        ask(b"Username:")
                        ask(b"Password:")
                    elif mechanism == "CRAM-MD5":
                        ask(b"<1@x>")
                    elif mechanism == "XOAUTH2" and not right:
                        ask(b'{"status":"400","you":"' + secret.encode() + b'"}')
                    reply(235 if right else 535)
                case "MAIL":
                    reply(250 if at != "MAIL" else 550)
                case "QUIT":
                    return
                case _:
                    reply(250)

    return run


def decoded(text: str) -> list[str] | str:
    try:
        return base64.b64decode(text, validate=True).replace(b"\0", b" ").decode()
    except ValueError:
        return text


# Both formats show the same sealed report: each of a mechanism's ends in both, but not with every secret.
LOGINS = [
    (mechanism, secret, right, format_)
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
    for secret in ((TOKEN,) if mechanism == "XOAUTH2" else (SECRET, PLAIN_SECRET))
    for right in (True, False)
    for format_ in ("terminal", *(["json"] if secret in {TOKEN, SECRET if right else PLAIN_SECRET} else []))
]


@pytest.mark.parametrize(("mechanism", "secret", "right", "format_"), LOGINS)
def test_an_echo_of_the_login(tmp_path: Path, mechanism: str, secret: str, right: bool, format_: str) -> None:
    """Raw, base64, URL or hex encoded, in any reply: it shows in neither output, however much is asked for."""
    file = tmp_path / "password"
    file.write_text(secret)
    with serve(echo(secret, mechanism, right=right)) as server:
        done = cli(
            *("check", "--host", "localhost", "--port", str(server.port), "--security", "none"),
            *("--username", USER, "--password-file", file, "--sender", USER, "--no-environment"),
            *("--connect-to", f"localhost:{server.port}:127.0.0.1:{server.port}", "--timeout", "3"),
            *("--transcript", "--verbose", "--format", format_),
            code=0 if right else 1,
        )
        server.join()
        assert any(line.startswith("AUTH") for line in server.lines)
        sent = server.lines[server.lines.index(next(x for x in server.lines if x.startswith("AUTH"))) :]
    assert_no_secret(done.stdout, secret)
    assert_no_secret(done.stderr, secret)
    assert "********" in done.stdout
    if mechanism == "CRAM-MD5":
        # The digest would let the password be guessed without asking the server.
        digest = base64.b64decode(sent[1]).decode().rpartition(" ")[2]
        assert sent[1] not in done.stdout
        assert digest not in done.stdout


def test_an_echo_in_a_later_refusal() -> None:
    """A finding's evidence is masked like the transcript, and so are facts and summaries."""
    with serve(echo(PLAIN_SECRET, "PLAIN", right=True, at="MAIL")) as server:
        settings = settings_for(server.port, password=PLAIN_SECRET, host="127.0.0.1")
        report = doctor.check(Loaded(settings, ()), Options(timeout=3))
        assert report.findings[0].stage is Stage.SENDER
        assert_no_secret(repr(report), PLAIN_SECRET)
        assert_no_secret(json_v1.render(view_of(report, "ko"), transcript=True), PLAIN_SECRET)


def test_a_crash_shows_no_secret() -> None:
    """An exception's message may quote a value, so only its kind and place are told."""

    def broken(_token: str) -> str | None:
        raise RuntimeError(PLAIN_SECRET)

    def polite(peer: Peer) -> None:
        peer.send_line("220 hi")
        while True:
            verb = peer.read_line().split(" ")[0]
            if verb == "DATA":
                peer.send_line("354 go on")
                peer.read_message()
            peer.send_line("235 ok" if verb == "AUTH" else "250-x\n250 AUTH PLAIN")

    with serve(polite) as server:
        settings = settings_for(server.port, password=PLAIN_SECRET, host="127.0.0.1", to=USER)
        options = Options(timeout=3, until=Stage.SEND, arrived=broken)
        report = doctor.check(Loaded(settings, ()), options)
    assert report.findings[0].id == "internal-error"
    assert "RuntimeError in broken" in report.findings[0].evidence.text
    assert_no_secret(repr(report), PLAIN_SECRET)


def test_a_bug_in_a_command_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, the frames to report, and not the exception's words."""

    @guarded
    def command() -> None:
        raise KeyError(PLAIN_SECRET)

    with pytest.raises(SystemExit) as caught:
        command()
    assert caught.value.code == 3
    shown = capsys.readouterr()
    assert "KeyError" in shown.err
    assert shown.out == ""
    assert_no_secret(shown.err, PLAIN_SECRET)


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    """Every value that holds it may end up in a log or a debugger."""
    secret = Secret(PLAIN_SECRET)
    settings = settings_for(25, password=PLAIN_SECRET)
    loaded = Loaded(settings, ())
    target = target_of(settings)
    assert target is not None
    file = tmp_path / ".env"
    file.write_text(f"SMTP_PASSWORD={PLAIN_SECRET}\n")
    variables = read_variables(
        environment={"SMTP_PASSWORD": PLAIN_SECRET},
        env_files=[file],
        implicit_env_file=None,
        names=["SMTP_PASSWORD", "SMTP_HOST"],
    )
    flags = Flags(host="localhost", password=Setting(secret, ORIGIN))
    redactor = Redactor([PLAIN_SECRET])
    transcript = Transcript(redactor)
    transcript.record("in", f"235 {PLAIN_SECRET}")
    values: list[Any] = [
        secret, settings, loaded, variables, read_env_file(file), flags, resolve(flags, variables),
        redactor, transcript, transcript.turns, target, Session(target, Options(), transcript, 0.0),
    ]  # fmt: skip
    for value in values:
        for text in (repr(value), str(value), f"{value}", f"{value!r:>200}"):
            assert_no_secret(text, PLAIN_SECRET)


@pytest.mark.parametrize("format_", ["terminal", "json"])
@pytest.mark.parametrize(
    "url",
    [
        "smtp://me:{}@127.0.0.1:1",
        "smtp://me:{}@127.0.0.1:port",
        "smtp://me:{}/@127.0.0.1:1",
        "smtp://me:{}#@127.0.0.1:1",
        "smtp://me:{}@127.0.0.1:1/path",
        "gopher://me:{}@127.0.0.1:1",
        "me:{}@127.0.0.1:1",
        "smtp://me:{}",
        "{}",
    ],
)
def test_a_password_in_a_url(url: str, format_: str) -> None:
    """A good URL or a broken one: what is said about it does not quote the password."""
    done = cli(
        "check", "--url", url.format(PLAIN_SECRET), "--format", format_, "--no-environment", "--verbose"
    )
    assert done.exit_code in {1, 2}
    assert_no_secret(done.stdout, PLAIN_SECRET)
    assert_no_secret(done.stderr, PLAIN_SECRET)


@pytest.mark.parametrize("format_", ["terminal", "json"])
@pytest.mark.parametrize("name", ["SMTP_PORT", "SMTP_TLS", "SMTP_SENDER"])
def test_a_password_in_the_wrong_variable_of_a_file(tmp_path: Path, name: str, format_: str) -> None:
    """A line of the file that is none is named by its number, never quoted."""
    file = tmp_path / ".env"
    file.write_text(
        f'SMTP_HOST=127.0.0.1\n{name}\n"{PLAIN_SECRET}\n= {PLAIN_SECRET}\nSMTP_PASSWORD={PLAIN_SECRET}\n'
    )
    done = cli("lint", "--env-file", file, "--format", format_, "--no-environment", "--verbose")
    assert_no_secret(done.stdout, PLAIN_SECRET)
    assert_no_secret(done.stderr, PLAIN_SECRET)


HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J \x00 \x7f bell\x07 back\x08 \u202eevil\u2066 \ufeff [bold]x[/bold] {0} %s"


@pytest.mark.parametrize("format_", ["terminal", "json"])
@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("place", ["greeting", "ehlo", "auth", "garbage", "http"])
def test_control_characters_never_reach_the_terminal(place: str, format_: str, lang: str) -> None:
    """Escapes of a hostile server are shown, not obeyed; nor is its text taken for markup."""

    def hostile(peer: Peer) -> None:
        if place in {"garbage", "http"}:
            peer.send_line(f"{'HTTP/1.1 ' if place == 'http' else '* '}{HOSTILE}")
            peer.read_line()
            return
        peer.send_line(f"{554 if place == 'greeting' else 220} {HOSTILE}")
        peer.read_line()
        peer.send_line(
            f"250-{HOSTILE}\n250 AUTH PLAIN {HOSTILE}" if place == "ehlo" else "250-x\n250 AUTH PLAIN"
        )
        peer.read_line()
        peer.send_line(f"535-{HOSTILE}\n535 5.7.8 {HOSTILE}")
        peer.read_line()

    with serve(hostile) as server:
        done = cli(
            *("check", "--url", f"smtp+plain://{USER.replace('@', '%40')}:secret7@127.0.0.1:{server.port}"),
            *("--sender", USER, "--no-environment", "--timeout", "2", "--lang", lang),
            *("--transcript", "--verbose", "--format", format_),
            code=1,
        )
    for text in (done.stdout, done.stderr):
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text
        )
    assert "[bold]x[/bold]" in done.stdout.replace("\n", "").replace(" ", "")
