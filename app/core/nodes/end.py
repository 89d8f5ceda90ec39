"""An explicit end: says how the instance ended."""

from __future__ import annotations

from app.core.definition import Step
from app.core.keys import Key
from app.core.nodes.base import Branch, Decision, Finish, Node, Visit


class End(Node):
    """Ends the path, or with ``terminate`` all paths."""

    type = "end"
    routes = True
    doc = "An explicit end (optional: a step without `next` ends its path)."
    keys = (
        Key(
            "result",
            "choice",
            choices=("completed", "cancelled", "error"),
            doc="how the instance ends: completed, terminated or failed",
        ),
        Key("code", "text", doc="kept with the result"),
        Key("terminate", "flag", doc="true: all other tokens of its scope end too"),
    )

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """The path ends, or all of the scope's."""
        return (Branch((), ends=bool(step.config.get("terminate"))),)

    def enter(self, visit: Visit) -> Decision:
        """End here."""
        config = visit.step.config
        return Finish(
            config.get("result", "completed"), config.get("code"), config.get("terminate", False)
        )
