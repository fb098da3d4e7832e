"""Whether what the presets know holds: for real hosts, for settings that people write, in what they say themselves."""

from __future__ import annotations

import random
import re
import string
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from smtpdoctor.advice import advise, context_of
from smtpdoctor.diagnosis import Context
from smtpdoctor.doctor import lint_only
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.near import edits
from smtpdoctor.labels import Label
from smtpdoctor.model import (
    Confidence,
    Evidence,
    Finding,
    Origin,
    Secret,
    Security,
    Setting,
    Settings,
    Severity,
)
from smtpdoctor.settings.hosts import meant_host
from smtpdoctor.settings.lint import lint
from smtpdoctor.settings.read import Variables
from smtpdoctor.settings.resolve import Flags, completed, resolve
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpdoctor.knowledge.schema import Preset
    from smtpdoctor.model import Lang, Report
    from smtpdoctor.settings.resolve import Loaded

DATA = Path(__file__).parent / "data"
PRESETS = load.presets()
LANGS: Final[tuple[Lang, ...]] = ("en", "ko")
WRONG_PAIRS: Final = (
    (25, Security.STARTTLS),
    (465, Security.STARTTLS),
    (587, Security.TLS),
    (587, Security.NONE),
)


def rows(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def loaded(
    *,
    host: str | None,
    port: int | None = None,
    security: Security | None = None,
    username: str | None = None,
    password: str | None = None,
    sender: str | None = "app@corp.kr",
    preset: str | None = None,
) -> Loaded:
    secret = None if password is None else Setting(Secret(password), Origin("flag", "--password-stdin"))
    flags = Flags(
        host=host,
        port=port,
        security=security,
        username=username,
        password=secret,
        sender=sender,
        preset=preset,
    )
    return resolve(flags, Variables({}))


def told(settings: Loaded) -> set[str]:
    """Return the labels that lint finds, before anything is concluded from them."""
    return {label.value for one in lint(settings) for label in one.labels}


# -- Names of servers


HOSTS = [line.split(" ", 1)[0] for line in rows("hosts.txt")]


def test_no_real_server_is_a_typing_error() -> None:
    """Hundreds of names from public lists: each is a server, however near another one it is."""
    assert len(HOSTS) > 300
    names = load.names()
    unknown = [host for host in HOSTS if names.of_host(host) is None]
    assert {host: meant_host(host, names) for host in unknown} == dict.fromkeys(unknown)
    for host in HOSTS[:: len(HOSTS) // 30]:
        found = lint(resolve(Flags(host=host, sender="app@corp.kr"), Variables({})))
        assert not any(Label.HOST_NEAR_MISS in one.labels for one in found)


@each(
    ("wrong", "right"),
    [
        # what people write although nothing is misspelt
        ("smtp.sendgrid.com", "smtp.sendgrid.net"),
        ("smtp.mailgun.com", "smtp.mailgun.org"),
        ("smtp.hotmail.com", "smtp-mail.outlook.com"),
        ("smtp.outlook.com", "smtp-mail.outlook.com"),
        ("smtp.google.com", "smtp.gmail.com"),
        ("mail.gmail.com", "smtp.gmail.com"),
        ("smtp.yahoo.com", "smtp.mail.yahoo.com"),
        ("smtp.icloud.com", "smtp.mail.me.com"),
        ("smtp.protonmail.com", "smtp.protonmail.ch"),
        ("smtp.sendpulse.com", "smtp-pulse.com"),
        ("smtppro.zopo.com", "smtp.zoho.com"),
        # the domain of an address
        ("gmail.com", "smtp.gmail.com"),
        ("hanmail.net", "smtp.daum.net"),
        ("126.com", "smtp.126.com"),
        ("pec.it", "smtps.pec.aruba.it"),
        # slips of the finger
        ("smtp.gmial.com", "smtp.gmail.com"),
        ("smtp.gamil.com", "smtp.gmail.com"),
        ("smtp.gnail.com", "smtp.gmail.com"),
        ("smpt.gmail.com", "smtp.gmail.com"),
        ("stmp.gmail.com", "smtp.gmail.com"),
        ("smtp.gmail.con", "smtp.gmail.com"),
        ("SMTP.GMAL.COM.", "smtp.gmail.com"),
        ("smtp.nvaer.com", "smtp.naver.com"),
        ("smpt.naver.com", "smtp.naver.com"),
        ("smtp.duam.net", "smtp.daum.net"),
        ("smtp.kakoa.com", "smtp.kakao.com"),
        ("smtp.sendgird.net", "smtp.sendgrid.net"),
        ("smtp.sendgridd.net", "smtp.sendgrid.net"),
        ("smtp.mailgnu.org", "smtp.mailgun.org"),
        ("smtp.resned.com", "smtp.resend.com"),
        ("smtp.office356.com", "smtp.office365.com"),
        ("smtp-mail.outlok.com", "smtp-mail.outlook.com"),
        ("smtp-relay.brveo.com", "smtp-relay.brevo.com"),
        ("smtp.postmarkap.com", "smtp.postmarkapp.com"),
        ("smtp.ofice365.com", "smtp.office365.com"),
        ("smtp.dauum.net", "smtp.daum.net"),
        # ends that no name has
        ("smtp.kakao.cmo", "smtp.kakao.com"),
        ("smtp.resend.con", "smtp.resend.com"),
        ("smtp.sendgrid.con", "smtp.sendgrid.net"),
        ("smtp.daum.ney", "smtp.daum.net"),
        ("smtp.mailgun.ogr", "smtp.mailgun.org"),
        # a web page in the place of a server
        ("www.naver.com", "smtp.naver.com"),
        ("sendgrid.net", "smtp.sendgrid.net"),
        ("resend.com", "smtp.resend.com"),
    ],
)
def test_names_that_people_get_wrong(wrong: str, right: str) -> None:
    """The server that was meant is named."""
    (found,) = (
        one
        for one in lint(resolve(Flags(host=wrong, sender="app@corp.kr"), Variables({})))
        if Label.HOST_NEAR_MISS in one.labels
    )
    assert found.facts["known"] == right


def test_a_near_miss_is_one_label_of_one_provider() -> None:
    """Whatever letter of a known name is changed: what is meant is a name one label away, never across two providers."""
    rng = random.Random(4)  # noqa: S311 -- the same every time
    names = load.names()
    count = 0
    for host in rng.sample(sorted(names.hosts), 30):
        for _ in range(10):
            at = rng.randrange(len(host))
            wrong = host[:at] + rng.choice(string.ascii_lowercase) + host[at + rng.randrange(2) :]
            known = meant_host(wrong, names) if names.of_host(wrong) is None else None
            if known is None or wrong in names.misspelt:
                continue
            count += 1
            labels, others = wrong.split("."), known.split(".")
            assert len(labels) == len(others)
            (pair,) = ((one, two) for one, two in zip(labels, others, strict=True) if one != two)
            assert edits(*pair) <= 2
    assert count > 30


# -- Settings that people write


SHAPES = {
    "l": string.ascii_lowercase,
    "u": string.ascii_uppercase + string.digits,
    "a": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "w": string.ascii_letters + string.digits + "_-",
}


def spelt_out(text: str) -> str | None:
    """Return a value with letters in place of the shapes; the same text gives the same value."""
    if text == "-":
        return None
    rng = random.Random(7)  # noqa: S311 -- the same every time

    def drawn(found: re.Match[str]) -> str:
        kind, count = found[1], found[2]
        if kind == "token":
            return "ya29." + "a0AfH6SMBx" * 10
        if kind.startswith("uuid"):
            one = random.Random(kind)  # noqa: S311 -- the same every time
            return "-".join("".join(one.choices(SHAPES["h"], k=k)) for k in (8, 4, 4, 4, 12))
        return "".join(rng.choices(SHAPES[kind], k=int(count)))

    return re.sub(r"<(token|uuid2?|[luahw])(\d*)>", drawn, text)


@cache
def credentials() -> tuple[tuple[str, str, Report], ...]:
    """Return the verdict, the row, and what lint makes of it, for each row."""
    found = []
    for row in rows("credentials.txt"):
        verdict, server, username, password, sender = (part.strip(" ") for part in row.split(" | "))
        place, mode = server.split(" ")
        host, port = place.rsplit(":", 1)
        report = lint_only(
            loaded(
                host=host,
                port=int(port),
                security=Security(mode),
                username=spelt_out(username),
                password=spelt_out(password),
                sender=spelt_out(sender),
            )
        )
        found.append((verdict, row, report))
    return tuple(found)


def labels_of(report: Report, *severities: Severity) -> set[str]:
    return {
        label.value
        for finding in report.findings
        if finding.severity in severities
        for label in finding.evidence.labels
    }


def test_nothing_is_said_of_settings_that_work() -> None:
    """Not one warning; what may be an alias is worth a remark at most."""
    wrong = {}
    working = [one for one in credentials() if one[0] == "-" or one[0].startswith("~")]
    assert len(working) >= 103
    for verdict, row, report in working:
        allowed = {verdict[1:]} if verdict.startswith("~") else set()
        warned = labels_of(report, Severity.ERROR, Severity.WARNING)
        remarked = labels_of(report, Severity.INFO)
        # A sink on this machine is the one server to which nothing has to be secret.
        if (warned - {"no-encryption"}) or remarked != allowed:
            wrong[row] = warned | remarked
    assert wrong == {}


def test_what_is_wrong_with_settings_is_told() -> None:
    """And nothing else beside it."""
    wrong = {}
    broken = [one for one in credentials() if one[0] != "-" and not one[0].startswith("~")]
    assert len(broken) >= 56
    for verdict, row, report in broken:
        found = labels_of(report, Severity.ERROR, Severity.WARNING)
        if found != {verdict}:
            wrong[row] = found
    assert wrong == {}


def test_what_never_logs_in_is_certain() -> None:
    """A key of the web API is no matter of taste, and the sentence that says so is told."""
    for verdict, row, report in credentials():
        if verdict in {"wrong-credential", "no-token", "free-mail-sender", "no-credentials"}:
            (finding,) = report.findings
            assert (finding.severity, finding.confidence, finding.stage) == (
                Severity.ERROR,
                Confidence.CERTAIN,
                "config",
            ), row
            for lang in LANGS:
                advice = advise(finding, context_of(report), lang)
                assert advice.cause, row
                assert advice.fixes, row


@each(
    ("username", "preset", "known"),
    [
        ("me@hotmail.com", None, "outlook"),
        ("ME@Outlook.com ", None, "outlook"),
        ("app@corp.kr", None, "microsoft365"),
        ("me@gmail.com", None, "microsoft365"),
        (None, None, "microsoft365"),
        (None, "outlook", "outlook"),
    ],
)
def test_an_account_of_another_service_at_the_same_host_goes_by_its_own_rules(
    username: str | None, preset: str | None, known: str
) -> None:
    """A private address of Microsoft's logs in at the server for companies, and there too with a token alone."""
    for host in ("smtp.office365.com", "SMTP.Office365.com."):
        settings = loaded(host=host, username=username, password="kT9-qwErty", preset=preset).settings
        assert settings.preset == known
    assert loaded(host="smtp.gmail.com", username="me@hotmail.com").settings.preset == "gmail"


@pytest.mark.parametrize("lang", LANGS)
def test_no_password_is_shown_but_its_length(lang: Lang) -> None:
    """What a password looks like is told by its length, and how the provider's look beside it."""
    for verdict, row, report in credentials():
        if verdict != "password-form":
            continue
        password = spelt_out(row.split(" | ")[3].strip()) or ""
        (finding,) = report.findings
        advice = advise(finding, context_of(report), lang)
        assert password not in repr(advice) + repr(finding.evidence)
        bare = re.sub(r"\s", "", password)
        assert any(
            f"{len(one)}{'자' if lang == 'ko' else ' characters'}" in advice.cause for one in (password, bare)
        )
        preset = PRESETS[report.settings.preset or ""]
        assert preset.password.shape is not None
        assert preset.password.shape.in_(lang) in advice.cause


# -- What a preset says of itself


def addresses_of(preset: Preset) -> Iterator[str]:
    for text in (preset.sender.en, preset.username.en, *(one.en for one in preset.note)):
        yield from re.findall(r"`(\*?@?[\w.-]+@[\w.-]+)`", text)


def hosts_of(preset: Preset) -> Iterator[str]:
    """Yield the servers that the prose of a preset names, regions spelt out."""
    texts = [preset.username.en, preset.password.en, preset.sender.en, *(one.en for one in preset.note)]
    texts += [one.note.en for one in preset.endpoint if one.note]
    words = {
        word for text in texts for word in re.findall(r"`([a-z0-9-]+(?:\.(?:[a-z0-9-]+|<region>))+)`", text)
    }
    for word in sorted(words):
        if re.match(r"(?:smtp|mail|send|in-|bulk|live|sandbox|email-smtp)", word):
            yield word.replace("<region>", "eu-south-2").replace("your-domain", "corp")


@each("name", sorted(PRESETS))
def test_the_servers_that_a_preset_speaks_of_are_no_typing_errors(name: str) -> None:
    """Regions, older names, hosts without a login, those of other products: the notes name them, so lint knows them."""
    for host in hosts_of(PRESETS[name]):
        found = told(loaded(host=host, username="me@corp.kr", password="kT9-qwErty", sender="me@corp.kr"))
        assert not found & {"host-near-miss", "placeholder", "host-bad-name"}, host


@each("name", sorted(PRESETS))
def test_a_host_that_needs_no_login_is_let_be_without_one(name: str) -> None:
    preset = PRESETS[name]
    for host in preset.no_login:
        spelt = host.replace("*", "corp-kr")
        assert told(loaded(host=spelt, port=25, sender="scanner@corp.kr")) == set(), spelt
        assert not preset.needs_login(spelt)
    usual = "none" not in {preset.password.kind, preset.username.form} and not preset.anywhere
    assert preset.needs_login(preset.host) is usual
    if usual:
        assert "no-credentials" in told(loaded(host=preset.host))
        advice = advise(lint_only(loaded(host=None, preset=name)).findings[-1], Context(provider=name), "en")
        assert preset.name.en in advice.cause or preset.username.form == "literal"


@each("name", sorted(PRESETS))
def test_an_alias_is_no_warning_where_the_preset_allows_it(name: str) -> None:
    """Whose text speaks of aliases, permissions or other addresses of the account has a rule that knows them."""
    preset = PRESETS[name]
    speaks = re.search(r"alias|permission|another address|an address of the|`Send As`", preset.sender.en)
    if speaks and preset.sender.rule == "login-address":
        assert name == "forwardemail"  # the alias is the login there


# -- Ports


@each("name", sorted(PRESETS))
def test_another_port_is_wrong_only_where_the_list_is_complete(name: str) -> None:
    preset = PRESETS[name]
    for port in (2526, 588):
        if port in {one.port for one in preset.endpoint}:
            continue
        host = preset.host.replace("your-domain", "corp")
        found = told(loaded(host=host, port=port, username="u", password="p" * 20))
        assert ("port-not-offered" in found) is preset.ports_complete


NUMBER = re.compile(r"(?<![\w.#%-])(\d{2,5})(?![\w%-])")
SENDING = {"465", "587", "588", "2465", "2525", "2587", "8025", "8465"}  # 25 is nobody's own


def named_ports(text: str) -> set[str]:
    """Return the numbers in a text that are ports for sending mail."""
    return set(NUMBER.findall(text)) & SENDING


@each("name", load.ids())
def test_no_general_fix_has_a_port_of_its_own(name: str) -> None:
    """Which ports there are, the provider knows: the texts leave them to it, but for its own and the unknown one."""
    entry = load.entry(name)
    for advice in (*entry.fix, *entry.note):
        if advice.when is None or not advice.when.provider:
            assert named_ports(advice.en) | named_ports(advice.ko) == set()
    assert not any(named_ports(edit.value) for edit in entry.change)


def finding_of(name: str) -> Finding:
    entry = load.entry(name)
    return Finding(
        id=name,
        stage=entry.stage,
        severity=entry.severity,
        confidence=Confidence.LIKELY,
        fault=entry.fault,
        retryable=entry.retryable,
        evidence=Evidence(stage=entry.stage),
    )


def hosts_with_ports() -> Iterator[tuple[Preset, str]]:
    for preset in PRESETS.values():
        for host in dict.fromkeys((preset.host, *(one.host for one in preset.endpoint if one.host))):
            yield preset, host.replace("*", "corp-kr")


@pytest.mark.parametrize(
    "entry", ["config-tls-mode", "connect-timeout", "starttls-required", "auth-cleartext"]
)
def test_a_fix_names_the_ports_of_the_very_host(entry: str) -> None:
    """And so does the change that is offered: whatever is set now, only what the provider has there."""
    cases = cycle((*pair, lang) for pair in WRONG_PAIRS for lang in LANGS)
    for preset, host in hosts_with_ports():
        offered = {str(one.port) for one in preset.endpoints_at(host)}
        port, mode, lang = next(cases)
        settings = replace(completed(Settings.of(host=host, port=port, security=mode)), preset=preset.id)
        advice = advise(finding_of(entry), Context(settings=settings, provider=preset.id), lang)
        assert advice.fixes
        texts = [*advice.fixes, *(one.value for one in advice.changes if one.setting == "port")]
        named = {number for text in texts for number in named_ports(text.replace("=", " "))}
        assert named <= offered | {str(port)}, (preset.id, host, texts)


def test_a_fix_names_the_usual_ports_where_the_provider_is_not_known() -> None:
    """587 with STARTTLS and 465 with TLS (RFC 8314)."""
    settings = completed(Settings.of(host="mail.corp.kr", port=4650, security="starttls"))
    said = " ".join(advise(finding_of("config-tls-mode"), Context(settings=settings), "en").fixes)
    assert named_ports(said.replace("=", " ")) == {"465", "587"}
