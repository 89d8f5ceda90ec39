"""What came of completing a task: where its instance is now, and what is next for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.form import validate
from app.core.form_values import file_ids
from app.core.values import same
from app.definition.sensitive import MASK
from app.identity.actor import Actor

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What there is to tell.

    Args:
        outcome: label of the outcome that was chosen, if there was one.
        tasks: open tasks of the instance: what people do next.
        automatic: names of steps at which a machine is at work.
        stuck: whether an incident stopped the instance.
        counted: of a step that several people decide and that is open still, how many have
            decided, and of how many.
        next_task: what the reader could go on with; None if nothing waits for them.
    """

    outcome: Any
    tasks: Sequence[Row]
    automatic: Sequence[Any]
    stuck: bool
    counted: tuple[int, int] | None
    next_task: Row | None

    @property
    def usernames(self) -> set[str]:
        """People to be called by their names."""
        named = {task["assignee"] for task in self.tasks if task["assignee"]}
        return named.union(*(task["candidates"]["users"] for task in self.tasks))

    @property
    def groups(self) -> set[str]:
        """Groups to be called by their titles."""
        return set[str]().union(*(task["candidates"]["groups"] for task in self.tasks))


def follow_up(task: Row, instance: Row, waiting: Sequence[Row], who: Actor) -> FollowUp:
    """Say what came of ``task``.

    Args:
        task: the completed one.
        instance: its instance as it is now.
        waiting: the top of the reader's inbox.
    """
    chosen = [each["label"] for each in task["outcomes"] if each["id"] == task["outcome"]]
    visit = task["visit"]
    open_ = visit is not None and visit["decided"] is None
    here = [each for each in instance["tasks"] if _is_for(who, each)]
    return FollowUp(
        outcome=chosen[0] if chosen else None,
        # The seats of those who have not decided yet are not what comes next, nor is what
        # others are only asked.
        tasks=[
            each
            for each in instance["tasks"]
            if each["role"] is None and (not open_ or each["step"]["id"] != task["step"]["id"])
        ],
        automatic=[
            token["step"]["name"] or token["step"]["id"]
            for token in instance["tokens"]
            if token["waiting_for"] == "job"
        ],
        stuck=bool(instance["incidents"]),
        counted=(visit["approved"] + visit["rejected"], visit["total"]) if open_ else None,
        next_task=next(iter([*here, *waiting]), None),
    )


def _is_for(who: Actor, task: Row) -> bool:
    if task["assignee"] is not None:
        return bool(task["assignee"] == who.username)
    offered = task["candidates"]
    return (
        who.username in offered["users"]
        or not who.groups.isdisjoint(offered["groups"])
        or not who.roles.isdisjoint(offered["roles"])
    )


def entered(task: Row, posted: Mapping[str, Any]) -> bool:
    """Say whether a completed task's values are what was posted for its form.

    Args:
        posted: texts, as a browser sends them.
    """
    kept = task["values"] or {}
    clean, errors = validate(task["form"], posted, text=True)
    hidden = {each.field for each in errors}  # what show_if had hidden is missing to no one
    return all(_same(kept[name], clean.get(name)) for name in kept if name not in hidden)


def _same(kept: Any, given: Any) -> bool:
    if kept == MASK:
        return True
    ids = file_ids(kept) if isinstance(kept, list) else None
    return same(kept, given) or (bool(ids) and ids == file_ids(given))
