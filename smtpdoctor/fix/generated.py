"""Whether another program makes a file: what is changed in it by hand is gone with its next run."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["made_by"]

_LOOKED_AT: Final = 30  # lines
_SAYS_SO: Final = re.compile(
    r"(?i)\bdo\s+not\s+(?:edit|modify|change)\b|\b(?:auto(?:matically|-)?\s*-?)?generated\s+(?:by|from|with|file)\b"
    r"|@generated\b|^#\s*Source:\s+\S+/templates/|\bmanaged by (?:ansible|puppet|chef|terraform|salt)\b|\{\{\s*ansible_managed\s*\}\}"
    r"|(?:직접\s*)?수정하지\s*마(?:세요|십시오)|자동\s*생성"
)
_COMMENT: Final = re.compile(r"\s*(?:#|//|/?\*|;|--|<!--|!|\"_?(?:comment|generated)\")")
_LONGEST: Final = 120


def made_by(text: str) -> str:
    """Return the line of a file's head that says that it is generated, "" where none does."""
    for line in text.split("\n", _LOOKED_AT)[:_LOOKED_AT]:
        if _COMMENT.match(line) and _SAYS_SO.search(line) and "smtpdoctor" not in line:
            return line.strip()[:_LONGEST]
    return ""
