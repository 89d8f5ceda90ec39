"""Whom the opening of tasks is told, and who gets a copy by the word of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core.approval import SYSTEM
from app.core.events import Jumped, Recalled, Returned, Skipped, Terminated, Withdrawn
from app.db.tx import Tx
from app.db.wire import Statement
from app.identity.queries import Away, resolve_all
from app.notice import store
from app.runtime.lines import Line
from app.runtime.plan import Plan

_TAKEN: Final = (Returned, Recalled, Withdrawn, Terminated, Jumped, Skipped)


def of_taken_back(plan: Plan, common: Mapping[str, Any]) -> list[Statement]:
    """Return what tells those whose tasks somebody has withdrawn, by a step back or by force."""
    event = plan.events[0]
    if not isinstance(event, _TAKEN) or common["actor"] == SYSTEM:
        return []
    tell = store.ended if isinstance(event, Returned) else store.withdrawn
    return [
        tell(
            common["id"],
            list(plan.closed_tasks),
            text=event.reason,
            actor=common["actor"],
            at=common["at"],
        )
    ]


def of_opened(
    tx: Tx,
    plan: Plan,
    opened: Sequence[Mapping[str, Any]],
    lines: list[Line],
    common: Mapping[str, Any],
) -> list[Statement]:
    """Return what tells people of new tasks; copies get a line of the history.

    A task that is offered to several tells nobody: they find it in their inboxes. Who gets one
    for lack of others is told that.

    Args:
        opened: parameters of ``runtime.store.TASK``, which is run before.
        common: ``id`` of the instance, ``at`` and ``actor``.
    """
    instance, at, actor = common["id"], common["at"], common["actor"]
    given = [
        row["wait"] for row in opened if row["assignee"] not in (None, actor) and not row["alert"]
    ]
    made = []
    if isinstance(plan.events[0], Returned):
        about = {"text": plan.events[0].reason, "actor": actor, "at": at}
        made.append(store.returned(instance, [row["wait"] for row in opened], **about))
    elif given:
        made.append(store.opened(instance, given, actor=actor, at=at))
    for row in opened:
        if row["alert"]:
            keys = row["candidates"] or [f"u:{row['assignee']}"]
            made.append(store.unassigned(keys, instance=instance, wait=row["wait"], at=at))
    away = tx.ahead.get(Away, frozenset())
    of_others = [row["wait"] for row in opened if row["assignee"] in away]
    if of_others:
        made.append(store.opened_for(instance, of_others, actor=actor, at=at))
    tasks = {**{each.task.wait: each.task for each in plan.decided}, **plan.tasks}
    for task in tasks.values():
        keys = resolve_all(tx, [(name, None) for name in task.cc]).keys if task.cc else ()
        if keys:
            about = {"instance": instance, "wait": task.wait, "actor": actor, "at": at}
            made.append(store.copied_by_step(keys, **about))
            lines.append(["task.copied", task.step, {"wait": task.wait, "keys": list(keys)}])
    return made
