"""What people paste holds their passwords in every shape: none is shown, and what is no secret stays readable."""

from __future__ import annotations

import io
import json
import random
import re
import ssl
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.vocabulary import key_prefix
from smtpdoctor.logs import Source, explain_source, explain_text
from smtpdoctor.logs.judged import Judged
from smtpdoctor.logs.masking import masked
from smtpdoctor.logs.records import Record
from smtpdoctor.masking.forms import Span, covered, without_credentials
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Secret
from tests.each import each
from tests.examples import examples, some_of
from tests.fuzz.leak import leaked as leaked_in_any_form
from tests.fuzz.target import no_control
from tests.pasted import (
    BODIES,
    FAILURES,
    LEADS,
    NAMES,
    PLAIN_NAMES,
    SHAPES,
    UNNAMED,
    filled,
    fits,
    leaked,
    told,
)
from tests.test_explain import run

PREFIXES = (
    "",
    "2026-01-02T10:00:00Z DEBUG ",
    "Jan  2 10:00:00 host app[12]: ",
    "api-1  | ",
    "[2026-01-02 10:00:00,123] ERROR mailer: ",
    "\t",
    "> ",
    "10:00:00.123 [main] INFO c.e.App - ",
)
LAYOUTS = ("{s}\n{f}", "{f}\n{s}", "{s} {f}", "{f} {s}", "{f} ({s})", "{f}: {s}", "{s}\n\n{f}\n{s}")
NL = "\n"
OF_A_LINE = {"line", "field"}  # nothing stands before them, or behind
LETTERS = string.ascii_letters + string.digits
ALPHABETS = (
    LETTERS,
    LETTERS + "!#$%&*+-/:;=?@^_~.,",
    LETTERS + "\"'()[]{}<>`|\\",
    LETTERS + "@/:#?",
    LETTERS + " !\"'()[]{}@/:#?",
    string.ascii_lowercase + " ",
    "가나다라마바사아자차카타파하밀열쇠",
    "äöüßéèñ" + string.ascii_letters,
    "0123456789abcdef",
)


def ends_as_hosts_do(secret: str) -> bool:
    """Whether a password ends in what may be the domain of a country, as one of many drawn ones does."""
    return re.search(r"\.[A-Za-z]{2,18}\W?$", secret) is not None


@st.composite
def secrets(draw: st.DrawFn) -> str:
    """Draw a password, a passphrase, a key or an OAuth token."""
    letters = draw(st.sampled_from(ALPHABETS))
    length = draw(st.one_of(st.integers(8, 40), st.sampled_from([300, 700, 2_000])))
    # Drawn letter by letter, long ones would take too long.
    chance = random.Random(draw(st.integers(0, 1 << 32)))  # noqa: S311 -- no secret of anybody
    return "".join(chance.choices(letters, k=length))


