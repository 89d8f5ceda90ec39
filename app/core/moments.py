"""When something falls due: what a definition says, as a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from app.core import cron
from app.core.duration import Duration, DurationError, parse_duration
from app.core.expression import evaluate_config, has_expression, shown
from app.core.nodes.base import Fail, Visit
from app.core.values import read_date, read_datetime
from app.core.working_calendar import calendar_of
from app.errors import Phrase


def in_every_zone(when: datetime) -> bool:
    """Say whether a moment has a date in the calendar of every zone: years are 1 to 9999."""
    return 1 < when.year < 9999


def zone_of(settings: Mapping[str, Any]) -> tzinfo:
    """Return the definition's time zone (UTC if none is set)."""
    name = settings.get("timezone")
    return ZoneInfo(name) if name else UTC


def moment_of(config: Mapping[str, Any], visit: Visit) -> datetime | Fail:
    """Return when a timer falls due, in UTC.

    Args:
        config: one of ``after`` (a duration from now), ``until`` (a moment) or ``cron``
            (the next time by the clocks of the definition's zone).

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    if "cron" in config:
        zone = zone_of(visit.definition.settings)
        try:
            return cron.parse(str(config["cron"])).next_after(visit.now, zone)
        except cron.CronError as error:
            return Fail("bad_timer", error.message, {"cron": config["cron"]})
    given = config.get("after", config.get("until"))
    due = due_moment(given, visit, end_of_day=False)
    if due is None:
        return Fail("bad_timer", "The timer has no moment to wait for.", {"value": given})
    return due if not isinstance(due, Fail) else Fail("bad_timer", due.message, due.detail)


def due_moment(given: Any, visit: Visit, *, end_of_day: bool = True) -> datetime | Fail | None:
    """Return the moment that a duration from now, a date or a moment stands for, in UTC.

    Args:
        given: text or expression; null and empty give None.
        end_of_day: a date means its last second rather than its first.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    value = given
    if has_expression(given):
        value = evaluate_config(given, visit.scope, visit.now)
    if value is None or value == "":
        return None
    settings = visit.definition.settings
    zone = zone_of(settings)
    try:
        due = _read(value) if isinstance(value, str) else value
        if isinstance(due, Duration):
            due = due.add_to(visit.now, zone, calendar_of(settings))
        if isinstance(due, date) and not isinstance(due, datetime):
            due = datetime.combine(due, time(23, 59, 59) if end_of_day else time(), zone)
        if isinstance(due, datetime):
            return due.astimezone(UTC)
        message = Phrase("The due date is neither a duration nor a date.")
    except DurationError as error:
        message = Phrase("The due date cannot be used. %(problem)s", problem=error.text())
    except OverflowError:
        message = Phrase("The due date is out of range.")
    return Fail("bad_due_date", message, {"value": shown(value)})


@lru_cache(maxsize=1024)
def _read(text: str) -> datetime | date | Duration:
    """Read a moment, a day or a duration.

    Raises:
        DurationError: it is none of them.
    """
    return read_datetime(text) or read_date(text) or parse_duration(text)
