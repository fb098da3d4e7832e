"""Names that look meant and are not read: the near ones, and those of other applications. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from os.path import commonprefix
from typing import Any, Final, cast

from msgspec import Struct

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.names import canonical
from smtpdoctor.knowledge.schema import App
from smtpdoctor.labels import Label
from smtpdoctor.masking.words import printable_facts
from smtpdoctor.model import Evidence, Origin, Security, Setting, SettingName, Stage
from smtpdoctor.settings.read import Layer

__all__ = ["MOST", "Unread", "listed", "unread", "unread_names"]

MOST: Final = 20  # names that are told; a file with more of them has another fault

_SHORT: Final = 4  # of a shorter word nearly every other one is near
_LONG: Final = 7
_SLIPS: Final = 2  # letters that may be wrong in a long word


class Unread(Struct, frozen=True, kw_only=True):
    """A name that is not read: the nearest one that is, or the application that reads it."""

    name: str
    origin: Origin
    expected: str | None = None
    setting: SettingName | None = None
    app: str | None = None


def unread_names(app: App, layers: Sequence[Layer], given: Collection[str]) -> list[Unread]:
    """Return the names that look meant, in the order in which they stand.

    ``given`` are the settings that have a value from the command line, the environment or a file:
    whoever has set SMTP_USERNAME has SMTP_USER for something else. Other applications' names in the
    environment are told of only where there is no host at all: the environment is everybody's.
    """
    others: dict[str, Origin] = {}
    for layer in reversed(layers):
        others |= layer.others
    if not others:
        return []
    values = {name for layer in layers for name, one in layer.values.items() if one.text.strip()}
    near = _Near(app)
    found: list[Unread] = []
    strange: dict[str, Origin] = {}
    for name, origin in others.items():
        meant = near.of(name)
        if not meant:
            strange[name] = origin
        for setting, expected in meant:
            if expected not in values and (setting == "security" or setting not in given):
                found.append(Unread(name=name, origin=origin, expected=expected, setting=setting))
                break
    strange = {
        name: origin for name, origin in strange.items() if origin.kind == "file" or "host" not in given
    }
    return [*found, *_foreign(strange)]


def unread(app: App, layers: Sequence[Layer], settings: Mapping[str, Setting[Any]]) -> Iterator[Evidence]:
    """Yield one piece of evidence about the near names, and one about the foreign ones."""
    told = {"flag", "environment", "file", "project"}
    given = {name for name, one in settings.items() if one.origin.kind in told}
    found = unread_names(app, layers, given)
    if foreign := [one for one in found if one.app]:
        apps = dict.fromkeys(one.app or "" for one in foreign)
        names = listed([one.name for one in foreign])
        yield Evidence(
            stage=Stage.CONFIG,
            labels=frozenset({Label.FOREIGN_NAME}),
            origin=foreign[0].origin,
            facts=printable_facts(foreign=names, value=names, app=", ".join(apps)),
        )
    if near := [one for one in found if one.expected]:
        yield Evidence(
            stage=Stage.CONFIG,
            labels=frozenset({Label.NEAR_NAME}),
            setting=near[0].setting,
            origin=near[0].origin,
            facts=printable_facts(
                name=near[0].name,
                value=listed([one.name for one in near]),
                expected=listed([one.expected or "" for one in near]),
                pairs=listed([f"{one.name} → {one.expected} ({one.origin})" for one in near]),
            ),
        )


def listed(texts: Sequence[str], most: int = MOST) -> str:
    """Return texts as a list, of too many the first and how many more there are."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f", … (+{more})" if more > 0 else "")


def _squeezed(name: str) -> str:
    return name.replace("_", "")


class _Near:
    """Finds the name of an application that another name was probably meant to be."""

    def __init__(self, app: App) -> None:
        names = [name for several in app.variables.values() for name in several]
        self._prefix = commonprefix([*names, *app.flags]).rpartition("_")[0]  # noqa: RUF071 -- no paths
        self._read: dict[str, tuple[SettingName, str]] = {}
        for setting, several in app.variables.items():
            self._read |= {name.removeprefix(f"{self._prefix}_"): (setting, name) for name in several}
        self._read |= {name.removeprefix(f"{self._prefix}_"): ("security", name) for name in app.flags}
        self._words: dict[str, tuple[SettingName, str]] = {}
        for kind, words in load.spellings().near.items():
            if (meant := _meant(app, kind)) is not None:
                self._words |= {_squeezed(word): meant for word in words}
        self._words |= {_squeezed(word): meant for word, meant in self._read.items()}

    def of(self, name: str) -> list[tuple[SettingName, str]]:
        """Return the settings that were perhaps meant, each with the name that is read."""
        known, head = canonical(name), self._prefix
        start = known[: len(head)]
        if start != head and sorted(start) == sorted(head) and known[len(head) :].startswith("_"):
            known = head + known[len(head) :]  # SMPT_HOST; but SMTPD_HOST is another program's
        word = _squeezed(known.removeprefix(head))
        if not known.startswith(head):
            return []
        if meant := self._words.get(word):
            return [meant]
        return self._mistyped(word) if known.startswith(f"{head}_") else []

    def _mistyped(self, word: str) -> list[tuple[SettingName, str]]:
        """Return what a word with a slip of the finger was meant to be; a number is never one."""
        if any(map(str.isdigit, word)):
            return []
        from smtpdoctor.knowledge.near import edits

        squeezed = ((known, _squeezed(known)) for known in self._read)
        distances = [
            (edits(word, other), known) for known, other in squeezed if abs(len(word) - len(other)) <= _SLIPS
        ]
        return [
            self._read[known]
            for distance, known in sorted(distances)
            if len(known) >= _SHORT and distance <= (_SLIPS if len(known) >= _LONG else 1)
        ]


def _meant(app: App, kind: str) -> tuple[SettingName, str] | None:
    """Return the setting and the application's name for it."""
    if kind in {"tls", "starttls"}:
        row = app.write.get(Security(kind), {})
        flag = next((name for name, value in row.items() if value.lower() in app.true), None)
        return ("security", flag) if flag else None
    setting = cast("SettingName", kind)
    names = app.variables.get(setting)
    return (setting, names[0]) if names else None


def _foreign(names: Mapping[str, Origin]) -> Iterator[Unread]:
    """Yield the names of other applications; each goes to the one that most of them belong to.

    Of several the frameworks are told: what an application is made with has its names first.
    """
    owners: dict[str, dict[str, str]] = {}
    for name in names:
        known = canonical(name)
        owners[name] = {
            one.app: one.library
            for one in load.spellings().foreign
            if any(
                known.startswith(pattern[:-1]) if pattern.endswith("*") else known == pattern
                for pattern in one.names
            )
        }
    counts = Counter(app for apps in owners.values() for app in apps)
    for name, apps in owners.items():
        most = max(map(counts.__getitem__, apps), default=0)
        likely = [app for app in apps if counts[app] == most]
        likely = [app for app in likely if not apps[app]] or likely
        if likely:
            yield Unread(name=name, origin=names[name], app=listed(likely, 3))
