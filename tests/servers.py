"""Servers that do exactly what a test says, however wrong that is.

A server's behaviour is a `Script`: a function that is given the `Peer` at the
other end and talks with it. The parts below are scripts that can be put in a row::

    with serve(greet(), ehlo("STARTTLS"), starttls(certificate)) as server:
        ...

`dialogue` answers by verb instead, in whatever order the commands come. Each
connection has a thread of its own, and leaving the `with` ends all of them at once,
whatever they are waiting for.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import hashlib
import hmac
import queue
import select
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificate

HOST = "127.0.0.1"
HOSTNAME = "mail.example.test"
CAPABILITIES = (
    "PIPELINING",
    "SIZE 10485760",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "AUTH PLAIN LOGIN",
)
CHALLENGE = b"<1.1@mail.example.test>"

# Long enough for any machine; only a bug makes a thread live on for so long.
_JOIN_SECONDS = 20.0
_CHUNK = 65536


class Gone(Exception):
    """The client has closed the connection, or the test has ended."""


class Finished(Exception):
    """The script is over, as the client has said QUIT or the server has hung up."""


class _Workers:
    """Threads and the sockets that they block on, so that both can be ended."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()

    def start(self, target: Callable[..., None], *arguments: object) -> None:
        """Run a function on a thread, unless the end has come."""
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            if self.stopping.is_set():
                return
            self._threads.append(thread)
            thread.start()

    def add(self, sock: socket.socket) -> None:
        """Have a socket shut down at the end, or now if that has come."""
        with self._lock:
            self._sockets.add(sock)
            if self.stopping.is_set():
                _shut(sock)

    def exchange(self, old: socket.socket, make: Callable[[], ssl.SSLSocket]) -> ssl.SSLSocket:
        """Replace a socket by what takes over its descriptor, with no gap between."""
        with self._lock:
            new = make()
            self._sockets.discard(old)
            self._sockets.add(new)
            if self.stopping.is_set():
                _shut(new)
            return new

    def close(self, sock: socket.socket) -> None:
        """Close a socket, which then needs no ending any more."""
        with self._lock:
            self._sockets.discard(sock)
            sock.close()

    def stop(self) -> None:
        """Wake all threads and wait for their end."""
        with self._lock:
            self.stopping.set()
            for sock in self._sockets:
                _shut(sock)
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                message = f"{thread.name} of a test server does not end"
                raise RuntimeError(message)
        # Connections that came too late to be given a thread.
        for sock in self._sockets:
            sock.close()


def _shut(sock: socket.socket) -> None:
    # Not the SSLSocket's own method, which takes the TLS away under a reader's feet.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextlib.contextmanager
