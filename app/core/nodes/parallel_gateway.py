"""Runs all ways out at once, and waits for all ways in."""

from __future__ import annotations

from app.core.definition import Step
from app.core.nodes.base import Branch, Decision, Leave, Node, Split, Visit


class ParallelGateway(Node):
    """Splits into every target of ``next``; with several ways in it joins them."""

    type = "parallel_gateway"
    routes = True
    doc = (
        "Goes every way of `next` at once. With several ways in it waits for one token on each;"
        " with one `next` it only joins."
    )
    gathers = "all"

    def enter(self, visit: Visit) -> Decision:
        """Go every way."""
        targets = tuple(edge.target for edge in visit.step.next)
        return Split(targets) if targets else Leave(None)

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """All ways together."""
        return (Branch(tuple(edge.target for edge in step.next)),)
