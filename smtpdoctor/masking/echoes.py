"""Masks secrets in what others said, wherever and however they stand there.

A server may echo what it was sent: whole or cut, raw or encoded, folded over two lines, in pieces, in
quotes of some language, backwards. So nothing is looked for as it is. Text and secret are both folded,
which leaves letters and digits in one case, and what they share is masked.

Theory of operation: of each secret needles are made once: itself, and what base64 and its like make of it
at any place in a longer text. Most texts hold nothing of them, and that is seen quickly: four characters
of a folded text are one number, so are four of a needle, and where no number is shared, no run is. Only a
text that may hold something is read closely (``runs``), also with everything decoded that looks encoded
(``views``).
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from smtpdoctor.masking.carried import chained, coded, may_code, words_of
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Secret

if TYPE_CHECKING:
    from smtpdoctor.masking.runs import Search

__all__ = ["Needles", "Redactor", "Sieve", "decodings", "encodings", "is_clean", "is_odd"]

_ALNUM: Final = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER: Final = bytes(range(256)).lower()
_LOWER_WORDS: Final = bytes(one if one in _ALNUM else 32 for one in _LOWER)
_NO_ALNUM: Final = bytes(set(range(256)).difference(_ALNUM))
# Blanks, controls and quotes may stand between the signs of a secret without being of it.
_UNSEEN: Final = bytes({*range(0x21), *range(0x7F, 256), *b"\"'`\\"})
# What is a word of base64, in its usual alphabet; all else is between words.
_WORDS: Final = bytes({45: 43, 95: 47}.get(one, one if one in _ALNUM + b"+/" else 32) for one in range(256))
_UNPRINTED: Final = bytes({*range(0x20), *range(0x7F, 256)})
_BLANKED: Final = bytes(32 if one in _UNPRINTED else one for one in range(256))
_NO_ASCII: Final = bytes(range(0x80, 256))
_BETWEEN: Final = b"\0\1\t\n\r"  # in the messages of SASL, and in UTF-16
_NO_HEX: Final = b"0123456789abcdefABCDEF"
_NO_BINARY: Final = b"01"
_BINARY: Final = 40  # binary digits, which are five characters
_ROT13: Final = bytes.maketrans(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)
_ATBASH: Final = bytes.maketrans(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA",
)
_ROT47: Final = bytes((one - 33 + 47) % 94 + 33 if 33 <= one < 127 else one for one in range(256))  # noqa: PLR2004
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# What else stands for six bits: with crypt, with bcrypt, in xxencode; and in BinHex, in signs.
_OTHER_BASES_64: Final = tuple(
    bytes.maketrans(_BASE64, other)
    for other in (
        b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        _BASE64.translate(_ROT13),
    )
)
_UUENCODE: Final = bytes.maketrans(_BASE64, bytes((*b"`", *range(0x21, 0x60))))
_BINHEX: Final = bytes.maketrans(
    _BASE64, b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
)
# For five: by Crockford, and z-base-32.
_OTHER_BASES_32: Final = tuple(
    str.maketrans("abcdefghijklmnopqrstuvwxyz234567", other)
    for other in ("0123456789abcdefghjkmnpqrstvwxyz", "ybndrfg8ejkmcpqxot1uwisza345h769")
)
_BASE45: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE32_HEX: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
# What stands for each number below 85: in RFC 1924, in ZeroMQ and in Ascii85.
_BASES_85: Final = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    "".join(map(chr, range(0x21, 0x76))),
)
_LABEL: Final = 63  # characters of a host name's label
_NO_BASE32: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_HEX_OR_U: Final = _HEX | {"u", "U"}
_PRINTED: Final = frozenset("234567")  # how the number of a printed character begins
_ESCAPES: Final = frozenset("01234567xuUnrtbfvae")  # behind a backslash: what does not stand for itself
_LISTING: Final = " \t,;:-"  # what stands between bytes that are listed as numbers,
_LISTED: Final = 4  # of which there are so many at least
_GAP: Final = "~" * 8  # between needles: in no folded text

_SHARED: Final = 5  # characters of a secret that give it away
_SIGNED: Final = 3  # letters and digits among five characters: so many are not mostly signs
_ENCODED: Final = 6  # characters of base64, which hold four and a half of the secret
_USUAL: Final = 11  # the same of a token, which hold eight of it
_RARE: Final = 32  # and of encodings that hardly anybody uses
_LONGER: Final = 8  # characters of a token that are compared at a time; of others, four
_LONG: Final = 100  # characters from which on a secret is a token, of which a few tell less
_HUGE: Final = 10_000  # characters of a secret from which on only the usual encodings are looked for
_BASE32: Final = 100  # bytes of a secret that are looked for in base32, which Python makes slowly
_WORD: Final = 8  # characters of a word from which on it may be an encoded text
_BASE32_WORD: Final = 10  # the same in base32
_PIECE: Final = 4  # characters of a word from which on it may be a piece of one
_PIECES: Final = 3  # words of one length in a row from which on they may be the pieces of one,
_SMALL_PIECES: Final = 5  # of two or three characters; or numbers,
_LETTERS: Final = 8  # or of one
_AROUND: Final = 40  # characters around a place in which any run that is shared has another such place
_BLOCK: Final = 4_096
_MOST_SECRETS: Final = 200  # that are looked for in whatever form, the password that is used first
_KNOWN: Final = 500  # texts of which it is kept in mind that they hold nothing,
_KNOWN_LENGTH: Final = 500  # if they are no longer than this
_MASKED: Final = 40  # texts of which it is kept in mind what they are without their secrets,
_MASKED_LENGTH: Final = 20_000  # if they are no longer than this
_AGAIN: Final = (
    20_000  # characters of a text up to which it is looked whether what is visible now is a secret
)
_ROUNDS: Final = 4
_ANY_CODE: Final = "250-"
_SENTENCE: Final = 20  # characters that stand in no other text by chance


class Needles:
    """What is looked for of one secret, in folded texts.

    ``folded`` is what it has of letters and digits, ``dense`` has the other visible signs, too, and
    ``windows`` are the runs of it with too few letters and digits to be known by these; ``odd`` are runs of
    what encodings make of it whose signs count as much as their letters. A secret of a
    ``few`` characters is looked for as a word of its own.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        raw = bytes_of(secret)
        if secret.isascii():
            plain = [_folded(raw)]
            self.dense = raw.translate(_LOWER, _UNSEEN).decode()
        else:
            from smtpdoctor.masking.runs import dense, mistaken

            plain = mistaken(secret)
            self.dense = dense(secret)
        self.folded = plain[0]
        self.long = len(self.folded) > _LONG
        self.few = max(len(self.folded), len(self.dense)) < _SHARED
        if len(words := secret.split()) > 1 and secret.isascii():
            plain.append(_folded("".join(reversed(words)).encode()))
        self.plain = [(one, self.least(one)) for one in dict.fromkeys(plain) if len(one) >= _SHARED]
        self.encoded = [
            (one, min(least, len(one)))
            for one, least in encodings(secret, long=self.long)
            if len(one) >= _ENCODED
        ]
        # Base64 of four bytes is so short that only capitals and small letters as they are make it sure.
        self.cores = [core.decode() for core in _cores(raw)] if len(raw) == _SHARED - 1 else []
        self.windows = list(dict.fromkeys(self._windows()))
        self.signed = [] if self.few or self.long else list(_in_signs(raw))

    @cached_property
    def odd(self) -> list[str]:
        """The runs of what encodings make of it whose signs count as much as their letters."""
        width = _WORD
        return list(
            dict.fromkeys(
                text[start : start + width]
                for text in self.signed
                for start in range(max(len(text) - width, 0) + 1)
            )
        )

    def least(self, text: str) -> int:
        """Return how many characters in a row of a text that the secret may be taken for give it away."""
        # A long number or hash shares a few of its digits with many others.
        number = len(text) >= 2 * _WORD and _HEX.issuperset(text)
        return _WORD if self.long or number else _SHARED

    def _windows(self) -> Iterator[str]:
        dense, width, least = self.dense, _ENCODED, _SHARED
        if self.long:
            width, least = 2 * width, _WORD
        if len(dense) < _SHARED or dense == self.folded:
            return
        if len(dense) < width:
            if len(self.folded) < least:
                yield dense
            return
        signs = [place for place, one in enumerate(dense) if not one.isalnum()]
        # So many signs in a window leave too few letters.
        many = width - least
        for first, last in zip(signs, signs[many:], strict=False):
            for start in range(max(last - width + 1, 0), min(first, len(dense) - width) + 1):
                yield dense[start : start + width]
        if not self.long:
            # Mostly of signs, which hardly anything else has in a row.
            for start in range(len(dense) - _SHARED + 1):
                window = dense[start : start + _SHARED]
                if sum(map(str.isalnum, window)) < _SIGNED:
                    yield window


