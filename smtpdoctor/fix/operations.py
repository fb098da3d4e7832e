"""What a change does: a name gets a value, another name, or goes; and whether it did that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase, translate
from itertools import islice
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.fix.parts import with_part
from smtpdoctor.fix.state import State, Subject
from smtpdoctor.formats import env
from smtpdoctor.formats.document import Assignment, Document, Kind, Source
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.editing import Edit, insertions, removals, renamings, spellings
from smtpdoctor.model import SettingName

__all__ = ["REFERENCE", "Done", "Operation", "applied"]

REFERENCE: Final = re.compile(r"[\"']?\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))[\"']?")
"""A value that another name holds, and nothing else: ``${A}``, ``"$A"``."""

_MOST_TRIED: Final = 24
_MOST_ANCHORS: Final = 6
_MOST_INSERTED: Final = 60


class Operation(Struct, frozen=True):
    """A change of one name: ``set`` where it stands, ``put`` where it does not, ``remove``, ``rename`` to ``value``.

    ``quote``: its line in a `.env` cannot be read as it stands, and ``value`` is what stands there.

    ``kind`` is what the value is to be where the syntax has types.
    """

    what: Literal["set", "put", "remove", "rename", "quote"]
    name: str
    value: str = ""
    setting: SettingName | None = None
    kind: Kind | None = None

    def __repr__(self) -> str:
        return f"Operation({self.what!r}, {self.name!r})"


class Done(Struct, frozen=True):
    """An operation as it was carried out: where, with which edit, and what the files say then."""

    operation: Operation
    edit: Edit
    line: int | None
    state: State

    def __repr__(self) -> str:
        return f"Done({self.operation!r})"


def applied(state: State, service: str, operation: Operation) -> Done | None:
    """Carry out an operation so that it does what it says and nothing else; None where no way of it does."""
    subject = state.subject(service)
    if subject is None:
        return None
    plain = _whole(subject, operation)
    if plain is None:
        return None
    for edit, one in islice(_edits(subject, plain), _MOST_INSERTED if plain.what == "put" else _MOST_TRIED):
        after = state.with_edit(edit)
        if (
            after is not None
            and after.problems() <= state.problems()
            and _did(state, after, plain, one, edit)
        ):
            text = state.text(edit.path) or ""
            line = text.count("\n", 0, edit.start) + 1 if plain.what != "put" else None
            return Done(operation, edit, line, after)
    return None


def _whole(subject: Subject, operation: Operation) -> Operation | None:
    """Return what an operation on a part of a value does to the value as a whole."""
    name, at, part = operation.name.partition("@")
    if not at:
        return operation
    if operation.what not in {"set", "put"}:
        return None
    one = subject.assignment(name)
    how = next(
        (
            each
            for each in subject.dialect.explode
            if any(fnmatchcase(name, pattern) for pattern in each.names)
        ),
        None,
    )
    if one is None or one.value is None or how is None:
        return None
    value = with_part(one.value, how, part, operation.value)
    if value is None:
        return None
    return Operation("set", name, value, operation.setting)


def _edits(subject: Subject, operation: Operation) -> Iterator[tuple[Edit, Assignment | None]]:
    document = _with_texts(subject)
    one = subject.assignment(operation.name)
    match operation.what:
        case "set" if one is not None:
            reader = subject.dialect.reader
            for there in (one, *_behind(document, one)):
                edits = spellings(document, there, operation.value, operation.kind, reader=reader)
                yield from ((edit, one) for edit in edits)
        case "remove" if one is not None:
            yield from ((edit, one) for edit in removals(document, one))
        case "rename" if one is not None:
            for name in _alike(subject, operation.value):
                for edit in renamings(document, one, (name,)):
                    yield edit, one
        case "rename":
            yield from ((edit, None) for edit in _variable_renamings(subject, operation))
        case "quote":
            yield from ((edit, None) for edit in _quotations(document, operation, subject.dialect.reader))
        case "put" if one is None:
            yield from ((edit, None) for edit in _insertions(subject, document, operation))
        case _:
            return


def _insertions(subject: Subject, document: Document, operation: Operation) -> Iterator[Edit]:
    for name in _alike(subject, operation.name):
        if _stands_unread(document, name):
            continue
        for anchor in _anchors(subject, name):
            yield from insertions(document, anchor, name, operation.value, operation.kind)


def _stands_unread(document: Document, name: str) -> bool:
    """Whether a line of a `.env` is about a name that is not read there: the line is to be mended, and none added."""
    line = rf"(?m)^[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*="
    return document.syntax == "dotenv" and re.search(line, document.texts.get(document.path, "")) is not None


def _quotations(document: Document, operation: Operation, reader: str) -> Iterator[Edit]:
    """Yield the ways in which a value of a `.env` stands in quotes; what may stand there is one that is not closed."""
    text = document.texts.get(document.path, "")
    value = re.escape(operation.value)
    for found in re.finditer(
        rf"(?m)^[ \t]*(?:export[ \t]+)?{re.escape(operation.name)}=[ \t]*([\"'`]?{value}[\"'`]?)", text
    ):
        spelled = [f'"{operation.value}"', f"'{operation.value}'"]
        with suppress(UnwritableError):
            spelled.insert(0, env.write(operation.value, reader or env.DEFAULT))
        yield from (Edit(document.path, found.start(1), found.end(1), one) for one in dict.fromkeys(spelled))


def _behind(document: Document, one: Assignment) -> Iterator[Assignment]:
    """Yield what a value of a `.env` is taken from whole, name after name: A=${B}, B=${C}, C=587."""
    if not one.style.startswith("dotenv") and document.syntax != "dotenv":
        return
    text = document.texts.get(one.region.place.path, "")
    for behind in _way(text, one):
        if not REFERENCE.fullmatch(text[behind.region.start : behind.region.end]):
            yield behind if document.syntax == "dotenv" else replace(behind, style=one.style)


def _way(text: str, one: Assignment) -> list[Assignment]:
    """Return the names of a `.env` by way of which a value comes from the last of them."""
    found: list[Assignment] = []
    known: dict[str, Assignment] = {}
    start, end = one.region.start, one.region.end
    while hit := REFERENCE.fullmatch(text[start:end]):
        if not known:
            document = env.read(Source(path=one.region.place.path, text=text))
            known = {name: each for scope in document.scopes for name, each in scope.by_name().items()}
        behind = known.pop(hit[1] or hit[2], None)
        if behind is None:
            break
        found.append(behind)
        start, end = behind.region.start, behind.region.end
    return found


def _variable_renamings(subject: Subject, operation: Operation) -> Iterator[Edit]:
    for document, one in subject.variables():
        if one.name == operation.name:
            yield from renamings(document, one, (operation.value,))


def _with_texts(subject: Subject) -> Document:
    return subject.document


def _alike(subject: Subject, name: str) -> tuple[str, ...]:
    """Return a name in the ways in which the names beside it are written."""
    names = [one.name for one in subject.reading.scope.assignments if subject.reading.scope]
    if "*" in name:
        return tuple(dict.fromkeys(_filled(subject, name, names)))
    found = []
    ours = [one.at.name.partition("@")[0] for one in subject.reading.used.values() if one.at is not None]
    if subject.dialect.binding == "spring" and any(one.isupper() for one in ours):
        found.append(re.sub(r"[.]", "_", name.replace("-", "")).upper())
    if subject.dialect.binding == "nested":
        signs = [sign for sign in ("__", ":", ".") if any(sign in one for one in ours)]
        found += [re.sub(r"__|:|\.", sign, name) for sign in signs]
    if subject.dialect.binding == "lower" and any(one.isupper() for one in ours):
        found.append(name.upper())
    return tuple(dict.fromkeys((*found, name)))


def _filled(subject: Subject, pattern: str, names: list[str]) -> Iterator[str]:
    """Yield a pattern with what the stars of its neighbours stand for."""
    known = [
        *(name for key in subject.dialect.keys.values() for name in key.names),
        *(name for key, flag in subject.dialect.flags.items() for name in flag.names or (key,)),
    ]
    for other in known:
        if other.count("*") != pattern.count("*") or "@" in other:
            continue
        expression = re.compile(translate(other).replace(".*", "(.*)"))
        for name in reversed(names):
            if found := expression.fullmatch(name):
                filled = pattern
                for text in found.groups():
                    filled = filled.replace("*", text, 1)
                yield filled


def _anchors(subject: Subject, name: str) -> list[Assignment]:
    """Return what stands near the place where a new name belongs, the nearest first."""
    ours = {id(one.at) for one in subject.reading.used.values() if one.at is not None}
    there = [
        one for one in subject.reading.scope.assignments if one.region.place.path and "@" not in one.name
    ]
    mail = {one.name for one in there if id(one) in ours}
    mail |= {one.at.name.partition("@")[0] for one in subject.reading.used.values() if one.at is not None}

    def rank(one: Assignment) -> tuple[int, int]:
        common = 0
        for left, right in zip(one.name.lower(), name.lower(), strict=False):
            if left != right:
                break
            common += 1
        return (one.name in mail, common)

    return sorted(there, key=rank, reverse=True)[:_MOST_ANCHORS] if mail else []


def _did(before: State, after: State, operation: Operation, one: Assignment | None, edit: Edit) -> bool:
    """Whether the files say what was meant, and of everything else the same as before."""
    old, new = before.entries(), after.entries()
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    if operation.what == "put":
        names = {name for _, _, name, _ in come}
        return (
            not gone
            and len(names) == 1
            and all(new[key][0] == operation.value for key in come)
            and _unchanged(old, new, set())
        )
    if operation.what == "remove":
        return (
            bool(gone)
            and not come
            and {key[2] for key in gone} == {operation.name}
            and _unchanged(old, new, set())
        )
    if operation.what == "quote":  # what stands below it is read, too
        given = {new[key][0] for key in new if key[2] == operation.name}
        return (
            not gone
            and operation.value in given
            and _unchanged(old, new, {key for key in old if key[2] == operation.name})
        )
    if operation.what == "rename" and one is None:
        return not gone and not come and _put_in(before, old, new, operation.value)
    if operation.what == "rename":
        return (
            bool(gone)
            and {key[2] for key in gone} == {operation.name}
            and len({key[2] for key in come}) == 1
            and {old[key][0] for key in gone} == {new[key][0] for key in come}
            and _unchanged(old, new, set())
        )
    assert one is not None  # noqa: S101 -- what is set stands there
    touched: set[tuple[str, int, str, int]] = set()
    hit = False
    for key, each, document in before.standing():
        if each.region == one.region:
            hit = True
            touched.add(key)
            if new.get(key, (None, ""))[0] != operation.value:
                return False
            # A `.env` has texts alone: what becomes a number or a switch of it does so further on.
            kind = (operation.kind or one.kind) if each.effect == one.effect else each.kind
            if kind in {"boolean", "number"} and one.kind != "word" and new[key][1] != kind:
                return False
        elif _holds(each, edit) or _leans(each, document, one.name):
            touched.add(key)
    if not _holds(one, edit):  # of what else is made of that value nothing may change
        way = {(each.region.start, each.name) for each in _way(before.text(edit.path) or "", one)}
        touched |= {
            key
            for key, each, _ in before.standing()
            if each.region.place.path == edit.path and (each.region.start, each.name) in way
        }
    return hit and not gone and not come and _unchanged(old, new, touched)


def _put_in(
    before: State,
    old: dict[tuple[str, int, str, int], tuple[str | None, str]],
    new: dict[tuple[str, int, str, int], tuple[str | None, str]],
    variable: str,
) -> bool:
    """Whether values changed that are made of a variable, and no others."""
    made = {key for key, each, document in before.standing() if _leans(each, document, variable)}
    return any(new[key] != old[key] for key in made) and _unchanged(old, new, made)


def _holds(one: Assignment, edit: Edit) -> bool:
    """Whether an edit is made in the text of a value."""
    region = one.region
    return region.place.path == edit.path and region.start <= edit.start <= edit.end <= region.end


def _leans(one: Assignment, document: Document, name: str) -> bool:
    """Whether a value is made of another one."""
    text = document.texts.get(one.region.place.path, "")[one.region.start : one.region.end]
    return name in text or name == one.source


def _unchanged(
    old: dict[tuple[str, int, str, int], tuple[str | None, str]],
    new: dict[tuple[str, int, str, int], tuple[str | None, str]],
    touched: set[tuple[str, int, str, int]],
) -> bool:
    return all(new[key] == value for key, value in old.items() if key in new and key not in touched)
