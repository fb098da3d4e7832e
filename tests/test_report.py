"""The report that people read: what the last screen holds, what is said first, what is to be written."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from smtpdoctor.advice import advise
from smtpdoctor.advice.names import offers
from smtpdoctor.advice.steps import MOST, alike
from smtpdoctor.diagnosis import Context, diagnose
from smtpdoctor.formats.dotenv import assigned, assignment
from smtpdoctor.knowledge import load
from smtpdoctor.logs.lookup import of_entry
from smtpdoctor.model import (
    Change,
    Evidence,
    Finding,
    Lang,
    Message,
    Origin,
    Report,
    Secret,
    Security,
    Setting,
    Settings,
    Settled,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.report import RENDERERS, json_v1, terminal
from smtpdoctor.report.layout import code, wrapped
from smtpdoctor.report.view import problem_of, view_of
from tests.checking import HOST, cli, command
from tests.examples import some_of
from tests.servers import dialogue, dns_server, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.certs import Certificate, Certificates
    from tests.servers import Script

LANGS: tuple[Lang, ...] = ("en", "ko")
ROWS = 24
COLUMNS = 80


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is no .env."""
    monkeypatch.chdir(tmp_path)


def env(host: str, port: int, **more: str) -> str:
    values = {
        "SMTP_HOST": host,
        "SMTP_PORT": str(port),
        "SMTP_SENDER": "shop@gmail.com",
        "SMTP_USERNAME": "shop@gmail.com",
        "SMTP_PASSWORD": "my-google-pass",
        "SMTP_TLS": "false",
        "SMTP_OPPORTUNISTIC_TLS": "true",
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def checked(
    text: str, script: Script | None, *more: str | Path, lang: Lang = "en", names: bool = True
) -> str:
    """Return what a check prints with a .env file, where a server acts for the host that it names."""
    Path(".env").write_text(text, encoding="utf-8")
    host, port = re.findall(r"SMTP_(?:HOST|PORT)=(\S+)", text)[:2]
    with dns_server({host: HOST} if names else {}) as resolver:
        arguments = [
            *("check", "--lang", lang, "--no-environment", "--timeout", "2"),
            *("--resolver", f"{resolver.host}:{resolver.port}", *more),
        ]
        if not names:
            return cli(*arguments, code=1).stdout
        if script is None:
            return cli(*arguments, "--connect-to", f"{host}:{port}:{HOST}:1", code=1).stdout
        with serve(script) as server:
            return cli(*arguments, "--connect-to", f"{host}:{port}:{HOST}:{server.port}").stdout


def last_screen(text: str) -> str:
    """Return what a terminal still shows when the prompt is back."""
    rows: list[str] = []
    for line in text.splitlines():
        row = ""
        for sign in line:
            if cell_len(row + sign) > COLUMNS:
                rows.append(row)
                row = ""
            row += sign
        rows.append(row)
    return "\n".join(rows[-(ROWS - 1) :])


def certificate_for(certificates: Certificates, *names: str) -> Certificate:
    shop = certificates.workshop
    return shop.store(names[0].replace("*", "any"), shop.leaf(shop.root, names))


GMAIL: dict[str, Any] = {
    "greeting": "220 smtp.gmail.com ESMTP ffacd0b85a97d-429eb40379dsm2231f8f.11 - gsmtp",
    "capabilities": ["SIZE 35882577", "STARTTLS"],
    "tls_capabilities": ["SIZE 35882577", "AUTH LOGIN PLAIN XOAUTH2"],
}
REFUSAL = (
    "535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
    "535 5.7.8  https://support.google.com/mail/?p=BadCredentials ffacd0b85a97d-429eb4037.11 - gsmtp"
)


# -- The last screen -----------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_gmail_with_the_normal_password(certificates: Certificates, lang: Lang) -> None:
    """Verdict, quote, cause, step, the line to write and the page, on the last screen of 80x24."""
    server = dialogue(
        {"AUTH": REFUSAL}, starttls_cert=certificate_for(certificates, "smtp.gmail.com"), **GMAIL
    )
    text = checked(env("smtp.gmail.com", 587), server, "--ca-file", certificates.ca_pem, lang=lang)
    entry, reply = load.entry("auth-app-password"), load.replies("gmail")[0]
    screen = last_screen(text)
    assert f": {entry.title.in_(lang)}" in screen
    assert "535 5.7.8 Username and Password not accepted." in screen
    assert "https://support.google.com/mail/?p=BadCredentials" in screen
    assert f"{'원인' if lang == 'ko' else 'Cause'}: " in screen
    assert "    1. " in screen
    assert reply.cure.in_(lang).split()[0] in screen
    assert ".env:5\n       - SMTP_PASSWORD=********\n       + SMTP_PASSWORD=your-app-password\n" in screen
    assert "https://myaccount.google.com/apppasswords" in screen
    assert "smtpdoctor explain auth-app-password --preset gmail" in screen
    assert f"✖ {entry.title.in_(lang)} → " in screen
    # The table stands above.
    remark = "14자, 지메일 기준 16자" if lang == "ko" else "14 characters; Gmail passwords have 16"
    assert f"********        .env:5 · {remark}" in text
    assert "my-google-pass" not in text
    assert text.count("SMTP_PASSWORD=your-app-password") <= 2


def test_naver_on_465_with_starttls(certificates: Certificates) -> None:
    """Both variables that say how the connection is secured are shown as they are to be."""
    server = dialogue(implicit_cert=certificate_for(certificates, "smtp.naver.com"))
    text = env("smtp.naver.com", 465, SMTP_USERNAME="shop@naver.com", SMTP_PASSWORD="ABCDEFGH1234")
    shown = checked(text, server, "--ca-file", certificates.ca_pem)
    screen = last_screen(shown)
    assert "error: The TLS setting does not fit the port" in screen
    assert "Cause: " in screen
    assert (
        "       .env:6\n       - SMTP_TLS=false\n       - SMTP_OPPORTUNISTIC_TLS=true\n"
        "       + SMTP_TLS=true\n       + SMTP_OPPORTUNISTIC_TLS=false\n"
    ) in screen
    assert "app-password" not in screen.replace("app-password-", "")
    assert "  ? settings " in shown
    assert "▇" in next(line for line in shown.splitlines() if "✖ greeting" in line)


def test_a_misspelt_host() -> None:
    text = checked(env("smtp.gmial.com", 587), None, names=False)
    screen = last_screen(text)
    assert "       - SMTP_HOST=smtp.gmial.com\n       + SMTP_HOST=smtp.gmail.com\n" in screen
    last = text.splitlines()[-1]
    assert last.startswith("✖ ")
    assert "SMTP_HOST=smtp.gmail.com" in last


def test_a_port_that_is_refused() -> None:
    screen = last_screen(checked(env("mail.firm.test", 587), None))
    assert "error: Nothing answers on that port" in screen
    assert "    1. " in screen
    assert "    2. " in screen


def test_an_lmtp_port() -> None:
    refused = "500 5.5.1 Unknown command"
    server = dialogue({"EHLO": refused, "HELO": refused}, greeting="220 mail.firm.test Dovecot LMTP ready.")
    screen = last_screen(checked(env("mail.firm.test", 24), server))
    assert "error: " in screen
    assert "Cause: " in screen
    assert "    1. " in screen
    assert "smtpdoctor explain not-smtp" in screen


def test_a_certificate_for_another_name_at_a_provider(certificates: Certificates) -> None:
    certificate = certificate_for(certificates, "*.hoster.example")
    text = checked(
        env("smtp.gmail.com", 587, SMTP_PASSWORD="abcdefghijklmnop"),
        dialogue(starttls_cert=certificate, **GMAIL),
        *("--ca-file", certificates.ca_pem),
    )
    screen = last_screen(text)
    assert "error: " in screen
    assert "    1. " in screen
    assert "+ SMTP_HOST" not in text


# -- Stages --------------------------------------------------------------------


def test_a_suspicion_is_shown_as_one_and_settled(certificates: Certificates) -> None:
    """What was said while running stays: the line with the question mark, and what came of it."""
    server = dialogue(starttls_cert=certificate_for(certificates, "smtp.gmail.com"), **GMAIL)
    arguments = ("--ca-file", certificates.ca_pem)
    shown = checked(env("smtp.gmail.com", 587), server, *arguments)
    assert re.search(r"^  \? settings ", shown, re.MULTILINE)
    assert re.search(r"^  ✔ settled: .*login succeeded$", shown, re.MULTILINE | re.DOTALL)
    assert shown.splitlines()[-1].startswith("✔ Healthy")
    found = json.loads(checked(env("smtp.gmail.com", 587), server, *arguments, "--format", "json"))
    assert found["verdict"] == "pass"
    assert found["stages"][0]["status"] == "warn"


def result(stage: Stage, status: Status, seconds: float) -> StageResult:
    return StageResult(
        stage=stage,
        status=status,
        seconds=seconds,
        summary=Message("greeting.pass", {"banner": "word " * 30}),
    )


def rendered(view_settings: Settings, *stages: StageResult, **more: object) -> str:
    """Return a report on a terminal of 80 columns."""
    report = Report(settings=view_settings, stages=stages, findings=(), **more)  # type: ignore[arg-type]
    stream = StringIO()
    console = Console(file=stream, width=COLUMNS, color_system=None)
    terminal.print_view(console, view_of(report, "en"), stages=True)
    return stream.getvalue()


def test_bars_only_where_they_say_something() -> None:
    shown = rendered(
        Settings(),
        result(Stage.DNS, Status.PASS, 0.004),
        result(Stage.CONNECT, Status.PASS, 0.25),
        result(Stage.GREETING, Status.PASS, 4.2),
    ).splitlines()
    lines = {line.split()[1]: line for line in shown if line.startswith("  ✔")}
    assert not re.search("▇|ms", lines["DNS"])
    assert lines["connect"].endswith(" 250 ms")
    assert "▇" not in lines["connect"]
    assert re.search("▇+ 4.2 s$", lines["greeting"])
    assert all(cell_len(line) <= COLUMNS for line in shown)


def test_what_an_override_is() -> None:
    """The settings table says what a value came from and what it overrides."""
    file = Origin("file", "SMTP_PORT", ".env", 2)
    settings = Settings(
        host=Setting("mail.firm.test", Origin("file", "SMTP_HOST", ".env", 1)),
        port=Setting(465, Origin("environment", "SMTP_PORT"), (Setting(587, file),)),
        password=Setting(
            Secret("abc-def"),
            Origin("file", "SMTP_PASSWORD", "a.env", 3),
            (Setting(Secret("older"), Origin("file", "SMTP_PASSWORD", ".env", 3)),),
        ),
    )
    evidence = Evidence(stage=Stage.CONNECT, error="ECONNREFUSED")
    report = Report(
        settings=settings,
        stages=(result(Stage.CONNECT, Status.FAIL, 0),),
        findings=(of_entry(load.entry("connect-refused"), evidence=evidence),),
    )
    stream = StringIO()
    terminal.print_view(Console(file=stream, width=COLUMNS), view_of(report, "en"))
    shown = stream.getvalue()
    assert re.search(r"port +465 +environment \(overrides \.env:2 = 587\)", shown)
    assert re.search(r"password +\*{8} +a\.env:3 \(overrides \.env:3\) · 7 characters", shown)
    found = json.loads(json_v1.render(view_of(report, "en")))["settings"]
    assert found["port"] == {
        "value": 465,
        "origin": "environment SMTP_PORT",
        "overrides": [{"value": 587, "origin": ".env:2"}],
    }
    assert found["password"]["overrides"] == [{"value": "********", "origin": ".env:3"}]


def test_a_settled_suspicion_names_what_settled_it() -> None:
    finding = of_entry(load.entry("config-tls-mode"))
    shown = rendered(Settings(), settled=(Settled(finding, Stage.GREETING),))
    assert "✔ settled: The TLS setting does not fit the port" in shown
    assert "greeting succeeded" in " ".join(shown.split())


# -- Steps ---------------------------------------------------------------------

PROVIDERS = ("gmail", "naver", "daum", "microsoft365", "sendgrid", "resend", "ses", "cafe24", "local")


def settings_of(provider: str | None, port: int = 587, security: Security = Security.STARTTLS) -> Settings:
    def at(name: str, line: int) -> Origin:
        return Origin("file", name, ".env", line, f"{name}=x")

    preset = load.preset_with_id(provider)
    return Settings(
        host=Setting(preset.host if preset else "mail.firm.test", at("SMTP_HOST", 1)),
        port=Setting(port, at("SMTP_PORT", 2)),
        security=Setting(security, at("SMTP_OPPORTUNISTIC_TLS", 7)),
        username=Setting("shop@firm.test", at("SMTP_USERNAME", 4)),
        password=Setting(Secret("abc-defgh"), at("SMTP_PASSWORD", 5)),
        sender=Setting("news@firm.test", at("SMTP_SENDER", 3)),
        preset=provider,
    )


@pytest.mark.parametrize("provider", [None, *PROVIDERS])
def test_steps_are_few_differ_and_fit_the_provider(provider: str | None) -> None:
    """At most three, no two that say the same, none about a port that the provider does not have."""
    preset = load.preset_with_id(provider)
    for name, entry in load.entries().items():
        context = Context(settings=settings_of(provider), provider=provider)
        advice = advise(of_entry(entry), context, "en")
        assert 0 < len(advice.steps) <= MOST, name
        assert advice.cause, name
        every = advice.fixes
        # Names and values are no words: steps that say opposite things have the same ones.
        bare = [re.sub(r"[A-Z]+_[A-Z_]+(?:=\S+)?", "", one) for one in every]
        assert not any(alike(one, other) for number, one in enumerate(bare) for other in bare[:number]), name
        assert len(advise(of_entry(entry), context, "ko").fixes) == len(every), name
        ports = {int(port) for step in every for port in re.findall(r"SMTP_PORT=(\d+)", step)}
        if len(every) > 1:
            assert all(offers(preset, None, port, None) for port in ports), name


def test_the_providers_own_answer_comes_first() -> None:
    reply = next(
        number
        for number, one in enumerate(load.replies("gmail"))
        if one.diagnosis == "auth-bad-credentials" and one.code == 535
    )
    finding = Finding(
        **{
            field: getattr(of_entry(load.entry("auth-bad-credentials")), field)
            for field in ("id", "stage", "severity", "confidence", "fault", "retryable", "evidence")
        },
        reply=reply,
    )
    advice = advise(finding, Context(settings=settings_of("gmail"), provider="gmail"), "en")
    assert advice.steps[0] == load.replies("gmail")[reply].cure.en
    assert advice.cause in load.replies("gmail")[reply].cause.en


@pytest.mark.parametrize("name", ["config-tls-mode", "config-invalid", "connect-refused", "tls-cert-name"])
def test_no_page_that_does_not_belong(name: str) -> None:
    """What is about host, port and mode needs no page about passwords, nor another provider's."""
    for provider in PROVIDERS:
        context = Context(settings=settings_of(provider), provider=provider)
        links = advise(of_entry(load.entry(name)), context, "en").links
        assert not any("password" in f"{label} {url}".lower() for label, url in links), links


def test_pages_of_another_provider_are_left_out() -> None:
    context = Context(settings=settings_of("naver"), provider="naver")
    links = advise(of_entry(load.entry("sender-mismatch")), context, "en").links
    assert not any("microsoft" in url for _, url in links)


# -- Changes -------------------------------------------------------------------


def applied(text: str, changes: Sequence[dict[str, object]]) -> str:
    """Return a file with the changes in it, as a program would make them from the JSON."""
    lines = text.splitlines()
    for one in changes:
        name, value, line = str(one["name"]), str(one["value"]), one["line"]
        assert one["file"] == ".env"
        if isinstance(line, int):
            lines[line - 1] = assigned(lines[line - 1], value) or ""
        else:
            lines.append(assignment(name, value))
    return "\n".join(lines) + "\n"


def linted(text: str) -> list[dict[str, object]]:
    Path(".env").write_text(text, encoding="utf-8")
    found: list[dict[str, object]] = json.loads(cli("lint", "--no-environment", "--format", "json").stdout)[
        "findings"
    ]
    return found


GOOD = env("smtp.gmail.com", 587, SMTP_PASSWORD="abcdefghijklmnop")
FIRM = {"SMTP_SENDER": "a@firm.test", "SMTP_USERNAME": "a@firm.test"}


@pytest.mark.parametrize(
    ("text", "finding", "names"),
    [
        (GOOD.replace("587", "465"), "config-tls-mode", ["SMTP_TLS"]),
        (
            GOOD.replace("TLS=false", "TLS=true").replace("OPPORTUNISTIC_TLS=true", "OPPORTUNISTIC_TLS=false"),
            "config-tls-mode",
            ["SMTP_PORT"],
        ),
        (
            re.sub("SMTP_OPP.*\n", "", GOOD).replace("SMTP_TLS=false", "export SMTP_TLS='true' # on"),
            "config-tls-mode",
            ["SMTP_PORT"],
        ),
        (GOOD.replace("smtp.gmail", "https://smtp.gmail"), "config-invalid", ["SMTP_HOST"]),
        (GOOD.replace("gmail.com\nSMTP_PORT", "gmail.com:587\nSMTP_PORT"), "config-invalid", ["SMTP_HOST"]),
        (GOOD.replace("smtp.gmail.com", "smtp.gmial.com"), "config-invalid", ["SMTP_HOST"]),
        (GOOD.replace("PORT=587", "PORT=fivehundred"), "config-invalid", ["SMTP_PORT"]),
        (GOOD.replace("PORT=587", "PORT=2525"), "config-invalid", ["SMTP_PORT"]),
        (GOOD.replace("SENDER=shop@gmail.com", "SENDER=shop"), "config-invalid", ["SMTP_SENDER"]),
        (GOOD + "SMTP_CIPHER_SPEC=TLSv9\n", "config-invalid", ["SMTP_CIPHER_SPEC"]),
        (re.sub("SMTP_SENDER.*\n", "", GOOD), "config-missing", ["SMTP_SENDER"]),
        (GOOD.replace("USERNAME=shop", 'USERNAME="\'shop').replace("com\nSMTP_PASS", "com'\"\nSMTP_PASS"),
         "config-credentials-form", ["SMTP_USERNAME"]),
        (
            env("smtp.sendgrid.net", 587, **FIRM, SMTP_PASSWORD=f"SG.{'a' * 22}.{'b' * 43}"),
            "config-credentials-form",
            ["SMTP_USERNAME"],
        ),
        (
            env("mail.firm.test", 587, **FIRM, SMTP_TLS="false", SMTP_OPPORTUNISTIC_TLS="flase"),
            "config-invalid",
            ["SMTP_OPPORTUNISTIC_TLS"],
        ),
    ],
)  # fmt: skip
def test_the_change_mends_what_was_found(text: str, finding: str, names: list[str]) -> None:
    """Written into the file as JSON has it, the finding is gone, and nothing new has come."""
    before = linted(text)
    (told,) = [one for one in before if one["id"] == finding]
    changes = told["changes"]
    assert isinstance(changes, list)
    assert [one["name"] for one in changes] == names
    after = linted(applied(text, changes))
    assert [one["id"] for one in after if one["severity"] == "error"] == []
    assert finding not in [one["id"] for one in after]
    ids = [one["id"] for one in before]
    assert all(one["id"] in ids for one in after)


def changes_with(settings: Settings, name: str = "config-tls-mode") -> tuple[Change, ...]:
    return advise(
        of_entry(load.entry(name)), Context(settings=settings, provider=settings.preset), "en"
    ).changes


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("flag", "--security", ("--security", "tls")),
        ("argument", "security", ("security", "tls")),
        ("environment", "SMTP_OPPORTUNISTIC_TLS", ("SMTP_TLS", "true")),
    ],
)
def test_a_change_without_a_file(kind: str, name: str, change: tuple[str, str]) -> None:
    """What came from the command line or the environment is changed there."""
    origin = Origin(kind, name)  # type: ignore[arg-type]
    settings = Settings(
        host=Setting("mail.firm.test", origin),
        port=Setting(465, Origin(kind, "--port" if kind == "flag" else "SMTP_PORT")),  # type: ignore[arg-type]
        security=Setting(Security.STARTTLS, origin),
    )
    first = changes_with(settings)[0]
    assert (first.name, first.value) == change
    problem = problem_of(of_entry(load.entry("config-tls-mode")), Context(settings=settings), "en")
    assert problem.changes[0].file is None
    lines = [line.text for one in problem.excerpts for line in one.lines]
    assert lines[0] == (f"{first.name} {first.value}" if kind == "flag" else f"{first.name}={first.value}")


