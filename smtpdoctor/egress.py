"""Which mail ports of a server are open from here, and what keeps the others shut.

Theory of operation: each port is tried with the steps of a usual check up to TLS, at one address of each IP
version and all at once; nothing is logged in to and nothing is sent. What went wrong is the evidence of a usual
check, so the same catalogue names it, and how a port is said to be shut follows from that evidence alone.
A port that the provider does not list is tried too, but its silence says nothing about this network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.doctor import seal_of
from smtpdoctor.facts import Attempt, ConnectFacts
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.platforms import Platform, recognised
from smtpdoctor.labels import Label
from smtpdoctor.model import (
    Evidence,
    Finding,
    Message,
    Report,
    Security,
    Severity,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.probes import step_of
from smtpdoctor.probes.broken import broken
from smtpdoctor.probes.connect import partly
from smtpdoctor.probes.session import Address, Failed, Options, Session
from smtpdoctor.settings.resolve import IMPLICIT_TLS_PORTS, Loaded
from smtpdoctor.settings.target import Target, target_of
from smtpdoctor.smtp.channel import has_route
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.protocols import protocol_name
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["USUAL_PORTS", "Door", "Egress", "State", "Trial", "state_of", "survey"]

USUAL_PORTS: Final = (25, 465, 587, 2525, 2465, 2587)
"""What is tried besides the provider's own ports."""

State = Literal[
    "open",
    "refused",  # TCP reset: nobody listens, or a firewall says so
    "dropped",  # no answer at all
    "rejected",  # ICMP, or this system itself, forbids it
    "redirected",  # somebody else answers
    "tarpit",  # the connection is taken, and nothing comes
    "reset",  # the connection is taken, and ended
    "turned-away",  # the server greets with a refusal
    "no-route",  # this machine has no way to addresses of this IP version
]

_BUDGET: Final = 4.8  # seconds for everything
_DNS_SECONDS: Final = 1.6
_AGAIN_SECONDS: Final = 1.3  # what is left for a second try in the other way
_CONNECT_SECONDS: Final = 2.4  # a packet that is lost once is sent again after one second
_FAR: Final = 60.0  # seconds: the run's own deadline, which is no reason that a finding should name
_GIVEN: Final = frozenset({"preset", "default"})  # origins of a port that nobody has chosen
_ENDED: Final = frozenset({"eof", "ECONNRESET", "ECONNABORTED", "EPIPE", "UNEXPECTED_EOF_WHILE_READING"})
_NO_ROUTE: Final = frozenset({"ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"})
_SOMEBODY_ELSE: Final = frozenset(
    {
        Label.INTERCEPTED,
        Label.NAME_MISMATCH,
        Label.REWRITTEN,
        Label.REWRITTEN_PASSED,
        Label.PLAIN_ANSWER,
        Label.SILENT_TLS_PORT,
        Label.TLS_BYTES,
        Label.INJECTED,
    }
)
# The port begins in the other way: with TLS, or without.
_OTHER_MODE: Final = frozenset({Label.SILENT_TLS_PORT, Label.TLS_BYTES, Label.PLAIN_ANSWER})


class Trial(Struct, frozen=True):
    """One address and port that was tried; ``detail`` names who answers where that is somebody else.

    ``implicit``: with TLS from the first byte.
    """

    address: str
    family: int
    state: State
    seconds: float
    greeting: str = ""
    detail: str = ""
    implicit: bool = False
    evidence: tuple[Evidence, ...] = ()


class Door(Struct, frozen=True):
    """A port, and how it was tried; ``offered``: the provider lists it, or it is not known what it lists."""

    port: int
    security: Security
    offered: bool
    trials: tuple[Trial, ...]

    @property
    def tried(self) -> tuple[Trial, ...]:
        """The trials that this machine has a way for, all of them where it has none."""
        return tuple(one for one in self.trials if one.state != "no-route") or self.trials

    @property
    def first(self) -> Trial:
        """The trial that says most: the one that got through, else the first."""
        return next((one for one in self.tried if one.state == "open"), self.tried[0])

    @property
    def mode(self) -> Security:
        """How the port is secured, by what was found there."""
        if self.first.implicit:
            return Security.TLS
        return Security.OPPORTUNISTIC if self.security is Security.TLS else self.security

    @property
    def is_open(self) -> bool:
        """Whether a client gets through with one of the IP versions."""
        return self.first.state == "open"

    @property
    def is_shut(self) -> bool:
        """Whether something keeps clients from a port at which the server listens."""
        return self.offered and not self.is_open

    @property
    def half(self) -> bool:
        """Whether one IP version gets through, and the other is kept from it."""
        return self.is_open and any(one.state != "open" for one in self.tried)


