"""Docker Compose, and stacks of Swarm: one scope for each service, with the variables that its container gets.

Read as Compose 2 does it: YAML by Go's rules, ``${A}`` from the process and from ``.env`` beside the file,
``environment`` over ``env_file``, a later ``env_file`` over an earlier one, an override file over the file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from collections.abc import Mapping as Known
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.formats import compose_env
from smtpdoctor.formats.document import (
    Assignment,
    Document,
    Place,
    Problem,
    Remark,
    Scope,
    Source,
    TooLargeError,
)
from smtpdoctor.formats.embedded import embedded
from smtpdoctor.formats.substitution import Variables, compose_filled
from smtpdoctor.formats.yaml_nodes import Alias, Item, Mapping, Node, Scalar, Sequence
from smtpdoctor.formats.yaml_scalars import RULES, resolved
from smtpdoctor.formats.yaml_values import Found, Reader, as_word, beside, document_of, opened

__all__ = ["read"]

_DEFAULT_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES: Final = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
# Variables that hold a whole file, and what that is called.
_HELD: Final = {"GITLAB_OMNIBUS_CONFIG": "gitlab.rb"}
_MOST_FILES: Final = 50
_MOST_EXTENDS: Final = 20
_MOST_SERVICES: Final = 10_000
_MOST_ASSIGNMENTS: Final = 200_000  # of env files, for all services together


class _Service(Struct):
    """A service as it stands in one file, and what it was merged with."""

    name: str
    place: Place
    image: str = ""
    environment: dict[str, Assignment] = {}
    env_files: list[_EnvFile] = []
    over: bool = False  # nothing of the environment below it stays


class _EnvFile(Struct, frozen=True):
    path: str
    text: str | None
    place: Place
    raw: bool
    required: bool


class _Stack:
    """All files of a project."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.texts: dict[str, str] = {}
        self.files: dict[str, _File] = {}
        path, text = beside(source, ".env")
        known: dict[str, Assignment] = {}
        if text is not None:
            self.texts[path] = text
            document = compose_env.read(
                Source(path=path, text=text, reader="compose", environment=source.environment)
            )
            known = {name: one for scope in document.scopes for name, one in scope.by_name().items()}
            self.problems += document.problems
        self.read: dict[object, Document] = {}
        self.referred: dict[str, frozenset[str]] = {}
        self.count = 0
        self.variables = Variables(source.environment, known, whole=text is not None)

    def file(self, path: str, text: str) -> _File:
        """Return a file of the project; each is read once."""
        if path not in self.files:
            self.texts[path] = text
            self.files[path] = _File(self, path, text)
        return self.files[path]

    def definitions(self, file: _EnvFile, text: str, process: Known[str, str]) -> Document:
        """Return what an env file says; read once where nothing that it refers to differs."""
        if file.path not in self.referred:
            self.referred[file.path] = frozenset(
                re.findall(r"[A-Za-z_]\w*", " ".join(re.findall(r"\$[^\n]*", text)))
            )
        names = self.referred[file.path]
        known = {name: process[name] for name in names if name in process}
        key = (file.path, file.raw, tuple(sorted(known.items())))
        if key not in self.read:
            reader = "docker" if file.raw else "compose"
            self.read[key] = compose_env.read(
                Source(path=file.path, text=text, reader=reader, environment=known)
            )
            self.problems += self.read[key].problems
        self.count += sum(len(scope.assignments) for scope in self.read[key].scopes)
        if self.count > _MOST_ASSIGNMENTS:
            raise TooLargeError("assignments", _MOST_ASSIGNMENTS, file.place)
        return self.read[key]

    def beside(self, path: str, name: str) -> tuple[str, str | None]:
        """Return a file that another one of the project names."""
        base = posixpath.dirname(self.source.path)
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        return whole, self.source.beside(
            whole if posixpath.isabs(name) else posixpath.relpath(whole, base or ".")
        )


def read(source: Source) -> Document:
    """Return the services of a Compose file; raises TooLargeError."""
    stack = _Stack(source)
    main = stack.file(source.path, source.text)
    services = dict(main.services())
    for other in main.included():
        for name, service in other.services():
            services.setdefault(name, service)
    if source.path.rpartition("/")[2] in _DEFAULT_NAMES:
        for name in _OVERRIDES:
            path, text = stack.beside(source.path, name)
            if text is not None:
                services |= dict(stack.file(path, text).services(services))
                break
    scopes = [main.scope(service) for service in services.values()]
    scopes += main.configs()
    problems = [*stack.problems, *(one for file in stack.files.values() for one in file.reader.file.problems)]
    document = document_of(main.reader, "compose", scopes)
    return replace(
        document,
        texts=stack.texts,
        problems=tuple(sorted(dict.fromkeys(problems), key=lambda one: one.place)[:100]),
    )


