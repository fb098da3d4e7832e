"""A dialogue that broke → evidence, for every stage: the one place where a DialogueError ends."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from smtpdoctor.labels import Label
from smtpdoctor.masking.words import decode
from smtpdoctor.model import Evidence, Message, Stage
from smtpdoctor.probes.session import Failed, Session
from smtpdoctor.smtp.errors import DialogueError, NotSMTP, SASLFailed, TimedOut, Unsolicited
from smtpdoctor.smtp.protocols import identify, protocol_name
from smtpdoctor.smtp.reply import Reply, fits

__all__ = [
    "answered",
    "broken",
    "broken_evidence",
    "garbled",
    "label_of",
    "nothing_left",
    "stray",
    "unfit",
]

_BROKEN: Final = "broken-reply"
_NO_WORDS: Final = frozenset({"tls-bytes", "binary"})
_ANOTHER_SECONDS: Final = 0.3  # how long the real answer may take behind one that cannot be it
_GREETING: Final = 220
# What says yes to a command in general, and not to this one: other clients look at the first digit alone.
_BY_DIGIT: Final = {"AUTH": "2", "STARTTLS": "2", "DATA": "2"}
_MOST_LINES: Final = 3  # of a greeting; postscreen makes clients wait behind the first, and banners have some
_BEGUN: Final = frozenset({Label.DRIPPING, Label.UNFINISHED, Label.UNENDING})
_BOUNDLESS: Final = frozenset({Label.ENDLESS, Label.LINE_TOO_LONG})
_OPENING: Final = frozenset({"", "EHLO", "HELO", "LHLO"})
_AWAITED: Final = {"STARTTLS": Label.STARTTLS, "EHLO": Label.HELO, "HELO": Label.HELO}
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
    first = str(reply)
    evidence = session.refused(reply, Label.STRAY, first=first)
    values = {"first": first, "command": session.awaiting}
    return Failed(Message("broken.stray", values), evidence, facts=session.facts)


def unfit(session: Session, reply: Reply, *, whole: bool = True) -> Failed:
    """Return the failure for a reply that says yes with a code that the command cannot have.

    It belongs to no command where the real answer comes behind it, and where it is a second greeting; else it
    is what the server answers, which is against the rules, and neither a yes nor a no. ``whole``: there was
    nothing more to say, so that other clients may take it for a yes.
    """
    hello = session.awaiting.upper() in _OPENING and reply.code == _GREETING
    if hello or session.open_channel().more_within(_ANOTHER_SECONDS) is not None:
        return stray(session, reply)
    by_digit = str(reply.code)[:1] == _BY_DIGIT.get(session.awaiting.upper())
    labels = (Label.WRONG_CODE, *((Label.TAKEN_BY_SOME,) if whole and by_digit else ()))
    first = str(reply)
    evidence = session.refused(reply, *labels, first=first, code=str(reply.code))
    values = {"first": first, "command": session.awaiting}
    return Failed(Message("broken.code", values), evidence, facts=session.facts)


def garbled(session: Session, reply: Reply) -> Failed | None:
    """Return the failure for a reply with a line that has no code in it, None for any other.

    Go and PHPMailer read over such a line; to smtplib and Nodemailer the reply ends in an error there, and
    all that follows is out of step.
    """
    if "line-without-code" not in reply.quirks:
        return None
    first = str(reply)
    told = session.refused(reply, Label.BROKEN_REPLY, first=first)
    evidence = replace(told, error=_BROKEN)
    values = {"first": first, "command": session.awaiting}
    key = "broken.reply" if session.awaiting else "greeting.garbled"
    return Failed(Message(key, values), evidence, facts=session.facts)


def answered(
    session: Session,
    command: str,
    *,
    shown: str | None = None,
    awaiting: str | None = None,
    whole: bool = True,
) -> Reply:
    """Send a command and return its reply; raises DialogueError, and Failed for one that cannot be its answer.

    ``whole``: nothing of the command is left to be said.
    """
    reply = session.ask(command, shown=shown, awaiting=awaiting)
    if garbage := garbled(session, reply):
        raise garbage
    if not fits(session.awaiting, reply.code):
        raise unfit(session, reply, whole=whole)
    return reply


def nothing_left(session: Session) -> None:
    """Look, without waiting, for a reply behind the last one of the dialogue; raises Unsolicited for it.

    A server that hangs up by then, with a word or without, has answered everything.
    """
    channel = session.channel
    if channel is None or session.over or not session.greeted:
        return
    try:
        channel.unasked()
    except Unsolicited:
        raise
    except DialogueError:
        return


def _first_line(session: Session, error: DialogueError) -> str:
    """Return the first line of what came: it is enough to tell what is speaking."""
    received = error.received.lstrip()
    if session.stage is Stage.TLS and identify(received) in _NO_WORDS:
        return ""  # the bytes of a TLS record are nobody's words
    line = received.split(b"\n")[0]
    return decode(line).rstrip("\r") if line else ""


def _begun(error: TimedOut) -> Label:
    """Return how a reply came that was not complete in time: in single bytes, in line after line, or in part."""
    if error.dripping:
        return Label.DRIPPING
    return Label.UNENDING if error.lines > _MOST_LINES else Label.UNFINISHED


def _concluded(session: Session, error: DialogueError) -> set[Label | None]:
    """Return what follows from the way in which a dialogue broke, and from what was awaited."""
    found = {_AWAITED.get(session.awaiting), _LATE_ALERTS.get(error.token)}
    match error:
        case Unsolicited():
            found.add(Label.STRAY)
        case TimedOut():
            if error.received:
                found.add(_begun(error))
            if session.run_is_over:
                found.add(Label.DEADLINE)
        case NotSMTP() if session.awaiting not in _OPENING:
            found.add(Label.BROKEN_REPLY)  # it has spoken SMTP until now
        case NotSMTP():
            found.add(label_of(error.label))
            if session.at_provider and protocol_name(error.label):
                found.add(Label.INTERCEPTED)
        case SASLFailed():
            found.add(Label.SERVER_UNPROVED)
        case _ if session.awaiting == "AUTH":
            found.add(Label.CLOSED_AFTER_AUTH)
    return found


def broken_evidence(session: Session, error: DialogueError, *labels: Label, **facts: str) -> Evidence:
    """Return the evidence of a dialogue that broke: what was awaited, for how long, and what came instead."""
    first = _first_line(session, error)
    told = {"command": session.awaiting, **({"first": first} if first else {}), **facts}
    concluded = {label for label in _concluded(session, error) if label is not None}
    if isinstance(error, TimedOut):
        seconds = session.options.deadline if Label.DEADLINE in concluded else session.allotted
        told.setdefault("seconds", f"{seconds:.3g}")
    if isinstance(error, NotSMTP) and session.awaiting in _OPENING:
        told.setdefault("protocol", protocol_name(error.label))
    evidence = Evidence(
        stage=session.stage,
        error=_BROKEN if Label.BROKEN_REPLY in concluded else error.token,
        text=first or getattr(error, "detail", ""),
        labels=frozenset(concluded.union(labels)),
        facts=told,
    )
    if isinstance(error, Unsolicited) and error.replies:
        reply = error.replies[0]
        text = reply.text
        return replace(evidence, code=reply.code, enhanced=reply.enhanced, error=None, text=text)
    return evidence


def broken(session: Session, error: DialogueError, *labels: Label, **told: str) -> Failed:
    """Return the failure of the running stage for a dialogue that broke."""
    evidence = broken_evidence(session, error, *labels, **told)
    values = {
        "error": error.token,
        "command": session.awaiting,
        "seconds": evidence.facts.get("seconds", ""),
        "first": evidence.facts.get("first", ""),
    }
    return Failed(Message(_key(session, evidence), values), evidence, facts=session.facts)


def _key(session: Session, evidence: Evidence) -> str:
    labels, timed_out = evidence.labels, evidence.error == "timeout"
    if Label.STRAY in labels:
        return "broken.stray"
    if Label.DEADLINE in labels:
        return "broken.deadline"
    if Label.BROKEN_REPLY in labels:
        return "broken.reply"
    if evidence.error == "not-smtp":
        return "broken.endless" if labels & _BOUNDLESS else "greeting.not-smtp"
    if session.stage is Stage.TLS and not session.awaiting:
        return "tls.broken"
    if session.awaiting and timed_out:
        return "broken.unfinished" if labels & _BEGUN else "broken.silent"
    if session.awaiting:
        return "broken.closed"
    if not timed_out:
        return "greeting.broken"
    return "greeting.dripping" if labels & _BEGUN else "greeting.silent"
