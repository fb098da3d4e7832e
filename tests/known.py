"""The knowledge files with their examples, read once for all processes of a test run.

Reading them takes a second or two, and every worker of pytest-xdist needs them to know its tests.
"""

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from smtpdoctor.knowledge import load

if TYPE_CHECKING:
    from smtpdoctor.knowledge.compile import Knowledge

__all__ = ["keep", "known"]

_NAME = "known.pickle"


def keep(folder: Path) -> None:
    """Read the files and leave what they say in a folder, and the index in the cache."""
    (folder / _NAME).write_bytes(pickle.dumps(load.from_sources()))
    load.ids()


@cache
def known() -> Knowledge:
    """Return what the files say."""
    kept = Path(os.environ["XDG_CACHE_HOME"]).parent / _NAME
    if not kept.is_file():
        return load.from_sources()
    found: Knowledge = pickle.loads(kept.read_bytes())  # noqa: S301 -- our own
    return found
