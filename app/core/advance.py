"""One event, until every token waits again.

``advance`` gives the same bytes for the same arguments, in any process, on any day. It
never raises for anything that a definition or a user can cause: that is an incident on
the token, and the other tokens go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.core import attached, inside, withdrawing
from app.core.definition import Definition
from app.core.effects import Effect
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
from app.core.migrating import migrated
from app.core.record import dataclass
from app.core.run import MAX_STEPS, Run
from app.core.skipping import no_skip, skip
from app.core.state import ENDED, State, Token

__all__ = ["MAX_STEPS", "Transition", "advance"]

_ANSWERED_BY: Final[Mapping[type[Event], str]] = {
    TaskCompleted: "task",
    JobSucceeded: "job",
    JobFailed: "job",
    TimerFired: "timer",
    MessageReceived: "message",
    ChildEnded: "child",
    Retried: "incident",
}
"""The kind of wait that an event answers."""
_WHILE_SUSPENDED: Final = (Terminated, Activated, VariablesSet, Jumped, Migrated)


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event did.

    Args:
        state: the new state; the very same object if the event was ignored.
        effects: what has to be carried out, in order.
        ignored: why nothing happened, or None.
    """

    state: State
    effects: tuple[Effect, ...] = ()
    ignored: str | None = None


def advance(definition: Definition, state: State, event: Event) -> Transition:
    """Answer ``event`` and move every token until it waits."""
    reason = _refusal(definition, state, event)
    if reason is not None:
        return Transition(state, ignored=reason)
    if isinstance(event, Suspended):
        return Transition(replace(state, status="suspended"))
    if isinstance(event, Activated):
        state = replace(state, status="running")
    if isinstance(event, Migrated):
        state = migrated(definition, state, event.steps)
    run = Run(definition, state, event)
    _happen(run, event)
    if state.status != "suspended":
        run.loop()
    return Transition(run.state(), tuple(run.effects))


def _happen(run: Run, event: Event) -> None:
    """Do what the event itself does; what follows from it is the loop's."""
    if isinstance(event, TaskCompleted | JobSucceeded | JobFailed | ChildEnded):
        run.answer(run.waiting(event.wait), event)
        return
    match event:
        case Started():
            run.begin(event)
        case Terminated():
            withdrawing.everything(run, event.reason or "terminated")
            run.end("terminated", "terminated", None)
        case VariablesSet():
            run.set_variables("", 0, event.values)
        case Retried():
            run.retry(run.waiting(event.wait))
        case Skipped():
            skip(run, run.waiting(event.wait), event)
        case Jumped():
            withdrawing.jump(run, event)
        case Migrated():
            attached.arm_anew(run)
        case TimerFired() | MessageReceived():
            token = run.waiting(event.wait)
            if token.wait is not None and token.wait.id != event.wait:
                attached.fire(run, token, event)
            else:
                run.answer(token, event)


def _refusal(definition: Definition, state: State, event: Event) -> str | None:
    """Say why the event changes nothing, if it doesn't."""
    if isinstance(event, Started):
        return "already started" if state.next_id != 1 else None
    if state.status in ENDED:
        return f"the instance is {state.status}"
    if isinstance(event, Suspended):
        return "already suspended" if state.status == "suspended" else None
    if isinstance(event, Activated):
        return "not suspended" if state.status != "suspended" else None
    if isinstance(event, Jumped):
        return inside.no_jump(definition, state, event)
    if isinstance(event, Migrated):
        return _no_place(definition, state, event)
    if isinstance(event, _WHILE_SUSPENDED):
        return None
    if state.status == "suspended":
        return "the instance is suspended"
    return _unanswerable(definition, state, event)


def _no_place(definition: Definition, state: State, event: Migrated) -> str | None:
    for token in state.tokens:
        if event.steps.get(token.step, token.step) not in definition.by_id:
            return f"there is no step for what stands on {token.step}"
    return None


def _unanswerable(definition: Definition, state: State, event: Event) -> str | None:
    wait: int | None = getattr(event, "wait", None)
    expected = _ANSWERED_BY.get(type(event))
    for token in state.tokens:
        kind = _kind_of(token, wait)
        if kind is not None and isinstance(event, Skipped):
            return no_skip(definition.by_id[token.step], token, event)
        if kind is not None:
            return None if kind == expected else "another kind of wait"
    return "nothing waits for this any more"


def _kind_of(token: Token, wait: int | None) -> str | None:
    """Return the kind of a token's wait with this id, if it has one."""
    if token.wait is None:
        return None
    if token.wait.id == wait:
        return token.wait.kind
    return next((each.kind for each in token.wait.attached if each.id == wait), None)
