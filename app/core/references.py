"""Layer 2: what a document refers to: steps, fields, variables, people, services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.core.compiling import Compiling, Path
from app.core.definition import Definition
from app.core.findings import Known
from app.core.form import expand

ALWAYS: Final = frozenset({"initiator", "instance", "result", "error"})
"""Names that expressions may read without anyone declaring them."""
_GATEWAYS: Final = frozenset({"exclusive_gateway"})
_FITTING: Final[Mapping[str, frozenset[str]]] = {
    "boolean": frozenset({"boolean"}),
    "string": frozenset({"string"}),
    "text": frozenset({"string"}),
    "number": frozenset({"number", "money"}),
    "integer": frozenset({"integer", "number", "money"}),
    "date": frozenset({"date", "string"}),
    "datetime": frozenset({"datetime", "string"}),
}
"""Types of a variable that a field's value fits, beside ``any``."""


class Way(NamedTuple):
    """A way out of a step as it stands in the document."""

    target: str
    path: Path
    plain: bool = True


def check_references(making: Compiling, given: Mapping[str, Any]) -> None:
    """Note every reference that leads nowhere, in a document whose shape is right."""
    steps: list[Mapping[str, Any]] = given["steps"]
    ids: dict[str, int] = {}
    for index, step in enumerate(steps):
        if step["id"] in ids:
            making.error(
                "duplicate_id",
                ("steps", index, "id"),
                "Two steps have the id %(id)s.",
                hint="Give each step an id of its own.",
                id=step["id"],
            )
        ids.setdefault(step["id"], index)
    for index, step in enumerate(steps):
        path: Path = ("steps", index)
        for way in ways_out(step, path):
            if way.target not in ids:
                _undefined(making, way, ids)
        _next_rules(making, step, path)
        if step["type"] in _GATEWAYS:
            _gateway_rules(making, step, path)
        _outcome_rules(making, step, path)
    if not making.failed:
        _unreachable(making, steps, ids)


def ways_out(step: Mapping[str, Any], path: Path) -> Iterator[Way]:
    """Yield every step id that a step names, with its place."""
    config = step.get("config", {})
    for index, row in enumerate(config.get("conditions", ())):
        yield Way(row["next"], (*path, "config", "conditions", index, "next"), plain=False)
    if isinstance(config.get("default"), str) and step["type"] in _GATEWAYS:
        yield Way(config["default"], (*path, "config", "default"))
    for index, row in enumerate(config.get("outcomes", ())):
        if "next" in row:
            yield Way(row["next"], (*path, "config", "outcomes", index, "next"))
    yield from _next_of(step, path)
    if "on_error" in step:
        yield Way(step["on_error"], (*path, "on_error"))


def _next_of(step: Mapping[str, Any], path: Path) -> Iterator[Way]:
    for index, target in enumerate(step.get("next", ())):
        at: Path = (*path, "next", index)
        if isinstance(target, str):
            yield Way(target, at)
        else:
            yield Way(target["step"], (*at, "step"), plain="when" not in target)


def _undefined(making: Compiling, way: Way, ids: Mapping[str, int]) -> None:
    near = making.near.to(way.target, ids)
    making.error(
        "undefined_target",
        way.path,
        "There is no step %(target)s.",
        hint=(
            "Did you mean %(near)s?"
            if near
            else "Add a step with this id, or name one of: %(known)s."
        ),
        target=way.target,
        near=near or "",
        known=", ".join(list(ids)[:20]),
    )


def _next_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    ways = list(_next_of(step, path))
    plain = [way for way in ways if way.plain]
    at: Path = (*path, "next")
    if step["type"] == "end" and ways:
        making.error(
            "end_has_next", at, "An end leads nowhere.", hint="Remove next, or the end's type."
        )
    elif len(plain) < len(ways):
        if len(plain) > 1 or (plain and ways[-1].plain is False):
            making.error(
                "plain_target_not_last",
                at,
                "Beside targets with conditions there may be one without, and it comes last.",
                hint="It is taken when no condition is true.",
            )
    elif len(plain) > 1 and step["type"] != "user_task":
        making.error(
            "too_many_targets",
            at,
            "%(type)s %(id)s has %(count)d targets and nothing that says which to take.",
            hint=(
                "Give each a condition: it is tried in order, and the last may have none."
                if step["type"] in _GATEWAYS
                else "Use a parallel_gateway to run them at once, or an exclusive_gateway to"
                " choose."
            ),
            type=step["type"],
            id=step["id"],
            count=len(plain),
        )
    seen: set[str] = set()
    for way in plain:
        if way.target in seen and len(ways) == len(plain):
            making.error(
                "duplicate_target",
                way.path,
                "The step %(target)s is named twice.",
                hint="A choice needs different targets; give outcomes if two lead to one step.",
                target=way.target,
            )
        seen.add(way.target)


def _gateway_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    config = step.get("config", {})
    plain = [way for way in _next_of(step, path) if way.plain]
    if not config.get("conditions") and "default" not in config and not step.get("next"):
        making.error(
            "no_way_out",
            path,
            "The gateway %(id)s leads nowhere.",
            hint="Give it conditions, a default or next.",
            id=step["id"],
        )
    elif "default" in config and len(plain) == 1:
        making.error(
            "two_defaults",
            plain[0].path,
            "The gateway %(id)s has a default, so it never goes to %(target)s.",
            hint="Keep one of the two.",
            id=step["id"],
            target=plain[0].target,
        )


