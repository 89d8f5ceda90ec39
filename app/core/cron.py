"""Cron expressions: five fields, ``minute hour day month weekday``, by the clocks of a zone.

Lists, ranges, steps, names (``jan``, ``mon``), ``L`` for a month's last day and ``7`` for
Sunday, as Vixie cron reads them: with both a day and a weekday restricted, either matches.
When clocks change, as Debian's cron does it: what runs at certain times of day is run when
clocks have jumped over its time, and once where they show it twice; what runs every so many
minutes or every hour (a minute or an hour that begins with ``*``) goes by what clocks show.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from app.errors import Phrase

_MONTHS: Final = [
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
]
_WEEKDAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_PART: Final = re.compile(r"(\*|[0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?(?:/([0-9]{1,2}))?")
_YEARS: Final = 50
"""How far ahead is looked: 29 February on a given weekday comes every 28 or 40 years."""


class CronError(Exception):
    """A text that is no cron expression, or one that no day fits.

    Args:
        message: what is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Cron:
    """What a cron expression says.

    Args:
        weekdays: 0 is Sunday.
        last: the last day of a month counts too.
        either: day and weekday are both restricted: one of them has to fit.
        often: it goes by whatever clocks show, see above.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last: bool
    either: bool
    often: bool

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return the first time after ``moment`` (aware), in UTC.

        Raises:
            CronError: no day fits.
        """
        after = moment.astimezone(UTC)
        day = moment.astimezone(zone).date()
        for _ in range(_YEARS * 366):
            if self._on(day):
                found = (due for due in self._on_day(day, zone) if due > after)
                due = next(found, None) if _is_plain(day, zone) else min(found, default=None)
                if due is not None:
                    return due
            day += timedelta(days=1)
        raise CronError("No day fits this cron expression.")

    def _on_day(self, day: date, zone: tzinfo) -> Iterator[datetime]:
        """Yield the times of a day, by the clock; where clocks change in another order."""
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute))
                if self.often:
                    yield from _shown(local, zone)
                else:
                    yield _once(local, zone)

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        last = self.last and day.day == monthrange(day.year, day.month)[1]
        by_day = day.day in self.days or last
        by_weekday = (day.weekday() + 1) % 7 in self.weekdays
        return (by_day or by_weekday) if self.either else (by_day and by_weekday)


def _is_plain(day: date, zone: tzinfo) -> bool:
    """Say whether clocks don't change on a day."""
    begins = datetime.combine(day, time(), zone)
    return begins.utcoffset() == (begins + timedelta(days=1)).utcoffset()


def _shown(local: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield, in UTC, when clocks show a time: twice, once or never."""
    seen = None
    for fold in (0, 1):
        due = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if due != seen and due.astimezone(zone).replace(tzinfo=None) == local:
            yield due
        seen = due


def _once(local: datetime, zone: tzinfo) -> datetime:
    """Return, in UTC, when clocks first show a time, or have jumped over it."""
    while (due := next(_shown(local, zone), None)) is None:
        local += timedelta(minutes=1)
    return due


@lru_cache(maxsize=256)
def parse(text: str) -> Cron:
    """Read a cron expression.

    Raises:
        CronError: it cannot be read, or no day fits.
    """
    fields = text.lower().split()
    if len(fields) != 5 or len(text) > 200:
        raise CronError("A cron expression has five fields: minute hour day month weekday.")
    minute, hour, day, month, weekday = fields
    days = [part for part in day.split(",") if part != "l"]
    found = Cron(
        minutes=tuple(sorted(_values(minute, Phrase("minute"), 0, 59))),
        hours=tuple(sorted(_values(hour, Phrase("hour"), 0, 23))),
        days=frozenset(_values(",".join(days), Phrase("day"), 1, 31)) if days else frozenset(),
        months=frozenset(_values(month, Phrase("month"), 1, 12, _MONTHS, 1)),
        weekdays=frozenset(
            each % 7 for each in _values(weekday, Phrase("weekday"), 0, 7, _WEEKDAYS)
        ),
        last=len(days) < len(day.split(",")),
        either=not day.startswith("*") and not weekday.startswith("*"),
        often=minute.startswith("*") or hour.startswith("*"),
    )
    found.next_after(datetime(2000, 1, 1, tzinfo=UTC), UTC)
    return found


def _values(
    field: str, what: str, low: int, high: int, names: list[str] | None = None, base: int = 0
) -> Iterator[int]:
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise CronError(
                Phrase("“%(part)s” is not a %(what)s of a cron expression.", part=part, what=what)
            )
        first, second, step = match.groups()
        start = low if first == "*" else _number(first, what, names, base)
        if second is not None:
            end = _number(second, what, names, base)
        else:
            end = high if first == "*" or step else start
        by = int(step or 1)
        if not (low <= start <= end <= high and by >= 1) or (first == "*" and second):
            raise CronError(
                Phrase(
                    "“%(part)s” is not a %(what)s from %(low)d to %(high)d.",
                    part=part,
                    what=what,
                    low=low,
                    high=high,
                )
            )
        yield from range(start, end + 1, by)


def _number(text: str, what: str, names: list[str] | None, base: int) -> int:
    if text.isdigit():
        return int(text)
    if names and text in names:
        return names.index(text) + base
    raise CronError(Phrase("“%(text)s” is not a %(what)s.", text=text, what=what))
