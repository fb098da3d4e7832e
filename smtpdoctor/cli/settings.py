"""The command line's sources of settings → ``Loaded``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from smtpdoctor.cli.common import places_looked_at, refuse_together, tell
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.files import beginning_of, is_there
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.model import FailOn, Ignore, Lang, Message, Origin, Policy, Secret, Security, Setting
from smtpdoctor.settings.read import Variables, read_variables, refuse_long
from smtpdoctor.settings.resolve import Flags, Loaded, resolve, secrets_in

if TYPE_CHECKING:
    from smtpdoctor.cli.config import Files

__all__ = [
    "Request",
    "asked_for",
    "flags_of",
    "implicit_files",
    "load_settings",
    "loaded_for",
    "policy_of",
    "project_file",
    "refuse_unfit",
]

_IMPLICIT = Path(".env")
_PROJECT = "smtpdoctor.toml"
_PYPROJECT = "pyproject.toml"
_MOST_LEVELS = 64
_LARGEST_PROJECT = 1_048_576
_NEAR = 0.6
_MOST_FILES = 3  # that are told of
_BEGINNINGS = ("generate", "preset", "sandbox")  # what to do without any settings


class Request(Struct, frozen=True, kw_only=True):
    """What a run of ``check`` or ``lint`` is asked for: by flags, and where they say nothing by the project's file.

    ``origins`` says where a value stands in that file, by its name; what is not there was typed.
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
    to: str | None = None
    config: list[Path] | None = None
    env_file: list[Path] | None = None
    service: str | None = None
    app_version: str | None = None
    no_environment: bool = False
    until: str | None = None
    ca_file: Path | None = None
    timeout: float | None = None
    deadline: float | None = None
    resolver: str | None = None
    connect_to: list[str] | None = None
    ipv4: bool = False
    ipv6: bool = False
    strict: bool = False
    fail_on: FailOn | None = None
    ignore: tuple[Ignore, ...] = ()
    retries: int | None = None
    has_password: bool = False  # one was typed, or will be asked for
    origins: Mapping[str, Origin] = {}


def project_file() -> Path | None:
    """Return where the project says how to check it: smtpdoctor.toml, or pyproject.toml with a table for us.

    Looked for here, and inside of a repository in the folders above up to its root. Outside of one a file
    above may be anybody's. Only looks at names, and for our own in a pyproject.toml.
    """
    here = Path()
    candidates: list[Path] = []
    for _ in range(_MOST_LEVELS):
        candidates += (here / _PROJECT, here / _PYPROJECT)
        if is_there(here / ".git"):
            break
        above = here / ".."
        if not is_there(above) or here.samefile(above):
            candidates = candidates[:2]
            break
        here = above
    for path in candidates:
        if is_there(path) and (
            path.name == _PROJECT or b"smtpdoctor" in beginning_of(path, _LARGEST_PROJECT)
        ):
            return path
    return None


def asked_for(request: Request, known: Known, profile: str | None = None) -> Request:
    """Return a request of flags alone, completed by what the project's file says for every run or one profile."""
    path = project_file()
    if path is None and profile is None:
        return request
    from smtpdoctor.cli.profiles import with_project

    return with_project(request, path, known, profile)


def flags_of(request: Request) -> Flags:
    """Return what a request says of the settings."""
    return Flags(
        preset=request.preset,
        app=request.app,
        url=request.url,
        host=request.host,
        port=request.port,
        security=request.security,
        username=request.username,
        password=request.password,
        sender=request.sender,
        ehlo=request.ehlo,
        recipient=request.to,
        origins=request.origins,
    )


def policy_of(request: Request) -> Policy:
    """Return what decides the exit code; raises UsageError for an id that does not exist, with the nearest."""
    for one in request.ignore:
        if one.id not in load.ids():
            from difflib import get_close_matches

            message = Message("usage.ignore.unknown", {"name": one.id})
            near = get_close_matches(one.id.lower(), list(load.ids()), 1, _NEAR)
            hint = Message("usage.near", {"name": near[0]}) if near else Message("usage.ignore.list")
            raise UsageError(message, hint)
    return Policy(fail_on=request.fail_on or "error", ignore=request.ignore, strict=request.strict)


