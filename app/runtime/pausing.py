"""Letting an instance stand still and go on, with the children that it waits for.

The caller has locked the instance, and with it its family.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.core.events import Activated, Event, Suspended
from app.db.tx import Tx
from app.identity.actor import Actor
from app.runtime import children, clocks, kept, step
from app.runtime.moved import Locked
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow

_RUNNING: Final = """
select id from process_instances
 where parent_id = %(id)s and parent_wait is not null and status = 'running' order by id
"""
# Not those that were suspended by themselves before.
_SUSPENDED_WITH: Final = """
select c.id from process_instances c join process_instances p on p.id = c.parent_id
 where c.parent_id = %(id)s and c.parent_wait is not null and c.status = 'suspended'
   and c.suspended_at = p.suspended_at order by c.id
"""


def suspend(
    engine: Engine, tx: Tx, locked: Locked, actor: Actor, *, reason: str | None, now: datetime
) -> InstanceRow:
    """Stop a running instance and the running children that it waits for."""
    instance_id = locked.instance.id
    for row in tx.run(_RUNNING, {"id": instance_id}).fetchall():
        child = step.lock(engine, tx, row["id"])
        suspend(engine, tx, child, actor, reason=reason, now=now)
    clocks.stop(tx, instance_id, now=now)
    event = Suspended(at=now, by=actor.username, reason=reason)
    return step.move_locked(engine, tx, locked, event, actor=actor).instance


def activate(
    engine: Engine, tx: Tx, locked: Locked, actor: Actor, *, reason: str | None, now: datetime
) -> InstanceRow:
    """Let a suspended instance go on, and the children that were suspended with it."""
    instance_id = locked.instance.id
    together = tx.run(_SUSPENDED_WITH, {"id": instance_id}).fetchall()
    events: Sequence[Event] = [
        Activated(at=now, by=actor.username, reason=reason),
        *kept.take(tx, instance_id, now=now),
        *children.ended_meanwhile(tx, instance_id, now=now),
    ]
    clocks.go_on(tx, instance_id, now=now)
    moved = step.move_locked(engine, tx, locked, lambda _: events, actor=actor)
    for row in together:
        child = step.lock(engine, tx, row["id"])
        if child.instance.status == "suspended":
            activate(engine, tx, child, actor, reason=reason, now=now)
    return moved.instance
