"""Bytes of a log → text, whatever its system writes: UTF-8, or the code page of its language."""

from __future__ import annotations

import codecs
from typing import Final

__all__ = ["Decoder", "mended"]

_CUT: Final = 16_384  # bytes of a line that are read
_SAMPLE: Final = 4_096  # bytes that are not UTF-8, after which the guess is not made anew


class Decoder:
    """Decodes the lines of one source; what is no UTF-8 is taken for the code page that fits best.

    Nothing fails: the last resort is Latin-1, which has a character for each byte.
    """

    def __init__(self) -> None:
        self._sample = b""
        self._guess = "latin-1"

    def __call__(self, line: bytes) -> str:
        """Return a line as text."""
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            if len(line) >= _CUT and error.start >= len(line) - 3:  # where a long line was cut
                return line[: error.start].decode("utf-8")
        if len(self._sample) < _SAMPLE:
            self._sample += line + b"\n"
            self._guess = _detected(self._sample)
        try:
            text = line.decode(self._guess)
            text.encode()  # what is half of a character in UTF-16 and its like is no text
        except UnicodeError:
            return line.decode("latin-1")
        return text


def _detected(sample: bytes) -> str:
    import chardet

    found = chardet.detect(sample)["encoding"]
    try:
        return codecs.lookup(found).name if found else "latin-1"
    except LookupError:
        return "latin-1"


def mended(text: str) -> str:
    """Return a text of the command line whose bytes Python could not decode (PEP 383), decoded."""
    if text.isascii():
        return text
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "replace")
    return Decoder()(data)
