"""Masks what a log should never have held: passwords, tokens, AUTH payloads. Addresses stay."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.model import Secret
from smtpdoctor.smtp.words import printable

__all__ = ["masked"]

_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]"']+)"""
# Each with words of which one occurs where it matches: a pattern that cannot match is not compiled.
_PATTERNS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    # AUTH PLAIN AGFwcA…, and the lines of a LOGIN or CRAM-MD5 exchange
    (("auth",), r"(?i)(\bAUTH[ =](?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER|NTLM)[ :]+)([A-Za-z0-9+/=_-]{4,})"),
    (
        ("c:", "client", ">", "334"),
        r"(?im)((?:^|[\s\]:])(?:C:|client ?:|->|~>|>|334 ?)\s*)([A-Za-z0-9+/]{8,}={0,2})(?=\s*$)",
    ),
    # password=…, "pass": "…", SMTP_PASSWORD: …, api_key => …
    (
        ("passw", "pwd", "pass", "secret", "key", "token"),
        (r"(?i)([\"']?[\w.-]*(?:passw(?:or)?d|passwd|pwd|\bpass|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|auth[_-]?token)"
        rf"[\"']?\s*(?:=>|[:=])\s*)({_VALUE})"),
    ),
    (("bearer", "basic"), r"(?i)(\b(?:Bearer|Basic)\s+)([A-Za-z0-9._~+/=-]{8,})"),
    # scheme://user:password@host
    (("://",), r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:@/]+:)([^\s@/]+)(?=@)"),
    # keys that are known by their looks: SendGrid, Resend, Mailgun, Google, JSON web tokens
    (
        ("sg.", "re_", "key-", "ya29", "eyj"),
        r"()(\bSG\.[\w-]{8,}\.[\w-]{8,}|\bre_[A-Za-z0-9_]{12,}|\bkey-[0-9a-f]{20,}|\bya29\.[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)",
    ),
)  # fmt: skip
# Words that follow such a name in prose or in a message about it, and are no value.
_PROSE: Final = (
    r"(?i)[\"']?(?:is|was|not|incorrect|invalid|wrong|required|missing|null|none|undefined|true|false|"
    r"\*+|x{3,}|<\w+>|\[?redacted\]?|and|or|for|authentication|\$\{?\w+\}?|\.{3,}|…)[\"']?$"
)


def _mask(found: re.Match[str]) -> str:
    head, value = found[1], found[2]
    if re.match(_PROSE, value):
        return found[0]
    quote = value[0] if value[0] in "\"'" and value[-1] == value[0] else ""
    return f"{head}{quote}{Secret.MASK}{quote}"


def masked(text: str) -> str:
    """Return a text without secrets and without control characters."""
    lowered = text.lower()
    for words, pattern in _PATTERNS:
        if any(word in lowered for word in words):
            text = re.sub(pattern, _mask, text)
    return printable(text)
