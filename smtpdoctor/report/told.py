"""What a format is given: the reports of a run, in words, and where in a repository each finding belongs.

Every format is one module with ``tell(told) -> str``, and those that make sense for a log or an entry of
the catalogue have ``tell_found(found) -> str`` too. They know views and places, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from smtpdoctor import __version__
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Lang, Severity, Stage, Verdict
from smtpdoctor.report.view import Problem, View
from smtpdoctor.text import say

__all__ = [
    "Found",
    "Part",
    "Place",
    "Places",
    "Profile",
    "Seen",
    "Told",
    "days_left",
    "explained_text",
    "fingerprint",
    "level",
    "mark",
    "one_line",
    "pieces",
    "plain",
    "worst",
]

_WORST: Final[tuple[Verdict, ...]] = ("fail", "inconclusive", "warn", "pass")
# From these a setting comes that stands in no file of its own; what sets it is the workflow.
_OUTSIDE: Final = frozenset({"environment", "flag", "argument"})
_FINGERPRINT: Final = 32  # hexadecimal digits


def mark() -> str:
    """Return the words by which a file is known as one that smtpdoctor wrote."""
    return f"smtpdoctor {__version__}"


class Place(Struct, frozen=True):
    """A line of a file; ``path`` is relative to the repository where the file is in one."""

    path: str
    line: int


class Places(Struct, frozen=True):
    """Where a finding is shown. ``relative`` turns a path as it was given into one of the repository.

    ``anchor`` is the file for what stands in no file, ``workflow`` the one where the run itself is described.
    """

    anchor: str | None = None
    workflow: str | None = None
    relative: Callable[[str], str] = str

    def of(self, problem: Problem, view: View | None = None) -> Place | None:
        """Return the line to change, else where the setting at fault stands or what comes nearest to it."""
        for edit in problem.changes:
            if edit.file and edit.line:
                return self._at(edit.file, edit.line)
        origin = problem.evidence.origin
        if origin is not None and origin.kind in {"file", "project"} and origin.path:
            return self._at(origin.path, origin.line)
        for edit in problem.changes:
            if edit.file:  # what is missing is to be added there
                return self._at(edit.file, None)
        if self.anchor is not None:
            return self._at(self.anchor, None)
        if view is not None and (origin is None or origin.kind not in _OUTSIDE):
            # What is at fault is no setting; the server is named by one.
            for row in view.settings:
                if row.name == "host" and row.path:
                    return self._at(row.path, row.line)
        return Place(self.workflow, 1) if self.workflow else None

    def at(self, file: str, line: int | None) -> Place:
        """Return a line of a file as it is to be shown."""
        return self._at(file, line)

    def _at(self, file: str, line: int | None) -> Place:
        return Place(printable(self.relative(file)), max(line or 1, 1))


class Part(Struct, frozen=True, kw_only=True):
    """The report about one application or profile; ``name`` is empty where it is the only one.

    ``twin`` is the same in the other language, for a format that has both. ``healthy``: by what was
    asked for (``--strict``), the run ends well.
    """

    name: str
    view: View
    twin: View | None = None
    healthy: bool = True

    @property
    def verdict(self) -> Verdict:
        """What the report says."""
        return self.view.verdict

    @property
    def views(self) -> tuple[View, ...]:
        """The languages that there are, English first."""
        both = (self.view, *([self.twin] if self.twin else []))
        return tuple(sorted(both, key=lambda one: one.lang))


class Profile(Struct, frozen=True):
    """A profile and its report in words; without one, why it could not be run, or nothing where it was not reached.

    ``twin`` and ``twin_error`` are the same in the other language, for a format that has both. ``healthy``: by
    the policy of its run, it ends well. ``file`` and ``line`` are where it stands, or what is wrong in it.
    """

    name: str
    view: View | None = None
    error: str = ""
    healthy: bool = False
    twin: View | None = None
    twin_error: str = ""
    file: str | None = None
    line: int | None = None

    def said(self, lang: Lang, of: Lang) -> str:
        """Return why there is no report, in a language; ``of`` is the one of ``error``."""
        return (self.error if lang == of else self.twin_error) or say(lang, "profiles.not-reached")

    @property
    def verdict(self) -> Verdict:
        """What it comes to: one that could not be run is a failure, one that was not reached undecided."""
        if self.view is not None:
            return self.view.verdict
        return "fail" if self.error else "inconclusive"


class Told(Struct, frozen=True, kw_only=True):
    """All that a run has to tell; ``when`` is its time as text (ISO 8601, UTC), empty where nobody asks."""

    command: str
    lang: Lang
    parts: tuple[Part, ...]
    transcript: bool = False
    places: Places = Places()
    when: str = ""
    profiles: tuple[Profile, ...] = ()  # all that were asked for, also those without a report
    services: bool = False  # they are the services of a file, and no profiles

    @property
    def verdict(self) -> Verdict:
        """The gravest of all."""
        return worst(one.verdict for one in self.profiles or self.parts)

    @property
    def unrun(self) -> tuple[Profile, ...]:
        """The profiles without a report."""
        return tuple(one for one in self.profiles if one.view is None)

    def why(self, profile: Profile) -> str:
        """Return why a profile has no report."""
        return profile.said(self.lang, self.lang)

    def place_of(self, profile: Profile) -> Place | None:
        """Return the line that has to do with it that a profile could not be run."""
        return self.places.at(profile.file, profile.line) if profile.file else None


class Seen(Struct, frozen=True, kw_only=True):
    """A finding of a log: how often, and where it was seen first; of the catalogue without a place."""

    problem: Problem
    count: int | None = None
    file: str | None = None
    line: int | None = None
    last_line: int | None = None
    caused_by: str | None = None


class Found(Struct, frozen=True, kw_only=True):
    """What ``explain`` has to tell.

    ``answer`` is what is said of a question that is about no failure, ``unreadable`` which files could
    not be read.
    """

    lang: Lang
    seen: tuple[Seen, ...]
    answer: dict[str, Any] | None = None
    unreadable: tuple[str, ...] = ()
    places: Places = Places()

    def place(self, one: Seen) -> Place | None:
        """Return the line of the log, or the anchor."""
        if one.file is not None:
            return self.places.at(one.file, one.line)
        anchor = self.places.anchor
        return self.places.at(anchor, None) if anchor is not None else None


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest of some verdicts."""
    return min(verdicts, key=_WORST.index, default="pass")


