"""How many generated cases a property is held against: some at a desk, more in CI, most where one asks for it.

A run at a desk is one of many, and each draws other cases; what it found once it tries again (``.hypothesis``).
So it takes a third of what CI takes on every Python, and of a wide product a part in which each value of each side
still stands. ``CI=true python -m pytest`` is what CI runs; ``HYPOTHESIS_PROFILE=thorough python -m pytest`` takes
minutes. What strangers write is fuzzed besides, by ``tests/fuzz``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["examples", "some_of"]

T = TypeVar("T")

_THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
# Whether a change of the code is noticed is decided by as many cases as in CI: mutmut says so by its variable.
_DESK: Final = not (_THOROUGH or os.environ.get("CI") or "MUTANT_UNDER_TEST" in os.environ)
_TIMES: Final = 4 if _THOROUGH else 1


def examples(usual: int) -> int:
    """Return how many cases there are, given those of CI."""
    return -(-usual // 3) if _DESK else _TIMES * usual


def some_of(rows: Sequence[T], one_in: int, turn: int = 0) -> Sequence[T]:
    """Return all rows in CI; at a desk one of so many, others for each turn.

    For what is tried with each of many others: who counts the others as turns has each row tried with some of them.
    """
    return rows[turn % min(one_in, len(rows)) :: one_in] if _DESK and rows else rows
