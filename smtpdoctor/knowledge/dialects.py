"""How an application spells its SMTP settings and what its code does with them: the schema of ``dialects/``.

One table is read both ways. ``flags`` give each word of a variable a state; the first ``mode`` whose
conditions hold says how the connection is secured. What must be written for a mode is searched for, so
there is no second table that could say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from smtpdoctor.knowledge.schema import Text
from smtpdoctor.model import Security, SettingName

__all__ = [
    "Behaviour",
    "Binding",
    "Check",
    "Detect",
    "Dialect",
    "DialectNames",
    "Explode",
    "Flag",
    "Idle",
    "Key",
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
]

Proof = Literal["wire", "source", "unproven"]
"""How an application's table was proved: seen on the wire, read in its code, or neither."""

Truth = Literal["words", "python", "javascript", "ruby", "php"]
"""What a language takes for true where a flag is code: in all of them any string with letters in it."""

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
    shares its mail settings' names with others.
    """

    names: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class Key(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A setting: its names, the first that is set counts; what stands in for it where none is.

    ``default`` may depend on the mode. ``required``: without it the application does not start or send.
    ``form``: ``address`` where a display name does not belong, ``local-part`` where ``domain`` names the
    variable with the rest. ``of``: another setting that stands in where this one is absent. ``elsewhere``
    are names that say where the value is to be found: it is set, and not known.
    """

    names: tuple[str, ...]
    default: str | int | dict[Security, int] | None = None
    required: bool = False
    form: Literal["", "address", "mailbox", "local-part"] = ""
    domain: str = ""
    of: SettingName | Literal[""] = ""
    elsewhere: tuple[str, ...] = ()


