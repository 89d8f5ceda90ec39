"""The hot SQL of tasks: guarded writes whose row count decides who wins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.events import TaskCompleted
from app.db.tx import Tx
from app.identity.actor import Actor

# The instance's lock comes first, in the same statement: the write asks for its status,
# and after a wait both rows are looked at as they are then.
Row = Mapping[str, Any]

CLAIM: Final = """
with i as (
    select status from process_instances where id = %(instance)s for update
)
update tasks set state = 'claimed', assignee = %(me)s, claimed_at = %(now)s
 where id = %(id)s and state = 'open' and candidates && %(keys)s
   and (select status from i) = 'running'
"""
RELEASE: Final = """
with i as (
    select status from process_instances where id = %(instance)s for update
)
update tasks set state = 'open', assignee = null, claimed_at = null
 where id = %(id)s and state = 'claimed' and assignee = %(me)s and cardinality(candidates) > 0
   and (select status from i) = 'running'
"""
# Nobody's draft outlives the task.
COMPLETE: Final = """
with done as (
    update tasks
       set state = 'completed', completed_at = %(now)s, completed_by = %(me)s,
           outcome = %(outcome)s, values = %(values)s, comment = %(comment)s
     where id = %(id)s and state = 'claimed' and assignee = %(me)s
    returning id
), gone as (
    delete from drafts where task_id in (select id from done)
)
select id from done
"""
SAVE_DRAFT: Final = """
insert into drafts (task_id, username, values, saved_at)
select t.id, %(me)s, %(values)s, %(now)s
  from tasks t join process_instances i on i.id = t.instance_id and i.status = 'running'
 where t.id = %(id)s
   and ((t.state = 'claimed' and t.assignee = %(me)s)
        or (t.state = 'open' and t.candidates && %(keys)s))
on conflict (task_id, username) do update
   set values = excluded.values, saved_at = excluded.saved_at
"""


def claim(tx: Tx, actor: Actor, task: Row, *, now: datetime) -> bool:
    """Lock the instance and give an open task to the actor; False if that cannot be."""
    params = _who(actor, task["id"]) | {"instance": task["instance_id"], "now": now}
    return tx.run(CLAIM, params).rowcount == 1


def release(tx: Tx, actor: Actor, task: Row) -> bool:
    """Lock the instance and put the actor's task back; False if that cannot be."""
    params = _who(actor, task["id"]) | {"instance": task["instance_id"]}
    return tx.run(RELEASE, params).rowcount == 1


def complete(tx: Tx, actor: Actor, task_id: int, event: TaskCompleted) -> bool:
    """Finish a task that the actor holds; False if it is not theirs (any more)."""
    params = {
        "values": dict(event.values),
        "outcome": event.outcome,
        "comment": event.comment,
        "now": event.at,
    }
    return tx.run(COMPLETE, _who(actor, task_id) | params).rowcount == 1


def save_draft(
    tx: Tx, actor: Actor, task_id: int, values: dict[str, Any], *, now: datetime
) -> bool:
    """Keep what the actor has typed; False if the task is not theirs to complete."""
    params = {"values": values, "now": now}
    return tx.run(SAVE_DRAFT, _who(actor, task_id) | params).rowcount == 1


def _who(actor: Actor, task_id: int) -> dict[str, Any]:
    return {"id": task_id, "me": actor.username, "keys": actor.candidate_keys}
