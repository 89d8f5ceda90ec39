"""Whether values may become variables of an instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.core import form
from app.core.definition import Definition
from app.core.form import Seen
from app.core.values import check_json, coerce_type_problem, plain_text
from app.errors import FieldError

RESERVED: Final = frozenset({"initiator", "instance"})
"""Names that expressions always see, whatever the variables are."""


def variable_errors(
    definition: Definition, values: Mapping[str, Any], *, start: bool = True
) -> list[FieldError]:
    """Return one error per value that the definition does not allow.

    Args:
        start: whether required ones must be there.
    """
    problem = check_json(dict(values))
    if problem is not None:
        name = problem.pointer.split("/")[1] if problem.pointer else "variables"
        name = name.replace("~1", "/").replace("~0", "~")
        return [FieldError(name, problem.code, problem.message, problem.params)]
    errors: dict[str, FieldError] = {}
    for name, value in values.items():
        error = _declared_error(definition, name, value)
        if error is not None:
            errors[name] = error
    if start:
        for name, variable in definition.variables.items():
            missing = values.get(name) is None and variable.default is None
            if variable.required and missing:
                errors[name] = FieldError(name, "required", "This value is required.")
    return list(errors.values())


def _declared_error(definition: Definition, name: str, value: Any) -> FieldError | None:
    if name in RESERVED:
        return FieldError(name, "reserved_name", "This name belongs to the engine; use another.")
    variable = definition.variables.get(name)
    if variable is None:
        if definition.settings.get("strict_variables"):
            return FieldError(
                name, "unknown_variable", "The definition declares no variable of this name."
            )
        return None
    if value is None:
        return None
    problem = coerce_type_problem(value, variable.type)
    if problem is not None:
        return FieldError(name, problem.code, problem.message, problem.params)
    if variable.enum is not None and not _is_one_of(value, variable.enum):
        return FieldError(
            name,
            "not_in_enum",
            "Choose one of: %(choices)s.",
            {"choices": ", ".join(plain_text(choice) for choice in variable.enum)},
        )
    return None


def _is_one_of(value: Any, choices: Iterable[Any]) -> bool:
    """Say whether ``value`` is a choice; true is not 1."""
    return any(
        choice == value and isinstance(choice, bool) is isinstance(value, bool)
        for choice in choices
    )


def by_start_form(definition: Definition, values: Mapping[str, Any], seen: Seen) -> form.Filled:
    """Judge what was given by the start form; what was not given may come later.

    Args:
        seen: with the other values in its scope.
    """
    fields = definition.start.get("form") or ()
    given = {f["name"]: values[f["name"]] for f in fields if f["name"] in values}
    if not given:
        return form.Filled({}, (), frozenset())
    filled = form.fill(fields, given, text=False, seen=seen)
    kept = tuple(error for error in filled.errors if error.field in given or "." in error.field)
    return form.Filled(filled.values, kept, filled.hidden)
