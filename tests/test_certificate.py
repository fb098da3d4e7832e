"""Certificates: what is read of them, which of a chain is at fault, and who else refuses it."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpdoctor.masking.words import printable
from smtpdoctor.net import der
from smtpdoctor.net.certificate import (
    _TRUST,
    _VERDICTS,
    Certificate,
    Examined,
    Fault,
    Flaw,
    Name,
    _Judge,
    describe,
    examine,
    expiring_below,
    name_matches,
    read,
)
from smtpdoctor.net.der import DERError
from smtpdoctor.net.ocsp import read_staple
from smtpdoctor.net.tls import examine_session, sent_chain, strict_context, verified_chain
from smtpdoctor.smtp.channel import tls_token
from tests import certs
from tests.each import each
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from tests.certs import Certificates

HOST = "localhost"
DAY = 86_400


@dataclass(frozen=True)
class Shaken:
    """A handshake between a server and the strict context, in memory: the session, and the error's token."""

    tls: ssl.SSLObject
    token: str


def shake(
    certificate: certs.Certificate,
    host: str = HOST,
    *,
    ca_pem: object = None,
    context: ssl.SSLContext | None = None,
) -> Shaken:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.set_ciphers("DEFAULT:@SECLEVEL=0")
    server_context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
    context = context or strict_context(str(ca_pem or certificate.ca_pem))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = context.wrap_bio(to_client, to_server, server_hostname=host)
    for _ in range(3):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return Shaken(client, tls_token(error))
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
    return Shaken(client, "")


def looked_at(
    certificates: Certificates, kind: str, host: str = HOST, *, ca_pem: object = None
) -> tuple[str, Examined]:
    certificate = getattr(certificates, kind, None) or certificates[kind]
    shaken = shake(certificate, host, ca_pem=ca_pem)
    return shaken.token, examine_session(shaken.tls, host, time.time(), shaken.token)


# -- Verdicts -----------------------------------------------------------------

# kind → OpenSSL's verdict, the fault that is named first, and its place in the chain (0: in the client's store)
REFUSED = {
    "expired": ("x509-10", Flaw.EXPIRED, 1),
    "not_yet_valid": ("x509-9", Flaw.NOT_YET_VALID, 1),
    "wrong_name": ("x509-62", Flaw.NAME_MISMATCH, 1),
    "self_signed": ("x509-18", Flaw.SELF_SIGNED, 1),
    "weak_key": ("x509-66", Flaw.WEAK_KEY, 1),
    "chain_expired": ("x509-10", Flaw.CHAIN_EXPIRED, 2),
    "chain_not_yet_valid": ("x509-9", Flaw.NOT_YET_VALID, 2),
    "root_expired": ("x509-10", Flaw.ROOT_EXPIRED, 0),
    "root_sent": ("x509-19", Flaw.UNKNOWN_ISSUER, 2),
    "missing_intermediate": ("x509-20", Flaw.MISSING_INTERMEDIATE, 1),
    "wrong_intermediate": ("x509-20", Flaw.MISSING_INTERMEDIATE, 1),
    "alone_with_scts": ("x509-20", Flaw.MISSING_INTERMEDIATE, 1),
    "alone_with_issuers": ("x509-20", Flaw.MISSING_INTERMEDIATE, 1),
    "alone": ("x509-20", Flaw.UNKNOWN_ISSUER, 1),
    "issued_by_leaf": ("x509-79", Flaw.NOT_A_CA, 2),
    "path_too_long": ("x509-25", Flaw.PATH_LENGTH, 2),
    "no_cert_sign": ("x509-79", Flaw.NOT_A_CA, 2),
    "client_only": ("x509-26", Flaw.PURPOSE, 1),
    "intermediate_client_only": ("x509-26", Flaw.PURPOSE, 2),
    "sha1": ("x509-68", Flaw.WEAK_SIGNATURE, 1),
    "sha1_intermediate": ("x509-68", Flaw.WEAK_SIGNATURE, 2),
    "forged": ("x509-7", Flaw.BAD_SIGNATURE, 1),
    "name_constraints": ("x509-47", Flaw.NAME_CONSTRAINTS, 1),
    "unknown_critical": ("x509-34", Flaw.OTHER, 1),
}

