"""The history of an instance in full: every line with its number, as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from app.db.types import dumps
from app.history.queries import events
from app.identity.queries import display_names
from app.runtime import queries
from app.web import respond, timeline, verb_words
from app.web.i18n import pick
from app.web.paging import number_of
from app.web.session import actor, engine, now
from app.web.words import event_word

bp = Blueprint("history", __name__)

_SIZE: Final = 200
_HASH: Final = 12
"""Digits of a hash that are shown."""


@bp.get("/instances/<int:instance_id>/history")
def show(instance_id: int) -> Response:
    """Show what happened, the oldest first."""
    instance = queries.get(engine().db, actor(), instance_id, now=now())
    after = number_of(request.args.get("after")) if request.args.get("after") else None
    lines = events(engine().db, actor(), instance_id, after=after, size=_SIZE)
    names = display_names(engine().db, timeline.people(lines))
    more = len(lines) >= _SIZE
    return respond.page(
        "history/show.html",
        instance=instance,
        lines=[_row(line, names) for line in lines],
        next_url=(
            url_for("history.show", instance_id=instance_id, after=lines[-1]["seq"])
            if more
            else None
        ),
        first_url=url_for("history.show", instance_id=instance_id) if after else None,
    )


def _row(line: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    step = line["step"]
    return {
        "seq": line["seq"],
        "at": line["at"],
        "word": event_word(line["kind"]),
        "kind": line["kind"],
        "step": pick(step["name"], step["id"]) if step else None,
        "by": None if line["actor"] == "system" else verb_words.doer(line, names),
        "data": dumps({name: item for name, item in line["data"].items() if item is not None}),
        "hash": line["hash"][:_HASH],
    }
