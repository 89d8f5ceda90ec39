"""Layer 1: the shape of a document: keys, types and limits, everything at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.checks import label, variable_name, whole, wrong
from app.core.compiling import Compiling, Path
from app.core.form_check import check_form
from app.core.keys import Key
from app.core.kinds import CHECKERS, TARGET, check_object
from app.core.kinds_flow import check_boundary, check_calendar, check_multi, check_timed
from app.core.nodes.base import Node
from app.core.nodes.decision import DecisionTable
from app.core.nodes.sub_process import SubProcess
from app.core.nodes.table import CUSTOM, NODES
from app.core.nodes.timer import Timer
from app.core.values import TYPES, check_json, coerce_type_problem, plain_text
from app.errors import Phrase

TOP: Final = frozenset(
    {"name", "key", "description", "version", "variables", "start", "settings", "steps"}
)
STEP: Final = frozenset(
    {"id", "name", "type", "config", "next", "description", "on_error", "skip_when"}
    | {"boundary", "multi", "point_of_no_return"}
)
VARIABLE: Final = frozenset({"type", "label", "required", "default", "enum", "sensitive"})
START: Final = frozenset({"form", "who", "title", "cron", "message"})
SETTINGS: Final = frozenset(
    {"max_visits", "strict_variables", "timezone", "owners", "viewers", "initiator_may_terminate"}
    | {"calendar", "on_duplicate_business_key", "withdraw", "max_rounds", "approval"}
)
DUPLICATES: Final = ("allow", "refuse_running", "refuse")
"""What a start with a business key does that the definition has had before."""
WITHDRAWALS: Final = ("terminate", "start_form", "never")
"""What becomes of an instance that its initiator withdraws."""
MAX_STEPS: Final = 500
LONGEST_NAME: Final = 200
"""Characters of the definition's name, which is its key if it has none."""
_TYPES: Final = {"hint": "Known types: %(known)s.", "known": Phrase(", ".join(NODES))}
"""All of them: a list of our own is not cut short as a text of the document is."""


def check_shape(making: Compiling, given: Any) -> None:
    """Note everything that is wrong with the document's shape."""
    if not isinstance(given, Mapping):
        wrong(making, (), "an object")
        return
    making.keys(given, (), TOP, "A definition")
    if "name" in given:
        label(making, given["name"], ("name",), longest=LONGEST_NAME)
    elif "key" not in given:
        making.error("missing_key", (), "A definition needs a name.")
    for name in ("key", "version"):
        if name in given and not _short_text(given[name]):
            wrong(making, (name,), "a text of 1 to 64 characters")
    if "description" in given and given["description"] != "":
        label(making, given["description"], ("description",))
    _variables(making, given.get("variables", {}))
    _start(making, given.get("start", {}))
    _settings(making, given.get("settings", {}), _has_start_form(given))
    _steps(making, given.get("steps"))


def _short_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 64


def _variables(making: Compiling, given: Any) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("variables",), "an object")
        return
    for name, declared in given.items():
        path: Path = ("variables", name)
        if name.startswith("x-"):
            continue
        variable_name(making, name, path)
        if isinstance(declared, str):
            _variable_type(making, declared, path)
            continue
        if not isinstance(declared, Mapping):
            wrong(making, path, "a type, or an object with a type")
            continue
        _variable(making, declared, path)


def _variable(making: Compiling, declared: Mapping[str, Any], path: Path) -> None:
    making.keys(declared, path, VARIABLE, "A variable")
    kind = declared.get("type", "any")
    _variable_type(making, kind, (*path, "type") if "type" in declared else path)
    if "label" in declared:
        label(making, declared["label"], (*path, "label"))
    for flag in ("required", "sensitive"):
        if not isinstance(declared.get(flag, False), bool):
            wrong(making, (*path, flag), "true or false")
    enum = declared.get("enum")
    if "enum" in declared and (not isinstance(enum, list) or not enum):
        wrong(making, (*path, "enum"), "a list of values")
        enum = None
    if not isinstance(kind, str) or kind not in TYPES:
        return
    for index, value in enumerate(enum or ()):
        _value(making, value, kind, (*path, "enum", index))
    default = declared.get("default")
    if default is None:
        return
    _value(making, default, kind, (*path, "default"))
    if enum is not None and not any(_equal(default, value) for value in enum):
        choices = ", ".join(plain_text(value)[:40] for value in enum[:20])
        wrong(making, (*path, "default"), "one of %(choices)s", choices=choices)


def _value(making: Compiling, value: Any, kind: str, path: Path) -> None:
    """Check a value that a variable may get."""
    problem = coerce_type_problem(value, kind) or check_json(value)
    if problem is not None:
        making.error(problem.code, path, problem.message, **problem.params or {})


