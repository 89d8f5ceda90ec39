"""Goes every way whose condition is true, and waits for those that can still come."""

from __future__ import annotations

from itertools import combinations

from app.core.definition import Step
from app.core.expression import truth
from app.core.nodes.base import Branch, Decision, Leave, Split, Visit, way_out
from app.core.nodes.exclusive_gateway import ExclusiveGateway

_EXPLORED = 6
"""Conditions of which every combination is explored; beyond, each alone and all together."""


class InclusiveGateway(ExclusiveGateway):
    """``conditions`` that are true, all of them; else ``default``."""

    type = "inclusive_gateway"
    doc = (
        "Goes every way whose condition is true, else `default`. With several ways in it waits"
        " for those that can still come; with one `next` and no conditions it only joins."
    )
    gathers = "those_that_can_come"

    def enter(self, visit: Visit) -> Decision:
        """Ask every condition."""
        edges = visit.step.next
        true = [e.target for e in edges if e.when and truth(e.when, visit.scope, visit.now)]
        if true:
            return Split(tuple(dict.fromkeys(true)))
        plain = next((edge.target for edge in edges if edge.when is None), None)
        return Leave(plain) if plain is not None else way_out(visit)

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """Every combination of the ways with a condition, and the default alone."""
        ways = [edge for edge in step.next if edge.when is not None]
        sizes = range(1, len(ways) + 1) if len(ways) <= _EXPLORED else (1, len(ways))
        found = [
            Branch(
                tuple(dict.fromkeys(edge.target for edge in chosen)),
                " and ".join(edge.when.text for edge in chosen if edge.when),
                reads=frozenset().union(*(edge.when.names for edge in chosen if edge.when)),
            )
            for size in sizes
            for chosen in combinations(ways, size)
        ]
        found += [Branch((edge.target,), "otherwise") for edge in step.next if edge.when is None]
        return tuple(found)
