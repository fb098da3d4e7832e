"""The test servers do what the other tests take for granted that they do.

Only the standard library is the client here, so that no bug of ours can hide one in
the servers.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import select
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest
from cryptography import x509

from tests import certs, servers
from tests import postfix as postfix_server
from tests.postfix import OWNED_SENDER, SIZE_LIMIT
from tests.servers import Dns, dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificates
    from tests.postfix import Postfix
    from tests.servers import Script

SECONDS = 60.0  # what only a hang takes
CLIENT = "client.example.test"
ELSEWHERE = "someone@elsewhere.test"
HERE = "app@example.test"
MESSAGE = b"Subject: test\r\n\r\n.dot\r\n"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def connect(server: servers.Server | servers.Address) -> socket.socket:
    return socket.create_connection((server.host, server.port), SECONDS)


def read_all(client: socket.socket) -> bytes:
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return data


def read_line(client: socket.socket) -> bytes:
    """Read byte by byte, so that nothing behind the line is lost."""
    line = b""
    while not line.endswith(b"\n"):
        line += (byte := client.recv(1))
        if not byte:
            break
    return line


def smtp(server: servers.Server) -> smtplib.SMTP:
    return smtplib.SMTP(server.host, server.port, CLIENT, SECONDS)


def trusting(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.ca_pem))


def careless() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# -- Certificates -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("good", None),
        ("expiring", None),
        ("with_intermediate", None),
        ("expired", "certificate has expired"),
        ("not_yet_valid", "certificate is not yet valid"),
        ("wrong_name", "Hostname mismatch"),
        ("self_signed", "self-signed certificate"),
        ("missing_intermediate", "unable to get local issuer certificate"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_certificate(certificates: Certificates, name: str, problem: str | None, host: str) -> None:
    certificate = getattr(certificates, name)
    assert certificate in certificates.all
    context = trusting(certificates)
    part = servers.tls_on_connect(certificate)
    with serve(part, servers.greet(), host=host) as server, connect(server) as client:
        if problem is None:
            with context.wrap_socket(client, server_hostname="localhost") as secure:
                assert read_line(secure).startswith(b"220 ")
            assert server.connections[0].server_name == "localhost"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match=problem):
                context.wrap_socket(client, server_hostname="localhost")


def test_weak_key_is_refused_by_security_level_2(certificates: Certificates) -> None:
    # The system's own level may be lower, so ask for the one that refuses.
    strict = trusting(certificates)
    strict.set_ciphers("DEFAULT:@SECLEVEL=2")
    lax = trusting(certificates)
    lax.set_ciphers("DEFAULT:@SECLEVEL=0")
    with serve(servers.tls_on_connect(certificates.weak_key)) as server:
        with (
            connect(server) as client,
            pytest.raises(ssl.SSLError, match=r"too small|weak"),
        ):
            strict.wrap_socket(client, server_hostname="localhost")
        with connect(server) as client:
            lax.wrap_socket(client, server_hostname="localhost").close()


def test_days_left(certificates: Certificates) -> None:
    pem = certificates.expiring.cert_pem.read_bytes()
    end = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    assert (end - dt.datetime.now(dt.UTC)).days == certs.EXPIRING_DAYS


# -- Scripted parts -----------------------------------------------------------


def test_a_whole_session(certificates: Certificates) -> None:
    with serve(
        servers.greet("first", "second"),
        servers.ehlo("STARTTLS"),
        servers.starttls(certificates.good),
        servers.ehlo("AUTH PLAIN LOGIN"),
        servers.auth_ok(),
        servers.mail_ok(),
        servers.rcpt_ok(),
        servers.data_ok("ABC123"),
        servers.quit_ok(),
    ) as server:
        with smtp(server) as client:
            client.ehlo()
            client.starttls(context=trusting(certificates))
            client.login("app", "secret")
            client.mail(HERE)
            client.rcpt(ELSEWHERE)
            assert client.data(MESSAGE) == (250, b"2.0.0 Ok: queued as ABC123")
        server.join()
        assert server.connections[0].tls is not None
        assert server.messages == [MESSAGE]
        assert server.lines[:2] == [f"ehlo {CLIENT}", "STARTTLS"]
        assert server.lines[-1].upper() == "QUIT"
        (login,) = server.connections[0].logins
        assert (login.mechanism, login.user, login.secret) == ("PLAIN", "app", "secret")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("initial", [True, False])
def test_logging_in(mechanism: str, initial: bool) -> None:
    offer = f"AUTH {mechanism}"
    script = dialogue(capabilities=[offer], users={"app": "secret"}, auth_required=True)
    with serve(script) as server, smtp(server) as client:
        client.ehlo()
        assert client.mail(HERE)[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login("app", "wrong", initial_response_ok=initial)
        assert caught.value.smtp_code == 535
        client.login("app", "secret", initial_response_ok=initial)
        assert client.mail(HERE)[0] == 250
        assert [login.user for login in server.connections[0].logins] == ["app"] * 2


def test_xoauth2_and_nonsense() -> None:
    with serve(dialogue()) as server, smtp(server) as client:
        assert client.docmd("AUTH XOAUTH2 dXNlcj1hcHABYXV0aD1CZWFyZXIgdG9rZW4BAQ==")[0] == 235
        (login,) = server.connections[0].logins
        assert (login.user, login.secret) == ("app", "token")
        assert client.docmd("AUTH UNKNOWN")[0] == 504
        assert client.docmd("AUTH PLAIN ?")[0] == 501
        assert client.docmd("AUTH LOGIN")[0] == 334
        assert client.docmd("*")[0] == 501


@pytest.mark.parametrize(
    ("part", "command", "reply"),
    [
        (servers.helo(), "HELO x", (250, b"mail.example.test")),
        (servers.refuse_helo("550 no"), "EHLO x", (550, b"no")),
        (servers.refuse_helo("550 no"), "HELO x", (550, b"no")),
        (servers.starttls_refused("454 no"), "STARTTLS", (454, b"no")),
        (
            servers.auth_refused("535 5.7.8 no"),
            "AUTH PLAIN AGEAYg==",
            (535, b"5.7.8 no"),
        ),
        (servers.mail_refused("553 no"), "MAIL FROM:<a@b>", (553, b"no")),
        (servers.rcpt_refused("550 no"), "RCPT TO:<a@b>", (550, b"no")),
        (servers.data_refused("554 no"), "DATA", (554, b"no")),
        (servers.mail_ok(), "RCPT TO:<a@b>", (503, b"5.5.1 Expected MAIL")),
        (servers.mail_ok(), "QUIT", (221, b"2.0.0 Bye")),
    ],
)
def test_part(part: Script, command: str, reply: tuple[int, bytes]) -> None:
    with serve(servers.greet(), part) as server, smtp(server) as client:
        assert client.docmd(command) == reply


def test_refused_message() -> None:
    parts = (servers.greet(), servers.message_refused("552 no"), servers.quit_ok())
    with serve(*parts) as server, smtp(server) as client:
        assert client.data(MESSAGE) == (552, b"no")


def test_injection_is_in_the_same_segment(certificates: Certificates) -> None:
    part = servers.starttls_with_injection(certificates.good, b"250 injected\r\n")
    with serve(part, servers.say("250 real")) as server, connect(server) as client:
        client.sendall(b"STARTTLS\r\n")
        assert client.recv(65536).endswith(b" TLS\r\n250 injected\r\n")
        context = trusting(certificates)
        with context.wrap_socket(client, server_hostname="localhost") as secure:
            assert read_all(secure) == b"250 real\r\n"


def test_tls_versions(certificates: Certificates) -> None:
    old = servers.tls_on_connect(certificates.good, maximum=ssl.TLSVersion.TLSv1_2)
    new = servers.starttls(certificates.good, minimum=ssl.TLSVersion.TLSv1_3)
    with serve(servers.by_connection(old, new)) as server:
        with connect(server) as client, careless().wrap_socket(client) as secure:
            assert secure.version() == "TLSv1.2"
        with connect(server) as client:
            client.sendall(b"starttls\r\n")
            assert read_line(client).startswith(b"220 ")
            with careless().wrap_socket(client) as secure:
                assert secure.version() == "TLSv1.3"


def test_closing() -> None:
    with serve(servers.closing) as server, connect(server) as client:
        assert client.recv(1) == b""


def test_closing_loses_no_reply() -> None:
    with serve(servers.greet(), servers.say("421 4.3.2 Busy")) as server:
        with connect(server) as client:
            client.sendall(b"EHLO x\r\n" * 1000)
            assert read_all(client).endswith(b"421 4.3.2 Busy\r\n")
        server.join()


def test_resetting() -> None:
    # Under load, even connecting notices the reset.
    with serve(servers.resetting) as server, pytest.raises(ConnectionResetError), connect(server) as client:
        read_all(client)
    part = servers.on("EHLO", servers.resetting)
    with serve(servers.greet(), part) as server, connect(server) as client:
        assert read_line(client).startswith(b"220 ")
        client.sendall(b"EHLO x\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_silent_and_shutdown_is_immediate() -> None:
    with serve(servers.silent) as server, connect(server) as client:
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        begun = time.monotonic()
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize(
    ("script", "said", "begin"),
    [
        (servers.http_server, b"EHLO x\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
        (servers.ssh_banner, b"EHLO x\r\n", b"SSH-2.0-OpenSSH"),
        (servers.imap_banner, b"", b"* OK "),
        (servers.pop3_banner, b"", b"+OK "),
    ],
)
def test_something_else(script: Script, said: bytes, begin: bytes) -> None:
    with serve(script) as server, connect(server) as client:
        client.sendall(said)
        assert read_line(client).startswith(begin)


@pytest.mark.parametrize("script", [servers.endless_line, servers.endless_multiline])
def test_endless(script: Script) -> None:
    with serve(script) as server, connect(server) as client:
        data = b""
        while len(data) < 10_000_000:
            data += (chunk := client.recv(1 << 20))
            assert chunk
    assert data.startswith(b"220")
    assert (b"\n" in data) == (script is servers.endless_multiline)
    assert b"\n220 " not in data


def test_dripping_and_shutdown_is_immediate() -> None:
    begun = time.monotonic()
    with serve(servers.dripping(b"220 hello\r\n", 0.01)) as server, connect(server) as client:
        assert read_all(client) == b"220 hello\r\n"
    assert time.monotonic() - begun > 0.1
    with serve(servers.dripping(b"220", 3600)) as server, connect(server):
        pass
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize(
    "script",
    [
        servers.silent,
        servers.closing,
        servers.resetting,
        servers.endless_line,
        servers.imap_banner,
        servers.dripping(),
        dialogue(),
    ],
)
def test_clients_that_vanish(script: Script, certificates: Certificates) -> None:
    tls = servers.sequence(servers.tls_on_connect(certificates.good), script)
    with serve(servers.by_connection(script, script, script, tls)) as server:
        for farewell in (b"", b"EHLO", b"EHLO x\r\nQUIT\r\n", b"", b"no TLS\r\n"):
            # Some of these servers are gone before the client is.
            with contextlib.suppress(ConnectionError), connect(server) as client:
                client.sendall(farewell)
                linger = struct.pack("ii", 1 if farewell else 0, 0)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        with contextlib.suppress(ConnectionError), connect(server) as client:
            careless().wrap_socket(client).close()


def test_connections_at_once() -> None:
    with serve(dialogue()) as server:
        clients = [connect(server) for _ in range(20)]
        for client in reversed(clients):
            assert read_line(client).startswith(b"220 ")
        for client in clients:
            client.close()
        server.join()
        assert len(server.connections) == 20


def test_dialogue_as_told(certificates: Certificates) -> None:
    script = dialogue(
        {
            "RCPT": ["450 4.7.1 later", "250 ok", "550 no"],
            "MAIL": servers.sequence(servers.raw(b"250-a\r\n"), servers.say("250 b")),
            ".": "552 5.3.4 too big",
            "NOOP": servers.resetting,
        },
        starttls_cert=certificates.good,
        tls_capabilities=["AUTH PLAIN"],
    )
    with serve(script) as server:
        client = smtp(server)
        client.ehlo()
        assert client.has_extn("starttls")
        client.starttls(context=trusting(certificates))
        client.ehlo()
        assert set(client.esmtp_features) == {"auth"}
        assert client.mail(HERE) == (250, b"a\nb")
        codes = [client.rcpt(ELSEWHERE)[0] for _ in range(4)]
        assert codes == [450, 250, 550, 550]
        assert client.data(MESSAGE) == (552, b"5.3.4 too big")
        assert client.docmd("NONSENSE")[0] == 502
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_dialogue_with_implicit_tls(certificates: Certificates) -> None:
    with serve(dialogue(implicit_cert=certificates.good)) as server:
        context = trusting(certificates)
        with smtplib.SMTP_SSL("localhost", server.port, CLIENT, timeout=SECONDS, context=context) as client:
            assert client.docmd("STARTTLS")[0] == 454
            assert client.sendmail(HERE, [ELSEWHERE], MESSAGE) == {}
        assert server.messages == [MESSAGE]


def test_errors_of_a_script_are_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caught: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda e: caught.append(e.exc_value))

    def broken(_: servers.Peer) -> None:
        raise ZeroDivisionError

    with serve(broken) as server, connect(server) as client:
        assert client.recv(1) == b""
    assert [type(error) for error in caught] == [ZeroDivisionError]


# -- The slow network and the DNS ---------------------------------------------


def test_proxy_delays_both_ways() -> None:
    with (
        serve(dialogue()) as server,
        servers.proxy(server.host, server.port, 0.1) as slow,
    ):
        begun = time.monotonic()  # before the server can have begun to greet
        with connect(slow) as client:
            assert read_line(client).startswith(b"220 ")
            assert 0.1 <= time.monotonic() - begun < SECONDS
            begun = time.monotonic()
            client.sendall(b"NOOP\r\n")
            assert read_line(client).startswith(b"250 ")
            assert 0.2 <= time.monotonic() - begun < SECONDS
            client.sendall(b"QUIT\r\n")
            assert read_all(client) == b"221 2.0.0 Bye\r\n"
        server.join()
        with connect(slow):
            pass


def test_proxy_to_nowhere() -> None:
    with serve(servers.closing) as server:
        gone = server.port
    with servers.proxy("127.0.0.1", gone, 0) as slow, connect(slow) as client:
        assert client.recv(1) == b""


def test_dns() -> None:
    answers: dict[str, servers.Answer] = {
        "both.test": ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
        "mx.test": "MX 10 both.test.",
        "alias.test": "CNAME other.test.",
        "other.test": "CNAME both.test.",
        "dangling.test": "CNAME absent.test.",
        "empty.test": Dns.NODATA,
        "broken.test": Dns.SERVFAIL,
        "silent.test": Dns.SILENT,
    }

    def ask(name: str, kind: str = "A") -> tuple[str, list[str]]:
        query = dns.message.make_query(name, kind)
        reply = dns.query.udp(query, server.host, SECONDS, server.port)
        records = [record.to_text() for rrset in reply.answer for record in rrset]
        return dns.rcode.to_text(reply.rcode()), records

    with servers.dns_server(answers) as server:
        code, records = ask("both.test")
        assert (code, sorted(records)) == ("NOERROR", ["192.0.2.1", "192.0.2.2"])
        assert ask("BOTH.test", "AAAA") == ("NOERROR", ["2001:db8::1"])
        assert ask("mx.test", "MX") == ("NOERROR", ["10 both.test."])
        assert ask("mx.test") == ("NOERROR", [])
        assert ask("alias.test", "AAAA") == (
            "NOERROR",
            ["other.test.", "both.test.", "2001:db8::1"],
        )
        assert ask("alias.test", "CNAME") == ("NOERROR", ["other.test."])
        assert ask("dangling.test") == ("NXDOMAIN", ["absent.test."])
        assert ask("absent.test") == ("NXDOMAIN", [])
        assert ask("empty.test") == ("NOERROR", [])
        assert ask("broken.test") == ("SERVFAIL", [])
        query = dns.message.make_query("silent.test", "A")
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(query, server.host, 0.05, server.port)
        assert server.queries[:2] == [("both.test", "A"), ("both.test", "AAAA")]
        assert server.queries[-1] == ("silent.test", "A")


# -- Postfix ------------------------------------------------------------------


class Session:
    """One session with a Postfix variant, as far as a test has it go."""

    def __init__(self, postfix: Postfix, name: str, host: str | None = None) -> None:
        self._postfix = postfix
        context = careless()
        host, port = host or postfix.host, postfix.ports[name]
        self.smtp: smtplib.SMTP
        if name.endswith("smtps"):
            self.smtp = smtplib.SMTP_SSL(host, port, CLIENT, timeout=SECONDS, context=context)
        else:
            self.smtp = smtplib.SMTP(host, port, CLIENT, SECONDS)
        self.smtp.ehlo()
        if self.smtp.has_extn("starttls"):
            self.smtp.starttls(context=context)
            self.smtp.ehlo()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.smtp.close()

    def login(self) -> Session:
        """Log in as the usual user."""
        self.smtp.login(self._postfix.user, self._postfix.password)
        return self

    def send(self, sender: str = HERE, recipient: str = ELSEWHERE, message: bytes = MESSAGE) -> str:
        """Send a message; return the first refusal, or what was said at the end."""
        code, text = self.smtp.mail(sender)
        if code == 250:
            code, text = self.smtp.rcpt(recipient)
        if code == 250:
            code, text = self.smtp.data(message)
        return f"{code} {text.decode()}"


BAD_CERTIFICATES = (
    "expired",
    "not_yet_valid",
    "expiring",
    "wrong_name",
    "self_signed",
    "missing_intermediate",
    "with_intermediate",
)


@pytest.mark.parametrize(
    "name",
    [
        *("submission", "submission_encrypt", "smtps", "relay", "no_starttls"),
        *("starttls_required", "auth_plain", "auth_login", "auth_cram_md5"),
        *("helo_not_fqdn", "relay_denied", "sender_mismatch", "sender_unverified"),
        *("size_announced", "size_at_data", "tls12_only", "unknown_recipient"),
        *BAD_CERTIFICATES,
        *(f"{name}_smtps" for name in BAD_CERTIFICATES),
    ],
)
def test_postfix_accepts_mail(postfix: Postfix, name: str) -> None:
    with Session(postfix, name) as session:
        assert session.login().send().startswith("250 2.0.0 Ok: queued as ")


@dataclass(frozen=True)
class Case:
    """What a variant answers to a message."""

    name: str
    reply: str
    sender: str = HERE
    recipient: str = ELSEWHERE
    message: bytes = MESSAGE
    login: bool = True


@pytest.mark.parametrize(
    "case",
    [
        Case("smtp", "250 2.0.0 Ok: queued as", recipient=HERE, login=False),
        Case(
            "smtp",
            f"554 5.7.1 <{ELSEWHERE}>: Relay access denied",
            login=False,
        ),
        Case(
            "submission",
            f"554 5.7.1 <{HERE}>: Recipient address rejected: Access denied",
            recipient=HERE,
            login=False,
        ),
        Case("no_auth", "250 2.0.0 Ok: queued as", recipient=HERE, login=False),
        Case(
            "relay_denied",
            f"554 5.7.1 <{ELSEWHERE}>: Relay access denied",
            login=False,
        ),
        Case(
            "unknown_recipient",
            "550 5.1.1 <nobody@example.test>: Recipient address rejected: "
            "User unknown in virtual mailbox table",
            recipient="nobody@example.test",
        ),
        Case(
            "unknown_recipient",
            "550 5.1.1 <nobody@local.example.test>: Recipient address rejected: "
            "User unknown in local recipient table",
            recipient="nobody@local.example.test",
        ),
        Case(
            "sender_mismatch",
            f"553 5.7.1 <{OWNED_SENDER}>: Sender address rejected: not owned by user app@example.test",
            sender=OWNED_SENDER,
        ),
        Case(
            "sender_unverified",
            "550 5.7.1 <new@example.test>: Sender address rejected: not verified",
            sender="new@example.test",
        ),
        Case(
            "greylisted",
            f"450 4.7.1 <{ELSEWHERE}>: Recipient address rejected: Greylisted, please try again later",
        ),
        Case(
            "size_at_data",
            "552 5.3.4 Error: message file too big",
            message=b"Subject: long\r\n\r\n" + b"x\r\n" * SIZE_LIMIT,
        ),
        Case("content_rejected", "550 5.7.1 Message content rejected"),
    ],
    ids=lambda case: f"{case.name}-{case.reply[:9]}",
)
def test_postfix_replies(postfix: Postfix, case: Case) -> None:
    with Session(postfix, case.name) as session:
        if case.login:
            session.login()
        answer = session.send(case.sender, case.recipient, case.message)
    assert answer.startswith(case.reply)


def test_postfix_size(postfix: Postfix) -> None:
    with Session(postfix, "size_announced") as session:
        assert session.smtp.esmtp_features["size"] == str(SIZE_LIMIT)
        code, text = session.login().smtp.mail(HERE, ["SIZE=3000"])
        assert (code, text) == (552, b"5.3.4 Message size exceeds fixed limit")
    with Session(postfix, "size_at_data") as session:
        assert not session.smtp.has_extn("size")


def test_postfix_capabilities(postfix: Postfix) -> None:
    def offers(name: str) -> tuple[bool, str | None]:
        client = smtplib.SMTP(postfix.host, postfix.ports[name], CLIENT, SECONDS)
        client.ehlo()
        client.close()
        auth = client.esmtp_features.get("auth")
        return client.has_extn("starttls"), auth and auth.strip()

    assert offers("smtp") == (False, None)
    assert offers("submission") == (True, None)
    assert offers("no_auth") == (True, None)
    assert offers("no_starttls") == (False, "PLAIN LOGIN CRAM-MD5")
    with Session(postfix, "no_auth") as session:
        assert not session.smtp.has_extn("auth")
    for mechanism in ("plain", "login", "cram_md5"):
        with Session(postfix, f"auth_{mechanism}") as session:
            offer = session.smtp.esmtp_features["auth"].strip()
            assert offer == mechanism.upper().replace("_", "-")


def test_postfix_before_the_login(postfix: Postfix) -> None:
    def client(name: str) -> smtplib.SMTP:
        return smtplib.SMTP(postfix.host, postfix.ports[name], timeout=SECONDS)

    with client("starttls_required") as smtp_client:
        smtp_client.ehlo()
        code, text = smtp_client.mail(HERE)
        assert (code, text) == (530, b"5.7.0 Must issue a STARTTLS command first")
    with client("helo_refused") as smtp_client:
        for verb in ("EHLO", "HELO"):
            code, text = smtp_client.docmd(f"{verb} {CLIENT}")
            assert code == 554
            assert text.endswith(b"Helo command rejected: Access denied")
    with client("helo_not_fqdn") as smtp_client:
        code, text = smtp_client.docmd("EHLO myhost")
        assert code == 504
        assert text.endswith(b"need fully-qualified hostname")
    with pytest.raises(smtplib.SMTPConnectError, match="Client host rejected"):
        client("client_refused")
    assert "Dovecot v" in postfix.log()
    assert "daemon started" in postfix.log()


def test_postfix_logins(postfix: Postfix) -> None:
    with Session(postfix, "submission") as session:
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            session.smtp.login(postfix.user, "wrong")
        assert caught.value.smtp_code == 535
        plain = f"\0{postfix.utf8_user}\0{postfix.utf8_password}".encode()
        secret = base64.b64encode(plain).decode()
        assert session.smtp.docmd(f"AUTH PLAIN {secret}")[0] == 235


def test_postfix_on_ipv6(postfix: Postfix) -> None:
    if not postfix.ipv6:
        pytest.skip("there is no IPv6 here")
    with Session(postfix, "smtps", "::1") as session:
        assert session.login().send().startswith("250 ")


@pytest.mark.parametrize("name", [*BAD_CERTIFICATES, "submission"])
@pytest.mark.parametrize("suffix", ["", "_smtps"])
def test_postfix_certificates(postfix: Postfix, certificates: Certificates, name: str, suffix: str) -> None:
    port = postfix.ports["smtps" if (name, suffix) == ("submission", "_smtps") else name + suffix]
    context = trusting(certificates)
    with socket.create_connection((postfix.host, port), SECONDS) as client:
        if not suffix:
            read_line(client)
            client.sendall(b"EHLO x\r\n")
            while not read_line(client).startswith(b"250 "):
                pass
            client.sendall(b"STARTTLS\r\n")
            assert read_line(client).startswith(b"220 ")
        if name in {"submission", "expiring", "with_intermediate"}:
            context.wrap_socket(client, server_hostname=postfix.hostname).close()
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(client, server_hostname=postfix.hostname)


@pytest.mark.parametrize("farewell", ["enter", "terminate", "kill"])
@pytest.mark.usefixtures("postfix")
def test_postfix_by_hand(farewell: str) -> None:
    # Through the fixture it is skipped where Postfix is not available.
    with subprocess.Popen(
        [sys.executable, "-m", "tests.postfix"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        description = json.loads(process.stdout.readline())
        directory = Path(description["directory"])
        address = ("127.0.0.1", description["ports"]["smtp"])
        with socket.create_connection(address, SECONDS) as client:
            assert read_line(client).startswith(b"220 ")
        files = ("queue/pid/master.pid", "dovecot/master.pid")
        pids = [int((directory / file).read_text().strip()) for file in files]
        with contextlib.ExitStack() as stack:
            handles = [os.pidfd_open(pid) for pid in pids]
            for handle in handles:
                stack.callback(os.close, handle)
            if farewell == "enter":
                process.stdin.write("\n")
                process.stdin.flush()
            elif farewell == "terminate":
                process.terminate()
            else:
                process.kill()
            for handle in handles:
                assert select.select([handle], [], [], 20)[0]
        code = process.wait(20)
    if farewell == "kill":
        shutil.rmtree(directory)
        shutil.rmtree(Path(description["ca_pem"]).parent)
    else:
        assert code == 0
        assert not directory.exists()


def test_postfix_tries_other_ports_where_one_is_taken(
    postfix: Postfix, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = postfix_server._reserve_ports
    choices: list[list[int]] = []

    def choose_badly(stack: contextlib.ExitStack, count: int, *, ipv6: bool) -> list[int]:
        ports = choose(stack, count, ipv6=ipv6)
        choices.append(ports if choices else [*ports[1:], taken])
        return choices[-1]

    monkeypatch.setattr(postfix_server, "_reserve_ports", choose_badly)
    with serve(servers.silent) as server:
        taken = server.port
        with (
            postfix_server.running(certificates) as other,
            Session(other, "submission") as session,
        ):
            assert session.login().send().startswith("250 ")
            assert not set(other.ports.values()) & set(postfix.ports.values())
        assert len(choices) == 2
        assert not other.directory.exists()
        choices.clear()
        monkeypatch.setattr(postfix_server, "_ATTEMPTS", 1)
        with (
            pytest.raises(postfix_server.StartError, match="does not answer"),
            postfix_server.running(certificates),
        ):
            pass


def test_postfix_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    works, reason = postfix_server.available()
    assert not works
    assert reason
