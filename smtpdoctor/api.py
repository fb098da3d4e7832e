"""The public Python API: what ``from smtpdoctor import …`` gives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, get_args

from smtpdoctor.errors import UsageError
from smtpdoctor.model import (
    SETTING_NAMES,
    FailOn,
    Finding,
    Ignore,
    Lang,
    Policy,
    Report,
    Secret,
    Security,
    Setting,
    SettingName,
    Settings,
    Stage,
)
from smtpdoctor.plan import UNTIL
from smtpdoctor.settings.resolve import Loaded, completed
from smtpdoctor.settings.target import ConnectTo, refuse_astray
from smtpdoctor.text import LANGUAGES, say

if TYPE_CHECKING:
    from smtpdoctor.doctor import Observer
    from smtpdoctor.probes.session import Options
    from smtpdoctor.report.view import View

__all__ = ["check", "explain", "lint", "words"]


_MOST_SECONDS: Final = 1e6  # of a time limit; more the system's own calls do not take
_MOST_RETRIES: Final = 100
_HIGHEST_PORT: Final = 65_535  # RFC 9293
_LONGEST: Final = 65_536  # characters of a setting
_FAMILIES: Final = frozenset({None, 4, 6})
_KINDS: Final[Mapping[SettingName, type]] = {"port": int, "security": Security, "password": Secret}


def _loaded(settings: Settings, connect_to: ConnectTo | None = None) -> Loaded:
    """Return the settings with what follows from them; raises ValueError where they are none."""
    from smtpdoctor.doctor import seal_of

    if not isinstance(settings, Settings):
        raise _wrong("settings", "Settings", settings)
    for name in SETTING_NAMES:
        setting = settings.get(name)
        if setting is not None:
            _check_setting(name, setting)
    for what, text in (("preset", settings.preset), ("app", settings.app)):
        if text is not None:
            _check_text(what, text)
    try:
        found = completed(settings)
        refuse_astray(connect_to or {}, found)
    except UsageError as error:
        raise ValueError(say("en", seal_of(Loaded(settings, ())).said(error.message))) from None
    return Loaded(found, ())


def _check_setting(name: SettingName, setting: Setting[object]) -> None:
    """Raise ValueError for a setting of the wrong type, or that no server can be told; it is never quoted."""
    if not isinstance(setting, Setting):
        raise _wrong(name, "a Setting, as Settings.of makes it", setting)
    kind = _KINDS.get(name, str)
    value = setting.value
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(name, kind.__name__, value)
    text = value.reveal() if isinstance(value, Secret) else value
    if isinstance(text, int) and not _is_port(text):
        raise ValueError(f"port must be from 1 to {_HIGHEST_PORT}")
    if isinstance(text, str):
        _check_text(name, text)


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise _wrong(name, "str", text)
    if len(text) > _LONGEST:
        raise ValueError(f"{name} has {len(text)} characters, at most {_LONGEST} are taken")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} is no text: it holds a lone surrogate") from None


def _wrong(name: str, wanted: str, value: object) -> ValueError:
    """Return the error for a value of the wrong type, which is not quoted: it may be anything, also a secret."""
    return ValueError(f"{name} must be {wanted}, not {type(value).__name__}")


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_PORT


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_SECONDS:
        raise ValueError(f"{name} must be a number of seconds above 0, at most {_MOST_SECONDS:.0f}")


def _is_endpoint(value: object) -> bool:
    """Whether this is a host, or an address, and a port."""
    return (
        isinstance(value, tuple)
        and len(value) == 2  # noqa: PLR2004 -- host and port
        and isinstance(value[0], str)
        and 0 < len(value[0]) <= _LONGEST
        and value[0].isprintable()
        and _is_port(value[1])
    )


def _is_ip(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_ways(resolver: object, connect_to: object, family: object) -> None:
    """Raise ValueError for what says how to get to the server and cannot be used."""
    if resolver is not None and not (
        isinstance(resolver, tuple) and _is_endpoint(resolver) and _is_ip(resolver[0])
    ):
        raise ValueError("resolver must be the IP address and the port of a name server")
    if connect_to is not None:
        if not isinstance(connect_to, Mapping):
            raise _wrong("connect_to", "a mapping", connect_to)
        if not all(_is_endpoint(one) for pair in connect_to.items() for one in pair):
            raise ValueError("connect_to must map a host and port to those to dial, each as a tuple")
    if not (family is None or type(family) is int) or family not in _FAMILIES:
        raise ValueError("family must be 4, 6 or None")


def _ca_file(path: object) -> str | None:
    """Return the name of a file of CAs; raises ValueError where there is none in it."""
    if path is None:
        return None
    from smtpdoctor.net.tls import ContextError, strict_context

    if not isinstance(path, str | os.PathLike):
        raise _wrong("ca_file", "a path", path)
    name = os.fsdecode(path)
    try:
        if not os.path.isfile(name):  # noqa: PTH113 -- Path would raise for what can be no name
            raise ValueError("ca_file: there is no such file")
        strict_context(name)  # which is kept for the run
    except ContextError as error:
        raise ValueError(f"ca_file is no file of certificates in PEM form: {error.reason}") from None
    return name


def check(  # noqa: PLR0913 -- one for each option of the command
    settings: Settings,
    *,
    until: str | None = None,
    ca_file: str | None = None,
    timeout: float = 10.0,
    deadline: float = 60.0,
    resolver: tuple[str, int] | None = None,
    connect_to: Mapping[tuple[str, int], tuple[str, int]] | None = None,
    family: Literal[4, 6] | None = None,
    allow_cleartext_auth: bool = False,
    strict: bool = False,
    policy: Policy | None = None,
    retries: int = 0,
    observer: Observer | None = None,
) -> Report:
    """Run the stages against the server of the settings.

    ``until`` is the last stage: dns, connect, tls, auth, sender, recipient, send; by default sender,
    or send where ``settings.recipient`` is given, and only ``send`` sends a message. ``timeout`` (each
    stage) and ``deadline`` (the whole run) are in seconds. ``resolver`` is the address and port of a
    name server, ``connect_to`` maps a host and port to those to dial instead (one of them must be those of the
    settings), ``family`` leaves one IP version out. ``policy`` decides on ``Report.healthy`` and sets apart what
    is to be ignored; ``strict`` is short for ``Policy(strict=True)``. ``retries`` is how often a temporary
    failure is tried again at most: never a login that was not accepted, and within the deadline. What a server does
    never raises; ValueError is for arguments that make no sense.
    """
    from smtpdoctor.probes.session import Options

    _check_ways(resolver, connect_to, family)
    _check_policy(policy, retries)
    loaded = _loaded(settings, connect_to)
    if until is None:
        until = "sender" if settings.recipient is None else "send"
    if not isinstance(until, str) or until not in UNTIL:
        raise ValueError(f"until must be one of {', '.join(UNTIL)}")
    last = UNTIL[until]
    if last in {Stage.RECIPIENT, Stage.SEND} and settings.recipient is None:
        raise ValueError(f"until={until!r} needs settings.recipient")
    _check_seconds("timeout", timeout)
    _check_seconds("deadline", deadline)
    options = Options(
        until=last,
        ca_file=_ca_file(ca_file),
        timeout=timeout,
        deadline=deadline,
        resolver=resolver,
        connect_to=connect_to or {},
        family=family,
        allow_cleartext_auth=allow_cleartext_auth,
    )
    return (policy or Policy(strict=strict)).applied(_run(loaded, options, observer, retries))


def lint(settings: Settings, *, strict: bool = False, policy: Policy | None = None) -> Report:
    """Judge the settings themselves; nothing is sent, not even a DNS query.

    ``policy`` and ValueError as in ``check``.
    """
    from smtpdoctor import doctor

    _check_policy(policy)
    return (policy or Policy(strict=strict)).applied(doctor.lint_only(_loaded(settings)))


def _run(loaded: Loaded, options: Options, observer: Observer | None, retries: int) -> Report:
    if not retries:
        from smtpdoctor import doctor

        return doctor.check(loaded, options, observer)
    from smtpdoctor import runner

    return runner.check(loaded, options, observer, retries=retries)


def _check_policy(policy: object, retries: object = 0) -> None:
    """Raise ValueError for what is no policy, for an id that does not exist, and for no number of retries."""
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= _MOST_RETRIES:
        raise ValueError(f"retries must be a whole number from 0 to {_MOST_RETRIES}")
    if policy is None:
        return
    if not isinstance(policy, Policy):
        raise _wrong("policy", "a Policy", policy)
    if policy.fail_on not in get_args(FailOn):
        raise ValueError(f"policy.fail_on must be one of {', '.join(get_args(FailOn))}")
    if policy.ignore:
        from smtpdoctor.knowledge import load

        for one in policy.ignore:
            if not isinstance(one, Ignore) or one.id not in load.ids():
                raise ValueError("policy.ignore must hold an Ignore each, with an id of the catalogue")


def words(report: Report, lang: Lang = "en") -> View:
    """Put a report in words: stages, problems with cause, steps and pages, and what to do next.

    ValueError for what is no report, or for another language than en and ko.
    """
    if not isinstance(report, Report):
        raise _wrong("report", "a Report", report)
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}")
    from smtpdoctor.report.view import view_of

    return view_of(report, lang)


def explain(text: str | bytes, *, preset: str | None = None) -> tuple[Finding, ...]:
    """Name the causes behind an error text or a log, the gravest first; empty where there is no mail failure.

    Bytes are read as a file is, in whatever encoding. ``preset`` is the id of the provider, where it is known. ValueError for what is no text.
    """
    if not isinstance(text, str):
        raise _wrong("text", "str", text)
    if preset is not None and not isinstance(preset, str):
        raise _wrong("preset", "str", preset)
    from smtpdoctor.logs import explain_text

    return tuple(one.finding for one in explain_text(text, provider=preset))
