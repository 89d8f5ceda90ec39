"""The values a process carries: JSON shapes with exact numbers, and how they are checked.

A value is None, bool, int, Decimal, str, list or dict with text keys; never a float.
Inside an expression there are also ``datetime.date`` and aware ``datetime.datetime``;
``storable`` turns these into ISO 8601 text before they become variables.
"""

from __future__ import annotations

from app.core.value_check import ValueProblem, check_json, pointer_of
from app.core.value_kinds import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EXPONENT,
    Kind,
    kind_of,
    number_in_range,
    read_number,
    same,
)
from app.core.value_text import iso_text, json_text, number_text, plain_text, storable
from app.core.value_types import TYPES, coerce_type_problem, read_date, read_datetime

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_EXPONENT",
    "TYPES",
    "Kind",
    "ValueProblem",
    "check_json",
    "coerce_type_problem",
    "iso_text",
    "json_text",
    "kind_of",
    "number_in_range",
    "number_text",
    "plain_text",
    "pointer_of",
    "read_date",
    "read_datetime",
    "read_number",
    "same",
    "storable",
]
