"""What a server's certificates say, which of them is at fault, and who else would refuse them.

Theory of operation: OpenSSL decides on trust; this explains its verdict, and adds what other
runtimes would say. ``examine`` is given the chain as sent and, where there was a verification,
the chain that OpenSSL built and the code it stopped with. Faults are what OpenSSL refuses, the
one it stopped at first. Remarks are what it takes though others do not, or not for much longer.

Who refuses what was tried with each certificate of ``tests/certs.py`` on CPython 3.11, 3.12 and
3.13, Node.js 20 and 24, Go 1.19 and 1.27, rustls (Deno 2.9), Java 17, GnuTLS 3.7 and curl with
OpenSSL 3.0; a name is listed only where the refusal was seen. Chromium alone is from its
documentation.

Certificates come from strangers: nothing here raises on them, and every text is made printable.
"""

from __future__ import annotations

import functools
import ipaddress
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.masking.words import printable
from smtpdoctor.net import der
from smtpdoctor.net.der import DERError

__all__ = [
    "Certificate",
    "Examined",
    "Fault",
    "Flaw",
    "Name",
    "describe",
    "examine",
    "expiring_below",
    "issuer_in",
    "name_matches",
    "read",
]


class Flaw(StrEnum):
    """What is wrong with a certificate or a chain."""

    # Refused by OpenSSL.
    EXPIRED = "expired"  # the server's own certificate
    CHAIN_EXPIRED = "chain-expired"  # a CA's, sent by the server
    ROOT_EXPIRED = "root-expired"  # the anchor in the client's own store
    NOT_YET_VALID = "not-yet-valid"
    NAME_MISMATCH = "name-mismatch"
    SELF_SIGNED = "self-signed"
    MISSING_INTERMEDIATE = "missing-intermediate"
    UNKNOWN_ISSUER = "unknown-issuer"
    BAD_SIGNATURE = "bad-signature"
    PURPOSE = "purpose"  # extendedKeyUsage without serverAuth
    NOT_A_CA = "not-a-ca"
    PATH_LENGTH = "path-length"
    NAME_CONSTRAINTS = "name-constraints"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    REVOKED = "revoked"
    OTHER = "other"  # a code of OpenSSL that says more than this module does
    # Taken by OpenSSL.
    EXPIRING = "expiring"
    NO_SAN = "no-san"  # only the common name holds the host
    NO_KEY_ID = "no-key-id"  # no authorityKeyIdentifier
    CONSTRAINTS = "constraints"  # a CA's basicConstraints are not critical
    NO_CONSTRAINTS = "no-constraints"  # a CA without basicConstraints
    PARTIAL_CHAIN = "partial-chain"  # the anchor is no root
    STALE_CHAIN = "stale-chain"  # an expired CA is sent though a valid one takes its place
    KEY_USAGE = "key-usage"  # keyUsage without digitalSignature
    MUST_STAPLE = "must-staple"  # demands an OCSP staple


# Who refuses what OpenSSL takes by default. See the module's docstring for what was tried.
_REFUSED_BY: Final[dict[Flaw, tuple[str, ...]]] = {
    Flaw.NO_SAN: ("Go", "rustls", "Chromium"),
    Flaw.NO_KEY_ID: ("Python >= 3.13",),
    Flaw.CONSTRAINTS: ("Python >= 3.13",),
    Flaw.NO_CONSTRAINTS: ("Python >= 3.13", "Go", "Java"),
    Flaw.PARTIAL_CHAIN: ("Python <= 3.12", "Node.js", "openssl"),
    Flaw.STALE_CHAIN: ("GnuTLS",),
    Flaw.KEY_USAGE: ("Java", "GnuTLS"),
    Flaw.MUST_STAPLE: ("GnuTLS",),
}

_DAY: Final = 86_400
_MONTH: Final = 30 * _DAY
_MAX_CHAIN: Final = 12
_MAX_NAMES: Final = 4096
_SHOWN_NAMES: Final = 5
_MAX_SHOWN: Final = 120
_VERSION_3: Final = 3
_LONGEST_CODE: Final = 6
_RSA_BITS: Final = 2048  # 112 bits of security, OpenSSL's level 2 (SSL_CTX_set_security_level(3))
_EC_BITS: Final = 224

