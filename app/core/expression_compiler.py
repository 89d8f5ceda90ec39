"""From the tree of an expression to nested closures: checked once, run often.

Operands that are numbers of the plain types are compared and added in place; everything
else goes through ``expression_operators``, which knows all kinds and refuses the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from app.core import expression_operators as operators
from app.core.expression_error import ExpressionError, Refusal
from app.core.expression_functions import FUNCTIONS
from app.core.expression_run import Run
from app.core.expression_tree import (
    Access,
    Arithmetic,
    Call,
    Choice,
    Compare,
    In,
    ListOf,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    walk,
)
from app.core.pattern import PatternError, compile_pattern

Code = Callable[[Run], Any]
_NUMBERS = frozenset({int, Decimal})
_METHODS: dict[type[Node], str] = {
    Literal: "literal",
    Name: "name",
    ListOf: "list_of",
    Access: "access",
    Negative: "negative",
    Not: "not_",
    Arithmetic: "arithmetic",
    Compare: "compare",
    In: "in_",
    Logic: "logic",
    Choice: "choice",
    Call: "call",
}
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def code_of(tree: Node, text: str) -> Code:
    """Compile a tree.

    Raises:
        ExpressionError: an unknown function, a wrong number of arguments, or a pattern
            that cannot be used.
    """
    compiler = _Compiler(text)
    for node in reversed(list(walk(tree))):
        compiler.add(node)
    return compiler.codes[id(tree)]


class _Compiler:
    """Compiles node by node, children first; ``codes`` is by identity of the node."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.codes: dict[int, Code] = {}

    def add(self, node: Node) -> None:
        method: Callable[[Any], Code] = getattr(self, _METHODS[type(node)])
        self.codes[id(node)] = method(node)

    def error(
        self, start: int, end: int, refusal: Refusal, *operands: tuple[Node, Any]
    ) -> ExpressionError:
        return ExpressionError(
            refusal.template,
            expression=self.text,
            fragment=self.text[start:end],
            position=start,
            values=tuple(
                (self.text[node.start : node.end], value)
                for node, value in operands
                if not isinstance(node, Literal)
            ),
            params=refusal.params,
        )

    def condition(self, node: Node) -> Callable[[Run], bool]:
        """Code that gives true or false, and refuses everything else."""
        code = self.codes[id(node)]
        if isinstance(node, Compare | In | Logic | Not):
            return code

        def condition(run: Run) -> bool:
            value = code(run)
            if value is True or value is False:
                return bool(value)
            try:
                return operators.boolean(value)
            except Refusal as refusal:
                raise self.error(node.start, node.end, refusal, (node, value)) from None

        return condition

    # One method for each node; see _METHODS ----------------------------------------

    def literal(self, node: Literal) -> Code:
        value = node.value
        return lambda run: value

    def name(self, node: Name) -> Code:
        name = node.name
        return lambda run: run.scope.get(name)

    def list_of(self, node: ListOf) -> Code:
        codes = [self.codes[id(item)] for item in node.items]

        def make(run: Run) -> list[Any]:
            values = []
            for code in codes:
                values.append(code(run))
            return values

        return make

    def access(self, node: Access) -> Code:
        base = self.codes[id(node.base)]
        steps = [
            (step, None) if not isinstance(step, Node) else (None, self.codes[id(step)])
            for step in node.steps
        ]

        def access(run: Run) -> Any:
            value = root = base(run)
            for constant, code in steps:
                index = constant if code is None else code(run)
                if type(value) is dict and type(index) is str:
                    value = value.get(index)
                    continue
                try:
                    value = operators.element(value, index)
                except Refusal as refusal:
                    found = (node.base, root)
                    raise self.error(node.start, node.end, refusal, found) from None
            return value

        return access

    def negative(self, node: Negative) -> Code:
        operand = self.codes[id(node.operand)]

        def negative(run: Run) -> Any:
            value = operand(run)
            try:
                return operators.negative(value)
            except Refusal as refusal:
                found = (node.operand, value)
                raise self.error(node.start, node.end, refusal, found) from None

        return negative

    def not_(self, node: Not) -> Code:
        operand = self.condition(node.operand)
        return lambda run: not operand(run)

    def arithmetic(self, node: Arithmetic) -> Code:
        first = self.codes[id(node.first)]
        rest = [
            (operators.ARITHMETIC[operator], self.codes[id(operand)], operand)
            for operator, operand in node.rest
        ]

        def arithmetic(run: Run) -> Any:
            value = first(run)
            so_far = node.first
            for operate, code, operand in rest:
                right = code(run)
                try:
                    value = operate(value, right)
                except Refusal as refusal:
                    raise self.error(
                        node.start, operand.end, refusal, (so_far, value), (operand, right)
                    ) from None
                so_far = Node(node.start, operand.end)
            return value

        return arithmetic

    def compare(self, node: Compare) -> Code:
        left, right = self.codes[id(node.left)], self.codes[id(node.right)]
        if node.operator in ("==", "!="):
            return self.equality(node, left, right)
        holds = _ORDERINGS[node.operator]

        def compare(run: Run) -> bool:
            one, two = left(run), right(run)
            if type(one) not in _NUMBERS or type(two) not in _NUMBERS:
                try:
                    operators.comparable(one, two)
                except Refusal as refusal:
                    raise self.error(
                        node.start, node.end, refusal, (node.left, one), (node.right, two)
                    ) from None
            return holds(one, two)

        return compare

    def equality(self, node: Compare, left: Code, right: Code) -> Code:
        wanted = node.operator == "=="

        def equality(run: Run) -> bool:
            one, two = left(run), right(run)
            try:
                return operators.same(one, two, run) is wanted
            except Refusal as refusal:
                raise self.error(
                    node.start, node.end, refusal, (node.left, one), (node.right, two)
                ) from None

        return equality

    def in_(self, node: In) -> Code:
        item, container = self.codes[id(node.item)], self.codes[id(node.container)]

        def in_(run: Run) -> bool:
            one, two = item(run), container(run)
            try:
                return operators.within(one, two, run)
            except Refusal as refusal:
                raise self.error(
                    node.start, node.end, refusal, (node.item, one), (node.container, two)
                ) from None

        return in_

    def logic(self, node: Logic) -> Code:
        conditions = [self.condition(operand) for operand in node.operands]
        decisive = node.operator == "or"

        def logic(run: Run) -> bool:
            for condition in conditions:
                if condition(run) is decisive:
                    return decisive
            return not decisive

        return logic

    def choice(self, node: Choice) -> Code:
        cases = [(self.condition(when), self.codes[id(then)]) for when, then in node.cases]
        otherwise = self.codes[id(node.otherwise)]

        def choice(run: Run) -> Any:
            for when, then in cases:
                if when(run):
                    return then(run)
            return otherwise(run)

        return choice

    def call(self, node: Call) -> Code:
        self.check_call(node)
        codes = [self.codes[id(argument)] for argument in node.arguments]
        if node.function == "default":
            return partial(_default, codes)
        function = FUNCTIONS[node.function].call

        def call(run: Run) -> Any:
            values = []
            for code in codes:
                values.append(code(run))
            try:
                return function(run, *values)
            except Refusal as refusal:
                found = zip(node.arguments, values, strict=True)
                raise self.error(node.start, node.end, refusal, *found) from None

        return call

    def check_call(self, node: Call) -> None:
        refusal = _arity_problem(node.function, len(node.arguments))
        if refusal is None and node.function == "matches":
            refusal = _pattern_problem(node.arguments[1])
        if refusal is not None:
            raise self.error(node.start, node.end, refusal)


def _default(codes: list[Code], run: Run) -> Any:
    value = None
    for code in codes:
        value = code(run)
        if value is not None:
            break
    return value


def _arity_problem(name: str, count: int) -> Refusal | None:
    if name == "default":
        least, most = 2, None
    elif name in FUNCTIONS:
        least, most = FUNCTIONS[name].least, FUNCTIONS[name].most
    else:
        near = get_close_matches(name, [*FUNCTIONS, "default"], 1)
        if near:
            return Refusal(
                "There is no function %(name)s; did you mean %(near)s?", name=name, near=near[0]
            )
        return Refusal("There is no function %(name)s", name=name)
    if least <= count and (most is None or count <= most):
        return None
    if most is None:
        return Refusal("%(name)s needs at least %(least)s argument(s)", name=name, least=least)
    if least == most:
        return Refusal("%(name)s needs %(least)s argument(s)", name=name, least=least)
    return Refusal(
        "%(name)s needs %(least)s to %(most)s arguments", name=name, least=least, most=most
    )


def _pattern_problem(node: Node) -> Refusal | None:
    """A pattern that is written out is checked once, here."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        try:
            compile_pattern(node.value)
        except PatternError as error:
            return Refusal("%(problem)s", problem=error.text())
    return None
