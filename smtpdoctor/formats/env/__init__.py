"""``.env`` files: the same text read as each of eleven programs reads it, and values written for each.

Who reads a file decides what stands in it, not what it is called: the same ``.env`` beside a Compose file
is read by Compose, by ``env_file``, and often by the application's own dotenv as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Final, Literal, NamedTuple

from smtpdoctor.formats.building import Builder
from smtpdoctor.formats.document import Document, Remark, RemarkKind, Source
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.env.entry import ENVIRONMENT, Bad, Entry, Names, RefusedError, Scan

__all__ = ["DEFAULT", "READERS", "UnwritableError", "read", "write"]


class _Reader(NamedTuple):
    """A reader: its module, which line ends it makes one, and what a byte order mark does to it.

    ``literal``: ``${NAME}`` stays as it stands. ``raw``: a value needs no quotes, and none are taken off.
    ``ends``: what ends a line for it when that is done.
    """

    module: str
    folds: Literal["all", "crlf", ""] = "all"
    mark: Literal["skipped", "line", "refused"] = "skipped"
    literal: bool = False
    raw: bool = False
    comments: bool = True
    quotes: str = "'\""
    ends: re.Pattern[str] = re.compile("\n")


# What str.splitlines() goes by.
_SPLIT_LINES: Final = re.compile("[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_READERS: Final[Mapping[str, _Reader]] = {
    "dotenv-node": _Reader("node", literal=True, quotes="'\"`"),
    "dotenv-node-expand": _Reader("node", quotes="'\"`"),
    "dotenv-python": _Reader("lines", mark="line"),
    "django-environ": _Reader("lines", mark="line", literal=True, comments=False, ends=_SPLIT_LINES),
    "symfony": _Reader("php", mark="refused"),
    "phpdotenv": _Reader("php"),
    "dotenv-ruby": _Reader("node"),
    "godotenv": _Reader("go", folds="crlf", mark="refused"),
    "compose": _Reader("go", folds=""),
    "docker": _Reader("lines", folds="", literal=True, raw=True, comments=False),
    "shell": _Reader("shell", folds="", mark="line"),
}
READERS: Final = tuple(_READERS)
"""Whose rules there are; ``docker`` is ``docker run --env-file``, and Compose's ``env_file`` with ``format: raw``."""
DEFAULT: Final = "dotenv-python"
_MARK: Final = "\ufeff"


def read(source: Source) -> Document:
    """Read a ``.env`` file as ``source.reader`` does; a file that it refuses says so and holds what stood before."""
    name = source.reader or DEFAULT
    reader = _READERS[name]
    scan: Callable[[str, Names], Scan] = getattr(
        import_module(f"smtpdoctor.formats.env.{reader.module}"), name.replace("-", "_")
    )
    builder = Builder(source, "dotenv")
    text = source.text
    shift = 0
    if text.startswith(_MARK):
        if reader.mark == "refused":
            builder.problem("refused", 0, "BOM")
            return builder.document(environment=True)
        shift = 1
        if reader.mark == "line":
            builder.problem("line", 0, "BOM")
            end = text.find("\n")
            shift = len(text) if end < 0 else end + 1
        text = text[shift:]
    text, original = _folded(text, reader.folds, shift)
    names = Names(source.environment)

    try:
        for found in scan(text, names):
            if isinstance(found, Bad):
                builder.problem(found.kind, original(found.offset), found.detail)
                continue
            names.file[found.name] = found.value
            start, end, remarks = _judged(text, found, reader)
            if found.endless:
                builder.problem("limit", original(start), found.name)
            builder.assign(
                found.name,
                found.value,
                original(start),
                original(end),
                remarks=remarks,
                source=found.source,
                style=_style(text, found, reader),
            )
    except RefusedError as error:
        builder.problem(error.kind, original(error.offset), error.detail)
    return builder.document(environment=True)


def _style(text: str, found: Entry, reader: _Reader) -> str:
    first = text[found.start : found.start + 1]
    if found.source == ENVIRONMENT:
        return ""
    return first if first and first in reader.quotes else "bare"


