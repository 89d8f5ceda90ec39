"""Messages over REST."""

from __future__ import annotations

from app.api import bodies_language as bodies
from app.api import payloads_language as payloads
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.runtime import messages

operations = Operations("messages", "Messages")


@operations.add(
    "POST",
    "/messages",
    "Send a message",
    body=payloads.SendMessage,
    permission="message:send",
    answers={200: bodies.Sent},
)
def send(call: Call, body: payloads.SendMessage) -> Answer:
    """Give it to who awaits it, else start what begins with it, else keep it for a while."""
    sent = messages.send(
        call.engine,
        call.actor,
        body.name,
        body.correlation_key,
        body.variables,
        ttl=messages.DEFAULT_TTL if body.ttl is None else body.ttl,
        now=call.now,
    )
    return Answer(
        {
            "id": sent.id,
            "instance_id": sent.instance_id,
            "started": sent.started,
            "kept_until": sent.kept_until,
        }
    )
