"""Reports: a finished ``Report`` is put in words once (``view``), each format is a function of that.

``RENDERERS`` maps the name of a format to its module; one more format is one more module with a
``render(view) -> str`` and one line here. A renderer knows neither probes nor the catalogue.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtpdoctor.report.view import View

__all__ = ["RENDERERS", "Renderer", "renderer"]

# The terminal's report is not among them: it needs to know the terminal (report.terminal).
RENDERERS: Final = {"json": "smtpdoctor.report.json_v1"}


class Renderer(Protocol):
    """A report format."""

    def render(self, view: View, *, transcript: bool = False) -> str:
        """Return the report as text."""
        ...

    def render_all(self, views: Sequence[tuple[str, View]]) -> str:
        """Return the reports of several services as one text, or the only one there is."""
        ...


def renderer(name: str) -> Renderer:
    """Return the renderer of a format."""
    return cast("Renderer", import_module(RENDERERS[name]))