def _folded(text: str, folds: str, shift: int) -> tuple[str, Callable[[int], int]]:
    """Return a text with one kind of line end, and the function from a place in it to that in the file."""
    if not folds or "\r" not in text:
        return text, lambda offset: offset + shift
    ends: list[int] = []
    at = text.find("\r\n")
    while at >= 0:
        ends.append(at - len(ends))
        at = text.find("\r\n", at + 2)
    text = text.replace("\r\n", "\n")
    if folds == "all":
        text = text.replace("\r", "\n")
    return text, lambda offset: offset + shift + bisect_left(ends, offset)


_QUOTED: Final = {
    quote: re.compile(rf"{quote}((?:[^\\{quote}]++|\\.)*+){quote}", re.DOTALL) for quote in "'\"`"
}
_BEHIND: Final = re.compile(r"[ \t\r]*+(?:#|\n|\Z)")
_OPERATOR: Final = re.compile(r"[;&|<>()](?![ \t\r\n]|\Z)")
_COMMENT: Final = re.compile(r"[ \t]#")
_REFERENCE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*[}:]")
_DECODED: Final = re.compile(r'\\([nrt"\\$])')
_CONTROL: Final = {"n": "\n", "r": "\r", "t": "\t"}


class _Meant(NamedTuple):
    """What the author of a line hardly doubts: where the value ends, and what stands between its quotes."""

    end: int
    quote: str
    inner: str


def _meant(text: str, start: int, least: int, reader: _Reader) -> _Meant:
    ended = reader.ends.search(text, start)
    line = len(text) if ended is None else ended.start()
    quote = text[start : start + 1]
    if quote and quote in reader.quotes:
        closed = _QUOTED[quote].match(text, start, max(line, least))
        if closed is not None and (closed.end() == line or _BEHIND.match(text, closed.end())):
            return _Meant(closed.end(), quote, closed[1])
    if text.startswith("#", start) and start and text[start - 1] in " \t":
        return _Meant(start, "", "")
    comment = _COMMENT.search(text, start, line)
    inner = text[start : line if comment is None else comment.start()].rstrip(" \t\r")
    return _Meant(start + len(inner), "", inner)


def _judged(text: str, found: Entry, reader: _Reader) -> tuple[int, int, tuple[Remark, ...]]:
    """Return where the text of a value begins and ends, and what the reader did to it that was hardly meant."""
    start = found.start
    if found.source == ENVIRONMENT:
        return start, found.end, ()
    meant = _meant(text, start, found.end, reader)
    if reader.module == "shell" and meant.end > found.end and not _OPERATOR.match(text, found.end):
        # Behind it stands another command, or another assignment of the same one.
        meant = meant._replace(end=found.end, inner=text[start : found.end])
    end = max(found.end, meant.end) if reader.module != "shell" else found.end
    kinds: list[tuple[RemarkKind, str]] = []
    if found.expanded:
        kinds.append(("expanded", "$"))
    if found.defaulted:
        kinds.append(("defaulted", ":-"))
    if found.lost:
        kinds.append(("blanks-lost", " "))
    value = found.value
    if value is not None:
        kinds += _of_value(text, found, meant, value, reader)
    return start, end, tuple(Remark(kind, sign) for kind, sign in kinds)


def _of_value(
    text: str, found: Entry, meant: _Meant, value: str, reader: _Reader
) -> Iterator[tuple[RemarkKind, str]]:
    start = found.start
    quote = text[start : start + 1]
    kept = quote in {"'", '"'} and value[:1] == quote and not found.referred
    if kept:
        yield "quotes-kept", quote
    comment = found.end > meant.end and "#" in text[meant.end : found.end] and "#" in value
    if comment:
        yield "comment-kept", "#"
    cut = found.end < meant.end and not found.lost
    if cut:
        behind = text[found.end : found.end + 1]
        yield "value-cut", quote if quote in {"'", '"'} and behind != "#" else behind
    if value.endswith("\r"):
        yield "carriage-return", "\r"
    bare = value.rstrip("\r")
    if not meant.quote and bare != bare.strip(" \t") and not comment and not found.referred:
        yield "blanks-kept", " "
    if (
        reader.literal
        and meant.quote != "'"
        and (named := _REFERENCE.search(value))
        and named[0] in meant.inner
    ):
        yield "unexpanded", "$"
    if "\\" in meant.inner and not (found.referred or kept or comment or cut):
        if value.rstrip("\r \t") != _decoded(meant).rstrip(" \t"):
            yield "escaped", "\\"
    elif kept and "\\" in meant.inner and value != quote + meant.inner + quote:
        yield "escaped", "\\"


