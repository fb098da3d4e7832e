"""TLS: contexts that say the same on every Python, and second looks at handshakes that fail."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import shutil
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.facts import TlsFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Stage, Status
from smtpdoctor.net import hello
from smtpdoctor.net.hello import ALERTS, FlightReader, alert_in, client_hello
from smtpdoctor.net.ocsp import read_staple
from smtpdoctor.net.second_look import (
    Cause,
    Seen,
    alert_of,
    fetch_staple,
    second_look,
    takes_forward_secrecy,
    wants_client_certificate,
)
from smtpdoctor.net.tls import (
    _BUNDLES,
    _DIRECTORIES,
    ContextError,
    SessionFacts,
    Store,
    _store,
    bundle_may_know,
    cipher_remark,
    looking_context,
    offered_suites,
    sent_chain,
    session_facts,
    strict_context,
    trust_store,
    verified_chain,
)
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import ConnectFailed, DialogueError, TLSFailed
from smtpdoctor.smtp.transcript import Transcript
from tests import certs, servers
from tests.checking import check
from tests.each import each
from tests.servers import serve
from tests.test_certificate import HOST, shake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.certs import Certificate, Certificates, Signed
    from tests.servers import Peer, Script, Server

PATIENCE = 20.0  # what ends only a test that has gone wrong
OLD = {"minimum": ssl.TLSVersion.TLSv1, "maximum": ssl.TLSVersion.TLSv1_1}


# -- Contexts -----------------------------------------------------------------


def test_what_the_strict_context_is_made_of(certificates: Certificates) -> None:
    """Nothing is left to the interpreter or the distribution."""
    context = strict_context(str(certificates.ca_pem))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    flags = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    assert context.verify_flags == flags
    assert context.security_level == 2
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert {"ECDHE-RSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"} <= names
    assert not [name for name in names if name.startswith(("ADH", "AECDH", "PSK", "SRP")) or "NULL" in name]
    assert context.hostname_checks_common_name is True
    assert context.maximum_version is ssl.TLSVersion.MAXIMUM_SUPPORTED
    usual = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).options
    assert context.options & usual == usual
    assert looking_context().options & usual == usual
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize("ciphers", ["ALL:COMPLEMENTOFALL", "aNULL:eNULL:HIGH", "ADH-AES256-SHA:AES256-SHA"])
def test_no_cipher_setting_brings_back_what_protects_nothing(
    certificates: Certificates, ciphers: str
) -> None:
    """The user's words choose among what has authentication and encryption."""
    context = strict_context(str(certificates.ca_pem), ciphers)
    assert all(cipher["strength_bits"] > 0 for cipher in context.get_ciphers())
    assert all(cipher["auth"] != "auth-null" for cipher in context.get_ciphers())
    assert context.security_level == 2


def test_a_cipher_setting_may_lower_the_level(certificates: Certificates) -> None:
    """An application that has DEFAULT@SECLEVEL=0 would send: so does the doctor."""
    ca_pem = str(certificates.ca_pem)
    assert shake(certificates.weak_key).token == "x509-66"
    context = strict_context(ca_pem, "DEFAULT:@SECLEVEL=0")
    assert shake(certificates.weak_key, context=context).token == ""


