"""Addresses of mail in all scripts: what goes into the envelope and into the headers, and when a server cannot take it."""

from __future__ import annotations

import email
import email.policy
import re
from email.errors import NonASCIILocalPartDefect
from email.headerregistry import Address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.model import Stage
from smtpdoctor.smtp.command import MailboxError, a_labels, ascii_domain, mail_from, mailbox, needs_smtputf8
from tests.checking import assert_failed, assert_passed, check
from tests.examples import examples
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from email.message import EmailMessage

FEW = settings(max_examples=examples(15), deadline=None)
ATOMS = "abcXYZ019!#$%&'*+/=?^_`{|}~-"

locals_ = st.one_of(
    st.text(ATOMS, min_size=1, max_size=8),
    st.sampled_from(["a.b", '"a b"', '"a\\"b"', '"@"', "a,b", "(a)", "a;b:c"]),
    st.sampled_from(["한글", "민수.김", "ü", '"김 민수"', "メール", "한글+tag"]),
)
domains = st.sampled_from(
    ["example.test", "도메인.한국", "BÜCHER.test", "faß.test", "[192.0.2.1]", "[IPv6:2001:db8::1]"]
)
addresses = st.builds("{}@{}".format, locals_, domains)
names = st.one_of(
    st.just(""),
    st.sampled_from(["홍길동", "Hong, Gildong", "O'Neil \\ Co", "a.b (c)", "😀 알림"]),
    st.text("abc 가나.,;:()[]@\"\\'", max_size=12).map(str.strip),
)


def header(message: EmailMessage, name: str) -> Address:
    (found,) = message[name].addresses
    assert isinstance(found, Address)
    return found


@FEW
@given(name=names, sender=addresses, recipient=addresses, offered=st.booleans(), size=st.booleans())
def test_what_goes_out_for_an_address(
    name: str, sender: str, recipient: str, offered: bool, size: bool
) -> None:
    """Domains go in ASCII; other letters before the at sign go where the server takes them, and nowhere else."""
    plain = not name or set(sender) & set('",;:()[')
    given_sender = sender if plain else '"{}" <{}>'.format(re.sub(r'(["\\])', r"\\\1", name), sender)
    capabilities = ["AUTH PLAIN", *(["SMTPUTF8", "8BITMIME"] if offered else []), *(["SIZE"] if size else [])]
    with serve(dialogue(capabilities=capabilities)) as server:
        report = check(server.port, sender=given_sender, to=recipient)
        server.join()
    commands = [line for line in server.lines if line.startswith(("MAIL", "RCPT"))]
    beyond = needs_smtputf8(sender, recipient)
    if beyond and not offered:
        stage = Stage.SENDER if needs_smtputf8(sender) else Stage.RECIPIENT
        assert_failed(report, "message-invalid", stage)
        assert all(line.isascii() for line in server.lines)
        return
    assert_passed(report)
    assert commands[0].startswith(f"MAIL FROM:<{ascii_domain(sender)}>")
    assert commands[1] == f"RCPT TO:<{ascii_domain(recipient)}>"
    assert ("SMTPUTF8" in commands[0].split()) is beyond
    (content,) = server.messages
    message: Any = email.message_from_string(content.decode(), policy=email.policy.SMTPUTF8)
    assert content.isascii() or beyond
    assert all(line.isascii() for line in server.lines) or beyond
    for field, address in (("From", sender), ("To", recipient)):
        assert all(isinstance(one, NonASCIILocalPartDefect) and beyond for one in message[field].defects)
        found = header(message, field)
        assert (found.username, found.domain) == told(address)
    if given_sender != sender:
        assert header(message, "From").display_name.split() == name.split()
    assert message["Message-ID"].isascii()


def told(address: str) -> tuple[str, str]:
    """Return the two parts of an address as they are meant."""
    local, _, domain = address.rpartition("@")
    if local.startswith('"'):
        local = local[1:-1].replace('\\"', '"')
    return local, a_labels(domain)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_taken_for_an_address_can_be_said(local: str, domain: str) -> None:
    """Its command is one line, in ASCII but for the local part."""
    try:
        address = mailbox(f"{local}@{domain}")
    except MailboxError:
        return
    line = mail_from(address, frozenset())
    assert line.rpartition("@")[2].isascii()
    assert line.isascii() is not needs_smtputf8(address)
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("domain", ["☕.test", "a／b.한국", f"{'한' * 64}.kr", "메일 서버.한국"])
def test_a_domain_that_cannot_be(domain: str) -> None:
    """An address in it is none, since no server could be told of it."""
    with pytest.raises(MailboxError):
        mailbox(f"a@{domain}")
    with serve(dialogue()) as server:
        report = check(server.port, sender=f"a@{domain}")
        assert report.findings[0].id == "config-invalid"
        assert all(line.isascii() for line in server.lines)
