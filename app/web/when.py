"""Points in time, dates and durations in the reader's language and zone."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from flask import current_app
from markupsafe import Markup, escape

from app.web.assets import drawn_icon
from app.web.i18n import LOCALES, gettext, language, zone

_NOW: Final = timedelta(minutes=1)
_NONE: Final = timedelta()
_RELATIVE_UNTIL: Final = timedelta(days=28)
_UNITS: Final = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))
_CLOSE: Final = timedelta(hours=4)
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
        "date": _day(there.date(), language()),
        "time": format_time(there, "short", locale=LOCALES[language()]),
    }
    return f"{both['date']} {both['time']}"


def moment(when: datetime | None) -> Markup:
    """Return date and time as a ``<time>``; the exact one with its zone is in the title."""
    if not when:
        return Markup()
    reader = zone()
    html = _element(_in_zone(when, reader), moment_text(when), reader, language())
    return Markup(html)  # noqa: S704 - escaped there


def relative(when: datetime | None, now: datetime | None = None) -> Markup:
    """Return how long ago or how soon as a ``<time>`` that the page keeps true by itself.

    Args:
        now: the present; default: the application's clock.

    Returns:
        Beyond four weeks the date. Empty without ``when``.
    """
    return Moments(zone(), language(), now or clock()).relative(when)


def due(when: datetime | None, overdue: bool = False, done: bool = False) -> Markup:
    """Return a task's due date as a mark with an icon: red and worded if it is over.

    Args:
        done: it does not come closer any more.
    """
    return moments().due(when, overdue, done)


def moments() -> Moments:
    """Return what tells the reader of many moments: a list asks for it once."""
    return Moments(zone(), language(), clock())


class Moments:
    """Tells one reader how far from the present things are.

    Args:
        code: of the language.
        now: the present.
    """

    __slots__ = ("_code", "_drawn", "_now", "_zone")

    def __init__(self, zone_: tzinfo, code: str, now: datetime) -> None:
        self._zone, self._code, self._now = zone_, code, now
        self._drawn: dict[bool, tuple[str, str, str]] = {}

    def relative(self, when: datetime | None) -> Markup:
        """Return a ``<time>``, as ``relative`` does."""
        return Markup(self._told(when)) if when else Markup()  # noqa: S704 - escaped there

    def due(self, when: datetime | None, overdue: bool = False, done: bool = False) -> Markup:
        """Return a mark, as ``due`` does."""
        if not when:
            return Markup()
        if overdue not in self._drawn:
            self._drawn[overdue] = _around(overdue)
        icon, before, behind = self._drawn[overdue]
        close = not overdue and not done and when - self._now < _CLOSE
        tone = "bad" if overdue else "warn" if close else "calm"
        text = f"{before}{self._told(when)}{behind}"
        html = f'<span class="due tone-{tone}">{icon}<span>{text}</span></span>'
        return Markup(html)  # noqa: S704 - escaped where they are made

    def _told(self, when: datetime) -> str:
        there = _in_zone(when, self._zone)
        distance = there - self._now
        if abs(distance) >= _RELATIVE_UNTIL:
            text = _day(there.date(), self._code)
            return _element(there, text, self._zone, self._code)
        text = _distance_text(distance, self._code)
        return _element(there, text, self._zone, self._code, live=True)


def _around(overdue: bool) -> tuple[str, str, str]:
    """Return the icon of a due date, and the texts before and behind how far it is, as HTML."""
    text = gettext("Overdue, %(when)s") if overdue else gettext("Due %(when)s")
    before, _, behind = str(Markup.escape(text)).partition("%(when)s")
    return str(drawn_icon("clock-exclamation" if overdue else "clock", small=True)), before, behind


def day(value: date | str | None) -> str:
    """Return a date; an ISO text is read as one, and other text is returned as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return _day(value, language()) if value else ""


def duration(length: timedelta | float) -> str:
    """Return a length of time in words.

    Args:
        length: a plain number is seconds.
    """
    delta = length if isinstance(length, timedelta) else timedelta(seconds=length)
    return format_timedelta(delta, threshold=1, locale=LOCALES[language()])


def _in_zone(when: datetime, reader: tzinfo) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(reader)


def _element(there: datetime, text: str, reader: tzinfo, code: str, *, live: bool = False) -> str:
    """Return ``text`` as the HTML of a ``<time>``.

    Args:
        there: in the zone ``reader``.
        live: whether the page's script rewrites the text as time goes by.
    """
    exact = _exact(there.replace(microsecond=0, tzinfo=None), there.fold, reader, code)
    return f"<time {exact}{' data-relative' if live else ''}>{escape(text)}</time>"


def _distance_text(distance: timedelta, code: str) -> str:
    """Say it as ``static/js/time.js`` does, so that nothing jumps when it takes over."""
    if abs(distance) < _NOW:
        return str(gettext("just now") if distance <= _NONE else gettext("in a moment"))
    seconds = abs(distance.days * 86400 + distance.seconds)
    unit, length = next(each for each in _UNITS if seconds >= each[1])
    return _in_units(unit, round(seconds / length), distance > _NONE, code)


@lru_cache(_KEPT)
def _in_units(unit: str, count: int, ahead: bool, code: str) -> str:
    """Return what ``format_timedelta`` does, with a few texts instead of one for each second."""
    length = count * dict(_UNITS)[unit]
    return format_timedelta(
        timedelta(seconds=length if ahead else -length),
        granularity=unit,  # type: ignore[arg-type]  # one of its literals
        threshold=math.inf,  # never a greater unit: 23 hours and a half are 24 hours, no day
        add_direction=True,
        locale=LOCALES[code],
    )


@lru_cache(_KEPT)
def _day(value: date, code: str) -> str:
    return format_date(value, "medium", locale=LOCALES[code])


@lru_cache(_KEPT)
def _exact(there: datetime, fold: int, reader: tzinfo, code: str) -> str:
    """Return the attributes that tell a moment exactly, as HTML.

    Args:
        there: the reader's, without the zone: with one it would equal those of other zones.
    """
    aware = there.replace(fold=fold, tzinfo=reader)
    title = escape(format_datetime(aware, "long", locale=LOCALES[code]))
    return f'datetime="{aware.isoformat()}" title="{title}"'
