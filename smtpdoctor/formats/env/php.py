"""``.env`` as PHP reads it: Symfony's Dotenv, and vlucas/phpdotenv, which Laravel uses.

Both refuse the whole file for a line that they do not understand.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import MOST_VALUE
from smtpdoctor.formats.env.entry import Bad, Entry, Names, RefusedError, Result, Scan, named

__all__ = ["phpdotenv", "symfony"]

_NAME: Final = "_?[A-Za-z][A-Za-z0-9_]*+"
_EMPTY_LINES: Final = re.compile(r"(?:\s++|#[^\n]*+)*+")
_HEAD: Final = re.compile(rf"(export[ \t]++)?+({_NAME})")
_NO_VALUE: Final = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?=\n|\Z)")
_SYMFONY_VARIABLE: Final = re.compile(
    rf"(?<!\\)(\\*+)\$(?!\()(\{{)?({_NAME})?(:[-=][^}}]*+)?(\}})?", re.ASCII
)
_PLAIN_RUN: Final = re.compile(r"[^\n\"'\\$#]++")
_SYMFONY_COMMAND: Final = re.compile(r"(\\)?\$\([^()]")


def symfony(text: str, names: Names) -> Scan:
    """Yield what Symfony's Dotenv reads."""
    at = _past_empty_lines(text, 0)
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None or text[head.end() : head.end() + 1] != "=":
            raise RefusedError(at, named(text, at))
        at = head.end() + 1
        none = _NO_VALUE.match(text, at)
        if none is not None:
            yield Result(names).entry(head[2], at, at)
            at = none.end()
        elif text[at] in " \t":
            raise RefusedError(at, head[2])
        else:
            result = Result(names)
            start = at
            end, at = _symfony_value(text, at, names, result, head[2])
            yield result.entry(head[2], start, max(end, start))
        at = _past_empty_lines(text, at)


def _symfony_value(text: str, at: int, names: Names, result: Result, name: str) -> tuple[int, int]:
    """Read the pieces of a value, in quotes and not; returns where it and what follows it end."""
    end = at
    while at < len(text) and text[at] != "\n":
        if text[at] in {"'", '"'}:
            close = text.find("'", at + 1) if text[at] == "'" else _symfony_close(text, at)
            if close < 0:
                raise RefusedError(at, name)
            value = text[at + 1 : close]
            if text[at] == "'":
                result.add(value)
            else:
                value = value.replace('\\"', '"').replace("\\r", "\r").replace("\\n", "\n")
                _symfony_resolved(value, names, result, at, name)
            at = end = close + 1
            continue
        value, stop = _symfony_bare(text, at)
        stripped = value.rstrip(" \t\n\r\0\v")
        before = len(result.parts)
        _symfony_resolved(stripped, names, result, at, name)
        if "".join(result.parts[before:]) == stripped and re.search(r"\s", stripped):
            raise RefusedError(at, name)
        end = at + len(text[at:stop].rstrip())
        at = stop
        if text[at : at + 1] == "#":
            break
    return end, at


def _past_empty_lines(text: str, at: int) -> int:
    found = _EMPTY_LINES.match(text, at)
    return at if found is None else found.end()


def _symfony_close(text: str, at: int) -> int:
    """Return the quote that closes one, the first with no backslash before it or with two; -1 for none."""
    close = text.find('"', at + 1)
    while close >= 0:
        if text[close - 1] != "\\" or text[close - 2] == "\\":
            return close
        close = text.find('"', close + 1)
    return -1


