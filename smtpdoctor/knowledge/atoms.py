"""What a text must hold for a pattern to match: groups of literals, one of each group.

Looking for literals is many times cheaper than matching patterns, so the compiled index carries
them: a run compiles only patterns whose literals occur, and a log of gigabytes is searched for all
literals at once. Derived from the parse tree of Python's ``re``, whose syntax is a superset of the
RE2 that the patterns keep to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined] # no public parse tree exists
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

from smtpdoctor.knowledge.schema import Patterns

__all__ = ["atoms_of", "parsed", "patterns_of"]

_MAX_ALTERNATIVES: Final = 24
_MAX_GROUPS: Final = 3
_ENOUGH: Final = 8  # a longer literal is hardly rarer
_MAX_RANGE: Final = 3


@cache
def parsed(pattern: str) -> Iterable[tuple[Any, Any]]:
    """Return the parse tree of a pattern; raises re.error.

    Kept, as each pattern is parsed to be judged and once more for its literals.
    """
    tree: Iterable[tuple[Any, Any]] = _parser.parse(pattern, re.IGNORECASE)
    return tree


def atoms_of(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Return groups of lower-case literals: every match holds one of each group.

    The most telling group comes first; none where nothing is certain.
    """
    groups = sorted(set(_required(parsed(pattern))), key=_rank, reverse=True)
    # A single letter stands in every text: that is no more than a wasted look.
    telling = [group for group in groups[:_MAX_GROUPS] if min(map(len, group)) > 1]
    return tuple(tuple(sorted(group)) for group in telling or groups[:1])


def patterns_of(patterns: Iterable[str]) -> Patterns:
    """Return patterns of which any may match, each with its literals."""
    parts = tuple((one, atoms_of(one)) for one in patterns)
    return Patterns("|".join(one for one, _ in parts), parts)


def _rank(alternatives: frozenset[str]) -> tuple[int, int, list[str]]:
    return min(*map(len, alternatives), _ENOUGH), -len(alternatives), sorted(alternatives)


def _required(tree: Iterable[tuple[Any, Any]]) -> list[frozenset[str]]:
    """Return the sets of alternatives of which a sequence must hold one each."""
    found: list[frozenset[str]] = []
    run = [""]

    def end_run() -> None:
        nonlocal run
        if all(run):
            found.append(frozenset(run))
        run = [""]

    for operation, argument in tree:
        if operation is sre.LITERAL:  # most parts by far
            tail = chr(argument).lower()
            run = [head + tail for head in run]
            continue
        choices = _literals([(operation, argument)])
        if choices is not None and len(choices) * len(run) <= _MAX_ALTERNATIVES:
            run = list({head + tail for head in run for tail in choices})
            continue
        end_run()
        found += _inside(operation, argument)
    end_run()
    return found


def _inside(operation: Any, argument: Any) -> list[frozenset[str]]:
    """Return what one part that is no plain literal requires."""
    if operation is sre.SUBPATTERN:
        return _required(argument[3])
    if operation is sre.BRANCH:
        branches = [max(_required(branch), key=_rank, default=None) for branch in argument[1]]
        whole = [branch for branch in branches if branch]
        return [frozenset().union(*whole)] if len(whole) == len(branches) else []
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[0] > 0:
        return _required(argument[2])
    return []


def _literals(tree: Iterable[tuple[Any, Any]]) -> Sequence[str] | None:
    """Return all texts that a sequence can match, or None where they are too many."""
    texts = [""]
    for operation, argument in tree:
        if operation is sre.LITERAL:
            tail = chr(argument).lower()
            texts = [head + tail for head in texts]
            continue
        if operation is sre.AT:
            continue
        choices = _choices(operation, argument)
        if choices is None or len(choices) * len(texts) > _MAX_ALTERNATIVES:
            return None
        texts = list({head + tail for head in texts for tail in choices})
    return texts


def _choices(operation: Any, argument: Any) -> Sequence[str] | None:
    if operation is sre.SUBPATTERN:
        return _literals(argument[3])
    if operation is sre.BRANCH:
        branches = [_literals(branch) for branch in argument[1]]
        known = [text for branch in branches if branch is not None for text in branch]
        return tuple(known) if None not in branches else None
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[:2] == (0, 1):
        inner = _literals(argument[2])
        return None if inner is None else (*inner, "")
    if operation is sre.IN:
        return _characters(argument)
    return None


def _characters(members: Iterable[tuple[Any, Any]]) -> tuple[str, ...] | None:
    found: set[str] = set()
    for operation, argument in members:
        if operation is sre.LITERAL:
            found.add(chr(argument).lower())
        elif operation is sre.RANGE and argument[1] - argument[0] <= _MAX_RANGE:
            found |= {chr(point).lower() for point in range(argument[0], argument[1] + 1)}
        else:
            return None
    return tuple(sorted(found))
