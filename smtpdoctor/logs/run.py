"""The stream of records → causes, each told once, with its count and its first and last line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import CERTAINTY, GRAVITY, Context
from smtpdoctor.logs.encoding import mended
from smtpdoctor.logs.judge import Judge, Weigh, is_consequence, weighed
from smtpdoctor.logs.judged import Judged
from smtpdoctor.logs.lines import are_of_containers, clusters, tells, without_settings
from smtpdoctor.logs.reading import Subject, app_of, speaks_of_no_sending, subject_of
from smtpdoctor.logs.records import Record, records
from smtpdoctor.logs.source import SMALL, Numbered, Source
from smtpdoctor.model import Confidence, Finding

__all__ = ["Explained", "explain_source", "explain_text", "ordered", "tell"]

_NEAR: Final = 3  # lines: what stands closer together is one incident
_PASTE: Final = 25  # lines: what a person pastes to ask about it
_ONE_TEXT: Final = 60  # lines: up to here, lines without a time stamp are taken to belong together
_LIST: Final = 3  # different failures in one text that a person chose
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


def tell(
    lines: Iterable[Numbered | None],
    *,
    provider: str | None = None,
    count: int | None = None,
    live: bool = False,
    weigh: Weigh = weighed,
) -> Iterator[_Seen]:
    """Yield each failure as its last line comes; what is only the echo of the one before is left out.

    ``count`` is the number of lines, where it is known: a few are one pasted error, not a log.
    ``live``: when nothing more comes for a moment, what is held back is told.
    """
    if count is None:
        judge = Judge(provider, pasted=False, weigh=weigh)
        yield from _told(lines, Judged(), judge, whole=False, live=live)
        return
    pasted_lines = [line for line in lines if line is not None]
    groups, telling = clusters(pasted_lines)
    pasted: bool | None = telling <= _PASTE
    if pasted:
        pasted = _is_pasted(line for group in groups for line in group)
        if pasted is None:
            return
    # Settings may stand far above the failure, and be no part of what tells of it.
    app = app_of("\n".join(text for _, text in pasted_lines)) if groups else None
    known, judge = Judged(), Judge(provider, pasted=bool(pasted), weigh=weigh, app=app)
    for group in groups:
        whole = len(group) <= _ONE_TEXT and not are_of_containers(group)
        yield from _told(group, known, judge, whole=whole, live=live)


def _told(
    lines: Iterable[Numbered | None],
    known: Judged,
    judge: Judge,
    *,
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
        judged = known.of(record, judge.of)
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


def _listed(found: Sequence[Explained]) -> Sequence[Explained]:
    """Leave a doubt in each of several failures of a pasted text: a guide lists them as they would be printed."""
    if len({one.finding.id for one in found}) < _LIST:
        return found
    return [
        replace(one, finding=replace(one.finding, confidence=Confidence.LIKELY))
        if one.finding.confidence is Confidence.CERTAIN
        else one
        for one in found
    ]


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


def explain_text(
    text: str | bytes, *, provider: str | None = None, weigh: Weigh = weighed
) -> list[Explained]:
    """Explain a pasted text; a long one is a log, and so is one in bytes, whatever its encoding.

    ``weigh`` says how probable each entry is by what is seen.
    """
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
    told = tell(enumerate(lines, 1), provider=provider, count=len(lines), weigh=weigh)
    return ordered(_listed(_collected(told, None)))
