"""The reader of ``.env`` syntax: the same as python-dotenv's on any text, and never slower than the text is long."""

from __future__ import annotations

import time
import tracemalloc
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from dotenv.parser import parse_stream as parse_stream_there
from dotenv.variables import Variable
from dotenv.variables import parse_variables as parse_variables_there
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from smtpdoctor.formats.dotenv_python import Reference, parse_stream, parse_variables, parts

if TYPE_CHECKING:
    from collections.abc import Callable

# All that means something in a file, and what only looks so.
PIECES = (
    *("A", "b.c", "SMTP_HOST", "=", " = ", "'", '"', "\\", "\\'", '\\"', "\\n", "\\\\", "#", " #", "export"),
    *("export ", " ", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\xa0"),
    *("\ufeff", "${", "}", ":-", ":", "$", "é", "메일", "\x00", "'a b'", '"x\ny"', "A=1\n", "''", '""'),
)
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.text(max_size=30))
VALUES = st.lists(st.sampled_from(("${", "}", ":", ":-", "-", "$", "{", "a", " ")), max_size=14).map("".join)


@given(TEXTS)
@settings(deadline=None, max_examples=200)
def test_any_text_is_read_as_python_dotenv_does(text: str) -> None:
    """Names, values, wrong lines, what belongs to each, and where it stands."""
    there = [tuple(one) for one in parse_stream_there(StringIO(text, newline=""))]
    assert [tuple(one) for one in parse_stream(StringIO(text, newline=""))] == there


@given(VALUES)
@settings(deadline=None, max_examples=100)
def test_any_value_is_taken_apart_as_python_dotenv_does(text: str) -> None:
    """``${NAME}`` and ``${NAME:-default}``, and what is none of them."""
    there = [
        Reference(one.name, one.default or "") if isinstance(one, Variable) else one.resolve({})
        for one in parse_variables_there(text)
    ]
    assert list(parse_variables(text)) == there


def _seconds(work: Callable[[], object]) -> float:
    """Return the least time of three that a piece of work takes of the processor."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def _read(text: str) -> int:
    return sum(len(list(parse_variables(value))) if value else 1 for _, value, _, _, _ in parts(text))


SHORT, LONG = 5_000, 20_000  # characters


def _assert_linear(before: str, unit: str, behind: str) -> None:
    """Check that four times as much takes about four times as long, and not sixteen."""
    short, long = (before + unit * (size // len(unit)) + behind for size in (SHORT, LONG))
    assert _seconds(lambda: _read(long)) < 8 * _seconds(lambda: _read(short)) + 0.01


@pytest.mark.parametrize("unit", PIECES)
def test_whatever_is_repeated_takes_no_longer_than_it_is_long(unit: str) -> None:
    """Each piece of the syntax, in a value and in front of what does not fit behind it."""
    for before, behind in (("A=", "b"), ("A='", ""), ("A=x", "b")):
        _assert_linear(before, unit, behind)


@given(
    st.sampled_from(("", "A=", "A='", 'A="', "'", "export ", "A=${")),
    st.lists(st.sampled_from(PIECES), min_size=2, max_size=3).map("".join),
    st.sampled_from(("", "'", '"', "b", "}", "\n")),
)
@settings(deadline=None, max_examples=20, phases=(Phase.generate,))
def test_several_pieces_repeated_take_no_longer_than_they_are_long(
    before: str, unit: str, behind: str
) -> None:
    """Pieces that undo each other, one after the other."""
    _assert_linear(before, unit, behind)


@pytest.mark.parametrize("piece", PIECES)
def test_memory_grows_with_a_text_and_no_faster(piece: str) -> None:
    """Also where python-dotenv keeps a way back from every character of a value in quotes."""
    text = f"A='{piece * (SHORT // len(piece))}"
    tracemalloc.start()
    try:
        _read(text)
        assert tracemalloc.get_traced_memory()[1] < 40 * len(text) + 100_000
    finally:
        tracemalloc.stop()
