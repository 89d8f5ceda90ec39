"""A form while it is filled in: what shows and hides, rows of tables, files, people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from app.core.form_values import MAX_FILE_SIZE
from app.errors import AppError
from app.identity import names
from app.identity.queries import display_names, find_people
from app.runtime.file_headers import headers_of
from app.runtime.form_look import Look
from app.runtime.start_form import look_at_start, start_form, upload_for_start
from app.task import files, queries, service
from app.web import forms, respond, start, task
from app.web.form_view import rows_changed, summed
from app.web.session import actor, engine, now
from app.web.words import why

bp = Blueprint("form", __name__)

_MOST_TYPED: Final = 2_000
"""Characters of a field for people that are looked at."""
Kept = Callable[[str, str, bytes], dict[str, Any]]
"""Keeps a file: field, name and content in, what is known of it out."""


@bp.post("/tasks/<int:task_id>/form")
def task_rows(task_id: int) -> Response:
    """Show a task's form again with a row more or less; everything typed stays."""
    shown = queries.get(engine().db, actor(), task_id, now=now())
    return task.again(task_id, rows_changed(shown["form"], forms.posted()))


@bp.post("/tasks/<int:task_id>/form/live")
def task_live(task_id: int) -> Response:
    """Say which fields of a task's form are hidden now, and what its tables add up to."""
    look = service.look_at(engine(), actor(), task_id, forms.posted(), text=True, now=now())
    return _live(look)


@bp.post("/tasks/<int:task_id>/files")
def task_files(task_id: int) -> Response:
    """Keep files for a task's form."""
    return _kept(task_keeper(task_id))


@bp.post("/tasks/<int:task_id>/attachments")
def attachments(task_id: int) -> Response:
    """Keep files for a comment."""
    return _kept(comment_keeper(task_id), prefix="")


@bp.post("/start/<int:definition_id>/form")
def start_rows(definition_id: int) -> Response:
    """Show a start form again with a row more or less."""
    shown = start_form(engine(), actor(), definition_id, now=now())
    return start.again(shown, rows_changed(shown.fields, forms.posted()))


@bp.post("/start/<int:definition_id>/form/live")
def start_live(definition_id: int) -> Response:
    """Say which fields of a start form are hidden now, and what its tables add up to."""
    shown = start_form(engine(), actor(), definition_id, now=now())
    return _live(look_at_start(engine(), actor(), shown, forms.posted(), now=now()))


@bp.post("/start/<int:definition_id>/files")
def start_files(definition_id: int) -> Response:
    """Keep files for a start form."""
    return _kept(start_keeper(definition_id))


@bp.get("/files/<int:file_id>")
def download(file_id: int) -> Response:
    """Hand out a file, to be kept and not to be shown."""
    file, content = files.read(engine().db, actor(), file_id)
    return Response(content, headers=headers_of(file))


@bp.get("/people")
def people() -> Response:
    """List people whose names fit what is typed into a field; its name is in ``of``.

    With ``many`` the field takes several: the last one is being typed.
    """
    of = request.args.get("of", "q")
    before, typed = "", request.args.get(of, "")[:_MOST_TYPED]
    if request.args.get("many"):
        before, typed = forms.last_name(typed)
    usernames = [names.normal(each) for each in (*forms.names_in(before), typed.removeprefix("@"))]
    known = display_names(engine().db, (each for each in usernames if "\0" not in each))
    body = render_template(
        "task/people.html",
        people=[
            each
            for each in find_people(engine().db, actor(), typed.removeprefix("@"))
            if each["username"] not in usernames[:-1]
        ],
        before=before,
        named=[known[each] for each in dict.fromkeys(usernames) if each in known],
        of=of,
    )
    return respond.private(Response(body, mimetype="text/html"))


def task_keeper(task_id: int) -> Kept:
    """Return what keeps files for a task's form."""
    return lambda field, name, content: service.upload(
        engine(), actor(), task_id, field, name, content, now=now()
    )


def comment_keeper(task_id: int) -> Kept:
    """Return what keeps files for a comment on a task."""
    return lambda _field, name, content: service.attach(
        engine(), actor(), task_id, name, content, now=now()
    )


def start_keeper(definition_id: int) -> Kept:
    """Return what keeps files for a start form."""
    return lambda field, name, content: upload_for_start(
        engine(), actor(), definition_id, field, name, content, now=now()
    )


def _live(look: Look) -> Response:
    answer = respond.unchanged()
    detail = {"hidden": sorted(look.hidden), "sums": summed(look)}
    return respond.trigger(answer, "form-live", detail)


def _kept(keep: Kept, prefix: str = forms.PREFIX) -> Response:
    """Keep what was uploaded, and answer with a line for each: the file, or why it was refused."""
    lines: list[dict[str, Any]] = []
    for control, upload in request.files.items(multi=True):
        field = control.removeprefix(forms.UPLOAD)
        try:
            file = keep(field, upload.filename or "", upload.stream.read(MAX_FILE_SIZE + 1))
        except AppError as error:
            lines.append({"problem": why(error)})
        else:
            lines.append({"file": file, "field": field})
    body = render_template("task/files.html", lines=lines, prefix=prefix)
    return respond.private(Response(body, mimetype="text/html"))
