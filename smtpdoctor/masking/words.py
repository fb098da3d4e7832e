"""What others said, made fit to be read: bytes → text, control characters → visible escapes."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["decode", "printable", "printable_facts"]

# C0 and C1 controls, and the Unicode ones that reorder or hide text on a terminal. Compiled, and kept by
# `re`, when the first text has one: that takes a millisecond, and most runs see none.
_CONTROL: Final = (
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Replace control characters with visible escapes; tabs become blanks."""
    if text.isprintable():  # much faster, and true of most texts
        return text
    return re.sub(_CONTROL, _escape, text).replace("\t", " ")


def _escape(found: re.Match[str]) -> str:
    point = ord(found[0])
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
