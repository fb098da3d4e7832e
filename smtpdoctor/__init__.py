"""smtpdoctor finds out why an application cannot send mail through an SMTP provider.

>>> from smtpdoctor import Settings, check, explain, lint

``check(Settings.of(host=…, …))`` runs the stages against a real server and returns a ``Report``,
``lint(…)`` judges the settings alone, ``words(report, "ko")`` puts a report in words, ``explain(text)``
names the causes behind an error text or a log, and ``Sandbox`` is a server to send to in tests.
"""

from __future__ import annotations

# Nothing is imported here that a run does not need at once: Ctrl-C during these lines would show.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from smtpdoctor.api import check, explain, lint, words
    from smtpdoctor.model import Finding, Ignore, Policy, Report, Settings
    from smtpdoctor.report.view import View
    from smtpdoctor.sandbox import Sandbox

__version__ = "0.1.0"
__all__ = [
    "Finding",
    "Ignore",
    "Policy",
    "Report",
    "Sandbox",
    "Settings",
    "View",
    "__version__",
    "check",
    "explain",
    "lint",
    "words",
]
_HOMES: Final = {
    "Finding": "model",
    "Ignore": "model",
    "Policy": "model",
    "Report": "model",
    "Sandbox": "sandbox",
    "Settings": "model",
    "View": "report.view",
    "check": "api",
    "explain": "api",
    "lint": "api",
    "words": "api",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: the command line needs none of them."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"smtpdoctor.{_HOMES[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
