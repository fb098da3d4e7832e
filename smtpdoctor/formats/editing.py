"""How a file is changed in one place: the ways in which a value, a line or a name may come to stand there.

What is yielded here are attempts, the plainest first. Whoever takes one reads the file again and looks
whether it says what was meant, and nothing else has changed: a syntax that is read can be written so,
without a second set of rules for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Document, Kind, line_start
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.writing import written

__all__ = ["Edit", "changed", "insertions", "removals", "renamings", "spellings"]

_QUOTES: Final = ("'", '"')
# A value that is taken from elsewhere, with what holds where there is none: ${NAME:-587}, ${name:587}.
_DEFAULTED: Final = re.compile(r"(\$\{[^{}:]+(?::?-|:))([^{}]*)(\})")
_ELSEWHERE: Final = re.compile(r"\$\{|\$[A-Za-z_]|\{\{|<%|#\{|%\(|\$__")
_CLOSING: Final = re.compile(r"[\s]*[,;)\]}]*[,;]?")
_YAML: Final = frozenset({"compose", "kubernetes", "yaml"})
_OTHER: Final = re.compile(r"(?i:true|false|yes|no|on|off|null|~)|[\d.+-][\d_.e+-]*")  # no text in YAML 1.1
_HEAD: Final = 4_000  # characters of a line; a longer one is no line of settings
# Where entries of a list have a comma between them, and perhaps none behind the last.
_LISTS: Final = frozenset({"json", "javascript", "ruby", "php", "python", "go", "csharp", "java"})

# Where environment variables stand in lists, each as an entry with a name and a value.
_LISTED: Final = frozenset({"kubernetes", "yaml"})


class Edit(Struct, frozen=True):
    """Other characters in the place of some: those from ``start`` to ``end`` of a file."""

    path: str
    start: int
    end: int
    text: str

    def __repr__(self) -> str:  # what is written may be a secret
        return f"Edit({self.path!r}, {self.start}, {self.end})"


def changed(text: str, edit: Edit) -> str:
    """Return a text after an edit."""
    return text[: edit.start] + edit.text + text[edit.end :]


def spellings(
    document: Document, one: Assignment, value: str, kind: Kind | None = None, *, reader: str = ""
) -> Iterator[Edit]:
    """Yield the ways in which another value may stand in the place of one.

    ``kind`` is what it is to be where the syntax has types; None: what it is now, or a text. ``reader``
    is whose rules hold for a `.env`. Where the value is taken from elsewhere, only what holds without it is
    changed: a literal never takes the place of a name.
    """
    path, start, end = one.region.place.path, one.region.start, one.region.end
    text = document.texts.get(path)
    if text is None:
        return
    old = text[start:end]
    seen: set[str] = set()
    for new in _spelled(document, one, value, kind or one.kind, old, reader):
        if new not in seen and new != old:
            seen.add(new)
            yield Edit(path, start, end, new)


def _spelled(
    document: Document, one: Assignment, value: str, kind: Kind, old: str, reader: str
) -> Iterator[str]:
    defaults = list(_DEFAULTED.finditer(old))
    if len(defaults) == 1 and _ELSEWHERE.search(old.replace(defaults[0][0], "")) is None:
        found = defaults[0]
        yield old[: found.start(2)] + value + old[found.end(2) :]
        if one.value is not None and not any(remark.kind == "expanded" for remark in one.remarks):
            return
    elsewhere = _ELSEWHERE.search(old)
    meant = {"expanded", "value-cut", "unexpanded", "escaped"} & {remark.kind for remark in one.remarks}
    if elsewhere and not meant and one.value != old.strip("\"'"):
        return
    if one.style.startswith("yaml plain") and _is_alike(value, old):
        yield value
    yield from _of_syntax(document, one, value, kind, old, reader)
    yield from _anyhow(value, kind, old)


def _is_alike(value: str, old: str) -> bool:
    """Whether a value needs no other quotes than the old one: it has no sign that was not there."""
    plain = all(sign.isalnum() or sign in old for sign in value)
    return plain and len(value) > 1 and "://" in value and old[:1].isalpha() and value[:1].isalpha()


def _of_syntax(
    document: Document, one: Assignment, value: str, kind: Kind, old: str, reader: str
) -> Iterator[str]:
    """Yield what the writer of the file's own syntax makes of a value, where there is one."""
    from smtpdoctor.formats.code.writing import LANGUAGES
    from smtpdoctor.formats.code.writing import write as write_code

    syntax = one.style.partition(" ")[0]
    try:
        if syntax == "yaml":
            if kind in {"boolean", "number"}:
                words = one.style.split(" ")
                yield written(value, " ".join([words[0], "plain", *words[2:]]), old)
            yield written(value, one.style, old)
        elif syntax in LANGUAGES:
            yield write_code(value, kind, syntax, old)
            yield write_code(value, "string", syntax, old)
        elif syntax == "dotenv" or document.syntax == "dotenv":
            if old[:1] in _QUOTES and old[-1:] == old[:1] and len(old) > 1 and old[:1] not in value:
                yield f"{old[0]}{value}{old[0]}"
            style = one.style if syntax == "dotenv" else "dotenv"
            yield written(value, style, old, reader=reader)
    except (UnwritableError, ValueError):
        return


