"""Command lines made up at random from what the commands declare, and what must hold of each.

``line`` makes one from a random source, over all commands, options and hostile values; ``run`` runs it
in this process, ``started`` in one of its own; ``broken_rules`` says what does not hold. A line that was
found to be wrong is told by its seed.
"""

from __future__ import annotations

import contextlib
import enum
import gc
import io
import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import smtpdoctor.sandbox  # noqa: F401 -- an interrupt in the middle of its first import would stay in this process
from smtpdoctor import cli
from smtpdoctor.cli.declared import COMMANDS, Argument, declared_in, function_of
from smtpdoctor.knowledge import load
from smtpdoctor.report import RENDERERS
from tests.fuzz import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

SECRET = "Zq7tRbxWpLk93vNd"
SECONDS = 60.0  # of a run that is to end by itself, on whatever machine
SANDBOX_SECONDS = 0.3  # after which a sandbox is asked to end

LONG = ("x" * 64, "y" * 256, "z" * 5_000, "w" * 100_000, "é" * 300, "한" * 300, "9" * 400, "a." * 200)
TEXTS = (
    *(
        "",
        " ",
        "\t",
        "a",
        "-",
        "--",
        "=",
        "x=",
        "=x",
        "@",
        "%s",
        "{0}",
        "{x}",
        "{",
        "}",
        "`x`",
        "[bold]x",
        "\\",
    ),
    *(
        "'",
        '"',
        "$(id)",
        "${HOME}",
        "~",
        "..",
        "*",
        "!",
        "a b",
        "a;b",
        "a,b",
        "#",
        "%00",
        "%zz",
        "<x>",
        "null",
    ),
    *("a\rb", "a\nb", "a\r\nRSET", "\r", "\n", "\x1b[31mx", "\x9b2J", "a\x7f", "\x01", "\x85", "a\u2028b"),
    *("\u202eevil", "\u2066x", "\ufeffx", "a\u00adb", "\u206ax", "\u200bx", "\U000e0041", "\u061cx"),
    *(
        "x\udcff",
        "\udc80",
        "\udcff@example.test",
        "a@\udcff.test",
        "\ud83d",
        "\U0010ffff",
        "\ufffe",
        "e\u0301",
    ),
    *(
        "abc",
        "nobody",
        "gmail",
        "naver",
        "local",
        "starttls",
        "json",
        "ko",
        "send",
        "compose",
        "smtp",
        "auth",
    ),
    *("a@example.test", "A <a@example.test>", "a@b@c", "a@", "@b", "a@[127.0.0.1]", '"a b"@example.test'),
    *(
        "a@xn--",
        "a@-.test",
        "사용자@메일.test",
        "a@example.test,b@example.test",
        "<>",
        "a@example.test\r\nDATA",
    ),
    *(
        "localhost",
        "127.0.0.1",
        "::1",
        "[::1]",
        "[::1",
        "127.0.0.1:1",
        "localhost:1",
        "0x7f.1",
        "faß.localhost",
    ),
    *("localhost:1:127.0.0.1:1", "a:b", "a:1:b:99999", "[::1]:1:[::1]:1", ":::", "[x]:1:y:1", "a:٣:b:1"),
    *("smtp://", "smtp://[", "smtp://[::1", "smtp://h:x", "smtp://127.0.0.1:1", "smtps://127.0.0.1:1/x?y#z"),
    *("smtp://u:p@127.0.0.1:1", "smtp://%ff:%00@127.0.0.1:1", "smtp+plain://127.0.0.1:1", "http://127.0.0.1"),
    *(
        "smtp://u:p@",
        "smtp://\u2100",
        "smtp://127.0.0.1:99999",
        "smtp://127.0.0.1:٣",
        "smtp:127.0.0.1",
        "//x",
    ),
    *(
        "0",
        "1",
        "587",
        "0587",
        " 587",
        "65536",
        "-1",
        "-0",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1e309",
        "-1e309",
        "nan",
    ),
    *(
        "NaN",
        "inf",
        "-inf",
        "infinity",
        "1_000",
        "٣",
        "²",
        "0x10",
        "1" * 25,
        "1" * 5_000,
        "+1",
        "1,5",
        "true",
    ),
    *(
        "port=0",
        "port=x",
        "username=x\ny",
        "sender=<>",
        "host=\udcff",
        "service=web",
        "security=x",
        "password=x",
    ),
    *(
        "535 5.7.8 authentication failed",
        "ECONNREFUSED",
        "auth-bad-credentials",
        "unclear",
        "-h",
        "--version",
    ),
    *LONG,
)
PATHS = (
    *("", ".", "..", "/", "a", "no/such/folder/file", "folder", "folder/", "link", "link/x", "empty", "text"),
    *("settings.env", "compose.yaml", "certificate.pem", "binary", "wide", "sealed", "dangling", "/dev/null"),
    *(
        "/dev/full",
        "/proc/self/nothing",
        "-",
        "~",
        "a\nb",
        "x\udcff",
        "한글.env",
        "\u202eevil.env",
        "out.json",
    ),
    *("n" * 255, "n" * 256, "n/" * 2_100, "p" * 5_000, "text/x", "a\0b", " ", "*", "$HOME", "x.env", ".env"),
)
VARIABLES = (
    *("SMTP_HOST", "SMTP_PORT", "SMTP_SENDER", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_TLS"),
    *("SMTP_CIPHER_SPEC", "SMTP_OPPORTUNISTIC_TLS", "SMTP_HOST_FILE", "SMTP_PORT_FILE", "SMTP_PASSWORD_FILE"),
    *("SMTP_USERNAME_FILE", "SMTP_SENDER_FILE", "SMPT_HOST", "SMTP_PASS", "MAIL_HOST", "EMAIL_HOST"),
)
SURROUNDINGS = {
    "COLUMNS": (
        "",
        "0",
        "1",
        "2",
        "-5",
        "80",
        "100000000000000000000",
        "abc",
        "٣",
        " 80",
        "1e3",
        "²",
        "9" * 5_000,
    ),
    "LINES": ("", "0", "1", "-5", "24", "100000000000000000000", "abc", "²"),
    "TERM": ("", "dumb", "xterm-256color", "unknown", "x\udcff", "\x1b[31m", "y" * 5_000),
    "SMTPDOCTOR_LANG": ("en", "ko", "KO_kr", "", "xx", "\udcff", "k" * 5_000),
    "LC_ALL": ("C", "POSIX", "ko_KR.UTF-8", "\udcff"),
    "NO_COLOR": ("", "1", "\udcff"),
    "FORCE_COLOR": ("", "1", "3"),
    "HOME": ("", "/nonexistent", "/dev/null", "\udcff", "h" * 5_000),
    "XDG_CONFIG_HOME": ("", "/nonexistent", "/dev/null", "\udcff", "relative", "c" * 5_000),
    "SSL_CERT_FILE": ("", "/nonexistent", "/dev/null", "\udcff", "s" * 5_000),
    "SSL_CERT_DIR": ("", "/nonexistent", "/dev/null", "\udcff", "s" * 5_000),
    "PAGER": ("false",),
}
DOTENV = (
    "",
    "SMTP_HOST=127.0.0.1\nSMTP_PORT=1\nSMTP_SENDER=a@example.test\n",
    f"SMTP_HOST=127.0.0.1\nSMTP_PORT=1\nSMTP_USERNAME=app\nSMTP_PASSWORD={SECRET}\nSMTP_SENDER=a@example.test\n",
    f"SMTP_HOST=localhost\nSMTP_PORT=1\nSMTP_USERNAME={SECRET}\nSMTP_PASSWORD={SECRET}\nSMTP_SENDER={SECRET}\n",
    f"SMTP_PASSWORD='{SECRET}\nSMTP_HOST=x\n",
    f'export SMTP_PASSWORD = "{SECRET}" # x\nSMTP_PORT={SECRET}\nSMTP_HOST=smtp://a:{SECRET}@h/\n',
    "SMTP_HOST=\u202e\x1b[31m\nSMTP_PORT='\x07'\nSMTP_SENDER=\u2028\nSMTP_CIPHER_SPEC=\x01\n",
    "\n=\n==\nSMTP_HOST\n'\n${\nA=${A}\nSMTP_HOST=${SMTP_HOST}\n",
)
INPUTS = (
    b"",
    b"\n",
    SECRET.encode(),
    SECRET.encode() + b"\r\n",
    b"\xff\xfe\x00",
    b"535 5.7.8 authentication failed\n",
    b"x" * 100_000,
    "비밀번호\n".encode(),
    b"a\0b\n",
)


@dataclass(frozen=True)
class Line:
    """A command line with what surrounds it."""

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    dotenv: str | None = None
    stdin: bytes = b""

    @property
    def command(self) -> str:
        """The first word that is a command."""
        return next((one for one in self.arguments if one in COMMANDS), "")

    def __str__(self) -> str:
        def cut(text: str) -> str:
            return ascii(text if len(text) <= 90 else f"{text[:40]}…×{len(text)}")

        said = " ".join(map(cut, self.arguments))
        more = " ".join(f"{name}={cut(text)}" for name, text in self.environment.items())
        return f"{more} smtpdoctor {said}; .env {self.dotenv!r:.80}; stdin {self.stdin!r:.40}"


@dataclass(frozen=True)
class Done:
    """How a run ended; ``written`` is what it wrote to files."""

    code: object
    stdout: str
    stderr: str
    written: str = ""


# -- Lines --------------------------------------------------------------------


def _kind(hint: Any) -> Any:
    if get_origin(hint) in {Union, UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    return get_args(hint)[0] if get_origin(hint) is list else hint


def _usual(kind: Any) -> tuple[str, ...]:
    """Return values that an option of this kind takes."""
    if kind is Path:
        return ("settings.env", "text", "certificate.pem", "new", "empty", "compose.yaml")
    if kind in {int, float}:
        return ("1", "2", "587", "0.5", "3600", "65535")
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(one.value for one in kind)
    return ("127.0.0.1", "localhost", "a@example.test", "gmail", "local", "smtp", "app")


# What a word of a closed list may not be broken by: these would wait for somebody, or look up names.
_NEVER = frozenset({"--ask-password", "--follow"})


def line(random: Random) -> Line:
    """Make up a line."""
    command = random.choice(COMMANDS)
    parameters = [
        (kind, one) for hint, one in declared_in(function_of(command)).values() for kind in [_kind(hint)]
    ]
    words: list[str] = []
    # Of much that is odd the first is refused: in half of the lines one thing is, at most.
    odd = random.choice((0.0, 0.1, 0.5, 0.9))
    for kind, one in random.sample(parameters, min(random.choice((0, 1, 1, 2, 3, 5, 9)), len(parameters))):
        flag = next((name for name in one.names if name not in _NEVER), "")
        if isinstance(one, Argument):
            words.append(_value(random, kind, odd))
        elif flag and kind is bool:
            words.append(flag if random.random() < 0.97 else f"{flag}={_value(random, str, odd)}")
        elif flag:
            value = _value(random, kind, odd)
            words += random.choice(([flag, value], [f"{flag}={value}"]))
    if command == "generate" and random.random() < 0.8:
        words.insert(0, random.choice(("gmail", "naver", "local", "sendgrid")))
    if random.random() < 0.3:
        words += ["--format", "json"]
    elif command in _SHAPES and random.random() < 0.2:
        words += ["--format", random.choice(_FORMATS)]
    if random.random() < odd / 4:
        words.insert(random.randrange(len(words) + 1), random.choice(TEXTS))
    if command == "check":
        words += _at_home(words)
    before = ["--format=json"] if random.random() < 0.02 else []
    environment = {
        name: _environmental(random.choice(values))
        for name, values in SURROUNDINGS.items()
        if random.random() < 0.15
    }
    for name in random.sample(VARIABLES, random.choice((0, 0, 0, 1, 2, 4))):
        environment[name] = _environmental(random.choice((*TEXTS, *PATHS, SECRET, f"smtp://a:{SECRET}@h")))
    return Line(
        [*before, command, *words],
        environment,
        random.choice((None, None, *DOTENV)),
        random.choice(INPUTS),
    )


def _value(random: Random, kind: Any, odd: float) -> str:
    if random.random() >= odd:
        return random.choice(_usual(kind))
    return random.choice(random.choice((PATHS, TEXTS)))


def _environmental(text: str) -> str:
    """Return a text as the environment can hold it."""
    return os.fsdecode(
        text.replace("\0", "").encode("utf-8", "replace" if "\ud83d" in text else "surrogateescape")
    )


def _at_home(words: list[str]) -> list[str]:
    """Return what keeps a check on this machine: a name server that is not there, and short limits."""
    given = {word.partition("=")[0] for word in words}
    more = {"--resolver": "127.0.0.1:1", "--timeout": "0.5", "--deadline": "1"}
    return [word for flag, value in more.items() if flag not in given for word in (flag, value)]


# -- Running ------------------------------------------------------------------


def furnish(folder: Path) -> None:
    """Put into a folder what the paths name."""
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("link")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "empty").touch()
    (folder / "text").write_text(f"{SECRET}\n")
    (folder / "settings.env").write_text(DOTENV[2])
    (folder / "compose.yaml").write_text("services:\n  web:\n    image: x\n")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "wide").write_bytes("SMTP_HOST=x\n".encode("utf-16"))
    (folder / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "sealed").write_text("x")
    (folder / "sealed").chmod(0)


