"""Masks what a log should never have held: passwords, tokens, AUTH payloads. Addresses stay."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Secret

__all__ = ["masked"]

_MAX_TEXT: Final = 4_000  # more is not shown of a line
# Quantities are bounded: what a log holds must not make the search slow.
_VALUE: Final = r"""(?:"(?:[^"\\]|\\.){0,200}"|'(?:[^'\\]|\\.){0,200}'|[a-z]{4}(?: [a-z]{4}){3}\b|[^\s)}\]"'\\<]{1,400})"""
_QUOTED: Final = r"""(?:"[^"\n]{0,200}"|'[^'\n]{0,200}')"""
_NAMES: Final = (
    r"passw(?:or)?d|passwd|pwd|pass(?:phrase|code)?|secret|api[_-]?key|access[_-]?token|refresh[_-]?token"
    r"|auth[_-]?token|token|\bpw|p/w|credentials?|passwort|mot de passe|contraseña|senha|пароль|비밀번호|암호|パスワード|密码"
)
_PASS: Final = (
    "pass",
    "pw",
    "p/w",
    "비밀번호",
    "암호",
    "パスワード",
    "密码",
    "contraseña",
    "senha",
    "пароль",
)
# Each with words of which one occurs where it matches: a pattern that cannot match is not compiled.
_PATTERNS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    # AUTH PLAIN AGFwcA…, and the lines of a LOGIN or CRAM-MD5 exchange
    (("auth",), r"(?i)(\bAUTH[ =](?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER|NTLM)[ :]+)([A-Za-z0-9+/=_-]{4,})"),
    (
        ("c:", "client", ">", "334", "send:"),
        r"(?im)((?:^|[\s\]:])(?:C:|client ?:|client -> server: ?|send: b?[\"']?|->|~>|>|334 ?)\s{0,4})([A-Za-z0-9+/]{8,}={0,2})(?=(?:\\r)?(?:\\n)?[\"']?\s{0,4}$)",
    ),
    # password=…, "pass": "…", SMTP_PASSWORD: …, api_key => …, SMTP_PASS_PROD=…
    (
        (*_PASS, "secret", "key", "token", "credential"),
        (rf"(?i)([\"']?[\w.-]{{0,40}}(?:{_NAMES})(?:[_.-]\w{{1,20}})?"
        rf"\\?[\"']?\s{{0,4}}(?:=>|[:=>])\s{{0,4}}\\?)({_VALUE})"),
    ),
    # key="SmtpPassword" value="…"
    (("pass",), r'(?i)(key="[^"]{0,40}pass[^"]{0,20}"\s{1,4}value=)("[^"]{0,200}")'),
    # password "…", and a word behind the name that no sentence has: letters and digits mixed
    (_PASS, rf"(?i)((?:{_NAMES})\s{{1,3}})({_QUOTED})"),
    (_PASS, rf"(?i)((?:\b|_)(?:{_NAMES})(?:는|은)?[\s(\[\]:]{{1,3}}(?:is\s{{1,3}})?)((?=[^\s]{{0,40}}\d)(?=[^\s]{{0,40}}[A-Za-z])[A-Za-z0-9!#$%&*+?@^_~-]{{6,60}})"),
    # what a trace shows of calls that log in, in Python and in Go
    (("login(",), rf"(?i)(\blogin\(\s{{0,4}}{_QUOTED}\s{{0,4}},\s{{0,4}})({_QUOTED})"),
    (("plainauth(",), rf"(?i)(\bPlainAuth\(\s{{0,4}}{_QUOTED}\s{{0,4}},\s{{0,4}}{_QUOTED}\s{{0,4}},\s{{0,4}})({_QUOTED})"),
    # swaks -ap …, --auth-password …, curl -u me:…
    ((" --pass", " -p", " --auth-pass", " -ap"), r"(?i)(\s--?(?:password|pass|auth-password|ap)[ =])([^\s-]\S*)"),
    ((" -u", " --user"), r"(\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,200}:)([^\s\"']{1,200})"),
    # the same inside a string of JSON
    (("pass", "pwd", "secret", "token"), r'(?i)(\\"[\w.-]{0,40}(?:pass\w{0,8}|pwd|secret|token)\\"\s{0,4}:\s{0,4}\\")([^"\\]{1,200})'),
    (("bearer", "basic"), r"(?i)(\b(?:Bearer|Basic)\s+)([A-Za-z0-9._~+/=-]{8,})"),
    # scheme://user:password@host; in an address of SMTP whatever the password holds
    (("smtp",), r"(?i)(\bsmtps?(?:\+\w{1,12})?://[^\s/:@]{0,200}:)([^\s\"'<>]{1,200})(?=@)"),
    (("//",), r"(?i)((?:\b[a-z][a-z0-9+.-]{0,20}:)?//[^\s/]{0,200}:)([^\s@/]{1,200})(?=@)"),
    # keys that are known by their looks: SendGrid, Resend, Mailgun, Google, JSON web tokens
    (
        ("sg.", "re_", "key-", "ya29", "eyj", "xkeysib"),
        r"()(\bSG\.[\w-]{8,}\.[\w-]{8,}|\bre_[A-Za-z0-9_]{12,}|\bkey-[0-9a-f]{20,}|\bxkeysib-[\w-]{16,}|\bya29\.[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)",
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
    text = text[:_MAX_TEXT]
    lowered = text.lower()
    for words, pattern in _PATTERNS:
        if any(word in lowered for word in words):
            text = re.sub(pattern, _mask, text)
    return printable(text)
