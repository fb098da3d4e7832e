"""Writing files: whole or not at all, by whomever and however it is ended, and as protected as before."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.cli.common import output_to
from smtpdoctor.cli.writing import edit, live, replace
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message
from smtpdoctor.text import LANGUAGES
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = sys.platform != "win32" and os.geteuid() == 0
ACL = "system.posix_acl_access"
DEFAULT_ACL = "system.posix_acl_default"
FEW = settings(
    deadline=None, max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def unchecked(_path: Path) -> None:
    """Accept any text."""


def add(line: str) -> Callable[[str | None], str]:
    """Return a change that adds a line."""
    return lambda before: (before or "") + line


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, where there is one: thousands of writes are to be lasting."""
    shared = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made there
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as name:
        yield Path(name)


# -- The end in the middle ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_a_write_may_end_at_any_step(kind: str, memory: Path) -> None:
    """The file is whole; what is left is the owner's alone, and gone after the next run."""
    command = [sys.executable, "-m", "tests.cut_short", str(memory), kind]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    for case, told in json.loads(done.stdout).items():
        assert told["wrong"] == [], case
        assert told["steps"] > 80
        # Only what cannot be met leaves a file behind at all, and a new one without a name not even then.
        assert bool(told["left"]) == ("SIGKILL" in case and (kind, case[:3]) != ("nameless", "new")), case


# -- What is kept ---------------------------------------------------------------------------------


