"""Work that nobody is there for, for those who give it to others."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request, url_for

from app.identity.policy import require
from app.identity.queries import display_names
from app.task import queries
from app.web import respond
from app.web.session import actor, engine, now

bp = Blueprint("unassigned", __name__)

_SIZE: Final = 50


@bp.get("/inbox/unassigned")
def show() -> Response:
    """Show a page of them, the oldest first."""
    require(actor(), "task:assign")
    after = request.args.get("after") or None
    found = queries.list_(
        engine().db, actor(), unassigned=True, sort="id", size=_SIZE, after=after, now=now()
    )
    people = {task[name] for task in found.items for name in ("started_by", "assignee")}
    for task in found.items:
        people |= set(task["candidates"]["users"])
    return respond.page(
        "task/unassigned.html",
        tab="unassigned",
        found=found,
        names=display_names(engine().db, people - {None}),
        next_url=url_for("unassigned.show", after=found.next) if found.next else None,
        first_url=url_for("unassigned.show") if after else None,
    )
