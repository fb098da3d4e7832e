"""The first flight of a TLS handshake by hand: a ClientHello, and what a server answers in clear text.

OpenSSL can tell only about what it was built to speak, and Python's ssl module cannot ask for an
OCSP staple at all (its ClientHello never carries status_request). Up to TLS 1.2 a server sends its
choice, its certificates, the staple and its wish for a client's certificate before anything is
encrypted (RFC 5246 section 7.3), so a hello of fixed bytes and a bounded reader see them all,
without a cipher, a key or a secret. In TLS 1.3 only the choice is in the clear (RFC 8446 section 2).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Final

from msgspec import Struct

__all__ = [
    "ALERTS",
    "CIPHERS",
    "FORWARD_SECRET",
    "OLD",
    "WEAK",
    "Flight",
    "FlightReader",
    "alert_in",
    "cipher_name",
    "client_hello",
]

# RFC 8446 section 6 and the IANA registry "TLS Alerts".
ALERTS: Final[dict[int, str]] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}

VERSIONS: Final[dict[int, str]] = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}

# Suites by OpenSSL's names (the language of a cipher setting), from the IANA registry "TLS Cipher Suites".
FORWARD_SECRET: Final[dict[int, str]] = {
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
}
# Taken by OpenSSL still, though not by everybody.
OLD: Final[dict[int, str]] = {
    0x009F: "DHE-RSA-AES256-GCM-SHA384",
    0x009E: "DHE-RSA-AES128-GCM-SHA256",
    0xCCAA: "DHE-RSA-CHACHA20-POLY1305",
    0xC024: "ECDHE-ECDSA-AES256-SHA384",
    0xC028: "ECDHE-RSA-AES256-SHA384",
    0xC023: "ECDHE-ECDSA-AES128-SHA256",
    0xC027: "ECDHE-RSA-AES128-SHA256",
    0xC00A: "ECDHE-ECDSA-AES256-SHA",
    0xC014: "ECDHE-RSA-AES256-SHA",
    0xC009: "ECDHE-ECDSA-AES128-SHA",
    0xC013: "ECDHE-RSA-AES128-SHA",
    0x006B: "DHE-RSA-AES256-SHA256",
    0x0067: "DHE-RSA-AES128-SHA256",
    0x0039: "DHE-RSA-AES256-SHA",
    0x0033: "DHE-RSA-AES128-SHA",
    0x009D: "AES256-GCM-SHA384",
    0x009C: "AES128-GCM-SHA256",
    0x003D: "AES256-SHA256",
    0x003C: "AES128-SHA256",
    0x0035: "AES256-SHA",
    0x002F: "AES128-SHA",
}
# Broken, rare, or without encryption or authentication: OpenSSL takes none of them by default.
WEAK: Final[dict[int, str]] = {
    0xC012: "ECDHE-RSA-DES-CBC3-SHA",
    0xC008: "ECDHE-ECDSA-DES-CBC3-SHA",
    0x0016: "DHE-RSA-DES-CBC3-SHA",
    0x000A: "DES-CBC3-SHA",
    0x0088: "DHE-RSA-CAMELLIA256-SHA",
    0x0084: "CAMELLIA256-SHA",
    0x0045: "DHE-RSA-CAMELLIA128-SHA",
    0x0041: "CAMELLIA128-SHA",
    0x0096: "SEED-SHA",
    0x0007: "IDEA-CBC-SHA",
    0xC011: "ECDHE-RSA-RC4-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0x0005: "RC4-SHA",
    0x0004: "RC4-MD5",
    0x0009: "DES-CBC-SHA",
    0x0015: "DHE-RSA-DES-CBC-SHA",
    0x0038: "DHE-DSS-AES256-SHA",
    0x0032: "DHE-DSS-AES128-SHA",
    0x0003: "EXP-RC4-MD5",
    0x0008: "EXP-DES-CBC-SHA",
    0x0014: "EXP-DHE-RSA-DES-CBC-SHA",
    0xC019: "AECDH-AES256-SHA",
    0xC018: "AECDH-AES128-SHA",
    0x00A7: "ADH-AES256-GCM-SHA384",
    0x00A6: "ADH-AES128-GCM-SHA256",
    0x003A: "ADH-AES256-SHA",
    0x0034: "ADH-AES128-SHA",
    0x001B: "ADH-DES-CBC3-SHA",
    0xC0AF: "ECDHE-ECDSA-AES256-CCM8",
    0xC0AE: "ECDHE-ECDSA-AES128-CCM8",
    0xC0AD: "ECDHE-ECDSA-AES256-CCM",
    0xC0AC: "ECDHE-ECDSA-AES128-CCM",
    0xC006: "ECDHE-ECDSA-NULL-SHA",
    0xC010: "ECDHE-RSA-NULL-SHA",
    0x003B: "NULL-SHA256",
    0x0002: "NULL-SHA",
    0x0001: "NULL-MD5",
}
_TLS13: Final[dict[int, str]] = {
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
}
CIPHERS: Final[dict[int, str]] = {**_TLS13, **FORWARD_SECRET, **OLD, **WEAK}

_HANDSHAKE: Final = 22
_ALERT: Final = 21
_SSL3: Final = 0x0300
_TLS10: Final = 0x0301
_TLS12: Final = 0x0303
_TLS13_VERSION: Final = 0x0304
_SERVER_HELLO: Final = 2
_CERTIFICATE: Final = 11
_CERTIFICATE_REQUEST: Final = 13
_SERVER_HELLO_DONE: Final = 14
_CERTIFICATE_STATUS: Final = 22
_SUPPORTED_VERSIONS: Final = 43
_NO_RENEGOTIATION: Final = 0x00FF  # TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746
_RECORD: Final = 5  # bytes of a record's header
_MESSAGE: Final = 4  # bytes of a handshake message's header
_MAX_RECORD: Final = 2**14 + 256
_MAX_FLIGHT: Final = 2**17
_MAX_CERTIFICATES: Final = 12


def cipher_name(suite: int) -> str:
    """Return OpenSSL's name of a suite, or its number."""
    return CIPHERS.get(suite, f"0x{suite:04x}")


