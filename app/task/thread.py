"""Reading the comments on an instance from its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.tx import Tx
from app.db.wire import Statement
from app.identity.actor import Actor
from app.task import access

Row = dict[str, Any]

EDITABLE: Final = timedelta(minutes=5)
"""How long one can correct a comment."""
_LINES: Final = """
select h.seq, h.at, h.actor, h.data -> 'lines' -> 0 -> 2 as said, t.id as task, t.step, t.name
  from history_events h
  join tasks t on t.id = (h.data -> 'lines' -> 0 -> 2 ->> 'task')::bigint
 where h.instance_id = %(instance)s and h.kind in ('task.commented', 'task.comment_edited')
 order by h.seq
"""


def comments_of(tx: Tx, actor: Actor, task: Mapping[str, Any], *, now: datetime) -> list[Row]:
    """Return the comments on a task's instance; see ``read``."""
    return read(tx.run(*asking(task)).fetchall(), actor, task, now=now)


def asking(task: Mapping[str, Any]) -> Statement:
    """Return what asks for the lines that ``read`` takes."""
    return _LINES, {"instance": task["instance_id"]}


def read(
    lines: Iterable[Mapping[str, Any]], actor: Actor, task: Mapping[str, Any], *, now: datetime
) -> list[Row]:
    """Return comments, the oldest first, corrected ones as they are now.

    Args:
        task: a row of their instance, as ``queries.seen`` gives it.

    Returns:
        ``{id, task_id, step, by, at, text, mentions, files, edited_at, earlier, may_edit}``
        each.
    """
    found: dict[int, Row] = {}
    if not task["reads"]:
        return []
    for row in lines:
        said = row["said"]
        if "of" not in said:
            found[row["seq"]] = _comment(row, said)
            continue
        one = found[said["of"]]
        one["earlier"].append({"text": one["text"], "at": one["edited_at"] or one["at"]})
        one |= {"text": said["comment"], "mentions": said["mentions"], "edited_at": row["at"]}
    may = "comment" in access.allowed(actor, task)
    for one in found.values():
        mine = one["by"] == actor.username and one["task_id"] == task["id"]
        one["may_edit"] = may and mine and now <= one["at"] + EDITABLE
    return list(found.values())


def _comment(row: Mapping[str, Any], said: Mapping[str, Any]) -> Row:
    return {
        "id": row["seq"],
        "task_id": row["task"],
        "step": {"id": row["step"], "name": row["name"]},
        "by": row["actor"],
        "at": row["at"],
        "text": said["comment"],
        "mentions": said["mentions"],
        "edited_at": None,
        "earlier": [],
        "files": said.get("files", []),
        "may_edit": False,
    }
