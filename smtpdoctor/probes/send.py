"""The send stage: DATA and one test message (RFC 5321 section 4.1.1.4)."""

from __future__ import annotations

import re
import secrets
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import Final

from smtpdoctor.model import Message, Stage, StageResult
from smtpdoctor.probes.session import Session, failed, known, passed, skipped
from smtpdoctor.smtp.command import dot_stuffed, mailbox
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.text import say

__all__ = ["probe", "test_message"]

_GO_ON: Final = 354
# Postfix, Sendmail, Exim, SES/Resend, Gmail, Exchange: how they name the queued message.
_QUEUE_ID: Final = re.compile(
    r"queued as <?([\w.@=+-]+)>?|\bid=<?([\w.@=+-]+)>?|^(?:\d\.\d\.\d )?(?:ok|accepted)[:,]? +(?:id[ =])?<?((?=\S*\d)[\w.@=+/-]{6,})>?"
    r"|^(?:\d\.\d\.\d )?<?([\w.@=+-]{8,})>? (?:message )?(?:accepted|queued)",
    re.IGNORECASE,
)


def test_message(session: Session, sender: str) -> tuple[bytes, str]:
    """Return a message in text and HTML, ready for DATA, and the token to look for in the mailbox."""
    lang = session.options.lang
    settings = session.loaded.settings
    token = f"smtpdoctor-{secrets.token_hex(4)}"
    values = {"token": token, "host": session.host, "sender": sender}
    name = parseaddr(settings.sender.value)[0] if settings.sender else ""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(name, sender)
    message["To"] = _address("", mailbox(known(settings.recipient)))
    message["Subject"] = say(lang, Message("mail.subject", values))
    message["Date"] = formatdate(localtime=True)
    domain = sender.rpartition("@")[2]
    message["Message-ID"] = make_msgid(token, domain=domain if domain.isascii() else "localhost")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers
    message.set_content(say(lang, Message("mail.text", values)), cte="quoted-printable")
    message.add_alternative(say(lang, Message("mail.html", values)), subtype="html", cte="quoted-printable")
    return dot_stuffed(message.as_bytes()), token


def _address(name: str, address: str) -> Address | str:
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError):
        return address  # an address literal, which the email package does not know


def probe(session: Session) -> StageResult:
    """Send the test message and report the id under which the server queued it."""
    channel, message = session.open_channel(), session.message
    if message is None:
        return skipped(Stage.SEND, "recipient.no-sender")
    facts = {"token": session.token, "size": len(message)}
    taken = False
    try:
        reply = channel.ask("DATA")
        if reply.code == _GO_ON:
            session.in_transaction = False
            channel.send(message, f"({len(message)} bytes)")
            reply = channel.read_reply()
            taken = reply.positive
    except DialogueError as error:
        evidence = session.broken(Stage.SEND, error)
        return failed(Stage.SEND, "send.broken", evidence, facts=facts, error=error.token)
    if not taken:  # also a 250 to DATA itself: nothing was sent, so nothing was accepted
        evidence = session.refused(Stage.SEND, reply, size=str(len(message)))
        return failed(Stage.SEND, "send.refused", evidence, facts=facts, code=reply.code, reply=evidence.text)
    text = session.redact(reply.text)
    found = _QUEUE_ID.search(text)
    queue_id = next((group for group in found.groups() if group), "") if found else ""
    facts["reply"] = text
    if queue_id:
        facts["queue_id"] = queue_id
        return passed(Stage.SEND, "send.pass-queued", facts, queue_id=queue_id)
    return passed(Stage.SEND, "send.pass", facts, reply=text)
