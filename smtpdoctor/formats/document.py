"""A configuration file as what it assigns: text → Document, the same for every syntax.

A syntax is one module with ``read(source) -> Document``. It says what a value is for whoever reads that
file, where its text stands, and what the syntax made of it on the way; what a setting means is no
business of a syntax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

__all__ = [
    "Assignment",
    "Document",
    "Kind",
    "Place",
    "Problem",
    "ProblemKind",
    "Region",
    "Remark",
    "RemarkKind",
    "Scope",
    "Source",
    "TooLargeError",
    "edited",
    "line_end_of",
    "line_start",
    "line_starts",
    "place_at",
]

Kind = Literal["word", "string", "boolean", "number", "null", "call", "unknown"]
"""What a value is: ``word`` where the syntax has no types (``.env``, ini), else the type that it has there.

``call``: a function or method that is called, whose arguments stand beside it. ``unknown``: the value comes
from elsewhere and is not empty: a secret's reference, a command, a function.
"""

RemarkKind = Literal[
    "quotes-kept",  # the quotes became part of the value
    "comment-kept",  # so did what looks like a comment behind it
    "unexpanded",  # ${NAME} stayed as it stands: this reader puts no variables in
    "value-cut",  # what stands behind a # or a quote is lost
    "blanks-kept",  # blanks around the value are part of it
    "blanks-lost",  # blanks inside an unquoted value end it
    "trailing-newline",  # as `echo` leaves it in base64
    "carriage-return",  # the line end of Windows is part of the value
    "expanded",  # a $ was taken for a variable
    "escaped",  # a backslash or a doubled sign was taken for an escape, or was not
    "defaulted",  # the variable is not set: what stands behind :- was taken
    "retyped",  # what was not quoted is a number or a boolean, and is said in another way: 0123, 1e3, True
]
ProblemKind = Literal[
    "syntax",  # it cannot be read from here on
    "line",  # this line is not read
    "refused",  # the reader refuses the whole file for this
    "cycle",  # values that lead back to themselves
    "missing-file",  # a file that it names is not there
    "required",  # ${A:?} without a value: nothing starts
    "unsupported",  # known, and not looked into
    "limit",  # more of it than is looked into
]


class Place(Struct, frozen=True, order=True):
    """A place in a file; line and column count from 1."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Region(Struct, frozen=True):
    """The text that a person changes in order to change a value: from ``start`` to ``end`` of its file."""

    place: Place
    start: int
    end: int


class Remark(Struct, frozen=True):
    """What the syntax did to a value that its author hardly meant; ``sign``: the characters that did it."""

    kind: RemarkKind
    sign: str = ""


class Assignment(Struct, frozen=True, kw_only=True):
    """A name and the value that it has for whoever reads the file.

    ``value`` is None where it is not known from here. ``region`` is where its text stands; ``effect`` are the
    places through which it reaches the application, from there on: the line of a Compose file that
    substitutes a variable of ``.env``. ``source`` names what an unknown value comes from. ``style`` is how it
    is written there, in the words of the ``write`` of its syntax; ``""`` where nothing can be written.
    """

    name: str
    value: str | None
    region: Region
    kind: Kind = "word"
    effect: tuple[Place, ...] = ()
    remarks: tuple[Remark, ...] = ()
    source: str = ""
    style: str = ""

    def __repr__(self) -> str:  # a value may be a secret
        return f"Assignment({self.name!r}, kind={self.kind!r}, at={str(self.region.place)!r})"

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the value stands and where it is handed on."""
        return (self.region.place, *self.effect)


class Problem(Struct, frozen=True):
    """What could not be read, or not as it stands; ``detail`` is a name or a few words, never a value."""

    kind: ProblemKind
    place: Place
    detail: str = ""


class Scope(Struct, frozen=True, kw_only=True):
    """What one program gets of a file: a service, a container, an account; most files have one scope.

    ``name`` is the service's; ``image`` the container image with its tag. ``environment``: the names are
    environment variables, whatever the syntax around them. Of equal names the last counts. ``part``: it is one of
    several entries of a list, with what holds for all of them.
    """

    assignments: tuple[Assignment, ...]
    name: str = ""
    image: str = ""
    environment: bool = False
    place: Place | None = None
    part: bool = False

    def __repr__(self) -> str:
        return f"Scope({self.name!r}, image={self.image!r}, {len(self.assignments)} assignments)"

    def by_name(self) -> dict[str, Assignment]:
        """Return the assignment that counts of each name."""
        return {one.name: one for one in self.assignments}


class Document(Struct, frozen=True, kw_only=True):
    """What a file says. ``texts`` are the files that were read for it, its own first.

    ``variables`` are those of the ``Source``: what the application has in its environment beside this file.
    """

    path: str
    syntax: str
    texts: Mapping[str, str]
    scopes: tuple[Scope, ...]
    problems: tuple[Problem, ...] = ()
    variables: tuple[Assignment, ...] = ()

    def __repr__(self) -> str:
        return f"Document({self.path!r}, {self.syntax!r}, {len(self.scopes)} scopes)"


class Source(Struct, frozen=True, kw_only=True):
    """A file to be read and what may be looked at for it.

    ``beside`` returns the text of a file by its path relative to this one, None where there is none.
    ``reader`` says whose rules hold where a syntax has several (``.env``); ``environment`` is that of the
    process, which Compose and dotenv readers look into. ``variables`` are what the application has in its
    environment from a file beside this one: what is read from them has their place, and this file's as effect.
    """

    path: str
    text: str
    beside: Callable[[str], str | None] = lambda _: None
    reader: str = ""
    environment: Mapping[str, str] = {}
    variables: Mapping[str, Assignment] = {}

    def __repr__(self) -> str:
        return f"Source({self.path!r})"


class TooLargeError(Exception):
    """A file has more of something than is looked into; ``what`` and ``most`` say of what, and how many."""

    def __init__(self, what: str, most: int, place: Place) -> None:
        super().__init__(what)
        self.what = what
        self.most = most
        self.place = place


_LINE_END: Final = "\n"


def line_start(text: str, line: int) -> int:
    """Return where a line begins, counted from 1; the end of the text where there is no such line."""
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def line_end_of(text: str) -> str:
    """Return what ends the lines of a text; of several, what Windows has."""
    return "\r\n" if "\r\n" in text else "\n"


def line_starts(text: str) -> list[int]:
    """Return where each line begins, for ``place_at``."""
    starts = [0]
    at = text.find(_LINE_END)
    while at >= 0:
        starts.append(at + 1)
        at = text.find(_LINE_END, at + 1)
    return starts


def place_at(path: str, starts: list[int], offset: int) -> Place:
    """Return the place of a character, given where the lines begin."""
    from bisect import bisect_right

    line = bisect_right(starts, offset)
    return Place(path, line, offset - starts[line - 1] + 1)


def edited(text: str, changes: Iterable[tuple[Region, str]]) -> str:
    """Return a text in which regions say something else; every other character stays. Regions must not overlap."""
    parts: list[str] = []
    done = 0
    for region, new in sorted(changes, key=lambda one: one[0].start):
        if region.start < done or region.end > len(text):
            raise ValueError(f"two changes of one text at {region.place}")
        parts += (text[done : region.start], new)
        done = region.end
    return "".join((*parts, text[done:]))
