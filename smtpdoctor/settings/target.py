"""Settings → what a run dials, parsed and checked once.

The probes see a ``Target`` and no raw text: nothing behind the config stage trims, parses or
guesses again.
"""

from __future__ import annotations

import ipaddress

from msgspec import Struct

from smtpdoctor.model import Secret, Security, Setting, Settings
from smtpdoctor.smtp.command import MailboxError, mailbox
from smtpdoctor.smtp.sasl import looks_like_token

__all__ = ["Host", "Login", "Mailbox", "Target", "is_loopback", "target_of"]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Host(Struct, frozen=True):
    """The server's name as the application has it, without blanks, brackets and the root's dot."""

    name: str

    @property
    def loopback(self) -> bool:
        """Whether it is this machine itself."""
        return is_loopback(self.name)

    def __str__(self) -> str:
        return self.name


class Login(Struct, frozen=True):
    """User name and password; ``token``: the password is an OAuth access token."""

    username: str
    secret: Secret
    token: bool


class Mailbox(Struct, frozen=True):
    """An address (RFC 5321 section 4.1.2) and the name displayed with it, which may be empty."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the at sign."""
        return self.address.rpartition("@")[2]

    def __str__(self) -> str:
        return self.address


class Target(Struct, frozen=True, kw_only=True):
    """Where and how to send mail.

    ``sender`` is the envelope sender: the sender's address, else the user name where that is one.
    ``half_login``: there is a user name or a password, but not both. ``provider`` is the id of the
    preset, ``known_host`` whether the host is one of the provider's own.
    """

    host: Host
    port: int
    security: Security
    login: Login | None = None
    half_login: bool = False
    sender: Mailbox | None = None
    recipient: Mailbox | None = None
    ehlo: str | None = None
    cipher: str | None = None
    provider: str | None = None
    known_host: bool = False


def _mailbox(*settings: Setting[str] | None) -> Mailbox | None:
    for setting in settings:
        if setting is None:
            continue
        try:
            address = mailbox(setting.value)
        except MailboxError:
            continue
        if setting.value.strip() == address:
            return Mailbox(address)
        from email.utils import parseaddr  # brings 25 modules, which most settings have no use for

        return Mailbox(address, parseaddr(setting.value)[0])
    return None


def target_of(settings: Settings) -> Target | None:
    """Return the target, or None where there is no usable host or port."""
    if settings.host is None or settings.port is None:
        return None
    username, password = settings.username, settings.password
    login = None
    if username is not None and password is not None:
        secret = password.value
        login = Login(username.value, secret, looks_like_token(secret.reveal()))
    name = settings.host.value.strip().strip("[]").rstrip(".")
    return Target(
        host=Host(name),
        port=settings.port.value,
        security=settings.security.value if settings.security else Security.OPPORTUNISTIC,
        login=login,
        half_login=(username is None) != (password is None),
        sender=_mailbox(settings.sender, settings.username),
        recipient=_mailbox(settings.recipient),
        ehlo=settings.ehlo.value if settings.ehlo else None,
        cipher=settings.cipher.value if settings.cipher else None,
        provider=settings.preset,
        known_host=settings.preset is not None and _is_provider_host(name, settings.preset),
    )


def _is_provider_host(name: str, provider: str) -> bool:
    from smtpdoctor.knowledge import load

    return load.names().of_host(name) == provider
