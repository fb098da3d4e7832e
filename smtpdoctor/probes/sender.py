"""The sender stage: MAIL FROM with the real envelope sender; without a message to send it is taken back."""

from __future__ import annotations

from smtpdoctor.facts import SenderFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Message, Stage
from smtpdoctor.probes.broken import answered
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.smtp.command import mail_from

__all__ = ["step"]


def step(session: Session) -> Passed | Skipped:
    """Say MAIL FROM; with a test message to come it announces the size (RFC 1870)."""
    sender = session.target.sender
    if sender is None:
        return Skipped(Message("sender.none"))
    address = sender.address
    capabilities = frozenset(session.capabilities)
    if not address.rpartition("@")[0].isascii() and "SMTPUTF8" not in capabilities:
        evidence = session.evidence(Label.SMTPUTF8_NEEDED, value=address)
        raise Failed(Message("sender.smtputf8", {"sender": address}), evidence)
    size = None
    if session.options.until is Stage.SEND and session.target.recipient is not None:
        from smtpdoctor.probes.send import test_message

        session.message, session.token = test_message(session, sender, session.target.recipient)
        size = len(session.message)
    reply = answered(session, mail_from(address, capabilities, size))
    if reply.positive:
        session.in_transaction = True
        return Passed(Message("sender.pass", {"sender": address}), SenderFacts(address))
    facts = {"limit": session.capabilities.get("SIZE", ""), "size": str(size)} if size else {}
    login = session.target.login
    own = login is not None and login.username.casefold() == address.casefold()
    labels = (*session.login_labels(), *((Label.SENDER_IS_LOGIN,) if own else ()))
    evidence = session.refused(reply, *labels, **facts)
    values = {"sender": address, "code": reply.code, "reply": evidence.text}
    raise Failed(Message("sender.refused", values), evidence)
