"""The sender stage: MAIL FROM with the real envelope sender; without a message to send it is taken back."""

from __future__ import annotations

from typing import Final

from smtpdoctor.facts import SenderFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Message, Stage
from smtpdoctor.probes.broken import answered
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.smtp.command import mail_from, needs_smtputf8

__all__ = ["step"]

_WITH_RECIPIENT: Final = frozenset({Stage.RECIPIENT, Stage.SEND})


def step(session: Session) -> Passed | Skipped:
    """Say MAIL FROM; with a test message to come it announces the size (RFC 1870)."""
    sender = session.target.sender
    if sender is None:
        return Skipped(Message("sender.none"))
    address = sender.address
    capabilities = frozenset(session.capabilities)
    if needs_smtputf8(address) and "SMTPUTF8" not in capabilities:
        evidence = session.evidence(Label.SMTPUTF8_NEEDED, value=address)
        raise Failed(Message("sender.smtputf8", {"sender": address}), evidence)
    size = None
    recipient = session.target.recipient if session.options.until in _WITH_RECIPIENT else None
    if session.options.until is Stage.SEND and recipient is not None:
        from smtpdoctor.probes.send import test_message

        session.message, session.token = test_message(session, sender, recipient)
        size = len(session.message)
    # RFC 6531 section 3.4: the parameter stands with the sender, whichever address needs it.
    smtputf8 = recipient is not None and needs_smtputf8(recipient.address)
    reply = answered(session, mail_from(address, capabilities, size, smtputf8=smtputf8))
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
