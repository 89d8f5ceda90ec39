"""What one transaction does to an instance, decided before anything is written.

The core is asked until nothing more can be answered at once: services that are marked
inline answer here, so that an instance goes from one wait to the next in one go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.core import effects as fx
from app.core.advance import advance
from app.core.codec import effect_line
from app.core.definition import Definition
from app.core.events import Event, JobFailed, JobSucceeded, MessageReceived, TimerFired
from app.core.state import State
from app.runtime import failures
from app.runtime.lines import Line, event_line, with_reason
from app.runtime.ports import Services

INLINE_LIMIT: Final = 1_000
"""Inline calls in one transaction; what comes after them becomes a job."""


@dataclass(slots=True)
class Plan:
    """The new state, and the rows that follow from it, keyed by wait id.

    What is opened and closed within the plan never becomes a row. ``ignored`` says why
    the first event changed nothing; then nothing is to be written.
    """

    state: State
    events: list[Event] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tasks: dict[int, fx.OpenTask] = field(default_factory=dict)
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
    waiting = deque(events)
    calls = 0
    first = True
    while waiting:
        event = waiting.popleft()
        before = plan.state
        moved = advance(definition, before, event)
        if moved.ignored is not None:
            if first:
                plan.ignored = moved.ignored
                return plan
            continue
        first = False
        plan.state = moved.state
        plan.events.append(event)
        _note_answered(plan, event)
        line = event_line(event, before)
        if line is not None:
            plan.lines.append(line)
        plan.lines.extend(with_reason(map(effect_line, moved.effects), event))
        for effect in moved.effects:
            kind = type(effect)
            if kind in _OPENS:
                answer = None
                if isinstance(effect, fx.StartJob) and calls < INLINE_LIMIT:
                    answer = _at_once(effect, services, event.at)
                if answer is None:
                    _note_opened(plan, effect, event)
                else:
                    calls += 1
                    waiting.append(answer)
            elif kind in _CLOSES:
                _note_closed(plan, effect)
            elif kind not in _SAYS_NOTHING:
                _note_outside(plan, effect)
    return plan


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


_OPENS: Final[Mapping[type[fx.Effect], str]] = {
    fx.OpenTask: "tasks",
    fx.StartJob: "jobs",
    fx.StartTimer: "timers",
    fx.Subscribe: "subscriptions",
    fx.RaiseIncident: "incidents",
}
_CLOSES: Final[Mapping[type[fx.Effect], tuple[str, str]]] = {
    fx.CloseTask: ("tasks", "closed_tasks"),
    fx.CancelJob: ("jobs", "cancelled_jobs"),
    fx.CancelTimer: ("timers", "ended_timers"),
    fx.Unsubscribe: ("subscriptions", "ended_subscriptions"),
    fx.ResolveIncident: ("incidents", "resolved_incidents"),
}
"""Effects that open something, and those that close it: rows of the plan by wait id."""


_SAYS_NOTHING: Final = frozenset({fx.Passed, fx.SetVariables, fx.Moved, fx.Ended})
"""Effects that are no rows: what they tell of is in the state itself."""


def _note_opened(plan: Plan, effect: fx.Effect, event: Event) -> None:
    wait = effect.wait  # type: ignore[attr-defined]  # each of these kinds has a wait
    getattr(plan, _OPENS[type(effect)])[wait] = effect
    if isinstance(effect, fx.RaiseIncident) and isinstance(event, JobFailed):
        plan.attempts[wait] = event.attempt


def _note_closed(plan: Plan, effect: fx.Effect) -> None:
    opened, closed = _CLOSES[type(effect)]
    wait = effect.wait  # type: ignore[attr-defined]  # as above
    if getattr(plan, opened).pop(wait, None) is None:
        why = getattr(effect, "how", getattr(effect, "reason", ""))
        getattr(plan, closed)[wait] = why


def _note_outside(plan: Plan, effect: fx.Effect) -> None:
    """Keep what is to happen beyond this instance."""
    if isinstance(effect, fx.Correlate):
        plan.messages.append(effect)
    elif isinstance(effect, fx.StartChild):
        plan.children.append(effect)
    elif isinstance(effect, fx.EndChild):
        plan.ended_children[effect.wait] = effect.reason


def _note_answered(plan: Plan, event: Event) -> None:
    """A timer that fired and a message that came are not awaited any more."""
    if isinstance(event, TimerFired):
        plan.ended_timers[event.wait] = "fired"
    elif isinstance(event, MessageReceived):
        plan.ended_subscriptions[event.wait] = "received"
