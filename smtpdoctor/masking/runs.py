"""Reads a text closely for what it has in common with secrets, and masks that.

Every view of the text is folded, and runs that it shares with a needle become spans of the text. What is
left is read again, since two halves may have stood around what was masked.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b32decode, b32encode, b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import compress, islice
from typing import Final

from smtpdoctor.masking.carried import chained, words_of
from smtpdoctor.masking.echoes import Needles, Sieve, bytes_of, encodings, is_clean
from smtpdoctor.masking.views import THINNERS, Found, Span, View, is_text, views
from smtpdoctor.model import Secret

__all__ = ["Search", "dense", "fold", "mistaken", "other_bytes"]

_HANGUL: Final = ("가", "힣")
_QUOTES: Final = "\"'`\\"
_KEPT: Final = 20_000  # characters of which it is kept in mind what they fold to
_ROUNDS: Final = 6
_LAST_ROUNDS: Final = 3
_MOST: Final = 1_000  # echoes in one text
_BLOCK: Final = 4_096
_HEAD: Final = re.compile(r"([0-9]{3}[- ])(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![.\w]) ?)?")
_IN_WORDS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_SHARED: Final = 5
# For which programs take the bytes of UTF-8, besides our own two.
_OTHER_PAGES: Final = (
    "cp1252",
    "cp437",
    "cp1251",
    "koi8-r",
    "gbk",
    "big5",
    "shift-jis",
    "euc-jp",
    "utf-16-le",
    "utf-16-be",
)
_RARE: Final = 4  # characters
_LIST_SIGNS: Final = (" ", ", ", ",", ";", "-", ":")
_PARTED: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")
_FEW_WORDS: Final = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")


class _Table(dict[int, str | None]):
    """What each character folds to, as ``str.translate`` wants it."""

    def __init__(self, keeps: Callable[[str], bool]) -> None:
        super().__init__()
        self._keeps = keeps

    def __missing__(self, point: int) -> str | None:
        if len(self) >= _KEPT:
            self.clear()
        found = self[point] = "".join(filter(self._keeps, _in_one_case(chr(point)))) or None
        return found


def _in_one_case(one: str) -> str:
    if _HANGUL[0] <= one <= _HANGUL[1]:
        return one
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", one).upper().casefold())
    if plain.isascii() or not (plain.isalnum() or unicodedata.category(one) in {"Cf", "So"}):
        return plain
    from smtpdoctor.masking.lookalikes import plain_letter

    return "".join(map(plain_letter, plain))


def _visible(one: str) -> bool:
    return not one.isspace() and unicodedata.category(one)[0] not in "CM"


_FOLD: Final = _Table(str.isalnum)
_DENSE: Final = _Table(lambda one: _visible(one) and one not in _QUOTES)
_WORD: Final = _Table(lambda one: _visible(one) or one.isspace())


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return the letters and digits of a text in one case, without marks."""
    return _composed(text).translate(_FOLD)


def dense(text: str) -> str:
    """Return the visible characters of a text in one case, without quotes."""
    return _composed(text).translate(_DENSE)


def mistaken(secret: str) -> list[str]:
    """Return a secret that is not ASCII, folded, and what it becomes where its bytes are taken for other text."""
    return [fold(secret), *(one.translate(_FOLD) for one in _taken(secret))]


def _taken(secret: str) -> Iterator[str]:
    if not secret.isascii():
        raw = bytes_of(secret)
        yield from (one.decode("latin-1") for one in (raw, *other_bytes(secret)))
        # What is no UTF-8 is read as Korean first, and so are the bytes of a server that has made Latin-1 of it.
        latin = unicodedata.normalize("NFC", secret).encode("latin-1", "ignore")
        yield from (one[start:].decode("cp949", "ignore") for one in (raw, latin) for start in range(2))
        for page in _OTHER_PAGES:
            yield from dict.fromkeys(raw[start:].decode(page, "ignore") for start in range(2))


def _read(secret: str) -> list[str]:
    """Return what a secret becomes where something in it is taken for an escape."""
    found = [view.text for view in views(secret, depth=1) if not view.glued | view.decodes]
    return [one for one in found if one != secret]


