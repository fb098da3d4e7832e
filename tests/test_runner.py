"""Runs that are repeated while a failure is temporary, and many runs side by side."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor import runner
from smtpdoctor.model import Stage
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded
from tests.checking import assert_sound, settings_for
from tests.servers import Script, by_connection, closing, dialogue, greet, resetting, say, sequence, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpdoctor.model import Report
    from tests.servers import Server

HEALTHY = dialogue()


class Time:
    """A clock that moves only when somebody waits, or is made to."""

    def __init__(self, *moves: float) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._moves = list(moves)

    def __call__(self) -> float:
        """Return the time."""
        if self._moves:
            self.now += self._moves.pop(0)
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)
        self.now += seconds


def run(server: Server, retries: int, time: Time | None = None, **options: Any) -> tuple[Report, list[float]]:
    time = time or Time()
    until = options.pop("until", Stage.RECIPIENT)
    loaded = Loaded(settings_for(server.port, to="you@example.test"), ())
    given_options = Options(until=until, timeout=5.0, **options)
    report = runner.check(loaded, given_options, retries=retries, clock=time, sleep=time.sleep)
    assert_sound(report)
    return report, time.waits


TEMPORARY: dict[str, Script] = {
    "cut": closing,
    "reset": resetting,
    "421 at once": say("421 4.3.2 Too many connections"),
    "421 greeting": greet(code=421),
    "cut after the greeting": sequence(greet(), closing),
    "greylisted sender": dialogue({"MAIL": "451 4.7.1 Greylisting in action, please come back later"}),
    "greylisted": dialogue({"RCPT": "450 4.2.0 Greylisted"}),
    "cut at RCPT": dialogue({"RCPT": closing}),
    "421 at RCPT": dialogue({"RCPT": "421 4.3.2 Shutting down"}),
    "an unheard-of 4yz": dialogue({"RCPT": "457 zork"}),
}


@pytest.mark.parametrize("kind", TEMPORARY)
def test_what_is_temporary_is_tried_again(kind: str) -> None:
    """It is undecided without another attempt, and healthy with one that works."""
    with serve(by_connection(TEMPORARY[kind], TEMPORARY[kind], HEALTHY)) as server:
        report, waits = run(server, 0)
        assert (report.verdict, report.attempts, waits) == ("inconclusive", (), [])
    # A port that turns somebody away is looked at through connections of their own, of which some count.
    with serve(by_connection(TEMPORARY[kind], TEMPORARY[kind], HEALTHY)) as server:
        report, waits = run(server, 2)
        assert (report.verdict, report.ended) == ("pass", None)
        *failed, last = report.attempts
        assert failed
        assert all(one.finding is not None for one in failed)
        assert last.finding is None
        assert waits == [0.5, 1.0][: len(failed)] == [one.pause for one in report.attempts[1:]]
    with serve(TEMPORARY[kind]) as server:
        report, waits = run(server, 2)
        assert (report.verdict, len(report.attempts), waits) == ("inconclusive", 3, [0.5, 1.0])
        assert report.ended is not None
        assert report.ended.key == "runs.ended.all"


@pytest.mark.parametrize(
    "answer",
    [
        "535 5.7.8 No",
        "454 4.7.0 Temporary authentication failure",
        "421 4.7.0 Too many login attempts, try again later",
        "432 4.7.12 A password transition is needed",
        "451 4.3.0 Greylisted, try again later",
        closing,
        resetting,
    ],
)
def test_a_login_is_never_tried_again(answer: str | Script) -> None:
    """Whatever answers it but yes: a few of these lock an account."""
    with serve(dialogue({"AUTH": answer})) as server:
        report, waits = run(server, 5)
        server.join()
        assert sum(line.startswith("AUTH") for line in server.lines) == 1
    assert (report.healthy, waits, len(report.attempts)) == (False, [], 1)
    assert report.findings[0].stage is Stage.AUTH


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 No such user", "554 5.7.1 Relay access denied", "553 5.1.3 Bad address"]
)
def test_what_lasts_is_not_tried_again(reply: str) -> None:
    with serve(dialogue({"RCPT": reply})) as server:
        report, waits = run(server, 5)
    assert (report.verdict, waits, len(report.attempts)) == ("fail", [], 1)


@pytest.mark.parametrize(("end", "messages"), [(closing, 1), ("451 4.3.0 Try again later", 3)])
def test_a_message_that_may_have_arrived_is_not_sent_twice(end: str | Script, messages: int) -> None:
    """Without an answer nobody knows; with a refusal it has not."""
    with serve(dialogue({".": end})) as server:
        report, _ = run(server, 2, until=Stage.SEND)
        server.join()
        assert len(server.messages) == messages
    assert report.verdict == "inconclusive"
    assert report.ended is not None
    assert report.ended.key == ("runs.ended.sent" if messages == 1 else "runs.ended.all")


@given(st.integers(1, 10_000), st.integers(5, 600))
def test_a_pause_respects_the_server_and_the_deadline(seconds: int, deadline: int) -> None:
    """What the server asks for is waited, neither more nor less; what does not fit is not begun, and said."""
    words = f"450 4.2.0 Greylisted, please try again in {seconds} seconds"
    with serve(by_connection(dialogue({"RCPT": words}), HEALTHY)) as server:
        report, waits = run(server, 2, deadline=float(deadline))
    if seconds < deadline:
        assert (waits, report.verdict) == ([seconds], "pass")
        return
    assert (waits, report.verdict) == ([], "inconclusive")
    assert report.ended is not None
    assert (report.ended.key, report.ended.values["seconds"]) == ("runs.ended.wait", f"{seconds:g}")


def test_the_deadline_is_for_all_attempts() -> None:
    """A first attempt that took it all leaves nothing for another one."""
    with serve(dialogue({"RCPT": "450 4.2.0 Greylisted"})) as server:
        report, waits = run(server, 5, Time(0.0, 0.0, 59.8), deadline=60.0)
    assert (waits, len(report.attempts)) == ([], 1)
    assert report.ended is not None
    assert report.ended.key == "runs.ended.deadline"


@given(
    st.integers(1, 999),
    st.sampled_from([("seconds", 1), ("secs", 1), ("s", 1), ("minutes", 60), ("min", 60), ("hours", 3600), ("hr", 3600)]),
    st.sampled_from(
        [
            "Greylisted for {}",
            "4.7.1 Try again in {}",
            "temporarily deferred ({}), retry",
            "please WAIT {}",
            "come back {} later",
            "grey-listed, retry after {}.",
        ]
    ),
)  # fmt: skip
def test_how_long_a_server_wants_to_be_left_alone(count: int, unit: tuple[str, int], words: str) -> None:
    assert runner.pause_asked_for(words.format(f"{count} {unit[0]}")) == count * unit[1]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Greylisting in action, please come back in 00:04:58", 298.0),
        ("300초 후에 다시 시도하십시오", 300.0),
        ("5分後に再送してください", 300.0),
        ("Try again later", None),
        ("Greylisted, see http://example.test/help/600s.html", None),
        ("The message of 20 megabytes is too large", None),
        ("", None),
    ],
)
def test_words_of_servers(words: str, seconds: float | None) -> None:
    assert runner.pause_asked_for(words) == seconds


# -- Many ---------------------------------------------------------------------


@given(st.integers(0, 30), st.integers(1, 8), st.integers(1, 4), st.integers(1, 3))
def test_results_come_in_order(count: int, threads: int, lanes: int, per_lane: int) -> None:
    """Whichever ends first, and never more of one lane at a time than it takes."""
    running = [0] * lanes
    most = [0] * lanes
    lock = threading.Lock()

    def job(number: int) -> Callable[[], int]:
        def work() -> int:
            lane = number % lanes
            with lock:
                running[lane] += 1
                most[lane] = max(most[lane], running[lane])
            with lock:
                running[lane] -= 1
            return number

        return work

    jobs = [runner.Job(job(number), number % lanes) for number in range(count)]
    told: list[int] = []
    found = runner.in_threads(
        jobs, done=lambda number, _: told.append(number), threads=threads, per_lane=per_lane
    )
    assert found == list(range(count))
    assert sorted(told) == list(range(count))
    assert max(most) <= per_lane


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 8), st.integers(1, 3))
def test_as_many_run_side_by_side_as_may(lanes: list[int], threads: int, per_lane: int) -> None:
    """No thread is missing: the first ones wait for one another until all are there that there is room for."""
    room = sum(min(lanes.count(lane), per_lane) for lane in set(lanes))
    barrier = threading.Barrier(min(threads, room))
    met = threading.Event()

    def work() -> bool:
        if not met.is_set():
            barrier.wait(60)
            met.set()
        return True

    jobs = [runner.Job(work, lane) for lane in lanes]
    assert runner.in_threads(jobs, threads=threads, per_lane=per_lane) == [True] * len(lanes)


def test_what_is_interrupted_leaves_the_rest() -> None:
    """Ctrl-C comes on the calling thread; what is done by then was told, and no other job begins."""
    begun: list[int] = []
    told: list[int] = []
    go_on = threading.Event()

    def job(number: int) -> Callable[[], int]:
        def work() -> int:
            begun.append(number)
            if number:
                go_on.wait(10)
            return number

        return work

    def done(number: int, _: int) -> None:
        told.append(number)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.in_threads([runner.Job(job(number)) for number in range(9)], done=done, threads=2)
    go_on.set()
    assert told == [0]
    assert len(begun) <= 3


def test_what_a_job_raises_is_raised() -> None:
    def broken() -> int:
        raise LookupError("of its own")

    with pytest.raises(LookupError, match="of its own"):
        runner.in_threads([runner.Job(broken), runner.Job(lambda: 1)])


def flaky(peer: Any) -> None:
    """Greylist or cut every third connection, in turn."""
    if peer.number % 3 == 0:
        (closing if peer.number % 2 else dialogue({"RCPT": "450 4.2.0 Greylisted"}))(peer)
    else:
        HEALTHY(peer)


def test_a_flaky_server_makes_no_run_red() -> None:
    """Every third connection fails: with two retries no run does. `benchmarks/profiles.py` does it 200 times."""
    with serve(flaky) as server:
        reports = [run(server, 2)[0] for _ in range(12)]
    assert [one.verdict for one in reports] == ["pass"] * 12
    assert any(len(one.attempts) > 1 for one in reports)
