"""The texts that a text may stand for: with its escapes read, its lines and pieces joined, its words decoded.

Each view knows of its characters where in the text they come from. Escapes are read all at once, and kind by
kind, since what is an escape to one program is a plain text to another; views of views reach what was
encoded more than once. Their number and size are bounded.
"""

from __future__ import annotations

import binascii
import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from html import unescape
from itertools import accumulate, pairwise
from typing import Final

from smtpdoctor.masking.carried import Run, coded, may_code
from smtpdoctor.masking.echoes import decodings, is_clean, is_odd

__all__ = ["THINNERS", "Found", "Span", "View", "is_text", "views"]

Span = tuple[int, int]
Found = tuple[int, int, bool]  # a span, and whether it is of an encoded word
# What stands for what: its start and end, the text instead, and where in it each character of that is; None: everywhere.
Piece = tuple[int, int, str, Callable[[int], Span] | None]
Reading = tuple[str, Callable[[int], Span] | None]  # the end of such a piece
Kind = Callable[[str], Iterable[Piece]]

_DEPTH: Final = 6
_VIEWS: Final = 50
_CHARACTERS: Final = 400_000  # of all views of a text, as long as it is a short one
_SHORT: Final = 20_000
_NOISE: Final = "\u0298"  # a letter that no secret has
_BITS: Final = 8
_PIECE: Final = 4
_LONG_WORD: Final = 16  # characters from which on a word of small letters alone may be encoded
_CACHED: Final = 200  # characters of a word that may be decoded in more than one view

_HEX2: Final = "[0-9A-Fa-f]{2}"
# A code, also one that no reply may have, and the enhanced code behind it (RFC 3463).
_CODE: Final = r"(?:^|\r?\n)[0-9]{3}[- ](?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![.\w]) ?)?"
_SET_IN: Final = r"\n[0-9]{3}[- ][ \t]"
# A line of quoted-printable may end within a character.
_QUOTED: Final = rf"=\r?\n(?:[0-9]{{3}}[- ])?|={_HEX2}(?:(?:=(?:\r?\n|(?==)))?={_HEX2})*"
_BACKSLASH: Final = (
    rf"(?:\\(?:x{_HEX2}|[0-7]{{3}}))+"
    r"|\\(?:u[0-9A-Fa-f]{4}|[ux]\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}|[0-7]{1,2}|[^0-7])"
)
_ENTITY: Final = r"&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?"
_LISTED: Final = (
    rf"(?:0[xX]{_HEX2}[\s,;]*){{2,}}|[0-9]{{1,3}}(?:(?:[\s,;]+|[^0-9A-Za-z]{{1,3}})[0-9]{{1,3}}){{4,}}"
)
_OCTAL: Final = "(?:0?o)?[0-7]{3}(?:[\\s,;]+(?:0?o)?[0-7]{3}){4,}"
# As CSS has them, and printf of shells.
_OCTAL_ESCAPE: Final = r"\\0[0-7]{3}(?![0-9A-Fa-f ])"
_NUMBERED: Final = r"\\[0-9A-Fa-f]{1,6} ?"
_POINT: Final = r"[Uu]\+[0-9A-Fa-f]{4,6}[\s,]?"
# What colours a terminal, and what is written over.
_CONTROL_SEQUENCE: Final = r"\x1b\[[0-?]*[ -/]*[@-~]"
_OVERWRITTEN: Final = r"[^\x08\n]\x08"
_PAIRED: Final = rf"{_HEX2}(?:[: -]{_HEX2}){{4,}}"
# Signs alone: a letter behind a percent sign may be of the secret itself.
_SIGN: Final = "(?:2[0-9A-Fa-f]|3[A-Fa-f]|40|5[B-Fb-f]|60|7[B-Eb-e])"
_JAMO: Final = "[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]+"
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_PRINTED: Final = bytes((0, 1, *range(0x20, 0x7F)))

_compiled = cache(re.compile)


