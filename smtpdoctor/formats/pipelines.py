"""Variables of pipelines: GitHub Actions (``env``) and GitLab CI (``variables``), one scope for each job or step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Known
from typing import Final

from msgspec.structs import replace

from smtpdoctor.formats.document import Assignment, Document, Place, Remark, Scope, Source
from smtpdoctor.formats.yaml_kinds import syntax_of
from smtpdoctor.formats.yaml_nodes import Alias, Item, Mapping, Node, Scalar
from smtpdoctor.formats.yaml_scalars import RULES
from smtpdoctor.formats.yaml_values import Found, Reader, as_word, document_of, opened

__all__ = ["read"]

_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_ENV: Final = re.compile(r"env\.([A-Za-z_][\w-]*)")
_VARIABLE: Final = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_GLOBAL: Final = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script",
     "after_script", "pages", "spec"}
)  # fmt: skip
_MOST_VALUE: Final = 100_000
_MOST_STEPS: Final = 2_000


class _Jobs:
    def __init__(self, source: Source) -> None:
        self.file = opened(source)
        self.reader = Reader(source, self.file, replace(RULES[""], placeholders=""))

    def entries(self, item: Item | None) -> Iterator[tuple[str, Scalar | None, Node, tuple[Place, ...]]]:
        """Yield the names of a map with their values; a value may stand in a map of its own (GitLab)."""
        node = None if item is None else self.file.follow(item, 0)
        if not isinstance(node, Mapping):
            return
        self.reader.doubtful(node)
        for key, value, way in self.file.pairs(node):
            inner = self.file.follow(value, 1)
            via = (self.file.place(value.start), *way) if isinstance(value, Alias) else way
            if isinstance(inner, Mapping):
                stands = self.file.get(inner, "value")
                yield key.value, stands if isinstance(stands, Scalar) else None, inner, via
            else:
                yield key.value, inner if isinstance(inner, Scalar) else None, inner, via

    def image(self, node: Node | None) -> str:
        """Return the image of a job or a service."""
        found = self.file.get(node, "image") or self.file.get(node, "container")
        if isinstance(found, Mapping):
            return self.file.string(found, "name") or self.file.string(found, "image")
        return self.file.string(node, "image") or self.file.string(node, "container")


class _GitHub(_Jobs):
    def scopes(self) -> Iterator[Scope]:
        root = self.file.documents[0] if self.file.documents else None
        common = self.variables(self.file.get(root, "env"), {})
        jobs = self.file.get(root, "jobs")
        if not isinstance(jobs, Mapping):
            if common:
                yield Scope(assignments=tuple(common.values()), environment=True)
            return
        for key, job, _ in self.file.pairs(jobs):
            own = self.variables(self.file.get(job, "env"), common)
            image, place = self.image(self.file.follow(job, 0)), self.file.place(key.start)
            if own:
                yield Scope(
                    assignments=tuple(own.values()),
                    name=key.value,
                    image=image,
                    environment=True,
                    place=place,
                )
            for number, step in enumerate(self.file.listed(job, "steps"), 1):
                env = self.file.get(step, "env")
                if env is not None:
                    name = self.file.string(step, "name") or self.file.string(step, "id") or str(number)
                    yield Scope(
                        assignments=tuple(self.variables(env, own).values()),
                        name=f"{key.value}.{name}",
                        image=image,
                        environment=True,
                        place=self.file.place(step.start),
                    )
            services = self.file.get(job, "services")
            if isinstance(services, Mapping):
                for service, node, _ in self.file.pairs(services):
                    yield Scope(
                        assignments=tuple(self.variables(self.file.get(node, "env"), common).values()),
                        name=f"{key.value}.{service.value}",
                        image=self.image(self.file.follow(node, 0)),
                        environment=True,
                        place=self.file.place(service.start),
                    )

    def variables(self, node: Node | None, before: Known[str, Assignment]) -> dict[str, Assignment]:
        known = dict(before)
        for name, scalar, stands, via in self.entries(node):
            if scalar is None:
                known[name] = self.reader.unknown(name, stands, via, "")
                continue
            known.pop(name, None)
            style = self.reader.style(scalar, braces=True)
            found = self.found(scalar, before)
            known[name] = as_word(self.reader.assignment(name, scalar, via, found=found, style=style))
        return known

    def found(self, node: Scalar, known: Known[str, Assignment]) -> Found:
        spans = self.file.spans(node.start, node.end)
        if not spans:
            return self.reader.found(node)
        text = self.file.text[node.start : node.end]
        raw = text[1:-1] if node.style in {"'", '"'} else text
        match = _EXPRESSION.fullmatch(raw.strip())
        inner = match[1] if match else ""
        if (named := _ENV.fullmatch(inner)) and (one := known.get(named[1])) is not None:
            return Found(one.value, one.kind, one.remarks, one.source, one if one.value is not None else None)
        if literal := re.fullmatch(r"'((?:[^']|'')*)'", inner):
            return Found(literal[1].replace("''", "'"), "word")
        first = _EXPRESSION.search(raw)
        source = re.match(r"[\w.-]+", first[1]) if first else None
        return Found(None, "unknown", source=source[0] if source else "${{ }}")


class _GitLab(_Jobs):
    steps = 0  # variables that the value at hand is made of, by way of others

    def scopes(self) -> Iterator[Scope]:
        for document in self.file.documents:
            root = self.file.follow(document, 0)
            if not isinstance(root, Mapping):
                continue
            image = self.image(root) or self.image(self.file.get(root, "default"))
            common = self.variables(self.file.get(root, "variables"), {})
            if common:
                yield Scope(assignments=tuple(common.values()), image=image, environment=True)
            for key, job, _ in self.file.pairs(root):
                if key.value in _GLOBAL:
                    continue
                variables = self.file.get(job, "variables")
                if variables is not None:
                    yield Scope(
                        assignments=tuple(self.variables(variables, common).values()),
                        name=key.value,
                        image=self.image(self.file.follow(job, 0)) or image,
                        environment=True,
                        place=self.file.place(key.start),
                    )
                for service in self.file.listed(job, "services"):
                    own = self.file.get(service, "variables")
                    if own is not None:
                        yield Scope(
                            assignments=tuple(self.variables(own, common).values()),
                            name=f"{key.value}.{self.file.string(service, 'alias') or 'services'}",
                            image=self.file.string(service, "name"),
                            environment=True,
                            place=self.file.place(service.start),
                        )

    def variables(self, node: Node | None, before: Known[str, Assignment]) -> dict[str, Assignment]:
        known = dict(before)
        raw: dict[str, Assignment] = {}
        for name, scalar, stands, via in self.entries(node):
            if scalar is None:
                raw[name] = self.reader.unknown(name, stands, via, "")
                continue
            whole = stands is not scalar and self.file.string(stands, "expand") == "false"
            style = self.reader.style(scalar, dollars=not whole)
            one = as_word(self.reader.assignment(name, scalar, via, style=style))
            if one.kind == "null":
                one = replace(one, value="", kind="word")
            raw[name] = one if whole else replace(one, source="expand")
        for name, one in raw.items():
            known.pop(name, None)
            known[name] = self.expanded(name, one, {**before, **raw}) if one.value is not None else one
        return known

    def expanded(self, name: str, one: Assignment, known: Known[str, Assignment]) -> Assignment:
        """Put in the variables that the file has; one that it does not have may be the project's."""
        if one.source != "expand":
            return one
        one = replace(one, source="")
        if "$" not in (one.value or ""):
            return one
        text, path = one.value or "", {name}
        whole: Assignment | None = None
        if (alone := _VARIABLE.fullmatch(text)) and alone[0] != "$$":
            whole = known.get(alone[1] or alone[2])
        remarks = [*one.remarks]
        self.steps = 0
        filled = self._filled(text, known, path, one)
        if filled is None:
            # What stands behind a bare $ may be the half of a password.
            missing = next((m[1] or "$" for m in _VARIABLE.finditer(text) if m[0] != "$$"), "")
            return replace(one, value=None, kind="unknown", source=missing)
        if whole is None and filled != text:
            remarks.append(Remark("expanded", "$"))
        if whole is not None:
            return replace(
                whole,
                name=name,
                value=filled,
                source="",
                effect=(*whole.effect, one.region.place, *one.effect),
            )
        return replace(one, value=filled, remarks=tuple(dict.fromkeys(remarks)))

    def _filled(self, text: str, known: Known[str, Assignment], path: set[str], at: Assignment) -> str | None:
        parts: list[str] = []
        done = size = 0
        self.steps += 1
        if self.steps > _MOST_STEPS:
            self.reader.problem("limit", at.region.start, "$")
            return None
        for match in _VARIABLE.finditer(text):
            parts.append(text[done : match.start()])
            done = match.end()
            if match[0] == "$$":
                parts.append("$")
                continue
            name = match[1] or match[2]
            one = known.get(name)
            if name in path and one is not None:
                self.reader.problem("cycle", at.region.start, name)
                return None
            if one is None or one.value is None or len(path) > 20:  # noqa: PLR2004 - nobody nests so deep
                return None
            inner = self._filled(one.value, known, {*path, name}, at) if one.source == "expand" else one.value
            if inner is None:
                return None
            size += len(inner)
            if size > _MOST_VALUE:
                return None
            parts.append(inner)
        parts.append(text[done:])
        return "".join(parts)


def read(source: Source) -> Document:
    """Return the variables of a pipeline's jobs and steps; raises TooLargeError."""
    gitlab = syntax_of(source.path, source.text) == "gitlab-ci"
    jobs = _GitLab(source) if gitlab else _GitHub(source)
    scopes = list(jobs.scopes())
    return document_of(jobs.reader, "gitlab-ci" if gitlab else "github-actions", scopes)
