"""The functions of expressions. Each takes the run and evaluated arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.core import expression_arithmetic as arithmetic
from app.core import expression_operators as operators
from app.core.duration import DurationError, parse_duration
from app.core.expression_error import Refusal
from app.core.expression_operators import a, bounded
from app.core.expression_run import Run
from app.core.pattern import MAX_TEXT, PatternError, compile_pattern
from app.core.values import (
    MAX_BYTES,
    MAX_DEPTH,
    check_json,
    kind_of,
    number_text,
    plain_text,
    read_date,
    read_datetime,
    read_number,
)
from app.errors import Phrase

_PATTERN_STEPS = 500
"""What compiling a pattern counts for."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language; ``most`` arguments None is any number."""

    call: Callable[..., Any]
    least: int
    most: int | None


def _need(value: Any, kind: str, word: str) -> None:
    if kind_of(value) != kind:
        hint = Phrase("use default(…) where it may be missing") if value is None else ""
        raise Refusal(
            "Expected %(word)s, found %(found)s", hint=hint, word=Phrase(word), found=a(value)
        )


def _text(value: Any) -> str:
    _need(value, "text", "a text")
    return str(value)


def _number(value: Any) -> arithmetic.Number:
    _need(value, "number", "a number")
    number: arithmetic.Number = value
    return number


def _list(value: Any, run: Run) -> list[Any]:
    _need(value, "list", "a list")
    run.spend(len(value))
    return list(value)


def length(run: Run, value: Any) -> int:
    """``len``: characters of a text, elements of a list, members of an object."""
    if kind_of(value) in ("text", "list", "object"):
        return len(value)
    raise Refusal("Expected a text, a list or an object, found %(found)s", found=a(value))


def total(run: Run, values: Any, member: Any = None) -> Any:
    """``sum`` of a list of numbers, or of a member of objects; 0 for an empty one.

    A member that is missing counts as 0: a cell of a table may be left empty.
    """
    result: arithmetic.Number = 0
    for value in _list(values, run):
        if member is not None:
            _need(value, "object", "an object")
            value = value.get(_text(member))
            if value is None:
                continue
        result = arithmetic.add(result, _number(value))
    return result


def smallest(run: Run, *values: Any) -> Any:
    """``min`` of a list, or of two or more values."""
    return _extreme(run, values, smaller=True)


def largest(run: Run, *values: Any) -> Any:
    """``max`` of a list, or of two or more values."""
    return _extreme(run, values, smaller=False)


def _extreme(run: Run, values: tuple[Any, ...], *, smaller: bool) -> Any:
    found = _list(values[0] if len(values) == 1 else list(values), run)
    if not found:
        raise Refusal("The list is empty; test len(…) > 0 first")
    best = found[0]
    operators.comparable(best, best)
    for value in found[1:]:
        operators.comparable(value, best)
        if (value < best) if smaller else (value > best):
            best = value
    return best


def round_(run: Run, number: Any, places: Any = 0) -> Any:
    """``round`` half away from zero, to whole numbers or ``places`` behind the point."""
    if kind_of(places) != "number" or places != arithmetic.floor(places) or abs(places) > 28:
        raise Refusal("The number of places must be a whole number from -28 to 28")
    return arithmetic.rounded(_number(number), int(places))


def abs_(run: Run, number: Any) -> Any:
    """``abs``: the number without its sign."""
    return arithmetic.absolute(_number(number))


def floor(run: Run, number: Any) -> int:
    """``floor``: the next whole number down."""
    return arithmetic.floor(_number(number))


def ceil(run: Run, number: Any) -> int:
    """``ceil``: the next whole number up."""
    return arithmetic.ceiling(_number(number))


def lower(run: Run, text: Any) -> str:
    """``lower``: all letters small."""
    return bounded(_text(text).lower())


def upper(run: Run, text: Any) -> str:
    """``upper``: all letters capital."""
    return bounded(_text(text).upper())


def trim(run: Run, text: Any) -> str:
    """``trim``: without white space at both ends."""
    return _text(text).strip()


def contains(run: Run, container: Any, item: Any) -> bool:
    """``contains``: as ``item in container``."""
    return operators.within(item, container, run)


def starts_with(run: Run, text: Any, start: Any) -> bool:
    """``starts_with``: whether the text begins so."""
    return _text(text).startswith(_text(start))


def ends_with(run: Run, text: Any, end: Any) -> bool:
    """``ends_with``: whether the text ends so."""
    return _text(text).endswith(_text(end))


def split(run: Run, text: Any, separator: Any) -> list[str]:
    """``split`` a text at each separator."""
    if not _text(separator):
        raise Refusal("The separator is empty; give at least one character")
    run.spend(_text(text).count(separator))
    return _text(text).split(separator)


def join(run: Run, values: Any, separator: Any) -> str:
    """``join`` the elements of a list, each as text."""
    texts = [as_text(value) for value in _list(values, run)]
    glue = _text(separator)
    size = sum(map(len, texts)) + len(glue) * max(len(texts) - 1, 0)
    if size > MAX_BYTES:
        raise Refusal("The text becomes larger than %(limit)s bytes", limit=MAX_BYTES)
    return bounded(glue.join(texts))


