"""Where the process begins, before anything else of ours is loaded: an old Python and Ctrl-C are met here.

No newer syntax than Python 3.7 has may stand here: whoever runs a checkout with an old Python is to
read one sentence, and not a SyntaxError.
"""

import os
import sys

__all__ = ["end_at_once", "main"]

_OLDEST = (3, 11)  # `requires-python` in pyproject.toml
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def end_at_once(_number: int, _frame: object) -> None:
    """End the process: nothing has begun that would have to be put in order."""
    os._exit(_EXIT_INTERRUPTED)


def main() -> None:
    """Run the command line."""
    if sys.version_info < _OLDEST:
        wanted, found = (".".join(map(str, one[:2])) for one in (_OLDEST, sys.version_info))
        sys.stderr.write(f"smtpdoctor needs Python {wanted} or newer, and this is {found}.\n")
        sys.exit(_EXIT_USAGE)
    try:
        import signal

        # An interrupt in the middle of an import would end in a traceback, or even be lost.
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if usual:
            signal.signal(signal.SIGINT, end_at_once)
        from smtpdoctor.cli import main as run
    except KeyboardInterrupt:
        os._exit(_EXIT_INTERRUPTED)
    run()
