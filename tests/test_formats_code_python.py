"""Python's settings, read as syntax; what all languages share is held here too."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import reader_of
from smtpdoctor.formats.code.writing import LANGUAGES, write
from smtpdoctor.formats.document import Assignment, Document, Place, Region, Source, TooLargeError, edited
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.python import read
from tests.each import each
from tests.examples import examples

ENV = ".env"


def variables(**values: str) -> dict[str, Assignment]:
    return {
        name: Assignment(name=name, value=value, region=Region(Place(ENV, number), 0, 0), style="bare")
        for number, (name, value) in enumerate(values.items(), 1)
    }


def python(text: str, **env: str) -> dict[str, Assignment]:
    document = read(Source(path="settings.py", text=text, variables=variables(**env)))
    return document.scopes[0].by_name()


def said(one: Assignment) -> tuple[str, str | None]:
    return one.kind, one.value


SETTINGS = """
import os, smtplib as s
from smtplib import SMTP_SSL
from os import environ
EMAIL_HOST = "smtp.example.com"
EMAIL_PORT: int = 0x24B
EMAIL_USE_TLS, EMAIL_USE_SSL = True, None
NAME = "a" "b" + 'c' + f"-{EMAIL_HOST}-{EMAIL_PORT}{EMAIL_USE_TLS}"
MAILERS = {"default": {"OPTIONS": {"host": EMAIL_HOST, **{"port": 587}}}, "x": dict(a=1)}
ADMINS = [("me", "me@example.com")]
app.config["MAIL_SERVER"] = "h"
app.config.update(MAIL_PORT=25, **{"MAIL_USE_TLS": False})
class Config(object):
    MAIL_SERVER = "c"
def send(host, port=25):
    with SMTP_SSL(host, 465, context=ssl.create_default_context()) as server:
        server.login("u", get_password())
        server.sendmail(Config.MAIL_SERVER, [])
    s.SMTP("localhost").starttls()
