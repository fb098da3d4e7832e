"""What to write instead: the edit that mends a finding, and how the lines look before and after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.advice.names import Names, offers
from smtpdoctor.diagnosis import Context, holds
from smtpdoctor.formats.dotenv import UnwritableError, assigned, assignment, masked, value_of
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Edit, Entry, Preset
from smtpdoctor.model import Change, Finding, Origin, Secret, Security, SettingName, Settings

__all__ = ["Excerpt", "Line", "changes_of", "excerpts_of"]

# The settings that have a flag of their own; a password has none that holds it.
_FLAGS: Final[frozenset[SettingName]] = frozenset({"host", "port", "security", "username", "sender", "ehlo"})


class Line(Struct, frozen=True):
    """A line that goes or comes."""

    sign: Literal["-", "+"]
    text: str


class Excerpt(Struct, frozen=True):
    """Lines that stand together, before and after a change; ``origin`` is where the first stands."""

    origin: Origin
    lines: tuple[Line, ...]


def changes_of(finding: Finding, context: Context, entry: Entry, names: Names) -> tuple[Change, ...]:
    """Return the edits that mend a finding: those that were tried, else the first of the catalogue's that can be made.

    Several where one setting has several variables.
    """
    if finding.changes:
        return finding.changes
    preset = load.preset_with_id(context.provider)
    for edit in entry.change:
        if holds(edit.when, finding.evidence, context):
            changes = tuple(_changes(edit, finding, context.settings, preset, names))
            if changes:
                return changes
    return ()


def _changes(
    edit: Edit, finding: Finding, settings: Settings, preset: Preset | None, names: Names
) -> Iterator[Change]:
    if edit.setting == "security":
        yield from _of_security(Security(edit.value.partition(":")[2]), settings, preset, names)
        return
    if names.is_part(edit.setting):  # the rest of the value must not be lost
        return
    value = _port(edit, names) if edit.value.startswith("port:") else names.fill(edit.value)
    if not value or Secret.MASK in value:  # what is masked cannot be told to be written
        return
    setting = settings.get(edit.setting)
    if setting is not None and str(setting.value) == value:
        return
    mode = settings.security.value if settings.security else None
    if edit.setting == "port" and not offers(preset, _host(settings), int(value), mode):
        return
    origin = setting.origin if setting is not None else None
    of_it = finding.evidence.setting == edit.setting and not names.stands_beside()
    if of_it and finding.evidence.origin is not None:
        origin = finding.evidence.origin
    place = _place(edit.setting, origin, names.variable(edit.setting), settings)
    if place is not None:
        yield Change(place.here, value, place, edit.setting)


def _port(edit: Edit, names: Names) -> str | None:
    """Return the server's port for the mode that an edit names, if it is not shut."""
    mode = Security(edit.value.partition(":")[2])
    return next((str(port) for port, one in names.open_pairs() if one is mode), None)


def _host(settings: Settings) -> str | None:
    return settings.host.value if settings.host else None


def _of_security(mode: Security, settings: Settings, preset: Preset | None, names: Names) -> Iterator[Change]:
    port = settings.port.value if settings.port else None
    if not offers(preset, _host(settings), port, mode) or (
        settings.security and settings.security.value is mode
    ):
        return
    origin = settings.security.origin if settings.security else None
    if origin is not None and origin.kind in {"flag", "argument", "project"}:
        place = _place("security", origin, "", settings)
        if place is not None:
            yield Change(place.name, mode.value, place, "security")
        return
    if any("@" in name for name in names.written(mode)):
        return
    standing = {one.name: one for one in settings.switches}
    for name, value in names.written(mode).items():
        known = standing.get(name)
        if known is not None and (value_of(known.text) or "").lower() == value:
            continue
        place = _place("security", known, name, settings)
        if place is not None:
            yield Change(known.here if known is not None else name, value, place, "security")


