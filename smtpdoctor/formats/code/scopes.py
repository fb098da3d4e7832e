"""Where names are known, and under which conditions a statement is reached."""

from __future__ import annotations

from typing import Final, Literal

from smtpdoctor.formats.code.terms import Term

__all__ = ["Arm", "Entry", "Fork", "Path", "Scope"]

Path = tuple[tuple["Fork", int], ...]
_MOST_PARTS: Final = 16


class Entry:
    """What a name is assigned in one place."""

    __slots__ = ("arm", "scope", "term")

    def __init__(self, term: Term, scope: Scope, arm: Arm | None) -> None:
        self.term = term
        self.scope = scope
        self.arm = arm


class Scope:
    """A file, a class or a function: the names that are assigned in it, in their order."""

    __slots__ = ("_inside", "entries", "kind", "name", "parent")

    def __init__(
        self, kind: Literal["file", "class", "function"] = "file", parent: Scope | None = None, name: str = ""
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.name = name
        self.entries: dict[str, list[Entry]] = {}
        self._inside: dict[str, list[tuple[str, Entry]]] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Keep what a name is assigned."""
        self.entries.setdefault(name, []).append(entry)
        base, _, rest = name.partition(".")
        if rest:
            self._inside.setdefault(base, []).append((rest, entry))

    def inside(self, name: str) -> list[tuple[str, Entry]]:
        """Return what is assigned to parts of a variable."""
        return self._inside.get(name, [])

    def owner(self, name: str) -> Scope | None:
        """Return the scope, from here outwards, that knows a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.entries:
                return scope
            scope = scope.parent
        return None

    def file(self) -> Scope:
        """Return the scope of the file."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def enclosing_class(self) -> Scope | None:
        """Return the class around it."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope

    def find(self, name: str) -> tuple[list[Entry], tuple[str, ...]] | None:
        """Return what the longest known beginning of a dotted name is assigned, and the parts behind it."""
        parts = name.replace("::", ".").split(".")
        if len(parts) > _MOST_PARTS:
            return None
        if parts[0] in {"this", "self"} and len(parts) > 1:
            around = self.enclosing_class()
            if around is not None and (entries := around.entries.get(parts[1])):
                return entries, tuple(parts[2:])
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            scope = self.owner(key)
            if scope is not None:
                return scope.entries[key], tuple(parts[length:])
        return None


class Fork:
    """A statement of several arms, one of which is taken. ``tests`` are their conditions, None where they cannot be read.

    ``whole``: the last arm is taken where no condition holds.
    """

    __slots__ = ("open", "scope", "taken", "tests", "whole")

    def __init__(self, tests: list[Term | None], scope: Scope, *, whole: bool) -> None:
        self.tests = tests
        self.scope = scope
        self.whole = whole
        self.taken: list[bool | None] | None = None
        self.open: frozenset[int] | None = None


class Arm:
    """A way of a fork; within ``parent``, which is another one's."""

    __slots__ = ("fork", "index", "live", "parent", "path")

    def __init__(self, fork: Fork, index: int, parent: Arm | None) -> None:
        self.fork = fork
        self.index = index
        self.parent = parent
        self.live: bool | None = None
        self.path: Path | None = None
