"""``smtpdoctor apps``."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import guarded, language, output_to, refuse_to_destroy
from smtpdoctor.cli.declared import Argument, Option
from smtpdoctor.cli.options import FormatChoice

__all__ = ["apps"]


@guarded
def apps(
    name: Annotated[
        Optional[str],  # noqa: UP045 -- typer reads it at run time
        Argument(help="Show this one: its variables, what each word means, its traps.", metavar="[NAME]"),
    ] = None,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: Annotated[bool, Option("--quiet", help="Only ids; with NAME only its variables.")] = False,
) -> None:
    """List the applications whose configuration smtpdoctor understands, or show one of them."""
    from smtpdoctor.knowledge import load
    from smtpdoctor.knowledge.dialects import Dialect
    from smtpdoctor.settings.identify import unknown_app

    tongue = language(lang)
    refuse_to_destroy(output, force=force)
    chosen = load.dialect(name) if name is not None else None
    if name is not None and chosen is None:
        raise unknown_app(name, "")
    ids = load.dialect_ids() if chosen is None else ()
    known: list[Dialect] = [one for one in map(load.dialect, ids) if one is not None]
    with output_to(output) as stream:
        if format_ is not FormatChoice.TERMINAL:
            from smtpdoctor.report.app_sheets import app_object
            from smtpdoctor.report.json_v1 import dump, tool

            shown: dict[str, Any] = {"version": 1, "tool": tool()}
            if chosen is not None:
                shown["app"] = app_object(chosen, tongue)
            else:
                shown["apps"] = [app_object(one, tongue) for one in known]
            stream.write(dump(shown))
        elif quiet and chosen is not None:
            names = dict.fromkeys(one for key in chosen.keys.values() for one in key.names)
            stream.write("".join(f"{one}\n" for one in (*names, *chosen.flags)))
        elif quiet:
            stream.write("".join(f"{one.id}\n" for one in known))
        else:
            from smtpdoctor.report import app_sheets, terminal

            console = terminal.make_console(stream, color=not no_color and terminal.wants_color())
            if chosen is None:
                app_sheets.print_apps(console, known, tongue)
            else:
                app_sheets.print_app(console, chosen, tongue)
