"""The report in words: one frozen tree, built once for a language. Every format is a function of it.

Nothing here knows a probe or a terminal. A report without findings loads no catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor import __version__
from smtpdoctor.masking.words import printable
from smtpdoctor.model import (
    Confidence,
    Evidence,
    Fault,
    Finding,
    Ignored,
    Lang,
    Message,
    Origin,
    Report,
    Secret,
    Setting,
    SettingName,
    Settings,
    Severity,
    Stage,
    StageResult,
    Status,
    Turn,
    Verdict,
)
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.diagnosis import Context

__all__ = [
    "AttemptLine",
    "Candidate",
    "Command",
    "Edit",
    "Excerpt",
    "Heading",
    "IgnoredLine",
    "Line",
    "Link",
    "Overridden",
    "Problem",
    "Quote",
    "Row",
    "StageLine",
    "View",
    "commands_of",
    "heading_of",
    "problem_of",
    "stage_of",
    "view_of",
]

_SETTINGS: Final[tuple[SettingName, ...]] = ("host", "port", "security", "username", "password", "sender")
_OPTIONAL: Final[tuple[SettingName, ...]] = ("cipher", "ehlo", "recipient")
# What printable() makes of a byte that is no text: much of it means another protocol.
_ESCAPE: Final = r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4})|�"
_MOST_ESCAPED: Final = 0.1
_MOST_STEPS: Final = 3
_SENTENCE_END: Final = r"(?<=[.!?])\s"
# A command that a text tells to run; of other words in backticks nobody knows what they are.
_COMMAND: Final = r"`((?:smtpdoctor|openssl|dig|nslookup|nc|curl) [^`…]+)`"
# They read files of this machine and the catalogue, and write to standard output alone.
_SAFE: Final = r"smtpdoctor (?:(?:explain|lint|apps|presets)(?: .*)?|fix (?:.* )?--no-network(?: .*)?)"
_WRITES: Final = r"(?:^| )--(?:output|write|force)\b|(?:^| )--format[= ][^ ]+=|[|>;&]"

Kind = Literal["pass", "warn", "fail", "skip", "suspected"]


class Heading(Struct, frozen=True):
    """What is checked: version of the program, the provider's name, where the settings came from."""

    version: str
    provider: str
    places: tuple[str, ...]


class Overridden(Struct, frozen=True):
    """A value that a stronger source has overridden."""

    value: str | int
    origin: str
    words: str


class Row(Struct, frozen=True):
    """A setting; ``value`` is masked where it is secret, None where there is none.

    ``path`` and ``line`` are its place, where that is a file.
    """

    name: SettingName
    label: str
    value: str | int | None
    shown: str
    origin: str
    source: str
    overrides: tuple[Overridden, ...] = ()
    remark: str = ""
    path: str | None = None
    line: int | None = None


class StageLine(Struct, frozen=True):
    """How one stage went. ``kind`` is the status, or ``suspected``: a warning that the network may settle."""

    stage: Stage
    status: Status
    kind: Kind
    title: str
    summary: str
    seconds: float
    facts: dict[str, Any]


class SettledLine(Struct, frozen=True):
    """A doubt about the settings that a stage has shown to be wrong: its id, the stage, and both in words."""

    id: str
    by: Stage
    text: str


class IgnoredLine(Struct, frozen=True):
    """A finding that decides nothing: its id, why somebody said so, and both in words."""

    id: str
    reason: str
    text: str


class AttemptLine(Struct, frozen=True):
    """One of several runs: what it met (None: nothing), how long was waited before it, and both in words."""

    id: str | None
    stage: Stage | None
    pause: float
    seconds: float
    text: str


class Quote(Struct, frozen=True):
    """The other side's words, with the code of the reply where there was one."""

    code: int | None
    text: str

    @property
    def words(self) -> str:
        """The reply as a person reads it."""
        if self.code is None or str(self.code) in self.text:
            return self.text
        return f"{self.code} {self.text}"


class Line(Struct, frozen=True):
    """A line that goes or comes."""

    sign: Literal["-", "+"]
    text: str


class Excerpt(Struct, frozen=True):
    """Lines of a place before and after a change; ``path`` and ``line`` say where in a file they begin."""

    place: str
    lines: tuple[Line, ...]
    path: str | None = None
    line: int | None = None


