"""The reply parser: any bytes in, replies or NotSMTP out, however they were cut."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpdoctor.masking.words import decode
from smtpdoctor.smtp.errors import NotSMTP
from smtpdoctor.smtp.protocols import PROTOCOLS, greeting_label, protocol_name
from smtpdoctor.smtp.reply import MAX_LINE, MAX_REPLY, Reply, ReplyParser, expected, fits, identify
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Iterable

    Broken = tuple[str, bytes]

# What replies are made of, so that random streams come near to being right.
PIECES = st.sampled_from(
    [
        b"220",
        b"250-",
        b"250 ",
        b"250",
        b"421 4.3.2 ",
        b"535-5.7.8 ",
        b"\r\n",
        b"\n",
        b"\r",
        b"-",
        b" ",
        b"x",
        b"\x00",
        b"\x15\x03\x01",
        b"HTTP/1.1",
        b"\xff\xfe",
        "메일".encode(),
        "메일".encode("cp949"),
        b"9" * 40,
        b"y" * (MAX_LINE - 3),
        b"\x01" * (MAX_LINE + 1),
    ]
)
STREAMS = st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=16).map(b"".join)
# A line end inside a text would start a line of its own.
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40)


def outcome(chunks: Iterable[bytes]) -> tuple[list[Reply], Broken | None]:
    """Return the replies in a stream, and what ended it if it is no SMTP."""
    parser, replies = ReplyParser(), []
    for chunk in chunks:
        parser.feed(chunk)
        try:
            while (reply := parser.next_reply()) is not None:
                replies.append(reply)
        except NotSMTP as error:
            return replies, (error.label, error.received)
    return replies, None


def only(data: bytes) -> Reply:
    """Return the one reply in a stream."""
    (reply,), broken = outcome([data])
    assert broken is None
    return reply


def one_by_one(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


@given(STREAMS)
def test_nothing_but_replies_or_not_smtp_comes_out(data: bytes) -> None:
    """Whatever arrives is replies, more to wait for, or NotSMTP with a known label."""
    _, broken = outcome([data])
    labels = {protocol.label for protocol in PROTOCOLS}
    labels |= {"binary", "malformed", "line-too-long", "endless"}
    assert broken is None or broken[0] in labels


@given(STREAMS, st.lists(st.integers(1, 3000), max_size=12))
def test_cuts_do_not_matter(data: bytes, sizes: list[int]) -> None:
    """Fed whole or in any pieces, a stream has the same outcome, down to the bytes that are shown."""
    chunks, rest = [], data
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    assert outcome([*chunks, rest]) == outcome([data])


@example(b"\x00abcdef\n")
@given(
    st.lists(st.one_of(PIECES.filter(lambda piece: len(piece) < 100), st.binary(max_size=6))).map(b"".join)
)
def test_one_byte_at_a_time_is_the_same(data: bytes) -> None:
    """The slowest server of all has the same outcome."""
    assert outcome(one_by_one(data)) == outcome([data])


@given(STREAMS, STREAMS)
def test_what_follows_does_not_change_what_came(data: bytes, more: bytes) -> None:
    """Bytes behind a stream take no reply back, nor the judgement that it is no SMTP."""
    replies, broken = outcome([data])
    longer, later = outcome([data + more])
    assert longer[: len(replies)] == replies
    if broken is not None:
        assert (longer, later) == (replies, broken)


@given(st.integers(200, 599), st.lists(TEXTS, min_size=1, max_size=8), st.sampled_from(["\r\n", "\n"]))
def test_well_formed_replies_round_trip(code: int, texts: list[str], end: str) -> None:
    """Code and lines come out as they went in, without any quirk but a bare LF."""
    *first, last = texts
    data = "".join([*(f"{code}-{text}{end}" for text in first), f"{code} {last}{end}"]).encode()
    quirks = frozenset() if end == "\r\n" else frozenset({"bare-lf"})
    assert only(data) == Reply(code, tuple(texts), quirks)


@given(st.integers(-200, 200))
def test_the_length_of_a_line_is_bounded(offset: int) -> None:
    """A line up to the limit is taken, one byte more is refused, with or without its end."""
    text = b"x" * (MAX_LINE + offset - len(b"250 \r"))
    data = b"250 " + text + b"\r\n"
    replies, broken = outcome([data])
    if offset <= 0:
        assert replies == [Reply(250, (text.decode(),))]
    else:
        assert broken == ("line-too-long", data[:MAX_LINE])
        assert outcome([data[:-2] + b"x"]) == ([], ("line-too-long", data[:MAX_LINE]))


@pytest.mark.parametrize("line", [b"250-x\r\n", b"\n", b"without a code\n", b"250-" + b"x" * 9000 + b"\r\n"])
def test_an_endless_reply_is_refused_in_bounded_memory(line: bytes) -> None:
    """A server that never ends a reply is given up, and takes no more than a few megabytes."""
    parser = ReplyParser()
    parser.feed(b"250-begin\r\n")
    tracemalloc.start()
    try:
        with pytest.raises(NotSMTP) as caught:  # noqa: PT012 -- which of the feeds is too much is not the point
            for _ in range(20 * MAX_REPLY // 4096):
                parser.feed(line * (4096 // len(line) + 1))
                assert parser.next_reply() is None
        assert tracemalloc.get_traced_memory()[1] < 64 * MAX_REPLY
    finally:
        tracemalloc.stop()
    error = caught.value
    assert (error.token, error.label, error.received) == ("not-smtp", "endless", b"250-begin")


@each(
    ("data", "code", "lines", "quirks"),
    [
        (b"250 ok\n", 250, ("ok",), {"bare-lf"}),
        (b"250-one\r\nstray\r\n250 two\r\n", 250, ("one", "stray", "two"), {"line-without-code"}),
        (b"250-one\r\n\r\n250 two\r\n", 250, ("one", "", "two"), {"line-without-code"}),
        (b"250-one\r\r\n250 two\r\r\n", 250, ("one", "two"), {"extra-cr"}),
        (b"250-one\r\n550 two\r\n", 550, ("one", "two"), {"codes-differ"}),
        (b"220ready\r\n", 220, ("ready",), {"no-separator"}),
        (b"250-one\r\n250\ttwo\r\n", 250, ("one", "two"), {"tab"}),
        (b"220\r\n", 220, ("",), set()),
        (b"220 \r\n", 220, ("",), set()),
        (b"250-\r\n250\r\n", 250, ("", ""), set()),
    ],
)
def test_quirks_are_taken_and_noted(data: bytes, code: int, lines: tuple[str, ...], quirks: set[str]) -> None:
    """What real servers do wrong is survived, and named; the last line's code counts."""
    assert only(data) == Reply(code, lines, frozenset(quirks))


