"""``--config``: files of any application → what it makes of them, one result for each application."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.files import is_there, read_file
from smtpdoctor.formats import SOURCE_CODE
from smtpdoctor.formats.document import Assignment, Document, Place, Region, Scope, Source, TooLargeError
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.table import names_of
from smtpdoctor.model import Message, Secret, SettingName
from smtpdoctor.settings.config import loaded_of
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.identify import Identified, identify, unknown_app
from smtpdoctor.settings.parts import has_entries, parts_of
from smtpdoctor.settings.read import decoded, names_secret, refuse_long
from smtpdoctor.settings.reading import Oddity, Reading
from smtpdoctor.settings.resolve import Flags, Loaded, from_flags

if TYPE_CHECKING:
    from smtpdoctor.formats.document import Problem

__all__ = ["Configured", "Files", "load_configs"]

_LARGEST: Final = 16_777_216  # bytes of a file; a large one of Kubernetes has some 100 KB
_LARGEST_BESIDE: Final = 4_194_304  # lock files are long
_MOST_BESIDE: Final = 50
_MOST_CANDIDATES: Final = 8
_MOST_TOLD: Final = 3
# What has rules of its own for the values that it hands to applications.
_CARRIERS: Final = frozenset({"compose", "kubernetes"})
_MOST_COMPARED: Final = 20  # names that nobody reads
_NEAR: Final = 0.85
_OF_MAIL: Final = re.compile(r"(?i)mail|smtp")
_TOLD_APART: Final[tuple[SettingName, ...]] = ("host", "port", "username")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*")
_OF_HOST: Final = re.compile(r"(?i)(?:\w+_)?(?:SMTP|E?MAIL|MAILER)_?(?:HOST|HOSTNAME|SERVER|ADDRESS|URL|DSN)")
_NOWHERE: Final = Region(Place("", 0, 0), 0, 0)  # the environment of the process
_VARIABLES: Final = (".env", ".env.local", ".env.production", "../.env", "../../.env")
# Syntaxes that look for `.env` by themselves, or are it.
_OWN_ENV: Final = frozenset({"dotenv", "compose"})
# Syntaxes that each reader has rules of its own for.
# Who reads the `.env` beside source code, where the application's own dialect does not say: what its language has.
_ENV_READERS: Final = {
    "go": "godotenv",
    "javascript": "dotenv-node",
    "php": "phpdotenv",
    "ruby": "dotenv-ruby",
}
# … and what the code itself names for it.
_NAMED_READERS: Final = (
    ("python", "environ.Env", "django-environ"),
    ("javascript", "dotenv-expand", "dotenv-node-expand"),
    ("javascript", "expandVariables", "dotenv-node-expand"),
)
_BY_READER: Final = frozenset({"dotenv", "ini", "properties"})
# Frameworks in these read no variable by themselves: what their code does not take has no effect.
_BY_CODE: Final = frozenset({"javascript", "python"})
_VARIABLES_IN: Final = frozenset({"environment", "dotenv"})


class Configured(Struct, frozen=True):
    """One application's settings: the service where a file has several, who it is and why, what it makes of them.

    ``document`` is what the files say that were read for it.
    """

    service: str
    identified: Identified
    reading: Reading
    loaded: Loaded
    document: Document


def load_configs(
    flags: Flags,
    paths: Sequence[Path],
    *,
    service: str | None = None,
    version: str = "",
    environment: bool = True,
    known: Known,
    files: Files | None = None,
) -> list[Configured]:
    """Read the files and say what each application makes of them; raises UsageError where nothing decides.

    ``files`` keeps what was read, for who reads it again.
    """
    reader = files or Files(environment=environment)
    dialect = _named(flags.app, reader.app_flag)
    merged: dict[str, tuple[Document, list[Assignment], Scope]] = {}
    decided: dict[str, Identified] = {}
    for path in paths:
        document = reader.document(path, dialect)
        if dialect is None and len(paths) == 1 and document.syntax == "dotenv":
            for name, said, who in reader.by_project(path, document):
                decided[name] = who
                if service in {None, name}:
                    merged[name] = (said, list(said.scopes[0].assignments), said.scopes[0])
        for scope in () if decided else _scopes(document, dialect):
            if service is not None and scope.name != service:
                continue
            before = merged.get(scope.name)
            if before is None:
                merged[scope.name] = (document, list(scope.assignments), scope)
            else:  # later files win
                texts = {**before[0].texts, **document.texts}
                joined = replace(before[0], texts=texts, problems=before[0].problems + document.problems)
                first = before[2] if before[2].image or before[2].environment else scope
                merged[scope.name] = (joined, [*before[1], *scope.assignments], first)
    if not paths:
        merged[""] = _environment_alone()
    if service is not None and not merged:
        raise UsageError(Message("usage.config.service", {"name": service, "file": str(paths[0])}))
    found = list(_configured(merged, flags, dialect, decided, version, reader, environment=environment))
    for one in found:
        known.learn(*(secret.reveal() for secret in one.loaded.secrets))
    if not found:
        raise _nothing(paths, dialect, reader)
    return found


def _scopes(document: Document, dialect: Dialect | None) -> Iterator[Scope]:
    """Yield the scopes of a file, one for each entry of a list where each sends by a server of its own."""
    names = load.dialect_names()
    may_be_listed = document.syntax not in SOURCE_CODE and document.syntax != "dotenv"
    for scope in _of_charts(document):
        app = dialect.id if dialect is not None else ""
        if dialect is None and may_be_listed and has_entries(scope, names):
            app = identify(scope, document.path, names, syntax=document.syntax).app or ""
        if app in names.each:
            yield from parts_of(scope, app, names)
        else:
            yield scope


def _of_charts(document: Document) -> Iterator[Scope]:
    """Yield the scopes of a file; of values for a chart of charts, those of each application's own chart as well.

    Such a chart has the values of another one under its name: ``grafana.…``, ``stack.grafana.…``.
    """
    yield from document.scopes
    if document.syntax != "yaml" or len(document.scopes) != 1:
        return
    inner: dict[str, list[Assignment]] = {}
    apps = frozenset(load.dialect_ids())
    for one in document.scopes[0].assignments:
        head, _, rest = one.name.partition(".")
        below, _, last = rest.partition(".")
        if head in apps and rest:
            inner.setdefault(head, []).append(replace(one, name=rest))
        elif below in apps and last:
            inner.setdefault(f"{head}.{below}", []).append(replace(one, name=last))
    names = load.dialect_names()
    for name, found in inner.items():
        scope = replace(document.scopes[0], name=name, assignments=tuple(found))
        if identify(scope, document.path, names, syntax="yaml").app == name.rpartition(".")[2]:
            yield scope


def _can_hold(scope: Scope, dialect: Dialect) -> bool:
    """Whether an application can have settings there: one that is only given them in calls reads no variable."""
    return not _is_called(dialect) or not all(_VARIABLE.fullmatch(one.name) for one in scope.assignments)


def _is_called(dialect: Dialect) -> bool:
    """Whether an application has all of its settings as arguments in source code."""
    names = (name for key in dialect.keys.values() for name in key.names)
    reads_variables = not _VARIABLES_IN.isdisjoint(dialect.syntaxes) or any(map(_VARIABLE.fullmatch, names))
    return not reads_variables and not SOURCE_CODE.isdisjoint(dialect.syntaxes)


def _environment_alone() -> tuple[Document, list[Assignment], Scope]:
    """Return the process environment as a document: the names of it that some application reads."""
    names = load.dialect_names()
    found = [
        Assignment(name=name, value=text, region=_NOWHERE)
        for name, text in os.environ.items()
        if names.readers(name)
    ]
    scope = Scope(assignments=tuple(found), environment=True)
    return Document(path="", syntax="environment", texts={}, scopes=(scope,)), found, scope


def _named(name: str | None, flag: str) -> Dialect | None:
    if name is None:
        return None
    dialect = load.dialect(name)
    if dialect is None:
        raise unknown_app(name, flag)
    return dialect


def _configured(
    merged: Mapping[str, tuple[Document, list[Assignment], Scope]],
    flags: Flags,
    asked: Dialect | None,
    decided: Mapping[str, Identified],
    version: str,
    files: Files,
    *,
    environment: bool,
) -> Iterator[Configured]:
    doubt: UsageError | None = None
    seen: set[tuple[str, tuple[Region, ...]]] = set()
    effects: list[tuple[object, ...]] = []
    for name, (document, assignments, first) in merged.items():
        scope = replace(first, assignments=tuple(assignments))
        who = decided.get(name) or identify(
            scope, document.path, load.dialect_names(), syntax=document.syntax
        )
        if asked is not None:
            if (who.reason == "nothing" and len(merged) > 1) or not _can_hold(scope, asked):
                continue
            who = Identified(asked.id, "asked")
        if who.reason == "nothing":
            continue
        if who.app is None:
            doubt = doubt or _ambiguous(who, document, name, assignments, files.app_flag)
            files.passed_over += _passed_over(who, document, name, assignments)
            continue
        dialect = asked or load.dialect(who.app)
        same = (
            who.app,
            tuple(one.region for one in assignments),
        )  # msmtp's default account is one of the others
        if dialect is None or same in seen:
            continue
        seen.add(same)
        if environment:
            scope = replace(scope, assignments=(*scope.assignments, *_from_environment(dialect)))
        # The application has these in its environment, under what this file says. Code has what it asks for.
        if document.variables and document.syntax not in SOURCE_CODE:
            scope = replace(scope, assignments=(*document.variables, *scope.assignments))
        _refuse_long(scope, dialect)
        known = version or _version_of(dialect, scope) or files.locked(dialect, document.path)
        reading = read(dialect, scope, version=known)
        if untaken := files.untaken.get(document.path):
            odd = (Oddity(kind="unread", name=one.name, at=one) for one in untaken)
            reading = replace(reading, oddities=(*reading.oddities, *odd))
        if scope.part and (effect := _effect_of(reading)) in effects:
            continue  # it does the same as another entry
        elif scope.part:
            effects.append(effect)
        loaded = loaded_of(reading, document, from_flags(flags))
        hidden = (Secret(one.value) for one in document.variables if one.value and names_secret(one.name))
        yield Configured(name, who, reading, replace(loaded, secrets=(*loaded.secrets, *hidden)), document)
    if doubt is not None and not seen:
        raise doubt


def _effect_of(reading: Reading) -> tuple[object, ...]:
    """Return what an application does, wherever it says so."""
    used = {name: (one.text, one.at if one.text is None else None) for name, one in reading.used.items()}
    odd = [(one.kind, one.setting, one.name.rpartition(".")[2]) for one in reading.oddities]
    checks = (reading.verifies, reading.checks_name)
    return (used, odd, [one.security for one in reading.answers], reading.logs_in, *checks)


def _refuse_long(scope: Scope, dialect: Dialect) -> None:
    """Raise UsageError for a value that is longer than any setting of mail can be."""
    names = {one.partition("@")[0] for one in names_of(dialect)}
    for one in scope.assignments:
        if one.value and (name := one.name.partition("@")[0]) in names:
            place = one.region.place
            refuse_long(one.value, f"{name} ({place.path}:{place.line})" if place.path else name)


def _from_environment(dialect: Dialect) -> Iterator[Assignment]:
    """Yield what the process environment says; its values stand over those of files."""
    for name in dict.fromkeys(one.partition("@")[0] for one in names_of(dialect)):
        if (text := os.environ.get(name)) is not None:
            yield Assignment(name=name, value=text, region=_NOWHERE)


def _version_of(dialect: Dialect, scope: Scope) -> str:
    """Return the version that the tag of an image says, where it is the application's own that counts."""
    if dialect.version_of not in {"", dialect.id}:
        return ""
    tag = scope.image.partition("@")[0].rpartition(":")[2] if ":" in scope.image.rpartition("/")[2] else ""
    tag = tag.removeprefix("v")
    return tag if tag[:1].isdigit() else ""


