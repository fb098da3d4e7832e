"""One reply for one command: no run is healthy in which the replies are not in step with the commands."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor import Report
from smtpdoctor.labels import Label
from tests.checking import USER, assert_passed, assert_sound, ids, settings_for
from tests.examples import examples
from tests.servers import Peer, Server, serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.certs import Certificates

FEW = settings(
    max_examples=examples(17), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HELLO = "250-mail.example.test\r\n250 {}\r\n"


class Step(NamedTuple):
    """What the client says, by its first word, and what the server answers."""

    verb: str
    answer: bytes


def dialogue(security: str, mechanism: str) -> list[Step]:
    """Return a whole dialogue that sends a message; the greeting answers nothing."""
    inside = HELLO.format(f"AUTH {mechanism}")
    greeting, hello = Step("", b"220 mail.example.test ESMTP\r\n"), Step("EHLO", inside.encode())
    opening = [greeting, hello]
    if security == "starttls":
        offer, go = Step("EHLO", HELLO.format("STARTTLS").encode()), Step("STARTTLS", b"220 2.0.0 Go\r\n")
        opening = [greeting, offer, go, hello]
    prompts = [Step("AUTH", b"334 VXNlcm5hbWU6\r\n"), Step("*", b"334 UGFzc3dvcmQ6\r\n")]
    login = (
        [*prompts, Step("*", b"235 2.7.0 Ok\r\n")] if mechanism == "LOGIN" else [Step("AUTH", b"235 Ok\r\n")]
    )
    return [
        *opening,
        *login,
        Step("MAIL", b"250 2.1.0 Ok\r\n"),
        Step("RCPT", b"250 2.1.5 Ok\r\n"),
        Step("DATA", b"354 Go on\r\n"),
        Step(".", b"250 2.0.0 Ok: queued as 4F2A1B\r\n"),
        Step("QUIT", b"221 2.0.0 Bye\r\n"),
    ]


def serving(
    peer: Peer, certificates: Certificates, security: str, steps: Iterable[tuple[str, Sequence[bytes]]]
) -> None:
    """Wait for each step's command, then send its pieces, whatever they are and whatever the command was."""
    if security == "tls":
        peer.start_tls(certificates.good)
    for verb, pieces in steps:
        if verb == ".":
            peer.read_message()
        elif verb:
            peer.read_line()
        for piece in pieces:
            peer.send(piece)
        if verb == "STARTTLS":
            peer.start_tls(certificates.good)
    peer.wait()


def run(
    certificates: Certificates, security: str, steps: Iterable[tuple[str, Sequence[bytes]]], **options: Any
) -> tuple[Report, Server]:
    given = tuple(steps)
    with serve(lambda peer: serving(peer, certificates, security, given)) as server:
        values = settings_for(server.port, security, to=USER)
        report = smtpdoctor.check(values, ca_file=str(certificates.ca_pem), **options)
        server.join()
    assert_sound(report)
    return report, server


def whole(steps: Iterable[Step]) -> list[tuple[str, list[bytes]]]:
    return [(step.verb, [step.answer]) for step in steps]


def told(report: Report) -> bool:
    """Whether it is the order of the replies that a report is about."""
    return not {Label.STRAY, Label.INJECTED}.isdisjoint(report.findings[0].evidence.labels)


modes = st.sampled_from(["none", "starttls", "tls"])
mechanisms = st.sampled_from(["PLAIN", "LOGIN"])
texts = st.sampled_from([b" 2.0.0 Ok\r\n", b" \r\n", b"-two\r\n250 lines\r\n", b" Ok\n", b"\r\n"])


def test_replies_in_step(certificates: Certificates) -> None:
    """Each answer in its turn, and the message has arrived."""
    for security, mechanism in itertools.product(("none", "starttls", "tls"), ("PLAIN", "LOGIN")):
        steps = dialogue(security, mechanism)
        report, server = run(certificates, security, whole(steps))
        assert_passed(report)
        assert len(server.messages) == 1
        assert [line.partition(" ")[0] for line in server.lines][-1] == "QUIT"
        for until in ("tls", "auth", "sender", "recipient"):
            report, server = run(certificates, security, whole(steps), until=until)
            assert_passed(report)
            assert not server.messages


