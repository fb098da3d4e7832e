"""A second look at a port that stays silent, to tell what it is.

It opens connections of its own, offers a TLS handshake, a request that only mail servers know, or the
header that a load balancer sends, and reads the first bytes. No credentials are on these connections, ever.
"""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.masking.words import decode
from smtpdoctor.model import Security
from smtpdoctor.net.tls import looking_context
from smtpdoctor.probes.broken import label_of
from smtpdoctor.probes.session import Session
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError, NotSMTP, TLSFailed
from smtpdoctor.smtp.reply import identify
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["Look", "greets_a_balancer", "look_at"]

_SAYS_NOTHING: Final = frozenset({Label.BINARY, Label.MALFORMED, Label.LINE_TOO_LONG, Label.ENDLESS})
_SECONDS: Final = 3.0
_ROUNDS: Final = 3
_PROXY_HEADER: Final = b"PROXY UNKNOWN\r\n"  # HAProxy's PROXY protocol, version 1: keeps the real addresses


class Look(Struct, frozen=True):
    """What a port turned out to be, and the first line that it sent."""

    label: Label | None = None
    first: str = ""


def look_at(session: Session) -> Look | None:
    """Look at the address that the run is connected to; None where nothing could be seen."""
    if not session.options.looks:
        return None
    deadline = min(session.deadline, time.monotonic() + _SECONDS) - 0.05
    implicit = session.target.security is Security.TLS
    first_look = _inside_tls if implicit else _with_tls
    for look in (first_look, _behind_a_balancer):
        channel = _dial(session, deadline)
        if channel is None:
            return None
        try:
            seen = look(channel, session.target.host.in_tls, deadline)
        finally:
            channel.close()
        if seen is not None and not (
            seen.label is Label.PROXY_EXPECTED and _greets_anyone(session, deadline)
        ):
            return seen
    return None


def greets_a_balancer(session: Session) -> bool:
    """Whether the port greets whoever begins with a load balancer's header, and nobody else.

    A server that only now and then turns somebody away would pass for one: so each is tried again.
    """
    if not session.options.looks:
        return False
    host, deadline = session.target.host.in_tls, min(session.deadline, time.monotonic() + _SECONDS)
    for _ in range(_ROUNDS):
        channel = _dial(session, deadline)
        if channel is None:
            return False
        try:
            if _behind_a_balancer(channel, host, deadline) is None:
                return False
        finally:
            channel.close()
        if _greets_anyone(session, deadline):
            return False
    return True


def _greets_anyone(session: Session, deadline: float) -> bool:
    """Whether another connection is greeted that brings nothing."""
    channel = _dial(session, deadline)
    if channel is None:
        return False
    channel.deadline = min(deadline, time.monotonic() + 1.0)
    try:
        if session.target.security is Security.TLS:
            channel.start_tls(looking_context(), session.target.host.in_tls)
        return channel.read_reply().positive
    except DialogueError:
        return False
    finally:
        channel.close()


def _dial(session: Session, deadline: float) -> Channel | None:
    address = session.address
    if address is None or time.monotonic() >= deadline:
        return None
    try:
        return Channel.connect(address.ip, address.port, Transcript(), deadline)
    except DialogueError:
        return None


def _with_tls(channel: Channel, host: str, deadline: float) -> Look | None:
    """Offer TLS to a port that was dialled in the clear."""
    channel.deadline = min(deadline, time.monotonic() + 1.0)
    try:
        channel.start_tls(looking_context(), host)
    except TLSFailed as error:
        label = label_of(identify(error.received))
        # An alert means that TLS is spoken there, only not with us.
        if label is Label.TLS_BYTES:
            return Look(Label.SILENT_TLS_PORT)
        return None if label in _SAYS_NOTHING else Look(label, _line(error.received))
    except DialogueError as error:
        if error.token != "timeout":  # noqa: S105 -- an error token
            return None
        channel.deadline = min(deadline, time.monotonic() + 0.7)
        return _unknown_request(channel)
    return Look(Label.SILENT_TLS_PORT)


def _inside_tls(channel: Channel, host: str, deadline: float) -> Look | None:
    """Say something inside the TLS of a port that took the handshake but never greeted."""
    channel.deadline = min(deadline, time.monotonic() + 1.5)
    try:
        channel.start_tls(looking_context(), host)
    except DialogueError:
        return None
    return _unknown_request(channel)


def _behind_a_balancer(channel: Channel, host: str, deadline: float) -> Look | None:  # noqa: ARG001
    """Say what a load balancer says first: a server that waits for it greets then, and no other does."""
    channel.deadline = min(deadline, time.monotonic() + 1.0)
    try:
        channel.send(_PROXY_HEADER, "")
        reply = channel.read_reply()
    except DialogueError:
        return None
    return Look(Label.PROXY_EXPECTED, str(reply)) if reply.positive else None


def _unknown_request(channel: Channel) -> Look | None:
    """Say what no other protocol knows, and an empty line: Redis and nginx pass over empty lines alone."""
    try:
        channel.send(b"EHLO [127.0.0.1]\r\n\r\n", "")
        channel.read_reply()
    except NotSMTP as error:
        label, received = label_of(error.label), error.received
    except DialogueError as error:
        if not error.received:
            return None
        label, received = label_of(identify(error.received)), error.received
    else:
        return None
    return None if label in _SAYS_NOTHING else Look(label, _line(received))


def _line(data: bytes) -> str:
    return decode(data.split(b"\n")[0]).strip()
