"""Text laid out for a terminal: lines of a width, and nothing broken that has to be copied or clicked.

A word, a host name, an address and what stands in backticks (a command, an assignment) stay whole;
one that is longer than the line sticks out, and the terminal deals with it. Widths are counted in
cells: a Hangul syllable takes two.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text

__all__ = ["CODE", "code", "hanging", "shortened", "stated_size", "unbroken", "wrapped"]

CODE: Final = "bold default"  # the style of what stays in one piece, blanks and all
_WIDE: Final = 2
# A command: in backticks, or at the end of a line behind a colon.
_COMMAND: Final = re.compile(r"(`[^`]*`|(?<=: )smtpdoctor .+)")
_FURTHER: Final = 2
_SIZE_DIGITS: Final = 5
_TOKEN: Final = re.compile(r"\s+|\S+")


def stated_size(name: str) -> int:
    """Return what ``COLUMNS`` or ``LINES`` says, or 0 where that is nothing that a terminal can have."""
    text = os.environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _SIZE_DIGITS else 0


def code(text: str, style: str = "") -> list[tuple[str, str]]:
    """Return the parts of a text with their styles: what stands in backticks is bold, and one piece."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(text, style)]
    return [(part, CODE if number % 2 else style) for number, part in enumerate(parts) if part]


def _pieces(parts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield what may not be broken: words of one or several styles, and the blanks between them."""
    word: list[tuple[str, str]] = []
    for text, style in parts:
        tokens = [text] if style == CODE else _TOKEN.findall(text)
        for token in tokens:
            if token.isspace():
                if word:
                    yield word
                yield [(" " * (1 if "\n" in token else len(token)), style)]
                word = []
            else:
                word.append((token, style))
    if word:
        yield word


def _width(piece: Sequence[tuple[str, str]]) -> int:
    if len(piece) == 1:  # nearly always
        return cell_len(piece[0][0])
    return sum(cell_len(text) for text, _ in piece)


def _fitted(piece: list[tuple[str, str]], width: int) -> Iterator[list[tuple[str, str]]]:
    """Break a piece that is too long where its script knows no blanks (Chinese, Japanese)."""
    if _width(piece) <= width or any(
        get_character_cell_size(sign) < _WIDE for text, _ in piece for sign in text
    ):
        yield piece
        return
    line: list[tuple[str, str]] = []
    room = width
    for text, style in piece:
        for sign in text:
            size = get_character_cell_size(sign)
            if size > room and line:
                yield line
                line, room = [], width
            line.append((sign, style))
            room -= size
    yield line


def wrapped(parts: Iterable[tuple[str, str]], width: int, first: int | None = None) -> list[Text]:
    """Return lines of at most ``width`` cells, the first of at most ``first``."""
    lines: list[Text] = []
    line: list[tuple[str, str]] = []
    room = width if first is None else first
    used = 0
    gap = 0
    for piece in _pieces(parts):
        if piece[0][0].isspace():
            gap += _width(piece)
            continue
        for part in _fitted(piece, max(width, 2)):
            size = _width(part)
            if used and used + gap + size > room:
                lines.append(Text.assemble(*line))
                line, used, room = [], 0, width
            elif used:
                line.append((" " * gap, ""))
                used += gap
            line += part
            used += size
            gap = 0
    if used or not lines:
        lines.append(Text.assemble(*line))
    return lines


def hanging(
    head: Sequence[tuple[str, str]],
    parts: Iterable[tuple[str, str]],
    width: int,
    indent: int = 0,
    further: int = 0,
) -> list[Text]:
    """Return lines that begin with a head, the next ones ``further`` cells further in than the first."""
    taken = _width(head)
    body = wrapped(parts, width - indent - further, width - indent - taken)
    lines = []
    for number, text in enumerate(body):
        line = Text(" " * (indent if number == 0 else indent + further))
        if number == 0:
            for part, style in head:
                line.append(part, style)
        line.append_text(text)
        lines.append(line)
    return lines


def unbroken(line: str, width: int) -> list[str]:
    """Return a line as plain lines of at most ``width`` cells; its indentation is kept, commands stay whole."""
    if cell_len(line) <= width:
        return [line]
    text = line.lstrip(" ")
    parts = [(part, CODE if number % 2 else "") for number, part in enumerate(_COMMAND.split(text)) if part]
    indent = len(line) - len(text)
    return [one.plain.rstrip() for one in hanging([], parts, width, indent, _FURTHER)]


def shortened(text: str, width: int, mark: str = "…") -> str:
    """Return a text that fits, cut between words where it has to be; "" where no word fits."""
    if cell_len(text) <= width:
        return text
    words = text.split(" ")
    while words:
        words.pop()
        short = " ".join(words).rstrip(" ,;:·→–-(“\"'")
        if cell_len(short) + cell_len(mark) + 1 <= width:
            return f"{short} {mark}" if short else ""
    return ""
