"""An application's table of flags, read forwards and backwards: words → mode, mode → words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice, product
from typing import Final

from smtpdoctor.knowledge.dialects import Dialect, Flag, Mode, When
from smtpdoctor.knowledge.schema import App, AppSecurity
from smtpdoctor.model import Security

__all__ = [
    "ABSENT",
    "OTHER",
    "SPECIAL",
    "app_of",
    "holds",
    "in_range",
    "inert",
    "names_of",
    "row_of",
    "state_of",
    "turns",
    "version_key",
    "write",
]

ABSENT: Final = "=absent"
OTHER: Final = "*"
SPECIAL: Final = frozenset({"port", "host", "username", "password"})
_MOST_WRITTEN: Final = 20_000  # combinations of words that are tried
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

Plain = Mapping[str, str | None]
"""The settings beside the flags: ``port``, ``host``, ``username``, ``password``; None: set, and not known."""


def version_key(text: str) -> tuple[int, ...]:
    """Return a version as numbers, which compare; what is no number ends it."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0])[:4])


def in_range(version: str, since: str, until: str) -> bool:
    """Whether a version lies between two others; where none is known, "" stands for one before all bounds."""
    key = version_key(version)
    if since and key < version_key(since):
        return False
    return not (until and key >= version_key(until) and key != ()) if version else not since


def state_of(flag: Flag, text: str | None, kind: str = "word") -> str | None:
    """Return the state that a word means, None where it has none; ``text`` None: the variable is absent.

    ``kind`` is the type of the value where its syntax has types: string, boolean, number, null.
    """
    if text is None or kind == "null":
        text = ABSENT if flag.default is None else flag.default
    elif flag.truth != "words":
        text = _in_code(flag, text, kind)
    text = text.strip()
    rest: str | None = None
    for state, words in flag.states.items():
        for word in words:
            if word == OTHER:
                rest = state
            elif word == text or (not flag.exact and word.lower() == text.lower()):
                return state
    if text == ABSENT:  # where no word stands for it, it is as if it were empty
        empty = next((state for state, words in flag.states.items() if "" in words), None)
        return empty if empty is not None else rest
    return rest


def _in_code(flag: Flag, text: str, kind: str) -> str:
    """Return true or false for a value that a language tests for truth, unless the flag knows its word."""
    if kind == "boolean":
        return text.lower()
    if text in {word for words in flag.states.values() for word in words if word not in {"true", "false"}}:
        return text
    if kind == "number" and flag.truth != "ruby":
        return "false" if text.strip("0.") == "" else "true"
    if flag.truth == "php":
        return "false" if text in {"", "0"} else "true"
    return "true" if text or flag.truth == "ruby" else "false"


def holds(when: When, states: Mapping[str, str | None], plain: Plain) -> bool:
    """Whether conditions hold for the states of flags and the settings beside them."""
    return all(_one_holds(name, wanted, states, plain) for name, wanted in when.items())


def _one_holds(
    name: str, wanted: str | tuple[str | int, ...], states: Mapping[str, str | None], plain: Plain
) -> bool:
    choices = (wanted,) if isinstance(wanted, str) else wanted
    if name not in SPECIAL:
        return states.get(name) in choices
    text = plain.get(name, "")
    if name in {"username", "password"}:
        return ("absent" if text == "" else "set") in choices
    if text is None:
        return False
    text = text.strip().lower().rstrip(".")
    if text == "":
        return "absent" in choices
    if name == "port":
        return text.isascii() and text.isdigit() and int(text[:9]) in choices
    if "loopback" in choices and text in _LOOPBACK:
        return True
    return any(isinstance(one, str) and fnmatchcase(text, one) for one in choices)


def row_of(
    dialect: Dialect, states: Mapping[str, str | None], plain: Plain, version: str = ""
) -> Mode | None:
    """Return the row of the table that decides."""
    for row in dialect.mode:
        if in_range(version, row.since, row.until) and holds(row.when, states, plain):
            return row
    return None


def names_of(dialect: Dialect) -> Iterator[str]:
    """Yield every name that an application reads, or that is known to do nothing."""
    for key in dialect.keys.values():
        yield from key.names
        yield from key.elsewhere
        if key.domain:
            yield key.domain
    for name, flag in dialect.flags.items():
        yield from flag.names or (name,)
    for several in (dialect.explode, dialect.switch, dialect.idle, dialect.overriding):
        for one in several:
            yield from one.names
    yield from dialect.check.names
    yield from dialect.behaviour.login_names
    yield from dialect.known


