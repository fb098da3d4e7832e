"""What others said, made fit to be read: bytes → text, what nobody would see → visible escapes."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["decode", "document_for_log", "for_log", "printable", "printable_facts"]

# Blanks (Zs): no letters, yet everybody knows what they are.
_BLANKS: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
# Letters and marks by category, yet nobody sees them, or they change how others look: fillers, joiners,
# the selectors of variants, the empty pattern of Braille.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
_COMMAND: Final = re.compile(r"##(?=\[|vso\[)")
_KEPT: Final = 10_000  # characters of which it is kept in mind how they are shown


class _Shown(dict[int, str]):
    """How each character is shown, as ``str.translate`` wants it."""

    def __missing__(self, point: int) -> str:
        if len(self) >= _KEPT:
            self.clear()
        one = chr(point)
        seen = one in _BLANKS or (one.isprintable() and one not in _UNSEEN)
        self[point] = shown = one if seen else " " if one == "\t" else _escaped(point)
        return shown


def _escaped(point: int) -> str:
    if point < 0x100:  # noqa: PLR2004
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"  # noqa: PLR2004


_SHOWN: Final = _Shown()


def printable(text: str) -> str:
    """Replace with visible escapes what a terminal obeys or nobody sees; tabs become blanks.

    That is every control and format character, line and paragraph separator, half of a surrogate pair,
    character for private use and unassigned one (the categories C, Zl and Zp of Unicode), and what is
    invisible besides.
    """
    if text.isprintable() and (
        text.isascii() or _UNSEEN.isdisjoint(text)
    ):  # much faster, and true of most texts
        return text
    return text.translate(_SHOWN)


def for_log(line: str) -> str:
    """Return a line of text without what the runner of a CI job takes for a command in its log.

    That is ``::error…`` where a line begins, also behind blanks (GitHub's runner, ``ActionCommand.cs``), and
    ``##[error]`` or ``##vso[…]`` anywhere (GitHub's and Azure's). Elsewhere a line stays what it is.
    """
    if "::" not in line and "##" not in line:
        return line
    if not _is_logged():
        return line
    line = _COMMAND.sub("# #", line)
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}·{bare}" if bare.startswith("::") else line


def document_for_log(text: str, sign: str) -> str:
    """Return a document that is printed into such a log; ``sign`` is how its syntax writes ``#`` otherwise."""
    return _COMMAND.sub(lambda _: f"{sign}#", text) if "##" in text and _is_logged() else text


def _is_logged() -> bool:
    return "GITHUB_ACTIONS" in os.environ or "TF_BUILD" in os.environ


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
