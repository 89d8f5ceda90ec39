"""How the value of each kind of key is checked. Every checker notes all it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.core.checks import label as check_label
from app.core.checks import variable_name, whole, wrong
from app.core.compiling import Compiling, Path
from app.core.duration import DurationError, parse_duration
from app.core.form_check import check_form
from app.core.keys import Key
from app.core.retry import BACKOFFS
from app.core.values import read_date, read_datetime
from app.core.verbs import VERBS
from app.errors import Phrase

Checker = Callable[[Compiling, Key, Any, Path], None]

RETRY_KEYS: Final = frozenset(
    {"max_attempts", "backoff", "initial", "factor", "max_interval", "jitter", "retry_on"}
    | {"do_not_retry"}
)

MAX_NAMED: Final = 6
"""Variables that a row has room for."""


def check_object(
    making: Compiling, keys: Iterable[Key], given: Mapping[str, Any], path: Path, what: str
) -> None:
    """Check an object's keys and the value of each."""
    by_name = {key.name: key for key in keys}
    making.keys(given, path, by_name, what)
    for name, key in by_name.items():
        if name in given:
            CHECKERS[key.kind](making, key, given[name], (*path, name))
    for key in by_name.values():
        if key.required and key.name not in given:
            making.error(
                "missing_key", path, "%(what)s needs %(name)s.", what=Phrase(what), name=key.name
            )


def _text(making: Compiling, key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, str) or not value.strip():
        wrong(making, path, "a text that is not empty")
    elif key.expr:
        making.template(value, path)
    elif "${" in value:
        making.say(
            "warning",
            "not_evaluated",
            path,
            "${…} is not evaluated here: %(name)s is taken as it is written.",
            name=key.name,
        )


def _label(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    check_label(making, value, path)


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
    duration(making, value, path, least=1)


def duration(making: Compiling, value: Any, path: Path, *, least: int = 0) -> None:
    """Check a fixed length of time (``30s``, ``1h30m``, ``PT2H``) of ``least`` seconds."""
    try:
        if not isinstance(value, str):
            raise DurationError("This must be a duration.")
        if parse_duration(value).fixed_seconds() < least:
            raise DurationError("This must be longer than nothing.")
    except DurationError as error:
        bad_duration(making, path, error)


def bad_duration(making: Compiling, path: Path, error: DurationError) -> None:
    """Note that a text is no duration, and what to write instead."""
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
        bad_duration(making, path, error)


def _priority(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str) and "${" in value:
        making.template(value, path)
    elif not whole(value, 0, 100):
        wrong(making, path, "a whole number from 0 to 100, or an expression")


def _ratio(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str) and "${" in value:
        making.template(value, path)
    elif isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value <= 1:
        wrong(making, path, "a number above 0 and up to 1, or an expression")


def _field(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, str) or not value.strip():
        wrong(making, path, "the name of a field")


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


def _variables(making: Compiling, key: Key, value: Any, path: Path) -> None:
    """Check a map whose keys become variables."""
    _expr_map(making, key, value, path)
    for name in value if isinstance(value, Mapping) else ():
        variable_name(making, name, (*path, name))


def _variable_names(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    """Check a list of variables that are read as they are."""
    if not _texts(value) or len(value) > MAX_NAMED:
        wrong(making, path, "a list of at most %(max)d names of variables", max=MAX_NAMED)
        return
    for index, name in enumerate(value):
        variable_name(making, name, (*path, index), key=False)
        making.reads.setdefault(name, (*path, index))


def _form(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    check_form(making, value, path)


def _retry(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, Mapping):
        wrong(making, path, "an object")
        return
    making.keys(value, path, RETRY_KEYS, "A retry policy")
    if not whole(value.get("max_attempts", 1), 1, 1000):
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
        if not _texts(value.get(name, [])):
            wrong(making, (*path, name), "a list of error codes")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _outcomes(making: Compiling, key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list) or not value:
        wrong(making, path, "a list of outcomes")
        return
    seen: set[str] = set()
    for index, row in enumerate(value):
        at = (*path, index)
        if not isinstance(row, Mapping):
            wrong(making, at, "an object with an id")
            continue
        check_object(making, OUTCOME, row, at, "An outcome")
        name = row.get("id")
        if isinstance(name, str) and name in seen:
            making.error(
                "duplicate_id",
                (*at, "id"),
                "Two outcomes are called %(id)s.",
                hint="Give each outcome an id of its own.",
                id=name,
            )
        seen.add(str(name))


def _requires(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not _texts(value):
        wrong(making, path, "a list of field names")


def _verbs(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not _texts(value):
        wrong(making, path, "a list of verbs")
        return
    for index, verb in enumerate(value):
        if verb not in VERBS:
            wrong(making, (*path, index), "one of %(choices)s", choices=", ".join(VERBS))


def _conditions(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        wrong(making, path, "a list of {expression, next}")
        return
    for index, row in enumerate(value):
        if isinstance(row, Mapping):
            check_object(making, CONDITION, row, (*path, index), "A condition")
        else:
            wrong(making, (*path, index), "an object with expression and next")


def _condition(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str):
        making.condition(value, path)
    else:
        wrong(making, path, "a condition")


TARGET: Final = (
    Key("step", "target", required=True, doc="the id of the step it leads to"),
    Key("when", "condition", expr=True, doc="goes there if this is true"),
    Key("label", "label", doc="what a person sees on it"),
)
"""A target of ``next`` that is more than an id."""
CONDITION: Final = (
    Key("expression", "condition", required=True, expr=True),
    Key("next", "target", required=True),
    Key("label", "label"),
)
OUTCOME: Final = (
    Key("id", "text", required=True),
    Key("label", "label"),
    Key("next", "target"),
    Key("style", "choice", choices=("primary", "danger", "plain")),
    Key("requires", "requires"),
    Key("confirm", "label"),
    Key("set", "variables", expr=True),
)
CHECKERS: Final[dict[str, Checker]] = {
    "text": _text,
    "label": _label,
    "flag": _flag,
    "choice": _choice,
    "target": _target,
    "duration": _duration,
    "due": _due,
    "priority": _priority,
    "ratio": _ratio,
    "field": _field,
    "names": _names,
    "expr_map": _expr_map,
    "variables": _variables,
    "variable_names": _variable_names,
    "form": _form,
    "retry": _retry,
    "outcomes": _outcomes,
    "requires": _requires,
    "verbs": _verbs,
    "conditions": _conditions,
    "condition": _condition,
}
"""Those of ``kinds_flow`` come on top."""
