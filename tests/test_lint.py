"""What lint says about settings, and above all what it does not say."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smtpdoctor.knowledge import load
from smtpdoctor.model import Origin, Secret, Setting
from smtpdoctor.settings.lint import is_blocking, is_placeholder, lint
from smtpdoctor.settings.read import Variable, Variables
from smtpdoctor.settings.resolve import Flags, resolve
from smtpdoctor.settings.target import is_loopback
from tests.checking import HOST, cli
from tests.each import each
from tests.examples import examples
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from smtpdoctor.model import Evidence

BASE = {
    "SMTP_HOST": "mail.corp.kr",
    "SMTP_PORT": "587",
    "SMTP_TLS": "false",
    "SMTP_OPPORTUNISTIC_TLS": "true",
    "SMTP_USERNAME": "app@corp.kr",
    "SMTP_PASSWORD": "kT9-qwErty",
    "SMTP_SENDER": "App <app@corp.kr>",
}
GMAIL = BASE | {
    "SMTP_HOST": "smtp.gmail.com",
    "SMTP_USERNAME": "me@gmail.com",
    "SMTP_PASSWORD": "abcd efgh ijkl mnop",
    "SMTP_SENDER": "me@gmail.com",
}
RESEND = BASE | {"SMTP_HOST": "smtp.resend.com", "SMTP_USERNAME": "resend", "SMTP_PASSWORD": "re_Ab12_cdEF34"}
NAVER = BASE | {
    "SMTP_HOST": "smtp.naver.com",
    "SMTP_USERNAME": "me",
    "SMTP_PASSWORD": "ABCD1234EFGH",
    "SMTP_SENDER": "me@naver.com",
}
MAILGUN = BASE | {"SMTP_HOST": "smtp.mailgun.org", "SMTP_PASSWORD": "0af1" * 8 + "-12345678-9abcdef0"}
NETEASE = BASE | {"SMTP_HOST": "smtp.163.com", "SMTP_USERNAME": "me@163.com", "SMTP_SENDER": "me@163.com"}
NETEASE |= {"SMTP_PORT": "465", "SMTP_TLS": "true", "SMTP_OPPORTUNISTIC_TLS": "false"}
CLEAR = {"SMTP_OPPORTUNISTIC_TLS": "false"}
NO_LOGIN = {"SMTP_USERNAME": None, "SMTP_PASSWORD": None}
TOKEN = "ya29." + "a0AfH6SMBx" * 10


def found(base: dict[str, str], changes: dict[str, str | None], **flags: str) -> tuple[Evidence, ...]:
    """Lint variables: a base, changed; None takes a variable away."""
    values = {name: text for name, text in {**base, **changes}.items() if text is not None}
    variables = Variables(
        {name: Variable(text, Origin("environment", name)) for name, text in values.items()}
    )
    return lint(resolve(Flags(**flags), variables))  # type: ignore[arg-type]


def labels(base: dict[str, str], changes: dict[str, str | None], **flags: str) -> list[str]:
    return [f"{one.setting}:{label}" for one in found(base, changes, **flags) for label in one.labels]


@pytest.mark.parametrize("base", [BASE, GMAIL, RESEND, NAVER, MAILGUN, NETEASE])
def test_good_settings_are_quiet(base: dict[str, str]) -> None:
    """Settings that work give nothing at all."""
    assert labels(base, {}) == []


@each(
    ("label", "base", "wrong", "neighbour"),
    [
        ("host:missing", BASE, {"SMTP_HOST": None}, {"SMTP_HOST": "mail.corp.kr"}),
        ("port:missing", BASE, {"SMTP_PORT": None}, {"SMTP_PORT": " 587 "}),
        ("sender:missing", BASE, {"SMTP_SENDER": None}, {"SMTP_SENDER": "other@corp.kr"}),
        ("host:empty", BASE, {"SMTP_HOST": " "}, {"SMTP_HOST": "corp"}),
        ("port:empty", BASE, {"SMTP_PORT": ""}, {"SMTP_PORT": "587"}),
        ("port:not-a-number", BASE, {"SMTP_PORT": "587 # x"}, {"SMTP_PORT": "0587"}),
        ("port:out-of-range", BASE, {"SMTP_PORT": "65536"}, {"SMTP_PORT": "65535"}),
        ("security:not-a-boolean", BASE, {"SMTP_TLS": "starttls"}, {"SMTP_TLS": "NO"}),
        (
            "host:host-has-scheme",
            BASE,
            {"SMTP_HOST": "smtp://mail.corp.kr:587/"},
            {"SMTP_HOST": "smtp-mail.corp.kr"},
        ),
        ("host:host-has-port", BASE, {"SMTP_HOST": "mail.corp.kr:587"}, {"SMTP_HOST": "2001:db8::587"}),
        ("host:host-has-port", BASE, {"SMTP_HOST": "[::1]:587"}, {"SMTP_HOST": "[::1]"}),
        ("host:host-has-blank", BASE, {"SMTP_HOST": "mail.corp.kr "}, {"SMTP_HOST": "mail.corp.kr."}),
        ("host:host-has-blank", BASE, {"SMTP_HOST": "mail corp.kr"}, {"SMTP_HOST": "mail-corp.kr"}),
        ("host:host-bad-name", BASE, {"SMTP_HOST": "mail..corp.kr"}, {"SMTP_HOST": "메일.회사.한국"}),
        ("host:host-bad-name", BASE, {"SMTP_HOST": "app@corp.kr"}, {"SMTP_HOST": "mail_server"}),
        ("host:host-bad-name", BASE, {"SMTP_HOST": "-mail.corp.kr"}, {"SMTP_HOST": "m--ail.corp.kr"}),
        ("host:host-bad-name", BASE, {"SMTP_HOST": f"{'한' * 64}.kr"}, {"SMTP_HOST": f"{'m' * 63}.kr"}),
        ("host:host-bad-name", BASE, {"SMTP_HOST": ".".join("m" * 130)}, {"SMTP_HOST": ".".join("m" * 120)}),
        ("host:host-near-miss", BASE, {"SMTP_HOST": "smtp.gmial.com"}, {"SMTP_HOST": "smtp.corp.kr"}),
        ("host:host-near-miss", BASE, {"SMTP_HOST": "naver.com"}, {"SMTP_HOST": "192.0.2.1"}),
        ("host:placeholder", BASE, {"SMTP_HOST": "smtp.example.com"}, {"SMTP_HOST": "smtp.examples.kr"}),
        (
            "host:placeholder",
            BASE,
            {"SMTP_HOST": "mail.your-domain.com"},
            {"SMTP_HOST": "mail.yourdomains.kr"},
        ),
        ("host:placeholder", BASE, {"SMTP_HOST": "your-smtp-host"}, {"SMTP_HOST": "smtp-host"}),
        (
            "security:tls-on-starttls-port",
            BASE,
            {"SMTP_TLS": "true"},
            {"SMTP_TLS": "true", "SMTP_PORT": "465"},
        ),
        (
            "security:tls-on-starttls-port",
            GMAIL,
            {"SMTP_TLS": "true"},
            {"SMTP_TLS": "true", "SMTP_PORT": "465"},
        ),
        ("security:starttls-on-tls-port", BASE, {"SMTP_PORT": "465"}, {"SMTP_PORT": "588"}),
        (
            "security:starttls-on-tls-port",
            BASE,
            {"SMTP_PORT": "2465", "SMTP_OPPORTUNISTIC_TLS": None},
            {"SMTP_PORT": "25"},
        ),
        (
            "security:plain-on-tls-port",
            BASE,
            CLEAR | {"SMTP_PORT": "465"},
            {"SMTP_PORT": "465", "SMTP_TLS": "true"},
        ),
        ("port:port-not-offered", GMAIL, {"SMTP_PORT": "588"}, {"SMTP_PORT": "587"}),
        ("security:cleartext", BASE, CLEAR, CLEAR | {"SMTP_HOST": "localhost"}),
        ("security:no-encryption", BASE, CLEAR | NO_LOGIN, NO_LOGIN),
        ("security:no-encryption", BASE, CLEAR | NO_LOGIN, CLEAR | NO_LOGIN | {"SMTP_HOST": "127.0.0.2"}),
        ("cipher:bad-cipher", BASE, {"SMTP_CIPHER_SPEC": "TLS1.2"}, {"SMTP_CIPHER_SPEC": "TLSv1.2"}),
        (
            "cipher:bad-cipher",
            BASE,
            {"SMTP_CIPHER_SPEC": "tls\x00"},
            {"SMTP_CIPHER_SPEC": "DEFAULT:@SECLEVEL=1"},
        ),
        ("username:half-login", BASE, {"SMTP_PASSWORD": None}, NO_LOGIN),
        ("password:half-login", BASE, {"SMTP_USERNAME": ""}, NO_LOGIN),
        (
            "username:placeholder",
            BASE,
            {"SMTP_USERNAME": "your-email@corp.kr"},
            {"SMTP_USERNAME": "young@corp.kr"},
        ),
        ("password:placeholder", BASE, {"SMTP_PASSWORD": "changeme"}, {"SMTP_PASSWORD": "changes"}),
        ("password:quoted", BASE, {"SMTP_PASSWORD": "'kT9'"}, {"SMTP_PASSWORD": "'kT9"}),
        ("username:quoted", BASE, {"SMTP_USERNAME": '"app@corp.kr"'}, {"SMTP_USERNAME": "app@corp.kr"}),
        ("password:control-character", BASE, {"SMTP_PASSWORD": "kT\n9"}, {"SMTP_PASSWORD": "kT 9"}),
        ("password:blank-around", BASE, {"SMTP_PASSWORD": "kT9 "}, {"SMTP_PASSWORD": "kT9"}),
        ("username:username-form", GMAIL, {"SMTP_USERNAME": "me"}, {"SMTP_USERNAME": "me@gmail.com"}),
        ("username:username-form", GMAIL, {"SMTP_USERNAME": "@gmail.com"}, {}),
        ("username:username-form", RESEND, {"SMTP_USERNAME": "Resend"}, {}),
        (
            "password:password-form",
            GMAIL,
            {"SMTP_PASSWORD": "MyPassw0rd"},
            {"SMTP_PASSWORD": "abcdefghijklmnop"},
        ),
        ("password:password-form", GMAIL, {"SMTP_PASSWORD": "short"}, {"SMTP_PASSWORD": TOKEN}),
        ("password:password-form", RESEND, {"SMTP_PASSWORD": "re_Ab12 cdEF34"}, {}),
        (
            "password:password-form",
            NAVER,
            {"SMTP_PASSWORD": "my-old-password"},
            {"SMTP_PASSWORD": "ABCD 1234 EFGH"},
        ),
        ("sender:not-an-address", BASE, {"SMTP_SENDER": "App"}, {"SMTP_SENDER": '"App" <app@corp.kr>'}),
        (
            "sender:not-an-address",
            BASE,
            {"SMTP_SENDER": "a@corp.kr, b@corp.kr"},
            {"SMTP_SENDER": "메일@corp.kr"},
        ),
        (
            "sender:placeholder",
            BASE,
            {"SMTP_SENDER": "your-email@corp.kr"},
            {"SMTP_SENDER": "no-reply@corp.kr"},
        ),
        (
            "sender:sender-not-own",
            GMAIL,
            {"SMTP_SENDER": "app@corp.kr"},
            {"SMTP_SENDER": "Me <ME@gmail.com>"},
        ),
        ("sender:sender-not-login", NAVER, {"SMTP_SENDER": "you@naver.com"}, {"SMTP_SENDER": "Me@naver.com"}),
        ("sender:sender-not-own", GMAIL, {"SMTP_SENDER": "you@gmail.com"}, NO_LOGIN),
        ("sender:free-mail-sender", RESEND, {"SMTP_SENDER": "me@gmail.com"}, {"SMTP_SENDER": "me@corp.kr"}),
        ("username:no-credentials", GMAIL, NO_LOGIN, NO_LOGIN | {"SMTP_HOST": "smtp-relay.gmail.com"}),
        ("username:no-credentials", NAVER, NO_LOGIN, {"SMTP_PASSWORD": None}),
        ("password:wrong-credential", MAILGUN, {"SMTP_PASSWORD": "key-" + "0af1" * 8}, {}),
        ("host:other-mail-domain", NETEASE, {"SMTP_USERNAME": "me@126.com"}, {}),
        ("port:reading-port", BASE, {"SMTP_PORT": "993"}, {"SMTP_PORT": "1993"}),
        ("port:reading-port", BASE, {"SMTP_PORT": "110"}, {"SMTP_PORT": "25"}),
    ],
)
def test_each_label_and_its_neighbour(
    label: str, base: dict[str, str], wrong: dict[str, str | None], neighbour: dict[str, str | None]
) -> None:
    """The wrong value gives the label, the one beside it does not."""
    assert label in labels(base, wrong)
    assert label not in labels(base, neighbour)


SINKS = [("mailpit", False), ("mail.firma.example", False), ("mailpit", True)]


@each(("host", "login"), SINKS)
def test_a_sink_has_no_tls_to_be_warned_of(host: str, login: bool) -> None:
    """Port 1025 is that of programs that catch mail; with a password it is a relay, and told all the same."""
    changes = {
        "SMTP_HOST": host,
        "SMTP_PORT": "1025",
        "SMTP_TLS": "false",
        "SMTP_OPPORTUNISTIC_TLS": "false",
    } | ({} if login else NO_LOGIN)
    said = labels(BASE, changes)
    assert ("security:cleartext" in said) is login
    assert "security:no-encryption" not in said
    assert "security:no-encryption" in labels(BASE, changes | NO_LOGIN | {"SMTP_PORT": "1026"})


def test_only_one_thing_is_said_about_a_host() -> None:
    """The first thing that is wrong with a host is enough, and what was meant is offered."""
    (one,) = found(BASE, {"SMTP_HOST": "smtps://smtp.gmail.com:465"})
    assert one.labels == {"host-has-scheme"}
    assert one.facts == {
        "name": "SMTP_HOST",
        "value": "smtps://smtp.gmail.com:465",
        "expected": "smtp.gmail.com",
    }
    (near,) = found(BASE, {"SMTP_HOST": "hanmail.net"})
    assert near.facts["known"] == "smtp.daum.net"
    (blank,) = found(BASE, {"SMTP_HOST": " mail.corp.kr:587 x"})
    assert blank.facts["expected"] == "mail.corp.kr"
    (empty,) = found(BASE, {"SMTP_HOST": "smtp://"})
    assert empty.labels == {"host-has-scheme"}


def test_what_could_not_be_read_is_not_missing_too() -> None:
    """A port that is no number is one finding, not two."""
    assert labels(BASE, {"SMTP_PORT": "x"}) == ["port:not-a-number"]


def test_a_login_alone_needs_no_sender() -> None:
    """Where no mail is sent the sender may be missing."""
    variables = Variables({"SMTP_HOST": Variable("h.kr", Origin("environment", "SMTP_HOST"))})
    loaded = resolve(Flags(), variables)
    assert [one.setting for one in lint(loaded, needs_sender=False)] == ["port"]
    assert [one.setting for one in lint(loaded)] == ["port", "sender"]


DEFAULT_SENDERS = {
    app: str(key.default)
    for app in load.dialect_ids()
    if (dialect := load.dialect(app)) is not None
    and (key := dialect.keys.get("sender")) is not None
    and key.default is not None
}


def _sending_as(app: str, sender: str, host: str, **values: str | None) -> list[Evidence]:
    texts = {**BASE, **values, "SMTP_SENDER": sender, "SMTP_HOST": host}
    variables = {
        name: Variable(text, Origin("environment", name)) for name, text in texts.items() if text is not None
    }
    given = resolve(Flags(), Variables(variables))
    loaded = replace(given, settings=replace(given.settings, app=app))
    return [one for one in lint(loaded) if one.setting == "sender"]


@each("app", DEFAULT_SENDERS)
def test_a_sender_that_an_application_has_by_itself_is_nobodys(app: str) -> None:
    """Whether it is not set, or a sample was left as it stood; a warning only where no code may name another."""
    sender = DEFAULT_SENDERS[app]
    dialect = load.dialect(app)
    assert dialect is not None
    (one,) = _sending_as(app, sender, "mail.corp.kr")
    assert "default-sender" in one.labels
    assert ("sender-by-code" in one.labels) == bool({"php", "python"} & set(dialect.syntaxes))
    assert one.facts["value"] == sender
    assert one.facts["app_name"] == dialect.name.en
    (one,) = _sending_as(app, sender, "smtp.gmail.com", **GMAIL)
    assert "default-sender" in one.labels
    # … and a provider's own rule, by which it is refused for certain, says more
    (one,) = _sending_as(app, sender, "smtp.naver.com", **NAVER)
    assert one.labels == {"sender-not-login"}


@each("app", DEFAULT_SENDERS)
@each("host", ["localhost", "127.0.0.1", "mailpit"])
def test_what_catches_mail_takes_any_sender(app: str, host: str) -> None:
    assert _sending_as(app, DEFAULT_SENDERS[app], host) == []
    assert _sending_as(app, "app@corp.kr", "mail.corp.kr") == []


def test_no_setting_shows_its_secret() -> None:
    """Whatever is wrong with a password, its text is in no evidence."""
    for text in ("hunter2 ", "'hunter2'", "hunter2\n", "<hunter2>", "hunter2"):
        assert "hunter2" not in repr(found(GMAIL, {"SMTP_PASSWORD": text}))


def test_the_recipient_is_looked_at() -> None:
    """--to must be an address as the sender must."""
    assert labels(BASE, {}, recipient="nobody") == ["recipient:not-an-address"]
    assert labels(BASE, {}, recipient="Nobody <nobody@corp.kr>") == []


def test_a_finding_says_where_its_value_stands() -> None:
    """Every finding about a value has the value's origin, and the name it goes by there."""
    (one,) = found(BASE, {"SMTP_CIPHER_SPEC": "nonsense"})
    assert (str(one.origin), one.facts["name"]) == ("environment SMTP_CIPHER_SPEC", "SMTP_CIPHER_SPEC")


