"""What leaves a run is masked, and masking has no say in what the run found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.sealed import Seal
from smtpdoctor.model import Evidence, Finding, Message, Origin, Secret, Setting, Settings, Stage, StageResult
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from tests.checking import USER, check, settings_for
from tests.servers import (
    auth_ok,
    auth_refused,
    data_ok,
    ehlo,
    greet,
    mail_ok,
    mail_refused,
    quit_ok,
    rcpt_ok,
    rcpt_refused,
    serve,
)

if TYPE_CHECKING:
    from smtpdoctor import Report
    from tests.servers import Script

NEUTRAL = "Zq7tRbxWpLk93"
GREETINGS = ["mx.example.test ESMTP Postfix", "Server ready, LOGIN or STARTTLS first"]
CAPABILITIES = ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=CRAM-MD5", "SIZE 1000000", "SMTPUTF8", "8BITMIME"]
LOGINS = [
    "235 2.7.0 Authentication successful",
    "535 5.7.8 Username and Password not accepted",
    "535 5.7.1 Application-specific password required",
    "534 5.7.9 Please log in with your web browser and then try again",
    "454 4.7.0 Temporary authentication failure",
]
SENDERS = ["250 2.1.0 Ok", "553 5.7.1 Sender address rejected: not owned by user", "550 relay not permitted"]
RECIPIENTS = ["250 2.1.5 Ok", "550 5.1.1 User unknown", "554 5.7.1 Relay access denied"]


@st.composite
def dialogues(draw: st.DrawFn) -> tuple[list[Script], str]:
    """Draw a server, and one of the words that it says."""
    greeting = draw(st.sampled_from(GREETINGS))
    offered = draw(st.lists(st.sampled_from(CAPABILITIES), min_size=1, unique=True))
    login, sender, recipient = (draw(st.sampled_from(one)) for one in (LOGINS, SENDERS, RECIPIENTS))
    script = [
        greet(greeting),
        ehlo(*offered),
        auth_ok(login) if login.startswith("235") else auth_refused(login),
        mail_ok() if sender.startswith("250") else mail_refused(sender),
        rcpt_ok() if recipient.startswith("250") else rcpt_refused(recipient),
        data_ok(),
        quit_ok(),
    ]
    said = [*" ".join([greeting, *offered, login, sender, recipient]).split(), "STARTTLS", "a", "25", "not"]
    return script, draw(st.sampled_from(said))


def judged(report: Report) -> object:
    """Return all that a run has concluded, apart from what the settings themselves suggest."""
    return (
        report.verdict,
        [
            (one.id, one.confidence, one.evidence.code, one.evidence.labels, one.candidates)
            for one in report.findings
            if one.stage is not Stage.CONFIG
        ],
        [(one.stage, one.status, one.summary.key) for one in report.stages[1:]],
    )


@settings(max_examples=40, deadline=None)
@given(dialogues())
def test_a_password_that_is_a_word_of_the_dialogue_changes_nothing(drawn: tuple[list[Script], str]) -> None:
    """Whatever the password is called, the same is found; and what the server says of it is masked."""
    script, word = drawn
    with serve(*script) as server:
        usual = smtpdoctor.check(settings_for(server.port, password=NEUTRAL, to=USER))
    with serve(*script) as server:
        odd = smtpdoctor.check(settings_for(server.port, password=word, to=USER))
    assert judged(odd) == judged(usual)
    for turn in odd.transcript:
        if turn.direction == "in" and len(word) > 1:
            said = turn.text[4:]
            assert not re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", said), turn


TEXTS = st.text(max_size=30)


@st.composite
def found(draw: st.DrawFn) -> tuple[str, StageResult, Finding, Settings]:
    """Draw a password, and values that hold it wherever a text may stand."""
    secret = draw(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8, max_size=24))

    def text() -> str:
        return draw(TEXTS) + draw(st.sampled_from([secret, secret.upper(), ""])) + draw(TEXTS)

    origin = Origin("file", "SMTP_HOST", text(), 3, text())
    evidence = Evidence(
        stage=draw(st.sampled_from([Stage.CONFIG, Stage.AUTH])),
        code=535,
        text=text(),
        facts={"value": text(), "first": text()},
        origin=origin,
    )
    summary = Message(
        "auth.refused", {"code": 535, "reply": text(), "inner": Message("crash", {"where": text()})}
    )
    stage = evidence.stage or Stage.AUTH
    result = StageResult(stage=stage, status="fail", summary=summary, evidence=(evidence,))  # type: ignore[arg-type]
    finding = Finding(
        id="auth-bad-credentials",
        stage=stage,
        severity="error",  # type: ignore[arg-type]
        confidence="certain",  # type: ignore[arg-type]
        fault="config",  # type: ignore[arg-type]
        retryable=False,
        evidence=evidence,
    )
    given_settings = Settings(
        host=Setting(text(), origin, (Setting(text(), origin),)),
        username=Setting(text(), origin),
        password=Setting(Secret(secret), origin),
    )
    return secret, result, finding, given_settings


@settings(max_examples=100, deadline=None)
@given(found())
def test_nothing_that_is_sealed_shows_the_password(drawn: tuple[str, StageResult, Finding, Settings]) -> None:
    """Summary, facts, evidence, origins and settings: one boundary for all of them."""
    secret, result, finding, given_settings = drawn
    seal = Seal(Redactor([secret]))
    sealed = seal.result(result), seal.finding(finding), seal.settings(given_settings)
    shown = "\n".join(map(repr, sealed))
    if secret.strip() and secret.isprintable():
        assert repr(secret)[1:-1] not in shown
    assert sealed[0].summary.key == result.summary.key
    assert sealed[1].id == finding.id


def test_a_login_in_the_place_of_the_host_is_masked_everywhere() -> None:
    """What looks like a secret is one, wherever it stands."""
    report = check(587, host="smtp://bob:hunter/secret@mail.example.test", username="hunter/secret")
    for lang in ("en", "ko"):
        assert "hunter" not in json_v1.render(view_of(report, lang), transcript=True)