@pytest.mark.parametrize("ciphers", ["", "NO-SUCH-CIPHER", "aNULL", "eNULL"])
def test_a_cipher_setting_that_leaves_nothing(certificates: Certificates, ciphers: str) -> None:
    """It is an error with a name, not an exception of the ssl module."""
    with pytest.raises(ContextError) as caught:
        strict_context(str(certificates.ca_pem), ciphers)
    assert caught.value.what == "ciphers"
    assert str(caught.value) == "ciphers: they leave no cipher"


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_ca_file_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    """A file that is not there, is empty or holds something else is named."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContextError) as caught:
        strict_context(str(path))
    assert caught.value.what == "ca-file"
    assert (caught.value.reason == "No such file or directory") is (content is None)
    assert caught.value.reason not in {"", "None"}


def test_a_path_that_no_file_can_have() -> None:
    """It is told as what it is."""
    with pytest.raises(ContextError, match="null"):
        strict_context("a\0b")


def test_contexts_are_shared_until_something_changes(certificates: Certificates, tmp_path: Path) -> None:
    """One context for one CA and cipher, on any number of threads; a file that was written anew is read anew."""
    ca_pem = tmp_path / "ca.pem"
    shutil.copy(certificates.ca_pem, ca_pem)
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: strict_context(str(ca_pem)), range(64)))
    (context,) = made
    assert strict_context(str(ca_pem), "HIGH") is not context
    ca_pem.write_bytes(certificates["root_expired"].ca_pem.read_bytes())
    changed = strict_context(str(ca_pem))
    assert changed is not context
    assert len(changed.get_ca_certs()) == 1


def test_the_number_of_contexts_that_are_kept_is_bounded(certificates: Certificates) -> None:
    """A service that checks many settings does not grow."""
    ca_pem = str(certificates.ca_pem)
    first = strict_context(ca_pem)
    for number in range(40):
        strict_context(ca_pem, f"HIGH:@SECLEVEL={number % 4}:-3DES{':-RC4' * number}")
    assert strict_context(ca_pem) is not first
    last = strict_context(ca_pem, "HIGH")
    for number in range(31):
        assert strict_context(ca_pem, "HIGH") is last
        strict_context(ca_pem, f"HIGH{':-RC4' * (number + 1)}:-3DES")
    assert strict_context(ca_pem, "HIGH") is last
    strict_context(ca_pem, "HIGH:-3DES")
    assert strict_context(ca_pem, "HIGH") is not last


def test_the_looking_context_takes_anything(certificates: Certificates) -> None:
    """It is for looking: no certificate, no name, no version and no key is too bad."""
    for kind in ("expired", "weak_key", "self_signed", "wrong_name"):
        assert shake(getattr(certificates, kind), context=looking_context()).token == ""
    context = looking_context()
    assert context.check_hostname is False
    assert context.minimum_version is ssl.TLSVersion.MINIMUM_SUPPORTED
    assert context.security_level == 0
    assert context.options & 0x4  # servers without RFC 5746
    assert offered_suites(context) >= {0x1301, 0xC02F}
    assert looking_context() is context


# -- The system's CAs ---------------------------------------------------------


def hashed(directory: Path, certificate: bytes) -> None:
    """Put a CA into a directory as c_rehash does: by the hash of its subject in canonical form."""
    (relative,) = certs.der_parts(x509.load_der_x509_certificate(certificate).subject.public_bytes())
    (pair,) = certs.der_parts(relative)
    kind, text = certs.der_parts(pair)
    plain = certs.der(0x0C, text[2:].lower())
    canonical = certs.der(0x31, certs.der(0x30, kind, plain))
    number = int.from_bytes(hashlib.sha1(canonical).digest()[:4], "little")  # noqa: S324 -- OpenSSL's choice
    (directory / f"{number:08x}.0").write_text(ssl.DER_cert_to_PEM_cert(certificate), encoding="ascii")


@pytest.fixture
def own_store(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Certificate, Certificate]:
    """Make a machine that trusts one CA in a hashed directory, and another one in a long bundle only."""
    shop = certificates.workshop
    in_directory, in_bundle = shop.authority("In Directory"), shop.authority("In Bundle")
    directory = tmp_path / "certs"
    directory.mkdir()
    hashed(directory, in_directory.certificate)
    bundle = tmp_path / "bundle.pem"
    pem = ssl.DER_cert_to_PEM_cert(in_bundle.certificate)
    bundle.write_text(pem + "# a long file\n" * 4000, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return (
        shop.store(f"{tmp_path.name}-directory", shop.leaf(in_directory)),
        shop.store(f"{tmp_path.name}-bundle", shop.leaf(in_bundle)),
    )


def test_the_hashed_directory_is_enough(own_store: tuple[Certificate, Certificate]) -> None:
    """The bundle is not read for a CA that the directory has."""
    in_directory, _ = own_store
    assert shake(in_directory, context=strict_context()).token == ""
    assert not strict_context().get_ca_certs() or len(strict_context().get_ca_certs()) == 1


def test_the_bundle_is_read_where_it_may_know_more(own_store: tuple[Certificate, Certificate]) -> None:
    """What only the bundle has is refused at first, and taken at the second try."""
    _, in_bundle = own_store
    token = shake(in_bundle, context=strict_context()).token
    assert token == "x509-20"
    assert bundle_may_know(token)
    assert shake(in_bundle, context=strict_context(bundle=True)).token == ""


def test_a_check_goes_on_with_the_bundle(own_store: tuple[Certificate, Certificate]) -> None:
    """On a second connection, with STARTTLS as from the first byte."""
    _, in_bundle = own_store
    for security in ("tls", "starttls"):
        script = servers.dialogue(
            implicit_cert=in_bundle if security == "tls" else None,
            starttls_cert=in_bundle if security == "starttls" else None,
        )
        with serve(script) as server:
            report = check(server.port, security)
            server.join()
            assert len(server.connections) == 2
        assert report.verdict == "pass"


def test_the_bundle_knows_nothing_about_other_failures(own_store: tuple[Certificate, Certificate]) -> None:
    """Only a lack of an issuer is worth a second try, and never where the user has named the CAs."""
    assert not bundle_may_know("x509-10")
    assert not bundle_may_know("UNEXPECTED_EOF_WHILE_READING")
    assert not bundle_may_know("x509-20", "/some/ca.pem")


def test_a_short_bundle_is_read_at_once(
    own_store: tuple[Certificate, Certificate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private CA in SSL_CERT_FILE costs no second handshake."""
    _, in_bundle = own_store
    short = tmp_path / "short.pem"
    text = (tmp_path / "bundle.pem").read_text(encoding="ascii")
    short.write_text(text[: text.index("#")], encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(short))
    assert shake(in_bundle, context=strict_context()).token == ""
    assert not bundle_may_know("x509-20")


