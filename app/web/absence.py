"""Being away: who decides meanwhile, for oneself and, by managers, for others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext

from app.core.definition import Label
from app.core.moments import in_every_zone
from app.errors import Conflict, FieldError, Forbidden, Invalid
from app.identity.queries import display_names
from app.task import absence, absences
from app.web import forms, respond
from app.web.ask import Question, ask
from app.web.i18n import pick, translate_error, zone
from app.web.session import actor, engine, now
from app.web.when import moment_text

bp = Blueprint("absence", __name__)

_BOTH: Final = ["GET", "POST"]
_SIZE: Final = 50
_OVER: Final = 10
"""Absences that are over, and still listed."""


@bp.get("/absences")
def show() -> Response:
    """Show one's own absences and those in which one is the substitute; managers see anybody's."""
    return _page(_user())


@bp.post("/absences")
def add() -> Response:
    """Let somebody be away."""
    user = forms.text("user").strip() or None
    try:
        made = absence.set_(engine().db, actor(), _wish(), user=user, now=now())
    except Invalid as error:
        return _page(user, error)
    return respond.redirect(_back(made), _said(made))


@bp.route("/absences/<int:absence_id>", methods=_BOTH)
def change(absence_id: int) -> Response:
    """Change an absence that is not over."""
    before = absences.get(engine().db, actor(), absence_id, now=now())
    if request.method == "GET":
        _check_own(before)
        return _form(before)
    try:
        made = absence.change(engine().db, actor(), absence_id, _wish(), now=now())
    except Invalid as error:
        return _form(before, error)
    except Conflict as error:
        return respond.redirect(_back(before), translate_error(error), "warn")
    return respond.redirect(_back(made), _said(made))


@bp.route("/absences/<int:absence_id>/end", methods=_BOTH)
def end(absence_id: int) -> Response:
    """Ask (GET), or end an absence before its time (POST)."""
    before = absences.get(engine().db, actor(), absence_id, now=now())
    if request.method == "GET":
        _check_own(before)
        return ask(_ending(before))
    try:
        absence.end(engine().db, actor(), absence_id, now=now())
    except Conflict as error:
        return respond.redirect(_back(before), translate_error(error), "warn")
    return respond.redirect(_back(before), gettext("The absence is over."))


def _page(user: str | None, error: Invalid | None = None) -> Response:
    db, who = engine().db, actor()
    asked: dict[str, Any] = {"user": user} if user else {}
    found = absences.list_(db, who, **asked, over=False, size=_SIZE, now=now()).items
    over = absences.list_(db, who, **asked, over=True, size=_OVER, now=now()).items
    typed = request.form.to_dict() if error else {}
    return respond.page(
        "identity/absences.html",
        status=error.status if error else 200,
        user=user,
        may_manage=who.can(absences.MANAGE),
        away=[one for one in found if one["user"] == (user or who.username)],
        stands_in=[one for one in found if one["user"] != (user or who.username)],
        over=over,
        **_shown([*found, *over]),
        **_filled_in(typed, error, user if user != who.username else None),
    )


def _form(one: Mapping[str, Any], error: Invalid | None = None) -> Response:
    stored = {
        "substitute": one["substitute"],
        "from": one["from"],
        "until": one["until"],
        "definitions": one["definitions"] or [],
        "open_tasks": one["open_tasks"],
    }
    return respond.page(
        "identity/absence.html",
        status=error.status if error else 200,
        absence=one,
        **_shown([one]),
        **_filled_in(request.form.to_dict() if error else stored, error, one["user"]),
    )


def _shown(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what people are called who are named in the rows."""
    rows = list(rows)
    named = {one[by] for one in rows for by in ("user", "substitute")} | {actor().username}
    return {"names": display_names(engine().db, named)}


def _filled_in(given: Mapping[str, Any], error: Invalid | None, user: str | None) -> dict[str, Any]:
    """Return the form's fields with what stands in them."""
    try:
        processes = absences.processes(engine().db, actor(), user)
    except Invalid:  # nobody of that name; the form says so
        processes = []
    values = dict(given)
    if error is not None:
        values["definitions"] = request.form.getlist("definitions")
    known = dict(processes)
    extra = [(key, key) for key in values.get("definitions", ()) if key and key not in known]
    fields = _fields([*processes, *extra])
    return {
        "fields": fields,
        "values": {"open_tasks": True, **values},
        "problems": forms.problems(error),
        "labels": {
            "user": gettext("Who is away"),
            **{each["name"]: each["label"] for each in fields},
        },
        "processes": {key: pick(name, key) for key, name in processes},
    }


