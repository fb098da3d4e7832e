"""An application's table of flags, read forwards and backwards: words → mode, mode → words. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations, islice, product
from typing import Final

from smtpdoctor.knowledge.dialects import Dialect, Flag, Mode, When
from smtpdoctor.knowledge.schema import App, AppSecurity
from smtpdoctor.model import Security

__all__ = [
    "ABSENT",
    "FALSE",
    "OTHER",
    "SPECIAL",
    "STAR",
    "STRING",
    "TRUE",
    "app_of",
    "holds",
    "in_range",
    "inert",
    "names_of",
    "own_names",
    "row_of",
    "seen_by_modes",
    "state_from",
    "state_of",
    "told_names",
    "turns",
    "usual_port",
    "version_key",
    "write",
]

ABSENT: Final = "=absent"
STRING: Final = "=string"
STAR: Final = "=*"
OTHER: Final = "*"
SPECIAL: Final = frozenset({"port", "host", "username", "password"})
_NEWEST: Final = "9999"  # a version behind all bounds
_LONGEST: Final = 9  # digits of a part of a version
_MOST_WRITTEN: Final = 20_000  # combinations of words that are tried
TRUE: Final = frozenset({"true", "yes", "on", "1", "y", "t", "enabled", "enable", "always", "required"})
FALSE: Final = frozenset(
    {"false", "no", "off", "0", "n", "f", "disabled", "disable", "never", "none", "null"}
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

Plain = Mapping[str, str | None]
"""The settings beside the flags: ``port``, ``host``, ``username``, ``password``; None: set, and not known."""


def version_key(text: str) -> tuple[int, ...]:
    """Return a version as numbers, which compare; what is no number ends it."""
    return tuple(int(part[:_LONGEST]) for part in re.findall(r"\d+", text.partition("-")[0])[:4])


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
        kind = "word"
    elif flag.truth != "words":
        text = _in_code(flag, text, kind)
    if not flag.blanks:
        text = text.strip()
    if kind == "string":
        for state, words in flag.states.items():
            if STRING in words:
                return state
    found = _state_with(flag, text)
    if found is not None:
        return found
    rest: str | None = None
    for state, words in flag.states.items():
        if OTHER in words:
            rest = state
        if text != ABSENT and any(_fits(word, text, flag) for word in words):
            return state
    if text == ABSENT:  # where no word stands for it, it is as if it were empty
        empty = _state_with(flag, "")
        return empty if empty is not None else rest
    return rest


def state_from(flag: Flag, source: str) -> str | None:
    """Return the state of a value that is not known, by the constant or the function that it comes from."""
    found = _state_with(flag, source) if source else None
    if found is not None:
        return found
    for state, words in flag.states.items():
        if source and any(_fits(word, source, flag) for word in words):
            return state
    return None


def _state_with(flag: Flag, text: str) -> str | None:
    for state, words in flag.states.items():
        for word in words:
            if word == text or (not flag.exact and word.lower() == text.lower()):
                if word != OTHER:
                    return state
            elif word == STAR and text == OTHER:
                return state
    return None


def _fits(word: str, text: str, flag: Flag) -> bool:
    if OTHER not in word or word == OTHER:
        return False
    return fnmatchcase(text, word) or (not flag.exact and fnmatchcase(text.lower(), word.lower()))


def _in_code(flag: Flag, text: str, kind: str) -> str:
    """Return true or false for a value that a language tests for truth, unless the flag knows its word."""
    if kind == "boolean":
        return text.lower()
    others = {word for words in flag.states.values() for word in words}
    if text in others - {"true", "false"} or (kind == "string" and STRING in others):
        return text
    if kind == "word" and text.strip().lower() in TRUE | FALSE:
        return "true" if text.strip().lower() in TRUE else "false"
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
        yield from key.domain
    for name, flag in dialect.flags.items():
        yield from flag.names or (name,)
    for several in (dialect.explode, dialect.switch, dialect.idle, dialect.overriding):
        for one in several:
            yield from one.names
    yield from dialect.check.names
    yield from dialect.behaviour.login_names
    yield from dialect.behaviour.tokens
    yield from dialect.behaviour.mechanism_names
    yield from dialect.known


def write(
    dialect: Dialect,
    security: Security,
    port: int | None,
    have: Mapping[str, str] | None = None,
    *,
    version: str = "",
    host: str = "smtp.example.com",
    only: Container[str] | None = None,
    login: bool = True,
) -> dict[str, str] | None:
    """Return the words nearest to what stands there, or the fewest, with which a mode is read as wanted.

    None where the application cannot say it, ``version`` being the newest where none is named. ``have`` are the words of the flags as they stand,
    ``only`` those that can be written, where not all can; ``login`` is whether there is one. A flag with the
    value ``""`` is to be left out, or removed.
    """
    have, version = have or {}, version or _NEWEST
    rows = [row for row in dialect.mode if in_range(version, row.since, row.until)]
    if all(row.security is not security for row in rows):
        return None
    seen = seen_by_modes(dialect)
    names = [
        name
        for name, flag in dialect.flags.items()
        if name in seen and (only is None or name in only) and own_names(dialect, flag.names or (name,))
    ]
    plain = _plain(dialect, host, port)
    if not login:
        plain |= {"username": "", "password": ""}
    # One word for each state, and what it is read as, so that a try costs a look at the rows alone.
    states: dict[str, dict[str, str | None]] = {
        name: {
            word: _read(dialect.flags[name], word)
            for word in dict.fromkeys([have.get(name, ""), "", *_one_word_each(dialect.flags[name])])
        }
        for name in names
    }
    fixed = {name: _read(flag, "") for name, flag in dialect.flags.items() if name not in states}
    tries = islice(_changes(names, states, have), _MOST_WRITTEN)
    best: tuple[tuple[int, int, int], Mapping[str, str]] | None = None
    for changed, words in tries:
        if best is not None and changed > best[0][0]:
            break
        # A line is rather changed than taken out: whoever wrote it wants to read there how it is.
        gone = sum(1 for name, word in words.items() if not word and have.get(name))
        cost = (changed, gone, sum(map(bool, words.values())))
        if best is not None and cost >= best[0]:
            continue
        known = {**fixed, **{name: states[name][word] for name, word in words.items()}}
        row = next((row for row in rows if holds(row.when, known, plain)), None)
        if row is not None and row.security is security and not row.refuses:
            best = cost, words
    if best is None:
        return None
    return {name: word for name, word in best[1].items() if word or name in have}


def _changes(
    names: Sequence[str], words: Mapping[str, Mapping[str, object]], have: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield words for all flags, those with the fewest changes first, and how many changes they are."""
    as_is = {name: have.get(name, "") for name in names}
    for number in range(len(names) + 1):
        for several in combinations(names, number):
            others = [[word for word in words[name] if word != as_is[name]] for name in several]
            for chosen in product(*others):
                yield number, {**as_is, **dict(zip(several, chosen, strict=True))}


