"""Reminding those whom a task waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.errors import Phrase, TooMany
from app.identity.actor import Actor
from app.notice.store import told, told_for
from app.runtime.ports import Engine
from app.task import access, side_store
from app.task.comment import check_comment
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import refusal
from app.task.tell import tell

EVERY: Final = timedelta(hours=4)
"""A task is not reminded of more often."""
_REMINDED: Final = """
update tasks set reminders = reminders + 1, reminded_at = %(at)s where id = %(task)s
"""


def remind(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> dict[str, Any]:
    """Tell who has a task, or else everyone it was offered to, that it is waited for.

    A task that waits for others is theirs to go on with: they are told, not its holder.

    Args:
        comment: what they are told beside, also in the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the step does not allow it.
        Conflict: it is over, suspended, or the actor's own, to do or to claim.
        TooMany: somebody did less than ``EVERY`` ago; ``extra`` has ``again_at``.
    """
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if "remind" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "remind")
        refused = too_soon(task, now)
        if refused is not None:
            raise refused
        holder = task["assignee"]
        keys = [f"u:{holder}"] if holder else list(task["candidates"])
        sides = side_store.live(tx, task) if task["waits_for"] else []
        awaited = [row for row in sides if row["role"] == task["waits_for"]]
        asked = [row["assignee"] for row in awaited]
        if asked:
            keys = [f"u:{name}" for name in asked]
        about = {"instance": task["instance_id"], "task": task_id, "actor": actor.username}
        also = [
            (_REMINDED, {"task": task_id, "at": now}),
            told("reminded", keys, text=comment, but=task["barred"], at=now, **about),
            *(
                told_for("reminded", text=comment, task=each, actor=actor.username, at=now)
                for each in ([row["id"] for row in awaited] or [task_id])
            ),
        ]
        said = {"users": asked} if asked else {"to": holder}
        said |= {"comment": comment or None}
        head = tell(tx, actor, task, "task.reminded", said, also, now=now)
    changed = {"reminders": task["reminders"] + 1, "reminded_at": now}
    return body(task | head | changed, actor, now=now)


def too_soon(task: Mapping[str, Any], now: datetime) -> TooMany | None:
    """Return why a task cannot be reminded of yet; None if it can."""
    last = task["reminded_at"]
    if last is None or now >= last + EVERY:
        return None
    again = last + EVERY
    return TooMany(
        "reminded_lately",
        "They were reminded of this less than %(hours)d hours ago. You can do it again in"
        " %(wait)s.",
        extra={
            "again_at": again.isoformat().replace("+00:00", "Z"),
            "retry_after": (again - now).total_seconds(),
        },
        hours=EVERY // timedelta(hours=1),
        wait=_span(again - now),
    )


def _span(left: timedelta) -> Phrase:
    """Say how long something takes, to the minute that follows."""
    hours, minutes = divmod(-(-left // timedelta(minutes=1)), 60)
    if hours:
        return Phrase("%(hours)d h %(minutes)d min", hours=hours, minutes=minutes)
    return Phrase("%(minutes)d min", minutes=minutes)
