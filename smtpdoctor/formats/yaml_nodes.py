"""YAML text → nodes that know where their text stands. Nothing is constructed, no tag is obeyed.

Built on the events of ruamel.yaml rather than on its objects: an event has the exact start and end of a
scalar, costs a fifth, and keeps the text that a type would have changed (``0123``). Templates that stand
in YAML (Helm, Jinja, ERB) are covered before reading, sign for sign, so that places stay what they are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

from smtpdoctor.formats.document import Place, Problem, Region, TooLargeError, line_starts, place_at

__all__ = ["MOST_SIGNS", "Alias", "File", "Item", "Mapping", "Node", "Scalar", "Sequence", "parsed"]

MOST_SIGNS: Final = 4_000_000  # of a file; one with a thousand services has a sixth of it
_MOST_NODES: Final = 150_000  # as they stand, and again when aliases are followed
_MOST_MERGED: Final = 20_000
_MOST_LEVELS: Final = 64
_MOST_DOCUMENTS: Final = 5_000
_SHORT: Final = 20_000  # signs of a text whose events are kept for the next reader
_LEVELS: Final = {
    **dict.fromkeys(("SequenceStartEvent", "MappingStartEvent"), 1),
    **dict.fromkeys(("SequenceEndEvent", "MappingEndEvent"), -1),
}
_MOST_TEMPLATE: Final = 20_000  # signs between the brackets of one
_COVERS: Final = "\ue000\ue001"  # taken by turns, so that two that touch stay two
# What YAML does not allow, named by itself: all that it allows takes twenty times as long to compile, at each start.
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BRACKETS: Final = (("{{", "}}"), ("{%", "%}"), ("<%", "%>"))
_BLOCK: Final = re.compile(r"(:[ \t]+[|>][-+0-9]*)[ \t]*$")
_STANDARD: Final = "tag:yaml.org,2002:"


class Scalar(Struct, frozen=True):
    """A value as text; ``style`` is ``""``, a quotation mark, ``|`` or ``>``.

    ``tag`` is that of its author, ``""`` where there is none.
    """

    value: str
    style: str
    tag: str
    start: int
    end: int


class Sequence(Struct):
    """Items in a row."""

    items: list[Item]
    flow: bool
    tag: str
    start: int
    end: int = -1


class Mapping(Struct):
    """Keys with values, in the order of the text; a key may come twice."""

    entries: list[tuple[Item, Item]]
    flow: bool
    tag: str
    start: int
    end: int = -1


class Alias(Struct, frozen=True):
    """A ``*name`` and the node that it stands for."""

    node: Node
    start: int


Node: TypeAlias = Scalar | Sequence | Mapping
Item: TypeAlias = Scalar | Sequence | Mapping | Alias


class File(Struct):
    """A text with its documents, as far as it could be read."""

    path: str
    text: str
    starts: list[int]
    documents: list[Item]
    problems: list[Problem]
    templates: list[tuple[int, int]]  # from where to where, in order
    controls: list[int]  # where a line has nothing but templates
    followed: int = 0
    merged: int = 0

    def place(self, at: int) -> Place:
        """Return the place of a sign."""
        return place_at(self.path, self.starts, min(at, len(self.text)))

    def region(self, node: Scalar) -> Region:
        """Return the text of a scalar, with its quotation marks or its block's indicator."""
        return Region(self.place(node.start), node.start, node.end)

    def template(self, start: int, end: int) -> str:
        """Return the first template between two places, ``""`` where there is none."""
        at = bisect_right(self.templates, (start, -1))
        if at and self.templates[at - 1][1] > start:
            at -= 1
        if at < len(self.templates) and self.templates[at][0] < end:
            first, last = self.templates[at]
            return self.text[first:last]
        return ""

    def spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the templates between two places."""
        at = bisect_left(self.templates, (start, -1))
        found = []
        while at < len(self.templates) and self.templates[at][0] < end:
            found.append(self.templates[at])
            at += 1
        return found

    def controlled(self, start: int, end: int) -> bool:
        """Whether a line that has nothing but templates stands between two places: an if, an else, a loop."""
        at = bisect_left(self.controls, start)
        return at < len(self.controls) and self.controls[at] < end

    def problem(self, kind: Any, at: int, detail: str = "") -> None:
        """Note what is wrong."""
        self.problems.append(Problem(kind, self.place(at), detail))

    def follow(self, node: Item, level: int) -> Node:
        """Return the node behind an alias, and count; raises TooLargeError."""
        self.followed += 1
        if self.followed > _MOST_NODES:
            raise TooLargeError("values", _MOST_NODES, self.place(node.start))
        if level > _MOST_LEVELS:
            raise TooLargeError("levels", _MOST_LEVELS, self.place(node.start))
        return node.node if isinstance(node, Alias) else node

    def pairs(self, node: Mapping) -> Iterator[tuple[Scalar, Item, tuple[Place, ...]]]:
        """Yield each key with its value, merge keys followed, and the places of the aliases on the way.

        What counts comes last: what is merged before what stands there, and of several that are merged the
        last first.
        """
        yield from self._merged(node, (), 0)

    def _merged(
        self, node: Mapping, via: tuple[Place, ...], level: int
    ) -> Iterator[tuple[Scalar, Item, tuple[Place, ...]]]:
        for key, value in node.entries:
            if isinstance(key, Scalar) and key.value == "<<" and not key.style and not key.tag:
                target = self.follow(value, level)
                self.merged += 1
                if self.merged > _MOST_MERGED:
                    raise TooLargeError("merge keys", _MOST_MERGED, self.place(key.start))
                for part in reversed(target.items) if isinstance(target, Sequence) else [value]:
                    inner = self.follow(part, level)
                    way = (self.place(part.start), *via) if isinstance(part, Alias) else via
                    if isinstance(inner, Mapping):
                        yield from self._merged(inner, way, level + 1)
        for key, value in node.entries:
            name = self.follow(key, level)
            if isinstance(name, Scalar) and (name.value != "<<" or name.style or name.tag):
                yield name, value, via

    def get(self, node: Item | None, *names: str) -> Node | None:
        """Return what stands under these keys, None where there is nothing."""
        for level, name in enumerate(names):
            if node is None:
                return None
            inner = self.follow(node, level)
            if not isinstance(inner, Mapping):
                return None
            node = None
            for key, value, _ in self.pairs(inner):
                if key.value == name:
                    node = value
        return None if node is None else self.follow(node, 0)

    def items(self) -> Iterator[Item]:
        """Yield everything that stands in the file once, what holds others before these; no keys."""
        waiting: list[Item] = list(reversed(self.documents))
        while waiting:
            node = waiting.pop()
            yield node
            if isinstance(node, Sequence):
                waiting += reversed(node.items)
            elif isinstance(node, Mapping):
                waiting += (value for _, value in reversed(node.entries))

    def scalars(self) -> Iterator[Scalar]:
        """Yield every value of the file once, where it stands; no keys."""
        return (node for node in self.items() if isinstance(node, Scalar))

    def string(self, node: Item | None, *names: str) -> str:
        """Return a scalar's text as it stands under these keys, ``""`` where there is none or a template."""
        found = self.get(node, *names)
        if not isinstance(found, Scalar) or self.template(found.start, found.end):
            return ""
        return found.value

    def listed(self, node: Item | None, *names: str) -> list[Node]:
        """Return the items of a list under these keys."""
        found = self.get(node, *names)
        return [self.follow(item, 0) for item in found.items] if isinstance(found, Sequence) else []


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where templates stand; what is not closed is none."""
    found: list[tuple[int, int]] = []
    for opening, closing in _BRACKETS:
        at, close = text.find(opening), 0
        while at >= 0:
            if close < at + 2:
                close = text.find(closing, at + 2)
            if close < 0:
                break
            if close - at > _MOST_TEMPLATE or (opening == "<%" and text.startswith("<%%", at)):
                at = text.find(opening, at + 2)
                continue
            found.append((at, close + 2))
            at = text.find(opening, close + 2)
    found.sort()
    apart: list[tuple[int, int]] = []
    for span in found:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart


def _covered(text: str, spans: list[tuple[int, int]]) -> tuple[str, list[int]]:
    """Return the text with templates covered, and where a line of nothing else begins.

    Such a line becomes empty lines: what is empty may stand anywhere, also in a block. Lines are counted in
    the text itself, so that more of them do no harm.
    """
    parts: list[str] = []
    controls: list[int] = []
    done = turn = 0
    while turn < len(spans):
        start, stop = spans[turn]
        line = text.rfind("\n", 0, start) + 1
        last = turn
        beside = text[line:start]
        while True:
            until = text.find("\n", stop)
            until = len(text) if until < 0 else until
            if last + 1 == len(spans) or spans[last + 1][0] >= until:
                break
            beside += text[stop : spans[last + 1][0]]
            last += 1
            stop = spans[last][1]
        beside += text[stop:until].rstrip("\r")
        if not beside.strip():
            parts += (text[done:line], "\n" * (until - line))
            controls.append(start)
            done = until
        elif found := _BLOCK.search(beside):
            # What a block begins with stands behind its indicator: `key: |- {{ … }}`.
            parts += (text[done : line + found.end(1)], "\n" * (until - line - found.end(1)))
            done = until
        else:
            for number in range(turn, last + 1):
                first, second = spans[number]
                parts += (text[done:first], _COVERS[number % 2] * (second - first))
                done = second
        turn = last + 1
    parts.append(text[done:])
    return "".join(parts), controls


def parsed(path: str, text: str) -> File:
    """Return the documents of a text; what cannot be read from some place on is a problem of the file.

    Raises TooLargeError.
    """
    if len(text) > MOST_SIGNS:
        raise TooLargeError("characters", MOST_SIGNS, Place(path, 1))
    spans = _spans(text)
    covered, controls = _covered(text, spans) if spans else (text, [])
    file = File(path, text, line_starts(text), [], [], spans, controls)
    if found := _UNREADABLE.search(covered):
        file.problem("syntax", found.start(), "control character")
        covered = covered[: found.start()]
    _Composer(file).run(covered)
    return file


class _BrokenOffError(Exception):
    """The scanner gave up, and said where (signs from the start)."""

    def __init__(self, marks: list[int]) -> None:
        super().__init__(marks)
        self.marks = marks


def _marks_of(error: Exception) -> list[int]:
    """Return where an error of the scanner has its marks."""
    if isinstance(error, _BrokenOffError):
        return error.marks
    marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    return [mark.index for mark in marks if mark is not None]


def _events(text: str) -> Iterator[Any]:
    """Return the events of a text; a short one that was read just before is not scanned again."""
    if len(text) > _SHORT:
        yield from _scanned(text)
        return
    events, marks = _kept(text)
    yield from events
    if marks is not None:
        raise _BrokenOffError(marks)


@lru_cache(maxsize=16)
def _kept(text: str) -> tuple[list[Any], list[int] | None]:
    """Return the events of a text, and the marks of the error that they end with.

    Whoever writes a file reads it back, and again for each rule that judges it, and the scanner is slow.
    Events are never changed; nodes are made of them anew for each reader, which notes problems in its own.
    """
    found: list[Any] = []
    levels = 0
    try:
        for event in _scanned(text):
            found.append(event)
            levels += _LEVELS.get(type(event).__name__, 0)
            if levels > _MOST_LEVELS:  # the reader ends here, and what follows might take for ever
                break
    except Exception as error:  # noqa: BLE001 - as in run
        return found, _marks_of(error)
    return found, None


def _scanned(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    return events


class _Composer:
    """Events → nodes, without recursion."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.anchors: dict[str, Node] = {}
        self.open: list[Sequence | Mapping] = []
        self.keys: list[Item | None] = []  # the key that waits for its value, of each open mapping
        self.nodes = 0

    def run(self, text: str) -> None:
        file = self.file
        try:
            for event in _events(text):
                self._event(event)
        except TooLargeError:
            raise
        except Exception as error:  # noqa: BLE001 - its scanner also lets ValueError and such escape
            places = _marks_of(error) or [self._last()]
            # What is never closed is told where it is opened, not at the end of the file.
            at = places[-1] if places[0] >= len(text.rstrip()) else places[0]
            file.problem("syntax", at, "tab" if text[at : at + 1] == "\t" else "")
            self._doubt(at)
        if self.open:
            self._cut()

    def _last(self) -> int:
        return self.open[-1].start if self.open else 0

    def _doubt(self, at: int) -> None:
        """Take back the value right before what cannot be read: it may be the beginning of that."""
        last = self.open[-1] if self.open else None
        if isinstance(last, Mapping) and last.entries and self.keys[-1] is None:
            value = last.entries[-1][1]
            if isinstance(value, Scalar) and not self.file.text[value.end : at].strip():
                last.entries.pop()

    def _cut(self) -> None:
        """End what is open: what was understood so far stays."""
        for node in self.open:
            node.end = len(self.file.text)
        self.open.clear()

    def _event(self, event: Any) -> None:
        # By name: the classes would have to be imported before the first YAML file is there.
        handler: Callable[[Any], None] | None = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event)

    def _on_DocumentStartEvent(self, _: Any) -> None:  # noqa: N802 - the event's name
        self.anchors = {}
        self.keys = []
        if len(self.file.documents) >= _MOST_DOCUMENTS:
            raise TooLargeError("documents", _MOST_DOCUMENTS, self.file.place(_.start_mark.index))

    def _on_ScalarEvent(self, event: Any) -> None:  # noqa: N802
        start, end = event.start_mark.index, event.end_mark.index
        text = self.file.text
        tag = self._tag(event)
        if tag or event.anchor:  # the mark is the tag's; the value stands behind
            start = self._behind_properties(start, end)
        style = event.style or ""
        if style in {"|", ">"}:
            end = start + len(text[start:end].rstrip())  # not the empty lines and comments behind a block
            if "\n" not in text[start:end]:  # a block that is empty
                end = max(end, start + 1)
        if start == end and not style:
            start = end = self._gap(start)
        self._add(Scalar(event.value, style, tag, start, end), event.anchor)

    def _gap(self, at: int) -> int:
        """Return where a value would stand that is not there: the mark is that of whatever comes next."""
        key = self.keys[-1] if self.open else None
        if isinstance(key, Scalar | Alias):
            end = key.end if isinstance(key, Scalar) else key.start
            colon = self.file.text.find(":", end, at)
            if (colon >= 0 and not self.file.text[end:colon].strip(" \t")) or isinstance(key, Alias):
                return colon + 1 if colon >= 0 else at
        return at

    def _behind_properties(self, start: int, end: int) -> int:
        found = re.compile(r"(?:[!&][^\s,\[\]{}]*\s*(?:#[^\n]*\n\s*)?)*").match(self.file.text, start, end)
        return found.end() if found else start

    @staticmethod
    def _tag(event: Any) -> str:
        tag = str(event.tag or "")
        return "!!" + tag[len(_STANDARD) :] if tag.startswith(_STANDARD) else tag

    def _on_SequenceStartEvent(self, event: Any) -> None:  # noqa: N802
        node = Sequence([], bool(event.flow_style), self._tag(event), event.start_mark.index)
        self._opened(node, event.anchor)

    def _on_MappingStartEvent(self, event: Any) -> None:  # noqa: N802
        node = Mapping([], bool(event.flow_style), self._tag(event), event.start_mark.index)
        self._opened(node, event.anchor)

    def _opened(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self.open) >= _MOST_LEVELS:
            raise TooLargeError("levels", _MOST_LEVELS, self.file.place(node.start))
        self._add(node, anchor)
        self.open.append(node)
        self.keys.append(None)

    def _closed(self, event: Any) -> None:
        self.open.pop().end = event.end_mark.index
        self.keys.pop()

    def _on_SequenceEndEvent(self, event: Any) -> None:  # noqa: N802
        self._closed(event)

    def _on_MappingEndEvent(self, event: Any) -> None:  # noqa: N802
        self._closed(event)

    def _on_AliasEvent(self, event: Any) -> None:  # noqa: N802
        at = event.start_mark.index
        node = self.anchors.get(event.anchor)
        if node is None:
            self.file.problem("syntax", at, f"*{event.anchor}")
            self._add(Scalar("", "", "!alias", at, event.end_mark.index), None)
        elif any(one is node for one in self.open):
            self.file.problem("cycle", at, f"*{event.anchor}")
            self._add(Scalar("", "", "!alias", at, event.end_mark.index), None)
        else:
            self._add(Alias(node, at), None)

    def _add(self, node: Item, anchor: str | None) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise TooLargeError("values", _MOST_NODES, self.file.place(node.start))
        if anchor and not isinstance(node, Alias):
            self.anchors[anchor] = node
        if not self.open:
            self.file.documents.append(node)
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node
        else:
            parent.entries.append((self.keys[-1], node))
            self.keys[-1] = None
