"""One line of a ``.env`` file gets another value, and nothing else of it changes."""

from __future__ import annotations

from io import StringIO

import pytest
from dotenv.parser import parse_stream
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.formats.dotenv import UnwritableError, assigned, assignment, masked, value_of, written

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True)
BLANKS = st.text(" \t", max_size=3)
PLAIN = st.text("abcXYZ0189_./:@+-", min_size=1, max_size=12)
QUOTABLE = st.text("abc XYZ#09=_.*!?,;()[]&|~^", max_size=12)
COMMENTS = st.sampled_from(["", " # why", "\t#why", '  # it\'s "quoted"'])


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str, str, str, str]:
    """Return what stands before the value, quotation mark, value, quotation mark and rest, line end too."""
    export = draw(st.sampled_from(["", "export ", "export\t "]))
    head = f"{export}{draw(NAMES)}{draw(BLANKS)}={draw(BLANKS)}"
    quote = draw(st.sampled_from(["", "'", '"']))
    value = draw(QUOTABLE if quote else PLAIN)
    return head, quote, value, quote, draw(COMMENTS) + draw(st.sampled_from(["", "\n", "\r\n"]))


def read(line: str) -> tuple[str | None, str | None]:
    """Read a line as python-dotenv does."""
    (binding,) = list(parse_stream(StringIO(line, newline="")))
    assert not binding.error
    return binding.key, binding.value


@given(lines(), st.one_of(PLAIN, QUOTABLE, st.just("")))
def test_only_the_value_changes(parts: tuple[str, str, str, str, str], value: str) -> None:
    head, _, _, _, rest = parts
    line = "".join(parts)
    edited = assigned(line, value)
    assert edited is not None
    assert edited.startswith(head.rstrip())
    assert edited.endswith(rest)
    assert read(edited) == (read(line)[0], value)


@given(lines())
def test_the_value_of_a_line_is_what_is_read(parts: tuple[str, str, str, str, str]) -> None:
    assert value_of("".join(parts)) == parts[2]


@given(lines())
def test_a_mask_takes_the_place_of_the_value_alone(parts: tuple[str, str, str, str, str]) -> None:
    head, quote, _, _, rest = parts
    assert masked("".join(parts), "********") == f"{head}{quote}********{quote}{rest}"


@given(NAMES, QUOTABLE)
def test_an_assignment_is_read_as_it_was_meant(name: str, value: str) -> None:
    assert read(assignment(name, value)) == (name, value)


@pytest.mark.parametrize(
    ("line", "value", "edited"),
    [
        ("SMTP_PORT=465", "587", "SMTP_PORT=587"),
        ("export SMTP_PORT = '465'  # old", "587", "export SMTP_PORT = '587'  # old"),
        ("SMTP_PORT= # none yet", "587", "SMTP_PORT=587 # none yet"),
        ("SMTP_PORT=", "587", "SMTP_PORT=587"),
        ("SMTP_PORT", "587", "SMTP_PORT=587"),
        ('SMTP_SENDER="a@b.test"', "App <a@b.test>", "SMTP_SENDER='App <a@b.test>'"),
        ("A=x#y", "z", "A=z"),
    ],
)
def test_lines(line: str, value: str, edited: str) -> None:
    assert assigned(line, value) == edited


@pytest.mark.parametrize(("value", "what"), [("it's", "'"), ("${A}", "${"), ("a\nb", "\n"), ("a\\", "\\")])
def test_what_readers_take_differently_is_refused(value: str, what: str) -> None:
    with pytest.raises(UnwritableError) as caught:
        written(value)
    assert caught.value.what == what


def test_what_is_no_definition_is_left_alone() -> None:
    assert assigned("# SMTP_PORT=465", "587") is None
    assert masked("# a comment", "***") is None
    assert value_of("# a comment") is None
