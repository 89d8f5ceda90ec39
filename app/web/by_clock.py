"""Cron expressions in words: ``0 9 * * 1-5`` is "Monday to Friday at 09:00"."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time
from typing import Final

from babel.dates import format_time, get_day_names, get_month_names
from flask_babel import gettext, ngettext

from app.core import cron
from app.web.i18n import language

_ALL_DAYS: Final = frozenset(range(1, 32))
_ALL_MONTHS: Final = frozenset(range(1, 13))
_ALL_WEEKDAYS: Final = frozenset(range(7))
_WORKING: Final = frozenset(range(1, 6))
_MOST_TIMES: Final = 4
"""Times of a day that are named; more are left to the expression itself."""


def in_words(expression: str) -> str:
    """Return a cron expression as a person says it; an odd one as it is written."""
    try:
        parsed = cron.parse(expression)
    except cron.CronError:
        return expression
    when = _times(parsed)
    days = _days(parsed)
    if when is None or days is None:
        return str(gettext("by the clock: %(cron)s", cron=expression))
    return str(gettext("%(days)s %(times)s", days=days, times=when))


def _times(parsed: cron.Cron) -> str | None:
    minutes, hours = parsed.minutes, parsed.hours
    if len(hours) == 24:
        step = _step(minutes, 60)
        if step == 1:
            return str(gettext("every minute"))
        if step is not None:
            return str(ngettext("every minute", "every %(num)d minutes", step))
        if len(minutes) == 1:
            return str(gettext("every hour at minute %(minute)d", minute=minutes[0]))
        return None
    step = _step(hours, 24)
    if step is not None and len(minutes) == 1 and minutes[0] == 0 and len(hours) > _MOST_TIMES:
        return str(ngettext("every hour", "every %(num)d hours", step))
    if len(minutes) * len(hours) > _MOST_TIMES:
        return None
    shown = [
        format_time(time(hour, minute), "short", locale=language())
        for hour in hours
        for minute in minutes
    ]
    return str(gettext("at %(times)s", times=gettext(", ").join(shown)))


def _step(values: Collection[int], size: int) -> int | None:
    """Return how far apart values lie that go round evenly from 0; None if they don't."""
    step = size // len(values)
    return step if list(values) == list(range(0, size, step)) and len(values) > 1 else None


def _days(parsed: cron.Cron) -> str | None:
    every_day = parsed.days == _ALL_DAYS
    every_weekday = parsed.weekdays == _ALL_WEEKDAYS
    if parsed.months != _ALL_MONTHS and len(parsed.months) > _MOST_TIMES:
        return None
    if not every_day and not every_weekday:
        return None
    if every_day and every_weekday:
        said = str(gettext("every day"))
    elif every_day and parsed.weekdays == _WORKING:
        said = str(gettext("Monday to Friday"))
    elif every_day:
        names = get_day_names("wide", locale=language())
        order = sorted((day + 6) % 7 for day in parsed.weekdays)
        said = str(gettext("on %(days)s", days=gettext(", ").join(names[day] for day in order)))
    else:
        numbers = [str(day) for day in sorted(parsed.days)]
        if len(numbers) > _MOST_TIMES:
            return None
        last = [str(gettext("the last day"))] if parsed.last else []
        said = str(gettext("on %(days)s of the month", days=gettext(", ").join(numbers + last)))
    if parsed.months == _ALL_MONTHS:
        return said
    months = get_month_names("wide", locale=language())
    named = gettext(", ").join(months[month] for month in sorted(parsed.months))
    return str(gettext("%(days)s in %(months)s", days=said, months=named))