class Link(Struct, frozen=True):
    """A page, and what for."""

    label: str
    url: str


class Candidate(Struct, frozen=True):
    """Another id that the finding may be."""

    id: str
    title: str


class Edit(Struct, frozen=True):
    """A change as a program takes it."""

    file: str | None
    line: int | None
    name: str
    value: str


class Command(Struct, frozen=True):
    """A command that would help. ``safe``: it uses no network, tries no login and changes no file."""

    command: str
    safe: bool


class Problem(Struct, frozen=True, kw_only=True):
    """One finding in words.

    ``cause`` is ``meaning`` in a sentence or two; ``steps`` are the first things to do, at most
    three, ``rest`` the others. ``todo`` is the first step in a few words, the longest form first.
    ``more`` is the command that tells everything. ``grave``: it keeps mail from being sent.
    """

    id: str
    stage: Stage
    severity: Severity
    confidence: Confidence
    fault: Fault
    retryable: bool
    grave: bool
    kind: str
    about: tuple[str, ...]
    title: str
    cause: str
    meaning: str
    quote: Quote | None
    where: str
    value: str
    excerpts: tuple[Excerpt, ...]
    steps: tuple[str, ...]
    rest: tuple[str, ...]
    sure: str
    links: tuple[Link, ...]
    best: Link | None
    candidates: tuple[Candidate, ...]
    changes: tuple[Edit, ...]
    todo: tuple[str, ...]
    more: str
    evidence: Evidence
    origin: str | None


