"""What a server sends in a handshake, and what a name server answers."""

from __future__ import annotations

import random
import warnings
import zlib
from datetime import UTC
from functools import cache
from typing import Final

import dns.message
import dns.rcode
from cryptography import x509
from cryptography.x509 import ocsp

from smtpdoctor.net import certificate, nameserver
from smtpdoctor.net.answer import Outcome
from smtpdoctor.net.certificate import Examined, describe, examine, name_matches
from smtpdoctor.net.der import DERError
from smtpdoctor.net.hello import Flight, FlightReader, alert_in
from smtpdoctor.net.ocsp import read_staple
from tests.fuzz.draw import BytesDraw
from tests.fuzz.target import CORPUS, no_control, target

_NOW: Final = 1_795_000_000.0  # seconds; inside the validity of most of the seeds
_HOST: Final = "mail.example.test"


def _told(examined: Examined) -> None:
    for fault in (None, *examined.faults, *examined.remarks):
        no_control(describe(examined, fault))
    for one in examined.sent:
        for text in (
            *one.names,
            str(one.subject),
            str(one.issuer),
            one.subject.short,
            one.key,
            one.signature,
        ):
            no_control(text)


@target(b"\x30\x82", b"\x06\x03\x55\x1d\x11", b"\x17\x0d", b"\x82\x00", b"\xff\xff", most=4_000)
def certificates(data: bytes) -> None:
    """Any bytes are a certificate or none; what ``cryptography`` reads is read alike."""
    for token in ("", "x509-10", "x509-20", "x509-62"):
        _told(examine([data, data], _HOST, _NOW, token=token))
    try:
        ours = certificate.read(data)
    except DERError:
        ours = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd, which is the point here
        try:
            theirs = x509.load_der_x509_certificate(data)
            names = _dns_names(theirs)
            dates = [theirs.not_valid_before_utc, theirs.not_valid_after_utc]
            serial = theirs.serial_number
        except (ValueError, TypeError, x509.InvalidVersion):
            return
    assert ours is not None
    assert ours.serial == serial
    assert [ours.not_before, ours.not_after] == [int(one.astimezone(UTC).timestamp()) for one in dates]
    if names is not None and not ours.malformed:
        plain = {one for one in names if one.isascii() and one.isprintable() and len(one) < 100}
        assert plain <= set(ours.dns_names), (plain, ours.dns_names)
    for name in ours.dns_names:
        name_matches(name, _HOST)


def _dns_names(one: x509.Certificate) -> list[str] | None:
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return found.get_values_for_type(x509.DNSName)
    # KeyError: how cryptography stumbles over a number of an enumeration that it does not know.
    except (
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        ValueError,
        KeyError,
    ):
        return None


@cache
def _known() -> tuple[bytes, bytes, frozenset[bytes]]:
    """Return a certificate, its issuer, and what of responses was really signed for it."""
    folder = CORPUS / "staple"
    leaf, issuer = ((folder / name).read_bytes() for name in ("leaf.der", "issuer.der"))
    responses = (path.read_bytes() for path in folder.glob("response-*"))
    return leaf, issuer, frozenset(ocsp.load_der_ocsp_response(one).tbs_response_bytes for one in responses)


@target(b"\x30\x03\x0a\x01\x00", b"\x82\x00", b"\x80\x00", most=3_000)
def staple(data: bytes) -> None:
    """A staple says something only where it is one of those that were really signed: the key is gone."""
    leaf, issuer, signed = _known()
    for swapped in (leaf, issuer):
        found = read_staple(data, leaf, swapped, _NOW)
        if found is not None:
            assert swapped == issuer
            assert ocsp.load_der_ocsp_response(data).tbs_response_bytes in signed
            assert found.status in {"good", "revoked", "unknown"}
    read_staple(data, data, data, _NOW)


def _read(pieces: list[bytes]) -> tuple[Flight, bool]:
    reader, over = FlightReader(), False
    for piece in pieces:
        over = reader.feed(piece)
        if over:
            break
    return reader.flight, over


@target(b"\x16\x03\x03", b"\x15\x03\x03\x00\x02\x02", b"\x0b\x00", b"\x0e\x00\x00\x00", most=3_000)
def flight(data: bytes) -> None:
    """However the bytes of a handshake are cut, the same is read of it."""
    whole = _read([data])
    draw = random.Random(zlib.crc32(data))  # noqa: S311
    pieces, rest = [], data
    while rest:
        size = draw.choice((1, 2, 5, 60, 2_000))
        pieces.append(rest[:size])
        rest = rest[size:]
    assert _read(pieces) == whole
    no_control(whole[0].alert + whole[0].version + whole[0].cipher)
    alert_in(data)


@target(b"\xc0\x0c", b"\x00\x05", b"\x00\x01", b"\x00\x06", b"\x00\x29", most=800)
def name_server(data: bytes) -> None:
    """Any answer of a name server is a value; it decides only with records, or says that there are none."""
    draw = BytesDraw(data)
    name = draw.pick(("mail.example.test", "localhost", "xn--h32bq4v.test", "."))
    kind = draw.pick(("A", "AAAA", "MX", "SOA", "CNAME", "NS"))
    query = dns.message.make_query(name, kind, use_edns=0, id=0x1234)
    body = draw.rest()
    if draw.chance(10):
        body = bytes(2)
    # The right number and question, so that not all is refused at once.
    question = query.to_wire()[12:-11]
    answers = [body, b"\x12\x34" + body[2:], b"\x12\x34\x81\x80\x00\x01" + body[:6] + question + body[6:]]
    for one in answers:
        response = nameserver._parsed(one, query)
        if response is None:
            continue
        reply = nameserver._read(response)
        assert reply.outcome in set(Outcome)
        assert bool(reply.records) == (reply.outcome is Outcome.ANSWERED)
        for text in (*reply.records, *reply.chain, reply.zone, *(error.text for error in reply.errors)):
            no_control(text)
