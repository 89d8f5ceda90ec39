"""Values as text: for people, as JSON, and in the form they are stored in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.core.value_kinds import MAX_DEPTH, kind_of

_PLAIN = frozenset({str, bool, int, Decimal, type(None)})
_quote = json.JSONEncoder(ensure_ascii=False).encode


def quoted(text: str) -> str:
    """Return ``text`` as a JSON string, characters beyond ASCII as they are."""
    return _quote(text)


def storable(value: Any) -> Any:
    """Return ``value`` with what Python code naturally gives turned into the value model.

    Finite floats become the Decimal of their shortest text, tuples become lists, dates
    and datetimes ISO 8601 text (UTC), and subclasses of text and numbers (an enum's
    member, marked-up text) the plain thing. Anything else stays as it is, for
    ``check_json`` to judge; so does what lies deeper than a value may be nested.
    """
    return _storable(value, 0)


def _storable(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN or depth > MAX_DEPTH:
        return value
    if kind is dict:
        return {
            key: item if type(item) in _PLAIN else _storable(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return Decimal(repr(float(value)))
    if isinstance(value, date):
        return iso_text(value)
    if isinstance(value, Mapping):
        return {key: _storable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item, depth + 1) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    return Decimal(value) if isinstance(value, Decimal) else value


def iso_text(value: date) -> str:
    """Return a date, or a datetime in UTC (RFC 3339 with ``Z``), as ISO 8601 text."""
    if not isinstance(value, datetime):
        return value.isoformat()
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            return value.replace(tzinfo=None).isoformat() + "Z"
        value = value.astimezone(UTC)
    return value.isoformat().removesuffix("+00:00") + "Z"


def number_text(number: int | Decimal) -> str:
    """Return a number in plain digits, never with an exponent."""
    if isinstance(number, Decimal):
        return format(number, "f")
    return str(int(number))


def json_text(value: Any) -> str:
    """Return compact JSON of a value of the model, names sorted.

    The database does not keep the order of names; sorting makes the text of a value the
    same before and after it was stored. The caller has bounded the size.
    """
    kind = kind_of(value)
    if kind == "text":
        return quoted(str(value))
    if kind == "number":
        return number_text(value)
    if kind == "list":
        return "[" + ",".join(map(json_text, value)) + "]"
    if kind == "object":
        names = sorted(value)
        return "{" + ",".join(f"{quoted(name)}:{json_text(value[name])}" for name in names) + "}"
    if kind in ("date", "datetime"):
        return quoted(iso_text(value))
    return {None: "null", True: "true", False: "false"}[value]


def plain_text(value: Any) -> str:
    """Return a value as people read it inside a text.

    null is empty, booleans are ``true`` and ``false``, numbers plain, dates ISO 8601,
    lists and objects compact JSON.
    """
    kind = kind_of(value)
    if kind == "text":
        return str(value)
    if kind == "null":
        return ""
    if kind in ("date", "datetime"):
        return iso_text(value)
    return json_text(value)
