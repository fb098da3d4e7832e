"""JUnit's XML: a suite for each application or profile, in it a case for each stage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Stage, Status
from smtpdoctor.report.told import Part, Profile, Told, explained_text, level, mark, one_line
from smtpdoctor.report.view import Problem, StageLine, View

__all__ = ["tell"]

_QUOTE: Final = 2_000  # characters of the other side's words
# What XML 1.0 (section 2.2) has no way to write, not even escaped.
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def tell(told: Told) -> str:
    """Return the suites as XML."""
    suites = [_Suite(told, part) for part in told.parts]
    attributes = {
        "name": "smtpdoctor",
        "tests": sum(len(one.cases) for one in suites) + len(told.unrun),
        "failures": sum(one.failures for one in suites),
        "errors": sum(one.errors for one in suites) + len(told.unrun),
        "time": _seconds(sum(part.view.seconds for part in told.parts)),
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<!-- {mark()} -->"]
    lines += [_open("testsuites", attributes)]
    lines += [line for suite in suites for line in suite.lines()]
    lines += [line for one in told.unrun for line in _unrun(told, one)]
    return "\n".join([*lines, "</testsuites>", ""])


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _text(text: str) -> str:
    """Return the content of an element; without ``>`` it holds no end of a CDATA section either."""
    return escape(_clean(text))


def _open(name: str, attributes: dict[str, object], end: str = ">") -> str:
    told = "".join(f" {key}={quoteattr(_clean(str(value)))}" for key, value in attributes.items())
    return f"<{name}{told}{end}"


def _element(name: str, text: str, indent: str = "", **attributes: object) -> str:
    return f"{indent}{_open(name, attributes)}{_text(text)}</{name}>"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _of_stage(problem: Problem, stages: Iterable[StageLine]) -> Stage:
    """Return in which case a finding is told: its stage, or where that did not run the one that broke off."""
    ran = {one.stage: one.status for one in stages}
    if ran.get(problem.stage, Status.SKIP) is not Status.SKIP:
        return problem.stage
    return next((stage for stage, status in ran.items() if status is Status.FAIL), problem.stage)


def _unrun(told: Told, profile: Profile) -> Iterator[str]:
    """Yield the suite of a profile without a report: nothing of it was tested, which is an error and no failure."""
    attributes: dict[str, object] = {
        "name": f"smtpdoctor {profile.name}".strip(),
        "tests": 1,
        "failures": 0,
        "errors": 1,
        "skipped": 0,
        "time": _seconds(0),
        **({"timestamp": told.when} if told.when else {}),
    }
    yield "  " + _open("testsuite", attributes)
    verdict = _open("property", {"name": "verdict", "value": profile.verdict}, "/>")
    yield f"    <properties>{verdict}</properties>"
    case: dict[str, object] = {
        "name": Stage.CONFIG.value,
        "classname": f"smtpdoctor.{profile.name}",
        "time": _seconds(0),
    }
    yield "    " + _open("testcase", case)
    place = told.place_of(profile)
    text = "\n".join([*([f"{place.path}:{place.line}"] if place else []), told.why(profile)])
    about: dict[str, object] = {
        "message": one_line(told.why(profile)),
        "type": "usage" if profile.error else "interrupted",
    }
    yield _element("error", "\n".join(map(printable, text.split("\n"))), "      ", **about)
    yield "    </testcase>"
    yield "  </testsuite>"


class _Suite:
    """One suite; ``cases`` are its stages, each with its findings."""

    def __init__(self, told: Told, part: Part) -> None:
        self._told, self._part, self._view = told, part, part.view
        self.cases: list[tuple[Stage, StageLine | None, list[Problem]]] = [
            (one.stage, one, []) for one in self._view.stages
        ]
        for problem in self._view.problems:
            stage = _of_stage(problem, self._view.stages)
            found = next((case for case in self.cases if case[0] is stage), None)
            if found is None:
                found = (stage, None, [])
                self.cases.append(found)
            found[2].append(problem)
        kinds = [kind for _, _, problems in self.cases for kind in [self._kind(problems)] if kind]
        self.failures = kinds.count("failure")
        self.errors = kinds.count("error")

    def _kind(self, problems: Sequence[Problem]) -> str:
        """Return how a case with these findings ends: what may pass by itself is no failure of the settings."""
        grave = [one for one in problems if self._is_grave(one)]
        if not grave:
            return ""
        return "error" if self._view.verdict == "inconclusive" else "failure"

    def _is_grave(self, problem: Problem) -> bool:
        kind = level(problem).value
        return kind == "error" or (
            kind == "warning" and self._view.verdict == "warn" and not self._part.healthy
        )

    def lines(self) -> Iterator[str]:
        """Yield the lines of the suite."""
        view = self._view
        skipped = [
            line for _, line, problems in self.cases if line is not None and _is_skipped(line, problems)
        ]
        attributes: dict[str, object] = {
            "name": f"smtpdoctor {self._part.name}".strip(),
            "tests": len(self.cases),
            "failures": self.failures,
            "errors": self.errors,
            "skipped": len(skipped),
            "time": _seconds(view.seconds),
            **({"timestamp": self._told.when} if self._told.when else {}),
        }
        yield "  " + _open("testsuite", attributes)
        yield "    <properties>"
        for name, value in _properties(view):
            yield "      " + _open("property", {"name": name, "value": one_line(value)}, "/>")
        yield "    </properties>"
        for stage, line, problems in self.cases:
            yield from self._case(stage, line, problems)
        said = list(view.remarks)
        if self._told.transcript and view.transcript:
            signs = {"in": "<", "out": ">", "note": "="}
            said += [f"{one.seconds:.3f} {signs[one.direction]} {one.text}" for one in view.transcript]
        if said:
            yield _element("system-out", "\n".join(map(printable, said)), "    ")
        yield "  </testsuite>"

    def _case(self, stage: Stage, line: StageLine | None, problems: Sequence[Problem]) -> Iterator[str]:
        yield "    " + _open(
            "testcase",
            {
                "name": stage.value,
                "classname": ".".join(filter(None, ("smtpdoctor", self._part.name))),
                "time": _seconds(line.seconds if line else 0),
            },
        )
        kind = self._kind(problems)
        for problem in problems:
            if self._is_grave(problem):
                attributes: dict[str, object] = {
                    "message": f"{problem.id}: {one_line(problem.title)}",
                    "type": problem.id,
                }
                yield _element(kind, self._told_of(problem), "      ", **attributes)
        summary = one_line(line.summary) if line is not None else ""
        if line is not None and _is_skipped(line, problems):
            yield "      " + _open("skipped", {"message": summary}, "/>")
        others = [
            f"{one.id}: {one_line(one.title)}\n{self._told_of(one)}"
            for one in problems
            if not self._is_grave(one)
        ]
        said = "\n\n".join(filter(None, (summary, *others)))
        if said:
            yield _element("system-out", said, "      ")
        yield "    </testcase>"

    def _told_of(self, problem: Problem) -> str:
        place = self._told.places.of(problem, self._view)
        where = [f"{place.path}:{place.line}"] if place else []
        return "\n".join([*where, *explained_text(problem, quote=_QUOTE), problem.more])


def _is_skipped(line: StageLine, problems: Sequence[Problem]) -> bool:
    return line.status is Status.SKIP and not problems


def _properties(view: View) -> Iterator[tuple[str, str]]:
    yield "verdict", view.verdict
    yield "version", view.heading.version
    for row in view.settings:
        if row.value is not None:
            yield row.name, f"{row.shown} ({row.origin})"
