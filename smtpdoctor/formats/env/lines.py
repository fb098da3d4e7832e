"""``.env`` as it is read a line at a time, or with python-dotenv's grammar: python-dotenv, django-environ, Docker."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.dotenv_python import parse_variables, spans
from smtpdoctor.formats.env.entry import (
    ENVIRONMENT,
    Bad,
    Entry,
    Names,
    RefusedError,
    Result,
    Scan,
    is_name,
    named,
)

__all__ = ["django_environ", "docker", "dotenv_python"]

_LINE: Final = re.compile(r"(?:export )?([A-Za-z_0-9]+)=(.*)", re.DOTALL)
_PROXY: Final = re.compile(r"\$+([A-Za-z_]\w*)")
_SINGLE: Final = re.compile("'(.*)'", re.DOTALL)
_DOUBLE: Final = re.compile('"(.*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)")
_MOST_STEPS: Final = 20  # from a variable that names another to the one that has a value
_LONGEST_LINE: Final = 64 * 1024  # Go's bufio.MaxScanTokenSize


def dotenv_python(text: str, names: Names) -> Scan:
    """Yield what python-dotenv reads; what it cannot read, it passes over."""
    for one in spans(text):
        if isinstance(one, int):
            yield Bad(one, named(text, one))
            continue
        name, value, start, end = one
        result = Result(names)
        for part in parse_variables(value):
            if isinstance(part, str):
                result.add(part)
                continue
            found = names.outer(part.name)
            if not found[0] and part.default is not None:
                result.defaulted, found = True, (True, part.default)
            result.put(part.name, found)
        yield result.entry(name, start, end)


def django_environ(text: str, names: Names) -> Scan:
    """Yield what django-environ reads; a value that begins with ``$`` is another variable's name."""
    found: list[Entry] = []
    offset = 0
    for raw in text.splitlines(keepends=True):
        line = raw.rstrip("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029") if raw.splitlines() != [raw] else raw
        start, offset = offset, offset + len(raw)
        match = _LINE.fullmatch(line)
        if match is None:
            if line and not line.startswith("#"):
                yield Bad(start, named(text, start))
            continue
        value = match[2]
        if (quoted := _SINGLE.fullmatch(value)) is not None:
            value = quoted[1]
        if (quoted := _DOUBLE.fullmatch(value)) is not None:
            value = _ESCAPED.sub(lambda one: one[0] if one[1] in "rnt" else one[1], quoted[1])
        found.append(Entry(match[1], value, start + match.start(2), start + match.end(2)))
    for one in found:
        names.file[one.name] = one.value
    for one in found:
        yield _proxied(one, names) if _PROXY.fullmatch(one.value or "") else one


def _proxied(one: Entry, names: Names) -> Entry:
    """Return a definition with the value of the variable that it names."""
    seen = {one.name}
    value: str | None = one.value
    name = one.name
    while value is not None and (proxy := _PROXY.fullmatch(value)) is not None:
        name = proxy[1]
        there, value = names.outer(name)
        if not there or name in seen or len(seen) > _MOST_STEPS:
            return one._replace(value=None, expanded=True, referred=True, source=name)
        seen.add(name)
    return one._replace(value=value, referred=True, source="" if value is not None else name)


def docker(text: str, names: Names) -> Scan:
    """Yield what ``docker run --env-file`` reads: everything behind the equals sign, as it stands."""
    offset = 0
    while offset < len(text):
        end = text.find("\n", offset)
        end = len(text) if end < 0 else end
        line = text[offset:end].removesuffix("\r")
        if len(line) * 4 > _LONGEST_LINE and len(line.encode("utf-8", "replace")) >= _LONGEST_LINE:
            raise RefusedError(offset, "64 KiB", "refused")
        stripped = line.lstrip()
        start, offset = offset + len(line) - len(stripped), end + 1
        if not stripped or stripped.startswith("#"):
            continue
        name, sign, value = stripped.partition("=")
        if not name or " " in name or "\t" in name:
            raise RefusedError(start, named(text, start))
        at = start + len(name) + 1
        if sign:
            yield Entry(name, value, at, at + len(value))
        elif name in names.environment:
            yield Entry(name, names.environment[name], start, start + len(name), source=ENVIRONMENT)
        elif is_name(name):
            yield Entry(name, None, start, start + len(name), source=ENVIRONMENT)
