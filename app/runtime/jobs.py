"""Work for machines: leasing it, and what becomes of an attempt.

A job is a row. A lease gives one attempt to one worker, who renews it for as long as the
attempt runs; a result counts only while its attempt holds the lease. Whatever comes later is
recorded and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from psycopg.types.json import Jsonb

from app.core.events import Event, JobFailed, JobSucceeded
from app.core.retry import next_delay
from app.db.tx import Database, Tx
from app.db.wire import Statement
from app.errors import Unavailable
from app.history import record
from app.identity.actor import SYSTEM
from app.runtime import kept, step
from app.runtime.failures import Failure, checked
from app.runtime.ports import Engine

HOLD: Final = timedelta(seconds=30)
"""How long a worker may be silent before its jobs are given to others."""
MAX_LOST: Final = 10
"""Workers that may die over one job before people are asked to look."""

_TAKE: Final = """
update jobs j
   set state = 'leased', attempt = attempt + 1, leased_by = %(worker)s,
       leased_until = %(now)s + %(hold)s
  from taken where j.id = taken.id
returning j.id, j.instance_id, j.wait, j.step, j.service, j.method, j.input, j.timeout,
          j.retry, j.attempt, j.failures
"""
# What has no room is passed over where it stands in the order; of what has a little, so much
# is taken.
_LEASE: Final = f"""
with due as (
    select id, service, method, due_at from jobs
     where state = 'due' and not paused and topic is null and due_at <= %(now)s
       and service || '.' || method <> all(%(full)s)
     order by due_at, id limit %(limit)s for update skip locked
), numbered as (
    select id, row_number() over (partition by service, method order by due_at, id) as place,
           coalesce((%(room)s::jsonb ->> (service || '.' || method))::int, %(limit)s) as room
      from due
), taken as (select id from numbered where place <= room)
{_TAKE}"""  # noqa: S608 - the parts are constants
_LEASE_MORE: Final = f"""
with taken as (
    select id from jobs
     where state = 'due' and not paused and topic is null and due_at <= %(now)s
       and service = %(service)s and method = %(method)s
     order by due_at, id limit %(limit)s for update skip locked
)
{_TAKE}"""  # noqa: S608 - the parts are constants
# A row that is locked is being written by its attempt: nothing is left to renew.
_RENEW: Final = """
with held as (
    select id from jobs
     where id = any(%(ids)s) and state = 'leased' and leased_by = %(worker)s
       for update skip locked
)
update jobs j set leased_until = %(now)s + %(hold)s from held where j.id = held.id
"""
# The rows are locked, and the attempt was seen to hold its lease.
_END: Final = """
update jobs set state = %(state)s, ended_at = %(now)s, failures = failures + %(failed)s,
       error = coalesce(%(error)s, error), leased_until = null, leased_by = null
 where id = %(id)s
"""
_AGAIN: Final = """
update jobs set state = 'due', due_at = %(due_at)s, failures = failures + 1, error = %(error)s,
       leased_until = null, leased_by = null
 where id = %(id)s
"""
_EXPIRED: Final = """
select id, instance_id, wait, step, attempt from jobs
 where state = 'leased' and leased_until < %(now)s order by leased_until limit %(limit)s
"""
_LOST: Final = """
update jobs set state = 'due', due_at = case when paused then due_at else %(now)s end,
       lost = lost + 1, leased_until = null, leased_by = null
 where id = %(id)s and state = 'leased' and attempt = %(attempt)s and leased_until < %(now)s
returning lost
"""
_HAND_BACK: Final = """
update jobs set state = 'due', due_at = case when paused then due_at else %(now)s end,
       leased_until = null, leased_by = null
 where id = any(%(ids)s) and state = 'leased' and leased_by = %(worker)s
