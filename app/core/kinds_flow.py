"""How the parts of a step are checked that say when things happen, how often, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core import cron
from app.core.cells import CellError, parse_cell
from app.core.checks import variable_name, whole, wrong
from app.core.compiling import Compiling, Path
from app.core.keys import Key
from app.core.kinds import CHECKERS, check_object
from app.core.values import read_date
from app.core.working_calendar import DAYS, KEYS, read_hours

TIMED: Final = (
    Key("after", "due", expr=True, doc="a duration from when it is armed"),
    Key("until", "due", expr=True, doc="a date (its first second) or a moment"),
    Key("cron", "cron", doc="the next time, five fields, by the definition's zone"),
)
_MESSAGE: Final = (
    Key("message", "text", doc="the message's name"),
    Key("correlate", "text", expr=True, doc="the key that the sender gives as well"),
    Key("output", "variables", expr=True, doc="variable ← expression over `result`"),
)
EVENT: Final = (
    Key("on", "choice", required=True, choices=("timer", "message"), doc="what it waits for"),
    *TIMED,
    *_MESSAGE,
    Key("next", "target", required=True, doc="where it leads"),
    Key("label", "label", doc="what a person sees on it"),
)
"""One of an event gateway's ``events``."""
BOUNDARY: Final = (
    Key(
        "on",
        "choice",
        required=True,
        choices=("timer", "error", "message"),
        doc="what happens",
    ),
    *TIMED,
    Key("repeat", "repeat", doc="how often in all it may fire, or true; not with interrupt"),
    Key("code", "text", doc="of the error; default: any"),
    *_MESSAGE,
    Key("interrupt", "flag", doc="false: the step goes on beside it; default true"),
    Key("next", "target", required=True, doc="where it leads"),
    Key("label", "label", doc="what a person sees on it"),
)
"""One of a step's ``boundary``."""
MULTI: Final = (
    Key("over", "text", required=True, expr=True, doc="expression that gives the list"),
    Key("as", "variable", required=True, doc="what an element is called inside"),
    Key("index_as", "variable", doc="what its place is called, from 0"),
    Key("mode", "choice", choices=("parallel", "sequential"), doc="default parallel"),
    Key(
        "complete_when",
        "condition",
        expr=True,
        doc="true ends it early; sees `done`, `total` and what is collected",
    ),
    Key("collect", "variables", expr=True, doc="variable ← expression; a list by element"),
)
_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "timer": ("after", "until", "cron", "repeat"),
    "message": ("message", "correlate", "output"),
    "error": ("code",),
}
"""Keys that only one kind of event has."""


def check_timed(making: Compiling, given: Mapping[str, Any], path: Path) -> None:
    """Check that exactly one of the keys says when."""
    named = [key.name for key in TIMED if key.name in given]
    if len(named) != 1:
        making.error("when_is_unclear", path, "Say when with exactly one of after, until and cron.")


def check_event(making: Compiling, given: Mapping[str, Any], path: Path) -> None:
    """Check what the keys of an event or boundary have to do with each other."""
    on = given.get("on")
    if on not in _OF_KIND:
        return
    for kind, names in _OF_KIND.items():
        for name in names:
            if kind != on and name in given:
                making.error(
                    "other_kind",
                    (*path, name),
                    "%(name)s says nothing about a %(on)s.",
                    key=True,
                    hint="Remove it, or change on.",
                    name=name,
                    on=on,
                )
    if on == "timer":
        check_timed(making, given, path)
    elif on == "message" and "message" not in given:
        making.error("missing_key", path, "An event on a message needs message.")
    if on == "timer" and "repeat" in given and "until" in given:
        making.error(
            "cannot_repeat",
            (*path, "repeat"),
            "A moment comes once.",
            hint="Say when with after or cron, or remove repeat.",
        )
    elif on == "timer" and "repeat" in given and given.get("interrupt", True) is True:
        making.error(
            "cannot_repeat",
            (*path, "repeat"),
            "A boundary that interrupts fires once.",
            hint='Add "interrupt": false, or remove repeat.',
        )
    if given.get("interrupt") is False and on == "error":
        making.error(
            "cannot_go_on",
            (*path, "interrupt"),
            "A step that failed cannot go on beside its error.",
            hint="Remove interrupt.",
        )


def check_boundary(making: Compiling, given: Any, path: Path) -> None:
    """Check a step's ``boundary``."""
    if not isinstance(given, list):
        wrong(making, path, "a list of {on, …, next}")
        return
    _events(making, BOUNDARY, given, path, "A boundary")


