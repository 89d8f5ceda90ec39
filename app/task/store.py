"""The hot SQL of tasks: reading one, and guarded writes whose row count decides who wins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.history import record
from app.identity.actor import Actor
from app.runtime.store import lock_root

Row = Mapping[str, Any]

# ``in_instance``: the actor takes part in the instance elsewhere, as its initiator or by
# another of its tasks.
_COLUMNS: Final = """
       t.id, t.instance_id, t.definition_id, t.wait, t.step, t.name, t.state, t.assignee,
       t.candidates, t.form, t.outcomes, t.priority, t.round, t.due_at, t.created_at,
       t.claimed_at, t.completed_at, t.completed_by, t.on_behalf_of, t.outcome, t.values,
       t.comment, t.reason, i.status as instance_status, i.suspended_at, i.business_key, i.title,
       i.started_by, i.variables, d.key as definition_key, d.names as definition_names,
       d.version as definition_version, d.checksum as definition_checksum,
       i.started_by = %(me)s or exists (
           select 1 from tasks o where o.instance_id = t.instance_id
              and (o.assignee = %(me)s or o.completed_by = %(me)s or o.candidates && %(keys)s)
       ) as in_instance
"""
_FROM: Final = """
  from tasks t
  join process_instances i on i.id = t.instance_id
  join process_definitions d on d.id = t.definition_id
 where t.id = %(id)s
"""
SEEN: Final = f"select {_COLUMNS} {_FROM}"
# With what moving the instance needs. After a wait for the lock the instance is as it is
# then, the task may still be as it was before: what is written to it has to be guarded.
_SEEN_LOCKED: Final = f"""
select {_COLUMNS}, i.status, i.result, i.state as instance_state, i.incident_count,
       i.started_at, i.ended_at, i.history_seq, i.history_hash, i.parent_id, i.parent_wait,
       i.root_id
  {_FROM}
"""
SEEN_LOCKED: Final = f"{_SEEN_LOCKED} and i.root_id is null for update of i"
_CHILD_SEEN_LOCKED: Final = f"{_SEEN_LOCKED} for update of i"
_INSTANCE: Final = "select instance_id from tasks where id = %(id)s"

# The instance's lock comes first, in the same statement: the write asks for its status,
# and after a wait both rows are looked at as they are then. What is written is told in the
# history by the same statement.
_LOCKED: Final = """
with locked as (
    select id, status, history_seq, history_hash
      from process_instances where id = %(instance)s for update
), t as (
    {write}
       and (select status from locked) = 'running'
    returning id
), i as (
    select * from locked where exists (select 1 from t)
), {appended}
select id from t
"""
CLAIM: Final = _LOCKED.format(
    write="""
    update tasks set state = 'claimed', assignee = %(me)s, claimed_at = %(at)s
     where id = %(id)s and state = 'open' and candidates && %(keys)s""",
    appended=record.APPENDED,
)
RELEASE: Final = _LOCKED.format(
    write="""
    update tasks set state = 'open', assignee = null, claimed_at = null
     where id = %(id)s and state = 'claimed' and assignee = %(me)s and cardinality(candidates) > 0
    """,
    appended=record.APPENDED,
)
# The instance's lock, then the task's: whoever is completing it comes first, and then there
# is nothing left to keep.
SAVE_DRAFT: Final = """
insert into drafts (task_id, username, values, saved_at)
select t.id, %(me)s, %(values)s, %(now)s
  from tasks t join process_instances i on i.id = t.instance_id and i.status = 'running'
 where t.id = %(id)s
   and ((t.state = 'claimed' and t.assignee = %(me)s)
        or (t.state = 'open' and t.candidates && %(keys)s))
   for key share of i, t
on conflict (task_id, username) do update
   set values = excluded.values, saved_at = excluded.saved_at
"""


def seen(tx: Tx, actor: Actor, task_id: int, *, locked: bool = False) -> dict[str, Any] | None:
    """Return a task with its instance and definition; None if there is none.

    Args:
        locked: lock the instance, and return what ``runtime.step`` needs of it too.
    """
    who = _who(actor, task_id)
    if not locked:
        return tx.run(SEEN, who).fetchone()
    row = tx.run(SEEN_LOCKED, who).fetchone()
    if row is None:  # there is none, or it is a child's: then its family's root comes first
        found = tx.run(_INSTANCE, who).fetchone()
        if found is not None and lock_root(tx, found["instance_id"]):
            row = tx.run(_CHILD_SEEN_LOCKED, who).fetchone()
    return row


def claim(tx: Tx, actor: Actor, task: Row, *, now: datetime) -> bool:
    """Lock the instance and give an open task to the actor; False if that cannot be."""
    return _verb(tx, CLAIM, actor, task, "task.claimed", {}, now)


def release(tx: Tx, actor: Actor, task: Row, *, said: Row, now: datetime) -> bool:
    """Lock the instance and put the actor's task back; False if that cannot be.

    Args:
        said: what the history tells beside.
    """
    return _verb(tx, RELEASE, actor, task, "task.released", said, now)


def save_draft(
    tx: Tx, actor: Actor, task_id: int, values: dict[str, Any], *, now: datetime
) -> bool:
    """Keep what the actor has typed; False if the task is not theirs to complete."""
    params = {"values": values, "now": now}
    return tx.run(SAVE_DRAFT, _who(actor, task_id) | params).rowcount == 1


def _verb(tx: Tx, sql: str, actor: Actor, task: Row, kind: str, said: Row, now: datetime) -> bool:
    line = [kind, task["step"], {"wait": task["wait"], **said}]
    params = _who(actor, task["id"]) | record.entry(
        at=now, actor=actor.username, kind=kind, lines=[line]
    )
    params["instance"] = task["instance_id"]
    return tx.run(sql, params).fetchone() is not None


def _who(actor: Actor, task_id: int) -> dict[str, Any]:
    return {"id": task_id, "me": actor.username, "keys": actor.candidate_keys}
