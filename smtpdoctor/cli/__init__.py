"""The command line: parse, call, pick a renderer, set the exit code. No policy lives here.

Each command is a module; it imports what it needs when it runs, so that ``--version`` and a JSON
run pay for nothing else.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

# Start-up allocates much and frees nothing; collecting that at the usual rate takes 10 ms of 110.
gc.set_threshold(100_000)

import typer  # noqa: E402 -- after the line above, which is about it
from typer.core import TyperGroup  # noqa: E402

from smtpdoctor import __version__  # noqa: E402

__all__ = ["COMMANDS", "app", "main"]

EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
# Typer carries a copy of click from 0.28 on, and before that it needed click itself.
_PARSER_ERROR: Final[type[Exception]] = next(
    one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException"
)
# In the order in which a user meets them. Each is a function of its name in a module of its name.
COMMANDS: Final = ("check", "lint", "explain", "presets", "generate", "sandbox")


class _LazyGroup(TyperGroup):
    """Builds a command when it is asked for: reading the signatures of all would take 30 ms.

    What the parser refuses is told as any other error of usage.
    """

    def main(self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command and end with its exit code."""
        given = sys.argv[1:] if args is None else list(args)
        run = partial(super().main, given, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(_exit_code(run, given))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        function = getattr(import_module(f"smtpdoctor.cli.{cmd_name}"), cmd_name)
        single.command(cmd_name, context_settings=_CONTEXT)(function)
        command = typer.main.get_command(single)
        version = copy(next(one for one in self.params if one.name == "version"))
        version.expose_value = False  # its callback does it all
        command.params.append(version)
        return command


def _exit_code(run: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, whatever the parser makes of its end."""
    try:
        code = run() or 0
        sys.stdout.flush()
    except _PARSER_ERROR as error:
        return _refused(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # the parser's own end of it
            return _unread()
        raise
    return int(code)


def _unread() -> int:
    """Return the exit code where the reader has seen enough: `smtpdoctor --help | head -1`."""
    from smtpdoctor.cli.common import mute_output

    mute_output()
    return 0


def _refused(error: Any, arguments: Sequence[str]) -> int:
    """Tell what the parser found wrong, and return the exit code of wrong usage."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return EXIT_USAGE
    from smtpdoctor.cli.common import fail_usage
    from smtpdoctor.cli.parsing import format_asked_for, language_asked_for, usage_error

    try:
        fail_usage(usage_error(error, arguments), language_asked_for(arguments), format_asked_for(arguments))
    except typer.Exit as ended:
        return ended.exit_code


_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

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


def main() -> None:
    """Run the command line."""
    # A stream that was closed before the start (`>&-`) is None; nothing is to be read or said there.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 -- for the life of the process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that cannot show Korean shows escapes; it does not end the run.
            reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()  # what is left dies with the process: searching it for cycles would take 15 ms of 100
