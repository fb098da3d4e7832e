"""The stream of records → causes, each told once, with its count and its first and last line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import CERTAINTY, GRAVITY, Context, diagnose
from smtpdoctor.knowledge import load
from smtpdoctor.logs.encoding import mended
from smtpdoctor.logs.excerpt import excerpt
from smtpdoctor.logs.judged import Judged
from smtpdoctor.logs.lookup import of_entry
from smtpdoctor.logs.reading import (
    Subject,
    read,
    says_failure,
    speaks_of_no_sending,
    subject_of,
)
from smtpdoctor.logs.records import Record, records
from smtpdoctor.logs.source import SMALL, Numbered, Source
from smtpdoctor.model import Confidence, Finding

__all__ = ["Explained", "explain_source", "explain_text", "ordered", "tell"]

_NEAR: Final = 3  # lines: what stands closer together is one incident
_PASTE: Final = 25  # lines: what a person pastes to ask about it
_ONE_TEXT: Final = 60  # lines: up to here, lines without a time stamp are taken to belong together
# A reply alone, by codes that HTTP does not use, and not a count of things.
_REFUSAL: Final = re.compile(r"\W{0,4}(?:421|45[0-5]|53[0-8]|55[0-5])[ -][\"'<(]?[A-Z]")
_MAX_CAUSES: Final = 1_000


class Explained(Struct, frozen=True):
    """A cause, how often it was seen, and where; ``caused_by`` is the id that it is probably a consequence of."""

    finding: Finding
    context: Context
    count: int
    file: str | None
    line: int
    last_line: int
    caused_by: str | None = None


class _Seen(Struct, frozen=True):
    """One failure: its finding, and the record that tells of it."""

    finding: Finding
    context: Context
    record: Record


def is_consequence(effect: str, cause: str) -> bool:
    """Whether the one id is often no more than a consequence of the other."""
    follows = load.entry(effect).follows
    return effect != cause and any(fnmatchcase(cause, pattern) for pattern in follows)


def tell(
    lines: Iterable[Numbered | None],
    *,
    provider: str | None = None,
    count: int | None = None,
    live: bool = False,
) -> Iterator[_Seen]:
    """Yield each failure as its last line comes; what is only the echo of the one before is left out.

    ``count`` is the number of lines, where it is known: a few are one pasted error, not a log.
    ``live``: when nothing more comes for a moment, what is held back is told.
    """
    pasted = count is not None and count <= _PASTE
    if pasted:
        lines, pasted = _as_pasted(lines)
    known = Judged()
    held: _Seen | None = None
    for record in records(lines, whole=count is not None and count <= _ONE_TEXT, live=live):
        if record is None:
            if live and held is not None:
                yield held
                held = None
            continue
        judged = known.of(record, lambda one: _judge(one, provider, pasted=pasted))
        if held is not None and record.first - held.record.last > _NEAR:
            yield held  # nothing that is still to come belongs to it
            held = None
        if judged is None:
            continue
        new = _Seen(*judged, record)
        joined = _joined(held, new)
        if joined is None and held is not None:
            yield held
        held = joined or new
    if held is not None:
        yield held


def _joined(held: _Seen | None, new: _Seen) -> _Seen | None:
    """Return one failure of two that stand close together, the one being a consequence of the other."""
    if held is None or held.record.container != new.record.container:
        return None
    if is_consequence(new.finding.id, held.finding.id):
        return replace(held, record=replace(held.record, last=new.record.last))
    if is_consequence(held.finding.id, new.finding.id):
        return replace(new, record=replace(new.record, first=held.record.first))
    return None


def _as_pasted(lines: Iterable[Numbered | None]) -> tuple[list[Numbered | None], bool]:
    """Return a pasted text, and whether what says nothing of mail in it may be about mail all the same.

    What a person pastes is about one thing: beside another program's failure, a bare socket error is
    that program's, and beside a mailbox that is read nothing is about sending.
    """
    kept = list(lines)
    whole = "\n".join(line[1] for line in kept if line)
    if speaks_of_no_sending(whole):
        return [], False
    return kept, subject_of(whole, pasted=True) is not Subject.OTHER


def _judge(record: Record, provider: str | None, *, pasted: bool) -> tuple[Finding, Context] | None:
    reading = read(record, provider, pasted=pasted)
    if reading is None:
        return None
    evidence = reading.evidence
    finding = diagnose(evidence, reading.context)
    told = evidence.code or evidence.enhanced or evidence.error or evidence.labels
    if finding is not None and not (finding.pattern or told):
        # A stage alone is no failure.
        finding = diagnose(replace(evidence, stage=None), reading.context)
    if finding is None:
        refused = evidence.enhanced is not None or (pasted and _REFUSAL.match(record.text) is not None)
        if not ((reading.sure and refused) or (pasted and says_failure(record.text))):
            return None
        # What no rule knows is a failure all the same.
        finding = replace(of_entry(load.entry("unclear"), evidence=evidence), confidence=Confidence.POSSIBLE)
    elif not (reading.sure or finding.pattern):
        return None
    return replace(finding, evidence=replace(evidence, text=excerpt(reading.lines, finding))), reading.context


def _collected(seen: Iterable[_Seen], file: str | None) -> list[Explained]:
    causes: dict[tuple[str, str | None], Explained] = {}
    for one in seen:
        key = (one.finding.id, one.context.provider)
        known = causes.get(key)
        if known is None:
            if len(causes) < _MAX_CAUSES:
                causes[key] = Explained(
                    one.finding, one.context, one.record.times, file, one.record.first, one.record.last
                )
            continue
        better = known
        if CERTAINTY[one.finding.confidence] < CERTAINTY[known.finding.confidence]:
            better = replace(known, finding=one.finding, context=one.context)
        causes[key] = replace(better, count=known.count + one.record.times, last_line=one.record.last)
    return list(causes.values())


def ordered(found: Iterable[Explained]) -> list[Explained]:
    """Return the gravest and most frequent first, a consequence after its cause."""
    result: list[Explained] = []
    rest = sorted(
        found,
        key=lambda one: (
            GRAVITY[one.finding.severity],
            -one.count,
            CERTAINTY[one.finding.confidence],
            one.line,
        ),
    )
    ids = {one.finding.id for one in rest}
    effects: list[Explained] = []
    for one in rest:
        causes = [name for name in ids if is_consequence(one.finding.id, name)]
        direct = [name for name in causes if not is_consequence(name, one.finding.id)]
        if direct:
            first = next(other.finding.id for other in rest if other.finding.id in direct)
            effects.append(replace(one, caused_by=first))
        else:
            result.append(one)
    for effect in effects:
        place = max(
            (
                number
                for number, one in enumerate(result)
                if effect.caused_by in (one.finding.id, one.caused_by)
            ),
            default=len(result) - 1,
        )
        result.insert(place + 1, effect)
    return result


def explain_source(
    source: Source, *, provider: str | None = None, file: str | None = None
) -> list[Explained]:
    """Explain a file or pipe; memory grows with the number of different causes, not with the input."""
    return ordered(_collected(tell(source.lines(), provider=provider, count=source.count), file))


def explain_text(text: str | bytes, *, provider: str | None = None) -> list[Explained]:
    """Explain a pasted text; a long one is a log, and so is one in bytes, whatever its encoding."""
    if isinstance(text, bytes):
        return explain_source(Source(BytesIO(text)), provider=provider)
    lines = text.splitlines()
    if not text.isascii():
        # Together they tell more of their code page; a byte of it may be the end of a line elsewhere.
        whole = mended("\n".join(lines)).split("\n")
        lines = whole if len(whole) == len(lines) else list(map(mended, lines))
    if len(text) > SMALL:
        data = "\n".join(lines).encode("utf-8", "replace")
        return explain_source(Source(BytesIO(data)), provider=provider)
    return ordered(_collected(tell(enumerate(lines, 1), provider=provider, count=len(lines)), None))
