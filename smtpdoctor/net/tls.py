"""TLS: the contexts, what a session is worth, and a second look at a handshake that failed.

Theory of operation: the strict context gives one verdict on every Python and every build of it.
It starts from a bare ``SSLContext`` and sets what interpreters and distributions set differently:
verification flags, security level, ciphers, versions. What it takes though some runtimes refuse is
the affair of ``net/certificate.py`` and of ``cipher_remark``.

A second look never has credentials. It sends hellos by hand (``net/hello.py``) on connections that
the caller opens, and reads what comes in the clear.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.net import hello
from smtpdoctor.net.certificate import Examined, Name, examine
from smtpdoctor.net.hello import ALERTS, Flight, FlightReader, alert_in, client_hello
from smtpdoctor.net.ocsp import Staple, read_staple
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError

__all__ = [
    "Cause",
    "CipherRemark",
    "ContextError",
    "Seen",
    "SessionFacts",
    "Store",
    "alert_of",
    "bundle_may_know",
    "cipher_remark",
    "examine_session",
    "fetch_staple",
    "looking_context",
    "offered_suites",
    "second_look",
    "sent_chain",
    "session_facts",
    "strict_context",
    "takes_forward_secrecy",
    "trust_store",
    "verified_chain",
]

# -- Contexts -----------------------------------------------------------------

# OpenSSL's own default, at the security level (112 bits) that CPython, Debian and Fedora have, without what
# it drops or keeps according to how it was built. RSA key exchange and CBC stay: OpenSSL takes them, and
# ``cipher_remark`` says who does not.
_CIPHERS: Final = "DEFAULT:!aNULL:!eNULL:!PSK:!SRP:!aDSS:!3DES:!SEED:!IDEA:!RC4:!MD5:@SECLEVEL=2"
_NEVER: Final = ":!aNULL:!eNULL"

# X509_V_FLAG_PARTIAL_CHAIN: a CA that the user trusts is enough, root or not. Go, Java, curl, GnuTLS, rustls
# and Python >= 3.13 have it so; those that want a root are named by Flaw.PARTIAL_CHAIN. Without it the verdict
# would be "unknown issuer", which is wrong for the most of them. X509_V_FLAG_TRUSTED_FIRST is OpenSSL's
# default since 1.1. Never X509_V_FLAG_X509_STRICT: that is Python >= 3.13 alone (Flaw.NO_KEY_ID, CONSTRAINTS).
_VERIFY: Final = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN

# Where systems keep their CAs, for a Python whose own defaults do not exist (python.org, conda, pyenv).
_DIRECTORIES: Final = (
    "/etc/ssl/certs",  # Debian, SUSE, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/directory-hash",  # Fedora
    "/etc/openssl/certs",  # NetBSD
)
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine, OpenBSD, FreeBSD
    "/usr/local/etc/ssl/cert.pem",
)
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_SMALL: Final = 32_768  # bytes of a bundle that is loaded at once: some 15 certificates, 3 ms
_MOST_CONTEXTS: Final = 32


class ContextError(ValueError):
    """A setting that no context can be made of: ``what`` is ``ca-file`` or ``ciphers``."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class Store(Struct, frozen=True):
    """Where this machine keeps the CAs that it trusts; empty where there is none."""

    directory: str = ""  # of hashed names, read by OpenSSL as it needs them
    bundle: str = ""  # one file, read as a whole

    @property
    def empty(self) -> bool:
        """Whether no certificate of a public CA can be verified here."""
        return not self.directory and not self.bundle and sys.platform != "win32"


def trust_store() -> Store:
    """Return where the CAs of this machine are; SSL_CERT_FILE and SSL_CERT_DIR count, as in OpenSSL."""
    return _store(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=16)
def _store(file: str | None, directory: str | None) -> Store:
    defaults = ssl.get_default_verify_paths()
    # OpenSSL looks at the variable instead of its default, also where that leads nowhere.
    directories = [defaults.openssl_capath if directory is None else directory]
    bundles = [defaults.openssl_cafile if file is None else file]
    found = Store(_first(directories, _is_hashed), _first(bundles, os.path.isfile))
    if file is not None or directory is not None or found.directory or found.bundle:
        return found
    return Store(_first(_DIRECTORIES, _is_hashed), _first(_BUNDLES, os.path.isfile))


