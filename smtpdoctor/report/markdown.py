"""Markdown (CommonMark with GitHub's tables) for a ticket, a pull request or a job's summary.

What others said stands in code, where nothing is a link, a mention or a picture, and behind ``>``, so that
no line of it is a command to the runner that prints it. Everything else of theirs is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from smtpdoctor.masking.words import printable
from smtpdoctor.report.told import mark, one_line, pieces, plain
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.model import Lang
    from smtpdoctor.report.told import Found, Part, Seen, Told
    from smtpdoctor.report.view import Problem, Row, View

__all__ = ["END", "tell", "tell_found"]

END: Final = "<!-- smtpdoctor: end -->"
_SIGNS: Final = {
    "pass": "✅",
    "warn": "⚠️",
    "fail": "❌",
    "inconclusive": "❔",
    "skip": "➖",
    "suspected": "❔",
}
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$@^])")
_FIRST: Final = re.compile(r"^(\s*\d{1,9}(?=[.)](?:\s|$))|\s*(?=[-+:=]))(.)")
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*[A-Za-z0-9/=]")
_BLOCK_URL: Final = "<{}>"


def tell(told: Told) -> str:
    """Return the reports as a document."""
    lines = [f"<!-- {mark()} -->", ""]
    for part in told.parts:
        lines += _report(told, part)
    for one in told.unrun:
        sign, head = ("❌", say(told.lang, "profiles.not-run")) if one.error else ("➖", "")
        lines += [
            f"## {sign} {_escaped(': '.join(filter(None, (one.name, head))))} ({_code(one.verdict)})",
            "",
        ]
        lines += [line for text in told.why(one).split("\n") for line in (_escaped(text), "")]
    return "\n".join([*lines, END, ""])


def tell_found(found: Found) -> str:
    """Return what was found in a log, or what an entry of the catalogue says."""
    lang = found.lang
    lines = [f"<!-- {mark()} -->", ""]
    lines += [f"> ❌ {_escaped(text)}\n" for text in found.unreadable]
    if found.answer is not None:
        lines += [f"## {_escaped(found.answer['title'])}", ""]
        lines += [line for text in found.answer["text"] for line in (_words(text), "")]
        lines += [
            f"- {_code(name)}: {_words(text)}" for name, text in found.answer.get("variables", {}).items()
        ]
    elif not found.seen:
        lines += [say(lang, "report.no-findings"), ""]
    for one in found.seen:
        lines += _problem(one.problem, lang, level=2, seen=_seen(one, lang))
    return "\n".join([*lines, END, ""])


def _seen(one: Seen, lang: Lang) -> str:
    if one.count is None or one.line is None:
        return ""
    place = f"{one.file}:{one.line}" if one.file else say(lang, "report.line", line=one.line)
    key = "report.seen" if one.count > 1 else "report.seen-once"
    said = _escaped(say(lang, key, count=one.count, place=place))
    return (
        said
        if one.caused_by is None
        else f"{said} {_escaped(say(lang, 'report.caused-by', id=one.caused_by))}"
    )


def _escaped(text: str) -> str:
    """Return a text that means itself where a line may begin with it; addresses of pages stay links."""
    return _FIRST.sub(r"\1\\\2", _within(text))


def _within(text: str) -> str:
    text = one_line(text)
    told, at = [], 0
    for found in _URL.finditer(text):
        told += [_SPECIAL.sub(r"\\\1", text[at : found.start()]), _BLOCK_URL.format(found[0])]
        at = found.end()
    told.append(_SPECIAL.sub(r"\\\1", text[at:]))
    return "".join(told)


def _code(text: str, *, cell: bool = False) -> str:
    """Return a text as code; ``cell``: within a table, where a bar would end it."""
    text = _uncommanded(one_line(text))
    if not text:
        return ""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " ") else ""
    shown = f"{fence}{blank}{text}{blank}{fence}"
    return shown.replace("|", "\\|") if cell else shown


def _uncommanded(text: str) -> str:
    """Return what is to be code without the older form of a runner's command, which is one anywhere in a line."""
    return re.sub(r"##(?=\[|vso\[)", "# #", text)


def _words(text: str) -> str:
    """Return a text of ours, with what stands in backticks as code."""
    told = ""
    for part, is_code in pieces(text):
        before = " " if told and part[:1].isspace() else ""
        after = " " if part[-1:].isspace() else ""
        shown = _code(part) if is_code else _within(part) if told else _escaped(part)
        if told[-1:] == shown[:1] == "`":
            before = " "  # two codes side by side would be one
        told += f"{before}{shown}{after}"
    return told.strip()