@st.composite
def pasted(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a secret and a text that holds it beside a failure."""
    kind, template = draw(st.sampled_from(SHAPES))
    secret = draw(secrets()).strip()
    # Of what nothing names, a few letters may be those of known words, and what looks like a host may be one.
    unnamed = (kind, template) in UNNAMED
    assume(
        len(secret) >= (12 if unnamed else 6)
        and fits(kind, secret)
        and not (unnamed and ends_as_hosts_do(secret))
    )
    written = secret
    if kind == "json" and draw(st.booleans()):
        written = json.dumps(secret, ensure_ascii=draw(st.booleans()))[1:-1]
        written = json.dumps(written)[1:-1] if '\\"' in template else written
    shape = filled(
        template,
        secret=secret if "{b" in template else written,
        name=draw(st.sampled_from(NAMES)),
        plain=draw(st.sampled_from(PLAIN_NAMES)),
    )
    layout = draw(st.sampled_from(LAYOUTS))
    assume(kind not in OF_A_LINE or not re.search(r"\{s\}.*\{f\}", layout))
    failure = draw(st.sampled_from(FAILURES))
    assume(not leaked(secret, failure))
    text = layout.format(s=shape.rstrip("\n"), f=failure)
    prefix = draw(st.sampled_from(PREFIXES))
    return secret, "\n".join(f"{prefix}{line}" for line in text.split("\n"))


def shown(text: str) -> str:
    """Return all that is shown of a text besides words of ours."""
    return "\n".join(one.finding.evidence.text for one in explain_text(text))


@settings(max_examples=examples(100), deadline=None)
@given(pasted())
def test_no_shape_shows_its_secret(case: tuple[str, str]) -> None:
    """Whatever a text holds beside a failure, no six characters of a secret are shown, as they are or encoded."""
    secret, text = case
    assert not leaked(secret, shown(text))


@pytest.mark.parametrize("part", range(8))
def test_each_shape(part: int) -> None:
    """Every shape behind a failure in its line, where most is shown: with a plain secret and with an odd one."""
    chance = random.Random(part)  # noqa: S311 -- no secret of anybody
    for kind, template in SHAPES[part::8]:
        for letters in chance.sample(ALPHABETS[:5], min(examples(2), 5)):
            secret = "".join(chance.choices(letters, k=16)).strip()
            unnamed = (kind, template) in UNNAMED
            if not fits(kind, secret) or len(secret) < 6 or (unnamed and ends_as_hosts_do(secret)):
                continue
            shape = filled(
                template, secret=secret, name=chance.choice(NAMES), plain=chance.choice(PLAIN_NAMES)
            )
            text = f"{chance.choice(FAILURES)}{NL if kind == 'field' else ' '}{shape}"
            said = shown(text)
            assert not leaked(secret, said), text
            assert letters != LETTERS or not leaked_in_any_form(secret, said), text


@pytest.mark.parametrize("part", range(4))
def test_a_password_of_syntax(part: int) -> None:
    """Whatever a password begins with and holds, it is one where a text says so: brackets, quotes, a reply's code.

    Every shape with every beginning, each with one of the bodies; of the body no six characters are shown.
    """
    chance = random.Random(part)  # noqa: S311 -- no secret of anybody
    for number, (kind, template) in enumerate(SHAPES[part::4]):
        for lead in some_of(LEADS[number % 6 :: 6], 2, number // 6):
            body = chance.choice(BODIES)
            secret = f"{lead}{body}"
            if not fits(kind, secret) or not told(template):
                continue
            said = {"name": chance.choice(NAMES), "plain": chance.choice(PLAIN_NAMES)}
            shape = filled(template, secret=secret, **said).rstrip("\n")
            lines = (
                "{s}\n{f}" if kind in OF_A_LINE else chance.choice(("{f}: {s}", "{s} ({f})", "smtp: {f} {s}"))
            )
            text = lines.format(f=FAILURES[0], s=shape)
            assert not leaked(body, masked(text)), (text, masked(text))


@settings(max_examples=examples(12), deadline=None)
@given(pasted(), st.sampled_from(["", "--verbose", "--quiet", "--lang=ko", "--format=json", "--follow"]))
def test_no_output_shows_a_secret(case: tuple[str, str], option: str) -> None:
    """In words and in JSON, in short and in full."""
    secret, text = case
    assume("\r" not in text and "\x0b" not in text)
    assume(option != "--follow")  # it reads from a file, which the runner has not
    code, out, errors = run(*filter(None, [option]), stdin=text)
    assert code == 0
    assert not leaked(secret, f"{out}{errors}")


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_keys_of_providers(data: st.DataObject) -> None:
    """A key is known by its form wherever it stands: each of the list, and each of a preset's own pattern."""
    own = {
        one.password.pattern
        for one in load.presets().values()
        if one.password.pattern and key_prefix(one.password.pattern)
    }
    assert len(own) > 3
    prefix = data.draw(st.sampled_from([*load.keys(), *map(str, map(key_prefix, own))]))
    length = load.keys()[prefix]
    body = data.draw(st.text(LETTERS, min_size=length + 4, max_size=length + 60))
    assume(re.search(r"\d", body) and re.search("[a-z]", body) and re.search("[A-Z]", body))
    key = prefix + body
    around = data.draw(
        st.sampled_from(["{}", "535 login with {} refused", "x={}", "'{}'", "({})", "host {} not found"])
    )
    for mask in (without_credentials, masked):
        assert body not in mask(around.format(key))
    assert not leaked(key, shown(f"535 5.7.8 authentication failed {around.format(key)}"))


URLS = (
    "smtp://{u}:{s}@{h}", "smtps://{u}:{s}@{h}:465", "smtp:/{u}:{s}@{h}", "smtp//{u}:{s}@{h}", "smtp:\\\\{u}:{s}@{h}",
    "smtp:{u}:{s}@{h}", "//{u}:{s}@{h}", "{u}:{s}@{h}", "{u}:{s}@{h}:587", "smtp://:{s}@{h}", "smtp://{u}:{s}@",
    "<smtp://{u}:{s}@{h}>", '"smtp://{u}:{s}@{h}"', "smtp://{u}%3A{s}@{h}", "SMTP://{u}:{s}@{h}", "{h}:587/?auth={s}",
    "smtp://{h}?user={u}&password={s}", "sendgrid+api://{s}@default", "***+api://{s}@default", "resend://:{s}@default",
    "mailgun+https://{s}:{h}@default", "smtp://{u}@{h}:{s}@{h}", "{h}:587:{u}:{s}", "{h}|587|{u}|{s}", "https://{s}@{h}",
    "smtp://{u}:{s}@[::1]:25", "smtp://{u}:{s}@{h}/?x=1#y", " smtp://{u}:{s}@{h} ", "smtp+tls://{u}:{s}@{h}",
)  # fmt: skip
# Those of them in which a password may have blanks, too.
WIDE_URLS = (
    "smtp://{u}:{s}@{h}",
    "{u}:{s}@{h}",
    "{u}:{s}@{h}:p",
    "{h};password={s}",
    "{h}?password={s}",
    "{h}:587:{u}:{s}",
    "{h}:587 user={u} pass={s}",
    "password={s}",
    "smtp%3A%2F%2F{u}%3A{s}",
)


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from(URLS), secrets())
@example("smtp://{u}:{s}@{h}", "ab/SECRET")
@example("smtp://{u}:{s}@{h}", "wo:rd@pa/ss#wo?rd")
def test_a_login_in_a_url(template: str, secret: str) -> None:
    """However a URL is broken, and whatever its password holds, the password does not stand there any more."""
    assume(not any(map(str.isspace, secret)) and "|" not in secret)
    url = template.format(s=secret, u="bob", h="smtp.example.com")
    assert not leaked(secret, without_credentials(url), coded=False)


