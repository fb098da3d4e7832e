"""``${A}`` in values: Compose's template, Spring's placeholders, the literal forms of ENV in Ruby.

What is put in is not looked at again by Compose; Spring looks again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, ProblemKind, Remark

__all__ = ["Filled", "Variables", "compose_filled", "erb_filled", "jinja_filled", "spring_filled"]

_MOST_LEVELS: Final = 30  # of defaults in defaults
_MOST_VALUE: Final = 100_000
_MOST_STEPS: Final = 2_000  # variables that one value is made of, by way of others
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Variables(Struct, frozen=True):
    """What variables are known: those of the process, and those of a file beside, with their places.

    ``whole``: nothing else can come in; what is not known is not set. Else it is not known.
    """

    process: Mapping[str, str]
    file: Mapping[str, Assignment]
    whole: bool = False

    def get(self, name: str) -> tuple[bool, str | None, Assignment | None]:
        """Return whether a variable is set, its value (None: not known), and where."""
        if name in self.process:
            return True, self.process[name], None
        one = self.file.get(name)
        if one is not None:
            return True, one.value, one
        return False, None, None


class Filled(Struct, frozen=True):
    """A value with its variables put in.

    ``text`` None: not known, for ``source`` is not. ``one`` is the definition, where the value is that of one
    variable and nothing else. ``problem``: why nothing starts with this, ``detail`` its variable.
    """

    text: str | None
    one: Assignment | None = None
    remarks: tuple[Remark, ...] = ()
    source: str = ""
    problem: ProblemKind | None = None
    detail: str = ""


class _Stop(Exception):
    def __init__(self, problem: ProblemKind, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


class _Unknown(Exception):
    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


class _Compose:
    """One value of a Compose file."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.remarks: list[Remark] = []
        self.one: Assignment | None = None
        self.size = self.steps = 0

    def text(self, template: str, level: int = 0) -> str:
        if level > _MOST_LEVELS:
            raise _Stop("limit", "${")
        parts: list[str] = []
        done = 0
        while (at := template.find("$", done)) >= 0:
            parts.append(template[done:at])
            following = template[at + 1 : at + 2]
            if following == "$":
                parts.append("$")
                done = at + 2
            elif following == "{":
                end = _brace(template, at + 1)
                if end < 0:
                    raise _Stop("refused", "${")
                alone = at == 0 and end + 1 == len(template)
                parts.append(self._braced(template[at + 2 : end], level, alone=alone))
                done = end + 1
            elif name := _NAME.match(template, at + 1):
                done = name.end()
                alone = at == 0 and done == len(template)
                parts.append(self._plain(name[0], alone=alone, level=level))
            else:
                parts.append("$")
                done = at + 1
            self.size += len(parts[-1])
            self.steps += 1
            if self.size > _MOST_VALUE or self.steps > _MOST_STEPS:
                raise _Stop("limit", "${")
        parts.append(template[done:])
        return "".join(parts)

    def _known(self, name: str, *, alone: bool, level: int) -> str | None:
        found, value, one = self.variables.get(name)
        if found and value is None:
            raise _Unknown(one.source if one is not None and one.source else name)
        if found and alone and level == 0:
            self.one = one
        if found and one is not None:
            self.remarks += one.remarks
        return value if found else None

    def _plain(self, name: str, *, alone: bool, level: int) -> str:
        value = self._known(name, alone=alone, level=level)
        if not alone or value is None:
            self.remarks.append(Remark("expanded", "$"))
        if value is None:
            # A $ in the middle of a word is hardly meant for a variable; for Compose it is one. What stands
            # behind it may be the half of a password, so it is not named.
            if alone and not self.variables.whole:
                raise _Unknown("$")
            return ""
        return value

    def _braced(self, inner: str, level: int, *, alone: bool) -> str:
        found = _NAME.match(inner)
        if found is None:
            raise _Stop("refused", "${")
        name, rest = found[0], inner[found.end() :]
        value = self._known(name, alone=alone, level=level)
        if not rest:
            if value is None:
                if not self.variables.whole:
                    raise _Unknown(name)
                self.remarks.append(Remark("expanded", "$"))
                return ""
            return value
        sign = rest[:2] if rest[0] == ":" else rest[0]
        if sign not in {":-", "-", ":?", "?", ":+", "+"}:
            raise _Stop("refused", "${")
        other = rest[len(sign) :]
        there = bool(value) if sign[0] == ":" else value is not None
        if sign.endswith("?"):
            if not there:
                if not self.variables.whole and value is None:
                    raise _Unknown(name)
                raise _Stop("required", name)
            return value or ""
        if sign.endswith("+"):
            self.one = None
            return self.text(other, level + 1) if there else ""
        if there:
            return value or ""
        self.one = None
        self.remarks.append(Remark("defaulted", sign))
        return self.text(other, level + 1)


def _brace(template: str, at: int) -> int:
    """Return where the brace that opens at ``at`` is closed, as Compose counts."""
    depth = 0
    for found in re.compile("[{}]").finditer(template, at):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.start()
    return -1


def compose_filled(template: str, variables: Variables) -> Filled:
    """Return a string of a Compose file with its variables put in."""
    if "$" not in template:
        return Filled(template)
    run = _Compose(variables)
    try:
        text = run.text(template)
    except _Stop as stop:
        return Filled(None, problem=stop.problem, detail=stop.detail, source=stop.detail)
    except _Unknown as unknown:
        return Filled(None, source=unknown.source, remarks=tuple(run.remarks))
    return Filled(text, run.one, tuple(run.remarks))


