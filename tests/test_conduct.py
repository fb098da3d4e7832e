"""`check` behaves as the application: its mechanisms, its rules, and what it would put up with is told."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.facts import TlsFacts
from smtpdoctor.formats.document import Scope
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Lang, Stage
from smtpdoctor.probes.conduct import held_against
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.target import Conduct
from smtpdoctor.smtp.sasl import MECHANISMS, choose
from smtpdoctor.text import say
from tests.checking import cli
from tests.each import each
from tests.servers import dialogue, serve
from tests.spelled import assignment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certs import Certificates
    from tests.servers import Server

NAMES = st.sampled_from([*MECHANISMS, "NTLM", "GSSAPI", "EXTERNAL", "DIGEST-MD5"])
LISTS = st.lists(NAMES, unique=True, max_size=6)


@given(order=LISTS, offered=LISTS)
def test_the_choice_is_the_applications_wherever_we_speak_it(order: list[str], offered: list[str]) -> None:
    """The first of its own order that is offered and spoken; a password is never sent as a token."""
    chosen = choose(offered, token=False, order=order)
    spoken = [one for one in order if one in offered and one in MECHANISMS and "OAUTH" not in one]
    if spoken:
        assert chosen == spoken[0]
    else:
        assert chosen == choose(offered, token=False)
    assert chosen is None or (chosen in offered and "OAUTH" not in chosen)


@given(order=LISTS, offered=LISTS)
def test_where_the_servers_order_counts_it_is_followed(order: list[str], offered: list[str]) -> None:
    chosen = choose(offered, token=False, order=order, as_listed=True)
    spoken = [one for one in offered if one in order and one in MECHANISMS and "OAUTH" not in one]
    assert not spoken or chosen == spoken[0]


@given(order=LISTS, offered=LISTS)
def test_who_tries_them_all_is_judged_by_the_one_that_shows_most(
    order: list[str], offered: list[str]
) -> None:
    """A server that lists CRAM-MD5 and cannot do it is no reason to say that the password is wrong."""
    chosen = choose(offered, token=False, order=order, tries_all=True)
    both = [one for one in offered if one in order]
    assert chosen == (choose(both, token=False) or choose(offered, token=False))


@given(order=LISTS, offered=LISTS)
def test_a_token_goes_where_tokens_go(order: list[str], offered: list[str]) -> None:
    """Where the application speaks such a mechanism, whatever it would prefer for a password."""
    chosen = choose(offered, token=True, order=order)
    fit = [one for one in ("XOAUTH2", "OAUTHBEARER") if one in order and one in offered]
    assert not fit or chosen == fit[0]


def test_without_an_application_nothing_has_changed() -> None:
    for offered in permutations(["PLAIN", "LOGIN", "CRAM-MD5"]):
        assert choose(offered, token=False) == "PLAIN"


@each("app", load.dialect_ids())
def test_what_a_setting_fixes_is_the_only_mechanism(app: str) -> None:
    """A word that is no mechanism leaves the choice to the code."""
    dialect = load.dialect(app)
    assert dialect is not None
    for name in dialect.behaviour.mechanism_names:
        plain = name.replace("*", "x").replace("[tT]", "t").replace("[mM]", "m").replace("[sS]", "s")
        for word, wanted in (
            ("login", ("LOGIN",)),
            (":cram_md5", ("CRAM-MD5",)),
            ("Plain", ("PLAIN",)),
            ("LOGIN PLAIN", ("LOGIN", "PLAIN")),
            ("auto", dialect.behaviour.mechanisms),
        ):
            scope = Scope(assignments=(assignment(plain, word),))
            assert read(dialect, scope).mechanisms == wanted


def checked(tmp_path: Path, name: str, text: str, *flags: str) -> dict[str, Any]:
    """Return the report of a check with one file of configuration."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    given = ["check", "--config", str(file), "--no-environment", "--format", "json", *flags]
    found: dict[str, Any] = json.loads(cli(*given).stdout)
    return found


