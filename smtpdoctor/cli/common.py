"""What the commands share: errors → exit codes, the password, the output, the language."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, cast

from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice, LangChoice
from smtpdoctor.errors import KnowledgeError, UsageError
from smtpdoctor.files import is_there
from smtpdoctor.masking.words import for_log, printable
from smtpdoctor.model import Lang, Message, Origin, Secret, Setting
from smtpdoctor.text import default_language, say

if TYPE_CHECKING:
    from smtpdoctor.cli.outputs import Outputs

__all__ = [
    "EXIT_BUG",
    "EXIT_PROBLEM",
    "EXIT_USAGE",
    "fail_usage",
    "format_on_stdout",
    "guarded",
    "is_unwritable",
    "language",
    "live_output_to",
    "mute_output",
    "other_language",
    "output_to",
    "outputs_of",
    "password_from",
    "patient",
    "places_looked_at",
    "refuse_to_destroy",
    "refuse_together",
    "refuse_unusable",
    "repeated_flags",
    "tell",
    "tell_unwritable",
    "unusable",
]

EXIT_PROBLEM: Final = 1
EXIT_USAGE: Final = 2
EXIT_BUG: Final = 3
EXIT_INTERRUPTED: Final = 130
_OUTPUT_ERRORS: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT})
# Characters of a value: more is no host (RFC 1035), no name and no URL, but something pasted by mistake.
_LONGEST: Final = {"--host": 512, "--ehlo": 255, "--url": 16_384, "--preset": 512, "--app": 512}
_LONGEST_NAME: Final = 2_048
_REFUSING: Final = frozenset({"json", "json-lines", "github", "nagios"})
_NAGIOS: Final = "nagios"
_UNKNOWN: Final = 3  # https://nagios-plugins.org/doc/guidelines.html: invalid arguments are that too
_ISSUES: Final = "https://github.com/smtpdoctor/smtpdoctor/issues"
P = ParamSpec("P")


def language(choice: LangChoice | None) -> Lang:
    """Return the language that was asked for, or the environment's."""
    if choice is None:
        return default_language()
    return "ko" if choice is LangChoice.KO else "en"


def other_language(lang: Lang) -> Lang:
    """Return the other of the two, for what holds both."""
    return "en" if lang == "ko" else "ko"


def tell(text: str) -> None:
    """Say something on standard error; a closed one is no reason to stop."""
    # File names and values are others' words too.
    lines = [for_log(printable(line)) for line in text.split("\n")]
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            lines = _fitted(lines, _columns())
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        _mute(sys.stderr)  # else Python tries again at exit, and ends with a code of its own


def _columns() -> int:
    """Return how wide the terminal of standard error is, in cells; raises OSError where it does not tell."""
    from smtpdoctor.report.layout import stated_size

    return stated_size("COLUMNS") or os.get_terminal_size(sys.stderr.fileno()).columns


def _fitted(lines: Sequence[str], width: int) -> list[str]:
    """Break lines between words, but no command, path or address; a width of 0 is not known."""
    if not width or all(2 * len(line) <= width for line in lines):
        return list(lines)
    from smtpdoctor.report.layout import unbroken

    return [part for line in lines for part in unbroken(line, width)]


def fail_usage(error: UsageError, lang: Lang, format_: str, known: Known) -> NoReturn:
    """Report an error of usage and end with its exit code; what programs read is told in their format.

    Every sentence of it comes through here, and with it every value that somebody may have typed.
    """
    lines = [known.say(lang, one) for one in (error.message, *error.hints)]
    if format_ in _REFUSING:
        _print_failure("\n".join(map(printable, lines)), format_)
    else:
        tell(say(lang, "usage.error", text=lines[0]))
        for line in lines[1:]:
            tell(f"  {line}")
    raise Exit(_UNKNOWN if format_ == _NAGIOS else EXIT_USAGE)