def _block(lines: Iterable[str], language: str, indent: str = "") -> list[str]:
    """Return lines as a block of code within a quotation."""
    told = [_uncommanded(printable(line)) for line in lines]
    longest = max((len(run) for line in told for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{indent}> {line}" for line in (f"{fence}{language}", *told, fence)]


def _report(told: Told, part: Part) -> Iterator[str]:
    view, lang = part.view, part.view.lang
    name = f"{_escaped(part.name)}: " if part.name else ""
    verdict = say(lang, f"report.verdict.{view.verdict}")
    yield f"## {_SIGNS[view.verdict]} {name}{verdict} ({_code(view.verdict)})"
    yield ""
    yield _words(view.last[0])
    yield ""
    for problem in view.problems:
        yield from _problem(problem, lang, level=3, told=told, view=view)
    for one in view.settled:
        yield f"- {_escaped(one.text)}"
    for text in view.remarks:
        yield f"- {_escaped(text)}"
    if view.settled or view.remarks:
        yield ""
    if view.stages:
        yield from _stages(view, lang)
    yield from _settings(view, lang)
    if told.transcript and view.transcript:
        yield f"### {say(lang, 'report.transcript')}"
        yield ""
        signs = {"in": "<", "out": ">", "note": "="}
        yield from _block(
            (f"{one.seconds:7.3f} {signs[one.direction]} {one.text}" for one in view.transcript), "text"
        )
        yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _stages(view: View, lang: Lang) -> Iterator[str]:
    heads = [say(lang, f"report.table.{name}") for name in ("stage", "result", "time")]
    yield from _table(
        heads,
        (
            (
                f"{_SIGNS[one.kind]} {_escaped(one.title)}",
                _words(one.summary).replace("\n", " "),
                f"{one.seconds:.3f} s" if one.status != "skip" else "",
            )
            for one in view.stages
        ),
    )


def _source(row: Row) -> str:
    """Return where a value comes from, and what is odd about it."""
    source = " ".join([row.source, *(f"({one.words})" for one in row.overrides)])
    return " · ".join(filter(None, (source, row.remark)))


def _settings(view: View, lang: Lang) -> Iterator[str]:
    rows = [
        (
            _escaped(row.label),
            _code(row.shown, cell=True),
            _escaped(_source(row)),
        )
        for row in view.settings
        if row.value is not None
    ]
    if rows:
        yield from _table(
            [say(lang, f"report.table.{name}") for name in ("setting", "value", "source")], rows
        )


def _problem(
    problem: Problem,
    lang: Lang,
    *,
    level: int,
    told: Told | None = None,
    view: View | None = None,
    seen: str = "",
) -> Iterator[str]:
    yield f"{'#' * level} {_escaped(problem.kind)}: {_words(problem.title)}"
    yield ""
    yield " · ".join([_code(problem.id), *map(_escaped, problem.about[1:])])
    yield ""
    if seen:
        yield seen
        yield ""
    place = told.places.of(problem, view) if told and (problem.origin or problem.changes) else None
    if place is not None or problem.where:
        where = (
            _escaped(problem.where) if problem.where else _code(f"{place.path}:{place.line}") if place else ""
        )
        yield f"**{say(lang, 'report.where')}:** {where} {_code(problem.value)}".rstrip()
        yield ""
    if problem.quote is not None:
        key = "report.evidence" if problem.quote.code is None else "report.server"
        yield f"**{say(lang, key)}:**"
        yield ""
        yield from _block([one_line(problem.quote.words)], "text")
        yield ""
    retry = f" {say(lang, 'report.retry')}" if problem.retryable else ""
    yield f"**{say(lang, 'report.cause')}:** {_words(problem.cause)}{retry}"
    yield ""
    yield f"**{say(lang, 'report.fix')}:**"
    yield ""
    for number, step in enumerate(problem.steps, 1):
        yield f"{number}. {_words(step)}"
        if number == 1 and problem.excerpts:
            yield ""
            for excerpt in problem.excerpts:
                yield f"   {_code(excerpt.place)}"
                yield ""
                yield from _block((f"{line.sign} {line.text}" for line in excerpt.lines), "diff", "   ")
                yield ""
    yield ""
    if problem.sure:
        yield f"**{say(lang, 'report.sure')}:** {_words(problem.sure)}"
        yield ""
    if problem.candidates:
        names = ", ".join(f"{_words(one.title)} ({_code(one.id)})" for one in problem.candidates)
        yield f"**{say(lang, 'report.maybe')}:** {names}"
        yield ""
    for link in problem.links:
        yield f"- {_escaped(link.label)} <{_address(link.url)}>".replace("-  <", "- <")
    if problem.links:
        yield ""


def _address(url: str) -> str:
    return re.sub(r"[<>\s]", "", plain(url))