def _first(places: Collection[str], fits: Callable[[str], bool]) -> str:
    return next((place for place in places if place and fits(place)), "")


def _is_hashed(places: str) -> bool:
    """Whether a directory (or several, as OpenSSL takes them) holds certificates by the hash of their names."""
    for place in places.split(os.pathsep):
        with suppress(OSError), os.scandir(place) as entries:
            if any(_HASHED.fullmatch(entry.name) for entry in entries):
                return True
    return False


_contexts: dict[tuple[object, ...], ssl.SSLContext] = {}
_lock = threading.Lock()


def strict_context(
    ca_file: str | None = None, ciphers: str | None = None, *, bundle: bool = False
) -> ssl.SSLContext:
    """Return the context that logins go over: TLS 1.2 or later (RFC 8997), certificate and name verified.

    ``ca_file`` takes the place of the system's CAs. ``ciphers`` is in OpenSSL's words; what has no
    authentication or no encryption stays out. Where the CAs are in a hashed directory the bundle is left
    out (37 ms against 0.2): it may hold more, so try once more with ``bundle`` where ``bundle_may_know``.
    The context is shared: do not change it. Safe to call from any thread. Raises ContextError.
    """
    store = Store() if ca_file else trust_store()
    key = (ca_file, ciphers, bundle, store, _stamp(ca_file or store.bundle))
    with _lock:
        known = _contexts.get(key)
        if known is None:
            while len(_contexts) >= _MOST_CONTEXTS:
                del _contexts[next(iter(_contexts))]
            known = _contexts[key] = _strict(ca_file, ciphers, store, bundle=bundle)
        return known


