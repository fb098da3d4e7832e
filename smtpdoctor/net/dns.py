"""Looking a host name up, as the application will, and finding out why that fails.

The system's own look-up answers, since the application will use it too (hosts file, container DNS,
search domains, order of addresses and all). Only when it fails, or is slow, are the name servers asked
directly, to tell why.
"""

from __future__ import annotations

import ipaddress
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.net.answer import (
    AddressForm,
    Answer,
    DnssecFailed,
    HostsFile,
    LinkLocal,
    NameInvalid,
    NullAddress,
    OtherEncoding,
    Outcome,
    ParallelLost,
    RecordFailed,
    Remark,
    SearchDomain,
    ServerFailed,
    SpecialName,
    SystemDisagrees,
)
from smtpdoctor.smtp.command import DomainError, a_labels

if TYPE_CHECKING:
    from smtpdoctor.net.nameserver import Configuration, Reply, Server

__all__ = ["Answer", "Outcome", "Remark", "knows_public_names", "resolve"]

Record = Literal["A", "AAAA"]

_V4: Final = 4
_V6: Final = 6
_FAMILIES: Final = {None: socket.AF_UNSPEC, _V4: socket.AF_INET, _V6: socket.AF_INET6}
_RECORDS: Final[dict[int, Record]] = {_V4: "A", _V6: "AAAA"}
_EAI: Final = {
    socket.EAI_NONAME: "nxdomain",
    socket.EAI_AGAIN: "EAI_AGAIN",
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): "no-address",
    socket.EAI_FAIL: "servfail",
}
_ERRORS: Final = {
    Outcome.NXDOMAIN: "nxdomain",
    Outcome.NO_RECORD: "no-address",
    Outcome.LOOP: "cname-loop",
    Outcome.SERVFAIL: "servfail",
    Outcome.REJECTED: "servfail",
    Outcome.REFUSED: "dns-refused",
    Outcome.GARBAGE: "dns-garbage",
    Outcome.TRUNCATED: "dns-truncated",
    Outcome.SILENT: "dns-timeout",
    Outcome.CLOSED: "dns-closed",
    Outcome.UNREACHABLE: "dns-unreachable",
}
# The first of these among the answers is the one to tell.
_TELLING: Final = (
    Outcome.LOOP,
    Outcome.NXDOMAIN,
    Outcome.NO_RECORD,
    Outcome.SERVFAIL,
    Outcome.REFUSED,
    Outcome.REJECTED,
    Outcome.TRUNCATED,
    Outcome.GARBAGE,
    Outcome.SILENT,
    Outcome.CLOSED,
    Outcome.UNREACHABLE,
)
# Seconds. A look-up that takes longer than the first is asked for the reason while it goes on; a record
# type that is not answered until the second, where the other one was, counts as unanswered.
_GRACE: Final = 1.0
_PATIENCE: Final = 3.0
_AFTERWARDS: Final = 3.0  # for the reason, once the look-up has failed
_REST: Final = 0.3  # for the servers that have not answered when another one has
_MARGIN: Final = 0.05
_MAX_ALIASES: Final = 16
_MAX_ADDRESSES: Final = 64  # an answer over TCP may hold thousands, and nobody dials so many
_SPECIAL: Final = (
    *("localhost", "local", "invalid", "test", "example", "example.com", "example.net", "example.org"),
    *("onion", "internal", "home.arpa", "alt"),
)
# The underscore is no part of a host name (RFC 1123), but names of containers have it.
_ALLOWED: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def resolve(
    host: str, port: int, *, family: int | None, resolver: tuple[str, int] | None, deadline: float
) -> Answer:
    """Return the addresses of a host in the order in which an application tries them, or why there are none.

    ``host`` is what the application has: a name, also one in other letters than ASCII, or an address,
    also in brackets. ``family`` 4 or 6 leaves the addresses of the other IP version out. With
    ``resolver``, the address and port of a name server, that one is asked instead of the system.
    Returns by ``deadline``, a moment of time.monotonic(); failures are values.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    literal = _literal(bare, family)
    if literal is not None:
        return literal
    name, remarks = _ascii(bare)
    invalid = _invalid(name)
    if invalid is not None:
        return Answer(name=name, error="name-invalid", remarks=(*remarks, invalid))
    if resolver is None:
        answer = _ask_system(name, port, family, deadline)
    else:
        answer = _answer(name, _examine((resolver,), name.rstrip("."), family, deadline - _MARGIN))
    return replace(answer, remarks=(*remarks, *answer.remarks, *_afterthoughts(answer)))


def knows_public_names(resolver: tuple[str, int] | None, deadline: float) -> bool | None:
    """Whether the name servers know the public DNS: asked for the name servers of the root.

    Every server that looks names up for others knows those, and the question names nobody. None: it
    cannot be told, since no answer came, or one from a root of the server's own.
    """
    from smtpdoctor.net.nameserver import ask, configuration

    servers = (resolver,) if resolver is not None else configuration().servers
    race = _Race()
    for server in servers:
        race.start(server, partial(ask, server, "", "NS", deadline - _MARGIN))

    def known() -> bool:
        return any(
            record.endswith(".root-servers.net")
            for reply in race.results.values()
            for record in reply.records
        )

    race.wait(lambda: known() or len(race.results) == len(servers), deadline)
    if known():
        return True
    outcomes = {reply.outcome for reply in race.results.values()}
    if outcomes & {Outcome.ANSWERED, Outcome.NO_RECORD} or not outcomes - {Outcome.SILENT}:
        return None
    return False


# -- Names and addresses as text ------------------------------------------------


def _literal(text: str, family: int | None) -> Answer | None:
    """Return the answer for an address, None for a name."""
    remarks: tuple[Remark, ...] = ()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        old = _old_form(text)
        if old is None:
            return None
        address = ipaddress.ip_address(old)
        remarks = (AddressForm(old),)
    shown = str(address)
    if isinstance(address, ipaddress.IPv6Address) and address.is_link_local and address.scope_id is None:
        remarks = (LinkLocal(shown),)
    if address.is_unspecified:
        remarks = (*remarks, NullAddress(shown))
    if family is not None and address.version != family:
        return Answer(name=shown, error="no-address", other_family=(shown,), literal=True, remarks=remarks)
    return Answer(name=shown, addresses=(shown,), literal=True, remarks=remarks)


def _old_form(text: str) -> str | None:
    """Return the address that the system reads in forms like ``127.1`` and ``0x7f000001``."""
    if not text[:1].isdigit() or text.split() != [text]:
        return None  # inet_aton(3) takes what stands before a blank
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return None


def _ascii(name: str) -> tuple[str, tuple[Remark, ...]]:
    """Return a name in the form that DNS knows (RFC 5891), and what is worth telling of it."""
    if name.isascii():
        return name.lower(), ()
    try:
        new = a_labels(name).lower()
    except DomainError:
        return name, ()
    try:
        old = name.encode("idna").decode().lower()
    except UnicodeError:
        old = ""
    return new, ((OtherEncoding(old),) if old and old != new else ())


def _invalid(name: str) -> NameInvalid | None:
    """Return why no name server can have a name (RFC 1035 section 2.3.4), None where one can."""
    if not name.isascii():
        return NameInvalid("encoding", name)
    labels = name.removesuffix(".").split(".")
    if labels == [""]:
        return NameInvalid("empty")
    if "" in labels:
        return NameInvalid("empty-label", name)
    strange = next((char for char in name if char not in _ALLOWED), "")
    if strange:
        return NameInvalid("character", strange)
    long = next((label for label in labels if len(label) > 63), None)  # noqa: PLR2004 -- octets of a label
    if long:
        return NameInvalid("label-too-long", long)
    if len(name.removesuffix(".")) > 253:  # noqa: PLR2004 -- characters of a name
        return NameInvalid("too-long")
    if len(labels) > 1 and labels[-1].isdigit():
        return NameInvalid("number", labels[-1])  # an address gone wrong: no top-level domain is a number
    return None


def _afterthoughts(answer: Answer) -> Iterable[Remark]:
    """Yield what the answer alone is worth telling."""
    if answer.literal:
        return
    for address in answer.addresses:
        if ipaddress.ip_address(address).is_unspecified:
            yield NullAddress(address)
    if answer.error:
        name = f".{answer.name}"
        suffixes = [suffix for suffix in _SPECIAL if name.endswith(f".{suffix}")]
        if suffixes:
            yield SpecialName(max(suffixes, key=len))


# -- Threads --------------------------------------------------------------------


class _Race:
    """Functions on threads of their own, and their results as they come.

    A system call that knows no deadline cannot be ended; a thread that is left behind ends by itself.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[object, Any]] = queue.SimpleQueue()
        self.results: dict[object, Any] = {}

    def start(self, key: object, function: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self._queue.put((key, function()))
            except BaseException as error:  # noqa: BLE001 -- raised again where the result is waited for
                self._queue.put((key, error))

        threading.Thread(target=run, name=f"dns {key}", daemon=True).start()

    def wait(self, until: Callable[[], bool], deadline: float) -> bool:
        """Collect results until something holds; False if it does not by the deadline."""
        while not until():
            try:
                key, result = self._queue.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                return False
            if isinstance(result, BaseException):
                raise result
            self.results[key] = result
        return True


# -- The system -----------------------------------------------------------------


class _Found(Struct, frozen=True):
    """What the system's look-up returned; ``error`` is empty exactly if there are addresses."""

    addresses: tuple[str, ...] = ()
    canonical: str = ""
    error: str = ""


def _look_up(name: str, port: int, family: int | None) -> _Found:
    try:
        # As bytes: for text, Python's own encoding refuses names that the system can resolve.
        found = socket.getaddrinfo(
            name.encode(), port, _FAMILIES[family], socket.SOCK_STREAM, 0, socket.AI_CANONNAME
        )
    except socket.gaierror as error:
        return _Found(error=_EAI.get(error.errno, "servfail"))
    except OSError:
        return _Found(error="servfail")
    addresses = tuple(dict.fromkeys(str(one[4][0]) for one in found))
    canonical = found[0][3].rstrip(".").lower()
    return _Found(addresses, "" if canonical in {name.rstrip("."), *addresses} else canonical)


def _ask_system(name: str, port: int, family: int | None, deadline: float) -> Answer:
    started = time.monotonic()
    grace = min(_GRACE, (deadline - started) / 4)
    race = _Race()
    race.start("system", partial(_look_up, name, port, family))
    if race.wait(lambda: "system" in race.results, started + grace):
        found: _Found = race.results["system"]
        if found.addresses:
            return _system_answer(name, found)
        return _explained(name, port, family, found, race, min(deadline, time.monotonic() + _AFTERWARDS))
    # Slow. Ask the name servers in the meantime, and the system for each IP version alone.
    race.start("servers", partial(_examine_as_system, name, family, deadline - _MARGIN))
    if family is None and _SURVIVES_SILENCE:
        for version in _RECORDS:
            race.start(version, partial(_look_up, name, port, version))
    answer = _first_to_tell(name, started, deadline, race)
    if answer is None:
        found = race.results.get("system", _Found(error="dns-timeout"))
        if found.error:
            return _explained(name, port, family, found, race, deadline)
        answer = _system_answer(name, found)
    race.wait(lambda: "servers" in race.results, min(deadline, time.monotonic() + _REST))
    examined: _Examined = race.results.get("servers", _Examined())
    failed = tuple(one for one in examined.remarks if isinstance(one, ServerFailed))
    return replace(answer, remarks=(*answer.remarks, *failed))


def _first_to_tell(name: str, started: float, deadline: float, race: _Race) -> Answer | None:
    """Wait for a slow look-up; return an answer without it where one IP version keeps it waiting.

    None once the look-up itself has ended, or the time is up.
    """
    results = race.results

    def ended() -> bool:
        return "system" in results

    def has_v4() -> bool:
        return _V4 in results and bool(results[_V4].addresses)

    patience = min(_PATIENCE, (deadline - started) * 3 / 4)
    race.wait(lambda: ended() or _RECORDS.keys() <= results.keys(), started + patience)
    if _RECORDS.keys() <= results.keys():
        race.wait(ended, min(deadline, time.monotonic() + _REST))
    if not (ended() or has_v4()):
        # IPv6 alone does not do: where the question for IPv4 stays open, the system gives up.
        race.wait(lambda: ended() or has_v4(), deadline)
        race.wait(ended, min(deadline, time.monotonic() + _REST))
    if ended() or not has_v4():
        return None
    seconds = round(time.monotonic() - started, 3)
    felt = _felt()
    v4: _Found = results[_V4]
    v6: _Found | None = results.get(_V6)
    if v6 is None:
        return _system_answer(name, v4, RecordFailed("AAAA", Outcome.SILENT, seconds, felt))
    if v6.error in {"EAI_AGAIN", "servfail"}:
        return _system_answer(name, v4, RecordFailed("AAAA", Outcome.SERVFAIL, seconds))
    both = _Found(_ordered((*v4.addresses, *v6.addresses)), v4.canonical)
    return _system_answer(name, both, ParallelLost(seconds, felt and felt / 3))


def _felt() -> float | None:
    """Return how long an application on this machine waits for a record type that is never answered."""
    if not _GLIBC:
        return None
    from smtpdoctor.net.nameserver import configuration

    return configuration().unanswered


def _is_glibc() -> bool:
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError, OSError):
        return False