def test_no_change_to_what_the_provider_does_not_offer() -> None:
    """Cafe24 has 587 alone: on 465 the port is changed, not the mode."""
    ports = {one.port for one in load.presets()["cafe24"].endpoint}
    settings = settings_of("resend", 465)
    assert [one.name for one in changes_with(settings)] == ["SMTP_TLS", "SMTP_OPPORTUNISTIC_TLS"]
    assert ports == {587, 465}


def test_a_secret_never_stands_in_an_excerpt() -> None:
    """Neither in the line that goes, even if it came unmasked, nor in the one that comes."""
    settings = settings_of("gmail")
    raw = Origin("file", "SMTP_PASSWORD", ".env", 5, "SMTP_PASSWORD='abc-defgh' # mine")
    settings = Settings(
        **{
            field: getattr(settings, field)
            for field in ("host", "port", "security", "username", "sender", "preset")
        },
        password=Setting(Secret("abc-defgh"), raw),
    )
    context = Context(settings=settings, provider="gmail")
    problem = problem_of(of_entry(load.entry("auth-app-password")), context, "en")
    shown = [f"{line.sign} {line.text}" for one in problem.excerpts for line in one.lines]
    assert shown == ["- SMTP_PASSWORD='********' # mine", "+ SMTP_PASSWORD='your-app-password' # mine"]