# kind → the remarks on what OpenSSL takes, and the place in the chain of the first
TAKEN: dict[str, tuple[set[Flaw], int]] = {
    "good": (set(), 0),
    "with_intermediate": (set(), 0),
    "expiring": ({Flaw.EXPIRING}, 1),
    "cross_ordered": (set(), 0),
    "stale_twin": ({Flaw.STALE_CHAIN}, 2),
    "partial": ({Flaw.PARTIAL_CHAIN}, 0),
    "cn_only": ({Flaw.NO_SAN}, 1),
    "no_names_but_mail": ({Flaw.NO_SAN}, 1),
    "version_1": ({Flaw.NO_SAN}, 1),
    "no_key_id": ({Flaw.NO_KEY_ID}, 1),
    "root_not_critical": ({Flaw.CONSTRAINTS}, 0),
    "root_without_constraints": ({Flaw.NO_CONSTRAINTS}, 0),
    "intermediate_not_critical": ({Flaw.CONSTRAINTS}, 2),
    "usage_without_signature": ({Flaw.KEY_USAGE}, 1),
    "must_staple": ({Flaw.MUST_STAPLE}, 1),
    "no_purpose": (set(), 0),
    "rsa": (set(), 0),
}


@each("kind", REFUSED)
def test_what_openssl_refuses_is_explained(certificates: Certificates, kind: str) -> None:
    """The verdict is the same on every Python, and its cause is named before anything else."""
    token, flaw, position = REFUSED[kind]
    got, examined = looked_at(certificates, kind)
    assert got == token
    first = examined.faults[0]
    assert (first.flaw, first.position) == (flaw, position)
    assert [fault.flaw for fault in examined.faults] == [flaw]


@each("kind", TAKEN)
def test_what_openssl_takes_is_taken_on_every_python(certificates: Certificates, kind: str) -> None:
    """What only some runtimes refuse is a remark with their names, never a failure."""
    flaws, position = TAKEN[kind]
    token, examined = looked_at(certificates, kind)
    assert token == ""
    assert examined.faults == ()
    assert {remark.flaw for remark in examined.remarks} == flaws
    if flaws:
        assert examined.remarks[0].position == position
        assert bool(examined.refused_by) == (flaws != {Flaw.EXPIRING})


def test_every_kind_has_its_verdict() -> None:
    """No kind of certificate is left without a statement of what is right."""
    by_name = {"wildcard", "wildcard_wrong", "idn", "hostile", "provider"}
    assert set(certs.KINDS) <= set(REFUSED) | set(TAKEN) | by_name


def test_a_certificate_may_be_wrong_in_several_ways(certificates: Certificates) -> None:
    """What OpenSSL stopped at comes first, and what it would have said then comes behind."""
    shaken = shake(certificates.expired, "else.example.test")
    examined = examine_session(shaken.tls, "else.example.test", time.time(), shaken.token)
    assert shaken.token == "x509-62"
    assert [fault.flaw for fault in examined.faults] == [Flaw.NAME_MISMATCH, Flaw.EXPIRED]


def test_both_chains_are_there_after_a_failure(certificates: Certificates) -> None:
    """No second connection is needed for a refused certificate, on no Python."""
    certificate = certificates["chain_expired"]
    shaken = shake(certificate)
    assert sent_chain(shaken.tls) == certificate.chain
    root = ssl.PEM_cert_to_DER_cert(certificate.ca_pem.read_text(encoding="ascii"))
    assert verified_chain(shaken.tls) == (*certificate.chain, root)


@pytest.mark.parametrize("kind", ["chain_expired", "cross_ordered", "expired", "self_signed", "stale_twin"])
def test_a_chain_that_was_never_verified(certificates: Certificates, kind: str) -> None:
    """Dates, names and order are judged without OpenSSL too; about trust nothing is said but "self-signed"."""
    certificate = getattr(certificates, kind, None) or certificates[kind]
    examined = examine(certificate.chain, HOST, time.time())
    expected = {
        "chain_expired": {Flaw.CHAIN_EXPIRED},
        "expired": {Flaw.EXPIRED},
        "self_signed": {Flaw.SELF_SIGNED},
        "stale_twin": {Flaw.STALE_CHAIN},
    }
    assert examined.flaws == expected.get(kind, set())


def test_an_intermediate_of_a_known_organisation_is_missing(certificates: Certificates) -> None:
    """A lone leaf without signs of a public CA: the issuer's organisation tells a child of ours from a stranger."""
    chain = certificates.missing_intermediate.chain
    anchor = ssl.PEM_cert_to_DER_cert(certificates.ca_pem.read_text(encoding="ascii"))
    known = examine(chain, HOST, time.time(), verified=chain, token="x509-20", anchors=[anchor])
    foreign = examine(chain, HOST, time.time(), verified=chain, token="x509-20")
    assert known.faults[0].flaw is Flaw.MISSING_INTERMEDIATE
    assert foreign.faults[0].flaw is Flaw.UNKNOWN_ISSUER


# -- Expiry -------------------------------------------------------------------


