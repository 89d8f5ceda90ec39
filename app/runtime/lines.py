"""The history's lines about what somebody did, as against what followed from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.core.events import (
    Activated,
    ChildEnded,
    Event,
    JobFailed,
    JobSucceeded,
    Jumped,
    MessageReceived,
    Migrated,
    NobodyLeft,
    Recalled,
    Retried,
    Returned,
    Skipped,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    TimerFired,
    VariablesSet,
    Withdrawn,
)
from app.core.state import State

Line = Sequence[Any]
"""``[kind, step id or None, data]``."""

KINDS: dict[str, str] = {
    Started.kind: "instance.started",
    TaskCompleted.kind: "task.completed",
    NobodyLeft.kind: "incident.opened",
    JobSucceeded.kind: "job.completed",
    JobFailed.kind: "job.failed",
    Suspended.kind: "instance.suspended",
    Activated.kind: "instance.activated",
    Terminated.kind: "instance.terminated",
    Retried.kind: "incident.resolved",
    VariablesSet.kind: "variables.changed",
    TimerFired.kind: "timer.fired",
    MessageReceived.kind: "message.received",
    ChildEnded.kind: "child.ended",
    Skipped.kind: "token.skipped",
    Jumped.kind: "token.jumped",
    Migrated.kind: "instance.migrated",
    Returned.kind: "task.returned",
    Recalled.kind: "task.recalled",
    Withdrawn.kind: "instance.withdrawn",
}
"""What a history row is called by the event that set it off."""
_REASONED: Final = (Terminated, Retried, VariablesSet, Jumped, Withdrawn)
"""Events whose reason is told in the line about what followed from them."""


def event_line(event: Event, before: State) -> Line | None:
    """Return the line about ``event``; None if its effects say it all."""
    tell = _TOLD.get(type(event))
    if tell is None:
        return None
    wait: int | None = getattr(event, "wait", None)
    step = step_of(before, wait) if wait is not None else None
    if isinstance(event, Withdrawn) and event.step is None:
        return None  # its end says it all
    if isinstance(event, Recalled):
        step = event.step
    if isinstance(event, TaskCompleted) and event.rule is not None:
        return ["decision.automatic", step, {**tell(event), "rule": event.rule}]
    return [KINDS[event.kind], step, tell(event)]


def _started(event: Started) -> dict[str, Any]:
    return {"variables": event.variables}


def _task_completed(event: TaskCompleted) -> dict[str, Any]:
    data = {"wait": event.wait, "outcome": event.outcome, "values": event.values}
    if event.comment:
        data["comment"] = event.comment
    if event.votes is not None:
        data["votes"] = {name: event.votes[name] for name in ("approved", "rejected", "total")}
    return data


def _job_succeeded(event: JobSucceeded) -> dict[str, Any]:
    return {"wait": event.wait, "attempt": event.attempt}


def _job_failed(event: JobFailed) -> dict[str, Any]:
    return {
        "wait": event.wait,
        "attempt": event.attempt,
        "code": event.code,
        "message": event.message,
    }


def _timer_fired(event: TimerFired) -> dict[str, Any]:
    return {"wait": event.wait}


def _message_received(event: MessageReceived) -> dict[str, Any]:
    return {"wait": event.wait, "name": event.name, "payload": event.payload}


def _child_ended(event: ChildEnded) -> dict[str, Any]:
    return {
        "wait": event.wait,
        "child": event.child,
        "status": event.status,
        "result": event.result,
    }


def _skipped(event: Skipped) -> dict[str, Any]:
    return {"wait": event.wait, "outcome": event.outcome, "reason": event.reason}


def _migrated(event: Migrated) -> dict[str, Any]:
    return {
        "definition_id": event.definition_id,
        "steps": event.steps,
        "reason": event.reason,
    }


def _returned(event: Returned) -> dict[str, Any]:
    data = {"wait": event.wait, "to": event.step, "comment": event.reason}
    return data | {"straight": True} if event.straight else data


def _recalled(event: Recalled) -> dict[str, Any]:
    return {"comment": event.reason}


def _withdrawn(event: Withdrawn) -> dict[str, Any]:
    return {"to": event.step, "reason": event.reason}


def _reason(event: Suspended | Activated) -> dict[str, Any]:
    return {"reason": event.reason}


_TOLD: Final[Mapping[type[Event], Callable[[Any], dict[str, Any]]]] = {
    Started: _started,
    TaskCompleted: _task_completed,
    JobSucceeded: _job_succeeded,
    JobFailed: _job_failed,
    TimerFired: _timer_fired,
    MessageReceived: _message_received,
    ChildEnded: _child_ended,
    Skipped: _skipped,
    Migrated: _migrated,
    Returned: _returned,
    Recalled: _recalled,
    Withdrawn: _withdrawn,
    Suspended: _reason,
    Activated: _reason,
}
"""What is told of an event."""


def with_reason(lines: Sequence[Line], event: Event) -> Sequence[Line]:
    """Add the reason that an operator gave to the lines about what followed from it."""
    if not isinstance(event, _REASONED):
        return lines
    kind, reason = KINDS[event.kind], event.reason
    return [
        [line[0], line[1], {**line[2], "reason": reason}] if line[0] == kind else line
        for line in lines
    ]


def step_of(state: State, wait: int) -> str | None:
    """Return the id of the step whose token waits with this wait id, or has it attached."""
    for token in state.tokens:
        if token.wait is not None and token.wait.has(wait):
            return token.step
    return None
