"""What a form's template needs beside its fields, while it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import request
from flask_babel import gettext

from app.core.form import gather
from app.core.form_posted import MAX_ROWS
from app.runtime.form_look import Look
from app.web.i18n import pick
from app.web.values import number

_ROWS: Final = re.compile(r"(add|remove)\.(.+?)(?:\.([0-9]{1,4}))?")
"""What a button of a table says: ``add.items``, ``remove.items.2``."""

Field = Mapping[str, Any]


def rows_changed(fields: Sequence[Field], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was posted with a row more or less, if such a button was pressed."""
    found = gather(fields, raw)
    pressed = _ROWS.fullmatch(request.form.get("rows", ""))
    if pressed is None:
        return found
    verb, name, place = pressed.groups()
    rows = found.get(name)
    rows = list(rows) if isinstance(rows, list) else []
    if verb == "add" and len(rows) < MAX_ROWS:
        rows.append({})
    elif verb == "remove" and place is not None and int(place) < len(rows):
        del rows[int(place)]
    if any(each["name"] == name and each["type"] == "rows" for each in fields):
        found[name] = rows
    return found


def shown_values(fields: Sequence[Field], values: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """Return what the controls show: parts put together, ids of files with their names.

    Args:
        values: JSON values, over them what was typed.
    """
    found = gather(fields, values)
    for field in fields:
        given = found.get(field["name"])
        if field["type"] == "file" and isinstance(given, list):
            found[field["name"]] = [_file(one, look) for one in given if _file(one, look)]
    return found


def _file(given: Any, look: Look) -> Mapping[str, Any] | None:
    if isinstance(given, Mapping):
        return given
    number_ = int(given) if isinstance(given, str) and given.isdecimal() else 0
    return look.files.get(number_)


def cell_labels(fields: Sequence[Field], errors: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what the cells of tables are called that something is wrong with, by their names."""
    columns = {
        (field["name"], column["name"]): (field.get("label"), column.get("label"))
        for field in fields
        if field["type"] == "rows"
        for column in field["columns"]
    }
    found = {}
    for name in (each["field"] for each in errors):
        table, place, column = [*name.rsplit(".", 2), "", ""][:3]
        if (table, column) in columns and place.isdecimal():
            of, called = columns[table, column]
            found[name] = gettext(
                "%(table)s, row %(number)d, %(column)s",
                table=pick(of, table),
                number=int(place) + 1,
                column=pick(called, column),
            )
    return found


def context(look: Look, **addresses: str) -> dict[str, Any]:
    """Return what the macro ``field`` takes as ``around``.

    Args:
        addresses: of ``form`` (the form again, with rows added or removed), ``live`` and
            ``files`` (where a file is uploaded).
    """
    return {"hidden": look.hidden, "sums": summed(look), **addresses}


def summed(look: Look) -> dict[str, str]:
    """Return the sums as the reader writes numbers."""
    return {name: number(total) for name, total in look.sums.items()}
