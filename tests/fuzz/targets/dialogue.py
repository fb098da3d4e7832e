"""What a server sends: replies, and the challenges of a login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
import zlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from smtpdoctor.smtp.errors import NotSMTP, SASLFailed
from smtpdoctor.smtp.protocols import PROTOCOLS, greeting_label
from smtpdoctor.smtp.reply import MAX_LINE, MAX_REPLY, Reply, ReplyParser
from smtpdoctor.smtp.sasl import MECHANISMS, choose, derived, finish, prepared, scram
from tests.fuzz.draw import BytesDraw
from tests.fuzz.target import target

_LABELS: Final = {one.label for one in PROTOCOLS} | {"binary", "malformed", "line-too-long", "endless"}
# RFC 5321 section 4.2: Reply-line, for replies that nobody could read otherwise.
_STRICT: Final = re.compile(
    rb"(?:([2-5][0-9][0-9])-[\t\x20-\x7e]*\r\n)*([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n"
)


def _outcome(pieces: Iterable[bytes]) -> tuple[list[tuple[Reply, bytes]], tuple[Any, ...] | None, bytes]:
    """Return the replies with their bytes, what ended the stream if it is no SMTP, and what is pending."""
    parser, found = ReplyParser(), []
    for piece in pieces:
        parser.feed(piece)
        try:
            while (reply := parser.next_reply()) is not None:
                found.append((reply, parser.raw))
        except NotSMTP as error:
            return found, (error.label, error.received), b""
    return found, None, parser.pending


def _pieces(data: bytes, seed: int) -> list[bytes]:
    draw = random.Random(seed)  # noqa: S311
    found = []
    while data:
        size = draw.choice((1, 1, 2, 3, 7, 40, 900))
        found.append(data[:size])
        data = data[size:]
    return found


@target(b"\r\n", b"250-", b"250 ", b"220 ", b"354 ", b"5.7.1 ", b"-", b"\xff", most=600)
def replies(data: bytes) -> None:
    """However the bytes are cut, the replies are the same, no byte is lost, and strict replies are read as such."""
    found, broken, pending = _outcome([data])
    seed = zlib.crc32(data)
    assert _outcome(_pieces(data, seed)) == (found, broken, pending)
    assert _outcome(bytes([one]) for one in data) == (found, broken, pending)
    whole = b"".join(raw for _, raw in found)
    assert data.startswith(whole)
    if broken is None:
        assert whole + pending == data
        assert len(pending) <= MAX_LINE + MAX_REPLY
    else:
        assert broken[0] in _LABELS
    for reply, raw in found:
        assert 200 <= reply.code < 600
        assert reply.lines
        assert raw.endswith(b"\n")
        assert str(reply).startswith(str(reply.code))
        assert reply.enhanced is None or reply.text.startswith(reply.enhanced)
        greeting_label(reply)
        if strict := _STRICT.fullmatch(raw):
            assert reply.code == int(strict[2])
            assert [line[4:] for line in raw.decode().split("\r\n")[:-1]] == list(reply.lines)
            codes = {line[:3] for line in raw.split(b"\r\n")[:-1]}
            assert (not reply.quirks) == (len(codes) == 1)
    # What comes later takes nothing back.
    longer, later, _ = _outcome([data, b"250 more\r\n"])
    assert longer[: len(found)] == found
    if broken is not None:
        assert (longer, later) == (found, broken)


def _exchange(draw: BytesDraw, mechanism: str, user: str, password: str) -> list[bytes]:
    """Answer challenges until one says enough; returns what was sent."""
    steps = MECHANISMS[mechanism](user, password)
    sent = [first] if (first := next(steps)) is not None else []
    for _ in range(6):
        if draw.chance(20):
            finish(steps)
            return sent
        challenge = draw.rest() if draw.chance(20) else _challenge(draw, sent)
        try:
            sent.append(steps.send(challenge) or b"")
        except StopIteration:
            break
    return sent


def _challenge(draw: BytesDraw, sent: list[bytes]) -> bytes:
    """Return a challenge that may even be right."""
    nonce = re.search(rb"r=([^,]*)", b",".join(sent))
    echoed = nonce[1] if nonce else b"x"
    salt = base64.b64encode(draw.text(8).encode("utf-8", "replace"))
    return draw.pick(
        (
            b"",
            b"Password:",
            b"<1.2@h>",
            b"r=" + echoed + b"server,s=" + salt + b",i=%d" % (1 + draw.below(50)),
            b"r=" + echoed + b",s=QQ==,i=1",
            b"r=other,s=QQ==,i=1",
            b"v=AAAA",
            b"e=invalid-proof",
            b'{"status":"400"}',
        )
    )


@target(b"r=", b",s=", b",i=", b"v=", b"e=", b"\0", b"\1", most=400)
def sasl(data: bytes) -> None:
    """Any challenge ends in a value; the password is sent only where the mechanism sends it."""
    draw = BytesDraw(data)
    mechanism = draw.pick(tuple(MECHANISMS))
    user, password = draw.text(10), "geheim" + draw.text(12)
    prepared(password)
    sent: list[bytes] = []
    with suppress(SASLFailed, UnicodeEncodeError):  # a lone surrogate has no bytes: told as such
        sent = _exchange(draw, mechanism, user, password)
    if mechanism == "CRAM-MD5" or mechanism.startswith("SCRAM-"):
        for one in sent:
            assert password.encode("utf-8", "replace") not in one
            for secret in derived(mechanism, one):
                assert secret.encode() in one
    assert choose(draw.several(lambda: draw.text(6), 4), token=draw.chance(50)) is None


@target(most=200)
def scram_server(data: bytes) -> None:
    """A server that knows the password is believed, any other is not: by a server written from RFC 5802."""
    draw = BytesDraw(data)
    digest = draw.pick(("sha1", "sha256"))
    user, password = draw.text(8, "abcAB=,é ") or "u", draw.text(8, "abcAB=,é ") or "p"
    knows = draw.chance(50)
    salt = draw.text(12).encode("utf-8", "replace")
    rounds = 1 + draw.below(20)
    exchange = scram(digest, user, password)
    first = next(exchange)
    assert first is not None
    bare = first.removeprefix(b"n,,")
    nonce = bare.rpartition(b"r=")[2] + b"s3rv3r"
    server_first = b"r=%b,s=%b,i=%d" % (nonce, base64.b64encode(salt), rounds)
    if not salt:
        try:
            exchange.send(server_first)
        except SASLFailed:
            return
        raise AssertionError("an empty salt was taken")
    final = exchange.send(server_first)
    assert final is not None
    without_proof, _, proof = final.rpartition(b",p=")
    message = b",".join((bare, server_first, without_proof))
    secret = prepared(password if knows else f"{password}x").encode()
    salted = hashlib.pbkdf2_hmac(digest, secret, salt, rounds)
    client_key = hmac.digest(salted, b"Client Key", digest)
    stored = hashlib.new(digest, client_key).digest()
    signature = hmac.digest(stored, message, digest)
    assert (
        bytes(a ^ b for a, b in zip(signature, base64.b64decode(proof), strict=True)) == client_key
    ) == knows
    server_key = hmac.digest(salted, b"Server Key", digest)
    verifier = b"v=" + base64.b64encode(hmac.digest(server_key, message, digest))
    try:
        exchange.send(verifier)
        finish(exchange)
    except SASLFailed:
        assert not knows
    else:
        assert knows
