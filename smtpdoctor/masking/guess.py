"""Whether a value in the wrong place may be shown: a mistyped word or number, or perhaps a secret.

Whoever pastes a password where a port or a switch belongs has not said that it is one. A port, a switch
or a list of ciphers consists of few words, so what else stands there is shown only where it is short and
plain; a name or an address may be anything, and is shown unless it looks as if a machine had drawn it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

__all__ = ["credentials_in", "is_harmless", "looks_random"]

# What people write for a port, a switch, a way of encryption or a cipher, in lower case and without digits.
_WORDS: Final = frozenset(
    {
        "smtp", "smtps", "esmtp", "submission", "submissions", "mail", "port", "host", "localhost", "tcp",
        "udp", "http", "https", "imap", "imaps", "pop", "tls", "tlsv", "ssl", "sslv", "starttls",
        "opportunistic", "implicit", "explicit", "secure", "insecure", "plain", "none", "null", "nil",
        "auto", "always", "never", "required", "require", "optional", "preferred", "encrypted",
        "encryption", "security", "mode", "default", "verify", "true", "false", "yes", "no", "on", "off",
        "enable", "enabled", "disable", "disabled", "force", "forced", "all", "complementofall",
        "complementofdefault", "high", "medium", "low", "export", "exp", "strength", "seclevel", "suiteb",
        "anull", "enull", "aes", "gcm", "cbc", "ccm", "sha", "md", "rsa", "dss", "dsa", "ecdsa", "ecdh",
        "ecdhe", "dh", "dhe", "edh", "eecdh", "adh", "aecdh", "kx", "krsa", "arsa", "chacha", "poly",
        "camellia", "aria", "des", "rc", "idea", "seed", "psk", "srp", "gost", "kedh", "keecdh", "kecdhe",
        "kdhe", "aecdsa", "adss",
    }
)  # fmt: skip
_RUN: Final = r"[^\W_]+"
_PART: Final = r"\d+|[^\W\d_]+"
_DIGITS: Final = 5  # of the largest port
_MOST_DIGITS: Final = 12  # of an IPv4 address
_WORD: Final = 8  # letters of a word that is not known
_MIXED: Final = 6
_LETTERS: Final = 2  # beside digits, as in 5x87
_SIGNS: Final = 3
_CLOSE: Final = 0.8
_LONG: Final = 12
_CHANGES: Final = 2
_HUMPS: Final = 5
_UUID: Final = r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OF_SECRETS: Final = r"(?i)auth|pass|pwd|pw$|secret|token|key|cred"
# What ends a piece of a path, an address or a URL.
_PIECE: Final = r"[^\s/\\:;,=@\"'`<>()|&?#.\-_]+"


def is_harmless(text: str) -> bool:
    """Whether a text can be shown though it stands where only a number or a word of a short list belongs.

    It can where it consists of such words, of short numbers, and of one or two short words more.
    """
    runs: list[str] = re.findall(_RUN, text)
    if not runs:
        return len(text) <= _SIGNS
    unknown: list[str] = []
    digits = 0
    for run in runs:
        parts: list[str] = re.findall(_PART, run)
        strange = [one for one in parts if not one.isdigit() and not _is_known(one)]
        numbers = [one for one in parts if one.isdigit()]
        if any(len(one) > _DIGITS for one in numbers):
            return False
        if strange and numbers and (len(run) > _MIXED or len("".join(strange)) > _LETTERS):
            return False
        digits += len("".join(numbers))
        unknown += strange
    if digits > _MOST_DIGITS or len(unknown) > _LETTERS or len("".join(unknown)) > _WORD:
        return False
    return all(one in {one.lower(), one.upper(), one.capitalize()} for one in unknown)


def _is_known(word: str) -> bool:
    lowered = word.lower()
    if lowered in _WORDS:
        return True
    if len(word) < _WORD:
        return False
    from difflib import get_close_matches

    return bool(get_close_matches(lowered, _WORDS, 1, _CLOSE))


def looks_random(text: str) -> bool:
    """Whether a piece of a text looks drawn rather than written: a key, a token, a generated password."""
    return any(map(_is_random, re.findall(_PIECE, text))) or re.search(_UUID, text) is not None


def _is_random(piece: str) -> bool:
    if len(piece) < _LONG:
        return False
    changes = len(re.findall(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", piece))
    humps = len(re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z][A-Z])(?=[a-z])", piece))
    return changes > _CHANGES or humps >= _HUMPS or (changes > 0 and humps > 1)


def credentials_in(text: str) -> Iterator[str]:
    """Yield what may be secret in a URL, or in what was to be one, however it is broken; as it stands and decoded.

    That is the password of its login, which ends at the last at sign (RFC 3986 wants each other one
    encoded, and people do not encode it), the values of its query and fragment unless they are harmless,
    and what looks random in the rest.
    """
    rest = text.strip().partition("://")[2] or text.strip()
    login, _, place = rest.rpartition("@")
    name, _, password = login.partition(":")
    where, *behind = re.split(r"[?#&;]", place)
    found = [password, *(one for one in (name, *re.split(r"[/:\[\]]", where)) if looks_random(one))]
    for part in behind:
        key, equal, value = part.partition("=")
        if re.search(_OF_SECRETS, key) or not is_harmless(value or key):
            found.append(value if equal else key)
    for one in filter(None, found):
        yield one
        if (decoded := unquote(one)) != one:
            yield decoded