def nodemailer(server: Server, more: str = "") -> str:
    return (
        "const nodemailer = require('nodemailer');\n"
        f"const t = nodemailer.createTransport({{ host: 'localhost', port: {server.port}, {more}"
        "auth: { user: 'app@example.test', pass: 'correct horse 7' } });\n"
        "t.sendMail({ from: 'app@example.test' });\n"
    )


def go(server: Server) -> str:
    return (
        'package main\n\nimport "net/smtp"\n\nfunc main() {\n'
        '\tauth := smtp.PlainAuth("", "app@example.test", "correct horse 7", "localhost")\n'
        f'\tsmtp.SendMail("localhost:{server.port}", auth, "app@example.test", []string{{"b@example.test"}}, nil)\n'
        "}\n"
    )


@pytest.mark.parametrize(
    ("listed", "taken"), [("LOGIN PLAIN", "PLAIN"), ("CRAM-MD5 LOGIN", "LOGIN"), ("CRAM-MD5", "CRAM-MD5")]
)
def test_it_logs_in_with_the_mechanism_of_the_application(tmp_path: Path, listed: str, taken: str) -> None:
    with serve(dialogue(capabilities=(f"AUTH {listed}",))) as server:
        report = checked(tmp_path, "mail.js", nodemailer(server))
        server.join()
    logins = [login.mechanism for peer in server.connections for login in peer.logins]
    assert logins == [taken]
    auth = next(one for one in report["stages"] if one["name"] == "auth")
    assert (auth["status"], "Nodemailer" in auth["summary"]) == ("pass", True)


@pytest.mark.parametrize("listed", ["LOGIN", "CRAM-MD5 LOGIN", "SCRAM-SHA-256"])
def test_a_server_that_the_application_cannot_log_in_to_is_a_finding(tmp_path: Path, listed: str) -> None:
    """The doctor could log in; Go's net/smtp has PLAIN alone, so the password is not even sent."""
    with serve(dialogue(capabilities=(f"AUTH {listed}",))) as server:
        report = checked(tmp_path, "main.go", go(server))
        server.join()
    assert all(not peer.logins for peer in server.connections)
    first = report["findings"][0]
    assert first["id"] == "auth-mechanism"
    assert "Go net/smtp" in first["meaning"]
    assert "PLAIN" in first["meaning"]


def test_what_the_application_would_not_notice_is_told(tmp_path: Path, certificates: Certificates) -> None:
    """A certificate that nobody vouches for ends the check, and the application would hand its login over."""
    script = dialogue(starttls_cert=certificates.self_signed)
    for more, wanted in (("tls: { rejectUnauthorized: false }, ", True), ("", False)):
        with serve(script) as server:
            report = checked(tmp_path, "mail.js", nodemailer(server, more))
            server.join()
        assert all(not peer.logins for peer in server.connections)
        failed = next(one for one in report["findings"] if one["stage"] == "tls")
        assert ("does not check this" in failed["meaning"]) is wanted


def test_the_report_says_what_the_application_does_and_what_it_ignores(tmp_path: Path) -> None:
    with serve(dialogue()) as server:
        text = (
            f"N8N_SMTP_HOST=localhost\nN8N_SMTP_PORT={server.port}\nN8N_SMTP_TLS=true\nN8N_SMTP_SSL=false\n"
        )
        report = checked(tmp_path, ".env", text, "--until", "connect")
        server.join()
    said = report["stages"][0]["summary"]
    assert "n8n connects to localhost" in said
    assert "because N8N_SMTP_SSL is false" in said or "STARTTLS" in said
    assert said.endswith("it ignores N8N_SMTP_TLS")


