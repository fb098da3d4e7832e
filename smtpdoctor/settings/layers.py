"""What follows from there being several sources of settings. Pure.

``with_overrides`` keeps what weaker sources said, ``overriding`` says where the environment has the
last word over a file, ``without_foreign_login`` keeps a login from a host that it was not given for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from smtpdoctor.knowledge.schema import App
from smtpdoctor.labels import Label
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.masking.words import printable_facts
from smtpdoctor.model import Evidence, Origin, Secret, Setting, SettingName, Stage
from smtpdoctor.settings.hosts import host_key, same_host
from smtpdoctor.settings.read import Layer, Variable

__all__ = ["host_beside", "overriding", "with_overrides", "without_foreign_login"]

_LOGIN: Final[tuple[SettingName, ...]] = ("username", "password")
View = Mapping[str, Setting[Any]]


def with_overrides(found: View, views: Sequence[View]) -> dict[str, Setting[Any]]:
    """Return the settings with what weaker sources said of each.

    ``views`` are the settings without the flags, without the strongest source, and so on.
    """
    return {name: replace(one, overrides=_overridden(name, one, views)) for name, one in found.items()}


def _overridden(name: str, setting: Setting[Any], views: Sequence[View]) -> tuple[Setting[Any], ...]:
    told: list[Setting[Any]] = []
    for view in views:
        other = view.get(name)
        if other is not None and not any(_alike(name, other.value, one.value) for one in (setting, *told)):
            told.append(other)
    return tuple(told)


def _alike(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a setting mean the same."""
    return same_host(one, other) if name == "host" else bool(one == other)


def overriding(app: App, layers: Sequence[Layer], given: frozenset[str]) -> Iterator[Evidence]:
    """Yield one piece of evidence where the environment says something else than a file.

    Of a setting that the command line gave nothing is said: nobody overlooks what he typed. A file
    that comes after another on the command line is meant to override it, too.
    """
    told = [one for one in _clashes(app, layers) if one[0] not in given]
    if not told:
        return
    setting, name, winner, other = told[0]
    shown = [(one, _text(part, strong), _text(part, weak), weak) for part, one, strong, weak in told]
    yield Evidence(
        stage=Stage.CONFIG,
        labels=frozenset({Label.OVERRIDDEN}),
        setting=setting,
        origin=winner.origin,
        facts=printable_facts(
            name=name,
            value=_text(setting, winner),
            other=_text(setting, other),
            place=str(other.origin),
            names=", ".join(one[0] for one in shown),
            told=", ".join(f"{name}={new} ({weak.origin}: {old})" for name, new, old, weak in shown),
        ),
    )


def _clashes(app: App, layers: Sequence[Layer]) -> Iterator[tuple[SettingName, str, Variable, Variable]]:
    """Yield each variable of the environment that a file knows with another meaning."""
    if not layers or layers[0].place != "environment":
        return
    names: list[tuple[SettingName, str]] = [
        (setting, name) for setting, names in app.variables.items() for name in names
    ]
    names += [("security", name) for name in app.flags]
    for setting, name in names:
        winner = layers[0].values.get(name)
        other = next((layer.values[name] for layer in layers[1:] if name in layer.values), None)
        if winner is None or other is None:
            continue
        if _meaning(app, setting, winner.text) != _meaning(app, setting, other.text):
            yield setting, name, winner, other


def _meaning(app: App, setting: SettingName, text: str) -> object:
    """Return what an application makes of a text."""
    bare = text.strip()
    if setting == "password":
        return text
    if setting == "security":
        word = bare.lower()
        return True if word in app.true else False if word in app.false else word
    if setting == "host":
        return host_key(bare)
    return bare.lstrip("0") if setting == "port" else bare


def _text(setting: SettingName, variable: Variable) -> str:
    """Return a value as it may be shown."""
    if setting == "password":
        return Secret.MASK if variable.text else ""
    return without_credentials(variable.text.strip())


def without_foreign_login(
    app: App, layers: Sequence[Layer], found: View, views: Sequence[View]
) -> tuple[dict[str, Setting[Any]], list[Evidence]]:
    """Take away a login that was given for another host than the one to be dialled, and say so.

    A login belongs to the host that its own source names, else to the one that the environment and
    the files name together. A host from the command line is the doctor's alone: the application never
    dials it, so the login of another one is not sent there. Where a stronger source names the host,
    the application itself would send the login there; that is reproduced, with a warning.
    """
    host = found.get("host")
    named = views[0].get("host") if views else None
    if host is None or named is None:
        return dict(found), []
    redirected = host.origin.kind in {"flag", "project"} and not same_host(host.value, named.value)
    dropped: list[SettingName] = []
    for name in _LOGIN:
        setting = found.get(name)
        if setting is None or setting.origin.kind not in {"environment", "file"}:
            continue
        own = host_beside(app, layers, name, setting) or named
        if same_host(own.value, host.value):
            continue
        if redirected:
            dropped.append(name)
            meant = own
        elif name == "password":
            return dict(found), [_about_login(app, Label.LOGIN_ELSEWHERE, found, [name], own)]
    if not dropped:
        return dict(found), []
    left = {name: one for name, one in found.items() if name not in dropped}
    return left, [_about_login(app, Label.OTHER_HOST, found, dropped, meant)]


def host_beside(
    app: App, layers: Sequence[Layer], name: SettingName, setting: Setting[Any]
) -> Setting[str] | None:
    """Return the host that stands in the source of a setting."""
    for layer in layers:
        variables = [layer.values[one] for one in app.variables.get(name, ()) if one in layer.values]
        if any(one.origin == setting.origin for one in variables):
            hosts = [layer.values[one] for one in app.variables.get("host", ()) if one in layer.values]
            found = next((one for one in hosts if one.text.strip()), None)
            return Setting(without_credentials(found.text.strip()), found.origin) if found else None
    return None


def _named(origin: Origin) -> str:
    """Return what to leave out: a flag, or a key with its place in the project's file."""
    return f"{origin.name} ({origin})" if origin.kind == "project" else origin.name


def _about_login(
    app: App, label: Label, found: View, names: Sequence[SettingName], meant: Setting[str]
) -> Evidence:
    setting = names[-1]
    host = found["host"]
    variables = [app.variables.get(name, (name,))[0] for name in names]
    return Evidence(
        stage=Stage.CONFIG,
        labels=frozenset({label}),
        setting=setting,
        origin=found[setting].origin,
        facts=printable_facts(
            name=variables[-1],
            names=", ".join(variables),
            host=host.value.strip(),
            flag=_named(host.origin),
            other=meant.value,
            place=str(meant.origin),
        ),
    )
