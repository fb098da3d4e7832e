"""No password is shown in whatever place of a command it stands, as long as it can be known as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smtpdoctor.cli.declared import COMMANDS, Argument, declared_in, function_of
from smtpdoctor.cli.known import Known, shown
from smtpdoctor.masking.guess import credentials_in, is_harmless, looks_random
from smtpdoctor.model import Message
from tests.each import each
from tests.examples import examples
from tests.lines import Line, furnish, run, shown_of

ALNUM = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SIGNS = "!#$%&*+-.:;<=>?@^_|~/"


def _made_up(seed: int, *, plain: bool = False) -> str:
    """Return a secret; one that could be made simpler would end as a word of ours."""
    random = Random(seed)  # noqa: S311 -- to be had again

    def of(signs: str, least: int, most: int) -> str:
        return "".join(random.choice(signs) for _ in range(random.randint(least, most)))

    kind = random.choice(("letters", "letters", "korean", "key", "forty") if plain else KINDS)
    match kind:
        case "signs":
            return of(ALNUM, 1, 1) + of(ALNUM + SIGNS, 8, 24) + of(ALNUM, 2, 2)
        case "korean":
            return of("가나다라마바사아자차카타파하밀번호열쇠", 7, 12)
        case "key":
            return f"SG.{of(ALNUM, 22, 22)}.{of(ALNUM, 43, 43)}"
        case "forty":
            return of(ALNUM, 40, 40)
        case "short":
            return of(ALNUM[:24], 2, 3) + of(ALNUM[24:48], 1, 1) + of(SIGNS[:5], 1, 1) + of("23456789", 1, 1)
        case _:
            return of(ALNUM, 10, 20)


KINDS = ("letters", "signs", "korean", "key", "forty", "short")
SEEDS = st.integers(0, 2**32)
SECRETS = SEEDS.map(_made_up).filter(lambda text: not is_harmless(text))
PLAIN = SEEDS.map(lambda seed: _made_up(seed, plain=True)).filter(looks_random)

WRONG_URLS = (
    "smtp://bob:{}@h", "smtp://bob:ab/{}@h", "smtp://bob:a#{}@h", "smtp://bob:a?{}@h", "smtp://bob:a@{}@h",
    "smtps://bob:{}@h:port", "smtp:bob:{}@h", "//bob:{}@h", "bob:{}@h:587", "h:587/?auth={}", "http://b:{}@h/",
    "smtp://bob:{}@127.0.0.1:1/x", "h#password={}", "smtp://b:{}@[::1", " smtp://bob:{}@h ", "SMTP://BOB:{}@H:99999",
)  # fmt: skip
VARIABLES = (
    *("SMTP_HOST", "SMTP_PORT", "SMTP_SENDER", "SMTP_USERNAME", "SMTP_TLS", "SMTP_CIPHER_SPEC"),
    *("SMTP_OPPORTUNISTIC_TLS", "SMTP_HOST_FILE", "SMTP_PASSWORD_FILE", "SMTP_USERNAME_FILE"),
)
BASE = {
    "SMTP_HOST": "mail.example.test",
    "SMTP_PORT": "587",
    "SMTP_SENDER": "a@example.test",
    "SMTP_USERNAME": "bob",
    "SMTP_TLS": "false",
    "SMTP_OPPORTUNISTIC_TLS": "true",
}
# No name server, and little time to miss it.
AT_HOME = ("--resolver", "127.0.0.1:1", "--timeout", "0.3", "--deadline", "0.6")
RUNS = {
    "check": ("--host", "127.0.0.1", "--port", "1", "--sender", "a@example.test", *AT_HOME),
    "lint": ("--host", "127.0.0.1"),
    "explain": ("535",),
    "presets": (),
    "apps": (),
    "generate": ("gmail",),
    "convert": (".env", "--to", "n8n"),
    "fix": ("--no-network", "--host", "127.0.0.1"),
    "completion": (),
    "sandbox": ("--count", "0"),  # which is refused: it would wait for messages
}
# What a sandbox is told is printed as settings, and what --set says is written: both are asked for.
ASKED_FOR = {("sandbox", "--username"), ("generate", "--set"), ("explain", "words")}


def _places() -> list[tuple[str, str]]:
    """Return each option and argument of each command that takes a value."""
    found = []
    for command in COMMANDS:
        for name, (hint, one) in declared_in(function_of(command)).items():
            place = name if isinstance(one, Argument) else one.names[0]
            if hint is not bool and (command, place) not in ASKED_FOR:
                found.append((command, place))
    return found


PLACES = _places()


@dataclass
class Case:
    """A line under construction."""

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    dotenv: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""

    def line(self) -> Line:
        """Return the line."""
        text = "".join(f"{name}='{value}'\n" for name, value in self.dotenv.items())
        return Line(self.arguments, self.environment, text or None, self.stdin)


@st.composite
def looks(draw: st.DrawFn, command: str) -> list[str]:
    """Draw how much is shown, and in which format and language."""
    words = ["--lang", draw(st.sampled_from(["en", "ko"]))]
    if draw(st.booleans()):
        words += ["--format", "json"]
    if draw(st.booleans()):
        words.append("--quiet" if command in {"generate", "convert", "apps"} else "--verbose")
    if command == "check" and draw(st.booleans()):
        words.append("--transcript")
    return words


@st.composite
def with_password(draw: st.DrawFn) -> tuple[str, Line]:
    """Draw a password, and a line that has it twice: where it belongs, and somewhere else."""
    secret = draw(SECRETS)
    if draw(st.booleans()):
        command, place = draw(st.sampled_from(PLACES))
        taken = [place, secret] if place.startswith("-") else [secret]
        base = list(RUNS[command])
        if place in base:
            del base[base.index(place) : base.index(place) + 2]
        if not place.startswith("-") and command in {"generate", "explain"}:
            base = []
        if not place.startswith("-") and command == "convert":
            base = ["--to", "n8n"]
        case = Case([command, *base, *taken])
    else:
        command, place = draw(st.sampled_from(["check", "lint"])), draw(st.sampled_from(VARIABLES))
        case = Case([command, *(AT_HOME if command == "check" else ())])
        values = {**BASE, place: secret}
        if place.endswith("_FILE"):
            values.pop(place.removesuffix("_FILE"), None)
        if draw(st.booleans()) and "'" not in secret:
            case.dotenv |= values
        else:
            case.environment |= values
    match draw(st.sampled_from(["environment", "dotenv", "file", "stdin"])):
        case "dotenv" if "'" not in secret and "--env-file" not in case.arguments:
            case.dotenv["SMTP_PASSWORD"] = secret
        case "file" if command in {"check", "lint"} and "--password-file" not in case.arguments:
            case.arguments += ["--password-file", "password"]
            case.dotenv["OTHER"] = "x"
        case "stdin" if command in {"check", "lint"} and "--password-file" not in case.arguments:
            case.arguments += ["--password-stdin"]
            case.stdin = f"{secret}\n".encode()
        case _:
            case.environment["SMTP_PASSWORD"] = secret
    case.arguments += draw(looks(command))
    return secret, case.line()


@st.composite
def known_by_form(draw: st.DrawFn) -> tuple[str, Line]:
    """Draw a secret that stands in no other place, but where it cannot be anything else."""
    where = draw(st.sampled_from(["url", "variable", "closed"]))
    if where == "closed":
        secret = draw(PLAIN)
        place = draw(
            st.sampled_from(
                ["SMTP_PORT", "SMTP_TLS", "SMTP_OPPORTUNISTIC_TLS", "SMTP_CIPHER_SPEC", "SMTP_SENDER"]
            )
        )
        values = {**BASE, place: secret}
        case = Case(["lint"], environment=values) if draw(st.booleans()) else Case(["lint"], dotenv=values)
    else:
        secret = draw(SECRETS.filter(lambda text: not set(text) & set("@/?#:;&='%")))
        url = draw(st.sampled_from(WRONG_URLS)).format(secret)
        command = draw(st.sampled_from(["check", "lint"]))
        if where == "url":
            case = Case([command, draw(st.sampled_from(["--url", "--host"])), url])
        else:
            values = {**BASE, "SMTP_HOST": url}
            case = (
                Case([command], environment=values) if draw(st.booleans()) else Case([command], dotenv=values)
            )
        if command == "check":
            case.arguments += AT_HOME
    case.arguments += draw(looks(case.arguments[0]))
    return secret, case.line()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lines")
    furnish(made)
    return made


def holds(secret: str, line: Line, folder: Path) -> None:
    (folder / "password").write_text(f"{secret}\n")
    done = run(line, folder)
    assert done.code in {0, 1, 2}, done.stderr
    assert shown_of(secret, done.stdout + done.stderr) == "", (done.stdout, done.stderr)


QUICK = settings(
    deadline=None,
    max_examples=examples(30),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate],  # a simpler line would say no more, and each takes its time
)


def test_a_password_in_the_wrong_place(folder: Path) -> None:
    """Each variable and each option: whatever is said about it, to a person or a program, shows no piece of it."""

    @QUICK
    @given(with_password())
    def held(case: tuple[str, Line]) -> None:
        holds(*case, folder)

    held()


def test_a_secret_that_is_known_by_its_form(folder: Path) -> None:
    """A login in a URL however broken, and a token where a number or a word belongs."""

    @QUICK
    @given(known_by_form())
    def held(case: tuple[str, Line]) -> None:
        holds(*case, folder)

    held()


# -- What may be shown of a value in the wrong place ----------------------------

WORDS = st.sampled_from(
    [
        *(
            "abc",
            "587",
            "70000",
            "0",
            "-1",
            "587/tcp",
            "5 87",
            "smtp",
            "smtps",
            "starttls",
            "STARTTLS",
            "startls",
        ),
        *(
            "opportunistc",
            "ture",
            "flase",
            "yes",
            "1",
            "TLSv1.3",
            "TLS1.2",
            "HIGH:!aNULL",
            "DEFAULT@SECLEVEL=1",
        ),
        *(
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ECHDE-RSA-AES128-GCM-SHA256",
            "TLS_AES_256_GCM_SHA384",
            "ssl://smtp",
        ),
        *(
            "${PORT}",
            "$SMTP_PORT",
            "<port>",
            "five",
            "다섯",
            "사용",
            "127.0.0.1",
            "[::1]",
            "nan",
            "1e309",
            "",
        ),
    ]
)


@given(WORDS)
def test_a_mistyped_word_is_told(word: str) -> None:
    """What people write by mistake helps to find the mistake."""
    assert is_harmless(word)
    assert shown(word) == word
    assert not looks_random(word)


@given(PLAIN)
def test_a_token_is_not(secret: str) -> None:
    """Where a word belongs its kind and length are told, and where a name belongs nothing."""
    said = shown(secret)
    assert isinstance(said, Message)
    assert said.values == {"count": len(secret)}
    assert looks_random(secret)
    assert secret not in Known().say("en", "usage.value", flag="--x", value=secret, expected="")


@given(SECRETS.filter(lambda text: not set(text) & set("@/?#:;&='%")), st.sampled_from(WRONG_URLS))
def test_the_credentials_of_a_url_however_broken(secret: str, url: str) -> None:
    """They are found by where the login ends, and by what stands behind the place."""
    assert any(secret in one for one in credentials_in(url.format(secret)))


@given(
    st.sampled_from(
        ["mail.example.com", "localhost", "smtp.gmail.com:587", "[::1]:25", "a@b.test", "smtp://h/"]
    )
)
def test_what_has_none(text: str) -> None:
    """A name and a port are no secret."""
    assert list(credentials_in(text)) == []


# Each limit from both sides: what a person writes, and what one sign more makes of it.
HARMLESS = {
    "": True, "!!!": True, "!!!!": False,
    "65535": True, "123456": False, "x 123456": False,
    "255.255.255.255": True, "12345.12345.12": True, "12345.12345.123": False,
    "5x87": True, "a1b": True, "1a2 12345.12345": True, "1a2 12345.12345.1": False, "ab1234": True, "ab12345": False, "abc12": False, "ssl3": True, "tls123456": False, "tlsv12": True,
    "foo bar": True, "abcd efgh": True, "abcde fghi": False, "a b": True, "a b c": False, "a b tls": True,
    "foo": True, "Foo": True, "FOO": True, "fOo": False, "TLS": True, "tLs": True,
    "starttls": True, "submision abcd": True, "starttlz abcd": True, "startls abcd": False, "qwertzui": True,
    "qwertzuio": False, "true_false": True, "메일 비밀": True, "가나다라마바사아자": False,
}  # fmt: skip
RANDOM = {
    "abc1def2ghij": True, "abc1def2ghi": False, "/a/abc1def2ghij": True, "a.abc1def2.ghij": False,
    "abcdef1ghijk": False, "abcdef1ghij2": True,
    "aBcDeFgHiJkl": True, "aBcDeFgHijkl": False, "ABcdEFghIJkl": True, "ABcdEFghijkl": False,
    "aBcDefghijk1": True, "aBcdefghijk1": False, "aBcDefghijkl": False, "abcdefghijk1": False,
    "123e4567-e89b-12d3-a456-426614174000": True, "123E4567-E89B-12D3-A456-426614174000": True,
    "123e4567-e89b-12d3-a456-42661417400": False, "mail.example.test": False, "": False,
}  # fmt: skip
CREDENTIALS = {
    "smtp://bob:pw@h": ["pw"], " smtp://bob:pw@h ": ["pw"], "bob:pw@h": ["pw"], "smtp://bob:p@w@h": ["p@w"],
    "smtp://bob:p:w@h": ["p:w"], "smtp://bob:p%40w@h": ["p%40w", "p@w"], "smtp://bob:pw@h:587/?tls=true": ["pw"],
    "smtp://abc1def2ghij:pw@h": ["pw", "abc1def2ghij"], "smtp://abc1def2ghij@h": ["abc1def2ghij"],
    "smtp://h/abc1def2ghij": ["abc1def2ghij"], "mail:abc1def2ghij": ["abc1def2ghij"],
    "mail[abc1def2ghij]": ["abc1def2ghij"], "mail/a/b:c": [],
    "h?auth=x": ["x"], "h?foo=qwertzuiopx": ["qwertzuiopx"], "h?foo=true": [], "h?qwertzuiopx": ["qwertzuiopx"],
    "h?token": ["token"], "h#pw=1": ["1"], "h#pwx=1": [], "h;a=1&PASSWORD=no": ["no"], "h?a=token=c": [],
    "h?a=b&c=qwertzuiopx": ["qwertzuiopx"], "h?KEY=&x=1": [], "h?cred=p%20w": ["p%20w", "p w"],
}  # fmt: skip


@each("text", HARMLESS)
def test_the_limits_of_what_is_shown(text: str) -> None:
    """Numbers as long as ports and addresses, words that people write there, and one or two short ones more."""
    assert is_harmless(text) is HARMLESS[text]


@each("text", RANDOM)
def test_the_limits_of_what_looks_drawn(text: str) -> None:
    """How long a piece is, and how often it changes between digits, capitals and small letters."""
    assert looks_random(text) is RANDOM[text]


@each("text", CREDENTIALS)
def test_what_of_a_url_may_be_secret(text: str) -> None:
    """All of it, and nothing else: as it stands and decoded."""
    assert list(credentials_in(text)) == CREDENTIALS[text]
