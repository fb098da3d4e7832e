"""``--profile`` and ``--all-profiles``: what the project's file says, and many checks side by side.

Those of the several applications of one file are run here as well.

The file comes with a repository. So a login that stands outside of it (in the environment, in another file) is
not sent where only the file says where to: not to a host or a preset that it names, and nowhere while it says
whom to trust (``ca_file``) or what to dial instead (``connect_to``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from smtpdoctor.cli.check import (
    How,
    ca_file_of,
    checked,
    connect_to_of,
    end,
    options_of,
    refuse_unusable_in,
    repeated_of,
    resolver_of,
    with_mending,
    words_of,
)
from smtpdoctor.cli.common import EXIT_INTERRUPTED, EXIT_USAGE, other_language, refuse_together, tell
from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.settings import Request, loaded_for, policy_of, project_file
from smtpdoctor.doctor import Redactors, lint_only
from smtpdoctor.errors import UsageError
from smtpdoctor.files import is_there
from smtpdoctor.knowledge import load
from smtpdoctor.model import Ignore, Lang, Message, Origin, Report, Secret, Security, Setting, Stage
from smtpdoctor.probes.logins import SharedLogin, Turn
from smtpdoctor.probes.session import Options
from smtpdoctor.report.told import Profile
from smtpdoctor.report.view import view_of
from smtpdoctor.settings.hosts import host_key, same_host
from smtpdoctor.settings.identify import unknown_app
from smtpdoctor.settings.project import Project, Table, project_in
from smtpdoctor.settings.read import read_secret_file
from smtpdoctor.settings.resolve import Loaded, preset_named
from smtpdoctor.settings.target import refuse_astray

if TYPE_CHECKING:
    from rich.progress import Progress

    from smtpdoctor.masking.echoes import Redactor


__all__ = ["check_applications", "check_profiles", "lint_profiles", "refuse_steered", "with_project"]

T = TypeVar("T")

_NEAR: Final = 0.6
# What a flag displaces beside its own key: it would contradict it, or belongs to what is left out.
_DISPLACED: Final = {
    "url": ("host", "port", "security", "preset"),
    "host": ("preset",),
    "preset": ("host",),
    "config": ("env_file", "service", "app_version"),
    "env_file": ("config", "service", "app_version"),
    "ipv4": ("ipv6",),
    "ipv6": ("ipv4",),
    "fail_on": ("strict",),
}
_BEFORE_LOGIN: Final = frozenset({Stage.DNS, Stage.CONNECT, Stage.TLS})
_TRUST: Final = ("ca_file", "connect_to")
# That failed in one run, for whose files changes are tried: that takes some tenths of a second for each in a large file.
_MOST_MENDED: Final = 5


# -- The file → requests ------------------------------------------------------


def with_project(request: Request, path: Path | None, known: Known, name: str | None = None) -> Request:
    """Return a request completed by the project's file, and by one profile of it; raises UsageError."""
    project = _project(path, needed=name is not None)
    if project is None:
        return request
    if name is not None:
        _named(project, name)  # of what is no profile, it is not to be said that something comes from it
    try:
        return _completed(request, project, name, known)
    except UsageError as error:
        raise _in_profile(error, project, name) from None


def _project(path: Path | None, *, needed: bool) -> Project | None:
    project = project_in(path) if path is not None else None
    if project is None and needed:
        raise UsageError(Message("usage.project.none"), Message("usage.project.none.how"))
    return project


def _in_profile(error: UsageError, project: Project, name: str | None) -> UsageError:
    """Return an error with where it comes from; one that names the place itself needs no more."""
    place = str(project.path)
    if place in str(error.message.values.get("place", "")):
        return error
    key = "usage.project.in" if name is None else "usage.project.in-profile"
    return UsageError(error.message, *error.hints, Message(key, {"name": name or "", "file": place}))


