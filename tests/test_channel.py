"""The channel: every way in which a connection can fail has its token, and every wait its end."""

from __future__ import annotations

import contextlib
import errno
import itertools
import select
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.smtp.channel import Channel, Oddity, _Records, os_token, own_name, tls_token
from smtpdoctor.smtp.errors import (
    ConnectFailed,
    DialogueError,
    Disconnected,
    NotSMTP,
    TimedOut,
    TLSFailed,
    Unsolicited,
)
from smtpdoctor.smtp.reply import MAX_LINE, MAX_REPLY
from smtpdoctor.smtp.transcript import Transcript
from tests import servers
from tests.checking import NEVER, ending
from tests.each import each
from tests.examples import examples, some_of
from tests.servers import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.certs import Certificate, Certificates
    from tests.servers import Peer, Server

PATIENCE = 10.0  # what ends only a test that has gone wrong
SHORT = 0.2
SECRET = "hunter2-is-the-secret"


@contextlib.contextmanager
def connected(server: Server, seconds: float = PATIENCE) -> Iterator[Channel]:
    """Connect to a server, and close in the end; the time begins when the connection stands."""
    transcript = Transcript(Redactor([SECRET]))
    channel = Channel.connect(server.host, server.port, transcript, time.monotonic() + PATIENCE)
    channel.deadline = time.monotonic() + seconds
    try:
        yield channel
    finally:
        channel.close()


@contextlib.contextmanager
def paired(seconds: float = PATIENCE) -> Iterator[tuple[Channel, socket.socket]]:
    """Return a channel and its other end, for what must have arrived before the channel looks."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours, Transcript(Redactor([SECRET])), time.monotonic() + seconds)
    with theirs:
        try:
            yield channel, theirs
        finally:
            channel.close()


def on_receipt(channel: Channel, hook: Callable[[bytes], None]) -> None:
    """Have it called with each piece that the channel takes from its socket."""
    inner = channel._socket

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(inner, name)

        def recv(self, size: int) -> bytes:
            piece = inner.recv(size)
            hook(piece)
            return piece

    channel._socket = Watched()  # type: ignore[assignment]


@contextlib.contextmanager
def paired_in_tls(certificates: Certificates) -> Iterator[tuple[Channel, socket.socket]]:
    """Return the same with TLS between them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.cert_pem, certificates.good.key_pem)
    with paired() as (channel, theirs):
        ends: list[ssl.SSLSocket] = []
        thread = threading.Thread(target=lambda: ends.append(context.wrap_socket(theirs, server_side=True)))
        thread.start()
        channel.start_tls(trusting(certificates), "localhost")
        thread.join()
        with ends[0] as end:
            yield channel, end


@contextlib.contextmanager
def paired_in_records(
    certificates: Certificates, tickets: int = 0
) -> Iterator[tuple[Channel, socket.socket, Callable[[bytes], bytes]]]:
    """Return the same, and what makes a record of TLS, so that the test can cut it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.cert_pem, certificates.good.key_pem)
    context.num_tickets = tickets
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = context.wrap_bio(incoming, outgoing, server_side=True)

    def record(data: bytes) -> bytes:
        if data:
            end.write(data)
        return outgoing.read()

    with paired() as (channel, theirs):

        def shake() -> None:
            while True:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    theirs.sendall(outgoing.read())
                    incoming.write(theirs.recv(20_000))
                else:
                    return

        thread = threading.Thread(target=shake)
        thread.start()
        channel.start_tls(trusting(certificates), "localhost")
        thread.join()
        yield channel, theirs, record


def answer(peer: socket.socket, data: bytes) -> None:
    """Wait for a command, then send this."""
    peer.recv(100)
    peer.sendall(data)


def incoming(channel: Channel) -> list[str]:
    """Return what the transcript says that the server said."""
    return [turn.text for turn in channel._transcript.turns if turn.direction == "in"]


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


def test_this_host_has_a_name() -> None:
    """It is the system's own, or begins with it."""
    assert own_name().startswith(socket.gethostname().partition(".")[0])


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

    def expire_soon(_piece: bytes) -> None:
        channel.deadline = min(channel.deadline, time.monotonic() + SHORT)

    with serve(drip) as server, connected(server) as channel:
        on_receipt(channel, expire_soon)
        with ending(), pytest.raises(TimedOut) as caught:
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


