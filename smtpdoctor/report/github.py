"""Annotations of GitHub Actions: a workflow command for each finding.

The runner's rules (actions/toolkit, ``command.ts``): in a message ``%``, CR and LF are percent-encoded,
in a property ``:`` and ``,`` too. A command is one only at the beginning of a line, and each line here
begins with one of ours, so that nothing which a server says can be another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from smtpdoctor.report.told import Place, explained_text, level, one_line, plain
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Part, Told

__all__ = ["refused", "tell", "tell_found"]

_LEVELS: Final = {"error": "error", "warning": "warning", "info": "notice"}
_QUOTE: Final = 1_000  # characters of the other side's words


def tell(told: Told) -> str:
    """Return an annotation for each finding, or one that says that there is none."""
    lines = [line for part in told.parts for line in _part(told, part)]
    for one in told.unrun:
        kind = "error" if one.error else "warning"
        head = f"smtpdoctor {one.verdict} ({one.name})"
        lines.append(_command(kind, head, told.why(one), told.place_of(one)))
    return "".join(lines)


def tell_found(found: Found) -> str:
    """Return an annotation for each finding of a log."""
    lines = [
        _command(
            _LEVELS[level(one.problem).value],
            f"smtpdoctor: {one.problem.id}",
            "\n".join([one.problem.title, *explained_text(one.problem, quote=_QUOTE)]),
            found.place(one),
        )
        for one in found.seen
    ]
    lines += [refused(text) for text in found.unreadable]
    if not lines:
        lines = [_command("notice", "smtpdoctor", say(found.lang, "report.no-findings"))]
    return "".join(lines)


def refused(text: str) -> str:
    """Return the annotation of a command that came to no report."""
    return _command("error", "smtpdoctor", text)


def _part(told: Told, part: Part) -> Iterator[str]:
    view = part.view
    head = f"smtpdoctor {view.verdict}" + (f" ({part.name})" if part.name else "")
    remarks = view.remarks
    for problem in view.problems:
        kind = _LEVELS[level(problem).value]
        text = "\n".join([problem.title, *explained_text(problem, quote=_QUOTE), *remarks, problem.more])
        remarks = ()
        yield _command(kind, f"{head}: {problem.id}", text, told.places.of(problem, view))
    if not view.problems:
        yield _command("notice", head, "\n".join([plain(view.last[0]), *remarks]))


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _command(kind: str, title: str, text: str, place: Place | None = None) -> str:
    where = f"file={_property(place.path)},line={place.line}," if place else ""
    said = "\n".join(map(one_line, text.split("\n")))
    return f"::{kind} {where}title={_property(one_line(title))}::{_message(said)}\n"