def _listening(
    workers: _Workers, host: str, handle: Callable[[socket.socket], None], port: int = 0
) -> Iterator[int]:
    """Accept connections on a port, by default a free one, and give each to a thread of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listener.bind((host, port))
        listener.listen(64)
        # Shutting a listener down does not wake its accept() on every system.
        wake, woken = socket.socketpair()
        stack.enter_context(wake)
        stack.enter_context(woken)

        def accept() -> None:
            while woken not in (ready := select.select([listener, woken], [], [])[0]):
                if ready:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    handle(connection)

        workers.start(accept)
        try:
            yield listener.getsockname()[1]
        finally:
            wake.send(b"x")
            workers.stop()


# -- Peers --------------------------------------------------------------------


@dataclass(frozen=True)
class Login:
    """What a client has tried to log in with."""

    mechanism: str
    user: str
    # The password, or what the mechanism sends for it.
    secret: str

    def matches(self, password: str) -> bool:
        """Whether the client knows this password (or token)."""
        if self.mechanism == "CRAM-MD5":
            digest = hmac.new(password.encode(), CHALLENGE, hashlib.md5).hexdigest()
            return self.secret == digest
        return self.secret == password


class Peer:
    """The client at the other end of one connection."""

    def __init__(self, server: Server, sock: socket.socket, number: int) -> None:
        """Take over a connection that has been accepted."""
        self._server = server
        self._workers = server.workers
        self._socket = sock
        self._received = bytearray()
        self._workers.add(sock)
        self.number = number
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.logins: list[Login] = []
        self.over = threading.Event()
        self.tls: str | None = None
        self.server_name: str | None = None

    @property
    def stopping(self) -> threading.Event:
        """Set when the test is over."""
        return self._workers.stopping

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send_line(self, text: str) -> None:
        """Send one line, or several where the text has several."""
        self.send("".join(f"{line}\r\n" for line in text.split("\n")).encode())

    def receive(self) -> bytes:
        """Receive whatever comes next."""
        if self._received:
            data = bytes(self._received)
            self._received.clear()
            return data
        data = self._socket.recv(_CHUNK)
        if not data:
            raise Gone
        return data

    def read_line(self) -> str:
        """Read a line, without its end, and keep it for the test to look at."""
        line = self._read_until(b"\n").decode("utf-8", "replace").rstrip("\r\n")
        self.lines.append(line)
        self._server.lines.append(line)
        return line

    def read_message(self) -> bytes:
        """Read a message up to the line with a lone dot, and undo the dot-stuffing."""
        lines = []
        while (line := self._read_until(b"\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        message = b"".join(lines)
        self.messages.append(message)
        self._server.messages.append(message)
        return message

    def _read_until(self, end: bytes) -> bytes:
        while (found := self._received.find(end)) < 0:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise Gone
            self._received += data
        line = bytes(self._received[: found + len(end)])
        del self._received[: found + len(end)]
        return line

    def start_tls(
        self,
        certificate: Certificate,
        *,
        minimum: ssl.TLSVersion | None = None,
        maximum: ssl.TLSVersion | None = None,
        ciphers: str = "DEFAULT:@SECLEVEL=0",
    ) -> None:
        """Begin TLS, forgetting plain text that came too early.

        The default ciphers let the server use a key that a client should refuse.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(ciphers)
        if minimum is not None:
            context.minimum_version = minimum
        if maximum is not None:
            context.maximum_version = maximum
        context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
        self.start_tls_with(context)

    def start_tls_with(self, context: ssl.SSLContext) -> None:
        """Begin TLS as a context of the test's own has it; a name that it looks at is its own affair."""

        def note(_socket: object, name: str | None, _context: object) -> None:
            self.server_name = name

        if context.sni_callback is None:
            context.sni_callback = note
        self._received.clear()
        wrapped = self._workers.exchange(
            self._socket,
            lambda: context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False),
        )
        self._socket = wrapped
        wrapped.do_handshake()
        self.tls = wrapped.version()

    def drip(self, data: bytes, gap: float) -> None:
        """Send one byte at a time, with a pause in seconds before each."""
        for index in range(len(data)):
            if self.stopping.wait(gap):
                raise Gone
            self.send(data[index : index + 1])

    def wait(self) -> None:
        """Say nothing until the client goes or the test ends, and drop what comes."""
        with contextlib.suppress(Gone, OSError):
            while True:
                self.receive()

    def close(self) -> None:
        """Close the connection in an orderly way, once the client has seen the end.

        Closing with something left to read would make it a reset.
        """
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._socket.unwrap()
        # The plain socket's methods, for the case that the TLS is beyond repair.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            while socket.socket.recv(self._socket, _CHUNK):
                pass
        self._workers.close(self._socket)

    def reset(self) -> None:
        """Break the connection off with an RST."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._workers.close(self._socket)

    def run(self, script: Script) -> None:
        """Follow a script to its end, whatever the client does."""
        try:
            # A closed socket is an OSError too, and ssl.SSLError is one.
            with contextlib.suppress(Gone, Finished, OSError):
                script(self)
        finally:
            self.close()
            self.over.set()


Script = Callable[[Peer], None]


class Server:
    """A running scripted server and what it has seen."""

    def __init__(self, host: str) -> None:
        """Begin with nothing seen."""
        self.workers = _Workers()
        self.host = host
        self.port = 0
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.connections: list[Peer] = []

    def join(self) -> None:
        """Wait until all clients that have connected so far are gone.

        Leaving the `with` cuts off what a client has sent last and not waited for.
        """
        for peer in tuple(self.connections):
            if not peer.over.wait(_JOIN_SECONDS):
                message = f"connection {peer.number} does not end"
                raise RuntimeError(message)


@contextlib.contextmanager
def serve(*parts: Script, host: str = HOST, port: int = 0) -> Iterator[Server]:
    """Follow the parts in order on every connection, and then close it."""
    server = Server(host)
    script = sequence(*parts)

    def handle(connection: socket.socket) -> None:
        peer = Peer(server, connection, len(server.connections))
        server.connections.append(peer)
        server.workers.start(peer.run, script)

    with _listening(server.workers, host, handle, port) as server.port:
        yield server


# -- Scripts, and how to combine them -----------------------------------------


def sequence(*parts: Script) -> Script:
    """Follow several scripts one after the other."""

    def run(peer: Peer) -> None:
        for part in parts:
            part(peer)

    return run


def by_connection(*scripts: Script) -> Script:
    """Follow another script on each connection; the last one on all that follow."""

    def run(peer: Peer) -> None:
        scripts[min(peer.number, len(scripts) - 1)](peer)

    return run


def say(text: str) -> Script:
    """Send a line, or several, without waiting for anything; hang up after a 421."""

    def run(peer: Peer) -> None:
        peer.send_line(text)
        if text.startswith("421"):
            raise Finished

    return run


def raw(data: bytes) -> Script:
    """Send bytes without waiting for anything."""
    return lambda peer: peer.send(data)


def multiline(code: int, *lines: str) -> str:
    """Write a reply of several lines."""
    *first, last = lines
    return "\n".join([*(f"{code}-{line}" for line in first), f"{code} {last}"])


def on(verb: str, answer: str | Script) -> Script:
    """Wait for a command and answer it; refuse any other, except QUIT."""

    def run(peer: Peer) -> None:
        while (got := _verb(peer.read_line())) != verb:
            if got == "QUIT":
                peer.send_line("221 2.0.0 Bye")
                raise Finished
            peer.send_line(f"503 5.5.1 Expected {verb}")
        _script(answer)(peer)

    return run


def _verb(line: str) -> str:
    return line.split(" ", 1)[0].upper()


def _script(answer: str | Script) -> Script:
    return say(answer) if isinstance(answer, str) else answer


# -- Parts: greeting and EHLO -------------------------------------------------


def greet(*lines: str, code: int = 220) -> Script:
    """Greet the client as a mail server does."""
    return say(multiline(code, *(lines or (f"{HOSTNAME} ESMTP ready",))))


def ehlo(*capabilities: str) -> Script:
    """Answer EHLO with these capabilities."""
    return on("EHLO", multiline(250, HOSTNAME, *capabilities))


def helo() -> Script:
    """Answer HELO."""
    return on("HELO", f"250 {HOSTNAME}")


def refuse_helo(
    reply: str = "504 5.5.2 Helo command rejected: need fully-qualified hostname",
) -> Script:
    """Refuse EHLO and HELO, until the client gives up."""
    return dialogue({"EHLO": reply, "HELO": reply}, greeting=None)


def quit_ok() -> Script:
    """Answer QUIT, and hang up."""
    return on("QUIT", "221 2.0.0 Bye")


# -- Parts: TLS ---------------------------------------------------------------


def begin_tls(
    certificate: Certificate,
    *,
    injected: bytes = b"",
    minimum: ssl.TLSVersion | None = None,
    maximum: ssl.TLSVersion | None = None,
) -> Script:
    """Say 220 to a STARTTLS that has been read, perhaps too much, and start TLS."""

    def run(peer: Peer) -> None:
        # One segment, so that the client finds what is too much in its buffer.
        peer.send(b"220 2.0.0 Ready to start TLS\r\n" + injected)
        peer.start_tls(certificate, minimum=minimum, maximum=maximum)

    return run


def starttls(
    certificate: Certificate,
    *,
    minimum: ssl.TLSVersion | None = None,
    maximum: ssl.TLSVersion | None = None,
) -> Script:
    """Wait for STARTTLS and start TLS."""
    return on("STARTTLS", begin_tls(certificate, minimum=minimum, maximum=maximum))


def starttls_refused(reply: str = "454 4.7.0 TLS not available") -> Script:
    """Refuse STARTTLS, though it may have been offered."""
    return on("STARTTLS", reply)


def starttls_with_injection(certificate: Certificate, injected: bytes = b"250 injected\r\n") -> Script:
    """Send a second reply behind the 220, as somebody in the middle could."""
    return on("STARTTLS", begin_tls(certificate, injected=injected))


def tls_on_connect(
    certificate: Certificate,
    *,
    minimum: ssl.TLSVersion | None = None,
    maximum: ssl.TLSVersion | None = None,
) -> Script:
    """Start TLS before any word."""
    return lambda peer: peer.start_tls(certificate, minimum=minimum, maximum=maximum)


def tls_with(context: ssl.SSLContext) -> Script:
    """Start TLS before any word, with a context of the test's own."""
    return lambda peer: peer.start_tls_with(context)


