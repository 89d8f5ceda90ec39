"""Copies: people who are told of a task and may read its instance, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.db.wire import Statement
from app.errors import FieldError
from app.identity.actor import Actor
from app.identity.policy import require
from app.notice.store import copied
from app.runtime.ports import Engine
from app.task import access
from app.task.comment import check_comment
from app.task.person import active, invalid
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import refusal
from app.task.tell import tell

Row = dict[str, Any]

_KIND: Final = "task.copied"
_HAVE_ONE: Final = """
select c.username, u.name from copies c join users u on u.username = c.username
 where c.instance_id = %(instance)s and c.step = %(step)s and c.username = any(%(people)s)
 order by u.name
"""


def copy(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    *,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Copy a task that the actor has to people; each gets one copy of a step, however often.

    Who has one already is passed over, as long as there is somebody else.

    Args:
        users: usernames.
        comment: what they are told, also in the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor does not have it, it is over, or suspended.
        Invalid: nobody named, people who are not there or not active, or nobody who has no
            copy yet.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if "cc" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "cc")
        named = _receivers(tx, actor, task, users, field="users")
        if not named:
            raise invalid(FieldError("users", "required", "Say who gets a copy."))
        have_one = _have_one(tx, task, named)
        wanted = [name for name in named if name not in have_one]
        if not wanted:
            message = "%(name)s has a copy already. Mention them in a comment to tell them more."
            raise invalid(
                *(
                    FieldError("users", "has_a_copy", message, {"name": name})
                    for name in have_one.values()
                )
            )
        said = {"users": wanted, "comment": comment or None}
        head = tell(
            tx, actor, task, _KIND, said, [_copies(actor, task, wanted, comment, now)], now=now
        )
    return body(task | head, actor, now=now)


def copy_on_the_way(
    tx: Tx,
    actor: Actor,
    task: Row,
    users: Sequence[str],
    *,
    comment: str | None,
    now: datetime,
) -> Row:
    """Copy a task (locked, the actor's) that is completed in the same transaction.

    Args:
        comment: of the completion, which has it in its own line of the history.

    Returns:
        The columns that changed of the task's row.

    Raises:
        Invalid: people who are not there or not active; the step allows no copies.
    """
    named = _receivers(tx, actor, task, users, field="cc")
    have_one = _have_one(tx, task, named) if named else {}
    wanted = [name for name in named if name not in have_one]
    if not wanted:
        return {}
    also = [_copies(actor, task, wanted, comment, now)]
    return tell(tx, actor, task, _KIND, {"users": wanted}, also, now=now, last=False)


def _receivers(tx: Tx, actor: Actor, task: Row, users: Sequence[str], *, field: str) -> list[str]:
    """Return who gets a copy: people who are there and active, without the actor.

    Raises:
        Invalid: one error for each who is not; the step allows no copies.
    """
    wanted = [name for name in active(tx, users, field=field) if name != actor.username]
    if wanted and not access.permits(task, "cc"):
        message = "The process does not allow copies in the task's step."
        raise invalid(FieldError(field, "no_choice", message))
    return wanted


def _have_one(tx: Tx, task: Row, people: Sequence[str]) -> dict[str, str]:
    """Return those of people who have a copy of a task's step: username → name."""
    about = {"instance": task["instance_id"], "step": task["step"], "people": list(people)}
    return {row["username"]: row["name"] for row in tx.run(_HAVE_ONE, about).fetchall()}


def _copies(
    actor: Actor, task: Row, users: Sequence[str], comment: str | None, now: datetime
) -> Statement:
    """Return what gives them their copies and tells them."""
    keys = [f"u:{name}" for name in users]
    return copied(keys, task=task["id"], actor=actor.username, comment=comment, at=now)
