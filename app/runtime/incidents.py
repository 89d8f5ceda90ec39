"""What operators do with incidents beside trying again: going past them, finding many."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.core.events import Skipped
from app.db.tx import Database
from app.errors import Conflict, NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import access, repair, step
from app.runtime.ports import Engine
from app.runtime.refuse import checked_reason, refuse_unless_running
from app.runtime.row import InstanceRow

_OPEN: Final = """
select n.id from incidents n join process_instances i on i.id = n.instance_id
 where n.resolved_at is null and i.definition_id = %(definition)s and i.status = 'running'
 order by n.id limit %(limit)s
"""


def skip(
    engine: Engine,
    actor: Actor,
    incident_id: int,
    *,
    outcome: str | None = None,
    reason: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Let the token of an incident go on as if its step had been done.

    Args:
        outcome: where it goes, if the step offers several.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not steer its instance.
        Conflict: the incident is over, or the instance is suspended or has ended.
        Invalid: the step offers no such outcome.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        found = tx.run(
            "select instance_id, wait from incidents where id = %(id)s", {"id": incident_id}
        ).fetchone()
        if found is None:
            raise _none()
        locked = step.lock(engine, tx, found["instance_id"])
        try:
            access.require_operate(tx, actor, locked.instance)
        except NotFound as error:
            raise _none() from error
        refuse_unless_running(locked.instance)
        for token in locked.state.tokens:
            if token.wait is not None and token.wait.id == found["wait"]:
                repair.refuse_unknown_outcome(locked, token, outcome)
        event = Skipped(at=now, by=actor.username, wait=found["wait"], outcome=outcome, reason=why)
        moved = step.move_locked(engine, tx, locked, event, actor=actor)
        if moved.ignored is not None:
            raise Conflict("incident_over", "This incident is over; look at the instance.")
        return moved.instance


def open_ones(db: Database, actor: Actor, definition_id: int, *, limit: int) -> list[int]:
    """Return the oldest open incidents of a definition's running instances.

    Raises:
        Forbidden: without ``process:operate``.
        NotFound: there is no such definition.
    """
    require(actor, "process:operate")
    with db.transaction() as tx:
        known = tx.run(
            "select 1 from process_definitions where id = %(id)s", {"id": definition_id}
        ).fetchone()
        if known is None:
            raise NotFound("definition_not_found", "There is no such definition.")
        rows = tx.run(_OPEN, {"definition": definition_id, "limit": limit}).fetchall()
    return [int(row["id"]) for row in rows]


def _none() -> NotFound:
    return NotFound("incident_not_found", "There is no such incident, or you may not see it.")