# -- Parts: logging in --------------------------------------------------------


def auth_ok(reply: str = "235 2.7.0 Authentication successful") -> Script:
    """Wait for AUTH, and let anybody in."""
    return _auth(reply)


def auth_refused(
    reply: str = "535 5.7.8 Error: authentication failed: invalid credentials",
) -> Script:
    """Wait for AUTH, and let nobody in."""
    return _auth(reply)


def _auth(reply: str) -> Script:
    def run(peer: Peer) -> None:
        if _log_in(peer, peer.lines[-1]):
            _script(reply)(peer)

    return on("AUTH", run)


def _log_in(peer: Peer, line: str) -> Login | None:
    """Ask for what the mechanism needs; say no if that does not make sense."""
    mechanism, _, initial = line.partition(" ")[2].partition(" ")
    mechanism = mechanism.upper()

    def ask(challenge: bytes) -> bytes:
        peer.send_line(f"334 {base64.b64encode(challenge).decode()}")
        return base64.b64decode(peer.read_line(), validate=True)

    def first(challenge: bytes = b"") -> bytes:
        if not initial:
            return ask(challenge)
        return b"" if initial == "=" else base64.b64decode(initial, validate=True)

    try:
        match mechanism:
            case "PLAIN":
                _, user, secret = first().decode().split("\0")
            case "LOGIN":
                user = first(b"Username:").decode()
                secret = ask(b"Password:").decode()
            case "CRAM-MD5":
                user, _, secret = ask(CHALLENGE).decode().rpartition(" ")
            case "XOAUTH2":
                fields = first().decode().split("\1")
                user = fields[0].removeprefix("user=")
                secret = fields[1].removeprefix("auth=Bearer ")
            case _:
                peer.send_line("504 5.5.4 Unrecognized authentication type")
                return None
    except (ValueError, IndexError):
        # What is not Base64 also includes the lone asterisk that cancels.
        peer.send_line("501 5.5.2 Cannot decode the response")
        return None
    login = Login(mechanism, user, secret)
    peer.logins.append(login)
    return login


