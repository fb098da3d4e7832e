"""What others said, made fit to be read: bytes → text, control characters → visible escapes."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["decode", "printable", "printable_facts"]

# What a terminal obeys or hides: control characters, format characters, lone surrogates, and what ends a line
# (the categories Cc, Cf, Cs, Zl and Zp of Unicode). Compiled, and kept by `re`, when the first text has one:
# that takes a millisecond, and most runs see none.
_CONTROL: Final = (
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f]"
)


def printable(text: str) -> str:
    """Replace control characters with visible escapes; tabs become blanks."""
    if text.isprintable():  # much faster, and true of most texts
        return text
    return re.sub(_CONTROL, _escape, text).replace("\t", " ")


def _escape(found: re.Match[str]) -> str:
    point = ord(found[0])
    if point > 0xFFFF:  # noqa: PLR2004
        return f"\\U{point:08x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"  # noqa: PLR2004


def printable_facts(**facts: str) -> dict[str, str]:
    """Return facts that quote others' words, fit to be shown."""
    return {name: printable(text) for name, text in facts.items()}


def decode(data: bytes) -> str:
    """Decode what a server said: UTF-8, else the Korean code page, else Latin-1, which never fails."""
    for encoding in ("utf-8", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
