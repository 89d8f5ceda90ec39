"""The values that a variable can have, one out of each range on which no condition changes.

A condition that compares a variable with literals only is constant between two literals
that follow each other. So a few values stand for all: each literal, one between any two,
one beyond either end. What holds for them holds for every value, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Context, Decimal
from math import ceil, floor
from typing import Any, Final

from app.core.expression_tree import (
    Access,
    Choice,
    Compare,
    In,
    ListOf,
    Literal,
    Logic,
    Name,
    Node,
    Not,
)
from app.core.value_kinds import kind_of
from app.core.value_text import plain_text

Path = tuple[str, ...]
_ORDERING: Final = frozenset({"<", "<=", ">", ">="})


class Other(str):
    """A text that no condition names."""

    __slots__ = ()


@dataclass(slots=True)
class Uses:
    """What a variable is compared with.

    Args:
        literals: all of them, numbers as decimals.
        kinds: of these, and what else its uses say about its kind.
        nullable: whether null is named.
    """

    literals: set[Any] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    nullable: bool = False

    def add(self, value: Any, *, ordered: bool = False) -> bool:
        """Note a literal; say whether its comparison is understood."""
        kind = kind_of(value)
        if kind == "null":
            self.nullable = True
            return not ordered
        self.kinds.add(kind)
        self.literals.add(Decimal(value) if kind == "number" else value)
        if ordered:
            return kind in ("number", "date", "datetime")
        return kind in ("number", "text", "boolean", "date", "datetime")


@dataclass(frozen=True, slots=True)
class Domain:
    """What is known of a variable: its declared type, and its only values if they are few."""

    type: str = "any"
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that stands for a range.

    Args:
        rank: how readily it is shown: 0 a literal, 1 between two, 2 beyond or not whole,
            3 null, which no condition names.
    """

    value: Any
    rank: int = 0

    def text(self) -> str:
        """Return the value as a person reads it."""
        if isinstance(self.value, Other):
            return "another text"
        if isinstance(self.value, str):
            return f"'{self.value}'"
        return "null" if self.value is None else plain_text(self.value)


def uses_in(tree: Node, found: dict[Path, Uses]) -> bool:
    """Collect what the variables of a condition are compared with.

    Returns:
        False if the condition is of another kind; nothing can be said about it then.
    """
    match tree:
        case Literal():
            return isinstance(tree.value, bool)
        case Name() | Access():
            path = path_of(tree)
            if path is None:
                return False
            found.setdefault(path, Uses()).kinds.add("boolean")
            return True
        case Not() | Logic() | Choice():
            return all(uses_in(child, found) for child in tree.children())
        case Compare():
            ordered = tree.operator in _ORDERING
            return _compared(tree.left, [tree.right], found, ordered=ordered) or _compared(
                tree.right, [tree.left], found, ordered=ordered
            )
        case In():
            return isinstance(tree.container, ListOf) and _compared(
                tree.item, tree.container.items, found
            )
    return False


def path_of(tree: Node) -> Path | None:
    """Return the names that a variable is read by, ``order.amount`` as two."""
    if isinstance(tree, Name):
        return (tree.name,)
    if isinstance(tree, Access) and isinstance(tree.base, Name):
        steps = [step for step in tree.steps if isinstance(step, str)]
        return (tree.base.name, *steps) if len(steps) == len(tree.steps) else None
    return None


def _compared(
    one: Node, others: Sequence[Node], found: dict[Path, Uses], *, ordered: bool = False
) -> bool:
    path = path_of(one)
    literals = [other.value for other in others if isinstance(other, Literal)]
    if path is None or len(literals) != len(others):
        return False
    uses = found.setdefault(path, Uses())
    return all(uses.add(value, ordered=ordered) for value in literals)


def samples(uses: Uses, domain: Domain) -> tuple[Sample, ...] | None:
    """Return one value for each range; None if the comparisons do not fit together."""
    if len(uses.kinds) > 1:
        return None
    kind = next(iter(uses.kinds), "text")
    null = Sample(None, 0 if uses.nullable else 3)
    if domain.values is not None:
        return (*(Sample(_exact(value)) for value in domain.values), null)
    if kind == "boolean":
        return Sample(True), Sample(False), null
    if kind == "text":
        named = sorted(uses.literals)
        return (*(Sample(text) for text in named), Sample(_other(named), 2), null)
    if kind == "number" and domain.type not in ("any", "number", "money", "integer"):
        return None
    scale = _INTEGERS if domain.type == "integer" else _SCALES[kind]
    return (*_along(uses.literals, scale), null)


def _exact(value: Any) -> Any:
    return Decimal(value) if kind_of(value) == "number" else value


def _other(named: Collection[str]) -> Other:
    text = "another"
    while text in named:
        text += "_"
    return Other(text)


def _along(literals: Iterable[Any], scale: _Scale) -> Iterator[Sample]:
    """Yield each literal, a value between any two, and one beyond either end."""
    ordered = sorted(literals)
    if not ordered:
        return
    yield Sample(scale.below(ordered[0]), 2)
    for place, value in enumerate(ordered):
        if scale.holds(value):
            yield Sample(value)
        if place + 1 < len(ordered):
            middle = scale.between(value, ordered[place + 1])
            if value < middle < ordered[place + 1]:
                yield Sample(middle, 1 if scale.plain(middle) else 2)
    yield Sample(scale.above(ordered[-1]), 2)


@dataclass(frozen=True, slots=True)
class _Scale:
    """How the values of an ordered kind follow each other.

    ``holds`` says whether a literal is a value at all, ``plain`` whether one is easily read.
    """

    below: Callable[[Any], Any]
    between: Callable[[Any, Any], Any]
    above: Callable[[Any], Any]
    holds: Callable[[Any], bool] = lambda _: True
    plain: Callable[[Any], bool] = lambda _: True


_EXACTLY: Final = Context(prec=300)
"""No literal has so many digits: a number is at most 38 of them, 100 places from the point."""
_DAY: Final = timedelta(days=1)


def _after(value: Decimal) -> Decimal:
    return _EXACTLY.add(Decimal(floor(value)), Decimal(1))


def _before(value: Decimal) -> Decimal:
    return _EXACTLY.subtract(Decimal(ceil(value)), Decimal(1))


def _between(low: Decimal, high: Decimal) -> Decimal:
    whole = _after(low)
    return whole if whole < high else _EXACTLY.divide(_EXACTLY.add(low, high), Decimal(2))


def _whole(value: Decimal) -> bool:
    return bool(value == floor(value))


_INTEGERS: Final = _Scale(_before, lambda low, _: _after(low), _after, holds=_whole)
_SCALES: Final = {
    "number": _Scale(_before, _between, _after, plain=_whole),
    "date": _Scale(lambda low: low - _DAY, lambda low, _: low + _DAY, lambda high: high + _DAY),
    "datetime": _Scale(
        lambda low: low - _DAY, lambda low, high: low + (high - low) / 2, lambda high: high + _DAY
    ),
}
