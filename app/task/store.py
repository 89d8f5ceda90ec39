"""The hot SQL of tasks: reading and locking one, and what the verbs write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.events import TaskCompleted
from app.db.tx import Tx
from app.db.wire import Statement
from app.history import record
from app.identity.actor import Actor
from app.identity.seats import OFFER, SEAT, ForSeats
from app.runtime.store import lock_root
from app.task import access

Row = Mapping[str, Any]

_COLUMNS: Final = """
       t.id, t.instance_id, t.definition_id, t.wait, t.step, t.name, t.state, t.assignee,
       t.candidates, t.form, t.outcomes, t.priority, t.round, t.due_at, t.created_at,
       t.claimed_at, t.completed_at, t.completed_by, t.on_behalf_of, t.outcome, t.values,
       t.comment, t.reason, t.allow, t.reminders, t.reminded_at, t.seat, t.added_by, t.decided_by,
       t.role, t.serves, t.asked, t.sides, t.waits_for, t.barred, t.rule,
       i.status as instance_status,
       i.suspended_at, i.business_key, i.title,
       i.started_by, i.variables, d.key as definition_key, d.names as definition_names,
       d.version as definition_version, d.checksum as definition_checksum, d.summaries
"""
_FROM: Final = """
  from tasks t
  join process_instances i on i.id = t.instance_id
  join process_definitions d on d.id = t.definition_id
 where t.id = %(id)s
"""
SEEN: Final = f"select {_COLUMNS} {_FROM}"
_LIVE_OF: Final = f"""
select {_COLUMNS}
  from tasks t
  join process_instances i on i.id = t.instance_id
  join process_definitions d on d.id = t.definition_id
 where t.instance_id = %(id)s and t.state in ('open', 'claimed') order by t.id limit 1000
"""  # noqa: S608 - constants only
_ELSEWHERE: Final = ForSeats(f"""
select exists (select 1 from tasks t where t.instance_id = %(instance)s
                  and ({SEAT} or t.completed_by = %(me)s or (t.state = 'open' and {OFFER})))
           as takes_part,
       exists (select 1 from copies where instance_id = %(instance)s and username = %(me)s)
       or exists (select 1 from history_events where instance_id = %(instance)s
                     and actor = %(me)s and kind = 'task.transferred')
       or exists (select 1 from process_instances i
                    join process_definitions p on p.id = i.definition_id
                   where i.id = %(instance)s and p.viewers && %(keys)s) as reads
""")  # noqa: S608 - constants only
# With what moving the instance needs. Both rows are as they are after a wait for the locks,
# that of the instance first.
_SEEN_LOCKED: Final = f"""
select {_COLUMNS}, t.remind_at, i.status, i.result, i.state as instance_state, i.incident_count,
       i.started_at, i.ended_at, i.history_seq, i.history_hash, i.parent_id, i.parent_wait,
       i.root_id, i.definition_id as runs_by
  {_FROM}
"""
SEEN_LOCKED: Final = f"{_SEEN_LOCKED} and i.root_id is null for update of i, t"
_CHILD_SEEN_LOCKED: Final = f"{_SEEN_LOCKED} for update of i, t"
_INSTANCE: Final = "select instance_id from tasks where id = %(id)s"

_CLAIM: Final = """
update tasks set state = 'claimed', assignee = %(holder)s, claimed_at = %(at)s
 where id = %(task)s
"""
_RELEASE: Final = """
update tasks set state = 'open', assignee = null, claimed_at = null, rule = null
 where id = %(task)s
"""
_COMPLETE: Final = """
update tasks
   set state = 'completed', completed_at = %(at)s, completed_by = %(by)s,
       on_behalf_of = %(behalf)s, decided_by = %(decided)s, outcome = %(outcome)s,
       values = %(values)s, comment = %(comment)s, rule = coalesce(%(rule)s, rule)
 where id = %(task)s
"""
_FORGET_DRAFTS: Final = "delete from drafts where task_id = %(task)s"
_HEAD: Final = ("history_seq", "history_hash")
COMMENT: Final = "@comment"
"""Stands among the values of a draft for the comment; no field is called so."""
# The instance's lock, then the task's: whoever is completing it comes first, and then there
# is nothing left to keep.
SAVE_DRAFT: Final = ForSeats(f"""
insert into drafts (task_id, username, values, saved_at)
select t.id, %(me)s, %(values)s, %(now)s
  from tasks t join process_instances i on i.id = t.instance_id and i.status = 'running'
 where t.id = %(id)s
   and ((t.state = 'claimed' and {SEAT})
        or (t.state = 'open' and {OFFER}
            and not coalesce(t.barred @> array[%(me)s], false)))
   for key share of i, t