@pytest.mark.parametrize(
    ("app", "names"),
    [
        ("django", ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "settings.py")),
        ("laravel", ("MAIL_USERNAME", "MAIL_PASSWORD")),
        ("spring-boot", ("spring.mail.username", "spring.mail.password", "application.yml")),
        ("n8n", ("N8N_SMTP_USER", "N8N_SMTP_PASS")),
        ("nodemailer", ("auth.user", "auth.pass")),
        ("go-smtp", ("smtp.PlainAuth()",)),
        ("symfony", ("MAILER_DSN",)),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_steps_are_told_in_the_names_of_the_application(app: str, names: tuple[str, ...], lang: str) -> None:
    text = "535 5.7.8 Error: authentication failed"
    shown = json.loads(cli("explain", "--app", app, "--lang", lang, "--format", "json", text).stdout)
    steps = " ".join(shown["findings"][0]["fixes"])
    for name in names:
        assert name in steps
    assert "SMTP_PASSWORD" not in steps.replace("_SMTP_PASSWORD", "")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("django.core.mail smtplib.SMTPAuthenticationError: (535, b'5.7.8 failed')", "EMAIL_HOST_PASSWORD"),
        ("Swift: laravel.ERROR: Failed to authenticate on SMTP server: 535 5.7.8", "MAIL_PASSWORD"),
        ("org.springframework.mail.MailAuthenticationException: 535 5.7.8 failed", "spring.mail.password"),
        ("Error: Invalid login: 535 5.7.8 failed at SMTPConnection nodemailer", "auth.pass"),
        ("Net::SMTPAuthenticationError: 535 5.7.8 failed", "smtp_settings.password"),
    ],
)
def test_a_library_that_is_recognised_names_its_settings(text: str, name: str) -> None:
    shown = json.loads(cli("explain", "--format", "json", text).stdout)
    assert name in " ".join(shown["findings"][0]["fixes"])


def test_an_application_that_nobody_knows_is_refused() -> None:
    assert cli("explain", "--app", "nosuchthing", "535").exit_code == 2


@given(
    verifies=st.sampled_from([True, False, None]),
    checks_name=st.sampled_from([True, False, None]),
    trust=st.sampled_from(["ok", "bad"]),
    name=st.sampled_from(["ok", "bad"]),
    dates=st.sampled_from(["ok", "bad"]),
)
def test_only_what_the_application_does_not_look_at_is_told_so(
    verifies: bool | None, checks_name: bool | None, trust: Any, name: Any, dates: Any
) -> None:
    """Who checks nothing accepts all; who checks the chain alone accepts a wrong name, and nothing else."""
    conduct = Conduct(name="App", verifies=verifies, checks_name=checks_name)
    facts = TlsFacts(trust=trust, name=name, dates=dates)
    (told,) = held_against(conduct, (Evidence(stage=Stage.TLS),), facts)
    wrong = {"trust", "dates"} if "bad" in {trust, dates} else set()
    wrong |= {"name"} if name == "bad" else set()
    accepts = bool(wrong) and (verifies is False or (wrong == {"name"} and checks_name is False))
    assert (told.facts.get("app_does") == "accepts") is accepts


@pytest.mark.parametrize("label", [Label.CLEARTEXT, Label.CLEARTEXT_ALLOWED])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_becomes_of_a_login_in_the_clear_is_told(label: Label, lang: Lang) -> None:
    said = set()
    for clear in (True, False):
        conduct = Conduct(name="App", clear_login=clear)
        evidence = Evidence(stage=Stage.AUTH, labels=frozenset({label}))
        (told,) = held_against(conduct, (evidence,), None)
        said.add(say(lang, f"advice.app.{told.facts['app_does']}", app="App", seconds=""))
    assert len(said) == 2
    assert held_against(Conduct(name="App"), (Evidence(stage=Stage.AUTH),), None)[0].facts == {}


@given(st.floats(min_value=0.5, max_value=600))
def test_how_long_the_application_waits_is_told_where_something_timed_out(seconds: float) -> None:
    conduct = Conduct(name="App", timeout=seconds)
    for stage in (Stage.CONNECT, Stage.GREETING, Stage.AUTH):
        (told,) = held_against(conduct, (Evidence(stage=stage, error="timeout"),), None)
        assert (told.facts["app_does"], float(told.facts["app_seconds"])) == ("waits", float(f"{seconds:g}"))
    assert held_against(Conduct(name="App"), (Evidence(error="timeout"),), None)[0].facts == {}