@pytest.mark.parametrize(
    ("changes", "blocking"),
    [
        ({"SMTP_HOST": None}, True),
        ({"SMTP_HOST": "a b"}, True),
        ({"SMTP_PORT": "x"}, True),
        ({"SMTP_CIPHER_SPEC": "x"}, True),
        ({"SMTP_SENDER": None}, False),
        ({"SMTP_HOST": "smtp.gmial.com"}, False),
        ({"SMTP_PASSWORD": "changeme"}, False),
    ],
)
def test_blocking(changes: dict[str, str | None], blocking: bool) -> None:
    """Only what cannot be dialled keeps a run from the network."""
    assert [is_blocking(one) for one in found(BASE, changes)] == [blocking]


# -- Presets ------------------------------------------------------------------

PLAIN = string.ascii_letters + string.digits + ".-_"


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    """Texts that a pattern of a preset takes, in ordinary characters."""
    texts = st.from_regex(pattern, fullmatch=True, alphabet=st.sampled_from(PLAIN + "@+/="))
    return texts.filter(lambda text: not is_placeholder(text))


@st.composite
def working(draw: st.DrawFn, name: str) -> tuple[str | None, str | None, str]:
    """Draw a login and a sender as the preset describes them."""
    preset = load.presets()[name]
    # An address that only those of the provider's own domains may have is none of these.
    own = not any(
        re.search(one.pattern, f"me@{d}") for one in preset.username.refused for d in preset.mail_domains
    )
    domain = preset.mail_domains[0] if preset.mail_domains and own else "corp.kr"
    address = f"me@{domain}"
    forms = {"local-part": "me", "any": "app-user", "literal": preset.username.value}
    username: str | None = forms.get(preset.username.form, address)
    if preset.username.form == "regex":
        username = draw(_matching(preset.username.value or ""))
    password: str | None = draw(_matching(preset.password.pattern or "[A-Za-z]{12}"))
    if preset.password.kind == "oauth2":
        password = TOKEN
    if any(one.unequal and re.search(one.pattern, password or "") for one in preset.password.refused):
        username = password
    if preset.password.kind == "none":
        username = password = None
    bound = preset.sender.rule in {"login-address", "login-or-alias", "rewritten"}
    sender = username if bound and username and "@" in username else address
    return username, password, sender


