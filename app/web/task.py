"""The page of a task, and the verbs on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from math import ceil
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext

from app.definition.sensitive import MASK
from app.errors import AppError, Conflict, Invalid, NotFound, TooMany
from app.history.queries import events
from app.identity.queries import display_names, group_titles
from app.notice import service as notices
from app.runtime import queries as instances
from app.runtime.form_look import Look, is_live
from app.task import queries, service
from app.task.inbox import inbox
from app.web import forms, people, respond, route, seat_words, timeline
from app.web import inbox as inbox_pages
from app.web.done import entered, follow_up
from app.web.form_view import cell_labels, context, shown_values
from app.web.forms import names_in, posted, text
from app.web.i18n import pick, translate_error
from app.web.session import actor, engine, now

bp = Blueprint("task", __name__)

_COMMENT: Final = lazy_gettext("Comment")
_NUMBER: Final = re.compile("[0-9]{1,18}")
_PLAIN: Final = "done"
"""Stands for the outcome where there is none to choose, when a decision is confirmed."""
_CHANGED = "inbox-moved"
"""Event by which the badge beside Inbox asks again."""


@bp.get("/tasks/<int:task_id>")
def show(task_id: int) -> Response:
    """Show a task with its form, facts and history; who follows a mail has read what it told."""
    told = request.args.get("told", "")
    if _NUMBER.fullmatch(told):
        notices.read(engine().db, actor(), [int(told)], now=now())
    return _page(task_id)


@bp.post("/tasks/<int:task_id>/claim")
def claim(task_id: int) -> Response:
    """Take a task, where the button was pressed: in the inbox or on its page."""
    from_inbox = text("from") == "inbox"
    try:
        service.claim(engine(), actor(), task_id, now=now())
    except Conflict as error:
        return _refused_claim(task_id, error, from_inbox=from_inbox)
    message = gettext("Claimed. It is yours now.")
    if not respond.wants_part():
        return respond.redirect(url_for("task.show", task_id=task_id), message)
    answer = inbox_pages.page(request.form, focus=task_id) if from_inbox else _page(task_id)
    return respond.trigger(respond.toast(answer, message), _CHANGED)


@bp.post("/tasks/<int:task_id>/release")
def release(task_id: int) -> Response:
    """Put a task back; what was typed stays with it as a draft."""
    raw = posted()
    try:
        if raw or text("comment"):
            service.save_draft(engine(), actor(), task_id, raw, comment=text("comment"), now=now())
        service.release(engine(), actor(), task_id, now=now())
    except Conflict as error:
        return _page(task_id, error, typed=raw)
    message = gettext("Released. Others can claim it now.")
    return respond.redirect(url_for("inbox.show"), message)


@bp.post("/tasks/<int:task_id>/draft")
def keep(task_id: int) -> Response:
    """Keep what has been typed so far, and say so beside the buttons."""
    problem = None
    try:
        said = text("comment")
        service.save_draft(engine(), actor(), task_id, posted(), comment=said, now=now())
    except AppError as error:
        problem = translate_error(error)
    body = render_template("task/draft_state.html", problem=problem, at=now())
    return respond.private(Response(body, mimetype="text/html"))


@bp.post("/tasks/<int:task_id>/complete")
def complete(task_id: int) -> Response:
    """Finish a task and say what came of it; what was typed is kept if it was refused."""
    raw, refused = forms.keep_uploads(posted(), keeper(task_id))
    if refused is None and _asks_first(task_id):
        return _page(task_id, typed=raw, asks=text("outcome") or _PLAIN)
    try:
        if refused is not None:
            raise refused
        given: dict[str, Any] = {
            "text": True,
            "outcome": text("outcome") or None,
            "comment": text("comment") or None,
            "cc": names_in(text("cc")),
            "now": now(),
        }
        values, after = with_zone(task_id, raw), names_in(text("after"))
        if after:
            service.add_after(engine(), actor(), task_id, after, values, field="after", **given)
            message = gettext("Your decision is kept. It is made when all have signed.")
            return respond.redirect(url_for("task.show", task_id=task_id), message)
        service.complete(engine(), actor(), task_id, values, **given)
    except (Invalid, Conflict) as error:
        if not (error.code == "already_completed" and _is_repeated(task_id, values)):
            return _page(task_id, error, typed=raw)
    url = url_for("task.done", task_id=task_id)
    if not respond.wants_part():
        return respond.redirect(url)
    answer = done(task_id)
    answer.headers["HX-Push-Url"] = url
    return respond.trigger(answer, _CHANGED)


bp.post("/tasks/<int:task_id>/route", endpoint="route")(route.show)


@bp.get("/tasks/<int:task_id>/done")
def done(task_id: int) -> Response:
    """Say in a sentence what came of a completed task, and lead to the next one."""
    db, who = engine().db, actor()
    task = queries.get(db, who, task_id, now=now())
    if task["state"] != "completed":
        return respond.redirect(url_for("task.show", task_id=task_id))
    instance = instances.get(db, who, task["process_instance_id"], now=now())
    waiting = inbox(db, who, "todo", size=1, order=inbox_pages.FIRST, now=now()).items
    told = follow_up(task, instance, waiting, who)
    return respond.page(
        "task/done.html",
        "task/done_part.html",
        task=task,
        instance=instance,
        told=told,
        names=display_names(db, told.usernames),
        groups=group_titles(db, told.groups),
    )


def again(task_id: int, raw: Mapping[str, Any]) -> Response:
    """Show a task with what is filled in so far."""
    return _page(task_id, typed=raw)


def refused(task_id: int, error: AppError, raw: Mapping[str, Any]) -> Response:
    """Show a task with why its form was refused, and what was typed."""
    return _page(task_id, error, typed=raw)


def answers(verb: Callable[[int], Response]) -> Callable[[int], Response]:
    """Let a task's page say why a verb on it is not possible, or not yet."""

    @wraps(verb)
    def answer(task_id: int) -> Response:
        try:
            return verb(task_id)
        except (Conflict, TooMany) as error:
            refused, wait = _page(task_id, error), error.extra.get("retry_after")
            if wait is not None:
                refused.headers["Retry-After"] = str(ceil(wait))
            return refused

    return answer


