"""What to write for an application that sends through a provider: settings and mode in the application's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from smtpdoctor.errors import UsageError
from smtpdoctor.formats.document import Kind
from smtpdoctor.generate.kinds import FileKind, kinds_of
from smtpdoctor.generate.plan import Plan, Value, Variable, Wish, endpoints_for, host_for, values_for
from smtpdoctor.generate.spelling import Spelled, form_of, spelled, words_for
from smtpdoctor.knowledge.dialects import Dialect, Form
from smtpdoctor.knowledge.schema import App, Endpoint, Preset
from smtpdoctor.model import Message, Security, SettingName

__all__ = ["Planner", "kind_for", "modes_of", "plan_in", "planner_for", "unsayable"]

Planner = Callable[[Mapping[str, str]], Plan]
"""The words of flags that stand in a file → what is to be written into it."""


_ORDER: Final = (Security.TLS, Security.STARTTLS, Security.OPPORTUNISTIC, Security.NONE)


def planner_for(dialect: Dialect, kind: FileKind, preset: Preset, wish: Wish) -> Planner:
    """Return what plans a file for an application that sends through a provider; raises UsageError.

    Of the provider's endpoints it is the first that the application can use.
    """

    def plan(have: Mapping[str, str]) -> Plan:
        for steady in (True, False):
            for endpoint in _unique(endpoints_for(preset, wish)):
                host = host_for(preset, endpoint, wish)
                values = values_for(preset, wish, host, endpoint.port)
                found = plan_in(dialect, kind, preset, wish, values, endpoint.security, have, steady=steady)
                if found is not None:
                    _refuse_unsaid(dialect, kind, found, wish)
                    return found
        raise _unable(dialect, kind, preset, wish)

    return plan


def plan_in(
    dialect: Dialect,
    kind: FileKind,
    preset: Preset,
    wish: Wish,
    values: Mapping[SettingName, Value],
    security: Security,
    have: Mapping[str, str],
    *,
    steady: bool = True,
) -> Plan | None:
    """Return what to write for a mode, None where the application cannot say it in this kind of file."""
    form = form_of(dialect, kind.name)
    settings = {name: one.text for name, one in values.items() if name in dialect.keys or name == "username"}
    if form.text:
        found = _of_text(dialect, form, settings, security, steady=steady)
    else:
        found = spelled(dialect, form, kind.shape, settings, security, have=have, steady=steady)
    if found is None:
        return None
    variables = tuple(_variable(dialect, one, values) for one in found)
    host, port = values["host"].text, int(values["port"].text)
    names: dict[SettingName, tuple[str, ...]] = {}
    for setting, key in dialect.keys.items():
        names[setting] = key.names if setting in {"host", "username", "sender"} else ()
    for one in variables:
        if one.parts:  # its parts have names of their own
            continue
        names[one.setting] = (*one.names, *names.get(one.setting, ()))
    app = App(
        name=dialect.name, variables=names, required=(), true=(), false=(), security=(), write={},
        sources=dialect.sources, id=dialect.id,
    )  # fmt: skip
    return Plan(
        preset=preset,
        app=app,
        host=host,
        port=port,
        security=security,
        variables=variables,
        service=wish.service,
        asked=form.asked,
    )


def _variable(dialect: Dialect, one: Spelled, values: Mapping[SettingName, Value]) -> Variable:
    of = [values[name] for name in one.parts or (one.setting,) if name in values]
    flag = dialect.flags.get(one.flag)
    groups = tuple(flag.states.values()) if flag is not None and not flag.exact else ()
    mine = not one.flag and one.setting != "security"
    login = [value for value in of if value.yields]
    whole = mine and (len(login) == len(of) if not one.parts else False)
    return Variable(
        setting=one.setting,
        names=one.names,
        value=one.value,
        yields=whole and one.setting in {"username", "password", "sender"} and bool(of),
        fill_in=mine and any(value.fill_in for value in of),
        secret=any(value.secret for value in of),
        truth=tuple(tuple(word.lower() for word in words) for words in groups),
        kind=one.kind,
        flag=one.flag,
        parts=one.parts,
    )


def _of_text(
    dialect: Dialect,
    form: Form,
    settings: Mapping[SettingName, str],
    security: Security,
    *,
    steady: bool = True,
) -> tuple[Spelled, ...] | None:
    """Return settings and words for a text that has its own places for them."""
    if "username" in settings and "username" not in dialect.keys:
        return None
    if any(key.required and setting not in settings for setting, key in dialect.keys.items()):
        return None
    words = words_for(dialect, form, settings, security, steady=steady)
    if words is None:
        return None
    there = _settings_in(form)
    found = [
        Spelled(
            (form.names.get(setting, setting),), value, setting, "number" if setting == "port" else "word"
        )
        for setting, value in settings.items()
        if setting in there
    ]
    if form.words and any(word and word not in form.words for word in words.values()):
        return None  # it has no word for that
    for name, word in words.items():
        if word:
            kind: Kind = "boolean" if word in {"true", "false"} else "word"
            found.append(Spelled((name,), word, "security", kind, flag=name))
    return tuple(found)


# What a form's text may hold that is made of settings.
_MADE_OF: Final[Mapping[str, tuple[SettingName, ...]]] = {
    "address": ("host", "port"),
    "both": ("username", "password"),
    "local": ("sender",),
    "url": ("host", "port"),
}


def _settings_in(form: Form) -> set[str]:
    """Return the settings that a form's text has a place for."""
    named = re.findall(r"@\{=?([a-z]+)\}", form.text)
    return {setting for name in named for setting in _MADE_OF.get(name, (name,))}


