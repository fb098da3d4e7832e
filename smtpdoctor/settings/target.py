"""Settings → what a run dials, parsed and checked once.

The probes see a ``Target`` and no raw text: nothing behind the config stage trims, parses or
guesses again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message, Secret, Security, Setting, Settings
from smtpdoctor.settings.hosts import same_host
from smtpdoctor.smtp.command import DomainError, EhloStyle, MailboxError, a_labels, mailbox
from smtpdoctor.smtp.sasl import looks_like_token

__all__ = [
    "Conduct",
    "ConnectTo",
    "Host",
    "Login",
    "Mailbox",
    "Target",
    "is_loopback",
    "redirected",
    "refuse_astray",
    "target_of",
]

ConnectTo = Mapping[tuple[str, int], tuple[str, int]]
"""What to dial instead of a host and port."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself, whoever is asked (RFC 6761 section 6.3)."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def redirected(connect_to: ConnectTo, host: str, port: int) -> tuple[str, int] | None:
    """Return what is to be dialled instead of a host and port, None where nothing was said of them.

    Names are compared as DNS does, so that no spelling leads past it to the real host.
    """
    for (name, number), instead in connect_to.items():
        if number == port and same_host(name, host):
            return instead
    return None


def refuse_astray(connect_to: ConnectTo, settings: Settings) -> None:
    """Raise UsageError where something is to be dialled instead of servers of which none is checked.

    The login would go to the real server, which is what the user wanted to avoid.
    """
    host, port = settings.host, settings.port
    if not connect_to or host is None or port is None or redirected(connect_to, host.value, port.value):
        return
    given = ", ".join(f"{name}:{number}" for name, number in connect_to)
    values: dict[str, object] = {"given": given, "checked": f"{host.value}:{port.value}"}
    raise UsageError(Message("usage.connect-to.astray", values))


class Host(Struct, frozen=True):
    """The server's name as the application has it, without blanks, brackets and the root's dot."""

    name: str

    @property
    def loopback(self) -> bool:
        """Whether it is this machine itself."""
        return is_loopback(self.name)

    @property
    def in_tls(self) -> str:
        """The name that a certificate must bear: in A-labels (RFC 9525 section 6.3), an address without its scope."""
        if ":" in self.name:
            return self.name.partition("%")[0]
        try:
            return a_labels(self.name)
        except DomainError:
            return self.name

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


class Conduct(Struct, frozen=True, kw_only=True):
    """What an application does that its settings do not say: how it logs in, and what it would put up with.

    ``name`` is the application's. ``mechanisms`` are those that it speaks, as it prefers them (by the server's
    list with ``as_listed``; one after another until one is accepted with ``tries_all``), none where that is not
    known. ``verifies`` (the certificate's chain) and
    ``checks_name`` are None where they are not known. ``clear_login``: whether it logs in over a connection
    that is not encrypted. ``names_itself``: the name for EHLO where nothing is configured. ``timeout`` is in seconds, None where it is not known.
    """

    name: str
    mechanisms: tuple[str, ...] = ()
    as_listed: bool = False
    tries_all: bool = False
    verifies: bool | None = None
    checks_name: bool | None = None
    clear_login: bool = True
    names_itself: EhloStyle | None = None
    timeout: float | None = None


class Target(Struct, frozen=True, kw_only=True):
    """Where and how to send mail.

    ``sender`` is the envelope sender: the sender's address, else the user name where that is one.
    ``half_login``: there is a user name or a password, but not both. ``provider`` is the id of the
    preset, ``known_host`` whether the host is one of the provider's own, ``conduct`` what the application
    does besides.
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
    conduct: Conduct | None = None


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


def target_of(settings: Settings, conduct: Conduct | None = None) -> Target | None:
    """Return the target, or None where there is no usable host or port."""
    if settings.host is None or settings.port is None:
        return None
    username, password = settings.username, settings.password
    login = None
    if username is not None and password is not None:
        secret = password.value
        login = Login(username.value, secret, looks_like_token(secret.reveal()))
    host = Host(settings.host.value.strip().strip("[]").rstrip("."))
    return Target(
        host=host,
        port=settings.port.value,
        security=settings.security.value if settings.security else Security.OPPORTUNISTIC,
        login=login,
        half_login=(username is None) != (password is None),
        sender=_mailbox(settings.sender, settings.username),
        recipient=_mailbox(settings.recipient),
        ehlo=settings.ehlo.value if settings.ehlo else None,
        cipher=settings.cipher.value if settings.cipher else None,
        provider=settings.preset,
        known_host=settings.preset is not None and _is_provider_host(host.in_tls, settings.preset),
        conduct=conduct,
    )


def _is_provider_host(name: str, provider: str) -> bool:
    from smtpdoctor.knowledge import load

    known = load.preset_with_id(provider)
    return load.names().of_host(name) == provider or (known is not None and name in known.shared_hosts)
