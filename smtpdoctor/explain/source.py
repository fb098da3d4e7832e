"""Files and pipes → lines: any encoding, any length, memory bounded."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from smtpdoctor.explain.records import MAX_LINE
from smtpdoctor.smtp.reply import decode

__all__ = ["follow", "lines_of", "open_file"]

_IDLE: Final = 0.3  # seconds without input after which an event is taken as complete
_CHUNK: Final = 65_536


def open_file(path: Path) -> BinaryIO:
    """Open a log; raises OSError with a reason for what is no readable file."""
    return path.open("rb")


def _utf16(stream: BinaryIO) -> Iterator[str]:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    pending = ""
    while chunk := stream.read(_CHUNK):
        pending += decoder.decode(chunk)
        *whole, pending = pending.split("\n")
        yield from whole
        pending = pending[:MAX_LINE]
    if pending:
        yield pending


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a stream; of an overlong one the beginning, the rest is read and dropped."""
    first = stream.readline(MAX_LINE)
    if first[:2] in (b"\xff\xfe", b"\xfe\xff") and stream.seekable():
        stream.seek(0)
        yield from _utf16(stream)
        return
    line = first.removeprefix(b"\xef\xbb\xbf")
    while line:
        yield decode(line)
        while not line.endswith(b"\n"):
            line = stream.readline(_CHUNK)
            if not line:
                return
        line = stream.readline(MAX_LINE)


def follow(stream: BinaryIO) -> Iterator[str | None]:
    """Yield lines as they come, and None where nothing came for a moment."""
    handle = stream.fileno()
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(handle, selectors.EVENT_READ)
        except (PermissionError, ValueError):  # a regular file is always ready, and says so this way
            yield from lines_of(stream)
            return
        pending = b""
        while True:
            if not selector.select(_IDLE):
                yield None
                selector.select()
                continue
            data = os.read(handle, _CHUNK)
            if not data:
                break
            *whole, pending = (pending + data).split(b"\n")
            for line in whole:
                yield decode(line[:MAX_LINE])
            pending = pending[:MAX_LINE]
    if pending:
        yield decode(pending)