def _anyhow(value: str, kind: Kind, old: str) -> Iterator[str]:
    """Yield the ways in which most syntaxes write a value, that of the old one first."""
    if kind in {"boolean", "number"}:
        yield value
        if kind == "boolean":
            yield value.capitalize()
    quote = old[:1] if len(old) > 1 and old[:1] in _QUOTES and old[-1:] == old[:1] else ""
    escaped = value.replace("\\", "\\\\")
    if quote:
        yield f"{quote}{value}{quote}"
        yield quote + escaped.replace(quote, f"\\{quote}") + quote
    yield value
    for other in _QUOTES:
        yield f"{other}{value}{other}"
    yield json.dumps(value, ensure_ascii=False)
    yield escaped
    yield f'"""{value}"""'


def insertions(
    document: Document, anchor: Assignment, name: str, value: str, kind: Kind | None = None
) -> Iterator[Edit]:
    """Yield lines with a new name below, or above, the line in which another one stands, made after its model."""
    if document.syntax in _LISTED:
        yield from _entries(document, anchor, name, value)
    for path, start, line_end, head, tail in _lines_of(document, anchor):
        found = _own_part(anchor.name, head)
        if found is None:
            continue
        at, part = found
        kept = anchor.name[: len(anchor.name) - len(part)]
        new = _below(kept, name)
        if new is None:
            continue
        text = document.texts[path]
        newline = "\r\n" if text[line_end : line_end + 2] == "\r\n" or "\r\n" in text[:start] else "\n"
        closing = (_CLOSING.match(tail) or [""])[0].rstrip()
        if name.endswith("()"):  # a call that stands by itself
            line = head[:at] + new + closing
            yield Edit(path, start, start, line + newline)
            yield Edit(path, line_end, line_end, newline + line)
            continue
        before = head[:at] + new + head[at + len(part) :]
        # A variable of the environment is a text: Compose before version 2, and Kubernetes, refuse `NAME: true`.
        is_text = anchor.kind == "word" and document.syntax in _YAML and before.rstrip().endswith(":")
        for spelled in _for_new(value, kind, anchor, text, is_text=is_text):
            for close in dict.fromkeys((closing, *((f"{closing},",) if document.syntax in _LISTS else ()))):
                line = before + spelled + close
                if close == closing:
                    yield Edit(path, line_end, line_end, newline + line)
                yield Edit(path, start, start, line + newline)


def _entries(document: Document, anchor: Assignment, name: str, value: str) -> Iterator[Edit]:
    """Yield an entry of a list beside the one that gives a container a variable."""
    from smtpdoctor.formats import env_items
    from smtpdoctor.formats.yaml_nodes import parsed

    paths = dict.fromkeys((anchor.region.place.path, *(place.path for place in anchor.effect)))
    for path in paths:
        text = document.texts.get(path)
        if text is None or path != document.path:
            continue
        entry, dollars = env_items.Entry(name, value), document.syntax == "kubernetes"
        for start, end, new in env_items.below(parsed(path, text), anchor, entry, dollars=dollars):
            yield Edit(path, start, end, new)


