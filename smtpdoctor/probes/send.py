"""The send stage: DATA and one test message (RFC 5321 section 4.1.1.4)."""

from __future__ import annotations

import re
import secrets
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, make_msgid
from typing import Final

from smtpdoctor.facts import SendFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Message
from smtpdoctor.probes.broken import answered, broken, garbled, stray, unfit
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.settings.target import Mailbox
from smtpdoctor.smtp.command import a_labels, dot_stuffed, needs_smtputf8
from smtpdoctor.smtp.errors import DialogueError, Unsolicited
from smtpdoctor.smtp.reply import fits
from smtpdoctor.text import say

__all__ = ["step", "test_message"]

_GO_ON: Final = 354
_BYE: Final = 221
_RESET: Final = "ECONNRESET"
_BYE_SECONDS: Final = (
    2.0  # how long the answer to QUIT may take; a server that gives none has the message all the same
)
_SECOND_SECONDS: Final = 0.3  # how long another one may take behind an answer that is not QUIT's usual one
# Postfix, Sendmail, Exim, SES/Resend, Gmail, Exchange: how they name the queued message.
_QUEUE_ID: Final = re.compile(
    r"queued as <?([\w.@=+-]+)>?|\bid=<?([\w.@=+-]+)>?|^(?:\d\.\d\.\d )?(?:ok|accepted)[:,]? +(?:id[ =])?<?((?=\S*\d)[\w.@=+/-]{6,})>?"
    r"|^(?:\d\.\d\.\d )?<?([\w.@=+-]{8,})>? (?:message )?(?:accepted|queued)",
    re.IGNORECASE,
)


def test_message(session: Session, sender: Mailbox, recipient: Mailbox) -> tuple[bytes, str]:
    """Return a message in text and HTML, ready for DATA, and the token to look for in the mailbox."""
    lang = session.options.lang
    token = f"smtpdoctor-{secrets.token_hex(4)}"
    values = {"token": token, "host": session.target.host.name, "sender": sender.address}
    # Only with SMTPUTF8 may a header hold other letters than ASCII (RFC 6532).
    beyond = needs_smtputf8(sender.address, recipient.address)
    message = EmailMessage(policy=SMTPUTF8 if beyond else SMTP)
    message["From"] = _address(sender)
    message["To"] = _address(recipient)
    message["Subject"] = say(lang, Message("mail.subject", values))
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(token, domain=a_labels(sender.domain))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers
    message.set_content(say(lang, Message("mail.text", values)), cte="quoted-printable")
    message.add_alternative(say(lang, Message("mail.html", values)), subtype="html", cte="quoted-printable")
    return dot_stuffed(message.as_bytes()), token


def _address(mailbox: Mailbox) -> Address:
    """Return an address as a header has it (RFC 5322 section 3.4.1): quoted where that is needed, in A-labels."""
    local = mailbox.address.rpartition("@")[0]
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return Address(mailbox.name, local, a_labels(mailbox.domain))


def step(session: Session) -> Passed | Skipped:
    """Send the test message and report the id under which the server queued it."""
    message = session.message
    if message is None:
        return Skipped(Message("recipient.no-sender"))
    size = len(message)
    session.facts = SendFacts(session.token, size)
    reply = answered(session, "DATA")
    taken = False
    if reply.code == _GO_ON:
        session.in_transaction = False
        session.awaiting = "."
        session.over = True  # what is said before the reply would be a part of the message
        reply = session.open_channel().ask_with_message(message, shown=f"({size} bytes)")
        session.over = False
        if garbage := garbled(session, reply):
            raise garbage
        if not fits(session.awaiting, reply.code):
            raise unfit(session, reply)
        taken = reply.positive
    if not taken:  # also a 250 to DATA itself: nothing was sent, so nothing was accepted
        evidence = session.refused(reply, size=str(size))
        values = {"code": reply.code, "reply": evidence.text}
        raise Failed(Message("send.refused", values), evidence, facts=session.facts)
    _take_leave(session)
    text = reply.text
    found = _QUEUE_ID.search(text)
    queue_id = next((group for group in found.groups() if group), "") if found else ""
    facts = SendFacts(session.token, size, text, queue_id)
    if queue_id:
        return Passed(Message("send.pass-queued", {"queue_id": queue_id}), facts)
    return Passed(Message("send.pass", {"reply": text}), facts)


def _take_leave(session: Session) -> None:
    """Say QUIT and read the answer; raises Failed or Unsolicited where there is a reply too many or a reset.

    The round trip is worth it, since a message is at stake: if any reply came before its command, so that
    it was taken for the answer, what comes now is the server's real word on the message.
    """
    channel = session.open_channel()
    channel.deadline = min(session.deadline, time.monotonic() + _BYE_SECONDS)
    session.over = True
    try:
        reply = session.ask("QUIT")
        if reply.code == _BYE:
            surplus = channel.unasked()
        elif reply.positive:
            surplus = reply if channel.more_within(_SECOND_SECONDS) is not None else None
        else:
            surplus = reply  # nothing can refuse QUIT (RFC 5321 section 4.1.1.10)
    except Unsolicited:
        raise
    except DialogueError as error:
        # Many servers hang up without a word. What begins as no 2yz is none that QUIT can have.
        if error.received.lstrip()[:1] not in {b"", b"2"}:
            raise Unsolicited((), error.received) from error
        # A reset without an end before it tells that the server closed with something unread (RFC 1122 section
        # 4.2.2.13): that can be the whole message, where its yes came early and by chance after the dot.
        if error.token == _RESET:
            raise broken(session, error, Label.RESET_AFTER_YES, token=session.token) from error
        return
    if surplus is not None:
        raise stray(session, surplus)
