"""The YAML of an application: dotted names, one scope for each document, profile or Rails environment.

``source.reader`` is a name of ``RULES`` (who reads it); without one it is told by what stands in the file.
Environment variables that a file of another kind holds (``env:`` of Helm values, of Discourse's ``app.yml``)
are scopes of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from smtpdoctor.formats import env
from smtpdoctor.formats.document import Assignment, Document, Kind, Place, Region, Scope, Source
from smtpdoctor.formats.substitution import spring_filled
from smtpdoctor.formats.yaml_nodes import Alias, Item, Mapping, Node, Scalar, Sequence
from smtpdoctor.formats.yaml_scalars import RULES
from smtpdoctor.formats.yaml_values import (
    ENVIRONMENT_NAME,
    Found,
    Reader,
    as_word,
    beside,
    document_of,
    handed_on,
    opened,
)

__all__ = ["environments", "read", "rules_of"]

_RAILS: Final = frozenset({"default", "shared", "development", "test", "production", "staging"})
_ENVIRONMENT_KEYS: Final = frozenset(
    {
        "env", "envs", "environment", "environments", "envvars", "env_vars", "env_variables", "extraenv",
        "extraenvs", "extraenvvars", "extraenvironment", "environmentvariables", "environment_variables",
        "extraenvironmentvars", "extraenvironmentvariables", "containerenv", "additionalenv", "variables",
        "envvariables", "config_vars", "secretenv", "envsecrets", "extrasecretenv",
    }
)  # fmt: skip
_UPPER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*_[A-Za-z0-9_]*|[A-Z][A-Z0-9]*")
_PROFILE_KEYS: Final = (
    "spring.config.activate.on-profile",
    "spring.config.activate.onProfile",
    "spring.profiles",
)
_SETTING: Final = re.compile(
    r"""SiteSetting\.(?:set\(\s*[:"'](?P<called>\w+)["']?\s*,\s*|(?P<name>\w+)\s*=\s*)
        (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\"[^"\\]*\\"|true|false|nil|-?\d+|[^\s;)"']+)""",
    re.VERBOSE,
)
_PROFILE_FILE: Final = re.compile(r"(?P<stem>.*\bapplication)-(?P<profile>[^/]+)(?P<end>\.ya?ml)")
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][\w.-]*)(?::[^}]*)?\}")


def rules_of(source: Source, reader: Reader) -> str:
    """Return whose rules hold for a file: the reader that was named, or what its keys say."""
    if source.reader and source.reader in RULES:
        return source.reader
    file = reader.file
    top: set[str] = set()
    for document in file.documents:
        node = file.follow(document, 0)
        if isinstance(node, Mapping):
            top |= {key.value for key, _, _ in file.pairs(node)}
    name = source.path.rpartition("/")[2]
    if top & {"spring", "quarkus", "micronaut"} or any(key.startswith("spring.") for key in top):
        return "spring"
    if re.match(r"(?:application|bootstrap)(?:-.*)?\.ya?ml$", name):
        return "spring"
    if "<%" in file.text or (top and top & {"production", "development"} and top <= _RAILS | {"common"}):
        return "psych"
    first = file.documents[0] if file.documents else None
    if "env" in top and ("templates" in top or "run" in top or "hooks" in top):
        return "psych"  # Discourse
    if any(key.startswith("mail.") for key in top) or top & {"homeassistant", "notify"}:
        return "pyyaml"
    smtp = file.get(first, "global") if first is not None else None
    keys = {key.value for key, _, _ in file.pairs(smtp)} if isinstance(smtp, Mapping) else set()
    if any(key.startswith("smtp_") for key in keys) or file.get(first, "courier", "smtp") is not None:
        return "go"
    return ""


def read(source: Source) -> Document:
    """Return what a file assigns; raises TooLargeError."""
    file = opened(source)
    reader = Reader(source, file, RULES[""])
    name = rules_of(source, reader)
    reader.rules = RULES[name]
    if name == "spring":
        scopes = _spring(reader)
    else:
        scopes = [scope for node in file.documents for scope in _document(reader, node)]
    return document_of(reader, "yaml", scopes)


def _document(reader: Reader, document: Item) -> Iterator[Scope]:
    file = reader.file
    node = file.follow(document, 0)
    place = file.place(node.start)
    if not isinstance(node, Mapping):
        if not isinstance(node, Scalar):
            yield Scope(assignments=tuple(reader.flat(document)), place=place)
        return
    keys = [key.value for key, _, _ in file.pairs(node)]
    if keys and set(keys) <= _RAILS | {"common"} and {"production", "development"} & set(keys):
        yield from _rails(reader, node)
        return
    variables = list(environments(reader, document))
    settings = _site_settings(reader, document)
    if settings and variables:  # Discourse's own, beside its variables
        first = variables[0]
        variables[0] = replace(first, assignments=(*first.assignments, *settings))
    assignments = [_unfilled(reader, one) for one in reader.flat(document) if not reader.is_taken(one)]
    if assignments or not variables:
        yield Scope(assignments=tuple(assignments), place=place)
    yield from variables


