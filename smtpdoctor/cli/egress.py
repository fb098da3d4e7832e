"""``smtpdoctor check --egress``: which mail ports of the server are open from here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smtpdoctor.cli.common import output_to
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.files import beginning_of
from smtpdoctor.model import Lang

if TYPE_CHECKING:
    from smtpdoctor.egress import Egress
    from smtpdoctor.model import Report
    from smtpdoctor.probes.session import Options
    from smtpdoctor.report.view import View
    from smtpdoctor.settings.resolve import Loaded

__all__ = ["check_egress"]

_DMI: Final = Path("/sys/class/dmi/id")
_MOST_STEPS: Final = 3
_LONGEST: Final = 256  # bytes of one of its files


def check_egress(  # noqa: PLR0913 -- how to show it
    loaded: Loaded,
    options: Options,
    *,
    format_: FormatChoice,
    output: Path | None,
    lang: Lang,
    color: bool,
    quiet: bool,
    verbose: bool,
    strict: bool,
) -> Report:
    """Try the ports and show them; settings that name no server are judged as lint does."""
    from smtpdoctor.doctor import lint_only
    from smtpdoctor.egress import survey

    with output_to(output) as stream:
        terminal = format_ is FormatChoice.TERMINAL
        shows_progress = terminal and not quiet and sys.stderr.isatty()
        if shows_progress:
            from smtpdoctor.report.terminal import make_console
            from smtpdoctor.text import say

            with make_console(sys.stderr, color=color).status(
                say(lang, "progress", stage=say(lang, "stage.connect"))
            ):
                found = survey(loaded, options, environment=os.environ, machine=_machine(), strict=strict)
        else:
            found = survey(loaded, options, environment=os.environ, machine=_machine(), strict=strict)
        report = found.report if found is not None else lint_only(loaded, strict=strict)
        if not terminal:
            stream.write(_rendered(found, report, format_, lang))
            return report
        from smtpdoctor.report.terminal import make_console, print_heading, print_view

        console = make_console(stream, color=color)
        view = _view(found, report, lang)
        if found is not None and not quiet:
            from smtpdoctor.report.egress import print_egress

            print_heading(console, report.settings, lang)
            print_egress(console, found, lang)
        print_view(console, view, quiet=quiet, verbose=verbose, stages=found is None or not found.doors)
        return report


def _view(found: Egress | None, report: Report, lang: Lang) -> View:
    """Return the report in words, with the ways out before the steps that the catalogue has for any case."""
    from smtpdoctor.report.view import view_of

    view = view_of(report, lang)
    if found is None or not found.doors:
        return view
    from msgspec.structs import replace

    from smtpdoctor.report.egress import summary, ways_out

    last = summary(found, lang)
    ways = [one.text for one in ways_out(found, lang)]
    problems = view.problems
    if ways and problems:
        first = problems[0]
        steps = (*ways, *(one for one in first.steps if one not in ways))
        shown, rest = steps[:_MOST_STEPS], (*steps[_MOST_STEPS:], *first.rest)
        problems = (replace(first, steps=shown, rest=rest), *problems[1:])
    return replace(view, problems=problems, last=(last,))


def _rendered(found: Egress | None, report: Report, format_: FormatChoice, lang: Lang) -> str:
    from smtpdoctor.report import renderer

    text = renderer(format_.value).render(_view(found, report, lang))
    if found is None or format_ is not FormatChoice.JSON:
        return text
    import msgspec

    from smtpdoctor.report.egress import egress_object
    from smtpdoctor.report.json_v1 import dump

    return dump({**msgspec.json.decode(text), "egress": egress_object(found, lang)})


def _machine() -> Mapping[str, str]:
    """Return what this machine says of its maker."""
    from smtpdoctor.knowledge.platforms import MACHINE

    return {name: beginning_of(_DMI / name, _LONGEST).decode("utf-8", "replace").strip() for name in MACHINE}
