"""What people do with a task beside answering it: each asks first (GET), then does it (POST)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext, ngettext

from app.errors import AppError, Conflict, Invalid, NotFound
from app.identity.policy import require
from app.identity.queries import display_names
from app.task import attachments, queries, service
from app.web import forms, respond
from app.web import task as task_page
from app.web.ask import Choice, Question, Who, ask, reason
from app.web.form import comment_keeper
from app.web.i18n import pick, translate_error
from app.web.session import actor, engine, now
from app.web.words import sentences

bp = Blueprint("verb", __name__)

_BOTH: Final = ["GET", "POST"]
FILES: Final = "comment-files"
"""The control with a comment's files; no field of a form is called so."""
_NUMBER: Final = re.compile("[0-9]{1,18}")


@bp.route("/tasks/<int:task_id>/transfer", methods=_BOTH)
@task_page.answers
def transfer(task_id: int) -> Response:
    """Pass a task on for good."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "verb.transfer",
            gettext("Transfer “%(step)s”?", step=step_name(task)),
            gettext("The other person has it from then on, with its due date and what you typed."),
            gettext("Transfer"),
            (who("to", gettext("To whom")),),
        )

    if request.method == "GET":
        return question_for(task_id, question)
    try:
        task = service.transfer(
            engine(), actor(), task_id, forms.text("to"), comment=reason(), now=now()
        )
    except Invalid as error:
        return question_for(task_id, question, error)
    return respond.redirect(url_for("inbox.show"), _given(task))


@bp.route("/tasks/<int:task_id>/assign", methods=_BOTH)
@task_page.answers
def assign(task_id: int) -> Response:
    """Give a task to somebody, whoever has it."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "verb.assign",
            gettext("Give “%(step)s” to somebody?", step=step_name(task)),
            gettext("It is theirs from then on, and nobody else's."),
            gettext("Assign"),
            (who("to", gettext("To whom")),),
        )

    if request.method == "GET":
        require(actor(), "task:assign")
        return question_for(task_id, question)
    try:
        task = service.assign(
            engine(), actor(), task_id, forms.text("to"), comment=reason(), now=now()
        )
    except Invalid as error:
        return question_for(task_id, question, error)
    return respond.redirect(url_for("task.show", task_id=task_id), _given(task))


@bp.route("/tasks/<int:task_id>/cc", methods=_BOTH)
@task_page.answers
def copy(task_id: int) -> Response:
    """Let people read along."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "verb.copy",
            gettext("Copy “%(step)s” to others?", step=step_name(task)),
            gettext("They are told and can read this process from then on; they need not answer."),
            gettext("Send copies"),
            (who("users", gettext("To whom")),),
        )

    if request.method == "GET":
        return question_for(task_id, question)
    users = forms.names_in(forms.text("users"))
    try:
        service.copy(engine(), actor(), task_id, users, comment=reason(), now=now())
    except Invalid as error:
        return question_for(task_id, question, error)
    return respond.redirect(url_for("task.show", task_id=task_id), gettext("The copies are sent."))


@bp.route("/tasks/<int:task_id>/remind", methods=_BOTH)
@task_page.answers
def remind(task_id: int) -> Response:
    """Tell those whom it waits for that somebody waits for them."""

    def question(task: Mapping[str, Any]) -> Question:
        return asking(
            task,
            "verb.remind",
            gettext("Remind them of “%(step)s”?", step=step_name(task)),
            gettext("Who has it is told, or everyone it is offered to; once in four hours."),
            gettext("Remind"),
        )

    if request.method == "GET":
        return question_for(task_id, question)
    try:
        service.remind(engine(), actor(), task_id, comment=reason(), now=now())
    except Invalid as error:
        return question_for(task_id, question, error)
    return respond.redirect(url_for("task.show", task_id=task_id), gettext("They are reminded."))


@bp.post("/tasks/<int:task_id>/comments")
def comment(task_id: int) -> Response:
    """Say something about a task, with files, also those that come without scripts."""
    given = {FILES: [each for each in request.form.getlist(FILES) if each]}
    raw, refused = forms.keep_uploads(given, comment_keeper(task_id))
    ids = [int(each) for each in raw[FILES] if _NUMBER.fullmatch(each)]
    try:
        if refused is not None:
            raise refused
        service.comment(engine(), actor(), task_id, forms.text("text"), files=ids, now=now())
    except (Invalid, Conflict) as error:
        return _commenting(task_id, None, forms.text("text"), error, ids)
    return _to_comments(task_id, gettext("Your comment is kept."))


@bp.route("/tasks/<int:task_id>/comments/<int:comment_id>", methods=_BOTH)
def edit(task_id: int, comment_id: int) -> Response:
    """Correct one's own comment."""
    if request.method == "GET":
        task = queries.get(engine().db, actor(), task_id, now=now())
        found = [each for each in task["comments"] if each["id"] == comment_id]
        if not found or not found[0]["may_edit"]:
            raise NotFound("comment_not_found", "There is no such comment on this task.")
        return _commenting(task_id, comment_id, found[0]["text"])
    try:
        service.edit(engine(), actor(), task_id, comment_id, forms.text("text"), now=now())
    except (Invalid, Conflict) as error:
        return _commenting(task_id, comment_id, forms.text("text"), error)
    return _to_comments(task_id, gettext("Your comment is corrected."))


