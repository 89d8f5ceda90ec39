"""Runs another definition as a child instance."""

from __future__ import annotations

from app.core.effects import Effect, StartChild
from app.core.events import ChildEnded, Event
from app.core.keys import Key
from app.core.nodes.base import Decision, Fail, Leave, Node, Stay, Visit
from app.core.nodes.job import all_or_given
from app.core.nodes.result import taken
from app.core.values import plain_text
from app.errors import Phrase


class CallActivity(Node):
    """Starts it, and waits for its end unless ``wait`` is false."""

    type = "call_activity"
    doc = "Runs another definition as a child instance and waits for its end."
    keys = (
        Key("process_key", "text", required=True, expr=True, doc="key of the definition"),
        Key("version", "text", doc="which version; default: the newest active one"),
        Key("input", "expr_map", expr=True, doc="the child's start variables; default: all"),
        Key("output", "variables", expr=True, doc="variable ← expression over `result`"),
        Key("business_key", "text", expr=True, doc="the child's; default: this one's"),
        Key("wait", "flag", doc="false: go on at once and let it run by itself"),
    )
    waits = True
    repeats = True

    def enter(self, visit: Visit) -> Decision:
        """Start the child."""
        config = visit.step.config
        value = all_or_given(visit)
        if isinstance(value, Fail):
            return value
        key = plain_text(visit.config("process_key"))
        business = visit.config("business_key")
        awaited = config.get("wait", True)

        def effects(wait: int) -> tuple[Effect, ...]:
            return (
                StartChild(
                    step=visit.step.id,
                    wait=wait,
                    process_key=key,
                    version=config.get("version"),
                    variables=value,
                    awaited=awaited,
                    business_key=None if business is None else plain_text(business),
                ),
            )

        return Stay("child", effects) if awaited else Leave(by_edges=True, effects=effects)

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Take its variables along, or fail with its code."""
        if not isinstance(event, ChildEnded):
            return None
        if event.status != "completed":
            code = event.result or event.status
            message = Phrase(
                "The child instance %(child)d ended as %(status)s.",
                child=event.child,
                status=Phrase(event.status),
            )
            return Fail("child_failed", message, {"code": code, "child": event.child}, caught=True)
        output = visit.step.config.get("output", {})
        variables = taken(visit, dict(event.variables), output)
        return variables if isinstance(variables, Fail) else Leave(None, variables, by_edges=True)
