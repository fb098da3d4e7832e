"""The sandbox as its users meet it: smtplib is the client, so that no bug of ours hides one in the server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from base64 import b64encode
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor import doctor
from smtpdoctor.errors import UsageError
from smtpdoctor.facts import DeliveryFacts
from smtpdoctor.model import Origin, Secret, Security, Setting, Settings, Stage, Status
from smtpdoctor.probes.session import Options
from smtpdoctor.sandbox import HOST, Mail, Sandbox
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.text import say
from tests.checking import cli
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20.0
SENDER = "app@example.test"
RECIPIENTS = ["one@example.test", "two@example.test"]
MESSAGE = b"Subject: hello\r\n\r\nbody\r\n"
# A signal that the process running pytest ignores would be ignored here too.
MAIN = (
    "import signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
    "from smtpdoctor.cli import main\n"
    "main()\n"
)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def trusting(ca_file: object) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file))


@contextlib.contextmanager
def client(server: Sandbox, security: str = "starttls") -> Iterator[smtplib.SMTP]:
    """Connect and encrypt, with the certificate verified."""
    context = trusting(server.ca_file)
    if security == "tls":
        with smtplib.SMTP_SSL("localhost", server.tls_port, timeout=SECONDS, context=context) as smtp:
            yield smtp
    else:
        with smtplib.SMTP("localhost", server.starttls_port, timeout=SECONDS) as smtp:
            smtp.starttls(context=context)
            yield smtp


@contextlib.contextmanager
def logged_in(server: Sandbox, security: str = "starttls") -> Iterator[smtplib.SMTP]:
    with client(server, security) as smtp:
        smtp.login(server.username, server.password.reveal())
        yield smtp


def send_one(server: Sandbox, message: bytes = MESSAGE) -> Mail:
    """Show that the server is well."""
    with logged_in(server) as smtp:
        assert smtp.sendmail(SENDER, RECIPIENTS, message) == {}
    return server.messages[-1]


def begins(smtp: smtplib.SMTP) -> bool:
    """Begin a message, if there is room for its recipient."""
    smtp.rset()
    smtp.mail(SENDER)
    return smtp.rcpt("you@example.test")[0] == 250 and smtp.docmd("DATA")[0] == 354


def begin_message(smtp: smtplib.SMTP) -> None:
    smtp.ehlo_or_helo_if_needed()
    assert smtp.mail(SENDER)[0] == 250
    assert smtp.rcpt(RECIPIENTS[0])[0] == 250
    assert smtp.docmd("DATA")[0] == 354


# -- Messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b".\r\n..\r\n.hidden\r\n",
        "한글, 8 bit\r\n".encode() + "한글\r\n".encode("cp949") + bytes(range(14, 256)) + b"\r\n",
        b"x" * 100_000 + b"\r\n." + b"y" * 40_000 + b"\r\n",
        b"bare\rreturns\nand feeds\r\n",
        b"a\r\n" * 5000,
    ],
    ids=["empty", "dots", "8-bit", "long lines", "bare line ends", "many lines"],
)
def test_a_message_arrives_byte_for_byte(security: str, body: bytes) -> None:
    """What an application sent is what its developer sees, on both ports."""
    message = b"Subject: hello\r\n\r\n" + body
    with Sandbox() as server:
        with logged_in(server, security) as smtp:
            assert smtp.sendmail(SENDER, RECIPIENTS, message, ["BODY=8BITMIME"]) == {}
        (mail,) = server.messages
    assert mail.content == message
    assert (mail.number, mail.sender, mail.recipients) == (1, SENDER, tuple(RECIPIENTS))
    assert (mail.subject, mail.size) == ("hello", len(message))


def test_the_reply_names_the_queue_id_and_the_message_is_there_by_then() -> None:
    """Whoever has the reply can look the message up without waiting."""
    with Sandbox() as server, logged_in(server) as smtp:
        begin_message(smtp)
        smtp.send(MESSAGE + b".\r\n")
        code, text = smtp.getreply()
        assert code == 250
        assert text.decode() == f"2.0.0 Ok: queued as {server.messages[0].queue_id}"


def test_only_cr_lf_dot_cr_lf_ends_a_message() -> None:
    """A dot between bare line feeds would let a message smuggle another one in (CVE-2023-51764)."""
    with Sandbox() as server, logged_in(server) as smtp:
        begin_message(smtp)
        smtp.send(b"a\n.\nMAIL FROM:<x@y.z>\r.\r\n\n.\r\n.\r\n")
        assert smtp.getreply()[0] == 250
        assert [mail.content for mail in server.messages] == [b"a\n.\nMAIL FROM:<x@y.z>\r.\r\n\n.\r\n"]


def test_addresses_beyond_ascii_and_the_null_sender() -> None:
    """SMTPUTF8 (RFC 6531), and the sender of bounces."""
    with Sandbox() as server, logged_in(server) as smtp:
        smtp.ehlo()
        smtp.sendmail("보내는이@예시.test", ["받는이@예시.test"], MESSAGE, ["SMTPUTF8"])
        smtp.sendmail("", ["a@b.test"], MESSAGE)
        first, second = server.messages
    assert (first.sender, first.recipients) == ("보내는이@예시.test", ("받는이@예시.test",))
    assert (second.number, second.sender) == (2, "")


def test_two_sessions_at_once_do_not_mix() -> None:
    """Each connection has an envelope of its own."""
    with Sandbox() as server, logged_in(server) as one, logged_in(server, "tls") as two:
        one.ehlo()
        two.ehlo()
        assert one.mail("one@example.test")[0] == 250
        assert two.mail("two@example.test")[0] == 250
        assert two.rcpt("to-two@example.test")[0] == 250
        assert one.rcpt("to-one@example.test")[0] == 250
        assert two.data(b"Subject: two\r\n\r\n")[0] == 250
        assert one.data(b"Subject: one\r\n\r\n")[0] == 250
        assert [(mail.sender, mail.recipients, mail.subject) for mail in server.messages] == [
            ("two@example.test", ("to-two@example.test",), "two"),
            ("one@example.test", ("to-one@example.test",), "one"),
        ]


def test_the_observer_is_told_of_each_message() -> None:
    """And of each before the server has ended."""
    seen: list[Mail] = []
    with Sandbox(observer=seen.append) as server:
        for _ in range(3):
            send_one(server)
    assert [mail.number for mail in seen] == [1, 2, 3]
    assert tuple(seen) == server.messages


def test_only_so_many_messages_are_kept() -> None:
    """An application that never stops must not fill the memory: the oldest go."""
    with Sandbox() as server, logged_in(server) as smtp:
        for _ in range(1003):
            smtp.sendmail(SENDER, RECIPIENTS[:1], MESSAGE)
        assert [mail.number for mail in server.messages] == list(range(4, 1004))


def test_only_so_many_bytes_are_kept() -> None:
    """Three messages of 30 MB are more than the memory for them."""
    large = MESSAGE + (b"x" * 65_000 + b"\r\n") * 460
    with Sandbox() as server, logged_in(server) as smtp:
        for _ in range(3):
            smtp.sendmail(SENDER, RECIPIENTS, large)
        assert [(mail.number, mail.content == large) for mail in server.messages] == [(2, True), (3, True)]


# -- Login, TLS, sizes ----------------------------------------------------------------------------


def test_nothing_goes_without_tls() -> None:
    """In the clear there is STARTTLS, and neither a login nor mail."""
    with Sandbox() as server, smtplib.SMTP("localhost", server.starttls_port, timeout=SECONDS) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("starttls")
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN AGEAYg==")[0] == 530
        assert smtp.mail(SENDER)[0] == 530
        smtp.starttls(context=trusting(server.ca_file))
        smtp.ehlo()
        assert not smtp.has_extn("starttls")
        for name in ("auth", "size", "8bitmime", "smtputf8"):
            assert smtp.has_extn(name)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_is_required_and_a_wrong_one_refused(security: str) -> None:
    """Mail before the login is refused; a wrong login neither helps nor ends the session."""
    with Sandbox(username="someone", password=Secret("pässwörd")) as server, client(server, security) as smtp:
        smtp.ehlo()
        assert smtp.mail(SENDER) == (530, b"5.7.0 Authentication required")
        for user, password in (("someone", "other"), ("else", "pässwörd"), ("", "")):
            login = b64encode(f"\0{user}\0{password}".encode()).decode()
            assert smtp.docmd("AUTH", f"PLAIN {login}") == (535, b"5.7.8 Authentication credentials invalid")
        assert smtp.mail(SENDER)[0] == 530
        login = b64encode("\0someone\0pässwörd".encode()).decode()
        assert smtp.docmd("auth", f"plain {login}")[0] == 235
        assert smtp.mail(SENDER)[0] == 250


def test_auth_login_and_plain_as_smtplib_does_them() -> None:
    """Both mechanisms, with and without an initial response."""
    for method in ("login", "plain"):
        for initial in (True, False):
            with Sandbox() as server, client(server) as smtp:
                smtp.ehlo()
                smtp.user, smtp.password = server.username, server.password.reveal()
                authobject = smtp.auth_login if method == "login" else smtp.auth_plain
                code, _ = smtp.auth(method.upper(), authobject, initial_response_ok=initial)
                assert code == 235


def test_passwords_are_random_and_the_certificate_is_nobody_elses() -> None:
    """Each sandbox has its own CA, which nothing else trusts."""
    with Sandbox() as one, Sandbox() as two:
        assert one.password != two.password
        for context in (ssl.create_default_context(), trusting(two.ca_file)):
            with pytest.raises(ssl.SSLCertVerificationError):
                smtplib.SMTP_SSL("localhost", one.tls_port, timeout=SECONDS, context=context)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_for_every_name_of_this_machine(name: str) -> None:
    """An application may call it what it likes."""
    with Sandbox() as server, socket.create_connection((HOST, server.tls_port), SECONDS) as sock:
        context = trusting(server.ca_file)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with context.wrap_socket(sock, server_hostname=name) as tls:
            assert tls.recv(3) == b"220"


def test_messages_that_are_too_large_are_refused() -> None:
    """At MAIL where the client says so, else after the data; the session goes on."""
    with Sandbox(message_size=10_000) as server, logged_in(server) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == "10000"
        assert smtp.mail(SENDER, ["SIZE=10001"])[0] == 552
        begin_message(smtp)
        smtp.send(b"x" * 5000 + b"\r\n" + b"y" * 5000 + b"\r\n.\r\n")
        assert smtp.getreply() == (552, b"5.3.4 Error: message too large")
        assert smtp.sendmail(SENDER, RECIPIENTS, b"x" * 9998 + b"\r\n") == {}
        assert [mail.size for mail in server.messages] == [10_000]


def test_commands_out_of_order() -> None:
    """DATA needs a login and a recipient, and takes no argument."""
    with Sandbox() as server, client(server) as smtp:
        assert smtp.docmd("DATA")[0] == 503
        smtp.ehlo()
        assert smtp.docmd("DATA")[0] == 530
        smtp.login(server.username, server.password.reveal())
        assert smtp.docmd("DATA")[0] == 503
        smtp.mail(SENDER)
        smtp.rcpt(RECIPIENTS[0])
        assert smtp.docmd("DATA", "now")[0] == 501
        assert smtp.data(MESSAGE)[0] == 250


# -- Start and end --------------------------------------------------------------------------------


def test_it_listens_on_loopback_only_and_ends_whole() -> None:
    """After the end there is no port, no thread and no file left, and the ports can be had again."""
    with Sandbox() as server:
        ports = server.starttls_port, server.tls_port
        assert server.ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert server.ca_file.parent.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
        assert sorted(path.name for path in server.ca_file.parent.iterdir()) == ["ca.pem"]
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), SECONDS)
    assert not server.ca_file.parent.exists()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), SECONDS)
    with Sandbox(starttls_port=ports[0], tls_port=ports[1]) as again:
        assert (again.starttls_port, again.tls_port) == ports
        send_one(again)


def test_the_end_closes_clients_that_are_still_connected() -> None:
    """Whatever state they are in: idle, logged in, sending, in or before a handshake, silent."""
    with contextlib.ExitStack() as stack:
        with Sandbox() as server:
            idle = smtplib.SMTP("localhost", server.starttls_port, timeout=SECONDS)
            context = trusting(server.ca_file)
            implicit = smtplib.SMTP_SSL("localhost", server.tls_port, timeout=SECONDS, context=context)
            sending = smtplib.SMTP("localhost", server.starttls_port, timeout=SECONDS)
            sending.starttls(context=context)
            sending.login(server.username, server.password.reveal())
            begin_message(sending)
            sending.send(b"half a mess")
            before_tls = smtplib.SMTP("localhost", server.starttls_port, timeout=SECONDS)
            before_tls.ehlo()
            assert before_tls.docmd("STARTTLS")[0] == 220
            for smtp in (idle, implicit, sending, before_tls):
                stack.callback(smtp.close)
            silent = [
                stack.enter_context(socket.create_connection((HOST, port), SECONDS))
                for port in (server.starttls_port, server.tls_port)
                for _ in range(20)
            ]
        for smtp in (idle, implicit):
            assert smtp.docmd("NOOP")[0] == 421
        for sock in (sending.sock, before_tls.sock, *silent):
            assert isinstance(sock, socket.socket)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(4096):
                    pass
    assert server.messages == ()


def test_an_error_inside_the_with_ends_it_too() -> None:
    """The caller's error goes on its way."""
    with pytest.raises(ZeroDivisionError), Sandbox() as server:
        raise ZeroDivisionError
    assert not server.ca_file.exists()