@bp.route("/hand-over", methods=_BOTH)
def hand_over() -> Response:
    """Give everything that somebody has to somebody else."""
    require(actor(), "task:assign")
    if request.method == "GET":
        return ask(_handing_over())
    try:
        done = service.hand_over(
            engine(),
            actor(),
            forms.text("from"),
            forms.text("to"),
            comment=reason(),
            now=now(),
        )
    except Invalid as error:
        return ask(_handing_over(), error)
    message = ngettext(
        "%(num)d task is handed over.", "%(num)d tasks are handed over.", len(done.done)
    )
    if not done.left:
        return respond.redirect(url_for("inbox.show"), message)
    left = ngettext("%(num)d is left.", "%(num)d are left.", done.left)
    why = {translate_error(error) for error in done.failed.values()}
    return respond.redirect(
        url_for("verb.hand_over"), sentences(message, left, *sorted(why)), "warn"
    )


def question_for(task_id: int, question: Any, error: Invalid | None = None) -> Response:
    """Ask, if the reader may see the task."""
    return ask(question(queries.get(engine().db, actor(), task_id, now=now())), error)


def asking(
    task: Mapping[str, Any],
    verb: str,
    title: str,
    text: str,
    action: str,
    whom: tuple[Who, ...] = (),
    *,
    choice: Choice | None = None,
    reason_text: str | None = None,
    needs_reason: bool = False,
) -> Question:
    """Return the question before a verb on a task.

    Args:
        verb: the endpoint that it is answered to.
        reason_text: what the place for a comment is called; None: a reason.
        needs_reason: whether it cannot be left empty.
    """
    return Question(
        title=title,
        text=text,
        action=action,
        url=url_for(verb, task_id=task["id"]),
        back_url=url_for("task.show", task_id=task["id"]),
        back_text=step_name(task),
        nav="inbox",
        with_reason=True,
        needs_reason=needs_reason,
        who=whom,
        choice=choice,
        reason_text=reason_text,
    )


def _handing_over() -> Question:
    return Question(
        title=gettext("Hand over tasks"),
        text=gettext(
            "Everything that one person has goes to another, up to 200 tasks at once. What is"
            " only offered to them stays offered."
        ),
        action=gettext("Hand over"),
        url=url_for("verb.hand_over"),
        back_url=url_for("inbox.show"),
        back_text=gettext("Inbox"),
        nav="inbox",
        with_reason=True,
        who=(who("from", gettext("Who has them")), who("to", gettext("Who gets them"))),
    )


def who(name: str, label: str, help_: str | None = None) -> Who:
    """Return the field for people who are named."""
    return Who(name, label, help_)


def step_name(task: Mapping[str, Any]) -> str:
    """Return what a task's step is called."""
    return pick(task["step"]["name"], task["step"]["id"])


def _given(task: Mapping[str, Any]) -> str:
    holder = task["assignee"]
    names = display_names(engine().db, [holder])
    return str(gettext("%(name)s has it now.", name=names.get(holder, holder)))


def _to_comments(task_id: int, message: str) -> Response:
    return respond.redirect(url_for("task.show", task_id=task_id, _anchor="comments"), message)


def _commenting(
    task_id: int,
    comment_id: int | None,
    typed: str,
    error: AppError | None = None,
    files: Sequence[int] = (),
) -> Response:
    task = queries.get(engine().db, actor(), task_id, now=now())
    return respond.page(
        "task/comment.html",
        status=error.status if error else 200,
        task=task,
        comment_id=comment_id,
        typed=typed,
        files=attachments.waiting(engine().db, actor(), task_id, files) if files else (),
        control=FILES,
        problems=forms.problems(error),
        conflict=translate_error(error) if isinstance(error, Conflict) else None,
    )
