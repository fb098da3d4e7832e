"""SASL mechanisms as generators (RFC 4954): each yields what to send, and is sent the challenge.

The first yield is the initial response, which is never empty, or None where the mechanism has none; each
comes to an end, whatever the server says. When the server says that the login is done, ``finish`` tells
the mechanism, which may know better (SCRAM).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Final

from smtpdoctor.smtp.errors import SASLFailed

__all__ = ["MECHANISMS", "Mechanism", "choose", "derived", "finish", "looks_like_token", "prepared"]

Exchange = Generator[bytes | None, bytes | None, None]
Mechanism = Callable[[str, str], Exchange]

# What servers ask for is mostly 4,096; OWASP's advice is this, and it takes a second at most.
_MOST_ITERATIONS: Final = 600_000
_SERVER_FIRST: Final = r"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,8})(?:,.*)?"


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


def scram_sha_1(username: str, password: str) -> Exchange:
    """SCRAM-SHA-1 (RFC 5802), without channel binding."""
    return scram("sha1", username, password)


def scram_sha_256(username: str, password: str) -> Exchange:
    """SCRAM-SHA-256 (RFC 7677), without channel binding."""
    return scram("sha256", username, password)


def scram(digest: str, username: str, password: str, nonce: str = "") -> Exchange:
    """SCRAM (RFC 5802 section 5): both sides prove that they know the password, and neither sends it.

    ``nonce`` is for the specification's examples. Raises SASLFailed where the server's messages are not
    SCRAM's, and, from ``finish``, where the login was accepted without the server's proof.
    Written here: the one live library (scramp) has no types, imports an ASN.1 parser for 70 ms, and lets
    a server have us count to ten million.
    """
    import hashlib
    import hmac

    def keyed(key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, digest)

    if not nonce:
        import secrets

        nonce = secrets.token_urlsafe(24)
    name = prepared(username).replace("=", "=3D").replace(",", "=2C")
    client_first = f"n={name},r={nonce}"
    server_first = yield f"n,,{client_first}".encode()
    found = re.fullmatch(_SERVER_FIRST, (server_first or b"").decode("utf-8", "replace"))
    if server_first is None or found is None or not found[1].startswith(nonce) or found[1] == nonce:
        raise SASLFailed("scram-unproven" if server_first is None else "sasl-challenge")
    iterations, salt = int(found[3]), _base64(found[2])
    if iterations > _MOST_ITERATIONS or salt is None:
        raise SASLFailed("sasl-challenge")
    client_final = f"c=biws,r={found[1]}"
    message = b",".join((client_first.encode(), server_first, client_final.encode()))
    salted = hashlib.pbkdf2_hmac(digest, prepared(password).encode(), salt, iterations)
    client_key = keyed(salted, b"Client Key")
    signature = keyed(hashlib.new(digest, client_key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    expected = b"v=" + base64.b64encode(keyed(keyed(salted, b"Server Key"), message))
    server_final = yield f"{client_final},p={base64.b64encode(proof).decode()}".encode()
    if server_final is None or not hmac.compare_digest(server_final.split(b",")[0], expected):
        # "e=" names the reason of a refusal, which the reply tells, too.
        if server_final is None or not server_final.startswith(b"e="):
            raise SASLFailed("scram-unproven")
        if (yield b"") is None:
            raise SASLFailed("scram-unproven")
        return
    yield b""


def xoauth2(username: str, password: str) -> Exchange:
    """XOAUTH2 (Google, Microsoft): a bearer token; an error comes as a challenge, answered with an empty line."""
    yield f"user={username}\1auth=Bearer {password}\1\1".encode()
    yield b""


def oauthbearer(username: str, password: str) -> Exchange:
    """OAUTHBEARER (RFC 7628): the standard form of the same; an error is answered with one byte."""
    name = username.replace("=", "=3D").replace(",", "=2C")
    yield f"n,a={name},\1auth=Bearer {password}\1\1".encode()
    yield b"\1"


MECHANISMS: Final[dict[str, Mechanism]] = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram_md5,
    "SCRAM-SHA-256": scram_sha_256,
    "SCRAM-SHA-1": scram_sha_1,
    "XOAUTH2": xoauth2,
    "OAUTHBEARER": oauthbearer,
}

# What most applications choose: PLAIN and LOGIN wherever they are offered. Only where neither is, a
# login shows whether the password is right although the application may not be able to use it.
_WITH_PASSWORD: Final = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-1")
_WITH_TOKEN: Final = ("XOAUTH2", "OAUTHBEARER")


def finish(exchange: Exchange) -> None:
    """Tell a mechanism that the server has accepted the login; raises SASLFailed where it has not proved itself."""
    with suppress(StopIteration):
        exchange.send(None)
    exchange.close()


def derived(mechanism: str, answer: bytes) -> tuple[str, ...]:
    """Return what of an answer is to be masked like the password, where a server echoes it.

    With challenge and digest (CRAM-MD5), or nonces, salt and proof (SCRAM), the password can be guessed
    without asking the server. To be masked before the answer is sent.
    """
    text = answer.decode("utf-8", "replace")
    if mechanism == "CRAM-MD5":
        return (text.rpartition(" ")[2],)
    if mechanism.startswith("SCRAM-"):
        # Without our nonce, which is in every later message, the server's signature tells nothing either.
        return tuple(part[2:] for part in text.split(",") if part.startswith(("p=", "r=")))
    return ()


def prepared(text: str) -> str:
    """Return a user name or password as SASLprep has it (RFC 4013): compatibility forms and odd blanks made one.

    What SASLprep forbids is returned as it is, as Dovecot and PostgreSQL do.
    """
    if text.isascii():
        return text
    import stringprep
    from unicodedata import ucd_3_2_0

    mapped = "".join(
        " " if stringprep.in_table_c12(one) else one for one in text if not stringprep.in_table_b1(one)
    )
    found = ucd_3_2_0.normalize("NFKC", mapped)
    forbidden = (
        *(stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3),
        *(stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6),
        *(stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9),
    )
    if any(table(one) for one in found for table in forbidden):
        return text
    # Writing from right to left must not be mixed with the other direction (RFC 3454 section 6).
    if any(map(stringprep.in_table_d1, found)) and (
        any(map(stringprep.in_table_d2, found))
        or not (stringprep.in_table_d1(found[0]) and stringprep.in_table_d1(found[-1]))
    ):
        return text
    return found


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def looks_like_token(password: str) -> bool:
    """Tell an OAuth access token: Google's prefix, or a JSON web token (RFC 7519)."""
    return password.startswith(("ya29.", "EwB", "eyJ")) and len(password) > 60  # noqa: PLR2004


def choose(offered: Iterable[str], *, token: bool) -> str | None:
    """Return the best mechanism that the server offers, or None where we share none.

    ``token``: the password is an OAuth access token. Without one XOAUTH2 is never tried, since an
    ordinary password in it is refused for certain. Mechanisms with channel binding (-PLUS), NTLM, GSSAPI
    and EXTERNAL are not spoken.
    """
    names = {name.upper() for name in offered}
    return next((name for name in (_WITH_TOKEN if token else _WITH_PASSWORD) if name in names), None)
