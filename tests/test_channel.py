"""The channel: every way in which a connection can fail has its token, and every wait its end."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from smtpdoctor.smtp.channel import Channel, os_token
from smtpdoctor.smtp.errors import ConnectFailed, Disconnected, NotSMTP, TimedOut, TLSFailed
from smtpdoctor.smtp.redact import Redactor
from smtpdoctor.smtp.reply import MAX_LINE
from smtpdoctor.smtp.transcript import Transcript
from tests import servers
from tests.checking import NEVER, ending
from tests.servers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificate, Certificates
    from tests.servers import Peer, Server

PATIENCE = 10.0  # what ends only a test that has gone wrong
SHORT = 0.2
SECRET = "hunter2-is-the-secret"


@contextlib.contextmanager
def connected(server: Server, seconds: float = PATIENCE) -> Iterator[Channel]:
    """Connect to a server, and close in the end."""
    transcript = Transcript(Redactor([SECRET]))
    channel = Channel.connect(server.host, server.port, transcript, time.monotonic() + seconds)
    try:
        yield channel
    finally:
        channel.close()


def trusting(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.ca_pem)


def reset_after_a_word(peer: Peer) -> None:
    """Break the connection off, but not before the client is sure to have it."""
    peer.receive()
    peer.reset()


# -- Connecting ---------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::1%lo"])
def test_a_closed_port_refuses(address: str) -> None:
    """Where nobody listens the token is ECONNREFUSED, over IPv4, IPv6, and with a scope."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((address.partition("%")[0], 0))
        with pytest.raises(ConnectFailed) as caught:
            Channel.connect(address, taken.getsockname()[1], Transcript(), time.monotonic() + PATIENCE)
    assert caught.value.token == "ECONNREFUSED"


def test_a_port_that_does_not_answer_times_out() -> None:
    """Where a listener takes no connection the deadline ends the attempt."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # fill its queue, so that the kernel drops what follows
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        with ending(), pytest.raises(ConnectFailed) as caught:
            Channel.connect("127.0.0.1", listener.getsockname()[1], Transcript(), time.monotonic() + SHORT)
    assert caught.value.token == "timeout"


def test_an_address_that_cannot_be_dialled() -> None:
    """An interface that does not exist is an error of connecting, not a crash."""
    with pytest.raises(ConnectFailed) as caught:
        Channel.connect("fe80::1%nosuch0", 25, Transcript(), time.monotonic() + PATIENCE)
    assert caught.value.token


@pytest.mark.parametrize(
    ("error", "token"),
    [
        (ConnectionResetError(errno.ECONNRESET, "words"), "ECONNRESET"),
        (OSError(errno.ENETUNREACH, "words"), "ENETUNREACH"),
        (TimeoutError(errno.ETIMEDOUT, "words"), "ETIMEDOUT"),
        (TimeoutError("words"), "timeout"),
        (OSError("words"), "EUNKNOWN"),
        (OSError(999_999, "words"), "EUNKNOWN"),
    ],
)
def test_tokens_come_from_errno(error: OSError, token: str) -> None:
    """The name of the errno, whatever the system's words are."""
    assert os_token(error) == token


# -- The dialogue -------------------------------------------------------------


def test_a_dialogue() -> None:
    """Commands go out and replies come back, over IPv6, too, and the transcript has both."""
    script = servers.dialogue()
    with serve(script, host="::1") as server, connected(server) as channel:
        assert channel.local_address == "::1"
        assert not channel.encrypted
        assert channel.tls is None
        assert channel.read_reply().code == 220
        assert channel.ask("EHLO client.test").lines[0] == servers.HOSTNAME
        channel.close("RSET", "QUIT")
        server.join()
    assert server.lines == ["EHLO client.test", "RSET", "QUIT"]
    turns = [(turn.direction, turn.text) for turn in channel._transcript.turns]
    assert turns[:3] == [
        ("in", "220 mail.example.test ESMTP"),
        ("out", "EHLO client.test"),
        ("in", "250-mail.example.test"),
    ]
    assert turns[-2:] == [("out", "RSET"), ("out", "QUIT")]
    assert not any(turn.encrypted for turn in channel._transcript.turns)


def test_a_silent_server_ends_at_the_deadline() -> None:
    """No word at all: a time-out with nothing received, when the deadline says so."""
    with serve(servers.silent) as server, connected(server, SHORT) as channel:
        with ending(), pytest.raises(TimedOut) as caught:
            channel.read_reply()
        with ending(), pytest.raises(TimedOut):
            channel.ask("NOOP")
    assert (caught.value.token, caught.value.received) == ("timeout", b"")


