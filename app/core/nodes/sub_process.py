"""Steps inside a step: one scope that a boundary can cancel as a whole."""

from __future__ import annotations

from app.core.keys import Key
from app.core.nodes.base import Decision, Inside, Node, Visit


class SubProcess(Node):
    """Waits until no token moves inside it any more."""

    type = "sub_process"
    doc = "Steps inside a step; a boundary event on it cancels all of them."
    keys = (Key("steps", "steps", required=True, doc="its steps; the first one begins"),)
    waits = True
    repeats = True

    def enter(self, visit: Visit) -> Decision:
        """Go inside."""
        return Inside()