def _rails(reader: Reader, node: Mapping) -> Iterator[Scope]:
    """Yield one scope for each environment of Rails; what is shared comes first."""
    entries = [(key, value, via) for key, value, via in reader.file.pairs(node)]
    shared: list[Assignment] = []
    for key, value, via in entries:
        if key.value in {"shared", "common"}:
            shared += reader.flat(value, via=via)
    for key, value, via in entries:
        if key.value not in {"shared", "common", "default"}:
            assignments = (*shared, *reader.flat(value, via=via))
            yield Scope(assignments=assignments, name=key.value, place=reader.file.place(key.start))


def _unfilled(reader: Reader, one: Assignment) -> Assignment:
    """Return a value with placeholders as not known, unless it is known that nobody replaces them."""
    if reader.rules.placeholders == "?" and one.value and (found := _PLACEHOLDER.search(one.value)):
        return replace(one, value=None, kind="unknown", source=found[1].removeprefix("env."))
    return one


# Spring


def _spring(reader: Reader) -> list[Scope]:
    """One scope without a profile, and one for each profile, with what holds without one before it."""
    common: list[Assignment] = []
    profiles: dict[str, list[Assignment]] = {}
    places: dict[str, Place] = {}
    common += _spring_beside(reader)
    for document in reader.file.documents:
        found = list(reader.flat(document))
        names = _profiles(found)
        for name in names:
            profiles.setdefault(name, []).extend(found)
            places.setdefault(name, reader.file.place(document.start))
        if not names:
            common += found
    own = _PROFILE_FILE.fullmatch(reader.file.path)
    first = Scope(
        assignments=_placed(reader, common), name=own["profile"] if own else "", place=reader.file.place(0)
    )
    return [
        *([first] if common or not profiles else []),
        *(
            Scope(assignments=_placed(reader, [*common, *found]), name=name, place=places[name])
            for name, found in profiles.items()
        ),
    ]


def _spring_beside(reader: Reader) -> list[Assignment]:
    """Return what application.yml says beside application-prod.yml."""
    own = _PROFILE_FILE.fullmatch(reader.file.path)
    if own is None:
        return []
    for end in dict.fromkeys((own["end"], ".yml", ".yaml")):
        path, text = beside(reader.source, f"application{end}")
        if text is not None:
            other = Reader(
                replace(reader.source, path=path, text=text),
                opened(replace(reader.source, path=path, text=text)),
                reader.rules,
            )
            found: list[Assignment] = []
            for document in other.file.documents:
                flat = list(other.flat(document))
                if not _profiles(flat):
                    found += flat
            reader.texts[path] = text
            return found
    return []


def _profiles(assignments: Iterable[Assignment]) -> list[str]:
    found: list[str] = []
    for one in assignments:
        name = re.sub(r"\.\d+$", "", one.name)
        if name in _PROFILE_KEYS and one.value:
            found += [part.strip() for part in one.value.split(",") if part.strip()]
    return found


def _placed(reader: Reader, assignments: list[Assignment]) -> tuple[Assignment, ...]:
    """Return properties with their placeholders replaced."""
    if not any(one.value is not None and "${" in one.value for one in assignments):
        return tuple(assignments)
    properties = {_relaxed(one.name): one for one in assignments}
    variables = reader.variables(env.DEFAULT)

    def look_up(name: str) -> Assignment | None:
        return properties.get(_relaxed(name))

    found: list[Assignment] = []
    for one in assignments:
        if one.value is None or "${" not in one.value:
            found.append(one)
            continue
        filled = spring_filled(one.name, one.value, variables, look_up)
        if filled.problem is not None:
            reader.problem(filled.problem, one.region.start, filled.detail)
        here = replace(
            one,
            value=filled.text,
            kind="unknown" if filled.text is None else "string",
            remarks=tuple(dict.fromkeys((*one.remarks, *filled.remarks))),
            source=filled.source,
        )
        found.append(handed_on(filled.one, here) if filled.one is not None else here)
    return tuple(found)


def _relaxed(name: str) -> str:
    """Spring reads use-tls, useTls and use_tls alike."""
    return re.sub(r"[-_]", "", name).lower()


# Environment variables within other files


def environments(reader: Reader, document: Item) -> Iterator[Scope]:
    """Yield the maps and lists of environment variables that stand anywhere below a node."""
    yield from _environments(reader, document, "", "", 0)


