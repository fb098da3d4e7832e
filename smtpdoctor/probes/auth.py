"""The AUTH stage (RFC 4954): one attempt, with the best mechanism that both sides know."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Secret, Stage, StageResult
from smtpdoctor.probes.session import Session, failed, passed, skipped
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.redact import Redactor
from smtpdoctor.smtp.reply import Reply
from smtpdoctor.smtp.sasl import MECHANISMS, choose, looks_like_token

__all__ = ["probe"]

_CONTINUE: Final = 334
_OK: Final = 235
_OAUTH: Final = frozenset({"XOAUTH2", "OAUTHBEARER"})
_MAX_ROUNDS: Final = 6


def probe(session: Session) -> StageResult:
    """Log in, if there is a login and the connection is fit for it."""
    settings = session.loaded.settings
    preset = load.preset_with_id(settings.preset)
    if settings.username is None or settings.password is None:
        if (
            settings.username is None
            and settings.password is None
            and preset
            and preset.password.kind != "none"
        ):
            evidence = _labelled(Label.NO_CREDENTIALS)
            return failed(Stage.AUTH, "auth.no-credentials", evidence, preset=preset.name.en)
        half = settings.username is not None or settings.password is not None
        return skipped(Stage.AUTH, "auth.half" if half else "auth.none")
    if (unfit := _unfit_connection(session)) is not None:
        return unfit
    username, secret = settings.username.value, settings.password.value
    offered = session.capabilities.get("AUTH", "").upper().split()
    oauth = (preset is not None and preset.password.kind == "oauth2") or looks_like_token(secret.reveal())
    mechanism = choose(offered, token=oauth)
    if mechanism is None:
        return _no_mechanism(session, offered, oauth=oauth)
    facts = {"mechanism": mechanism, "offered": offered}
    labels = (Label.OAUTH,) if mechanism in _OAUTH else ()
    try:
        reply, detail = _exchange(session, mechanism, username, secret)
    except UnicodeEncodeError:
        return failed(
            Stage.AUTH, "auth.refused", _labelled(Label.CONTROL_CHARACTER), facts=facts, code="-", reply="-"
        )
    except DialogueError as error:
        if error.token != "timeout":  # noqa: S105 -- an error token
            labels = (*labels, Label.CLOSED_AFTER_AUTH)
        evidence = session.broken(Stage.AUTH, error, *labels, mechanisms=" ".join(offered))
        return failed(Stage.AUTH, "auth.broken", evidence, facts=facts, error=error.token)
    if reply.code == _OK:
        user = session.redact(username)
        return passed(Stage.AUTH, "auth.pass", facts, username=user, mechanism=mechanism)
    evidence = session.refused(Stage.AUTH, reply, *labels, mechanisms=" ".join(offered))
    if detail:
        facts["detail"] = session.redact(detail)
    return failed(Stage.AUTH, "auth.refused", evidence, facts=facts, code=reply.code, reply=evidence.text)


def _labelled(label: str, **facts: str) -> Evidence:
    return Evidence(stage=Stage.AUTH, labels=frozenset({label}), facts=facts)


def _unfit_connection(session: Session) -> StageResult | None:
    """Refuse to send a login in the clear, other than to this machine or where the user allows it."""
    channel, address = session.open_channel(), session.address
    if channel.encrypted or session.options.allow_cleartext_auth:
        return None
    if address is not None and address.is_loopback:
        return None
    return failed(Stage.AUTH, "auth.cleartext", _labelled(Label.CLEARTEXT))


def _no_mechanism(session: Session, offered: list[str], *, oauth: bool) -> StageResult:
    mechanisms = " ".join(offered)
    if not offered:
        # Many servers name AUTH only inside TLS (RFC 4954 section 4), so ask for that first.
        hidden = "STARTTLS" in session.capabilities and not session.open_channel().encrypted
        label = Label.AUTH_AFTER_STARTTLS if hidden else Label.NO_AUTH_OFFERED
        key = "auth.after-starttls" if hidden else "auth.not-offered"
        return failed(Stage.AUTH, key, _labelled(label))
    only_oauth = not oauth and set(offered) <= _OAUTH
    label = Label.ONLY_OAUTH if only_oauth else Label.NO_COMMON_MECHANISM
    evidence = _labelled(label, mechanisms=session.redact(mechanisms))
    facts = {"offered": offered}
    return failed(
        Stage.AUTH, "auth.no-mechanism", evidence, facts=facts, mechanisms=evidence.facts["mechanisms"]
    )


def _exchange(session: Session, mechanism: str, username: str, secret: Secret) -> tuple[Reply, str]:
    """Run one SASL exchange; returns the final reply, and what a challenge said in plain (XOAUTH2's JSON)."""
    channel = session.open_channel()
    steps = MECHANISMS[mechanism](username, secret.reveal())
    first = next(steps)
    command = f"AUTH {mechanism}"
    if first is None:
        reply = channel.ask(command)
    else:
        initial = base64.b64encode(first).decode() or "="
        reply = channel.ask(f"{command} {initial}", shown=f"{command} {Secret.MASK}")
    detail = ""
    for _ in range(_MAX_ROUNDS):
        if reply.code != _CONTINUE:
            return reply, detail
        challenge = _decoded(reply)
        if mechanism in _OAUTH:
            detail = challenge.decode(errors="replace")
        try:
            answer = steps.send(challenge)
        except StopIteration:
            break
        if mechanism == "CRAM-MD5" and answer:
            # With challenge and digest the password can be guessed without asking the server.
            digest = answer.decode().rpartition(" ")[2]
            session.transcript.redact = Redactor((secret.reveal(), digest))
        encoded = base64.b64encode(answer or b"").decode()
        reply = channel.ask(encoded, shown=Secret.MASK)
    if reply.code == _CONTINUE:
        reply = channel.ask("*")  # RFC 4954 section 4: cancels the exchange
    return reply, detail


def _decoded(reply: Reply) -> bytes:
    try:
        return base64.b64decode("".join(reply.lines).strip(), validate=False)
    except (binascii.Error, ValueError):
        return b""
