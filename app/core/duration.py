"""Durations as definitions write them: ``30s``, ``1h30m``, ``2w``, ``3wd``, ``P1M``, ``PT2H``."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from app.core.working_time import (
    OFFICE_HOURS,
    NoWorkingTime,
    WorkingCalendar,
    add_working_days,
    add_working_seconds,
    at_wall_clock,
)
from app.errors import Phrase

MAX_DAYS = 36_525
"""A hundred years, the longest duration."""

_MAX_CHARACTERS = 100
_PART = re.compile(r"\s*([0-9]+)\s*([^\W\d_]*)\s*")
_ISO = re.compile(
    r"P(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:(?=T.)T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?"
)
_UNITS = {
    "s": ("seconds", 1),
    "m": ("seconds", 60),
    "h": ("seconds", 3600),
    "d": ("days", 1),
    "w": ("days", 7),
    "wd": ("working_days", 1),
    "wh": ("working_seconds", 3600),
}
_CALENDAR_UNITS = {
    **dict.fromkeys(("M", "mo", "mon", "month", "months"), "P{}M"),
    **dict.fromkeys(("y", "Y", "yr", "year", "years"), "P{}Y"),
}
_EXAMPLES = "Write it as 30s, 10m, 2h, 1d, 2w, 1h30m, 3wd, 8wh, or ISO 8601 as PT2H or P1M."


class DurationError(Exception):
    """A text that is not a duration, or a sum that leads nowhere.

    Args:
        message: what is wrong.
        hint: what to write instead.
    """

    def __init__(self, message: str, hint: str = _EXAMPLES) -> None:
        super().__init__(message, hint)
        self.message = Phrase(message)
        self.hint = Phrase(hint)

    def text(self) -> Phrase:
        """Return both, in English."""
        return Phrase("%(problem)s %(hint)s", problem=self.message, hint=self.hint)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; its parts stay apart, since a month or a day has no fixed length.

    Args:
        months: of the calendar.
        days: of the wall clock: a day later is the same time of day.
        seconds: exact.
        working_days: by the working calendar.
        working_seconds: by the working calendar.
    """

    months: int = 0
    days: int = 0
    seconds: int = 0
    working_days: int = 0
    working_seconds: int = 0

    def fixed_seconds(self) -> int:
        """Return the length in seconds, a day being 24 hours.

        Raises:
            DurationError: months or working time have no fixed length.
        """
        if self.months or self.working_days or self.working_seconds:
            raise DurationError(
                "Months, years and working time have no fixed length.",
                "Use seconds, minutes, hours, days or weeks here.",
            )
        return self.days * 86_400 + self.seconds

    def add_to(
        self, moment: datetime, zone: tzinfo, calendar: WorkingCalendar = OFFICE_HOURS
    ) -> datetime:
        """Return the moment this much later, in UTC.

        Months come first (the 31st becomes the last of a shorter month), then days and
        working days, all by the wall clock of ``zone``, so the time of day is kept when
        clocks change; then working hours, then exact seconds.

        Args:
            moment: aware.
            zone: whose clocks and days count.
            calendar: whose working time counts.

        Raises:
            DurationError: it leads beyond the year 9999, or the calendar has no such
                working time.
        """
        try:
            return self._added(moment, zone, calendar)
        except (OverflowError, ValueError) as error:
            raise DurationError("This leads beyond the year 9999.", "Use a shorter one.") from error
        except NoWorkingTime as error:
            raise DurationError(
                "The calendar does not have that much working time.", "Check the calendar."
            ) from error

    def _added(self, moment: datetime, zone: tzinfo, calendar: WorkingCalendar) -> datetime:
        if self.months or self.days:
            local = moment.astimezone(zone).replace(tzinfo=None)
            local = _months_later(local, self.months) + timedelta(days=self.days)
            moment = at_wall_clock(local, zone)
        if self.working_days:
            day = add_working_days(moment, self.working_days, zone, calendar)
            clock = moment.astimezone(zone).time()
            moment = at_wall_clock(datetime.combine(day, clock), zone)
        if self.working_seconds:
            moment = add_working_seconds(moment, self.working_seconds, zone, calendar)
        return moment.astimezone(UTC) + timedelta(seconds=self.seconds)


def _months_later(local: datetime, months: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Duration:
    stripped = text.strip()
    duration = _iso(stripped) if stripped.startswith("P") else _sum(stripped)
    days = (
        duration.months * 1461 // 48
        + duration.days
        + duration.working_days * 7 // 5
        + (duration.seconds + duration.working_seconds * 6) // 86_400
    )
    if days > MAX_DAYS:
        raise DurationError("The duration is longer than 100 years.", "Use a shorter one.")
    return duration


def parse_duration(text: str) -> Duration:
    """Read a duration: a sum of ``s m h d w wd wh`` parts, or ISO 8601.

    Raises:
        DurationError: it is not one, or longer than 100 years.
    """
    if len(text) > _MAX_CHARACTERS:
        raise DurationError("The text of the duration is too long.")
    return _parsed(text)


def _iso(text: str) -> Duration:
    match = _ISO.fullmatch(text)
    if match is None or not any(match.groups()):
        raise DurationError(
            Phrase("“%(text)s” is not an ISO 8601 duration in whole numbers.", text=text)
        )
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in match.groups())
    return Duration(
        months=12 * years + months,
        days=7 * weeks + days,
        seconds=3600 * hours + 60 * minutes + seconds,
    )


def _sum(text: str) -> Duration:
    parts: dict[str, int] = {}
    at = 0
    while at < len(text) or not parts:
        match = _PART.match(text, at)
        if match is None:
            raise DurationError(Phrase("“%(text)s” is not a duration.", text=text))
        number, unit = match.groups()
        if unit not in _UNITS:
            raise _unknown_unit(text, number, unit)
        name, factor = _UNITS[unit]
        parts[name] = parts.get(name, 0) + factor * int(number)
        at = match.end()
    return Duration(**parts)


def _unknown_unit(text: str, number: str, unit: str) -> DurationError:
    if not unit:
        return DurationError(
            Phrase("“%(text)s” lacks a unit after %(number)s.", text=text, number=number)
        )
    if unit in _CALENDAR_UNITS:
        iso = _CALENDAR_UNITS[unit].format(int(number))
        return DurationError(
            Phrase("“%(unit)s” is not a unit: months and years differ in length.", unit=unit),
            Phrase(
                "Write %(iso)s for calendar months or years, or a number of days as %(days)s.",
                iso=iso,
                days=f"{number}d",
            ),
        )
    return DurationError(Phrase("“%(unit)s” is not a unit of time.", unit=unit))
