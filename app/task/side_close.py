"""Ending what others were asked before they have answered: pulled back, or not needed any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from app.db.tx import Tx
from app.db.wire import Statement
from app.identity.actor import Actor
from app.notice.store import told
from app.runtime.ports import Engine
from app.task import access, side_store, store
from app.task.comment import check_comment
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import refusal
from app.task.side_view import may_unask
from app.task.tell import tell

Row = Mapping[str, Any]
Why = Literal["decided", "refused", "withdrawn"]


def pull_back(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> dict[str, Any]:
    """Take a task back from those who were asked first; whoever has not answered need not.

    A decision that waited for signatures is made no more; it is kept as its maker's draft. Of a
    question that somebody was asked it is that alone, and the task goes on being the holder's.

    Args:
        task_id: of the task, or of the question.
        comment: why; they are told.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it is not the actor's, who cannot assign tasks either.
        Conflict: it waits for nobody (any more), is over, or suspended.
    """
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        running = task["instance_status"] == "running"
        if task["role"] == "consult" and running:
            return _withdraw(engine, tx, actor, task, comment, now)
        if not (running and access.may_pull_back(actor, task)):
            raise refusal(engine.db, actor, task, "recall")
        sides = [row for row in side_store.live(tx, task) if row["role"] == task["waits_for"]]
        also = [
            side_store.freed(task),
            *side_store.closed(sides, "pulled_back", at=now),
            *_told(actor, sides, task, comment, now),
        ]
        lines = [
            {"to": row["assignee"], "role": row["role"], "comment": comment or None}
            for row in sides
        ]
        first, *more = lines or [{"comment": comment or None}]
        head = tell(tx, actor, task, "task.pulled_back", first, also, more=more, now=now)
    return body(task | head | {"waits_for": None}, actor, now=now)


def _withdraw(
    engine: Engine, tx: Tx, actor: Actor, question: Row, comment: str | None, now: datetime
) -> dict[str, Any]:
    """Withdraw one question (locked); return the body of the task that it is about."""
    served = store.seen(tx, question["serves"], locked=True)
    if served is None or not may_unask(actor, served, question):
        raise refusal(engine.db, actor, question, "recall")
    head = unasked(
        *(tx, actor, served, [question], "withdrawn"), comment=comment, now=now, last=True
    )
    return body(served | head, actor, now=now)


def decided(tx: Tx, actor: Actor, task: Row, *, now: datetime) -> dict[str, Any]:
    """Close the questions that are not answered when a task (locked) is decided.

    Returns:
        The columns that changed of the task's row.
    """
    sides = side_store.live(tx, task)
    return unasked(tx, actor, task, sides, "decided", now=now) if sides else {}


def unasked(
    tx: Tx,
    actor: Actor,
    task: Row,
    sides: Sequence[Row],
    why: Why,
    *,
    comment: str | None = None,
    now: datetime,
    last: bool = False,
) -> dict[str, Any]:
    """Withdraw side tasks of a task (locked), with a line for each; return as ``decided``."""
    also = [
        *side_store.closed(sides, why, at=now),
        *_told(actor, sides, task, comment, now),
    ]
    said = {"why": why, "comment": comment or None}
    lines = [{"to": row["assignee"], "role": row["role"], **said} for row in sides]
    return tell(tx, actor, task, "task.unasked", lines[0], also, more=lines[1:], now=now, last=last)


def _told(
    actor: Actor, sides: Sequence[Row], task: Row, text: str | None, now: datetime
) -> list[Statement]:
    about = {"instance": task["instance_id"], "actor": actor.username, "at": now, "text": text}
    return [told("unasked", [f"u:{row['assignee']}"], task=row["id"], **about) for row in sides]
