"""``--help``, in both languages, and what is said of a slip of the pen."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.cli.declared import COMMANDS, call_of, declared_in, function_of, options_said, values_of
from smtpdoctor.cli.helping import choices_of, help_asked_for, help_of, key_of, rows_of
from smtpdoctor.text import LANGUAGES
from smtpdoctor.text.help import BRIEF, EXAMPLES, GROUPS, KOREAN, REST, ROWS
from tests.checking import cli
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

SCREEN = 24
LONG = {"check": 60, "lint": 44, "generate": 40, "convert": 40, "fix": 60}


def _parameters() -> Iterator[tuple[str, str, Any]]:
    """Yield each parameter of each command, with the name by which its Korean is looked up."""
    for command in COMMANDS:
        for name, (_, declared) in declared_in(function_of(command)).items():
            yield command, key_of(command, name, declared), declared


PARAMETERS = tuple(_parameters())
# What most commands mean by an option.
USUAL = {
    key: Counter(one.more["help"] for _, other, one in PARAMETERS if other == key).most_common(1)[0][0]
    for key in dict.fromkeys(key for _, key, _ in PARAMETERS)
}


def test_every_command_and_option_has_korean() -> None:
    """Write what is named here into ``KOREAN`` of ``smtpdoctor/text/help.py``."""
    missing = [
        f'"{command}": "…",  # {inspect.getdoc(function_of(command))}'
        for command in COMMANDS
        if command not in KOREAN
    ]
    for command, key, declared in _parameters():
        special = declared.more["help"] != USUAL[key] and key.startswith("--")
        wanted = f"{command} {key}" if special else key
        if wanted not in KOREAN:
            missing.append(f'"{wanted}": "…",  # {declared.more["help"]}')
    assert "\n".join(dict.fromkeys(missing)) == ""


def test_every_option_has_its_group() -> None:
    """Write what is named here into ``GROUPS`` of ``smtpdoctor/text/help.py``, in the place where it is looked for."""
    grouped = [flag for _, _, flags in GROUPS for flag in flags]
    options = {key for _, key, _ in _parameters() if key.startswith("--")}
    assert sorted(options - set(grouped)) == []
    assert [flag for flag, count in Counter(grouped).items() if count > 1] == []
    assert GROUPS[0][0] == REST


@each("command", COMMANDS)
def test_every_command_has_its_line_and_examples(command: str) -> None:
    """Write what is missing into ``BRIEF`` and ``EXAMPLES`` of ``smtpdoctor/text/help.py``."""
    assert command in BRIEF
    assert command in EXAMPLES


@each("lang", LANGUAGES)
@each("command", ["", *COMMANDS])
def test_help_fits_a_screen_and_leaves_nothing_out(command: str, lang: str) -> None:
    """One screen for the small commands, and for none more than people read."""
    lines = help_of(command, lang, 80).splitlines()  # type: ignore[arg-type] # one of the two
    text = "\n".join(lines)
    assert len(lines) <= LONG.get(command, SCREEN), text
    assert max(map(len, lines)) <= 80
    assert cli(*filter(None, [command]), "--help", "--lang", lang, code=0).stdout == f"{text}\n"
    if command:
        flags = [key for name, key, _ in _parameters() if name == command and key.startswith("--")]
        told = [row.head for _, rows in rows_of(command, lang) for row in rows]  # type: ignore[arg-type]
        for flag in (*flags, "--version", "--help"):
            assert sum(flag in re.findall(r"--[\w-]+", head) for head in told) == 1, flag


@each("width", [1, 40, 61, 80, 100, 400])
@each("command", ["", *COMMANDS])
def test_help_breaks_for_any_terminal(command: str, width: int) -> None:
    words = " ".join(help_of(command, "en", width).split())
    assert words == " ".join(help_of(command, "en", 80).split()) or EXAMPLES[command]
    assert max(map(len, help_of(command, "en", width).splitlines())) <= max(min(width, 100), 80)


@each("lang", LANGUAGES)
@each(
    "arguments",
    [
        ["--help"],
        ["check", "--help"],
        ["check", "-h"],
        ["check", "--host", "x", "--help"],
        ["explain", "a", "--help"],
    ],
)
def test_help_is_in_the_language_that_was_asked_for(arguments: list[str], lang: str) -> None:
    """By the environment or the flag, whether typer reads the line or not."""
    first = {"en": "Usage:", "ko": "사용법:"}[lang]
    other = {"en": "ko_KR.UTF-8", "ko": "en_US.UTF-8"}[lang]
    assert cli(*arguments, env={"SMTPDOCTOR_LANG": lang}, code=0).stdout.startswith(first)
    if len(arguments) < 3:
        told = cli(*arguments, "--lang", lang, env={"SMTPDOCTOR_LANG": None, "LANG": other}, code=0)
        assert told.stdout.startswith(first)


@each("lang", LANGUAGES)
@each("command", ["", *COMMANDS])
def test_help_as_a_word_is_help_as_an_option(command: str, lang: str) -> None:
    """As git has it, and by the short way: typer is not loaded for it."""
    words = ["help", *filter(None, [command]), "--lang", lang]
    assert call_of(words) is not None
    assert cli(*words, code=0).stdout == help_of(command, lang)  # type: ignore[arg-type] # one of the two


@given(
    st.lists(st.sampled_from(["help", "--help", "-h", "--lang", "ko", "check", "chekc", "--foo"]), max_size=5)
)
def test_the_word_for_help_changes_nothing_else_of_a_line(words: list[str]) -> None:
    said = options_said(words)
    assert said[:1] != ["help"]
    if words[:1] != ["help"]:
        assert said == words
    else:
        assert said.count("--help") == 1
        assert [one for one in said if one not in {"help", "--help"}] == [
            one for one in words if one not in {"help", "--help", "-h"}
        ]


def test_help_for_what_is_no_command_says_which_there_are() -> None:
    told = cli("help", "chekc", code=2)
    assert "no command chekc" in told.stderr
    assert "Did you mean check?" in told.stderr


@given(
    st.lists(
        st.sampled_from(["--help", "-h", "--lang", "ko", "en", "--lang=ko", "check", "--quiet", "x"]),
        max_size=4,
    )
)
def test_only_a_plain_line_is_taken_for_help(words: list[str]) -> None:
    asked = help_asked_for(words)
    if asked is not None:
        assert {"--help", "-h"} & set(words)
        assert "x" not in words
        assert "--quiet" not in words


@each(("command", "line"), [(command, line) for command, lines in EXAMPLES.items() for line, *_ in lines])
def test_examples_are_lines_that_the_program_takes(command: str, line: str) -> None:
    import shlex

    words = shlex.split(line.replace("<(", "").replace(")", ""))
    words = words[words.index("smtpdoctor") + 1 :]
    words = words[: words.index("|")] if "|" in words else words
    if words[0] in COMMANDS:  # others are of commands that this version lacks
        assert words[0] == command or not command
        assert values_of(function_of(words[0]), words[1:]) is not None


def test_an_option_stands_in_one_row() -> None:
    shared = [flag for flags in ROWS if len(flags) > 1 for flag in flags]
    assert [flag for flag, count in Counter(shared).items() if count > 1] == []


# -- Slips --------------------------------------------------------------------


@st.composite
def _slip(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a word with one slip of the pen in it, and what was meant."""
    word = draw(st.sampled_from([one for one in COMMANDS if len(one) > 4]))
    at = draw(st.integers(0, len(word) - 2))
    kind = draw(st.sampled_from(["swap", "drop", "double"]))
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :], word
    return (word[:at] + word[at + 1 :], word) if kind == "drop" else (word[:at] + word[at] + word[at:], word)


