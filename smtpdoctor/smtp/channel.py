"""The only file with a socket: one connection, its TLS, its deadline and its transcript.

TLS runs through memory buffers, so that the peer's bytes stay in our hands: what a server
answered to a handshake it did not understand is the best evidence there is.
Every wait ends at ``deadline`` however slowly the peer drips; there are no time-outs per call.
A command goes out only when nothing is there to be read: what came before it is no answer to it.
What crosses the command on its way leaves one reply too many in the connection. Linux tells that the other
side has not even received the command yet; else the next look finds it, or the reply to QUIT. The socket never blocks by itself: a look costs one system call.
"""

from __future__ import annotations

import errno
import math
import select
import socket
import ssl
import sys
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from smtpdoctor.smtp.command import full_name, rendered
from smtpdoctor.smtp.errors import (
    ConnectFailed,
    DialogueError,
    Disconnected,
    NotSMTP,
    TimedOut,
    TLSFailed,
    Unsolicited,
)
from smtpdoctor.smtp.protocols import identify
from smtpdoctor.smtp.reply import MAX_REPLY, Reply, ReplyParser
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["Channel", "Oddity", "has_route", "os_token", "own_name"]

_CHUNK: Final = 65_536
_FIRST: Final = 512
_CLOSING: Final = 421  # RFC 5321 section 3.8: may answer any command, or come unasked
_REFUSED: Final = 400  # and above: RFC 5321 section 4.2.1
_HEAD: Final = 16  # bytes by which a binary protocol is known for sure
_VAGUE: Final = frozenset({"binary", "malformed"})  # labels that more bytes may make better
_BOUNDS: Final = frozenset({"line-too-long", "endless"})  # labels that say nothing about the first bytes
_HEAD_SECONDS: Final = 0.2  # how long the rest of them may take
_REST_SECONDS: Final = 1.0  # how long the rest of a reply may take that was begun unasked
_END_SECONDS: Final = 0.2  # how long the end of the connection may take behind a refusal
_ANSWER_SECONDS: Final = (
    1.0  # how long the real answer may take, beside its way, behind one that crossed the command
)
# struct tcp_info of tcp(7): packets that are not acknowledged, and the time of a round trip in microseconds.
_TCP_INFO: Final = getattr(socket, "TCP_INFO", 0) if sys.platform == "linux" else 0
_UNIX: Final = getattr(socket, "AF_UNIX", None)
_UNACKED: Final = 24
_ROUND_TRIP: Final = 68
_INFO_BYTES: Final = 72
_LAST_LINE: Final = b".\r\n"  # of a message: RFC 5321 section 4.5.2
_RECORD_HEAD: Final = 5  # bytes of a TLS record before what it holds: RFC 8446 section 5.1


class Oddity(Struct, frozen=True):
    """What was odd about one reply: ``verb`` is the command it answered, "" for the greeting."""

    verb: str
    code: int
    quirks: frozenset[str]


