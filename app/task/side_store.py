"""Side tasks: what others are asked for before or while somebody decides a task.

A side task is a row of the same wait as the task that it serves, with a role; whatever ends the
wait ends it too. The core knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from app.db.tx import Tx
from app.db.types import Json, Jsonb
from app.db.wire import Statement
from app.runtime.visits import BY_MANAGER

Row = Mapping[str, Any]
Role = Literal["delegate", "consult", "before", "after"]

SEAT: Final = (
    "(role is null or role in ('before', 'after')"
    " or role = 'delegate' and state in ('open', 'claimed'))"
)
"""Rows whose people count as seated: who gave advice or was asked a question can be asked again,
and can be given the task."""

# Seats of one visit share its wait. The task itself is looked at in its row.
_SEATED: Final = f"""
select state from tasks
 where instance_id = %(instance)s and wait = %(wait)s and id <> %(task)s and {SEAT}
   and ((state in ('open', 'claimed') and assignee = %(to)s) or completed_by = %(to)s)
   and not (%(in_place)s and rule is not distinct from '{BY_MANAGER}')
union all
select 'waiting' from visits, json_array_elements(queue) q
 where instance_id = %(instance)s and wait = %(wait)s and q ->> 'assignee' = %(to)s
limit 1
"""  # noqa: S608 - constants only
# The next free seats of the wait. The task's holder keeps its own; nobody claims these. Who may
# not decide does not sign either, nor for somebody else.
_ASKED: Final = """
insert into tasks (instance_id, definition_id, wait, seat, step, name, state, assignee, candidates,
                   form, outcomes, priority, round, due_at, created_at, allow, added_by, role,
                   serves, asked, barred)
select t.instance_id, t.definition_id, t.wait,
       p.n + (select max(s.seat) from tasks s
               where s.instance_id = t.instance_id and s.wait = t.wait),
       t.step, t.name, 'claimed', p.who, '{}', %(form)s, '[]', t.priority, t.round, t.due_at,
       %(at)s, t.allow, %(by)s, %(role)s, t.id, %(text)s,
       case when %(role)s in ('before', 'after') then t.barred end
  from tasks t, unnest(%(people)s::text[]) with ordinality p(who, n)
 where t.id = %(task)s
"""
_WAITS: Final = """
update tasks set sides = sides + %(count)s, waits_for = coalesce(%(waits_for)s, waits_for),
       pending = %(pending)s
 where id = %(task)s
"""
_FREE: Final = "update tasks set waits_for = null, pending = null where id = %(task)s"
_OF: Final = """
select id, role, assignee, state, added_by, asked, created_at, completed_at, completed_by, outcome,
       comment, values, reason, reminded_at
  from tasks
 where instance_id = %(instance)s and wait = %(wait)s and serves = %(task)s
"""
OF: Final = f"{_OF} order by id"
_LIVE: Final = f"{_OF} and state in ('open', 'claimed') order by id"
_SIGNER: Final = """
select id, role, assignee, state, added_by, serves from tasks
 where instance_id = %(instance)s and wait = %(wait)s and assignee = %(who)s
   and role in ('before', 'after') and state <> 'cancelled' order by id desc limit 1
"""
_AWAITED: Final = """
select serves, assignee from tasks
 where instance_id = any(%(instances)s) and serves = any(%(tasks)s)
   and state in ('open', 'claimed') and role <> 'consult' order by id
"""
_PENDING: Final = "select pending from tasks where id = %(task)s"
_ANSWERED: Final = """
update tasks
   set state = 'completed', completed_at = %(at)s, completed_by = %(by)s,
       on_behalf_of = %(behalf)s, outcome = %(outcome)s, comment = %(comment)s, values = %(values)s
 where id = %(task)s
"""
_CLOSED: Final = """
update tasks set state = 'cancelled', completed_at = %(at)s, reason = %(reason)s
 where id = any(%(ids)s)
"""
_FORGOTTEN: Final = "delete from drafts where task_id = any(%(ids)s)"
_DRAFT: Final = """
insert into drafts (task_id, username, values, saved_at)
values (%(task)s, %(by)s, %(values)s, %(at)s)
on conflict (task_id, username) do update
   set values = excluded.values, saved_at = excluded.saved_at