on conflict (task_id, username) do update
   set values = excluded.values, saved_at = excluded.saved_at
""")  # noqa: S608 - constants only


def seen(tx: Tx, task_id: int, *, locked: bool = False) -> dict[str, Any] | None:
    """Return a task with its instance and definition; None if there is none.

    Args:
        locked: lock the instance, and return what ``runtime.step`` needs of it too.
    """
    who = {"id": task_id}
    if not locked:
        return tx.run(SEEN, who).fetchone()
    row = tx.run(SEEN_LOCKED, who).fetchone()
    if row is None:  # there is none, or it is a child's: then its family's root comes first
        found = tx.run(_INSTANCE, who).fetchone()
        if found is not None and lock_root(tx, found["instance_id"]):
            row = tx.run(_CHILD_SEEN_LOCKED, who).fetchone()
    return row


def instance_of(task: Row) -> dict[str, Any]:
    """Return the instance's columns of a task's row that was read with its lock."""
    return {**task, "id": task["instance_id"], "state": task["instance_state"]}


def live_of(tx: Tx, instance_id: int) -> list[dict[str, Any]]:
    """Return the live tasks of an instance (1,000 at most), the oldest first."""
    return tx.only(_LIVE_OF, {"id": instance_id}).fetchall()


def elsewhere(tx: Tx, actor: Actor, instance_id: int) -> Row:
    """Say whether any task of the instance is, was or was offered to be the actor's.

    Returns:
        ``takes_part``: that; ``reads``: whether one was copied to them, they transferred one, or
        the definition names them among its viewers.
    """
    asked = _ELSEWHERE.by(actor, {"instance": instance_id})
    return tx.run(*asked).fetchone() or {}


def claim(
    tx: Tx, actor: Actor, task: Row, *, said: Row, now: datetime, last: bool
) -> dict[str, Any]:
    """Give an open task to the actor, or to who is away and was offered it by name.

    Returns:
        The columns that changed.

    Args:
        task: a row that is locked; the same below.
        said: what the history tells beside; the same below.
        last: nothing follows in this transaction; see ``Tx.together``.
    """
    holder = access.acting_for(actor, task) or actor.username
    changed = {"state": "claimed", "assignee": holder, "claimed_at": now}
    return changed | _write(tx, _CLAIM, actor, task, "task.claimed", said, now, last=last)


def release(tx: Tx, actor: Actor, task: Row, *, said: Row, now: datetime) -> dict[str, Any]:
    """Put a claimed task back; return the columns that changed."""
    changed = {"state": "open", "assignee": None, "claimed_at": None}
    return changed | _write(tx, _RELEASE, actor, task, "task.released", said, now, last=True)


def completed(task_id: int, event: TaskCompleted) -> list[Statement]:
    """Return what completing a task (locked, the actor's) writes beside moving its instance."""
    params = {
        "task": task_id,
        "at": event.at,
        "by": event.by,
        "behalf": event.on_behalf_of,
        # So that who was away finds it among what is done.
        "decided": event.by if event.on_behalf_of else None,
        "outcome": event.outcome,
        "values": dict(event.values),
        "comment": event.comment,
        "rule": event.rule,
    }
    return [(_COMPLETE, params), (_FORGET_DRAFTS, params)]


def save_draft(
    tx: Tx, actor: Actor, task_id: int, values: dict[str, Any], *, now: datetime
) -> bool:
    """Keep what the actor has typed; False if the task is not theirs to complete."""
    who = {"id": task_id, "values": values, "now": now}
    return tx.run(*SAVE_DRAFT.by(actor, who)).rowcount == 1


def _write(
    tx: Tx, sql: str, actor: Actor, task: Row, kind: str, said: Row, now: datetime, *, last: bool
) -> dict[str, Any]:
    """Write a verb and what the history tells of it; return the new head of that."""
    head = {"id": task["instance_id"], **{name: task[name] for name in _HEAD}}
    line = [kind, task["step"], {"wait": task["wait"], **said}]
    behalf = access.acting_for(actor, task)
    told = record.told(
        head, at=now, actor=actor.username, on_behalf_of=behalf, kind=kind, lines=[line]
    )
    params = {"task": task["id"], "holder": behalf or actor.username, "at": now}
    tx.together([*told, (sql, params)], last=last)
    written = told[0][1] or {}
    return {"history_seq": written["seq"], "history_hash": written["hash"]}
