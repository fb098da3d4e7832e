"""What is to be written: a preset and the user's values → variables in the application's names.

Also how those meet the variables that stand in a file already (``decide``), which is the same for
every format. Pure: nothing is read or written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, cast

from smtpdoctor.errors import UsageError
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import App, Endpoint, Preset, Text
from smtpdoctor.model import Message, Secret, Security, SettingName
from smtpdoctor.settings.hosts import host_key, same_host
from smtpdoctor.settings.lint import fits_username, is_placeholder, is_placeholder_host
from smtpdoctor.settings.resolve import preset_of_host
from smtpdoctor.smtp.command import MailboxError, mailbox

if TYPE_CHECKING:
    from smtpdoctor.formats.document import Kind

__all__ = [
    "Decision",
    "Left",
    "Merged",
    "Plan",
    "Standing",
    "Value",
    "Variable",
    "Wish",
    "decide",
    "endpoints_for",
    "host_for",
    "host_in",
    "plan_for",
    "unwritable",
    "values_for",
]

_FILE_SUFFIX: Final = "_FILE"
_FALLBACK_PASSWORD: Final = "your-password"  # noqa: S105 -- a placeholder, recognised by lint
_FALLBACK_USERNAME: Final = "your-user-name"
_BY_LOGIN: Final = frozenset({"login-address", "login-or-alias"})  # the login is a good sender
_OWN_DOMAIN: Final = "your-domain.com"
_SINK_SENDER: Final = "noreply@example.com"
# A reference to another place, and what it falls back on.
_FALLBACK: Final = re.compile(r"\$\{\w+:?-(?P<text>[^${}]*)\}")
# Control characters, and what YAML takes for a line break or refuses (YAML 1.2, 5.1 and 5.4).
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_CALLED: Final[Mapping[str, str]] = {
    "\0": "nul",
    "\t": "tab",
    "\n": "line",
    "\r": "return",
    "\x85": "line",
    "\u2028": "line",
    "\u2029": "line",
    "\ufeff": "mark",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for; None where it left the choice to the preset.

    ``unprinted``: there is a password that the text must not hold, so a placeholder stands for it.
    """

    host: str | None = None
    port: int | None = None
    security: Security | None = None
    username: str | None = None
    sender: str | None = None
    cipher: str | None = None
    ehlo: str | None = None
    password: Secret | None = None
    unprinted: bool = False
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable to be written.

    ``names`` are the names that the application reads, the usual one first. ``yields`` gives way to
    whatever stands in the file; ``fill_in`` is a placeholder, ``secret`` a password that was given.
    ``truth`` are the groups of words that the application takes for the same (its true and false);
    ``kind`` is the type of the value where a syntax has types, ``flag`` the application's name for what it
    decides; ``parts`` are the settings that a value holds several of.
    """

    setting: SettingName
    names: tuple[str, ...]
    value: str = field(repr=False)
    yields: bool = False
    fill_in: bool = False
    secret: bool = False
    truth: tuple[tuple[str, ...], ...] = ()
    kind: Kind = "word"
    flag: str = ""
    parts: tuple[SettingName, ...] = ()

    @property
    def name(self) -> str:
        """The name to write where the file has none of them yet."""
        return self.names[0]

    def equals(self, text: str) -> bool:
        """Whether a text means the same to the application."""
        if self.value in {text, text.strip()}:
            return True
        words = {text.strip().lower(), self.value.lower()}
        return any(words <= set(group) for group in self.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All variables of one application for one provider, in the order to write them.

    ``unwanted`` are flags of the application that would change how the connection is secured, ``asked`` the
    names of what is no setting of mail and has to be filled in besides. ``converted_from`` is the application
    whose settings these were.
    """

    preset: Preset
    app: App
    host: str
    port: int
    security: Security
    variables: tuple[Variable, ...]
    unwanted: tuple[str, ...] = ()
    service: str | None = None
    asked: tuple[str, ...] = ()
    converted_from: Text | None = None

    @property
    def owned(self) -> frozenset[str]:
        """Every name that this plan is about."""
        names = {name for variable in self.variables for name in variable.names}
        return frozenset(names | {name + _FILE_SUFFIX for name in names} | set(self.unwanted))

    @property
    def to_fill_in(self) -> tuple[str, ...]:
        """The names whose values are placeholders."""
        return (*(one.name for one in self.variables if one.fill_in), *self.asked)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a file: a text, a ``reference`` to another place, or a name passed ``through``."""

    text: str = field(repr=False)
    kind: Literal["text", "reference", "through"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What becomes of a login that stands in a file and was not given for this provider.

    ``reset`` are the names whose values gave way, ``doubtful`` those that stay though they may be
    another provider's; ``owner`` is that provider, or its host.
    """

    reset: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    owner: Text | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to a file: values to put in place, variables to add, names to leave alone."""

    edits: Mapping[str, str] = field(repr=False)
    additions: tuple[Variable, ...]
    unchanged: tuple[str, ...]
    to_fill_in: tuple[str, ...]
    left: Left = field(default_factory=Left)

    @property
    def values(self) -> Mapping[str, str]:
        """What is written."""
        return {**self.edits, **{one.name: one.value for one in self.additions}}

    @property
    def written(self) -> tuple[str, ...]:
        """The names that change."""
        return tuple(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The new text of a file, and what became of each variable (names only).

    ``values`` is what must be read in it, ``renewed`` that it changed, be it only in its comments. ``secrets``
    are names whose values a Secret outside the file has to have, each with its name.
    """

    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    to_fill_in: tuple[str, ...]
    left: Left = field(default_factory=Left)
    renewed: bool = False
    secrets: tuple[tuple[str, str], ...] = ()


