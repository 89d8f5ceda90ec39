"""Timers that are due: each fires once, many in one transaction, late ones as well."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from app.core.events import TimerFired
from app.db.tx import Tx
from app.identity.actor import SYSTEM
from app.runtime import step, store
from app.runtime.moved import Locked
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

BATCH: Final = 50
"""Timers in one transaction: one commit for all, and none waits long for another."""

# Instances that somebody is working on are left for the next round, so that processes that
# fire at the same time share the work instead of waiting for each other.
# ``+ 0``: in the order of an index PostgreSQL would read the instances from the first one on.
_DUE: Final = f"""
{store.COLUMNS}, t.wait
  from (select instance_id, wait, due_at from timers
         where not paused and due_at <= %(now)s order by due_at limit %(near)s) t
  join process_instances i on i.id = t.instance_id and i.root_id is null
 order by i.id + 0, t.due_at, t.wait limit %(limit)s for update of i skip locked
"""  # noqa: S608 - constants only
# A child's family is locked from its root on, one at a time.
_DUE_CHILDREN: Final = """
select t.instance_id, t.wait from timers t
  join process_instances i on i.id = t.instance_id and i.root_id is not null
 where not t.paused and t.due_at <= %(now)s order by t.due_at limit %(limit)s
"""
_GONE: Final = "delete from timers where instance_id = %(instance_id)s and wait = %(wait)s"


def fire_due(engine: Engine, *, now: datetime, limit: int = 1_000) -> int:
    """Fire what is due, the oldest first; return how many."""
    count = 0
    while count < limit:
        try:
            done = _fire_batch(engine, now, BATCH)
        except Exception:
            log.exception("timers.cannot_fire_together")
            done = _fire_singly(engine, now)
        count += done
        if not done:
            break
    return count + _fire_children(engine, now, limit)


def _fire_batch(engine: Engine, now: datetime, limit: int) -> int:
    """Fire the next timers of different instances in one transaction."""
    with engine.db.transaction() as tx:
        params = {"now": now, "near": 8 * limit, "limit": limit}
        rows = tx.run(_DUE, params).fetchall()
        first = {row["id"]: row for row in reversed(rows)}  # a second timer comes next time
        for row in first.values():
            _fire(engine, tx, step.loaded(engine, tx, row), row["wait"], now)
    return len(first)


def _fire_singly(engine: Engine, now: datetime) -> int:
    """Fire each by itself, so that one that cannot be fired stops no other."""
    with engine.db.transaction() as tx:
        params = {"now": now, "near": 8 * BATCH, "limit": BATCH}
        rows = tx.run(_DUE, params).fetchall()
    return sum(_fire_one(engine, row["id"], row["wait"], now) for row in rows)


def _fire_children(engine: Engine, now: datetime, limit: int) -> int:
    with engine.db.transaction() as tx:
        rows = tx.run(_DUE_CHILDREN, {"now": now, "limit": limit}).fetchall()
    return sum(_fire_one(engine, row["instance_id"], row["wait"], now) for row in rows)


def _fire_one(engine: Engine, instance_id: int, wait: int, now: datetime) -> int:
    try:
        with engine.db.transaction() as tx:
            _fire(engine, tx, step.lock(engine, tx, instance_id), wait, now)
    except Exception:
        log.exception("timers.cannot_fire", instance_id=instance_id, wait=wait)
        return 0
    return 1


def _fire(engine: Engine, tx: Tx, locked: Locked, wait: int, now: datetime) -> None:
    event = TimerFired(at=now, by=SYSTEM.username, wait=wait)
    moved = step.move_locked(engine, tx, locked, event, actor=SYSTEM)
    if moved.ignored is not None and moved.instance.status != "suspended":
        tx.run(_GONE, {"instance_id": moved.instance.id, "wait": wait})
