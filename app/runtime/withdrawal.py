"""Withdrawing what one has started: it ends, or goes back to the start form."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.core.definition import START, Definition
from app.core.events import Withdrawn
from app.core.state import ENDED, State
from app.core.verbs import DEFAULT
from app.db.tx import Tx
from app.errors import AppError, Conflict, FieldError, Forbidden, Invalid
from app.identity.actor import Actor
from app.runtime import access, rounds, step
from app.runtime.moved import Locked
from app.runtime.ports import Engine
from app.runtime.refuse import checked_reason, refuse_ended, refuse_unless_running
from app.runtime.row import InstanceRow

RESULT: Final = "withdrawn"
"""How an instance has ended that its initiator withdrew."""
_VOTED: Final = """
select 1 from tasks
 where instance_id = %(id)s and seat > 0 and state = 'completed' and completed_by <> %(me)s limit 1
"""


def withdraw(
    engine: Engine, actor: Actor, instance_id: int, *, comment: str | None = None, now: datetime
) -> InstanceRow:
    """Take back what the actor has started.

    By ``settings.withdraw`` of the definition it ends, with all its open work; or it goes back
    to its start form, and from there, withdrawn once more, it ends.

    Args:
        comment: why; needed once somebody else has decided.

    Raises:
        NotFound, Forbidden: the actor may not see it, or has not started it.
        Conflict: it has ended, is suspended or part of another; the process or a step where it
            stands does not allow it; it has passed a point of no return, or was returned too
            often.
        Invalid: a reason is needed.
    """
    why = checked_reason(comment, field="comment")
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, instance_id)
        access.require_seen(tx, actor, instance_id)
        if locked.instance.started_by != actor.username:
            raise Forbidden("not_yours", "Only who started this can withdraw it.")
        if locked.instance.result == RESULT:
            return locked.instance
        if locked.instance.status in ENDED:
            refuse_ended(locked.instance)
        refuse_unless_running(locked.instance)
        problem = _in_the_way(locked)
        if problem is not None:
            raise problem
        if why is None and _others_decided(tx, locked, actor.username):
            error = FieldError("comment", "required", "Others have decided already: say why.")
            raise Invalid("comment_needed", "Say why you withdraw it.", errors=(error,))
        target = back_to(locked.definition, locked.state)
        event = Withdrawn(at=now, by=actor.username, step=target, reason=why)
        also = []
        if target is not None:
            rounds.refuse_more(locked)
            also.append(rounds.closed(locked, None, target, event))
        return step.move_locked(
            engine, tx, locked, event, actor=actor, also=also, last=True
        ).instance


def may_withdraw(definition: Definition, state: State, *, child: bool) -> bool:
    """Say whether whoever started an instance could withdraw it where it stands."""
    return (
        not child
        and state.status == "running"
        and definition.settings.get("withdraw") != "never"
        and definition.points_of_no_return.isdisjoint(state.visits)
        and not _forbidding(definition, state)
    )


def back_to(definition: Definition, state: State) -> str | None:
    """Return the step that a withdrawal opens again; None: it ends the instance."""
    there = any(token.step == START for token in state.tokens)
    again = definition.settings.get("withdraw") == "start_form" and definition.again is not None
    return START if again and not there else None


def _others_decided(tx: Tx, locked: Locked, username: str) -> bool:
    """Say whether somebody else has completed a step, or voted where several decide."""
    if any(done.by != username for done in locked.state.completed.values()):
        return True
    about = {"id": locked.instance.id, "me": username}
    return tx.run(_VOTED, about).fetchone() is not None


def _in_the_way(locked: Locked) -> AppError | None:
    definition, state = locked.definition, locked.state
    if locked.row["parent_id"] is not None and locked.row["parent_wait"] is not None:
        return Conflict(
            "part_of_another",
            "Another process has started this one and waits for it. Withdraw that one instead.",
            extra={"parent_id": locked.row["parent_id"]},
        )
    if definition.settings.get("withdraw") == "never" or _forbidding(definition, state):
        return Forbidden(
            "not_allowed_here",
            "The process does not allow to withdraw it here. Ask for it to be returned to you.",
        )
    passed = [each for each in definition.points_of_no_return if each in state.visits]
    if passed:
        return Conflict(
            "point_of_no_return",
            "It is too late to withdraw this: it has come to a step that cannot be undone.",
            extra={"steps": sorted(passed)},
        )
    return None


def _forbidding(definition: Definition, state: State) -> bool:
    """Say whether a step where it stands leaves the verb out."""
    places = (definition.by_id[token.step] for token in state.tokens)
    return any("withdraw" not in place.config.get("allow", DEFAULT) for place in places)
