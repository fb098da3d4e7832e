"""Entries of one file that each send by a server of their own."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.cli.config import Configured, load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.settings.resolve import Flags
from tests.examples import examples

GLOBAL = {
    "smarthost": "mx.corp.test:587",
    "from": "alert@corp.test",
    "auth_username": "all",
    "auth_password": "k7Rq2mXw",
}
OWN = {
    "smarthost": ("a.corp.test:465", "b.corp.test:25"),
    "auth_username": ("kim", "lee"),
    "auth_password": ("Zx9kq0vm", "Pw3Sd8Rt"),
    "require_tls": ("false",),
}
entry = st.fixed_dictionaries({}, optional={name: st.sampled_from(words) for name, words in OWN.items()})


def alertmanager(receivers: list[list[dict[str, str]]]) -> str:
    lines = ["global:", *(f"  smtp_{name}: {value}" for name, value in GLOBAL.items()), "receivers:"]
    for number, entries in enumerate(receivers):
        lines += [f"- name: team-{number}", "  email_configs:"]
        for one in entries:
            lines += ["  - to: oncall@corp.test", *(f"    {name}: {value}" for name, value in one.items())]
    return "\n".join(lines) + "\n"


def configured(name: str, text: str) -> list[Configured]:
    with TemporaryDirectory() as there:
        path = Path(there) / name
        path.write_text(text)
        return load_configs(Flags(), [path], environment=False, known=Known())


@given(receivers=st.lists(st.lists(entry, min_size=1, max_size=2), min_size=1, max_size=3))
@settings(max_examples=examples(20), deadline=None)
def test_each_receiver_has_its_own_server_and_login(receivers: list[list[dict[str, str]]]) -> None:
    """What it does not say is as it is for all; no value of one is ever read for another.

    What does the same is told once.
    """
    found = configured("alertmanager.yml", alertmanager(receivers))
    wanted: list[dict[str, str]] = []
    for one in (one for entries in receivers for one in entries):
        whole = {**GLOBAL, **one}
        if whole["smarthost"].endswith(":465"):  # TLS from the first byte, whatever the switch says
            whole.pop("require_tls", None)
        if whole not in wanted:
            wanted.append(whole)
    assert len(found) == len(wanted)
    assert len({one.service for one in found}) == len(found)
    for said, whole in zip(found, wanted, strict=True):
        host, _, port = whole["smarthost"].partition(":")
        used = {name: value.text for name, value in said.reading.used.items()}
        assert (used["host"], used["port"]) == (host, port)
        assert (used["username"], used["password"]) == (whole["auth_username"], whole["auth_password"])


def test_a_receiver_is_told_by_its_name_and_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager([[{}], [{"smarthost": "a.corp.test:465"}, {"smarthost": "b.corp.test:25"}]]))
    done = CliRunner().invoke(
        app, ["lint", "--no-environment", "--config", str(path), "--service", "team-1", "--format", "json"]
    )
    assert json.loads(done.output)["settings"]["host"]["value"] == "a.corp.test"
    found = configured("alertmanager.yml", path.read_text())
    assert [one.service for one in found] == ["team-0", "team-1", "team-1 (2)"]


def test_a_list_of_one_is_no_list() -> None:
    """Nor are entries that say the same."""
    (one,) = configured(
        "alertmanager.yml", alertmanager([[{"auth_username": "kim"}], [{"auth_username": "kim"}]])
    )
    assert one.service == ""


def test_the_notifiers_of_home_assistant_are_several() -> None:
    text = "notify:\n" + "".join(
        f"  - name: {name}\n    platform: smtp\n    server: {host}\n    port: 587\n    sender: a@corp.test\n"
        for name, host in (("one", "a.corp.test"), ("two", "b.corp.test"))
    )
    found = configured("configuration.yaml", text)
    assert [(one.service, one.loaded.settings.host.value) for one in found if one.loaded.settings.host] == [
        ("one", "a.corp.test"),
        ("two", "b.corp.test"),
    ]
