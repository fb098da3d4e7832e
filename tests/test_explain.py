"""Error texts and logs: what is one failure, what is none, what is shown of it."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.atoms import atoms_of
from smtpdoctor.knowledge.patterns import compiled, possible
from smtpdoctor.knowledge.sieve import Sieve
from smtpdoctor.logs import Source, explain_source, explain_text
from smtpdoctor.logs.lookup import look_up
from smtpdoctor.logs.masking import masked
from smtpdoctor.logs.records import records
from smtpdoctor.logs.run import tell
from smtpdoctor.logs.source import SMALL
from tests.checking import cli
from tests.each import each
from tests.examples import examples, some_of
from tests.known import known

REFUSED = "Error: Invalid login: 535 5.7.8 Error: authentication failed: bad"
UNKNOWN = "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command)"
ASSIGNABLE = re.compile(r"(?i)(?=.*(?:mail|smtp))[a-z][\w.]{4,80}")
BORING = "2026-03-02T10:00:00Z INFO order {n} accepted, total=887, db query took 12ms"


def ids(text: str, provider: str | None = None) -> list[str]:
    """Return the ids that a pasted text is explained by."""
    return [one.finding.id for one in explain_text(text, provider=provider)]


def of_bytes(data: bytes) -> list[tuple[str, int, int, int]]:
    """Return id, count, first and last line of what a stream is explained by."""
    found = explain_source(Source(io.BytesIO(data)))
    return [(one.finding.id, one.count, one.line, one.last_line) for one in found]


def stamped(second: int, text: str) -> str:
    """Return a log line."""
    return f"2026-03-02T10:00:{second:02}Z ERROR {text}"


# -- Records ------------------------------------------------------------------


def test_a_stack_trace_belongs_to_its_error() -> None:
    """Indented lines, `at …` and `Caused by:` go on with the event before them."""
    log = [
        stamped(1, "mail failed"),
        "javax.mail.AuthenticationFailedException: 535 5.7.8 no",
        "\tat com.sun.mail.smtp.SMTPTransport(SMTPTransport.java:1)",
        "Caused by: java.net.SocketException",
        "\t... 3 more",
        stamped(2, "next"),
    ]
    found = [one for one in records(enumerate(log, 1)) if one]
    assert [(one.first, one.last) for one in found] == [(1, 5), (6, 6)]


def test_containers_are_kept_apart() -> None:
    """`docker compose logs` mixes lines of several containers; each has its own record."""
    log = [
        "api-1  | Error: Invalid login: 535 5.7.8 no",
        'web-1  | 192.0.2.1 - - [02/Mar/2025:08:00:18 +0000] "GET / HTTP/1.1" 200 535',
        "api-1  |     at SMTPConnection (smtp-connection/index.js:1)",
    ]
    found = {one.container: one.text for one in records(enumerate(log, 1)) if one}
    assert found["api-1"].endswith("index.js:1)")
    assert "GET /" not in found["api-1"]


def test_a_reply_of_several_lines_stays_whole() -> None:
    """All lines with `550-` belong to the reply that ends with `550 `."""
    log = [
        "550-5.7.1 the address you use",
        "550-5.7.1 is blocked",
        "550 5.7.1 see https://example.com",
        "other",
    ]
    assert [one.last for one in records(enumerate(log, 1)) if one] == [3, 4]


SAID = (
    *("smtp 535 bad", "  indented", "at x.y(z)", "550-5.1.1 a", "550 5.1.1 b", "", "2026-01-02T10:00:00Z x"),
    *("api | smtp 535", "api |   at y", "x", '{"msg":"535 x"}'),
)


@given(
    st.lists(st.tuples(st.sampled_from(SAID), st.sampled_from([1, 1, 2, 3, 9, 130])), max_size=14),
    st.booleans(),
)
def test_what_is_said_again_is_cut_as_if_it_were_new(said: list[tuple[str, int]], whole: bool) -> None:
    """Lines that are the same take a short way, and come out as lines do that are looked at one by one."""
    lines = [line for line, times in said for _ in range(times)]
    differing = [
        f"{line}{chr(13) * (number % 2)}" for number, line in enumerate(lines)
    ]  # stripped in the end

    def cut(texts: list[str]) -> list[tuple[str, str, int]]:
        found = [one for one in records(enumerate(texts, 1), whole=whole) if one]
        size = {one: one.text.count("\n") + 1 for one in found}
        # The lines of each event, one by one where it was told in one.
        return sorted(
            (one.text, one.container, one.last - size[one] * number)
            for one in found
            for number in range(one.times)
        )

    assert [one[:2] for one in cut(lines)] == [one[:2] for one in cut(differing)]
    covered = sum(
        (one.text.count("\n") + 1) * one.times for one in records(enumerate(lines, 1), whole=whole) if one
    )
    assert covered == sum(bool(line.strip()) for line in lines)


@given(st.lists(st.text(max_size=60), max_size=60))
def test_records_lose_no_line_and_keep_the_order(lines: list[str]) -> None:
    """Whatever the lines are, records cover them in order, without overlap in one container."""
    found = [one for one in records(enumerate(lines, 1)) if one]
    for one in found:
        assert 1 <= one.first <= one.last <= len(lines)
    spans = [(one.first, one.last) for one in found if not one.container]
    assert spans == sorted(spans)


# -- Logs ---------------------------------------------------------------------


def test_a_long_log_is_searched_for_what_matters() -> None:
    """Past the size of a pasted text only hits are looked at, and the line numbers still hold."""
    lines = [BORING.format(n=number) for number in range(5_000)]
    lines[1_200] = stamped(3, REFUSED)
    lines[3_000] = stamped(4, REFUSED.replace("bad", "worse"))
    lines[4_000] = (
        f"2026-03-02T10:00:09Z postfix/smtp[12]: A1: to=<x@example.com>, status=bounced ({UNKNOWN})"
    )
    data = ("\n".join(lines) + "\n").encode()
    assert len(data) > SMALL
    assert of_bytes(data) == [
        ("auth-bad-credentials", 2, 1_201, 3_001),
        ("recipient-rejected", 1, 4_001, 4_001),
    ]


def test_a_stack_trace_in_a_long_log_is_one_failure() -> None:
    """The lines behind a hit that belong to it make one finding, not many."""
    lines = [BORING.format(n=number) for number in range(3_000)]
    trace = [
        "    at smtp-connection/index.js:790:19",
        "    at SMTPConnection._actionAUTHComplete",
        "  code: 'EAUTH',",
    ]
    lines[2_000:2_001] = [
        stamped(3, REFUSED),
        *trace,
        "  response: '535 5.7.8 Error: authentication failed: bad'",
    ]
    assert of_bytes("\n".join(lines).encode()) == [("auth-bad-credentials", 1, 2_001, 2_005)]


def test_no_false_alarm_in_an_ordinary_log() -> None:
    """Databases, web requests and numbers that look like codes are no mail failures."""
    noise = [
        '203.0.113.24 - - [14/Mar/2025:09:12:51 +0000] "GET /admin/smtp HTTP/1.1" 421 554 "-" "curl"',
        "2026-03-02 10:00:01 ERROR [db] connect ECONNREFUSED 172.20.0.3:5432, retry 1/10",
        "2026-03-02 10:00:02 INFO  payment 535 captured, 550 items",
        "2026-03-02 10:00:03 WARN  redis: dial tcp 10.0.0.5:6379: i/o timeout",
        "2026-03-02 10:00:04 INFO  mail sent: 250 2.0.0 Ok: queued as 4F2A1B",
    ]
    assert of_bytes("\n".join(noise).encode()) == []
    assert of_bytes("\n".join(noise * 400).encode()) == []


def test_what_follows_from_a_failure_is_not_told_beside_it() -> None:
    """A wrapper's own words right behind the cause add nothing; the provider's block comes under its cause."""
    text = f"{stamped(1, REFUSED)}\n{stamped(1, 'SMTP Error: Could not authenticate. Message could not be sent.')}\n"
    assert ids(text) == ["auth-bad-credentials"]
    far = "\n".join(
        [stamped(1, REFUSED)]
        + [BORING.format(n=number) for number in range(30)]
        + [stamped(9, "smtp: 454 4.7.0 Too many login attempts, please try again later")] * 2
    )
    found = explain_text(far)
    assert [(one.finding.id, one.caused_by) for one in found] == [
        ("auth-bad-credentials", None),
        ("auth-throttled", "auth-bad-credentials"),
    ]


def test_a_thousand_different_failures() -> None:
    """Memory is bounded by the causes, and the count is right."""
    lines = [
        stamped(
            n % 60, f"smtp to user{n}@example.com failed: 550 5.1.1 <user{n}@example.com>: User unknown {n:x}"
        )
        for n in range(examples(1_000))
    ]
    ((identifier, count, first, last),) = of_bytes("\n".join(lines).encode())
    assert (identifier, count, first, last) == ("recipient-rejected", len(lines), 1, len(lines))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_encodings(encoding: str) -> None:
    """Logs come as their systems write them."""
    text = f"2026-03-02 메일 발송 실패\n{stamped(1, REFUSED)}\n"
    assert of_bytes(text.encode(encoding))[0][0] == "auth-bad-credentials"
    long = text + "\n".join([BORING.format(n=1)] * 2_000)
    assert of_bytes(long.encode(encoding))[0][:3] == ("auth-bad-credentials", 1, 2)


def test_binary_and_overlong_lines_are_survived() -> None:
    """Bytes that are no text, and a line without end, are read past."""
    rest = f"\n{stamped(1, REFUSED)}\n".encode()
    assert of_bytes(os.urandom(200_000).replace(b"\n", b"") + rest)[0][0] == "auth-bad-credentials"
    assert of_bytes(b"x" * 3_000_000 + rest) == [("auth-bad-credentials", 1, 2, 2)]
    assert of_bytes(b"\0" * 100_000) == []
    assert of_bytes(b"") == []


# -- Masking ------------------------------------------------------------------


def test_control_characters_of_a_log_are_made_visible() -> None:
    """What a log holds must not drive the terminal."""
    (one,) = explain_text(f"{REFUSED} \x1b[31mred\x07 \u202eevil")
    assert "\x1b" not in one.finding.evidence.text
    assert "\u202e" not in one.finding.evidence.text


def test_what_is_shown_begins_with_a_whole_word() -> None:
    """A failure may be known by the end of a name."""
    (one,) = explain_text("TypeError: Cannot read properties of undefined (reading 'sendMail')")
    assert one.finding.evidence.text.startswith("TypeError: ")
    (one,) = explain_text("foo.bar.ConnectionRefusedError: [Errno 111] Connection refused by smtp.gmail.com")
    assert one.finding.evidence.text.startswith("foo.bar.ConnectionRefusedError: ")


# -- Looking up ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("535", "auth-bad-credentials"),
        ("5.7.8", "auth-bad-credentials"),
        ("ECONNREFUSED", "connect-refused"),
        ("econnrefused", "connect-refused"),
        ("ENOTFOUND", "dns-not-found"),
        ("CERT_HAS_EXPIRED", "tls-cert-expired"),
        ("relay-denied", "relay-denied"),
    ],
)
def test_a_word_stands_for_an_entry(word: str, expected: str) -> None:
    """An id, a code, an enhanced code or the name of an error is looked up."""
    looked = look_up(word, None)
    assert looked is not None
    assert looked.finding.id == expected


def test_a_code_is_refined_by_the_provider() -> None:
    """`explain 535 --preset naver` says what 535 means there."""
    looked = look_up("535", "naver")
    assert looked is not None
    assert looked.replies
    assert all(reply.code == 535 for reply in looked.replies)
    assert look_up("hello", None) is None


# -- Literals -----------------------------------------------------------------

KNOWN = known()
_AT_ONCE = 200  # patterns; of all of them together RE2 would want more memory than it takes


def test_what_matches_a_pattern_holds_one_of_its_literals() -> None:
    """A literal that a match may lack would hide failures: held against every example of the catalogue."""
    texts = [
        example.text or (example.evidence.text if example.evidence else "")
        for entry in KNOWN.entries.values()
        for example in entry.example
    ]
    patterns = {text for entry in KNOWN.entries.values() for rule in entry.match for text in rule.text}
    patterns |= {text for word in KNOWN.words for text in word.text}
    matched = list(_matched(sorted(patterns), some_of(texts, 2)))
    assert len(matched) > len(texts) // 2
    missing = [
        (pattern, text)
        for pattern, text in matched
        if (atoms := atoms_of(pattern)) and not possible(atoms, text.lower())
    ]
    assert missing == []


def _matched(patterns: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each pattern with each text that it matches, by RE2's own way to look for many at once."""
    options = re2.Options()
    options.case_sensitive = False
    for start in range(0, len(patterns), _AT_ONCE):
        some = patterns[start : start + _AT_ONCE]
        together = re2.Filter()
        for pattern in some:
            together.Add(pattern, options)
        together.Compile()
        for text in texts:
            yield from ((some[number], text) for number in together.Match(text) or ())


