"""Sheets for people: the list of presets, one provider, the catalogue, a provider's own replies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import App, Entry, Preset, Reply
from smtpdoctor.model import Lang, Severity
from smtpdoctor.report.layout import code, hanging, wrapped
from smtpdoctor.report.terminal import Page
from smtpdoctor.report.view import Problem
from smtpdoctor.text import say

__all__ = [
    "one_line",
    "print_answer",
    "print_catalogue",
    "print_one_line",
    "print_preset",
    "print_presets",
    "print_replies",
    "print_variable",
]

_SEVERITY: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_ROOM_FOR_ALIASES: Final = 110
_PORTS: Final = 3  # of a narrow list; `presets NAME` shows all
_PROVIDER: Final = 21
_SERVER: Final = 26


# all presets


def print_presets(console: Console, presets: Sequence[Preset], lang: Lang) -> None:
    """Print the presets, one a line where there is room."""
    page = Page(console)
    whole = not console.is_terminal and "COLUMNS" not in os.environ
    # For grep and its like one line a preset; nobody's window sets a limit.
    wide = whole or console.width >= _ROOM_FOR_ALIASES
    first = max(len(one.id) for one in presets) + 2
    second = 2 + max(cell_len(one.name.in_(lang)) for one in presets) if wide else _PROVIDER
    third = 2 + max(len(one.host) for one in presets) if wide else _SERVER
    names = ("presets.name", "presets.provider", "presets.server", "presets.ports")
    titles = [say(lang, key) for key in (*names, *(("presets.aliases",) if wide else ()))]
    ports = [_ports(one, None if wide else _PORTS) for one in presets]
    fourth = 2 + max(text.cell_len for text in ports)
    widths = (first, second, third, fourth, 0)
    page.print(
        [
            Text(
                "".join(_padded(text, width) for text, width in zip(titles, widths, strict=False)).rstrip(),
                "bold",
            )
        ]
    )
    for preset, numbers in zip(presets, ports, strict=True):
        provider = wrapped([(preset.name.in_(lang), "")], second - 2)
        row = Text.assemble((_padded(preset.id, first), "bold cyan"), _padded(provider[0].plain, second))
        more = [Text(" " * first).append_text(one) for one in provider[1:]]
        target = row
        if cell_len(preset.host) + 2 > third:
            # A name that is too long for its column has a line of its own rather than being broken.
            target = Text(" " * first)
            more.append(target)
        target.append(f"{_padded(preset.host, third - 2)}  ").append_text(numbers)
        if wide:
            row.append(" " * (fourth - numbers.cell_len))
            row.append(", ".join(preset.aliases), "dim")
        row.rstrip()
        page.print([row, *more])
    console.print()
    page.print(Text(line, "dim") for line in say(lang, "presets.hint").splitlines())


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _ports(preset: Preset, most: int | None) -> Text:
    numbers = list(dict.fromkeys(one.port for one in preset.endpoint))
    text = Text()
    for number, port in enumerate(numbers[:most]):
        text.append(f"{port} ", "bold green" if number == 0 else "")
    if most is not None and len(numbers) > most:
        text.append("…")
    text.rstrip()
    return text


# one preset


def print_preset(console: Console, preset: Preset, lang: Lang, *, verbose: bool) -> None:
    """Print all about one provider, the replies of its own only when asked for."""
    page = Page(console)
    page.print(_sheet(page, preset, lang, verbose=verbose))


def _sheet(page: Page, preset: Preset, lang: Lang, *, verbose: bool) -> Iterator[Text]:
    yield Text.assemble((preset.name.in_(lang), "bold cyan"), ("  " + preset.id, "bold"))
    if preset.aliases:
        names = f"{say(lang, 'presets.aliases')}: {', '.join(preset.aliases)}"
        yield from wrapped([(names, "dim")], page.width)
    yield from _section(page, lang, "presets.server", [", ".join((preset.host, *preset.hosts))])
    yield from _endpoints(page, preset, lang)
    yield from _section(page, lang, "presets.username", [_words(preset.username, lang)])
    yield from _section(page, lang, "presets.password", [_words(preset.password, lang)])
    yield from _section(page, lang, "presets.sender", [_words(preset.sender, lang)])
    yield from _links(page, preset, lang)
    size = preset.size_limit and say(lang, "presets.size", size=f"{preset.size_limit / 1024**2:.0f}")
    limits = [one.in_(lang) for one in preset.limit]
    yield from _section(page, lang, "presets.limits", limits or ([size] if size else []), bullet=True)
    yield from _section(page, lang, "presets.notes", [one.in_(lang) for one in preset.note], bullet=True)
    if verbose:
        yield from _replies(page, load.replies(preset.id), lang)
    yield Text()
    yield Text(say(lang, "presets.checked", checked=preset.checked), "dim")
    yield Text(say(lang, "presets.next", name=preset.id), "dim")


def _words(part: Any, lang: Lang) -> str:
    text: str = part.ko if lang == "ko" else part.en
    return text


def _title(lang: Lang, key: str) -> list[Text]:
    return [Text(), Text(say(lang, key), "bold")]


def _section(
    page: Page, lang: Lang, key: str, texts: Iterable[str], *, bullet: bool = False
) -> Iterator[Text]:
    shown = list(texts)
    if shown:
        yield from _title(lang, key)
    for text in shown:
        yield from _text(page, text, bullet=bullet)


def _text(page: Page, text: str, *, indent: int = 2, bullet: bool = False) -> list[Text]:
    """Return a text, further lines below its first word; what stands in backticks is bold."""
    return hanging([("- ", "")] if bullet else [], code(text), page.width, indent, 2 if bullet else 0)


def _endpoints(page: Page, preset: Preset, lang: Lang) -> Iterator[Text]:
    yield from _title(lang, "presets.endpoints")
    width = max(len(str(one.port)) for one in preset.endpoint)
    for number, one in enumerate(preset.endpoint):
        head = [(str(one.port).rjust(width), "bold green" if number == 0 else "bold"), ("  ", "")]
        parts = [(say(lang, f"security.{one.security.value}"), "")]
        if one.host:
            parts.append((f"  {one.host}", ""))
        if number == 0:
            parts += [("  ", ""), (f"({say(lang, 'presets.recommended')})", "bold green")]
        row = Text.assemble("  ", *head, *parts)
        yield from [row] if row.cell_len <= page.width else hanging(head, parts, page.width, 2, width + 2)
        if one.note:
            yield from hanging([], [(one.note.in_(lang), "dim")], page.width, width + 4)


def _links(page: Page, preset: Preset, lang: Lang) -> Iterator[Text]:
    if not preset.link:
        return
    yield from _title(lang, "presets.links")
    for link in preset.link:
        yield from _text(page, _words(link, lang), bullet=True)
        # An address that is broken over two lines can be neither clicked nor copied.
        yield Text("    ").append(link.url, "blue underline")


def _replies(page: Page, replies: Sequence[Reply], lang: Lang) -> Iterator[Text]:
    if replies:
        yield from _title(lang, "presets.replies")
    for reply in replies:
        number = " ".join(str(part) for part in (reply.code, reply.enhanced) if part)
        parts = [(f"{number} " if number else "", "bold"), (reply.text, "italic")]
        ids = ", ".join((reply.diagnosis, *([reply.alt.diagnosis] if reply.alt else [])))
        parts += [("  ", ""), (ids, "dim")]
        yield from hanging([], parts, page.width, 2, 2)
        yield from _text(page, reply.cause.in_(lang), indent=4)
        yield from _text(page, reply.cure.in_(lang), indent=4)


# the catalogue


def print_catalogue(console: Console, entries: Sequence[Entry], lang: Lang) -> None:
    """Print the catalogue: ids by stage, with their titles."""
    page = Page(console)
    width = max(len(entry.id) for entry in entries) + 2
    stage = None
    for entry in entries:
        if entry.stage != stage:
            stage = entry.stage
            page.print([Text(say(lang, f"stage.{stage.value}"), "bold")])
        head = [(entry.id.ljust(width), _SEVERITY[entry.severity])]
        page.print(hanging(head, [(entry.title.in_(lang), "")], page.width, 2, width))


def one_line(problem: Problem, seen: str = "") -> Text:
    """Return a finding in one line; ``seen``: how often and where."""
    behind = (f"  {seen}", "dim") if seen else ("", "")
    return Text.assemble((problem.id, _SEVERITY[problem.severity]), f"  {problem.title}", behind)


def print_one_line(console: Console, problem: Problem, seen: str = "") -> None:
    """Print a finding in one line."""
    Page(console).print([one_line(problem, seen)])


def print_overview(console: Console, rows: Sequence[tuple[int, Problem, str]]) -> None:
    """Print a table of findings: how often each was seen, its id, and where first and last."""
    page = Page(console)
    counts = max(len(str(count)) for count, _, _ in rows)
    names = max(len(problem.id) for _, problem, _ in rows)
    for count, problem, place in rows:
        line = Text.assemble(
            f"{str(count).rjust(counts)}  ",
            (problem.id.ljust(names), _SEVERITY[problem.severity]),
            (f"  {place}", "dim"),
        )
        page.print([line])


def print_replies(console: Console, replies: Sequence[Reply], preset: str, lang: Lang) -> None:
    """Print what a provider means by a code: each of its own replies, the cause and the cure."""
    known = load.preset_with_id(preset)
    page = Page(console)
    title = say(lang, "explain.at", preset=known.name.in_(lang) if known else preset)
    page.print([Text(), Text(f"  {title}", "bold")])
    for reply in replies:
        words = " ".join(str(part) for part in (reply.code, reply.enhanced, reply.text) if part)
        ids = ", ".join((reply.diagnosis, *([reply.alt.diagnosis] if reply.alt else [])))
        parts = [(words, "italic"), ("  ", ""), (ids, "dim")]
        page.print(hanging([], parts, page.width - 1, 4, 2))
        said = f"{reply.cause.in_(lang)} {reply.cure.in_(lang)}"
        page.print(hanging([], code(said), page.width - 1, 6))


# what is asked in the words of a guide


def print_answer(console: Console, title: str, text: Sequence[str]) -> None:
    """Print an answer: its title, and what is said of it."""
    page = Page(console)
    page.print([Text(), Text(f"  {title}", "bold")])
    for line in text:
        page.print(hanging([("- ", "")], code(line), page.width - 1, 4, 2))


def print_variable(console: Console, app: App, name: str, lang: Lang) -> None:
    """Print what a variable of an application means, and below it all the others."""
    page = Page(console)
    page.print([Text(), Text(f"  {name}", "bold cyan")])
    page.print(hanging([], code(app.about[name].in_(lang)), page.width - 1, 4))
    page.print([Text(), Text(f"  {say(lang, 'explain.variables')}", "bold")])
    width = max(map(len, app.about)) + 2
    for other, about in app.about.items():
        head = [(other.ljust(width), "bold" if other == name else "")]
        page.print(hanging(head, code(about.in_(lang)), page.width - 1, 4, width))
    page.print([Text(), *hanging([], code(say(lang, "explain.variables.next")), page.width - 1, 2)])