def write(
    dialect: Dialect,
    security: Security,
    port: int | None,
    have: Mapping[str, str] | None = None,
    *,
    version: str = "",
    host: str = "smtp.example.com",
) -> dict[str, str] | None:
    """Return the words nearest to what stands there, or the fewest, with which a mode is read as wanted.

    None where the application cannot say it. ``have`` are the words of the flags as they stand. A flag with
    the value ``""`` is to be left out, or removed.
    """
    have = have or {}
    names = list(dialect.flags)[::-1]  # of two that would do the one that stands first is taken
    choices = [
        list(dict.fromkeys([have.get(name, ""), "", *_one_word_each(dialect.flags[name])])) for name in names
    ]
    best: tuple[tuple[int, int], dict[str, str]] | None = None
    for chosen in islice(product(*choices), _MOST_WRITTEN):
        words = {name: word for name, word in zip(names, chosen, strict=True) if word}
        cost = (sum(words.get(name, "") != have.get(name, "") for name in names), len(words))
        if best is not None and cost >= best[0]:
            continue
        row = _row_for(dialect, words, _plain(host, port), version)
        if row is not None and row.security is security and not row.refuses:
            best = cost, words
    if best is None:
        return None
    return {name: best[1].get(name, "") for name in dialect.flags if name in best[1] or name in have}


def inert(dialect: Dialect, words: Mapping[str, str], port: int | None, *, version: str = "") -> list[str]:
    """Return the flags that are set though no word for them would change anything, as things stand."""
    plain = _plain("smtp.example.com", port)

    def mode(changed: Mapping[str, str]) -> object:
        row = _row_for(dialect, changed, plain, version)
        return None if row is None else (row.security, row.refuses)

    found = []
    for name, flag in dialect.flags.items():
        if name in words:
            others = [{**words, name: word} for word in _one_word_each(flag)]
            without = {key: word for key, word in words.items() if key != name}
            if len({mode(one) for one in (words, without, *others)}) == 1:
                found.append(name)
    return found


def turns(dialect: Dialect, flag: str, words: Mapping[str, str], port: int | None, *, implicit: bool) -> bool:
    """Whether another word for one flag alone would lead to TLS from the first byte, or away from it."""
    for word in ("", *_one_word_each(dialect.flags[flag])):
        changed = {name: one for name, one in {**words, flag: word}.items() if one}
        row = _row_for(dialect, changed, _plain("smtp.example.com", port), "")
        if row is not None and not row.refuses and (row.security is Security.TLS) == implicit:
            return True
    return False


def _plain(host: str, port: int | None) -> dict[str, str | None]:
    return {"host": host, "port": "" if port is None else str(port), "username": "user", "password": None}


def _row_for(dialect: Dialect, words: Mapping[str, str], plain: Plain, version: str) -> Mode | None:
    states = {
        name: state_of(flag, words.get(name), _kind_of(flag, words.get(name)))
        for name, flag in dialect.flags.items()
    }
    return row_of(dialect, states, plain, version)


def _kind_of(flag: Flag, word: str | None) -> str:
    return "boolean" if flag.truth != "words" and word in {"true", "false"} else "word"


def _one_word_each(flag: Flag) -> list[str]:
    """Return one word for each state that has any."""
    found = []
    for words in flag.states.values():
        word = next((word for word in words if word and word not in {OTHER, ABSENT}), None)
        if word is not None:
            found.append(word)
    return found


def app_of(dialect: Dialect) -> App:
    """Return an application's names as advice needs them: the variable of each setting, what to write for a mode."""
    written = {}
    for mode in Security:
        words = write(dialect, mode, _usual_port(mode))
        if words is not None:
            written[mode] = words
    if Security.STARTTLS not in written and Security.OPPORTUNISTIC in written:
        written[Security.STARTTLS] = written[Security.OPPORTUNISTIC]  # as near as it comes
    return App(
        name=dialect.name,
        variables={name: tuple(map(_shown, key.names)) for name, key in dialect.keys.items()},
        required=tuple(name for name, key in dialect.keys.items() if key.required),
        true=("true",),
        false=("false",),
        security=tuple(
            AppSecurity(mode=row.security, when={name: "true" for name in row.when if name not in SPECIAL})
            for row in dialect.mode
            if row.security is not None
        ),
        write=written,
        sources=dialect.sources,
        id=dialect.id,
    )


def _shown(name: str) -> str:
    return name.partition("@")[0]


def _usual_port(mode: Security) -> int:
    return 465 if mode is Security.TLS else 587  # RFC 8314
