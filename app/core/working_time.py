"""Working days and hours: what a calendar says, and how time passes by it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

MAX_DAYS = 2 * 36_525
"""Days looked at before a calendar counts as having no working time."""
MIDNIGHT = time.max
"""As a closing time: the end of the day."""


class NoWorkingTime(Exception):
    """The calendar has too few working hours for what was asked."""


class WorkingCalendar(Protocol):
    """When people work, in the wall-clock time of a zone."""

    def hours_on(self, day: date) -> tuple[tuple[time, time], ...]:
        """Return from when to when work is done on ``day``, in order; empty for a day off."""


class OfficeHours:
    """Monday to Friday, 09:00 to 17:00: the calendar where none is named."""

    _HOURS = ((time(9), time(17)),)

    def hours_on(self, day: date) -> tuple[tuple[time, time], ...]:
        """See ``WorkingCalendar``."""
        return self._HOURS if day.weekday() < 5 else ()


OFFICE_HOURS = OfficeHours()


def add_working_days(moment: datetime, days: int, zone: tzinfo, calendar: WorkingCalendar) -> date:
    """Return the ``days``-th working day after the day of ``moment`` in ``zone``.

    From a Saturday, one working day later is Monday (as WORKDAY in spreadsheets has it).

    Raises:
        NoWorkingTime: there are not that many working days.
    """
    day = moment.astimezone(zone).date()
    for _ in range(MAX_DAYS):
        if days == 0:
            return day
        day += timedelta(days=1)
        if calendar.hours_on(day):
            days -= 1
    raise NoWorkingTime


def add_working_seconds(
    moment: datetime, seconds: int, zone: tzinfo, calendar: WorkingCalendar
) -> datetime:
    """Return when ``seconds`` of working time after ``moment`` have passed, in UTC.

    Raises:
        NoWorkingTime: there is not that much working time.
    """
    left = timedelta(seconds=seconds)
    now = moment.astimezone(UTC)
    day = moment.astimezone(zone).date()
    for _ in range(MAX_DAYS):
        for opens, closes in calendar.hours_on(day):
            start = max(now, at_wall_clock(datetime.combine(day, opens), zone))
            end = at_wall_clock(_closing(day, closes), zone)
            if end - start >= left:
                return start + left
            left -= max(end - start, timedelta())
        day += timedelta(days=1)
    raise NoWorkingTime


def _closing(day: date, closes: time) -> datetime:
    if closes == MIDNIGHT:
        return datetime.combine(day + timedelta(days=1), time())
    return datetime.combine(day, closes)


def at_wall_clock(local: datetime, zone: tzinfo) -> datetime:
    """Return in UTC when the clocks of ``zone`` show ``local`` (naive).

    A time shown twice (clocks put back) is the first of the two; one that is skipped
    (clocks put forward) is as much later as the clocks jump.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
