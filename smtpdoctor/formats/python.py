"""Python: settings modules, dictionaries and calls, read with Python's own parser and never run.

What is imported is called by its module: ``SMTP`` of ``smtplib`` is ``smtplib.SMTP``, whatever the file calls
it. Where a file does not parse, the lines at fault are left out, and the rest is read.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from typing import Final, NamedTuple

from smtpdoctor.formats.building import MOST_DEPTH
from smtpdoctor.formats.code.offsets import Offsets
from smtpdoctor.formats.code.program import Program
from smtpdoctor.formats.code.scopes import Arm, Fork, Scope
from smtpdoctor.formats.code.terms import (
    SPREAD,
    Among,
    And,
    Call,
    Choice,
    Convert,
    Env,
    Equal,
    Joined,
    Literally,
    Members,
    Not,
    Opaque,
    Or,
    Reference,
    Term,
    To,
    Words,
)
from smtpdoctor.formats.code.tree import helper_env
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Kind, Source

__all__ = ["read"]

_LANGUAGE: Final = Language(
    "python", frozenset({("string", ""), ("number", "0")}), words=("True", "False", "None")
)
_LINE: Final = re.compile(r"\r\n|\r|\n")
_MOST_TRIES: Final = 20
_MOST_PARSED: Final = 6_000_000  # characters, over all tries
_MOST_CHAIN: Final = 16
_MOST_DIGITS: Final = 10**40
_ENV_CALLS: Final = frozenset({"os.getenv", "os.environ.get", "environ.get"})
_CONFIGS: Final = frozenset({"config", "decouple.config"})
_TRUE: Final = frozenset({"true", "on", "y", "yes", "1", "t"})
_FALSE: Final = frozenset({"false", "off", "n", "no", "0", "f", ""})
_TURNED: Final[dict[str, To]] = {"int": "integer", "str": "string", "bool": "truth"}
_METHODS: Final[dict[str, To]] = {"lower": "lower", "upper": "upper", "strip": "strip", "casefold": "lower"}
_LITERALS: Final = frozenset({"dict", "collections.OrderedDict"})


def read(source: Source) -> Document:
    """Read a file of Python."""
    return _Reader(source).read()


class _Context(NamedTuple):
    scope: Scope
    arm: Arm | None


class _Reader:
    def __init__(self, source: Source) -> None:
        self.program = Program(source, "python", _LANGUAGE)
        self.builder = self.program.builder
        self._shift = 1 if source.text.startswith("\ufeff") else 0
        self._offsets = Offsets(source.text[self._shift :])
        self._text = self._offsets.data.decode()
        self._lines = [0]
        self._lines += [found.end() for found in _LINE.finditer(self._text)]
        self._bytes = [0]
        for start, end in zip(self._lines, [*self._lines[1:], len(self._text)], strict=True):
            self._bytes.append(self._bytes[-1] + len(self._text[start:end].encode("utf-8", "surrogatepass")))
        self._imported: dict[str, str] = {}
        self._environments: dict[str, dict[str, tuple[Term, ...]]] = {}
        self._mappings = {"os.environ", "environ"}  # variables by their names
        self._globals: set[tuple[int, str]] = set()
        self._terms: dict[int, Term] = {}
        self._level = 0

    def read(self) -> Document:
        tree = self._parsed()
        if tree is not None:
            self._walk(tree)
        return self.program.document()

    # The tree

    def _parsed(self) -> ast.Module | None:
        text = self._text
        left = _MOST_PARSED
        for number in range(_MOST_TRIES):
            left -= len(text)
            if number and left < 0:
                break
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return ast.parse(text)
            except SyntaxError as error:
                line = min(max(error.lineno or 1, 1), len(self._lines))
                if not number:
                    column = max(error.offset or 1, 1)
                    self.builder.problem(
                        "syntax", min(self._lines[line - 1] + self._shift + column - 1, len(self._text))
                    )
                changed = self._without(text, line)
                if changed is None:
                    return None
                text = changed
            except ValueError:  # NUL
                self.builder.problem("syntax", max(text.find("\0"), 0) + self._shift)
                return None
            except (RecursionError, MemoryError):
                self.builder.problem("limit", 0, "levels")
                return None
        return self._before_first(text)

    def _without(self, text: str, line: int) -> str | None:
        """Return a text of the same lines in which one does nothing; the nearest above it that does something."""
        for number in range(line, max(line - 3, 0), -1):
            start = self._lines[number - 1]
            end = self._lines[number] if number < len(self._lines) else len(text)
            whole = text[start:end]
            body = whole.strip()
            if body in {"", "pass", "0"}:
                continue
            indent = whole[: len(whole) - len(whole.lstrip(" \t\f"))]
            ending = whole[len(whole.rstrip("\r\n")) :]
            room = len(whole) - len(indent) - len(ending)
            filler = "pass" if room >= len("pass") else "0"
            return text[:start] + indent + filler + " " * (room - len(filler)) + ending + text[end:]
        return None

    def _before_first(self, text: str) -> ast.Module | None:
        """Return what stands before the first mistake, up to where a line begins at the margin."""
        first = self.builder.problems[0].place.line if self.builder.problems else 1
        for line in range(first, max(first - _MOST_TRIES, 0), -1):
            at = self._lines[line - 1]
            if text[at : at + 1] in {" ", "\t", "\n", "\r", "", "#"}:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return ast.parse(text[:at])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
        return None

    def _at(self, line: int, column: int) -> int:
        return self._offsets.at(self._bytes[min(line, len(self._bytes) - 1) - 1] + column) + self._shift

    def _span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> tuple[int, int]:
        line, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._at(node.lineno, node.col_offset), self._at(line, column)

    # Statements

    def _walk(self, tree: ast.Module) -> None:
        stack: list[tuple[ast.AST, _Context]] = [(tree, _Context(self.program.file, None))]
        while stack:
            node, context = stack.pop()
            visit = getattr(self, f"_visit_{type(node).__name__}", None)
            more: Iterable[tuple[ast.AST, _Context]] | None = None if visit is None else visit(node, context)
            if more is None:
                more = [(child, context) for child in ast.iter_child_nodes(node)]
            stack.extend(reversed(list(more)))

    def _visit_Import(self, node: ast.Import, _: _Context) -> None:  # noqa: N802 -- by the names of ast
        for one in node.names:
            if one.asname:
                self._imported[one.asname] = one.name

    def _visit_ImportFrom(self, node: ast.ImportFrom, _: _Context) -> None:  # noqa: N802
        for one in node.names:
            full = one.name if node.level or not node.module else f"{node.module}.{one.name}"
            if full != (one.asname or one.name):
                self._imported[one.asname or one.name] = full

    def _assign(self, target: ast.expr, term: Term, context: _Context, *, told: bool = True) -> None:
        name = self._target(target)
        outer = (id(context.scope), name) in self._globals
        self.program.assign(name, term, *context, outer=outer, told=told)

    def _target(self, node: ast.expr) -> str:
        return node.id if isinstance(node, ast.Name) else self._name(node)

    def _assign_all(
        self, target: ast.expr, value: ast.expr | None, context: _Context, *, told: bool = True
    ) -> None:
        if not isinstance(target, (ast.Tuple, ast.List)):
            term = Opaque(self._target(target), *self._span(target)) if value is None else self._term(value)
            self._assign(target, term, context, told=told)
            return
        several = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        for number, one in enumerate(target.elts):
            paired = value.elts[number] if several and isinstance(value, (ast.Tuple, ast.List)) else None
            if not isinstance(one, (ast.Tuple, ast.List)):  # deeper ones are no settings
                self._assign_all(one, paired, context, told=told and paired is not None)

    def _visit_Assign(self, node: ast.Assign, context: _Context) -> None:  # noqa: N802
        self._environment(node)
        for target in node.targets:
            self._assign_all(target, node.value, context)

    def _visit_AnnAssign(self, node: ast.AnnAssign, context: _Context) -> None:  # noqa: N802
        if node.value is not None:
            self._assign_all(node.target, node.value, context)

    def _visit_AugAssign(self, node: ast.AugAssign, context: _Context) -> None:  # noqa: N802
        self._assign(node.target, Opaque("+=", *self._span(node)), context)

    def _visit_NamedExpr(self, node: ast.NamedExpr, context: _Context) -> None:  # noqa: N802
        self._assign_all(node.target, node.value, context)

    def _visit_Global(self, node: ast.Global, context: _Context) -> None:  # noqa: N802
        self._globals |= {(id(context.scope), name) for name in node.names}

    def _visit_For(self, node: ast.For | ast.AsyncFor, context: _Context) -> None:  # noqa: N802
        self._assign_all(node.target, None, context, told=False)

    _visit_AsyncFor = _visit_For  # noqa: N815

    def _visit_withitem(self, node: ast.withitem, context: _Context) -> None:
        if node.optional_vars is not None:
            self._assign_all(node.optional_vars, node.context_expr, context)

    def _visit_Call(self, node: ast.Call, context: _Context) -> None:  # noqa: N802
        term = self._term(node)
        if isinstance(term, Call):
            self.program.call(term, *context)

    def _visit_FunctionDef(  # noqa: N802
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, context: _Context
    ) -> list[tuple[ast.AST, _Context]]:
        inner = _Context(self._function(node.args, context), context.arm)
        outside = [*node.decorator_list, *node.args.defaults]
        return [*((one, context) for one in outside), *((one, inner) for one in node.body)]

    _visit_AsyncFunctionDef = _visit_FunctionDef  # noqa: N815

    def _visit_Lambda(self, node: ast.Lambda, context: _Context) -> list[tuple[ast.AST, _Context]]:  # noqa: N802
        return [(node.body, _Context(self._function(node.args, context), context.arm))]

    def _function(self, given: ast.arguments, context: _Context) -> Scope:
        scope = Scope("function", context.scope)
        several = [one for one in (given.vararg, given.kwarg) if one is not None]
        for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *several):
            if one.arg not in {"self", "cls"}:
                self.program.assign(one.arg, Opaque(one.arg, *self._span(one)), scope, None, told=False)
        return scope

    def _visit_ClassDef(self, node: ast.ClassDef, context: _Context) -> list[tuple[ast.AST, _Context]]:  # noqa: N802
        inner = _Context(Scope("class", context.scope, node.name), context.arm)
        return [(one, inner) for one in node.body]

    def _visit_If(self, node: ast.If, context: _Context) -> list[tuple[ast.AST, _Context]]:  # noqa: N802
        arms: list[tuple[ast.expr | None, list[ast.stmt]]] = []
        one = node
        while True:
            arms.append((one.test, one.body))
            if len(one.orelse) == 1 and isinstance(one.orelse[0], ast.If):
                one = one.orelse[0]
                continue
            break
        whole = bool(one.orelse)
        if whole:
            arms.append((None, one.orelse))
        tests: list[Term | None] = [self._term(test) for test, _ in arms if test is not None]
        return self._forked(tests, [body for _, body in arms], context, whole=whole)

    def _forked(
        self, tests: list[Term | None], bodies: list[list[ast.stmt]], context: _Context, *, whole: bool
    ) -> list[tuple[ast.AST, _Context]]:
        fork = Fork(tests, context.scope, whole=whole)
        return [
            (one, _Context(context.scope, Arm(fork, index, context.arm)))
            for index, body in enumerate(bodies)
            for one in body
        ]

    def _visit_Try(self, node: ast.Try, context: _Context) -> list[tuple[ast.AST, _Context]]:  # noqa: N802
        handlers = [one.body for one in node.handlers]
        perhaps = self._forked([None] * len(handlers), handlers, context, whole=False)
        before, behind = node.body, (*node.orelse, *node.finalbody)
        return [*((one, context) for one in before), *perhaps, *((one, context) for one in behind)]

    _visit_TryStar = _visit_Try  # noqa: N815

    def _visit_Match(self, node: ast.Match, context: _Context) -> list[tuple[ast.AST, _Context]]:  # noqa: N802
        bodies = [one.body for one in node.cases]
        return self._forked([None] * len(bodies), bodies, context, whole=False)

    # Names

    def _name(self, node: ast.expr) -> str:
        parts: list[str] = []
        for _ in range(_MOST_CHAIN):
            if isinstance(node, ast.Name):
                parts.append(self._imported.get(node.id, node.id))
                break
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call):
                parts.append("()")
                node = node.func
            elif isinstance(node, ast.Await):
                node = node.value
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                if not isinstance(node.slice.value, (str, int)):
                    parts.append("")
                    break
                parts.append(
                    str(node.slice.value)
                    if isinstance(node.slice.value, str)
                    else f"{node.slice.value:d}"[:9]
                )
                node = node.value
            else:
                parts.append("")
                break
        else:
            parts.append("")
        name = parts.pop()
        for part in reversed(parts):
            name += part if part == "()" else f".{part}"
        return name

    def _environment(self, node: ast.Assign) -> None:
        """Remember that a variable reads the environment, and what its scheme says of names."""
        made = node.value
        maker = self._name(made.func).rpartition(".")[2] if isinstance(made, ast.Call) else ""
        if maker == "dotenv_values":
            self._mappings |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if not isinstance(made, ast.Call) or maker not in {"Env", "FileAwareEnv"}:
            return
        scheme: dict[str, tuple[Term, ...]] = {}
        for keyword in made.keywords:
            if keyword.arg is None:
                continue
            parts = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else [keyword.value]
            scheme[keyword.arg] = tuple(self._term(one) for one in parts)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._environments[target.id] = scheme

    # Expressions

    def _term(self, node: ast.expr) -> Term:
        found = self._terms.get(id(node))
        if found is not None:
            return found
        maker = getattr(self, f"_of_{type(node).__name__}", None)
        if maker is None or self._level >= MOST_DEPTH // 2:
            return Opaque(type(node).__name__.lower(), *self._span(node))
        self._level += 1
        try:
            made: Term = maker(node)
        finally:
            self._level -= 1
        self._terms[id(node)] = made
        return made

    def _of_Constant(self, node: ast.Constant) -> Term:  # noqa: N802
        value, span = node.value, self._span(node)
        if isinstance(value, str):
            return Literally("string", value, *span)
        if isinstance(value, bool):
            return Literally("boolean", "true" if value else "false", *span)
        if value is None:
            return Literally("null", None, *span)
        kind: Kind = "number"
        if isinstance(value, int) and abs(value) < _MOST_DIGITS:
            return Literally(kind, str(value), *span)
        return Literally(kind, repr(value), *span) if isinstance(value, float) else Opaque("number", *span)

    def _of_Name(self, node: ast.Name) -> Term:  # noqa: N802
        return Reference(self._name(node), *self._span(node))

    def _of_Attribute(self, node: ast.Attribute) -> Term:  # noqa: N802
        return Reference(self._name(node), *self._span(node))

    def _of_Subscript(self, node: ast.Subscript) -> Term:  # noqa: N802
        name = self._name(node)
        base, _, key = name.rpartition(".")
        if base in self._mappings:
            return Env(key, *self._span(node))
        return Reference(name, *self._span(node)) if key else Opaque("", *self._span(node))

    def _of_JoinedStr(self, node: ast.JoinedStr) -> Term:  # noqa: N802
        parts: list[Term] = []
        for one in node.values:
            plain = isinstance(one, ast.FormattedValue) and one.conversion == -1 and one.format_spec is None
            if isinstance(one, ast.FormattedValue):
                parts.append(self._term(one.value) if plain else Opaque("format", *self._span(node)))
            elif isinstance(one, ast.Constant):
                parts.append(Literally("string", str(one.value), *self._span(node)))
        return Joined(tuple(parts), *self._span(node))

    def _of_BinOp(self, node: ast.BinOp) -> Term:  # noqa: N802
        span = self._span(node)
        if isinstance(node.op, ast.BitOr):
            return Members(((SPREAD, self._term(node.left)), (SPREAD, self._term(node.right))), *span)
        if not isinstance(node.op, ast.Add):
            return Opaque(type(node.op).__name__, *span)
        parts: list[Term] = []
        one: ast.expr = node
        while isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add):
            parts.append(self._term(one.right))
            one = one.left
        parts.append(self._term(one))
        return Joined(tuple(reversed(parts)), *span, adds=True)

    def _of_BoolOp(self, node: ast.BoolOp) -> Term:  # noqa: N802
        span = self._span(node)
        term = self._term(node.values[0])
        for one in node.values[1:MOST_DEPTH]:
            right = self._term(one)
            both = isinstance(node.op, ast.And)
            term = And(term, right, *span) if both else Or(term, right, "falsy", *span)
        return term

    def _of_UnaryOp(self, node: ast.UnaryOp) -> Term:  # noqa: N802
        of, span = self._term(node.operand), self._span(node)
        if isinstance(node.op, ast.Not):
            return Not(of, *span)
        if isinstance(node.op, ast.USub) and isinstance(of, Literally) and of.kind == "number":
            return Literally("number", f"-{of.text}", *span)
        return Opaque("-", *span)

    def _of_Compare(self, node: ast.Compare) -> Term:  # noqa: N802
        span = self._span(node)
        if len(node.ops) != 1:
            return Opaque("compare", *span)
        sign, left, right = node.ops[0], self._term(node.left), self._term(node.comparators[0])
        if isinstance(sign, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
            return Equal(left, right, *span, negated=isinstance(sign, (ast.NotEq, ast.IsNot)))
        if isinstance(sign, (ast.In, ast.NotIn)):
            return Among(left, right, *span, negated=isinstance(sign, ast.NotIn))
        return Opaque("compare", *span)

    def _of_IfExp(self, node: ast.IfExp) -> Term:  # noqa: N802
        return Choice(
            self._term(node.test), self._term(node.body), self._term(node.orelse), *self._span(node)
        )

    def _of_NamedExpr(self, node: ast.NamedExpr) -> Term:  # noqa: N802
        return self._term(node.value)

    def _of_Await(self, node: ast.Await) -> Term:  # noqa: N802
        return self._term(node.value)

    def _of_Dict(self, node: ast.Dict) -> Term:  # noqa: N802
        items: list[tuple[str, Term]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                items.append((SPREAD, self._term(value)))
                continue
            name = self._term(key)
            if isinstance(name, Literally) and name.text is not None:
                items.append((name.text, self._term(value)))
        return Members(tuple(items), *self._span(node))

    def _list(self, node: ast.Tuple | ast.List | ast.Set) -> Term:
        items = tuple((str(number), self._term(one)) for number, one in enumerate(node.elts))
        return Members(items, *self._span(node), name="list")

    _of_Tuple = _list  # noqa: N815
    _of_List = _list  # noqa: N815
    _of_Set = _list  # noqa: N815

    def _of_Call(self, node: ast.Call) -> Term:  # noqa: N802
        callee = self._name(node.func)
        arguments = tuple(self._term(one) for one in node.args)
        named = tuple((one.arg or SPREAD, self._term(one.value)) for one in node.keywords)
        return self._special(node, callee, arguments, dict(named)) or Call(
            callee, arguments, named, *self._span(node)
        )

    def _special(
        self, node: ast.Call, callee: str, arguments: tuple[Term, ...], named: dict[str, Term]
    ) -> Term | None:
        span = self._span(node)
        if callee in _LITERALS and all(isinstance(one, Members) for one in arguments[:1]):
            return Members((*((SPREAD, one) for one in arguments), *named.items()), *span)
        if callee in _TURNED and len(arguments) == 1:
            return Convert(_TURNED[callee], arguments[0], *span)
        if callee.rpartition(".")[2] == "strtobool" and len(arguments) == 1:
            return Words(arguments[0], _TRUE, _FALSE, *span)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not arguments:
            return Convert(_METHODS[node.func.attr], self._term(node.func.value), *span)
        name = arguments[0] if arguments else named.get("key") or named.get("var")
        if not isinstance(name, Literally) or name.kind != "string" or name.text is None:
            return None
        fallback = arguments[1] if len(arguments) > 1 else named.get("default")
        env = Env(name.text, *span, fallback=fallback)
        base, _, method = callee.rpartition(".")
        if callee in _ENV_CALLS or (base in self._mappings and method == "get"):
            return env
        if callee in _CONFIGS:
            return self._cast(env, named.get("cast"), span)
        return self._of_environment(node, env, named) or helper_env(callee, arguments, *span)

    def _of_environment(self, node: ast.Call, env: Env, named: dict[str, Term]) -> Term | None:
        """Return what ``env("X")`` and ``env.bool("X")`` of django-environ and environs read."""
        function = node.func
        base, method = function, ""
        if isinstance(function, ast.Attribute):
            base, method = function.value, function.attr
        if not isinstance(base, ast.Name):
            return None
        known = self._environments.get(base.id)
        if known is None and not (base.id == "env" or self._imported.get(base.id, "").endswith(".env")):
            return None
        scheme = (known or {}).get(env.name, ())
        fallback = env.fallback
        if fallback is None and len(scheme) > 1:
            fallback = scheme[1]
        elif fallback is None or (len(node.args) > 1 and method in {"", "get_value"}):
            # The second argument of env() of django-environ is the type.
            fallback = named.get("default")
        env = Env(env.name, env.start, env.end, fallback=fallback)
        span = self._span(node)
        if method in {"bool", "int", "str", "float"}:
            return self._cast(env, Reference(method, *span), span)
        if method in {"", "get_value"}:
            cast = named.get("cast") or (self._term(node.args[1]) if len(node.args) > 1 else None)
            return self._cast(env, cast or (scheme[0] if scheme else None), span)
        return None

    def _cast(self, env: Env, cast: Term | None, span: tuple[int, int]) -> Term | None:
        if cast is None:
            return env
        name = cast.name if isinstance(cast, Reference) else ""
        if name == "bool":  # not Python's: by words
            return Words(env, _TRUE, _FALSE, *span)
        if name == "int":
            return Convert("integer", env, *span)
        return env if name == "str" else Opaque("cast", *span)
