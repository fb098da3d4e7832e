"""The config stage: the settings themselves, without any network."""

from __future__ import annotations

from smtpdoctor.model import Message, Stage, StageResult, Status
from smtpdoctor.probes.session import Session
from smtpdoctor.settings.lint import lint

__all__ = ["probe", "result_of"]

_NEEDS_SENDER = frozenset({Stage.SENDER, Stage.RECIPIENT, Stage.SEND})


def probe(session: Session) -> StageResult:
    """Lint the settings that this run needs."""
    return result_of(session, needs_sender=session.options.until in _NEEDS_SENDER)


def result_of(session: Session, *, needs_sender: bool) -> StageResult:
    """Lint; whether the stage failed or only warns is decided by the diagnosis."""
    evidence = lint(session.loaded, needs_sender=needs_sender)
    settings = session.loaded.settings
    values = {
        "host": session.redact(settings.host.value) if settings.host else "?",
        "port": settings.port.value if settings.port else "?",
        "security": settings.security.value.value if settings.security else "?",
    }
    if evidence:
        summary = Message("config.problems", {"count": len(evidence), **values})
        return StageResult(stage=Stage.CONFIG, status=Status.WARN, summary=summary, evidence=evidence)
    summary = Message("config.pass", values)
    return StageResult(stage=Stage.CONFIG, status=Status.PASS, summary=summary)