def os_token(error: OSError) -> str:
    """Return the normalised token of an operating system's error: the errno's name, ``timeout`` for a time-out."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    return errno.errorcode.get(error.errno or 0, "EUNKNOWN")


def has_route(address: str) -> bool:
    """Whether this machine has a way to addresses such as this one; asks its own routes and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # A datagram socket that is connected has looked up its route, and no more (connect(2)).
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address.partition("%")[0], 9))
    except OSError as error:
        return error.errno not in {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return True


def own_name() -> str:
    """Return this host's name, fully qualified where that is known without asking a DNS server."""
    hostname = socket.gethostname()
    if "." in hostname:
        return hostname
    try:
        changed = Path("/etc/hosts").stat().st_mtime_ns
        return _name_in_hosts(hostname, changed)
    except OSError:
        return hostname


@lru_cache(1)
def _name_in_hosts(hostname: str, _changed: int) -> str:
    """Return what the file of hosts says of a name; read once for each state of it."""
    return full_name(hostname, Path("/etc/hosts").read_text(encoding="utf-8", errors="replace"))


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


def _number(info: bytes, at: int) -> int:
    return int.from_bytes(info[at : at + 4], sys.byteorder)


class _Records:
    """Follows the heads of TLS records: OpenSSL does not tell whether the last one has come whole."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0  # bytes of the record that are still to come

    @property
    def begun(self) -> bool:
        """Whether a record has begun whose end is not there."""
        return bool(self._head or self._left)

    def feed(self, data: bytes) -> None:
        """Take note of what came."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = min(_RECORD_HEAD - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == _RECORD_HEAD:
                    self._left = int.from_bytes(self._head[3:], "big")
                    self._head = b""
            at += step


class Channel:
    """A connection to a server. ``deadline`` is a ``time.monotonic()`` moment, set anew for each stage."""

    def __init__(self, sock: socket.socket, transcript: Transcript, deadline: float) -> None:
        sock.settimeout(0)
        self._socket = sock
        self._transcript = transcript
        self._parser = ReplyParser()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._records = _Records()
        self._verb = ""  # of the command whose reply is awaited
        self._pieces = 0  # in which the reply that is awaited has come so far
        self._noted = 0  # bytes of it that the transcript has already
        self._end: DialogueError | None = None  # how the connection ended, once that was seen
        self.deadline = deadline
        self.oddities: list[Oddity] = []

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
        """Send a command and return its reply; ``shown`` is what the transcript says instead of the command.

        Nothing is sent where something is there already. A farewell (421, or a refusal with the end of the
        connection behind it) is returned, since it says why the command would not be answered. Any
        other reply raises Unsolicited, after which the caller may ask again; the end raises Disconnected.
        """
        if (farewell := self.unasked()) is not None:
            return farewell
        self.send(rendered(command), shown or command)
        verb = (shown or command).partition(" ")[0].upper()
        if verb.isalpha():  # not so a line of a SASL exchange, which belongs to its AUTH
            self._verb = verb
        return self._answer()

    def ask_with_message(self, message: bytes, *, shown: str) -> Reply:
        """Send a message, dots and all, and return the reply to its end; raises as ``ask`` does.

        Its last line, which asks for the reply, goes out only after another look: a server that has
        answered by then has not read the message.
        """
        if (farewell := self.unasked()) is not None:
            return farewell
        self.send(message.removesuffix(_LAST_LINE), shown)
        if (farewell := self.unasked()) is not None:
            return farewell
        self._transmit(_LAST_LINE)
        self._verb = "."
        return self._answer()

    def _answer(self) -> Reply:
        """Read the reply to what was sent; raises Unsolicited where it was on its way before, and another one follows."""
        reply = self.read_reply()
        if (seconds := self._crossing()) and (real := self.more_within(seconds)) is not None:
            raise Unsolicited((reply, real), self._parser.raw)
        return reply

    def _crossing(self) -> float:
        """Return how long the real answer may take where the one that came crossed the command, else 0.

        Whoever answers has received, and TCP says so with the answer (RFC 9293 section 3.4): where something that
        was sent is not acknowledged by then, the reply was sent before. Systems other than Linux do not tell.
        """
        if not _TCP_INFO or self._socket.family == _UNIX:
            return 0.0
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
        except OSError:
            return 0.0
        if len(info) < _INFO_BYTES or not _number(info, _UNACKED):
            return 0.0
        return _ANSWER_SECONDS + 2 * _number(info, _ROUND_TRIP) / 1e6

    def send(self, data: bytes, shown: str) -> None:
        """Send bytes; raises Disconnected, TimedOut, TLSFailed."""
        self._transcript.record("out", shown, encrypted=self.encrypted)
        self._transmit(data)

    def _transmit(self, data: bytes) -> None:
        if self._tls is None:
            self._write(data)
            return
        view = memoryview(data)
        while view:
            try:
                view = view[self._tls.write(view) :]
            except ssl.SSLError as error:
                raise TLSFailed(tls_token(error)) from error
            self._write(self._outgoing.read())

    def read_reply(self) -> Reply:
        """Return the next reply; raises TimedOut, Disconnected, TLSFailed, NotSMTP.

        An error holds what had come of an unfinished reply.
        """
        try:
            while True:
                reply = self._next()
                if reply is not None:
                    return reply
                self._feed(self._read())
        except DialogueError as error:
            raise self._told(error) from error.__cause__

    def is_silent(self, seconds: float) -> bool:
        """Wait for the beginning of a reply, and tell whether none came in so many seconds.

        Raises Disconnected and TLSFailed, as ``read_reply`` does.
        """
        deadline = self.deadline
        self.deadline = min(deadline, time.monotonic() + seconds)
        try:
            while not self._parser.pending_bytes:
                self._feed(self._read())
        except TimedOut:
            return True
        except DialogueError as error:
            raise self._told(error) from error.__cause__
        finally:
            self.deadline = deadline
        return False

    def more_within(self, seconds: float) -> Reply | None:
        """Return another reply, if one comes within some seconds though nothing was asked; else None.

        For the reply that a server sends twice, or that answers a line which somebody else has put into
        the connection. Never raises: what else is wrong shows at the next command.
        """
        deadline = self.deadline
        self.deadline = min(deadline, time.monotonic() + seconds)
        try:
            while True:
                reply = self._next()
                if reply is not None:
                    return reply
                self._feed(self._read())
        except DialogueError:
            return None
        finally:
            self.deadline = deadline

    def unasked(self) -> Reply | None:
        """Look, without waiting, for what came though nothing was asked; None where nothing did.

        Returns a farewell; raises Unsolicited for anything else, and Disconnected where the connection has
        ended. What has begun is waited for, for a moment.
        """
        self._feed_what_is_there()
        if self._end is None and self._records.begun and not self._parser.pending_bytes:
            self._finish_record()
        if self._end is None and not self._parser.pending and not self._records.begun:
            return None
        replies: list[Reply] = []
        raw: list[bytes] = []
        try:
            while (reply := self._next()) is not None:
                replies.append(reply)
                raw.append(self._parser.raw)
            # The rest of a reply that has begun, or what a refusal that came unasked is followed by.
            begun, refused = self._parser.pending_bytes > 0, bool(replies) and replies[-1].code >= _REFUSED
            if self._end is None and (begun or refused):
                reply = self.more_within(_REST_SECONDS if begun else _END_SECONDS)
                if reply is not None:
                    replies.append(reply)
                    raw.append(self._parser.raw)
        except NotSMTP:
            pass
        else:
            if replies and (replies[-1].code == _CLOSING or (replies[-1].code >= _REFUSED and self._end)):
                return replies[-1]
            if not replies and self._end is not None:
                raise self._told(self._ended())
        raw.append(self._note_pending())
        self._drop()
        raise Unsolicited(tuple(replies), b"".join(raw))

    def _next(self) -> Reply | None:
        """Take a whole reply out of what has come, and write it down as it came."""
        reply = self._parser.next_reply()
        if reply is not None:
            self._noted = self._pieces = 0
            self._transcript.record_reply(reply, self._parser.raw, encrypted=self.encrypted)
            if reply.quirks:
                self.oddities.append(Oddity(self._verb, reply.code, reply.quirks))
        return reply

    def _feed(self, data: bytes) -> None:
        self._pieces += 1
        self._parser.feed(data)

    def _feed_what_is_there(self) -> None:
        """Read without waiting; one system call where nothing is there. Notes the end of the connection.

        Whoever sends faster than we read is not read for longer than a reply can be, and no longer than
        the deadline: raises TimedOut.
        """
        if self._end is not None:
            return
        try:
            self._decrypt()
            while self._parser.pending_bytes <= MAX_REPLY:
                data = self._socket.recv(_CHUNK)
                if not data:
                    self._end = Disconnected("eof")
                    return
                if self._tls is None:
                    self._feed(data)
                else:
                    self._take(data)
                    self._decrypt()
                self._remaining()
        except BlockingIOError:
            pass
        except TimedOut:
            raise
        except OSError as error:
            self._end = Disconnected(os_token(error))
        except DialogueError as error:
            self._end = error

    def _finish_record(self) -> None:
        """Wait a moment for the end of a TLS record that has begun, and take what is in it."""
        deadline = self.deadline
        self.deadline = min(deadline, time.monotonic() + _REST_SECONDS)
        try:
            while self._records.begun and not self._parser.pending_bytes:  # in a flood one is always begun
                self._take(self._receive())
                self._decrypt()
        except DialogueError:
            pass  # the end of the connection has been noted
        finally:
            self.deadline = deadline

    def _take(self, data: bytes) -> None:
        """Take bytes that belong to TLS."""
        self._records.feed(data)
        self._incoming.write(data)

    def _decrypt(self) -> None:
        """Feed what is whole of what came inside TLS; raises Disconnected, TimedOut, TLSFailed."""
        if self._tls is not None:
            with suppress(ssl.SSLWantReadError):
                while self._parser.pending_bytes <= MAX_REPLY:
                    self._feed(self._decrypted(self._tls))
                    self._remaining()
            self._write(self._outgoing.read())  # what TLS itself has to answer

    def _ended(self) -> DialogueError:
        """Return the error that ended the connection, as a new one: each has its own ``received``."""
        end = self._end or Disconnected("eof")
        return type(end)(end.token)

    def _told(self, error: DialogueError) -> DialogueError:
        """Put into an error what had come before it, and write that down.

        All of it (its size is bounded): a cut could go through a secret, which is then not known as one.
        """
        if not isinstance(error, NotSMTP):
            error.received = self._parser.pending
        elif error.label not in _BOUNDS:
            if error.label in _VAGUE and len(self._parser.pending) < _HEAD:
                self._gather()
            received = self._parser.pending
            error = NotSMTP(identify(received), received)
        error.lines, error.pieces = self._parser.pending_lines, self._pieces
        self._note_pending()
        return error

    def _gather(self) -> None:
        """Wait a moment for the bytes that say which protocol it is."""
        deadline = self.deadline
        self.deadline = min(deadline, time.monotonic() + _HEAD_SECONDS)
        with suppress(DialogueError):
            while len(self._parser.pending) < _HEAD:
                self._feed(self._read())
        self.deadline = deadline

    def _note_pending(self) -> bytes:
        """Write down and return what is unfinished."""
        pending = self._parser.pending
        if len(pending) > self._noted:
            self._noted = len(pending)
            self._transcript.record_received(pending, encrypted=self.encrypted)
        return pending

    def receive(self) -> bytes:
        """Return the next bytes as they are; raises TimedOut, Disconnected, TLSFailed."""
        return self._read()

    def drop_pending(self) -> bytes:
        """Forget and return what came behind the last reply (RFC 3207 section 4.2), also what nobody has read yet."""
        self._feed_what_is_there()
        return self._drop()

    def _drop(self) -> bytes:
        self._noted = self._pieces = 0
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
            first = (first + data)[:_FIRST]
            self._take(data)
        self._write(self._outgoing.read())
        self._tls = tls

    def close(self, *farewell: str) -> None:
        """Say what is left to say without waiting for an answer, and close."""
        self._note_pending()
        with suppress(OSError, DialogueError, ssl.SSLError):
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

    def _wait(self, *, writing: bool = False) -> None:
        """Wait until the socket can be read or written; raises TimedOut."""
        remaining = self._remaining()
        if hasattr(select, "poll"):
            poller = select.poll()  # unlike select(), it knows file descriptors above 1,023
            poller.register(self._socket, select.POLLOUT if writing else select.POLLIN)
            ready = bool(poller.poll(math.ceil(remaining * 1000)))
        else:
            sockets = [self._socket]
            ready = any(select.select([] if writing else sockets, sockets if writing else [], [], remaining))
        if not ready:
            raise TimedOut

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._remaining()
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(writing=True)
            except OSError as error:
                raise Disconnected(os_token(error)) from error

    def _receive(self) -> bytes:
        while self._end is None:
            self._wait()
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError as error:
                self._end = Disconnected(os_token(error))
                raise self._end from error
            if data:
                return data
            self._end = Disconnected("eof")
        raise self._ended()

    def _read(self) -> bytes:
        if self._tls is None:
            return self._receive()
        while True:
            self._remaining()  # one piece from the socket may hold thousands of records
            try:
                return self._decrypted(self._tls)
            except ssl.SSLWantReadError:
                self._write(self._outgoing.read())
                self._take(self._receive())

    def _decrypted(self, tls: ssl.SSLObject) -> bytes:
        """Return the next bytes out of TLS; raises SSLWantReadError, Disconnected, TLSFailed."""
        try:
            data = tls.read(_CHUNK)
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLZeroReturnError as error:
            self._end = Disconnected("eof")
            raise self._end from error
        except ssl.SSLError as error:
            self._end = TLSFailed(tls_token(error))
            raise self._end from error
        if not data:
            self._end = Disconnected("eof")
            raise self._end
        return data
