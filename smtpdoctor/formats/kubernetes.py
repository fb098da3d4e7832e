"""Kubernetes manifests, Kustomize and Helm templates: what each container gets as environment.

Objects of the same file are looked up (``secretKeyRef``, ``envFrom``); what stands in another one is not
known, which is not the same as missing. Files within a ConfigMap or a Secret are read by their own syntax.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.formats import compose_env
from smtpdoctor.formats.document import Assignment, Document, Place, Remark, Scope, Source
from smtpdoctor.formats.embedded import embedded, is_file
from smtpdoctor.formats.yaml import environments
from smtpdoctor.formats.yaml_nodes import Item, Mapping, Node, Scalar, Sequence
from smtpdoctor.formats.yaml_scalars import RULES
from smtpdoctor.formats.yaml_values import Found, Reader, as_word, beside, document_of, opened

__all__ = ["read"]

_MAPS: Final = frozenset({"ConfigMap", "Secret"})
_SEALED: Final = frozenset({"SealedSecret", "ExternalSecret", "VaultStaticSecret", "SecretProviderClass"})
_PODS: Final = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TEMPLATE: Final = ("spec", "template", "spec")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_REFERENCE: Final = re.compile(r"\$\$|\$\(([-._A-Za-z0-9]+)\)")
# They say nothing to an application, and some are very long.
_SILENT: Final = frozenset(
    {"Service", "Ingress", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "ServiceAccount", "Role",
     "ClusterRole", "RoleBinding", "ClusterRoleBinding", "CustomResourceDefinition", "NetworkPolicy", "PodDisruptionBudget"}
)  # fmt: skip
_MOST_OBJECTS: Final = 5_000


class _Map(Struct):
    """A ConfigMap or a Secret: its values by key."""

    kind: str
    name: str
    place: Place
    values: dict[str, Assignment]
    nodes: dict[str, Scalar]
    used: bool = False
    whole: bool = True
    """Whether every key is there to be seen."""


def read(source: Source) -> Document:
    """Return what the containers of a file get; raises TooLargeError."""
    file = opened(source)
    run = _Manifests(Reader(source, file, RULES["kubernetes"]))
    scopes = run.scopes()
    return document_of(run.reader, "kubernetes", scopes)


class _Manifests:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.file = reader.file
        self.maps: dict[tuple[str, str], _Map] = {}
        self.mounts: dict[tuple[str, str], str] = {}
        self.elsewhere = ""  # what a container takes variables from that is not in this file

    def scopes(self) -> list[Scope]:
        objects = [one for document in self.file.documents for one in self._objects(document, 0)]
        for node in objects[_MOST_OBJECTS : _MOST_OBJECTS + 1]:
            self.reader.problem("limit", node.start, "objects")
        objects = objects[:_MOST_OBJECTS]
        for node in objects:
            self._collect(node)
        found: list[Scope] = []
        for node in objects:
            kind = self.file.string(node, "kind")
            name = self.file.string(node, "metadata", "name")
            pod = self.file.get(node, *_PODS.get(kind, _TEMPLATE))
            if kind in _MAPS or kind in _SEALED:
                continue
            if isinstance(pod, Mapping) and self.file.get(pod, "containers") is not None:
                found += self._pod(pod, name)
            elif kind == "Kustomization" or self._is_kustomization(node):
                continue
            else:
                found += self._other(node, name)
        for one in self.maps.values():
            found += self._map(one)
        return found

    def _objects(self, document: Item, level: int) -> Iterator[Mapping]:
        node = self.file.follow(document, level)
        if not isinstance(node, Mapping):
            return
        if self.file.string(node, "kind") == "List" or (
            self.file.string(node, "kind").endswith("List") and self.file.listed(node, "items")
        ):
            for item in self.file.listed(node, "items"):
                yield from self._objects(item, level + 1)
        else:
            yield node

    def _is_kustomization(self, node: Node) -> bool:
        return any(self.file.get(node, key) is not None for key in ("secretGenerator", "configMapGenerator"))

    # Secrets and ConfigMaps

    def _collect(self, node: Mapping) -> None:
        kind = self.file.string(node, "kind")
        name = self.file.string(node, "metadata", "name")
        place = self.file.place(node.start)
        if kind in _MAPS:
            one = self.maps.setdefault((kind, name), _Map(kind, name, place, {}, {}))
            encoded = kind == "Secret"
            self._keys(one, self.file.get(node, "data"), encoded=encoded)
            self._keys(one, self.file.get(node, "stringData"), encoded=False)
        elif kind in _SEALED:
            name = (
                self.file.string(node, "spec", "target", "name")
                or self.file.string(node, "spec", "template", "metadata", "name")
                or self.file.string(node, "spec", "destination", "name")
                or name
            )
            one = self.maps.setdefault(("Secret", name), _Map("Secret", name, place, {}, {}, whole=False))
            one.whole = False
            self._sealed(one, node)
        elif kind == "Kustomization" or (not kind and self._is_kustomization(node)):
            for key, made in (("secretGenerator", "Secret"), ("configMapGenerator", "ConfigMap")):
                for item in self.file.listed(node, key):
                    self._generated(made, item)

    def _keys(self, one: _Map, node: Node | None, *, encoded: bool) -> None:
        if not isinstance(node, Mapping):
            if node is not None and self.file.template(node.start, node.start + 200):
                one.whole = False
            return
        doubtful = self.reader.doubtful(node)
        for key, value, via in self.file.pairs(node):
            if self.file.template(key.start, key.end):
                one.whole = False
                continue
            inner = self.file.follow(value, 1)
            if not isinstance(inner, Scalar) or key.value in doubtful:
                one.values[key.value] = self.reader.unknown(key.value, inner, via, "{{ }}")
                continue
            found = self.reader.found(inner)
            if found.kind in {"number", "boolean"} or found.source == "date":
                self.reader.problem("refused", inner.start, key.value)  # it must be a string
                found = Found(inner.value, "word")
            elif encoded and found.value is not None:
                found = self._decoded(inner, key.value, found)
            style = self.reader.style(inner, base64=encoded, string=True)
            one.nodes[key.value] = inner
            one.values[key.value] = as_word(
                self.reader.assignment(key.value, inner, via, found=found, style=style)
            )

    def _decoded(self, node: Scalar, name: str, found: Found) -> Found:
        try:
            raw = base64.b64decode(re.sub(r"[\r\n]", "", found.value or ""), validate=True)
        except (binascii.Error, ValueError):
            self.reader.problem("refused", node.start, name)  # an illegal base64 text
            return Found(None, "unknown", source="base64")
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError:
            return Found(None, "unknown", source="base64")
        return Found(value, "word", (Remark("trailing-newline"),) if value.endswith("\n") else ())

    def _sealed(self, one: _Map, node: Mapping) -> None:
        encrypted = self.file.get(node, "spec", "encryptedData")
        if isinstance(encrypted, Mapping):
            for key, value, via in self.file.pairs(encrypted):
                one.values[key.value] = self.reader.unknown(
                    key.value, self.file.follow(value, 1), via, "encryptedData"
                )
        for item in self.file.listed(node, "spec", "data"):
            name = self.file.string(item, "secretKey")
            if name:
                remote = self.file.string(item, "remoteRef", "key")
                one.values[name] = self.reader.unknown(name, item, (), remote or "remoteRef")
        template = self.file.get(node, "spec", "target", "template", "data")
        if isinstance(template, Mapping):
            for key, value, via in self.file.pairs(template):
                one.values[key.value] = self.reader.unknown(
                    key.value, self.file.follow(value, 1), via, "template"
                )

    def _generated(self, kind: str, node: Node) -> None:
        name = self.file.string(node, "name")
        one = self.maps.setdefault((kind, name), _Map(kind, name, self.file.place(node.start), {}, {}))
        names = [
            self.file.get(node, "env"),
            *self.file.listed(node, "envs"),
            *self.file.listed(node, "envFiles"),
        ]
        for item in names:
            if isinstance(item, Scalar):
                path, text = beside(self.reader.source, item.value)
                if text is None:
                    one.whole = False
                    self.reader.problem("missing-file", item.start, item.value)
                    continue
                self.reader.texts[path] = text
                for key, value in compose_env.definitions(path, text, "docker", {}).items():
                    one.values[key] = replace(value, effect=(*value.effect, self.file.place(item.start)))
        for item in self.file.listed(node, "literals"):
            if isinstance(item, Scalar) and "=" in item.value and not self.file.spans(item.start, item.end):
                key, _, text = item.value.partition("=")
                if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
                    text = text[1:-1]
                style = self.reader.style(item, name=key, string=True)
                one.values[key] = self.reader.assignment(key, item, found=Found(text, "word"), style=style)
        if self.file.listed(node, "files"):
            one.whole = False

    def _map(self, one: _Map) -> Iterator[Scope]:
        """Yield what a ConfigMap or a Secret says by itself, and the files in it."""
        plain: list[Assignment] = []
        image = self.mounts.get((one.kind, one.name), "")
        for key, value in one.values.items():
            node = one.nodes.get(key)
            if node is not None and is_file(key):
                scopes = list(self._file(one, key, node, value, image))
                if scopes:
                    yield from scopes
                    continue
            plain.append(value)
        if plain and not one.used:
            yield Scope(
                assignments=tuple(plain), name=one.name, image=image, environment=True, place=one.place
            )

    def _file(self, one: _Map, key: str, node: Scalar, value: Assignment, image: str) -> Iterator[Scope]:
        encoded = "base64" in value.style
        if encoded and value.value is not None:
            node = replace(node, value=value.value, style="'")  # no place in it can be told
        yield from embedded(self.reader, node, key, one.name, image)

    # Containers

    def _pod(self, pod: Mapping, workload: str) -> Iterator[Scope]:
        containers = [
            (self.file.follow(item, 0), group)
            for group in _CONTAINERS
            for item in self.file.listed(pod, group)
        ]
        images = {self.file.string(node, "name"): self.file.string(node, "image") for node, _ in containers}
        main = next(
            (images[self.file.string(node, "name")] for node, group in containers if group == "containers"),
            "",
        )
        self._mounted(pod, main)
        for node, _ in containers:
            name = self.file.string(node, "name")
            assignments = tuple(self._environment(node))
            yield Scope(
                assignments=assignments,
                name=name or workload,
                image=images.get(name, ""),
                environment=True,
                place=self.file.place(node.start),
            )

    def _mounted(self, pod: Mapping, image: str) -> None:
        for volume in self.file.listed(pod, "volumes"):
            sources = [volume, *self.file.listed(volume, "projected", "sources")]
            for one in sources:
                for kind, key in (("ConfigMap", "configMap"), ("Secret", "secret")):
                    name = self.file.string(one, key, "name") or self.file.string(one, key, "secretName")
                    if name:
                        self.mounts.setdefault((kind, name), image)

    def _environment(self, container: Node) -> Iterator[Assignment]:
        known: dict[str, Assignment] = {}
        self.elsewhere = ""
        for item in self.file.listed(container, "envFrom"):
            prefix = self.file.string(item, "prefix")
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                name = self.file.string(item, key, "name")
                if self.file.get(item, key) is None:
                    continue
                one = self.maps.get((kind, name)) if name else None
                if one is None or not one.whole:
                    self.elsewhere = name or key
                if one is None:
                    continue
                one.used = True
                for variable, value in one.values.items():
                    if is_file(variable):
                        continue
                    known.pop(prefix + variable, None)
                    known[prefix + variable] = replace(
                        value, name=prefix + variable, effect=(*value.effect, self.file.place(item.start))
                    )
        for item in self._items(container):
            name = self.file.string(item, "name")
            if not name:
                continue
            one_more = self._variable(name, item, known)
            if one_more is not None:
                known.pop(name, None)
                known[name] = one_more
        yield from known.values()

    def _items(self, container: Node) -> list[Node]:
        env = self.file.get(container, "env")
        if isinstance(env, Sequence):
            return [self.file.follow(item, 0) for item in env.items]
        if isinstance(env, Mapping) and env.entries:
            self.reader.problem("refused", env.start, "env")
        return []

    def _variable(self, name: str, item: Node, known: dict[str, Assignment]) -> Assignment | None:
        value = self.file.get(item, "value")
        source = self.file.get(item, "valueFrom")
        place = self.file.place(item.start)
        if value is None and source is not None:
            return self._from(name, item, source, place)
        if not isinstance(value, Scalar):
            if value is not None:
                self.reader.problem("refused", value.start, name)
                return None
            empty = Found("", "word")
            anchor = self.file.get(item, "name")
            if isinstance(anchor, Scalar):
                return self.reader.assignment(name, anchor, found=empty, style="")
            return None
        found = self.reader.found(value)
        if found.kind in {"number", "boolean"} or found.source == "date":
            self.reader.problem("refused", value.start, name)
            found = Found(value.value, "word")
        elif found.kind == "null":
            found = Found("", "word", found.remarks)
        elif found.value is not None and "$" in found.value:
            found = self._referring(found, known)
        style = self.reader.style(value, string=True, dollars=True)
        return as_word(self.reader.assignment(name, value, found=found, style=style))

    def _referring(self, found: Found, known: dict[str, Assignment]) -> Found:
        """Put in ``$(A)`` what was set before; what was not stays as it stands."""
        parts: list[str] = []
        remarks = list(found.remarks)
        text = found.value or ""
        done = 0
        whole: Assignment | None = None
        for match in _REFERENCE.finditer(text):
            parts.append(text[done : match.start()])
            done = match.end()
            if match[1] is None:
                parts.append("$")
                continue
            one = known.get(match[1])
            if one is None and self.elsewhere:
                return Found(None, "unknown", tuple(remarks), match[1])
            if one is None:
                parts.append(match[0])
            elif one.value is None:
                return Found(None, "unknown", tuple(remarks), one.source or match[1])
            else:
                parts.append(one.value)
                remarks += one.remarks
                if match[0] == text:
                    whole = one
        parts.append(text[done:])
        value = "".join(parts)
        if len(value) > 1 << 17:
            return Found(None, "unknown", source="$()")
        return Found(value, "word", tuple(dict.fromkeys(remarks)), one=whole)

    def _from(self, name: str, item: Node, source: Node, place: Place) -> Assignment | None:
        for kind, key in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
            reference = self.file.get(source, key)
            if reference is None:
                continue
            holder, wanted = self.file.string(reference, "name"), self.file.string(reference, "key")
            one = self.maps.get((kind, holder)) if holder else None
            label = f"{holder}/{wanted}" if holder and wanted else key
            if one is not None:
                one.used = True
                found = one.values.get(wanted)
                if found is not None:
                    return replace(found, name=name, effect=(*found.effect, place))
                if one.whole:
                    if self.file.string(reference, "optional") == "true":
                        return None
                    self.reader.problem("required", reference.start, label)
            return self._unknown(name, item, label)
        keys = [key.value for key, _, _ in self.file.pairs(source)] if isinstance(source, Mapping) else []
        return self._unknown(name, item, keys[0] if keys else "valueFrom")

    def _unknown(self, name: str, item: Node, source: str) -> Assignment:
        return self.reader.unknown(name, item, (), source)

    # Anything else

    def _other(self, node: Mapping, name: str) -> Iterator[Scope]:
        """Yield what a resource of another kind says (Keycloak, AlertmanagerConfig, a chart's values)."""
        variables = list(environments(self.reader, node))
        if self.file.string(node, "kind") in _SILENT:
            return
        rest = tuple(one for one in self.reader.flat(node) if not self.reader.is_taken(one))
        if rest:
            yield Scope(assignments=rest, name=name, place=self.file.place(node.start))
        yield from variables
