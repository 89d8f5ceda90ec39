"""What may happen to a token while it waits: the timers and messages of a ``boundary``.

The events of an event gateway are the same thing: it waits for nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core import inside, withdrawing
from app.core.definition import Boundary
from app.core.effects import CancelTimer, StartTimer, Subscribe, Unsubscribe
from app.core.events import Event, MessageReceived
from app.core.expression import ExpressionError, evaluate_config
from app.core.moments import moment_of
from app.core.nodes.base import Fail, Visit, expression_failure
from app.core.state import TIMEOUT, Attached, Token
from app.core.values import plain_text, storable

if TYPE_CHECKING:
    from app.core.run import Run


def arm(run: Run, token: Token, limit: datetime | None) -> tuple[Attached, ...] | Fail:
    """Start the timers and subscriptions of the token's step.

    What an earlier wait on the same visit has armed (before an incident) goes on instead.

    Raises:
        ExpressionError: when it falls due, or its key, cannot be evaluated.
    """
    if token.wait is not None and token.wait.attached:
        return token.wait.attached
    armed: list[Attached] = []
    effects: list[StartTimer | Subscribe] = []
    if limit is not None:
        timeout = Attached(run.take_id(), TIMEOUT, "timer")
        armed.append(timeout)
        effects.append(StartTimer(step=token.step, wait=timeout.id, due_at=limit))
    if not inside.is_element(run, token):
        for index, boundary in enumerate(run.step_of(token).boundary):
            if boundary.on == "error":
                continue
            made = _arm_one(run, token, index, boundary)
            if isinstance(made, Fail):
                return made
            armed.append(made[0])
            effects.append(made[1])
    run.effects.extend(effects)
    return tuple(armed)


def arm_anew(run: Run) -> None:
    """Start again what is attached to every token, after the steps have changed."""
    for token in list(run.tokens.values()):
        wait = token.wait
        if wait is None or wait.kind in ("join", "incident"):
            continue
        limits = tuple(each for each in wait.attached if each.index == TIMEOUT)
        others = tuple(each for each in wait.attached if each.index != TIMEOUT)
        _close(run, token, others)
        bare = replace(token, wait=replace(wait, attached=()))
        try:
            fresh = arm(run, bare, None)
        except ExpressionError as error:
            fresh = expression_failure(error)
        if isinstance(fresh, Fail):
            run.stop(withdrawing.close_wait(run, bare, fresh.message), fresh)
            continue
        run.put(replace(token, wait=replace(wait, attached=(*limits, *fresh))))


def detach(run: Run, token: Token) -> None:
    """Close everything that is attached to a token's wait."""
    if token.wait is not None:
        _close(run, token, token.wait.attached)


def fire(run: Run, token: Token, event: Event) -> None:
    """Let something attached happen: the step is left by it, or a path begins beside it."""
    wait = token.wait
    assert wait is not None  # noqa: S101 - it was found by its wait
    fired = next(each for each in wait.attached if each.id == getattr(event, "wait", None))
    rest = tuple(each for each in wait.attached if each.id != fired.id)
    token = replace(token, wait=replace(wait, attached=rest))
    run.tokens[token.id] = token
    if fired.index == TIMEOUT:
        token = withdrawing.close_wait(run, token, "timeout")
        failure = Fail("timeout", "Nothing came in time.", {"code": "timeout"}, caught=True)
        run.fail(token, failure)
        return
    boundary = run.step_of(token).boundary[fired.index]
    try:
        values = _output(boundary, run.visit(token), event)
    except ExpressionError as error:
        token = withdrawing.close_wait(run, token, "its boundary failed")
        run.stop(token, expression_failure(error))
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
    run.effects.append(effect)
    wait = token.wait
    assert wait is not None  # noqa: S101 - only what waits has something attached
    run.tokens[token.id] = replace(
        token, wait=replace(wait, attached=(*wait.attached, replace(again, left=left)))
    )


def _arm_one(
    run: Run, token: Token, index: int, boundary: Boundary
) -> tuple[Attached, StartTimer | Subscribe] | Fail:
    visit = run.visit(token)
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


def _output(boundary: Boundary, visit: Visit, event: Event) -> dict[str, Any]:
    if not isinstance(event, MessageReceived):
        return {}
    output = boundary.config.get("output")
    if output is None:
        return {
            name: value
            for name, value in event.payload.items()
            if name in visit.definition.variables
        }
    scope = {**visit.scope, "result": event.payload}
    return dict(storable(evaluate_config(output, scope, visit.now)))


def _close(run: Run, token: Token, those: tuple[Attached, ...]) -> None:
    for each in those:
        if each.kind == "timer":
            run.effects.append(CancelTimer(step=token.step, wait=each.id))
        else:
            run.effects.append(Unsubscribe(step=token.step, wait=each.id))


def _named(boundary: Boundary) -> str:
    return str(boundary.config.get("message", ""))
