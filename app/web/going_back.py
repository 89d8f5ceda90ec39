"""Returning a task, and taking back what one has decided: each asks first, then does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext, lazy_gettext

from app.errors import Conflict, FieldError, Invalid
from app.task import queries, service
from app.task.back import RESUMES
from app.web import forms, respond
from app.web.ask import Choice, Question, ask, reason
from app.web.i18n import pick, translate_error
from app.web.session import actor, engine, now
from app.web.words import sentences

bp = Blueprint("going_back", __name__)

_BOTH: Final = ["GET", "POST"]
_OTHERS_STAY: Final = lazy_gettext("What the others have decided stays.")


@bp.route("/tasks/<int:task_id>/return", methods=_BOTH, endpoint="return")
def give_back(task_id: int) -> Response:
    """Return a task to a step that was done before."""
    if request.method == "GET":
        return ask(_returning(_task(task_id)))
    try:
        service.give_back(
            engine(),
            actor(),
            task_id,
            forms.text("to"),
            resume=forms.text("resume") or RESUMES[0],
            comment=reason(),
            now=now(),
        )
    except Invalid as error:
        return ask(_returning(_task(task_id)), as_reason(error))
    except Conflict as error:
        return respond.redirect(_page(task_id), translate_error(error), "bad")
    return respond.redirect(url_for("inbox.show"), gettext("It is returned."))


@bp.route("/tasks/<int:task_id>/recall", methods=_BOTH)
def recall(task_id: int) -> Response:
    """Take back what one has decided, or a task from those who were asked first."""
    if request.method == "GET":
        return ask(_recalling(_task(task_id)))
    said = gettext("It is yours again.")
    if request.args.get("question"):
        said = gettext("The question is withdrawn.")
    try:
        task = service.recall(engine(), actor(), task_id, comment=reason(), now=now())
    except Invalid as error:
        return ask(_recalling(_task(task_id)), as_reason(error))
    except Conflict as error:
        refused = translate_error(error)
        if error.extra.get("ask"):
            hint = gettext("Below is a comment that asks for it; post it if you like.")
            refused = sentences(refused, hint)
        return respond.redirect(_asks_for_it(task_id, error), refused, "bad")
    return respond.redirect(_page(task["id"]), said)


def as_reason(error: Invalid) -> Invalid:
    """Return the error with what is wrong with a comment at the control for the reason."""
    errors = tuple(
        FieldError("reason", each.code, each.message, each.params)
        if each.field == "comment"
        else each
        for each in error.errors
    )
    error.errors = errors
    return error


def _asks_for_it(task_id: int, error: Conflict) -> str:
    """Return the task's page, with the words to ask for it to be returned if it was refused."""
    asked = " ".join(f"@{name}" for name in error.extra.get("ask", ()))
    say = gettext("%(people)s please return this to me.", people=asked) if asked else None
    return url_for("task.show", task_id=task_id, say=say)


def _returning(task: Mapping[str, Any]) -> Question:
    names = task["people"]
    ways = task["return_to"]
    options = tuple(
        (
            way["step"]["id"],
            gettext("%(step)s (%(name)s)", step=_name(way["step"]), name=names[way["by"]]),
        )
        for way in ways
    )
    return Question(
        title=gettext("Return “%(step)s”?", step=_name(task["step"])),
        text=gettext(
            "Who did the step you choose has it again, with everything that was entered. You can"
            " see what changed when it comes back to you."
        ),
        action=gettext("Return"),
        url=url_for("going_back.return", task_id=task["id"]),
        back_url=_page(task["id"]),
        back_text=_name(task["step"]),
        nav="inbox",
        with_reason=True,
        needs_reason=True,
        choice=Choice("to", gettext("Back to"), options),
        second=_resume(ways),
        details=tuple(_cancelled(ways)),
    )


def _resume(ways: list[Mapping[str, Any]]) -> Choice | None:
    if not any(way["straight_back"] for way in ways):
        return None
    options = (
        (RESUMES[0], gettext("What lies between is decided again")),
        (RESUMES[1], gettext("It comes straight back to me")),
    )
    return Choice("resume", gettext("And then"), options)


def _cancelled(ways: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what else would be cancelled by returning it to each of the steps, if anything."""
    if len(ways) > 1 and all(way["cancels"] == ways[0]["cancels"] for way in ways):
        if ways[0]["cancels"]:
            steps = _names(ways[0])
            yield gettext("This also cancels what is under way beside it: %(steps)s.", steps=steps)
        return
    for way in ways:
        if way["cancels"]:
            yield gettext(
                "Back to “%(step)s” also cancels what is under way beside it: %(steps)s.",
                step=_name(way["step"]),
                steps=_names(way),
            )


def _names(way: Mapping[str, Any]) -> str:
    return str(gettext(", ")).join(dict.fromkeys(_name(step) for step in way["cancels"]))


def _unasking(task: Mapping[str, Any]) -> Question:
    name = task["people"].get(task["assignee"], task["assignee"])
    return Question(
        title=gettext("Withdraw the question to %(name)s?", name=name),
        text=gettext("They need not answer any more, and are told. The task stays yours."),
        action=gettext("Withdraw the question"),
        url=url_for("going_back.recall", task_id=task["id"], question=1),
        back_url=_page(task["asked"]["task_id"]),
        back_text=_name(task["step"]),
        nav="inbox",
        with_reason=True,
    )


def _recalling(task: Mapping[str, Any]) -> Question:
    if task["role"] == "consult":
        return _unasking(task)
    waits = bool(task["waits_for"])
    alone = gettext(
        "Your decision is undone and the task is yours again, as long as nobody has gone on"
        " from it."
    )
    return Question(
        title=gettext("Pull “%(step)s” back?", step=_name(task["step"]))
        if waits
        else gettext("Take back “%(step)s”?", step=_name(task["step"])),
        text=gettext("Whoever has not answered need not any more, and is told.")
        if waits
        else sentences(alone, _OTHERS_STAY)
        if task["visit"]
        else alone,
        action=gettext("Pull back") if waits else gettext("Take back"),
        url=url_for("going_back.recall", task_id=task["id"]),
        back_url=_page(task["id"]),
        back_text=_name(task["step"]),
        nav="inbox",
        with_reason=True,
    )


def _task(task_id: int) -> Mapping[str, Any]:
    return queries.get(engine().db, actor(), task_id, now=now())


def _page(task_id: int) -> str:
    return url_for("task.show", task_id=task_id)


def _name(step: Mapping[str, Any]) -> str:
    return pick(step["name"], step["id"])
