"""From the text of an expression to its tree, by precedence climbing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.core.expression_error import ExpressionError
from app.core.expression_tokens import Token, tokens_of
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
)
from app.errors import Phrase

MAX_CHARACTERS = 2000
MAX_NESTING = 32
_OR, _AND, _NOT, _IN, _COMPARE, _SUM, _PRODUCT = range(1, 8)
_PRECEDENCE = {
    "or": _OR,
    "and": _AND,
    "in": _IN,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARE),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/%", _PRODUCT),
}
_CONSTANTS = {"true": True, "false": False, "null": None}


def tree_of(text: str) -> Node:
    """Read an expression.

    Raises:
        ExpressionError: it cannot be read; names the place and what was expected.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            "The expression has %(length)s characters; %(limit)s are allowed",
            expression=text[:MAX_CHARACTERS],
            fragment="",
            position=MAX_CHARACTERS,
            params={"length": len(text), "limit": MAX_CHARACTERS},
        )
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.at = 0
        self.nesting = 0

    # The words ---------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, value: str) -> bool:
        token = self.token
        return token.kind in ("operator", "word") and token.value == value

    def accept(self, value: str) -> Token | None:
        return self.take() if self.sees(value) else None

    def expect(self, value: str, opened: Token) -> Token:
        if self.sees(value):
            return self.take()
        raise self.error(
            "Expected %(expected)s to close the %(opened)s at character %(place)s",
            expected=value,
            opened=opened.value,
            place=opened.start + 1,
        )

    def error(self, template: str, token: Token | None = None, **params: Any) -> ExpressionError:
        token = token or self.token
        if token.kind == "end":
            template, params = "%(problem)s, found the end", {"problem": Phrase(template, **params)}
        return ExpressionError(
            template,
            expression=self.text,
            fragment=self.text[token.start : token.end],
            position=token.start,
            params=params,
        )

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error("Nested deeper than %(limit)s levels; simplify it", limit=MAX_NESTING)

    # The grammar -------------------------------------------------------------------

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise self.error("Expected an expression")
        node = self.choice()
        if self.token.kind != "end":
            raise self.error("Expected an operator or the end")
        return node

    def choice(self) -> Node:
        cases: list[tuple[Node, Node]] = []
        node = self.binary(_OR)
        start = node.start
        while self.accept("?"):
            self.deeper()
            value = self.choice()
            self.nesting -= 1
            if not self.accept(":"):
                raise self.error("Expected : and the value for otherwise")
            cases.append((node, value))
            node = self.binary(_OR)
        return Choice(start, node.end, tuple(cases), node) if cases else node

    def binary(self, lowest: int) -> Node:
        node = self.operand(lowest)
        while True:
            precedence = self.precedence()
            if precedence < lowest:
                return node
            rest: list[tuple[str, Node]] = []
            while self.precedence() == precedence:
                if rest and precedence in (_COMPARE, _IN):
                    raise self.error("Join two comparisons with and, or put one in parentheses")
                operator = str(self.take().value)
                rest.append((operator, self.binary(precedence + 1)))
            node = _joined(precedence, node, rest)

    def precedence(self) -> int:
        token = self.token
        if token.kind not in ("operator", "word"):
            return 0
        return _PRECEDENCE.get(token.value, 0)

    def operand(self, lowest: int) -> Node:
        if not self.sees("not"):
            return self.negative()
        first = self.token
        if lowest > _NOT:
            raise self.error("Put parentheses around what not applies to", first)
        count = 0
        while self.accept("not"):
            count += 1
            self.deeper()
        node = self.binary(_IN)
        self.nesting -= count
        for _ in range(count):
            node = Not(first.start, node.end, node)
        return node

    def negative(self) -> Node:
        minus = self.accept("-")
        if minus is None:
            return self.postfix()
        count = 1
        while self.accept("-"):
            count += 1
        node = self.postfix()
        if count == 1 and isinstance(node, Literal):
            if isinstance(node.value, Decimal):
                return Literal(minus.start, node.end, node.value.copy_negate())
            if type(node.value) is int:
                return Literal(minus.start, node.end, -node.value)
        # Two signs still need a number below, so they are not dropped altogether.
        for _ in range(2 - count % 2):
            node = Negative(minus.start, node.end, node)
        return node

    def postfix(self) -> Node:
        node = self.primary()
        steps: list[str | int | Node] = []
        start = node.start
        while True:
            if self.accept("."):
                steps.append(self.member())
            elif opened := self.accept("["):
                self.deeper()
                step = self.choice()
                self.nesting -= 1
                self.expect("]", opened)
                steps.append(_constant_step(step))
            else:
                break
        if not steps:
            return node
        return Access(start, self.tokens[self.at - 1].end, node, tuple(steps))

    def member(self) -> str:
        token = self.token
        if token.kind == "name" or (token.kind == "word" and str(token.value).isalpha()):
            word = self.text[token.start : token.end]
            if word.isidentifier():
                self.at += 1
                return word
        raise self.error("Expected a name after the dot")

    def primary(self) -> Node:
        token = self.take()
        if token.kind in ("number", "text"):
            return Literal(token.start, token.end, token.value)
        if token.kind == "word" and token.value in _CONSTANTS:
            return Literal(token.start, token.end, _CONSTANTS[token.value])
        if token.kind == "name":
            if opened := self.accept("("):
                arguments = self.sequence(")", opened)
                return Call(token.start, self.tokens[self.at - 1].end, token.value, arguments)
            return Name(token.start, token.end, token.value)
        if token.kind == "operator" and token.value == "(":
            return self.parenthesised(token)
        if token.kind == "operator" and token.value == "[":
            items = self.sequence("]", token)
            return ListOf(token.start, self.tokens[self.at - 1].end, items)
        self.at -= 1
        raise self.error("Expected a value: a name, a number, a text in quotes or a parenthesis")

    def parenthesised(self, opened: Token) -> Node:
        self.deeper()
        node = self.choice()
        self.nesting -= 1
        closing = self.expect(")", opened)
        return replace(node, start=opened.start, end=closing.end)

    def sequence(self, closing: str, opened: Token) -> tuple[Node, ...]:
        items: list[Node] = []
        self.deeper()
        while not self.sees(closing):
            items.append(self.choice())
            if not self.accept(","):
                break
        self.nesting -= 1
        self.expect(closing, opened)
        return tuple(items)


def _joined(precedence: int, first: Node, rest: list[tuple[str, Node]]) -> Node:
    operator, last = rest[-1]
    start, end = first.start, last.end
    if precedence in (_OR, _AND):
        return Logic(start, end, operator, (first, *(node for _, node in rest)))
    if precedence == _IN:
        return In(start, end, first, last)
    if precedence == _COMPARE:
        return Compare(start, end, operator, first, last)
    return Arithmetic(start, end, first, tuple(rest))


def _constant_step(node: Node) -> str | int | Node:
    if isinstance(node, Literal) and type(node.value) in (str, int):
        constant: str | int = node.value
        return constant
    return node
