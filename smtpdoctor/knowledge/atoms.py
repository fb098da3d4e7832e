"""What a text must hold for a pattern to match: literals, of which one at least is there.

Looking for literals is many times cheaper than matching patterns, so the compiled index carries
them: a run compiles only patterns whose literals occur, and a log of gigabytes is searched for all
literals at once. Derived from the parse tree of Python's ``re``, whose syntax is a superset of the
RE2 that the patterns keep to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as sre  # type: ignore[attr-defined] # no public parse tree exists
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

__all__ = ["atoms_of"]

_MAX_ALTERNATIVES: Final = 24
_ENOUGH: Final = 8  # a longer literal is hardly rarer
_MAX_RANGE: Final = 3


def atoms_of(pattern: str) -> tuple[str, ...]:
    """Return lower-case literals of which every match holds one; empty where nothing is certain."""
    found = _required(_parser.parse(pattern, re.IGNORECASE))
    return tuple(sorted(found or ()))


def _rank(alternatives: frozenset[str]) -> tuple[int, int]:
    return min(*map(len, alternatives), _ENOUGH), -len(alternatives)


def _required(tree: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    """Return the best set of alternatives in a sequence, or None."""
    candidates: list[frozenset[str]] = []
    run: Sequence[str] = ("",)

    def end_run() -> None:
        nonlocal run
        if all(run):
            candidates.append(frozenset(run))
        run = ("",)

    for operation, argument in tree:
        choices = _literals([(operation, argument)])
        if choices is not None and len(choices) * len(run) <= _MAX_ALTERNATIVES:
            run = tuple(sorted({head + tail for head in run for tail in choices}))
            continue
        end_run()
        inner = _inside(operation, argument)
        if inner:
            candidates.append(inner)
    end_run()
    return max(candidates, key=_rank, default=None)


def _inside(operation: Any, argument: Any) -> frozenset[str] | None:
    """Return what one part that is no plain literal requires."""
    if operation is sre.SUBPATTERN:
        return _required(argument[3])
    if operation is sre.BRANCH:
        branches = [_required(branch) for branch in argument[1]]
        whole = [branch for branch in branches if branch]
        return frozenset().union(*whole) if len(whole) == len(branches) else None
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[0] > 0:
        return _required(argument[2])
    return None


def _literals(tree: Iterable[tuple[Any, Any]]) -> tuple[str, ...] | None:
    """Return all texts that a sequence can match, or None where they are too many."""
    texts: tuple[str, ...] = ("",)
    for operation, argument in tree:
        if operation is sre.AT:
            continue
        choices = _choices(operation, argument)
        if choices is None or len(choices) * len(texts) > _MAX_ALTERNATIVES:
            return None
        texts = tuple(sorted({head + tail for head in texts for tail in choices}))
    return texts


def _choices(operation: Any, argument: Any) -> tuple[str, ...] | None:
    if operation is sre.LITERAL:
        return (chr(argument).lower(),)
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