def _symfony_bare(text: str, at: int) -> tuple[str, int]:
    """Return what stands outside quotes, up to a quote, a comment or the end of the line, and where it ends."""
    parts: list[str] = []
    previous = text[at - 1]
    while at < len(text):
        plain = _PLAIN_RUN.match(text, at)
        if plain is not None:
            parts.append(plain[0])
            previous, at = plain[0][-1], plain.end()
            continue
        sign = text[at]
        if sign in "\n\"'" or (previous in " \t" and sign == "#"):
            break
        if sign == "\\" and text[at + 1 : at + 2] in {'"', "'"}:
            at += 1
            sign = text[at]
        parts.append(sign)
        previous = sign
        at += 1
        if sign == "$" and text[at : at + 1] == "(":
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            close = text.rfind(")", at, end)
            if close < 0:
                raise RefusedError(at, "$(")
            parts.append(text[at : close + 1])
            at = close + 1
    return "".join(parts), at


def _symfony_resolved(value: str, names: Names, result: Result, at: int, name: str) -> None:
    if any(not found[1] for found in _SYMFONY_COMMAND.finditer(value)):
        result.lacks("command")
    done = 0
    for found in _SYMFONY_VARIABLE.finditer(value):
        result.add(value[done : found.start()].replace("\\\\", "\\"))
        done = found.end()
        slashes, brace, wanted, default, close = found.groups()
        if len(slashes) % 2:
            result.add(found[0][1:].replace("\\\\", "\\"))
        elif wanted is None and not default and not close:
            result.add(found[0].replace("\\\\", "\\"))
        elif brace and not close:
            raise RefusedError(at, name)
        else:
            result.add(slashes.replace("\\\\", "\\"))
            there, text = names.outer(wanted or "")
            if text in {"", None} and default and not (there and text is None):
                if re.search("['\"{$]", default):
                    raise RefusedError(at, name)
                there, text = True, default[2:]
                result.defaulted = True
                if default[1] == "=":
                    names.file[wanted or ""] = text
            result.put(wanted or "", (there, text))
            if close and not brace:
                result.add("}")
    result.add(value[done:].replace("\\\\", "\\"))


_PHP_TRIM: Final = " \n\r\t\0\v"
_QUOTE_AHEAD: Final = re.compile(r'(?=[^\\]")')
_LINE: Final = re.compile(r"[^\n]*+")
_SHORT_EXPORT: Final = len("export A")
_QUOTED_NAME: Final = re.compile(r"""(['"])(.+)\1""", re.DOTALL)
_PHP_NAME: Final = re.compile(r"[\w.]++")
_TOKEN: Final = re.compile(r"[\r\n]{1,1000}+|[ \t\v\f]{1,1000}+|[\\'\"#$]|[^\s\\'\"#$]++|.", re.DOTALL)
_REFERENCE: Final = re.compile(r"\{([a-zA-Z0-9_.]++)\}")
_PHP_ESCAPES: Final = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MOST_REFERENCES: Final = 1000


def phpdotenv(text: str, names: Names) -> Scan:
    """Yield what phpdotenv 5 reads; a double quote that nothing closes swallows the rest of the file."""
    at = 0
    while at < len(text):
        start = at
        found = _LINE.match(text, at)
        end = at if found is None else found.end()
        line = text[at:end]
        at = end + 1
        if '="' in line and not _stops(line, started=True):
            while at < len(text):
                found = _LINE.match(text, at)
                end = at if found is None else found.end()
                more = text[at:end]
                at = end + 1
                if _stops(more, started=False):
                    break
            else:
                yield Bad(start, kind="syntax")
                return
            line = text[start:end]
        trimmed = line.strip(_PHP_TRIM)
        if trimmed and not trimmed.startswith("#"):
            yield from _php_entry(line, start, names)


def _stops(line: str, *, started: bool) -> bool:
    """Return whether a line ends a value of several lines."""
    if line == '"':
        return True
    if '"' not in line:
        return False
    count = len(_QUOTE_AHEAD.findall(line.replace("\\\\", "")))
    return count > 1 if started else count >= 1


