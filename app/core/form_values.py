"""Reading the value of one field: by its type, from a browser's text or from JSON."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.core.file_types import accepts
from app.core.form_seen import Seen
from app.core.pattern import PatternError, compile_pattern
from app.core.values import (
    MAX_DIGITS,
    number_text,
    plain_text,
    read_date,
    read_datetime,
    read_number,
)

MAX_LENGTH: Final = {"string": 1_000, "text": 100_000}
"""Characters, where the field sets no limit of its own."""
MAX_FILES: Final = 10
"""Files of one field, where it sets no limit of its own."""
MAX_FILE_SIZE: Final = 10 * 1024 * 1024
"""Bytes of one file."""
_BEYOND: Final = Decimal(10) ** MAX_DIGITS
_CURRENCY: Final = re.compile("[A-Z]{3}")
_GROUPED: Final = re.compile(r"-?[1-9]\d{0,2}(?P<mark>\D)\d{3}(?:(?P=mark)\d{3})*", re.ASCII)
"""Digits before the decimal mark, in threes."""

Field = Mapping[str, Any]
Problem = tuple[str, str, Mapping[str, Any] | None]
"""code, message template, parameters"""
Reading = tuple[Any, Problem | None]
Marks = tuple[str, str]
"""grouping and decimal mark of the reader's language"""


def size_text(count: int) -> str:
    """Return a number of bytes as people of any language read it: ``10 MB``, ``1.5 KB``."""
    for unit, name in ((1024 * 1024, "MB"), (1024, "KB")):
        if count >= unit:
            exact = Decimal(count) / unit
            return f"{number_text(exact.quantize(Decimal('0.1')).normalize())} {name}"
    return f"{count} B"