def other_bytes(secret: str) -> list[bytes]:
    """Return a secret that is not ASCII in other code pages, and in parts of characters."""
    found = [bytes_of(unicodedata.normalize(form, secret)) for form in ("NFC", "NFD")]
    for page in ("cp949", "latin-1"):
        try:
            found.append(secret.encode(page))
        except UnicodeEncodeError:
            continue
    raw = bytes_of(secret)
    return [one for one in dict.fromkeys(found) if one != raw]


class _Folded:
    """A folded text, and where in the text each of its characters stands."""

    def __init__(self, text: str, table: _Table) -> None:
        self.text = text.translate(table)
        self._places: list[int] = []
        self._given = text
        self._done = 0
        self._table = table

    def span(self, start: int, end: int) -> Span:
        """Return where a run of it stands in the text."""
        table, places = self._table, self._places
        while len(places) < end:
            part = self._given[self._done : self._done + _BLOCK]
            numbers = range(self._done, self._done + len(part))
            self._done += len(part)
            if part.isascii():  # in which a character folds to one or to none
                places += compress(numbers, map(table.__getitem__, part.encode()))
            else:
                folded = [table[ord(one)] for one in part]
                if any(len(one) > 1 for one in set(folded) if one):
                    places += (place for place, one in zip(numbers, folded, strict=True) for _ in one or "")
                else:
                    places += compress(numbers, folded)
        return places[start], places[end - 1] + 1


class _Grams:
    """All runs of one length that give a secret away."""

    def __init__(self, least: int, *, encoded: bool) -> None:
        self.least = least
        self.encoded = encoded
        self.texts: list[str] = []
        self.ascii = True

    def add(self, text: str) -> None:
        """Add a needle."""
        self.texts.append(text)
        self.ascii = self.ascii and text.isascii()

    @cached_property
    def known(self) -> set[str]:
        """The runs themselves, forwards and backwards."""
        least = self.least
        return {
            text[start : start + least]
            for one in self.texts
            for text in (one, one[::-1])
            for start in range(len(text) - least + 1)
        }

    def stretches(self, text: str, regions: Iterable[Span]) -> Iterator[Span]:
        """Yield the longest runs of some regions of a text of which every part is known."""
        least, known = self.least, self.known
        first = last = -2
        for start, end in regions:
            for block in range(start, end - least + 1, _BLOCK):
                places = range(block, min(block + _BLOCK, end - least + 1))
                for hit in [one for one in places if text[one : one + least] in known]:
                    if hit > last + 1:
                        if first >= 0:
                            yield first, last + least
                        first = hit
                    last = max(hit, last)  # regions may overlap
        if first >= 0:
            yield first, last + least

    def whole(self, text: str) -> Iterator[Span]:
        """Yield where a needle stands as a whole."""
        for one in self._whole:
            if one in text:
                yield from _all(text, one)

    @cached_property
    def _whole(self) -> list[str]:
        return list(dict.fromkeys(one for text in self.texts for one in (text, text[::-1])))


def _all(text: str, one: str) -> Iterator[Span]:
    start = text.find(one)
    while start >= 0:
        yield start, start + len(one)
        start = text.find(one, start + 1)


def _grams(pairs: Iterable[tuple[str, int]], *, encoded: bool) -> list[_Grams]:
    found: dict[int, _Grams] = {}
    for text, least in pairs:
        found.setdefault(least, _Grams(least, encoded=encoded)).add(text)
    return list(found.values())


