"""Views of the inbox that people keep: saving what is shown, and forgetting it."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request
from flask_babel import gettext

from app.errors import Conflict, Invalid
from app.task import views
from app.task.filters import NAMES
from app.web import inbox, respond
from app.web.forms import text
from app.web.session import actor, engine, now

bp = Blueprint("views", __name__)

_QUERY: Final = ("tab", "q", "order", *NAMES)


@bp.post("/inbox/views")
def save() -> Response:
    """Keep what the list is narrowed by; after a refusal the list is shown with the reason."""
    query = {name: text(name) for name in _QUERY}
    try:
        view, made = views.save(
            engine().db,
            actor(),
            name=text("name"),
            query=query,
            shared=text("shared") == "true",
            now=now(),
        )
    except (Conflict, Invalid) as error:
        return inbox.page(request.form, status=error.status, refused=error)
    said = gettext("The view “%(name)s” is kept.") if made else gettext("“%(name)s” is changed.")
    return respond.redirect(inbox.address_of(view["query"]), said % {"name": view["name"]})


@bp.post("/inbox/views/<int:view_id>/delete")
def delete(view_id: int) -> Response:
    """Forget a view."""
    views.delete(engine().db, actor(), view_id)
    query = {name: text(name) for name in _QUERY}
    return respond.redirect(inbox.address_of(query), gettext("The view is deleted."))
