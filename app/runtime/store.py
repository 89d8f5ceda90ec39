"""The hot SQL of instances: locking one, and a statement for each kind of row.

What one transaction writes goes to PostgreSQL in one trip (``Tx.together``), the instance
first: that is the order of locking.
"""

from __future__ import annotations

from typing import Any, Final

from app.db.tx import Tx

COLUMNS: Final = """
select i.id, i.definition_id, i.business_key, i.title, i.status, i.result, i.state,
       i.variables, i.incident_count, i.started_by, i.started_at, i.ended_at,
       i.suspended_at, i.history_seq, i.history_hash, i.parent_id, i.parent_wait, i.root_id
"""
_FROM: Final = "from process_instances i"
LOCK: Final = f"{COLUMNS} {_FROM} where i.id = %(id)s and i.root_id is null for update"
_LOCK_CHILD: Final = f"{COLUMNS} {_FROM} where i.id = %(id)s for update"
_JOB_TOO: Final = ", j.state as job_state, j.attempt as job_attempt"
_WITH_JOB: Final = f"{COLUMNS}{_JOB_TOO} {_FROM} join jobs j on j.id = %(job)s where i.id = %(id)s"
LOCK_WITH_JOB: Final = f"{_WITH_JOB} and i.root_id is null for update of i, j"
_LOCK_CHILD_WITH_JOB: Final = f"{_WITH_JOB} for update of i, j"
# A family's root is locked before any of its children, whoever comes: their ends and
# their terminations meet there instead of waiting for each other.
_LOCK_ROOT: Final = """
select r.id from process_instances r
 where r.id = (select root_id from process_instances where id = %(id)s) for update
"""

# --- writing: one statement for each kind of row ------------------------------------------

INSERT: Final = """
insert into process_instances
       (id, definition_id, business_key, title, status, result, state, variables,
        incident_count, started_by, started_at, ended_at, history_seq, history_hash,
        parent_id, parent_wait, root_id)
overriding system value
values (%(id)s, %(definition)s, %(business_key)s, %(title)s, %(status)s, %(result)s,
        %(state)s, %(variables)s, %(incident_count)s, %(started_by)s, %(at)s, %(ended_at)s,
        %(seq)s, %(hash)s, %(parent_id)s, %(parent_wait)s, %(root_id)s)
"""
UPDATE: Final = """
update process_instances
   set status = %(status)s, result = %(result)s, state = %(state)s,
       incident_count = %(incident_count)s, ended_at = %(ended_at)s,
       history_seq = %(seq)s, history_hash = %(hash)s
 where id = %(id)s
"""
UPDATE_WITH_VARIABLES: Final = UPDATE.replace(
    "state = %(state)s,", "state = %(state)s, variables = %(variables)s,"
)
TASK: Final = """
insert into tasks (instance_id, definition_id, wait, step, name, state, assignee, candidates,
                   form, outcomes, priority, round, due_at, created_at, allow, barred,
                   remind_at)
values (%(id)s, %(definition)s, %(wait)s, %(step)s, %(name)s, %(task_state)s, %(assignee)s,
        %(candidates)s, %(form)s, %(outcomes)s, %(priority)s, %(round)s, %(due_at)s, %(at)s,
        %(allow)s, %(barred)s, %(remind_at)s)
returning id
"""
DECIDED_TASK: Final = """
insert into tasks (instance_id, definition_id, wait, step, name, state, assignee, candidates,
                   form, outcomes, priority, round, due_at, created_at, completed_at,
                   completed_by, outcome, values, barred, rule, seat)
values (%(id)s, %(definition)s, %(wait)s, %(step)s, %(name)s, 'completed', %(assignee)s,
        %(candidates)s, %(form)s, %(outcomes)s, %(priority)s, %(round)s, %(due_at)s, %(at)s,
        %(at)s, %(by)s, %(outcome)s, %(values)s, %(barred)s, %(rule)s, %(seat)s)
"""
SEAT: Final = TASK.replace("remind_at)\nvalues", "remind_at, seat)\nvalues").replace(
    "%(remind_at)s)", "%(remind_at)s, %(seat)s)"
)
"""Same for one of several people."""
VISIT: Final = """
insert into visits (instance_id, wait, rules, queue, total)
values (%(id)s, %(wait)s, %(rules)s, %(queue)s, %(total)s)
"""
CLOSED_TASK: Final = """
with c as (
    update tasks set state = 'cancelled', completed_at = %(at)s, reason = %(reason)s
     where instance_id = %(id)s and wait = %(wait)s and state in ('open', 'claimed')
    returning id
)
delete from drafts where task_id in (select id from c)
"""
JOB: Final = """
insert into jobs (instance_id, wait, step, service, method, topic, input, timeout, retry,
                  state, due_at, created_at)
values (%(id)s, %(wait)s, %(step)s, %(service)s, %(method)s, %(topic)s, %(input)s, %(timeout)s,
        %(retry)s, 'due', %(at)s, %(at)s)
"""
CANCELLED_JOBS: Final = """
update jobs set state = 'cancelled', ended_at = %(at)s
 where instance_id = %(id)s and wait = any(%(waits)s) and state in ('due', 'leased')
"""
INCIDENT: Final = """
insert into incidents (instance_id, wait, step, kind, message, detail, attempts, at)
values (%(id)s, %(wait)s, %(step)s, %(kind)s, %(message)s, %(detail)s, %(attempts)s, %(at)s)
"""
RESOLVED_INCIDENT: Final = """
update incidents set resolved_at = %(at)s, resolved_by = %(actor)s, resolution = %(how)s
 where instance_id = %(id)s and wait = %(wait)s and resolved_at is null
"""
TIMER: Final = """
insert into timers (instance_id, wait, step, due_at)
values (%(id)s, %(wait)s, %(step)s, %(due_at)s)
"""
ENDED_TIMERS: Final = """
delete from timers where instance_id = %(id)s and wait = any(%(waits)s)
"""
SUBSCRIPTION: Final = """
insert into subscriptions (instance_id, wait, step, name, key, created_at)
values (%(id)s, %(wait)s, %(step)s, %(name)s, %(key)s, %(at)s)
"""
ENDED_SUBSCRIPTIONS: Final = """
delete from subscriptions where instance_id = %(id)s and wait = any(%(waits)s)
"""
MESSAGE: Final = """
insert into messages (name, key, payload, state, sent_by, sender_id, created_at, expires_at)
values (%(name)s, %(key)s, %(payload)s, 'kept', %(actor)s, %(id)s, %(at)s,
        %(at)s + make_interval(secs => %(ttl)s))
"""


def lock(tx: Tx, instance_id: int, *, job: int | None = None) -> dict[str, Any] | None:
    """Lock an instance's row and return it; None if there is none.

    For a child its family's root is locked first.

    Args:
        job: lock the row of this job too, after the instance's.
    """
    params = {"id": instance_id, "job": job}
    row = tx.run(LOCK if job is None else LOCK_WITH_JOB, params).fetchone()
    if row is not None or not lock_root(tx, instance_id):
        return row
    return tx.run(_LOCK_CHILD if job is None else _LOCK_CHILD_WITH_JOB, params).fetchone()


def lock_root(tx: Tx, instance_id: int) -> bool:
    """Lock the root of a child's family; False if the instance has none."""
    return tx.run(_LOCK_ROOT, {"id": instance_id}).fetchone() is not None
