"""Reads files that others made: nothing but files, and no more of them than is sensible.

A name may lead to anything: a folder, a device without an end, a pipe that nobody writes to, the
kernel's log, a link to itself. What is meant to be a file is looked at before it is opened, opened so
that nothing waits, and read up to a limit. Every refusal is a UsageError that names the file and what
met it.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, BinaryIO, Final

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message

__all__ = ["beginning_of", "is_there", "named_file", "names_in", "open_file", "read_file"]

_KILO: Final = 1_024
_BLOCK: Final = 1_048_576
_LEAST: Final = 65_536
_UNWRITTEN: Final = 5.0  # seconds that a pipe may be without anyone who writes to it
_UNFINISHED: Final = 10.0  # seconds until what somebody writes has to have ended
# These do not exist on Windows, where opening waits for nothing and ends lines only if it is told to.
_QUIETLY: Final = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_REASONS: Final = {
    errno.ELOOP: "loop",
    errno.ENAMETOOLONG: "long",
    errno.EACCES: "forbidden",
    errno.EPERM: "forbidden",
}
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOWHERE: Final = frozenset({*_ABSENT, errno.ENAMETOOLONG})
# It passes for a file, and reading takes the lines away from whoever else would read them.
_KERNEL_LOG: Final = "/proc/kmsg"
_STDIN: Final = "/dev/stdin"

Name = str | os.PathLike[str]


def is_there(path: Name) -> bool:
    """Whether there is something of that name, as far as can be seen; never raises.

    A link that leads to itself is there, and cannot be read.
    """
    try:
        os.stat(path)  # noqa: PTH116 -- a path may be a plain text
    except OSError as error:
        return error.errno not in {*_ABSENT, errno.EACCES, errno.EPERM}
    except ValueError:
        return False
    return True


def read_file(path: Name, *, most: int, flag: object, pipes: bool = False, secret: bool = False) -> bytes:
    """Return the content of a file of at most so many bytes; raises UsageError.

    ``flag`` is what named the file. ``pipes``: the user named it on the command line, where
    ``<(command)`` and ``/dev/stdin`` are pipes; one is read for some seconds at most. ``secret``: the
    file holds a secret, and where there is no such file, what stands there instead of its name may be
    the secret itself, which is not shown then.
    """
    said = _values(path, flag)
    try:
        handle, state = _opened(path, said, pipes=pipes)
        try:
            if stat.S_ISFIFO(state.st_mode):
                data = _from_pipe(handle, most, said)
            elif state.st_size > most:
                raise _too_large(most, said)
            else:
                data = b"" if stat.S_ISCHR(state.st_mode) else _whole(handle, state.st_size, most, said)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise _refusal(error, said, secret=secret) from None  # a traceback would show the name
    if len(data) > most:
        raise _too_large(most, said)
    return data


def beginning_of(path: Name, most: int) -> bytes:
    """Return the first so many bytes of a file, nothing where it cannot be read or is none; never raises."""
    said = _values(path, "")
    try:
        handle, state = _opened(path, said, pipes=False)
        try:
            return b"" if stat.S_ISCHR(state.st_mode) else _whole(handle, state.st_size, most, said)[:most]
        finally:
            os.close(handle)
    except (OSError, ValueError, UsageError):
        return b""


def open_file(path: Name, *, flag: object, pipes: bool = False) -> BinaryIO:
    """Open a file to be read as a stream, of any length; raises UsageError for what is none.

    ``pipes``: the user named it on the command line. Somebody has to write to a pipe after some seconds,
    and is waited for then as long as it takes.
    """
    said = _values(path, flag)
    try:
        handle, state = _opened(path, said, pipes=pipes)
        try:
            if stat.S_ISFIFO(state.st_mode):
                _await_writer(handle, said)
                os.set_blocking(handle, True)
            return os.fdopen(handle, "rb")
        except BaseException:
            os.close(handle)
            raise
    except (OSError, ValueError) as error:
        raise _refusal(error, said) from None


def named_file(path: Name, *, most: int, flag: object) -> str:
    """Return the name of a file that something else will read, once it is known to be one; raises UsageError."""
    with open_file(path, flag=flag) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise _too_large(most, _values(path, flag))
    return os.fspath(path)


def names_in(folder: Name, *, flag: object) -> list[str]:
    """Return the names in a folder, in order, none where there is no such folder; raises UsageError."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _ABSENT:
            return []
        raise _refusal(error, _values(folder, flag)) from None


def _values(path: Name, flag: object) -> dict[str, object]:
    # Whole, as it is masked before it is cut: a secret in the place of a name would not be known by a piece.
    return {"file": os.fspath(path), "flag": flag}


