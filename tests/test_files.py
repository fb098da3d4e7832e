"""Files that are none, or more than is sensible: refused at once, with their name and why, by every option."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from smtpdoctor.errors import UsageError
from smtpdoctor.files import beginning_of, is_there, named_file, names_in, open_file, read_file
from smtpdoctor.model import Message
from smtpdoctor.settings.read import LONGEST, read_secret_file, read_variables
from smtpdoctor.text import say
from tests.checking import cli, command, ending
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST = 5_000
_LONGER = 5.5  # seconds, than is waited for somebody who writes


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Make one of each kind of thing that a name may lead to."""
    folder = tmp_path_factory.mktemp("strange")
    found = {name: str(folder / name) for name in ("fifo", "folder", "socket", "loop", "gone")}
    os.mkfifo(found["fifo"])
    Path(found["folder"]).mkdir()
    Path(found["loop"]).symlink_to("loop")
    Path(folder, "endless").symlink_to("/dev/zero")
    Path(folder, "large").write_bytes(b"#" * 20_000_000)
    Path(folder, "binary").write_bytes(b"\x7fELF\0\0\xff")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(folder):
        listener.bind("socket")
        yield {
            **found,
            **{name: str(folder / name) for name in ("endless", "large", "binary")},
            "random": "/dev/urandom",
            "kernel": "/proc/kmsg",
            "long": "x" * 300,
            "below": str(folder / "large" / "x"),
            "memory": "/proc/self/mem",
            "letters": str(folder / "\udcff\udcfe\x1b[31m\u202e"),
        }


KINDS = (
    "fifo",
    "folder",
    "socket",
    "loop",
    "gone",
    "endless",
    "large",
    "binary",
    "kernel",
    "long",
    "letters",
)
# What is said of each; a file without text is refused by who reads it as one.
WORDS = {
    "fifo": "pipe",
    "folder": "directory",
    "socket": "special",
    "loop": "unreadable",
    "gone": "missing",
    "endless": "special",
    "large": "limit",
    "random": "special",
    "kernel": "special",
    "long": "unreadable",
    "below": "missing",
    "memory": "unreadable",
    "letters": "missing",
}


def refused(work: Callable[[], object]) -> Message:
    """Return why something is refused, said in both languages and without raw control characters."""
    with ending(), pytest.raises(UsageError) as caught:
        work()
    for lang in ("en", "ko"):
        assert say(lang, caught.value.message)
    return caught.value.message


@pytest.mark.parametrize("kind", WORDS)
def test_what_is_no_file_is_refused(kind: str, strange: Mapping[str, str]) -> None:
    """At once, and whichever way it was to be read."""
    if kind == "kernel" and not Path(strange[kind]).exists():
        pytest.skip("no kernel log here")
    path = strange[kind]
    message = refused(lambda: read_file(path, most=MOST, flag="--flag"))
    assert message.key == f"usage.file.{WORDS[kind]}"
    assert message.values["flag"] == "--flag"
    assert str(message.values["file"])[:100] in path
    assert beginning_of(path, 7) == (b"#######" if kind == "large" else b"")
    if kind not in {"large", "memory"}:
        assert refused(lambda: open_file(path, flag="--flag")) == message
    if kind != "memory":
        assert refused(lambda: named_file(path, most=MOST, flag="--flag")) == message
    assert is_there(path) == (WORDS[kind] != "missing")


def test_a_name_that_no_file_can_have_is_refused() -> None:
    """A zero byte comes from Python alone."""
    assert refused(lambda: read_file("a\0b", most=MOST, flag="x")).key == "usage.file.unreadable"
    assert not is_there("a\0b")


@given(st.binary(max_size=200), st.integers(0, 200))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_read_whole_or_refused(tmp_path: Path, data: bytes, most: int) -> None:
    """Up to the limit and with it; as a stream whatever its length."""
    path = tmp_path / "file"
    path.write_bytes(data)
    if len(data) <= most:
        assert read_file(path, most=most, flag="x") == data
    else:
        assert refused(lambda: read_file(path, most=most, flag="x")).key == "usage.file.limit"
    assert beginning_of(path, most) == data[:most]
    with open_file(path, flag="x") as stream:
        assert stream.read() == data


