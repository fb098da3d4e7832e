"""TOML with places: ``api.smtp.host`` for ``host`` in ``[api.smtp]``, ``servers.0.host`` in a list of tables.

The standard library's reader knows the rules and no places, this one the places; what it does not check
(a name twice, a table that is a value) the other one tells, whose word counts.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

from smtpdoctor.formats.building import MOST_DEPTH, Builder
from smtpdoctor.formats.document import Document, Kind, Source

__all__ = ["read"]

_INLINE: Final = re.compile(r"[ \t]*+")
_BETWEEN: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_REST: Final = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?=\r?\n|\Z)")
_KEY: Final = re.compile(r"""([A-Za-z0-9_-]++)|"((?:[^"\\\n]++|\\[^\n])*+)"|'([^'\n]*+)'""")
_STRINGS: Final = (
    ('"""', re.compile(r'"""((?:[^"\\]++|\\.|"(?!""))*+)("{3,5}+)', re.DOTALL)),
    ("'''", re.compile(r"'''((?:[^']++|'(?!''))*+)('{3,5}+)", re.DOTALL)),
    ('"', re.compile(r'"((?:[^"\\\n]++|\\[^\n])*+)"')),
    ("'", re.compile(r"'([^'\n]*+)'")),
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9+_.:-]++(?:(?<=\d{4}-\d\d-\d\d) \d[0-9:.+Zz-]*+)?+")
_NUMBER: Final = re.compile(
    r"[+-]?(?:0|[1-9](?:_?[0-9])*+)(?:\.[0-9](?:_?[0-9])*+)?+(?:[eE][+-]?[0-9](?:_?[0-9])*+)?+"
    r"|0x[0-9A-Fa-f_]++|0o[0-7_]++|0b[01_]++|[+-]?(?:inf|nan)"
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([ \t]*+\n[ \t\n]*+)|(.))", re.DOTALL)
_ESCAPED: Final = {
    "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\",
}  # fmt: skip
_PLACE: Final = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_LONG_NUMBER: Final = 100
_MOST_NAME: Final = 2000
_MOST_CHECKED: Final = 500_000


class _WrongError(Exception):
    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class _TooDeepError(Exception):
    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def read(source: Source) -> Document:
    """Read a TOML file."""
    builder = Builder(source, "toml")
    try:
        _Reader(builder).read()
    except _WrongError as error:
        builder.problem("syntax", error.offset)
    except _TooDeepError as error:
        builder.problem("limit", error.offset, "levels")
    else:
        _checked(builder)
    return builder.document()


