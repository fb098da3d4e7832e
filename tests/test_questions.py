"""What guides write in their tables is what people type: each row of the founding documents has an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.names import bare_words
from smtpdoctor.knowledge.schema import Question
from smtpdoctor.text import LANGUAGES
from tests.each import each
from tests.known import known

KNOWN = known()
QUESTIONS = KNOWN.questions
WORDS = [word for question in QUESTIONS for word in question.words]

# The rows of the guides' troubleshooting tables, as they stand there, and where each leads first.
ROWS = {
    "Authentication error (535)": "auth-bad-credentials",
    "인증 오류 (535)": "auth-bad-credentials",
    "Authentication failed": "auth-bad-credentials",
    "Authentication fails": "auth-bad-credentials",
    "인증 실패": "auth-bad-credentials",
    "535": "auth-bad-credentials",
    "Connection refused (ECONNREFUSED)": "connect-refused",
    "연결 거부 (ECONNREFUSED)": "connect-refused",
    "ECONNREFUSED": "connect-refused",
    "Connection times out": "connect-timeout",
    "Connection timeouts": "connect-timeout",
    "연결 시간 초과": "connect-timeout",
    "ETIMEDOUT": "connect-timeout",
    "Email not arriving": "not-delivered",
    "Mail does not arrive": "not-delivered",
    "메일 안 도착": "not-delivered",
    "TLS error (ETLS)": "config-tls-mode",
    "TLS 오류 (ETLS)": "config-tls-mode",
    "ETLS": "config-tls-mode",
    "STARTTLS": "starttls-not-offered",
    "STARTTLS Failure": "starttls-not-offered",
    "STARTTLS failed": "starttls-not-offered",
    "STARTTLS 실패": "starttls-not-offered",
    "Message rejected": "sender-mismatch",
    "Messages rejected": "sender-mismatch",
    "메시지 거부됨": "sender-mismatch",
    "TLS/SSL errors": "tls-handshake",
    "TLS/SSL 오류": "tls-handshake",
    "TLS 오류": "tls-handshake",
    "SSL 오류": "tls-handshake",
    "EAUTH": "auth-bad-credentials",
    "ESOCKET": "config-tls-mode",
    "EENVELOPE": "recipient-rejected",
    "EDNS": "dns-not-found",
    "ECONNECTION": "connect-closed",
    "EPROTOCOL": "not-smtp",
    "EMESSAGE": "content-rejected",
    "EOAUTH2": "auth-oauth",
    "EREQUIRETLS": "starttls-not-offered",
    "ENOAUTH": "auth-required",
    "EMAXLIMIT": "rate-limited",
}
# What else they tell, and a word that the answer has in any language.
TOLD = {
    "verification email": "verification.hbs",
    "인증 메일": "verification.hbs",
    "password reset email": "ADMIN_WEB_URL",
    "비밀번호 재설정 메일": "ADMIN_WEB_URL",
    "invitation email": "docker compose logs -f",
    "초대 메일": "docker compose logs -f",
    "초대 메일이 발송되지 않아요": "ADMIN_WEB_URL",
    "ADMIN_WEB_URL": "src/configs/modules/mailer-config/templates/",
    "email templates": "resetPassword.hbs",
    "메일 템플릿": "invitation.hbs",
    "display name": '"User feedback" <no-reply@example.com>',
    "표시 이름": '"User feedback" <no-reply@example.com>',
    "Apache James": "presets own",
    "james": "smtpserver.xml",
    "사내 메일 서버": "presets own",
    "SMTPS vs STARTTLS": "RFC 8314",
    "465 or 587": "RFC 8314",
    "SMTPS STARTTLS": "RFC 8314",
    "webmaster@localhost": "DEFAULT_FROM_EMAIL",
    "docker compose logs": "--since 10m",
    "bounce": "smtpdoctor explain --file",
    "Thunderbird": "presets NAME",
    "Apple Mail": "presets NAME",
    "send mail as": "STARTTLS",
}


def explain(*words: str) -> tuple[str, dict[str, Any]]:
    """Return what is printed for a person, on one line, and the JSON object."""
    runner = CliRunner()
    shown = runner.invoke(app, ["explain", "--no-color", *words], catch_exceptions=False)
    told = runner.invoke(app, ["explain", "--format", "json", *words], catch_exceptions=False)
    assert (shown.exit_code, told.exit_code) == (0, 0)
    return " ".join(shown.stdout.split()), json.loads(told.stdout)


@each(("preset", "wanted"), [("sendgrid", False), ("ses", False), ("gmail", True), ("zoho", True)])
def test_no_app_password_is_spoken_of_where_a_key_logs_in(preset: str, wanted: bool) -> None:
    """A sending service has keys: what else the code 535 may mean there is no other kind of password."""
    _, told = explain("--preset", preset, "535")
    (finding,) = told["findings"]
    assert ("auth-app-password" in {finding["id"], *finding["candidates"]}) is wanted


@each("lang", LANGUAGES)
@each("row", ROWS)
def test_a_row_of_a_table_has_an_answer(row: str, lang: str) -> None:
    """Typed as it stands there, in one word or several, it leads to its entry and names what else it may be."""
    for words in dict.fromkeys(((row,), tuple(row.split()))):
        shown, told = explain("--lang", lang, *words)
        [finding] = told["findings"]
        assert finding["id"] == ROWS[row]
        assert KNOWN.entries[ROWS[row]].title.in_("ko" if lang == "ko" else "en") in shown
        assert all(name in KNOWN.entries and name != finding["id"] for name in finding["candidates"])


@each("lang", LANGUAGES)
@each("asked", TOLD)
def test_what_no_entry_says_has_an_answer(asked: str, lang: str) -> None:
    """Guides tell more than errors: which messages there are, how a sender is shown, what a log is for."""
    shown, told = explain("--lang", lang, asked)
    assert TOLD[asked] in shown
    assert told["answer"]["title"] in shown


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(KNOWN.apps["smtp"].about))
def test_a_variable_says_what_it_means(name: str, lang: str) -> None:
    """Alone, as a shell writes it, or with a value, which is not repeated; all the others stand below."""
    app_ = KNOWN.apps["smtp"]
    for asked in (name, f"${name}", name.lower(), f"{name}=s3cret-value"):
        shown, told = explain("--lang", lang, asked)
        assert shown.startswith(name)
        assert "s3cret" not in shown
        assert told["answer"]["variables"].keys() == app_.about.keys()
        for text in app_.about.values():
            assert " ".join(text.in_("ko" if lang == "ko" else "en").replace("`", "").split()) in shown


def test_every_base_variable_is_told() -> None:
    """Those that are needed say so; the order is that of the guide."""
    app_ = KNOWN.apps["smtp"]
    names = {name for names in app_.variables.values() for name in names} | set(app_.flags)
    assert set(app_.about) == names
    for setting in app_.required:
        about = app_.about[app_.variables[setting][0]]
        assert about.en.startswith("Required.")
        assert about.ko.startswith("필수.")
    assert "`TLSv1.2`" in app_.about["SMTP_CIPHER_SPEC"].en


@each("question", QUESTIONS)
def test_every_question_is_found_by_each_of_its_words(question: Question) -> None:
    """Whatever stands in the file is found in the index, with and without the signs around it."""
    for word in question.words:
        for asked in (word, word.upper(), f" ({word}) ", f"{word}:", f'"{word}"'):
            assert load.question(asked) == question


@given(st.text(max_size=80))
def test_words_that_no_guide_has_ask_nothing(text: str) -> None:
    """Only the whole text counts, and it is looked for as it is."""
    found = load.question(text)
    assert (found is None) == (bare_words(text) not in WORDS)


def test_a_code_means_what_the_provider_says() -> None:
    """Where the provider is known, its own reading comes first, and its replies below."""
    shown, told = explain("535", "--preset", "naver")
    assert told["findings"][0]["id"] == "auth-app-password"
    assert "auth-bad-credentials" in told["findings"][0]["candidates"]
    assert "535 5.7.1" in shown
