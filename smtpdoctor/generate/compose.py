"""Docker Compose files: the ``environment`` of one service, as mapping or as list.

A file is taken apart line by line and only as far as needed, so that comments, quotes and order
stay. Where lines alone do not tell what YAML would make of them (anchors and merge keys on the way
to the variables, flow mappings, tabs, several documents), the file is refused rather than guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from smtpdoctor.errors import UsageError
from smtpdoctor.generate.comments import about, heading, renewed
from smtpdoctor.generate.plan import (
    Merged,
    Plan,
    Standing,
    Variable,
    decide,
    host_in,
    unwritable,
)
from smtpdoctor.model import Lang, Message

__all__ = ["NAME", "cautions", "check_command", "merge", "owns", "read", "render"]

NAME: Final = "compose"
_FILE: Final = re.compile(r"(?:.*[._-])?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_SERVICE: Final = "app"
_KEY: Final = re.compile(
    r"""(?:"(?P<double>[^"\\]*)"|'(?P<single>[^']*)'|(?P<plain>[A-Za-z0-9_<./$-][^\s:"'\#&*!|>{}\[\],]*))
        [ ]*:(?P<rest>[ ].*|)""",
    re.VERBOSE,
)
_ITEM: Final = re.compile(r"-(?P<gap>[ ]+|$)(?P<rest>.*)")
_SCALAR: Final = re.compile(
    r"""(?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:''|[^'])*)'|(?P<plain>(?:(?![ ]\#).)*?))
        (?P<after>[ ]*(?:(?<=[ ])\#.*)?)""",
    re.VERBOSE,
)
_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*|[1-9][0-9]*")
_LIST_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+=(?:[A-Za-z0-9_./:@+-]*[A-Za-z0-9_./@+-])?")
# What may stand within quotes, up to the closing one; a backslash may escape the line end.
_IN_QUOTES: Final = {'"': re.compile(r'(?:\\.?|[^"\\])*'), "'": re.compile(r"(?:''|[^'])*")}
# Words that YAML 1.1 takes for something else than text.
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_ESCAPES: Final[Mapping[str, str]] = {r"\"": '"', "\\\\": "\\", r"\/": "/", r"\t": "\t", r"\n": "\n"}


def owns(filename: str) -> bool:
    """Whether a file of that name is a Compose file."""
    return bool(_FILE.fullmatch(filename))


def check_command(file: str | None) -> str | None:  # noqa: ARG001 -- the interface of a format
    """Return None: ``check`` does not read Compose files."""
    return None


def cautions(plan: Plan, names: Iterable[str]) -> tuple[Message, ...]:
    """Return what to know: a container's localhost is the container itself."""
    if plan.host == "localhost" and "host" in {
        v.setting for v in plan.variables if set(names) & set(v.names)
    }:
        return (Message("generate.localhost"),)
    return ()


def _checked(name: str, value: str, file: str) -> str:
    """Return a value as Compose wants it, ``$`` doubled; raises UsageError for control characters."""
    if unwritable(value):
        from smtpdoctor.generate.refusals import refused, syntax_called

        raise refused(name, file, value, "", syntax_called(NAME))
    return value.replace("$", "$$")


def _quoted(text: str, quote: str = "'") -> str:
    if quote == '"' and not set(text) & {'"', "\\"}:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _entry(variable: Variable, file: str, *, is_list: bool, quote: str) -> str:
    """Return a line of an environment without its indentation."""
    value = _checked(variable.name, variable.value, file)
    if is_list:
        item = f"{variable.name}={value}"
        return f"- {item if _LIST_PLAIN.fullmatch(item) else _quoted(item, quote)}"
    return f"{variable.name}: {_quoted(value, quote)}"


def render(plan: Plan, lang: Lang, *, file: str | None = None) -> str:
    """Return a whole file with one service; raises UsageError for a value that cannot be written."""
    service = plan.service or _SERVICE
    lines = [f"# {text}" for text in heading(plan, lang, check=None)]
    key = service if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", service) else _quoted(service)
    lines += ["services:", f"  {key}:", "    environment:"]
    indent = " " * 6
    before = None
    for variable in plan.variables:
        if variable.setting != "security" or before not in {"port", "security"}:
            lines += [f"{indent}# {text}" for text in about(plan, variable.setting, lang)]
        before = variable.setting
        lines.append(indent + _entry(variable, file or "compose.yaml", is_list=False, quote="'"))
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a block mapping: its line, what stands behind the colon, and the lines below it."""

    name: str
    line: int
    indent: int
    rest: str
    end: int

    @property
    def bare(self) -> bool:
        """Whether nothing but a comment stands on its line."""
        return not self.rest or self.rest.startswith("#")


@dataclass(slots=True)
class _Place:
    """Where a variable stands: line, and the part of it that is the scalar."""

    line: int
    start: int
    stop: int
    standing: Standing = field(repr=False)
    quote: str = ""


@dataclass(slots=True)
class _Environment:
    """The variables of a service and where another one would go.

    ``key_indent`` is where the key ``environment`` has to be put first, if it is not there.
    """

    is_list: bool
    indent: int
    at: int
    places: dict[str, _Place]
    key_indent: int | None = None
    quote: str = "'"


class _File:
    """A Compose file as lines."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)
        self.end = "\r\n" if "\r\n" in text else "\n"
        self.inner: frozenset[int] = frozenset()
        self.inner = self._inner()
        for number, line in enumerate(self.lines):
            if number in self.inner:
                continue
            content = self.content(number)
            if re.match(r"[ ]*\t", line):
                self.refuse("generate.compose.tab", number)
            if re.match(r"(?:---(?:\s|$)|\.\.\.\s*$|%)", content) and self._later(number):
                self.refuse("generate.compose.documents", number)

    def _later(self, number: int) -> bool:
        """Whether a document mark stands behind content (one at the top is usual)."""
        return not self.content(number).startswith("---") or bool(list(self.significant(0, number)))

    def refuse(self, key: str, line: int | None = None, **values: object) -> NoReturn:
        """Raise UsageError that says why the file cannot be merged into, and where."""
        reason = Message(key, values)
        shown = f"{self.file}:{line + 1}" if line is not None else self.file
        raise UsageError(
            Message("usage.generate.compose", {"file": shown, "reason": reason}),
            Message("usage.generate.compose.print"),
        )

    def content(self, number: int) -> str:
        """Return a line without its end."""
        line: str = self.lines[number]
        return line.rstrip("\r\n")

    def indent(self, number: int) -> int:
        """Return how far a line is indented."""
        content = self.content(number)
        return len(content) - len(content.lstrip(" "))

    def significant(self, start: int, end: int) -> Iterator[int]:
        """Return the lines that are neither blank nor a comment."""
        for number in range(start, end):
            bare = self.content(number).strip()
            if number in self.inner:
                continue
            if bare and not bare.startswith("#") and not re.match(r"---(?:\s|$)", self.content(number)):
                yield number

    def keys(self, start: int, end: int, above: int) -> list[_Key]:
        """Return the keys of the block mapping in these lines, indented deeper than ``above``."""
        found: list[tuple[str, int, str]] = []
        level: int | None = None
        for number in self.significant(start, end):
            indent = self.indent(number)
            level = indent if level is None else level
            if indent > level:
                continue
            content = self.content(number)[indent:]
            if indent < level or indent <= above:
                self.refuse("generate.compose.line", number)
            if found and not found[-1][2] and _ITEM.fullmatch(content):
                continue  # a list may stand as far left as its key
            key = _KEY.fullmatch(content)
            if key is None:
                self.refuse("generate.compose.line", number)
            name = next(part for part in key.group("double", "single", "plain") if part is not None)
            if name in {one for one, _, _ in found} and name != "<<":
                self.refuse("generate.compose.twice", number, name=name)
            rest = key["rest"].strip()
            found.append((name, number, "" if rest.startswith("#") else rest))
        ends = [*(line for _, line, _ in found), end][1:]
        return [
            _Key(name, line, level or 0, rest, stop)
            for (name, line, rest), stop in zip(found, ends, strict=True)
        ]

    def after(self, start: int, end: int, level: int) -> int:
        """Return the line behind the last one that belongs to a block at ``level``.

        Comments further in belong to it (they may be lines of a block text); blank ones do not.
        """
        last = start
        for number in range(start, end):
            bare = self.content(number).strip()
            inner = number in self.inner and bool(bare)
            if inner or (bare and (not bare.startswith("#") or self.indent(number) > level)):
                last = number + 1
        return last

    def _inner(self) -> frozenset[int]:
        """Return the lines within a block text, or a quoted text or braces that began further up.

        Whatever they look like, they are no keys. Raises UsageError where the end is missing.
        """
        inner: set[int] = set()
        number = 0
        while number < len(self.lines):
            start = number
            column, value = _value(self.content(number))
            number += 1
            if value.startswith(("|", ">")):
                while number < len(self.lines) and (
                    not self.content(number).strip() or self.indent(number) > column
                ):
                    number += 1
                # Blank lines at the end may as well belong to what comes next.
                while number > start + 1 and not self.content(number - 1).strip():
                    number -= 1
            elif value.startswith(("'", '"', "[", "{")):
                open_: list[str] = _still_open(value, [])
                while open_ and number < len(self.lines):
                    open_ = _still_open(self.content(number), open_)
                    number += 1
                if open_:
                    self.refuse("generate.compose.line", start)
            inner.update(range(start + 1, number))
        return frozenset(inner)

    # the way to the variables

    def service(self, wanted: str | None) -> tuple[_Key, _Key]:
        """Return ``services`` and the service to write to; raises UsageError where that is not clear."""
        services = next((one for one in self.keys(0, len(self.lines), -1) if one.name == "services"), None)
        if services is None:
            self.refuse("generate.compose.no-services")
        if not services.bare:
            self.refuse("generate.compose.flow", services.line)
        named = self.keys(services.line + 1, services.end, services.indent)
        if not named:
            self.refuse("generate.compose.no-services")
        names = ", ".join(one.name for one in named)
        values: dict[str, object] = {"file": self.file, "count": len(named), "names": names}
        if wanted is None and len(named) > 1:
            raise UsageError(Message("usage.generate.service", values))
        chosen = next((one for one in named if wanted in (None, one.name)), None)
        if chosen is None:
            raise UsageError(Message("usage.generate.no-service", {**values, "name": wanted}))
        if not chosen.bare:
            self.refuse("generate.compose.flow", chosen.line)
        return services, chosen

    def environment(self, plan: Plan, *, force: bool) -> _Environment:
        """Return the environment of the service; raises UsageError for what lines do not tell."""
        services, service = self.service(plan.service)
        parts = {one.name: one for one in self.keys(service.line + 1, service.end, service.indent)}
        if "<<" in parts:
            self.refuse("generate.compose.flow", parts["<<"].line)
        found = parts.get("environment")
        if found is None or (found.bare and not list(self.significant(found.line + 1, found.end))):
            environment = self._new(services, service, found, next(iter(parts.values()), None))
        elif not found.bare:
            self.refuse("generate.compose.flow", found.line)
        else:
            environment = self._read(found, plan.owned)
        env_file = parts.get("env_file")
        if env_file is not None and not environment.places and not force:
            lines = [self.content(n).partition("#")[0] for n in self.significant(env_file.line, env_file.end)]
            words = re.findall(r"[^\s,\[\]{}\"'#:]+", " ".join(lines))[1:]
            other = next((word for word in words if "env" in word), ".env")
            values: dict[str, object] = {"file": self.file, "service": service.name, "other": other}
            raise UsageError(Message("usage.generate.env-file", values))
        return environment

    def _new(self, services: _Key, service: _Key, found: _Key | None, sibling: _Key | None) -> _Environment:
        step = max(service.indent - services.indent, 1)
        if found is not None:
            return _Environment(is_list=False, indent=found.indent + step, at=found.line + 1, places={})
        level = sibling.indent if sibling else service.indent + step
        at = self.after(service.line + 1, service.end, level)
        return _Environment(is_list=False, indent=level + step, at=at, places={}, key_indent=level)

    def _read(self, found: _Key, owned: frozenset[str]) -> _Environment:
        body = list(self.significant(found.line + 1, found.end))
        level = self.indent(body[0])
        is_list = _ITEM.match(self.content(body[0])[level:]) is not None
        # The lines of the body that begin an entry; deeper ones go on with the one before.
        entries = [number for number in body if self.indent(number) == level]
        if any(self.indent(number) < level for number in body) or (level <= found.indent and not is_list):
            self.refuse("generate.compose.line", body[0])
        at = self.after(found.line + 1, found.end, level)
        environment = _Environment(is_list, level, at, {})
        for number, stop in zip(entries, [*entries[1:], found.end], strict=True):
            name, place = self._item(number) if is_list else self._pair(number, owned)
            if place is None:
                continue
            if place.quote:
                environment.quote = place.quote
            if name not in owned:
                continue
            if any(self.content(line).strip() for line in self.inner & set(range(number + 1, stop))):
                self.refuse("generate.compose.line", number)
            if any(self.significant(number + 1, stop)):
                self.refuse("generate.compose.line", number)
            if name in environment.places and not is_list:
                self.refuse("generate.compose.twice", number, name=name)
            environment.places[name] = place
        ours = [place.line for place in environment.places.values()]
        if ours:
            environment.at = max(ours) + 1
        return environment

    def _item(self, number: int) -> tuple[str, _Place | None]:
        content = self.content(number)
        item = _ITEM.fullmatch(content.lstrip(" "))
        if item is None:
            self.refuse("generate.compose.line", number)
        start = len(content) - len(item["rest"])
        place = self._scalar(number, start)
        if place is None or re.search(r":(?: |$)", place.standing.text if not place.quote else ""):
            self.refuse("generate.compose.line", number)
        name, sign, value = place.standing.text.partition("=")
        place.standing = _standing(value) if sign else Standing("", "through")
        return name, place

    def _pair(self, number: int, owned: frozenset[str]) -> tuple[str, _Place | None]:
        content = self.content(number)
        key = _KEY.fullmatch(content.lstrip(" "))
        if key is None:
            self.refuse("generate.compose.line", number)
        name = next(part for part in key.group("double", "single", "plain") if part is not None)
        if name == "<<":
            self.refuse("generate.compose.flow", number)
        start = len(content) - len(key["rest"].lstrip(" "))
        place = self._scalar(number, start)
        if place is None:
            if name in owned:
                self.refuse("generate.compose.line", number)
            return name, None
        text = place.standing.text
        empty = not place.quote and text in {"", "~", "null", "Null", "NULL"}
        place.standing = Standing("", "through") if empty else _standing(text)
        return name, place

    def _scalar(self, number: int, start: int) -> _Place | None:
        """Return the scalar that begins there; None: more than a line of text."""
        content = self.content(number)
        if content[start : start + 1] == "#":
            return _Place(number, start, start, Standing(""))
        if content[start : start + 1] in set("&*!|>{[%@`") - {""}:
            return None
        found = _SCALAR.fullmatch(content, start)
        if found is None or (found["plain"] or "").startswith(("'", '"')):
            return None
        if (text := found["double"]) is not None:
            if not all(escape in _ESCAPES for escape in re.findall(r"\\.", text)):
                return None
            text = re.sub(r"\\.", lambda escape: _ESCAPES[escape[0]], text)
            quote = '"'
        elif (text := found["single"]) is not None:
            text, quote = text.replace("''", "'"), "'"
        else:
            text, quote = found["plain"].rstrip(), ""
        stop = found.start("after") if quote else start + len(text)
        return _Place(number, start, stop, Standing(text), quote)


def _value(content: str) -> tuple[int, str]:
    """Return the column of a line's innermost key or dash, and the value that begins on the line."""
    column = len(content) - len(content.lstrip(" "))
    rest = content[column:]
    while item := re.match(r"-[ ]+", rest):
        inner = rest[item.end() :]
        if not _KEY.fullmatch(inner) and not inner.startswith("-"):
            return column, _bare(inner)
        column, rest = column + item.end(), inner
    key = _KEY.fullmatch(rest)
    return column, _bare(key["rest"]) if key else ""


def _bare(value: str) -> str:
    """Return a value without the anchor and tag in front of it."""
    return re.sub(r"^(?:[&!]\S*\s+)*", "", value.strip())


def _still_open(content: str, before: list[str]) -> list[str]:
    """Return the quotes and braces that are open at the end of a line, the innermost last."""
    open_ = list(before)
    position = 0
    while position < len(content):
        inside = open_[-1] if open_ else ""
        quoted = _IN_QUOTES[inside].match(content, position) if inside in _IN_QUOTES else None
        if quoted is not None:
            position = quoted.end()
            if position == len(content):
                break
            open_.pop()  # the closing quote stands here
        elif (letter := content[position]) == "#" and (position == 0 or content[position - 1] in " \t"):
            break
        elif letter in "[{" or (letter in "'\"" and (position == 0 or content[position - 1] in " \t[{,:")):
            open_.append(letter)
        elif letter in "]}" and open_:
            open_.pop()
        if not open_:
            break
        position += 1
    return open_


def _standing(text: str) -> Standing:
    """Return a value with ``$$`` undone; one ``$`` makes it a reference to another place."""
    if "$" in text.replace("$$", ""):
        return Standing(text, "reference")
    return Standing(text.replace("$$", "$"))


def read(path: Path, plan: Plan, *, file: str) -> Mapping[str, str]:
    """Return the variables of a plan as they stand in a file; raises UsageError."""
    return _values(path.read_bytes().decode().removeprefix("\ufeff"), plan, file)


def merge(text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
    """Return the file with the plan in one service's environment; all other lines stay.

    Raises UsageError for values that are there already (unless ``force``), for a file that is too
    unusual to be changed line by line, and where it is not clear which service is meant.
    """
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    source = _File(text, file)
    standing = {one: place.standing for one, place in source.environment(plan, force=force).places.items()}
    decision = decide(plan, standing, file=file, force=force)
    source = _File(_with_new_comments(source, plan, lang, host_in(plan, standing)), file)
    environment = source.environment(plan, force=force)
    lines = source.lines
    for name, value in decision.edits.items():
        place = environment.places[name]
        line = lines[place.line]
        new = _replacement(name, value, file, place, is_list=environment.is_list)
        lead = "" if line[: place.start].endswith(" ") else " "
        gap = " " if line[place.stop : place.stop + 1] == "#" else ""
        lines[place.line] = line[: place.start] + lead + new + gap + line[place.stop :]
    if decision.additions:
        at = environment.at
        if at and not lines[at - 1].endswith(("\n", "\r")):
            lines[at - 1] += source.end
        added = [
            " " * environment.indent + _entry(one, file, is_list=environment.is_list, quote=environment.quote)
            for one in decision.additions
        ]
        if environment.key_indent is not None:
            added.insert(0, " " * environment.key_indent + "environment:")
        lines[at:at] = [line + source.end for line in added]
    merged = "".join(lines)
    read = _values(merged, plan, file)
    for name, value in decision.values.items():
        # Rather no file than one that means something else.
        if read.get(name) != value:
            raise UsageError(Message("usage.generate.unusual", {"file": file, "name": name}))
    return Merged(
        text=mark + merged,
        values=decision.values,
        written=decision.written,
        unchanged=decision.unchanged,
        to_fill_in=decision.to_fill_in,
        left=decision.left,
    )


def _with_new_comments(source: _File, plan: Plan, lang: Lang, host: str | None) -> str:
    """Return the file with what an earlier run wrote about another provider replaced."""
    comments = [
        None if number in source.inner else re.fullmatch(r"([ ]*)# (.*)", source.content(number))
        for number in range(len(source.lines))
    ]
    new = renewed([one and one[2] for one in comments], plan, lang, host=host)
    lines: list[str] = []
    for line, comment, said in zip(source.lines, comments, new, strict=True):
        if said is None or comment is None:
            lines.append(line)
        else:
            lines += [f"{comment[1]}# {text}{source.end}" for text in said]
    return "".join(lines)


def _replacement(name: str, value: str, file: str, place: _Place, *, is_list: bool) -> str:
    text = _checked(name, value, file)
    if is_list:
        item = f"{name}={text}"
        return item if not place.quote and _LIST_PLAIN.fullmatch(item) else _quoted(item, place.quote)
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain and not place.quote else _quoted(text, place.quote)


def _values(text: str, plan: Plan, file: str) -> dict[str, str]:
    """Return the variables of a plan that have a value in a file's text."""
    places = _File(text, file).environment(plan, force=True).places
    return {name: one.standing.text for name, one in places.items() if one.standing.kind == "text"}