@pytest.mark.parametrize("name", load.presets())
@settings(max_examples=examples(4), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_working_settings_of_a_preset_are_quiet(data: st.DataObject, name: str) -> None:
    """Well-formed credentials at any endpoint that a provider offers give no finding at all."""
    preset = load.presets()[name]
    username, password, sender = data.draw(working(name))
    for endpoint in preset.endpoint:
        flags = Flags(
            host=(endpoint.host or preset.host).replace("*", "corp-kr").replace("your-domain", "corp"),
            port=endpoint.port,
            security=endpoint.security,
            username=username,
            password=Setting(Secret(password), Origin("flag", "--password-stdin")) if password else None,
            sender=sender,
            recipient="someone@elsewhere.kr",
        )
        for one in (flags, replace(flags, preset=name)):
            quiet = [one.labels for one in lint(resolve(one, Variables({})))]
            # A provider that offers clear text only gets told so, whatever the credentials are.
            assert [found for found in quiet if not found & {"cleartext", "no-encryption"}] == [], endpoint


@pytest.mark.parametrize(
    "name", sorted(name for name, one in load.presets().items() if one.password.kind != "none")
)
@settings(max_examples=examples(2), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_example_of_a_preset_is_a_placeholder(data: st.DataObject, name: str) -> None:
    """What `generate` writes for a password that it does not know is recognised as none."""
    example = load.presets()[name].password.example
    assert is_placeholder(example)
    username, _, sender = data.draw(working(name))
    flags = Flags(preset=name, username=username, sender=sender)
    variables = Variables({"SMTP_PASSWORD": Variable(example, Origin("environment", "SMTP_PASSWORD"))})
    assert {"placeholder"} in [one.labels for one in lint(resolve(flags, variables))]


def test_a_user_name_of_either_form() -> None:
    """Where a provider takes both the address and the bare id, both are right."""
    assert load.presets()["naver"].username.form == "email-or-local"
    for username in ("me", "me@naver.com"):
        assert labels(NAVER, {"SMTP_USERNAME": username}) == []


# -- Placeholders -------------------------------------------------------------


@each(
    "text",
    [
        *(
            "your-app-password",
            "your_password",
            "yourpassword",
            "Your Password",
            "YOUR_API_KEY",
            "your-email@gmail.com",
        ),
        *("your.secret.here", "your-generated-alias-password", "password-goes-here", "api_key_here"),
        *(
            "changeme",
            "CHANGE_ME",
            "change-this",
            "changeit",
            "change_me_please",
            "replace-me",
            "REPLACE_WITH_KEY",
        ),
        *(
            "xxx",
            "XXXXXXXX",
            "xxxxxxxxxxxxxxxx",
            "****",
            "...",
            "todo",
            "TBD",
            "dummy",
            "placeholder",
            "secret",
        ),
        *(
            "password",
            "Password",
            "example",
            "app-password",
            "api_key",
            "<password>",
            "<your password>",
            "[password]",
        ),
        *("{{ smtp_password }}", "${SMTP_PASSWORD}", "$SMTP_PASSWORD", "${smtp_password}", "%SMTP_PASSWORD%"),
        *(
            "enter-password",
            "insert_key",
            "fill-me",
            "fillme",
            "SG.xxxxxxxx.yyyy",
            "re_xxxxxxxx",
            "비밀번호",
            "앱 비밀번호",
        ),
        *(" changeme ", "changeme\n"),
    ],
)
def test_placeholders(text: str) -> None:
    """What templates and guides put where a value belongs is told."""
    assert is_placeholder(text)


@each(
    "text",
    [
        *(
            "password1!",
            "P@ss[1]x",
            "here-we-go",
            "Secret123",
            "mysecret",
            "$ecret1",
            "$uperman",
            "pa$$word",
            "passw0rd",
        ),
        *(
            "<3kitties",
            "[x]y",
            "exchange",
            "changes",
            "keyboard",
            "monkey",
            "youru",
            "yours",
            "yourself9",
            "there",
        ),
        *(
            "examples",
            "todos",
            "dummy1",
            "xx",
            "xxxyxx",
            "**",
            "a...b",
            "100%sure%",
            "{curly}",
            "${",
            "refill",
            "centre",
        ),
        *("abcd efgh ijkl mnop", "re_AbCd1234_xxx", "SG.abc.xxx", "비밀", "", " "),
    ],
)
def test_real_passwords_that_look_odd(text: str) -> None:
    """A password that merely looks like a placeholder is left alone."""
    assert not is_placeholder(text)


@each(
    ("host", "loopback"),
    [
        *(
            (host, True)
            for host in ("localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]")
        ),
        *(
            (host, False)
            for host in ("localhost.corp.kr", "mail.corp.kr", "10.0.0.1", "::", "fe80::1%lo", "")
        ),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """This machine's own names and addresses are known, and no others."""
    assert is_loopback(host) is loopback


def test_security_without_a_port() -> None:
    """Without a port there is nothing to say about the security."""
    assert labels(BASE, {"SMTP_PORT": None, "SMTP_TLS": "true"}) == ["port:missing"]
    assert labels(BASE, {"SMTP_PORT": None}) == ["port:missing"]


# -- A login in the clear -----------------------------------------------------


def test_a_login_in_the_clear_that_was_allowed_is_a_warning() -> None:
    """`--allow-cleartext-auth` takes the responsibility; the label says so, and nothing else changes."""
    variables = Variables(
        {name: Variable(text, Origin("environment", name)) for name, text in (BASE | CLEAR).items()}
    )
    loaded = resolve(Flags(), variables)
    assert [one.labels for one in lint(loaded)] == [{"cleartext"}]
    assert [one.labels for one in lint(loaded, cleartext_allowed=True)] == [{"cleartext-allowed"}]


def test_an_allowed_login_in_the_clear_hides_no_real_error(tmp_path: Path) -> None:
    """What the server says comes first then; the flag leaves a warning."""
    (tmp_path / "secret").write_text("kT9-qwErty")
    with serve(dialogue({"AUTH": "535 5.7.8 authentication failed"})) as server:
        done = cli(
            *("check", "--host", "mail.corp.kr", "--port", "587", "--security", "none", "--no-environment"),
            *("--connect-to", f"mail.corp.kr:587:{HOST}:{server.port}", "--allow-cleartext-auth"),
            *("--username", "app@corp.kr", "--password-file", tmp_path / "secret", "--sender", "app@corp.kr"),
            *("--format", "json"),
            code=1,
        )
    first, *others = json.loads(done.stdout)["findings"]
    assert (first["id"], first["severity"]) == ("auth-bad-credentials", "error")
    assert [(one["id"], one["severity"]) for one in others] == [("auth-cleartext", "warning")]


# Lines that cannot be read

IN_FILE = "".join(f"{name}='{value}'\n" for name, value in (GMAIL | {"SMTP_PASSWORD": ""}).items())


def lint_file(folder: Path, text: str, lang: str = "en", *more: str) -> tuple[str, dict[str, Any]]:
    """Return what is said of a file of settings, to a person and in JSON."""
    path = folder / ".env"
    path.write_text(text)
    arguments: list[str | Path] = ["lint", "--env-file", path, "--no-environment", "--lang", lang, *more]
    told = cli(*arguments, code=None)
    return told.stdout + told.stderr, json.loads(cli(*arguments, "--format", "json", code=None).stdout)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("value", ['"ab#cd $efg', "'kT9-qwErty", '"kT9"-qwErty"', "'a'b'"])
def test_the_line_that_cannot_be_read_is_the_cause(tmp_path: Path, value: str, lang: str) -> None:
    """And not what is missing since it is lost; what stands there is not shown."""
    text = IN_FILE.replace("SMTP_PASSWORD=''", f"SMTP_PASSWORD={value}")
    told, shown = lint_file(tmp_path, text, lang)
    assert {one["id"] for one in shown["findings"]} == {"config-invalid"}
    assert shown["findings"][0]["severity"] == "error"
    assert shown["findings"][0]["origin"] == f"{tmp_path}/.env:6"
    assert f"SMTP_PASSWORD ({tmp_path}/.env:6)" in shown["findings"][0]["fixes"][0]
    assert value.strip("\"'") not in told + json.dumps(shown)
    assert "SMTP_USERNAME" not in json.dumps(shown["findings"])


@pytest.mark.parametrize("name", ["SMTP_HOST", "SMTP_PORT", "SMTP_SENDER", "SMTP_TLS"])
def test_no_setting_is_called_missing_whose_line_cannot_be_read(tmp_path: Path, name: str) -> None:
    lines = (f'{key}="{value}' if key == name else f"{key}={value}" for key, value in BASE.items())
    _, shown = lint_file(tmp_path, "\n".join(lines))
    assert {one["id"] for one in shown["findings"] if one["severity"] == "error"} == {"config-invalid"}
    assert shown["findings"][0]["origin"] == f"{tmp_path}/.env:{list(BASE).index(name) + 1}"


def test_a_quote_that_is_not_closed_takes_lines_along(tmp_path: Path) -> None:
    """Each variable of ours that is lost is told with its own line; a foreign one gives the line its name."""
    text = IN_FILE.replace("SMTP_PASSWORD=''", 'SMTP_PASSWORD="kT9-qwErty').replace("'", "")
    told, shown = lint_file(tmp_path, text.replace("SMTP_SENDER=", 'SMTP_SENDER="') + "X=1\n")
    assert [one["origin"] for one in shown["findings"]] == [f"{tmp_path}/.env:6", f"{tmp_path}/.env:7"]
    assert "kT9" not in told + json.dumps(shown)
    for lang in ("en", "ko"):
        told, shown = lint_file(tmp_path, 'API_URL="https://x\nSMTP_HOST="smtp.gmail.com\n', lang)
        assert "SMTP_HOST" in told
        told, shown = lint_file(tmp_path, 'API_URL="https://x\nA=b\n', lang)
        assert f"API_URL ({tmp_path}/.env:1)" in told
        assert f"API_URL ({tmp_path}/.env:1)" in shown["error"]["message"]


def test_a_line_that_cannot_be_read_takes_nothing_away_where_another_gives_the_value(tmp_path: Path) -> None:
    text = IN_FILE.replace("SMTP_PASSWORD=''", "SMTP_PASSWORD=abcdefghijklmnop") + "SMTP_PASSWORD='x\n"
    _, shown = lint_file(tmp_path, text)
    assert shown["findings"][0]["severity"] == "warning"
    assert f"SMTP_PASSWORD ({tmp_path}/.env:8)" in shown["findings"][0]["fixes"][0]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_value_and_its_file_are_both_named_and_the_one_that_was_used(tmp_path: Path, lang: str) -> None:
    text = IN_FILE.replace("SMTP_PASSWORD=''", "SMTP_PASSWORD=abcdefghijklmnop\nSMTP_PASSWORD_FILE=/run/x")
    told, shown = lint_file(tmp_path, text, lang)
    step = shown["findings"][0]["fixes"][0]
    assert step.count(f"SMTP_PASSWORD ({tmp_path}/.env:6)") == 2
    assert step.count(f"SMTP_PASSWORD_FILE ({tmp_path}/.env:7)") == 1
    assert "587" not in step
    assert "abcdefghijklmnop" not in told


def test_of_each_kind_no_more_is_told_than_anybody_reads(tmp_path: Path) -> None:
    """Thousands of names that nobody reads are no reason to judge for minutes, nor are as many passwords."""
    lines = [
        "SMTP_HOST=127.0.0.1",
        "SMTP_PORT=25",
        "SMTP_SENDER=a@example.test",
        "SMTP_PASSWORD=Zq7tRbxWpLk93",
    ]
    lines += [f"SMTP_HOSTT{number}=x\nPASSWORD_{number}=Kw{number}vBnQ" for number in range(1500)]
    path = tmp_path / "many.env"
    path.write_text("\n".join([*lines, ""]))
    done = cli("lint", "--no-environment", "--format", "json", "--config", str(path))
    assert done.exit_code == 1
    assert not any(f"Kw{number}vBnQ" in done.stdout for number in range(1500))
    kinds = Counter(one["id"] for one in json.loads(done.stdout)["findings"])
    assert max(kinds.values()) <= 100
