"""Asking others about a task that one has, and answering what one was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext

from app.errors import Conflict, Invalid
from app.task import service
from app.web import forms, respond
from app.web import task as task_page
from app.web.ask import Question, Who, reason
from app.web.forms import posted, text
from app.web.session import actor, engine, now
from app.web.verbs import asking, question_for, step_name, who

bp = Blueprint("side", __name__)

_BOTH: Final = ["GET", "POST"]


@bp.route("/tasks/<int:task_id>/delegate", methods=_BOTH)
@task_page.answers
def delegate(task_id: int) -> Response:
    """Ask somebody for advice."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "side.delegate",
            gettext("Ask for advice on “%(step)s”?", step=step_name(task)),
            gettext(
                "The other person says what they think and may propose values. Then the task is"
                " yours again, and you decide; you can pull it back at any time."
            ),
            gettext("Ask for advice"),
            (who("to", gettext("Whom")),),
        )

    if request.method == "GET":
        return question_for(task_id, question)
    try:
        service.delegate(engine(), actor(), task_id, text("to"), comment=reason(), now=now())
    except Invalid as error:
        return question_for(task_id, question, error)
    return _asked(task_id)


@bp.route("/tasks/<int:task_id>/consult", methods=_BOTH)
@task_page.answers
def consult(task_id: int) -> Response:
    """Ask people a question."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "side.consult",
            gettext("Ask about “%(step)s”?", step=step_name(task)),
            gettext("You keep the task; the answers appear above your decision."),
            gettext("Ask"),
            (_several(),),
            reason_text=gettext("Your question"),
            needs_reason=True,
        )

    if request.method == "GET":
        return question_for(task_id, question)
    users = forms.names_in(text("users"))
    try:
        service.consult(engine(), actor(), task_id, users, reason(), now=now())
    except Invalid as error:
        return question_for(task_id, question, error)
    return _asked(task_id)


@bp.post("/tasks/<int:task_id>/resolve")
def resolve(task_id: int) -> Response:
    """Answer what one was asked; what was typed is kept if it was refused."""
    raw, refused = forms.keep_uploads(posted(), task_page.keeper(task_id))
    try:
        if refused is not None:
            raise refused
        service.resolve(
            engine(),
            actor(),
            task_id,
            task_page.with_zone(task_id, raw),
            text=True,
            outcome=text("outcome") or None,
            comment=text("comment").strip() or None,
            now=now(),
        )
    except (Invalid, Conflict) as error:
        return task_page.refused(task_id, error, raw)
    return respond.redirect(url_for("inbox.show"), gettext("Your answer is given. Thank you."))


def _several() -> Who:
    return who("users", gettext("Whom"))


def _asked(task_id: int) -> Response:
    return respond.redirect(url_for("task.show", task_id=task_id), gettext("They are asked."))