class Flag(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variable that decides together with others: each word that it may hold, by the state that it means.

    The words ``""`` (empty), ``=absent``, and ``*`` (any other) are special. ``exact``: capitals count.
    ``default`` is the word that holds where the variable is absent. ``invalid`` is what happens with any
    word that no state has: the application does not start, fails at sending, or goes on as ``*`` says.
    ``means``: what a state means though its words say otherwise, for states that are no yes or no.
    """

    states: dict[str, tuple[str, ...]]
    names: tuple[str, ...] = ()
    default: str | None = None
    exact: bool = False
    truth: Truth = "words"
    invalid: Literal["", "start", "send"] = ""


class Mode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of the table: the first whose conditions hold decides.

    ``refuses``: the application does not start, or fails at sending. ``opposite``: what it does is other
    than the flag seems to say. ``since`` and ``until`` bound the versions (until: not including).
    """

    security: Security | None = None
    when: When = {}
    decided_by: str = ""
    refuses: Literal["", "start", "send"] = ""
    opposite: bool = False
    since: str = ""
    until: str = ""
    text: Text | None = None


class Switch(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The variable without which nothing is sent: the words that switch mail on; ``default`` where absent.

    ``part``: it is a list, in which one of the words has to stand (or, with ``!``, must not).
    """

    names: tuple[str, ...]
    on: tuple[str, ...]
    default: str = ""
    exact: bool = False
    part: bool = False
    text: Text | None = None


class Check(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether the server's certificate is checked: by default, and the flag that switches it.

    ``off``: the words that switch the check off; ``name``: whether the host name is checked as well.
    ``when``: the mode table's conditions under which it is off though no flag says so.
    """

    default: bool = True
    name: bool = True
    names: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    when: tuple[When, ...] = ()


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the code does besides.

    ``login``: with both user name and password; whenever there is a user name; with either; always; never;
    or only where ``login_flag`` has one of the words of ``login_on``. ``half``: what half a login does.
    ``mechanisms`` in the order in which they are tried. ``timeout`` in seconds, None: none.
    """

    login: Literal["both", "user", "either", "always", "never"] = "both"
    half: Literal["anonymous", "error"] = "anonymous"
    login_names: tuple[str, ...] = ()
    login_on: tuple[str, ...] = ()
    login_default: str = ""
    mechanisms: tuple[str, ...] = ()
    ehlo: Text | None = None
    timeout: float | None = None
    clear_login: bool = True


class Url(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an application takes a URL apart: its schemes, and what must be percent-encoded in the login.

    ``plus``: whether ``+`` stands for a blank. ``raw``: characters that it tolerates unencoded.
    """

    schemes: tuple[str, ...]
    raw: str = "@"
    plus: bool = False


class Explode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variable that holds several settings: they are named ``NAME@host``, ``NAME@port``, and so on.

    ``host:port``: with an optional port; ``url``: also ``@scheme``, ``@user``, ``@password``, ``@path`` and ``@query.X``.
    """

    names: tuple[str, ...]
    codec: Literal["host:port", "url"]
    url: Url | None = None


class Idle(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names that people set and that do nothing here; ``instead`` is the name that does.

    ``opposite``: they do something else than they seem to say; ``value`` is a pattern of the values for which
    this has to be told.
    """

    names: tuple[str, ...]
    instead: str = ""
    text: Text | None = None
    since: str = ""
    until: str = ""
    when: When = {}
    opposite: bool = False
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


class Dialect(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An application; the file's name is its id.

    ``syntaxes`` are those of the files in which its settings stand, ``environment`` for variables;
    ``reader`` is who reads its ``.env``. ``secret_files``: the ending of a name that names a file with the
    value (``_FILE``). ``prefixes``: every name that begins so is meant for it, and is read only if it is
    named somewhere here; ``known`` are names that it reads for other ends. ``version_of`` is what the
    versions count: the application itself, or a package of a lock file.
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
    secret_files: tuple[str, ...] = ()
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
    binding: Binding = ""
    version_of: str = ""
    locks: tuple[str, ...] = ()
    id: str = ""


_SPECIAL: Final = frozenset({"port", "host", "username", "password"})


def problems_of(dialect: Dialect) -> Iterator[str]:
    """Yield what is wrong with a dialect beyond its form: conditions about what is not there, words twice."""
    for number, row in enumerate(dialect.mode):
        yield from (f"mode[{number}]: {one}" for one in _of_when(dialect, row.when))
        if (
            row.decided_by
            and row.decided_by not in dialect.flags
            and row.decided_by not in _names_in(dialect)
        ):
            yield f"mode[{number}]: decided_by {row.decided_by!r} is no flag and no name"
        if row.security is None and not row.refuses:
            yield f"mode[{number}]: neither security nor refuses"
    if not dialect.mode or dialect.mode[-1].when or dialect.mode[-1].since or dialect.mode[-1].until:
        yield "the last mode has conditions: what holds otherwise?"
    for name, flag in dialect.flags.items():
        words = [word if flag.exact else word.lower() for several in flag.states.values() for word in several]
        twice = {word for word in words if words.count(word) > 1}
        yield from (f"flags.{name}: {word!r} has two states" for word in sorted(twice))
        default = flag.default if flag.exact or flag.default is None else flag.default.lower()
        if default is not None and default not in {"", *words} and "*" not in words:
            yield f"flags.{name}: the default {flag.default!r} has no state"
    for number, idle in enumerate(dialect.idle):
        yield from (f"idle[{number}]: {one}" for one in _of_when(dialect, idle.when))
    for number, when in enumerate(dialect.check.when):
        yield from (f"check.when[{number}]: {one}" for one in _of_when(dialect, when))
    if not dialect.sources:
        yield "no source"


def _names_in(dialect: Dialect) -> set[str]:
    return {name for key in dialect.keys.values() for name in key.names}


def _of_when(dialect: Dialect, when: When) -> Iterator[str]:
    for name, wanted in when.items():
        if name in _SPECIAL:
            continue
        flag = dialect.flags.get(name)
        if flag is None:
            yield f"{name!r} is no flag"
            continue
        choices = (wanted,) if isinstance(wanted, str) else wanted
        yield from (f"{name}: no state {one!r}" for one in choices if one not in flag.states)


class DialectNames(Struct, frozen=True):
    """By what the applications are known: name → application → ``own`` (only it has it), ``mail`` or ``beside``.

    ``patterns`` are names with a ``*``; ``folded`` are compared without capitals and with ``__`` and ``:`` as
    points.
    """

    exact: dict[str, dict[str, str]]
    patterns: dict[str, dict[str, str]]
    folded: dict[str, dict[str, str]]
    images: dict[str, tuple[str, ...]]
    files: dict[str, tuple[str, ...]]
    syntaxes: dict[str, tuple[str, ...]]

    def readers(self, name: str) -> dict[str, str]:
        """Return the applications that read a name."""
        from fnmatch import fnmatchcase

        found = dict(self.exact.get(name, {}))
        for pattern, apps in self.patterns.items():
            if fnmatchcase(name, pattern):
                found |= apps
        if self.folded:
            found = {**self.folded.get(folded(name), {}), **found}
        return found


def folded(name: str) -> str:
    """Return a name as the loosest of the applications compare it."""
    if name.isupper() and "__" not in name:
        name = name.replace("_", ".")
    return name.replace("__", ".").replace(":", ".").replace("-", "").lower()


def names_of_dialects(dialects: dict[str, Dialect]) -> DialectNames:
    """Return the index of names of all applications."""
    exact: dict[str, dict[str, str]] = {}
    patterns: dict[str, dict[str, str]] = {}
    loose: dict[str, dict[str, str]] = {}
    for app, dialect in dialects.items():
        kinds: dict[str, str] = dict.fromkeys(dialect.known, "beside")
        kinds |= dict.fromkeys(dialect.detect.beside, "beside")
        for key in dialect.keys.values():
            kinds |= dict.fromkeys((*key.names, *key.elsewhere), "mail")
        for name, flag in dialect.flags.items():
            kinds |= dict.fromkeys(flag.names or (name,), "mail")
        for several in (dialect.explode, dialect.switch, dialect.idle):
            for one in several:
                kinds |= dict.fromkeys(one.names, "mail")
        kinds |= dict.fromkeys((*dialect.check.names, *dialect.behaviour.login_names), "mail")
        kinds |= dict.fromkeys(dialect.detect.names, "own")
        for name, kind in kinds.items():
            plain = name.partition("@")[0]
            place = patterns if "*" in plain else exact
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
    )
