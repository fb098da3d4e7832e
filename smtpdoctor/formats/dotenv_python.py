"""``.env`` syntax as python-dotenv reads it, in time and memory that grow with the file and no faster.

What stands in a file means here what it means to the many applications that read theirs with
python-dotenv; a test holds this reader against it on any text. Its own parser is not used because it
tries again: a line of blanks or of ``${`` takes it the square of their number, and a long value in
quotes a hundred times its size in memory. Here what a pattern has taken it never gives back
(``*+``, ``++``), and each place of a text is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

__all__ = ["Binding", "Original", "Part", "Reference", "parse_stream", "parse_variables", "parts", "spans"]

# Blank characters but the ends of lines.
_B: Final = r"[^\S\r\n]"
# Blanks before, the word `export`, the name, the equals sign: each as far as it is there. A text of blanks
# alone, a comment and a line that begins wrongly have no name.
_HEAD: Final = re.compile(rf"(\s*+)(?:export{_B}++)?+(?:(?:'([^']++)'|(?!')([^=\#\s]++)){_B}*+(={_B}*+)?)?")
_SINGLE: Final = re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_DOUBLE: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LINE: Final = re.compile(r"[^\r\n]*+")
_COMMENT: Final = re.compile(r"(?<=\s)#")
# What may stand behind a value: blanks, a comment, the end of the line.
_TAIL: Final = re.compile(rf"{_B}*+(?:#[^\r\n]*+)?+(?:\r\n|\n|\r|\Z)")
_REST: Final = re.compile(r"[^\r\n]*+[\r\n]?+")
_ESCAPE: Final = re.compile(r"""\\[\\'"abfnrtv]""")
_END_OF_NAME: Final = re.compile("[}:]")
_SINGLE_ESCAPE: Final = re.compile(r"\\[\\']")
_ESCAPED: Final = {
    f"\\{one}": other for one, other in zip("\\'\"abfnrtv", "\\'\"\a\b\f\n\r\t\v", strict=True)
}


class Original(NamedTuple):
    """What stands in the file, and the line in which it begins; blank lines in front are part of it."""

    string: str
    line: int


class Binding(NamedTuple):
    """A definition; a comment or blanks, without ``key``; or with ``error`` what cannot be read.

    ``value`` is None where there is no equals sign. ``original`` of all of them makes up the file.
    """

    key: str | None
    value: str | None
    original: Original
    error: bool


class Reference(NamedTuple):
    """``${name}`` or ``${name:-default}`` in a value."""

    name: str
    default: str


Part = tuple[str | None, str | None, int, int, bool]


def parse_stream(stream: IO[str]) -> Iterator[Binding]:
    """Yield the definitions, comments and wrong lines of a file, in order."""
    text = stream.read().removeprefix("\ufeff")
    line = 1
    for key, value, start, end, error in parts(text):
        string = text[start:end]
        yield Binding(key, value, Original(string, line), error)
        line += string.count("\n") + string.count("\r") - string.count("\r\n")


def parts(text: str) -> Iterator[Part]:
    """Yield the definitions, comments and wrong lines of a text: key, value, start, end, and whether it is wrong.

    Much quicker than ``Binding`` where there are hundreds of thousands of which nothing is told.
    """
    position = 0
    while position < len(text):
        key, value, end, error, _, _ = _binding(text, position)
        yield key, value, position, end, error
        position = end


def spans(text: str) -> Iterator[tuple[str, str, int, int] | int]:
    """Yield each definition that has a value: key, value, and where its text stands, quotes and all.

    A number is where a line begins that cannot be read.
    """
    position = 0
    while position < len(text):
        key, value, end, error, first, last = _binding(text, position)
        if error:
            yield first
        elif key is not None and value is not None:
            yield key, value, first, last
        position = end


def _binding(text: str, start: int) -> tuple[str | None, str | None, int, bool, int, int]:
    """Return key, value and end of the binding that begins there, whether it cannot be read, and the value's place."""
    head = _HEAD.match(text, start)
    assert head is not None  # noqa: S101 -- nothing in the pattern has to be there
    lead, at = head.end(1), head.end()
    if lead == len(text):
        return None, None, lead, False, lead, lead
    quoted, bare, sign = head.group(2, 3, 4)
    key: str | None = quoted or bare
    value: str | None = None
    first_place = last = at
    if key is None:
        if not text.startswith("#", at):
            return _wrong(text, lead, at)
    elif sign is not None:
        first = text[at : at + 1]
        if first in {"'", '"'}:
            found = (_SINGLE if first == "'" else _DOUBLE).match(text, at)
            if found is None:
                return _wrong(text, lead, at)
            value, at = found[1], found.end()
            last = at
            if "\\" in value:
                value = (_SINGLE_ESCAPE if first == "'" else _ESCAPE).sub(_decoded, value)
        elif first == "#" and len(sign) > 1:
            value, first_place = "", at - len(sign) + 1
            last = first_place
        else:
            found = _LINE.match(text, at)
            assert found is not None  # noqa: S101 -- a line may be empty
            comment = _COMMENT.search(text, at + 1, found.end())
            value = text[at : comment.start() if comment else found.end()].rstrip()
            last = at + len(value)
            at = found.end()
    tail = _TAIL.match(text, at)
    return _wrong(text, lead, at) if tail is None else (key, value, tail.end(), False, first_place, last)


def _wrong(text: str, lead: int, at: int) -> tuple[None, None, int, bool, int, int]:
    rest = _REST.match(text, at)
    return None, None, len(text) if rest is None else rest.end(), True, lead, lead


def _decoded(found: re.Match[str]) -> str:
    return _ESCAPED[found[0]]


def parse_variables(text: str) -> Iterator[str | Reference]:
    """Yield the parts of a value: literal text and ``${NAME}``."""
    start = done = 0
    while (start := text.find("${", start)) >= 0:
        found = _END_OF_NAME.search(text, start + 2)
        if found is None:
            break
        end = close = found.start()
        if text.startswith(":-", end):
            close = text.find("}", end + 2)
            if close < 0:
                break  # nothing behind it can end either
        elif text[end] == ":":
            start = end + 1  # every `${` up to there has the same end
            continue
        if start > done:
            yield text[done:start]
        yield Reference(text[start + 2 : end], text[end + 2 : close])
        start = done = close + 1
    if done < len(text):
        yield text[done:]
