"""A tree of tree-sitter, with offsets in characters, and the walk over it that is the same for all languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from smtpdoctor.formats.building import MOST_DEPTH
from smtpdoctor.formats.code.offsets import Offsets
from smtpdoctor.formats.code.program import Program
from smtpdoctor.formats.code.scopes import Arm, Fork, Scope
from smtpdoctor.formats.code.strings import number
from smtpdoctor.formats.code.terms import (
    And,
    Call,
    Choice,
    Convert,
    Env,
    Equal,
    Joined,
    Literally,
    Members,
    Opaque,
    Or,
    Reference,
    Term,
    To,
    Words,
)
from smtpdoctor.formats.code.values import Language
from smtpdoctor.formats.document import Document, Kind, Source, TooLargeError

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["HELPER", "Context", "Reader", "Visit", "helper_env"]

_PIECE: Final = 65_536
# How often tree-sitter asks whether to go on: some thirty times for a kilobyte. Where it has to guess what is
# meant it may ask a thousand times as often, and take minutes for what is no code at all.
_PATIENCE: Final = 5000
_BYTES_A_QUESTION: Final = 10
_MOST_NODES: Final = 500_000
_MOST_CHAIN: Final = 16
_MOST_ERRORS: Final = 3

HELPER: Final = re.compile(
    r"(?:get|read|load|lookup|must|must_?get)?_?env(?:ironment)?"
    r"(?:_?var(?:iable)?)?(?:_?(?:or|or_?default|with_?default|with_?fallback|docker))?"
    r"(?:_?(?:as_?)?(?P<type>str(?:ing)?|int(?:eger)?|number|bool(?:ean)?))?",
    re.IGNORECASE,
)
"""What people call a function of their own that reads a variable of the environment."""
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_TRUE: Final = frozenset({"true", "1", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "0", "f", "no", "n", "off", ""})


class Context(NamedTuple):
    """Where a node stands: in which scope, and under which conditions."""

    scope: Scope
    arm: Arm | None


Visit = Callable[[Any, "Node", Context], "Iterable[tuple[Node, Context]] | None"]


class Reader:
    """Reads one file. A language says what its nodes are: ``visits`` by type of statement, ``makers`` of expression."""

    language: ClassVar[Language]
    syntax: ClassVar[str]
    visits: ClassVar[dict[str, str]]
    makers: ClassVar[dict[str, str]]
    functions: ClassVar[frozenset[str]] = frozenset()
    classes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, source: Source, grammar: object) -> None:
        self.program = Program(source, self.syntax, self.language)
        self.text = source.text
        self.offsets = Offsets(source.text)
        self._grammar = grammar
        self._terms: dict[int, Term] = {}
        self._level = 0
        self._tree: object = None  # an id is a node's as long as its tree is there

    # The tree

    def read(self) -> Document:
        """Return what the file assigns and calls."""
        root = self._parsed(self.offsets.data)
        if root is not None and root.has_error and (other := self.readable(self.offsets.data)) is not None:
            again = self._parsed(other)
            root = again if again is not None and not again.has_error else self._parsed(self.offsets.data)
        if root is None:
            self.program.builder.problem("limit", 0, "syntax")
            return self.program.document()
        if root.descendant_count > _MOST_NODES:
            raise TooLargeError("nodes", _MOST_NODES, self.program.builder.place(0))
        if root.has_error:
            self._tell_errors(root)
        visits = {name: getattr(self, method) for name, method in self.visits.items()}
        stack = [(root, Context(self.program.file, None))]
        while stack:
            node, context = stack.pop()
            visit = visits.get(node.type)
            more = visit(node, context) if visit is not None else None
            if more is None:
                inner = self._inner(node, context)
                more = [(child, inner) for child in node.named_children]
            stack.extend(reversed(list(more)))
        return self.program.document()

    def readable(self, data: bytes) -> bytes | None:  # noqa: ARG002 -- of a language
        """Return the same text, as long, in a form that the grammar may know better; None where there is none."""
        return None

    def _parsed(self, data: bytes) -> Node | None:
        from tree_sitter import Language as Grammar
        from tree_sitter import Parser

        # The parser may never let go of what it calls, so that this holds no more than it has to.
        held = [data]
        left = [_PATIENCE + len(held[0]) // _BYTES_A_QUESTION]

        def enough(_offset: int, _error: bool) -> bool:  # noqa: FBT001 -- tree-sitter's
            left[0] -= 1
            return left[0] < 0

        def piece(offset: int, _: object) -> bytes:
            return held[0][offset : offset + _PIECE]

        parser = Parser(Grammar(self._grammar))
        try:
            tree = parser.parse(piece, encoding="utf8", progress_callback=enough)
        except ValueError:  # it was told to stop
            return None
        finally:
            held.clear()
        self._tree = tree
        root: Node = tree.root_node
        return root

    def _tell_errors(self, root: Node) -> None:
        told = 0
        stack = [root]
        while stack and told < _MOST_ERRORS:
            node = stack.pop()
            if node.is_error or node.is_missing:
                self.program.builder.problem("syntax", self.at(node.start_byte))
                told += 1
            elif node.has_error:
                stack.extend(reversed(node.children))

    def _inner(self, node: Node, context: Context) -> Context:
        """Return where the children of a node stand."""
        if node.type in self.functions:
            scope = Scope("function", context.scope)
            for name, term in self.parameters(node):
                self.program.assign(name, term, scope, None, told=False)
            return Context(scope, context.arm)
        if node.type in self.classes:
            return Context(Scope("class", context.scope, self.raw_of(node, "name")), context.arm)
        return context

    def parameters(self, node: Node) -> Iterator[tuple[str, Term]]:
        """Yield what a function is given: names whose values are not known."""
        given = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        if given is None:
            return
        if given.type in self.names:
            yield self.raw(given).lstrip("$"), self.opaque(given)
        for name in self._names_in(given):
            yield name, self.opaque(given)

    names: ClassVar[frozenset[str]] = frozenset({"identifier"})
    wrappers: ClassVar[frozenset[str]] = frozenset({"parenthesized_expression", "await_expression"})

    def _names_in(self, node: Node) -> Iterator[str]:
        stack = list(node.named_children)
        for _ in range(200):
            if not stack:
                return
            one = stack.pop()
            if one.type in self.names:
                yield self.raw(one).lstrip("$")
            else:
                stack.extend(one.named_children)

    # Offsets

    def at(self, offset: int) -> int:
        """Return the place of a byte in characters."""
        return self.offsets.at(offset)

    def raw(self, node: Node) -> str:
        """Return the text of a node."""
        return self.offsets.text(node.start_byte, node.end_byte)

    def span(self, node: Node) -> tuple[int, int]:
        """Return where a node begins and ends."""
        return self.at(node.start_byte), self.at(node.end_byte)

    # Expressions

    def term(self, node: Node | None) -> Term:
        """Return what an expression is."""
        if node is None:
            return Opaque("", 0, 0)
        node = self.unwrapped(node)
        found = self._terms.get(node.id)
        if found is not None:
            return found
        maker = self.makers.get(node.type)
        if maker is None or self._level >= MOST_DEPTH // 2:
            return self.opaque(node)
        self._level += 1
        try:
            made: Term = getattr(self, maker)(node)
        finally:
            self._level -= 1
        self._terms[node.id] = made
        return made

    def opaque(self, node: Node, source: str = "") -> Opaque:
        """Return what stands for an expression that is not looked into."""
        return Opaque(source, *self.span(node))

    def children(self, node: Node | None) -> list[Node]:
        """Return what stands in a node, without comments."""
        return [] if node is None else [one for one in node.named_children if "comment" not in one.type]

    def inside(self, node: Node) -> Term:
        """Return the first thing within brackets and the like."""
        children = self.children(node)
        return self.term(children[0]) if children else self.opaque(node)

    def unwrapped(self, node: Node) -> Node:
        """Return what stands within brackets and other things that change nothing."""
        for _ in range(MOST_DEPTH):
            if node.type not in self.wrappers:
                break
            children = self.children(node)
            if not children:
                break
            node = children[0]
        return node

    def literal(self, kind: Kind, text: str | None, node: Node) -> Literally:
        """Return a value as it stands at a node."""
        return Literally(kind, text, *self.span(node))

    def number(self, node: Node) -> Term:
        """Return a number."""
        text = number(self.raw(node))
        return self.opaque(node) if text is None else self.literal("number", text, node)

    def true(self, node: Node) -> Term:
        """Return true."""
        return self.literal("boolean", "true", node)

    def false(self, node: Node) -> Term:
        """Return false."""
        return self.literal("boolean", "false", node)

    def boolean(self, node: Node) -> Term:
        """Return true or false, as it is written."""
        return self.literal("boolean", self.raw(node).lower(), node)

    def null(self, node: Node) -> Term:
        """Return nothing."""
        return self.literal("null", None, node)

    def negative(self, node: Node, of: Node) -> Term:
        """Return a number with a sign before it."""
        term = self.term(of)
        if isinstance(term, Literally) and term.kind == "number" and term.text is not None:
            return self.literal("number", f"-{term.text}", node)
        return self.opaque(node, "-")

    def reference(self, node: Node) -> Term:
        """Return a name, with what is looked up in it."""
        return Reference(self.name(node), *self.span(node))

    def name(self, node: Node | None) -> str:
        """Return the dotted name of an expression; it begins with a point where what it begins with has none."""
        parts: list[str] = []
        for _ in range(_MOST_CHAIN):
            if node is None:
                break
            part, node = self.part(node)
            parts.append(part)
        else:
            parts.append("")
        name = parts.pop() if parts else ""
        for part in reversed(parts):
            name += part if part == "()" else f".{part}"
        return name

    def part(self, node: Node) -> tuple[str, Node | None]:
        """Return the last part of a name, and what it is looked up in."""
        raise NotImplementedError

    def sum(self, node: Node, left: str, right: str, sign: str, *, adds: bool) -> Term:
        """Return parts joined by a sign, of which there may be many in a row."""
        parts: list[Term] = []
        one: Node = node
        while one.type == node.type and self.operator(one) == sign:
            parts.append(self.term(one.child_by_field_name(right)))
            following = one.child_by_field_name(left)
            if following is None:
                break
            one = following
        parts.append(self.term(one))
        return Joined(tuple(reversed(parts)), *self.span(node), adds=adds)

    def binary(self, node: Node) -> Term:
        """Return a comparison, or a text made of several."""
        sign = self.operator(node)
        if sign == "+":
            return self.sum(node, "left", "right", sign, adds=True)
        left, right, span = self.field(node, "left"), self.field(node, "right"), self.span(node)
        if sign in {"==", "!="}:
            return Equal(left, right, *span, negated=sign == "!=")
        if sign == "||":
            return self.convert("truth", Or(left, right, "falsy", *span), node)
        if sign == "&&":
            return self.convert("truth", And(left, right, *span), node)
        return self.opaque(node, sign)

    def operator(self, node: Node) -> str:
        """Return the sign of an operation."""
        sign = node.child_by_field_name("operator")
        return self.raw(sign) if sign is not None else ""

    def literally(self, term: Term) -> str | None:
        """Return the text of a literal, None for anything else."""
        return term.text if isinstance(term, Literally) and term.kind in {"string", "word"} else None

    def convert(self, to: To, of: Term, node: Node) -> Term:
        """Return a value turned into another type."""
        return Convert(to, of, *self.span(node))

    def words(self, of: Term, node: Node, other: bool | None = None) -> Term:  # noqa: FBT001
        """Return a boolean by the usual words."""
        return Words(of, _TRUE, _FALSE, *self.span(node), other=other)

    def env(self, node: Node, arguments: tuple[Term, ...]) -> Term | None:
        """Return a variable of the environment by its name and a default, None where the name is not known."""
        name = self.literally(arguments[0]) if arguments else None
        if name is None:
            return None
        return Env(name, *self.span(node), fallback=arguments[1] if len(arguments) > 1 else None)

    def call(
        self,
        node: Node,
        callee: str,
        arguments: tuple[Term, ...],
        named: tuple[tuple[str, Term], ...] = (),
        value: Term | None = None,
    ) -> Call:
        """Return a call."""
        return Call(callee, arguments, named, *self.span(node), value=value)

    def ternary(self, node: Node) -> Term:
        """Return one of two, as most grammars name their parts."""
        test, then, otherwise = (self.field(node, one) for one in ("condition", "consequence", "alternative"))
        return Choice(test, then, otherwise, *self.span(node))

    def array(self, node: Node) -> Term:
        """Return a list."""
        items = tuple((str(number), self.term(one)) for number, one in enumerate(self.children(node)))
        return Members(items, *self.span(node), name="list")

    def field(self, node: Node, name: str) -> Term:
        """Return what stands in a field."""
        return self.term(node.child_by_field_name(name))

    def raw_of(self, node: Node, field: str) -> str:
        """Return the text of a field."""
        found = node.child_by_field_name(field)
        return "" if found is None else self.raw(found)

    def pieces(self, start: int, end: int, holes: Iterable[Node]) -> list[Node | Literally]:
        """Return what stands between places of a text, and the nodes at them; what stands between is not decoded."""
        found: list[Node | Literally] = []
        for hole in holes:
            if hole.start_byte > start:
                found.append(self._piece(start, hole.start_byte))
            found.append(hole)
            start = hole.end_byte
        if end > start:
            found.append(self._piece(start, end))
        return found

    def _piece(self, start: int, end: int) -> Literally:
        return Literally("string", self.offsets.text(start, end), self.at(start), self.at(end))

    def text_of(self, node: Node, quote: int, holes: list[Node], decode: Callable[[str], str]) -> Term:
        """Return a string whose quotation marks are so long, with what is put into it."""
        parts: list[Term] = []
        for one in self.pieces(node.start_byte + quote, node.end_byte - quote, holes):
            if isinstance(one, Literally):
                parts.append(Literally("string", decode(one.text or ""), one.start, one.end))
            else:
                parts.append(self.hole(one))
        if holes:
            return Joined(tuple(parts), *self.span(node))
        text = parts[0].text if parts and isinstance(parts[0], Literally) else ""
        return self.literal("string", text, node)

    def hole(self, node: Node) -> Term:
        """Return what is put into a text."""
        return self.inside(node)

    def many(self, node: Node, context: Context) -> None:
        """Keep that the variables of a loop have many values."""
        left = node.child_by_field_name("left")
        if left is not None:
            for name in [self.raw(left)] if left.type in self.names else self._names_in(left):
                self.program.assign(name.lstrip("$"), self.opaque(left, name), *context, told=False)

    def keep_call(self, node: Node, context: Context) -> None:
        """Keep a call, unless it is of what only turns a value into another."""
        term = self.term(node)
        if isinstance(term, Call):
            self.program.call(term, *context)

    # Conditions

    def branches(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Take the arms of a condition apart, whose alternative may be one more."""
        arms: list[tuple[Term | None, Iterable[Node]]] = []
        one: Node | None = node
        while one is not None and one.type == node.type:
            body = one.child_by_field_name("consequence")
            test = one.child_by_field_name("condition")
            before = one.child_by_field_name("initializer")
            arms.append((self.term(test), [each for each in (before, test, body) if each is not None]))
            one = one.child_by_field_name("alternative")
            if one is not None and one.type == "else_clause":
                children = self.children(one)
                one = children[0] if children else None
        if one is not None:
            arms.append((None, [one]))
        return self.forked(arms, context, whole=one is not None)

    def cases(
        self, nodes: list[Node], context: Context, default: frozenset[str]
    ) -> list[tuple[Node, Context]]:
        """Take the cases of a switch apart."""
        whole = bool(nodes) and nodes[-1].type in default
        return self.forked([(None, [one]) for one in nodes], context, whole=whole)

    def perhaps(self, node: Node, context: Context) -> list[tuple[Node, Context]]:
        """Put what is done after a failure under a condition."""
        return self.forked([(None, self.children(node))], context, whole=False)

    def forked(
        self, arms: list[tuple[Term | None, Iterable[Node]]], context: Context, *, whole: bool
    ) -> list[tuple[Node, Context]]:
        """Return the nodes of each arm of a fork, each under its condition; the last has none where ``whole``."""
        tests = [test for test, _ in (arms[:-1] if whole else arms)]
        fork = Fork(tests, context.scope, whole=whole)
        found: list[tuple[Node, Context]] = []
        for index, (_, nodes) in enumerate(arms):
            inner = Context(context.scope, Arm(fork, index, context.arm))
            found.extend((node, inner) for node in nodes)
        return found


def helper_env(callee: str, arguments: tuple[Term, ...], start: int, end: int) -> Term | None:
    """Return the variable that a function called ``getEnv`` or the like reads, None for any other function."""
    found = HELPER.fullmatch(callee.rpartition(".")[2])
    first = arguments[0] if arguments else None
    if found is None or not isinstance(first, Literally) or first.text is None:
        return None
    if not _VARIABLE.fullmatch(first.text):
        return None
    env = Env(first.text, start, end, fallback=arguments[1] if len(arguments) > 1 else None)
    kind = (found["type"] or "").lower()
    if kind.startswith(("int", "number")):
        return Convert("integer", env, start, end)
    if kind.startswith("bool"):
        return Words(env, _TRUE, _FALSE, start, end)
    return env
