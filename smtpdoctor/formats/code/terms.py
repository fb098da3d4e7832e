"""What an expression is, whatever language it stands in: the few forms in which settings are written.

``start`` and ``end`` are where it stands. What has none of these forms is ``Opaque``.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from smtpdoctor.formats.document import Kind

__all__ = [
    "SPREAD",
    "Absent",
    "Among",
    "And",
    "Call",
    "Choice",
    "Convert",
    "Env",
    "Equal",
    "Joined",
    "Literally",
    "Members",
    "Not",
    "Opaque",
    "Or",
    "Reference",
    "Term",
    "To",
    "Words",
]

To = Literal[
    "integer", "leading", "string", "truth", "lower", "upper", "strip", "symbol", "presence", "laravel"
]
"""What a value is turned into: ``leading`` takes the digits that a text begins with, ``truth`` is what the language takes for true."""

Absent = Literal["null", "falsy"]
"""When an alternative is taken: where there is nothing, or where there is nothing or what counts as false."""

SPREAD: Final = "..."
"""The key of a member whose own members stand in its place."""


class Literally(Struct, frozen=True):
    """A value as it stands."""

    kind: Kind
    text: str | None
    start: int
    end: int

    def __repr__(self) -> str:  # a value may be a secret
        return f"Literally({self.kind!r}, at={self.start})"


class Joined(Struct, frozen=True):
    """A text made of several. ``adds``: by a sign that adds numbers where there is no text."""

    parts: tuple[Term, ...]
    start: int
    end: int
    adds: bool = False


class Reference(Struct, frozen=True):
    """A variable or a constant, with what is looked up in it joined by points."""

    name: str
    start: int
    end: int


class Members(Struct, frozen=True):
    """What has members: an object, a dictionary, a hash, a list. ``name``: the type that it is of."""

    items: tuple[tuple[str, Term], ...]
    start: int
    end: int
    name: str = ""


class Call(Struct, frozen=True):
    """A call; ``named`` are keyword arguments and what an initialiser sets. ``value`` is what it only wraps."""

    callee: str
    arguments: tuple[Term, ...]
    named: tuple[tuple[str, Term], ...]
    start: int
    end: int
    value: Term | None = None


class Env(Struct, frozen=True):
    """A variable of the environment, and what is taken where it is absent."""

    name: str
    start: int
    end: int
    fallback: Term | None = None


class Or(Struct, frozen=True):
    """The first of two that is there."""

    first: Term
    second: Term
    where: Absent
    start: int
    end: int


class And(Struct, frozen=True):
    """The second of two where the first counts as true, else the first."""

    first: Term
    second: Term
    start: int
    end: int


class Convert(Struct, frozen=True):
    """A value turned into another type."""

    to: To
    of: Term
    start: int
    end: int


class Words(Struct, frozen=True):
    """A boolean by the word that a text is; ``other`` is any other word: None where that is an error."""

    of: Term
    true: frozenset[str]
    false: frozenset[str]
    start: int
    end: int
    other: bool | None = None


class Equal(Struct, frozen=True):
    """Whether two are equal. ``typed``: a number is no text that says it. ``fold``: capitals do not count."""

    left: Term
    right: Term
    start: int
    end: int
    negated: bool = False
    typed: bool = True
    fold: bool = False


class Among(Struct, frozen=True):
    """Whether one is among others."""

    item: Term
    choices: Term
    start: int
    end: int
    negated: bool = False


class Not(Struct, frozen=True):
    """Whether one counts as false."""

    of: Term
    start: int
    end: int


class Choice(Struct, frozen=True):
    """One of two by a condition."""

    test: Term
    then: Term
    otherwise: Term
    start: int
    end: int


class Opaque(Struct, frozen=True):
    """What is not looked into; ``source`` is a name, or says what it is."""

    source: str
    start: int
    end: int


Term: TypeAlias = (
    "Literally | Joined | Reference | Members | Call | Env | Or | And | Convert | Words | Equal | Among | Not"
    " | Choice | Opaque"
)