@pytest.mark.parametrize(
    "data", [b"\r\n", b"\n", b"99 x\r\n", b"199 x\r\n", b"600 x\r\n", b"2500 x\r\n", b" 250 x\r\n"]
)
def test_a_first_line_without_a_code_is_refused(data: bytes) -> None:
    """Only three digits from 200 to 599 begin a reply."""
    broken = ("malformed", data.rstrip(b"\r\n"))
    assert outcome([data]) == ([], broken)
    assert outcome([b"220 before\n" + data])[1] == broken


@each(
    ("data", "enhanced", "text"),
    [
        (b"535 5.7.8 Bad\r\n", "5.7.8", "5.7.8 Bad"),
        (b"535-5.7.8 Bad\r\n535 5.7.8 Go\r\n", "5.7.8", "5.7.8 Bad Go"),
        (b"535-Bad\r\n535 5.07.008 Go\r\n", "5.7.8", "5.7.8 Bad Go"),
        (b"550 5.7.1: no\r\n", "5.7.1", "5.7.1 : no"),
        (b"250 2.1.0\r\n", "2.1.0", "2.1.0"),
        (b"550-5.7.1 no\r\n550 says 5.1.2 here\r\n", "5.7.1", "5.7.1 no says 5.1.2 here"),
        (b"220 5.1.2.3 ready\r\n", None, "5.1.2.3 ready"),
        (b"220 3.1.2 ready\r\n", None, "3.1.2 ready"),
        (b"220-one\r\n220 \r\n", None, "one"),
    ],
)
def test_the_enhanced_code_stands_once_in_front(data: bytes, enhanced: str | None, text: str) -> None:
    """The enhanced code is the first that leads a line; one in the middle of a text is left there."""
    reply = only(data)
    assert (reply.enhanced, reply.text) == (enhanced, text)
    assert str(reply) == f"{reply.code} {text}"


def test_only_a_completion_is_positive() -> None:
    """2yz says that a command was carried out; 3yz asks for more, which only AUTH and DATA may."""
    codes = (200, 220, 299, 300, 334, 354, 400, 535)
    assert [code for code in codes if Reply(code, ()).positive] == [200, 220, 299]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_is_decoded(encoding: str) -> None:
    """A reply in UTF-8 or in the Korean code page reads as it was meant."""
    assert only("535 인증에 실패했습니다\r\n".encode(encoding)).text == "인증에 실패했습니다"


