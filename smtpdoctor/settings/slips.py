"""Names that were meant to be others: a letter is wrong, a word of the middle is left out, capitals differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["is_other_case", "is_slip", "near"]

_SENDER: Final = frozenset({"FROM", "SENDER"})


_SHORTEST_NAME: Final = 8  # letters of a name of several words


def near(name: str, known: Mapping[str, str]) -> str | None:
    """Return the name that another one was meant to be: one letter is wrong in it, or the word in the middle is left out.

    The latter only for a sender (``GF_FROM_ADDRESS`` for ``GF_SMTP_FROM_ADDRESS``): for other settings such a name
    is one of something else (``N8N_HOST``).
    """
    if len(name) < _SHORTEST_NAME:
        return None
    parts = name.split("_")
    for key, meant in known.items():
        if abs(len(key) - len(name)) <= 1 and is_slip(name, key) and _has_parts(name, key):
            return meant
        if _lacks_a_word(parts, key.split("_")):
            return meant
    return None


def _lacks_a_word(parts: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether a name of a sender is another one without a word of its middle."""
    if len(whole) != len(parts) + 1 or _SENDER.isdisjoint(parts[1:]):
        return False
    return any([*whole[:at], *whole[at + 1 :]] == list(parts) for at in range(1, len(parts)))


def _has_parts(name: str, key: str) -> bool:
    """Whether a slip is one inside a word: a digit or a word's first letter makes another name of it."""
    if any(map(str.isdigit, name)) and not any(map(str.isdigit, key)):
        return False
    return len(re.split(r"[_.]", name)) == len(re.split(r"[_.]", key))


def is_other_case(one: str, other: str) -> bool:
    """Whether two words are the same but for capitals."""
    return one != other and one.lower() == other.lower()


def is_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter: another one, one too many or too few, or two that changed places."""
    if one == other:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    start = min(len(one), len(other)) if start is None else start
    left, right = one[start:], other[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (len(left) > 1 and left[1::-1] == right[:2] and left[2:] == right[2:])
    )