def _print_failure(text: str, format_: str) -> None:
    """Print what a format has for a run that came to no report."""
    from importlib import import_module

    from smtpdoctor.report import RENDERERS

    stream = patient(sys.stdout)
    stream.write(import_module(RENDERERS[format_]).refused(text))
    stream.flush()


def format_on_stdout(formats: FormatChoice | Sequence[str] | None) -> str:
    """Return the format that standard output has, of those that can tell of a failed run; else the terminal's."""
    if isinstance(formats, str):
        return formats
    return next((one for one in formats or () if one in _REFUSING), FormatChoice.TERMINAL)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what escapes a command into the contract's exit codes.

    A command that reads secrets has a keyword ``known``, by which it hands on what it has read.
    """
    takes_known = "known" in command.__annotations__

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        choice: Any = kwargs.get("lang")
        formats: Any = kwargs.get("format_")
        format_ = format_on_stdout(formats)
        lang = language(choice)
        known = Known(kwargs)
        if takes_known:
            kwargs["known"] = known
        _listen_for_interrupts()
        try:
            try:
                _tell_of_presets(lang, known)
                command(*args, **kwargs)
            except UsageError as error:
                fail_usage(error, lang, format_, known)
            except KnowledgeError as error:
                message = Message("usage.knowledge", {"problem": error.problems[0]})
                fail_usage(UsageError(message), lang, format_, known)
            except KeyboardInterrupt:
                _end_interrupted(lang, format_, follows=bool(kwargs.get("follow")))
            finally:
                sys.stdout.flush()  # here, where it can still be said that nobody reads it
        except BrokenPipeError:
            mute_output()  # whoever read it has seen enough
            raise Exit(0) from None
        except SystemExit as ended:
            if isinstance(ended, Exit) or not isinstance(ended.__context__, BrokenPipeError):
                raise
            mute_output()  # rich has met it first, and would end with 1
            raise Exit(0) from None
        except OSError as error:
            if not is_unwritable(error):
                _own_up(error, lang, format_)
            tell_unwritable(error, lang)
            raise Exit(EXIT_USAGE) from None
        except Exception as error:  # noqa: BLE001 -- the contract's exit code 3
            _own_up(error, lang, format_)

    return run


def is_unwritable(error: OSError) -> bool:
    """Tell whether standard output takes nothing more: its disk is full, or it was closed."""
    return error.errno in _OUTPUT_ERRORS


def tell_unwritable(error: OSError, lang: Lang) -> None:
    """Say that standard output cannot be written, and why."""
    message = Message("usage.stdout", {"reason": error.strerror or "?"})
    tell(say(lang, "usage.error", text=say(lang, message)))
    mute_output()


def _end_interrupted(lang: Lang, format_: str, *, follows: bool) -> NoReturn:
    """Say that a run was broken off: of a stream what was told stands, else there is one object that says it."""
    if format_ in _REFUSING and not follows:
        _print_failure(say(lang, "interrupted"), format_)
    else:
        tell(say(lang, "interrupted"))
    raise Exit(EXIT_INTERRUPTED) from None


def _listen_for_interrupts() -> None:
    """From here on Ctrl-C has things to put in order; before, it ended the process (``entry``)."""
    import signal

    from smtpdoctor import entry

    if signal.getsignal(signal.SIGINT) is entry.end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _tell_of_presets(lang: Lang, known: Known) -> None:
    """Say which of the user's own presets are left out, and why; every command goes on without them."""
    from smtpdoctor.knowledge.load import own_problems

    for problem in own_problems():
        tell(known.say(lang, "usage.preset.broken", problem=problem))


def mute_output() -> None:
    """Send what is still buffered nowhere, so that Python does not complain of it at exit."""
    _mute(sys.stdout)


