"""Where an instance stands now, and which steps it has passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from flask_babel import gettext
from markupsafe import Markup

from app.core.definition import Definition
from app.core.state import ENDED
from app.runtime.details import Details
from app.runtime.standing import Awaited, Place
from app.web import rule_words
from app.web.i18n import pick
from app.web.session import actor
from app.web.step_words import kind_of, message_words
from app.web.verb_words import doer
from app.web.when import moment

Line = Mapping[str, Any]

_NOT_SHOWN: Final = frozenset(
    {"start", "end", "script", "decision", "sub_process"}
    | {"exclusive_gateway", "inclusive_gateway", "parallel_gateway"}
)
"""Types that only lead from one step to the next, or are seen by what is inside them."""
_MOST: Final = 8
"""Steps in the row; of more, the earlier ones become one."""
_MOST_MISSING: Final = 4
"""Branches that a join waits for, by name; of more it is said how many."""


def standing(shown: Details) -> list[dict[str, Any]]:
    """Return the places where an instance waits.

    Each is ``{name, icon, word, since, task, incident, says, child, events, may_skip,
    may_move, token}``; what waits for people has its ``task``, what is stuck its
    ``incident``, anything else ``says`` what it waits for, a sentence each. ``events`` are
    what may happen meanwhile. A child that the reader may not see is only a ``hidden_child``.
    """
    known = {child["id"] for child in shown.children}
    tasks = {task["id"]: task for task in shown.instance["tasks"]}
    troubles = {trouble["id"]: trouble for trouble in shown.instance["incidents"]}
    stopped = shown.instance["status"] == "suspended"
    reader = actor().can("process:read")
    found = []
    for place in shown.places:
        if place.element and place.waits == "scope":
            continue  # what stands inside says which element it belongs to
        step = shown.definition.by_id[place.step]
        word, icon = kind_of(step.type)
        found.append(
            {
                "token": place.token,
                "name": pick(step.name, step.id),
                "word": word,
                "icon": icon,
                "since": place.since,
                "task": tasks.get(place.task),
                "incident": troubles.get(place.incident),
                "child": place.child if reader or place.child in known else None,
                "child_title": place.child_title,
                "hidden_child": place.child is not None,
                "says": list(_says(shown.definition, place, stopped=stopped)),
                "events": [_event(shown.definition, each, stopped) for each in place.beside],
                "may_skip": place.may_skip and "skip" in shown.allowed,
                "may_move": bool(place.targets) and "jump" in shown.allowed,
            }
        )
    return found


def _says(definition: Definition, place: Place, *, stopped: bool) -> Iterator[Markup | str]:
    """Yield what a token waits for, and where it stands among others."""
    if place.waits == "timer" and place.own is not None:
        yield _until(place.own, stopped)
    elif place.waits == "message" and place.own is not None:
        named = message_words(place.own.name, place.own.key)
        yield gettext("Waits for the %(message)s", message=named)
    elif place.waits == "event":
        yield gettext("Waits for whatever comes first")
    elif place.waits == "job" and place.topic:
        yield gettext("Offered to workers elsewhere, topic “%(topic)s”", topic=place.topic)
    elif place.waits == "job":
        yield gettext("An automatic step is at work")
    elif place.waits == "scope":
        yield gettext("Its own steps are under way")
    elif place.waits == "multi":
        yield gettext("%(done)d of %(total)d done", done=place.done, total=place.total)
    elif place.waits == "join":
        yield _waits_for_others(definition, place.missing)
    elif place.waits == "incident":
        yield gettext("Waits for help")
    elif place.waits == "":
        yield gettext("Enters the step when the instance is resumed")
    if place.element:
        yield gettext("number %(number)d of %(total)d", number=place.element, total=place.total)
    for step_id in place.within[-1:]:
        step = definition.by_id[step_id]
        yield gettext("within %(step)s", step=pick(step.name, step.id))


def _until(timer: Awaited, stopped: bool) -> Markup | str:
    if stopped or timer.due_at is None:
        return str(gettext("Waits for its time; the clock is stopped"))
    return Markup.escape(gettext("Waits until %(when)s")) % {"when": moment(timer.due_at)}


def _event(definition: Definition, event: Awaited, stopped: bool) -> dict[str, Any]:
    """Return something that may happen meanwhile: ``{icon, text, target}``."""
    target = definition.by_id.get(event.target or "")
    if event.kind == "message":
        text: Markup | str = message_words(event.name, event.key)
    elif stopped or event.due_at is None:
        text = gettext("when its time has come; the clock is stopped")
    else:
        text = Markup.escape(gettext("at %(moment)s")) % {"moment": moment(event.due_at)}
    return {
        "icon": "message" if event.kind == "message" else "clock",
        "text": text,
        "label": pick(event.label),
        "target": pick(target.name, target.id) if target else None,
        "beside": not event.interrupts,
    }


def _waits_for_others(definition: Definition, missing: tuple[str, ...]) -> str:
    if not missing or len(missing) > _MOST_MISSING:
        return str(gettext("Waits for the other branches"))
    names = gettext(", ").join(pick(definition.by_id[step].name, step) for step in missing)
    return str(gettext("Waits for the other branches: %(steps)s", steps=names))


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
        if step is None or step["type"] in _NOT_SHOWN:
            continue
        if line["kind"] == "step.entered":
            if visits and visits[-1]["id"] == step["id"] and visits[-1]["by"] is None:
                continue  # another element of the same list, or the same step tried again
            visits.append({"id": step["id"], "name": pick(step["name"], step["id"]), "by": None})
        elif line["kind"] == "task.completed":
            _last(visits, step["id"])["by"] = _deciders(line, names)
        elif line["kind"] == rule_words.AUTOMATIC and "values" in line["data"]:
            _last(visits, step["id"])["by"] = gettext("by rule")
    _mark(visits, instance)
    return _shortened([_item(visit) for visit in visits])


def _deciders(line: Line, names: Mapping[str, str]) -> str:
    """Return who completed a task, or how many of several approved."""
    votes = line["data"].get("votes")
    if votes is None or not votes["total"]:
        return doer(line, names)
    return str(
        gettext("%(count)d of %(total)d approved", count=votes["approved"], total=votes["total"])
    )


def _last(visits: list[dict[str, Any]], step_id: str) -> dict[str, Any]:
    return next((visit for visit in reversed(visits) if visit["id"] == step_id), {})


def _mark(visits: list[dict[str, Any]], instance: Mapping[str, Any]) -> None:
    """Mark the visits that have not ended: of each step it is the last one."""
    for token in instance["tokens"]:
        visit = _last(visits, token["step"]["id"])
        if token["waiting_for"] == "join":
            continue
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
