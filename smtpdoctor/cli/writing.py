"""Writes files: whole or not at all, and with no less protection than they had.

A new text is put down beside the old one and takes its place in one step, so that whoever looks sees
the one or the other. Until then it has no name, where the system knows such files (``O_TMPFILE``):
what ends the process ends it too. Elsewhere, and for the moment between two system calls, it has a
name by which the next run knows what was left behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message

__all__ = ["edit", "live", "looked_at", "replace"]

_LARGEST: Final = 1_048_576  # a file of settings is a few KiB
_ATTEMPTS: Final = 10
_LOCK_SECONDS: Final = 5.0
_READER_SECONDS: Final = 5.0  # in which somebody has to open a pipe at its other end
_RETRY_SECONDS: Final = 0.01
_OLD_SECONDS: Final = 3600.0
_NAME_BYTES: Final = 100  # with what is added, well below what any file system takes
_MARK: Final = "[0-9a-f]{16}"
_NAMELESS: Final[int] = getattr(os, "O_TMPFILE", 0)
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_AT_ONCE: Final[int] = getattr(os, "O_NONBLOCK", 0)
_NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_NO_NAMELESS: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
# What beyond its mode says who may use a file: it must be kept, or the file is left alone.
_RULES: Final = frozenset({"system.posix_acl_access", "system.nfs4_acl"})
_LABELS: Final = frozenset(f"security.{module}" for module in ("selinux", "SMACK64"))
_WAITING: Final = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if (number := getattr(signal, name, None))
)


class _ChangedError(Exception):
    """Somebody else has written the file since it was read."""


def edit(path: Path, change: Callable[[str | None], str], *, check: Callable[[Path], None]) -> bool:
    """Change a user's file (``--write``), and return whether there was anything to change.

    ``change`` makes the new text of the old one, or of None where there is no file; it is called again
    where somebody else was faster. ``check`` is told where the new text can be read before it takes
    the old one's place. Both may raise UsageError: nothing has happened then. A new file is for its
    owner alone; one that was there keeps its owner, group, mode and ACL, and the link that leads to it.

    Raises UsageError.
    """
    place = _Place("--write", path)
    with place.told():
        for _ in range(_ATTEMPTS):
            target = place.target()
            _clear(target)
            with _opened(place, target) as old:
                before = None if old is None else _decoded(place, old)
                after = change(before)
                if after == before:
                    return False
                with contextlib.suppress(_ChangedError):
                    _put(place, target, old, after.encode(), mode=0o600, check=check)
                    return True
    raise place.refused("usage.write.busy")


def replace(path: Path, text: str, flag: str = "--output") -> None:
    """Write a report, to where ``flag`` says; what is no ordinary file, like a pipe, is written to.

    A new file has the usual mode, one that was there keeps its own. Raises UsageError.
    """
    place = _Place(flag, path)
    with place.told():
        kind = _kind(path)
        if kind is not None and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            # To put a file in its place would destroy it.
            handle = _opened_for_writing(place, 0)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            return
        umask = os.umask(0o077)
        os.umask(umask)
        target = place.target()
        _clear(target)
        for _ in range(_ATTEMPTS):
            with _opened(place, target) as old, contextlib.suppress(_ChangedError):
                _put(place, target, old, text.encode(), mode=0o666 & ~umask)
                return
    raise place.refused("usage.write.busy")


def looked_at(path: Path, flag: str = "--output") -> tuple[int, ...] | None:
    """Return what tells whether somebody changes a report's file, None where there is none.

    Raises UsageError where no report can be written: better before it is made than after.
    """
    place = _Place(flag, path)
    with place.told():
        try:
            state = path.stat()
        except FileNotFoundError:
            if stat.S_ISDIR(_kind(path.parent) or 0):
                _try(place.target().parent)
                return None
            raise
        if stat.S_ISDIR(state.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(state.st_mode):
            return None
        _try(place.target().parent)
        return _looks(state)


def _try(folder: Path) -> None:
    """Raise OSError where no file can be put into a folder."""
    if _NAMELESS:
        try:
            os.close(os.open(folder, os.O_WRONLY | _NAMELESS, 0o600))
        except OSError as error:
            if error.errno not in _NO_NAMELESS:
                raise
        else:
            return
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def live(path: Path, *, private: bool) -> Iterator[IO[str]]:
    """Give a stream to a file that grows with what is told (``--output``).

    ``private``: it is to hold a password, so only the file's owner may read it, whatever was before.
    Raises UsageError.
    """
    place = _Place("--output", path)
    with place.told():
        handle = _opened_for_writing(place, os.O_CREAT, 0o600 if private else 0o666)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                if private:
                    _close_to_others(place, handle)
                os.ftruncate(handle, 0)
        except BaseException:
            os.close(handle)
            raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="", buffering=1) as stream:
            yield stream
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise place.refused("usage.write", reason=error.strerror or "?") from error


def _opened_for_writing(place: _Place, flags: int, mode: int = 0) -> int:
    """Open what may be a pipe, to be written to; raises UsageError where nobody comes to read it, OSError."""
    end = time.monotonic() + _READER_SECONDS
    while True:
        try:
            handle = os.open(place.path, os.O_WRONLY | flags | _BINARY | _AT_ONCE, mode)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(_kind(place.path) or 0):
                raise
        else:
            if _AT_ONCE:
                os.set_blocking(handle, True)
            return handle
        if time.monotonic() > end:
            raise place.refused("usage.write.unread", seconds=f"{_READER_SECONDS:.0f}")
        time.sleep(_RETRY_SECONDS)


def _close_to_others(place: _Place, handle: int) -> None:
    """Take the rights of all but the owner away; raises UsageError where it is not ours to do."""
    mode = stat.S_IMODE(os.fstat(handle).st_mode)
    if sys.platform == "win32" or not mode & 0o077:
        return
    try:
        os.fchmod(handle, mode & 0o700)
    except OSError as error:
        raise place.refused("usage.output.exposed", reason=error.strerror or "?") from error


class _Place(Struct, frozen=True):
    """Where a file goes: what the user calls it, and with which flag."""

    flag: str
    path: Path

    def refused(self, key: str, **values: object) -> UsageError:
        """Return why it cannot go there."""
        return UsageError(Message(key, {"flag": self.flag, "file": str(self.path), **values}))

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Say of what the system refuses which file it is about, and what named it."""
        try:
            yield
        except OSError as error:
            raise self.refused("usage.write", reason=error.strerror or "?") from error

    def target(self) -> Path:
        """Return the file at the end of the links, be it there or not; raises OSError."""
        # The system knows best which links may not be followed: one to itself, one that another user
        # has put into a folder of all.
        _kind(self.path)
        return Path(os.path.realpath(self.path))