def _sized(data: bytes, size: int = 2) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _numbers(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def client_hello(suites: Collection[int], name: str | None, version: int = _TLS12) -> bytes:
    """Return a ClientHello in a record of its own (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).

    ``version`` is the highest that is offered: 0x0300 (SSL 3.0) to 0x0303, or 0x0304 for TLS 1.3 alone.
    ``name`` is the A-label host name for SNI, None for no SNI. An OCSP staple is asked for.
    """
    parts: list[tuple[int, bytes]] = []
    if name is not None:
        parts.append((0, _sized(b"\0" + _sized(name.encode("ascii", "ignore")))))
    parts += [
        (5, b"\x01\0\0\0\0"),  # status_request: ocsp, any responder
        # supported_groups: x25519, secp256r1, x448, secp521r1, secp384r1, ffdhe2048, ffdhe3072
        (10, _sized(_numbers(0x1D, 0x17, 0x1E, 0x19, 0x18, 0x100, 0x101))),
        (11, b"\x01\0"),  # ec_point_formats: uncompressed
        (23, b""),  # extended_master_secret
    ]
    if version >= _TLS12:
        # signature_algorithms, those of old servers too: SHA-1 last
        algorithms = (0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806)
        rest = (0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202)
        parts.append((13, _sized(_numbers(*algorithms, *rest))))
    if version == _TLS13_VERSION:
        parts += [
            (_SUPPORTED_VERSIONS, _sized(_numbers(version), 1)),
            # Any 32 bytes are an X25519 key (RFC 7748 section 5); nothing is ever derived from it.
            (51, _sized(_numbers(0x1D) + _sized(os.urandom(32)))),
            (45, b"\x01\x01"),  # psk_key_exchange_modes
        ]
    extensions = b"".join(_numbers(kind) + _sized(data) for kind, data in parts)
    head = _numbers(min(version, _TLS12)) + os.urandom(32) + b"\0"
    body = head + _sized(_numbers(*suites, _NO_RENEGOTIATION)) + b"\x01\0"
    if version > _SSL3:
        # Some middle boxes hang on a hello of 256 to 511 bytes: padded, RFC 7685.
        lacking = 512 - (len(body) + len(extensions) + 2 + _MESSAGE + 4)
        if 0 < lacking < 512 - 256 + 4:
            extensions += _numbers(21) + _sized(bytes(lacking))
        body += _sized(extensions)
    message = b"\x01" + _sized(body, 3)
    return bytes([_HANDSHAKE]) + _numbers(min(version, _TLS10)) + _sized(message)


class Flight(Struct):
    """What a server said in the clear, as far as it came."""

    version: str = ""
    suite: int = 0
    chain: tuple[bytes, ...] = ()
    staple: bytes = b""
    wants_certificate: bool = False
    authorities: tuple[bytes, ...] = ()  # names, DER, of CAs whose certificates it takes
    alert: str = ""
    complete: bool = False
    foreign: bool = False  # not TLS
    silent: bool = False  # nothing more came in time

    @property
    def spoken(self) -> bool:
        """Whether the server took the offer: a ServerHello came."""
        return bool(self.version)

    @property
    def cipher(self) -> str:
        """The suite's name."""
        return cipher_name(self.suite) if self.spoken else ""


class FlightReader:
    """Reads a server's first flight from bytes however they are cut; never raises on them."""

    def __init__(self) -> None:
        self.flight = Flight()
        self._records = bytearray()
        self._messages = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> bool:
        """Take more; return whether all that is in the clear has been read, or nothing more makes sense."""
        self._size += len(data)
        self._records += data
        while not self._over() and len(self._records) >= _RECORD:
            kind, major = self._records[0], self._records[1]
            length = int.from_bytes(self._records[3:_RECORD], "big")
            if kind not in {_ALERT, _HANDSHAKE} or major != 3 or length > _MAX_RECORD:  # noqa: PLR2004
                # After a ServerHello of TLS 1.3 this is what is encrypted (or its ChangeCipherSpec).
                self.flight.foreign = not self.flight.spoken
                self.flight.complete = True
                break
            if len(self._records) < _RECORD + length:
                break
            record = bytes(self._records[_RECORD : _RECORD + length])
            del self._records[: _RECORD + length]
            if kind == _ALERT:
                self._alert(record)
            else:
                self._messages += record
                self._take_messages()
        return self._over()

    def _over(self) -> bool:
        return self.flight.complete or bool(self.flight.alert) or self._size > _MAX_FLIGHT

    def _alert(self, record: bytes) -> None:
        level, number = (*record, 0, 0)[:2]
        # A warning (1) goes before the handshake goes on: unrecognized_name, by old servers.
        if level != 1 or number == 0:
            self.flight.alert = ALERTS.get(number, f"alert {number}")

    def _take_messages(self) -> None:
        while not self._over() and len(self._messages) >= _MESSAGE:
            length = int.from_bytes(self._messages[1:_MESSAGE], "big")
            if len(self._messages) < _MESSAGE + length:
                return
            kind = self._messages[0]
            body = bytes(self._messages[_MESSAGE : _MESSAGE + length])
            del self._messages[: _MESSAGE + length]
            try:
                self._message(kind, body)
            except IndexError:
                self.flight.complete = True

    def _message(self, kind: int, body: bytes) -> None:
        flight = self.flight
        if kind == _SERVER_HELLO:
            self._server_hello(body)
        elif kind == _CERTIFICATE:
            flight.chain = tuple(_vectors(_vector(body, 0, 3), 3))[:_MAX_CERTIFICATES]
        elif kind == _CERTIFICATE_STATUS and body[0] == 1:
            flight.staple = _vector(body, 1, 3)
        elif kind == _CERTIFICATE_REQUEST:
            flight.wants_certificate = True
            at = 1 + body[0]
            if flight.version == VERSIONS[_TLS12]:
                at += 2 + int.from_bytes(body[at : at + 2], "big")
            flight.authorities = tuple(_vectors(_vector(body, at, 2), 2))[:_MAX_CERTIFICATES]
        elif kind == _SERVER_HELLO_DONE:
            flight.complete = True

    def _server_hello(self, body: bytes) -> None:
        version = int.from_bytes(body[:2], "big")
        at = 35 + body[34]  # version, random, session id
        self.flight.suite = int.from_bytes(body[at : at + 2], "big")
        at += 3
        extensions = _vector(body, at, 2) if at + 2 <= len(body) else b""
        while len(extensions) >= 4:  # noqa: PLR2004 -- type and length
            kind = int.from_bytes(extensions[:2], "big")
            data = _vector(extensions, 2, 2)
            if kind == _SUPPORTED_VERSIONS:
                version = int.from_bytes(data[:2], "big")
            extensions = extensions[4 + len(data) :]
        self.flight.version = VERSIONS.get(version, f"0x{version:04x}")
        # What follows is encrypted.
        self.flight.complete = version == _TLS13_VERSION


def _vector(data: bytes, at: int, size: int) -> bytes:
    length = int.from_bytes(data[at : at + size], "big")
    if at + size + length > len(data):
        raise IndexError
    return data[at + size : at + size + length]


def _vectors(data: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        part = _vector(data, at, size)
        yield part
        at += size + len(part)


def alert_in(received: bytes) -> str:
    """Return the name of a fatal alert in a server's first bytes, where it is in the clear."""
    reader = FlightReader()
    reader.feed(received)
    return reader.flight.alert
