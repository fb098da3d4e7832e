"""Where a setting goes that a file does not have yet: beside its like, or at the end. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from smtpdoctor.formats.document import Assignment, Scope, line_end_of
from smtpdoctor.generate.kinds import FileKind, Line, laid_out, nested, nested_json
from smtpdoctor.knowledge.dialects import Form

__all__ = ["inserted"]

_END: Final = re.compile(r"^[ \t]*(?:require(?:_once)?\b[^\n]*wp-settings|\?>)", re.MULTILINE)
_KEY: Final = re.compile(
    r"(?P<indent>[ ]*)(?P<key>[^\s#:'\"\[\]{},&*!|>-][^:#]*|\"[^\"]*\"|'[^']*')[ ]*:(?:[ ].*)?"
)

Additions = list[tuple[int, str]]
"""Offsets, and the text that goes there."""


def inserted(
    kind: FileKind,
    form: Form,
    text: str,
    scope: Scope,
    owned: Sequence[Assignment],
    lines: Sequence[Line],
    heading: Sequence[str],
) -> Additions | None:
    """Return where lines go in a text, None where no place for them can be told.

    ``owned`` are the settings of the application that stand in it.
    """
    end = line_end_of(text)
    if kind.name == "yaml":
        return _of_yaml(kind, form, text, owned, lines, heading, end)
    if kind.name == "json":
        return _of_json(text, scope, lines, end)
    if kind.name in {"ini", "toml"}:
        return _of_sections(kind, form, text, scope, lines, heading, end)
    return _of_lines(kind, form, text, owned, lines, heading, end)


def _written(kind: FileKind, form: Form, lines: Sequence[Line], heading: Sequence[str]) -> list[str]:
    whole = laid_out(kind, form, lines, heading).rstrip("\n").split("\n")
    return whole[1:] if kind.name == "php" else whole


def _after(text: str, offset: int) -> int:
    """Return where the line behind an offset begins."""
    at = text.find("\n", offset)
    return len(text) if at < 0 else at + 1


def _block(text: str, at: int, lines: Sequence[str], end: str) -> str:
    """Return lines as they stand from an offset on, with an end of line in front where one is missing."""
    ahead = end if at and not text[:at].endswith("\n") else ""
    return ahead + "".join(f"{line}{end}" for line in lines)


def _at_end(
    kind: FileKind, form: Form, text: str, lines: Sequence[Line], heading: Sequence[str], end: str
) -> Additions:
    at = len(text)
    if kind.name == "php" and (found := _END.search(text)):
        at = found.start()
    whole = _written(kind, form, lines, heading)
    if text[:at].strip():
        whole.insert(0, "")
    return [(at, _block(text, at, whole, end))]


def _of_lines(
    kind: FileKind,
    form: Form,
    text: str,
    owned: Sequence[Assignment],
    lines: Sequence[Line],
    heading: Sequence[str],
    end: str,
) -> Additions:
    if not owned:
        return _at_end(kind, form, text, lines, heading, end)
    last = max(owned, key=lambda one: one.region.end)
    start = text.rfind("\n", 0, last.region.start) + 1
    indent = re.match(r"[ \t]*", text[start:])
    ahead = indent[0] if indent else ""
    at = _after(text, last.region.end)
    whole = [line for line in _written(kind, form, lines, ()) if line and line != "account default"]
    return [(at, _block(text, at, [ahead + line for line in whole], end))]


def _of_sections(
    kind: FileKind,
    form: Form,
    text: str,
    scope: Scope,
    lines: Sequence[Line],
    heading: Sequence[str],
    end: str,
) -> Additions:
    found: Additions = []
    left: list[Line] = []
    for one in lines:
        section = _section(kind, one.name)
        like = [other for other in scope.assignments if _section(kind, other.name) == section]
        if not like:
            left.append(one)
            continue
        at = _after(text, max(other.region.end for other in like))
        key = one.name[len(section) + 1 :]
        found.append((at, _block(text, at, [f"{key} = {one.text}".rstrip(" ")], end)))
    if left:
        found += _at_end(kind, form, text, left, heading, end)
    return _together(found)


def _together(found: Additions) -> Additions:
    """Return additions at one place as one."""
    merged: dict[int, str] = {}
    for at, new in found:
        merged[at] = merged[at] + new.lstrip("\r\n") if at in merged else new
    return list(merged.items())


def _section(kind: FileKind, name: str) -> str:
    return name.partition(".")[0] if kind.name == "ini" else name.rpartition(".")[0]


# YAML: by the indentation of keys. What that cannot tell (braces, anchors) is found when the result is read.


def _keys(text: str) -> list[tuple[tuple[str, ...], int, int]]:
    """Return the keys of block mappings: their path, their indentation, and where their lines begin."""
    found: list[tuple[tuple[str, ...], int, int]] = []
    open_: list[tuple[int, str]] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        match = _KEY.fullmatch(bare)
        if match:
            indent = len(match["indent"])
            while open_ and open_[-1][0] >= indent:
                open_.pop()
            open_.append((indent, match["key"].strip().strip("'\"")))
            found.append((tuple(key for _, key in open_), indent, offset))
        offset += len(line)
    return found


def _end_of(text: str, start: int, indent: int) -> int:
    """Return where the block of a key ends whose line begins at an offset."""
    at = end = _after(text, start)
    while at < len(text):
        after = _after(text, at)
        line = text[at:after]
        if line.strip() and not line.lstrip().startswith("#"):
            if len(line) - len(line.lstrip(" ")) <= indent:
                break
            end = after
        at = after
    return end


def _of_yaml(
    kind: FileKind,
    form: Form,
    text: str,
    owned: Sequence[Assignment],
    lines: Sequence[Line],
    heading: Sequence[str],
    end: str,
) -> Additions:
    keys = _keys(text)
    found: dict[tuple[int, int], list[Line]] = {}
    left: list[Line] = []
    for one in lines:
        path = tuple(one.name.split("."))
        if form.flat:
            path = (one.name,)
        place = next(
            (
                (size, indent, start)
                for size in range(len(path) - 1, 0, -1)
                for known, indent, start in keys
                if known == path[:size]
            ),
            None,
        )
        if place is None:
            left.append(one)
            continue
        size, indent, start = place
        inner = next(
            (
                deep
                for known, deep, at in keys
                if at > start and len(known) == size + 1 and known[:size] == path[:size]
            ),
            indent + 2,
        )
        rest = Line(".".join(path[size:]), one.text, one.about)
        found.setdefault((_end_of(text, start, indent), inner), []).append(rest)
    additions = [
        (at, _block(text, at, list(nested(several, " " * inner)), end))
        for (at, inner), several in sorted(found.items(), key=lambda one: -one[0][1])  # the deepest first
    ]
    if left and form.flat and owned:
        additions += _of_lines(kind, form, text, owned, left, heading, end)
    elif left:
        additions += _at_end(kind, form, text, left, heading, end)
    return _together(additions)


def _of_json(text: str, scope: Scope, lines: Sequence[Line], end: str) -> Additions | None:
    children: dict[str, list[Assignment]] = {}
    for other in scope.assignments:
        children.setdefault(other.name.rpartition(".")[0], []).append(other)
    found: dict[str, list[Line]] = {}
    for one in lines:
        path = one.name.split(".")
        before = next(
            (
                ".".join(path[:size])
                for size in range(len(path) - 1, 0, -1)
                if ".".join(path[:size]) in children
            ),
            "",
        )
        rest = one.name[len(before) + 1 :] if before else one.name
        found.setdefault(before, []).append(Line(rest, one.text))
    additions: Additions = []
    for before, several in found.items():
        if before in children:
            last = max(children[before], key=lambda other: other.region.end)
            start = text.rfind("\n", 0, last.region.start) + 1
            indent = re.match(r"[ \t]*", text[start:])
            alone = text[start : last.region.start].strip().count(":") == 1
            ahead = indent[0] if indent and alone else ""
            members = end.join(nested_json(several, ahead))
            additions.append((last.region.end, f",{end}{members}" if alone else f", {members.strip()}"))
            continue
        opening = text.find("{")
        if opening < 0:
            return None
        members = end.join(nested_json(several, "  "))
        behind = "," if scope.assignments else ""
        additions.append((opening + 1, f"{end}{members}{behind}"))
    return additions
