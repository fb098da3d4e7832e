"""A dialogue that broke → evidence, for every stage: the one place where a DialogueError ends."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.probes.session import Failed, Session
from smtpdoctor.smtp.errors import DialogueError, NotSMTP, SASLFailed, Unsolicited
from smtpdoctor.smtp.protocols import identify, protocol_name
from smtpdoctor.smtp.reply import Reply, fits
from smtpdoctor.smtp.words import decode

__all__ = ["answered", "broken", "broken_evidence", "label_of", "stray"]

_FIRST: Final = 120
_NO_WORDS: Final = frozenset({"tls-bytes", "binary"})
# What a TLS alert that comes after the handshake means (RFC 8446 section 6.2).
_LATE_ALERTS: Final = {"TLSV13_ALERT_CERTIFICATE_REQUIRED": Label.CLIENT_CERTIFICATE}


def label_of(protocol: str) -> Label:
    """Return the label of a protocol of ``smtp.protocols``; many that are rare share one."""
    try:
        return Label(protocol)
    except ValueError:
        return Label.OTHER_PROTOCOL


def stray(session: Session, reply: Reply) -> Failed:
    """Return the failure for a reply that cannot be the answer to what was asked."""
    first = session.redact(str(reply))
    evidence = session.refused(reply, Label.STRAY, first=first)
    values = {"first": first, "command": session.awaiting}
    return Failed(Message("broken.stray", values), evidence, facts=session.facts)


def answered(
    session: Session, command: str, *, shown: str | None = None, awaiting: str | None = None
) -> Reply:
    """Send a command and return its reply; raises DialogueError, and Failed for a reply to something else."""
    reply = session.ask(command, shown=shown, awaiting=awaiting)
    if not fits(session.awaiting, reply.code):
        raise stray(session, reply)
    return reply


def broken_evidence(session: Session, error: DialogueError, *labels: Label, **facts: str) -> Evidence:
    """Return the evidence of a dialogue that broke: what was awaited, for how long, and what came instead."""
    told = {"command": session.awaiting, **facts}
    found = set(labels)
    # The first line is enough to tell what is speaking.
    received = error.received.lstrip()
    if session.stage is Stage.TLS and identify(received) in _NO_WORDS:
        received = b""  # the bytes of a TLS record are nobody's words
    line = received.split(b"\n")[0]
    # Masked before it is cut: the first part of a secret would not be known as one.
    first = session.redact(decode(line).rstrip("\r"))[:_FIRST] if line else ""
    if first:
        told.setdefault("first", first)
    code, enhanced, text = None, None, first or getattr(error, "detail", "")
    if isinstance(error, Unsolicited):
        found.add(Label.STRAY)
        if error.replies:
            reply = error.replies[0]
            code, enhanced, text = reply.code, reply.enhanced, session.redact(reply.text)
    elif error.token == "timeout":  # noqa: S105 -- an error token
        seconds = session.allotted
        if session.run_is_over:
            found.add(Label.DEADLINE)
            seconds = session.options.deadline
        told.setdefault("seconds", f"{seconds:.3g}")
        if error.received:
            found.add(Label.DRIPPING if error.dripping else Label.UNFINISHED)
    elif isinstance(error, NotSMTP):
        found.add(label_of(error.label))
        told.setdefault("protocol", protocol_name(error.label))
    elif isinstance(error, SASLFailed):
        found.add(Label.SERVER_UNPROVED)
    elif session.awaiting == "AUTH":
        found.add(Label.CLOSED_AFTER_AUTH)
    if session.awaiting == "STARTTLS":
        found.add(Label.STARTTLS)
    if session.awaiting in {"EHLO", "HELO"}:
        found.add(Label.HELO)
    if late := _LATE_ALERTS.get(error.token):
        found.add(late)
    return Evidence(
        stage=session.stage,
        code=code,
        enhanced=enhanced,
        error=None if code else error.token,
        text=text,
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
    if Label.STRAY in labels:
        return "broken.stray"
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
    return "greeting.dripping" if labels & {Label.DRIPPING, Label.UNFINISHED} else "greeting.silent"