def keeper(task_id: int) -> Callable[[str, str, bytes], Mapping[str, Any]]:
    """Return what keeps files for a task's form."""
    return lambda field, name, content: service.upload(
        engine(), actor(), task_id, field, name, content, now=now()
    )


def _asks_first(task_id: int) -> bool:
    """Say whether the decision has to be confirmed; with scripts a dialog has asked.

    That is what an outcome says, and what is decided before others have answered.
    """
    chosen, early = text("outcome"), bool(text("unanswered"))
    confirmed = request.args.get("confirmed") == (chosen or _PLAIN)
    if not (chosen or early) or respond.wants_part() or confirmed:
        return False
    task = queries.get(engine().db, actor(), task_id, now=now())
    asks = any(each["id"] == chosen and each.get("confirm") for each in task["outcomes"])
    return asks or (early and bool(_unanswered(task)))


def _is_repeated(task_id: int, values: Mapping[str, Any]) -> bool:
    """Say whether the reader has completed the task with this very form: the answer got lost."""
    task = queries.get(engine().db, actor(), task_id, now=now())
    own = task["completed_by"] == actor().username and not text("after")
    return own and task["outcome"] == (text("outcome") or None) and entered(task, values)


def _unanswered(task: Mapping[str, Any]) -> list[str]:
    """Return whom a question was asked that would be withdrawn by a decision: their names."""
    asked = [each["user"] for each in task["opinions"] if each["state"] == "claimed"]
    if task["waits_for"] is not None:
        return []
    return [task["people"].get(name, name) for name in asked]


def _refused_claim(task_id: int, error: Conflict, *, from_inbox: bool) -> Response:
    """Say who was faster: in the inbox above a list that is true again, else on the page."""
    if not (from_inbox and respond.wants_part()):
        return _page(task_id, error)
    answer = inbox_pages.page(request.form, status=error.status, focus=task_id)
    respond.retarget(answer, "#tasks", "innerHTML")
    return respond.toast(answer, translate_error(error), "bad")


