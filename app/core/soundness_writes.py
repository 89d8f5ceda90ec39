"""Which variables each step writes, and what is known of the values they can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.definition import Definition, Step
from app.core.soundness_axes import Domain


def writes(definition: Definition) -> dict[str, frozenset[str]]:
    """Return the variables that each step sets; a sub-process sets those of its steps.

    A job without ``output`` may set any declared variable, which nobody can know: it
    counts for none.
    """
    found = {step.id: set(_written(step)) for step in definition.steps}
    for step in reversed(definition.steps):  # those inside come after the one around them
        if step.parent is not None and definition.by_id[step.parent].multi is None:
            found[step.parent] |= found[step.id]
    return {step: frozenset(names) for step, names in found.items()}


def _written(step: Step) -> Iterator[str]:
    if step.multi is not None:
        yield from step.multi.collect
        return
    config = step.config
    yield from (field["name"] for field in _fields(step))
    yield from config.get("output") or ()
    if step.type == "script":
        yield from config["set"]
    if step.type == "decision":
        for rule in config["rules"]:
            yield from rule.set
    for outcome in config.get("outcomes") or ():
        yield from outcome.get("set") or ()
    for boundary in step.boundary:
        yield from boundary.config.get("output") or ()


def _fields(step: Step) -> Iterator[Mapping[str, Any]]:
    for field in step.config.get("form") or ():
        if field["type"] != "note" and not field.get("read_only"):
            yield field


def domains(definition: Definition) -> dict[str, Domain]:
    """Return what is known of the variables: by declaration, else by the forms alone."""
    fields: dict[str, list[Mapping[str, Any]]] = {}
    for field in definition.start.get("form") or ():
        fields.setdefault(field["name"], []).append(field)
    otherwise: set[str] = set()
    for step in definition.steps:
        own = {field["name"] for field in _fields(step)}
        otherwise.update(name for name in _written(step) if name not in own)
        for field in _fields(step):
            fields.setdefault(field["name"], []).append(field)
    found = {name: _of_fields(those) for name, those in fields.items() if name not in otherwise}
    for name, variable in definition.variables.items():
        if variable.enum is not None:
            found[name] = Domain(variable.type, variable.enum)
        elif variable.type != "any":
            known = found.get(name, Domain())
            found[name] = Domain(variable.type, known.values)
    return found


def _of_fields(fields: list[Mapping[str, Any]]) -> Domain:
    types = {field["type"] for field in fields}
    if types == {"integer"}:
        return Domain("integer")
    if types != {"select"}:
        return Domain()
    values: dict[Any, None] = {}
    for field in fields:
        options = field.get("options")
        if field.get("multiple") or not isinstance(options, list | tuple):
            return Domain()
        for option in options:
            value = option["value"]
            if not isinstance(value, str) or "${" in value:
                return Domain()
            values[value] = None
    return Domain("string", tuple(values))
