"""The DNS stage: the addresses of the host.

The system's resolver answers, since the application will use it (hosts file, container DNS and
all); only when it fails does dnspython ask again, to tell why.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import Final

from msgspec import Struct

from smtpdoctor.facts import DnsFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.probes.session import Address, Failed, Passed, Session

__all__ = ["step"]

_MAX_ADDRESSES: Final = 16
_V4: Final = 4
_V6: Final = 6
_EAI: Final = {
    socket.EAI_NONAME: "nxdomain",
    socket.EAI_AGAIN: "EAI_AGAIN",
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): "no-address",
    socket.EAI_FAIL: "servfail",
}


class _Answer(Struct, frozen=True):
    """Addresses and the canonical name, or the error token."""

    ips: tuple[str, ...] = ()
    cname: str = ""
    error: str = ""


def step(session: Session) -> Passed:
    """Resolve the host, or what ``connect_to`` puts in its place."""
    host, port = session.target.host.name, session.target.port
    host, port = session.options.connect_to.get((host, port), (host, port))
    family = session.options.family
    literal = _literal(host)
    if literal is not None:
        session.addresses = (Address(literal, port),)
        return Passed(Message("dns.literal", {"address": literal}), DnsFacts((literal,)))
    if session.options.resolver is not None:
        answer = _ask_server(host, family, session.options.resolver, session.deadline)
    else:
        answer = _ask_system(host, port, family, session.deadline)
    if answer.error:
        raise _failure(session, host, answer)
    session.addresses = tuple(Address(ip, port) for ip in answer.ips[:_MAX_ADDRESSES])
    values = {"host": host, "addresses": ", ".join(answer.ips[:4])}
    return Passed(Message("dns.pass", values), DnsFacts(answer.ips, answer.cname))


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None


def _ask_system(host: str, port: int, family: int | None, deadline: float) -> _Answer:
    wanted = {None: socket.AF_UNSPEC, _V4: socket.AF_INET, _V6: socket.AF_INET6}[family]
    answers: list[_Answer] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(
                host.encode() if host.isascii() else host,
                port,
                wanted,
                socket.SOCK_STREAM,
                0,
                socket.AI_CANONNAME,
            )
        except socket.gaierror as error:
            answers.append(_Answer(error=_EAI.get(error.errno, "servfail")))
        except (OSError, UnicodeError):
            answers.append(_Answer(error="nxdomain"))
        else:
            ips = tuple(dict.fromkeys(str(one[4][0]) for one in found))
            cname = found[0][3].rstrip(".").lower() if found else ""
            answers.append(_Answer(ips, "" if cname in {host.lower(), *ips} else cname))

    # getaddrinfo knows no deadline; a thread that is left behind ends by itself.
    thread = threading.Thread(target=look_up, name="getaddrinfo", daemon=True)
    thread.start()
    thread.join(max(deadline - time.monotonic(), 0))
    if not answers:
        return _Answer(error="dns-timeout")
    return answers[0]


def _ask_server(host: str, family: int | None, server: tuple[str, int] | None, deadline: float) -> _Answer:
    """Ask a name server through dnspython; ``server`` None: the ones of the system."""
    import dns.exception
    import dns.name
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver(configure=server is None)
    except dns.resolver.NoResolverConfiguration:
        return _Answer(error="dns-timeout")
    if server is not None:
        resolver.nameservers = [server[0]]
        resolver.port = server[1]
    ips: list[str] = []
    cname = ""
    error = ""
    for kind in ("A",) if family == _V4 else ("AAAA",) if family == _V6 else ("A", "AAAA"):
        lifetime = max(min(deadline - time.monotonic(), 5.0), 0.1)
        try:
            answer = resolver.resolve(
                host,
                kind,
                lifetime=lifetime,
                search=server is None,
            )
        except dns.resolver.NXDOMAIN:
            return _Answer(error="nxdomain")
        except dns.resolver.NoAnswer as nothing:
            cname = cname or _chain_end(nothing, host)
            error = error or "no-address"
        except dns.resolver.NoNameservers:
            error = "servfail"
        except dns.exception.Timeout:
            return _Answer(error="dns-timeout")
        except (dns.exception.DNSException, UnicodeError, ValueError):
            error = "nxdomain"
        else:
            ips += [str(record) for record in answer]
            canonical = str(answer.canonical_name).rstrip(".").lower()
            cname = "" if canonical == host.lower() else canonical
    if ips:
        return _Answer(tuple(ips), cname)
    return _Answer(cname=cname, error=error)


def _chain_end(nothing: Exception, host: str) -> str:
    """Return where the CNAME chain of an answer without addresses ends."""
    response = nothing.kwargs.get("response") if hasattr(nothing, "kwargs") else None
    try:
        canonical = str(response.canonical_name()).rstrip(".").lower() if response else ""
    except Exception:  # noqa: BLE001 -- dnspython raises several kinds for a broken chain; none matters here
        return ""
    return "" if canonical == host.lower() else canonical


def _failure(session: Session, host: str, answer: _Answer) -> Failed:
    error, cname = answer.error, answer.cname
    remaining = session.deadline - time.monotonic()
    if session.options.resolver is None and error != "dns-timeout" and remaining > 0:
        asked = _ask_server(host, session.options.family, None, session.deadline)
        # The system may know what DNS does not (hosts file), never the other way round: keep its "no".
        if asked.error and asked.error != "dns-timeout":
            error, cname = asked.error, asked.cname
        elif asked.ips:
            error = "no-address" if session.options.family else error
    labels = set()
    if "." not in host:
        labels.add(Label.CONTAINER_NAME)
    if cname:
        labels.add(Label.CNAME_CHAIN)
    facts = {"value": session.redact(host)}
    if cname:
        facts["cname"] = session.redact(cname)
    if error == "dns-timeout":
        facts["seconds"] = f"{session.allotted:.3g}"
    evidence = Evidence(stage=Stage.DNS, error=error, labels=frozenset(labels), facts=facts)
    return Failed(Message(f"dns.{error.lower()}", {"host": facts["value"]}), evidence)
