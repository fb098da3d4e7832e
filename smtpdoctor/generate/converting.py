"""The settings of one application in another one's words, and what gets lost on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.generate.application import reading_of
from smtpdoctor.generate.kinds import FileKind, kinds_of
from smtpdoctor.generate.plan import Plan, Value, Wish
from smtpdoctor.generate.planning import Planner, modes_of, plan_in, unsayable
from smtpdoctor.generate.spelling import form_of, names_of_key
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.model import Message, Security, SettingName
from smtpdoctor.settings.reading import Reading
from smtpdoctor.settings.resolve import Loaded

__all__ = ["Loss", "Request", "losses_of", "planner_of"]

_CARRIED: Final[tuple[SettingName, ...]] = (
    "host",
    "port",
    "username",
    "password",
    "sender",
    "ehlo",
    "cipher",
)
_NEEDED: Final[tuple[SettingName, ...]] = ("host", "port", "security")
_PLACEHOLDER: Final = "your-password"
_SENDER: Final = "your-address@your-domain.com"
_MOST_NAMES: Final = 8
# What comes nearest where a mode cannot be said; never less than what was asked but for STARTTLS that is not required.
_NEAREST: Final[Mapping[Security, tuple[Security, ...]]] = {
    Security.TLS: (),
    Security.STARTTLS: (Security.OPPORTUNISTIC,),
    Security.OPPORTUNISTIC: (Security.STARTTLS,),
    Security.NONE: (Security.OPPORTUNISTIC,),
}


class Request(Struct, frozen=True):
    """What is to be said in other words: the reading of a file, whose it is to be, and in which kind of file.

    ``with_password``: the password is to be written, and not a placeholder.
    """

    reading: Reading
    loaded: Loaded
    target: Dialect
    kind: FileKind
    with_password: bool = False


class Loss(Struct, frozen=True):
    """What cannot be said, or means something else; ``name`` is the setting."""

    name: str
    message: Message


def _values(request: Request) -> dict[SettingName, Value]:
    settings = request.loaded.settings
    values: dict[SettingName, Value] = {}
    for name in _CARRIED:
        one = settings.get(name)
        if one is None:
            continue
        if name == "password":
            secret = settings.password
            if secret is not None and request.with_password:
                values[name] = Value(secret.value.reveal(), secret=True)
                continue
            values[name] = Value(_PLACEHOLDER, yields=True, fill_in=True)
        else:
            values[name] = Value(str(one.value))
    if "username" in values and "password" not in values:
        values["password"] = Value(_PLACEHOLDER, yields=True, fill_in=True)
    if "username" not in values:
        values.pop("password", None)
    sender = request.target.keys.get("sender")
    if "sender" not in values and sender is not None and sender.required:
        values["sender"] = Value(_SENDER, yields=True, fill_in=True)
    return values


def planner_of(request: Request) -> Planner:
    """Return what plans the file; raises UsageError for settings that are not known or cannot be said."""
    settings = request.loaded.settings
    source, target = request.reading.dialect, request.target
    missing = [name for name in _NEEDED if settings.get(name) is None]
    if missing or settings.security is None:
        said: dict[str, object] = {"app": source.id, "names": ", ".join(missing)}
        raise UsageError(Message("usage.convert.unknown", said))
    mode = settings.security.value
    values = _values(request)
    preset = _preset(settings.preset)
    if "username" in values and "username" not in target.keys:
        raise UsageError(Message("usage.convert.login", {"app": target.id}))

    def plan(have: Mapping[str, str]) -> Plan:
        for steady in (True, False):
            for one in (mode, *_NEAREST[mode]):
                found = plan_in(target, request.kind, preset, Wish(), values, one, have, steady=steady)
                if found is not None:
                    return replace(found, converted_from=source.name)
        texts = {name: one.text for name, one in values.items() if name in target.keys}
        known = ", ".join(one.value for one in modes_of(target, request.kind, texts))
        said = {"app": target.id, "security": mode.value, "known": known or "-"}
        raise UsageError(unsayable(said, values["port"].text), *_fitting(request, preset, values))

    return plan


def _fitting(request: Request, preset: Preset, values: Mapping[SettingName, Value]) -> Iterator[Message]:
    """Yield how the application reaches the same provider at another port."""
    for one in preset.endpoints_at(values["host"].text) if not preset.anywhere else ():
        there = {**values, "port": Value(str(one.port))}
        if plan_in(request.target, request.kind, preset, Wish(), there, one.security, {}) is not None:
            command = f"smtpdoctor generate {preset.id} --app {request.target.id} --set port={one.port}"
            yield Message("usage.convert.fits", {"command": command})
            return


def _preset(name: str | None) -> Preset:
    preset = load.preset_with_id(name) or load.preset_with_id("own")
    assert preset is not None  # noqa: S101 -- it is one of ours
    return preset


def losses_of(request: Request, plan: Plan) -> list[Loss]:
    """Return what the new file does not say, or says in another way, the weightiest first."""
    found = [*_of_mode(request, plan), *_of_check(request, plan), *_of_settings(request, plan)]
    return [*found, *_of_values(request), *_of_others(request)]


def _names(request: Request, **more: object) -> dict[str, object]:
    return {"app": request.target.name, "source": request.reading.dialect.name, **more}


def _of_mode(request: Request, plan: Plan) -> Iterator[Loss]:
    security = request.loaded.settings.security
    if security is not None and security.value is not plan.security:
        key = f"convert.mode.{security.value.value}"
        yield Loss("security", Message(key, _names(request)))
        yield from _instead(request, plan)
    since = next((one.since for one in reversed(reading_of(request.target, plan).answers) if one.since), "")
    answers = {one.security for one in reading_of(request.target, plan).answers}
    if len(answers) > 1 and since:
        yield Loss("security", Message("convert.version", _names(request, version=since)))


def _instead(request: Request, plan: Plan) -> Iterator[Loss]:
    """Yield where the provider offers a connection that this application can insist on."""
    for one in plan.preset.endpoints_at(plan.host) if not plan.preset.anywhere else ():
        values = {**_values(request), "port": Value(str(one.port))}
        if one.security is Security.TLS and plan_in(
            request.target, request.kind, plan.preset, Wish(), values, one.security, {}
        ):
            said = _names(request, host=plan.host, port=one.port, preset=plan.preset.id, id=request.target.id)
            yield Loss("port", Message("convert.instead", said))
            return


def _of_check(request: Request, plan: Plan) -> Iterator[Loss]:
    before, after = request.reading.verifies, reading_of(request.target, plan).verifies
    if plan.security is Security.NONE or form_of(request.target, request.kind.name).text:
        return
    if before is not False and after is False:
        yield Loss("certificate", Message("convert.check.off", _names(request)))
    elif before is False and after is True:
        yield Loss("certificate", Message("convert.check.on", _names(request)))


def _of_settings(request: Request, plan: Plan) -> Iterator[Loss]:
    settings = request.loaded.settings
    written = {part for one in plan.variables for part in (one.setting, *one.parts)}
    for name in ("sender", "ehlo", "cipher"):
        one = settings.get(name)
        if one is None or name in written:
            continue
        if one.origin.kind == "default":
            continue
        key = request.target.keys.get(name)
        default = str(key.default) if key is not None and isinstance(key.default, str) else ""
        elsewhere = _elsewhere(request, name)
        said = _names(request, name=one.origin.name, default=default, kinds=", ".join(elsewhere))
        kind = "default" if default else "kinds" if elsewhere else name
        yield Loss(name, Message(f"convert.lost.{kind}", said))
    if settings.sender is None and "sender" in request.target.keys:
        own = request.target.keys["sender"]
        if own.default or own.required:
            yield Loss(
                "sender", Message("convert.no-sender", _names(request, default=str(own.default or "-")))
            )


def _elsewhere(request: Request, name: str) -> list[str]:
    """Return the kinds of files in which the application has a name for a setting."""
    found = []
    key = request.target.keys.get(name)  # type: ignore[call-overload] # any name may be asked for
    for kind in kinds_of(request.target):
        form = form_of(request.target, kind.name)
        if f"@{{{name}}}" in form.text or (
            not form.text and names_of_key(request.target, form, kind.shape, name, key)
        ):
            found.append(kind.name)
    return found


def _of_values(request: Request) -> Iterator[Loss]:
    for name in sorted(request.loaded.unknown):
        used = request.reading.used.get(name)
        at = used.at.name if used is not None and used.at is not None else name
        yield Loss(name, Message("convert.unknown", _names(request, name=at)))


def _of_others(request: Request) -> Iterator[Loss]:
    """Yield what stands beside the settings and is not carried over."""
    source = request.reading.dialect
    used = {one.at.name for one in request.reading.used.values() if one.at is not None}
    known = [
        one.name
        for one in request.reading.scope.assignments
        if one.value
        and one.name not in used
        and any(fnmatchcase(one.name, pattern) for pattern in source.known)
    ]
    names = list(dict.fromkeys(known))
    if names:
        shown = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
        yield Loss("others", Message("convert.others", _names(request, names=shown)))
