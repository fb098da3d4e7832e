"""Bytes → replies (RFC 5321 section 4.2), without I/O.

Theory of operation: ``feed`` appends what came, ``next_reply`` returns the next whole reply, or
None where more is needed, or raises NotSMTP. The result does not depend on how the bytes were cut.
What real servers do wrong is taken and noted in ``Reply.quirks``: bare LF, a line in the middle
without a code, codes that differ between lines, a missing blank, 8-bit text.
What cannot be a reply is refused as soon as that is certain: on the first line that does not
begin with three digits, or on the third byte where the first is no text.
Sizes are bounded: RFC 5321 asks for 512 octets a line; real servers send up to a few thousand.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from smtpdoctor.smtp.errors import NotSMTP
from smtpdoctor.smtp.words import decode

__all__ = ["MAX_LINE", "MAX_REPLY", "Reply", "ReplyParser", "identify"]

MAX_LINE: Final = 16_384  # Exim allows itself 2 KiB a line, Exchange 4; generous, yet bounded
MAX_REPLY: Final = 131_072

_LINE: Final = re.compile(rb"([2-5][0-9]{2})([ -]|$|(?=[^0-9]))(.*)", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?=\s|$|[^\w.])\s*")
_TEXT_BYTE: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D} | frozenset(range(0x80, 0x100))
# A file server greets with 220 like a mail server, which says SMTP or ESMTP (RFC 5321 section 4.3.1).
_FTP: Final = re.compile(rb"220[ -](?!.*smtp).*(?:ftp|filezilla server)")
_TLS_CONTENT: Final = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")


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


def identify(data: bytes) -> str:
    """Say what bytes that are no SMTP reply look like: the label of the evidence."""
    head = data[:256].lstrip().lower()
    if data[:2] in _TLS_CONTENT:
        return "tls-bytes"
    if head.startswith((b"http/", b"<!doctype", b"<html")) or b"400 bad request" in head:
        return "http"
    if head.startswith(b"ssh-"):
        return "ssh"
    if head.startswith((b"* ok", b"* preauth", b"* bye", b"* no", b"* bad")):
        return "imap"
    if head.startswith((b"+ok", b"-err")):
        return "pop3"
    if _FTP.match(head):
        return "ftp"
    if any(byte not in _TEXT_BYTE for byte in data[:64]):
        return "binary"
    return "malformed"


class ReplyParser:
    """Collects bytes and cuts replies out of them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._start_reply()

    def _start_reply(self) -> None:
        self._lines: list[bytes] = []
        self._code: bytes | None = None
        self._quirks: set[str] = set()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Append what came from the wire."""
        self._buffer += data

    @property
    def pending(self) -> bytes:
        """What has come of the reply that is not finished."""
        return b"".join(line + b"\n" for line in self._lines) + bytes(self._buffer)

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
            del self._buffer[: end + 1]
            self._scanned = 0
            reply = self._take(line)
            if reply is not None:
                return reply

    def _check_unfinished(self) -> None:
        self._scanned = len(self._buffer)
        head = bytes(self._buffer[:3])
        if self._code is None and len(head) == 3 and head[0] not in _TEXT_BYTE:  # noqa: PLR2004
            raise NotSMTP(identify(head), head)
        if len(self._buffer) > MAX_LINE:
            raise NotSMTP("line-too-long", bytes(self._buffer[:MAX_LINE]))

    def _take(self, line: bytes) -> Reply | None:
        self._size += len(line) + 1  # empty lines count, too
        if self._code is None and line and line[0] not in _TEXT_BYTE:
            raise NotSMTP(identify(line[:3]), line[:3])
        if len(line) > MAX_LINE:
            raise NotSMTP("line-too-long", line[:MAX_LINE])
        if self._size > MAX_REPLY:
            raise NotSMTP("endless", self._lines[0] if self._lines else line)
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            self._quirks.add("bare-lf")
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
            self._quirks.add("no-separator")
        self._lines.append(text)
        if separator == b"-":
            return None
        # The last line's code counts: it is the one that ends the reply.
        reply = Reply(int(code), tuple(decode(part) for part in self._lines), frozenset(self._quirks))
        self._start_reply()
        return reply
