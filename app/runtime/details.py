"""An instance with what its page needs beyond the body that every door shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.definition import Definition
from app.core.state import ENDED
from app.identity.actor import Actor
from app.runtime import queries
from app.runtime.ports import Engine

_RUNNING: Final = frozenset({"suspend", "terminate", "retry"})
_SUSPENDED: Final = frozenset({"activate", "terminate"})


@dataclass(frozen=True, slots=True)
class Details:
    """Everything about an instance that somebody may see.

    Args:
        instance: its body, see ``queries.get``.
        variables: ``{name, field, value, sensitive}``, declared ones first.
        fields: variable → how it is called and shown: ``label``, ``type``, ``options``.
        allowed: what the actor may do now: ``suspend``, ``activate``, ``terminate``, ``retry``.
    """

    instance: Mapping[str, Any]
    variables: list[dict[str, Any]]
    fields: Mapping[str, Mapping[str, Any]]
    allowed: frozenset[str]


def details(engine: Engine, actor: Actor, instance_id: int, *, now: datetime) -> Details:
    """Return an instance for its page.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with engine.db.transaction() as tx:
        instance = queries.get(engine.db, actor, instance_id, now=now)
        definition = engine.definitions.get(tx, instance["process_definition_id"])
    return Details(
        instance,
        _variables(definition, instance["variables"]),
        _fields(definition),
        _allowed(actor, definition, instance),
    )


def _variables(definition: Definition, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    declared = [name for name in definition.variables if name in values]
    others = sorted(name for name in values if name not in definition.variables)
    fields = _fields(definition)
    return [
        {
            "name": name,
            "field": fields.get(name, {}),
            "value": values[name],
            "sensitive": name in definition.sensitive,
        }
        for name in (*declared, *others)
    ]


def _fields(definition: Definition) -> dict[str, Mapping[str, Any]]:
    """Return how variables are called: as declared, else as the first form calls them."""
    fields: dict[str, Mapping[str, Any]] = {}
    forms = [definition.start.get("form") or ()]
    forms += [step.config.get("form") or () for step in definition.steps]
    for field in (field for form in forms for field in form):
        fields.setdefault(field["name"], field)
    for name, variable in definition.variables.items():
        known = fields.get(name, {})
        label = variable.label or known.get("label")
        fields[name] = {"options": known.get("options"), "type": variable.type, "label": label}
    return fields


def _allowed(actor: Actor, definition: Definition, instance: Mapping[str, Any]) -> frozenset[str]:
    if instance["status"] in ENDED:
        return frozenset()
    possible = _SUSPENDED if instance["status"] == "suspended" else _RUNNING
    if actor.can("process:operate"):
        return possible
    own = instance["started_by"] == actor.username
    may_end = own and definition.settings.get("initiator_may_terminate") is True
    return possible & {"terminate"} if may_end else frozenset()