class Search:
    """Looks for secrets in texts; ``public`` is shown anyway."""

    def __init__(self, needles: Sequence[Needles], public: Sequence[str], sieve: Sieve) -> None:
        self._needles = needles
        self._public = public
        self._sieve = sieve
        many = [one for one in needles if not one.few]
        self._raw = [one.secret for one in many]
        plain = [pair for one in needles for pair in one.plain]
        for one in many:
            variants = [
                (text, one.least(text)) for text in map(fold, _read(one.secret)) if len(text) >= _SHARED
            ]
            sieve.learn(variants, long=one.long)
            plain += variants
        self._folded = [
            *_grams(plain, encoded=False),
            *_grams((pair for one in needles for pair in one.encoded), encoded=True),
        ]
        self._signs = _grams(((w, len(w)) for one in many for w in (*one.windows, *one.odd)), encoded=False)
        self._dense = [one.dense for one in many if one.windows]
        self._ends = {one.folded: _ends(one.dense) for one in many if one.windows}
        self._cores = [core for one in needles for core in one.cores]
        self._foreign = not all(grams.ascii for grams in self._folded)
        self._few = [_Few(one) for one in needles if one.few]

    def masked(self, text: str, *, whole: bool) -> str:
        """Return a text without what it shares with a secret; ``whole``: only whole secrets count."""
        for number in range(_ROUNDS + _LAST_ROUNDS):
            spans = sorted(islice(self._spans(text, whole=whole), _MOST))
            if not spans:
                return text
            if len(spans) == _MOST or number >= _ROUNDS:
                # Echoes without end, or secrets within secrets within secrets: made on purpose.
                spans = [(spans[0][0], len(text))]
            masked = _covered(text, spans)
            if masked == text:
                return text
            text = masked
        return _covered(text, [(0, len(text))])

    def _spans(self, text: str, *, whole: bool) -> Iterator[Span]:
        for view in self._views(text):
            found = list(islice(self._found(view, whole=whole), _MOST))
            for few in self._few:
                found += ((start, end, False) for start, end in islice(few.found(view), _MOST))
            if view.is_first:
                yield from self._in_pieces(text, whole=whole)
            done = 0
            for start, end, encoded in view.spans(sorted(found)):
                if not encoded:
                    yield start, end
                elif end > done:
                    first, done = _word_around(text, start, end)
                    while text[done : done + 1] == "=":  # what fills the end of base64
                        done += 1
                    yield first, done

    def _views(self, text: str) -> Iterator[View]:
        yield from views(text)
        if not text.isascii() or self._sieve.shares_thinly(text.encode()):
            for kind in THINNERS:
                view = View(text).through(kind)
                if view is not None:
                    yield view

    def _found(self, view: View, *, whole: bool) -> Iterator[Found]:
        text = view.text
        for secret in self._raw:
            if secret in text:
                yield from ((start, end, False) for start, end in _all(text, secret))
        if self._cores:
            standard = text.replace("-", "+").replace("_", "/")
            for core in self._cores:
                yield from ((start, end, True) for start, end in _all(standard, core))
        yield from self._in_folded(view, whole=whole)
        if self._signs:
            yield from self._in_dense(text, whole=whole)

    def _in_folded(self, view: View, *, whole: bool) -> Iterator[Found]:
        text = view.text
        folded = _Folded(text, _FOLD)
        data = folded.text.encode("ascii", "replace")
        near = list(self._sieve.regions(data))
        if not near and (text.isascii() or not self._foreign):
            return
        for grams in self._folded:
            done = 0
            regions = near if grams.ascii else [(0, len(data))]
            for start, end in grams.whole(folded.text) if whole else grams.stretches(folded.text, regions):
                run = folded.text[start:end]
                if not whole and self._is_public(run, encoded=grams.encoded):
                    continue
                first, last = folded.span(start, end)
                if not grams.encoded:
                    yield *self._with_ends(text, run, first, last), False
                elif last > done:
                    if not (view.glued or view.thinned):
                        first, last = _word_around(text, first, last)
                    done = last
                    yield first, last, True

    def _with_ends(self, text: str, run: str, first: int, last: int) -> Span:
        """Return a run with the signs with which a secret begins or ends that is in it as a whole."""
        for folded, (before, behind) in self._ends.items():
            if folded in run:
                least, most = first - len(before), last + len(behind)
                while first > max(least, 0) and text[first - 1] in before:
                    first -= 1
                while last < min(most, len(text)) and text[last] in behind:
                    last += 1
        return first, last

    def _in_pieces(self, text: str, *, whole: bool) -> Iterator[Span]:
        """Yield the words which are pieces of a secret, one behind the other."""
        if whole:
            return
        words = words_of(text, str.lower if text.isascii() else fold)
        for needles in self._needles:
            for needle, least in needles.plain[:1]:
                for piece, places in chained(words, needle, least):
                    if not self._is_public(piece, encoded=False):
                        yield from places

    def _in_dense(self, text: str, *, whole: bool) -> Iterator[Found]:
        data = text.encode("ascii", "replace")
        if text.isascii() and not (self._sieve.has_signs(data) or self._sieve.has_odd(data)):
            return
        folded = _Folded(text, _DENSE)
        for grams in self._signs:
            for start, end in grams.stretches(folded.text, [(0, len(folded.text))]):
                run = folded.text[start:end]
                is_whole = any(one in run for one in self._dense)
                # Asterisks alone are what a mask looks like.
                if run.strip("*") and (is_whole or not (whole or run in self._public_dense)):
                    yield *folded.span(start, end), False

    def _is_public(self, run: str, *, encoded: bool) -> bool:
        """Tell whether what a text shares with a secret is shared by what is shown anyway, too."""
        if not self._public:
            return False
        if any(one in run for grams in self._folded if grams.encoded == encoded for one in grams.texts):
            return False
        shown = self._public_encoded if encoded else self._public_folded
        return run in shown or run[::-1] in shown

    @cached_property
    def _public_folded(self) -> str:
        return "\n".join(map(fold, self._public))

    @cached_property
    def _public_dense(self) -> str:
        return "\n".join(map(dense, self._public))

    @cached_property
    def _public_encoded(self) -> str:
        # At its ends what is shown may be followed by nothing, or by a zero.
        ended = (text for one in self._public for text, _ in encodings(f"\0{one}\0"))
        return "\n".join((*ended, *(text for one in self._public for text, _ in encodings(one))))