def _completed(
    request: Request, project: Project, name: str | None, known: Known, kept: dict[str, Any] | None = None
) -> Request:
    """Return a request completed by a profile; ``kept`` holds what was read outside of all."""
    tables: list[tuple[str | None, Table]] = []
    if name is not None:
        table = _named(project, name)
        if isinstance(table, UsageError):
            raise table
        tables.append((name, table))
    tables.append((None, project.defaults))
    return _Merging(request, project, tables, known, {} if kept is None else kept).merged()


def _named(project: Project, name: str) -> Table | UsageError:
    if name in project.profiles:
        return project.profiles[name]
    names = list(project.profiles)
    message = Message("usage.project.profile", {"name": name, "file": str(project.path)})
    near = get_close_matches(name, names, 1, _NEAR)
    if near:
        raise UsageError(message, Message("usage.near", {"name": near[0]}))
    if not names:
        raise UsageError(message, Message("usage.project.no-profiles", {"file": str(project.path)}))
    raise UsageError(message, Message("usage.project.profiles", {"known": ", ".join(names[:20])}))


class _Merging:
    """Completes a request of flags by tables, the stronger one first."""

    def __init__(
        self,
        request: Request,
        project: Project,
        tables: Sequence[tuple[str | None, Table]],
        known: Known,
        kept: dict[str, Any],
    ) -> None:
        self._request = request
        self._project = project
        self._tables = tables
        self._known = known
        self._kept = kept
        # 0 is something: no retries.
        typed = {
            name
            for name, value in asdict(request).items()
            if value is not None and value is not False and value not in ((), {})
        }
        self._settled = {*typed, *(other for name in typed for other in _DISPLACED.get(name, ()))}
        self._found: dict[str, Any] = {}
        self._origins: dict[str, Origin] = {}

    def merged(self) -> Request:
        for name, table in self._tables:
            for key, value in asdict(table).items():
                if value is not None:
                    self._take(name, key, value)
            # What the stronger table says, displaces in the weaker one what a flag would.
            self._settled |= {
                other for key, value in asdict(table).items() if value is not None
                for other in (key, *_DISPLACED.get(key, ()))
                if key != "ignore"
            }  # fmt: skip
        ignore = (*self._request.ignore, *self._found.pop("ignore", ()))
        request = replace(self._request, **self._found, ignore=ignore, origins=self._origins)
        refuse_together(("ipv4", request.ipv4), ("ipv6", request.ipv6))
        refuse_unusable_in(request)
        return request

    def _take(self, profile: str | None, key: str, value: Any) -> None:
        place = Origin("project", key, str(self._project.path), self._project.line_of(profile, key))
        if key == "ignore":
            told = [Ignore(one) if isinstance(one, str) else Ignore(one.id, one.reason) for one in value]
            self._refuse_unknown(told, place)
            self._found["ignore"] = [*self._found.get("ignore", ()), *told]
            return
        if key in self._settled:
            return
        if key == "password_file":
            if not self._request.has_password and self._is_own_host():
                self._found["password"] = self._once(profile, key, lambda: self._password(place, value))
            return
        self._found[key] = self._once(profile, key, lambda: self._value(key, value, place))
        self._origins[key] = place

    def _once(self, profile: str | None, key: str, read: Callable[[], T]) -> T:
        """Return what is read for a key, once for all profiles where it stands outside of them."""
        if profile is not None:
            return read()
        if key not in self._kept:
            self._kept[key] = read()
        found: T = self._kept[key]
        return found

    def _value(self, key: str, value: Any, place: Origin) -> Any:
        """Return a value as the flag would give it; raises UsageError with the place for one that is no good."""
        many = [value] if isinstance(value, str) else value
        match key:
            case "security":
                return Security(value)
            case "config" | "env_file":
                return [self._path(one, place) for one in many]
            case "ca_file":
                path = self._path(value, place)
                self._usable(place, ca_file_of, path)
                return path
            case "resolver":
                self._usable(place, resolver_of, value)
            case "connect_to":
                for one in many:
                    self._usable(place, connect_to_of, one)
                return many
            case "preset":
                preset_named(value)
            case "app" if load.app(value) is None and load.dialect(value) is None:
                raise unknown_app(value)
        return value

    def _usable(self, place: Origin, read: Callable[[Any], object], value: object) -> None:
        """Raise UsageError with the place where a flag's own reader refuses a value."""
        try:
            read(value)
        except UsageError as error:
            if (expected := error.message.values.get("expected")) is None:
                raise
            values: dict[str, object] = {"place": str(place), "key": place.name, "expected": expected}
            raise UsageError(Message("usage.project.value", values)) from None

    def _refuse_unknown(self, ignored: Sequence[Ignore], place: Origin) -> None:
        try:
            policy_of(Request(ignore=tuple(ignored)))
        except UsageError as error:
            values = {"place": str(place), **error.message.values}
            raise UsageError(Message("usage.project.ignore.unknown", values), *error.hints) from None

    def _path(self, text: str, place: Origin) -> Path:
        path = self._project.path.parent / text
        if not is_there(path):
            values: dict[str, object] = {"place": str(place), "key": place.name, "file": str(path)}
            raise UsageError(Message("usage.project.missing", values))
        return path

    def _is_own_host(self) -> bool:
        """Whether the server is the one that the file's password is for: no flag names another one."""
        request = self._request
        if request.url is None and request.host is None and request.preset is None:
            return True
        own = next((table.host for _, table in self._tables if table.host is not None), None)
        return request.host is not None and own is not None and same_host(own, request.host)

    def _password(self, origin: Origin, text: str) -> Setting[Secret]:
        folder = self._project.path.parent.resolve()
        if not (folder / text).resolve().is_relative_to(folder):
            raise UsageError(
                Message("usage.project.outside", {"place": str(origin), "folder": str(folder)}),
                Message("usage.project.outside.how"),
            )
        secret = read_secret_file(self._path(text, origin), str(origin))
        if not secret:
            raise UsageError(Message("usage.empty-password", {"flag": str(origin)}))
        self._known.learn(secret)
        return Setting(Secret(secret), origin)


