"""Where a file of Kubernetes names a Secret and one of its keys: names, and no secrets."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["references_in"]

_REFERENCE: Final = re.compile(
    r"\b(?:secret|configMap)KeyRef[\"']?[ \t]*:[ \t]*"
    r"(?:\{([^{}\n]*)\}|\r?\n((?:[ \t]+[\"']?(?:name|key|optional)[\"']?[ \t]*:[^\n]*\n?){1,3}))"
)
_NAMED: Final = re.compile(r"\b(?:name|key)[\"']?[ \t]*:[ \t]*[\"']?([\w.-]{1,253})")


def references_in(text: str) -> frozenset[str]:
    """Return the names of Secrets, ConfigMaps and their keys that entries take a value from."""
    return frozenset(
        name for found in _REFERENCE.finditer(text) for name in _NAMED.findall(found[1] or found[2] or "")
    )
