"""The one way an instance moves: lock, load, advance, apply.

The caller's transaction commits; only then are workers woken. No network call is made
while the instance is locked, except for services that declare themselves inline: pure
and under 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.events import Activated, Event
from app.core.state import State
from app.db.tx import Tx
from app.errors import NotFound
from app.identity.actor import Actor
from app.runtime import store
from app.runtime.apply import apply
from app.runtime.plan import Plan, make_plan
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow, row_of


class TaskLost(Exception):
    """The task to be completed is not the actor's."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An instance whose row is locked until the transaction ends."""

    row: Mapping[str, Any]
    definition: Definition
    state: State

    @property
    def instance(self) -> InstanceRow:
        """The row as readers see it."""
        return row_of(self.row)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an event.

    Args:
        instance: as it is now.
        ignored: why nothing happened (a duplicate, too late, suspended); else None.
        opened: ``{id, wait, step}`` of the tasks that are open because of it.
        plan: everything that was decided.
    """

    instance: InstanceRow
    ignored: str | None
    opened: tuple[Mapping[str, Any], ...] = ()
    plan: Plan | None = None


Decide = Callable[[Locked], Event | Sequence[Event] | None]
"""Looks at the locked instance and says what happened to it; None: nothing after all."""


def lock(engine: Engine, tx: Tx, instance_id: int) -> Locked:
    """Lock an instance and load it.

    Raises:
        NotFound: there is no such instance.
    """
    row = store.lock(tx, instance_id)
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
    done_task: int | None = None,
) -> Moved:
    """Same as ``move`` for an instance that this transaction has locked.

    Args:
        done_task: the actor's task that the event completes.

    Raises:
        TaskLost: that task is not the actor's (any more); nothing may be committed.
    """
    decided = event if isinstance(event, Event) else event(locked)
    if decided is None:
        return Moved(locked.instance, "nothing to do")
    events = (decided,) if isinstance(decided, Event) else tuple(decided)
    plan = make_plan(locked.definition, locked.state, events, engine.services)
    if plan.ignored is not None:
        return Moved(locked.instance, plan.ignored)
    applied = apply(
        tx,
        locked.definition,
        plan,
        locked.row,
        at=events[0].at,
        actor=actor.username,
        on_behalf_of=on_behalf_of,
        before=locked.state,
        done_task=done_task,
    )
    if not applied.done:
        raise TaskLost
    if plan.jobs or isinstance(events[0], Activated):
        tx.after_commit(engine.waker.wake)
    return Moved(row_of({**locked.row, **applied.changed}), None, applied.opened, plan)
