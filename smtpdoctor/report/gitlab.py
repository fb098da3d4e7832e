"""GitLab's code quality report: one object for each finding.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from smtpdoctor.report.told import Place, explained_text, fingerprint, level, one_line

if TYPE_CHECKING:
    from smtpdoctor.report.told import Part, Profile, Told
    from smtpdoctor.report.view import Problem

__all__ = ["CHECK", "tell"]

CHECK: Final = "smtpdoctor/"  # what the name of each check begins with
_SEVERITIES: Final = {"error": "critical", "warning": "minor", "info": "info"}
_PIPELINE: Final = Place(".gitlab-ci.yml", 1)  # a place each has to have
_QUOTE: Final = 500


def tell(told: Told) -> str:
    """Return the list of findings; a healthy run has an empty one."""
    taken: set[str] = set()
    found = [_issue(told, part, problem, taken) for part in told.parts for problem in part.view.problems]
    found += [_unrun(told, one, taken) for one in told.unrun]
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def _unrun(told: Told, profile: Profile, taken: set[str]) -> dict[str, Any]:
    place = told.place_of(profile) or _PIPELINE
    name = "usage" if profile.error else "interrupted"
    return {
        "type": "issue",
        "check_name": f"{CHECK}{name}",
        "description": f"[{profile.verdict}] {one_line(profile.name)}: {one_line(told.why(profile))}",
        "categories": ["Bug Risk"],
        "severity": "blocker" if profile.error else "major",
        "fingerprint": fingerprint(name, place.path, profile.name, taken=taken),
        "location": {"path": place.path, "lines": {"begin": place.line}},
    }


def _issue(told: Told, part: Part, problem: Problem, taken: set[str]) -> dict[str, Any]:
    place = told.places.of(problem, part.view) or _PIPELINE
    about = f"{problem.id}: {one_line(problem.title)}"
    said = " ".join(explained_text(problem, quote=_QUOTE))
    setting = problem.evidence.setting or ""
    return {
        "type": "issue",
        "check_name": f"{CHECK}{problem.id}",
        "description": f"[{part.view.verdict}] {about}. {said}",
        "content": {"body": "\n".join(explained_text(problem, quote=_QUOTE))},
        "categories": ["Security" if problem.id.startswith("auth-cleartext") else "Bug Risk"],
        "severity": "blocker"
        if problem is part.view.problems[0] and problem.grave
        else _SEVERITIES[level(problem)],
        "fingerprint": fingerprint(problem.id, place.path, part.name, setting, taken=taken),
        "location": {"path": place.path, "lines": {"begin": place.line}},
    }
