"""What has been judged already: a log says the same thing many times, with other times, ids and addresses.

What is kept is bounded in number and in characters, whatever a log holds and however long it is followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from smtpdoctor.diagnosis import Context
from smtpdoctor.logs.records import Record
from smtpdoctor.model import Finding

__all__ = ["Judged", "Judgement"]

_MAX_SHAPES: Final = 20_000
_MAX_WORDS: Final = 1_000_000  # characters of words, each counted with what keeping it takes
_OF_A_WORD: Final = 50
_MAX_TEXT: Final = 4_000_000  # characters of evidence
_LOCAL: Final = 64  # characters of a local part at most: RFC 5321 section 4.5.3.1.1
# What differs from one occurrence of a failure to the next: times, addresses, long numbers and ids.
# Other numbers say what failed: reply codes, ports, Windows' 10061 and 0x80090302, 127.0.0.1.
_VARIES: Final = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d?:\d\d(?::\d\d)?(?:[.,]\d{1,9})?|(?!127\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[\d{1,20}\]"
    r"|\b(?=\d{0,16}[a-f])(?=[a-f]{0,16}\d)[0-9a-f]{4,}+\b|\b(?=[a-z]{0,24}\d)[a-z0-9]{10,64}\b"
    r"|(?<![:x\d])(?!1[01]0\d\d\b)\d{4,}+",
    re.IGNORECASE,
)
_MANY_WORDS: Final = 60
_LONG_WORD: Final = 32
_REPEATED: Final = re.compile(r"(.{1,16}?)\1{3,}+")
_DIGIT: Final = re.compile(r"\d")
_LOCAL_PART: Final = re.compile(r"[\w.+-]+")

# Findings, what is known beside each, and at which line of the record's text it stands.
Judgement = tuple[tuple[Finding, Context, int], ...]


class Judged:
    """Judgements by the shape of a record: what is left of its text when all that varies is taken out."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Judgement] = {}
        self._words: dict[str, str] = {}
        self._size = self._kept = 0

    def of(self, record: Record, judge: Callable[[Record], Judgement]) -> Judgement:
        """Return the judgement on a record, made now where none of its shape was seen."""
        shape = self.shape(record.text)
        # A number of 64 bits that no log can aim at; the shapes themselves would fill the memory.
        key = (hash(shape), len(shape))
        if key not in self._known:
            if len(self._known) >= _MAX_SHAPES or self._size > _MAX_TEXT:
                self._known.clear()
                self._size = 0
            judgement = self._known[key] = judge(record)
            self._size += sum(len(one[0].evidence.text) for one in judgement)
        return self._known[key]

    def shape(self, text: str) -> str:
        """Return a text without what varies."""
        known = self._words
        words = [known[word] if word in known else self._folded(word) for word in text.split(" ")]
        if len(words) > _MANY_WORDS:  # one that is said over and over counts once
            words = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
        return " ".join(words)

    def _folded(self, word: str) -> str:
        folded = _VARIES.sub("0", word) if _DIGIT.search(word) else word
        if len(folded) > _LONG_WORD:
            folded = _REPEATED.sub(r"\1\1\1", folded)
        if "@" in folded:
            *before, last = folded.split("@")
            folded = "@".join([*map(_without_local_part, before), last])
        self._kept += len(word) + _OF_A_WORD
        if self._kept > _MAX_WORDS:
            self._words.clear()
            self._kept = len(word)
        self._words[word] = folded
        return folded


def _without_local_part(text: str) -> str:
    """Return what stands before an address, which ends with its local part."""
    found = _LOCAL_PART.match(text[: -_LOCAL - 1 : -1])
    return f"{text[: len(text) - found.end()]}0" if found is not None else text