def _kind(path: Path) -> int | None:
    """Return the mode of what a path leads to, None where there is nothing; raises OSError."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


# The file that is there.


class _Old(Struct):
    """The file that is there, open."""

    handle: int
    state: os.stat_result
    data: bytes | None = None  # as far as it was read

    def read(self) -> bytes:
        """Return what is in it, but not much more than may be."""
        os.lseek(self.handle, 0, os.SEEK_SET)
        data = b""
        while len(data) <= _LARGEST and (part := os.read(self.handle, _LARGEST + 1 - len(data))):
            data += part
        return data

    def close(self) -> None:
        """Close it, and let go of the lock."""
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1

    def stands(self, target: Path) -> bool:
        """Whether it looks like what stands there now; soon done, so that hardly anything comes between."""
        try:
            return _looks(target.lstat()) == _looks(self.state)
        except FileNotFoundError:
            return False

    def holds(self) -> bool:
        """Whether what was read in it is in it still: a clock may stand still between two writes."""
        return self.data in (None, self.read())


def _looks(state: os.stat_result) -> tuple[int, ...]:
    """Return what tells a file from another, and from itself with other rights or another content."""
    return (
        *(state.st_dev, state.st_ino, state.st_nlink),
        *(state.st_mode, state.st_uid, state.st_gid),
        *(state.st_size, state.st_mtime_ns),
    )


@contextlib.contextmanager
def _opened(place: _Place, target: Path) -> Iterator[_Old | None]:
    """Open the file that is there, None where there is none; a lock keeps other runs of ours away.

    Raises OSError, and UsageError for what cannot be replaced.
    """
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        kind = _kind(target)
        if kind is None:
            yield None
            return
        _refuse_special(place, kind)  # before it is opened: a device may act upon that
        handle = os.open(target, os.O_RDONLY | _BINARY | _AT_ONCE | _NO_LINK)
        old = _Old(handle, os.fstat(handle))
        try:
            free = _locked(handle)
            if free and old.stands(target):
                _refuse_special(place, old.state.st_mode)
                if old.state.st_nlink > 1:
                    raise place.refused("usage.write.names", count=old.state.st_nlink)
                yield old
                return
        finally:
            old.close()
        if time.monotonic() > until:
            raise place.refused("usage.write.busy")
        if not free:
            time.sleep(_RETRY_SECONDS)


def _refuse_special(place: _Place, kind: int) -> None:
    if stat.S_ISDIR(kind):
        raise place.refused("usage.file.directory")
    if not stat.S_ISREG(kind):
        raise place.refused("usage.write.special")


def _decoded(place: _Place, old: _Old) -> str:
    """Return a file's text with its line ends and byte order mark; raises UsageError."""
    old.data = old.read()
    if len(old.data) > _LARGEST:
        size = max(old.state.st_size, len(old.data)) / 1e6
        raise place.refused("usage.file.large", size=f"{size:.0f}")
    try:
        return old.data.decode()
    except UnicodeDecodeError as error:
        # Another encoding could be read, but what is written back must be what was there.
        raise place.refused("usage.write.encoding") from error