def test_the_null_device_is_an_empty_file() -> None:
    """It is what one writes where a file is wanted and none is meant."""
    assert read_file(os.devnull, most=MOST, flag="x") == b""
    with open_file(os.devnull, flag="x") as stream:
        assert stream.read() == b""


def test_a_file_that_has_no_size_is_read_up_to_the_limit() -> None:
    """Those of the kernel say that they are empty."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no files of the kernel here")
    assert b"Name:" in read_file("/proc/self/status", most=100_000, flag="x")
    assert refused(lambda: read_file("/proc/self/status", most=10, flag="x")).key == "usage.file.limit"


def test_names_in_a_folder(tmp_path: Path, strange: Mapping[str, str]) -> None:
    """In order; a folder that does not exist has none, and what is no folder either."""
    for name in ("b", "a"):
        (tmp_path / name).touch()
    assert names_in(tmp_path, flag="x") == ["a", "b"]
    assert names_in(tmp_path / "gone", flag="x") == names_in(strange["large"], flag="x") == []
    assert refused(lambda: names_in(strange["loop"], flag="x")).key == "usage.file.unreadable"


# -- Pipes --------------------------------------------------------------------


@contextlib.contextmanager
def writing(path: Path, *parts: bytes) -> Iterator[None]:
    """Write to a pipe from another thread, which begins when somebody reads."""

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), path.open("wb", buffering=0) as stream:
            for part in parts:
                stream.write(part)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("parts", [(), (b"",), (b"hunter2\n",), (b"hun", b"ter", b"2"), (b"x" * MOST,)])
def test_a_pipe_is_read_to_its_end(parts: tuple[bytes, ...], tmp_path: Path) -> None:
    """Where the command line named it; one that has a name, and one of a shell's ``<(command)``."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with writing(path, *parts):
        assert read_file(path, most=MOST, flag="x", pipes=True) == b"".join(parts)
    reader, writer = os.pipe()
    for part in parts:
        os.write(writer, part)
    os.close(writer)
    assert read_file(f"/dev/fd/{reader}", most=MOST, flag="x", pipes=True) == b"".join(parts)
    os.close(reader)
    with writing(path, *parts), open_file(path, flag="x", pipes=True) as stream:
        assert stream.read() == b"".join(parts)


def test_a_pipe_without_an_end_is_read_up_to_the_limit(tmp_path: Path) -> None:
    """Whoever writes is told so by the system."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with writing(path, *([b"x" * 1_000] * 1_000)):
        message = refused(lambda: read_file(path, most=MOST, flag="x", pipes=True))
    assert message.key == "usage.file.limit"


def test_nobody_waits_for_ever_for_a_pipe(tmp_path: Path) -> None:
    """Neither where nobody writes nor where somebody writes without an end; all at a time, since each waits."""
    silent, dripping = tmp_path / "silent", tmp_path / "dripping"
    os.mkfifo(silent)
    os.mkfifo(dripping)
    handle = os.open(dripping, os.O_RDWR)
    os.write(handle, b"hun")
    said: list[str] = []

    def wait(work: Callable[[], object]) -> None:
        said.append(refused(work).key)

    threads = [
        threading.Thread(target=wait, args=(work,))
        for work in (
            lambda: read_file(silent, most=MOST, flag="x", pipes=True),
            lambda: open_file(silent, flag="x", pipes=True),
            lambda: read_file(dripping, most=MOST, flag="x", pipes=True),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(handle)
    assert said == ["usage.file.unfinished"] * 3


def test_a_stream_waits_for_whoever_may_write(tmp_path: Path) -> None:
    """A log that grows may be still for long."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR)
    opened: list[bytes] = []

    def read() -> None:
        with open_file(path, flag="x", pipes=True) as stream:
            opened.append(stream.read(3))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join(_LONGER)
    os.write(handle, b"535")
    thread.join()
    os.close(handle)
    assert opened == [b"535"]


# -- Every option that reads a file -------------------------------------------

HOST = ("--host", "127.0.0.1", "--until", "dns")


def with_option(place: str, path: str) -> tuple[list[str], dict[str, str]]:
    """Return a command line and an environment that lead to a file."""
    if place.startswith("SMTP_"):
        return ["lint", "--host", "localhost"], {place: path}
    args = ["check", *HOST] if place == "--ca-file" else ["lint", "--host", "localhost"]
    if place == "./.env":
        Path(".env").symlink_to(path)
        return [*args, "--no-environment"], {}
    return [*args, "--no-environment", place, path], {}


