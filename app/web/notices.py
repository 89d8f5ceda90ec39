"""Notifications with their badge, how one wants to be told, and what was copied to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Flask, Response, g, render_template, request, url_for
from flask_babel import LazyString, gettext, lazy_gettext

from app.errors import Invalid
from app.identity.queries import display_names
from app.notice import queries, service
from app.notice.store import EVENTS
from app.task import queries as tasks
from app.web import forms, respond
from app.web.i18n import pick, zone
from app.web.session import actor, engine, now
from app.web.when import moment_text

bp = Blueprint("notice", __name__)

_SIZE: Final = 50
_HOUR: Final = re.compile("[0-9]{1,2}")
_SENTENCES: Final[Mapping[str, LazyString]] = {
    "task": lazy_gettext("“%(step)s” waits for you"),
    "transferred": lazy_gettext("%(by)s transferred “%(step)s” to you"),
    "asked": lazy_gettext("%(by)s asks you about “%(step)s”"),
    "answered": lazy_gettext("%(by)s has answered about “%(step)s”"),
    "unasked": lazy_gettext("You need not answer about “%(step)s” any more"),
    "returned": lazy_gettext("%(by)s returned it to “%(step)s”"),
    "withdrawn": lazy_gettext("“%(step)s” does not wait for you any more: %(by)s took it back"),
    "ended": lazy_gettext("“%(step)s” does not wait for you any more: %(by)s returned the request"),
    "mentioned": lazy_gettext("%(by)s mentioned you at “%(step)s”"),
    "reminded": lazy_gettext("%(by)s reminds you of “%(step)s”"),
    "overdue": lazy_gettext("“%(step)s” is overdue"),
    "copied": lazy_gettext("You got a copy of “%(step)s”"),
    "unassigned": lazy_gettext("Nobody is there for “%(step)s”; it is yours to do or to give"),
    "substitute": lazy_gettext("You stand in for %(by)s"),
    "absence": lazy_gettext("%(by)s has entered that you are away"),
}
_ABSENCES: Final[Mapping[tuple[str, str], LazyString]] = {
    ("substitute", "set"): lazy_gettext("You stand in for %(by)s: %(from)s to %(until)s"),
    ("substitute", "changed"): lazy_gettext(
        "It has changed how you stand in for %(by)s: %(from)s to %(until)s"
    ),
    ("substitute", "ended"): lazy_gettext("You do not stand in for %(by)s any more"),
    ("absence", "set"): lazy_gettext(
        "%(by)s has entered that you are away: %(from)s to %(until)s; %(substitute)s stands in"
    ),
    ("absence", "changed"): lazy_gettext(
        "%(by)s has changed your absence: %(from)s to %(until)s; %(substitute)s stands in"
    ),
    ("absence", "ended"): lazy_gettext("%(by)s has ended your absence"),
}
_ICONS: Final[Mapping[str, str]] = {
    "task": "inbox",
    "transferred": "arrow-right",
    "asked": "message",
    "answered": "check",
    "unasked": "ban",
    "returned": "arrow-back-up",
    "withdrawn": "ban",
    "ended": "arrow-back-up",
    "mentioned": "message-circle",
    "reminded": "bell",
    "overdue": "clock-exclamation",
    "copied": "send",
    "unassigned": "users",
    "substitute": "users",
    "absence": "calendar",
}
KINDS: Final[Mapping[str, LazyString]] = {
    "task": lazy_gettext("A task for me"),
    "transferred": lazy_gettext("A task is transferred to me"),
    "asked": lazy_gettext("Somebody asks me"),
    "answered": lazy_gettext("Somebody answers me"),
    "unasked": lazy_gettext("I need not answer any more"),
    "returned": lazy_gettext("Something comes back"),
    "withdrawn": lazy_gettext("A task of mine is taken back"),
    "mentioned": lazy_gettext("Somebody mentions me"),
    "reminded": lazy_gettext("Somebody reminds me"),
    "overdue": lazy_gettext("A task is overdue"),
    "copied": lazy_gettext("I get a copy"),
    "unassigned": lazy_gettext("Nobody is there for a task"),
    "substitute": lazy_gettext("I stand in for somebody"),
    "absence": lazy_gettext("Somebody enters that I am away"),
}
CHOICES: Final[Mapping[str, LazyString]] = {
    "page": lazy_gettext("Here"),
    "mail": lazy_gettext("Here and by mail at once"),
    "digest": lazy_gettext("Here and in one mail a day"),
    "none": lazy_gettext("Not at all"),
}


def init_notices(app: Flask) -> None:
    """Give templates the number of unread notifications."""
    app.jinja_env.globals["unread_count"] = unread_count


def unread_count() -> int:
    """Return how many notifications the signed-in person has not read; counted once a request."""
    if "unread_count" not in g:
        g.unread_count = queries.unread(engine().db, actor())
    count: int = g.unread_count
    return count


def unread_soon() -> Callable[[], None]:
    """Ask for ``unread_count`` with the next trip of the transaction that is open.

    Returns:
        What keeps the answer for this request.
    """
    asked = queries.unread_soon(engine().db, actor())

    def keep() -> None:
        g.unread_count = asked()

    return keep


@bp.get("/notifications")
def show() -> Response:
    """Show what the reader was told, the newest first."""
    return _page()


@bp.get("/notifications/badge")
def badge() -> Response:
    """Answer the badge's question whether anything changed since it was drawn."""
    unread = unread_count()
    if request.args.get("shown") == str(unread):
        return respond.unchanged()
    body = render_template("notice/badge.html", unread=unread)
    return respond.private(Response(body, mimetype="text/html"))


