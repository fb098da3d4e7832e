"""Texts as people paste them: what stands beside a failure says nothing, and what is no mail failure is none."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from smtpdoctor.knowledge import load
from smtpdoctor.logs import explain_text
from smtpdoctor.logs.codes import codes_in
from smtpdoctor.logs.dialogue import Answer, dialogue
from smtpdoctor.logs.lines import is_setting
from smtpdoctor.model import Confidence, Stage
from tests.each import each
from tests.examples import examples

DATA = Path(__file__).parent / "data"
PACKAGE = load.PACKAGE


def labelled(name: str) -> list[dict[str, Any]]:
    """Return the labelled texts of a file."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


GIVEN = labelled("explain-given.jsonl")
WORDINGS = labelled("explain-wordings.jsonl")
_WIDEST = 160

ROUTINE: list[Callable[[random.Random], str]] = [
    lambda rng: (
        f"2026-03-02T10:{rng.randrange(60):02}:09Z INFO order {rng.randrange(9999)} accepted, db query took 12ms"
    ),
    lambda rng: (
        f'203.0.113.9 - - [14/Mar/2025:09:12:51 +0000] "GET /items/{rng.randrange(99)} HTTP/1.1" 200 535'
    ),
    lambda _: "Server listening on port 8080",
    lambda _: "",
    lambda rng: f"[10:{rng.randrange(60):02}:09] request handled in {rng.randrange(900)} ms",
    lambda _: "Mar  2 10:00:09 web systemd[1]: Started Daily apt download activities.",
    lambda rng: f'{{"level":"info","msg":"request completed","path":"/orders/{rng.randrange(99)}"}}',
    lambda rng: f"worker-{rng.randrange(9)} processed job {rng.randrange(9999)}",
]
SETTINGS = [
    "MAIL_MAILER=smtp\nMAIL_HOST=smtp.example.com\nMAIL_PORT=587\nMAIL_USERNAME=app@example.com\nMAIL_ENCRYPTION=tls",
    "EMAIL_HOST = 'smtp.example.com'\nEMAIL_PORT = 587\nEMAIL_USE_TLS = True\nEMAIL_HOST_USER = 'app@example.com'",
    "spring.mail.host=smtp.example.com\nspring.mail.port=587\nspring.mail.properties.mail.smtp.starttls.enable=true",
    "smtp:\n  host: smtp.example.com\n  port: 587\n  tls: true\n  username: app@example.com",
    "$mail->Host = 'smtp.example.com';\n$mail->SMTPSecure = 'tls';\n$mail->Port = 587;",
]


def ids(text: str, case: dict[str, Any]) -> list[str]:
    """Return what a text is explained by."""
    return _ids(text, case.get("provider") or "")


@cache  # most texts are read by several tests
def _ids(text: str, provider: str) -> list[str]:
    known = load.preset(provider)
    return [one.finding.id for one in explain_text(text, provider=known.id if known else None)]


