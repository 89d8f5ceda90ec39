"""Chooses one way: the first condition that is true, else the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.definition import Edge
from app.core.expression import condition
from app.core.keys import Key
from app.core.nodes.base import Decision, Node, Visit, way_out

if TYPE_CHECKING:
    from app.core.compiling import Compiling


class ExclusiveGateway(Node):
    """``conditions`` in order, then ``default``."""

    type = "exclusive_gateway"
    routes = True
    doc = "Chooses one way: the first condition that is true, else `default`."
    keys = (
        Key("conditions", "conditions", doc="`[{expression, next, label?}]`, tried in order"),
        Key("default", "target", doc="where to go when no condition is true"),
    )

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Compile the conditions once."""
        rows = [
            {**row, "when": condition(row["expression"])} for row in config.get("conditions", ())
        ]
        return {**config, "conditions": rows}

    def edges(self, config: Mapping[str, Any]) -> tuple[Edge, ...]:
        """Return the conditions and the default as edges."""
        found = [
            Edge(row["next"], row["when"], row.get("label")) for row in config.get("conditions", ())
        ]
        if config.get("default"):
            found.append(Edge(config["default"]))
        return tuple(found)

    def enter(self, visit: Visit) -> Decision:
        """Leave at once."""
        return way_out(visit)
