"""Every entry of the catalogue: its examples and near misses are its tests, and it says what it must."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec
import pytest
import re2
import typer

from smtpdoctor.advice import advise
from smtpdoctor.cli import COMMANDS, app
from smtpdoctor.diagnosis import Context, diagnose, order, ties
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.placeholders import PLACEHOLDER
from smtpdoctor.knowledge.schema import Advice, Entry, Example, ExampleEvidence, NearMiss
from smtpdoctor.labels import Label
from smtpdoctor.logs import explain_text
from smtpdoctor.logs.lookup import look_up, of_entry
from smtpdoctor.model import Evidence, Lang, Origin, Setting, Settings, Severity, Stage
from smtpdoctor.settings.resolve import preset_named
from smtpdoctor.text.en import MESSAGES as ENGLISH
from smtpdoctor.text.ko import MESSAGES as KOREAN
from tests.each import each
from tests.examples import some_of
from tests.known import known

KNOWN = known()
FACTS = Path(__file__).parent / "data" / "diagnoses.txt"


def _evidence(given: ExampleEvidence) -> Evidence:
    return Evidence(
        stage=given.stage,
        code=given.code,
        enhanced=given.enhanced,
        error=given.error,
        text=given.text,
        labels=frozenset(given.labels),
        setting=given.setting,
    )


def _context(given: ExampleEvidence, provider: str | None) -> Context:
    origin = Origin("default", "example")
    settings = Settings(
        port=Setting(given.port, origin) if given.port else None,
        security=Setting(given.security, origin) if given.security else None,
    )
    return Context(settings=settings, provider=provider)


def _outcome(case: Example | NearMiss) -> str:
    provider = case.provider if case.provider in KNOWN.presets else None
    if case.evidence is not None:
        found = diagnose(_evidence(case.evidence), _context(case.evidence, provider))
        return found.id if found else "none"
    explained = explain_text(case.text, provider=provider)
    return explained[0].finding.id if explained else "none"


ENTRIES = [pytest.param(entry, id=name) for name, entry in KNOWN.entries.items()]


@each("entry", ENTRIES)
def test_an_example_is_diagnosed_as_its_entry(entry: Entry) -> None:
    """What an entry gives as its example must lead to it."""
    assert [(one, found) for one in entry.example if (found := _outcome(one)) != entry.id] == []


@each("entry", ENTRIES)
def test_a_near_miss_is_something_else(entry: Entry) -> None:
    """What looks alike must lead to the entry that it names."""
    assert all(near.id != entry.id for near in entry.near_miss)
    assert [(near, found) for near in entry.near_miss if (found := _outcome(near)) != near.id] == []


@each("entry", ENTRIES)
def test_no_two_entries_claim_an_example_equally(entry: Entry) -> None:
    """A tie is decided by nothing but the alphabet, so there must be none."""
    for example in entry.example:
        if example.evidence is not None:
            provider = example.provider if example.provider in KNOWN.presets else None
            evidence = _evidence(example.evidence)
            assert ties(evidence, _context(example.evidence, provider)) == [entry.id], example


@each("entry", ENTRIES)
def test_an_entry_reads_well_without_any_settings(entry: Entry) -> None:
    """`explain <id>` knows no settings: there is a fix all the same, and no placeholder is left."""
    for lang in LANGUAGES:
        advice = advise(of_entry(entry), Context(), lang)
        assert advice.fixes
        for text in (advice.title, advice.meaning, advice.sure, *advice.fixes):
            assert text.strip() == text
            assert not PLACEHOLDER.search(text)


@each("entry", ENTRIES)
def test_patterns_are_re2(entry: Entry) -> None:
    """All patterns are matched by RE2, which knows less than Python's re."""
    for rule in entry.match:
        for pattern in rule.text:
            re2.compile(pattern)


def test_every_id_has_its_file() -> None:
    """An id is for ever: none of the founding ones may disappear."""
    assert set(FACTS.read_text().split()) <= set(KNOWN.entries)


# -- What a server means for good ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(stage=Stage.GREETING, code=554, text="554 mx.example.com no mail from you"), False),
        (Evidence(stage=Stage.GREETING, code=521, text="521 mx.example.com does not accept mail"), False),
        (Evidence(stage=Stage.GREETING, code=550, text="550 5.7.1 Service unavailable"), False),
        (Evidence(stage=Stage.GREETING, code=421, text="421 Too many connections, try later"), True),
        (Evidence(stage=Stage.GREETING, error="timeout"), True),
        (Evidence(stage=Stage.SEND, code=421, labels=frozenset({Label.PERMANENT})), False),
    ],
)
def test_a_refusal_for_good_is_not_worth_another_try(evidence: Evidence, *, expected: bool) -> None:
    """5yz at the greeting turns the client away for good, whatever the entry says of others."""
    found = diagnose(evidence, Context())
    assert found is not None
    assert found.retryable is expected


