"""Layer 2: names that a document reads and sets: variables, people, services, processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.core.definition import Definition
from app.core.findings import Known
from app.core.form import expand
from app.core.references import each_step

ALWAYS: Final = frozenset({"initiator", "instance", "result", "error"})
"""Names that expressions may read without anyone declaring them."""
_FITTING: Final[Mapping[str, frozenset[str]]] = {
    "boolean": frozenset({"boolean"}),
    "string": frozenset({"string", "text"}),
    "text": frozenset({"string", "text"}),
    "number": frozenset({"number", "money"}),
    "integer": frozenset({"integer", "number", "money"}),
    "money": frozenset({"money", "object"}),
    "multiselect": frozenset({"array"}),
    "user": frozenset({"user", "string", "text"}),
    "file": frozenset({"file", "array"}),
    "rows": frozenset({"array"}),
    "date": frozenset({"date", "string", "text"}),
    "datetime": frozenset({"datetime", "string", "text"}),
}
"""Types of a variable that a field's value fits, beside ``any``."""
_TABLE: Final = "decision"
_PEOPLE: Final = "user_task"
_MAPS: Final[Mapping[str, tuple[str, ...]]] = {
    "script": ("set",),
    "decision": (),
    "user_task": (),
    "sub_process": (),
}
"""Keys of a config whose keys become variables; of other types ``output``."""


def check_names(
    making: Compiling, given: Mapping[str, Any], definition: Definition, known: Known | None
) -> None:
    """Warn of variables that nobody sets, and of people and services that do not exist."""
    written = _written(definition, given)
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
    for step, path, _ in each_step(given):
        _check_call(making, step, path, definition, known)
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


def _check_call(
    making: Compiling,
    step: Mapping[str, Any],
    path: Path,
    definition: Definition,
    known: Known,
) -> None:
    name = step.get("config", {}).get("process_key") if step["type"] == "call_activity" else None
    if known.processes is None or not isinstance(name, str) or "${" in name:
        return
    if name not in known.processes and name != definition.key:
        near = making.near.to(name, known.processes, 0.7)
        making.say(
            "warning",
            "unknown_process",
            (*path, "config", "process_key"),
            "There is no process %(name)s yet.",
            hint=(
                "Did you mean %(near)s?"
                if near
                else "Publish it before the step is reached, else it becomes an incident."
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
    for step, at, _ in each_step(given):
        config = step.get("config", {})
        path: Path = (*at, "config")
        if step["type"] == _PEOPLE:
            yield from _people_set(config, path)
        for key in _MAPS.get(step["type"], ("output",)):
            for name in config.get(key, ()):
                yield name, (*path, key, name), ""
        for place, rule in enumerate(config.get("rules", ()) if step["type"] == _TABLE else ()):
            for name in rule["set"]:
                yield name, (*path, "rules", place, "set", name), ""
        for key in ("boundary", "multi"):
            yield from _set_beside(step, key, (*at, key))


def _people_set(config: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Path, str]]:
    yield from _fields(config.get("form"), (*path, "form"))
    for place, outcome in enumerate(config.get("outcomes", ())):
        for name in outcome.get("set", ()):
            yield name, (*path, "outcomes", place, "set", name), ""


def _set_beside(step: Mapping[str, Any], key: str, path: Path) -> Iterator[tuple[str, Path, str]]:
    if key == "multi" and key in step:
        for name in step[key].get("collect", ()):
            yield name, (*path, "collect", name), ""
    for index, row in enumerate(step.get(key, ()) if key == "boundary" else ()):
        for name in row.get("output", ()):
            yield name, (*path, index, "output", name), ""


def _fields(form: Any, path: Path) -> Iterator[tuple[str, Path, str]]:
    for index, field in enumerate(expand(form)):
        if field["type"] != "note":
            name = field["name"]
            yield name, (*path, name if isinstance(form, Mapping) else index), field["type"]


def _written(definition: Definition, given: Mapping[str, Any]) -> set[str]:
    names = {*ALWAYS, *definition.variables, *(name for name, _, _ in _sets(given))}
    for step in definition.steps:
        names.add(step.id)
        if step.multi is not None:
            names |= {step.multi.name, "done", "total"}
            names |= {step.multi.index_name} if step.multi.index_name else set()
    return names


def _is_known(name: str, known: Known) -> bool:
    kinds = {"user": known.users, "group": known.groups, "role": known.roles}
    prefix, colon, rest = name.partition(":")
    if colon and prefix in kinds:
        return rest.strip() in kinds[prefix] or rest.strip().casefold() in kinds[prefix]
    bare = name.strip()
    return bare in known.groups | known.roles or {bare, bare.casefold()} & known.users != set()
