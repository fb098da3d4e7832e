"""``.env`` syntax: how a value is written so that every reader takes it alike, and how a line gets another.

Only the value of a line is replaced; ``export``, blanks, quotes, comment and line end stay.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.late import Late

__all__ = ["UnwritableError", "assigned", "assignment", "masked", "value_of", "written"]

_BARE: Final = re.compile(r"[A-Za-z0-9_./:@+-]+")
_BINDING: Final = Late(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*)
        (?P<sign>=[^\S\r\n]*)?
        (?P<tail>.*)""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
# Control characters, and what YAML takes for a line break: no reader agrees on them.
_CONTROL: Final = Late("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class UnwritableError(ValueError):
    """A value cannot be written so that all readers take it alike; ``what`` in it is the reason."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _refuse(value: str) -> None:
    if found := _CONTROL.search(value):
        raise UnwritableError(found[0])
    if "'" in value:
        raise UnwritableError("'")
    if "${" in value:
        raise UnwritableError("${")  # python-dotenv expands it within single quotes too
    # Some readers take \\ and \' within single quotes for escapes and some do not.
    if "\\\\" in value or value.endswith("\\"):
        raise UnwritableError("\\")


def written(value: str, quote: str = "") -> str:
    """Return a value as it stands behind the equals sign; raises UnwritableError for one that cannot.

    ``quote`` is the quotation mark to use where the value needs none.
    """
    _refuse(value)
    if not value:
        return ""
    if _BARE.fullmatch(value):
        return f"{quote}{value}{quote}"
    return f"'{value}'"


def assignment(name: str, value: str) -> str:
    """Return a whole line; raises UnwritableError."""
    return f"{name}={written(value)}"


def _taken_apart(source: str) -> tuple[str, str, str, str, str] | None:
    """Return head, equals sign, value as written, rest and quotation mark of a definition."""
    found = _BINDING.fullmatch(source)
    if found is None:
        return None
    head, sign, tail = found["head"], found["sign"] or "=", found["tail"]
    quoted = _QUOTED.match(tail)
    if quoted:
        return head, sign, quoted[0], tail[quoted.end() :], tail[0]
    line = re.match(r"[^\r\n]*", tail)
    whole = line[0] if line else ""
    # Right behind the equals sign a # is the value's; behind a blank or a bare name it is a comment's.
    behind = re.match(r"#.*", whole) if len(sign) > 1 or not found["sign"] else None
    comment = behind or re.search(r"\s+#.*", whole)
    old = (whole[: comment.start()] if comment else whole).rstrip()
    return head, sign, old, tail[len(old) :], ""


def assigned(source: str, value: str) -> str | None:
    """Return a definition with another value, None where it is none; raises UnwritableError."""
    parts = _taken_apart(source)
    if parts is None:
        return None
    head, sign, old, rest, quote = parts
    new = written(value, quote)
    if not old and rest.startswith("#"):
        # "NAME= # why": the blank stands before the comment, so the value goes in between.
        sign, rest = "=", f" {rest}"
    if rest.lstrip(" \t").startswith("#"):
        new = new or "''"  # behind nothing a comment would be the value
        rest = rest if rest[0] in " \t" or new[0] in "'\"" else f" {rest}"
    return f"{head}{sign}{new}{rest}"


def masked(source: str, mask: str) -> str | None:
    """Return a definition with a mask for its value, None where it is none; it is to be shown, not read."""
    parts = _taken_apart(source)
    if parts is None:
        return None
    head, sign, old, rest, quote = parts
    value = old[1:-1] if quote else old
    if value and value in rest:  # a comment that says it once more
        rest = rest.replace(value, mask)
    return f"{head}{sign}{quote}{mask}{quote}{rest}"


def value_of(source: str) -> str | None:
    """Return the value of a definition without its quotes, escapes left as they are."""
    parts = _taken_apart(source)
    if parts is None:
        return None
    return parts[2][1:-1] if parts[4] else parts[2]
