"""Forms: one validator for what a browser posts and what an API client sends.

A field is a plain dict ``{name, type, label, …}``; :func:`expand` made it from any of the
ways in which a definition may write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.core.form_posted import MAX_ROWS, gather
from app.core.form_seen import NOTHING, Seen, is_shown
from app.core.form_values import (
    Field,
    Marks,
    file_ids,
    limit_of,
    options_of,
    read_value,
    username_of,
)
from app.core.values import check_json
from app.errors import FieldError

__all__ = [
    "MAX_FIELDS",
    "TYPES",
    "Field",
    "Filled",
    "Seen",
    "expand",
    "fill",
    "gather",
    "limit_of",
    "mentioned",
    "options_of",
    "sums",
    "validate",
]

TYPES: Final = (
    *("boolean", "string", "text", "number", "integer", "money", "date", "datetime"),
    *("select", "multiselect", "user", "file", "rows", "note"),
)
MAX_FIELDS: Final = 200
MAX_NAME: Final = 100
"""Characters that a username is looked up with."""
_LISTS: Final = frozenset({"multiselect", "file", "rows"})
"""Types whose value is a list; nothing filled in is an empty one."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was filled in.

    Args:
        values: to keep, by name.
        errors: one for each wrong value.
        hidden: names of the fields that ``show_if`` hides.
    """

    values: dict[str, Any]
    errors: tuple[FieldError, ...]
    hidden: frozenset[str]


def expand(form: Any) -> tuple[dict[str, Any], ...]:
    """Return the fields of a form in order: from name → type, name → field, or a list."""
    if isinstance(form, Mapping):
        rows = [
            {"name": name, **({"type": given} if isinstance(given, str) else given)}
            for name, given in form.items()
            if not name.startswith("x-")
        ]
    else:
        rows = [dict(row) for row in form or ()]
    return tuple(_expanded(row) for row in rows)


def _expanded(row: dict[str, Any]) -> dict[str, Any]:
    full = {"type": "string", "required": False, **row}
    full.setdefault("label", full["name"])
    if isinstance(full.get("options"), list):
        full["options"] = options_of(full["options"])
    if isinstance(full.get("accept"), str):
        full["accept"] = [one.strip() for one in full["accept"].split(",")]
    if full["type"] == "rows":
        full["columns"] = list(expand(full.get("columns")))
    return full


def validate(
    fields: Sequence[Field],
    raw: Mapping[str, Any],
    *,
    text: bool,
    locale_marks: Marks | None = None,
    seen: Seen = NOTHING,
) -> tuple[dict[str, Any], tuple[FieldError, ...]]:
    """Judge what was filled in; all errors at once. Same as ``fill``, without what is hidden."""
    filled = fill(fields, raw, text=text, locale_marks=locale_marks, seen=seen)
    return filled.values, filled.errors


def fill(
    fields: Sequence[Field],
    raw: Mapping[str, Any],
    *,
    text: bool,
    locale_marks: Marks | None = None,
    seen: Seen = NOTHING,
) -> Filled:
    """Judge what was filled in; all errors at once.

    Fields are gone through in their order: ``show_if`` sees those above, each as it was
    filled in. What is hidden is neither required nor kept, and null for those below.

    Args:
        raw: by field name. With ``text`` what a browser posts (texts), else JSON values.
        locale_marks: grouping and decimal mark that a person may type; default ``,`` ``.``.
        seen: what the form is judged against.

    Returns:
        The values to keep, and one error per wrong value. A field that was left empty in
        the page is kept as null; one that a client did not send is not touched.
    """
    given = gather(fields, raw) if text else raw
    values: dict[str, Any] = {}
    hidden: set[str] = set()
    scope = dict(seen.scope) if any("show_if" in field for field in fields) else None
    known = {field["name"] for field in fields if field["type"] != "note"}
    errors = [
        FieldError(str(name), "unknown_field", "The form has no such field.")
        for name in given
        if name not in known
    ]
    for field in fields:
        name = field["name"]
        if scope is not None and not is_shown(field, scope, seen.now):
            hidden.add(name)
            if field["type"] != "note":
                scope[name] = None
            continue
        wrong = _one(field, given, text, locale_marks or (",", "."), seen, values)
        errors += wrong
        told = name in values or ((text or name in given) and name not in seen.kept)
        if scope is not None and told:
            scope[name] = values.get(name) if not field.get("read_only") else scope.get(name)
    return Filled(values, tuple(errors), frozenset(hidden))


def _one(
    field: Field,
    raw: Mapping[str, Any],
    text: bool,
    marks: Marks,
    seen: Seen,
    values: dict[str, Any],
) -> list[FieldError]:
    """Judge one field that is shown; put its value into ``values`` or return what is wrong."""
    name, kind = field["name"], field["type"]
    if kind == "note" or (field.get("read_only") and text):
        return []
    if field.get("read_only") and name in raw:
        return [FieldError(name, "read_only", "This value cannot be changed here.")]
    given = raw.get(name)
    if kind == "rows" and isinstance(given, list) and all(_blank(row, text) for row in given):
        given = []
    if _empty(given, text, kind):
        if name in seen.kept and not (kind == "boolean" and field.get("required")):
            return []
        if field.get("required") and not field.get("read_only"):
            return [FieldError(name, "required", _MISSING.get(kind, "Fill this in."))]
        if name in raw or text:
            values[name] = [] if kind in _LISTS and (text or given == []) else None
        return []
    if kind == "rows":
        rows, wrong = _rows(field, given, text, marks, seen)
        if not wrong:
            values[name] = rows
        return wrong
    value, problem = read_value(field, given, text, marks, seen)
    problem = problem or _unstorable(value)
    if problem is not None:
        return [FieldError(name, *problem)]
    values[name] = value
    return []


_MISSING: Final = {
    "boolean": "Choose yes or no.",
    "multiselect": "Choose at least one.",
    "file": "Add a file.",
    "rows": "Add a row.",
}


def _empty(given: Any, text: bool, kind: str) -> bool:
    """Say whether nothing was filled in; a browser posts a list when nothing is ticked."""
    if isinstance(given, str):
        return not given.strip()
    if kind == "money" and isinstance(given, Mapping):
        return _empty(given.get("amount"), text, "")
    return given is None or (given == [] and (text or kind in _LISTS))


def _blank(row: Any, text: bool) -> bool:
    """Say whether nothing at all was filled in in a row that a browser posts."""
    return text and isinstance(row, Mapping) and all(_empty(one, text, "") for one in row.values())


def _rows(
    field: Field, given: Any, text: bool, marks: Marks, seen: Seen
) -> tuple[list[dict[str, Any]], list[FieldError]]:
    """Judge a table; the errors name the cell: ``items.0.price``."""
    name = field["name"]
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        return [], [FieldError(name, "wrong_type", "This must be a list of objects.")]
    filled = [(place, row) for place, row in enumerate(given) if not _blank(row, text)]
    least, most = field.get("min", 0), min(field.get("max", MAX_ROWS), MAX_ROWS)
    if len(filled) > most:
        return [], [FieldError(name, "too_many", "Use at most %(max)d rows.", {"max": most})]
    if len(filled) < least:
        return [], [FieldError(name, "too_few", "Fill in at least %(min)d rows.", {"min": least})]
    rows, errors = [], []
    for place, row in filled:
        values, wrong = validate(field["columns"], row, text=text, locale_marks=marks, seen=seen)
        errors += [
            FieldError(f"{name}.{place}.{each.field}", each.code, each.message, each.params)
            for each in wrong
        ]
        rows.append(values)
    problem = None if errors else _unstorable(rows)
    return rows, [*errors, *([FieldError(name, *problem)] if problem else [])]


def _unstorable(value: Any) -> tuple[str, str, Mapping[str, Any] | None] | None:
    problem = check_json(value)
    return (problem.code, problem.message, problem.params) if problem else None


def sums(
    fields: Sequence[Field],
    raw: Mapping[str, Any],
    *,
    text: bool,
    locale_marks: Marks | None = None,
) -> dict[str, Decimal | int]:
    """Return the sum of each column that has one, by ``rows.column``.

    What is no number (yet) counts as 0; the arguments are those of ``fill``.
    """
    given = gather(fields, raw) if text else raw
    found: dict[str, Decimal | int] = {}
    for field in fields:
        if field["type"] != "rows":
            continue
        rows = given.get(field["name"])
        for column in field["columns"]:
            if column.get("sum"):
                cells = [
                    read_value(
                        column, row.get(column["name"]), text, locale_marks or (",", "."), NOTHING
                    )
                    for row in (rows if isinstance(rows, list) else ())[:MAX_ROWS]
                    if isinstance(row, Mapping)
                ]
                numbers = [value for value, _ in cells if value is not None]
                found[f"{field['name']}.{column['name']}"] = sum(numbers)
    return found


def mentioned(
    fields: Sequence[Field], raw: Mapping[str, Any], *, text: bool
) -> tuple[frozenset[str], frozenset[int]]:
    """Return the usernames and the ids of files that were filled in, to be looked up."""
    users: set[str] = set()
    files: set[int] = set()
    for field, given in _filled_in(fields, gather(fields, raw) if text else raw):
        if field["type"] == "user" and isinstance(given, str) and _may_be_name(given):
            users.add(username_of(given))
        elif field["type"] == "file" and given is not None:
            files.update(file_ids(given) or ())
    return frozenset(users), frozenset(files)


def _may_be_name(given: str) -> bool:
    """Say whether a text can be looked up at all."""
    return len(given) <= MAX_NAME and given.isprintable()


def _filled_in(fields: Sequence[Field], raw: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    for field in fields:
        given = raw.get(field["name"])
        if field["type"] != "rows":
            yield field, given
            continue
        for row in given[:MAX_ROWS] if isinstance(given, list) else ():
            if isinstance(row, Mapping):
                yield from _filled_in(field["columns"], row)