def test_a_bundle_without_a_directory_is_read_at_once(
    own_store: tuple[Certificate, Certificate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory of files without hashed names is none for OpenSSL."""
    _, in_bundle = own_store
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "ca.pem").write_text("", encoding="ascii")
    monkeypatch.setenv("SSL_CERT_DIR", str(plain))
    assert trust_store() == Store(bundle=str(tmp_path / "bundle.pem"))
    assert shake(in_bundle, context=strict_context()).token == ""


def test_a_machine_without_cas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare container trusts nobody, and that can be said."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    assert trust_store().empty
    assert Store().empty is True
    assert Store(directory="x").empty is Store(bundle="x").empty is False
    assert strict_context().get_ca_certs() == []
    assert not bundle_may_know("x509-20")


def test_how_long_a_bundle_is_read_at_once(
    own_store: tuple[Certificate, Certificate], tmp_path: Path
) -> None:
    """To the byte: some fifteen certificates."""
    bundle = tmp_path / "bundle.pem"
    text = bundle.read_bytes()
    for size, later in ((32_768, False), (32_769, True)):
        bundle.write_bytes(text[:size])
        assert bundle_may_know("x509-20") is later


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("0a1b2c3d.0", True), ("0a1b2c3g.0", False), ("0a1b2c3d-0", False), ("ca.pem", False)],
)
def test_what_a_hashed_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, is_one: bool
) -> None:
    """It holds names of eight hexadecimal digits and a number."""
    (tmp_path / name).touch()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    assert trust_store() == Store(directory=str(tmp_path) if is_one else "")


@pytest.fixture
def no_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Have a Python whose own places for CAs do not exist."""
    nowhere = str(tmp_path / "nowhere")
    paths = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", nowhere, "SSL_CERT_DIR", nowhere)  # type: ignore[arg-type]
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    for name in ("SSL_CERT_DIR", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    _store.cache_clear()
    yield
    _store.cache_clear()


@pytest.mark.usefixtures("no_defaults")
def test_where_systems_keep_their_cas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked for where the systems have them, unless the user says where they are."""
    found = trust_store()
    there = [one for one in _BUNDLES if Path(one).is_file()]
    assert found.bundle == (there[0] if there else "")
    assert found.directory in {"", *_DIRECTORIES}
    if "/etc/ssl/certs/ca-certificates.crt" in there:  # Debian
        assert found == Store("/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt")
    for name in ("SSL_CERT_DIR", "SSL_CERT_FILE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(tmp_path / "nothing"))
            assert trust_store().empty


def test_a_bundle_that_is_broken_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the user's setting: OpenSSL's own defaults say nothing about it either."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(broken))
    assert strict_context().get_ca_certs() == []


def test_the_variables_hold_several_directories(
    own_store: tuple[Certificate, Certificate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_DIR is a list, as OpenSSL takes it."""
    in_directory, _ = own_store
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'nowhere'}:{tmp_path / 'certs'}")
    assert shake(in_directory, context=strict_context()).token == ""


# -- Sessions -----------------------------------------------------------------


def test_what_a_session_is_worth(certificates: Certificates) -> None:
    """A login needs a certificate, enough secret bits and a version of today."""
    facts = session_facts(shake(certificates.good).tls)
    assert facts.version == "TLSv1.3"
    assert facts.cipher.startswith("TLS_")
    assert (facts.bits >= 128, facts.certificate, facts.protects) == (True, True, True)


@each(
    ("version", "bits", "certificate", "protects"),
    [
        *(("TLSv1.2", 112, True, True), ("TLSv1.3", 256, True, True), ("TLSv1.3", 111, True, False)),
        *(("TLSv1.1", 256, True, False), ("", 0, False, False), ("TLSv1.3", 256, False, False)),
        *(("TLSv1.2", 0, True, False), ("SSLv3", 128, True, False)),
    ],
)
def test_what_protects_a_login(version: str, bits: int, *, certificate: bool, protects: bool) -> None:
    """All three of them, each to its limit."""
    assert SessionFacts(version, "x", bits, certificate).protects is protects


def test_a_session_before_its_handshake() -> None:
    """Nothing is known of it, and it has no certificates."""
    made = looking_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    assert session_facts(made) == SessionFacts("", "", 0, certificate=False)
    assert session_facts(made).protects is False
    assert sent_chain(made) == verified_chain(made) == ()


def test_a_certificate_that_nobody_verified_is_one(certificates: Certificates) -> None:
    """A context that only looks has a certificate before it, whatever it is worth."""
    assert session_facts(shake(certificates.self_signed, context=looking_context()).tls).certificate is True


def test_the_chain_as_it_was_sent_and_as_it_was_built(certificates: Certificates) -> None:
    """The server sends the leaf and what is above it; the anchor is what was added here."""
    certificate = certificates.with_intermediate
    tls = shake(certificate).tls
    assert sent_chain(tls) == certificate.chain
    assert verified_chain(tls)[:-1] == certificate.chain
    assert verified_chain(tls)[-1] == ssl.PEM_cert_to_DER_cert(certificate.ca_pem.read_text(encoding="ascii"))


def test_a_session_that_never_was_protects_nothing(certificates: Certificates) -> None:
    """A refused certificate leaves a session without any worth."""
    facts = session_facts(shake(certificates.expired).tls)
    assert not facts.protects


@each(
    ("cipher", "kind", "named"),
    [
        ("TLS_AES_256_GCM_SHA384", None, ""),
        ("ECDHE-RSA-AES256-GCM-SHA384", None, ""),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", None, ""),
        ("AES256-GCM-SHA384", "rsa-key-exchange", "Go >= 1.22"),
        ("AES128-SHA", "rsa-key-exchange", "rustls"),
        ("DHE-RSA-AES256-GCM-SHA384", "finite-field-dh", "Go"),
        ("ECDHE-RSA-AES256-SHA", "cbc", "rustls"),
        ("ECDHE-RSA-AES256-SHA", "cbc", "Python (python.org, Docker)"),
        ("ECDHE-RSA-AES128-SHA256", "cbc", "Go"),
        ("ECDHE-ECDSA-AES256-SHA384", "cbc", "GnuTLS"),
    ],
)
def test_who_refuses_a_cipher(cipher: str, kind: str | None, named: str) -> None:
    """What OpenSSL takes is not taken by everybody."""
    remark = cipher_remark(cipher)
    assert (remark.kind if remark else None) == kind
    assert remark is None or named in remark.refused_by
    # rustls takes none of them, and Python's own list is about SHA-1 alone.
    assert remark is None or "rustls" in remark.refused_by
    assert remark is None or kind != "cbc" or ("Go" in remark.refused_by) is not cipher.endswith("-SHA")


@pytest.mark.parametrize(
    ("ciphers", "better"),
    [("AES128-GCM-SHA256", False), ("AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", True)],
)
def test_a_server_may_only_prefer_an_old_cipher(
    certificates: Certificates, ciphers: str, *, better: bool
) -> None:
    """Whether the server has a better cipher is asked before somebody is said to refuse it."""
    context = server_context(certificates["rsa"], ciphers=ciphers, maximum=ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    with serve(servers.tls_with(context), servers.greet()) as server:
        channel = dial(server)
        channel.start_tls(strict_context(str(certificates.ca_pem)), HOST)
        assert channel.tls is not None
        assert session_facts(channel.tls).cipher == "AES128-GCM-SHA256"
        channel.close()
        assert takes_forward_secrecy(lambda: dial(server), HOST, deadline=soon()) is better


# -- Alerts -------------------------------------------------------------------


@each(
    ("token", "name"),
    [
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake_failure"),
        ("SSL/TLS_ALERT_HANDSHAKE_FAILURE", "handshake_failure"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "protocol_version"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "internal_error"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized_name"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate_required"),
        ("TLSV1_ALERT_USER_CANCELLED", "user_canceled"),
        ("TLSV1_ALERT_UNKNOWN_CA", "unknown_ca"),
        ("UNSUPPORTED_PROTOCOL", ""),
        ("TLSV1_ALERT_NO_SUCH_THING", ""),
        ("x509-10", ""),
        ("", ""),
    ],
)
def test_alerts_have_the_names_of_the_standard(token: str, name: str) -> None:
    """OpenSSL's reasons become RFC 8446's names."""
    assert alert_of(token) == name


@each("number", sorted(set(ALERTS) - {0, 100}))  # these end nothing
def test_every_alert_that_openssl_reads_is_named(certificates: Certificates, number: int) -> None:
    """The token of a real alert leads to its name, or else the bytes do."""
    data = bytes([21, 3, 3, 0, 2, 2, number])

    def answer(peer: Peer) -> None:
        peer.receive()
        peer.send(data)

    with serve(answer) as server:
        error = failure(dial(server), strict_context(str(certificates.ca_pem)))
    assert (alert_of(error.token) or alert_in(error.received)) == ALERTS[number]


@pytest.mark.parametrize(
    ("reply", "wants"),
    [
        ("421 4.7.1 mail.example.test Error: No client certificate presented", True),
        ("421 4.7.1 Client certificate not trusted", True),
        ("530 5.7.0 A client certificate is required", True),
        ("220 mail.example.test ESMTP", False),
        ("454 4.7.0 the server's certificate has expired", False),
    ],
)
def test_a_reply_may_ask_for_a_client_certificate(reply: str, *, wants: bool) -> None:
    """Postfix takes the handshake and says it afterwards."""
    assert wants_client_certificate(reply) is wants


# -- Second looks -------------------------------------------------------------


def soon() -> float:
    return time.monotonic() + PATIENCE


def dial(server: Server) -> Channel:
    return Channel.connect(server.host, server.port, Transcript(), soon())


def server_context(
    certificate: Certificate,
    *,
    ciphers: str = "DEFAULT:@SECLEVEL=0",
    minimum: ssl.TLSVersion = ssl.TLSVersion.MINIMUM_SUPPORTED,
    maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    client_ca: Path | None = None,
    refuses: Callable[[str | None], int | None] | None = None,
) -> ssl.SSLContext:
    """Make a server's context; ``refuses`` returns the alert that a server name (or none) is answered with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    if refuses is not None:
        context.sni_callback = lambda _socket, name, _context: refuses(name)
    return context


def failure(channel: Channel, context: ssl.SSLContext, host: str = HOST) -> DialogueError:
    """Shake hands, reading on until the failure shows, and return it."""
    try:
        channel.start_tls(context, host)
        channel.read_reply()
        channel.ask("EHLO a.example.test")
    except DialogueError as error:
        return error
    finally:
        channel.close()
    pytest.fail("nothing failed")


def failed_then_looked_at(
    certificates: Certificates, *parts: Script, host: str = HOST, ciphers: str | None = None
) -> tuple[str, Seen]:
    """Shake hands as a check does, and look again."""
    context = strict_context(str(certificates.ca_pem), ciphers)
    with serve(*parts) as server:
        error = failure(dial(server), context, host)
        seen = second_look(
            lambda: dial(server),
            host,
            deadline=soon(),
            token=error.token,
            received=error.received,
            offered=offered_suites(context),
            own_choice=ciphers is not None,
        )
        assert len(server.connections) == 1 + seen.connections
        assert seen.connections <= 4
    return error.token, seen


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("implicit", [True, False])
def test_old_tls_only(certificates: Certificates, *, implicit: bool) -> None:
    """The version that the server has is named, behind STARTTLS too."""
    parts = (
        [servers.tls_on_connect(certificates.good, **OLD)]
        if implicit
        else [servers.greet(), servers.ehlo("STARTTLS"), servers.starttls(certificates.good, **OLD)]
    )

    def dialled(server: Server) -> Channel:
        channel = dial(server)
        if not implicit:
            channel.read_reply()
            channel.ask("EHLO a.example.test")
            channel.ask("STARTTLS")
        return channel

    context = strict_context(str(certificates.ca_pem))
    with serve(*parts) as server:
        error = failure(dialled(server), context)
        seen = second_look(lambda: dialled(server), HOST, deadline=soon(), token=error.token)
    assert (seen.cause, seen.version) == (Cause.OLD_TLS, "TLSv1.1")


@pytest.mark.parametrize("ciphers", ["AECDH-AES256-SHA", "ECDHE-ECDSA-NULL-SHA", "ECDHE-ECDSA-AES128-CCM8"])
def test_ciphers_that_nobody_should_take(certificates: Certificates, ciphers: str) -> None:
    """A server without encryption, without authentication, or with a cipher that OpenSSL left out."""
    context = server_context(
        certificates.good, ciphers=f"{ciphers}:@SECLEVEL=0", maximum=ssl.TLSVersion.TLSv1_2
    )
    _, seen = failed_then_looked_at(certificates, servers.tls_with(context))
    assert (seen.cause, seen.cipher, seen.alert) == (Cause.WEAK_CIPHER, ciphers, "handshake_failure")


def test_a_cipher_that_no_hello_offers(certificates: Certificates) -> None:
    """Where nothing is known, nothing is claimed."""
    context = server_context(
        certificates.good, ciphers="ECDHE-ECDSA-ARIA128-GCM-SHA256", maximum=ssl.TLSVersion.TLSv1_2
    )
    _, seen = failed_then_looked_at(certificates, servers.tls_with(context))
    assert (seen.cause, seen.alert, seen.version) == (Cause.OTHER, "handshake_failure", "")


def test_a_cipher_setting_that_the_server_does_not_share(certificates: Certificates) -> None:
    """It is the setting that is too narrow, and the cipher that the server would take is named."""
    context = server_context(
        certificates.good, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", maximum=ssl.TLSVersion.TLSv1_2
    )
    _, seen = failed_then_looked_at(
        certificates, servers.tls_with(context), ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"
    )
    assert (seen.cause, seen.cipher) == (Cause.NO_COMMON_CIPHER, "ECDHE-ECDSA-AES128-GCM-SHA256")


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_wanted(certificates: Certificates, maximum: ssl.TLSVersion) -> None:
    """In TLS 1.3 the alert comes at the first read, before that in the handshake; both are told."""
    context = server_context(certificates.good, maximum=maximum, client_ca=certificates.ca_pem)
    token, seen = failed_then_looked_at(certificates, servers.tls_with(context), servers.greet())
    assert seen.cause is Cause.CLIENT_CERTIFICATE
    assert seen.wants_certificate
    assert seen.alert == alert_of(token)
    if maximum is ssl.TLSVersion.TLSv1_2:
        assert seen.alert == "handshake_failure"
        assert seen.authorities == ()  # Python's server names none
    else:
        assert (seen.alert, seen.connections) == ("certificate_required", 0)


@pytest.mark.parametrize("number", [112, 80, 40])
def test_a_server_that_refuses_the_name(certificates: Certificates, number: int) -> None:
    """Without SNI it shakes hands: the name is what it does not want, whatever alert it says."""
    context = server_context(certificates.good, refuses=lambda name: number if name else None)
    token, seen = failed_then_looked_at(certificates, servers.tls_with(context), host="mail.example.test")
    assert (seen.cause, seen.takes_no_name) == (Cause.SERVER_NAME, True)
    assert seen.alert == alert_of(token) == ALERTS[number]


def test_a_server_that_needs_a_name(certificates: Certificates) -> None:
    """To an address no name is sent, and the alert says that one is missing."""
    context = server_context(certificates.good, refuses=lambda name: None if name else 112)
    _, seen = failed_then_looked_at(certificates, servers.tls_with(context), host="127.0.0.1")
    assert (seen.cause, seen.alert, seen.takes_no_name) == (Cause.SERVER_NAME, "unrecognized_name", False)


def test_an_internal_error(certificates: Certificates) -> None:
    """A server that fails whatever is asked says so itself."""
    context = server_context(certificates.good, refuses=lambda _name: 80)
    _, seen = failed_then_looked_at(certificates, servers.tls_with(context))
    assert (seen.cause, seen.alert) == (Cause.INTERNAL_ERROR, "internal_error")


def _hang_up(peer: Peer) -> None:
    peer.receive()
    peer.close()


def _reset(peer: Peer) -> None:
    peer.receive()
    peer.reset()


@pytest.mark.parametrize("way", [_hang_up, _reset])
def test_a_server_that_closes_without_an_alert(certificates: Certificates, way: Script) -> None:
    """It was asked in four ways, and never said why."""
    _, seen = failed_then_looked_at(certificates, way)
    assert (seen.cause, seen.alert, seen.version, seen.connections) == (Cause.CLOSED, "", "", 4)


def test_a_server_that_closes_on_new_versions(certificates: Certificates) -> None:
    """Some old servers hang up instead of answering with what they know."""

    def old(peer: Peer) -> None:
        received = peer.receive()
        if received[9:11] > b"\x03\x01":
            peer.close()
        else:
            peer.send(record(server_hello(0x0301, 0x002F)))

    _, seen = failed_then_looked_at(certificates, old)
    assert (seen.cause, seen.version, seen.cipher) == (Cause.OLD_TLS, "TLSv1", "AES128-SHA")


def test_a_server_of_tls_1_3_alone(certificates: Certificates) -> None:
    """That is no fault: what it took is told, and the alert that it gave."""
    context = server_context(
        certificates.good,
        minimum=ssl.TLSVersion.TLSv1_3,
        refuses=lambda name: 40 if name == "mail.example.test" else None,
    )
    with serve(servers.tls_with(context), servers.greet()) as server:
        seen = second_look(lambda: dial(server), HOST, deadline=soon(), token="SSLV3_ALERT_HANDSHAKE_FAILURE")
    assert (seen.cause, seen.version, seen.alert) == (Cause.OTHER, "TLSv1.3", "handshake_failure")
    assert seen.connections == 2


def test_something_that_is_no_tls(certificates: Certificates) -> None:
    """One connection is enough to see that."""
    _, seen = failed_then_looked_at(certificates, servers.greet(), servers.silent)
    assert (seen.cause, seen.connections) == (Cause.NOT_TLS, 1)


def test_a_server_that_says_nothing_is_not_waited_for(certificates: Certificates) -> None:
    """The deadline ends the look."""
    with serve(servers.silent) as server:
        seen = second_look(lambda: dial(server), HOST, deadline=time.monotonic() + 1.0)
        assert (seen.cause, seen.connections) == (Cause.SILENT, 1)
        seen = second_look(lambda: dial(server), HOST, deadline=time.monotonic() - 1)
        assert (seen.cause, seen.connections) == (Cause.SILENT, 0)


def test_a_connection_that_is_refused(unused_port: int) -> None:
    """A look that cannot be made says nothing new, and does not raise."""

    def refused() -> Channel:
        return Channel.connect("127.0.0.1", unused_port, Transcript(), soon())

    with pytest.raises(ConnectFailed):
        refused()
    seen = second_look(refused, HOST, deadline=soon(), token="TLSV1_ALERT_ACCESS_DENIED")
    assert (seen.cause, seen.alert) == (Cause.OTHER, "access_denied")


def test_the_chain_is_seen_without_openssl(certificates: Certificates) -> None:
    """The certificates of TLS 1.2 are in the clear."""
    certificate = certificates["chain_expired"]
    with serve(servers.tls_on_connect(certificate)) as server:
        seen = second_look(lambda: dial(server), HOST, deadline=soon(), token="x509-10")
    assert seen.chain == certificate.chain
    assert seen.staple is None


# -- Flights ------------------------------------------------------------------


def record(*messages: bytes, kind: int = 22) -> bytes:
    data = b"".join(messages)
    return bytes([kind, 3, 3]) + len(data).to_bytes(2, "big") + data


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def sized(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def server_hello(version: int, suite: int, extensions: bytes = b"") -> bytes:
    head = version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    return message(2, head + (sized(extensions, 2) if extensions else b""))


def flight(chain: Sequence[bytes], staple: bytes = b"", *, authorities: Sequence[bytes] = ()) -> bytes:
    """Make the first flight of a TLS 1.2 server, with each message in a record of its own."""
    parts = [
        server_hello(0x0303, 0xC02B, b"\0\x05\0\0"),
        message(11, sized(b"".join(sized(one, 3) for one in chain), 3)),
    ]
    if staple:
        parts.append(message(22, b"\x01" + sized(staple, 3)))
    parts.append(message(12, bytes(100)))
    if authorities:
        names = sized(b"".join(sized(one, 2) for one in authorities), 2)
        parts.append(message(13, b"\x01\x01" + sized(b"\x04\x03", 2) + names))
    parts.append(message(14, b""))
    return b"".join(map(record, parts))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5).map(itertools.cycle))
@settings(deadline=None)
def test_a_flight_is_read_however_it_is_cut(sizes: Iterator[int]) -> None:
    """Records and messages have their own bounds, and the network cuts where it likes."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Client CA")]).public_bytes()
    whole = flight([b"leaf", b"issuer"], b"staple", authorities=[name])
    reader = FlightReader()
    at = 0
    while at < len(whole):
        size = next(sizes)
        done = reader.feed(whole[at : at + size])
        at += size
        assert done is (at >= len(whole))
    seen = reader.flight
    assert (seen.version, seen.cipher) == ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert (seen.chain, seen.staple, seen.complete) == ((b"leaf", b"issuer"), b"staple", True)
    assert (seen.wants_certificate, seen.authorities) == (True, (name,))