def _environments(reader: Reader, node: Item, path: str, image: str, level: int) -> Iterator[Scope]:
    file = reader.file
    inner = file.follow(node, level)
    if isinstance(node, Alias):
        return  # it is looked at where it is defined
    if isinstance(inner, Sequence):
        for item in inner.items:
            yield from _environments(reader, item, path, image, level + 1)
        return
    if not isinstance(inner, Mapping):
        return
    image = _image(reader, inner) or image
    for key, value, via in file.pairs(inner):
        if via:
            continue
        if key.value.lower() in _ENVIRONMENT_KEYS and not file.template(key.start, key.end):
            assignments = tuple(_variables(reader, value))
            if assignments:
                held = file.follow(value, level)
                reader.taken.append((held.start, held.end))
                place = file.place(key.start)
                yield Scope(assignments=assignments, name=path, image=image, environment=True, place=place)
                continue
        below = f"{path}.{key.value}" if path else key.value
        yield from _environments(reader, value, below, image, level + 1)


def _image(reader: Reader, node: Mapping) -> str:
    """Return the image that stands in a map, as one string or as Helm's charts have it."""
    file = reader.file
    image = file.get(node, "image")
    if isinstance(image, Scalar):
        return file.string(node, "image")
    repository = file.string(image, "repository") if image is not None else ""
    if not repository:
        return ""
    registry, tag = file.string(image, "registry"), file.string(image, "tag")
    return (f"{registry}/" if registry else "") + repository + (f":{tag}" if tag else "")


def _variables(reader: Reader, node: Item) -> Iterator[Assignment]:
    """Yield the variables of a map (NAME: value) or a list (name and value, key and value, NAME=value)."""
    file = reader.file
    inner = file.follow(node, 0)
    via = (file.place(node.start),) if isinstance(node, Alias) else ()
    if isinstance(inner, Mapping):
        entries = [(key, value, way) for key, value, way in file.pairs(inner)]
        names = [key.value for key, _, _ in entries]
        if not all(map(ENVIRONMENT_NAME.fullmatch, names)) or not any(map(_UPPER.fullmatch, names)):
            return
        for key, value, way in entries:
            yield from _variable(reader, key.value, value, (*way, *via))
    elif isinstance(inner, Sequence):
        for item in inner.items:
            one = file.follow(item, 1)
            if isinstance(one, Mapping):
                name = file.string(one, "name") or file.string(one, "key")
                if ENVIRONMENT_NAME.fullmatch(name):
                    yield from _variable(reader, name, item, via)
            elif isinstance(one, Scalar) and "=" in one.value and not file.spans(one.start, one.end):
                name, _, text = one.value.partition("=")
                if _UPPER.fullmatch(name):
                    found = Found(text, "word")
                    yield reader.assignment(name, one, via, found=found, style=reader.style(one, name=name))


def _variable(reader: Reader, name: str, node: Item, via: tuple[Place, ...]) -> Iterator[Assignment]:
    file = reader.file
    inner = file.follow(node, 1)
    if isinstance(inner, Mapping):
        value = file.get(inner, "value")
        if isinstance(value, Scalar):
            yield _unfilled(reader, as_word(reader.assignment(name, value, via)))
        else:
            keys = [key.value for key, _, _ in file.pairs(inner) if key.value not in {"name", "key"}]
            yield reader.unknown(name, inner, via, keys[0] if keys else "")
    elif isinstance(inner, Scalar):
        yield _unfilled(reader, as_word(reader.assignment(name, inner, via)))


def _site_settings(reader: Reader, document: Item) -> list[Assignment]:
    """Return what ``rails r "SiteSetting.x = 'y'"`` sets when Discourse is built."""
    file = reader.file
    assignments: list[Assignment] = []
    for step in file.listed(document, "run"):
        command = file.get(step, "exec")
        for one in (
            command,
            *file.listed(step, "exec"),
            file.get(command, "cmd"),
            *file.listed(command, "cmd"),
        ):
            if isinstance(one, Scalar):
                assignments += _settings(reader, one)
    return assignments


def _settings(reader: Reader, node: Node) -> Iterator[Assignment]:
    file = reader.file
    for found in _SETTING.finditer(file.text, node.start, node.end):
        raw = found["value"]
        quote = 2 if raw.startswith("\\") else 1 if raw[0] in "\"'" else 0
        start, end = found.start("value") + quote, found.end("value") - quote
        value = file.text[start:end]
        if quote and "\\" in value:
            value = re.sub(r"\\(.)", r"\1", value)
        kind: Kind = "string"
        if not quote:
            kind = "boolean" if raw in {"true", "false"} else "null" if raw == "nil" else "unknown"
            kind = "number" if raw.lstrip("-").isdigit() else kind
        yield Assignment(
            name=f"SiteSetting.{found['called'] or found['name']}",
            value=None if kind in {"unknown", "null"} else value,
            region=Region(file.place(start), start, end),
            kind=kind,
        )
