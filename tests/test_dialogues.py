"""Whole dialogues: the doctor is healthy exactly where another client's message is accepted.

``python -m tests.fuzz.dialogue`` plays as many as one likes; these are a few of them, the same each time.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.examples import examples
from tests.fuzz.dialogue import clients
from tests.fuzz.dialogue.judge import Verdict, cut_down, judged
from tests.fuzz.dialogue.script import Script, Twist, draw_script
from tests.fuzz.dialogue.server import Contexts, Stage
from tests.fuzz.draw import RandomDraw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificates

COUNT = examples(60)
OFFER = "AUTH PLAIN LOGIN"


@pytest.fixture(scope="module")
def contexts(certificates: Certificates) -> Contexts:
    return Contexts(certificates)


@pytest.fixture
def stage(contexts: Contexts) -> Iterator[Stage]:
    with Stage(contexts) as one:
        yield one


# CPython's `wrap_socket` forgets the socket whose other end has reset it already.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_the_doctor_agrees_with_other_clients(contexts: Contexts) -> None:
    """No false green; of false reds no more than one in two hundred."""

    def play(numbers: range) -> list[tuple[Script, Verdict]]:
        found = []
        with Stage(contexts) as stage:
            for number in numbers:
                script = draw_script(RandomDraw(number))
                if script.waits:  # seconds, which a long run has
                    continue
                verdict = judged(script, stage)
                if verdict.kind:
                    script = cut_down(script, verdict.kind, stage)
                found.append((script, verdict))
        return found

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(play, [range(start, COUNT, 4) for start in range(4)]))
    played = [one for part in parts for one in part]
    kinds = Counter(verdict.kind for _, verdict in played)
    told = [(msgspec.json.encode(script).decode(), verdict) for script, verdict in played if verdict.kind]
    assert not [kind for kind in kinds if kind.startswith("false green")], told
    assert kinds["false red"] <= COUNT * 0.005, told
    healthy = sum(verdict.healthy for _, verdict in played)
    assert 0.25 < healthy / len(played) < 0.75  # else little was put to the test


@pytest.mark.parametrize(
    ("script", "healthy"),
    [
        (Script(), True),
        (Script(security="starttls", capabilities=("STARTTLS",)), True),
        (Script(security="tls", implicit=True, login="right", tls_capabilities=(OFFER,)), True),
        (Script(login="wrong", auth_required=True, capabilities=(OFFER,)), False),
        (Script(security="starttls"), False),
        (Script(security="tls", implicit=True, certificate="wrong_name"), False),
        (Script(twists=(Twist("dot", "code", 554),)), False),
        (Script(twists=(Twist("rcpt", "goodbye"),)), False),
    ],
)
def test_all_clients_see_what_the_server_means(script: Script, healthy: bool, stage: Stage) -> None:
    """Plain cases, of which the outcome is known beforehand: the play itself is sound."""
    verdict = judged(script, stage)
    assert (verdict.kind, verdict.healthy, not verdict.others["smtplib"]) == ("", healthy, healthy)
    stage.play(script)
    assert (not clients.python(script, stage, clients.Second)) == healthy


def test_a_client_that_believes_a_reply_before_its_command_is_found_out(stage: Stage) -> None:
    """What a client takes for a yes does not count; the server's own account does."""
    script = Script(twists=(Twist("data", "ahead", 250), Twist("dot", "code", 554)))
    stage.play(script)
    assert not clients.python(script, stage, clients.Second)
    assert stage.settled() == 0


@pytest.mark.parametrize(
    "offer",
    ["STARTTLS", "starttls ", "\tSTARTTLS", " StartTLS  x", "STARTTLS\u00ff", "STARTTLS=", "STARTTLS\0"],
)
def test_starttls_is_seen_however_it_is_written(offer: str, stage: Stage) -> None:
    """Who overlooks it under "opportunistic" goes on in the clear, where other clients do not."""
    refused = Script(
        security="opportunistic", capabilities=(offer,), twists=(Twist("starttls", "code", 454),)
    )
    verdict = judged(refused, stage)
    assert (verdict.kind, verdict.healthy) == ("", False)
    assert "starttls" in verdict.told


@pytest.mark.parametrize(
    "offer", ["AUTH PLAIN", "AUTH=PLAIN", "auth\tplain", " AUTH  LOGIN PLAIN ", "AUTH PLAIN\r"]
)
def test_a_login_is_seen_however_it_is_written(offer: str, stage: Stage) -> None:
    """What a client cannot read as an offer of AUTH, it cannot use."""
    verdict = judged(Script(login="right", auth_required=True, capabilities=(offer,)), stage)
    assert (verdict.kind, verdict.healthy) == ("", True)


def test_encryption_is_seen_behind_a_tab(stage: Stage) -> None:
    """It is what every client takes; not to would be to log in without it."""
    script = Script(
        security="opportunistic",
        login="right",
        capabilities=("AUTH PLAIN", "STARTTLS"),
        twists=(Twist("ehlo", "tab"),),
    )
    verdict = judged(script, stage)
    assert (verdict.kind, verdict.healthy) == ("", False)  # no login is offered behind STARTTLS


@pytest.mark.parametrize(
    "script",
    [
        Script(security="starttls", capabilities=("STARTTLS",), twists=(Twist("ehlo", "no-separator"),)),
        Script(login="right", capabilities=("AUTH CRAM-MD5",), twists=(Twist("challenge", "no-separator"),)),
        Script(
            security="starttls",
            capabilities=("STARTTLS",),
            twists=(Twist("ehlo-tls", "extra", 555, 1), Twist("ehlo-tls", "code", 400)),
        ),
    ],
)
def test_what_puts_every_other_client_out_of_step_is_no_success(script: Script, stage: Stage) -> None:
    """A sign of the text taken for the blank behind the code; one more refusal, with which HELO would be answered."""
    verdict = judged(script, stage)
    assert (verdict.kind, verdict.healthy) == ("", False)