def test_what_the_user_allowed_is_a_warning_beside_the_cause() -> None:
    """`--allow-cleartext-auth`: what the settings stage feared does not hide what the server said."""
    seen = (
        Evidence(stage=Stage.CONFIG, labels=frozenset({Label.CLEARTEXT}), setting="security"),
        Evidence(stage=Stage.AUTH, code=535, text="535 5.7.8 authentication failed"),
        Evidence(stage=Stage.AUTH, labels=frozenset({Label.CLEARTEXT_ALLOWED})),
    )
    found = [finding for one in seen if (finding := diagnose(one, Context())) is not None]
    told = [(one.id, one.severity) for one in order(found, Stage.AUTH)]
    assert told == [("auth-bad-credentials", Severity.ERROR), ("auth-cleartext", Severity.WARNING)]


# -- Texts that hold -----------------------------------------------------------------------------

LANGUAGES: tuple[Lang, ...] = ("en", "ko")
GROUP: Any = typer.main.get_command(app)
SPAN = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _strings(value: Any) -> Iterator[str]:
    """Yield every text in a value as it stands in a file."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _strings(one)
        case list() | tuple():
            for one in value:
                yield from _strings(one)
        case _:
            pass


def _said(entry: Entry, lang: Lang) -> Iterator[str]:
    yield from (one.in_(lang) for one in (entry.title, entry.meaning, entry.sure))
    yield from (one.in_(lang) for one in (*entry.note, *entry.fix))


def _all_texts() -> Iterator[tuple[str, str]]:
    for name, entry in KNOWN.entries.items():
        yield from ((name, text) for lang in LANGUAGES for text in _said(entry, lang))
    for name, preset in KNOWN.presets.items():
        told = msgspec.json.decode(msgspec.json.encode(preset))
        yield from ((name, text) for text in _strings(told))
    for question in KNOWN.questions:
        told = [one for one in (question.title, *question.text) if one is not None]
        yield from ((question.words[0], one.in_(lang)) for one in told for lang in LANGUAGES)
    for name, app_ in KNOWN.apps.items():
        yield from ((name, text.in_(lang)) for text in app_.about.values() for lang in LANGUAGES)
    for lang, messages in (("en", ENGLISH), ("ko", KOREAN)):
        yield from ((f"{lang} {key}", text) for key, text in messages.items())


def _spans() -> Iterator[tuple[str, str]]:
    """Yield every command and option that a text names, as a user would type it."""
    for where, text in _all_texts():
        for span in SPAN.findall(text):
            yield where, re.sub(r"\{[a-z.0-9_-]+\}", "x", span.replace("{check}", "smtpdoctor check"))
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for block in FENCED.findall(readme):
        for line in block.splitlines():
            yield "README", line.partition("  #")[0].rpartition("| ")[2].strip().removeprefix("$ ")


def _commands() -> list[Any]:
    found = {(where, span) for where, span in _spans() if span.startswith("smtpdoctor ")}
    assert len(found) > 20, "the texts name commands, and this test has to find them"
    return [pytest.param(span, id=f"{where}: {span}") for where, span in sorted(found)]


def _command(name: str) -> Any:
    command = GROUP.get_command(None, name)
    assert command is not None
    return command


@each("line", _commands())
def test_a_command_in_a_text_can_be_typed(line: str) -> None:
    """Every `smtpdoctor …` in a text is one that the command line understands."""
    _, name, *arguments = shlex.split(line)
    assert name in COMMANDS
    with _command(name).make_context(name, arguments) as context:
        until, recipient = context.params.get("until"), context.params.get("to")
        if until is not None and until in {"recipient", "send"}:
            assert recipient, "there is no recipient stage without one"


PLACEHOLDERS = {"x", "NAME", "PRESET", "이름", "bounce.eml"}


def test_what_a_command_in_a_text_is_about_exists() -> None:
    """A preset that is named is there, and so is what `explain` is asked for."""
    for where, span in _spans():
        if not span.startswith("smtpdoctor "):
            continue
        words = shlex.split(span)
        named = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--preset"]
        if words[1] in {"presets", "generate"} and len(words) > 2 and not words[2].startswith("-"):
            named.append(words[2])
        for name in set(named) - PLACEHOLDERS:
            assert preset_named(name), (where, span)
        if words[1] == "explain" and len(words) == 3 and not words[2].startswith("-"):
            about = KNOWN.apps["smtp"].about
            known = words[2] in about or words[2] in KNOWN.entries or load.question(words[2]) is not None
            assert known or words[2] in PLACEHOLDERS or " " in words[2] or look_up(words[2], None), (
                where,
                span,
            )


def test_every_option_that_a_text_names_exists() -> None:
    """A span that begins with two hyphens is an option of ours."""
    known = {name for command in COMMANDS for one in _command(command).params for name in one.opts}
    named = {
        (where, word)
        for where, span in _spans()
        if span.startswith("--")
        for word in span.split()
        if word.startswith("--")
    }
    assert len(named) > 5
    assert sorted((where, word) for where, word in named if word.partition("=")[0] not in known) == []


@each("entry", ENTRIES)
def test_how_to_be_sure_names_the_server_of_this_run(entry: Entry) -> None:
    """Placeholders know host, port and mode; a made-up name would have to be replaced by hand."""
    for text in (entry.sure.en, entry.sure.ko):
        assert not re.search(r"smtp\.example|\b(?:465|587)\b|s_client", text)


@each("entry", ENTRIES)
def test_ports_in_fixes_are_ports_for_sending(entry: Entry) -> None:
    """Implicit TLS is on 465 and STARTTLS on 587 (RFC 8314); a pair in a text is one of these."""
    for fix in entry.fix:
        ports = re.findall(r"\{set\.port\.(\d+)\}", fix.en)
        modes = re.findall(r"\{set\.security\.([a-z]+)\}", fix.en)
        assert set(ports) <= {"465", "587"}
        usual = {"465": "tls", "587": "starttls"}
        if modes and "none" not in modes:
            assert {usual[port] for port in ports} <= set(modes)


def _meet(first: Advice, second: Advice) -> bool:
    """Whether two fixes can stand in one report."""
    for one, other in ((first, second), (second, first)):
        # A provider that has a name is none of those that have not.
        if (
            one.when is not None
            and set(one.when.provider) == {"unknown", "local"}
            and "{preset.ports}" in other.en
        ):
            return False
    if first.when is None or second.when is None:
        return True
    pairs = (
        (getattr(first.when, name), getattr(second.when, name))
        for name in first.when.__struct_fields__
        if name != "unless"
    )
    return all(not one or not other or set(one) & set(other) for one, other in pairs)


def _alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    # The quicker ones are upper bounds.
    return all(ratio() >= 0.75 for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


@each("entry", ENTRIES)
def test_no_two_fixes_say_the_same(entry: Entry) -> None:
    """A report has room for three steps, and none of them for a repetition."""
    for first, second in itertools.combinations(entry.fix, 2):
        if _meet(first, second):
            assert not _alike(first.en, second.en), (first.en, second.en)
            assert not _alike(first.ko, second.ko), (first.ko, second.ko)


@each("entry", ENTRIES)
def test_the_first_sentence_stands_alone(entry: Entry) -> None:
    """A short report shows it and nothing else of the meaning."""
    for lang in LANGUAGES:
        sentence = re.split(r"(?<=[.!?])\s", entry.meaning.in_(lang), maxsplit=1)[0]
        assert 10 < len(sentence) < 320
        assert sentence.endswith(".")
        assert not sentence.startswith(("It ", "They ", "Otherwise", "그래서", "그러나"))


# One word for one thing; the others are right Korean, too, but two words make two things.
ONE_WORD = {
    "로그인 이름": "사용자 이름",
    "네임서버": "네임 서버",
    "로그인 방식": "인증 방식",
    "메커니즘": "인증 방식",
    "거절": "거부",
    "시험": "테스트",
    "인사": "초기 응답(220)",
    "번호가 4": "응답 코드가 4",
    "번호가 5": "응답 코드가 5",
    "오류 번호": "응답 코드",
    "장비": "서버, 컴퓨터",
    "이쪽": "클라이언트 쪽, 내",
    "번 포트": "포트",
    "웹 메일": "웹메일",
    "클라이언트 비밀": "클라이언트 암호",
    "비밀 키": "시크릿 키",
    "인증 코드(授权码)": "승인 코드(授权码)",
    "됐": "되었",
    "양식": "문의 폼",
    "확실합니다": "이 문제가 맞습니다",
    "닿을 수": "연결할 수",
    "이 로그인으로": "로그인한 계정으로",
}
# Words that are no English of today, or that stand for another thing in English.
NO_WORD = re.compile(
    r"\b(?:mails|blanks?|spelt|misspelt|dialled|waste bin|turned us away|to look at|web mail|e-mails?|time-outs?"
    r"|look-ups?|anew|made out to|for ever|mend(?:s|ed)?|reckon|dislikes?|hangs? up|hung up|innocent|stands? there"
    r"|by itself|letter by letter)\b",
    re.IGNORECASE,
)


def _to_read() -> Iterator[tuple[str, Lang, str]]:
    """Yield every text that a person reads, with where it stands and in which language it is."""
    for name, entry in KNOWN.entries.items():
        yield from ((name, lang, text) for lang in LANGUAGES for text in _said(entry, lang))
    for name, preset in KNOWN.presets.items():
        told: list[Any] = [preset.name, preset.username, preset.password, preset.sender]
        told += [*preset.link, *preset.limit, *preset.note]
        told += [one.note for one in preset.endpoint if one.note is not None]
        for reply in KNOWN.replies[name]:
            told += [reply.cause, reply.cure]
        yield from ((name, "en", one.en) for one in told)
        yield from ((name, "ko", one.ko) for one in told)
    for question in KNOWN.questions:
        told = [one for one in (question.title, *question.text) if one is not None]
        yield from ((question.words[0], lang, one.in_(lang)) for one in told for lang in LANGUAGES)
    for app_ in KNOWN.apps.values():
        yield from ((app_.id, lang, text.in_(lang)) for text in app_.about.values() for lang in LANGUAGES)
    yield from ((key, "en", text) for key, text in ENGLISH.items())
    yield from ((key, "ko", text) for key, text in KOREAN.items())


def test_korean_has_one_word_for_one_thing() -> None:
    """The same thing is called the same in every text."""
    for where, lang, text in _to_read():
        if lang == "ko":
            assert [word for word in ONE_WORD if word in text] == [], (where, text)
            assert not re.search(r"(?<!서버 )이름 서버", text), (where, text)
            # Which particle is right depends on what stands in front, and that is filled in later.
            assert not re.search(r"\{(?:check|dial|openssl)[^`]*`(?:[를을로와과는은가이]|으로)\b", text), (
                where,
                text,
            )


def test_english_has_no_odd_words() -> None:
    """What a reader has to translate back is no help."""
    for where, lang, text in _to_read():
        if lang == "en":
            assert not NO_WORD.search(text), (where, text)


def test_kinds_and_forms_are_ours_alone() -> None:
    """How the presets' files call credentials is nothing that a person has to read."""
    raw = re.compile(
        r"(?<![\w-])(?:local-part|email-or-local|account-password|smtp-password|app-password)(?![\w-])"
    )
    for where, _, text in _to_read():
        assert not raw.search(re.sub(r"`?your-[\w-]+`?|https?://\S+|auth-[a-z-]+", "", text)), (where, text)


