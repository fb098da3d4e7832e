"""The only file with a socket: one connection, its TLS, its deadline and its transcript.

TLS runs through memory buffers, so that the peer's bytes stay in our hands: what a server
answered to a handshake it did not understand is the best evidence there is.
Every wait ends at ``deadline`` however slowly the peer drips; there are no time-outs per call.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from contextlib import suppress
from typing import Final

from smtpdoctor.smtp.command import rendered
from smtpdoctor.smtp.errors import ConnectFailed, Disconnected, TimedOut, TLSFailed
from smtpdoctor.smtp.reply import Reply, ReplyParser
from smtpdoctor.smtp.transcript import Transcript
from smtpdoctor.smtp.words import decode

__all__ = ["Channel", "os_token"]

_CHUNK: Final = 65_536
_FIRST: Final = 512


def os_token(error: OSError) -> str:
    """Return the normalised token of an operating system's error: the errno's name, ``timeout`` for a time-out."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    return errno.errorcode.get(error.errno or 0, "EUNKNOWN")


def tls_token(error: ssl.SSLError) -> str:
    """Return the normalised token of a TLS error: ``x509-N``, or OpenSSL's reason."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"x509-{error.verify_code}"
    return error.reason or (
        "UNEXPECTED_EOF_WHILE_READING" if isinstance(error, ssl.SSLEOFError) else "tls-alert"
    )


def _encoded(name: str) -> str | bytes:
    """Return a name for SNI; bytes spare the ssl module the import of the IDNA codec."""
    return name.encode() if name.isascii() else name


class Channel:
    """A connection to a server. ``deadline`` is a ``time.monotonic()`` moment, set anew for each stage."""

    def __init__(self, sock: socket.socket, transcript: Transcript, deadline: float) -> None:
        self._socket = sock
        self._transcript = transcript
        self._parser = ReplyParser()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.deadline = deadline

    @classmethod
    def connect(cls, address: str, port: int, transcript: Transcript, deadline: float) -> Channel:
        """Open a TCP connection to an IP address; raises ConnectFailed."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            bare, _, scope = address.partition("%")
            target = (bare, port, 0, socket.if_nametoindex(scope)) if scope else (address, port)
            sock.connect(target)
            # Commands are small and each waits for an answer: Nagle's algorithm would only delay them.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            if sock is not None:
                sock.close()
            raise ConnectFailed(os_token(error)) from error
        return cls(sock, transcript, deadline)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self._tls is not None

    @property
    def local_address(self) -> str:
        """This side's IP address."""
        return str(self._socket.getsockname()[0])

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS session, for its facts."""
        return self._tls

    def ask(self, command: str, *, shown: str | None = None) -> Reply:
        """Send a command and return its reply; ``shown`` is what the transcript says instead of the command."""
        self.send(rendered(command), shown or command)
        return self.read_reply()

    def send(self, data: bytes, shown: str) -> None:
        """Send bytes; raises Disconnected, TimedOut."""
        self._transcript.record("out", shown, encrypted=self.encrypted)
        if self._tls is None:
            self._write(data)
            return
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
            self._write(self._outgoing.read())

    def read_reply(self) -> Reply:
        """Return the next reply; raises TimedOut, Disconnected, TLSFailed, NotSMTP."""
        while True:
            reply = self._parser.next_reply()
            if reply is not None:
                separators = "-" * (len(reply.lines) - 1) + " "
                text = "\n".join(
                    f"{reply.code}{separator}{line}"
                    for separator, line in zip(separators, reply.lines, strict=True)
                )
                self._transcript.record("in", text, encrypted=self.encrypted)
                return reply
            try:
                self._parser.feed(self._read())
            except (TimedOut, Disconnected) as error:
                error.received = self._parser.pending[:_FIRST]
                if error.received:
                    self._transcript.record("in", decode(error.received), encrypted=self.encrypted)
                raise

    def receive(self) -> bytes:
        """Return the next bytes as they are; raises TimedOut, Disconnected, TLSFailed."""
        return self._read()

    def drop_pending(self) -> bytes:
        """Forget and return what came behind the last reply (RFC 3207 section 4.2)."""
        return self._parser.drop()

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Hand-shake; ``name`` goes into SNI and is checked against the certificate.

        Raises TLSFailed (with the first bytes that the peer sent), TimedOut, Disconnected.
        """
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=_encoded(name))
        first = b""
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                with suppress(Disconnected, TimedOut):
                    self._write(self._outgoing.read())  # the alert tells the server why
                detail = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
                raise TLSFailed(tls_token(error), first, detail, tls) from error
            try:
                self._write(self._outgoing.read())
                data = self._receive()
            except (TimedOut, Disconnected) as error:
                error.received = first
                raise
            if len(first) < _FIRST:
                first += data[:_FIRST]
            self._incoming.write(data)
        self._write(self._outgoing.read())
        self._tls = tls

    def close(self, *farewell: str) -> None:
        """Say what is left to say without waiting for an answer, and close."""
        with suppress(OSError, Disconnected, TimedOut, ssl.SSLError):
            if farewell:
                self.deadline = min(self.deadline, time.monotonic() + 1)
                self.send(b"".join(rendered(line) for line in farewell), "\n".join(farewell))
            if self._tls is not None and farewell:
                with suppress(ssl.SSLError):
                    self._tls.unwrap()
                self._write(self._outgoing.read())
            self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimedOut
        return remaining

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(self._remaining())
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError as error:
                raise TimedOut from error
            except OSError as error:
                raise Disconnected(os_token(error)) from error

    def _receive(self) -> bytes:
        self._socket.settimeout(self._remaining())
        try:
            data = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise TimedOut from error
        except OSError as error:
            raise Disconnected(os_token(error)) from error
        if not data:
            raise Disconnected("eof")
        return data

    def _read(self) -> bytes:
        if self._tls is None:
            return self._receive()
        while True:
            try:
                data = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                self._write(self._outgoing.read())
                self._incoming.write(self._receive())
                continue
            except ssl.SSLZeroReturnError as error:
                raise Disconnected("eof") from error
            except ssl.SSLError as error:
                raise TLSFailed(tls_token(error)) from error
            if not data:
                raise Disconnected("eof")
            return data