def unwritable(value: str) -> Message | str | None:
    """Return what no format can hold: a line break or another control character."""
    found = _CONTROL.search(value)
    return character(found[0]) if found else None


def character(text: str) -> Message | str:
    """Return what to call a character that a value cannot be written with."""
    if not _CONTROL.fullmatch(text):
        return text
    kind = _CALLED.get(text, "surrogate" if "\ud800" <= text <= "\udfff" else "control")
    return Message(f"generate.what.{kind}", {"code": f"U+{ord(text):04X}"})


def _endpoints(preset: Preset) -> str:
    shown = (
        f"{one.port} {one.security.value}" + (f" ({one.host})" if one.host else "") for one in preset.endpoint
    )
    return ", ".join(shown)


def _endpoint(preset: Preset, wish: Wish) -> Endpoint:
    """Return the endpoint that fits, the recommended one first; raises UsageError naming the others."""
    if preset.anywhere:
        # A server of one's own listens where its owner put it, with a certificate or without.
        fitting = [one for one in preset.endpoint if wish.port in (None, one.port)]
        known = next((one for one in fitting if wish.security in (None, one.security)), None)
        usual = Security.NONE if preset.kind == "local" else Security.STARTTLS
        port = wish.port or (known or preset.endpoint[0]).port
        return Endpoint(port, wish.security or (known.security if known else usual))
    for one in preset.endpoint if wish.host is None else preset.endpoints_at(wish.host):
        if wish.port not in (None, one.port) or (wish.host is None and one.host and "*" in one.host):
            continue
        if wish.security in (None, one.security):
            return one
        if wish.security is Security.OPPORTUNISTIC and one.security is Security.STARTTLS:
            return Endpoint(one.port, Security.OPPORTUNISTIC, one.host, one.note)
    asked = " ".join(str(one) for one in (wish.host, wish.port, wish.security) if one is not None)
    values: dict[str, object] = {"preset": preset.id, "asked": asked, "offered": _endpoints(preset)}
    raise UsageError(Message("usage.generate.endpoint", values))