def _mute(stream: IO[str]) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Patient:
    """A stream that goes on without a reader: ``check | head -1`` still has its own exit code."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop the text where nobody reads it."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            mute_output()
            return len(text)

    def flush(self) -> None:
        """Flush, or drop the rest."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            mute_output()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def patient(stream: IO[str]) -> IO[str]:
    """Return a stream that does not end the run where its reader has seen enough."""
    return cast("IO[str]", _Patient(stream))


def _own_up(error: Exception, lang: Lang, format_: str) -> NoReturn:
    """Say that this is a bug of ours, and what to report; JSON stays JSON."""
    import traceback

    # The frames only: a message may quote a value, and values may be secret.
    frames = "".join(traceback.format_tb(error.__traceback__)[-6:])
    said = [say(lang, "bug", error=type(error).__name__), say(lang, "bug.report", url=_ISSUES)]
    tell("\n".join([frames.rstrip(), *said]))
    if format_ in _REFUSING:
        with contextlib.suppress(OSError, ValueError):  # nobody reads it
            _print_failure("\n".join(said), format_)
    raise Exit(EXIT_BUG) from None


def repeated_flags(flags: dict[str, object]) -> tuple[str, ...]:
    """Return flags as they were given, for the command that repeats the run."""
    words: list[str] = []
    for name, value in flags.items():
        if value is True:
            words.append(name)
        elif isinstance(value, list):
            words += [word for one in value for word in (name, str(one))]
        elif value:
            words += [name, str(value)]
    return tuple(words)


def refuse_together(*pairs: tuple[str, bool]) -> None:
    """Raise UsageError where more than one of these flags is given."""
    given = [name for name, present in pairs if present]
    if len(given) > 1:
        values: dict[str, object] = {"first": given[0], "second": given[1]}
        raise UsageError(Message("usage.contradiction.flags", values))


def refuse_unusable(
    *, sender: str | None = None, recipient: str | None = None, ehlo: str | None = None, **others: str | None
) -> None:
    """Raise UsageError for values of flags that no server is to be bothered with.

    What stands in a file is lint's to judge; what is typed is refused at once, like any other slip.
    """
    for name, text in {**others, "sender": sender, "to": recipient, "ehlo": ehlo}.items():
        if text is not None:
            _refuse_unreadable(f"--{name}", text)
    for flag, text in (("--sender", sender), ("--to", recipient)):
        if text is not None and not _is_one_address(text):
            raise UsageError(unusable(flag, text, "usage.address"))
    if ehlo is not None and any(one.isspace() or not one.isprintable() for one in ehlo):
        raise UsageError(unusable("--ehlo", ehlo, "usage.ehlo"))


def _refuse_unreadable(flag: str, text: str) -> None:
    """Raise UsageError for a value that is empty, too long, no text, or holds what would end a command's line."""
    if not text.strip():
        raise UsageError(Message("usage.empty", {"flag": flag}))
    most = _LONGEST.get(flag, _LONGEST_NAME)
    if len(text) > most:
        values: dict[str, object] = {"flag": flag, "count": len(text), "most": most}
        raise UsageError(Message("usage.too-long", values))
    if text.isprintable():
        return
    import unicodedata

    kinds = {unicodedata.category(one) for one in text}
    if "Cs" in kinds:
        raise UsageError(unusable(flag, text, "usage.no-text"))
    if kinds & {"Cc", "Zl", "Zp"}:
        raise UsageError(unusable(flag, text, "usage.control"))


def unusable(flag: str, text: str, expected: str) -> Message:
    """Return what is said of a flag's value that is no good; ``expected`` is the key of what would be."""
    return Message("usage.value", {"flag": flag, "value": text, "expected": Message(expected)})


def _is_one_address(text: str) -> bool:
    from smtpdoctor.smtp.command import MailboxError, mailbox

    try:
        domain = mailbox(text).rpartition("@")[2]
    except MailboxError:
        return False
    return not set(domain) & set(",;")