def test_a_dripping_server_ends_at_the_deadline() -> None:
    """Bytes that keep coming win no time, and what came is kept as evidence."""

    def drip(peer: Peer) -> None:
        peer.drip(b"220-mail\r\n220-" + b"x" * 1000, 0.01)

    with (
        serve(drip) as server,
        connected(server, SHORT) as channel,
        ending(),
        pytest.raises(TimedOut) as caught,
    ):
        channel.read_reply()
    assert caught.value.received
    assert {turn.direction for turn in channel._transcript.turns} == {"in"}


def test_a_peer_that_does_not_read_ends_at_the_deadline() -> None:
    """A send that the other side never takes ends at the deadline, too."""

    def idle(peer: Peer) -> None:
        peer.stopping.wait()

    with (
        serve(idle) as server,
        connected(server, SHORT) as channel,
        ending(),
        pytest.raises(TimedOut),
    ):
        channel.send(b"x" * 50_000_000, "much")


@pytest.mark.parametrize(("script", "token"), [(servers.closing, "eof"), (reset_after_a_word, "ECONNRESET")])
def test_a_lost_connection(script: servers.Script, token: str) -> None:
    """An orderly close is ``eof``, a reset the name of its errno."""
    with serve(script) as server, connected(server) as channel, pytest.raises(Disconnected) as caught:
        channel.ask("NOOP")
    assert (caught.value.token, caught.value.received) == (token, b"")


def test_sending_into_a_lost_connection() -> None:
    """A reset is noticed by a send as well."""
    with serve(reset_after_a_word) as server, connected(server) as channel:
        channel.send(b"NOOP\r\n", "NOOP")
        server.join()
        with pytest.raises(Disconnected) as caught:
            channel.send(b"x" * 50_000_000, "much")
    assert caught.value.token in {"ECONNRESET", "EPIPE"}


def test_half_a_reply() -> None:
    """What came of a reply that the server did not finish is evidence."""
    with (
        serve(servers.raw(b"421-going\r\n421 no")) as server,
        connected(server) as channel,
        pytest.raises(Disconnected) as caught,
    ):
        channel.read_reply()
    assert caught.value.received == b"going\n421 no"


def test_another_protocol() -> None:
    """What cannot be SMTP ends the dialogue with a label, at once."""
    with serve(servers.ssh_banner) as server, connected(server) as channel, pytest.raises(NotSMTP) as caught:
        channel.read_reply()
    assert caught.value.label == "ssh"


def test_an_endless_line_is_given_up() -> None:
    """A line without end is refused after its bound, long before the deadline."""
    with (
        serve(servers.endless_line) as server,
        connected(server) as channel,
        pytest.raises(NotSMTP) as caught,
    ):
        channel.read_reply()
    assert (caught.value.label, len(caught.value.received)) == ("line-too-long", MAX_LINE)


def test_drop_pending() -> None:
    """What came behind a reply in the same segment can be found and forgotten."""
    with serve(servers.raw(b"220 go\r\n250 injected\r\n")) as server, connected(server) as channel:
        assert channel.read_reply().code == 220
        assert channel.drop_pending() == b"250 injected\r\n"
        assert channel.drop_pending() == b""
        with pytest.raises(Disconnected):
            channel.read_reply()


# -- TLS ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "mail.example.test"])
def test_implicit_tls(certificates: Certificates, name: str) -> None:
    """A good certificate is taken for each of its names, and the dialogue goes on inside TLS."""
    script = servers.dialogue(implicit_cert=certificates.good)
    with serve(script) as server, connected(server) as channel:
        channel.start_tls(trusting(certificates), name)
        assert channel.encrypted
        assert channel.tls is not None
        assert channel.tls.version() == "TLSv1.3"
        assert channel.read_reply().code == 220
        channel.close("QUIT")
        server.join()
        assert server.lines == ["QUIT"]
        assert server.connections[0].server_name == (None if name == "127.0.0.1" else name)
    assert all(turn.encrypted for turn in channel._transcript.turns)


def test_a_name_that_is_not_ascii(certificates: Certificates) -> None:
    """An international name goes into SNI as A-labels, and is checked against the certificate."""
    with serve(servers.tls_on_connect(certificates.good)) as server, connected(server) as channel:
        with pytest.raises(TLSFailed) as caught:
            channel.start_tls(trusting(certificates), "bücher.test")
        assert caught.value.token == "x509-62"
        channel.close()
        server.join()
        assert server.connections[0].server_name == "xn--bcher-kva.test"


