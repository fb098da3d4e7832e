"""Masks what a log should never have held: passwords, tokens, AUTH payloads. Addresses stay."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.model import Secret
from smtpdoctor.smtp.redact import printable

__all__ = ["masked"]

_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]"']+)"""
_PATTERNS: Final = (
    # AUTH PLAIN AGFwcA…, and the lines of a LOGIN or CRAM-MD5 exchange
    re.compile(r"(?i)(\bAUTH[ =](?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER|NTLM)[ :]+)([A-Za-z0-9+/=_-]{4,})"),
    re.compile(r"(?im)((?:^|[\s\]:])(?:C:|client ?:|->|~>|>|334 ?)\s*)([A-Za-z0-9+/]{8,}={0,2})(?=\s*$)"),
    # password=…, "pass": "…", SMTP_PASSWORD: …, api_key => …
    re.compile(
        r"(?i)([\"']?[\w.-]*(?:passw(?:or)?d|passwd|pwd|\bpass|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|auth[_-]?token)"
        rf"[\"']?\s*(?:=>|[:=])\s*)({_VALUE})"
    ),
    re.compile(r"(?i)(\b(?:Bearer|Basic)\s+)([A-Za-z0-9._~+/=-]{8,})"),
    # scheme://user:password@host
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:@/]+:)([^\s@/]+)(?=@)"),
    # keys that are known by their looks: SendGrid, Resend, Mailgun, Google, AWS, JSON web tokens
    re.compile(r"()(\bSG\.[\w-]{8,}\.[\w-]{8,}|\bre_[A-Za-z0-9_]{12,}|\bkey-[0-9a-f]{20,}|\bya29\.[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)"),
)  # fmt: skip
# Words that follow such a name in prose or in a message about it, and are no value.
_PROSE: Final = re.compile(
    r"(?i)[\"']?(?:is|was|not|incorrect|invalid|wrong|required|missing|null|none|undefined|true|false|"
    r"\*+|x{3,}|<\w+>|\[?redacted\]?|and|or|for|authentication|\$\{?\w+\}?|\.{3,}|…)[\"']?$"
)


def _mask(found: re.Match[str]) -> str:
    head, value = found[1], found[2]
    if _PROSE.match(value):
        return found[0]
    quote = value[0] if value[0] in "\"'" and value[-1] == value[0] else ""
    return f"{head}{quote}{Secret.MASK}{quote}"


def masked(text: str) -> str:
    """Return a text without secrets and without control characters."""
    for pattern in _PATTERNS:
        text = pattern.sub(_mask, text)
    return printable(text)
