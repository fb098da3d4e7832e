"""Source code, read as syntax: what it assigns, what is not known, and what of it cannot be read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import reader_of, syntax_of
from smtpdoctor.formats.code.writing import LANGUAGES, write
from smtpdoctor.formats.document import Document, Source, TooLargeError
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.env import read as read_env
from tests.each import each
from tests.examples import examples, some_of

SAMPLES = Path(__file__).parent / "data" / "code"
FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".txt")
SYNTAXES = {
    "csharp": "a.cs",
    "go": "a.go",
    "java": "A.java",
    "javascript": "a.js",
    "php": "a.php",
    "python": "a.py",
    "ruby": "a.rb",
}
OPENING = {"php": "<?php ", "go": "package a\n"}
# A file of each language in which one name has a value.
ONE = {
    "csharp": ("a.cs", "class A {{ string x = {}; }}", "A.x"),
    "go": ("a.go", "package a\nvar x = {}\n", "x"),
    "java": ("A.java", "class A {{ String x = {}; }}", "A.x"),
    "kotlin": ("a.kt", "val x = {}\n", "x"),
    "javascript": ("a.js", "const x = {};", "x"),
    "php": ("a.php", "<?php\n$x = {};", "x"),
    "python": ("a.py", "x = {}\n", "x"),
    "ruby": ("a.rb", "x = {}\n", "x"),
}


def read(path: str, text: str, variables: str = "") -> Document:
    """Read a text as the file of that name, with what a `.env` gives it."""
    syntax = syntax_of(path, text)
    assert syntax is not None
    reader = reader_of(syntax)
    assert reader is not None
    known = read_env(Source(path=".env", text=variables)).scopes[0].by_name() if variables else {}
    return reader(Source(path=path, text=text, variables=known))


def told(document: Document) -> str:
    """Return what a document says, a line for each assignment and problem."""
    lines = []
    for one in document.scopes[0].assignments:
        remarks = " ".join(remark.kind for remark in one.remarks)
        effect = " ".join(str(place.line) for place in one.effect)
        parts = [
            f"{one.region.place.line}: {one.name} = {one.value!r} {one.kind}",
            one.source,
            remarks,
            effect,
        ]
        lines.append(" | ".join(parts).rstrip(" |"))
    lines += [f"{problem.place.line}: {problem.kind}" for problem in document.problems]
    return "\n".join(lines) + "\n"


@each("name", FILES)
def test_what_a_file_assigns(name: str) -> None:
    """Each region is the very text of its value; the rest is as it was looked through by hand."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    document = read(name, text)
    assert told(document) == (SAMPLES / f"{name}.txt").read_text(encoding="utf-8")
    for one in document.scopes[0].assignments:
        assert 0 <= one.region.start <= one.region.end <= len(text)
        if one.kind == "number" and one.value == text[one.region.start : one.region.end]:
            continue
        if one.kind == "string" and one.style and one.value is not None and "\\" not in one.value:
            assert one.value[:1] in text[one.region.start : one.region.end]


@each(
    ("path", "text", "name", "value", "kind"),
    [
        ("a.py", "import os\nX = os.getenv('A', 'False')\n", "X", "no", "string"),
        ("a.py", "import os\nX = os.environ['A'] == 'no'\n", "X", "true", "boolean"),
        ("a.js", "const x = process.env.A || 'd';", "x", "no", "string"),
        ("a.js", "const x = process.env.A === 'true';", "x", "false", "boolean"),
        ("a.rb", "x = ENV.fetch('A', 'd')\n", "x", "no", "string"),
        ("a.rb", "x = ENV['A'] == 'no'\n", "x", "true", "boolean"),
        ("a.php", "<?php $x = getenv('A');", "x", "no", "string"),
        ("a.php", "<?php $x = env('A', 'd');", "x", "no", "string"),
        ("a.go", 'package a\nvar x = os.Getenv("A")\n', "x", "no", "string"),
    ],
)
def test_a_variable_is_taken_from_the_file_beside(
    path: str, text: str, name: str, value: str, kind: str
) -> None:
    """With its place there, and the code's place as where it takes effect; unknown without it."""
    one = read(path, text, "A=no\n").scopes[0].by_name()[name]
    assert (one.value, one.kind) == (value, kind)
    assert one.region.place.path == ".env"
    assert [place.path for place in one.effect] == [path]
    assert read(path, text).scopes[0].by_name()[name].kind in {"unknown", kind}