_GLIBC: Final = _is_glibc()
# musl fails where one of the two questions stays open; the others go on with IPv4 after a while.
_SURVIVES_SILENCE: Final = _GLIBC or sys.platform != "linux"


def _system_answer(name: str, found: _Found, *remarks: Remark) -> Answer:
    bare = name.rstrip(".")
    # A line of the hosts file names the machine in full first, which looks like a search domain.
    if (line := _hosts_line(bare, found.addresses)) is not None:
        remarks = (*remarks, line)
    elif found.canonical.startswith(f"{bare}."):
        remarks = (*remarks, SearchDomain(found.canonical))
    return Answer(name=bare, addresses=found.addresses, canonical=found.canonical, remarks=remarks)


def _hosts_line(name: str, addresses: tuple[str, ...]) -> HostsFile | None:
    """Return the line of the hosts file that gives these addresses; the machine's own name is no news."""
    if name == "localhost" or name.endswith(".localhost"):
        return None
    path = Path("/etc/hosts")
    if sys.platform == "win32":
        path = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "drivers", "etc", "hosts")
    try:
        data = path.read_bytes().lower()
    except OSError:
        return None
    wanted = name.encode()
    if wanted not in data:
        return None
    for number, line in enumerate(data.splitlines(), 1):
        words = line.partition(b"#")[0].split()
        if wanted in words[1:] and words[0].decode(errors="replace") in addresses:
            return HostsFile(str(path), number)
    return None