def test_no_failure_is_passed_over_in_a_long_log() -> None:
    """A long log is searched for words of failure: each example that is a failure has one."""
    failed = compiled(f"{KNOWN.hints.failure.whole}|{KNOWN.hints.failure_in_log.whole}")
    texts = [example.text for entry in KNOWN.entries.values() for example in entry.example if example.text]
    assert texts
    assert [text for text in texts if not failed.search(text)] == []


def test_a_busy_mail_server_without_failures_is_passed_over() -> None:
    """Lines about mail that was sent are no failures, and one among thousands of them is found."""
    sent = "Mar  2 10:00:00 mail postfix/smtp[9]: A1B2C3D4E5: to=<a@example.com>, relay=mx.example.com[192.0.2.1]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1A2B3C4D5E)"
    lines = [sent] * 3_000
    assert of_bytes("\n".join(lines).encode()) == []
    lines[2_000] = f"Mar  2 10:00:00 mail postfix/smtp[9]: A1: to=<x@example.com>, status=bounced ({UNKNOWN})"
    lines[2_500] = (
        'Mar  2 10:00:00 mail app: Traceback\n  File "smtplib.py", line 1\nConnectionRefusedError: [Errno 111] Connection refused'
    )
    assert of_bytes("\n".join(lines).encode()) == [
        ("recipient-rejected", 1, 2_001, 2_001),
        ("connect-refused", 1, 2_503, 2_503),
    ]


