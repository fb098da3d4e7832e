"""``.env`` files as each program reads them, held against what the programs themselves answered."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dotenv.main import DotEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import ini, properties
from smtpdoctor.formats.document import Assignment, Document, Source, edited
from smtpdoctor.formats.env import READERS, UnwritableError, read, write
from smtpdoctor.knowledge import load
from tests.each import each
from tests.examples import examples

DATA = Path(__file__).parent / "data"
WHO = {
    "npm dotenv": "dotenv-node",
    "npm dotenv + dotenv-expand": "dotenv-node-expand",
    "python-dotenv": "dotenv-python",
    "django-environ": "django-environ",
    "Symfony Dotenv": "symfony",
    "phpdotenv (Laravel)": "phpdotenv",
    "ruby dotenv": "dotenv-ruby",
    "joho/godotenv": "godotenv",
    "compose-go (.env, env_file)": "compose",
    "docker run --env-file": "docker",
    "bash . file": "shell",
}
ALONE = re.compile(r"^\s*A\s*(?:#|\r?$)", re.MULTILINE)
REFUSALS = {"refused", "required", "syntax"}
# What the syntax is made of, for every reader.
PIECES = [
    "A", "B", "SMTP_HOST", "=", " = ", ":", ": ", "export ", "'", '"', "`", "\\", "\\n", "\\$", "\\'", '\\"',
    "$", "$$", "$B", "${B}", "${B:-d}", "${Q", "{", "}", "#", " #", " # c", " ", "\t", "\n", "\n", "\r\n", "\r",
    "x", "b c", "한", "\ufeff", "\0", "\x85", "\u2028", "()", "$(x)", ";", "&", "if", "fi", "[", "é",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), st.text(max_size=20))
LINES = [json.loads(line) for line in (DATA / "dotenv-answers.jsonl").read_text("utf-8").splitlines()]
VALUES = st.text(st.sampled_from("abZ09_./:@+-,=#'\"\\$ {}!;&|~^*()[]<>?%`한é"), max_size=12)


def parsed(text: str, reader: str, environment: dict[str, str] | None = None) -> Document:
    return read(Source(path=".env", text=text, reader=reader, environment=environment or {}))


def named(document: Document, name: str) -> Assignment | None:
    return document.scopes[0].by_name().get(name)


def refused(document: Document) -> bool:
    return any(one.kind in REFUSALS for one in document.problems)


@each("line", (DATA / "dotenv-readers.jsonl").read_text("utf-8").splitlines())
def test_every_line_is_read_as_each_program_reads_it(line: str) -> None:
    """33 lines, eleven programs: what each gave, or that it refused; of a process' number that it is not known."""
    row = json.loads(line)
    for who, wanted in row["read"].items():
        document = parsed(f"B=bee\n{row['line']}\n", WHO[who])
        one = named(document, "A")
        if isinstance(wanted, dict):
            assert document.problems, who
            assert one is None or refused(document), who
        else:
            assert one is not None, who
            unknown = WHO[who] == "shell" and one.kind == "unknown"
            assert unknown or one.value == wanted, who


@pytest.mark.parametrize("reader", [*(one for one in READERS if one != "dotenv-ruby"), "ruby3"])
def test_generated_files_are_read_as_the_programs_read_them(reader: str) -> None:
    """Recorded from the programs: dotenv 18, python-dotenv 1.2, django-environ 0.14, Symfony 5.4, and so on."""
    for row in LINES:
        _is_read_as_recorded(row, reader)


def _is_read_as_recorded(row: dict[str, Any], wanted: str) -> None:
    for answer, readers in row["answers"]:
        for who in readers:
            reader = "dotenv-ruby" if who == "ruby3" else who
            if who != wanted:
                continue
            if who == "ruby3" and ("\\n" in row["text"] or ALONE.search(row["text"])):
                continue  # as of version 3, of which the programs in use are not sure to be
            document = parsed(row["text"], reader)
            if answer == "refused":
                assert refused(document), (who, row["text"])
                continue
            for name in ("A", "Z"):
                one = named(document, name)
                if one is None or one.kind != "unknown":
                    assert (one.value if one else None) == answer.get(name), (who, name)


