"""Timers that are due: each fires once, many in one transaction, late ones as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from app.core.events import TimerFired
from app.db.tx import Tx
from app.identity.actor import SYSTEM
from app.runtime import step
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

BATCH: Final = 50
"""Timers in one transaction: one commit for all, and none waits long for another."""

# In the order in which instances are locked: a family's root before its children.
_DUE: Final = """
select t.instance_id, t.wait
  from (select instance_id, wait from timers
         where not paused and due_at <= %(now)s order by due_at limit %(limit)s) t
  join process_instances i on i.id = t.instance_id
 order by coalesce(i.root_id, i.id), i.id, t.wait
"""
_GONE: Final = "delete from timers where instance_id = %(instance_id)s and wait = %(wait)s"
_LATE: Final = """
select count(*) as late, min(due_at) as oldest
  from (select due_at from timers where not paused and due_at <= %(now)s limit 10000) t
"""


def fire_due(engine: Engine, *, now: datetime, limit: int = 1_000) -> int:
    """Fire what is due, the oldest first; return how many were looked at."""
    with engine.db.transaction() as tx:
        rows = tx.run(_DUE, {"now": now, "limit": limit}).fetchall()
    for start in range(0, len(rows), BATCH):
        _fire(engine, rows[start : start + BATCH], now)
    return len(rows)


def late(engine: Engine, *, now: datetime) -> tuple[int, datetime | None]:
    """Return how many timers are due (10,000 at most), and since when the oldest is."""
    with engine.db.transaction() as tx:
        row = tx.run(_LATE, {"now": now}).fetchone()
    return (row["late"], row["oldest"]) if row else (0, None)


def _fire(engine: Engine, batch: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Fire a batch at once; if that fails, each by itself, so that one cannot stop others."""
    try:
        with engine.db.transaction() as tx:
            for row in batch:
                _fire_one(engine, tx, row, now)
    except Exception:
        if len(batch) == 1:
            log.exception("timers.cannot_fire", instance_id=batch[0]["instance_id"])
            return
        for row in batch:
            _fire(engine, (row,), now)


def _fire_one(engine: Engine, tx: Tx, row: Mapping[str, Any], now: datetime) -> None:
    event = TimerFired(at=now, by=SYSTEM.username, wait=row["wait"])
    moved = step.move(engine, tx, row["instance_id"], event, actor=SYSTEM)
    if moved.ignored is not None and moved.instance.status != "suspended":
        tx.run(_GONE, row)  # nothing waits for it (any more)
