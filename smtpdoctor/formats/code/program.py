"""Collects what a file of source code assigns and calls, and tells it as assignments.

Names: a variable, what is looked up in it joined by points; a class's before its own variables; the function
that is called before its arguments: by place (``smtplib.SMTP.0``), by keyword or as members of an object. That
it is called at all is ``smtplib.SMTP()``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from smtpdoctor.formats.building import MOST_DEPTH, Builder
from smtpdoctor.formats.code.scopes import Arm, Entry, Path, Scope
from smtpdoctor.formats.code.terms import SPREAD, Call, Literally, Reference, Term
from smtpdoctor.formats.code.values import Language, Value, Values
from smtpdoctor.formats.document import Assignment, Document, Kind, Place, Source, TooLargeError

__all__ = ["Program"]

# What a function is called that makes a new thing each time, and shares nothing with the last.
_MAKES: Final = re.compile(r"[A-Z]\w*|(?:create|make|new|forRoot|build)\w*|delivery_method")
# A tree takes some hundred times the room of its text, and the more the denser it is.
_MOST_CHARACTERS: Final = 2_000_000
_MOST_SIGNS: Final = 300_000
_SIGNS: Final = "()[]{},;:=.'\"<>+&|?!"
_NAMED: Final = 2  # a name and its value
_SETS_HEADER: Final = re.compile(r"(?:\.|->|::)(?:set|add)_?(?:address_?)?header$", re.IGNORECASE)
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,40}")
_MOST_STATEMENTS: Final = 50_000
_MOST_NAME: Final = 200
_KEY: Final = re.compile(r"[\w.\-]{1,200}")
_MOST_ITEMS: Final = 1000  # of a list or a table: settings have fewer
_MOST_COMPARED: Final = 50  # assignments of one name under conditions


class _Statement(NamedTuple):
    name: str
    term: Term
    scope: Scope
    arm: Arm | None
    owner: Scope | None  # whose name it is; None for what is called
    key: Term | None = None


class _Told(NamedTuple):
    assignment: Assignment
    of: _Statement


class Program:
    """What stands in a file, in its order."""

    def __init__(self, source: Source, syntax: str, language: Language) -> None:
        if len(source.text) > _MOST_CHARACTERS:
            raise TooLargeError("characters", _MOST_CHARACTERS, Place(source.path, 1))
        if len(source.text) > _MOST_SIGNS and sum(map(source.text.count, _SIGNS)) > _MOST_SIGNS:
            raise TooLargeError("signs", _MOST_SIGNS, Place(source.path, 1))
        self.builder = Builder(source, syntax)
        self.values = Values(self.builder, language)
        self.language = language
        self.file = Scope()
        self._statements: list[_Statement] = []
        self._told: list[_Told] = []
        self._open: set[int] = set()  # what is being told

    def assign(
        self, name: str, term: Term, scope: Scope, arm: Arm | None, *, outer: bool = False, told: bool = True
    ) -> None:
        """Keep an assignment. ``outer``: of a name that may be known further out; ``told``: not only known here."""
        if not name or name.endswith("."):
            return  # a place in a list that is counted on, or a name that is made up as it runs
        owner = scope
        if outer:
            owner = scope.owner(name) or scope.owner(name.partition(".")[0]) or scope
        entry = Entry(term, scope, arm)
        owner.add(name, entry)
        if owner.kind == "class" and owner.name:
            owner.file().add(f"{owner.name}.{name}", entry)
        if told:
            self._keep(_Statement(name, term, scope, arm, owner))

    def call(self, call: Call, scope: Scope, arm: Arm | None) -> None:
        """Keep a call."""
        self._keep(_Statement(f"{call.callee}()", call, scope, arm, None))

    def members(self, term: Term, scope: Scope, arm: Arm | None, name: str = "") -> None:
        """Keep an object by its type, or without a name where it is what the file returns or exports."""
        self._keep(_Statement(name, term, scope, arm, None))

    def keyed(self, key: Term, call: Call, scope: Scope, arm: Arm | None) -> None:
        """Keep a call that puts its second argument under a name, which is its first, into a table of settings."""
        self._keep(_Statement("", call, scope, arm, None, key))

    def _keep(self, statement: _Statement) -> None:
        if len(self._statements) >= _MOST_STATEMENTS:
            raise TooLargeError("statements", _MOST_STATEMENTS, self.builder.place(statement.term.start))
        self._statements.append(statement)

    def document(self) -> Document:
        """Return what the file assigns and calls."""
        for one in self._statements:
            if not self.values.live(one.arm):
                continue
            if one.owner is None and isinstance(one.term, Call):
                key = None if one.key is None else self.values.value(one.key, one.scope)
                if key is not None and key.text and _KEY.fullmatch(key.text):
                    self._tell(key.text, one.term.arguments[1], one.scope, one)
                else:
                    self._called(one, one.term)
            else:
                of_class = one.owner is not None and one.owner.kind == "class" and one.owner.name
                self._tell(f"{of_class}.{one.name}" if of_class else one.name, one.term, one.scope, one)
        self.builder.assignments = self._decided()
        return self.builder.document()

    def _called(self, one: _Statement, call: Call) -> None:
        assignment = self.builder.assignment(
            f"{call.callee}()", "()", call.start, call.end, kind="call", style=""
        )
        self._told.append(_Told(assignment, one))
        header = self._header(one, call)
        for number, argument in enumerate(call.arguments):
            if header and number == 1:
                self._tell(header, argument, one.scope, one)
                continue
            shape = self.values.shape(argument, one.scope)
            # An object's members are named as the options that they are; a list's by their place in it.
            name = f"{call.callee}.{number}" if shape is None or shape[0].name == "list" else call.callee
            self._tell(name, argument, one.scope, one)
        for key, argument in call.named:
            self._tell(call.callee if key == SPREAD else f"{call.callee}.{key}", argument, one.scope, one)

    def _header(self, one: _Statement, call: Call) -> str:
        """Return a name for the header that a call sets, ``m.Header.From``: there is one of each, and none is another."""
        if len(call.arguments) < _NAMED or (sets := _SETS_HEADER.search(call.callee)) is None:
            return ""
        header = self.values.value(call.arguments[0], one.scope).text or ""
        return f"{call.callee[: sets.start()]}.Header.{header}" if _HEADER.fullmatch(header) else ""

    def _tell(
        self,
        name: str,
        term: Term,
        scope: Scope,
        of: _Statement,
        unsure: str = "",
        effect: tuple[Place, ...] = (),
        level: int = 0,
    ) -> None:
        if len(name) > _MOST_NAME or level > MOST_DEPTH:
            self.builder.problem("limit", term.start, "levels")
            return
        shape = self.values.shape(term, scope)
        if shape is None:
            if name:
                self._add(name, self.values.told(self.values.value(term, scope)), of, unsure, effect)
            return
        members, there, condition = shape
        if id(members) in self._open:
            return  # it is a part of itself
        self._open.add(id(members))
        unsure = unsure or condition
        if isinstance(term, Reference):
            effect = (*effect, self.builder.place(term.start))
        if not members.items and name:
            nothing = self.values.value(Literally("null", None, members.start, members.end), scope)
            self._add(name, nothing, of, unsure, effect)
        for key, one in members.items[:_MOST_ITEMS]:
            inner = name if key == SPREAD else f"{name}.{key}" if name else key
            self._tell(inner, one, there, of, unsure, effect, level + 1)
        if len(members.items) > _MOST_ITEMS:
            self.builder.problem("limit", members.items[_MOST_ITEMS][1].start, "items")
        self._open.discard(id(members))
        if isinstance(term, Reference):
            self._tell_later(name, term, scope, of, unsure, effect, level)

    def _tell_later(
        self,
        name: str,
        term: Reference,
        scope: Scope,
        of: _Statement,
        unsure: str,
        effect: tuple[Place, ...],
        level: int,
    ) -> None:
        """Tell what is put into an object after it was made, and before it is handed on."""
        owner = scope.owner(term.name)
        if owner is None:
            return
        for key, entry in owner.inside(term.name):
            if entry.term.start < term.start and self.values.live(entry.arm):
                self._tell(
                    f"{name}.{key}" if name else key, entry.term, entry.scope, of, unsure, effect, level + 1
                )

    def _add(self, name: str, value: Value, of: _Statement, unsure: str, effect: tuple[Place, ...]) -> None:
        sure = not unsure
        assignment = self.builder.assignment(
            name,
            value.text if sure else None,
            0,
            0,
            kind=value.kind if sure else "unknown",
            remarks=value.remarks,
            source=value.source if sure else value.source or unsure,
            style=value.style if sure else "",
            effect=(*value.effect, *effect),
            region=value.region,
        )
        self._told.append(_Told(assignment, of))

    # What is said more than once

    def _decided(self) -> list[Assignment]:
        """Return what was told; an unknown value stands behind a name that has one value here and another there."""
        groups: dict[tuple[int, str], list[int]] = {}
        for at, one in enumerate(self._told):
            if one.assignment.kind != "call":
                groups.setdefault((id(one.of.owner), one.assignment.name), []).append(at)
        behind: dict[int, list[Assignment]] = {}
        for group in groups.values():
            if len(group) > 1 and self._differs(group):
                behind.setdefault(group[-1], []).append(_open(self._told[group[-1]].assignment, "unknown"))
        for at, added in self._remade():
            behind.setdefault(at, []).append(added)
        decided: list[Assignment] = []
        for at, one in enumerate(self._told):
            decided.append(one.assignment)
            decided += behind.get(at, ())
        return decided

    def _remade(self) -> Iterator[tuple[int, Assignment]]:
        """Yield what the last of several that are made alike does not say: it has nothing of the others."""
        made: dict[str, dict[int, dict[str, int]]] = {}
        for at, one in enumerate(self._told):
            term = one.of.term
            if (
                isinstance(term, Call)
                and one.of.owner is None
                and one.of.key is None
                and _MAKES.fullmatch(term.callee.rpartition(".")[2])
                and not _SETS_HEADER.search(term.callee)
            ):
                made.setdefault(term.callee, {}).setdefault(id(one.of), {})[one.assignment.name] = at
        for calls in made.values():
            if len(calls) < 2:  # noqa: PLR2004 -- it is made once
                continue
            *others, last = calls.values()
            end = max(last.values())
            path = self.values.path(self._told[end].of.arm)
            missing: dict[str, bool] = {}
            for other in others[-_MOST_COMPARED:]:
                for name, at in other.items():
                    if name not in last:
                        theirs = self.values.path(self._told[at].of.arm)
                        shared = path[: len(theirs)] == theirs or theirs[: len(path)] == path
                        missing[name] = missing.get(name, False) or not shared
            for name, unsure in missing.items():
                last_told = self._told[end].assignment
                yield end, _open(last_told, "unknown" if unsure else "null", name)

    def _differs(self, group: list[int]) -> bool:
        told = [self._told[at] for at in group[-_MOST_COMPARED:]]
        if all(one.of.arm is None for one in told):
            return False
        last = told[-1].assignment
        paths = {self.values.path(told[-1].of.arm)}
        for one in reversed(told[:-1]):
            path = self.values.path(one.of.arm)
            if any(path[: len(other)] == other for other in paths):
                continue  # what stands further down is always reached after it
            if (one.assignment.kind, one.assignment.value) != (last.kind, last.value):
                return True
            paths.add(path)
            self._join(paths)
        return False

    def _join(self, paths: set[Path]) -> None:
        """Where each arm of a fork assigns, the fork as a whole does."""
        joined = True
        while joined:
            joined = False
            for path in [one for one in paths if one]:
                fork = path[-1][0]
                arms = {
                    other[-1][1]
                    for other in paths
                    if other and other[:-1] == path[:-1] and other[-1][0] is fork
                }
                if fork.whole and path[:-1] not in paths and self.values.arms(fork) <= arms:
                    paths.add(path[:-1])
                    joined = True


def _open(last: Assignment, kind: Kind, name: str = "") -> Assignment:
    """Return what is not known about a name, or not there, at the place of the last that was told of it."""
    return Assignment(
        name=name or last.name,
        value=None,
        region=last.region,
        kind=kind,
        effect=last.effect,
        source="if" if kind == "unknown" else "",
    )
