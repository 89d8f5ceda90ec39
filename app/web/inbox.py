"""The inbox: what waits for someone, what they could claim, what they have done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import LazyString, lazy_gettext

from app.errors import AppError, Malformed
from app.identity.queries import display_names
from app.task import absences, views
from app.task.choices import choices_soon, nothing
from app.task.filters import read
from app.task.inbox import ORDERS, Order, Tab
from app.task.queries import inbox
from app.web import forms, people, respond
from app.web.i18n import zone
from app.web.inbox_filters import OP_WORDS, chips, data_names, selects
from app.web.notices import unread_soon
from app.web.session import actor, counted, engine, inbox_count, now

bp = Blueprint("inbox", __name__)

_SIZE: Final = 50
FIRST: Final = "due"
"""The order of whoever has chosen none: what is late must not stand at the end."""
_ORDER_WORDS: Final[Mapping[str, LazyString]] = {
    "due": lazy_gettext("Due first"),
    "newest": lazy_gettext("Newest first"),
    "oldest": lazy_gettext("Oldest first"),
    "priority": lazy_gettext("Most urgent first"),
}


@bp.get("/inbox")
def show() -> Response:
    """Show a page of a tab; htmx gets the list alone."""
    return page(request.args)


@bp.get("/inbox/badge")
def count() -> Response:
    """Answer the badge's question whether anything changed since it was drawn."""
    waiting = inbox_count()
    if request.args.get("shown") == str(waiting):
        return respond.unchanged()
    response = respond.private(
        Response(render_template("task/badge.html", waiting=waiting), mimetype="text/html")
    )
    return respond.trigger(response, "inbox-changed")


def page(
    asked: Mapping[str, str],
    *,
    status: int = 200,
    focus: int | None = None,
    refused: AppError | None = None,
) -> Response:
    """Return the inbox, or for htmx its list.

    Args:
        asked: ``tab``, ``q``, ``order``, ``after`` and filters, from an address or a form.
        focus: id of the task that the reader was at; it, or else the first one, is where the
            keyboard goes on.
        refused: why what is shown could not be kept as a view.
    """
    tab, order = asked.get("tab") or "todo", asked.get("order") or FIRST
    if tab not in ("todo", "done") or order not in ORDERS:
        raise Malformed("bad_tab", "There is no such list. Use the tabs of the inbox.")
    q, after = (asked.get("q") or "").strip(), asked.get("after") or None
    filters = read(asked)
    db, who = engine().db, actor()
    whole = not respond.wants_part()
    narrowed = bool(q or filters.named)
    later: list[Callable[[], Any]] = []

    def beside() -> None:
        # Only the page has the selects; a part needs the names of what is chosen.
        later.append(choices_soon(db, who, tab) if narrowed or whole else nothing)
        later.append(views.list_soon(db, who))
        if whole:
            later.append(unread_soon())

    found = inbox(
        db,
        who,
        cast(Tab, tab),
        q=q or None,
        filters=filters,
        after=after,
        size=_SIZE,
        order=cast(Order, order),
        now=now(),
        zone=zone(),
        beside=beside,
    )
    offers, kept, *_ = (each() for each in later)
    people.prepare((each, each["value"]) for task in found.items for each in task["summary"])
    away = absences.current(db, who, now=now()) if whole else []
    away_names = display_names(db, {one["substitute"] for one in away})
    counted(found.waiting)
    chosen = {"tab": tab, "q": q, "order": order, **filters.named}

    def address(**changes: Any) -> str:
        return address_of({**chosen, **changes})

    return respond.page(
        "task/inbox.html",
        "task/inbox_list.html",
        status=status,
        tab=tab,
        q=q,
        order=order,
        after=after,
        chosen=chosen,
        orders=_ORDER_WORDS,
        selects=list(selects(filters, offers, tab)),
        data=data_names(filters, offers),
        ops=OP_WORDS,
        chips=chips(filters, q, offers, address),
        narrowed=narrowed,
        views=_views(kept, address_of(chosen)),
        here=address_of(chosen),
        may_share=who.can("task:assign"),
        problems=forms.problems(refused),
        name=asked.get("name") or "",
        found=found,
        focus=_kept(focus, found.items),
        names=found.names,
        away=away,
        away_names=away_names,
        address=address,
        clear_url=address_of({"tab": tab, "order": order}),
        next_url=address(after=found.next) if found.next else None,
        first_url=address() if after else None,
    )


def _views(kept: Iterable[views.View], here: str) -> list[dict[str, Any]]:
    """Return views with the address of each, and whether it is what is shown."""
    found = []
    for view in kept:
        url = address_of({"tab": "todo", **view["query"]})
        may_delete = view["mine"] or actor().can("task:assign")
        found.append(view | {"url": url, "current": url == here, "may_delete": may_delete})
    return found


def address_of(chosen: Mapping[str, Any]) -> str:
    """Return the address of a list; what is as nobody has chosen it is left out."""
    plain = {"order": FIRST}
    shown = {name: item for name, item in chosen.items() if item and item != plain.get(name)}
    return url_for("inbox.show", **shown)


def _kept(focus: int | None, tasks: Sequence[Mapping[str, Any]]) -> int | None:
    if focus is None or not tasks or any(task["id"] == focus for task in tasks):
        return focus
    found: int = tasks[0]["id"]
    return found
