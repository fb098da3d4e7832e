"""What is shown: the terminal's report, JSON, the sheets, the sandbox's messages."""

from __future__ import annotations

import io
import json
import re
from functools import cache
from typing import Any, Final

from rich.console import Console

from smtpdoctor.facts import (
    Attempt,
    AuthFacts,
    ConnectFacts,
    DnsFacts,
    GreetingFacts,
    RecipientFacts,
    SendFacts,
    TlsFacts,
)
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.masking.words import printable
from smtpdoctor.model import (
    ORDERED_STAGES,
    Confidence,
    Evidence,
    Fault,
    Finding,
    Ignored,
    Message,
    Origin,
    Report,
    Secret,
    Security,
    Setting,
    Settings,
    Severity,
    Stage,
    StageResult,
    Status,
    Trial,
    Turn,
)
from smtpdoctor.report import json_v1, sheets, terminal
from smtpdoctor.report.sandbox import Lines, Terminal
from smtpdoctor.report.view import view_of
from smtpdoctor.sandbox import Mail
from tests.fuzz.contract import read_checked
from tests.fuzz.draw import BytesDraw, Draw
from tests.fuzz.target import no_control, target
from tests.fuzz.targets.settings import preset_of

PASSWORD: Final = "Zq7-vK2x-Wd9s-Pb4m"
# What the report may send to a terminal that has colours: SGR, and the links of OSC 8.
_SEQUENCES: Final = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b\x07]*\x1b\\")


@cache
def _ids() -> tuple[str, ...]:
    return load.ids()


def _words(draw: Draw) -> str:
    """Draw what somebody else said, as it is when it was recorded."""
    return printable(draw.text(60))


def _origin(draw: Draw) -> Origin:
    kind = draw.pick(("file", "environment", "flag", "preset", "argument", "default"))
    if kind == "file":
        text = "" if draw.chance(50) else f"SMTP_HOST={_words(draw)}"
        return Origin("file", "SMTP_HOST", _words(draw) or ".env", draw.below(99) + 1, text)
    return Origin(kind, "SMTP_HOST")  # type: ignore[arg-type] # one of the words


def _setting(draw: Draw, value: Any) -> Setting[Any]:
    weaker = (Setting(value, _origin(draw)),) if draw.chance(20) else ()
    return Setting(value, _origin(draw), weaker)


def _settings(draw: Draw) -> Settings:
    def maybe(value: Any) -> Any:
        return _setting(draw, value) if draw.chance(75) else None

    return Settings(
        host=maybe(draw.pick(("smtp.gmail.com", "localhost", _words(draw) or "h"))),
        port=maybe(draw.pick((587, 465, 25, 2525))),
        security=maybe(draw.pick(tuple(Security))),
        username=maybe(_words(draw)),
        password=maybe(Secret(PASSWORD)),
        sender=maybe(_words(draw)),
        cipher=maybe(_words(draw)),
        recipient=maybe(_words(draw)),
        preset=draw.pick((None, "gmail", "naver")),
    )


def _evidence(draw: Draw, stage: Stage) -> Evidence:
    return Evidence(
        stage=stage,
        code=draw.pick((None, 535, 550, 421)),
        enhanced=draw.pick((None, "5.7.8", "4.4.1")),
        error=draw.pick((None, "ECONNREFUSED", "x509-10", "timeout")),
        text=_words(draw),
        labels=frozenset(draw.some(tuple(Label), 3)),
        setting=draw.pick((None, "host", "password", "port")),
        origin=_origin(draw) if draw.chance(50) else None,
        facts={
            **{name: _words(draw) for name in draw.some(("command", "first", "names", "value"), 40)},
            **({"siblings": "465/tls/answers 25/starttls/closed"} if draw.chance(30) else {}),
        },
    )


def _finding(draw: Draw) -> Finding:
    stage = draw.pick(ORDERED_STAGES)
    return Finding(
        id=draw.pick(_ids()),
        stage=stage,
        severity=draw.pick(tuple(Severity)),
        confidence=draw.pick(tuple(Confidence)),
        fault=draw.pick(tuple(Fault)),
        retryable=draw.chance(50),
        evidence=_evidence(draw, stage),
        candidates=tuple(draw.several(lambda: draw.pick(_ids()), 3)),
    )


def _facts(draw: Draw) -> Any:
    def texts() -> tuple[str, ...]:
        return tuple(draw.several(lambda: _words(draw), 3))

    return draw.pick(
        (
            None,
            DnsFacts(texts(), _words(draw), texts()),
            ConnectFacts((Attempt(_words(draw), 0.1, _words(draw)),)),
            GreetingFacts(_words(draw), _words(draw), texts(), texts()),
            TlsFacts(
                _words(draw), _words(draw), subject=_words(draw), names=texts(), days=draw.below(900) - 400
            ),
            AuthFacts(texts(), _words(draw), _words(draw)),
            RecipientFacts(_words(draw)),
            SendFacts("t", draw.below(99_999), _words(draw), _words(draw)),
        )
    )


