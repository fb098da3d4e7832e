"""The placeholders of notes and fixes: ``{at.password}``, ``{set.security.tls}``, ``{host}``, ``{fact.days}``."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PLACEHOLDER"]

PLACEHOLDER: Final = re.compile(r"\{([a-z]+(?:\.[a-z0-9_-]+)*)\}")
