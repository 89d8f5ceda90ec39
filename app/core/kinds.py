"""How the value of each kind of key is checked. Every checker notes all it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.core.duration import DurationError, parse_duration
from app.core.form_check import check_form
from app.core.keys import Key
from app.core.retry import BACKOFFS
from app.core.values import read_date, read_datetime
from app.errors import Phrase

Checker = Callable[[Compiling, Key, Any, Path], None]

OUTCOME_KEYS: Final = frozenset({"id", "label", "next", "style", "requires", "confirm", "set"})
STYLES: Final = ("primary", "danger", "plain")
RETRY_KEYS: Final = frozenset(
    {"max_attempts", "backoff", "initial", "factor", "max_interval", "jitter", "retry_on"}
    | {"do_not_retry"}
)


def check_object(
    making: Compiling, keys: Iterable[Key], given: Mapping[str, Any], path: Path, what: str
) -> None:
    """Check an object's keys and the value of each."""
    by_name = {key.name: key for key in keys}
    for name, value in given.items():
        key = by_name.get(name)
        if key is not None:
            CHECKERS[key.kind](making, key, value, (*path, name))
        elif not name.startswith("x-"):
            making.unknown((*path, name), name, by_name, what)
    for key in by_name.values():
        if key.required and key.name not in given:
            params = {"what": Phrase(what), "name": key.name}
            making.error("missing_key", path, "%(what)s needs %(name)s.", **params)


def wrong(making: Compiling, path: Path, expected: str, **params: Any) -> None:
    """Note a value of the wrong shape; ``params`` fill ``expected``."""
    wanted = Phrase(expected, **params)
    making.error("wrong_type", path, "This must be %(expected)s.", expected=wanted)


def _text(making: Compiling, key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, str) or not value.strip():
        wrong(making, path, "a text that is not empty")
    elif key.expr:
        making.template(value, path)


def _label(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    label(making, value, path)


def label(making: Compiling, value: Any, path: Path) -> None:
    """Check a label: a text, or one per language."""
    if isinstance(value, str) and value.strip():
        return
    if isinstance(value, dict) and value and all(isinstance(v, str) and v for v in value.values()):
        return
    wrong(making, path, 'a text, or one per language: {"en": "…", "zh": "…"}')


def _flag(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        wrong(making, path, "true or false")


def _choice(making: Compiling, key: Key, value: Any, path: Path) -> None:
    if value not in key.choices:
        wrong(making, path, "one of %(choices)s", choices=", ".join(key.choices))


def _target(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, str):
        wrong(making, path, "the id of a step")


def _duration(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    duration(making, value, path)


def duration(making: Compiling, value: Any, path: Path) -> None:
    """Check a fixed length of time (``30s``, ``1h30m``, ``PT2H``)."""
    try:
        if not isinstance(value, str):
            raise DurationError("This must be a duration.")
        parse_duration(value).fixed_seconds()
    except DurationError as error:
        _bad_duration(making, path, error)


def _bad_duration(making: Compiling, path: Path, error: DurationError) -> None:
    remedy = {"hint": "%(remedy)s", "remedy": error.hint}
    making.error("bad_duration", path, "%(problem)s", problem=error.message, **remedy)


def _due(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, str):
        wrong(making, path, "a duration, a date or an expression")
        return
    template = making.template(value, path)
    if template is None or not template.is_literal:
        return
    if read_date(value) is not None or read_datetime(value) is not None:
        return
    try:
        parse_duration(value)
    except DurationError as error:
        _bad_duration(making, path, error)


def _priority(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str) and "${" in value:
        making.template(value, path)
    elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        wrong(making, path, "a whole number from 0 to 100, or an expression")


def _names(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str) and "${" in value:
        making.template(value, path)
    elif isinstance(value, list) and all(isinstance(name, str) and name for name in value):
        making.expressions_in(value, path)
    else:
        wrong(making, path, "a list of names, or an expression that gives one")


def _expr_map(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, Mapping):
        making.expressions_in(value, path)
    else:
        wrong(making, path, "an object")


def _form(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    check_form(making, value, path)


def _retry(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, Mapping):
        wrong(making, path, "an object")
        return
    for name in value:
        if name not in RETRY_KEYS:
            making.unknown((*path, name), name, RETRY_KEYS, "A retry policy")
    attempts = value.get("max_attempts", 1)
    if isinstance(attempts, bool) or not isinstance(attempts, int) or not 1 <= attempts <= 1000:
        wrong(making, (*path, "max_attempts"), "a whole number from 1 to 1000")
    if value.get("backoff", "fixed") not in BACKOFFS:
        wrong(making, (*path, "backoff"), "one of %(choices)s", choices=", ".join(BACKOFFS))
    factor = value.get("factor", 2)
    if isinstance(factor, bool) or not isinstance(factor, int | Decimal) or not 1 <= factor <= 100:
        wrong(making, (*path, "factor"), "a number from 1 to 100")
    for name in ("initial", "max_interval"):
        if name in value:
            duration(making, value[name], (*path, name))
    if not isinstance(value.get("jitter", True), bool):
        wrong(making, (*path, "jitter"), "true or false")
    for name in ("retry_on", "do_not_retry"):
        codes = value.get(name, [])
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            wrong(making, (*path, name), "a list of error codes")


def _outcomes(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list) or not value:
        wrong(making, path, "a list of outcomes")
        return
    seen: set[str] = set()
    for index, row in enumerate(value):
        at = (*path, index)
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
            wrong(making, at, "an object with an id")
            continue
        for name in row:
            if name not in OUTCOME_KEYS and not name.startswith("x-"):
                making.unknown((*at, name), name, OUTCOME_KEYS, "An outcome")
        if row["id"] in seen:
            making.error(
                "duplicate_id", (*at, "id"), "Two outcomes are called %(id)s.", id=row["id"]
            )
        seen.add(row["id"])
        if "label" in row:
            label(making, row["label"], (*at, "label"))
        if row.get("style", "plain") not in STYLES:
            wrong(making, (*at, "style"), "one of %(choices)s", choices=", ".join(STYLES))
        if not isinstance(row.get("requires", []), list):
            wrong(making, (*at, "requires"), "a list of field names")
        if "set" in row:
            _expr_map(making, _key, row["set"], (*at, "set"))


def _conditions(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        wrong(making, path, "a list of {expression, next}")
        return
    for index, row in enumerate(value):
        at = (*path, index)
        if not isinstance(row, Mapping):
            wrong(making, at, "an object with expression and next")
            continue
        for name in row:
            if name not in {"expression", "next", "label"} and not name.startswith("x-"):
                making.unknown((*at, name), name, ("expression", "next", "label"), "A condition")
        for name in ("expression", "next"):
            if not isinstance(row.get(name), str):
                making.error("missing_key", at, "A condition needs %(name)s.", name=name)
        if isinstance(row.get("expression"), str):
            making.condition(row["expression"], (*at, "expression"))


CHECKERS: Final[Mapping[str, Checker]] = {
    "text": _text,
    "label": _label,
    "flag": _flag,
    "choice": _choice,
    "target": _target,
    "duration": _duration,
    "due": _due,
    "priority": _priority,
    "names": _names,
    "expr_map": _expr_map,
    "form": _form,
    "retry": _retry,
    "outcomes": _outcomes,
    "conditions": _conditions,
}