def test_an_automaton_lets_through_what_single_literals_do() -> None:
    """A log is searched for all literals at once, a pasted text for one after the other: the same comes out."""
    texts = [example.text.lower() for entry in KNOWN.entries.values() for example in entry.example]
    rules = load.rules()
    sieve = Sieve(rules, lambda rule: rule.atoms)
    expected = [
        [rule for rule in rules if not rule.text or any(possible(one, text) for one in rule.atoms)]
        for text in texts
    ]
    for _ in range(2):  # the first texts are looked at one by one, the later ones through the automaton
        for text, fitting in zip(texts, expected, strict=True):
            assert list(sieve.fitting(text)) == fitting


@each(
    ("pattern", "expected"),
    [
        ("relay access denied", [{"relay access denied"}]),
        ("gr[ae]ylist", [{"graylist", "greylist"}]),
        ("(?:one|two) apples?", [{"one apple", "one apples", "two apple", "two apples"}]),
        (r"\d+ bytes\s+over", [{" bytes"}, {"over"}]),
        (r"(?:smtp|mail)[^\n]{0,80}(?:refused|said \d)", [{"refused", "said "}, {"smtp", "mail"}]),
        (r"(?:abc|\d+)", []),
        (r"a\d+quota", [{"quota"}]),
        ("(?:quota exceeded){1,3}", [{"quota exceeded"}]),
    ],
)
def test_literals(pattern: str, expected: list[set[str]]) -> None:
    """The parts that every match has, all their spellings, the rarest part first."""
    assert [set(group) for group in atoms_of(pattern)] == expected


