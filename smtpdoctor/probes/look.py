"""A second look at a port that stays silent, to tell what it is.

It opens a connection of its own, offers a TLS handshake, then an empty request, and reads the
first bytes. No credentials are on this connection, ever.
"""

from __future__ import annotations

import ssl
import time
from typing import Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import Security
from smtpdoctor.probes.session import Session, known
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError, NotSMTP, TLSFailed
from smtpdoctor.smtp.reply import identify
from smtpdoctor.smtp.transcript import Transcript
from smtpdoctor.smtp.words import decode

__all__ = ["Look", "look_at", "relaxed_context"]

_TELLING: Final = frozenset({Label.HTTP, Label.SSH, Label.IMAP, Label.POP3, Label.FTP})
_SECONDS: Final = 3.0


class Look(Struct, frozen=True):
    """What a port turned out to be: a label, and the first line that it sent."""

    label: str = ""
    first: str = ""


def relaxed_context() -> ssl.SSLContext:
    """Return a context that takes any certificate, old protocols and weak ciphers: to look, never to log in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def look_at(session: Session) -> Look | None:
    """Look at the address that the run is connected to; None where nothing could be seen."""
    address = session.address
    if address is None:
        return None
    deadline = min(session.deadline, time.monotonic() + _SECONDS) - 0.05
    implicit = known(session.loaded.settings.security) is Security.TLS
    try:
        channel = Channel.connect(address.ip, address.port, Transcript(), deadline)
    except DialogueError:
        return None
    try:
        return _inside_tls(channel, session.host) if implicit else _with_tls(channel, session.host, deadline)
    finally:
        channel.close()


def _with_tls(channel: Channel, host: str, deadline: float) -> Look | None:
    """Offer TLS to a port that was dialled in the clear."""
    channel.deadline = min(deadline, time.monotonic() + 1.0)
    try:
        channel.start_tls(relaxed_context(), host)
    except TLSFailed as error:
        label = identify(error.received)
        # An alert means that TLS is spoken there, only not with us.
        return Look("silent-tls-port" if label == "tls-bytes" else label, _line(error.received))
    except DialogueError as error:
        if error.token != "timeout":  # noqa: S105
            return None
        channel.deadline = deadline
        return _empty_request(channel)
    return Look(Label.SILENT_TLS_PORT)


def _inside_tls(channel: Channel, host: str) -> Look | None:
    """Say something inside the TLS of a port that took the handshake but never greeted."""
    try:
        channel.start_tls(relaxed_context(), host)
    except DialogueError:
        return None
    return _empty_request(channel)


def _empty_request(channel: Channel) -> Look | None:
    try:
        channel.send(b"\r\n\r\n", "")
        channel.read_reply()
    except NotSMTP as error:
        return Look(error.label, _line(error.received)) if error.label in _TELLING else None
    except DialogueError as error:
        label = identify(error.received) if error.received else ""
        return Look(label, _line(error.received)) if label in _TELLING else None
    return None


def _line(data: bytes) -> str:
    return decode(data.split(b"\n")[0][:120]).strip()
