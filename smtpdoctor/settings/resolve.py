"""Variables, flags and presets → Settings. Pure: nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.errors import UsageError
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import App, Endpoint, Preset
from smtpdoctor.labels import Label
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.masking.words import printable_facts
from smtpdoctor.model import (
    SETTING_NAMES,
    Evidence,
    Message,
    Origin,
    Secret,
    Security,
    Setting,
    SettingName,
    Settings,
    Stage,
)
from smtpdoctor.settings.hosts import host_key, meant_host
from smtpdoctor.settings.read import Layer, Variable, Variables

if TYPE_CHECKING:
    from smtpdoctor.settings.target import Conduct

__all__ = [
    "Flags",
    "Loaded",
    "detect_app",
    "endpoint_of",
    "from_flags",
    "port_in",
    "port_or_none",
    "preset_at",
    "preset_named",
    "preset_of_host",
    "resolve",
    "secrets_in",
    "told_of",
]

T = TypeVar("T")

_URL_SECURITY: Final[Mapping[str, Security | None]] = {
    "smtp": None,  # by port, as most libraries do
    "smtps": Security.TLS,
    "submissions": Security.TLS,
    "submission": Security.STARTTLS,
    "smtp+starttls": Security.STARTTLS,
    "smtp+opportunistic": Security.OPPORTUNISTIC,
    "smtp+plain": Security.NONE,
}
IMPLICIT_TLS_PORTS: Final = frozenset({465, 2465})
STARTTLS_PORTS: Final = frozenset({587, 2587, 2525})
_DEFAULT: Final = Origin("default", "default")
_PORT_DIGITS: Final = 5
# What a host consists of that has nothing around it: there are no credentials in one.
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
# Who gives a host so, leaves the rest to be completed; an application would not.
_DELIBERATE: Final = frozenset({"flag", "argument", "project"})
# Who is the doctor's alone: the application learns nothing of these.
_OURS: Final = frozenset({"flag", "project"})


class Flags(Struct, frozen=True, kw_only=True):
    """What the command line gave, or the project's file for it; None where they gave nothing.

    ``origins`` says where a value stands that was not typed, by its name, ``preset`` among them.
    """

    preset: str | None = None
    app: str | None = None
    url: str | None = None
    host: str | None = None
    port: int | None = None
    security: Security | None = None
    username: str | None = None
    password: Setting[Secret] | None = None
    sender: str | None = None
    ehlo: str | None = None
    recipient: str | None = None
    origins: Mapping[str, Origin] = {}


class Loaded(Struct, frozen=True):
    """Settings, and what could not be made a setting of.

    ``secrets`` is what no report may show though it is no setting: passwords that another one has
    overridden, or that belong to another host, and what may be one where a port or a switch belongs.
    ``unknown`` are the settings that have a value which cannot be known from here. ``judged`` is what the
    application does with them in a sentence, where its dialect has judged what is missing and who logs in, and
    ``mode_at`` where its mode is to be changed, None where only another port would do. ``login_host`` is the
    host that stands where the password stands, whatever host is dialled, and
    ``conduct`` what it does besides.
    """

    settings: Settings
    evidence: tuple[Evidence, ...]
    secrets: tuple[Secret, ...] = ()
    unknown: frozenset[SettingName] = frozenset()
    judged: Message | None = None
    mode_at: Origin | None = None
    login_host: str | None = None
    conduct: Conduct | None = None


def preset_of_host(host: str) -> Preset | None:
    """Return the preset that a host name belongs to."""
    return load.preset_with_id(load.names().of_host(host if host.isascii() else host_key(host)))


def preset_at(host: str, username: str | None) -> Preset | None:
    """Return the preset whose rules hold for a login at a host.

    That is the host's own but for accounts of another service that log in there too: a private address
    of Microsoft's at the server for companies.
    """
    if username and (other := load.names().domains.get(username.strip().rpartition("@")[2].lower())):
        private = load.preset_with_id(other)
        if private is not None and host_key(host) in private.shared_hosts:
            return private
    return preset_of_host(host)


def endpoint_of(
    preset: Preset, port: int | None, security: Security | None, host: str | None = None
) -> Endpoint | None:
    """Return the endpoint of a preset that fits what is known, the recommended one where nothing is."""
    for endpoint in preset.endpoint if host is None else preset.endpoints_at(host):
        if host is None and endpoint.host and "*" in endpoint.host:
            continue  # which host that is only its owner knows
        if port not in (None, endpoint.port):
            continue
        if security is not None and not _compatible(security, endpoint.security):
            continue
        return endpoint
    return None


def _compatible(wanted: Security, offered: Security) -> bool:
    return (wanted is Security.TLS) == (offered is Security.TLS)


def detect_app(names: Mapping[str, object]) -> str:
    """Return the application whose variables these are: the one with the most of its own."""
    counts = {app.id: sum(name in names for name in app.detect) for app in load.apps().values()}
    best = max(counts.values(), default=0)
    if best == 0 or counts.get("smtp", 0) == best:
        return "smtp"
    return next(name for name, count in counts.items() if count == best)


def _from_url(url: str) -> dict[str, Any]:
    """Take an SMTP URL apart; raises UsageError that never shows the password."""
    origin = Origin("flag", "--url")
    scheme = url.partition(":")[0].lower()
    if scheme not in _URL_SECURITY or "://" not in url:
        shown = scheme if "://" in url else "?"
        raise UsageError(Message("usage.url.scheme", {"scheme": shown, "known": ", ".join(_URL_SECURITY)}))
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError:
        # The cause would show a part of the password in a traceback.
        raise UsageError(Message("usage.url.broken")) from None
    if not host or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(Message("usage.url.broken"))
    security = _URL_SECURITY[scheme]
    if port is None:
        port = 465 if security is Security.TLS else 587
    found: dict[str, Any] = {"host": Setting(host, origin), "port": Setting(port, origin)}
    if security is not None:
        found["security"] = Setting(security, origin)
    if parts.username:
        found["username"] = Setting(unquote(parts.username), origin)
    if parts.password:
        found["password"] = Setting(Secret(unquote(parts.password)), origin)
    return found


def from_flags(flags: Flags) -> dict[str, Any]:
    """Return the settings that the command line gave."""
    found = _from_url(flags.url) if flags.url else {}
    for name in ("host", "port", "security", "username", "sender", "ehlo"):
        value = getattr(flags, name)
        if value is not None:
            found[name] = Setting(value, flags.origins.get(name) or Origin("flag", f"--{name}"))
    if flags.password is not None:
        found["password"] = flags.password
    if flags.recipient is not None:
        found["recipient"] = Setting(flags.recipient, flags.origins.get("to") or Origin("flag", "--to"))
    return found


def _port(variable: Variable, evidence: list[Evidence]) -> Setting[int] | None:
    text = variable.text.strip()
    if not text:
        evidence.append(_config(Label.EMPTY, "port", variable))
        return None
    number = port_in(text)
    if isinstance(number, Label):
        evidence.append(_config(number, "port", variable, **told_of(text)))
        return None
    return Setting(number, variable.origin)


def port_in(text: str) -> int | Label:
    """Return the port that a text without blanks around it is, or what is wrong with it (RFC 9293)."""
    if not (text.isascii() and text.isdigit()):
        return Label.NOT_A_NUMBER
    plain = text.lstrip("0")
    return int(plain) if 0 < len(plain) <= 5 and int(plain) < 65_536 else Label.OUT_OF_RANGE  # noqa: PLR2004


def port_or_none(text: str) -> int | None:
    """Return the port that a text without blanks around it is, None where it is none."""
    port = port_in(text)
    return port if isinstance(port, int) else None


def told_of(text: str) -> dict[str, str]:
    """Return the facts about a value that is none: the whole of it, or its length where it may be a secret."""
    from smtpdoctor.masking.guess import is_harmless

    return {"value": text} if is_harmless(text) else {"length": str(len(text))}


def _config(label: Label, setting: SettingName, variable: Variable, **facts: str) -> Evidence:
    return Evidence(
        stage=Stage.CONFIG,
        labels=frozenset({label}),
        setting=setting,
        origin=variable.origin,
        facts=printable_facts(name=variable.origin.name, **facts),
    )


def _security(
    app: App, variables: Variables, port: int | None, evidence: list[Evidence]
) -> Setting[Security] | None:
    """Translate an application's own flags by its truth table."""
    states: dict[str, str] = {}
    for name in app.flags:
        variable = variables.values.get(name)
        text = variable.text.strip() if variable else ""
        lowered = text.lower()
        if not text:
            states[name] = "absent"
        elif lowered in app.true:
            states[name] = "true"
        elif lowered in app.false:
            states[name] = "false"
        else:
            states[name] = f"word:{lowered}"
    words = {value for row in app.security for value in row.when.values() if isinstance(value, str)}
    for name, state in states.items():
        if state.startswith("word:") and state not in words:
            variable = variables.values[name]
            evidence.append(_config(Label.NOT_A_BOOLEAN, "security", variable, **told_of(variable.text)))
    for row in app.security:
        holds = all(
            (port in wanted if isinstance(wanted, tuple) else states.get(name) == wanted)
            for name, wanted in row.when.items()
        )
        if holds:
            decided = variables.values.get(row.decided_by or "")
            return Setting(row.mode, decided.origin if decided else _DEFAULT)
    return None