def _opened(path: Name, said: dict[str, object], *, pipes: bool) -> tuple[int, os.stat_result]:
    """Open what is a file or may be read like one. To open a device may already do something, so look first.

    A hyphen is standard input, as for other programs, where the user may name a pipe; a file of that name is named with its folder.
    """
    if pipes and os.fspath(path) == "-":
        path = _STDIN
        if stat.S_ISCHR(os.stat(path).st_mode) and os.isatty(0):  # noqa: PTH116
            raise UsageError(Message("usage.file.terminal", said))
    _refuse_strange(os.stat(path), said, pipes=pipes)  # noqa: PTH116 -- a path may be a plain text
    handle = os.open(path, os.O_RDONLY | _QUIETLY)
    try:
        state = os.fstat(handle)
        _refuse_strange(state, said, pipes=pipes)
    except BaseException:
        os.close(handle)
        raise
    return handle, state


def _refuse_strange(state: os.stat_result, said: dict[str, object], *, pipes: bool) -> None:
    """Raise UsageError for what is not meant by a file; the null device is an empty one."""
    mode = state.st_mode
    if stat.S_ISREG(mode):
        if state.st_size == 0 and _is(state, _KERNEL_LOG):
            raise UsageError(Message("usage.file.special", said))
        return
    if stat.S_ISDIR(mode):
        raise UsageError(Message("usage.file.directory", said))
    if stat.S_ISFIFO(mode):
        if not pipes:
            raise UsageError(Message("usage.file.pipe", said))
    elif not (stat.S_ISCHR(mode) and _is(state, os.devnull)):
        raise UsageError(Message("usage.file.special", said))


def _is(state: os.stat_result, name: str) -> bool:
    try:
        other = os.stat(name)  # noqa: PTH116
    except OSError:
        return False
    if stat.S_ISCHR(state.st_mode):
        return state.st_rdev == other.st_rdev and stat.S_ISCHR(other.st_mode)
    return os.path.samestat(state, other)


def _whole(handle: int, size: int, most: int, said: dict[str, object]) -> bytes:
    """Read a file, and one byte too many where there is more; some files say of themselves that they are empty."""
    parts: list[bytes] = []
    left = most + 1
    while left > 0:
        try:
            part = os.read(handle, min(left, max(size, _LEAST) + 1))
        except BlockingIOError:  # a file of the kernel that waits for events
            raise UsageError(Message("usage.file.special", said)) from None
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _from_pipe(handle: int, most: int, said: dict[str, object]) -> bytes:
    """Read a pipe to its end, and no longer than some seconds."""
    import select
    import time

    parts: list[bytes] = []
    left = most + 1
    start = time.monotonic()
    limit = _UNWRITTEN
    ended = False
    while left > 0:
        part = _read_now(handle, left)
        if part:
            parts.append(part)
            left -= len(part)
            limit, ended = _UNFINISHED, False
            continue
        if part is None:
            limit = _UNFINISHED
        elif ended:
            break
        ready, _, _ = select.select([handle], [], [], max(start + limit - time.monotonic(), 0.0))
        if not ready:
            raise UsageError(Message("usage.file.unfinished", {**said, "seconds": f"{limit:.0f}"}))
        # Before anybody has begun to write, nothing is there but also nothing is ready.
        ended = part is not None
    return b"".join(parts)


def _await_writer(handle: int, said: dict[str, object]) -> None:
    """Wait until there is something in a pipe, or somebody who may write to it; raises UsageError."""
    import select

    if select.select([handle], [], [], _UNWRITTEN)[0]:
        return
    if _read_now(handle, 1) == b"":  # what came between the two calls would be lost: one byte of a log
        raise UsageError(Message("usage.file.unfinished", {**said, "seconds": f"{_UNWRITTEN:.0f}"}))


def _read_now(handle: int, most: int) -> bytes | None:
    """Return what is there, nothing at the end or where nobody writes, None where somebody may still write."""
    try:
        return os.read(handle, min(most, _BLOCK))
    except BlockingIOError:
        return None


def _too_large(most: int, said: dict[str, object]) -> UsageError:
    size = f"{most // _KILO**2} MB" if most >= _KILO**2 else f"{most // _KILO} KB"
    return UsageError(Message("usage.file.limit", {**said, "most": size}))


def _refusal(error: OSError | ValueError, said: dict[str, object], *, secret: bool = False) -> UsageError:
    """Return why a file cannot be read; a name with a zero byte or a letter that no file has is a ValueError."""
    number = error.errno if isinstance(error, OSError) else None
    if secret and (number is None or number in _NOWHERE):
        return UsageError(Message("usage.file.unnamed", {"flag": said["flag"]}))
    if number in _ABSENT:
        return UsageError(Message("usage.file.missing", said))
    if number == errno.ENXIO:  # a socket, or a device without anything behind it
        return UsageError(Message("usage.file.special", said))
    reason: Any = getattr(error, "strerror", None) or os.strerror(number or errno.EINVAL)
    if number in _REASONS:
        reason = Message(f"usage.file.{_REASONS[number]}")
    return UsageError(Message("usage.file.unreadable", {**said, "reason": reason}))
