"""Java and Kotlin: properties that are put into a table, constants, fields and calls.

``props.put("mail.smtp.host", …)`` is ``mail.smtp.host``; so is ``setProperty``, and ``props["…"] = …`` of Kotlin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded
from smtpdoctor.formats.code.terms import (
    Call,
    Equal,
    Literally,
    Members,
    Not,
    Or,
    Term,
    To,
    Words,
)
from smtpdoctor.formats.code.tree import Context, Reader
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Source

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["NEEDS", "PUTS", "WRAPPERS", "read"]

NEEDS: Final = ("tree_sitter", "tree_sitter_java", "tree_sitter_kotlin")
_LANGUAGE: Final = Language("java", frozenset())
_KOTLIN: Final = re.compile(r".*\.kts?", re.IGNORECASE)
PUTS: Final = frozenset({"put", "setProperty", "putIfAbsent"})
"""Methods that put their second argument into a table, under the name that is the first."""
WRAPPERS: Final = frozenset({"InternetAddress"})
"""Classes that are no more than the text that they are made of."""
_TURNED: Final[dict[str, To]] = {
    "Integer.parseInt": "integer", "Integer.valueOf": "integer", "Long.parseLong": "integer",
    "String.valueOf": "string", "Integer.toString": "string", "Boolean.toString": "string",
}  # fmt: skip
_METHODS: Final[dict[str, To]] = {
    "toLowerCase": "lower", "toUpperCase": "upper", "trim": "strip", "strip": "strip", "toString": "string",
}  # fmt: skip


def read(source: Source) -> Document:
    """Read a file of Java or Kotlin."""
    if _KOTLIN.fullmatch(source.path):
        import tree_sitter_kotlin

        from smtpdoctor.formats.code.kotlin import KotlinReader

        return KotlinReader(source, tree_sitter_kotlin.language()).read()
    import tree_sitter_java

    return _Reader(source, tree_sitter_java.language()).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "java"
    functions = frozenset({"method_declaration", "constructor_declaration", "lambda_expression"})
    classes = frozenset(
        {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}
    )
    wrappers = frozenset({"parenthesized_expression"})
    visits: ClassVar[dict[str, str]] = {
        "variable_declarator": "visit_declarator",
        "resource": "visit_declarator",
        "assignment_expression": "visit_assignment",
        "method_invocation": "visit_call",
        "object_creation_expression": "keep_call",
        "if_statement": "branches",
        "switch_expression": "visit_switch",
        "catch_clause": "visit_catch",
        "enhanced_for_statement": "visit_for",
    }
    makers: ClassVar[dict[str, str]] = {
        "string_literal": "string",
        "decimal_integer_literal": "number",
        "hex_integer_literal": "number",
        "octal_integer_literal": "number",
        "binary_integer_literal": "number",
        "decimal_floating_point_literal": "number",
        "true": "true",
        "false": "false",
        "null_literal": "null",
        "identifier": "reference",
        "field_access": "reference",
        "method_invocation": "called",
        "object_creation_expression": "made",
        "binary_expression": "binary",
        "unary_expression": "unary",
        "ternary_expression": "ternary",
        "cast_expression": "cast",
        "array_initializer": "array",
        "array_creation_expression": "cast",
        "assignment_expression": "assigned",
    }

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind in {"identifier", "this", "super", "type_identifier"}:
            return self.raw(node), None
        if kind == "field_access":
            return self.raw_of(node, "field"), node.child_by_field_name("object")
        if kind == "method_invocation":
            return f"{self.raw_of(node, 'name')}()", node.child_by_field_name("object")
        if kind == "object_creation_expression":
            return f"{self._class_name(node)}()", None
        return "", None

    def _class_name(self, node: Node) -> str:
        return self.raw_of(node, "type").partition("<")[0].rpartition(".")[2]

    # Statements

    def visit_declarator(self, node: Node, context: Context) -> None:
        """Keep a variable or a field."""
        value = node.child_by_field_name("value")
        if value is not None:
            self.program.assign(self.raw_of(node, "name"), self.term(value), *context)

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned."""
        left, sign = node.child_by_field_name("left"), self.operator(node)
        if left is not None:
            term = self.field(node, "right") if sign == "=" else self.opaque(node, sign)
            self.program.assign(self.name(left), term, *context, outer=True)

    def visit_call(self, node: Node, context: Context) -> None:
        """Keep a call, or what it puts into a table."""
        term = self.term(node)
        if not isinstance(term, Call):
            return
        if self.raw_of(node, "name") in PUTS and len(term.arguments) == 2:  # noqa: PLR2004 -- name and value
            self.program.keyed(term.arguments[0], term, *context)
        else:
            self.program.call(term, *context)

    def visit_switch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        return self.cases(self.children(node.child_by_field_name("body")), context, frozenset())

    def visit_catch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Put what is done after a failure under a condition."""
        body = node.child_by_field_name("body")
        return [] if body is None else self.perhaps(body, context)

    def visit_for(self, node: Node, context: Context) -> None:
        """Keep that the variable of a loop has many values."""
        name = self.raw_of(node, "name")
        self.program.assign(name, self.opaque(node, name), *context, told=False)

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string."""
        raw = self.raw(node)
        if raw.startswith('"""'):
            return self.opaque(node, "text")
        return self.literal("string", decoded(raw[1:-1], "java"), node)

    def _arguments(self, node: Node) -> tuple[Term, ...]:
        return tuple(self.term(one) for one in self.children(node.child_by_field_name("arguments")))

    def made(self, node: Node) -> Term:
        """Return what a class makes."""
        name, arguments = self._class_name(node), self._arguments(node)
        value = arguments[0] if name in WRAPPERS and arguments else None
        return self.call(node, name, arguments, value=value)

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        arguments = self._arguments(node)
        of = node.child_by_field_name("object")
        method = self.raw_of(node, "name")
        callee = method if of is None else f"{self.name(of)}.{method}"
        special = self._special(node, callee, arguments) or self._method(node, of, method, arguments)
        return special or self.call(node, callee, arguments)

    def _special(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        if not arguments:
            return None
        if callee in {"System.getenv", "System.getenv().get", "System.getenv().getOrDefault"}:
            return self.env(node, arguments)
        if callee in _TURNED:
            return self.convert(_TURNED[callee], arguments[0], node)
        if callee in {"Boolean.parseBoolean", "Boolean.valueOf"}:
            return Words(arguments[0], frozenset({"true"}), frozenset(), *self.span(node), other=False)
        if callee == "Optional.ofNullable":
            return arguments[0]
        if callee == "InternetAddress.parse":
            return self.call(node, callee, arguments, value=arguments[0])
        if callee == "Map.of" and len(arguments) % 2 == 0:
            keys = [one.text for one in arguments[::2] if isinstance(one, Literally) and one.text is not None]
            if len(keys) * 2 == len(arguments):
                return Members(tuple(zip(keys, arguments[1::2], strict=True)), *self.span(node))
        return None

    def _method(self, node: Node, of: Node | None, method: str, arguments: tuple[Term, ...]) -> Term | None:
        if of is None:
            return None
        if method in _METHODS and not arguments:
            return self.convert(_METHODS[method], self.term(of), node)
        if len(arguments) != 1:
            return None
        if method in {"equals", "equalsIgnoreCase"}:
            return Equal(self.term(of), arguments[0], *self.span(node), fold=method != "equals")
        if method == "orElse":
            return Or(self.term(of), arguments[0], "null", *self.span(node))
        return None

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("operand")
        sign = self.operator(node)
        if of is None:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(of), *self.span(node))
        return self.negative(node, of) if sign == "-" else self.opaque(node, sign)

    def cast(self, node: Node) -> Term:
        """Return a value of another type."""
        return self.field(node, "value")

    def assigned(self, node: Node) -> Term:
        """Return what an assignment is as a value."""
        return self.field(node, "right")
