"""What kinds of values there are, and which numbers are carried exactly."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

MAX_DEPTH = 32
"""Lists and objects inside one another."""
MAX_BYTES = 262_144
"""Bytes of one value as compact JSON in UTF-8."""
MAX_DIGITS = 38
"""Significant digits of a number."""
MAX_EXPONENT = 100
"""Decimal places to either side of the point."""

_EXACT_INT: int = 10**MAX_DIGITS
_HUGE_INT: int = 10 ** (MAX_EXPONENT + 1)
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")

Kind = str
"""One of null, boolean, number, text, list, object, date, datetime, unsupported."""

_KINDS: dict[type, Kind] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    list: "list",
    dict: "object",
    date: "date",
    datetime: "datetime",
}
_SUBCLASSES: tuple[tuple[type, Kind], ...] = (
    (datetime, "datetime"),
    (date, "date"),
    (str, "text"),
    (int, "number"),
    (Decimal, "number"),
    (list, "list"),
    (dict, "object"),
)


def kind_of(value: Any) -> Kind:
    """Return the word for what ``value`` is; see ``Kind``."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    for base, word in _SUBCLASSES:
        if isinstance(value, base):
            return word
    return "unsupported"


def number_in_range(number: int | Decimal) -> bool:
    """Tell whether a number is carried exactly.

    That is: finite, at most 38 significant digits, and neither more than 101 digits
    before nor more than 100 after the point. PostgreSQL's numeric holds all of these, and
    no operation on them can grow without bound as ``1e999999999 + 1`` would.
    """
    if isinstance(number, int):
        if -_EXACT_INT < number < _EXACT_INT:
            return True
        return abs(number) < _HUGE_INT and len(str(abs(number)).rstrip("0")) <= MAX_DIGITS
    if not number.is_finite():
        return False
    text = str(number)
    if len(text) <= MAX_DIGITS and "E" not in text:
        return True  # nearly every number, and much cheaper than to take it apart
    if number.adjusted() > MAX_EXPONENT:
        return False
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent < -MAX_EXPONENT:
        return False
    if len(digits) <= MAX_DIGITS:
        return True
    return len("".join(map(str, digits)).rstrip("0")) <= MAX_DIGITS


def read_number(text: str) -> int | Decimal | None:
    """Read a decimal number as JSON writes it, leading zeros allowed.

    Returns:
        An int if it is written without point and exponent, else a Decimal; None if it is
        not a number or out of range (see ``number_in_range``).
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    significant = (whole + (fraction or "")).strip("0")
    if len(significant) > MAX_DIGITS or len(whole) + len(fraction or "") > 4 * MAX_EXPONENT:
        return None
    if fraction is None and exponent is None:
        number: int | Decimal = int(sign + whole)
    elif exponent is not None and len(exponent.lstrip("+-0")) > 4:
        return None
    else:
        number = Decimal(text)
        if not number:
            number = number.copy_abs()
    return number if number_in_range(number) else None


def same(one: Any, two: Any) -> bool:
    """Tell whether two values are the very same, also inside lists and objects.

    1, 1.0, 1.00 and true are four values: each is kept as it was given.
    """
    if isinstance(one, str):
        return isinstance(two, str) and one == two
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, Decimal):
        return one == two and one.same_quantum(two)
    return bool(one == two)
