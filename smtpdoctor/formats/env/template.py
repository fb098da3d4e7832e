"""``${NAME:-default}`` as Compose substitutes it, in its YAML and in ``.env`` files (compose-go, ``template``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["Lookup", "SubstitutionError", "Target", "substituted"]

Lookup = Callable[[str], tuple[bool, str | None]]
"""Name → whether it is set, and its value, None where that is not known from here."""

_MOST_NESTED: Final = 20
_SIGN: Final = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*+)|(\{))")
_INSIDE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*+)(?:(\})|(:?[-+?]))")
_BRACE: Final = re.compile(r"[{}]")


class Target(Protocol):
    """Where the parts of a value go."""

    defaulted: bool
    referred: bool
    expanded: bool

    def add(self, text: str) -> None:
        """Add text as it stands."""

    def put(self, name: str, found: tuple[bool, str | None]) -> None:
        """Add a variable's value."""


class SubstitutionError(Exception):
    """Compose refuses the file: a wrong ``${``, or a variable that is required and not set."""

    def __init__(self, name: str, *, required: bool) -> None:
        super().__init__(name)
        self.name = name
        self.required = required


def substituted(text: str, lookup: Lookup, target: Target, *, depth: int = 0) -> None:
    """Add the parts of a text to a target, variables replaced; raises SubstitutionError."""
    done = 0
    while (found := _SIGN.search(text, done)) is not None:
        target.add(text[done : found.start()])
        done = found.end()
        if found[1]:
            target.add("$")
        elif found[2]:
            target.put(found[2], lookup(found[2]))
        else:
            done = _braced(text, done, lookup, target, depth)
    target.add(text[done:])


def _braced(text: str, at: int, lookup: Lookup, target: Target, depth: int) -> int:
    """Substitute what stands behind ``${``; returns where the rest begins."""
    inside = _INSIDE.match(text, at)
    if inside is None or depth >= _MOST_NESTED:
        raise SubstitutionError("${", required=False)
    name, plain, operator = inside[1], inside[2], inside[3]
    if plain:
        target.put(name, lookup(name))
        return inside.end()
    line = text.find("\n", inside.end())
    line = len(text) if line < 0 else line
    last = text.rfind("}", inside.end(), line)
    if last < 0:
        raise SubstitutionError(name, required=False)
    close = _closing(text, at - 1, last + 1)
    close = last if close is None else close
    rest = text[inside.end() : close]
    there, value = lookup(name)
    filled = there and (value != "" or not operator.startswith(":"))
    if operator.endswith("?"):
        if not filled:
            raise SubstitutionError(name, required=True)
        target.put(name, (there, value))
    elif operator.endswith("-"):
        if filled:
            target.put(name, (there, value))
        else:
            target.defaulted = target.referred = True
            substituted(rest, lookup, target, depth=depth + 1)
    elif filled:
        target.referred = True
        substituted(rest, lookup, target, depth=depth + 1)
    else:
        target.referred = True
    return close + 1


def _closing(text: str, at: int, end: int) -> int | None:
    """Return the brace that closes the one that stands at a place."""
    count = 0
    while (found := _BRACE.search(text, at, end)) is not None:
        at = found.end()
        if found[0] == "{":
            count += 1
            at += 1  # as it is there: what stands right behind an opening brace is not looked at
        else:
            count -= 1
            if count == 0:
                return found.start()
    return None
