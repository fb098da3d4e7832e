"""The kinds of files in which applications keep their settings, and how a whole one is laid out. Pure.

A kind of file is one line in ``KINDS``: what names look like in it, which syntax reads it, how a comment is
written, and the function that puts lines together. How a value stands in it is told in ``literals.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.formats import looks
from smtpdoctor.generate.spelling import Shape, form_of, names_of_key
from smtpdoctor.knowledge.dialects import Dialect, Form
from smtpdoctor.model import Lang

__all__ = [
    "KINDS",
    "FileKind",
    "Line",
    "commented",
    "example_of",
    "filled",
    "in_language",
    "kind_of_file",
    "kinds_of",
    "laid_out",
    "nested",
    "nested_json",
]


class Line(Struct, frozen=True):
    """A name, the text of its value, and the comments above it."""

    name: str
    text: str
    about: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Line({self.name!r})"


class FileKind(Struct, frozen=True):
    """A kind of file; ``syntax`` is "" where nothing of ours reads it, ``names`` are those of its files."""

    name: str
    shape: Shape
    syntax: str
    comment: str
    write: Callable[[Sequence[Line], Form], Iterator[str]] | None = None
    names: str = ""

    @property
    def unsaid(self) -> str:
        """What no comment in such a file can hold: two hyphens end one of XML (XML 1.0, 2.5)."""
        return "--" if self.comment == "<!--" else ""

    def owns(self, filename: str) -> bool:
        """Whether a file of that name is of this kind."""
        if self.names:
            return re.fullmatch(self.names, filename, re.IGNORECASE) is not None
        return bool(self.syntax) and looks.syntax_of(filename, "") == self.syntax


# Names that files of settings often have, of every syntax.
_EXAMPLES: Final = (
    ".env", "compose.yaml", "mailer.js", "mailer.json", "mailer.py", "mailer.php", "mailer.rb", "mailer.go",
    "Mailer.java", "Mailer.cs", "application.properties", "mailer.toml", "mailer.ini", ".msmtprc",
    "deployment.yaml", "values.yaml",
)  # fmt: skip


def example_of(kind: FileKind) -> str:
    """Return a name by which a file is known to be of a kind, "" where none is usual."""
    return next((name for name in _EXAMPLES if kind.owns(name)), "")


def commented(texts: Sequence[str], sign: str) -> list[str]:
    """Return comments as lines of a file; where it has none there are none."""
    if not sign:
        return []
    if sign == "<!--":
        return [f"<!-- {text} -->" for text in texts if "--" not in text]
    return [f"{sign} {text}" for text in texts]


def _lines(sign: str, pattern: str) -> Callable[[Sequence[Line], Form], Iterator[str]]:
    def write(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001 -- the interface of a kind
        for one in lines:
            yield from _spaced(one, sign)
            yield pattern.format(name=one.name, text=one.text)

    return write


def _spaced(one: Line, sign: str) -> Iterator[str]:
    if one.about:
        yield ""
        yield from commented(one.about, sign)


def _ini(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    section = ""
    for one in lines:
        before, _, key = one.name.partition(".")
        if before != section:
            yield f"[{before}]"
            section = before
        yield from _spaced(one, "#")
        yield f"{key} = {one.text}".rstrip(" ")


def _toml(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    table = ""
    for one in lines:
        before, _, key = one.name.rpartition(".")
        if before != table:
            yield f"[{before}]"
            table = before
        yield from _spaced(one, "#")
        yield f"{key} = {one.text}"


def _tree(lines: Sequence[Line]) -> dict[str, Any]:
    """Return names with points as the levels that they are."""
    tree: dict[str, Any] = {}
    for one in lines:
        at = tree
        *path, last = one.name.split(".")
        for key in path:
            at = at.setdefault(key, {})
        at[last] = one
    return tree


def nested(lines: Sequence[Line], indent: str) -> Iterator[str]:
    """Yield lines of YAML in which points in names are levels."""
    yield from _of_yaml(_tree(lines), indent)


def nested_json(lines: Sequence[Line], indent: str) -> list[str]:
    """Return members of an object of JSON in which points in names are levels."""
    return list(_of_json(_tree(lines), indent))


def _yaml(lines: Sequence[Line], form: Form) -> Iterator[str]:
    tree = {one.name: one for one in lines} if form.flat else _tree(lines)
    yield from _of_yaml(tree, "")


def _of_yaml(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, one in tree.items():
        if isinstance(one, Line):
            yield from (f"{indent}{text}" for text in commented(one.about, "#"))
            yield f"{indent}{key}: {one.text}"
        else:
            yield f"{indent}{key}:"
            yield from _of_yaml(one, f"{indent}  ")


def _json(lines: Sequence[Line], form: Form) -> Iterator[str]:
    tree = {one.name: one for one in lines} if form.flat else _tree(lines)
    yield "{"
    yield from _of_json(tree, "  ")
    yield "}"


def _of_json(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    for number, (key, one) in enumerate(tree.items(), 1):
        comma = "," if number < len(tree) else ""
        if isinstance(one, Line):
            yield f'{indent}"{key}": {one.text}{comma}'
        else:
            yield f'{indent}"{key}": {{'
            yield from _of_json(one, f"{indent}  ")
            yield f"{indent}}}{comma}"


def _kubernetes(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    # A Secret that a container takes whole: `envFrom: [{secretRef: {name: smtp}}]`.
    yield from ("apiVersion: v1", "kind: Secret", "metadata:", "  name: smtp", "type: Opaque", "stringData:")
    for one in lines:
        yield from (f"  {text}" for text in commented(one.about, "#"))
        yield f"  {one.name}: {one.text}"


def _php(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    for one in lines:
        yield from _spaced(one, "//")
        yield f"define( '{one.name}', {one.text} );"


def _ruby(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    for one in lines:
        table, _, key = one.name.partition(".")
        yield from _spaced(one, "#")
        yield f"{table}['{key}'] = {one.text}"


def _msmtprc(lines: Sequence[Line], form: Form) -> Iterator[str]:  # noqa: ARG001
    yield "account default"
    for one in lines:
        yield from commented(one.about, "#")
        yield f"{one.name} {one.text}"


_ENV: Final = r"(?:.*\.)?env(?:[._-].*)?"
KINDS: Final[tuple[FileKind, ...]] = (
    FileKind("dotenv", "variable", "dotenv", "#", _lines("#", "{name}={text}"), _ENV),
    FileKind("compose", "variable", "compose", "#"),
    FileKind("kubernetes", "variable", "kubernetes", "#", _kubernetes, r".*(?:secret|k8s|kube).*\.ya?ml"),
    FileKind("yaml", "path", "yaml", "#", _yaml, r".*\.ya?ml"),
    FileKind("properties", "path", "properties", "#", _lines("#", "{name}={text}")),
    FileKind("ini", "path", "ini", "#", _ini),
    FileKind("json", "path", "json", "", _json),
    FileKind("toml", "path", "toml", "#", _toml),
    FileKind("python", "plain", "python", "#", _lines("#", "{name} = {text}")),
    FileKind("php", "plain", "php", "//", _php),
    FileKind("ruby", "path", "ruby", "#", _ruby),
    FileKind("msmtprc", "plain", "msmtprc", "#", _msmtprc),
    FileKind("javascript", "text", "javascript", "//"),
    FileKind("java", "text", "java", "//"),
    FileKind("go", "text", "go", "//"),
    FileKind("csharp", "text", "csharp", "//"),
    FileKind("rust", "text", "", "//", None, r".*\.rs"),
    FileKind("xml", "text", "", "<!--", None, r".*\.xml"),
    FileKind("plist", "text", "", "<!--", None, r".*\.(?:mobileconfig|plist)"),
    FileKind("curlrc", "text", "", "#", None, r"\.?curlrc"),
    FileKind("swaksrc", "text", "", "#", None, r"\.?swaksrc"),
    FileKind("fields", "text", "", "#", None, r".*\.txt"),
)
_BY_NAME: Final[Mapping[str, FileKind]] = {one.name: one for one in KINDS}
_FOLLOWS: Final[Mapping[str, tuple[str, ...]]] = {"environment": ("dotenv", "compose", "kubernetes")}


def kinds_of(dialect: Dialect) -> tuple[FileKind, ...]:
    """Return the kinds of files in which an application's settings can be written, the most usual one first."""
    told = [one.kind for one in dialect.form]
    following = [kind for one in dialect.syntaxes for kind in _FOLLOWS.get(one, (one,))[:1]]
    following += [kind for one in dialect.syntaxes for kind in _FOLLOWS.get(one, ())[1:]]
    found = (_BY_NAME[name] for name in dict.fromkeys((*told, *following)) if name in _BY_NAME)
    return tuple(one for one in found if _is_written(dialect, one))


