"""The types a process variable may be declared with, and the check against them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.core.value_check import ValueProblem
from app.core.value_kinds import kind_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


def read_date(text: str) -> date | None:
    """Read ``YYYY-MM-DD``; None if it is not a day of the calendar."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_datetime(text: str) -> datetime | None:
    """Read an ISO 8601 date and time; without an offset it is UTC. None if it is not one."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    day, time, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{(offset or 'Z').upper()}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_text(value: Any) -> bool:
    return kind_of(value) == "text"


def _is_number(value: Any) -> bool:
    return kind_of(value) == "number"


def _is_integer(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return _is_number(value)


def _is_date(value: Any) -> bool:
    return kind_of(value) == "date" or (_is_text(value) and read_date(value) is not None)


def _is_datetime(value: Any) -> bool:
    return kind_of(value) == "datetime" or (_is_text(value) and read_datetime(value) is not None)


def _is_money(value: Any) -> bool:
    if kind_of(value) != "object":
        return _is_number(value)
    return set(value) == {"amount", "currency"} and (
        _is_number(value["amount"]) and _is_text(value["currency"])
    )


def _is_file(value: Any) -> bool:
    files = value if kind_of(value) == "list" else [value]
    return all(kind_of(file) == "object" for file in files)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (_is_text, "Must be a text."),
    "text": (_is_text, "Must be a text."),
    "number": (_is_number, "Must be a number."),
    "integer": (_is_integer, "Must be a whole number."),
    "boolean": (lambda value: isinstance(value, bool), "Must be true or false."),
    "date": (_is_date, "Must be a date such as 2025-01-31."),
    "datetime": (_is_datetime, "Must be a date and time such as 2025-01-31T09:00:00Z."),
    "money": (
        _is_money,
        "Must be an amount: a number, or an object with the number amount and the text currency.",
    ),
    "user": (_is_text, "Must be a username."),
    "file": (_is_file, "Must be a file or a list of files, each an object."),
    "object": (lambda value: kind_of(value) == "object", "Must be an object."),
    "array": (lambda value: kind_of(value) == "list", "Must be a list."),
    "any": (lambda value: True, ""),
}

TYPES: tuple[str, ...] = tuple(_CHECKS)
"""Every type a variable may be declared with."""


def coerce_type_problem(value: Any, type_: str) -> ValueProblem | None:
    """Check a value against a declared variable type.

    Args:
        value: of the value model. null fits every type: whether a value is required is
            another question.
        type_: one of ``TYPES``.

    Raises:
        KeyError: ``type_`` is not a type.
    """
    check, message = _CHECKS[type_]
    if value is None or check(value):
        return None
    return ValueProblem("wrong_type", message)
