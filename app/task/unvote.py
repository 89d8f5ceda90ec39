"""Taking back one's own vote: while the others still decide, and the one that decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.db.types import Json
from app.db.wire import Statement
from app.identity.actor import Actor
from app.notice.store import reopened, withdrawn
from app.runtime.plan import Plan
from app.runtime.visits import REMOVED, Visit, visit_of
from app.task import side_store, store, untouched
from app.task.tell import tell
from app.task.untouched import Obstacle

Row = Mapping[str, Any]

_BACK: Final = """
update tasks
   set state = 'claimed', assignee = coalesce(on_behalf_of, assignee), completed_at = null,
       completed_by = null, on_behalf_of = null, decided_by = null, outcome = null, values = null,
       comment = null
 where id = %(task)s
"""
# What several have decided is opened as it was, under the wait that the step has now. Whom those
# had asked whose seats were withdrawn, they ask again.
_SAME_ROWS: Final = (
    "update visits set wait = %(new)s where instance_id = %(instance)s and wait = %(old)s",
    "update tasks set wait = %(new)s where instance_id = %(instance)s and wait = %(old)s",
)
_OPEN_AGAIN: Final = """
update tasks
   set state = case when assignee is null then 'open' else 'claimed' end, completed_at = null,
       reason = null, decided_by = null, waits_for = null, pending = null
 where instance_id = %(instance)s and wait = %(new)s and role is null and state = 'cancelled'
   and reason = 'decided'
"""
_CLOSED: Final = """
update tasks set state = 'cancelled', completed_at = %(at)s, reason = %(reason)s
 where id = any(%(tasks)s)
"""
_QUEUE: Final = """
update visits set queue = %(queue)s where instance_id = %(instance)s and wait = %(wait)s
"""


class NotOpened(Exception):
    """A step of several people would not wait for them again."""


def in_the_way(tx: Tx, task: Row) -> tuple[Visit, list[Obstacle]]:
    """Return the visit of a seat, and what keeps its vote from being taken back.

    Where everyone decides at once nothing does. Where one decides after the other, whoever comes
    next must not have begun.

    Args:
        task: a seat that is decided, of a visit that is open; its instance is locked.
    """
    visit = visit_of(tx, task["instance_id"], task["wait"])
    if visit is None:
        raise LookupError(f"task {task['id']} has no visit")
    if visit.rules.mode != "sequential":
        return visit, []
    latest = visit.done[-1]
    if latest["id"] != task["id"]:  # not by who: one may have voted for two others
        return visit, [Obstacle("task", task["step"], latest["completed_by"])]
    since = untouched.since_vote(tx, task)
    if since is None:  # the decision was taken back that came after it
        next_ = visit.open[0]["assignee"] if visit.open else None
        since = [Obstacle("task" if next_ else "joined", task["step"], next_)]
    return visit, since


def take_back(
    tx: Tx, actor: Actor, task: Row, visit: Visit, *, comment: str | None, now: datetime
) -> dict[str, Any]:
    """Give a seat back to who has decided it; the last write of its transaction.

    Returns:
        The columns that changed of the task's row.
    """
    also: list[Statement] = [(_BACK, {"task": task["id"]}), *kept(task, task, actor, now)]
    if visit.rules.mode == "sequential" and visit.open:
        queue = [
            {"assignee": each["assignee"], "candidates": list(each["candidates"])}
            | ({"added_by": each["added_by"]} if each["added_by"] else {})
            for each in visit.open
        ]
        about = {"instance": visit.instance, "wait": visit.wait}
        closed = {"tasks": [each["id"] for each in visit.open], "at": now, "reason": REMOVED}
        also += [
            (_CLOSED, closed),
            (_QUEUE, {**about, "queue": Json([*queue, *visit.queue])}),
            withdrawn(visit.instance, [visit.wait], text=comment, actor=actor.username, at=now),
        ]
    head = tell(tx, actor, task, "task.recalled", {"comment": comment}, also, now=now)
    return head | given_back(task)


def reseat(actor: Actor, task: Row, plan: Plan, *, now: datetime) -> list[Statement]:
    """Let a plan that opens a step once more leave its seats and the other votes as they were.

    Args:
        task: the seat whose vote decided it, locked; it alone is undecided again, with those whose
            seats were withdrawn by that.
        plan: of the recall; it does not open any task of the step any more.

    Raises:
        NotOpened: the step cannot be opened again; an incident would be.
    """
    wait = next((each.wait for each in plan.tasks.values() if each.step == task["step"]), None)
    if wait is None:
        raise NotOpened
    del plan.tasks[wait]
    about = {"instance": task["instance_id"], "old": task["wait"], "new": wait}
    return [
        *((sql, about) for sql in _SAME_ROWS),
        (_BACK, {"task": task["id"]}),
        *kept(task, task, actor, now),
        (_OPEN_AGAIN, about),
        *reopened(task["instance_id"], wait, task["id"], actor=actor.username, at=now),
    ]


def kept(task: Row, again: Row, actor: Actor, now: datetime) -> list[Statement]:
    """Return what keeps a decision and its comment as a draft: it need not be typed once more.

    Args:
        task: as it was decided.
        again: the one that is open for it now.
    """
    typed = {name: value for name, value in (task["values"] or {}).items() if value is not None}
    if task["comment"]:
        typed[store.COMMENT] = task["comment"]
    return [side_store.drafted(again, actor.username, typed, at=now)] if typed else []


def given_back(task: Row) -> dict[str, Any]:
    """Return the columns of a seat that change when its vote is undone."""
    gone = (
        "values",
        "comment",
        "completed_at",
        "completed_by",
        "on_behalf_of",
        "decided_by",
        "outcome",
    )
    holder = task["on_behalf_of"] or task["assignee"]
    return dict.fromkeys(gone) | {"state": "claimed", "assignee": holder}
