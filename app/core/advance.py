"""One event, until every token waits again.

``advance`` gives the same bytes for the same arguments, in any process, on any day. It
never raises for anything that a definition or a user can cause: that is an incident on
the token, and the other tokens go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from app.core.definition import Definition
from app.core.effects import (
    CancelJob,
    CloseTask,
    Effect,
    Ended,
    Passed,
    RaiseIncident,
    ResolveIncident,
    SetVariables,
)
from app.core.events import (
    Activated,
    Event,
    JobFailed,
    JobSucceeded,
    Retried,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    VariablesSet,
)
from app.core.expression import ExpressionError, truth
from app.core.nodes.base import (
    Decision,
    Fail,
    Finish,
    Leave,
    Stay,
    Visit,
    expression_failure,
    way_out,
)
from app.core.nodes.table import NODES
from app.core.outcome import choices
from app.core.state import ENDED, Completion, State, Status, Token, Wait
from app.core.values import same

MAX_STEPS: Final = 10_000
"""Steps that one event may pass; beyond, an incident, never a hang."""

STATUS_OF: Final[Mapping[str, Any]] = {
    "completed": "completed",
    "cancelled": "terminated",
    "error": "failed",
}
_ANSWERS: Final = (TaskCompleted, JobSucceeded, JobFailed)


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
    reason = _refusal(state, event)
    if reason is not None:
        return Transition(state, ignored=reason)
    run = _Run(definition, state, event)
    if isinstance(event, Suspended | Activated):
        status: Status = "suspended" if isinstance(event, Suspended) else "running"
        return Transition(replace(state, status=status))
    if isinstance(event, Terminated):
        run.withdraw_all(event.reason or "terminated")
        run.end("terminated", "terminated", None)
    elif isinstance(event, VariablesSet):
        run.set_variables("", event.values)
    elif isinstance(event, Started):
        run.begin(event)
    elif isinstance(event, Retried):
        run.retry(event.wait)
    elif isinstance(event, _ANSWERS):
        run.answer(event.wait, event)
    run.loop()
    return run.done()


def _refusal(state: State, event: Event) -> str | None:
    """Say why the event changes nothing, if it doesn't."""
    if isinstance(event, Started):
        return "already started" if state.next_id != 1 else None
    if state.status in ENDED:
        return f"the instance is {state.status}"
    if isinstance(event, Terminated | VariablesSet):
        return None
    if isinstance(event, Suspended):
        return "already suspended" if state.status == "suspended" else None
    if isinstance(event, Activated):
        return "not suspended" if state.status != "suspended" else None
    if state.status == "suspended":
        return "the instance is suspended"
    wait = getattr(event, "wait", None)
    for token in state.tokens:
        if token.wait is not None and token.wait.id == wait:
            return None if token.wait.kind == _kind(event) else "another kind of wait"
    return "nothing waits for this any more"


def _kind(event: Event) -> str:
    if isinstance(event, TaskCompleted):
        return "task"
    return "incident" if isinstance(event, Retried) else "job"


