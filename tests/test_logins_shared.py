"""A login that several profiles share: once it was refused to one of them, no other sends it."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.model import Evidence
from smtpdoctor.probes.logins import SharedLogin
from tests.checking import cli
from tests.examples import examples
from tests.readers import READERS, json_schema
from tests.servers import closing, dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.servers import Peer, Server

USERS = {"a@example.test": "first long secret", "b@example.test": "second long secret"}
USER = "a@example.test"
WRONG = "no secret of anybody"
HOSTS = ("localhost", "LOCALHOST", "LocalHost.", "127.0.0.1")
# What a server says to a login that it does not take: all of it is a refusal.
REFUSALS = ("535 5.7.8 Authentication failed", "454 4.7.0 Temporary authentication failure", "550 5.7.1 No")


@pytest.fixture(scope="module")
def servers() -> Iterator[Sequence[Server]]:
    with serve(dialogue(users=USERS)) as one, serve(dialogue(users=USERS)) as other:
        yield one, other


def sent(servers: Sequence[Server]) -> Counter[tuple[str, str]]:
    """Return how often each login was sent to the servers."""
    found: Counter[tuple[str, str]] = Counter()
    for peer in (peer for server in servers for peer in server.connections):
        for line in peer.lines:
            if line.startswith("AUTH PLAIN "):
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                found[user, password] += 1
    return found


def write(folder: Path, profiles: Sequence[dict[str, Any]], head: str = "") -> list[str]:
    """Write a project's file with these profiles, each with a password file of its own; return their names."""
    lines = ['security = "none"\nno_environment = true\ntimeout = 20\n', head]
    names = [f"profile {number}" for number in range(len(profiles))]
    for name, one in zip(names, profiles, strict=True):
        (folder / name).write_text(one["password"])
        own = {**one, "password": None, "password_file": name, "sender": one["username"]}
        lines.append(f"[profiles.{json.dumps(name)}]\n")
        lines += [f"{key} = {json.dumps(value)}\n" for key, value in own.items() if value is not None]
    (folder / "smtpdoctor.toml").write_text("".join(lines))
    return names


def run(folder: Path, *more: str, form: str = "json") -> str:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return cli("check", "--all-profiles", "--format", form, *more).stdout
    finally:
        os.chdir(before)


@settings(max_examples=examples(6))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(HOSTS),
            st.sampled_from([0, 1]),
            st.sampled_from(sorted(USERS)),
            st.sampled_from([None, WRONG, f"{WRONG} 2"]),
        ),
        min_size=2,
        max_size=14,
    )
)
def test_a_refused_login_is_sent_once(
    servers: Sequence[Server],
    tmp_path_factory: pytest.TempPathFactory,
    profiles: list[tuple[str, int, str, str | None]],
) -> None:
    """For each host in whatever spelling, on all its ports; who may log in does so in each profile."""
    folder = tmp_path_factory.mktemp("shared")
    names = write(
        folder,
        [
            {"host": host, "port": servers[port].port, "username": user, "password": wrong or USERS[user]}
            for host, port, user, wrong in profiles
        ],
    )
    before = sent(servers)
    told = json.loads(run(folder))
    json_schema().validate(told)
    logins = [
        (host.lower().rstrip("."), user, wrong or USERS[user], wrong is None)
        for host, _, user, wrong in profiles
    ]
    expected: Counter[tuple[str, str]] = Counter()
    for _, user, password, good in logins if any(good for *_, good in logins) else ():
        expected[user, password] += good
    for _, user, password, good in set(logins):
        expected[user, password] += not good
    assert sent(servers) - before == +expected
    for name, login, one in zip(names, logins, told["profiles"], strict=True):
        assert one["name"] == name
        auth = next(stage for stage in one["stages"] if stage["name"] == "auth")
        first = names[logins.index(login)]
        if login[-1]:
            assert auth["status"] == "pass"
            continue
        assert auth["status"] == "fail"
        assert one["findings"][0]["id"] == told["profiles"][names.index(first)]["findings"][0]["id"]
        assert one["findings"][0]["evidence"]["code"] == 535
        is_told = any(
            f"login for {first}" in text for text in (auth["summary"], *one["findings"][0]["fixes"])
        )
        assert is_told == (name != first)


