"""``--help``: made from the declarations alone, in groups, in both languages, and without typer."""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from smtpdoctor.cli.declared import COMMANDS, Argument, Declared, declared_in, function_of, kind_of
from smtpdoctor.model import Lang
from smtpdoctor.text.help import BRIEF, EXAMPLES, GROUPS, KOREAN, REST, ROOT, ROWS, VALUES, WORDS

__all__ = ["choices_of", "help_asked_for", "help_of", "key_of", "rows_of"]

_NARROWEST: Final = 60
_WIDEST: Final = 100
_USUAL: Final = 80
_COLUMN: Final = 28  # where the texts begin
_NAMES: Final = 14  # where what is said of the commands begins
_SHORT: Final = 14  # characters of a list of words that may stand for a value
_HELP: Final = frozenset({"--help", "-h"})
_LANGUAGES: Final = ("en", "ko")


class Row(NamedTuple):
    """What stands on the left, and its text."""

    head: str
    text: str


def help_asked_for(arguments: Sequence[str]) -> tuple[str, Lang] | None:
    """Return the command ("" for all) whose help a line asks for, with nothing else in it but a language."""
    from smtpdoctor.text import default_language

    rest = list(arguments)
    command = rest.pop(0) if rest and rest[0] in COMMANDS else ""
    lang: Lang | None = None
    asked = False
    while rest:
        word = rest.pop(0)
        if word in _HELP:
            asked = True
            continue
        name, sign, value = word.partition("=")
        if name != "--lang":
            return None
        value = value if sign else rest.pop(0) if rest else ""
        if value not in _LANGUAGES:
            return None
        lang = "ko" if value == "ko" else "en"
    return (command, lang or default_language()) if asked else None


def help_of(command: str, lang: Lang, width: int | None = None) -> str:
    """Return the help of a command, or of the program; ``width`` is the terminal's in cells."""
    width = min(max(width or _terminal(), _NARROWEST), _WIDEST) - 1
    lines = _root(lang, width) if not command else _command(command, lang, width)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _terminal() -> int:
    text = os.environ.get("COLUMNS", "")
    if text.isascii() and text.isdigit() and len(text) < 5 and int(text):  # noqa: PLR2004 -- nobody's window
        return int(text)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL
    except (OSError, ValueError, AttributeError):
        return _USUAL


def _word(name: str, lang: Lang, **values: object) -> str:
    return WORDS[name][lang == "ko"].format_map(values)


def _root(lang: Lang, width: int) -> Iterator[str]:
    yield f"{_word('usage', lang)}: smtpdoctor {_word('command', lang)} {_word('options', lang)}"
    yield ""
    yield from _wrapped(ROOT[lang == "ko"], width)
    yield ""
    yield f"{_word('commands', lang)}:"
    for name in COMMANDS:
        yield from _row(Row(name, BRIEF[name][lang == "ko"]), width, _NAMES)
    yield from _examples("", lang, width)
    yield from _wrapped(_word("more", lang), width)
    yield from _wrapped(_word("exit", lang), width)


def _about(command: str, lang: Lang) -> list[str]:
    """Return the paragraphs that say what a command does."""
    text = inspect.getdoc(inspect.unwrap(function_of(command))) or ""
    if lang == "ko":
        text = KOREAN.get(command, text)
    return [" ".join(part.split()) for part in text.split("\n\n")]


def _command(command: str, lang: Lang, width: int) -> Iterator[str]:
    declared = declared_in(function_of(command))
    arguments = {name: one for name, one in declared.items() if isinstance(one[1], Argument)}
    words = "".join(f" {_metavar(name, *one)}" for name, one in arguments.items())
    yield f"{_word('usage', lang)}: smtpdoctor {command} {_word('options', lang)}{words}"
    yield ""
    for paragraph in _about(command, lang):
        yield from _wrapped(paragraph, width, 2)
    if arguments:
        yield f"{_word('arguments', lang)}:"
        for name, (hint, one) in arguments.items():
            text = _text(command, key_of(command, name, one), hint, one, lang)
            yield from _row(Row(_metavar(name, hint, one), text), width, _COLUMN)
    for title, rows in rows_of(command, lang):
        yield f"{title}:"
        for row in rows:
            yield from _row(row, width, _COLUMN)
    yield from _examples(command, lang, width)


