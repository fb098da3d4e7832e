"""The stream of records → findings, each told once, with its count and its first and last line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import Context, diagnose
from smtpdoctor.explain.reading import read
from smtpdoctor.explain.records import Record, records
from smtpdoctor.model import Confidence, Finding, Severity

__all__ = ["Explained", "explain_lines", "explain_text", "findings_in"]

_GRAVE = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_SURE = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1, Confidence.POSSIBLE: 2}


class Explained(Struct, frozen=True):
    """A cause, how often it was seen, and where."""

    finding: Finding
    context: Context
    count: int
    file: str | None
    line: int
    last_line: int


def findings_in(
    lines: Iterable[str | None], provider: str | None, file: str | None
) -> Iterator[tuple[Finding, Context, Record]]:
    """Yield a finding for each record that tells of a mail failure, as the lines come."""
    for record in records(lines):
        found = read(record, provider, file)
        if found is None:
            continue
        finding = diagnose(found.evidence, found.context)
        if finding is not None and (found.sure or finding.worded):
            yield finding, found.context, record


def explain_lines(
    lines: Iterable[str], *, provider: str | None = None, file: str | None = None
) -> list[Explained]:
    """Explain a stream of lines; memory grows with the number of different causes, not with the input."""
    known: dict[tuple[str, str | None], Explained] = {}
    for finding, context, record in findings_in(lines, provider, file):
        key = (finding.id, context.provider)
        seen = known.get(key)
        if seen is None:
            known[key] = Explained(finding, context, 1, file, record.first, record.last)
            continue
        seen = replace(seen, count=seen.count + 1, last_line=record.last)
        if _SURE[finding.confidence] < _SURE[seen.finding.confidence]:
            seen = replace(seen, finding=finding, context=context)
        known[key] = seen
    named = [one for one in known.values() if one.finding.id != "unclear"]
    return sorted(
        named or known.values(),
        key=lambda one: (_GRAVE[one.finding.severity], -one.count, _SURE[one.finding.confidence], one.line),
    )


def explain_text(text: str, *, provider: str | None = None) -> list[Explained]:
    """Explain a pasted text."""
    return explain_lines(text.splitlines(), provider=provider)
