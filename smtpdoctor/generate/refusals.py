"""Why a value cannot be written to a file: which of its signs, in which syntax, and what can hold it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from smtpdoctor.errors import UsageError
from smtpdoctor.generate.plan import unwritable
from smtpdoctor.model import Message

__all__ = ["culprit", "refused", "syntax_called"]

# Names of programs; the same in every language.
_READERS: Final = {
    "configparser": "configparser",
    "compose": "Docker Compose",
    "django-environ": "django-environ",
    "docker": "docker --env-file",
    "dotenv-node": "dotenv for Node.js",
    "dotenv-node-expand": "dotenv-expand for Node.js",
    "dotenv-python": "python-dotenv",
    "dotenv-ruby": "dotenv for Ruby",
    "godotenv": "godotenv",
    "odoo": "Odoo",
    "phpdotenv": "phpdotenv",
    "spring": "Spring",
    "symfony": "Symfony",
}
_MOST: Final = 300  # signs of a value that are tried one by one
_TOKEN: Final = re.compile(r"\$\{|\$\(|%\(|\{\{|\{%|<%|[^\w\s]|[^\S\n]|\w")


def culprit(value: str, fits: Callable[[str], bool]) -> str:
    """Return what keeps a value from being written: it is still so without the rest; "" where none is found."""
    if len(value) > _MOST or fits(value):
        return ""
    core = value
    for at in range(len(value) - 1, -1, -1):
        less = core[:at] + core[at + 1 :]
        if less and not fits(less):
            core = less
    return core


def syntax_called(kind: str, reader: str = "") -> Message:
    """Return what a kind of file is called, with who reads it where that decides what it can hold."""
    syntax = Message(f"generate.syntax.{kind}")
    name = _READERS.get(reader, "") if kind in {"dotenv", "ini", "properties", "yaml"} else ""
    return Message("generate.syntax.read", {"syntax": syntax, "reader": name}) if name else syntax


def refused(
    name: str,
    file: str,
    value: str,
    core: str,
    syntax: Message,
    *,
    able: Sequence[str] = (),
    pointer: str = "",
) -> UsageError:
    """Return why a value is not written.

    ``core`` is what in it is the reason, ``able`` are kinds of files that can hold it, ``pointer`` the name
    under which the application takes a file that holds the value.
    """
    where = Message("generate.syntax.file", {"file": file, "syntax": syntax}) if file else syntax
    said: dict[str, object] = {"name": name, "file": where}
    hints: list[Message] = []
    if what := unwritable(value):
        said["why"] = Message("generate.why.control", {"what": what})
        return UsageError(Message("usage.generate.syntax", said))
    tokens = list(dict.fromkeys(_TOKEN.findall(core)))
    signs = [one for one in tokens if not one.isalnum() and not (one in "})" and len(tokens) > 1)]
    if not signs:
        why = "changed"
    elif all(one.isspace() for one in signs):
        why = "edge" if value != value.strip() else "blank"
    else:
        why = "sign" if len(signs) == 1 else "signs"
    said["why"] = Message(f"generate.why.{why}", {"what": ", ".join(signs)})
    if able:
        hints.append(Message("usage.generate.syntax.other", {"known": ", ".join(able)}))
    if pointer:
        hints.append(Message("usage.generate.syntax.file", {"name": pointer}))
    if not hints:
        hints.append(Message("usage.generate.syntax.choose"))
    return UsageError(Message("usage.generate.syntax", said), *hints)