def _equal(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) is isinstance(two, bool)


def _variable_type(making: Compiling, kind: Any, path: Path) -> None:
    if not isinstance(kind, str) or kind not in TYPES:
        making.error(
            "unknown_type",
            path,
            "There is no type %(type)s.",
            hint="Known types: %(known)s.",
            type=str(kind)[:100],
            known=", ".join(TYPES),
        )


def _start(making: Compiling, given: Any) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("start",), "an object")
        return
    making.keys(given, ("start",), START, "start")
    if "form" in given:
        check_form(making, given["form"], ("start", "form"))
    _people(making, given.get("who", []), ("start", "who"))
    if "title" in given:
        if isinstance(given["title"], str):
            making.template(given["title"], ("start", "title"))
        else:
            wrong(making, ("start", "title"), "a text")
    for name, kind in (("cron", "cron"), ("message", "text")):
        if name in given:
            CHECKERS[kind](making, Key(name, kind), given[name], ("start", name))


def _people(making: Compiling, given: Any, path: Path) -> None:
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        wrong(making, path, "a list of names")


def _has_start_form(given: Mapping[str, Any]) -> bool:
    """Say whether there is something to fill in at the start: a form, or else variables."""
    start, variables = given.get("start", {}), given.get("variables", {})
    if not isinstance(start, Mapping):
        return False
    if "form" in start:
        return bool(start["form"])
    return isinstance(variables, Mapping) and any(not name.startswith("x-") for name in variables)


def _settings(making: Compiling, given: Any, has_start_form: bool) -> None:
    if not isinstance(given, Mapping):
        wrong(making, ("settings",), "an object")
        return
    making.keys(given, ("settings",), SETTINGS, "settings")
    if not whole(given.get("max_visits", 1), 1, 100_000):
        wrong(making, ("settings", "max_visits"), "a whole number from 1 to 100000")
    if not whole(given.get("max_rounds", 1), 1, 1_000):
        wrong(making, ("settings", "max_rounds"), "a whole number from 1 to 1000")
    back = given.get("withdraw", "terminate")
    if back not in WITHDRAWALS:
        wrong(
            making,
            ("settings", "withdraw"),
            "one of %(choices)s",
            choices=", ".join(WITHDRAWALS),
        )
    elif back == "start_form" and not has_start_form:
        message = "There is no start form that a withdrawn instance could go back to."
        hint = "Add start.form or variables, or choose terminate."
        making.error("no_start_form", ("settings", "withdraw"), message, hint=hint)
    for flag in ("strict_variables", "initiator_may_terminate"):
        if not isinstance(given.get(flag, False), bool):
            wrong(making, ("settings", flag), "true or false")
    for names in ("owners", "viewers"):
        _people(making, given.get(names, []), ("settings", names))
    if "calendar" in given:
        check_calendar(making, given["calendar"], ("settings", "calendar"))
    if "approval" in given:
        key = Key("approval", "approval")
        CHECKERS[key.kind](making, key, given["approval"], ("settings", "approval"))
    if given.get("on_duplicate_business_key", "allow") not in DUPLICATES:
        path: Path = ("settings", "on_duplicate_business_key")
        wrong(making, path, "one of %(choices)s", choices=", ".join(DUPLICATES))
    zone = given.get("timezone")
    if zone is not None and not _is_zone(zone):
        making.error(
            "unknown_timezone",
            ("settings", "timezone"),
            "There is no time zone %(zone)s.",
            hint="Write it like Europe/Berlin or Asia/Shanghai.",
            zone=str(zone)[:100],
        )


def _is_zone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        return False
    return True


def _steps(making: Compiling, given: Any, path: Path = ("steps",), count: int = 0) -> int:
    """Check a list of steps, those of sub-processes included; return how many there are."""
    if not isinstance(given, list) or not given:
        message = "A definition needs a list of steps with at least one."
        making.error("no_steps", path, message)
        return count
    count += len(given)
    if count > MAX_STEPS:
        making.error("too_many", path, "A definition has at most %(max)d steps.", max=MAX_STEPS)
        return count
    for index, step in enumerate(given):
        _step(making, step, (*path, index))
        inner = _inner(step)
        if inner is not None and count <= MAX_STEPS:
            count = _steps(making, inner, (*path, index, "config", "steps"), count)
    return count


def _inner(step: Any) -> Any:
    """Return the steps of a sub-process, None for any other step."""
    if not isinstance(step, Mapping) or step.get("type") != SubProcess.type:
        return None
    config = step.get("config")
    return config.get("steps") if isinstance(config, Mapping) else None