# -- The server's words ---------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("words", [5, 40, 400])
def test_a_quote_keeps_the_page_that_the_server_names(columns: int, words: int) -> None:
    """A quote is cut where it is long, but the address in it is what helps."""
    url = "https://sendgrid.com/docs/for-developers/sending-email/sender-identity/"
    text = f"550 The from address does not match. {'Please read this. ' * words}Visit {url}, to see."
    evidence = Evidence(stage=Stage.SENDER, code=550, text=text)
    finding = diagnose(evidence, Context())
    assert finding is not None
    problem = problem_of(finding, Context(), "en")
    page = terminal.Page(Console(file=StringIO(), width=columns))
    lines = [line.plain for line in terminal.problem_lines(page, problem, "en", room=0)]
    first = next(number for number, line in enumerate(lines) if "The server said" in line)
    last = next(number for number, line in enumerate(lines) if "Cause:" in line)
    assert last - first <= 5
    assert any(url in line for line in lines[first:last])


@pytest.mark.parametrize("words", [1, 5, 40])
def test_a_long_quote_keeps_its_end(words: int) -> None:
    """Which of the checks failed stands at the end, but for the name of the server and the time."""
    tail = "Spf= Fail , Dkim= Pass , DMARC= Fail"
    text = (
        f"550 5.7.515 Access denied, sending domain EXAMPLE.COM {'does not meet the level. ' * words}{tail}"
    )
    evidence = Evidence(
        stage=Stage.SEND,
        code=550,
        enhanced="5.7.515",
        text=f"{text} [AB1.example.com 2026-03-05T14:20Z 08DE]",
    )
    finding = diagnose(evidence, Context())
    assert finding is not None
    problem = problem_of(finding, Context(), "en")
    page = terminal.Page(Console(file=StringIO(), width=80))
    lines = [line.plain for line in terminal.problem_lines(page, problem, "en", room=0)]
    shown = " ".join(" ".join(lines).split())
    assert tail in shown
    assert "550 5.7.515 Access denied" in shown


