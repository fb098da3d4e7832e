"""Many profiles at once: in order, none spoilt by another, whatever becomes of them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.report import json_v1
from tests.checking import HOST, PASSWORD, USER, cli, command
from tests.readers import READERS, json_schema, read_annotations
from tests.servers import dialogue, serve, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers import Server

# What a profile adds to the table that works, its verdict (None: it cannot be run), and the exit code of it alone.
KINDS: dict[str, tuple[str, str | None, int]] = {
    "healthy": ("", "pass", 0),
    "refused": ('to = "nobody@example.test"\nuntil = "recipient"', "fail", 1),
    "ignored": (
        (
            'to = "nobody@example.test"\nuntil = "recipient"\nignore = [{id = "recipient-rejected", '
            'reason = "closed on purpose"}]'
        ),
        "pass",
        0,
    ),
    "greylisted": ('to = "grey@example.test"\nuntil = "recipient"', "inconclusive", 1),
    "let pass": ('to = "grey@example.test"\nuntil = "recipient"\nfail_on = "permanent"', "inconclusive", 0),
    "missing file": ('config = "gone.yaml"', None, 2),
    "unknown key": ("prot = 25", None, 2),
    "wrong value": ('port = "25"', None, 2),
    "no table": ("", None, 2),
}


def answers(peer: Any) -> None:
    """Be a server that refuses one recipient and greylists another."""
    dialogue({"RCPT": lambda one: one.send_line(_answer(one.lines[-1]))})(peer)


def _answer(line: str) -> str:
    if "nobody@" in line:
        return "550 5.1.1 No such user"
    return "450 4.2.0 Greylisted" if "grey@" in line else "250 2.1.5 Ok"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(answers) as running:
        yield running


def write(folder: Path, port: int, profiles: Mapping[str, str]) -> None:
    """Write a project's file with these profiles, each of a kind."""
    head = (
        f'host = "{HOST}"\nsecurity = "none"\nusername = "{USER}"\nsender = "{USER}"\nno_environment = true\n'
    )
    text = [f'{head}password_file = "password"\ntimeout = 5\n']
    for name, kind in profiles.items():
        more = KINDS[kind][0]
        if kind == "no table":
            text[0] += f"profiles.{json.dumps(name)} = 3\n"
            continue
        own = "" if "port" in more else f"port = {port}\n"
        text.append(f"[profiles.{json.dumps(name)}]\n{own}{more}\n")
    (folder / "smtpdoctor.toml").write_text("".join(text))
    (folder / "password").write_text(PASSWORD)


@settings(max_examples=10)
@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=12))
def test_each_profile_is_as_it_is_alone(
    server: Server, tmp_path_factory: pytest.TempPathFactory, kinds: list[str]
) -> None:
    """In the order of the file, with the gravest exit code: a problem before what could not be run."""
    folder = tmp_path_factory.mktemp("profiles")
    # A value with a dotted name comes before the tables, as TOML has it.
    kinds.sort(key=lambda kind: kind != "no table")
    names = [f"{kind} {number}" for number, kind in enumerate(kinds)]
    write(folder, server.port, dict(zip(names, kinds, strict=True)))
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = cli("check", "--all-profiles", "--format", "json")
    finally:
        os.chdir(before)
    shown = json.loads(result.stdout)
    json_schema().validate(shown)
    if shown.get("error"):
        raise AssertionError(shown)
    assert [one["name"] for one in shown["profiles"]] == names
    for one, kind in zip(shown["profiles"], kinds, strict=True):
        _, verdict, code = KINDS[kind]
        assert one.get("verdict") == verdict
        assert ("error" in one) == (code == 2)
        if kind == "ignored":
            assert [(found["id"], found["reason"]) for found in one["ignored"]] == [
                ("recipient-rejected", "closed on purpose")
            ]
    codes = {KINDS[kind][2] for kind in kinds}
    assert result.exit_code == (1 if 1 in codes else 2 if 2 in codes else 0)
    verdicts = [KINDS[kind][1] or "fail" for kind in kinds]
    order = ("fail", "inconclusive", "warn", "pass")
    assert shown["verdict"] == min(verdicts, key=order.index)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("how", [[], ["--quiet"], ["--verbose", "--transcript"]])