_SUMMARIES: Final = (
    Message("config.pass", {"count": 0, "host": "h", "port": 1, "security": "tls"}),
    Message("auth.none"),
    Message("recipient.no-sender"),
    Message("tls.off"),
)


def a_report(draw: Draw) -> Report:
    """Draw a report, as odd as its parts can be."""
    stages = tuple(
        StageResult(
            stage=stage,
            status=draw.pick(tuple(Status)),
            seconds=draw.pick((0.0, 0.0004, 0.12, 3.5, 99.0)),
            summary=draw.pick((*_SUMMARIES, Message("greeting.pass", {"banner": _words(draw)}))),
            facts=_facts(draw),
            suspected=draw.chance(10),
        )
        for stage in draw.some(ORDERED_STAGES, 70)
    )
    turns = draw.several(
        lambda: Turn(draw.below(900) / 100, draw.pick(("in", "out", "note")), draw.chance(50), _words(draw)),
        4,
    )
    return Report(
        settings=_settings(draw),
        stages=stages,
        findings=tuple(draw.several(lambda: _finding(draw), 4)),
        transcript=tuple(turns),
        seconds=draw.below(6_000) / 100,
        ignored=tuple(Ignored(one, _words(draw)) for one in draw.several(lambda: _finding(draw), 2)),
        attempts=tuple(draw.several(lambda: _trial(draw), 3)),
        ended=draw.pick((None, Message("runs.ended.login"))),
        accepted=draw.pick((None, True, False)),
    )


def _trial(draw: Draw) -> Trial:
    name = draw.pick((None, "greylisted"))
    stage = None if name is None else draw.pick(ORDERED_STAGES)
    return Trial(finding=name, stage=stage, pause=draw.below(50) / 10)


def _printed(report: Report, draw: Draw) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=draw.pick((80, 100, 40, 20, 200, 8)),
        height=draw.pick((24, 50, 5)),
        force_terminal=draw.chance(50),
        color_system=draw.pick((None, "standard", "truecolor")),
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    quiet = draw.chance(10)
    terminal.print_view(
        console,
        view_of(report, draw.pick(("en", "ko"))),
        transcript=draw.chance(50),
        quiet=quiet,
        verbose=not quiet and draw.chance(50),
        stages=draw.chance(70),
    )
    return stream.getvalue()


@target(most=900)
def report(data: bytes) -> None:
    """Any report can be printed, wide and narrow: without the password, and nothing in it obeys."""
    draw = BytesDraw(data)
    shown = _printed(a_report(draw), draw)
    no_control(_SEQUENCES.sub("", shown), "\n")
    assert PASSWORD not in shown


@target(most=900)
def report_json(data: bytes) -> None:
    """Any report is JSON as the contract has it."""
    draw = BytesDraw(data)
    found = a_report(draw)
    for lang in ("en", "ko"):
        text = json_v1.render(view_of(found, lang), transcript=draw.chance(50))
        no_control(text, "\n")
        assert PASSWORD not in text
        assert len(read_checked(text).findings) == len(found.findings)


@target(b"[[endpoint]]\n", b'en = "', b"\\u202e", b"\\u001b[31m", b"[[link]]\n", most=6_000)
def sheet(data: bytes) -> None:
    """A user's own preset that is taken can be shown, whatever its texts hold."""
    preset = preset_of(data)
    if preset is None:
        return
    for lang in ("en", "ko"):
        stream = io.StringIO()
        console = terminal.make_console(stream, color=False)
        sheets.print_presets(console, [preset], lang)
        sheets.print_preset(console, preset, lang, verbose=True)
        no_control(stream.getvalue(), "\n")


@target(
    b"Subject: ",
    b"=?utf-8?B?",
    b"?=",
    b"Content-Type: text/html; charset=",
    b"\r\n\r\n",
    b"--x\r\n",
    most=3_000,
)
def sandbox_mail(data: bytes) -> None:
    """Any message that the sandbox took can be shown: nothing of it obeys, and a line of JSON is one line."""
    head, _, content = data.partition(b"\n")
    text = head.decode("utf-8", "replace")
    mail = Mail(number=1, queue_id="A1", sender=text, recipients=(text, "b@c"), content=content)
    stream = io.StringIO()
    Terminal(stream, "en", None, hint=None, color=True, verbose=True).mail(mail)
    no_control(stream.getvalue(), "\n")
    stream = io.StringIO()
    Lines(stream, None, verbose=True).mail(mail)
    line = stream.getvalue()
    assert line.count("\n") == 1
    no_control(line, "\n")
    assert json.loads(line)["subject"] == mail.subject
