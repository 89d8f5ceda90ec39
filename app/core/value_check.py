"""Whether a value can be carried and stored without loss, and if not, what in it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.core.value_kinds import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EXPONENT,
    kind_of,
    number_in_range,
)
from app.core.value_text import iso_text, number_text, quoted
from app.errors import Phrase

_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_OF_CHARACTER = 4
"""Bytes of one printable character in UTF-8, or behind a backslash."""
_MOST_OF_NUMBER = 2 * MAX_EXPONENT + 10
"""Bytes of the longest number in range in plain digits, and more."""


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """Why a value cannot be carried.

    Args:
        code: stable word (``not_a_number``, ``number_out_of_range``, ``too_deep``,
            ``too_large``, ``bad_text``, ``unsupported``, ``wrong_type``).
        message: English template with ``%(name)s`` parameters.
        pointer: RFC 6901 pointer to the offender; empty for the value itself.
        params: what fills the template.
    """

    code: str
    message: str
    pointer: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> Phrase:
        """Return the message in English, filled in."""
        return Phrase(self.message, **self.params or {})


def check_json(
    value: Any,
    *,
    max_depth: int = MAX_DEPTH,
    max_bytes: int = MAX_BYTES,
    dates: bool = False,
) -> ValueProblem | None:
    """Check that ``value`` can be carried and stored without loss.

    Args:
        value: anything; what is not of the value model is refused. Dates are, too:
            they are stored as text (see ``storable``).
        max_depth: lists and objects inside one another.
        max_bytes: size as compact JSON in UTF-8.
        dates: whether dates and datetimes may be in it, as inside an expression.

    Returns:
        The first problem with the path of the offender, or None.
    """
    if _left(value, max_depth, max_bytes) >= 0:
        return None
    checker = _Checker(max_depth, max_bytes, dates)
    return checker.visit(value, 0)


def _left(value: Any, depth: int, left: int) -> int:
    """Return how many bytes are left at least; negative where only a true look can tell.

    Nearly every value is small and plain, and needs nothing but this.

    Args:
        depth: how many lists and objects may still lie inside one another.
        left: bytes.
    """
    kind = type(value)
    if kind is str:  # printable: there is no NUL and no lone surrogate in it
        return left - _MOST_OF_CHARACTER * len(value) - 2 if value.isprintable() else -1
    if kind is bool or value is None:
        return left - 5
    if kind is int or kind is Decimal:
        return left - _MOST_OF_NUMBER if number_in_range(value) else -1
    if kind is dict and depth:
        for name, item in value.items():
            if type(name) is not str or not name.isprintable():
                return -1
            left = _left(item, depth - 1, left - _MOST_OF_CHARACTER * len(name) - 4)
            if left < 0:
                return -1
        return left - 2
    if kind is list and depth:
        for item in value:
            left = _left(item, depth - 1, left - 1)
            if left < 0:
                return -1
        return left - 2
    return -1


class _Checker:
    """One walk over a value: where it is, and how many bytes are left."""

    __slots__ = ("dates", "left", "max_bytes", "max_depth", "path")

    def __init__(self, max_depth: int, max_bytes: int, dates: bool) -> None:
        self.dates = dates
        self.max_depth = max_depth
        self.max_bytes = max_bytes
        self.left = max_bytes
        self.path: list[str | int] = []

    def visit(self, value: Any, depth: int) -> ValueProblem | None:
        kind = kind_of(value)
        if kind == "text":
            return self.text(value)
        if kind == "number":
            return self.number(value)
        if kind in ("null", "boolean"):
            return self.spend(5 if value is False else 4)
        if kind == "list":
            return self.items(enumerate(value), 2 + len(value) - bool(value), depth, named=False)
        if kind == "object":
            return self.items(value.items(), 2 + 2 * len(value) - bool(value), depth, named=True)
        if self.dates and kind in ("date", "datetime"):
            return self.text(iso_text(value))
        return self.unsupported(value)

    def items(
        self, items: Any, punctuation: int, depth: int, *, named: bool
    ) -> ValueProblem | None:
        if depth >= self.max_depth:
            return self.problem(
                "too_deep", "Nested deeper than %(limit)s levels.", limit=self.max_depth
            )
        problem = self.spend(punctuation)
        if problem:
            return problem
        for key, item in items:
            if named:
                problem = self.name(key)
                if problem:
                    return problem
            self.path.append(key)
            problem = self.visit(item, depth + 1)
            if problem:
                return problem
            self.path.pop()
        return None

    def name(self, name: Any) -> ValueProblem | None:
        # The pointer stays at the object: a bad name cannot be shown or stored either.
        if not isinstance(name, str):
            return self.problem("unsupported", "The names in an object must be text.")
        return self.text(name)

    def text(self, value: str) -> ValueProblem | None:
        if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
            return self.spend(len(value) + 2)  # nearly every text; it is its own JSON
        if "\0" in value:
            return self.problem("bad_text", "Contains a NUL character; remove it.")
        if len(value) > self.left:
            return self.spend(len(value))
        if not value.isascii() and _SURROGATE.search(value):
            return self.problem(
                "bad_text", "Contains half of a character (a lone surrogate); remove it."
            )
        return self.spend(len(quoted(value).encode()))

    def number(self, value: Any) -> ValueProblem | None:
        if isinstance(value, Decimal) and not value.is_finite():
            return self.problem("not_a_number", "Not a number: NaN or infinity.")
        if not number_in_range(value):
            return self.problem(
                "number_out_of_range",
                "Number out of range: at most %(digits)s significant digits and %(places)s"
                " digits on either side of the point.",
                digits=MAX_DIGITS,
                places=MAX_EXPONENT,
            )
        return self.spend(len(number_text(value)))

    def unsupported(self, value: Any) -> ValueProblem | None:
        if isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                return self.problem("not_a_number", "Not a number: NaN or infinity.")
            return self.problem(
                "unsupported", "A binary float is not exact; give a Decimal, or its text."
            )
        return self.problem(
            "unsupported", "A value of type %(type)s cannot be stored.", type=type(value).__name__
        )

    def spend(self, size: int) -> ValueProblem | None:
        self.left -= size
        if self.left >= 0:
            return None
        return self.problem("too_large", "Larger than %(limit)s bytes.", limit=self.max_bytes)

    def problem(self, code: str, message: str, **params: Any) -> ValueProblem:
        return ValueProblem(code, message, pointer_of(self.path), params)


def pointer_of(path: list[str | int]) -> str:
    """Return the RFC 6901 pointer for a list of names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
