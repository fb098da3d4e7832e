"""Runs checks: one that is tried again while what it meets is temporary, and many at once.

The doctor makes one run and knows nothing of another; how often, when and beside what is decided here.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor import doctor
from smtpdoctor.doctor import Observer
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.model import Message, Report, Severity, Stage, Trial
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded

__all__ = ["MOST_RETRIES", "Job", "Paused", "check", "in_threads", "pause_asked_for"]

T = TypeVar("T")

MOST_RETRIES: Final = 100
_FIRST_PAUSE: Final = 0.5  # seconds; twice as long each time
_LONGEST_PAUSE: Final = 15.0
_TICK: Final = 0.5  # seconds between two looks for Ctrl-C, where a wait cannot be interrupted
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "초": 1, "秒": 1, "분": 60, "分": 60, "시": 3600, "時": 3600}
_LATER: Final = re.compile(
    r"again|retr(?:y|ies)|later|wait|gr[ea]y-?list|come back|delay|temporar|postpone|throttl|다시|나중|再"
)
_NUMBER: Final = r"(\d{1,6})[ \t]*(s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?\b"
_TIMES: Final = tuple(
    map(
        re.compile,
        (
            # "try again in 300 seconds", "greylisted for 5 minutes", "wait 60s"; then "retry=300s"; then
            # "300 seconds later"; then the languages that count in characters
            rf"\b(?:in|for|after|wait|another|next|least|about|approximately|to)[ \t]+{_NUMBER}",
            rf"[(=:][ \t]*{_NUMBER}",
            rf"\b{_NUMBER}[ \t]+(?:later|and|before|until|from)\b",
            r"(\d{1,6})[ \t]*([초분시秒分時])",
        ),
    )
)
_CLOCK: Final = re.compile(r"\b(?:in|for|after)[ \t]+(\d{1,2}):(\d\d)(?::(\d\d))?\b")


Paused = Callable[[Trial, int, int, float], None]
"""Is told of an attempt that another one follows: its number, of how many at most, and the seconds to wait."""


def pause_asked_for(text: str) -> float | None:
    """Return for how many seconds a server asks to be left alone, None where its words say nothing of it."""
    lowered = text.lower()
    if not _LATER.search(lowered):
        return None
    found = [
        float(number) * _SECONDS[unit] for pattern in _TIMES for number, unit in pattern.findall(lowered)
    ]
    for first, second, third in _CLOCK.findall(lowered):
        parts = [int(one) for one in (first, second, third) if one]
        found.append(float(sum(one * 60**place for place, one in enumerate(reversed(parts)))))
    return max(found, default=None)


def check(
    loaded: Loaded,
    options: Options,
    observer: Observer | None = None,
    *,
    retries: int = 0,
    paused: Paused | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    redactor: Redactor | None = None,
) -> Report:
    """Check, and check again while the failure is temporary, at most ``retries`` times.

    The deadline of the options is for all attempts together. A login that was answered with anything but
    yes is not tried again, and a message of which nobody knows whether it arrived is not sent twice.
    ``paused`` is told of each attempt that another one follows, before the wait.
    """
    started = clock()
    made: list[Trial] = []
    pause = 0.0
    while True:
        left = options.deadline - (clock() - started)
        looks = options.looks and len(made) >= retries
        now = replace(options, deadline=max(left, 0.1), looks=looks)
        report = doctor.check(loaded, now, observer, redactor=redactor)
        made.append(_attempt(report, pause))
        if retries == 0:
            return report
        left = options.deadline - (clock() - started)
        pause, ended = _pause(report, len(made), left)
        if ended is None and len(made) > retries and report.verdict == "inconclusive":
            ended = Message("runs.ended.all", {"count": len(made)})
        if ended is not None or report.verdict != "inconclusive":
            return replace(report, attempts=tuple(made), ended=ended, seconds=clock() - started)
        if paused is not None:
            paused(made[-1], len(made), retries + 1, pause)
        sleep(pause)


def _attempt(report: Report, pause: float) -> Trial:
    first = report.findings[0] if report.findings else None
    if first is None or (first.severity is not Severity.ERROR and report.verdict in {"pass", "warn"}):
        return Trial(pause=pause, seconds=report.seconds)
    return Trial(finding=first.id, stage=first.stage, pause=pause, seconds=report.seconds)


def _pause(report: Report, made: int, left: float) -> tuple[float, Message | None]:
    """Return how long to wait after so many attempts, and why there is to be no other one, if so."""
    if report.verdict != "inconclusive":
        return 0.0, None
    first = report.findings[0]
    if first.stage is Stage.AUTH:
        return 0.0, Message("runs.ended.login")
    if first.stage is Stage.DELIVERY or (first.stage is Stage.SEND and first.evidence.code is None):
        return 0.0, Message("runs.ended.sent")
    asked = pause_asked_for(first.evidence.text)
    seconds = min(_FIRST_PAUSE * 2 ** (made - 1), _LONGEST_PAUSE) if asked is None else asked
    if seconds >= left:
        key = "runs.ended.deadline" if asked is None else "runs.ended.wait"
        return 0.0, Message(key, {"seconds": f"{seconds:g}", "left": f"{max(left, 0.0):.0f}"})
    return seconds, None


# -- Many ---------------------------------------------------------------------

_MOST_THREADS: Final = 64
_MOST_PER_LANE: Final = 8


class Job(Struct, Generic[T], frozen=True):
    """Something to run; of those in one lane only some run at a time, as a server takes only so many clients."""

    run: Callable[[], T]
    lane: Hashable = None


def in_threads(
    jobs: Sequence[Job[T]],
    *,
    done: Callable[[int, T], None] | None = None,
    threads: int = _MOST_THREADS,
    per_lane: int = _MOST_PER_LANE,
) -> list[T | None]:
    """Run all jobs in threads and return what each came to, in their order.

    ``done`` is told on the calling thread of each job that ends. Ctrl-C ends the wait: what is not done by
    then stays None, and what runs still dies with the process. What a job raises is raised here.
    """
    results: list[T | None] = [None] * len(jobs)
    told: SimpleQueue[tuple[int, T | None, BaseException | None]] = SimpleQueue()
    queue = _Queue(jobs, per_lane)

    def work() -> None:
        number = queue.take()
        while number is not None:
            try:
                told.put((number, jobs[number].run(), None))
            except BaseException as error:  # noqa: BLE001 -- it is raised on the calling thread
                told.put((number, None, error))
            number = queue.take(number)

    for _ in range(min(threads, queue.most)):
        threading.Thread(target=work, daemon=True).start()
    left = len(jobs)
    try:
        while left:
            try:
                number, result, error = told.get(timeout=_TICK)
            except Empty:
                continue
            left -= 1
            if error is not None:
                raise error
            results[number] = result
            if done is not None and result is not None:
                done(number, result)
    finally:
        queue.stop()
    return results


class _Queue:
    """Hands out the numbers of jobs, in order, but of no lane too many at a time.

    Nobody waits here: room in a lane is made only by a thread that has ended a job of it, and that thread comes
    back for the next one. So one that finds nothing to do now is not needed later either.
    """

    def __init__(self, jobs: Sequence[Job[T]], per_lane: int) -> None:
        self._lanes = [one.lane for one in jobs]
        self._waiting: dict[Hashable, deque[int]] = {}
        for number, lane in enumerate(self._lanes):
            self._waiting.setdefault(lane, deque()).append(number)
        self._room = dict.fromkeys(self._waiting, per_lane)
        self._open = [
            numbers[0] for numbers in self._waiting.values()
        ]  # the first of each lane with room: a heap
        self._lock = threading.Lock()
        self.most = sum(min(len(numbers), per_lane) for numbers in self._waiting.values())

    def take(self, ended: int | None = None) -> int | None:
        """Return the next job for which there is room; None where no thread more is needed.

        ``ended`` is the job that the thread has ended, which makes room for another one.
        """
        with self._lock:
            if ended is not None:
                self._made_room(self._lanes[ended])
            if not self._open:
                return None
            number = heappop(self._open)
            lane = self._lanes[number]
            self._waiting[lane].popleft()
            self._room[lane] -= 1
            if self._room[lane]:
                self._offer(lane)
            return number

    def _made_room(self, lane: Hashable) -> None:
        self._room[lane] += 1
        if self._room[lane] == 1:
            self._offer(lane)

    def _offer(self, lane: Hashable) -> None:
        if self._waiting[lane]:
            heappush(self._open, self._waiting[lane][0])

    def stop(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._waiting = {lane: deque() for lane in self._waiting}
            self._open = []
