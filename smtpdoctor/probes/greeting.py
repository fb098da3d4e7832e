"""The greeting stage: the server's 220, and EHLO with the capabilities (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

import re
import threading
from typing import Final

from msgspec.structs import replace

from smtpdoctor.facts import GreetingFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Security, Stage
from smtpdoctor.probes.broken import answered, broken, broken_evidence, garbled, label_of, stray
from smtpdoctor.probes.look import Look, greets_a_balancer, look_at
from smtpdoctor.probes.session import Failed, Passed, Session
from smtpdoctor.smtp.channel import own_name
from smtpdoctor.smtp.command import ehlo_for
from smtpdoctor.smtp.errors import DialogueError, Disconnected, TimedOut
from smtpdoctor.smtp.protocols import greeting_label, protocol_name
from smtpdoctor.smtp.reply import Reply

__all__ = ["hello", "step"]

# After this long without a sign of a greeting a second connection looks at what else the port may be.
_PATIENCE: Final = 1.5
_READY: Final = 220
_SHUTTING_DOWN: Final = 421
_PERMANENT: Final = 500
_UNKNOWN_COMMAND: Final = frozenset({500, 502})
_STRAY_SECONDS: Final = 0.2  # a reply to a command that was sent before ours is on its way already
_NOT_IMPLEMENTED: Final = frozenset({500, 501, 502, 503, 504})
# The name of a capability ends where its characters do (RFC 5321 section 4.1.1.1): whatever stands behind it,
# other clients take it for offered. `AUTH=LOGIN` is a relic for old clients; it means the same as `AUTH LOGIN`.
_CAPABILITY: Final = r"(?s)\s*([A-Za-z0-9][A-Za-z0-9-]*)[\s=]*(.*)"
# A firewall that inspects SMTP overwrites the names of capabilities that it does not know with X.
_CROSSED_OUT: Final = re.compile(r"X{3,}[A-Z]?")


def step(session: Session) -> Passed:
    """Read the greeting and say EHLO."""
    channel = session.open_channel()
    session.awaiting = ""
    side = None
    try:
        if channel.is_silent(min(_PATIENCE, session.options.timeout / 3)):
            side = _SideLook(session)
        greeting = channel.read_reply()
    except TimedOut as error:
        raise _silent(session, error, side.result() if side else None) from error
    except Disconnected as error:
        raise _turned_away(session) or error from error
    session.greeted = True
    session.banner = greeting.text
    facts = GreetingFacts(banner=session.banner, quirks=tuple(sorted(greeting.quirks)))
    session.facts = facts
    if garbage := garbled(session, greeting):
        raise garbage
    given_away = greeting_label(greeting)
    session.rewritten = session.banner if given_away == Label.REWRITTEN else ""
    if given_away == Label.NNTP:
        raise _foreign(session, greeting, given_away)
    if greeting.code == _SHUTTING_DOWN and (failure := _turned_away(session, greeting)):
        raise failure
    if greeting.code != _READY:
        labels = (Label.PROXY_EXPECTED,) if given_away == Label.PROXY_EXPECTED else ()
        evidence = session.refused(greeting, *labels)
        values = {"code": greeting.code, "reply": evidence.text}
        raise Failed(Message("greeting.refused", values), evidence, facts=facts)
    hello(session)
    facts = replace(facts, ehlo=session.ehlo, capabilities=capabilities_shown(session))
    return Passed(Message("greeting.pass", {"banner": session.banner}), facts)


def capabilities_shown(session: Session) -> tuple[str, ...]:
    """Return the capabilities as the server wrote them, one text each."""
    return tuple(f"{name} {value}".strip() for name, value in session.capabilities.items())


def hello(session: Session) -> None:
    """Say EHLO, or HELO to a server that refuses EHLO, and note the capabilities.

    RFC 5321 section 3.2 has HELO for servers that do not know EHLO. smtplib, Nodemailer, JavaMail, Go and PHPMailer
    try it after any refusal, so a server that refuses EHLO alone takes their mail. Raises Failed where the server
    refuses both, DialogueError where the dialogue breaks.
    """
    target, here = session.target, session.open_channel().local_address
    style = target.conduct.names_itself if target.conduct is not None else None
    name = ehlo_for(target.ehlo, own_name(), here, style)
    session.ehlo, session.ehlo_assumed = name.text, not name.reproduced
    reply = first = answered(session, f"EHLO {session.ehlo}")
    if reply.code in _UNKNOWN_COMMAND:
        _not_for_another(session, reply)
        reply = answered(session, f"HELO {session.ehlo}")
    elif not reply.positive:
        reply = _without_extensions(session, reply)
    if not reply.positive:
        raise _hello_refused(session, first, reply)
    session.capabilities = _capabilities(reply)
    if crossed_out := [name for name in session.capabilities if _CROSSED_OUT.fullmatch(name)]:
        session.rewritten = " ".join(crossed_out)


def _not_for_another(session: Session, refusal: Reply) -> None:
    """Raise Failed where the refusal was meant for a line that something on the way has put in front of ours.

    Whatever comes behind it, HELO would be answered with that.
    """
    answer = session.open_channel().more_within(_STRAY_SECONDS)
    if answer is not None and answer.code != _SHUTTING_DOWN:
        raise stray(session, refusal)


def _without_extensions(session: Session, refusal: Reply) -> Reply:
    """Return the reply to HELO, if it says yes, after EHLO was refused though it is known; else that refusal.

    HELO offers neither STARTTLS nor AUTH: where the settings demand one of them, EHLO's own refusal is what
    keeps mail from being sent. A server that says 421 hangs up (RFC 5321 section 3.8).
    """
    target = session.target
    encrypts = target.security is Security.STARTTLS and session.stage is not Stage.TLS
    if refusal.code == _SHUTTING_DOWN or encrypts or target.login is not None:
        return refusal
    _not_for_another(session, refusal)
    try:
        reply = answered(session, f"HELO {session.ehlo}")
    except DialogueError:
        reply = refusal  # who hangs up after that has said why
    if not reply.positive:
        session.awaiting = "EHLO"
        return refusal
    return reply


def _hello_refused(session: Session, first: Reply, last: Reply) -> Failed:
    if first.code in _UNKNOWN_COMMAND and last.code in _NOT_IMPLEMENTED:
        # A server that knows neither command does not speak SMTP, whatever name it is told.
        return _foreign(session, last, _what_knows_no_hello(session, first, last))
    if greeting_label(Reply(_READY, (session.banner,))) == Label.FTP:
        return _foreign(session, last, Label.FTP)  # 530: it wants its own login first
    # A temporary refusal is about the server (421 may answer any command, RFC 5321 section 3.8), not the name.
    labels = {Label.HELO} if last.code >= _PERMANENT else set()
    if session.ehlo_assumed:
        labels.add(Label.EHLO_ASSUMED)
    evidence = session.refused(last, *labels, value=session.ehlo)
    # Inside TLS it is EHLO that is refused all the same: the handshake went well.
    evidence = replace(evidence, stage=Stage.GREETING)
    values = {"ehlo": session.ehlo, "code": last.code, "reply": evidence.text}
    return Failed(Message("greeting.helo-refused", values), evidence, facts=session.facts)


def _foreign(session: Session, reply: Reply, protocol: str) -> Failed:
    """Return the failure for a server that speaks another protocol in replies that look like SMTP's."""
    first = session.banner or reply.text
    told = {"first": first, "protocol": protocol_name(protocol)}
    labels = {label_of(protocol)} | ({Label.INTERCEPTED} if session.at_provider else set())
    evidence = session.refused(reply, *labels, **told)
    return Failed(Message("greeting.not-smtp", {"first": first}), evidence, facts=session.facts)


