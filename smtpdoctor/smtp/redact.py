"""Masks secrets and control characters where something is recorded, so that no printer has to.

A server may echo what it was sent, raw or encoded; so every encoding of an AUTH exchange that
holds the secret is masked too: base64 at any alignment (also of UTF-16), base32, URL, hex and
quoted-printable encoding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

from smtpdoctor.model import Secret
from smtpdoctor.smtp.words import printable

__all__ = ["Redactor"]

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_SHORT: Final = 4


def _bytes(secret: str) -> bytes:
    """Return a secret as bytes; one from an environment that is not UTF-8 holds lone surrogates."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def _percent(secret: str) -> str:
    """Return a pattern of the secret in URL encoding, whichever characters were encoded, in either case.

    Quoted-printable (RFC 2045 section 6.7) is the same with another sign.
    """
    parts: list[str] = []
    for one in secret:
        encoded = "".join(f"[%=]{byte:02x}" for byte in _bytes(one))
        parts.append(f"(?:{re.escape(one)}|(?i:{encoded}){'|[+_]' if one == ' ' else ''})")
    return "".join(parts)


class Redactor:
    """Masks a fixed set of secrets in any text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted({one for one in secrets if one}, key=len, reverse=True))
        self._bytes = tuple((_bytes(one), len(one) >= _SHORT) for one in self._secrets)
        forms: set[str] = set()
        for secret in self._secrets:
            raw = _bytes(secret)
            forms |= {secret, printable(secret), repr(secret)[1:-1], raw.decode("latin-1"), secret.strip()}
            forms |= {base64.b64encode(raw).decode(), base64.b32encode(raw).decode().rstrip("=")}
        long = sorted((one for one in forms if len(one) >= _SHORT), key=len, reverse=True)
        short = sorted((one for one in forms if 0 < len(one) < _SHORT), key=len, reverse=True)
        parts = [re.escape(one) for one in long]
        parts += [f"{_percent(one)}|(?i:{_bytes(one).hex()})" for one in self._secrets if len(one) >= _SHORT]
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
            # A byte of zero beside each letter is UTF-16; between user and password it is SASL's.
            narrow = plain.replace(b"\0", b"")
            if any(secret in plain or secret in narrow for secret, long in self._bytes if long):
                return Secret.MASK
            if start == 0 and any(secret in plain.split(b"\0") for secret, _ in self._bytes):
                return Secret.MASK
        return found[0]
