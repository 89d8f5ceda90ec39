"""The working calendar of a definition: ``settings.calendar`` as the durations use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from typing import Any, Final

from app.core.values import json_text, read_date
from app.core.working_time import MIDNIGHT, OFFICE_HOURS, WorkingCalendar

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS: Final = frozenset({"hours", "holidays", "workdays"})
_CLOCK: Final = re.compile(r"[0-2][0-9]:[0-5][0-9]")
_Hours = tuple[tuple[time, time], ...]


class Calendar:
    """Hours by day of the week, days off, and days on which work is done all the same.

    Args:
        week: the hours of each day of the week, Monday first.
        holidays: days off whatever the week says.
        workdays: days that are worked whatever the week says, with the hours of its first
            working day (moved working days).
    """

    def __init__(
        self, week: tuple[_Hours, ...], holidays: frozenset[date], workdays: frozenset[date]
    ) -> None:
        self._week = week
        self._holidays = holidays
        self._workdays = workdays

    def hours_on(self, day: date) -> _Hours:
        """See ``WorkingCalendar``."""
        if day in self._workdays:
            return next((hours for hours in self._week if hours), ())
        return () if day in self._holidays else self._week[day.weekday()]


def calendar_of(settings: Mapping[str, Any]) -> WorkingCalendar:
    """Return the calendar of a definition; office hours if it names none."""
    given = settings.get("calendar")
    return _made(json_text(given)) if given else OFFICE_HOURS


def read_hours(text: Any) -> _Hours:
    """Read ``09:00-12:00, 13:00-18:00``; empty text is a day off.

    Raises:
        ValueError: it is not a list of spans in order.
    """
    if not isinstance(text, str):
        raise ValueError("not a text")
    spans: list[tuple[time, time]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        opens, _, closes = part.partition("-")
        span = (_clock(opens), _clock(closes))
        if span[0] >= span[1] or (spans and spans[-1][1] > span[0]):
            raise ValueError("not in order")
        spans.append(span)
    return tuple(spans)


def _clock(text: str) -> time:
    text = text.strip()
    if text == "24:00":
        return MIDNIGHT
    if _CLOCK.fullmatch(text) is None:
        raise ValueError("not a time of day")
    return time.fromisoformat(text)


@lru_cache(maxsize=256)
def _made(text: str) -> Calendar:
    from app.core.jsontext import read

    given = read(text).value
    hours = given.get("hours")
    week = tuple(
        read_hours(hours.get(day, "")) if hours else OFFICE_HOURS.hours_on(date(2024, 1, 1 + place))
        for place, day in enumerate(DAYS)
    )
    return Calendar(week, _days(given.get("holidays")), _days(given.get("workdays")))


def _days(given: Any) -> frozenset[date]:
    return frozenset(day for text in given or () if (day := read_date(text)) is not None)
