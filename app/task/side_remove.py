"""Taking away one of those who sign before or after; the task that waits for them goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.errors import Conflict, Forbidden
from app.identity.actor import Actor
from app.notice.store import told, told_for
from app.runtime.ports import Engine
from app.task import access, side_store, store
from app.task.refuse import changed
from app.task.side_answer import apply_pending
from app.task.tell import tell

Row = Mapping[str, Any]

REMOVED: Final = "removed"
"""Why such a task was withdrawn."""


def remove(
    engine: Engine,
    tx: Tx,
    actor: Actor,
    side: Row,
    name: str,
    *,
    comment: str | None,
    now: datetime,
) -> None:
    """Withdraw the task of somebody who signs before or after; its last write of the transaction.

    Were they the last who had not signed, the task is its holder's again, or the decision is
    applied that waited for them.

    Args:
        side: its row; the instance is locked.
        name: what they are called.

    Raises:
        Forbidden: the actor neither added them, nor has the task, nor ``task:assign``.
        Conflict: they have signed.
    """
    served = store.seen(tx, side["serves"], locked=True)
    if served is None or served["state"] not in access.LIVE:  # then this would be over too
        raise changed()
    check(actor, side, name, holds=access.has(actor, served))
    beside = [row for row in side_store.of(tx, served) if row["role"] == side["role"]]
    ends = sum(row["state"] in access.LIVE for row in beside) <= 1
    applied = ends and side["role"] == "after"
    about: dict[str, Any] = {"actor": actor.username, "text": comment or None, "at": now}
    who = [f"u:{side['assignee']}"]
    also = [
        *side_store.closed([side], REMOVED, at=now),
        told("unasked", who, instance=served["instance_id"], task=side["id"], **about),
    ]
    if ends and not applied:
        holder = [f"u:{served['assignee']}"]
        also += [
            side_store.freed(served),
            told("task", holder, instance=served["instance_id"], task=served["id"], **about),
            told_for("task", task=served["id"], **about),
        ]
    said = {"users": [side["assignee"]], "where": side["role"], "comment": comment or None}
    head = tell(tx, actor, served, "task.signer_removed", said, also, now=now, last=not applied)
    if applied:
        signed = any(row["state"] == "completed" for row in beside)
        apply_pending(engine, tx, served | head, dated=signed, now=now)


def check(actor: Actor, added: Row, name: str, *, holds: bool = False) -> None:
    """Refuse who may not take somebody away, and whom nobody can any more.

    Args:
        added: their row, or their place in a queue.
        name: what they are called.
        holds: the actor has the task for which they were added, by a substitute perhaps.
    """
    if not (holds or added["added_by"] == actor.username or actor.can("task:assign")):
        raise Forbidden(
            "not_added_by_you",
            "Only who added %(name)s, or a manager, can take them away again.",
            name=name,
        )
    if added.get("state") == "completed":
        raise Conflict("has_decided", "%(name)s has decided already; that stays.", name=name)