def refuse_steered(loaded: Loaded, request: Request, options: Options) -> None:
    """Raise UsageError where a login from elsewhere would go where only the project's file says where to."""
    password, host = loaded.settings.password, loaded.settings.host
    if password is None or host is None or options.until in _BEFORE_LOGIN:
        return
    if password.origin.kind not in {"environment", "file"}:
        return  # typed, or the file's own
    _refuse_foreign(password.origin, host, request)
    values: dict[str, object] = {"origin": str(password.origin), "host": host.value}
    for key in _TRUST:
        if (origin := request.origins.get(key)) is not None:
            flag = f"--{key.replace('_', '-')}"
            raise UsageError(
                Message("usage.project.trust", {**values, "place": str(origin), "key": key}),
                Message("usage.project.trust.how", {"flag": flag}),
            )
    by_preset = host.origin.kind == "preset" and "preset" in request.origins
    if host.origin.kind != "project" and not by_preset:
        return
    if loaded.login_host is not None and same_host(loaded.login_host, host.value):
        return
    place = request.origins.get("preset" if by_preset else "host") or host.origin
    raise UsageError(
        Message("usage.project.login", {**values, "place": str(place)}),
        Message("usage.project.login.how", values),
    )


def _refuse_foreign(origin: Origin, host: Setting[str], request: Request) -> None:
    """Raise UsageError where the project's file would have another file's password sent to whom that does not name.

    Whoever writes to the repository could name any file of the user's, and beside it a server of his own.
    """
    if origin.path is None or host.origin.kind in {"flag", "environment"}:
        return
    place = request.origins.get("env_file") or request.origins.get("config")
    if place is None or place.path is None or host.origin.path == origin.path:
        return
    folder = _top(Path(place.path).parent.resolve())
    if Path(origin.path).resolve().is_relative_to(folder):
        return
    values: dict[str, object] = {
        "origin": str(origin),
        "host": host.value,
        "place": str(place),
        "folder": str(folder),
        "flag": f"--{place.name.replace('_', '-')}",
    }
    raise UsageError(Message("usage.project.foreign", values), Message("usage.project.foreign.how", values))


