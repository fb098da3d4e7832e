"""JavaScript and TypeScript: variables, ``module.exports`` and ``export default``, options of calls.

What is imported from a package with a plain name is called by it: ``createTransport`` of ``nodemailer`` is
``nodemailer.createTransport``, whatever the file calls it. Members of what the file exports have no prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded
from smtpdoctor.formats.code.terms import (
    SPREAD,
    Among,
    And,
    Env,
    Equal,
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
from smtpdoctor.formats.code.tree import Context, Reader, helper_env
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Source

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["NEEDS", "read"]

NEEDS: Final = ("tree_sitter", "tree_sitter_typescript")
_LANGUAGE: Final = Language("javascript", frozenset({("string", ""), ("number", "0")}))
_ENVIRONMENTS: Final = frozenset({"process.env", "import.meta.env", "Bun.env", "globalThis.process.env"})
_METHODS: Final[dict[str, To]] = {
    "toLowerCase": "lower", "toUpperCase": "upper", "trim": "strip", "toString": "string",
}  # fmt: skip
_PACKAGE: Final = re.compile(r"(?:node:)?([A-Za-z_$][\w$]*)")
_SERVICE: Final = re.compile(r"(?:.*\.)?_?\w*[cC]onfig(?:Service)?\.(?:get|getOrThrow)")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*_[A-Z0-9_]+")
_TYPED: Final = re.compile(r".*\.[cm]?ts", re.IGNORECASE)


def read(source: Source) -> Document:
    """Read a file of JavaScript or TypeScript."""
    import tree_sitter_typescript

    typed = _TYPED.fullmatch(source.path) is not None
    grammar = tree_sitter_typescript.language_typescript() if typed else tree_sitter_typescript.language_tsx()
    return _Reader(source, grammar).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "javascript"
    functions = frozenset(
        {
            "arrow_function", "function_expression", "function_declaration", "generator_function",
            "generator_function_declaration", "method_definition",
        }
    )  # fmt: skip
    classes = frozenset({"class_declaration", "class", "abstract_class_declaration"})
    names = frozenset({"identifier", "shorthand_property_identifier_pattern"})
    wrappers = frozenset(
        {
            "parenthesized_expression", "await_expression", "as_expression", "satisfies_expression",
            "non_null_expression",
        }
    )  # fmt: skip
    visits: ClassVar[dict[str, str]] = {
        "import_statement": "visit_import",
        "variable_declarator": "visit_declarator",
        "assignment_expression": "visit_assignment",
        "augmented_assignment_expression": "visit_augmented",
        "call_expression": "keep_call",
        "new_expression": "keep_call",
        "public_field_definition": "visit_field",
        "field_definition": "visit_field",
        "export_statement": "visit_export",
        "if_statement": "branches",
        "switch_statement": "visit_switch",
        "catch_clause": "perhaps",
        "for_in_statement": "many",
    }
    makers: ClassVar[dict[str, str]] = {
        "string": "string",
        "template_string": "template",
        "number": "number",
        "true": "true",
        "false": "false",
        "null": "null",
        "undefined": "null",
        "identifier": "reference",
        "member_expression": "member",
        "subscript_expression": "member",
        "call_expression": "called",
        "new_expression": "made",
        "object": "object",
        "array": "array",
        "binary_expression": "binary",
        "unary_expression": "unary",
        "ternary_expression": "ternary",
        "arrow_function": "function",
        "function_expression": "function",
        "assignment_expression": "assigned",
        "type_assertion": "asserted",
    }

    def __init__(self, source: Source, grammar: object) -> None:
        super().__init__(source, grammar)
        self._imported: dict[str, str] = {}

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind == "identifier":
            name = self.raw(node)
            return self._imported.get(name, name), None
        if kind == "member_expression":
            return self.raw_of(node, "property"), node.child_by_field_name("object")
        if kind == "subscript_expression":
            index = node.child_by_field_name("index")
            key = self.term(index) if index is not None and index.type in {"string", "number"} else None
            if isinstance(key, Literally) and key.text is not None:
                return key.text, node.child_by_field_name("object")
            return "", None
        if kind == "call_expression":
            package = self._required(node)
            return (package, None) if package else ("()", node.child_by_field_name("function"))
        if kind == "new_expression":
            return "()", node.child_by_field_name("constructor")
        if kind in {"this", "super", "import", "meta_property", "property_identifier"}:
            return self.raw(node), None
        return "", None

    def _required(self, node: Node) -> str:
        """Return what a call of ``require`` gives, ``""`` for any other call."""
        if self.raw_of(node, "function") != "require":
            return ""
        arguments = self.children(node.child_by_field_name("arguments"))
        text = self.literally(self.term(arguments[0])) if arguments else None
        return self._package(text) or "require()" if text else ""

    def _package(self, module: str) -> str:
        found = _PACKAGE.fullmatch(module)
        return found[1] if found is not None else ""

    def visit_import(self, node: Node, _: Context) -> Iterable[tuple[Node, Context]]:
        """Remember what is imported under which name."""
        source = node.child_by_field_name("source")
        module = self.literally(self.term(source)) if source is not None else None
        package = self._package(module or "")
        for clause in node.named_children:
            if clause.type != "import_clause":
                continue
            for one in clause.named_children:
                if one.type == "identifier" and package:
                    self._imported[self.raw(one)] = package
                elif one.type == "namespace_import" and package and one.named_children:
                    self._imported[self.raw(one.named_children[0])] = package
                elif one.type == "named_imports":
                    for each in one.named_children:
                        self._import(each, package)
        return ()

    def _import(self, node: Node, package: str) -> None:
        name = self.raw_of(node, "name")
        known = self.raw_of(node, "alias") or name
        if name == "default":
            name = ""
        full = ".".join(filter(None, (package, name)))
        if full:
            self._imported[known] = full

    # Statements

    def visit_declarator(self, node: Node, context: Context) -> Iterable[tuple[Node, Context]] | None:
        """Keep a variable, or those that an object is taken apart into."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None:
            return None
        if name.type == "object_pattern":
            self._apart(name, value, context)
        elif name.type == "identifier":
            called = self.unwrapped(value)
            package = self._required(called) if called.type == "call_expression" else ""
            if package:
                if package != "require()":
                    self._imported[self.raw(name)] = package
                return ()
            self.program.assign(self.raw(name), self.term(value), *context)
        return [(value, self._inner(value, context))] if value.type in self.classes else None

    def _apart(self, pattern: Node, value: Node, context: Context) -> None:
        called = self.unwrapped(value)
        if called.type == "call_expression" and (package := self._required(called)):
            for one in pattern.named_children:
                if one.type == "pair_pattern":
                    self._imported[self.raw_of(one, "value")] = (
                        f"{package}.{self.raw_of(one, 'key')}".removeprefix("require().")
                    )
                elif package != "require()":
                    self._imported[self.raw(one)] = f"{package}.{self.raw(one)}"
            return
        base = self.name(value)
        for one in self.children(pattern):
            key, name, fallback = one, one, None
            if one.type == "pair_pattern":
                key, name = one.child_by_field_name("key") or one, one.child_by_field_name("value") or one
            if name.type in {"object_assignment_pattern", "assignment_pattern"}:
                fallback = name.child_by_field_name("right")
                name = name.child_by_field_name("left") or name
                key = name if key is one else key
            if name.type not in self.names:
                continue
            span = self.span(one)
            term: Term
            if base in _ENVIRONMENTS:
                term = Env(self.raw(key), *span, fallback=None if fallback is None else self.term(fallback))
            else:
                term = Reference(f"{base}.{self.raw(key)}", *span) if base else Opaque("", *span)
                if fallback is not None:
                    term = Or(term, self.term(fallback), "null", *span)
            self.program.assign(self.raw(name), term, *context)

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned, or exported."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        name = self.name(left)
        if name == "module.exports":
            self.program.members(self.term(right), *context)
            return
        name = name.removeprefix("module.").removeprefix("exports.") if "exports." in name else name
        self.program.assign(name, self.term(right), *context, outer=True)

    def visit_augmented(self, node: Node, context: Context) -> None:
        """Keep that a variable is not what it was."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        name = self.name(left)
        if self.operator(node) in {"??=", "||="}:
            if context.scope.owner(name) is None:
                self.program.assign(name, self.term(right), *context, outer=True)
        else:
            self.program.assign(name, self.opaque(node, self.operator(node)), *context, outer=True)

    def visit_field(self, node: Node, context: Context) -> None:
        """Keep a field of a class."""
        value = node.child_by_field_name("value")
        name = self.raw_of(node, "name") or self.raw_of(node, "property")
        if value is not None:
            self.program.assign(name, self.term(value), *context)

    def visit_export(self, node: Node, context: Context) -> None:
        """Keep the object that a file exports."""
        value = node.child_by_field_name("value")
        if value is not None:
            self.program.members(self.term(value), *context)

    def visit_switch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        cases = self.children(node.child_by_field_name("body"))
        return self.cases(cases, context, frozenset({"switch_default"}))

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string."""
        return self.literal("string", decoded(self.raw(node)[1:-1], "javascript"), node)

    def template(self, node: Node) -> Term:
        """Return a template, with what is put into it."""
        holes = [one for one in node.named_children if one.type == "template_substitution"]
        return self.text_of(node, 1, holes, lambda raw: decoded(raw, "javascript"))

    def member(self, node: Node) -> Term:
        """Return a variable of the environment, or a name."""
        whole = self.name(node)
        base, _, name = whole.rpartition(".")
        if base in _ENVIRONMENTS:
            return Env(name, *self.span(node))
        return Reference(whole, *self.span(node))

    def _arguments(self, node: Node) -> tuple[Term, ...]:
        arguments = node.child_by_field_name("arguments")
        if arguments is None or arguments.type != "arguments":
            return ()
        return tuple(self.term(one) for one in self.children(arguments))

    def made(self, node: Node) -> Term:
        """Return what a class makes."""
        return self.call(node, self.name(node.child_by_field_name("constructor")), self._arguments(node))

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        function = node.child_by_field_name("function")
        callee = self.name(function)
        arguments = self._arguments(node)
        if callee in {"require", "import"}:
            return self.opaque(node, callee)
        special = self._turned(node, callee, arguments) or self._looked_up(node, callee, arguments)
        if special is not None:
            return special
        if function is not None and function.type == "member_expression":
            of = function.child_by_field_name("object")
            method = self.raw_of(function, "property")
            made = None if of is None else self._method(node, of, method, arguments)
            if made is not None:
                return made
        return self.call(node, callee, arguments)

    def _turned(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        if not arguments:
            return None
        first = arguments[0]
        if callee in {"parseInt", "Number.parseInt", "parseFloat", "Number.parseFloat"}:
            return self.convert("leading", first, node)
        if callee == "Number":
            return self.convert("integer", first, node)
        if callee == "String":
            return self.convert("string", first, node)
        if callee == "Boolean":
            return self.convert("truth", first, node)
        if callee == "Object.freeze":
            return first
        if callee == "Object.assign":
            return Members(tuple((SPREAD, one) for one in arguments), *self.span(node))
        return None

    def _looked_up(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        env = self.env(node, arguments)
        if not isinstance(env, Env):
            return None
        if callee in {"env", "env.json", "Deno.env.get"}:
            return env
        if callee in {"env.int", "env.float"}:  # Strapi
            return self.convert("leading", env, node)
        if callee == "env.bool":
            return Words(env, frozenset({"true"}), frozenset(), *self.span(node), other=False)
        if _SERVICE.fullmatch(callee) and _VARIABLE.fullmatch(env.name):
            return env
        return helper_env(callee, arguments, *self.span(node))

    def _method(self, node: Node, of: Node, method: str, arguments: tuple[Term, ...]) -> Term | None:
        to = _METHODS.get(method) if not arguments else None
        if to is not None:
            return self.convert(to, self.term(of), node)
        if method == "includes" and len(arguments) == 1 and of.type == "array":
            return Among(arguments[0], self.term(of), *self.span(node))
        return None

    def object(self, node: Node) -> Term:
        """Return an object."""
        items: list[tuple[str, Term]] = []
        for one in self.children(node):
            if one.type == "pair":
                key = one.child_by_field_name("key")
                name = self._key(key) if key is not None else None
                if name is not None:
                    items.append((name, self.term(one.child_by_field_name("value"))))
            elif one.type == "shorthand_property_identifier":
                items.append((self.raw(one), Reference(self.raw(one), *self.span(one))))
            elif one.type == "spread_element":
                items.append((SPREAD, self.inside(one)))
            elif one.type == "method_definition":
                items.append((self.raw_of(one, "name"), self.function(one)))
        return Members(tuple(items), *self.span(node))

    def _key(self, node: Node) -> str | None:
        if node.type == "property_identifier":
            return self.raw(node)
        children = node.named_children
        if node.type == "computed_property_name" and children and children[0].type == "string":
            node = children[0]
        term = self.term(node)
        return term.text if isinstance(term, Literally) else None

    def array(self, node: Node) -> Term:
        """Return a list."""
        items = []
        for number, one in enumerate(self.children(node)):
            spread = one.type == "spread_element"
            items.append((str(number), self.opaque(one) if spread else self.term(one)))
        return Members(tuple(items), *self.span(node), name="list")

    def binary(self, node: Node) -> Term:
        """Return an alternative, a comparison, or a text made of several."""
        sign = self.operator(node)
        if sign == "+":
            return self.sum(node, "left", "right", sign, adds=True)
        left, right = (self.term(node.child_by_field_name(side)) for side in ("left", "right"))
        span = self.span(node)
        if sign == "||":
            return Or(left, right, "falsy", *span)
        if sign == "??":
            return Or(left, right, "null", *span)
        if sign == "&&":
            return And(left, right, *span)
        if sign in {"===", "==", "!==", "!="}:
            return Equal(left, right, *span, negated=sign[0] == "!", typed=len(sign) == 3)  # noqa: PLR2004
        return self.opaque(node, sign)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("argument")
        sign = self.operator(node)
        if of is None:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(of), *self.span(node))
        if sign == "+":
            return self.convert("integer", self.term(of), node)
        if sign == "-":
            return self.negative(node, of)
        return self.null(node) if sign == "void" else self.opaque(node, sign)

    def assigned(self, node: Node) -> Term:
        """Return what an assignment is as a value."""
        return self.term(node.child_by_field_name("right"))

    def asserted(self, node: Node) -> Term:
        """Return what is said to be of a type."""
        children = self.children(node)
        return self.term(children[-1]) if children else self.opaque(node)

    def function(self, node: Node) -> Term:
        """Return the object that a function returns, where it does nothing but that."""
        body = node.child_by_field_name("body")
        if body is None:
            return self.opaque(node, "=>")
        if body.type == "statement_block":
            returns = [one for one in body.named_children if one.type == "return_statement"]
            if len(returns) != 1:
                return self.opaque(node, "=>")
            term = self.inside(returns[0])
        else:
            term = self.term(body)
        if isinstance(term, Members):
            return term
        if isinstance(term, Literally) and term.kind in {"boolean", "null"}:
            return self.opaque(node, f"=> {term.text or 'null'}")
        return self.opaque(node, "=>")
