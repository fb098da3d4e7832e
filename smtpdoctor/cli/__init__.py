"""The command line: parse, call, pick a renderer, set the exit code. No policy lives here.

Each command is a module; it imports what it needs when it runs, so that ``--version`` and a JSON
run pay for nothing else. Typer is loaded for help, errors and unusual lines only.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

# Start-up allocates much and frees nothing; collecting that at the usual rate takes 10 ms of 110.
gc.set_threshold(100_000)

from smtpdoctor.cli.declared import COMMANDS, call_of  # noqa: E402 -- after the line above, which is about it

if TYPE_CHECKING:
    from smtpdoctor.cli.typed import app

__all__ = ["COMMANDS", "app", "main"]


def __getattr__(name: str) -> Any:
    """Load typer's application when it is asked for."""
    if name == "app":
        from smtpdoctor.cli import typed

        return typed.app
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


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
        if "_SMTPDOCTOR_COMPLETE" in os.environ:  # a shell asks what may be typed
            from smtpdoctor.cli.completing import answer

            answer(sys.argv[1:])
            return
        call = call_of(sys.argv[1:])
        if call is None:
            from smtpdoctor.cli.typed import app

            app()
        else:
            call()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # a command has met it itself: this is `smtpdoctor --version | true`
        from smtpdoctor.cli.common import mute_output

        mute_output()
    except OSError as error:  # likewise: `smtpdoctor --help` onto a full disk
        _end_unwritten(error)
    finally:
        gc.freeze()  # what is left dies with the process: searching it for cycles would take 15 ms of 100


def _end_unwritten(error: OSError) -> NoReturn:
    """End where what is printed before a command begins cannot be written."""
    from smtpdoctor.cli.common import EXIT_USAGE, is_unwritable, tell_unwritable
    from smtpdoctor.cli.parsing import language_asked_for

    if not is_unwritable(error):
        raise error
    tell_unwritable(error, language_asked_for(sys.argv[1:]))
    sys.exit(EXIT_USAGE)