def refuse_unfit(request: Request) -> None:
    """Raise UsageError for flags that a configuration file excludes, or that need one."""
    if request.config:
        refuse_together(("--config", True), ("--preset", request.preset is not None))
        return
    for flag, value in (("--service", request.service), ("--app-version", request.app_version)):
        if value is not None:
            raise UsageError(Message("usage.needs", {"flag": flag, "other": "--config"}))


def loaded_for(request: Request, *, lang: Lang, known: Known) -> list[tuple[str, Loaded]]:
    """Return the settings of each application that a request is about, with its service; raises UsageError."""
    refuse_unfit(request)
    flags, env_files, environment = flags_of(request), request.env_file or [], not request.no_environment
    if not request.config:
        return [("", load_settings(flags, env_files, environment=environment, lang=lang, known=known))]
    from smtpdoctor.cli.config import Files, load_configs

    files = Files(environment=environment)
    found = load_configs(
        flags,
        [*request.config, *env_files],
        service=request.service,
        version=request.app_version or "",
        environment=environment,
        known=known,
        files=files,
    )
    for message in files.passed_over:
        tell(known.say(lang, message))
    return [(one.service, one.loaded) for one in found]


@lru_cache(maxsize=32)
def _names(app: str | None) -> tuple[str, ...]:
    """Return the variables to look for: one application's, or every one's for detection."""
    found = load.app(app) if app else None
    apps = [found] if found else list(load.apps().values())
    names: dict[str, None] = {}
    for one in apps:
        for variables in one.variables.values():
            names.update((name, None) for name in variables)
        names.update((name, None) for name in (*one.flags, *one.detect))
    return tuple(names)


def _unreadable(variables: Variables) -> Iterator[Message]:
    """Yield the lines that cannot be read: what is looked for may be lost with them."""
    for one in variables.evidence:
        if Label.BAD_LINE in one.labels:
            yield Message("usage.nothing.bad-line", {"place": one.facts["place"]})


def _meant(app: str | None, variables: Variables) -> Iterator[Message]:
    """Yield what stands there under other names."""
    from smtpdoctor.settings.names import MOST, listed, unread_names

    found = unread_names(load.app(app or "smtp") or load.apps()["smtp"], variables.layers, ())
    near = [one for one in found if one.expected]
    for one in near[:MOST]:
        values: dict[str, object] = {"name": one.name, "place": str(one.origin), "expected": one.expected}
        yield Message("usage.nothing.near", values)
    if len(near) > MOST:
        yield Message("usage.nothing.more", {"count": len(near) - MOST})
    apps = dict.fromkeys(one.app for one in found if one.app)
    for other in apps:
        names = [one for one in found if one.app == other]
        values = {
            "names": listed([one.name for one in names]),
            "place": str(names[0].origin),
            "app": other,
        }
        yield Message("usage.nothing.foreign", values)


def _named_by(doubt: UsageError | None, meant: Sequence[Message]) -> list[Message]:
    """Return how to say whose settings stand there, where they are a framework's by all means, or of what it made."""
    foreign = any(one.key == "usage.nothing.foreign" for one in meant)
    hints = doubt.hints if doubt is not None and foreign else ()
    return [one for one in hints if one.key == "usage.config.ambiguous.framework"]


def _elsewhere(known: Known) -> Iterator[Message]:
    """Yield which files of the project have settings, the likeliest first; a few of them at most."""
    from smtpdoctor.cli.beside import settings_in
    from smtpdoctor.cli.config import load_configs

    left = _MOST_FILES
    for path in settings_in(Path()):
        try:
            found = load_configs(Flags(), [path], environment=False, known=known)
        except UsageError:
            continue  # nobody has asked for it
        hosts = ((one, one.reading.used.get("host")) for one in found)
        one = next((one for one, host in hosts if host is not None and host.at is not None), None)
        if one is not None:
            dialect = one.reading.dialect
            key = "usage.nothing.elsewhere.base" if dialect.id in load.apps() else "usage.nothing.elsewhere"
            yield Message(key, {"file": str(path), "app_name": dialect.name.en})
            left -= 1
        if not left:
            return


def implicit_files(env_files: list[Path]) -> list[Path]:
    """Return the `.env` files that are read: those that were named, else the one that is there."""
    return env_files or ([_IMPLICIT] if is_there(_IMPLICIT) else [])


