"""What the readers of ``.env`` files hand over: definitions, lines that they do not read, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from smtpdoctor.formats.building import MOST_VALUE
from smtpdoctor.formats.document import ProblemKind

__all__ = [
    "ALIVE",
    "BLANK",
    "ENVIRONMENT",
    "Bad",
    "Entry",
    "Names",
    "RefusedError",
    "Result",
    "Scan",
    "is_name",
    "named",
]

BLANK: Final = " \t"
ALIVE: Final = 5_000_000
"""How many characters are looked at for the expansion of one value that is expanded again and again."""
MOST_EXPANDED: Final = 10_000_000
"""How many characters variables may put into the values of one file."""


_NAMED: Final = re.compile(
    r"(?:export[ \t]++)?+([A-Z_][A-Z0-9_]{0,63}+)[ \t]*+[=:](?![=:]|[ \t]*+(?:[\r\n]|\Z))"
)
_ALONE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def named(text: str, at: int) -> str:
    """Return the name that a line begins with, "" where it may as well be the rest of a secret."""
    found = _NAMED.match(text, at)
    return found[1] if found else ""


def is_name(text: str) -> bool:
    """Return whether a line without a value is a variable's name, not a line of a key or the rest of a password."""
    return _ALONE.fullmatch(text) is not None


class Entry(NamedTuple):
    """A definition, with the characters that its reader took for the value; of it, quotes are part.

    ``expanded``: a ``$`` was taken for a variable that is not there. ``lost``: blanks ended the value.
    ``endless``: it grew beyond what is looked into, and is not known for that.
    """

    name: str
    value: str | None
    start: int
    end: int
    expanded: bool = False
    defaulted: bool = False
    referred: bool = False
    lost: bool = False
    source: str = ""
    endless: bool = False


ENVIRONMENT: Final = "environment"
"""The source of a name that stands alone: there is no text of its value that could be changed."""


class Bad(NamedTuple):
    """A line that the reader passes over, or something in it that cannot be had."""

    offset: int
    detail: str = ""
    kind: ProblemKind = "line"


Scan = Iterator[Entry | Bad]


class RefusedError(Exception):
    """The reader refuses the whole file for this; ``detail`` holds no value."""

    def __init__(self, offset: int, detail: str = "", kind: ProblemKind = "refused") -> None:
        super().__init__(detail)
        self.offset = offset
        self.detail = detail
        self.kind = kind


class Names:
    """The variables that a value may name: those of the process, and those that the file has set so far."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.file: dict[str, str | None] = {}
        self.left = MOST_EXPANDED

    def outer(self, name: str) -> tuple[bool, str | None]:
        """Return whether a name is set, and its value; the environment's counts first."""
        if name in self.environment:
            return True, self.environment[name]
        return name in self.file, self.file.get(name)

    def inner(self, name: str) -> tuple[bool, str | None]:
        """Return the same, but the file's counts first."""
        if name in self.file:
            return True, self.file[name]
        return name in self.environment, self.environment.get(name)


class Result:
    """A value while variables are put into it; one that grows too long is not known."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.parts: list[str] = []
        self.size = 0
        self.unknown = ""
        self.expanded = False
        self.defaulted = False
        self.referred = False
        self.endless = False

    def add(self, text: str) -> None:
        """Add text of the file as it stands."""
        self.parts.append(text)

    def put(self, name: str, found: tuple[bool, str | None]) -> None:
        """Add the value of a variable, nothing where it is not set."""
        there, value = found
        self.referred = True
        if not there:
            self.expanded = True
        elif value is None:
            self.unknown = name
        else:
            self.size += len(value)
            self.names.left -= len(value)
            if self.size > MOST_VALUE or self.names.left < 0:
                self.endless = True
            else:
                self.parts.append(value)

    def lacks(self, source: str) -> None:
        """Note that the value is not known from here."""
        self.unknown = source

    def take(self, other: Result) -> None:
        """Add what another one holds: a default."""
        self.parts += other.parts
        self.unknown = self.unknown or other.unknown
        self.expanded |= other.expanded
        self.referred |= other.referred
        self.endless |= other.endless

    @property
    def value(self) -> str | None:
        """The value, None where part of it is not known."""
        return None if self.unknown or self.endless else "".join(self.parts)

    def entry(self, name: str, start: int, end: int) -> Entry:
        """Return the definition."""
        return Entry(
            name,
            self.value,
            start,
            end,
            self.expanded,
            self.defaulted,
            self.referred,
            source=self.unknown,
            endless=self.endless,
        )
