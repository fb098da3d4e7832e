"""The greeting stage: the server's 220, and EHLO with the capabilities (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

import socket
import threading
from typing import Any

from msgspec.structs import replace

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage, StageResult
from smtpdoctor.probes.look import Look, look_at
from smtpdoctor.probes.session import Session, failed, passed
from smtpdoctor.smtp.command import ehlo_name
from smtpdoctor.smtp.errors import DialogueError, TimedOut
from smtpdoctor.smtp.reply import Reply

__all__ = ["hello", "hello_failed", "probe"]

# After this long without a greeting a second connection looks at what else the port may be.
_PATIENCE = 1.5
_READY = 220
_SHUTTING_DOWN = 421
_UNKNOWN_COMMAND = frozenset({500, 502})


def probe(session: Session) -> StageResult:
    """Read the greeting and say EHLO."""
    channel = session.open_channel()
    side = _SideLook(session)
    try:
        greeting = channel.read_reply()
    except TimedOut as error:
        return _silent(session, error, side.result())
    except DialogueError as error:
        side.cancel()
        key = "greeting.not-smtp" if error.token == "not-smtp" else "greeting.broken"  # noqa: S105
        evidence = session.broken(Stage.GREETING, error)
        return failed(Stage.GREETING, key, evidence, error=error.token, first=evidence.facts.get("first", ""))
    side.cancel()
    facts: dict[str, Any] = {"banner": session.redact(greeting.text)}
    if greeting.quirks:
        facts["quirks"] = sorted(greeting.quirks)
    if greeting.code != _READY:
        evidence = session.refused(Stage.GREETING, greeting)
        return failed(
            Stage.GREETING, "greeting.refused", evidence, facts=facts, reply=evidence.text, code=greeting.code
        )
    if refusal := hello(session, Stage.GREETING):
        evidence, reply = refusal
        banner = greeting.text.lower()
        if "ftp" in banner and "smtp" not in banner:
            # FTP greets with 220 as SMTP does (RFC 959); only EHLO shows the difference.
            facts_told = {**evidence.facts, "first": facts["banner"]}
            evidence = replace(evidence, labels=frozenset({Label.FTP}), facts=facts_told)
        return hello_failed(session, Stage.GREETING, evidence, reply, facts)
    facts["ehlo"] = session.ehlo
    facts["capabilities"] = [f"{name} {value}".strip() for name, value in session.capabilities.items()]
    return passed(Stage.GREETING, "greeting.pass", facts, banner=facts["banner"])


def hello(session: Session, stage: Stage) -> tuple[Evidence, Reply | None] | None:
    """Say EHLO, or HELO to a server that does not know EHLO, and note the capabilities.

    Returns None, or what went wrong and the reply if there was one.
    """
    channel = session.open_channel()
    setting = session.loaded.settings.ehlo
    session.ehlo = setting.value if setting else ehlo_name(socket.gethostname(), channel.local_address)
    try:
        reply = channel.ask(f"EHLO {session.ehlo}")
        if reply.code in _UNKNOWN_COMMAND:
            reply = channel.ask(f"HELO {session.ehlo}")
    except DialogueError as error:
        return session.broken(stage, error, Label.HELO), None
    if not reply.positive:
        # 421 may answer any command (RFC 5321 section 3.8), so it says nothing about the name.
        labels = () if reply.code == _SHUTTING_DOWN else (Label.HELO,)
        return session.refused(stage, reply, *labels, value=session.ehlo), reply
    session.capabilities = _capabilities(reply, session)
    return None


def hello_failed(
    session: Session, stage: Stage, evidence: Evidence, reply: Reply | None, facts: dict[str, Any]
) -> StageResult:
    """Return the result of a stage in which EHLO was refused, or broke off."""
    if reply is None:
        return failed(stage, "greeting.helo-broken", evidence, facts=facts, error=evidence.error)
    values = {"ehlo": session.ehlo, "code": reply.code, "reply": evidence.text}
    return failed(stage, "greeting.helo-refused", evidence, facts=facts, **values)


def _capabilities(reply: Reply, session: Session) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in reply.lines[1:]:
        # `AUTH=LOGIN` is a relic for old clients; it means the same as `AUTH LOGIN`.
        keyword, _, value = session.redact(line).strip().replace("AUTH=", "AUTH ", 1).partition(" ")
        name = keyword.upper()
        if name:
            found[name] = f"{found[name]} {value}".strip() if name in found else value.strip()
    return found


def _silent(session: Session, error: TimedOut, seen: Look | None) -> StageResult:
    labels: list[str] = []
    facts: dict[str, str] = {}
    if seen is not None and seen.label:
        labels.append(seen.label)
        facts["first"] = session.redact(seen.first)
    evidence = session.broken(Stage.GREETING, error, *labels, **facts)
    if seen is not None and seen.label not in {"", "silent-tls-port"}:
        return failed(
            Stage.GREETING, "greeting.not-smtp", evidence, error="not-smtp", first=facts.get("first", "")
        )
    key = "greeting.dripping" if error.received else "greeting.silent"
    return failed(Stage.GREETING, key, evidence, seconds=f"{session.options.timeout:g}")


class _SideLook:
    """Looks at the port through a connection of its own while the greeting is still awaited."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cancelled = threading.Event()
        self._result: Look | None = None
        patience = min(_PATIENCE, session.options.timeout / 3)
        self._thread = threading.Thread(target=self._run, args=(patience,), daemon=True, name="look")
        self._thread.start()

    def _run(self, patience: float) -> None:
        if not self._cancelled.wait(patience):
            self._result = look_at(self._session)

    def cancel(self) -> None:
        """Do not look: the greeting came."""
        self._cancelled.set()

    def result(self) -> Look | None:
        """Return what was seen, if anything, without waiting long for it."""
        self._cancelled.set()
        self._thread.join(0.3)
        return self._result
