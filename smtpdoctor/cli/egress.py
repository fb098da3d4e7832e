"""``smtpdoctor check --egress``: which mail ports of the server are open from here."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.doctor import lint_only
from smtpdoctor.egress import Egress, survey
from smtpdoctor.files import beginning_of
from smtpdoctor.knowledge.platforms import MACHINE
from smtpdoctor.model import Lang, Report
from smtpdoctor.report.egress import egress_object, print_egress, summary, ways_out
from smtpdoctor.report.terminal import make_console, print_heading, print_view
from smtpdoctor.report.view import View, view_of
from smtpdoctor.text import say

if TYPE_CHECKING:
    from rich.console import Console

    from smtpdoctor.probes.session import Options
    from smtpdoctor.settings.resolve import Loaded

__all__ = ["Surveyed", "surveyed"]

_DMI: Final = Path("/sys/class/dmi/id")
_LONGEST: Final = 256  # bytes of one of its files
_MOST_STEPS: Final = 3


class Surveyed(Struct, frozen=True):
    """What was found, as a report and in words; ``egress`` is None where the settings name no server to try."""

    egress: Egress | None
    report: Report
    view: View
    lang: Lang

    def print(self, console: Console, *, quiet: bool, verbose: bool) -> None:
        """Print a line a port, and what is wrong."""
        tried = self.egress is not None and bool(self.egress.doors)
        if self.egress is not None and tried and not quiet:
            print_heading(console, self.report.settings, self.lang)
            print_egress(console, self.egress, self.lang)
        print_view(console, self.view, quiet=quiet, verbose=verbose, stages=not tried)


def surveyed(
    loaded: Loaded,
    options: Options,
    lang: Lang,
    judged: Callable[[Report], Report],
    *,
    color: bool,
    quiet: bool,
) -> Surveyed:
    """Try the ports; settings that name no server are told of as ``lint`` does.

    ``judged`` applies what the command line says of warnings and the like.
    """
    shown = sys.stderr.isatty() and not quiet
    progress = (
        make_console(sys.stderr, color=color).status(say(lang, "progress", stage=say(lang, "stage.connect")))
        if shown
        else contextlib.nullcontext()
    )
    with progress:
        found = survey(loaded, options, environment=os.environ, machine=_machine())
    report = judged(found.report if found is not None else lint_only(loaded))
    found = replace(found, report=report) if found is not None else None
    return Surveyed(found, report, _view(found, report, lang), lang)


def _machine() -> Mapping[str, str]:
    """Return what this machine says of its maker."""
    return {name: beginning_of(_DMI / name, _LONGEST).decode("utf-8", "replace").strip() for name in MACHINE}


def _view(found: Egress | None, report: Report, lang: Lang) -> View:
    """Return the report in words, with the ways out before the steps that the catalogue has for any case."""
    view = view_of(report, lang)
    if found is None:
        return view
    view = replace(view, more={"egress": egress_object(found, lang)})
    if not found.doors:
        return view
    ways = [one.text for one in ways_out(found, lang)]
    problems = view.problems
    if ways and problems:
        first = problems[0]
        steps = (*ways, *(one for one in first.steps if one not in ways))
        shown, rest = steps[:_MOST_STEPS], (*steps[_MOST_STEPS:], *first.rest)
        problems = (replace(first, steps=shown, rest=rest), *problems[1:])
    return replace(view, problems=problems, last=(summary(found, lang),))
