"""What people are called on pages: values hold usernames, readers are shown names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g

from app.identity.queries import display_names
from app.web.session import engine

Field = Mapping[str, Any]


def called(username: str) -> str:
    """Return the name that a person is shown by; a username of nobody is shown as it is.

    Each is looked up once a request; ``prepare`` looks many up together.
    """
    known = _known()
    if username not in known:
        _look_up({username})
    return known[username]


def prepare(shown: Iterable[tuple[Field, Any]]) -> None:
    """Look up everybody whom values name, in one query, or in none if they name nobody.

    Args:
        shown: fields or variables (``type``, and ``columns`` of a table) with their values.
    """
    known = _known()
    wanted = {name for field, value in shown for name in _named(field, value)} - known.keys()
    if wanted:
        _look_up(wanted)


def _named(field: Field, value: Any) -> Iterable[str]:
    if field.get("type") == "user" and isinstance(value, str):
        yield value
    if field.get("type") != "rows" or not isinstance(value, list):
        return
    columns = [column for column in field.get("columns") or () if column["type"] == "user"]
    for row in value if columns else ():
        for column in columns if isinstance(row, Mapping) else ():
            if isinstance(row.get(column["name"]), str):
                yield row[column["name"]]


def _known() -> dict[str, str]:
    if "people" not in g:
        g.people = {}
    known: dict[str, str] = g.people
    return known


def _look_up(usernames: set[str]) -> None:
    asked = {name for name in usernames if "\0" not in name}
    found = display_names(engine().db, asked)
    _known().update({name: found.get(name, name) for name in usernames})
