"""What people do with tasks: claim, release, complete, keep a draft.

Lock order: the instance, then the task. Each verb is one transaction; the guarded write
on the task decides who wins, and whoever loses is told what the winner did.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.values import check_json
from app.db.tx import Tx
from app.errors import FieldError, Invalid
from app.history import record
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime.ports import Engine
from app.task import access, store
from app.task.complete import Completed, complete
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import refusal

__all__ = ["Completed", "claim", "complete", "release", "save_draft"]

MAX_DRAFT: Final = 256 * 1024
"""Bytes of JSON that a draft may have."""
MAX_COMMENT: Final = 10_000
"""Characters."""

Row = dict[str, Any]


def claim(engine: Engine, actor: Actor, task_id: int, *, now: datetime) -> Row:
    """Take an open task; taking it twice is the same as once.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it was not offered to the actor.
        Conflict: ``claimed_by_other`` (``extra``: by, name, since), ``already_completed``,
            ``task_cancelled`` or ``instance_suspended``.
    """
    require(actor, "task:work")
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id)
        if not _has(actor, task):
            if store.claim(tx, actor, task, now=now):
                _record(tx, actor, task, "task.claimed", {}, now)
                task |= {"state": "claimed", "assignee": actor.username, "claimed_at": now}
            else:
                task = seen(tx, actor, task_id)
                if not _has(actor, task):
                    raise refusal(engine.db, actor, task, "claim")
        return body(task, actor, now=now)


def release(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Put a claimed task back to its candidates; what was typed stays as a draft.

    Args:
        comment: why, for the history; at most ``MAX_COMMENT`` characters.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it was not offered to the actor.
        Conflict: somebody else has it, nobody has it, it was given to the actor alone, it
            is over, or the instance is suspended.
    """
    require(actor, "task:work")
    _check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id)
        if not store.release(tx, actor, task):
            raise refusal(engine.db, actor, seen(tx, actor, task_id), "release")
        _record(tx, actor, task, "task.released", {"comment": comment} if comment else {}, now)
        task |= {"state": "open", "assignee": None, "claimed_at": None}
        return body(task, actor, now=now)


def save_draft(
    engine: Engine, actor: Actor, task_id: int, raw: Mapping[str, Any], *, now: datetime
) -> None:
    """Keep what the actor has typed so far, as typed; nothing is validated but its size.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor could not complete it (see ``complete``).
        Invalid: too large, or characters that cannot be stored.
    """
    require(actor, "task:work")
    problem = check_json(dict(raw), max_bytes=MAX_DRAFT)
    if problem is not None:
        raise Invalid(
            "bad_draft",
            "The draft cannot be kept: %(problem)s",
            problem=problem.text(),
        )
    with engine.db.transaction() as tx:
        seen(tx, actor, task_id)
        if not store.save_draft(tx, actor, task_id, dict(raw), now=now):
            raise refusal(engine.db, actor, seen(tx, actor, task_id), "complete")


def _has(actor: Actor, task: Mapping[str, Any]) -> bool:
    return task["state"] == "claimed" and access.is_holder(actor, task)


def _record(
    tx: Tx, actor: Actor, task: Mapping[str, Any], kind: str, data: Row, now: datetime
) -> None:
    record.append(
        tx,
        task["instance_id"],
        at=now,
        actor=actor.username,
        kind=kind,
        lines=[[kind, task["step"], {"task": task["id"]} | data]],
    )


def _check_comment(comment: str | None) -> None:
    if comment is not None and len(comment) > MAX_COMMENT:
        too_long = FieldError(
            "comment", "too_long", "Use at most %(max)d characters.", {"max": MAX_COMMENT}
        )
        raise Invalid("invalid_comment", "Shorten the comment.", errors=(too_long,))
