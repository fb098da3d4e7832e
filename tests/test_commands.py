"""Commands as bytes: nothing in them can start another command."""

from __future__ import annotations

import smtplib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.smtp.command import (
    EhloName,
    EhloStyle,
    MailboxError,
    dot_stuffed,
    ehlo_for,
    ehlo_name,
    full_name,
    mail_from,
    mailbox,
    rcpt_to,
    rendered,
)
from tests.each import each


@each(
    ("text", "address"),
    [
        ("app@example.test", "app@example.test"),
        ("  app@example.test ", "app@example.test"),
        ("App <app@example.test>", "app@example.test"),
        ("<app@example.test>", "app@example.test"),
        ('"Doe, Jane" < jane@example.test >', "jane@example.test"),
        ("홍길동 <hong@example.test>", "hong@example.test"),
        ("user@localhost", "user@localhost"),
        ("user@[127.0.0.1]", "user@[127.0.0.1]"),
        ("user@[IPv6:::1]", "user@[IPv6:::1]"),
        ('"a b@c"@example.test', '"a b@c"@example.test'),
        ("a+b=c!#$%&'*/?^_`{|}~-@example.test", "a+b=c!#$%&'*/?^_`{|}~-@example.test"),
        ("메일@예제.한국", "메일@예제.한국"),
        (f"{'l' * 64}@{'d' * 251}.kr", f"{'l' * 64}@{'d' * 251}.kr"),
    ],
)
def test_an_address_is_taken_out(text: str, address: str) -> None:
    """With or without a name, within the limits of RFC 5321, the bare address comes out."""
    assert mailbox(text) == address


