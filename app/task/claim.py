"""Taking a task that was offered to several, and putting it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.db.tx import Database, Tx
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime.ports import Engine
from app.task import access, store
from app.task.comment import check_comment
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import Verb, refusal
from app.task.seats import check_second

Row = dict[str, Any]


def claim(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Take an open task; taking it twice is the same as once.

    Args:
        comment: why, for the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it was not offered to the actor.
        Conflict: ``claimed_by_other`` (``extra``: by, name, since), ``already_completed``,
            ``task_cancelled`` or ``instance_suspended``.
    """
    require(actor, "task:work")
    check_comment(comment)
    said = {"comment": comment} if comment else {}
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        taken = take(engine.db, tx, actor, task, "claim", said=said, now=now, last=True)
        return body(taken, actor, now=now)


def take(
    db: Database,
    tx: Tx,
    actor: Actor,
    task: Row,
    verb: Verb,
    *,
    said: Row | None = None,
    now: datetime,
    last: bool = False,
) -> Row:
    """Claim ``task`` unless the actor has it already; return its row as it is then.

    Args:
        task: a row that is locked.
        verb: what the actor wants to do, for the refusal.
        said: what the history tells beside.
        last: nothing follows in this transaction.
    """
    if access.has(actor, task) and (verb == "claim" or access.is_free(task)):
        return task
    if "claim" not in access.allowed(actor, task):
        raise refusal(db, actor, task, verb)
    if task["seat"]:
        check_second(tx, access.acting_for(actor, task) or actor.username, task)
    return task | store.claim(tx, actor, task, said=said or {}, now=now, last=last)


def release(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Put a claimed task back to its candidates; what was typed stays as a draft.

    Args:
        comment: why, for the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it was not offered to the actor.
        Conflict: somebody else has it, nobody has it, it was given to the actor alone, it
            is over, or the instance is suspended.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if "release" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "release")
        said = {"comment": comment} if comment else {}
        task |= store.release(tx, actor, task, said=said, now=now)
        return body(task, actor, now=now)