# -- The command --------------------------------------------------------------


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Run `explain` and return exit code, output and errors."""
    result = CliRunner().invoke(app, ["explain", *arguments], input=stdin, env={"COLUMNS": "80"})
    return result.exit_code, result.stdout, result.stderr


def test_json_has_the_shape_of_the_contract() -> None:
    """Each finding as in a report, with count, file and line in its evidence."""
    code, shown, _ = run("--format", "json", REFUSED)
    (finding,) = json.loads(shown)["findings"]
    assert code == 0
    assert (
        finding["evidence"].items()
        >= {"code": 535, "enhanced": "5.7.8", "count": 1, "file": None, "line": 1}.items()
    )
    assert set(finding) >= {
        "id",
        "stage",
        "severity",
        "confidence",
        "fault",
        "title",
        "meaning",
        "fixes",
        "candidates",
    }
    assert json.loads(run("--format", "json", "all is well")[1])["findings"] == []


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gbk", "smtp: SocketException: 由于目标计算机积极拒绝，无法连接。"),
        ("cp932", "smtp: 対象のコンピューターによって拒否されたため、接続できませんでした。"),
        ("cp949", "smtp: 대상 컴퓨터에서 연결을 거부했으므로 연결하지 못했습니다."),
        ("cp1251", "smtp: конечный компьютер отверг запрос на подключение"),
        ("utf-16", "smtp: connect ECONNREFUSED 192.0.2.1:587"),
        ("utf-16-le", "smtp: connect ECONNREFUSED 192.0.2.1:587"),
        ("utf-16-be", "smtp: connect ECONNREFUSED 192.0.2.1:587"),
    ],
)
def test_logs_of_any_code_page(encoding: str, text: str) -> None:
    """What a system writes in the code page of its language is read, in a short log and in a long one."""
    assert of_bytes(text.encode(encoding)) == [("connect-refused", 1, 1, 1)]
    lines = [BORING.format(n=number) for number in range(2_000)]
    long = "\n".join([*lines, text])
    assert of_bytes(long.encode(encoding)) == [("connect-refused", 1, 2_001, 2_001)]


def test_an_app_password_with_blanks_is_masked_whole() -> None:
    """Gmail shows it in four groups, and so it is pasted."""
    assert masked("smtp password=abcd efgh ijkl mnop") == "smtp password=********"


def test_bare_codes_stand_for_what_they_mostly_mean() -> None:
    """A number alone is looked up, in one line where that was asked for."""
    for code, expected in (
        ("550", "recipient-rejected"),
        ("552", "message-too-large"),
        ("530", "auth-required"),
    ):
        status, shown, _ = run("--quiet", code)
        assert (status, shown.split()[0]) == (0, expected)


def test_sessions_in_one_paste_are_told_apart() -> None:
    """Each greeting begins another dialogue; the lines and the count are those of the failures."""
    failed = (
        "220 mx ESMTP\nEHLO me\n250 AUTH PLAIN\nAUTH PLAIN AHh4eA==\n535 5.7.8 bad login\nQUIT\n221 bye\n"
    )
    (one,) = explain_text(failed * 3)
    assert (one.count, one.line, one.last_line) == (3, 5, 21)
    good = failed.replace("535 5.7.8 bad login", "235 2.7.0 welcome")
    (one,) = explain_text(good + failed)
    assert (one.count, one.line) == (1, 12)


@pytest.mark.parametrize(
    "text", ["smtp connection established, 0 errors", "no error: smtp login not refused"]
)
def test_failures_that_were_none_are_none(text: str) -> None:
    """Words of failure that are denied tell of none."""
    assert ids(text) == []


def test_a_refused_connection_to_a_mail_port_is_one_in_a_log_too() -> None:
    """The port says that it is about mail."""
    line = stamped(1, "Error: connect ECONNREFUSED 10.0.0.5:587")
    log = "\n".join([line, *[BORING.format(n=number) for number in range(3_000)]])
    assert of_bytes(log.encode()) == [("connect-refused", 1, 1, 1)]


def test_a_chatty_container_holds_no_finding_of_another_back() -> None:
    """Lines of others do not keep an event open for ever."""
    failed = "api_1 | smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted')"
    chatter = (f"web_1 | GET / 200 {number}" for number in itertools.count())
    lines = itertools.chain([failed], chatter)
    found = next(tell(enumerate(lines, 1), live=True))
    assert found.finding.id.startswith("auth-")


def test_a_file_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    """JSON stays JSON."""
    log = tmp_path / os.fsdecode(b"bad\xff.log")
    log.write_text(REFUSED)
    command = [sys.executable, "-m", "smtpdoctor", "explain", "--format", "json", "--file", str(log)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout)["findings"][0]["id"] == "auth-bad-credentials"


@pytest.mark.parametrize("junk", ["\udcb8", "and \ud800", "\udcff\ud800"])
def test_words_that_are_no_text_are_no_bug(junk: str) -> None:
    """Arguments may hold any bytes; what can be read of them is explained."""
    assert ids(f"535 5.7.8 authentication failed {junk} smtp") == ["auth-bad-credentials"]
    assert ids(junk) == []


def test_a_consequence_is_told_in_a_line_under_its_cause(tmp_path: Path) -> None:
    """What follows from another failure needs no cure of its own; --verbose tells all the same."""
    log = tmp_path / "app.log"
    quiet = "\n".join(stamped(n, "all is well") for n in range(9))
    wanted = stamped(10, 'mailer: SMTPSenderRefused: (530, b"5.7.0 Authentication required")')
    log.write_text(f"{stamped(0, REFUSED)}\n{quiet}\n{wanted}\n")
    shown = run("--file", str(log))[1]
    assert shown.rstrip().endswith("Probably a consequence of auth-bad-credentials: fix that first.")
    assert len(run("--file", str(log), "--verbose")[1]) > len(shown)
    first, second = json.loads(run("--file", str(log), "--format", "json")[1])["findings"]
    assert first["id"] == second["evidence"]["caused_by"] == "auth-bad-credentials"


@pytest.mark.parametrize(
    "mark", [b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"]
)
def test_a_packed_log_is_not_called_healthy(mark: bytes, tmp_path: Path) -> None:
    """There are no lines in it, which is said; JSON stays JSON."""
    log = tmp_path / "mail.log.1"
    log.write_bytes(mark + bytes(100))
    for lang in ("en", "ko"):
        code, shown, errors = run("--file", str(log), "--lang", lang)
        assert (code, shown) == (2, "")
        assert str(log) in errors
    assert "compressed" in json.loads(run("--file", str(log), "--format", "json")[1])["error"]["message"]
    assert run(stdin=(mark + bytes(100)).decode("latin-1"))[0] in {0, 2}


def test_one_unreadable_file_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    """A clear word about the one, the rest done, and an exit code that says so."""
    good = tmp_path / "app.log"
    good.write_text(REFUSED)
    code, shown, errors = run(
        "--file", str(tmp_path / "none.log"), "--file", str(tmp_path), "--file", str(good)
    )
    assert code == 2
    assert "auth-bad-credentials" in shown
    assert "Seen once" in shown
    assert f"{good}:1" in shown
    assert errors.count("Error") == 2


def test_a_file_that_cannot_be_read_is_not_called_healthy(tmp_path: Path) -> None:
    """Nothing was read, so nothing is said about failures; JSON stays JSON."""
    missing = str(tmp_path / "none.log")
    code, shown, errors = run("--file", missing)
    assert (code, shown) == (2, "")
    assert missing in errors
    code, shown, errors = run("--file", missing, "--format", "json")
    assert (code, errors) == (2, "")
    assert set(json.loads(shown)) == {"version", "tool", "error"}
    assert missing in json.loads(shown)["error"]["message"]
    good = tmp_path / "app.log"
    good.write_text(REFUSED)
    code, shown, _ = run("--file", missing, "--file", str(good), "--format", "json")
    both = json.loads(shown)
    assert (code, [one["id"] for one in both["findings"]]) == (2, ["auth-bad-credentials"])
    assert missing in both["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--list"],
        ["--list", "--format", "json"],
        ["relay-denied"],
        ["535", "--preset", "naver", "--lang", "ko"],
    ],
)
def test_the_catalogue_can_be_read(arguments: list[str]) -> None:
    """The list, an entry, a code at a provider: nothing is asked of the network."""
    code, shown, _ = run(*arguments)
    assert code == 0
    assert len(shown) > 300


def test_nothing_found_says_so_and_a_typing_error_is_helped() -> None:
    """Exit 0 whenever the input could be read."""
    assert run("all is well")[:2] == (0, "No mail failure found in this text.\n")
    code, _, errors = run("auth-app-pasword")
    assert code == 0
    assert "auth-app-password" in errors
    assert run("--list", "535")[0] == 2
    assert run("535", "--preset", "nvaer")[0] == 2


OWN = {
    app: [name for name, readers in load.dialect_names().exact.items() if readers == {app: "own"}]
    for app in load.dialect_ids()
}
OWN = {app: sorted(name for name in names if ASSIGNABLE.fullmatch(name)) for app, names in OWN.items()}


@given(
    st.sampled_from(
        sorted(app for app, names in OWN.items() if len(names) > 1 and load.app(app) is not None)
    ),
    st.data(),
)
def test_settings_beside_an_error_say_whose_names_steps_are_told_in(app: str, data: st.DataObject) -> None:
    """Where two names are there that only one application has; the settings are no part of the failure."""
    names = data.draw(st.lists(st.sampled_from(OWN[app]), min_size=2, max_size=4, unique=True))
    sign = data.draw(st.sampled_from(["=", ": "]))
    text = "\n".join([*(f"{name}{sign}x" for name in names), "", REFUSED])
    told = explain_text(text)
    assert [one.context.settings.app for one in told] == [app]
    assert [one.finding.id for one in told] == ids(REFUSED)


def test_following_a_stream_tells_findings_as_they_come() -> None:
    """A failure is told before the stream ends, once whole and then in a line."""
    command = [sys.executable, "-m", "smtpdoctor", "explain", "--follow", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{BORING}\n{stamped(1, REFUSED)}\n")
        process.stdin.flush()
        assert "auth-bad-credentials" in process.stdout.readline()
        process.stdin.write(f"{stamped(2, REFUSED)}\n")
        process.stdin.flush()
        assert "auth-bad-credentials" in process.stdout.readline()
        process.stdin.close()
    assert process.returncode == 0


def test_following_a_stream_into_a_file_holds_nothing_back(tmp_path: Path) -> None:
    """The file has each finding as it comes, and a folder is no file."""
    told = tmp_path / "told"
    os.mkfifo(told)
    command = [sys.executable, "-m", "smtpdoctor", "explain", "--follow", "--quiet", "--output", str(told)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        with told.open() as reader:
            process.stdin.write(f"{stamped(1, REFUSED)}\n")
            process.stdin.flush()
            assert "auth-bad-credentials" in reader.readline()
            process.stdin.close()
    assert process.returncode == 0
    assert run("--follow", "--output", str(tmp_path))[0] == 2


def test_a_line_of_the_same_shape_with_another_code_is_judged_anew() -> None:
    """What differs between occurrences is folded, a reply code never."""
    log = [stamped(n, f"smtp response code: {code}") for n, code in enumerate((250, 250, 535))]
    assert of_bytes("\n".join(log * 900).encode())[0][:2] == ("auth-bad-credentials", 900)


def test_a_number_that_says_what_failed_is_not_folded() -> None:
    """Windows' numbers and addresses of this machine look like what varies, and decide all the same."""
    lines = [
        "smtp: connect ECONNREFUSED 192.0.2.7:587",
        "smtp: connect ECONNREFUSED 127.0.0.1:587",
        "smtp: socket error 10061",
        "smtp: socket error 10060",
    ]
    log = "\n".join(stamped(n, line) for n, line in enumerate(lines * 700))
    found = explain_source(Source(io.BytesIO(log.encode())))
    labels = {label for one in found for label in one.finding.evidence.labels}
    assert {one.finding.id for one in found} == {"connect-refused", "connect-timeout", "config-missing"}
    assert "loopback-default" in labels