# -- Parts: the message -------------------------------------------------------


def mail_ok() -> Script:
    """Accept the sender."""
    return on("MAIL", "250 2.1.0 Ok")


def mail_refused(reply: str = "553 5.7.1 Sender address rejected") -> Script:
    """Refuse the sender."""
    return on("MAIL", reply)


def rcpt_ok() -> Script:
    """Accept one recipient."""
    return on("RCPT", "250 2.1.5 Ok")


def rcpt_refused(reply: str = "554 5.7.1 Relay access denied") -> Script:
    """Refuse one recipient."""
    return on("RCPT", reply)


def data_ok(queue_id: str = "4F2A1B") -> Script:
    """Take the message."""
    return _data(f"250 2.0.0 Ok: queued as {queue_id}")


def data_refused(reply: str = "554 5.5.1 Error: no valid recipients") -> Script:
    """Refuse the command DATA."""
    return on("DATA", reply)


def message_refused(reply: str = "554 5.7.1 Message content rejected") -> Script:
    """Refuse the message once all of it has come."""
    return _data(reply)


def _data(reply: str) -> Script:
    def run(peer: Peer) -> None:
        peer.send_line("354 End data with <CR><LF>.<CR><LF>")
        peer.read_message()
        _script(reply)(peer)

    return on("DATA", run)


# -- Parts: servers that are something else, or broken ------------------------


def silent(peer: Peer) -> None:
    """Accept the connection and never say a word."""
    peer.wait()


def closing(peer: Peer) -> None:
    """Close the connection at once."""
    peer.close()


def resetting(peer: Peer) -> None:
    """Break the connection off with an RST."""
    peer.reset()