def _of_application(
    flags: Flags, env_files: list[Path], *, environment: bool, known: Known, read: Files | None
) -> Loaded:
    """Return the settings of the application that was named, from `.env` files and the environment."""
    from smtpdoctor.cli.config import load_configs

    return load_configs(flags, implicit_files(env_files), environment=environment, known=known, files=read)[
        0
    ].loaded


def _another_application(
    flags: Flags, env_files: list[Path], *, environment: bool, known: Known, read: Files | None, named: bool
) -> Loaded | UsageError | None:
    """Return the settings of another application whose variables stand there, None where nothing decides.

    Where they may be of several, what is said of that.
    ``named``: a host of the base variables is there; whose it is only a source beside the file can say.
    """
    from smtpdoctor.cli.config import load_configs

    files = implicit_files(env_files)
    if not files and not environment:
        return None
    try:
        found = load_configs(flags, files, environment=environment, known=known, files=read)
    except UsageError as doubt:
        return doubt  # what stands there is told as it is
    takers = [one for one in found if one.identified.reason == "sources"]
    if len(takers) > 1:
        told = ", ".join(f"{one.document.path} ({one.reading.dialect.name.en})" for one in takers)
        raise UsageError(
            Message("usage.config.sources", {"file": str(files[0]), "names": told}),
            Message("usage.config.sources.how", {"file": takers[0].document.path}),
        )
    if named and not takers:
        return None
    host = found[0].reading.used.get("host")
    # A name or two may be a slip of the pen; who names a host means it.
    return found[0].loaded if len(found) == 1 and host is not None and host.at is not None else None


def load_settings(
    flags: Flags,
    env_files: list[Path],
    *,
    environment: bool,
    lang: Lang,
    known: Known,
    files: Files | None = None,
) -> Loaded:
    """Read every source and merge them; raises UsageError, also where there is nothing at all.

    ``known`` learns what is secret in them: what comes from a pipe cannot be read twice. ``files`` keeps what
    was read, for who reads it again.
    """
    refuse_together(("--url", flags.url is not None), ("--host", flags.host is not None))
    refuse_together(("--url", flags.url is not None), ("--port", flags.port is not None))
    refuse_together(("--url", flags.url is not None), ("--security", flags.security is not None))
    if flags.app is not None and flags.app.strip().lower() not in load.apps():
        return _of_application(flags, env_files, environment=environment, known=known, read=files)
    names = _names(flags.app)
    variables: Variables = read_variables(
        environment=os.environ if environment else None,
        env_files=env_files,
        implicit_env_file=_IMPLICIT,
        names=names,
        texts=files.texts if files is not None else None,
    )
    known.learn(*secrets_in(variables))
    given = any((flags.preset, flags.url, flags.host))
    hosts = load.apps()["smtp"].variables["host"]
    named = any(name in variables.values for name in hosts)
    doubt: UsageError | None = None
    # Names that are not read beside those that are: whoever wrote them has other names for the rest.
    if not given and (not named or any(layer.others for layer in variables.layers)):
        other = _another_application(
            flags, env_files, environment=environment, known=known, read=files, named=named
        )
        if isinstance(other, Loaded):
            return other
        doubt = other
    if not given and not any(variable.text for variable in variables.values.values()):
        shown = [name for name in names if name.startswith("SMTP_")][:3]
        places = places_looked_at(environment, env_files, _IMPLICIT, [*shown, "…"], lang)
        meant = list(_meant(flags.app, variables))
        there = _named_by(doubt, meant) or (list(_elsewhere(known)) if not meant and not env_files else [])
        raise UsageError(
            Message("usage.nothing"),
            *_unreadable(variables),
            *meant,
            *there,
            Message("usage.nothing.looked", {"places": places}),
            # Whoever has settings needs no help to write others.
            *(() if there else (Message(f"usage.nothing.{one}") for one in _BEGINNINGS)),
        )
    loaded = resolve(flags, variables)
    password = loaded.settings.password
    if password is not None:
        refuse_long(password.value.reveal(), password.origin.name)
    if password is not None and password.origin.name == "--url":
        from smtpdoctor.text import say

        tell(say(lang, "usage.url.password"))
    return loaded
