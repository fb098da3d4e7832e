"""The DNS stage: the addresses of the host, and why there are none."""

from __future__ import annotations

import time
from ipaddress import ip_address
from typing import Final

from smtpdoctor.facts import DnsFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.net.answer import (
    Answer,
    DnssecFailed,
    ExtendedError,
    HostsFile,
    Outcome,
    ParallelLost,
    RecordFailed,
    ServerFailed,
)
from smtpdoctor.net.dns import knows_public_names, resolve
from smtpdoctor.probes.session import Address, Failed, Passed, Session
from smtpdoctor.settings.hosts import same_host
from smtpdoctor.settings.target import is_loopback
from smtpdoctor.smtp.channel import own_name

__all__ = ["step"]

_MAX_ADDRESSES: Final = 16
_SHOWN: Final = 4
_ROOT_WAIT: Final = 3.0  # seconds; a server that knows the root has it in its memory
# What a name server says that does not have a name, and what it says that cannot look any up.
_NO: Final = frozenset({"nxdomain", "no-address"})
_DOUBTFUL: Final = _NO | {"servfail", "dns-refused", "EAI_AGAIN"}
_ARROW: Final = " → "


def step(session: Session) -> Passed:
    """Resolve the host, or what ``connect_to`` puts in its place."""
    target, options = session.target, session.options
    host, port = session.redirected(target.port) or (target.host.name, target.port)
    answer = resolve(host, port, family=options.family, resolver=options.resolver, deadline=session.deadline)
    if answer.error:
        known = target.known_host and host == target.host.name
        raise _failure(session, host, answer, known=known)
    if not answer.literal and all(map(_is_null, answer.addresses)):
        raise _blocked(session, host, answer)
    own = _is_own_word(host, answer)
    session.addresses = tuple(Address(ip, port, own) for ip in answer.addresses[:_MAX_ADDRESSES])
    facts = DnsFacts(answer.addresses, answer.canonical)
    if answer.literal:
        return Passed(Message("dns.literal", {"address": answer.name}), facts)
    shown = ", ".join(answer.addresses[:_SHOWN])
    return Passed(Message("dns.pass", {"host": host, "addresses": shown}), facts, _odd(answer))


def _is_own_word(host: str, answer: Answer) -> bool:
    """Whether it is the user or this machine who says where the host is, not a name server."""
    if answer.literal or is_loopback(host) or any(isinstance(one, HostsFile) for one in answer.remarks):
        return True
    # systemd knows this machine's name without the file of hosts.
    return any(map(is_loopback, answer.addresses)) and same_host(host, own_name())


def _is_null(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_unspecified


def _blocked(session: Session, host: str, answer: Answer) -> Failed:
    """Return the failure for a name that is kept back with an address that is none (0.0.0.0, ::)."""
    shown = ", ".join(answer.addresses)
    told = {"value": host, "address": shown}
    values = {"host": told["value"], "address": shown}
    facts = DnsFacts(answer.addresses, answer.canonical)
    return Failed(
        Message("dns.null-address", values), session.evidence(Label.NULL_ADDRESS, **told), facts=facts
    )


def _odd(answer: Answer) -> tuple[Evidence, ...]:
    """Return the evidence of a look-up that went well in part only."""
    for remark in answer.remarks:
        if isinstance(remark, RecordFailed):
            return (Evidence(stage=Stage.DNS, labels=frozenset({Label.HALF_ANSWERED}), facts=_half(remark)),)
        if isinstance(remark, ParallelLost):
            facts = {"kind": "A + AAAA", **_seconds(remark.seconds, remark.felt)}
            return (Evidence(stage=Stage.DNS, labels=frozenset({Label.HALF_ANSWERED}), facts=facts),)
    return ()


def _half(remark: RecordFailed) -> dict[str, str]:
    if remark.outcome is Outcome.SILENT:
        return {"kind": remark.record, **_seconds(remark.seconds, remark.felt)}
    return {"kind": remark.record, "answer": remark.outcome.upper()}


def _seconds(seconds: float, felt: float | None) -> dict[str, str]:
    told = {"seconds": f"{seconds:.1f}"}
    if felt is not None:
        told["felt"] = f"{felt:g}"
    return told


def _failure(session: Session, host: str, answer: Answer, *, known: bool) -> Failed:
    error = answer.error
    facts = {"value": host, **_reasons(answer)}
    if len(answer.chain) > 1:
        facts["cname"] = _ARROW.join(answer.chain)
    elif answer.canonical:
        facts["cname"] = answer.canonical
    found = {
        "mx": ", ".join(answer.mx),
        "other": ", ".join(answer.other_family),
        "zone": answer.zone.strip("."),
        "flag": f"--ipv{session.options.family}" if session.options.family else "",
        "seconds": f"{session.allotted:.3g}" if error == "dns-timeout" else "",
    }
    facts.update({name: text for name, text in found.items() if text})
    conclusions = {
        Label.CONTAINER_NAME: "." not in host and error != "name-invalid",
        Label.CNAME_CHAIN: "cname" in facts and error != "cname-loop",
        Label.CNAME_LOOP: error == "cname-loop",
        Label.ONLY_MX: bool(answer.mx),
        Label.OTHER_FAMILY: bool(answer.other_family) and error == "no-address",
        Label.NO_PUBLIC_NAMES: error == "dns-unreachable",
    }
    labels = {label for label, holds in conclusions.items() if holds}
    if known and error in _DOUBTFUL:
        # The name is right: either nothing public is known here, or this name is kept back.
        soon = min(session.deadline, time.monotonic() + _ROOT_WAIT)
        public = knows_public_names(session.options.resolver, soon)
        if public is False:
            labels.add(Label.NO_PUBLIC_NAMES)
        elif error in _NO:
            labels.add(Label.NAME_HIDDEN)
    evidence = Evidence(stage=Stage.DNS, error=error, labels=frozenset(labels), facts=facts)
    facts_found = DnsFacts((), answer.canonical, answer.mx, answer.other_family)
    return Failed(Message(f"dns.{error.lower()}", {"host": facts["value"]}), evidence, facts=facts_found)


def _reasons(answer: Answer) -> dict[str, str]:
    """Return what the name servers did, by the kind of failure, and their own words."""
    servers: dict[str, list[str]] = {}
    facts: dict[str, str] = {}
    for remark in answer.remarks:
        match remark:
            case ServerFailed(server, outcome):
                servers.setdefault(outcome.value, []).append(server)
            case ExtendedError(code, name, text):
                words = ": ".join(part for part in (name or f"EDE {code}", text) if part)
                facts.setdefault("reason", words)
            case DnssecFailed():
                facts["dnssec"] = answer.name
            case RecordFailed(record, outcome):
                facts |= {"kind": record, "answer": outcome.upper()}
            case _:
                pass
    return facts | {f"server_{outcome}": ", ".join(each) for outcome, each in servers.items()}