class View:
    """A text that another one stands for, and where its characters come from.

    ``decodes``: encoded words were decoded for it; ``decoded``: or for what it was made of. ``glued``: words
    were joined that may be parts of one. ``vague``: a word was decoded that may be an encoding of nothing.
    ``backwards``: it is read from the end. ``thinned``: only each second of its characters is left.
    """

    def __init__(self, text: str, parent: View | None = None, kind: Kind | None = None) -> None:
        self.text = text
        self.decodes = kind in {_decoded, _decoded_vaguely}
        self.decoded: bool = self.decodes or (parent is not None and parent.decoded)
        self.glued: bool = kind is _glued or (parent is not None and parent.glued)
        self.vague: bool = kind is _decoded_vaguely or (parent is not None and parent.vague)
        self.backwards: bool = kind is _backwards or (parent is not None and parent.backwards)
        self.unfolded = kind in {_lines, _lines_set_in} and parent is not None and parent.is_first
        self.thinned: bool = kind in THINNERS
        self._parent = parent
        self._kind = kind
        self._origin: _Origin | None = None

    @property
    def is_first(self) -> bool:
        """Whether it is the text itself."""
        return self._parent is None

    def through(self, kind: Kind) -> View | None:
        """Return the view in which something stands for something else, or None where nothing does."""
        parts: list[str] = []
        end = 0
        for start, stop, text, _ in kind(self.text):
            parts += (self.text[end:start], text)
            end = stop
        if not parts:
            return None
        parts.append(self.text[end:])
        return View("".join(parts), self, kind)

    def spans(self, found: Iterable[Found]) -> Iterator[Found]:
        """Yield where runs of this view stand in the text that was given.

        With each is told whether it is of an encoded word, of which the rest is to be known, too.
        """
        if self._parent is None or self._kind is None:
            yield from found
            return
        if self._origin is None:
            self._origin = _Origin(self._kind(self._parent.text))
        yield from self._parent.spans(self._above(found, self._origin))

    def _above(self, found: Iterable[Found], origin: _Origin) -> Iterator[Found]:
        for start, end, encoded in found:
            first, last = origin.of(start), origin.of(end - 1)
            if self.backwards and first > last:
                first, last = last, first
            yield first[0], last[1], encoded or (self.decodes and origin.touches(start, end))