# A word that is the name of a file


def test_a_word_that_is_the_name_of_a_file_is_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that stands for something else; an option is not needed for what is there."""
    monkeypatch.chdir(tmp_path)
    for name in ("app.log", "535", "a log"):
        (tmp_path / name).write_text("550 5.1.1 The email account does not exist\n")
        code, shown, errors = run(name, "--format", "json")
        (finding,) = json.loads(shown)["findings"]
        assert (code, errors) == (0, "")
        assert (finding["evidence"]["file"], finding["evidence"]["line"]) == (name, 1)


@pytest.mark.parametrize("word", ["nofile.log", "./mail", "logs/error.txt", "mail.log.1.gz", "/nowhere/mail"])
def test_a_word_that_looks_like_a_file_that_is_not_there(word: str) -> None:
    for lang in ("en", "ko"):
        code, shown, errors = run(word, "--lang", lang)
        assert code == 0
        assert shown
        assert word in errors


@pytest.mark.parametrize("word", ["smtp.gmail.com", "me@example.com", "TLS/SSL", "hello", "x" * 5000])
def test_a_word_that_is_no_file_name_is_not_called_one(word: str) -> None:
    assert run(word)[2] == ""


REFUSED_HERE = (
    "Error: connect ECONNREFUSED {host}:{port}",
    "dial tcp {host}:{port}: connect: connection refused (smtp)",
    'Errno::ECONNREFUSED (Connection refused - connect(2) for "{host}" port {port}) SMTP',
    "Could not connect to SMTP host: {host}, port: {port}; java.net.ConnectException: Connection refused",
    'smtp: Connection could not be established with host "{host}:{port}": stream_socket_client(): (Connection refused)',
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.1.1"])
@pytest.mark.parametrize("port", [25, 465, 587, 1025, 2525])
def test_whoever_is_refused_by_his_own_machine_is_told_so(host: str, port: int) -> None:
    """Only Nodemailer goes there at 465 and 587 by itself; it is told to others that it is their own machine."""
    for words in REFUSED_HERE:
        (one,) = explain_text(words.format(host=host, port=port))
        by_default = words is REFUSED_HERE[0] and port in {465, 587} and host != "127.0.1.1"
        assert one.finding.id == ("config-missing" if by_default else "connect-refused"), words
        told = {"loopback-default"} if by_default else {"loopback"}
        assert one.finding.evidence.labels & {"loopback", "loopback-default"} == told, words


@pytest.mark.parametrize("beside", ["listening on http://localhost:3000", "127.0.0.1:8080 GET /contact 500"])
def test_a_server_elsewhere_is_not_this_machine(beside: str) -> None:
    """Whatever else runs here and is named in the log."""
    (one,) = explain_text(f"{beside}\nError: connect ECONNREFUSED 203.0.113.5:587 smtp")
    assert one.finding.id == "connect-refused"
    assert not one.finding.evidence.labels & {"loopback", "loopback-default"}


ANYBODYS = (
    "Error: socket hang up",
    "Error: connect ETIMEDOUT",
    "Error: connect ETIMEDOUT 203.0.113.5:443",
    "Error: connect ECONNREFUSED 127.0.0.1:3000",
    "read ECONNRESET",
    "Error: getaddrinfo ENOTFOUND api.example.test",
    "certificate has expired",
    "self signed certificate in certificate chain",
    "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)",
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed",
    "x509: certificate signed by unknown authority",
)


@each("text", ANYBODYS)
def test_what_any_connection_may_end_in_is_possible_at_most(text: str) -> None:
    """With no word of mail beside it: it may have been a web server. With one it is told as sure as it is."""
    for written in (text, f"{text}\n    at TLSSocket.emit (node:events:519:28)"):
        assert {one.finding.confidence for one in explain_text(written)} <= {"possible"}
    told = [
        one.finding for each in ("smtp: ", "mail could not be sent: ") for one in explain_text(each + text)
    ]
    assert {"likely", "certain"} & {one.confidence for one in told}


@pytest.mark.parametrize(
    "word", ["WRONG_VERSION_NUMBER", "EHOSTUNREACH", "ETIMEDOUT", "ERR_TLS_CERT_ALTNAME_INVALID"]
)
def test_an_identifier_alone_is_not_known_to_be_of_mail(word: str) -> None:
    looked = look_up(word, None)
    assert looked is not None
    assert looked.finding.confidence == "possible"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Error: getaddrinfo ENOTFOUND smtp.corp-mail.kr", "smtp.corp-mail.kr"),
        ("dial tcp: lookup mx.corp-mail.kr: no such host (smtp)", "mx.corp-mail.kr"),
        ("Error: connect ECONNREFUSED 127.0.0.1:25", "127.0.0.1"),
        (
            "Could not connect to SMTP host: localhost, port: 25; java.net.ConnectException: Connection refused",
            "localhost",
        ),
        ("535 5.7.8 authentication failed", None),
        ("Error: getaddrinfo ENOTFOUND smtp://u:geheim@mx.corp-mail.kr", None),
        ("Error: getaddrinfo ENOTFOUND $(reboot).corp.kr smtp", None),
    ],
)
def test_the_host_that_a_text_names_is_the_one_to_try(text: str, host: str | None) -> None:
    """Not one of an example; and nothing that is no name of a host gets into a command."""
    for one in explain_text(text):
        assert one.finding.evidence.facts.get("named") == host
    done = cli("explain", text, code=0)
    assert "geheim" not in done.stdout
    if host is not None:
        assert "smtp.example.com" not in done.stdout
        assert re.search(rf"(?:nslookup|nc -vz) {re.escape(host)}", done.stdout), done.stdout
