"""Settings in the words of an application: a dialect and what is wanted → names and values for a kind of file. Pure.

What is to be written is found by looking: the words that the dialect's table leads to the mode with, tried by
reading them as the application would. What does not read as it was meant is not written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Kind, Place, Region, Scope
from smtpdoctor.knowledge.dialects import Dialect, Explode, Flag, Form, Key, Mode, Switch
from smtpdoctor.knowledge.table import FALSE, OTHER, TRUE, own_names, row_of, seen_by_modes, state_of, write
from smtpdoctor.model import Security, SettingName
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.reading import Reading
from smtpdoctor.settings.smtp_url import joined
from smtpdoctor.smtp.command import MailboxError, mailbox

__all__ = [
    "Shape",
    "Spelled",
    "form_of",
    "names_of_key",
    "says",
    "shaped",
    "spelled",
    "word_like",
    "word_of",
    "words_for",
]

Shape = Literal["variable", "path", "plain", "text"]
"""What names look like in a kind of file: environment variables, paths of keys, words, or none that are listed."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH: Final = re.compile(r"[^.@*()\s]+(?:\.[^.@*()\s]+)+")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOWHERE: Final = Region(Place("", 0, 0), 0, 0)
_NEWEST: Final = "9999"
_ENDING: Final = frozenset(
    {"refuses", "off", "overriding", "named", "missing", "half-login", "url", "word", "unread"}
)
_NESTED: Final = "__"


class Spelled(Struct, frozen=True):
    """A name and its value as they are to stand in a file; ``setting`` is ``security`` for flags and switches.

    ``names`` are all under which the application would find it, the usual one first; ``part_of`` the settings
    that a value holds several of.
    """

    names: tuple[str, ...]
    value: str
    setting: SettingName
    kind: Kind = "word"
    parts: tuple[SettingName, ...] = ()
    flag: str = ""

    def __repr__(self) -> str:  # a value may be a password
        return f"Spelled({self.names[0]!r}, {self.setting!r})"


def form_of(dialect: Dialect, kind: str) -> Form:
    """Return what a dialect says of a kind of file."""
    found = next((one for one in dialect.form if one.kind == kind), None)
    if found is None and kind in {"dotenv", "compose", "kubernetes"} and dialect.binding == "nested":
        nested = next((one for one in dialect.form if one.kind == "json" and one.names), None)
        if nested is not None:
            names = {key: name.replace(".", _NESTED) for key, name in nested.names.items()}
            return Form(kind=kind, names=names)
    return found or Form(kind=kind)


def shaped(dialect: Dialect, names: Sequence[str], shape: Shape) -> tuple[str, ...]:
    """Return the names that can be written in a kind of file, as they are written there."""
    found: dict[str, None] = {}
    for name in own_names(dialect, names):
        plain, at, part = name.partition("@")
        one = _shaped(dialect, plain, shape)
        if one is not None:
            found[one + at + part] = None
    return tuple(found)


def _shaped(dialect: Dialect, name: str, shape: Shape) -> str | None:
    if shape == "variable":
        if dialect.binding == "spring" and _PATH.fullmatch(name):
            return name.replace("-", "").replace(".", "_").upper()
        if dialect.binding == "nested" and _PATH.fullmatch(name):
            return name.replace(".", _NESTED)
        return name if _VARIABLE.fullmatch(name) else None
    if shape == "path":
        return name if _PATH.fullmatch(name) else None
    return name if _PLAIN.fullmatch(name) else None


def names_of_key(
    dialect: Dialect, form: Form, shape: Shape, setting: str, key: Key | None
) -> tuple[str, ...]:
    """Return the names of a setting in a kind of file, the usual one first."""
    if key is None:
        return ()
    told = form.names.get(setting)
    own = shaped(dialect, key.names, shape)
    return tuple(dict.fromkeys((told, *own))) if told else own


