"""How an application spells its SMTP settings and what its code does with them: the schema of ``dialects/``.

One table is read both ways. ``flags`` give each word of a variable a state; the first ``mode`` whose
conditions hold says how the connection is secured. What must be written for a mode is searched for, so
there is no second table that could say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase, translate
from functools import cache
from itertools import chain
from typing import Final, Literal

from msgspec import Struct

from smtpdoctor.knowledge.schema import Text
from smtpdoctor.model import Security, SettingName

__all__ = [
    "Behaviour",
    "Binding",
    "Check",
    "CheckRow",
    "Detect",
    "Dialect",
    "DialectNames",
    "Explode",
    "Flag",
    "Form",
    "Idle",
    "Key",
    "Lead",
    "Mode",
    "Overriding",
    "Proof",
    "Switch",
    "Trap",
    "Url",
    "When",
    "folded",
    "names_of_dialects",
    "problems_of",
    "shown",
    "tail_of",
]

Proof = Literal["wire", "source", "unproven"]
"""How an application's table was proved: seen on the wire, read in its code, or neither."""

Truth = Literal["words", "python", "javascript", "ruby", "php"]
"""What a language takes for true where a flag is code: in all of them any string with letters in it.

A word without a type, as in a `.env` file, is taken for what it says: whoever hands it on to code casts it.
"""

Lead = Literal["log", "nowhere", "program", "direct", "service"]
"""Where mail goes that is not sent by SMTP.

Into a log or a file; nowhere; to a program of the machine, as PHP's ``mail()`` does; straight to the servers of the
recipients; to the API of a service.
"""

Binding = Literal["", "lower", "spring", "nested"]
"""How names are compared: as they are, without capitals, by Spring's relaxed binding, or with ``__`` and ``:`` as points."""

When = dict[str, str | tuple[str | int, ...]]
"""Conditions, all of which have to hold.

A flag's name → its state, or several of them. ``port`` → ports, or ``absent``; ``host`` → ``absent``,
``loopback``, or names; ``username``, ``password`` → ``set`` or ``absent``.
"""