@pytest.mark.parametrize("which", ["starttls_port", "tls_port"])
def test_a_port_that_is_taken_is_named(which: str) -> None:
    """A usage error with the port and the reason, and nothing stays open."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught, Sandbox(**{which: port}):
            pass
    assert say("en", caught.value.message) == f"port {port} cannot be used: already in use"
    assert str(port) in say("ko", caught.value.message)


def test_one_port_for_both_is_taken_too() -> None:
    """The second use of it is the one that fails."""
    with Sandbox() as server:
        port = server.starttls_port
    with pytest.raises(UsageError), Sandbox(starttls_port=port, tls_port=port):
        pass


# -- Hostile clients ------------------------------------------------------------------------------


def _talk(port: int, data: bytes) -> None:
    """Send something and wait until the server has dealt with it and hung up."""
    with socket.create_connection((HOST, port), SECONDS) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(data)
        with contextlib.suppress(OSError):  # the server may have hung up already
            sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass


GARBAGE = {
    "binary": bytes(range(256)) * 40 + b"\r\n",
    "web": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3,
    "hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 509,
    "long line": b"EHLO " + b"x" * 1_000_000 + b"\r\n",
    "line without end": b"x" * 1_000_000,
    "empty lines": b"\r\n" * 1000,
    "nothing": b"",
    "no TLS after STARTTLS": b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<a@b.c>\r\n" + b"\xff" * 100,
    "half a TLS after STARTTLS": b"EHLO x\r\nSTARTTLS\r\n\x16\x03\x01",
}


def _reset(port: int) -> None:
    with socket.create_connection((HOST, port), SECONDS) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_harms_nobody(data: bytes) -> None:
    """On either port; the next client finds the server well."""
    with Sandbox() as server:
        for port in (server.starttls_port, server.tls_port):
            _talk(port, data)
            _reset(port)
        assert send_one(server).number == 1


def test_commands_that_make_no_sense_are_answered() -> None:
    """Nothing a client says inside a session is more than its own error."""
    with Sandbox() as server, logged_in(server) as smtp:
        smtp.ehlo()
        for line in (
            b"MAIL FROM:<",
            b"MAIL FROM:" + b"(" * 1900,
            b"MAIL FROM:<\xff\xfe@\x80>\x00",
            b"VRFY \xff\xfe\r",
            b"AUTH PLAIN !!!",
            b"AUTH PLAIN " + b"A" * 11_000,
            b"AUTH",
            b"HELO",
            b"RCPT TO:<a@b>",
            b"\x80\x81",
            b"MAIL " + b"x" * 5000,
        ):
            smtp.send(line + b"\r\n")
            code, _ = smtp.getreply()
            assert 250 <= code < 600, line[:40]
            smtp.rset()
        begin_message(smtp)
        smtp.send(b"Subject: ok\r\n.\r\n")
        assert smtp.getreply()[0] == 250


def _send_for_ever(smtp: smtplib.SMTP, chunk: bytes) -> None:
    for _ in range(5000):
        smtp.send(chunk)


@pytest.mark.parametrize("chunk", [b"x" * 65_536, b"y\r\n" * 20_000], ids=["a line", "lines"])
def test_data_that_never_ends_is_cut_off(chunk: bytes) -> None:
    """A message that goes on far beyond the limit costs its sender the connection."""
    with Sandbox(message_size=100_000) as server:
        with logged_in(server) as smtp:
            begin_message(smtp)
            with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
                _send_for_ever(smtp, chunk)
        assert server.messages == ()
        send_one(server)


@settings(deadline=None, max_examples=examples(8))
@given(st.lists(st.tuples(st.integers(1, 130_000), st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_all_clients_share_the_room_for_what_is_on_its_way(plans: list[tuple[int, bool, bool]]) -> None:
    """What finds room arrives whole, the rest is told to come again; nothing of the room is ever lost.

    A plan is how much a client sends, whether it then ends its message, and whether in TLS from the start.
    """
    with Sandbox(message_size=100_000) as server, contextlib.ExitStack() as stack:
        clients = [
            (size, ends, stack.enter_context(logged_in(server, "tls" if tls else "starttls")))
            for size, ends, tls in plans
        ]
        for _, _, smtp in clients:  # all of them first: who comes to a full house is refused at RCPT already
            begin_message(smtp)
        for size, _, smtp in clients:
            smtp.send(b"x" * size)
        taken = []
        for size, ends, smtp in clients:
            if not ends:
                smtp.close()
                continue
            smtp.send(b"\r\n.\r\n")
            code, text = smtp.getreply()
            assert (code, text[:5]) in {(250, b"2.0.0"), (552, b"5.3.4"), (452, b"4.3.1")}
            assert (code == 552) <= (size + 2 > 100_000) <= (code != 250)
            taken += [b"x" * size + b"\r\n"] if code == 250 else []
        assert [mail.content for mail in server.messages] == taken
        assert taken or len(plans) > 1 or not plans[0][1] or plans[0][0] + 2 > 100_000
        # Whoever hung up gives back what he had, as soon as the server has seen it.
        with logged_in(server) as one, logged_in(server) as two:
            for _ in range(200):
                if not (begins(one) and begins(two)):
                    continue
                one.send(b"y" * 99_700 + b"\r\n")  # the recipients take some room too
                two.send(b"z" * 99_700 + b"\r\n.\r\n")
                second = two.getreply()[0]
                one.send(b".\r\n")
                if (one.getreply()[0], second) == (250, 250):
                    break
            else:
                pytest.fail("the room is not there any more")


def test_a_message_has_only_so_many_recipients() -> None:
    """The others are told to be sent apart; those of refused commands do not count."""
    with Sandbox() as server, logged_in(server) as smtp:
        smtp.ehlo()
        for _ in range(2):
            assert smtp.mail(SENDER)[0] == 250
            smtp.send(b"RCPT TO:<a@b.test> X=Y\r\n" * 30 + b"RCPT TO:<a@b.test>\r\n" * 1003)
            replies = [smtp.getreply() for _ in range(1033)]
            assert [code for code, _ in replies] == [555] * 30 + [250] * 1000 + [452] * 3
            assert replies[-1][1].startswith(b"4.5.3")
            assert smtp.data(MESSAGE)[0] == 250
        assert [len(mail.recipients) for mail in server.messages] == [1000, 1000]


def test_only_so_many_connections_are_served() -> None:
    """The next is told to come again, or sees its connection closed where nothing can be said before TLS."""
    with Sandbox() as server, contextlib.ExitStack() as stack:

        def banner(port: int) -> bytes:
            sock = stack.enter_context(socket.create_connection((HOST, port), SECONDS))
            with contextlib.suppress(ConnectionError):
                return sock.recv(3)
            return b""

        assert [banner(server.starttls_port) for _ in range(200)] == [b"220"] * 200
        assert [banner(server.starttls_port) for _ in range(20)] == [b"421"] * 20
        assert [banner(server.tls_port) for _ in range(20)] == [b""] * 20
        stack.pop_all().close()
        for _ in range(200):
            if banner(server.starttls_port) == b"220":
                break
        else:
            pytest.fail("nobody is served any more")
        send_one(server)


@pytest.mark.parametrize("asks", [True, False])
def test_a_session_in_which_nothing_happens_ends(asks: bool) -> None:
    """Also one whose client asks and asks, and takes no reply."""
    with Sandbox(idle_seconds=0.2) as server, socket.create_connection((HOST, server.starttls_port)) as sock:
        sock.settimeout(SECONDS)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock.setblocking(False)
            for _ in range(20_000 * asks):
                sock.send(b"HELP\r\n" * 200)
        sock.settimeout(SECONDS)
        with contextlib.suppress(ConnectionError):
            while sock.recv(1 << 20):
                pass
        server._mailbox.idle_seconds = SECONDS  # the next client may be as slow as its machine
        send_one(server)


def test_binary_in_subject_and_body_is_kept_and_can_be_shown() -> None:
    """The bytes stay as they are, and reading them raises nothing."""
    message = b"Subject: \xff\xfe\x00\x1b[31m\r\n\r\n" + bytes(range(256)).replace(b"\r", b"") + b"\r\n"
    with Sandbox() as server:
        mail = send_one(server, message)
    assert mail.content == message
    assert "\x1b[31m" in mail.subject
    assert mail.text


# -- Reading a message ----------------------------------------------------------------------------


def _mail(content: bytes) -> Mail:
    return Mail(number=1, queue_id="A", sender="", recipients=(), content=content)


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"hello", "hello"),
        (b"", ""),
        (b"=?utf-8?b?7JWI64WV?= =?utf-8?q?_again?=", "안녕 again"),
        (b"Re: =?euc-kr?b?vsiz5w==?=", "Re: 안녕"),
        (b"one\r\n =?utf-8?b?7JWI?=\r\n\t=?utf-8?b?64WV?=", "one 안녕"),
        ("안녕".encode(), "안녕"),
        ("안녕".encode("cp949"), "안녕"),
        (b"=?no-such-charset?q?x=FF?=", "x\ufffd"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"=?unicode_escape?q?=5Cq?=", "\\q"),
        (b"\xff\xff", "\ufffd\ufffd"),
    ],
)
def test_subjects_are_decoded(raw: bytes, subject: str) -> None:
    """RFC 2047, raw UTF-8, what old Korean mailers send, and what nobody can decode."""
    mail = _mail(b"From: a@b.c\r\nsubject:" + raw + b"\r\nX: y\r\n\r\nSubject: not this\r\n")
    assert mail.subject == subject


def test_no_subject_and_no_body() -> None:
    """Both are empty then."""
    mail = _mail(b"From: a@b.c\r\n\r\n")
    assert (mail.subject, mail.text) == ("", "")
    assert _mail(b"").subject == ""


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xec\x95\x88\r\n", "안\n"),
        (b"Content-Type: text/html; charset=ascii\r\n\r\n<b>x</b>", "<b>x</b>"),
        (
            (
                b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nhtml\r\n'
                b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\ncGxhaW4=\r\n--b--\r\n"
            ),
            "plain",
        ),
        (b"Content-Type: application/pdf\r\n\r\n%PDF", ""),
        (b"Content-Type: text/plain; charset=no-such\r\n\r\n\xec\x95\x88", "안"),
    ],
    ids=["plain", "html", "both", "neither", "unknown charset"],
)
def test_the_text_is_the_plain_part_else_the_html(content: bytes, text: str) -> None:
    """What a person would want to read."""
    assert _mail(content).text.replace("\r\n", "\n") == text


WORDS = st.text(
    st.characters(codec="euc-kr", min_codepoint=0x20, exclude_characters="\x7f\u3164"),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=examples(25))
@given(
    plain=st.none() | WORDS,
    html=st.none() | WORDS,
    charset=st.sampled_from(["utf-8", "euc-kr"]),
    encoding=st.sampled_from(["8bit", "base64", "quoted-printable"]),
    attached=st.lists(st.sampled_from(["text", "html", "binary"]), max_size=2),
)
def test_the_text_is_what_the_email_package_wrote(
    plain: str | None, html: str | None, charset: str, encoding: str, attached: list[str]
) -> None:
    """Whatever it is wrapped in."""
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = "x"
    if plain is not None:
        message.set_content(plain, charset=charset, cte=encoding)
    if html is not None and plain is not None:
        message.add_alternative(html, subtype="html", charset=charset, cte=encoding)
    elif html is not None:
        message.set_content(html, subtype="html", charset=charset, cte=encoding)
    for kind in attached if plain or html else ():
        if kind == "binary":
            message.add_attachment(b"\0", maintype="application", subtype="octet-stream")
        else:
            message.add_attachment("attached", subtype="plain" if kind == "text" else "html", filename="a")
    text = _mail(message.as_bytes()).text
    assert text.splitlines() == ((plain or html or "") + "\n").splitlines() or not (plain or html)


HOSTILE = {
    "parameters": b"Content-Type: text/plain; " + b"; ".join(b"a*%d=b" % one for one in range(40_000)),
    "comments": b"Content-Type: text/plain " + b"(" * 900_000,
    "quotes": b'Content-Type: text/plain; a="' + b'\\"' * 400_000,
    "nested": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(15_000)
    ),
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 100_000,
    "codec": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"x-" * 200_000,
    "subject": b"Subject:" + b" =?utf-8?q?a?=" * 60_000,
}


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE.keys())
def test_reading_takes_no_longer_than_the_message_is(head: bytes) -> None:
    """A server that reads for minutes answers nobody; the email package would."""
    mail = _mail(head + b"\r\n\r\nx")
    began = time.process_time()
    (mail.subject + mail.text).encode()
    assert time.process_time() - began < 10


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda raw: b"Subject: =?" + raw + b"?="))
def test_reading_never_raises(content: bytes) -> None:
    """Anything may be sent, and whatever is read can be written to a terminal or a file."""
    mail = _mail(content)
    (mail.subject + mail.text).encode()


# -- check --sandbox ------------------------------------------------------------------------------


def _run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "smtpdoctor", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _told(*arguments: str, code: int = 0) -> Any:
    """Run the command in this process, and return what it says as JSON."""
    return json.loads(cli(*arguments, "--format", "json", code=code).stdout)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_check_against_the_sandbox_passes(lang: str) -> None:
    """The quick start: every stage up to delivery passes, without any server or setting."""
    done = _run("check", "--sandbox", "--lang", lang)
    assert done.stderr == ""
    assert say("ko" if lang == "ko" else "en", "verdict.pass") in done.stdout
    assert not {"✖", "!", "–"} & {line.strip()[:1] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("security", ["starttls", "tls", "opportunistic"])
def test_check_against_the_sandbox_in_json(lang: str, security: str) -> None:
    """All stages pass, nothing is found, and the subject arrived in the run's language."""
    words = ["--security", security, "--to", "me@example.test", "--sender", SENDER, "--strict"]
    report = _told("check", "--sandbox", "--lang", lang, *words)
    assert (report["verdict"], report["findings"]) == ("pass", [])
    assert {stage["status"] for stage in report["stages"]} == {"pass"}
    assert len(report["stages"]) == len(Stage)
    subject = say("ko" if lang == "ko" else "en", "mail.subject", host=HOST)
    assert report["stages"][-1]["facts"]["subject"] == subject
    assert subject in report["stages"][-1]["summary"]
    assert report["settings"]["host"] == {"value": HOST, "origin": "sandbox", "overrides": []}
    assert report["settings"]["security"] == {"value": security, "origin": "flag --security", "overrides": []}
    assert report["settings"]["sender"] == {"value": SENDER, "origin": "flag --sender", "overrides": []}
    assert report["settings"]["recipient"] == {
        "value": "me@example.test",
        "origin": "flag --to",
        "overrides": [],
    }