def spelled(
    dialect: Dialect,
    form: Form,
    shape: Shape,
    settings: Mapping[SettingName, str],
    security: Security,
    *,
    have: Mapping[str, str] | None = None,
    steady: bool = True,
) -> tuple[Spelled, ...] | None:
    """Return what is to be written, None where the application cannot say it in this kind of file.

    ``have`` are the words of flags that stand there; ``steady``: all versions have to read it so.
    """
    names = {
        setting: names_of_key(dialect, form, shape, setting, dialect.keys.get(setting))
        for setting in settings
    }
    if not names["host"]:
        return None
    base = names["host"][0].partition("@")[0] if "@" in names["host"][0] else ""
    chosen = {setting: one for setting, several in names.items() if (one := _beside(several, base))}
    if "username" in settings and "username" not in chosen:
        return None
    flags = {
        name: one
        for name, flag in dialect.flags.items()
        if (one := _of_flag(dialect, form, shape, name, flag, base))
    }
    tried = list(_words(dialect, settings, security, flags, have or {}, base, form.spare))
    for idle in (False, True):  # what has no effect is written only where nothing else will do
        for words in tried:
            found = list(_settings(dialect, form, settings, chosen, names))
            found += _flags(dialect, words, flags, have or {})
            found += _switches(dialect, shape, login="username" in settings)
            whole = tuple(_joined(dialect, found))
            sayable = {setting: value for setting, value in settings.items() if setting in chosen}
            if whole and _reads(dialect, whole, sayable, security, steady=steady, idle=idle):
                return tuple(_ordered(whole))
    return None


def _beside(names: Sequence[str], base: str) -> str:
    """Return the name that belongs to a value with several settings, or stands by itself."""
    return next((one for one in names if base and one.partition("@")[0] == base), "") or next(
        (one for one in names if "@" not in one), ""
    )


def _of_flag(dialect: Dialect, form: Form, shape: Shape, name: str, flag: Flag, base: str) -> str:
    told = form.names.get(name)
    return told or _beside(shaped(dialect, flag.names or (name,), shape), base)


def _words(
    dialect: Dialect,
    settings: Mapping[SettingName, str],
    security: Security,
    flags: Mapping[str, str],
    have: Mapping[str, str],
    base: str,
    spare: Sequence[str],
) -> Iterator[dict[str, str]]:
    """Yield the words of flags that lead to a mode, the nearest first."""
    port, login = int(settings["port"]), "username" in settings
    scheme = next((name for name, one in flags.items() if base and one == f"{base}@scheme"), None)
    url = next((one.url for one in dialect.explode if base in one.names and one.url is not None), None)
    starts: list[dict[str, str]] = [dict(have)]
    if scheme is not None and url is not None:  # no URL is without a scheme
        words = [word for several in dialect.flags[scheme].states.values() for word in several]
        known = [one for one in (*url.schemes, *words) if one and one[0] != "=" and OTHER not in one]
        usual = sorted(
            dict.fromkeys(known), key=lambda one: (one not in url.schemes, not one.startswith("smtp"))
        )
        starts = [{**have, scheme: one} for one in usual if not url.schemes or one in url.schemes]
    found: list[tuple[int, dict[str, str]]] = []
    for number, start in enumerate(starts):
        words_of = write(
            dialect, security, port, start, host=settings["host"], only=frozenset(flags), login=login
        )
        if words_of is None or (scheme is not None and url is not None and not words_of.get(scheme)):
            continue
        found.append(
            (
                sum(map(bool, words_of.values())) * 100 + number,
                _with_login(dialect, words_of, flags, login=login),
            )
        )
    for _, words_of in sorted(found, key=lambda one: one[0]):
        yield _explicit(
            dialect, words_of, {one: name for one, name in flags.items() if one not in spare}, settings
        )
        yield words_of


def _with_login(
    dialect: Dialect, words: dict[str, str], flags: Mapping[str, str], *, login: bool
) -> dict[str, str]:
    """Return words with those that let the application log in."""
    if not login or not dialect.behaviour.login_when:
        return words
    for name, wanted in dialect.behaviour.login_when[0].items():
        states = (wanted,) if isinstance(wanted, str) else wanted
        if name in flags and state_of(dialect.flags[name], words.get(name) or None) not in states:
            word = next((one for state in states if (one := word_of(dialect.flags[name], str(state)))), None)
            if word is not None:
                words = {**words, name: word}
    return words


def word_of(flag: Flag, state: str | None) -> str:
    """Return the word with which people say a state, "" where there is none."""
    words = flag.states.get(state or "", ())
    return next((word for word in words if word and word[0] != "=" and OTHER not in word), "")


