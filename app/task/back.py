"""Returning a task: a step that was done before is opened again, and a new round begins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from app.core import returning
from app.core.events import Returned
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import rounds
from app.runtime.ports import Engine
from app.runtime.step import loaded, move_locked
from app.task import access, store
from app.task.comment import check_comment
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import changed, refusal
from app.task.ways_back import chosen, token_of

Resume = Literal["walk_again", "straight_back"]
RESUMES: Final[tuple[Resume, ...]] = ("walk_again", "straight_back")


def give_back(
    engine: Engine,
    actor: Actor,
    task_id: int,
    to: str,
    *,
    resume: str = "walk_again",
    comment: str | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Return a task that the actor has to a step that was done on the way to it.

    What was typed into it is forgotten; the values of the instance stay as they are, and a
    copy of them is kept for the comparison.

    Args:
        to: ``previous``, ``initiator`` or the id of a step.
        resume: a word of ``RESUMES``: whether what lies between is decided again, or the task
            comes straight back.
        comment: why; who gets it reads it.

    Returns:
        The task's body: it is cancelled.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor does not have it, it is over or suspended, the step does
            not allow it, or it was returned too often.
        Invalid: it cannot be returned there, or not like this; there is no comment.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if "return" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "return")
        locked = loaded(engine, tx, store.instance_of(task))
        why = (comment or "").strip()
        if not why:
            error = FieldError("comment", "required", "Say why it is returned.")
            raise Invalid("comment_needed", "Say why it is returned.", errors=(error,))
        place = chosen(locked.definition, locked.state, task, to)
        token = token_of(locked.state, task)
        straight = _straight(resume)
        if straight and token is not None and not returning.may_go_straight(token, place):
            message = "Other branches end by this return, so all of it has to be decided again."
            error = FieldError("resume", "not_straight", message)
            raise Invalid("cannot_return", "Choose how it goes on.", errors=(error,))
        rounds.refuse_more(locked)
        event = Returned(
            at=now,
            by=actor.username,
            wait=task["wait"],
            step=place.step,
            straight=straight,
            reason=why,
            on_behalf_of=access.acting_for(actor, task),
        )
        also = [rounds.closed(locked, task["step"], place.step, event)]
        moved = move_locked(
            *(engine, tx, locked, event),
            actor=actor,
            on_behalf_of=event.on_behalf_of,
            also=also,
            last=True,
        )
        if moved.ignored is not None:  # the task's row says that it waits, the state does not
            raise changed()
    cancelled = {"state": "cancelled", "completed_at": now, "reason": why}
    return body(task | cancelled | {"instance_status": moved.instance.status}, actor, now=now)


def _straight(resume: str) -> bool:
    if resume not in RESUMES:
        message = "Choose one of: %(choices)s."
        error = FieldError("resume", "no_choice", message, {"choices": ", ".join(RESUMES)})
        raise Invalid("cannot_return", "Choose how it goes on.", errors=(error,))
    return resume == "straight_back"


__all__ = ["RESUMES", "Resume", "give_back"]
