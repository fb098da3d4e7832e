"""The command line as typer has it: help, errors, and all that is no plain line (``cli/declared.py``)."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache, partial, wraps
from typing import Annotated, Any, Final, NoReturn, get_args

import typer
from typer.core import TyperGroup

from smtpdoctor import __version__
from smtpdoctor.cli.common import EXIT_INTERRUPTED, EXIT_USAGE, fail_usage, mute_output
from smtpdoctor.cli.declared import (
    COMMANDS,
    Argument,
    Declared,
    Exit,
    declared_in,
    function_of,
    is_argument,
    options_said,
)
from smtpdoctor.cli.helping import help_asked_for, help_of
from smtpdoctor.cli.parsing import format_asked_for, known_from, language_asked_for, usage_error
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message

__all__ = ["app", "command_of"]

_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
# Typer carries a copy of click from 0.28 on, and before that it needed click itself.
_PARSER_ERROR: Final[type[Exception]] = next(
    one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException"
)


def _no_nan(value: float | None) -> float | None:
    """Refuse what is no number though it is a float: it lies within all limits."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter(str(value))
    return value


def _told_to_typer(hint: Any, declared: Declared) -> Any:
    kind = typer.Argument if isinstance(declared, Argument) else typer.Option
    callback = _no_nan if float in {hint, *get_args(hint)} else None
    return Annotated[hint, kind(*declared.names, callback=callback, **declared.more)]


def _in_typer_s_words(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function with its parameters declared to typer."""
    declared = {name: _told_to_typer(hint, one) for name, (hint, one) in declared_in(function).items()}
    signature = inspect.signature(inspect.unwrap(function))
    parameters = [
        one.replace(annotation=declared[name])
        for name, one in signature.parameters.items()
        if name in declared  # what is not, the command is given from elsewhere
    ]

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
    """Builds a command when it is asked for: reading the signatures of all would take 30 ms.

    What the parser refuses is told as any other error of usage, and the help is our own (``cli/helping.py``).
    """

    _given: Sequence[str] = ()

    def main(self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and end with its exit code."""
        given = self._given = options_said(sys.argv[1:] if args is None else args)
        if not all(map(is_argument, given)):  # no system passes it on, but a program that calls this may
            _fail(UsageError(Message("usage.no-argument")), given)
        if (asked := help_asked_for(given)) is not None:
            sys.stdout.write(help_of(*asked))
            return 0
        run = partial(super().main, given, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(_exit_code(run, given))

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002 -- click's signature
        return help_of("", self._language()).rstrip("\n")

    def _language(self) -> Lang:
        return language_asked_for(self._given)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = copy(_built(cmd_name))
        command.get_help = lambda _: help_of(cmd_name, self._language()).rstrip("\n")
        version = copy(next(one for one in self.params if one.name == "version"))
        version.expose_value = False  # its callback does it all
        command.params = [*command.params, version]
        return command


@cache  # whoever calls the application again and again reads a signature once
def _built(name: str) -> Any:
    return command_of(name, function_of(name))


def _exit_code(run: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, whatever the parser makes of its end."""
    try:
        code = run() or 0
        sys.stdout.flush()
    except _PARSER_ERROR as error:
        _refuse(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except Exit:
        raise
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # the parser's own end of it
            return _unread()
        raise
    return int(code)


def _unread() -> int:
    """Return the exit code where the reader has seen enough: `smtpdoctor --help | head -1`."""
    mute_output()
    return 0


def _refuse(error: Any, arguments: Sequence[str]) -> NoReturn:
    """Tell what the parser found wrong, and end with the exit code of wrong usage."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        raise Exit(EXIT_USAGE)
    _fail(usage_error(error, arguments), arguments)


def _fail(error: UsageError, arguments: Sequence[str]) -> NoReturn:
    lang, format_ = language_asked_for(arguments), format_asked_for(arguments)
    fail_usage(error, lang, format_, known_from(arguments))


app = typer.Typer(
    name="smtpdoctor",
    cls=_LazyGroup,
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
