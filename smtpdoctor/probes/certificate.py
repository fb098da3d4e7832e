"""Explains a certificate that OpenSSL refused: subject, names, dates, chain. Never decides on trust."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID
from msgspec import Struct

from smtpdoctor.labels import Label

__all__ = ["Examined", "examine", "name_matches"]

_MAX_NAMES = 20


class Examined(Struct, frozen=True):
    """Facts for the report, and labels for the diagnosis."""

    facts: dict[str, Any]
    labels: frozenset[Label]


def examine(tls: ssl.SSLObject, host: str) -> Examined | None:
    """Look at the chain that a server sent; None where it cannot even be parsed."""
    try:
        chain = [x509.load_der_x509_certificate(der) for der in _chain(tls)]
        return _examined(chain, host) if chain else None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _chain(tls: ssl.SSLObject) -> list[bytes]:
    """Return the certificates as sent, DER. Before Python 3.13 only a private name gives all of them."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    private = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    sent = private() if private is not None else None
    if sent:
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in sent]
    leaf = tls.getpeercert(binary_form=True)
    return [leaf] if leaf else []


def _examined(chain: list[x509.Certificate], host: str) -> Examined:
    leaf = chain[0]
    names = _names(leaf)
    now = datetime.now(UTC)
    ends = leaf.not_valid_after_utc
    labels: set[Label] = set()
    if ends < now:
        labels.add(Label.EXPIRED)
    elif leaf.not_valid_before_utc > now:
        labels.add(Label.NOT_YET_VALID)
    if not any(name_matches(name, host) for name in names):
        labels.add(Label.NAME_MISMATCH)
    if leaf.subject == leaf.issuer:
        labels.add(Label.SELF_SIGNED)
    elif len(chain) == 1:
        labels.add(Label.MISSING_INTERMEDIATE)
    else:
        labels.add(Label.UNKNOWN_ISSUER)
    facts = {
        "subject": _common_name(leaf.subject),
        "names": names[:_MAX_NAMES],
        "issuer": _common_name(leaf.issuer),
        "expires": f"{ends:%Y-%m-%d}",
        "days": (ends - now).days,
        "chain": len(chain),
    }
    if Label.NOT_YET_VALID in labels:
        facts["starts"] = f"{leaf.not_valid_before_utc:%Y-%m-%d}"
    return Examined(facts, frozenset(labels))


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return []
    value = extension.value
    if not isinstance(value, x509.SubjectAlternativeName):
        return []
    return [
        *value.get_values_for_type(x509.DNSName),
        *map(str, value.get_values_for_type(x509.IPAddress)),
    ]


def _common_name(name: x509.Name) -> str:
    wanted = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    return ", ".join(str(part.value) for oid in wanted for part in name.get_attributes_for_oid(oid))


def name_matches(pattern: str, host: str) -> bool:
    """Whether a name of a certificate covers a host (RFC 9525: a wildcard is the whole leftmost label)."""
    try:
        return ipaddress.ip_address(pattern) == ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        wanted = host.encode("idna").decode().lower() if not host.isascii() else host.lower()
    except UnicodeError:
        return False
    pattern = pattern.lower().rstrip(".")
    if pattern.startswith("*."):
        _, _, rest = wanted.partition(".")
        return bool(rest) and "." in rest and rest == pattern[2:]
    return wanted == pattern