def _for_new(
    value: str, kind: Kind | None, anchor: Assignment, text: str, *, is_text: bool = False
) -> Iterator[str]:
    """Yield how a value is written in a line of its own: bare, or in the quotes that the model has.

    ``is_text``: what would be read as something else without quotes has them.
    """
    old = text[anchor.region.start : anchor.region.end]
    if is_text and _OTHER.fullmatch(value):
        yield f"'{value}'" if old[:1] == "'" else f'"{value}"'
    bare = kind in {"boolean", "number"} or re.fullmatch(r"[\w.:/@+-]*", value) is not None
    if bare:
        yield value
    if kind == "boolean" or value in {"true", "false"}:
        yield value.capitalize()
    quotes = dict.fromkeys((old[:1] if old[:1] in _QUOTES else "", *_QUOTES))
    yield from (f"{quote}{value}{quote}" for quote in quotes if quote and quote not in value)
    if re.fullmatch(r"[A-Za-z_]\w*", value):
        yield f":{value}"


def _lines_of(document: Document, one: Assignment) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield the lines in which a name is given its value: path, start and end, what stands before and behind it.

    Where the value stands in another file, the line that hands it on comes first.
    """
    places = list(one.effect)
    for place in places:
        text = document.texts.get(place.path)
        if text is None:
            continue
        start = line_start(text, place.line)
        end = _line_end(text, start)
        line = text[start:end]
        found = re.match(r"(\s*+(?:-\s++)?[\"']?[\w.\[\]'\"-]+?[\"']?\s*+(?:=>|[:=])\s*+)(\S.*)?$", line)
        if found is not None and len(line) <= _HEAD:
            yield place.path, start, end, found[1], ""
    path = one.region.place.path
    text = document.texts.get(path)
    if text is None or not path:
        return
    start = text.rfind("\n", 0, one.region.start) + 1
    end = _line_end(text, one.region.end)
    if one.region.end - start > _HEAD:
        return
    head = text[start : one.region.start]
    inside = re.match(r"[\"']?([\w.-]+)=", text[one.region.start : one.region.end])
    if inside is not None and inside[1] == one.name and one.name not in head:  # an item of a list
        head += text[one.region.start : one.region.start + inside.end()]
        quote = text[one.region.start : one.region.start + 1]
        yield path, start, end, head, quote if quote in _QUOTES else ""
        return
    yield path, start, end, head, text[one.region.end : end].rstrip("\r")


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _own_part(name: str, head: str) -> tuple[int, str] | None:
    """Return where in a line a name stands, and how much of it: `port` where the rest stands above."""
    parts = [name]
    rest = name
    while found := re.search(r"(?:__|[.:\[\]]+)", rest):
        rest = rest[found.end() :]
        if rest:
            parts.append(rest)
    for part in parts:
        at = -1
        for hit in re.finditer(re.escape(part), head, re.IGNORECASE):
            before, behind = head[hit.start() - 1 : hit.start()], head[hit.end() : hit.end() + 1]
            if not (before.isalnum() or before == "_") and not (behind.isalnum() or behind == "_"):
                at = hit.start()
        if at >= 0:
            return at, head[at : at + len(part)]
    return None


def _below(kept: str, name: str) -> str | None:
    """Return a name without what stands above its line, None where it belongs somewhere else."""
    if name.lower().startswith(kept.lower()):
        return name[len(kept) :]
    return None


def removals(document: Document, one: Assignment) -> Iterator[Edit]:
    """Yield the ways to take a name out of a file: its whole lines."""
    for path, start, end, head, _ in reversed(list(_lines_of(document, one))):
        text = document.texts[path]
        if _own_part(one.name, head) is None:
            continue
        stop = text.find("\n", end)
        stop = len(text) if stop < 0 else stop + 1
        yield Edit(path, start, stop, "")
        if stop == len(text) and start and not text.endswith("\n"):
            yield Edit(path, start - 1, stop, "")


def renamings(document: Document, one: Assignment, names: Iterable[str]) -> Iterator[Edit]:
    """Yield the ways to give a value another name, in the line in which it stands."""
    for name in names:
        for path, start, _, head, _ in _lines_of(document, one):
            found = _own_part(one.name, head)
            if found is None:
                continue
            at, part = found
            new = _below(one.name[: len(one.name) - len(part)], name)
            if new:
                yield Edit(path, start + at, start + at + len(part), new)
