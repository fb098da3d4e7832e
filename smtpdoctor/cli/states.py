"""The files that a command names as a state that can be changed and read again, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import normpath
from pathlib import Path

from smtpdoctor.cli.config import Files, load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.settings import Request, flags_of, implicit_files, load_settings, refuse_unfit
from smtpdoctor.fix.state import State, Subject
from smtpdoctor.formats import env
from smtpdoctor.formats.document import Document, Scope, Source
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.base import dialect_of_app
from smtpdoctor.model import Lang
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.resolve import Loaded

__all__ = ["state_for"]


def state_for(
    request: Request, *, lang: Lang, known: Known, texts: Mapping[str, str | None] | None = None
) -> State:
    """Read what a request is about, but for ``texts``, which take the place of files; raises UsageError."""

    def again(changed: Mapping[str, str | None]) -> State:
        return state_for(request, lang=lang, known=known, texts=changed)

    refuse_unfit(request)
    flags, configs, env_files = flags_of(request), request.config, request.env_file or []
    environment = not request.no_environment
    files = Files(environment=environment, texts=texts)
    paths = [*configs, *env_files] if configs else implicit_files(env_files)
    if not configs:
        loaded = load_settings(flags, env_files, environment=environment, lang=lang, known=known, files=files)
        if loaded.settings.app in load.apps():
            return _of_base(loaded, paths, files, again)
        files.documents.clear()
    found = load_configs(
        flags,
        paths,
        service=request.service,
        version=request.app_version or "",
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