def test_starttls_and_large_replies(certificates: Certificates) -> None:
    """After STARTTLS replies of many records are read whole, and long sends arrive whole."""
    lines = [f"line {number} {'x' * 900}" for number in range(120)]
    script = servers.dialogue(
        {"VRFY": servers.multiline(250, *lines)}, starttls_cert=certificates.good, tls_capabilities=("HELP",)
    )
    with serve(script) as server, connected(server) as channel:
        channel.read_reply()
        assert channel.ask("STARTTLS").code == 220
        assert channel.drop_pending() == b""
        channel.start_tls(trusting(certificates), "localhost")
        assert channel.ask("EHLO x.test").lines == (servers.HOSTNAME, "HELP")
        assert channel.ask("VRFY all").lines == tuple(lines)
        assert channel.ask("DATA").code == 354
        channel.send(b"y" * 300_000 + b"\r\n.\r\n", "message")
        assert channel.read_reply().code == 250
    assert server.messages == [b"y" * 300_000 + b"\r\n"]


@pytest.mark.parametrize(
    ("which", "name", "token"),
    [
        ("expired", "localhost", "x509-10"),
        ("not_yet_valid", "localhost", "x509-9"),
        ("self_signed", "localhost", "x509-18"),
        ("missing_intermediate", "localhost", "x509-20"),
        ("wrong_name", "localhost", "x509-62"),
        ("wrong_name", "127.0.0.1", "x509-64"),
        ("weak_key", "localhost", "x509-66"),
    ],
)
def test_a_bad_certificate_is_refused(certificates: Certificates, which: str, name: str, token: str) -> None:
    """The token is OpenSSL's verify code, and the server is told by an alert."""
    certificate: Certificate = getattr(certificates, which)
    context = trusting(certificates)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    with serve(servers.tls_on_connect(certificate)) as server, connected(server) as channel:
        with pytest.raises(TLSFailed) as caught:
            channel.start_tls(context, name)
        assert caught.value.token == token
        assert caught.value.detail
        assert caught.value.received[:2] == b"\x16\x03"
        assert not channel.encrypted
        channel.close()
        server.join()


def test_an_unknown_authority_is_refused(certificates: Certificates) -> None:
    """A certificate of a CA that the client does not know is no good."""
    with (
        serve(servers.tls_on_connect(certificates.good)) as server,
        connected(server) as channel,
        pytest.raises(TLSFailed) as caught,
    ):
        channel.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "localhost")
    assert caught.value.token == "x509-20"


@pytest.mark.parametrize(
    ("script", "first"),
    [
        (servers.greet(), b"220 mail.example.test ESMTP ready\r\n"),
        (servers.http_server, b"HTTP/1.1 400 Bad Request\r\n"),
        (servers.raw(b"554 " + b"z" * 5000 + b"\r\n"), b"554 " + b"z" * 508),
    ],
)
def test_a_peer_that_speaks_no_tls(script: servers.Script, first: bytes) -> None:
    """The peer's own first bytes are kept: they say what it speaks instead."""
    with serve(script) as server, connected(server) as channel, pytest.raises(TLSFailed) as caught:
        channel.start_tls(ssl.create_default_context(), "localhost")
    assert caught.value.token == "WRONG_VERSION_NUMBER"
    assert caught.value.received.startswith(first)
    assert len(caught.value.received) <= 2 * 512


