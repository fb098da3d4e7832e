"""``smtpdoctor explain``."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_USAGE,
    guarded,
    language,
    live_output_to,
    refuse_together,
    refuse_unusable,
    tell,
)
from smtpdoctor.cli.declared import Argument, Exit, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.files import open_file
from smtpdoctor.model import Lang, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from smtpdoctor.cli.outputs import Outputs, Streams
    from smtpdoctor.diagnosis import Context
    from smtpdoctor.knowledge.schema import App, Question
    from smtpdoctor.logs import Explained
    from smtpdoctor.logs.lookup import Looked
    from smtpdoctor.report.told import Found, Seen
    from smtpdoctor.report.view import Problem

__all__ = ["explain"]

# A word like these was meant as the name of a file: a path, or the endings of logs and mails.
_NAME_OF_FILE = re.compile(
    r"(?:~|\.{0,2})/\S+|\S+\.(?:log|txt|out|err|json|jsonl|ndjson|csv|eml|mbox|gz|bz2|xz|zst|zip)(?:\.\d+)?"
    r"|\S+\.log\S*",
    re.IGNORECASE,
)
_LISTING: Final = ("terminal", "json", "json-lines", "markdown")
_FOLLOWING: Final = ("terminal", "json", "json-lines")  # what can be told as it comes
_WHOLE = 3  # so many findings are told with evidence and several steps, the others without


@guarded
def explain(  # noqa: PLR0913 -- the flags of the contract
    words: Annotated[
        list[str] | None,
        Argument(
            help="An error text, a log's name, an id of the catalogue, a code (535), an error name "
            "(ECONNREFUSED) or a variable (SMTP_TLS).",
            metavar="[WORDS]...",
        ),
    ] = None,
    file: Annotated[list[Path] | None, Option("--file", help="A log; repeatable.", metavar="FILE")] = None,
    preset: opt.PresetName = None,
    app: Annotated[
        str | None,
        Option("--app", help="The application, in whose names steps are told.", metavar="NAME"),
    ] = None,
    follow: Annotated[
        bool, Option("--follow", help="Report findings as they come on standard input.")
    ] = False,
    list_: Annotated[bool, Option("--list", help="List the catalogue.")] = False,
    format_: opt.FormatsOfTexts = None,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: Annotated[bool, Option("--quiet", help="One line for each finding.")] = False,
    verbose: opt.Verbose = False,
    *,
    known: Known,
) -> None:
    """Name the cause behind an error text or in a log; no network.

    Without words or --file the text comes from standard input.
    """
    tongue = language(lang)
    refuse_together(("words", bool(words)), ("--file", bool(file)), ("--list", list_))
    refuse_together(("words", bool(words)), ("--follow", follow))
    refuse_together(("--file", bool(file)), ("--follow", follow))
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    words = None if words == ["-"] else words  # as --file has it, and other programs
    outputs = _outputs(format_, output, force=force)
    _refuse_unfit(outputs, follow=follow, list_=list_)
    refuse_unusable(preset=preset, app=app)
    log = _log_named(words)
    provider = None
    if preset is not None:
        from smtpdoctor.settings.resolve import preset_named

        provider = preset_named(preset).id
    named = None
    if app is not None:
        from smtpdoctor.knowledge import load

        known_app = load.app(app)
        if known_app is None:
            from smtpdoctor.settings.identify import unknown_app

            raise unknown_app(app)
        named = known_app.id
    with _opened(outputs, follow=follow) as streams:
        printer = _Printer(
            streams, tongue, known, color=not no_color, quiet=quiet, verbose=verbose, app=named
        )
        if list_:
            printer.catalogue()
            return
        if words and log is None:
            if printer.answered(" ".join(words), provider):
                return
            from smtpdoctor.logs.lookup import look_up

            looked = look_up(words[0], provider) if len(words) == 1 else None
            if looked is not None:
                printer.looked(looked, provider)
                return
            from smtpdoctor.logs import explain_text

            found = explain_text(" ".join(words), provider=provider)
            if not found and len(words) == 1:
                _wonder(words[0], tongue, known)
            printer.explained(found)
            return
        if follow:
            printer.followed(_stdin_followed(), provider)
            return
        files = [log] if log else file or []
        results, unreadable = _explain_files(files, provider, tongue, flag="explain" if log else "--file")
        if unreadable and len(unreadable) == len(files):
            # Where nothing was read, nothing can be said of failures.
            raise UsageError(*unreadable)
        printer.explained(results, unreadable)
    if unreadable:
        raise Exit(EXIT_USAGE)


def _log_named(words: Sequence[str] | None) -> Path | None:
    """Return the file whose name a single word is, if there is one."""
    if not words or len(words) > 1:
        return None
    try:
        path = Path(words[0])
        return path if path.exists() and not path.is_dir() else None
    except (OSError, ValueError):  # longer than a name can be, or no name at all
        return None


def _wonder(word: str, lang: Lang, known: Known) -> None:
    """Say what a word that tells of no failure was probably meant to be: a file, or another id."""
    from smtpdoctor.text import say

    if _NAME_OF_FILE.fullmatch(word):
        tell(known.say(lang, "explain.no-file", file=word))
        return
    from difflib import get_close_matches

    from smtpdoctor.knowledge import load

    near = get_close_matches(word.lower(), load.ids(), 1, 0.7)
    if near:
        tell(say(lang, "usage.preset.near", name=near[0]))


def _stdin_followed() -> Iterator[tuple[int, str] | None]:
    from smtpdoctor.logs.source import follow

    return follow(sys.stdin.buffer)


def _explain_files(
    files: Sequence[Path], provider: str | None, lang: Lang, *, flag: str
) -> tuple[list["Explained"], list[Message]]:
    """Return what was found, and why files could not be read."""
    from smtpdoctor.logs import Source, explain_source
    from smtpdoctor.text import say

    if not files:
        if sys.stdin.isatty():
            tell(say(lang, "explain.stdin"))
        source = Source(sys.stdin.buffer)
        if source.packed:
            raise UsageError(Message("usage.packed", {"kind": source.packed}))
        return explain_source(source, provider=provider), []
    found: list[Explained] = []
    unreadable: list[Message] = []
    values: dict[str, object]
    for path in files:
        try:
            with open_file(path, flag=flag, pipes=True) as stream:
                source = Source(stream)
                if source.packed:
                    values = {"flag": flag, "file": str(path), "kind": source.packed}
                    unreadable.append(Message("usage.file.packed", values))
                    continue
                found += explain_source(source, provider=provider, file=str(path))
        except UsageError as error:
            unreadable.append(error.message)
        except OSError as error:
            values = {"flag": flag, "file": str(path), "reason": error.strerror or "?"}
            unreadable.append(Message("usage.file.unreadable", values))
    return found, unreadable


class _Answer(NamedTuple):
    """What is said of a question beside the entries of the catalogue; ``app``: ``title`` is a variable of it."""

    title: str
    text: tuple[str, ...]
    app: "App | None" = None

    def as_object(self, lang: Lang) -> dict[str, Any]:
        """Return the object of the JSON report."""
        shown: dict[str, Any] = {"title": self.title, "text": list(self.text)}
        if self.app is not None:
            shown["variables"] = {name: text.in_(lang) for name, text in self.app.about.items()}
        return shown


def _first_of(question: "Question", asked: str, provider: str | None) -> "Looked":
    """Return the likeliest answer: by the provider's own replies where the question is a code, else the first."""
    from smtpdoctor.knowledge import load
    from smtpdoctor.logs.lookup import Looked, look_up, of_entry

    known = look_up(asked, provider)
    first = known.finding.id if known and provider else question.answers[0]
    preset = load.preset_with_id(provider)
    # A key of a sending service is no password of an account in whose place another one could be wanted.
    by_key = preset is not None and preset.password.kind in {"api-key", "smtp-password", "token"}
    others = [
        name for name in question.answers if name != first and not (by_key and name == "auth-app-password")
    ]
    evidence = known.finding.evidence if known else None
    return Looked(of_entry(load.entry(first), *others, evidence=evidence), known.replies if known else ())


