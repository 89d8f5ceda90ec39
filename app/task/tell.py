"""Writing a verb that does not move the instance: its line of the history, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.db.wire import Statement
from app.history import record
from app.identity.actor import Actor
from app.task import access

Row = Mapping[str, Any]

_IN_ONES_OWN_NAME: Final = frozenset(
    {"task.assigned", "task.commented", "task.comment_edited", "task.reminded"}
)
"""What a substitute does as who they are; all else is done as the holder, for who is away."""


def tell(
    tx: Tx,
    actor: Actor,
    task: Row,
    kind: str,
    said: Row,
    also: Sequence[Statement] = (),
    *,
    now: datetime,
    more: Sequence[Row] = (),
    last: bool = True,
) -> dict[str, Any]:
    """Write a verb and everything that belongs to it in one trip.

    Args:
        task: a row that is locked.
        kind: of the line, ``task.`` and the verb.
        said: what the line tells beside ``wait`` and ``round``; what is None is left out.
        more: what further lines of the kind tell, each of them.
        also: what is written of rows that are locked, and whom it is told.
        last: nothing follows in this transaction; see ``Tx.together``.

    Returns:
        The columns that changed of the task's row: the head of the history.
    """
    head = {"id": task["instance_id"]}
    head |= {name: task[name] for name in ("history_seq", "history_hash")}
    of = {"wait": task["wait"], "round": task["round"]}
    lines = [
        [
            kind,
            task["step"],
            of | {name: value for name, value in each.items() if value is not None},
        ]
        for each in (said, *more)
    ]
    behalf = None if kind in _IN_ONES_OWN_NAME else access.acting_for(actor, task)
    told = record.told(
        head, at=now, actor=actor.username, on_behalf_of=behalf, kind=kind, lines=lines
    )
    tx.together([*told, *also], last=last)
    written = told[0][1] or {}
    return {"history_seq": written["seq"], "history_hash": written["hash"]}