def _from_variables(
    app: App, variables: Variables, flags: Mapping[str, Any], evidence: list[Evidence]
) -> dict[str, Any]:
    """Return what the variables add to the flags; one that a flag overrides is not looked at."""
    found: dict[str, Any] = {}
    port = flags["port"].value if "port" in flags else None
    for setting, names in app.variables.items():
        if setting in flags:
            continue
        variable = next((variables.values[name] for name in names if name in variables.values), None)
        if variable is None:
            continue
        if setting == "port":
            parsed = _port(variable, evidence)
            if parsed:
                found["port"] = parsed
                port = parsed.value
        elif setting == "password":
            if variable.text:
                found["password"] = Setting(Secret(variable.text), variable.origin)
        elif variable.text.strip():
            # A whole URL where a host belongs: its password must not travel on as part of a name.
            text = without_credentials(variable.text) if setting == "host" else variable.text
            found[setting] = Setting(text, variable.origin)
        elif setting in app.required:
            evidence.append(_config(Label.EMPTY, setting, variable))
    if "security" not in flags and (security := _security(app, variables, port, evidence)):
        found["security"] = security
    return found


def preset_named(name: str) -> Preset:
    """Return the preset of that id or alias; raises UsageError that offers the nearest name."""
    preset = load.preset(name)
    if preset is None:
        from difflib import get_close_matches

        known = sorted({*load.presets(), *(a for p in load.presets().values() for a in p.aliases)})
        meant = meant_host(name, load.names()) if "@" not in name else None
        preset = preset_of_host(meant) if meant is not None else None
        domain = name.lower().rpartition("@")[2]
        near = [preset.id] if preset is not None else []
        if not near and "." in domain:  # an address, or its domain, with a slip in it
            near = get_close_matches(domain, load.names().domains, 1, 0.85)
        near = near or get_close_matches(name.lower(), known, 1, 0.6)
        hint = Message("usage.preset.near", {"name": near[0]}) if near else Message("usage.preset.list")
        raise UsageError(Message("usage.preset.unknown", {"name": name}), hint)
    return preset


