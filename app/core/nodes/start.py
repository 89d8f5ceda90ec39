"""An explicit beginning: passes the token on."""

from __future__ import annotations

from app.core.nodes.base import Decision, Node, Visit, way_out


class Start(Node):
    """Does nothing but stand at the beginning of a diagram."""

    type = "start"
    doc = "An explicit beginning (optional: the first step starts anyway)."

    def enter(self, visit: Visit) -> Decision:
        """Leave at once."""
        return way_out(visit)
