"""What speaks on a port that should speak SMTP: one table of first words, and what a greeting gives away.

A table, not code: each row is a label, the name that a person knows, and how what the server sent
begins. The first row that fits wins, so special ones stand before general ones. A server sends these
words unasked, or in answer to a line that it does not understand (EHLO, an empty line).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from smtpdoctor.smtp.reply import Reply

__all__ = ["PROTOCOLS", "TEXT_BYTES", "Protocol", "greeting_label", "identified", "identify", "protocol_name"]

TEXT_BYTES: Final = frozenset({0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0xFF)})
"""Bytes that occur in text of any code page; 0xff is telnet's, and in no UTF-8 or Korean text."""

_HEAD: Final = 512  # bytes that are looked at; nginx names HTTPS some 150 bytes into its answer


class Protocol(Struct, frozen=True):
    """A protocol: its label in evidence, its name, and the pattern that its first bytes match."""

    label: str
    name: str
    pattern: bytes

    def matches(self, data: bytes) -> bool:
        """Whether data begin so."""
        # Compiled where it is used and kept by ``re``: most runs never need the table.
        return re.match(self.pattern, data, re.IGNORECASE | re.DOTALL) is not None


def _rows(*rows: tuple[str, str, bytes]) -> tuple[Protocol, ...]:
    return tuple(Protocol(label, name, pattern) for label, name, pattern in rows)


# Where a row stands above another that fits too, its comment says so.
PROTOCOLS: Final = _rows(
    ("tls-bytes", "TLS", rb"[\x14-\x17]\x03[\x00-\x04]?"),
    # A load balancer's header (HAProxy, "The PROXY protocol"), version 1 and 2.
    ("proxy-header", "PROXY protocol", rb"PROXY (?:TCP[46]|UNKNOWN)|\r\n\r\n\x00\r\nQUIT\n"),
    ("proxy-expected", "PROXY protocol", rb"[^\r\n]{0,80}\b(?:invalid |missing |expected |no )?PROXY (?:protocol )?header"),
    ("proxy-expected", "PROXY protocol", rb"[^\r\n]{0,80}\bdisconnected:[^\r\n]{0,80}\bPROXY\b"),
    # Answers in HTTP, but is a database; above HTTP.
    ("mongodb", "MongoDB", rb".{0,200}trying to access MongoDB over HTTP"),
    ("sip", "SIP", rb"SIP/2\.0 "),
    ("rtsp", "RTSP", rb"RTSP/1\.0 "),
    # nginx and Go say that TLS is expected in here; above HTTP.
    ("http", "HTTPS", rb".{0,400}(?:plain HTTP request was sent to (?:an )?(?:HTTPS|SSL)|HTTP request to an HTTPS server)"),
    ("http", "HTTP", rb"HTTP/|<!doctype|<html|.{0,240}400 bad request"),
    ("http", "HTTP/2", rb"\x00\x00[\x00-\xff]\x04\x00\x00\x00\x00\x00"),
    ("ssh", "SSH", rb"SSH-"),
    ("imap", "IMAP", rb"\* (?:ok|preauth|bye|no|bad)\b"),
    # "-ERR" is POP3's too, whose texts are free; Redis has these ones, each with its own first word. Above POP3.
    (
        "redis",
        "Redis",
        (
            rb"-(?:NOAUTH|WRONGPASS|DENIED|LOADING|NOPERM|MISCONF|READONLY|MASTERDOWN|NOPROTO) "
            rb"|-ERR (?:unknown command [`'\"]|unknown command, with args|max number of clients|wrong number of arguments"
            rb"|protocol error|unauthenticated|operation not permitted|client sent auth)|\+PONG\b"
        ),
    ),
    ("pop3", "POP3", rb"(?:\+OK|-ERR)\b"),
    # RFC 3977: 200 posting allowed, 201 prohibited; 400 and 502 are SMTP's as well. RFC 959: 120 ready in n minutes.
    ("nntp", "NNTP", rb"20[01][ -]"),
    ("ftp", "FTP", rb"120[ -]"),
    # Greets with 220 like a mail server, which says SMTP or ESMTP (RFC 5321 section 4.3.1).
    ("ftp", "FTP", rb"220[ -](?![^\r\n]*smtp)[^\r\n]*(?:ftp|filezilla server)"),
    ("dict", "DICT", rb"220[ -](?![^\r\n]*smtp)[^\r\n]*(?:\bdictd\b|<auth\.mime>)"),
    # Length (3 bytes), sequence number 0, then protocol 10 with a version, or an error packet.
    ("mysql", "MySQL/MariaDB", rb".[\x00-\x0f]\x00\x00(?:\n[0-9]+\.[0-9]|\xff..)|\x05\x00\x00\x00\x0b\x08\x05"),
    ("postgres", "PostgreSQL", rb"E\x00\x00..S(?:FATAL|ERROR|PANIC)|EFATAL: "),
    ("amqp", "AMQP", rb"AMQP[\x00-\x03]"),
    ("mqtt", "MQTT", rb"\x20\x02[\x00\x01][\x00-\x05]"),
    ("memcached", "memcached", rb"(?:ERROR\s*)+\Z|(?:CLIENT|SERVER)_ERROR "),
    ("telnet", "Telnet", rb"\xff[\xfb-\xfe]"),
    ("vnc", "VNC", rb"RFB [0-9]{3}\.[0-9]{3}"),
    ("rdp", "RDP", rb"\x03\x00\x00[\x07-\x40][\x02-\x3f][\xd0\xf0\x80]"),
    ("smb", "SMB", rb"\x00[\x00\x01]..[\xfe\xff]SMB"),
    # LDAPMessage; the operation is ExtendedResponse, in which a server says why it hangs up (RFC 4511 section 4.4.1).
    ("ldap", "LDAP", rb"0(?:[\x02-\x7f]|\x81.|\x82..|\x84....)\x02\x01\x00[\x78a]"),
    ("irc", "IRC", rb"(?::[^ \r\n]+ )?NOTICE (?:AUTH|\*|[^ \r\n]+) :|ERROR :closing link|:[^ \r\n]+ 4[0-9]{2} "),
    ("sieve", "ManageSieve", rb'"(?:IMPLEMENTATION|SIEVE|SASL|VERSION)"(?: "|\r)'),
    ("rsync", "rsync", rb"@RSYNCD:"),
    ("git", "Git", rb"[0-9a-f]{4}ERR "),
    ("xmpp", "XMPP", rb"(?:<\?xml[^>]*>\s*)?<stream:"),
    ("nats", "NATS", rb'INFO \{"'),
    ("beanstalkd", "beanstalkd", rb"(?:UNKNOWN_COMMAND|BAD_FORMAT)\s"),
    ("clamav", "ClamAV", rb"UNKNOWN COMMAND[\r\n\x00]?\Z"),
)  # fmt: skip

