"""What is shown of a record: the reply or the words by which its cause was known, and what follows in the line.

Nothing that stands before is shown: a log's own words, settings, commands. What follows ends with the
quotes that a reply stands in, and is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import compiled
from smtpdoctor.logs.masking import shown
from smtpdoctor.model import Finding

__all__ = ["Excerpt", "excerpt"]

_MAX_TEXT: Final = 1_000  # characters; a reply has lines of 512 octets at most
_REPLY_LINES: Final = 8
_MOST: Final = 3  # places of a kind that are tried
_WORD: Final = 40  # characters of a word before what it is known by
_BARE_CODE: Final = 4  # characters: a code alone is not all that was said
_ENDS: Final = re.compile(r"[\"'](?=\s*(?:$|[,;:)\]}>|]))")


class Excerpt(NamedTuple):
    """What is shown of a text, and at which place of the text it stands."""

    text: str
    place: int


def excerpt(text: str, finding: Finding) -> Excerpt:
    """Return what is shown of the text of a record, whose lines have their ends; empty where that is nothing."""
    first: int | None = None
    doubtful: Excerpt | None = None
    for found, end in _recognised(text, finding):
        start = _word_start(text, found)
        first = start if first is None else first
        parts = [shown(text, *part) for part in _parts(text, start, end, finding.evidence.code)]
        if parts[0].secret:
            continue
        said = Excerpt(" ".join(part.text.strip() for part in parts)[:_MAX_TEXT], start)
        if not parts[0].doubtful:
            return said
        doubtful = doubtful or said
    return doubtful or Excerpt("", first or 0)


def _recognised(text: str, finding: Finding) -> Iterator[tuple[int, int]]:
    """Yield where stands what the cause was known by, the most telling first."""
    flat = text.replace("\n", " ")
    code = finding.evidence.code
    if finding.pattern:
        for found in islice(compiled(finding.pattern).finditer(flat), _MOST):
            start, end = found.span()
            if code is not None:
                yield from ((place, max(place, end)) for place in _replies_around(text, start, str(code)))
            yield start, end
    if code is not None:
        places = list(islice(_codes(text, str(code)), 2 * _MOST))
        places.sort(key=lambda place: _looks_like_reply(text, place + 3), reverse=True)
        yield from ((place, place + 3) for place in places)
    if finding.evidence.error is not None:
        for word in load.word_sieve().fitting(flat.lower()):
            if word.token == finding.evidence.error:
                yield from (found.span() for found in islice(compiled(word.text).finditer(text), _MOST))
    if finding.evidence.enhanced is not None:
        place = text.find(finding.evidence.enhanced)
        if place >= 0:
            yield place, place + len(finding.evidence.enhanced)
    yield from (found.span() for found in islice(compiled(load.hints().failure.whole).finditer(text), _MOST))


def _word_start(text: str, place: int) -> int:
    """Return where the word begins in which a place is: of `TypeError` it may be known by its end."""
    start = place
    if text[place : place + 1].isalpha():
        while start > max(place - _WORD, 0) and (text[start - 1].isalnum() or text[start - 1] in "._"):
            start -= 1
    return start if place - start < _WORD else place


def _codes(text: str, code: str) -> Iterator[int]:
    """Yield where a code stands that is no part of a longer number."""
    place = text.find(code)
    while place >= 0:
        if not text[max(place - 1, 0) : place].isdigit() and not text[place + 3 : place + 4].isdigit():
            yield place
        place = text.find(code, place + 3)


def _looks_like_reply(text: str, end: int) -> int:
    """Return how much a code looks like the beginning of a reply by what stands behind it."""
    behind = text[end : end + 4]
    if behind[:1] not in {" ", "-"}:
        return 0
    return 1 + (behind[1:2].isdigit() or behind[1:2] == "#")


def _replies_around(text: str, start: int, code: str) -> Iterator[int]:
    """Yield where the reply begins that holds a place: at its code before it, or behind it in the line."""
    begin: int | None = None
    end = start
    for _ in range(_REPLY_LINES):  # of a reply, the first is the beginning
        line = text.rfind("\n", 0, end) + 1
        places = list(_codes(text[line:end], code))
        if not places:
            break
        begin = line + (places[-1] if begin is None else places[0])
        if line == 0:
            break
        end = line - 1
    if begin is not None:
        yield begin
    behind = (start + one for one in _codes(text[start : _line_end(text, start)], code))
    yield from islice((one for one in behind if _looks_like_reply(text, one + 3)), 1)


def _parts(text: str, start: int, end: int, code: int | None) -> Iterator[tuple[int, int]]:
    """Yield what is shown from a place on: to the end of its line, and the other lines of a reply."""
    stop = _line_end(text, start)
    yield start, _bounded(text, start, _end_of_quote(text, start, stop))
    if stop + 1 < end:  # what was recognised goes on in another line
        start = text.rfind("\n", 0, end) + 1
        stop = _line_end(text, start)
        yield start, _bounded(text, start, stop)
    for _ in range(_REPLY_LINES):
        begun, stop = stop + 1, _line_end(text, stop + 1)
        places = _codes(text[begun:stop], str(code)) if code is not None else iter(())
        place = next((begun + one for one in places if _looks_like_reply(text, begun + one + 3)), None)
        if place is None:
            return
        yield place, _bounded(text, place, _end_of_quote(text, place, stop))


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _end_of_quote(text: str, start: int, end: int) -> int:
    """Return where the quotes close that a reply stands in, or the end of the line."""
    line = text.rfind("\n", 0, start) + 1
    before = text[start - 1 : start]
    quote = before if before in {'"', "'"} else '"' if text.count('"', line, start) % 2 else ""
    if not quote or start == line:
        return end
    for found in _ENDS.finditer(text, start, end):
        if found[0] == quote and found.start() - start > _BARE_CODE:
            return found.start()
    return end


def _bounded(text: str, start: int, end: int) -> int:
    """Return the end, or that of a word before it where the text is too long to be shown."""
    if end - start <= _MAX_TEXT:
        return end
    blank = text.rfind(" ", start, start + _MAX_TEXT)
    return blank if blank > start else start + _MAX_TEXT
