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

Row = dict[str, Any]

EVERY: Final = timedelta(hours=4)
"""A task is not reminded of more often."""
_REMINDED: Final = """
update tasks set reminders = reminders + 1, reminded_at = %(at)s where id = any(%(tasks)s)
"""


def remind(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> dict[str, Any]:
    """Tell who has a task, or else everyone it was offered to, that it is waited for.

    A task that waits for others is theirs to go on with: they are told, not its holder, but for
    those who were reminded of it lately themselves.

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
        sides = side_store.live(tx, task) if task["waits_for"] else []
        awaited = [row for row in sides if row["role"] == task["waits_for"]]
        late = [too_soon(row, now) for row in awaited] or [None]
        refused = too_soon(task, now) or (late[0] if None not in late else None)
        if refused is not None:
            raise refused
        awaited = [row for row, soon in zip(awaited, late, strict=False) if soon is None]
        holder = task["assignee"]
        keys = [f"u:{holder}"] if holder else list(task["candidates"])
        asked = [row["assignee"] for row in awaited]
        if asked:
            keys = [f"u:{name}" for name in asked]
        ids = [row["id"] for row in awaited]
        about: Row = {"actor": actor.username, "text": comment, "at": now}
        of = {"instance": task["instance_id"], "task": task_id, "but": task["barred"]}
        also = [
            (_REMINDED, {"tasks": [task_id, *ids], "at": now}),
            told("reminded", keys, **about, **of),
            *(told_for("reminded", task=each, keys=keys, **about) for each in ids or [task_id]),
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