def test_pages_belong_to_the_case() -> None:
    """How to make an app password is no help where the port is wrong."""
    for name in ("config-tls-mode", "config-invalid", "auth-mechanism", "connect-timeout"):
        finding = of_entry(KNOWN.entries[name])
        links = advise(finding, Context(provider="gmail"), "en").links
        assert not any("apppasswords" in url for _, url in links)


@each("entry", ENTRIES)
def test_a_line_to_write_needs_no_place(entry: Entry) -> None:
    """`{set.…}` names the variable itself, and the report shows the line that it stands in."""
    for advice in (*entry.fix, *entry.note):
        for text in (advice.en, advice.ko):
            for what in ("port", "security"):
                assert not (f"{{set.{what}." in text and f"{{at.{what}}}" in text), text


OWN_SERVER = re.compile(r"\bown (?:or a test )?server\b|localhost|127\.0\.0\.1|`ss |Docker|직접 운영|doveadm")


@each("lang", LANGUAGES)
@each(
    "evidence",
    [
        Evidence(stage=Stage.CONNECT, error="ECONNREFUSED", labels=frozenset({Label.KNOWN_PROVIDER})),
        Evidence(stage=Stage.CONNECT, error="timeout", labels=frozenset({Label.KNOWN_PROVIDER})),
        Evidence(stage=Stage.AUTH, error="timeout"),
        Evidence(stage=Stage.TLS, error="timeout", labels=frozenset({Label.STARTTLS})),
        Evidence(stage=Stage.AUTH, error="eof", labels=frozenset({Label.CLOSED_AFTER_AUTH})),
    ],
)
def test_who_sends_through_a_provider_has_no_server_to_mend(evidence: Evidence, lang: Lang) -> None:
    """Who the server belongs to is known, and so are its ports: no step asks for either."""
    origin = Origin("environment", "SMTP_HOST")
    settings = Settings(
        host=Setting("smtp.gmail.com", origin),
        port=Setting(587, Origin("environment", "SMTP_PORT")),
        preset="gmail",
    )
    context = Context(settings=settings, provider="gmail")
    found = diagnose(evidence, context)
    assert found is not None
    advice = advise(found, context, lang)
    assert [step for step in advice.fixes if OWN_SERVER.search(step)] == []
    assert "SMTP_PORT=587" not in " ".join(advice.fixes)
    if Label.KNOWN_PROVIDER in evidence.labels:
        assert "587" in advice.steps[0]
        assert "smtp.gmail.com" in advice.steps[0]
        assert "465" in " ".join(advice.steps)