@given(st.binary(min_size=1, max_size=40).map(lambda data: b"220 " + data.replace(b"\n", b"")))
def test_a_silence_ends_with_the_first_byte(data: bytes) -> None:
    """However little has come, and nothing of it is lost for who reads the reply then."""
    with paired() as (channel, theirs):
        assert channel.is_silent(0.001)
        theirs.sendall(data[:1])
        assert not channel.is_silent(PATIENCE)
        theirs.sendall(data[1:] + b"\r\n")
        whole = channel.read_reply()
    with paired() as (channel, theirs):
        theirs.sendall(data + b"\r\n")
        assert channel.read_reply() == whole


def test_a_silence_is_no_end() -> None:
    """The end of a connection is told as who reads a reply is told it."""
    with paired() as (channel, theirs):
        theirs.close()
        for read in (lambda: channel.is_silent(PATIENCE), channel.read_reply):
            with pytest.raises(Disconnected) as found:
                read()
            assert found.value.token == "eof"


def test_half_a_reply() -> None:
    """What came of a reply that the server did not finish is evidence."""
    with (
        serve(servers.raw(b"421-going\r\n421 no")) as server,
        connected(server) as channel,
        pytest.raises(Disconnected) as caught,
    ):
        channel.read_reply()
    assert caught.value.received == b"421-going\r\n421 no"


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


# -- What was on the wire -----------------------------------------------------


def test_the_transcript_is_what_was_on_the_wire() -> None:
    """Lines are shown as they came, however wrong they are; only what no terminal may get is escaped."""
    with paired() as (channel, peer):
        peer.sendall(
            b"220-one\r\nWelcome, be nice\r\n220-\r\n\r\n250two\x07\r\r\n" + "221 메일\n".encode("cp949")
        )
        assert channel.read_reply().lines == ("one", "Welcome, be nice", "", "", "two\x07")
        assert channel.read_reply().lines == ("메일",)
        assert incoming(channel) == [
            *("220-one", "Welcome, be nice", "220-", "", "250two\\x07\\x0d"),
            "221 메일",
        ]


def test_oddities_are_kept_for_every_reply() -> None:
    """Each has the command that the reply answered; what is in order has none."""
    with (
        serve(
            servers.raw(b"220 a\n"),
            *(
                servers.on("EHLO", "250 b"),
                servers.on("AUTH", "334 "),
                lambda peer: peer.send(b"235-c\r\n535 d\r\n"),
            ),
        ) as server,
        connected(server) as channel,
    ):
        channel.read_reply()
        channel.ask("EHLO x")
        channel.ask("AUTH LOGIN")
        assert channel.read_reply().code == 535
        assert channel.oddities == [
            Oddity("", 220, frozenset({"bare-lf"})),
            Oddity("AUTH", 535, frozenset({"codes-differ"})),
        ]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n", ["HTTP/1.1 400 Bad Request", "Server: x"]),
        (b"J\x00\x00\x00\n8.0.36\x00", ["J\\x00\\x00\\x00", "8.0.36\\x00"]),
        (b"220-mail\r\n220 ma", ["220-mail", "220 ma"]),
    ],
)
def test_what_ended_a_dialogue_is_written_down(data: bytes, shown: list[str]) -> None:
    """What is no reply, or only half of one, is in the transcript, too, and in it once."""
    with paired() as (channel, peer):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises((NotSMTP, Disconnected)):
            channel.read_reply()
        channel.close()
        assert incoming(channel) == shown