class View(Struct, frozen=True, kw_only=True):
    """A report in words; ``problems[0]`` is the root cause.

    ``attempts`` are there where a temporary failure was to be tried again, ``ended`` says why it was not tried
    once more.

    ``last`` is the line that sums up: what it is and what to do, the longest form first. ``more`` is what a
    special run has to tell a program beside the report, by the key that JSON has for it.
    """

    lang: Lang
    heading: Heading
    verdict: Verdict
    preset: str | None
    app: str
    settings: tuple[Row, ...]
    stages: tuple[StageLine, ...]
    settled: tuple[SettledLine, ...]
    problems: tuple[Problem, ...]
    transcript: tuple[Turn, ...]
    last: tuple[str, ...]
    seconds: float
    next: tuple[Command, ...] = ()
    more: dict[str, Any] = {}
    ignored: tuple[IgnoredLine, ...] = ()
    attempts: tuple[AttemptLine, ...] = ()
    ended: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be told of the run beside its stages and problems, in sentences."""
        return (
            *(one.text for one in self.attempts),
            *filter(None, (self.ended,)),
            *(one.text for one in self.ignored),
        )


def view_of(report: Report, lang: Lang, options: Sequence[str] = ()) -> View:
    """Put a report in words; ``options`` are the flags of the run that are about no setting."""
    problems: tuple[Problem, ...] = ()
    commands: tuple[Command, ...] = ()
    if report.findings:
        from smtpdoctor.advice import check_command, context_of, fix_command

        context = context_of(report)
        problems = tuple(problem_of(finding, context, lang, options) for finding in report.findings)
        if report.verdict not in {"pass", "warn"}:
            # What a run failed of is no mere warning, even where the settings alone were only suspicious.
            root = replace(problems[0], kind=say(lang, "report.severity.error"), grave=True)
            problems = (root, *problems[1:])
        others = [check_command(report.settings, options)]
        if any(one.file for problem in problems for one in problem.changes):
            others.insert(0, fix_command(report.settings, options, network=not _is_linted(report)))
        commands = commands_of(problems, *others)
    return View(
        lang=lang,
        heading=heading_of(report.settings, lang),
        verdict=report.verdict,
        preset=report.settings.preset,
        app=report.settings.app,
        settings=_rows(report.settings, lang, remarks=bool(problems)),
        stages=tuple(stage_of(result, lang) for result in report.stages),
        settled=tuple(
            SettledLine(
                one.finding.id,
                one.by,
                say(
                    lang,
                    "report.settled",
                    title=_title(one.finding.id, lang),
                    stage=Message(f"stage.{one.by.value}"),
                ),
            )
            for one in report.settled
        ),
        problems=problems,
        transcript=report.transcript,
        last=_last(report, problems, lang),
        seconds=report.seconds,
        ignored=tuple(_ignored(one, lang) for one in report.ignored),
        attempts=tuple(_attempts(report, lang)),
        ended=say(lang, report.ended) if report.ended else "",
        next=commands,
    )


def _ignored(ignored: Ignored, lang: Lang) -> IgnoredLine:
    name, reason = ignored.finding.id, printable(ignored.reason)
    key = "report.ignored-for" if reason else "report.ignored"
    return IgnoredLine(name, reason, say(lang, key, id=name, title=_title(name, lang), reason=reason))


def _attempts(report: Report, lang: Lang) -> Iterator[AttemptLine]:
    """Yield the attempts; a single one that met nothing is not worth a word."""
    if len(report.attempts) == 1 and report.ended is None:
        return
    for number, one in enumerate(report.attempts, 1):
        met: Message | str = Message("runs.met-nothing")
        if one.finding is not None and one.stage is not None:
            met = Message("runs.met", {"id": one.finding, "stage": Message(f"stage.{one.stage.value}")})
        key = "runs.attempt-after" if one.pause else "runs.attempt"
        values = {"number": number, "count": len(report.attempts), "pause": f"{one.pause:g}", "met": met}
        yield AttemptLine(one.finding, one.stage, one.pause, one.seconds, say(lang, Message(key, values)))


def commands_of(problems: Iterable[Problem], *others: str) -> tuple[Command, ...]:
    """Return the commands that would help, in the order of the problems, then ``others``: about all of them."""
    told: dict[str, None] = {}
    for problem in problems:
        texts = (*problem.steps, problem.sure, *problem.rest)
        told |= dict.fromkeys(found for text in texts for found in re.findall(_COMMAND, text))
        told[problem.more] = None
    told |= dict.fromkeys(others)
    return tuple(Command(one, _is_safe(one)) for one in told)


def _is_safe(command: str) -> bool:
    return re.fullmatch(_SAFE, command) is not None and re.search(_WRITES, command) is None


def _title(name: str, lang: Lang) -> str:
    from smtpdoctor.knowledge import load

    return load.entry(name).title.in_(lang)


def _is_linted(report: Report) -> bool:
    """Whether the settings alone were judged."""
    return all(result.stage is Stage.CONFIG for result in report.stages)


def _last(report: Report, problems: Sequence[Problem], lang: Lang) -> tuple[str, ...]:
    linted = _is_linted(report)
    if report.verdict == "pass" and report.ignored:
        ids = ", ".join(dict.fromkeys(one.finding.id for one in report.ignored))
        return (say(lang, "verdict.ignored", ids=ids),)
    if report.verdict == "pass":
        return (say(lang, "verdict.lint" if linted else "verdict.pass"),)
    if report.verdict == "warn":
        count = sum(one.severity is Severity.WARNING for one in report.findings)
        text = say(lang, "verdict.lint-warn" if linted else "verdict.warn", count=count)
        # A title such as "cannot work" would contradict it; what to do about a warning does not.
        first = problems[0]
        return (*(say(lang, "report.warnings", verdict=text, todo=one) for one in first.todo), text)
    first = problems[0]
    forms = (*(say(lang, "report.do", title=first.title, todo=one) for one in first.todo), first.title)
    if report.verdict == "inconclusive":
        return tuple(say(lang, "verdict.inconclusive", text=one) for one in forms)
    return forms


# settings


def heading_of(settings: Settings, lang: Lang) -> Heading:
    """Return what is checked, and where the settings came from."""
    places = dict.fromkeys(
        _place(setting.origin, lang)
        for name in _SETTINGS
        if (setting := settings.get(name)) is not None and setting.origin.kind != "default"
    )
    provider = _provider(settings.preset, lang) if settings.preset else ""
    return Heading(__version__, provider, tuple(places))


def _provider(preset: str | None, lang: Lang) -> str:
    from smtpdoctor.knowledge import load

    known = load.preset_with_id(preset)
    return known.name.in_(lang) if known else ""


def _place(origin: Origin, lang: Lang) -> str:
    """Return where settings came from, the same for all that came from there."""
    if origin.kind in {"flag", "environment"}:
        return say(lang, f"report.from.{origin.kind}")
    return printable(origin.path or _source(origin, lang))


def _source(origin: Origin, lang: Lang) -> str:
    if origin.kind in {"file", "project"}:
        return printable(str(origin))
    return say(lang, f"origin.{origin.kind}", name=origin.name)


def _value(setting: Setting[Any]) -> str | int:
    if isinstance(setting.value, Secret):
        return Secret.MASK
    return setting.value if isinstance(setting.value, int) else str(setting.value)


def _rows(settings: Settings, lang: Lang, *, remarks: bool) -> tuple[Row, ...]:
    rows = []
    for name in (*_SETTINGS, *_OPTIONAL):
        setting = settings.get(name)
        if setting is None:
            if name in _SETTINGS:
                absent = say(lang, "setting.elsewhere" if name in settings.elsewhere else "setting.none")
                rows.append(Row(name, say(lang, f"setting.{name}"), None, absent, "", ""))
            continue
        value = _value(setting)
        rows.append(
            Row(
                name,
                say(lang, f"setting.{name}"),
                value,
                printable(str(value)),
                str(setting.origin),
                _source(setting.origin, lang),
                tuple(_overridden(one, lang) for one in setting.overrides),
                _remark(name, settings, lang) if remarks else "",
                *_file(setting.origin),
            )
        )
    return tuple(rows)


def _file(origin: Origin) -> tuple[str | None, int | None]:
    return (origin.path, origin.line) if origin.kind in {"file", "project"} else (None, None)


def _overridden(setting: Setting[Any], lang: Lang) -> Overridden:
    value = _value(setting)
    key = "setting.overrides-secret" if isinstance(setting.value, Secret) else "setting.overrides"
    words = say(lang, key, place=_source(setting.origin, lang), value=printable(str(value)))
    return Overridden(value, str(setting.origin), words)


def _remark(name: SettingName, settings: Settings, lang: Lang) -> str:
    """Return what is odd about a value beside what the provider wants; of a secret only its length."""
    from smtpdoctor.knowledge import load

    preset = load.preset_with_id(settings.preset)
    # Without the company behind it, of which everyone else is told in the heading.
    known = re.split(r" / | \(", preset.name.in_(lang))[0] if preset else ""
    if name == "password" and settings.password is not None:
        count = len(settings.password.value.reveal())
        if preset is None or preset.password.pattern is None:
            return say(lang, "setting.characters", count=count)
        bare = re.sub(r"\s", "", settings.password.value.reveal()) if preset.password.strip_spaces else ""
        least, most = _lengths(preset.password.pattern)
        fits = least <= (len(bare) if bare else count) <= most
        key = "" if fits else "-of" if least == most else "-short" if count < least else ""
        return say(lang, f"setting.characters{key}", count=count, preset=known, wanted=least)
    if preset is None or preset.anywhere:
        return ""
    if name == "port" and settings.port is not None and preset.ports_complete:
        host = settings.host.value if settings.host else None
        ports = list(dict.fromkeys(one.port for one in preset.endpoints_at(host)))
        if settings.port.value not in ports:
            return say(lang, "setting.port-of", preset=known, ports=", ".join(map(str, ports)))
    if name == "username" and settings.username is not None and preset.username.form == "literal":
        taken = load.takes_word(settings.username.value, preset)
        return "" if taken else say(lang, "setting.username-of", preset=known, value=preset.username.value)
    return ""


def _lengths(pattern: str) -> tuple[int, int]:
    """Return how long a text is at least and at most that matches a pattern as a whole."""
    from re import _parser  # type: ignore[attr-defined] # no public parse tree exists

    least, most = _parser.parse(pattern).getwidth()
    return int(least), int(most)


# stages


def stage_of(result: StageResult, lang: Lang) -> StageLine:
    """Put one stage in words."""
    facts = {} if result.facts is None else msgspec.to_builtins(result.facts)
    return StageLine(
        stage=result.stage,
        status=result.status,
        kind=_kind(result),
        title=say(lang, f"stage.{result.stage.value}"),
        summary=say(lang, result.summary),
        seconds=result.seconds,
        facts=facts,
    )


def _kind(result: StageResult) -> Kind:
    return "suspected" if result.suspected else result.status.value


# findings


def problem_of(finding: Finding, context: Context, lang: Lang, options: Sequence[str] = ()) -> Problem:
    """Put one finding in words."""
    from smtpdoctor.advice import advise

    advice = advise(finding, context, lang, options)
    excerpts = tuple(
        Excerpt(
            _source(one.origin, lang),
            tuple(Line(line.sign, printable(line.text)) for line in one.lines),
            *_file(one.origin),
        )
        for one in advice.excerpts
    )
    links = tuple(Link(label, url) for label, url in advice.links)
    steps, rest = advice.steps, advice.rest
    if name := finding.evidence.facts.get("refused_for"):
        # What is wrong is told where it was seen; the first thing to know here is that it was not tried.
        told = (say(lang, "auth.refused-before.how", name=printable(name)), *steps)
        steps, rest = told[:_MOST_STEPS], (*told[_MOST_STEPS:], *rest)
    provider = f" --preset {context.provider}" if context.provider else ""
    about = (
        finding.id,
        say(lang, f"report.{finding.confidence.value}"),
        say(lang, f"report.fault.{finding.fault.value}"),
    )
    return Problem(
        id=finding.id,
        stage=finding.stage,
        severity=finding.severity,
        confidence=finding.confidence,
        fault=finding.fault,
        retryable=finding.retryable,
        grave=finding.severity is Severity.ERROR,
        kind=say(lang, f"report.severity.{finding.severity.value}"),
        about=about,
        title=advice.title,
        cause=advice.cause,
        meaning=advice.meaning,
        quote=_quote(finding.evidence),
        where=_where(finding.evidence, lang),
        value=_shown_value(finding.evidence),
        excerpts=excerpts,
        steps=steps,
        rest=rest,
        sure=advice.sure,
        links=links,
        best=_best(links, steps),
        candidates=tuple(Candidate(name, _title(name, lang)) for name in finding.candidates),
        changes=tuple(Edit(one.origin.path, one.origin.line, one.name, one.value) for one in advice.changes),
        todo=_todo(excerpts, steps, lang),
        more=f"smtpdoctor explain {finding.id}{provider}",
        evidence=finding.evidence,
        origin=advice.origin,
    )


def _quote(evidence: Evidence) -> Quote | None:
    """Return the other side's words; bytes of another protocol are none."""
    text = evidence.text.strip()
    escaped = sum(len(one) for one in re.findall(_ESCAPE, text))
    if escaped > len(text) * _MOST_ESCAPED:
        text = ""
    return Quote(evidence.code, text) if text else None


