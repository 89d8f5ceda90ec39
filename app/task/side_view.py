"""What a task's page tells of those who were asked about it, and who was asked of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.db.wire import Statement
from app.definition.sensitive import masked
from app.identity.actor import Actor
from app.task import access, side_store

Row = Mapping[str, Any]

_DECISION: Final = """
select case when state in ('open', 'claimed') then pending end as pending, form, outcomes
  from tasks where id = %(id)s
"""


def asking(task: Row) -> list[Statement]:
    """Return what asks for the rows that ``read`` takes; nothing for most tasks."""
    if task["role"] == "after":
        return [(_DECISION, {"id": task["serves"]})]
    if not task["sides"]:
        return []
    return [(side_store.OF, side_store.which(task)), (_DECISION, {"id": task["id"]})]


def read(
    actor: Actor, task: Row, found: Sequence[Sequence[Row]], hidden: frozenset[str]
) -> dict[str, Any]:
    """Return what is told beside the body of a task.

    Args:
        found: what ``asking`` found, by statement.
        hidden: names of the values that the reader may not see.

    Returns:
        ``opinions``: ``{id, role, user, asked_by, asked, asked_at, state, answered_at,
        outcome, comment, values, reason, removable}`` each, the oldest first; ``asked``: of a
        side task ``{task_id, by, text}``, else None; ``decision``: what waits for signatures,
        ``{by, at, values, outcome, comment}`` with the ``form`` and ``outcomes`` that they
        are of, or None.
    """
    sides = found[0] if task["role"] is None and found else ()
    served = found[-1][0] if found and found[-1] else None
    asked = {"task_id": task["serves"], "by": task["added_by"], "text": task["asked"]}
    return {
        "opinions": [
            _opinion(row, hidden) | {"removable": _removable(actor, task, row)} for row in sides
        ],
        "asked": asked if task["role"] is not None else None,
        "decision": _decision(served, hidden) if served and served["pending"] else None,
    }


def _removable(actor: Actor, task: Row, side: Row) -> bool:
    if task["instance_status"] != "running":
        return False
    if side["role"] == "consult":
        return may_unask(actor, task, side)
    may = access.may_remove_signer(actor, side) or _holds(actor, task, side)
    return side["role"] in ("before", "after") and access.permits(task, "remove_signer") and may


def may_unask(actor: Actor, served: Row, side: Row) -> bool:
    """Say whether the actor may withdraw a question: who asked, has the task now, or a manager."""
    return access.may_unask(actor, side) or _holds(actor, served, side)


def _holds(actor: Actor, served: Row, side: Row) -> bool:
    return side["state"] in access.LIVE and access.has(actor, served) and actor.can("task:work")


def people(shown: Mapping[str, Any]) -> set[str]:
    """Return the usernames in what ``read`` told."""
    named = {each[key] for each in shown["opinions"] for key in ("user", "asked_by")}
    named.update(part["by"] for part in (shown["asked"], shown["decision"]) if part)
    return named


def _decision(served: Row, hidden: frozenset[str]) -> dict[str, Any]:
    given: dict[str, Any] = served["pending"]
    shown = {"values": masked(given["values"], hidden)}
    return given | shown | {name: served[name] for name in ("form", "outcomes")}


def _opinion(row: Row, hidden: frozenset[str]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "role": row["role"],
        "user": row["completed_by"] or row["assignee"],
        "asked_by": row["added_by"],
        "asked": row["asked"],
        "asked_at": row["created_at"],
        "state": row["state"],
        "answered_at": row["completed_at"],
        "outcome": row["outcome"],
        "comment": row["comment"],
        "values": masked(row["values"] or {}, hidden),
        "reason": row["reason"],
    }
