"""Where an error goes: a boundary for it, ``on_error``, the sub-process around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.core import attached, inside, withdrawing
from app.core.definition import Step
from app.core.effects import Passed
from app.core.nodes.base import Fail, Finish
from app.core.state import ROOT, Scope, Token
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.run import Run


def caught(run: Run, token: Token, failure: Fail, *, answered: bool = True) -> bool:
    """Let the nearest that is there for it take over; say whether there was one.

    On each step, from the failing one outwards: a boundary with its very code, one for
    any error, ``on_error``. An element of a multi fails the whole step.

    Args:
        answered: what the token waited for is over already.
    """
    at: Token | None = token
    while at is not None:
        if inside.is_element(run, at):
            at = run.tokens[run.scopes[at.scope].owner]
        way = _way(run.step_of(at), failure.detail.get("code"))
        if way is not None:
            _hand_over(run, token, at, way, failure, answered=answered)
            return True
        at = _around(run, at)
    return False


def _hand_over(
    run: Run,
    failing: Token,
    at: Token,
    way: tuple[str, str | None],
    failure: Fail,
    *,
    answered: bool,
) -> None:
    if answered:
        attached.detach(run, failing)
        run.tokens[failing.id] = replace(failing, wait=None)
    at = withdrawing.close_wait(run, run.tokens[at.id], failure.message)
    error = {"step": failing.step, "message": str(failure.message), **failure.detail}
    run.set_variables(at.step, at.scope, {"error": error})
    edge, target = way
    run.go(at, edge, target)


def throw(run: Run, token: Token, scope: Scope, end: Finish) -> None:
    """Leave a sub-process by an error end; uncaught, the instance fails with it."""
    message = Phrase(
        "The sub-process ended with the error %(code)s.", code=str(end.code or "error")
    )
    failure = Fail("error_end", message, {"code": end.code or "error"}, caught=True)
    run.effects.append(Passed(step=token.step, token=token.id, left=True))
    owner = run.tokens[scope.owner]
    if not caught(run, owner, failure, answered=False):
        withdrawing.everything(run, message)
        run.end("failed", "error", end.code)


def _way(step: Step, code: Any) -> tuple[str, str | None] | None:
    any_error: tuple[str, str | None] | None = None
    for index, boundary in enumerate(step.boundary):
        if boundary.on != "error":
            continue
        wanted = boundary.config.get("code")
        if wanted is not None and wanted == code:
            return f"{step.id}#{index}", boundary.target
        if wanted is None and any_error is None:
            any_error = (f"{step.id}#{index}", boundary.target)
    if any_error is not None:
        return any_error
    return (step.id, step.on_error) if step.on_error is not None else None


def _around(run: Run, token: Token) -> Token | None:
    """Return the owner of the scope that a token moves in; None for the instance itself."""
    return None if token.scope == ROOT else run.tokens[run.scopes[token.scope].owner]