"""
_DECIDED_AT: Final = "update tasks set completed_at = %(at)s where id = %(task)s"


def asked(
    task: Row,
    role: Role,
    people: Sequence[str],
    *,
    by: str,
    form: Sequence[Row] = (),
    text: str | None,
    pending: Row | None = None,
    at: datetime,
) -> list[Statement]:
    """Return what asks people for a task (locked), and lets it wait for them if it has to.

    Args:
        people: usernames.
        by: who asks.
        form: what is proposed is filled into it.
        text: what is wanted to be known.
        pending: the decision that is applied when they have signed.
    """
    params = {"task": task["id"], "people": list(people), "by": by, "role": role, "text": text}
    held = {
        "task": task["id"],
        "count": len(people),
        "waits_for": None if role == "consult" else role,
        "pending": None if pending is None else Json(pending),
    }
    return [(_ASKED, params | {"form": Json(list(form)), "at": at}), (_WAITS, held)]


def seated(tx: Tx, task: Row, username: str, *, in_place: bool = False) -> str | None:
    """Return how the other seat stands that somebody has, or had, beside a task; None: none.

    ``waiting``: their turn has not come.

    Args:
        in_place: but for those that they have as a manager, in place of others.
    """
    asked = which(task) | {"to": username, "in_place": in_place}
    row = tx.run(_SEATED, asked).fetchone()
    return row["state"] if row is not None else None


def of(tx: Tx, task: Row) -> list[dict[str, Any]]:
    """Return the side tasks of a task, the oldest first."""
    return tx.run(OF, which(task)).fetchall()


def live(tx: Tx, task: Row) -> list[dict[str, Any]]:
    """Return those whose people have not answered, the oldest first."""
    return tx.run(_LIVE, which(task)).fetchall()


def signer(tx: Tx, task: Row, username: str) -> dict[str, Any] | None:
    """Return the task by which somebody signs before or after one of those of a wait; or None."""
    about = {"instance": task["instance_id"], "wait": task["wait"], "who": username}
    return tx.run(_SIGNER, about).fetchone()


def which(task: Row) -> dict[str, Any]:
    """Return the parameters of ``OF``."""
    return {"instance": task["instance_id"], "wait": task["wait"], "task": task["id"]}


def awaited(tx: Tx, waiting: Sequence[Row]) -> dict[int, list[str]]:
    """Return whom tasks wait for: usernames by the task's id."""
    if not waiting:
        return {}
    asked = {
        "instances": [row["instance_id"] for row in waiting],
        "tasks": [row["id"] for row in waiting],
    }
    found: dict[int, list[str]] = {}
    for row in tx.run(_AWAITED, asked).fetchall():
        found.setdefault(row["serves"], []).append(row["assignee"])
    return found


def pending(tx: Tx, task_id: int) -> dict[str, Any] | None:
    """Return the decision that waits for signatures: ``{values, outcome, comment, by, at}``."""
    row = tx.run(_PENDING, {"task": task_id}).fetchone()
    return row["pending"] if row else None


def answered(
    task: Row,
    *,
    by: str,
    behalf: str | None,
    outcome: str | None,
    comment: str | None,
    values: Row,
    at: datetime,
) -> list[Statement]:
    """Return what keeps the answer to a side task (locked).

    Args:
        behalf: who is away and was asked, if somebody stands in for them.
    """
    kept = {"outcome": outcome, "comment": comment, "values": Jsonb(dict(values))}
    params = {"task": task["id"], "at": at, "by": by, "behalf": behalf, **kept}
    return [(_ANSWERED, params), (_FORGOTTEN, {"ids": [task["id"]]})]


def closed(sides: Sequence[Row], reason: str, *, at: datetime) -> list[Statement]:
    """Return what withdraws side tasks (their instance is locked).

    Args:
        reason: a word: ``pulled_back``, ``decided``, ``refused``, ``removed`` or ``withdrawn``.
    """
    ids = [row["id"] for row in sides]
    if not ids:
        return []
    return [(_CLOSED, {"ids": ids, "at": at, "reason": reason}), (_FORGOTTEN, {"ids": ids})]


def freed(task: Row) -> Statement:
    """Return what gives a task (locked) back to its holder."""
    return _FREE, {"task": task["id"]}


def drafted(task: Row, by: str, values: Row, *, at: datetime) -> Statement:
    """Return what keeps a decision as its maker's draft, should it come back."""
    return _DRAFT, {"task": task["id"], "by": by, "values": Jsonb(dict(values)), "at": at}


def decided_at(task: Row, at: datetime) -> Statement:
    """Return what dates a task's completion back to when it was decided."""
    return _DECIDED_AT, {"task": task["id"], "at": at}