def keys(run: Run, value: Any) -> list[str]:
    """``keys``: the names in an object, sorted, since storage does not keep their order."""
    _need(value, "object", "an object")
    run.spend(len(value))
    return sorted(value)


def number(run: Run, value: Any) -> Any:
    """``number``: a text read as a number."""
    if kind_of(value) == "number":
        return value
    found = read_number(_text(value).strip())
    if found is None:
        raise Refusal("The text is not a number such as 1250.50 (digits and a point only)")
    return found


def string(run: Run, value: Any) -> str:
    """``string``: any value as text, as in a template."""
    return as_text(value)


def as_text(value: Any) -> str:
    """Return any value as text, the way templates render it. Raises Refusal."""
    kind = kind_of(value)
    if kind == "text":
        return str(value)
    if kind in ("list", "object", "unsupported"):
        problem = check_json(value, max_depth=2 * MAX_DEPTH, dates=True)
        if problem:
            raise Refusal("Cannot be made a text: %(problem)s", problem=problem.text())
    return number_text(value) if kind == "number" else plain_text(value)


def date_(run: Run, value: Any) -> date:
    """``date``: the day of a text or of a date and time (UTC)."""
    kind = kind_of(value)
    if kind == "datetime":
        day: date = value.astimezone(UTC).date()
        return day
    found = value if kind == "date" else read_date(_text(value))
    if found is None and (moment := read_datetime(value)):
        found = moment.date()
    if not isinstance(found, date):
        raise Refusal("The text is not a date such as 2025-01-31")
    return found


def datetime_(run: Run, value: Any) -> datetime:
    """``datetime``: the moment of a text, or the start of a date (UTC)."""
    kind = kind_of(value)
    if kind == "datetime":
        moment: datetime = value
        return moment
    day = value if kind == "date" else read_date(_text(value))
    if day is not None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = read_datetime(value)
    if found is None:
        raise Refusal("The text is not a date and time such as 2025-01-31T09:00:00Z")
    return found


def now(run: Run) -> datetime:
    """``now``: the time of the event being processed."""
    return run.now


def today(run: Run) -> date:
    """``today``: the day of the event being processed, in UTC."""
    return run.now.astimezone(UTC).date()


def days_between(run: Run, start: Any, end: Any) -> int:
    """``days_between``: whole days from ``start`` to ``end``; negative if it is earlier."""
    kinds = (kind_of(start), kind_of(end))
    if kinds == ("date", "date"):
        return int((end - start).days)
    if kinds == ("datetime", "datetime"):
        return int((end - start) / timedelta(days=1))
    if "text" in kinds:
        raise Refusal("Expected two dates, found a text; use date(…) on it")
    raise Refusal(
        "Expected two dates, or two dates with time; found %(start)s and %(end)s",
        start=a(start),
        end=a(end),
    )


def add_duration(run: Run, start: Any, text: Any) -> date:
    """``add_duration``: a date, or a date and time, this much later (UTC)."""
    kind = kind_of(start)
    if kind not in ("date", "datetime"):
        raise Refusal("Expected a date, found %(found)s; use date(…) on a text", found=a(start))
    try:
        duration = parse_duration(_text(text))
        if kind == "datetime":
            return duration.add_to(start, UTC)
        if duration.seconds or duration.working_seconds:
            raise Refusal("A date has no hours; use datetime(…) on it")
        return duration.add_to(datetime_(run, start), UTC).date()
    except DurationError as error:
        raise Refusal("%(problem)s", problem=error.text()) from error


def matches(run: Run, text: Any, pattern: Any) -> bool:
    """``matches``: whether the whole text fits the pattern (see ``pattern``)."""
    run.spend(_PATTERN_STEPS)
    try:
        compiled = compile_pattern(_text(pattern))
    except PatternError as error:
        raise Refusal("%(problem)s", problem=error.text()) from error
    found = _text(text)
    if len(found) > MAX_TEXT:
        raise Refusal("The text is longer than %(limit)s characters", limit=MAX_TEXT)
    run.spend(len(found) // 10)
    return compiled.matches(found)


FUNCTIONS: dict[str, Function] = {
    "len": Function(length, 1, 1),
    "sum": Function(total, 1, 2),
    "min": Function(smallest, 1, None),
    "max": Function(largest, 1, None),
    "round": Function(round_, 1, 2),
    "abs": Function(abs_, 1, 1),
    "floor": Function(floor, 1, 1),
    "ceil": Function(ceil, 1, 1),
    "lower": Function(lower, 1, 1),
    "upper": Function(upper, 1, 1),
    "trim": Function(trim, 1, 1),
    "contains": Function(contains, 2, 2),
    "starts_with": Function(starts_with, 2, 2),
    "ends_with": Function(ends_with, 2, 2),
    "split": Function(split, 2, 2),
    "join": Function(join, 2, 2),
    "keys": Function(keys, 1, 1),
    "number": Function(number, 1, 1),
    "string": Function(string, 1, 1),
    "date": Function(date_, 1, 1),
    "datetime": Function(datetime_, 1, 1),
    "now": Function(now, 0, 0),
    "today": Function(today, 0, 0),
    "days_between": Function(days_between, 2, 2),
    "add_duration": Function(add_duration, 2, 2),
    "matches": Function(matches, 2, 2),
}
"""Every function but ``default``, which the compiler knows: it may skip its second argument."""
