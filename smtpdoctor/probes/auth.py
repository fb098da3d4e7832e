"""The AUTH stage (RFC 4954): one attempt, with the best mechanism that both sides know."""

from __future__ import annotations

import base64
import binascii
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from smtpdoctor.facts import AuthFacts
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.masking.sealed import Seal
from smtpdoctor.model import Evidence, Message, Secret
from smtpdoctor.probes.broken import answered, broken, unfit
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.settings.target import Login, is_loopback
from smtpdoctor.smtp.errors import DialogueError, SASLFailed
from smtpdoctor.smtp.reply import Reply
from smtpdoctor.smtp.sasl import MECHANISMS, choose, derived, finish

if TYPE_CHECKING:
    from smtpdoctor.probes.logins import Outcome, Turn

__all__ = ["step"]

_CONTINUE: Final = 334
_OK: Final = 235
_UNAVAILABLE: Final = 421  # the server hangs up, whatever it was asked
_OF_THE_COMMAND: Final = frozenset({500, 501, 502, 503, 504, 530, 534, 538})  # RFC 5321, RFC 4954 section 6
_REFUSED: Final = 400  # and above: RFC 5321 section 4.2.1
_OAUTH: Final = frozenset({"XOAUTH2", "OAUTHBEARER"})
# With how many answers a login is complete, of those that every library speaks.
_ANSWERS: Final = {"PLAIN": 1, "LOGIN": 2}


def step(session: Session) -> Passed | Skipped:
    """Log in, if there is a login and the connection is fit for it."""
    target = session.target
    preset = load.preset_with_id(target.provider)
    login = target.login
    if login is None:
        if not target.half_login and preset and preset.needs_login(target.host.name):
            values = {"preset": preset.name.en}
            raise Failed(Message("auth.no-credentials", values), session.evidence(Label.NO_CREDENTIALS))
        return Skipped(Message("auth.half" if target.half_login else "auth.none"))
    in_clear = _in_clear(session)
    offered = tuple(session.capabilities.get("AUTH", "").upper().split())
    oauth = login.token or (preset is not None and preset.password.kind == "oauth2")
    conduct = target.conduct
    order = conduct.mechanisms if conduct is not None else ()
    mechanism = choose(
        offered,
        token=oauth,
        order=order,
        as_listed=conduct is not None and conduct.as_listed,
        tries_all=conduct is not None and conduct.tries_all,
    )
    if mechanism is None or (order and not set(order) & set(offered)):
        raise _no_mechanism(session, offered, oauth=oauth)
    facts = AuthFacts(offered=offered, mechanism=mechanism)
    session.facts = facts
    labels = (Label.OAUTH,) if mechanism in _OAUTH else ()
    told = {"mechanisms": " ".join(offered), "mechanism": mechanism}
    turn = session.options.turn
    if turn is not None:
        _wait_for_others(session, turn, in_clear)
    outcome: Outcome = "open"
    try:
        reply, detail = _exchange(session, mechanism, login)
        outcome = (
            "accepted" if reply.code == _OK else _outcome(session, session.refused(reply, *labels, **told))
        )
    except DialogueError as error:
        failure = broken(session, error, *labels, **told)
        failure.evidence += in_clear
        raise failure from error
    except Failed as failure:  # an answer that no client makes sense of is no yes
        outcome = _outcome(session, failure.evidence[0])
        raise
    finally:
        if turn is not None:
            turn.settle(outcome)
    if reply.code == _OK:
        session.logged_in = True
        values = {"username": login.username, "mechanism": mechanism}
        if conduct is None or conduct.tries_all or mechanism not in order:
            return Passed(Message("auth.pass", values), facts, in_clear)
        return Passed(Message("auth.pass.app", {**values, "app_name": conduct.name}), facts, in_clear)
    evidence = session.refused(reply, *labels, **told)
    if detail:
        facts = replace(facts, detail=detail)
    values = {"code": str(reply.code), "reply": evidence.text}
    raise Failed(Message("auth.refused", values), evidence, *in_clear, facts=facts)


def _wait_for_others(session: Session, turn: Turn, in_clear: tuple[Evidence, ...]) -> None:
    """Wait for the runs that send the same login; raises Failed where the server has refused it to one of them."""
    refusal, waited = turn.take(max(session.deadline - time.monotonic(), 0.0))
    session.wait(waited)
    if refusal is not None:
        told = {**refusal.evidence.facts, "refused_for": refusal.name}
        evidence = replace(refusal.evidence, facts=told)
        raise Failed(Message("auth.refused-before", {"refused_for": refusal.name}), evidence, *in_clear)