@given(st.binary(max_size=400), st.integers(0, 500), st.binary(max_size=4))
@settings(deadline=None)
def test_no_flight_makes_the_reader_raise(noise: bytes, place: int, patch: bytes) -> None:
    """Whatever a peer sends, there is an end."""
    whole = bytearray(flight([b"leaf" * 10, b"issuer"], b"staple", authorities=[b"0\0"]))
    whole[place : place + len(patch)] = patch
    for data in (noise, b"\x16\x03\x03" + noise, bytes(whole), bytes(whole) + noise):
        reader = FlightReader()
        reader.feed(data)
        alert_in(data)


def test_an_endless_flight_ends() -> None:
    """What never comes to an end is given up."""
    reader = FlightReader()
    part = record(message(4, bytes(16_000)))
    assert any(reader.feed(part) for _ in range(20))


def test_a_warning_ends_nothing() -> None:
    """Old servers warn about the name and go on."""
    reader = FlightReader()
    assert not reader.feed(bytes([21, 3, 3, 0, 2, 1, 112]))
    assert reader.feed(flight([b"leaf"]))
    assert (reader.flight.alert, reader.flight.chain) == ("", (b"leaf",))


def test_encrypted_bytes_after_the_choice_are_no_other_protocol() -> None:
    """TLS 1.3 encrypts all that follows the server's hello."""
    reader = FlightReader()
    chosen = server_hello(0x0303, 0x1301, b"\0\x2b\0\x02\x03\x04")
    assert reader.feed(record(chosen) + bytes([20, 3, 3, 0, 1, 1]))
    assert (reader.flight.version, reader.flight.foreign) == ("TLSv1.3", False)


