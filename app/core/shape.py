"""Layer 1: the shape of a document: keys, types and limits, everything at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.compiling import Compiling, Path
from app.core.form_check import check_form
from app.core.kinds import check_object, label, wrong
from app.core.nodes.table import NODES
from app.core.values import TYPES, coerce_type_problem
from app.errors import Phrase

TOP: Final = frozenset(
    {"name", "key", "description", "version", "variables", "start", "settings", "steps"}
)
STEP: Final = frozenset(
    {"id", "name", "type", "config", "next", "description", "on_error", "skip_when"}
)
VARIABLE: Final = frozenset({"type", "label", "required", "default", "enum", "sensitive"})
START: Final = frozenset({"form", "who", "title"})
SETTINGS: Final = frozenset(
    {"max_visits", "strict_variables", "timezone", "owners", "viewers", "initiator_may_terminate"}
)
MAX_STEPS: Final = 500
RESERVED: Final = frozenset({"initiator", "instance", "result", "true", "false", "null"})


def check_shape(making: Compiling, given: Any) -> None:
    """Note everything that is wrong with the document's shape."""
    if not isinstance(given, Mapping):
        wrong(making, (), "an object")
        return
    _keys(making, given, (), TOP, "A definition")
    if "name" in given:
        label(making, given["name"], ("name",))
    elif not given.get("key"):
        making.error("missing_key", (), "A definition needs a name.")
    for name in ("key", "version"):
        if name in given and not _short_text(given[name]):
            wrong(making, (name,), "a text of 1 to 64 characters")
    if "description" in given and given["description"] != "":
        label(making, given["description"], ("description",))
    _variables(making, given.get("variables", {}))
    _start(making, given.get("start", {}))
    _settings(making, given.get("settings", {}))
    _steps(making, given.get("steps"))


def _keys(
    making: Compiling, given: Mapping[str, Any], path: Path, known: frozenset[str], what: str
) -> None:
    for name in given:
        if name not in known and not name.startswith("x-"):
            making.unknown((*path, name), name, known, what)


def _short_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 64


def _variables(making: Compiling, given: Any) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("variables",), "an object")
        return
    for name, declared in given.items():
        path: Path = ("variables", name)
        if name in RESERVED:
            making.error("reserved_name", path, "%(name)s is a reserved word.", name=name, key=True)
        if isinstance(declared, str):
            _variable_type(making, declared, path)
            continue
        if not isinstance(declared, Mapping):
            wrong(making, path, "a type, or an object with a type")
            continue
        _keys(making, declared, path, VARIABLE, "A variable")
        kind = declared.get("type", "any")
        _variable_type(making, kind, (*path, "type") if "type" in declared else path)
        if "label" in declared:
            label(making, declared["label"], (*path, "label"))
        for flag in ("required", "sensitive"):
            if not isinstance(declared.get(flag, False), bool):
                wrong(making, (*path, flag), "true or false")
        if "enum" in declared and not isinstance(declared["enum"], list):
            wrong(making, (*path, "enum"), "a list of values")
        default = declared.get("default")
        if default is not None and kind in TYPES:
            problem = coerce_type_problem(default, kind)
            if problem is not None:
                making.error(
                    "wrong_type", (*path, "default"), problem.message, **problem.params or {}
                )


def _variable_type(making: Compiling, kind: Any, path: Path) -> None:
    if not isinstance(kind, str) or kind not in TYPES:
        making.error(
            "unknown_type",
            path,
            "There is no type %(type)s.",
            hint="Known types: %(known)s.",
            type=str(kind),
            known=", ".join(TYPES),
        )


def _start(making: Compiling, given: Any) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("start",), "an object")
        return
    _keys(making, given, ("start",), START, "start")
    if "form" in given:
        check_form(making, given["form"], ("start", "form"))
    who = given.get("who", [])
    if not isinstance(who, list) or not all(isinstance(name, str) and name for name in who):
        wrong(making, ("start", "who"), "a list of names")
    if "title" in given:
        if isinstance(given["title"], str):
            making.template(given["title"], ("start", "title"))
        else:
            wrong(making, ("start", "title"), "a text")


