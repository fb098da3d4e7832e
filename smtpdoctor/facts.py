"""What each stage found out, as values: one struct a stage, the same on every run.

A report in JSON shows them as they are; texts from the server were masked when they came in.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = [
    "Attempt",
    "AuthFacts",
    "ConnectFacts",
    "DeliveryFacts",
    "DnsFacts",
    "GreetingFacts",
    "RecipientFacts",
    "SendFacts",
    "SenderFacts",
    "TlsFacts",
]

Judgement = Literal["ok", "bad", "expiring"]


class DnsFacts(Struct, frozen=True):
    """The addresses of the host, in the order in which they are dialled."""

    addresses: tuple[str, ...] = ()
    cname: str = ""
    mx: tuple[str, ...] = ()
    other_family: tuple[str, ...] = ()


class Attempt(Struct, frozen=True):
    """One address that was dialled; ``error`` is empty where it took the connection."""

    address: str
    seconds: float
    error: str = ""


class ConnectFacts(Struct, frozen=True):
    """The address that took the connection, and all that were tried."""

    attempts: tuple[Attempt, ...]
    address: str = ""


class GreetingFacts(Struct, frozen=True):
    """What the server says of itself; ``ehlo`` is the name that it was told."""

    banner: str = ""
    ehlo: str = ""
    capabilities: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()


class TlsFacts(Struct, frozen=True):
    """The encryption and the server's certificate, each of its three judgements apart.

    ``days`` is what is left of the certificate's life, ``chain`` the number of certificates sent;
    ``capabilities`` are those that the server has inside TLS.
    """

    version: str = ""
    cipher: str = ""
    trust: Judgement | None = None
    name: Judgement | None = None
    dates: Judgement | None = None
    subject: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    starts: str = ""
    expires: str = ""
    days: int | None = None
    chain: int | None = None
    refused_by: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


class AuthFacts(Struct, frozen=True):
    """How the login was tried; ``detail`` is what the server said of it in a challenge."""

    offered: tuple[str, ...] = ()
    mechanism: str = ""
    detail: str = ""


class SenderFacts(Struct, frozen=True):
    """The envelope sender."""

    sender: str


class RecipientFacts(Struct, frozen=True):
    """The envelope recipient."""

    recipient: str


class SendFacts(Struct, frozen=True):
    """The test message: its token, its size in bytes, and what the server made of it."""

    token: str
    size: int
    reply: str = ""
    queue_id: str = ""


class DeliveryFacts(Struct, frozen=True):
    """The message that arrived."""

    token: str
    subject: str
