"""The ways in which a dialogue breaks; only probes catch them and make evidence of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ssl import SSLObject  # a log is explained without the ssl module

    from smtpdoctor.smtp.reply import Reply

__all__ = [
    "ConnectFailed",
    "DialogueError",
    "Disconnected",
    "NotSMTP",
    "SASLFailed",
    "TLSFailed",
    "TimedOut",
    "Unsolicited",
]

_DRIP: Final = 8  # bytes: less than any line of a reply that means something


class DialogueError(Exception):
    """Root of them all; ``token`` is the normalised error of the evidence.

    ``received`` is what had come of an unfinished reply, as it was on the wire, or the peer's first
    bytes; ``lines`` says how many whole lines are in it, ``pieces`` in how many pieces it came.
    """

    def __init__(self, token: str, received: bytes = b"") -> None:
        super().__init__(token)
        self.token = token
        self.received = received
        self.lines = 0
        self.pieces = 0

    @property
    def dripping(self) -> bool:
        """Whether what came, came in single bytes: a tarpit, or a broken network, not a pause between lines."""
        return self.pieces > 1 and len(self.received) < _DRIP * self.pieces and self.pieces > 2 * self.lines


class ConnectFailed(DialogueError):
    """No TCP connection; the token is the name of the errno, or ``timeout``."""


class TimedOut(DialogueError):
    """The deadline passed inside the dialogue."""

    def __init__(self, received: bytes = b"") -> None:
        super().__init__("timeout", received)


class Disconnected(DialogueError):
    """The peer closed (``eof``) or reset (the errno's name) the connection."""


class TLSFailed(DialogueError):
    """The handshake failed: OpenSSL's reason, or ``x509-N`` with the verify code; ``detail`` is its text.

    ``session`` is the TLS that failed, which still holds the certificates that were sent.
    """

    def __init__(
        self, token: str, received: bytes = b"", detail: str = "", session: SSLObject | None = None
    ) -> None:
        super().__init__(token, received)
        self.detail = detail
        self.session = session


class NotSMTP(DialogueError):
    """What came is no SMTP reply; ``label`` says what it looks like (``smtp.protocols``)."""

    def __init__(self, label: str, received: bytes) -> None:
        super().__init__("not-smtp", received)
        self.label = label


class Unsolicited(DialogueError):
    """A reply was there before its command was sent, so it belongs to no command; the command was not sent.

    ``replies`` are the whole replies that came, already taken from the connection: the caller may go on
    by asking again. ``received`` is what came as it was on the wire.
    """

    def __init__(self, replies: tuple[Reply, ...], received: bytes) -> None:
        super().__init__("stray-reply", received)
        self.replies = replies


class SASLFailed(DialogueError):
    """The server broke the rules of a SASL mechanism, or did not prove that it knows the password.

    ``scram-unproven``: the login was accepted without the server's signature, or with a wrong one
    (RFC 5802 section 3). ``sasl-challenge``: a challenge that the mechanism does not know.
    """
