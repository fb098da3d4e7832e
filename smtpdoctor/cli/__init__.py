"""The command line: parse, call, pick a renderer, set the exit code. No policy lives here.

Each command is a module; it imports what it needs when it runs, so that ``--version`` and a JSON
run pay for nothing else.
"""

from __future__ import annotations

import gc
import os
import sys
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

# Start-up allocates much and frees nothing; collecting that at the usual rate takes 10 ms of 110.
gc.set_threshold(100_000)

import typer  # noqa: E402 -- after the line above, which is about it
from typer.core import TyperGroup  # noqa: E402

from smtpdoctor import __version__  # noqa: E402

__all__ = ["COMMANDS", "app", "main"]

# In the order in which a user meets them. Each is a function of its name in a module of its name.
COMMANDS: Final = ("check", "lint", "explain", "presets", "generate", "sandbox")


class _LazyGroup(TyperGroup):
    """Builds a command when it is asked for: reading the signatures of all would take 30 ms."""

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