def test_a_verdict_of_warnings_says_what_to_do() -> None:
    """Its title may say that something cannot work, which warnings alone do not mean."""
    Path(".env").write_text(env("smtp.gmail.com", 26, SMTP_PASSWORD="abcdefghijklmnop"), encoding="utf-8")
    last = cli("lint", "--no-environment").stdout.splitlines()[-1]
    assert "SMTP_PORT=587" in last
    assert load.entry("config-invalid").title.en not in last


# -- Layout --------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_broken(lang: Lang) -> None:
    """The words of a finding are the same in every width: none is broken, no command, no address."""
    pages = {columns: terminal.Page(Console(file=StringIO(), width=columns)) for columns in (40, 61, 80, 200)}
    for columns, page in pages.items():
        page.width = min(columns, 100)
    endless = terminal.Page(Console(file=StringIO(), width=10_000))
    endless.width = 10_000
    context = Context(settings=settings_of("naver"), provider="naver")
    for name, entry in some_of(list(load.entries().items()), 2, LANGS.index(lang)):
        problem = problem_of(of_entry(entry), context, lang)
        words = " ".join(
            one.plain for one in terminal.problem_lines(endless, problem, lang, whole=True)
        ).split()
        commands = re.findall(r"`([^`]+)`", " ".join((*problem.steps, problem.sure)))
        for width, page in pages.items():
            lines = [one.plain for one in terminal.problem_lines(page, problem, lang, whole=True)]
            assert " ".join(lines).split() == words, (name, width)
            for line in lines:
                assert cell_len(line) < min(width, 100) or len(line.split()) < 3 or "`" not in line, line
            for command_ in commands:
                assert any(command_ in line for line in lines), (command_, width)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("see `smtpdoctor check --to x` now", 12, ["see", "smtpdoctor check --to x", "now"]),
        ("a https://example.test/long/address b", 10, ["a", "https://example.test/long/address", "b"]),
        ("연결은 되었지만", 8, ["연결은", "되었지만"]),
        ("授权码不是登录密码", 8, ["授权码不", "是登录密", "码"]),
        ("(`a b`), c", 6, ["(a b),", "c"]),
        ("", 5, [""]),
    ],
)
def test_wrapping(text: str, width: int, lines: list[str]) -> None:
    assert [line.plain for line in wrapped(code(text), width)] == lines