class _File:
    """One file of the project."""

    def __init__(self, stack: _Stack, path: str, text: str) -> None:
        self.stack = stack
        self.path = path
        source = replace(stack.source, path=path, text=text)
        self.nodes = opened(source)
        self.reader = Reader(source, self.nodes, RULES["compose"])
        self.root: Item | None = None
        for document in self.nodes.documents[:1]:
            self.root = document
        if len(self.nodes.documents) > 1:
            for document in self.nodes.documents[1:]:
                self.reader.problem("unsupported", document.start, "document")

        # It is the whole file that Compose puts variables into, not only what is looked at here.
        for node in self.nodes.scalars():
            if "$" in node.value:
                self.filled(node)

    # Strings

    def filled(self, node: Scalar) -> Found:
        """Return a scalar as Compose reads it, variables put in."""
        if node.tag.startswith("!") and not node.tag.startswith("!!"):
            # A tag of one's own is ignored: it is a string, or nothing.
            node = replace(node, tag="!" if node.value or node.style else "")
        found = self.reader.found(node)
        if found.value is None or found.kind != "string" or "$" not in found.value:
            return found
        filled = compose_filled(found.value, self.stack.variables)
        if filled.problem is not None:
            self.reader.problem(filled.problem, node.start, filled.detail)
        remarks = tuple(dict.fromkeys((*found.remarks, *filled.remarks)))
        if filled.text is None:
            return Found(None, "unknown", remarks, filled.source)
        return Found(filled.text, "string", remarks, one=filled.one)

    def string(self, node: Item | None, *names: str) -> str:
        """Return a string with variables put in, ``""`` where it is not known."""
        found = self.nodes.get(node, *names)
        return (self.filled(found).value or "") if isinstance(found, Scalar) else ""

    # Services

    def services(self, before: Known[str, _Service] | None = None) -> Iterator[tuple[str, _Service]]:
        """Yield the services of this file, put over those of the file before it."""
        listed = self.nodes.get(self.root, "services")
        if not isinstance(listed, Mapping):
            return
        self.reader.doubtful(listed)
        for number, (key, value, _) in enumerate(self.nodes.pairs(listed)):
            if number >= _MOST_SERVICES:
                self.reader.problem("limit", key.start, "services")
                return
            service = self.service(key.value, key, value, ())
            old = (before or {}).get(key.value)
            yield key.value, service if old is None else _merged(old, service)

    def service(self, name: str, key: Scalar, node: Item, path: tuple[tuple[str, str], ...]) -> _Service:
        """Return a service with what it extends."""
        inner = self.nodes.follow(node, 0)
        own = _Service(name, self.nodes.place(key.start))
        if not isinstance(inner, Mapping):
            return own
        self.reader.doubtful(inner)
        base = self.extended(inner, (*path, (self.path, name)))
        own.image = self.string(inner, "image")
        entries = [(value, via) for one, value, via in self.nodes.pairs(inner) if one.value == "environment"]
        if entries:
            item, via = entries[-1]
            tag = self.nodes.follow(item, 0).tag
            own.over = tag in {"!reset", "!override"}
            if tag != "!reset":
                own.environment = {one.name: one for one in self.environment(item, via)}
        own.env_files = list(self.env_files(inner))
        return own if base is None else _merged(base, own)

    def extended(self, node: Mapping, path: tuple[tuple[str, str], ...]) -> _Service | None:
        """Return the service that one extends."""
        extends = self.nodes.get(node, "extends")
        if extends is None:
            return None
        other = (
            self.string(node, "extends") if isinstance(extends, Scalar) else self.string(extends, "service")
        )
        file: _File = self
        where = self.string(extends, "file") if isinstance(extends, Mapping) else ""
        if where:
            whole, text = self.stack.beside(self.path, where)
            if text is None:
                self.reader.problem("missing-file", extends.start, where)
                return None
            if len(self.stack.files) >= _MOST_FILES:
                self.reader.problem("limit", extends.start, "files")
                return None
            file = self.stack.file(whole, text)
        if (file.path, other) in path:
            self.reader.problem("cycle", extends.start, other)
            return None
        if len(path) >= _MOST_EXTENDS:
            self.reader.problem("limit", extends.start, "extends")
            return None
        listed = file.nodes.get(file.root, "services")
        if isinstance(listed, Mapping):
            for key, value, _ in reversed(list(file.nodes.pairs(listed))):
                if key.value == other:
                    return file.service(other, key, value, path)
        if other:
            self.reader.problem("refused", extends.start, other)
        return None

    # Variables

    def environment(self, item: Item, via: tuple[Place, ...]) -> Iterator[Assignment]:
        """Yield the variables of a map or a list."""
        node = self.nodes.follow(item, 0)
        if isinstance(item, Alias):
            via = (self.nodes.place(item.start), *via)
        if isinstance(node, Mapping):
            yield from self.mapped(node, via)
        elif isinstance(node, Sequence):
            for one in node.items:
                inner = self.nodes.follow(one, 1)
                over = (self.nodes.place(one.start), *via) if isinstance(one, Alias) else via
                if isinstance(inner, Scalar):
                    yield from self.item(inner, over)
                else:
                    self.reader.problem("refused", inner.start, "environment")
        elif node.value or node.style:
            self.reader.problem("refused", node.start, "environment")

    def mapped(self, node: Mapping, via: tuple[Place, ...]) -> Iterator[Assignment]:
        """Yield the variables of a map; of those that are merged only what counts."""
        doubtful = self.reader.doubtful(node)
        entries = {key.value: (key, value, way) for key, value, way in self.nodes.pairs(node)}
        for name, (key, value, way) in entries.items():
            if self.nodes.template(key.start, key.end):
                continue
            if resolved(key, self.reader.rules)[0] not in {"string", "unknown"}:
                self.reader.problem("refused", key.start, name)  # a key that is no string
                continue
            inner = self.nodes.follow(value, 1)
            over = (*way, *via)
            if isinstance(value, Alias):
                over = (self.nodes.place(value.start), *over)
            if name in doubtful:
                yield self.reader.unknown(name, inner, over, "{{ }}")
            elif isinstance(inner, Scalar):
                yield self.entry(name, inner, over)
            else:
                self.reader.problem("refused", inner.start, name)

    def entry(self, name: str, node: Scalar, via: tuple[Place, ...]) -> Assignment:
        """Return a variable of the map form."""
        found = self.filled(node)
        if found.source == "date":
            self.reader.problem("refused", node.start, name)
        style = self.reader.style(node, dollars=True)
        if found.kind == "null":
            return self.taken(name, node, via, found.remarks, style)
        return as_word(self.reader.assignment(name, node, via, found=found, style=style))

    def item(self, node: Scalar, via: tuple[Place, ...]) -> Iterator[Assignment]:
        """Yield a variable of the list form: NAME=value, or a name whose value is taken from outside."""
        raw = node.value
        if node.style == "" and node.tag == "" and self.reader.found(node).kind not in {"string", "unknown"}:
            self.reader.problem("refused", node.start, "environment")
            return
        name, sign, text = raw.partition("=")
        if not name or self.nodes.template(node.start, node.end):
            yield from self.templated(node, via)
            return
        if not sign:
            if "$" in name:
                return
            if re.match(r"[\w.-]+:\s", name):
                self.reader.problem("line", node.start, name.partition(":")[0])
                return
            yield self.taken(name, node, via, (), self.reader.style(node, dollars=True, name=name))
            return
        if name != name.rstrip():
            self.reader.problem("refused", node.start, name.strip())
            return
        # Compose puts variables into the whole item; what a value is, is told of the value alone.
        value = replace(node, value=text, style="'")
        found = self.filled(value)
        remarks = list(found.remarks)
        if node.style in {"|", ">"} and raw.endswith("\n") and raw.count("\n") == 1:
            remarks.append(Remark("trailing-newline"))
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            remarks.append(Remark("quotes-kept", text[0]))
        elif quoted := re.match(r"([\"'])[^\"']*\1[ \t]+#", text):
            remarks += (Remark("quotes-kept", quoted[1]), Remark("comment-kept", "#"))
        elif node.style in {"'", '"'} and re.search(r"\s#", text):
            remarks.append(Remark("comment-kept", "#"))
        if text != text.strip(" \t") and text.strip():
            remarks.append(Remark("blanks-kept", " "))
        style = "" if "$" in name else self.reader.style(node, dollars=True, name=name)
        name = self.filled(replace(node, value=name, style="'")).value or name
        found = replace(found, remarks=tuple(remarks))
        yield as_word(self.reader.assignment(name, node, via, found=found, style=style))

    def templated(self, node: Scalar, via: tuple[Place, ...]) -> Iterator[Assignment]:
        text = self.nodes.text[node.start : node.end].strip("\"'")
        name = re.match(r"([A-Za-z_][A-Za-z0-9_.-]*)=", text)
        if name:
            yield self.reader.assignment(name[1], node, via, style="")

    def taken(
        self, name: str, node: Scalar, via: tuple[Place, ...], remarks: tuple[Remark, ...], style: str
    ) -> Assignment:
        """Return a variable that is named without a value: it is taken from the process or ``.env``."""
        is_set, value, one = self.stack.variables.get(name)
        if not is_set or value is None:
            source = one.source if one is not None and one.source else name
            found = Found(None, "unknown", remarks, source)
            return self.reader.assignment(name, node, via, found=found, style=style)
        found = Found(value, "word", remarks, one=one)
        return self.reader.assignment(name, node, via, found=found, style=style)

    def env_files(self, node: Mapping) -> Iterator[_EnvFile]:
        """Yield the files of ``env_file``, as a string, a list or in the long form."""
        listed = self.nodes.get(node, "env_file")
        items: list[Node] = [] if listed is None else [listed]
        if isinstance(listed, Sequence):
            items = [self.nodes.follow(item, 0) for item in listed.items]
        for item in items:
            if isinstance(item, Scalar):
                path, raw, required = self.filled(item).value, False, True
            elif isinstance(item, Mapping):
                path = self.string(item, "path")
                raw = self.string(item, "format") == "raw"
                required = self.string(item, "required") not in {"false", "False", "FALSE"}
            else:
                continue
            if not path:
                self.reader.problem("unsupported", item.start, "env_file")
                continue
            whole, text = self.stack.beside(self.path, path)
            place = self.nodes.place(item.start)
            if text is None and required:
                self.reader.problem("missing-file", item.start, path)
            if text is not None and whole not in self.stack.texts:
                self.stack.texts[whole] = text
            yield _EnvFile(whole, text, place, raw, required)

    def scope(self, service: _Service) -> Scope:
        """Return what a service's container gets."""
        process = {
            name: one.value for name, one in self.stack.variables.file.items() if one.value is not None
        } | dict(self.stack.source.environment)
        for name, own in service.environment.items():
            if own.value is not None:
                process[name] = own.value
        found: dict[str, Assignment] = {}
        for file in service.env_files:
            if file.text is None:
                continue
            document = self.stack.definitions(file, file.text, process)
            for scope in document.scopes:
                for one in scope.assignments:
                    found.pop(one.name, None)
                    found[one.name] = replace(one, effect=(*one.effect, file.place))
                    if one.value is not None and not file.raw:
                        process.setdefault(one.name, one.value)
        for name, own in service.environment.items():
            found.pop(name, None)
            found[name] = own
        return Scope(
            assignments=tuple(found.values()),
            name=service.name,
            image=service.image,
            environment=True,
            place=service.place,
        )

    # Other files of the project

    def included(self) -> Iterator[_File]:
        """Yield the files of ``include``."""
        for item in self.nodes.listed(self.root, "include"):
            paths = (
                [item]
                if isinstance(item, Scalar)
                else [self.nodes.get(item, "path"), *self.nodes.listed(item, "path")]
            )
            for path in paths:
                if isinstance(path, Scalar) and (name := self.filled(path).value):
                    whole, text = self.stack.beside(self.path, name)
                    if text is None:
                        self.reader.problem("missing-file", path.start, name)
                    elif len(self.stack.files) >= _MOST_FILES:
                        self.reader.problem("limit", path.start, "files")
                    elif whole not in self.stack.files:
                        file = self.stack.file(whole, text)
                        yield file
                        yield from file.included()

    def configs(self) -> Iterator[Scope]:
        """Yield the configuration files that stand within this one."""
        configs = self.nodes.get(self.root, "configs")
        for key, value, _ in self.nodes.pairs(configs) if isinstance(configs, Mapping) else ():
            content = self.nodes.get(value, "content")
            if not isinstance(content, Scalar):
                continue
            target, image = self.mounted(key.value)
            yield from embedded(self.reader, content, target or key.value, key.value, image)
        yield from self.held()

    def held(self) -> Iterator[Scope]:
        """Yield the configuration files that services have in a variable."""
        services = self.nodes.get(self.root, "services")
        for service, node, _ in self.nodes.pairs(services) if isinstance(services, Mapping) else ():
            inner = self.nodes.get(node, "environment")
            for key, value, _ in self.nodes.pairs(inner) if isinstance(inner, Mapping) else ():
                if isinstance(value, Scalar) and (name := _HELD.get(key.value)) is not None:
                    yield from embedded(self.reader, value, name, service.value, self.string(node, "image"))

    def mounted(self, config: str) -> tuple[str, str]:
        """Return where a config is mounted, and into which image."""
        services = self.nodes.get(self.root, "services")
        if isinstance(services, Mapping):
            for _, service, _ in self.nodes.pairs(services):
                for one in self.nodes.listed(service, "configs"):
                    if isinstance(one, Scalar) and one.value == config:
                        return f"/{config}", self.string(service, "image")
                    if isinstance(one, Mapping) and self.nodes.string(one, "source") == config:
                        return self.string(one, "target"), self.string(service, "image")
        return "", ""


def _merged(base: _Service, own: _Service) -> _Service:
    environment = {} if own.over else dict(base.environment)
    for name, one in own.environment.items():
        environment.pop(name, None)
        environment[name] = one
    return _Service(
        own.name, own.place, own.image or base.image, environment, [*base.env_files, *own.env_files]
    )