_COMMON_NAME: Final = "2.5.4.3"
_ORGANIZATION: Final = "2.5.4.10"
_SHORT: Final = {
    _COMMON_NAME: "CN",
    _ORGANIZATION: "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
}
_SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
_ANY_PURPOSE: Final = "2.5.29.37.0"
_PURPOSES: Final = {
    _SERVER_AUTH: "serverAuth",
    _ANY_PURPOSE: "any",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}
_PSS: Final = "1.2.840.113549.1.1.10"
_HASHES: Final = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.113549.1.1.14": "SHA-224",
    "1.2.840.10045.4.3.1": "SHA-224",
    "1.2.840.113549.1.1.11": "SHA-256",
    "1.2.840.10045.4.3.2": "SHA-256",
    "1.2.840.113549.1.1.12": "SHA-384",
    "1.2.840.10045.4.3.3": "SHA-384",
    "1.2.840.113549.1.1.13": "SHA-512",
    "1.2.840.10045.4.3.4": "SHA-512",
    # Hashes alone, as the parameters of RSASSA-PSS name them.
    "1.3.14.3.2.26": "SHA-1",
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}
_WEAK_HASHES: Final = frozenset({"MD2", "MD5", "SHA-1"})
_KEYS: Final = {
    "1.2.840.113549.1.1.1": "RSA",
    _PSS: "RSA",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
_FIXED_BITS: Final = {"Ed25519": 256, "Ed448": 456}
_CURVES: Final = {
    "1.2.840.10045.3.1.1": 192,
    "1.3.132.0.33": 224,
    "1.2.840.10045.3.1.7": 256,
    "1.3.132.0.10": 256,
    "1.3.132.0.34": 384,
    "1.3.132.0.35": 521,
    "1.3.36.3.3.2.8.1.1.7": 256,
    "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
}
_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
_STATUS_REQUEST: Final = 5

# DER tags (X.690), the ones that certificates use.
_BOOLEAN: Final = 0x01
_INTEGER: Final = 0x02
_BITS: Final = 0x03
_OCTETS: Final = 0x04
_OID: Final = 0x06
_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_DNS: Final = 0x82
_URI: Final = 0x86
_IP: Final = 0x87
_KEY_IDENTIFIER: Final = 0x80

_DIGITAL_SIGNATURE: Final = 0x80  # the first byte of keyUsage
_CERT_SIGN: Final = 0x04


class Name(Struct, frozen=True):
    """A distinguished name, DER; it is taken apart only where somebody wants to read it."""

    encoded: bytes

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Its parts as (short name or OID, printable text)."""
        return _name_parts(self.encoded)

    def _first(self, kind: str) -> str:
        return next((text for name, text in self.parts if name == kind), "")

    @property
    def common_name(self) -> str:
        """The first common name, or nothing."""
        return self._first("CN")

    @property
    def organization(self) -> str:
        """The first organisation, or nothing."""
        return self._first("O")

    def same(self, other: Name) -> bool:
        """Whether both name the same; RFC 5280 section 7.1 compares texts without case and extra blanks."""
        if self.encoded == other.encoded:
            return True
        ours, theirs = (
            [(kind, text.casefold().split()) for kind, text in name.parts] for name in (self, other)
        )
        return bool(ours) and ours == theirs

    def __str__(self) -> str:
        """Return what people know it by: the common name with the organisation, else all parts."""
        told = [f"{kind}={text}" for kind, text in self.parts if kind in {"CN", "O"}]
        return ", ".join(told or [f"{kind}={text}" for kind, text in self.parts]) or "(no name)"

    @property
    def short(self) -> str:
        """One word for a sentence: the common name, else the organisation, else all parts."""
        return self.common_name or self.organization or str(self)


class Certificate(Struct, frozen=True, kw_only=True):
    """A certificate's fields (RFC 5280); times are seconds since 1970."""

    encoded: bytes
    version: int
    serial: int
    subject: Name
    issuer: Name
    not_before: int
    not_after: int
    key: str = ""  # RSA, EC, …, or the OID of another algorithm
    key_bits: int = 0  # 0 where it is not known
    signature: str = ""  # the hash that is signed, or the OID of another algorithm
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ca: bool | None = None  # None: no basicConstraints
    ca_critical: bool = False
    usage: int | None = None  # the first byte of keyUsage; None: any
    purposes: tuple[str, ...] | None = None  # None: any
    key_id: bytes = b""
    issuer_key_id: bytes = b""
    public: bool = False  # holds signed timestamps of Certificate Transparency logs: a public CA issued it
    issuer_url: bool = False  # says where its issuer's certificate can be fetched
    ocsp_url: bool = False
    must_staple: bool = False
    malformed: bool = False  # an extension could not be read

    def __repr__(self) -> str:
        # A serial number may have more digits than Python prints.
        return f"Certificate({str(self.subject)!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """Hosts that it is for: names and addresses."""
        return (*self.dns_names, *self.addresses)

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are one, and the key too as far as it says."""
        if self.issuer_key_id and self.key_id and self.issuer_key_id != self.key_id:
            return False
        return self.subject.same(self.issuer)

    @property
    def lifetime(self) -> int:
        """Seconds from the first to the last moment."""
        return max(self.not_after - self.not_before, 0)

    def weak_key(self) -> bool:
        """Whether the key has less than 112 bits of security."""
        least = {"RSA": _RSA_BITS, "DSA": _RSA_BITS, "EC": _EC_BITS}.get(self.key, 0)
        return 0 < self.key_bits < least

    def serves(self) -> bool:
        """Whether its extendedKeyUsage lets it be a TLS server's, or the CA of one."""
        return self.purposes is None or bool({"serverAuth", "any"} & set(self.purposes))


class Fault(Struct, frozen=True):
    """A flaw, the certificate that has it, and who refuses it (nobody named: OpenSSL, and so most)."""

    flaw: Flaw
    certificate: Certificate
    position: int  # 1 is the server's own; 0 was not sent, but is in the client's store
    refused_by: tuple[str, ...] = ()


class Examined(Struct, frozen=True):
    """A chain with all that is wrong with it."""

    sent: tuple[Certificate, ...]
    host: str
    now: int
    faults: tuple[Fault, ...] = ()  # refused by OpenSSL, what it stopped at first
    remarks: tuple[Fault, ...] = ()  # taken by OpenSSL

    @property
    def leaf(self) -> Certificate | None:
        """The server's own certificate."""
        return self.sent[0] if self.sent else None

    @property
    def flaws(self) -> frozenset[Flaw]:
        """All that is wrong, as a set."""
        return frozenset(fault.flaw for fault in (*self.faults, *self.remarks))

    @property
    def seconds_left(self) -> int:
        """Seconds until the server's own certificate ends; negative once it has."""
        return self.leaf.not_after - self.now if self.leaf else 0

    @property
    def days_left(self) -> int:
        """Whole days until then."""
        return self.seconds_left // _DAY

    @property
    def refused_by(self) -> tuple[str, ...]:
        """Everybody who refuses what OpenSSL takes, each once."""
        return tuple(dict.fromkeys(name for remark in self.remarks for name in remark.refused_by))

    def first(self, flaw: Flaw) -> Fault | None:
        """Return the first fault or remark of a kind."""
        return next((fault for fault in (*self.faults, *self.remarks) if fault.flaw is flaw), None)


# -- Reading ------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def read(encoded: bytes) -> Certificate:
    """Read a certificate, DER; raises DERError. What is odd in an extension is passed over."""
    try:
        return _read(encoded)
    except IndexError as error:
        raise DERError("cut off") from error


def _read(encoded: bytes) -> Certificate:
    begin, end = der.value(encoded, 0, len(encoded), _SEQUENCE)
    begin, end = der.value(encoded, begin, end, _SEQUENCE)
    fields = list(der.children(encoded, begin, end))
    version = 1
    if fields and fields[0][0] == _CONTEXT_0:
        start, stop = der.value(encoded, *fields[0][2:], _INTEGER)
        version = int.from_bytes(encoded[start:stop], "big") + 1
        fields = fields[1:]
    if [field[0] for field in fields[:6]] != [_INTEGER, *[_SEQUENCE] * 5]:
        raise DERError("not a certificate")
    serial, algorithm, issuer, validity, subject, key = fields[:6]
    dates = [
        der.epoch(tag, encoded[start:stop]) for tag, _, start, stop in der.children(encoded, *validity[2:])
    ]
    if len(dates) != 2:  # noqa: PLR2004 -- notBefore, notAfter
        raise DERError("validity")
    kind, bits = _key(encoded, *key[2:])
    found: dict[str, Any] = {}
    for tag, _, start, stop in fields[6:]:
        if tag == _EXTENSIONS:
            found = _extensions(encoded, start, stop)
    return Certificate(
        encoded=encoded,
        version=version,
        serial=int.from_bytes(encoded[serial[2] : serial[3]], "big", signed=True),
        subject=Name(encoded[subject[1] : subject[3]]),
        issuer=Name(encoded[issuer[1] : issuer[3]]),
        not_before=dates[0],
        not_after=dates[1],
        key=kind,
        key_bits=bits,
        signature=_hash(encoded, *algorithm[2:]),
        **found,
    )


def _shown(text: str) -> str:
    return printable(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


@functools.lru_cache(maxsize=128)
def _name_parts(encoded: bytes) -> tuple[tuple[str, str], ...]:
    parts: list[tuple[str, str]] = []
    try:
        for _, _, set_start, set_stop in der.children(
            encoded, *der.value(encoded, 0, len(encoded), _SEQUENCE)
        ):
            for _, _, pair_start, pair_stop in der.children(encoded, set_start, set_stop):
                kind, text = list(der.children(encoded, pair_start, pair_stop))[:2]
                number = der.oid(encoded[kind[2] : kind[3]])
                shown = _shown(der.text(text[0], encoded[text[2] : text[3]]))
                parts.append((_SHORT.get(number, number), shown))
    except ValueError:
        pass  # what could be read of it
    return tuple(parts)


def _key(data: bytes, start: int, stop: int) -> tuple[str, int]:
    parts = list(der.children(data, start, stop))
    if [part[0] for part in parts] != [_SEQUENCE, _BITS]:
        raise DERError("subjectPublicKeyInfo")
    algorithm = list(der.children(data, *parts[0][2:]))
    if not algorithm or algorithm[0][0] != _OID:
        raise DERError("algorithm")
    number = der.oid(data[algorithm[0][2] : algorithm[0][3]])
    kind = _KEYS.get(number, number)
    bits = _FIXED_BITS.get(kind, 0)
    try:
        if kind == "RSA":
            inside = der.value(data, parts[1][2] + 1, parts[1][3], _SEQUENCE)
            bits = _bit_length(data, *der.value(data, *inside, _INTEGER))
        elif kind == "DSA":
            inside = der.value(data, *algorithm[1][2:], _INTEGER)
            bits = _bit_length(data, *inside)
        elif kind == "EC" and algorithm[1][0] == _OID:
            bits = _CURVES.get(der.oid(data[algorithm[1][2] : algorithm[1][3]]), 0)
    except (DERError, IndexError):
        bits = 0
    return kind, bits


def _bit_length(data: bytes, start: int, stop: int) -> int:
    return int.from_bytes(data[start:stop], "big").bit_length()


def _hash(data: bytes, start: int, stop: int) -> str:
    parts = list(der.children(data, start, stop))
    if not parts or parts[0][0] != _OID:
        raise DERError("algorithm")
    number = der.oid(data[parts[0][2] : parts[0][3]])
    if number == _PSS:
        # RFC 4055 section 3.1: the hash stands in [0], and is SHA-1 where that is left out.
        for tag, _, inner, end in der.children(data, *parts[1][2:]) if len(parts) > 1 else ():
            if tag == _CONTEXT_0:
                inside = der.value(data, *der.value(data, inner, end, _SEQUENCE), _OID)
                number = der.oid(data[inside[0] : inside[1]])
                return _HASHES.get(number, number)
        return "SHA-1"
    return _HASHES.get(number, number)


def _extensions(data: bytes, start: int, stop: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE)):
        parts = list(der.children(data, begin, end))
        if not 2 <= len(parts) <= 3 or parts[0][0] != _OID or parts[-1][0] != _OCTETS:  # noqa: PLR2004
            raise DERError("extension")
        handle = _HANDLERS.get(data[parts[0][2] : parts[0][3]])
        if handle is None:
            continue
        critical = parts[1][0] == _BOOLEAN and data[parts[1][2] : parts[1][3]] != b"\0"
        try:
            found |= handle(data, parts[-1][2], parts[-1][3], critical)
        except (ValueError, IndexError):
            found["malformed"] = True
    return found


def _alternative_names(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    dns: list[str] = []
    addresses: list[str] = []
    for tag, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE)):
        if len(dns) + len(addresses) >= _MAX_NAMES:
            break
        if tag == _DNS:
            dns.append(_shown(data[begin:end].decode("latin-1")))
        elif tag == _IP and end - begin in {4, 16}:
            addresses.append(str(ipaddress.ip_address(data[begin:end])))
    return {"dns_names": tuple(dns), "addresses": tuple(addresses)}


