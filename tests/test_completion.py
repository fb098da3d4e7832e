"""Completion: the words for a place, and the scripts of three shells that ask for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.cli.completing import FILES, VARIABLE, complete, script_of
from smtpdoctor.cli.declared import COMMANDS, declared_in, function_of
from smtpdoctor.knowledge import load
from tests.checking import cli, command
from tests.each import each
from tests.test_architecture import MODULES_LOADED

ROOT = Path(__file__).parent.parent


def _words(*typed: str) -> list[str]:
    return [line.partition("\t")[0] for line in complete(typed)]


@each(
    ("typed", "found"),
    [
        (["ch"], ["check"]),
        (["--v"], ["--version"]),
        (["check", "--preset", "sendg"], ["sendgrid"]),
        (["check", "--preset=sendg"], ["--preset=sendgrid"]),
        (["check", "--preset", "=", "sendg"], ["sendgrid"]),
        (["presets", "sendg"], ["sendgrid"]),
        (["generate", "sendg"], ["sendgrid"]),
        (["lint", "--app", "djang"], ["django", "django-environ", "django-mailers"]),
        (["apps", "nextcl"], ["nextcloud"]),
        (["explain", "greyl"], ["greylisted", FILES]),
        (["check", "--until", "s"], ["sender", "send"]),
        (["check", "--security", "o"], ["opportunistic"]),
        (["check", "--lang", ""], ["en", "ko"]),
        (["check", "--config", "comp"], [FILES]),
        (["explain", "--file="], [FILES]),
        (["check", "--qui"], ["--quiet"]),
        (["check", "--ipv4", "--ipv"], ["--ipv6"]),
        (["check", "--config", "a", "--confi"], ["--config"]),  # which may stand there twice
        (["completion", "z"], ["zsh"]),
        (["help", "ch"], ["check"]),
        (["nosuch", ""], []),
        (["check", "stray"], []),
    ],
)
def test_what_may_stand_at_the_cursor(typed: list[str], found: list[str]) -> None:
    assert _words(*typed) == found


def test_every_provider_application_and_id_is_offered() -> None:
    assert _words("presets", "") == list(load.presets())
    assert set(_words("apps", "")) >= set(load.dialect_ids())
    assert _words("explain", "")[:-1] == list(load.ids())
    assert _words("") == list(COMMANDS)


@given(
    st.lists(st.text(max_size=8) | st.sampled_from([*COMMANDS, "--preset", "--host", "=", "--"]), max_size=5)
)
def test_any_words_have_an_answer_of_whole_lines(typed: list[str]) -> None:
    """Whatever is typed, what is offered begins as the word does, and no line breaks another one."""
    last = typed[-1] if typed else ""
    for line in complete(typed):
        word = line.partition("\t")[0]
        assert "\n" not in line
        assert word == FILES or word.startswith("" if last == "=" else last)


@each("name", COMMANDS)
def test_all_options_are_offered_with_a_remark(name: str) -> None:
    flags = {flag for _, one in declared_in(function_of(name)).values() for flag in one.names}
    lines = list(complete([name, "--"]))
    assert flags <= {line.partition("\t")[0] for line in lines}
    assert all(len(line.partition("\t")[2]) <= 60 for line in lines)


def _modules(*words: str) -> set[str]:
    load.ids()
    done = subprocess.run(
        [sys.executable, "-c", MODULES_LOADED, *words],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, VARIABLE: "bash"},
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["ch"], ["check", "--"], ["check", "--preset", "s"], ["explain", "a"]])
def test_a_keystroke_loads_little(words: list[str]) -> None:
    """What is loaded is what a completion takes; it has to be there before the next key."""
    loaded = _modules(*words)
    assert not {"typer", "click", "rich", "ssl", "re2", "asyncio", "smtpdoctor.doctor"} & loaded
    assert len(loaded) <= 140


# -- Shells -------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a program of the usual name, for a shell's path."""
    folder = tmp_path_factory.mktemp("bin")
    path = folder / "smtpdoctor"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m smtpdoctor "$@"\n')
    path.chmod(0o755)
    load.ids()
    return folder