class Files:
    """Reads the files that were named, and those that they name.

    ``texts`` is what was read, None where there is no such file: what is there already is not read again, so
    that a change can be tried without a file. ``documents`` are those of the named files,
    ``passed_over`` says which services with mail settings are nobody's for sure. ``flag`` and ``app_flag`` are
    what files and the application are named with.
    """

    def __init__(
        self,
        *,
        environment: bool,
        texts: Mapping[str, str | None] | None = None,
        flag: str = "--config",
        app_flag: str = "--app",
    ) -> None:
        self.app_flag = app_flag
        self._flag = flag
        self.texts: dict[str, str | None] = dict(texts or {})
        self.documents: list[Document] = []
        self._environment = dict(os.environ) if environment else {}
        self._left = _MOST_BESIDE
        self._env_texts: dict[str, str] = {}
        self._kept: dict[Path, bytes] = {}  # of the sources beside a `.env`
        self.untaken: dict[str, tuple[Assignment, ...]] = {}
        self.passed_over: list[Message] = []

    @property
    def how(self) -> str:
        """How another file would be named on the command line."""
        return f"{self._flag} FILE" if self._flag.startswith("-") else "smtpdoctor convert FILE"

    def document(self, path: Path, dialect: Dialect | None) -> Document:
        """Return what a file says, read by the rules of whoever reads it; raises UsageError."""
        document = self._document(path, dialect)
        self.documents.append(document)
        return document

    def by_project(self, path: Path, document: Document) -> list[tuple[str, Document, Identified]]:
        """Return what the project around a `.env` makes of it, where its names alone do not tell whose they are.

        One for each source that takes its server from there, by its path where there are several; else the file
        itself, where the packages of the project decide. Nothing where its names tell.
        """
        from smtpdoctor.cli import beside

        scope = document.scopes[0] if document.scopes else None
        who = identify(scope, document.path, load.dialect_names(), syntax="dotenv") if scope else None
        names = load.dialect_names()
        if (
            scope is None
            or who is None
            or (who.sure and not _BY_CODE.intersection(names.syntaxes[who.app or ""]))
        ):
            return []
        about = {
            one.name for one in scope.assignments if _OF_MAIL.search(one.name) or names.readers(one.name)
        }
        sources = beside.sources(path, about, self._kept)
        if not sources and who.reason != "ambiguous":
            return []
        of = beside.packages(path, self._kept)
        called = {one.rpartition("/")[2] for one in of.names}
        told = {app for app in (who.app, *who.candidates) if app} & called
        if len(told) == 1:  # it lies in the application's own sources
            app = told.pop()
            return [("", document, Identified(app, "packages", (app,)))] if who.app is None else []
        found, whole = self._takers(path, sources, of.needs)
        if who.sure:  # what else lies there is not what the file is for
            found = [one for one in found if one[1].app == who.app]
        if found:
            self._keep_untaken(
                scope, about, found, beside.mentioned(sources, self._kept) if whole else frozenset()
            )
            self.documents += [said for said, _ in found]
            several = len(found) > 1
            return [(said.path if several else "", said, whose) for said, whose in found]
        by_package = {
            app: package
            for app in who.candidates
            for package in names.packages.get(app, ())
            if package in of.needs | beside.imported(sources, self._kept)
        }
        if len(by_package) == 1:
            (app, package) = by_package.popitem()
            return [("", document, Identified(app, "packages", (package,)))]
        return []

    def _takers(
        self, env: Path, sources: Sequence[Path], needs: frozenset[str]
    ) -> tuple[list[tuple[Document, Identified]], bool]:
        """Return the sources whose mail settings come from a `.env`, and whether the server does as well.

        Of those that say the same there is one.
        An object with a host and a port may be anybody's: more has to say whose, or the packages of the project.
        """
        from smtpdoctor.cli import beside

        found: dict[tuple[object, ...], tuple[Document, Identified]] = {}
        without: list[tuple[Document, Identified]] = []
        for path in sources:
            try:
                document = self._document(path, None, env)
            except UsageError:
                continue  # nobody has asked for it
            for scope in document.scopes[:1]:
                who = identify(scope, document.path, load.dialect_names(), syntax=document.syntax)
                dialect = load.dialect(who.app) if who.app is not None else None
                packages = load.dialect_names().packages.get(who.app or "", ())
                known = (
                    who.sure
                    or who.own
                    or needs.union(beside.imported([path], self._kept)).intersection(packages)
                )
                if dialect is None or not known:
                    continue
                reading = read(dialect, scope)
                host = reading.used.get("host")
                taken = any(
                    one.region.place.path == str(env) and dialect.id in load.dialect_names().readers(one.name)
                    for one in scope.assignments
                )
                if host is None or host.text is None or not taken:
                    continue
                whose = replace(who, reason="sources", shown=(document.path,))
                if host.at is None:
                    without.append((document, whose))
                    continue
                values = tuple(one.text for one in map(reading.used.get, _TOLD_APART) if one is not None)
                key = (dialect.id, reading.security, reading.on, values)
                found.setdefault(key, (document, whose))
        # The server of who takes only a part may stand in yet another file; of the settings of a program it is none.
        return list(found.values()) or [one for one in without[:1] if one[1].sure], bool(found)

    def _keep_untaken(
        self,
        scope: Scope,
        about: Container[str],
        found: Sequence[tuple[Document, Identified]],
        mentioned: Container[str],
    ) -> None:
        """Keep the names of a `.env` that an application's settings have and that no source takes.

        What is mentioned may be taken in a way that is not seen.
        """
        for document, who in found:
            taken = {place for each in document.scopes for one in each.assignments for place in one.places}
            self.untaken[document.path] = tuple(
                one
                for one in scope.by_name().values()
                if one.name in about
                and one.value
                and load.dialect_names().readers(one.name).get(who.app or "") in {"own", "mail"}
                and one.region.place not in taken
                and one.name not in mentioned
            )

    def _document(self, path: Path, dialect: Dialect | None, env: Path | None = None) -> Document:
        """Return what a file says; ``env`` is the `.env` that it gets its variables from, where that is known."""
        from smtpdoctor.formats import SYNTAXES, syntax_of

        said: dict[str, object] = {"file": str(path), "flag": self._flag}
        key = os.path.normpath(path)
        text = self.texts.get(key)
        if text is None:
            data = self._kept.get(path) or read_file(path, most=_LARGEST, flag=self._flag, pipes=True)
            text = decoded(data, said)
            self.texts[key] = text
        syntax = syntax_of(str(path), text)
        if syntax is None and not text.strip():
            raise UsageError(Message("usage.config.empty", said))
        if syntax is None:
            raise UsageError(Message("usage.config.syntax", {**said, "known": ", ".join(SYNTAXES)}))
        source = Source(
            path=str(path),
            text=text,
            beside=lambda name: self._beside(path, name),
            reader=dialect.rules_of(syntax) if dialect is not None else "",
            environment=self._environment,
        )
        try:
            if syntax not in _OWN_ENV:
                source = self._with_variables(source, _env_rules(dialect, syntax, text), env)
            document = _read_as(syntax, source)
            if source.variables:
                texts = {**document.texts, **self._env_texts}
                document = replace(document, variables=tuple(source.variables.values()), texts=texts)
            if dialect is None:
                document = self._again(document, source, env)
        except TooLargeError as error:
            values: dict[str, object] = {"place": str(error.place), "what": error.what, "most": error.most}
            raise UsageError(Message("usage.config.limit", values)) from None
        return document

    def _again(self, document: Document, source: Source, env: Path | None) -> Document:
        """Read a file once more, as the application does whose names stand in it, where its rules are others."""
        syntax = document.syntax
        if not document.scopes or not (syntax in _BY_READER or source.variables):
            return document
        who = identify(document.scopes[0], document.path, load.dialect_names(), syntax=syntax)
        dialect = load.dialect(who.app) if who.app is not None else None
        rules = dialect.rules_of(syntax) if dialect is not None and syntax in _BY_READER else ""
        of_env = _env_rules(dialect, syntax, source.text)
        if source.variables and of_env != _env_rules(None, syntax, source.text):
            source = self._with_variables(source, of_env, env)
        elif not rules:
            return document
        again = _read_as(syntax, replace(source, reader=rules))
        texts = {**document.texts, **again.texts}
        return replace(again, variables=tuple(source.variables.values()), texts=texts)

    def locked(self, dialect: Dialect, path: str) -> str:
        """Return the version that a lock file beside a configuration, or above it, names."""
        from smtpdoctor.formats.locks import locked_version

        for lock in dialect.locks if dialect.version_of and path else ():
            for name in (lock, f"../{lock}", f"../../{lock}"):
                text = self._beside(Path(path), name)
                version = locked_version(lock, text, dialect.version_of) if text is not None else None
                if version is not None:
                    return version
        return ""

    def _beside(self, path: Path, name: str) -> str | None:
        """Return the text of a file that another one names, None where there is none."""
        other = path.parent / name
        key = os.path.normpath(other)
        if key in self.texts:
            return self.texts[key]
        self.texts[key] = None
        if not is_there(other):
            return None
        self._left -= 1
        if self._left < 0:
            raise TooLargeError("files", _MOST_BESIDE, Place(str(path), 1))
        said: dict[str, object] = {"file": str(other), "flag": str(path)}
        data = self._kept.get(Path(key)) or read_file(other, most=_LARGEST_BESIDE, flag=str(path))
        text = self.texts[key] = decoded(data, said)
        return text

    def _with_variables(self, source: Source, rules: str, env: Path | None) -> Source:
        """Give a file the variables that a `.env` beside it, read by such rules, puts into its environment."""
        from smtpdoctor.formats import compose_env

        for name in _VARIABLES if env is None else [os.path.relpath(env, Path(source.path).parent)]:
            text = source.beside(name)
            if text is None:
                continue
            path = str(Path(source.path).parent / name) if env is None else str(env)
            self._env_texts[path] = text
            beside = compose_env.read(
                Source(path=path, text=text, reader=rules, environment=source.environment)
            )
            return replace(source, variables=beside.scopes[0].by_name() if beside.scopes else {})
        return source