@settings(max_examples=examples(30), deadline=None)
@given(
    st.sampled_from(LANGUAGES),
    st.text(st.sampled_from("abXY019 '\"\\`$#{}@%?><!&/*-+=()[];:,.\n\r\tune한é\u2028\0"), max_size=8),
    st.sampled_from(["", "'a'", '"a"', "5"]),
)
def test_what_is_written_is_read_back(language: str, value: str, old: str) -> None:
    """As the string that it was, in exactly the text that was written, or it is refused."""
    path, form, name = ONE[language]
    try:
        raw = write(value, "string", language, old)
    except UnwritableError:
        return
    document = read(path, form.format(raw))
    one = document.scopes[0].by_name()[name]
    assert (one.value, one.kind) == (value, "string")
    assert document.texts[path][one.region.start : one.region.end] == raw
    assert not document.problems


@each("language", LANGUAGES)
def test_other_literals_are_written(language: str) -> None:
    path, form, name = ONE[language]
    for value, kind in (("true", "boolean"), ("false", "boolean"), ("587", "number")):
        one = read(path, form.format(write(value, kind, language))).scopes[0].by_name()[name]  # type: ignore[arg-type]
        assert (one.value, one.kind) == (value, kind)
    assert write(None, "null", language) in {"None", "nil", "null"}
    for value, kind in (("maybe", "boolean"), ("5x", "number"), ("x", "call")):
        with pytest.raises(UnwritableError):
            write(value, kind, language)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cobol"):
        write("x", "string", "cobol")


HARD = (
    "x = " + "(" * 3000, "x = " + "[" * 2000 + "]" * 2000, "{" * 3000, "f(" * 2000 + ")" * 2000,
    "a" + ".b()" * 1000, 'x = "a"' + ' + "a"' * 1000, "x = a" + " + a" * 1000, "x = " + "!" * 2000 + "a",
    "x = " + "a ? 1 : " * 500 + "2", "x = " + "a || " * 1000 + "1", '"' * 2001, "'" * 2001, 'x = "' + "\\" * 2001,
    "if (a) { x = 1; } else " * 300 + "{}", 'x = "a\0b"; y = 2', 'x = "\udcff\ud800"; y = 2\n',
    "".join(map(chr, range(32))) * 20, "\ufeffx = 1", 'x = "' + '#{"${`' * 300, "a" + "[0]" * 1000 + " = 1",
    "x = <<~A\n" * 100, "/*" * 2000, " " * 20_000, "\n" * 20_000, "a = b; b = a; c = c; d = {'x': d, 'y': d}\n",
    "".join(f"a{i} = a{i + 1} + a{i + 1};\n" for i in range(60)) + "a60 = 'x';\n",
    "".join(f"a{i} = {{'x': a{i + 1}, 'y': a{i + 1}}};\n" for i in range(12)) + "a12 = {'z': 1};\n",
)  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_nothing_is_too_odd_to_be_read(syntax: str) -> None:
    """What cannot be read is a problem with its place, what is too much says of what; nothing else escapes."""
    dice = random.Random(5)  # noqa: S311 -- no secret
    signs = "abc(){}[]'\"$;=>,. \n\\/*<?:#@|&!+-0é"
    garbage = ("".join(dice.choice(signs) for _ in range(3000)) for _ in range(3))
    for text in some_of((*HARD, *garbage), 2, list(SYNTAXES).index(syntax)):
        try:
            document = read(SYNTAXES[syntax], OPENING.get(syntax, "") + text)
        except TooLargeError:
            continue
        for problem in document.problems:
            assert problem.place.line >= 1
        assert "\udcff" not in repr(document)
