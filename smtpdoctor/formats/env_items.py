"""Entries of a list of environment variables in YAML: `- name: A` with its value below. Pure.

How a new one is written follows from those beside it: the indentation, braces, the quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from smtpdoctor.formats import yaml_nodes
from smtpdoctor.formats.document import Assignment, Region, line_end_of
from smtpdoctor.formats.yaml_scalars import Style, write

__all__ = ["Entry", "Reference", "below", "block", "end_of", "line_behind", "listed", "lists", "referring"]

_NAMES: Final = ("name", "key")
_ALIAS: Final = re.compile(r"\*[^\s,\[\]{}]*")
_DASH: Final = re.compile(r"([ ]*)-([ ]+)")


class Reference(Struct, frozen=True):
    """A key of a Secret that a container takes a value from."""

    secret: str
    key: str


class Entry(Struct, frozen=True):
    """A variable that a list is to have."""

    name: str
    value: str | Reference

    def __repr__(self) -> str:  # a value may be a secret
        return f"Entry({self.name!r})"


def lists(file: yaml_nodes.File) -> Iterator[yaml_nodes.Sequence]:
    """Yield the lists of a file whose entries have names."""
    for node in file.items():
        if isinstance(node, yaml_nodes.Sequence) and any(_named(file, item) for item in node.items):
            yield node


def _named(file: yaml_nodes.File, item: yaml_nodes.Item) -> str:
    """Return the key under which an entry has its name, "" where it is no variable."""
    if not isinstance(item, yaml_nodes.Mapping):
        return ""
    if file.get(item, "value") is None and file.get(item, "valueFrom") is None:
        return ""
    return next((key for key in _NAMES if isinstance(file.get(item, key), yaml_nodes.Scalar)), "")


def below(
    file: yaml_nodes.File, one: Assignment, entry: Entry, *, dollars: bool
) -> Iterator[tuple[int, int, str]]:
    """Yield where an entry goes beside the one that gives a variable its value, and its text."""
    at = {one.region.start} if one.region.place.path == file.path else set()
    lines = {place.line for place in one.effect if place.path == file.path}
    for held in lists(file):
        for item in held.items:
            if not _named(file, item):
                continue
            inside = any(item.start <= start <= end_of(file, item) for start in at)
            if inside or file.place(item.start).line in lines:
                yield listed(file, held, item, [entry], dollars=dollars)


def listed(
    file: yaml_nodes.File,
    held: yaml_nodes.Sequence,
    model: yaml_nodes.Item,
    entries: Sequence[Entry],
    *,
    dollars: bool = True,
) -> tuple[int, int, str]:
    """Return where entries go behind one of a list, and their text. ``dollars``: ``$`` begins a reference."""
    text = file.text
    key = _named(file, model) or "name"
    quote = _quote(file, held, model)
    flow = isinstance(model, yaml_nodes.Mapping) and model.flow
    if held.flow:
        at = end_of(file, model)
        inner = "".join(f", {_in_braces(one, key, quote, dollars=dollars)}" for one in entries)
        return at, at, inner
    head = _DASH.fullmatch(text[text.rfind("\n", 0, model.start) + 1 : model.start])
    indent, gap = (head[1], head[2]) if head else (" " * (file.place(held.start).column - 1), " ")
    lines: list[str] = []
    for one in entries:
        if flow:
            lines.append(f"{indent}-{gap}{_in_braces(one, key, quote, dollars=dollars)}")
            continue
        lines += block(one, indent, gap, key, quote, dollars=dollars)
    return line_behind(text, end_of(file, model), lines)


def block(
    one: Entry, indent: str, gap: str = " ", key: str = "name", quote: str = '"', *, dollars: bool = True
) -> list[str]:
    """Return an entry as lines."""
    inner = f"{indent} {gap}"
    lines = [f"{indent}-{gap}{key}: {one.name}"]
    if isinstance(one.value, Reference):
        return [*lines, *(f"{inner}{line}" for line in _taken(one.value))]
    return [*lines, f"{inner}value: {_text(one.value, quote, dollars=dollars)}"]


def _taken(reference: Reference) -> list[str]:
    """Return the lines that take a value from a Secret, in the place of the one with the value."""
    return [
        "valueFrom:",
        "  secretKeyRef:",
        f"    name: {reference.secret}",
        f"    key: {reference.key}",
    ]


def _taken_in_braces(reference: Reference) -> str:
    return f"valueFrom: {{secretKeyRef: {{name: {reference.secret}, key: {reference.key}}}}}"


def _in_braces(one: Entry, key: str, quote: str, *, dollars: bool) -> str:
    if isinstance(one.value, Reference):
        return f"{{{key}: {one.name}, {_taken_in_braces(one.value)}}}"
    # Within braces a comma or a brace ends a plain text.
    text = _text(one.value, quote, dollars=dollars)
    plain = text[:1] not in {"'", '"'} and set(text) & set(",[]{}")
    text = _text(one.value, '"', dollars=dollars) if plain else text
    return f"{{{key}: {one.name}, value: {text}}}"


def _text(value: str, quote: str, *, dollars: bool) -> str:
    plain = write(value, str(Style("", string=True, dollars=dollars)))
    if plain[:1] not in {"'", '"'} and not quote:
        return plain
    return write(value, str(Style(quote or '"', string=True, dollars=dollars)))


def _quote(file: yaml_nodes.File, held: yaml_nodes.Sequence, model: yaml_nodes.Item) -> str:
    """Return the quotes that all entries of a list have, "" where one has none."""
    styles = [
        value.style
        for item in held.items
        if _named(file, item) and isinstance(value := file.get(item, "value"), yaml_nodes.Scalar)
    ]
    own = file.get(model, "value")
    if isinstance(own, yaml_nodes.Scalar) and own.style in {"'", '"'} and "" not in styles:
        return own.style
    return ""


def end_of(file: yaml_nodes.File, node: yaml_nodes.Item) -> int:
    """Return where the text of a node ends: a block's end is that of its last value."""
    if isinstance(node, yaml_nodes.Alias):
        found = _ALIAS.match(file.text, node.start)
        return found.end() if found else node.start
    if isinstance(node, yaml_nodes.Scalar) or node.flow:
        return node.end
    if isinstance(node, yaml_nodes.Sequence):
        return max((end_of(file, item) for item in node.items), default=node.start)
    return max((end_of(file, value) for _, value in node.entries), default=node.start)


def line_behind(text: str, at: int, lines: Sequence[str]) -> tuple[int, int, str]:
    """Return where lines go behind the line of a place, and their text with its line ends."""
    end = line_end_of(text)
    stop = text.find("\n", at)
    if stop < 0:
        return len(text), len(text), "".join(f"{end}{line}" for line in lines)
    return stop + 1, stop + 1, "".join(f"{line}{end}" for line in lines)


def referring(file: yaml_nodes.File, region: Region, reference: Reference) -> tuple[int, int, str] | None:
    """Return what takes the place of an entry's plain value, so that it comes from a Secret; None where none fits."""
    for held in lists(file):
        for item in held.items:
            if not isinstance(item, yaml_nodes.Mapping):
                continue
            for key, value in item.entries:
                if not isinstance(key, yaml_nodes.Scalar) or key.value != "value":
                    continue
                if not isinstance(value, yaml_nodes.Scalar) or value.start != region.start:
                    continue
                if item.flow:
                    return key.start, value.end, _taken_in_braces(reference)
                indent = " " * (file.place(key.start).column - 1)
                between = f"{line_end_of(file.text)}{indent}"
                return key.start, value.end, between.join(_taken(reference))
    return None