PLACES = ("--env-file", "--password-file", "--ca-file", "SMTP_PASSWORD_FILE", "SMTP_SENDER_FILE", "./.env")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_every_option_refuses_what_is_no_file(
    place: str, kind: str, strange: Mapping[str, str], tmp_path: Path
) -> None:
    """Wrong usage, in words and as JSON; never a hang, a crash or an answer about half of a file."""
    if kind == "fifo" and place in {"--env-file", "--password-file"}:
        return  # read, and waited for
    with contextlib.chdir(tmp_path), ending():
        args, env = with_option(place, strange[kind])
        if place == "./.env" and WORDS.get(kind) == "missing":
            assert cli(*args, env=env).exit_code in {0, 1}
            return
        done = cli(*args, "--format", "json", env=env, code=2)
        said = json.loads(done.stdout)["error"]["message"]
        assert place.lstrip("./") in said or place == "./.env"
        assert "\x1b" not in said
        if place == "--env-file":
            assert "\x1b" not in cli(*args, "--lang", "ko", env=env, code=2).stderr
        if kind in {"gone", "long"}:
            assert (Path(strange[kind]).name[:8] in said) == (
                place in {"--env-file", "--ca-file"} or (place == "SMTP_SENDER_FILE" and kind == "gone")
            )


def test_a_null_device_and_a_password_in_a_pipe(tmp_path: Path) -> None:
    """``--env-file /dev/null`` and ``--password-file /dev/stdin`` are what people write."""
    command_line = ["lint", "--preset", "naver", "--username", "me@naver.com", "--sender", "me@naver.com"]
    more = ["--env-file", os.devnull, "--password-file", "/dev/stdin", "--no-environment"]
    done = command(*command_line, *more, input="ABCDEFGH1234\n")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("args", [(), ("--preset", "gmail"), ("--env-file", "x"), ("--no-environment",)])
def test_a_folder_that_is_gone_has_no_settings(args: tuple[str, ...], tmp_path: Path) -> None:
    """Somebody has deleted where the shell still is."""
    gone = tmp_path / "gone"
    gone.mkdir()
    with contextlib.chdir(gone):
        gone.rmdir()
        done = cli("lint", *args, "--format", "json")
    assert done.exit_code == (1 if "gmail" in args else 2)
    assert json.loads(done.stdout)["version"] == 1