def _shown_value(evidence: Evidence) -> str:
    """Return the value that is wrong, where its place does not name it already."""
    value = evidence.facts.get("value", "")
    return "" if evidence.origin is not None and value == evidence.origin.name else value


def _where(evidence: Evidence, lang: Lang) -> str:
    origin = evidence.origin
    if origin is None or origin.kind in {"default", "sandbox"}:
        return ""
    if "beside" in evidence.facts and evidence.facts.get("name") and origin.path:
        return say(lang, "advice.at", name=evidence.facts["name"], place=printable(origin.path))
    if origin.kind in {"file", "project"} and origin.name:
        return say(lang, "advice.at", name=origin.here, place=_source(origin, lang))
    return origin.name if origin.kind in {"flag", "environment"} else _source(origin, lang)


def _best(links: Sequence[Link], steps: Sequence[str]) -> Link | None:
    """Return the page to open first: the provider's own; a standard explains, but mends nothing."""
    useful = [link for link in links if "rfc-editor.org" not in link.url]
    return useful[0] if useful and not any(useful[0].url in step for step in steps[:1]) else None


_OF_YAML: Final = (".yml", ".yaml")


def _todo(excerpts: Sequence[Excerpt], steps: Sequence[str], lang: Lang) -> tuple[str, ...]:
    """Return the first step in a few words, the longest form first."""
    # An item of a list is told as what it says.
    added = [
        line.text.strip().removeprefix("- ") for one in excerpts for line in one.lines if line.sign == "+"
    ]
    if not added:
        return (re.split(_SENTENCE_END, steps[0], maxsplit=1)[0].replace("`", ""),) if steps else ()
    if any(
        one.path and one.path.endswith(_OF_YAML) for one in excerpts
    ):  # the mark of a list is no part of it
        added = [one.removeprefix("- ") for one in added]
    written = ", ".join(added)
    files: dict[str | None, str] = {}
    for one in excerpts:
        files.setdefault(one.path, one.place)
    place = ", ".join(files.values())
    return (
        say(lang, "report.write", line=written, place=place),
        say(lang, "report.write-line", line=written),
        say(lang, "report.write-there", place=place),
    )