class Egress(Struct, frozen=True, kw_only=True):
    """What can be reached from here.

    ``port`` is the one of the settings, ``chosen`` whether somebody chose it; without, any open port will do.
    ``platform`` is where this runs, ``known`` whether the ports that are offered are the provider's own list.
    """

    host: str
    port: int
    chosen: bool
    known: bool
    doors: tuple[Door, ...]
    platform: Platform | None
    report: Report
    seconds: float

    @property
    def usable(self) -> tuple[Door, ...]:
        """The open ports of the server, in the order in which the provider lists them."""
        return tuple(one for one in self.doors if one.offered and one.is_open)

    @property
    def shut(self) -> tuple[Door, ...]:
        """The ports of the server that are kept from us."""
        if not self.known and self.usable:
            return tuple(one for one in self.doors if one.is_shut and one.port == self.port)
        return tuple(one for one in self.doors if one.is_shut)


def survey(
    loaded: Loaded,
    options: Options,
    *,
    environment: Mapping[str, str],
    machine: Mapping[str, str],
) -> Egress | None:
    """Try the ports of the server that the settings name; None where they name no usable host and port.

    ``environment`` and ``machine`` say where this runs (``knowledge.platforms``). Takes five seconds at most.
    """
    started = time.monotonic()
    target = target_of(loaded.settings)
    if target is None:
        return None
    port = loaded.settings.port
    chosen = port is not None and port.origin.kind not in _GIVEN
    run = _Run(target, options, started + _BUDGET)
    failure = run.resolve()
    resolved = time.monotonic()
    doors = () if failure is not None else run.doors()
    stages, found = _judged(target, run, doors, failure, chosen=chosen)
    findings = tuple(_diagnosed(found, loaded))
    if stages[-1].status is Status.WARN:  # another port gets through: that is no failure
        findings = tuple(
            replace(one, severity=Severity.WARNING) if one.severity is Severity.ERROR else one
            for one in findings
        )
    seconds = time.monotonic() - started
    taken = (resolved - started, seconds - (resolved - started))
    seal = seal_of(loaded)
    report = Report(
        settings=seal.settings(loaded.settings),
        stages=tuple(
            seal.result(replace(one, seconds=spent)) for one, spent in zip(stages, taken, strict=False)
        ),
        findings=tuple(map(seal.finding, findings)),
        seconds=seconds,
    )
    return Egress(
        host=seal.own(target.host.name),
        port=target.port,
        chosen=chosen,
        known=run.known,
        doors=doors,
        platform=recognised(environment, machine),
        report=report,
        seconds=seconds,
    )


