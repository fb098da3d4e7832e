"""The recipient stage: RCPT TO."""

from __future__ import annotations

from smtpdoctor.model import Stage, StageResult
from smtpdoctor.probes.session import Session, failed, known, passed, skipped
from smtpdoctor.smtp.command import mailbox, rcpt_to
from smtpdoctor.smtp.errors import DialogueError

__all__ = ["probe"]


def probe(session: Session) -> StageResult:
    """Name the recipient of the test message."""
    if not session.in_transaction:
        return skipped(Stage.RECIPIENT, "recipient.no-sender")
    address = mailbox(known(session.loaded.settings.recipient))
    try:
        reply = session.open_channel().ask(rcpt_to(address))
    except DialogueError as error:
        evidence = session.broken(Stage.RECIPIENT, error)
        return failed(Stage.RECIPIENT, "recipient.broken", evidence, error=error.token)
    if reply.positive:
        return passed(Stage.RECIPIENT, "recipient.pass", {"recipient": address}, recipient=address)
    evidence = session.refused(Stage.RECIPIENT, reply, *session.login_labels())
    return failed(
        Stage.RECIPIENT,
        "recipient.refused",
        evidence,
        recipient=address,
        code=reply.code,
        reply=evidence.text,
    )