def _env_rules(dialect: Dialect | None, syntax: str, text: str) -> str:
    """Return by whose rules the `.env` beside a file is read, "" for the usual ones."""
    named = next((reader for one, word, reader in _NAMED_READERS if one == syntax and word in text), "")
    own = dialect.rules_of("dotenv") if dialect is not None else ""
    return named or own or _ENV_READERS.get(syntax, "")


def _read_as(syntax: str, source: Source) -> Document:
    from smtpdoctor.formats import reader_of

    read_it = reader_of(syntax)
    if read_it is None:
        raise UsageError(Message("usage.config.unread", {"file": source.path, "syntax": syntax}))
    return read_it(source)


def _ambiguous(
    who: Identified, document: Document, service: str, assignments: Sequence[Assignment], app_flag: str
) -> UsageError:
    values: dict[str, object] = {
        "app_flag": app_flag,
        "file": document.path,
        "service": service,
        "known": _candidates(who),
    }
    key = "usage.config.ambiguous" if len(who.candidates) > 1 else "usage.config.ambiguous.one"
    return UsageError(
        Message(key, values),
        *_troubles([document]),
        *_changed(document, assignments),
        _how_to_name(who, assignments, app_flag),
    )


def _how_to_name(who: Identified, assignments: Sequence[Assignment], app_flag: str) -> Message:
    """Return how to say whose settings they are; of a framework and what is made with it the framework is likelier.

    Of two frameworks it is the one that reads more of what stands there.
    """
    values: dict[str, object] = {"app_flag": app_flag}
    names = load.dialect_names()
    made = [app for app in who.candidates if not SOURCE_CODE.isdisjoint(names.syntaxes.get(app, ()))]
    if len(made) > 1:
        read_by = [names.readers(one.name) for one in assignments]
        counts = {app: sum(app in readers for readers in read_by) for app in made}
        made = [app for app in made if counts[app] == max(counts.values())]
    framework = load.dialect(made[0]) if len(made) == 1 else None
    if framework is None:
        return Message("usage.config.ambiguous.how", values)
    values |= {"app": framework.id, "app_name": framework.name.en}
    return Message("usage.config.ambiguous.framework", values)


