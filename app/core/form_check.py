"""Checks how a definition writes a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.core.form import MAX_FIELDS, TYPES
from app.core.pattern import PatternError, compile_pattern

KEYS: Final = frozenset(
    {"name", "type", "label", "help", "placeholder", "required", "default", "read_only"}
    | {"options", "min", "max", "min_length", "max_length", "pattern", "pattern_message"}
    | {"step", "sensitive", "span"}
)


def check_form(making: Compiling, form: Any, path: Path) -> None:
    """Note everything that is wrong with a form."""
    if isinstance(form, Mapping):
        rows = [(name, given, (*path, name)) for name, given in form.items()]
    elif isinstance(form, list):
        rows = []
        for index, given in enumerate(form):
            name = given.get("name") if isinstance(given, Mapping) else None
            if not isinstance(name, str) or not name:
                message = "A field in a list needs a name."
                making.error("missing_key", (*path, index), message)
                continue
            rows.append((name, given, (*path, index)))
    else:
        making.error("wrong_type", path, "A form is an object of fields, or a list of them.")
        return
    if len(rows) > MAX_FIELDS:
        making.error("too_many", path, "A form has at most %(max)d fields.", max=MAX_FIELDS)
    seen: set[str] = set()
    for name, given, at in rows:
        if name in seen:
            making.error("duplicate_id", at, "Two fields are called %(name)s.", name=name)
        seen.add(name)
        _field(making, given, at)


def _field(making: Compiling, given: Any, path: Path) -> None:
    if isinstance(given, str):
        _type(making, given, path)
        return
    if not isinstance(given, Mapping):
        making.error("wrong_type", path, "A field is a type, or an object with a type.")
        return
    for name in given:
        if name not in KEYS and not name.startswith("x-"):
            making.unknown((*path, name), name, KEYS, "A field")
    kind = given.get("type", "string")
    _type(making, kind, (*path, "type") if "type" in given else path)
    for name in ("required", "read_only", "sensitive"):
        if not isinstance(given.get(name, False), bool):
            making.error("wrong_type", (*path, name), "This must be true or false.")
    for name in ("min_length", "max_length"):
        value = given.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            making.error("wrong_type", (*path, name), "This must be a whole number ≥ 0.")
    for name in ("min", "max"):
        if name in given and kind in {"number", "integer"} and isinstance(given[name], str | bool):
            making.error("wrong_type", (*path, name), "This must be a number.")
    _pattern(making, given, path)
    if "default" in given:
        making.expressions_in(given["default"], (*path, "default"))
    options = given.get("options")
    if kind == "select" and options is None:
        making.error("missing_key", path, "A select needs options.")
    if isinstance(options, str):
        making.template(options, (*path, "options"))
    elif options is not None:
        _options(making, options, (*path, "options"))


def _type(making: Compiling, kind: Any, path: Path) -> None:
    if kind not in TYPES:
        making.error(
            "unknown_field_type",
            path,
            "There is no field type %(type)s.",
            hint="Known types: %(known)s.",
            type=str(kind),
            known=", ".join(TYPES),
        )


def _pattern(making: Compiling, given: Mapping[str, Any], path: Path) -> None:
    if "pattern" not in given:
        return
    try:
        compile_pattern(given["pattern"] if isinstance(given["pattern"], str) else "(")
    except PatternError as error:
        making.error("bad_pattern", (*path, "pattern"), "%(problem)s", problem=error.message)


def _options(making: Compiling, options: Any, path: Path) -> None:
    if not isinstance(options, list) or not options:
        making.error("wrong_type", path, "Options are a list that is not empty.")
        return
    for index, option in enumerate(options):
        if isinstance(option, Mapping) and "value" not in option:
            making.error("missing_key", (*path, index), "An option needs a value.")
        elif isinstance(option, list):
            making.error("wrong_type", (*path, index), "An option is a value or {value, label}.")
