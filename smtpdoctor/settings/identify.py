"""Whose configuration a scope is: by image, file name and the names that stand there. Pure.

Nothing is guessed: where no application stands out, the candidates are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.formats.document import Scope
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import DialectNames
from smtpdoctor.model import Message

__all__ = ["BASE", "Identified", "identify", "unknown_app"]

BASE: Final = "smtp"
"""The base variables: whose they are needs no other sign than that nothing else stands there."""

Reason = Literal["asked", "image", "name", "file", "names", "sources", "packages", "nothing", "ambiguous"]
_MARGIN: Final = 1.5  # times the next best
_OWN: Final = 4.0  # what a name counts that only one application has
_BESIDE: Final = 2.0
_FILE: Final = 3.0
_LEAST: Final = 2.0
# What a service or its database is called, which often is the application's own name.
_CALLS_ITSELF: Final = re.compile(
    r"OTEL_SERVICE_NAME|COMPOSE_PROJECT_NAME|APP_NAME|DATABASE_URL|DB_(?:NAME|DATABASE)|(?:POSTGRES|MYSQL|MARIADB)_(?:DB|DATABASE)"
)
_SEVERAL: Final = 4  # mail settings: fewer are common to too many
_IN_A_FILE: Final = "_FILE"
# What holds other files or environments within itself.
_CARRIERS: Final = frozenset({"compose", "kubernetes", "github-actions", "gitlab-ci"})


class Identified(Struct, frozen=True):
    """The application of a scope, or those that it may be of; ``shown`` is the image, file or names that say so.

    ``sure``: something says so that is no setting of mail; those have the same names in many a program. ``own``: a
    name does that only it has.
    """

    app: str | None
    reason: Reason
    shown: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    sure: bool = False
    own: bool = False


def identify(scope: Scope, path: str, names: DialectNames, *, syntax: str = "") -> Identified:
    """Return whose mail settings a scope holds; ``app`` is None where there are none, or where nothing decides."""
    image = scope.image.rpartition("@")[0] or scope.image
    for app, patterns in names.images.items():
        for pattern in patterns:
            if image and image_fits(image, pattern) and _has_any(app, scope, names):
                return Identified(app, "image", (scope.image,), sure=True)
    there = {
        name: names.readers(name)
        for name in sorted({one.name.partition("@")[0] for one in scope.assignments})
    }
    scores, shown = _by_names(there, names, syntax)
    called: set[str] = set()
    for name, words in _called(scope):
        for app in words & scores.keys():
            scores[app] += _BESIDE
            shown[app].append(name)
            called.add(app)

    def in_file(app: str) -> bool:
        return any(
            fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern}")
            for pattern in names.files.get(app, ())
        )

    for app in filter(in_file, names.files):
        # A name that any application's `.env` may have says something only where it reads all that is there.
        if not _is_env(path) or _reads_all(app, there):
            scores[app] = scores.get(app, 0.0) + _FILE
    scores = {
        app: score
        for app, score in scores.items()
        if app in shown and _has_mail(app, there) and _has_needed(app, there, names)
    }
    if not scores:
        return Identified(None, "nothing")
    base = _of_base(there)
    if (
        base
        and (only := _only_reader(base, scores, names))
        and not _beside(only, there)
        and not in_file(only)
    ):
        return Identified(BASE, "names", base[:5], (only,))
    ranked = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    best, score = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    if score >= _LEAST and score >= _MARGIN * second:
        sure = best in called or _beside(best, there) or (in_file(best) and not _is_env(path))
        own = any(readers.get(best) == "own" for readers in there.values())
        return Identified(best, "names", tuple(shown[best][:5]), sure=sure, own=own)
    candidates = tuple(app for app, one in ranked if one * _MARGIN >= score)
    # A program of one's own is made with a framework; an application that comes as an image has another one.
    built = [app for app in candidates if image and app not in names.images]
    if len(built) == 1:
        return Identified(built[0], "image", (scope.image,))
    return Identified(None, "ambiguous", (), (BASE, *candidates) if base else candidates)


def _of_base(there: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the mail settings that stand there, where all of them are base variables and a host is among them."""
    base = load.apps()[BASE]
    known = {*base.flags, *(name for names in base.variables.values() for name in names)}
    told = {
        name.removesuffix(_IN_A_FILE): None
        for name, readers in there.items()
        if {"own", "mail"}.intersection(readers.values()) or name.removesuffix(_IN_A_FILE) in known
    }
    return tuple(told) if known.issuperset(told) and not told.keys().isdisjoint(base.detect) else ()


