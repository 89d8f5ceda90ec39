"""The one way an instance moves: lock, load, advance, apply.

The caller's transaction commits; only then are workers woken. No network call is made
while the instance is locked, except for services that declare themselves inline: pure
and under 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.advance import advance
from app.core.codec import state_from_json
from app.core.events import Activated, Event
from app.db.tx import Tx
from app.db.wire import Statement
from app.errors import NotFound
from app.identity.actor import Actor
from app.runtime import automatic, children, messages, store
from app.runtime.apply import apply
from app.runtime.lines import Line
from app.runtime.moved import Locked, Moved
from app.runtime.plan import Plan, make_plan
from app.runtime.ports import Engine
from app.runtime.row import row_of

__all__ = ["Locked", "Moved", "loaded", "lock", "move", "move_locked", "would_answer"]


Decide = Callable[[Locked], Event | Sequence[Event] | None]
"""Looks at the locked instance and says what happened to it; None: nothing after all."""


def lock(engine: Engine, tx: Tx, instance_id: int, *, job: int | None = None) -> Locked:
    """Lock an instance and load it.

    Args:
        job: one of its jobs, whose row is locked too; its ``state`` and ``attempt`` are in the
            row as ``job_state`` and ``job_attempt``.

    Raises:
        NotFound: there is no such instance.
    """
    row = store.lock(tx, instance_id, job=job)
    if row is None:
        raise NotFound("instance_not_found", "There is no such instance, or you may not see it.")
    return loaded(engine, tx, row)


def loaded(engine: Engine, tx: Tx, row: Mapping[str, Any]) -> Locked:
    """Return the instance of a row that the caller has locked; see ``store.LOCK``."""
    definition = engine.definitions.get(tx, row["definition_id"], row.get("definition_checksum"))
    return Locked(row, definition, state_from_json(row["state"], row["variables"]))


def move(
    engine: Engine,
    tx: Tx,
    instance_id: int,
    event: Event | Decide,
    *,
    actor: Actor,
    on_behalf_of: str | None = None,
) -> Moved:
    """Let an event happen to an instance, and everything that follows from it at once.

    Args:
        event: what happened, or a function that decides it once the instance is locked;
            several events happen in order.
        actor: who did it, for the history.

    Raises:
        NotFound: there is no such instance.
    """
    locked = lock(engine, tx, instance_id)
    return move_locked(engine, tx, locked, event, actor=actor, on_behalf_of=on_behalf_of)


def move_locked(
    engine: Engine,
    tx: Tx,
    locked: Locked,
    event: Event | Decide,
    *,
    actor: Actor,
    on_behalf_of: str | None = None,
    told: Sequence[Line] = (),
    also: Sequence[Statement] = (),
    adjust: Callable[[Plan], Sequence[Statement]] | None = None,
    last: bool = False,
) -> Moved:
    """Same as ``move`` for an instance that this transaction has locked.

    Args:
        told: lines of the history about what somebody did, before those about what follows.
        also: what is written in the same trip, of rows that are locked (the task or job that
            gave the event); also if the event was ignored.
        adjust: may change the plan before it is written; what it returns is written after ``also``.
        last: the caller does nothing more in this transaction.
    """
    decided = event if isinstance(event, Event) else event(locked)
    if decided is None:
        return Moved(locked.instance, "nothing to do")
    events = (decided,) if isinstance(decided, Event) else tuple(decided)
    plan = make_plan(locked.definition, locked.state, events, engine.services)
    if plan.ignored is not None:
        if also:
            tx.together(also)
        return Moved(locked.instance, plan.ignored)
    if adjust is not None:
        also = [*also, *adjust(plan)]
    automatic.settle(tx, locked.definition, plan, engine.services, at=events[0].at)
    applied = apply(
        tx,
        locked.definition,
        plan,
        locked.row,
        at=events[0].at,
        actor=actor.username,
        on_behalf_of=on_behalf_of,
        before=locked.state,
        told=told,
        also=also,
        last=last and not children.concerned(locked.row, plan),
    )
    row = {**locked.row, **applied.changed}
    if after(engine, tx, row, plan, actor=actor, now=events[0].at):
        row = store.lock(tx, row["id"]) or row
    return Moved(row_of(row), None, applied.opened, plan)


def would_answer(locked: Locked, event: Event) -> bool:
    """Say whether something of the instance waits for the event."""
    return advance(locked.definition, locked.state, event).ignored is None


def after(
    engine: Engine, tx: Tx, row: Mapping[str, Any], plan: Plan, *, actor: Actor, now: datetime
) -> bool:
    """Do what a written plan means for others: workers, receivers of messages, the family.

    Args:
        row: the instance's columns as they are now.

    Returns:
        True if the instance may have moved on because of it.
    """
    if plan.jobs or isinstance(plan.events[0], Activated):
        tx.after_commit(engine.waker.wake)
    if plan.messages or plan.subscriptions or isinstance(plan.events[0], Activated):
        instance_id = row["id"]
        tx.after_commit(lambda: messages.deliver_sent(engine, instance_id, now=now))
    return children.follow(engine, tx, row, plan, actor=actor, now=now)
