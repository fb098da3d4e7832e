"""What a literal of a language says: strings with their escapes, and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["decoded", "number", "single"]

_COMMON: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_C: Final = {**_COMMON, "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
# The escapes of one sign; those with numbers are in the patterns below.
_SIGNS: Final[Mapping[str, Mapping[str, str]]] = {
    "csharp": {**_C, "0": "\0", "e": "\x1b"},
    "go": _C,
    "java": {**_COMMON, "b": "\b", "f": "\f", "s": " "},
    "javascript": {**_C, "0": "\0", "\n": "", "\r\n": "", "`": "`", "$": "$"},
    "kotlin": {**_COMMON, "b": "\b", "$": "$"},
    "php": {
        "n": "\n",
        "t": "\t",
        "r": "\r",
        "v": "\v",
        "e": "\x1b",
        "f": "\f",
        "\\": "\\",
        "$": "$",
        '"': '"',
    },
    "ruby": {**_C, "s": " ", "e": "\x1b", "\n": ""},
}
_OCTAL: Final = {"php": r"[0-7]{1,3}", "ruby": r"[0-7]{1,3}", "java": r"[0-3]?[0-7]{1,2}", "go": r"[0-7]{3}"}
_HEX: Final = {
    "php": r"x[0-9a-fA-F]{1,2}",
    "ruby": r"x[0-9a-fA-F]{1,2}",
    "javascript": r"x[0-9a-fA-F]{2}",
    "go": r"x[0-9a-fA-F]{2}",
    "csharp": r"x[0-9a-fA-F]{1,4}",
}
_UNICODE: Final = {
    "csharp": r"u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}",
    "go": r"u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}",
    "java": r"u+[0-9a-fA-F]{4}",
    "javascript": r"u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,8}\}",
    "kotlin": r"u[0-9a-fA-F]{4}",
    "php": r"u\{[0-9a-fA-F]{1,8}\}",
    "ruby": r"u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,8}\}",
}
# A backslash before anything else: it stays in PHP, goes in JavaScript and Ruby, and is an error elsewhere.
_KEPT: Final = frozenset({"php"})
# Languages in which a number escapes a byte, of which several may be one character.
_BYTES: Final = frozenset({"php", "ruby", "go"})


def _pattern(language: str) -> re.Pattern[str]:
    parts = [_UNICODE.get(language, ""), _HEX.get(language, ""), _OCTAL.get(language, "")]
    unicode, hexadecimal, octal = (part or "(?!)" for part in parts)
    return re.compile(
        rf"\\(?:(?P<u>{unicode})|(?P<x>{hexadecimal})|(?P<o>{octal})|(?P<sign>\r\n|.))", re.DOTALL
    )


_PATTERNS: Final = {language: _pattern(language) for language in _SIGNS}
_MOST_CODE: Final = 0x10FFFF
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BYTE_RUN: Final = re.compile("[\udc80-\udcff]+")
_ASCII: Final = 0x80
_HELD: Final = 0xDC00  # where a byte is held until its character is complete


def decoded(raw: str, language: str) -> str:
    """Return what the text between double quotes says."""
    if "\\" not in raw:
        return raw
    signs = _SIGNS[language]

    def one(found: re.Match[str]) -> str:
        if found["u"]:
            code = int(found["u"].lstrip("uU").strip("{}"), 16)
            return chr(code) if code <= _MOST_CODE else "\ufffd"
        if found["x"] or found["o"]:
            code = int(found["x"][1:], 16) if found["x"] else int(found["o"], 8)
            if language in _BYTES:
                code &= 0xFF
                return chr(code) if code < _ASCII else chr(_HELD + code)
            return chr(code)
        sign = found["sign"]
        if sign in signs:
            return signs[sign]
        return found[0] if language in _KEPT else sign

    text = _PATTERNS[language].sub(one, raw)
    if language in _BYTES and _BYTE_RUN.search(text):
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if language not in _BYTES and _SURROGATES.search(text):  # two of them are one character
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


_SINGLE: Final = re.compile(r"\\([\\'])")


def single(raw: str) -> str:
    """Return what the text between single quotes says in PHP and Ruby."""
    return _SINGLE.sub(r"\1", raw) if "\\" in raw else raw


_NUMBER: Final = re.compile(
    r"(?:0[xX](?P<x>[0-9a-fA-F]{1,32})|0[bB](?P<b>[01]{1,64})|0[oO]?(?P<o>[0-7]{1,32})|(?P<d>[0-9]{1,40}(?:\.[0-9]{1,40})?))"
    r"(?:[uUlLnfFdDmM]{0,2})"
)


def number(raw: str) -> str | None:
    """Return a number in decimal digits, None where it is none that a setting has."""
    found = _NUMBER.fullmatch(raw.replace("_", ""))
    if found is None:
        return None
    for group, base in (("x", 16), ("b", 2), ("o", 8)):
        if found[group]:
            return str(int(found[group], base))
    return found["d"]