def rows_of(command: str, lang: Lang) -> Iterator[tuple[str, list[Row]]]:
    """Yield the groups of a command's options: the title and the rows, each option in one of them."""
    declared = {
        one.names[0]: (hint, one) for hint, one in declared_in(function_of(command)).values() if one.names
    }
    bare = {name: (bool, Declared(name, help=_COMMON[name])) for name in _COMMON}
    options = {**declared, **bare}
    grouped = {flag for _, _, flags in GROUPS for flag in flags}
    defaults = _defaults(command)
    for name, titles, flags in GROUPS:
        own = (
            [one for one in options if one not in grouped]
            if name == REST
            else [one for one in flags if one in options]
        )
        if not own:
            continue
        rows: list[Row] = []
        told: set[str] = set()
        for flag in own:
            if flag in told:
                continue
            shared = _shared(command, flag, own)
            if shared is not None:
                told |= set(shared)
                heads = ", ".join(f"{one}{_value(one, *options[one])}" for one in shared)
                rows.append(Row(heads, ROWS[shared][lang == "ko"]))
                continue
            hint, one = options[flag]
            text = _text(command, flag, hint, one, lang, defaults.get(flag))
            rows.append(Row(f"{flag}{_value(flag, hint, one)}", text))
        yield titles[lang == "ko"], rows


_COMMON: Final = {"--version": "Print the version and end.", "--help": "Show this message and end."}


def _shared(command: str, flag: str, own: Sequence[str]) -> tuple[str, ...] | None:
    """Return the options that are told in one row with this one, the first of them."""
    for flags in ROWS:
        special = any(f"{command} {one}" in KOREAN for one in flags)
        if flags[0] == flag and set(flags) <= set(own) and not special:
            return flags
    return None


def _defaults(command: str) -> dict[str, float]:
    """Return the numbers that options have without being given."""
    function = inspect.unwrap(function_of(command))
    signature = inspect.signature(function)
    return {
        one.names[0]: signature.parameters[name].default
        for name, (_, one) in declared_in(function).items()
        if one.names and type(signature.parameters[name].default) in {int, float}
    }


def key_of(command: str, name: str, declared: Declared) -> str:
    """Return the name by which the Korean of a parameter is looked up behind its command."""
    return f"{command} {name.upper()}" if isinstance(declared, Argument) else declared.names[0]


def _text(
    command: str, flag: str, hint: Any, declared: Declared, lang: Lang, default: float | None = None
) -> str:
    if (flag,) in ROWS:
        return ROWS[(flag,)][lang == "ko"]
    text = str(declared.more["help"])
    if lang == "ko":
        text = KOREAN.get(f"{command} {flag}", KOREAN.get(flag, text))
    known = choices_of(hint)
    more = []
    if len("|".join(known)) > _SHORT and not all(word in text for word in known):
        more.append(", ".join(known))
    if default is not None and "default" not in text:
        more.append(_word("default", lang, value=f"{default:g}"))
    return f"{text} ({'; '.join(more)})" if more else text


def choices_of(hint: Any) -> tuple[str, ...]:
    """Return the words that a value of this type may be, none where it may be any."""
    kind, _ = kind_of(hint)
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(one.value) for one in kind)
    return ()


def _metavar(name: str, hint: Any, declared: Declared) -> str:
    return str(declared.more.get("metavar") or "|".join(choices_of(hint)) or name.upper())


def _value(flag: str, hint: Any, declared: Declared) -> str:
    """Return what stands for the value of an option, with a blank before it."""
    if kind_of(hint)[0] is bool:
        return ""
    known = "|".join(choices_of(hint))
    word = known if 0 < len(known) <= _SHORT else VALUES.get(flag, flag.strip("-").upper())
    return f" {declared.more.get('metavar') or word}"


# -- Lines --------------------------------------------------------------------


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _wrapped(text: str, width: int, indent: int = 0) -> Iterator[str]:
    """Break a text between words; textwrap counts characters, and these may be two cells wide."""
    room = width - indent
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and _cells(longer) > room:
            yield " " * indent + line
            longer = word
        line = longer
    if line:
        yield " " * indent + line


def _row(row: Row, width: int, column: int) -> Iterator[str]:
    head = f"  {row.head}"
    lines = [line.strip() for line in _wrapped(row.text, width, column)]
    if _cells(head) <= column - 2 and lines:
        yield head + " " * (column - _cells(head)) + lines.pop(0)
    else:
        yield from textwrap.wrap(head, width, subsequent_indent="    ", break_on_hyphens=False)
    for line in lines:
        yield " " * column + line


def _examples(command: str, lang: Lang, width: int) -> Iterator[str]:
    examples = EXAMPLES.get(command, ())
    if not examples:
        return
    yield f"{_word('examples', lang)}:"
    for line, *texts in examples:
        text = texts[lang == "ko"]
        told = f"  {line}  # {text}" if text else f"  {line}"
        yield told if _cells(told) <= width else f"  {line}"