def test_in_a_terminal_one_after_another_and_a_line_for_each(
    server: Server, how: list[str], lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["first", "zweites", "세 번째", "broken"]
    kinds = ["healthy", "refused", "ignored", "unknown key"]
    write(tmp_path, server.port, dict(zip(names, kinds, strict=True)))
    result = cli("check", "--all-profiles", "--lang", lang, *how, code=1)
    lines = result.stdout.splitlines()
    ends = [lines.index(next(line for line in lines[::-1] if line[2:].startswith(name))) for name in names]
    assert ends == sorted(ends)
    assert result.stdout.count("──") == (0 if "--quiet" in how else 4)
    assert "smtpdoctor.toml:" in lines[ends[-1]]
    assert "recipient-rejected" in lines[ends[1]]
    assert "\x1b" not in result.stdout
    assert result.stderr == ""
    if "--quiet" not in how:
        assert "closed on purpose" in " ".join(result.stdout.split())


def test_some_profiles(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the command line; one alone is a run as any other."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "healthy", "b": "unknown key", "c": "healthy"})
    shown = json.loads(cli("check", "--profile", "c", "--profile", "a", "--format", "json", code=0).stdout)
    assert [one["name"] for one in shown["profiles"]] == ["c", "a"]
    shown = json.loads(cli("check", "--profile", "a", "--format", "json", code=0).stdout)
    assert "profiles" not in shown
    assert "smtpdoctor.toml:" in cli("check", "--profile", "b", code=2).stderr
    cli("check", "--profile", "a", "--all-profiles", code=2)
    cli("check", "--profile", "a", "--profile", "d", code=2)


def test_lint(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of all profiles, without a connection."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "healthy", "b": "unknown key", "c": "refused"})
    before = len(server.connections)
    shown = json.loads(cli("lint", "--all-profiles", "--format", "json", code=2).stdout)
    assert [one.get("verdict") for one in shown["profiles"]] == ["pass", None, "pass"]
    assert [one["stages"][0]["name"] for one in shown["profiles"] if "stages" in one] == ["config"] * 2
    assert len(server.connections) == before


@pytest.mark.parametrize("command_", ["check", "lint"])
@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (["unknown key"], 3),
        (["wrong value", "missing file"], 3),
        (["healthy", "unknown key"], 3),
        (["refused", "unknown key"], 2),
        (["healthy"], 0),
    ],
)
def test_no_format_is_green_where_a_profile_could_not_be_run(
    server: Server,
    command_: str,
    kinds: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told which and why, at its line of the project's file; monitoring has its own exit codes."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {kind: kind for kind in kinds})
    broken = [kind for kind in kinds if KINDS[kind][2] == 2]
    if command_ == "lint" and code == 2:
        code = 3  # what the server would say lint does not know
    refused = command_ == "check" and "refused" in kinds
    for name in READERS:
        done = cli(command_, "--all-profiles", "--format", name)
        wanted = code if name == "nagios" else 1 if refused else 2 if broken else 0
        assert done.exit_code == wanted, name
        assert all(one in done.stdout for one in broken), name
        assert done.stderr == ""
        if name == "json-lines":
            for line in done.stdout.splitlines():
                json_schema().validate(json.loads(line))
            assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == kinds
        elif name not in {"markdown", "prometheus", "github", "html"}:
            READERS[name](done.stdout)
    lines = (tmp_path / "smtpdoctor.toml").read_text().splitlines()
    found = read_annotations(cli(command_, "--all-profiles", "--format", "github").stdout)
    places = {one["title"]: one for one in found}
    for kind in broken:
        place = places[f"smtpdoctor fail ({kind})"]
        assert place["file"] == "smtpdoctor.toml"
        assert lines[int(place["line"]) - 1] == KINDS[kind][0]


def test_the_page_has_both_languages_for_each_profile(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "refused", "b": "unknown key"})
    for lang in ("en", "ko"):
        page = cli("check", "--all-profiles", "--format", "html", "--lang", lang, code=1).stdout
        READERS["html"](page)
        for words in ("Could not be run", "실행하지 못함", "there is no key prot", "lang-ko", "lang-en"):
            assert words in page
        assert page.count('data-id="recipient-rejected"') == 2


def test_what_is_at_fault_in_the_project_s_file_is_shown_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its line, and with the words that its syntax wants."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smtpdoctor.toml").write_text(
        'no_environment = true\n[profiles.a]\nhost = "mail.acme.co.kr"\nport = 465\nsecurity = "starttls"\n'
        'sender = "a@example.com"\n'
    )
    for words in (("--profile", "a"), ("--all-profiles",)):
        (found,) = read_annotations(cli("lint", *words, "--format", "github", code=1).stdout)
        assert (found["file"], found["line"]) == ("smtpdoctor.toml", "5")
        assert 'security = "tls"' in found["message"] or "port = 587" in found["message"]
        assert "SMTP_" not in found["message"]
        sarif = json.loads(cli("lint", *words, "--format", "sarif", code=1).stdout)["runs"][0]
        (result,) = sarif["results"]
        assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 5}
        assert sarif["automationDetails"]["id"] == "smtpdoctor/lint/"


