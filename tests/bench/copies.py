"""Many instances in seconds: copies of one that was really run."""

from __future__ import annotations

from typing import Final

from app.db.tx import Database

_AT_ONCE: Final = 50_000

# Timers fall due at moments of their own within a minute.
_COPY: Final = """
with i as (
    insert into process_instances
           (definition_id, business_key, title, status, result, state, variables, started_by,
            started_at, ended_at, history_seq, history_hash)
    select definition_id, business_key, title, status, result, state, variables, started_by,
           started_at, ended_at, history_seq, history_hash
      from process_instances, generate_series(1, %(count)s) where id = %(id)s
    returning id
), t as (
    insert into tasks (instance_id, definition_id, wait, step, name, state, assignee, candidates,
                       form, outcomes, priority, round, due_at, created_at, claimed_at,
                       completed_at, completed_by, outcome, values, comment)
    select i.id, t.definition_id, t.wait, t.step, t.name, t.state, t.assignee, t.candidates,
           t.form, t.outcomes, t.priority, t.round, t.due_at, t.created_at, t.claimed_at,
           t.completed_at, t.completed_by, t.outcome, t.values, t.comment
      from tasks t, i where t.instance_id = %(id)s
), j as (
    insert into jobs (instance_id, wait, step, service, method, topic, input, timeout, retry,
                      state, attempt, due_at, created_at, ended_at)
    select i.id, j.wait, j.step, j.service, j.method, j.topic, j.input, j.timeout, j.retry,
           j.state, j.attempt, j.due_at, j.created_at, j.ended_at
      from jobs j, i where j.instance_id = %(id)s
), ti as (
    insert into timers (instance_id, wait, step, due_at)
    select i.id, t.wait, t.step, t.due_at + make_interval(secs => i.id %% 60)
      from timers t, i where t.instance_id = %(id)s
)
insert into history_events (instance_id, seq, at, actor, kind, data, prev_hash, hash)
select i.id, h.seq, h.at, h.actor, h.kind, h.data, h.prev_hash, h.hash
  from history_events h, i where h.instance_id = %(id)s
"""
_TABLES: Final = ("process_instances", "tasks", "jobs", "timers", "history_events")


def make(db: Database, instance_id: int, count: int) -> None:
    """Add ``count`` copies of an instance and of all its rows."""
    for done in range(0, count, _AT_ONCE):
        with db.transaction() as tx:
            tx.run(_COPY, {"id": instance_id, "count": min(_AT_ONCE, count - done)})
    with db.transaction() as tx:
        for table in _TABLES:
            tx.run(f"analyze {table}")
