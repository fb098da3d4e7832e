"""Java's ``.properties`` with Spring's additions: documents divided by ``#---``, placeholders ``${name:default}``.

``reader`` is ``spring``, or ``java`` for what has neither. Spring: of a file with profiles each profile is a
scope of its own, which begins with what holds for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from smtpdoctor.formats.building import MOST_VALUE, Builder, kept
from smtpdoctor.formats.document import Assignment, Document, Remark, Scope, Source

__all__ = ["READERS", "read"]

READERS: Final = ("spring", "java")
_NATURAL: Final = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_DIVISION: Final = re.compile(r"[#!]---[ \t\f]*+")
_KEY: Final = re.compile(r"((?:[^\\=: \t\f]++|\\.)*+)(?:[ \t\f]*+[=:]|[ \t\f])?+[ \t\f]*+", re.DOTALL)
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
# What is escaped for the syntax's sake.
_MEANT: Final = frozenset("\\:=#! \"'$")
_PROFILES: Final = ("spring.config.activate.on-profile", "spring.profiles")
_SIGN: Final = re.compile(r"\$\{|\}")
_ALONE: Final = re.compile(r"\s*\$\{([^${}:]+)(?::[^${}]*)?\}\s*")
_MOST_LEVELS: Final = 20
_MOST_TRIES: Final = 100_000


class _Entry(NamedTuple):
    key: str
    value: str
    start: int
    end: int
    odd: bool
    document: int


def read(source: Source) -> Document:
    """Read a properties file."""
    builder = Builder(source, "properties")
    spring = source.reader != "java"
    entries = list(_entries(builder, spring=spring))
    profiles = {
        one.document: one.value.strip() for one in entries if spring and one.key in _PROFILES and one.value
    }
    values = {one.key: one.value for one in entries if one.document not in profiles}
    common: list[Assignment] = []
    special: dict[str, list[Assignment]] = {}
    placeholders = _Placeholders(builder, values)
    for one in entries:
        profile = profiles.get(one.document)
        assignment = _assignment(builder, one, placeholders if spring else None)
        (common if profile is None else special.setdefault(profile, [])).append(assignment)
    scopes = [Scope(assignments=tuple(common))]
    for profile, own in special.items():
        if len(scopes) * len(common) > MOST_VALUE:
            builder.problem("limit", own[0].region.start, "profiles")
            break
        scopes.append(Scope(assignments=(*common, *own), name=profile, place=own[0].region.place))
    return builder.document(tuple(scopes))


def _entries(builder: Builder, *, spring: bool) -> Iterator[_Entry]:
    text = builder.text
    at = 1 if text.startswith("\ufeff") else 0
    document = 0
    while at < len(text):
        logical, places, at = _logical(text, at)
        if logical is None:
            if spring and _DIVISION.fullmatch(text[places[0] : at].strip()):
                document += 1
            continue
        if not logical:
            continue
        found = _KEY.match(logical)
        assert found is not None  # noqa: S101 -- nothing in it has to be there
        raw = logical[found.end() :]
        start = places[found.end()] if found.end() < len(places) else places[-1] + 1
        end = places[-1] + 1 if raw else start
        if not raw:
            start = end = places[found.end() - 1] + 1
        value, odd = _decoded(raw)
        yield _Entry(_decoded(found[1])[0], value, start, end, odd, document)


def _logical(text: str, at: int) -> tuple[str | None, list[int] | range, int]:
    """Return a line with those that continue it, where each of its characters stands, and where the next begins.

    None for a comment, whose place is the first one.
    """
    parts: list[str] = []
    places: list[int] = []
    first = True
    while True:
        found = _NATURAL.match(text, at)
        end = len(text) if found is None else found.end()
        line = text[at:end].rstrip("\r\n")
        body = line.lstrip(" \t\f")
        start = at + len(line) - len(body)
        at = end
        if first and body[:1] in {"#", "!"}:
            return None, [start], at
        first = False
        slashes = len(body) - len(body.rstrip("\\"))
        if slashes % 2 and at < len(text):
            parts.append(body[:-1])
            places += range(start, start + len(body) - 1)
            continue
        body = body[:-1] if slashes % 2 else body
        if not parts:
            return body, range(start, start + len(body)), at
        parts.append(body)
        places += range(start, start + len(body))
        return "".join(parts), places, at


def _decoded(raw: str) -> tuple[str, bool]:
    """Return a text without its escapes, and whether one was hardly meant as such."""
    if "\\" not in raw:
        return raw, False
    odd = False

    def one(found: re.Match[str]) -> str:
        nonlocal odd
        sign = found[1]
        if sign[1:]:
            return chr(int(sign[1:], 16))
        odd = odd or sign not in _MEANT
        return _ESCAPED.get(sign, sign)

    text = _ESCAPE.sub(one, raw)
    if _PAIR.search(text):  # Java counts in halves of such characters
        text = _PAIR.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return text, odd


def _assignment(builder: Builder, one: _Entry, placeholders: _Placeholders | None) -> Assignment:
    value: str | None = one.value
    source = ""
    remarks = list(kept(one.value))
    if one.value != one.value.rstrip(" \t\f") and not remarks:
        remarks.append(Remark("blanks-kept", " "))
    if one.odd:
        remarks.append(Remark("escaped", "\\"))
    if placeholders is not None and "${" in one.value:
        value, source, more = placeholders.filled(one)
        remarks += more
        there = placeholders.alone(one.value)
        if there is not None:
            return replace(
                there,
                name=one.key,
                value=value,
                effect=(*there.effect, builder.place(one.start)),
                source=source,
            )
    return builder.assignment(
        one.key, value, one.start, one.end, remarks=tuple(remarks), source=source, style="bare"
    )


class _UnknownError(Exception):
    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


class _Placeholders:
    """What Spring puts into values: other properties, variables of the environment, defaults."""

    def __init__(self, builder: Builder, values: Mapping[str, str]) -> None:
        self.builder = builder
        self.values = values
        self.environment = builder.source.environment
        self.variables = builder.source.variables
        self.left = _MOST_TRIES
        self.defaulted = False

    def filled(self, entry: _Entry) -> tuple[str | None, str, list[Remark]]:
        """Return a value, None with the name of what is missing, and what was odd about it."""
        self.defaulted = False
        try:
            value = self._text(entry.value, (entry.key,), entry)
        except _UnknownError as error:
            return None, error.source, []
        return value, "", [Remark("defaulted", ":")] if self.defaulted else []

    def _text(self, text: str, through: tuple[str, ...], entry: _Entry) -> str:
        self.left -= 1 + len(text) // 1000  # so that long values are put in less often
        if self.left < 0 or len(through) > _MOST_LEVELS:
            self.builder.problem("limit", entry.start, entry.key)
            raise _UnknownError("${")
        parts: list[str] = []
        size = done = 0
        while (at := text.find("${", done)) >= 0:
            close = _closing(text, at)
            if close is None:
                break
            parts += (text[done:at], self._value(text[at + 2 : close], through, entry))
            size += len(parts[-1])
            if size > MOST_VALUE:
                self.builder.problem("limit", entry.start, entry.key)
                raise _UnknownError("${")
            done = close + 1
        return "".join((*parts, text[done:]))

    def _value(self, inside: str, through: tuple[str, ...], entry: _Entry) -> str:
        inside = self._text(inside, (*through, "${"), entry) if inside.startswith("${") else inside
        name, sign, default = inside.partition(":")
        if name in through:
            self.builder.problem("cycle", entry.start, name)
            raise _UnknownError(name)
        found = self._found(name)
        if found is not None:
            return self._text(found, (*through, name), entry)
        if not sign:
            raise _UnknownError(name)
        self.defaulted = True
        return self._text(default, (*through, "${"), entry)

    def _found(self, name: str) -> str | None:
        relaxed = name.replace(".", "_").replace("-", "").upper()
        for variable in (name, relaxed):
            if variable in self.environment:
                return self.environment[variable]
            one = self.variables.get(variable)
            if one is not None:
                if one.value is None:
                    raise _UnknownError(one.source or variable)
                return one.value
        return self.values.get(name)

    def alone(self, text: str) -> Assignment | None:
        """Return the variable of a file beside this one that a value is, and nothing else."""
        found = _ALONE.fullmatch(text)
        if found is None or found[1] in self.environment:
            return None
        return self.variables.get(found[1])


def _closing(text: str, at: int) -> int | None:
    level = 0
    for found in _SIGN.finditer(text, at):
        level += 1 if found[0] == "${" else -1
        if not level:
            return found.start()
    return None
