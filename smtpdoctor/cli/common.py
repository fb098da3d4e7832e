"""What the commands share: errors → exit codes, the password, the output, the language."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import IO, Any, Final, NoReturn, ParamSpec

from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.options import FormatChoice, LangChoice
from smtpdoctor.errors import KnowledgeError, UsageError
from smtpdoctor.model import Lang, Message, Origin, Secret, Setting
from smtpdoctor.smtp.words import printable
from smtpdoctor.text import default_language, say

__all__ = [
    "EXIT_BUG",
    "EXIT_PROBLEM",
    "EXIT_USAGE",
    "fail_usage",
    "guarded",
    "language",
    "output_to",
    "password_from",
    "places_looked_at",
    "refuse_together",
    "tell",
    "write_atomically",
]

EXIT_PROBLEM: Final = 1
EXIT_USAGE: Final = 2
EXIT_BUG: Final = 3
EXIT_INTERRUPTED: Final = 130
_OUTPUT_ERRORS: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT})
_ISSUES: Final = "https://github.com/smtpdoctor/smtpdoctor/issues"
P = ParamSpec("P")


def language(choice: LangChoice | None) -> Lang:
    """Return the language that was asked for, or the environment's."""
    if choice is None:
        return default_language()
    return "ko" if choice is LangChoice.KO else "en"


def tell(text: str) -> None:
    """Say something on standard error; a closed one is no reason to stop."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        # File names and values are others' words too.
        sys.stderr.write("\n".join(map(printable, text.split("\n"))) + "\n")


def fail_usage(error: UsageError, lang: Lang, format_: FormatChoice) -> NoReturn:
    """Report an error of usage and end with its exit code; JSON stays JSON."""
    if format_ is FormatChoice.JSON:
        from smtpdoctor.report import json_v1

        missing = error.message.key == "usage.nothing"
        finding = json_v1.usage_finding(
            "config-missing" if missing else "config-invalid", error.message, error.hints, lang
        )
        sys.stdout.write(json_v1.render_failure(finding))
        sys.stdout.flush()
    else:
        tell(say(lang, "usage.error", text=say(lang, error.message)))
        for hint in error.hints:
            tell(f"  {say(lang, hint)}")
    raise Exit(EXIT_USAGE)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what escapes a command into the contract's exit codes."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        choice: Any = kwargs.get("lang")
        format_: Any = kwargs.get("format_", FormatChoice.TERMINAL)
        lang = language(choice)
        try:
            try:
                command(*args, **kwargs)
            except UsageError as error:
                fail_usage(error, lang, format_)
            except KnowledgeError as error:
                message = Message("usage.preset.broken", {"problem": error.problems[0]})
                fail_usage(UsageError(message), lang, format_)
            except KeyboardInterrupt:
                tell(say(lang, "interrupted"))
                raise Exit(EXIT_INTERRUPTED) from None
            finally:
                sys.stdout.flush()  # here, where it can still be said that nobody reads it
        except BrokenPipeError:
            _mute_output()  # whoever read it has seen enough
            raise Exit(EXIT_PROBLEM) from None
        except OSError as error:
            if error.errno not in _OUTPUT_ERRORS:
                _own_up(error, lang)
            values: dict[str, object] = {"file": "-", "reason": error.strerror or "?"}
            tell(say(lang, "usage.error", text=say(lang, Message("usage.output", values))))
            _mute_output()
            raise Exit(EXIT_USAGE) from None
        except Exception as error:  # noqa: BLE001 -- the contract's exit code 3
            _own_up(error, lang)

    return run


def _mute_output() -> None:
    """Send what is still buffered nowhere, so that Python does not complain of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _own_up(error: Exception, lang: Lang) -> NoReturn:
    import traceback

    # The frames only: a message may quote a value, and values may be secret.
    frames = "".join(traceback.format_tb(error.__traceback__)[-6:])
    tell(frames.rstrip())
    tell(say(lang, "bug", error=type(error).__name__))
    tell(say(lang, "bug.report", url=_ISSUES))
    raise Exit(EXIT_BUG) from None