@each(
    ("days", "left", "expiring"),
    [
        (6, 6, False),  # fresh
        (6, 2.9, False),  # about to be renewed, at half of its time
        (6, 1.5, False),
        (6, 0.9, True),
        (45, 45, False),
        (45, 15, False),
        (45, 8, False),
        (45, 7, True),
        (90, 90, False),
        (90, 29, False),
        (90, 16, False),
        (90, 14, True),
        (200, 60, False),
        (200, 17, False),
        (200, 16, True),
        (365, 60, False),
        (365, 31, False),
        (365, 29.9, True),
        (3650, 31, False),
        (3650, 29, True),
    ],
)
def test_expiry_is_a_matter_of_the_share_that_is_left(
    certificates: Certificates, days: float, left: float, *, expiring: bool
) -> None:
    """Certificates of 6, 45 and 90 days are normal; a warning means that renewing has failed."""
    certificate = certificates.lasting(days, left)
    token, examined = shake(certificate).token, examine(certificate.chain, HOST, time.time())
    assert token == ""
    assert (Flaw.EXPIRING in examined.flaws) is expiring
    assert examined.seconds_left == pytest.approx(left * DAY, abs=300)
    assert examined.days_left == int(examined.seconds_left // DAY)


@given(st.integers(0, 40 * 366 * DAY))
@settings(deadline=None)
def test_the_warning_never_comes_before_renewal_is_due(lifetime: int) -> None:
    """Clients that renew by themselves do so with a third left; a month is enough for everybody."""
    assert 0 <= expiring_below(lifetime) <= min(lifetime / 6, 30 * DAY)


# -- Names --------------------------------------------------------------------


@each(
    ("kind", "host"),
    [
        ("good", "mail.example.test"),
        ("good", "MAIL.example.TEST"),
        ("good", "127.0.0.1"),
        ("good", "::1"),
        ("good", "127.0.0.2"),
        ("good", "example.test"),
        ("good", "a.mail.example.test"),
        ("wildcard", "mail.example.test"),
        ("wildcard", "example.test"),
        ("wildcard", "a.b.example.test"),
        ("wildcard", "xn--h32bq4v.example.test"),
        ("wildcard_wrong", "mail.example.test"),
        ("wildcard_wrong", "example.test"),
        ("idn", "xn--h32bq4v.example.test"),
        ("idn", "메일.example.test"),
        ("idn", "other.example.test"),
        ("hostile", "mail.example.test"),
        ("cn_only", "localhost"),
        ("cn_only", "mail.example.test"),
        ("provider", "smtp.gmail.com"),
        ("provider", "shared1.hosting.example"),
    ],
)
def test_names_are_compared_as_openssl_does(certificates: Certificates, kind: str, host: str) -> None:
    """The explanation and the verdict never part."""
    token, examined = looked_at(certificates, kind, host)
    assert token in {"", "x509-62", "x509-64"}
    assert (Flaw.NAME_MISMATCH in examined.flaws) is bool(token)


@each(
    ("pattern", "host", "covers"),
    [
        ("*.example.test", "mail.example.test.", True),
        ("mail.example.test.", "mail.example.test", True),
        ("*", "mail", False),
        ("*.test", "example.test", False),
        ("m*.example.test", "mail.example.test", False),
        ("*.*.test", "mail.example.test", False),
        ("", "", False),
        ("xn--h32bq4v.example.test", "메일.example.test", True),
        ("a.test", "\udcff.test", False),
        ("a.test", "x" * 64 + ".é.test", False),
    ],
)
def test_name_matches(pattern: str, host: str, *, covers: bool) -> None:
    """RFC 9525: a wildcard is the whole leftmost label."""
    assert name_matches(pattern, host) is covers


def test_another_partys_certificate_is_recognisable(certificates: Certificates) -> None:
    """What tells interception: whose the certificate is, and for whom."""
    _, examined = looked_at(certificates, "provider", "smtp.gmail.com")
    leaf = examined.leaf
    assert leaf is not None
    assert leaf.names == ("shared1.hosting.example",)
    assert leaf.issuer.organization == "Example Hosting Ltd"
    assert leaf.subject.common_name == "shared1.hosting.example"


# -- Words --------------------------------------------------------------------

DATES = r"valid \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            "chain_expired",
            rf"CN=Intermediate, issued by trustme [^,]+, {DATES}; 2nd of 2 certificates",
        ),
        (
            "wrong_name",
            rf"O=.*, CN=other\.example\.test, .*, {DATES}, for other\.example\.test; the only certificate sent",
        ),
        (
            "self_signed",
            rf"CN=localhost, issued by itself, {DATES}, for localhost, .*; the only certificate sent",
        ),
        (
            "root_expired",
            rf"CN=Own Root, issued by itself, {DATES}; not sent, from the CAs that are trusted here",
        ),
        ("weak_key", r".*, RSA key of 1024 bits; the only certificate sent"),
        ("sha1_intermediate", r"CN=Old Intermediate, .*, signed with SHA-1; 2nd of 2 certificates"),
        ("client_only", r"CN=localhost, .*, only for clientAuth; the only certificate sent"),
    ],
)
def test_evidence_is_words(certificates: Certificates, kind: str, text: str) -> None:
    """Subject, issuer, names, dates, and which certificate of the chain is meant; never bytes."""
    _, examined = looked_at(certificates, kind)
    assert re.fullmatch(text, describe(examined, examined.faults[0]))


