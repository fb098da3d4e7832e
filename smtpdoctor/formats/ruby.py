"""Ruby: settings by index and by attribute, hashes, constants and calls.

``gitlab_rails['smtp_address'] = …`` is ``gitlab_rails.smtp_address``, and
``config.action_mailer.smtp_settings = { address: … }`` is ``config.action_mailer.smtp_settings.address``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded, single
from smtpdoctor.formats.code.terms import (
    SPREAD,
    Among,
    And,
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
from smtpdoctor.formats.code.tree import Context, Reader
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Source

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["NEEDS", "read"]

NEEDS: Final = ("tree_sitter", "tree_sitter_ruby")
_LANGUAGE: Final = Language("ruby", frozenset(), words=("true", "false", ""))
_METHODS: Final[dict[str, To]] = {
    "to_i": "leading", "to_s": "string", "to_str": "string", "to_sym": "symbol", "downcase": "lower",
    "upcase": "upper", "strip": "strip", "presence": "presence",
}  # fmt: skip
_NOTHING: Final = frozenset({"freeze", "dup", "to_h", "itself", "symbolize_keys", "with_indifferent_access"})
# What ActiveModel takes for false; everything else is true.
_CAST_FALSE: Final = frozenset({"0", "f", "false", "off", ""})
_STATEMENTS: Final = frozenset({"program", "body_statement", "block_body", "then", "else", "begin", "ensure"})
_FILE: Final = "Rails.application."


def read(source: Source) -> Document:
    """Read a file of Ruby."""
    import tree_sitter_ruby

    return _Reader(source, tree_sitter_ruby.language()).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "ruby"
    functions = frozenset({"method", "singleton_method"})
    classes = frozenset({"class", "module"})
    wrappers = frozenset({"parenthesized_statements"})
    visits: ClassVar[dict[str, str]] = {
        "assignment": "visit_assignment",
        "operator_assignment": "visit_augmented",
        "call": "visit_call",
        **dict.fromkeys(_STATEMENTS, "visit_statements"),
        "if": "branches",
        "unless": "visit_unless",
        "if_modifier": "visit_modifier",
        "unless_modifier": "visit_modifier",
        "case": "visit_case",
        "rescue": "perhaps",
        "for": "visit_for",
    }
    makers: ClassVar[dict[str, str]] = {
        "string": "string",
        "chained_string": "chained",
        "simple_symbol": "symbol",
        "delimited_symbol": "symbol",
        "integer": "number",
        "float": "number",
        "true": "true",
        "false": "false",
        "nil": "null",
        "identifier": "reference",
        "constant": "reference",
        "instance_variable": "reference",
        "global_variable": "reference",
        "class_variable": "reference",
        "scope_resolution": "reference",
        "call": "called",
        "element_reference": "element",
        "hash": "hash",
        "array": "array",
        "string_array": "array",
        "symbol_array": "array",
        "bare_string": "bare",
        "bare_symbol": "bare",
        "binary": "binary",
        "unary": "unary",
        "conditional": "ternary",
        "assignment": "assigned",
    }

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind in {"identifier", "constant", "self"}:
            return self.raw(node), None
        if kind in {"instance_variable", "global_variable", "class_variable"}:
            return self.raw(node).lstrip("@$"), None
        if kind == "scope_resolution":
            return self.raw(node).removeprefix("::"), None
        if kind == "call":
            receiver = node.child_by_field_name("receiver")
            method = self.raw_of(node, "method")
            if node.child_by_field_name("arguments") is not None:
                method += "()"
            return (method, receiver) if receiver is not None else (method, None)
        if kind == "element_reference":
            children = self.children(node)
            key = self.term(children[1]) if len(children) > 1 else None
            if isinstance(key, Literally) and key.text is not None:
                return key.text, children[0]
        return "", None

    def name(self, node: Node | None) -> str:
        return super().name(node).removeprefix(_FILE)

    # Statements

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned, also several at once."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type != "left_assignment_list":
            self.program.assign(self.name(left), self.term(right), *context)
            return
        names, values = self.children(left), self.children(right)
        paired = right.type == "right_assignment_list" and len(names) == len(values)
        for number, one in enumerate(names):
            term = self.term(values[number]) if paired else self.opaque(right)
            self.program.assign(self.name(one), term, *context, told=paired)

    def visit_augmented(self, node: Node, context: Context) -> None:
        """Keep that a variable is not what it was; ``||=`` gives it a value where it has none."""
        left = node.child_by_field_name("left")
        if left is None:
            return
        name, sign = self.name(left), self.operator(node)
        if sign != "||=":
            self.program.assign(name, self.opaque(node, sign), *context)
        elif context.scope.owner(name) is None:
            self.program.assign(name, self.field(node, "right"), *context)

    def visit_call(self, node: Node, context: Context) -> None:
        """Keep a call; one without arguments is one only where it stands by itself."""
        if node.child_by_field_name("arguments") is not None:
            self.keep_call(node, context)

    def visit_statements(self, node: Node, context: Context) -> None:
        """Keep calls that look like a word, or like an attribute."""
        for one in node.named_children:
            word = one.type == "identifier" and context.scope.owner(self.raw(one)) is None
            attribute = (
                one.type == "call"
                and one.child_by_field_name("arguments") is None
                and one.child_by_field_name("block") is None
            )
            if word or (attribute and isinstance(self.term(one), Reference)):
                self.program.call(self.call(one, self.name(one), ()), *context)

    def visit_unless(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the arms of a condition apart that has to fail."""
        test = self.field(node, "condition")
        arms: list[tuple[Term | None, Iterable[Node]]] = [
            (Not(test, test.start, test.end), self.children(node.child_by_field_name("consequence")))
        ]
        otherwise = node.child_by_field_name("alternative")
        if otherwise is not None:
            arms.append((None, self.children(otherwise)))
        return self.forked(arms, context, whole=otherwise is not None)

    def visit_modifier(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Put what stands before ``if`` under its condition."""
        test = self.field(node, "condition")
        if node.type == "unless_modifier":
            test = Not(test, test.start, test.end)
        body = node.child_by_field_name("body")
        return self.forked([(test, [] if body is None else [body])], context, whole=False)

    def visit_case(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases apart."""
        nodes = [one for one in self.children(node) if one.type in {"when", "else"}]
        return self.cases(nodes, context, frozenset({"else"}))

    def visit_for(self, node: Node, context: Context) -> None:
        """Keep that the variable of a loop has many values."""
        pattern = node.child_by_field_name("pattern")
        if pattern is not None:
            self.program.assign(self.raw(pattern), self.opaque(pattern), *context, told=False)

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string, with what is put into it."""
        raw = self.raw(node)
        quote = 1
        plain = raw[:1] == "'"
        if raw[:1] == "%":
            quote = 2 if raw[1:2] in "qQ" else 1
            plain = raw[1:2] == "q"
            holes = [one for one in node.named_children if one.type == "interpolation"]
            if holes:
                return self.opaque(node, "string")
            inner = raw[quote + 1 : -1]
            return self.literal("string", single(inner) if plain else decoded(inner, "ruby"), node)
        if raw[:1] not in {"'", '"'}:
            return self.opaque(node, "string")
        holes = [one for one in node.named_children if one.type == "interpolation"]
        return self.text_of(node, quote, holes, single if plain else _decode)

    def chained(self, node: Node) -> Term:
        """Return strings that stand side by side."""
        return Joined(tuple(self.term(one) for one in self.children(node)), *self.span(node))

    def symbol(self, node: Node) -> Term:
        """Return a symbol, which is a word."""
        raw = self.raw(node)[1:]
        if raw[:1] in {'"', "'"}:
            raw = raw[1:-1]
            if "#{" in raw:
                return self.opaque(node, "symbol")
        return self.literal("word", raw, node)

    def bare(self, node: Node) -> Term:
        """Return a word of a list of words."""
        text = Joined((self.literal("string", self.raw(node), node),), *self.span(node))  # it has no quotes
        return self.convert("symbol", text, node) if node.type == "bare_symbol" else text

    def element(self, node: Node) -> Term:
        """Return a variable of the environment, or what is looked up."""
        children = self.children(node)
        if len(children) > 1 and self.raw(children[0]) == "ENV":
            return self.env(node, (self.term(children[1]),)) or self.opaque(node, "ENV")
        return self.reference(node)

    def hash(self, node: Node) -> Term:
        """Return a hash."""
        return Members(tuple(self._pairs(self.children(node))), *self.span(node))

    def _pairs(self, nodes: list[Node]) -> Iterable[tuple[str, Term]]:
        for one in nodes:
            if one.type == "hash_splat_argument":
                yield SPREAD, self.inside(one)
            if one.type != "pair":
                continue
            key, value = one.child_by_field_name("key"), one.child_by_field_name("value")
            name = None if key is None else self._key(key)
            if name is None:
                continue
            if value is None and key is not None:
                yield name, Reference(name, *self.span(key))
            else:
                yield name, self.term(value)

    def _key(self, node: Node) -> str | None:
        if node.type == "hash_key_symbol":
            return self.raw(node)
        term = self.term(node)
        return term.text if isinstance(term, Literally) else None

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its receiver into."""
        receiver = node.child_by_field_name("receiver")
        method = self.raw_of(node, "method")
        given = node.child_by_field_name("arguments")
        nodes = self.children(given)
        arguments = tuple(self.term(one) for one in nodes if one.type not in {"pair", "hash_splat_argument"})
        if receiver is not None:
            special = self._special(node, receiver, method, arguments)
            if special is not None:
                return special
        if given is None:
            return self.reference(node)
        if receiver is None and method == "Integer" and arguments:
            return self.convert("integer", arguments[0], node)
        callee = self.name(receiver) if receiver is not None else ""
        callee = f"{callee}.{method}" if receiver is not None else method
        return self.call(node, callee, arguments, tuple(self._pairs(nodes)))

    def _special(self, node: Node, receiver: Node, method: str, arguments: tuple[Term, ...]) -> Term | None:
        span = self.span(node)
        if self.raw(receiver) == "ENV" and method in {"fetch", "[]", "key?", "dig"}:
            if method == "key?":
                return self.opaque(node, "ENV")
            block = node.child_by_field_name("block")
            if block is not None:
                body = self.children(block.child_by_field_name("body"))
                arguments = (*arguments[:1], self.term(body[-1]) if body else self.opaque(node))
            return self.env(node, arguments) or self.opaque(node, "ENV")
        if arguments:
            if method == "include?" and len(arguments) == 1:
                return Among(arguments[0], self.term(receiver), *span)
            if method == "in?" and len(arguments) == 1:
                return Among(self.term(receiver), arguments[0], *span)
            if method == "cast" and "Boolean" in self.name(receiver):
                return self._cast(arguments[0], node)
            return None
        if method in _METHODS:
            return self.convert(_METHODS[method], self.term(receiver), node)
        if method in _NOTHING:
            return self.term(receiver)
        if method in {"present?", "blank?", "nil?"}:
            of = self.term(receiver)
            nothing: Term = Equal(of, Literally("null", None, *span), *span)
            if method == "nil?":
                return nothing
            empty: Term = Or(nothing, Equal(of, Literally("string", "", *span), *span), "falsy", *span)
            return empty if method == "blank?" else Not(empty, *span)
        return None

    def _cast(self, of: Term, node: Node) -> Term:
        return Words(of, frozenset(), _CAST_FALSE, *self.span(node), other=True)

    def binary(self, node: Node) -> Term:
        """Return an alternative, a comparison, or a text made of several."""
        sign = self.operator(node)
        if sign == "+":
            return self.sum(node, "left", "right", sign, adds=True)
        left, right, span = self.field(node, "left"), self.field(node, "right"), self.span(node)
        if sign in {"||", "or"}:
            return Or(left, right, "falsy", *span)
        if sign in {"&&", "and"}:
            return And(left, right, *span)
        if sign in {"==", "!="}:
            return Equal(left, right, *span, negated=sign == "!=")
        return self.opaque(node, sign)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("operand")
        sign = self.operator(node)
        if of is None:
            return self.opaque(node, sign)
        if sign in {"!", "not"}:
            return Not(self.term(of), *self.span(node))
        return self.negative(node, of) if sign == "-" else self.opaque(node, sign)

    def assigned(self, node: Node) -> Term:
        """Return what an assignment is as a value."""
        return self.field(node, "right")


def _decode(raw: str) -> str:
    return decoded(raw, "ruby")