@pytest.mark.parametrize("lang", LANGS)
def test_without_unicode(lang: Lang) -> None:
    """A terminal that knows ASCII alone gets signs that it knows; Korean has to be escaped."""
    Path(".env").write_text(env("localhost", 1), encoding="utf-8")
    done = command(
        *("check", "--no-environment", "--lang", lang), env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 1, done.stderr
    for sign in "✔✖–…→·▇":
        assert f"\\u{ord(sign):04x}" not in done.stdout.lower()
        assert f"\\x{ord(sign):02x}" not in done.stdout.lower()
    assert "\n  x " in done.stdout


def test_the_last_line_fits_a_terminal_and_is_whole_in_a_pipe() -> None:
    """On a terminal it is shortened between words; a pipe gets one line, whatever the width."""
    Path(".env").write_text(env("localhost", 1), encoding="utf-8")
    piped = cli("check", "--no-environment", "--quiet", env={"COLUMNS": "40"}).stdout
    assert piped.count("\n") == 1
    assert piped.startswith("✖ connect-refused: ")
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "LINES": "24", "TERM": "xterm", "LANG": "C.UTF-8"}
    arguments = [sys.executable, "-m", "smtpdoctor", "check", "--no-environment", "--no-color"]
    with subprocess.Popen(arguments, stdout=follower, stderr=subprocess.DEVNULL, env=environment):
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 65_536)
            except OSError:  # Linux says so when the other end is gone
                break
            if not part:
                break
            seen += part
    os.close(leader)
    last = seen.decode().replace("\r\n", "\n").rstrip().splitlines()[-1]
    assert cell_len(last) <= 60
    words = piped.removeprefix("✖ connect-refused: ").split()
    assert (
        last.removeprefix("✖ ").removesuffix(" …").split()
        == words[: len(last.removesuffix(" …").split()) - 1]
    )


# -- The shape -----------------------------------------------------------------


@pytest.mark.parametrize(
    "module", ["terminal", "layout", "told", *(name.rpartition(".")[2] for name in RENDERERS.values())]
)
def test_a_renderer_knows_words_only(module: str) -> None:
    """Formats are functions of the view: they import no probe, no catalogue, no diagnosis."""
    path = Path(terminal.__file__).parent / f"{module}.py"
    found = {
        ".".join(node.module.split(".")[1:2])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("smtpdoctor")
    }
    assert found <= {"", "masking", "model", "report", "text"}
