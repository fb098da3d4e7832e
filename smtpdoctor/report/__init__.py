"""Reports: a finished ``Report`` in, text out. A renderer knows no probe.

``RENDERERS`` maps the name of a format to its module; one more format is one more module with a
``render(report, lang) -> str`` and one line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol, cast

from smtpdoctor.model import Lang, Report

__all__ = ["RENDERERS", "Renderer", "renderer"]

# The terminal's report is not among them: it needs to know the terminal (report.terminal).
RENDERERS: Final = {"json": "smtpdoctor.report.json_v1"}


class Renderer(Protocol):
    """A report format."""

    def render(self, report: Report, lang: Lang, *, transcript: bool = False) -> str:
        """Return the report as text."""
        ...


def renderer(name: str) -> Renderer:
    """Return the renderer of a format."""
    return cast("Renderer", import_module(RENDERERS[name]))
