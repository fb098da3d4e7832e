"""What `check` makes of servers that no real server is: broken, hostile, slow, or of another kind."""

from __future__ import annotations

import base64
import json
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest

import smtpdoctor
from smtpdoctor import doctor
from smtpdoctor.facts import ConnectFacts
from smtpdoctor.labels import Label
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.model import (
    Confidence,
    Report,
    Security,
    Severity,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.probes import step_of
from smtpdoctor.probes.session import Address, Failed, Options, Passed, Session, Skipped
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.settings.target import target_of
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.transcript import Transcript
from tests import servers
from tests.checking import (
    HOST,
    NEVER,
    PASSWORD,
    USER,
    assert_failed,
    assert_passed,
    check,
    ending,
    facts_of,
    ids,
    settings_for,
    stage_of,
)
from tests.each import each
from tests.servers import Peer, Script, Server, dialogue, dns_server, serve

if TYPE_CHECKING:
    from tests.certs import Certificates

TOKEN = "ya29." + "aB3-" * 20
NO_LOGIN: dict[str, Any] = {"username": None, "password": None}
TIMEOUT = 0.4
STAGE_OF_VERB = {
    "EHLO": Stage.GREETING,
    "STARTTLS": Stage.TLS,
    "AUTH": Stage.AUTH,
    "MAIL": Stage.SENDER,
    "RCPT": Stage.RECIPIENT,
    "DATA": Stage.SEND,
    ".": Stage.SEND,
}


def run(server: Server, security: str = "none", *, port: int | None = None, **values: Any) -> Report:
    return check(port or server.port, security, dial=server.port, **values)


def sent(server: Server) -> list[str]:
    """Return the verbs that came, once every client is gone."""
    server.join()
    return [line.split(" ")[0].partition(":")[0] for line in server.lines]


def logins(server: Server) -> int:
    server.join()
    return sum(line.upper().startswith("AUTH ") for line in server.lines)


def trusting(certificates: Certificates, **more: Any) -> dict[str, Any]:
    return {"ca_file": str(certificates.ca_pem), "timeout": 3.0, **more}


# -- Something else, or broken ------------------------------------------------

STRANGERS: dict[str, tuple[Script, str, str]] = {
    # the script, what it is found to be in the clear, and where TLS was expected
    "silent": (servers.silent, "greeting-timeout", "tls-handshake"),
    "http": (servers.http_server, "not-smtp", "not-smtp"),
    "ssh": (servers.ssh_banner, "not-smtp", "not-smtp"),
    "imap": (servers.imap_banner, "not-smtp", "not-smtp"),
    "pop3": (servers.pop3_banner, "not-smtp", "not-smtp"),
    "endless line": (servers.endless_line, "not-smtp", "config-tls-mode"),
    "endless reply": (servers.endless_multiline, "not-smtp", "config-tls-mode"),
    "dripping": (servers.dripping(gap=0.05), "greeting-timeout", "config-tls-mode"),
    "closing": (servers.closing, "connect-closed", "connect-closed"),
    "resetting": (servers.resetting, "connect-closed", "connect-closed"),
}


# Known by their first words or their end; all others are waited for.
AT_ONCE = {"ssh", "imap", "pop3", "resetting"}


@each("kind", STRANGERS)
@each("security", ["starttls", "tls"])
def test_what_is_no_mail_server(kind: str, security: str) -> None:
    """Each is named for what it is, in time, and no login is sent to it."""
    script, in_clear, in_tls = STRANGERS[kind]
    with serve(script) as server:
        with ending():
            report = run(server, security, options={"timeout": 10.0 if kind in AT_ONCE else TIMEOUT})
        implicit = security == "tls"
        stage = Stage.TLS if implicit else Stage.GREETING
        if kind == "resetting" and stage_of(report, Stage.CONNECT) is Status.FAIL:
            stage = Stage.CONNECT  # the reset may come before the system says that the connection was made
        assert_failed(report, in_tls if implicit else in_clear, stage)
        if kind in {"http", "ssh", "imap", "pop3"}:
            assert kind in report.findings[0].evidence.labels
        assert logins(server) == 0


def test_a_slow_server_is_waited_for() -> None:
    """A greeting that comes byte by byte, but within the time-out, is a greeting."""
    with serve(servers.dripping(b"220 hi\r\n", gap=0.02), dialogue(greeting=None)) as server:
        assert_passed(run(server))


@pytest.mark.parametrize(
    ("data", "label", "words"),
    [
        (b"220-mail.example.test\r\n" * 2, Label.UNFINISHED, "did not finish it"),
        (b"220-mail.example.test\r\n" * 9, Label.UNENDING, "one line of its greeting after the other"),
        (b"220-mail.exam", Label.UNFINISHED, "did not finish it"),
    ],
)
def test_a_greeting_that_comes_to_no_end(data: bytes, label: Label, words: str) -> None:
    """It is never said that none came, and of many lines not that a postscreen sends them."""
    with serve(servers.sequence(servers.raw(data), servers.silent)) as server:
        report = run(server, options={"timeout": TIMEOUT})
        assert_failed(report, "greeting-timeout", Stage.GREETING)
        assert label in report.findings[0].evidence.labels
        for lang in ("en", "ko"):
            (problem,) = [
                one for one in smtpdoctor.words(report, lang).problems if one.id == "greeting-timeout"
            ]
            assert "220-mail" in problem.cause
            assert lang == "ko" or words in problem.cause
            assert ("postscreen" in problem.cause) == (label is Label.UNFINISHED)


def test_an_answer_that_comes_to_no_end() -> None:
    """Whoever has begun to answer is not told to have given none."""
    begun = servers.sequence(servers.raw(b"250-mail.example.test\r\n"), servers.silent)
    with serve(dialogue({"EHLO": begun})) as server:
        report = run(server, options={"timeout": 1.0})
        assert_failed(report, "reply-timeout", Stage.GREETING)
        (problem,) = [one for one in smtpdoctor.words(report, "en").problems if one.id == "reply-timeout"]
        assert "no answer" not in problem.cause
        assert "250-mail.example.test" in problem.cause


@pytest.mark.parametrize("kind", ["silent", "dripping", "endless line", "endless reply"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_deadline_of_the_run_holds(kind: str, security: str) -> None:
    """With a long time-out for the stage the deadline of the whole run ends it."""
    with serve(STRANGERS[kind][0]) as server:
        with ending():
            report = run(server, security, options={"timeout": NEVER, "deadline": TIMEOUT})
        assert report.verdict in {"fail", "inconclusive"}


@pytest.mark.parametrize("verb", STAGE_OF_VERB)
def test_every_wait_ends(verb: str) -> None:
    """A server that stops talking at a command costs one time-out, and the right stage fails."""
    with serve(dialogue({verb: servers.dripping(b"250-" + b"x" * 1000, gap=0.05)})) as server:
        if verb == "STARTTLS":
            server_verb = dialogue({verb: servers.silent}, capabilities=["STARTTLS"])
            with serve(server_verb) as other:
                _ends_in_time(other, "starttls", Stage.TLS)
            return
        _ends_in_time(server, "none", STAGE_OF_VERB[verb])


def _ends_in_time(server: Server, security: str, stage: Stage) -> None:
    with ending():
        report = run(server, security, to=USER, options={"timeout": TIMEOUT, "deadline": NEVER})
    assert stage_of(report, stage) is Status.FAIL
    assert report.findings[0].evidence.error == "timeout"


@pytest.mark.parametrize("verb", STAGE_OF_VERB)
@pytest.mark.parametrize("way", [servers.closing, servers.resetting])
def test_hanging_up(certificates: Certificates, verb: str, way: Script) -> None:
    """A connection that ends at a command fails in that stage, whichever way it ends."""
    with serve(dialogue({verb: way}, starttls_cert=certificates.good)) as server:
        report = run(server, "starttls", to=USER, options=trusting(certificates))
        assert_failed(report, "connect-closed", STAGE_OF_VERB[verb])
        assert report.findings[0].evidence.error in {"eof", "ECONNRESET", "EPIPE"}
        assert ("closed-after-auth" in report.findings[0].evidence.labels) == (verb == "AUTH")


@pytest.mark.parametrize("verb", STAGE_OF_VERB)
def test_garbage(certificates: Certificates, verb: str) -> None:
    """A line that is no reply fails the stage; nothing is sent behind it."""
    with serve(dialogue({verb: "xyzzy plugh"}, starttls_cert=certificates.good)) as server:
        report = run(server, "starttls", to=USER, options=trusting(certificates))
        # Who has answered EHLO speaks SMTP; what comes then is a broken reply.
        finding = "not-smtp" if verb == "EHLO" else "server-error"
        assert_failed(report, finding, STAGE_OF_VERB[verb])


# -- Refusals -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "findings"),
    [
        ("EHLO", {"greeting-rejected", "server-error"}),
        ("STARTTLS", {"starttls-rejected"}),
        ("AUTH", {"auth-throttled", "server-error"}),
        ("MAIL", {"server-error", "rate-limited"}),
        ("RCPT", {"server-error", "rate-limited"}),
        ("DATA", {"server-error", "rate-limited"}),
        (".", {"server-error", "rate-limited"}),
    ],
)
@pytest.mark.parametrize("text", ["4.3.2 Service shutting down", "closing transmission channel"])
def test_421_to_any_command(certificates: Certificates, verb: str, findings: set[str], text: str) -> None:
    """RFC 5321 section 3.8: 421 may answer any command, and means to come again later."""
    with serve(dialogue({verb: f"421 {text}"}, starttls_cert=certificates.good)) as server:
        report = run(server, "starttls", to=USER, options=trusting(certificates))
        assert report.findings[0].id in findings
        assert report.findings[0].retryable
        assert stage_of(report, STAGE_OF_VERB[verb]) is Status.FAIL


@pytest.mark.parametrize("greeting", ["421 4.3.2 Service not available", "554 No SMTP service here"])
def test_a_greeting_that_turns_away(greeting: str) -> None:
    """The server's words are the evidence."""
    with serve(dialogue(greeting=greeting)) as server:
        report = run(server)
        assert_failed(report, "greeting-rejected", Stage.GREETING)
        assert report.findings[0].evidence.text in greeting


@pytest.mark.parametrize("verb", ["EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("reply", ["577 5.9.9 The flux capacitor is misaligned", "477 Miau"])
def test_a_refusal_in_unknown_words(certificates: Certificates, verb: str, reply: str) -> None:
    """There is an error finding all the same, none too sure of itself, and the words are quoted."""
    with serve(dialogue({verb: reply}, starttls_cert=certificates.good)) as server:
        report = run(server, "starttls", to=USER, options=trusting(certificates))
        assert stage_of(report, STAGE_OF_VERB[verb]) is Status.FAIL
        finding = report.findings[0]
        assert finding.severity is Severity.ERROR
        assert finding.confidence is Confidence.POSSIBLE or verb == "STARTTLS"
        assert reply.endswith(finding.evidence.text)


@pytest.mark.parametrize("verb", ["AUTH", "DATA", "MAIL", "RCPT"])
def test_a_yes_with_the_wrong_code(verb: str) -> None:
    """RFC 4954 has 235 and 334 for AUTH: a 250 there is neither yes nor no, and not for certain a reply too many."""
    code = 235 if verb in {"MAIL", "RCPT"} else 250
    with serve(dialogue({verb: f"{code} Fine, but what for?"})) as server:
        report = run(server, to=USER)
        assert_failed(report, "wrong-reply", STAGE_OF_VERB[verb])
        assert report.findings[0].evidence.code == code
        assert report.findings[0].confidence is Confidence.LIKELY
        assert report.findings[0].candidates == ("stray-reply",)


_EXPECTED_CODE = {"AUTH": 235, "DATA": 354, "MAIL": 250, "RCPT": 250}


@pytest.mark.parametrize("verb", _EXPECTED_CODE)
def test_a_wrong_code_with_the_real_answer_behind_it(verb: str) -> None:
    """Then it is known to belong to no command, and whatever comes behind it is no success."""
    code = 235 if verb in {"MAIL", "RCPT"} else 250
    with serve(dialogue({verb: f"{code} Fine\n{_EXPECTED_CODE[verb]} Indeed"})) as server:
        report = run(server, to=USER)
        assert_failed(report, "stray-reply", STAGE_OF_VERB[verb])


def test_a_reply_that_was_there_before_the_login_is_told_as_such() -> None:
    """It is never taken for the answer to AUTH, whichever it is, and the login is not sent."""
    for line in ("235 2.7.0 welcome", "250 OK", "334 "):
        hello = servers.multiline(250, "mail.example.test", "AUTH PLAIN")
        with serve(dialogue({"EHLO": f"{hello}\n{line}"})) as server:
            report = run(server)
            assert report.findings[0].id == "stray-reply"
            assert not any(sent.startswith("AUTH") for sent in server.lines), line


def test_relay_denied_after_a_login() -> None:
    """Logged in and refused all the same: the server does not pass mail on for this account."""
    with serve(dialogue({"RCPT": "554 5.7.1 <x@y.example>: Relay access denied"})) as server:
        assert_failed(run(server, to="x@y.example"), "relay-denied", Stage.RECIPIENT)


# -- EHLO ---------------------------------------------------------------------


@pytest.mark.parametrize("code", ["500 5.5.1 what?", "502 5.5.2 Error: command not recognized"])
def test_helo_where_ehlo_is_unknown(code: str) -> None:
    """An old server is spoken to as RFC 821 has it."""
    with serve(dialogue({"EHLO": code})) as server:
        assert_passed(run(server, **NO_LOGIN))
        assert sent(server) == ["EHLO", "HELO", "MAIL", "RSET", "QUIT"]


def test_helo_offers_nothing() -> None:
    """A login or STARTTLS cannot be had from a server that knows HELO only."""
    with serve(dialogue({"EHLO": "502 5.5.2 no"})) as server:
        assert_failed(run(server), "auth-not-offered", Stage.AUTH)
        assert_failed(run(server, "starttls"), "starttls-not-offered", Stage.TLS)


_NO_TO_EHLO = {
    "none": (450, 501, 554),
    "opportunistic": (451, 503, 550),
    "tls": (454, 504, 551),
    "starttls": (450, 521, 599),
}


@pytest.mark.parametrize("security", _NO_TO_EHLO)
def test_helo_where_ehlo_is_refused(security: str, certificates: Certificates) -> None:
    """Every common client tries HELO then, and sends; inside TLS as before it, whatever the refusal is."""
    good = certificates.good
    for code in _NO_TO_EHLO[security]:
        refusal = f"{code} not that way"
        known = f"250-{servers.HOSTNAME}\n250 STARTTLS"
        replies = {"EHLO": [known, refusal] if security == "starttls" else refusal}
        script = dialogue(
            replies,
            starttls_cert=good if security == "starttls" else None,
            implicit_cert=good if security == "tls" else None,
        )
        with serve(script) as server:
            report = run(server, security, options=trusting(certificates), **NO_LOGIN)
            assert_passed(report)
            assert sent(server)[-4:] == ["HELO", "MAIL", "RSET", "QUIT"], code


@pytest.mark.parametrize("code", [421, 450, 501, 550])
def test_helo_is_no_way_where_more_is_needed(code: int) -> None:
    """A login and STARTTLS are had by EHLO alone: its refusal is the cause, not that nothing is offered."""
    refusal = f"{code} not that way"
    for security, login in (("none", {}), ("starttls", NO_LOGIN)):
        with serve(dialogue({"EHLO": refusal})) as server:
            report = run(server, security, **login)
            assert_failed(report, report.findings[0].id, Stage.GREETING)
            assert (report.findings[0].evidence.code, sent(server).count("HELO")) == (code, 0)


@pytest.mark.parametrize("second", ["503 5.5.1 EHLO first", "421 bye", "550 5.7.1 Helo command rejected", ""])
def test_what_is_told_is_the_refusal_of_ehlo(second: str) -> None:
    """Whatever comes to HELO, if it comes to no yes: the server has said why it does not want us."""

    def hang_up(_: Peer) -> None:
        raise servers.Finished

    helo: Any = second or hang_up
    with serve(dialogue({"EHLO": "550 5.7.1 Helo command rejected: bad name", "HELO": helo})) as server:
        report = run(server, **NO_LOGIN)
    assert_failed(report, "helo-rejected", Stage.GREETING)
    evidence = report.findings[0].evidence
    assert (evidence.text, evidence.facts["command"]) == ("5.7.1 Helo command rejected: bad name", "EHLO")


@pytest.mark.parametrize(
    ("greeting", "banner", "quirks"),
    [
        (b"220 hi\n", "hi", ["bare-lf"]),
        ("220 안녕\r\n".encode(), "안녕", None),
        ("220 안녕\r\n".encode("cp949"), "안녕", None),
        (b"220 caf\xe9\r\n", "café", None),
        (b"220 hi\r\r\n", "hi", ["extra-cr"]),
        (b"250-hi\r\n220 you\r\n", "hi you", ["codes-differ"]),
        (b"220\r\n", "", None),
        (b"220 " + b"x" * 4000 + b"\r\n", "x" * 4000, None),
    ],
)
def test_odd_but_usable_replies(greeting: bytes, banner: str, quirks: list[str] | None) -> None:
    """What a strict client would refuse is taken, and said."""
    with serve(servers.raw(greeting), dialogue(greeting=None)) as server:
        report = run(server)
        assert_passed(report)
        facts = facts_of(report, Stage.GREETING)
        assert facts["banner"] == banner
        assert facts.get("quirks") == (quirks or [])


@pytest.mark.parametrize("step", ["", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."])
def test_a_line_without_a_code_ends_the_sending(step: str) -> None:
    """Some clients read over it; smtplib and Nodemailer do not, so nobody may call this healthy."""
    code = {"": 220, "AUTH": 235, "DATA": 354}.get(step, 250)
    garbled = f"{code}-one\r\nno code\r\n{code} two"
    told = {step: garbled} if step else {}
    greeting = garbled if not step else "220 mx.example.test ESMTP"
    with serve(servers.raw(f"{greeting}\r\n".encode()), dialogue(told, greeting=None)) as server:
        report = run(server, to=USER)
    assert not report.healthy
    assert report.findings[0].evidence.labels >= {Label.BROKEN_REPLY}


# -- TLS ----------------------------------------------------------------------


@pytest.mark.parametrize("reply", ["454 4.7.0 TLS not available due to local problem", "502 no"])
def test_starttls_is_offered_but_refused(reply: str) -> None:
    """The server said that it can, and then that it cannot."""
    with serve(dialogue({"STARTTLS": reply}, capabilities=["STARTTLS", "AUTH PLAIN"])) as server:
        assert_failed(run(server, "starttls"), "starttls-rejected", Stage.TLS)
        assert sent(server) == ["EHLO", "STARTTLS", "QUIT"] or sent(server) == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize("security", ["starttls", "opportunistic"])
def test_starttls_injection(certificates: Certificates, security: str) -> None:
    """RFC 3207, CVE-2011-0411: text behind the 220 was put there by somebody; nothing goes on."""
    parts = (servers.greet(), servers.ehlo("STARTTLS"), servers.starttls_with_injection(certificates.good))
    with serve(*parts) as server:
        report = run(server, security, options=trusting(certificates))
        assert_failed(report, "starttls-injection", Stage.TLS)
        assert logins(server) == 0


@pytest.mark.parametrize(
    ("security", "capabilities", "finding", "summary"),
    [
        ("none", ["STARTTLS", "SIZE"], "starttls-required", "auth.after-starttls"),
        ("none", ["SIZE"], "auth-not-offered", "auth.not-offered"),
        ("starttls", ["STARTTLS"], "auth-not-offered", "auth.not-offered"),
    ],
)
def test_why_there_is_no_auth(
    certificates: Certificates, security: str, capabilities: list[str], finding: str, summary: str
) -> None:
    """Many servers name AUTH only inside TLS (RFC 4954 section 4); who names it nowhere has none."""
    cert = certificates.good if security == "starttls" else None
    with serve(dialogue(capabilities=capabilities, starttls_cert=cert)) as server:
        report = run(server, security, options=trusting(certificates))
        assert_failed(report, finding, Stage.AUTH)
        assert next(one.summary.key for one in report.stages if one.stage is Stage.AUTH) == summary
        # STARTTLS inside TLS: the server does not see that it is there.
        assert (Label.TLS_UNSEEN in report.findings[0].evidence.labels) == (security == "starttls")


def test_a_server_with_other_mechanisms_only() -> None:
    """What it offers stands in the finding and in the facts."""
    with serve(dialogue(capabilities=["AUTH NTLM GSSAPI"])) as server:
        report = run(server)
        assert_failed(report, "auth-mechanism", Stage.AUTH)
        assert report.findings[0].evidence.facts["mechanisms"] == "NTLM GSSAPI"
        assert facts_of(report, Stage.AUTH)["offered"] == ["NTLM", "GSSAPI"]


def test_a_challenge_may_be_folded() -> None:
    """The lines of a reply are one challenge, whatever blanks are between."""
    challenge = base64.b64encode(servers.CHALLENGE).decode()

    def cram(peer: Peer) -> None:
        peer.send_line(f"334-{challenge[:8]} \n334 {challenge[8:]}")
        user, _, digest = base64.b64decode(peer.read_line()).decode().rpartition(" ")
        right = servers.Login("CRAM-MD5", user, digest).matches(PASSWORD)
        peer.send_line("235 yes" if right else "535 no")

    parts = (servers.greet(), servers.ehlo("AUTH CRAM-MD5"), servers.on("AUTH", cram), servers.quit_ok())
    with serve(*parts) as server:
        assert stage_of(run(server), Stage.AUTH) is Status.PASS


@pytest.mark.parametrize(("host", "known"), [("smtp.gmail.com", True), ("mail.example.test", False)])
def test_a_providers_own_name_is_known(host: str, known: bool) -> None:
    """Of which no address is this machine, and no other certificate is right."""
    target = target_of(settings_for(587, "starttls", host=host, preset="gmail"))
    assert target is not None
    assert target.known_host is known


def test_capabilities_from_before_tls_are_forgotten(certificates: Certificates) -> None:
    """RFC 3207 section 4.2: what was said in the clear counts for nothing."""
    script = dialogue(starttls_cert=certificates.good, tls_capabilities=["SIZE 1000"])
    with serve(script) as server:
        report = run(server, "starttls", options=trusting(certificates))
        assert_failed(report, "auth-not-offered", Stage.AUTH)


def test_a_keyword_without_its_blank_is_no_capability(certificates: Certificates) -> None:
    """RFC 5321 section 4.2: no client that sends mail would read ``250STARTTLS`` as STARTTLS."""
    hello = servers.on("EHLO", "250-mail.example.test\r\n250STARTTLS")
    with serve(servers.greet(), hello, servers.silent) as server:
        report = run(server, "starttls", options=trusting(certificates))
        assert_failed(report, "starttls-not-offered", Stage.TLS)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("implicit", [True, False])
def test_old_tls_only(certificates: Certificates, implicit: bool) -> None:
    """RFC 8996: TLS 1.1 is over; the finding says that this is all the server has."""
    old = {"minimum": ssl.TLSVersion.TLSv1, "maximum": ssl.TLSVersion.TLSv1_1}
    start = (
        [servers.tls_on_connect(certificates.good, **old)]
        if implicit
        else [servers.greet(), servers.ehlo("STARTTLS"), servers.starttls(certificates.good, **old)]
    )
    with serve(*start, servers.silent) as server:
        report = run(server, "tls" if implicit else "starttls", options=trusting(certificates))
        assert_failed(report, "tls-version", Stage.TLS)


def test_a_weak_key_is_no_missing_intermediate(certificates: Certificates) -> None:
    """OpenSSL refuses the key; advice about the chain would lead astray."""
    with serve(dialogue(starttls_cert=certificates.weak_key)) as server:
        report = run(server, "starttls", options=trusting(certificates))
        assert stage_of(report, Stage.TLS) is Status.FAIL
        assert report.findings[0].evidence.labels == frozenset()
        assert report.findings[0].evidence.error == "x509-66"


def test_two_things_wrong_with_a_certificate(certificates: Certificates) -> None:
    """What OpenSSL refused first is the root cause, the other is told beside it."""
    with serve(dialogue(starttls_cert=certificates.expired)) as server:
        report = run(server, "starttls", host="else.example.test", options=trusting(certificates))
        assert ids(report) == ["tls-cert-name", "tls-cert-expired"]


def test_the_name_is_kept_where_another_address_is_dialled(certificates: Certificates) -> None:
    """`--connect-to` changes the address only: SNI and the certificate's check use the name."""
    with serve(dialogue(implicit_cert=certificates.good)) as server:
        options = trusting(certificates)
        assert_passed(run(server, "tls", host="mail.example.test", port=465, options=options))
        assert server.connections[0].server_name == "mail.example.test"


def test_without_starttls_opportunistic_sends_no_login_beyond_this_machine() -> None:
    """STARTTLS taken away on the way must not lead to a password in the clear."""
    with serve(dialogue()) as server:
        session = _session(server, Security.OPPORTUNISTIC)
        passed = _step(session, Stage.TLS)
        assert isinstance(passed, Passed)
        assert [Label.OPPORTUNISTIC in one.labels for one in passed.evidence] == [True]
        with pytest.raises(Failed) as failure:
            _step(session, Stage.AUTH)
        assert failure.value.evidence[0].labels == {Label.CLEARTEXT}
        session.open_channel().close()
        assert logins(server) == 0


# -- Login --------------------------------------------------------------------


def _new_session(port: int, security: Security, **options: Any) -> Session:
    target = target_of(settings_for(port, security.value))
    assert target is not None
    return Session(target, Options(**options), Transcript(Redactor([PASSWORD])), time.monotonic() + 10)


def _session(server: Server, security: Security, **options: Any) -> Session:
    """Return a session whose server is, as far as it knows, on another machine."""
    session = _new_session(server.port, security, **options)
    session.start_stage(Stage.GREETING)
    session.channel = Channel.connect(HOST, server.port, session.transcript, session.deadline)
    session.address = Address("192.0.2.1", server.port)
    assert isinstance(_step(session, Stage.GREETING), Passed)
    return session


def _step(session: Session, stage: Stage) -> Passed | Skipped:
    session.start_stage(stage)
    return step_of(stage)(session)


@pytest.mark.parametrize("security", [Security.NONE, Security.OPPORTUNISTIC])
def test_no_login_in_the_clear_to_another_machine(security: Security) -> None:
    """Not one byte of the login is sent, and the catalogue knows why."""
    with serve(dialogue()) as server:
        session = _session(server, security)
        with pytest.raises(Failed) as failure:
            _step(session, Stage.AUTH)
        assert failure.value.evidence[0].labels == {Label.CLEARTEXT}
        session.open_channel().close("QUIT")
        assert sent(server) == ["EHLO", "QUIT"]


def test_a_login_in_the_clear_where_the_user_says_so() -> None:
    """`--allow-cleartext-auth` is the user's word."""
    with serve(dialogue()) as server:
        session = _session(server, Security.NONE, allow_cleartext_auth=True)
        passed = _step(session, Stage.AUTH)
        assert isinstance(passed, Passed)
        assert [one.labels for one in passed.evidence] == [{Label.CLEARTEXT_ALLOWED}]
        session.open_channel().close("QUIT")
        assert logins(server) == 1


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_addresses(ip: str) -> None:
    """All of 127.0.0.0/8 and ::1 are this machine."""
    assert Address(ip, 25).is_loopback


@pytest.mark.parametrize("ip", ["192.0.2.1", "10.0.0.1", "fe80::1%lo", "2001:db8::1", "0.0.0.0"])  # noqa: S104
def test_other_addresses(ip: str) -> None:
    """Nothing else is, however near."""
    assert not Address(ip, 25).is_loopback


def _for_ever(peer: Peer) -> None:
    while True:
        peer.send_line("334 ")
        peer.read_line()


ANSWERS: list[str | Script] = [
    "235 2.7.0 ok",
    "535 5.7.8 Error: authentication failed",
    "535 5.7.9 Application-specific password required",
    "534 5.7.14 Please log in with your web browser",
    "530 5.7.0 Must issue a STARTTLS command first",
    "504 5.5.4 Unrecognized authentication type",
    "501 5.5.2 Cannot decode",
    "502 5.5.2 Error: command not recognized",
    "454 4.7.0 Temporary authentication failure",
    "432 4.7.12 A password transition is needed",
    "421 4.7.0 Try again later",
    "334 ",
    "xyzzy",
    _for_ever,
    servers.closing,
    servers.resetting,
]


@each("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
@each("number", range(len(ANSWERS)))
def test_one_login_attempt(mechanism: str, number: int) -> None:
    """Whatever the answer, there is no second attempt: it could lock the account."""
    script = dialogue({"AUTH": ANSWERS[number]}, capabilities=[f"AUTH {mechanism}"])
    with serve(script) as server:
        password = TOKEN if mechanism == "XOAUTH2" else PASSWORD
        report = run(server, password=password, options={"timeout": 2.0})
        assert facts_of(report, Stage.AUTH)["mechanism"] == mechanism
        assert (report.verdict == "pass") == (number == 0)
        assert logins(server) == 1


def test_one_login_attempt_with_several_mechanisms() -> None:
    """A refusal of the best mechanism is no reason to try the next."""
    with serve(dialogue({"AUTH": "535 no"}, capabilities=["AUTH LOGIN CRAM-MD5 PLAIN"])) as server:
        report = run(server)
        assert facts_of(report, Stage.AUTH)["mechanism"] == "PLAIN"
        assert logins(server) == 1


@pytest.mark.parametrize(
    ("offer", "password", "label"),
    [
        ("AUTH GSSAPI NTLM", PASSWORD, "no-common-mechanism"),
        ("AUTH XOAUTH2 OAUTHBEARER", PASSWORD, "only-oauth"),
        ("AUTH PLAIN LOGIN", TOKEN, "no-common-mechanism"),
    ],
)
def test_no_mechanism_in_common(offer: str, password: str, label: str) -> None:
    """The login is not tried with a mechanism that is bound to fail."""
    with serve(dialogue(capabilities=[offer])) as server:
        report = run(server, password=password)
        assert_failed(report, "auth-mechanism", Stage.AUTH)
        assert report.findings[0].evidence.labels == {label}
        assert logins(server) == 0


@pytest.mark.parametrize(
    ("offers", "mechanism"),
    [(["AUTH=LOGIN"], "LOGIN"), (["AUTH=PLAIN", "AUTH LOGIN"], "PLAIN"), (["auth login plain"], "PLAIN")],
)
def test_old_ways_to_offer_a_login(offers: list[str], mechanism: str) -> None:
    """`AUTH=LOGIN` is what servers of the nineties said."""
    with serve(dialogue(capabilities=offers)) as server:
        report = run(server)
        assert_passed(report)
        assert facts_of(report, Stage.AUTH)["mechanism"] == mechanism


def test_a_token_is_sent_as_xoauth2() -> None:
    """An OAuth token in place of the password is recognised."""
    with serve(dialogue(capabilities=["AUTH PLAIN XOAUTH2"], users={USER: TOKEN})) as server:
        report = run(server, password=TOKEN)
        assert_passed(report)
        assert server.connections[0].logins == [servers.Login("XOAUTH2", USER, TOKEN)]


def test_a_refused_token() -> None:
    """The error comes as a challenge in JSON, is answered with an empty line, and is told."""
    problem = json.dumps({"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"})

    def refuse(peer: Peer) -> None:
        peer.send_line(f"334 {base64.b64encode(problem.encode()).decode()}")
        assert peer.read_line() == ""
        peer.send_line("535-5.7.8 Username and Password not accepted.\n535 5.7.8 gsmtp")

    with serve(dialogue({"AUTH": refuse}, capabilities=["AUTH XOAUTH2"])) as server:
        report = run(server, password=TOKEN)
        assert_failed(report, "auth-oauth", Stage.AUTH)
        assert facts_of(report, Stage.AUTH)["detail"] == problem
        assert report.findings[0].evidence.code == 535
        server.join()
        assert server.lines[2] == ""


@pytest.mark.parametrize("missing", ["username", "password"])
def test_half_a_login_is_none(missing: str) -> None:
    """With one of the two there is no attempt, and what is missing is said."""
    with serve(dialogue()) as server:
        half: dict[str, Any] = {missing: None}
        report = run(server, **half)
        assert stage_of(report, Stage.AUTH) is Status.SKIP
        assert ids(report)
        assert logins(server) == 0


def test_a_server_that_wants_a_login() -> None:
    """None is set, one is offered, and MAIL FROM is refused."""
    with serve(dialogue(auth_required=True)) as server:
        assert_failed(run(server, **NO_LOGIN), "auth-required", Stage.SENDER)


@pytest.mark.parametrize("text", ["a\nQUIT", "a\rb", "", "x" * 5000, "ü€😀"])
def test_odd_passwords(text: str) -> None:
    """Base64 carries anything; nothing leaks into a second command, nothing crashes."""
    with serve(dialogue(capabilities=["AUTH PLAIN"], users={USER: text})) as server:
        report = run(server, password=text)
        assert_passed(report)
        assert sent(server) == ["EHLO", "AUTH", "MAIL", "RSET", "QUIT"]


def test_a_suspicion_is_settled_by_the_login() -> None:
    """A password that looks like a placeholder, but works, is none; what was said of it stays said."""
    with serve(dialogue(users={USER: "changeme"})) as server:
        report = run(server, password="changeme")
        assert_passed(report)
        assert report.stages[0].summary.key == "config.suspected"
        assert [(one.finding.evidence.labels, one.by) for one in report.settled] == [
            (frozenset({Label.PLACEHOLDER}), Stage.AUTH)
        ]
    with serve(dialogue(users={})) as server:
        report = run(server, password="changeme")
        assert report.findings[0].evidence.labels == {Label.PLACEHOLDER}
        assert report.settled == ()
        assert report.stages[0].suspected


# -- Sender, recipient, message -----------------------------------------------


def test_a_sender_that_needs_smtputf8() -> None:
    """RFC 6531: without the extension such an address cannot be said, so it is not."""
    sender = "민수@example.test"
    with serve(dialogue(capabilities=["AUTH PLAIN"])) as server:
        assert_failed(run(server, sender=sender), "message-invalid", Stage.SENDER)
        assert "MAIL" not in sent(server)
    with serve(dialogue(capabilities=["AUTH PLAIN", "SMTPUTF8"])) as server:
        assert_passed(run(server, sender=sender))
        assert f"MAIL FROM:<{sender}> SMTPUTF8" in server.lines


def test_a_domain_beyond_ascii_needs_no_extension() -> None:
    """It has an ASCII form (RFC 5891)."""
    with serve(dialogue(capabilities=["AUTH PLAIN"])) as server:
        assert_passed(run(server, sender="a@예시.example.test"))
        domain = "예시.example.test".encode("idna").decode()
        assert f"MAIL FROM:<a@{domain}>" in server.lines


def test_without_a_recipient_no_message_leaves() -> None:
    """MAIL FROM is taken back, and DATA never said."""
    with serve(dialogue()) as server:
        report = run(server)
        assert_passed(report)
        assert sent(server) == ["EHLO", "AUTH", "MAIL", "RSET", "QUIT"]
        assert server.messages == []


def test_until_recipient_sends_nothing() -> None:
    """RCPT TO is the last command, and is taken back."""
    with serve(dialogue()) as server:
        report = run(server, to=USER, options={"until": Stage.RECIPIENT})
        assert_passed(report)
        assert report.stages[-1].stage is Stage.RECIPIENT
        assert sent(server) == ["EHLO", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"]
        assert server.messages == []


@pytest.mark.parametrize(
    ("until", "verbs"),
    [
        (Stage.CONNECT, []),
        (Stage.TLS, ["EHLO", "STARTTLS", "EHLO"]),
        (Stage.AUTH, ["EHLO", "STARTTLS", "EHLO", "AUTH"]),
        (Stage.SENDER, ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RSET"]),
        (Stage.SEND, ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]),
    ],
)
def test_no_command_too_many(certificates: Certificates, until: Stage, verbs: list[str]) -> None:
    """One connection, and no round trip that the stages do not need; QUIT ends it, but never before the greeting."""
    with serve(dialogue(starttls_cert=certificates.good)) as server:
        to = USER if until is Stage.SEND else None
        report = run(server, "starttls", to=to, options=trusting(certificates, until=until))
        assert_passed(report)
        assert sent(server) == ([*verbs, "QUIT"] if verbs else [])
        assert len(server.connections) <= 1
        assert len(server.messages) == (1 if until is Stage.SEND else 0)


def test_until_dns_opens_no_connection() -> None:
    """Names only."""
    with serve(dialogue()) as server:
        assert_passed(run(server, options={"until": Stage.DNS}))
        assert server.connections == []


def test_the_message_is_one_that_filters_let_pass() -> None:
    """It has the usual headers, names itself as automatic, and holds the token to look for."""
    with serve(dialogue()) as server:
        report = run(server, to="you@example.test", sender="App <app@example.test>")
        token = facts_of(report, Stage.SEND)["token"]
        (message,) = server.messages
        for part in (b"From: App <app@example.test>\r\n", b"To: you@example.test\r\n", b"\r\nDate: "):
            assert part in message
        assert b"\r\nAuto-Submitted: auto-generated\r\n" in message
        assert token.encode() in message
        assert f"MAIL FROM:<app@example.test> SIZE={facts_of(report, Stage.SEND)['size']}" in server.lines


@pytest.mark.parametrize(
    ("reply", "queue_id"),
    [
        ("250 2.0.0 Ok: queued as 4F2A1B", "4F2A1B"),
        ("250 OK id=1sXyZa-0001Ab-2C", "1sXyZa-0001Ab-2C"),
        ("250 2.0.0 46A1Bc2D012345 Message accepted for delivery", "46A1Bc2D012345"),
        ("250 Ok 0102018f-1234-abcd", "0102018f-1234-abcd"),
        ("250 Ok", None),
        ("250 Thank you", None),
    ],
)
def test_queue_ids(reply: str, queue_id: str | None) -> None:
    """The id by which the server's owner finds the message, where the server tells it."""
    with serve(dialogue({".": reply})) as server:
        facts = facts_of(run(server, to=USER), Stage.SEND)
        assert facts["queue_id"] == (queue_id or "")


# -- Addresses ----------------------------------------------------------------


def test_the_next_address_is_tried() -> None:
    """The first address refuses, the second answers: the run goes on with it, and both are told."""
    with serve(dialogue()) as server:
        session = _new_session(server.port, Security.NONE)
        # Set by hand, as the order in which a name server gives addresses is left to chance.
        session.addresses = (Address("127.0.0.3", server.port), Address(HOST, server.port))
        passed = _step(session, Stage.CONNECT)
        assert isinstance(passed, Passed)
        assert session.address == Address(HOST, server.port)
        assert isinstance(passed.facts, ConnectFacts)
        tried = passed.facts.attempts
        assert [one.address for one in tried] == [f"127.0.0.3:{server.port}", f"{HOST}:{server.port}"]
        assert [one.error for one in tried] == ["ECONNREFUSED", ""]
        assert [one.labels for one in passed.evidence] == [{Label.SOME_ADDRESSES_FAILED}]
        session.open_channel().close()


def test_all_addresses_fail(unused_port: int) -> None:
    """Each address is told with its own error."""
    with dns_server({"mail.test": ["127.0.0.3", HOST]}) as resolver:
        report = check(
            unused_port,
            "opportunistic",
            host="mail.test",
            options={"resolver": (resolver.host, resolver.port)},
        )
        assert stage_of(report, Stage.CONNECT) is Status.FAIL
        assert report.findings[0].id == "connect-refused"
        assert "all-addresses-failed" in report.findings[0].evidence.labels
        assert len(facts_of(report, Stage.CONNECT)["attempts"]) == 2


def test_ipv6_after_ipv4() -> None:
    """A server on IPv6 only is found behind an IPv4 address that refuses."""
    try:
        listening = serve(dialogue(), host="::1")
        with listening as server, dns_server({"mail.test": [HOST, "::1"]}) as resolver:
            options: dict[str, Any] = {"resolver": (resolver.host, resolver.port)}
            report = check(server.port, "opportunistic", host="mail.test", options=options)
            assert facts_of(report, Stage.CONNECT)["address"] == f"[::1]:{server.port}"
            only = check(server.port, "opportunistic", host="mail.test", options={**options, "family": 6})
            assert facts_of(only, Stage.DNS)["addresses"] == ["::1"]
            none = check(server.port, "opportunistic", host="mail.test", options={**options, "family": 4})
            assert_failed(none, "connect-refused", Stage.CONNECT)
    except OSError:
        pytest.skip("there is no IPv6 here")


# -- The public function ------------------------------------------------------


def test_the_public_function(certificates: Certificates) -> None:
    """`smtpdoctor.check` takes settings and returns a report."""
    with serve(dialogue(starttls_cert=certificates.good, users={USER: PASSWORD})) as server:
        settings = settings_for(server.port, "starttls", host=HOST)
        report = smtpdoctor.check(settings, ca_file=str(certificates.ca_pem), timeout=3)
        assert_passed(report)
        assert report.stages[-1].stage is Stage.SENDER


@pytest.mark.parametrize("until", ["delivery", "greeting", "", "recipient", "send"])
def test_the_public_function_refuses_nonsense(until: str) -> None:
    """A stage that is none, or one that needs a recipient which is not there."""
    with pytest.raises(ValueError, match="until"):
        smtpdoctor.check(settings_for(25), until=until)


def test_an_observer_sees_the_stages() -> None:
    """Each stage is told as it ends, in order; skipped ones are not begun."""
    seen: list[tuple[str, Stage]] = []

    class Observer:
        """Notes what it is told."""

        def started(self, stage: Stage) -> None:
            """Note it."""
            seen.append(("started", stage))

        def ended(self, result: StageResult) -> None:
            """Note it."""
            seen.append(("ended", result.stage))

    with serve(dialogue({"AUTH": "535 no"})) as server:
        report = smtpdoctor.check(settings_for(server.port, host=HOST), observer=Observer())
    assert [stage for what, stage in seen if what == "ended"] == [one.stage for one in report.stages]
    assert ("started", Stage.AUTH) in seen
    assert ("started", Stage.SENDER) not in seen


def test_an_own_crash_is_a_finding() -> None:
    """What breaks inside a probe becomes a finding that says so, and the run ends in order."""

    def broken(token: str) -> str | None:
        raise RuntimeError(token)

    with serve(dialogue()) as server:
        loaded = Loaded(settings_for(server.port, to=USER), ())
        report = doctor.check(loaded, Options(until=Stage.SEND, arrived=broken))
        assert_failed(report, "internal-error", Stage.DELIVERY)
        assert sent(server)[-1] == "QUIT"


@pytest.mark.parametrize("reply", ["250 2.0.0 Ok", "220 ready", "334 go", "252 perhaps"])
def test_only_354_lets_a_message_be_sent(reply: str) -> None:
    """A server that says yes to DATA without asking for the message has accepted nothing."""
    with serve(dialogue({"DATA": reply})) as server:
        report = run(server, "none", to=USER)
    assert stage_of(report, Stage.SEND) is Status.FAIL
    assert report.verdict == "fail"


def test_who_hangs_up_behind_the_yes_has_the_message_and_who_resets_may_not_have_read_it() -> None:
    """QUIT need not be answered; a reset says that something was left unread (RFC 1122 section 4.2.2.13)."""

    def say_yes(peer: Peer) -> None:
        peer.send_line("250 2.0.0 Ok")

    for end, verdict in ((servers.closing, "pass"), (servers.resetting, "inconclusive")):
        with serve(dialogue({".": servers.sequence(say_yes, end)})) as server:
            report = run(server, "none", to=USER)
        assert report.verdict == verdict
        assert [one.id for one in report.findings] == ([] if verdict == "pass" else ["connect-closed"])


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_an_intermediate_reply_is_no_consent(verb: str) -> None:
    """3yz belongs to AUTH and DATA alone (RFC 5321 section 4.2.1)."""
    with serve(dialogue({verb: "354 go on"})) as server:
        report = run(server, "none", to=USER)
    assert report.verdict == "fail"