def _explicit(
    dialect: Dialect, words: Mapping[str, str], flags: Mapping[str, str], settings: Mapping[SettingName, str]
) -> dict[str, str]:
    """Return words with what would else depend on a default that another version may change."""
    found = dict(words)
    plain: dict[str, str | None] = {
        "host": settings["host"],
        "port": settings["port"],
        "username": "x",
        "password": "x",
    }

    def row_for(changed: Mapping[str, str]) -> Mode | None:
        states = {name: state_of(flag, changed.get(name) or None) for name, flag in dialect.flags.items()}
        return row_of(dialect, states, plain, _NEWEST)

    def mode(changed: Mapping[str, str]) -> object:
        row = row_for(changed)
        return row and (row.security, row.refuses)

    for name in (one for one in dialect.flags if one in flags and one in seen_by_modes(dialect)):
        flag = dialect.flags[name]
        if words.get(name) or not flag.default or "@" in flags[name]:
            continue
        others = (word_of(flag, state) for state in flag.states)
        if any(other and mode({**words, name: other}) != mode(words) for other in others):
            found[name] = flag.default if OTHER not in flag.default else found.get(name, "")
    if not any(found.values()):  # the port alone decides, where a word could
        words_of = [
            (one, word_of(dialect.flags[one], state)) for one in flags for state in dialect.flags[one].states
        ]
        for one, word in words_of:
            row = row_for({one: word})
            says_it = row is not None and one in row.when and not row.falls_back and "@" not in flags[one]
            if word and says_it and mode({one: word}) == mode(words):
                return {one: word}
    return {name: found[name] for name in dialect.flags if name in found}


def word_like(flag: Flag, state_word: str) -> str:
    """Return a word that means the same as none, "" where only leaving it out does."""
    state = state_of(flag, state_word or None)
    word = word_of(flag, state)
    switch = any(one.lower() in TRUE for words in flag.states.values() for one in words)
    if not word and switch and state_of(flag, "false") == state:
        return "false"
    return word


def _settings(
    dialect: Dialect,
    form: Form,
    settings: Mapping[SettingName, str],
    chosen: Mapping[SettingName, str],
    names: Mapping[SettingName, tuple[str, ...]],
) -> Iterator[Spelled]:
    for setting, name in chosen.items():
        key, value = dialect.keys[setting], settings[setting]
        several = (name, *(one for one in names[setting] if one != name and "@" not in one))
        if "@" in name:
            several = (name,)
        if setting == "sender" and key.form in {"address", "local-part"}:
            value = _address(value)
        if key.form == "local-part" and "@" in value:
            local, _, domain = value.rpartition("@")
            yield Spelled(several, local, setting)
            yield Spelled((form.names.get("domain", key.domain[0]),), domain, setting)
            continue
        yield Spelled(several, value, setting, "number" if setting == "port" else "word")
    if "username" in settings:
        for also, value in form.also.items():
            yield Spelled((also,), value, "username", _kind(value))


def _address(text: str) -> str:
    try:
        return mailbox(text)
    except MailboxError:
        return text


def _kind(word: str) -> Kind:
    return "boolean" if word.lower() in {"true", "false"} else "word"


def _flags(
    dialect: Dialect, words: Mapping[str, str], flags: Mapping[str, str], have: Mapping[str, str]
) -> Iterator[Spelled]:
    for name, word in words.items():
        text = word
        if not word:
            text = word_like(dialect.flags[name], "") if name in have else ""
            if not text and name not in have:
                continue
        yield Spelled((flags[name],), text, "security", _kind(text), flag=name)


def _switches(dialect: Dialect, shape: Shape, *, login: bool) -> Iterator[Spelled]:
    for switch in dialect.switch:
        names = [one for one in shaped(dialect, switch.names, shape) if "@" not in one]
        if names and not _is_on(switch):
            yield Spelled(tuple(names), switch.on[0], "security", _kind(switch.on[0]))
    how = dialect.behaviour
    names = list(shaped(dialect, how.login_names, shape))
    if names and how.login_on:
        default = how.login_default in how.login_on
        if login and not default:
            yield Spelled(tuple(names), how.login_on[0], "username", _kind(how.login_on[0]))


def _is_on(switch: Switch) -> bool:
    wanted = [word for word in switch.on if not word.startswith("!")]
    if not wanted or "()" in switch.on:
        return True
    return any(fnmatchcase(switch.default, word) for word in wanted) and not switch.part


def _joined(dialect: Dialect, found: Sequence[Spelled]) -> Iterator[Spelled]:
    """Yield what is written, the settings that share a value as one."""
    bases = list(dict.fromkeys(one.names[0].partition("@")[0] for one in found if "@" in one.names[0]))
    for base in bases:
        how = _explode_of(dialect, base)
        parts: dict[str, str] = {}
        shared: list[SettingName] = []
        for one in found:
            plain, _, part = one.names[0].partition("@")
            if plain == base and part and one.value:
                parts[part] = one.value
                shared.append(one.setting)
        if how is None or (how.codec == "url" and "scheme" not in parts):
            return
        yield Spelled((base,), joined(parts, how), "host", "word", tuple(dict.fromkeys(shared)))
    yield from (one for one in found if "@" not in one.names[0])