def _candidates(who: Identified) -> str:
    return ", ".join(who.candidates[:_MOST_CANDIDATES])


def _passed_over(
    who: Identified, document: Document, service: str, assignments: Sequence[Assignment]
) -> Iterator[Message]:
    """Yield what to say of a service that nobody can judge; without a server it sends no mail."""
    if service and any(_OF_HOST.fullmatch(one.name) for one in assignments):
        values = {"file": document.path, "service": service, "known": _candidates(who)}
        yield Message("usage.config.passed-over", values)


def _changed(document: Document, assignments: Sequence[Assignment]) -> Iterator[Message]:
    """Yield which values of mail settings are not what was meant, whichever application gets them."""
    if document.syntax not in _CARRIERS:
        return
    known = load.dialect_names()
    places: dict[str, dict[str, None]] = {}
    for one in assignments:
        for remark in one.remarks if known.readers(one.name) else ():
            key = "usage.config.newline" if remark.kind == "trailing-newline" else "usage.config.changed"
            places.setdefault(key, {})[f"{one.name} ({one.region.place})"] = None
    yield from (Message(key, {"names": ", ".join(found)}) for key, found in places.items())


def _troubles(documents: Sequence[Document]) -> list[Message]:
    """Return where files cannot be read: what is looked for may be lost with it."""
    found: dict[str, Problem] = {}
    for document in documents:
        for one in document.problems:
            if one.kind in {"syntax", "line", "refused", "limit", "cycle"}:
                found.setdefault(str(one.place), one)
    return [
        Message(
            "usage.config.trouble.limit" if one.kind == "limit" else "usage.config.trouble",
            {"place": place, "what": one.detail},
        )
        for place, one in list(found.items())[:_MOST_TOLD]
    ]


