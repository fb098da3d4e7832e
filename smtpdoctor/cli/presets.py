"""``smtpdoctor presets``."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import guarded, language, output_to, refuse_to_destroy, refuse_together
from smtpdoctor.cli.declared import Argument, Option
from smtpdoctor.cli.options import FormatChoice

__all__ = ["presets"]


@guarded
def presets(
    name: Annotated[
        Optional[str],  # noqa: UP045 -- typer reads it at run time
        Argument(help="Show this one: its id, another name, its server or an address.", metavar="[NAME]"),
    ] = None,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: Annotated[
        bool, Option("--quiet", help="Only ids; with NAME only host:port and security.")
    ] = False,
    verbose: Annotated[bool, Option("--verbose", help="With NAME: also the replies of its own.")] = False,
) -> None:
    """List the providers that smtpdoctor knows, or show one of them."""
    from smtpdoctor.knowledge import load
    from smtpdoctor.settings.resolve import preset_named

    tongue = language(lang)
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    refuse_to_destroy(output, force=force)
    chosen = preset_named(name) if name is not None else None
    known = list(load.presets().values())
    with output_to(output) as stream:
        if format_ is not FormatChoice.TERMINAL:
            from smtpdoctor.report.json_v1 import dump, tool
            from smtpdoctor.report.objects import preset_object

            shown: dict[str, Any] = {"version": 1, "tool": tool()}
            if chosen is not None:
                shown["preset"] = preset_object(chosen, tongue)
            else:
                shown["presets"] = [preset_object(one, tongue) for one in known]
            stream.write(dump(shown))
        elif quiet and chosen is not None:
            first = chosen.endpoint[0]
            stream.write(f"{first.host or chosen.host}:{first.port} {first.security.value}\n")
        elif quiet:
            stream.write("".join(f"{one.id}\n" for one in known))
        else:
            from smtpdoctor.report import sheets, terminal

            console = terminal.make_console(stream, color=not no_color and terminal.wants_color())
            if chosen is None:
                sheets.print_presets(console, known, tongue)
            else:
                sheets.print_preset(console, chosen, tongue, verbose=verbose)