def without_privileges(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as one who may not read everything, which root may."""
    drop = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("nothing is closed to root, and setpriv is not here")
    under = ["setpriv", *drop] if os.geteuid() == 0 else []
    arguments = [*under, sys.executable, "-m", "smtpdoctor", *args]
    return subprocess.run(arguments, capture_output=True, check=False, text=True, timeout=300, **more)


@pytest.mark.parametrize("kind", ["file", "folder", "working folder", "presets"])
def test_what_is_closed_to_us(kind: str, tmp_path: Path) -> None:
    """It is said; where only ./.env or presets of one's own are looked for, the run goes on without."""
    closed = tmp_path / "closed"
    (closed / "smtpdoctor" / "presets").mkdir(parents=True)
    (closed / "file").write_text("SMTP_HOST=localhost\n")
    args = ["lint", "--preset", "gmail", "--no-environment"]
    more = {"XDG_CONFIG_HOME": str(closed)} if kind == "presets" else {}
    if kind in {"file", "folder"}:
        args += ["--env-file", str(closed / "file")]
    locked = closed / "file" if kind == "file" else closed
    mode = locked.stat().st_mode
    with contextlib.chdir(closed if kind == "working folder" else tmp_path):
        locked.chmod(0)
        try:
            done = without_privileges(*args, env={**os.environ, "SMTPDOCTOR_LANG": "en", **more})
        finally:
            locked.chmod(mode)
    assert done.returncode == (2 if kind in {"file", "folder"} else 1), done.stderr
    assert ("denied" in done.stderr) == (kind != "working folder")


# -- What may be a secret -----------------------------------------------------


@given(st.text(min_size=8, max_size=60), st.sampled_from(["", "/", "./", "~/", "/run/"]))
@hypothesis_settings(deadline=None)
def test_a_password_where_its_file_belongs_is_not_shown(text: str, before: str) -> None:
    """In ``SMTP_PASSWORD_FILE`` and ``--password-file``, whatever it looks like; it is said what belongs there."""
    value = before + text.replace("\0", "")
    assume(not is_there(value))

    def from_variable() -> None:
        read_variables(
            environment={"SMTP_PASSWORD_FILE": value},
            env_files=[],
            implicit_env_file=None,
            names=["SMTP_PASSWORD"],
        )

    for work in (from_variable, lambda: read_secret_file(Path(value), "--password-file", pipes=True)):
        message = refused(work)
        assert message.key in {"usage.file.unnamed", "usage.file.unreadable"}
        assert "file" not in message.values or errno.ENAMETOOLONG in message.values.values()
        assert "/run/secrets/" in say("en", message)


@each("name", ["SMTP_USERNAME", "SMTP_HOST", "SMTP_SENDER"])
@each(
    ("value", "shown"),
    [
        ("/run/secrets/smtp_user", True),
        ("./secrets/user.txt", True),
        ("~/user", True),
        ("correct-horse-7", False),
        ("SG.abc/def+ghi=", False),
        ("smtp://me:hunter22@mail.corp.kr", False),
        ("/run/with blanks and !", False),
        ("/run/secrets/hunter22", False),
    ],
)
def test_a_path_is_shown_where_it_looks_like_one(name: str, value: str, shown: bool) -> None:
    """Of another variable than the password, and not where it holds the password."""
    variables = {f"{name}_FILE": value, "SMTP_PASSWORD": "hunter22"}
    message = refused(
        lambda: read_variables(
            environment=variables, env_files=[], implicit_env_file=None, names=[name, "SMTP_PASSWORD"]
        )
    )
    assert (value.removeprefix("./") in say("en", message)) == shown
    assert f"{name}_FILE" in str(message.values["flag"])


@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1, 60_000, 400_000])
@pytest.mark.parametrize("place", ["--password-file", "SMTP_PASSWORD_FILE", "SMTP_PASSWORD", ".env"])
def test_a_value_longer_than_any_is_refused(place: str, size: int, tmp_path: Path) -> None:
    """With whose it is and how long it may be; in ``SMTP_PASSWORD`` itself, in a file and in its file."""
    (tmp_path / "secret").write_text("p" * size)
    (tmp_path / ".env").write_text(f"SMTP_PASSWORD={'p' * size}\n" if place == ".env" else "")
    env = {"SMTP_PASSWORD": "p" * size} if place == "SMTP_PASSWORD" else {}
    args = ["lint", "--host", "localhost", "--port", "25", "--security", "none", "--username", "a"]
    if place == "--password-file":
        args += [place, str(tmp_path / "secret")]
    elif place == "SMTP_PASSWORD_FILE":
        env = {place: str(tmp_path / "secret")}
    with contextlib.chdir(tmp_path):
        done = cli(*args, env=env)
    assert done.exit_code == (2 if size > LONGEST else 1)
    assert "pppp" not in done.stdout + done.stderr
    if size > LONGEST:
        assert place in done.stderr
        assert str(LONGEST) in done.stderr or "64 KB" in done.stderr


@each("size", [2_048, 2_049, 60_000])
@each("letter", ["a", "é", "메", ":", "@"])
def test_other_values_are_shorter(size: int, letter: str) -> None:
    """A host or a sender of two thousand bytes is none; where it may be a URL with a password, it may be longer."""
    text = letter * (size // len(letter.encode())) + "a" * (size % len(letter.encode()))
    names = ["SMTP_HOST", "SMTP_URL"]
    for name in names:
        environment = {name: text}
        if size <= (2_048 if name == "SMTP_HOST" else LONGEST):
            found = read_variables(environment=environment, env_files=[], implicit_env_file=None, names=names)
            assert found.values[name].text == text
        else:
            message = refused(
                lambda given=environment: read_variables(  # type: ignore[misc]
                    environment=given, env_files=[], implicit_env_file=None, names=names
                )
            )
            assert message.key == "usage.setting.long"
            assert name in str(message.values["what"])
