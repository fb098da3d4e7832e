"""Commands → bytes: rendering, the check against injected line breaks, dot-stuffing (RFC 5321)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Literal

from msgspec import Struct

__all__ = [
    "DomainError",
    "EhloName",
    "EhloStyle",
    "MailboxError",
    "a_labels",
    "ascii_domain",
    "dot_stuffed",
    "ehlo_for",
    "ehlo_name",
    "full_name",
    "mail_from",
    "mailbox",
    "needs_smtputf8",
    "rcpt_to",
    "rendered",
]

_ADDRESS: Final = re.compile(r'(?:[^\s<>@"]+|"(?:[^"\\\r\n]|\\.)*")@(?:[^\s<>@\[\]]+|\[[^\]\s]+\])')
_BREAK: Final = "[\x00-\x1f\x7f\ud800-\udfff]"  # a lone surrogate has no bytes


class MailboxError(ValueError):
    """A text that is no mailbox (RFC 5321 section 4.1.2)."""


class DomainError(ValueError):
    """A name that has no form in ASCII; ``sign`` is the character that none can hold, where it is one."""

    def __init__(self, domain: str, sign: str = "") -> None:
        super().__init__(domain)
        self.sign = sign


def a_labels(domain: str) -> str:
    """Return a host or domain name as DNS, TLS and SMTP have it: in ASCII (IDNA 2008, RFC 5891).

    What people type is mapped first as browsers do (UTS 46, not transitional): case, width, the ideographic
    full stop. Python's own codec has the rules of 2003, by which ``faß.de`` is another host. A name in ASCII is
    returned as it is. Raises DomainError, as for an emoji.
    """
    if domain.isascii():
        return domain
    from unicodedata import category

    import idna

    try:
        labels = idna.uts46_remap(domain, std3_rules=False, transitional=False).split(".")
        found = [one if one.isascii() else idna.alabel(one).decode() for one in labels]
    except UnicodeError as error:  # idna's own errors are of this kind
        sign = next((one for one in domain if not one.isascii() and category(one)[0] not in "LMN"), "")
        raise DomainError(domain, sign) from error
    # The mapping makes a slash or an at sign of their wide forms; in a name neither is one.
    if strange := re.search(r"[^a-z0-9._-]", "".join(found)):
        raise DomainError(domain, strange[0])
    return ".".join(found)


def _breaks(text: str) -> bool:
    """Whether a text holds what cannot stand in a command."""
    return not text.isprintable() and re.search(_BREAK, text) is not None


def rendered(line: str) -> bytes:
    """Return a command line as bytes; raises ValueError for a control character, which would start another command."""
    if _breaks(line):
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
    if not _ADDRESS.fullmatch(address) or _breaks(address):
        raise MailboxError(text)
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    try:
        octets = len(a_labels(domain))
    except DomainError as error:
        raise MailboxError(text) from error
    if len(local.encode()) > 64 or octets > 255 or not all(labels):  # noqa: PLR2004
        raise MailboxError(text)
    return address


EhloStyle = Literal["host", "fqdn-or-address", "fqdn-or-loopback", "localhost", "loopback"]
"""How a library names itself when nothing is configured.

``host``: the host's name as it is (PHPMailer without a web request, curl, lettre); ``fqdn-or-address``: smtplib,
Jakarta Mail; ``fqdn-or-loopback``: Nodemailer; ``localhost``: Go's net/smtp, Ruby's; ``loopback``: Symfony.
"""


class EhloName(Struct, frozen=True):
    """The name for EHLO. ``reproduced``: the application is known to send the same; else it may send another."""

    text: str
    reproduced: bool


def ehlo_for(
    configured: str | None, hostname: str, local_address: str, style: EhloStyle | None = None
) -> EhloName:
    """Return the name that the application would send, as far as that is known; asks no resolver.

    ``configured`` is what the settings say; ``hostname`` the host's name (see ``full_name``), ``local_address``
    this side's IP address, ``style`` what the application's library does. Without either of the first and the
    last it is a name that servers take: the host's if it is fully qualified, else its address.
    """
    if configured:
        return EhloName(configured, reproduced=True)
    if style is None:
        return EhloName(ehlo_name(hostname, local_address), reproduced=False)
    name = {"host": hostname or "localhost", "localhost": "localhost", "loopback": "[127.0.0.1]"}.get(style)
    if name is None:
        if "." in hostname:
            name = f"[{hostname}]" if _is_ipv4(hostname) else hostname
        else:
            name = "[127.0.0.1]" if style == "fqdn-or-loopback" else _literal(local_address)
    return EhloName(name, reproduced=True)


def full_name(hostname: str, hosts: str) -> str:
    """Return the host's fully qualified name, if the text of ``/etc/hosts`` has it, else the name as it is.

    This is what ``getfqdn()`` finds without asking a DNS server, for which it may wait for seconds.
    """
    if "." in hostname or not hostname:
        return hostname
    for line in hosts.splitlines():
        names = line.partition("#")[0].split()[1:]
        if hostname in names:
            return next(
                (name for name in names if "." in name and not name.startswith("localhost.")), hostname
            )
    return hostname


def ehlo_name(hostname: str, local_address: str) -> str:
    """Return the name for EHLO: the host's name if it is fully qualified, else an address literal (RFC 5321 4.1.3)."""
    if re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", hostname) and not hostname.endswith(".localdomain"):
        return f"[{hostname}]" if _is_ipv4(hostname) else hostname
    return _literal(local_address)


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _literal(local_address: str) -> str:
    """Return an address as a name for EHLO (RFC 5321 section 4.1.3)."""
    try:
        address = ipaddress.ip_address(local_address.partition("%")[0])
    except ValueError:
        return "[127.0.0.1]"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"  # noqa: PLR2004


def ascii_domain(address: str) -> str:
    """Return the address with its domain in A-labels, so that only the local part may need SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{a_labels(domain)}"


def needs_smtputf8(*addresses: str | None) -> bool:
    """Whether any address can only be said with SMTPUTF8 (RFC 6531): its local part is not ASCII."""
    return not all(address is None or address.rpartition("@")[0].isascii() for address in addresses)


def mail_from(
    address: str, capabilities: frozenset[str], size: int | None = None, *, smtputf8: bool = False
) -> str:
    """Return ``MAIL FROM`` with the parameters that the server offers (RFC 1870 SIZE, RFC 6531 SMTPUTF8).

    ``smtputf8``: an address of the message needs it, if not this one.
    """
    line = f"MAIL FROM:<{ascii_domain(address)}>"
    if size is not None and "SIZE" in capabilities:
        line += f" SIZE={size}"
    if (smtputf8 or needs_smtputf8(address)) and "SMTPUTF8" in capabilities:
        line += " SMTPUTF8"
    return line


def rcpt_to(address: str) -> str:
    """Return ``RCPT TO``."""
    return f"RCPT TO:<{ascii_domain(address)}>"


def dot_stuffed(message: bytes) -> bytes:
    """Return a message ready for DATA: CRLF line ends, leading dots doubled, the final dot (RFC 5321 4.5.2)."""
    lines = re.split(rb"\r\n|\r|\n", message)
    if lines and lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"
