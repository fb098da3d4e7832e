"""Plays a ``Script``: an honest mail server, whose replies a man in the middle may write anew.

The server keeps its own account (RFC 5321 section 4.1.4: no RCPT without MAIL, no DATA without RCPT) and
knows which messages it has taken; that does not depend on whether its replies arrive.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import select
import socket
import ssl
import struct
import threading
import time
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from tests.fuzz.dialogue.script import Script, Twist

if TYPE_CHECKING:
    from tests.certs import Certificates

__all__ = ["Contexts", "Stage"]

_HOST: Final = "127.0.0.1"
_NAME: Final = "mail.example.test"
_CHALLENGE: Final = b"<1.1@mail.example.test>"
_PATIENCE: Final = 30.0  # seconds after which a thread of a server gives up, whatever its client does
_MOST: Final = 2_000_000  # bytes of a line or message; no client here sends as much
_SHORT: Final = 64  # bytes of a reply that may come byte by byte
_SETTLING: Final = 5.0  # seconds


class _Over(Exception):
    """The script is over: the server has hung up."""


class Contexts:
    """The TLS contexts of the servers, made once for each certificate."""

    def __init__(self, certificates: Certificates) -> None:
        self.certificates = certificates
        self._made: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._lock = threading.Lock()
        with warnings.catch_warnings():  # before there are other threads, which share the filters
            warnings.simplefilter("ignore", DeprecationWarning)
            self._made["good", True] = self._make("good", old=True)

    def of(self, script: Script) -> ssl.SSLContext:
        """Return the context that a script's server shakes hands with."""
        key = ("good", True) if script.old_tls else (script.certificate, False)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(key[0])
            return self._made[key]

    def _make(self, kind: str, *, old: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0
        if old:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        if kind == "anonymous":
            context.maximum_version = min(context.maximum_version, ssl.TLSVersion.TLSv1_2)
            context.set_ciphers("aNULL:@SECLEVEL=0")
            return context
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        certificate = getattr(self.certificates, kind, None) or self.certificates[kind]
        context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
        return context


class Stage:
    """A port at which one script after the other is played: as a context manager, by one thread."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._script = Script()
        self._accepted: list[bytes] = []
        self._lines: list[str] = []
        self._ends: list[threading.Event] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server((_HOST, 0), backlog=64)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"x")
        self._thread.join()
        for sock in (self._listener, self._wake, self._woken):
            sock.close()

    @property
    def port(self) -> int:
        """The port."""
        return int(self._listener.getsockname()[1])

    @cached_property
    def ca_file(self) -> str:
        """The CA that a client should trust."""
        return str(self._contexts.certificates.ca_pem)

    def play(self, script: Script) -> None:
        """Play a script from now on, on every connection, and forget what the one before has taken."""
        # New lists: a thread of the script before may still write into its own.
        self._script, self._accepted, self._lines, self._ends = script, [], [], []

    def settled(self) -> int:
        """Wait until the server is done with every client that is gone; returns how many messages it has taken."""
        for end in tuple(self._ends):
            end.wait(_SETTLING)
        return len(self._accepted)

    @property
    def lines(self) -> list[str]:
        """What was said since the script began, both sides."""
        return list(self._lines)

    def _accept(self) -> None:
        while self._woken not in (ready := select.select([self._listener, self._woken], [], [])[0]):
            if ready:
                sock, _ = self._listener.accept()
                play = _Play(self._script, sock, self._contexts, self._accepted, self._lines)
                self._ends.append(play.over)
                threading.Thread(target=play.run, daemon=True).start()


class _Play:
    """One connection."""

    def __init__(
        self, script: Script, sock: socket.socket, contexts: Contexts, accepted: list[bytes], lines: list[str]
    ) -> None:
        self._script = script
        self._socket = sock
        self._contexts = contexts
        self._accepted = accepted
        self._lines = lines
        self.over = threading.Event()
        self._received = bytearray()
        self._swallow = False
        self._encrypted = False
        self._greeted = False
        self._logged_in = False
        self._sender = False
        self._recipients = 0

    # -- The wire -----------------------------------------------------------------

    def run(self) -> None:
        """Play to the end."""
        self._socket.settimeout(_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(_Over, OSError, ValueError):
            self._talk()
        with contextlib.suppress(OSError, ValueError):
            self._close()
        self._socket.close()
        self.over.set()

    def _close(self) -> None:
        """Close in an orderly way: closing with something left to read would make it a reset."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(0.2)
            with contextlib.suppress(OSError, ValueError):
                self._socket.unwrap()
        socket.socket.shutdown(self._socket, socket.SHUT_WR)
        self._socket.settimeout(2.0)
        while socket.socket.recv(self._socket, 65_536):
            pass

    def _reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        raise _Over

    def _send(self, data: bytes) -> None:
        self._lines.append(f"S: {data[:200]!r}")
        self._socket.sendall(data)

    def _read_until(self, end: bytes) -> bytes:
        while (found := self._received.find(end)) < 0:
            data = self._socket.recv(65_536)
            if not data or len(self._received) > _MOST:
                raise _Over
            self._received += data
        line = bytes(self._received[: found + len(end)])
        del self._received[: found + len(end)]
        return line

    def _read_line(self) -> str:
        line = self._read_until(b"\n").decode("utf-8", "surrogateescape").rstrip("\r\n")
        self._lines.append(f"C: {line!r}")
        return line

    def _handshake(self) -> None:
        context = self._contexts.of(self._script)
        self._received.clear()
        self._socket = context.wrap_socket(self._socket, server_side=True)
        self._encrypted = True
        self._lines.append("S: (TLS)")

    def _twists(self, step: str) -> list[Twist]:
        return [twist for twist in self._script.twists if twist.step == step]

    def _say(self, step: str, usual: int, *texts: str) -> int:
        """Answer a step, as the script twists it; returns the code that the server means."""
        twists = {twist.kind: twist for twist in reversed(self._twists(step))}
        code = twists["code"].code if "code" in twists else usual
        if "goodbye" in twists:
            code = 421
        texts = texts if code == usual else ("as the script says",)
        self._break(twists, "before")
        if "silence" in twists:
            raise self._mute()
        data = _written(code, texts, twists)
        if "unfinished" in twists:
            self._send(data.rstrip()[:-1])
            raise self._mute()
        if self._swallow:
            self._swallow = False
            data = b""
        if "close-middle" in twists:
            self._send(data[: len(data) // 2])
            raise _Over
        for kind in ("extra", "ahead"):
            if kind in twists:
                data += _line(twists[kind].code, "one more")
                self._swallow |= kind == "ahead"
        self._paced(data, twists)
        if "extra-later" in twists:
            time.sleep(twists["extra-later"].number / 1000)
            self._send(_line(twists["extra-later"].code, "one more"))
        self._break(twists, "after")
        if "goodbye" in twists:
            raise _Over
        return code

    def _break(self, twists: dict[str, Twist], when: str) -> None:
        if f"close-{when}" in twists:
            raise _Over
        if f"reset-{when}" in twists:
            self._reset()

    def _mute(self) -> _Over:
        with contextlib.suppress(OSError):
            while self._socket.recv(65_536):
                pass
        return _Over()

    def _paced(self, data: bytes, twists: dict[str, Twist]) -> None:
        if "late" in twists:
            time.sleep(twists["late"].number / 1000)
        pieces = twists["split"].number if "split" in twists else 1
        size = max(len(data) // pieces, 1)
        if "drip" in twists and len(data) <= _SHORT:
            size = 1
        for start in range(0, len(data), size):
            if start:
                time.sleep(0.001)
            self._send(data[start : start + size])

    # -- The server ---------------------------------------------------------------

    def _talk(self) -> None:
        if self._script.implicit:
            self._handshake()
        if self._say("greeting", 220, f"{_NAME} ESMTP ready") != 220:
            # RFC 5321 section 3.1: who greets with 554 takes no mail, and answers nothing but QUIT.
            while not self._read_line().upper().startswith("QUIT"):
                self._send(_line(503, "no service here"))
            return
        while True:
            line = self._read_line()
            verb, _, rest = line.partition(" ")
            act = {
                "EHLO": self._ehlo,
                "HELO": self._helo,
                "STARTTLS": self._starttls,
                "AUTH": self._auth,
                "MAIL": self._mail,
                "RCPT": self._rcpt,
                "DATA": self._data,
                "RSET": self._rset,
            }.get(verb.upper())
            if verb.upper() == "QUIT":
                self._send(_line(221, "Bye"))
                return
            if act is None:
                self._send(_line(250 if verb.upper() == "NOOP" else 502, "what?"))
            else:
                act(rest)

    @property
    def _capabilities(self) -> tuple[str, ...]:
        return self._script.tls_capabilities if self._encrypted else self._script.capabilities

    def _offers(self, name: str) -> bool:
        return any(one.upper().split()[:1] == [name] for one in self._capabilities)

    @property
    def _limit(self) -> int:
        """The largest message that is taken, 0 for any (RFC 1870)."""
        sizes = [one.split()[1:] for one in self._capabilities if one.upper().startswith("SIZE ")]
        return int(sizes[-1][0]) if sizes and sizes[-1] else 0

    def _ehlo(self, _rest: str) -> None:
        step = "ehlo-tls" if self._encrypted and not self._script.implicit else "ehlo"
        self._greeted = _yes(self._say(step, 250, _NAME, *self._capabilities))

    def _helo(self, _rest: str) -> None:
        self._greeted = _yes(self._say("helo", 250, _NAME))

    def _starttls(self, _rest: str) -> None:
        if self._encrypted or not self._offers("STARTTLS"):
            self._send(_line(502, "not offered"))
            return
        inject = next((one.text for one in self._twists("starttls") if one.kind == "inject"), None)
        if inject is not None:
            self._send(_line(220, "go ahead") + inject.encode() + b"\r\n")
        elif self._say("starttls", 220, "go ahead") != 220:
            return
        self._handshake()
        self._greeted = self._logged_in = self._sender = False

    def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        mechanism = mechanism.upper()
        offered = " ".join(one.replace("=", " ") for one in self._capabilities).upper().split()
        if not self._offers("AUTH") and "AUTH" not in offered:
            self._send(_line(503, "AUTH is not offered"))
        elif self._script.tls_required and not self._encrypted:
            self._send(_line(530, "Must issue a STARTTLS command first"))
        elif mechanism not in offered or mechanism not in self._script.mechanisms:
            self._send(_line(504, "Unrecognized authentication type"))
        else:
            right = self._asked(mechanism, initial)
            code = self._say("auth", 235, "logged in") if right else self._refuse_login()
            self._logged_in = _yes(code)

    def _refuse_login(self) -> int:
        self._send(_line(535, "5.7.8 bad credentials"))
        return 535

    def _asked(self, mechanism: str, initial: str) -> bool:
        """Lead one exchange of SASL; tells whether the login is right."""
        script = self._script
        password = script.password if script.login == "right" else f"not {script.password}"
        again = any(one.kind == "again" for one in self._twists("challenge"))

        def ask(challenge: bytes) -> bytes:
            text = next(
                (one.text for one in self._twists("challenge") if one.kind == "text"),
                base64.b64encode(challenge).decode(),
            )
            if self._say("challenge", 334, text) != 334:
                raise _Refused
            line = self._read_line()
            return base64.b64decode(line, validate=True)

        def first(challenge: bytes = b"") -> bytes:
            if not initial or again:
                return ask(challenge)
            return base64.b64decode(initial, validate=True)

        try:
            match mechanism:
                case "PLAIN":
                    return first() == f"\0{script.username}\0{password}".encode()
                case "LOGIN":
                    user = first(b"Username:")
                    return (user, ask(b"Password:")) == (script.username.encode(), password.encode())
                case "CRAM-MD5":
                    challenge = next(
                        (one.text for one in self._twists("challenge") if one.kind == "text"), None
                    )
                    data = _CHALLENGE if challenge is None else base64.b64decode(challenge)
                    digest = hmac.new(password.encode(), data, hashlib.md5).hexdigest()
                    return ask(_CHALLENGE) == f"{script.username} {digest}".encode()
                case _:
                    wanted = f"user={script.username}\1auth=Bearer {password}\1\1".encode()
                    if first() == wanted:
                        return True
                    ask(b'{"status":"401"}')
                    return False
        except (binascii.Error, ValueError, _Refused):
            return False

    def _mail(self, _rest: str) -> None:
        self._sender = False
        limit = self._limit
        size = next((one[5:] for one in _rest.upper().split() if one.startswith("SIZE=")), "0")
        if not self._greeted:
            self._send(_line(503, "Polite people say HELO first"))
        elif self._script.tls_required and not self._encrypted:
            self._send(_line(530, "Must issue a STARTTLS command first"))
        elif self._script.auth_required and not self._logged_in:
            self._send(_line(530, "5.7.0 Authentication required"))
        elif not _rest.isascii() and not self._offers("SMTPUTF8"):
            self._send(_line(553, "5.6.7 no such characters here"))
        elif limit and size.isdigit() and int(size) > limit:
            self._send(_line(552, "5.3.4 Message size exceeds fixed limit"))
        else:
            self._sender = _yes(self._say("mail", 250, "2.1.0 Ok"))
            self._recipients = 0

    def _rcpt(self, rest: str) -> None:
        if not self._sender:
            self._send(_line(503, "5.5.1 need MAIL command"))
        elif not rest.isascii() and not self._offers("SMTPUTF8"):
            self._send(_line(553, "5.6.7 no such characters here"))
        else:
            self._recipients += _yes(self._say("rcpt", 250, "2.1.5 Ok"))

    def _data(self, _rest: str) -> None:
        if not self._sender or not self._recipients:
            self._send(_line(503, "5.5.1 need RCPT command"))
            return
        code = self._say("data", 354, "End data with <CR><LF>.<CR><LF>")
        if not 300 <= code < 400:
            return
        message = self._read_until(b"\r\n.\r\n")
        self._lines.append(f"C: ({len(message)} bytes)")
        if self._limit and len(message) > self._limit:
            self._sender = False
            self._send(_line(552, "5.3.4 Message too big"))
            return
        meant = next((one.code for one in self._twists("dot") if one.kind == "code"), 250)
        if any(one.kind == "goodbye" for one in self._twists("dot")):
            meant = 421
        if _yes(meant):
            self._accepted.append(message)
        self._sender = False
        self._say("dot", 250, "2.0.0 Ok: queued as 4F2A1B")

    def _rset(self, _rest: str) -> None:
        self._sender = False
        self._send(_line(250, "Ok"))


class _Refused(Exception):
    """The challenge was none: the login is over."""


def _yes(code: int) -> bool:
    return 200 <= code < 300


def _line(code: int, text: str) -> bytes:
    return f"{code} {text}\r\n".encode()


def _written(code: int, texts: tuple[str, ...], twists: dict[str, Twist]) -> bytes:
    """Write a reply, as oddly as the twists say."""
    lines = list(texts)
    if "multi" in twists:
        lines += [f"line {number}" for number in range(twists["multi"].number)]
    if "long" in twists:
        lines[-1] += " " + "x" * twists["long"].number
    if "control" in twists:
        lines[-1] += "\0\x1b[31m\x07"
    if "no-text" in twists or "blank" in twists:
        lines[-1] = ""
    if "no-separator" in twists:
        lines[-1] = lines[-1].lstrip("0123456789. ")  # a fourth digit would make another code of it
    end = "\n" if "bare-lf" in twists else "\r\n"
    written = [f"{code}-{one}" for one in lines[:-1]]
    last = {"no-text": "", "tab": "\t", "no-separator": ""}
    between = next((sign for kind, sign in last.items() if kind in twists), " ")
    written.append(f"{code}{between}{lines[-1]}")
    if "trailing" in twists:
        written = [f"{one}  \t" for one in written]
    if "codes-differ" in twists:
        written.insert(0, f"{twists['codes-differ'].code}-first")
    if "no-code" in twists:
        written.insert(0, f"{code}-first")
        written.insert(1, "no code here")
    if "leading-blank" in twists:
        written[0] = f" {written[0]}"
    if "leading-line" in twists:
        written.insert(0, "")
    if "cr" in twists:
        written = [f"{one}\r" for one in written]
    data = "".join(f"{one}{end}" for one in written).encode()
    if "bytes" in twists:
        data = data.replace(b"\r\n", "가 é".encode("cp949", "ignore") + b"\xe9\xff\r\n")
    return data
