"""A secret in pieces is known as one, wherever the pieces are told: as one text, as a list, in a certificate."""

from __future__ import annotations

import binascii
import string
from itertools import count, pairwise
from typing import TYPE_CHECKING

import pytest
import trustme
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor.facts import AuthFacts, GreetingFacts, TlsFacts
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.sealed import Seal
from smtpdoctor.model import Message, Secret, Stage, StageResult, Status
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from smtpdoctor.smtp.reply import ReplyParser
from smtpdoctor.smtp.transcript import Transcript
from tests.certs import Workshop, certify
from tests.checking import USER, settings_for
from tests.examples import examples
from tests.leaks import DISGUISES, leaks
from tests.servers import auth_refused, ehlo, greet, quit_ok, serve, tls_on_connect
from tests.test_redact import SEEDS, made

if TYPE_CHECKING:
    from msgspec import Struct

LETTERS = string.ascii_letters + string.digits
# What one line can say, and what says all of a secret.
WAYS = sorted(
    name
    for name, say in DISGUISES.items()
    if say("Zq7tRbxW").isprintable() and "without" not in name and name != "the middle"
)


@st.composite
def pieces(draw: st.DrawFn, most: int = 9) -> tuple[str, list[str]]:
    """Draw a secret, and how somebody says it: in some way, cut somewhere."""
    secret = made(draw(SEEDS), LETTERS, draw(st.integers(8, 24)))
    said = DISGUISES[draw(st.sampled_from(WAYS))](secret)
    places = draw(st.sets(st.integers(1, max(len(said) - 1, 1)), min_size=1, max_size=most))
    return secret, [said[start:end] for start, end in pairwise([0, *sorted(places), len(said)])]


def recorded(secret: str, data: bytes) -> tuple[Redactor, str, str]:
    """Return what masks from now on, what was written down of a reply, and its text as it is told."""
    transcript = Transcript(Redactor([secret], public=[USER]))
    parser = ReplyParser()
    parser.feed(data)
    reply = parser.next_reply()
    assert reply is not None
    transcript.record_reply(reply, parser.raw)
    return transcript.redact, "\n".join(turn.text for turn in transcript.turns), reply.text


@settings(max_examples=examples(90), deadline=None)
@given(pieces(), st.sampled_from([220, 250, 334, 454, 535, 554]))
def test_a_reply_of_several_lines_told_as_one_text(drawn: tuple[str, list[str]], code: int) -> None:
    """Between its lines stands a blank then, which may be within an escape or a word."""
    secret, parts = drawn
    lines = ["no: ", *parts, "so"]
    data = "".join(
        f"{code}{'-' if one else ' '}{line}\r\n" for one, line in zip([*parts, "x", ""], lines, strict=True)
    )
    redact, turns, text = recorded(secret, data.encode())
    hidden = [
        line.strip()
        for line, turn in zip(lines, turns.split("\n"), strict=True)
        if turn[4:] == Secret.MASK and len(line.strip()) > len("a b c")
    ]
    for shown in (redact(text), redact(f"{code} {text}"), redact.plus("another secret")(text)):
        assert not leaks(secret, shown)
        assert not any(part in shown for part in hidden)
    assert not leaks(secret, turns)


@given(st.lists(st.sampled_from(["mail.example.test", "AUTH PLAIN LOGIN", "5.7.8 no", "a b"]), min_size=2))
def test_a_reply_that_holds_nothing_is_told_as_it_is(lines: list[str]) -> None:
    """Nothing is noted of it."""
    data = "".join(
        f"250{'-' if one else ' '}{line}\r\n" for one, line in zip([*lines[1:], ""], lines, strict=True)
    )
    redact, turns, text = recorded("Zq7tRbxWpLk93", data.encode())
    assert redact(text) == text
    assert turns == data.replace("\r\n", "\n").rstrip("\n")


@settings(max_examples=examples(60), deadline=None)
@given(
    pieces(),
    st.integers(0, 999),
    st.sampled_from(["", " ", "\t", "  "]),
    st.sampled_from(["", "\r\n535  ok", "\r\n250 "]),
)
def test_lines_behind_any_three_digits(
    drawn: tuple[str, list[str]], code: int, before: str, behind: str
) -> None:
    """Whoever is no SMTP server may begin its lines with what is no code, and set them in."""
    secret, parts = drawn
    assume(not before or all(part == part.strip() for part in parts))
    text = "\r\n".join(f"{code:03}-{before}{part}" for part in parts) + behind
    assert not leaks(secret, "\n".join(Redactor([secret]).lines(text)))


def sealed(secret: str, facts: Struct, *, stage: Stage) -> str:
    seal = Seal(Redactor([secret], public=[USER]))
    result = StageResult(stage=stage, status=Status.PASS, summary=Message("x"), facts=facts)
    shown = seal.result(result).facts
    return "\n".join(text for name in facts.__struct_fields__ for text in getattr(shown, name) or ())