def http_server(peer: Peer) -> None:
    """Be a web server: wait for a request, and find it wrong."""
    peer.read_line()
    body = "<html><body><h1>400 Bad Request</h1></body></html>\n"
    peer.send_line(
        "HTTP/1.1 400 Bad Request\nServer: nginx\nContent-Type: text/html\n"
        f"Content-Length: {len(body)}\nConnection: close\n\n{body}"
    )


def ssh_banner(peer: Peer) -> None:
    """Be an SSH server, which speaks first."""
    peer.send_line("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3")
    peer.read_line()
    peer.send_line("Invalid SSH identification string.")


def imap_banner(peer: Peer) -> None:
    """Be an IMAP server."""
    peer.send_line("* OK [CAPABILITY IMAP4rev1 LITERAL+ STARTTLS] Dovecot ready.")
    while True:
        tag = peer.read_line().split(" ", 1)[0]
        peer.send_line(f"{tag or '*'} BAD Error in IMAP command received by server.")


def pop3_banner(peer: Peer) -> None:
    """Be a POP3 server."""
    peer.send_line("+OK Dovecot ready.")
    while True:
        peer.read_line()
        peer.send_line("-ERR Unknown command.")


def endless_line(peer: Peer) -> None:
    """Send a reply whose first line has no end."""
    peer.send(b"220 ")
    while not peer.stopping.is_set():
        peer.send(b"x" * _CHUNK)


def endless_multiline(peer: Peer) -> None:
    """Send a reply that always announces one more line."""
    while not peer.stopping.is_set():
        peer.send(b"220-and another thing\r\n" * 1000)


def dripping(data: bytes = b"220 mail.example.test ESMTP\r\n", gap: float = 0.1) -> Script:
    """Send bytes one by one, which keeps a time-out for each read from striking."""
    return lambda peer: peer.drip(data, gap)


# -- A whole server -----------------------------------------------------------

Reply = str | Script | Sequence[str | Script]


def dialogue(
    replies: Mapping[str, Reply] | None = None,
    *,
    greeting: str | None = f"220 {HOSTNAME} ESMTP",
    capabilities: Sequence[str] = CAPABILITIES,
    tls_capabilities: Sequence[str] | None = None,
    starttls_cert: Certificate | None = None,
    implicit_cert: Certificate | None = None,
    users: Mapping[str, str] | None = None,
    auth_required: bool = False,
) -> Script:
    """Be a mail server that answers each command, in any order, as told.

    `replies` maps a verb, or "." for the end of the message, to the answer: a reply,
    a script that acts in its place (the command has been read), or a list of these
    for the first, second, … time on one connection, of which the last one stays.
    A reply to AUTH is the one after all challenges. Without `users` all may log in.
    """
    settings = _Settings(
        replies=dict(replies or {}),
        greeting=greeting,
        capabilities=capabilities,
        tls_capabilities=capabilities if tls_capabilities is None else tls_capabilities,
        starttls_cert=starttls_cert,
        implicit_cert=implicit_cert,
        users=users,
        auth_required=auth_required,
    )
    return lambda peer: _Conversation(peer, settings).run()


@dataclass(frozen=True)
class _Settings:
    replies: Mapping[str, Reply]
    greeting: str | None
    capabilities: Sequence[str]
    tls_capabilities: Sequence[str]
    starttls_cert: Certificate | None
    implicit_cert: Certificate | None
    users: Mapping[str, str] | None
    auth_required: bool


