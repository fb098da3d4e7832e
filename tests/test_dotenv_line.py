"""One line of a ``.env`` file gets another value, and nothing else of it changes."""

from __future__ import annotations

from io import StringIO

import pytest
from dotenv.parser import Binding, _double_quote_escapes, _single_quote_escapes, decode_escapes, parse_stream
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smtpdoctor.formats.dotenv import UnwritableError, assigned, assignment, masked, value_of, written
from tests.each import each
from tests.examples import examples

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True)
QUOTABLE = st.text("abc XYZ#09=_.*!?,;()[]&|~^", max_size=12)
# What the syntax is made of, and what else readers take for blanks, line ends or quotes.
PIECES = [
    "export ", "export\t", "export", "A", "SMTP_HOST", "'k y'", "=", " = ", "= ", "=\t", "'", '"', "\\",
    "#", " #", "\t#", " # c", "x", "a b", "${A}", "$", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028",
    "\xa0", " ", "\ufeff", "'q'", '"q"', "'a\nb'", '"a\\"b"', "'it\\'s'", "\x1c", "{", "}", ":-", "ä", "\0",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), st.text(max_size=30))
VALUES = st.one_of(
    st.text(st.sampled_from("abZ09_./:@+- #'\"\\${}=\t\n,;|&é한"), max_size=12), st.text(max_size=10)
)
MARK = "\x01"


def read(line: str) -> tuple[str | None, str | None]:
    """Read a line as python-dotenv does."""
    (binding,) = list(parse_stream(StringIO(line, newline="")))
    assert not binding.error
    return binding.key, binding.value


def definitions(text: str) -> list[Binding]:
    """Return the parts of a file as python-dotenv sees them."""
    return list(parse_stream(StringIO(text, newline="")))


def any_definition(text: str, which: int) -> tuple[list[Binding], int]:
    """Return the parts of a file that is read without errors, and the place of a definition among them."""
    parts = definitions(text)
    places = [number for number, one in enumerate(parts) if one.key is not None]
    assume(places and MARK not in text and not text.startswith("\ufeff"))
    assume(not any(one.error for one in parts))  # a quote of ours could close the one that is open there
    return parts, places[which % len(places)]


@settings(max_examples=examples(75), deadline=None)
@given(TEXTS, VALUES, st.integers(0, 9))
def test_only_the_value_changes(text: str, value: str, which: int) -> None:
    """Of one definition of any file: it is read as it was meant, the others as before, byte for byte."""
    parts, place = any_definition(text, which)
    sources = [one.original.string for one in parts]
    try:
        edited = assigned(sources[place], value)
    except UnwritableError:
        return  # why, is told below
    assert edited is not None
    after = definitions("".join([*sources[:place], edited, *sources[place + 1 :]]))
    expected = [(one.key, one.value) for one in parts]
    expected[place] = (parts[place].key, value)
    assert [(one.key, one.value) for one in after] == expected
    assert [one.original.string for one in after] == [*sources[:place], edited, *sources[place + 1 :]]
    shown = masked(sources[place], MARK)
    assert shown is not None
    head, _, tail = shown.partition(MARK)
    quoted = bool(head) and head[-1] in "'\"" and tail[:1] == head[-1]
    head, tail = (head[:-1], tail[1:]) if quoted else (head, tail)
    tail = tail.replace(MARK, value_of(sources[place]) or "")  # a comment may say the value again
    assert edited.startswith(head.rstrip())
    assert edited.endswith(tail)
    assert sources[place].startswith(head.removesuffix("="))
    assert sources[place].endswith(tail)


@settings(max_examples=examples(75), deadline=None)
@given(TEXTS, st.integers(0, 9))
def test_the_value_of_a_line_is_what_is_read(text: str, which: int) -> None:
    """With its escapes as they stand there."""
    parts, place = any_definition(text, which)
    value = value_of(parts[place].original.string)
    assert value is not None
    readings = {
        value,
        decode_escapes(_single_quote_escapes, value),
        decode_escapes(_double_quote_escapes, value),
    }
    assert (parts[place].value or "") in readings


@given(NAMES, QUOTABLE)
def test_an_assignment_is_read_as_it_was_meant(name: str, value: str) -> None:
    assert read(assignment(name, value)) == (name, value)


@each(
    ("line", "value", "edited"),
    [
        ("SMTP_PORT=465", "587", "SMTP_PORT=587"),
        ("export SMTP_PORT = '465'  # old", "587", "export SMTP_PORT = '587'  # old"),
        ("SMTP_PORT= # none yet", "587", "SMTP_PORT=587 # none yet"),
        ("SMTP_PORT=", "587", "SMTP_PORT=587"),
        ("SMTP_PORT", "587", "SMTP_PORT=587"),
        ('SMTP_SENDER="a@b.test"', "App <a@b.test>", "SMTP_SENDER='App <a@b.test>'"),
        ("A=x#y", "z", "A=z"),
        ("A#y", "z", "A=z #y"),
    ],
)
def test_lines(line: str, value: str, edited: str) -> None:
    assert assigned(line, value) == edited


@given(VALUES)
def test_what_cannot_be_written_is_named(value: str) -> None:
    """By the part of the value that is the trouble; any other value is read as it was."""
    try:
        line = f"A={written(value)}"
    except UnwritableError as error:
        what: str | None = error.what
    else:
        assert read(line) == ("A", value)
        what = None
    assert what is None or (what and what in value)


@pytest.mark.parametrize(("value", "what"), [("it's", "'"), ("${A}", "${"), ("a\nb", "\n"), ("a\\", "\\")])
def test_what_readers_take_differently_is_refused(value: str, what: str) -> None:
    with pytest.raises(UnwritableError) as caught:
        written(value)
    assert caught.value.what == what


def test_what_is_no_definition_is_left_alone() -> None:
    assert assigned("# SMTP_PORT=465", "587") is None
    assert masked("# a comment", "***") is None
    assert value_of("# a comment") is None
