"""Nodes of a YAML file → assignments: what all readers of YAML files do alike."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.formats import compose_env
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
)
from smtpdoctor.formats.substitution import Variables, erb_filled, jinja_filled
from smtpdoctor.formats.yaml_nodes import Alias, File, Item, Mapping, Node, Scalar, Sequence, parsed
from smtpdoctor.formats.yaml_scalars import Rules, Style, resolved

__all__ = ["ENVIRONMENT_NAME", "Found", "Reader", "as_word", "beside", "document_of", "handed_on", "opened"]

ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COVER_RUN: Final = re.compile("\ue000+|\ue001+")
_ENCRYPTED: Final = re.compile(
    r"ENC\[.*\]|ENC\(.*\)|\{cipher\}.*|\$ANSIBLE_VAULT;.*|%env\(.*\)%|(?:ref\+)?vault:[\w/.-]+#.*|op://.*|awssm:.*",
    re.DOTALL,
)
_SYMFONY: Final = re.compile(r"%env\((?:(?:string|trim|int|bool|not|resolve):)*([A-Za-z_]\w*)\)%")
_IN_CONFIG: Final = re.compile(
    r"(?:^|/)config((?:/packages(?:/\w+)?)?)$"
)  # of Rails and Symfony; .env is above it
_STANDARD_TAGS: Final = frozenset({"", "!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary"})
_MOST_ASSIGNMENTS: Final = 50_000
_MOST_PROBLEMS: Final = 100


class Found(Struct, frozen=True):
    """What a scalar is for a reader."""

    value: str | None
    kind: Kind
    remarks: tuple[Remark, ...] = ()
    source: str = ""
    one: Assignment | None = None


def beside(source: Source, name: str) -> tuple[str, str | None]:
    """Return the path of a file that a file names, and its text, None where it is not there."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), name))
    return path, source.beside(name)


def opened(source: Source) -> File:
    """Return the nodes of a source; raises TooLargeError."""
    return parsed(source.path, source.text)


