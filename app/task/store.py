"""The hot SQL of tasks: guarded writes whose row count decides who wins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.identity.actor import Actor

CLAIM: Final = """
update tasks set state = 'claimed', assignee = %(me)s, claimed_at = %(now)s
 where id = %(id)s and state = 'open' and candidates && %(keys)s
"""
RELEASE: Final = """
update tasks set state = 'open', assignee = null, claimed_at = null
 where id = %(id)s and state = 'claimed' and assignee = %(me)s and cardinality(candidates) > 0
"""
# A candidate who completes an open task claims it on the way; nobody's draft outlives it.
COMPLETE: Final = """
with done as (
    update tasks
       set state = 'completed', assignee = coalesce(assignee, %(me)s),
           claimed_at = case when state = 'open' then %(now)s else claimed_at end,
           completed_at = %(now)s, completed_by = %(me)s, outcome = %(outcome)s,
           values = %(values)s, comment = %(comment)s
     where id = %(id)s
       and ((state = 'claimed' and assignee = %(me)s)
            or (state = 'open' and candidates && %(keys)s))
    returning id
), gone as (
    delete from drafts where task_id in (select id from done)
)
select id from done
"""
SAVE_DRAFT: Final = """
insert into drafts (task_id, username, values, saved_at)
select t.id, %(me)s, %(values)s, %(now)s from tasks t
 where t.id = %(id)s
   and ((t.state = 'claimed' and t.assignee = %(me)s)
        or (t.state = 'open' and t.candidates && %(keys)s))
on conflict (task_id, username) do update
   set values = excluded.values, saved_at = excluded.saved_at
"""
LOCK_INSTANCE: Final = "select status from process_instances where id = %(id)s for update"


def claim(tx: Tx, actor: Actor, task_id: int, *, now: datetime) -> bool:
    """Give an open task to the actor; False if it is not there to be taken."""
    return tx.run(CLAIM, _who(actor, task_id) | {"now": now}).rowcount == 1


def release(tx: Tx, actor: Actor, task_id: int) -> bool:
    """Put the actor's task back to its candidates; False if there is nothing to put back."""
    return tx.run(RELEASE, _who(actor, task_id)).rowcount == 1


def complete(
    tx: Tx,
    actor: Actor,
    task_id: int,
    *,
    values: dict[str, Any],
    outcome: str | None,
    comment: str | None,
    now: datetime,
) -> bool:
    """Finish a task that the actor holds or may claim; False if there is no such task."""
    params = {"values": values, "outcome": outcome, "comment": comment, "now": now}
    return tx.run(COMPLETE, _who(actor, task_id) | params).rowcount == 1


def save_draft(
    tx: Tx, actor: Actor, task_id: int, values: dict[str, Any], *, now: datetime
) -> bool:
    """Keep what the actor has typed; False if the task is not theirs to complete."""
    params = {"values": values, "now": now}
    return tx.run(SAVE_DRAFT, _who(actor, task_id) | params).rowcount == 1


def lock_instance(tx: Tx, instance_id: int) -> str:
    """Lock the instance (the first lock everywhere) and return its status."""
    row = tx.run(LOCK_INSTANCE, {"id": instance_id}).fetchone()
    if row is None:
        raise LookupError(instance_id)
    return str(row["status"])


def _who(actor: Actor, task_id: int) -> dict[str, Any]:
    return {"id": task_id, "me": actor.username, "keys": actor.candidate_keys}