def endpoints_for(preset: Preset, wish: Wish) -> Iterator[Endpoint]:
    """Yield the endpoints that fit, the recommended one first, and those that are less safe last.

    Raises UsageError where there is none.
    """
    yield _endpoint(preset, wish)
    asked = any((wish.host, wish.port, wish.security))
    offered = preset.endpoint if wish.host is None else preset.endpoints_at(wish.host)
    fitting = [
        one
        for one in offered
        if wish.port in (None, one.port)
        and wish.security in (None, one.security)
        and not (wish.host is None and one.host and "*" in one.host)
        # A relay that takes no login knows its clients by their address: nobody is put there unasked.
        and (asked or preset.needs_login(one.host or preset.host) == preset.needs_login(preset.host))
    ]
    yield from (one for one in fitting if one.security is not Security.NONE)
    if wish.security is not None:
        return
    starttls = [one for one in fitting if one.security is Security.STARTTLS]
    yield from (Endpoint(one.port, Security.OPPORTUNISTIC, one.host, one.note) for one in starttls)
    if preset.anywhere:
        port = wish.port or preset.endpoint[0].port
        yield from (
            Endpoint(port, mode) for mode in (Security.STARTTLS, Security.OPPORTUNISTIC, Security.NONE)
        )
    yield from (one for one in fitting if one.security is Security.NONE)


def host_for(preset: Preset, endpoint: Endpoint, wish: Wish) -> str:
    """Return the host of an endpoint, or the one that was asked for; raises UsageError for another provider's."""
    if wish.host is None:
        return endpoint.host or preset.host
    other = preset_of_host(wish.host)
    if other is not None and other.id != preset.id:
        values = {"preset": preset.id, "host": wish.host, "other": other.id}
        raise UsageError(Message("usage.contradiction.set-host", values))
    return wish.host


def _address(preset: Preset) -> str:
    """Return the placeholder of an address at the provider."""
    return f"your-address@{preset.mail_domains[0] if preset.mail_domains else _OWN_DOMAIN}"


def _password(preset: Preset) -> str:
    example = preset.password.example
    return example if is_placeholder(example) else _FALLBACK_PASSWORD


@cache
def _own_placeholders() -> frozenset[str]:
    """Return the placeholders that any preset leads to: nobody's values, so they may be replaced."""
    found = {_FALLBACK_PASSWORD, _FALLBACK_USERNAME}
    for preset in load.presets().values():
        found |= {_address(preset), _password(preset)}
    return frozenset(found)