def bytes_of(secret: str) -> bytes:
    """Return a secret as bytes; one from an environment that is not UTF-8 holds lone surrogates."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def _folded(data: bytes) -> str:
    return data.translate(_LOWER, _NO_ALNUM).decode()


def _cores(data: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of data wherever they stand in a longer text, without what their neighbours change.

    An encoded character holds six bits; of the bytes before, one, two or three are in the same group.
    """
    for offset in range(3):
        encoded = binascii.b2a_base64(bytes(offset) + data, newline=False)
        yield encoded[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6]


def encodings(secret: str, *, long: bool = False) -> Iterator[tuple[str, int]]:
    """Yield what encodings make of a secret, folded, and how many characters of it in a row give it away.

    Of a token more are needed, so that less has to be compared.
    """
    usual, rare = (_USUAL, _RARE) if long else (_ENCODED, _WORD)
    raw = bytes_of(secret)
    data, wide = [raw], []
    if len(secret) <= _HUGE:
        wide = [secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-32-le", "surrogatepass")]
        if secret.isascii():
            # Zeros at the end are the neighbour's in the other byte order.
            wide = [one.rstrip(b"\0") for one in wide]
            yield _folded(raw.translate(_ROT13)), usual
            yield _folded(raw.translate(_ATBASH)), usual
        else:
            from smtpdoctor.masking.runs import other_bytes

            data += other_bytes(secret)
            wide += [secret.encode("utf-16-be", "surrogatepass"), secret.encode("utf-32-be", "surrogatepass")]
            for one in (wide[0], wide[2]):
                yield one.hex(), rare
            if len(secret) <= _LABEL:
                yield _folded(secret.encode("punycode")), rare
    for one in data:
        for core in _cores(one):
            yield _folded(core), usual
        yield one.hex(), rare
    cores = () if long else _cores(raw)
    yield from ((_folded(core.translate(other)), rare) for core in cores for other in _OTHER_BASES_64)
    for one in wide:
        for core in _cores(one):
            yield _folded(core), 12 if len(one) > 3 * len(raw) and not long else rare
    if len(secret) <= _HUGE:
        for core in _cores(raw):
            for twice in _cores(core):
                yield _folded(twice), rare
        yield from ((one, rare) for one in _base32(raw[:_BASE32]))


def _base32(raw: bytes) -> Iterator[str]:
    from base64 import b32encode

    for offset in range(5):
        encoded = b32encode(bytes(offset) + raw)
        core = _folded(encoded[-(-8 * offset // 5) : 8 * (offset + len(raw)) // 5])
        yield from (core, core.translate(_BASE32_HEX), *(core.translate(one) for one in _OTHER_BASES_32))


def _in_signs(raw: bytes) -> Iterator[str]:
    """Yield what encodings in signs make of a secret, as it is dense: uuencode, bases of 85 or 45 signs."""
    lines = [binascii.b2a_uu(raw[start : start + 45])[1:] for start in range(0, len(raw), 45)]
    lines += [core.translate(other) for core in _cores(raw) for other in (_UUENCODE, _BINHEX)]
    lines += [raw.translate(_ROT47)]
    lines += [line.encode() for offset in range(4) for line in _in_base_85(raw, offset)]
    lines += [_in_base_45(raw[start:]) for start in range(2)]
    for line in lines:
        text = line.translate(_LOWER, _UNSEEN).decode()
        if len(text) >= _ENCODED:
            yield text


def _in_base_85(raw: bytes, offset: int) -> Iterator[str]:
    """Yield what the bases of 85 signs make of a secret behind so many other bytes; those groups are left out."""
    raw = raw[-offset % 4 :] if offset else raw
    size = len(raw) + -(-len(raw) // 4)
    numbers = [
        int.from_bytes(raw[start : start + 4].ljust(4, b"\0")) // 85**power % 85
        for start in range(0, len(raw), 4)
        for power in (4, 3, 2, 1, 0)
    ][:size]
    return ("".join(map(base.__getitem__, numbers)) for base in _BASES_85)


def _in_base_45(raw: bytes) -> bytes:
    """Return what base 45 (RFC 9285) makes of pairs of bytes."""
    found: list[str] = []
    for start in range(0, len(raw), 2):
        number, size = int.from_bytes(raw[start : start + 2]), len(raw[start : start + 2]) + 1
        found += [_BASE45[number // 45**power % 45] for power in range(size)]
    return "".join(found).encode()


def _numbers(data: bytes, size: int, starts: Iterable[int]) -> memoryview:
    """Return each four or eight bytes in a row as a number, of those that begin at some places in a row of them."""
    parts = [data[start : len(data) - (len(data) - start) % size] for start in starts]
    return memoryview(b"".join(parts)).cast("I" if size == 4 else "Q")  # noqa: PLR2004


def _sample(data: bytes, step: int) -> memoryview:
    """Return eight bytes in a row as a number, of those that begin at every so-and-so-many-th place, or oftener."""
    if step >= _LONGER:
        return _numbers(data, _LONGER, (0,))[:: step // _LONGER]
    return _numbers(data, _LONGER, range(0, _LONGER, _LONGER // 2 if step >= _LONGER // 2 else 1))


class Sieve:
    """Tells in a moment that a text holds nothing of some secrets; where it cannot tell, it must be read.

    Of a run that is shared some four characters in a row are known here, eight of a token's: a sample of
    those of the needles, taken so that no run of the least length is without.
    """

    def __init__(self, needles: Iterable[Needles]) -> None:
        self._fours: set[int] = set()
        self._eights: set[int] = set()
        self._signs: set[int] = set()
        self._odd: set[int] = set()
        self._own: set[int] = (
            set()
        )  # of the secrets themselves alone: few, so that hardly anything has them by chance
        self._chained: list[tuple[str, bytes, int]] = []
        self._cores: list[str] = []
        self._few = self._foreign = False
        for one in needles:
            self._cores += one.cores
            self._few = self._few or one.few
            self._foreign = self._foreign or not one.secret.isascii()
            self._chained += ((text, text.encode(), least) for text, least in one.plain[:1])
            self.learn((*one.plain, *one.encoded), long=one.long)
            self._odd.update(_numbers(_GAP.join(one.signed).encode(), 4, range(4)))
            if not one.long:
                self._own.update(
                    _numbers(_GAP.join(n for n, _ in one.plain).encode("ascii", "replace"), 4, range(4))
                )
            for window in one.windows:
                # The sides of a window: both, since the letters of one may be in any text.
                self._signs.update(_numbers(window[:4].encode("ascii", "replace"), 4, (0,)))
                self._signs.update(_numbers(window[3::-1].encode("ascii", "replace"), 4, (0,)))

    def learn(self, needles: Iterable[tuple[str, int]], *, long: bool) -> None:
        """Have needles looked for, too; ``long``: they are of a token."""
        groups: dict[int, list[str]] = {}
        for text, least in needles:
            groups.setdefault(least, []).append(text)
        for least, texts in groups.items():
            data = _GAP.join(texts).encode("ascii", "replace")
            if not long:
                self._fours.update(_numbers(data, 4, range(4)))
                self._fours.update(_numbers(data[::-1], 4, range(4)))
                continue
            # A run of the least length holds a number that begins at each so-and-so-many-th place.
            step = least - _LONGER + 1
            self._eights.update(_sample(data, step))
            if least < _RARE:
                self._eights.update(_sample(data[::-1], step))

    def passes(self, text: str, *, decoded: bool = False) -> bool:
        """Tell that nothing of a secret is in a text; ``decoded``: it was a word of another one."""
        if self._few or not text.isascii():
            return False
        data = text.encode()
        if self.shares(data) or self.has_odd(data) or self.shares_thinly(data) or _looks_encoded(text):
            return False
        unfolded: bytes | None = data
        if data[3:4] == b"-" or b"\n" in data:
            unfolded = _unfolded(data)
            if unfolded is None or (unfolded != data and not self.passes(unfolded.decode(), decoded=decoded)):
                return False
            bare = _unfolded(data, set_in=True)
            if bare is not None and bare != unfolded and not self.passes(bare.decode(), decoded=decoded):
                return False
        if unfolded is data and not decoded and self._is_carried(text, data):
            return False
        if self._cores:
            standard = text.replace("-", "+").replace("_", "/")
            if any(core in standard for core in self._cores):
                return False
        return not self._may_hide(data)

    def shares(self, data: bytes) -> bool:
        """Tell whether a text may have a run in common with a needle, of the characters of ASCII."""
        folded = data.translate(_LOWER, _NO_ALNUM)
        if self._fours and not self._fours.isdisjoint(_numbers(folded, 4, (0, 2))):
            return True
        if self._eights and not self._eights.isdisjoint(_numbers(folded, 8, range(8))):
            return True
        return self.has_signs(data)

    def has_signs(self, data: bytes) -> bool:
        """Tell whether a text may share a run with a secret that has hardly a letter or digit in it."""
        if not self._signs:
            return False
        return not self._signs.isdisjoint(_numbers(data.translate(_LOWER, _UNSEEN), 4, range(4)))

    def has_odd(self, data: bytes) -> bool:
        """Tell whether a text may share a run with what is encoded in signs as much as in letters."""
        return not self._odd.isdisjoint(_numbers(data.translate(_LOWER, _UNSEEN), 4, (0,)))

    def shares_thinly(self, data: bytes) -> bool:
        """Tell whether each second character of a text may be a secret's: something else may stand between them."""
        folded = data.translate(_LOWER, _NO_ALNUM)
        for part in (folded[::2], folded[1::2]):
            if not self._own.isdisjoint(_numbers(part, 4, (0, 2))):
                return True
        return bool(self._signs) and (self.has_signs(data[::2]) or self.has_signs(data[1::2]))

    def _is_carried(self, text: str, data: bytes) -> bool:
        """Tell whether something else in a text may carry a secret, character by character."""
        if may_code(data):
            for run in coded(text):
                if self._foreign or self.shares(bytes(value & 0xFF for _, _, value in run)):
                    return True
        if not self._own:
            return False
        words = data.translate(_LOWER_WORDS).split()
        for secret, raw, least in self._chained:
            if sum(len(word) for word in words if word in raw) >= least and any(
                chained(words_of(text), secret, least)
            ):
                return True
        return False

    def regions(self, folded: bytes) -> Iterator[tuple[int, int]]:
        """Yield the parts of a folded text in which a run that it shares may be, one by one."""
        first = last = -1
        for start in range(0, len(folded), _BLOCK):
            block = folded[start : start + _BLOCK + _LONGER]
            for place in self._places(block):
                begin = max(start + place - _AROUND, 0)
                if begin > last:
                    if last >= 0:
                        yield first, last
                    first = begin
                last = max(last, min(start + place + _AROUND, len(folded)))
            if last - first > _BLOCK:
                yield first, last
                first = max(last - _AROUND, 0)
        if last >= 0:
            yield first, last

    def _places(self, folded: bytes) -> list[int]:
        found: list[int] = []
        for known, size, starts in ((self._fours, 4, (0, 2)), (self._eights, 8, range(8))):
            if not known or known.isdisjoint(_numbers(folded, size, starts)):
                continue
            for start in starts:
                numbers = _numbers(folded, size, (start,))
                found += [start + size * place for place, one in enumerate(numbers) if one in known]
        return sorted(found)

    def _may_hide(self, data: bytes) -> bool:
        """Tell whether a word of a text, or some in a row, may be an encoded one which holds something."""
        before = False
        numbers = same = size = 0
        for word in data.translate(_WORDS).split():
            same = same + 1 if len(word) == size else 1
            size = len(word)
            if same == (_PIECES if size >= _PIECE else _SMALL_PIECES if size > 1 else _LETTERS):
                return True
            if size < _PIECE:
                before = False
                numbers = numbers + 1 if word.isdigit() else 0
                if numbers == _SMALL_PIECES:
                    return True  # bytes, perhaps
                continue
            digits = word.translate(None, b"+/")
            if size - len(digits) >= _LISTED and digits.isdigit():
                return True  # bytes with signs between
            odd = is_odd(word)
            if odd and before:
                return True  # pieces of one, perhaps
            before = odd
            numbers = 0
            if (
                size >= _WORD
                and (odd or not (word.islower() and word.isalpha()))
                and (self._hides(word) or self._hides(word[::-1]))
            ):
                return True
        return False

    def _hides(self, word: bytes) -> bool:
        from smtpdoctor.masking.packed import inflated, renumbered

        if any(map(self.shares, renumbered(word))):
            return True
        for plain, _, _ in decodings(word):
            if self._holds(plain) or ((more := inflated(plain)) and self._holds(more)):
                return True
        return False

    def _holds(self, plain: bytes) -> bool:
        """Tell whether something of a secret may be in what a word was decoded to."""
        if self.shares(plain):
            return True
        if 2 * len(plain.translate(None, _UNPRINTED)) > len(plain):
            # What is not printed stands between characters, or between words.
            for text in {plain.translate(None, _UNPRINTED), plain.translate(_BLANKED, _NO_ASCII)}:
                if not self.passes(text.decode(), decoded=True):
                    return True
        return self._foreign and not plain.isascii()


def is_odd(word: bytes | str) -> bool:
    """Tell a word with capitals and small letters in a disorder that no language has."""
    return not (word.islower() or word.isupper() or word.istitle() or word.isdigit())


def is_clean(data: bytes) -> bool:
    """Tell whether data are a text of ASCII, or the message of a SASL mechanism."""
    text = data.translate(None, _BETWEEN)
    return text.isascii() and text.decode().isprintable()


def decodings(word: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield what a word may be an encoding of, from which of its characters on, and how many bits each has.

    ``word`` is base64 in its usual alphabet, without padding, or base32 or hexadecimal. The beginning may
    be missing, or belong to something else.
    """
    if len(word) >= _BINARY and not word.translate(None, _NO_BINARY):
        for start in range(8):
            size = (len(word) - start) // 8
            yield int(word[start : start + 8 * size], 2).to_bytes(size), start, 1
    if not word.translate(None, _NO_HEX):
        digits = word.decode()
        for start in range(2):
            yield bytes.fromhex(digits[start : len(digits) - (len(digits) - start) % 2]), start, 4
    if is_odd(word) or len(word) >= 2 * _WORD:
        for start in range(4):
            part = word[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            yield binascii.a2b_base64(part + b"=" * (-len(part) % 4)), start, 6
    if not word.translate(None, _NO_BASE32) and len(word) >= _BASE32_WORD and not is_odd(word):
        from base64 import b32decode

        # A word of letters alone is hardly ever encoded, so it is not looked into as closely.
        for start in range(1 if word.isalpha() else 8):
            part = word[start:]
            part = part[: len(part) - (len(part) % 8 in {1, 3, 6})]
            if start or not word.isalpha() or is_clean(b32decode(part[:8], casefold=True)):
                yield b32decode(part + b"=" * (-len(part) % 8), casefold=True), start, 5


def _looks_encoded(text: str) -> bool:
    """Tell whether signs in a text may stand for others."""
    if any(one in text for one in ("\\", "&", "0x", "0X", "\x1b", "\b", "=?")):
        return True
    for sign in "%=+":
        if sign not in text:
            continue
        # Not so the zone of a date: +0900. Forwards, or backwards.
        parts = text.split(sign)
        first = _HEX_OR_U if sign == "%" else _PRINTED if sign == "+" and len(parts) == 2 else _HEX  # noqa: PLR2004
        if any(one[:1] in first and one[1:2] in _HEX for one in parts[1:]):
            return True
        if sign == "=" and any(one[:1] in {"\r", "\n"} and one.strip() for one in parts[1:]):
            return True  # the end of a line of quoted-printable
        if any(one[-1:] in first and one[-2:-1] in _HEX for one in parts[:-1]):
            return True
    return False


def _reads_otherwise(secret: str) -> bool:
    """Tell whether something in a secret may be taken for an escape, a list of bytes or the code of a reply."""
    return (
        any(
            second in _ESCAPES if first == "\\" else first == "&" and (second == "#" or second.isalpha())
            for first, second in pairwise(secret)
        )
        or any(one[:1] in _HEX_OR_U and one[1:2] in _HEX for sign in "%=+" for one in secret.split(sign)[1:])
        or "0x" in secret.lower()
        or "\n" in secret
        or (secret[:3].isdigit() and secret[3:4] in {"-", " "})
        or sum(map(secret.count, _LISTING)) >= _LISTED
    )


def _unfolded(data: bytes, *, set_in: bool = False) -> bytes | None:
    """Return a reply without the codes of its lines, or None where that takes a closer look.

    ``set_in``: without the blanks, too, by which a line may be set in.
    """
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        if line[:3].isdigit() and line[3:4] in {b"-", b" "}:
            if line[5:6] == b".":
                return None
            lines[number] = line[4:].lstrip(b" \t") if set_in else line[4:]
    return b"".join(lines)


class Redactor:
    """Masks a fixed set of secrets in any text. The first ones count; of very many the others are known as they stand.

    ``public`` are texts that are shown anyway, such as the host and the user name: what a secret shares
    with them is no secret by itself. A whole secret is masked even there.
    """

    def __init__(self, secrets: Iterable[str] = (), *, public: Iterable[str] = ()) -> None:
        # A secret of blanks is in every text, and one of asterisks is what a mask looks like.
        given = [*dict.fromkeys(one for one in secrets if one.strip() and one.strip("*"))]
        self._take(
            tuple(map(Needles, given[:_MOST_SECRETS])), tuple(dict.fromkeys(public)), given[_MOST_SECRETS:]
        )

    def _take(
        self, needles: tuple[Needles, ...], public: tuple[str, ...], others: Sequence[str] = ()
    ) -> None:
        self._needles = needles
        self._others = sorted(others, key=len, reverse=True)
        self._public = public
        self._sieve = Sieve(needles)
        self._search: Search | None = None
        self._known: set[str] = set()
        self._plain: set[str] = set()
        self.harmless: set[str] = set()  # of the plain ones, those in which nothing looks like a credential
        self._without: dict[tuple[str, bool], str] = {}  # a reply is recorded, told as a fact and as evidence
        self._told: dict[str, str] = {}  # replies of several lines as one text each, and what is left of them
        self._lines: dict[str, tuple[str, ...]] = {}  # of many runs at one server each is told the same
        if any(_reads_otherwise(one.secret) for one in needles if not one.few):
            self._closely()  # which tells the sieve what else such a secret may become

    def _closely(self) -> Search:
        if self._search is None:
            from smtpdoctor.masking.runs import Search

            self._search = Search(self._needles, self._public, self._sieve)
        return self._search

    def __call__(self, text: str) -> str:
        """Return what others said, without secrets and without control characters.

        To be given the whole of it, before it is cut or split: of a part less may be known.
        """
        for reply, shown in self._told.items():
            if text == reply or (len(reply) >= _SENTENCE and reply in text):
                text = text.replace(reply, shown)
        return text if text in self._plain else self._noted(text, self._shown(text, printable))

    def learn(self, reply: str, shown: str) -> None:
        """Note what a reply of several lines may be shown as, which was masked before its lines became one text."""
        if reply and reply != shown and len(self._told) < _MASKED:
            self._told[reply] = shown

    def _noted(self, text: str, shown: str) -> str:
        """Remember a text of which nothing is masked or escaped, not even of others."""
        if shown == text and text in self._known and len(self._plain) < _KNOWN:
            self._plain.add(text)
        return shown

    def is_plain(self, text: str) -> bool:
        """Whether a text is known as one of which nothing is masked or escaped, whoever says it."""
        return text in self._plain

    def together(self, texts: Sequence[str]) -> Sequence[str]:
        """Return some texts, masked as the lines of one reply would be; one that is of several lines leaves all as they are."""
        shown = self.lines("\n".join(f"{_ANY_CODE}{one}" for one in texts))
        return [one.removeprefix(_ANY_CODE) for one in shown] if len(shown) == len(texts) else texts

    def lines(self, text: str) -> list[str]:
        """Return the lines of what others said, masked as a whole before it is split."""
        if (known := self._lines.get(text)) is not None:
            return [*known]
        plain = text.replace("\r\n", "\n").removesuffix("\r")
        shown = self._shown(plain, lambda one: "\n".join(map(printable, one.split("\n"))))
        lines = shown.split("\n")
        if shown == plain and plain in self._known and len(self._lines) < _KNOWN:
            self._lines[text] = tuple(lines)
        return lines

    def own(self, text: str) -> str:
        """Return a setting or name of our own user: only a whole secret in it is masked."""
        return text if text in self._plain else self._noted(text, self._shown(text, printable, whole=True))

    def _shown(self, text: str, visible: Callable[[str], str], *, whole: bool = False) -> str:
        for _ in range(_ROUNDS):
            shown = visible(self._masked(text, whole=whole))
            # An escape that is visible now may be of a secret.
            if shown == text or len(shown) > _AGAIN:
                return shown
            text = shown
        return text

    def _without_others(self, text: str) -> str:
        """Return a text without the secrets that nothing is sent of: they are told by nobody but their own file."""
        for one in self._others:
            if one in text and (len(one) >= _SHARED or one in text.split()):
                text = text.replace(one, Secret.MASK)
        return text

    def plus(self, *secrets: str) -> Redactor:
        """Return a redactor that masks these, too."""
        more = Redactor()
        known = {one.secret for one in self._needles}
        new = dict.fromkeys(one for one in secrets if one.strip() and one.strip("*") and one not in known)
        more._take((*self._needles, *map(Needles, new)), self._public, self._others)
        more._told.update(self._told)
        return more

    def _masked(self, text: str, *, whole: bool = False) -> str:
        if not self._needles or text in self._known:
            return text
        if self._others:
            text = self._without_others(text)
        if (text, whole) in self._without:
            return self._without[text, whole]
        if not self._sieve.passes(text):
            masked = self._closely().masked(text, whole=whole)
            if whole or masked != text:
                if len(text) <= _MASKED_LENGTH and len(self._without) < _MASKED:
                    self._without[text, whole] = masked
                return masked
        if len(text) <= _KNOWN_LENGTH and len(self._known) < _KNOWN:
            self._known.add(text)
        return text
