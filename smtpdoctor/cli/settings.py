"""The command line's sources of settings → ``Loaded``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from smtpdoctor.cli.common import places_looked_at, refuse_together, tell
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.files import is_there
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.model import Lang, Message
from smtpdoctor.settings.read import Variables, read_variables, refuse_long
from smtpdoctor.settings.resolve import Flags, Loaded, resolve, secrets_in

__all__ = ["load_applications", "load_settings"]

_IMPLICIT = Path(".env")


def _names(app: str | None) -> list[str]:
    """Return the variables to look for: one application's, or every one's for detection."""
    found = load.app(app) if app else None
    apps = [found] if found else list(load.apps().values())
    names: dict[str, None] = {}
    for one in apps:
        for variables in one.variables.values():
            names.update((name, None) for name in variables)
        names.update((name, None) for name in (*one.flags, *one.detect))
    return list(names)


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


def _files(env_files: list[Path]) -> list[Path]:
    return env_files or ([_IMPLICIT] if is_there(_IMPLICIT) else [])


def _of_application(flags: Flags, env_files: list[Path], *, environment: bool, known: Known) -> Loaded:
    """Return the settings of the application that was named, from `.env` files and the environment."""
    from smtpdoctor.cli.config import load_configs

    return load_configs(flags, _files(env_files), environment=environment, known=known)[0].loaded


def _another_application(
    flags: Flags, env_files: list[Path], *, environment: bool, known: Known
) -> Loaded | None:
    """Return the settings of another application whose variables stand there, None where nothing decides."""
    from smtpdoctor.cli.config import load_configs

    files = _files(env_files)
    if not files and not environment:
        return None
    try:
        found = load_configs(flags, files, environment=environment, known=known)
    except UsageError:
        return None  # what stands there is told as it is
    host = found[0].reading.used.get("host")
    # A name or two may be a slip of the pen; who names a host means it.
    return found[0].loaded if len(found) == 1 and host is not None and host.at is not None else None


def load_applications(
    flags: Flags,
    configs: list[Path] | None,
    env_files: list[Path] | None,
    *,
    service: str | None,
    app_version: str | None,
    environment: bool,
    lang: Lang,
    known: Known,
) -> list[tuple[str, Loaded]]:
    """Return the settings of each application that the command line names, with its service; raises UsageError."""
    if configs:
        from smtpdoctor.cli.config import load_configs

        refuse_together(("--config", True), ("--preset", flags.preset is not None))
        found = load_configs(
            flags,
            [*configs, *(env_files or [])],
            service=service,
            version=app_version or "",
            environment=environment,
            known=known,
        )
        return [(one.service, one.loaded) for one in found]
    for flag, value in (("--service", service), ("--app-version", app_version)):
        if value is not None:
            raise UsageError(Message("usage.needs", {"flag": flag, "other": "--config"}))
    return [("", load_settings(flags, env_files or [], environment=environment, lang=lang, known=known))]


def load_settings(
    flags: Flags, env_files: list[Path], *, environment: bool, lang: Lang, known: Known
) -> Loaded:
    """Read every source and merge them; raises UsageError, also where there is nothing at all.

    ``known`` learns what is secret in them: what comes from a pipe cannot be read twice.
    """
    refuse_together(("--url", flags.url is not None), ("--host", flags.host is not None))
    refuse_together(("--url", flags.url is not None), ("--port", flags.port is not None))
    refuse_together(("--url", flags.url is not None), ("--security", flags.security is not None))
    if flags.app is not None and flags.app.strip().lower() not in load.apps():
        return _of_application(flags, env_files, environment=environment, known=known)
    names = _names(flags.app)
    variables: Variables = read_variables(
        environment=os.environ if environment else None,
        env_files=env_files,
        implicit_env_file=_IMPLICIT,
        names=names,
    )
    known.learn(*secrets_in(variables))
    given = any((flags.preset, flags.url, flags.host))
    hosts = load.apps()["smtp"].variables["host"]
    if not given and not any(name in variables.values for name in hosts):
        other = _another_application(flags, env_files, environment=environment, known=known)
        if other is not None:
            return other
    if not given and not any(variable.text for variable in variables.values.values()):
        shown = [name for name in names if name.startswith("SMTP_")][:3]
        places = places_looked_at(environment, env_files, _IMPLICIT, [*shown, "…"], lang)
        raise UsageError(
            Message("usage.nothing"),
            *_unreadable(variables),
            *_meant(flags.app, variables),
            Message("usage.nothing.looked", {"places": places}),
            Message("usage.nothing.generate"),
            Message("usage.nothing.preset"),
            Message("usage.nothing.sandbox"),
        )
    loaded = resolve(flags, variables)
    password = loaded.settings.password
    if password is not None:
        refuse_long(password.value.reveal(), password.origin.name)
    if password is not None and password.origin.name == "--url":
        from smtpdoctor.text import say

        tell(say(lang, "usage.url.password"))
    return loaded
