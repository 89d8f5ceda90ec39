"""Sends a message to whoever in this engine awaits it, or waits for one."""

from __future__ import annotations

from app.core.duration import parse_duration
from app.core.effects import Correlate, Effect, Subscribe
from app.core.events import Event, MessageReceived
from app.core.keys import Key
from app.core.moments import due_moment
from app.core.nodes.base import Decision, Fail, Leave, Node, Stay, Visit
from app.core.nodes.result import taken
from app.core.values import plain_text

DEFAULT_TTL = "1d"
"""How long a message is kept that nobody awaits yet."""


class ReceiveMessage(Node):
    """Waits for a message of a name and correlation key."""

    type = "receive_message"
    doc = "Waits for a message; one that came up to its ttl earlier is taken at once."
    keys = (
        Key("message", "text", required=True, doc="the message's name"),
        Key("correlate", "text", expr=True, doc="the key that the sender gives as well"),
        Key("output", "variables", expr=True, doc="variable ← expression over `result`"),
        Key("timeout", "due", expr=True, doc="fails with the code `timeout` after this"),
    )
    waits = True

    def enter(self, visit: Visit) -> Decision:
        """Subscribe."""
        config = visit.step.config
        limit = due_moment(config.get("timeout"), visit)
        if isinstance(limit, Fail):
            return limit
        key = correlation(visit)
        step, name = visit.step.id, config["message"]
        return Stay(
            "message",
            lambda wait: (Subscribe(step=step, wait=wait, name=name, key=key),),
            limit,
        )

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Take the payload along."""
        if not isinstance(event, MessageReceived):
            return None
        payload, output = dict(event.payload), visit.step.config.get("output")
        variables = taken(visit, payload, output, otherwise=bool(payload))
        return variables if isinstance(variables, Fail) else Leave(None, variables, by_edges=True)


class SendMessage(Node):
    """Sends a message and goes on."""

    type = "send_message"
    doc = "Sends a message inside this engine and goes on at once."
    keys = (
        Key("message", "text", required=True, doc="the message's name"),
        Key("correlate", "text", expr=True, doc="the key that the receiver waits with"),
        Key("payload", "expr_map", expr=True, doc="what it carries; default: nothing"),
        Key("ttl", "duration", doc="how long it is kept if nobody awaits it; default 1d"),
    )

    def enter(self, visit: Visit) -> Decision:
        """Send it."""
        config = visit.step.config
        payload = visit.kept("payload", {})
        if isinstance(payload, Fail):
            return payload
        key = correlation(visit)
        ttl = float(parse_duration(config.get("ttl", DEFAULT_TTL)).fixed_seconds())
        step = visit.step.id

        def effects(_: int) -> tuple[Effect, ...]:
            return (
                Correlate(step=step, name=config["message"], key=key, payload=payload, ttl=ttl),
            )

        return Leave(by_edges=True, effects=effects)


def correlation(visit: Visit) -> str:
    """Return the correlation key as text; empty where none is given."""
    return plain_text(visit.config("correlate", ""))