def _explained(
    name: str, port: int, family: int | None, found: _Found, race: _Race, deadline: float
) -> Answer:
    """Return the system's "no" with the reason that the name servers give."""
    if "servers" not in race.results:
        race.start("servers", partial(_examine_as_system, name, family, deadline - _MARGIN))
    ended = time.monotonic() >= deadline
    other = {_V4: _V6, _V6: _V4}.get(family or 0)
    if other and not ended:
        race.start("other", partial(_look_up, name, port, other))
    wanted = {"servers", *(("other",) if other and not ended else ())}
    race.wait(lambda: wanted <= race.results.keys(), deadline + _MARGIN * (1 + ended))
    examined: _Examined = race.results.get("servers", _Examined())
    elsewhere: _Found = race.results.get("other", _Found())
    no = {"nxdomain", "no-address"}
    # The system may know what DNS does not (hosts file), never the other way round: its "no" stays.
    error = found.error
    if examined.error in {*no, "cname-loop"} or (examined.error and found.error not in no):
        error = examined.error
    elif elsewhere.addresses:
        error = "no-address"
    remarks = examined.remarks
    if examined.addresses:
        remarks = (*remarks, SystemDisagrees(examined.addresses))
    return replace(
        _answer(name, examined),
        addresses=(),
        error=error,
        other_family=elsewhere.addresses or examined.other_family,
        tried=examined.tried,
        remarks=remarks,
    )