def _what_knows_no_hello(session: Session, first: Reply, last: Reply) -> str:
    """Tell what greets with 220 and knows neither EHLO nor HELO: LMTP (RFC 2033), FTP (RFC 959) ..."""
    greeting = Reply(_READY, (session.banner,))
    hint = greeting_label(greeting)
    said = f"{session.banner} {first.text} {last.text}".lower()
    if "lmtp" in said or "lhlo" in said:
        return Label.LMTP
    if hint:
        return hint
    try:
        reply = session.ask(f"LHLO {session.ehlo}")
    except DialogueError:
        return Label.OTHER_PROTOCOL
    return Label.LMTP if reply.positive else Label.OTHER_PROTOCOL


def _capabilities(reply: Reply) -> dict[str, str]:
    found: dict[str, str] = {}
    # Nobody knows a keyword that stands at its code without a blank: clients take a letter of it for that.
    for line in reply.lines[1 : -1 if "no-separator" in reply.quirks else None]:
        match = re.match(_CAPABILITY, line)
        name, value = (match[1].upper(), match[2].strip()) if match else (line.strip(), "")
        if name:
            found[name] = f"{found[name]} {value}".strip() if name in found else value
    return found


def _silent(session: Session, error: TimedOut, seen: Look | None) -> Failed:
    if error.received or seen is None or seen.label is None:
        return broken(session, error)  # what has begun a greeting is a mail server, however slow
    first = seen.first
    if seen.label is Label.SILENT_TLS_PORT:
        return broken(session, error, seen.label, first=first)
    labels = {seen.label} | ({Label.INTERCEPTED} if session.at_provider else set())
    evidence = broken_evidence(session, error, *labels, first=first)
    values = {"error": "not-smtp", "first": first}
    return Failed(Message("greeting.not-smtp", values), replace_text(evidence, first))


def _turned_away(session: Session, said: Reply | None = None) -> Failed | None:
    """Return the failure of a port that greets only whoever brings a load balancer's header, else None."""
    if not greets_a_balancer(session):
        return None
    text = str(said) if said is not None else ""
    evidence = session.refused(said) if said is not None else session.evidence()
    evidence = replace(evidence, labels=frozenset({Label.PROXY_EXPECTED}))
    return Failed(Message("greeting.balancer", {"first": text}), evidence, facts=session.facts)


def replace_text(evidence: Evidence, text: str) -> Evidence:
    """Return the evidence with what a second look was told as the other side's words."""
    return replace(evidence, text=text) if text else evidence


class _SideLook:
    """Looks at the port through a connection of its own while the greeting is still awaited."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._result: Look | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="look")
        self._thread.start()

    def _run(self) -> None:
        self._result = look_at(self._session)

    def result(self) -> Look | None:
        """Return what was seen, if anything, without waiting long for it."""
        self._thread.join(0.3)
        return self._result