def _top(folder: Path) -> Path:
    """Return the top of the repository that a folder is in, else the folder."""
    return next((one for one in (folder, *folder.parents) if is_there(one / ".git")), folder)


# -- Many ---------------------------------------------------------------------


class Show(Protocol):
    """Shows the reports of several profiles."""

    lang: Lang

    def several(
        self, command: Literal["check", "lint"], *, services: bool = False
    ) -> AbstractContextManager[Callable[[Sequence[Profile]], None]]:
        """Give what shows them, or those of several ``services``; raises UsageError where it could not be written."""

    def end_of_format(self) -> None:
        """End with the exit code that a format has for itself, if it has one."""

    @property
    def progress(self) -> bool:
        """Whether it may be shown how far it has come."""

    @property
    def bilingual(self) -> bool:
        """Whether a format holds the reports in both languages."""


class _Ready(Struct, frozen=True):
    """An application that can be run."""

    loaded: Loaded
    options: Options | None
    how: How


class _Outcome(Struct, frozen=True):
    """What a profile came to."""

    report: Report | None = None
    error: UsageError | None = None


class _Asked:
    """The profiles that are asked for; raises UsageError for what is no profile's fault."""

    def __init__(self, request: Request, names: Sequence[str] | None, known: Known) -> None:
        project = _project(project_file(), needed=True)
        assert project is not None  # noqa: S101 -- it was needed
        self.project = project
        self._request = request
        self._known = known
        self._kept: dict[str, Any] = {}
        if names is None and not project.profiles:
            raise UsageError(Message("usage.project.no-profiles", {"file": str(project.path)}))
        for name in names or ():
            _named(project, name)
        self.names = tuple(dict.fromkeys(project.profiles if names is None else names))

    def ready(self, name: str, prepare: Callable[[str, Request], T]) -> T | _Outcome:
        """Return what a profile asks for, prepared, or that it cannot be run, and why."""
        try:
            return prepare(name, _completed(self._request, self.project, name, self._known, self._kept))
        except UsageError as error:
            return _Outcome(error=_in_profile(error, self.project, name))


def check_profiles(
    request: Request,
    names: Sequence[str] | None,
    show: Show,
    *,
    known: Known,
    allow_cleartext_auth: bool,
) -> None:
    """Check several profiles in threads, show what came of each, and end with the exit code for all."""

    def prepared(name: str, one: Request) -> list[tuple[str, _Ready, Report | None]]:
        options = options_of(one, show.lang, allow_cleartext_auth=allow_cleartext_auth)
        repeated = (*repeated_of(one, allow_cleartext_auth), "--profile", name)
        how = How(policy_of(one), one.retries or 0, repeated)
        found = _ready_of(loaded_for(one, lang=show.lang, known=known), one, options, how)
        return [
            (service, _with_mending(application, service, one, show, known), None)
            for service, application in found
        ]

    _run_profiles(
        _Asked(request, names, known),
        prepared,
        show,
        "check",
        known,
        lambda ready, told: _run(ready, told, show),
    )


def check_applications(
    found: Sequence[tuple[str, Loaded]],
    request: Request,
    options: Options,
    how: How,
    show: Show,
    *,
    known: Known,
) -> None:
    """Check each application of a file, show what came of each, and end with the gravest exit code.

    Raises UsageError where nothing can be begun.
    """
    ready = {
        service: _with_mending(one, service, request, show, known)
        for service, one in _ready_of(found, request, options, how)
    }
    outcomes = {name: _Outcome() for name in ready}
    interrupted = False
    with show.several("check", services=True) as shows:
        try:
            _run(ready, outcomes, show)
        except KeyboardInterrupt:
            interrupted = True
        shows(_in_words(None, ready, outcomes, show, known))
    _end(outcomes, show, interrupted=interrupted)