def _near(documents: Sequence[Document]) -> list[Message]:
    """Return names of mail settings that no application reads, each with the nearest that one does."""
    from difflib import get_close_matches

    names = load.dialect_names()
    known = list(filter(_OF_MAIL.search, names.exact))
    there = {
        one.name: one
        for document in documents
        for scope in document.scopes
        for one in scope.assignments
        if not names.readers(one.name)
    }
    found = []
    # A slip may be in the very word; those that have it are the likelier ones.
    ordered = sorted(there.items(), key=lambda one: _OF_MAIL.search(one[0]) is None)
    for name, one in ordered[:_MOST_COMPARED]:
        if near := get_close_matches(name, known, 1, _NEAR):
            place = f"{one.region.place.path}:{one.region.place.line}"
            found.append(Message("usage.nothing.near", {"name": name, "place": place, "expected": near[0]}))
    return found[:_MOST_TOLD]


def _nothing(paths: Sequence[Path], dialect: Dialect | None, files: Files) -> UsageError:
    hints = (*_troubles(files.documents), *_near(files.documents))
    values: dict[str, object] = {"file": ", ".join(map(str, paths))}
    if dialect is not None:
        names = [name for key in dialect.keys.values() for name in key.names]
        names = [name for name in names if not re.search(r"[*@]", name)] or names
        values |= {"app": dialect.name.en, "names": ", ".join(names[:4])}
        if _is_called(dialect):
            hints = (*hints, Message("usage.config.calls", {**values, "how": files.how}))
        return UsageError(Message("usage.config.nothing-of", values), *hints)
    return UsageError(Message("usage.config.nothing", values), *hints, Message("usage.app.list"))
