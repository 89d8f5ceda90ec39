"""What happened, over REST."""

from __future__ import annotations

from app.api import bodies, payloads
from app.api.call import Answer, Call
from app.api.language import translated
from app.api.operation import Operations
from app.history import queries

operations = Operations("history", "History")


@operations.add(
    "GET",
    "/process-instances/<int:instance_id>/history",
    "The history of an instance",
    query=payloads.HistoryQuery,
    permission="process:read, or started by or takes part",
    answers={200: bodies.Events},
)
def events(call: Call, instance_id: int, query: payloads.HistoryQuery) -> Answer:
    """List its events in order; every line carries the hash of its row in the chain."""
    lines = queries.events(call.db, call.actor, instance_id, after=query.after, size=query.size)
    more = len(lines) >= query.size
    return Answer({"items": translated(lines), "next": lines[-1]["seq"] if more else None})