def _ready_of(
    found: Sequence[tuple[str, Loaded]], request: Request, options: Options, how: How
) -> list[tuple[str, _Ready]]:
    """Return the applications of a file, or the one that there is, as they are run; raises UsageError."""
    if len(found) > 1 and request.password is not None:
        names = ", ".join(service for service, _ in found)
        raise UsageError(Message("usage.config.several.password", {"names": names}))
    for _, loaded in found:
        refuse_astray(options.connect_to, loaded.settings)
        refuse_steered(loaded, request, options)
    if len(found) == 1:
        return [("", _Ready(found[0][1], options, how))]
    return [(service, _Ready(loaded, options, _with_service(how, service))) for service, loaded in found]


def _with_mending(one: _Ready, service: str, request: Request, show: Show, known: Known) -> _Ready:
    """Return an application with what says how its files are to be mended."""
    return replace(one, how=with_mending(one.how, service, request, lang=show.lang, known=known))


def _with_service(how: How, service: str) -> How:
    """Return how to run it with what names a service in the command that repeats it."""
    return replace(how, repeated=(*how.repeated, "--service", service)) if service else how


def _run(ready: dict[str, _Ready], outcomes: dict[str, _Outcome], show: Show) -> None:
    from smtpdoctor.runner import Job, in_threads

    load.warm()  # once, and not by each thread that fails first
    redactors = Redactors()
    logins: dict[object, SharedLogin] = {}
    jobs = []
    for name, one in ready.items():
        shared = logins.setdefault(login, SharedLogin()) if (login := _login(one.loaded)) else None
        turn = shared.turn(name) if shared is not None else None
        jobs.append(Job(_work(name, one, turn, redactors.of(one.loaded)), _lane(one.loaded)))
    with _bar(len(jobs), show) as progress:
        task = progress.add_task("", total=len(jobs)) if progress is not None else None

        def done(_: int, found: tuple[str, Report]) -> None:
            name, report = found
            outcomes[name] = _Outcome(report)
            if progress is not None and task is not None:
                progress.advance(task)

        in_threads(jobs, done=done)
    # Not before all have run: the time that it takes would be at the expense of their deadlines.
    failed = [name for name in ready if (made := outcomes[name].report) and made.verdict == "fail"]
    for name in failed[:_MOST_MENDED]:
        mended, report = ready[name].how.mended, outcomes[name].report
        if mended is not None and report is not None:
            outcomes[name] = _Outcome(mended(report))


def _work(name: str, one: _Ready, turn: Turn | None, redactor: Redactor) -> Callable[[], tuple[str, Report]]:
    """Return what runs one of several checks, with its part in a login that others send as well."""
    options = replace(one.options or Options(), turn=turn)

    def work() -> tuple[str, Report]:
        try:
            return name, checked(one.loaded, options, replace(one.how, mended=None), redactor=redactor)
        finally:
            if turn is not None:
                turn.leave()

    return work


def _login(loaded: Loaded) -> tuple[str, str, str] | None:
    """Return what is equal for those that log in alike at the same server; None without a login."""
    settings = loaded.settings
    if settings.host is None or settings.username is None or settings.password is None:
        return None
    return host_key(settings.host.value), settings.username.value, settings.password.value.reveal()


def _lane(loaded: Loaded) -> object:
    """Return which server it is: one takes only so many clients at a time from one address."""
    host, port = loaded.settings.host, loaded.settings.port
    return (host_key(host.value) if host else "", port.value if port else 0)


def _bar(count: int, show: Show) -> Any:
    """Return a progress bar, on a terminal only."""
    if not show.progress or count <= 1:
        return nullcontext()
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from smtpdoctor.report.terminal import make_console, wants_color

    console = make_console(sys.stderr, color=wants_color())
    bar: Progress = Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True
    )
    return bar


