"""Settings and the words of flags as a scope in an application's own names."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from smtpdoctor.formats.document import Assignment, Kind, Place, Region, Scope
from smtpdoctor.knowledge.dialects import Dialect, Explode, Flag, shown
from smtpdoctor.knowledge.table import own_names
from smtpdoctor.settings.smtp_url import joined
from smtpdoctor.terms import SettingName

__all__ = ["NOWHERE", "assignment", "concrete", "spelled"]

NOWHERE: Final = Region(Place("", 1), 0, 0)
PARTS: Final[Mapping[SettingName, str]] = {
    "host": "host",
    "port": "port",
    "username": "user",
    "password": "password",
}


def assignment(name: str, value: str | None, kind: Kind = "word", source: str = "") -> Assignment:
    return Assignment(name=name, value=value, region=NOWHERE, kind=kind, source=source)


def concrete(pattern: str) -> str:
    """Return a name that a pattern fits."""
    name = shown(pattern)
    return name if fnmatchcase(name, pattern) else pattern.partition("@")[0].replace("*", "mail")


def codec_of(dialect: Dialect, name: str) -> Explode | None:
    plain = name.partition("@")[0]
    return next((one for one in dialect.explode if any(fnmatchcase(each, plain) for each in one.names)), None)


def kind_of(flag: Flag, word: str) -> Kind:
    return "boolean" if flag.truth != "words" and word in {"true", "false"} else "word"


def spelled(dialect: Dialect, settings: Mapping[SettingName, str], words: Mapping[str, str]) -> Scope:
    """Return the scope in which an application finds settings and words of flags."""
    joint: dict[str, tuple[Explode, dict[str, str]]] = {}
    found: list[Assignment] = []

    def part(name: str, text: str) -> bool:
        how = codec_of(dialect, name)
        if how is None or how.codec == "service":
            return False
        joint.setdefault(concrete(name), (how, {}))[1][name.partition("@")[2]] = text
        return True

    for flag_name, word in words.items():
        if not word:
            continue
        flag = dialect.flags[flag_name]
        names = [name for name in flag.names or (flag_name,) if usable(dialect, name)]
        if "@" in names[0]:
            assert part(names[0], word)
        else:
            name = concrete(names[0])
            called: Kind = "call" if name.endswith("()") else kind_of(flag, word)
            found.append(assignment(name, word, called))
    for setting, text in settings.items():
        key = dialect.keys.get(setting)
        if key is None:
            continue
        names = [name for name in key.names if usable(dialect, name)]
        within = [name for name in names if concrete(name) in joint and "@" in name]
        plain = [name for name in names if "@" not in name]
        # A URL that is there for its flags holds the settings too; else what stands by itself is taken.
        chosen = (within or plain or names)[0]
        if "@" in chosen:
            assert part(chosen, text)
        else:
            found.append(assignment(concrete(chosen), text))
    for name, (how, parts) in joint.items():
        if how.url is not None:
            parts.setdefault("scheme", (*how.url.schemes, "smtp")[0])
        found.append(assignment(name, joined(parts, how)))
    return Scope(assignments=tuple(found))


def usable(dialect: Dialect, name: str) -> bool:
    """Whether a name can be written by itself."""
    return name.count("@") < 2 and bool(own_names(dialect, [name]))