@each("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304])
@each("name", [None, "mail.example.test"])
def test_hellos_avoid_the_length_that_hangs_middle_boxes(version: int, name: str | None) -> None:
    """RFC 7685: between 256 and 511 bytes some never answer."""
    for suites in (hello.FORWARD_SECRET, [*hello.FORWARD_SECRET, *hello.OLD, *hello.WEAK], [0x1301]):
        data = client_hello(suites, name, version)
        assert int.from_bytes(data[3:5], "big") == len(data) - 5
        assert version == 0x0300 or not 256 <= len(data) - 5 <= 511


# -- OCSP ---------------------------------------------------------------------


def stapled(
    leaf: Signed,
    issuer: Signed,
    *,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    signer: Signed | None = None,
    delegate: Signed | None = None,
    hours: tuple[int, int] = (-1, 48),
    digest: hashes.SHA1 | hashes.SHA256 | None = None,
) -> bytes:
    """Make an OCSP response."""
    now = dt.datetime.now(dt.UTC)
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    by = delegate or signer or issuer
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf.parsed,
            issuer=issuer.parsed,
            algorithm=digest or hashes.SHA1(),  # noqa: S303 -- the usual one in a CertID
            cert_status=status,
            this_update=now + dt.timedelta(hours=hours[0]),
            next_update=now + dt.timedelta(hours=hours[1]),
            revocation_time=now - dt.timedelta(days=2) if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, by.parsed)
    )
    if delegate is not None:
        builder = builder.certificates([delegate.parsed])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture
def pair(certificates: Certificates) -> tuple[Signed, Signed]:
    """Give a certificate and its issuer."""
    shop = certificates.workshop
    return shop.leaf(shop.intermediate), shop.intermediate


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()])  # noqa: S303
def test_a_staple_that_says_revoked(pair: tuple[Signed, Signed], digest: hashes.SHA1 | hashes.SHA256) -> None:
    """Its moment and its reason are told."""
    leaf, issuer = pair
    data = stapled(leaf, issuer, status=ocsp.OCSPCertStatus.REVOKED, digest=digest)
    staple = read_staple(data, leaf.certificate, issuer.certificate, time.time())
    assert staple is not None
    assert (staple.status, staple.reason) == ("revoked", "keyCompromise")
    assert staple.revoked is not None
    assert staple.revoked == pytest.approx(time.time() - 2 * 86_400, abs=120)


def test_a_staple_of_a_delegate(certificates: Certificates, pair: tuple[Signed, Signed]) -> None:
    """The issuer may have given this to another key, with the purpose for it."""
    leaf, issuer = pair
    shop = certificates.workshop
    delegate = shop.leaf(issuer, ["ocsp.example.test"], purposes=[ExtendedKeyUsageOID.OCSP_SIGNING])
    other = shop.leaf(issuer, ["ocsp.example.test"])
    now = time.time()
    good = read_staple(stapled(leaf, issuer, delegate=delegate), leaf.certificate, issuer.certificate, now)
    assert good is not None
    assert good.status == "good"
    bad = read_staple(stapled(leaf, issuer, delegate=other), leaf.certificate, issuer.certificate, now)
    assert bad is None