def _constraints(data: bytes, start: int, stop: int, critical: bool) -> dict[str, Any]:  # noqa: FBT001
    start, stop = der.value(data, start, stop, _SEQUENCE)
    # DEFAULT FALSE: an empty sequence is no CA.
    first = next(der.children(data, start, stop), None)
    ca = first is not None and first[0] == _BOOLEAN and data[first[2] : first[3]] != b"\0"
    return {"ca": ca, "ca_critical": critical}


def _usage(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    start, stop = der.value(data, start, stop, _BITS)
    return {"usage": data[start + 1] if stop > start + 1 else 0}


def _purposes(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    numbers = [
        der.oid(data[begin:end])
        for _, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE))
    ]
    return {"purposes": tuple(_PURPOSES.get(number, number) for number in numbers)}


def _own_key(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    start, stop = der.value(data, start, stop, _OCTETS)
    return {"key_id": data[start:stop]}


def _issuer_key(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    for tag, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE)):
        if tag == _KEY_IDENTIFIER:
            return {"issuer_key_id": data[begin:end]}
    return {}


def _access(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    found: dict[str, Any] = {}
    for _, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE)):
        method, place = list(der.children(data, begin, end))[:2]
        if place[0] == _URI and data[place[2] : place[2] + 4].lower() == b"http":
            number = der.oid(data[method[2] : method[3]])
            if number == _CA_ISSUERS:
                found["issuer_url"] = True
            elif number == _OCSP:
                found["ocsp_url"] = True
    return found


