"""What the knowledge files say of secrets without being asked: the words of server replies, and keys by their form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["KEY_LENGTH", "familiar", "key_prefix", "vocabulary"]

KEY_LENGTH: Final = (
    8  # characters behind the beginning of a key, of which a preset says no more than the pattern
)
_SHORTEST: Final = 4  # a shorter word tells nothing of anybody
_SHORTEST_PREFIX: Final = 3
# What is no literal text in a pattern: classes, groups, quantifiers.
_SYNTAX: Final = re.compile(r"\\[A-Za-z]|\(\?[a-zA-Z-]*:?|\[[^\]]*\]|\{[0-9,]*\}|[\\^$.|?*+()]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # of camelCase
_ALTERNATIVE: Final = re.compile(r"\|(?![^(]*\))")


def vocabulary(texts: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the words, in lower case, that servers and programs are known to use; sorted."""
    found: set[str] = set()
    for text in texts:
        found.update(_WORD.findall(text.lower()))
    for pattern in patterns:
        found.update(_WORD.findall(_SYNTAX.sub(" ", pattern).lower()))
    return sorted(word for word in found if len(word) >= _SHORTEST)


def familiar(texts: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the words of texts, in lower case, also short ones and the parts of names made of several; sorted."""
    found: set[str] = set()
    for text in (*texts, *(_SYNTAX.sub(" ", pattern) for pattern in patterns)):
        for word in _WORD.findall(text):
            found.update((word.lower(), *_HUMP.sub(" ", word).lower().split()))
    return sorted(word for word in found if len(word) > 1)


def key_prefix(pattern: str) -> str | None:
    """Return how all keys of a provider begin by the pattern of its passwords, None where that says nothing.

    A beginning of letters alone is that of a word, too.
    """
    if not pattern.startswith("^") or _ALTERNATIVE.search(pattern):
        return None
    literal = re.match(r"\^((?:[\w-]|\\[^\w\s])*)(.?)", pattern)
    if literal is None:
        return None
    prefix = re.sub(r"\\(.)", r"\1", literal[1])
    if literal[2] in {"?", "*", "{"}:
        prefix = prefix[:-1]
    telling = len(prefix) >= _SHORTEST_PREFIX and not prefix.isalnum()
    return prefix if telling else None