@given(_slip())
def test_a_misspelt_command_is_recognised(slip: tuple[str, str]) -> None:
    typed, meant = slip
    if typed not in COMMANDS:
        assert f"Did you mean {meant}?" in cli(typed, code=2).stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["check", "--hsot", "x"], "--host"),
        (["check", "-host", "x"], "--host"),
        (["check", "--Host", "x"], "--host"),
        (["lint", "--confg=x"], "--config"),
        (["generate", "gmail", "--pasword-file", "x"], "--password-file"),
        (["check", "--security", "startls"], "starttls"),
        (["check", "--until", "conect"], "connect"),
    ],
)
def test_the_nearest_option_or_word_is_named(words: list[str], meant: str) -> None:
    """In both languages, and inside JSON where that was asked for."""
    assert f"Did you mean {meant}?" in cli(*words, code=2).stderr
    told = cli(*words, "--format", "json", env={"SMTPDOCTOR_LANG": "ko"}, code=2)
    assert meant in json.loads(told.stdout)["error"]["message"]


def test_choices_are_those_of_the_type() -> None:
    until = declared_in(function_of("check"))["until"][0]
    assert "auth" in choices_of(until)


def test_a_word_without_its_option_is_told_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider, a file or a server that stands alone is meant for one; what is none of them gets no guess."""
    monkeypatch.chdir(tmp_path)
    Path("compose.yaml").write_text("services: {}\n")
    for arguments, meant in (
        (("check", "gmail"), "--preset gmail"),
        (("check", "smtp.gmail.com"), "--host smtp.gmail.com"),
        (("lint", "staging.env"), "--env-file staging.env"),
        (("lint", "compose.yaml"), "--config compose.yaml"),
    ):
        told = cli(*arguments, code=2)
        assert f"{arguments[1]}: unexpected argument" in told.stderr
        assert f"Did you mean {meant}?" in told.stderr
    assert "Did you mean" not in cli("check", "whatever", code=2).stderr
    assert "Did you mean" not in cli("sandbox", "gmail", code=2).stderr