@each(
    "text",
    [
        *(
            "",
            "app",
            "app@",
            "@example.test",
            "a b@example.test",
            "a@b@c",
            "a@b c",
            "<>",
            "App <app>",
            "<a@b",
        ),
        *(
            "a@b>",
            "a@example..test",
            "a@example.test.",
            "a@.test",
            "a@b\r\nRCPT TO:<c@d>",
            "a\x00@b",
            "a@b\x7f",
        ),
        *('"a@b', "a@[1.2.3.4", "a@b, c@d", "A <a@b>, B <c@d>", "a\udc80@example.test"),
        *(f"{'l' * 65}@example.test", f"a@{'d' * 256}", f"{'메' * 22}@example.test"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Anything else raises MailboxError, and no other error."""
    with pytest.raises(MailboxError):
        mailbox(text)


@given(st.text(st.characters(), max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """An address that was taken renders as one command line."""
    try:
        address = mailbox(text)
    except MailboxError:
        return
    line = rendered(rcpt_to(address))
    assert line.endswith(b">\r\n")
    assert line.count(b"\r") == line.count(b"\n") == 1


@given(st.text(st.characters(max_codepoint=0x20), min_size=1, max_size=3), st.text(max_size=5))
def test_control_characters_never_reach_the_wire(control: str, text: str) -> None:
    """A line break in a value would be a second command, so rendering refuses it."""
    if control.strip(" ") or any(ord(one) < 0x20 for one in control + text):
        with pytest.raises(ValueError, match="control character"):
            rendered(f"EHLO {control}{text}")


@pytest.mark.parametrize("line", ["NOOP \x7f", "NOOP \udcb8"])
def test_what_has_no_bytes_is_refused(line: str) -> None:
    """DEL, and a lone surrogate from an environment that is not UTF-8, are a ValueError, too."""
    with pytest.raises(ValueError, match="control character"):
        rendered(line)


def test_a_command_ends_with_crlf() -> None:
    """A command is UTF-8 with one line end."""
    assert rendered("RCPT TO:<메일@example.test>") == "RCPT TO:<메일@example.test>\r\n".encode()


@each(
    ("hostname", "address", "name"),
    [
        ("mail.example.test", "192.0.2.1", "mail.example.test"),
        ("laptop", "192.0.2.1", "[192.0.2.1]"),
        ("laptop", "2001:db8::1", "[IPv6:2001:db8::1]"),
        ("laptop", "fe80::1%eth0", "[IPv6:fe80::1]"),
        ("laptop.localdomain", "192.0.2.1", "[192.0.2.1]"),
        ("my_host.example.test", "192.0.2.1", "[192.0.2.1]"),
        ("mail.example.test.", "192.0.2.1", "[192.0.2.1]"),
        ("노트북.local", "192.0.2.1", "[192.0.2.1]"),
        ("laptop", "unknown", "[127.0.0.1]"),
        ("192.0.2.9", "192.0.2.1", "[192.0.2.9]"),
    ],
)
def test_ehlo_has_a_name_that_servers_take(hostname: str, address: str, name: str) -> None:
    """A fully qualified name, else an address literal (RFC 5321 section 4.1.3)."""
    assert ehlo_name(hostname, address) == name


def test_a_configured_ehlo_name_is_the_application_s() -> None:
    """What the settings say is sent as it is, and is what the application would send."""
    for style in (None, *get_args(EhloStyle)):
        assert ehlo_for("app", "mail.example.test", "192.0.2.1", style) == EhloName("app", reproduced=True)


@pytest.mark.parametrize("configured", [None, ""])
@pytest.mark.parametrize(
    ("hostname", "name"), [("mail.example.test", "mail.example.test"), ("laptop", "[192.0.2.1]")]
)
def test_an_unknown_application_may_send_another_name(
    configured: str | None, hostname: str, name: str
) -> None:
    """A name that servers take is sent, and it is said that it is not the application's own."""
    assert ehlo_for(configured, hostname, "192.0.2.1") == EhloName(name, reproduced=False)


@pytest.mark.parametrize(
    ("style", "bare", "full", "numeric"),
    [
        ("host", "laptop", "mail.example.test", "192.0.2.9"),
        ("fqdn-or-address", "[192.0.2.1]", "mail.example.test", "[192.0.2.9]"),
        ("fqdn-or-loopback", "[127.0.0.1]", "mail.example.test", "[192.0.2.9]"),
        ("localhost", "localhost", "localhost", "localhost"),
        ("loopback", "[127.0.0.1]", "[127.0.0.1]", "[127.0.0.1]"),
    ],
)
def test_ehlo_as_a_library_says_it(style: EhloStyle, bare: str, full: str, numeric: str) -> None:
    """Where the library is known, its name is sent, also one that a server may refuse."""
    for hostname, name in (("laptop", bare), ("mail.example.test", full), ("192.0.2.9", numeric)):
        assert ehlo_for(None, hostname, "192.0.2.1", style) == EhloName(name, reproduced=True)
    assert ehlo_for(None, "", "192.0.2.1", "host") == EhloName("localhost", reproduced=True)


@pytest.mark.parametrize(
    ("hostname", "hosts", "name"),
    [
        ("web1", "127.0.0.1 localhost\n127.0.1.1 web1.example.test web1\n", "web1.example.test"),
        ("web1", "10.0.0.2\tweb1 # web1.example.test\n", "web1"),
        ("web1", "# 10.0.0.2 web1.example.test web1\n::1 ip6-localhost\n", "web1"),
        ("web1", "127.0.0.1 localhost.localdomain localhost web1\n", "web1"),
        ("web1.example.test", "10.0.0.2 other.example.test web1.example.test\n", "web1.example.test"),
        ("web1", "10.0.0.2\n\nnonsense\n10.0.0.2 web1 web1.example.test", "web1.example.test"),
        ("", "10.0.0.2 x.example.test\n", ""),
    ],
)
def test_the_full_name_of_a_host(hostname: str, hosts: str, name: str) -> None:
    """The file of hosts says it, as it does to getfqdn(); nothing is asked."""
    assert full_name(hostname, hosts) == name


@pytest.mark.parametrize(
    ("address", "capabilities", "size", "line"),
    [
        ("a@b.test", (), None, "MAIL FROM:<a@b.test>"),
        ("a@b.test", (), 10, "MAIL FROM:<a@b.test>"),
        ("a@b.test", ("SIZE",), None, "MAIL FROM:<a@b.test>"),
        ("a@b.test", ("SIZE", "SMTPUTF8"), 10, "MAIL FROM:<a@b.test> SIZE=10"),
        ("메일@b.test", ("SIZE", "SMTPUTF8"), 10, "MAIL FROM:<메일@b.test> SIZE=10 SMTPUTF8"),
        ("메일@b.test", (), None, "MAIL FROM:<메일@b.test>"),
        ("a@bücher.test", ("SMTPUTF8",), None, "MAIL FROM:<a@xn--bcher-kva.test>"),
    ],
)
def test_mail_from(address: str, capabilities: tuple[str, ...], size: int | None, line: str) -> None:
    """Only what the server offers is used, and a domain goes in A-labels, so that SMTPUTF8 is rarely needed."""
    assert mail_from(address, frozenset(capabilities), size) == line


def test_rcpt_to() -> None:
    """The recipient's domain goes in A-labels, too."""
    assert rcpt_to("a@bücher.test") == "RCPT TO:<a@xn--bcher-kva.test>"
    assert rcpt_to("a@b.test") == "RCPT TO:<a@b.test>"


@given(st.text(st.sampled_from(".\r\nab"), min_size=1, max_size=40))
def test_dot_stuffing_is_that_of_the_standard_library(text: str) -> None:
    """A message goes out as smtplib would send it: CRLF, doubled dots, and the final dot."""
    expected = smtplib.quotedata(text)
    if not expected.endswith("\r\n"):
        expected += "\r\n"
    assert dot_stuffed(text.encode()) == f"{expected}.\r\n".encode()


@given(st.binary(max_size=60))
def test_only_the_last_line_is_a_lone_dot(message: bytes) -> None:
    """No content can end the message early."""
    lines = dot_stuffed(message).split(b"\r\n")
    assert lines.index(b".") == len(lines) - 2
    assert not b"".join(lines).strip(b"\r\n").count(b"\n")


def test_an_empty_message() -> None:
    """Nothing but the final dot."""
    assert dot_stuffed(b"") == b".\r\n"
