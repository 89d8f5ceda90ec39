"""Points in time, dates and durations in the reader's language and zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from flask import current_app
from flask_babel import gettext
from markupsafe import Markup

from app.web.i18n import language, zone

_NOW: Final = timedelta(minutes=1)
_RELATIVE_UNTIL: Final = timedelta(days=28)


def clock() -> datetime:
    """Return the application's present (aware, UTC), which tests may set."""
    now: datetime = current_app.extensions["clock"]()
    return now


def local(when: datetime) -> datetime:
    """Return ``when`` in the reader's zone; without a zone it is taken as UTC."""
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(zone())


def moment_text(when: datetime) -> str:
    """Return date and time to the minute."""
    there = local(when)
    both = {
        "date": format_date(there, "medium", locale=language()),
        "time": format_time(there, "short", locale=language()),
    }
    return f"{both['date']} {both['time']}"


def moment(when: datetime | None) -> Markup:
    """Return date and time as a ``<time>``; the exact one with its zone is in the title."""
    return element(when, moment_text(when)) if when else Markup()


def relative(when: datetime | None, now: datetime | None = None) -> Markup:
    """Return how long ago or how soon as a ``<time>`` that the page keeps true by itself.

    Args:
        now: the present; default: the application's clock.

    Returns:
        Beyond four weeks the date. Empty without ``when``.
    """
    if when is None:
        return Markup()
    distance = local(when) - (now or clock())
    if abs(distance) >= _RELATIVE_UNTIL:
        return element(when, day(local(when).date()))
    return element(when, _distance_text(distance), live=True)


def day(value: date | str | None) -> str:
    """Return a date; an ISO text is read as one, and other text is returned as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return format_date(value, "medium", locale=language()) if value else ""


def duration(length: timedelta | float) -> str:
    """Return a length of time in words.

    Args:
        length: a plain number is seconds.
    """
    delta = length if isinstance(length, timedelta) else timedelta(seconds=length)
    return format_timedelta(delta, threshold=1, locale=language())


def element(when: datetime, text: str, *, live: bool = False) -> Markup:
    """Return ``text`` as a ``<time>`` of ``when``.

    Args:
        live: whether the page's script rewrites the text as time goes by.
    """
    there = local(when)
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        there.isoformat(timespec="seconds"),
        format_datetime(there, "long", locale=language()),
        Markup(" data-relative") if live else "",
        text,
    )


def _distance_text(distance: timedelta) -> str:
    """Say it as ``static/js/time.js`` does, so that nothing jumps when it takes over."""
    if abs(distance) < _NOW:
        return str(gettext("just now") if distance <= timedelta() else gettext("in a moment"))
    return format_timedelta(distance, threshold=1, add_direction=True, locale=language())