@pytest.mark.parametrize("reply", REFUSALS)
@pytest.mark.parametrize("retries", ["0", "3"])
def test_whatever_is_said_to_it_but_yes(reply: str, retries: str, tmp_path: Path) -> None:
    """Not by another profile, and not by another attempt."""
    with serve(dialogue({"AUTH": reply})) as server:
        login = {"host": "localhost", "port": server.port, "username": USER, "password": WRONG}
        write(tmp_path, [login] * 5)
        told = json.loads(run(tmp_path, "--retries", retries))
        assert sent([server]) == {(USER, WRONG): 1}
    assert len({one["findings"][0]["id"] for one in told["profiles"]}) == 1
    assert {one["findings"][0]["evidence"]["code"] for one in told["profiles"]} == {int(reply[:3])}


def test_what_breaks_off_is_no_refusal(tmp_path: Path) -> None:
    """The next profile sends it, until one was answered."""
    refused = dialogue({"AUTH": "535 5.7.8 No"})
    silent_ends = dialogue({"AUTH": closing})
    with serve(lambda peer: (silent_ends if peer.number < 2 else refused)(peer)) as server:
        login = {"host": "localhost", "port": server.port, "username": USER, "password": WRONG}
        write(tmp_path, [login] * 6)
        told = json.loads(run(tmp_path))
        assert sent([server])[USER, WRONG] <= 3
    codes = [one["findings"][0]["evidence"]["code"] for one in told["profiles"]]
    assert codes.count(535) >= 4


def test_an_accepted_login_is_sent_side_by_side(tmp_path: Path) -> None:
    """The others do not wait for the end of the one that was accepted first: here each needs the others to go on."""
    together = threading.Barrier(4)

    def meet(peer: Peer) -> None:
        together.wait(60)
        peer.send_line("250 2.1.0 Ok")

    with serve(dialogue({"MAIL": meet}, users=USERS)) as server:
        login = {"host": "localhost", "port": server.port, "username": USER, "password": USERS[USER]}
        write(tmp_path, [login] * 8, "until = 'sender'\n")
        told = json.loads(run(tmp_path))
    assert told["verdict"] == "pass"
    assert not together.broken


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("form", ["terminal", *sorted(READERS)])
def test_each_format_says_to_whom_it_was_refused(form: str, lang: str, tmp_path: Path) -> None:
    with serve(dialogue(users=USERS)) as server:
        login = {"host": "localhost", "port": server.port, "username": USER, "password": WRONG}
        write(tmp_path, [login] * 3)
        said = " ".join(run(tmp_path, "--lang", lang, form=form).split())
        assert sent([server]) == {(USER, WRONG): 1}
    words = {"en": "refused this login for profile 0", "ko": "profile 0에서 같은 로그인을 거부"}[lang]
    assert said.replace("\\u003e", ">").count(words) >= 2, said
    assert WRONG not in said


@settings(max_examples=examples(30))
@given(st.lists(st.sampled_from(["refused", "accepted", "open", "none"]), min_size=1, max_size=12))
def test_of_runs_in_a_row_each_sends_what_those_before_it_allow(answers: list[str]) -> None:
    """One after another: whoever comes to it sends it, until one was refused."""
    shared = SharedLogin()
    turns = [shared.turn(str(number)) for number in range(len(answers))]
    refused: str | None = None
    for number, (turn, answer) in enumerate(zip(turns, answers, strict=True)):
        if answer != "none":
            refusal, _ = turn.take(60)
            assert (refusal.name if refusal else None) == refused
            if refusal is None:
                turn.settle(Evidence(code=535) if answer == "refused" else answer)  # type: ignore[arg-type]
                refused = str(number) if answer == "refused" else None
        turn.leave()


def test_runs_that_come_early_wait_for_those_before_them() -> None:
    """In the order of the profiles, whatever the threads do."""
    for order in ([2, 1, 0], [1, 2, 0], [0, 2, 1]):
        shared = SharedLogin()
        turns = [shared.turn(str(number)) for number in range(3)]
        refusals: dict[int, str | None] = {}

        def go(number: int, turns: Any = turns, refusals: dict[int, str | None] = refusals) -> None:
            refusal, _ = turns[number].take(60)
            refusals[number] = refusal.name if refusal else None
            if refusal is None:
                turns[number].settle(Evidence(code=535))
            turns[number].leave()

        threads = [threading.Thread(target=go, args=(number,)) for number in order]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert refusals == {0: None, 1: "0", 2: "0"}
