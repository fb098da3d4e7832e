"""The command line as typer has it: help, errors, and all that is no plain line (``cli/declared.py``)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from smtpdoctor import __version__
from smtpdoctor.cli.declared import COMMANDS, Argument, declared_in, function_of

__all__ = ["app", "command_of"]

_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _in_typer_s_words(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function with its parameters declared to typer."""
    declared = {
        name: Annotated[
            hint, (typer.Argument if isinstance(one, Argument) else typer.Option)(*one.names, **one.more)
        ]
        for name, (hint, one) in declared_in(function).items()
    }
    signature = inspect.signature(inspect.unwrap(function))
    parameters = [one.replace(annotation=declared[name]) for name, one in signature.parameters.items()]

    @wraps(function)
    def run(**values: Any) -> None:
        function(**values)

    del run.__wrapped__
    run.__annotations__ = declared
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # PEP 362
    return run


def command_of(name: str, function: Callable[..., None]) -> Any:
    """Return a function with declared parameters as a command."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name, context_settings=_CONTEXT)(_in_typer_s_words(function))
    return typer.main.get_command(single)


class _LazyGroup(TyperGroup):
    """Builds a command when it is asked for: reading the signatures of all would take 30 ms."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = command_of(cmd_name, function_of(cmd_name))
        version = copy(next(one for one in self.params if one.name == "version"))
        version.expose_value = False  # its callback does it all
        command.params.append(version)
        return command


app = typer.Typer(
    name="smtpdoctor",
    cls=_LazyGroup,
    epilog="Exit codes: 0 healthy, 1 a problem was found, 2 wrong usage or unreadable settings, "
    "3 a bug in smtpdoctor, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"smtpdoctor {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Find out why an application cannot send mail through an SMTP provider, and how to fix it."""