@settings(max_examples=examples(90), deadline=None)
@given(pieces(), st.sampled_from(["capabilities", "names", "offered"]))
def test_a_list_is_masked_as_a_whole(drawn: tuple[str, list[str]], where: str) -> None:
    """What a server offers, and the names of a certificate: a secret may stand in pieces in them."""
    secret, parts = drawn
    told = ("PLAIN", *parts, "SIZE 1000")
    facts: Struct = AuthFacts(offered=told)
    if where == "capabilities":
        facts = GreetingFacts(capabilities=told)
    elif where == "names":
        facts = TlsFacts(names=told)
    assert not leaks(secret, sealed(secret, facts, stage=Stage.GREETING))


def test_a_list_without_a_secret_stays_as_it_is() -> None:
    """Also with an element of several lines."""
    told = ("PLAIN", "two\nlines", "SIZE 1000", "")
    shown = sealed("Zq7tRbxWpLk93", GreetingFacts(capabilities=told), stage=Stage.GREETING)
    assert shown == "PLAIN\ntwo\\x0alines\nSIZE 1000\n"


@settings(max_examples=examples(30), deadline=None)
@given(SEEDS, st.sampled_from([LETTERS, string.punctuation]), st.integers(12, 200), st.integers(0, 2))
def test_numbers_of_three_digits(seed: int, alphabet: str, length: int, cut: int) -> None:
    """Without anything between, perhaps cut within one; of signs and of tokens, too."""
    secret = made(seed, alphabet, length)
    assume(secret.strip("*") and len(set(secret)) > 2)
    numbers = "".join(f"{ord(one):03}" for one in secret)
    chained = "+".join(f"chr({ord(one)})" for one in secret)
    # Quotes at the ends of a secret are not looked for.
    for said, most in ((numbers[: len(numbers) - cut], 14), (chained, 12)):
        shown = Redactor([secret])(f"you said {said} here")
        assert Secret.MASK in shown
        assert sum(map(str.isdigit, shown)) <= most


@settings(max_examples=examples(60), deadline=None)
@given(SEEDS, st.integers(9, 40), st.binary(max_size=20))
def test_uuencode_of_a_text_with_a_secret_in_it(seed: int, length: int, before: bytes) -> None:
    """Wherever in it the secret begins."""
    secret = made(seed, LETTERS, length)
    data = before + secret.encode()
    lines = [binascii.b2a_uu(data[start : start + 45])[1:] for start in range(0, len(data), 45)]
    shown = Redactor([secret])(b"".join(lines).decode().replace("\n", " "))
    first = -(-4 * len(before) // 3)
    kept = shown.partition("********")[0]
    assert len(kept.replace(" ", "")) <= first + 12
    assert "********" in shown


@given(SEEDS, st.integers(3, 4), st.sampled_from([" ", ", ", ",", ";"]), st.booleans())
def test_the_bytes_of_a_few_characters(seed: int, length: int, sign: str, hexadecimal: bool) -> None:
    """As programs list them; two numbers in a row are anything."""
    secret = made(seed, LETTERS, length)
    told = sign.join(f"{ord(one):02x}" if hexadecimal else str(ord(one)) for one in secret)
    assert Redactor([secret])(f"you said [{told}]") == "you said [********]"
    two = sign.join(str(ord(one)) for one in secret[:2])
    assert Redactor([secret[:2]])(f"numbers {two} here") == f"numbers {two} here"


NUMBERS = count()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("certificates"), trustme.CA(key_type=trustme.KeyType.ECDSA))


@settings(max_examples=examples(24), deadline=None)
@given(
    st.data(),
    SEEDS,
    st.sampled_from(["self-signed", "expired", "wrong name", "good"]),
    st.sampled_from(["subject", "issuer", "names", "over both"]),
)
def test_a_certificate_that_says_the_secret(
    shop: Workshop, data: st.DataObject, seed: int, kind: str, where: str
) -> None:
    """Whoever knows it may have it certified: no login goes to him, and what is told of him shows nothing of it."""
    secret = made(seed, LETTERS, 12)
    said = DISGUISES[data.draw(st.sampled_from([one for one in WAYS if len(DISGUISES[one](secret)) <= 64]))](
        secret
    )
    half = max(len(said) // 2, 1)
    common_name = {"subject": said, "over both": said[:half]}.get(where, "mail.example.test")
    organization = {"over both": said[half:]}.get(where, "Example")
    names = ["other.example.test" if kind == "wrong name" else "127.0.0.1"]
    if where == "names":
        names += [f"{part}.example.test" for part in (said, said[:half], said[half:]) if part.isascii()]
    issuer = shop.authority(said, shop.root) if where == "issuer" else shop.root
    leaf = certify(
        common_name,
        None if kind == "self-signed" else issuer,
        names=names,
        days=(-90, -3) if kind == "expired" else (-30, 60),
        organization=organization,
    )
    certificate = shop.store(f"said-{next(NUMBERS)}", leaf)
    script = [tls_on_connect(certificate), greet("hi"), ehlo("AUTH PLAIN"), auth_refused(), quit_ok()]
    with serve(*script) as server:
        report = smtpdoctor.check(
            settings_for(server.port, "tls", host="127.0.0.1", password=secret),
            ca_file=str(certificate.ca_pem),
        )
        assert kind == "good" or not any(line.startswith("AUTH") for line in server.lines)
    assert not report.healthy
    for lang in ("en", "ko"):
        assert not leaks(secret, json_v1.render(view_of(report, lang), transcript=True))
