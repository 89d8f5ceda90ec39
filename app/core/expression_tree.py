"""What an expression says: an immutable tree, each node with its place in the text.

Long chains (``a + b + c``, ``x.y.z``) are one node, so that the depth of a tree is
bounded by the brackets in the text, and walking it never exhausts the stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Base; ``start`` and ``end`` are offsets in the text, ``end`` exclusive."""

    start: int
    end: int

    def children(self) -> tuple[Node, ...]:
        """Return the nodes directly below, in the order of the text."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, text, boolean or null written out."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """``[a, b]``."""

    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Access(Node):
    """``base.name['name'][0][index]``: each step a constant or a node."""

    base: Node
    steps: tuple[str | int | Node, ...]

    def children(self) -> tuple[Node, ...]:
        return (self.base, *(step for step in self.steps if isinstance(step, Node)))


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """``-a``."""

    operand: Node

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``not a``."""

    operand: Node

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``first op a op b …`` with operators of the same precedence, from the left."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    def children(self) -> tuple[Node, ...]:
        return (self.first, *(node for _, node in self.rest))


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """``left op right`` with one of ``== != < <= > >=``."""

    operator: str
    left: Node
    right: Node

    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class In(Node):
    """``item in container``."""

    item: Node
    container: Node

    def children(self) -> tuple[Node, ...]:
        return (self.item, self.container)


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """``a and b and …`` or ``a or b or …``; ``operator`` is ``and`` or ``or``."""

    operator: str
    operands: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``condition ? value : condition ? value : … : otherwise``."""

    cases: tuple[tuple[Node, Node], ...]
    otherwise: Node

    def children(self) -> tuple[Node, ...]:
        return (*(node for case in self.cases for node in case), self.otherwise)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``function(arguments)``."""

    function: str
    arguments: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.arguments


def walk(node: Node) -> Iterator[Node]:
    """Give the node and all below it, in no particular order."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children())