def test_check_against_the_sandbox_quietly() -> None:
    """Only the verdict."""
    done = _run("check", "--sandbox", "--quiet", "--security", "tls", "--lang", "en")
    assert done.stdout.strip().endswith(say("en", "verdict.pass"))
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_check_against_the_sandbox_until() -> None:
    """A run that ends earlier sends nothing and looks for nothing."""
    report = _told("check", "--sandbox", "--until", "auth")
    assert [stage["name"] for stage in report["stages"]][-1] == "auth"
    assert report["verdict"] == "pass"


def test_check_against_the_sandbox_without_encryption_fails_at_the_login() -> None:
    """As it would at any provider that takes no login in the clear."""
    report = _told("check", "--sandbox", "--security", "none", code=1)
    failed = [stage["name"] for stage in report["stages"] if stage["status"] == "fail"]
    assert failed == ["auth"]
    assert report["findings"][0]["severity"] == "error"


def test_check_against_the_sandbox_over_ipv6_is_a_contradiction() -> None:
    """It listens on 127.0.0.1 only."""
    assert "--ipv6" in cli("check", "--sandbox", "--ipv6", "--lang", "en", code=2).stderr


@pytest.mark.parametrize("arrives", [True, False])
def test_delivery_is_what_the_mailbox_says(arrives: bool) -> None:
    """A message that was taken but is not there is a failure, not a success."""
    origin = Origin("sandbox", "test")
    asked: list[str] = []

    def arrived(token: str) -> str | None:
        asked.append(token)
        found = [mail.subject for mail in server.messages if token.encode() in mail.content]
        return found[0] + "\x1b" if arrives else None

    with Sandbox() as server:
        wanted = Settings(
            host=Setting(HOST, origin),
            port=Setting(server.tls_port, origin),
            security=Setting(Security.TLS, origin),
            username=Setting(server.username, origin),
            password=Setting(server.password, origin),
            sender=Setting(SENDER, origin),
            recipient=Setting(RECIPIENTS[0], origin),
        )
        options = Options(until=Stage.SEND, ca_file=str(server.ca_file), arrived=arrived)
        report = doctor.check(Loaded(wanted, ()), options)
    result = report.stages[-1]
    assert (result.stage, result.status) == (Stage.DELIVERY, Status.PASS if arrives else Status.FAIL)
    assert report.verdict == ("pass" if arrives else "fail")
    assert len(asked) == 1
    if arrives:
        assert isinstance(result.facts, DeliveryFacts)
        assert result.facts.subject.endswith("\\x1b")