def _features(data: bytes, start: int, stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    for _, _, begin, end in der.children(data, *der.value(data, start, stop, _SEQUENCE)):
        if int.from_bytes(data[begin:end], "big") == _STATUS_REQUEST:
            return {"must_staple": True}
    return {}


def _timestamps(_data: bytes, _start: int, _stop: int, _critical: bool) -> dict[str, Any]:  # noqa: FBT001
    return {"public": True}


# By the contents of the extension's object identifier.
_HANDLERS: Final[dict[bytes, Callable[[bytes, int, int, bool], dict[str, Any]]]] = {
    bytes.fromhex("551d11"): _alternative_names,  # 2.5.29.17
    bytes.fromhex("551d13"): _constraints,  # 2.5.29.19
    bytes.fromhex("551d0f"): _usage,  # 2.5.29.15
    bytes.fromhex("551d25"): _purposes,  # 2.5.29.37
    bytes.fromhex("551d0e"): _own_key,  # 2.5.29.14
    bytes.fromhex("551d23"): _issuer_key,  # 2.5.29.35
    bytes.fromhex("2b06010505070101"): _access,  # 1.3.6.1.5.5.7.1.1, authorityInfoAccess
    bytes.fromhex("2b06010505070118"): _features,  # 1.3.6.1.5.5.7.1.24, RFC 7633
    bytes.fromhex("2b06010401d679020402"): _timestamps,  # 1.3.6.1.4.1.11129.2.4.2, RFC 6962
}


# -- Judging ------------------------------------------------------------------

# OpenSSL's X509_V_ERR_… (x509_vfy.h), as they stand in the token ``x509-N``.
_VERDICTS: Final[dict[int, Flaw]] = {
    2: Flaw.UNKNOWN_ISSUER,
    7: Flaw.BAD_SIGNATURE,
    9: Flaw.NOT_YET_VALID,
    10: Flaw.EXPIRED,
    18: Flaw.SELF_SIGNED,
    19: Flaw.UNKNOWN_ISSUER,
    20: Flaw.UNKNOWN_ISSUER,
    21: Flaw.UNKNOWN_ISSUER,
    23: Flaw.REVOKED,
    24: Flaw.NOT_A_CA,
    25: Flaw.PATH_LENGTH,
    26: Flaw.PURPOSE,
    32: Flaw.NOT_A_CA,
    47: Flaw.NAME_CONSTRAINTS,
    48: Flaw.NAME_CONSTRAINTS,
    62: Flaw.NAME_MISMATCH,
    64: Flaw.NAME_MISMATCH,
    66: Flaw.WEAK_KEY,
    67: Flaw.WEAK_KEY,
    68: Flaw.WEAK_SIGNATURE,
    79: Flaw.NOT_A_CA,
}
_TRUST: Final = frozenset({2, 18, 19, 20, 21})


def examine(
    sent: Sequence[bytes],
    host: str,
    now: float,
    *,
    verified: Sequence[bytes] = (),
    token: str = "",
    anchors: Iterable[bytes] = (),
) -> Examined:
    """Say what is wrong with a chain; never raises.

    ``sent`` and ``verified`` are DER, the server's own certificate first: what came, and what OpenSSL built
    of it as far as it got (with the anchor, if it found one). ``token`` is the error of a verification that
    failed (``x509-N``). ``anchors`` are CAs that the user has given to trust; they tell an intermediate of
    theirs that was not sent from a foreign CA.
    """
    chain = _read_all(sent)
    built = _read_all(verified)
    if not chain or (verified and not built):
        return Examined(chain, host, int(now))
    path = built or _joined(chain, int(now))
    number = token.removeprefix("x509-")
    code = int(number) if number != token and number.isdecimal() and len(number) < _LONGEST_CODE else 0
    judge = _Judge(chain, path, host, int(now), code, anchored=bool(built) and code not in _TRUST)
    if code:
        judge.explain(_read_all(anchors))
    judge.dates()
    judge.name()
    judge.strength()
    if not code and not verified:
        judge.trust_alone()
    if not code or code not in _TRUST:
        judge.profile()
    return Examined(chain, host, int(now), tuple(judge.faults), tuple(judge.remarks))


def _read_all(chain: Iterable[bytes]) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    for encoded in chain:
        try:
            found.append(read(encoded))
        except DERError:
            break  # what stands above it cannot be joined to it
        if len(found) == _MAX_CHAIN:
            break
    return tuple(found)


def _joined(chain: Sequence[Certificate], now: int) -> tuple[Certificate, ...]:
    """Join certificates in whatever order they were sent, as OpenSSL would."""
    path = [chain[0]]
    rest = list(chain[1:])
    while not path[-1].self_issued:
        lower = path[-1]
        fitting = [
            one
            for one in rest
            if one.subject.same(lower.issuer)
            and (not lower.issuer_key_id or not one.key_id or lower.issuer_key_id == one.key_id)
        ]
        if not fitting:
            break
        upper = min(fitting, key=lambda one: not one.not_before <= now <= one.not_after)
        path.append(upper)
        rest = [one for one in rest if one is not upper]
    return tuple(path)


def issuer_in(sent: Sequence[bytes]) -> bytes:
    """Return the issuer of the server's own certificate, DER, from what it sent; empty where it is not there."""
    chain = _read_all(sent)
    path = _joined(chain, 0) if chain else ()
    return path[1].encoded if len(path) > 1 else b""


class _Judge:
    """Collects faults and remarks of a path."""

    def __init__(
        self,
        chain: tuple[Certificate, ...],
        path: tuple[Certificate, ...],
        host: str,
        now: int,
        code: int,
        *,
        anchored: bool,
    ) -> None:
        self.chain = chain
        self.path = path
        self.host = host
        self.now = now
        self.code = code
        self.anchored = anchored  # the last of the path is what OpenSSL trusts
        self.faults: list[Fault] = []
        self.remarks: list[Fault] = []

    def _position(self, certificate: Certificate) -> int:
        return next(
            (number for number, one in enumerate(self.chain, 1) if one.encoded == certificate.encoded), 0
        )

    def _fault(self, flaw: Flaw, certificate: Certificate) -> None:
        if not any(fault.flaw is flaw for fault in self.faults):
            self.faults.append(Fault(flaw, certificate, self._position(certificate)))

    def _remark(self, flaw: Flaw, certificate: Certificate) -> None:
        if not any(fault.flaw is flaw for fault in self.remarks):
            refused_by = _REFUSED_BY.get(flaw, ())
            self.remarks.append(Fault(flaw, certificate, self._position(certificate), refused_by))

    def explain(self, anchors: Sequence[Certificate]) -> None:
        """Name what OpenSSL stopped at, before anything else, and the certificate at fault."""
        flaw = _VERDICTS.get(self.code, Flaw.OTHER)
        leaf, last = self.path[0], self.path[-1]
        if self.code in _TRUST:
            self._untrusted(anchors)
        elif flaw is Flaw.EXPIRED:
            self._expired()
            if not self.faults:
                # All that was sent is valid: only the anchor can be meant.
                self._fault(Flaw.ROOT_EXPIRED, last)
        elif flaw is Flaw.NOT_YET_VALID:
            self._fault(flaw, next((one for one in self.path if one.not_before > self.now), leaf))
        elif flaw is Flaw.PURPOSE:
            self._fault(flaw, next((one for one in self.path if not one.serves()), leaf))
        elif flaw is Flaw.NOT_A_CA:
            self._fault(flaw, next((one for one in self.path[1:] if not _may_sign(one)), last))
        elif flaw is Flaw.WEAK_KEY:
            self._fault(flaw, next((one for one in self.path if one.weak_key()), leaf))
        elif flaw is Flaw.WEAK_SIGNATURE:
            self._fault(flaw, next((one for one in self.path if one.signature in _WEAK_HASHES), leaf))
        elif flaw is Flaw.PATH_LENGTH:
            self._fault(flaw, self.path[1] if len(self.path) > 1 else leaf)
        else:
            self._fault(flaw, leaf)

    def _untrusted(self, anchors: Sequence[Certificate]) -> None:
        leaf, last = self.path[0], self.path[-1]
        if leaf.self_issued:
            self._fault(Flaw.SELF_SIGNED, leaf)
        elif last.self_issued:
            self._fault(Flaw.UNKNOWN_ISSUER, last)
        elif last is leaf and self._lacks_intermediate(anchors):
            self._fault(Flaw.MISSING_INTERMEDIATE, leaf)
        else:
            self._fault(Flaw.UNKNOWN_ISSUER, last)

    def _lacks_intermediate(self, anchors: Sequence[Certificate]) -> bool:
        """Whether a leaf that leads nowhere was issued by an intermediate CA, not by a foreign root.

        A public CA never issues from its root; a server that sends other certificates, none of them the
        issuer, meant to send the chain; and a CA that shares its organisation with one that the user
        trusts is a child of that.
        """
        leaf = self.path[0]
        return (
            leaf.public
            or leaf.issuer_url
            or len(self.chain) > 1
            or any(
                leaf.issuer.organization and leaf.issuer.organization == one.subject.organization
                for one in anchors
            )
        )

    def trust_alone(self) -> None:
        """Say what is certain about trust where nothing was verified."""
        if self.path[0].self_issued:
            self._fault(Flaw.SELF_SIGNED, self.path[0])

    def _expired(self) -> None:
        for depth, one in enumerate(self.path):
            if one.not_after < self.now:
                root = one.self_issued or not self._position(one)
                flaw = Flaw.EXPIRED if depth == 0 else Flaw.ROOT_EXPIRED if root else Flaw.CHAIN_EXPIRED
                self._fault(flaw, one)

    def dates(self) -> None:
        """Find what has expired, is not valid yet, or soon will not be."""
        self._expired()
        for one in self.path:
            if one.not_after < self.now:
                continue
            if one.not_before > self.now:
                self._fault(Flaw.NOT_YET_VALID, one)
            elif one.not_after - self.now < expiring_below(one.lifetime):
                self._remark(Flaw.EXPIRING, one)

    def name(self) -> None:
        """Compare the names with the host."""
        leaf = self.path[0]
        if _covers(leaf, self.host):
            return
        by_common_name = not leaf.dns_names and _is_name(self.host)
        if by_common_name and name_matches(leaf.subject.common_name, self.host):
            self._remark(Flaw.NO_SAN, leaf)
        else:
            self._fault(Flaw.NAME_MISMATCH, leaf)

    def strength(self) -> None:
        """Find keys and hashes below 112 bits; the anchor's own signature is never looked at."""
        for one in self.path:
            if one.weak_key():
                self._fault(Flaw.WEAK_KEY, one)
            trusted = one.self_issued or (self.anchored and one is self.path[-1])
            if one.signature in _WEAK_HASHES and not trusted:
                self._fault(Flaw.WEAK_SIGNATURE, one)

    def profile(self) -> None:
        """Find what only some refuse, in all of the path."""
        leaf, anchor = self.path[0], self.path[-1]
        for one in self.path:
            authority = one is not leaf
            if one.version == _VERSION_3 and not one.issuer_key_id and not one.self_issued:
                self._remark(Flaw.NO_KEY_ID, one)
            if authority and one.ca and not one.ca_critical:
                self._remark(Flaw.CONSTRAINTS, one)
            if authority and one.ca is None:
                self._remark(Flaw.NO_CONSTRAINTS, one)
        if self.anchored and not anchor.self_issued:
            self._remark(Flaw.PARTIAL_CHAIN, anchor)
        if leaf.usage is not None and not leaf.usage & _DIGITAL_SIGNATURE:
            self._remark(Flaw.KEY_USAGE, leaf)
        if leaf.must_staple:
            self._remark(Flaw.MUST_STAPLE, leaf)
        for one in self.chain[1:]:
            if one.not_after < self.now and all(one.encoded != other.encoded for other in self.path):
                self._remark(Flaw.STALE_CHAIN, one)


def _may_sign(certificate: Certificate) -> bool:
    signs = certificate.usage is None or bool(certificate.usage & _CERT_SIGN)
    return signs and (certificate.ca is True or certificate.self_issued)


def expiring_below(lifetime: int) -> float:
    """Return how many seconds of a lifetime may be left before that is worth a warning.

    Clients that renew by themselves do so at a third of the lifetime (certbot, lego, Caddy), or at half of a
    short one: at a sixth they have failed for as long again. So 15 days of 90, 7.5 of 45, one of 6. Longer
    ones are renewed by hand, in the last month or two, and a sixth of a year would warn everybody: beyond
    90 days it is a twelfth, never more than 30 days.
    """
    return min(lifetime / 6, max(15 * _DAY, min(lifetime / 12, _MONTH)))


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _covers(leaf: Certificate, host: str) -> bool:
    try:
        return str(ipaddress.ip_address(host)) in leaf.addresses
    except ValueError:
        return any(name_matches(name, host) for name in leaf.dns_names)


def name_matches(pattern: str, host: str) -> bool:
    """Whether a name of a certificate covers a host name (RFC 9525 section 6.3).

    A wildcard is the whole leftmost label, stands for one label, and at least two follow it. A host in
    another script is compared by its A-labels.
    """
    try:
        wanted = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return False
    wanted = wanted.lower().rstrip(".")
    pattern = pattern.lower().rstrip(".")
    if pattern.startswith("*."):
        _, _, rest = wanted.partition(".")
        return "." in rest and rest == pattern[2:]
    return bool(pattern) and wanted == pattern


# -- Telling ------------------------------------------------------------------


def describe(examined: Examined, fault: Fault | None = None) -> str:
    """Say in one line which certificate is meant: that of the fault, else the server's own.

    As in ``CN=mail.example.com, issued by R3, valid 2025-01-01 to 2025-04-01, for mail.example.com,
    *.example.com; 1st of 2 certificates``. An empty text where no certificate could be read.
    """
    certificate = fault.certificate if fault else examined.leaf
    if certificate is None:
        return ""
    position = fault.position if fault else 1
    issuer = "itself" if certificate.self_issued else certificate.issuer.short
    told = [str(certificate.subject), f"issued by {issuer}"]
    told.append(f"valid {_day(certificate.not_before)} to {_day(certificate.not_after)}")
    if position == 1:
        names = certificate.names
        shown = ", ".join(names[:_SHOWN_NAMES]) or "no host name"
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        told.append(f"for {shown}{more}")
    if fault is not None and fault.flaw is Flaw.WEAK_KEY:
        told.append(f"{certificate.key} key of {certificate.key_bits} bits")
    if fault is not None and fault.flaw is Flaw.WEAK_SIGNATURE:
        told.append(f"signed with {certificate.signature}")
    if fault is not None and fault.flaw is Flaw.PURPOSE:
        told.append(f"only for {', '.join(certificate.purposes or ())}")
    count = len(examined.sent)
    where = "the only certificate sent" if count == 1 else f"{_ordinal(position)} of {count} certificates"
    if position == 0:
        where = "not sent, from the CAs that are trusted here"
    return f"{', '.join(told)}; {where}"


def _ordinal(number: int) -> str:
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number, 'th')}"


def _day(moment: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(moment))
    except (OverflowError, OSError, ValueError):
        return "a date that is none"
