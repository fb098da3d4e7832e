"""The report for people: stages as they happen, then the cause, the fixes, and one line that sums up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, Final, cast

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from smtpdoctor.advice import Advice, advise, context_of
from smtpdoctor.knowledge.schema import Entry, Reply
from smtpdoctor.model import (
    ORDERED_STAGES,
    Finding,
    Lang,
    Origin,
    Report,
    Settings,
    Severity,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.text import say

__all__ = [
    "Live",
    "catalogue_table",
    "code",
    "heading",
    "make_console",
    "one_line",
    "print_finding",
    "print_findings",
    "print_report",
    "print_transcript",
    "replies_block",
    "stage_line",
    "verdict_line",
    "wants_color",
]

_GLYPHS: Final = {Status.PASS: "✔", Status.WARN: "!", Status.FAIL: "✖", Status.SKIP: "–"}
_PLAIN: Final = {Status.PASS: "+", Status.WARN: "!", Status.FAIL: "x", Status.SKIP: "-"}
_STYLES: Final = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.SKIP: "dim"}
_SEVERITY: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_BAR: Final = 7
_MAX_SAID: Final = 800
_MAX_SUMMARY: Final = 100  # a reply stands in full below
_DIRECTIONS: Final = {("out", False): "->", ("in", False): "<-", ("out", True): "~>", ("in", True): "<~"}


class _Trimmed:
    """A stream without the blanks with which rich fills its lines: a file or pipe wants none."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._held = ""

    def write(self, text: str) -> int:
        """Write whole lines, hold the rest."""
        *lines, self._held = (self._held + text).split("\n")
        self._stream.write("".join(f"{line.rstrip()}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Write what is held."""
        self._stream.write(self._held)
        self._held = ""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_console(stream: IO[str], *, color: bool) -> Console:
    """Return a console for a stream; without a terminal there is neither colour nor wrapping by chance."""
    return Console(
        file=stream if stream.isatty() else cast("IO[str]", _Trimmed(stream)),
        no_color=None if color else True,
        color_system="auto" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )


def _unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")


def _glyph(console: Console, status: Status) -> str:
    return (_GLYPHS if _unicode(console) else _PLAIN)[status]


def _milliseconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.0005 else ""  # noqa: PLR2004 -- half a millisecond


def _bar(console: Console, seconds: float) -> str:
    """Return a bar on a scale of decades: one cell is a few milliseconds, a full one ten seconds."""
    import math

    cells = round(max(0.0, math.log10(max(seconds, 1e-6) * 1000 + 1)) / 4 * _BAR)
    return ("▇" if _unicode(console) else "=") * min(cells, _BAR)


def _stage_width(lang: Lang) -> int:
    return max(cell_len(say(lang, f"stage.{stage.value}")) for stage in ORDERED_STAGES)


def stage_line(console: Console, result: StageResult, lang: Lang) -> RenderableType:
    """Return the line of one stage."""
    style = _STYLES[result.status]
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=1)
    row.add_column(width=_stage_width(lang), no_wrap=True)
    row.add_column(ratio=1, overflow="fold")
    row.add_column(width=_BAR, no_wrap=True)
    row.add_column(width=7, justify="right", no_wrap=True)
    skipped = result.status is Status.SKIP
    row.add_row(
        Text(_glyph(console, result.status), style),
        Text(say(lang, f"stage.{result.stage.value}"), "dim" if skipped else "bold"),
        Text(_shortened(say(lang, result.summary), _MAX_SUMMARY), "dim" if skipped else ""),
        Text("" if skipped else _bar(console, result.seconds), "dim"),
        Text("" if skipped else _milliseconds(result.seconds), "dim"),
    )
    return Padding(row, (0, 1, 0, 2))


class Live:
    """An observer that prints each stage as it ends, and says on stderr which one is running."""

    def __init__(
        self, console: Console, progress: Console | None, lang: Lang, *, verbose: bool = False
    ) -> None:
        self._console = console
        self._progress = progress
        self._lang = lang
        self._verbose = verbose
        self._status = progress.status("", spinner_style="cyan") if progress else None

    def started(self, stage: Stage) -> None:
        """Show which stage is running, on a terminal only."""
        if self._status is not None:
            name = say(self._lang, f"stage.{stage.value}")
            self._status.update(Text(say(self._lang, "progress", stage=name)))
            self._status.start()

    def ended(self, result: StageResult) -> None:
        """Print the line of the stage."""
        self.stop()
        self._console.print(stage_line(self._console, result, self._lang))
        if self._verbose and result.facts:
            self._console.print(_facts(result))

    def stop(self) -> None:
        """Take the progress away."""
        if self._status is not None:
            self._status.stop()


def _facts(result: StageResult) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    import msgspec

    for name, value in msgspec.to_builtins(result.facts or {}).items():
        several = value if isinstance(value, (list, tuple)) else [value]
        shown = ", ".join(map(_plain, several))
        if shown:
            table.add_row(name, Text(shown))
    return Padding(table, (0, 1, 0, 6))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{one}" for one in value.values())
    return str(value) if value is not None else ""


def _place(origin: Origin, lang: Lang) -> str:
    """Return where settings came from, the same for all that came from there."""
    if origin.kind in {"flag", "environment"}:
        return say(lang, f"report.from.{origin.kind}")
    return origin.path or str(origin)


def heading(settings: Settings, lang: Lang) -> Text:
    """Return the line that says what is checked, and where the settings came from."""
    from smtpdoctor import __version__

    places = dict.fromkeys(
        _place(setting.origin, lang)
        for name in ("host", "port", "security", "username", "password", "sender")
        if (setting := settings.get(name)) is not None and setting.origin.kind != "default"
    )
    text = Text.assemble(("smtpdoctor ", "bold cyan"), (__version__, "dim"))
    if settings.preset:
        from smtpdoctor.knowledge import load

        text.append("  " + load.presets()[settings.preset].name.in_(lang), "bold")
    if places:
        text.append(f"  ({', '.join(places)})", "dim")
    return text


def _numbered(fixes: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="bold cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for number, fix in enumerate(fixes, 1):
        table.add_row(f"{number}.", code(fix))
    return table


def code(text: str) -> Text:
    """Return a text with what stands in backticks made bold."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return Text(text)
    shown = Text()
    for number, part in enumerate(parts):
        shown.append(part, "bold" if number % 2 else "")
    return shown


def _where(finding: Finding, lang: Lang) -> Text | None:
    origin = finding.evidence.origin
    if origin is None or origin.kind == "default":
        return None
    shown = str(origin)
    if origin.kind == "file" and origin.name:
        shown = say(lang, "advice.at", name=origin.name, place=shown)
    text = Text(shown, "bold yellow")
    if value := finding.evidence.facts.get("value"):
        text.append(f"  {value}", "italic")
    return text


def _print_heading(console: Console, finding: Finding, advice: Advice, lang: Lang) -> None:
    meta = (
        finding.id,
        say(lang, f"report.{finding.confidence.value}"),
        say(lang, f"report.fault.{finding.fault.value}"),
    )
    title = Text.assemble(
        (f"{say(lang, f'report.severity.{finding.severity.value}')}: ", _SEVERITY[finding.severity]),
        (advice.title, "bold"),
    )
    console.print()
    _print_in(console, title, 2)
    _print_in(console, Text(" · ".join(meta), "dim"), 2)


def print_consequence(
    console: Console, finding: Finding, advice: Advice, lang: Lang, *, cause: str, seen: str
) -> None:
    """Print a finding that is probably no more than a consequence of another, whose id is ``cause``."""
    _print_heading(console, finding, advice, lang)
    _print_in(console, Text(seen, "dim"), 2)
    _print_in(console, Text(say(lang, "report.caused-by", id=cause)), 4)


def print_finding(
    console: Console,
    finding: Finding,
    advice: Advice,
    lang: Lang,
    *,
    short: bool = False,
    seen: str = "",
) -> None:
    """Print all that is to be said about one finding; ``short``: no more than cause and fixes.

    ``seen`` says how often and where, for a log.
    """
    _print_heading(console, finding, advice, lang)
    evidence = finding.evidence
    said = evidence.text
    if evidence.code is not None and str(evidence.code) not in said:
        said = f"{evidence.code} {said}"
    if said and not short:
        name = say(lang, "report.server" if evidence.code else "report.evidence")
        _print_section(console, name, Text(_shortened(said, _MAX_SAID), "italic", overflow="fold"))
    if seen:
        _print_in(console, Text(seen, "dim"), 2)
    if where := _where(finding, lang):
        _print_section(console, say(lang, "report.where"), where)
    _print_section(console, say(lang, "report.cause"), code(advice.meaning))
    if finding.retryable:
        _print_in(console, Text(say(lang, "report.retry")), 4)
    _print_section(console, say(lang, "report.fix"), _numbered(advice.fixes))
    if short:
        return
    if advice.sure:
        _print_section(console, say(lang, "report.sure"), code(advice.sure))
    if advice.links:
        _print_in(console, Text(say(lang, "report.links"), "bold"), 2)
        for label, url in advice.links:
            if label:
                _print_in(console, Text(label), 4)
            # An address that is broken over two lines can be neither clicked nor copied.
            console.print(Text(f"    {url}", "blue"), soft_wrap=True)
    if finding.candidates:
        others = Text(", ".join(finding.candidates), overflow="fold")
        _print_section(console, say(lang, "report.maybe"), others)


def _print_in(console: Console, body: RenderableType, indent: int) -> None:
    console.print(Padding(body, (0, 1, 0, indent)))


def _print_section(console: Console, name: str, body: RenderableType) -> None:
    _print_in(console, Text(name, "bold"), 2)
    _print_in(console, body, 4)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def one_line(finding: Finding, lang: Lang) -> Text:
    """Return a finding in one line."""
    from smtpdoctor.knowledge import load

    title = load.entry(finding.id).title.in_(lang)
    return Text.assemble((finding.id, _SEVERITY[finding.severity]), f"  {title}")


def catalogue_table(entries: Sequence[Entry], lang: Lang) -> RenderableType:
    """Return the catalogue: ids by stage, with their titles."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    stage = None
    for entry in entries:
        if entry.stage != stage:
            stage = entry.stage
            table.add_row(Text(say(lang, f"stage.{stage.value}"), "bold"), "")
        table.add_row(Text(f"  {entry.id}", _SEVERITY[entry.severity]), entry.title.in_(lang))
    return table


def replies_block(replies: Sequence[Reply], preset_id: str, lang: Lang) -> RenderableType:
    """Return what a provider means by a code: each of its own replies, the cause and the cure."""
    from smtpdoctor.knowledge import load

    name = load.presets()[preset_id].name.in_(lang)
    parts: list[RenderableType] = [Text(say(lang, "explain.at", preset=name), "bold")]
    for reply in replies:
        code = " ".join(str(part) for part in (reply.code, reply.enhanced, reply.text) if part)
        words = Text(f"{reply.cause.in_(lang)} {reply.cure.in_(lang)}")
        head = Text.assemble((code, "italic"), (f"  {reply.diagnosis}", "dim"))
        parts += [Padding(head, (0, 0, 0, 2)), Padding(words, (0, 0, 0, 4))]
    return Padding(Group(*parts), (1, 1, 0, 2))


def verdict_line(console: Console, report: Report, lang: Lang, *, linted: bool = False) -> Text:
    """Return the one line that sums up."""
    if report.verdict == "fail":
        worst = report.findings[0]
        from smtpdoctor.knowledge import load

        title = load.entry(worst.id).title.in_(lang)
        text = say(lang, "verdict.fail", title=title, id=worst.id)
        return Text.assemble((f"{_glyph(console, Status.FAIL)} ", "bold red"), (text, "bold red"))
    if report.verdict == "warn":
        count = sum(one.severity is Severity.WARNING for one in report.findings)
        key = "verdict.lint-warn" if linted else "verdict.warn"
        return Text.assemble(
            (f"{_glyph(console, Status.WARN)} ", "yellow"), (say(lang, key, count=count), "bold yellow")
        )
    key = "verdict.lint" if linted else "verdict.pass"
    return Text.assemble((f"{_glyph(console, Status.PASS)} ", "green"), (say(lang, key), "bold green"))


def print_transcript(console: Console, report: Report, lang: Lang) -> None:
    """Print the dialogue with the hints that SMTP people know from swaks."""
    console.print()
    console.print(Padding(Text(say(lang, "report.transcript"), "bold"), (0, 0, 0, 2)))
    for turn in report.transcript:
        hint = _DIRECTIONS.get((turn.direction, turn.encrypted), "==")
        line = Text.assemble((f"{turn.seconds:7.3f} ", "dim"), (f"{hint} ", "cyan"), turn.text)
        console.print(Padding(line, (0, 0, 0, 2)), overflow="fold")


def print_findings(console: Console, report: Report, lang: Lang) -> None:
    """Print every finding, the root cause whole and the others shorter."""
    context = context_of(report)
    for number, finding in enumerate(report.findings):
        print_finding(console, finding, advise(finding, context, lang), lang, short=number > 0)


def print_report(
    console: Console,
    report: Report,
    lang: Lang,
    *,
    transcript: bool = False,
    quiet: bool = False,
    linted: bool = False,
) -> None:
    """Print what comes after the stages: transcript, findings, verdict."""
    if transcript:
        print_transcript(console, report, lang)
    if not quiet:
        if report.findings:
            print_findings(console, report, lang)
        console.print()
    console.print(verdict_line(console, report, lang, linted=linted))


def wants_color(environment: dict[str, str] | None = None) -> bool:
    """Whether colour may be used: https://no-color.org asks for a variable that is not empty."""
    return not (environment if environment is not None else os.environ).get("NO_COLOR")
