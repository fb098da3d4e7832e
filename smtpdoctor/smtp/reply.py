"""Bytes → replies (RFC 5321 section 4.2), without I/O.

Theory of operation: ``feed`` appends what came, ``next_reply`` returns the next whole reply, or
None where more is needed, or raises NotSMTP. The result does not depend on how the bytes were cut.
What real servers do wrong is taken and noted in ``Reply.quirks``: bare LF, a line in the middle
without a code, codes that differ between lines, a tab for the blank or none, more than one CR. 8-bit text
is decoded.
What cannot be a reply is refused as soon as that is certain: on the first line that does not
begin with three digits, or on its first byte that is no text (the third one at the earliest).
The bytes themselves are kept: ``raw`` is what a reply was on the wire.
Sizes are bounded: RFC 5321 asks for 512 octets a line; real servers send up to a few thousand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from msgspec import Struct

from smtpdoctor.masking.words import decode
from smtpdoctor.smtp.errors import NotSMTP
from smtpdoctor.smtp.protocols import TEXT_BYTES, identify

__all__ = ["MAX_LINE", "MAX_REPLY", "Reply", "ReplyParser", "expected", "fits", "identify"]

MAX_LINE: Final = 16_384  # Exim allows itself 2 KiB a line, Exchange 4; generous, yet bounded
MAX_REPLY: Final = 131_072

_LINE: Final = re.compile(rb"([2-5][0-9]{2})([ -]|$|(?=[^0-9]))(.*)", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?=\s|$|[^\w.])\s*")
_CODE: Final = re.compile(rb"[2-5][0-9]{2}")
_LEAST: Final = 3  # bytes by which most binary protocols are known

# The replies by which a command may go on: RFC 5321 section 4.3.2, STARTTLS of RFC 3207, AUTH of RFC 4954.
# "" is the connection itself, "." the end of the message.
_EXPECTED: Final[Mapping[str, tuple[int, ...]]] = {
    "": (220,),
    "EHLO": (250,),
    "HELO": (250,),
    "LHLO": (250,),
    "STARTTLS": (220,),
    "AUTH": (235, 334),
    "MAIL": (250,),
    "RCPT": (250, 251, 252),
    "DATA": (354,),
    ".": (250,),
    "RSET": (250,),
    "QUIT": (221,),
}
_STRICT: Final = frozenset({"", "STARTTLS", "AUTH", "DATA"})
_HELLO: Final = frozenset({"EHLO", "HELO", "LHLO"})
# What says yes to another command than EHLO.
_ELSEWHERE: Final = frozenset({211, 214, 220, 221, 235})


@cache
def _no_text() -> re.Pattern[bytes]:
    """Match a byte that is no text; whoever answers as a mail server never has it looked for."""
    return re.compile(rb"[^%s]" % re.escape(bytes(sorted(TEXT_BYTES))))


def expected(verb: str) -> tuple[int, ...]:
    """Return the codes by which a command may go on; none for a command that is not known here.

    ``verb`` is the first word of the command, "" for the greeting, "." for the end of the message.
    """
    return _EXPECTED.get(verb.upper(), ())


def fits(verb: str, code: int) -> bool:
    """Tell whether a reply can be the answer to a command at all (RFC 5321 section 4.3.2).

    Any command may be refused (4yz, 5yz). A reply that says yes must be the right yes: 220 is no answer
    to EHLO, 250 none to STARTTLS, AUTH or DATA; it belongs to another command, or to none. What some
    servers say for 250 is taken: 200, any 25z, and 2yz to EHLO and QUIT, as far as it is nobody else's.
    """
    wanted = expected(verb)
    if code >= 400 or code in wanted or not wanted:  # noqa: PLR2004 -- the first digit of RFC 5321
        return True
    if verb.upper() in _STRICT:
        return False
    if verb.upper() == "QUIT":
        return 200 <= code < 300  # noqa: PLR2004
    if verb.upper() in _HELLO:
        return code < 300 and code not in _ELSEWHERE  # noqa: PLR2004
    return code == 200 or code // 10 == 25  # noqa: PLR2004


class Reply(Struct, frozen=True):
    """A server's reply: its code, the text of its lines, and what was odd about it."""

    code: int
    lines: tuple[str, ...]
    quirks: frozenset[str] = frozenset()

    @property
    def positive(self) -> bool:
        """2yz: the command was carried out (RFC 5321 section 4.2.1)."""
        return 200 <= self.code < 300  # noqa: PLR2004 -- the first digit of RFC 5321

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463), from the first line that has one."""
        for line in self.lines:
            if found := _ENHANCED.match(line):
                return f"{found[1]}.{int(found[2])}.{int(found[3])}"
        return None

    @property
    def text(self) -> str:
        """All lines joined with one blank, enhanced status codes kept once in front."""
        # In front only: what looks like a code further on is an address or a version.
        plain = [
            line[found.end() :].strip() if (found := _ENHANCED.match(line)) else line.strip()
            for line in self.lines
        ]
        joined = " ".join(part for part in plain if part)
        return f"{self.enhanced} {joined}".strip() if self.enhanced else joined

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class ReplyParser:
    """Collects bytes and cuts replies out of them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._raw = b""
        self._start_reply()

    def _start_reply(self) -> None:
        self._wire = bytearray()
        self._lines: list[bytes] = []
        self._code: bytes | None = None
        self._quirks: set[str] = set()

    def feed(self, data: bytes) -> None:
        """Append what came from the wire."""
        self._buffer += data

    @property
    def raw(self) -> bytes:
        """The last reply as it was on the wire, line ends and all."""
        return self._raw

    @property
    def pending(self) -> bytes:
        """What has come of the reply that is not finished, or is none, as it was on the wire."""
        return bytes(self._wire + self._buffer)

    @property
    def pending_bytes(self) -> int:
        """How many bytes that are."""
        return len(self._wire) + len(self._buffer)

    @property
    def pending_lines(self) -> int:
        """How many whole lines have come of the reply that is not finished."""
        return len(self._lines)

    def drop(self) -> bytes:
        """Forget and return everything that is pending (RFC 3207: what came before the handshake)."""
        pending = self.pending
        self._buffer.clear()
        self._scanned = 0
        self._start_reply()
        return pending

    def next_reply(self) -> Reply | None:
        """Return the next reply, or None where more bytes are needed; raises NotSMTP."""
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._check_unfinished()
                return None
            line = bytes(self._buffer[:end])
            self._wire += self._buffer[: end + 1]
            del self._buffer[: end + 1]
            self._scanned = 0
            reply = self._take(line)
            if reply is not None:
                return reply

    def _check_unfinished(self) -> None:
        start, self._scanned = self._scanned, len(self._buffer)
        if self._code is None and len(self._buffer) >= _LEAST and not _CODE.match(self._buffer):
            # What was scanned before held no such byte, or there were less than three.
            found = _no_text().search(self._buffer, start if start >= _LEAST else 0, MAX_LINE)
            if found:
                head = bytes(self._buffer[: max(found.end(), _LEAST)])
                raise NotSMTP(identify(head), head)
        if len(self._buffer) > MAX_LINE:
            raise NotSMTP("line-too-long", bytes(self._buffer[:MAX_LINE]))

    def _take(self, line: bytes) -> Reply | None:
        if self._code is None and not _CODE.match(line) and (found := _no_text().search(line, 0, MAX_LINE)):
            head = line[: max(found.end(), _LEAST)]
            raise NotSMTP(identify(head), head)
        if len(line) > MAX_LINE:
            raise NotSMTP("line-too-long", line[:MAX_LINE])
        if len(self._wire) > MAX_REPLY:
            code = self._code or b""
            raise NotSMTP("endless", code + b"-" + self._lines[0] if self._lines else line)
        bare = line.rstrip(b"\r")
        if len(line) - len(bare) != 1:
            self._quirks.add("bare-lf" if len(bare) == len(line) else "extra-cr")
        line = bare
        found = _LINE.match(line)
        if found is None:
            if self._code is None:
                raise NotSMTP(identify(line), line)
            self._quirks.add("line-without-code")
            self._lines.append(line)
            return None
        code, separator, text = found.groups()
        if self._code is None:
            self._code = code
        elif code != self._code:
            self._quirks.add("codes-differ")
        if separator == b"" and text:
            # Clients cut a line behind its fourth sign, whatever it is: a tab there stands for the blank.
            tab = text.startswith(b"\t")
            self._quirks.add("tab" if tab else "no-separator")
            text = text[1:] if tab else text
        self._lines.append(text)
        if separator == b"-":
            return None
        # The last line's code counts: it is the one that ends the reply.
        reply = Reply(int(code), tuple(decode(part) for part in self._lines), frozenset(self._quirks))
        self._raw = bytes(self._wire)
        self._start_reply()
        return reply
