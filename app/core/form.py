"""Forms: one validator for what a browser posts and what an API client sends.

A field is a plain dict ``{name, type, label, …}``; :func:`expand` made it from any of the
ways in which a definition may write it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.core.pattern import PatternError, compile_pattern
from app.core.values import (
    MAX_DIGITS,
    check_json,
    number_text,
    plain_text,
    read_date,
    read_datetime,
    read_number,
)
from app.errors import FieldError

TYPES: Final = (
    "boolean",
    "string",
    "text",
    "number",
    "integer",
    "date",
    "datetime",
    "select",
    "note",
)
MAX_FIELDS: Final = 200
MAX_LENGTH: Final = {"string": 1_000, "text": 100_000}
"""Characters, where the field sets no limit of its own."""
_BEYOND: Final = Decimal(10) ** MAX_DIGITS

Field = Mapping[str, Any]
Problem = tuple[str, str, Mapping[str, Any] | None]
"""code, message template, parameters"""
Marks = tuple[str, str]
"""grouping and decimal mark of the reader's language"""


def expand(form: Any) -> tuple[dict[str, Any], ...]:
    """Return the fields of a form in order: from name → type, name → field, or a list."""
    if isinstance(form, Mapping):
        rows = [
            {"name": name, **({"type": given} if isinstance(given, str) else given)}
            for name, given in form.items()
            if not name.startswith("x-")
        ]
    else:
        rows = [dict(row) for row in form or ()]
    return tuple(_expanded(row) for row in rows)


def _expanded(row: dict[str, Any]) -> dict[str, Any]:
    full = {"type": "string", "required": False, **row}
    full.setdefault("label", full["name"])
    if isinstance(full.get("options"), list):
        full["options"] = options_of(full["options"])
    return full


