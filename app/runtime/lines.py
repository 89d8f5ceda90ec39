"""The history's lines about what somebody did, as against what followed from it."""

from __future__ import annotations

from collections.abc import Sequence
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
    Retried,
    Skipped,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    TimerFired,
    VariablesSet,
)
from app.core.state import State

Line = Sequence[Any]
"""``[kind, step id or None, data]``."""

KINDS: dict[str, str] = {
    Started.kind: "instance.started",
    TaskCompleted.kind: "task.completed",
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
}
"""What a history row is called by the event that set it off."""
_REASONED: Final = (Terminated, Retried, VariablesSet, Jumped)
"""Events whose reason is told in the line about what followed from them."""


def event_line(event: Event, before: State) -> Line | None:
    """Return the line about ``event``; None if its effects say it all."""
    if isinstance(event, Started):
        return [KINDS[event.kind], None, {"variables": event.variables}]
    if isinstance(event, TaskCompleted):
        data = {"wait": event.wait, "outcome": event.outcome, "values": event.values}
        if event.comment:
            data["comment"] = event.comment
        return [KINDS[event.kind], step_of(before, event.wait), data]
    if isinstance(event, JobSucceeded):
        data = {"wait": event.wait, "attempt": event.attempt}
        return [KINDS[event.kind], step_of(before, event.wait), data]
    if isinstance(event, JobFailed):
        data = {
            "wait": event.wait,
            "attempt": event.attempt,
            "code": event.code,
            "message": event.message,
        }
        return [KINDS[event.kind], step_of(before, event.wait), data]
    if isinstance(event, TimerFired | MessageReceived | ChildEnded | Skipped):
        return [KINDS[event.kind], step_of(before, event.wait), _answer(event)]
    if isinstance(event, Migrated):
        data = {"definition_id": event.definition_id, "steps": event.steps}
        return [KINDS[event.kind], None, {**data, "reason": event.reason}]
    if isinstance(event, Suspended | Activated):
        return [KINDS[event.kind], None, {"reason": event.reason}]
    return None


def _answer(event: TimerFired | MessageReceived | ChildEnded | Skipped) -> dict[str, Any]:
    """Return what is told of an answer to a wait."""
    data: dict[str, Any] = {"wait": event.wait}
    if isinstance(event, MessageReceived):
        return {**data, "name": event.name, "payload": event.payload}
    if isinstance(event, ChildEnded):
        return {**data, "child": event.child, "status": event.status, "result": event.result}
    if isinstance(event, Skipped):
        return {**data, "outcome": event.outcome, "reason": event.reason}
    return data


def with_reason(line: Line, event: Event) -> Line:
    """Add the reason that an operator gave to the line about what followed from it."""
    if not isinstance(event, _REASONED) or line[0] != KINDS[event.kind]:
        return line
    return [line[0], line[1], {**line[2], "reason": event.reason}]


def step_of(state: State, wait: int) -> str | None:
    """Return the id of the step whose token waits with this wait id, or has it attached."""
    for token in state.tokens:
        if token.wait is None:
            continue
        if token.wait.id == wait or any(each.id == wait for each in token.wait.attached):
            return token.step
    return None