def _app_named(name: str) -> App:
    app = load.app(name)
    if app is None:
        from smtpdoctor.settings.identify import unknown_app

        raise unknown_app(name)
    return app


def _fill_from_preset(found: dict[str, Any], preset: Preset, *, named: bool) -> None:
    """Add what the preset knows and nothing stronger said.

    A preset that the user named gives everything; one recognised by its host only completes what
    the command line left out, since an application would not know it either.
    """
    origin = Origin("preset", preset.id)
    port = found["port"].value if "port" in found else None
    security = found["security"].value if "security" in found else None
    host = host_key(found["host"].value) if "host" in found else None
    endpoint = endpoint_of(preset, port, security, host) or endpoint_of(preset, port, None, host)
    if named and "host" not in found:
        found["host"] = Setting((endpoint and endpoint.host) or preset.host, origin)
    if endpoint is not None:
        if "port" not in found and (named or found["host"].origin.kind in _DELIBERATE):
            found["port"] = Setting(endpoint.port, origin)
        if "security" not in found and "port" in found:
            found["security"] = Setting(endpoint.security, origin)
    if named and "username" not in found and preset.username.form == "literal":
        found["username"] = Setting(cast("str", preset.username.value), origin)


def _defaults(found: dict[str, Any]) -> None:
    """Add what follows from the rest: the usual port, and the usual security of a port (RFC 8314)."""
    if "port" not in found and "host" in found and found["host"].origin.kind in _DELIBERATE:
        implicit = "security" in found and found["security"].value is Security.TLS
        found["port"] = Setting(465 if implicit else 587, _DEFAULT)
    if "security" not in found and "port" in found:
        port = found["port"].value
        if port in IMPLICIT_TLS_PORTS:
            mode = Security.TLS
        elif port in STARTTLS_PORTS:
            mode = Security.STARTTLS
        else:
            mode = Security.OPPORTUNISTIC
        found["security"] = Setting(mode, _DEFAULT)


