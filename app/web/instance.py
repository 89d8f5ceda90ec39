"""The page of an instance, and what is done to it: suspend, activate, terminate, retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask import Response, request, url_for
from flask_babel import LazyString, gettext, lazy_gettext

from app.definition import queries as definitions
from app.definition.row import DefinitionRow
from app.errors import AppError, Conflict, Forbidden, Invalid
from app.history.queries import events
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names, group_titles
from app.runtime import service
from app.runtime.details import Details, details, instance_of
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow
from app.web import forms, passage, people, respond, timeline
from app.web.ask import Kind, Question, ask, reason
from app.web.going_back import as_reason
from app.web.i18n import pick, translate_error
from app.web.session import actor, engine, now

_SHOWN: Final = 40
"""Moments of the history on the page; all of them are on a page of their own."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that is done to an instance, after asking.

    Args:
        title: of the question, names the instance.
        text: what will happen.
        done: what is said afterwards.
    """

    call: Callable[..., InstanceRow]
    title: LazyString
    text: LazyString
    action: LazyString
    done: LazyString
    icon: str
    kind: Kind = "primary"


def _withdraw(
    engine: Engine, who: Actor, instance_id: int, *, reason: str | None, now: datetime
) -> InstanceRow:
    return service.withdraw(engine, who, instance_id, comment=reason, now=now)


VERBS: Final[Mapping[str, Verb]] = {
    "suspend": Verb(
        service.suspend,
        lazy_gettext("Suspend “%(title)s”?"),
        lazy_gettext(
            "Its tasks can be read but not worked on, and nothing automatic begins, until"
            " someone resumes it."
        ),
        lazy_gettext("Suspend"),
        lazy_gettext("“%(title)s” is suspended."),
        "player-pause",
    ),
    "activate": Verb(
        service.activate,
        lazy_gettext("Resume “%(title)s”?"),
        lazy_gettext("It goes on where it stands."),
        lazy_gettext("Resume"),
        lazy_gettext("“%(title)s” goes on."),
        "player-play",
    ),
    "terminate": Verb(
        service.terminate,
        lazy_gettext("Terminate “%(title)s”?"),
        lazy_gettext("Its open tasks are withdrawn and its history stays. This cannot be undone."),
        lazy_gettext("Terminate"),
        lazy_gettext("“%(title)s” is terminated."),
        "player-stop",
        "danger-fill",
    ),
    "withdraw": Verb(
        _withdraw,
        lazy_gettext("Withdraw “%(title)s”?"),
        lazy_gettext(
            "Its open tasks are withdrawn, and it ends. You can then start another one with the"
            " same values."
        ),
        lazy_gettext("Withdraw"),
        lazy_gettext("“%(title)s” is withdrawn."),
        "arrow-back-up",
        "danger-fill",
    ),
}

_COMES_BACK: Final = replace(
    VERBS["withdraw"],
    text=lazy_gettext(
        "Its open tasks are withdrawn, and the start form comes back to you, to be changed and sent"
        " again. Withdrawn once more from there, it ends."
    ),
    done=lazy_gettext("“%(title)s” is withdrawn: its start form is back with you."),
)


def show(instance_id: int) -> Response:
    """Show where an instance stands and how it came there."""
    return page_of(instance_id)


def steer(instance_id: int, verb: str) -> Response:
    """Ask (GET), or do it (POST) and go back to the instance."""
    shown = details(engine(), actor(), instance_id, now=now())
    if request.method == "GET":
        if verb == "withdraw" and shown.instance["started_by"] != actor().username:
            raise Forbidden("not_yours", "Only who started this can withdraw it.")
        if verb not in shown.allowed and verb != "withdraw":
            require(actor(), "process:operate")
        return ask(_question(shown, verb))
    chosen = _verb(shown, verb)
    try:
        row = chosen.call(engine(), actor(), instance_id, reason=reason(), now=now())
    except Invalid as error:
        return ask(_question(shown, verb), as_reason(error))
    except Conflict as error:
        return page_of(instance_id, error)
    message = str(chosen.done) % {"title": row.title}
    return respond.redirect(url_for("runtime.instance", instance_id=instance_id), message)


def retry(incident_id: int) -> Response:
    """Ask (GET), or let the step of an incident begin anew (POST)."""
    instance_id = instance_of(engine(), actor(), incident_id)
    shown = details(engine(), actor(), instance_id, now=now())
    if request.method == "GET":
        require(actor(), "process:operate")
        return ask(_retrying(shown, incident_id))
    try:
        row = service.retry_incident(engine(), actor(), incident_id, reason=reason(), now=now())
    except Invalid as error:
        return ask(_retrying(shown, incident_id), error)
    except Conflict as error:
        return page_of(instance_id, error)
    message = gettext("The step is tried again.")
    return respond.redirect(url_for("runtime.instance", instance_id=row.id), message)


def _retrying(shown: Details, incident_id: int) -> Question:
    instance = shown.instance
    steps = [
        pick(trouble["step"]["name"], trouble["step"]["id"])
        for trouble in instance["incidents"]
        if trouble["id"] == incident_id
    ]
    return Question(
        title=gettext("Try “%(step)s” again?", step=steps[0] if steps else instance["title"]),
        text=gettext("The step begins anew, with a fresh set of attempts."),
        action=gettext("Try again"),
        url=url_for("runtime.retry", incident_id=incident_id),
        back_url=url_for("runtime.instance", instance_id=instance["id"]),
        back_text=instance["title"],
        nav=nav_of(instance),
        with_reason=True,
    )


def _verb(shown: Details, verb: str) -> Verb:
    return _COMES_BACK if verb == "withdraw" and shown.comes_back else VERBS[verb]


def _question(shown: Details, verb: str) -> Question:
    chosen, instance = _verb(shown, verb), shown.instance
    return Question(
        title=str(chosen.title) % {"title": instance["title"]},
        text=str(chosen.text),
        action=str(chosen.action),
        url=url_for(f"runtime.{verb}", instance_id=instance["id"]),
        back_url=url_for("runtime.instance", instance_id=instance["id"]),
        back_text=instance["title"],
        nav=nav_of(instance),
        kind=chosen.kind,
        with_reason=True,
    )


def nav_of(instance: Mapping[str, Any]) -> str:
    """Return the entry of the navigation that an instance belongs to for its reader."""
    own = instance["started_by"] == actor().username
    if own or not actor().lists_instances:
        return "requests"
    return "instances"


def page_of(instance_id: int, error: AppError | None = None) -> Response:
    """Return the page of an instance.

    Args:
        error: why a verb was refused; its status is the answer's.
    """
    shown = details(engine(), actor(), instance_id, now=now())
    lines = events(engine().db, actor(), instance_id)
    instance = shown.instance
    names = display_names(engine().db, _usernames(instance) | timeline.people(lines))
    people.prepare((each["field"], each["value"]) for each in shown.variables)
    history = timeline.moments(
        lines,
        names,
        shown.fields,
        {step.id: pick(step.name, step.id) for step in shown.definition.by_id.values()},
        {child["id"]: child["title"] for child in shown.children},
    )
    return respond.page(
        "runtime/instance.html",
        status=error.status if error else 200,
        instance=instance,
        standing=passage.standing(shown),
        parent=shown.parent,
        children=shown.children,
        allowed=shown.allowed,
        passed=passage.passed(lines, instance, names),
        variables=shown.variables,
        verbs=[(verb, chosen) for verb, chosen in VERBS.items() if verb in shown.allowed],
        copy_of=shown.startable,
        may_retry="retry" in shown.allowed,
        may_migrate="migrate" in shown.allowed and bool(other_versions(shown)),
        history=history[:_SHOWN],
        earlier=max(0, len(history) - _SHOWN),
        names=names,
        groups=group_titles(engine().db, _groups(instance)),
        conflict=translate_error(error) if error else None,
        problems=forms.problems(error),
        nav=nav_of(instance),
    )


def other_versions(shown: Details) -> list[DefinitionRow]:
    """Return the versions that an instance could go over to, the newest first."""
    current = shown.instance["process_definition_id"]
    return [
        row
        for row in definitions.versions(engine().db, actor(), shown.definition.key)
        if row.id != current and row.status != "draft"
    ]


def _usernames(instance: Mapping[str, Any]) -> set[str]:
    named = {instance["started_by"], *(task["assignee"] for task in instance["tasks"])}
    named.update(*(task["candidates"]["users"] for task in instance["tasks"]))
    return {name for name in named if name}


def _groups(instance: Mapping[str, Any]) -> set[str]:
    return set[str]().union(*(task["candidates"]["groups"] for task in instance["tasks"]))
