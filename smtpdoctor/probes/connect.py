"""The connect stage: TCP, every address in turn until one takes the connection."""

from __future__ import annotations

import time
from typing import Final

from smtpdoctor.facts import Attempt, ConnectFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.probes.session import Failed, Passed, Session
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import ConnectFailed

__all__ = ["partly", "step"]

# A refusal says more than silence, and both say more than an IP version that this machine lacks.
_WEIGHT: Final = {"ENETUNREACH": 2, "EADDRNOTAVAIL": 2, "timeout": 1}
_NO_ROUTE: Final = frozenset({"ENETUNREACH", "EADDRNOTAVAIL", "EHOSTUNREACH"})


def step(session: Session) -> Passed:
    """Dial; each address gets an equal share of the time that is left."""
    attempts: list[Attempt] = []
    for number, address in enumerate(session.addresses):
        now = time.monotonic()
        share = max(session.deadline - now, 0) / (len(session.addresses) - number)
        try:
            channel = Channel.connect(address.ip, address.port, session.transcript, now + share)
        except ConnectFailed as error:
            seconds = round(time.monotonic() - now, 3)
            attempts.append(Attempt(str(address), seconds, error.token))
            session.transcript.record("note", f"connect {address}: {error.token}")
            continue
        dead = tuple(attempts)
        attempts.append(Attempt(str(address), round(time.monotonic() - now, 3)))
        session.transcript.record("note", f"connect {address}")
        channel.deadline = session.deadline
        session.channel, session.address = channel, address
        facts = ConnectFacts(tuple(attempts), str(address))
        if not dead:
            return Passed(Message("connect.pass", {"address": str(address)}), facts)
        values = {"address": str(address), "dead": ", ".join(one.address for one in dead)}
        return Passed(Message("connect.partial", values), facts, (partly(dead, str(address)),))
    raise _failure(session, attempts)


def _told(attempts: tuple[Attempt, ...]) -> str:
    return ", ".join(f"{one.address} ({one.error}, {one.seconds:.1f} s)" for one in attempts)


def partly(dead: tuple[Attempt, ...], taken: str) -> Evidence:
    """Return the evidence of addresses that did not take the connection though another one did."""
    worst = max(dead, key=lambda one: one.seconds)
    facts = {
        "addresses": _told(dead),
        "address": worst.address,
        "other": taken,
        "seconds": f"{sum(one.seconds for one in dead):.1f}",
    }
    labels = {Label.SOME_ADDRESSES_FAILED}
    if all(one.address.startswith("[") for one in dead):
        labels.add(Label.IPV6_ONLY_FAILED)
    return Evidence(stage=Stage.CONNECT, error=worst.error, labels=frozenset(labels), facts=facts)


def _failure(session: Session, attempts: list[Attempt]) -> Failed:
    ranked = sorted(attempts, key=lambda one: _WEIGHT.get(one.error, 0))
    first = ranked[0] if ranked else Attempt(session.target.host.name, 0.0, "EADDRNOTAVAIL")
    labels = set()
    if len(attempts) > 1:
        labels.add(Label.ALL_ADDRESSES_FAILED)
    if attempts and all(one.address.startswith("[") and one.error in _NO_ROUTE for one in attempts):
        labels.add(Label.IPV6_ONLY_FAILED)
    if session.target.host.loopback:
        labels.add(Label.LOOPBACK)
    if session.at_provider:
        labels.add(Label.KNOWN_PROVIDER)
    if first.error == "timeout" and session.run_is_over:
        labels.add(Label.DEADLINE)
    evidence = Evidence(
        stage=Stage.CONNECT,
        error=first.error,
        labels=frozenset(labels),
        facts={
            "address": first.address,
            "addresses": _told(tuple(attempts)),
            "seconds": f"{session.allotted:.3g}",
        },
    )
    facts = ConnectFacts(tuple(attempts))
    summary = Message("connect.fail", {"address": first.address, "error": first.error})
    return Failed(summary, evidence, facts=facts)