@settings(max_examples=examples(20), deadline=None)
@given(st.sampled_from(WIDE_URLS), st.lists(st.text(LETTERS, min_size=3, max_size=8), min_size=2, max_size=6))
def test_a_password_of_words_in_a_url(template: str, words: list[str]) -> None:
    """Sixteen letters in groups of four, as a provider shows them: what a value begins with ends with the value."""
    url = template.format(s=" ".join(words), u="bob", h="smtp.example.com")
    shown = without_credentials(url)
    expected = template.format(s=Secret.MASK, u="bob", h="smtp.example.com")
    assert shown in {expected, expected.replace("bob:", "")}


def _plain_values() -> Iterator[str]:
    yield from (
        "587",
        "starttls",
        "true",
        "localhost",
        "127.0.0.1:25",
        "[::1]:587",
        "2001:db8::1",
        "smtp://h:587",
    )
    yield from (
        "mailto:me@example.com",
        "News <me@example.com>",
        '"Shop: News" <a@b.example>',
        "unix:/run/x.sock",
    )
    yield from (
        "ec2-3-4-5-6.compute-1.amazonaws.com",
        "email-smtp.us-east-1.amazonaws.com",
        "SMTP.EXAMPLE.COM",
    )
    yield from (
        "<CAF1+abc_Def12345678901234567890QWErtz@mail.gmail.com>",
        "4F2A1B3C9D",
        "smtp://smtp.example.com:587/",
    )
    yield from (
        "s1._domainkey.example.com",
        "abcdefghijklmnopqrstuvwxyz234567._domainkey.example.com",
        "key-exchange",
    )
    yield from (
        "a-very-long-company-name-international.example.com",
        "me+tag@example.com",
        "/run/secrets/smtp_password",
    )
    yield from (
        "smtp://me@example.com@h:25"[:18],
        "smtps://h:465?auth=login",
        "re_captcha.example.com",
        "sk_buff_head",
    )
    yield from ("ECDHE+AESGCM:!aNULL:@SECLEVEL=0", "HIGH:!aNULL:!MD5:@STRENGTH", "DEFAULT:@SECLEVEL=1")
    ciphers = [one["name"] for one in ssl.create_default_context().get_ciphers()]
    yield from (*ciphers, ":".join(ciphers), "smtp://${USER}:${PASS}@h")
    for preset in load.presets().values():
        yield from (preset.host, *(f"me@{one}" for one in preset.mail_domains), f"{preset.host}:587")


def test_plain_values_stay() -> None:
    """Hosts, addresses, ports, ciphers, ids and names of files are no credentials."""
    for value in _plain_values():
        assert without_credentials(value) == value
        sentence = f"--host: {value} is no name of a host"
        assert without_credentials(sentence) == sentence


@settings(max_examples=examples(20), deadline=None)
@given(
    st.from_regex(
        r"[a-z][a-z0-9-]{0,20}[a-z](\.[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?){1,4}\.[a-z]{2,8}", fullmatch=True
    )
)
def test_any_host_stays(host: str) -> None:
    assume(not any(host.find(prefix) >= 0 for prefix in load.keys()))  # noqa: SIM118 -- a function
    for value in (host, f"{host}:587", f"smtp://{host}:465", f"me@{host}"):
        assert without_credentials(value) == value


def test_the_words_of_providers_stay() -> None:
    """All replies of all presets are shown word for word, but for ids and keys that are in them."""
    changed = [
        reply.text
        for preset in load.presets()
        for reply in load.replies(preset)
        if masked(reply.text) != printable(reply.text)
    ]
    assert all(re.fullmatch(r"\S*\d\S*|eyJ\S+", one) for one in changed)


