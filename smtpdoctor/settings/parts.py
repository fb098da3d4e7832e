"""Entries of a list that each send by a server of their own: a scope → one scope for each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import Final

from msgspec.structs import replace

from smtpdoctor.formats.document import Assignment, Scope
from smtpdoctor.knowledge.dialects import DialectNames

__all__ = ["has_entries", "parts_of"]

_MOST: Final = 100  # entries; who has more of them has a program that writes them


def has_entries(scope: Scope, names: DialectNames) -> bool:
    """Whether a name leads to an entry of the list of any application: which one it is, is worth asking then."""
    patterns = [_expression(one) for one in names.each.values()]
    return any(pattern.match(one.name) for one in scope.assignments for pattern in patterns)


def parts_of(scope: Scope, app: str, names: DialectNames) -> Iterator[Scope]:
    """Yield a scope for each entry that has settings of its own, with those that hold for all of them.

    What has the same settings is told once, and a scope whose entries add nothing stays whole. Each has the name that the entry
    gives itself, or that of the entry it is a part of.
    """
    pattern = _expression(names.each[app]) if app in names.each else None
    entries: dict[str, list[Assignment]] = {}
    common: list[Assignment] = []
    for one in scope.assignments:
        found = pattern.match(one.name) if pattern is not None else None
        if found is None:
            common.append(one)
        else:
            entries.setdefault(found[1], []).append(one)
    several: dict[tuple[object, ...], tuple[str, list[Assignment]]] = {}
    for prefix, own in entries.items():
        said = (
            (one.name[len(prefix) :], one.value, one.source) for one in own if app in names.readers(one.name)
        )
        several.setdefault(tuple(sorted(said, key=str)), (prefix, own))
    if len(several) < 2 or len(several) > _MOST:  # noqa: PLR2004 -- one is no list
        yield scope
        return
    taken: set[str] = set()
    for prefix, own in several.values():
        called = _called(prefix, own, common)
        called = next(
            name
            for number in count(1)
            if (name := called if number == 1 else f"{called} ({number})") not in taken
        )
        taken.add(called)
        name = f"{scope.name}/{called}" if scope.name else called
        yield replace(scope, name=name, assignments=(*common, *own), part=True)


@cache
def _expression(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches the beginning of a name that leads to an entry."""
    parts = (
        "".join(r"[^.]*" if sign == "*" else re.escape(sign) for sign in one.removeprefix("*"))
        for one in patterns
    )
    starts = (".*?" if one.startswith("*") else "" for one in patterns)
    whole = "|".join(start + part for start, part in zip(starts, parts, strict=True))
    return re.compile(rf"({whole})(?=[.\[])")


def _called(prefix: str, own: Sequence[Assignment], common: Sequence[Assignment]) -> str:
    """Return the name of an entry: its own, or that of the nearest entry around it that has one."""
    values = {one.name: one.value for one in (*own, *common)}
    around = prefix
    while around:
        for key in ("name", "description", "realm"):
            if named := values.get(f"{around}.{key}"):
                return named
        around = around.rpartition(".")[0]
    return prefix
