"""Checks how a definition writes a form."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from app.core.checks import label, variable_name, whole, wrong
from app.core.compiling import Compiling, Path
from app.core.form import MAX_FIELDS, TYPES, expand, limit_of, validate
from app.core.pattern import PatternError, compile_pattern
from app.core.values import json_text

_PLAIN: Final = frozenset(
    {"name", "type", "label", "help", "placeholder", "required", "default", "read_only"}
    | {"sensitive", "span"}
)
_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "options": ("select",),
    "min": ("number", "integer", "date", "datetime"),
    "max": ("number", "integer", "date", "datetime"),
    "step": ("number", "integer"),
    "min_length": ("string", "text"),
    "max_length": ("string", "text"),
    "pattern": ("string", "text"),
    "pattern_message": ("string", "text"),
}
"""Keys that only some types heed."""
KEYS: Final = _PLAIN | _ONLY.keys()


def check_form(making: Compiling, form: Any, path: Path) -> None:
    """Note everything that is wrong with a form."""
    if isinstance(form, Mapping):
        rows = [
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
        return
    if len(rows) > MAX_FIELDS:
        making.error("too_many", path, "A form has at most %(max)d fields.", max=MAX_FIELDS)
        return
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
        _field(making, given, at)


def _field(making: Compiling, given: Any, path: Path) -> None:
    if isinstance(given, str):
        _type(making, given, path)
        if given == "select":
            making.error("missing_key", path, "A select needs options.")
        return
    if not isinstance(given, Mapping):
        making.error("wrong_type", path, "A field is a type, or an object with a type.")
        return
    making.keys(given, path, KEYS, "A field")
    errors = making.count("error")
    kind = given.get("type", "string")
    _type(making, kind, (*path, "type") if "type" in given else path)
    for name in ("label", "help", "placeholder"):
        if name in given and given[name] != "":
            label(making, given[name], (*path, name))
    if not isinstance(given.get("pattern_message", ""), str):
        wrong(making, (*path, "pattern_message"), "a text")
    for name in ("required", "read_only", "sensitive"):
        if not isinstance(given.get(name, False), bool):
            wrong(making, (*path, name), "true or false")
    if kind in TYPES:
        _limits(making, given, kind, path)
    _pattern(making, given, path)
    options = given.get("options")
    if kind == "select" and options is None:
        making.error("missing_key", path, "A select needs options.")
    if isinstance(options, str):
        making.template(options, (*path, "options"))
    elif options is not None:
        _options(making, options, (*path, "options"))
    if "default" in given:
        making.expressions_in(given["default"], (*path, "default"))
        if making.count("error") == errors:
            _default(making, given, path)


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
        if name in given and kind in _ONLY[name] and limit_of(given, name) is None:
            number = kind in _ONLY["step"]
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