class _Origin:
    """Where the characters of a view stand in the text that it was made of."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._starts: list[int] = []
        self._pieces: list[tuple[int, Piece]] = []  # with the place behind it
        moved = 0
        for piece in pieces:
            start, stop, text, _ = piece
            self._starts.append(start + moved)
            self._pieces.append((start + moved + len(text), piece))
            moved += len(text) - (stop - start)

    def of(self, place: int) -> Span:
        """Return where the character at a place comes from."""
        number = bisect_right(self._starts, place) - 1
        if number < 0:
            return place, place + 1
        end, (start, stop, _, within) = self._pieces[number]
        if place >= end:
            return stop + place - end, stop + place - end + 1
        if within is None:
            return start, stop
        first, last = within(place - self._starts[number])
        return start + first, start + last

    def touches(self, start: int, end: int) -> bool:
        """Tell whether something in a run was put in the place of something else."""
        number = bisect_right(self._starts, end - 1) - 1
        return number >= 0 and self._pieces[number][0] > start


def views(text: str, depth: int = _DEPTH) -> Iterator[View]:
    """Yield a text, and what it may stand for, by and by deeper."""
    first = View(text)
    yield first
    if len(text) > _SHORT:
        yield from _few_views(first)
        return
    seen = {text}
    left = _CHARACTERS
    level = [first]
    for number in range(depth):
        deeper: list[View] = []
        for view in level:
            for kind in _kinds(view, first=not number):
                found = view.through(kind)
                if found is None or found.text in seen:
                    continue
                left -= len(found.text)
                if left < 0 or len(seen) > _VIEWS:
                    return
                seen.add(found.text)
                if kind not in _LAST:
                    deeper.append(found)
                yield found
        level = deeper


def _few_views(view: View) -> Iterator[View]:
    """Yield some views of a text that is longer than what people say."""
    for kind in (_escapes, _decoded, _escapes):
        found = view.through(kind)
        if found is not None:
            view = found
            yield view


def _kinds(view: View, *, first: bool) -> Iterator[Kind]:
    text = view.text
    signs = [sign for sign in _ESCAPES if sign in text]
    if first or "\n" in text:
        yield from _unfoldings(text)
    if len(signs) > 1:
        yield _escapes
    for sign in signs:
        yield _ESCAPES[sign]
        if sign in _SIGNS:
            yield _SIGNS[sign]
    if not text.isascii():
        yield _syllables
    if "=?" in text:
        yield _headers
    yield _listed
    yield _paired
    if first:
        yield _spelled
    if view.decodes or not view.glued:
        yield _glued
    yield _decoded
    if not view.vague:
        yield _decoded_vaguely
    if first or view.unfolded:
        yield _renumbered
        if may_code(text.encode("ascii", "replace")):
            yield from _CODED
    if first:
        yield _octal
        yield _backwards


def _unfoldings(text: str) -> Iterator[Kind]:
    yield _lines
    if _compiled(_SET_IN).search(text):
        yield _lines_set_in


def _text_of(data: bytes, width: int) -> Reading:
    """Return bytes as a text, and where each character of it stands if each byte takes so many characters."""
    wide = _wide(data)
    if wide is not None:
        return wide, _each(2 * width)
    if data.isascii():
        return data.decode(), _each(width)
    text = data.decode("utf-8", "surrogateescape")
    if width < _BITS and 4 * sum("\udc80" <= one <= "\udcff" for one in text) > len(data):
        return data.decode("latin-1"), _each(width)
    ends = accumulate((width * len(one.encode("utf-8", "surrogateescape")) for one in text), initial=0)
    return text, list(pairwise(ends)).__getitem__


def _wide(data: bytes) -> str | None:
    """Return what bytes say in UTF-16, where most of its characters have a zero byte and some do not."""
    if len(data) < 2 * _PIECE or len(data) % 2:
        return None
    for page, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        # With a zero in each, what is read of the bytes is the same but for the zeros.
        if len(zeros) / 3 <= zeros.count(0) < len(zeros):
            text = data.decode(page, "surrogatepass")
            if all(map(_may_be_said, text)):
                return text
    return None


@cache
def _each(width: int) -> Callable[[int], Span]:
    return lambda place: (width * place, width * place + width)


def _read_bytes(escapes: str) -> Reading:
    """Read escapes of one sign and two digits each."""
    return _text_of(bytes.fromhex(escapes.replace(escapes[0], "")), 3)


def _read_nothing(_: str) -> Reading:
    return "", None


def _read_point(escape: str) -> Reading:
    point = int(escape[2:].rstrip(" ,\t\r\n"), 16)
    return chr(point) if point <= sys.maxunicode else "", None


def _read_quoted(escapes: str) -> Reading:
    parts = list(_compiled(f"=({_HEX2})").finditer(escapes))
    plain, within = _text_of(bytes(int(one[1], 16) for one in parts), 1)
    spans = [within(place) for place in range(len(plain))] if within else []
    return plain, [(parts[first].start(), parts[last - 1].end()) for first, last in spans].__getitem__


def _read_wide_percent(escape: str) -> Reading:
    return chr(int(escape[2:6], 16)), None


def _read_backslash(escape: str) -> Reading:
    """Read escapes of C, JSON, Python and shells."""
    if len(escape) >= 4 and escape[1] in "x01234567" and escape[2] != "{":  # noqa: PLR2004
        numbers = (int(one[1:], 16) if one[0] == "x" else int(one, 8) & 255 for one in escape[1:].split("\\"))
        return _text_of(bytes(numbers), 4)
    first = escape[1]
    if len(escape) > 2:  # noqa: PLR2004
        point = int(escape[2:].strip("{}"), 16) if first in "uUx" else int(escape[1:], 8)
        return chr(point) if point <= sys.maxunicode else "", None
    return chr(int(first)) if first.isdecimal() else _CONTROLS.get(first, first), None


def _read_entity(escape: str) -> Reading | None:
    plain = unescape(escape)
    return None if plain == escape else (plain, None)


def _read_listed(numbers: str) -> Reading:
    """Read bytes as a program lists them: 0x70, 0x77 or 112, 119."""
    parts = list(_compiled("0[xX][0-9A-Fa-f]{2}|[0-9]{1,3}").finditer(numbers))
    data = bytes(int(one[0], 16 if "x" in one[0].lower() else 10) & 255 for one in parts)
    plain, within = _text_of(data, 1)
    spans = [within(place) for place in range(len(plain))] if within else []
    return plain, [(parts[first].start(), parts[last - 1].end()) for first, last in spans].__getitem__


def _read_octal(numbers: str) -> Reading:
    """Read bytes in three octal digits each: 160 167."""
    parts = list(_compiled("[0-7]{3}").finditer(numbers))
    plain, within = _text_of(bytes(int(one[0], 8) & 255 for one in parts), 1)
    spans = [within(place) for place in range(len(plain))] if within else []
    return plain, [(parts[first].start(), parts[last - 1].end()) for first, last in spans].__getitem__


def _read_numbered(escape: str) -> Reading:
    point = int(escape[1:].rstrip(" "), 16)
    return chr(point) if point <= sys.maxunicode else "", None


def _read_octal_escape(escape: str) -> Reading:
    return chr(int(escape[1:], 8) & 255), None


def _read_paired(numbers: str) -> Reading:
    """Read bytes in two digits each: 70:77."""
    plain, within = _text_of(bytes.fromhex(numbers.replace(":", " ").replace("-", " ")), 3)
    spans = [within(place) for place in range(len(plain))] if within else []
    return plain, [(first, last - 1) for first, last in spans].__getitem__


def _read_jamo(parts: str) -> Reading:
    """Read Korean in parts of syllables, as file names on a Mac have it."""
    return unicodedata.normalize("NFC", parts), None


def _kind(*readers: tuple[str, Callable[[str], Reading | None]]) -> Kind:
    """Return what reads all that matches a pattern; the first reader whose pattern matches has it."""
    pattern = "|".join(f"({one})" for one, _ in readers)

    def pieces(text: str) -> Iterator[Piece]:
        for found in _compiled(pattern).finditer(text):
            reading = readers[(found.lastindex or 1) - 1][1](found[0])
            if reading is not None:
                yield found.start(), found.end(), *reading

    return pieces


_CODES: Final = (_CODE, _read_nothing)
_PERCENT: Final = (rf"(?:%{_HEX2})+", _read_bytes)
_WIDE_PERCENT: Final = ("%[uU][0-9A-Fa-f]{4}", _read_wide_percent)
_PLUS: Final = (rf"(?:\+{_HEX2})+", _read_bytes)
_ESCAPES: Final[Mapping[str, Kind]] = {
    "%": _kind(_PERCENT, _WIDE_PERCENT),
    "=": _kind((_QUOTED, _read_quoted)),
    "+": _kind((_POINT, _read_point), _PLUS),
    "\\": _kind((_BACKSLASH, _read_backslash)),
    "&": _kind((_ENTITY, _read_entity)),
    "\x1b": _kind((_CONTROL_SEQUENCE, _read_nothing)),
    "\b": _kind((_OVERWRITTEN, _read_nothing)),
}
_SIGNS: Final[Mapping[str, Kind]] = {
    "%": _kind((f"(?:%{_SIGN})+", _read_bytes)),
    "=": _kind((f"(?:={_SIGN})+", _read_bytes)),
    "\\": _kind((_OCTAL_ESCAPE, _read_octal_escape), (_NUMBERED, _read_numbered)),
}
_lines = _kind(_CODES)
_lines_set_in = _kind((rf"{_CODE}[ \t]*", _read_nothing))
_escapes = _kind(
    *(_CODES, _PERCENT, _WIDE_PERCENT, (_QUOTED, _read_quoted), _PLUS),
    *((_BACKSLASH, _read_backslash), (_ENTITY, _read_entity)),
)
_listed = _kind((_LISTED, _read_listed))
_paired = _kind((_PAIRED, _read_paired))
_octal = _kind((_OCTAL, _read_octal))
_syllables = _kind((_JAMO, _read_jamo))


def _backwards(text: str) -> Iterator[Piece]:
    size = len(text)
    yield 0, size, text[::-1], lambda place: (size - 1 - place, size - place)


def _thinned(first: int) -> Kind:
    """Return what leaves out each second character, such as what stands between those of a word."""

    def pieces(text: str) -> Iterator[Piece]:
        yield 0, len(text), text[first::2], lambda place: (first + 2 * place, first + 2 * place + 1)

    return pieces


THINNERS: Final = (_thinned(0), _thinned(1))


def _spelled(text: str) -> Iterator[Piece]:
    """Join characters that stand one by one, with the same signs between all of them."""
    for found in _compiled(r"(?<!\w)\w(\W{1,4})\w(?:\1\w)+(?!\w)").finditer(text):
        if not any(map(str.isalpha, found[0])):
            continue  # an enhanced code
        for place in range(found.start() + 1, found.end() - 1, 1 + len(found[1])):
            yield place, place + len(found[1]), "", None


def _run_read(run: Run) -> tuple[str, Callable[[int], Span] | None]:
    """Return what a row of numbers says, and which of them each character is."""
    if all(value < 0x100 for _, _, value in run):  # noqa: PLR2004
        plain, within = _text_of(bytes(value for _, _, value in run), 1)
        spans = [within(place) for place in range(len(plain))] if within else []
    else:
        plain = "".join(chr(value) for _, _, value in run)
        spans = [(place, place + 1) for place in range(len(run))]
    begin = run[0][0]
    return plain, [(run[first][0] - begin, run[last - 1][1] - begin) for first, last in spans].__getitem__


def _coded(number: int) -> Kind:
    """Return what reads numbers as characters, as they are written in one way."""

    def pieces(text: str) -> Iterator[Piece]:
        for run in coded(text, number):
            yield run[0][0], run[-1][1], *_run_read(run)

    return pieces


_CODED: Final = tuple(map(_coded, range(6)))


def _renumbered(text: str) -> Iterator[Piece]:
    """Read words that are whole numbers of a large base."""
    for found in _compiled(r"[A-Za-z0-9]{8,}").finditer(text):
        if found[0].isalpha() and not is_odd(found[0]):
            continue
        from smtpdoctor.masking.packed import renumbered

        for data in renumbered(found[0].encode()):
            if is_text(data):
                yield found.start(), found.end(), f"\1{data.decode()}\1", None
                break


# What comes of these is a text as it is, or none.
_LAST: Final = frozenset({_spelled, _renumbered, *_CODED})


def _headers(text: str) -> Iterator[Piece]:
    """Read encoded words of headers (RFC 2047); what is between two of them is nothing."""
    pattern = r"=\?[^?\s]{1,60}\?([BbQq])\?([^?\s]*)\?=(?:\s+(?==\?))?"
    for found in _compiled(pattern).finditer(text):
        start, end = found.span(2)
        if found[1] in "bB":
            with suppress(ValueError):
                data = binascii.a2b_base64(found[2] + "=" * (-len(found[2]) % 4))
                yield found.start(), found.end(), data.decode("utf-8", "surrogateescape"), None
                continue
        yield found.start(), start, "", None
        yield end, found.end(), "", None


def _glued(text: str) -> Iterator[Piece]:
    """Join words that look like pieces of one: all of one length but for the last, or in a disorder of capitals."""
    end = size = 0
    odd = glued = False
    for found in _compiled(r"[A-Za-z0-9+/_-]+={0,2}").finditer(text):
        start, stop = found.span()
        word = found[0].rstrip("=")
        length, now = len(word), is_odd(word)
        joins = length == size or (odd and now) or ((odd or glued) and length < size)
        if size and joins and not any(map(str.isalnum, text[end:start])):
            yield end, start, "", None
        glued = joins and length == size
        end, odd, size = stop, now, length


def _decoded(text: str) -> Iterator[Piece]:
    """Decode words that are an encoding of a text."""
    return _decode(text, surely=True)


def _decoded_vaguely(text: str) -> Iterator[Piece]:
    """Decode words that may be an encoding of something in which a text is."""
    return _decode(text, surely=False)


def _decode(text: str, *, surely: bool) -> Iterator[Piece]:
    for found in _compiled(r"[A-Za-z0-9+/_-]{8,}={0,2}").finditer(text):
        word = found[0].rstrip("=")
        if word.isalpha() and (word.islower() or word.istitle()) and len(word) < _LONG_WORD:
            continue  # most words by far
        sure, data, start, bits = (_likeliest_again if len(word) <= _CACHED else _likeliest)(word)
        if surely == sure and data:
            plain, within = _text_of(data, _BITS)
            if not sure:
                # What is no text must not become one where it is folded.
                plain = "".join(one if _may_be_said(one) else _NOISE for one in plain)
            # Signs that are not seen part it from what is around.
            place_of = _decoded_place(within, len(plain), start, bits, len(found[0]))
            yield found.start(), found.end(), f"\1{plain}\1", place_of


def _likeliest(word: str) -> tuple[bool, bytes, int, int]:
    """Return what a word is likeliest an encoding of: whether it surely is, the data, where they begin, how many bits."""
    from smtpdoctor.masking.packed import inflated

    best = (0, b"", 0, 0)
    for data, start, bits in decodings(word.replace("-", "+").replace("_", "/").encode()):
        if is_text(data):
            return True, data, start, bits
        if more := inflated(data):
            return True, more, start, bits
        clean = len(data) - len(data.translate(None, _PRINTED))
        if clean > best[0]:
            best = clean, data, start, bits
    clean, data, start, bits = best
    return False, data if clean >= _PIECE else b"", start, bits


_likeliest_again = lru_cache(512)(_likeliest)


def _decoded_place(
    within: Callable[[int], Span] | None, size: int, first: int, bits: int, length: int
) -> Callable[[int], Span]:
    """Return where the characters of a decoded word stand in it."""

    def place_of(place: int) -> Span:
        if not 0 < place <= size or within is None:
            return (0, 1) if place <= 0 else (length - 1, length)
        start, end = within(place - 1)
        return min(first + start // bits, length - 1), min(first - -end // bits, length)

    return place_of


def is_text(data: bytes) -> bool:
    """Tell whether data are a text, or the message of a SASL mechanism."""
    if data.isascii():
        return is_clean(data)
    try:
        return all(map(_may_be_said, data.decode()))
    except UnicodeDecodeError:
        return False


def _may_be_said(one: str) -> bool:
    return one.isprintable() or one in "\0\1\t\r\n" or unicodedata.category(one) == "Cf"
