"""What a step takes from an answer: a service's result, a message, a child's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.expression import evaluate_config, shown
from app.core.nodes.base import Fail, Visit, kept
from app.core.values import coerce_type_problem
from app.errors import Phrase


def taken(
    visit: Visit, result: Any, output: Mapping[str, Any] | None, *, otherwise: bool = True
) -> dict[str, Any] | Fail:
    """Return the variables that a result sets.

    With ``output``, its expressions over ``result``; else an object's members that are
    declared, or (``otherwise``) the whole result under the step's id.

    Raises:
        ExpressionError: ``output`` cannot be evaluated.
    """
    declared = visit.definition.variables
    if output is not None:
        scope = {**visit.scope, "result": result}
        found = kept(evaluate_config(output, scope, visit.now))
        if isinstance(found, Fail):
            return found
    else:
        members = result if isinstance(result, dict) else {}
        found = {name: value for name, value in members.items() if name in declared}
        if not found and otherwise and result is not None:
            found = {visit.step.id: result}
    return fitting(visit, found)


def fitting(visit: Visit, values: dict[str, Any]) -> dict[str, Any] | Fail:
    """Return the values, or why one does not fit its declared type."""
    for name, value in values.items():
        variable = visit.definition.variables.get(name)
        problem = coerce_type_problem(value, variable.type) if variable else None
        if problem is not None and variable is not None:
            return Fail(
                "wrong_type",
                Phrase(
                    "The value for %(name)s is not of its declared type %(type)s.",
                    name=name,
                    type=variable.type,
                ),
                {"variable": name, "value": shown(value)},
            )
    return values