@settings(max_examples=examples(50), deadline=None)
@given(TEXTS, st.sampled_from(READERS))
def test_any_text_is_read_without_an_exception(text: str, reader: str) -> None:
    """Each value stands where it is said to stand, and no value is seen in a representation or a problem."""
    document = parsed(text, reader, {"B": "bee"})
    for one in document.scopes[0].assignments:
        assert 0 <= one.region.start <= one.region.end <= len(text)
        assert (one.value is None) == (one.kind == "unknown")
        line = text.count("\n", 0, one.region.start) + 1
        assert one.region.place.line == line
    places = sorted((one.region.start, one.region.end) for one in document.scopes[0].assignments)
    assert all(one[1] <= other[0] for one, other in pairwise(places))
    for problem in document.problems:
        assert problem.detail == "BOM" or not problem.detail.islower() or len(problem.detail) < 10


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from(LINES), st.sampled_from(READERS), VALUES, st.integers(0, 5))
def test_a_value_that_is_written_comes_back_and_nothing_else_changes(
    row: dict[str, Any], reader: str, value: str, which: int
) -> None:
    text = row["text"]
    document = parsed(text, reader)
    there = [one for one in document.scopes[0].assignments if one.source != "environment"]
    names = [one.name for one in there]
    if document.problems or not there or len(set(names)) < len(names):
        return  # a quote of ours could close one that is open
    one = there[which % len(there)]
    region = one.region
    try:
        new = write(value, reader, text[region.start : region.end])
    except UnwritableError as error:
        what: str | None = error.what
    else:
        what = None
    if what is not None:
        assert what in value
        return
    after = edited(text, [(region, new)])
    assert after == text[: region.start] + new + text[region.end :]
    again = parsed(after, reader)
    assert not again.problems
    for old in there:
        now = named(again, old.name)
        assert now is not None
        if old.name == one.name:
            assert now.value == value
        elif "$" not in text[old.region.start : old.region.end]:
            assert now.value == old.value


@settings(max_examples=examples(40), deadline=None)
@given(VALUES, st.sampled_from(READERS))
def test_what_is_written_holds_whatever_is_set(value: str, reader: str) -> None:
    try:
        text = f"A={write(value, reader)}\nZ=1\n"
    except UnwritableError as error:
        what: str | None = error.what
    else:
        what = None
    if what is not None:
        assert len(what) == 1
        assert what in value
        return
    environment = dict.fromkeys(("a", "b", "A", "Z", "ab", "b0", "Z0", "_"), "other")
    document = parsed(text, reader, environment)
    assert not document.problems
    one = named(document, "A")
    assert one is not None
    assert (one.value, one.remarks) == (value, one.remarks)
    assert not {remark.kind for remark in one.remarks} & {"value-cut", "expanded", "defaulted"}


@each("reader", READERS)
def test_plain_values_need_no_quotes_and_are_nothing_to_remark_on(reader: str) -> None:
    """Letters, digits and ``_./:@+,-`` are safe with all of them."""
    assert write("aZ09_./:@+,-", reader) == "aZ09_./:@+,-"
    one = named(parsed("A=aZ09_./:@+,-\n", reader), "A")
    assert one is not None
    assert one.remarks == ()


