"""Views of the inbox over REST: filters that people keep by a name."""

from __future__ import annotations

from app.api import bodies_views as bodies
from app.api import payloads_views as payloads
from app.api.call import Answer, Call
from app.api.operation import BASE, Operations
from app.task import views

operations = Operations("views", "Views")

_ALL = "/task-views"


@operations.add(
    "GET", _ALL, "List views", permission="own and shared ones", answers={200: bodies.Views}
)
def list_views(call: Call) -> Answer:
    """List the caller's own views, then those that others share."""
    return Answer({"items": views.list_(call.db, call.actor)})


@operations.add(
    "POST",
    _ALL,
    "Keep a view",
    body=payloads.SaveView,
    permission="task:work; task:assign to share it",
    answers={201: bodies.View, 200: bodies.View},
)
def save(call: Call, body: payloads.SaveView) -> Answer:
    """Keep filters by a name: 201, or 200 if the caller's view of that name was replaced."""
    view, made = views.save(
        call.db,
        call.actor,
        name=body.name,
        query=body.query.model_dump(exclude_none=True),
        shared=body.shared,
        now=call.now,
    )
    place = {"Location": f"{BASE}{_ALL}"} if made else {}
    return Answer(view, 201 if made else 200, place)


@operations.add(
    "DELETE",
    f"{_ALL}/<int:view_id>",
    "Delete a view",
    permission="own one, or task:assign if it is shared",
    answers={204: None},
)
def delete(call: Call, view_id: int) -> Answer:
    """Forget it; tasks are not touched."""
    views.delete(call.db, call.actor, view_id)
    return Answer(status=204)
