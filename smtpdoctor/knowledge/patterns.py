"""RE2 patterns, compiled when first needed: case-insensitive, linear in the text whatever it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any, Final

import re2

from smtpdoctor.knowledge.schema import Groups, Patterns

__all__ = [
    "any_of",
    "automaton",
    "compiled",
    "exact",
    "is_rare",
    "literal_set",
    "matches",
    "possible",
    "refused",
]

# Bytes for the states of an automaton that texts have led to; when they are used up, it begins anew. With
# less, a log is searched more slowly; with more, a process that reads on and on would grow with each new text.
_OF_ONE: Final = 1 << 20
_OF_MANY: Final = 16 << 20
_OF_A_LOG: Final = 64 << 20
_RENEWED: Final = 1_000_000  # uses, after which patterns are compiled anew, without what they have kept

_OFTEN: Final = 100  # texts from which on something is compiled as a whole
_SHORT: Final = 2_000  # characters

_uses = count(1)
_asked: dict[str, int] = {}


def compiled(pattern: str) -> Any:
    """Return a compiled pattern."""
    if next(_uses) % _RENEWED == 0:
        _kept.cache_clear()
    return _kept(pattern)


@cache
def _kept(pattern: str) -> Any:
    return re2.compile(pattern, _options(_OF_ONE))


@cache
def exact(pattern: str) -> Any:
    """Return a compiled pattern for which the case counts."""
    options = _options(_OF_ONE)
    options.case_sensitive = True
    return re2.compile(pattern, options)


def refused(pattern: str) -> str:
    """Return why RE2 does not take a pattern, nothing where it does."""
    try:
        exact(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""


def automaton(patterns: Iterable[str], *, for_logs: bool = False) -> Any:
    """Return one pattern of many, which says no more than whether and where any of them occurs.

    ``for_logs``: gigabytes are searched for it, so that it is worth more memory.
    """
    options = _options(_OF_A_LOG if for_logs else _OF_MANY)
    options.never_capture = True
    return re2.compile("|".join(patterns), options)


def literal_set() -> Any:
    """Return an empty set of literal texts that tells which of them occur in a text; the case counts."""
    options = _options(_OF_MANY)
    options.case_sensitive = True
    options.literal = True
    return re2.Set.SearchSet(options)


def _options(memory: int) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = memory
    return options


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern occurs in a text."""
    return compiled(pattern).search(text) is not None


def any_of(patterns: Patterns, text: str) -> bool:
    """Whether any of some patterns occurs in a text."""
    if not is_rare(patterns.whole, len(text)):
        return matches(patterns.whole, text)
    lowered = text.lower()
    return any(possible(atoms, lowered) and matches(one, text) for one, atoms in patterns.parts)


def is_rare(what: str, length: int) -> bool:
    """Whether a text is short, and one of the first that are searched for something.

    These are searched for literals: that takes less time than compiling all that is looked for. A start with one line
    to explain needs hardly any pattern.
    """
    asked = _asked.get(what, 0)
    if asked >= _OFTEN or length > _SHORT:
        return False
    _asked[what] = asked + 1
    return True


def possible(atoms: Groups, lowered: str) -> bool:
    """Whether a text in lower case holds a literal of every group, without which a pattern cannot match."""
    for group in atoms:
        for atom in group:
            if atom in lowered:
                break
        else:
            return False
    return True