@bp.get("/notifications/<int:notification_id>")
def follow(notification_id: int) -> Response:
    """Lead to what a notification is about; with that it is read."""
    note = queries.one(engine().db, actor(), notification_id)
    service.read(engine().db, actor(), [notification_id], now=now())
    if note["task_id"] is None:  # of an absence
        return respond.redirect(url_for("absence.show"))
    if not tasks.may_look(engine().db, actor(), note["task_id"]):
        message = gettext("This is with others now; you cannot read it any more.")
        return respond.redirect(url_for("notice.show"), message, "info")
    return respond.redirect(url_for("task.show", task_id=note["task_id"]))


@bp.post("/notifications/read")
def read() -> Response:
    """Mark everything as read."""
    service.read(engine().db, actor(), now=now())
    return respond.redirect(url_for("notice.show"), gettext("Everything is marked as read."))


@bp.post("/notifications/choices")
def choose() -> Response:
    """Keep how the reader wants to be told; a button says the same of every kind."""
    wanted = {str(event): forms.text(event) for event in EVENTS if event in request.form}
    if forms.text("all"):
        wanted = dict.fromkeys(EVENTS, forms.text("all"))
    hour = forms.text("digest_hour")
    try:
        service.choose(
            engine().db,
            actor(),
            wanted,
            digest_hour=(int(hour) if _HOUR.fullmatch(hour) else -1) if hour else None,
        )
    except Invalid as error:
        return _page(error)
    return respond.redirect(url_for("notice.show"), gettext("Your settings are saved."))


@bp.get("/copies")
def copies() -> Response:
    """Show what was copied to the reader, the newest first."""
    after = request.args.get("after") or None
    found = queries.copies(engine().db, actor(), size=_SIZE, after=after)
    return respond.page(
        "notice/copies.html",
        items=found.items,
        names=_names(found.items),
        ways=_ways("notice.copies", found.next, after),
    )


@bp.get("/copies/<int:copy_id>")
def follow_copy(copy_id: int) -> Response:
    """Lead to the instance of a copy; with that it is read."""
    copy = queries.one_copy(engine().db, actor(), copy_id)
    service.read_copies(engine().db, actor(), [copy_id], now=now())
    return respond.redirect(url_for("runtime.instance", instance_id=copy["process_instance_id"]))


@bp.post("/copies/read")
def read_copies() -> Response:
    """Mark all copies as read."""
    service.read_copies(engine().db, actor(), now=now())
    return respond.redirect(url_for("notice.copies"), gettext("Everything is marked as read."))


def _page(error: Invalid | None = None) -> Response:
    after = request.args.get("after") or None
    found = queries.notifications(engine().db, actor(), size=_SIZE, after=after)
    names = _names(found.items)
    made = queries.choices(engine().db, actor())
    return respond.page(
        "notice/list.html",
        status=error.status if error else 200,
        items=[each | {"said": _said(each, names)} for each in found.items],
        icons=_ICONS,
        kinds={event: str(text) for event, text in KINDS.items()},
        choices={choice: str(text) for choice, text in CHOICES.items()},
        chosen={event: forms.text(event) or made[event] for event in EVENTS},
        hour=forms.text("digest_hour") or queries.digest_hour(engine().db, actor()),
        zone=str(zone()),
        problems=forms.problems(error),
        ways=_ways("notice.show", found.next, after),
    )


def _said(note: Mapping[str, Any], names: Mapping[str, str]) -> str:
    step, absence, by = note["step"], note["absence"], names.get(note["by"], note["by"])
    if absence:
        return str(_ABSENCES[note["event"], absence["change"]]) % {
            "by": by,
            "from": moment_text(absence["from"]),
            "until": moment_text(absence["until"]),
            "substitute": names.get(absence["substitute"], absence["substitute"]),
        }
    said = {"by": by, "step": pick(step["name"], step["id"]) if step else ""}
    return str(_SENTENCES[note["event"]]) % said


def _names(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    named = {each["by"] for each in items} | {each.get("started_by") for each in items}
    named |= {each["absence"]["substitute"] for each in items if each.get("absence")}
    return display_names(engine().db, {name for name in named if name})


def _ways(endpoint: str, following: str | None, after: str | None) -> dict[str, str | None]:
    return {
        "next_url": url_for(endpoint, after=following) if following else None,
        "first_url": url_for(endpoint) if after else None,
    }
