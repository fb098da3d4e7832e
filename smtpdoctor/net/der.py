"""A bounded reader of DER (ITU-T X.690), just enough for certificates.

A certificate comes from a stranger, and a healthy run has to look at each of the chain. The
``cryptography`` package would do it, but its import alone takes longer than a whole check, and it
refuses odd certificates that a report has to describe. So this reads offsets, copies nothing, and
checks every length against the end of what it lies in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["DERError", "children", "epoch", "oid", "text", "value"]

_LONG: Final = 0x80
_MULTIBYTE_TAG: Final = 0x1F
_MAX_LENGTH_BYTES: Final = 3  # 16 MiB: a TLS message holds no more (RFC 8446 section 4)
_ENCODINGS: Final = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
_MAX_TEXT: Final = 512
_MAX_OID: Final = 64
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18


class DERError(ValueError):
    """What was read is no DER, or not what was expected."""


def children(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Walk through the values that follow each other: (tag, begin with its header, begin, end) of each."""
    end = len(data) if end is None else end
    while start < end:
        if start + 2 > end:
            raise DERError("cut off")
        tag = data[start]
        if tag & _MULTIBYTE_TAG == _MULTIBYTE_TAG:
            raise DERError("a tag of several bytes")
        begin = start + 2
        length = data[start + 1]
        if length >= _LONG:
            count = length - _LONG
            if not 1 <= count <= _MAX_LENGTH_BYTES or begin + count > end:
                raise DERError("length")
            length = int.from_bytes(data[begin : begin + count], "big")
            begin += count
        stop = begin + length
        if stop > end:
            raise DERError("longer than what it lies in")
        yield tag, start, begin, stop
        start = stop


def value(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Return where the contents of the first value begin and end, which must have this tag."""
    first = next(children(data, start, end), None)
    if first is None or first[0] != tag:
        raise DERError(f"no value of tag {tag:#x}")
    return first[2], first[3]


def oid(contents: bytes) -> str:
    """Write an object identifier's contents in dotted decimals."""
    if not contents or len(contents) > _MAX_OID or contents[-1] & 0x80:
        raise DERError("object identifier")
    arcs: list[int] = []
    arc = 0
    for byte in contents:
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def text(tag: int, contents: bytes) -> str:
    """Decode a string, whatever is wrong in it; cut where it is longer than anyone would read."""
    return contents[:_MAX_TEXT].decode(_ENCODINGS.get(tag, "latin-1"), "replace")


def epoch(tag: int, contents: bytes) -> int:
    """Return the seconds since 1970 of a UTCTime or a GeneralizedTime (RFC 5280 section 4.1.2.5)."""
    if tag == _UTC_TIME:
        # Two digits of the year: 50 to 99 are of the last century.
        century = b"19" if contents[:1] >= b"5" else b"20"
        contents = century + contents
    elif tag != _GENERALIZED_TIME:
        raise DERError("time")
    digits = contents[:14]
    if not digits.isdigit() or len(contents) != 15 or contents[14:] != b"Z":  # noqa: PLR2004 -- YYYYMMDDHHMMSSZ
        raise DERError("time")
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):  # noqa: PLR2004
        raise DERError("time")
    # The count of days of the proleptic Gregorian calendar, the year beginning in March. Neither calendar
    # nor datetime are imported for it, and years that they refuse (0000) count on.
    year -= month < 3  # noqa: PLR2004
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second
