"""Results of jobs that ended while their instance was suspended: kept, then applied."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.core.events import Event, JobFailed, JobSucceeded
from app.db.tx import Tx

_KEEP: Final = """
update jobs set state = 'due', paused = true, leased_until = null, leased_by = null,
       result = %(kept)s
 where id = %(id)s
"""
_TAKE: Final = """
update jobs set state = case when result ? 'code' then 'failed' else 'done' end,
       ended_at = %(now)s
 where instance_id = %(id)s and state = 'due' and paused and result is not null
returning wait, attempt, result
"""


def keep_success(tx: Tx, job_id: int, result: Any) -> None:
    """Keep what a job returned. The caller holds the instance's lock."""
    tx.run(_KEEP, {"id": job_id, "kept": {"value": result}})


def keep_failure(tx: Tx, job_id: int, code: str, message: str, *, business: bool) -> None:
    """Keep why a job failed for good. The caller holds the instance's lock."""
    kept = {"code": code, "message": message, "business": business}
    tx.run(_KEEP, {"id": job_id, "kept": kept})


def take(tx: Tx, instance_id: int, *, now: datetime) -> list[Event]:
    """Return the kept results as events, in the order of their waits; they are taken once."""
    rows = tx.run(_TAKE, {"id": instance_id, "now": now}).fetchall()
    return [_event(row, now) for row in sorted(rows, key=lambda row: int(row["wait"]))]


def _event(row: dict[str, Any], now: datetime) -> Event:
    kept = row["result"]
    if "code" in kept:
        return JobFailed(
            at=now,
            wait=row["wait"],
            attempt=row["attempt"],
            code=kept["code"],
            message=kept["message"],
            business=kept["business"],
        )
    return JobSucceeded(at=now, wait=row["wait"], attempt=row["attempt"], result=kept["value"])
