"""``.env`` as Go reads it: godotenv, and compose-go, which began as a copy of it and went its own way."""

from __future__ import annotations

import re
from typing import Final

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
from smtpdoctor.formats.env.template import SubstitutionError, substituted

__all__ = ["compose", "godotenv"]

_BLANKS: Final = "\t\v\f\r \x85\xa0"
_INLINE: Final = re.compile(f"[{_BLANKS}]*+")
_SPACE: Final = re.compile(r"\s*+")
_COMMENT: Final = re.compile(r"#[^\n]*+")


def _statement(text: str, at: int) -> int:
    """Return where the next definition begins, past blanks and comments."""
    while True:
        found = _SPACE.match(text, at)
        at = at if found is None else found.end()
        comment = _COMMENT.match(text, at)
        if comment is None:
            return at
        at = comment.end()


def _fresh(text: str, last: int, at: int) -> bool:
    """Return whether a definition begins in a line of its own; else it is what is left of a value with quotes."""
    return last < 0 or text.find("\n", max(last - 1, 0), at) >= 0


def _blanks(text: str, at: int) -> int:
    found = _INLINE.match(text, at)
    return at if found is None else found.end()


_GO_NAME: Final = re.compile(rf"[A-Za-z0-9_.{_BLANKS}]*+")
_GO_CLOSE: Final = {quote: re.compile(rf"(?<!\\){quote}") for quote in "'\""}
_GO_VARIABLE: Final = re.compile(r"(\\)?\$\(?\{?([A-Z0-9_]+)?\}?")
_GO_ESCAPE: Final = re.compile(r"\\([nr])|\\.")
_GO_LAST_COMMENT: Final = re.compile(rf"[{_BLANKS}]#")


def godotenv(text: str, names: Names) -> Scan:
    """Yield what godotenv 1.5 reads; what it cannot read, it refuses the whole file for."""
    last, at = -1, _statement(text, 0)
    while at < len(text):
        begin = at
        fresh = _fresh(text, last, at)
        if text.startswith("export", at) and _blanks(text, at + 6) > at + 6:
            at = _blanks(text, at + 6)
        found = _GO_NAME.match(text, at)
        end = at if found is None else found.end()
        if text[end : end + 1] not in {"=", ":"}:
            if end == len(text):
                return  # a name alone at the end of the file
            raise RefusedError(begin, named(text, begin))
        name = text[at:end].strip()
        at = _blanks(text, end + 1)
        result = Result(names)
        quote = text[at : at + 1]
        if quote in {"'", '"'}:
            close = _GO_CLOSE[quote].search(text, at + 1)
            if close is None:
                raise RefusedError(at, name)
            value = text[at : close.start()].strip(quote)
            start, at = at, close.end()
            if quote == '"':
                value = _GO_ESCAPE.sub(lambda one: {"n": "\n", "r": "\r"}.get(one[1], one[0]), value)
                _go_expanded(re.sub(r"\\([^$])", r"\1", value), names, result)
            else:
                result.add(value)
            yield result.entry(name, start, at) if fresh and name else Bad(begin)
        else:
            line = re.compile(r"[^\n\r]*+").match(text, at)
            stop = at if line is None else line.end()
            # Of several comments in a line the last is one.
            comments = [one.start() for one in _GO_LAST_COMMENT.finditer(text, at, stop)]
            value = text[at : comments[-1] if comments else stop].rstrip(_BLANKS)
            start = at if value else end + 1
            _go_expanded(value, names, result)
            yield result.entry(name, start, start + len(value)) if fresh and name else Bad(begin)
            at = stop
        last, at = at, _statement(text, at)


def _go_expanded(value: str, names: Names, result: Result) -> None:
    done = 0
    for found in _GO_VARIABLE.finditer(value):
        result.add(value[done : found.start()])
        done = found.end()
        if found[1]:
            result.add(found[0][1:])
        elif found[2]:
            result.put(found[2], (found[2] in names.file, names.file.get(found[2])))
        else:
            result.add(found[0])
    result.add(value[done:])


_EXPORT: Final = re.compile(r"export\s++")
_CLOSED: Final = {quote: re.compile(rf"((?:[^\\{quote}]++|\\.)*+){quote}", re.DOTALL) for quote in "'\""}
_ESCAPE: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_ESCAPED: Final = {
    "\\a": "\a", "\\b": "\b", "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\v": "\v",
    "\\$": "$$", '\\"': '"', "\\\\": "\\",
}  # fmt: skip


def compose(text: str, names: Names) -> Scan:
    """Yield what Compose reads, in ``.env`` and in the files of ``env_file``."""
    last, at = -1, _statement(text, 0)
    while at < len(text):
        begin = at
        fresh = _fresh(text, last, at)
        at = _blanks(text, at + 6) if _EXPORT.match(text, at) else at
        end = at
        while end < len(text) and (text[end] in _BLANKS or text[end] in "_.-[]" or text[end].isalnum()):
            end += 1
        name = text[at:end].rstrip()
        if " " in name or (end < len(text) and text[end] not in "=:\n"):
            raise RefusedError(begin, named(text, begin))
        if text[end : end + 1] in {"", "\n"}:
            # A name alone at the beginning of its line is taken from the environment.
            alone = is_name(name) and fresh
            if alone and name in names.environment:
                yield Entry(name, names.environment[name], at, at + len(name), source=ENVIRONMENT)
            elif alone:
                yield Entry(name, None, at, at + len(name), source=ENVIRONMENT)
            last, at = end, _statement(text, end)
            continue
        result = Result(names)
        start, stop, at = _compose_value(text, end + 1, name, names, result)
        if not fresh or not name or name[0].isdigit():
            yield Bad(begin)
        else:
            yield result.entry(name, start, stop)
        last, at = at, _statement(text, at)


def _compose_value(text: str, sign: int, name: str, names: Names, result: Result) -> tuple[int, int, int]:
    """Read the value behind a sign; returns where its text begins and ends, and where to read on."""
    at = _blanks(text, sign)
    quote = text[at : at + 1]
    if quote not in {"'", '"'}:
        line = text.find("\n", at)
        line = len(text) if line < 0 else line
        comment = text.find(" #", at, line)
        value = text[at : line if comment < 0 else comment].rstrip()
        start = at if value else sign
        _compose_expanded(value, names, result, start)
        return start, start + len(value), line
    closed = _CLOSED[quote].match(text, at + 1)
    if closed is None:
        raise RefusedError(at, name)
    value = _unquoted(closed[1], quote)
    if quote == '"':
        _compose_expanded(_ESCAPE.sub(_unescaped, value), names, result, at)
    else:
        result.add(value)
    return at, closed.end(), closed.end()


def _unquoted(value: str, quote: str) -> str:
    """Return a value in which a quote needs no backslash any more; one that is itself escaped is none."""
    return re.sub(r"\\(.)", lambda one: quote if one[1] == quote else one[0], value, flags=re.DOTALL)


def _compose_expanded(value: str, names: Names, result: Result, at: int) -> None:
    try:
        substituted(value, names.outer, result)
    except SubstitutionError as error:
        raise RefusedError(at, error.name, "required" if error.required else "refused") from None


def _unescaped(found: re.Match[str]) -> str:
    """Return what an escape stands for; octal ones have three digits there, others are left half done."""
    sign = found[0]
    if sign.startswith("\\0"):
        digits = sign[2:]
        if re.fullmatch("[0-3][0-7]{2}", digits):
            return chr(int(digits, 8))
        return "\\" + digits
    return _ESCAPED.get(sign, sign)
