"""Commands → bytes: rendering, the check against injected line breaks, dot-stuffing (RFC 5321)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

__all__ = ["MailboxError", "dot_stuffed", "ehlo_name", "mail_from", "mailbox", "rcpt_to", "rendered"]

_ADDRESS: Final = re.compile(r'(?:[^\s<>@"]+|"(?:[^"\\\r\n]|\\.)*")@(?:[^\s<>@\[\]]+|\[[^\]\s]+\])')
_BREAK: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # a lone surrogate has no bytes


class MailboxError(ValueError):
    """A text that is no mailbox (RFC 5321 section 4.1.2)."""


def rendered(line: str) -> bytes:
    """Return a command line as bytes; raises ValueError for a control character, which would start another command."""
    if _BREAK.search(line):
        msg = "control character in a command"
        raise ValueError(msg)
    return line.encode() + b"\r\n"


def mailbox(text: str) -> str:
    """Take the address out of ``Name <user@example.com>`` or ``user@example.com``; raises MailboxError.

    Limits: local part 64, domain 255 octets (RFC 5321 section 4.5.3.1).
    """
    text = text.strip()
    found = re.fullmatch(r"[^<>\r\n]*<([^<>\r\n]*)>", text)
    address = found[1].strip() if found else text
    if not _ADDRESS.fullmatch(address) or _BREAK.search(address):
        raise MailboxError(text)
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if len(local.encode()) > 64 or len(domain.encode()) > 255 or not all(labels):  # noqa: PLR2004
        raise MailboxError(text)
    return address


def ehlo_name(hostname: str, local_address: str) -> str:
    """Return the name for EHLO: the host's name if it is fully qualified, else an address literal (RFC 5321 4.1.3)."""
    if re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", hostname) and not hostname.endswith(".localdomain"):
        return hostname
    try:
        address = ipaddress.ip_address(local_address.partition("%")[0])
    except ValueError:
        return "[127.0.0.1]"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"  # noqa: PLR2004


def _ascii_domain(address: str) -> str:
    """Return the address with its domain in A-labels (RFC 5891), so that only the local part may need SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def mail_from(address: str, capabilities: frozenset[str], size: int | None = None) -> str:
    """Return ``MAIL FROM`` with the parameters that the server offers (RFC 1870 SIZE, RFC 6531 SMTPUTF8)."""
    address = _ascii_domain(address)
    line = f"MAIL FROM:<{address}>"
    if size is not None and "SIZE" in capabilities:
        line += f" SIZE={size}"
    if not address.isascii() and "SMTPUTF8" in capabilities:
        line += " SMTPUTF8"
    return line


def rcpt_to(address: str) -> str:
    """Return ``RCPT TO``."""
    return f"RCPT TO:<{_ascii_domain(address)}>"


def dot_stuffed(message: bytes) -> bytes:
    """Return a message ready for DATA: CRLF line ends, leading dots doubled, the final dot (RFC 5321 4.5.2)."""
    lines = re.split(rb"\r\n|\r|\n", message)
    if lines and lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"
