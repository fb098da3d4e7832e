"""A configuration file that stands within another one, in a block: read by its own syntax, placed in the outer."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from smtpdoctor.formats import reader_of, syntax_of
from smtpdoctor.formats.document import Assignment, Place, Problem, Region, Scope, Source, line_start
from smtpdoctor.formats.yaml_nodes import Scalar
from smtpdoctor.formats.yaml_values import Reader

__all__ = ["embedded", "is_file"]

_FILE_NAME: Final = re.compile(r"(?:.*/)?(?:\.?[\w-]+(?:\.[\w-]+)*\.[A-Za-z]\w*|\.env|\.?msmtprc|\.muttrc)")

_OPEN: Final = re.compile(r".*\.(?:conf|config|cnf|txt|tmpl|tpl|erb)", re.IGNORECASE)  # what tells no syntax


def is_file(name: str) -> bool:
    """Whether a key is the name of a file rather than that of a variable."""
    return _FILE_NAME.fullmatch(name) is not None


def _read_as(path: str, text: str) -> str | None:
    """Return the syntax of a file in a file; a file in that one is not looked for."""
    syntax = syntax_of(path, text)
    if text.lstrip().startswith("{{"):
        return None  # nothing but a template
    if syntax_of(path, "") is None and not _OPEN.fullmatch(path):
        return None  # a script or a page, whatever it looks like
    return "yaml" if syntax in {"compose", "kubernetes", "github-actions", "gitlab-ci"} else syntax


class _Lines:
    """Where a sign of the inner text stands in the outer one."""

    def __init__(self, text: str, node: Scalar) -> None:
        self.exact = node.style == "|"
        self.node = node
        self.inner: list[int] = []
        self.outer: list[int] = []
        if not self.exact:
            return
        lines = text[node.start : node.end].split("\n")
        at = node.start + len(lines[0]) + 1
        first = next((line for line in lines[1:] if line.strip()), "")
        indicator = re.match(r"[|>][-+]?([1-9])?", lines[0])
        indent = len(first) - len(first.lstrip(" "))
        if indicator and indicator[1]:
            self.exact = False  # how deep it stands is not told by its first line
            return
        offset = 0
        for line in lines[1:]:
            self.inner.append(offset)
            # A template may stand further to the left than what is around it.
            cut = min(indent, len(line) - len(line.lstrip(" ")))
            self.outer.append(at + cut)
            offset += len(line[cut:].rstrip("\r")) + 1
            at += len(line) + 1

    def outer_at(self, offset: int) -> int:
        """Return the outer place of an inner one."""
        if not self.exact or not self.inner:
            return self.node.start
        line = max(0, bisect_right(self.inner, offset) - 1)
        return min(self.outer[line] + offset - self.inner[line], self.node.end)


def embedded(reader: Reader, node: Scalar, path: str, name: str, image: str = "") -> Iterator[Scope]:
    """Yield the scopes of a file that a scalar holds, under the name of its holder; nothing for no known syntax.

    ``path`` is what the file is called.
    """
    if reader.file.template(node.start, node.end) and node.style != "|":
        return
    lines = _Lines(reader.file.text, node)
    text = _with_templates(reader, node, lines) if lines.exact else node.value
    syntax = _read_as(path, text) or ""
    read = reader_of(syntax)
    if read is None:
        return
    document = read(Source(path=path, text=text, environment=reader.source.environment))
    for problem in document.problems:
        at = _offset(text, problem.place)
        reader.file.problems.append(
            Problem(problem.kind, reader.file.place(lines.outer_at(at)), problem.detail)
        )
    for scope in document.scopes:
        assignments = tuple(_moved(reader, one, lines, syntax) for one in scope.assignments)
        place = reader.file.place(node.start)
        yield replace(
            scope, assignments=assignments, name=scope.name or name, image=scope.image or image, place=place
        )


def _with_templates(reader: Reader, node: Scalar, lines: _Lines) -> str:
    """Return a block's text with the templates that were covered."""
    if not reader.file.spans(node.start, node.end):
        return node.value
    text = reader.file.text
    parts = []
    for start in lines.outer:
        end = text.find("\n", start, node.end)
        parts.append(text[start : end if end >= 0 else node.end].rstrip("\r"))
    return "\n".join(parts) + "\n"


def _offset(text: str, place: Place) -> int:
    return min(line_start(text, place.line) + place.column - 1, len(text))


def _moved(reader: Reader, one: Assignment, lines: _Lines, syntax: str) -> Assignment:
    if not lines.exact:
        return replace(one, region=reader.file.region(lines.node), style="", effect=())
    start = lines.outer_at(one.region.start)
    end = max(start, lines.outer_at(one.region.end))
    effect = tuple(
        reader.file.place(lines.outer_at(_offset(lines.node.value, place))) for place in one.effect
    )
    style = one.style if syntax == "yaml" else "dotenv" if syntax == "dotenv" else ""
    return replace(one, region=Region(reader.file.place(start), start, end), effect=effect, style=style)
