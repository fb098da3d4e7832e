"""An SMTP server inside the process: takes every message, delivers none, listens on loopback only.

Its certificate comes from a CA that lives as long as the server does. The server runs on a thread
of its own; whatever a client does to its own session stays there: no traceback, no effect on others.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import errno
import gc
import hmac
import logging
import os
import re
import secrets
import socket
import ssl
import sys
import tempfile
import threading
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.errors import HeaderParseError
from email.header import decode_header
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, AnyStr, Final, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message, Secret, SecurityName, Settings

__all__ = ["HOST", "USERNAME", "Mail", "Sandbox"]

HOST: Final = "127.0.0.1"
USERNAME: Final = "sandbox@localhost"
_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_DAYS: Final = 90  # some platforms refuse certificates that live for years
_MESSAGE_SIZE: Final = 33_554_432
_KEPT_MESSAGES: Final = 1000
_KEPT_BYTES: Final = 67_108_864
_CONNECTIONS: Final = 200
_RECIPIENTS: Final = 1000  # of a message, as Postfix has it; RFC 5321 section 4.5.3.1.8 asks for 100
_ENDED: Final = 64
_TURN: Final = 200  # lines of a message
_OVERHEAD: Final = 200  # bytes that an address takes besides its letters, roughly
_IDLE_SECONDS: Final = 300.0  # RFC 5321 section 4.5.3.2.7
_HANDSHAKE_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 0.1
_JOIN_SECONDS: Final = 10.0
_AUTH_LINE: Final = 12_288  # RFC 4954 section 4
_COMMAND_LINE: Final = 2048
_HEAD: Final = 65_536
_BODY: Final = 1_048_576
_FIELD: Final = 2000
_PARTS: Final = 1000
_DEPTH: Final = 8
_FIELD_BODY: Final = rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
_EMPTY_LINE: Final = re.compile(rb"(?:^|\n)\r?\n")
_BOUNDARY: Final = re.compile(r""";\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s";]{1,200}))""", re.IGNORECASE)
_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*"?([^\s";]{1,40})""", re.IGNORECASE)
# Codecs of Python that are no charset of a mail; the time of some grows with the square of the text.
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})

# aiosmtpd logs what clients send and do, and Python prints the warnings of loggers that have no
# handler: none of that is for the user's terminal.
_log = logging.getLogger("mail.log")
_log.addHandler(logging.NullHandler())
_log.propagate = False
logging.getLogger("asyncio").addHandler(logging.NullHandler())


class Mail(Struct, frozen=True, kw_only=True):
    """A message that arrived, byte for byte, and its envelope; a null sender is an empty string."""

    number: int
    queue_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.content)

    @property
    def subject(self) -> str:
        """The decoded subject; whatever the bytes are, it never raises. Empty where there is none."""
        return _decoded_header(_text(_field(_divided(self.content)[0], b"subject")).strip())

    @property
    def text(self) -> str:
        """The body for reading: the plain text, else the HTML. It never raises, and is cut when huge.

        The email package would take minutes for some headers of a few hundred kilobytes.
        """
        found = ""
        for kind, head, body in islice(_leaves(self.content[:_BODY]), _PARTS):
            if kind in {"text/plain", "text/html"}:
                text = _decoded_body(head, body)
                if kind == "text/plain":
                    return text
                found = found or text
        return found


def _divided(content: bytes) -> tuple[bytes, bytes]:
    """Return head and body of a message or part of one; a head is not as long as may be."""
    empty = _EMPTY_LINE.search(content, 0, _HEAD)
    return (content[: empty.start()], content[empty.end() :]) if empty else (content[:_HEAD], b"")


def _field(head: bytes, name: bytes) -> bytes:
    """Return a field's body, unfolded (RFC 5322 section 2.2.3) and cut when huge; empty without it."""
    found = re.search(rb"^" + name + _FIELD_BODY, head, re.IGNORECASE | re.MULTILINE)
    return re.sub(rb"\r?\n(?=[ \t])", b"", found[1][: 2 * _FIELD])[:_FIELD] if found else b""