@given(
    st.sampled_from(
        [
            "password",
            "Password",
            "passwd",
            "token",
            "Username and Password",
            "the password",
            "wrong password",
            "SMTP password",
        ]
    ),
    st.sampled_from([" ", ": ", " is ", " was ", " - "]),
    st.lists(st.sampled_from([one for one in load.secrets().prose if one.isalpha()]), min_size=1, max_size=4),
)
def test_sentences_about_passwords_stay(name: str, between: str, words: list[str]) -> None:
    """What goes on in a sentence is no value."""
    text = f"535 5.7.8 {name}{between}{' '.join(words)}."
    assert masked(text) == text


@each(
    "text",
    [
        "535 5.7.8 Username and Password not accepted. Learn more at https://support.google.com/mail/?p=BadCredentials",
        "password is incorrect",
        "Password: required",
        "password authentication failed for user",
        "Invalid password format",
        "to=<someone@example.com>, relay=mail.example.com[192.0.2.9]:25",
        "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
        "error:1408F10B:SSL routines:ssl3_get_record:wrong version number",
        "at com.sun.mail.smtp.SMTPTransport.startTLS(SMTPTransport.java:2140)",
        "certificate has expired on 2024-01-02 at 15.20.7452.49, 02.01.2024",
        "2026-05-03T21:09:30.897-0400 read tcp 172.18.0.3:44712->192.168.100.109:587: i/o timeout",
        "getaddrinfo ENOTFOUND smtp.example.com",
        "550 5.1.1 someone@example.com: recipient rejected",
        "535 5.7.1 아이디 또는 비밀번호를 확인하세요",
        "535 5.7.1 비밀번호를 다시 확인해 주세요",
        "535 5.7.1 비밀번호가 올바르지 않습니다",
        "535 아이디 또는 비밀번호가 일치하지 않습니다",
        "550 5.7.1 비밀번호를 변경하세요",
        "535 5.7.1 앱 비밀번호를 사용해야 합니다",
        "535 보안 설정에서 SMTP 사용을 허용해 주시기 바랍니다",
        "535 계정이 잠겼습니다. 관리자에게 문의하세요",
        "smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted')",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


def test_the_words_of_systems_stay() -> None:
    """Of what systems and servers of any language print, hardly a word is taken for a secret."""
    lines = Path(__file__).with_name("data") / "explain-wordings.jsonl"
    texts = [json.loads(line)["text"] for line in lines.read_text().splitlines()]
    hidden = sum(masked(text).count(Secret.MASK) for text in texts)
    assert hidden <= sum(len(text.split()) for text in texts) / 100


WORDS = (
    *(
        "orchid",
        "walnut",
        "copper",
        "lantern",
        "meadow",
        "thistle",
        "bramble",
        "quartz",
        "pigeon",
        "velvet",
        "tundra",
    ),
    *("가람", "나무", "바다", "자유", "카레", "하늘", "호수", "구름", "소나기"),
)


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=6, unique=True),
    st.sampled_from(["", " ", "-", "_", ".", ", ", "! "]),
    st.sampled_from([template for kind, template in SHAPES if kind == "double" or " " not in template]),
    st.sampled_from(FAILURES),
)
def test_a_pass_phrase(words: list[str], sign: str, template: str, failure: str) -> None:
    """It is made of words, which tell of no failure: however they are joined, and whether a text names it or not."""
    said = {"name": NAMES[0], "plain": PLAIN_NAMES[0]}
    shape = filled(template, secret=sign.join(words), **said)
    assume("{s}" in template and not (sign.isspace() and template.endswith("{s}\n")))
    assert not any(word in shown(f"{failure} {shape}") for word in words)


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(st.sampled_from(WORDS[:11]), min_size=2, max_size=4, unique=True),
    st.lists(
        st.sampled_from(("server", "login", "master", "window", "host", "close")), min_size=1, max_size=4
    ),
    st.sampled_from(["({})", "[{}]", "'{}'", '"{}"', "`{}`", "“{}”", "({{u}}/{})"]),
    st.randoms(use_true_random=False),
)
def test_a_pass_phrase_with_known_words(
    odd: list[str], known: list[str], form: str, chance: random.Random
) -> None:
    """In quotes or brackets an unknown word makes one value of it all: what is known of it says the more of the rest."""
    words = chance.sample([*odd, *known], len(odd) + len(known))
    said = shown(f"535 5.7.8 authentication failed {form.format(' '.join(words)).format(u='bob')}")
    assert said.startswith("535 5.7.8 authentication failed")
    assert not any(word in said for word in words)


