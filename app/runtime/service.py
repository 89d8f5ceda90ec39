"""What people do with instances: start, suspend, activate, terminate and repair them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.events import Retried, Terminated, VariablesSet
from app.core.state import ENDED
from app.db.tx import Tx
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.identity.actor import Actor
from app.runtime import access, pausing, step
from app.runtime.moved import Locked
from app.runtime.ports import Engine
from app.runtime.refuse import checked_reason, refuse_ended, refuse_unless_running
from app.runtime.row import InstanceRow
from app.runtime.starting import start
from app.runtime.variables import variable_errors
from app.runtime.withdrawal import withdraw

__all__ = [
    "activate",
    "retry_incident",
    "set_variables",
    "start",
    "suspend",
    "terminate",
    "withdraw",
]


def suspend(
    engine: Engine, actor: Actor, instance_id: int, *, reason: str | None = None, now: datetime
) -> InstanceRow:
    """Stop an instance where it stands until it is activated; once more changes nothing.

    Its tasks can be read but not worked on; jobs that run finish, and their results wait.
    Children that it waits for stand still with it.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not steer it.
        Conflict: it has ended.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = _operated(engine, tx, actor, instance_id)
        if locked.instance.status == "suspended":
            return locked.instance
        return pausing.suspend(engine, tx, locked, actor, reason=why, now=now)


def activate(
    engine: Engine, actor: Actor, instance_id: int, *, reason: str | None = None, now: datetime
) -> InstanceRow:
    """Let a suspended instance go on; what its jobs gave meanwhile is applied now.

    What was due in a while is due in the same while again.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not steer it.
        Conflict: it has ended.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = _operated(engine, tx, actor, instance_id)
        if locked.instance.status == "running":
            return locked.instance
        return pausing.activate(engine, tx, locked, actor, reason=why, now=now)


def terminate(
    engine: Engine, actor: Actor, instance_id: int, *, reason: str | None = None, now: datetime
) -> InstanceRow:
    """End an instance with all its open work; its history stays; once more changes nothing.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not end it.
        Conflict: it has ended by itself.
    """
    event = Terminated(at=now, by=actor.username, reason=checked_reason(reason))
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, instance_id)
        access.require_terminate(tx, actor, locked.instance, locked.definition)
        if locked.instance.status == "terminated":
            return locked.instance
        if locked.instance.status in ENDED:
            refuse_ended(locked.instance)
        return step.move_locked(engine, tx, locked, event, actor=actor).instance


def retry_incident(
    engine: Engine, actor: Actor, incident_id: int, *, reason: str | None = None, now: datetime
) -> InstanceRow:
    """Let the token of an incident enter its step again, with a fresh set of attempts.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not steer it.
        Conflict: the incident is over, or the instance is suspended or has ended.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        found = tx.run(
            "select instance_id, wait from incidents where id = %(id)s", {"id": incident_id}
        ).fetchone()
        if found is None:
            raise _no_incident()
        locked = step.lock(engine, tx, found["instance_id"])
        try:
            access.require_operate(tx, actor, locked.instance)
        except NotFound as error:
            raise _no_incident() from error
        refuse_unless_running(locked.instance)
        event = Retried(at=now, by=actor.username, wait=found["wait"], reason=why)
        moved = step.move_locked(engine, tx, locked, event, actor=actor)
        if moved.ignored is not None:
            raise Conflict("incident_over", "This incident is over; look at the instance.")
        return moved.instance


def set_variables(
    engine: Engine,
    actor: Actor,
    instance_id: int,
    values: Mapping[str, Any],
    *,
    reason: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Correct variables: the given names are set, others stay.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not steer it.
        Conflict: it has ended.
        Invalid: one error per wrong value.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, instance_id)
        access.require_operate(tx, actor, locked.instance)
        if locked.instance.status in ENDED:
            refuse_ended(locked.instance)
        errors = variable_errors(locked.definition, values, start=False)
        if not values:
            errors = [FieldError("variables", "required", "Name at least one variable.")]
        if errors:
            raise Invalid("invalid_variables", "Correct the values.", errors=tuple(errors))
        event = VariablesSet(at=now, by=actor.username, values=dict(values), reason=why)
        moved = step.move_locked(engine, tx, locked, event, actor=actor)
        if moved.ignored is not None:
            refuse_unless_running(moved.instance)
        return moved.instance


def _operated(engine: Engine, tx: Tx, actor: Actor, instance_id: int) -> Locked:
    """Lock an instance that the actor may steer and that has not ended."""
    locked = step.lock(engine, tx, instance_id)
    access.require_operate(tx, actor, locked.instance)
    if locked.instance.status in ENDED:
        refuse_ended(locked.instance)
    return locked


def _no_incident() -> NotFound:
    return NotFound("incident_not_found", "There is no such incident, or you may not see it.")
