"""TLS: the contexts, and what a session is worth.

Theory of operation: the strict context gives one verdict on every Python and every build of it.
It starts from a bare ``SSLContext`` and sets what interpreters and distributions set differently:
verification flags, security level, ciphers, versions. What it takes though some runtimes refuse is
the affair of ``net/certificate.py`` and of ``cipher_remark``.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.net.certificate import Examined, examine

__all__ = [
    "CipherRemark",
    "ContextError",
    "SessionFacts",
    "Store",
    "bundle_may_know",
    "cipher_remark",
    "examine_session",
    "looking_context",
    "offered_suites",
    "sent_chain",
    "session_facts",
    "strict_context",
    "trust_store",
    "verified_chain",
]

# -- Contexts -----------------------------------------------------------------

# OpenSSL's own default, at the security level (112 bits) that CPython, Debian and Fedora have, without what
# it drops or keeps according to how it was built. RSA key exchange and CBC stay: OpenSSL takes them, and
# ``cipher_remark`` says who does not.
_CIPHERS: Final = "DEFAULT:!aNULL:!eNULL:!PSK:!SRP:!aDSS:!3DES:!SEED:!IDEA:!RC4:!MD5:@SECLEVEL=2"
# Behind any setting: what nobody proves himself with, what encrypts nothing, and keys that nobody here has.
_NEVER: Final = ":!aNULL:!eNULL:!PSK:!SRP"

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
_HEX: Final = frozenset("0123456789abcdef")
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
            # 9d66eef0.0 and the like: X509_NAME_hash(3), and a number against collisions.
            if any(entry.name[8:9] == "." and set(entry.name[:8]) <= _HEX for entry in entries):
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
    store = Store() if ca_file is not None else trust_store()
    key = (ca_file, ciphers, bundle, store, _stamp(store.bundle if ca_file is None else ca_file))
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
    except (OSError, ValueError):  # no file, or no path of one: it holds a NUL
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
        except (ssl.SSLError, ValueError) as error:
            raise ContextError("ciphers", "they leave no cipher") from error
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

    A server may prefer such a cipher and still have better ones: ``second_look.takes_forward_secrecy`` asks.
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
