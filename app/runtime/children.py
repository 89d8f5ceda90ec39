"""Families: children that a step starts, their ends, and what becomes of them.

A family's root is locked before any of its children (``store.lock``), so everything here
happens in the transaction of the event it follows from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core import effects as fx
from app.core.events import ChildEnded, Event, Terminated
from app.core.state import ENDED
from app.db.tx import Tx
from app.errors import Conflict, Invalid, NotFound
from app.identity.actor import SYSTEM, Actor
from app.runtime import starting, step
from app.runtime.plan import Plan
from app.runtime.ports import Engine

MAX_DEPTH: Final = 16
"""Generations; a definition that calls itself without an end stops here."""

_CHILD: Final = """
select id from process_instances
 where parent_id = %(parent)s and parent_wait = %(wait)s
   and status in ('running', 'suspended')
"""
_ENDED: Final = """
select c.id, c.parent_wait, c.status, c.result, c.variables
  from process_instances c join process_instances p on p.id = c.parent_id
 where c.parent_id = %(parent)s and c.parent_wait is not null
   and c.ended_at >= p.suspended_at order by c.id
"""


def concerned(row: Mapping[str, Any], plan: Plan) -> bool:
    """Say whether ``follow`` has anything to do for a plan."""
    ended = plan.state.status in ENDED and row.get("parent_wait") is not None
    return bool(plan.children or plan.ended_children or ended)


def follow(
    engine: Engine, tx: Tx, row: Mapping[str, Any], plan: Plan, *, actor: Actor, now: datetime
) -> bool:
    """Do what a plan means for other members of the family; say whether it had any part in it.

    Args:
        row: columns of the instance that the plan was written for.
    """
    for wait, reason in plan.ended_children.items():
        _terminate(engine, tx, row["id"], wait, reason, now)
    for call in plan.children:
        _start(engine, tx, row, plan, call, now)
    if plan.state.status in ENDED and row.get("parent_wait") is not None:
        state = plan.state
        told = _told(
            row["parent_wait"], row["id"], state.status, state.result, state.variables, now
        )
        step.move(engine, tx, row["parent_id"], told, actor=actor)
    return bool(plan.children)


def ended_meanwhile(tx: Tx, instance_id: int, *, now: datetime) -> list[Event]:
    """Return the ends of children, for a parent that was suspended when they came.

    Those that it knows already are ignored by the core: nothing waits for them any more.
    """
    rows = tx.run(_ENDED, {"parent": instance_id}).fetchall()
    return [
        _told(row["parent_wait"], row["id"], row["status"], row["result"], row["variables"], now)
        for row in rows
    ]


def _told(
    wait: int,
    child: int,
    status: str,
    result: str | None,
    variables: Mapping[str, Any],
    now: datetime,
) -> Event:
    return ChildEnded(
        at=now,
        by=SYSTEM.username,
        wait=wait,
        child=child,
        status=status,
        result=result,
        variables=dict(variables),
    )


def _start(
    engine: Engine,
    tx: Tx,
    row: Mapping[str, Any],
    plan: Plan,
    call: fx.StartChild,
    now: datetime,
) -> None:
    facts = plan.state.facts
    depth = int(facts.get("instance", {}).get("depth", 0)) + 1
    problem = None
    if depth > MAX_DEPTH:
        problem = "too_deep"
    else:
        family = starting.Family(
            parent_id=row["id"],
            parent_wait=call.wait if call.awaited else None,
            root_id=(row.get("root_id") or row["id"]) if call.awaited else None,
            initiator=facts.get("initiator", {}),
            depth=depth,
        )
        try:
            with tx.undone_on_error():
                starting.begin_child(
                    engine, tx, call, family, business_key=row["business_key"], now=now
                )
        except (NotFound, Conflict):
            problem = "unknown_process"
        except Invalid as error:
            problem = error.code
    if problem is not None and call.awaited:
        told = _told(call.wait, 0, "failed", problem, {}, now)
        step.move(engine, tx, row["id"], told, actor=SYSTEM)


def _terminate(engine: Engine, tx: Tx, parent: int, wait: int, reason: str, now: datetime) -> None:
    found = tx.run(_CHILD, {"parent": parent, "wait": wait}).fetchone()
    if found is not None:
        event = Terminated(at=now, by=SYSTEM.username, reason=reason)
        step.move(engine, tx, found["id"], event, actor=SYSTEM)
