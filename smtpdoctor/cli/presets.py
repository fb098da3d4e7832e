"""``smtpdoctor presets``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Optional

import typer

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import guarded, language, output_to, refuse_together
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.model import Lang
from smtpdoctor.text import say

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from smtpdoctor.knowledge.schema import Endpoint, Preset, Reply

__all__ = ["presets"]

_ROOM_FOR_ALIASES: Final = 110
_PIPE_WIDTH: Final = 1000
_PORTS: Final = 3  # of a narrow list; `presets NAME` shows all
_SERVER: Final = 30


@guarded
def presets(
    name: Annotated[
        Optional[str],  # noqa: UP045 -- typer reads it at run time
        typer.Argument(help="Show this one: its id or another name of it.", metavar="[NAME]"),
    ] = None,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Only ids; with NAME only host:port and security.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With NAME: also the replies of its own.")
    ] = False,
) -> None:
    """List the providers that smtpdoctor knows, or show one of them."""
    from smtpdoctor.knowledge import load
    from smtpdoctor.settings.resolve import preset_named

    tongue = language(lang)
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    chosen = preset_named(name) if name is not None else None
    known = list(load.presets().values())
    with output_to(output) as stream:
        if format_ is not FormatChoice.TERMINAL:
            from smtpdoctor.report.json_v1 import dump, tool

            shown: dict[str, Any] = {"version": 1, "tool": tool()}
            if chosen is not None:
                shown["preset"] = _object(chosen, tongue)
            else:
                shown["presets"] = [_object(one, tongue) for one in known]
            stream.write(dump(shown))
        elif quiet and chosen is not None:
            first = chosen.endpoint[0]
            stream.write(f"{first.host or chosen.host}:{first.port} {first.security.value}\n")
        elif quiet:
            stream.write("".join(f"{one.id}\n" for one in known))
        else:
            _print(stream, known, chosen, tongue, color=not no_color, verbose=verbose)


def _print(
    stream: IO[str], known: Sequence[Preset], chosen: Preset | None, lang: Lang, *, color: bool, verbose: bool
) -> None:
    from smtpdoctor.report import terminal

    console = terminal.make_console(stream, color=color and terminal.wants_color())
    if chosen is None:
        _print_list(console, known, lang)
    else:
        _Sheet(console, chosen, lang).print(verbose=verbose)


# a list


def _print_list(console: Console, known: Sequence[Preset], lang: Lang) -> None:
    import os

    from rich.table import Table
    from rich.text import Text

    if not console.is_terminal and "COLUMNS" not in os.environ:
        # One line a preset, for grep and its like; nobody's window sets a limit.
        console.width = _PIPE_WIDTH
    wide = console.width >= _ROOM_FOR_ALIASES
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(say(lang, "presets.name"), style="bold cyan", no_wrap=True)
    table.add_column(say(lang, "presets.provider"), overflow="fold")
    table.add_column(say(lang, "presets.server"), overflow="fold", max_width=None if wide else _SERVER)
    table.add_column(say(lang, "presets.ports"), no_wrap=True)
    if wide:
        table.add_column(say(lang, "presets.aliases"), style="dim")
    for preset in known:
        ports = Text()
        numbers = list(dict.fromkeys(one.port for one in preset.endpoint))
        for number, port in enumerate(numbers if wide else numbers[:_PORTS]):
            ports.append(f"{port} ", "bold green" if number == 0 else "")
        if not wide and len(numbers) > _PORTS:
            ports.append("…")
        ports.rstrip()
        row: list[RenderableType] = [Text(preset.id), Text(preset.name.in_(lang)), Text(preset.host), ports]
        table.add_row(*row, *([Text(", ".join(preset.aliases))] if wide else []))
    _lines(console, table)
    console.print()
    console.print(Text(say(lang, "presets.hint"), "dim"), soft_wrap=True)


def _lines(console: Console, shown: RenderableType) -> None:
    """Print without the blanks that tables fill their lines up with."""
    from rich.text import Text

    for line in console.render_lines(shown, pad=False):
        text = Text.assemble(*((part.text, part.style or "") for part in line if not part.control))
        text.rstrip()
        console.print(text, soft_wrap=True)


# one preset


class _Sheet:
    """All about one provider, in sections."""

    def __init__(self, console: Console, preset: Preset, lang: Lang) -> None:
        self._console = console
        self._preset = preset
        self._lang = lang

    def print(self, *, verbose: bool) -> None:
        """Print everything, the replies of its own only when asked for."""
        from rich.text import Text

        preset, lang = self._preset, self._lang
        heading = Text.assemble((preset.name.in_(lang), "bold cyan"), ("  " + preset.id, "bold"))
        self._console.print(heading)
        if preset.aliases:
            names = ", ".join(preset.aliases)
            _lines(self._console, Text(f"{say(lang, 'presets.aliases')}: {names}", "dim"))
        self._section("presets.server", [", ".join(self._hosts())])
        self._endpoints()
        self._section("presets.username", [self._words(preset.username)])
        self._section("presets.password", [self._words(preset.password)])
        self._section("presets.sender", [self._words(preset.sender)])
        self._links()
        size = preset.size_limit and say(lang, "presets.size", size=f"{preset.size_limit / 1024**2:.0f}")
        limits = [one.in_(lang) for one in preset.limit]
        self._section("presets.limits", limits or ([size] if size else []), bullet=True)
        self._section("presets.notes", [one.in_(lang) for one in preset.note], bullet=True)
        if verbose:
            self._replies()
        self._console.print()
        self._console.print(Text(say(lang, "presets.checked", checked=preset.checked), "dim"))
        self._console.print(Text(say(lang, "presets.next", name=preset.id), "dim"), soft_wrap=True)

    def _words(self, part: Any) -> str:
        text: str = part.ko if self._lang == "ko" else part.en
        return text

    def _hosts(self) -> Iterator[str]:
        yield self._preset.host
        yield from self._preset.hosts

    def _title(self, key: str) -> None:
        from rich.text import Text

        self._console.print()
        self._console.print(Text(say(self._lang, key), "bold"))

    def _section(self, key: str, texts: Iterable[str], *, bullet: bool = False) -> None:
        shown = list(texts)
        if not shown:
            return
        self._title(key)
        for text in shown:
            self._text(text, bullet=bullet)

    def _text(self, text: str, *, indent: int = 2, bullet: bool = False) -> None:
        """Print a text, further lines below its first word; what stands in backticks is bold."""
        from rich.padding import Padding
        from rich.table import Table

        from smtpdoctor.report.terminal import code

        grid = Table.grid(padding=(0, 1, 0, 0))
        if bullet:
            grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_row(*(["-"] if bullet else []), code(text))
        _lines(self._console, Padding(grid, (0, 0, 0, indent)))

    def _endpoints(self) -> None:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        self._title("presets.endpoints")
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column()
        for number, one in enumerate(self._preset.endpoint):
            shown = Text(say(self._lang, f"security.{one.security.value}"))
            if one.host:
                shown.append(f"  {one.host}")
            if number == 0:
                shown.append(f"  ({say(self._lang, 'presets.recommended')})", "bold green")
            if one.note:
                shown.append(f"\n{one.note.in_(self._lang)}", "dim")
            grid.add_row(Text(str(one.port), "bold green" if number == 0 else "bold"), shown)
        _lines(self._console, Padding(grid, (0, 0, 0, 2)))

    def _links(self) -> None:
        if not self._preset.link:
            return
        self._title("presets.links")
        for link in self._preset.link:
            self._text(self._words(link), bullet=True)
            self._address(link.url)

    def _address(self, url: str) -> None:
        """Print an address in one piece: broken over two lines it can be neither clicked nor copied."""
        from rich.text import Text

        self._console.print(Text.assemble("    ", (url, "blue underline")), soft_wrap=True)

    def _replies(self) -> None:
        from rich.text import Text

        from smtpdoctor.knowledge import load

        replies = load.replies(self._preset.id)
        if not replies:
            return
        self._title("presets.replies")
        for reply in replies:
            code = " ".join(str(part) for part in (reply.code, reply.enhanced) if part)
            head = Text.assemble("  ", (f"{code} " if code else "", "bold"), (reply.text, "italic"))
            head.append(f"  {reply.diagnosis}", "dim")
            _lines(self._console, head)
            self._text(reply.cause.in_(self._lang), indent=4)
            self._text(reply.cure.in_(self._lang), indent=4)


# JSON


def _object(preset: Preset, lang: Lang) -> dict[str, Any]:
    """Return all facts about a preset, its texts in one language."""
    from smtpdoctor.knowledge import load

    def words(part: Any) -> str:
        text: str = part.ko if lang == "ko" else part.en
        return text

    def endpoint(one: Endpoint) -> dict[str, Any]:
        return {
            "port": one.port,
            "security": one.security,
            "host": one.host or preset.host,
            "note": words(one.note) if one.note else None,
        }

    def reply(one: Reply) -> dict[str, Any]:
        return {
            "code": one.code,
            "enhanced": one.enhanced,
            "text": one.text,
            "stage": one.stage,
            "side": one.side,
            "diagnosis": one.diagnosis,
            "cause": words(one.cause),
            "cure": words(one.cure),
            "source": one.source,
        }

    return {
        "id": preset.id,
        "name": words(preset.name),
        "kind": preset.kind,
        "aliases": list(preset.aliases),
        "host": preset.host,
        "hosts": list(preset.hosts),
        "mail_domains": list(preset.mail_domains),
        "endpoints": [endpoint(one) for one in preset.endpoint],
        "username": {
            "form": preset.username.form,
            "value": preset.username.value,
            "text": words(preset.username),
        },
        "password": {
            "kind": preset.password.kind,
            "pattern": preset.password.pattern,
            "example": preset.password.example,
            "text": words(preset.password),
        },
        "sender": {"rule": preset.sender.rule, "text": words(preset.sender)},
        "auth_mechanisms": list(preset.auth_mechanisms),
        "min_tls": preset.min_tls,
        "reply_marker": preset.reply_marker,
        "size_limit": preset.size_limit,
        "spf_include": list(preset.spf_include),
        "links": [{"what": one.what, "text": words(one), "url": one.url} for one in preset.link],
        "limits": [words(one) for one in preset.limit],
        "notes": [words(one) for one in preset.note],
        "replies": [reply(one) for one in load.replies(preset.id)],
        "checked": preset.checked,
        "sources": list(preset.sources),
    }
