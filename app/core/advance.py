"""One event, until every token waits again.

``advance`` gives the same bytes for the same arguments, in any process, on any day. It
never raises for anything that a definition or a user can cause: that is an incident on
the token, and the other tokens go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.core import attached, inside, returning, withdrawing
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
from app.core.migrating import migrated
from app.core.record import dataclass
from app.core.run import MAX_STEPS, Run
from app.core.skipping import no_skip, skip
from app.core.state import ENDED, State, Token

__all__ = ["MAX_STEPS", "Transition", "advance"]

_ANSWERED_BY: Final[Mapping[type[Event], str]] = {
    TaskCompleted: "task",
    NobodyLeft: "task",
    JobSucceeded: "job",
    JobFailed: "job",
    TimerFired: "timer",
    MessageReceived: "message",
    ChildEnded: "child",
    Retried: "incident",
    Returned: "task",
}
"""The kind of wait that an event answers."""
_BY_OPERATORS: Final = frozenset({Suspended, Activated, Terminated, VariablesSet, Jumped, Migrated})
"""Events that answer no wait; they can come while the instance is suspended."""


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
    elif isinstance(event, Migrated):
        state = migrated(definition, state, event.steps)
    run = Run(definition, state, event)
    _HAPPEN[type(event)](run, event)
    if state.status != "suspended":
        run.loop()
    return Transition(run.state(), tuple(run.effects))


# What an event itself does; what follows from it is the loop's.


def _answer(
    run: Run, event: TaskCompleted | NobodyLeft | JobSucceeded | JobFailed | ChildEnded
) -> None:
    run.answer(run.waiting(event.wait), event)


def _fire(run: Run, event: TimerFired | MessageReceived) -> None:
    token = run.waiting(event.wait)
    if token.wait is not None and token.wait.id != event.wait:
        attached.fire(run, token, event)
    else:
        run.answer(token, event)


def _terminate(run: Run, event: Terminated) -> None:
    withdrawing.everything(run, event.reason or "terminated")
    run.end("terminated", "terminated", None)


def _set_variables(run: Run, event: VariablesSet) -> None:
    run.set_variables("", 0, event.values)


def _retry(run: Run, event: Retried) -> None:
    run.retry(run.waiting(event.wait))


def _skip(run: Run, event: Skipped) -> None:
    skip(run, run.waiting(event.wait), event)


def _arm_anew(run: Run, _event: Migrated) -> None:
    attached.arm_anew(run)


def _activate(_run: Run, _event: Activated) -> None:
    """The loop goes on where it stood."""


_HAPPEN: Final[Mapping[type[Event], Callable[[Run, Any], None]]] = {
    Started: Run.begin,
    TaskCompleted: _answer,
    NobodyLeft: _answer,
    JobSucceeded: _answer,
    JobFailed: _answer,
    ChildEnded: _answer,
    TimerFired: _fire,
    MessageReceived: _fire,
    Activated: _activate,
    Terminated: _terminate,
    VariablesSet: _set_variables,
    Retried: _retry,
    Skipped: _skip,
    Jumped: withdrawing.jump,
    Migrated: _arm_anew,
    Returned: returning.give_back,
    Recalled: returning.recall,
    Withdrawn: returning.take_back,
}


def _refusal(definition: Definition, state: State, event: Event) -> str | None:
    """Say why the event changes nothing, if it doesn't."""
    if isinstance(event, Started):
        return "already started" if state.next_id != 1 else None
    if state.status in ENDED:
        return f"the instance is {state.status}"
    if type(event) in _BY_OPERATORS:
        return _no_order(definition, state, event)
    if state.status == "suspended":
        return "the instance is suspended"
    if isinstance(event, Recalled):
        return returning.no_recall(definition, state, event)
    if isinstance(event, Withdrawn):
        return returning.no_withdrawal(definition, state, event)
    reason = _unanswerable(definition, state, event)
    if reason is None and isinstance(event, Returned):
        return returning.no_return(definition, state, event)
    return reason


def _no_order(definition: Definition, state: State, event: Event) -> str | None:
    """Say why what an operator does to the whole instance changes nothing, if it doesn't."""
    if isinstance(event, Suspended):
        return "already suspended" if state.status == "suspended" else None
    if isinstance(event, Activated):
        return "not suspended" if state.status != "suspended" else None
    if isinstance(event, Jumped):
        return inside.no_jump(definition, state, event)
    if isinstance(event, Migrated):
        return _no_place(definition, state, event)
    return None


def _no_place(definition: Definition, state: State, event: Migrated) -> str | None:
    for token in state.tokens:
        if event.steps.get(token.step, token.step) not in definition.by_id:
            return f"there is no step for what stands on {token.step}"
    return None


def _unanswerable(definition: Definition, state: State, event: Event) -> str | None:
    wait: int | None = getattr(event, "wait", None)
    for token in state.tokens:
        kind = _kind_of(token, wait)
        if kind is not None and isinstance(event, Skipped):
            return no_skip(definition.by_id[token.step], token, event)
        if kind is not None:
            return None if kind == _ANSWERED_BY.get(type(event)) else "another kind of wait"
    return "nothing waits for this any more"


def _kind_of(token: Token, wait: int | None) -> str | None:
    """Return the kind of a token's wait with this id, if it has one."""
    own = token.wait
    if own is None:
        return None
    if own.id == wait:
        return own.kind
    return next((each.kind for each in own.attached if each.id == wait), None)