def _only_reader(told: tuple[str, ...], apps: Iterable[str], names: DialectNames) -> str:
    """Return the one application that reads all of some names, "" where none or several do."""
    found = [app for app in apps if all(app in names.readers(name) for name in told)]
    return found[0] if len(found) == 1 else ""


def _beside(app: str, there: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a name stands there that is no mail setting and tells an application."""
    return any(readers.get(app) == "beside" for readers in there.values())


def _by_names(
    there: Mapping[str, Mapping[str, str]], names: DialectNames, syntax: str
) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Return what the names say for each application, and which they are."""
    scores: dict[str, float] = {}
    shown: dict[str, list[str]] = {}
    for name, readers in there.items():
        for app, own in readers.items():
            if names.syntaxes.get(app) and syntax and not _fits(syntax, names.syntaxes[app]):
                continue
            weight = _OWN if own == "own" else _BESIDE if own == "beside" else 1 / len(readers)
            scores[app] = scores.get(app, 0.0) + weight
            shown.setdefault(app, []).append(name)
    return scores, shown


def _called(scope: Scope) -> Iterator[tuple[str, set[str]]]:
    """Yield the names by which a service calls itself or its database, with the words of what they say."""
    for one in scope.assignments:
        if one.value and _CALLS_ITSELF.fullmatch(one.name):
            text = one.value.partition("?")[0].rpartition("/")[2] if "://" in one.value else one.value
            yield one.name, {text.strip().lower().replace(" ", "-").replace("_", "-")}


def _is_env(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".env")


def _reads_all(app: str, there: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether an application reads all the mail settings that stand there, and more than a few of them."""
    mail = [readers for readers in there.values() if {"own", "mail"}.intersection(readers.values())]
    return len(mail) >= _SEVERAL and all(readers.get(app) in {"own", "mail"} for readers in mail)


def _fits(syntax: str, syntaxes: tuple[str, ...]) -> bool:
    return syntax in syntaxes or syntax in _CARRIERS or (syntax == "dotenv" and "environment" in syntaxes)


def image_fits(image: str, pattern: str) -> bool:
    """Whether a container image, with or without its tag, is one of a pattern of ``detect.images``."""
    name = image.partition(":")[0] if image.count(":") <= 1 else image.rpartition(":")[0]
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _has_any(app: str, scope: Scope, names: DialectNames) -> bool:
    return any(app in names.readers(one.name) for one in scope.assignments)


def _has_mail(app: str, there: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether one of the names is of a mail setting, not only of one that tells the application."""
    return any(readers.get(app) in {"own", "mail"} for readers in there.values())


def _has_needed(app: str, there: Iterable[str], names: DialectNames) -> bool:
    needed = names.needs.get(app, ())
    return not needed or any(fnmatchcase(name, pattern) for name in there for pattern in needed)


def unknown_app(name: str, flag: str = "--app") -> UsageError:
    """Return the error for a name that no application has, with the nearest that one has.

    ``flag`` is what was typed before it, "" where it stands by itself.
    """
    from difflib import get_close_matches

    near = get_close_matches(name.strip().lower(), load.dialect_ids(), 1, 0.6)
    hint = Message("usage.app.near", {"name": near[0]}) if near else Message("usage.app.list")
    key = "usage.app.unknown" if flag else "usage.app.none"
    return UsageError(Message(key, {"flag": flag, "name": name}), hint)
