"""Going back: a step that was done is opened again for who did it.

A token can be sent back to a user step that was completed in its own scope, inside no split that
the token has left since (``Completion.forks`` is a prefix of its own), and to the start form.
Whatever has come of that completion is withdrawn: the tokens below its place that were not
there before. Never across a call, nor out of a sub-process or an element of a multi.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core import withdrawing
from app.core.definition import START, Definition
from app.core.effects import Passed, SetVariables
from app.core.events import Recalled, Returned, Withdrawn
from app.core.nodes.base import plain_way
from app.core.outcome import decide
from app.core.record import dataclass
from app.core.state import PAST_JOIN, ROOT, Again, Completion, State, Token, within

if TYPE_CHECKING:
    from app.core.run import Run


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token can be sent back to.

    Args:
        step: id of the step.
        by: who gets it: who has done it, or for whom somebody who stood in has.
        forks: the splits that it is inside.
        mark: see ``Completion``.
    """

    step: str
    by: str
    forks: tuple[int, ...]
    mark: int


def places(definition: Definition, state: State, token: Token) -> tuple[Place, ...]:
    """Return where a token can be sent back to, the nearest first."""
    if token.step == START:
        return ()
    found = [
        Place(step, done.owner, done.forks, done.mark)
        for step, done in state.completed.items()
        if step not in (START, token.step) and _on_the_way(definition, state, token, step, done)
    ]
    found.sort(key=lambda place: -place.mark)
    if definition.again is not None and token.scope == ROOT:
        found.append(_start(state))
    return tuple(found)


def place_of(definition: Definition, state: State, token: Token, step: str) -> Place | None:
    """Return one of them by the id of its step."""
    return next((each for each in places(definition, state, token) if each.step == step), None)


def of_initiator(definition: Definition, state: State, token: Token) -> Place | None:
    """Return where the initiator gets it back: the first step that they did, else the start."""
    initiator = _initiator(state)
    found = places(definition, state, token)
    done = [place for place in found if place.by == initiator and place.step != START]
    if done:
        return done[-1]
    return next((place for place in found if place.step == START), None)


def cancelled(state: State, token: Token, place: Place) -> tuple[Token, ...]:
    """Return the other tokens that are withdrawn when one is sent back."""
    return tuple(
        other
        for other in state.tokens
        if other.id != token.id
        and other.scope == token.scope
        and within(other.forks, place.forks)
        and other.id >= place.mark
    )


def may_go_straight(token: Token, place: Place) -> bool:
    """Say whether a token could come straight back: not if other branches end by its return."""
    return token.forks == place.forks


def void(definition: Definition, state: State, token: Token) -> tuple[str, ...]:
    """Return the steps whose decisions were taken back and not made again, in their order.

    Without the step that a token stands on.
    """
    found = [
        (done.mark, step)
        for step, done in state.completed.items()
        if done.void and step in definition.by_id and step not in (START, token.step)
    ]
    return tuple(step for _, step in sorted(found))


def descended(state: State, done: Completion) -> tuple[Token, ...]:
    """Return the tokens that a completion has become; none if they were joined by others."""
    return tuple(
        token
        for token in state.tokens
        if token.scope == done.scope
        and within(token.forks, done.forks)
        and (token.forks == done.forks or token.id >= done.mark)
    )


# --- what stands in the way -----------------------------------------------------------


def no_return(definition: Definition, state: State, event: Returned) -> str | None:
    """Say why a task cannot be given back like this, if it can't."""
    token = next(each for each in state.tokens if each.wait and each.wait.id == event.wait)
    place = place_of(definition, state, token, event.step)
    if place is None:
        return "the step was not done on the way here"
    if event.straight and not may_go_straight(token, place):
        return "other branches end by this return: it cannot come straight back"
    return _no_round(definition, state)


def no_recall(definition: Definition, state: State, event: Recalled) -> str | None:
    """Say why a completion cannot be taken back, if it can't."""
    done = state.completed.get(event.step)
    if done is None or done.void or event.step not in definition.by_id:
        return "there is nothing to take back"
    if done.scope != ROOT and done.scope not in state.scopes:
        return "what it was part of has ended"
    return None if descended(state, done) else "it has gone on together with others"


def no_withdrawal(definition: Definition, state: State, event: Withdrawn) -> str | None:
    """Say why the initiator cannot take the request back, if they can't."""
    if not definition.points_of_no_return.isdisjoint(state.visits):
        return "a point of no return was passed"
    if event.step is None:
        return None
    if event.step != START or definition.again is None:
        return "there is no start form"
    if any(token.step == START for token in state.tokens):
        return "it is there already"
    return _no_round(definition, state)


def _no_round(definition: Definition, state: State) -> str | None:
    return "it was returned too often" if state.round >= definition.max_rounds else None


# --- what happens ---------------------------------------------------------------------