def _ends(packed: str) -> tuple[str, str]:
    """Return the signs before the first letter and behind the last one."""
    signs = [place for place, one in enumerate(packed) if one.isalnum()]
    return (packed[: signs[0]], packed[signs[-1] + 1 :]) if signs else ("", "")


def _word_around(text: str, start: int, end: int) -> Span:
    """Return a run of an encoded text with the rest of its word."""
    while start and text[start - 1] in _IN_WORDS:
        start -= 1
    while end < len(text) and text[end] in _IN_WORDS:
        end += 1
    return start, end


class _Few:
    """A secret of so few characters that many words have them: looked for as a word of its own."""

    def __init__(self, needles: Needles) -> None:
        secret = needles.secret.strip()
        word = _composed(secret).translate(_WORD)
        self._words = [one for one in dict.fromkeys((word, word[::-1])) if one]
        self._anywhere = len(word) >= (_RARE if secret.isascii() else _RARE - 1)
        cases = {secret, secret.lower(), secret.upper(), secret.swapcase(), needles.secret}
        cases |= {one[::-1] for one in cases}
        self._parts = {bytes_of(one) for one in cases}
        forms = dict.fromkeys(
            (secret, *_taken(secret), *_encoded(self._parts), *_wide(cases), *_listed(secret))
        )
        self._forms = [one for one in forms if one]

    def found(self, view: View) -> Iterator[Span]:
        """Yield where the secret stands by itself, or encoded by itself or as a part of a login."""
        if view.decoded or view.backwards or view.thinned:
            return
        text = view.text
        for found in islice(_FEW_WORDS.finditer(text), _MOST):
            if self._is_in(found[0], 2):
                yield found.span()
        if view.glued:
            return
        for form in self._forms:
            for start, end in _all(text, form):
                if _stands_alone(text, start, end):
                    yield start, end
        # A control may split a secret, and it may part it from others.
        for split in dict.fromkeys((text, text.translate(_PARTED))):
            folded = _Folded(split, _WORD)
            for word in self._words:
                for start, end in _all(folded.text, word):
                    if self._anywhere or _stands_alone(folded.text, start, end):
                        yield folded.span(start, end)

    def _is_in(self, word: str, depth: int) -> bool:
        """Tell whether a word is a login that was encoded, or a part of one."""
        for data in _simple_decodings(word):
            plain = data[::2] if len(data) > 1 and not any(data[1::2]) else data
            if not is_text(plain):
                continue
            for part in re.split(rb"[\0\1]", plain):
                if (
                    part in self._parts
                    or part.decode() in self._forms
                    or re.split(rb"[ =:]", part)[-1] in self._parts
                ):
                    return True
            if depth and is_clean(plain):
                inner = _FEW_WORDS.finditer(plain.decode())
                if any(self._is_in(found[0], depth - 1) for found in inner):
                    return True
        return False