def own_names(dialect: Dialect, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names under which something can be written by itself: not what a provider's name stands for."""
    parts = {name for one in dialect.explode if one.codec == "service" for name in one.names}
    return tuple(
        name
        for name in names
        if not any(fnmatchcase(part, name.rpartition("@")[0]) for part in parts if "@" in name)
    )


def told_names(dialect: Dialect, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that people are told of some: those without a pattern, where there are any."""
    own = own_names(dialect, names)
    plain = [name for name in own if "*" not in name]
    return tuple(dict.fromkeys(plain or (name.lstrip("*").lstrip(".") for name in own)))


def _read(flag: Flag, word: str) -> str | None:
    return state_of(flag, word or None, _kind_of(flag, word))


def seen_by_modes(dialect: Dialect) -> frozenset[str]:
    """Return what the rows of the mode table look at."""
    return frozenset(name for row in dialect.mode for name in row.when)


def inert(dialect: Dialect, words: Mapping[str, str], port: int | None, *, version: str = "") -> list[str]:
    """Return the flags that are set though no word for them would change anything, as things stand."""
    plain = _plain(dialect, "smtp.example.com", port)

    def mode(changed: Mapping[str, str]) -> object:
        row = _row_for(dialect, changed, plain, version or _NEWEST)
        return None if row is None else (row.security, row.refuses)

    found = []
    seen = seen_by_modes(dialect)
    for name, flag in dialect.flags.items():
        if name in words and name in seen:
            others = [{**words, name: word} for word in _one_word_each(flag)]
            without = {key: word for key, word in words.items() if key != name}
            if len({mode(one) for one in (words, without, *others)}) == 1:
                found.append(name)
    return found


def turns(dialect: Dialect, flag: str, words: Mapping[str, str], port: int | None, *, implicit: bool) -> bool:
    """Whether another word for one flag alone would lead to TLS from the first byte, or away from it."""
    for word in ("", *_one_word_each(dialect.flags[flag])):
        changed = {name: one for name, one in {**words, flag: word}.items() if one}
        row = _row_for(dialect, changed, _plain(dialect, "smtp.example.com", port), _NEWEST)
        if row is not None and not row.refuses and (row.security is Security.TLS) == implicit:
            return True
    return False


def _plain(dialect: Dialect, host: str, port: int | None) -> dict[str, str | None]:
    key = dialect.keys.get("port")
    usual = key.default if key is not None and isinstance(key.default, (int, str)) else ""
    return {"host": host, "port": str(usual if port is None else port), "username": "user", "password": None}


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
        word = next((word for word in words if word and word[0] != "=" and OTHER not in word), None)
        if word is not None:
            found.append(word)
    return found


def app_of(dialect: Dialect) -> App:
    """Return an application's names as advice needs them: the variable of each setting, what to write for a mode.

    A name that is part of another one's value is told with it: ``EMAIL_URL@port``.
    """
    flags = {
        name: (*told_names(dialect, flag.names or (name,)), name)[0] for name, flag in dialect.flags.items()
    }
    written = {}
    for mode in Security:
        words = write(dialect, mode, usual_port(mode))
        if words is not None:
            written[mode] = {flags[name]: word for name, word in words.items()}
    python = any(flag.truth == "python" for flag in dialect.flags.values())
    if Security.STARTTLS not in written and Security.OPPORTUNISTIC in written:
        written[Security.STARTTLS] = written[Security.OPPORTUNISTIC]  # as near as it comes
    return App(
        name=dialect.name,
        variables={name: told_names(dialect, key.names) for name, key in dialect.keys.items()},
        required=tuple(name for name, key in dialect.keys.items() if key.required),
        true=("True",) if python else ("true",),
        false=("False",) if python else ("false",),
        security=tuple(
            AppSecurity(
                mode=row.security, when={flags[name]: "true" for name in row.when if name not in SPECIAL}
            )
            for row in dialect.mode
            if row.security is not None
        ),
        write=written,
        sources=dialect.sources,
        place=_place(dialect),
        id=dialect.id,
    )


def _place(dialect: Dialect) -> str:
    """Return the file in which an application's settings usually stand, "" where it reads its environment."""
    if dialect.syntaxes[0] in {"environment", "dotenv"}:
        return ""
    names = (re.sub(r"(?<=\w)\*(?=\.)", "", name) for name in dialect.detect.files)
    return next((name for name in names if OTHER not in name), "")


def usual_port(mode: Security) -> int:
    """Return the port that belongs to a mode."""
    return 465 if mode is Security.TLS else 587  # RFC 8314
