"""When people are reminded of a task, and when something happens because it is overdue.

Moments are told by their distance from the due date, so that they move with it. What lies
between two looks at the clock is told once, however much of it there is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.core.definition import Step
from app.core.duration import DurationError, parse_duration
from app.core.once import once

ACTIONS: Final = ("notify", "escalate", "reassign", "outcome")
MAX_REMINDERS: Final = 10


class Mark(NamedTuple):
    """Something that is to happen at a distance from the due date.

    Args:
        text: the reminder as it is written; None: ``on_overdue``.
    """

    offset: timedelta
    text: str | None = None


def offset(text: str) -> timedelta:
    """Read a distance: ``-1h`` before, ``+1d`` or ``1d`` after.

    Raises:
        DurationError: it is none of a fixed length.
    """
    bare = text.strip()
    sign = -1 if bare.startswith("-") else 1
    seconds = parse_duration(bare[1:] if bare[:1] in ("-", "+") else bare).fixed_seconds()
    if seconds < 0:
        raise DurationError("This must be a duration.")
    return sign * timedelta(seconds=seconds)


@once
def marks(step: Step) -> tuple[Mark, ...]:
    """Return what is to happen, in order."""
    found = [Mark(offset(text), text) for text in step.config.get("reminders", ())]
    late = step.config.get("on_overdue")
    if late:
        found.append(Mark(offset(late.get("after", "0s"))))
    return tuple(sorted(found, key=lambda mark: (mark.offset, mark.text is None)))


def first(step: Step, due: datetime | None, now: datetime) -> datetime | None:
    """Return when a task that is opened now has to be looked at; None: never.

    A reminder that would lie in the past is none; a due date in the past is overdue at once.
    """
    if due is None:
        return None
    moments = ((due + mark.offset, mark.text is None) for mark in marks(step))
    return min((moment for moment, late in moments if late or moment > now), default=None)


def reached(step: Step, due: datetime, since: datetime, now: datetime) -> list[Mark]:
    """Return what is to happen now, if nobody has looked since a moment."""
    return [mark for mark in marks(step) if since <= due + mark.offset <= now]


def following(step: Step, due: datetime, now: datetime) -> datetime | None:
    """Return when the task has to be looked at again."""
    moments = (due + mark.offset for mark in marks(step))
    return min((moment for moment in moments if moment > now), default=None)
