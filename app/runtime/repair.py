"""What operators do to an instance that stands in the wrong place: skip, jump, restart."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.core.events import Event, Jumped, Skipped
from app.core.outcome import ways_past
from app.core.state import ENDED, State, Token
from app.db.tx import Tx
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.history import record
from app.identity.actor import Actor
from app.runtime import access, files, files_passed, starting, step, store
from app.runtime.moved import Locked
from app.runtime.ports import Engine
from app.runtime.refuse import checked_reason, refuse_ended, refuse_unless_running
from app.runtime.row import InstanceRow

_RESTARTED: Final = "instance.restarted"
_STARTED_WITH: Final = """
select e.data -> 'events' -> 0 -> 'variables' as variables, d.key, d.id, d.status
  from history_events e
  join process_instances i on i.id = e.instance_id
  join process_definitions d on d.id = i.definition_id
 where e.instance_id = %(id)s and e.seq = 1
"""
_NEWEST: Final = """
select id from process_definitions where key = %(key)s and status = 'active'
 order by version_order desc, id desc limit 1
"""


def skip(
    engine: Engine,
    actor: Actor,
    instance_id: int,
    token_id: int,
    *,
    outcome: str | None = None,
    reason: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Let a token go on as if its step had been done; what it waits for is withdrawn.

    Args:
        outcome: where it goes, if the step offers several.

    Raises:
        NotFound, Forbidden: the actor may not see the instance, or not steer it.
        Conflict: the token is gone, or the instance is suspended or has ended.
        Invalid: the step offers no such outcome.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = _operated(engine, tx, actor, instance_id)
        refuse_unless_running(locked.instance)
        token = _token(locked.state, token_id)
        refuse_unknown_outcome(locked, token, outcome)
        wait = token.wait.id if token.wait is not None else 0
        event = Skipped(at=now, by=actor.username, wait=wait, outcome=outcome, reason=why)
        return _done(engine, tx, locked, event, actor)


def jump(
    engine: Engine,
    actor: Actor,
    instance_id: int,
    token_id: int,
    to: str,
    *,
    reason: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Move a token of a suspended instance to another step of its process or sub-process.

    What it waits for is withdrawn; it enters the step when the instance is activated.

    Raises:
        NotFound, Forbidden: the actor may not see the instance, or not steer it.
        Conflict: the instance runs or has ended, or the token is gone.
        Invalid: the token cannot go to that step.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = _operated(engine, tx, actor, instance_id)
        if locked.instance.status in ENDED:
            refuse_ended(locked.instance)
        if locked.instance.status != "suspended":
            raise Conflict(
                "instance_running",
                "Suspend the instance first: nobody may work on it while it is moved.",
            )
        _token(locked.state, token_id)
        event = Jumped(at=now, by=actor.username, token=token_id, step=to, reason=why)
        moved = step.move_locked(engine, tx, locked, event, actor=actor)
        if moved.ignored is not None:
            error = FieldError(
                "step",
                "unreachable",
                "The token cannot be moved to %(step)s: it is not a step of the same process"
                " or sub-process.",
                {"step": to},
            )
            raise Invalid("cannot_jump", "Choose another step.", errors=(error,))
        return moved.instance


def restart(
    engine: Engine, actor: Actor, instance_id: int, *, reason: str | None = None, now: datetime
) -> InstanceRow:
    """Start a new instance with what an ended one was started with.

    The same version if it can be started, else the newest active one. The histories of
    both tell of each other, and why.

    Raises:
        NotFound, Forbidden: the actor may not see it, or not start the definition.
        Conflict: it has not ended.
        Invalid: the values do not fit the newest version.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, instance_id)
        access.require_seen(tx, actor, instance_id)
        if locked.instance.status not in ENDED:
            raise Conflict(
                "instance_not_ended", "The instance still runs; terminate it first, or let it end."
            )
        row = tx.run(_STARTED_WITH, {"id": instance_id}).fetchone()
        if row is None:
            raise LookupError(instance_id)
        newest = row if row["status"] == "active" else tx.run(_NEWEST, row).fetchone() or row
        values, copies = files_passed.copied(
            tx, actor, row["variables"], instance_id, newest["id"], now=now
        )
        new = starting.begin(
            engine,
            actor,
            definition_id=newest["id"],
            business_key=locked.instance.business_key,
            variables=values,
            now=now,
        ).instance
        for statement in files.kept(copies, new.id, now):
            tx.run(*statement)
        told = [_RESTARTED, None, {"from": instance_id, "to": new.id, "reason": why}]
        for head in (locked.row, store.lock(tx, new.id) or {}):
            record.append(tx, head, at=now, actor=actor.username, kind=_RESTARTED, lines=[told])
        return new


def refuse_unknown_outcome(locked: Locked, token: Token, outcome: str | None) -> None:
    """Refuse to go on by an outcome that the token's step does not offer.

    Raises:
        Invalid: code ``unknown_outcome``.
    """
    offered = [way.name for way in ways_past(locked.definition.by_id[token.step]) if way.name]
    if outcome is not None and outcome not in offered:
        error = FieldError(
            "outcome",
            "unknown_outcome",
            "There is no outcome %(given)s. Choose one of: %(choices)s.",
            {"given": outcome, "choices": ", ".join(offered) or "–"},
        )
        raise Invalid("unknown_outcome", "Choose how to go on.", errors=(error,))


def _operated(engine: Engine, tx: Tx, actor: Actor, instance_id: int) -> Locked:
    locked = step.lock(engine, tx, instance_id)
    access.require_operate(tx, actor, locked.instance)
    return locked


def _token(state: State, token_id: int) -> Token:
    for token in state.tokens:
        if token.id == token_id:
            return token
    raise NotFound("token_not_found", "There is no such token any more; look at the instance.")


def _done(engine: Engine, tx: Tx, locked: Locked, event: Event, actor: Actor) -> InstanceRow:
    moved = step.move_locked(engine, tx, locked, event, actor=actor)
    if moved.ignored is not None:
        raise Conflict("token_moved", "The token has moved on; look at the instance.")
    return moved.instance
