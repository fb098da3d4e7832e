"""One question to one name server, over UDP and where needed TCP; and which servers this machine asks.

The only place that knows dnspython, which costs 100 ms to import: loaded after a failure, or for a
resolver of one's own. dnspython's own resolver is not used, since it hides what is wanted here:
which server said what, an unreachable port, the chain of aliases, the reasons of RFC 8914.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.MX
from msgspec import Struct

from smtpdoctor.net.answer import ExtendedError, Outcome

__all__ = ["Configuration", "Reply", "Server", "ask", "configuration"]

Server = tuple[str, int]

_PAYLOAD: Final = 1232  # bytes, as agreed on DNS flag day 2020: never fragmented
_RESEND: Final = 1.0  # seconds; a lost datagram is normal
_LINGER: Final = 0.4  # seconds for the true answer behind a forged or broken one
_TEXT: Final = 200
_MAX_SERVERS: Final = 3  # MAXNS of resolv.h
_RESOLV_CONF: Final = Path("/etc/resolv.conf")
_OUTCOMES: Final = {
    dns.rcode.NOERROR: Outcome.NO_RECORD,
    dns.rcode.NXDOMAIN: Outcome.NXDOMAIN,
    dns.rcode.SERVFAIL: Outcome.SERVFAIL,
    dns.rcode.REFUSED: Outcome.REFUSED,
}


class Reply(Struct, frozen=True):
    """What one server said to one question.

    ``records`` are the data of the asked type where the aliases end (MX: the hosts by preference);
    ``chain`` is the asked name and its aliases in order; ``zone`` is the domain that answers for it,
    told with a "no".
    """

    outcome: Outcome
    records: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    zone: str = ""
    errors: tuple[ExtendedError, ...] = ()


def ask(server: Server, name: str, kind: str, deadline: float, *, validate: bool = True) -> Reply:
    """Ask one server for the records of a type; always returns, by the deadline.

    ``name`` is ASCII, the empty string is the root. Without ``validate`` the server is told to leave
    DNSSEC out (the CD bit, RFC 4035 section 3.2.2).
    """
    query = dns.message.make_query(dns.name.from_text(name or "."), kind, use_edns=0, payload=_PAYLOAD)
    if not validate:
        query.flags |= dns.flags.CD
    try:
        response = _exchange(server, query, deadline)
        if isinstance(response, dns.message.Message) and response.rcode() in {
            dns.rcode.FORMERR,
            dns.rcode.NOTIMP,
            dns.rcode.BADVERS,
        }:
            # A server from before EDNS (RFC 6891 section 7).
            query.use_edns(edns=False)
            response = _exchange(server, query, deadline)
    except OSError as error:
        return Reply(_of_error(error))
    return Reply(response) if isinstance(response, Outcome) else _read(response)


def _of_error(error: OSError) -> Outcome:
    if isinstance(error, TimeoutError):
        return Outcome.SILENT
    closed = error.errno in {errno.ECONNREFUSED, errno.ECONNRESET}
    return Outcome.CLOSED if closed else Outcome.UNREACHABLE


def _exchange(server: Server, query: dns.message.Message, deadline: float) -> dns.message.Message | Outcome:
    """Return the answer, or why there is none; raises OSError where the network says so."""
    wire = query.to_wire()
    # Connected, so that an ICMP error comes back and no third party's datagram does.
    with _connected(server, socket.SOCK_DGRAM, deadline) as sock:
        nothing = Outcome.SILENT
        resend = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= resend:
                sock.send(wire)
                resend = now + _RESEND
            sock.settimeout(max(min(resend, deadline) - now, 0.001))
            try:
                data = sock.recv(65_535)
            except TimeoutError:
                continue
            response = _parsed(data, query)
            if response is None:
                if nothing is Outcome.SILENT:
                    nothing = Outcome.GARBAGE
                    deadline = min(deadline, time.monotonic() + _LINGER)
            elif response.flags & dns.flags.TC:
                return _over_tcp(server, query, deadline)
            else:
                return response
        return nothing


def _over_tcp(server: Server, query: dns.message.Message, deadline: float) -> dns.message.Message | Outcome:
    """Ask again where an answer did not fit (RFC 7766)."""
    wire = query.to_wire()
    try:
        with _connected(server, socket.SOCK_STREAM, deadline) as sock:
            sock.sendall(len(wire).to_bytes(2, "big") + wire)
            size = int.from_bytes(_exactly(sock, 2, deadline), "big")
            response = _parsed(_exactly(sock, size, deadline), query)
    except OSError:
        return Outcome.TRUNCATED
    return response if response is not None else Outcome.GARBAGE


def _connected(server: Server, kind: socket.SocketKind, deadline: float) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(*server, 0, kind, 0, socket.AI_NUMERICHOST)[0]
    sock = socket.socket(family, kind)
    try:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError  # a drip, too, ends in time
        sock.settimeout(left)
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionResetError(errno.ECONNRESET, "the name server closed the connection")
        data += more
    return bytes(data)


def _parsed(data: bytes, query: dns.message.Message) -> dns.message.Message | None:
    """Return the message if it is an answer to this question."""
    try:
        response = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
    except Exception:  # noqa: BLE001 -- any bytes may come, and dnspython raises more than its own kinds for some
        return None
    return response if query.is_response(response) else None


def _read(response: dns.message.Message) -> Reply:
    """Return what an answer says, its aliases followed."""
    question = response.question[0] if response.question else None
    outcome = _OUTCOMES.get(response.rcode(), Outcome.REJECTED)
    errors = tuple(_extended(option) for option in response.options if isinstance(option, dns.edns.EDEOption))
    if question is None:
        return Reply(outcome, errors=errors)
    zone = next((rrset.name for rrset in response.authority if rrset.rdtype == dns.rdatatype.SOA), None)
    chain = _chain(response, question.name, question.rdtype)
    if chain[-1] in chain[:-1]:
        return Reply(Outcome.LOOP, chain=_texts(chain), errors=errors)
    records: tuple[str, ...] = ()
    if outcome is Outcome.NO_RECORD:
        records = _records(response, chain[-1], question.rdtype)
        if records:
            outcome = Outcome.ANSWERED
        elif _is_referral(response):
            outcome = Outcome.REFUSED
    return Reply(outcome, records, _texts(chain), _text(zone) if zone is not None else "", errors)


def _chain(
    response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> list[dns.name.Name]:
    """Return the name and its aliases; the last one is there twice where they go round."""
    chain = [name]
    if kind == dns.rdatatype.CNAME:
        return chain
    aliases = {
        rrset.name: rrset[0].target for rrset in response.answer if rrset.rdtype == dns.rdatatype.CNAME
    }
    while chain[-1] in aliases:
        chain.append(aliases[chain[-1]])
        if chain[-1] in chain[:-1]:
            break
    return chain


def _records(
    response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> tuple[str, ...]:
    found = [
        record
        for rrset in response.answer
        if rrset.name == name and rrset.rdtype == kind and rrset.rdclass == dns.rdataclass.IN
        for record in rrset
    ]
    if kind == dns.rdatatype.MX:
        found.sort(key=lambda record: int(record.preference))
        return tuple(_text(record.exchange) for record in found)
    if kind in {dns.rdatatype.CNAME, dns.rdatatype.NS}:
        return tuple(_text(record.target) for record in found)
    return tuple(record.to_text() for record in found)


def _is_referral(response: dns.message.Message) -> bool:
    """Whether a server only tells who else might know: it does not ask on behalf of others."""
    flags = response.flags
    kinds = {rrset.rdtype for rrset in response.authority}
    recursive = flags & (dns.flags.RA | dns.flags.AA)
    return not recursive and dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _texts(names: list[dns.name.Name]) -> tuple[str, ...]:
    return tuple(map(_text, names))


def _extended(option: dns.edns.EDEOption) -> ExtendedError:
    code = int(option.code)
    known = code in {int(one) for one in dns.edns.EDECode}
    name = dns.edns.EDECode(code).name.lower().replace("_", "-") if known else ""
    text = "".join(char if char.isprintable() else " " for char in option.text or "")
    return ExtendedError(code, name, text.strip()[:_TEXT])


class Configuration(Struct, frozen=True):
    """Whom and how the system asks: resolv.conf(5), or the registry of Windows.

    ``timeout`` is in seconds for each server and attempt; ``one_by_one`` says that the record types are
    asked one after the other (``single-request``).
    """

    servers: tuple[Server, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: float = 5.0
    attempts: int = 2
    one_by_one: bool = False

    @property
    def unanswered(self) -> float:
        """How long glibc waits, in seconds, for one record type that is never answered.

        It asks both at once; then, taking the server for one that can do one thing at a time, one by
        one over the same socket; then over one socket each (send_dg of resolv/res_send.c).
        """
        return self.timeout * (self.attempts if self.one_by_one else 3)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names that the system tries for one, in order."""
        below = tuple(f"{name}.{domain}" for domain in self.search)
        return (name, *below) if name.count(".") >= self.ndots else (*below, name)


