"""The five ways in which a dialogue breaks; only probes catch them and make evidence of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLObject  # a log is explained without the ssl module

__all__ = ["ConnectFailed", "DialogueError", "Disconnected", "NotSMTP", "TLSFailed", "TimedOut"]


class DialogueError(Exception):
    """Root of the five; ``token`` is the normalised error of the evidence."""

    def __init__(self, token: str, received: bytes = b"") -> None:
        super().__init__(token)
        self.token = token
        self.received = received  # what had come of an unfinished reply, or the peer's first bytes


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
    """What came is no SMTP reply; ``label`` says what it looks like."""

    def __init__(self, label: str, received: bytes) -> None:
        super().__init__("not-smtp", received)
        self.label = label
