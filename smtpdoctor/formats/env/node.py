"""``.env`` as npm's dotenv, dotenv-expand and Ruby's dotenv read it: one pattern, two languages.

Both look for definitions with a regular expression and pass over what does not fit; in both ``#`` begins a
comment wherever it stands outside quotes that close at the end of a line. What is done here with one look
at each place, their patterns do by trying again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from smtpdoctor.formats.building import MOST_VALUE
from smtpdoctor.formats.env.entry import ALIVE, Bad, Entry, Names, RefusedError, Result, Scan, named

__all__ = ["dotenv_node", "dotenv_node_expand", "dotenv_ruby"]

_JS_BLANKS: Final = (
    "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # what \s means there
)
_RUBY_BLANKS: Final = "\t\n\v\f\r "


class _Grammar:
    def __init__(self, blanks: str, ends: str, key: str, quotes: str) -> None:
        self.blanks = re.compile(f"[{blanks}]*+")
        self.trailing = re.compile(f"[{blanks}]*+\\Z")
        self.inline = re.compile(f"(?:(?![{ends}])[{blanks}])*+(?:(#)|[{ends}]|\\Z)")
        self.rest = re.compile(f"[^{ends}]*+")
        self.export = re.compile(f"export[{blanks}]++(?=[{key}])")
        self.key = re.compile(f"[{key}]++")
        self.sign = re.compile(f"[{blanks}]*+=|:[{blanks}]")
        self.quotes = quotes
        self.stripped = re.compile(f"[{blanks}]")


_NODE: Final = _Grammar(_JS_BLANKS, "\n\u2028\u2029", r"A-Za-z0-9_.\-", "'\"`")
_RUBY: Final = _Grammar(_RUBY_BLANKS, "\n", r"A-Za-z0-9_.", "'\"")


class _Raw(NamedTuple):
    name: str
    text: str
    quote: str  # that stood around it
    first: str  # the quote with which it begins, whether or not it ends so
    start: int
    end: int
    exported: bool = False  # ``export NAME=`` and nothing behind it


class _Exported(NamedTuple):
    """``export NAME`` alone."""

    name: str
    start: int


def _raw(text: str, grammar: _Grammar) -> Iterator[_Raw | _Exported | Bad]:
    """Yield the definitions of a text with their values' text, quotes taken off."""
    position = 0
    while True:
        at = _end(grammar.blanks, text, position)
        if at >= len(text):
            return
        if text[at] == "#":
            position = _end(grammar.rest, text, at)
            continue
        export = grammar.export.match(text, at)
        key = grammar.key.match(text, export.end() if export else at)
        sign = grammar.sign.match(text, key.end()) if key else None
        if key is None or sign is None:
            if export is not None and key is not None and grammar.inline.match(text, key.end()):
                yield _Exported(key[0], at)
            else:
                yield Bad(at, named(text, at))
            # Behind `export` the name may stand in another line, which counts by itself.
            position = _end(grammar.rest, text, at + 6 if export else key.end() if key else at)
            continue
        start = _end(grammar.blanks, text, sign.end())
        if text[start : start + 1] in grammar.quotes and start < len(text):
            close = _closing(text, start, grammar)
            if close is not None:
                quote = text[start]
                yield _Raw(key[0], text[start + 1 : close], quote, quote, start, close + 1)
                position = _end(grammar.rest, text, close + 1)
                continue
        end = text.find("\n", sign.end())
        end = len(text) if end < 0 else end
        comment = text.find("#", sign.end(), end)
        stop = end if comment < 0 else comment
        nothing = export is not None and stop == sign.end()
        start = min(start, stop)
        while stop > start and grammar.stripped.match(text, stop - 1):
            stop -= 1
        if start == stop:
            start = stop = sign.end()
        value = text[start:stop]
        first = value[:1] if value[:1] in grammar.quotes else ""
        quote = first if first and len(value) > 1 and value[-1] == first else ""
        yield _Raw(key[0], value[1:-1] if quote else value, quote, first, start, stop, nothing)
        position = end


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _closing(text: str, start: int, grammar: _Grammar) -> int | None:
    """Return the quote that ends a value: the first that is not escaped, or an escaped one at a line's end."""
    quote = text[start]
    last = None
    at = text.find(quote, start + 1)
    while at >= 0:
        if grammar.inline.match(text, at + 1):
            last = at
        if text[at - 1] != "\\":
            break
        at = text.find(quote, at + 1)
    return last


def _node(text: str) -> Iterator[tuple[_Raw, str] | Bad]:
    for one in _raw(text, _NODE):
        if isinstance(one, _Exported):
            continue
        if isinstance(one, Bad):
            yield one
        else:
            value = one.text.replace("\\n", "\n").replace("\\r", "\r") if one.first == '"' else one.text
            yield one, value


