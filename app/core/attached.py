"""What may happen to a token while it waits: the timers and messages of a ``boundary``.

The events of an event gateway are the same thing: it waits for nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core import inside, seeing, withdrawing
from app.core.definition import Boundary
from app.core.effects import CancelTimer, StartTimer, Subscribe, Unsubscribe
from app.core.events import Event, MessageReceived
from app.core.expression import ExpressionError, evaluate_config
from app.core.moments import moment_of
from app.core.nodes.base import Fail, Visit, expression_failure
from app.core.nodes.result import taken
from app.core.state import TIMEOUT, Attached, Token
from app.core.values import plain_text

if TYPE_CHECKING:
    from app.core.run import Run


def arm(run: Run, token: Token, limit: datetime | None = None) -> tuple[Attached, ...] | None:
    """Start the timers and subscriptions of the token's step, and the limit of its wait.

    What an earlier wait on the same visit has armed (before an incident) goes on instead.

    Returns:
        None if one of them cannot be started: then the token is stuck with an incident.
    """
    armed = token.wait.attached if token.wait is not None else ()
    if not armed and run.step_of(token).boundary:
        fresh = _all_or_why(run, token)
        if isinstance(fresh, Fail):
            run.stop(token, fresh)
            return None
        armed = fresh
    if limit is None:
        return armed
    timeout = Attached(run.take_id(), TIMEOUT, "timer")
    run.effects.append(StartTimer(step=token.step, wait=timeout.id, due_at=limit))
    return (timeout, *armed)


def _arm_all(run: Run, token: Token) -> tuple[Attached, ...] | Fail:
    """Start what a step's boundaries ask for: all of it, or nothing if one of them fails."""
    if inside.is_element(run, token):
        return ()
    made = []
    for index, boundary in enumerate(run.step_of(token).boundary):
        if boundary.on != "error":
            one = _arm_one(run, token, index, boundary)
            if isinstance(one, Fail):
                return one
            made.append(one)
    run.effects.extend(effect for _, effect in made)
    return tuple(armed for armed, _ in made)


def _all_or_why(run: Run, token: Token) -> tuple[Attached, ...] | Fail:
    try:
        return _arm_all(run, token)
    except ExpressionError as error:
        return expression_failure(error)


def arm_anew(run: Run) -> None:
    """Start again what is attached to every token, after the steps have changed."""
    for token in list(run.tokens.values()):
        wait = token.wait
        if wait is None or wait.kind == "join":
            continue
        limits = tuple(each for each in wait.attached if each.index == TIMEOUT)
        others = tuple(each for each in wait.attached if each.index != TIMEOUT)
        if wait.kind == "incident" and not others:
            continue  # it failed on its way in: nothing was armed yet
        _close(run, token, others)
        bare = replace(token, wait=replace(wait, attached=limits))
        fresh = _all_or_why(run, bare)
        if isinstance(fresh, Fail):
            run.stop(withdrawing.close_wait(run, bare, fresh.message), fresh)
            continue
        run.put(replace(token, wait=replace(wait, attached=(*limits, *fresh))))


def detach(run: Run, token: Token) -> None:
    """Close everything that is attached to a token's wait."""
    if token.wait is not None:
        _close(run, token, token.wait.attached)


def without_limit(run: Run, token: Token) -> tuple[Attached, ...]:
    """Close the limit of a wait that was answered; return what else is attached to it."""
    there = token.wait.attached if token.wait is not None else ()
    _close(run, token, tuple(each for each in there if each.index == TIMEOUT))
    return tuple(each for each in there if each.index != TIMEOUT)


def fire(run: Run, token: Token, event: Event) -> None:
    """Let something attached happen: the step is left by it, or a path begins beside it."""
    wait = token.wait
    assert wait is not None  # noqa: S101 - it was found by its wait
    fired = next(each for each in wait.attached if each.id == getattr(event, "wait", None))
    rest = tuple(each for each in wait.attached if each.id != fired.id)
    token = replace(token, wait=replace(wait, attached=rest))
    run.tokens[token.id] = token
    if fired.index == TIMEOUT:
        withdrawing.close_own(run, token, wait, "timeout")
        failure = Fail("timeout", "Nothing came in time.", {"code": "timeout"}, caught=True)
        run.fail(token, failure)
        return
    boundary = run.step_of(token).boundary[fired.index]
    try:
        values = _output(boundary, seeing.visit(run, token), event)
    except ExpressionError as error:
        values = expression_failure(error)
    if isinstance(values, Fail):
        token = withdrawing.close_wait(run, token, "its boundary failed")
        run.stop(token, values)
        return
    run.set_variables(token.step, token.scope, values)
    edge = f"{token.step}#{fired.index}"
    if boundary.interrupt:
        token = withdrawing.close_wait(run, token, f"{boundary.on} {_named(boundary)}".strip())
        run.go(token, edge, boundary.target)
        return
    _rearm(run, token, fired, boundary)
    if boundary.target is not None:
        forks = (*token.forks, run.take_id())
        run.put(Token(run.take_id(), boundary.target, edge, token.scope, forks))


def _rearm(run: Run, token: Token, fired: Attached, boundary: Boundary) -> None:
    """Start a repeating timer, or a message that may come again, once more."""
    left = None if fired.left is None else fired.left - 1
    if left == 0:
        return
    try:
        made = _arm_one(run, token, fired.index, boundary)
    except ExpressionError:
        return  # it could be armed before; without its variables it does not repeat
    if isinstance(made, Fail):
        return
    again, effect = made
    if isinstance(effect, StartTimer) and effect.due_at <= run.event.at:
        return  # a clock that does not move on would fire for ever
    run.effects.append(effect)
    wait = token.wait
    assert wait is not None  # noqa: S101 - only what waits has something attached
    run.tokens[token.id] = replace(
        token, wait=replace(wait, attached=(*wait.attached, replace(again, left=left)))
    )


def _arm_one(
    run: Run, token: Token, index: int, boundary: Boundary
) -> tuple[Attached, StartTimer | Subscribe] | Fail:
    visit = seeing.visit(run, token)
    left = _repeats(boundary)
    if boundary.on == "message":
        key = plain_text(
            evaluate_config(boundary.config.get("correlate", ""), visit.scope, visit.now)
        )
        made = Attached(run.take_id(), index, "message", left)
        name = str(boundary.config["message"])
        return made, Subscribe(step=token.step, wait=made.id, name=name, key=key)
    due = moment_of(boundary.config, visit)
    if isinstance(due, Fail):
        return due
    made = Attached(run.take_id(), index, "timer", left)
    return made, StartTimer(step=token.step, wait=made.id, due_at=due)


def _repeats(boundary: Boundary) -> int | None:
    repeat = boundary.config.get("repeat", boundary.on == "message" and not boundary.interrupt)
    if repeat is True:
        return None
    return max(1, int(repeat or 1))


def _output(boundary: Boundary, visit: Visit, event: Event) -> dict[str, Any] | Fail:
    if not isinstance(event, MessageReceived):
        return {}
    return taken(visit, dict(event.payload), boundary.config.get("output"), otherwise=False)


def _close(run: Run, token: Token, those: tuple[Attached, ...]) -> None:
    for each in those:
        if each.kind == "timer":
            run.effects.append(CancelTimer(step=token.step, wait=each.id))
        else:
            run.effects.append(Unsubscribe(step=token.step, wait=each.id))


def _named(boundary: Boundary) -> str:
    return str(boundary.config.get("message", ""))
