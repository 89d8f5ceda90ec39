"""The cells of a decision table: a value, a comparison, a range, a list of these, or ``-``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.core.values import kind_of, read_date, read_datetime
from app.errors import Phrase

_NUMBER: Final = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_MOMENT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?"
_BOUND: Final = rf"({_MOMENT}|{_NUMBER})"
_COMPARED: Final = re.compile(rf"(<=|>=|<|>)\s*{_BOUND}")
_RANGE: Final = re.compile(rf"{_BOUND}\s*\.\.\s*{_BOUND}")
_QUOTED: Final = re.compile(r"'([^']*)'")
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
Ordered = Decimal | date | datetime


class CellError(Exception):
    """A cell that says nothing, or a value that cannot be compared with it.

    Args:
        message: what is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Anything:
    """``-``: whatever the value."""

    def matches(self, value: Any) -> bool:
        """Say yes."""
        return True


@dataclass(frozen=True, slots=True)
class Equal:
    """The very value; 1 and true are different."""

    value: Any

    def matches(self, value: Any) -> bool:
        """Say whether it is the same."""
        kinds = kind_of(value), kind_of(self.value)
        return kinds[0] == kinds[1] and bool(value == self.value)


@dataclass(frozen=True, slots=True)
class Between:
    """From ``low`` to ``high``; None is open. ``closed``: whether the bounds belong to it."""

    low: Ordered | None = None
    high: Ordered | None = None
    low_closed: bool = True
    high_closed: bool = True

    def matches(self, value: Any) -> bool:
        """Say whether it lies between; null never does.

        Raises:
            CellError: the value has no order with the bounds.
        """
        if value is None:
            return False
        bound = self.low if self.low is not None else self.high
        given = _like(value, bound)
        if self.low is not None and not _COMPARE[">=" if self.low_closed else ">"](given, self.low):
            return False
        return self.high is None or _COMPARE["<=" if self.high_closed else "<"](given, self.high)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several cells."""

    cells: tuple[Cell, ...]

    def matches(self, value: Any) -> bool:
        """Say whether one matches."""
        return any(cell.matches(value) for cell in self.cells)


Cell = Anything | Equal | Between | AnyOf


def parse_cell(given: Any) -> Cell:
    """Read a cell.

    ``-`` matches anything; ``> 1000`` and ``1000..5000`` (both ends included) compare
    numbers and ISO dates; ``'…'`` is that very text; a list matches any of its cells.

    Raises:
        CellError: it says nothing.
    """
    if isinstance(given, list):
        if not given:
            raise CellError("An empty list matches nothing.")
        return AnyOf(tuple(parse_cell(each) for each in given))
    if not isinstance(given, str):
        if isinstance(given, dict):
            raise CellError("A cell is a value, a range, a list or -.")
        return Equal(Decimal(given) if kind_of(given) == "number" else given)
    text = given.strip()
    if text == "-":
        return Anything()
    if match := _QUOTED.fullmatch(text):
        return Equal(match[1])
    if match := _COMPARED.fullmatch(text):
        return _compared(match[1], _bound(match[2]))
    if match := _RANGE.fullmatch(text):
        low, high = _bound(match[1]), _bound(match[2])
        if type(low) is not type(high) or low > high:  # type: ignore[operator]  # same type by the test before
            raise CellError(Phrase("“%(text)s” is not a range from low to high.", text=text))
        return Between(low, high)
    if text[:1] in ("<", ">") or ".." in text:
        raise CellError(
            Phrase(
                "“%(text)s” cannot be read: write > 1000, 1000..5000 or '…' for a text.", text=text
            )
        )
    return Equal(given)


def _compared(operator: str, bound: Ordered) -> Between:
    closed = operator.endswith("=")
    if operator.startswith(">"):
        return Between(low=bound, low_closed=closed)
    return Between(high=bound, high_closed=closed)


def _bound(text: str) -> Ordered:
    moment = read_datetime(text) if "T" in text else read_date(text)
    if moment is not None:
        return moment
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CellError(Phrase("“%(text)s” is neither a number nor a date.", text=text)) from None


def _like(value: Any, bound: Ordered | None) -> Any:
    """Return the value in the bound's type."""
    kind = kind_of(value)
    if isinstance(bound, Decimal) and kind == "number":
        return Decimal(value)
    if isinstance(bound, date) and kind in ("text", "date", "datetime"):
        wants_moment = isinstance(bound, datetime)
        read: Any = value
        if isinstance(value, str):
            read = read_datetime(value) if wants_moment else read_date(value)
        if read is not None and isinstance(read, datetime) == wants_moment:
            return read
    raise CellError(
        Phrase(
            "A value of the kind %(kind)s cannot be compared with %(bound)s.",
            kind=kind,
            bound=str(bound),
        )
    )