# -- The name servers -----------------------------------------------------------


class _Examined(Struct, frozen=True):
    """What the name servers say of a name; fields as in `Answer`."""

    addresses: tuple[str, ...] = ()
    error: str = ""
    chain: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    other_family: tuple[str, ...] = ()
    zone: str = ""
    tried: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


def _answer(name: str, examined: _Examined) -> Answer:
    chain = examined.chain
    return Answer(
        name=name.rstrip("."),
        addresses=examined.addresses if not examined.error else (),
        canonical=chain[-1] if len(chain) > 1 and examined.error != "cname-loop" else "",
        error=examined.error,
        chain=chain,
        mx=examined.mx,
        other_family=examined.other_family,
        zone=examined.zone,
        remarks=examined.remarks,
    )


def _examine_as_system(name: str, family: int | None, deadline: float) -> _Examined:
    """Ask the name servers that the system asks."""
    from smtpdoctor.net.nameserver import configuration

    known: Configuration = configuration()
    examined = _examine(known.servers, name.rstrip("."), family, deadline)
    return replace(examined, tried=(name.rstrip("."),) if name.endswith(".") else known.names(name))


def _examine(servers: tuple[Server, ...], name: str, family: int | None, deadline: float) -> _Examined:
    """Ask all servers for all wanted record types at once, then whatever explains a failure."""
    from smtpdoctor.net.nameserver import Reply, ask

    started = time.monotonic()
    records: tuple[Record, ...] = (_RECORDS[family],) if family else ("A", "AAAA")
    race = _Race()
    for server in servers:
        for record in records:
            race.start((server, record), partial(ask, server, name, record, deadline - _MARGIN))
    _await_replies(race, servers, records, deadline)
    silent = Reply(Outcome.SILENT)
    replies = {
        (server, record): race.results.get((server, record), silent)
        for server in servers
        for record in records
    }
    chosen = {record: _decisive([replies[server, record] for server in servers]) for record in records}
    # The server that decided is the one to ask on.
    server = min(servers, key=lambda server: _rank(replies[server, records[0]]))
    examined = _concluded(chosen, round(time.monotonic() - started, 3))
    failed = tuple(
        ServerFailed(_shown(server), worst)
        for server in servers
        if not any(replies[server, record].outcome.decides for record in records)
        for worst in [min((replies[server, record] for record in records), key=_rank).outcome]
    )
    errors = tuple(dict.fromkeys(error for reply in chosen.values() for error in reply.errors))
    examined = replace(examined, remarks=(*examined.remarks, *failed, *errors))
    if examined.error == "servfail":
        return _after_servfail(server, name, records, examined, deadline)
    if examined.error == "no-address":
        return _after_no_address(server, name, family, examined, deadline)
    return examined