def modes_of(dialect: Dialect, kind: FileKind, settings: Mapping[SettingName, str]) -> list[Security]:
    """Return the modes that an application can be set to with these settings."""
    form = form_of(dialect, kind.name)
    able = []
    for mode in _ORDER:
        for port in dict.fromkeys((settings["port"], "465" if mode is Security.TLS else "587")):
            wanted = {**settings, "port": port}
            found = (
                _of_text(dialect, form, wanted, mode)
                if form.text
                else spelled(dialect, form, kind.shape, wanted, mode)
            )
            if found is not None:
                able.append(mode)
                break
    return able


def _refuse_unsaid(dialect: Dialect, kind: FileKind, plan: Plan, wish: Wish) -> None:
    """Raise UsageError for what was given and has no place in this kind of file."""
    given: dict[SettingName, object] = {
        "password": wish.password or wish.unprinted,
        "sender": wish.sender,
        "ehlo": wish.ehlo,
        "cipher": wish.cipher,
    }
    text = form_of(dialect, kind.name).text
    written = {part for one in plan.variables for part in (one.setting, *one.parts)}
    written |= {"sender"} if "@{domain}" in text else set()
    names = [name for name, value in given.items() if value and name not in written]
    if names:
        values: dict[str, object] = {"names": ", ".join(names), "app": dialect.id, "kind": kind.name}
        known = ", ".join(one.name for one in kinds_of(dialect) if one is not kind)
        hints = [Message("usage.generate.file.for", {"known": known})] if known else []
        raise UsageError(Message("usage.generate.unsaid", values), *hints)


def _unable(dialect: Dialect, kind: FileKind, preset: Preset, wish: Wish) -> UsageError:
    """Return why nothing can be written, with what can."""
    first = next(endpoints_for(preset, wish))
    values = values_for(preset, wish, host_for(preset, first, wish), first.port)
    settings = {name: one.text for name, one in values.items() if name in dialect.keys}
    said: dict[str, object] = {"app": dialect.id, "preset": preset.id, "security": first.security.value}
    if "username" in values and "username" not in dialect.keys:
        return UsageError(Message("usage.generate.login", said))
    modes = modes_of(dialect, kind, settings)
    asked = wish.security or first.security
    said |= {"security": asked.value, "known": ", ".join(mode.value for mode in modes) or "-"}
    others = replace(wish, security=None, port=None)
    fitting = [
        f"--set port={one.port} --security {one.security.value}"
        for one in _unique(endpoints_for(preset, others))
        if plan_in(
            dialect, kind, preset, others, values_for(preset, others, host_for(preset, one, others), one.port),
            one.security, {},
        )
        is not None
    ]  # fmt: skip
    hints = [Message("usage.generate.fits", {"endpoints": fitting[0]})] if fitting else []
    return UsageError(unsayable(said, values["port"].text), *hints)


def unsayable(said: Mapping[str, object], port: str) -> Message:
    """Return that an application cannot be set to a mode; where only its port stands in the way, so."""
    known = str(said["known"]).split(", ")
    if said["security"] in known:
        return Message("usage.generate.security.port", {**said, "port": port})
    return Message("usage.generate.security", said)


def _unique(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    seen = set()
    for one in endpoints:
        if (one.host, one.port, one.security) not in seen:
            seen.add((one.host, one.port, one.security))
            yield one


def kind_for(dialect: Dialect, name: str | None) -> FileKind:
    """Return the kind of file with a name, or the usual one; raises UsageError."""
    kinds = kinds_of(dialect)
    found = next((one for one in kinds if name in (None, one.name)), None)
    if found is None:
        values: dict[str, object] = {
            "app": dialect.id,
            "kind": name,
            "known": ", ".join(one.name for one in kinds),
        }
        raise UsageError(Message("usage.generate.kind", values))
    return found
