"""Go: variables, fields, struct literals and calls.

``gomail.NewDialer("h", 587, …)`` gives ``gomail.NewDialer.0``; ``mail.Dialer{Host: …}`` ``mail.Dialer.Host``. A
package is called by its own name, whatever the file calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from smtpdoctor.formats.code.strings import decoded
from smtpdoctor.formats.code.terms import Equal, Joined, Literally, Members, Not, Or, Term, To
from smtpdoctor.formats.code.tree import Context, Reader, helper_env
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Source

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["NEEDS", "read"]

NEEDS: Final = ("tree_sitter", "tree_sitter_go")
_LANGUAGE: Final = Language("go", frozenset(), words=("true", "false", "<nil>"))
_PACKAGE: Final = re.compile(r"(?:.*/)?([A-Za-z_]\w*)(?:\.v\d+)?(?:/v\d+)?")
_TURNED: Final[dict[str, To]] = {
    "strconv.Atoi": "integer", "strconv.ParseInt": "integer", "strconv.Itoa": "string", "int": "integer",
    "string": "string", "strings.ToLower": "lower", "strings.ToUpper": "upper", "strings.TrimSpace": "strip",
}  # fmt: skip
_HOLE: Final = re.compile(r"%[sdvq%]")
_LISTS: Final = frozenset({"slice_type", "array_type", "implicit_length_array_type"})


def read(source: Source) -> Document:
    """Read a file of Go."""
    import tree_sitter_go

    return _Reader(source, tree_sitter_go.language()).read()


class _Reader(Reader):
    language = _LANGUAGE
    syntax = "go"
    functions = frozenset({"function_declaration", "method_declaration", "func_literal"})
    wrappers = frozenset({"parenthesized_expression", "literal_element"})
    visits: ClassVar[dict[str, str]] = {
        "import_spec": "visit_import",
        "short_var_declaration": "visit_assignment",
        "assignment_statement": "visit_assignment",
        "var_spec": "visit_spec",
        "const_spec": "visit_spec",
        "call_expression": "keep_call",
        "composite_literal": "visit_composite",
        "if_statement": "branches",
        "expression_switch_statement": "visit_switch",
        "type_switch_statement": "visit_switch",
        "range_clause": "many",
    }
    makers: ClassVar[dict[str, str]] = {
        "interpreted_string_literal": "string",
        "raw_string_literal": "raw_string",
        "int_literal": "number",
        "float_literal": "number",
        "true": "true",
        "false": "false",
        "nil": "null",
        "identifier": "reference",
        "selector_expression": "reference",
        "index_expression": "reference",
        "call_expression": "called",
        "type_conversion_expression": "converted",
        "composite_literal": "composite",
        "literal_value": "composite",
        "unary_expression": "unary",
        "binary_expression": "binary",
        "func_literal": "function",
    }

    def __init__(self, source: Source, grammar: object) -> None:
        super().__init__(source, grammar)
        self._imported: dict[str, str] = {}

    # Names

    def part(self, node: Node) -> tuple[str, Node | None]:
        node = self.unwrapped(node)
        kind = node.type
        if kind in {"identifier", "type_identifier", "package_identifier"}:
            name = self.raw(node)
            return self._imported.get(name, name), None
        if kind == "selector_expression":
            return self.raw_of(node, "field"), node.child_by_field_name("operand")
        if kind == "qualified_type":
            return self.raw_of(node, "name"), node.child_by_field_name("package")
        if kind == "call_expression":
            return "()", node.child_by_field_name("function")
        if kind == "index_expression":
            index = self.field(node, "index")
            if isinstance(index, Literally) and index.text is not None:
                return index.text, node.child_by_field_name("operand")
        if kind == "unary_expression":
            operand = node.child_by_field_name("operand")
            if operand is not None and self.operator(node) in {"&", "*"}:
                return self.part(operand) if operand.type != kind else ("", None)
        return "", None

    def visit_import(self, node: Node, _: Context) -> Iterable[tuple[Node, Context]]:
        """Remember what a package is called here."""
        alias = self.raw_of(node, "name")
        path = self.literally(self.field(node, "path"))
        found = _PACKAGE.fullmatch(path or "")
        if alias not in {"", ".", "_"} and found is not None:
            self._imported[alias] = found[1]
        return ()

    # Statements

    def visit_assignment(self, node: Node, context: Context) -> None:
        """Keep what is assigned, also several at once."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = self.operator(node)
        if sign not in {"", "=", ":="}:
            for one in self.children(left):
                self.program.assign(self.name(one), self.opaque(node, sign), *context, outer=True)
            return
        self._pairs(
            self.children(left), self.children(right), context, outer=node.type == "assignment_statement"
        )

    def visit_spec(self, node: Node, context: Context) -> None:
        """Keep variables and constants."""
        value = node.child_by_field_name("value")
        if value is not None:
            self._pairs(node.children_by_field_name("name"), self.children(value), context, outer=False)

    def _pairs(self, names: list[Node], values: list[Node], context: Context, *, outer: bool) -> None:
        names = [one for one in names if one.is_named]
        for number, one in enumerate(names):
            name = self.name(one)
            # Of a call that returns several the first is what it is called for, the last an error.
            value = (
                values[number] if len(values) == len(names) else values[0] if not number and values else None
            )
            if name != "_":
                term = self.opaque(one, name) if value is None else self.term(value)
                self.program.assign(name, term, *context, outer=outer, told=value is not None)

    def visit_composite(self, node: Node, context: Context) -> None:
        """Keep a struct by its type."""
        term = self.term(node)
        if isinstance(term, Members) and term.name not in {"", "list"}:
            self.program.members(term, *context, name=term.name)

    def visit_switch(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        cases = [one for one in self.children(node) if one.type.endswith("_case")]
        return self.cases(cases, context, frozenset({"default_case"}))

    # Expressions

    def string(self, node: Node) -> Term:
        """Return a string in double quotes."""
        return self.literal("string", decoded(self.raw(node)[1:-1], "go"), node)

    def raw_string(self, node: Node) -> Term:
        """Return a string in which nothing is escaped; a carriage return is no part of it."""
        return self.literal("string", self.raw(node)[1:-1].replace("\r", ""), node)

    def _arguments(self, node: Node) -> tuple[Term, ...]:
        return tuple(self.term(one) for one in self.children(node.child_by_field_name("arguments")))

    def called(self, node: Node) -> Term:
        """Return a call, or what it turns its arguments into."""
        callee = self.name(node.child_by_field_name("function"))
        arguments = self._arguments(node)
        special = self._special(node, callee, arguments) if arguments else None
        return special or self.call(node, callee, arguments)

    def _special(self, node: Node, callee: str, arguments: tuple[Term, ...]) -> Term | None:
        first, span = arguments[0], self.span(node)
        if callee in {"os.Getenv", "os.LookupEnv"}:
            return self.env(node, arguments[:1])
        if callee in _TURNED:
            return self.convert(_TURNED[callee], first, node)
        if callee == "strconv.ParseBool":
            return self.words(first, node)
        if callee == "strings.EqualFold" and len(arguments) > 1:
            return Equal(first, arguments[1], *span, fold=True)
        if callee == "net.JoinHostPort" and len(arguments) > 1:
            return Joined((first, Literally("string", ":", *span), arguments[1]), *span)
        if callee == "cmp.Or":
            term = arguments[-1]
            for one in reversed(arguments[:-1]):
                term = Or(one, term, "null", *span)
            return term
        if callee == "fmt.Sprintf":
            return self._formatted(node, arguments)
        return helper_env(callee, arguments, *span)

    def _formatted(self, node: Node, arguments: tuple[Term, ...]) -> Term | None:
        template, span = self.literally(arguments[0]), self.span(node)
        if template is None:
            return None
        parts: list[Term] = []
        left = list(arguments[1:])
        at = 0
        for found in _HOLE.finditer(template):
            parts.append(Literally("string", template[at : found.start()], *span))
            at = found.end()
            if found[0] == "%%":
                parts.append(Literally("string", "%", *span))
            elif found[0] == "%q" or not left:
                return self.opaque(node, "fmt.Sprintf()")
            else:
                parts.append(left.pop(0))
        rest = template[at:]
        if left or "%" in rest or any("%" in (self.literally(one) or "") for one in parts[::2]):
            return self.opaque(node, "fmt.Sprintf()")
        return Joined((*parts, Literally("string", rest, *span)), *span)

    def converted(self, node: Node) -> Term:
        """Return what is turned into bytes."""
        return self.field(node, "operand")

    def composite(self, node: Node) -> Term:
        """Return a struct, a map or a list."""
        body = node.child_by_field_name("body") or node
        kind = node.child_by_field_name("type")
        items: list[tuple[str, Term]] = []
        for number, one in enumerate(self.children(body)):
            if one.type != "keyed_element":
                items.append((str(number), self.term(one)))
                continue
            key = one.child_by_field_name("key")
            inner = self.unwrapped(key) if key is not None else one
            literal = self.term(inner)
            name = literal.text if isinstance(literal, Literally) else self.name(inner)
            if name:
                items.append((name, self.field(one, "value")))
        name = ""
        if kind is not None:
            name = "list" if kind.type in _LISTS else "" if kind.type == "map_type" else self.name(kind)
        return Members(tuple(items), *self.span(node), name=name)

    def unary(self, node: Node) -> Term:
        """Return what a sign makes of a value."""
        of = node.child_by_field_name("operand")
        sign = self.operator(node)
        if of is None:
            return self.opaque(node, sign)
        if sign == "!":
            return Not(self.term(of), *self.span(node))
        if sign in {"&", "*"}:
            return self.term(of)
        return self.negative(node, of) if sign == "-" else self.opaque(node, sign)

    def function(self, node: Node) -> Term:
        """Return a function, which is not looked into."""
        return self.opaque(node, "func")
