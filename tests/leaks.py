"""Looks for a secret in a text the way a stranger would: decode whatever decodes, and compare letters and digits.

Knows nothing of how masking works. ``leaks`` returns a piece of the secret that is left, or nothing;
``DISGUISES`` are the ways in which a server may say what it was told.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_to_bytes

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DISGUISES", "LOSSY", "disguised", "enough_of", "leaks", "plain", "readings", "visible"]

ENOUGH = 6  # letters and digits of a secret in a row
_WORD = re.compile(r"[A-Za-z0-9+/_-]{6,}")


def plain(text: str) -> str:
    """Return the letters and digits of a text."""
    simple = unicodedata.normalize("NFC", unicodedata.normalize("NFKD", text).casefold())
    return "".join(one for one in simple if one.isalnum())


def visible(text: str) -> str:
    """Return a text without blanks, controls and quotes, in small letters."""
    return "".join(
        one for one in text.casefold() if one.isprintable() and not one.isspace() and one not in "\"'`\\"
    )


def enough_of(secret: str) -> int:
    """Return how many characters in a row tell something of a secret; digits in a row are in many numbers."""
    return 8 if len(plain(secret)) >= 16 and set(plain(secret)) <= set("0123456789abcdef") else ENOUGH


def leaks(secret: str, text: str, enough: int = 0) -> str:
    """Return a piece of a secret that a text shows, raw or encoded, or nothing."""
    enough = enough or enough_of(secret)
    looked_for = [(plain, plain(secret)), (visible, visible(secret))]
    for reading in readings(text):
        if secret in reading:
            return secret
        for flatten, known in looked_for:
            flat = flatten(reading)
            for start in range(len(known) - enough + 1):
                piece = known[start : start + enough]
                if piece in flat or piece[::-1] in flat:
                    return piece
    return ""


def readings(text: str, depth: int = 3) -> Iterator[str]:
    """Yield everything that a text can be decoded to, as often as it was encoded."""
    seen = {text}
    level = [text]
    for _ in range(depth + 1):
        yield from level
        level = list(dict.fromkeys(one for reading in level for one in _decoded(reading) if one not in seen))
        seen.update(level)
        if len(seen) > 3000:
            break


def _decoded(text: str) -> Iterator[str]:
    if "\n" in text:
        yield re.sub(r"\r?\n\d{3}[ -]", "", text)
    if "\\" in text:
        yield re.sub(
            r"\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\([0-7]{3})|\\(.)",
            lambda found: (
                chr(int(found[1] or found[2], 16)) if found[1] or found[2]
                else chr(int(found[3], 8)) if found[3]
                else {"n": "\n", "r": "\r", "t": "\t"}.get(found[4], found[4])
            ),
            text,
        )  # fmt: skip
    if "%" in text:
        yield unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if "=" in text:
        yield quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if "+" in text:
        yield re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
    if "&" in text:
        yield html.unescape(text)
    for word in _WORD.findall(text):
        yield from _unpacked(word)
    joined = re.sub(r"[\s\"',;]+", "", text)
    if joined != text:
        for word in _WORD.findall(joined):
            yield from _unpacked(word)


def _unpacked(word: str) -> Iterator[str]:
    standard = word.replace("-", "+").replace("_", "/")
    found: list[bytes] = []
    for start in range(4):
        part = standard[start:]
        found.append(base64.b64decode(part[: len(part) // 4 * 4]))
    if re.fullmatch("[0-9A-Fa-f]+", word):
        for start in range(2):
            part = word[start:]
            found.append(bytes.fromhex(part[: len(part) // 2 * 2]))
    if re.fullmatch("[A-Z2-7]+", word):
        for start in range(8):
            part = word[start:]
            found.append(base64.b32decode(part[: len(part) // 8 * 8]))
    for data in found:
        text = data.decode("utf-8", "replace")
        if sum(one.isprintable() or one in "\0\1" for one in text) * 4 >= len(text) * 3 and text.count(
            "\ufffd"
        ) * 4 <= len(text):
            yield text


def _pieces(secret: str, size: int, between: str) -> str:
    return between.join(secret[start : start + size] for start in range(0, len(secret), size))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Each says a text otherwise. What is not of the secret itself has no letters or digits, or belongs to the reply.
DISGUISES: dict[str, Callable[[str], str]] = {
    "folded over lines": lambda text: _pieces(text, 4, "\r\n535-"),
    "folded over lines with codes": lambda text: _pieces(text, 5, "\n535-5.7.8 "),
    "folded far apart": lambda text: _pieces(text, 64, "\r\n250-"),
    "pieces": lambda text: _pieces(text, 3, "-"),
    "pieces in quotes": lambda text: _pieces(text, 4, '", "'),
    "letters": " ".join,
    "NUL between": "\0".join,
    "zero-width signs between": "\u200b".join,
    "percent": lambda text: quote(_bytes(text), safe=""),
    "percent and plus": lambda text: quote_plus(_bytes(text)),
    "percent, all": lambda text: "".join(f"%{one:02x}" for one in _bytes(text)),
    "quoted-printable": lambda text: quopri.encodestring(_bytes(text), quotetabs=True).decode(),
    "quoted-printable, all": lambda text: "".join(f"={one:02X}" for one in _bytes(text)),
    "xtext": lambda text: "".join(one if "!" <= one <= "~" and one not in "+=" else "".join(f"+{byte:02X}" for byte in _bytes(one)) for one in text),
    "xtext, all": lambda text: "".join(f"+{one:02X}" for one in _bytes(text)),
    "JSON": json.dumps,
    "JSON twice": lambda text: json.dumps(json.dumps(text)),
    "JSON, all": lambda text: "".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else one for one in text),
    "HTML": html.escape,
    "HTML, decimal": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "shell, every sign": lambda text: "".join(one if one.isalnum() or one.isspace() else f"\\{one}" for one in text),
    "C": lambda text: "".join(f"\\x{one:02x}" for one in _bytes(text)),
    "octal": lambda text: "".join(f"\\{one:03o}" for one in _bytes(text)),
    "Python": repr,
    "numbers": lambda text: str(list(_bytes(text))),
    "C numbers": lambda text: ", ".join(f"0x{one:02x}" for one in _bytes(text)),
    "capitals": str.upper,
    "small letters": str.lower,
    "other case": str.swapcase,
    "base64": lambda text: _b64(_bytes(text)),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(_bytes(text)).decode().rstrip("="),
    "base64 of a login": lambda text: _b64(b"\0me@example.test\0" + _bytes(text)),
    "base64 of a token": lambda text: _b64(b"user=me\1auth=Bearer " + _bytes(text) + b"\1\1"),
    "base64 of UTF-16": lambda text: _b64(text.encode("utf-16-le", "replace")),
    "base64 of UTF-16, big": lambda text: _b64(("me " + text).encode("utf-16-be", "replace")),
    "base64 in pieces": lambda text: _pieces(_b64(_bytes("me\0" + text)), 4, " "),
    "base64 in lines": lambda text: _pieces(_b64(_bytes(text)), 8, "\r\n535-"),
    "base32": lambda text: base64.b32encode(_bytes(text)).decode().rstrip("="),
    "base32 of a login": lambda text: base64.b32encode(b"\0me\0" + _bytes(text)).decode(),
    "hexadecimal": lambda text: _bytes(text).hex(),
    "hexadecimal, parted": lambda text: _bytes(text).hex(":"),
    "backwards": lambda text: text[::-1],
    "without the end": lambda text: text[: max(len(text) * 2 // 3, 1)],
    "without the beginning": lambda text: text[len(text) // 3 :],
    "the middle": lambda text: text[len(text) // 5 : -(len(text) // 5) or None],
    "in a word": lambda text: f"x{text}y",
    "in JSON": lambda text: json.dumps({"you": f"said {text}", "n": 5}, ensure_ascii=False),
    "in a URL": lambda text: f"smtp://me:{quote(_bytes(text), safe='')}@host.example.test/",
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "mojibake": lambda text: _bytes(text).decode("latin-1"),
}  # fmt: skip
# After these not even the secret's owner could tell it for sure.
LOSSY = {"capitals", "small letters", "other case"}


@st.composite
def disguised(draw: st.DrawFn, secret: str, most: int = 3) -> str:
    """Draw a way to say a secret; returns what is said."""
    text = secret
    for name in draw(st.lists(st.sampled_from(sorted(DISGUISES)), max_size=most)):
        text = DISGUISES[name](text)
    return text
