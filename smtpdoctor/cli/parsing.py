"""What the command line's parser refuses, in the project's words, languages and formats.

The parser stops before a command has begun, so the format and the language that were asked for have
to be looked up in the arguments themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from smtpdoctor.cli.common import format_on_stdout
from smtpdoctor.cli.known import Known, shown
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message
from smtpdoctor.text import default_language

__all__ = ["format_asked_for", "known_from", "language_asked_for", "usage_error"]

_NEAR: Final = 0.6
_NEAR_COMMAND: Final = 0.7
_SOURCES: Final = ("--password-file", "--env-file", "--write", "--url", "--host")
_SECRET_FLAGS: Final = frozenset({"--ask-password", "--password-stdin", "--password-file"})


def _values(arguments: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Yield what follows an option, however it is written; behind ``--`` there are none."""
    for number, argument in enumerate(arguments):
        if argument == "--":
            return
        name, sign, value = argument.partition("=")
        if name not in names:
            continue
        if sign:
            yield value
        elif number + 1 < len(arguments):
            yield arguments[number + 1]


def format_asked_for(arguments: Sequence[str]) -> str:
    """Return the format in which these arguments want to be told of a mistake."""
    return format_on_stdout(list(_values(arguments, ["--format"])))


def language_asked_for(arguments: Sequence[str]) -> Lang:
    """Return the language of these arguments, or the environment's."""
    known = [value for value in _values(arguments, ["--lang"]) if value in {"en", "ko"}]
    return default_language() if not known else "ko" if known[-1] == "ko" else "en"


def known_from(arguments: Sequence[str]) -> Known:
    """Return what the sources of secrets that these arguments name may hold."""
    found: dict[str, object] = {
        name.removeprefix("--").replace("-", "_"): list(_values(arguments, [name])) for name in _SOURCES
    }
    return Known({**found, "password_stdin": "--password-stdin" in arguments})


def usage_error(error: Any, arguments: Sequence[str]) -> UsageError:
    """Return what the parser found wrong as an error of usage, with a hint where to read on."""
    from smtpdoctor.cli import COMMANDS

    message, *hints = _told(error, arguments)
    known = next((one for one in arguments if one in COMMANDS), None)
    command = f"smtpdoctor {known} --help" if known else "smtpdoctor --help"
    return UsageError(message, *hints, Message("usage.help", {"command": command}))


def _told(error: Any, arguments: Sequence[str]) -> Iterator[Message]:
    kinds = {one.__name__ for one in type(error).__mro__}
    if "NoSuchOption" in kinds:
        if command := _command_with(error, arguments):
            whole = f"smtpdoctor {command} {error.option_name} …"
            yield Message("usage.option.behind", {"name": error.option_name, "command": whole})
            return
        yield Message("usage.option.unknown", {"name": error.option_name})
        if error.option_name == "--password":
            yield Message("usage.option.password")
        elif near := _near_option(error, arguments):
            yield Message("usage.near", {"name": near})
    elif "BadOptionUsage" in kinds:
        takes_none = "not take a value" in error.message
        key = "usage.option.no-value" if takes_none else "usage.option.value"
        yield Message(key, {"name": error.option_name})
    elif "MissingParameter" in kinds:
        yield Message("usage.missing", {"name": _name(error)})
    elif "BadParameter" in kinds:
        yield from _about_value(error, arguments)
    elif error.ctx is not None and hasattr(error.ctx.command, "list_commands"):
        yield from _about_command(error.ctx, arguments)
    elif _SECRET_FLAGS & set(arguments):
        # What stands behind --ask-password may well be the password.
        yield Message("usage.extra.unnamed")
    else:
        words = re.search(r"\(((?!s\)).*)\)", error.message)
        yield Message("usage.extra", {"words": words[1] if words else error.message})
        if words and (flag := _flag_for(words[1].split(" ")[0], error)):
            yield Message("usage.near", {"name": flag})