def test_many_names_are_told_in_few_words(certificates: Certificates) -> None:
    """A list of a hundred names is no sentence."""
    shop = certificates.workshop
    names = [f"n{number}.example.test" for number in range(150)]
    leaf = shop.leaf(shop.root, names)
    examined = examine([leaf.certificate], "n149.example.test", time.time())
    assert examined.leaf is not None
    assert examined.flaws == frozenset()
    assert "for n0.example.test, n1.example.test" in describe(examined)
    assert "and 145 more; the only" in describe(examined)


def test_the_place_of_a_certificate_is_told_as_it_was_sent(certificates: Certificates) -> None:
    """The lower CA came last, so it is the third, though it is the second of the path."""
    examined = examine(certificates["cross_ordered"].chain, HOST, time.time() + 2500 * DAY)
    fault = examined.first(Flaw.CHAIN_EXPIRED)
    assert fault is not None
    assert fault.certificate.subject.common_name == "Lower"
    assert describe(examined, fault).endswith("; 3rd of 3 certificates")
    assert examined.first(Flaw.PURPOSE) is None


def test_a_date_that_no_calendar_has(certificates: Certificates) -> None:
    """An absurd year is told, not stumbled over."""
    shop = certificates.workshop
    validity = certs.der(0x30, certs.der(0x18, b"00000101000000Z"), certs.der(0x18, b"99991231235959Z"))
    odd = certs.forge(shop.leaf(shop.root), lambda parts: [*parts[:4], validity, *parts[5:]])
    assert "to 9999-12-31" in describe(examine([odd.certificate], HOST, time.time()))


@pytest.mark.parametrize(
    ("encoded", "number"),
    [(b"\x01", 1), (b"\x7f", 127), (b"\x00\x80", 128), (b"\x80", -128), (b"\xff", -1), (b"\xff\x00", -256)],
)
def test_a_serial_number_has_a_sign(certificates: Certificates, encoded: bytes, number: int) -> None:
    """X.690 section 8.3: none of a real certificate is below zero, and a status for such a one is nobody's."""
    shop = certificates.workshop
    odd = certs.forge(shop.leaf(shop.root), lambda parts: [parts[0], certs.der(0x02, encoded), *parts[2:]])
    assert read(odd.certificate).serial == number


def test_a_certificate_for_no_host_is_told(certificates: Certificates) -> None:
    """As one that has its name in the subject alone."""
    _, examined = looked_at(certificates, "cn_only")
    assert ", for no host name; " in describe(examined)


def test_hostile_names_are_made_printable(certificates: Certificates) -> None:
    """Nothing that a certificate holds reaches a terminal as it is."""
    _, examined = looked_at(certificates, "hostile", "mail.example.test")
    told = describe(examined)
    assert "\\x1b" in told
    assert "\\u202e" in told
    assert told == printable(told)


FLAWS = {
    10: {Flaw.EXPIRED, Flaw.CHAIN_EXPIRED, Flaw.ROOT_EXPIRED},
    **{code: {Flaw.SELF_SIGNED, Flaw.UNKNOWN_ISSUER, Flaw.MISSING_INTERMEDIATE} for code in _TRUST},
}


@st.composite
def paths(draw: st.DrawFn) -> tuple[Certificate, ...]:
    """Draw a path of certificates as OpenSSL may have built one, each with some of what can be wrong."""
    count = draw(st.integers(1, 4))
    rooted = draw(st.booleans())
    head = bytes.fromhex("300c310a300806035504030c01")  # of a name with a common name of one sign
    names = [Name(head + bytes([48 + number])) for number in range(6)]
    return tuple(
        Certificate(
            encoded=bytes([number]),
            version=3,
            serial=number,
            subject=names[number],
            issuer=names[number if rooted and number == count - 1 else number + 1],
            not_before=draw(st.sampled_from([0, 0, 0, 200])),
            not_after=draw(st.sampled_from([50, 10**9, 10**9, 10**9])),
            key="RSA",
            key_bits=draw(st.sampled_from([1024, 2048])),
            signature=draw(st.sampled_from(["SHA-1", "SHA-256", "SHA-256"])),
            dns_names=(HOST,),
            ca=draw(st.sampled_from([True, False, None])),
            purposes=draw(st.sampled_from([None, ("clientAuth",)])),
        )
        for number in range(count)
    )