def _outputs(formats: list[str] | None, output: Path | None, *, force: bool) -> "Outputs":
    """Return where the report goes; without a format the terminal's alone."""
    from smtpdoctor.cli.outputs import outputs_from

    return outputs_from(formats or ["terminal"], output, force=force, explains=True)


def _refuse_unfit(outputs: "Outputs", *, follow: bool, list_: bool) -> None:
    """Raise UsageError for formats that make no sense of a list, or cannot be told as it comes."""
    if list_:
        for name in (one.format for one in outputs.sinks if one.format not in _LISTING):
            values: dict[str, object] = {"name": name, "flag": "--list", "known": ", ".join(_LISTING)}
            raise UsageError(Message("usage.format.list", values))
    if follow and (len(outputs.sinks) > 1 or outputs.main not in _FOLLOWING):
        raise UsageError(Message("usage.format.follow", {"known": ", ".join(_FOLLOWING)}))


@contextmanager
def _opened(outputs: "Outputs", *, follow: bool) -> "Iterator[Streams]":
    """Give the streams; what is followed is told at once."""
    from smtpdoctor.cli.outputs import Streams

    if follow:
        with live_output_to(outputs.output) as stream:
            yield Streams(outputs, [stream])
    else:
        with outputs.opened() as streams:
            yield streams