def acl(*entries: tuple[int, int, int]) -> bytes:
    """Return an ACL as Linux keeps it (acl(5)): tag, permissions and id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)


def rules(owner: int, named: int, mask: int) -> bytes:
    """Return the ACL that gives the user 4321 something; the mode is the owner's and the mask's."""
    nobody = 0xFFFFFFFF
    return acl((1, owner, nobody), (2, named, 4321), (4, 4, nobody), (16, mask, nobody), (32, 0, nobody))


@dataclass(frozen=True)
class Kept:
    """What a file has besides its text."""

    mode: int
    owner: tuple[int, int] = (-1, -1)
    attributes: dict[str, bytes] = field(default_factory=dict)

    def give(self, path: Path) -> None:
        """Let a file have it."""
        os.chown(path, *self.owner)
        for name, value in self.attributes.items():
            os.setxattr(path, name, value)
        path.chmod(self.mode)


def looks(path: Path) -> tuple[Any, ...]:
    """Return what is to be kept of a file."""
    state = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)} if LINUX else {}
    return state.st_mode, state.st_uid, state.st_gid, state.st_nlink, attributes


LINUX = sys.platform == "linux"
OWNERS = (
    st.tuples(st.sampled_from([-1, 0, 4321]), st.sampled_from([-1, 0, 8765])) if ROOT else st.just((-1, -1))
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["user.origin", "user.x"]), st.binary(max_size=20), max_size=2)
BITS = st.integers(0, 7)
KEPT = st.builds(
    Kept,
    st.integers(0, 0o777).map(lambda mode: mode | 0o400),
    OWNERS,
    st.one_of(ATTRIBUTES, st.builds(lambda *bits: {ACL: rules(*bits)}, BITS, BITS, BITS))
    if LINUX
    else st.just({}),
)


@FEW
@given(kept=KEPT, links=st.integers(0, 3), folder_rules=st.booleans(), report=st.booleans())
def test_a_file_stays_what_it_was_but_for_its_text(
    kept: Kept, links: int, folder_rules: bool, report: bool, tmp_path: Path
) -> None:
    """Owner, group, mode, ACL and attributes are the old one's, and all links lead to it."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        path = folder / ".env"
        path.write_text("A=1\n")
        kept.give(path)
        if folder_rules and LINUX:
            os.setxattr(folder, DEFAULT_ACL, rules(7, 7, 7))
        before = looks(path)
        shown = path
        for number in range(links):
            (folder / f"link{number}").symlink_to(shown if number % 2 else shown.name)
            shown = folder / f"link{number}"
        if report:
            replace(shown, "A=1\nB=2\n")
        else:
            assert edit(shown, add("B=2\n"), check=unchecked)
        assert looks(path) == before
        assert path.read_text() == "A=1\nB=2\n"
        assert len(list(folder.iterdir())) == 1 + links
        assert all(one.is_symlink() for one in folder.iterdir() if one != path)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_of_a_user_is_his_own_and_a_report_is_as_any_file(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        edit(tmp_path / ".env", add("A=1\n"), check=unchecked)
        replace(tmp_path / "report", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(not ROOT, reason="only root can be somebody else")
@pytest.mark.parametrize("owner", [(0, 0), (0, 4321), (5555, 4321), (4321, 8765)])
def test_an_owner_that_cannot_be_kept_is_not_taken(owner: tuple[int, int], memory: Path) -> None:
    """Who may write to the folder, but not give files away, leaves those of others alone."""
    memory.chmod(0o777)
    path = memory / ".env"
    path.write_text("A=1\n")
    Kept(0o644, owner).give(path)
    before = looks(path)
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(4321, 4321, 4321)
        os.setresuid(4321, 4321, 4321)
        try:
            edit(path, add("B=2\n"), check=unchecked)
        except UsageError as error:
            os._exit(2 if error.message.key == "usage.write.owner" else 3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert (looks(path), path.read_text()) == (before, "A=1\n")
    assert list(memory.iterdir()) == [path]


def test_a_file_of_two_names_is_left_alone(tmp_path: Path) -> None:
    """To write it anew would part them, to write into it could leave it torn."""
    path, other = tmp_path / ".env", tmp_path / "other"
    path.write_text("A=1\n")
    other.hardlink_to(path)
    for write in (lambda: edit(path, add("B=2\n"), check=unchecked), lambda: replace(path, "x")):
        with pytest.raises(UsageError, match=r"usage\.write\.names"):
            write()
    assert path.read_text() == other.read_text() == "A=1\n"
    assert path.samefile(other)


@pytest.mark.parametrize("given_mode", [None, 0o600, 0o640, 0o644, 0o666, 0o400])
@pytest.mark.parametrize("private", [True, False])
def test_a_growing_file_with_a_password_is_its_owners(
    given_mode: int | None, private: bool, tmp_path: Path
) -> None:
    """From before the first word on; one without keeps its mode."""
    path = tmp_path / "sandbox.env"
    if given_mode is not None:
        path.write_text("something older and longer\n")
        path.chmod(given_mode)
    with contextlib.suppress(PermissionError), live(path, private=private) as stream:
        mode = stat.S_IMODE(path.stat().st_mode)
        stream.write("SMTP_PASSWORD=x\n")
        assert path.read_text() == "SMTP_PASSWORD=x\n"
        if private:
            assert mode & 0o077 == 0
        elif given_mode is not None:
            assert mode == given_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
@pytest.mark.parametrize("private", [True, False])
def test_a_growing_file_that_can_grow_no_more_is_named(private: bool) -> None:
    """Not standard output, which has nothing to do with it; other errors are whose they are."""
    with pytest.raises(UsageError, match=r"usage\.write"), live(Path("/dev/full"), private=private) as stream:
        stream.write("x\n")
    with pytest.raises(BrokenPipeError), live(Path("/dev/null"), private=private):
        raise BrokenPipeError


# -- Two at once ----------------------------------------------------------------------------------

APPEND = """
import sys
from pathlib import Path
from smtpdoctor.cli.writing import edit
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(12):
    edit(path, lambda before: (before or "") + f"{name}{number}\\n", check=lambda _: None)
"""


@pytest.mark.parametrize("named", [False, True])
def test_nothing_is_lost_between_writers(named: bool, memory: Path) -> None:
    """Each adds what it has to what the others have added."""
    path = memory / ".env"
    program = f"import os\ndel os.O_TMPFILE\n{APPEND}" if named else APPEND
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", program, str(path), name]))
            for name in "abc"
        ]
    assert [one.returncode for one in writers] == [0, 0, 0]
    lines = path.read_text().split()
    assert sorted(lines) == sorted(f"{name}{number}" for name in "abc" for number in range(12))
    for name in "abc":
        assert [line for line in lines if line[0] == name] == [f"{name}{number}" for number in range(12)]
    assert list(memory.iterdir()) == [path]


def _written_anew(path: Path) -> None:
    beside = path.with_name("new")
    beside.write_text("C=3\n")
    beside.replace(path)


OTHERS: dict[str, Callable[[Path], object]] = {
    "writes": lambda path: path.write_text("C=3\n"),
    "writes as much": lambda path: path.write_text("A=2\n"),
    "replaces": _written_anew,
    "takes away": lambda path: path.unlink(missing_ok=True),
    "closes": lambda path: path.chmod(0o600) if path.exists() else path.touch(0o600),
}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("does", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("times", [1, 3])
def test_what_another_program_does_meanwhile_is_seen(
    does: Callable[[Path], object], there: bool, times: int, tmp_path: Path
) -> None:
    """Whoever writes the file while we think of its new text: ours is made of his, and his rights stay."""
    path = tmp_path / ".env"
    if there:
        path.write_text("A=1\n")
        path.chmod(0o644)
    left = times

    def change(before: str | None) -> str:
        nonlocal left
        if left:
            left -= 1
            does(path)
        return (before or "") + "B=2\n"

    expected = tmp_path / "expected"
    if there:
        expected.write_text("A=1\n")
        expected.chmod(0o644)
    for _ in range(times):
        does(expected)
    assert edit(path, change, check=unchecked)
    text = expected.read_text() if expected.exists() else ""
    assert path.read_text() == text + "B=2\n"
    if expected.exists():
        assert path.stat().st_mode == expected.stat().st_mode


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("mine", [True, False])
def test_what_comes_while_a_report_is_made_is_not_destroyed(there: bool, mine: bool, tmp_path: Path) -> None:
    """A check may take a minute, and --force was not about what is put there in that time."""
    path = tmp_path / "report"
    if there:
        path.write_text("old\n")
    text = '{"version": 1, "tool": {"name": "smtpdoctor"}}' if mine else "somebody else's"
    with contextlib.ExitStack() as stack:
        if not mine:
            stack.enter_context(pytest.raises(UsageError, match=r"usage\.output\.foreign"))
        with output_to(path) as stream:
            stream.write("new\n")
            path.write_text(text)
    assert path.read_text() == ("new\n" if mine else text)


def test_a_file_that_never_rests_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    def change(before: str | None) -> str:
        path.write_text(f"{before}.")
        return "mine"

    with pytest.raises(UsageError, match=r"usage\.write\.busy"):
        edit(path, change, check=unchecked)
    assert "mine" not in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    """Neither a new file nor an old one, and it could be read when it was looked at."""
    path = tmp_path / ".env"
    seen = []

    def check(written: Path) -> None:
        seen.append(written.read_text())
        raise UsageError(Message("interrupted"))

    for before in (None, "A=1\n"):
        if before is not None:
            path.write_text(before)
        with pytest.raises(UsageError):
            edit(path, add("B=2\n"), check=check)
        assert seen.pop() == (before or "") + "B=2\n"
        assert (path.read_text() if path.exists() else None) == before
        assert [one.name for one in tmp_path.iterdir()] == ([".env"] if before else [])


# -- What is left behind --------------------------------------------------------------------------


@FEW
@given(name=st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=90))
def test_only_what_is_ours_is_cleared_away(name: str, tmp_path: Path) -> None:
    """Whatever the file is called, and however long its name is: the next run knows what was left."""
    if name in {".", ".."} or len(os.fsencode(name)) > 255:
        return
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        path = Path(folder, name)
        short = name
        while len(os.fsencode(short)) > 100:
            short = short[:-1]
        left = Path(folder, f".{short}.smtpdoctor-0123456789abcdef")
        theirs = [
            Path(folder, one) for one in (f".{short}.smtpdoctor-0123", f".{short}.swp", ".smtpdoctor-0123")
        ]
        for one in (left, *theirs):
            one.write_text("SMTP_PASSWORD=x\n")
        edit(path, add("A=1\n"), check=unchecked)
        assert sorted(Path(folder).iterdir()) == sorted({path, *theirs})


def test_a_file_that_is_being_written_is_not_cleared_away(tmp_path: Path) -> None:
    """Another run may be at work on it."""
    import fcntl

    left = tmp_path / "..env.smtpdoctor-0123456789abcdef"
    with left.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        edit(tmp_path / ".env", add("A=1\n"), check=unchecked)
        assert left.exists()
    edit(tmp_path / ".env", add("B=1\n"), check=unchecked)
    assert not left.exists()


# -- Where nothing can be written -----------------------------------------------------------------


def _loop(folder: Path) -> Path:
    path = folder / "loop.env"
    path.symlink_to("loop.env")
    return path


def _leads(folder: Path, to: str) -> Path:
    path = folder / "link.env"
    path.symlink_to(to)
    return path


def _fifo(folder: Path) -> Path:
    path = folder / "fifo.env"
    os.mkfifo(path)
    return path


def _socket(folder: Path) -> Path:
    # The path of a socket is short; a link leads to it.
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{short}/s")
        Path(short, "s").rename(folder / "socket.env")
    return folder / "socket.env"


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    """Neither for a report nor for a stream; one that somebody reads gets all of it."""
    path = _fifo(tmp_path)
    with pytest.raises(UsageError, match=r"usage\.write\.unread"):
        replace(path, "report\n")
    with pytest.raises(UsageError, match=r"usage\.write\.unread"), live(path, private=False):
        pass
    long = "a line of a report\n" * 20_000  # more than a pipe holds
    for way in (_as_a_report, _as_a_stream):
        with (tmp_path / "read").open("w") as told:
            reader = subprocess.Popen(["/bin/cat", path], stdout=told)
            way(path, long)
            assert reader.wait() == 0
        assert (tmp_path / "read").read_text() == long


def _as_a_report(path: Path, text: str) -> None:
    replace(path, text)


def _as_a_stream(path: Path, text: str) -> None:
    with live(path, private=False) as stream:
        stream.write(text)


PLACES: dict[str, Callable[[Path], Path]] = {
    "in no folder": lambda folder: folder / "no" / ".env",
    "a folder": lambda folder: folder / "folder.env",
    "below a file": lambda folder: folder / "file" / ".env",
    "a fifo": _fifo,
    "a socket": _socket,
    "a device": lambda folder: _leads(folder, "/dev/zero"),
    "a link to itself": _loop,
    "a link into no folder": lambda folder: _leads(folder, "no/.env"),
    "a link to a folder": lambda folder: _leads(folder, "folder.env"),
    "a name too long": lambda folder: folder / ("x" * 300 + ".env"),
    "a path too long": lambda folder: folder / ("x/" * 5000 + ".env"),
    "where nobody can write": lambda _folder: Path("/proc/x.env"),
}


def tree(folder: Path) -> dict[str, object]:
    """Return what stands in a folder."""
    return {
        str(one.relative_to(folder)): (one.lstat().st_mode, one.read_bytes() if one.is_file() else None)
        for one in folder.rglob("*")
    }


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("flag", ["--write", "--output"])
def test_where_nothing_can_be_written_that_is_said(
    place: Callable[[Path], Path], flag: str, tmp_path: Path
) -> None:
    """In words with the file's name and exit code 2, JSON as JSON; and nothing else happens."""
    (tmp_path / "folder.env").mkdir()
    (tmp_path / "file").write_text("a file")
    path = place(tmp_path)
    if flag == "--output" and os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112 -- too long
        return  # what is no ordinary file is written to
    before = tree(tmp_path)
    arguments = ["generate", "gmail", flag, str(path)]
    for lang in LANGUAGES:
        result = CliRunner().invoke(app, arguments, env={"SMTPDOCTOR_LANG": lang})
        assert (result.exit_code, result.stdout) == (2, ""), result.stderr
        assert flag in result.stderr
        result = CliRunner().invoke(app, [*arguments, "--format", "json"], env={"SMTPDOCTOR_LANG": lang})
        assert result.exit_code == 2
        assert flag in json.loads(result.stdout)["error"]["message"]
    assert tree(tmp_path) == before


FULL = """
import os, resource, runpy, signal, sys
{limit}
sys.argv[0] = "smtpdoctor"
runpy.run_module("smtpdoctor", run_name="__main__", alter_sys=True)
"""
# Given back at the end, for a coverage measurement has a file of its own to write then.
SCARCE = (
    "import atexit; full = resource.getrlimit(resource.RLIMIT_FSIZE); "
    "atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, full); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (100, full[1]))"
)
LIMITS = {
    "no room": SCARCE,
    "no room without O_TMPFILE": "del os.O_TMPFILE; " + SCARCE,
    "no folder": "folder = os.getcwd() + '/gone'; os.mkdir(folder); os.chdir(folder); os.rmdir(folder)",
}


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("no room", "--write"),
        ("no room", "--output"),
        ("no room without O_TMPFILE", "--write"),
        ("no folder", "--write"),
    ],
)
def test_a_write_that_fails_on_the_way_leaves_what_there_was(name: str, flag: str, tmp_path: Path) -> None:
    """A full disk is met in the middle of the text, a folder that is gone before it."""
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    shown = ".env" if name == "no folder" else path
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            FULL.format(limit=LIMITS[name]),
            "generate",
            "gmail",
            flag,
            shown,
            "--force",
            "--format",
            "json",
        ],
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2, done.stderr
    assert flag in json.loads(done.stdout)["error"]["message"]
    assert done.stderr == ""
    assert tree(tmp_path) == {".env": (path.lstat().st_mode, b"A=1\n")}


def test_a_dangling_link_leads_to_the_new_file(tmp_path: Path) -> None:
    """As with any other program that writes there."""
    link = tmp_path / ".env"
    link.symlink_to("there.env")
    edit(link, add("A=1\n"), check=unchecked)
    assert link.is_symlink()
    assert (tmp_path / "there.env").read_text() == "A=1\n"
