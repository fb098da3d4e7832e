"""``${A}`` in values: Compose's template, Spring's placeholders, the literal forms of ENV in Ruby.

What is put in is not looked at again by Compose; Spring looks again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, ProblemKind, Remark
from smtpdoctor.formats.env.template import SubstitutionError, substituted

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
    """One value of a Compose file: where the parts go that ``template`` finds in it."""

    def __init__(self, variables: Variables, template: str) -> None:
        self.variables = variables
        self.alone = re.fullmatch(rf"\$(?:{_NAME.pattern})", template) is not None
        self.parts: list[str] = []
        self.remarks: list[Remark] = []
        self.ones: list[Assignment | None] = []
        self.size = self.steps = 0
        self.expanded = self.referred = False
        self._defaulted = False

    @property
    def defaulted(self) -> bool:
        """Whether a default was taken."""
        return self._defaulted

    @defaulted.setter
    def defaulted(self, value: bool) -> None:
        self._defaulted = value
        self.ones.append(None)
        self.remarks.append(Remark("defaulted", "-"))

    def add(self, text: str) -> None:
        """Add text as it stands."""
        self._step(text)
        if text:
            self.ones.append(None)

    def named(self, name: str, found: tuple[bool, str | None]) -> None:
        """Add the value of what stands there without braces."""
        is_set = found[0]
        if not self.alone or not is_set:
            self.remarks.append(Remark("expanded", "$"))
        if is_set:
            self.put(name, found)
        elif self.alone and not self.variables.whole:
            # A $ in the middle of a word is hardly meant for a variable; for Compose it is one. What stands
            # behind it may be the half of a password, so it is not named.
            raise _Unknown("$")
        else:
            self.ones.append(None)

    def put(self, name: str, found: tuple[bool, str | None]) -> None:
        """Add the value of what stands there in braces."""
        is_set, value = found
        if not is_set or value is None:
            if not self.variables.whole:
                raise _Unknown(name)
            self.remarks.append(Remark("expanded", "$"))
            self.ones.append(None)
            return
        _, _, one = self.variables.get(name)
        self.ones.append(one)
        if one is not None:
            self.remarks += one.remarks
        self._step(value)

    def lookup(self, name: str) -> tuple[bool, str | None]:
        """Return whether a variable is set, and its value; raises _Unknown where that is not known."""
        is_set, value, one = self.variables.get(name)
        if is_set and value is None:
            raise _Unknown(one.source if one is not None and one.source else name)
        return is_set, value

    def _step(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)
        self.steps += 1
        if self.size > _MOST_VALUE or self.steps > _MOST_STEPS:
            raise _Stop("limit", "${")


def compose_filled(template: str, variables: Variables) -> Filled:
    """Return a string of a Compose file with its variables put in."""
    if "$" not in template:
        return Filled(template)
    run = _Compose(variables, template)
    try:
        substituted(template, run.lookup, run)
    except SubstitutionError as error:
        # What is not set from here may be set where it runs.
        if error.required and not variables.whole and not variables.get(error.name)[0]:
            return Filled(None, source=error.name, remarks=tuple(run.remarks))
        problem: ProblemKind = "required" if error.required else "limit" if error.deep else "refused"
        detail = error.name if error.required else "${"
        return Filled(None, problem=problem, detail=detail, source=detail)
    except _Stop as stop:
        return Filled(None, problem=stop.problem, detail=stop.detail, source=stop.detail)
    except _Unknown as unknown:
        return Filled(None, source=unknown.source, remarks=tuple(run.remarks))
    one = run.ones[0] if len(run.ones) == 1 else None
    return Filled("".join(run.parts), one, tuple(run.remarks))


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
