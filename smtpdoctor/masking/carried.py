"""Texts in which something else carries the characters of a secret, one by one or in small pieces.

Numbers that stand for characters, whatever is written around them: ``chr(112).chr(119)``, ``70h 77h``. And pieces
that are words among others: ``1: p, 2: w``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

__all__ = ["Run", "chained", "coded", "may_code", "words_of"]

Run = list[tuple[int, int, int]]  # where each number of a row stands, and what it says

_compiled = cache(re.compile)

_WORD: Final = r"[^\W_]+"
_FEWEST: Final = 5  # numbers in a row
_GAP: Final = 12  # characters between two of a row
_NUMBERS: Final = bytes(one if one in b"0123456789" else 32 for one in range(256))
_HEX_NUMBERS: Final = bytes(one if one in b"0123456789abcdefABCDEF" else 32 for one in range(256))
# How a number is written, and in which base.
_CODED: Final = (
    (r"(?<![0-9])(?:-(?=1?[0-9]{2}(?![0-9])))?[0-9]{2,7}(?![0-9])", 10),
    (r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?![0-9A-Fa-f])", 16),
    (r"(?<![0-9])0?[0-7]{2,3}(?![0-9])", 8),
    (r"(?<![0-9])[01]{7,8}(?![0-9])", 2),
)
_CUT: Final = "(?=[0-9]{0,2}(?![0-9]))"  # the last of three digits each may be cut
_PACKED: Final = (
    (rf"(?<![0-9])(?:[01][0-9]{{2}}|2[0-5][0-9]){{5,}}{_CUT}", 10),
    (rf"(?<![0-9])[0-3][0-7]{{2}}(?:[0-3][0-7]{{2}}){{4,}}{_CUT}", 8),
)

_GAP_WORDS: Final = 6  # words between two pieces of a secret,
_SHORT_GAP: Final = 2  # where the second one is of one or two characters, as many words are
_SURE_PIECE: Final = 3
_BESIDE: Final = 3  # characters beside the largest piece, which may be a word that anybody says
_WORDS: Final = 4_000  # of a text in which pieces are looked for
_LONG: Final = 100  # characters of a secret of which any letter is a part, so that
_LONG_PIECE: Final = 3  # a piece of it has so many


def may_code(data: bytes) -> bool:
    """Tell whether a text has numbers enough to say something."""
    numbers = data.translate(_NUMBERS).split()
    if len(numbers) >= _FEWEST and sum(len(one) > 1 for one in numbers) >= _FEWEST:
        return True
    if any(len(one) >= 3 * _FEWEST for one in numbers):
        return True
    return sum(len(one) == 2 for one in data.translate(_HEX_NUMBERS).split()) >= _FEWEST  # noqa: PLR2004


def coded(text: str, way: int | None = None) -> Iterator[Run]:
    """Yield the rows of numbers in a text that may be characters; of all ways to write them, or of one."""
    for number in range(len(_CODED) + len(_PACKED)) if way is None else (way,):
        if number < len(_CODED):
            yield from _rows(text, *_CODED[number])
            continue
        pattern, base = _PACKED[number - len(_CODED)]
        for found in _compiled(pattern).finditer(text):
            places = range(found.start(), found.end(), 3)
            yield [(place, place + 3, int(text[place : place + 3], base) & 0xFF) for place in places]


def _rows(text: str, pattern: str, base: int) -> Iterator[Run]:
    run: Run = []
    for found in _compiled(pattern).finditer(text):
        value = int(found[0], base)
        if value < 0 <= value + 0x80:
            value += 0x100  # a byte with a sign, as Java has them
        fits = ord("\t") <= value <= sys.maxunicode
        if run and (not fits or found.start() - run[-1][1] > _GAP):
            if len(run) >= _FEWEST:
                yield run
            run = []
        if fits:
            run.append((found.start(), found.end(), value))
    if len(run) >= _FEWEST:
        yield run


def words_of(text: str, fold: Callable[[str], str] = str.lower) -> list[tuple[str, int, int]]:
    """Return the words of a text, folded, and where they stand."""
    found = islice(_compiled(_WORD).finditer(text), _WORDS)
    return [(fold(one[0]), one.start(), one.end()) for one in found]


def chained(
    words: list[tuple[str, int, int]], secret: str, least: int
) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield pieces of a secret that are words one behind the other, with or without others among them, and where.

    ``words`` are folded, each with its place; ``least``: so many characters in a row tell something.
    """
    shortest = 1 if len(secret) <= _LONG else _LONG_PIECE
    # By the place in the secret that is reached: the number of the last word, and all that lead there.
    reached: dict[int, _Chain] = {}
    best: dict[int, tuple[int, _Link]] = {}  # by its last word, each chain that is long enough
    for number, (word, _, _) in enumerate(words):
        size = len(word)
        if size < shortest or word not in secret:
            continue
        gap = _GAP_WORDS if size >= _SURE_PIECE else _SHORT_GAP
        new: list[tuple[int, _Chain]] = []
        start = secret.find(word)
        while start >= 0:
            chain = _Chain(number, size, size, _Link(number, None))
            if (before := reached.get(start)) is not None and number - before.last <= gap + 1:
                link = _Link(number, before.link)
                chain = _Chain(number, before.length + size, max(before.largest, size), link)
            new.append((start + size, chain))
            start = secret.find(word, start + 1)
        for end, chain in new:
            known = reached.get(end)
            if known is None or known.length <= chain.length or number - known.last > gap:
                reached[end] = chain
            if chain.length >= least and chain.length - chain.largest >= _BESIDE:
                best[number] = (end - chain.length, chain.link)
    for first, link in best.values():
        numbers = link.numbers()
        size = sum(len(words[one][0]) for one in numbers)
        yield secret[first : first + size], [words[one][1:] for one in numbers]


class _Chain(NamedTuple):
    last: int
    length: int
    largest: int
    link: _Link


class _Link(NamedTuple):
    number: int
    before: _Link | None

    def numbers(self) -> list[int]:
        """Return the numbers of the words that lead here."""
        found: list[int] = []
        link: _Link | None = self
        while link is not None:
            found.append(link.number)
            link = link.before
        return found