def _checked_sender(text: str) -> str:
    try:
        mailbox(text)
    except MailboxError as error:
        values: dict[str, object] = {
            "flag": "--set sender",
            "value": text,
            "expected": Message("usage.set.sender"),
        }
        raise UsageError(Message("usage.value", values)) from error
    return text


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is to be; the marks are those of ``Variable``."""

    text: str = field(repr=False)
    yields: bool = False
    fill_in: bool = False
    secret: bool = False


def _placeholder(text: str) -> Value:
    return Value(text, yields=True, fill_in=True)


def _username(preset: Preset, wish: Wish) -> Value:
    form = preset.username.form
    if form == "literal":
        literal = cast("str", preset.username.value)
        if wish.username is not None and not load.takes_word(wish.username, preset):
            values: dict[str, object] = {
                "flag": "--set username",
                "value": wish.username,
                "expected": Message("usage.set.literal", {"preset": preset.id, "value": literal}),
            }
            raise UsageError(Message("usage.value", values))
        return Value(wish.username or literal)
    if wish.username is not None:
        return Value(wish.username)
    by_address = form in {"email", "email-or-local"}
    if wish.sender is not None and by_address and preset.sender.rule in _BY_LOGIN:
        return Value(mailbox(wish.sender), yields=True)
    return _placeholder(_address(preset) if by_address else _FALLBACK_USERNAME)


def _sender(preset: Preset, wish: Wish) -> Value:
    if wish.sender is not None:
        return Value(wish.sender)
    if wish.username and preset.sender.rule in {*_BY_LOGIN, "rewritten"}:
        name = wish.username
        if "@" not in name and preset.mail_domains:
            name = f"{name}@{preset.mail_domains[0]}"
        try:
            return Value(mailbox(name), yields=True)
        except MailboxError:
            pass
    if preset.kind == "local":
        return Value(_SINK_SENDER, yields=True)
    return _placeholder(_address(preset))


def _given_password(preset: Preset, secret: Secret) -> str:
    """Return the password; blanks that a provider only shows for reading are left out."""
    text = secret.reveal()
    if preset.password.strip_spaces and preset.password.pattern:
        bare = re.sub(r"\s", "", text)
        if load.fits(preset.password.pattern, bare, preset):
            return bare
    return text


def values_for(preset: Preset, wish: Wish, host: str, port: int) -> dict[SettingName, Value]:
    """Return what each setting is to be, in the order in which they are written; raises UsageError."""
    if wish.sender is not None:
        _checked_sender(wish.sender)
    values: dict[SettingName, Value] = {"host": Value(host), "port": Value(str(port))}
    # A company's own server nearly always wants a login, though none is known to be needed.
    login = preset.needs_login(host) or (
        preset.kind == "own" and "none" not in {preset.username.form, preset.password.kind}
    )
    if login or wish.username is not None or wish.password is not None or wish.unprinted:
        values["username"] = _username(preset, wish)
        values["password"] = (
            _placeholder(_password(preset))
            if wish.password is None
            else Value(_given_password(preset, wish.password), secret=True)
        )
    values["sender"] = _sender(preset, wish)
    if wish.cipher:
        values["cipher"] = Value(wish.cipher)
    if wish.ehlo:
        values["ehlo"] = Value(wish.ehlo)
    return values


def plan_for(preset: Preset, app: App, wish: Wish) -> Plan:
    """Return what to write for an application that sends through a provider.

    Raises UsageError where the wishes contradict the provider or the application has no variable
    for one of them.
    """
    endpoint = _endpoint(preset, wish)
    host = host_for(preset, endpoint, wish)
    values = values_for(preset, wish, host, endpoint.port)
    variables = [_variable(app, name, value) for name, value in values.items() if name in app.variables]
    row = app.write.get(endpoint.security)
    if row is None:
        able = ", ".join(mode.value for mode in app.write)
        raise UsageError(
            Message(
                "usage.generate.security",
                {"app": app.id, "security": endpoint.security.value, "known": able},
            )
        )
    flags = [
        Variable(setting="security", names=(name,), value=text, truth=(app.true, app.false))
        for name, text in row.items()
    ]
    after = next((number for number, one in enumerate(variables, 1) if one.setting == "port"), 0)
    return Plan(
        preset=preset,
        app=app,
        host=host,
        port=endpoint.port,
        security=endpoint.security,
        variables=(*variables[:after], *flags, *variables[after:]),
        unwanted=tuple(name for name in app.flags if name not in row),
        service=wish.service,
    )


def _variable(app: App, setting: SettingName, value: Value) -> Variable:
    return Variable(
        setting=setting,
        names=app.variables[setting],
        value=value.text,
        yields=value.yields,
        fill_in=value.fill_in,
        secret=value.secret,
    )


def _everyones_domains() -> frozenset[str]:
    return frozenset(one for other in load.presets().values() for one in other.mail_domains)


def _domain(text: str) -> str:
    """Return the domain of an address or user name, "" where it has none."""
    name, at, domain = text.strip().rstrip(">").rpartition("@")
    return domain.lower() if at and name else ""


@dataclass(frozen=True, slots=True)
class _Owner:
    """The provider that a file was written for, and that another one takes the place of."""

    host: str
    preset: Preset | None

    @property
    def name(self) -> Text | str:
        """What it is called."""
        return self.preset.name if self.preset else self.host

    def has(self, setting: SettingName, text: str, new: Preset) -> bool:
        """Whether a value that stands beside the host belongs to this provider."""
        domain = _domain(text)
        if setting == "password":
            return True
        if setting == "username":
            return domain not in new.mail_domains
        # Of a host that nobody knows no domain is known either; one of another provider is none of the new.
        own = self.preset.mail_domains if self.preset else _everyones_domains() if new.mail_domains else ()
        return setting == "sender" and domain in own and domain not in new.mail_domains


def host_in(plan: Plan, standing: Mapping[str, Standing]) -> str | None:
    """Return the host that stands in a file, without scheme and port if it has them.

    A reference (``${NAME:-smtp.example.com}``) has the host that it falls back on.
    """
    hosts = (standing[name] for name in plan.app.variables.get("host", ()) if name in standing)
    found = next(hosts, None)
    if found is None:
        return None
    text = found.text.strip()
    if found.kind != "text":
        fallback = _FALLBACK.fullmatch(text)
        text = fallback["text"].strip() if fallback else ""
    return (text if is_placeholder(text) else host_key(text)) or None


def _may_be_ours(preset: Preset, username: str) -> bool:
    """Whether a user name could be one at a provider."""
    if is_placeholder(username):
        return True
    elsewhere = bool(preset.mail_domains) and _domain(username) in _everyones_domains() - {
        *preset.mail_domains
    }
    return fits_username(username, preset) and not elsewhere


def _owner(plan: Plan, standing: Mapping[str, Standing], *, force: bool) -> _Owner | None:
    """Return the provider that a file was written for, where that is another one.

    The host says it. Where it does not (none is there, or it was changed already), and the user wants
    other values replaced, a login that cannot be one at this provider says it by its mail domain.
    """
    host = host_in(plan, standing)
    told = host is not None and not is_placeholder_host(host) and not is_placeholder(host)
    if host is not None and told and not same_host(host, plan.host):
        preset = preset_of_host(host)
        if preset is None or preset.id != plan.preset.id:
            return _Owner(host, preset)
    return _owner_of_login(plan, standing) if force else None


def _owner_of_login(plan: Plan, standing: Mapping[str, Standing]) -> _Owner | None:
    """Return the provider whose mail domain a login has that cannot be one at this provider."""
    username, sender = (_text(plan, standing, one) for one in ("username", "sender"))
    if not username or _may_be_ours(plan.preset, username):
        return None
    domain = _domain(username) or _domain(sender)
    of_domain = (one for one in load.presets().values() if domain in one.mail_domains)
    preset = next((one for one in of_domain if one.id != plan.preset.id), None)
    return _Owner(preset.host, preset) if preset else None


def _text(plan: Plan, standing: Mapping[str, Standing], setting: SettingName) -> str:
    """Return the text that stands in a file for a setting, "" where it is kept elsewhere."""
    names = plan.app.variables.get(setting, ())
    found = next((standing[name] for name in names if name in standing), None)
    return found.text.strip() if found is not None and found.kind == "text" else ""


class _Deciding:
    """Collects what happens to each variable of a file."""

    def __init__(self, plan: Plan, standing: Mapping[str, Standing], *, force: bool) -> None:
        self.plan = plan
        self.standing = standing
        self.force = force
        self.owner = _owner(plan, standing, force=force)
        self.edits: dict[str, str] = {}
        self.additions: list[Variable] = []
        self.unchanged: list[str] = []
        self.to_fill_in: list[str] = []
        self.conflicts: list[str] = []
        self.reset: list[str] = []
        self.doubtful: list[str] = []

    def _stands(self, name: str) -> bool:
        found = self.standing.get(name)
        return found is not None and (bool(found.text.strip()) or found.kind != "text")

    def _edit(self, name: str, value: str) -> None:
        if self.force:
            self.edits[name] = value
        else:
            self.conflicts.append(name)

    def remove(self, name: str) -> None:
        """Empty a variable that would contradict what is written."""
        if self._stands(name):
            self._edit(name, "")

    def put(self, variable: Variable) -> None:
        """Decide about one variable."""
        pointer = next((n + _FILE_SUFFIX for n in variable.names if self._stands(n + _FILE_SUFFIX)), None)
        if pointer is not None and variable.yields:
            self.unchanged.append(pointer)
            if self.owner is not None:
                self.doubtful.append(pointer)
            return
        if pointer is not None:
            self.remove(pointer)
        # The application reads the first of its names that is there.
        name = next((one for one in variable.names if one in self.standing), variable.name)
        found = self.standing.get(name)
        if found is None:
            self.additions.append(variable)
            fill_in = variable.fill_in
        else:
            fill_in = self._meet(name, variable, found)
        if fill_in:
            self.to_fill_in.append(name)

    def _meet(self, name: str, variable: Variable, found: Standing) -> bool:
        """Decide about a variable that is there; return whether it has to be filled in."""
        text = found.text.strip()
        if found.kind == "text" and variable.equals(found.text):
            self.unchanged.append(name)
            return variable.fill_in
        free = not text or text in _own_placeholders() if found.kind == "text" else found.kind == "through"
        if free and not (variable.yields and found.kind == "through"):
            self.edits[name] = variable.value
            return variable.fill_in
        if variable.yields:
            return self._meet_login(name, variable, found)
        self._edit(name, variable.value)
        return False

    def _meet_login(self, name: str, variable: Variable, found: Standing) -> bool:
        """Decide about a login or sender that the command line said nothing of.

        It stays, unless it belongs to the provider whose place another one takes.
        """
        owner, setting = self.owner, variable.setting
        if owner is not None and found.kind != "text" and setting != "sender":
            self.doubtful.append(name)
        elif owner is not None and owner.has(setting, found.text, self.plan.preset):
            self._edit(name, variable.value)
            self.reset.append(name)
            return variable.fill_in
        elif setting == "username" and not _may_be_ours(self.plan.preset, found.text.strip()):
            self.doubtful.append(name)
        self.unchanged.append(name)
        return found.kind == "text" and is_placeholder(found.text)

    def forget_login(self) -> None:
        """Empty the login of the provider before where the one that is written takes none."""
        settings = {name for one in self.plan.variables for name in (one.setting, *one.parts)}
        for setting in ("username", "password"):
            if self.owner is None or setting in settings:
                continue
            for name in self.plan.app.variables.get(setting, ()):
                for one in (name, name + _FILE_SUFFIX):
                    if self._stands(one):
                        self._edit(one, "")
                        if self.standing[one].text.strip() not in _own_placeholders():
                            self.reset.append(one)

    def doubt_password(self) -> None:
        """Doubt a password that stays where the user name beside it gives way to another one."""
        variables = self.plan.app.variables
        gone = [
            name
            for name in variables.get("username", ())
            if name in self.edits and name in self.standing and self.standing[name].text.strip()
        ]
        for one in self.plan.variables:
            kept = one.name in self.unchanged and one.name not in self.doubtful
            text = self.standing[one.name].text if one.name in self.standing else ""
            if gone and kept and one.yields and one.setting == "password" and not is_placeholder(text):
                self.doubtful.append(one.name)


def decide(plan: Plan, standing: Mapping[str, Standing], *, file: str, force: bool) -> Decision:
    """Decide what happens to a file in which these variables stand.

    Raises UsageError with every name that has another value, unless ``force`` replaces them.
    """
    deciding = _Deciding(plan, standing, force=force)
    for variable in plan.variables:
        deciding.put(variable)
    for name in plan.unwanted:
        deciding.remove(name)
    deciding.forget_login()
    deciding.doubt_password()
    if deciding.conflicts:
        names = ", ".join(deciding.conflicts)
        handed = [name for name in deciding.conflicts if re.search(rf"\$\{{?{name}\b", standing[name].text)]
        hints = [Message("usage.generate.exists.handed", {"names": ", ".join(handed)})] if handed else []
        raise UsageError(Message("usage.generate.exists", {"file": file, "names": names}), *hints)
    return Decision(
        edits=deciding.edits,
        additions=tuple(deciding.additions),
        unchanged=tuple(deciding.unchanged),
        to_fill_in=tuple(deciding.to_fill_in),
        left=Left(
            reset=tuple(deciding.reset),
            doubtful=tuple(deciding.doubtful),
            owner=deciding.owner.name if deciding.owner else None,
        ),
    )