"""
_ANY_DUE: Final = """
select exists (
    select 1 from jobs
     where state = 'due' and not paused and topic is null and due_at <= %(now)s) as due
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt that a worker holds the lease of.

    Args:
        id: the same for every attempt: the idempotency key.
        timeout: seconds this attempt may take.
        retry: the expanded policy.
        attempt: 1 for the first.
        failures: attempts that failed before; lost ones do not count.
    """

    id: int
    instance_id: int
    wait: int
    step: str
    service: str
    method: str
    input: Any
    timeout: float
    retry: Mapping[str, Any]
    attempt: int
    failures: int


def lease(
    db: Database,
    worker: str,
    *,
    limit: int,
    now: datetime,
    hold: timedelta = HOLD,
    room: Mapping[str, int] = MappingProxyType({}),
) -> list[Job]:
    """Take up to ``limit`` due jobs; each is given to one worker only.

    Args:
        worker: who takes them; a name that no other process has or had.
        hold: they are given to somebody else unless they are renewed before.
        room: how many of a ``Service.method`` may be taken; none of what has 0. What
            isn't named may fill the limit. If a room was filled, more may be due.
    """
    params = {
        "worker": worker,
        "limit": limit,
        "now": now,
        "hold": hold,
        "full": [name for name, places in room.items() if places <= 0],
        "room": Jsonb(dict(room)),
    }
    with db.transaction() as tx:
        return [Job(**row) for row in tx.only(_LEASE, params)]


def lease_more(
    db: Database, worker: str, like: Job, *, limit: int, now: datetime, hold: timedelta = HOLD
) -> list[Job]:
    """Take up to ``limit`` due jobs that call the same as ``like`` does."""
    params = {
        "worker": worker,
        "limit": limit,
        "now": now,
        "hold": hold,
        "service": like.service,
        "method": like.method,
    }
    with db.transaction() as tx:
        return [Job(**row) for row in tx.only(_LEASE_MORE, params)]


def renew(
    db: Database, worker: str, job_ids: Sequence[int], *, now: datetime, hold: timedelta = HOLD
) -> int:
    """Keep jobs that are still worked on; return how many this worker still had."""
    params = {"ids": list(job_ids), "worker": worker, "now": now, "hold": hold}
    with db.transaction() as tx:
        return tx.only(_RENEW, params).rowcount


def succeed(engine: Engine, job: Job, result: Any, *, now: datetime, spread: float) -> bool:
    """Apply what an attempt returned, exactly once.

    A result that cannot be stored is a failure of the attempt, code ``bad_result``.

    Returns:
        False if it came too late: then it is recorded and nothing else.
    """
    result, bad = checked(result)
    if bad is not None:
        return fail(engine, job, bad, now=now, spread=spread)
    event = JobSucceeded(at=now, wait=job.wait, result=result, attempt=job.attempt)
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, job.instance_id, job=job.id)
        if not _holds(locked, job):
            pass
        elif locked.row["status"] == "suspended":
            kept.keep_success(tx, job.id, job.attempt, result)
            return True
        else:
            also = [_ended(job, "done", now=now)]
            step.move_locked(engine, tx, locked, event, actor=SYSTEM, also=also, last=True)
            return True
        _record(tx, locked, job, "job.completed", {"ignored": "late"}, now=now)
        return False


def fail(engine: Engine, job: Job, failure: Failure, *, now: datetime, spread: float) -> bool:
    """Count a failed attempt: it is made again later, or the instance is told.

    Args:
        spread: 0 to 1, where in the jitter window the next attempt lies.

    Returns:
        False if it came too late: then it is recorded and nothing else.
    """
    delay = None
    if not failure.business:
        delay = next_delay(job.retry, job.failures + 1, failure.code, spread=spread)
    if delay is not None and failure.retry_after is not None:
        delay = max(delay, min(failure.retry_after, float(job.retry["max_interval"])))
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, job.instance_id, job=job.id)
        said = {"code": failure.code, "message": failure.message}
        if not _holds(locked, job):
            pass
        elif delay is not None:
            # The clock of a suspended instance stands: see runtime.clocks.
            due_at = (locked.row["suspended_at"] or now) + timedelta(seconds=delay)
            params = {"id": job.id, "due_at": due_at, "error": said | {"at": now}}
            told = said | {"retry_at": due_at}
            _record(tx, locked, job, "job.failed", told, now=now, also=[(_AGAIN, params)])
            return True
        elif locked.row["status"] == "suspended":
            kept.keep_failure(tx, job.id, job.attempt, failure)
            return True
        else:
            also = [_ended(job, "failed", now=now, failure=failure)]
            failed = _failed(job, failure, now)
            step.move_locked(engine, tx, locked, failed, actor=SYSTEM, also=also, last=True)
            return True
        _record(tx, locked, job, "job.failed", said | {"ignored": "late"}, now=now)
        return False


def expire(engine: Engine, *, now: datetime, limit: int = 100) -> int:
    """Take back leases whose time is over; return how many.

    A lost lease does not count as a failure of the job. One whose workers died
    ``MAX_LOST`` times becomes an incident.

    Args:
        limit: at most, at once; if so many were taken back there may be more.

    Raises:
        Exception: one could not be taken back; the others were nevertheless.
    """
    with engine.db.transaction() as tx:
        rows = tx.only(_EXPIRED, {"now": now, "limit": limit}).fetchall()
    count = 0
    trouble: Exception | None = None
    for row in rows:
        try:
            count += _expire_one(engine, row, now)
        except Unavailable as error:
            trouble = error
            if error.code == "database_unavailable":
                break
        except Exception as error:
            trouble = error
    if trouble is not None:
        raise trouble
    return count


def hand_back(db: Database, worker: str, job_ids: Sequence[int], *, now: datetime) -> int:
    """Make jobs due again that this worker will not finish; return how many."""
    params = {"ids": list(job_ids), "worker": worker, "now": now}
    with db.transaction() as tx:
        return tx.only(_HAND_BACK, params).rowcount


def any_due(db: Database, *, now: datetime) -> bool:
    """Say whether there is something for a worker to do."""
    with db.transaction() as tx:
        row = tx.only(_ANY_DUE, {"now": now}).fetchone()
    return bool(row and row["due"])


def _expire_one(engine: Engine, row: Mapping[str, Any], now: datetime) -> bool:
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, row["instance_id"])
        params = {"id": row["id"], "attempt": row["attempt"], "now": now}
        lost = tx.run(_LOST, params).fetchone()
        if lost is None:
            return False
        said = {"wait": row["wait"], "attempt": row["attempt"], "code": "lease_expired"}
        said |= {"lost": lost["lost"]}
        record.append(
            tx,
            locked.row,
            at=now,
            actor=SYSTEM.username,
            kind="job.failed",
            lines=[["job.failed", row["step"], said]],
        )
        if lost["lost"] >= MAX_LOST:
            _give_up(engine, tx, locked, row, now)
        else:
            tx.after_commit(engine.waker.wake)
        return True


def _give_up(
    engine: Engine, tx: Tx, before: step.Locked, row: Mapping[str, Any], now: datetime
) -> None:
    failure = Failure(
        "worker_lost",
        f"{MAX_LOST} workers died or hung while they ran this job. Look at their logs, and"
        " retry when the cause is gone.",
    )
    if before.instance.status == "suspended":
        kept.keep_lost(tx, row["id"], failure)
        return
    tx.run(
        "update jobs set state = 'failed', ended_at = %(now)s, error = %(error)s where id = %(id)s",
        {
            "id": row["id"],
            "now": now,
            "error": {"code": failure.code, "message": failure.message, "at": now},
        },
    )
    event = JobFailed(
        at=now,
        wait=row["wait"],
        attempt=row["attempt"],
        code=failure.code,
        message=failure.message,
    )
    step.move(engine, tx, row["instance_id"], event, actor=SYSTEM)


def _holds(locked: step.Locked, job: Job) -> bool:
    """Say whether the attempt still has its lease; the job's row is locked."""
    row = locked.row
    return bool(row["job_state"] == "leased" and row["job_attempt"] == job.attempt)


def _ended(job: Job, state: str, *, now: datetime, failure: Failure | None = None) -> Statement:
    error = None
    if failure is not None:
        error = {"code": failure.code, "message": failure.message, "at": now}
    params = {
        "id": job.id,
        "state": state,
        "now": now,
        "failed": int(failure is not None),
        "error": error,
    }
    return _END, params


def _failed(job: Job, failure: Failure, now: datetime) -> Event:
    return JobFailed(
        at=now,
        wait=job.wait,
        attempt=job.attempt,
        code=failure.code,
        message=failure.message,
        business=failure.business,
    )


def _record(
    tx: Tx,
    locked: step.Locked,
    job: Job,
    kind: str,
    data: dict[str, Any],
    *,
    now: datetime,
    also: Sequence[Statement] = (),
) -> None:
    lines = [[kind, job.step, {"wait": job.wait, "attempt": job.attempt, **data}]]
    told = record.told(locked.row, at=now, actor=SYSTEM.username, kind=kind, lines=lines)
    tx.together([*told, *also], last=True)