class _Printer:
    """Prints what was found, in the formats that were asked for."""

    def __init__(
        self,
        streams: "Streams",
        lang: Lang,
        known: Known,
        *,
        color: bool,
        quiet: bool,
        verbose: bool,
        app: str | None = None,
    ) -> None:
        self._app = app
        self._streams = streams
        self._lang = lang
        self._known = known
        self._color = color
        self._quiet = quiet
        self._verbose = verbose

    def _problem(self, one: "Explained") -> "Problem":
        """Return a failure in words, with the names of the application that was named."""
        from smtpdoctor.report.view import problem_of

        return problem_of(one.finding, self._named(one.context), self._lang)

    def _named(self, context: "Context") -> "Context":
        """Return a context in which steps name the settings of the application that was named."""
        if self._app is None:
            return context
        from msgspec.structs import replace

        return replace(context, settings=replace(context.settings, app=self._app))

    def _write(self, terminal: "Callable[[Console], None]", found: "Callable[[], Found]") -> None:
        """Write what there is to say in each format: to a terminal, or as what is handed to the others."""

        def print_terminal(stream: IO[str]) -> None:
            from smtpdoctor.report.terminal import make_console, wants_color

            terminal(make_console(stream, color=self._color and wants_color()))

        self._streams.write_found(found, print_terminal)

    def _found(
        self,
        seen: "Iterable[Seen]" = (),
        answer: _Answer | None = None,
        unreadable: Sequence[str] = (),
    ) -> "Found":
        from smtpdoctor.cli.outputs import places_for
        from smtpdoctor.report.told import Found

        return Found(
            lang=self._lang,
            seen=tuple(seen),
            answer=answer.as_object(self._lang) if answer else None,
            unreadable=tuple(unreadable),
            places=places_for(None),
        )

    def catalogue(self) -> None:
        """Print every id with its title."""
        from smtpdoctor.knowledge import load
        from smtpdoctor.model import ORDERED_STAGES

        order = {stage: number for number, stage in enumerate(ORDERED_STAGES)}
        entries = sorted(load.entries().values(), key=lambda one: (order[one.stage], one.id))

        def found() -> "Found":
            from smtpdoctor.diagnosis import Context
            from smtpdoctor.logs.lookup import of_entry
            from smtpdoctor.report.told import Seen
            from smtpdoctor.report.view import problem_of

            problems = (problem_of(one, Context(), self._lang) for one in map(of_entry, entries))
            return self._found(Seen(problem=one) for one in problems)

        def terminal(console: "Console") -> None:
            from smtpdoctor.report.sheets import print_catalogue

            print_catalogue(console, entries, self._lang)

        self._write(terminal, found)

    def answered(self, asked: str, provider: str | None) -> bool:
        """Print what is asked in the words of a guide, a variable by its name; whether it was that."""
        from smtpdoctor.knowledge import load

        app = load.apps()["smtp"]
        name = asked.partition("=")[0].strip(" `${}").upper()
        if name in app.about:
            self._told(_Answer(name, (app.about[name].in_(self._lang),), app))
            return True
        question = load.question(asked)
        if question is None:
            return False
        answer = None
        if question.title is not None:
            answer = _Answer(
                question.title.in_(self._lang), tuple(one.in_(self._lang) for one in question.text)
            )
        if question.answers:
            self.looked(_first_of(question, asked, provider), provider, answer)
        elif answer is not None:
            self._told(answer)
        return True

    def _told(self, answer: _Answer) -> None:
        """Print an answer that no entry of the catalogue stands behind."""
        self._write(lambda console: self._print_answer(console, answer), lambda: self._found((), answer))

    def _print_answer(self, console: "Console", answer: _Answer) -> None:
        from smtpdoctor.report import sheets

        if self._quiet:
            console.print(answer.title, markup=False, soft_wrap=True)
        elif answer.app is not None:
            sheets.print_variable(console, answer.app, answer.title, self._lang)
        else:
            sheets.print_answer(console, answer.title, answer.text)

    def looked(self, looked: "Looked", provider: str | None, answer: _Answer | None = None) -> None:
        """Print the entry that a word stands for, behind what a guide says of it."""
        from smtpdoctor.diagnosis import Context
        from smtpdoctor.report.view import problem_of

        problem = problem_of(looked.finding, self._named(Context(provider=provider)), self._lang)

        def found() -> "Found":
            from smtpdoctor.report.told import Seen

            return self._found([Seen(problem=problem)], answer)

        def terminal(console: "Console") -> None:
            from smtpdoctor.report import sheets
            from smtpdoctor.report.terminal import print_problem

            if answer is not None:
                self._print_answer(console, answer)
            if self._quiet:
                sheets.print_one_line(console, problem)
                return
            print_problem(console, problem, self._lang, whole=True)
            if looked.replies and provider:
                sheets.print_replies(console, looked.replies, provider, self._lang)

        self._write(terminal, found)

    def explained(self, found: Iterable["Explained"], unreadable: Sequence[Message] = ()) -> None:
        """Print what a text or log told of, and which of the files could not be read."""
        results = list(found)
        problems = [self._known.say(self._lang, one) for one in unreadable]
        self._write(
            lambda console: self._print_explained(console, results, problems),
            lambda: self._found(map(self._seen_in, results), None, problems),
        )

    def _seen_in(self, one: "Explained") -> "Seen":
        from smtpdoctor.report.told import Seen

        return Seen(
            problem=self._problem(one),
            count=one.count,
            file=self._known.mask(one.file) if one.file else None,
            line=one.line,
            last_line=one.last_line,
            caused_by=one.caused_by,
        )

    def _print_explained(
        self, console: "Console", results: Sequence["Explained"], problems: Sequence[str]
    ) -> None:
        from smtpdoctor.report import sheets, terminal
        from smtpdoctor.text import say

        for text in problems:
            tell(say(self._lang, "usage.error", text=text))
        if not results:
            console.print(say(self._lang, "report.no-findings"), soft_wrap=True)
        if len(results) > 1 and not self._quiet:
            rows = [(one.count, self._problem(one), self._place(one)) for one in results]
            sheets.print_overview(console, rows)
        for number, one in enumerate(results):
            problem = self._problem(one)
            if self._quiet:
                alone = one.count == 1 and one.file is None and len(results) == 1
                sheets.print_one_line(console, problem, "" if alone else f"{one.count}× {self._place(one)}")
            elif one.caused_by and not self._verbose:
                terminal.print_consequence(
                    console, problem, self._lang, cause=one.caused_by, seen=self._seen(one, len(results))
                )
            else:
                terminal.print_problem(
                    console,
                    problem,
                    self._lang,
                    whole=self._verbose,
                    short=number >= _WHOLE,
                    seen=self._seen(one, len(results)),
                )

    def _place(self, one: "Explained") -> str:
        """Return where a failure was seen first and last."""
        lines = f"{one.line}" if one.last_line == one.line else f"{one.line}-{one.last_line}"
        if one.file:
            return f"{self._known.mask(one.file)}:{lines}"
        from smtpdoctor.text import say

        return say(self._lang, "report.line", line=lines)

    def _seen(self, one: "Explained", findings: int) -> str:
        """Return how often and where a failure was seen, where that is no matter of course."""
        from smtpdoctor.text import say

        if one.count == 1 and one.file is None and findings == 1:
            return ""
        line = say(self._lang, "report.line", line=one.line)
        place = f"{self._known.mask(one.file)}:{one.line}" if one.file else line
        key = "report.seen" if one.count > 1 else "report.seen-once"
        return say(self._lang, key, count=one.count, place=place)

    def followed(self, lines: Iterable[tuple[int, str] | None], provider: str | None) -> None:
        """Print each failure as it comes: the first of a kind whole, then a line."""
        from smtpdoctor.logs import Explained
        from smtpdoctor.logs.run import tell as failures

        seen: set[str] = set()
        for failure in failures(lines, provider=provider, live=True):
            finding, record = failure.finding, failure.record
            one = Explained(finding, failure.context, 1, None, failure.line, record.last)

            def terminal(console: "Console", one: "Explained" = one) -> None:
                if one.finding.id not in seen:
                    self._print_explained(console, [one], ())
                    return
                from smtpdoctor.report import sheets

                sheets.print_one_line(console, self._problem(one))

            self._write(terminal, lambda one=one: self._found([self._seen_in(one)]))  # type: ignore[misc] # bound now
            seen.add(finding.id)
            self._streams.main.flush()
