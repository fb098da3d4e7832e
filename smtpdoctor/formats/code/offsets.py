"""Bytes of UTF-8, in which parsers count, and the characters that a file has for everybody else."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

__all__ = ["Offsets"]

_STEP: Final = 512
_HALF: Final = re.compile("[\ud800-\udfff]")


class Offsets:
    """A text as UTF-8, and where its bytes are in characters."""

    def __init__(self, text: str) -> None:
        # Half a character has no bytes; what stands in its place is as long in characters.
        self.data = _HALF.sub("\ufffd", text).encode()
        self._ascii = len(self.data) == len(text)
        self._steps = [0]
        for start in () if self._ascii else range(0, len(text) - _STEP, _STEP):
            size = len(
                text[start : start + _STEP].encode("utf-8", "surrogatepass")
            )  # as long as what replaces it
            self._steps.append(self._steps[-1] + size)

    def at(self, offset: int) -> int:
        """Return the place of a byte in characters."""
        if self._ascii:
            return offset
        step = bisect_right(self._steps, offset) - 1
        return step * _STEP + len(self.text(self._steps[step], offset))

    def text(self, start: int, end: int) -> str:
        """Return the text between two bytes."""
        return self.data[start:end].decode("utf-8", "replace")