@each("entry", ENTRIES)
def test_what_is_for_who_runs_the_server_is_left_out_where_a_provider_does(entry: Entry) -> None:
    """A known provider's server is nobody's own; something is left to do, and an unknown one's may be."""
    for name, preset in some_of(list(KNOWN.presets.items()), 4, list(KNOWN.entries).index(entry.id)):
        context = Context(provider=name)
        fixes = advise(of_entry(entry), context, "en").fixes
        assert fixes
        told = {one.en for one in entry.fix if one.own and "{" not in one.en}
        assert preset.anywhere or not told & set(fixes)


def test_a_guess_gives_way_to_what_the_provider_says() -> None:
    """Where the user name is a fixed word, no step asks for the whole address."""
    entry = of_entry(KNOWN.entries["auth-bad-credentials"])
    asked = "full email address"
    assert any(asked in step for step in advise(entry, Context(), "en").fixes)
    for name, preset in KNOWN.presets.items():
        if not preset.anywhere:
            assert not any(asked in step for step in advise(entry, Context(provider=name), "en").fixes)


def test_an_advice_may_depend_on_what_the_server_said() -> None:
    """Words of one system's own choose the step that is about it, whatever the case of their letters."""
    for text, step in (
        ("550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization", "Direct Send"),
        ("getaddrinfo ENOTFOUND smtp.gmial.com", "write `smtp.gmail.com`"),
        ("java.net.UnknownHostException: smtp.naver.con", "write `smtp.naver.com`"),
        ("554 Reject due to policy. 554 See https://postmaster.gmx.net/en/case?c=hi&i=ip", "Bcc, Cc, Date"),
        ("dial tcp: MISSING PORT in address smtp.example.com", "Grafana"),
        ("{:error, :retries_exceeded, {:temporary_failure, ~c'192.0.2.1', :tls_failed}}", "OTP 26"),
    ):
        [found] = explain_text(text)
        fixes = advise(found.finding, found.context, "en").fixes
        assert step in fixes[0]
        assert not any(
            step in one for one in advise(of_entry(KNOWN.entries[found.finding.id]), Context(), "en").fixes
        )