def _fields(processes: list[tuple[str, Label]]) -> list[dict[str, Any]]:
    """Return the fields in the words of forms (``core.form``)."""
    fields: list[dict[str, Any]] = [
        {
            "name": "substitute",
            "type": "user",
            "label": gettext("Who decides meanwhile"),
            "required": True,
        },
        {
            "name": "from",
            "type": "datetime",
            "label": gettext("From"),
            "help": gettext("Empty: from now on."),
            "span": "half",
        },
        {
            "name": "until",
            "type": "datetime",
            "label": gettext("Until"),
            "help": gettext("In your time zone: %(zone)s", zone=str(zone())),
            "required": True,
            "span": "half",
        },
    ]
    if processes:
        fields.append(
            {
                "name": "definitions",
                "type": "multiselect",
                "label": gettext("Only for these processes"),
                "help": gettext("None chosen: for all of them."),
                "options": [{"value": key, "label": name} for key, name in processes],
            }
        )
    fields.append(
        {
            "name": "open_tasks",
            "type": "boolean",
            "label": gettext("Also the tasks that are open when it begins"),
            "required": True,
        }
    )
    return fields


def _wish() -> absence.Wish:
    """Read the form.

    Raises:
        Invalid: a time that is none.
    """
    errors: list[FieldError] = []
    times = {name: _time(name, errors) for name in ("from", "until")}
    if errors:
        raise Invalid("invalid_absence", "Correct the marked fields.", errors=tuple(errors))
    keys = [key for key in request.form.getlist("definitions") if key]
    return absence.Wish(
        forms.text("substitute"),
        times["until"],
        times["from"],
        keys or None,
        open_tasks=forms.text("open_tasks") != "false",
    )


def _time(name: str, errors: list[FieldError]) -> datetime | None:
    """Return a time as the browser's control gives it, meant where the reader is."""
    typed = forms.text(name).strip()
    if not typed:
        return None
    try:
        when = datetime.fromisoformat(typed)
        if not in_every_zone(when):
            raise OverflowError(typed)
        return (when if when.tzinfo else when.replace(tzinfo=zone())).astimezone(zone())
    except (ValueError, OverflowError):
        message = "This must be a date and time, like 2026-01-31T09:30."
        errors.append(FieldError(name, "wrong_form", message))
        return None


def _user() -> str | None:
    """Return whose absences are asked for; only managers may ask for those of others."""
    user = request.args.get("whose", "").strip().lower() or None
    return user if user and actor().can(absences.MANAGE) and "\0" not in user else None


def _check_own(one: Mapping[str, Any]) -> None:
    if one["user"] != actor().username and not actor().can(absences.MANAGE):
        raise Forbidden(
            "not_your_absence", "Only who is away, or a manager, can change this absence."
        )


def _ending(one: Mapping[str, Any]) -> Question:
    names = _shown([one])["names"]
    return Question(
        title=gettext("End the absence?"),
        text=gettext(
            "%(substitute)s does not decide for %(user)s any more. What was decided stays.",
            substitute=names.get(one["substitute"], one["substitute"]),
            user=names.get(one["user"], one["user"]),
        ),
        action=gettext("End"),
        url=url_for("absence.end", absence_id=one["id"]),
        back_url=_back(one),
        back_text=gettext("Absence"),
        nav="profile",
    )


def _back(one: Mapping[str, Any]) -> str:
    own = actor().username in (one["user"], one["substitute"])
    return url_for("absence.show", whose=None if own else one["user"])


def _said(one: Mapping[str, Any]) -> str:
    names = _shown([one])["names"]
    return str(
        gettext(
            "%(name)s decides until %(when)s, and is told so.",
            name=names.get(one["substitute"], one["substitute"]),
            when=moment_text(one["until"]),
        )
    )