@settings(max_examples=examples(40), deadline=None)
@given(
    st.sampled_from(
        [
            "010-{}-{}",
            "{}-{}",
            "{}.{}.000",
            "({}){}-11",
            "19{:.2}-0{:.1}-2{:.1}",
            "1{:.1}.0{:.1}.19{:.2}",
            "1{:.1}/0{:.1}/19{:.2}",
        ]
    ),
    st.lists(st.from_regex("[1-8]{4}", fullmatch=True), min_size=3, max_size=3),
    st.sampled_from(
        ["{}", "({})", "'{}'", "password {}", "args ('bob', '{}')", "key: '{}'", "bob:{}", "secret={}"]
    ),
)
def test_a_number_that_signs_divide(number: str, digits: list[str], form: str) -> None:
    """A telephone number, somebody's birthday: no code of a server is so long, no version and no day of a log."""
    secret = number.format(*digits)
    said = shown(f"535 5.7.8 authentication failed {form.format(secret)}")
    assert said.startswith("535 5.7.8 authentication failed")
    assert not leaked(secret, said, coded=False)


@given(
    st.sampled_from(["비밀번호는 {}", "비밀번호: {}", "535 5.7.1 {}", "535 ({})"]),
    st.sampled_from(["확인바다", "설정구름이", "안녕하세요세상"]),
)
def test_a_korean_word_that_begins_as_a_known_one(form: str, secret: str) -> None:
    """Behind the stem of a word stands a particle or an ending, and no other word."""
    assert secret not in masked(form.format(secret))


@pytest.mark.parametrize(
    "form",
    ["[{}]".format, "password bytes: {}".format, "new byte[] {{ {} }}".format, "it was {}".format],
)
@pytest.mark.parametrize(
    ("sign", "number"),
    [
        (", ", "{}"),
        (",", "{}"),
        (" ", "{:02x}"),
        (":", "{:02x}"),
        ("-", "{:02x}"),
        ("", "\\x{:02x}"),
        (", ", "0x{:02x}"),
        (".", "chr({})"),
        (" + ", "chr({})"),
        ("", "&#{};"),
    ],
)
def test_the_characters_of_a_secret_as_numbers(form: Callable[[str], str], sign: str, number: str) -> None:
    """Whoever can count can read it."""
    secret = sign.join(number.format(ord(one)) for one in "hunter-twelve")
    said = masked(f"535 5.7.8 authentication failed {form(secret)}")
    assert not re.search(r"117|110|\b75\b|6e", said)


def test_the_letters_of_a_secret_apart() -> None:
    for text in (
        "h u n t e r t w e l v e",
        "1=h 2=u 3=n 4=t 5=e 6=r 7=t 8=w",
        "h.u.n.t.e.r.t.w",
        "h-u-n-t-e-r-2",
    ):
        assert re.sub(r"\W", "", masked(f"535 5.7.8 authentication failed {text}"))[-6:] == "failed"


def test_only_the_reply_is_shown() -> None:
    """Nothing that stands before it, in its line or in others, and nothing behind its quotes."""
    for text, expected in (
        ("user=bob sunshine Error: Invalid login: 535 5.7.8 no", "535 5.7.8 no"),
        ('{"a":"sunshine","error":"535 5.7.8 no","b":"moonshine"}', "535 5.7.8 no"),
        ("response: '535 5.7.8 no', pass: sunshine", "535 5.7.8 no"),
        ("550-5.7.1 this is\n550 5.7.1 refused (smtp)", "550-5.7.1 this is 550 5.7.1 refused (smtp)"),
        ("moonshine getaddrinfo ENOTFOUND smtp.example.com", "ENOTFOUND smtp.example.com"),
    ):
        assert shown(text) == expected


def test_a_secret_does_not_change_the_diagnosis() -> None:
    """What is masked was read: a password of any word leaves the finding as it is."""
    for word in ("LOGIN", "STARTTLS", "535", "not", "authentication", "Error"):
        text = f"SMTP_PASSWORD={word}\nError: Invalid login: 535 5.7.8 Error: authentication failed"
        assert [one.finding.id for one in explain_text(text)] == ["auth-bad-credentials"]


@each("length", [16, 100, 400, 900])
def test_however_long_a_token_is_the_finding_is_the_same(length: int) -> None:
    token = "".join(random.Random(length).choices(LETTERS, k=length))  # noqa: S311 -- no secret of anybody
    text = f"Access token {token} rejected 550 5.1.1 User unknown"
    assert [one.finding.id for one in explain_text(text)] == ["recipient-rejected"]


# Odd input