def configuration() -> Configuration:
    """Return the system's configuration; without any, the system asks this machine itself."""
    here: tuple[Server, ...] = (("127.0.0.1", 53),)
    if sys.platform == "win32":
        import dns.resolver

        try:
            known = dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError, ValueError):
            return Configuration(here)
        return Configuration(tuple((str(one), known.port) for one in known.nameservers) or here)
    try:
        text = _RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    domain = socket.gethostname().partition(".")[2]
    found = {"servers": [], "search": [domain] if domain else [], "options": []}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or line[0] in "#;":  # noqa: PLR2004 -- a keyword and its value
            continue
        match words[0]:
            case "nameserver":
                found["servers"] += [words[1]] if _is_address(words[1]) else []
            case "domain" | "search":
                found["search"] = words[1:] if words[0] == "search" else words[1:2]
            case "options":
                found["options"] += words[1:]
    local = os.environ.get("LOCALDOMAIN", "").split()
    options = dict(
        one.partition(":")[::2] for one in found["options"] + os.environ.get("RES_OPTIONS", "").split()
    )
    return Configuration(
        tuple((one, 53) for one in found["servers"][:_MAX_SERVERS]) or here,
        tuple(one.strip(".").lower() for one in local or found["search"] if one.strip(".")),
        _number(options, "ndots", 1),
        float(_number(options, "timeout", 5)),
        _number(options, "attempts", 2),
        not options.keys().isdisjoint({"single-request", "single-request-reopen"}),
    )


def _number(options: dict[str, str], name: str, otherwise: int) -> int:
    value = options.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 4 else otherwise  # noqa: PLR2004


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
