"""C#: fields, properties, object initialisers and calls.

``new SmtpClient(host, port) { EnableSsl = … }`` gives ``SmtpClient.0``, ``SmtpClient.1`` and
``SmtpClient.EnableSsl``. What is looked up in the configuration is a variable of the environment at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded
from smtpdoctor.formats.code.terms import (
    Env,
    Equal,
    Joined,
    Literally,
    Members,
    Not,
    Or,
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

NEEDS: Final = ("tree_sitter", "tree_sitter_c_sharp")
_LANGUAGE: Final = Language("csharp", frozenset(), words=("True", "False", ""))
_CONFIGURATION: Final = re.compile(r"(?:.*\.)?_?\w*[cC]onfig(?:uration)?")
# Classes that are no more than a text, and which of their arguments it is.
_WRAPPERS: Final = {
    "MailAddress": 0,
    "MailboxAddress": 1,
    "MailboxAddress.Parse": 0,
    "InternetAddress.Parse": 0,
}
_TURNED: Final[dict[str, To]] = {
    "int.Parse": "integer", "Convert.ToInt32": "integer", "Int32.Parse": "integer", "Convert.ToString": "string",
}  # fmt: skip
_BOOLEAN: Final = frozenset({"bool.Parse", "Convert.ToBoolean", "Boolean.Parse"})
_METHODS: Final[dict[str, To]] = {
    "ToLower": "lower", "ToLowerInvariant": "lower", "ToUpper": "upper", "ToUpperInvariant": "upper",
    "Trim": "strip", "ToString": "string",
}  # fmt: skip


def read(source: Source) -> Document:
    """Read a file of C#."""
    import tree_sitter_c_sharp

    return _Reader(source, tree_sitter_c_sharp.language()).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "csharp"
    functions = frozenset(
        {"method_declaration", "constructor_declaration", "local_function_statement", "lambda_expression"}
    )
    classes = frozenset({"class_declaration", "struct_declaration", "record_declaration"})
    wrappers = frozenset(
        {
            "parenthesized_expression",
            "await_expression",
            "argument",
            "postfix_unary_expression",
            "expression_element",
        }
    )
    visits: ClassVar[dict[str, str]] = {
        "variable_declarator": "visit_declarator",
        "variable_declaration": "visit_typed",
        "property_declaration": "visit_typed",
        "assignment_expression": "visit_assignment",
        "initializer_expression": "visit_initialiser",
        "invocation_expression": "keep_call",
        "object_creation_expression": "keep_call",
        "implicit_object_creation_expression": "keep_call",
        "if_statement": "branches",
        "switch_statement": "visit_switch",
        "catch_clause": "visit_catch",
        "foreach_statement": "many",
    }
    makers: ClassVar[dict[str, str]] = {
        "string_literal": "string",
        "verbatim_string_literal": "verbatim",
        "raw_string_literal": "raw_string",
        "interpolated_string_expression": "interpolated",
        "integer_literal": "number",
        "real_literal": "number",
        "boolean_literal": "boolean",
        "null_literal": "null",
        "identifier": "reference",
        "member_access_expression": "reference",
        "conditional_access_expression": "reference",
        "element_access_expression": "element",
        "invocation_expression": "called",
        "object_creation_expression": "made",
        "implicit_object_creation_expression": "made",
        "anonymous_object_creation_expression": "anonymous",
        "binary_expression": "binary",
        "prefix_unary_expression": "unary",
        "conditional_expression": "ternary",
        "cast_expression": "cast",
        "assignment_expression": "assigned",
        "lambda_expression": "function",
        "collection_expression": "collection",
        "array_creation_expression": "collection",
        "implicit_array_creation_expression": "collection",
    }

    def __init__(self, source: Source, grammar: object) -> None:
        super().__init__(source, grammar)
        self._types: dict[int, str] = {}

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind in {"identifier", "predefined_type", "this", "base", "this_expression", "base_expression"}:
            return self.raw(node), None
        if kind == "generic_name":
            return self.raw(node).partition("<")[0], None
        if kind == "qualified_name":
            return self.raw_of(node, "name").partition("<")[0], None
        if kind == "member_access_expression":
            return self.raw_of(node, "name").partition("<")[0], node.child_by_field_name("expression")
        if kind == "conditional_access_expression":
            children = self.children(node)
            behind = self.raw(children[-1]).lstrip(".?") if len(children) > 1 else ""
            return (behind, children[0]) if re.fullmatch(r"[\w.]+", behind) else ("", None)
        if kind == "invocation_expression":
            return "()", node.child_by_field_name("function")
        if kind in {"object_creation_expression", "implicit_object_creation_expression"}:
            return f"{self._class_name(node)}()", None
        if kind == "element_access_expression":
            key = self._key(node)
            if key is not None:
                return key, node.child_by_field_name("expression")
        return "", None

    def _key(self, node: Node) -> str | None:
        children = self.children(node.child_by_field_name("subscript"))
        key = self.term(children[0]) if children else None
        return key.text if isinstance(key, Literally) else None

    def _class_name(self, node: Node) -> str:
        kind = node.child_by_field_name("type")
        return self._types.get(node.id, "") if kind is None else self.name(kind)

    def visit_typed(self, node: Node, context: Context) -> None:
        """Remember the type of a variable, which ``new(…)`` behind it leaves out."""
        kind = node.child_by_field_name("type")
        for one in [node] if node.type == "property_declaration" else node.named_children:
            children = self.children(one)
            if kind is not None and children and children[-1].type == "implicit_object_creation_expression":
                self._types[children[-1].id] = self.name(kind)
        if node.type == "property_declaration":
            self.visit_property(node, context)

    # Statements

    def visit_declarator(self, node: Node, context: Context) -> None:
        """Keep a variable or a field."""
        children = self.children(node)
        if len(children) > 1:
            self.program.assign(self.raw_of(node, "name"), self.term(children[-1]), *context)

    def visit_property(self, node: Node, context: Context) -> None:
        """Keep a property that has a value from the start."""
        value = node.child_by_field_name("value")
        if value is not None and value.type != "arrow_expression_clause":
            self.program.assign(self.raw_of(node, "name"), self.term(value), *context)

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned."""
        left, sign = node.child_by_field_name("left"), self.operator(node)
        if left is None:
            return
        name = self.name(left)
        if sign == "??=" and context.scope.owner(name) is not None:
            return
        term = self.field(node, "right") if sign in {"=", "??="} else self.opaque(node, sign)
        self.program.assign(name, term, *context, outer=True)

    def visit_initialiser(self, node: Node, context: Context) -> Iterable[tuple[Node, Context]]:
        """Go on behind the names, which are those of what is made."""
        found = []
        for one in self.children(node):
            right = one.child_by_field_name("right") if one.type == "assignment_expression" else one
            if right is not None:
                found.append((right, context))
        return found

    def visit_switch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        return self.cases(self.children(node.child_by_field_name("body")), context, frozenset())

    def visit_catch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Put what is done after a failure under a condition."""
        body = node.child_by_field_name("body")
        return [] if body is None else self.perhaps(body, context)

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string."""
        return self.literal("string", decoded(self.raw(node)[1:-1], "csharp"), node)

    def verbatim(self, node: Node) -> Term:
        """Return a string in which nothing but the quotation mark is escaped."""
        return self.literal("string", self.raw(node)[2:-1].replace('""', '"'), node)

    def raw_string(self, node: Node) -> Term:
        """Return a string in which nothing is escaped; of several lines it is not looked into."""
        raw = self.raw(node)
        quote = len(raw) - len(raw.lstrip('"'))
        return self.opaque(node, "text") if "\n" in raw else self.literal("string", raw[quote:-quote], node)

    def interpolated(self, node: Node) -> Term:
        """Return a string with what is put into it."""
        raw = self.raw(node)
        if not raw.startswith('$"') or raw.startswith('$"""'):
            return self.opaque(node, "string")
        holes = [one for one in node.named_children if one.type == "interpolation"]
        parts: list[Term] = []
        for one in self.pieces(node.start_byte + 2, node.end_byte - 1, holes):
            if isinstance(one, Literally):
                text = decoded(one.text or "", "csharp").replace("{{", "{").replace("}}", "}")
                parts.append(Literally("string", text, one.start, one.end))
                continue
            inside = [each for each in self.children(one) if each.type != "interpolation_brace"]
            parts.append(self.term(inside[0]) if len(inside) == 1 else self.opaque(one, "format"))
        return Joined(tuple(parts), *self.span(node))

    def element(self, node: Node) -> Term:
        """Return what is looked up, in the configuration also by a variable of the environment."""
        key, name = self._key(node), self.name(node.child_by_field_name("expression"))
        if key is not None and _CONFIGURATION.fullmatch(name):
            return Env(key.replace(":", "__"), *self.span(node))
        return self.reference(node)

    def _arguments(self, node: Node) -> tuple[tuple[Term, ...], tuple[tuple[str, Term], ...]]:
        given = node.child_by_field_name("arguments")
        if given is None:
            given = next((one for one in node.named_children if one.type == "argument_list"), None)
        arguments: list[Term] = []
        named: list[tuple[str, Term]] = []
        for one in self.children(given):
            name = one.child_by_field_name("name")
            inner = self.children(one)
            if name is not None and inner:
                named.append((self.raw(name), self.term(inner[-1])))
            else:
                arguments.append(self.term(one))
        return tuple(arguments), tuple(named)

    def made(self, node: Node) -> Term:
        """Return what a class makes, with what its initialiser sets."""
        arguments, named = self._arguments(node)
        initialiser = node.child_by_field_name("initializer")
        name = self._class_name(node)
        value = None
        if name in _WRAPPERS and len(arguments) > _WRAPPERS[name]:
            value = arguments[_WRAPPERS[name]]
        return self.call(node, name, arguments, (*named, *self._set(initialiser)), value=value)

    def _set(self, node: Node | None) -> Iterable[tuple[str, Term]]:
        for one in self.children(node):
            if one.type == "assignment_expression":
                left = one.child_by_field_name("left")
                name = self._initialised(left) if left is not None else ""
                if name:
                    yield name, self.field(one, "right")
            elif one.type == "initializer_expression":
                pair = self.children(one)
                key = self.term(pair[0]) if len(pair) == 2 else None  # noqa: PLR2004 -- a key and a value
                if isinstance(key, Literally) and key.text is not None:
                    yield key.text, self.term(pair[1])

    def _initialised(self, left: Node) -> str:
        if left.type == "identifier":
            return self.raw(left)
        children = self.children(left)
        key = self.term(children[0]) if children else None
        return (key.text or "") if isinstance(key, Literally) else ""

    def anonymous(self, node: Node) -> Term:
        """Return an object without a class."""
        children = self.children(node)
        items = tuple(
            (self.raw(name), self.term(value))
            for name, value in zip(children[::2], children[1::2], strict=False)
        )
        return Members(items, *self.span(node))

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        function = node.child_by_field_name("function")
        callee = self.name(function)
        arguments, named = self._arguments(node)
        special = self._special(node, callee, arguments) if arguments else None
        if special is not None:
            return special
        if function is not None and function.type == "member_access_expression":
            of = function.child_by_field_name("expression")
            made = None if of is None else self._method(node, of, callee.rpartition(".")[2], arguments)
            if made is not None:
                return made
        value = (
            arguments[_WRAPPERS[callee]]
            if callee in _WRAPPERS and len(arguments) > _WRAPPERS[callee]
            else None
        )
        return self.call(node, callee, arguments, named, value=value)

    def _special(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        first, span = arguments[0], self.span(node)
        if callee.endswith("Environment.GetEnvironmentVariable"):
            return self.env(node, arguments[:1])
        if callee in _TURNED:
            return self.convert(_TURNED[callee], first, node)
        if callee in _BOOLEAN:
            return Words(first, frozenset({"true"}), frozenset({"false"}), *span)
        if callee in {"string.IsNullOrEmpty", "string.IsNullOrWhiteSpace", "String.IsNullOrEmpty"}:
            empty = Equal(first, Literally("string", "", *span), *span)
            return Or(Equal(first, Literally("null", None, *span), *span), empty, "falsy", *span)
        base, _, method = callee.rpartition(".")
        if method == "GetValue" and _CONFIGURATION.fullmatch(base):
            return self._configured(node, arguments)
        return helper_env(callee, arguments, *span)

    def _configured(self, node: Node, arguments: tuple[Term, ...]) -> Term | None:
        key = self.literally(arguments[0])
        if key is None:
            return None
        env = Env(
            key.replace(":", "__"), *self.span(node), fallback=arguments[1] if len(arguments) > 1 else None
        )
        kind = re.search(r"GetValue<(\w+)\??>", self.raw_of(node, "function"))
        if kind is not None and kind[1] in {"int", "Int32", "ushort", "long"}:
            return self.convert("integer", env, node)
        if kind is not None and kind[1] in {"bool", "Boolean"}:
            return Words(env, frozenset({"true"}), frozenset({"false"}), *self.span(node))
        return env

    def _method(self, node: Node, of: Node, method: str, arguments: tuple[Term, ...]) -> Term | None:
        if method in _METHODS and not arguments:
            return self.convert(_METHODS[method], self.term(of), node)
        if method == "Equals" and arguments:
            return Equal(self.term(of), arguments[0], *self.span(node), fold=len(arguments) > 1)
        return None

    def binary(self, node: Node) -> Term:
        """Return an alternative, a comparison, or a text made of several."""
        if self.operator(node) == "??":
            return Or(self.field(node, "left"), self.field(node, "right"), "null", *self.span(node))
        return super().binary(node)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        children = self.children(node)
        sign = self.raw(node)[:1]
        if not children:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(children[-1]), *self.span(node))
        return self.negative(node, children[-1]) if sign == "-" else self.opaque(node, sign)

    def cast(self, node: Node) -> Term:
        """Return a value of another type."""
        return self.field(node, "value")

    def assigned(self, node: Node) -> Term:
        """Return what an assignment is as a value."""
        return self.field(node, "right")

    def function(self, node: Node) -> Term:
        """Return what a function always returns, by its word."""
        body = node.child_by_field_name("body")
        term = (
            self.term(body) if body is not None and body.type in {"boolean_literal", "null_literal"} else None
        )
        if isinstance(term, Literally):
            return self.opaque(node, f"=> {term.text or 'null'}")
        return self.opaque(node, "=>")

    def collection(self, node: Node) -> Term:
        """Return a list."""
        children = self.children(node)
        if node.type != "collection_expression":
            inner = [one for one in children if one.type == "initializer_expression"]
            children = self.children(inner[0]) if inner else []
        items = []
        for number, one in enumerate(children):
            inside = self.children(one) if one.type == "collection_element" else [one]
            items.append((str(number), self.term(inside[0]) if inside else self.opaque(one)))
        return Members(tuple(items), *self.span(node), name="list")
