"""smtpdoctor finds out why an application cannot send mail through an SMTP provider.

>>> from smtpdoctor import Settings, check, explain

``check(settings)`` runs the stages against a real server and returns a ``Report``;
``explain(text)`` names the causes behind an error text or a log, without any network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smtpdoctor.api import check, explain
    from smtpdoctor.model import Report, Settings

__version__ = "0.1.0"
__all__ = ["Report", "Settings", "__version__", "check", "explain"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: the command line needs none of them."""
    if name in {"Report", "Settings"}:
        from smtpdoctor import model

        return getattr(model, name)
    if name in {"check", "explain"}:
        from smtpdoctor import api

        return getattr(api, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
