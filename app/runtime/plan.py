"""What one transaction does to an instance, decided before anything is written.

The core is asked until nothing more can be answered at once: services that are marked
inline answer here, so that an instance goes from one wait to the next in one go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.core import effects as fx
from app.core.advance import advance
from app.core.codec import effect_lines
from app.core.definition import Definition
from app.core.events import (
    Event,
    JobFailed,
    JobSucceeded,
    MessageReceived,
    TaskCompleted,
    TimerFired,
)
from app.core.state import State
from app.runtime import failures
from app.runtime.given_to import Given
from app.runtime.lines import Line, event_line, with_reason
from app.runtime.ports import Services

INLINE_LIMIT: Final = 1_000
"""Inline calls in one transaction; what comes after them becomes a job."""


class Decided(NamedTuple):
    """A task that a rule has decided as it was opened; ``seat``: that of one of several."""

    task: fx.OpenTask
    given: Given
    event: TaskCompleted
    seat: int = 0


@dataclass(slots=True)
class Plan:
    """The new state, and the rows that follow from it, keyed by wait id.

    What is opened and closed within the plan never becomes a row. ``ignored`` says why
    the first event changed nothing; then nothing is to be written. ``given`` are those tasks
    of which it is known to whom they go, ``seats`` the same of tasks of several people;
    ``decided`` those that rules have decided, ``visits`` what else is kept of several.
    """

    state: State
    events: list[Event] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tasks: dict[int, fx.OpenTask] = field(default_factory=dict)
    given: dict[int, Given] = field(default_factory=dict)
    seats: dict[int, list[Given]] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    closed_tasks: dict[int, str] = field(default_factory=dict)
    jobs: dict[int, fx.StartJob] = field(default_factory=dict)
    cancelled_jobs: dict[int, str] = field(default_factory=dict)
    incidents: dict[int, fx.RaiseIncident] = field(default_factory=dict)
    resolved_incidents: dict[int, str] = field(default_factory=dict)
    timers: dict[int, fx.StartTimer] = field(default_factory=dict)
    ended_timers: dict[int, str] = field(default_factory=dict)
    subscriptions: dict[int, fx.Subscribe] = field(default_factory=dict)
    ended_subscriptions: dict[int, str] = field(default_factory=dict)
    messages: list[fx.Correlate] = field(default_factory=list)
    children: list[fx.StartChild] = field(default_factory=list)
    ended_children: dict[int, str] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    ignored: str | None = None


def make_plan(
    definition: Definition, state: State, events: Iterable[Event], services: Services
) -> Plan:
    """Let the core answer ``events`` in order, and all that follows from them at once."""
    plan = Plan(state)
    follow(plan, definition, events, services)
    return plan


def follow(plan: Plan, definition: Definition, events: Iterable[Event], services: Services) -> None:
    """Let a plan go on by what happened after it."""
    waiting = deque(events)
    calls = 0
    first = not plan.events
    while waiting:
        event = waiting.popleft()
        before = plan.state
        moved = advance(definition, before, event)
        if moved.ignored is not None:
            if first:
                plan.ignored = moved.ignored
                return
            continue
        first = False
        plan.state = moved.state
        plan.events.append(event)
        _note_answered(plan, event)
        line = event_line(event, before)
        if line is not None:
            plan.lines.append(line)
        plan.lines.extend(with_reason(effect_lines(moved.effects), event))
        for effect in moved.effects:
            note = _NOTES.get(type(effect))
            if note is None:
                continue
            answer = None
            if isinstance(effect, fx.StartJob) and calls < INLINE_LIMIT:
                answer = _at_once(effect, services, event.at)
            if answer is None:
                note(plan, effect, event)
            else:
                calls += 1
                waiting.append(answer)


def _at_once(job: fx.StartJob, services: Services, at: datetime) -> Event | None:
    """Answer a job here if that is possible: it is inline, or nobody knows the service."""
    if job.topic is not None:
        return None
    handler = services.inline(job.service, job.method)
    if handler is not None:
        return _call(handler, job, at)
    if services.known(job.service, job.method):
        return None
    return JobFailed(
        at=at,
        wait=job.wait,
        code="unknown_service",
        message=f"There is no service {job.service}.{job.method}. Install a connector that"
        " provides it, or correct the definition, and then retry.",
    )


def _call(handler: Callable[[Mapping[str, Any]], Any], job: fx.StartJob, at: datetime) -> Event:
    try:
        result, failure = failures.checked(handler(job.input))
    except Exception as error:  # a service may raise anything; it must not stop the engine
        result, failure = None, failures.of(error)
    if failure is None:
        return JobSucceeded(at=at, wait=job.wait, result=result)
    return JobFailed(
        at=at,
        wait=job.wait,
        code=failure.code,
        message=failure.message,
        business=failure.business,
    )


_Note = Callable[[Plan, Any, Event], None]


def _opens(rows: str) -> _Note:
    def note(plan: Plan, effect: Any, _event: Event) -> None:
        getattr(plan, rows)[effect.wait] = effect

    return note


def _closes(opened: str, closed: str) -> _Note:
    def note(plan: Plan, effect: Any, _event: Event) -> None:
        if getattr(plan, opened).pop(effect.wait, None) is None:
            why = getattr(effect, "how", getattr(effect, "reason", ""))
            getattr(plan, closed)[effect.wait] = why

    return note


def _incident(plan: Plan, effect: fx.RaiseIncident, event: Event) -> None:
    plan.incidents[effect.wait] = effect
    if isinstance(event, JobFailed):
        plan.attempts[effect.wait] = event.attempt


def _message(plan: Plan, effect: fx.Correlate, _event: Event) -> None:
    plan.messages.append(effect)


def _child(plan: Plan, effect: fx.StartChild, _event: Event) -> None:
    plan.children.append(effect)


def _no_child(plan: Plan, effect: fx.EndChild, _event: Event) -> None:
    plan.ended_children[effect.wait] = effect.reason


_NOTES: Final[Mapping[type[fx.Effect], _Note]] = {
    fx.OpenTask: _opens("tasks"),
    fx.StartJob: _opens("jobs"),
    fx.StartTimer: _opens("timers"),
    fx.Subscribe: _opens("subscriptions"),
    fx.RaiseIncident: _incident,
    fx.CloseTask: _closes("tasks", "closed_tasks"),
    fx.CancelJob: _closes("jobs", "cancelled_jobs"),
    fx.CancelTimer: _closes("timers", "ended_timers"),
    fx.Unsubscribe: _closes("subscriptions", "ended_subscriptions"),
    fx.ResolveIncident: _closes("incidents", "resolved_incidents"),
    fx.Correlate: _message,
    fx.StartChild: _child,
    fx.EndChild: _no_child,
}
"""How the row operation of an effect is kept; what the others tell of is in the state itself."""


def _note_answered(plan: Plan, event: Event) -> None:
    """A timer that fired and a message that came are not awaited any more."""
    if isinstance(event, TimerFired):
        plan.ended_timers[event.wait] = "fired"
    elif isinstance(event, MessageReceived):
        plan.ended_subscriptions[event.wait] = "received"
