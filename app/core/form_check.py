"""Checks how a definition writes a form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.core.checks import label, variable_name, whole, wrong
from app.core.compiling import Compiling, Path
from app.core.expression import Expression
from app.core.file_types import known as known_type
from app.core.form import MAX_FIELDS, TYPES, expand, validate
from app.core.form_posted import MAX_ROWS
from app.core.form_values import MAX_FILE_SIZE, MAX_FILES, limit_of
from app.core.pattern import PatternError, compile_pattern
from app.core.values import json_text

_PLAIN: Final = frozenset(
    {"name", "type", "label", "help", "placeholder", "required", "default", "read_only"}
    | {"sensitive", "span", "show_if"}
)
_NUMBERS: Final = ("number", "integer", "money")
_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "options": ("select", "multiselect"),
    "min": (*_NUMBERS, "date", "datetime", "rows"),
    "max": (*_NUMBERS, "date", "datetime", "rows"),
    "step": _NUMBERS,
    "min_length": ("string", "text"),
    "max_length": ("string", "text"),
    "pattern": ("string", "text"),
    "pattern_message": ("string", "text"),
    "currency": ("money",),
    "accept": ("file",),
    "max_size": ("file",),
    "max_files": ("file",),
    "columns": ("rows",),
    "sum": ("number", "integer"),
}
"""Keys that only some types heed."""
KEYS: Final = _PLAIN | (_ONLY.keys() - {"sum"})
COLUMN_TYPES: Final = (
    *("string", "number", "integer", "boolean", "date", "datetime", "select", "user"),
)
COLUMN_KEYS: Final = frozenset(
    {"name", "type", "label", "placeholder", "required", "options", "min", "max", "step"}
    | {"min_length", "max_length", "pattern", "pattern_message", "sum"}
)
"""Of a column of a ``rows``."""
MAX_COLUMNS: Final = 20
SPANS: Final = ("full", "half", "third")
"""How much of the width a field takes."""
_CURRENCY: Final = re.compile("[A-Z]{3}")


def check_form(making: Compiling, form: Any, path: Path) -> None:
    """Note everything that is wrong with a form."""
    rows = _named(making, form, path, MAX_FIELDS)
    conditions = []
    for name, given, at in rows:
        _field(making, given, at)
        if isinstance(given, Mapping) and "show_if" in given:
            conditions.append((name, given["show_if"], (*at, "show_if")))
    _conditions(making, conditions, [name for name, _, _ in rows])


Row = tuple[str, Any, Path]


def _named(making: Compiling, form: Any, path: Path, most: int) -> list[Row]:
    """Return the fields of a form, or the columns of a table, with their names and places."""
    if isinstance(form, Mapping):
        rows: list[Row] = [
            (name, given, (*path, name))
            for name, given in form.items()
            if not name.startswith("x-")
        ]
    elif isinstance(form, list):
        rows = []
        for index, given in enumerate(form):
            name = given.get("name") if isinstance(given, Mapping) else None
            if not isinstance(name, str) or not name.strip():
                message = "A field in a list needs a name."
                making.error("missing_key", (*path, index), message)
                continue
            rows.append((name, given, (*path, index)))
    else:
        making.error("wrong_type", path, "A form is an object of fields, or a list of them.")
        return []
    if len(rows) > most:
        making.error("too_many", path, "A form has at most %(max)d fields.", max=most)
        return []
    seen: set[str] = set()
    for name, given, at in rows:
        if name in seen:
            making.error(
                "duplicate_id",
                (*at, "name"),
                "Two fields are called %(name)s.",
                hint="Give each field a name of its own.",
                name=name,
            )
        seen.add(name)
        if isinstance(form, Mapping):
            variable_name(making, name, at)
            if isinstance(given, Mapping) and given.get("name", name) != name:
                making.error(
                    "differs",
                    (*at, "name"),
                    "The field is called %(name)s already; leave its name out.",
                    name=name,
                )
        else:
            variable_name(making, name, (*at, "name"), key=False)
    return rows


def _conditions(
    making: Compiling, conditions: Iterable[tuple[str, Any, Path]], order: list[str]
) -> None:
    """Check that each ``show_if`` looks at nothing that stands below it."""
    for name, text, path in conditions:
        parsed = making.condition(text, path) if isinstance(text, str) else None
        if not isinstance(text, str):
            wrong(making, path, "a condition")
        if not isinstance(parsed, Expression) or name not in order:
            continue
        later = order[order.index(name) :]
        for other in parsed.names:
            if other in later:
                making.error(
                    "later_field",
                    path,
                    "show_if of %(name)s looks at %(other)s, which is not above it.",
                    hint="Move the field below what decides whether it is shown.",
                    name=name,
                    other=other,
                )


def _field(making: Compiling, given: Any, path: Path) -> None:
    if isinstance(given, str):
        _type(making, given, path)
        for needy, key in _NEEDS.items():
            if given == needy:
                _needs(making, needy, key, path)
        return
    if not isinstance(given, Mapping):
        making.error("wrong_type", path, "A field is a type, or an object with a type.")
        return
    making.keys(given, path, KEYS, "A field")
    errors = making.count("error")
    kind = given.get("type", "string")
    _type(making, kind, (*path, "type") if "type" in given else path)
    _parts(making, given, kind, path)
    _details(making, given, kind, path)
    if given.get("span", "full") not in SPANS:
        wrong(making, (*path, "span"), "one of %(choices)s", choices=", ".join(SPANS))
    if "default" in given:
        making.expressions_in(given["default"], (*path, "default"))
        if making.count("error") == errors:
            _default(making, given, path)


_NEEDS: Final = {"select": "options", "multiselect": "options", "rows": "columns"}


def _needs(making: Compiling, kind: str, key: str, path: Path) -> None:
    what = "A select needs options." if key == "options" else "A table needs columns."
    making.error("missing_key", path, what, type=kind)


def _parts(making: Compiling, given: Mapping[str, Any], kind: Any, path: Path) -> None:
    """Check what fields and columns have in common."""
    for name in ("label", "help", "placeholder", "pattern_message"):
        if name in given and given[name] != "":
            label(making, given[name], (*path, name))
    for name in ("required", "read_only", "sensitive", "sum"):
        if not isinstance(given.get(name, False), bool):
            wrong(making, (*path, name), "true or false")
    if kind in TYPES:
        _limits(making, given, kind, path)
    _pattern(making, given, path)
    options = given.get("options")
    key = _NEEDS.get(kind) if isinstance(kind, str) else None
    if key is not None and given.get(key) is None:
        _needs(making, kind, key, path)
    if isinstance(options, str):
        making.template(options, (*path, "options"))
    elif options is not None:
        _options(making, options, (*path, "options"))


def _details(making: Compiling, given: Mapping[str, Any], kind: Any, path: Path) -> None:
    """Check what amounts, files and tables have of their own."""
    if "currency" in given:
        codes = given["currency"]
        codes = [codes] if isinstance(codes, str) else codes
        if not isinstance(codes, list) or not codes or not all(map(_is_currency, codes)):
            wrong(making, (*path, "currency"), "a currency of three letters like EUR, or a list")
    if "accept" in given:
        accept = given["accept"]
        texts = accept.split(",") if isinstance(accept, str) else accept
        if not isinstance(texts, list) or not texts or not all(map(_is_accepted, texts)):
            expected = "types of files that are known by their content, like .pdf or image/*"
            wrong(making, (*path, "accept"), expected)
    if not whole(given.get("max_size", 1), 1, MAX_FILE_SIZE):
        wrong(making, (*path, "max_size"), "bytes, from 1 to %(max)d", max=MAX_FILE_SIZE)
    if not whole(given.get("max_files", 1), 1, MAX_FILES):
        wrong(making, (*path, "max_files"), "a whole number from 1 to %(max)d", max=MAX_FILES)
    if kind == "rows" and given.get("columns") is not None:
        _columns(making, given["columns"], (*path, "columns"))


def _is_currency(code: Any) -> bool:
    return isinstance(code, str) and _CURRENCY.fullmatch(code) is not None


def _is_accepted(one: Any) -> bool:
    return isinstance(one, str) and known_type(one.strip())


def _columns(making: Compiling, columns: Any, path: Path) -> None:
    rows = _named(making, columns, path, MAX_COLUMNS)
    if not rows and isinstance(columns, list | Mapping) and not columns:
        making.error("missing_key", path, "A table needs columns.")
    for name, given, at in rows:
        if "." in name:
            making.error("bad_column", at, "The name of a column has no dots.", name=name)
        column = {"type": given} if isinstance(given, str) else given
        if not isinstance(column, Mapping):
            making.error("wrong_type", at, "A field is a type, or an object with a type.")
            continue
        making.keys(column, at, COLUMN_KEYS, "A column")
        kind = column.get("type", "string")
        if kind not in COLUMN_TYPES:
            making.error(
                "unknown_field_type",
                (*at, "type") if "type" in column else at,
                "A column cannot be of the type %(type)s.",
                hint="Known types: %(known)s.",
                type=str(kind)[:100],
                known=", ".join(COLUMN_TYPES),
            )
            continue
        _parts(making, column, kind, at)


def _type(making: Compiling, kind: Any, path: Path) -> None:
    if kind not in TYPES:
        making.error(
            "unknown_field_type",
            path,
            "There is no field type %(type)s.",
            hint="Known types: %(known)s.",
            type=str(kind)[:100],
            known=", ".join(TYPES),
        )


def _limits(making: Compiling, given: Mapping[str, Any], kind: str, path: Path) -> None:
    """Check what bounds the values of a field."""
    for name, kinds in _ONLY.items():
        if name in given and kind not in kinds:
            making.say(
                "warning",
                "unused_key",
                (*path, name),
                "%(name)s means nothing for a field of type %(type)s.",
                hint="Remove it, or change the type.",
                key=True,
                name=name,
                type=kind,
            )
    for name in ("min_length", "max_length"):
        if not whole(given.get(name, 0), 0, 1_000_000):
            wrong(making, (*path, name), "a whole number ≥ 0")
    for name in ("min", "max"):
        if kind == "rows" and not whole(given.get(name, 0), 0, MAX_ROWS):
            wrong(making, (*path, name), "a whole number from 0 to %(max)d", max=MAX_ROWS)
        elif name in given and kind in _ONLY[name] and limit_of(given, name) is None:
            number = kind in _NUMBERS
            wrong(making, (*path, name), "a number" if number else "a date, like 2026-01-31")
    if "step" in given and (isinstance(given["step"], bool) or not _positive(given["step"])):
        wrong(making, (*path, "step"), "a number above 0")
    low, high = limit_of(given, "min"), limit_of(given, "max")
    least, most = given.get("min_length", 0), given.get("max_length")
    if low is not None and high is not None and low > high:
        making.error("empty_range", (*path, "max"), "No value is at least min and at most max.")
    elif whole(least, 0, 1_000_000) and whole(most, 0, 1_000_000) and least > most:
        making.error(
            "empty_range", (*path, "max_length"), "No text is so long and so short at once."
        )


def _positive(value: Any) -> bool:
    return isinstance(value, int | Decimal) and value > 0


def _default(making: Compiling, given: Mapping[str, Any], path: Path) -> None:
    """Check that a default that is written out is a value of the field."""
    default = given["default"]
    if default is None or isinstance(given.get("options"), str) or "${" in json_text(default):
        return
    [field] = expand([{**given, "name": "default", "read_only": False}])
    _, errors = validate([field], {"default": default}, text=False)
    if errors:
        making.error(
            "bad_default",
            (*path, "default"),
            "The default does not fit the field: %(problem)s",
            problem=errors[0].text(),
        )


def _pattern(making: Compiling, given: Mapping[str, Any], path: Path) -> None:
    pattern = given.get("pattern", "")
    if not isinstance(pattern, str):
        wrong(making, (*path, "pattern"), "a text")
        return
    try:
        compile_pattern(pattern)
    except PatternError as error:
        making.error("bad_pattern", (*path, "pattern"), "%(problem)s", problem=error.text())


def _options(making: Compiling, options: Any, path: Path) -> None:
    if not isinstance(options, list) or not options:
        making.error("wrong_type", path, "Options are a list that is not empty.")
        return
    for index, option in enumerate(options):
        at = (*path, index)
        value = option
        if isinstance(option, Mapping):
            making.keys(option, at, ("value", "label"), "An option")
            if "value" not in option:
                making.error("missing_key", at, "An option needs a value.")
                continue
            value = option["value"]
            if "label" in option:
                label(making, option["label"], (*at, "label"))
        if value is None or isinstance(value, list | Mapping):
            making.error("wrong_type", at, "An option is a text or number, or {value, label}.")
        else:
            making.expressions_in(value, at if value is option else (*at, "value"))
