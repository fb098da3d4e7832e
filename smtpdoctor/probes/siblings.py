"""After a failure that another port would not have had: which of the server's other ports answer.

Without credentials, all at once, and bounded in time. A port answers when it greets, or takes a TLS
handshake where it has TLS from the first byte.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Security, Stage
from smtpdoctor.net.tls import looking_context
from smtpdoctor.probes.session import Session
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["with_siblings"]

_USUAL: Final = ((465, Security.TLS), (587, Security.STARTTLS))
_SECONDS: Final = 2.0
_SECONDS_AFTER_TIMEOUT: Final = 0.8  # the stage has used up its own time already
_SILENT: Final = frozenset({"timeout", "ECONNREFUSED", "EHOSTUNREACH", "ETIMEDOUT"})
_WRONG_MODE: Final = frozenset(
    {Label.PLAIN_ANSWER, Label.SILENT_TLS_PORT, Label.TLS_BYTES, Label.MALFORMED, Label.BINARY}
)
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "timeout", "eof"})


class _Sibling(Struct):
    """Another port of the same server, and what came of dialling it; ``name`` is its number for people."""

    name: int
    address: str
    port: int
    security: Security
    state: str = "silent"  # or answers, closed


def _concerns(session: Session, evidence: Evidence) -> bool:
    """Whether another port could have answered where this one did not."""
    if session.stage is Stage.CONNECT:
        return evidence.error in _SILENT
    if session.awaiting:
        return False
    if session.stage is Stage.GREETING:
        return evidence.error == "timeout" or not evidence.labels.isdisjoint(_WRONG_MODE)
    implicit = session.target.security is Security.TLS
    wrong = evidence.error in _NO_TLS or not evidence.labels.isdisjoint(_WRONG_MODE)
    return session.stage is Stage.TLS and implicit and wrong


def with_siblings(session: Session, evidence: Evidence) -> Evidence:
    """Return the evidence with what the other ports of the server said, where that matters.

    Facts: ``siblings`` (``465/tls/answers 2525/starttls/closed``), and ``answering``, ``mode`` of the
    first that answers.
    """
    if not _concerns(session, evidence) or not session.addresses:
        return evidence
    seconds = _SECONDS_AFTER_TIMEOUT if evidence.error == "timeout" else _SECONDS
    siblings = list(_siblings(session))
    if not siblings:
        return evidence
    deadline = min(time.monotonic() + seconds, session.run_deadline + _SECONDS_AFTER_TIMEOUT)
    threads = [
        threading.Thread(target=_dial, args=(one, session.target.host.in_tls, deadline), daemon=True)
        for one in siblings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0) + 0.05)
    told = " ".join(f"{one.name}/{one.security.value}/{one.state}" for one in siblings)
    session.transcript.record("note", f"other ports: {told}")
    facts = {**evidence.facts, "siblings": told}
    answering = next((one for one in siblings if one.state == "answers"), None)
    if answering is None:
        return replace(evidence, facts=facts)
    facts |= {"answering": str(answering.name), "mode": answering.security.value}
    return replace(evidence, facts=facts, labels=evidence.labels | {Label.SIBLING_ANSWERS})


def _siblings(session: Session) -> Iterable[_Sibling]:
    target = session.target
    preset = load.preset_with_id(target.provider) if target.known_host else None
    ports = [(one.port, one.security) for one in preset.endpoints_at(target.host.name)] if preset else _USUAL
    for port, security in dict(ports).items():
        if port == target.port:
            continue
        if (instead := session.redirected(port)) is not None:
            yield _Sibling(port, *instead, security)
        elif session.redirected(target.port) is None:
            yield _Sibling(port, (session.address or session.addresses[0]).ip, port, security)


def _dial(sibling: _Sibling, host: str, deadline: float) -> None:
    try:
        channel = Channel.connect(sibling.address, sibling.port, Transcript(), deadline)
    except DialogueError as error:
        sibling.state = "closed" if error.token == "ECONNREFUSED" else "silent"  # noqa: S105 -- an error token
        return
    try:
        if sibling.security is Security.TLS:
            channel.start_tls(looking_context(), host)
        if channel.read_reply().positive:
            sibling.state = "answers"
    except DialogueError:
        pass
    finally:
        channel.close()
