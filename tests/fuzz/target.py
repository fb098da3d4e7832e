"""What a target is, and what several of them look for in what comes out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

__all__ = ["CORPUS", "TARGETS", "Target", "no_control", "target", "unfit"]

CORPUS: Final = Path(__file__).with_name("corpus")
TARGETS: Final[dict[str, Target]] = {}

# What obeys, hides or breaks: controls, formats (bidirectional marks and the like), surrogates, line and
# paragraph separators. By Unicode's own categories, whatever the package thinks of them.
_UNFIT: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Target(Struct, frozen=True):
    """A function of bytes with its invariants: it raises where one does not hold.

    ``most`` is the length that inputs are kept to, ``words`` what a mutation may put in.
    """

    name: str
    run: Callable[[bytes], None]
    most: int
    words: tuple[bytes, ...]

    @property
    def corpus(self) -> Path:
        """Where its inputs are: seeds, and what once failed."""
        return CORPUS / self.name


def target(*words: bytes, most: int = 2_000) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    """Make a target of a function, under the function's own name."""

    def note(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
        name = run.__name__.replace("_", "-")
        TARGETS[name] = Target(name, run, most, words)
        return run

    return note


def unfit(text: str, allowed: str = "") -> str:
    """Return the characters of a text that no terminal should be given raw."""
    for one in allowed:
        text = text.replace(one, " ")
    if text.isprintable():  # a narrower notion than the one below, and quick
        return ""
    return "".join(one for one in text if unicodedata.category(one) in _UNFIT)


def no_control(text: str, allowed: str = "") -> None:
    """Check that a text may be shown."""
    found = unfit(text, allowed)
    assert not found, (found, text)
