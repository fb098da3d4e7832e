"""The report for people: stages as they happen, then the cause, what to do, and one line that sums up.

The last screen of a terminal holds what matters: verdict, the server's words, the cause in a
sentence, the first step with the line to write, and the page to open. What does not fit there is
told by ``--verbose`` or by the command that the report names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any, Final, cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from smtpdoctor.masking.words import for_log
from smtpdoctor.model import (
    ORDERED_STAGES,
    Lang,
    Message,
    Settings,
    Severity,
    Stage,
    StageResult,
    Status,
    Trial,
    Turn,
)
from smtpdoctor.report.layout import code, hanging, shortened, stated_size, wrapped
from smtpdoctor.report.view import (
    Excerpt,
    Heading,
    Line,
    Problem,
    Row,
    StageLine,
    View,
    heading_of,
    stage_of,
)
from smtpdoctor.text import say

__all__ = [
    "Live",
    "Page",
    "make_console",
    "print_consequence",
    "print_heading",
    "print_problem",
    "print_service",
    "print_view",
    "problem_lines",
    "wants_color",
]

_GLYPHS: Final = {"pass": "✔", "warn": "!", "fail": "✖", "skip": "–", "suspected": "?"}
_PLAIN: Final = {"pass": "+", "warn": "!", "fail": "x", "skip": "-", "suspected": "?"}
_STYLES: Final = {"pass": "green", "warn": "yellow", "fail": "bold red", "skip": "dim", "suspected": "yellow"}
_SEVERITY: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_BAR: Final = 7
_TIME: Final = 7
_SLOW: Final = 1.0  # seconds, from which a bar says something
_NOTICED: Final = 0.1
_ROOMY: Final = 60  # columns, from which a stage takes one line
_WIDEST: Final = 100  # longer lines are hard to read
_SCREEN: Final = 24  # rows of the smallest usual terminal
_QUOTE_LINES: Final = 5
_QUOTE_BEGIN: Final = 3  # of them, how many show the beginning
_CANDIDATES: Final = 2
_MAX_SAID: Final = 800
_LONG_WORD: Final = re.compile(r"(?<!\S)(?!https?:)[^\s/:]{200,}")  # nobody's language, and no address
_SHOWN_OF_WORD: Final = 60
_SIZES: Final = ("COLUMNS", "LINES")
_SESSION: Final = re.compile(r"(?<=\S) \[[^\[\]]{8,}\]?$")  # which server it was, and when
_URL: Final = re.compile(r"https?://[^\s<>\"']*[^\s<>\"').,;:\]]")
_DIRECTIONS: Final = {("out", False): "->", ("in", False): "<-", ("out", True): "~>", ("in", True): "<~"}


class _Trimmed:
    """A stream for a file, a pipe or a log: no blanks at the ends of lines, no line that commands a runner."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._held = ""

    def write(self, text: str) -> int:
        """Write whole lines, hold the rest."""
        *lines, self._held = (self._held + text).split("\n")
        self._stream.write("".join(f"{for_log(line.rstrip())}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Write what is held."""
        self._stream.write(for_log(self._held))
        self._held = ""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_console(stream: IO[str], *, color: bool) -> Console:
    """Return a console for a stream; without a terminal there is no colour.

    What rich would make of ``COLUMNS`` and ``LINES`` as they may stand there ends in an error.
    """
    sizes = {name: str(size) for name in _SIZES if (size := stated_size(name))}
    return Console(
        _environ={**{name: text for name, text in os.environ.items() if name not in _SIZES}, **sizes},
        file=stream if stream.isatty() else cast("IO[str]", _Trimmed(stream)),
        no_color=None if color else True,
        color_system="auto" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )


def wants_color(environment: dict[str, str] | None = None) -> bool:
    """Whether colour may be used: https://no-color.org asks for a variable that is not empty."""
    return not (environment if environment is not None else os.environ).get("NO_COLOR")


class Page:
    """A console with what the layout has to know of it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, _WIDEST)
        self.unicode = console.encoding.lower().startswith("utf")
        # A pipe has no screen that could be too small, but who reads it later may have.
        self.rows = max(console.height, _SCREEN) if console.is_terminal else _SCREEN

    def glyph(self, kind: str) -> str:
        """Return the sign of how something went."""
        return (_GLYPHS if self.unicode else _PLAIN)[kind]

    @property
    def ellipsis(self) -> str:
        """What stands where something was left out."""
        return "…" if self.unicode else "..."

    def plain(self, text: str) -> str:
        """Return a sentence of ours without the signs that this terminal lacks."""
        if self.unicode:
            return text
        return text.replace("→", "->").replace("–", "-").replace("·", "-").replace("…", "...")

    def print(self, lines: Iterable[Text]) -> None:
        """Print lines as they are; all at once, since what rich does for each print takes longer than the line."""
        if together := list(lines):
            self.console.print(Text("\n").join(together), soft_wrap=True)

    def height(self, lines: Sequence[Text]) -> int:
        """Return how many rows lines take where one may be longer than the screen is wide."""
        return sum(max(1, -(-line.cell_len // self.console.width)) for line in lines)


# stages


def _milliseconds(seconds: float) -> str:
    if seconds >= _SLOW:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= _NOTICED else ""


def _bar(page: Page, seconds: float) -> str:
    """Return a bar on a scale of decades: a full one is ten seconds."""
    import math

    cells = round(math.log10(seconds * 1000) / 4 * _BAR) if seconds >= _SLOW else 0
    return ("▇" if page.unicode else "=") * min(cells, _BAR)


def _stage_width(lang: Lang) -> int:
    return max(cell_len(say(lang, f"stage.{stage.value}")) for stage in ORDERED_STAGES)


def _stage_lines(page: Page, line: StageLine, lang: Lang) -> list[Text]:
    """Return the line of one stage: sign, name, what happened, and how long it took if that was long."""
    style = _STYLES[line.kind]
    dim = "dim" if line.status is Status.SKIP else ""
    name = line.title + " " * (_stage_width(lang) - cell_len(line.title))
    head = [("  ", ""), (page.glyph(line.kind), style), (" ", ""), (name, dim or "bold"), ("  ", "")]
    taken = sum(cell_len(text) for text, _ in head)
    time = (
        ""
        if dim or page.width < _ROOMY
        else " ".join(filter(None, (_bar(page, line.seconds), _milliseconds(line.seconds))))
    )
    # The column of the times stays free, so that a line breaks alike whatever the time was.
    timed = page.width >= _ROOMY and not dim
    room = page.width - taken - 1 - (max(cell_len(time) + 1, _TIME) if timed else 0)
    summary = page.plain(line.summary)
    if (line.status is Status.FAIL and line.stage is not Stage.CONFIG) or (
        line.status is Status.PASS and page.width >= _ROOMY
    ):
        # A failure is told in full below, and of a success nobody needs the end of the banner.
        summary = shortened(summary, room, page.ellipsis) or summary
    lines = []
    for number, text in enumerate(wrapped([(summary, dim)], room)):
        row = Text()
        if number == 0:
            for part, part_style in head:
                row.append(part, part_style)
        else:
            row.append(" " * taken)
        row.append_text(text)
        if number == 0 and time:
            row.append(" " * max(page.width - 1 - row.cell_len - cell_len(time), 1))
            row.append(time, "dim")
        lines.append(row)
    return lines


class Live:
    """An observer that prints each stage as it ends, and says on stderr which one is running."""

    def __init__(
        self, console: Console, progress: Console | None, lang: Lang, *, verbose: bool = False
    ) -> None:
        self._page = Page(console)
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
        line = stage_of(result, self._lang)
        self._page.print(_stage_lines(self._page, line, self._lang))
        if self._verbose:
            self._page.print(_fact_lines(self._page, line.facts))

    def paused(self, attempt: Trial, number: int, most: int, seconds: float) -> None:
        """Print what an attempt met, and that another one follows."""
        self.stop()
        stage = Message(f"stage.{(attempt.stage or Stage.CONFIG).value}")
        values = {"id": attempt.finding, "stage": stage, "number": number + 1, "most": most}
        text = say(self._lang, Message("runs.again", {**values, "seconds": f"{seconds:g}"}))
        head = [("  ", ""), (self._page.glyph("warn"), "yellow"), (" ", "")]
        self._page.print(hanging(head, [(self._page.plain(text), "")], self._page.width - 1, 0, 4))

    def stop(self) -> None:
        """Take the progress away."""
        if self._status is not None:
            self._status.stop()


def _fact_lines(page: Page, facts: dict[str, Any]) -> list[Text]:
    shown = {
        name: text
        for name, value in facts.items()
        if (
            text := ", ".join(
                filter(None, map(_plain, value if isinstance(value, list | tuple) else [value]))
            )
        )
    }
    widest = max(map(cell_len, shown), default=0)
    return [
        line
        for name, text in shown.items()
        for line in hanging([(name.ljust(widest + 1), "dim")], [(text, "dim")], page.width - 1, 6, widest + 1)
    ]


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(_plain(one) for one in value.values())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value) if value is not None else ""


def print_heading(console: Console, settings: Settings, lang: Lang) -> None:
    """Print the line that says what is checked, and where the settings came from."""
    page = Page(console)
    page.print(_heading_lines(page, heading_of(settings, lang)))
    console.print()


def _heading_lines(page: Page, heading: Heading) -> list[Text]:
    parts = [("smtpdoctor ", "bold cyan"), (heading.version, "dim")]
    if heading.provider:
        parts += [("  ", ""), (heading.provider, "bold")]
    if heading.places:
        parts += [("  ", ""), (f"({', '.join(heading.places)})", "dim")]
    text = Text.assemble(*parts)
    return [text] if text.cell_len <= page.width else wrapped(parts, page.width)


# settings


def _settings_lines(page: Page, rows: Sequence[Row]) -> list[Text]:
    """Return the settings, what each came from, what it overrides, what is odd about it."""
    names = max(cell_len(row.label) for row in rows)
    sizes = (cell_len(row.shown) for row in rows)
    values = max((size for size in sizes if size <= page.width // 3), default=0)
    lines = []
    for row in rows:
        head = [("  ", ""), (row.label + " " * (names - cell_len(row.label) + 2), "dim")]
        if row.value is None:
            lines.append(Text.assemble(*head, (row.shown, "dim")))
            continue
        head.append((row.shown + " " * max(values - cell_len(row.shown), 0), ""))
        more = [f"({one.words})" for one in row.overrides]
        parts: list[tuple[str, str]] = [(row.source, "dim")]
        parts += [(f" {text}", "yellow") for text in more]
        if row.remark:
            parts += [(page.plain(" · "), "dim"), (row.remark, "yellow")]
        lines += hanging([*head, ("  ", "")], parts, page.width - 1, 0, names + 4)
    return lines


# findings


def _title_lines(page: Page, problem: Problem) -> list[Text]:
    head = [(f"{problem.kind}: ", _SEVERITY[Severity.ERROR if problem.grave else problem.severity])]
    return hanging(head, [(problem.title, "bold")], page.width - 1, 2, 2)


def _about_line(page: Page, problem: Problem) -> list[Text]:
    return hanging([], [(page.plain(" · ").join(problem.about), "dim")], page.width - 1, 2, 2)


def _labelled(page: Page, lang: Lang, key: str, parts: Sequence[tuple[str, str]]) -> list[Text]:
    label = f"{say(lang, key)}: "
    return hanging([(label, "bold")], parts, page.width - 1, 2, 2)


def _quote_lines(page: Page, problem: Problem, lang: Lang, *, whole: bool) -> list[Text]:
    if problem.quote is None:
        return []
    key = "report.evidence" if problem.quote.code is None else "report.server"
    said = _LONG_WORD.sub(lambda found: f"{found[0][:_SHOWN_OF_WORD]}{page.ellipsis}", problem.quote.words)
    address = _URL.search(said)
    if len(said) > _MAX_SAID and whole:
        said = shortened(said, _MAX_SAID, page.ellipsis) or said[:_MAX_SAID]
    elif len(said) > _MAX_SAID:
        begin, end = said[: _MAX_SAID // 2], said[-_MAX_SAID // 2 :]
        said = f"{begin.rpartition(' ')[0] or begin} {end.partition(' ')[2] or end}"
    lines = _labelled(page, lang, key, [(said, "italic")])
    rest: list[Text] = []
    if not whole and len(lines) > _QUOTE_LINES:
        lines, rest = lines[:_QUOTE_BEGIN], _last_words(page, lines[_QUOTE_BEGIN:])
    if address is not None and not any(address[0] in line.plain for line in (*lines, *rest)):
        # The page that the server names is the most useful of its words.
        kept = lines if whole else lines[: _QUOTE_LINES - 1 - len(rest)]
        lines = [*kept, Text(f"    {page.ellipsis} {address[0]}", "italic")]
    return [*lines, *rest]


def _last_words(page: Page, lines: Sequence[Text]) -> list[Text]:
    """Return what a long reply ends with: what failed often stands there, behind what always does."""
    said = " ".join(line.plain.strip() for line in lines)
    words = _SESSION.sub("", said).split(" ")
    while True:
        parts = [(" ".join((page.ellipsis, *words)), "italic")]
        shown = hanging([], parts, page.width - 1, 4)
        if len(shown) <= _QUOTE_LINES - _QUOTE_BEGIN or len(words) == 1:
            return shown[: _QUOTE_LINES - _QUOTE_BEGIN]
        words.pop(0)


def _cause_lines(page: Page, problem: Problem, lang: Lang, *, whole: bool) -> list[Text]:
    text = problem.meaning if whole else problem.cause
    if problem.retryable:
        text = f"{text} {say(lang, 'report.retry')}"
    return _labelled(page, lang, "report.cause", code(page.plain(text)))


def _step_lines(page: Page, number: int, step: str) -> list[Text]:
    head = [(f"{number}. ", "bold cyan")]
    return hanging(head, code(page.plain(step)), page.width - 1, 4, cell_len(head[0][0]))


def _change_style(line: Line) -> str:
    return "red" if line.sign == "-" else "green"


def _excerpt_lines(excerpts: Sequence[Excerpt]) -> list[Text]:
    lines = []
    for one in excerpts:
        lines.append(Text(f"       {one.place}", "bold"))
        lines += [Text(f"       {line.sign} {line.text}", _change_style(line)) for line in one.lines]
    return lines


def _link_lines(page: Page, label: str, url: str, indent: int) -> list[Text]:
    """Return an address in one piece: broken over two lines it can be neither clicked nor copied."""
    address = Text(" " * indent).append(url, "blue underline")
    beside = Text(" " * indent).append(label).append("  ").append(url, "blue underline")
    if not label or beside.cell_len < page.width:
        return [beside if label else address]
    return [*hanging([], [(label, "")], page.width - 1, indent, 2), address]


def _first_step(page: Page, problem: Problem) -> list[Text]:
    lines = _step_lines(page, 1, problem.steps[0]) if problem.steps else []
    lines += _excerpt_lines(problem.excerpts)
    if problem.best is not None:
        lines.append(Text("       ").append(problem.best.url, "blue underline"))
    return lines


def _candidate_lines(page: Page, problem: Problem, lang: Lang, most: int | None = None) -> list[Text]:
    if not problem.candidates:
        return []
    words = ", ".join(f"{one.title} (`{one.id}`)" for one in problem.candidates[:most])
    return _labelled(page, lang, "report.maybe", code(words))


def _more_lines(page: Page, problem: Problem, lang: Lang) -> list[Text]:
    return hanging([], code(say(lang, "report.more", command=f"`{problem.more}`")), page.width - 1, 2, 2)


def problem_lines(
    page: Page,
    problem: Problem,
    lang: Lang,
    *,
    whole: bool = False,
    room: int | None = None,
    seen: str = "",
) -> list[Text]:
    """Return what is to be said about one finding.

    ``whole``: everything; otherwise the most important, and of the rest as much as fits into
    ``room`` rows. ``seen`` says how often and where, for a log.
    """
    lines = [*_title_lines(page, problem), *_about_line(page, problem)]
    if seen:
        lines += hanging([], [(seen, "dim")], page.width - 1, 2, 2)
    lines += _quote_lines(page, problem, lang, whole=whole)
    if problem.where and not problem.excerpts:
        parts = [(problem.where, "bold yellow")]
        if problem.value:
            parts += [("  ", ""), (problem.value, "italic")]
        lines += _labelled(page, lang, "report.where", parts)
    lines += _cause_lines(page, problem, lang, whole=whole)
    lines.append(Text(f"  {say(lang, 'report.fix')}:", "bold"))
    lines += _first_step(page, problem)
    others = [_step_lines(page, number, step) for number, step in enumerate(problem.steps[1:], 2)]
    sure = _labelled(page, lang, "report.sure", code(page.plain(problem.sure))) if problem.sure else []
    if whole:
        first = len(problem.steps) + 1
        others += [_step_lines(page, number, step) for number, step in enumerate(problem.rest, first)]
        lines += [line for block in others for line in block]
        lines += [*sure, *_page_lines(page, problem, lang), *_candidate_lines(page, problem, lang)]
        return lines
    more = _more_lines(page, problem, lang)
    left = (1 << 30 if room is None else room) - page.height([*lines, *more])
    for block in (*others, _candidate_lines(page, problem, lang, _CANDIDATES), sure):
        left -= page.height(block)
        if left < 0:
            break
        lines += block
    return [*lines, *more]


def _page_lines(page: Page, problem: Problem, lang: Lang) -> list[Text]:
    links = [one for one in problem.links if one != problem.best]
    if not links:
        return []
    lines = [Text(f"  {say(lang, 'report.links')}:", "bold")]
    for link in links:
        lines += _link_lines(page, link.label, link.url, 4)
    return lines


def print_problem(
    console: Console,
    problem: Problem,
    lang: Lang,
    *,
    whole: bool = False,
    short: bool = False,
    seen: str = "",
) -> None:
    """Print one finding of a log or of the catalogue; ``short``: no more than its first step."""
    page = Page(console)
    room = 0 if short else None
    page.print([Text(), *problem_lines(page, problem, lang, whole=whole, room=room, seen=seen)])


def print_consequence(console: Console, problem: Problem, lang: Lang, *, cause: str, seen: str) -> None:
    """Print a finding that is probably no more than a consequence of another, whose id is ``cause``."""
    page = Page(console)
    lines = [Text(), *_title_lines(page, problem), *_about_line(page, problem)]
    if seen:
        lines += hanging([], [(seen, "dim")], page.width - 1, 2, 2)
    page.print([*lines, *hanging([], [(say(lang, "report.caused-by", id=cause), "")], page.width - 1, 4)])


def _also_lines(page: Page, problem: Problem) -> list[Text]:
    """Return a finding that is not the root cause, in two or three lines."""
    lines = _title_lines(page, problem)
    text = f"→ {problem.todo[0]}" if problem.todo else problem.cause
    head = [(f"{problem.id} ", "dim")]
    return [*lines, *hanging(head, [(page.plain(text), "")], page.width - 1, 4, 2)]


def _transcript_lines(turns: Iterable[Turn], lang: Lang) -> list[Text]:
    """Return the dialogue with the hints that SMTP people know from swaks."""
    lines = [Text(f"  {say(lang, 'report.transcript')}", "bold")]
    for turn in turns:
        hint = _DIRECTIONS.get((turn.direction, turn.encrypted), "==")
        lines.append(Text.assemble("  ", (f"{turn.seconds:7.3f} ", "dim"), (f"{hint} ", "cyan"), turn.text))
    return lines


# the end


def _last_line(page: Page, view: View, *, quiet: bool) -> Text:
    """Return the one line that sums up, in the longest form that fits; a pipe gets it whole."""
    kind = {"pass": "pass", "warn": "warn"}.get(view.verdict, "fail")
    style = {"pass": "bold green", "warn": "bold yellow"}.get(kind, "bold red")
    forms = [page.plain(one).replace("`", "") for one in view.last]
    if quiet and kind == "fail":
        forms = [f"{view.problems[0].id}: {one}" for one in forms]
    room = page.console.width - 3
    if page.console.is_terminal:
        fitting = (one for one in forms if cell_len(one) <= room)
        text = next(fitting, "") or shortened(forms[0], room, page.ellipsis) or forms[-1]
    else:
        text = forms[0]
    return Text.assemble((f"{page.glyph(kind)} ", _STYLES[kind]), (text, style))


def print_service(console: Console, name: str, *, first: bool) -> None:
    """Print whose report comes next, where a file has several."""
    page = Page(console)
    page.print([*([] if first else [Text()]), Text.assemble(("── ", "dim"), (name, "bold"))])


def print_view(
    console: Console,
    view: View,
    *,
    transcript: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    stages: bool = False,
) -> None:
    """Print what comes after the stages: transcript, settings, findings, and the line that sums up.

    ``stages``: print heading and stages too, where nothing has printed them while they ran.
    """
    page, lang = Page(console), view.lang
    if stages and not quiet:
        page.print([*_heading_lines(page, view.heading), Text()])
        page.print(line for stage in view.stages for line in _stage_lines(page, stage, lang))
    if not quiet:
        for text in (one.text for one in view.settled):
            head = [("  ", ""), (page.glyph("pass"), "green"), (" ", "")]
            page.print(hanging(head, [(page.plain(text), "")], page.width - 1, 0, 4))
        for text in view.remarks:
            head = [("  ", ""), (page.glyph("skip"), "dim"), (" ", "")]
            page.print(hanging(head, [(page.plain(text), "")], page.width - 1, 0, 4))
    if transcript:
        page.print([Text(), *_transcript_lines(view.transcript, lang)])
    last = _last_line(page, view, quiet=quiet)
    if quiet:
        page.print([last])
        return
    if view.verdict not in {"pass", "warn"}:
        page.print([Text(), *_settings_lines(page, view.settings)])
    _print_problems(page, view, verbose=verbose, room=page.rows - page.height([Text(), Text(), last, Text()]))
    page.print([Text(), last])


def _print_problems(page: Page, view: View, *, verbose: bool, room: int) -> None:
    """Print the findings; the root cause stands last, where it is still to be seen."""
    if not view.problems:
        return
    first, *others = view.problems
    for problem in reversed(others):
        if problem.changes and problem.changes == first.changes and not verbose:
            continue  # it would say the same
        lines = problem_lines(page, problem, view.lang, whole=True) if verbose else _also_lines(page, problem)
        page.print([Text(), *lines])
    page.print([Text(), *problem_lines(page, first, view.lang, whole=verbose, room=room)])
