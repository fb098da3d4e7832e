"""Which of many patterns a text may match at all, by the literals that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

from smtpdoctor.knowledge.patterns import literal_set, possible
from smtpdoctor.knowledge.schema import Groups

__all__ = ["Sieve"]

_MANY: Final = 9_000  # characters of texts, after which the automaton has paid for itself
_LEAST: Final = 300  # … as which a text counts, whatever its length


T = TypeVar("T")


class Sieve(Generic[T]):
    """Yields the items that may match a text, by the literals that occur in it, in their order.

    ``atoms`` gives the groups of literals of each pattern of an item; one without patterns may
    always match.

    A few texts are searched literal by literal; for a log all literals are compiled into one
    automaton, which takes 25 ms and then as many microseconds a line as there were hundreds before.
    """

    def __init__(self, items: Sequence[T], atoms: Callable[[T], Sequence[Groups]]) -> None:
        self._items = items
        self._atoms = atoms
        self._asked = 0
        self._automaton: _Automaton | None = None

    def fitting(self, lowered: str) -> Iterator[T]:
        """Yield the items that a text in lower case may match."""
        self._asked += max(len(lowered), _LEAST)
        if self._asked <= _MANY:
            return (item for item in self._items if _may(self._atoms(item), lowered))
        if self._automaton is None:
            self._automaton = _Automaton(list(map(self._atoms, self._items)))
        return (self._items[number] for number in self._automaton.numbers(lowered))


def _may(patterns: Sequence[Groups], lowered: str) -> bool:
    return not patterns or any(possible(groups, lowered) for groups in patterns)


class _Automaton:
    """All literals of the items in one set."""

    def __init__(self, items: Sequence[Sequence[Groups]]) -> None:
        self._set: Any = literal_set()
        self._literals: dict[str, int] = {}
        # Literal of the first group, which is the most telling → item, and the other groups.
        self._by_literal: dict[int, list[tuple[int, list[frozenset[int]]]]] = {}
        self._always: list[int] = []
        for number, patterns in enumerate(items):
            for groups in patterns:
                first, *others = map(self._numbered, groups) if groups else (frozenset[int](),)
                for known in first:
                    self._by_literal.setdefault(known, []).append((number, others))
            if not patterns or not all(patterns):
                self._always.append(number)
        if self._literals:
            self._set.Compile()

    def _numbered(self, group: Iterable[str]) -> frozenset[int]:
        for literal in group:
            if literal not in self._literals:
                self._literals[literal] = self._set.Add(literal)
        return frozenset(self._literals[literal] for literal in group)

    def numbers(self, lowered: str) -> list[int]:
        """Return the numbers of the items of which a pattern has a literal of each group in the text."""
        present = set(self._set.Match(lowered) or ()) if self._literals else set()
        found = set(self._always)
        for literal in present:
            for number, others in self._by_literal.get(literal, ()):
                if number not in found and not any(map(present.isdisjoint, others)):
                    found.add(number)
        return sorted(found)