"""
EXPECTED = {
    "EMAIL_HOST": ("string", "smtp.example.com"),
    "EMAIL_PORT": ("number", "587"),
    "EMAIL_USE_TLS": ("boolean", "true"),
    "EMAIL_USE_SSL": ("null", None),
    "NAME": ("string", "abc-smtp.example.com-587True"),
    "MAILERS.default.OPTIONS.host": ("string", "smtp.example.com"),
    "MAILERS.default.OPTIONS.port": ("number", "587"),
    "MAILERS.x.a": ("number", "1"),
    "ADMINS.0.1": ("string", "me@example.com"),
    "app.config.MAIL_SERVER": ("string", "h"),
    "app.config.update.MAIL_PORT": ("number", "25"),
    "app.config.update.MAIL_USE_TLS": ("boolean", "false"),
    "Config.MAIL_SERVER": ("string", "c"),
    "smtplib.SMTP_SSL()": ("call", "()"),
    "smtplib.SMTP_SSL.0": ("unknown", None),
    "smtplib.SMTP_SSL.1": ("number", "465"),
    "server.login.0": ("string", "u"),
    "server.login.1": ("unknown", None),
    "server.sendmail.0": ("string", "c"),
    "smtplib.SMTP.0": ("string", "localhost"),
    "smtplib.SMTP().starttls()": ("call", "()"),
}


@each("name", EXPECTED)
def test_names_and_values(name: str) -> None:
    assert said(python(SETTINGS)[name]) == EXPECTED[name]


def test_an_unknown_value_says_what_it_comes_from() -> None:
    found = python(SETTINGS)
    assert found["smtplib.SMTP_SSL.context"].source == "ssl.create_default_context()"
    assert found["server.login.1"].source == "get_password()"
    assert found["smtplib.SMTP_SSL.0"].source == "host"


# An expression, what it is with X=… in the environment, and what it is without.
ENVIRONMENT = [
    ('os.getenv("X", "False")', "True", ("string", "True"), ("string", "False")),
    ('os.environ["X"]', "a", ("string", "a"), ("unknown", None)),
    ('os.environ.get("X")', "", ("string", ""), ("unknown", None)),
    ('environ.get("X", "d")', "a", ("string", "a"), ("string", "d")),
    ('int(os.getenv("X", 587))', "25", ("number", "25"), ("number", "587")),
    ('int(os.getenv("X", "587"))', "no", ("unknown", None), ("number", "587")),
    ('bool(os.getenv("X", "False"))', "False", ("boolean", "true"), ("boolean", "true")),
    ('bool(os.getenv("X", ""))', "0", ("boolean", "true"), ("boolean", "false")),
    ('os.getenv("X", "false") == "true"', "true", ("boolean", "true"), ("boolean", "false")),
    ('os.getenv("X", "False").lower() in ("1", "true")', "TRUE", ("boolean", "true"), ("boolean", "false")),
    ('os.getenv("X") or "d"', "", ("string", "d"), ("string", "d")),
    ('not os.getenv("X", "")', "0", ("boolean", "false"), ("boolean", "true")),
    ('"s" if os.getenv("X", "1") == "1" else "n"', "2", ("string", "n"), ("string", "s")),
    ('"a" if unknown() else "a"', "", ("string", "a"), ("string", "a")),
    ('"a" if unknown() else "b"', "", ("unknown", None), ("unknown", None)),
    ('config("X", default=True, cast=bool)', "off", ("boolean", "false"), ("boolean", "true")),
    ('config("X", cast=int)', "5", ("number", "5"), ("unknown", None)),
    ('env("X", default="d")', "a", ("string", "a"), ("string", "d")),
    ('env.bool("X", default=False)', "yes", ("boolean", "true"), ("boolean", "false")),
    ('env.int("X", 25)', "5", ("number", "5"), ("number", "25")),
    ('env("SCHEME")', "", ("boolean", "true"), ("boolean", "true")),
    ("f\"smtp.{os.environ['X']}.com\"", "a", ("string", "smtp.a.com"), ("unknown", None)),
    ('strtobool(os.getenv("X", "1"))', "n", ("boolean", "false"), ("boolean", "true")),
]


@each(("expression", "value", "there", "absent"), ENVIRONMENT)
def test_the_environment(
    expression: str, value: str, there: tuple[str, str | None], absent: tuple[str, str | None]
) -> None:
    text = f"import os\nfrom os import environ\nenv = environ.Env(SCHEME=(bool, True))\nA = {expression}\n"
    one = python(text, X=value)["A"]
    assert said(one) == there
    if one.region.place.path == ENV:
        assert Place("settings.py", 4, text.splitlines()[3].index("=") + 3).line in [
            at.line for at in one.effect
        ]
    assert said(python(text)["A"]) == absent


def test_what_is_taken_from_a_file_has_its_place_and_what_is_assumed_says_so() -> None:
    text = 'import os\nA = os.getenv("X", "d")\n'
    found = python(text, Y="", X="v")["A"]
    assert (found.region.place, found.effect, found.style) == (
        Place(ENV, 2),
        (Place("settings.py", 2, 5),),
        "bare",
    )
    assert not found.remarks
    default = python(text)["A"]
    assert [one.kind for one in default.remarks] == ["defaulted"]
    assert text[default.region.start : default.region.end] == '"d"'


def test_what_a_condition_leaves_open_is_unknown() -> None:
    both = "if {}:\n    A = 'x'\nelse:\n    A = 'y'\n"
    assert said(python(both.format("unknown()"))["A"]) == ("unknown", None)
    assert said(python(both.format("False"))["A"]) == ("string", "y")
    assert said(python("DEBUG = True\n" + both.format("DEBUG"))["A"]) == ("string", "x")
    assert said(python(both.format("unknown()").replace("'y'", "'x'"))["A"]) == ("string", "x")
    assert said(python("A = 'x'\nif unknown():\n    A = 'y'\n")["A"]) == ("unknown", None)
    assert said(python("if unknown():\n    A = 'y'\nA = 'x'\n")["A"]) == ("string", "x")
    assert said(python("if unknown():\n    A = 'y'\n")["A"]) == ("string", "y")


def test_a_variable_is_followed_where_it_is_assigned_once() -> None:
    assert said(python("a = 'x'\nB = a\n")["B"]) == ("string", "x")
    assert said(python("a = 'x'\na = 'y'\nB = a\n")["B"]) == ("unknown", None)
    assert said(python("a = 'x'\na += 'y'\nB = a\n")["B"]) == ("unknown", None)
    assert said(python("a = 'x'\ndef f(a):\n    B = a\n")["B"]) == ("unknown", None)
    assert said(python("a = b\nb = a\nC = a\n")["C"]) == ("unknown", None)
    found = python("a = {'host': 'x'}\na['port'] = 5\nf(a)\ng(**a)\n")
    assert [said(found[name]) for name in ("f.host", "f.port", "g.host")] == [
        ("string", "x"),
        ("number", "5"),
        ("string", "x"),
    ]


def test_what_is_made_again_has_nothing_of_the_first() -> None:
    found = python("a = SMTP(host='a', timeout=5)\nb = SMTP(host='b')\n")
    assert said(found["SMTP.host"]) == ("string", "b")
    assert said(found["SMTP.timeout"]) == ("null", None)
    found = python("if x():\n    SMTP(host='a', timeout=5)\nelse:\n    SMTP(host='b')\n")
    assert said(found["SMTP.host"]) == said(found["SMTP.timeout"]) == ("unknown", None)


def test_a_mistake_is_told_and_the_rest_is_read() -> None:
    document = read(Source(path="a.py", text="A = 'x'\nprint 'sent'\nB = 'y'\n"))
    assert [(one.kind, one.place.line) for one in document.problems] == [("syntax", 2)]
    assert {one.name for one in document.scopes[0].assignments} >= {"A", "B"}
    document = read(Source(path="a.py", text="A = 'x'\nB = (\n"))
    assert [one.kind for one in document.problems] == ["syntax"]
    assert "A" in document.scopes[0].by_name()


def test_nothing_is_run(tmp_path: object) -> None:
    text = f"open({str(tmp_path) + '/ran'!r}, 'w')\n__import__('sys').exit(3)\nA = 1 / 0\n"
    assert said(python(text)["A"]) == ("unknown", None)
    assert not list(type(tmp_path).iterdir(tmp_path))  # type: ignore[attr-defined]


def test_no_value_is_in_what_is_shown_of_it() -> None:
    document = read(
        Source(path="a.py", text="A = 'geheim'\nf('geheim', x='geheim')\nB = 'geheim' + 'geheim'\n")
    )
    shown = repr(document) + repr(document.scopes) + repr(document.scopes[0].assignments)
    assert "geheim" not in shown


ODD = [
    "(" * 5000,
    "x = " + "(" * 150 + "1" + ")" * 150,
    "x = " + "[" * 90 + "]" * 90,
    "x = " + "-" * 5000 + "1",
    "x = " + "a." * 5000 + "b",
    "x = 'a'" + " + 'a'" * 3000,
    "x = " + "not " * 2000 + "1",
    "x = " + "f(" * 80 + ")" * 80,
    "x = '\0'",
    "x = '\udcff'\n",
    "\ufeffx = 'a'\n",
    "x = 1" + "0" * 5000,
    "if a:\n    pass\n" + "elif a:\n    x = 1\n" * 1000,
    "\r".join(f"x{number} = {number}" for number in range(50)),
    "".join(f"a{number} = a{number + 1} + a{number + 1}\n" for number in range(60)) + "a60 = 'x'\n",
    "a = {'x': {}}\na['x']['y'] = a\nb = {'c': b}\n",
    '"""' + "é" * 5000,
    "\\" * 3000,
]