def _shell(name: str, *arguments: str, script: str, program: Path, cwd: Path) -> list[str]:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    environment = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "HOME": str(cwd)}
    done = subprocess.run(
        [found, *arguments, script],
        capture_output=True,
        check=False,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


_END = "end-of-a-case"
CASES = [
    ("smtpdoctor ch", ["check"]),
    ("smtpdoctor check --preset sendg", ["sendgrid"]),
    ("smtpdoctor check --until s", ["send", "sender"]),
    ("smtpdoctor explain greyl", ["greylisted"]),
    ("smtpdoctor check --quie", ["--quiet"]),
    ("smtpdoctor lint --config comp", ["compose with blank.yaml", "compose.yaml"]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two files of a name that begins alike, one of them with a blank."""
    for name in ("compose.yaml", "compose with blank.yaml"):
        (tmp_path / name).touch()
    return tmp_path


def _told(lines: list[str]) -> list[list[str]]:
    """Return what a shell printed for each of the cases; a line of its own ends each."""
    told: list[list[str]] = [[]]
    for line in lines:
        if line == _END:
            told.append([])
        elif line:
            told[-1].append(line)
    assert told.pop() == []
    return [sorted(one) for one in told]


def _quoted(typed: str) -> tuple[str, int]:
    words = typed.split(" ")
    return " ".join(f"'{word}'" for word in words), len(words)


def test_bash_completes(program: Path, folder: Path) -> None:
    script = "source <(smtpdoctor completion bash)\n"
    for typed, _ in CASES:
        quoted, count = _quoted(typed)
        script += (
            f"COMP_WORDS=({quoted}); COMP_CWORD={count - 1}\n_smtpdoctor smtpdoctor\n"
            f"printf '%s\\n' \"${{COMPREPLY[@]}}\"; echo {_END}\n"
        )
    told = _shell("bash", "--norc", "-c", script=script, program=program, cwd=folder)
    assert _told(told) == [found for _, found in CASES]


def test_bash_knows_the_command(program: Path, folder: Path) -> None:
    script = "source <(smtpdoctor completion bash); complete -p smtpdoctor"
    told = _shell("bash", "--norc", "-c", script=script, program=program, cwd=folder)
    assert told == ["complete -F _smtpdoctor smtpdoctor"]


def test_zsh_completes(program: Path, folder: Path) -> None:
    """The function is called as zsh's line editor does; what it hands over is printed instead of shown."""
    script = (
        "compdef() { : }\ncompadd() { print -rl -- ${(P)@[-1]} }\n"
        "_files() { print -rl -- ${words[$CURRENT]}*(N) }\nsource <(smtpdoctor completion zsh)\n"
    )
    for typed, _ in CASES:
        quoted, count = _quoted(typed)
        script += f"words=({quoted}); CURRENT={count}\n_smtpdoctor; print {_END}\n"
    told = _shell("zsh", "-f", "-c", script=script, program=program, cwd=folder)
    assert _told(told) == [found for _, found in CASES]


def test_fish_completes(program: Path, folder: Path) -> None:
    asked = "".join(f"; complete -C '{typed}'; echo {_END}" for typed, _ in CASES)
    script = f"smtpdoctor completion fish | source{asked}"
    told = _shell("fish", "--no-config", "-c", script=script, program=program, cwd=folder)
    words = [line.partition("\t")[0].replace("\\ ", " ") for line in told]
    assert _told(words) == [found for _, found in CASES]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str) -> None:
    assert cli("completion", shell, code=0).stdout == script_of(shell)


def test_a_shell_at_its_prompt_is_told_no_error() -> None:
    """Not even where the words are no text."""
    done = command("check", "--config", "x\udcff", env={**os.environ, VARIABLE: "bash"})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{FILES}\n", "")