@pytest.mark.parametrize("part", range(6))
def test_lines_that_tell_nothing_change_nothing(part: int) -> None:
    """Up to 200 of them before and behind, of any kind and mixed, on texts of all kinds."""
    rng = random.Random(part)  # noqa: S311 -- which lines
    for case in GIVEN[part :: 72 // examples(3)]:
        kinds = rng.choice([ROUTINE, [rng.choice(ROUTINE)]])
        before, behind = (
            [rng.choice(kinds)(rng) for _ in range(rng.choice([0, 3, 25, 200]))] for _ in range(2)
        )
        text = "\n".join([*before, case["text"], *behind])
        assert ids(text, case) == ids(case["text"], case), case["id"]


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_beside_an_error_do_not_change_what_it_is(settings: str) -> None:
    """They say where and how was dialled; what went wrong, the error says."""
    bare = [
        case
        for case in GIVEN
        if "none" not in case["label"] and not any(map(is_setting, case["text"].split("\n")))
    ]
    for case in bare[SETTINGS.index(settings) :: 60 // examples(3)]:
        first = ids(case["text"], case)[:1]
        if first and first != ["unclear"]:
            assert ids(f"{settings}\n{case['text']}", case)[:1] == first, case["id"]
            assert ids(f"{case['text']}\n\n{settings}", case)[:1] == first, case["id"]


def test_each_failure_of_a_paste_is_told_at_its_line() -> None:
    """Two that have nothing to do with each other, with times and without."""
    unknown = "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"
    refused = "SMTPAuthenticationError: (535, b'5.7.8 Error: authentication failed')"
    for text in (f"[13:00:01] {unknown}\n[13:00:02] {refused}", f"{unknown}\n{refused}"):
        found = {one.finding.id: one.line for one in explain_text(text)}
        assert found == {"recipient-rejected": 1, "auth-bad-credentials": 2}


def test_a_failure_is_told_at_its_own_line() -> None:
    """Not where the text begins that it stands in."""
    text = "\n".join([*("[app] step done" for _ in range(58)), "535 5.7.8 Error: authentication failed"])
    (one,) = explain_text(text)
    assert (one.line, one.last_line) == (59, 59)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Connection refused", "connect-refused"),
        ("Host not found", "dns-not-found"),
        ("connect ECONNREFUSED 192.0.2.1:587", "connect-refused"),
    ],
)
def test_a_reply_of_a_provider_has_its_code(text: str, expected: str) -> None:
    """Words of a socket are no words of a server, whoever the provider is."""
    for provider in load.presets():
        assert {one.finding.id for one in explain_text(text, provider=provider)} <= {expected}


@pytest.mark.parametrize(
    "text",
    [
        "MAIL_ENCRYPTION=tls\nError: Connection timeout",
        "Unable to connect to ssl://smtp.mailgun.org:465 (Operation timed out)",
        "stream_socket_client(): unable to connect to tls://smtp.example.com:587 (Connection timed out)",
    ],
)
def test_a_timeout_of_connecting_is_none_of_the_handshake(text: str) -> None:
    """A scheme or a setting that names TLS does not say that TLS had begun."""
    assert [one.finding.id for one in explain_text(text)] == ["connect-timeout"]


@each(
    "text",
    [
        "2024/01/01 10:00:00 http: TLS handshake error from 203.0.113.5:51234: EOF",
        '2026-01-01 10:00:00.000 UTC [535] FATAL:  password authentication failed for user "app"',
        "fatal: Authentication failed for 'https://github.com/x/y.git/'",
        "Twilio: HTTP 429 error: Unable to create record: Too Many Requests",
        "E-Mail-Adresse oder Passwort falsch",
        "이메일 인증번호가 일치하지 않습니다",
        "SMS 발송 실패: 인증 실패",
        "IMAP fetch failed: NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        "530 Please login with USER and PASS.",
        "550 Permission denied.\nftp> put x",
        "Request failed with status code 421",
        "✓ answers 535 when the password is wrong (12 ms)",
        "# 535 means the login was refused\n// returns 550 when user unknown",
        "POST https://us1.api.mailchimp.com/3.0/lists failed: 401 API Key Invalid",
        'SMTP protocol error in "AUTH LOGIN" H=(pc) [203.0.113.9]:60723 I=[192.0.2.6]:587 AUTH command used when not advertised',
    ],
)
def test_what_is_no_mail_failure_is_none(text: str) -> None:
    """Other protocols, forms, tests and comments have codes and words that look like it."""
    assert explain_text(text) == []


def test_strangers_at_an_own_server_do_not_hide_what_did_not_go_out() -> None:
    """What a server notes of attacks is another thing than the one mail that came back."""
    attack = "Mar  2 10:00:{n:02} mx postfix/smtpd[9]: {what}"
    lines = [
        attack.format(
            n=n,
            what="warning: unknown[203.0.113.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6"
            if n % 2
            else "NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 <a@b.example>: Relay access denied",
        )
        for n in range(40)
    ]
    lines[20] = (
        "Mar  2 10:00:20 mx postfix/smtp[7]: A1: to=<x@example.com>, status=bounced "
        "(550 5.1.1 <x@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command))"
    )
    assert [(one.finding.id, one.line) for one in explain_text("\n".join(lines))] == [
        ("recipient-rejected", 21)
    ]


