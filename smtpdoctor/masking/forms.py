"""Credentials that are known by their form alone: the login in a URL."""

from __future__ import annotations

import re

from smtpdoctor.model import Secret

__all__ = ["without_credentials"]


def without_credentials(text: str) -> str:
    """Return a text with the password masked that a URL in it holds, wherever its login ends."""
    return re.sub(r":(?!//).*@", f":{Secret.MASK}@", text, flags=re.DOTALL)