def test_what_was_never_read_is_written_down() -> None:
    """Half a reply behind the last one is part of the dialogue; a secret in it is masked before any cut."""
    with paired() as (channel, peer):
        peer.sendall(b"220 a\r\n250-" + b"x" * 505 + SECRET.encode())
        channel.read_reply()
        channel.close()
        assert incoming(channel) == ["220 a", "250-" + "x" * 505 + "********"]


@pytest.mark.parametrize(
    ("label", "pieces"),
    [
        ("mysql", (b"J\x00\x00", b"\x00\n5.7.44-log\x00\x08\x00\x00\x00")),
        ("amqp", (b"AMQP\x00\x00\x09\x01",)),
        ("memcached", (b"ERROR\r\n",)),
        ("binary", (b"\x00\x01\x02",)),
        ("malformed", (b"what is this?\r\n",)),
    ],
)
def test_another_protocol_is_known_by_more_than_its_first_bytes(
    label: str, pieces: tuple[bytes, ...]
) -> None:
    """The rest of the first packet is awaited for a moment, and looked at."""
    with paired() as (channel, peer):
        peer.sendall(pieces[0])
        thread = threading.Thread(target=peer.sendall, args=(b"".join(pieces[1:]),))
        thread.start()
        with pytest.raises(NotSMTP) as caught:
            channel.read_reply()
        thread.join()
        assert (caught.value.label, caught.value.received) == (label, b"".join(pieces))


@pytest.mark.parametrize(
    ("data", "lines", "dripping"),
    [
        ([b"220-mail.example.test ESMTP\r\n"], 1, False),
        ([b"220-mail.example.test ESMTP\r\n", b"220-please wait\r\n"], 2, False),
        ([b"220-mail.exam"], 0, False),
        ([bytes([byte]) for byte in b"220-mail\r\n220-ma"], 1, True),
        ([bytes([byte]) for byte in b"220-m"], 0, True),
        ([], 0, False),
    ],
)
def test_a_greeting_that_was_begun(data: list[bytes], lines: int, dripping: bool) -> None:
    """Whole lines mean a server that takes its time (postscreen), single bytes one that drips."""
    came = bytearray()
    taken = threading.Semaphore(0)

    def note(piece: bytes) -> None:
        came.extend(piece)
        taken.release()
        if len(came) == sum(map(len, data)):
            channel.deadline = time.monotonic()

    def run() -> None:
        for piece in data:  # one by one, so that each is a piece of its own to the reader
            peer.sendall(piece)
            taken.acquire(timeout=PATIENCE)

    with paired(PATIENCE if data else SHORT) as (channel, peer):
        on_receipt(channel, note)
        thread = threading.Thread(target=run)
        thread.start()
        with pytest.raises(TimedOut) as caught:
            channel.read_reply()
        thread.join()
        assert caught.value.received == b"".join(data)
        assert (caught.value.lines, caught.value.dripping) == (lines, dripping)


# -- What belongs to no command -----------------------------------------------

STRAYS = [
    (b"502 5.5.2 Error: command not recognized\r\n", [502]),
    (b"220 mail.example.test ESMTP\r\n", [220]),
    (b"250-one\r\n250 two\r\n502 three\r\n", [250, 502]),
    (b"this is no reply\r\n", []),
    (b"250-and the rest never comes\r\n", []),
]


@pytest.mark.parametrize(("stray", "codes"), STRAYS)
def test_a_reply_that_belongs_to_no_command(stray: bytes, codes: list[int]) -> None:
    """It is told before the command goes out, whether it was read already or not; then asking again goes on."""
    for before, after in ((stray, b""), (b"", stray)):
        with paired() as (channel, peer):
            peer.sendall(b"220 mail.example.test ESMTP\r\n" + before)
            channel.read_reply()
            peer.sendall(after)
            with pytest.raises(Unsolicited) as caught:
                channel.ask("EHLO client.test")
            assert [reply.code for reply in caught.value.replies] == codes
            assert (caught.value.token, caught.value.received) == ("stray-reply", stray)
            assert incoming(channel)[1:] == stray.decode().rstrip("\r\n").split("\r\n")
            thread = threading.Thread(target=answer, args=(peer, b"250 hello\r\n"))
            thread.start()
            assert channel.ask("EHLO client.test").code == 250
            thread.join()