class _Conversation:
    """One connection to a `dialogue`."""

    def __init__(self, peer: Peer, settings: _Settings) -> None:
        self._peer = peer
        self._settings = settings
        self._times: Counter[str] = Counter()
        self._logged_in = False

    def run(self) -> None:
        """Answer until the client goes."""
        if self._settings.implicit_cert is not None:
            self._peer.start_tls(self._settings.implicit_cert)
        if self._settings.greeting is not None:
            say(self._settings.greeting)(self._peer)
        while True:
            line = self._peer.read_line()
            match verb := _verb(line):
                case "AUTH":
                    self._auth(line)
                case "DATA":
                    if self._answer(verb, self._usual(verb)).startswith("354"):
                        self._peer.read_message()
                        self._answer(".", "250 2.0.0 Ok: queued as 4F2A1B")
                case "QUIT":
                    self._answer(verb, "221 2.0.0 Bye")
                    raise Finished
                case _:
                    self._answer(verb, self._usual(verb))

    def _answer(self, verb: str, usual: str | Script) -> str:
        """Answer as told, or else as usual; return the reply if it is a string."""
        chosen = self._settings.replies.get(verb, usual)
        if not isinstance(chosen, str) and isinstance(chosen, Sequence):
            chosen = chosen[min(self._times[verb], len(chosen) - 1)]
        self._times[verb] += 1
        _script(chosen)(self._peer)
        return chosen if isinstance(chosen, str) else ""

    def _usual(self, verb: str) -> str | Script:
        if verb in {"MAIL", "RCPT", "DATA"} and self._must_log_in:
            return "530 5.7.0 Authentication required"
        if verb == "STARTTLS" and self._offers_tls is not None:
            return begin_tls(self._offers_tls)
        return {
            "EHLO": multiline(250, HOSTNAME, *self._capabilities()),
            "HELO": f"250 {HOSTNAME}",
            "MAIL": "250 2.1.0 Ok",
            "RCPT": "250 2.1.5 Ok",
            "DATA": "354 End data with <CR><LF>.<CR><LF>",
            "RSET": "250 2.0.0 Ok",
            "NOOP": "250 2.0.0 Ok",
            "VRFY": "252 2.0.0 Cannot tell",
            "STARTTLS": "454 4.7.0 TLS not available",
        }.get(verb, "502 5.5.2 Error: command not recognized")

    @property
    def _must_log_in(self) -> bool:
        return self._settings.auth_required and not self._logged_in

    @property
    def _offers_tls(self) -> Certificate | None:
        return None if self._peer.tls else self._settings.starttls_cert

    def _capabilities(self) -> Sequence[str]:
        if self._peer.tls:
            return self._settings.tls_capabilities
        offer = [] if self._offers_tls is None else ["STARTTLS"]
        return [*self._settings.capabilities, *offer]

    def _auth(self, line: str) -> None:
        login = _log_in(self._peer, line)
        if login is None:
            return
        users = self._settings.users
        if users is None or (login.user in users and login.matches(users[login.user])):
            usual = "235 2.7.0 Authentication successful"
        else:
            usual = "535 5.7.8 Error: authentication failed: invalid credentials"
        self._logged_in = self._answer("AUTH", usual).startswith("235")


# -- A slow network -----------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """Where something listens."""

    host: str
    port: int


@contextlib.contextmanager
def proxy(host: str, port: int, delay: float) -> Iterator[Address]:
    """Pass connections on, each chunk `delay` seconds late in either direction.

    So a round trip takes twice as long; only the connecting itself does not, as the
    kernel does that.
    """
    workers = _Workers()

    def handle(client: socket.socket) -> None:
        workers.add(client)
        workers.start(connect, client)

    def connect(client: socket.socket) -> None:
        try:
            server = socket.create_connection((host, port), _JOIN_SECONDS)
        except OSError:
            workers.close(client)
            return
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        workers.add(server)
        for source, target in ((client, server), (server, client)):
            chunks: _Chunks = queue.SimpleQueue()
            workers.start(_read_late, source, chunks, delay)
            workers.start(_write_late, target, chunks, workers.stopping)

    with _listening(workers, HOST, handle) as own_port:
        yield Address(HOST, own_port)


# What to pass on and when; nothing at all at the end.
_Chunks = queue.SimpleQueue[tuple[float, bytes]]


def _read_late(source: socket.socket, chunks: _Chunks, delay: float) -> None:
    data = b"x"
    while data:
        try:
            data = source.recv(_CHUNK)
        except OSError:
            data = b""
        chunks.put((time.monotonic() + delay, data))