def give_back(run: Run, event: Returned) -> None:
    """Send the token of a task back to a step that was done before."""
    token = run.waiting(event.wait)
    place = place_of(run.definition, run.before, token, event.step)
    assert place is not None  # noqa: S101 - no_return has looked
    back: tuple[tuple[str, str], ...] = ()
    if event.straight:
        rest = token.again.back if token.again is not None else ()
        back = ((token.step, event.on_behalf_of or event.by), *rest)
    else:
        _make_void(run, place)
    run.round += 1
    others = cancelled(run.before, token, place)
    _reopen(run, token, others, place, back, event.reason or "returned to an earlier step")


def recall(run: Run, event: Recalled) -> None:
    """Undo a completion: its step is opened again, and the variables are as they were."""
    done = run.completed[event.step]
    carrier, *others = descended(run.before, done)
    back: tuple[tuple[str, str], ...] = ()
    if carrier.again is not None:  # it had gone straight on to where it was returned from
        back = ((carrier.step, carrier.again.by), *carrier.again.back)
    place = Place(event.step, done.owner, done.forks, done.mark)
    _make_void(run, place)
    run.set_variables(event.step, ROOT, event.restore)
    gone = [name for name in event.forget if name in run.variables]
    if gone:
        kept = run.variables.items()
        run.variables = {name: value for name, value in kept if name not in gone}
        run.seen = None
        run.effects.append(SetVariables(step=event.step, values=dict.fromkeys(gone)))
    _reopen(run, carrier, others, place, back, event.reason or "the decision before was recalled")


def take_back(run: Run, event: Withdrawn) -> None:
    """End the request, or give all of it back to the initiator's start form."""
    reason = event.reason or "withdrawn by who started it"
    if event.step is None:
        withdrawing.everything(run, reason)
        run.end("terminated", "withdrawn", None)
        return
    place = _start(run.before)
    _make_void(run, place)
    run.round += 1
    token, *others = (each for each in run.before.tokens if each.scope == ROOT)
    _reopen(run, token, others, place, (), reason)


def goes_straight(run: Run, token: Token, former: Completion | None, target: str | None) -> bool:
    """Send a token on to where it was returned from, if its step was done as before.

    Args:
        token: one that was sent back, whose step has just been completed.
        former: how the step was completed before.
        target: where it would go on.
    """
    again = token.again
    if again is None or not again.back:
        return False
    (step, by), *rest = again.back
    known = run.steps.get(step)
    same = known is not None and known.parent == run.steps[token.step].parent
    if not same or (former is not None and not _same_way(run, token, former, target)):
        if former is not None:
            _make_void(run, Place(token.step, by, former.forks, former.mark), but=token.step)
        return False
    run.effects.append(Passed(step=token.step, token=token.id, left=True, target=step))
    on = Again(by, tuple(rest))
    run.put(Token(token.id, step, PAST_JOIN, token.scope, token.forks, None, on))
    return True


def _same_way(run: Run, token: Token, former: Completion, target: str | None) -> bool:
    step = run.step_of(token)
    if former.outcome != run.completed[token.step].outcome:
        return False
    decided = decide(step, former.values, former.outcome, comment="-").target
    if decided is not None:
        return decided == target
    way = plain_way(step)
    return target == (way.target if way is not None else former.target)


def _reopen(
    run: Run,
    token: Token,
    others: Iterable[Token],
    place: Place,
    back: tuple[tuple[str, str], ...],
    reason: str,
) -> None:
    """Put a token on a step that was done before, and withdraw others."""
    for other in others:
        if other.id in run.tokens:
            withdrawing.withdraw(run, run.tokens[other.id], reason)
    token = withdrawing.close_wait(run, token, reason)
    run.effects.append(Passed(step=token.step, token=token.id, left=True, target=place.step))
    again = Again(place.by, back)
    run.put(Token(token.id, place.step, PAST_JOIN, token.scope, place.forks, None, again))


def _make_void(run: Run, place: Place, *, but: str = "") -> None:
    """Mark the decisions void that were made at a place and below it since."""
    for step, done in run.completed.items():
        since = done.mark >= place.mark and within(done.forks, place.forks)
        if since and step != but and not done.void:
            run.completed[step] = replace(done, void=True)
    run.seen = None


def _on_the_way(
    definition: Definition, state: State, token: Token, step: str, done: Completion
) -> bool:
    known = definition.by_id.get(step)
    if done.void or done.scope != token.scope or known is None or known.multi is not None:
        return False
    own = state.completed.get(token.step) if token.again is not None else None
    if own is not None and done.mark >= own.mark:
        return False  # what came after the step that it was sent back to
    return within(token.forks, done.forks)


def _start(state: State) -> Place:
    return Place(START, _initiator(state), (), 0)


def _initiator(state: State) -> str:
    return str(state.facts.get("initiator", {}).get("username", ""))