@each(
    ("line", "reader", "kinds"),
    [
        ('A="x"', "docker", {"quotes-kept"}),
        ("A='x' # c", "django-environ", {"quotes-kept", "comment-kept"}),
        ("A=x # c", "docker", {"comment-kept"}),
        ("A=x # c", "dotenv-node", set()),
        ("A= # c", "compose", {"comment-kept"}),
        ("A=ab#cd", "dotenv-node", {"value-cut"}),
        ("A=ab#cd", "compose", set()),
        ("A=#s", "phpdotenv", {"value-cut"}),
        ("A=pa$word", "compose", {"expanded"}),
        ("A=pa$B", "compose", set()),
        ("A=${B}", "compose", set()),
        ("A=${Q:-d}", "compose", {"defaulted"}),
        ("A='pa$$word'", "dotenv-node-expand", {"expanded"}),
        ("A='pa$$word'", "dotenv-node", set()),
        ('A="${B}"', "dotenv-node", {"unexpanded"}),
        ("A='${B}'", "dotenv-node", set()),
        ("A=x  ", "django-environ", {"blanks-kept"}),
        ("export A=x y", "shell", {"blanks-lost"}),
        ("A=x\r", "shell", {"carriage-return"}),
        ("A=x;y", "shell", {"value-cut"}),
        ("A=x; C=y", "shell", set()),
        ("export A=x C=y;", "shell", set()),
        (r'A="a\"b"', "dotenv-node", {"escaped"}),
        (r'A="a\"b"', "dotenv-python", set()),
        (r"A=a\b", "dotenv-ruby", {"escaped"}),
        (r"A=a\b", "dotenv-python", set()),
    ],
)
def test_remarks_say_what_was_hardly_meant(line: str, reader: str, kinds: set[str]) -> None:
    one = named(parsed(f"B=bee\n{line}\n", reader), "A")
    assert one is not None
    assert {remark.kind for remark in one.remarks} == kinds


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("A=$(cat secret)", "command"),
        ("A=`cat secret`", "command"),
        ('A="$(cat "$B")x"', "command"),
        ("A=$$x", "$$"),
        ("if true; then\nA=x\nfi", "condition"),
        ("A=~/x", "~"),
    ],
)
def test_what_a_shell_runs_is_unknown(line: str, source: str) -> None:
    one = named(parsed(f"B=bee\n{line}\nZ=1\n", "shell"), "A")
    assert one is not None
    assert (one.value, one.kind, one.source) == (None, "unknown", source)
    last = named(parsed(f"{line}\nZ=1\n", "shell"), "Z")
    assert last is not None
    assert last.value == "1"


def test_a_name_alone_is_taken_from_the_environment() -> None:
    for reader in ("docker", "compose"):
        assert named(parsed("SMTP_PASSWORD\n", reader, {"SMTP_PASSWORD": "x"}), "SMTP_PASSWORD").value == "x"  # type: ignore[union-attr]
        one = named(parsed("SMTP_PASSWORD\n", reader), "SMTP_PASSWORD")
        assert one is not None
        assert (one.kind, one.source) == ("unknown", "environment")
        # The rest of a key of several lines is no name.
        assert not parsed("K=x\nMIIEvQIBADANBgkqhk\n", reader).scopes[0].by_name().keys() - {"K"}


def test_a_byte_order_mark_hides_or_refuses_the_first_line() -> None:
    found = {reader: parsed("\ufeffA=x\nZ=1\n", reader) for reader in READERS}
    assert {reader for reader, one in found.items() if named(one, "A") is None} == {
        "dotenv-python", "django-environ", "symfony", "godotenv", "shell",
    }  # fmt: skip
    assert {reader for reader, one in found.items() if one.problems} == {
        reader for reader, one in found.items() if named(one, "A") is None
    }


