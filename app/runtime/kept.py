"""Results of jobs that ended while their instance was suspended: kept, then applied."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.core.events import Event, JobFailed, JobSucceeded
from app.db.tx import Tx
from app.runtime.failures import Failure

_KEEP: Final = """
update jobs set state = 'due', paused = true, leased_until = null, leased_by = null,
       result = %(kept)s
 where id = %(id)s and state = 'leased' and attempt = %(attempt)s
"""
_KEEP_LOST: Final = "update jobs set paused = true, result = %(kept)s where id = %(id)s"
_TAKE: Final = """
update jobs set state = case when result ? 'code' then 'failed' else 'done' end,
       failures = failures + case when result ? 'code' then 1 else 0 end, ended_at = %(now)s
 where instance_id = %(id)s and state = 'due' and paused and result is not null
returning wait, attempt, result
"""


def keep_success(tx: Tx, job_id: int, attempt: int, result: Any) -> bool:
    """Keep what an attempt returned; False if the attempt has lost its lease.

    The caller holds the instance's lock; the same below.
    """
    params = {"id": job_id, "attempt": attempt, "kept": {"value": result}}
    return tx.run(_KEEP, params).rowcount == 1


def keep_failure(tx: Tx, job_id: int, attempt: int, failure: Failure) -> bool:
    """Keep why a job failed for good; False if the attempt has lost its lease."""
    params = {"id": job_id, "attempt": attempt, "kept": _written(failure)}
    return tx.run(_KEEP, params).rowcount == 1


def keep_lost(tx: Tx, job_id: int, failure: Failure) -> None:
    """Keep that a job (due again) has lost too many workers."""
    tx.run(_KEEP_LOST, {"id": job_id, "kept": _written(failure)})


def take(tx: Tx, instance_id: int, *, now: datetime) -> list[Event]:
    """Return the kept results as events, in the order of their waits; they are taken once."""
    rows = tx.run(_TAKE, {"id": instance_id, "now": now}).fetchall()
    return [_event(row, now) for row in sorted(rows, key=lambda row: int(row["wait"]))]


def _written(failure: Failure) -> dict[str, Any]:
    return {"code": failure.code, "message": failure.message, "business": failure.business}


def _event(row: dict[str, Any], now: datetime) -> Event:
    result = row["result"]
    if "code" in result:
        return JobFailed(
            at=now,
            wait=row["wait"],
            attempt=row["attempt"],
            code=result["code"],
            message=result["message"],
            business=result["business"],
        )
    return JobSucceeded(at=now, wait=row["wait"], attempt=row["attempt"], result=result["value"])
