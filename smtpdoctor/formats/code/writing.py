"""How a value is written as a literal of a language, so that it is read back as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from smtpdoctor.formats.document import Kind
from smtpdoctor.formats.dotenv import UnwritableError

__all__ = ["LANGUAGES", "write"]

_BOOLEANS: Final[Mapping[str, tuple[str, str]]] = {"python": ("True", "False")}
_NULL: Final[Mapping[str, str]] = {"python": "None", "ruby": "nil", "go": "nil"}
LANGUAGES: Final = ("csharp", "go", "java", "javascript", "kotlin", "php", "python", "ruby")
"""The languages, as the style of an assignment names them."""
_SINGLE: Final = frozenset(
    {"javascript", "php", "python", "ruby"}
)  # those that have strings in single quotes
# Of these the single quotes know no escapes but their own sign and the backslash.
_PLAIN: Final = frozenset({"php", "ruby"})
_PREFERRED: Final = {"php": "'", "javascript": "'", "ruby": '"', "python": '"'}
# What would begin something within double quotes.
_OPENS: Final = {"php": "$", "kotlin": "$", "ruby": "#"}
_SIGNS: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?")
_SYMBOL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[?!]?")


def write(value: str | None, kind: Kind, language: str, old: str = "") -> str:
    """Return the text of a literal in place of another one, whose quotation marks it keeps where it can.

    ``kind`` is what it is to be; a word is a symbol where one stood in Ruby, else a string. Raises
    UnwritableError with what cannot be written, ValueError for a language that is none of ``LANGUAGES``.
    """
    if language not in LANGUAGES:
        raise ValueError(language)
    if kind == "null":
        return _NULL.get(language, "null")
    if value is None or kind in {"call", "unknown"}:
        raise UnwritableError(kind)
    if kind == "boolean":
        if value not in {"true", "false"}:
            raise UnwritableError("boolean")
        return _BOOLEANS.get(language, ("true", "false"))[value == "false"]
    if kind == "number":
        if not _NUMBER.fullmatch(value):
            raise UnwritableError("number")
        return value
    if kind == "word" and language == "ruby" and old.startswith(":") and _SYMBOL.fullmatch(value):
        return f":{value}"
    return _string(value, language, old)


def _string(value: str, language: str, old: str) -> str:
    if half := _SURROGATE.search(value):  # half a character, which no server takes
        raise UnwritableError(half[0])
    quote = '"'
    if language in _SINGLE:
        found = re.match(r"[A-Za-z]{0,2}(['\"])", old)
        quote = found[1] if found else _PREFERRED[language]
        if language in _PLAIN and quote == "'" and _CONTROL.search(value):
            quote = '"'
    text = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    if quote == "'" and language in _PLAIN:
        return f"'{text}'"
    if (opens := _OPENS.get(language)) is not None and quote == '"':
        text = text.replace(opens, f"\\{opens}")
    return quote + _CONTROL.sub(lambda found: _escaped(found[0], language), text) + quote


def _escaped(sign: str, language: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    return f"\\u{{{ord(sign):x}}}" if language == "php" else f"\\u{ord(sign):04x}"
