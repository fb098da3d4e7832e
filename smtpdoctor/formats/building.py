"""What every syntax needs while it reads: places, regions, limits, and a document in the end."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.document import (
    Assignment,
    Document,
    Kind,
    Place,
    Problem,
    ProblemKind,
    Region,
    Remark,
    Scope,
    Source,
    TooLargeError,
    line_starts,
    place_at,
)

__all__ = [
    "MOST_ASSIGNMENTS",
    "MOST_CHARACTERS",
    "MOST_DEPTH",
    "MOST_PROBLEMS",
    "MOST_VALUE",
    "Builder",
    "kept",
]

MOST_CHARACTERS: Final = 10_000_000
MOST_ASSIGNMENTS: Final = 100_000
MOST_PROBLEMS: Final = 100
# A value grows where others are put into it, each of which may be made of others.
MOST_VALUE: Final = 100_000
# Brackets, tables, substitutions within each other.
MOST_DEPTH: Final = 100


_KEPT_QUOTE: Final = re.compile(r"""(['"]).*\1(?:[ \t]+[#;].*)?""", re.DOTALL)
_KEPT_COMMENT: Final = re.compile(r"[ \t]([#;])(?=[ \t]|\w)")


def kept(value: str) -> tuple[Remark, ...]:
    """Return what is odd about a value where quotes, comments behind it and blanks are part of it."""
    found: list[Remark] = []
    if len(value) > 1 and (quote := _KEPT_QUOTE.fullmatch(value)):
        found.append(Remark("quotes-kept", quote[1]))
    if comment := _KEPT_COMMENT.search(value):
        found.append(Remark("comment-kept", comment[1]))
    if value.endswith("\r"):
        found.append(Remark("carriage-return", "\r"))
    return tuple(found)


class Builder:
    """Collects what a reader finds in a file, in the file's order; raises TooLargeError for too much of it."""

    def __init__(self, source: Source, syntax: str) -> None:
        self.source = source
        self.syntax = syntax
        self.path = source.path
        self.text = source.text
        if len(self.text) > MOST_CHARACTERS:
            raise TooLargeError("characters", MOST_CHARACTERS, Place(self.path, 1))
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        self._starts = line_starts(self.text)
        self._count = 0

    def place(self, offset: int) -> Place:
        """Return the place of a character."""
        return place_at(self.path, self._starts, offset)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place, both counted from 1."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1

    def region(self, start: int, end: int) -> Region:
        """Return a region of this file."""
        return Region(self.place(start), start, end)

    def assignment(  # noqa: PLR0913 -- one for each field
        self,
        name: str,
        value: str | None,
        start: int,
        end: int,
        *,
        kind: Kind = "word",
        remarks: tuple[Remark, ...] = (),
        source: str = "",
        style: str = "bare",
        effect: tuple[Place, ...] = (),
        region: Region | None = None,
    ) -> Assignment:
        """Return an assignment whose value stands from ``start`` to ``end``; it is counted, not kept.

        ``region`` is where it stands if that is another file.
        """
        self._count += 1
        if self._count > MOST_ASSIGNMENTS:
            raise TooLargeError(
                "assignments", MOST_ASSIGNMENTS, self.place(start) if region is None else region.place
            )
        if value is None and kind not in {"null", "call"}:
            kind = "unknown"
        return Assignment(
            name=name,
            value=value,
            region=self.region(start, end) if region is None else region,
            kind=kind,
            remarks=remarks,
            source=source,
            style=style,
            effect=effect,
        )

    def assign(
        self,
        name: str,
        value: str | None,
        start: int,
        end: int,
        *,
        kind: Kind = "word",
        remarks: tuple[Remark, ...] = (),
        source: str = "",
        style: str = "bare",
    ) -> None:
        """Keep an assignment for the document's one scope."""
        self.assignments.append(
            self.assignment(name, value, start, end, kind=kind, remarks=remarks, source=source, style=style)
        )

    def problem(self, kind: ProblemKind, offset: int, detail: str = "") -> None:
        """Keep a problem, unless there are so many already that nobody reads on."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(kind, self.place(offset), detail))
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append(Problem("limit", self.place(offset), "problems"))

    def document(self, scopes: tuple[Scope, ...] | None = None, *, environment: bool = False) -> Document:
        """Return the document; of one scope with all that was assigned, where no scopes are given."""
        if scopes is None:
            scopes = (Scope(assignments=tuple(self.assignments), environment=environment),)
        return Document(
            path=self.path,
            syntax=self.syntax,
            texts={self.path: self.text},
            scopes=scopes,
            problems=tuple(self.problems),
        )
