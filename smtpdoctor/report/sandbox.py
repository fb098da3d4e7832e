"""What the sandbox shows: settings to aim an application with, then each message as it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from smtpdoctor.model import Lang
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.sandbox import Mail, Sandbox

__all__ = ["Lines", "Shown", "Terminal"]

_BARE: Final = re.compile(r"[A-Za-z0-9_@.%+:/=-]+")
_SHOWN_LINES: Final = 200


class Shown(Protocol):
    """Shows what the server does."""

    def ready(self, server: Sandbox) -> None:
        """Say how to reach the server."""

    def mail(self, mail: Mail) -> None:
        """Show a message."""


def _variables(server: Sandbox, password_file: Path | None) -> dict[str, str]:
    """Return the base variables for the STARTTLS port.

    Only the password that the sandbox made itself is shown; one that was given stays in its file.
    """
    from smtpdoctor.sandbox import HOST

    if password_file is None:
        password = {"SMTP_PASSWORD": server.password.reveal()}
    else:
        password = {"SMTP_PASSWORD_FILE": str(password_file.absolute())}
    return {
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(server.starttls_port),
        "SMTP_SENDER": _sender(server),
        "SMTP_USERNAME": server.username,
        **password,
        "SMTP_TLS": "false",
        "SMTP_OPPORTUNISTIC_TLS": "true",
    }


def _tls_variables(server: Sandbox) -> dict[str, str]:
    return {"SMTP_PORT": str(server.tls_port), "SMTP_TLS": "true", "SMTP_OPPORTUNISTIC_TLS": "false"}


def _sender(server: Sandbox) -> str:
    from smtpdoctor.sandbox import USERNAME
    from smtpdoctor.smtp.command import MailboxError, mailbox

    try:
        return mailbox(server.username)
    except MailboxError:
        return USERNAME


def _quoted(text: str) -> str:
    """Write a value the way that every reader of .env files understands."""
    if _BARE.fullmatch(text):
        return text
    if "'" not in text and "\\" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Terminal:
    """Settings and messages for people; ``hint`` is told what is no data."""

    def __init__(
        self,
        stream: IO[str],
        lang: Lang,
        password_file: Path | None,
        *,
        hint: Callable[[str], None] | None,
        color: bool,
        verbose: bool,
    ) -> None:
        self._stream = stream
        self._lang = lang
        self._password_file = password_file
        self._hint = hint
        self._color = color
        self._verbose = verbose

    def ready(self, server: Sandbox) -> None:
        """Print lines for a .env file."""
        lang = self._lang
        if self._hint is not None:
            self._hint(say(lang, "sandbox.ready"))
        lines = [f"# {say(lang, 'sandbox.env-starttls')}"]
        variables = _variables(server, self._password_file)
        lines += [f"{name}={_quoted(value)}" for name, value in variables.items()]
        lines.append(f"# {say(lang, 'sandbox.env-tls')}")
        lines += [f"# {name}={value}" for name, value in _tls_variables(server).items()]
        _put(self._stream, "\n".join(lines))
        if self._hint is not None:
            self._hint(say(lang, "sandbox.ca", file=server.ca_file))

    def mail(self, mail: Mail) -> None:
        """Print a line about a message, and its text where that was asked for."""
        from smtpdoctor.masking.words import printable

        line = say(
            self._lang,
            "sandbox.message",
            number=mail.number,
            sender=printable(mail.sender) or say(self._lang, "sandbox.no-sender"),
            recipients=", ".join(map(printable, mail.recipients)),
            subject=printable(mail.subject) or say(self._lang, "sandbox.no-subject"),
            size=mail.size,
        )
        _put(self._stream, self._bold(line))
        if self._verbose:
            lines = mail.text.rstrip().splitlines()
            shown = [f"    {printable(one)}".rstrip() for one in lines[:_SHOWN_LINES]]
            _put(self._stream, "\n".join([*shown, "    …"] if len(lines) > _SHOWN_LINES else shown))

    def _bold(self, line: str) -> str:
        if not (self._color and self._stream.isatty()):
            return line
        from smtpdoctor.report.terminal import wants_color

        return f"\x1b[1m{line}\x1b[0m" if wants_color() else line


class Lines:
    """One JSON object a line."""

    def __init__(self, stream: IO[str], password_file: Path | None, *, verbose: bool) -> None:
        self._stream = stream
        self._password_file = password_file
        self._verbose = verbose

    def ready(self, server: Sandbox) -> None:
        """Print where the server is and how to log in."""
        from smtpdoctor.report.json_v1 import tool
        from smtpdoctor.sandbox import HOST

        _put_json(
            self._stream,
            {
                "version": 1,
                "tool": tool(),
                "event": "ready",
                "host": HOST,
                "ports": {"starttls": server.starttls_port, "tls": server.tls_port},
                "username": server.username,
                "password": None if self._password_file else server.password.reveal(),
                "ca_file": str(server.ca_file),
                "variables": _variables(server, self._password_file),
            },
        )

    def mail(self, mail: Mail) -> None:
        """Print a message."""
        shown: dict[str, Any] = {
            "event": "message",
            "number": mail.number,
            "queue_id": mail.queue_id,
            "sender": mail.sender,
            "recipients": list(mail.recipients),
            "subject": mail.subject,
            "size": mail.size,
        }
        _put_json(self._stream, {**shown, "text": mail.text} if self._verbose else shown)


def _put(stream: IO[str], text: str) -> None:
    """Print at once: whoever reads a pipe waits for it."""
    stream.write(text + "\n")
    stream.flush()


def _put_json(stream: IO[str], value: dict[str, Any]) -> None:
    # The same data, but with nothing in it that a terminal would obey.
    text = json.dumps(value, ensure_ascii=False)
    _put(stream, "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text))