def _await_replies(
    race: _Race, servers: tuple[Server, ...], records: tuple[Record, ...], deadline: float
) -> None:
    """Wait until each record type is decided, and a little for the servers that have not answered yet."""
    results = race.results

    def decided(record: Record) -> bool:
        return any(
            (server, record) in results and results[server, record].outcome.decides for server in servers
        )

    def has(record: Record) -> bool:
        return any((server, record) in results and results[server, record].records for server in servers)

    def complete() -> bool:
        return len(results) == len(servers) * len(records)

    started = time.monotonic()
    patience = min(_PATIENCE - _GRACE, (deadline - started) / 2)
    # As for the system: without AAAA it goes on after a while, without A it does not.
    if race.wait(lambda: complete() or all(map(decided, records)) or has("A"), deadline):
        enough = max(started + patience, time.monotonic() + _REST)
        race.wait(lambda: complete() or all(map(decided, records)), min(deadline, enough))
    if all(map(decided, records)):
        race.wait(complete, min(deadline, time.monotonic() + _REST))


def _rank(reply: Reply) -> int:
    return -1 if reply.outcome is Outcome.ANSWERED else _TELLING.index(reply.outcome)


def _decisive(replies: list[Reply]) -> Reply:
    """Return the first reply that decides, as a resolver takes it, else the most telling one."""
    return next((reply for reply in replies if reply.outcome.decides), min(replies, key=_rank))