def days_left(view: View) -> int | None:
    """Return how many days the server's certificate has left, where it was seen."""
    days = next((line.facts.get("days") for line in view.stages if line.stage is Stage.TLS), None)
    return days if isinstance(days, int) else None


def level(problem: Problem) -> Severity:
    """Return how grave a finding is in this run: what a run failed of is an error."""
    return Severity.ERROR if problem.grave else problem.severity


def one_line(text: str) -> str:
    """Return a text as one line, in which nothing is hidden and nothing commands a terminal."""
    return printable(" ".join(text.split()))


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text of ours, each with whether it stood in backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(text, False)]
    return [(part, number % 2 == 1) for number, part in enumerate(parts) if part]


def plain(text: str) -> str:
    """Return a text of ours as one line without backticks, for what shows no code."""
    return one_line("".join(part for part, _ in pieces(text)))


def explained_text(problem: Problem, *, quote: int) -> list[str]:
    """Return a finding in few plain lines: cause, the other side's words up to a length, the first step, the lines to write."""
    lines = [plain(problem.cause)]
    if problem.quote is not None:
        lines.append(f"« {one_line(problem.quote.words)[:quote]} »")
    if problem.steps:
        lines.append(f"→ {plain(problem.steps[0])}")
    for excerpt in problem.excerpts:
        lines.append(one_line(excerpt.place))
        lines += [f"{line.sign} {printable(line.text)}" for line in excerpt.lines]
    return lines


def fingerprint(*words: str, taken: set[str]) -> str:
    """Return what stays the same for a finding from run to run, and is another for each in a report."""
    import hashlib

    for number in range(len(taken) + 1):
        text = "\0".join((*words, str(number)))
        made = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_FINGERPRINT]
        if made not in taken:
            break
    taken.add(made)
    return made
