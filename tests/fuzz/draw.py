"""Values out of a source of choices: bytes that a fuzzer mutates, a random generator, or hypothesis.

A target that needs more than bytes draws its values here, so that one generator serves all engines.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

__all__ = ["BytesDraw", "Draw", "HypothesisDraw", "RandomDraw"]

T = TypeVar("T")

# One of each kind that texts may hold: letters of several scripts, a wide sign, an emoji of two code units,
# what is invisible, what steers a terminal, what quotes and escapes, a lone surrogate.
_SIGNS = (
    "abcXYZ0189 .,:;-_=+/%&?@#!$^~*|\\'\"`<>()[]{}\t\r\n\0\x07\x08\x0b\x0c\x1b\x7f\x80\x85\x9b\xa0\xad"
    "äßéñИ中文한글パス١\u0301\u061c\u200b\u200e\u2028\u2029\u202e\u2066\u206a\u3000\ufeff\ufffd\ufffe"
    "\U0001f511\U000e0041\ud83d"
)


class Draw(ABC):
    """A source of choices."""

    @abstractmethod
    def below(self, bound: int) -> int:
        """Return a number from 0 up to, but not, a bound; the simplest choice is 0."""

    def pick(self, options: Sequence[T]) -> T:
        """Return one of some options; the simplest stands first."""
        return options[self.below(len(options))]

    def weighted(self, *options: tuple[int, T]) -> T:
        """Return one of some options, each as often as its weight says; the simplest stands first."""
        left = self.below(sum(weight for weight, _ in options))
        for weight, option in options:
            if left < weight:
                return option
            left -= weight
        raise AssertionError

    def chance(self, percent: int) -> bool:
        """Return whether something happens that happens so often."""
        return self.below(100) >= 100 - percent

    def several(self, make: Callable[[], T], most: int) -> list[T]:
        """Return some values, none at least."""
        return [make() for _ in range(self.below(most + 1))]

    def some(self, options: Sequence[T], percent: int = 50) -> list[T]:
        """Return some of the options, in their order."""
        return [one for one in options if self.chance(percent)]

    def text(self, most: int = 12, signs: str = _SIGNS) -> str:
        """Return a text of odd characters."""
        return "".join(self.several(lambda: self.pick(signs), most))


class RandomDraw(Draw):
    """Choices of a random generator: the same for the same seed, on every Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- nothing is kept secret with it

    def below(self, bound: int) -> int:
        """Return a number below a bound."""
        return int(self._random.random() * bound)


class BytesDraw(Draw):
    """Choices out of bytes; when these are used up, every choice is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def over(self) -> bool:
        """Whether the bytes are used up."""
        return self._position >= len(self._data)

    def below(self, bound: int) -> int:
        """Return a number below a bound, out of as few bytes as hold it."""
        size = max((bound - 1).bit_length() + 7, 8) // 8
        value = int.from_bytes(self._data[self._position : self._position + size], "big")
        self._position += size
        return value % bound

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        found = self._data[self._position :]
        self._position = len(self._data)
        return found


class HypothesisDraw(Draw):
    """Choices of hypothesis, which makes what fails as simple as it can."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def below(self, bound: int) -> int:
        """Return a number below a bound."""
        from hypothesis import strategies as st

        return self._draw(st.integers(0, bound - 1))
