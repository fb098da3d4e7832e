"""SARIF 2.1.0 for code scanning: a rule for each kind of finding, a result for each finding.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from smtpdoctor import __version__
from smtpdoctor.report.told import Place, Places, explained_text, fingerprint, level, one_line, plain

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Part, Profile, Told
    from smtpdoctor.report.view import Excerpt, Problem

__all__ = ["tell", "tell_found"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME: Final = "https://github.com/smtpdoctor/smtpdoctor"
_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
_QUOTE: Final = 2_000
_LINK: Final = re.compile(r"\\*\[(?=[^\]]*\]\()")


def tell(told: Told) -> str:
    """Return the log of one run, with the findings of all reports."""
    run = _Run(told.lang, told.places)
    for part in told.parts:
        for problem in part.view.problems:
            result = run.add(problem, told.places.of(problem, part.view), part.name)
            if part.name:
                result["properties"]["service"] = part.name
            fix = _fix(problem, told.places)
            if fix is not None:
                result["fixes"] = [fix]
    verdicts = [_about(part) for part in told.parts if part.name]
    more = {"verdict": told.verdict, **({"reports": verdicts} if verdicts else {})}
    if not verdicts:
        more |= {key: value for part in told.parts for key, value in _about(part).items() if key == "remarks"}
    return run.dump(f"smtpdoctor/{told.command}/", more, [_unrun(told, one) for one in told.unrun])


def _about(part: Part) -> dict[str, Any]:
    remarks = list(map(one_line, part.view.remarks))
    return {"service": part.name, "verdict": part.verdict, **({"remarks": remarks} if remarks else {})}


def _unrun(told: Told, profile: Profile) -> dict[str, Any]:
    """Return what says that a profile has no report, and why."""
    place = told.place_of(profile)
    return {
        "level": "error" if profile.error else "warning",
        "message": {"text": _said(f"{profile.name}: {told.why(profile)}")},
        **({"locations": [_location(place)]} if place else {}),
    }


def tell_found(found: Found) -> str:
    """Return the log of one run, with the findings of a log."""
    run = _Run(found.lang, found.places)
    for one in found.seen:
        result = run.add(one.problem, found.place(one), "")
        if one.count is not None:
            result["occurrenceCount"] = max(one.count, 1)
    notes = [{"level": "error", "message": {"text": _said(text)}} for text in found.unreadable]
    return run.dump("smtpdoctor/explain/", {}, notes)


def _said(text: str) -> str:
    """Return a text in which nothing is a link: SARIF reads ``[words](address)`` in plain messages too."""
    lines = map(one_line, text.split("\n"))
    return _LINK.sub(lambda found: found[0][:-1] * 2 + "\\[", "\n".join(lines))


def _location(place: Place) -> dict[str, Any]:
    """Return a line of a file; within the repository its address is relative to that."""
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(place.path),
            "region": {"startLine": place.line},
        }
    }


def _artifact(path: str) -> dict[str, Any]:
    address = quote(path, safe="/")
    if path.startswith("/"):
        return {"uri": f"file://{address}"}
    return {"uri": address, "uriBaseId": "%SRCROOT%"}


def _fix(problem: Problem, places: Places) -> dict[str, Any] | None:
    """Return the change that mends a finding, where all of its lines stand in files."""
    excerpts = problem.excerpts
    if not excerpts or not all(one.path and one.line and _gone(one) for one in excerpts):
        return None
    changed: dict[str, list[dict[str, Any]]] = {}
    for one in excerpts:
        changed.setdefault(places.at(str(one.path), one.line).path, []).append(_replacement(one))
    return {
        "description": {"text": _said(plain(problem.steps[0] if problem.steps else problem.title))},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": replacements}
            for path, replacements in changed.items()
        ],
    }


def _gone(excerpt: Excerpt) -> int:
    return sum(line.sign == "-" for line in excerpt.lines)


def _replacement(excerpt: Excerpt) -> dict[str, Any]:
    # A region without columns is whole lines without the end of the last.
    first = excerpt.line or 1
    added = "\n".join(line.text for line in excerpt.lines if line.sign == "+")
    return {
        "deletedRegion": {"startLine": first, "endLine": first + _gone(excerpt) - 1},
        "insertedContent": {"text": added},
    }


class _Run:
    """Gathers the results, and the rules that they refer to."""

    def __init__(self, lang: str, places: Places) -> None:
        self._lang = lang
        self._places = places
        self._rules: dict[str, dict[str, Any]] = {}
        self._results: list[dict[str, Any]] = []
        self._taken: set[str] = set()

    def add(self, problem: Problem, place: Place | None, service: str) -> dict[str, Any]:
        """Add a finding and return its result."""
        self._rules.setdefault(problem.id, _rule(problem))
        text = "\n".join([f"{plain(problem.title)}.", *explained_text(problem, quote=_QUOTE)])
        words = (problem.id, place.path if place else "", service, problem.evidence.setting or "")
        result: dict[str, Any] = {
            "ruleId": problem.id,
            "ruleIndex": list(self._rules).index(problem.id),
            "kind": "fail",
            "level": _LEVELS[level(problem).value],
            "message": {"text": _said(text)},
            "locations": [_location(place)] if place else [],
            "partialFingerprints": {"smtpdoctor/v1": fingerprint(*words, taken=self._taken)},
            "properties": {
                "stage": problem.stage.value,
                "confidence": problem.confidence.value,
                "fault": problem.fault.value,
                "steps": [plain(step) for step in (*problem.steps, *problem.rest)],
            },
        }
        self._results.append(result)
        return result

    def dump(self, category: str, more: dict[str, Any], notes: Iterable[dict[str, Any]] = ()) -> str:
        """Return the log as text."""
        driver = {
            "name": "smtpdoctor",
            "version": __version__,
            "semanticVersion": __version__,
            "informationUri": _HOME,
            "rules": list(self._rules.values()),
        }
        told = list(notes)
        invocation = {
            "executionSuccessful": not told,
            **({"toolExecutionNotifications": told} if told else {}),
        }
        run = {
            "tool": {"driver": driver},
            "automationDetails": {"id": category},
            "invocations": [invocation],
            "language": self._lang,
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
            "results": self._results,
            **({"properties": more} if more else {}),
        }
        log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
        return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _rule(problem: Problem) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": problem.id,
        "name": "".join(map(str.capitalize, problem.id.split("-"))),
        "shortDescription": {"text": _said(plain(problem.title))},
        "fullDescription": {"text": _said(plain(problem.meaning))},
        "help": {"text": _said("\n".join(_help(problem)))},
        "defaultConfiguration": {"level": _LEVELS[problem.severity.value]},
        "properties": {"tags": ["smtp", problem.stage.value]},
    }
    pages = [link.url for link in problem.links]
    if pages:
        rule["helpUri"] = pages[0]
    return rule


def _help(problem: Problem) -> Iterator[str]:
    yield plain(problem.meaning)
    for number, step in enumerate((*problem.steps, *problem.rest), 1):
        yield f"{number}. {plain(step)}"
    for link in problem.links:
        yield f"{link.label} {link.url}".strip()
    yield problem.more