def test_no_common_version(certificates: Certificates) -> None:
    """The alert of a server that is too new has OpenSSL's reason as its token."""
    context = trusting(certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    script = servers.tls_on_connect(certificates.good, minimum=ssl.TLSVersion.TLSv1_3)
    with serve(script) as server, connected(server) as channel, pytest.raises(TLSFailed) as caught:
        channel.start_tls(context, "localhost")
    assert caught.value.token == "TLSV1_ALERT_PROTOCOL_VERSION"


def test_a_handshake_ends_at_the_deadline() -> None:
    """A peer that stays silent or drips in the handshake is a time-out."""

    def drip(peer: Peer) -> None:
        peer.drip(b"\x16\x03\x03\x20\x00" + b"\x02" * 1000, 0.01)

    for script in (servers.silent, drip):
        with serve(script) as server, connected(server, SHORT) as channel:
            with ending(), pytest.raises(TimedOut) as caught:
                channel.start_tls(ssl.create_default_context(), "localhost")
            assert caught.value.received[:1] in {b"", b"\x16"}


@pytest.mark.parametrize(
    ("script", "token", "first"),
    [
        (servers.closing, "eof", b""),
        (reset_after_a_word, "ECONNRESET", b""),
        (servers.raw(b"\x16\x03\x03"), "eof", b"\x16\x03\x03"),
    ],
)
def test_a_connection_lost_in_the_handshake(script: servers.Script, token: str, first: bytes) -> None:
    """It is a lost connection, with the first bytes if there were any."""
    with serve(script) as server, connected(server) as channel, pytest.raises(Disconnected) as caught:
        channel.start_tls(ssl.create_default_context(), "localhost")
    assert (caught.value.token, caught.value.received) == (token, first)


def plain_socket(peer: Peer) -> socket.socket:
    """Return the socket below a server's TLS, to send what is no TLS."""
    return socket.socket(fileno=socket.dup(peer._socket.fileno()))


@pytest.mark.parametrize("orderly", [True, False])
def test_a_connection_closed_inside_tls(certificates: Certificates, orderly: bool) -> None:
    """With or without TLS's own farewell the end of the connection is ``eof``."""

    def leave(peer: Peer) -> None:
        if not orderly:
            peer._socket.shutdown(socket.SHUT_WR)

    script = servers.sequence(servers.tls_on_connect(certificates.good), servers.say("220-half"), leave)
    with serve(script) as server, connected(server) as channel:
        channel.start_tls(trusting(certificates), "localhost")
        with pytest.raises(Disconnected) as caught:
            channel.read_reply()
    assert (caught.value.token, caught.value.received) == ("eof", b"half\n")


def test_nonsense_inside_tls(certificates: Certificates) -> None:
    """Bytes that are no record end the session as a failure of TLS."""

    def nonsense(peer: Peer) -> None:
        with plain_socket(peer) as sock:
            sock.sendall(b"220 clear text again\r\n")
        peer.wait()

    with serve(servers.tls_on_connect(certificates.good), nonsense) as server, connected(server) as channel:
        channel.start_tls(trusting(certificates), "localhost")
        with pytest.raises(TLSFailed) as caught:
            channel.read_reply()
        channel.close("QUIT")
    assert caught.value.token


# -- Closing ------------------------------------------------------------------


@pytest.mark.parametrize("script", [servers.silent, servers.closing, reset_after_a_word, servers.greet()])
@pytest.mark.parametrize("farewell", [(), ("QUIT",)])
def test_close_never_raises(script: servers.Script, farewell: tuple[str, ...]) -> None:
    """Whatever became of the connection, closing it is quiet, quick, and can be repeated."""
    with serve(script) as server, connected(server, NEVER) as channel, ending():
        if script is reset_after_a_word:
            channel.send(b"NOOP\r\n", "NOOP")
            server.join()
        channel.close(*farewell)
        channel.close(*farewell)


def test_close_after_the_deadline() -> None:
    """A deadline that has passed does not keep the socket open."""
    with serve(servers.silent) as server, connected(server, 0.01) as channel:
        with pytest.raises(TimedOut):
            channel.read_reply()
        channel.close("QUIT")
        server.join()
    assert server.lines == []


# -- The transcript -----------------------------------------------------------


def test_the_transcript_masks() -> None:
    """A secret that a server echoes never gets into the transcript, nor a control character."""
    script = servers.dialogue({"AUTH": f"535 5.7.8 no {SECRET}\x1b[2J"}, greeting="220 hello")
    with serve(script) as server, connected(server) as channel:
        channel.read_reply()
        channel.ask("AUTH NONE secret-as-it-goes", shown="AUTH NONE ********")
        channel.ask(f"VRFY {SECRET}")
    texts = [turn.text for turn in channel._transcript.turns]
    assert texts[:2] == ["220 hello", "AUTH NONE ********"]
    assert "VRFY ********" in texts
    assert not any(SECRET in text or "\x1b" in text or "as-it-goes" in text for text in texts)
    assert server.lines == ["AUTH NONE secret-as-it-goes", f"VRFY {SECRET}"]


def test_the_transcript_is_bounded() -> None:
    """Neither many turns nor long ones fill the memory; each has its moment."""
    transcript = Transcript()
    transcript.record("note", "x" * 100_000)
    transcript.record("in", "250-a\r\n" * 5000, encrypted=True)
    assert len(transcript.turns) == 2000
    assert len(transcript.turns[0].text) == 2001
    assert transcript.turns[1].text == "250-a"
    assert 0 <= transcript.turns[0].seconds <= transcript.turns[-1].seconds <= transcript.seconds
