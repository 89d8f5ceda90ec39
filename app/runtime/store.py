"""The hot SQL of instances, put together from one piece for each kind of row.

What one transaction writes goes to PostgreSQL as one statement, whatever it is: the
pieces are common table expressions, and a fixed set of kinds always gives the same
text, so that the driver keeps it prepared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
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
# A family's root is locked before any of its children, whoever comes: their ends and
# their terminations meet there instead of waiting for each other.
_LOCK_ROOT: Final = """
select r.id from process_instances r
 where r.id = (select root_id from process_instances where id = %(id)s) for update
"""

# --- the pieces; their order is that of locking: instance first ------------------------

_HISTORY: Final = """h as (
    insert into history_events
           (instance_id, seq, at, actor, on_behalf_of, kind, data, prev_hash, hash)
    values (%(id)s, %(seq)s, %(at)s, %(actor)s, %(behalf)s, %(kind)s, %(data)s, %(prev)s,
            history_hash(%(prev)s, %(seq)s, %(at)s, %(actor)s, %(behalf)s, %(kind)s, %(data)s))
    returning hash
)"""

_INSERT: Final = """i as (
    insert into process_instances
           (id, definition_id, business_key, title, status, result, state, variables,
            incident_count, started_by, started_at, ended_at, history_seq, history_hash,
            parent_id, parent_wait, root_id)
    overriding system value
    select %(id)s, %(definition)s, %(business_key)s, %(title)s, %(status)s, %(result)s,
           %(state)s, %(variables)s, %(incident_count)s, %(started_by)s, %(at)s, %(ended_at)s,
           %(seq)s, h.hash, %(parent_id)s, %(parent_wait)s, %(root_id)s
      from h
)"""

_UPDATE: Final = """i as (
    update process_instances
       set status = %(status)s, result = %(result)s, state = %(state)s,
           incident_count = %(incident_count)s, ended_at = %(ended_at)s,
           history_seq = %(seq)s, history_hash = h.hash
      from h where id = %(id)s
)"""

_UPDATE_WITH_VARIABLES: Final = _UPDATE.replace(
    "state = %(state)s,", "state = %(state)s, variables = %(variables)s,"
)

_TASKS: Final = """t as (
    insert into tasks (instance_id, definition_id, wait, step, name, state, assignee, candidates,
                       form, outcomes, priority, round, due_at, created_at, claimed_at)
    select %(id)s, %(definition)s, x.wait, x.step, x.name,
           case when x.assignee is null then 'open' else 'claimed' end, x.assignee, x.candidates,
           x.form, x.outcomes, x.priority, x.round, x.due_at, %(at)s,
           case when x.assignee is null then null else %(at)s::timestamptz end
      from jsonb_to_recordset(%(tasks)s) as x(
               wait bigint, step text, name jsonb, assignee text, candidates text[], form jsonb,
               outcomes jsonb, priority integer, round integer, due_at timestamptz)
    returning id, wait, step
)"""

# The task that is completed by this move; nobody's draft outlives it.
_DONE_TASK: Final = """dt as (
    update tasks
       set state = 'completed', completed_at = %(at)s, completed_by = %(actor)s,
           outcome = %(outcome)s, values = %(values)s, comment = %(comment)s
     where id = %(done_task)s and state = 'claimed' and assignee = %(actor)s
    returning id
), dd as (
    delete from drafts where task_id in (select id from dt)
)"""

_CLOSED_TASKS: Final = """c as (
    update tasks t set state = 'cancelled', completed_at = %(at)s, reason = x.reason
      from jsonb_to_recordset(%(closed_tasks)s) as x(wait bigint, reason text)
     where t.instance_id = %(id)s and t.wait = x.wait and t.state in ('open', 'claimed')
    returning t.id
), cd as (
    delete from drafts where task_id in (select id from c)
)"""

_JOBS: Final = """j as (
    insert into jobs (instance_id, wait, step, service, method, topic, input, timeout, retry,
                      state, due_at, created_at)
    select %(id)s, x.wait, x.step, x.service, x.method, x.topic, x.input, x.timeout, x.retry,
           'due', %(at)s, %(at)s
      from jsonb_to_recordset(%(jobs)s) as x(
               wait bigint, step text, service text, method text, topic text, input jsonb,
               timeout double precision, retry jsonb)
)"""

_CANCELLED_JOBS: Final = """cj as (
    update jobs set state = 'cancelled', ended_at = %(at)s
     where instance_id = %(id)s and wait = any(%(cancelled_jobs)s) and state in ('due', 'leased')
)"""

_INCIDENTS: Final = """n as (
    insert into incidents (instance_id, wait, step, kind, message, detail, attempts, at)
    select %(id)s, x.wait, x.step, x.kind, x.message, x.detail, x.attempts, %(at)s
      from jsonb_to_recordset(%(incidents)s) as x(
               wait bigint, step text, kind text, message text, detail jsonb, attempts integer)
)"""

_RESOLVED_INCIDENTS: Final = """r as (
    update incidents n set resolved_at = %(at)s, resolved_by = %(actor)s, resolution = x.how
      from jsonb_to_recordset(%(resolved_incidents)s) as x(wait bigint, how text)
     where n.instance_id = %(id)s and n.wait = x.wait and n.resolved_at is null
)"""

_TIMERS: Final = """ti as (
    insert into timers (instance_id, wait, step, due_at)
    select %(id)s, x.wait, x.step, x.due_at
      from jsonb_to_recordset(%(timers)s) as x(wait bigint, step text, due_at timestamptz)
)"""

_ENDED_TIMERS: Final = """te as (
    delete from timers where instance_id = %(id)s and wait = any(%(ended_timers)s)
)"""

_SUBSCRIPTIONS: Final = """s as (
    insert into subscriptions (instance_id, wait, step, name, key, created_at)
    select %(id)s, x.wait, x.step, x.name, x.key, %(at)s
      from jsonb_to_recordset(%(subscriptions)s) as x(
               wait bigint, step text, name text, key text)
)"""

_ENDED_SUBSCRIPTIONS: Final = """se as (
    delete from subscriptions
     where instance_id = %(id)s and wait = any(%(ended_subscriptions)s)
)"""

_MESSAGES: Final = """m as (
    insert into messages (name, key, payload, state, sent_by, sender_id, created_at, expires_at)
    select x.name, x.key, x.payload, 'kept', %(actor)s, %(id)s, %(at)s,
           %(at)s + make_interval(secs => x.ttl)
      from jsonb_to_recordset(%(messages)s) as x(
               name text, key text, payload jsonb, ttl double precision)
)"""

_PIECES: Final[Mapping[str, str]] = {
    "history": _HISTORY,
    "insert": _INSERT,
    "update": _UPDATE,
    "update_with_variables": _UPDATE_WITH_VARIABLES,
    "tasks": _TASKS,
    "done_task": _DONE_TASK,
    "closed_tasks": _CLOSED_TASKS,
    "jobs": _JOBS,
    "cancelled_jobs": _CANCELLED_JOBS,
    "incidents": _INCIDENTS,
    "resolved_incidents": _RESOLVED_INCIDENTS,
    "timers": _TIMERS,
    "ended_timers": _ENDED_TIMERS,
    "subscriptions": _SUBSCRIPTIONS,
    "ended_subscriptions": _ENDED_SUBSCRIPTIONS,
    "messages": _MESSAGES,
}

OPTIONAL: Final = _PIECES.keys() - {
    "history",
    "insert",
    "update",
    "update_with_variables",
    "tasks",
}
"""Pieces that are written when there is a parameter of their name."""


def lock(tx: Tx, instance_id: int) -> dict[str, Any] | None:
    """Lock an instance's row and return it; None if there is none.

    For a child its family's root is locked first.
    """
    row = tx.run(LOCK, {"id": instance_id}).fetchone()
    if row is not None or not lock_root(tx, instance_id):
        return row
    return tx.run(_LOCK_CHILD, {"id": instance_id}).fetchone()


def lock_root(tx: Tx, instance_id: int) -> bool:
    """Lock the root of a child's family; False if the instance has none."""
    return tx.run(_LOCK_ROOT, {"id": instance_id}).fetchone() is not None


def write(tx: Tx, kinds: Iterable[str], params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write every kind of row in one statement.

    Args:
        kinds: names of pieces; see ``_PIECES``.
        params: what these pieces need.

    Returns:
        ``id``, ``wait`` and ``step`` of the tasks that were opened; and, with ``wait`` null,
        the ``id`` of the one that was completed.
    """
    return tx.run(_statement(frozenset(kinds)), params).fetchall()


@cache
def _statement(kinds: frozenset[str]) -> str:
    pieces = ",\n".join(text for name, text in _PIECES.items() if name in kinds)
    answers = []
    if "tasks" in kinds:
        answers.append("select id, wait, step from t")
    if "done_task" in kinds:
        answers.append("select id, null::bigint as wait, null::text as step from dt")
    answer = " union all ".join(answers) or "select 0 where false"
    return f"with {pieces}\n{answer}"