def _checked(builder: Builder) -> None:
    """Note what the standard library does not accept."""
    if len(builder.text) > _MOST_CHECKED:
        return
    try:
        tomllib.loads(builder.text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        offset = len(builder.text)
        if found is not None and found[1]:
            offset = builder.offset(int(found[1]), int(found[2]))
        builder.problem("refused", min(offset, len(builder.text)))


class _Reader:
    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.text = builder.text
        self.lists: dict[str, int] = {}

    def read(self) -> None:
        text = self.text
        prefix = ""
        at = self.between(1 if text.startswith("\ufeff") else 0)
        while at < len(text):
            if text.startswith("[[", at):
                name, at = self.key(at + 2, "")
                prefix = self.listed(name)
                at = self.sign(at, "]]")
            elif text[at] == "[":
                name, at = self.key(at + 1, "")
                prefix = self.located(name)
                at = self.sign(at, "]")
            else:
                at = self.pair(at, prefix, 0)
            if _REST.match(text, at) is None:
                raise _WrongError(at)
            at = self.between(at)

    def listed(self, name: str) -> str:
        """Return the name of a new table in a list of tables."""
        name = self.located(name, last=False)
        number = self.lists.get(name, -1) + 1
        self.lists[name] = number
        return f"{name}.{number}"

    def located(self, name: str, *, last: bool = True) -> str:
        """Return a table's name with the numbers of the lists of tables that it is in."""
        if not self.lists:
            return name
        parts = name.split(".")
        found = ""
        for number, part in enumerate(parts):
            found = f"{found}.{part}" if found else part
            if found in self.lists and (last or number < len(parts) - 1):
                found = f"{found}.{self.lists[found]}"
        return found

    def between(self, at: int) -> int:
        found = _BETWEEN.match(self.text, at)
        return at if found is None else found.end()

    def inline(self, at: int) -> int:
        found = _INLINE.match(self.text, at)
        return at if found is None else found.end()

    def sign(self, at: int, sign: str) -> int:
        if not self.text.startswith(sign, at):
            raise _WrongError(at)
        return at + len(sign)

    def key(self, at: int, prefix: str) -> tuple[str, int]:
        """Read a key, dotted or not; returns it behind a prefix, and where it ends."""
        name = prefix
        while True:
            at = self.inline(at)
            found = _KEY.match(self.text, at)
            if found is None:
                raise _WrongError(at)
            plain, quoted, literal = found.groups()
            part = plain or literal or ""
            if quoted is not None:
                part = _decoded(quoted, at)
            name = f"{name}.{part}" if name else part
            if len(name) > _MOST_NAME:
                raise _TooDeepError(at)
            at = self.inline(found.end())
            if self.text[at : at + 1] != ".":
                return name, at
            at += 1

    def pair(self, at: int, prefix: str, level: int) -> int:
        name, at = self.key(at, prefix)
        return self.value(name, self.inline(self.sign(at, "=")), level)

    def value(self, name: str, at: int, level: int) -> int:
        """Read the value that begins there; returns where it ends."""
        if level > MOST_DEPTH:
            raise _TooDeepError(at)
        text = self.text
        sign = text[at : at + 1]
        if sign == "[":
            return self.array(name, at + 1, level + 1)
        if sign == "{":
            return self.table(name, at + 1, level + 1)
        for mark, pattern in _STRINGS:
            if text.startswith(mark, at):
                found = pattern.match(text, at)
                if found is None:
                    raise _WrongError(at)
                value = found[1]
                if mark[1:]:
                    value = (value + found[2][3:]).replace("\r\n", "\n").removeprefix("\n")
                if mark[0] == '"':
                    value = _decoded(value, at)
                self.builder.assign(name, value, at, found.end(), kind="string", style=mark)
                return found.end()
        plain = _PLAIN.match(text, at)
        if plain is None:
            raise _WrongError(at)
        kind: Kind = "word"  # a date
        value = plain[0]
        if value in {"true", "false"}:
            kind = "boolean"
        elif _NUMBER.fullmatch(value):
            kind = "number"
            value = _number(value)
        elif not value[0].isdigit():
            raise _WrongError(at)
        self.builder.assign(name, value, at, plain.end(), kind=kind)
        return plain.end()

    def array(self, name: str, at: int, level: int) -> int:
        number = 0
        while True:
            at = self.between(at)
            if self.text[at : at + 1] == "]":
                return at + 1
            at = self.between(self.value(f"{name}.{number}", at, level))
            number += 1
            if self.text[at : at + 1] == ",":
                at += 1
            elif self.text[at : at + 1] != "]":
                raise _WrongError(at)

    def table(self, name: str, at: int, level: int) -> int:
        at = self.between(at)
        while self.text[at : at + 1] != "}":
            at = self.between(self.pair(at, name, level))
            if self.text[at : at + 1] == ",":
                at = self.between(at + 1)
            elif self.text[at : at + 1] != "}":
                raise _WrongError(at)
        return at + 1


def _number(text: str) -> str:
    """Return a number as others write it."""
    plain = text.replace("_", "")
    if plain[:2] in {"0x", "0o", "0b"}:
        return str(int(plain, 0)) if len(plain) < _LONG_NUMBER else plain
    return plain.removeprefix("+")


def _decoded(raw: str, at: int) -> str:
    if "\\" not in raw:
        return raw

    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        if code:
            try:
                return chr(int(code, 16)).encode().decode()
            except (ValueError, OverflowError):  # beyond Unicode, or half a pair
                raise _WrongError(at) from None
        if found[3]:
            return ""
        if found[4] not in _ESCAPED:
            raise _WrongError(at)
        return _ESCAPED[found[4]]

    return _ESCAPE.sub(one, raw)
