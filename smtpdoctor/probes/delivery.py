"""The delivery stage: whether the test message arrived.

Nobody but the recipient can see that, so the run says what to look for; only the mailbox of the
sandbox it can open itself.
"""

from __future__ import annotations

from smtpdoctor.facts import DeliveryFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Message
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped

__all__ = ["step"]


def step(session: Session) -> Passed | Skipped:
    """Look for the test message where that is possible, else say where to look."""
    arrived = session.options.arrived
    if arrived is None or not session.token:
        values = {"token": session.token, "recipient": str(session.target.recipient or "")}
        return Skipped(Message("delivery.look", values))
    subject = arrived(session.token)
    if subject is None:
        raise Failed(Message("sandbox.not-arrived"), session.evidence(Label.NOT_ARRIVED))
    return Passed(Message("sandbox.arrived", {"subject": subject}), DeliveryFacts(session.token, subject))
