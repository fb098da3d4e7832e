"""PHP: constants, variables, properties, arrays and calls.

``$CONFIG = array('mail_smtphost' => …)`` is ``CONFIG.mail_smtphost``, ``$mail->Host = …`` is ``mail.Host``;
members of the array that a file returns have no prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded, single
from smtpdoctor.formats.code.terms import (
    SPREAD,
    Among,
    And,
    Choice,
    Env,
    Equal,
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
from smtpdoctor.formats.document import Document, Source

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["NEEDS", "read"]

NEEDS: Final = ("tree_sitter", "tree_sitter_php")
_LANGUAGE: Final = Language(
    "php", frozenset({("string", ""), ("string", "0"), ("number", "0")}), words=("1", "", "")
)
_ENVIRONMENTS: Final = frozenset({"_ENV", "_SERVER"})
_TURNED: Final[dict[str, To]] = {
    "intval": "leading", "strval": "string", "boolval": "truth", "strtolower": "lower",
    "strtoupper": "upper", "trim": "strip",
}  # fmt: skip
_CASTS: Final[dict[str, To]] = {
    "int": "leading", "integer": "leading", "string": "string", "bool": "truth", "boolean": "truth",
}  # fmt: skip
# What FILTER_VALIDATE_BOOLEAN takes for true.
_VALIDATED: Final = frozenset({"1", "true", "on", "yes"})
_VARIABLES: Final = frozenset({"variable_name", "dynamic_variable_name"})


def read(source: Source) -> Document:
    """Read a file of PHP."""
    import tree_sitter_php

    within_text = "<?" in source.text
    return _Reader(
        source, tree_sitter_php.language_php() if within_text else tree_sitter_php.language_php_only()
    ).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "php"
    functions = frozenset(
        {
            "function_definition", "method_declaration", "anonymous_function",
            "anonymous_function_creation_expression", "arrow_function",
        }
    )  # fmt: skip
    classes = frozenset(
        {"class_declaration", "trait_declaration", "enum_declaration", "interface_declaration"}
    )
    names = frozenset({"variable_name"})
    wrappers = frozenset({"parenthesized_expression", "error_suppression_expression", "argument"})
    visits: ClassVar[dict[str, str]] = {
        "assignment_expression": "visit_assignment",
        "reference_assignment_expression": "visit_assignment",
        "augmented_assignment_expression": "visit_augmented",
        "const_element": "visit_constant",
        "property_element": "visit_property",
        "static_variable_declaration": "visit_property",
        "function_call_expression": "visit_call",
        "member_call_expression": "keep_call",
        "nullsafe_member_call_expression": "keep_call",
        "scoped_call_expression": "keep_call",
        "object_creation_expression": "keep_call",
        "return_statement": "visit_return",
        "if_statement": "visit_if",
        "switch_statement": "visit_switch",
        "catch_clause": "perhaps",
        "foreach_statement": "visit_foreach",
    }
    makers: ClassVar[dict[str, str]] = {
        "string": "string",
        "encapsed_string": "encapsed",
        "integer": "number",
        "float": "number",
        "boolean": "boolean",
        "null": "null",
        "variable_name": "reference",
        "name": "reference",
        "qualified_name": "reference",
        "member_access_expression": "reference",
        "nullsafe_member_access_expression": "reference",
        "class_constant_access_expression": "reference",
        "scoped_property_access_expression": "reference",
        "subscript_expression": "subscript",
        "array_creation_expression": "array",
        "function_call_expression": "called",
        "member_call_expression": "called_method",
        "nullsafe_member_call_expression": "called_method",
        "scoped_call_expression": "called_method",
        "object_creation_expression": "made",
        "binary_expression": "binary",
        "unary_op_expression": "unary",
        "conditional_expression": "conditional",
        "cast_expression": "cast",
        "assignment_expression": "assigned",
    }

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind in _VARIABLES:
            return self.raw(node).strip("${}"), None
        if kind in {"name", "qualified_name", "relative_scope"}:
            return self.raw(node).rpartition("\\")[2], None
        if kind in {"member_access_expression", "nullsafe_member_access_expression"}:
            return self.raw_of(node, "name"), node.child_by_field_name("object")
        if kind in {"member_call_expression", "nullsafe_member_call_expression", "scoped_call_expression"}:
            return f"{self._method_name(node)}()", None
        if kind in {"class_constant_access_expression", "scoped_property_access_expression"}:
            parts = [self.raw(one).rpartition("\\")[2].lstrip("$") for one in self.children(node)]
            return "::".join(parts) if parts[0] not in {"self", "static"} else f"self.{parts[-1]}", None
        if kind == "subscript_expression":
            children = self.children(node)
            key = self.term(children[1]) if len(children) > 1 else None
            literal = isinstance(key, Literally) and key.text is not None
            return (key.text or "", children[0]) if literal and isinstance(key, Literally) else ("", None)
        if kind == "function_call_expression":
            return f"{self.name(node.child_by_field_name('function'))}()", None
        if kind == "object_creation_expression":
            return f"{self._class_name(node)}()", None
        return "", None

    def _method_name(self, node: Node) -> str:
        if node.type == "scoped_call_expression":
            return f"{self.name(node.child_by_field_name('scope'))}::{self.raw_of(node, 'name')}"
        return f"{self.name(node.child_by_field_name('object'))}.{self.raw_of(node, 'name')}"

    def _class_name(self, node: Node) -> str:
        children = self.children(node)
        return (
            self.name(children[0]) if children and children[0].type in {"name", "qualified_name"} else "class"
        )

    # Statements

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned; of several at once only that they are."""
        left = node.child_by_field_name("left")
        if left is None:
            return
        if left.type in {"list_literal", "array_creation_expression"}:
            for name in self._names_in(left):
                self.program.assign(name, self.opaque(node), *context, told=False)
            return
        self.program.assign(self.name(left), self.field(node, "right"), *context)

    def visit_augmented(self, node: Node, context: Context) -> None:
        """Keep that a variable is not what it was."""
        left = node.child_by_field_name("left")
        if left is None:
            return
        name, sign = self.name(left), self.operator(node)
        if sign != "??=":
            self.program.assign(name, self.opaque(node, sign), *context)
        elif context.scope.owner(name) is None:
            self.program.assign(name, self.field(node, "right"), *context)

    def visit_constant(self, node: Node, context: Context) -> None:
        """Keep a constant."""
        children = self.children(node)
        if len(children) > 1:
            self.program.assign(self.raw(children[0]), self.term(children[-1]), *context)

    def visit_property(self, node: Node, context: Context) -> None:
        """Keep a property of a class, or a static variable."""
        value = node.child_by_field_name("default_value") or node.child_by_field_name("value")
        if value is not None:
            self.program.assign(self.raw_of(node, "name").lstrip("$"), self.term(value), *context)

    def visit_call(self, node: Node, context: Context) -> None:
        """Keep a call; ``define`` gives a constant its value."""
        if self.raw_of(node, "function").lstrip("\\").lower() != "define":
            self.keep_call(node, context)
            return
        arguments, _ = self._arguments(node)
        name = self.literally(arguments[0]) if len(arguments) > 1 else None
        if name is not None:
            file = context.scope.file()
            self.program.assign(
                name, arguments[1], file if context.scope is not file else context.scope, context.arm
            )

    def visit_return(self, node: Node, context: Context) -> None:
        """Keep what the file returns."""
        if context.scope.kind == "file":
            term = self.inside(node)
            if isinstance(term, Members):
                self.program.members(term, *context)

    def visit_if(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the arms of a condition apart."""
        test = node.child_by_field_name("condition")
        body = node.child_by_field_name("body")
        arms: list[tuple[Term | None, Iterable[Node]]] = [
            (self.term(test), [one for one in (test, body) if one is not None])
        ]
        whole = False
        for one in node.children_by_field_name("alternative"):
            if one.type == "else_clause":
                whole = True
                arms.append((None, self.children(one)))
            else:
                arms.append((self.field(one, "condition"), self.children(one)))
        return self.forked(arms, context, whole=whole)

    def visit_switch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        return self.cases(
            self.children(node.child_by_field_name("body")), context, frozenset({"default_statement"})
        )

    def visit_foreach(self, node: Node, context: Context) -> None:
        """Keep that the variables of a loop have many values."""
        for one in self.children(node)[1:-1]:
            for name in [self.raw(one)] if one.type in self.names else self._names_in(one):
                self.program.assign(name.lstrip("$"), self.opaque(one, name), *context, told=False)

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string in single quotes."""
        return self.literal("string", single(self.raw(node).lstrip("bB")[1:-1]), node)

    def encapsed(self, node: Node) -> Term:
        """Return a string in double quotes, with what is put into it."""
        if self.raw(node)[:1] != '"':
            return self.opaque(node, "string")
        holes = [one for one in node.named_children if one.type not in {"string_content", "escape_sequence"}]
        if holes:
            # The braces around what is put in are no part of the text.
            return (
                self.opaque(node, "string")
                if "{" in self.raw(node)
                else self.text_of(node, 1, holes, _decode)
            )
        return self.text_of(node, 1, [], _decode)

    def hole(self, node: Node) -> Term:
        return self.term(node)

    def subscript(self, node: Node) -> Term:
        """Return a variable of the environment, or what is looked up."""
        name = self.name(node)
        base, _, rest = name.partition(".")
        if base in _ENVIRONMENTS and rest and "." not in rest:
            return Env(rest, *self.span(node))
        return Reference(name, *self.span(node))

    def array(self, node: Node) -> Term:
        """Return an array; what has no key is counted."""
        items: list[tuple[str, Term]] = []
        keyed = False
        for one in self.children(node):
            children = self.children(one)
            if not children:
                continue
            if children[0].type == "variadic_unpacking":
                items.append((SPREAD, self.inside(children[0])))
            elif len(children) == 1:
                items.append((str(len(items)), self.term(children[0])))
            else:
                key = self.term(children[0])
                keyed = True
                if isinstance(key, Literally) and key.text is not None:
                    items.append((key.text, self.term(children[-1])))
        return Members(tuple(items), *self.span(node), name="" if keyed else "list")

    def _arguments(self, node: Node) -> tuple[tuple[Term, ...], tuple[tuple[str, Term], ...]]:
        given = node.child_by_field_name("arguments")
        if given is None:
            given = next((one for one in node.named_children if one.type == "arguments"), None)
        arguments: list[Term] = []
        named: list[tuple[str, Term]] = []
        for one in self.children(given):
            name = one.child_by_field_name("name")
            children = self.children(one)
            if one.type == "argument" and children:
                value = self.term(children[-1])
                if name is not None:
                    named.append((self.raw(name), value))
                else:
                    arguments.append(value)
        return tuple(arguments), tuple(named)

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        callee = self.name(node.child_by_field_name("function"))
        arguments, named = self._arguments(node)
        special = self._special(node, callee.lower(), arguments) if arguments else None
        return special or self.call(node, callee, arguments, named)

    def _special(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        first, span = arguments[0], self.span(node)
        if callee in _TURNED:
            return self.convert(_TURNED[callee], first, node)
        if callee == "env":
            env = self.env(node, arguments)
            return None if env is None else self.convert("laravel", env, node)
        if callee == "getenv":
            return self.env(node, arguments[:1])
        if callee == "empty":
            return Not(first, *span)
        if callee == "in_array" and len(arguments) > 1:
            return Among(first, arguments[1], *span)
        if callee == "array_merge":
            return Members(tuple((SPREAD, one) for one in arguments), *span)
        if callee == "constant" and (name := self.literally(first)) is not None:
            return Reference(name, *span)
        if callee == "filter_var" and len(arguments) > 1 and isinstance(arguments[1], Reference):
            if arguments[1].name in {"FILTER_VALIDATE_BOOLEAN", "FILTER_VALIDATE_BOOL"}:
                return Words(first, _VALIDATED, frozenset(), *span, other=False)
            if arguments[1].name == "FILTER_VALIDATE_INT":
                return self.convert("integer", first, node)
        return helper_env(callee, arguments, *span)

    def called_method(self, node: Node) -> Term:
        """Return a call of a method."""
        arguments, named = self._arguments(node)
        callee = self._method_name(node)
        env = helper_env(callee.rpartition("::")[2], arguments, *self.span(node)) if "::" in callee else None
        return env or self.call(node, callee, arguments, named)

    def made(self, node: Node) -> Term:
        """Return what a class makes."""
        arguments, named = self._arguments(node)
        return self.call(node, self._class_name(node), arguments, named)

    def binary(self, node: Node) -> Term:
        """Return an alternative, a comparison, or a text made of several."""
        sign = self.operator(node).lower()
        if sign == ".":
            return self.sum(node, "left", "right", sign, adds=False)
        left, right, span = self.field(node, "left"), self.field(node, "right"), self.span(node)
        if sign == "??":
            return Or(left, right, "null", *span)
        if sign in {"||", "or"}:
            return self.convert("truth", Or(left, right, "falsy", *span), node)
        if sign in {"&&", "and"}:
            return self.convert("truth", And(left, right, *span), node)
        if sign in {"===", "==", "!==", "!=", "<>"}:
            return Equal(left, right, *span, negated=sign[0] != "=", typed=len(sign) == 3)  # noqa: PLR2004
        return self.opaque(node, sign)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("argument")
        sign = self.raw(node)[:1]
        if of is None:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(of), *self.span(node))
        return self.negative(node, of) if sign == "-" else self.opaque(node, sign)

    def conditional(self, node: Node) -> Term:
        """Return one of two."""
        test, body = self.field(node, "condition"), node.child_by_field_name("body")
        otherwise = self.field(node, "alternative")
        if body is None:
            return Or(test, otherwise, "falsy", *self.span(node))
        return Choice(test, self.term(body), otherwise, *self.span(node))

    def cast(self, node: Node) -> Term:
        """Return a value of another type."""
        to = _CASTS.get(self.raw_of(node, "type").strip().lower())
        return self.opaque(node, "cast") if to is None else self.convert(to, self.field(node, "value"), node)

    def assigned(self, node: Node) -> Term:
        """Return what an assignment is as a value."""
        return self.field(node, "right")


def _decode(raw: str) -> str:
    return decoded(raw, "php")