@pytest.mark.parametrize("code", [*_VERDICTS, 1, 34])
@settings(max_examples=examples(30), deadline=None)
@given(path=paths(), sent=st.integers(0, 4))
def test_whatever_openssl_stops_at_is_named_with_a_certificate_at_fault(
    path: tuple[Certificate, ...], code: int, sent: int
) -> None:
    """Its own verdict comes first, of a certificate of the path that has it where one has; each kind once."""
    judge = _Judge(path[: sent + 1], path, HOST, 100, code, anchored=code not in _TRUST)
    judge.explain(())
    first = judge.faults[0]
    assert first.flaw in FLAWS.get(code, {_VERDICTS.get(code, Flaw.OTHER)})
    assert first.certificate in path
    sent_before = [one.encoded for one in path[: sent + 1]]
    known = first.certificate.encoded in sent_before
    assert first.position == (sent_before.index(first.certificate.encoded) + 1 if known else 0)
    guilty = {
        Flaw.NOT_YET_VALID: [one for one in path if one.not_before > 100],
        Flaw.PURPOSE: [one for one in path if one.purposes],
        Flaw.WEAK_KEY: [one for one in path if one.key_bits < 2048],
        Flaw.WEAK_SIGNATURE: [one for one in path if one.signature == "SHA-1"],
    }.get(first.flaw)
    if guilty:
        assert first.certificate == guilty[0]
    elif guilty is not None:
        assert first.certificate == path[0]
    judge.strength()
    judge.dates()
    flaws = [fault.flaw for fault in judge.faults]
    assert len(flaws) == len(set(flaws))
    # Nobody looks at the signature of what is trusted by itself.
    trusted = [one for one in path if one.self_issued or (code not in _TRUST and one is path[-1])]
    signed = [one for one in path if one.signature == "SHA-1" and not any(one is other for other in trusted)]
    assert (Flaw.WEAK_SIGNATURE in flaws) == (bool(signed) or code == 68)
    assert (Flaw.WEAK_KEY in flaws) == (any(one.key_bits < 2048 for one in path) or code in {66, 67})


@given(st.integers(1, 12))
def test_each_place_in_a_chain_is_told(certificates: Certificates, count: int) -> None:
    """In words, as long as a chain may be."""
    leaf = read(certificates.good.chain[0])
    words = ["1st", "2nd", "3rd", *(f"{number}th" for number in range(4, 13))]
    for place in range(2, count + 1):
        examined = Examined((leaf,) * count, HOST, 0)
        text = describe(examined, Fault(Flaw.OTHER, leaf, place))
        assert text.endswith(f"; {words[place - 1]} of {count} certificates")


def test_nothing_is_told_of_nothing() -> None:
    """Bytes that are no certificate have no words."""
    examined = examine([b"\x30\x03\x02\x01\x01"], HOST, 0)
    assert (examined.leaf, examined.flaws, describe(examined)) == (None, frozenset(), "")
    assert (examined.host, examined.days_left) == (HOST, 0)


# -- Reading ------------------------------------------------------------------