def _decoded(meant: _Meant) -> str:
    """Return what an author means by backslashes: escapes in double quotes, elsewhere before a sign."""
    if meant.quote == '"':
        return _DECODED.sub(lambda one: _CONTROL.get(one[1], one[1]), meant.inner)
    if meant.quote == "'":
        return meant.inner.replace("\\'", "'")
    return re.sub(r"\\([$\"'# ])", r"\1", meant.inner)


# --- Writing


class _Everything(Mapping[str, str]):
    """An environment in which every name is set, so that what is expanded shows."""

    def __getitem__(self, name: str) -> str:
        return "\0" + name

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


_SAFE: Final = re.compile(r"[A-Za-z0-9_./:@+,-]+")
# Control characters, and what some programs take for a line break.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\n\t]")
# What may follow in a file: quotes that a value must not reach.
_AFTER: Final = ("\nZ=1\n", " # c\nZ=1\n", "\n#'\"`\n")


def write(value: str, reader: str = DEFAULT, old: str = "") -> str:
    """Return a value as it must stand so that a reader gives it back; raises UnwritableError with the sign.

    ``old`` is the text that stands there now, whose quotation mark is used again where that works.
    """
    spelled = _spelled(value, reader, old)
    if spelled is not None:
        return spelled
    for sign in dict.fromkeys(value):
        if _spelled(f"a{sign}b", reader, "") is None:
            raise UnwritableError(sign)
    for part in (value[:1], value[-1:]):
        if _spelled(f"{part}a{part}", reader, "") is None:
            raise UnwritableError(part)
    # Each of them can be said, and not all of them together.
    raise UnwritableError(next((sign for sign in value if not sign.isalnum()), value[:1]))


def _spelled(value: str, reader: str, old: str) -> str | None:
    for spelled in dict.fromkeys(_spellings(value, _READERS[reader], old[:1])):
        if not _FORBIDDEN.search(spelled) and _gives(spelled, value, reader):
            return spelled
    return None


def _spellings(value: str, reader: _Reader, old: str) -> Iterator[str]:
    """Yield the ways in which a value may stand, the plainest first."""
    safe = not value or _SAFE.fullmatch(value) is not None
    if safe and old in {"'", '"'}:
        yield f"{old}{value}{old}"
    if safe or reader.raw:
        yield value
    double = value.replace("\\", "\\\\").replace('"', '\\"')
    ways = {
        "'": (f"'{value}'" if "'" not in value else "", "'" + value.replace("'", "'\\''") + "'"),
        '"': (
            f'"{value}"' if '"' not in value else "",
            f'"{double}"',
            '"' + double.replace("$", "\\$") + '"',
            '"' + double.replace("$", "$$") + '"',
            '"' + value.replace('"', '\\"') + '"',
            '"' + double.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"',
        ),
        "`": (f"`{value}`" if "`" not in value else "",),
    }
    for quote in dict.fromkeys((old, "'", '"', "`")):
        yield from (one for one in ways.get(quote, ()) if one)
    if not any(sign in value for sign in "#'\"`\\$ \t"):
        yield value


def _gives(spelled: str, value: str, reader: str) -> bool:
    """Return whether a reader gives a value back, whatever is set and whatever stands behind it."""
    comments = _READERS[reader].comments
    for after in _AFTER:
        if after.startswith(" ") and not comments:
            continue
        text = f"A={spelled}{after}"
        document = read(Source(path="", text=text, reader=reader, environment=_Everything()))
        one = document.scopes[0].by_name().get("A")
        if one is None or one.value != value or (one.region.start, one.region.end) != (2, 2 + len(spelled)):
            return False
        if document.problems or ("Z" in after and "Z" not in document.scopes[0].by_name()):
            return False
    return True
