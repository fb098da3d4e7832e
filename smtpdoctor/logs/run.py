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
from smtpdoctor.logs.judged import Judged, Judgement
from smtpdoctor.logs.lines import are_of_containers, clusters, tells, without_settings
from smtpdoctor.logs.lookup import of_entry
from smtpdoctor.logs.reading import (
    Said,
    Subject,
    apart,
    read,
    said_in,
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
_REFUSAL: Final = re.compile(r"(?m)^\W{0,4}(?:421|45[0-5]|53[0-8]|55[0-5])[ -][\"'<(]?[A-Z]")
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
    """One failure: its finding, the record that tells of it, and the line where it does."""

    finding: Finding
    context: Context
    record: Record
    line: int


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
    if count is None:
        yield from _told(lines, Judged(), provider, pasted=False, whole=False, live=live)
        return
    groups, telling = clusters([line for line in lines if line is not None])
    pasted: bool | None = telling <= _PASTE
    if pasted:
        pasted = _is_pasted(line for group in groups for line in group)
        if pasted is None:
            return
    known = Judged()
    for group in groups:
        whole = len(group) <= _ONE_TEXT and not are_of_containers(group)
        yield from _told(group, known, provider, pasted=bool(pasted), whole=whole, live=live)


def _told(
    lines: Iterable[Numbered | None],
    known: Judged,
    provider: str | None,
    *,
    pasted: bool,
    whole: bool,
    live: bool,
) -> Iterator[_Seen]:
    """Yield the failures of lines that belong together, or of a log."""
    held: _Seen | None = None
    for record in records(lines, whole=whole, live=live):
        if record is None:
            if live and held is not None:
                yield held
                held = None
            continue
        judged = known.of(record, lambda one: _judge(one, provider, pasted=pasted))
        if held is not None and record.first - held.record.last > _NEAR:
            yield held  # nothing that is still to come belongs to it
            held = None
        for finding, context, place in judged:
            new = _Seen(finding, context, record, record.numbers[place])
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
        return replace(held, record=replace(held.record, last=max(held.record.last, new.record.last)))
    if is_consequence(held.finding.id, new.finding.id):
        return new
    return None


def _is_pasted(lines: Iterable[Numbered]) -> bool | None:
    """Return whether what says nothing of mail in a pasted text may be about mail all the same.

    What a person pastes is about one thing: beside another program's failure, a bare socket error is
    that program's, and beside a mailbox that is read nothing is about sending at all: None.
    """
    whole = "\n".join(line for line in without_settings(line for _, line in lines) if tells(line))
    if speaks_of_no_sending(whole):
        return None
    return subject_of(whole, pasted=True) is not Subject.OTHER


def _judge(record: Record, provider: str | None, *, pasted: bool) -> Judgement:
    """Return what a record tells, each failure that stands in it."""
    whole = _judge_one(record.text, provider, pasted=pasted)
    if whole is None:
        return ()
    several = list(apart(record.text))
    if len(several) > 1:
        judged = [(start, _judge_one(text, provider, pasted=pasted)) for start, text in several]
        found = [(one[0], one[1], start + one[2]) for start, one in judged if one is not None]
        if _are_distinct([one[0].id for one in found]):
            return tuple(found)
    return (whole,)


def _are_distinct(ids: list[str]) -> bool:
    """Whether each is a failure of its own, none of them being what another looks like from outside."""
    return len(set(ids)) > 1 and not any(is_consequence(one, other) for one in ids for other in ids)


def _judge_one(text: str, provider: str | None, *, pasted: bool) -> tuple[Finding, Context, int] | None:
    bare, *whole = said_in(text) or (None,)
    if bare is None:
        return None
    judged = _judge_text(bare, provider, pasted=pasted)
    for said in whole if judged is None or judged[0].id == "unclear" else ():
        # The error says nothing, but the settings beside it may be wrong.
        other = _judge_text(said, provider, pasted=pasted)
        if other is not None and other[0].id.startswith("config-"):
            return other
    return judged


def _judge_text(said: Said, provider: str | None, *, pasted: bool) -> tuple[Finding, Context, int] | None:
    reading = read(said, provider, pasted=pasted)
    if reading is None:
        return None
    evidence = reading.evidence
    finding = diagnose(evidence, reading.context)
    told = evidence.code or evidence.enhanced or evidence.error or evidence.labels
    if finding is not None and not (finding.pattern or told):
        # A stage alone is no failure.
        finding = diagnose(replace(evidence, stage=None), reading.context)
    if finding is None:
        refused = evidence.enhanced is not None or (pasted and _REFUSAL.search(said.text) is not None)
        if not ((reading.sure and refused) or (pasted and says_failure(said.text))):
            return None
        # What no rule knows is a failure all the same.
        finding = replace(of_entry(load.entry("unclear"), evidence=evidence), confidence=Confidence.POSSIBLE)
    elif not (reading.sure or finding.pattern):
        return None
    shown = excerpt(reading.lines, finding)
    place = reading.lines.count("\n", 0, shown.place)
    finding = replace(finding, evidence=replace(evidence, text=shown.text))
    return finding, reading.context, said.places[place]


def _collected(seen: Iterable[_Seen], file: str | None) -> list[Explained]:
    causes: dict[tuple[str, str | None], Explained] = {}
    for one in seen:
        key = (one.finding.id, one.context.provider)
        known = causes.get(key)
        if known is None:
            if len(causes) < _MAX_CAUSES:
                last = max(one.line, one.record.last)
                causes[key] = Explained(one.finding, one.context, one.record.times, file, one.line, last)
            continue
        better = known
        if CERTAINTY[one.finding.confidence] < CERTAINTY[known.finding.confidence]:
            better = replace(known, finding=one.finding, context=one.context)
        last = max(known.last_line, one.record.last)
        causes[key] = replace(better, count=known.count + one.record.times, last_line=last)
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