class Hung(BaseException):
    """A run that does not end."""


def _alarmed(_number: int, _frame: object) -> None:
    raise Hung


@contextlib.contextmanager
def alarm(seconds: float, *, interrupts: bool) -> Iterator[None]:
    """Interrupt what takes longer, as Ctrl-C does or so that nothing can stop it."""
    handler = (lambda _number, _frame: os.kill(os.getpid(), signal.SIGINT)) if interrupts else _alarmed
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_HOME = "127."
_guarding = False


def _stay_home(event: str, arguments: tuple[Any, ...]) -> None:
    if _guarding and event in {"socket.connect", "socket.sendto", "socket.getaddrinfo"}:
        address = arguments[0] if event == "socket.getaddrinfo" else arguments[1][0]
        host = address.decode("latin-1") if isinstance(address, bytes) else str(address)
        if not host.startswith((_HOME, "::1", "localhost")):
            raise OSError(101, "no network for tests")


sys.addaudithook(_stay_home)


def run(one: Line, folder: Path) -> Done:
    """Run a line in this process, where its own streams, variables and folder are."""
    global _guarding  # noqa: PLW0603 -- a hook cannot be taken back
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(one.stdin), encoding="utf-8", errors="surrogateescape"),
        "stdout": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
        "stderr": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
    }
    before = {name: getattr(sys, name) for name in (*streams, "argv")}
    variables, place = dict(os.environ), Path.cwd()
    known = _files(folder)
    if one.dotenv is not None:
        (folder / ".env").write_bytes(one.dotenv.encode("utf-8", "surrogatepass"))
    # A job in the background of a shell has it switched off, and a sandbox would never end.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    load.presets()  # the first run of all would compile the knowledge, which takes its time
    code: object = 0
    try:
        os.environ.update(one.environment)
        os.chdir(folder)
        for name, stream in streams.items():
            setattr(sys, name, stream)
        sys.argv = ["smtpdoctor", *one.arguments]
        _guarding = True
        sandbox = one.command == "sandbox"
        with alarm(SANDBOX_SECONDS if sandbox else SECONDS, interrupts=sandbox):
            try:
                cli.main()
            except SystemExit as end:
                code = end.code
    except BaseException as error:  # noqa: BLE001 -- whatever escapes is what is looked for
        code = f"{type(error).__name__}: {error!s:.200}"
    finally:
        _guarding = False
        for name, value in before.items():
            setattr(sys, name, value)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(place)
        signal.signal(signal.SIGINT, handler)
        gc.unfreeze()
    texts = [
        streams[name].buffer.getvalue().decode("utf-8", "surrogateescape") for name in ("stdout", "stderr")
    ]
    return Done(0 if code is None else code, texts[0], texts[1], _tidied(folder, known))


