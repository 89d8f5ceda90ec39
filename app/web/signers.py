"""Pages that add people to a task and take them away again: each asks first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import LazyString, gettext, lazy_gettext

from app.errors import Invalid
from app.task import queries, service
from app.web import forms, respond
from app.web import task as task_page
from app.web.ask import Choice, Question, Who, ask, reason
from app.web.i18n import pick
from app.web.session import actor, engine, now
from app.web.words import sentences

bp = Blueprint("signer", __name__)

_ADDED_TO_ONE = lazy_gettext(
    "Beside you they get a task of their own, and all of you have to approve."
)
_ADDED = lazy_gettext("Beside you they get a task of their own; what was decided so far stays.")
_OTHERWISE = lazy_gettext(
    "Before you: the task waits until they have signed, and comes back with their opinions."
    " To let them sign after you, name them below the form."
)
_WHEN: Mapping[str, LazyString] = {
    "parallel": lazy_gettext("Beside me"),
    "before": lazy_gettext("Before I decide"),
}
_SAID: Mapping[str, LazyString] = {
    "parallel": lazy_gettext("They decide this together with you."),
    "before": lazy_gettext("They are asked."),
}


@bp.route("/tasks/<int:task_id>/add-signer", methods=["GET", "POST"])
@task_page.answers
def add(task_id: int) -> Response:
    """Let more people decide a task."""
    if request.method == "GET":
        return ask(_adding(_task(task_id)))
    users = forms.names_in(forms.text("users"))
    where: service.Where = "before" if forms.text("position") == "before" else "parallel"
    try:
        service.add_signer(engine(), actor(), task_id, users, where, comment=reason(), now=now())
    except Invalid as error:
        return ask(_adding(_task(task_id)), error)
    told = _SAID[where]
    return respond.redirect(url_for("task.show", task_id=task_id), str(told))


@bp.route("/tasks/<int:task_id>/remove-signer", methods=["GET", "POST"])
@task_page.answers
def remove(task_id: int) -> Response:
    """Take away somebody who was added and has not decided."""
    if request.method == "GET":
        return ask(_removing(_task(task_id), request.args.get("user", "")))
    user = forms.text("user")
    try:
        service.remove_signer(engine(), actor(), task_id, user, comment=reason(), now=now())
    except Invalid as error:
        return ask(_removing(_task(task_id), user), error)
    return respond.redirect(
        url_for("task.show", task_id=task_id),
        gettext("They need not decide or sign this any more."),
    )


def _task(task_id: int) -> dict[str, Any]:
    return queries.get(engine().db, actor(), task_id, now=now())


def _adding(task: Mapping[str, Any]) -> Question:
    return Question(
        title=gettext("Add people to “%(step)s”?", step=_step(task)),
        text=sentences(_ADDED if task["visit"] else _ADDED_TO_ONE, _OTHERWISE),
        action=gettext("Add"),
        url=url_for("signer.add", task_id=task["id"]),
        back_url=url_for("task.show", task_id=task["id"]),
        back_text=_step(task),
        nav="inbox",
        with_reason=True,
        who=(Who("users", gettext("Who else")),),
        choice=Choice(
            "position", gettext("When"), tuple((name, str(text)) for name, text in _WHEN.items())
        ),
    )


def _removing(task: Mapping[str, Any], user: str) -> Question:
    """Return the question; who is meant stands first among those who can be taken away."""
    names = task["people"]
    signers = [each for each in task["opinions"] if each["role"] != "consult"]
    seats = [*(task["visit"] or {}).get("seats", ()), *signers]
    found = [each["user"] for each in seats if each["removable"]]
    found.sort(key=lambda name: name != user)
    options = tuple((name, names.get(name, name)) for name in found)
    meaning = gettext("Nobody waits for them any more. If the others have decided, it goes on.")
    if not options:
        meaning = gettext("Nobody who was added to this can be taken away.")
    elif [each["user"] for each in signers if each["answered_at"] is None] == found:
        meaning = (
            gettext("Nobody else is to sign: with that the decision is made.")
            if task["decision"]
            else gettext("Nobody else is to sign first: the task is back with who has it.")
        )
    return Question(
        title=gettext("Take somebody away from “%(step)s”?", step=_step(task)),
        text=meaning,
        action=gettext("Take away"),
        url=url_for("signer.remove", task_id=task["id"]),
        back_url=url_for("task.show", task_id=task["id"]),
        back_text=_step(task),
        nav="inbox",
        with_reason=bool(options),
        choice=Choice("user", gettext("Who"), options) if options else None,
    )


def _step(task: Mapping[str, Any]) -> str:
    return pick(task["step"]["name"], task["step"]["id"])
