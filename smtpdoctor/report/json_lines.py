"""JSON lines: each report, or each finding of a log, is one line of the shape that ``json`` has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpdoctor.report import json_v1

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Told

__all__ = ["refused", "tell", "tell_found"]


def tell(told: Told) -> str:
    """Return a line for each application or profile."""
    return "".join(map(json_v1.line, json_v1.objects(told)))


def tell_found(found: Found) -> str:
    """Return a line for each finding; one without any where there are none, or with what could not be read."""
    return "".join(map(json_v1.line, json_v1.found_objects(found)))


def refused(text: str) -> str:
    """Return the line of a command that came to no report."""
    return json_v1.line(json_v1.failure(text))