@given(st.binary())
def test_any_bytes_decode(data: bytes) -> None:
    """Decoding never fails, and UTF-8 always wins."""
    text = decode(data)
    try:
        assert text == data.decode()
    except UnicodeDecodeError:
        assert text


def test_latin_1_is_the_last_resort() -> None:
    """What is neither UTF-8 nor Korean loses no byte."""
    assert decode(b"\xe9\xff") == "é\xff"


# What each server really says: unasked, or to a line that it does not understand.
SPOKEN = [
    ("http", b"HTTP/1.1 400 Bad Request\r\n"),
    ("http", b"<!DOCTYPE html>\n"),
    ("http", b"\r\n<HTML>"),
    ("http", b"nginx: 400 Bad Request"),
    ("http", b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"),
    ("http", b"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n"),
    ("http", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"),
    (
        "mongodb",
        b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nIt looks like you are trying to access MongoDB over HTTP",
    ),
    ("sip", b"SIP/2.0 400 Bad Request\r\n"),
    ("rtsp", b"RTSP/1.0 400 Bad Request\r\n"),
    ("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ("imap", b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    ("imap", b"* BYE overloaded\r\n"),
    ("proxy-expected", b"* BAD Invalid PROXY header\r\n"),
    ("proxy-expected", b"* BYE Disconnected: Failed to read PROXY header\r\n"),
    ("proxy-expected", b"-ERR Invalid PROXY header\r\n"),
    ("proxy-header", b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n"),
    ("proxy-header", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"),
    ("redis", b"-ERR unknown command 'EHLO', with args beginning with: 'x' \r\n"),
    ("redis", b"-ERR unknown command `EHLO`, with args beginning with: `x`, \r\n"),
    ("redis", b"-NOAUTH Authentication required.\r\n"),
    ("redis", b"-DENIED Redis is running in protected mode because\r\n"),
    ("redis", b"-ERR max number of clients reached\r\n"),
    ("redis", b"+PONG\r\n"),
    ("pop3", b"+OK Dovecot ready.\r\n"),
    ("pop3", b"+OK\r\n"),
    ("pop3", b"-ERR no\r\n"),
    ("pop3", b"-ERR Unknown command.\r\n"),
    ("nntp", b"200 news.example.test InterNetNews NNRP server ready (posting ok)\r\n"),
    ("nntp", b"201 no posting\r\n"),
    ("ftp", b"220 (vsFTPd 3.0.3)\r\n"),
    ("ftp", b"220 ProFTPD Server ready.\r\n"),
    ("ftp", b"220-FileZilla Server 1.8\r\n"),
    ("ftp", b"120 Service ready in 5 minutes.\r\n"),
    ("dict", b"220 dict.example.test dictd 1.13.1/rf on Linux <auth.mime> <1.2.3@x>\r\n"),
    ("mysql", b"J\x00\x00\x00\n5.7.44-log\x00\x08\x00\x00\x00"),
    ("mysql", b"Y\x00\x00\x00\n5.5.5-10.11.6-MariaDB-0+deb12u1\x00"),
    ("mysql", b"E\x00\x00\x00\xffj\x04Host '192.0.2.1' is not allowed to connect to this MariaDB server"),
    ("mysql", b"\x05\x00\x00\x00\x0b\x08\x05\x1a\x00"),
    ("postgres", b"E\x00\x00\x00\x85SFATAL\x00VFATAL\x00C0A000\x00Munsupported frontend protocol"),
    ("postgres", b"EFATAL:  unsupported frontend protocol 17736.19535\n\x00"),
    ("amqp", b"AMQP\x00\x00\x09\x01"),
    ("mqtt", b"\x20\x02\x00\x05"),
    ("memcached", b"ERROR\r\n"),
    ("memcached", b"ERROR"),
    ("memcached", b"ERROR\r\nERROR\r\n"),
    ("telnet", b"\xff\xfd\x18\xff\xfd\x20"),
    ("vnc", b"RFB 003.008\n"),
    ("rdp", b"\x03\x00\x00\x13\x0e\xd0\x00\x00"),
    ("smb", b"\x00\x00\x00\x85\xfeSMB"),
    ("ldap", b"0\x24\x02\x01\x00\x78\x1f\x0a\x01\x02"),
    ("ldap", b"0\x84\x00\x00\x00\x24\x02\x01\x00\x78"),
    ("irc", b":irc.example.test NOTICE * :*** Looking up your hostname...\r\n"),
    ("irc", b"NOTICE AUTH :*** Checking Ident\r\n"),
    ("irc", b"ERROR :Closing Link: 192.0.2.1 (Throttled)\r\n"),
    ("sieve", b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n'),
    ("rsync", b"@RSYNCD: 31.0 sha512\n"),
    ("git", b"003eERR access denied or repository not exported: /x\n"),
    ("xmpp", b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'"),
    ("nats", b'INFO {"server_id":"NA"}\r\n'),
    ("beanstalkd", b"UNKNOWN_COMMAND\r\n"),
    ("clamav", b"UNKNOWN COMMAND\n"),
    ("malformed", b"220 ftp.example.test ESMTP Postfix\r\n"),
    ("malformed", b"220 mail.example.test ESMTP\r\n"),
    ("malformed", b"hello\r\n"),
    ("malformed", b"ERROR in line 5\r\n"),
    ("malformed", b""),
    ("tls-bytes", b"\x15\x03\x03\x00\x02\x02\x28"),
    ("tls-bytes", b"\x16\x03\x01"),
    ("binary", b"\x00\x01\x02"),
    ("binary", b"J\x00\x00\x01"),
]


@each(("label", "data"), SPOKEN)
def test_other_protocols_are_named(label: str, data: bytes) -> None:
    """What speaks on a wrong port is told by its first bytes."""
    assert identify(data) == label


def test_each_protocol_has_a_name_and_a_sample() -> None:
    """No row of the table is without a server's own words here, nor without a name for people."""
    assert {protocol.label for protocol in PROTOCOLS} <= {label for label, _ in SPOKEN}
    assert all(protocol_name(protocol.label) for protocol in PROTOCOLS)
    assert protocol_name("malformed") == ""


@given(st.binary(max_size=40))
def test_any_bytes_have_a_label(data: bytes) -> None:
    """Nothing is without a label, and a well-formed answer of a mail server is never another protocol's."""
    assert identify(data)
    if b"\n" not in data:
        assert identify(b"250 " + data.replace(b"PROXY", b"") + b"\r\n") in {"malformed", "binary"}


@each(
    ("label", "code", "lines"),
    [
        ("nntp", 200, ("news.example.test ready",)),
        ("nntp", 201, ("no posting",)),
        ("ftp", 220, ("(vsFTPd 3.0.3)",)),
        ("dict", 220, ("dict.example.test dictd 1.13.1/rf",)),
        ("lmtp", 220, ("mail.example.test LMTP ready",)),
        ("rewritten", 220, ("*" * 76 + "0*0*0*0*****0*****2******200**2*******0*00",)),
        ("rewritten", 220, ("**********************",)),
        ("proxy-expected", 503, ("Command refused, required Proxy negotiation failed",)),
        ("proxy-expected", 421, ("4.3.0 Invalid PROXY header",)),
        ("", 220, ("ftp.example.test ESMTP Postfix",)),
        ("", 220, ("*** mail.example.test ESMTP ***",)),
        ("", 220, ("proxy.example.test ESMTP",)),
        ("", 220, ("mail.example.test Dovecot ready.",)),
        ("", 220, ("mail.example.test", "ESMTP Exim", "we do not send news")),
        ("", 554, ("5.7.1 no",)),
    ],
)
def test_a_greeting_gives_away_what_it_is(label: str, code: int, lines: tuple[str, ...]) -> None:
    """A reply in form may be another protocol's greeting, or one that something in between has rewritten."""
    assert greeting_label(Reply(code, lines)) == label


@each(
    ("label", "data"),
    [
        ("tls-bytes", b"\x15\x03\x01"),
        ("binary", b"\x00\x00\x00"),
        ("binary", b"\x00ab"),
        ("binary", b"J\x00\x00"),
        ("amqp", b"AMQP\x00"),
        ("telnet", b"\xff\xfd\x18"),
        ("ssh", b"SSH-2.0-x\n"),
        ("imap", b"* OK\n"),
    ],
)
def test_what_cannot_be_a_reply_is_refused_at_once(label: str, data: bytes) -> None:
    """Three bytes are enough where one is no text, else the first line is."""
    assert outcome([data[:-1]]) == ([], None)
    assert outcome([data])[1] == (label, data.rstrip(b"\n"))


def test_bytes_that_are_no_text_are_taken_inside_a_reply() -> None:
    """Behind a code anything may come."""
    assert only(b"220 a\x00\xffb\r\n").code == 220


# Of the codes that say yes or go on, those that are the answer to a command; RFC 5321 section 4.3.2 first, then
# what real servers say for it.
TWENTY: Final = frozenset(range(200, 300))
TWO_FIFTY: Final = frozenset({200, *range(250, 260)})
FITTING: Final = {
    "": (220, {220}),
    "EHLO": (250, TWENTY - {211, 214, 220, 221, 235}),
    "helo": (250, TWENTY - {211, 214, 220, 221, 235}),
    "STARTTLS": (220, {220}),
    "AUTH": (235, {235, 334}),
    "MAIL": (250, TWO_FIFTY),
    "RCPT": (250, TWO_FIFTY),
    "DATA": (354, {354}),
    ".": (250, TWO_FIFTY),
    "RSET": (250, TWO_FIFTY),
    "QUIT": (221, TWENTY),
    "LHLO": (250, TWENTY - {211, 214, 220, 221, 235}),
}


@each("verb", FITTING)
def test_which_reply_fits_a_command(verb: str) -> None:
    """A wrong yes belongs to another command; any command may be refused."""
    first, right = FITTING[verb]
    assert {code for code in range(200, 600) if fits(verb, code)} == right | set(range(400, 600))
    assert expected(verb)[0] == first


def test_of_an_unknown_command_any_reply_is_right() -> None:
    """What the table does not know is not judged."""
    assert fits("XCLIENT", 220)
    assert expected("XCLIENT") == ()


def test_a_recipient_may_be_taken_on() -> None:
    """The codes of RFC 5321 section 4.3.2 where there is more than one."""
    assert [expected(verb) for verb in ("rcpt", "AUTH")] == [(250, 251, 252), (235, 334)]


@given(STREAMS, st.lists(st.integers(1, 3000), max_size=12))
def test_no_byte_is_lost(data: bytes, sizes: list[int]) -> None:
    """What was on the wire can be put together again out of the replies and what is pending."""
    parser, wire, rest = ReplyParser(), b"", data
    try:
        for size in (*sizes, len(data)):
            parser.feed(rest[:size])
            rest = rest[size:]
            while parser.next_reply() is not None:
                wire += parser.raw
    except NotSMTP:
        pass
    assert wire + parser.pending + rest == data
    assert parser.pending_bytes == len(parser.pending)


def test_pending_and_drop() -> None:
    """What came of an unfinished reply can be seen, and forgotten as a whole (RFC 3207)."""
    parser = ReplyParser()
    parser.feed(b"220 go\r\n250-one\r\n250 tw")
    assert parser.next_reply() == Reply(220, ("go",))
    assert parser.next_reply() is None
    assert parser.raw == b"220 go\r\n"
    assert parser.pending_lines == 1
    assert parser.pending_bytes == len(parser.pending)
    assert parser.pending == parser.drop() == b"250-one\r\n250 tw"
    assert parser.pending == b""
    assert parser.pending_lines == 0
    parser.feed(b"250 fresh\r\n")
    assert parser.next_reply() == Reply(250, ("fresh",))


@example(b"220 ok\r\n", b"\n")
@given(STREAMS, STREAMS)
def test_dropping_begins_anew(old: bytes, data: bytes) -> None:
    """Behind what was dropped a stream is read as on a new connection."""
    parser, replies, broken = ReplyParser(), [], None
    parser.feed(old)
    with contextlib.suppress(NotSMTP):
        while parser.next_reply() is not None:
            pass
    parser.drop()
    parser.feed(data)
    try:
        while (reply := parser.next_reply()) is not None:
            replies.append(reply)
    except NotSMTP as error:
        broken = error.label, error.received
    assert (replies, broken) == outcome([data])


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_the_longest_line_is_taken(end: bytes) -> None:
    """To the byte: the line without its end, finished or not; one more is refused."""
    longest = b"220 " + b"x" * (MAX_LINE - 4 - len(end.rstrip(b"\n")))
    replies, broken = outcome([longest + end])
    assert (len(replies), broken) == (bool(end), None)
    assert outcome([b"2" + longest + end])[1] is not None


def test_the_longest_reply_is_taken() -> None:
    """To the byte, over all its lines and their ends."""
    lines = [b"250-" + b"x" * 10_000 + b"\r\n"] * (MAX_REPLY // 10_006)
    left = MAX_REPLY - sum(map(len, lines)) - 6
    whole = b"".join(lines) + b"250 " + b"x" * left
    assert outcome([whole + b"\r\n"])[1] is None
    _, broken = outcome([whole + b"x\r\n"])
    assert broken == ("endless", b"250-" + b"x" * 10_000)


def test_a_new_parser_has_nothing() -> None:
    """Before anything came."""
    parser = ReplyParser()
    assert (parser.raw, parser.pending, parser.pending_lines, parser.next_reply()) == (b"", b"", 0, None)
