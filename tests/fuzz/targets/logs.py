"""The log reader."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import Final

from smtpdoctor.logs import Explained, Source, explain_source, explain_text
from smtpdoctor.model import Finding
from smtpdoctor.report import json_v1
from smtpdoctor.report.told import Found, Seen
from smtpdoctor.report.view import problem_of
from smtpdoctor.text import LANGUAGES
from tests.fuzz.contract import read_explained
from tests.fuzz.draw import BytesDraw
from tests.fuzz.leak import leaked
from tests.fuzz.target import no_control, target
from tests.fuzz.targets.masking import a_secret

_WORDS: Final = (
    *(
        b"535 5.7.8 ",
        b"550-",
        b"smtp",
        b"Error: ",
        b"Traceback",
        b"ECONNREFUSED",
        b"AUTH PLAIN ",
        b"password=",
    ),
    *(
        b"\n\tat ",
        b"2026-01-02T03:04:05Z ",
        b'{"msg":"',
        b"\\n",
        b"\r\n",
        b"C: ",
        b"S: ",
        b"postfix/smtp[1]: ",
    ),
)


def _checked(found: Iterable[Explained], lines: int) -> None:
    """Check what holds of everything that is explained."""
    told: list[Seen] = []
    for one in found:
        finding = one.finding
        assert isinstance(finding, Finding)
        assert 1 <= one.line <= one.last_line <= lines, (one.line, one.last_line, lines)
        assert 1 <= one.count <= lines
        no_control(finding.evidence.text)
        told += [
            Seen(
                problem=problem_of(finding, one.context, lang),
                count=one.count,
                line=one.line,
                last_line=one.last_line,
                caused_by=one.caused_by,
            )
            for lang in LANGUAGES[-1 - lines % 2 :]
        ]
    text = json_v1.tell_found(Found(lang="en", seen=tuple(told)))
    no_control(text, "\n")
    assert len(read_explained(text).findings) == len(told)


@target(*_WORDS, most=3_000)
def explain(data: bytes) -> None:
    """Whatever a text or a log is, what is found in it can be shown, and stands where it is said to stand."""
    text = data.decode("utf-8", "surrogateescape")
    _checked(explain_text(text), max(len(text.splitlines()), 1))
    # With an odd byte order a line of the file may be none of the text.
    _checked(explain_source(Source(io.BytesIO(data))), data.count(b"\n") + data.count(b"\0") + 1)


@target(*_WORDS, most=600)
def explain_long(data: bytes) -> None:
    """Around a long log the same failures are found, and time grows as the log does."""
    filler = b"INFO nothing of interest happens here, again\n" * 40
    block = data.replace(b"\0", b" ") + b"\n" + filler
    count = -(-70_000 // len(block))
    seconds = _seconds(lambda: _checked(explain_source(Source(io.BytesIO(block * count))), 100_000))
    if seconds > _SLOW:
        _linear(lambda size: explain_source(Source(io.BytesIO(block * size))), count)


@target(*_WORDS, b"key-", b"aA0", b"a.b.", b"\"'", b"((", b"@", b"://", most=60)
def explain_repeated(data: bytes) -> None:
    """A piece of text, repeated as one line or as many, takes time that grows with its length."""
    piece = data.decode("utf-8", "replace") or "x"
    for between in ("", "\n"):
        text = piece + between
        count = max(20_000 // len(text), 1)
        seconds = _seconds(lambda text=text, count=count: explain_text(f"smtp error: {text * count}"))  # type: ignore[misc]
        if seconds > _SLOW:
            _linear(lambda size, text=text: explain_text(f"smtp error: {text * size}"), count)  # type: ignore[misc]


_SLOW: Final = 0.02  # seconds of CPU, below which there is nothing to compare


def _seconds(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


def _linear(run: Callable[[int], object], size: int) -> None:
    """Check that four times as much takes no more than about four times as long."""
    small = min(_seconds(lambda: run(size)) for _ in range(3))
    if small <= _SLOW:
        return  # it was the machine
    large = min(_seconds(lambda: run(4 * size)) for _ in range(2))
    assert large < 8 * small, f"{small:.3f} s, four times as much {large:.3f} s"


_SHAPES: Final = (
    "SMTP_PASSWORD={}",
    "smtp.password: {}",
    '"smtp_pass": "{}"',
    "name: SMTP_PASSWORD\\n  value: {}",
    "  ['password'] => string(9) \"{}\"",
    "[password] => {}",
    ':password=>"{}", :user=>"u"',
    'new PasswordAuthentication("u", "{}")',
    's.login("u", "{}")',
    'auth=("u", "{}")',
    "MAIL_PW={}",
    "RESEND_KEY={}",
    "Password for bob: {}",
    "machine mail.example.test login bob password {}",
    "smtp://bob:{}@mail.example.test:587",
    "curl --user bob:{} smtp://mail.example.test",
    "swaks --auth-password {}",
    "api_key => '{}'",
    "Authorization: Bearer {}",
    'auth: {{ user: "u", pass: "{}" }}',
    "비밀번호: {}",
)


_ALL_SHAPES: Final = "535 5.7.8 Error: authentication failed " + " ".join(_SHAPES)


@target(most=120)
def explain_secret(data: bytes) -> None:
    """A secret beside a failure, in the ways in which logs hold one, is not shown."""
    draw = BytesDraw(data)
    secret = a_secret(draw)
    if draw.chance(50):
        secret = "".join(one for one in secret if one.isalnum()) + "x7Q9zT2w"
    if any(one in secret for one in "\"'\\ ") or leaked(secret, _ALL_SHAPES, depth=0):
        return
    shape = draw.pick(_SHAPES)
    if "Bearer" in shape and not secret.isascii():
        return  # no such token can be sent (RFC 6750 section 2.1)
    line = shape.format(secret)
    failure = "535 5.7.8 Error: authentication failed"
    text = draw.pick(("{0}: {1}", "{1} ({0})", "{1}\n{0}", "smtp: {0} {1}")).format(failure, line)
    for one in explain_text(text):
        found = leaked(secret, one.finding.evidence.text, depth=1)
        assert not found, (secret, text, one.finding.evidence.text)