def _encoded(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield what encodings make of a few bytes."""
    for part in parts:
        if len(part) == 1:
            # Two letters or digits are a word or number too often, but for the sign behind them.
            yield from (b64encode(part).decode(), b32encode(part).decode())
            continue
        for data in (part, b64encode(part)):
            yield from (b64encode(data).decode().rstrip("="), b32encode(data).decode().rstrip("="))
        yield from (part.hex(), part.hex().upper())


def _listed(secret: str) -> Iterator[str]:
    """Yield the bytes of a secret as programs list them; two numbers in a row are anything."""
    raw = bytes_of(secret)
    if len(raw) > 2:  # noqa: PLR2004
        for sign in _LIST_SIGNS:
            yield from (sign.join(map(str, raw)), sign.join(f"{one:02x}" for one in raw))
            yield sign.join(f"{one:02X}" for one in raw)
        yield from (" ".join(f"{one:02x}h" for one in raw), " ".join(f"{one:02X}h" for one in raw))


def _wide(cases: Iterable[str]) -> Iterator[str]:
    for one in cases:
        for page in ("utf-16-le", "utf-16-be"):
            encoded = b64encode(one.encode(page, "surrogatepass")).decode()
            yield encoded if len(one) == 1 else encoded.rstrip("=")


def _simple_decodings(word: str) -> Iterator[bytes]:
    standard = word.rstrip("=").replace("-", "+").replace("_", "/")
    for decode, size in ((b64decode, 4), (b32decode, 8), (bytes.fromhex, 2)):
        padding = "" if size == 2 else "=" * (-len(standard) % size)  # noqa: PLR2004
        with suppress(ValueError):
            yield decode(standard + padding)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell that a run is no part of a word, nor of a number such as 5.7.25, a date or a time."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return not (
        _continues(text[start], before[-1:], before[:-1]) or _continues(text[end - 1], after[:1], after[1:])
    )


def _continues(edge: str, next_one: str, second: str) -> bool:
    """Tell whether what is next to the edge of a run belongs to it."""
    if next_one.isalnum() or next_one == "_":
        return True
    if next_one == ".":
        return second.isalnum()
    return edge.isdigit() and next_one != "" and next_one in ":/-" and second.isdigit()


def _covered(text: str, spans: Iterable[Span]) -> str:
    """Return a text with a mask in the place of each span; spans that touch become one, lines stay lines."""
    parts: list[str] = []
    begun = end = 0
    for start, stop in spans:
        if start > end:
            parts += (_mask(text, begun, end), text[end:start])
            begun = start
        elif begun == end:
            begun = start
        if stop > end:
            end = stop
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1  # the marks of a letter go with it
    return "".join([*parts, _mask(text, begun, end), text[end:]])


def _mask(text: str, start: int, end: int) -> str:
    """Return what a span becomes: a mask in each line, behind the reply's code that the line begins with."""
    shown: list[str] = []
    while start < end:
        stop = text.find("\n", start, end) + 1 or end
        begin = text.rfind("\n", 0, start) + 1
        head = _HEAD.match(text, begin)
        # An enhanced code is kept where the span comes from another line, not where it is of the secret.
        rest = min(max(head.end() if start == begin else head.end(1), start), stop) if head else start
        line_end = "\r\n" if text.endswith("\r\n", start, stop) else "\n" if text[stop - 1] == "\n" else ""
        shown.append(text[start:rest])
        shown.append(Secret.MASK + line_end if text[rest:stop].strip() else text[rest:stop])
        start = stop
    return "".join(shown)