def _outcome(session: Session, evidence: Evidence) -> Outcome:
    """Return what an answer other than yes means for who would send the same login: anything but a yes is a no.

    Not so the goodbye of a server that hangs up, and where the command was refused before the login was sent.
    """
    if evidence.code is None or evidence.code == _UNAVAILABLE:
        return "open"
    if not session.login_sent and evidence.code in _OF_THE_COMMAND:
        return "open"
    return Seal(session.transcript.redact).evidence(evidence)


def _in_clear(session: Session) -> tuple[Evidence, ...]:
    """Refuse to send a login in the clear, other than to this machine; where the user allows it, say so."""
    address = session.address
    # A provider's own name never means this machine, whatever the resolver or a flag says.
    here = address is not None and address.is_loopback and not session.target.known_host
    if session.secured or here:
        return ()
    if session.options.allow_cleartext_auth:
        return (session.evidence(Label.CLEARTEXT_ALLOWED),)
    labels, told = [Label.CLEARTEXT], {}
    if address is not None and is_loopback(address.ip):
        labels.append(Label.LOOPBACK)
        told["address"] = address.ip
    raise Failed(Message("auth.cleartext"), session.evidence(*labels, **told))


def _no_mechanism(session: Session, offered: tuple[str, ...], *, oauth: bool) -> Failed:
    if not offered:
        # Many servers name AUTH only inside TLS (RFC 4954 section 4), so ask for that first.
        hidden = "STARTTLS" in session.capabilities and not session.open_channel().encrypted
        label = Label.AUTH_AFTER_STARTTLS if hidden else Label.NO_AUTH_OFFERED
        key = "auth.after-starttls" if hidden else "auth.not-offered"
        return Failed(Message(key), session.evidence(label, *session.surroundings()))
    only_oauth = not oauth and set(offered) <= _OAUTH
    label = Label.ONLY_OAUTH if only_oauth else Label.NO_COMMON_MECHANISM
    mechanisms, conduct = " ".join(offered), session.target.conduct
    if conduct is not None and conduct.mechanisms and not set(conduct.mechanisms) & set(offered):
        told = {"mechanisms": mechanisms, "app_name": conduct.name, "spoken": " ".join(conduct.mechanisms)}
        evidence = session.evidence(label, **told)
        return Failed(Message("auth.no-mechanism.app", {**told}), evidence, facts=AuthFacts(offered=offered))
    evidence = session.evidence(label, mechanisms=mechanisms)
    summary = Message("auth.no-mechanism", {"mechanisms": mechanisms})
    return Failed(summary, evidence, facts=AuthFacts(offered=offered))


def _exchange(session: Session, mechanism: str, login: Login) -> tuple[Reply, str]:
    """Run one SASL exchange; returns the final reply, and what a challenge said in plain (XOAUTH2's JSON)."""
    secret = login.secret
    steps = MECHANISMS[mechanism](login.username, secret.reveal())
    first = next(steps)
    command = f"AUTH {mechanism}"
    left = _ANSWERS.get(mechanism, -1)
    if first is None:
        reply = answered(session, command, whole=False)
    else:
        _mask(session, mechanism, first)
        session.login_sent = True
        initial = base64.b64encode(first).decode()
        left -= 1
        reply = answered(session, f"{command} {initial}", shown=f"{command} {Secret.MASK}", whole=left == 0)
    detail = ""
    while reply.code == _CONTINUE:  # a mechanism ends by itself
        challenge = _decoded(reply)
        if mechanism in _OAUTH:
            detail = challenge.decode(errors="replace")
        try:
            if "no-separator" in reply.quirks:
                raise SASLFailed("sasl-challenge")  # noqa: TRY301 -- to other clients a sign of it is the blank
            answer = steps.send(challenge) or b""
        except StopIteration:
            break
        except SASLFailed:
            with suppress(DialogueError):
                session.ask("*", awaiting="AUTH")
            raise
        _mask(session, mechanism, answer)
        session.login_sent = True
        encoded = base64.b64encode(answer).decode()
        left -= 1
        reply = answered(session, encoded, shown=Secret.MASK, awaiting="AUTH", whole=left == 0)
    if reply.code == _CONTINUE:
        reply = session.ask("*", awaiting="AUTH")  # RFC 4954 section 4: cancels the exchange
        if reply.code < _REFUSED:
            raise unfit(session, reply, whole=False)  # there is nothing left to say yes to
    elif reply.code == _OK:
        finish(steps)
    return reply, detail


def _mask(session: Session, mechanism: str, answer: bytes) -> None:
    """Have masked, from now on, what of an answer would let the password be guessed."""
    if secrets := derived(mechanism, answer):
        session.transcript.redact = session.transcript.redact.plus(*secrets)


def _decoded(reply: Reply) -> bytes:
    try:
        return base64.b64decode("".join(reply.lines).strip())
    except (binascii.Error, ValueError):
        return b""