def check_multi(making: Compiling, given: Any, path: Path) -> None:
    """Check a step's ``multi``."""
    if isinstance(given, Mapping):
        check_object(making, MULTI, given, path, "multi")
        _evaluated(making, given.get("over"), (*path, "over"))
    else:
        wrong(making, path, "an object with over and as")


def check_calendar(making: Compiling, given: Any, path: Path) -> None:
    """Check ``settings.calendar``: ``hours`` by day of the week, ``holidays``, ``workdays``."""
    if not isinstance(given, Mapping):
        wrong(making, path, "an object")
        return
    making.keys(given, path, KEYS, "A calendar")
    hours = given.get("hours", {})
    if isinstance(hours, Mapping):
        making.keys(hours, (*path, "hours"), DAYS, "hours")
        for day, text in hours.items():
            if day in DAYS and not _is_hours(text):
                wrong(making, (*path, "hours", day), "hours like 09:00-12:00, 13:00-18:00")
    else:
        wrong(making, (*path, "hours"), "an object")
    for name in ("holidays", "workdays"):
        days = given.get(name, [])
        if not isinstance(days, list) or any(
            not isinstance(day, str) or read_date(day) is None for day in days
        ):
            wrong(making, (*path, name), "a list of dates like 2026-10-01")


def _is_hours(text: Any) -> bool:
    try:
        read_hours(text)
    except ValueError:
        return False
    return True


def _events(
    making: Compiling, keys: tuple[Key, ...], given: list[Any], path: Path, what: str
) -> None:
    for index, row in enumerate(given):
        at = (*path, index)
        if isinstance(row, Mapping):
            check_object(making, keys, row, at, what)
            check_event(making, row, at)
        else:
            wrong(making, at, "an object with on and next")


def _event_list(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list) or not value:
        wrong(making, path, "a list of {on, …, next}")
        return
    _events(making, EVENT, value, path, "An event")


def _cron(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    try:
        if not isinstance(value, str):
            raise cron.CronError("This must be a cron expression.")
        cron.parse(value)
    except cron.CronError as error:
        making.error("bad_cron", path, "%(problem)s", problem=error.message)


def _repeat(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if value is not True and not whole(value, 1, 1_000):
        wrong(making, path, "true, or a whole number from 1 to 1000")


def _variable(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str):
        variable_name(making, value, path, key=False)
    else:
        wrong(making, path, "the name of a variable")


def _any_expr(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    making.expressions_in(value, path)


def _inputs(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        wrong(making, path, "a list of expressions")
        return
    making.expressions_in(value, path)
    for index, text in enumerate(value):
        _evaluated(making, text, (*path, index))


def _evaluated(making: Compiling, text: Any, path: Path) -> None:
    """Check that a text has an expression in it: another one is always the same."""
    if isinstance(text, str) and text.strip() and "${" not in text:
        wrong(making, path, "an expression like ${name}")


def _rules(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list) or not value:
        wrong(making, path, "a list of {when, set}")
        return
    for index, row in enumerate(value):
        at = (*path, index)
        if not isinstance(row, Mapping):
            wrong(making, at, "an object with when and set")
            continue
        check_object(making, RULE, row, at, "A rule")


def _cells(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        wrong(making, path, "a list of cells, one for each input")
        return
    for index, cell in enumerate(value):
        try:
            parse_cell(cell)
        except CellError as error:
            making.error("bad_cell", (*path, index), "%(problem)s", problem=error.message)


def _addresses(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if isinstance(value, str) and value.strip():
        making.template(value, path)
    elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        making.expressions_in(value, path)
    else:
        wrong(making, path, "an address, a list of addresses, or an expression")


def _statuses(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    codes = value if isinstance(value, list) else [value]
    if not codes or not all(whole(code, 100, 599) for code in codes):
        wrong(making, path, "an HTTP status, or a list of them")


def _inner_steps(_making: Compiling, _key: Key, _value: Any, _path: Path) -> None:
    """They are steps like others; ``shape`` checks them."""


RULE: Final = (
    Key("when", "cells", required=True),
    Key("set", "variables", required=True, expr=True),
    Key("label", "label"),
)
CHECKERS.update(
    {
        "events": _event_list,
        "cron": _cron,
        "repeat": _repeat,
        "variable": _variable,
        "any_expr": _any_expr,
        "inputs": _inputs,
        "rules": _rules,
        "cells": _cells,
        "addresses": _addresses,
        "statuses": _statuses,
        "steps": _inner_steps,
    }
)