SAID_OF_CONFIG = {
    Label.NOT_A_NUMBER: ("port", "58a7"),
    Label.OUT_OF_RANGE: ("port", "99999"),
    Label.NOT_A_BOOLEAN: ("security", "perhaps"),
    Label.HOST_HAS_SCHEME: ("host", "https://mail.example.org"),
    Label.HOST_HAS_PORT: ("host", "mail.example.org:587"),
    Label.HOST_HAS_BLANK: ("host", "mail .example.org"),
    Label.HOST_BAD_NAME: ("host", "mail,example"),
    Label.PLACEHOLDER: ("host", "smtp.example.com"),
    Label.QUOTED: ("host", "X_NAME"),
    Label.BLANK_AROUND: ("host", "X_NAME"),
    Label.NOT_AN_ADDRESS: ("sender", "nobody"),
    Label.BAD_CIPHER: ("cipher", "TLSv1.9"),
    Label.EMPTY: ("port", "X_NAME"),
    Label.MISSING: ("host", "SMTP_HOST"),
}


@each("lang", LANGUAGES)
@each("label", SAID_OF_CONFIG)
def test_a_wrong_setting_is_called_by_its_fault(label: Label, lang: Lang) -> None:
    """The cause is what is wrong with this value, not a list of what may be, and no step is about another."""
    setting, said = SAID_OF_CONFIG[label]
    facts = {"value": said, "name": "X_NAME"} if label is not Label.MISSING else {}
    found = diagnose(
        Evidence(stage=Stage.CONFIG, labels=frozenset({label}), setting=setting, facts=facts),  # type: ignore[arg-type]
        Context(),
    )
    assert found is not None
    advice = advise(found, Context(), lang)
    assert said in advice.cause
    assert KNOWN.entries[found.id].meaning.in_(lang).split(".")[0] not in advice.cause
    others = {"SMTP_HOST", "SMTP_SENDER", "SMTP_PORT"} - {f"SMTP_{setting.upper()}"}
    if label is not Label.HOST_HAS_PORT:
        assert [step for step in advice.fixes if sum(name in step for name in others) > 1] == []


