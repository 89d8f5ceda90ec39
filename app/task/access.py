"""Who may do what with a task: pure rules over a task's row and an actor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.identity.actor import Actor

LIVE: Final = ("open", "claimed")

Row = Mapping[str, Any]


def is_candidate(actor: Actor, task: Row) -> bool:
    """Say whether the task was offered to the actor, by name, group or role."""
    return not set(task["candidates"]).isdisjoint(actor.candidate_keys)


def is_holder(actor: Actor, task: Row) -> bool:
    """Say whether the task is the actor's."""
    return bool(task["assignee"] == actor.username)


def has(actor: Actor, task: Row) -> bool:
    """Say whether the actor could go on with the task without claiming it."""
    return task["state"] == "claimed" and is_holder(actor, task)


def takes_part(actor: Actor, task: Row) -> bool:
    """Say whether the actor holds, completed or is offered this very task."""
    return (
        is_holder(actor, task)
        or task["completed_by"] == actor.username
        or is_candidate(actor, task)
    )


def allowed(actor: Actor, task: Row) -> list[str]:
    """Return the verbs that the actor could use on the task now.

    Args:
        task: a row with ``instance_status``: while the instance is suspended its tasks
            can be read, and nothing else.
    """
    if (
        task["state"] not in LIVE
        or task["instance_status"] != "running"
        or not actor.can("task:work")
    ):
        return []
    if task["state"] == "open":
        return ["claim", "complete"] if is_candidate(actor, task) else []
    if not is_holder(actor, task):
        return []
    return ["release", "complete"] if task["candidates"] else ["complete"]