def _stamp(path: str) -> tuple[int, ...]:
    """Tell one content of a file from the next."""
    try:
        status = Path(path).stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _strict(ca_file: str | None, ciphers: str | None, store: Store, *, bundle: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.verify_flags = _VERIFY
    # A host that stands in the common name alone is taken by OpenSSL, Python, Node.js, Java, curl and GnuTLS;
    # who refuses it is named by Flaw.NO_SAN.
    context.hostname_checks_common_name = True
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    if ciphers is not None:
        try:
            # The level of the line above stays, where the user's words say none.
            context.set_ciphers(ciphers + _NEVER)
        except ssl.SSLError as error:
            raise ContextError("ciphers", error.reason or "no cipher can be selected") from error
    try:
        _load(context, ca_file, store, bundle=bundle)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise ContextError("ca-file", str(reason)) from error
    return context


def _load(context: ssl.SSLContext, ca_file: str | None, store: Store, *, bundle: bool) -> None:
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
        return
    if sys.platform == "win32":  # pragma: no cover -- Windows keeps its CAs in no file
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    if store.directory:
        context.load_verify_locations(capath=store.directory)
    if store.bundle and (bundle or not _is_lazy(store)):
        # A broken bundle is no setting of the user's: OpenSSL's defaults pass over it too.
        with suppress(OSError):
            context.load_verify_locations(cafile=store.bundle)


def _is_lazy(store: Store) -> bool:
    stamp = _stamp(store.bundle)
    return bool(store.directory and stamp) and stamp[2] > _SMALL


def bundle_may_know(token: str, ca_file: str | None = None) -> bool:
    """Whether a verification that failed so may succeed with ``strict_context(…, bundle=True)``."""
    if ca_file is not None or token not in _UNTRUSTED:
        return False
    store = trust_store()
    return bool(store.bundle) and _is_lazy(store)


_UNTRUSTED: Final = frozenset({"x509-2", "x509-18", "x509-19", "x509-20", "x509-21"})


@lru_cache(maxsize=1)
def looking_context() -> ssl.SSLContext:
    """Return a context that takes any certificate, old protocols and weak ciphers: to look, never to log in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    return context


def offered_suites(context: ssl.SSLContext) -> frozenset[int]:
    """Return the numbers of the suites that a context offers."""
    return frozenset(cipher["id"] & 0xFFFF for cipher in context.get_ciphers())


# -- After the handshake ------------------------------------------------------

_SECRET_BITS: Final = 112  # NIST SP 800-131A: less is not allowed any more


class SessionFacts(Struct, frozen=True):
    """What a TLS session is made of."""

    version: str
    cipher: str
    bits: int
    certificate: bool  # the server has shown one

    @property
    def protects(self) -> bool:
        """Whether a login may be sent through it, given that the strict context made it."""
        return self.certificate and self.bits >= _SECRET_BITS and self.version in {"TLSv1.2", "TLSv1.3"}


def session_facts(tls: ssl.SSLObject) -> SessionFacts:
    """Return the facts of a session, as it is."""
    name, _, bits = tls.cipher() or ("", "", 0)
    try:
        certificate = bool(tls.getpeercert(binary_form=True))
    except ValueError:  # the handshake is not done
        certificate = False
    return SessionFacts(tls.version() or "", name, bits or 0, certificate)


def sent_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the certificates as sent, DER, also where their verification failed."""
    return _chain(tls, "get_unverified_chain")


def verified_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the chain that OpenSSL built, as far as it got: with the anchor where it found one."""
    return _chain(tls, "get_verified_chain")


def _chain(tls: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    # Public since Python 3.13; before that the same methods are there, under a private object.
    public = getattr(tls, method, None)
    if public is not None:
        return tuple(public())
    private: Any = getattr(getattr(tls, "_sslobj", None), method, None)
    chain = private() if private is not None else None
    return tuple(one.public_bytes(_DER) for one in chain or ())


_DER: Final = 2  # _ssl.ENCODING_DER


def examine_session(tls: ssl.SSLObject, host: str, now: float, token: str = "") -> Examined:
    """Examine the certificates of a session: one that stands, or one whose verification failed with a token.

    A failed one has its certificates in ``TLSFailed.session``; no second connection is needed for them.
    """
    anchors = tls.context.get_ca_certs(binary_form=True) if token in _UNTRUSTED else ()
    return examine(sent_chain(tls), host, now, verified=verified_chain(tls), token=token, anchors=anchors)


class CipherRemark(Struct, frozen=True):
    """A way of encryption that OpenSSL takes though others do not: ``kind``, and their names."""

    kind: str  # rsa-key-exchange, finite-field-dh, cbc
    refused_by: tuple[str, ...]


# Tried on each with a server that takes nothing else; Java >= 24 is from its release notes (JDK-8245545).
_PYTHON: Final = "Python (python.org, Docker)"  # its own list of ciphers since 3.10; Debian's takes OpenSSL's
_RSA_EXCHANGE: Final = CipherRemark("rsa-key-exchange", (_PYTHON, "Go >= 1.22", "rustls", "Java >= 24"))
_FINITE_FIELD: Final = CipherRemark("finite-field-dh", ("Go", "rustls"))
_CBC_SHA1: Final = CipherRemark("cbc", (_PYTHON, "rustls"))
_CBC_SHA2: Final = CipherRemark("cbc", ("Go", "GnuTLS", "rustls"))


def cipher_remark(cipher: str) -> CipherRemark | None:
    """Say who would refuse a cipher, by OpenSSL's name, were it all that the server has.

    A server may prefer such a cipher and still have better ones: ``takes_forward_secrecy`` asks.
    """
    if cipher.startswith("TLS_"):
        return None
    if cipher.startswith("DHE-"):
        return _FINITE_FIELD
    if not cipher.startswith("ECDHE-"):
        return _RSA_EXCHANGE
    if "GCM" in cipher or "CHACHA20" in cipher:
        return None
    return _CBC_SHA1 if cipher.endswith("-SHA") else _CBC_SHA2


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
        return host.encode("idna").decode() if not host.isascii() else host.rstrip(".")
    except UnicodeError:
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
    if not flight.staple or len(flight.chain) < 2:  # noqa: PLR2004 -- a certificate and its issuer
        return None
    return read_staple(flight.staple, flight.chain[0], flight.chain[1], time.time())