def dotenv_node(text: str, names: Names) -> Scan:
    """Yield what npm's dotenv reads; it expands nothing."""
    del names
    for one in _node(text):
        yield one if isinstance(one, Bad) else Entry(one[0].name, one[1], one[0].start, one[0].end)


_Known = Callable[[str], tuple[bool, str | None]]
_VARIABLE: Final = re.compile(r"(?<!\\)\$\{([^{}]+)\}|(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)")
_OPERATOR: Final = re.compile(r":\+|\+|:-|-")


def dotenv_node_expand(text: str, names: Names) -> Scan:
    """Yield what dotenv-expand makes of what dotenv reads: it knows nothing of quotes any more."""
    raw: dict[str, tuple[_Raw, str]] = {}
    for one in _node(text):
        if isinstance(one, Bad):
            yield one
        else:
            raw.pop(one[0].name, None)
            raw[one[0].name] = one
    done: dict[str, str | None] = {}

    def known(name: str) -> tuple[bool, str | None]:
        if name in names.environment and not (
            name in done and name in raw and names.environment[name] == raw[name][1]
        ):
            return True, names.environment[name]
        if name in done:
            return True, done[name]
        return (True, raw[name][1]) if name in raw else (False, None)

    for name, (place, value) in raw.items():
        entry = _expanded(name, place, value, known, names)
        done[name] = entry.value
        yield entry


def _expanded(name: str, one: _Raw, value: str, known: _Known, names: Names) -> Entry:
    alive = ALIVE
    entry = Entry(name, value, one.start, one.end)
    while (found := _VARIABLE.search(value)) is not None:
        alive -= len(value)
        if alive < 0:
            return entry._replace(value=None, endless=True)
        expression = found[1] or found[2]
        sign = _OPERATOR.search(expression)
        wanted, operator = (expression[: sign.start()], sign[0]) if sign is not None else (expression, "")
        default = expression[sign.end() :] if sign is not None else ""
        there, text = known(wanted)
        entry = entry._replace(referred=True)
        if there and text is None:
            return entry._replace(value=None, source=wanted)
        if operator.endswith("+"):
            new = default if (text if operator == ":+" else there) else ""
        elif operator:
            use = not text if operator == ":-" else not there
            new = default if use else text or ""
            entry = entry._replace(defaulted=entry.defaulted or use)
        else:
            new = text or ""
            entry = entry._replace(expanded=entry.expanded or not there)
        names.left -= len(new)
        if names.left < 0 or len(value) + len(new) > max(MOST_VALUE, len(one.text)):
            return entry._replace(value=None, endless=True)
        value = value.replace(found[0], _replacement(new, found[0]), 1)
        if there and value == text:
            break
    if "$(" in value and not value.startswith("\\"):
        return entry._replace(value=None, source="command")
    return entry._replace(value=value.replace("\\$", "$"))


def _replacement(new: str, old: str) -> str:
    """Return what JavaScript's ``replace`` puts in: it takes ``$$`` and ``$&`` for signs of its own."""
    return re.sub(r"\$([$&])", lambda one: "$" if one[1] == "$" else old, new) if "$" in new else new


_RUBY_VARIABLE: Final = re.compile(r"(\\)?\$(?!\()\{?([A-Za-z0-9_]+)?\}?")
_RUBY_COMMAND: Final = re.compile(r"(\\)?\$\([^()]")


def dotenv_ruby(text: str, names: Names) -> Scan:
    r"""Yield what Ruby's dotenv reads; double quotes as before its version 2.8, ``\\n`` ends a line."""
    for one in _raw(text, _RUBY):
        if isinstance(one, Bad):
            yield one
            continue
        if isinstance(one, _Exported) or one.exported:
            if not names.outer(one.name)[0]:
                raise RefusedError(one.start)
            continue
        value = one.text
        result = Result(names)
        if one.quote == "'":
            result.add(value)
            yield result.entry(one.name, one.start, one.end)
            continue
        if one.quote == '"':
            value = value.replace("\\n", "\n").replace("\\r", "\r")
        value = re.sub(r"\\([^$])", r"\1", value)
        if any(not found[1] for found in _RUBY_COMMAND.finditer(value)):
            result.lacks("command")
        done = 0
        for found in _RUBY_VARIABLE.finditer(value):
            result.add(value[done : found.start()])
            done = found.end()
            if found[1]:
                result.add(found[0][1:])
            elif found[2]:
                result.put(found[2], names.outer(found[2]))
            else:
                result.add(found[0])
        result.add(value[done:])
        yield result.entry(one.name, one.start, one.end)
