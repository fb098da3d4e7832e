"""RE2 patterns, compiled when first needed: case-insensitive, linear in the text whatever it is."""

from __future__ import annotations

from functools import cache
from typing import Any

import re2

__all__ = ["compiled", "matches", "occurs"]


@cache
def compiled(pattern: str) -> Any:
    """Return a compiled pattern."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile(pattern, options)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern occurs in a text."""
    return compiled(pattern).search(text) is not None


def occurs(pattern: str, atoms: tuple[str, ...], text: str, lowered: str) -> bool:
    """Whether a pattern occurs in a text; it is not even compiled where all its literals are absent.

    ``lowered`` is the text in lower case: many patterns are held against one text.
    """
    return (not atoms or any(atom in lowered for atom in atoms)) and matches(pattern, text)