def _views(app: App, layers: Sequence[Layer]) -> list[dict[str, Setting[Any]]]:
    """Return the settings that the sources alone give: all of them, all but the strongest, and so on."""
    views: list[dict[str, Setting[Any]]] = []
    merged: dict[str, Variable] = {}
    for layer in reversed(layers):
        merged = {**merged, **layer.values}
        view = _from_variables(app, Variables(merged), {}, [])
        views.insert(0, view)
    return views


def _compared(
    app: App, layers: Sequence[Layer], found: dict[str, Setting[Any]]
) -> tuple[dict[str, Setting[Any]], list[Evidence]]:
    """Hold the sources against each other: what overrides what, and whose login it is."""
    if not layers:
        return found, []
    from smtpdoctor.settings.layers import overriding, with_overrides, without_foreign_login

    views = _views(app, layers)
    given = frozenset(name for name, one in found.items() if one.origin.kind in _OURS)
    left, remarks = without_foreign_login(app, layers, with_overrides(found, views), views)
    return left, [*remarks, *overriding(app, layers, given)]


def _refuse_elsewhere(preset: Preset, host: Setting[str]) -> None:
    """Raise UsageError where variables lead to a host that is not known as the named preset's.

    Who names both on the command line knows that the host is the provider's; a file that happens to
    lie there says nothing of the kind.
    """
    name = host_key(host.value)
    if host.origin.kind in _OURS or load.names().of_host(name) == preset.id or name in preset.shared_hosts:
        return
    if preset.kind == "own":
        return  # under whatever name
    if preset.kind == "local" and ("." not in name or name == host_key(preset.host)):
        return  # a sink in another container, or here
    values: dict[str, object] = {"preset": preset.id, "host": host.value, "place": str(host.origin)}
    raise UsageError(
        Message("usage.contradiction.preset-host", values),
        Message("usage.contradiction.preset-host.how", {**values, "host": name}),
    )


def _about_setting(evidence: Evidence, app: App, found: Mapping[str, Any]) -> Evidence:
    """Return evidence about a line with the setting that the line would have been.

    A line that cannot be read and that another source has a value for is no setting's fault.
    """
    if evidence.setting is not None or evidence.origin is None:
        return evidence
    name = evidence.origin.name.removesuffix("_FILE")
    of_app = (setting for setting, names in app.variables.items() if name in names)
    setting = next(of_app, "security" if name in app.flags else None)
    # Of the flags that secure the connection each counts.
    lost = Label.BAD_LINE in evidence.labels and (setting == "security" or setting not in found)
    if setting is not None and (lost or Label.CONTRADICTION in evidence.labels):
        return replace(evidence, setting=setting)
    return evidence


def resolve(flags: Flags, variables: Variables) -> Loaded:
    """Merge everything, strongest first: flags, variables, preset, defaults. Raises UsageError."""
    evidence = list(variables.evidence)
    found = from_flags(flags)
    app = _app_named(flags.app or detect_app(variables.values))
    found |= _from_variables(app, variables, found, evidence)
    if "host" in found and found["host"].origin.kind in _OURS:
        found["host"] = replace(found["host"], value=without_credentials(found["host"].value))
    found, remarks = _compared(app, variables.layers, found)
    evidence = [_about_setting(one, app, found) for one in (*evidence, *remarks)]
    named = preset_named(flags.preset) if flags.preset else None
    preset = named
    if "host" in found:
        preset = preset_at(found["host"].value, _username(found)) or named
        if named and host_key(found["host"].value) in named.shared_hosts:
            preset = named  # who names it knows whose account it is
        if named and preset and preset.id != named.id:
            raise UsageError(
                Message(
                    "usage.contradiction.preset",
                    {
                        "preset": named.id,
                        "host": found["host"].value,
                        "place": str(found["host"].origin),
                        "other": preset.id,
                    },
                )
            )
        if named and named is preset:
            _refuse_elsewhere(named, found["host"])
    if preset is not None:
        _fill_from_preset(found, preset, named=named is not None)
    _defaults(found)
    if any(layer.others for layer in variables.layers):
        from smtpdoctor.settings.names import unread

        evidence += unread(app, variables.layers, found)
    switches = tuple(variables.values[name].origin for name in app.flags if name in variables.values)
    given: dict[str, Any] = dict(found)
    settings = Settings(**given, preset=preset.id if preset else None, app=app.id, switches=switches)
    return Loaded(
        settings,
        tuple(evidence),
        tuple(map(Secret, dict.fromkeys(filter(None, _secrets(flags, app, variables))))),
        login_host=_login_host(app, variables.layers, found) if flags.origins else None,
    )


