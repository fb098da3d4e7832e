"""Which steps a person is told first: the provider's own, none that says what another says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from smtpdoctor.knowledge.placeholders import PLACEHOLDER
from smtpdoctor.model import SettingName

__all__ = ["Step", "alike", "chosen", "settings_in", "tidy"]

MOST: Final = 3
_ALIKE: Final = 0.6
_URL: Final = re.compile(r"https?://[^\s)]+[^\s).,;:]")
_WORD: Final = re.compile(r"[a-z]{3,}|\d{2,}|[^\W\d_a-z]+")
_STEM: Final = 5
_SMALL: Final = frozenset(
    {
        *("and", "are", "but", "can", "for", "from", "has", "have", "into", "its", "make", "not", "one"),
        *("only", "set", "than", "that", "the", "their", "them", "then", "there", "they", "this", "use"),
        *("when", "where", "which", "will", "with", "write", "you", "your"),
    }
)
_ABOUT: Final = re.compile(r"(?:at|set)\.([a-z]+)")
_PAIRS: Final = frozenset({"pair", "pairs"})  # of a port and a mode


class Step(Struct, frozen=True):
    """A step in words, and the settings that it is about; ``said`` is what it says before a language is chosen.

    ``rank`` is lower the more it belongs to the case: 0 the provider's own answer, 1 its own pages,
    2 for what was seen, 3 what the provider says of a setting, 4 for any case, 5 what is right already.
    """

    text: str
    said: str
    rank: int
    settings: frozenset[SettingName] = frozenset()


def settings_in(template: str) -> frozenset[SettingName]:
    """Return the settings that a text with placeholders is about."""
    found = {one[1] for one in map(_ABOUT.match, PLACEHOLDER.findall(template)) if one}
    if found & _PAIRS:
        found = (found - _PAIRS) | {"port", "security"}
    return frozenset(found)  # type: ignore[arg-type] # the schema knows no others


@lru_cache(maxsize=256)  # each step is held against each that is told before it
def _marks(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the pages that a text names, and what it speaks of: its words but for the small ones, by their stems."""
    words = _WORD.findall(_URL.sub(" ", text).lower())
    return frozenset(_URL.findall(text)), frozenset(word[:_STEM] for word in words if word not in _SMALL)


def alike(first: str, second: str) -> bool:
    """Whether one of two steps, in English, says little that the other does not."""
    (pages, marks), (other_pages, others) = _marks(first), _marks(second)
    smaller = min(len(marks), len(others))
    if not smaller:
        return first == second
    # Two steps that open the same page do the same there.
    return bool(pages & other_pages) or len(marks & others) / smaller >= _ALIKE


def tidy(steps: Iterable[Step], about: SettingName | None) -> tuple[Step, ...]:
    """Put steps in order and leave out what is said already.

    ``about`` is the setting that a change mends: what speaks of it comes first, behind the
    provider's own answer.
    """
    ordered = sorted(steps, key=lambda step: step.rank)
    told: frozenset[SettingName] = frozenset().union(*(one.settings for one in ordered if one.rank == 3))  # noqa: PLR2004
    # What the provider says of one setting is better than what is said of it in general.
    ordered.sort(key=lambda step: step.rank == 4 and len(step.settings) == 1 and step.settings <= told)  # noqa: PLR2004
    if about is not None:
        first = next((one for one in ordered if one.rank == 0 or about in one.settings), None)
        if first is not None:
            ordered.remove(first)
            ordered.insert(0, first)
    kept: list[Step] = []
    for step in ordered:
        if not any(alike(step.said, other.said) for other in kept):
            kept.append(step)
    return tuple(kept)


def chosen(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the texts that are told by default."""
    return tuple(step.text for step in steps[:MOST])