def test_a_stray_reply_inside_tls(certificates: Certificates) -> None:
    """TLS hides nothing: what is in the socket or in TLS's buffers is found."""
    with paired_in_tls(certificates) as (channel, peer):
        peer.sendall(b"220 mail.example.test ESMTP\r\n")
        assert channel.read_reply().code == 220
        peer.sendall(b"250 one\r\n")
        peer.sendall(b"250 two\r\n")
        with pytest.raises(Unsolicited) as caught:
            channel.ask("EHLO client.test")
        assert [reply.text for reply in caught.value.replies] == ["one", "two"]
        thread = threading.Thread(target=answer, args=(peer, b"250 hello\r\n"))
        thread.start()
        assert channel.ask("EHLO client.test").text == "hello"
        thread.join()


@pytest.mark.parametrize("in_tls", [False, True])
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"421 4.3.2 Too many connections\r\n", 421),
        (b"554 5.7.1 go away\r\n", 554),
        (b"421-4.3.2 a\r\n421 b\r\n", 421),
    ],
)
def test_a_farewell_is_an_answer(certificates: Certificates, data: bytes, code: int, in_tls: bool) -> None:
    """A server that hangs up with a word has answered whatever would come; the command is not sent."""
    with paired_in_tls(certificates) if in_tls else paired() as (channel, peer):
        peer.sendall(data)
        # The plain socket's method: most servers end TLS without its farewell.
        socket.socket.shutdown(peer, socket.SHUT_WR)
        assert channel.ask("MAIL FROM:<a@b.test>").code == code
        with pytest.raises(Disconnected):
            channel.ask("RSET")
        assert not any(turn.direction == "out" for turn in channel._transcript.turns)


def test_a_421_needs_no_end_of_the_connection() -> None:
    """The server may still be about to close (RFC 5321 section 3.8)."""
    with paired() as (channel, peer):
        peer.sendall(b"421 4.4.2 Error: timeout exceeded\r\n")
        assert channel.ask("NOOP").code == 421


@pytest.mark.parametrize("data", [b"", b"421-shutting"])
def test_a_connection_that_has_ended_takes_no_command(data: bytes) -> None:
    """The end is told before anything is sent, with what came of an unfinished reply."""
    with paired() as (channel, peer):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        for _ in range(2):
            with pytest.raises(Disconnected) as caught:
                channel.ask("NOOP")
            assert (caught.value.token, caught.value.received) == ("eof", data)
        assert [turn.direction for turn in channel._transcript.turns] == ["in"] * bool(data)


def test_a_stray_reply_whose_rest_is_late() -> None:
    """A reply that has begun is awaited to its end, so that the rest is not taken for the answer."""
    with paired() as (channel, peer):
        peer.sendall(b"250-one\r\n25")
        thread = threading.Thread(target=peer.sendall, args=(b"0 two\r\n",))
        thread.start()
        with pytest.raises(Unsolicited) as caught:
            channel.ask("NOOP")
        thread.join()
        assert [reply.lines for reply in caught.value.replies] == [("one", "two")]


@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(1, 30), late=st.booleans())
def test_a_record_that_has_begun(certificates: Certificates, cut: int, late: bool) -> None:
    """Wherever TLS is cut, what has begun to come unasked is noticed: its end is awaited, for a moment."""
    with paired_in_records(certificates) as (channel, peer, record):
        peer.sendall(record(b"220 mail.example.test ESMTP\r\n"))
        channel.read_reply()
        data = record(b"250 early\r\n")
        peer.sendall(data[:cut])
        thread = threading.Thread(target=peer.sendall, args=(data[cut:],))
        if late:
            thread.start()
        else:
            channel.deadline = time.monotonic() + 0.02
        with pytest.raises((Unsolicited, TimedOut)) as caught:
            channel.ask("NOOP")
        replies = getattr(caught.value, "replies", ())
        assert [reply.text for reply in replies] == (["early"] if late else [])
        assert not any(turn.direction == "out" for turn in channel._transcript.turns)
        if late:
            thread.join()


