"""OCSP staples (RFC 6960, RFC 6066 section 8): whether a server itself says that it is revoked.

A staple comes with the flight that a second look reads (``net/hello.py``); Python's ssl module can
neither ask for one nor show it, so a healthy check, which is spared a second connection, sees none.
``cryptography`` is imported here, not in ``net/certificate.py``: few runs come to a staple.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from smtpdoctor.net.certificate import read
from smtpdoctor.net.der import DERError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import ocsp

__all__ = ["Staple", "read_staple"]

_SKEW = 300  # seconds that clocks may differ
_VERSIONS = frozenset({1, 3})


class Staple(Struct, frozen=True):
    """What an OCSP response says about a certificate; times are seconds since 1970."""

    status: str  # good, revoked, unknown
    since: int  # this update
    until: int | None = None  # next update
    revoked: int | None = None
    reason: str = ""  # of the revocation: keyCompromise, superseded, …


def read_staple(staple: bytes, leaf: bytes, issuer: bytes, now: float) -> Staple | None:
    """Return what a staple says, DER all; None where it proves nothing.

    It proves something where it is about this certificate, is of now, and is signed by the issuer or by one
    to whom the issuer has given this (RFC 6960 section 4.2.2.2). Never raises.
    """
    from cryptography import x509
    from cryptography.x509 import ocsp

    if not all(map(_is_usual, (leaf, issuer))):
        return None
    # Whatever a stranger's DER can make the library raise: what it lists is not all.
    with suppress(Exception):
        response = ocsp.load_der_ocsp_response(staple)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        certificate = x509.load_der_x509_certificate(leaf)
        authority = x509.load_der_x509_certificate(issuer)
        if not _is_about(response, certificate, authority):
            return None
        _verify(response, authority, now)
        return _read(response, now)
    return None


def _is_usual(encoded: bytes) -> bool:
    """Whether a certificate has a version and a serial number that the library takes without a word on stderr."""
    try:
        certificate = read(encoded)
    except DERError:
        return False
    return certificate.version in _VERSIONS and certificate.serial > 0


def _is_about(response: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    from cryptography.x509 import ocsp

    # Let the library compute the hashes of the issuer that a request for this certificate would hold.
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, response.hash_algorithm).build()
    return (
        response.serial_number == leaf.serial_number
        and response.issuer_key_hash == request.issuer_key_hash
        and response.issuer_name_hash == request.issuer_name_hash
    )


def _verify(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: float) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

    odd = (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
    signers = [issuer]
    for delegate in response.certificates:
        with suppress(ValueError, TypeError, InvalidSignature, *odd):
            delegate.verify_directly_issued_by(issuer)
            usage = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            begins, ends = delegate.not_valid_before_utc, delegate.not_valid_after_utc
            if ExtendedKeyUsageOID.OCSP_SIGNING in usage and begins.timestamp() <= now <= ends.timestamp():
                signers.append(delegate)
    algorithm = response.signature_hash_algorithm
    for signer in signers:
        key = signer.public_key()
        with suppress(InvalidSignature):
            if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
                key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
                return
            if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
                return
    raise InvalidSignature


def _read(response: ocsp.OCSPResponse, now: float) -> Staple | None:
    since = int(response.this_update_utc.timestamp())
    until = int(response.next_update_utc.timestamp()) if response.next_update_utc else None
    if since > now + _SKEW or (until is not None and until < now - _SKEW):
        return None
    revoked = response.revocation_time_utc
    return Staple(
        status=response.certificate_status.name.lower(),
        since=since,
        until=until,
        revoked=int(revoked.timestamp()) if revoked else None,
        reason=response.revocation_reason.value if response.revocation_reason else "",
    )