def _concluded(chosen: dict[Record, Reply], seconds: float) -> _Examined:
    """Return what the answers to the record types mean together."""
    best = min(chosen.values(), key=_rank)
    addresses = _ordered([address for reply in chosen.values() for address in reply.records])
    zone = next((reply.zone for reply in chosen.values() if reply.outcome is Outcome.NXDOMAIN), "")
    if not addresses:
        # "There is none" for one record type says nothing of the other, whose question was not answered.
        open_ones = [reply for reply in chosen.values() if reply.outcome is not Outcome.NO_RECORD]
        best = min(open_ones, key=_rank) if open_ones else best
        return _Examined(error=_ERRORS[best.outcome], chain=best.chain, zone=zone)
    remarks: tuple[Remark, ...] = ()
    error = ""
    for record, reply in chosen.items():
        if reply.outcome in {Outcome.ANSWERED, Outcome.NO_RECORD}:
            continue
        silent = reply.outcome is Outcome.SILENT
        remarks = (RecordFailed(record, reply.outcome, seconds, _felt() if silent else None),)
        # The system takes a "no" for one record type, whatever the reason. It goes on without AAAA where
        # nothing comes, but not without A, and not where what comes is no answer.
        if reply.outcome in {Outcome.GARBAGE, Outcome.TRUNCATED} or (silent and record == "A"):
            error = _ERRORS[reply.outcome]
    # With an error, the addresses are those that nobody gets to see.
    return _Examined(
        () if error else addresses, error, best.chain, (), addresses if error else (), "", (), remarks
    )


def _after_servfail(
    server: Server, name: str, records: tuple[Record, ...], examined: _Examined, deadline: float
) -> _Examined:
    """Look for a reason: signatures that do not hold, or an alias that leads back to itself."""
    from smtpdoctor.net.nameserver import ask

    race = _Race()
    race.start("unchecked", partial(ask, server, name, records[0], deadline, validate=False))
    race.start("chain", partial(_aliases, server, name, deadline))
    race.wait(lambda: len(race.results) == 2, deadline)  # noqa: PLR2004 -- both
    chain: tuple[str, ...] = race.results.get("chain", ())
    if chain and chain[-1] in chain[:-1]:
        return replace(examined, error="cname-loop", chain=chain)
    unchecked: Reply | None = race.results.get("unchecked")
    if unchecked is not None and unchecked.outcome in {Outcome.ANSWERED, Outcome.NO_RECORD}:
        examined = replace(examined, remarks=(*examined.remarks, DnssecFailed()))
    return replace(examined, chain=chain or examined.chain)