def _place(name: SettingName, origin: Origin | None, variable: str, settings: Settings) -> Origin | None:
    """Return where a setting is to be written, None where there is no such place."""
    if origin is not None and origin.kind == "project":
        return None  # the doctor's own file: the application would not learn of it
    if origin is not None and origin.kind == "flag":
        if name not in _FLAGS or origin.name == "--url":
            return None
        return Origin("flag", f"--{name}")
    if origin is not None and origin.kind in {"environment", "argument"}:
        return origin
    if origin is not None and origin.kind == "file":
        return _standing_at(origin) if origin.path is not None else None  # None: from a log
    return _beside(variable, settings)


def _standing_at(origin: Origin) -> Origin | None:
    """Return a place with the name that stands there, None where it only hands on what another name holds.

    What an application reads as SMTP_PORT may be the MAIL_PORT of a `.env` that a Compose file puts in.
    """
    if not origin.variable:
        return origin
    return None if "$" in origin.text.partition("=")[2] else replace(origin, name=origin.variable)


def _beside(variable: str, settings: Settings) -> Origin | None:
    """Return where a missing variable belongs: where the other settings stand."""
    known = (settings.get(name) for name in ("port", "host", "username", "sender"))
    origins = [one.origin for one in known if one is not None]
    for origin in origins:
        if origin.kind == "file" and origin.line is not None:
            return Origin("file", variable, origin.through or origin.path)
    kinds = {origin.kind for origin in origins}
    return Origin("environment", variable) if "environment" in kinds else None


def _lines(change: Change) -> tuple[str, ...]:
    """Return the lines that give the variable its new value, in the syntax of the place."""
    return change.after if _is_tried(change) else (_line(change),)


def _is_tried(change: Change) -> bool:
    """Whether the lines of a change are known, before and after."""
    return bool(change.before or change.after)


def _line(change: Change) -> str:
    if change.origin.kind == "flag":
        return f"{change.name} {change.value}"
    if change.origin.kind == "file" and change.origin.line is None and change.setting == "password":
        return change.value  # a file that holds nothing but the secret
    try:
        if change.origin.text:
            edited = assigned(change.origin.text.rstrip("\r\n"), change.value)
            if edited is not None:
                return edited.strip("\r\n")
        return assignment(change.name, change.value)
    except UnwritableError:
        return f"{change.name}={change.value}"


def _standing(change: Change) -> list[str]:
    """Return the lines that a change replaces, with no secret in them."""
    if _is_tried(change):
        return list(change.before)
    text = change.origin.text.strip("\r\n")
    if not text:
        return []
    if change.setting == "password":
        text = masked(text, Secret.MASK) or f"{change.name}={Secret.MASK}"
    return text.splitlines()


def excerpts_of(changes: Iterable[Change]) -> tuple[Excerpt, ...]:
    """Return the lines of changes before and after, what stands together together."""
    hunks: list[list[Change]] = []
    # What is missing is added below what stands there.
    for change in sorted(
        filter(_is_env, changes), key=lambda one: (one.origin.path or "", one.origin.line or 1 << 30)
    ):
        before = hunks[-1][-1].origin if hunks else None
        if before is not None and _follows(change.origin, before):
            hunks[-1].append(change)
        else:
            hunks.append([change])
    return tuple(_excerpt(hunk) for hunk in hunks)


def _follows(origin: Origin, before: Origin) -> bool:
    if origin.kind != before.kind or origin.path != before.path:
        return False
    if origin.line is None or before.line is None:
        return True
    return origin.line == before.line + len(before.text.strip("\r\n").splitlines() or [""])


def _is_env(change: Change) -> bool:
    """Whether a change is of a line as `.env` has it, which alone is told as a line."""
    origin = change.origin
    if origin.kind != "file" or origin.text or _is_tried(change):
        return True
    return (
        "." not in change.name and re.search(r"(?:^|[/.\\_-])env(?:$|[._-])", origin.path or "") is not None
    )


def _excerpt(hunk: list[Change]) -> Excerpt:
    gone = [Line("-", text) for one in hunk for text in _standing(one)]
    return Excerpt(hunk[0].origin, (*gone, *(Line("+", text) for one in hunk for text in _lines(one))))
