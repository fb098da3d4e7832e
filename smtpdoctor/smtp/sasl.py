"""SASL mechanisms as generators (RFC 4954): each yields what to send, and is sent the challenge.

The first yield is the initial response, or None where the mechanism has none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Final

__all__ = ["MECHANISMS", "Mechanism", "choose", "looks_like_token"]

Exchange = Generator[bytes | None, bytes, None]
Mechanism = Callable[[str, str], Exchange]


def plain(username: str, password: str) -> Exchange:
    """PLAIN (RFC 4616): one message, UTF-8."""
    yield f"\0{username}\0{password}".encode()


def login(username: str, password: str) -> Exchange:
    """LOGIN (no RFC): user name and password at two prompts, whatever their wording."""
    yield None
    yield username.encode()
    yield password.encode()


def cram_md5(username: str, password: str) -> Exchange:
    """CRAM-MD5 (RFC 2195): a keyed digest of the server's challenge."""
    import hmac

    challenge = yield None
    digest = hmac.new(password.encode(), challenge, "md5").hexdigest()
    yield f"{username} {digest}".encode()


def xoauth2(username: str, password: str) -> Exchange:
    """XOAUTH2 (Google, Microsoft): a bearer token; an error comes as a challenge, answered with an empty line."""
    yield f"user={username}\1auth=Bearer {password}\1\1".encode()
    yield b""


MECHANISMS: Final[dict[str, Mechanism]] = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram_md5,
    "XOAUTH2": xoauth2,
}


def looks_like_token(password: str) -> bool:
    """Tell an OAuth access token: Google's prefix, or a JSON web token (RFC 7519)."""
    return password.startswith(("ya29.", "EwB", "eyJ")) and len(password) > 60  # noqa: PLR2004


def choose(offered: Iterable[str], *, token: bool) -> str | None:
    """Return the best mechanism that the server offers, or None where we share none.

    ``token``: the password is an OAuth access token. Without one XOAUTH2 is never tried, since an
    ordinary password in it is refused for certain.
    """
    names = {name.upper() for name in offered}
    order = ("XOAUTH2",) if token else ("PLAIN", "LOGIN", "CRAM-MD5")
    return next((name for name in order if name in names), None)
