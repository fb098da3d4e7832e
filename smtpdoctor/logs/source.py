"""Files and pipes → numbered lines: any encoding, any length, memory bounded.

A long log is searched as bytes, a block at a time, for the literals without which no rule of the
catalogue can match; only lines around a hit are looked at one by one.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, Final

import re2

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of, automaton
from smtpdoctor.knowledge.schema import Groups
from smtpdoctor.logs.encoding import Decoder
from smtpdoctor.logs.records import MAX_LINE, goes_on

__all__ = ["SMALL", "Numbered", "Source", "follow"]

SMALL: Final = 65_536  # a text up to this size is looked at line by line
_BLOCK: Final = 1_048_576
_IDLE: Final = 0.3  # seconds without input after which an event is taken as complete
_BEFORE: Final = 4
_AFTER: Final = 80
_SHORTEST: Final = 8
_SAMPLE: Final = 4_096
_LOOK: Final = 512  # bytes of a line, by which it is told whether it goes on with the one before

_PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
}

Numbered = tuple[int, str]


@cache
def _failure() -> Any:
    """Return the automaton for what tells a failure: words, codes, and how systems word their errors.

    A test holds all examples of the catalogue against it.
    """
    hints = load.hints()
    worded = {atom for word in load.words() for group in word.atoms[:1] for atom in group}
    literals = map(re2.escape, sorted(one for one in worded if len(one) >= _SHORTEST))
    return automaton([hints.failure.whole, hints.failure_in_log.whole, *literals], for_logs=True)


@cache
def _trigger() -> Any:
    """Return one automaton for all that a failure in a log may be known by.

    Of the literals of the rules only phrases count that speak of mail themselves: single words stand
    everywhere in a log, and a line that has another phrase is about mail only with a word of mail.
    """
    hints = load.hints()
    literals = set(hints.in_log)
    for rule in load.rules():
        phrases = [_phrases(atoms) for atoms in rule.atoms]
        if all(phrases):
            literals.update(one for some in phrases for one in some if any_of(hints.perhaps_mail, one))
    needed = sorted(one for one in literals if not any(one != other and other in one for other in literals))
    # An SMTP reply with its enhanced code, whatever its words are.
    reply = r"\b[45][0-9][0-9][ -]#?[45]\.[0-9]\.[0-9]"
    return automaton([*map(re2.escape, needed), reply], for_logs=True)


def _phrases(atoms: Groups) -> tuple[str, ...]:
    for group in atoms:
        if all(len(atom) >= _SHORTEST and " " in atom.strip() for atom in group):
            return group
    return ()


def _utf16(head: bytes) -> str | None:
    """Return the codec of a text in UTF-16, which Windows writes with or without a mark, else None."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    even, odd = head[:_SAMPLE:2].count(0), head[1:_SAMPLE:2].count(0)
    most = min(len(head), _SAMPLE) // 2
    for codec, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        # ASCII has a zero byte in each pair, other scripts in few; blanks and digits are everywhere.
        if high > most / 4 and low * 20 < high:
            return codec
    return None


