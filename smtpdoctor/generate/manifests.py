"""Settings merged into Kubernetes manifests: the `env` of a container, a ConfigMap, a Secret. Pure.

A password never stands in a workload: it goes into a Secret of the file that the container takes already, or
the entry names the key of one that is to be made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec import Struct
from msgspec.structs import replace as with_fields

from smtpdoctor.errors import UsageError
from smtpdoctor.formats import env_items
from smtpdoctor.formats.document import Assignment, Document, Place, Region, Scope, edited, line_end_of
from smtpdoctor.formats.env_items import Entry, Reference
from smtpdoctor.formats.yaml_nodes import File, Item, Node, Scalar, parsed
from smtpdoctor.formats.yaml_nodes import Mapping as MapNode
from smtpdoctor.formats.yaml_nodes import Sequence as ListNode
from smtpdoctor.formats.yaml_scalars import Style, write
from smtpdoctor.generate.application import AppFile, likely, unusual
from smtpdoctor.generate.comments import heading
from smtpdoctor.generate.kinds import Line, laid_out
from smtpdoctor.generate.plan import Plan, Variable
from smtpdoctor.model import Lang, SettingName
from smtpdoctor.settings.values import Values

__all__ = ["SECRET", "ManifestFile"]

SECRET: Final = "smtp"  # noqa: S105 -- so is the Secret called that is written as a whole file
_MAPS: Final = frozenset({"Secret", "ConfigMap"})
_Edit = tuple[int, int, str]


class _Home(Struct, frozen=True):
    """Where a password goes: a Secret that stands in the file, or one that has to be made."""

    name: str
    node: MapNode | None = None
    whole: bool = False
    """Whether the container takes every key of it."""


class ManifestFile(AppFile):
    """A file of Kubernetes objects, as a ``Format``."""

    # Which container

    def _scope(self, document: Document, plan: Plan, file: str) -> Scope:
        scopes = document.scopes
        if plan.service is not None or len(scopes) < 2 or any(map(self._host_stands, scopes)):  # noqa: PLR2004
            return super()._scope(document, plan, file)
        ours = likely(self.dialect, scopes)
        nodes = parsed(document.path, document.texts[document.path])
        containers = [one for one in scopes if _is_container(nodes, _node_at(nodes, one.place))]
        maps = [one for one in scopes if one.environment and _under_key(nodes, one.place) is not None]
        for chosen in (ours, containers, [] if containers else maps, [] if containers else list(scopes)):
            if len(chosen) == 1:
                return chosen[0]
        return super()._scope(with_fields(document, scopes=tuple(containers) or scopes), plan, file)

    # What is written

    def _adapted(self, plan: Plan, places: Mapping[str, Assignment]) -> tuple[Plan, Mapping[str, str]]:
        """Return a plan that leaves a password where a Secret has it that is not in this file."""
        variables, secrets = [], {}
        for one in plan.variables:
            at = places.get(one.name)
            login = _is_secret(one) or one.setting in {"username", "sender"}
            if login and at is not None and at.value is None and at.kind == "unknown":
                if not one.yields:  # it was asked for, and is to be changed where it stands
                    secrets[one.name] = at.source.partition("/")[0] if "/" in at.source else ""
                one = replace(one, yields=True, fill_in=False)  # noqa: PLW2901 -- the same variable
            variables.append(one)
        return replace(plan, variables=tuple(variables)), secrets

    def _changed(
        self,
        document: Document,
        scope: Scope,
        plan: Plan,
        edits: Mapping[str, str],
        places: Mapping[str, Assignment],
        additions: Sequence[Variable],
        lang: Lang,
        file: str,
    ) -> tuple[str, Mapping[str, str]]:
        text = document.texts[document.path]
        nodes = parsed(document.path, text)
        home = _home(nodes, scope, places)
        changes: list[_Edit] = []
        left, secrets = {}, {}
        for name, value in edits.items():
            one = next(one for one in plan.variables if one.name == name)
            new = None
            if _is_secret(one) and value and home.node is None:
                new = env_items.referring(nodes, places[name].region, Reference(home.name, name))
            if new is None:
                left[name] = value
            else:
                changes.append(new)
                secrets[name] = home.name
        changes += (
            (region.start, region.end, new)
            for region, new in self._replacements(document, plan, left, places, file)
        )
        if not additions:
            return _with(text, changes), secrets
        for added, made in _added(nodes, scope, places, additions, home, self._alone(plan, lang)):
            try:
                whole = _with(text, [*changes, *added])
            except ValueError:
                continue
            if self._stands(whole, plan, additions, made, file):
                return whole, {**secrets, **dict.fromkeys(made, home.name)}
        raise unusual(file, additions[0].name)

    def _alone(self, plan: Plan, lang: Lang) -> list[str]:
        """Return the head of an object of its own: settings with a file to themselves."""
        return list(heading(plan, lang, check=None))[:1]

    def _stands(
        self, text: str, plan: Plan, additions: Sequence[Variable], made: Sequence[str], file: str
    ) -> bool:
        """Whether the application finds in a text what was added."""
        document = self._document(text, file)
        if document is None or any(one.kind in {"syntax", "refused"} for one in document.problems):
            return False
        try:
            values = Values(self.dialect, self._scope(document, plan, file))
        except UsageError:
            return False
        for one in additions:
            at = values.first(one.names)
            if at is None or (at.value != one.value if one.name not in made else at.value is not None):
                return False
        return True


def _with(text: str, changes: Sequence[_Edit]) -> str:
    regions = [(Region(Place("", 1), start, end), new) for start, end, new in changes]
    return edited(text, regions)


def _is_secret(one: Variable) -> bool:
    settings: set[SettingName] = {one.setting, *one.parts}
    return "password" in settings and not one.flag


# The objects of a file


def _mappings(nodes: File) -> Iterator[MapNode]:
    """Yield every mapping of a file, those above first."""
    return (node for node in nodes.items() if isinstance(node, MapNode))


def _node_at(nodes: File, place: Place | None) -> MapNode | None:
    """Return the object or container that begins at a place, or what stands under a key that does."""
    if place is None or place.path != nodes.path:
        return None
    for node in _mappings(nodes):
        if nodes.place(node.start) == place:
            return node
    return None


def _under_key(nodes: File, place: Place | None) -> Node | None:
    for node in _mappings(nodes):
        for key, value in node.entries:
            if nodes.place(key.start) == place:
                return nodes.follow(value, 0)
    return None


def _is_container(nodes: File, node: MapNode | None) -> bool:
    return node is not None and nodes.get(node, "kind") is None and nodes.get(node, "name") is not None


def _objects(nodes: File, kind: str) -> dict[str, MapNode]:
    """Return the objects of a kind by name."""
    return {
        name: node
        for node in _mappings(nodes)
        if nodes.string(node, "kind") == kind and (name := nodes.string(node, "metadata", "name"))
    }


def _home(nodes: File, scope: Scope, places: Mapping[str, Assignment]) -> _Home:
    """Return where a password goes that a container takes."""
    node = _node_at(nodes, scope.place)
    secrets = _objects(nodes, "Secret")
    if node is not None and nodes.string(node, "kind") == "Secret":
        return _Home(scope.name, node, whole=True)
    taken = [
        nodes.string(item, "secretRef", "name")
        for item in nodes.listed(node, "envFrom")
        if not nodes.string(item, "prefix")
    ]
    for name in filter(None, taken):
        if name in secrets:
            return _Home(name, secrets[name], whole=True)
    regions = [one.region for one in places.values() if one.region.place.path == nodes.path]
    for name, secret in secrets.items():
        if any(secret.start <= one.start <= env_items.end_of(nodes, secret) for one in regions):
            return _Home(name, secret)
    elsewhere = [one.source.partition("/") for one in places.values() if one.value is None]
    named = [holder for holder, sign, _ in elsewhere if sign and holder]
    return _Home(next(iter([*named, *filter(None, taken)]), SECRET))


# Where it goes


def _added(
    nodes: File,
    scope: Scope,
    places: Mapping[str, Assignment],
    additions: Sequence[Variable],
    home: _Home,
    above: Sequence[str],
) -> Iterator[tuple[list[_Edit], list[str]]]:
    """Yield the ways to add variables, the nearest to what stands there first; with each, what a Secret has to have."""
    node = _node_at(nodes, scope.place)
    kind = nodes.string(node, "kind") if node is not None else ""
    if kind in _MAPS and node is not None:
        plain = [one for one in additions if kind == "Secret" or not _is_secret(one)]
        if len(plain) == len(additions):
            yield _in_map(nodes, node, kind, plain), []
    elif node is not None and _is_container(nodes, node):
        yield from _of_container(nodes, node, places, additions, home)
    elif isinstance(held := _under_key(nodes, scope.place), ListNode):
        yield _in_list(nodes, held, places, additions, home)
    elif isinstance(held, MapNode) and held.entries and not held.flow:
        yield [_in_variables(nodes, held, places, additions)], []
    if not scope.assignments and not _is_container(nodes, node):
        yield [_alone(nodes, additions, above)], []


def _of_container(
    nodes: File,
    node: MapNode,
    places: Mapping[str, Assignment],
    additions: Sequence[Variable],
    home: _Home,
) -> Iterator[tuple[list[_Edit], list[str]]]:
    mine = [one for one in places.values() if one.region.place.path == nodes.path and one.value is not None]
    for kind in ("ConfigMap", "Secret"):
        for other in _objects(nodes, kind).values():
            within = [
                one for one in mine if other.start <= one.region.start <= env_items.end_of(nodes, other)
            ]
            if not within or 2 * len(within) < len(mine):
                continue
            apart = [one for one in additions if kind == "ConfigMap" and _is_secret(one)]
            edits = _in_map(nodes, other, kind, [one for one in additions if one not in apart])
            if not apart:
                yield edits, []
                continue
            for more, made in _in_env(nodes, node, places, apart, home):
                yield [*edits, *more], made
    yield from _in_env(nodes, node, places, additions, home)


def _in_env(
    nodes: File,
    node: MapNode,
    places: Mapping[str, Assignment],
    additions: Sequence[Variable],
    home: _Home,
) -> Iterator[tuple[list[_Edit], list[str]]]:
    env = nodes.get(node, "env")
    if isinstance(env, ListNode) and env.items:
        yield _in_list(nodes, env, places, additions, home)
        return
    if node.flow:
        return
    edits, entries, made = _entries(nodes, additions, home)
    column = " " * (nodes.place(node.start).column - 1)
    lines = [f"{column}env:"]
    for one in entries:
        lines += env_items.block(one, f"{column}  ", quote="")
    own = next(((key, value) for key, value in node.entries if _is_key(key, "env")), None)
    if not entries:
        yield edits, made
    elif own is None:
        model = next((value for key, value in node.entries if _is_key(key, "image")), node.entries[0][1])
        yield [*edits, env_items.line_behind(nodes.text, env_items.end_of(nodes, model), lines)], made
    else:  # nothing stands there but a bracket
        key, value = own
        text = line_end_of(nodes.text).join(lines).lstrip(" ")
        yield [*edits, (key.start, max(env_items.end_of(nodes, value), key.start + 4), text)], made


def _is_key(key: Item, name: str) -> bool:
    return isinstance(key, Scalar) and key.value == name


def _in_list(
    nodes: File,
    held: ListNode,
    places: Mapping[str, Assignment],
    additions: Sequence[Variable],
    home: _Home,
) -> tuple[list[_Edit], list[str]]:
    edits, entries, made = _entries(nodes, additions, home)
    if not entries:
        return edits, made
    starts = [one.region.start for one in places.values() if one.region.place.path == nodes.path]
    lines = {place.line for one in places.values() for place in one.effect if place.path == nodes.path}
    owned = [
        item
        for item in held.items
        if any(item.start <= start <= env_items.end_of(nodes, item) for start in starts)
        or nodes.place(item.start).line in lines
    ]
    model = (owned or held.items)[-1]
    return [*edits, env_items.listed(nodes, held, model, entries)], made


def _entries(
    nodes: File, additions: Sequence[Variable], home: _Home
) -> tuple[list[_Edit], list[Entry], list[str]]:
    """Return what goes into a Secret of the file, the entries of the list, and what a Secret still has to have."""
    secret = [one for one in additions if _is_secret(one)]
    edits = _in_map(nodes, home.node, "Secret", secret) if home.node is not None and secret else []
    entries = [
        Entry(one.name, Reference(home.name, one.name) if one in secret else one.value)
        for one in additions
        if not (one in secret and home.node is not None and home.whole)
    ]
    return edits, entries, [one.name for one in secret] if home.node is None else []


def _in_map(nodes: File, node: MapNode, kind: str, additions: Sequence[Variable]) -> list[_Edit]:
    """Return the edits that give a ConfigMap or a Secret more keys."""
    if not additions:
        return []
    wanted = ("data",) if kind == "ConfigMap" else ("stringData", "data")
    for key in wanted:
        held = nodes.get(node, key)
        if not isinstance(held, MapNode) or not held.entries or held.flow:
            continue
        column = " " * (nodes.place(held.start).column - 1)
        last = held.entries[-1][1]
        encoded = key == "data" and kind == "Secret"
        quote = last.style if isinstance(last, Scalar) and last.style in {"'", '"'} else ""
        style = str(Style(quote, base64=encoded, string=True))
        lines = [f"{column}{one.name}: {write(one.value, style)}" for one in additions]
        return [env_items.line_behind(nodes.text, env_items.end_of(nodes, held), lines)]
    column = " " * (nodes.place(node.start).column - 1)
    lines = [f"{column}{wanted[0]}:"]
    lines += [f"{column}  {one.name}: {write(one.value, 'yaml single string')}" for one in additions]
    return [env_items.line_behind(nodes.text, env_items.end_of(nodes, node), lines)]


def _in_variables(
    nodes: File, held: MapNode, places: Mapping[str, Assignment], additions: Sequence[Variable]
) -> _Edit:
    """Return the edit that gives a map of environment variables more of them, beside those that are ours."""
    starts = {one.region.start for one in places.values()}
    owned = [value for _, value in held.entries if isinstance(value, Scalar) and value.start in starts]
    column = " " * (nodes.place(held.start).column - 1)
    lines = [f"{column}{one.name}: {write(one.value, 'yaml plain string')}" for one in additions]
    return env_items.line_behind(nodes.text, env_items.end_of(nodes, owned[-1] if owned else held), lines)


def _alone(nodes: File, additions: Sequence[Variable], above: Sequence[str]) -> _Edit:
    """Return a Secret with everything in it behind the other objects of a file."""
    from smtpdoctor.generate.kinds import KINDS
    from smtpdoctor.knowledge.dialects import Form

    kind = next(one for one in KINDS if one.name == "kubernetes")
    lines = [Line(one.name, write(one.value, "yaml single string")) for one in additions]
    end = line_end_of(nodes.text)
    whole = laid_out(kind, Form(kind=kind.name), lines, above).replace("\n", end)
    text = nodes.text
    ahead = "" if not text or text.endswith("\n") else end
    bare = text.rstrip()
    mark = "" if not bare or bare.endswith("\n---") or bare == "---" else f"---{end}"
    return len(text), len(text), f"{ahead}{mark}{whole}"