def _leaves(content: bytes, depth: int = 0) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield the parts of a message that are no attachments: type, head and body (RFC 2046)."""
    head, body = _divided(content)
    described = _text(_field(head, b"content-type"))
    kind = described.partition(";")[0].strip().lower() or "text/plain"
    if _field(head, b"content-disposition").strip().lower().startswith(b"attachment"):
        return
    boundary = _BOUNDARY.search(described)
    if not kind.startswith("multipart/") or boundary is None:
        yield kind, head, body
    elif depth < _DEPTH:
        mark = re.escape((boundary[1] or boundary[2]).encode())
        pieces = re.split(rb"(?:^|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|$)", body)
        for end, part in zip(pieces[1::2], pieces[2::2], strict=True):
            if end:  # what follows is no part
                return
            yield from _leaves(part.removeprefix(b"\r").removeprefix(b"\n"), depth + 1)


def _decoded_body(head: bytes, body: bytes) -> str:
    """Return a part's text in its charset; what cannot be decoded is shown as far as it can."""
    encoding = _field(head, b"content-transfer-encoding").strip().lower()
    if encoding == b"base64":
        with contextlib.suppress(Base64Error):
            body = a2b_base64(body + b"==")
    elif encoding == b"quoted-printable":
        body = a2b_qp(body)
    charset = _CHARSET.search(_text(_field(head, b"content-type")))
    return _in_charset(body, charset[1]) if charset else _text(body)


def _in_charset(data: bytes, charset: str) -> str:
    """Decode what says which charset it is in, which may be any name and any bytes."""
    try:
        known = charset.isascii() and codecs.lookup(charset).name not in _NO_CHARSETS
        text = data.decode(charset, "replace") if known else _text(data)
    except Exception:  # noqa: BLE001 -- codecs fail in ways of their own
        return _text(data)
    return text.encode(errors="replace").decode()