def test_what_a_system_prints_is_known() -> None:
    """Each line that supports a pattern says where it comes from, and of a hundred one may be read otherwise."""
    assert all(case["source"] for case in WORDINGS)
    wrong = [case["text"] for case in WORDINGS if not {*ids(case["text"], case)[:1]} & {*case["label"]}]
    assert len(wrong) <= len(WORDINGS) // 100, wrong


def test_what_an_own_device_gets_wrong_at_an_own_server_is_told() -> None:
    """It is no stranger, whatever its name is."""
    said = 'SMTP protocol error in "AUTH LOGIN" H=(printer) [192.168.1.7]:60723 AUTH command used when not advertised'
    assert ids(said, {})[:1] == ["auth-not-offered"]


def test_of_the_source_of_a_program_nothing_is_certain() -> None:
    """It has happened nowhere."""
    said = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant"
    (alone,) = explain_text(said)
    told = explain_text(f"describe('errors', () => {{\n  const transient = [\n    '{said}',\n  ];\n}});")
    assert alone.finding.confidence is Confidence.CERTAIN
    assert all(one.finding.confidence is not Confidence.CERTAIN for one in told)


def test_no_pattern_is_longer_than_a_line() -> None:
    """What cannot be read cannot be judged."""
    lines = (PACKAGE / "hints.toml").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if len(line) > _WIDEST] == []
    for path in (*(PACKAGE / "catalogue").glob("*.toml"), PACKAGE / "words.toml"):
        for block in re.split(r"(?m)^(?=\[)", path.read_text(encoding="utf-8")):
            if block.startswith(("[[match]]", "[[word]]")):
                assert [line for line in block.split("\n") if len(line) > _WIDEST] == [], path.name


def _prefixes(rng: random.Random) -> tuple[str, str]:
    """Return what a logger puts before what the server says, and before what the client says."""
    stamp = f"2026-03-{rng.randrange(10, 28)} 10:{rng.randrange(10, 60)}:09.{rng.randrange(100, 999)}"
    before = rng.choice(
        [
            f"app: [{stamp} | Connection | FINE] ",
            f"{stamp} DEBUG mail.transport - ",
            f"I/sender  ({rng.randrange(9999):5}): ",
            f"Mar  2 10:00:09 host worker[{rng.randrange(9999)}]: ",
            f"session.go:{rng.randrange(99)}: ",
            f"[{stamp}] smtp | ",
            "\t",
        ]
    )
    server, client = rng.choice([("<", ">"), ("<-", "->"), ("<<<", ">>>"), ("S:", "C:"), ("<--", "-->")])
    return f"{before}{server} ", f"{before}{client} "


@pytest.mark.parametrize("part", range(4))
def test_a_dialogue_is_read_behind_what_a_logger_puts_before_it(part: int) -> None:
    """However much of it there is; also where it begins in the middle of the login."""
    rng = random.Random(part)  # noqa: S311 -- which logger
    for _ in range(examples(12)):
        server, client = _prefixes(rng)
        login = [
            f"{client}AUTH LOGIN",
            f"{server}334 VXNlcm5hbWU6",
            f"{client}YXBwQGV4YW1wbGUuY29t",
            f"{server}334 UGFzc3dvcmQ6",
            f"{client}eHh4eHh4eHg=",
            f"{server}535 Incorrect authentication data",
        ]
        begin = [f"{server}220 mail.example.com ESMTP", f"{client}EHLO app", f"{server}250 AUTH LOGIN"]
        for lines in (login, [*begin, *login]):
            talk = dialogue("\n".join(lines))
            assert talk is not None, lines
            assert talk.refusal == Answer(Stage.AUTH, 535, None), lines
        assert ids("\n".join([*begin, *login]), {})[:1] == ["auth-bad-credentials"], begin + login


