"""The state while one event is worked on: how tokens enter, wait, split, leave and end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from app.core import attached, catching, inside, joining, returning, seeing, skipping, withdrawing
from app.core.definition import Definition, Step
from app.core.effects import Effect, Ended, Passed, RaiseIncident, ResolveIncident, SetVariables
from app.core.events import Event, Started
from app.core.expression import ExpressionError
from app.core.nodes.base import (
    Decision,
    Fail,
    Finish,
    Inside,
    Leave,
    Split,
    Stay,
    expression_failure,
    plain_way,
    way_out,
)
from app.core.nodes.table import node_of
from app.core.once import once
from app.core.state import PAST_JOIN, ROOT, Scope, State, Status, Token, Wait
from app.core.values import same
from app.errors import Phrase

MAX_STEPS: Final = 10_000
"""Steps that one event may pass; beyond, an incident, never a hang."""

STATUS_OF: Final[Mapping[str, Status]] = {
    "completed": "completed",
    "cancelled": "terminated",
    "error": "failed",
}
"""The status of an instance by the gravest end that was reached, the gravest last."""
_GRAVITY: Final = tuple(STATUS_OF)


class Run:
    """The state while one event is worked on; never seen from outside."""

    def __init__(self, definition: Definition, state: State, event: Event) -> None:
        self.definition = definition
        self.steps = definition.by_id
        self.joins = joining.joins(definition)
        self.before = state
        self.event = event
        self.tokens: dict[int, Token] = {}
        self.ready: list[int] = []
        for token in state.tokens:
            self.put(token)
        self.scopes = dict(state.scopes)
        self.variables = state.variables
        self.facts = state.facts
        self.completed = dict(state.completed)
        self.visits = dict(state.visits)
        self.next_id = state.next_id
        self.effects: list[Effect] = []
        self.reached_end = state.end
        self.round = state.round
        self.ended: Ended | None = None
        self.seen: Mapping[str, Any] | None = None

    # --- beginning and ending ---------------------------------------------------------

    def begin(self, event: Started) -> None:
        """Put the first token on the first step; declared defaults fill what is not given."""
        self.variables = {**_defaults(self.definition), **event.variables}
        self.facts = event.facts
        self.put(Token(self.take_id(), self.definition.first[None]))

    def loop(self) -> None:
        """Let the lowest ready token act until none is ready and no join can fire."""
        passed = 0
        while self.ended is None:
            if self.ready:
                self.ready.sort()
                token = self.tokens[self.ready.pop(0)]
                passed += 1
                if passed > MAX_STEPS:
                    self.effects.append(Passed(step=token.step, token=token.id))
                    message = Phrase(
                        "More than %(max)d steps at once: the process runs in a circle.",
                        max=MAX_STEPS,
                    )
                    self.stop(token, Fail("loop_limit", message))
                    continue
                self.arrive(token)
            elif not joining.fire_waiting(self):
                break
        if not self.tokens and self.ended is None:
            result, code = self.reached_end or ("completed", None)
            self.end(STATUS_OF[result], result, code)

    def end(self, status: str, result: str | None, code: str | None) -> None:
        """End the instance."""
        self.ended = Ended(step="", status=status, result=result, code=code)
        self.effects.append(self.ended)

    def state(self) -> State:
        """Return the new state."""
        ended = self.ended
        return State(
            status=cast(Status, ended.status) if ended else self.before.status,
            tokens=tuple(map(self.tokens.__getitem__, sorted(self.tokens))),
            variables=self.variables,
            facts=self.facts,
            completed=self.completed,
            visits=self.visits,
            next_id=self.next_id,
            result=(ended.code or ended.result) if ended else self.before.result,
            scopes=self.scopes,
            end=self.reached_end,
            round=self.round,
        )

    def see(self) -> Mapping[str, Any]:
        """Return what expressions see; put together once after every change."""
        if self.seen is None:
            done = {step: one.seen() for step, one in self.completed.items()}
            self.seen = {**done, **self.variables, **self.facts}
        return self.seen

    # --- tokens -----------------------------------------------------------------------

    def take_id(self) -> int:
        """Return a new id."""
        taken = self.next_id
        self.next_id += 1
        return taken

    def put(self, token: Token) -> None:
        """Add a token, or another version of it; without a wait it is ready."""
        self.tokens[token.id] = token
        if token.wait is None and token.id not in self.ready:
            self.ready.append(token.id)

    def take(self, token: Token) -> None:
        """Remove a token."""
        del self.tokens[token.id]
        if token.id in self.ready:
            self.ready.remove(token.id)

    def waiting(self, wait: int) -> Token:
        """Return the token that waits with this id; ``advance`` has seen it."""
        for token in self.tokens.values():
            if token.wait is not None and token.wait.has(wait):
                return token
        raise LookupError(wait)

    def step_of(self, token: Token) -> Step:
        """Return the step a token stands on."""
        return self.steps[token.step]

    def scope_of(self, token: Token) -> Scope | None:
        """Return the scope a token moves in; None for the instance itself."""
        return None if token.scope == ROOT else self.scopes[token.scope]

    # --- entering ---------------------------------------------------------------------

    def arrive(self, token: Token) -> None:
        """Let a token come to its step: count it, gather it at a join, else let it enter."""
        self.effects.append(Passed(step=token.step, token=token.id))
        if token.scope == ROOT or not inside.is_element(self, token):
            visits = self.visits if token.scope == ROOT else self.scopes[token.scope].visits
            count = visits.get(token.step, 0) + 1
            if count > self.definition.max_visits:
                message = Phrase(
                    "The step was entered more than %(max)d times.", max=self.definition.max_visits
                )
                self.stop(token, Fail("loop_limit", message))
                return
            self.count_visits(token, count)
        self.come(token)

    def count_visits(self, token: Token, count: int) -> None:
        """Keep how often a token's step was entered in its scope."""
        if token.scope == ROOT:
            self.visits[token.step] = count
        else:
            scope = self.scopes[token.scope]
            counts = {**scope.visits, token.step: count}
            self.scopes[token.scope] = replace(scope, visits=counts)
            if self.steps[token.step].point_of_no_return:  # known when the scope has ended, too
                self.visits[token.step] = self.visits.get(token.step, 0) + 1

    def come(self, token: Token) -> None:
        """Gather a token at a join, else let it enter."""
        if token.step in self.joins and token.edge != PAST_JOIN:
            joining.gather(self, token)
        else:
            self.enter(token)

    def enter(self, token: Token) -> None:
        """Let the node of the token's step decide."""
        step = self.steps[token.step]
        visit = seeing.visit(self, token)
        simple = step.skip_when is None and step.multi is None
        try:
            if simple or inside.is_element(self, token):
                decision = node_of(step.type).enter(visit)
            elif token.again is None and skipping.wanted(step, visit):
                decision = skipping.passing(self, token, None)
            elif step.multi is not None:
                inside.open_multi(self, token, step.multi, visit)
                return
            else:
                decision = node_of(step.type).enter(visit)
        except ExpressionError as error:
            decision = expression_failure(error)
        self.carry_out(token, decision)

    def answer(self, token: Token, event: Event) -> None:
        """Give the answer to the node whose token waits for it."""
        step = self.step_of(token)
        try:
            decision = node_of(step.type).answer(seeing.visit(self, token), event)
        except ExpressionError as error:
            decision = expression_failure(error)
        if decision is None:
            decision = Fail(
                "unexpected", Phrase("The step cannot be answered by %(kind)s.", kind=event.kind)
            )
        self.carry_out(token, decision)

    def retry(self, token: Token) -> None:
        """Let a stuck token enter its step again, or leave it if its work was done."""
        wait = token.wait
        assert wait is not None  # noqa: S101 - what waits for a retry is an incident
        self.effects.append(ResolveIncident(step=token.step, wait=wait.id, how="retried"))
        if (wait.error or {}).get("leaving"):
            self.leave(token, Leave(by_edges=True))
            return
        if not inside.is_element(self, token):
            self.count_visits(token, 1)  # the operator's word counts: the limit starts anew
        self.come(token)

    # --- what a node decided ----------------------------------------------------------

    def carry_out(self, token: Token, decision: Decision) -> None:
        """Do to the state what a node decided."""
        _CARRY_OUT[type(decision)](self, token, decision)

    def stay(self, token: Token, decision: Stay) -> None:
        """Let the token wait, with all that may happen meanwhile."""
        wait = self.take_id()
        extra = attached.arm(self, token, decision.limit)
        if extra is None:
            return
        self.put(token.waiting(Wait(wait, decision.kind, attached=extra)))
        self.effects.extend(decision.effects(wait))

    def leave(self, token: Token, decision: Leave) -> None:
        """Move the token along its edge, or end its path."""
        former, made = None, decision.completion
        if made is not None:
            former = self.completed.pop(token.step, None)  # the latest stands last
            made = self.completed[token.step] = made.made(token, self.next_id, self.round)
            self.seen = None
        self.set_variables(token.step, token.scope, decision.variables)
        if decision.effects is not None:
            self.effects.extend(decision.effects(self.take_id()))
        if token.scope != ROOT and inside.is_element(self, token):
            inside.element_done(self, token)
            return
        target = decision.target
        if decision.by_edges:
            way = plain_way(self.steps[token.step])
            if way is None:
                found = self.way_out(token)
                if isinstance(found, Fail):
                    self.stop(token, found, leaving=True)
                    return
                way = found
                if made is not None:
                    self.completed[token.step] = replace(made, target=way.target)
            target = way.target
        attached.detach(self, token)
        straight = token.again is not None and made is not None
        if not (straight and returning.goes_straight(self, token, former, target)):
            self.go(token, decision.edge or token.step, target)

    def go(self, token: Token, edge: str, target: str | None) -> None:
        """Let a token that waits for nothing any more take an edge."""
        self.effects.append(Passed(step=token.step, token=token.id, left=True, target=target))
        if target is None:
            self.take(token)
            inside.maybe_over(self, token.scope)
        else:
            self.put(token.at(target, edge))

    def split(self, token: Token, decision: Split) -> None:
        """Let a token become one for each target."""
        targets = decision.targets
        if len(targets) == 1:
            self.leave(token, Leave(targets[0]))
            return
        self.take(token)
        for target in targets:
            self.effects.append(Passed(step=token.step, token=token.id, left=True, target=target))
            forks = (*token.forks, self.take_id())
            self.put(Token(self.take_id(), target, token.step, token.scope, forks))

    def way_out(self, token: Token) -> Leave | Fail:
        """Ask the edges of a step whose work is done."""
        try:
            return way_out(seeing.visit(self, token))
        except ExpressionError as error:
            return expression_failure(error)

    def finish(self, token: Token, decision: Finish) -> None:
        """Take the token away at an explicit end."""
        scope = inside.enclosing(self, token)
        if scope is not None and decision.result == "error":
            catching.throw(self, token, scope, decision)
            return
        reached = self.reached_end
        if scope is not None and decision.result == "completed":
            pass  # says nothing but that a path of the sub-process is over
        elif reached is None or _GRAVITY.index(decision.result) > _GRAVITY.index(reached[0]):
            self.reached_end = (decision.result, decision.code)
        elif reached[0] == decision.result:
            self.reached_end = (decision.result, decision.code or reached[1])
        self.effects.append(Passed(step=token.step, token=token.id, left=True))
        self.take(token)
        if decision.terminate:
            withdrawing.scope(self, token.scope, "another path ended the process")
        inside.maybe_over(self, token.scope)

    def fail(self, token: Token, failure: Fail) -> None:
        """Hand over to what is there for such an error, else stop with an incident."""
        if not (failure.caught and catching.caught(self, token, failure)):
            self.stop(token, failure)

    def stop(self, token: Token, failure: Fail, *, leaving: bool = False) -> None:
        """Raise an incident on the token; ``leaving``: only its way out is missing."""
        wait = self.take_id()
        error: dict[str, Any] = {"kind": failure.kind, "message": failure.message}
        if leaving:
            error["leaving"] = True
        extra = attached.without_limit(self, token)
        self.put(token.waiting(Wait(wait, "incident", error, extra)))
        if token.id in self.ready:
            self.ready.remove(token.id)
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

    def set_variables(self, step: str, scope: int, values: Mapping[str, Any]) -> None:
        """Merge values; only what changed is told. An element of a multi keeps its own."""
        if not values:
            return
        owner = inside.variables_owner(self, scope) if scope != ROOT else None
        known = self.variables if owner is None else owner.variables
        changed = {}
        for name, value in values.items():  # in 3.11 a comprehension costs a call
            if name not in known or not same(known[name], value):
                changed[name] = value
        if not changed:
            return
        if owner is None:
            self.variables = {**known, **changed}
            self.seen = None
        else:
            self.scopes[owner.id] = replace(owner, variables={**known, **changed})
        self.effects.append(
            SetVariables(step=step, values=changed, scope=owner.id if owner else ROOT)
        )


@once
def _defaults(definition: Definition) -> Mapping[str, Any]:
    return {
        name: variable.default
        for name, variable in definition.variables.items()
        if variable.default is not None
    }


_CARRY_OUT: Final[Mapping[type[Decision], Callable[[Run, Token, Any], None]]] = {
    Stay: Run.stay,
    Leave: Run.leave,
    Split: Run.split,
    Inside: lambda run, token, _: inside.open_sub(run, token),
    Finish: Run.finish,
    Fail: Run.fail,
}