def _text(data: bytes) -> str:
    """Decode bytes that should be UTF-8, but may be what Korean mailers used to send, or anything."""
    for encoding in ("utf-8", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode(errors="replace")


def _decoded_header(raw: str) -> str:
    """Decode the encoded words of a header (RFC 2047); what cannot be decoded stays as it is."""
    try:
        parts = decode_header(raw)
    except (HeaderParseError, Base64Error, ValueError):
        return raw
    return "".join(_decoded_part(part, charset) for part, charset in parts)


def _decoded_part(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    if charset is None:
        return part.decode("raw-unicode-escape", "replace")  # what the email package put it in
    return _in_charset(part, charset)


class _Mailbox:
    """What the connections share: the login, the messages, and who is connected."""

    def __init__(
        self,
        username: str,
        password: Secret,
        observer: Callable[[Mail], None] | None,
        message_size: int,
        idle_seconds: float,
    ) -> None:
        self.message_size = message_size
        self.idle_seconds = idle_seconds
        self.peers: set[_Peer] = set()
        self._room = 2 * message_size
        self._ended = 0
        self._username = username.encode()
        self._password = password
        self._observer = observer
        self._lock = threading.Lock()  # the messages are read on other threads
        self._mails: deque[Mail] = deque()
        self._bytes = 0
        self._number = 0

    @property
    def messages(self) -> tuple[Mail, ...]:
        with self._lock:
            return tuple(self._mails)

    @property
    def full(self) -> bool:
        """Whether there are as many connections as may be."""
        return len(self.peers) >= _CONNECTIONS

    def part(self, peer: _Peer) -> None:
        """Let a connection go.

        asyncio's objects for one in TLS refer to each other, and hold half a megabyte. Python would not
        look for such until they are some hundred.
        """
        self.peers.discard(peer)
        self._ended += 1
        if self._ended % _ENDED == 0:
            peer.loop.call_soon(gc.collect)

    def take(self, size: int) -> bool:
        """Take room for what is on its way, if there is any; all connections share it."""
        if size > self._room:
            return False
        self._room -= size
        return True

    def give_back(self, size: int) -> None:
        """Give room back."""
        self._room += size

    def store(self, envelope: Envelope, content: bytes) -> Mail:
        """Keep a message, at the cost of the oldest ones."""
        self._number += 1
        mail = Mail(
            number=self._number,
            queue_id=secrets.token_hex(5).upper(),
            sender=_address(envelope.mail_from or ""),
            recipients=tuple(map(_address, envelope.rcpt_tos)),
            content=content,
        )
        with self._lock:
            self._mails.append(mail)
            self._bytes += _weight(mail)
            while len(self._mails) > _KEPT_MESSAGES or (self._bytes > _KEPT_BYTES and len(self._mails) > 1):
                self._bytes -= _weight(self._mails.popleft())
        return mail

    def announce(self, mail: Mail) -> None:
        """Tell the observer of a message."""
        if self._observer is not None:
            self._observer(mail)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object
    ) -> AuthResult:
        """Compare a login with the one there is, in constant time."""
        fits = (
            isinstance(login, LoginPassword)
            and hmac.compare_digest(login.login, self._username)
            and hmac.compare_digest(login.password, self._password.reveal().encode())
        )
        return AuthResult(success=fits, handled=False)


class Sandbox:
    """An SMTP server with a STARTTLS port and an implicit TLS port, to be used in a ``with`` once.

    Entering raises UsageError for a port that cannot be used. Inside, ``starttls_port``,
    ``tls_port`` and ``ca_file`` say where it is and whom to trust. ``observer`` is called with each
    message on the server's thread, after the client has its reply; it must not raise. A message has
    at most ``message_size`` bytes, all that are on their way together at most twice that, and a session
    ends when it gave no command for ``idle_seconds``.
    """

    ca_file: Path

    def __init__(
        self,
        *,
        starttls_port: int = 0,
        tls_port: int = 0,
        username: str = USERNAME,
        password: Secret | None = None,
        observer: Callable[[Mail], None] | None = None,
        message_size: int = _MESSAGE_SIZE,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self.starttls_port = starttls_port
        self.tls_port = tls_port
        self.username = username
        self.password = password or Secret(secrets.token_urlsafe(15))
        self._mailbox = _Mailbox(self.username, self.password, observer, message_size, idle_seconds)
        self._grace = 0.0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the server; it answers when this returns."""
        with ExitStack() as stack:
            listeners = (
                stack.enter_context(_listen(self.starttls_port)),
                stack.enter_context(_listen(self.tls_port)),
            )
            self.starttls_port, self.tls_port = (one.getsockname()[1] for one in listeners)
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smtpdoctor-")))
            self.ca_file = directory / "ca.pem"
            context = _certified(self.ca_file)
            ready: Future[Callable[[], object]] = Future()
            thread = threading.Thread(
                target=self._run, args=(listeners, context, ready), name="sandbox", daemon=True
            )
            thread.start()
            stop = ready.result()
            stack.callback(thread.join, _JOIN_SECONDS)
            stack.callback(stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the server."""
        self.close()

    def close(self, grace: float = 0.0) -> None:
        """End all sessions and the server; ``grace`` gives clients that many seconds to end theirs."""
        self._grace = grace
        self._stack.close()

    def settings(
        self,
        *,
        security: SecurityName = "starttls",
        sender: str | None = None,
        recipient: str | None = None,
    ) -> Settings:
        """Return the settings of an application that uses this server; its certificate is in ``ca_file``."""
        return Settings.of(
            host=HOST,
            port=self.tls_port if security == "tls" else self.starttls_port,
            security=security,
            username=self.username,
            password=self.password,
            sender=sender or self.username,
            recipient=recipient,
        )

    @property
    def messages(self) -> tuple[Mail, ...]:
        """The messages that arrived; of many or large ones, the latest."""
        return self._mailbox.messages

    def _run(
        self,
        listeners: tuple[socket.socket, socket.socket],
        context: ssl.SSLContext,
        ready: Future[Callable[[], object]],
    ) -> None:
        try:
            # Windows' own loop cannot watch the listening sockets.
            with asyncio.Runner(debug=False, loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(listeners, context, ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(
        self,
        listeners: tuple[socket.socket, socket.socket],
        context: ssl.SSLContext,
        ready: Future[Callable[[], object]],
    ) -> None:
        loop = asyncio.get_running_loop()
        # What a client does to its own session is no news; asyncio would print it.
        loop.set_exception_handler(lambda _loop, _context: None)
        stopping = asyncio.Event()
        for listener, implicit in zip(listeners, (False, True), strict=True):
            make = partial(_Peer, self._mailbox, loop, context, implicit=implicit)
            listener.setblocking(False)  # noqa: FBT003 -- the standard library's signature
            loop.add_reader(listener, _accept, self._mailbox, loop, listener, make)
        ready.set_result(partial(loop.call_soon_threadsafe, stopping.set))
        await stopping.wait()
        for listener in listeners:
            loop.remove_reader(listener)
        me = asyncio.current_task()
        if self._grace and (sessions := asyncio.all_tasks() - {me}):
            await asyncio.wait(sessions, timeout=self._grace)
        for peer in tuple(self._mailbox.peers):
            peer.dismiss()
        sessions = asyncio.all_tasks() - {me}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next round


def _accept(
    mailbox: _Mailbox,
    loop: asyncio.AbstractEventLoop,
    listener: socket.socket,
    make: partial[_Peer],
) -> None:
    """Take a connection.

    asyncio's own servers lose those that they have just accepted when they are closed, and never
    close the sockets.
    """
    try:
        sock, _ = listener.accept()
    except (BlockingIOError, InterruptedError, ConnectionAbortedError):
        return
    except OSError:  # too many open files: asking again at once would only be busy
        loop.remove_reader(listener)
        loop.call_later(_RETRY_SECONDS, loop.add_reader, listener, _accept, mailbox, loop, listener, make)
        return
    if mailbox.full:
        with sock, contextlib.suppress(OSError):
            sock.setblocking(False)  # noqa: FBT003 -- the standard library's signature
            if not make.keywords["implicit"]:  # before a handshake nothing can be said in TLS
                sock.send(b"421 4.3.2 localhost has too many connections, try again later\r\n")
        return
    task = loop.create_task(loop.connect_accepted_socket(make, sock))
    task.add_done_callback(partial(_close_unless_opened, sock))


def _close_unless_opened(sock: socket.socket, task: asyncio.Task[Any]) -> None:
    if task.cancelled() or task.exception() is not None:
        sock.close()


def _address(text: str) -> str:
    if text == "<>":
        return ""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _weight(mail: Mail) -> int:
    return len(mail.content) + sum(len(one) + _OVERHEAD for one in mail.recipients)


def _listen(port: int) -> socket.socket:
    """Return a listening socket; raises UsageError that names the port."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        # Windows has the same names with three letters more.
        token = errno.errorcode.get(error.errno or 0, "?").removeprefix("WSA")
        raise UsageError(Message("sandbox.port", {"port": port, "error": token})) from error


def _certified(ca_file: Path) -> ssl.SSLContext:
    """Make a CA and a certificate from it; writes the CA's certificate to a file, keeps no key."""
    now = datetime.now(UTC)
    authority = trustme.CA(organization_name="smtpdoctor sandbox")
    leaf = authority.issue_cert(
        *_NAMES,
        organization_name="smtpdoctor sandbox",
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=_DAYS, hours=1),
    )
    ca_file.write_bytes(authority.cert_pem.bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, leaf.private_key_and_cert_chain_pem, ca_file.parent)
    return context


def _load(context: ssl.SSLContext, pem: trustme.Blob, directory: Path) -> None:
    """Load a key and its certificates. The ssl module reads files only: one in memory, where there are such."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), os.fdopen(os.memfd_create("smtpdoctor"), "wb") as file:
            file.write(pem.bytes())
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
            return
    with pem.tempfile(dir=str(directory)) as path:
        context.load_cert_chain(path)


class _Handler:
    """What aiosmtpd asks about a session."""

    async def handle_exception(self, error: Exception) -> str:  # noqa: ARG002 -- aiosmtpd's signature
        """Answer a command that broke something; the client learns no more than that."""
        return "451 4.3.0 Error: could not process that"


_HANDLER: Final = _Handler()
_TOO_LARGE: Final = "552 5.3.4 Error: message too large"
_NO_ROOM: Final = "452 4.3.1 Error: too many messages on their way, try again later"


class _Peer(SMTP):
    """One connection; ``implicit`` says that it is encrypted from the first byte."""

    line_length_limit = 16_384
    command_size_limit = _COMMAND_LINE
    # aiosmtpd's own prompts end in NUL; these are what clients know.
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(
        self,
        mailbox: _Mailbox,
        loop: asyncio.AbstractEventLoop,
        context: ssl.SSLContext,
        *,
        implicit: bool = False,
    ) -> None:
        super().__init__(
            _HANDLER,
            loop=loop,
            hostname="localhost",
            ident="ESMTP smtpdoctor sandbox",
            data_size_limit=mailbox.message_size,
            enable_SMTPUTF8=True,
            tls_context=None if implicit else context,
            require_starttls=not implicit,
            timeout=mailbox.idle_seconds,
            auth_required=True,
            authenticator=mailbox.authenticate,
        )
        # aiosmtpd knows no TLS but STARTTLS, and would offer no login on the other port.
        self._auth_require_tls = not implicit
        # Its own limits are one dictionary for all connections, and too small for long logins.
        self.command_size_limits = defaultdict(lambda: _COMMAND_LINE, AUTH=_AUTH_LINE)
        self._mailbox = mailbox
        self._context = context if implicit else None
        self._first_transport: asyncio.Transport | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._received = 0
        self._taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session, or begin it anew inside TLS."""
        if self._first_transport is not None or not isinstance(transport, asyncio.Transport):
            super().connection_made(transport)
            return
        self._first_transport = transport
        self._mailbox.peers.add(self)
        # asyncio leaves Nagle's algorithm on here, which costs 40 ms for a reply of many lines.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            super().connection_made(transport)
        else:
            transport.pause_reading()
            self._handshake = self.loop.create_task(self._begin_tls(transport, self._context))

    async def _begin_tls(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        """Do the handshake; asyncio would not let go of a connection that stops half-way through it."""
        try:
            inside = await self.loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except OSError:
            inside = None
        if inside is None or inside.is_closing():
            self._mailbox.part(self)
            transport.abort()
        else:
            super().connection_made(inside)

    def connection_lost(self, error: Exception | None) -> None:
        """End the session, if it ever began."""
        self._mailbox.part(self)
        self._give_back()
        if self.session is not None:
            super().connection_lost(error)

    def eof_received(self) -> bool:
        """Close the connection; aiosmtpd leaves it open where it is not waiting for a command."""
        super().eof_received()
        return False

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, unless it goes on and on: data or lines that never end."""
        self._received += len(data)
        if self._received > 2 * self._mailbox.message_size:
            self.dismiss()
        else:
            super().data_received(data)

    def _create_envelope(self) -> Envelope:
        self._received = 0  # with each message the client begins anew
        self._give_back()
        return super()._create_envelope()

    def _take(self, size: int) -> bool:
        """Take room for a part of a message, if all connections together have left any."""
        if not self._mailbox.take(size):
            return False
        self._taken += size
        return True

    def _give_back(self, size: int | None = None) -> None:
        """Give room back, all of it where no size is named."""
        size = self._taken if size is None else min(size, self._taken)  # its connection may be lost
        self._mailbox.give_back(size)
        self._taken -= size

    def _timeout_cb(self) -> None:
        """End a session in which nothing happened, also where its client takes no replies."""
        self.dismiss()

    async def push(self, status: AnyStr) -> None:
        """Send a reply, and let the others have their turn: a client may send commands by the thousand."""
        await super().push(status)
        await asyncio.sleep(0)

    def dismiss(self) -> None:
        """Close the connection now, whatever it is waiting for."""
        if self._first_transport is None:
            return
        transport = self.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing():
            with contextlib.suppress(Exception):  # RFC 5321 section 3.8, for those who can read it
                transport.write(b"421 4.3.2 localhost closing the connection\r\n")
        self._first_transport.abort()

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802 -- aiosmtpd's name
        """Log in; the names of mechanisms are not case-sensitive."""
        mechanism, blank, rest = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + blank + rest)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 -- aiosmtpd's name
        """Take a recipient, unless there are too many."""
        known = self.envelope.rcpt_tos if self.envelope is not None else []
        before = len(known)
        size = len(arg or "") + _OVERHEAD
        if before >= _RECIPIENTS:
            await self.push("452 4.5.3 Error: too many recipients")
        elif not self._take(size):
            await self.push(_NO_ROOM)
        else:
            await super().smtp_RCPT(arg)
            if len(known) == before:
                self._give_back(size)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 -- aiosmtpd's name
        """Take a message.

        aiosmtpd's own method keeps each line as an object and a line that never ends whole, so
        that a client can fill the memory; and it refuses long lines, which most servers take.
        """
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            content = await self._read_message()
            self.envelope = self._create_envelope()
            if isinstance(content, str):
                await self.push(content)
                return
            mail = self._mailbox.store(envelope, content)
            try:
                await self.push(f"250 2.0.0 Ok: queued as {mail.queue_id}")
            finally:
                self._mailbox.announce(mail)

    async def _read_message(self) -> bytes | str:
        """Return a message, or the reply that says why there is no room for it."""
        content = bytearray()
        try:
            return await self._read_into(content) or bytes(content)
        finally:
            content.clear()  # a session that was lost is only freed when Python looks for such cycles

    async def _read_into(self, content: bytearray) -> str:
        """Read up to the final dot and undo dot-stuffing (RFC 5321 section 4.5.2).

        Only CR LF ends a line, so that a dot between bare line feeds ends no message. Where there is
        no room for all of it nothing of it is kept, and the reply is returned that says so.
        """
        size = lines = 0
        refusal = ""
        line_begins = True
        while True:
            lines += 1
            if lines % _TURN == 0:  # what has arrived is read without waiting, and others wait
                await asyncio.sleep(0)
            try:
                chunk = await self._reader.readuntil(b"\r\n")
                line_ends = True
            except asyncio.LimitOverrunError as error:
                chunk = await self._reader.read(error.consumed)
                line_ends = False
            if line_begins and chunk == b".\r\n":
                return refusal
            if line_begins and chunk.startswith(b"."):
                chunk = chunk[1:]
            line_begins = line_ends
            size += len(chunk)
            if size > self._mailbox.message_size:
                refusal = _TOO_LARGE
            elif not refusal and not self._take(len(chunk)):
                refusal = _NO_ROOM
            if not refusal:
                content += chunk
            elif content:
                content.clear()
                self._give_back()