# -- smtpdoctor sandbox ---------------------------------------------------------------------------


@contextlib.contextmanager
def running(*arguments: str, prepare: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start the command; whatever the test does, it does not outlive it."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", prepare + MAIN, "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ) as process:
        guard = threading.Timer(60, process.kill)
        guard.start()
        try:
            yield process
        finally:
            process.terminate()  # not killed: it would leave its folder behind
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            process.kill()
            guard.cancel()
            guard.join()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _line(process: subprocess.Popen[str]) -> str:
    return _stream(process.stdout).readline()


def _ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the first object of --format json."""
    ready: dict[str, Any] = json.loads(_line(process))
    assert ready["event"] == "ready"
    return ready


def _env(process: subprocess.Popen[str]) -> list[str]:
    """Read the lines for a .env file."""
    lines = [_line(process) for _ in range(12)]
    assert lines[-1] == "# SMTP_OPPORTUNISTIC_TLS=false\n", lines
    return lines


@contextlib.contextmanager
def _to(ready: dict[str, Any], security: str = "starttls", password: str = "") -> Iterator[smtplib.SMTP]:
    """Log in to a sandbox that runs as a command."""
    context = trusting(ready["ca_file"])
    port = ready["ports"][security]
    if security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(ready["host"], port, timeout=SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(ready["host"], port, timeout=SECONDS)
        smtp.starttls(context=context)
    with smtp:
        smtp.login(ready["username"], password or ready["password"])
        yield smtp


def _end(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    out, err = process.communicate(timeout=SECONDS)
    return out, err, process.returncode


@POSIX
def test_settings_and_messages_can_go_to_a_file(tmp_path: Path) -> None:
    """Each line is there at once, and the password in it is for the owner alone."""
    told = tmp_path / "sandbox.jsonl"
    os.mkfifo(told)
    with running("--format", "json", "--count", "1", "--output", str(told)) as process:
        with told.open() as reader:
            ready = json.loads(reader.readline())
            with _to(ready) as smtp:
                smtp.sendmail(SENDER, RECIPIENTS, MESSAGE)
            assert json.loads(reader.readline())["event"] == "message"
        assert _end(process)[0::2] == ("", 0)
    plain = tmp_path / "sandbox.env"
    plain.touch(0o644)  # as a shell's redirection left it
    with running("--quiet", "--output", str(tmp_path)) as process:
        assert _end(process)[2] == 2
    with running("--lang", "en", "--output", str(plain)) as process:
        while "SSL_CERT_FILE" not in _stream(process.stderr).readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert _end(process)[2] == 0
    assert plain.stat().st_mode & 0o777 == 0o600
    assert "SMTP_PASSWORD=" in plain.read_text()


def test_the_printed_settings_work_and_each_message_is_shown() -> None:
    """What is printed can be saved as .env; a check with it succeeds, and its message is shown."""
    with running("--lang", "en", "--count", "1", "--verbose") as process:
        lines = _env(process)
        hints = [_stream(process.stderr).readline() for _ in range(5)]
        ca_file = hints[-1].strip().partition("SSL_CERT_FILE=")[2]
        env_file = Path(ca_file).with_name("printed.env")
        env_file.write_text("".join(lines), encoding="utf-8")
        words = [
            "--env-file",
            str(env_file),
            "--no-environment",
            "--ca-file",
            ca_file,
            "--to",
            "me@example.test",
        ]
        report = json.loads(_run("check", *words, "--format", "json", "--lang", "ko", "--strict").stdout)
        out, err, code = _end(process)
    assert (report["verdict"], report["findings"]) == ("pass", [])
    assert report["settings"]["security"]["value"] == "starttls"
    subject = say("ko", "mail.subject", host=HOST)
    first, *body = out.splitlines()
    sent = report["stages"][-2]["facts"]
    # What was sent ends in a dot on a line of its own, which is not part of the message.
    assert first == f"1. sandbox@localhost → me@example.test: {subject} ({sent['size'] - 3} bytes)"
    assert any(sent["token"] in line for line in body)
    assert "--ca-file" in hints[2]
    assert "NODE_EXTRA_CA_CERTS=" in hints[3]
    assert (err, code) == ("", 0)


def test_the_variables_for_tls_work_too() -> None:
    """The commented lines, put in the place of the others."""
    with running("--lang", "en", "--quiet") as process:
        lines = _env(process)
        values = dict(line.strip().removeprefix("# ").split("=", 1) for line in lines if "=" in line)
        with socket.create_connection((HOST, int(values["SMTP_PORT"])), SECONDS) as sock:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(sock) as tls:
                assert tls.recv(3) == b"220"
    assert values["SMTP_TLS"] == "true"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_json_lines_and_the_end_after_some_messages(security: str) -> None:
    """The reader of a pipe sees each message at once; the last client can still say goodbye."""
    with running("--format", "json", "--count", "2", "--verbose") as process:
        ready = _ready(process)
        smtp_environment = ready["variables"]
        assert smtp_environment["SMTP_PASSWORD"] == ready["password"]
        with _to(ready, security) as smtp:
            smtp.sendmail(SENDER, RECIPIENTS, "Subject: =?utf-8?b?7JWI64WV?=\r\n\r\nhello\r\n")
            first = json.loads(_line(process))
            smtp.sendmail(SENDER, RECIPIENTS[:1], "Subject: \x9b2J\u202e\r\n\r\n".encode())
            assert smtp.quit()[0] == 221
        out, err, code = _end(process)
    assert (first["number"], first["subject"], first["text"].strip()) == (1, "안녕", "hello")
    assert (first["sender"], first["recipients"]) == (SENDER, RECIPIENTS)
    (line,) = out.splitlines()
    assert line.isprintable()
    assert json.loads(line)["subject"] == "\x9b2J\u202e"
    assert (err, code) == ("", 0)
    assert not Path(ready["ca_file"]).parent.exists()


def test_control_characters_are_made_visible() -> None:
    """Neither subject, envelope nor body may give orders to the terminal."""
    message = b"Subject: a\x1b[2Jb\x07\r\n\r\nx\x1b]0;y\x07\r\n" + b"z\r\n" * 300
    with running("--verbose", "--count", "1", "--lang", "en", "--no-color") as process:
        values = dict(line.strip().split("=", 1) for line in _env(process)[:8] if "=" in line)
        hints = [_stream(process.stderr).readline() for _ in range(5)]
        ready = {
            "host": values["SMTP_HOST"],
            "ports": {"starttls": int(values["SMTP_PORT"])},
            "username": values["SMTP_USERNAME"],
            "password": values["SMTP_PASSWORD"],
            "ca_file": hints[-1].strip().partition("SSL_CERT_FILE=")[2],
        }
        with _to(ready) as smtp:
            smtp.sendmail("", RECIPIENTS, message)
        out, err, code = _end(process)
    lines = out.splitlines()
    assert lines[0] == f"1. (no sender) → {', '.join(RECIPIENTS)}: a\\x1b[2Jb\\x07 ({len(message)} bytes)"
    assert lines[1] == "    x\\x1b]0;y\\x07"
    assert lines[-1] == "    …"
    assert len(lines) == 202
    assert (err, code) == ("", 0)


@POSIX
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_is_the_way_to_end_it(number: str) -> None:
    """Clients or not, it ends at once, clean and with exit code 0."""
    prepare = f"import signal\nsignal.signal(signal.{number}, signal.SIG_DFL)\n"
    with running("--format", "json", prepare=prepare) as process:
        ready = _ready(process)
        with _to(ready) as smtp:
            process.send_signal(getattr(signal, number))
            out, err, code = _end(process)
            assert smtp.noop()[0] == 421
            smtp.close()
    assert (out, err, code) == ("", "", 0)
    assert not Path(ready["ca_file"]).parent.exists()


@POSIX
def test_what_nohup_switched_off_stays_off() -> None:
    """A server that was started to outlive its terminal does."""
    prepare = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with running("--format", "json", "--count", "1", prepare=prepare) as process:
        ready = _ready(process)
        process.send_signal(signal.SIGHUP)
        with _to(ready) as smtp:
            smtp.sendmail(SENDER, RECIPIENTS, MESSAGE)
        out, err, code = _end(process)
    assert (json.loads(out)["number"], err, code) == (1, "", 0)


@POSIX
def test_a_reader_that_has_seen_enough_ends_it() -> None:
    """As in ``smtpdoctor sandbox | head``."""
    with running("--format", "json") as process:
        ready = _ready(process)
        _stream(process.stdout).close()
        with contextlib.suppress(smtplib.SMTPException, OSError), _to(ready) as smtp:
            smtp.sendmail(SENDER, RECIPIENTS, MESSAGE)
        assert process.wait(SECONDS) == 0
        assert _stream(process.stderr).read() == ""


@POSIX
def test_hostile_clients_leave_no_trace_on_the_screen() -> None:
    """No traceback, no warning, not even at the end, with connections that hang half-way."""
    with running("--format", "json", "--quiet") as process, contextlib.ExitStack() as stack:
        ready = _ready(process)
        ports = ready["ports"].values()
        for port in ports:
            for data in GARBAGE.values():
                _talk(port, data)
            _reset(port)
        with _to(ready) as smtp:
            smtp.sendmail(SENDER, RECIPIENTS, b"Subject: \xff\x00\r\n\r\n\xff")
        with _to(ready) as smtp:
            begin_message(smtp)
            smtp.send(b"half a mess")
            smtp.close()
        for port in ports:
            for data in (b"", b"EHLO x\r\nSTARTTLS\r\n", b"\x16\x03\x01"):
                sock = stack.enter_context(socket.create_connection((HOST, port), SECONDS))
                sock.sendall(data)
        assert json.loads(_line(process))["number"] == 1
        process.send_signal(signal.SIGTERM)
        assert _end(process) == ("", "", 0)


def test_a_password_of_ones_own_is_not_shown(tmp_path: Path) -> None:
    """It stays in its file, to which the settings point; a name with blanks is quoted."""
    secret = "a secret of my own"
    file = tmp_path / "pass word"
    file.write_text(secret + "\n", encoding="utf-8")
    arguments = ["--username", "some one", "--password-file", str(file), "--count", "1"]
    with running("--format", "json", *arguments) as process:
        ready = _ready(process)
        assert (ready["username"], ready["password"]) == ("some one", None)
        assert ready["variables"]["SMTP_PASSWORD_FILE"] == str(file)
        assert ready["variables"]["SMTP_SENDER"] == "sandbox@localhost"
        with _to(ready, password=secret) as smtp:
            smtp.sendmail(SENDER, RECIPIENTS, MESSAGE)
        assert _end(process)[1:] == ("", 0)
    with running("--lang", "ko", *arguments) as process:
        lines = _env(process)
        process.terminate()
        _, err = process.communicate()
    assert "SMTP_USERNAME='some one'\n" in lines
    assert f"SMTP_PASSWORD_FILE='{file}'\n" in lines
    assert secret not in "".join(lines) + err


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_taken_port_on_the_command_line(lang: str) -> None:
    """Exit code 2, the port named; JSON stays JSON."""
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cli("sandbox", "--tls-port", port, "--lang", lang, code=2)
        assert port in done.stderr
        assert done.stdout == ""
        told = _told("sandbox", "--starttls-port", port, "--lang", lang, code=2)
        assert port in told["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--username", ""],
        ["--username", "a\nb"],
        ["--quiet", "--verbose"],
        ["--tls-port", "70000"],
        ["--count", "0"],
        ["--password-file", "/does/not/exist"],
    ],
    ids=["empty name", "control character", "contradiction", "port", "count", "file"],
)
def test_usage_errors(arguments: list[str]) -> None:
    """Exit code 2 before anything starts."""
    done = cli("sandbox", *arguments, code=2)
    assert done.stdout == ""
    first, *hints = done.stderr.splitlines()
    assert first.startswith("Error: ")
    assert hints in ([], ["  `smtpdoctor sandbox --help` lists the options."])
