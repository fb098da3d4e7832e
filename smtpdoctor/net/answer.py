"""What a look-up of a name found, as values: the addresses or the reason, and what is worth telling."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

__all__ = [
    "AddressForm",
    "Answer",
    "DnssecFailed",
    "ExtendedError",
    "HostsFile",
    "LinkLocal",
    "NameInvalid",
    "NullAddress",
    "OtherEncoding",
    "Outcome",
    "ParallelLost",
    "RecordFailed",
    "Remark",
    "SearchDomain",
    "ServerFailed",
    "SpecialName",
    "SystemDisagrees",
]


class Outcome(StrEnum):
    """How one question to one name server ended."""

    ANSWERED = "answered"
    NXDOMAIN = "nxdomain"  # there is no such name
    NO_RECORD = "no-record"  # the name is there, without a record of this type
    LOOP = "loop"  # an alias that leads back to itself
    SERVFAIL = "servfail"  # the server could not find out
    REFUSED = "refused"  # the server does not serve this client, or only its own zones
    REJECTED = "rejected"  # the server does not understand the question (FORMERR, NOTIMP and others)
    GARBAGE = "garbage"  # something came that is no answer to this question
    TRUNCATED = "truncated"  # too long for UDP, and TCP did not work
    SILENT = "silent"  # nothing came in time
    CLOSED = "closed"  # nobody listens there (ICMP port unreachable)
    UNREACHABLE = "unreachable"  # this machine has no way there

    @property
    def decides(self) -> bool:
        """Whether a resolver takes this for the answer and asks no other server."""
        return self in {Outcome.ANSWERED, Outcome.NXDOMAIN, Outcome.NO_RECORD, Outcome.LOOP}


class RecordFailed(Struct, frozen=True, tag="record-failed"):
    """One record type got no proper answer, the other did.

    ``seconds`` is how long it was waited for here. ``felt`` is how long an application that asks for
    both through glibc waits for it, by the settings of this machine; None where it does not wait or
    where it is not known. Applications on musl (Alpine) fail altogether.
    """

    record: Literal["A", "AAAA"]
    outcome: Outcome
    seconds: float
    felt: float | None = None


class ParallelLost(Struct, frozen=True, tag="parallel-lost"):
    """Both record types are answered one by one, but not when asked together, as the system does.

    ``felt`` is what an application waits through glibc before that asks one by one, in seconds.
    """

    seconds: float
    felt: float | None = None


class ServerFailed(Struct, frozen=True, tag="server-failed"):
    """A name server that decided nothing; ``server`` is its address and port."""

    server: str
    outcome: Outcome


class ExtendedError(Struct, frozen=True, tag="extended-error"):
    """The name server's own reason for its failure (RFC 8914).

    ``name`` is the code's name in lower case (``dnssec-bogus``), empty for an unknown one; ``text`` is
    the server's own words, without control characters.
    """

    code: int
    name: str = ""
    text: str = ""


class DnssecFailed(Struct, frozen=True, tag="dnssec-failed"):
    """The name server answers as soon as it may leave out the signatures (RFC 4035 section 3.2.2)."""


class SystemDisagrees(Struct, frozen=True, tag="system-disagrees"):
    """The name servers give these addresses, but the system's own look-up did not.

    Reasons: ``/etc/nsswitch.conf`` does not ask DNS, or asks another service first (mDNS for
    ``.local``) that hangs or ends the search; or the trouble was over by then.
    """

    addresses: tuple[str, ...]


class SearchDomain(Struct, frozen=True, tag="search-domain"):
    """The name was found only below a search domain of this machine: ``name`` in full."""

    name: str


class HostsFile(Struct, frozen=True, tag="hosts-file"):
    """The addresses come from the hosts file of this machine, line ``line``."""

    path: str
    line: int


class NullAddress(Struct, frozen=True, tag="null-address"):
    """The answer is ``0.0.0.0`` or ``::``, which name servers give for what they block."""

    address: str


class AddressForm(Struct, frozen=True, tag="address-form"):
    """The text is an old or short form that the system reads as this address.

    ``010.0.0.1`` is octal and means ``8.0.0.1``; ``127.1`` means ``127.0.0.1`` (inet_aton(3)).
    """

    address: str


class LinkLocal(Struct, frozen=True, tag="link-local"):
    """A link-local IPv6 address without the interface that it needs (``fe80::1%eth0``, RFC 4007)."""

    address: str


class OtherEncoding(Struct, frozen=True, tag="other-encoding"):
    """An application with the old rules (IDNA 2003, so Python's own) asks for this name instead."""

    name: str


class NameInvalid(Struct, frozen=True, tag="name-invalid"):
    """No name server can have the name; ``part`` is what cannot be in one."""

    reason: Literal["empty", "empty-label", "label-too-long", "too-long", "character", "number", "encoding"]
    part: str = ""


class SpecialName(Struct, frozen=True, tag="special-name"):
    """The name ends in one that public DNS does not serve (RFC 6761, RFC 6762, RFC 8375)."""

    suffix: str


Remark = (
    RecordFailed
    | ParallelLost
    | ServerFailed
    | ExtendedError
    | DnssecFailed
    | SystemDisagrees
    | SearchDomain
    | HostsFile
    | NullAddress
    | AddressForm
    | LinkLocal
    | OtherEncoding
    | NameInvalid
    | SpecialName
)


class Answer(Struct, frozen=True, kw_only=True):
    """What was found.

    ``name`` is the name that was asked for: in ASCII, without the dot of the root.
    ``addresses`` are in the order in which an application tries them; empty exactly if ``error`` is set.
    ``canonical`` is where the aliases of the name end, empty where it is no alias.
    ``error`` is one of

    * ``nxdomain``: no such name; with more than one name in ``chain`` the alias leads to none
    * ``no-address``: the name is there without an address (of the wanted IP version)
    * ``cname-loop``: the alias leads back to itself
    * ``name-invalid``: no name server can have it; a remark says why
    * ``dns-timeout``: no answer in time
    * ``dns-unreachable``: this machine has no way to its name servers
    * ``dns-closed``: nobody listens at the name server's address
    * ``dns-refused``: the name server does not serve this machine
    * ``dns-garbage``: what came back is no answer
    * ``dns-truncated``: the answer is too long for UDP, and the name server does not answer over TCP
    * ``servfail``: the name server could not find out; remarks say why where it told
    * ``EAI_AGAIN``: the system could not find out, and nothing more is known

    ``chain`` is the name and its aliases in order, known only where a name server was asked directly:
    on a failure, or with a resolver of one's own. ``mx`` are the mail servers of the name and
    ``other_family`` its addresses of the unwanted IP version, both only with ``no-address`` (and
    ``other_family`` where only the AAAA record was answered). ``zone`` is the nearest domain above that
    does exist where the name does not. ``tried`` are the names that the system tried, with its search
    domains. ``literal`` says that the host was an address already.
    """

    name: str
    addresses: tuple[str, ...] = ()
    canonical: str = ""
    error: str = ""
    chain: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    other_family: tuple[str, ...] = ()
    zone: str = ""
    tried: tuple[str, ...] = ()
    literal: bool = False
    remarks: tuple[Remark, ...] = ()
