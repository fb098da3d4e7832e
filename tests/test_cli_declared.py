"""A plain command line is read without typer, and means what typer says that it means."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.cli.declared import COMMANDS, call_of, declared_in, function_of, values_of
from smtpdoctor.cli.typed import command_of
from tests.each import each
from tests.examples import examples

FUNCTIONS = {name: inspect.unwrap(function_of(name)) for name in COMMANDS}
WORDS = (
    *(
        "",
        "-",
        "--",
        "a",
        "a b",
        "=",
        "--=",
        "587",
        "0587",
        " 587",
        "٥",
        "65536",
        "-1",
        "1.5",
        ".5",
        "1e3",
        "nan",
    ),
    *(
        "starttls",
        "STARTTLS",
        "tls",
        "auth",
        "send",
        "json",
        "terminal",
        "en",
        "ko",
        "compose",
        "gmail",
        "--help",
    ),
    *("--version", "-h", "--nosuch", "--ver", "--hos", "x\udcff", "host=1"),
)


@functools.cache
def recording(command: str) -> tuple[Any, list[dict[str, Any]]]:
    """Return a command as typer builds it, which notes what its function is given."""
    seen: list[dict[str, Any]] = []

    @functools.wraps(FUNCTIONS[command])
    def record(**values: Any) -> None:
        seen.append(values)

    return command_of(command, record), seen


def by_typer(command: str, arguments: list[str]) -> dict[str, Any] | None:
    """Return what typer gives the function of a command; None where it does not come to that."""
    built, seen = recording(command)
    seen.clear()
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), pytest.raises(SystemExit):
        built.main(arguments, command)
    return seen[0] if seen else None


def defaults(command: str) -> dict[str, Any]:
    parameters = inspect.signature(FUNCTIONS[command]).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


def lines(command: str) -> st.SearchStrategy[list[str]]:
    flags = [flag for _, one in declared_in(FUNCTIONS[command]).values() for flag in one.names]
    words = st.sampled_from(WORDS)
    together = st.builds("{}={}".format, st.sampled_from(flags), words)
    pairs = st.tuples(st.sampled_from(flags), words).map(list)
    one = st.one_of(
        pairs,
        together.map(lambda text: [text]),
        st.sampled_from(flags).map(lambda flag: [flag]),
        words.map(lambda word: [word]),
    )
    return st.lists(one, max_size=4).map(lambda parts: [word for part in parts for word in part])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_plain_line_means_what_typer_says(command: str) -> None:
    """Whatever is read here, typer reads the same; what typer refuses is not read."""

    @settings(deadline=None, max_examples=examples(60))
    @given(lines(command))
    def held(arguments: list[str]) -> None:
        values = values_of(FUNCTIONS[command], arguments)
        if values is not None:
            assert {**defaults(command), **values} == by_typer(command, arguments)

    held()


PLAIN = [
    (["check"], {}),
    (["check", "--until", "auth", "--ca-file", "ca.pem"], {"until": "auth", "ca_file": Path("ca.pem")}),
    (["check", "--port=587", "--strict", "--timeout", "2.5"], {"port": 587, "strict": True, "timeout": 2.5}),
    (["check", "--env-file", "a", "--env-file=b"], {"env_file": [Path("a"), Path("b")]}),
    (["lint", "--host", ""], {"host": ""}),
    (["explain", "535", "5.7.8"], {"words": ["535", "5.7.8"]}),
    (["presets", "gmail", "--quiet"], {"name": "gmail", "quiet": True}),
    (["generate", "gmail", "--set", "a=b", "--set", "c=d"], {"preset": "gmail", "values": ["a=b", "c=d"]}),
    (["sandbox", "--starttls-port", "0"], {"starttls_port": 0}),
]


@each(
    ("line", "expected"),
    PLAIN,
)
def test_usual_lines_are_plain(line: list[str], expected: dict[str, Any]) -> None:
    """These need no typer."""
    values = values_of(FUNCTIONS[line[0]], line[1:])
    assert values == expected
    assert {**defaults(line[0]), **expected} == by_typer(line[0], line[1:])


@each(
    "line",
    [
        *([], ["nosuch"], ["check", "x", "--help"], ["check", "--version"], ["check", "stray"]),
        *(
            ["check", "--port", "abc"],
            ["check", "--port", "0"],
            ["check", "--port", "9" * 5000],
            ["check", "--host"],
            ["check", "--quiet=1"],
        ),
        *(
            ["check", "--host", "--quiet"],
            ["check", "--host", "a", "--host", "b"],
            ["check", "--until", "now"],
        ),
        *(["generate"], ["presets", "a", "b"], ["explain", "--", "-x"], ["check", "--form", "json"]),
    ],
)
def test_typer_decides_on_all_others(line: list[str]) -> None:
    """Help beside something else, errors, and what has more than one reading."""
    assert call_of(line) is None


@pytest.mark.skipif(os.name != "posix", reason="where typer expands patterns, it reads every line")
def test_the_version_needs_no_typer(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the same text."""
    call = call_of(["--version"])
    assert call is not None
    call()
    assert capsys.readouterr().out.startswith("smtpdoctor ")
