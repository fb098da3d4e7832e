"""JSON, version 1: a stable shape of its own, apart from the internal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smtpdoctor import __version__
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Turn

if TYPE_CHECKING:
    from smtpdoctor.report.view import Problem, Row, StageLine, View

__all__ = [
    "VERSION",
    "dump",
    "explained",
    "problem_object",
    "render",
    "render_all",
    "tool",
    "usage_failure",
]

VERSION: Final = 1


def dump(value: Mapping[str, Any]) -> str:
    """Return an object as the project prints JSON."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        encoded = msgspec.json.encode(_printable(value))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _printable(value: Any) -> Any:
    """Return a value whose texts can all be encoded."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {name: _printable(one) for name, one in value.items()}
    return list(map(_printable, value)) if isinstance(value, list | tuple) else value


def tool() -> dict[str, str]:
    """Return what every object says of the program that made it."""
    return {"name": "smtpdoctor", "version": __version__}


def _settings(rows: Iterable[Row]) -> dict[str, Any]:
    return {
        row.name: {}
        if row.value is None
        else {
            "value": row.value,
            "origin": row.origin,
            "overrides": [{"value": one.value, "origin": one.origin} for one in row.overrides],
        }
        for row in rows
    }


def problem_object(problem: Problem, **evidence: Any) -> dict[str, Any]:
    """Return one finding with its words; ``evidence`` is what a log adds to it."""
    return {
        "id": problem.id,
        "stage": problem.stage,
        "severity": problem.severity,
        "confidence": problem.confidence,
        "fault": problem.fault,
        "retryable": problem.retryable,
        "title": problem.title,
        "meaning": problem.meaning,
        "fixes": [*problem.steps, *problem.rest],
        "links": [link.url for link in problem.links],
        "evidence": {
            "code": problem.evidence.code,
            "enhanced": problem.evidence.enhanced,
            "error": problem.evidence.error,
            "text": problem.quote.text if problem.quote else "",
            **evidence,
        },
        "origin": problem.origin,
        "candidates": [one.id for one in problem.candidates],
        "changes": [
            {"file": one.file, "line": one.line, "name": one.name, "value": one.value}
            for one in problem.changes
        ],
    }


def _stage(line: StageLine) -> dict[str, Any]:
    return {
        "name": line.stage,
        "status": line.status,
        "seconds": round(line.seconds, 3),
        "summary": line.summary,
        "facts": line.facts,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "seconds": round(turn.seconds, 3),
        "direction": turn.direction,
        "encrypted": turn.encrypted,
        "text": turn.text,
    }


def render(view: View, *, transcript: bool = False) -> str:
    """Return the report as one JSON object."""
    return dump({"version": VERSION, "tool": tool(), **_report(view, transcript=transcript)})


def render_all(views: Sequence[tuple[str, View]]) -> str:
    """Return the report, or where there are several by service all of them in one object."""
    if len(views) == 1:
        return render(views[0][1])
    reports = [{"service": name, **_report(view)} for name, view in views]
    return dump({"version": VERSION, "tool": tool(), "reports": reports})


def _report(view: View, *, transcript: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "verdict": view.verdict,
        "settings": _settings(view.settings),
        "preset": view.preset,
        "app": view.app,
        "stages": list(map(_stage, view.stages)),
        "findings": list(map(problem_object, view.problems)),
    }
    if view.settled:
        shown["settled"] = [{"id": one.id, "by": one.by, "text": one.text} for one in view.settled]
    if transcript:
        shown["transcript"] = list(map(_turn, view.transcript))
    return shown


def usage_failure(text: str) -> str:
    """Return the object of a command that was used wrongly, or that had nothing to read."""
    return dump({"version": VERSION, "tool": tool(), "error": {"message": text}})


def explained(
    findings: Iterable[Mapping[str, Any]],
    error: str | None = None,
    *,
    answer: Mapping[str, Any] | None = None,
) -> str:
    """Return the object of ``explain``.

    ``error`` says which of several files could not be read, ``answer`` what is said of a question that is
    about no failure.
    """
    shown: dict[str, Any] = {"version": VERSION, "tool": tool(), "findings": list(findings)}
    if answer is not None:
        shown["answer"] = answer
    return dump(shown if error is None else {**shown, "error": {"message": error}})
