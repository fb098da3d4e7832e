"""The assignments of a scope, under the names by which an application looks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec.structs import replace

from smtpdoctor.formats.document import Assignment, Kind, Scope
from smtpdoctor.knowledge.dialects import Dialect, Explode, tail_of
from smtpdoctor.settings.reading import Oddity
from smtpdoctor.settings.smtp_url import SmtpUrlError, parts_of

__all__ = ["Values", "is_given"]

_FILLED_IN: Final = re.compile(r"\$\{[^}]+\}")


class Values:
    """The assignments of a scope under the names by which a dialect looks for them."""

    def __init__(self, dialect: Dialect, scope: Scope) -> None:
        self.dialect = dialect
        self.scope = scope
        self._canonical = _CANONICAL[dialect.binding]
        self._found: dict[str, Assignment] = {}
        self._tails: dict[str, list[str]] = {}
        self.broken: Assignment | None = None
        self.oddities: list[Oddity] = []
        for one in scope.assignments:
            self._add(one)
        for several in dialect.explode:
            # Several patterns may fit one name.
            found = {one.name: one for name in several.names for one in self.matching(name)}
            for one in found.values():
                self._explode(one, several)

    def _add(self, one: Assignment) -> None:
        if self.dialect.filled_in and one.value and _FILLED_IN.search(one.value):
            one = replace(one, value=None, kind="unknown")
        key = self._canonical(one.name)
        if key not in self._found:
            self._tails.setdefault(tail_of(key), []).append(key)
        self._found[key] = one

    def _explode(self, one: Assignment, how: Explode) -> None:
        if one.kind == "null":
            return
        if one.value is None:
            for part in ("host", "port", "scheme", "secure", "user", "password"):
                self._add_part(one, part, None, "unknown")
            return
        if not one.value.strip():
            return
        try:
            parts = parts_of(one.value.strip(), how)
        except SmtpUrlError as error:
            self.broken = one
            self.oddities.append(
                Oddity(
                    kind="url",
                    name=one.name,
                    at=one,
                    facts={"sign": error.sign, "why": error.why},
                    ends=how.url.invalid if how.url is not None else "send",
                )
            )
            return
        if how.codec == "service" and not parts and "@" not in one.name:
            self.oddities.append(
                Oddity(kind="word", name=one.name, at=one, setting="host", facts={"word": one.value.strip()})
            )
        for part, text in parts.items():
            self._add_part(one, part, text, "word")

    def _add_part(self, one: Assignment, part: str, text: str | None, kind: Kind) -> None:
        name = f"{one.name}@{part}"
        self._add(
            Assignment(
                name=name, value=text, region=one.region, kind=kind, effect=one.effect, source=one.source
            )
        )

    def matching(self, name: str) -> list[Assignment]:
        """Return the assignments of a name, which may have a star for whatever stands there."""
        wanted = self._canonical(name)
        if "*" not in wanted:
            one = self._found.get(wanted)
            return [] if one is None else [one]
        tail = tail_of(wanted)
        keys = self._tails.get(tail, ()) if tail else self._found
        part = "@" in wanted  # a star stands for the names of objects, not for the parts of a value
        return [self._found[key] for key in keys if ("@" in key) is part and fnmatchcase(key, wanted)]

    def get(self, names: Iterable[str]) -> Assignment | None:
        """Return the assignment of the first of some names that is there."""
        for name in names:
            found = self.matching(name)
            if found:
                return found[-1]
        return None

    def first(self, names: Iterable[str]) -> Assignment | None:
        """Return the first of some names that has a value, also one that is not known; else the first that is there."""
        there = [one for name in names for one in reversed(self.matching(name))]
        return next((one for one in there if is_given(one)), next(iter(there), None))

    def named(self) -> Mapping[str, Assignment]:
        """Return the assignments by their canonical names, exploded ones among them."""
        return self._found

    def canonical(self, name: str) -> str:
        """Return a name as it is compared."""
        return self._canonical(name)


def is_given(one: Assignment) -> bool:
    """Whether there is a value, known or not."""
    return one.kind != "null" and (one.value is None or bool(one.value.strip()))


def _spring(name: str) -> str:
    """Return a name as Spring's relaxed binding compares it."""
    if name.isupper() or ("_" in name and name.upper() == name):
        name = name.lower().replace("_", ".")
    return name.replace(".[", ".").replace("]", "").replace("-", "").lower()


def _nested(name: str) -> str:
    """Return a name whose parts are joined by ``__``, ``:`` or a point, as .NET and nconf compare it."""
    return name.replace("__", ".").replace(":", ".").lower()


_CANONICAL: Final[Mapping[str, Callable[[str], str]]] = {
    "": str,
    "lower": str.lower,
    "spring": _spring,
    "nested": _nested,
}
