"""An independent look for a secret in a text: whatever was done to it, a reader could undo.

Knows nothing of ``smtpdoctor.masking``, and works the other way round: it decodes what is shown, in every
way that it knows and one after the other, and looks for pieces of the secret in what comes out.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

__all__ = ["LEAST", "leaked"]

_DEPTH: Final = 3
LEAST: Final = 6  # characters that tell something of a secret; of a shorter one, all of it
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{6,}")
_BASE32: Final = re.compile(r"[A-Z2-7a-z]{10,}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{8,}")
_QUOTES: Final = "\"'`\\"
_NOTHING: Final = dict.fromkeys((*range(0x21), 0x7F))


def leaked(secret: str, text: str, *, depth: int = _DEPTH) -> str:
    """Return the piece of the secret that can be read out of a text, empty where none can.

    ``depth`` is how many ways of writing may lie one over the other.
    """
    # A piece of asterisks alone is what a mask looks like, of one sign over and over it is a line; and quotes
    # and backslashes are what anything is written in, be it a mask.
    telling = (
        piece
        for piece in _pieces(secret)
        if piece.strip(_QUOTES) and (piece.strip(piece[0]) or piece[0].isalnum())
    )
    wanted = {_folded(piece) for piece in telling} - {""}
    for view in _views(text, depth):
        folded = _folded(view)
        for piece in wanted:
            if piece in folded or piece in folded[::-1]:
                return piece
    return ""


def _pieces(secret: str) -> Iterator[str]:
    size = min(LEAST, len(secret))
    for start in range(len(secret) - size + 1):
        yield secret[start : start + size]


def _folded(text: str) -> str:
    """Return a text without case, blanks and what is invisible: what a person would read all the same."""
    if text.isascii():
        return text.translate(_NOTHING).lower()
    plain = "".join(
        one for one in text if unicodedata.category(one) not in {"Cc", "Cf", "Zs", "Zl", "Zp", "Cs"}
    )
    return plain.casefold()


def _views(text: str, depth: int) -> Iterator[str]:
    """Yield all that a text may be read as."""
    seen: set[str] = set()
    level = [text]
    for _ in range(depth):
        found: list[str] = []
        for one in level:
            if one not in seen:
                seen.add(one)
                yield one
                found += _decoded(one)
        level = found
    yield from (one for one in level if one not in seen)


def _decoded(text: str) -> Iterator[str]:
    for way in _WAYS:
        for one in way(text):
            if one and one != text:
                yield one


def _folded_lines(text: str) -> Iterator[str]:
    """Undo what a reply of several lines puts between: codes, dots, line ends."""
    yield re.sub(r"[\s*]*(?:\n|\\n|\\r)+(?:\d{3}[- ]?(?:\d\.\d{1,3}\.\d{1,3})?)?\s*", "", text)
    yield re.sub(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|[\s.,;:|\\'\"-]", "", text)


def _escapes(text: str) -> Iterator[str]:
    """Undo the escapes of JSON, Python and shells."""
    if "\\" not in text:
        return
    simple = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}

    def unescaped(found: re.Match[str]) -> str:
        body = found[1]
        if body[0] in "uUx" and len(body) > 1:
            number = int(body[1:], 16)
            return chr(number) if number < 0x110000 else ""
        return simple.get(body, body)

    yield re.sub(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", unescaped, text, flags=re.DOTALL)
    yield re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    yield text.replace("'\\''", "'")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _octets(data: bytes) -> Iterator[str]:
    yield data.decode("utf-8", "replace")
    if data.count(0) * 3 >= len(data):
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            for start in range(4):
                yield data[start : start + (len(data) - start) // 4 * 4].decode(codec, "replace")
                yield data[start : start + (len(data) - start) // 2 * 2].decode(codec, "replace")


def _percent(text: str) -> Iterator[str]:
    if "%" in text or "+" in text:
        yield from _octets(unquote_to_bytes(_bytes(text.replace("+", " "))))
        yield from _octets(unquote_to_bytes(_bytes(text)))


def _quoted_printable(text: str) -> Iterator[str]:
    if "=" in text:
        yield from _octets(quopri.decodestring(_bytes(text)))
        yield from _octets(quopri.decodestring(_bytes(text), header=True))


def _xtext(text: str) -> Iterator[str]:
    if "+" in text:  # RFC 3461 section 4
        data = re.sub(rb"\+([0-9A-Fa-f]{2})", lambda one: bytes([int(one[1], 16)]), _bytes(text))
        yield from _octets(data)


def _html(text: str) -> Iterator[str]:
    if "&" in text:
        yield html.unescape(text)


def _hex(text: str) -> Iterator[str]:
    for run in _HEX.findall(re.sub(r"(?<=[0-9A-Fa-f]{2})[: -](?=[0-9A-Fa-f]{2})", "", text)):
        for start in (0, 1):
            digits = run[start:]
            yield from _octets(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _base64(text: str) -> Iterator[str]:
    for run in _BASE64.findall(text.replace("-", "+").replace("_", "/")):
        for start in range(4):
            part = run[start : start + (len(run) - start) // 4 * 4]
            yield from _octets(base64.b64decode(part))


def _base32(text: str) -> Iterator[str]:
    for run in _BASE32.findall(text):
        for start in range(8):
            part = run[start : start + (len(run) - start) // 8 * 8].upper()
            try:
                yield from _octets(base64.b32decode(part))
            except binascii.Error:
                continue


_WAYS: Final[tuple[Callable[[str], Iterator[str]], ...]] = (
    *(_folded_lines, _escapes, _percent, _quoted_printable, _xtext, _html, _hex, _base64, _base32),
)