class _Run:
    """The state while one event is worked on; never seen from outside."""

    def __init__(self, definition: Definition, state: State, event: Event) -> None:
        self.definition = definition
        self.before = state
        self.event = event
        self.tokens = {token.id: token for token in state.tokens}
        self.ready = [token.id for token in state.tokens if token.wait is None]
        self.variables = state.variables
        self.facts = state.facts
        self.completed = dict(state.completed)
        self.visits = dict(state.visits)
        self.next_id = state.next_id
        self.effects: list[Effect] = []
        self.ended: Ended | None = None
        self.last_end: Finish | None = None
        self.moved = False
        self.scope: Mapping[str, Any] | None = None

    def begin(self, event: Started) -> None:
        """Put the first token on the first step; declared defaults fill what is not given."""
        defaults = {
            name: variable.default
            for name, variable in self.definition.variables.items()
            if variable.default is not None
        }
        self.variables = {**defaults, **event.variables}
        self.facts = event.facts
        self.put(self.definition.steps[0].id)

    def put(self, step: str, like: Token | None = None) -> None:
        """Make a ready token on a step."""
        token = Token(id=self.take_id(), step=step, forks=like.forks if like else ())
        self.tokens[token.id] = token
        self.ready.append(token.id)

    def take_id(self) -> int:
        """Return a new token or wait id."""
        taken = self.next_id
        self.next_id += 1
        return taken

    def loop(self) -> None:
        """Let the lowest ready token act until none is ready."""
        passed = 0
        while self.ready and self.ended is None:
            self.ready.sort()
            token = self.tokens[self.ready.pop(0)]
            passed += 1
            if passed > MAX_STEPS:
                self.effects.append(Passed(step=token.step, token=token.id))
                message = f"More than {MAX_STEPS} steps at once: the process runs in a circle."
                self.stop(token, Fail("loop_limit", message))
                continue
            self.enter(token)
        if not self.tokens and self.ended is None and (self.moved or self.last_end):
            last = self.last_end or Finish()
            self.end(STATUS_OF[last.result], last.result, last.code)

    def enter(self, token: Token, *, again: bool = False) -> None:
        """Let the node of the token's step decide."""
        step = self.definition.by_id[token.step]
        if not again:
            self.effects.append(Passed(step=step.id, token=token.id))
        count = self.visits.get(step.id, 0) + 1
        if count > self.definition.max_visits and not again:
            message = f"The step was entered more than {self.definition.max_visits} times."
            self.stop(token, Fail("loop_limit", message))
            return
        self.visits[step.id] = count
        visit = self.visit(token)
        try:
            if step.skip_when is not None and truth(step.skip_when, visit.scope, visit.now):
                decision: Decision = _pass_through(visit)
            else:
                decision = NODES[step.type].enter(visit)
        except ExpressionError as error:
            decision = expression_failure(error)
        self.carry_out(token, decision)

    def answer(self, wait: int, event: Event) -> None:
        """Give the answer to the node whose token waits for it."""
        token = self.waiting(wait)
        step = self.definition.by_id[token.step]
        try:
            decision = NODES[step.type].answer(self.visit(token), event)
        except ExpressionError as error:
            decision = expression_failure(error)
        if decision is None:
            decision = Fail("unexpected", f"The step cannot be answered by {event.kind}.")
        self.carry_out(token, decision)

    def retry(self, wait: int) -> None:
        """Let a stuck token enter its step again, or leave it if its work was done."""
        token = self.waiting(wait)
        self.effects.append(ResolveIncident(step=token.step, wait=wait, how="retried"))
        if token.wait is not None and (token.wait.error or {}).get("leaving"):
            self.leave(token, Leave(by_edges=True))
            return
        self.visits[token.step] = 0  # the operator's word counts: the limit starts anew
        self.enter(_at(token, token.step), again=True)

    def waiting(self, wait: int) -> Token:
        """Return the token that waits with this id; ``_refusal`` has seen it."""
        return next(t for t in self.tokens.values() if t.wait is not None and t.wait.id == wait)

    def visit(self, token: Token) -> Visit:
        """Return what the node may look at."""
        if self.scope is None:
            done = {step: _seen(one) for step, one in self.completed.items()}
            self.scope = {**done, **self.variables, **self.facts}
        step = self.definition.by_id[token.step]
        return Visit(self.definition, step, token.id, self.scope, self.variables, self.event.at)

    def carry_out(self, token: Token, decision: Decision) -> None:
        """Do to the state what a node decided."""
        if isinstance(decision, Stay):
            wait = self.take_id()
            self.tokens[token.id] = _at(token, token.step, Wait(wait, decision.kind))
            self.effects.extend(decision.effects(wait))
        elif isinstance(decision, Leave):
            self.leave(token, decision)
        elif isinstance(decision, Finish):
            self.finish(token, decision)
        else:
            self.fail(token, decision)

    def leave(self, token: Token, decision: Leave) -> None:
        """Move the token along its edge, or end its path."""
        if decision.completion is not None:
            self.completed[token.step] = decision.completion
            self.scope = None
        self.set_variables(token.step, decision.variables)
        target = decision.target
        if decision.by_edges:
            way = self.way_out(token)
            if isinstance(way, Fail):
                self.stop(token, way, leaving=True)
                return
            target = way.target
        self.effects.append(Passed(step=token.step, token=token.id, left=True, target=target))
        self.moved = True
        if target is None:
            del self.tokens[token.id]
            return
        self.tokens[token.id] = _at(token, target)
        self.ready.append(token.id)

    def way_out(self, token: Token) -> Leave | Fail:
        """Ask the edges of a step whose work is done."""
        try:
            return way_out(self.visit(token))
        except ExpressionError as error:
            return expression_failure(error)

    def finish(self, token: Token, decision: Finish) -> None:
        """Take the token away at an explicit end."""
        self.effects.append(Passed(step=token.step, token=token.id, left=True))
        del self.tokens[token.id]
        self.last_end = decision
        self.moved = True
        if decision.terminate:
            self.withdraw_all("another path ended the process")
            self.end(STATUS_OF[decision.result], decision.result, decision.code)

    def fail(self, token: Token, failure: Fail) -> None:
        """Hand over to ``on_error`` if it is for this, else stop with an incident."""
        step = self.definition.by_id[token.step]
        if failure.caught and step.on_error is not None:
            error = {"step": step.id, "message": failure.message, **failure.detail}
            self.leave(token, Leave(step.on_error, {"error": error}))
            return
        self.stop(token, failure)

    def stop(self, token: Token, failure: Fail, *, leaving: bool = False) -> None:
        """Raise an incident on the token; ``leaving``: only its way out is missing."""
        wait = self.take_id()
        error: dict[str, Any] = {"kind": failure.kind, "message": failure.message}
        if leaving:
            error["leaving"] = True
        self.tokens[token.id] = _at(token, token.step, Wait(wait, "incident", error))
        self.effects.append(
            RaiseIncident(
                step=token.step,
                wait=wait,
                token=token.id,
                error_kind=failure.kind,
                message=failure.message,
                detail=failure.detail,
            )
        )

    def set_variables(self, step: str, values: Mapping[str, Any]) -> None:
        """Merge values; only what changed is told."""
        changed = {
            name: value
            for name, value in values.items()
            if name not in self.variables or not same(self.variables[name], value)
        }
        if changed:
            self.variables = {**self.variables, **changed}
            self.scope = None
            self.effects.append(SetVariables(step=step, values=changed))

    def withdraw_all(self, reason: str) -> None:
        """Close whatever any token waits for, and take the tokens away."""
        for token in self.tokens.values():
            if token.wait is None:
                continue
            wait, step = token.wait, token.step
            if wait.kind == "task":
                self.effects.append(CloseTask(step=step, wait=wait.id, reason=reason))
            elif wait.kind == "job":
                self.effects.append(CancelJob(step=step, wait=wait.id, reason=reason))
            else:
                self.effects.append(ResolveIncident(step=step, wait=wait.id, how="withdrawn"))
        self.tokens.clear()
        self.ready.clear()

    def end(self, status: str, result: str | None, code: str | None) -> None:
        """End the instance."""
        self.ended = Ended(step="", status=status, result=result, code=code)
        self.effects.append(self.ended)

    def done(self) -> Transition:
        """Return the new state and what led to it."""
        ended = self.ended
        state = State(
            status=STATUS_OF_ENDED[ended.status] if ended else self.before.status,
            tokens=tuple(self.tokens[key] for key in sorted(self.tokens)),
            variables=self.variables,
            facts=self.facts,
            completed=self.completed,
            visits=self.visits,
            next_id=self.next_id,
            result=(ended.code or ended.result) if ended else self.before.result,
        )
        return Transition(state, tuple(self.effects))


def _at(token: Token, step: str, wait: Wait | None = None) -> Token:
    """Return the token at a step, waiting or ready (``replace`` would be slower)."""
    return Token(token.id, step, token.edge, token.scope, token.forks, wait)


def _pass_through(visit: Visit) -> Leave | Fail:
    """Leave a step that is skipped: as people's first choice, else by its edges."""
    offered = choices(visit.step)
    return Leave(offered[0]["target"]) if offered else way_out(visit)


STATUS_OF_ENDED: Final[Mapping[str, Any]] = {status: status for status in ENDED}


def _seen(done: Completion) -> dict[str, Any]:
    """Return what ``${step.completed_by}`` and its like read."""
    return {
        "completed_by": done.by,
        "completed_at": done.at,
        "outcome": done.outcome,
        "values": done.values,
    }