def _php_entry(line: str, offset: int, names: Names) -> Scan:
    head, sign, tail = line.partition("=")
    name = head.strip(_PHP_TRIM) if sign else head
    begin = offset + len(line) - len(line.lstrip(_PHP_TRIM))
    if not name:
        raise RefusedError(begin)
    # Names of one or two letters behind `export` are not seen as such there.
    if len(name) > _SHORT_EXPORT and name.startswith("export") and name[6] in " \t\n\r\v\f":
        name = name[6:].lstrip(" \t\n\r\v\f")
    quoted = _QUOTED_NAME.fullmatch(name)
    name = quoted[2] if quoted else name
    if not _PHP_NAME.fullmatch(name):
        raise RefusedError(begin, named(line, begin - offset))
    if not sign:
        return
    lead = len(tail) - len(tail.lstrip(_PHP_TRIM))
    value = tail.strip(_PHP_TRIM)
    start = offset + len(head) + 1 + (lead if value else 0)
    yield _php_value(name, value, start, names)


class _Value:
    """What phpdotenv makes of a value: pieces of text, one method for each state in which it may be."""

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.start = start
        self.parts: list[str] = []
        self.references: list[int] = []
        self.state = self.initial

    def keep(self, piece: str) -> None:
        """Keep a piece, and that a variable may begin there."""
        if piece == "$":
            self.references.append(len(self.parts))
        self.parts.append(piece)

    def initial(self, piece: str) -> None:
        """Nothing was read yet."""
        if piece in {"'", '"'}:
            self.state = self.single if piece == "'" else self.double
        else:
            self.keep(piece)
            self.state = self.plain

    def plain(self, piece: str) -> None:
        """Outside quotes: blanks end the value."""
        if piece.isspace():
            self.state = self.behind
        else:
            self.keep(piece)

    def single(self, piece: str) -> None:
        """Within single quotes all stays as it stands."""
        if piece == "'":
            self.state = self.behind
        else:
            self.parts.append(piece)

    def double(self, piece: str) -> None:
        """Within double quotes there are escapes and variables."""
        if piece == '"':
            self.state = self.behind
        elif piece == "\\":
            self.state = self.escape
        else:
            self.keep(piece)

    def escape(self, piece: str) -> None:
        """Behind a backslash."""
        if piece in {'"', "\\", "$"}:
            self.parts.append(piece)
        elif piece[0] in _PHP_ESCAPES:
            self.parts.append(_PHP_ESCAPES[piece[0]] + piece[1:])
        else:
            raise RefusedError(self.start, self.name)
        self.state = self.double

    def behind(self, piece: str) -> None:
        """Behind the value there may be blanks and a comment."""
        if not piece.isspace():
            raise RefusedError(self.start, self.name)


def _php_value(name: str, text: str, start: int, names: Names) -> Entry:
    value = _Value(name, start)
    end = 0
    for found in _TOKEN.finditer(text):
        if found[0] == "#" and value.state in (value.initial, value.plain, value.behind):
            break
        before = value.state
        value.state(found[0])
        if value.state != value.behind or before in (value.single, value.double):
            end = found.end()
    if value.state in (value.single, value.double, value.escape):
        raise RefusedError(start, name)
    return _php_resolved(value.parts, value.references, names).entry(name, start, start + end)


def _php_resolved(parts: list[str], references: list[int], names: Names) -> Result:
    """Put the variables in, from the last to the first: what one holds may be part of a name before it."""
    result = Result(names)
    long = sum(map(len, parts)) > MOST_VALUE
    result.endless = bool(references) and (long or len(references) > _MOST_REFERENCES)
    for number in [] if result.endless else reversed(references):
        rest = "".join(parts[number + 1 :])
        found = _REFERENCE.match(rest)
        there, text = names.outer(found[1]) if found else (False, None)
        if found is None or not there:
            continue  # it stays as it stands
        result.referred = True
        if text is None:
            result.lacks(found[1])
            text = ""
        names.left -= len(text)
        if names.left < 0 or len(rest) + len(text) > MOST_VALUE:
            result.endless = True
            break
        parts[number:] = [text + rest[found.end() :]]
    result.add("".join(parts))
    return result
