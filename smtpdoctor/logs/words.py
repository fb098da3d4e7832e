"""A text → the words that it is made of, as far as they tell what it is about, whoever wrote it.

Addresses, hosts, paths, dates and numbers differ from one text to the next and become classes; reply codes,
ports and the names of errors stay. A language without blanks is taken in pairs of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Final

__all__ = ["words_of"]

_MOST: Final = 240  # different words of a text that count: a long one says nothing more
_LONGEST: Final = 8_000  # characters that are looked at
_LONG_WORD: Final = 40

_CLASSES: Final = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>]*)"
    r"|(?P<mail>[\w.+*-]{1,64}@[\w.*-]{1,200})"
    r"|(?P<date>\d{4}[-/]\d\d[-/]\d\d[t ]?(?:\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?z?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?)"
    r"|(?P<ip>\b(?:\d{1,3}\.){3}\d{1,3}\b)"
    r"|(?P<enhanced>(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]))"
    r"|(?P<path>(?:[a-z]:)?(?:[\\/][\w.@-]+){2,}[\\/]?)"
    r"|(?P<host>\b(?:[a-z0-9-]+\.){1,5}(?:com|net|org|io|dev|co|de|fr|jp|kr|cn|ru|uk|eu|example|test|local|invalid)\b)"
    r"|(?P<hex>\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b)"
    r"|(?P<number>\d+)"
    r"|(?P<asian>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)"
    r"|(?P<mark>[✓✔✗✘|{}<>#`*+=@$;\\-])"
)
_CODES: Final = re.compile(r"[2345]\d\d")
_PORTS: Final = frozenset(
    {"21", "22", "25", "80", "110", "143", "389", "443", "465", "587", "636", "993", "995", "2525", "5432", "3306"}
)
# A mark at the beginning of a line tells of code, of a difference, of a list; elsewhere of nothing.
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, and the pairs of words that stand side by side."""
    found: dict[str, None] = {}
    for line in text[:_LONGEST].split("\n"):
        words = list(islice(_in_line(line), _MOST))
        found.update(dict.fromkeys(words))
        found.update((f"{one} {other}", None) for one, other in pairwise(words) if not one.startswith("^"))
        if len(found) > 2 * _MOST:
            break
    return frozenset(islice(found, 2 * _MOST))


def _in_line(line: str) -> Iterator[str]:
    begun = False
    for hit in _CLASSES.finditer(_split(line)):
        kind, said = str(hit.lastgroup), hit[0]
        if kind == "mark":
            if not begun:
                yield f"^{said}"
                begun = True
            continue
        begun = True
        match kind:
            case "word":
                if len(said) > 1:
                    yield said[:_LONG_WORD]
            case "asian":
                yield from _pairs(said)
            case "number":
                yield said if _CODES.fullmatch(said) or said in _PORTS else "0"
            case "enhanced":
                yield said
            case "url":
                yield f"{said.partition(':')[0]}://"
            case _:
                yield f"<{kind}>"


def _split(line: str) -> str:
    """Return a line in small letters, names in humps taken apart."""
    return _CAMEL.sub(" ", line).lower()


def _pairs(said: str) -> Iterable[str]:
    return (said[at : at + 2] for at in range(max(len(said) - 1, 1)))
