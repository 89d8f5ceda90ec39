"""Notifications and copies over REST: the caller's own."""

from __future__ import annotations

from app.api import answers, bodies
from app.api import bodies_verbs as more
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.notice import queries, service

operations = Operations("notices", "Notifications")


@operations.add(
    "GET",
    "/notifications",
    "List notifications",
    query=more.NoticeQuery,
    answers={200: bodies.Paged[more.Notification]},
)
def list_notifications(call: Call, query: more.NoticeQuery) -> Answer:
    """List what the caller was told, the newest first."""
    asked = query.model_dump(exclude_none=True)
    return Answer(
        answers.paged(queries.notifications(call.db, call.actor, **asked), answers.as_it_is)
    )


@operations.add(
    "GET", "/notifications/unread", "Count unread notifications", answers={200: more.Unread}
)
def unread(call: Call) -> Answer:
    """Return how many there are."""
    return Answer({"unread": queries.unread(call.db, call.actor)})


@operations.add(
    "POST",
    "/notifications/read",
    "Mark notifications as read",
    body=more.Read,
    answers={200: more.Unread},
)
def read(call: Call, body: more.Read) -> Answer:
    """Mark some, or all; return how many are left."""
    service.read(call.db, call.actor, body.ids, now=call.now)
    return unread(call)


@operations.add("GET", "/notifications/choices", "How one is told", answers={200: more.Chosen})
def choices(call: Call) -> Answer:
    """Return it for each kind of event."""
    made = queries.choices(call.db, call.actor)
    return Answer({**made, "digest_hour": queries.digest_hour(call.db, call.actor)})


@operations.add(
    "PUT",
    "/notifications/choices",
    "Choose how to be told",
    body=more.Choices,
    answers={200: more.Chosen},
)
def choose(call: Call, body: more.Choices) -> Answer:
    """In the page, by mail too, at once or once a day, or not at all."""
    wanted = body.model_dump(exclude_none=True)
    hour = wanted.pop("digest_hour", None)
    service.choose(call.db, call.actor, wanted, digest_hour=hour)
    return choices(call)


@operations.add(
    "GET",
    "/copies",
    "List what was copied to one",
    query=more.NoticeQuery,
    answers={200: bodies.Paged[more.Copy]},
)
def list_copies(call: Call, query: more.NoticeQuery) -> Answer:
    """List tasks that were copied to the caller, the newest first."""
    asked = query.model_dump(exclude_none=True)
    return Answer(answers.paged(queries.copies(call.db, call.actor, **asked), answers.as_it_is))


@operations.add("POST", "/copies/read", "Mark copies as read", body=more.Read, answers={204: None})
def read_copies(call: Call, body: more.Read) -> Answer:
    """Mark some, or all."""
    service.read_copies(call.db, call.actor, body.ids, now=call.now)
    return Answer(status=204)