class Detect(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """By what an application is known: names that only it has, container images, names of files.

    A name may end in ``*``, an image begin or end so. ``beside``: names that decide where the application
    shares its mail settings' names with others. ``needs``: names without one of which it is not this one.
    ``packages``: what a project is or is made of that is it, or that sends by it; in small letters.
    """

    names: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


class Key(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A setting: its names, the first that is set counts; what stands in for it where none is.

    ``default`` may depend on the mode. ``required``: without it the application does not start or send.
    ``form``: ``address`` where a display name does not belong, ``local-part`` where ``domain`` names the
    variables with the rest (for the names of ``needs_domain`` all is ignored without it), ``yaml`` and ``ini`` where it is put into a file of that syntax and read again. ``of``: another setting that stands in where this one is absent. ``elsewhere``
    are names that say where the value is to be found: it is set, and not known.
    """

    names: tuple[str, ...]
    default: str | int | dict[Security, int] | None = None
    required: bool = False
    form: Literal["", "address", "mailbox", "local-part", "yaml", "ini"] = ""
    domain: tuple[str, ...] = ()
    needs_domain: tuple[str, ...] = ()
    of: SettingName | Literal[""] = ""
    elsewhere: tuple[str, ...] = ()


class Flag(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variable that decides together with others: each word that it may hold, by the state that it means.

    The words ``""`` (empty), ``=absent``, ``=string`` (any string, where the syntax has types), ``=*`` (a star)
    and ``*`` (any other) are special; a word may also be a pattern with a ``*`` in it, or the name of the constant or the
    function, with ``()``, that the value comes from. ``exact``: capitals count; ``blanks``: those around a word make another one of it. ``default`` is the word that
    holds where the variable is absent. ``invalid`` is what happens with any word that no state has: the
    application does not start, fails at sending, or goes on as ``*`` says.
    """

    states: dict[str, tuple[str, ...]]
    names: tuple[str, ...] = ()
    default: str | None = None
    exact: bool = False
    blanks: bool = False
    truth: Truth = "words"
    invalid: Literal["", "start", "send"] = ""


class Mode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of the table: the first whose conditions hold decides.

    ``refuses``: the application does not start, or fails at sending. ``unclear``: the code around decides,
    and no setting. ``opposite``: what it does is other
    than the flag seems to say. ``falls_back``: it goes on in clear text where this fails. ``since`` and
    ``until`` bound the versions (until: not including).
    """

    security: Security | None = None
    when: When = {}
    decided_by: str = ""
    refuses: Literal["", "start", "send"] = ""
    unclear: bool = False
    opposite: bool = False
    falls_back: bool = False
    since: str = ""
    until: str = ""
    text: Text | None = None


class Switch(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The variable without which nothing is sent: the words that switch mail on; ``default`` where absent.

    A word may have a ``*`` in it; with ``!`` in front it must not stand there. ``part``: it is a list, in which
    the words have to stand. ``needs``: names without one of which its absence says nothing, since it may stand
    elsewhere. ``leads``: where mail goes with other words.
    """

    names: tuple[str, ...]
    on: tuple[str, ...]
    default: str = ""
    exact: bool = False
    part: bool = False
    needs: tuple[str, ...] = ()
    leads: dict[Lead, tuple[str, ...]] = {}
    text: Text | None = None


class CheckRow(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of a second table, read as that of the modes: what is checked where its conditions hold.

    ``check``: the chain; ``name``: whose the certificate is. What a row does not say is as ``Check`` says.
    """

    when: When = {}
    check: bool | None = None
    name: bool | None = None
    since: str = ""
    until: str = ""


class Check(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether the server's certificate is checked: by default, and the flag that switches it.

    ``off``: the words that switch the check off; ``name``: whether the host name is checked as well.
    ``when``: the mode table's conditions under which it is off though no flag says so; ``row`` where that is
    not enough.
    """

    default: bool = True
    name: bool = True
    names: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    when: tuple[When, ...] = ()
    row: tuple[CheckRow, ...] = ()


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the code does besides.

    ``login``: with both user name and password; whenever there is a user name; with either; always; never;
    and only where the first of ``login_names`` has one of the words of ``login_on``, or where the conditions
    of one of ``login_when`` hold. ``half``: what half a login does; ``empty``: and one whose parts are there
    and empty. ``mechanisms`` in the order in which they are tried. ``timeout`` in seconds, None: none.
    ``clear_login``: whether it logs in over a connection that is not encrypted; ``clear_by_mechanism``: by some
    mechanisms only, so that the server's list decides. ``tokens``: the names of
    another way to log in, beside which no password is needed. ``mechanism_names``: the setting that fixes the
    mechanisms; ``names_itself``: the name for EHLO where nothing is configured, as ``smtp/command.py`` has it. ``as_listed``: the server's order counts; ``tries_all``: where one is refused it goes on with the
    next. ``library``: another dialect whose mechanisms and
    time-out these are, since it is what sends the mail.
    """

    login: Literal["both", "user", "either", "always", "never"] = "both"
    half: Literal["anonymous", "error"] = "anonymous"
    empty: Literal["anonymous", "error"] = "anonymous"
    login_names: tuple[str, ...] = ()
    login_on: tuple[str, ...] = ()
    login_default: str = ""
    login_when: tuple[When, ...] = ()
    mechanisms: tuple[str, ...] = ()
    ehlo: Text | None = None
    names_itself: Literal["", "host", "fqdn-or-address", "fqdn-or-loopback", "localhost", "loopback"] = ""
    timeout: float | None = None
    clear_login: bool = True
    clear_by_mechanism: bool = False
    tokens: tuple[str, ...] = ()
    mechanism_names: tuple[str, ...] = ()
    as_listed: bool = False
    tries_all: bool = False
    library: str = ""


class Url(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an application takes a URL apart: its schemes, and what must be percent-encoded in the login.

    A scheme may have a ``*`` in it. ``lists``: words with a list of URLs in brackets behind them, of which the
    first counts. ``plus``: whether ``+`` stands for a blank. ``raw``: characters that it tolerates unencoded. ``invalid``:
    what does not happen with a URL that it cannot take apart.
    """

    schemes: tuple[str, ...]
    raw: str = "@"
    plus: bool = False
    invalid: Literal["start", "send"] = "send"
    lists: tuple[str, ...] = ()


class Explode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variable that holds several settings: they are named ``NAME@host``, ``NAME@port``, and so on.

    ``host:port``: with an optional port; ``hosts``: a list of them, of which the first counts, each perhaps
    with a ``@scheme`` in front; ``url``: also ``@scheme``, ``@user``, ``@password``, ``@path`` and
    ``@query.X``; ``login``: ``@user`` and ``@password`` with a colon between them. ``service``: the name of a
    provider, for which ``words`` say the parts, ``*`` those of any other, ``=value`` being the value itself; signs
    other than letters, digits, ``.`` and ``-`` do not count in it. ``of``: another dialect whose words these are.
    ``needs_port``: what does not happen where a value has a host and no port.
    """

    names: tuple[str, ...]
    codec: Literal["host:port", "hosts", "url", "login", "service"]
    url: Url | None = None
    words: dict[str, dict[str, str]] = {}
    of: str = ""
    needs_port: Literal["", "start", "send"] = ""


class Idle(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names that people set and that do nothing here; ``instead`` is the name that does.

    ``unread``: nothing of the application looks at them, or ever did; ``ends``: what does not happen for
    that. ``opposite``: they do something else than they seem to say; ``value`` is a pattern of the values for which
    this has to be told.
    """

    names: tuple[str, ...]
    instead: str = ""
    text: Text | None = None
    since: str = ""
    until: str = ""
    when: When = {}
    opposite: bool = False
    unread: bool = False
    ends: Literal["", "start", "send"] = ""
    value: str = ""


class Overriding(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name that, when it is set, takes the place of the SMTP settings: another way of sending.

    ``instead`` are the settings that it uses then, where it is SMTP all the same.
    """

    names: tuple[str, ...]
    over: tuple[str, ...] = ()
    instead: dict[SettingName, str] = {}
    text: Text | None = None


class Trap(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to know about an application that no rule can see."""

    text: Text


class Form(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A kind of file in which the settings are usually written; those that come first are the most usual.

    Most follow from ``syntaxes`` and the names; said is only what does not. ``names`` are those of settings and
    flags in this kind of file. ``also`` is written beside a login. ``text`` is the whole of a file that is more
    than a list of settings, with ``@{host}`` where a setting or flag stands as a literal, ``@{=flag}`` for the
    word as it is, ``@{?flag}`` and ``@{!flag}`` in lines for one that is set or absent; a line goes where one of
    its settings does not apply, and ``@{#note}`` for what ``notes`` says to people. ``asked`` are placeholders in it that a person has to fill in. ``spare``
    are flags that older versions refuse: they are written only where nothing else leads to a mode. ``flat``: points
    in names are no levels. ``strings``: every value is a text. ``off``: not written though it is read.
    """

    kind: str
    names: dict[str, str] = {}
    also: dict[str, str] = {}
    words: dict[str, str] = {}
    text: str = ""
    notes: dict[str, Text] = {}
    asked: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    flat: bool = False
    strings: bool = False
    off: bool = False


class Dialect(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An application; the file's name is its id.

    ``syntaxes`` are those of the files in which its settings stand, ``environment`` for variables;
    ``reader`` is who reads its ``.env``, ``readers`` who reads other syntaxes. ``secret_files``: the ending of a name that names a file with the
    value (``_FILE``). ``nothing``: words of the environment, in small letters, that its code takes for no value.
    ``each``: the entries of a list that each send by a server of their own, a ``*`` for a number or a name.
    ``strict``: what does not happen with a name in its file that it does not know.
    ``filled_in``: it puts values from elsewhere where ``${NAME}`` stands in its files.
    ``prefixes``: every name that begins so is meant for it, and is read only if it is
    named somewhere here; ``known`` are names that it reads for other ends. ``version_of`` is what the
    versions count: the application itself where it is empty, or a package of a lock file.
    """

    name: Text
    proof: Proof
    sources: tuple[str, ...]
    keys: dict[SettingName, Key]
    mode: tuple[Mode, ...]
    detect: Detect = Detect()
    aliases: tuple[str, ...] = ()
    syntaxes: tuple[str, ...] = ("environment", "dotenv")
    reader: str = ""
    readers: dict[str, str] = {}
    secret_files: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    filled_in: bool = False
    each: tuple[str, ...] = ()
    strict: Literal["", "start"] = ""
    prefixes: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    flags: dict[str, Flag] = {}
    explode: tuple[Explode, ...] = ()
    switch: tuple[Switch, ...] = ()
    check: Check = Check()
    behaviour: Behaviour = Behaviour()
    idle: tuple[Idle, ...] = ()
    overriding: tuple[Overriding, ...] = ()
    trap: tuple[Trap, ...] = ()
    form: tuple[Form, ...] = ()
    binding: Binding = ""
    version_of: str = ""
    locks: tuple[str, ...] = ()
    id: str = ""

    def rules_of(self, syntax: str) -> str:
        """Return whose rules hold in its files of a syntax, "" for the usual ones."""
        own = "" if syntax in _WITHOUT_ENV else self.reader
        return self.readers.get(syntax, own)


# Syntaxes that never look into a `.env` file.
_WITHOUT_ENV: Final = frozenset({"ini", "json", "msmtprc", "properties", "toml", "yaml"})
_SPECIAL: Final = frozenset({"port", "host", "username", "password"})
_WORDS: Final = frozenset({"=absent", "=string", "=*"})
_HALVES: Final = ("set", "absent")
_PLACES: Final = frozenset(
    {"login", "plain", "id", "id2", "local", "address", "url", "both"}
)  # what a text may hold besides its settings


def problems_of(dialect: Dialect) -> Iterator[str]:
    """Yield what is wrong with a dialect beyond its form: conditions about what is not there, words twice."""
    yield from _of_modes(dialect)
    for name, flag in dialect.flags.items():
        yield from (f"flags.{name}: {one}" for one in _of_flag(flag))
    yield from _of_uses(dialect)
    for place, when in _conditions(dialect):
        yield from (f"{place}: {one}" for one in _of_when(dialect, when))
    yield from _of_versions(dialect)
    yield from _of_names(dialect)
    yield from _of_explode(dialect)
    if dialect.check.names and not dialect.check.off:
        yield "check: names without a word that switches it off"
    if bool(dialect.behaviour.login_names) != bool(dialect.behaviour.login_on):
        yield "behaviour: login_names and login_on belong together"
    for form in dialect.form:
        known = {*dialect.keys, *dialect.flags, "domain", *_PLACES, *(f"#{name}" for name in form.notes)}
        named = {*form.names, *(name.lstrip("=?!") for name in re.findall(r"@\{([^}]+)\}", form.text))}
        yield from (f"form {form.kind}: {name!r} is no setting and no flag" for name in sorted(named - known))
    if not dialect.sources:
        yield "no source"


def _of_modes(dialect: Dialect) -> Iterator[str]:
    for number, row in enumerate(dialect.mode):
        if (
            row.decided_by
            and row.decided_by not in dialect.flags
            and row.decided_by not in _names_in(dialect)
        ):
            yield f"mode[{number}]: decided_by {row.decided_by!r} is no flag and no name"
        if row.unclear == bool(row.security or row.refuses):
            yield f"mode[{number}]: either a security, what it refuses, or both; or it is unclear"
        for before, other in enumerate(dialect.mode[:number]):
            if _covers(other, row):
                yield f"mode[{number}]: never reached, mode[{before}] holds whenever it does"
                break
    last = dialect.mode[-1] if dialect.mode else None
    if last is None or last.when or last.since or last.until:
        yield "the last mode has conditions: what holds otherwise?"


def _covers(other: Mode, row: Mode) -> bool:
    """Whether one row holds wherever another one does."""
    if (other.since and other.since != row.since) or (other.until and other.until != row.until):
        return False
    return all(
        name in row.when and set(_choices(row.when[name])) <= set(_choices(wanted))
        for name, wanted in other.when.items()
    )


def _choices(wanted: str | tuple[str | int, ...]) -> tuple[str | int, ...]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _of_flag(flag: Flag) -> Iterator[str]:
    words = [word if flag.exact else word.lower() for several in flag.states.values() for word in several]
    twice = {word for word in words if words.count(word) > 1}
    yield from (f"{word!r} has two states" for word in sorted(twice))
    if not words:
        yield "no words"
    special = [word for word in words if word.startswith("=") and word not in _WORDS]
    yield from (f"{word!r} is no special word" for word in special)
    if flag.default is None:
        return
    default = flag.default if flag.exact else flag.default.lower()
    if "=absent" in words:
        yield "a default and a word for what is absent"
    if default not in {"", *words} and "*" not in words:
        yield f"the default {flag.default!r} has no state"


def _conditions(dialect: Dialect) -> Iterator[tuple[str, When]]:
    for number, row in enumerate(dialect.mode):
        yield f"mode[{number}]", row.when
    for number, idle in enumerate(dialect.idle):
        yield f"idle[{number}]", idle.when
    for number, when in enumerate(dialect.check.when):
        yield f"check.when[{number}]", when
    for number, one in enumerate(dialect.check.row):
        yield f"check.row[{number}]", one.when
    for number, when in enumerate(dialect.behaviour.login_when):
        yield f"behaviour.login_when[{number}]", when


def _of_uses(dialect: Dialect) -> Iterator[str]:
    """Yield the flags that nothing depends on."""
    used = {name for _, when in _conditions(dialect) for name in when}
    yield from (f"flags.{name}: nothing depends on it" for name in dialect.flags if name not in used)


def _of_versions(dialect: Dialect) -> Iterator[str]:
    bounded = [
        *((f"mode[{number}]", row.since, row.until) for number, row in enumerate(dialect.mode)),
        *((f"check.row[{number}]", row.since, row.until) for number, row in enumerate(dialect.check.row)),
        *((f"idle[{number}]", row.since, row.until) for number, row in enumerate(dialect.idle)),
    ]
    for place, since, until in bounded:
        for bound in filter(None, (since, until)):
            if not bound[0].isdigit():
                yield f"{place}: {bound!r} is no version"
        if since and since == until:
            yield f"{place}: no version lies between {since} and {until}"


def _of_names(dialect: Dialect) -> Iterator[str]:
    """Yield names that stand for two things."""
    places: dict[str, str] = {}
    for place, names in _named(dialect):
        for name in names:
            before = places.setdefault(name, place)
            if before != place:
                yield f"{name!r} is {before} and {place}"
            if not name.strip() or name != name.strip():
                yield f"{place}: the name {name!r}"
    for number, idle in enumerate(dialect.idle):
        # A name that does nothing under some conditions or in some versions may well be one that else does.
        if not (idle.when or idle.since or idle.until):
            for name in set(idle.names) & places.keys():
                yield f"idle[{number}]: {name!r} is {places[name]} as well"


def _named(dialect: Dialect) -> Iterator[tuple[str, Sequence[str]]]:
    for name, key in dialect.keys.items():
        yield f"keys.{name}", key.names
    for flag_name, flag in dialect.flags.items():
        yield f"flags.{flag_name}", flag.names or (flag_name,)
    yield "check", dialect.check.names
    yield "behaviour.login_names", dialect.behaviour.login_names


def _of_explode(dialect: Dialect) -> Iterator[str]:
    exploded = set(chain.from_iterable(one.names for one in dialect.explode))
    for place, names in _named(dialect):
        for name in names:
            plain, at, _ = name.partition("@")
            if at and not any(one == plain or fnmatchcase(one, plain) for one in exploded):
                yield f"{place}: {plain!r} is not taken apart"
    for number, one in enumerate(dialect.explode):
        if (one.codec == "url") != (one.url is not None):
            yield f"explode[{number}]: url and the codec url belong together"
        if (one.codec == "service") != bool(one.words or one.of):
            yield f"explode[{number}]: words and the codec service belong together"


def _names_in(dialect: Dialect) -> set[str]:
    return {name for key in dialect.keys.values() for name in key.names}


def _of_when(dialect: Dialect, when: When) -> Iterator[str]:
    for name, wanted in when.items():
        choices = _choices(wanted)
        if name == "port":
            yield from (f"port: {one!r}" for one in choices if one != "absent" and not isinstance(one, int))
        elif name in {"username", "password"}:
            yield from (f"{name}: {one!r} is not set or absent" for one in choices if one not in _HALVES)
        elif name == "host":
            yield from (f"host: {one!r}" for one in choices if not isinstance(one, str) or one != one.lower())
        elif name not in dialect.flags:
            yield f"{name!r} is no flag"
        else:
            states = dialect.flags[name].states
            yield from (f"{name}: no state {one!r}" for one in choices if one not in states)


def shown(name: str) -> str:
    """Return a name as people are told it: without the part of a value, and without the star that it begins with."""
    plain = name.partition("@")[0]
    return plain[1:].lstrip(".") if plain.startswith("*") else plain


def tail_of(name: str) -> str:
    """Return the last of a name's parts, by which patterns are looked up; "" where a ``*`` stands in it."""
    tail = name.rpartition(".")[2]
    return "" if "*" in tail else tail


class DialectNames(Struct, frozen=True):
    """By what the applications are known: name → application → ``own`` (only it has it), ``mail`` or ``beside``.

    ``patterns`` are names with a ``*``, by their last part; ``folded`` are compared without capitals and with
    ``__`` and ``:`` as points.
    """

    exact: dict[str, dict[str, str]]
    patterns: dict[str, dict[str, dict[str, str]]]
    folded: dict[str, dict[str, str]]
    images: dict[str, tuple[str, ...]]
    files: dict[str, tuple[str, ...]]
    syntaxes: dict[str, tuple[str, ...]]
    needs: dict[str, tuple[str, ...]] = {}
    packages: dict[str, tuple[str, ...]] = {}
    each: dict[str, tuple[str, ...]] = {}

    def readers(self, name: str) -> dict[str, str]:
        """Return the applications that read a name."""
        found = dict(self.exact.get(name, {}))
        for tail in {"", tail_of(name)}:
            patterns = self.patterns.get(tail, {})
            if patterns and _any_of(tuple(patterns)).match(name):
                for pattern, apps in patterns.items():
                    if fnmatchcase(name, pattern):
                        found |= apps
        if self.folded:
            found = {**self.folded.get(folded(name), {}), **found}
        return found


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression for several patterns: most names fit none of them."""
    return re.compile("|".join(map(translate, patterns)))


def folded(name: str) -> str:
    """Return a name as the loosest of the applications compare it."""
    if name.isupper() and "__" not in name:
        name = name.replace("_", ".")
    return name.replace("__", ".").replace(":", ".").replace("-", "").lower()


def names_of_dialects(dialects: dict[str, Dialect]) -> DialectNames:
    """Return the index of names of all applications."""
    exact: dict[str, dict[str, str]] = {}
    patterns: dict[str, dict[str, dict[str, str]]] = {}
    loose: dict[str, dict[str, str]] = {}
    for app, dialect in dialects.items():
        fixed = dialect.behaviour.mechanism_names
        kinds: dict[str, str] = dict.fromkeys((*dialect.known, *fixed), "beside")
        kinds |= dict.fromkeys(dialect.detect.beside, "beside")
        for key in dialect.keys.values():
            kinds |= dict.fromkeys((*key.names, *key.elsewhere), "mail")
        for name, flag in dialect.flags.items():
            kinds |= dict.fromkeys(flag.names or (name,), "mail")
        for several in (dialect.explode, dialect.switch, dialect.idle):
            for one in several:
                kinds |= dict.fromkeys(one.names, "mail")
        kinds |= dict.fromkeys(
            (*dialect.check.names, *dialect.behaviour.login_names, *dialect.behaviour.tokens), "mail"
        )
        kinds |= dict.fromkeys(dialect.detect.names, "own")
        for name, kind in kinds.items():
            plain = name.partition("@")[0]
            place = patterns.setdefault(tail_of(plain), {}) if "*" in plain else exact
            place.setdefault(plain, {}).setdefault(app, kind)
            if kind == "own":
                place[plain][app] = kind
            for ending in dialect.secret_files:
                exact.setdefault(plain + ending, {}).setdefault(app, "mail")
            if dialect.binding:
                loose.setdefault(folded(plain), {}).setdefault(app, kind)
    return DialectNames(
        exact,
        patterns,
        loose,
        {app: one.detect.images for app, one in dialects.items() if one.detect.images},
        {app: one.detect.files for app, one in dialects.items() if one.detect.files},
        {app: one.syntaxes for app, one in dialects.items()},
        {app: one.detect.needs for app, one in dialects.items() if one.detect.needs},
        {app: one.detect.packages for app, one in dialects.items() if one.detect.packages},
        {app: one.each for app, one in dialects.items() if one.each},
    )
