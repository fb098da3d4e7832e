"""JSON, version 1: a stable shape of its own, apart from the internal values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from smtpdoctor import __version__
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Turn

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Part, Seen, Told
    from smtpdoctor.report.view import AttemptLine, Command, Problem, Row, StageLine, View

__all__ = [
    "VERSION",
    "dump",
    "failure",
    "found_objects",
    "line",
    "objects",
    "problem_object",
    "refused",
    "render",
    "tell",
    "tell_found",
    "tool",
]

VERSION: Final = 1
_FEW: Final = 100  # findings, whose commands anybody reads; the catalogue has more


def dump(value: Mapping[str, Any]) -> str:
    """Return an object as the project prints JSON."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        encoded = msgspec.json.encode(_printable(value))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def line(value: Mapping[str, Any]) -> str:
    """Return an object as one line."""
    return msgspec.json.format(dump(value), indent=-1) + "\n"


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


def _attempt(line: AttemptLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "stage": line.stage,
        "pause": round(line.pause, 3),
        "seconds": round(line.seconds, 3),
        "text": line.text,
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
    return dump(_whole(_report(view, transcript=transcript)))


def tell(told: Told) -> str:
    """Return the report, or where there are several by service all of them in one object."""
    if told.profiles:
        from smtpdoctor.report.profiles import render as render_profiles

        return render_profiles(told.profiles, transcript=told.transcript, services=told.services)
    if len(told.parts) == 1:
        return render(told.parts[0].view, transcript=told.transcript)
    return dump(_whole({"verdict": told.verdict, "reports": [_named(told, part) for part in told.parts]}))


def tell_found(found: Found) -> str:
    """Return the object of ``explain``."""
    return dump(_found(found, found.seen))


def refused(text: str) -> str:
    """Return the object of a command that was used wrongly, or that had nothing to read."""
    return dump(failure(text))


def failure(text: str) -> dict[str, Any]:
    """Return what says that there is no report, and why."""
    return _whole({"error": {"message": text}})


def objects(told: Told) -> Iterator[dict[str, Any]]:
    """Yield each of the reports as an object of its own."""
    if told.profiles:
        from smtpdoctor.report.profiles import profile_object

        key = "service" if told.services else "name"
        yield from (_whole(profile_object(one, transcript=told.transcript, key=key)) for one in told.profiles)
    elif len(told.parts) == 1:
        yield _whole(_report(told.parts[0].view, transcript=told.transcript))
    else:
        yield from (_whole(_named(told, part)) for part in told.parts)


def found_objects(found: Found) -> Iterator[dict[str, Any]]:
    """Yield each finding as an object of its own, then what else there is to tell."""
    yield from (_found(replace(found, answer=None, unreadable=()), (one,)) for one in found.seen)
    if found.answer is not None or found.unreadable or not found.seen:
        yield _found(found, ())


def _whole(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": VERSION, "tool": tool(), **shown}


def _named(told: Told, part: Part) -> dict[str, Any]:
    return {"service": part.name, **_report(part.view, transcript=told.transcript)}


def _found(found: Found, seen: Sequence[Seen]) -> dict[str, Any]:
    shown = _whole({"findings": list(map(_seen_object, seen))})
    if len(seen) <= _FEW:
        from smtpdoctor.report.view import commands_of

        shown["next"] = _commands(commands_of(one.problem for one in seen))
    if found.answer is not None:
        shown["answer"] = found.answer
    if found.unreadable:
        shown["error"] = {"message": "\n".join(found.unreadable)}
    return shown


def _seen_object(one: Seen) -> dict[str, Any]:
    if one.count is None:
        return problem_object(one.problem)
    place = {"count": one.count, "file": one.file, "line": one.line, "last_line": one.last_line}
    return problem_object(one.problem, **place, caused_by=one.caused_by)


def _report(view: View, *, transcript: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "verdict": view.verdict,
        "settings": _settings(view.settings),
        "preset": view.preset,
        "app": view.app,
        "stages": list(map(_stage, view.stages)),
        "findings": list(map(problem_object, view.problems)),
    }
    shown["next"] = _commands(view.next)
    if view.settled:
        shown["settled"] = [{"id": one.id, "by": one.by, "text": one.text} for one in view.settled]
    if view.ignored:
        shown["ignored"] = [{"id": one.id, "reason": one.reason, "text": one.text} for one in view.ignored]
    if view.attempts:
        shown["attempts"] = list(map(_attempt, view.attempts))
        shown["attempts_ended"] = view.ended
    if transcript:
        shown["transcript"] = list(map(_turn, view.transcript))
    return {**shown, **view.more}


def _commands(told: Iterable[Command]) -> list[dict[str, Any]]:
    return [{"command": one.command, "safe": one.safe} for one in told]