def _settings(making: Compiling, given: Any) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("settings",), "an object")
        return
    _keys(making, given, ("settings",), SETTINGS, "settings")
    visits = given.get("max_visits", 1)
    if isinstance(visits, bool) or not isinstance(visits, int) or not 1 <= visits <= 100_000:
        wrong(making, ("settings", "max_visits"), "a whole number from 1 to 100000")
    for flag in ("strict_variables", "initiator_may_terminate"):
        if not isinstance(given.get(flag, False), bool):
            wrong(making, ("settings", flag), "true or false")
    for names in ("owners", "viewers"):
        value = given.get(names, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            wrong(making, ("settings", names), "a list of names")
    zone = given.get("timezone")
    if zone is not None and not _is_zone(zone):
        making.error(
            "unknown_timezone",
            ("settings", "timezone"),
            "There is no time zone %(zone)s.",
            hint="Write it like Europe/Berlin or Asia/Shanghai.",
            zone=str(zone),
        )


def _is_zone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, TypeError, OSError):
        return False
    return True


def _steps(making: Compiling, given: Any) -> None:
    if not isinstance(given, list) or not given:
        making.error(
            "no_steps",
            ("steps",) if isinstance(given, list) else (),
            "A definition needs a list of steps with at least one.",
        )
        return
    if len(given) > MAX_STEPS:
        making.error(
            "too_many", ("steps",), "A definition has at most %(max)d steps.", max=MAX_STEPS
        )
        return
    for index, step in enumerate(given):
        _step(making, step, ("steps", index))


def _step(making: Compiling, given: Any, path: Path) -> None:
    if not isinstance(given, Mapping):
        wrong(making, path, "an object")
        return
    _keys(making, given, path, STEP, "A step")
    if not isinstance(given.get("id"), str) or not given["id"].strip() or len(given["id"]) > 128:
        wrong(making, (*path, "id") if "id" in given else path, "a step with an id (text)")
    if "name" in given:
        label(making, given["name"], (*path, "name"))
    kind = given.get("type")
    node = NODES.get(kind) if isinstance(kind, str) else None
    if node is None:
        making.error(
            "unsupported_type",
            (*path, "type") if "type" in given else path,
            "There is no step type %(type)s.",
            hint="Known types: %(known)s.",
            type=str(kind),
            known=", ".join(NODES),
        )
        return
    config = given.get("config", {})
    if isinstance(config, Mapping):
        place = (*path, "config") if "config" in given else path
        check_object(making, node.keys, config, place, Phrase("%(type)s config", type=node.type))
    else:
        wrong(making, (*path, "config"), "an object")
    _next(making, given.get("next", []), (*path, "next"))
    if "on_error" in given and not isinstance(given["on_error"], str):
        wrong(making, (*path, "on_error"), "the id of a step")
    if "skip_when" in given:
        if isinstance(given["skip_when"], str):
            making.condition(given["skip_when"], (*path, "skip_when"))
        else:
            wrong(making, (*path, "skip_when"), "a condition")


def _next(making: Compiling, given: Any, path: Path) -> None:
    if not isinstance(given, list):
        wrong(making, path, "a list of step ids")
        return
    for index, target in enumerate(given):
        at = (*path, index)
        if isinstance(target, Mapping):
            _keys(making, target, at, frozenset({"step", "when", "label"}), "A target")
            if not isinstance(target.get("step"), str):
                making.error("missing_key", at, "A target needs step.")
            if isinstance(target.get("when"), str):
                making.condition(target["when"], (*at, "when"))
            elif "when" in target:
                wrong(making, (*at, "when"), "a condition")
            if "label" in target:
                label(making, target["label"], (*at, "label"))
        elif not isinstance(target, str):
            wrong(making, at, "the id of a step")