class _Run:
    """The addresses and ports of one survey."""

    def __init__(self, target: Target, options: Options, end: float) -> None:
        self._target = target
        self._options = replace(options, timeout=_BUDGET, deadline=_FAR)
        self._end = end
        self._addresses: tuple[Address, ...] = ()
        preset = load.preset_with_id(target.provider) if target.known_host else None
        endpoints = preset.endpoints_at(target.host.name) if preset is not None else ()
        self.known = bool(endpoints)
        # Where a port is listed twice, TLS from the first byte comes second: STARTTLS greets at once.
        self._offered = {one.port: one.security for one in reversed(endpoints)}
        self._order = list(dict.fromkeys(one.port for one in endpoints))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """One address of each IP version that the host has."""
        return self._addresses

    def _session(self, port: int) -> Session:
        security = self._offered.get(port)
        if security is None:
            security = Security.TLS if port in IMPLICIT_TLS_PORTS else Security.OPPORTUNISTIC
        target = replace(self._target, port=port, security=security, login=None, cipher=None)
        return Session(target, self._options, Transcript(), time.monotonic() + _FAR)

    def _begin(self, session: Session, stage: Stage, seconds: float) -> None:
        session.start_stage(stage)
        now = time.monotonic()
        session.deadline = min(now + seconds, self._end)
        session.allotted = max(session.deadline - now, 0.0)
        if session.channel is not None:
            session.channel.deadline = session.deadline

    def resolve(self) -> Failed | None:
        """Look the host up; return the failure where that fails."""
        session = self._session(self._target.port)
        self._begin(session, Stage.DNS, _DNS_SECONDS)
        try:
            step_of(Stage.DNS)(session)
        except Failed as failure:
            return failure
        by_family = {6 if ":" in one.ip else 4: one for one in reversed(session.addresses)}
        self._addresses = tuple(by_family[family] for family in (4, 6) if family in by_family)
        return None

    def doors(self) -> tuple[Door, ...]:
        """Try all ports at once."""
        ports = list(dict.fromkeys((*self._order, self._target.port, *USUAL_PORTS)))
        places = [(port, place) for port in ports for place in self._places(port)]
        found: list[Trial | None] = [None] * len(places)
        crashes: list[Exception] = []

        def work(number: int, port: int, place: Address) -> None:
            try:
                found[number] = self._tried(port, place)
            except Exception as error:  # noqa: BLE001 -- raised again, where somebody listens
                crashes.append(error)

        threads = [
            threading.Thread(target=work, args=(number, *place), daemon=True, name="egress")
            for number, place in enumerate(places)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(self._end - time.monotonic(), 0) + 0.15)
        if crashes:
            raise crashes[0]
        doors: list[Door] = []
        for port in ports:
            trials = [
                one or self._unfinished(port, place)
                for one, (number, place) in zip(found, places, strict=True)
                if number == port
            ]
            offered = port in self._offered or (not self.known and port in {self._target.port, 465, 587})
            doors.append(Door(port, self._session(port).target.security, offered, tuple(trials)))
        return tuple(sorted(doors, key=lambda one: not one.offered))

    def _unfinished(self, port: int, place: Address) -> Trial:
        """Return the trial of an address that did not come to an end in time."""
        implicit = self._session(port).target.security is Security.TLS
        return Trial(str(place), 6 if ":" in place.ip else 4, "tarpit", _BUDGET, implicit=implicit)

    def _places(self, port: int) -> Iterator[Address]:
        """Yield where a port is dialled: once where the options lead it elsewhere, else with each IP version."""
        instead = self._session(port).redirected(port)
        if instead is not None:
            yield Address(*instead)
            return
        for one in self._addresses:
            yield Address(one.ip, port, one.own)

    def _tried(self, port: int, place: Address) -> Trial:
        """Try one address; where the port begins in the other way, once more in that."""
        security = self._session(port).target.security
        first = self._once(port, place, security)
        labels = first.evidence[0].labels if first.evidence else frozenset()
        if labels.isdisjoint(_OTHER_MODE):
            return first
        other = Security.OPPORTUNISTIC if security is Security.TLS else Security.TLS
        again = self._once(port, place, other, again=True)
        again = replace(again, seconds=first.seconds + again.seconds)
        # Without TLS nobody has proved that he is the provider.
        return first if self.known and not again.implicit and again.state == "open" else again

    def _once(self, port: int, place: Address, security: Security, *, again: bool = False) -> Trial:
        session = self._session(port)
        session.target = replace(session.target, security=security)
        session.addresses = (place,)
        implicit = security is Security.TLS
        stages = (
            Stage.CONNECT,
            *((Stage.TLS, Stage.GREETING) if implicit else (Stage.GREETING, Stage.TLS)),
        )
        started = time.monotonic()
        failure: Failed | None = None
        try:
            for stage in stages:
                left = self._end - time.monotonic()
                longest = _CONNECT_SECONDS if stage is Stage.CONNECT else left
                if stage is stages[1] and not again:  # the first words, which may be those of the other way
                    longest = left - _AGAIN_SECONDS
                self._begin(session, stage, longest)
                try:
                    step_of(stage)(session)
                except DialogueError as error:
                    failure = broken(session, error)
                    break
        except Failed as one:
            failure = one
        finally:
            if session.channel is not None:
                session.channel.close(*(("QUIT",) if session.greeted and failure is None else ()))
        seconds = time.monotonic() - started
        family = 6 if ":" in place.ip else 4
        if failure is None:
            return Trial(str(place), family, "open", seconds, session.banner, implicit=implicit)
        first = failure.evidence[0]
        state = state_of(first)
        if state == "rejected" and first.error in _NO_ROUTE and not has_route(place.ip):
            state = "no-route"
        detail = first.facts.get("names") or first.facts.get("first") or first.text or ""
        detail = detail if state in {"redirected", "turned-away"} else ""
        return Trial(str(place), family, state, seconds, session.banner, detail, implicit, failure.evidence)


