"""How commands declare their options, and how a plain command line is read from that.

The declarations are typer's in all but name: typer makes the help, the errors and every unusual line
of them (``cli/typed.py``). It takes 50 ms to load, though, which is a third of a whole check, and a
line that has nothing but known options with values of the right kind needs none of it. That is read
here; of whatever else there is, ``call_of`` says that it does not know, and typer decides.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from smtpdoctor import __version__

if TYPE_CHECKING:
    from smtpdoctor.model import Lang

__all__ = [
    "COMMANDS",
    "HELP",
    "Argument",
    "Declared",
    "Exit",
    "Option",
    "call_of",
    "declared_in",
    "function_of",
    "is_argument",
    "kind_of",
    "options_said",
    "values_of",
]

# In the order in which a user meets them. Each is a function of its name in a module of its name.
COMMANDS: Final = (
    "check",
    "lint",
    "explain",
    "presets",
    "apps",
    "generate",
    "convert",
    "fix",
    "sandbox",
    "completion",
)
HELP: Final = "help"  # no command, but the word for one that people try


class Exit(SystemExit):
    """Ends a command with an exit code."""


class Declared:
    """What typer is told of a parameter; see ``typer.Option`` and ``typer.Argument``."""

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002 -- as typer has it
        metavar: str | None = None,
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
    ) -> None:
        self.names = names
        self.least = min
        self.most = max
        more = {"help": help, "metavar": metavar, "min": min, "max": max}
        self.more: dict[str, Any] = {name: value for name, value in more.items() if value is not None}


class Option(Declared):
    """``--name VALUE``, or ``--name`` for one that is true or false."""


class Argument(Declared):
    """A word that belongs to no option."""


class _Unsure(Exception):
    """Typer is to decide."""


def function_of(command: str) -> FunctionType:
    """Return the function of a command."""
    function: FunctionType = getattr(import_module(f"smtpdoctor.cli.{command}"), command)
    return function


def declared_in(function: Any) -> dict[str, tuple[Any, Declared]]:
    """Return type and declaration of each parameter by name, of the function below its decorators."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    hints = function.__annotations__
    if any(isinstance(hint, str) for hint in hints.values()):
        hints = get_type_hints(function, include_extras=True)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {name: (hints[name].__origin__, hints[name].__metadata__[0]) for name in names}


def kind_of(hint: Any) -> tuple[Any, bool]:
    """Return the type of one value, and whether there may be many."""
    if get_origin(hint) in {Union, UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    return (get_args(hint)[0], True) if get_origin(hint) is list else (hint, False)


def _number(text: str, kind: type, declared: Declared) -> float:
    whole = text if kind is int else text.replace(".", "", 1)
    if not (whole.isascii() and whole.isdigit()):
        raise _Unsure
    try:
        number: float = kind(text)
    except ValueError as error:  # thousands of digits
        raise _Unsure from error
    if (declared.least is not None and number < declared.least) or (
        declared.most is not None and number > declared.most
    ):
        raise _Unsure
    return number


def _value(text: str, kind: Any, declared: Declared) -> Any:
    """Return what a text means as a value of this type."""
    if kind is str:
        return text
    if kind is Path:
        return Path(text)
    if kind in {int, float}:
        return _number(text, kind, declared)
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    if isinstance(kind, type) and issubclass(kind, Enum) and text in {one.value for one in kind}:
        return kind(text)
    raise _Unsure


def values_of(function: Any, arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the values that a plain line gives to parameters, by name; None where typer has to decide."""
    parameters = declared_in(function)
    try:
        return _read(parameters, arguments)
    except _Unsure:
        return None


def _read(parameters: Mapping[str, tuple[Any, Declared]], arguments: Sequence[str]) -> dict[str, Any]:
    flags = {flag: name for name, (_, one) in parameters.items() for flag in one.names}
    places = [name for name, (_, one) in parameters.items() if isinstance(one, Argument)]
    found: dict[str, Any] = {}
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        flag, given, text = word.partition("=")
        name = flags.get(flag) if word.startswith("-") else next(iter(places), None)
        if name is None:
            raise _Unsure
        kind, many = kind_of(parameters[name][0])
        if kind is bool and not given:
            found[name] = True
            continue
        if name in places:
            text = word
        elif not given:
            text = _following(rest)
        value = _value(text, kind, parameters[name][1])
        if many:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise _Unsure
        else:
            found[name] = value
    if any(name not in found and not _is_optional(parameters[name][0]) for name in places):
        raise _Unsure
    return found


def _following(rest: list[str]) -> str:
    if not rest or rest[-1].startswith("-"):
        raise _Unsure
    return rest.pop()


def _is_optional(hint: Any) -> bool:
    return type(None) in get_args(hint)


def is_argument(text: str) -> bool:
    """Whether a system can pass a text to a program: without NUL, and each of its characters has bytes."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _tell_help(command: str, lang: Lang) -> None:
    from smtpdoctor.cli.helping import help_of

    sys.stdout.write(help_of(command, lang))


def _tell_version() -> None:
    sys.stdout.write(f"smtpdoctor {__version__}\n")


def options_said(arguments: Sequence[str]) -> list[str]:
    """Return a line with the word that others have for an option in its place: ``help check`` as git has it."""
    rest = list(arguments)
    while rest[:1] == [HELP]:
        rest = [one for one in rest[1:] if one not in {"--help", "-h"}] + ["--help"]
    return rest


def call_of(arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return what to run for a plain command line; None where typer has to decide."""
    arguments = options_said(arguments)
    if sys.platform == "win32":
        return None  # where typer expands patterns of file names too
    if list(arguments) == ["--version"]:
        return _tell_version
    if any(one in {"--help", "-h"} for one in arguments):
        from smtpdoctor.cli.helping import help_asked_for

        asked = help_asked_for(arguments)
        return None if asked is None else partial(_tell_help, *asked)
    if not arguments or arguments[0] not in COMMANDS or not all(map(is_argument, arguments)):
        return None
    function = function_of(arguments[0])
    values = values_of(function, arguments[1:])
    return None if values is None else partial(function, **values)