def options_of(given: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return options as ``{value, label}``, each from that or from a bare value."""
    return [
        {"label": plain_text(option["value"]), **option}
        if isinstance(option, Mapping) and "value" in option
        else {"value": option, "label": plain_text(option)}
        for option in given
    ]


def currencies_of(field: Field) -> list[str]:
    """Return the currencies that an amount may have; empty: any."""
    given = field.get("currency")
    return [given] if isinstance(given, str) else list(given or ())


def read_value(field: Field, given: Any, text: bool, marks: Marks, seen: Seen) -> Reading:
    """Read what was filled in for a field that is not empty.

    Args:
        text: it is what a browser posts, not a JSON value.

    Returns:
        The value and what is wrong with it, one of the two None.
    """
    kind = field["type"]
    if kind == "user":
        return _user(given, seen)
    if kind == "file":
        return _files(field, given, seen)
    return _READERS[kind](field, given, text, marks)


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
        if message:
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
    if text and not isinstance(given, int | Decimal):
        number = read_number(plain_number(given, marks)) if isinstance(given, str) else None
        if number is None and isinstance(given, str) and re.search(r"\d", given):
            example = (
                f"1{marks[0]}234{marks[1]}56" if field["type"] == "number" else f"1{marks[0]}234"
            )
            return None, ("wrong_type", "Write the number like %(example)s.", {"example": example})
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return _wrong("This must be a number.")
    value: int | Decimal = number
    if field["type"] == "integer":
        if abs(Decimal(value)) >= _BEYOND or value != int(value):
            return _wrong("This must be a whole number.")
        value = int(value)
    return value, _out_of_range(field, value) or _off_step(field, value)


def _off_step(field: Field, value: int | Decimal) -> Problem | None:
    """Say whether a number is no multiple of ``step``, counted from ``min``."""
    step = field.get("step")
    if not isinstance(step, int | Decimal) or isinstance(step, bool) or step <= 0:
        return None
    low = limit_of(field, "min") or 0
    steps = (Decimal(value) - Decimal(low)) / Decimal(step)
    if abs(steps) < _BEYOND and steps == steps.to_integral_value():
        return None
    if low:
        params = {"step": Decimal(step), "min": Decimal(low)}
        return "off_step", "Go up from %(min)s in steps of %(step)s.", params
    return "off_step", "Use a multiple of %(step)s.", {"step": Decimal(step)}


def plain_number(given: str, marks: Marks) -> str:
    """Return a number as it is written here as JSON writes it; empty if it is grouped wrongly.

    A mark between thousands is taken only where one belongs: 1,5 is not 15.
    """
    grouping, point = (unicodedata.normalize("NFKC", mark) for mark in marks)
    whole, _, rest = unicodedata.normalize("NFKC", given).strip().partition(point)
    found = _GROUPED.fullmatch(whole)
    if found is not None and found["mark"] in (grouping, " "):
        whole = whole.replace(found["mark"], "")
    return f"{whole or 0}.{rest}" if rest else whole


def _money(field: Field, given: Any, text: bool, marks: Marks) -> Reading:
    known = currencies_of(field)
    only = known[0] if len(known) == 1 else None
    parts = dict(given) if isinstance(given, Mapping) else {"amount": given}
    if parts.keys() - {"amount", "currency"}:
        return _wrong("This must be an amount with its currency.")
    currency = parts.get("currency") or only
    if isinstance(currency, str):
        currency = currency.strip().upper() if text else currency
    if not isinstance(currency, str) or not currency:
        return None, ("no_currency", "Give a currency, like EUR.", None)
    if known and currency not in known:
        shown = ", ".join(known)
        return None, (
            "not_an_option",
            "The currency must be one of: %(options)s.",
            {"options": shown},
        )
    if not _CURRENCY.fullmatch(currency):
        return None, ("bad_currency", "Write the currency as three letters, like EUR.", None)
    amount, problem = _number({**field, "type": "number"}, parts.get("amount"), text, marks)
    return {"amount": amount, "currency": currency}, problem


def _date(field: Field, given: Any, _text: bool, _marks: Marks) -> Reading:
    value = read_date(given.strip()) if isinstance(given, str) else None
    if value is None:
        return _wrong("This must be a date, like 2026-01-31.")
    return value.isoformat(), _out_of_range(field, value)


def _datetime(field: Field, given: Any, _text: bool, _marks: Marks) -> Reading:
    value = read_datetime(given.strip()) if isinstance(given, str) else None
    if value is None:
        return _wrong("This must be a date and time, like 2026-01-31T09:30.")
    return value.isoformat(), _out_of_range(field, value)


def _offered(field: Field) -> list[Any]:
    options = field.get("options")
    return [o["value"] for o in options_of(options)] if isinstance(options, list) else []


def _chosen(value: Any, given: Any, text: bool) -> bool:
    same = value == given and isinstance(value, bool) is isinstance(given, bool)
    return bool(same or (text and plain_text(value) == given))


def _select(field: Field, given: Any, text: bool, _marks: Marks) -> Reading:
    offered = _offered(field)
    for value in offered:
        if _chosen(value, given, text):
            return value, None
    return None, _not_offered(offered)


def _multiselect(field: Field, given: Any, text: bool, _marks: Marks) -> Reading:
    if not isinstance(given, list):
        return _wrong("This must be a list.")
    offered = _offered(field)
    if not all(any(_chosen(value, one, text) for value in offered) for one in given):
        return None, _not_offered(offered)
    # In the order of the options, each once: the order of ticking means nothing.
    return [v for v in offered if any(_chosen(v, one, text) for one in given)], None


def _not_offered(offered: Sequence[Any]) -> Problem:
    shown = ", ".join(plain_text(value) for value in offered[:20])
    return "not_an_option", "Choose one of: %(options)s.", {"options": shown}


def _user(given: Any, seen: Seen) -> Reading:
    if not isinstance(given, str):
        return _wrong("This must be a username.")
    name = username_of(given)
    if seen.users is not None and name not in seen.users:
        return None, (
            "unknown_user",
            "There is nobody with the username %(name)s.",
            {"name": given},
        )
    return name, None


def username_of(typed: str) -> str:
    """Return a username in the form in which it is kept (as ``identity.names`` has it)."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def file_ids(given: Any) -> list[int] | None:
    """Return the ids in the value of a file field, as ids or objects; None if it is none."""
    found = []
    for each in given if isinstance(given, list) else [given]:
        number = each.get("id") if isinstance(each, Mapping) else each
        if isinstance(number, str) and number.isascii() and number.isdecimal():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
            return None
        found.append(number)
    return list(dict.fromkeys(found))


def _files(field: Field, given: Any, seen: Seen) -> Reading:
    ids = file_ids(given)
    if ids is None:
        return _wrong("This must be a list of files, each with its id.")
    most = field.get("max_files", MAX_FILES)
    if len(ids) > most:
        return None, ("too_many", "Add at most %(max)d files.", {"max": most})
    if seen.files is None:
        return [{"id": one} for one in ids], None
    for one in ids:
        file = seen.files.get(one)
        if file is None:
            return None, ("unknown_file", "There is no file %(id)d for this form.", {"id": one})
        problem = file_problem(field, file)
        if problem is not None:
            return None, problem
    kept = ("id", "name", "size", "sha256")
    return [{key: seen.files[one][key] for key in kept} for one in ids], None


def file_problem(field: Field, file: Mapping[str, Any]) -> Problem | None:
    """Say why a file may not stand in a field; None if it may.

    Args:
        file: ``{name, size, type}``; the type is that of its content.
    """
    most = field.get("max_size", MAX_FILE_SIZE)
    if file["size"] > most:
        return (
            "too_large",
            "%(name)s is larger than %(max)s.",
            {"name": file["name"], "max": size_text(most)},
        )
    accept = field.get("accept") or ()
    if accept and not accepts(accept, file["type"], file["name"]):
        params = {"name": file["name"], "accept": ", ".join(accept)}
        return "bad_file_type", "%(name)s is not of a type that is taken here: %(accept)s.", params
    return None


def _out_of_range(field: Field, value: Any) -> Problem | None:
    """Say whether a value is out of bounds; these go with it, for an edge to write its way."""
    low, high = limit_of(field, "min"), limit_of(field, "max")
    if low is not None and value < low:
        if isinstance(low, date):
            return "too_small", "This must be %(min)s or later.", {"min": low}
        return "too_small", "This must be at least %(min)s.", {"min": Decimal(low)}
    if high is not None and value > high:
        if isinstance(high, date):
            return "too_large", "This must be %(max)s or earlier.", {"max": high}
        return "too_large", "This must be at most %(max)s.", {"max": Decimal(high)}
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
    return limit if number and kind in ("number", "integer", "money", "rows") else None


_READERS: Final[Mapping[str, Callable[[Field, Any, bool, Marks], Reading]]] = {
    "boolean": _boolean,
    "string": _text,
    "text": _text,
    "number": _number,
    "integer": _number,
    "money": _money,
    "date": _date,
    "datetime": _datetime,
    "select": _select,
    "multiselect": _multiselect,
}