def test_a_port_behind_the_host_gets_a_line_of_its_own() -> None:
    """The port is a setting, unless it says the same already."""
    facts = {
        "value": "smtp.gmail.com:587",
        "expected": "smtp.gmail.com",
        "behind": "587",
        "name": "SMTP_HOST",
    }
    evidence = Evidence(
        stage=Stage.CONFIG, labels=frozenset({Label.HOST_HAS_PORT}), setting="host", facts=facts
    )
    found = diagnose(evidence, Context())
    assert found is not None
    first = advise(found, Context(), "en").steps[0]
    assert "`smtp.gmail.com` in SMTP_HOST" in first
    assert "`587` in SMTP_PORT" in first


@each("name", sorted(KNOWN.presets))
def test_what_a_provider_wants_is_said_in_words(name: str) -> None:
    """How we call forms and kinds of credentials in our files is nothing that a person may type."""
    preset = KNOWN.presets[name]
    context = Context(provider=name)
    for setting, label, expected in (
        ("password", Label.PASSWORD_FORM, preset.password.kind),
        ("username", Label.USERNAME_FORM, preset.username.value),
    ):
        facts = {"value": "x", "name": "X_NAME"} | ({"expected": expected} if expected else {})
        evidence = Evidence(stage=Stage.CONFIG, labels=frozenset({label}), setting=setting, facts=facts)  # type: ignore[arg-type]
        found = diagnose(evidence, context)
        assert found is not None
        for lang in LANGUAGES:
            advice = advise(found, context, lang)
            told = " ".join((advice.cause, advice.meaning, *advice.fixes))
            assert not re.search(
                r"`(?:email|local-part|app-password|account-password|smtp-password|api-key)`", told
            )


def test_where_the_login_was_given_for_another_server_no_page_makes_one() -> None:
    """The run is aimed at another server: a new password is not what is missing."""
    evidence = Evidence(stage=Stage.CONFIG, labels=frozenset({Label.OTHER_HOST}), setting="password")
    context = Context(provider="gmail")
    found = diagnose(evidence, context)
    assert found is not None
    assert advise(found, context, "en").links == ()


@each("entry", ENTRIES)
def test_a_command_names_no_option_twice(entry: Entry) -> None:
    """What a text adds to the command of this run stands in it once, with the value of the text."""
    options = ("--timeout", "5", "--ca-file", "mine.pem", "--deadline", "9", "--verbose")
    for lang in LANGUAGES:
        advice = advise(of_entry(entry), Context(), lang, options)
        for text in (advice.sure, *advice.fixes):
            for span in SPAN.findall(text):
                flags = [word for word in span.split() if word.startswith("--")]
                assert len(flags) == len(set(flags)), span


def test_korean_particles_fit_what_stands_in_front() -> None:
    """No `을(를)`: a sentence is worded so that what is filled in does not choose the particle."""
    pair = re.compile(r"[이을은과와으]\((?:가|를|는|과|와|로)\)")
    assert [text for text in KOREAN.values() if pair.search(text)] == []


def test_nothing_is_said_twice_in_one_text() -> None:
    """A sentence that stands there again is a slip of whoever edited the text."""
    for where, text in _all_texts():
        sentences = [one.strip() for one in re.split(r"(?<=[.!?])\s+", text) if len(one.strip()) > 12]
        assert len(sentences) == len(set(sentences)), where
