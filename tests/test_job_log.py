"""What is printed into the log of a CI job commands nobody, whatever a server or a file says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.masking.words import document_for_log, for_log
from smtpdoctor.report import FORMATS
from tests.checking import HOST, USER, cli
from tests.examples import some_of
from tests.readers import READERS, read_annotations
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD")
COMMANDS = (
    "::error file=a::injected",
    "   ::stop-commands::token",
    "\u3000::add-mask::x",
    "##[error]injected",
    "x ##[add-path]y",
    "##vso[task.setvariable variable=x]y",
    "###[group]",
)


def commands_in(log: str) -> list[str]:
    """Return the lines that a runner obeys (GitHub's ``ActionCommand``, Azure's ``Command``)."""
    lines = re.split(r"\r\n|\n|\r", log)
    return [one for one in lines if one.lstrip().startswith("::") or "##[" in one or "##vso[" in one]


@pytest.mark.parametrize("runner", [None, *RUNNERS])
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error file=a::x", "·::error file=a::x"),
        ("  ::error::x", "  ·::error::x"),
        ("a ::error::x", "a ::error::x"),
        ("x ##[error]y", "x # #[error]y"),
        ("##vso[a]##[b]", "# #vso[a]# #[b]"),
        ("## heading", "## heading"),
    ],
)
def test_only_what_would_be_obeyed_is_changed(
    monkeypatch: pytest.MonkeyPatch, runner: str | None, line: str, shown: str
) -> None:
    """By one sign, in the log of such a runner alone."""
    for name in RUNNERS:
        monkeypatch.delenv(name, raising=False)
    if runner is not None:
        monkeypatch.setenv(runner, "true")
    assert for_log(line) == (shown if runner else line)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Be a server that refuses each sender with commands."""

    def refuse(peer: object) -> None:
        *lines, last = COMMANDS
        for line in lines:
            peer.send_line(f"550-{line}")  # type: ignore[attr-defined]
        peer.send_line(f"550 {last}")  # type: ignore[attr-defined]

    with serve(dialogue({"MAIL": refuse})) as running:
        yield running


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("columns", ["30", "80"])
def test_a_server_commands_no_runner(server: Server, runner: str, columns: str) -> None:
    """In no format; the annotations are ours alone, and who reads JSON reads what was said."""
    words = (
        "check", "--no-environment", "--host", HOST, "--port", str(server.port), "--security", "none",
        "--sender", USER, "--transcript",
    )  # fmt: skip
    for name in some_of(FORMATS, 2, columns == "80"):
        done = cli(
            *words, "--format", name, env={runner: "true", "COLUMNS": columns}, code=1 + (name == "nagios")
        )
        if name == "github":
            assert all(one["title"].startswith("smtpdoctor ") for one in read_annotations(done.stdout))
        else:
            assert commands_in(done.stdout) == [], name
        if name in READERS:
            READERS[name](done.stdout)
        if name == "json":
            said = json.loads(done.stdout)["findings"][0]["evidence"]["text"]
            assert all(one.strip() in said for one in COMMANDS)


def test_what_was_wrong_commands_no_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a file of settings, by what is said of it on standard error."""
    monkeypatch.chdir(tmp_path)
    for text in COMMANDS:
        (tmp_path / "smtpdoctor.toml").write_text(
            f"[profiles.{json.dumps(text)}]\nport = 'x'\n{json.dumps(text)} = 1\n"
        )
        for words in (("--all-profiles",), ("--profile", "x"), ("--profile", text), ("--app", text)):
            done = cli("lint", *words, env={"GITHUB_ACTIONS": "true"}, code=2)
            assert commands_in(done.stdout + done.stderr) == []


@given(st.text(st.sampled_from("#[:v so\t\u3000\\x"), max_size=12))
def test_only_what_commands_is_changed(text: str) -> None:
    """Elsewhere than in such a log nothing is; there no line is left that commands."""
    assert for_log(text) == text
    assert document_for_log(text, "\\u0023") == text
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ACTIONS", "true")
        assert commands_in(for_log(text)) == []
        assert (for_log(text) == text) == (commands_in(text) == [])
        document = json.dumps(text)
        assert json.loads(document_for_log(document, "\\u0023")) == text
