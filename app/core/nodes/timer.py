"""Waits for a moment."""

from __future__ import annotations

from app.core.effects import StartTimer
from app.core.events import Event, TimerFired
from app.core.keys import Key
from app.core.moments import moment_of
from app.core.nodes.base import Decision, Fail, Leave, Node, Stay, Visit


class Timer(Node):
    """One of ``after``, ``until`` and ``cron``."""

    type = "timer"
    doc = "Waits for a moment: one of `after`, `until` and `cron`."
    keys = (
        Key("after", "due", expr=True, doc="a duration from now, as `2h`, `3wd` or `${days}d`"),
        Key("until", "due", expr=True, doc="a date (its first second) or a moment"),
        Key("cron", "cron", doc="the next time, five fields, by the definition's zone"),
    )
    waits = True

    def enter(self, visit: Visit) -> Decision:
        """Start the timer; a moment that has passed falls due at once."""
        due = moment_of(visit.step.config, visit)
        if isinstance(due, Fail):
            return due
        step = visit.step.id
        return Stay("timer", lambda wait: (StartTimer(step=step, wait=wait, due_at=due),))

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Go on."""
        return Leave(by_edges=True) if isinstance(event, TimerFired) else None
