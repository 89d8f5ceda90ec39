"""Starts by the clock: ``start.cron`` of the newest active version of each definition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from app.core import cron
from app.core.moments import zone_of
from app.db.tx import Tx
from app.errors import AppError
from app.identity.actor import SYSTEM
from app.runtime import starting
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

# Whoever is not the newest active version (any more) begins anew when it is again.
_FORGET: Final = """
update process_definitions d set next_start_at = null
 where d.next_start_at is not null
   and (d.status <> 'active' or exists (
        select 1 from process_definitions o
         where o.key = d.key and o.status = 'active'
           and (o.version_order, o.id) > (d.version_order, d.id)))
"""
_DUE: Final = """
select d.id, d.checksum, d.start_cron, d.next_start_at from process_definitions d
 where d.start_cron is not null and d.status = 'active'
   and (d.next_start_at is null or d.next_start_at <= %(now)s)
   and not exists (
        select 1 from process_definitions o
         where o.key = d.key and o.status = 'active'
           and (o.version_order, o.id) > (d.version_order, d.id))
 order by d.id limit 1 for update skip locked
"""
_NEXT: Final = "update process_definitions set next_start_at = %(next)s where id = %(id)s"


def start_due(engine: Engine, *, now: datetime) -> int:
    """Start what is due; return how many instances.

    The start and the next time are one transaction, so that none is started twice. After a
    stop a definition is started once for all the times that have passed.
    """
    with engine.db.transaction() as tx:
        tx.run(_FORGET)
    count = 0
    while True:
        with engine.db.transaction() as tx:
            row = tx.run(_DUE, {"now": now}).fetchone()
            if row is None:
                return count
            count += _take(engine, tx, row, now)


def _take(engine: Engine, tx: Tx, row: Mapping[str, Any], now: datetime) -> int:
    definition = engine.definitions.get(tx, row["id"], row["checksum"])
    zone = zone_of(definition.settings)
    due = cron.parse(row["start_cron"]).next_after(now, zone)
    tx.run(_NEXT, {"id": row["id"], "next": due})
    if row["next_start_at"] is None:
        return 0
    try:
        with tx.undone_on_error():
            starting.begin(engine, SYSTEM, definition_id=row["id"], variables={}, now=now)
    except AppError as error:  # it is not tried again before its next time
        log.warning("cron.cannot_start", definition_id=row["id"], error=str(error))
        return 0
    return 1