def _is_written(dialect: Dialect, kind: FileKind) -> bool:
    form = form_of(dialect, kind.name)
    if form.off:
        return False
    if form.text:
        return True
    return kind.shape != "text" and bool(
        names_of_key(dialect, form, kind.shape, "host", dialect.keys.get("host"))
    )


def kind_of_file(dialect: Dialect, path: str) -> FileKind | None:
    """Return the kind of a file by its name, None where no file of the application has such a one."""
    name = re.split(r"[/\\]", path)[-1]
    kinds = kinds_of(dialect)
    fitting = [one for one in kinds if one.owns(name)]
    if len(fitting) > 1 and fitting[0].name == "yaml":
        fitting = [one for one in fitting if one.name != "yaml"] or fitting
    named = any(fnmatchcase(path, one) or fnmatchcase(path, f"*/{one}") for one in dialect.detect.files)
    return next(iter(fitting), kinds[0] if named and kinds else None)


_NOTE: Final = re.compile(r"@\{#([^}]+)\}")
_PLACE: Final = re.compile(r"@\{([=?!]?)([^}]+)\}")


def in_language(form: Form, lang: Lang) -> str:
    """Return a form's text with what it says to people in their language."""
    return _NOTE.sub(lambda found: form.notes[found[1]].in_(lang), form.text)


def filled(text: str, literals: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    """Return the lines of a form's text: a line goes where what stands in it has no value."""
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        kept = True
        for sign, name in _PLACE.findall(line):
            there = bool(words.get(name))
            kept = kept and (not there if sign == "!" else there)
        if kept:
            lines.append(_PLACE.sub(lambda found: _put(found, literals, words), line))
    return lines


def _put(found: re.Match[str], literals: Mapping[str, str], words: Mapping[str, str]) -> str:
    sign, name = found.groups()
    return "" if sign in {"?", "!"} else words[name] if sign else literals[name]


def laid_out(kind: FileKind, form: Form, lines: Sequence[Line], heading: Sequence[str]) -> str:
    """Return a whole file of a kind that lists settings."""
    assert kind.write is not None  # noqa: S101 -- a form's text is none of these
    above = commented(heading, kind.comment)
    if kind.name == "php":
        above = ["<?php", *above]
    return "\n".join((*above, *kind.write(lines, form))) + "\n"