def refuse_together(*pairs: tuple[str, bool]) -> None:
    """Raise UsageError where more than one of these flags is given."""
    given = [name for name, present in pairs if present]
    if len(given) > 1:
        values: dict[str, object] = {"first": given[0], "second": given[1]}
        raise UsageError(Message("usage.contradiction.flags", values))


def password_from(*, file: Path | None, stdin: bool, ask: bool, lang: Lang) -> Setting[Secret] | None:
    """Return the password that the command line points to; there is no flag that holds it."""
    refuse_together(
        ("--password-file", file is not None), ("--password-stdin", stdin), ("--ask-password", ask)
    )
    if file is not None:
        from smtpdoctor.settings.read import read_secret_file

        flag, text = "--password-file", read_secret_file(file, "--password-file")
    elif stdin:
        flag, text = "--password-stdin", sys.stdin.read(65_536).rstrip("\r\n")
    elif ask:
        from getpass import getpass

        try:
            flag, text = "--ask-password", getpass(say(lang, "prompt.password"), stream=None)
        except EOFError:
            text = ""
            flag = "--ask-password"
    else:
        return None
    if not text:
        raise UsageError(Message("usage.empty-password", {"flag": flag}))
    return Setting(Secret(text), Origin("flag", flag))


def write_atomically(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file whole or not at all; raises OSError.

    A link is followed, and the mode of a file that exists is kept unless it would be wider than
    ``mode``.
    """
    import tempfile

    try:
        target = path.resolve()
    except RuntimeError as error:  # what Python says of links that go round
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    if target.exists() and not target.is_file():
        # A pipe or device is written to: replacing it by a file would destroy it.
        with target.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return
    existing = target.stat().st_mode & 0o777 if target.exists() else None
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        if mode is not None:
            os.chmod(aside, mode if existing is None else existing & mode)  # noqa: PTH101
        elif existing is not None:
            os.chmod(aside, existing)  # noqa: PTH101
        else:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(aside, 0o666 & ~umask)  # noqa: PTH101
        Path(aside).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise


@contextlib.contextmanager
def output_to(path: Path | None) -> Iterator[IO[str]]:
    """Give the stream that the report goes to; a file is written whole at the end, or not at all."""
    if path is None:
        yield sys.stdout
        return
    from io import StringIO

    if path.is_dir() or not path.parent.is_dir():
        reason = os.strerror(errno.EISDIR if path.is_dir() else errno.ENOENT)
        raise UsageError(Message("usage.output", {"file": str(path), "reason": reason}))
    buffer = StringIO()
    yield buffer
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        values: dict[str, object] = {"file": str(path), "reason": error.strerror or "?"}
        raise UsageError(Message("usage.output", values)) from error


@contextlib.contextmanager
def live_output_to(path: Path | None) -> Iterator[IO[str]]:
    """Give the stream for what is told as it comes; a file grows with it, and only its owner may read it."""
    if path is None:
        yield sys.stdout
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        values: dict[str, object] = {"file": str(path), "reason": error.strerror or "?"}
        raise UsageError(Message("usage.output", values)) from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="", buffering=1) as stream:
        yield stream


def places_looked_at(
    environment: bool, files: Sequence[Path], implicit: Path, names: Sequence[str], lang: Lang
) -> str:
    """Return a list of the places where settings were looked for."""
    shown = [say(lang, "usage.place.flags")]
    if environment:
        shown.append(say(lang, "usage.place.environment", names=", ".join(names)))
    else:
        shown.append(say(lang, "usage.place.no-environment"))
    for path in files or [implicit]:
        key = "usage.place.file" if path.exists() else "usage.place.no-file"
        shown.append(say(lang, key, file=str(path)))
    return ", ".join(shown)
