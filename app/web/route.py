"""The likely way from a task on: a part of its page that follows what is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response
from flask_babel import LazyString, gettext, lazy_gettext

from app.identity.queries import display_names, group_titles
from app.task.route import Stop, Way, route
from app.web import respond
from app.web.forms import posted
from app.web.i18n import pick
from app.web.rule_words import why
from app.web.session import actor, engine, now
from app.web.step_words import kind_of
from app.web.words import yes_no

_DECIDED: Final[Mapping[bool | None, LazyString]] = {
    True: lazy_gettext("approved automatically: %(why)s"),
    False: lazy_gettext("rejected automatically: %(why)s"),
    None: lazy_gettext("decided automatically: %(why)s"),
}


def show(task_id: int) -> Response:
    """Show where each decision would lead with what is typed now."""
    found = route(engine(), actor(), task_id, posted(), text=True, now=now())
    return respond.page("task/route.html", ways=_ways(found))


def _ways(found: Sequence[Way]) -> list[dict[str, Any]]:
    """Return the ways as ``{word, stops}``, a stop as ``{text, icon, who, later}``."""
    stops = [stop for way in found for stop in way.stops]
    users = {stop.assignee for stop in stops if stop.assignee}
    users = users.union(*(stop.candidates.get("users", ()) for stop in stops))
    groups = set[str]().union(*(stop.candidates.get("groups", ()) for stop in stops))
    names = display_names(engine().db, users)
    titles = group_titles(engine().db, groups)
    return [
        {"word": _word(way), "stops": [_stop(stop, names, titles) for stop in way.stops]}
        for way in found
    ]


def _word(way: Way) -> str:
    if way.label is not None:
        return pick(way.label, way.outcome or "")
    return "" if way.outcome is None else yes_no(way.outcome == "true")


def _stop(stop: Stop, names: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, Any]:
    if stop.kind == "end":
        return {"text": gettext("The process is finished"), "icon": "circle-check"}
    if stop.kind == "choice":
        options = gettext(", ").join(dict.fromkeys(pick(each) for each in stop.options))
        return {
            "text": gettext("Then it depends: %(steps)s", steps=options),
            "icon": "route",
            "later": True,
        }
    if stop.kind == "join":
        return {"text": gettext("Waits for the other branches"), "icon": "hourglass"}
    name = pick(stop.name, stop.step or "")
    if stop.kind == "stuck":
        text = gettext("%(step)s is stuck", step=name)
        return {"text": text, "icon": "alert-triangle"}
    _, icon = kind_of(stop.type)
    who = _who(stop, names, titles)
    if stop.kind == "decided":
        by_rule = _DECIDED[stop.approved] % {"why": why(stop.rule or "")}
        return {"text": name, "icon": icon, "who": " · ".join(filter(None, (who, by_rule)))}
    return {"text": name, "icon": icon, "who": who, "later": stop.kind == "later"}


def _who(stop: Stop, names: Mapping[str, str], titles: Mapping[str, str]) -> str:
    if stop.assignee:
        return names.get(stop.assignee, stop.assignee)
    offered = stop.candidates
    called = [names.get(name, name) for name in offered.get("users", ())]
    called += [titles.get(name, name) for name in offered.get("groups", ())]
    called += [gettext("role %(role)s", role=name) for name in offered.get("roles", ())]
    return str(gettext(", ")).join(called)