def lint_profiles(request: Request, names: Sequence[str] | None, show: Show, *, known: Known) -> None:
    """Judge the settings of several profiles; each application of a file stands under its service."""

    def prepared(name: str, one: Request) -> list[tuple[str, _Ready, Report | None]]:
        how = How(policy_of(one), repeated=(*repeated_of(one, False), "--profile", name))
        loaded = loaded_for(one, lang=show.lang, known=known)
        reports = [(service, how.policy.applied(lint_only(found))) for service, found in loaded]
        if any(report.verdict != "pass" for _, report in reports):
            from smtpdoctor.cli.mending import with_tried_changes

            reports = with_tried_changes(reports, one, lang=show.lang, known=known)
        return [
            (service, _Ready(found, None, how), report)
            for (service, report), (_, found) in zip(reports, loaded, strict=True)
        ]

    _run_profiles(_Asked(request, names, known), prepared, show, "lint", known)


def _run_profiles(
    asked: _Asked,
    prepare: Callable[[str, Request], list[tuple[str, _Ready, Report | None]]],
    show: Show,
    command: Literal["check", "lint"],
    known: Known,
    run: Callable[[dict[str, _Ready], dict[str, _Outcome]], None] | None = None,
) -> None:
    """Prepare each profile, run what is left to run, show what came of each, and end with the exit code for all.

    Each application of a file stands under its service.
    """
    ready: dict[str, _Ready] = {}
    outcomes: dict[str, _Outcome] = {}
    interrupted = False
    left = list(asked.names)
    with show.several(command) as shows:
        try:
            while left:
                found = asked.ready(left[0], prepare)
                name = left.pop(0)
                if isinstance(found, _Outcome):
                    outcomes[name] = found
                    continue
                for service, one, report in found:
                    shown = f"{name} / {service}" if len(found) > 1 else name
                    ready[shown] = one
                    outcomes[shown] = _Outcome(report)
            if run is not None:
                run(ready, outcomes)
        except KeyboardInterrupt:
            interrupted = True
            outcomes |= {name: _Outcome() for name in left}
        shows(_in_words(asked.project, ready, outcomes, show, known))
    _end(outcomes, show, interrupted=interrupted)


def _in_words(
    project: Project | None,
    ready: Mapping[str, _Ready],
    outcomes: Mapping[str, _Outcome],
    show: Show,
    known: Known,
) -> list[Profile]:
    other = other_language(show.lang) if show.bilingual else None
    shown: list[Profile] = []
    for name, one in outcomes.items():
        if one.error is not None:
            error, twin_error = (_words_of(one.error, lang, known) for lang in (show.lang, other))
            file, line = (
                ("", None) if project is None else (str(project.path), _line_in(one.error, project, name))
            )
            shown.append(Profile(name, error=error, twin_error=twin_error, file=file, line=line))
        elif one.report is None:
            shown.append(Profile(name))
        else:
            repeated = words_of(one.report, ready[name].loaded, ready[name].how)
            view = view_of(one.report, show.lang, repeated)
            twin = view_of(one.report, other, repeated) if other is not None else None
            shown.append(Profile(name, view, healthy=one.report.healthy, twin=twin))
    return shown


def _end(outcomes: Mapping[str, _Outcome], show: Show, *, interrupted: bool) -> None:
    """End: 3 for a bug, 130 where it was broken off, 1 for a problem, 2 for a profile that could not be run."""
    reports = [one.report for one in outcomes.values() if one.report is not None]
    if interrupted:
        from smtpdoctor.text import say

        tell(say(show.lang, "interrupted"))
        raise Exit(EXIT_INTERRUPTED)
    end(*reports, before=show.end_of_format)
    if any(one.error is not None for one in outcomes.values()):
        raise Exit(EXIT_USAGE)


def _words_of(error: UsageError, lang: Lang | None, known: Known) -> str:
    """Return what is wrong and what may help in a language, nothing without one."""
    if lang is None:
        return ""
    return "\n".join(known.say(lang, message) for message in (error.message, *error.hints))


def _line_in(error: UsageError, project: Project, name: str) -> int | None:
    """Return the line of the project's file that an error names, else where the profile begins."""
    file, _, line = str(error.message.values.get("place", "")).rpartition(":")
    if file == str(project.path) and line.isdecimal():
        return int(line)
    return project.line_of(None, f"profiles.{name}")
