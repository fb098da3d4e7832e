"""The files that a command names as a state that can be changed and read again, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import normpath
from pathlib import Path

from smtpdoctor.cli.common import refuse_together
from smtpdoctor.cli.config import Files, load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.settings import Request, flags_of, implicit_files, load_settings
from smtpdoctor.errors import UsageError
from smtpdoctor.fix.state import State, Subject
from smtpdoctor.formats import env
from smtpdoctor.formats.document import Document, Scope, Source
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.base import dialect_of_app
from smtpdoctor.model import Lang, Message
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.resolve import Flags, Loaded

__all__ = ["state_for"]


def state_for(request: Request, *, lang: Lang, known: Known) -> State:
    """Read what a request is about; raises UsageError."""
    return _state_of(
        flags_of(request),
        request.config,
        request.env_file,
        service=request.service,
        app_version=request.app_version,
        environment=not request.no_environment,
        lang=lang,
        known=known,
    )


def _state_of(  # noqa: PLR0913 -- the sources of settings, and what takes the place of files
    flags: Flags,
    configs: list[Path] | None,
    env_files: list[Path] | None,
    *,
    service: str | None = None,
    app_version: str | None = None,
    environment: bool = True,
    lang: Lang = "en",
    known: Known,
    texts: Mapping[str, str | None] | None = None,
) -> State:
    """Read what the command line names, but for ``texts``, which take the place of files; raises UsageError."""

    def again(changed: Mapping[str, str | None]) -> State:
        return _state_of(
            flags,
            configs,
            env_files,
            service=service,
            app_version=app_version,
            environment=environment,
            lang=lang,
            known=known,
            texts=changed,
        )

    if configs:
        refuse_together(("--config", True), ("--preset", flags.preset is not None))
    else:
        for flag, value in (("--service", service), ("--app-version", app_version)):
            if value is not None:
                raise UsageError(Message("usage.needs", {"flag": flag, "other": "--config"}))
    files = Files(environment=environment, texts=texts)
    paths = [*configs, *(env_files or [])] if configs else implicit_files(env_files or [])
    if not configs:
        loaded = load_settings(
            flags, env_files or [], environment=environment, lang=lang, known=known, files=files
        )
        if loaded.settings.app in load.apps():
            return _of_base(loaded, paths, files, again)
        files.documents.clear()
    found = load_configs(
        flags,
        paths,
        service=service,
        version=app_version or "",
        environment=environment,
        known=known,
        files=files,
    )
    subjects = tuple(
        Subject(one.service, dialect, one.reading, one.loaded, one.document)
        for one in found
        if (dialect := load.dialect(one.identified.app or "")) is not None
    )
    return State(subjects, tuple(files.documents), files.texts, again)


def _of_base(loaded: Loaded, paths: list[Path], files: Files, again: object) -> State:
    """Return the state of the base variables, whose files are read as `.env` alone."""
    app = load.apps()[loaded.settings.app]
    documents = []
    for path in paths:
        text = files.texts.get(normpath(path))
        if text is not None:
            documents.append(env.read(Source(path=str(path), text=text)))
    assignments = tuple(
        one for document in documents for scope in document.scopes for one in scope.assignments
    )
    texts = {name: text for one in documents for name, text in one.texts.items()}
    whole = Document(
        path=str(paths[0]) if paths else "",
        syntax="dotenv",
        texts=texts,
        scopes=(Scope(assignments=assignments, environment=True),),
    )
    dialect = dialect_of_app(app)
    reading = read(dialect, whole.scopes[0])
    subject = Subject("", dialect, reading, loaded, whole)
    return State((subject,), tuple(documents), files.texts, again)  # type: ignore[arg-type]
