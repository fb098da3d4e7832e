"""A second look at a TLS handshake that failed, without credentials.

It sends hellos by hand (``net/hello.py``) on connections that the caller opens, reads what comes in
the clear, and tells apart what an alert alone leaves open: old versions, ciphers that nobody takes,
a client's certificate that is wanted, a server name that is not. The number of connections is
bounded, and a deadline ends it all.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import StrEnum
from typing import Final

from msgspec import Struct

from smtpdoctor.net import hello
from smtpdoctor.net.certificate import Name, issuer_in
from smtpdoctor.net.hello import ALERTS, Flight, FlightReader, alert_in, client_hello
from smtpdoctor.net.ocsp import Staple, read_staple
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.command import DomainError, a_labels
from smtpdoctor.smtp.errors import DialogueError

__all__ = [
    "Cause",
    "Seen",
    "alert_of",
    "fetch_staple",
    "second_look",
    "takes_forward_secrecy",
    "wants_client_certificate",
]

# -- Alerts -------------------------------------------------------------------

_REASON: Final = re.compile(r"(?:SSLV3|TLSV1|TLSV13|SSL/TLS)_(?:ALERT_)?([A-Z_]+)")
_ALERT_NAMES: Final = frozenset(ALERTS.values())
_RENAMED: Final = {"user_cancelled": "user_canceled"}


def alert_of(token: str) -> str:
    """Return RFC 8446's name of the alert in an error's token (OpenSSL's reason), or nothing."""
    found = _REASON.fullmatch(token.upper())
    name = found[1].lower() if found else ""
    name = _RENAMED.get(name, name)
    return name if name in _ALERT_NAMES else ""


_CLIENT_CERTIFICATE: Final = re.compile(
    r"no (?:\w+ )?client certificate|client certificate (?:is |was )?(?:required|missing|not (?:presented|trusted|verified))",
    re.IGNORECASE,
)


def wants_client_certificate(reply: str) -> bool:
    """Whether a reply after the handshake asks for a client's certificate, as Postfix does with a 421 4.7.1."""
    return _CLIENT_CERTIFICATE.search(reply) is not None


# -- A second look ------------------------------------------------------------


class Cause(StrEnum):
    """Why a handshake failed."""

    OLD_TLS = "old-protocol"  # nothing newer than TLS 1.1
    WEAK_CIPHER = "weak-cipher"  # nothing that OpenSSL takes by default
    NO_COMMON_CIPHER = "no-common-cipher"  # nothing that the cipher setting allows
    CLOSED = "closed"  # the server ends the connection without an alert
    CLIENT_CERTIFICATE = "client-certificate"
    SERVER_NAME = "server-name"  # SNI: the server knows no such name, or none was sent
    INTERNAL_ERROR = "internal-error"
    NOT_TLS = "not-tls"
    SILENT = "silent"
    OTHER = "other"


class Seen(Struct, frozen=True):
    """What a second look found."""

    cause: Cause
    alert: str = ""  # RFC 8446's name of what the server said at first
    version: str = ""  # the newest that it took of what was offered
    cipher: str = ""  # that it chose from everything, by OpenSSL's name
    takes_no_name: bool = False  # without SNI the server shakes hands
    chain: tuple[bytes, ...] = ()  # DER, as sent
    staple: Staple | None = None
    wants_certificate: bool = False
    authorities: tuple[str, ...] = ()  # whose client certificates the server takes
    connections: int = 0


_MOST_CONNECTIONS: Final = 4
# A server that misses a client's certificate says one of these, before TLS 1.3 had its own alert for it.
_ABOUT_CERTIFICATE: Final = frozenset(
    {
        "handshake_failure",
        "bad_certificate",
        "certificate_unknown",
        "no_certificate",
        "access_denied",
        "unknown_ca",
        "",
    }
)
_CLOSING: Final = frozenset(
    {"", "eof", "ECONNRESET", "ECONNABORTED", "EPIPE", "UNEXPECTED_EOF_WHILE_READING"}
)
_TLS10, _TLS12, _TLS13 = 0x0301, 0x0303, 0x0304


def second_look(
    dial: Callable[[], Channel],
    host: str,
    *,
    deadline: float,
    token: str = "",
    received: bytes = b"",
    offered: Collection[int] = (),
    own_choice: bool = False,
) -> Seen:
    """Find out why a handshake failed, with at most four connections and no credentials on any.

    ``dial`` opens a connection up to the moment before the handshake (STARTTLS has been said), or raises
    DialogueError. ``deadline`` is a ``time.monotonic()`` moment. ``token`` and ``received`` are those of the
    error; ``token`` may also be that of the first read after the handshake, where TLS 1.3 puts the alert
    ``certificate_required``. ``offered`` are the suites of the context that failed (``offered_suites``), and
    ``own_choice`` says that a setting chose them. Never raises.
    """
    alert = alert_of(token) or alert_in(received)
    if alert == "certificate_required":
        return Seen(Cause.CLIENT_CERTIFICATE, alert, version="TLSv1.3", wants_certificate=True)
    look = _Look(dial, deadline)
    name = _server_name(host)
    flight = look.ask(client_hello(_all_suites(), name))
    takes_no_name = False
    if not flight.spoken and name is not None and flight.alert != "protocol_version" and _may_answer(flight):
        bare = look.ask(client_hello(_all_suites(), None))
        takes_no_name = bare.spoken
        flight = bare if bare.spoken else flight
    if not flight.spoken and _may_answer(flight):
        newest = look.ask(client_hello(_NEWEST, name, _TLS13))
        flight = newest if newest.spoken else flight
    if not flight.spoken and _may_answer(flight):
        # Some old servers hang up on a version that they do not know, instead of answering with theirs.
        oldest = look.ask(client_hello(_all_suites(), None, _TLS10))
        flight = oldest if oldest.spoken else flight
    alert = alert or flight.alert
    return Seen(
        cause=_cause(flight, alert, token, received, offered, own_choice=own_choice, no_name=takes_no_name),
        alert=alert,
        version=flight.version,
        cipher=flight.cipher,
        takes_no_name=takes_no_name,
        chain=flight.chain,
        staple=_staple(flight),
        wants_certificate=flight.wants_certificate,
        authorities=tuple(str(Name(encoded)) for encoded in flight.authorities),
        connections=look.connections,
    )


def takes_forward_secrecy(dial: Callable[[], Channel], host: str, *, deadline: float) -> bool | None:
    """Ask whether the server takes an ECDHE cipher with AEAD too; one connection. None: no answer."""
    flight = _Look(dial, deadline).ask(client_hello(hello.FORWARD_SECRET, _server_name(host)))
    return True if flight.spoken else False if flight.alert else None


def fetch_staple(
    dial: Callable[[], Channel], host: str, *, deadline: float
) -> tuple[tuple[bytes, ...], Staple | None]:
    """Fetch the chain and its OCSP staple, with one connection; both are empty for TLS 1.3 alone."""
    suites = [*hello.FORWARD_SECRET, *hello.OLD]
    flight = _Look(dial, deadline).ask(client_hello(suites, _server_name(host)))
    return flight.chain, _staple(flight)


def _all_suites() -> list[int]:
    return [*hello.FORWARD_SECRET, *hello.OLD, *hello.WEAK]


_NEWEST: Final = (0x1301, 0x1302, 0x1303)


def _server_name(host: str) -> str | None:
    """Return a host as SNI has it (RFC 6066 section 3): A-labels, and never an address."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return None
    try:
        return a_labels(host).rstrip(".")
    except DomainError:
        return None


class _Look:
    """Opens connections, as many as are allowed, and asks one thing on each."""

    def __init__(self, dial: Callable[[], Channel], deadline: float) -> None:
        self._dial = dial
        self._deadline = deadline
        self.connections = 0

    def ask(self, message: bytes) -> Flight:
        """Send a hello and return what came of the server's flight; empty where nothing did."""
        reader = FlightReader()
        if self.connections >= _MOST_CONNECTIONS or time.monotonic() >= self._deadline:
            reader.flight.silent = True
            return reader.flight
        self.connections += 1
        channel = None
        try:
            channel = self._dial()
            channel.deadline = min(channel.deadline, self._deadline)
            channel.send(message, "")
            while not reader.feed(channel.receive()):
                pass
        except DialogueError as error:
            reader.flight.silent = error.token == "timeout"  # noqa: S105 -- the token of an error
        finally:
            if channel is not None:
                channel.close()
        return reader.flight


def _may_answer(flight: Flight) -> bool:
    """Whether another hello may bring more: not where the peer speaks something else, or nothing in time."""
    return not flight.foreign and not flight.silent


def _cause(
    flight: Flight,
    alert: str,
    token: str,
    received: bytes,
    offered: Collection[int],
    *,
    own_choice: bool,
    no_name: bool,
) -> Cause:
    if flight.foreign:
        return Cause.NOT_TLS
    # Past the server's hello its choice of version and cipher was no trouble.
    began = received[:1] == b"\x16"
    if flight.spoken:
        if flight.version not in {"TLSv1.2", "TLSv1.3"}:
            return Cause.OLD_TLS
        if no_name:
            return Cause.SERVER_NAME
        if not began and flight.version == "TLSv1.2" and offered and flight.suite not in offered:
            return Cause.NO_COMMON_CIPHER if own_choice else Cause.WEAK_CIPHER
        if flight.wants_certificate and began and alert in _ABOUT_CERTIFICATE:
            return Cause.CLIENT_CERTIFICATE
    if alert == "unrecognized_name":
        return Cause.SERVER_NAME
    if alert == "internal_error":
        return Cause.INTERNAL_ERROR
    if flight.silent:
        return Cause.SILENT
    return Cause.OTHER if alert or token not in _CLOSING else Cause.CLOSED


def _staple(flight: Flight) -> Staple | None:
    if not flight.staple or not flight.chain:
        return None
    issuer = issuer_in(flight.chain)
    return read_staple(flight.staple, flight.chain[0], issuer, time.time()) if issuer else None