_READY: Final = 220
_GREETINGS: Final = frozenset({"nntp", "ftp", "dict", "proxy-expected"})
_STARS: Final = r"[*02 ]*\*{6}[*02 ]*"


def identified(data: bytes) -> Protocol | None:
    """Return the protocol that bytes which are no SMTP belong to, None where the table does not know them."""
    head = data[:_HEAD]
    # Blank lines before the first word are no word; some binary protocols begin with such bytes, though.
    for start in (head, head.lstrip()):
        for protocol in PROTOCOLS:
            if protocol.matches(start):
                return protocol
        if start[:1] not in b" \t\r\n":
            break
    return None


def identify(data: bytes) -> str:
    """Say what bytes that are no SMTP reply look like: the label of the evidence.

    A label of ``PROTOCOLS``, else ``binary`` where they are no text, else ``malformed``.
    """
    if found := identified(data):
        return found.label
    return "malformed" if all(byte in TEXT_BYTES for byte in data[:64]) else "binary"


def protocol_name(label: str) -> str:
    """Return the name that a person knows for a label of ``PROTOCOLS``, "" for any other."""
    return next((protocol.name for protocol in PROTOCOLS if protocol.label == label), "")


def greeting_label(reply: Reply) -> str:
    """Say what a greeting gives away that has the form of a reply: a label, or "" for nothing.

    Certain by themselves: ``nntp`` (200 and 201 greet nobody in SMTP), ``proxy-expected``, and
    ``rewritten`` (Cisco's SMTP inspection overwrites the greeting with asterisks, all but 0, 2 and blanks).
    A hint only, to be believed where EHLO is refused as unknown: ``ftp``, ``dict``, ``lmtp``.
    """
    text = " ".join(reply.lines)
    folded = text.lower()
    if reply.code == _READY and "smtp" in folded and "proxy" not in folded:
        return ""
    if "*" in text and re.fullmatch(_STARS, text.strip()):
        return "rewritten"
    data = f"{reply.code} {text}".encode()
    for protocol in PROTOCOLS:
        if protocol.label in _GREETINGS and protocol.matches(data):
            return protocol.label
    if (
        "required proxy negotiation" in folded
    ):  # Exim: "503 Command refused, required Proxy negotiation failed"
        return "proxy-expected"
    return "lmtp" if "lmtp" in folded else ""
