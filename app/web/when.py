"""Points in time, dates and durations in the reader's language and zone."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from flask import current_app
from markupsafe import Markup

from app.web.assets import drawn_icon
from app.web.i18n import gettext, locale, zone

_NOW: Final = timedelta(minutes=1)
_RELATIVE_UNTIL: Final = timedelta(days=28)
_UNITS: Final = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))
_CLOSE: Final = timedelta(hours=4)
_TIME: Final = Markup("<time %s%s>%s</time>")
_DUE: Final = Markup('<span class="due tone-%(tone)s">%(icon)s<span>%(text)s</span></span>')
_EXACT: Final = Markup('datetime="%s" title="%s"')
_LIVE: Final = Markup(" data-relative")
_KEPT: Final = 4096
"""How many texts are kept: a list is drawn again and again, mostly with the same moments."""


def clock() -> datetime:
    """Return the application's present (aware, UTC), which tests may set."""
    now: datetime = current_app.extensions["clock"]()
    return now


def local(when: datetime) -> datetime:
    """Return ``when`` in the reader's zone; without a zone it is taken as UTC."""
    return _in_zone(when, zone())


def moment_text(when: datetime) -> str:
    """Return date and time to the minute."""
    there = local(when)
    both = {
        "date": _day(there.date(), locale()),
        "time": format_time(there, "short", locale=locale()),
    }
    return f"{both['date']} {both['time']}"


def moment(when: datetime | None) -> Markup:
    """Return date and time as a ``<time>``; the exact one with its zone is in the title."""
    if not when:
        return Markup()
    reader = zone()
    return _element(_in_zone(when, reader), moment_text(when), reader, locale())


def relative(when: datetime | None, now: datetime | None = None) -> Markup:
    """Return how long ago or how soon as a ``<time>`` that the page keeps true by itself.

    Args:
        now: the present; default: the application's clock.

    Returns:
        Beyond four weeks the date. Empty without ``when``.
    """
    if when is None:
        return Markup()
    reader, language = zone(), locale()
    there = _in_zone(when, reader)
    distance = there - (now or clock())
    if abs(distance) >= _RELATIVE_UNTIL:
        return _element(there, _day(there.date(), language), reader, language)
    text = _distance_text(distance, language)
    return _element(there, text, reader, language, live=True)


def due(when: datetime | None, overdue: bool = False, done: bool = False) -> Markup:
    """Return a task's due date as a mark with an icon: red and worded if it is over.

    Args:
        done: it does not come closer any more.
    """
    if not when:
        return Markup()
    text = gettext("Overdue, %(when)s") if overdue else gettext("Due %(when)s")
    close = not overdue and not done and when - clock() < _CLOSE
    return _DUE % {
        "tone": "bad" if overdue else "warn" if close else "calm",
        "icon": drawn_icon("clock-exclamation" if overdue else "clock", small=True),
        "text": Markup.escape(text) % {"when": relative(when)},
    }


def day(value: date | str | None) -> str:
    """Return a date; an ISO text is read as one, and other text is returned as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return _day(value, locale()) if value else ""


def duration(length: timedelta | float) -> str:
    """Return a length of time in words.

    Args:
        length: a plain number is seconds.
    """
    delta = length if isinstance(length, timedelta) else timedelta(seconds=length)
    return format_timedelta(delta, threshold=1, locale=locale())


def _in_zone(when: datetime, reader: tzinfo) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(reader)


def _element(
    there: datetime, text: str, reader: tzinfo, language: Locale, *, live: bool = False
) -> Markup:
    """Return ``text`` as a ``<time>``.

    Args:
        there: in the zone ``reader``.
        live: whether the page's script rewrites the text as time goes by.
    """
    exact = _exact(there.replace(microsecond=0, tzinfo=None), there.fold, reader, language)
    return _TIME % (exact, _LIVE if live else "", text)


def _distance_text(distance: timedelta, language: Locale) -> str:
    """Say it as ``static/js/time.js`` does, so that nothing jumps when it takes over."""
    if abs(distance) < _NOW:
        return str(gettext("just now") if distance <= timedelta() else gettext("in a moment"))
    seconds = abs(distance.days * 86400 + distance.seconds)
    unit, length = next(each for each in _UNITS if seconds >= each[1])
    return _in_units(unit, round(seconds / length), distance > timedelta(), language)


@lru_cache(_KEPT)
def _in_units(unit: str, count: int, ahead: bool, language: Locale) -> str:
    """Return what ``format_timedelta`` does, with a few texts instead of one for each second."""
    length = count * dict(_UNITS)[unit]
    return format_timedelta(
        timedelta(seconds=length if ahead else -length),
        granularity=unit,  # type: ignore[arg-type]  # one of its literals
        threshold=math.inf,  # never a greater unit: 23 hours and a half are 24 hours, no day
        add_direction=True,
        locale=language,
    )


@lru_cache(_KEPT)
def _day(value: date, language: Locale) -> str:
    return format_date(value, "medium", locale=language)


@lru_cache(_KEPT)
def _exact(there: datetime, fold: int, reader: tzinfo, language: Locale) -> Markup:
    """Return the attributes that tell a moment exactly.

    Args:
        there: the reader's, without the zone: with one it would equal those of other zones.
    """
    aware = there.replace(fold=fold, tzinfo=reader)
    return _EXACT % (aware.isoformat(), format_datetime(aware, "long", locale=language))
