"""What leaves a run is masked, and masking has no say in what the run found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor.facts import Attempt, ConnectFacts
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.sealed import _OURS, Seal, public_of, secrets_of
from smtpdoctor.model import (
    Evidence,
    Finding,
    Message,
    Origin,
    Secret,
    Security,
    Setting,
    Settings,
    Stage,
    StageResult,
    Status,
)
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


# What of a value is sealed, and what is left ------------------------------------------------------

WHOLE = "Zq7tRbxWpLk93"
PART = WHOLE[:9]
KEY = "smtp://bob:hunter2@mail.example.test"
MASKED_KEY = f"smtp://bob:{Secret.MASK}@mail.example.test"
SEAL = Seal(Redactor([WHOLE, "587"]))
HEARD = {PART: Secret.MASK, WHOLE: Secret.MASK, KEY: MASKED_KEY, "": "", "no": "no", "a\0": "a\\x00"}
OWN = {**HEARD, PART: PART}


def _told(text: str) -> Message:
    inner = Message(WHOLE, {"z": text, "port": "587"})
    return Message("crash", {"where": text, "list": [text, ("x", text)], "in": {"a": text}, "inner": inner})


@pytest.mark.parametrize("stage", [Stage.CONFIG, Stage.AUTH, None])
@pytest.mark.parametrize("text", HEARD)
def test_every_text_of_a_value_is_sealed(stage: Stage | None, text: str) -> None:
    """In structs, lists and messages within messages; of what the user wrote only a whole secret is hidden."""
    sealed = (OWN if stage is Stage.CONFIG else HEARD)[text]
    evidence = Evidence(stage=stage, text=text, facts={"value": text, "first": text}, code=535)
    shown = SEAL.evidence(evidence)
    assert (shown.text, shown.facts) == (sealed, {"value": sealed, "first": sealed})
    assert (shown.code, shown.stage, shown.origin) == (535, stage, None)
    summary = _told(text)
    facts = ConnectFacts((Attempt(text, 0.5), Attempt("other", 1.5, text)), text)
    result = SEAL.result(
        StageResult(
            stage=stage or Stage.DNS, status=Status.FAIL, summary=summary, facts=facts, evidence=(evidence,)
        )
    )
    assert result.summary == _told(sealed)
    assert result.facts == ConnectFacts((Attempt(sealed, 0.5), Attempt("other", 1.5, sealed)), sealed)
    assert result.evidence == (shown,)
    assert result.status is Status.FAIL


@pytest.mark.parametrize("text", OWN)
def test_what_is_the_user_s_own_is_sealed_as_his(text: str) -> None:
    """Origins, settings and what is said of them, wherever they stand: also what was overridden."""
    sealed = OWN[text]
    assert SEAL.own(text) == sealed
    assert SEAL.said(Message("usage.value", {"value": text})).values == {"value": sealed}
    origin = Origin("file", "SMTP_HOST", text or None, 3, f"{text}\n{text} b\n")
    told = Origin("file", "SMTP_HOST", sealed or None, 3, f"{sealed}\n{sealed} b\n")
    given = Settings(
        host=Setting(text, origin, (Setting(text, origin),)),
        port=Setting(587, origin),
        security=Setting(Security.STARTTLS, origin),
        password=Setting(Secret(WHOLE), origin),
        switches=(origin, Origin("default", WHOLE)),
    )
    shown = SEAL.settings(given)
    assert shown == Settings(
        host=Setting(sealed, told, (Setting(sealed, told),)),
        port=Setting(587, told),
        security=Setting(Security.STARTTLS, told),
        password=Setting(Secret(WHOLE), told),
        switches=(told, Origin("default", WHOLE)),
    )
    assert shown.security is not None
    assert shown.security.value is Security.STARTTLS
    for one, other in (
        (origin, told),
        (Origin("file", "x", text), Origin("file", "x", sealed)),
        (Origin("environment", "x", text=text), Origin("environment", "x", text=sealed)),
    ):
        found = SEAL.evidence(Evidence(stage=Stage.AUTH, text="", origin=one))
        assert found.origin == other


def test_words_of_ours_say_nothing_new() -> None:
    """A port that is the password is shown as the port; the same where others say it is not."""
    for name in sorted(_OURS):
        message = Message("usage.value", {name: "587", "value": "587"})
        assert SEAL.said(message).values == {name: "587", "value": Secret.MASK}
    plain = Message("tls.off")
    assert SEAL.said(plain) is plain


@pytest.mark.parametrize("length", [0, 399, 400, 401, 1000])
def test_what_is_long_is_cut_once_it_is_masked(length: int) -> None:
    """A fact is cut, whatever its kind stays; the other side's own words are kept whole."""
    text = "x " * (length // 2) + "x" * (length % 2)
    evidence = Evidence(stage=Stage.AUTH, text=text, facts={"first": text})
    shown = SEAL.evidence(evidence)
    assert shown.text == text
    assert shown.facts == {"first": text if length <= 400 else text[:400] + "…"}
    assert SEAL.said(Message("usage.value", {"value": 10**500})).values == {"value": 10**500}
    split = Evidence(stage=Stage.AUTH, text="", facts={"first": "y " * 198 + WHOLE})
    assert SEAL.evidence(split).facts["first"] == "y " * 198 + Secret.MASK[:4] + "…"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("mail.example.test", []),
        ("smtp://bob:Zq7t@mail", ["Zq7t"]),
        ("bob:Zq7t@mail", ["Zq7t"]),
        ("mail/Zq7tRbxWpLk93a", ["Zq7tRbxWpLk93a"]),
        ("mail?auth=Zq7t", ["Zq7t"]),
        ("mailX:Zq7tRbxWpLk93a", []),
    ],
)
def test_which_secrets_settings_hold(host: str, found: list[str]) -> None:
    """Every password, the overridden ones too, and the login in a host that is more than a name."""
    origin = Origin("argument", "x")
    weaker = (Setting(Secret("second"), origin), Setting(Secret("third"), origin))
    password = Setting(Secret("first"), origin, weaker)
    every = ["first", "second", "third"]
    assert secrets_of(Settings(password=password)) == every
    assert secrets_of(Settings(password=password, host=Setting(host, origin))) == every + found
    assert secrets_of(Settings(host=Setting(host, origin))) == found


def test_what_is_shown_anyway() -> None:
    """Five settings, as far as they are there."""
    given = Settings.of(host="h", username="u", sender="s", recipient="r", ehlo="e", port=25, cipher="c")
    assert public_of(given) == ["h", "u", "s", "r", "e"]
    assert public_of(Settings.of(sender="s")) == ["s"]
