"""Kotlin, whose tree names its parts less than those of others do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded
from smtpdoctor.formats.code.terms import (
    And,
    Call,
    Choice,
    Equal,
    Joined,
    Literally,
    Members,
    Not,
    Or,
    Reference,
    Term,
    To,
    Words,
)
from smtpdoctor.formats.code.tree import Context, Reader, helper_env
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.java import PUTS, WRAPPERS

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["KotlinReader"]

_LANGUAGE: Final = Language("kotlin", frozenset())
_DOLLAR: Final = re.compile(r"(\\\$)|\$([A-Za-z_]\w*)")
_METHODS: Final[dict[str, To]] = {
    "toInt": "integer", "toIntOrNull": "integer", "toLong": "integer", "toString": "string",
    "lowercase": "lower", "uppercase": "upper", "trim": "strip",
}  # fmt: skip
_LISTS: Final = frozenset({"listOf", "arrayOf", "mutableListOf", "setOf"})
_MAPS: Final = frozenset({"mapOf", "mutableMapOf", "hashMapOf"})
_NAMED: Final = 2  # a name and a value


class KotlinReader(Reader):
    """Reads a file of Kotlin."""

    language = _LANGUAGE
    syntax = "java"
    functions = frozenset({"function_declaration", "anonymous_function"})
    classes = frozenset({"class_declaration", "object_declaration"})
    names = frozenset({"identifier"})
    wrappers = frozenset({"parenthesized_expression"})
    visits: ClassVar[dict[str, str]] = {
        "property_declaration": "visit_property",
        "class_parameter": "visit_parameter",
        "assignment": "visit_assignment",
        "call_expression": "visit_call",
        "if_expression": "visit_if",
        "when_expression": "visit_when",
    }
    makers: ClassVar[dict[str, str]] = {
        "string_literal": "string",
        "multiline_string_literal": "multiline",
        "number_literal": "number",
        "identifier": "word",
        "null": "null",
        "null_literal": "null",
        "boolean_literal": "boolean",
        "navigation_expression": "reference",
        "index_expression": "reference",
        "call_expression": "called",
        "binary_expression": "binary",
        "unary_expression": "unary",
        "if_expression": "chosen",
    }

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        """Return the last part of a name, and what it is looked up in."""
        node = self.unwrapped(node)
        children = self.children(node)
        if node.type == "identifier":
            return self.raw(node), None
        if node.type == "this_expression":
            return "this", None
        if node.type == "navigation_expression" and len(children) > 1:
            return self.raw(children[-1]), children[0]
        if node.type == "call_expression" and children:
            return "()", children[0]
        if node.type == "index_expression" and len(children) > 1:
            key = self.term(children[1])
            if isinstance(key, Literally) and key.text is not None:
                return key.text, children[0]
        return "", None

    # Statements

    def visit_property(self, node: Node, context: Context) -> None:
        """Keep a variable or a property."""
        children = [one for one in self.children(node) if one.type != "modifiers"]
        if (
            len(children) >= _NAMED
            and children[0].type == "variable_declaration"
            and children[0].named_children
        ):
            self.program.assign(self.raw(children[0].named_children[0]), self.term(children[1]), *context)

    def visit_parameter(self, node: Node, context: Context) -> None:
        """Keep the property that a class is given, by its default."""
        children = [one for one in self.children(node) if one.type != "modifiers"]
        name = next((one for one in children if one.type == "identifier"), None)
        if name is not None and children[-1].type in self.makers and children[-1] != name:
            self.program.assign(self.raw(name), self.term(children[-1]), *context)

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned; a place in a table is named by itself."""
        left = node.child_by_field_name("left")
        if left is None:
            return
        plain = any(one.type == "=" for one in node.children)
        right = self.field(node, "right") if plain else self.opaque(node, "+=")
        if left.type == "index_expression":
            children = self.children(left)
            if len(children) > 1:
                call = Call(
                    f"{self.name(children[0])}.set", (self.term(children[1]), right), (), *self.span(node)
                )
                self.program.keyed(call.arguments[0], call, *context)
            return
        self.program.assign(self.name(left), right, *context, outer=True)

    def visit_call(self, node: Node, context: Context) -> None:
        """Keep a call, or what it puts into a table."""
        term = self.term(node)
        if not isinstance(term, Call):
            return
        if term.callee.rpartition(".")[2] in PUTS and len(term.arguments) == _NAMED:
            self.program.keyed(term.arguments[0], term, *context)
        else:
            self.program.call(term, *context)

    def visit_if(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the arms of a condition apart."""
        test = node.child_by_field_name("condition")
        rest = [one for one in self.children(node) if one != test]
        whole = len(rest) > 1
        arms: list[tuple[Term | None, list[Node]]] = [(self.term(test), rest[:1])]
        if whole:
            arms.append((None, rest[1:]))
        return self.forked(list(arms), context, whole=whole)

    def visit_when(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases apart."""
        entries = [one for one in self.children(node) if one.type == "when_entry"]
        return self.cases(entries, context, frozenset())

    # Expressions

    def word(self, node: Node) -> Term:
        """Return what a single word is."""
        word = self.raw(node)
        if word in {"true", "false"}:
            return self.boolean(node)
        return self.null(node) if word == "null" else self.reference(node)

    def string(self, node: Node) -> Term:
        """Return a string, with what is put into it."""
        return self._pieces(node, 1, lambda raw: decoded(raw, "kotlin"))

    def multiline(self, node: Node) -> Term:
        """Return a string of several lines, in which nothing is escaped."""
        return self._pieces(node, 3, str)

    def _pieces(self, node: Node, quote: int, decode: type[str] | object) -> Term:
        holes = [one for one in node.named_children if one.type == "interpolation"]
        parts: list[Term] = []
        for one in self.pieces(node.start_byte + quote, node.end_byte - quote, holes):
            if not isinstance(one, Literally):
                parts.append(self.inside(one))
                continue
            at, text = 0, one.text or ""
            for found in _DOLLAR.finditer(text):
                if found[1] and quote == 1:
                    continue
                if found[2]:
                    parts.append(self._plain(text[at : found.start()], one, decode))
                    parts.append(Reference(found[2], one.start, one.end))
                    at = found.end()
            parts.append(self._plain(text[at:], one, decode))
        if len(parts) == 1 and isinstance(parts[0], Literally):
            return self.literal("string", parts[0].text, node)
        return Joined(tuple(parts), *self.span(node)) if parts else self.literal("string", "", node)

    def _plain(self, raw: str, at: Literally, decode: object) -> Term:
        text = decode(raw) if callable(decode) else raw
        return Literally("string", str(text), at.start, at.end)

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        children = self.children(node)
        function = children[0] if children else node
        arguments: list[Term] = []
        named: list[tuple[str, Term]] = []
        pairs: list[tuple[str, Term]] = []
        for given in children[1:]:
            for one in self.children(given) if given.type == "value_arguments" else ():
                inner = self.children(one)
                if len(inner) == _NAMED:
                    named.append((self.raw(inner[0]), self.term(inner[1])))
                elif inner:
                    arguments.append(self.term(inner[0]))
                    pairs += self._pair(inner[0])
        callee = self.name(function)
        if callee in _LISTS:
            return Members(
                tuple((str(at), one) for at, one in enumerate(arguments)), *self.span(node), name="list"
            )
        if callee in _MAPS and len(pairs) == len(arguments):
            return Members(tuple(pairs), *self.span(node))
        special = self._special(node, callee, tuple(arguments)) or self._method(
            node, function, tuple(arguments)
        )
        value = arguments[0] if callee in WRAPPERS and arguments else None
        return special or self.call(node, callee, tuple(arguments), tuple(named), value=value)

    def _pair(self, node: Node) -> list[tuple[str, Term]]:
        children = self.children(node)
        if node.type != "infix_expression" or len(children) != 3 or self.raw(children[1]) != "to":  # noqa: PLR2004
            return []
        key = self.term(children[0])
        literal = isinstance(key, Literally) and key.text is not None
        return [(key.text or "", self.term(children[2]))] if literal and isinstance(key, Literally) else []

    def _special(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        if not arguments:
            return None
        if callee == "System.getenv":
            return self.env(node, arguments[:1])
        if callee == "System.getenv().getOrDefault":
            return self.env(node, arguments)
        return helper_env(callee, arguments, *self.span(node))

    def _method(self, node: Node, function: Node, arguments: tuple[Term, ...]) -> Term | None:
        children = self.children(function)
        if function.type != "navigation_expression" or len(children) < _NAMED or arguments:
            return None
        method = self.raw(children[-1])
        if method in _METHODS:
            return self.convert(_METHODS[method], self.term(children[0]), node)
        if method in {"toBoolean", "toBooleanStrict"}:
            return Words(
                self.term(children[0]), frozenset({"true"}), frozenset(), *self.span(node), other=False
            )
        return None

    def binary(self, node: Node) -> Term:
        """Return an alternative, a comparison, or a text made of several."""
        sign = self.operator(node)
        if sign == "+":
            return self.sum(node, "left", "right", sign, adds=True)
        left, right, span = self.field(node, "left"), self.field(node, "right"), self.span(node)
        if sign == "?:":
            return Or(left, right, "null", *span)
        if sign in {"==", "!=", "===", "!=="}:
            return Equal(left, right, *span, negated=sign[0] == "!")
        if sign == "||":
            return self.convert("truth", Or(left, right, "falsy", *span), node)
        if sign == "&&":
            return self.convert("truth", And(left, right, *span), node)
        return self.opaque(node, sign)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("argument")
        sign = self.raw(node)[:1]
        if of is None:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(of), *self.span(node))
        return self.negative(node, of) if sign == "-" else self.term(of)

    def chosen(self, node: Node) -> Term:
        """Return one of two."""
        test = node.child_by_field_name("condition")
        rest = [one for one in self.children(node) if one != test]
        if len(rest) != _NAMED:
            return self.opaque(node, "if")
        return Choice(self.term(test), self.term(rest[0]), self.term(rest[1]), *self.span(node))