def _explode_of(dialect: Dialect, base: str) -> Explode | None:
    return next(
        (
            one
            for one in dialect.explode
            if one.codec != "service"
            and any(base in shaped(dialect, one.names, shape) for shape in ("variable", "path", "plain"))
        ),
        None,
    )


def _ordered(found: Sequence[Spelled]) -> list[Spelled]:
    """Return what is written in the order in which it belongs together: switches, host, port, flags, login, sender."""
    order = {"host": 1, "port": 2, "security": 3, "username": 4, "password": 5, "sender": 6}
    return sorted(
        found, key=lambda one: 0 if one.setting == "security" and not one.flag else order.get(one.setting, 7)
    )


def _reads(
    dialect: Dialect,
    whole: Iterable[Spelled],
    settings: Mapping[SettingName, str],
    security: Security,
    *,
    steady: bool,
    idle: bool,
) -> bool:
    assignments = tuple(
        Assignment(name=one.names[0], value=one.value, region=_NOWHERE, kind=one.kind) for one in whole
    )
    reading = read(dialect, Scope(assignments=assignments))
    if not idle and any(one.kind == "inert" for one in reading.oddities):
        return False
    return says(reading, settings, security, steady=steady)


def says(
    reading: Reading, settings: Mapping[SettingName, str], security: Security, *, steady: bool = False
) -> bool:
    """Whether a reading is what was wanted, ``steady`` by all versions and not by the newest alone."""
    if not reading.connects or any(one.kind in _ENDING for one in reading.oddities):
        return False
    if not reading.answers or reading.answers[-1].security is not security:
        return False
    if steady and any(one.security is not security for one in reading.answers):
        return False
    for setting, wanted in settings.items():
        key = reading.dialect.keys.get(setting)
        if key is None or key.form == "local-part":
            continue
        used = reading.used.get(setting)
        if setting == "sender" and used is not None and used.text is not None:
            if _address(used.text) != _address(wanted):
                return False
        elif used is None or used.text != wanted:
            return False
    return ("username" in settings) == (reading.logs_in is True) or reading.logs_in is None


def words_for(
    dialect: Dialect,
    form: Form,
    settings: Mapping[SettingName, str],
    security: Security,
    *,
    steady: bool = True,
) -> dict[str, str] | None:
    """Return the words of flags for a mode in a form's text, None where no words of it lead there."""
    named = {(sign, name) for sign, name in re.findall(r"@\{([=?!]?)([^}]+)\}", form.text)}
    places = {name for _, name in named} | ({"scheme"} if ("", "url") in named else set())
    flags = {
        name: name
        for name, flag in dialect.flags.items()
        if name in places and own_names(dialect, flag.names or (name,))
    }
    login = "username" in settings
    words = write(
        dialect, security, int(settings["port"]), host=settings["host"], only=frozenset(flags), login=login
    )
    if words is None:
        return None
    words = _with_login(dialect, words, flags, login=login)
    for name in flags:
        if ("=", name) in named and not words.get(name):  # the line is nothing without it
            for word in _every_word(dialect.flags[name]):
                if _leads(dialect, {**words, name: word}, settings, security, steady=steady):
                    words = {**words, name: word}
                    break
    if _leads(dialect, words, settings, security, steady=steady):
        return words
    if steady:  # one word more may say it to older versions as well
        for name in flags:
            for word in _every_word(dialect.flags[name]):
                more = {**words, name: word}
                if not words.get(name) and _leads(dialect, more, settings, security, steady=True):
                    return more
    return None


def _every_word(flag: Flag) -> list[str]:
    """Return a word for each state, those that say no first."""
    words = [one for state in flag.states if (one := word_of(flag, state))]
    return sorted(words, key=lambda word: word.lower() not in FALSE)


def _leads(
    dialect: Dialect,
    words: Mapping[str, str],
    settings: Mapping[SettingName, str],
    security: Security,
    *,
    steady: bool,
) -> bool:
    """Whether words lead to a mode, with the newest version or with all of them."""
    states: dict[str, str | None] = {}
    for name, flag in dialect.flags.items():
        word = words.get(name)
        boolean = flag.truth != "words" and word in {"true", "false"}
        states[name] = state_of(flag, word or None, "boolean" if boolean else "word")
    plain: dict[str, str | None] = {
        "host": settings["host"],
        "port": settings["port"],
        "username": settings.get("username", ""),
        "password": settings.get("password", ""),
    }
    edges = {edge for row in dialect.mode for edge in (row.since, row.until) if edge}
    for version in ("", *edges, _NEWEST) if steady else (_NEWEST,):
        row = row_of(dialect, states, plain, version)
        if row is None or row.security is not security or row.refuses:
            return False
    return True
