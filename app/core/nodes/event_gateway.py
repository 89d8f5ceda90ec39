"""Waits for the first of several events; the others are withdrawn."""

from __future__ import annotations

from app.core.definition import Step
from app.core.keys import Key
from app.core.nodes.base import Branch, Decision, Node, Stay, Visit


class EventGateway(Node):
    """``events`` are armed like a boundary (see ``core.attached``); the first one wins."""

    type = "event_gateway"
    doc = "Waits for the first of several messages and timers; the others are withdrawn."
    keys = (
        Key(
            "events",
            "events",
            required=True,
            doc="`[{on: message|timer, …, next}]`, each as in `boundary`",
        ),
    )

    def enter(self, visit: Visit) -> Decision:
        """Wait for nothing but what is attached."""
        return Stay("event")

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """None of its own: each event is a boundary that interrupts."""
        return ()