def started(one: Line, folder: Path, **more: Any) -> Done:
    """Run a line in a process of its own; one that does not end is ended."""
    known = _files(folder)
    if one.dotenv is not None:
        (folder / ".env").write_bytes(one.dotenv.encode("utf-8", "surrogatepass"))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **one.environment}
    with subprocess.Popen(
        [sys.executable, "-m", "smtpdoctor", *one.arguments],
        **{
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": folder,
            "env": environment,
            "start_new_session": True,
            **more,
        },
    ) as process:
        try:
            out, err = process.communicate(one.stdin, timeout=2 if one.command == "sandbox" else SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # which no shell has switched off
            try:
                out, err = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return Done("does not end", "", "")
        code = process.returncode
    texts = [(text or b"").decode("utf-8", "surrogateescape") for text in (out, err)]
    return Done(code, texts[0], texts[1], _tidied(folder, known))


def _files(folder: Path) -> dict[Path, bytes]:
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                found[path] = path.read_bytes()
    return found


def _tidied(folder: Path, known: dict[Path, bytes]) -> str:
    """Return what has been written, and put the folder back in order."""
    (folder / ".env").unlink(missing_ok=True)
    written = []
    for path, data in _files(folder).items():
        if known.get(path) != data:
            written.append(data.decode("utf-8", "surrogateescape"))
            if path in known:
                path.write_bytes(known[path])
            else:
                path.unlink()
    for path, data in known.items():
        if not path.exists():
            path.write_bytes(data)
    return "\n".join(written)


# -- What holds ---------------------------------------------------------------

_RAW = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def raw_signs(text: str) -> set[str]:
    """Return the signs in a text that a terminal would obey or hide; colours are our own."""
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    return {one for one in set(text) if one != "\n" and unicodedata.category(one) in _RAW}


def shown_of(secret: str, text: str, least: int = 6) -> str:
    """Return a piece of a secret that a text shows, in either case and with any signs in between; or nothing."""
    flat = "".join(one for one in text if one.isalnum()).casefold()
    bare = "".join(one for one in secret if one.isalnum()).casefold()
    least = min(least, len(bare))
    return next(
        (bare[n : n + least] for n in range(len(bare) - least + 1) if bare[n : n + least] in flat), ""
    )


# But nagios, which has exit codes of its own.
_FORMATS = tuple(sorted(set(RENDERERS) - {"json", "nagios"}))


def wants_json(one: Line) -> bool:
    """Whether JSON was asked for where everybody understands it so."""
    words = one.arguments
    if "--" in words or "-h" in words or "--help" in words or "--version" in words:
        return False
    asked = [word for word in words if word.startswith("--form")]
    return words[-2:] == ["--format", "json"] and len(asked) == 1


def broken_rules(one: Line, done: Done, *, secret: str = SECRET) -> list[str]:
    """Return what does not hold of a run."""
    found = []
    interrupted = one.command == "sandbox" and done.code == 130
    if done.code not in {0, 1, 2} and not interrupted:
        found.append(f"exit code {done.code}")
    if "Traceback" in done.stderr:
        found.append("a traceback")
    if signs := raw_signs(done.stdout + done.stderr):
        found.append(f"raw signs {sorted(map(ascii, signs))}")
    if secret and (piece := shown_of(secret, done.stdout + done.stderr)):
        found.append(f"shows {piece}")
    if wants_json(one) and one.command != "sandbox":
        found += _wrong_json(one, done)
    return found


_SHAPES: dict[str, Callable[[str], object]] = {
    "check": contract.read_checked,
    "lint": contract.read_checked,
    "explain": contract.read_explained,
}


def _wrong_json(one: Line, done: Done) -> Iterator[str]:
    if any(word.partition("=")[0] == "--output" for word in one.arguments) and not done.stdout:
        return
    try:
        shown = json.loads(done.stdout)
    except ValueError:
        yield f"no JSON: {done.stdout!r:.60}"
        return
    if shown.get("version") != 1 or shown.get("tool", {}).get("name") != "smtpdoctor":
        yield "JSON without version and tool"
    if done.code in {2, 3} and not shown.get("error", {}).get("message"):
        yield "JSON without an error"
    if done.code in {2, 3} and shown["error"]["message"] != shown["error"]["message"].strip():
        yield "an error in blanks"
    if done.code in {0, 1} and "error" in shown:
        yield "JSON with an error"
    fixes = "--fix" in one.arguments  # of `lint`, which prints what `fix` does then
    if done.code in {0, 1} and one.command in _SHAPES and not fixes:
        try:
            _SHAPES[one.command](done.stdout)
        except (ValueError, AssertionError) as error:
            yield f"not as the contract has it: {error!s:.60}"
