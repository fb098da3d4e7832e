"""Certificates for the tests, good ones and every kind of bad one.

They are made afresh for each run, so that no key is kept in the repository and
no test starts to fail on the day that a stored certificate expires.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificateIssuerPublicKeyTypes,
    )

NAMES = ("localhost", "mail.example.test", "127.0.0.1", "::1")
WRONG_NAME = "other.example.test"
EXPIRING_DAYS = 5


@dataclass(frozen=True)
class Certificate:
    """One certificate (with the chain that its server sends) and its key."""

    name: str
    cert_pem: Path
    key_pem: Path


@dataclass(frozen=True)
class Certificates:
    """All certificates of one test run, and the CA that a client should trust."""

    ca_pem: Path
    good: Certificate
    expired: Certificate
    not_yet_valid: Certificate
    expiring: Certificate
    wrong_name: Certificate
    self_signed: Certificate
    missing_intermediate: Certificate
    with_intermediate: Certificate
    weak_key: Certificate

    @property
    def all(self) -> tuple[Certificate, ...]:
        """Every leaf, for tests that try them one after the other."""
        return (
            self.good,
            self.expired,
            self.not_yet_valid,
            self.expiring,
            self.wrong_name,
            self.self_signed,
            self.missing_intermediate,
            self.with_intermediate,
            self.weak_key,
        )


def make(directory: Path) -> Certificates:
    """Make all certificates in a directory, which must exist."""
    authority = trustme.CA()
    ca_pem = directory / "ca.pem"
    ca_pem.write_bytes(authority.cert_pem.bytes())
    intermediate = authority.create_child_ca()

    def store(name: str, key: bytes, chain: Sequence[bytes]) -> Certificate:
        cert_pem = directory / f"{name}.pem"
        key_pem = directory / f"{name}.key"
        cert_pem.write_bytes(b"".join(chain))
        key_pem.touch(mode=0o600)
        key_pem.write_bytes(key)
        return Certificate(name, cert_pem, key_pem)

    def issue(
        name: str,
        *identities: str,
        issuer: trustme.CA = authority,
        days: tuple[int, int] = (-30, 300),
        intermediates: bool = True,
    ) -> Certificate:
        now = dt.datetime.now(dt.UTC)
        leaf = issuer.issue_cert(
            *identities,
            common_name=identities[0],
            not_before=now + dt.timedelta(days=days[0]),
            # Some hours more, so that a count of whole days never wavers.
            not_after=now + dt.timedelta(days=days[1], hours=6),
        )
        chain = [pem.bytes() for pem in leaf.cert_chain_pems]
        return store(name, leaf.private_key_pem.bytes(), chain if intermediates else chain[:1])

    own_key = ec.generate_private_key(ec.SECP256R1())
    # The size that OpenSSL's security level 1 and above refuse: that is the point.
    weak_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    return Certificates(
        ca_pem=ca_pem,
        good=issue("good", *NAMES),
        expired=issue("expired", *NAMES, days=(-40, -10)),
        not_yet_valid=issue("not_yet_valid", *NAMES, days=(10, 40)),
        expiring=issue("expiring", *NAMES, days=(-30, EXPIRING_DAYS)),
        wrong_name=issue("wrong_name", WRONG_NAME),
        self_signed=store("self_signed", _pem(own_key), [_certify(own_key.public_key(), own_key)]),
        missing_intermediate=issue("missing_intermediate", *NAMES, issuer=intermediate, intermediates=False),
        with_intermediate=issue("with_intermediate", *NAMES, issuer=intermediate),
        weak_key=store("weak_key", _pem(weak_key), [_certify(weak_key.public_key(), authority)]),
    )


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certify(
    key: CertificateIssuerPublicKeyTypes,
    signer: trustme.CA | ec.EllipticCurvePrivateKey,
) -> bytes:
    """Certify a key that trustme cannot: by itself, or of a size it never makes."""
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    signing_key: CertificateIssuerPrivateKeyTypes
    if isinstance(signer, trustme.CA):
        ca_certificate = x509.load_pem_x509_certificate(signer.cert_pem.bytes())
        issuer = ca_certificate.subject
        loaded = serialization.load_pem_private_key(signer.private_key_pem.bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(type(loaded))
        signing_key = loaded
    else:
        issuer = subject
        signing_key = signer
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=300, hours=6))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(_general_name(identity) for identity in NAMES),
            critical=False,
        )
    )
    certificate = builder.sign(signing_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(identity: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(identity))
    except ValueError:
        return x509.DNSName(identity)