def _write_late(target: socket.socket, chunks: _Chunks, stopping: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, data = chunks.get()
            stopping.wait(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)


# -- DNS ----------------------------------------------------------------------


class Dns(enum.Enum):
    """What a DNS server can say instead of an answer."""

    NXDOMAIN = enum.auto()
    NODATA = enum.auto()
    SERVFAIL = enum.auto()
    REFUSED = enum.auto()
    FORMERR = enum.auto()
    SILENT = enum.auto()
    GARBAGE = enum.auto()  # bytes that are no DNS message


# Records such as "192.0.2.1", "2001:db8::1", "CNAME other.test", "MX 10 mail.test".
Records = Dns | str | Sequence[str]


@dataclass(frozen=True)
class DnsReply:
    """An answer, and how it is sent.

    ``after`` seconds pass before it; ``truncated`` has UDP say "ask again over TCP" (RFC 1035 section
    4.2.1); ``preceded_by`` comes first, from the same port; ``ede`` is a code and a text of RFC 8914;
    ``unchecked`` is said instead when the query forbids DNSSEC validation (the CD bit of RFC 4035);
    ``with_edns`` is said instead to a query with EDNS (RFC 6891).
    """

    records: Records
    after: float = 0.0
    truncated: bool = False
    preceded_by: Callable[[bytes], bytes] | None = None
    ede: tuple[int, str] | None = None
    unchecked: Records | None = None
    with_edns: Records | None = None


Answer = Records | DnsReply
# By name, or by name and type where a type is answered in its own way.
Answers = Mapping[Any, Answer]


def other_id(reply: bytes) -> bytes:
    """Return a reply with the id of another query: what a forger who cannot see the query sends."""
    return bytes([reply[0] ^ 0xFF, reply[1]]) + reply[2:]


def other_question(reply: bytes) -> bytes:
    """Return a reply whose question is another one, of the same length."""
    return reply[:13] + bytes([reply[13] ^ 0x01]) + reply[14:]


@dataclass(frozen=True)
class DnsServer:
    """A running DNS server, and the names and types it was asked for, over UDP and TCP."""

    host: str
    port: int
    queries: list[tuple[str, str]]


@contextlib.contextmanager
def dns_server(
    answers: Answers, *, port: int = 0, tcp: bool = True, one_per_port: bool = False
) -> Iterator[DnsServer]:
    """Answer DNS queries over UDP and TCP; what is not in the mapping does not exist.

    ``one_per_port``: of the datagrams from one port only the first is answered, as by firewalls that
    take the first answer for the end of the exchange.
    """
    workers = _Workers()
    served: set[tuple[str, int]] = set()
    with contextlib.ExitStack() as stack:
        udp, listener = _dns_sockets(stack, port)
        server = DnsServer(HOST, udp.getsockname()[1], [])

        def answer_datagram(data: bytes, client: tuple[str, int]) -> None:
            # A late answer may find the server closed.
            with contextlib.suppress(OSError):
                for message in _dns_messages(data, answers, server.queries, workers.stopping, udp=True):
                    udp.sendto(message, client)

        def answer_datagrams() -> None:
            while True:
                data, client = udp.recvfrom(_CHUNK)
                if workers.stopping.is_set():
                    return
                # Each in its turn, as a server's log is; only a late answer holds nobody up.
                if data and not (one_per_port and client in served):
                    served.add(client)
                    workers.start(answer_datagram, data, client)

        def answer_streams() -> None:
            while True:
                connection, _ = listener.accept()
                if workers.stopping.is_set() or not tcp:
                    connection.close()
                    if workers.stopping.is_set():
                        return
                    continue
                workers.add(connection)
                workers.start(answer_stream, connection)

        def answer_stream(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection.makefile("rb") as reader:
                while len(size := reader.read(2)) == 2:
                    data = reader.read(int.from_bytes(size, "big"))
                    for message in _dns_messages(data, answers, server.queries, workers.stopping, udp=False):
                        connection.sendall(len(message).to_bytes(2, "big") + message)
            workers.close(connection)

        workers.start(answer_datagrams)
        workers.start(answer_streams)
        try:
            yield server
        finally:
            workers.stopping.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", udp.getsockname())
            with contextlib.suppress(OSError):
                socket.create_connection(listener.getsockname(), 1).close()
            workers.stop()


def _dns_sockets(stack: contextlib.ExitStack, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP socket and a TCP listener on the same port, a free one for 0."""
    while True:
        with contextlib.ExitStack() as attempt:
            udp = attempt.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind((HOST, port))
            listener = attempt.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(udp.getsockname())
            except OSError:
                if port:
                    raise
                continue
            listener.listen(16)
            stack.push(attempt.pop_all())
            return udp, listener


def _dns_messages(
    data: bytes, answers: Answers, queries: list[tuple[str, str]], stopping: threading.Event, *, udp: bool
) -> list[bytes]:
    """Return the messages that answer one, in order."""
    try:
        query = dns.message.from_wire(data)
        question = query.question[0]
    except (dns.exception.DNSException, IndexError):
        return []
    name, kind = _dns_name(question.name), dns.rdatatype.to_text(question.rdtype)
    queries.append((name, kind))
    reply = _dns_reply(answers, name, kind)
    stopping.wait(reply.after)
    said = _dns_said(reply, query)
    if said is Dns.SILENT:
        return []
    if said is Dns.GARBAGE:
        return [b"\x15\x03\x01\x00\x02\x02"]
    response = _dns_response(query, answers, said)
    if response is None:
        return []
    if reply.ede is not None and query.edns >= 0:
        option = dns.edns.EDEOption(dns.edns.EDECode.make(reply.ede[0]), reply.ede[1])
        response.use_edns(0, options=[option])
    if reply.truncated and udp:
        response.answer.clear()
        response.flags |= dns.flags.TC
    wire = response.to_wire(max_size=_CHUNK - 1)
    return [reply.preceded_by(wire), wire] if reply.preceded_by else [wire]


def _dns_name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _dns_reply(answers: Answers, name: str, kind: str) -> DnsReply:
    answer = answers.get((name, kind), answers.get(name, Dns.NXDOMAIN))
    return answer if isinstance(answer, DnsReply) else DnsReply(answer)


def _dns_said(reply: DnsReply, query: dns.message.Message) -> Records:
    if reply.with_edns is not None and query.edns >= 0:
        return reply.with_edns
    if reply.unchecked is not None and query.flags & dns.flags.CD:
        return reply.unchecked
    return reply.records


def _dns_response(query: dns.message.Message, answers: Answers, said: Records) -> dns.message.Message | None:
    """Answer one query, following aliases as a recursive server does, and around a loop once."""
    response = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    wanted = dns.rdatatype.to_text(question.rdtype)
    name = _dns_name(question.name)
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        if isinstance(said, Dns):
            codes = {
                Dns.NXDOMAIN: dns.rcode.NXDOMAIN,
                Dns.SERVFAIL: dns.rcode.SERVFAIL,
                Dns.REFUSED: dns.rcode.REFUSED,
                Dns.FORMERR: dns.rcode.FORMERR,
            }
            response.set_rcode(codes.get(said, dns.rcode.NOERROR))
            if said is Dns.NXDOMAIN:
                _dns_authority(response, answers, name)
            return None if said is Dns.SILENT else response
        records = [said] if isinstance(said, str) else said
        found = dict(map(_dns_record, records))
        kind = wanted if wanted in found else "CNAME"
        texts = [text for key, text in map(_dns_record, records) if key == kind]
        if not texts:
            return response
        response.answer.append(_dns_rrset(name, kind, texts))
        if kind == wanted:
            return response
        name = texts[0].rstrip(".").lower()
        said = _dns_reply(answers, name, wanted).records
    return response


def _dns_authority(response: dns.message.Message, answers: Answers, name: str) -> None:
    """Say which zone it is that does not have the name: the nearest one with an SOA record here."""
    for cut in range(name.count(".") + 2):
        zone = ".".join(name.split(".")[cut:]) or "."
        said = _dns_reply(answers, zone, "SOA").records
        texts = [said] if isinstance(said, str) else [] if isinstance(said, Dns) else said
        soa = [text for key, text in map(_dns_record, texts) if key == "SOA"]
        if soa:
            response.authority.append(_dns_rrset(zone, "SOA", soa))
            return


def _dns_rrset(name: str, kind: str, texts: Sequence[str]) -> dns.rrset.RRset:
    owner = dns.name.from_text(name)
    return dns.rrset.from_text_list(owner, 60, "IN", kind, texts, origin=dns.name.root, relativize=False)


def _dns_record(text: str) -> tuple[str, str]:
    kind, _, data = text.partition(" ")
    if data:
        return kind, data
    return ("AAAA" if ":" in text else "A"), text