def with_zone(task_id: int, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was posted with the reader's zone at its times."""
    if not forms.has_local_time(raw):
        return raw
    task = queries.get(engine().db, actor(), task_id, now=now())
    return forms.with_zone(task["form"], raw)


def _page(
    task_id: int,
    error: AppError | None = None,
    *,
    typed: Mapping[str, Any] | None = None,
    asks: str = "",
) -> Response:
    """Return the page of a task, or for htmx what stands in it.

    Args:
        error: why the verb was refused; its status is the answer's.
        typed: what was posted; it stays in the form.
        asks: id of an outcome that has to be confirmed.
    """
    task = queries.get(engine().db, actor(), task_id, now=now())
    lines = _lines(task["process_instance_id"])
    names = display_names(engine().db, timeline.people(lines)) | task["people"]
    fields = {each["name"]: each for each in (*task["form"], *task["variables"])}
    people.prepare(_shown(task, lines, fields))
    values, draft = _values(task, typed)
    look, values = _looked(task, values, begun=typed is not None or draft is not None)
    problems = forms.problems(error)
    labels = {name: each["label"] for name, each in fields.items()}
    answer = respond.page(
        "task/task.html",
        "task/panel.html",
        status=error.status if error else 200,
        task=task,
        values=values,
        typed=typed or {},
        draft=draft,
        asks=asks,
        unanswered=_unanswered(task),
        live=is_live(task["form"]),
        around=context(
            look,
            form=url_for("form.task_rows", task_id=task_id),
            live=url_for("form.task_live", task_id=task_id),
            files=url_for("form.task_files", task_id=task_id),
        )
        | {"kept": task["withheld"]},
        comment=text("comment") or _begun(task, draft),
        problems=problems,
        conflict=translate_error(error) if isinstance(error, (Conflict, TooMany)) else None,
        labels=labels | cell_labels(task["form"], problems.errors) | {"comment": str(_COMMENT)},
        names=names,
        groups=group_titles(engine().db, _groups(task)),
        rule=seat_words.rule(task["visit"]) if task["visit"] else None,
        history=timeline.moments(lines, names, fields, _steps(lines)),
        prefix=forms.PREFIX,
    )
    if error and respond.wants_part():
        respond.retarget(answer, "#task", "innerHTML")
    return answer


def _groups(task: Mapping[str, Any]) -> set[str]:
    """Return the groups that a task and the seats beside it are offered to."""
    seats = (task["visit"] or {}).get("seats", ())
    return {name for each in (task, *seats) for name in each["candidates"]["groups"]}


def _values(
    task: Mapping[str, Any], typed: Mapping[str, Any] | None
) -> tuple[dict[str, Any], str | None]:
    """Return what the form shows, and how it stands with the draft.

    One's own draft is filled in unless the reader turned it down; somebody else's only
    if the reader asked for it, and so it is with what an opinion proposes. The second value
    is ``mine``, ``offered``, ``taken``, ``used`` or None.
    """
    values, draft, wish = dict(task["values"] or {}), task["draft"], request.args.get("draft")
    if typed is not None:
        return {**values, **typed}, None
    used = [each for each in task["opinions"] if str(each["id"]) == request.args.get("use")]
    if used and "complete" in task["allowed"]:
        known = {n: v for n, v in used[0]["values"].items() if v != MASK}
        return values | known, "used"
    if draft is None or {"complete", "resolve"}.isdisjoint(task["allowed"]) or wish == "none":
        return values, None
    own = draft["by"] == actor().username
    if not own and wish != "take":
        return values, "offered"
    return values | draft["values"], "mine" if own else "taken"


def _begun(task: Mapping[str, Any], draft: str | None) -> str:
    """Return what somebody has begun to say to their decision, if their draft is filled in."""
    return (task["draft"]["comment"] or "") if draft in ("mine", "taken") else ""


def _shown(
    task: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], fields: Mapping[str, Any]
) -> Iterable[tuple[Mapping[str, Any], Any]]:
    """Return the fields and values that a task's page may show, also those of its history."""
    values = {each["name"]: each["value"] for each in task["variables"]}
    for given in (values, task["values"] or {}, *timeline.given(lines)):
        yield from ((fields[name], item) for name, item in given.items() if name in fields)


def _looked(
    task: Mapping[str, Any], values: Mapping[str, Any], *, begun: bool
) -> tuple[Look, dict[str, Any]]:
    """Return how the form stands, and its values as the controls show them.

    Args:
        begun: the values are what somebody has typed.
    """
    if not is_live(task["form"]):
        return Look(), shown_values(task["form"], values, Look())
    who, at = actor(), now()
    look = service.look_at(engine(), who, task["id"], values if begun else None, text=begun, now=at)
    return look, shown_values(task["form"], values, look)


def _steps(lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the steps are called that the history knows."""
    steps = (line["step"] for line in lines if line["step"])
    return {step["id"]: pick(step["name"], step["id"]) for step in steps}


def _lines(instance_id: int) -> list[dict[str, Any]]:
    """Return the history as far as the reader may see it: of a single offered task perhaps none."""
    try:
        return events(engine().db, actor(), instance_id)
    except NotFound:
        return []
