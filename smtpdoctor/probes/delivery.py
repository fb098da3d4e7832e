"""The delivery stage: whether the test message arrived.

Nobody but the recipient can see that, so the run says what to look for; only the mailbox of the
sandbox it can open itself.
"""

from __future__ import annotations

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage, StageResult
from smtpdoctor.probes.session import Session, failed, known, passed, skipped

__all__ = ["probe"]


def probe(session: Session) -> StageResult:
    """Look for the test message where that is possible, else say where to look."""
    recipient = known(session.loaded.settings.recipient)
    arrived = session.options.arrived
    if arrived is None or not session.token:
        return skipped(Stage.DELIVERY, "delivery.look", token=session.token, recipient=recipient)
    subject = arrived(session.token)
    if subject is None:
        evidence = Evidence(stage=Stage.DELIVERY, labels=frozenset({Label.NOT_ARRIVED}))
        return failed(Stage.DELIVERY, "sandbox.not-arrived", evidence)
    subject = session.redact(subject)
    facts = {"token": session.token, "subject": subject}
    return passed(Stage.DELIVERY, "sandbox.arrived", facts, subject=subject)
