"""Which of many patterns a text may match at all, by the literals that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import re2

from smtpdoctor.knowledge.patterns import possible

__all__ = ["Sieve"]

_MANY: Final = 60  # texts, after which the automaton has paid for itself
_MEMORY: Final = 64 << 20  # bytes


class _HasAtoms(Protocol):
    @property
    def atoms(self) -> tuple[tuple[str, ...], ...]: ...


T = TypeVar("T", bound=_HasAtoms)


class Sieve(Generic[T]):
    """Yields the items whose literals occur in a text, in their order.

    A few texts are searched literal by literal; for a log all literals are compiled into one
    automaton, which takes 25 ms and then as many microseconds a line as there were hundreds before.
    """

    def __init__(self, items: Sequence[T]) -> None:
        self._items = items
        self._asked = 0
        self._automaton: _Automaton | None = None

    def fitting(self, lowered: str) -> Iterator[T]:
        """Yield the items that a text in lower case may match."""
        self._asked += 1
        if self._asked <= _MANY:
            return (item for item in self._items if possible(item.atoms, lowered))
        if self._automaton is None:
            self._automaton = _Automaton([item.atoms for item in self._items])
        return (self._items[number] for number in self._automaton.numbers(lowered))


class _Automaton:
    """All literals of the items in one set."""

    def __init__(self, atoms: Sequence[tuple[tuple[str, ...], ...]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        self._set: Any = re2.Set.SearchSet(options)
        literals: dict[str, int] = {}
        self._groups: list[list[frozenset[int]]] = []
        self._by_literal: dict[int, list[int]] = {}
        self._always: list[int] = []
        for number, groups in enumerate(atoms):
            numbered: list[frozenset[int]] = []
            for group in groups:
                for literal in group:
                    if literal not in literals:
                        literals[literal] = self._set.Add(re2.escape(literal))
                numbered.append(frozenset(literals[literal] for literal in group))
            self._groups.append(numbered[1:])
            if not numbered:
                self._always.append(number)
                continue
            # The first group is the most telling one: few items are looked at in vain.
            for known in numbered[0]:
                self._by_literal.setdefault(known, []).append(number)
        if literals:
            self._set.Compile()
        else:
            self._set = None

    def numbers(self, lowered: str) -> list[int]:
        """Return the numbers of the items of which every group has a literal in the text."""
        present = set(self._set.Match(lowered) or ()) if self._set is not None else set()
        found = set(self._always)
        for literal in present:
            for number in self._by_literal.get(literal, ()):
                if number not in found and not any(map(present.isdisjoint, self._groups[number])):
                    found.add(number)
        return sorted(found)
