"""The doctor and the other clients, each sending one message with the same settings.

``smtplib`` is used as its documentation says. ``Second`` reads replies as RFC 5321 section 4.2 wants it,
by their first digit, and logs in as most libraries do (PLAIN before LOGIN before CRAM-MD5), as Nodemailer
does, which is asked itself where it is installed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import smtplib
import socket
import ssl
import subprocess
import threading
from email import policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import idna

import smtpdoctor
from smtpdoctor import Report, Settings
from tests.fuzz.dialogue.script import TOKEN, Script

if TYPE_CHECKING:
    from tests.fuzz.dialogue.server import Stage

__all__ = ["Nodemailer", "Second", "doctor", "python"]

_NAME: Final = "client.example.test"
_PATIENCE: Final = 20.0
_SHORT: Final = 1.2  # where somebody is silent for sure


def _seconds(script: Script) -> float:
    return _SHORT if script.waits else _PATIENCE


def doctor(script: Script, stage: Stage) -> Report:
    """Have the doctor check the whole way to a sent message."""
    login = script.login != "none"
    settings = Settings.of(
        host=script.host,
        port=2525,
        security=script.security,  # type: ignore[arg-type] # one of the four words
        username=script.username if login else None,
        password=script.password if login else None,
        sender=script.sender,
        recipient=script.recipient,
        ehlo=_NAME,
        cipher=script.cipher or None,
    )
    return smtpdoctor.check(
        settings,
        ca_file=stage.ca_file,
        timeout=_seconds(script),
        deadline=6 * _PATIENCE,
        connect_to={(script.host, 2525): ("127.0.0.1", stage.port)},
        allow_cleartext_auth=True,
    )


@cache
def _context(ca_file: str, cipher: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if cipher:
        context.set_ciphers(cipher)
    return context


class _Dialling(smtplib.SMTP):
    """Dials a port of this machine, whatever the server's name is."""

    def __init__(self, name: str, port: int, seconds: float, implicit: ssl.SSLContext | None) -> None:
        self._dial = port
        self._implicit = implicit
        self._host = name  # what smtplib checks the certificate against
        try:
            super().__init__(name, port, _NAME, seconds)
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        sock = socket.create_connection(("127.0.0.1", self._dial), timeout)
        if self._implicit is None:
            return sock
        try:
            return self._implicit.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise


class Second(_Dialling):
    """smtplib with another reading of replies, and another order of mechanisms."""

    _verb = ""

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command."""
        self._verb = cmd.upper()
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Return a reply of lines of any length, whose first digit counts where smtplib looks for one code."""
        if self.file is None:
            assert self.sock is not None
            self.file = self.sock.makefile("rb")
        lines = [self.file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self.file.readline())
        if not lines[-1].endswith(b"\n"):
            self.close()
            raise smtplib.SMTPServerDisconnected("in the middle of a reply")
        code = int(lines[-1][:3]) if lines[-1][:3].isdigit() else -1
        text = b"\n".join(line[4:].strip(b" \t\r\n") for line in lines)
        if self._verb == "DATA" and not 300 <= code < 400:
            return (code if code >= 400 else 554), text
        wanted = {"EHLO": 250, "HELO": 250, "MAIL": 250, "RCPT": 250, "STARTTLS": 220}.get(self._verb, 0)
        return (wanted if wanted and 200 <= code < 300 else code), text

    def data(self, msg: bytes) -> tuple[int, bytes]:  # type: ignore[override]
        """Send the message."""
        self.putcmd("data")
        code, text = self.getreply()
        if code >= 400:
            raise smtplib.SMTPDataError(code, text)
        quoted = smtplib._quote_periods(msg)  # type: ignore[attr-defined]
        self.send(quoted + (b".\r\n" if quoted.endswith(b"\r\n") else b"\r\n.\r\n"))
        self._verb = "."
        code, text = self.getreply()
        return (250 if 200 <= code < 300 else code), text

    def login(self, user: str, password: str, *, initial_response_ok: bool = True) -> Any:  # noqa: ARG002
        """Log in with the one mechanism that most would choose, in UTF-8, which smtplib cannot."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        mechanism = next((one for one in ("PLAIN", "LOGIN", "CRAM-MD5") if one in offered), "PLAIN")
        self._answer(mechanism, [f"\0{user}\0{password}"] if mechanism == "PLAIN" else [user, password])

    def bear(self, user: str, token: str) -> None:
        """Log in with a token."""
        self._answer("XOAUTH2", [f"user={user}\1auth=Bearer {token}\1\1"])

    def _answer(self, mechanism: str, answers: list[str]) -> None:
        first = "" if mechanism in {"LOGIN", "CRAM-MD5"} else f" {_encoded(answers.pop(0))}"
        code, text = self.docmd("AUTH", f"{mechanism}{first}")
        if mechanism == "CRAM-MD5" and code == 334:
            challenge = base64.b64decode(text)
            digest = hmac.new(answers[1].encode(), challenge, hashlib.md5).hexdigest()
            answers = [f"{answers[0]} {digest}"]
        while code == 334 and answers:
            code, text = self.docmd(_encoded(answers.pop(0)))
        if not 200 <= code < 300:
            raise smtplib.SMTPAuthenticationError(code, text)

    def send_message(self, msg: Any, *_: Any, **__: Any) -> Any:
        """Send a message, its domains in A-labels, which smtplib leaves to its caller."""
        options = []
        addresses = [_ascii_domain(msg["From"]), _ascii_domain(msg["To"])]
        if not all(one.isascii() for one in addresses):
            if not self.has_extn("smtputf8"):
                raise smtplib.SMTPNotSupportedError("SMTPUTF8")
            self.command_encoding = "utf-8"
            options = ["SMTPUTF8"]
        return self.sendmail(addresses[0], addresses[1], msg.as_bytes(policy=policy.SMTPUTF8), options)


def _encoded(answer: str) -> str:
    return base64.b64encode(answer.encode()).decode()


def _ascii_domain(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local}@{idna.encode(domain).decode()}"


def message(script: Script) -> EmailMessage:
    """Return a message about as long as the doctor's."""
    found = EmailMessage()
    found["From"] = script.sender
    found["To"] = script.recipient
    found["Subject"] = "test"
    found.set_content("one line of a test message\n" * 40)
    return found