@each("number", range(len(ODD)))
def test_what_is_no_settings_file_is_borne(number: int) -> None:
    try:
        document = read(Source(path="a.py", text=ODD[number]))
    except TooLargeError:
        return
    assert_regions(document)


def test_what_is_too_much_is_refused() -> None:
    with pytest.raises(TooLargeError):
        read(Source(path="a.py", text="#" * 2_000_001))


def assert_regions(document: Document) -> None:
    text = document.texts[document.path]
    for one in document.scopes[0].assignments:
        assert 0 <= one.region.start <= one.region.end <= len(text)
        lines = text[: one.region.start].count("\n") + 1
        assert one.region.place.line == lines


@settings(max_examples=examples(30))
@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert_regions(read(Source(path="a.py", text=text)))


WORDS = st.lists(
    st.sampled_from(
        [
            "x",
            "y.z",
            "=",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "'a'",
            "587",
            "True",
            "if",
            "else",
            "\n",
            "    ",
            "é",
            "**",
        ]
    ),
    max_size=25,
)


@settings(max_examples=examples(30))
@given(WORDS)
def test_any_tokens_are_read(words: list[str]) -> None:
    assert_regions(read(Source(path="a.py", text=" ".join(words))))


def test_a_literal_is_what_is_changed() -> None:
    text = "HOST = 'a' # é\nOPTIONS = {'é': 1, 'host': \"b\"}; f('c', k=5)\n"
    found = {one.name: one for one in read(Source(path="a.py", text=text)).scopes[0].assignments}
    shown = {name: text[one.region.start : one.region.end] for name, one in found.items()}
    assert shown == {
        "HOST": "'a'",
        "OPTIONS.é": "1",
        "OPTIONS.host": '"b"',
        "f()": "f('c', k=5)",
        "f.0": "'c'",
        "f.k": "5",
    }
    changed = edited(text, [(found["OPTIONS.host"].region, write("x\"'\\", "string", "python", '"b"'))])
    assert said(read(Source(path="a.py", text=changed)).scopes[0].by_name()["OPTIONS.host"]) == (
        "string",
        "x\"'\\",
    )


@settings(max_examples=examples(30))
@given(st.text(max_size=12), st.sampled_from(["'a'", '"a"', "r'a'", "5", ""]))
def test_what_is_written_is_read_back(value: str, old: str) -> None:
    try:
        raw = write(value, "string", "python", old)
    except UnwritableError:
        assert any("\ud800" <= sign <= "\udfff" for sign in value)
        return
    one = python(f"A = {raw}\n")["A"]
    assert said(one) == ("string", value)


@each("language", LANGUAGES)
def test_what_no_literal_says_is_refused(language: str) -> None:
    assert write("587", "number", language) == "587"
    assert write("true", "boolean", language).lower() == "true"
    for value, kind in (
        ("5 + 5", "number"),
        ("maybe", "boolean"),
        (None, "unknown"),
        ("f()", "call"),
        ("\ud800", "string"),
    ):
        with pytest.raises(UnwritableError) as error:
            write(value, kind, language)  # type: ignore[arg-type]
        assert "5 + 5" not in str(error.value)
    with pytest.raises(ValueError, match="cobol"):
        write("a", "string", "cobol")


def test_a_package_that_is_not_there_leaves_a_language_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    assert reader_of("ruby") is None
    assert reader_of("python") is read
