"""The masker: a secret in whatever form somebody may write it is not to be read any more."""

from __future__ import annotations

import base64
import html
import json
import quopri
import string
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.model import Secret
from tests.fuzz.draw import BytesDraw, Draw
from tests.fuzz.leak import LEAST, leaked
from tests.fuzz.target import no_control, target

_ALPHABETS: Final = (
    string.ascii_lowercase,
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + "!#$%&'()*+,-./:;<=>?@[]^_{|}~",
    string.ascii_letters + " \"\\'",
    "비밀번호가나다라마바사äöüß",
)
_ZERO_WIDTH: Final = "\u200b"


def _joined(text: str, between: str, every: int) -> str:
    return between.join(text[start : start + every] for start in range(0, len(text), every))


def _b64(text: str, codec: str = "utf-8") -> str:
    return base64.b64encode(text.encode(codec)).decode()


def _partly(text: str, draw: Draw, write: Callable[[str], str]) -> str:
    return "".join(write(one) if draw.chance(50) else one for one in text)


def _hexed(one: str, sign: str) -> str:
    return "".join(f"{sign}{byte:02X}" for byte in one.encode())


_FORMS: Final[tuple[Callable[[str, Draw], str], ...]] = (
    lambda one, _: one,
    lambda one, _: one.upper(),
    lambda one, _: one.lower(),
    lambda one, _: one[::-1],
    lambda one, _: _b64(one),
    lambda one, _: _b64(f"\0user@example.test\0{one}"),
    lambda one, _: _b64(f"user=u\1auth=Bearer {one}\1\1"),
    lambda one, _: base64.urlsafe_b64encode(f"\0u\0{one}".encode()).decode().rstrip("="),
    lambda one, _: _b64(one, "utf-16-le"),
    lambda one, _: _b64(one, "utf-16-be"),
    lambda one, draw: _joined(_b64(f"\0user\0{one}"), draw.pick(("\n535-5.7.8 ", " ", "\r\n", "\\n")), 12),
    lambda one, _: base64.b32encode(one.encode()).decode(),
    lambda one, _: one.encode().hex(),
    lambda one, _: one.encode().hex(":").upper(),
    lambda one, _: quote(one, safe=""),
    lambda one, draw: _partly(one, draw, lambda sign: _hexed(sign, "%")),
    lambda one, _: quopri.encodestring(one.encode(), quotetabs=True).decode(),
    lambda one, draw: _partly(one, draw, lambda sign: _hexed(sign, "=")),
    lambda one, draw: _partly(one, draw, lambda sign: _hexed(sign, "+")),
    lambda one, _: json.dumps(one),
    lambda one, _: json.dumps(json.dumps(one)),
    lambda one, draw: _partly(one, draw, lambda sign: f"\\u{ord(sign):04x}"),
    lambda one, _: html.escape(one),
    lambda one, draw: _partly(one, draw, lambda sign: f"&#{ord(sign)};"),
    lambda one, _: "".join(sign if sign.isalnum() else f"\\{sign}" for sign in one),
    lambda one, _: "'" + one.replace("'", "'\\''") + "'",
    lambda one, draw: _joined(one, draw.pick((_ZERO_WIDTH, "\0", "\u2060", "\x1b[0m")), 1),
    lambda one, draw: _joined(one, draw.pick(("\r\n535-", "\n535-5.7.8 ", "=\r\n", "\\\n")), 4),
)
_AROUND: Final = (
    ("", ""),
    ("5.7.8 Authentication failed for ", ""),
    ("bad password <", "> given"),
    ("AUTH PLAIN ", ""),
    ('{"password":"', '","user":"u"}'),
    ("Error: 535 5.7.8 (", ") try again"),
    ("x=", "&y=1"),
    ("", "@mail.example.test"),
)


def a_secret(draw: Draw) -> str:
    """Draw a password of one of several kinds; of the letters of one, no word of a reply is made."""
    letters = draw.pick(_ALPHABETS)
    secret = "".join(draw.pick(letters) for _ in range(6 + draw.below(30)))
    # Of signs with a letter or two among them only the whole is known: their pieces are in every text.
    few = sum(map(str.isalnum, secret)) < LEAST and secret.isascii()
    return f"{secret}{draw.pick(_ALPHABETS[1])}Zq7tR" if few else secret


@target(most=120)
def echo(data: bytes) -> None:
    """What a server echoes of a password, in whatever form, shows no piece of it, and nothing that obeys."""
    draw = BytesDraw(data)
    secret = a_secret(draw)
    before, after = draw.pick(_AROUND)
    if leaked(secret, f"{before} {after}") or leaked(secret, f"{before}{Secret.MASK}{after}"):
        return  # it is there without an echo
    said = f"{before}{draw.pick(_FORMS)(secret, draw)}{after}"
    cut = len(said) - draw.below(8) if draw.chance(20) else len(said)
    shown = Redactor([secret])(said[:cut])
    no_control(shown)
    found = leaked(secret, shown)
    assert not found, (secret, said[:cut], shown, found)


@target(b"%41", b"=3D", b"\\u0041", b"&#65;", b"AAAA", b"\0", most=400)
def redact(data: bytes) -> None:
    """Any text goes through, however short the secrets; what is masked once stays as it is."""
    draw = BytesDraw(data)
    secrets = draw.several(lambda: draw.text(10), 3)
    redactor = Redactor(secrets)
    shown = redactor(draw.rest().decode("utf-8", "surrogateescape"))
    no_control(shown)
    for secret in secrets:
        assert len(secret) < 4 or secret not in shown or secret in "********", (secret, shown)


@target(b"smtp://", b":", b"@", b"//", b"?", b"#", most=300)
def url_login(data: bytes) -> None:
    """A URL with a password in it, however broken, is shown without."""
    draw = BytesDraw(data)
    secret = a_secret(draw)
    scheme = draw.pick(("smtp://", "smtps://", "smtp+starttls://", "//", "http://"))
    host = draw.pick(("mail.example.test", "127.0.0.1:25", "[::1]", ""))
    host += draw.text(6)
    if leaked(secret, f"{scheme}bob:{Secret.MASK}@{host}"):
        return  # what stands around it, or in its place, says it as well
    shown = without_credentials(f"{scheme}bob:{secret}@{host}")
    found = leaked(secret, shown)
    assert not found, (secret, shown)
