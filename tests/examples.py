"""How many generated cases a property is held against: some in a usual run, many where one asks for it.

``HYPOTHESIS_PROFILE=thorough python -m pytest`` takes minutes. What strangers write is fuzzed besides, by
``tests/fuzz``.
"""

from __future__ import annotations

import os
from typing import Final

__all__ = ["examples"]

_TIMES: Final = 4 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def examples(usual: int) -> int:
    """Return how many cases there are, given those of a usual run."""
    return _TIMES * usual
