"""Reports: a finished ``Report`` is put in words once (``view``), each format is a function of that.

``RENDERERS`` maps the name of a format to its module; one more format is one more module with a
``tell(told) -> str`` and one line here. A renderer knows neither probes nor the catalogue. A module
may have ``tell_found(found) -> str`` for what ``explain`` says, and ``refused(text) -> str`` for a
command that came to no report.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Told

__all__ = [
    "EXPLAINING",
    "FORMATS",
    "RENDERERS",
    "TERMINAL",
    "Explaining",
    "Renderer",
    "explaining",
    "renderer",
]

# The terminal's report is not among the renderers: it needs to know the terminal (report.terminal).
TERMINAL: Final = "terminal"
RENDERERS: Final = {
    "json": "smtpdoctor.report.json_v1",
    "json-lines": "smtpdoctor.report.json_lines",
    "junit": "smtpdoctor.report.junit",
    "sarif": "smtpdoctor.report.sarif",
    "github": "smtpdoctor.report.github",
    "gitlab": "smtpdoctor.report.gitlab",
    "markdown": "smtpdoctor.report.markdown",
    "html": "smtpdoctor.report.html",
    "nagios": "smtpdoctor.report.nagios",
    "prometheus": "smtpdoctor.report.prometheus",
}
FORMATS: Final = (TERMINAL, *RENDERERS)
# What makes sense of a log or of an entry of the catalogue. The others tell of a run: how it ended,
# how long its stages took.
EXPLAINING: Final = (TERMINAL, "json", "json-lines", "sarif", "github", "markdown")


class Renderer(Protocol):
    """A report format."""

    def tell(self, told: Told) -> str:
        """Return the reports of a run as text."""
        ...


class Explaining(Protocol):
    """A format in which ``explain`` can answer."""

    def tell_found(self, found: Found) -> str:
        """Return what was found as text."""
        ...


def renderer(name: str) -> Renderer:
    """Return the renderer of a format."""
    return cast("Renderer", import_module(RENDERERS[name]))


def explaining(name: str) -> Explaining:
    """Return the renderer of a format of ``EXPLAINING``, but the terminal's."""
    return cast("Explaining", import_module(RENDERERS[name]))