def state_of(evidence: Evidence) -> State:
    """Say how a port is shut, by what went wrong there; what is wrong with the server alone leaves it open."""
    error = evidence.error
    if evidence.stage is Stage.CONNECT:
        if error == "timeout" or error == "ETIMEDOUT":  # noqa: PLR1714 -- two words for one thing
            return "dropped"
        return "refused" if error == "ECONNREFUSED" else "reset" if error in _ENDED else "rejected"
    if not evidence.labels.isdisjoint(_SOMEBODY_ELSE):
        return "redirected"
    if error == "timeout":
        return "tarpit"
    if error in _ENDED:
        return "reset"
    if Label.PROXY_EXPECTED not in evidence.labels and (
        error == "not-smtp" or any(map(protocol_name, evidence.labels))
    ):
        return "redirected"
    return "turned-away" if evidence.stage is Stage.GREETING else "open"


# -- What that means ----------------------------------------------------------


def _judged(
    target: Target, run: _Run, doors: tuple[Door, ...], failure: Failed | None, *, chosen: bool
) -> tuple[list[StageResult], list[Evidence]]:
    """Return the stages, and what is to be named: what is wrong with the port of the settings."""
    if failure is not None:
        stage = StageResult(
            stage=Stage.DNS,
            status=Status.FAIL,
            summary=failure.summary,
            facts=failure.facts,
            evidence=failure.evidence,
        )
        return [stage], list(failure.evidence)
    usable = [one for one in doors if one.offered and one.is_open]
    door = next(one for one in doors if one.port == target.port)
    found = list(_about(door, doors, target)) if not door.is_open or door.half else []
    status = Status.PASS
    if found:
        status = Status.WARN if door.is_open or (usable and not chosen) else Status.FAIL
    attempts = tuple(
        Attempt(one.address, round(one.seconds, 3), "" if one.state == "open" else one.state)
        for each in doors
        for one in each.trials
    )
    key = "egress.stage" if usable else "egress.stage.none"
    ports = ", ".join(str(one.port) for one in usable)
    addresses = ", ".join(dict.fromkeys(one.ip for one in run.addresses))
    looked_up = StageResult(
        stage=Stage.DNS,
        status=Status.PASS,
        summary=Message("dns.pass", {"host": target.host.name, "addresses": addresses}),
    )
    connected = StageResult(
        stage=Stage.CONNECT,
        status=status,
        summary=Message(key, {"host": target.host.name, "ports": ports}),
        facts=ConnectFacts(attempts, door.first.address if door.is_open else ""),
        evidence=tuple(found),
    )
    return [looked_up, connected], found


def _about(door: Door, doors: Iterable[Door], target: Target) -> Iterator[Evidence]:
    """Yield what is wrong with the port of the settings, with what its siblings said."""
    failed = [one for one in door.tried if one.state != "open"]
    attempts = tuple(
        Attempt(one.address, one.seconds, (one.evidence[0].error or one.state) if one.evidence else one.state)
        for one in failed
    )
    if door.is_open:
        yield partly(attempts, door.first.address)
        return
    if not failed[0].evidence:
        return
    evidence, *others = failed[0].evidence
    siblings = [one for one in doors if one.offered and one.port != target.port]
    told = " ".join(
        f"{one.port}/{one.mode.value}/"
        f"{'answers' if one.is_open else 'closed' if one.first.state == 'refused' else 'silent'}"
        for one in siblings
    )
    facts = dict(evidence.facts)
    labels = set(evidence.labels)
    if told:
        facts["siblings"] = told
    if (answering := next((one for one in siblings if one.is_open), None)) is not None:
        facts |= {"answering": str(answering.port), "mode": answering.mode.value}
        labels.add(Label.SIBLING_ANSWERS)
    if evidence.stage is Stage.CONNECT and len(failed) > 1:
        labels.add(Label.ALL_ADDRESSES_FAILED)
    yield replace(evidence, facts=facts, labels=frozenset(labels))
    yield from others


def _diagnosed(evidence: Iterable[Evidence], loaded: Loaded) -> Iterator[Finding]:
    given = list(evidence)
    if not given:
        return
    from smtpdoctor.diagnosis import Context, diagnose, order, placed

    context = Context(settings=loaded.settings, provider=loaded.settings.preset, labels=frozenset())
    found = [placed(one, loaded.settings) for each in given if (one := diagnose(each, context)) is not None]
    for one in order(found, given[0].stage):
        # A wall that was seen from all sides is no passing trouble, as a single time-out may be.
        yield one if one.stage is Stage.DNS else replace(one, retryable=False)