def _step(making: Compiling, given: Any, path: Path) -> None:
    if not isinstance(given, Mapping):
        wrong(making, path, "an object")
        return
    making.keys(given, path, STEP, "A step")
    name = given.get("id")
    if "id" not in given:
        making.error("missing_key", path, "A step needs an id.")
    elif not isinstance(name, str) or not len(name.strip()) > 0 or len(name) > 128:
        wrong(making, (*path, "id"), "a text of 1 to 128 characters")
    elif name.startswith("@"):
        making.error("bad_id", (*path, "id"), "The id of a step does not begin with @.")
    if not isinstance(given.get("point_of_no_return", False), bool):
        wrong(making, (*path, "point_of_no_return"), "true or false")
    for key in ("name", "description"):
        if key in given and given[key] != "":
            label(making, given[key], (*path, key))
    _next(making, given.get("next", []), (*path, "next"))
    if "on_error" in given and not isinstance(given["on_error"], str):
        wrong(making, (*path, "on_error"), "the id of a step")
    if "skip_when" in given:
        if isinstance(given["skip_when"], str):
            making.condition(given["skip_when"], (*path, "skip_when"))
        else:
            wrong(making, (*path, "skip_when"), "a condition")
    if "boundary" in given:
        check_boundary(making, given["boundary"], (*path, "boundary"))
    if "multi" in given:
        check_multi(making, given["multi"], (*path, "multi"))
    kind = given.get("type")
    node = making.node(kind) if isinstance(kind, str) else None
    if "type" not in given:
        making.error("missing_key", path, "A step needs a type.", **_TYPES)
    elif node is None:
        making.error(
            "unsupported_type",
            (*path, "type"),
            "There is no step type %(type)s.",
            type=str(kind)[:100],
            **_TYPES,
        )
    else:
        _config(making, node, given, path)
        _waiting(making, node, given, path)


def _config(making: Compiling, node: Node, given: Mapping[str, Any], path: Path) -> None:
    config = given.get("config", {})
    if isinstance(config, Mapping) and node is CUSTOM:
        ours = {key.name for key in node.keys}
        for name, value in config.items():
            if name not in ours:
                making.expressions_in(value, (*path, "config", name))
        known = {name: value for name, value in config.items() if name in ours}
        check_object(making, node.keys, known, (*path, "config"), "A custom step")
    elif isinstance(config, Mapping):
        place = (*path, "config") if "config" in given else path
        check_object(making, node.keys, config, place, Phrase("%(type)s config", type=node.type))
    else:
        wrong(making, (*path, "config"), "an object")


def _waiting(making: Compiling, node: Node, given: Mapping[str, Any], path: Path) -> None:
    """Check what only steps have that wait, or that can be repeated."""
    if "boundary" in given and not node.waits:
        making.error(
            "cannot_wait",
            (*path, "boundary"),
            "A %(type)s does not wait, so nothing can interrupt it.",
            key=True,
            hint="Remove boundary, or put it on a step that waits.",
            type=given["type"],
        )
    if "multi" in given and not node.repeats:
        people = given["type"] == "user_task"
        making.error(
            "cannot_repeat",
            (*path, "multi"),
            "multi is for services, calls and sub-processes, not for a %(type)s.",
            key=True,
            hint=(
                "For several people give candidates, or put the task into a sub_process."
                if people
                else "Put the step into a sub_process and repeat that."
            ),
            type=given["type"],
        )
    config = given.get("config", {})
    if node.type == Timer.type and isinstance(config, Mapping):
        check_timed(making, config, (*path, "config") if "config" in given else path)
    if node.type == DecisionTable.type and isinstance(config, Mapping):
        _cell_counts(making, config, (*path, "config"))


def _cell_counts(making: Compiling, config: Mapping[str, Any], path: Path) -> None:
    inputs, rules = config.get("inputs"), config.get("rules")
    if not isinstance(inputs, list) or not inputs or not isinstance(rules, list):
        return
    for index, rule in enumerate(rules):
        cells = rule.get("when") if isinstance(rule, Mapping) else None
        if isinstance(cells, list) and len(cells) != len(inputs):
            making.error(
                "cell_count",
                (*path, "rules", index, "when"),
                "There are %(inputs)d inputs, but %(cells)d cells here.",
                hint="Give one cell for each input; - matches anything.",
                inputs=len(inputs),
                cells=len(cells),
            )


def _next(making: Compiling, given: Any, path: Path) -> None:
    if not isinstance(given, list):
        wrong(making, path, "a list of step ids")
        return
    for index, target in enumerate(given):
        at = (*path, index)
        if isinstance(target, Mapping):
            check_object(making, TARGET, target, at, "A target")
        elif not isinstance(target, str):
            wrong(making, at, "the id of a step")
