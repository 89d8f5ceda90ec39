"""Work for workers elsewhere: they fetch and lock it, then complete, fail or give it back.

It is a job like any other whose lease is held over REST. A worker is known by the name it
gives; only who holds the lock may do something with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.errors import Conflict, FieldError, Invalid, NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import jobs
from app.runtime.failures import Failure
from app.runtime.jobs import Job
from app.runtime.ports import Engine

MAX_TASKS: Final = 100
LONGEST_LOCK: Final = timedelta(hours=24)
MAX_WORKER: Final = 128

_FETCH: Final = """
with due as (
    select id from jobs
     where state = 'due' and not paused and topic = any(%(topics)s) and due_at <= %(now)s
     order by due_at, id limit %(limit)s for update skip locked
)
update jobs j
   set state = 'leased', attempt = attempt + 1, leased_by = %(worker)s,
       leased_until = %(now)s + coalesce(%(lock)s, make_interval(secs => j.timeout))
  from due where j.id = due.id
returning j.id, j.instance_id, j.step, j.topic, j.input, j.attempt, j.failures, j.leased_until
"""
_HELD: Final = """
select id, instance_id, wait, step, service, method, input, timeout, retry, attempt, failures,
       state, leased_by, leased_until
  from jobs where id = %(id)s and topic is not null
"""
_EXTEND: Final = """
update jobs set leased_until = %(until)s
 where id = %(id)s and state = 'leased' and leased_by = %(worker)s and attempt = %(attempt)s
"""
_UNLOCK: Final = """
update jobs set state = 'due', due_at = %(now)s, leased_until = null, leased_by = null
 where id = %(id)s and state = 'leased' and leased_by = %(worker)s and attempt = %(attempt)s
"""
_JOB: Final = tuple(Job.__dataclass_fields__)


def fetch_and_lock(
    engine: Engine,
    actor: Actor,
    worker: str,
    topics: Sequence[str],
    *,
    limit: int = 10,
    lock: timedelta | None = None,
    now: datetime,
) -> list[dict[str, Any]]:
    """Give a worker up to ``limit`` tasks of these topics; each goes to one worker.

    Args:
        worker: the name that the locks carry.
        lock: how long it may keep them; default: as the step says.

    Raises:
        Forbidden: without ``job:work``.
        Invalid: one error per wrong value.
    """
    require(actor, "job:work")
    _check(worker, topics, limit, lock)
    params = {
        "worker": _holder(actor, worker),
        "topics": list(topics),
        "limit": limit,
        "lock": lock,
        "now": now,
    }
    with engine.db.transaction() as tx:
        rows = tx.only(_FETCH, params).fetchall()
    return sorted(rows, key=lambda row: int(row["id"]))


def complete(
    engine: Engine, actor: Actor, task_id: int, worker: str, result: Any, *, now: datetime
) -> None:
    """Take a worker's result; the instance goes on.

    Raises:
        Forbidden: without ``job:work``.
        NotFound: there is no such task.
        Conflict: the worker does not hold its lock (any more).
    """
    job = _held(engine, actor, task_id, worker)
    if not jobs.succeed(engine, job, result, now=now, spread=0.5):
        raise _lost()


def fail(
    engine: Engine,
    actor: Actor,
    task_id: int,
    worker: str,
    *,
    code: str,
    message: str,
    business: bool = False,
    now: datetime,
    spread: float,
) -> None:
    """Take a worker's failure: tried again by the step's policy, unless it is ``business``.

    Raises:
        Forbidden, NotFound, Conflict: as ``complete``.
        Invalid: the code is not a word.
    """
    job = _held(engine, actor, task_id, worker)
    if not code or len(code) > MAX_WORKER:
        error = FieldError("code", "required", "Give the failure a code: a short word.")
        raise Invalid("invalid_failure", "Correct the failure.", errors=(error,))
    failure = Failure(code, message[:2_000], business=business)
    if not jobs.fail(engine, job, failure, now=now, spread=spread):
        raise _lost()


def extend(
    engine: Engine, actor: Actor, task_id: int, worker: str, lock: timedelta, *, now: datetime
) -> datetime:
    """Let a worker keep its task for ``lock`` from now on; return until when.

    Raises:
        Forbidden, NotFound, Conflict: as ``complete``.
        Invalid: longer than a day.
    """
    job = _held(engine, actor, task_id, worker)
    _check(worker, ("topic",), 1, lock)
    until = now + lock
    params = {"id": job.id, "attempt": job.attempt, "worker": _holder(actor, worker)}
    with engine.db.transaction() as tx:
        if tx.only(_EXTEND, {**params, "until": until}).rowcount != 1:
            raise _lost()
    return until


def unlock(engine: Engine, actor: Actor, task_id: int, worker: str, *, now: datetime) -> None:
    """Let a worker give its task back, for others to fetch at once.

    Raises:
        Forbidden, NotFound, Conflict: as ``complete``.
    """
    job = _held(engine, actor, task_id, worker)
    params = {"id": job.id, "attempt": job.attempt, "worker": _holder(actor, worker), "now": now}
    with engine.db.transaction() as tx:
        if tx.only(_UNLOCK, params).rowcount != 1:
            raise _lost()


def _held(engine: Engine, actor: Actor, task_id: int, worker: str) -> Job:
    require(actor, "job:work")
    with engine.db.transaction() as tx:
        row = tx.only(_HELD, {"id": task_id}).fetchone()
    if row is None:
        raise NotFound("external_task_not_found", "There is no such external task.")
    if row["state"] != "leased" or row["leased_by"] != _holder(actor, worker):
        raise _lost()
    return Job(**{name: row[name] for name in _JOB})


def _holder(actor: Actor, worker: str) -> str:
    """Return what a lock is held by: the name is the account's own."""
    return f"{actor.username}/{worker}"


def _lost() -> Conflict:
    return Conflict(
        "lock_lost",
        "This worker does not hold the task's lock (any more); fetch again.",
    )


def _check(worker: str, topics: Sequence[str], limit: int, lock: timedelta | None) -> None:
    errors = []
    if not 0 < len(worker) <= MAX_WORKER:
        params = {"max": MAX_WORKER}
        errors.append(
            FieldError(
                "worker_id", "required", "Name the worker in 1 to %(max)d characters.", params
            )
        )
    if not topics:
        errors.append(FieldError("topics", "required", "Name at least one topic."))
    if not 1 <= limit <= MAX_TASKS:
        params = {"max": MAX_TASKS}
        errors.append(FieldError("max_tasks", "out_of_range", "Use 1 to %(max)d.", params))
    if lock is not None and not timedelta() < lock <= LONGEST_LOCK:
        errors.append(FieldError("lock", "out_of_range", "Use at most 24 hours."))
    if errors:
        raise Invalid("invalid_request", "Correct the values.", errors=tuple(errors))
