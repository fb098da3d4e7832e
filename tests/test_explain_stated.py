"""What stands around an error: what a person states of the set-up, and whom a server refuses."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.logs import explain_text
from smtpdoctor.model import Confidence
from tests.each import each
from tests.examples import examples

# What says of itself what went wrong, in words that a person uses of a set-up as well.
WORDS = (
    "a self signed certificate",
    "a certificate has expired notice in the admin panel",
    "no route to host entries in the table",
    "an ip blocked by the firewall",
)
# How a person begins, and errors that name no cause.
BEGINNINGS = (
    "We have {} on the mail server.",
    "My own server, port 587, with {}:",
    "Ich habe {} auf dem Server.",
)
BARE = (
    "SMTP Error: Could not connect to SMTP host.",
    "Message could not be sent. Mailer Error: SMTP connect() failed.",
    "Error: Failed to send email",
)


@each("statement", [beginning.format(words) for beginning in BEGINNINGS for words in WORDS])
def test_what_a_person_states_makes_nothing_certain(statement: str) -> None:
    """Beside an error without a cause, and alone, a statement is no more than a hint."""
    texts = [
        statement,
        *(text for bare in BARE for text in (f"{statement}\n\n{bare}", f"{bare}\n\n{statement}")),
    ]
    for text in texts:
        found = explain_text(text)
        assert all(one.finding.confidence is Confidence.POSSIBLE for one in found), (text, found)


@each("statement", BEGINNINGS)
def test_what_the_error_says_counts_whatever_is_stated_before_it(statement: str) -> None:
    """The cause that an error names is told as it would be alone."""
    for error in (
        "Error: connect ECONNREFUSED 203.0.113.5:587",
        "smtplib.SMTPAuthenticationError: (535, b'5.7.8 Error: authentication failed')",
    ):
        alone = explain_text(error)[0].finding
        found = explain_text(f"{statement.format('a self signed certificate')}\n\n{error}")
        assert [one.finding.id for one in found] == [alone.id]


def _refused(address: str, helo: str, reply: str) -> str:
    return (
        f"postfix/smtpd[281]: NOQUEUE: reject: RCPT from unknown[{address}]: {reply} <a@example.net>: Relay access denied;"
        f" from=<app@example.com> to=<a@example.net> proto=ESMTP helo=<{helo}>"
    )


NEAR = st.one_of(
    st.integers(0, 2**24 - 1).map(lambda number: IPv4Address(0x0A000000 + number)),
    st.integers(0, 2**20 - 1).map(lambda number: IPv4Address(0xAC100000 + number)),
    st.integers(0, 2**16 - 1).map(lambda number: IPv4Address(0xC0A80000 + number)),
)
FAR = st.integers(0, 2**8 - 1).map(lambda number: IPv4Address(0xCB007100 + number))
REPLIES = st.sampled_from(["554 5.7.1", "454 4.7.1"])


@settings(max_examples=examples(10))
@given(NEAR, st.sampled_from(["app", "[127.0.0.1]", "printer.lan", "localhost"]), REPLIES)
def test_a_client_of_the_own_network_is_somebodys_application(
    address: IPv4Address, helo: str, reply: str
) -> None:
    """Who is refused there cannot send."""
    found = explain_text(_refused(str(address), helo, reply))
    assert [one.finding.id for one in found] == ["relay-denied"]


@settings(max_examples=examples(10))
@given(FAR, st.sampled_from(["User", "ylmf-pc", "WIN-ABC", "mail.example.org"]), REPLIES)
def test_a_stranger_who_tries_to_relay_is_no_failure(address: IPv4Address, helo: str, reply: str) -> None:
    """A server that refuses strangers works."""
    assert explain_text(_refused(str(address), helo, reply)) == []


@settings(max_examples=examples(10))
@given(FAR, NEAR, REPLIES)
def test_a_device_behind_a_router_is_told_as_possible(
    address: IPv4Address, behind: IPv4Address, reply: str
) -> None:
    """It gives its own address (RFC 5321 section 4.1.3), which some attackers do as well."""
    found = explain_text(_refused(str(address), f"[{behind}]", reply))
    assert [(one.finding.id, one.finding.confidence == Confidence.CERTAIN) for one in found] == [
        ("relay-denied", False)
    ]


# How mail servers and providers begin what they send back, and the reasons in it.
REPORTS = (
    "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.",
    "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients.",
    "I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.",
    "Delivery has failed to these recipients or groups:",
    "mx.example.net rejected your message to the following email addresses:",
    "Delivery to the following recipient failed permanently:",
    "Ihre Nachricht konnte nicht zugestellt werden.",
    "Ваше письмо не может быть доставлено одному или нескольким получателям:",
    "메일을 전송하지 못했습니다.",
    "メールは以下の宛先に配信できませんでした。",
)
REASONS = {
    "<kim@example.com>: 552 5.2.2 Mailbox full": "mailbox-full",
    "<kim@example.com>... User unknown": "recipient-rejected",
    "kim@example.com: unknown user": "recipient-rejected",
    "550 5.1.1 The email account that you tried to reach does not exist": "recipient-rejected",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org": "ip-blocklisted",
}


@each("report", REPORTS)
def test_a_report_to_the_sender_is_a_failure_whatever_it_says(report: str) -> None:
    """Its reason is told, and where it gives none, that there is none."""
    for reason, cause in REASONS.items():
        assert [one.finding.id for one in explain_text(f"{report}\n\n{reason}")] == [cause], reason
    (found,) = explain_text(f"{report}\n\n<kim@example.com>: the moon is in the wrong house")
    assert found.finding.id in {"unclear", "not-delivered", "recipient-rejected"}