def password_from(
    *, file: Path | None, stdin: bool, ask: bool, lang: Lang, known: Known | None = None
) -> Setting[Secret] | None:
    """Return the password that the command line points to; there is no flag that holds it."""
    refuse_together(
        ("--password-file", file is not None), ("--password-stdin", stdin), ("--ask-password", ask)
    )
    if file is not None:
        from smtpdoctor.settings.read import read_secret_file

        flag, text = "--password-file", read_secret_file(file, "--password-file", pipes=True)
    elif stdin:
        from smtpdoctor.cli.stdin import password_on_stdin

        flag, text = "--password-stdin", password_on_stdin("--password-stdin")
    elif ask:
        from getpass import getpass

        if not _has_terminal():
            # getpass would warn, and then show what is typed.
            raise UsageError(Message("usage.no-terminal"))
        try:
            flag, text = "--ask-password", getpass(say(lang, "prompt.password"), stream=None)
        except EOFError:
            text = ""
            flag = "--ask-password"
    else:
        return None
    if not text:
        raise UsageError(Message("usage.empty-password", {"flag": flag}))
    if known is not None:
        known.learn(text)
    from smtpdoctor.settings.read import refuse_long

    refuse_long(text, flag)
    return Setting(Secret(text), Origin("flag", flag, str(file) if file else None))


def _has_terminal() -> bool:
    """Whether a password can be asked for so that it does not show."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except (OSError, AttributeError):  # Windows has neither
        return sys.stdin.isatty()
    return True


def outputs_of(formats: Sequence[str] | None, output: Path | None, *, force: bool) -> Outputs | None:
    """Return where the report of a run goes in which format, None for the terminal's alone; raises UsageError."""
    if formats is None:
        refuse_to_destroy(output, force=force)
        return None
    from smtpdoctor.cli.outputs import outputs_from

    return outputs_from(formats, output, force=force)


def refuse_to_destroy(
    output: Path | None, *, force: bool, text: str | None = None, flag: str = "--output"
) -> None:
    """Raise UsageError where a flag names a file with something in it that smtpdoctor did not write.

    ``text`` is what will be written, where that is known: to write the same again destroys nothing.
    """
    if output is None:
        if force:
            raise UsageError(Message("usage.needs", {"flag": "--force", "other": "--output"}))
        return
    try:
        if force or output.is_dir():  # a folder is refused by whoever writes
            return
        from smtpdoctor.cli.ownership import is_ours

        if is_ours(output) or (text is not None and output.read_bytes() == text.encode()):
            return
    except OSError as error:
        values: dict[str, object] = {"flag": flag, "file": str(output), "reason": error.strerror or "?"}
        raise UsageError(Message("usage.write", values)) from error
    raise UsageError(Message("usage.output.foreign", {"flag": flag, "file": str(output)}))


@contextlib.contextmanager
def output_to(path: Path | None, flag: str = "--output") -> Iterator[IO[str]]:
    """Give the stream that the report goes to; a file is written whole at the end, or not at all."""
    if path is None:
        stream = patient(sys.stdout)
        yield stream
        stream.flush()
        return
    from io import StringIO

    from smtpdoctor.cli.writing import looked_at, replace

    before = looked_at(path, flag)
    buffer = StringIO()
    yield buffer
    if looked_at(path, flag) != before:
        # What somebody put there meanwhile, no --force was about.
        refuse_to_destroy(path, force=False, flag=flag)
    replace(path, buffer.getvalue(), flag)


def live_output_to(path: Path | None, *, private: bool = False) -> AbstractContextManager[IO[str]]:
    """Give the stream for what is told as it comes; a file grows with it, only its owner's where ``private``."""
    if path is None:
        return contextlib.nullcontext(sys.stdout)
    from smtpdoctor.cli.writing import live

    return live(path, private=private)


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
        key = "usage.place.file" if is_there(path) else "usage.place.no-file"
        shown.append(say(lang, key, file=str(path)))
    return ", ".join(shown)