# What no reader may take long for.
HARD = {
    "${": "A={}\n", "${A:-": "A={}\n", "${Q:-}": "A={}\n", " #": "A=x{}\n", "\\": 'A="{}"\n', "\\\"": 'A="{}"\n',
    "$(": "A={}\n", "`": "A={}\n", "junk line\n": "{}", "'\n": "{}", "A='\n": "{}", 'A="x\n': "{}", "\n": "{}",
    " ": "{}x", "A=a\\\n": "{}", "export ": "{}", "=": "{}", "$A": "A=x\nA={}\n", "' ": "A='x'{}\n",
    "A=\"'`\n": "{}", "{": "A=${{{}\n", "}": "A=${{A:-{{{}\n", "#\n": "{}",
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_hard_texts_take_a_time_that_grows_with_them(reader: str) -> None:
    """Four times as much of it needs no sixteen times as much: what is done is counted in calls."""
    for piece, frame in HARD.items():
        counts = []
        for size in (300, 1_200):
            text = frame.replace("{{", "{").replace("}}", "}").replace("{}", piece * (size // len(piece)))
            steps = 0

            def count(*_: object) -> None:
                nonlocal steps
                steps += 1

            sys.setprofile(count)
            try:
                parsed(text, reader)
            finally:
                sys.setprofile(None)
            counts.append(steps)
        assert counts[1] <= 6 * counts[0] + 500, piece


@each("reader", READERS)
def test_values_that_double_each_other_end(reader: str) -> None:
    lines = [
        "A0=" + "x" * 100,
        *(f"A{number}=${{A{number - 1}}}${{A{number - 1}}}" for number in range(1, 60)),
    ]
    document = parsed("\n".join(lines), reader)
    assert sum(len(one.value or "") for one in document.scopes[0].assignments) < 500_000


def test_dialects_name_readers_that_there_are() -> None:
    folder = Path(load.__file__).parent.parent / "dialects"
    readers = {tomllib.loads(one.read_text("utf-8")).get("reader", "") for one in folder.glob("*.toml")}
    assert readers <= {"", *READERS, *ini.READERS, *properties.READERS}


# --- The programs themselves, where they are installed


def texts() -> list[str]:
    return [row["text"] for row in LINES][:60]


def test_python_dotenv_itself(tmp_path: Path) -> None:
    for text in texts():
        there = DotEnv(None, stream=StringIO(text.replace("\r\n", "\n")), override=False).dict()
        document = parsed(text, "dotenv-python")
        mine = {one.name: one.value for one in document.scopes[0].assignments}
        assert mine == {name: value for name, value in there.items() if value is not None}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_itself(tmp_path: Path) -> None:
    """All files by one bash, each in a subshell that finds no program."""
    names = []
    for number, text in enumerate(texts()):
        path = tmp_path / f"{number:03}.env"
        path.write_text(text, encoding="utf-8", newline="")
        names.append(path.name)
    script = (
        "for f in *.env; do ( unset A Z; . ./$f </dev/null >/dev/null 2>&1; "
        'printf "%s\\0%s\\0%s\\0" $f "${A+x$A}" "${Z+x$Z}" ) ; done'
    )
    bash = shutil.which("bash") or ""
    done = subprocess.run(
        [bash, "-c", script], cwd=tmp_path, capture_output=True, check=True,
        env={"PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}, timeout=60,
    )  # fmt: skip
    parts = done.stdout.decode("utf-8").split("\0")
    answers = dict(zip(parts[::3], zip(parts[1::3], parts[2::3], strict=True), strict=False))
    for name, text in zip(names, texts(), strict=True):
        document = parsed(text, "shell")
        if refused(document) or name not in answers:
            continue  # a wrong substitution ends the shell
        for answer, variable in zip(answers[name], ("A", "Z"), strict=True):
            one = named(document, variable)
            if one is None or one.kind != "unknown":
                assert ("x" + (one.value or "") if one else "") == answer, (text, variable)


@each("second", ["cd # x", " #cd", "", "'cd'", "c d"])
@each("end", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
@each("reader", READERS)
def test_what_ends_a_line_for_a_reader_alone_keeps_values_apart(reader: str, end: str, second: str) -> None:
    """Two definitions in what is one line for an editor: each has its own text, and is changed by itself."""
    text = f"A=ab{end}B={second}\nC=e\n"
    (scope,) = read(Source(path="f", text=text, reader=reader)).scopes
    places = sorted((one.region.start, one.region.end) for one in scope.assignments)
    assert all(one[1] <= other[0] for one, other in pairwise(places))
    values = {one.name: one.value for one in scope.assignments}
    if "B" not in values:
        return  # to this reader it is one line
    for one in scope.assignments:
        (after,) = read(Source(path="f", text=edited(text, [(one.region, "'new'")]), reader=reader)).scopes
        assert {each.name: each.value for each in after.assignments} | {one.name: ""} == values | {
            one.name: ""
        }
