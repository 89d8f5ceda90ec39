"""Where an instance stands now, and which steps it has passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask_babel import gettext

from app.core.state import ENDED
from app.web.i18n import pick
from app.web.steps import kind_of

Line = Mapping[str, Any]

_FOR_PEOPLE: Final = frozenset({"user_task", "service_task"})
"""Types that are shown as steps; the others only lead from one to the next."""
_MOST: Final = 8
"""Steps in the row; of more, the earlier ones become one."""


def standing(instance: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the places where an instance waits.

    Each is ``{name, icon, word, since, task, incident}``; what waits for people has its
    ``task``, what is stuck its ``incident``.
    """
    tasks = {task["step"]["id"]: task for task in instance["tasks"]}
    troubles = {trouble["step"]["id"]: trouble for trouble in instance["incidents"]}
    places = []
    for token in instance["tokens"]:
        step = token["step"]
        word, icon = kind_of(step["type"])
        waits_for = token["waiting_for"]
        places.append(
            {
                "name": pick(step["name"], step["id"]),
                "word": word,
                "icon": icon,
                "since": token["since"],
                "task": tasks.get(step["id"]) if waits_for == "task" else None,
                "incident": troubles.get(step["id"]) if waits_for == "incident" else None,
            }
        )
    return places


def passed(
    lines: Iterable[Line], instance: Mapping[str, Any], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the steps that were reached, in order, for the macro ``stepper``.

    Args:
        lines: as ``history.queries.events`` gives them, the oldest first.
        names: username → what a person is called.
    """
    visits: list[dict[str, Any]] = []
    for line in lines:
        step = line["step"]
        if step is None or step["type"] not in _FOR_PEOPLE:
            continue
        if line["kind"] == "step.entered":
            visits.append({"id": step["id"], "name": pick(step["name"], step["id"]), "by": None})
        elif line["kind"] == "task.completed":
            _last(visits, step["id"])["by"] = names.get(line["actor"], line["actor"])
    _mark(visits, instance)
    return _shortened([_item(visit) for visit in visits])


def _last(visits: list[dict[str, Any]], step_id: str) -> dict[str, Any]:
    return next((visit for visit in reversed(visits) if visit["id"] == step_id), {})


def _mark(visits: list[dict[str, Any]], instance: Mapping[str, Any]) -> None:
    """Mark the visits that have not ended: of each step it is the last one."""
    for token in instance["tokens"]:
        visit = _last(visits, token["step"]["id"])
        stuck = token["waiting_for"] == "incident"
        ended = instance["status"] in ENDED
        visit["state"] = "todo" if ended else "stuck" if stuck else "current"


def _item(visit: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": visit["name"], "state": visit.get("state", "done"), "note": visit["by"]}


def _shortened(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(items) <= _MOST:
        return items
    left_out = len(items) - _MOST + 1
    first = {"name": gettext("%(count)d steps before", count=left_out), "state": "done"}
    return [first, *items[left_out:]]