def _outcome_rules(making: Compiling, step: Mapping[str, Any], path: Path) -> None:
    config = step.get("config", {})
    fields = {field["name"] for field in expand(config.get("form")) if field["type"] != "note"}
    ways = list(_next_of(step, path))
    choose = len(ways) > 1 and all(way.plain for way in ways)
    targets = {way.target for way in ways}
    for index, row in enumerate(config.get("outcomes", ())):
        at: Path = (*path, "config", "outcomes", index)
        for place, name in enumerate(row.get("requires", ())):
            if name not in fields:
                near = making.near.to(name, fields)
                making.error(
                    "unknown_field",
                    (*at, "requires", place),
                    "The form has no field %(name)s.",
                    hint="Did you mean %(near)s?" if near else "Its fields: %(known)s.",
                    name=name,
                    near=near or "",
                    known=", ".join(sorted(fields)) or "–",
                )
        if "next" not in row and choose and row["id"] not in targets:
            making.error(
                "outcome_without_target",
                at,
                "The outcome %(id)s does not say where it leads.",
                hint="Give it a next.",
                id=row["id"],
            )


def _unreachable(making: Compiling, steps: list[Mapping[str, Any]], ids: Mapping[str, int]) -> None:
    seen = {0}
    open_ = [0]
    while open_:
        index = open_.pop()
        for way in ways_out(steps[index], ("steps", index)):
            target = ids[way.target]
            if target not in seen:
                seen.add(target)
                open_.append(target)
    for index, step in enumerate(steps):
        if index not in seen:
            making.error(
                "unreachable_step",
                ("steps", index, "id"),
                "No way leads to the step %(id)s.",
                hint="Name it in the next of a step that is reached, or remove it.",
                id=step["id"],
            )


def check_names(making: Compiling, definition: Definition, known: Known | None) -> None:
    """Warn of variables that nobody sets, and of people and services that do not exist."""
    written = _written(definition)
    for name, path in making.reads.items():
        if name not in written:
            near = making.near.to(name, written, 0.7)
            making.say(
                "warning",
                "unknown_variable",
                path,
                "%(name)s is read, but nothing declares or sets it.",
                hint="Did you mean %(near)s?" if near else "Declare it in variables.",
                name=name,
                near=near or "",
            )
    if known is None:
        return
    for name, path in making.people.items():
        if not _is_known(name, known):
            making.say(
                "warning",
                "unknown_person",
                path,
                "There is no user, group or role %(name)s yet.",
                hint="Until there is, such tasks go to the owners of the definition.",
                name=name,
            )
    for name, path in making.services.items():
        if name not in known.services:
            near = making.near.to(name, known.services, 0.7)
            making.say(
                "warning",
                "unknown_service",
                path,
                "There is no service %(name)s yet.",
                hint=(
                    "Did you mean %(near)s?"
                    if near
                    else "Deploy it before the step is reached, else it becomes an incident."
                ),
                name=name,
                near=near or "",
            )


def check_types(making: Compiling, given: Mapping[str, Any], definition: Definition) -> None:
    """Compare what forms and steps set with the declared variables of these names."""
    strict = definition.settings.get("strict_variables", False)
    for name, path, kind in _sets(given):
        declared = definition.variables.get(name)
        if declared is None:
            if strict:
                near = making.near.to(name, definition.variables, 0.7)
                making.error(
                    "undeclared_variable",
                    path,
                    "%(name)s is set here, but strict_variables wants it declared.",
                    hint="Did you mean %(near)s?" if near else "Declare it in variables.",
                    key=True,
                    name=name,
                    near=near or "",
                )
            continue
        fitting = _FITTING.get(kind)
        if fitting is not None and declared.type not in fitting | {"any"}:
            making.say(
                "warning",
                "type_differs",
                path,
                "The field %(name)s is a %(field)s, but the variable is declared as %(variable)s.",
                hint="Filling it in will be refused; give both the same type.",
                name=name,
                field=kind,
                variable=declared.type,
            )


def _sets(given: Mapping[str, Any]) -> Iterator[tuple[str, Path, str]]:
    """Yield the name of everything that forms and steps set, its place and field type."""
    yield from _fields(given.get("start", {}).get("form"), ("start", "form"))
    for index, step in enumerate(given["steps"]):
        config = step.get("config", {})
        path: Path = ("steps", index, "config")
        yield from _fields(config.get("form"), (*path, "form"))
        for name in config.get("output", ()):
            yield name, (*path, "output", name), ""
        for place, outcome in enumerate(config.get("outcomes", ())):
            for name in outcome.get("set", ()):
                yield name, (*path, "outcomes", place, "set", name), ""


def _fields(form: Any, path: Path) -> Iterator[tuple[str, Path, str]]:
    for index, field in enumerate(expand(form)):
        if field["type"] != "note":
            name = field["name"]
            yield name, (*path, name if isinstance(form, Mapping) else index), field["type"]


def _written(definition: Definition) -> set[str]:
    names = {*ALWAYS, *definition.variables}
    names.update(field["name"] for field in definition.start.get("form", ()))
    for step in definition.steps:
        names.add(step.id)
        names.update(field["name"] for field in step.config.get("form", ()))
        names.update(step.config.get("output") or ())
        for outcome in step.config.get("outcomes", ()):
            names.update(outcome.get("set") or ())
    return names


def _is_known(name: str, known: Known) -> bool:
    kinds = {"user": known.users, "group": known.groups, "role": known.roles}
    prefix, colon, rest = name.partition(":")
    if colon and prefix in kinds:
        return rest.strip() in kinds[prefix] or rest.strip().casefold() in kinds[prefix]
    bare = name.strip()
    return bare in known.groups | known.roles or {bare, bare.casefold()} & known.users != set()