class _Spring:
    """One property of Spring; ``properties`` looks up another one of the same file, as it stands there."""

    def __init__(self, variables: Variables, properties: Callable[[str], Assignment | None]) -> None:
        self.steps = 0
        self.variables = variables
        self.properties = properties
        self.remarks: list[Remark] = []
        self.one: Assignment | None = None
        self.size = 0

    def text(self, template: str, path: tuple[str, ...], level: int = 0) -> str:
        if level > _MOST_LEVELS:
            raise _Stop("limit", "${")
        parts: list[str] = []
        done = 0
        while (at := template.find("${", done)) >= 0:
            end = _brace_spring(template, at)
            if end < 0:
                break
            parts.append(template[done:at])
            alone = level == 0 and at == 0 and end + 1 == len(template)
            parts.append(self._one(template[at + 2 : end], path, level, alone=alone))
            self.size += len(parts[-1])
            if self.size > _MOST_VALUE:
                raise _Stop("limit", "${")
            done = end + 1
        parts.append(template[done:])
        return "".join(parts)

    def _one(self, inner: str, path: tuple[str, ...], level: int, *, alone: bool) -> str:
        inner = self.text(inner, path, level + 1) if "${" in inner.partition(":")[0] else inner
        name, colon, default = inner.partition(":")
        name = name.strip()
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise _Stop("limit", "${")
        if name in path:
            raise _Stop("cycle", name)
        # SPRING_MAIL_HOST is spring.mail.host for Spring.
        for form in dict.fromkeys((name, re.sub(r"[^A-Za-z0-9]", "_", name).upper())):
            found, value, one = self.variables.get(form)
            if found:
                if value is None:
                    raise _Unknown(one.source if one is not None and one.source else form)
                if alone:
                    self.one = one
                if one is not None:
                    self.remarks += one.remarks
                return value
        other = self.properties(name)
        if other is not None:
            if other.value is None and other.kind != "null":
                raise _Unknown(other.source or name)
            return self.text(other.value or "", (*path, name), level + 1)
        if not colon:
            raise _Unknown(name)
        self.remarks.append(Remark("defaulted", ":"))
        return self.text(default, path, level + 1)


def _brace_spring(template: str, at: int) -> int:
    depth = 0
    for found in re.compile(r"\$\{|\}").finditer(template, at):
        depth += 1 if found[0] == "${" else -1
        if depth == 0:
            return found.start()
    return -1


def spring_filled(
    name: str, template: str, variables: Variables, properties: Callable[[str], Assignment | None]
) -> Filled:
    """Return a property of Spring with its placeholders replaced."""
    run = _Spring(variables, properties)
    try:
        text = run.text(template, (name,))
    except _Stop as stop:
        return Filled(None, problem=stop.problem, detail=stop.detail, source=stop.detail)
    except _Unknown as unknown:
        return Filled(None, source=unknown.source, remarks=tuple(run.remarks))
    return Filled(text, run.one, tuple(run.remarks))


_STRING: Final = r"""(?:"(?:[^"\\#]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_CAST: Final = r"(?:\s*\.\s*(?:to_s|to_i|to_json|inspect|presence|strip|dump))*"
_ENV: Final = re.compile(
    rf"""(?x) \s* (?:
      ENV\s*\[\s*(?P<index>{_STRING})\s*\]{_CAST} (?: \s*(?:\|\||or)\s* (?P<otherwise>{_STRING}|-?\d+|true|false|nil){_CAST} )?
      | ENV\.fetch\s*\(?\s*(?P<fetch>{_STRING})\s* (?: ,\s*(?P<default>{_STRING}|-?\d+|true|false|nil)\s* )? \)?
        (?: \s*\{{\s*(?P<block>{_STRING}|-?\d+|true|false|nil)\s*\}} )? {_CAST}
      ) \s*"""
)
_QUOTED: Final = re.compile(rf"\s*({_STRING})\s*")


def _literal(text: str) -> str:
    if text[0] not in "\"'":
        return "" if text == "nil" else text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def erb_filled(expression: str, variables: Variables) -> Filled:
    """Return what ``<%= … %>`` puts in where it is a string or a literal look into ENV; else it is not known."""
    inner = expression.removeprefix("<%").removesuffix("%>").removesuffix("-")
    if not inner.startswith("="):
        return Filled(None, source="<% %>")
    inner = inner[1:]
    if quoted := _QUOTED.fullmatch(inner):
        return Filled(_literal(quoted[1]))
    found = _ENV.fullmatch(inner)
    if found is None:
        return Filled(None, source="<%= %>")
    name = _literal(found["index"] or found["fetch"])
    is_set, value, one = variables.get(name)
    default = found["otherwise"] or found["default"] or found["block"]
    if is_set:
        if value is None:
            return Filled(None, source=(one.source if one is not None else "") or name)
        return Filled(value, one, one.remarks if one is not None else ())
    if default is not None:
        return Filled(_literal(default), remarks=(Remark("defaulted", "ENV"),))
    return Filled(None, source=name)


_LOOKED_UP: Final = re.compile(r"\{\{-?\s*([A-Za-z_.$][\w.$\[\]'\"-]*)")


def jinja_filled(expression: str) -> Filled:
    """Return that a template of Helm, Jinja or an action is not known, and what it names."""
    found = _LOOKED_UP.match(expression)
    return Filled(None, source=found[1] if found else expression[:2])