def test_what_tls_says_for_itself_is_no_reply(certificates: Certificates) -> None:
    """Session tickets come when the server likes, in part, too, and nobody is to answer them."""
    with paired_in_records(certificates, tickets=5) as (channel, peer, record):
        tickets = record(b"")  # the handshake's own, which were held back
        peer.sendall(tickets[: len(tickets) // 2])
        thread = threading.Thread(target=peer.sendall, args=(tickets[len(tickets) // 2 :],))
        thread.start()
        channel.send(b"", "")
        assert channel.unasked() is None
        thread.join()


PLACES = ["before", "between", "after"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("early", [b"250 2.0.0 queued\r\n", b"554 5.7.1 no\r\n"])
def test_a_message_is_asked_for_by_its_last_line(place: str, early: bytes) -> None:
    """An answer that is there before that line is none, and the line is not sent; behind it, it is one."""
    with paired(1.5) as (channel, peer):
        got = bytearray()

        def serve_message() -> None:
            while b"line\r\n" not in got:
                if not (data := peer.recv(100)):
                    return
                got.extend(data)
            if place == "between":
                peer.sendall(early)
                held.set()
            while not got.endswith(b"\r\n.\r\n"):
                if not (data := peer.recv(100)):
                    return
                got.extend(data)
            peer.sendall(b"250 2.0.0 queued\r\n")

        held = threading.Event()

        class Held:
            """The channel's socket, which looks behind the first piece only when the early reply is there."""

            def __getattr__(self, name: str) -> object:
                return getattr(inner, name)

            def send(self, data: bytes) -> int:
                sent.append(data)
                return inner.send(data)

            def recv(self, size: int) -> bytes:
                if sent and place == "between":
                    held.wait(PATIENCE)
                return inner.recv(size)

        sent: list[bytes] = []

        inner = channel._socket
        channel._socket = Held()  # type: ignore[assignment]
        if place == "before":
            peer.sendall(early)
        thread = threading.Thread(target=serve_message, daemon=True)
        thread.start()
        if place == "after":
            assert channel.ask_with_message(b"a line\r\n.\r\n", shown="(message)").code == 250
        else:
            with pytest.raises(Unsolicited):
                channel.ask_with_message(b"a line\r\n.\r\n", shown="(message)")
            inner.shutdown(socket.SHUT_WR)
        thread.join()
        assert bytes(got) == {"before": b"", "between": b"a line\r\n", "after": b"a line\r\n.\r\n"}[place]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what has been received")
@pytest.mark.parametrize("unheard", [0, 1])
@pytest.mark.parametrize("second", [b"", b"550 5.1.8 no such sender\r\n"])
def test_a_reply_that_crosses_its_command(unheard: int, second: bytes) -> None:
    """What came before the other side's system had the command is no answer, if the real one follows it."""
    with paired() as (channel, peer):

        class Slow:
            """The channel's socket, on a line on which the command takes its time."""

            family = socket.AF_INET

            def __getattr__(self, name: str) -> object:
                return getattr(inner, name)

            def getsockopt(self, _level: int, _name: int, size: int) -> bytes:
                info = bytearray(size)
                info[24:28] = unheard.to_bytes(4, sys.byteorder)
                return bytes(info)

        inner = channel._socket
        channel._socket = Slow()  # type: ignore[assignment]

        def run() -> None:
            answer(peer, b"250 2.1.0 Ok\r\n" + second)
            peer.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=run)
        thread.start()
        if unheard and second:
            with pytest.raises(Unsolicited) as caught:
                channel.ask("MAIL FROM:<a@b.test>")
            assert [reply.code for reply in caught.value.replies] == [250, 550]
        else:
            assert channel.ask("MAIL FROM:<a@b.test>").code == 250
        thread.join()


def test_on_a_real_connection_nothing_crosses() -> None:
    """The system's own word is understood, and no answer is taken for one that came too early."""
    with serve(servers.dialogue()) as server, connected(server) as channel:
        channel.read_reply()
        for _ in range(30):
            channel.ask("NOOP")
            assert channel._crossing() == 0


def flood_of(data: bytes) -> servers.Script:
    """Send the same again and again, as fast as the client takes it."""

    def run(peer: Peer) -> None:
        while not peer.stopping.is_set():
            peer.send(data * (20_000 // len(data)))

    return run


@pytest.mark.parametrize(
    ("data", "in_tls"),
    [
        (data, in_tls)
        for turn, data in enumerate((b"250 x\r\n", b"250-x\r\n", b"2", b"\0", b"\n", b"x\r\n"))
        for in_tls in some_of((False, True), 2, turn)
    ],
)
def test_a_look_into_a_flood_ends(certificates: Certificates, data: bytes, in_tls: bool) -> None:
    """It takes no more than a reply can be, and no more than a few pieces, whatever comes on."""
    first = servers.tls_on_connect(certificates.good) if in_tls else servers.raw(b"")
    with (
        serve(first, servers.greet(), flood_of(data)) as server,
        connected(server, NEVER) as channel,
        ending(),
    ):
        if in_tls:
            channel.start_tls(trusting(certificates), "localhost")
        channel.read_reply()
        select.select([channel._socket], [], [], PATIENCE)  # until it has begun
        with pytest.raises(Unsolicited) as caught:
            channel.ask("NOOP")
        assert len(caught.value.received) <= 3 * MAX_REPLY
        assert len(channel.drop_pending()) <= 3 * MAX_REPLY


def test_more_within() -> None:
    """Another reply is returned if it comes in time, and nothing raised if it does not, or the server goes."""
    with paired() as (channel, peer):
        assert channel.more_within(SHORT) is None
        peer.sendall(b"502 what?\r\n250 hel")
        found = channel.more_within(PATIENCE)
        assert found is not None
        assert found.code == 502
        peer.shutdown(socket.SHUT_WR)
        assert channel.more_within(PATIENCE) is None
        with pytest.raises(Disconnected) as caught:
            channel.read_reply()
        assert caught.value.received == b"250 hel"
        assert channel.deadline > time.monotonic() + SHORT


def test_looking_does_not_wait() -> None:
    """A dialogue in which nothing is stray goes on at once, after the deadline of nothing but its own waits."""
    with serve(servers.dialogue()) as server, connected(server) as channel:
        channel.read_reply()
        for _ in range(50):
            assert channel.ask("NOOP").code == 250


def test_nothing_but_dialogue_errors_comes_out_of_a_reset() -> None:
    """A reset that is noticed while looking has its token."""
    with serve(reset_after_a_word) as server, connected(server) as channel:
        channel.send(b"NOOP\r\n", "NOOP")
        server.join()
        with pytest.raises(DialogueError) as caught:
            channel.ask("NOOP")
        assert caught.value.token == "ECONNRESET"


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
    assert len(caught.value.received) <= 512
    assert caught.value.detail == ""


@pytest.mark.parametrize("pieces", [1, 2, 5, 40])
def test_the_first_bytes_are_kept_in_whatever_pieces_they_come(pieces: int) -> None:
    """Also where the peer has closed its ear by the time that it is to be told why."""
    # A whole record, which holds no message of a handshake.
    said = b"\x16\x03\x03\x3f\xff" + (bytes(range(5, 256)) * 66)[:0x3FFF]
    ours, theirs = socket.socketpair()
    with theirs:
        channel = Channel(ours, Transcript(), time.monotonic() + PATIENCE)

        def answer() -> None:
            theirs.recv(65_536)
            theirs.shutdown(socket.SHUT_RD)
            size = -(-len(said) // pieces)
            for at in range(0, len(said), size):
                theirs.sendall(said[at : at + size])

        peer = threading.Thread(target=answer)
        peer.start()
        with pytest.raises(TLSFailed) as caught:
            channel.start_tls(ssl.create_default_context(), "localhost")
        peer.join()
        channel.close()
    assert caught.value.received == said[:512]
    assert not channel.encrypted


@given(
    st.lists(st.integers(0, 20) | st.sampled_from([255, 256, 16_383, 16_640]), max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_where_a_record_ends_is_known_however_it_is_cut(sizes: list[int], cuts: list[int]) -> None:
    """Within its head, within what it holds, and with several in one piece."""
    stream = b"".join(b"\x17\x03\x03" + size.to_bytes(2, "big") + b"z" * size for size in sizes)
    ends = {sum(sizes[:number]) + 5 * number for number in range(len(sizes) + 1)}
    records, at = _Records(), 0
    lengths = itertools.cycle([*cuts, 4_000])
    while at < len(stream):
        piece = stream[at : at + next(lengths)]
        records.feed(piece)
        at += len(piece)
        assert records.begun == (at not in ends), at
    assert not records.begun


@pytest.mark.parametrize("said", [b"", b"220 hello\r\n", b"220 hello\r\n250-half"])
def test_the_end_of_tls_is_the_end_of_the_connection(certificates: Certificates, said: bytes) -> None:
    """A server may end TLS in form and leave the socket open; what it began is told with the end."""
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.cert_pem, certificates.good.key_pem)

    def serve_tls() -> None:
        with context.wrap_socket(theirs, server_side=True) as tls, contextlib.suppress(OSError):
            tls.sendall(said)
            tls.unwrap()

    peer = threading.Thread(target=serve_tls)
    peer.start()
    channel = Channel(ours, Transcript(), time.monotonic() + PATIENCE)
    channel.start_tls(trusting(certificates), "localhost")
    if said:
        assert channel.read_reply().code == 220
    for _ in range(2):
        with pytest.raises(Disconnected) as caught:
            channel.read_reply()
        assert (caught.value.token, caught.value.received) == ("eof", said[11:])
    channel.close()
    peer.join()


def test_each_error_of_tls_has_a_token() -> None:
    """OpenSSL's verify code or reason; where an interpreter gives none, one of ours."""
    refused = ssl.SSLCertVerificationError(1, "no")
    refused.verify_code = 62
    told = ssl.SSLError(1, "[SSL: NO_CIPHERS_AVAILABLE] no")
    told.reason = "NO_CIPHERS_AVAILABLE"
    bare, ended = ssl.SSLError(1, "?"), ssl.SSLEOFError(8, "EOF")
    bare.reason = ended.reason = None  # type: ignore[assignment] # as the module sets it
    tokens = [tls_token(one) for one in (refused, told, bare, ended)]
    assert tokens == ["x509-62", "NO_CIPHERS_AVAILABLE", "tls-alert", "UNEXPECTED_EOF_WHILE_READING"]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=4), st.integers(0, 4))
def test_all_behind_a_reply_is_dropped_read_or_not(pieces: list[bytes], with_reply: int) -> None:
    """In the packet of the reply, or behind it: what is there before the handshake is nobody's answer to us."""
    ours, theirs = socket.socketpair()
    with theirs:
        channel = Channel(ours, Transcript(), time.monotonic() + PATIENCE)
        theirs.sendall(b"".join([b"220 go\r\n", *pieces[:with_reply]]))
        assert channel.read_reply().code == 220
        for piece in pieces[with_reply:]:
            theirs.sendall(piece)
        assert channel.drop_pending() == b"".join(pieces)
        assert channel.drop_pending() == b""
        channel.close()


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
    assert (caught.value.token, caught.value.received) == ("eof", b"220-half\r\n")


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


@each("script", [servers.silent, servers.closing, reset_after_a_word, servers.greet()])
@each("farewell", [(), ("QUIT",)])
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