def _blocks(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    """Yield blocks of whole lines as bytes that hold ASCII as itself; an overlong line loses its rest."""
    codec = _utf16(head)
    decoder = codecs.getincrementaldecoder(codec)("replace") if codec else None
    pending = b""
    dropping = False
    chunk = head
    while chunk:
        data = decoder.decode(chunk).encode() if decoder is not None else chunk
        if dropping:
            end = data.find(b"\n")
            data, dropping = (data[end:], False) if end >= 0 else (b"", True)
        pending += data
        end = pending.rfind(b"\n") + 1
        if end:
            yield pending[:end]
            pending = pending[end:]
        elif len(pending) > _BLOCK:
            pending, dropping = pending[:MAX_LINE], True
        chunk = stream.read(_BLOCK)
    if pending:
        yield pending


def _all_lines(blocks: Iterator[bytes]) -> Iterator[Numbered]:
    number, decode = 0, Decoder()
    for block in blocks:
        for line in block.removesuffix(b"\n").split(b"\n"):
            number += 1
            yield number, decode(line[:MAX_LINE])


def _lines_around_hits(blocks: Iterator[bytes]) -> Iterator[Numbered | None]:
    """Yield the lines of each event that is about mail and tells a failure, and None before each."""
    search, failing = _trigger().search, _failure().search
    decode = Decoder()
    number = 1  # of the first line of what is left of the block
    for block in blocks:
        position = 0
        failed = reach = 0  # where the next word of failure is, and the first line that may go on to it
        while (hit := search(block, position)) is not None:
            start = _line_start(block, position, hit.start())
            number += block.count(b"\n", position, start)
            # The line of the hit may go on from one before it.
            begin = start
            steps = 0
            while begin > position and steps < _BEFORE and goes_on(_text_at(block, begin)):
                begin = _line_start(block, position, begin - 1)
                steps += 1
            if failed < begin:
                found = failing(block, begin)
                failed = len(block) if found is None else found.start()
                reach = -1
            end = _event_end(block, start)
            if failed < end:
                yield None
                lines = block[begin:end].split(b"\n")
                for offset, line in enumerate(lines[:-1] if lines[-1] == b"" else lines, number - steps):
                    yield offset, decode(line[:MAX_LINE])
                if len(lines) == 2 and block.startswith(block[start:end], end):  # noqa: PLR2004
                    # What is said again and again is not looked at again and again.
                    said, size = decode(lines[0][:MAX_LINE]), end - start
                    again = number
                    while block.startswith(block[start : start + size], end):
                        again, end = again + 1, end + size
                        yield again, said
            else:
                # Nothing failed up to there, but for the lines that such a word may go on from.
                if reach < 0:
                    reach = _lines_before(block, failed)
                end = max(end, reach)
            number += block.count(b"\n", start, end)
            position = end
        number += block.count(b"\n", position)


def _line_start(block: bytes, lowest: int, position: int) -> int:
    return block.rfind(b"\n", lowest, position) + 1 or lowest


def _lines_before(block: bytes, position: int) -> int:
    """Return where the first line begins whose event may reach up to a position."""
    for _ in range(_AFTER + 1):
        position = block.rfind(b"\n", 0, position)
        if position < 0:
            return 0
    return position + 1


def _event_end(block: bytes, start: int) -> int:
    """Return the end of the last line that belongs to the one that starts there."""
    position = block.find(b"\n", start) + 1
    before = b""  # the last line that belonged to it
    for _ in range(_AFTER):
        if not 0 < position < len(block):
            break
        if not (before and block.startswith(before, position)):
            if not _follows(block, position):
                break
            before = block[position : block.find(b"\n", position) + 1]
        position += len(before) or len(block)
    return position if 0 < position < len(block) else len(block)


def _text_at(block: bytes, position: int) -> str:
    end = block.find(b"\n", position)
    line = block[position : min(end, position + _LOOK) if end >= 0 else position + _LOOK]
    return line.decode("latin-1")  # by its looks alone, for which ASCII is enough


def _follows(block: bytes, position: int) -> bool:
    """Whether a line behind a hit belongs to it: by its looks, behind a container's name if there is one."""
    text = _text_at(block, position)
    bare = text.partition("| ")[2] or text if "| " in text[:64] else text
    return goes_on(bare) or (
        block[position : position + 1].isdigit() and block[position + 3 : position + 4] in b"- "
    )


class Source:
    """A file or pipe to explain; ``count`` is the number of its lines where that is few enough to know.

    ``packed`` is the name of the format where the file is packed, so that there are no lines in it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._head = _read_up_to(stream, SMALL + 1)
        self.packed = next((name for mark, name in _PACKED.items() if self._head.startswith(mark)), None)
        small = len(self._head) <= SMALL
        self.count = self._head.count(b"\n") + 1 if small else None

    def lines(self) -> Iterator[Numbered | None]:
        """Yield the lines that matter, numbered from 1; None where some were left out."""
        head = self._head.removeprefix(codecs.BOM_UTF8)
        blocks = _blocks(self._stream, head)
        return _lines_around_hits(blocks) if self.count is None else _all_lines(blocks)


def _read_up_to(stream: BinaryIO, size: int) -> bytes:
    """Read until there is as much, or the end: a pipe gives what it has, in pieces."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size) or b""):  # None: there is nothing for now, nor will be
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def follow(stream: BinaryIO) -> Iterator[Numbered | None]:
    """Yield lines as they come, and None where nothing came for a moment."""
    import selectors

    number, decode = 0, Decoder()
    pending = b""
    handle = stream.fileno()
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(handle, selectors.EVENT_READ)
        except PermissionError:  # a regular file is always ready, and says so this way
            yield from _all_lines(_blocks(stream, stream.read(_BLOCK)))
            return
        while True:
            if not selector.select(_IDLE):
                yield None
                selector.select()
            data = os.read(handle, _BLOCK)
            if not data:
                break
            *whole, pending = (pending + data).split(b"\n")
            for line in whole:
                number += 1
                yield number, decode(line[:MAX_LINE])
            pending = pending[:MAX_LINE]
    if pending:
        yield number + 1, decode(pending)