def options_of(given: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return options as ``{value, label}``, each from that or from a bare value."""
    return [
        {"label": plain_text(option["value"]), **option}
        if isinstance(option, Mapping) and "value" in option
        else {"value": option, "label": plain_text(option)}
        for option in given
    ]


def validate(
    fields: Sequence[Field],
    raw: Mapping[str, Any],
    *,
    text: bool,
    locale_marks: Marks | None = None,
) -> tuple[dict[str, Any], tuple[FieldError, ...]]:
    """Judge what was filled in; all errors at once.

    Args:
        raw: by field name. With ``text`` what a browser posts (texts), else JSON values.
        locale_marks: grouping and decimal mark that a person may type; default ``,`` ``.``.

    Returns:
        The values to keep, and one error per wrong value. A field that was left empty in
        the page is kept as null; one that a client did not send is not touched.
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    known = {field["name"] for field in fields if field["type"] != "note"}
    for name in raw:
        if name not in known:
            errors.append(FieldError(str(name), "unknown_field", "The form has no such field."))
    for field in fields:
        name = field["name"]
        if field["type"] == "note" or (field.get("read_only") and text):
            continue
        if field.get("read_only") and name in raw:
            errors.append(FieldError(name, "read_only", "This value cannot be changed here."))
            continue
        given = raw.get(name)
        if _empty(given, text):
            if field.get("required") and not field.get("read_only"):
                message = "Choose yes or no." if field["type"] == "boolean" else "Fill this in."
                errors.append(FieldError(name, "required", message))
            elif name in raw or text:
                values[name] = None
            continue
        value, problem = _READERS[field["type"]](field, given, text, locale_marks or (",", "."))
        problem = problem or _unstorable(value)
        if problem is None:
            values[name] = value
        else:
            errors.append(FieldError(name, *problem))
    return values, tuple(errors)


def _empty(given: Any, text: bool) -> bool:
    """Say whether nothing was filled in; a browser posts a list when nothing is ticked."""
    if isinstance(given, str):
        return not given.strip()
    return given is None or (text and given == [])


def _unstorable(value: Any) -> Problem | None:
    problem = check_json(value)
    return (problem.code, problem.message, problem.params) if problem else None


Reading = tuple[Any, Problem | None]


def _wrong(message: str) -> Reading:
    return None, ("wrong_type", message, None)


def _boolean(_field: Field, given: Any, text: bool, _marks: Marks) -> Reading:
    if isinstance(given, bool):
        return given, None
    if text and given in ("true", "false"):
        return given == "true", None
    return _wrong("Choose yes or no.")


def _text(field: Field, given: Any, text: bool, _marks: Marks) -> Reading:
    if not isinstance(given, str):
        return _wrong("This must be a text.")
    value = given.replace("\r\n", "\n") if text else given
    if field["type"] == "string" and ("\n" in value or "\r" in value):
        return None, ("one_line", "Write this on one line.", None)
    longest = field.get("max_length", MAX_LENGTH[field["type"]])
    shortest = field.get("min_length", 0)
    if len(value) > longest:
        return None, ("too_long", "Use at most %(max)d characters.", {"max": longest})
    if len(value) < shortest:
        return None, ("too_short", "Use at least %(min)d characters.", {"min": shortest})
    pattern = field.get("pattern")
    if pattern is not None and not _fits(pattern, value):
        message = field.get("pattern_message")
        if isinstance(message, str):
            return None, ("pattern", "%(message)s", {"message": message})
        return None, ("pattern", "This is not written as expected.", None)
    return value, None


def _fits(pattern: str, value: str) -> bool:
    try:
        return compile_pattern(pattern).matches(value)
    except PatternError:
        return False


def _number(field: Field, given: Any, text: bool, marks: Marks) -> Reading:
    number: Any = given
    if text:
        number = read_number(_plain_number(given, marks)) if isinstance(given, str) else None
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return _wrong("This must be a number.")
    value: int | Decimal = number
    if field["type"] == "integer":
        if abs(Decimal(value)) >= _BEYOND or value != int(value):
            return _wrong("This must be a whole number.")
        value = int(value)
    return value, _out_of_range(field, value, number_text)


def _plain_number(given: str, marks: Marks) -> str:
    grouping, point = marks
    bare = "".join(given.split())
    if grouping:
        bare = bare.replace(grouping, "")
    return bare.replace(point, ".") if point != "." else bare


def _date(field: Field, given: Any, _text: bool, _marks: Marks) -> Reading:
    value = read_date(given.strip()) if isinstance(given, str) else None
    if value is None:
        return _wrong("This must be a date, like 2026-01-31.")
    return value.isoformat(), _out_of_range(field, value, str)


def _datetime(field: Field, given: Any, _text: bool, _marks: Marks) -> Reading:
    value = read_datetime(given.strip()) if isinstance(given, str) else None
    if value is None:
        return _wrong("This must be a date and time, like 2026-01-31T09:30.")
    return value.isoformat(), _out_of_range(field, value, str)


def _select(field: Field, given: Any, text: bool, _marks: Marks) -> Reading:
    options = field.get("options")
    offered = [o["value"] for o in options_of(options)] if isinstance(options, list) else []
    for value in offered:
        same = value == given and isinstance(value, bool) is isinstance(given, bool)
        if same or (text and plain_text(value) == given):
            return value, None
    shown = ", ".join(plain_text(value) for value in offered[:20])
    return None, ("not_an_option", "Choose one of: %(options)s.", {"options": shown})


def _out_of_range(field: Field, value: Any, shown: Callable[[Any], str]) -> Problem | None:
    low, high = limit_of(field, "min"), limit_of(field, "max")
    if low is not None and value < low:
        return "too_small", "This must be at least %(min)s.", {"min": shown(low)}
    if high is not None and value > high:
        return "too_large", "This must be at most %(max)s.", {"max": shown(high)}
    return None


def limit_of(field: Field, name: str) -> Any:
    """Return the least or greatest value of a field; None if none is set, or it is none.

    Args:
        name: ``min`` or ``max``.
    """
    limit, kind = field.get(name), field.get("type", "string")
    if kind in ("date", "datetime"):
        read = read_date if kind == "date" else read_datetime
        return read(limit) if isinstance(limit, str) else None
    number = isinstance(limit, int | Decimal) and not isinstance(limit, bool)
    return limit if number and kind in ("number", "integer") else None


_READERS: Final[Mapping[str, Callable[[Field, Any, bool, Marks], Reading]]] = {
    "boolean": _boolean,
    "string": _text,
    "text": _text,
    "number": _number,
    "integer": _number,
    "date": _date,
    "datetime": _datetime,
    "select": _select,
}
