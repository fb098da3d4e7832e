"""The sender stage: MAIL FROM with the real envelope sender; without a message to send it is taken back."""

from __future__ import annotations

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage, StageResult
from smtpdoctor.probes.session import Session, failed, passed, skipped
from smtpdoctor.smtp.command import MailboxError, mail_from, mailbox
from smtpdoctor.smtp.errors import DialogueError

__all__ = ["envelope_sender", "probe"]


def envelope_sender(session: Session) -> str | None:
    """Return the sender's address, or the user name where that is one."""
    settings = session.loaded.settings
    for setting in (settings.sender, settings.username):
        if setting is None:
            continue
        try:
            return mailbox(setting.value)
        except MailboxError:
            continue
    return None


def probe(session: Session) -> StageResult:
    """Say MAIL FROM; with a test message to come it announces the size (RFC 1870)."""
    address = envelope_sender(session)
    if address is None:
        return skipped(Stage.SENDER, "sender.none")
    capabilities = frozenset(session.capabilities)
    if not address.partition("@")[0].isascii() and "SMTPUTF8" not in capabilities:
        evidence = Evidence(
            stage=Stage.SENDER, labels=frozenset({Label.SMTPUTF8_NEEDED}), facts={"value": address}
        )
        return failed(Stage.SENDER, "sender.smtputf8", evidence, sender=address)
    size = None
    if session.options.until is Stage.SEND and session.loaded.settings.recipient is not None:
        from smtpdoctor.probes.send import test_message

        session.message, session.token = test_message(session, address)
        size = len(session.message)
    try:
        reply = session.open_channel().ask(mail_from(address, capabilities, size))
    except DialogueError as error:
        evidence = session.broken(Stage.SENDER, error)
        return failed(Stage.SENDER, "sender.broken", evidence, error=error.token)
    if reply.positive:
        session.in_transaction = True
        return passed(Stage.SENDER, "sender.pass", {"sender": address}, sender=address)
    facts = {"limit": session.capabilities.get("SIZE", ""), "size": str(size)} if size else {}
    evidence = session.refused(Stage.SENDER, reply, *session.login_labels(), **facts)
    return failed(
        Stage.SENDER, "sender.refused", evidence, sender=address, code=reply.code, reply=evidence.text
    )
