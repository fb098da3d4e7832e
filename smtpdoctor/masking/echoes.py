"""Masks secrets and control characters where something is recorded, so that no printer has to.

A server may echo what it was sent, raw or encoded; so every encoding of an AUTH exchange that
holds the secret is masked too: base64 at any alignment (also of UTF-16 and UTF-32), base32, URL,
hex and quoted-printable encoding.

Theory of operation: each secret is turned once into the texts in which it could stand (its forms).
A line is searched for them as they are; nothing of a line is decoded. For base64 that is possible
because the characters in the middle of an encoded secret depend on its place only by one of three
alignments. What is found is collected as spans of the line, and overlapping spans become one mask.
URL and quoted-printable encoding leave open which characters are encoded, so they are compared
character by character, and only in a line that holds an encoded character.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Secret

__all__ = ["Redactor"]

_BASE64: Final = r"[A-Za-z0-9+/_-]{4,}={0,2}"
_BASE32: Final = r"[A-Z2-7]{8,}={0,6}"
_GROUP: Final = 10  # bytes: two groups of base32, 16 characters
_ENCODED: Final = re.compile(r"[%=][0-9A-Fa-f]{2}")
_SHORT: Final = 4  # a secret of fewer characters would blot out every text it happens to occur in
# The functions themselves: `str.encode` would import a module for each.
_WIDE: Final = (
    codecs.utf_16_le_encode,
    codecs.utf_16_be_encode,
    codecs.utf_32_le_encode,
    codecs.utf_32_be_encode,
)

Span = tuple[int, int]


def _bytes(secret: str) -> bytes:
    """Return a secret as bytes; one from an environment that is not UTF-8 holds lone surrogates."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def _cores(data: bytes) -> Iterator[str]:
    """Yield what base64 makes of data wherever they stand in a longer text, without what their neighbours change.

    An encoded character holds six bits; of the bytes before, one, two or three are in the same group.
    """
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data).decode()
        first = -(-8 * offset // 6)
        last = 8 * (offset + len(data)) // 6
        yield encoded[first:last]


class _Forms:
    """The texts in which one secret could stand."""

    def __init__(self, secret: str) -> None:
        raw = _bytes(secret)
        self.secret = secret
        self.raw = raw
        self.long = len(secret) >= _SHORT
        forms = {secret, printable(secret), repr(secret)[1:-1], raw.decode("latin-1"), secret.strip()}
        forms |= {base64.b64encode(raw).decode(), base64.b32encode(raw[:_GROUP]).decode().rstrip("=")}
        self.anywhere = tuple(form for form in forms if len(form) >= _SHORT)
        self.as_words = tuple(form for form in forms if 0 < len(form) < _SHORT)
        # Base32 of a long secret is known by its beginning; Python makes it slowly.
        self.base32 = base64.b32encode(raw[:_GROUP]).decode() if len(raw) > _GROUP else ""
        self.hex = raw.hex() if self.long else ""
        self.cores = tuple(dict.fromkeys(self._all_cores())) if self.long else ()
        # A blank may be written as a plus sign (forms) or an underscore (quoted-printable in headers).
        self.blank = secret.replace("+", " ").replace("_", " ") if self.long and " " in secret else ""

    def _all_cores(self) -> Iterator[str]:
        # Zeros at the ends of a wide encoding are the neighbours' in the other byte order.
        wide = (encode(self.secret, "surrogatepass")[0].strip(b"\0") for encode in _WIDE)
        for data in dict.fromkeys((self.raw, *wide)):
            yield from _cores(data)

    def spans(self, text: str, standard: str, lower: str, *, encoded: bool) -> Iterator[Span]:
        """Yield where the secret stands; ``standard`` is the text in base64's usual alphabet."""
        for form in self.anywhere:
            if form in text:
                yield from _found(text, form)
        for form in self.as_words:
            if form in text:
                yield from _words(text, form)
        if not self.long:
            # Short forms are looked for between the long ones, which cut a run of such characters.
            for form in self.anywhere:
                text = text.replace(form, "*" * len(form))
            yield from self._in_short_base64(text)
            return
        for core in self.cores:
            if core in standard:
                yield from _runs(_BASE64, text, standard, core)
        if self.base32 and self.base32 in text:
            yield from _runs(_BASE32, text, text, self.base32)
        if self.hex in lower:
            yield from _hex(text, self.hex)
        if encoded or (self.blank and self.blank in text.replace("+", " ").replace("_", " ")):
            yield from self._percent(text)

    def _percent(self, text: str) -> Iterator[Span]:
        """Yield where the secret stands in URL or quoted-printable encoding, whichever characters are encoded."""
        first = self.secret[0]
        blank = "|[+_]" if first == " " else ""
        for found in re.finditer(rf"(?={re.escape(first)}|[%=][0-9A-Fa-f]{{2}}{blank})", text):
            ends = {found.start()}
            for one in self.secret:
                ends = {end for start in ends for end in _steps(text, start, one)}
                if not ends:
                    break
            if ends:
                yield found.start(), max(ends)

    def _in_short_base64(self, text: str) -> Iterator[Span]:
        """Yield base64 of an AUTH exchange, in which a short secret stands alone or between zero bytes."""
        for found in re.finditer(_BASE64, text):
            token = found[0].rstrip("=").replace("-", "+").replace("_", "/")
            token = token[: len(token) - (len(token) % 4 == 1)]
            try:
                plain = base64.b64decode(token + "=" * (-len(token) % 4))
            except (binascii.Error, ValueError):
                continue
            if self.raw in plain.split(b"\0"):
                yield found.span()


def _steps(text: str, start: int, one: str) -> Iterator[int]:
    """Yield where a character that begins at a place ends, as it is or encoded."""
    if text.startswith(one, start) or (one == " " and text[start : start + 1] in {"+", "_"}):
        yield start + 1
    end = start
    for byte in _bytes(one):
        if not _ENCODED.match(text, end) or int(text[end + 1 : end + 3], 16) != byte:
            return
        end += 3
    yield end


def _found(text: str, form: str) -> Iterator[Span]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _words(text: str, form: str) -> Iterator[Span]:
    """Yield where a form stands as a word of its own."""
    for found in re.finditer(rf"(?<![\w.]){re.escape(form)}(?![\w.])", text):
        yield found.span()


def _hex(text: str, form: str) -> Iterator[Span]:
    """Yield where hexadecimal digits stand, in either case."""
    for run in re.finditer(r"[0-9A-Fa-f]+", text):
        for start, end in _found(run[0].lower(), form):
            yield run.start() + start, run.start() + end


def _runs(alphabet: str, text: str, standard: str, core: str) -> Iterator[Span]:
    """Yield the whole encoded texts that hold a core."""
    for run in re.finditer(alphabet, text):
        if core in standard[run.start() : run.end()]:
            yield run.span()


class Redactor:
    """Masks a fixed set of secrets in any text.

    ``public`` are texts that are shown anyway, such as the host and the user name: what a secret shares
    with them is no secret by itself. A whole secret is masked even there.
    """

    def __init__(self, secrets: Iterable[str] = (), *, public: Iterable[str] = ()) -> None:
        self._secrets = tuple(dict.fromkeys(one for one in secrets if one))
        self._public = tuple(dict.fromkeys(public))
        self._forms = tuple(_Forms(one) for one in self._secrets)

    def __call__(self, text: str) -> str:
        """Return what others said, without secrets and without control characters.

        To be given the whole of it, before it is cut or split: of a part less may be known.
        """
        return printable(self._without(text))

    def lines(self, text: str) -> list[str]:
        """Return the lines of what others said, masked as a whole before it is split."""
        return [printable(line.removesuffix("\r")) for line in self._without(text).split("\n")]

    def own(self, text: str) -> str:
        """Return a setting or name of our own user: only a whole secret in it is masked."""
        return printable(self._without(text))

    def plus(self, *secrets: str) -> Redactor:
        """Return a redactor that masks these, too."""
        return Redactor((*self._secrets, *secrets), public=self._public)

    def _without(self, text: str) -> str:
        return self._masked(text) if self._forms and text else text

    def _masked(self, text: str) -> str:
        standard = text.replace("-", "+").replace("_", "/")
        lower = text.lower()
        encoded = ("%" in text or "=" in text) and _ENCODED.search(text) is not None
        spans = sorted(
            span for forms in self._forms for span in forms.spans(text, standard, lower, encoded=encoded)
        )
        if not spans:
            return text
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            if start >= end or not parts:
                parts += [text[end:start], Secret.MASK]
            end = max(end, stop)
        return "".join([*parts, text[end:]])
