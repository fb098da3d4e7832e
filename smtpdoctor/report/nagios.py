"""One line for Nagios and what speaks its language, with the times of the stages as performance data.

https://nagios-plugins.org/doc/guidelines.html: exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. What
could not be decided is UNKNOWN, and so is a command that came to no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from smtpdoctor.model import Status, Verdict
from smtpdoctor.report.told import days_left, one_line, plain, worst

if TYPE_CHECKING:
    from smtpdoctor.report.told import Part, Told

__all__ = ["STATES", "UNKNOWN", "code_of", "refused", "tell"]

UNKNOWN: Final = 3
STATES: Final = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_CODES: Final[dict[Verdict, int]] = {"pass": 0, "warn": 1, "fail": 2, "inconclusive": UNKNOWN}
_ORDER: Final[tuple[Verdict, ...]] = ("fail", "inconclusive", "warn", "pass")
_STEP: Final = 1_500  # characters
_LONGEST: Final = 3_500  # characters: NRPE carries 4 KB


def code_of(told: Told) -> int:
    """Return the exit code for a run; of a profile that could not be run nothing is known."""
    return _CODES[_verdict(told)]


def _verdict(told: Told) -> Verdict:
    unknown: list[Verdict] = ["inconclusive"] if told.unrun else []
    return worst((*(part.verdict for part in told.parts), *unknown))


def tell(told: Told) -> str:
    """Return the status line."""
    # The line may be cut: what is grave comes first.
    parts = sorted(told.parts, key=lambda part: _ORDER.index(part.verdict))
    texts = [f"{one.name}: {told.why(one)}" for one in told.unrun]
    failed = sum(part.verdict == "fail" for part in parts)
    texts[:0] = [_named(part) for part in parts[:failed]]
    texts += [_named(part) for part in parts[failed:]]
    prefixes = _prefixes(part.name for part in told.parts)
    data = " ".join(data for part in told.parts for data in _data(part, prefixes[part.name]))
    return _status(code_of(told), f"{_verdict(told)}: {'; '.join(texts)}", data)


def refused(text: str) -> str:
    """Return the status line of a command that came to no report."""
    return _status(UNKNOWN, text, "")


def _status(code: int, text: str, data: str) -> str:
    # What stands behind a bar is data.
    said = one_line(text).replace("|", "¦")
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]}…"
    return f"SMTPDOCTOR {STATES[code]} - {said}" + (f" | {data}" if data else "") + "\n"


def _named(part: Part) -> str:
    return ": ".join(filter(None, (part.name, _said(part))))


def _said(part: Part) -> str:
    view = part.view
    if not view.problems:
        return plain(view.last[0])
    first, *others = view.problems
    step = f" → {plain(first.steps[0])[:_STEP]}" if first.steps else ""
    more = f" (+ {', '.join(one.id for one in others)})" if others else ""
    return f"{first.id}: {plain(first.title)}{step}{more}"


def _prefixes(names: Iterable[str]) -> dict[str, str]:
    """Return what the data of each part begin with: another for each, in letters, digits and ``_``."""
    found: dict[str, str] = {}
    for name in names:
        bare = "".join(one if one.isalnum() else "_" for one in name)
        number, prefix = 1, f"{bare}_" if bare else ""
        while prefix in found.values():
            number += 1
            prefix = f"{bare}_{number}_"
        found[name] = prefix
    return found


def _data(part: Part, prefix: str) -> Iterator[str]:
    """Yield the times, and what is left of the certificate's life."""
    for line in part.view.stages:
        if line.status is not Status.SKIP:
            yield f"{prefix}{line.stage.value}={line.seconds:.3f}s;;;0"
    days = days_left(part.view)
    if days is not None:
        yield f"{prefix}certificate_days={days}"
    yield f"{prefix}total={part.view.seconds:.3f}s;;;0"
