"""The recipient stage: RCPT TO."""

from __future__ import annotations

from smtpdoctor.facts import RecipientFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Message
from smtpdoctor.probes.broken import answered
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.smtp.command import needs_smtputf8, rcpt_to

__all__ = ["step"]


def step(session: Session) -> Passed | Skipped:
    """Name the recipient of the test message."""
    recipient = session.target.recipient
    if not session.in_transaction or recipient is None:
        return Skipped(Message("recipient.no-sender"))
    address = recipient.address
    if needs_smtputf8(address) and "SMTPUTF8" not in session.capabilities:
        evidence = session.evidence(Label.SMTPUTF8_NEEDED, value=address)
        raise Failed(Message("recipient.smtputf8", {"recipient": address}), evidence)
    reply = answered(session, rcpt_to(address))
    if reply.positive:
        return Passed(Message("recipient.pass", {"recipient": address}), RecipientFacts(address))
    evidence = session.refused(reply, *session.login_labels())
    values = {"recipient": address, "code": reply.code, "reply": evidence.text}
    raise Failed(Message("recipient.refused", values), evidence)
