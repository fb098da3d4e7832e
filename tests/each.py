"""Many rows of one table in one test, where each takes less time than a test of its own would.

A test of pytest costs some two milliseconds before it does anything, and a table of a hundred presets is read by
dozens of tests. ``each`` is written like ``pytest.mark.parametrize``: every row is tried, and all that fail
are named.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

__all__ = ["each"]

_Test = Callable[..., None]
_Param: Final = type(pytest.param())
_MOST: Final = 600  # characters of a row that are shown


def _shortened(values: dict[str, Any]) -> str:
    whole = repr(values)
    return whole if len(whole) <= _MOST else f"{whole[:_MOST]}…"


def each(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[_Test], _Test]:
    """Have a test run for every row of a table: values by name, several in a tuple.

    For tests that take no fixture which is made anew for each. Raises an ExceptionGroup with what failed,
    each with its row as a note. Of ``pytest.param`` the values count; marks are none of its business.
    """
    given = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    table = [row.values if isinstance(row, _Param) else row if len(given) > 1 else (row,) for row in rows]

    def decorate(test: _Test) -> _Test:
        @functools.wraps(test)
        def run(**others: Any) -> None:
            failed = []
            for row in table:
                values = dict(zip(given, row, strict=True))
                try:
                    test(**values, **others)
                except Exception as error:  # noqa: BLE001 -- each row is judged, whatever became of those before
                    error.add_note(f"with {_shortened(values)}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(table)} rows", failed)

        signature = inspect.signature(test)
        left = [one for name, one in signature.parameters.items() if name not in given]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined] # what pytest asks for
        del run.__wrapped__  # pytest would look behind it
        assert len(left) + len(given) == len(signature.parameters)
        assert table
        return run

    return decorate
