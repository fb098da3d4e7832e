"""Transcripts: which reply stopped a dialogue, whatever tool wrote it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.logs import explain_text
from smtpdoctor.logs.dialogue import dialogue

SWAKS = """
=== Connected to mail.example.com.
<-  220 mail.example.com ESMTP
 -> EHLO client.example.org
<-  250-mail.example.com
<-  250-AUTH PLAIN LOGIN
<-  250 STARTTLS
 -> MAIL FROM:<a@example.com>
<-  250 2.1.0 Ok
 -> RCPT TO:<b@example.net>
<** 554 5.7.1 <b@example.net>: Relay access denied
 -> QUIT
<-  221 2.0.0 Bye
"""
NODEMAILER = """
[2024-01-02 10:00:00] DEBUG [Qw1] S: 220 mail.example.com ESMTP
[2024-01-02 10:00:00] DEBUG [Qw1] C: EHLO [127.0.0.1]
[2024-01-02 10:00:00] DEBUG [Qw1] S: 250-mail.example.com
[2024-01-02 10:00:00] DEBUG [Qw1] S: 250 AUTH CRAM-MD5 PLAIN
[2024-01-02 10:00:01] DEBUG [Qw1] C: AUTH PLAIN AHVzZXIA/* secret */
[2024-01-02 10:00:01] DEBUG [Qw1] S: 535 5.7.8 Error: authentication failed
"""
PHPMAILER = """
2024-01-02 10:00:00 Connection: opening to mail.example.com:587, timeout=300, options=array()
2024-01-02 10:00:00 Connection: opened
2024-01-02 10:00:00 SERVER -> CLIENT: 220 mail.example.com ESMTP

2024-01-02 10:00:00 CLIENT -> SERVER: EHLO www.example.com

2024-01-02 10:00:00 SERVER -> CLIENT: 250-mail.example.com
250 HELP

2024-01-02 10:00:00 CLIENT -> SERVER: MAIL FROM:<a@example.com>

2024-01-02 10:00:00 SERVER -> CLIENT: 530 5.7.1 Client was not authenticated
"""
# The arrows the other way round: a server's own log.
MDAEMON = """
Mon 2024-01-01 03:13:55: [6144:1] --> 220 mail.example.com ESMTP
Mon 2024-01-01 03:13:55: [6144:1] <-- EHLO client.example.org
Mon 2024-01-01 03:13:55: [6144:1] --> 250 mail.example.com
Mon 2024-01-01 03:13:55: [6144:1] <-- MAIL From:<a@example.com>
Mon 2024-01-01 03:13:55: [6144:1] --> 550 5.1.8 Sender domain not found
"""
SMTPLIB = r"""
send: 'ehlo [127.0.1.1]\r\n'
reply: b'250-mail.example.com\r\n'
reply: b'250 SIZE 1000\r\n'
reply: retcode (250); Msg: b'mail.example.com\nSIZE 1000'
send: 'mail FROM:<a@example.com> size=1200\r\n'
reply: b'552 5.3.4 Message size exceeds fixed limit\r\n'
"""
TELNET = """
220 mail.example.com ESMTP
EHLO me
250 mail.example.com
AUTH LOGIN
334 VXNlcm5hbWU6
eHh4
334 UGFzc3dvcmQ6
eHh4
535 Incorrect authentication data
"""


@pytest.mark.parametrize(
    ("text", "stage", "code", "enhanced"),
    [
        (SWAKS, "recipient", 554, "5.7.1"),
        (NODEMAILER, "auth", 535, "5.7.8"),
        (PHPMAILER, "sender", 530, "5.7.1"),
        (MDAEMON, "sender", 550, "5.1.8"),
        (SMTPLIB, "sender", 552, "5.3.4"),
        (TELNET, "auth", 535, None),
    ],
    ids=["swaks", "nodemailer", "phpmailer", "mdaemon", "smtplib", "telnet"],
)
def test_the_reply_that_stopped_a_dialogue(text: str, stage: str, code: int, enhanced: str | None) -> None:
    """The stage is that of the command before the reply."""
    found = dialogue(text)
    assert found is not None
    assert found.refusal is not None
    assert (found.refusal.stage, found.refusal.code, found.refusal.enhanced) == (stage, code, enhanced)


def test_a_refusal_that_was_got_over_does_not_count() -> None:
    """CRAM-MD5 refused and PLAIN accepted is a good login; an EHLO refused and a HELO accepted, a good greeting."""
    found = dialogue(
        "S: 220 hi\nC: EHLO me\nS: 502 what\nC: HELO me\nS: 250 hi\nC: AUTH CRAM-MD5\nS: 535 no\n"
        "C: AUTH PLAIN\nS: 235 yes\nC: RSET\nS: 250 ok\nC: QUIT\nS: 221 bye"
    )
    assert found is not None
    assert found.refusal is None
    assert found.stage is None


def test_a_reset_does_not_heal() -> None:
    """The `250` to RSET says nothing about the refusal before it."""
    found = dialogue("C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 550 no\nC: RSET\nS: 250 ok")
    assert found is not None
    assert found.refusal is not None
    assert found.refusal.code == 550


def test_a_dialogue_that_breaks_off_tells_its_stage() -> None:
    """The last command is what the server did not answer."""
    found = dialogue("220 hi\nEHLO me\n250-hi\n250 STARTTLS\nSTARTTLS\n220 go on\nSSL error 0x80090302")
    assert found is not None
    assert (found.stage, found.refusal) == ("tls", None)


@pytest.mark.parametrize(
    "text",
    [
        "Set the mailer up, then call EHLO.\n535 is what you will see.",
        "550 5.1.1 unknown user\n550 5.1.1 unknown user",
        "we spoke of data\nand of auth",
    ],
)
def test_prose_is_no_dialogue(text: str) -> None:
    """Two commands at least, each at the place where a command stands."""
    assert dialogue(text) is None


def test_a_transcript_with_times_is_one_failure() -> None:
    """Every line has its own time; the dialogue is one event all the same, with its stage."""
    for text, expected in ((PHPMAILER, "auth-required"), (MDAEMON, "sender-domain-invalid")):
        (one,) = explain_text(text)
        assert one.finding.id == expected
        assert one.finding.stage == "sender"


def test_two_connections_are_two_events() -> None:
    """A greeting after other commands begins another session; its success does not hide a failure."""
    second = NODEMAILER.replace("Qw1", "Qw2").replace(
        "535 5.7.8 Error: authentication failed", "235 2.7.0 yes"
    )
    assert [one.finding.id for one in explain_text(NODEMAILER + second.lstrip())] == ["auth-bad-credentials"]


@given(
    st.lists(st.sampled_from((SWAKS + NODEMAILER + PHPMAILER + SMTPLIB + TELNET).split("\n")), max_size=40)
)
def test_any_order_of_lines_is_read(lines: list[str]) -> None:
    """However a transcript is cut up, reading it ends with a value."""
    text = "\n".join(lines)
    found = dialogue(text)
    if found is not None and found.refusal is not None:
        assert str(found.refusal.code) in text
