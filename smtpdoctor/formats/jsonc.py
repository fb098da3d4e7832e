"""JSON, with the comments and the last commas that .NET's ``appsettings.json`` and others may have.

Names are joined by points, places in a list are numbers: ``EmailSettings.SmtpPort``, ``servers.0.host``. What
was understood before a mistake is kept.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import MOST_DEPTH, Builder
from smtpdoctor.formats.document import Document, Kind, Source

__all__ = ["read"]

_SPACE: Final = re.compile(r"(?:[ \t\r\n\ufeff]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
_STRING: Final = re.compile(r'"((?:[^"\\\x00-\x1f]++|\\.)*+)"')
_PLAIN: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPED: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_MOST_NAME: Final = 2000


class _WrongError(Exception):
    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class _Level:
    """An object or a list that is open: the name that its members begin with."""

    def __init__(self, prefix: str, *, names: bool) -> None:
        self.prefix = prefix
        self.names = names
        self.count = 0

    def member(self, key: str) -> str:
        return f"{self.prefix}.{key}" if self.prefix else key


def read(source: Source) -> Document:
    """Read a JSON file."""
    builder = Builder(source, "json")
    try:
        _read(builder)
    except _WrongError as error:
        builder.problem("syntax", error.offset)
    return builder.document()


def _read(builder: Builder) -> None:
    text = builder.text
    levels: list[_Level] = []
    at = _space(text, 0)
    name = ""
    while True:
        # A value stands here.
        sign = text[at : at + 1]
        if sign in {"{", "["}:
            if len(levels) >= MOST_DEPTH or len(name) > _MOST_NAME:
                builder.problem("limit", at, "levels")
                return
            levels.append(_Level(name, names=sign == "{"))
            at = _space(text, at + 1)
            if text[at : at + 1] == ("}" if sign == "{" else "]"):
                levels.pop()
                at = _space(text, at + 1)
            else:
                name, at = _next(text, at, levels[-1])
                continue
        else:
            at = _scalar(builder, name, at)
        # Behind a value: another one, or the end of what is open.
        while levels:
            level = levels[-1]
            close = "}" if level.names else "]"
            sign = text[at : at + 1]
            if sign == ",":
                at = _space(text, at + 1)
                if text[at : at + 1] != close:
                    name, at = _next(text, at, level)
                    break
            if text[at : at + 1] != close:
                raise _WrongError(at)
            levels.pop()
            at = _space(text, at + 1)
        else:
            if at < len(text):
                raise _WrongError(at)
            return


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _next(text: str, at: int, level: _Level) -> tuple[str, int]:
    """Return the name of the member that begins there, and where its value does."""
    if not level.names:
        level.count += 1
        return level.member(str(level.count - 1)), at
    found = _STRING.match(text, at)
    if found is None:
        raise _WrongError(at)
    at = _space(text, found.end())
    if text[at : at + 1] != ":":
        raise _WrongError(at)
    return level.member(decoded(found[1], found.start())), _space(text, at + 1)


def _scalar(builder: Builder, name: str, at: int) -> int:
    text = builder.text
    string = _STRING.match(text, at)
    if string is not None:
        value = decoded(string[1], at)
        builder.assign(name, value, at, string.end(), kind="string", style='"')
        return _space(text, string.end())
    plain = _PLAIN.match(text, at)
    if plain is None or text[plain.end() : plain.end() + 1].isalnum():
        raise _WrongError(at)
    kind: Kind = "number"
    if plain[0] in {"true", "false"}:
        kind = "boolean"
    elif plain[0] == "null":
        kind = "null"
    builder.assign(name, None if kind == "null" else plain[0], at, plain.end(), kind=kind)
    return _space(text, plain.end())


def decoded(raw: str, at: int) -> str:
    """Return what a string says; pairs of surrogates are one character."""
    if "\\" not in raw:
        return raw

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPED:
            raise _WrongError(at + 1 + found.start())
        return _ESCAPED[found[2]]

    text = _ESCAPE.sub(one, raw)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
