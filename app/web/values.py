"""Values of variables for people: exact numbers, readable lists and objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from babel.numbers import format_decimal
from flask_babel import gettext, ngettext
from markupsafe import Markup

from app.web.i18n import language, pick
from app.web.people import called
from app.web.when import day, local, moment
from app.web.words import yes_no

_MAX_DEPTH: Final = 4
_MAX_ITEMS: Final = 50
_MAX_PLACES: Final = 20
"""Decimal places up to which zeros at the end are kept."""
_SHORT_LIST: Final = 60
"""Characters up to which a list of plain values stands in one line."""


def number(value: Decimal | int) -> str:
    """Return a number with the reader's marks and every digit that it has."""
    places = 0
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        places = min(_MAX_PLACES, -exponent) if isinstance(exponent, int) else 0
    zeros = "." + "0" * places if places > 0 else ""
    return format_decimal(
        value, format=f"#,##0{zeros}", locale=language(), decimal_quantization=False
    )


def value(item: Any, kind: str | None = None) -> str:
    """Return a value as HTML that a person can read.

    Args:
        item: a JSON value with exact numbers.
        kind: its declared type, if known; tells a date from other text.
    """
    return Markup.escape(_shown(item, kind, 0))


def field_value(item: Any, field: Mapping[str, Any]) -> str:
    """Return a value as HTML, by the form field or variable that it is of.

    Args:
        field: its ``type``, and ``options`` if it is one of several.
    """
    for option in field.get("options") or ():
        if isinstance(option, Mapping) and item is not None and option["value"] == item:
            return Markup.escape(pick(option.get("label"), str(item)))
    return value(item, field.get("type"))


def input_text(item: Any, kind: str | None = None) -> str:
    """Return a value as the text that a form's control starts with.

    Args:
        item: a JSON value, or the text that was typed before.
        kind: the field's type; a datetime is shown in the reader's zone.
    """
    if item is None:
        return ""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | Decimal):
        return format(item, "f") if isinstance(item, Decimal) else str(item)
    if kind == "datetime":
        return _local_input(item)
    return item.isoformat() if isinstance(item, date) else str(item)


def _local_input(item: Any) -> str:
    """Return what ``<input type=datetime-local>`` takes; what was typed stays as typed."""
    try:
        when = item if isinstance(item, datetime) else datetime.fromisoformat(str(item))
    except ValueError:
        return str(item)
    there = local(when).replace(tzinfo=None) if when.tzinfo else when
    return there.isoformat(timespec="seconds" if there.second else "minutes")


def _shown(item: Any, kind: str | None, depth: int) -> str:
    if item is None or item == "":
        return Markup('<span class="muted">{}</span>').format(gettext("Not set"))
    if isinstance(item, bool):
        return yes_no(item)
    if isinstance(item, int | Decimal):
        return number(item)
    if isinstance(item, datetime) or (kind == "datetime" and isinstance(item, str)):
        return _moment(item)
    if isinstance(item, date) or (kind == "date" and isinstance(item, str)):
        return day(item)
    if isinstance(item, str):
        text = called(item) if kind == "user" else item
        return Markup('<span class="value-text">{}</span>').format(text)
    if depth >= _MAX_DEPTH:
        return Markup("<code>{}</code>").format(json.dumps(item, ensure_ascii=False, default=str))
    if isinstance(item, Mapping):
        return _object(item, depth)
    if isinstance(item, Sequence):
        return _list(item, depth)
    return str(item)


def _moment(item: datetime | str) -> str:
    if isinstance(item, datetime):
        return moment(item)
    try:
        return moment(datetime.fromisoformat(item))
    except ValueError:
        return item


def _list(items: Sequence[Any], depth: int) -> str:
    if not items:
        return Markup('<span class="muted">{}</span>').format(gettext("Empty list"))
    if all(isinstance(item, str | int | Decimal) for item in items):
        line = str(gettext(", ")).join(
            item if isinstance(item, str) else _shown(item, None, depth) for item in items
        )
        if len(line) <= _SHORT_LIST and "\n" not in line:
            return line
    rows = Markup().join(
        Markup("<li>{}</li>").format(_shown(item, None, depth + 1)) for item in items[:_MAX_ITEMS]
    )
    return Markup('<ol class="value-list">{}{}</ol>').format(rows, _more(len(items), "li"))


def _object(item: Mapping[str, Any], depth: int) -> str:
    if not item:
        return Markup('<span class="muted">{}</span>').format(gettext("Empty"))
    shown = list(item.items())[:_MAX_ITEMS]
    rows = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(name, _shown(part, None, depth + 1))
        for name, part in shown
    )
    more = _more(len(item), "dd")
    return Markup('<dl class="value-object">{}{}</dl>').format(
        rows, Markup("<dt></dt>{}").format(more) if more else ""
    )


def _more(count: int, tag: str) -> Markup:
    left = count - _MAX_ITEMS
    if left <= 0:
        return Markup()
    text = ngettext("and %(num)d more", "and %(num)d more", left)
    return Markup('<{0} class="muted">{1}</{0}>').format(tag, text)