@each("version", range(5))
@each("level", [1, 2])
def test_a_record_of_tls_as_a_reply_is_the_wrong_port(version: int, level: int) -> None:
    """As any language writes the bytes: a server that waits for TLS answers clear text with an alert."""
    record = bytes([0x15, 3, version, 0, 2, level, 70])
    written = [
        repr(record),
        "".join(f"\\x{byte:02x}" for byte in record),
        "".join(f"\\u{byte:04x}" for byte in record),
        "".join(f"\\{byte:03o}" for byte in record),
        record.hex(" "),
    ]
    for one in written:
        text = f"Could not send mail over smtp.example.com: unexpected reply (-1, {one})"
        assert ids(text, {})[:1] == ["config-tls-mode"], text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("connection times out", "connect-timeout"),
        ("connection is timing out", "connect-timeout"),
        ("connection to the server times out", "connect-timeout"),
        ("connection timed-out", "connect-timeout"),
        ("connection refused", "connect-refused"),
    ],
)
def test_an_error_told_in_words_is_that_error_and_never_certain(words: str, expected: str) -> None:
    """A person who says how sending mail ends says what went wrong, but prints nothing."""
    for told in (
        "When I try to send emails over SMTP I get the following error: {}.",
        "Sending mail with smtp.example.com fails, since the {}. Any ideas?",
    ):
        (one,) = explain_text(told.format(words))
        assert one.finding.id == expected
        assert one.finding.confidence is not Confidence.CERTAIN