def _locked(handle: int, *, where_unknown: bool = True) -> bool:
    """Whether a file could be locked at once; ``where_unknown`` where the file system knows no locks."""
    if sys.platform == "win32":  # what is open there can neither be replaced nor taken away
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return where_unknown
    return True


# The one that takes its place.


def _put(
    place: _Place,
    target: Path,
    old: _Old | None,
    data: bytes,
    *,
    mode: int,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Put a text in the place of the old one; raises OSError, UsageError and _ChangedError.

    One that is checked is a user's file: it is to outlive a power cut. A report can be had again.
    """
    with _uninterrupted():
        for make in (_nameless, _named):
            draft = make(target, mode if old is None else 0o600)
            if draft is None:
                continue
            with contextlib.closing(draft):
                draft.write(data)
                if check is not None:
                    check(draft.path)
                if old is not None:
                    _keep(place, old, draft.handle)
                if check is not None:
                    _settle(draft.handle)
                if old is not None and not old.holds():
                    raise _ChangedError
                if draft.named_beside(target, final=old is None):
                    draft.take_place(target, old)
                    break
        if check is not None:
            _settle_folder(target.parent)


class _Draft(Struct):
    """A file that is to take another one's place; ``name`` is its own, as long as it has one."""

    handle: int
    name: Path | None
    placed: bool = False

    @property
    def path(self) -> Path:
        """Where it can be read."""
        return self.name or Path(f"/proc/self/fd/{self.handle}")

    def write(self, data: bytes) -> None:
        """Write all of it; raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.handle, view) :]

    def named_beside(self, target: Path, *, final: bool) -> bool:
        """Give a file without a name one, its ``final`` one at once; return whether it has one now.

        Raises _ChangedError where its final one is taken.
        """
        if self.name is not None:
            return True
        name = target if final else _name(target)
        try:
            # Only where a folder is given, be it not used, does Python let the system follow this link.
            os.link(self.path, name, src_dir_fd=self.handle, follow_symlinks=True)
        except FileExistsError as error:
            raise _ChangedError from error
        except OSError:  # no /proc, or no right to: it is tried with a name from the start
            return False
        self.name, self.placed = name, final
        return True

    def take_place(self, target: Path, old: _Old | None) -> None:
        """Take the place of the old file, or a free one; raises OSError, _ChangedError."""
        if self.placed:
            return
        assert self.name is not None  # noqa: S101 -- it has got one
        if old is None:
            try:
                os.link(self.name, target)  # which never takes the place of another file
            except FileExistsError as error:
                raise _ChangedError from error
            except OSError as error:  # a file system that gives no second name
                if os.path.lexists(target):
                    raise _ChangedError from error
            else:
                return  # its own name goes when it is closed
        elif not old.stands(target):
            raise _ChangedError
        if sys.platform == "win32":  # nothing that is open can be moved there
            os.close(self.handle)
            self.handle = -1
            if old is not None:
                old.close()
        self.name.replace(target)
        self.placed = True

    def close(self) -> None:
        """Close it; what has not found its place is gone then."""
        if self.name is not None and not self.placed:
            with contextlib.suppress(OSError):
                self.name.unlink()
        if self.handle >= 0:
            os.close(self.handle)


def _nameless(target: Path, mode: int) -> _Draft | None:
    """Make a file without a name where the other one stands, None where the system cannot."""
    if not _NAMELESS:
        return None
    try:
        handle = os.open(target.parent, _NAMELESS | os.O_RDWR, mode)
    except OSError:  # told when it is tried with a name
        return None
    _locked(handle)
    return _Draft(handle, None)


def _named(target: Path, mode: int) -> _Draft:
    """Make a file beside the other one; raises OSError."""
    while True:
        name = _name(target)
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY | _NO_LINK, mode)
        if _locked(handle) and os.fstat(handle).st_nlink:
            return _Draft(handle, name)
        os.close(handle)  # another run was faster, and takes it for one that was left behind


def _prefix(target: Path) -> str:
    """Return how the names begin that are ours, beside a file."""
    name = target.name
    while len(os.fsencode(name)) > _NAME_BYTES:
        name = name[:-1]
    return f".{name}.smtpdoctor-"


def _name(target: Path) -> Path:
    return target.with_name(_prefix(target) + os.urandom(8).hex())


def _clear(target: Path) -> None:
    """Take away what runs have left beside a file that were ended between two system calls."""
    prefix = _prefix(target)
    try:
        names = os.listdir(target.parent)  # noqa: PTH208 -- names are all that is wanted
    except OSError:  # a folder that may be written and not read, or none: writing will tell
        return
    for name in names:
        if name.startswith(prefix) and re.fullmatch(_MARK, name[len(prefix) :]):
            with contextlib.suppress(OSError):
                _take_away(target.with_name(name))


def _take_away(path: Path) -> None:
    """Remove a file that nobody is writing any more; raises OSError."""
    handle = os.open(path, os.O_RDWR | _BINARY | _AT_ONCE | _NO_LINK)
    try:
        state = os.fstat(handle)
        old = time.time() - state.st_mtime > _OLD_SECONDS
        if stat.S_ISREG(state.st_mode) and _locked(handle, where_unknown=old):
            path.unlink()
    finally:
        os.close(handle)


def _keep(place: _Place, old: _Old, handle: int) -> None:
    """Give a new file the owner, the rules and the mode of the old one; raises OSError, UsageError."""
    if sys.platform == "win32":
        return
    now, state = os.fstat(handle), old.state
    owner = state.st_uid if state.st_uid != now.st_uid else -1
    group = state.st_gid if state.st_gid != now.st_gid else -1
    try:
        if (owner, group) != (-1, -1):
            os.fchown(handle, owner, group)
    except OSError as error:
        raise place.refused("usage.write.owner") from error
    try:
        _keep_attributes(old.handle, handle)
    except OSError as error:
        raise place.refused("usage.write.rules", reason=error.strerror or "?") from error
    mode = stat.S_IMODE(state.st_mode) & 0o777
    if stat.S_IMODE(os.fstat(handle).st_mode) != mode:  # some file systems have one for all
        os.fchmod(handle, mode)


def _keep_attributes(old: int, new: int) -> None:
    """Copy the ACL and what users and security modules have written beside a file; raises OSError."""
    if sys.platform != "linux":
        return
    wanted, there = _attributes(old), _attributes(new)
    for name in there.keys() & _RULES - wanted.keys():
        os.removexattr(new, name)  # the folder's, which the old file did not have
    for name, value in wanted.items():
        if there.get(name) == value:
            continue
        with contextlib.suppress(*((OSError,) if name in _LABELS else ())):  # only root may
            os.setxattr(new, name, value)


def _attributes(handle: int) -> dict[str, bytes]:
    try:
        names = os.listxattr(handle)
    except OSError:  # the file system has none
        return {}
    ours = (name for name in names if name.startswith("user.") or name in _RULES | _LABELS)
    return {name: os.getxattr(handle, name) for name in ours}


def _settle(handle: int) -> None:
    """Let a file outlive a power cut, where the file system can be asked for that; raises OSError."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
            raise


def _settle_folder(folder: Path) -> None:
    """Let a new name outlive a power cut: a file that has its place is written, whatever becomes of that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            _settle(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let the signals wait that would end the process in the middle: it is a matter of milliseconds."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
