"""What terms come to: a value with the place that a person changes, or that it is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.formats.building import MOST_DEPTH, MOST_VALUE, Builder
from smtpdoctor.formats.code.scopes import Arm, Fork, Path, Scope
from smtpdoctor.formats.code.terms import (
    SPREAD,
    Among,
    And,
    Call,
    Choice,
    Convert,
    Env,
    Equal,
    Joined,
    Literally,
    Members,
    Not,
    Opaque,
    Or,
    Reference,
    Term,
    Words,
)
from smtpdoctor.formats.document import Kind, Place, Region, Remark

__all__ = ["Language", "Value", "Values"]

_ELSE: Final = Literally("boolean", "true", 0, 0)
_MOST_ENTRIES: Final = 8  # assignments of one name that are compared
_TEXTS: Final = frozenset({"string", "word"})
_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]{1,30})\s*")
_LEADING: Final = re.compile(r"\s*([+-]?[0-9]{1,30})")
_LARAVEL: Final[dict[str, tuple[Kind, str | None]]] = {
    "true": ("boolean", "true"), "(true)": ("boolean", "true"), "false": ("boolean", "false"),
    "(false)": ("boolean", "false"), "empty": ("string", ""), "(empty)": ("string", ""),
    "null": ("null", None), "(null)": ("null", None),
}  # fmt: skip
_DEFAULTED: Final = Remark("defaulted")
# A login may come from anywhere; a switch that is not set is one that is not set.
_SWITCHES: Final = re.compile(
    r"TLS|SSL|SECUR|SCHEME|ENCRYPT|AUTH|VERIFY|REJECT|ENABLE|DEBUG|USE_", re.IGNORECASE
)
_SECRETS: Final = re.compile(r"USER|PASS|PWD|SECRET|TOKEN|KEY|LOGIN|CRED", re.IGNORECASE)
# What people call the settings that another file takes from the environment.
_HELD: Final = re.compile(
    r"\w*(?:settings?|config\w*|conf|cfg|env\w*|options|secrets)(?:\(\))?", re.IGNORECASE
)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUOTED: Final = re.compile(r"(['\"])(.*)\1", re.DOTALL)


class Language(Struct, frozen=True):
    """What a language makes of values. ``false``: the texts and numbers that count as false beside false and null.

    ``words`` is how it writes true, false and null into a text. ``name`` is what ``writing`` knows it by.
    """

    name: str
    false: frozenset[tuple[str, str]]
    words: tuple[str, str, str] = ("true", "false", "null")


class Value(Struct, frozen=True, kw_only=True):
    """What a term comes to; as an ``Assignment`` has it. ``absent``: a variable that is not set as far as is known."""

    kind: Kind
    text: str | None
    region: Region
    effect: tuple[Place, ...] = ()
    remarks: tuple[Remark, ...] = ()
    source: str = ""
    style: str = ""
    absent: bool = False

    def __repr__(self) -> str:  # it may be a secret
        return f"Value({self.kind!r}, at={str(self.region.place)!r})"

    @property
    def known(self) -> bool:
        """Whether it is known, be it that there is nothing."""
        return self.text is not None or self.kind == "null"

    @property
    def plain(self) -> tuple[Kind, str | None]:
        """What is compared."""
        return ("string" if self.kind == "word" else self.kind), self.text


class Values:
    """Finds out what terms of one file come to."""

    def __init__(self, builder: Builder, language: Language) -> None:
        self.builder = builder
        self.language = language
        self._found: dict[int, Value | None] = {}
        self._level = 0
        self._by_type: dict[type, Callable[[Term, Scope], Value]] = {
            Literally: self._literal,
            Joined: self._joined,
            Reference: self._reference,
            Members: self._opaque,
            Call: self._call,
            Env: self._env,
            Or: self._or,
            And: self._and,
            Convert: self._converted,
            Words: self._words,
            Equal: self._equal,
            Among: self._among,
            Not: self._not,
            Choice: self._choice,
            Opaque: self._opaque,
        }

    def value(self, term: Term, scope: Scope) -> Value:
        """Return what a term comes to where it stands."""
        if self._level >= MOST_DEPTH:
            return self._unknown(term, "")
        self._level += 1
        try:
            return self._by_type[type(term)](term, scope)
        finally:
            self._level -= 1

    def truth(self, term: Term, scope: Scope) -> bool | None:
        """Return whether a term counts as true, None where that is not known."""
        return self._truth(self._supposed(self.value(term, scope)))

    def _once(self, term: Term, scope: Scope) -> Value:
        """Return what is assigned somewhere; it is found out once, however often it is referred to."""
        key = id(term)
        if key not in self._found:
            self._found[key] = None  # whoever asks for it meanwhile is led in a circle
            self._found[key] = self.value(term, scope)
        found = self._found[key]
        return self._unknown(term, "") if found is None else found

    def shape(self, term: Term, scope: Scope) -> tuple[Members, Scope, str] | None:
        """Return the members of what a term comes to, where they stand, and what it depends on whether they are.

        None for what has none.
        """
        if self._level >= MOST_DEPTH:
            return None
        self._level += 1
        try:
            return self._shape(term, scope)
        finally:
            self._level -= 1

    def _shape(self, term: Term, scope: Scope) -> tuple[Members, Scope, str] | None:
        if isinstance(term, Members):
            return term, scope, ""
        if isinstance(term, Reference):
            followed = self._followed(term, scope)
            return None if followed is None else self.shape(*followed)
        if isinstance(term, Choice):
            chosen = self.truth(term.test, scope)
            if chosen is not None:
                return self.shape(term.then if chosen else term.otherwise, scope)
            return _unsure(self.shape(term.then, scope) or self.shape(term.otherwise, scope))
        if isinstance(term, And):
            found = self.shape(term.second, scope)
            chosen = None if found is None else self.truth(term.first, scope)
            return None if chosen is False else found if chosen else _unsure(found)
        if isinstance(term, Or):
            found = self.shape(term.first, scope)
            if found is not None:
                return found
            known = self.value(term.first, scope)
            if known.absent or (known.known and not self._truth(known)):
                return self.shape(term.second, scope)
            return None
        if isinstance(term, Call) and term.value is not None:
            return self.shape(term.value, scope)
        return None

    def _followed(self, term: Reference, scope: Scope) -> tuple[Term, Scope] | None:
        """Return what a name stands for, where it is assigned once."""
        found = scope.find(term.name)
        if found is None:
            return None
        entries = [one for one in found[0] if self.live(one.arm)]
        if len(entries) != 1:
            return None
        here: tuple[Term, Scope] | None = (entries[0].term, entries[0].scope)
        for part in found[1]:
            here = self._member(*here, part) if here is not None else None
        return here

    def _member(self, term: Term, scope: Scope, part: str) -> tuple[Term, Scope] | None:
        if self._level >= MOST_DEPTH:
            return None
        self._level += 1
        try:
            shape = self.shape(term, scope)
            if shape is None or shape[2]:
                return None
            for key, one in reversed(shape[0].items):
                if key == part:
                    return one, shape[1]
                if key == SPREAD:
                    return self._member(one, shape[1], part)
            return None
        finally:
            self._level -= 1

    # Which arms are taken

    def live(self, arm: Arm | None) -> bool:
        """Whether a statement may be reached."""
        above = []
        while arm is not None and arm.live is None:
            above.append(arm)
            arm = arm.parent
        alive = arm is None or bool(arm.live)
        for one in reversed(above):
            one.live = True  # while it is being found out
            one.live = alive and self._taken(one.fork, one.index) is not False
            alive = one.live
        return alive

    def _taken(self, fork: Fork, index: int) -> bool | None:
        """Return whether an arm is taken, None where that is not known; it is found out once for all of a fork."""
        if fork.taken is None:
            fork.taken = []  # whoever asks meanwhile is not told
            taken: list[bool | None] = []
            over: bool | None = False  # whether one further up is taken
            for test in (*fork.tests, *((_ELSE,) if fork.whole else ())):
                known = None if test is None else True if test is _ELSE else self.truth(test, fork.scope)
                taken.append(False if over or known is False else known if over is False else None)
                over = True if over or known else over if known is False else None
            fork.taken = taken
        return fork.taken[index] if index < len(fork.taken) else None

    def path(self, arm: Arm | None) -> Path:
        """Return the conditions of which it is not known whether they hold."""
        above: list[Arm] = []
        while arm is not None and arm.path is None:
            above.append(arm)
            arm = arm.parent
        path: Path = () if arm is None or arm.path is None else arm.path
        for one in reversed(above):
            if self._taken(one.fork, one.index) is not True:
                path = (*path, (one.fork, one.index))
            one.path = path
        return path

    def arms(self, fork: Fork) -> frozenset[int]:
        """Return the arms of a fork that may be taken."""
        if fork.open is None:
            self._taken(fork, 0)
            fork.open = frozenset(at for at, one in enumerate(fork.taken or ()) if one is not False)
        return fork.open

    # The forms

    def _region(self, term: Term) -> Region:
        return self.builder.region(term.start, term.end)

    def _unknown(self, term: Term, source: str, *, absent: bool = False) -> Value:
        return Value(kind="unknown", text=None, region=self._region(term), source=source, absent=absent)

    def _opaque(self, term: Term, _: Scope) -> Value:
        return self._unknown(term, term.source if isinstance(term, Opaque) else "")

    def _literal(self, term: Term, _: Scope) -> Value:
        assert isinstance(term, Literally)  # noqa: S101 -- by the table of types
        return Value(kind=term.kind, text=term.text, region=self._region(term), style=self.language.name)

    def _call(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Call)  # noqa: S101
        return (
            self._unknown(term, f"{term.callee}()") if term.value is None else self.value(term.value, scope)
        )

    def _joined(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Joined)  # noqa: S101
        parts = [self.value(part, scope) for part in term.parts]
        lacking = next((part for part in parts if not part.known), None)
        if lacking is not None:
            return self._unknown(term, lacking.source)
        first = next((at for at, part in enumerate(parts) if part.kind in _TEXTS), None)
        if term.adds and (first is None or first > 1):
            return self._unknown(term, "+")
        text = "".join(map(self._text, parts))
        if len(text) > MOST_VALUE:
            self.builder.problem("limit", term.start)
            return self._unknown(term, "+")
        path = self.builder.path
        effect = tuple(part.region.place for part in parts if part.region.place.path != path)
        remarks = tuple(dict.fromkeys(remark for part in parts for remark in part.remarks))
        return Value(kind="string", text=text, region=self._region(term), effect=effect, remarks=remarks)

    def _text(self, value: Value) -> str:
        true, false, null = self.language.words
        if value.kind == "boolean":
            return true if value.text == "true" else false
        return null if value.text is None else value.text

    def _reference(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Reference)  # noqa: S101
        found = scope.find(term.name)
        if found is None:
            return self._elsewhere(term, scope) or self._unknown(term, term.name)
        values: list[Value] = []
        for entry in found[0]:
            if not self.live(entry.arm):
                continue
            if len(values) == _MOST_ENTRIES:
                return self._unknown(term, term.name)
            if found[1]:
                here: tuple[Term, Scope] | None = (entry.term, entry.scope)
                for part in found[1]:
                    here = self._member(*here, part) if here is not None else None
                values.append(self._unknown(term, term.name) if here is None else self._once(*here))
            else:
                values.append(self._once(entry.term, entry.scope))
        last = values[-1] if values else self._unknown(term, term.name)
        if any(one.plain != last.plain for one in values) or (len(values) > 1 and not last.known):
            return self._unknown(term, term.name)
        if not last.known and found[1] and (named := self._elsewhere(term, scope)) is not None:
            return named
        if not last.known and not last.source:
            return self._unknown(term, term.name)
        if isinstance(found[0][-1].term, Opaque):  # what a function is given has no place of its own
            return self._unknown(term, last.source)
        place = self.builder.place(term.start)
        return replace(
            last, source=last.source or ("" if last.known else term.name), effect=(*last.effect, place)
        )

    def _env(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Env)  # noqa: S101
        source = self.builder.source
        if term.name in source.environment:
            return Value(kind="string", text=source.environment[term.name], region=self._region(term))
        found = source.variables.get(term.name)
        if found is not None:
            return Value(
                kind="unknown" if found.value is None else "string",
                text=found.value,
                region=found.region,
                effect=(*found.effect, self.builder.place(term.start)),
                remarks=found.remarks,
                source=found.source or ("" if found.value is not None else term.name),
                style=found.style,
            )
        if term.fallback is None:
            return self._unknown(term, term.name, absent=True)
        return _defaulted(self.value(term.fallback, scope))

    def _elsewhere(self, term: Reference, scope: Scope) -> Value | None:
        """Return the variable that settings of another file are named after: ``settings.SMTP_HOST``, ``env.smtpHost``, ``SMTP_HOST``.

        What such a file makes of it is not known; a word is taken for what it says.
        """
        base, _, name = term.name.rpartition(".")
        plain = _HUMP.sub("_", name).upper()
        if not (_HELD.fullmatch(base.rpartition(".")[2]) if base else name == plain):
            return None
        if plain not in self.builder.source.variables or "_" not in plain:
            return None
        value = self._env(Env(plain, term.start, term.end), scope)
        return replace(value, kind="word") if value.kind == "string" else value

    def _supposed(self, value: Value) -> Value:
        """Take what is not in ``.env`` for absent, where there is one."""
        if value.absent and self.builder.source.variables:
            return _nothing(value)
        return value

    def told(self, value: Value) -> Value:
        """Return a value as it is told: what switches something and is not in ``.env`` is not set."""
        if value.absent and _SWITCHES.search(value.source) and not _SECRETS.search(value.source):
            return self._supposed(value)
        if value.text == "" and value.kind == "string" and _DEFAULTED in value.remarks:
            # Who falls back to nothing expects that the environment says it.
            return replace(value, kind="unknown", text=None)
        return value

    def _truth(self, value: Value) -> bool | None:
        if not value.known:
            return None
        if value.kind == "boolean":
            return value.text == "true"
        if value.kind == "null":
            return False
        text = value.text or ""
        if value.kind == "number":
            return ("number", "0") not in self.language.false or text.strip("0.") != ""
        return ("string", text) not in self.language.false

    def _or(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Or)  # noqa: S101
        first = self.value(term.first, scope)
        if first.absent:
            return _defaulted(self.value(term.second, scope))
        if not first.known:
            return first
        if first.kind == "null" or (term.where == "falsy" and not self._truth(first)):
            second = self.value(term.second, scope)
            return _defaulted(second) if first.effect or first.remarks else second
        return first

    def _and(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, And)  # noqa: S101
        first = self._supposed(self.value(term.first, scope))
        if not first.known:
            return first
        return self.value(term.second, scope) if self._truth(first) else first

    def _choice(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Choice)  # noqa: S101
        test = self._supposed(self.value(term.test, scope))
        chosen = self._truth(test)
        if chosen is not None:
            taken = self.value(term.then if chosen else term.otherwise, scope)
            return _defaulted(taken) if _DEFAULTED in test.remarks else taken
        then, otherwise = self.value(term.then, scope), self.value(term.otherwise, scope)
        if then.known and then.plain == otherwise.plain:
            return replace(then, region=self._region(term), style="")
        return self._unknown(term, "if")

    def _made(self, of: Value, kind: Kind, text: str) -> Value:
        """Return a value that was made of another one; it can be written only where its text stayed the same."""
        if of.text == text:
            return replace(of, kind=kind, text=text, source="", absent=False)
        return replace(of, kind=kind, text=text, source="", absent=False, style="")

    def _boolean(self, of: Value, *, true: bool) -> Value:
        return self._made(of, "boolean", "true" if true else "false")

    def _converted(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Convert)  # noqa: S101
        of = self.value(term.of, scope)
        if term.to == "truth":
            of = self._supposed(of)
            true = self._truth(of)
            return of if true is None else self._boolean(of, true=true)
        if of.text is None:
            return of
        text = of.text
        if term.to in {"integer", "leading"}:
            found = _INTEGER.fullmatch(text) if term.to == "integer" else _LEADING.match(text)
            if found is None:
                return self._unknown(term, of.source or term.to)
            return self._made(of, "number", str(int(found[1])))
        if term.to == "laravel":
            return self._laravel(of, text)
        if term.to == "string":
            return self._made(of, "string", self._text(of))
        if term.to == "presence":
            return of if text.strip() else replace(of, kind="null", text=None)
        if term.to == "symbol":
            return self._made(of, "word", text)
        if of.kind not in _TEXTS:
            return of
        changed = {"lower": text.lower, "upper": text.upper, "strip": text.strip}[term.to]()
        return self._made(of, of.kind, changed)

    def _laravel(self, of: Value, text: str) -> Value:
        """Laravel's ``env()`` makes types of words, and takes quotes away that its reader has left."""
        if of.kind != "string" or not of.effect:
            return of  # a default stays as it is
        kind, new = _LARAVEL.get(text.lower(), ("string", text))
        if new is None:
            return replace(of, kind="null", text=None)
        quoted = _QUOTED.fullmatch(new)
        return self._made(of, kind, quoted[2] if quoted and kind == "string" else new)

    def _words(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Words)  # noqa: S101
        of = self._supposed(self.value(term.of, scope))
        if of.kind == "boolean":
            return of
        if of.kind == "null":
            return self._boolean(of, true=False)
        if of.text is None:
            return of
        word = of.text.strip().lower()
        true = True if word in term.true else False if word in term.false else term.other
        if true is None:
            return self._unknown(term, of.source or "boolean")
        return self._boolean(of, true=true)

    def _equal(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Equal)  # noqa: S101
        left, right = self._asked(term.left, scope, term.right), self._asked(term.right, scope, term.left)
        of = right if isinstance(term.left, Literally) and not isinstance(term.right, Literally) else left
        same = self._same(left, right, term)
        if same is None:
            return self._unknown(term, next((one.source for one in (left, right) if not one.known), ""))
        return self._boolean(of, true=same is not term.negated)

    def _asked(self, term: Term, scope: Scope, other: Term | None = None) -> Value:
        value = self.value(term, scope)
        if value.absent and isinstance(other, Literally) and other.kind == "null":
            return _nothing(value)  # it is asked whether it is set
        return self._supposed(value)

    def _same(self, left: Value, right: Value, term: Equal) -> bool | None:
        if not left.known or not right.known:
            return None
        if "null" in {left.kind, right.kind}:
            return left.kind == right.kind
        (kind, text), (other, there) = left.plain, right.plain
        if term.typed and kind != other:
            return False
        assert text is not None and there is not None  # noqa: S101, PT018
        return text.lower() == there.lower() if term.fold else text == there

    def _among(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Among)  # noqa: S101
        item = self._asked(term.item, scope)
        shape = self.shape(term.choices, scope)
        if not item.known or shape is None or shape[2]:
            return self._unknown(term, item.source)
        choices = [self.value(one, shape[1]) for _, one in shape[0].items]
        if item.kind != "null" and any(one.known and one.plain == item.plain for one in choices):
            return self._boolean(item, true=not term.negated)
        if not all(one.known for one in choices):
            return self._unknown(term, item.source)
        return self._boolean(item, true=term.negated)

    def _not(self, term: Term, scope: Scope) -> Value:
        assert isinstance(term, Not)  # noqa: S101
        of = self._asked(term.of, scope)
        true = self._truth(of)
        return of if true is None else self._boolean(of, true=not true)


def _unsure(shape: tuple[Members, Scope, str] | None) -> tuple[Members, Scope, str] | None:
    return None if shape is None else (shape[0], shape[1], "if")


def _nothing(value: Value) -> Value:
    return _defaulted(replace(value, kind="null", text=None, absent=False))


def _defaulted(value: Value) -> Value:
    return value if _DEFAULTED in value.remarks else replace(value, remarks=(*value.remarks, _DEFAULTED))