def test_what_people_tell_around_an_error_makes_it_no_surer() -> None:
    """Certain is only what a program has printed."""
    around = "We are seeing this in our app: {} Would it be possible to add a better message?"
    for case in GIVEN[:: 12 // examples(3)]:
        if "\n" not in case["text"] and "none" not in case["label"]:
            found = explain_text(around.format(case["text"]))
            assert [one.finding.id for one in found if one.finding.confidence is Confidence.CERTAIN] == []


def test_the_head_of_a_folded_report_is_a_part_of_it() -> None:
    """Lines that are indented go on with the one before them, which has the code."""
    report = """\
someone@example.com: host mx.example.com[192.0.2.7] said: 550 SC-001
    Unfortunately, messages from 203.0.113.129 weren't sent. Please contact
    your Internet service provider since part of their network
    is on our block list. (in reply to MAIL FROM command)"""
    (one,) = explain_text(report)
    assert (one.finding.id, one.finding.evidence.code) == ("ip-blocklisted", 550)


# How the debug output of libraries writes the two sides, and what each says where it gives up.
_WRITERS = (
    ("2026-03-02 10:00:0{n} SERVER -> CLIENT: {said}", "2026-03-02 10:00:0{n} CLIENT -> SERVER: {said}"),
    ("reply: b'{said}'", "send: '{said}'"),
    ("[1] DEBUG [aKx2] S: {said}", "[1] DEBUG [aKx2] C: {said}"),
    ("<-  {said}", " -> {said}"),
)
_BEGUN = (
    (0, "220 mx.example.com ESMTP"),
    (1, "EHLO app"),
    (0, "250-mx.example.com"),
    (0, "250-STARTTLS"),
    (0, "250 8BITMIME"),
)
_SECURED = ((1, "STARTTLS"), (0, "220 2.0.0 Ready to start TLS"))


def _written(writer: tuple[str, str], spoken: Iterable[tuple[int, str]]) -> list[str]:
    return [writer[side].format(n=number % 10, said=said) for number, (side, said) in enumerate(spoken)]


@pytest.mark.parametrize("writer", _WRITERS)
@pytest.mark.parametrize(
    "failure", ["SMTP Error: Could not connect to SMTP host.", "error: mail could not be sent"]
)
def test_a_dialogue_that_ends_behind_starttls_failed_at_the_handshake(
    writer: tuple[str, str], failure: str
) -> None:
    """Also where the client says QUIT then; not where it speaks on, and not where a reason is told."""
    begun = _written(writer, (*_BEGUN, *_SECURED))
    farewell = _written(writer, ((1, "QUIT"), (0, "221 Bye")))
    for lines in ([*begun, failure], [*begun, failure, *farewell]):
        assert ids("\n".join(lines), {})[:1] == ["tls-handshake"], lines
    greeted = _written(writer, ((1, "EHLO app"), (0, "250 AUTH LOGIN")))
    for lines in (
        [*begun, *greeted, failure],
        [*begun, "error: mail was refused: 535 5.7.8 authentication failed"],
    ):
        assert "tls-handshake" not in ids("\n".join(lines), {}), lines


@pytest.mark.parametrize("writer", _WRITERS)
def test_a_login_that_is_given_up_behind_ehlo_was_not_offered(writer: tuple[str, str]) -> None:
    """Or only behind STARTTLS; a server that lists AUTH has refused something else."""
    failure = "SMTP Error: Could not authenticate."
    bare = _written(writer, (*_BEGUN[:3], (0, "250 8BITMIME")))
    assert ids("\n".join([*bare, failure]), {})[:1] == ["auth-not-offered"], bare
    hidden = _written(writer, _BEGUN)
    assert ids("\n".join([*hidden, failure]), {})[:1] == ["starttls-required"], hidden
    listed = _written(writer, (*_BEGUN[:-1], (0, "250 AUTH PLAIN LOGIN")))
    assert "auth-not-offered" not in ids("\n".join([*listed, failure]), {}), listed


def test_what_a_guide_lists_is_never_certain() -> None:
    """Three failures one after the other are seldom those of one program."""
    lines = [
        "535-5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
        "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
        "552 5.3.4 Message size exceeds fixed limit",
    ]
    found = explain_text("\n\n".join(lines))
    assert len({one.finding.id for one in found}) == len(lines)
    assert Confidence.CERTAIN not in {one.finding.confidence for one in found}


@each(
    "name",
    ["Sidekiq", "Platform", "Version: Server", "PHP:", "Linux", "version:", "running Perl", "WordPress:"],
)
@each("version", ["4.2.7", "5.13.2", "4.4.0", "5.6.20"])
def test_the_version_of_a_program_is_no_code(name: str, version: str) -> None:
    """Numbers behind the name of a program say nothing of a reply, whatever code has the same."""
    assert codes_in(f"Sending mail failed\n{name} {version}\nsmtp.example.com")[1] is None
    assert codes_in(f"{name} {version} could not send: (#5.7.1) Relaying denied")[1] == "5.7.1"


@each(
    "before",
    ["The server response was:", "status=deferred dsn=", "Error:", "error code", "SMTP", "", '"', "(#"],
)
@each("enhanced", ["5.7.8", "4.7.0", "5.1.1"])
def test_a_code_behind_what_announces_it_is_one(before: str, enhanced: str) -> None:
    """What stands before a code in a reply is no name of a program."""
    blank = " " if before[-1:].isalpha() or before[-1:] == ":" else ""
    assert codes_in(f"{before}{blank}{enhanced} it was refused")[1] == enhanced


@each("prompt", ["$ ", "-bash-3.2$ ", "root@web:~# ", "user@host:~$ sudo ", ""])
@each("command", ["wget https://dl.example.org/tool", "curl -fsSL https://get.example.org/install.sh"])
def test_what_a_command_failed_to_fetch_is_no_mail(prompt: str, command: str) -> None:
    """The command above an error of TLS says whose it is, also with what it tells of its connection between."""
    failed = "OpenSSL: error:1407742E:SSL routines:SSL23_GET_SERVER_HELLO:tlsv1 alert protocol version"
    shown = f"{prompt}{command}\nResolving dl.example.org... 192.0.2.7\nConnecting to dl.example.org|192.0.2.7|:443... connected.\n"
    assert explain_text(f"{shown}{failed}\nUnable to establish SSL connection.") == []


@each("head", ["Cannot send email: Error: ", "Failed to send the message: unexpected response: "])
def test_a_server_of_mailboxes_that_answers_a_sender_is_told(head: str) -> None:
    """Mail that could not be sent makes a greeting of IMAP a failure of sending, and none of reading."""
    text = f"{head}* OK [CAPABILITY IMAP4 IMAP4rev1 QUOTA NAMESPACE] IMAP Proxy ready (imap.example.com)"
    assert [one.finding.id for one in explain_text(text)][:1] == ["not-smtp"]