@settings(max_examples=examples(40), deadline=None)
@given(st.one_of(st.text(st.characters(), max_size=200), st.binary(max_size=200)))
@example("smtp error 535 \ud800 \udc80 \0")
@example(b"\xff\xfe\0\xd8smtp 535 5.7.8 no")
def test_anything_can_be_explained(text: str | bytes) -> None:
    """Lone surrogates, NUL, bytes of any encoding: an answer, and one that can be shown."""
    given = f"535 5.7.8 authentication failed {text}" if isinstance(text, str) else b"535 5.7.8 bad\n" + text
    for one in explain_text(given):
        no_control(one.finding.evidence.text)
        one.finding.evidence.text.encode()


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("x", 10_000_000),
        ("535 5.7.8 no smtp\n", 500_000),
        ("smtp failed 535 ", 1_000_000),
        ("\ud800", 200_000),
    ],
)
def test_megabytes(unit: str, size: int) -> None:
    """However much is pasted, it is read like a log."""
    assert len(explain_text(unit * (size // len(unit)))) <= 1


def test_what_is_said_again_is_counted() -> None:
    """Lines that are the same are not looked at again, and lose no count and no line number."""
    line = "Error: Invalid login: 535 5.7.8 bad\n"
    for times in (61, 5_000):
        data = (f"{line * times}all is well\n" * 3).encode()
        (one,) = explain_source(Source(io.BytesIO(data)))
        assert (one.count, one.line, one.last_line) == (3 * times, 1, 3 * times + 2)
    assert Secret.MASK not in one.finding.evidence.text


# Length and memory


def _literals() -> list[str]:
    groups = [group for rule in load.rules() for atoms in rule.atoms for group in atoms]
    groups += [group for word in load.words() for group in word.atoms]
    lists = load.secrets()
    groups += [lists.anywhere, lists.words, lists.logins, tuple(lists.keys), tuple(load.names().hosts)]
    return sorted({literal for group in groups for literal in group})


SIGNS = (
    *(
        "key-",
        "535-",
        "a.b.",
        "aA0",
        "0x8",
        "12:",
        "a@b ",
        "//:@",
        "password=",
        '"password":"',
        "AUTH PLAIN ",
        "?auth=",
        "-----BEGIN",
    ),
    *(
        '"',
        "'",
        "(",
        "[",
        "{",
        "<",
        "\\",
        "-",
        "_",
        ".",
        ":",
        "=",
        "@",
        "/",
        "&",
        "|",
        " ",
        "가",
        "&quot;",
        "</a",
        "smtp.gmail.com ",
    ),
)


@each("unit", [*SIGNS, *_literals()[:: len(_literals()) // 20]])
def test_what_is_repeated_is_read(unit: str) -> None:
    """Any literal that a pattern knows, however often; ``benchmarks/growth.py`` holds how the time grows."""
    assert len(explain_text(f"smtp failed 535 {unit * (3_500 // len(unit))}")) <= 1


def test_what_is_kept_of_a_stream_is_bounded() -> None:
    """Whatever comes, the judgements and words that are kept have a limit in characters."""
    judged = Judged()
    chance = random.Random(1)  # noqa: S311 -- no secret of anybody
    for number in range(800):
        word = "".join(chance.choices(string.ascii_letters, k=2_000))
        judged.of(Record(f"535 {word}", number, number), lambda _: ())
    assert sum(map(len, judged._words)) <= 1_000_000
    assert all(isinstance(key, tuple) and isinstance(key[0], int) for key in judged._known)


@given(
    st.lists(st.sampled_from([*SIGNS, "535 5.7.8", "bad", "12:30:11", "550", "mx1.example.com"]), max_size=20)
)
def test_a_shape_keeps_the_codes(words: list[str]) -> None:
    """What is taken out of a text varies; a reply code never does."""
    judged = Judged()
    shapes = {
        judged.shape(" ".join([*words, code])) for code in ("535", "550", "421", "5.7.8", "10061", "587")
    }
    assert len(shapes) == 6


# What is secret stands between ‹ and ›; where nothing does, nothing is.
FORMS = (
    "h?password=",
    "x h?password= y",
    "smtp://bob:@h",
    "x h?a=1;b=2&password=‹x› y",
    "smtp.h.test:465:‹bob:pw›",
    "//bob:‹my pw›@h",
    "‹SG.aB3dE6gH9jK2mN5pQ8sT1v.xY› ‹SG.aB3dE6gH9jK2mN5pQ8sT1v.xY›",
    "xSG.aB3dE6gH9jK2mN5pQ8sT1v.xYx ‹SG.aB3dE6gH9jK2mN5pQ8sT1v.xY›",
    "‹re_abcDEFghijk›",
    "re_abcdefghijkl",
    "see smtp://[fe80::1]:587 now",
    "see foo://bob:hunter2 now",
    "smtp://bob:‹my pw›@h",
    "see Xbob:‹hunter2›@h now",
    "‹aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0eR›",
    "aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0e",
    "‹aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0eR›@x",
    "<aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0eR@x>",
    "<‹aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0eR›",
    "x ‹aB3dE6gH9jK2mN5pQ8sT1vX4zA7cF0eR› y",
    "ab3de6gh9jk2mn5pq8st1vx4za7cf0er",
    "aB3dE6gH9jK2mN5pQ8sT1vX4zA7c-+/_",
    "aB3dE6gH9jK2mN5p.Q8sT1vX4zA7cF0eR",
    "smtp://bob:‹hunter2›@h",
    "bob:‹hunter2›@h",
    "bob@h",
    "smtp://bob@h",
    "sendgrid+api://‹KEYKEY›@default",
    "ses+smtp://bob:‹pw›@h",
    "ses+smtps://KEY@h",
    "smtp://bob%3A‹hunter2›@h",
    "smtp://bob%3a‹hunter2›@h",
    "smtp://bob:${PW}@h",
    "smtp://bob:%PW%@h",
    "smtp://bob:$PW@h",
    "smtp://bob:${PW}",
    "smtp://bob:%PW%",
    "smtp://bob:‹x${PW}›",
    "smtp://bob:‹${PW}x›@h",
    "DEFAULT@SECLEVEL=0",
    "ALL:@STRENGTH",
    "all:@strength",
    "ALL:‹pw›@STRENGT",
    "App <app@h.test>",
    "App <bob:‹pw›@h.test>",
    "mailto:me@example.com",
    "to:me@example.com",
    "(user:me@example.com)",
    "smtp:bob:‹hunter2›@h",
    "smtp:bob:‹hunter2›",
    "smtp://bob:‹hunter2›",
    "smtp://bob:587",
    "smtp://bob:port",
    "smtp://bob:587/x",
    "smtp://[::1]:587",
    "smtp://bob:$PW",
    "smtp://bob:‹12345x›",
    "smtp://bob:‹123$abc›",
    "smtp://bob:‹12%34x›",
    "smtp://bob:587\nand more",
    "smtp://bob:587/x\nand more",
    "smtp://bob:",
    "smtp://h:25)",
    "//bob:‹hunter2›",
    "smtp://bob:‹p@ss›@h",
    "smtp://bob:‹p/w›@h:25/x?y=z",
    "see smtp://bob:‹hunter2›@h now",
    "see bob:‹hunter2›@h now",
    "see https://h/x@y:z now",
    "see https://‹bob:pw›@h/ now",
    "see user:me@h.test",
    "see smtp://bob:‹hunter2› now",
    "see smtp://bob:‹hunter2 x›@h now",
    "see <smtp://bob:‹hunter2›@h>, ok",
    'see "smtp://bob:‹hun"ter2›@h" ok',
    "see smtp://bob:587 now",
    "see smtp://bob: now",
    "see smtp://bob: or write to me@h.test",
    'see a@b.test,smtp://bob:‹hun"ter2›@h ok',
    "see http://h:8080 now",
    "id=bob:‹hunter2›@h x",
    "[bob:‹hunter2›@h] x",
    "a==bob:‹hunter2›@h x",
    "x y@SECLEVEL=1",
    "x y@ z",
    "x name:y@ z",
    "h?password=‹hunter2›",
    "h?password=‹hunter2&x=1›",
    "x h?password=‹hunter2›&x=1 y",
    "x h?auth=login y",
    "h?auth=plain",
    "x h&amp;token=‹hun› ter",
    "x h?x=1;pwd=‹abc› y",
    "h?foo=hunter2",
    "h?sig=‹abc&otp=1›",
    "?code=‹12›",
    "smtp.h.test:587:‹bob:hunter2›",
    "smtp.h.test|587|‹bob|hunter2›",
    "smtp.h.test;2525;‹bob;hunter2›",
    "smtp.h.test:588:bob:hunter2",
    "h:587:bob:hunter2",
    "x smtp.h.test,25,‹bob,hunter2› y",
    "smtp.h.test:587:bob",
    "-----BEGIN PRIVATE KEY-----‹abc›-----END PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----abc-----END CERTIFICATE-----",
    "-----BEGIN RSA PRIVATE KEY-----‹abc›",
    "-----BEGIN PRIVATE KEY",
    "x -----BEGIN CERTIFICATE-----a-----END CERTIFICATE----- -----BEGIN PRIVATE KEY-----‹q›-----END PRIVATE KEY-----",
    "‹SG.abcdefghijklmnopqrstuv.abc›",
    "‹key-0123456789abcdef0123456789abcdef›",
    "xkeysib-abc123",
    "(‹SG.aB3dE6gH9jK2mN5pQ8sT1v.xY›)",
    "‹SG.aB3dE6gH9jK2mN5pQ8sT1v.xY›...",
)


@each("marked", FORMS)
def test_each_form_to_the_letter(marked: str) -> None:
    """What is masked of a value or a line, and what is not: hosts, ports, placeholders, names of mechanisms."""
    text = marked.replace("‹", "").replace("›", "")
    assert without_credentials(text) == re.sub("‹[^›]*›", Secret.MASK, marked)


@each("prefix", sorted(load.keys()))
def test_each_key_of_a_provider_from_its_shortest_on(prefix: str) -> None:
    """Wherever it stands in a word; one sign less, and what may be a word of small letters, is left."""

    def begins_another(text: str) -> bool:
        kin = (one for one in load.keys().items() if one[0] != prefix and text.startswith(one[0]))
        return any(len(text) - len(one) >= least for one, least in kin)

    least = load.keys()[prefix]
    body = ("aB3dE6gH9jK2mN5p" * 8)[:least]
    for form in ("{}", "see {}, now", "key:{}", '"{}"', "({})."):
        assert without_credentials(form.format(prefix + body)) == form.format(Secret.MASK)
    short = prefix + body[:-1]
    if not begins_another(short) and len(short) < 32:  # what is longer looks drawn by itself
        assert without_credentials(short) == short
    small = prefix + "q" * least
    of_no_word = len(prefix) > 5 or not (prefix.isalnum() or prefix.islower())
    if not begins_another(small):
        assert (without_credentials(small) != small) == of_no_word


@pytest.mark.parametrize(
    ("places", "start", "end", "shown"),
    [
        ([(0, 1, 1), (3, 4, 4)], 2, 6, "c{}ef"),
        ([(0, 3, 3), (2, 3, 4), (4, 5, 5)], 2, 6, "{}f"),
        ([(5, 9, 9)], 0, 5, "abcde"),
        ([(1, 2, 2), (0, 2, 2)], 0, 6, "{}cdef"),
        ([(1, 2, 3), (4, 5, 6)], 0, 6, "a{}d{}"),
        ([], 1, 3, "bc"),
    ],
)
def test_a_part_is_covered(places: list[tuple[int, int, int]], start: int, end: int, shown: str) -> None:
    """Places that touch become one, what is outside of the part counts for nothing."""
    spans = [Span(*place) for place in places]
    assert covered("abcdef", spans, start, end) == shown.replace("{}", Secret.MASK)


@pytest.mark.parametrize("number", [500, 501])
def test_behind_too_many_places_nothing_is_shown(number: int) -> None:
    """Made on purpose: the rest counts as one secret."""
    text = without_credentials("see " + "smtp://a:pw@h " * number + "tail")
    assert ("tail" in text) is (number == 500)
    assert "pw" not in text


# Behind a secret nothing is sure to be none of it, so all that follows in its line goes, too.
NAMED = (
    "password: ‹sunshine›",
    "password: {} is empty",
    "password: ‹{}sunshine›",
    'password: "" is empty',
    'password: "‹",sunshine›',
    "password: 535 5.7.8 not accepted",
    "password: ‹535-sunshine›",
    "password: null",
    "password: ‹null;sunshine›",
    "password: <your password>",
    "password: ‹<sunshine>›",
    "password: ‹$sunshine›",
    "password: your-app-password",
    "password: ‹your-sunshine›",
    "password is required, see below",
    "wp config set SMTP_PASSWORD ‹sunshine›",
    "SMTP_PASSWORD is not set",
    "SEC_E_INVALID_TOKEN (0x80090308) - the token is invalid",
    "?p=BadCredentials ‹sunshine›",
    "<password>‹sunshine</password> and more›",
    'setPassword("‹sunshine") failed›',
    "swaks -ap -tls now",
    "swaks -ap ‹-sunshine now›",
    "swaks -p 587 now",
    "gh secret set SMTP_PASSWORD --body ‹sunshine›",
    "doveadm auth test bob ‹sunshine›",
    "echo -n '‹sunshine' | base64›",
    "echo hello | cat",
    "bob/‹sunshine@mail.example.com› refused",
    "smtp/mail.example.com@EXAMPLE.COM refused",
    "creds bob:‹sunshine refused›",
    "as https://mail.example.com:443/smtp",
    "for 2001:db8::1 port 25",
    "[password:protected] => ‹sunshine›",
    'SmtpException("authentication failed") raised',
    'login("bob:‹sunshine")›',
    'login("bob") failed',
    'login("bob", ‹"sunshine")›',
)


@each("marked", NAMED)
def test_each_name_to_the_letter(marked: str) -> None:
    """Where a value begins that a text names, and where none does: nothing, a reply, a placeholder, a sentence."""
    text = marked.replace("‹", "").replace("›", "")
    assert masked(text) == re.sub("‹[^›]*›", Secret.MASK, marked)


@pytest.mark.parametrize("between", ["\n", ":\n", ":\n\n"])
def test_the_fields_of_a_form(between: str) -> None:
    """A name on its line, and on the next what was typed, unless that goes on in a sentence."""
    assert "sunshine" not in masked(f"Username\nbob\nPassword{between}sunshine\nSign in")
    assert "incorrect" in masked(f"Password{between}incorrect\nSign in")