def _flag_for(word: str, error: Any) -> str | None:
    """Return the option that a word was probably meant for, with the word: a provider, a file, a server."""
    from smtpdoctor.knowledge import load

    params = error.ctx.command.params if error.ctx is not None else ()
    known = {one for param in params for one in param.opts}
    name = Path(word).name
    is_env = name.endswith(".env") or name.startswith(".env")
    is_file = False
    with suppress(OSError, ValueError):
        is_file = Path(word).is_file()
    at_host = load.names().of_host(word) is not None
    tried = (
        ("--env-file", is_env),
        ("--config", is_file),
        ("--preset", load.preset(word) is not None and not at_host),
        ("--host", at_host),
    )
    flag = next((one for one, fits in tried if fits and one in known), None)
    return f"{flag} {word}" if flag is not None else None


def _command_with(error: Any, arguments: Sequence[str]) -> str | None:
    """Return the command that takes the option which stands in front of it, if there is one."""
    if error.ctx is None or not hasattr(error.ctx.command, "list_commands"):
        return None
    group = error.ctx.command
    named = [one for one in arguments if one in group.list_commands(error.ctx)]
    for name in named:
        if any(error.option_name in one.opts for one in group.get_command(error.ctx, name).params):
            return name
    return None


def _name(error: Any) -> str:
    """Return the name of an option, or of an argument as --help shows it."""
    if error.param is None:
        return str(error.param_hint or "?")
    options = [one for one in error.param.opts if one.startswith("-")]
    return str(max(options, key=len) if options else error.param.metavar or error.param.human_readable_name)


def _near_option(error: Any, arguments: Sequence[str]) -> str | None:
    """Return the option that was probably meant; the parser takes `-host` for `-h -o -s -t`."""
    from difflib import get_close_matches

    if error.possibilities:
        return str(error.possibilities[0])
    known = [one for param in error.ctx.command.params for one in param.opts] if error.ctx is not None else []
    words = [one.partition("=")[0] for one in arguments if one[:1] == "-" and len(one) > 2]  # noqa: PLR2004 -- `-x`
    for word in words:
        if word not in known and (near := get_close_matches(f"--{word.strip('-').lower()}", known, 1, _NEAR)):
            return str(near[0])
    return None


def _about_value(error: Any, arguments: Sequence[str]) -> Iterator[Message]:
    name = _name(error)
    given = list(_values(arguments, [name]))
    values: dict[str, object] = {"flag": name, "value": shown(given[-1]) if given else "?"}
    yield Message("usage.value", {**values, "expected": _expected(error)})
    choices = getattr(getattr(error.param, "type", None), "choices", None)
    if choices and given:
        from difflib import get_close_matches

        if near := get_close_matches(given[-1].lower(), [str(one) for one in choices], 1, _NEAR):
            yield Message("usage.near", {"name": near[0]})


def _expected(error: Any) -> Message | str:
    kind = getattr(error.param, "type", None)
    choices = getattr(kind, "choices", None)
    if choices:
        return Message("usage.one-of", {"names": ", ".join(map(str, choices))})
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if least is None:
        return str(error.message)
    if most is None:
        return Message("usage.whole-from", {"least": least})
    key = "usage.whole" if isinstance(least, int) else "usage.number"
    return Message(key, {"least": least, "most": most})


def _about_command(context: Any, arguments: Sequence[str]) -> Iterator[Message]:
    from difflib import get_close_matches

    known = context.command.list_commands(context)
    names = ", ".join(known)
    word = next((one for one in arguments if not one.startswith("-")), None)
    if word is None:
        yield Message("usage.command.missing", {"known": names})
        return
    yield Message("usage.command.unknown", {"name": word, "known": names})
    if near := get_close_matches(word.lower(), known, 1, _NEAR_COMMAND):
        yield Message("usage.near", {"name": near[0]})
