"""What a browser posts for fields that are more than one control, put together.

Controls of one field have names that begin with the field's: ``price`` and
``price.currency`` of an amount; ``items.0.name`` in the first row of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

MAX_ROWS: Final = 200
"""Rows of a table."""
_AS_LIST: Final = frozenset({"multiselect", "file"})

Field = Mapping[str, Any]


def gather(fields: Sequence[Field], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was posted by the fields' names; what is together already stays.

    Names that belong to no field stay too, to be refused.
    """
    made, used = {}, set()
    for field in fields:
        name, kind = field["name"], field["type"]
        if kind == "rows":
            inner = {key for key in raw if key.startswith(f"{name}.")}
            if inner or name in raw:
                made[name] = _rows(field, raw, inner)
                used |= inner
        elif kind == "money":
            made |= _money(name, raw)
            used.add(f"{name}.currency")
        elif kind in _AS_LIST:
            if name in raw:
                made[name] = _listed(raw[name])
        elif name in raw:
            made[name] = raw[name]
    known = {field["name"] for field in fields}
    return made | {key: raw[key] for key in raw if key not in known and key not in used}


def _listed(given: Any) -> Any:
    if isinstance(given, list):
        return [each for each in given if each != ""]
    return [] if given in ("", None) else [given]


def _money(name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    currency = raw.get(f"{name}.currency")
    if name not in raw and currency is None:
        return {}
    given = raw.get(name)
    if isinstance(given, Mapping):
        return {name: given}
    return {name: {"amount": given, "currency": currency}}


def _rows(field: Field, raw: Mapping[str, Any], inner: set[str]) -> Any:
    """Return the rows in their order; a place without a number is nobody's."""
    name = field["name"]
    if not inner:
        return raw[name]
    found: dict[int, dict[str, Any]] = {}
    for key in inner:
        place, _, column = key[len(name) + 1 :].partition(".")
        if place.isascii() and place.isdecimal() and len(place) <= 4:
            found.setdefault(int(place), {})[column] = raw[key]
    return [gather(field["columns"], found[place]) for place in sorted(found)]