def agrees(encoded: bytes) -> Certificate:
    """Compare what is read here with what the cryptography package reads."""
    ours, theirs = read(encoded), x509.load_der_x509_certificate(encoded)
    assert ours.version == theirs.version.value + 1
    assert ours.serial == theirs.serial_number
    assert ours.not_before == theirs.not_valid_before_utc.timestamp()
    assert ours.not_after == theirs.not_valid_after_utc.timestamp()
    assert ours.subject.encoded == theirs.subject.public_bytes()
    assert ours.issuer.encoded == theirs.issuer.public_bytes()
    for name, oid in ((ours.subject, NameOID.COMMON_NAME), (ours.issuer, NameOID.COMMON_NAME)):
        parsed = theirs.subject if name is ours.subject else theirs.issuer
        values = [str(part.value) for part in parsed.get_attributes_for_oid(oid)]
        assert name.common_name == (printable(values[0]) if values else "")
    key = theirs.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        assert ours.key_bits == key.key_size
    kinds = {
        "RSA": rsa.RSAPublicKey,
        "EC": ec.EllipticCurvePublicKey,
        "DSA": dsa.DSAPublicKey,
        "Ed25519": ed25519.Ed25519PublicKey,
        "Ed448": ed448.Ed448PublicKey,
    }
    assert isinstance(key, kinds[ours.key])
    try:
        algorithm = theirs.signature_hash_algorithm
    except ValueError:
        algorithm = None
    if algorithm is not None:
        assert ours.signature.replace("-", "").lower() == algorithm.name
    present = {extension.oid: extension for extension in theirs.extensions}
    assert ours.malformed is False
    names = present.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    if names is not None:
        assert list(ours.dns_names) == names.value.get_values_for_type(x509.DNSName)
        assert list(ours.addresses) == [str(one) for one in names.value.get_values_for_type(x509.IPAddress)]
    constraints = present.get(ExtensionOID.BASIC_CONSTRAINTS)
    assert ours.ca == (constraints.value.ca if constraints else None)
    assert ours.ca_critical == bool(constraints and constraints.critical)
    usage = present.get(ExtensionOID.KEY_USAGE)
    if usage is not None:
        assert ours.usage is not None
        assert bool(ours.usage & 0x80) == usage.value.digital_signature
        assert bool(ours.usage & 0x04) == usage.value.key_cert_sign
    purposes = present.get(ExtensionOID.EXTENDED_KEY_USAGE)
    if purposes is not None:
        assert ours.serves() == bool(
            {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
            & set(purposes.value)
        )
    own = present.get(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    assert ours.key_id == (own.value.digest if own else b"")
    above = present.get(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    assert ours.issuer_key_id == ((above.value.key_identifier or b"") if above else b"")
    return ours


@each("kind", [*sorted(set(certs.KINDS) - {"hostile"}), "good", "with_intermediate"])
def test_the_reader_agrees_with_cryptography(certificates: Certificates, kind: str) -> None:
    """Every certificate of every kind is read as the big library reads it."""
    certificate = getattr(certificates, kind, None) or certificates[kind]
    for encoded in certificate.chain:
        agrees(encoded)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_reader_agrees_about_public_cas() -> None:
    """So are the CAs that this machine trusts: keys, dates and names of three decades."""
    context = ssl.create_default_context()
    for encoded in context.get_ca_certs(binary_form=True):
        agrees(encoded)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DNS = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
MOMENT = st.datetimes(
    dt.datetime(1950, 1, 1),  # noqa: DTZ001 -- the library's way to say UTC
    dt.datetime(9999, 12, 30),  # noqa: DTZ001
).map(lambda moment: moment.replace(microsecond=0))
KEYS: dict[str, CertificateIssuerPrivateKeyTypes] = {
    "DSA": dsa.generate_private_key(1024),  # noqa: S505
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "EC-384": ec.generate_private_key(ec.SECP384R1()),
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
}
FLAGS = st.booleans()
EXTENSIONS = st.fixed_dictionaries(
    {},
    optional={
        "names": st.lists(
            DNS.map(x509.DNSName)
            | st.ip_addresses().map(x509.IPAddress)
            | st.just(x509.RFC822Name("a@b.test"))
            | st.just(x509.UniformResourceIdentifier("smtp://a.test")),
            min_size=1,
            max_size=8,
        ).map(x509.SubjectAlternativeName),
        "constraints": FLAGS.map(lambda ca: x509.BasicConstraints(ca=ca, path_length=1 if ca else None)),
        "usage": st.tuples(FLAGS, FLAGS).map(
            lambda bits: certs.key_usage(digital_signature=bits[0], key_cert_sign=bits[1], crl_sign=True)
        ),
        "purposes": st.lists(
            st.sampled_from(
                [
                    ExtendedKeyUsageOID.SERVER_AUTH,
                    ExtendedKeyUsageOID.CLIENT_AUTH,
                    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
                    x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.4"),
                ]
            ),
            min_size=1,
            max_size=3,
        ).map(x509.ExtendedKeyUsage),
        "key": st.binary(min_size=1, max_size=20).map(x509.SubjectKeyIdentifier),
        "issuer": st.binary(min_size=1, max_size=20).map(
            lambda digest: x509.AuthorityKeyIdentifier(digest, None, None)
        ),
        "other": st.binary(max_size=30).map(
            lambda data: x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), data)
        ),
    },
)


@given(
    subject=TEXT,
    issuer=TEXT,
    moments=st.tuples(MOMENT, MOMENT).map(sorted),
    key=st.sampled_from(sorted(KEYS)),
    signer=st.sampled_from(["EC", "RSA", "Ed25519"]),
    digest=st.sampled_from([hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA224()]),
    serial=st.integers(1, 2**158),
    extensions=EXTENSIONS,
    critical=FLAGS,
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_reader_agrees_about_any_certificate(  # noqa: PLR0913 -- the fields of a certificate
    subject: str,
    issuer: str,
    moments: list[dt.datetime],
    key: str,
    signer: str,
    digest: hashes.SHA256,
    serial: int,
    extensions: dict[str, x509.ExtensionType],
    *,
    critical: bool,
) -> None:
    """Names in any script, dates of four digits, each kind of key, in any mixture."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(KEYS[key].public_key())
        .serial_number(serial)
        .not_valid_before(moments[0])
        .not_valid_after(moments[1])
    )
    for extension in extensions.values():
        builder = builder.add_extension(extension, critical=critical)
    algorithm = None if signer == "Ed25519" else digest
    made = builder.sign(KEYS[signer], algorithm)
    encoded = made.public_bytes(serialization.Encoding.DER)
    agrees(encoded)
    told = describe(examine([encoded], HOST, time.time()))
    assert told == printable(told)


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()])  # noqa: S303
def test_a_signature_with_pss_names_its_hash(digest: hashes.SHA1 | hashes.SHA256 | hashes.SHA512) -> None:
    """RFC 4055: the hash stands in the parameters, and is SHA-1 where they leave it out."""
    number = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3"}
    oid = certs.der(0x06, certs.oid_contents(number[digest.name]))
    named = certs.der(0xA0, certs.der(0x30, oid))
    kind = certs.der(0x06, certs.oid_contents("1.2.840.113549.1.1.10"))
    plain = certs.forge(
        certs.certify("a.test", None), algorithm=certs.der(0x30, kind, certs.der(0x30, named))
    )
    assert read(plain.certificate).signature.replace("-", "").lower() == digest.name
    bare = certs.forge(plain, algorithm=certs.der(0x30, kind))
    assert read(bare.certificate).signature == "SHA-1"


MUTATIONS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)


@given(mutations=MUTATIONS, cut=st.none() | st.integers(0, 1000), which=st.integers(0, 100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_certificate_makes_it_raise(
    certificates: Certificates, mutations: list[tuple[int, int]], cut: int | None, which: int
) -> None:
    """Whatever bytes a stranger sends, there is an answer, and it can be printed."""
    kinds = ["hostile", "chain_expired", "must_staple", "rsa", "alone_with_issuers"]
    certificate = certificates[kinds[which % len(kinds)]]
    data = bytearray(certificate.chain[0])
    for place, byte in mutations:
        data[place % len(data)] = byte
    broken = bytes(data[:cut])
    for token in ("", "x509-10", "x509-20", "x509-nonsense", "x509-4711"):
        chain = [broken, *certificate.chain[1:]]
        examined = examine(chain, HOST, time.time(), verified=chain, token=token, anchors=[broken])
        told = " ".join([describe(examined), *(describe(examined, fault) for fault in examined.faults)])
        assert told == printable(told)


def _with_parts(shop: certs.Workshop, **parts: bytes) -> bytes:
    """Return a certificate with fields as they are given; version, serial, validity, subject."""
    places = {"version": 0, "serial": 1, "validity": 4, "subject": 5}

    def edit(given: list[bytes]) -> list[bytes]:
        by_place = {places[name]: encoded for name, encoded in parts.items()}
        return [by_place.get(number, one) for number, one in enumerate(given)]

    return certs.forge(shop.leaf(shop.root), edit).certificate


def _of_version(number: int) -> Callable[[certs.Workshop], bytes]:
    version = certs.der(0xA0, certs.der(0x02, bytes([number - 1])))
    return lambda shop: _with_parts(shop, version=version)


def _with_names(shop: certs.Workshop, *names: bytes) -> bytes:
    return certs.with_extension(shop.leaf(shop.root), "2.5.29.17", certs.der(0x30, *names)).certificate


def _name(tag: int, oid: bytes, text: bytes) -> bytes:
    return certs.der(0x30, certs.der(0x31, certs.der(0x30, certs.der(0x06, oid), certs.der(tag, text))))


COMMON_NAME = b"\x55\x04\x03"
ODD: dict[str, Callable[[certs.Workshop], bytes]] = {
    **{f"version {number}": _of_version(number) for number in (1, 2, 4, 6, 128, 256)},
    "a negative serial": lambda shop: _with_parts(shop, serial=certs.der(0x02, b"\xff" * 20)),
    "no serial": lambda shop: _with_parts(shop, serial=certs.der(0x02, b"\0")),
    "a serial of many digits": lambda shop: _with_parts(shop, serial=certs.der(0x02, b"\x7f" * 5_000)),
    "dates of no year": lambda shop: _with_parts(
        shop,
        validity=certs.der(0x30, certs.der(0x18, b"00000101000000Z"), certs.der(0x18, b"99991231235959Z")),
    ),
    "no subject": lambda shop: _with_parts(shop, subject=certs.der(0x30)),
    "a subject of bytes": lambda shop: _with_parts(shop, subject=_name(0x1E, COMMON_NAME, b"\xd8\0\xdc\0\0")),
    "an odd identifier": lambda shop: _with_parts(shop, subject=_name(0x0C, b"\x80\x01", b"x")),
    "an endless identifier": lambda shop: _with_parts(shop, subject=_name(0x0C, b"\xff" * 70, b"x")),
    "a directory name": lambda shop: _with_names(shop, certs.der(0xA4, _name(0x0C, COMMON_NAME, b"dir"))),
    "names that are not ASCII": lambda shop: _with_names(
        shop,
        certs.der(0x82, "메일.example.test".encode()),
        certs.der(0x82, b"\xff\xfe"),
        certs.der(0x86, b"\x80"),
    ),
    "a thousand names": lambda shop: _with_names(
        shop, *(certs.der(0x82, f"n{number}.example.test".encode()) for number in range(1_000))
    ),
    "an extension that is none": lambda shop: (
        certs.with_extension(shop.leaf(shop.root), "2.5.29.19", b"\x30\x80").certificate
    ),
}


@each("kind", ODD)
def test_an_odd_certificate_is_described(certificates: Certificates, kind: str) -> None:
    """In words fit to be shown, also where a library refuses it; and nothing is proved with it."""
    shop = certificates.workshop
    encoded = ODD[kind](shop)
    for token, verified in (("", ()), ("x509-18", (encoded,)), ("x509-" + "9" * 5_000, ())):
        examined = examine(
            [encoded, shop.root.certificate], HOST, time.time(), verified=verified, token=token
        )
        for fault in (None, *examined.faults, *examined.remarks):
            told = describe(examined, fault)
            assert told == printable(told)
        assert repr(examined)
    good = shop.leaf(shop.root)
    response = ocsp.OCSPResponseBuilder().add_response(
        cert=good.parsed,
        issuer=shop.root.parsed,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=dt.datetime.now(dt.UTC),
        next_update=None,
        revocation_time=None,
        revocation_reason=None,
    )
    signed = response.responder_id(ocsp.OCSPResponderEncoding.HASH, shop.root.parsed)
    staple = signed.sign(shop.root.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert read_staple(staple, good.certificate, shop.root.certificate, time.time()) is not None
    assert read_staple(staple, encoded, shop.root.certificate, time.time()) is None
    assert read_staple(staple, good.certificate, encoded, time.time()) is None


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    """The reader says one thing about what it cannot read."""
    with contextlib.suppress(DERError):
        read(data)


@pytest.mark.parametrize(
    ("encoded", "seconds"),
    [
        (b"700101000000Z", 0),
        (b"691231235959Z", -1),
        (b"500101000000Z", -631_152_000),
        (b"491231235959Z", 2_524_607_999),
        (b"240229120000Z", 1_709_208_000),
    ],
)
def test_utc_time(encoded: bytes, seconds: int) -> None:
    """RFC 5280 section 4.1.2.5.1: two digits are of 1950 to 2049."""
    assert der.epoch(0x17, encoded) == seconds


@given(MOMENT)
@settings(deadline=None)
def test_generalized_time(moment: dt.datetime) -> None:
    """The calendar is Gregorian, for every day that a certificate can name."""
    encoded = f"{moment:%Y%m%d%H%M%S}Z".rjust(15, "0").encode()
    assert der.epoch(0x18, encoded) == moment.replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    "encoded",
    [b"", b"991301000000Z", b"990132000000Z", b"9901010000Z", b"990101000000+0100", b"99010100000Zx"],
)
def test_a_time_that_is_none(encoded: bytes) -> None:
    """Neither another zone nor a thirteenth month is taken."""
    with pytest.raises(DERError):
        der.epoch(0x17, encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x30",
        b"\x30\x05\x02\x01\x01",
        b"\x1f\x81\x01\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x81",
    ],
)
def test_no_length_leads_outside(encoded: bytes) -> None:
    """What is longer than what it lies in, or of no length at all, is refused."""
    with pytest.raises(DERError):
        list(der.children(encoded))


@given(st.lists(st.integers(0, 2**40), max_size=6), st.integers(0, 2), st.integers(0, 39))
@settings(deadline=None)
def test_object_identifiers(rest: list[int], first: int, second: int) -> None:
    """The dotted form is what was encoded."""
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.oid(certs.oid_contents(dotted)) == dotted