def _login_host(app: App, layers: Sequence[Layer], found: Mapping[str, Any]) -> str | None:
    """Return the host that stands in the source of the password."""
    from smtpdoctor.settings.layers import host_beside

    own = host_beside(app, layers, "password", found["password"]) if "password" in found else None
    return own.value if own is not None else None


def _secrets(flags: Flags, app: App, variables: Variables) -> Iterator[str]:
    """Yield what no report may show, whether or not it became a setting.

    What stands where a port, a switch or a cipher belongs and is none of them was perhaps meant for
    another place, and so are the login and the query of a URL where a host belongs.
    """
    yield from secrets_in(variables)
    usual = {*app.true, *app.false, ""}
    odd: list[tuple[str, str]] = [("host", text) for text in (flags.url, flags.host) if text]
    for setting in ("port", "cipher", "host", "sender"):
        odd += [(setting, text) for text in _texts(variables, app.variables.get(setting, ()))]
    odd += [("flag", text) for text in _texts(variables, app.flags) if text.lower() not in usual]
    odd = [(setting, text) for setting, text in dict.fromkeys(odd) if not _is_usual(setting, text)]
    if not odd:
        return
    from smtpdoctor.masking.guess import credentials_in, is_harmless, looks_random

    for setting, text in odd:
        if setting == "host":
            yield from credentials_in(text)
        elif setting == "sender":
            yield from (text,) if looks_random(text) else ()
        elif not is_harmless(text):
            yield text


def _texts(variables: Variables, names: Iterable[str]) -> Iterator[str]:
    for values in _said(variables):
        yield from (values[name].text.strip() for name in names if name in values)


def _is_usual(setting: str, text: str) -> bool:
    """Whether a value has the form of most of its kind, and so is nothing that belongs elsewhere."""
    match setting:
        case "host":
            return _NAME.issuperset(text)
        case "port":
            return text.isascii() and text.isdigit() and len(text) <= _PORT_DIGITS
        case "sender":
            return "@" in text
        case _:
            return False


def secrets_in(variables: Variables) -> Iterator[str]:
    """Yield every password that the sources give, also those that others override."""
    names = {name for app in load.apps().values() for name in app.variables.get("password", ())}
    for values in _said(variables):
        for name in names & values.keys():
            text = values[name].text
            yield from (text, text.strip())


def _said(variables: Variables) -> Iterator[Mapping[str, Variable]]:
    yield variables.values
    yield from (layer.values for layer in variables.layers)


def _username(found: Mapping[str, Any]) -> str | None:
    return found["username"].value if "username" in found else None


def completed(settings: Settings) -> Settings:
    """Return settings with what follows from them: the host's preset, its port and mode, the usual ones.

    Raises UsageError for a preset that does not exist.
    """
    found: dict[str, Any] = {
        name: setting for name in SETTING_NAMES if (setting := settings.get(name)) is not None
    }
    named = preset_named(settings.preset) if settings.preset else None
    preset = preset_at(found["host"].value, _username(found)) if "host" in found else None
    preset = preset or named
    if preset is not None:
        _fill_from_preset(found, preset, named=named is not None)
    _defaults(found)
    return Settings(**found, preset=preset.id if preset else None, app=settings.app)


def with_recipient(settings: Settings, recipient: str) -> Settings:
    """Return the settings with a recipient for the test message."""
    return replace(settings, recipient=Setting(recipient, Origin("flag", "--to")))
