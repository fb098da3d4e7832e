"""Whatever a command line is, and wherever it runs: one of three exit codes, JSON where it was asked for, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smtpdoctor.cli.common import guarded
from smtpdoctor.cli.options import FormatChoice
from tests.examples import examples
from tests.lines import SECRET, TEXTS, Line, broken_rules, furnish, line, run, shown_of, started

USAGE = ["lint", "--no-environment"]
LINT = ["lint", "--host", "127.0.0.1", "--sender", "a@example.test", "--no-environment"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lines")
    furnish(made)
    return made


def test_any_line(folder: Path) -> None:
    """Commands, options and hostile values at random; `benchmarks/lines.py` tries many more."""

    @settings(
        deadline=None,
        max_examples=examples(30),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],  # the seed of a line cannot be made simpler
    )
    @given(st.integers(0, 2**32))
    def held(seed: int) -> None:
        one = line(Random(seed))  # noqa: S311 -- to be had again
        assert broken_rules(one, run(one, folder)) == [], str(one)

    held()


FLAGS = ["--to", "--ehlo", "--sender", "--username", "--host", "--url", "--preset", "--app", "--resolver"]
UNUSABLE = [
    *(text for text in TEXTS if set(text) & set("\r\n\x01\x85\u2028\udcff")),
    "x" * 20_000,
    "한" * 20_000,
]


@pytest.mark.parametrize("flag", FLAGS)
def test_what_no_command_can_say_is_refused(folder: Path, flag: str) -> None:
    """Line breaks, control characters, what is no text, and what is longer than any name."""
    base = ["check", *([] if flag in {"--host", "--url"} else ["--host", "127.0.0.1"]), "--no-environment"]
    for text in UNUSABLE:
        one = Line([*base, f"{flag}={text}", "--format", "json"])
        done = run(one, folder)
        assert done.code == 2, (ascii(text), done.stdout)
        assert broken_rules(one, done) == [], str(one)
        assert flag in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize("flag", ["--timeout", "--deadline"])
def test_a_limit_is_a_number(folder: Path, flag: str) -> None:
    """None that is no number, has no end, or is none."""
    for text in ("nan", "NaN", "inf", "-inf", "infinity", "1e309", "-1", "-0", "0", "0.0", "1e-9", ""):
        done = run(Line(["check", "--host", "127.0.0.1", f"{flag}={text}", "--no-environment"]), folder)
        assert done.code == 2, (text, done.stdout)
        assert flag in done.stderr


@pytest.mark.parametrize("command", ["check", "lint", "presets", "generate"])
def test_a_place_for_the_report_that_is_none(folder: Path, command: str) -> None:
    """A folder, a name that is too long, a link to itself, a full disk: told, and JSON stays JSON."""
    base = {"check": [*LINT[1:], "--port", "1", "--timeout", "1"], "lint": LINT[1:], "generate": ["gmail"]}
    for place in (
        "folder",
        ".",
        "/",
        "link",
        "link/x",
        "text/x",
        "n" * 300,
        "n/" * 2_100,
        "/dev/full",
        "a\0b",
    ):
        one = Line([command, *base.get(command, []), "--output", place, "--format", "json"])
        done = run(one, folder)
        assert done.code == 2, (place, done)
        assert broken_rules(one, done) == []


def test_a_bug_is_told_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3 with an object that says so; the frames to report are on standard error, without any value."""

    @guarded
    def command(*, format_: FormatChoice) -> None:
        raise KeyError(SECRET, format_)

    with pytest.raises(SystemExit) as caught:
        command(format_=FormatChoice.JSON)
    assert caught.value.code == 3
    shown = capsys.readouterr()
    assert "KeyError" in json.loads(shown.out)["error"]["message"]
    assert "in command" in shown.err
    assert not shown_of(SECRET, shown.out + shown.err)


# -- Processes of their own, in odd surroundings --------------------------------

LONG = "h" * 5_000
SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "a home that is too long": {"HOME": LONG, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None},
    "a cache that is a file": {"XDG_CACHE_HOME": "/etc/passwd", "XDG_CONFIG_HOME": "/etc/passwd"},
    "utf-16": {"PYTHONIOENCODING": "utf-16", "TERM": "\x1b[31m"},
    "cp949": {"PYTHONIOENCODING": "cp949:strict", "COLUMNS": "1" * 25, "LINES": "-1"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_odd_surroundings(folder: Path, name: str) -> None:
    """A report comes of it all the same."""
    # Nothing is compiled where the home is kept; that takes seconds, and is tried by `benchmarks/lines.py`.
    environment = {**os.environ, **SURROUNDINGS[name], "SMTPDOCTOR_LANG": "ko"}
    shown = {key: text for key, text in environment.items() if text is not None}
    done = started(Line(["explain", "--nonesuch"]), folder, env={**shown, "PYTHONPATH": os.getcwd()})  # noqa: PTH109
    assert done.code == 2, done.stderr
    assert "Traceback" not in done.stderr


def _closing(*streams: int) -> Any:
    def close() -> None:
        for one in streams:
            os.close(one)

    return close


@pytest.mark.parametrize("streams", [(1,), (0, 1, 2)], ids=str)
@pytest.mark.filterwarnings("ignore:.*preexec_fn:DeprecationWarning")
def test_closed_streams(folder: Path, streams: tuple[int, ...]) -> None:
    """What cannot be said is not said; the exit code is the same."""
    done = started(Line([*LINT, "--format", "json"]), folder, preexec_fn=_closing(*streams), stdin=None)
    assert done.code == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk(folder: Path) -> None:
    """Standard output that takes nothing is told, once."""
    with Path("/dev/full").open("wb") as full:
        done = started(Line(LINT), folder, stdout=full)
        assert done.code == 2
        assert done.stderr.count("\n") == 1
        assert started(Line(USAGE), folder, stdout=full, stderr=full).code == 2


@pytest.mark.parametrize(
    "line", [["--help"], ["lint", "--help"], ["lint", "--version"], ["lint", "--help", "x"]], ids=str
)
def test_a_full_disk_for_what_is_no_report(line: list[str], folder: Path) -> None:
    """Help and version are told by the parser or before it, and end no other way."""
    with Path("/dev/full").open("wb") as full:
        done = started(Line([*line, "--lang", "ko"]), folder, stdout=full)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "표준 출력" in done.stderr


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A command that names no file of it works; one that does says that it is not there."""
    gone = tmp_path / "gone"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    reports = ["--format", "html=page", "--format", "junit=tests", "--output", "report"]
    for more, code in (([], 0), (["--output", "report"], 2), (reports, 2)):
        gone.mkdir()
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", gone, sys.executable, "-m", "smtpdoctor", *LINT, *more],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
