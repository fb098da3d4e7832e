"""A dialogue that broke → evidence, for every stage: the one place where a DialogueError ends."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.probes.session import Failed, Session
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.words import decode

__all__ = ["broken", "broken_evidence"]

_FIRST: Final = 120
# What a TLS alert that comes after the handshake means (RFC 8446 section 6.2).
_LATE_ALERTS: Final = {"TLSV13_ALERT_CERTIFICATE_REQUIRED": Label.CLIENT_CERTIFICATE}


def broken_evidence(session: Session, error: DialogueError, *labels: Label, **facts: str) -> Evidence:
    """Return the evidence of a dialogue that broke: what was awaited, for how long, and what came instead."""
    told = {"command": session.awaiting, **facts}
    found = set(labels)
    # The first line is enough to tell what is speaking.
    line = error.received.lstrip().split(b"\n")[0][:_FIRST]
    first = session.redact(decode(line).rstrip("\r")) if line else ""
    if first:
        told.setdefault("first", first)
    if error.token == "timeout":  # noqa: S105 -- an error token
        seconds = session.allotted
        if session.run_is_over:
            found.add(Label.DEADLINE)
            seconds = session.options.deadline
        told.setdefault("seconds", f"{seconds:.3g}")
        if error.received:
            found.add(Label.DRIPPING)
    elif session.awaiting == "AUTH" and error.token not in {"not-smtp", "stray"}:
        found.add(Label.CLOSED_AFTER_AUTH)
    if session.awaiting in {"EHLO", "HELO"}:
        found.add(Label.HELO)
    if label := getattr(error, "label", None):
        found.add(Label(label))
    if late := _LATE_ALERTS.get(error.token):
        found.add(late)
    return Evidence(
        stage=session.stage,
        error=error.token,
        text=first or getattr(error, "detail", ""),
        labels=frozenset(found),
        facts=told,
    )


def broken(
    session: Session, error: DialogueError, *labels: Label, facts: Struct | None = None, **told: str
) -> Failed:
    """Return the failure of the running stage for a dialogue that broke."""
    evidence = broken_evidence(session, error, *labels, **told)
    values = {
        "error": error.token,
        "command": session.awaiting,
        "seconds": evidence.facts.get("seconds", ""),
        "first": evidence.facts.get("first", ""),
    }
    return Failed(Message(_key(session, evidence), values), evidence, facts=facts or session.facts)


def _key(session: Session, evidence: Evidence) -> str:
    labels, timed_out = evidence.labels, evidence.error == "timeout"
    if Label.DEADLINE in labels:
        return "broken.deadline"
    if evidence.error == "not-smtp":
        return "greeting.not-smtp"
    if session.stage is Stage.TLS and not session.awaiting:
        return "tls.broken"
    if session.awaiting:
        return "broken.silent" if timed_out else "broken.closed"
    if not timed_out:
        return "greeting.broken"
    return "greeting.dripping" if Label.DRIPPING in labels else "greeting.silent"
