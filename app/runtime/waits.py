"""What the tokens of an instance wait for, as rows: read once, for the pages and for REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.state import State
from app.db.tx import Tx

# A wait's id is never used twice within an instance, so there is one row of it at most; but a
# task has one for each of those who decide it together: it is as old as the first.
_OPEN: Final = """
select wait, 'task' as kind, min(id) as id, min(created_at) as since, null::timestamptz as due_at,
       null as name, null as key
  from tasks where instance_id = %(id)s and wait = any(%(waits)s) and role is null
 group by wait
union all
select wait, 'incident', id, at, null, null, null
  from incidents where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, 'job', id, created_at, null, topic, null
  from jobs where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, 'timer', null, null, due_at, null, null
  from timers where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, 'message', null, created_at, null, name, key
  from subscriptions where instance_id = %(id)s and wait = any(%(waits)s)
union all
select parent_wait, 'child', id, started_at, null, title, null
  from process_instances where parent_id = %(id)s and parent_wait = any(%(waits)s)
"""


@dataclass(frozen=True, slots=True)
class Open:
    """Somebody or something that may answer a wait.

    Args:
        kind: ``task``, ``incident``, ``job``, ``timer``, ``message`` or ``child``.
        id: of the task, the incident, the job or the child.
        since: when the wait began; of a timer that is not known.
        due_at: of a timer, as far as clocks go.
        name: of a message; the topic of a job; the title of a child.
        key: of a message.
    """

    kind: str
    id: int | None
    since: datetime | None
    due_at: datetime | None
    name: str
    key: str


def open_waits(tx: Tx, instance_id: int, state: State) -> Mapping[int, Open]:
    """Return by its id what may answer each wait of the tokens, and what is attached to it."""
    waits = [
        wait
        for token in state.tokens
        if token.wait is not None
        for wait in (token.wait.id, *(each.id for each in token.wait.attached))
    ]
    if not waits:
        return {}
    rows = tx.run(_OPEN, {"id": instance_id, "waits": waits}).fetchall()
    return {
        row["wait"]: Open(
            row["kind"],
            row["id"],
            row["since"],
            row["due_at"],
            row["name"] or "",
            row["key"] or "",
        )
        for row in rows
    }
