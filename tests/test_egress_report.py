"""What was found out about ports, in words: whatever the states, platform and provider."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from smtpdoctor.egress import Door, Egress, Trial
from smtpdoctor.knowledge.platforms import platforms
from smtpdoctor.model import Report, Security, Settings
from smtpdoctor.report.egress import egress_object, print_egress
from tests.fuzz.target import no_control

STATES = (
    "open",
    "refused",
    "dropped",
    "rejected",
    "redirected",
    "tarpit",
    "reset",
    "turned-away",
    "no-route",
)
SAID = st.text(st.characters(), max_size=40)

TRIALS = st.builds(
    Trial,
    address=st.just("192.0.2.1"),
    family=st.sampled_from([4, 6]),
    state=st.sampled_from(STATES),
    seconds=st.floats(0, 5),
    greeting=SAID,
    detail=SAID,
    implicit=st.booleans(),
)
DOORS = st.builds(
    Door,
    port=st.sampled_from([25, 465, 587, 2525]),
    security=st.sampled_from([Security.TLS, Security.STARTTLS]),
    offered=st.booleans(),
    trials=st.lists(TRIALS, min_size=1, max_size=2).map(tuple),
)


@given(
    st.lists(DOORS, min_size=1, max_size=4, unique_by=lambda door: door.port),
    st.sampled_from([None, *platforms()]),
    st.sampled_from(["gmail", "sendgrid", None]),
    st.booleans(),
    st.sampled_from(["en", "ko"]),
)
def test_whatever_was_found_is_told(
    doors: list[Door], platform: Any, preset: str | None, known: bool, lang: Any
) -> None:
    """Each port has its line, nothing that a server says obeys, and JSON has every port with its state."""
    egress = Egress(
        host="smtp.example.com",
        port=587,
        chosen=True,
        known=known,
        doors=tuple(doors),
        platform=platform,
        report=Report(settings=Settings(preset=preset), stages=(), findings=()),
        seconds=1.0,
    )
    stream = io.StringIO()
    print_egress(Console(file=stream, width=80, color_system=None, highlight=False), egress, lang)
    printed = stream.getvalue()
    no_control(printed, "\n")
    told = egress_object(egress, lang)
    assert [one["port"] for one in told["ports"]] == [door.port for door in doors]
    assert all(str(door.port) in printed for door in doors)
    assert told["usable"] == [door.port for door in doors if door.offered and door.is_open]