class Reader:
    """Reads one file by the rules of one reader of YAML, and collects what is wrong with it."""

    def __init__(self, source: Source, file: File, rules: Rules) -> None:
        self.source = source
        self.file = file
        self.rules = rules
        self.texts: dict[str, str] = {file.path: file.text}
        self.count = 0
        self.taken: list[tuple[int, int]] = []  # maps of environment variables, in order: told as such
        self._variables: Variables | None = None

    def variables(self, reader: str) -> Variables:
        """Return what is known of the variables that values name, ``.env`` beside the file among it."""
        if self._variables is None:
            path, text = beside(self.source, ".env")
            if text is None and (layout := _IN_CONFIG.search(posixpath.dirname(self.file.path))):
                path, text = beside(self.source, "../" * (1 + layout[1].count("/")) + ".env")
            known: dict[str, Assignment] = {}
            if text is not None and path != self.file.path:
                self.texts[path] = text
                known = compose_env.definitions(path, text, reader, self.source.environment)
            elif text is None:
                known = dict(self.source.variables)
            self._variables = Variables(self.source.environment, known)
        return self._variables

    def problem(self, kind: ProblemKind, at: int, detail: str = "") -> None:
        """Note what is wrong, once."""
        problem = Problem(kind, self.file.place(at), detail)
        if problem not in self.file.problems[-20:] and len(self.file.problems) < _MOST_PROBLEMS:
            self.file.problems.append(problem)

    # Scalars

    def found(self, node: Scalar, rules: Rules | None = None) -> Found:
        """Return what a scalar is."""
        rules = rules or self.rules
        file = self.file
        if node.tag not in _STANDARD_TAGS:
            named = f" {node.value}" if node.tag in {"!secret", "!env_var", "!include", "!Ref"} else ""
            return Found(None, "unknown", source=node.tag + named)
        spans = file.spans(node.start, node.end)
        if spans:
            return self._filled(node, spans, rules)
        if node.style in {"", "|", ">"} and not node.value.strip() and (template := self._below(node)):
            return Found(None, "unknown", source=jinja_filled(template).source)
        if node.tag == "!!binary":
            return Found(None, "unknown", source="!!binary")
        if _ENCRYPTED.fullmatch(node.value):
            return self._elsewhere(node.value)
        kind, value, changed = resolved(node, rules)
        remarks: list[Remark] = []
        if changed:
            remarks.append(Remark("retyped"))
        if node.style in {"|", ">"} and node.value.endswith("\n") and node.value.count("\n") == 1:
            remarks.append(Remark("trailing-newline"))
        if (
            kind == "null"
            and not node.value
            and re.match(r"[ \t]+#[^\s#!]", file.text[node.end : node.end + 80])
        ):
            remarks.append(Remark("value-cut", "#"))  # a word that begins with # is a comment
        if kind == "unknown":
            return Found(None, "unknown", tuple(remarks), source="date")
        return Found(value, kind, tuple(remarks))

    def _elsewhere(self, text: str) -> Found:
        symfony = _SYMFONY.fullmatch(text)
        if symfony is None:
            return Found(None, "unknown", source=text[:5].rstrip("[({"))
        _, value, one = self.variables("symfony").get(symfony[1])
        if value is None:
            return Found(None, "unknown", source=symfony[1])
        return Found(value, "string", one=one)

    def _below(self, node: Scalar) -> str:
        """Return the template that stands where a value was to stand, on a line of its own."""
        text = self.file.text
        template = self.file.template(node.end, min(len(text), node.end + 2000))
        if not template or not template.startswith("{{"):
            return ""
        at = text.find(template, node.end)
        between = text[node.end : at]
        if between.strip("|>-+0123456789 \t\r\n") or not (node.style or "\n" in between):
            return ""
        if "\n" not in between:
            return template
        line = text.rfind("\n", 0, node.start) + 1
        indent = len(text[line : node.start]) - len(text[line : node.start].lstrip(" "))
        return template if at - (text.rfind("\n", 0, at) + 1) > indent else ""

    def _filled(self, node: Scalar, spans: list[tuple[int, int]], rules: Rules) -> Found:
        text = self.file.text
        expressions = [text[start:end] for start, end in spans]
        runs = _COVER_RUN.findall(node.value)
        if len(runs) != len(spans) or not all(one.startswith("<%") for one in expressions):
            return Found(None, "unknown", source=jinja_filled(expressions[0]).source)
        parts: list[str] = []
        remarks: list[Remark] = []
        one: Assignment | None = None
        done = 0
        variables = self.variables("dotenv-ruby")
        for run, expression in zip(_COVER_RUN.finditer(node.value), expressions, strict=True):
            filled = erb_filled(expression, variables)
            remarks += filled.remarks
            if filled.text is None:
                return Found(None, "unknown", tuple(remarks), filled.source)
            parts += (node.value[done : run.start()], filled.text)
            done = run.end()
            one = filled.one if run[0] == node.value else None
        parts.append(node.value[done:])
        kind, value, changed = resolved(node, rules, "".join(parts))
        if changed:
            remarks.append(Remark("retyped"))
        return Found(value, kind, tuple(remarks), one=one)

    def style(self, node: Scalar, **flags: Any) -> str:
        """Return how a scalar is written; ``""`` where nothing can be written in its place."""
        if node.style not in {"", "'", '"', "|", ">"}:
            return ""
        if not node.value and node.start == node.end:
            before = self.file.text[max(0, node.start - 200) : node.start].rstrip(" \t")
            properties = re.search(r"[!&][^\s,\[\]{}]*$", before)
            if before[-1:] not in {":", "-"} and not properties:
                return ""
            flags["behind"] = True
        if self.rules.placeholders:
            flags["braces"] = True
        return str(Style(node.style if node.style in {"'", '"'} else "", **flags))

    def assignment(
        self,
        name: str,
        node: Scalar,
        via: tuple[Place, ...] = (),
        *,
        rules: Rules | None = None,
        found: Found | None = None,
        style: str | None = None,
    ) -> Assignment:
        """Return what a name is given by a scalar; raises TooLargeError."""
        self.count += 1
        if self.count > _MOST_ASSIGNMENTS:
            raise TooLargeError("assignments", _MOST_ASSIGNMENTS, self.file.place(node.start))
        found = found or self.found(node, rules)
        here = Assignment(
            name=name,
            value=found.value,
            region=self.file.region(node),
            kind=found.kind,
            effect=via,
            remarks=found.remarks,
            source=found.source,
            style=self.style(node) if style is None else style,
        )
        return handed_on(found.one, here) if found.one is not None else here

    # Whole nodes

    def flat(
        self, node: Item, name: str = "", via: tuple[Place, ...] = (), level: int = 0
    ) -> Iterator[Assignment]:
        """Yield everything below a node, by dotted names; items of a list have numbers."""
        inner = self.file.follow(node, level)
        if isinstance(node, Alias):
            via = (self.file.place(node.start), *via)
        if isinstance(inner, Scalar):
            if name:
                yield self.assignment(name, inner, via)
        elif inner.tag not in _STANDARD_TAGS and inner.tag not in {"!!map", "!!seq", "!!omap"}:
            if name:
                yield self.unknown(name, inner, via, inner.tag)
        elif isinstance(inner, Sequence):
            for number, item in enumerate(inner.items):
                yield from self.flat(item, f"{name}.{number}" if name else str(number), via, level + 1)
        else:
            yield from self._flat_map(inner, name, via, level)

    def _flat_map(self, node: Mapping, name: str, via: tuple[Place, ...], level: int) -> Iterator[Assignment]:
        doubtful = self.doubtful(node)
        # A map that stands here takes the place of a merged one whole.
        entries = {key.value: (key, value, way) for key, value, way in self.file.pairs(node)}
        for own, (key, value, way) in entries.items():
            if self.file.template(key.start, key.end):
                continue
            dotted = self.rules.placeholders == "spring" and own.startswith("[") and own.endswith("]")
            last = own[1:-1] if dotted else own  # in brackets a key has dots of its own
            whole = f"{name}.{last}" if name else last
            if own in doubtful:
                yield self.unknown(whole, self.file.follow(value, level), (*way, *via), "{{ }}")
            else:
                yield from self.flat(value, whole, (*way, *via), level + 1)

    def is_taken(self, one: Assignment) -> bool:
        """Whether something stands in a map of environment variables."""
        at = bisect_right(self.taken, (one.region.start, len(self.file.text) + 1)) - 1
        return at >= 0 and self.taken[at][0] <= one.region.start <= self.taken[at][1]

    def unknown(self, name: str, node: Node, via: tuple[Place, ...], source: str) -> Assignment:
        """Return that a name has a value that is not known from here."""
        end = node.end if isinstance(node, Scalar) else node.start
        region = Region(self.file.place(node.start), node.start, max(end, node.start))
        return Assignment(name=name, value=None, region=region, kind="unknown", effect=via, source=source)

    def doubtful(self, node: Mapping, level: int = 0) -> set[str]:
        """Return the keys of which a template decides which one counts; note those that come twice."""
        seen: dict[str, int] = {}
        found: set[str] = set()
        merged: set[str] = set()
        for key, value in node.entries:
            name = key.node if isinstance(key, Alias) else key
            if not isinstance(name, Scalar):
                continue
            if self.file.controls and name.value == "<<" and not name.style:
                target = self.file.follow(value, level)
                for part in target.items if isinstance(target, Sequence) else [target]:
                    inner = self.file.follow(part, level)
                    merged |= self.doubtful(inner, level + 1) if isinstance(inner, Mapping) else set()
            if name.value in seen:
                if self.file.controlled(seen[name.value], name.start):
                    found.add(name.value)
                elif not self.rules.twice:
                    self.problem("refused", name.start, name.value)
            seen[name.value] = name.start
        return found | (merged - seen.keys())


def handed_on(one: Assignment, here: Assignment) -> Assignment:
    """Return an assignment whose text stands in another file and which is handed on by the one here."""
    return replace(
        here,
        region=one.region,
        effect=(*one.effect, here.region.place, *here.effect),
        remarks=tuple(dict.fromkeys((*one.remarks, *here.remarks))),
        style=one.style,
    )


def as_word(one: Assignment) -> Assignment:
    """Return an assignment to an environment variable: there is nothing but text."""
    return replace(one, kind="word") if one.kind in {"string", "number", "boolean"} else one


def document_of(reader: Reader, syntax: str, scopes: list[Scope]) -> Document:
    """Return the document of what was read."""
    problems = sorted(reader.file.problems[:_MOST_PROBLEMS], key=lambda one: one.place)
    return Document(
        path=reader.file.path,
        syntax=syntax,
        texts=reader.texts,
        scopes=tuple(scopes),
        problems=tuple(problems),
    )