def _aliases(server: Server, name: str, deadline: float) -> tuple[str, ...]:
    """Follow the aliases of a name one by one, until they end or lead to one that was seen."""
    from smtpdoctor.net.nameserver import ask

    chain = [name]
    while len(chain) <= _MAX_ALIASES and chain[-1] not in chain[:-1]:
        reply = ask(server, chain[-1], "CNAME", deadline)
        if not reply.records:
            break
        chain.append(reply.records[0])
    return tuple(chain)


def _after_no_address(
    server: Server, name: str, family: int | None, examined: _Examined, deadline: float
) -> _Examined:
    """Look for what there is instead: mail servers, addresses of the other IP version."""
    from smtpdoctor.net.nameserver import ask

    kinds = ("MX", *(record for other, record in _RECORDS.items() if family and other != family))
    race = _Race()
    for kind in kinds:
        race.start(kind, partial(ask, server, name, kind, deadline))
    race.wait(lambda: len(race.results) == len(kinds), deadline)
    found = {kind: race.results[kind].records for kind in kinds if kind in race.results}
    # A single dot says that the domain takes no mail (RFC 7505).
    mx = tuple(host for host in found.pop("MX", ()) if host not in {"", "."})
    return replace(examined, mx=mx, other_family=_ordered([ip for ips in found.values() for ip in ips]))


def _shown(server: Server) -> str:
    return f"[{server[0]}]:{server[1]}" if ":" in server[0] else f"{server[0]}:{server[1]}"


# -- The order of addresses -----------------------------------------------------

# Prefix, precedence and label of RFC 6724 section 2.1, the longest prefixes first.
_POLICY: Final = (
    ("::1/128", 50, 0),
    ("::ffff:0:0/96", 35, 4),
    ("::/96", 1, 3),
    ("2001::/32", 5, 5),
    ("2002::/16", 30, 2),
    ("3ffe::/16", 1, 12),
    ("fec0::/10", 1, 11),
    ("fc00::/7", 3, 13),
    ("::/0", 40, 1),
)


def _ordered(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses that came from no system look-up in the order that the system would give them.

    By RFC 6724 section 6 without rules 3, 4, 7 and 9 and without /etc/gai.conf: what this machine can
    reach first, then IPv6 before IPv4, else as the name server had them.
    """
    known = tuple(dict.fromkeys(addresses))[:_MAX_ADDRESSES]
    return tuple(sorted(known, key=lambda one: _preference(one, _source(one)))) if len(known) > 1 else known


def _source(address: str) -> str | None:
    """Return the address that this machine would send from, None if it has no way there; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 53))
            return str(sock.getsockname()[0])
    except OSError:
        return None


def _preference(address: str, source: str | None) -> tuple[bool, bool, bool, int, int]:
    """Return the sort key of a destination, smaller is better (rules 1, 2, 5, 6 and 8)."""
    precedence, label = _policy(address)
    scope = _scope(address)
    if source is None:
        return (True, True, True, -precedence, scope)
    return (False, _scope(source) != scope, _policy(source)[1] != label, -precedence, scope)


def _mapped(address: str) -> ipaddress.IPv6Address:
    known = ipaddress.ip_address(address)
    return known if isinstance(known, ipaddress.IPv6Address) else ipaddress.IPv6Address(f"::ffff:{known}")


def _policy(address: str) -> tuple[int, int]:
    plain = ipaddress.IPv6Address(int(_mapped(address)))  # without the interface
    return next(
        (precedence, label) for prefix, precedence, label in _POLICY if plain in ipaddress.IPv6Network(prefix)
    )


def _scope(address: str) -> int:
    """Return the scope of RFC 6724 section 3.1: 2 link-local, 5 site-local, 14 global."""
    known = ipaddress.ip_address(address)
    if known.is_link_local or known.is_loopback:
        return 2
    return 5 if isinstance(known, ipaddress.IPv6Address) and known.is_site_local else 14