def test_a_staple_that_proves_nothing(certificates: Certificates, pair: tuple[Signed, Signed]) -> None:
    """Another's, an old one, one of the future, one that anybody signed, and no response at all."""
    leaf, issuer = pair
    shop = certificates.workshop
    stranger = shop.leaf(issuer)
    revoked = ocsp.OCSPCertStatus.REVOKED
    unsuccessful = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    for data in (
        stapled(stranger, issuer, status=revoked),
        stapled(leaf, shop.root, status=revoked),
        stapled(leaf, issuer, status=revoked, hours=(-96, -48)),
        stapled(leaf, issuer, status=revoked, hours=(24, 48)),
        stapled(leaf, issuer, status=revoked, signer=stranger),
        unsuccessful.public_bytes(serialization.Encoding.DER),
        b"",
        b"0\x03\n\x01\0",
        stapled(leaf, issuer)[:-10],
    ):
        assert read_staple(data, leaf.certificate, issuer.certificate, time.time()) is None


def test_a_staple_is_asked_for_and_seen(pair: tuple[Signed, Signed]) -> None:
    """It stands in the flight of TLS 1.2, and a second look takes it along."""
    leaf, issuer = pair
    staple = stapled(leaf, issuer, status=ocsp.OCSPCertStatus.REVOKED)

    def answer(peer: Peer) -> None:
        assert b"\0\x05\0\x05\x01\0\0\0\0" in peer.receive()
        peer.send(flight([leaf.certificate, issuer.certificate], staple))
        peer.wait()

    with serve(answer) as server:
        seen = second_look(lambda: dial(server), HOST, deadline=soon(), token="eof")
        chain, fetched = fetch_staple(lambda: dial(server), HOST, deadline=soon())
    assert seen.staple is not None
    assert seen.staple.status == "revoked"
    assert (chain, fetched) == ((leaf.certificate, issuer.certificate), seen.staple)


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("said", ["good", "revoked", "unknown", ""])
def test_what_the_staple_of_a_certificate_that_demands_one_is_worth(
    certificates: Certificates, tmp_path: Path, said: str, security: str
) -> None:
    """A CA that has revoked it is believed before any login is sent; one that says nothing is missed by some."""
    shop = certificates.workshop
    demand = (x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
    leaf, issuer = shop.leaf(shop.intermediate, extensions=[demand]), shop.intermediate
    certificate = shop.store(f"{tmp_path.name}-demanding", leaf)
    staple = stapled(leaf, issuer, status=ocsp.OCSPCertStatus[said.upper()]) if said else b""

    def show(peer: Peer) -> None:
        assert b"\0\x05\0\x05\x01\0\0\0\0" in peer.receive()
        peer.send(flight([leaf.certificate, issuer.certificate], staple))
        peer.wait()

    implicit = security == "tls"
    greets = servers.dialogue(
        implicit_cert=certificate if implicit else None, starttls_cert=None if implicit else certificate
    )
    before = [servers.greet(), servers.ehlo("STARTTLS"), servers.on("STARTTLS", "220 go")]
    shows = servers.sequence(*(() if implicit else before), show)
    with serve(servers.by_connection(greets, shows)) as server:
        report = check(server.port, security, host=HOST, options={"ca_file": str(certificate.ca_pem)})
        server.join()
    logins = [login for peer in server.connections for login in peer.logins]
    first = next(iter(report.findings), None)
    if said == "revoked":
        assert first is not None
        assert (first.id, set(first.evidence.labels), len(logins)) == ("tls-cert-revoked", {Label.REVOKED}, 0)
        stage = next(one for one in report.stages if one.stage is Stage.TLS)
        assert (stage.status, stage.summary.key) == (Status.FAIL, "tls.certificate-revoked")
        assert isinstance(stage.facts, TlsFacts)
        assert (stage.facts.trust, stage.facts.name, stage.facts.dates) == ("bad", "ok", "ok")
        return
    assert len(logins) == 1
    labels = first.evidence.labels if first else frozenset()
    assert labels == (frozenset() if said else {Label.STRICT_PROFILE, Label.NO_STAPLE})


def test_pythons_tls_cannot_ask_for_a_staple() -> None:
    """The reason why a healthy check sees none: the extension status_request (5) is in no hello of the ssl module."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = looking_context().wrap_bio(incoming, outgoing, server_hostname="mail.example.test")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    data = outgoing.read()[9:]
    at = 34 + 1 + data[34]
    at += 2 + int.from_bytes(data[at : at + 2], "big")
    at += 1 + data[at]
    extensions, found = data[at + 2 :], []
    while extensions:
        size = int.from_bytes(extensions[2:4], "big")
        found.append(int.from_bytes(extensions[:2], "big"))
        extensions = extensions[4 + size :]
    assert 0 in found
    assert 5 not in found


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program")
def test_a_staple_of_a_real_server(
    certificates: Certificates, pair: tuple[Signed, Signed], tmp_path: Path
) -> None:
    """OpenSSL's own server sends it where it is asked for, and the authorities that it wants a client's from."""
    leaf, issuer = pair
    certificate = certificates.workshop.store(f"{tmp_path.name}-stapled", leaf)
    (tmp_path / "staple").write_bytes(stapled(leaf, issuer, status=ocsp.OCSPCertStatus.REVOKED))
    command: list[str | Path] = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-Verify", "1"]
    command += ["-cert", certificate.cert_pem, "-cert_chain", certificate.cert_pem]
    command += ["-key", certificate.key_pem, "-CAfile", certificate.ca_pem]
    command += ["-status_file", tmp_path / "staple"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        try:
            port = 0
            for line in server.stdout:
                if line.startswith(b"ACCEPT 127.0.0.1:"):
                    port = int(line.split(b":")[1])
                    break
            assert port
            # What it says from here on must not fill the pipe.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            context = strict_context(str(certificates.ca_pem))

            def dialled() -> Channel:
                return Channel.connect("127.0.0.1", port, Transcript(), soon())

            error = failure(dialled(), context)
            seen = second_look(dialled, HOST, deadline=soon(), token=error.token, received=error.received)
        finally:
            server.kill()
    assert seen.staple is not None
    assert seen.staple.status == "revoked"
    assert seen.cause is Cause.CLIENT_CERTIFICATE
    assert len(seen.authorities) == 1


def test_the_token_of_a_refused_certificate(certificates: Certificates) -> None:
    """The error holds the session, and so the certificates, on every Python."""
    with serve(servers.tls_on_connect(certificates.expired)) as server:
        error = failure(dial(server), strict_context(str(certificates.ca_pem)))
    assert isinstance(error, TLSFailed)
    assert error.token == "x509-10"
    assert error.session is not None
    assert sent_chain(error.session) == certificates.expired.chain