def test_attempts_and_what_is_ignored_are_told_beside_the_findings(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each format that has a place for it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "ignored"})
    for name in ("markdown", "html", "junit", "github", "sarif", "prometheus", "json", "json-lines"):
        for words in (("--profile", "a"), ("--all-profiles",)):
            told = cli("check", *words, "--format", name, code=0).stdout
            assert "closed on purpose" in told, name
            assert "recipient-rejected" in told, name


@pytest.mark.parametrize(
    "where",
    [("--format", "html=no/where"), ("--format", "junit", "--output", "no/where"), ("--output", "no/where")],
)
def test_what_cannot_be_written_is_told_before_anything_is_run(
    server: Server, where: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "healthy", "b": "refused"})
    before = len(server.connections)
    for command_ in ("check", "lint"):
        done = cli(command_, "--all-profiles", *where, code=2)
        assert "no/where" in done.stderr
        assert done.stdout == ""
    assert len(server.connections) == before


def test_of_a_profile_that_is_not_there_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 25, {"production": "healthy"})
    said = cli("check", "--profile", "prodution", code=2).stderr
    assert "Did you mean production?" in said
    assert "comes from" not in said


def test_the_command_that_repeats_a_run_names_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve(silent) as hanging:
        write(tmp_path, hanging.port, {"a": "healthy"})
        for words in (["--all-profiles"], ["--profile", "a"]):
            told = cli("check", *words, "--until", "tls", "--timeout", "0.3", code=1).stdout
            assert "smtpdoctor check --until tls --profile a" in " ".join(told.split())


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_leaves_a_valid_report(tmp_path: Path) -> None:
    """What is done by then is told, and what is not says so; it does not wait for a server that hangs."""
    with serve(answers) as server, serve(silent) as hanging:
        write(tmp_path, server.port, {f"p{number}": "healthy" for number in range(4)})
        with (tmp_path / "smtpdoctor.toml").open("a") as file:
            file.write(f"[profiles.hanging]\nport = {hanging.port}\ntimeout = 3000\ndeadline = 3000\n")
        process = subprocess.Popen(
            [sys.executable, "-m", "smtpdoctor", "check", "--all-profiles", "--format", "json"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            while len(server.connections) < 4 or not hanging.connections:
                with pytest.raises(subprocess.TimeoutExpired):  # it has not ended by itself
                    process.wait(0.05)
            server.join()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130
    shown = json.loads(out)
    json_schema().validate(shown)
    assert shown["interrupted"] is True
    assert [one["name"] for one in shown["profiles"]] == ["p0", "p1", "p2", "p3", "hanging"]
    assert shown["profiles"][-1] == {"name": "hanging", "interrupted": True}
    assert shown["version"] == json_v1.VERSION


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_a_progress_bar_is_for_a_terminal(server: Server, tmp_path: Path) -> None:
    """On standard error, and never in what is written."""
    write(tmp_path, server.port, {"a": "healthy", "b": "healthy"})
    arguments = ["check", "--all-profiles", "--format", "json"]
    assert command(*arguments, cwd=tmp_path).stderr == ""
    main, side = pty.openpty()
    with os.fdopen(main, "rb", buffering=0) as terminal:
        with os.fdopen(side, "wb") as stream:
            done = subprocess.run(
                [sys.executable, "-m", "smtpdoctor", *arguments],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=stream,
                check=True,
                env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
            )
        seen = terminal.read(65_536)
    assert b"2/2" in seen
    assert len(json.loads(done.stdout)["profiles"]) == 2


def test_times_of_profiles_are_told_apart(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where their names differ in what no label may hold."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, dict.fromkeys(("a b", "a-b", "a.b", "a_b"), "healthy"))
    assert (
        READERS["nagios"](cli("lint", "--all-profiles", "--format", "nagios", code=0).stdout).verdict
        == "pass"
    )


@pytest.mark.parametrize("words", [("--all-profiles",), ("--profile", "a", "--profile", "b")])
def test_what_logs_in_nowhere_does_not_log_in_for_several(
    server: Server, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, server.port, {"a": "healthy", "b": "healthy"})
    before = len(server.connections)
    assert "contradict" in cli("check", "--egress", *words, code=2).stderr
    assert len(server.connections) == before
