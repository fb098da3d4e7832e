"""RE2 patterns, compiled when first needed: case-insensitive, linear in the text whatever it is."""

from __future__ import annotations

from functools import cache
from typing import Any

import re2

__all__ = ["compiled", "matches", "possible"]


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


def possible(atoms: tuple[tuple[str, ...], ...], lowered: str) -> bool:
    """Whether a text in lower case holds a literal of every group, without which a pattern cannot match."""
    for group in atoms:
        for atom in group:
            if atom in lowered:
                break
        else:
            return False
    return True
