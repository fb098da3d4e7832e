"""``check --config`` on a file with several applications: one result for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checking import HOST, cli
from tests.examples import examples
from tests.readers import json_schema
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.servers import Server

USERS = {"a@example.test": "first long secret", "b@example.test": "second long secret"}
WRONG = "no secret of anybody"
# Who logs in how, and what comes of it alone.
LOGINS = {
    "good": ("a@example.test", USERS["a@example.test"], 0),
    "other": ("b@example.test", USERS["b@example.test"], 0),
    "wrong": ("a@example.test", WRONG, 1),
    "wrong too": ("b@example.test", WRONG, 1),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(dialogue(users=USERS)) as running:
        yield running


def compose(folder: Path, port: int, logins: Sequence[str]) -> list[str]:
    """Write a Compose file of as many services, and return their names."""
    lines = ["services:"]
    names = [f"web{number}" for number in range(len(logins))]
    for name, login in zip(names, logins, strict=True):
        user, password, _ = LOGINS[login]
        lines += [f"  {name}:", "    image: gitea/gitea:1.22", "    environment:"]
        lines += [
            f"      GITEA__mailer__{key}: {value!r}"
            for key, value in (
                ("ENABLED", "true"), ("PROTOCOL", "smtp"), ("SMTP_ADDR", HOST), ("SMTP_PORT", str(port)),
                ("USER", user), ("PASSWD", password), ("FROM", user),
            )
        ]  # fmt: skip
    (folder / "compose.yml").write_text("\n".join(lines) + "\n")
    return names


def run(folder: Path, *more: str, code: int, form: str = "json") -> Any:
    flags = ("--no-environment", "--format", form, *more)
    result = cli("check", "--config", folder / "compose.yml", *flags, code=code)
    assert not any(secret in result.output for secret in (*USERS.values(), WRONG))
    return json.loads(result.stdout) if form == "json" else result


@settings(max_examples=examples(10))
@given(st.lists(st.sampled_from(sorted(LOGINS)), min_size=2, max_size=6))
def test_each_as_alone_but_no_login_twice(
    server: Server, tmp_path_factory: pytest.TempPathFactory, logins: list[str]
) -> None:
    """In the file's order, with the gravest exit code; a login that was refused for one is not tried for another."""
    folder = tmp_path_factory.mktemp("several")
    names = compose(folder, server.port, logins)
    before = len(server.connections)
    told = run(folder, code=max(LOGINS[login][2] for login in logins))
    json_schema().validate(told)
    assert [one["service"] for one in told["reports"]] == names
    seen: set[str] = set()
    for one, login in zip(told["reports"], logins, strict=True):
        if LOGINS[login][2] and login in seen:
            first = told["reports"][logins.index(login)]
            assert [found["id"] for found in one["findings"]] == [found["id"] for found in first["findings"]]
            assert first["service"] in one["findings"][0]["fixes"][0]
            assert any(f"--service {one['service']}" in cmd["command"] for cmd in one["next"])
            continue
        seen.add(login)
        alone = run(folder, "--service", one["service"], code=LOGINS[login][2])
        assert one["verdict"] == alone["verdict"]
        assert [found["id"] for found in one["findings"]] == [found["id"] for found in alone["findings"]]
        assert all(
            f"--service {one['service']}" in cmd["command"]
            for cmd in one["next"]
            if "check" in cmd["command"]
        )
    assert told["verdict"] == ("fail" if any(LOGINS[login][2] for login in logins) else one_worst(told))
    assert len(server.connections) > before


def one_worst(told: Any) -> str:
    """Return the graver verdict of those that are healthy."""
    return "warn" if any(one["verdict"] == "warn" for one in told["reports"]) else "pass"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_typed_password_is_for_one(server: Server, tmp_path: Path, lang: str) -> None:
    """It would go to the servers of all; and a survey of ports is about one server."""
    names = compose(tmp_path, server.port, ["good", "other"])
    (tmp_path / "password").write_text(WRONG)
    before = len(server.connections)
    for flags in (("--password-file", str(tmp_path / "password")), ("--egress",)):
        told = run(tmp_path, "--lang", lang, *flags, code=2)
        assert all(name in told["error"]["message"] for name in (*names, "--service"))
    assert len(server.connections) == before


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_in_a_terminal(server: Server, tmp_path: Path, lang: str) -> None:
    """One after another, and a line for each at the end."""
    names = compose(tmp_path, server.port, ["wrong", "good", "wrong"])
    shown = run(tmp_path, "--lang", lang, code=1, form="terminal").stdout
    assert shown.count("──") == len(names)
    quiet = run(tmp_path, "--lang", lang, "--quiet", code=1, form="terminal").stdout.splitlines()
    heads = [line.split()[1] for line in quiet[:-1] if not line.startswith(" ")]
    assert heads == names


def test_a_profile_may_have_several(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each application of its file stands under the profile and its service, as ``lint`` has it."""
    monkeypatch.chdir(tmp_path)
    names = compose(tmp_path, server.port, ["wrong", "good"])
    (tmp_path / "smtpdoctor.toml").write_text(
        '[profiles.one]\nconfig = "compose.yml"\n[profiles.two]\nconfig = "compose.yml"\nservice = "web1"\n'
    )
    told = json.loads(cli("check", "--all-profiles", "--no-environment", "--format", "json", code=1).stdout)
    assert [one["name"] for one in told["profiles"]] == [*(f"one / {name}" for name in names), "two"]
    assert [one["verdict"] == "fail" for one in told["profiles"]] == [True, False, False]
