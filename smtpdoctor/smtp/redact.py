"""Masks secrets and control characters where something is recorded, so that no printer has to.

A server may echo what it was sent, raw or encoded; so every encoding of an AUTH exchange that
holds the secret is masked too: base64 at any alignment, URL and hex encoding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from smtpdoctor.model import Secret

__all__ = ["Redactor", "printable"]

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_SHORT: Final = 4
# C0 and C1 controls, and the Unicode ones that reorder or hide text on a terminal.
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Replace control characters with visible escapes; tabs become blanks."""
    return _CONTROL.sub(_escape, text).replace("\t", " ")


def _escape(found: re.Match[str]) -> str:
    point = ord(found[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"  # noqa: PLR2004


class Redactor:
    """Masks a fixed set of secrets in any text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted({one for one in secrets if one}, key=len, reverse=True))
        forms: set[str] = set()
        for secret in self._secrets:
            raw = secret.encode()
            forms |= {secret, quote(secret, safe=""), quote_plus(secret), printable(secret)}
            forms |= {base64.b64encode(raw).decode(), raw.hex(), raw.hex().upper(), repr(secret)[1:-1]}
            forms |= {raw.decode("latin-1"), secret.strip()}
        long = sorted((one for one in forms if len(one) >= _SHORT), key=len, reverse=True)
        short = sorted((one for one in forms if 0 < len(one) < _SHORT), key=len, reverse=True)
        parts = [re.escape(one) for one in long]
        # A secret of one to three characters would blot out every text it happens to occur in.
        parts += [rf"(?<![\w.]){re.escape(one)}(?![\w.])" for one in short]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def __call__(self, text: str) -> str:
        """Return the text without secrets and without control characters."""
        if self._pattern is not None:
            text = self._pattern.sub(Secret.MASK, text)
            text = _BASE64.sub(self._unmask_base64, text)
        return printable(text)

    def _unmask_base64(self, found: re.Match[str]) -> str:
        token = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        for start in range(min(4, len(token))):
            cut = token[start:]
            cut = cut[: len(cut) - (len(cut) % 4 == 1)]
            try:
                plain = base64.b64decode(cut + "=" * (-len(cut) % 4))
            except (binascii.Error, ValueError):
                continue
            if any(secret.encode() in plain for secret in self._secrets if len(secret) >= _SHORT):
                return Secret.MASK
            if start == 0 and any(
                secret.encode() in plain.split(b"\0") for secret in self._secrets
            ):
                return Secret.MASK
        return found[0]