def python(script: Script, stage: Stage, kind: type[_Dialling] = _Dialling) -> str:
    """Send a message; returns what went wrong, empty for success by the client's own account."""
    client = None
    try:
        context = _context(stage.ca_file, script.cipher)
        implicit = context if script.security == "tls" else None
        client = kind(script.host, stage.port, _seconds(script), implicit)
        client.ehlo_or_helo_if_needed()
        if script.security == "starttls" or (
            script.security == "opportunistic" and client.has_extn("starttls")
        ):
            code, text = client.starttls(context=context)
            if code != 220:
                return f"STARTTLS: {code} {text!r}"
            client.ehlo_or_helo_if_needed()
        if script.login != "none":
            _log_in(client, script)
        client.send_message(message(script))
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.quit()
    except (OSError, smtplib.SMTPException, ValueError) as error:  # UnicodeError: smtplib's logins are ASCII
        return f"{error!r}"[:200]
    finally:
        if client is not None:
            client.close()
    return ""


def _log_in(client: _Dialling, script: Script) -> None:
    if script.password != TOKEN:
        client.login(script.username, script.password)
        return
    token = f"user={script.username}\1auth=Bearer {script.password}\1\1"
    if isinstance(client, Second):
        client.bear(script.username, script.password)
        return
    if "XOAUTH2" not in client.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("XOAUTH2")
    client.auth("XOAUTH2", lambda challenge=None: token if challenge is None else "")


class Nodemailer:
    """A long-lived process that sends with Nodemailer; calls may come from several threads."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("nodemailer.cjs")), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()
        self._answers: dict[int, tuple[threading.Event, list[str]]] = {}
        self._number = 0
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            answer = json.loads(line)
            event, found = self._answers.pop(answer["id"])
            found.append(answer["error"])
            event.set()

    def __call__(self, script: Script, stage: Stage) -> str:
        """Send a message; returns what went wrong, empty for success."""
        event, found = threading.Event(), list[str]()
        with self._lock:
            self._number += 1
            self._answers[self._number] = event, found
            job = {
                "id": self._number,
                "port": stage.port,
                "host": script.host,
                "security": script.security,
                "ca": stage.ca_file,
                "login": script.login != "none",
                "token": script.password == TOKEN,
                "username": script.username,
                "password": script.password,
                "sender": script.sender,
                "recipient": script.recipient,
                "name": _NAME,
                "cipher": script.cipher,
                "milliseconds": int(_seconds(script) * 1000),
            }
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        event.wait()
        return found[0]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