@st.composite
def surpluses(draw: st.DrawFn) -> tuple[str, list[tuple[str, list[bytes]]], int, bool]:
    """Return a mode, a dialogue in which something is behind one answer, where, and whether the cut is before its end.

    Either the next answer before its command, which is then refused or not answered, or any other reply.
    """
    security = draw(modes)
    steps = dialogue(security, draw(mechanisms))
    changed = whole(steps)
    at = draw(st.integers(0, len(steps) - 1))
    answer = steps[at].answer
    early = at + 1 < len(steps) and draw(st.booleans())
    code = draw(st.sampled_from([200, 220, 221, 235, 250, 334, 354, 450, 502, 535, 554]))
    data = answer + (steps[at + 1].answer if early else str(code).encode() + draw(texts))
    cut = draw(st.none() | st.integers(1, len(data) - 1))
    changed[at] = (steps[at].verb, [data] if cut is None else [data[:cut], data[cut:]])
    together = cut is None or cut < len(answer)
    if early:
        # What comes behind the command after all is an answer like any other, unless the real one is still to come.
        refused = not together or draw(st.booleans())
        changed[at + 1] = (steps[at + 1].verb, [b"550 5.7.1 No\r\n"] if refused else [])
    return security, changed, at, together


@FEW
@given(case=surpluses())
def test_one_reply_too_many(
    certificates: Certificates, case: tuple[str, list[tuple[str, list[bytes]]], int, bool]
) -> None:
    """Wherever it comes, in one piece or cut anywhere: the run fails, and says that the order is broken.

    What was there when the answer was read is noticed before another command is sent.
    """
    security, steps, at, together = case
    report, server = run(certificates, security, steps, timeout=20.0)
    assert report.verdict == "fail"
    assert told(report), ids(report)
    if together:
        commands = [verb for verb, _ in steps[: at + 1] if verb and verb != "."]
        sent = [line for line in server.lines if line not in {"RSET", "QUIT"}]
        assert len(sent) <= len(commands)


@FEW
@given(security=modes, mechanism=mechanisms, data=st.data())
def test_answers_that_lag_behind(
    certificates: Certificates, security: str, mechanism: str, data: st.DataObject
) -> None:
    """From some command on each gets the answer to the one before: the first one's was made up, and QUIT's tells.

    This is how a reply looks that slips in between the last look and the sending.
    """
    steps = dialogue(security, mechanism)
    begin = len(steps) - 5 if data.draw(st.booleans()) else 1
    at = data.draw(st.integers(begin, len(steps) - 2))
    refusal = data.draw(st.sampled_from([b"550 5.7.1 No\r\n", b"421 4.3.0 Later\r\n", steps[at].answer]))
    answers = [refusal, *(step.answer for step in steps[at + 1 :])]
    changed = whole(steps[: at + 1])
    changed += [(step.verb, [answer]) for step, answer in zip(steps[at + 1 :], answers, strict=False)]
    changed[-1][1].append(steps[-1].answer)
    report, _ = run(certificates, security, changed, timeout=20.0)
    assert report.verdict in {"fail", "inconclusive"}


@FEW
@given(security=modes, until=st.sampled_from(["tls", "auth", "sender", "recipient"]), extra=texts)
def test_a_run_that_sends_nothing(
    certificates: Certificates, security: str, until: str, extra: bytes
) -> None:
    """A reply behind the last one is noticed, too, though no other command follows."""
    verb = {"tls": "EHLO", "auth": "AUTH", "sender": "MAIL", "recipient": "RCPT"}[until]
    steps = dialogue(security, "PLAIN")
    at = max(number for number, step in enumerate(steps) if step.verb == verb)
    changed = whole(steps)
    changed[at] = (verb, [steps[at].answer + b"250" + extra])
    report, _ = run(certificates, security, changed, until=until)
    assert report.verdict == "fail"
    assert told(report), ids(report)


@FEW
@given(mechanism=mechanisms, rounds=st.integers(0, 4), last=st.sampled_from([235, 334, 250]))
def test_a_login_that_was_cancelled(
    certificates: Certificates, mechanism: str, rounds: int, last: int
) -> None:
    """Who is asked for more than the mechanism has says ``*``; no yes to that is a login."""
    steps = dialogue("none", mechanism)
    at = next(number for number, step in enumerate(steps) if step.answer.startswith(b"235"))
    more = [("*", [b"334 \r\n"])] * rounds
    changed = [*whole(steps[:at]), (steps[at].verb, [b"334 \r\n"]), *more]
    changed += [("*", [b"%d \r\n" % last])] * 9
    report, server = run(certificates, "none", changed, timeout=20.0)
    assert report.verdict == "fail"
    assert "*" in server.lines
