"""Going past a step without its work being done: by ``skip_when``, or an operator's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import inside, seeing, withdrawing
from app.core.definition import Step
from app.core.events import Skipped
from app.core.expression import ExpressionError, truth
from app.core.nodes.base import Decision, Leave, Visit, expression_failure
from app.core.nodes.table import node_of
from app.core.outcome import ways_past
from app.core.state import Token

if TYPE_CHECKING:
    from app.core.run import Run


def skip(run: Run, token: Token, event: Skipped) -> None:
    """Let a token go on as if its step had been done."""
    token = withdrawing.close_wait(run, token, event.reason or "skipped", how="skipped")
    try:
        decision = passing(run, token, event.outcome)
    except ExpressionError as error:
        decision = expression_failure(error)
    run.carry_out(token, decision)


def passing(run: Run, token: Token, outcome: str | None) -> Decision:
    """Decide where a token goes whose step is skipped; a gateway has nothing to skip.

    Raises:
        ExpressionError: a gateway's condition cannot be evaluated.
    """
    step = run.step_of(token)
    if inside.is_element(run, token):
        return Leave()
    if node_of(step.type).routes:
        return node_of(step.type).enter(seeing.visit(run, token))
    ways = ways_past(step)
    for way in ways if outcome is not None else ways[:1]:
        if outcome in (None, way.name):
            return Leave(way.target, by_edges=way.target is None, edge=way.edge)
    return Leave(by_edges=True)


def wanted(step: Step, visit: Visit) -> bool:
    """Say whether the step's ``skip_when`` lets a token pass through.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    return step.skip_when is not None and truth(step.skip_when, visit.scope, visit.now)


def no_skip(step: Step, token: Token, event: Skipped) -> str | None:
    """Say why what a token waits for cannot be skipped, if it can't."""
    if token.wait is None or token.wait.id != event.wait:
        return "only the step itself can be skipped"
    if token.wait.kind == "join":
        return "a join cannot be skipped"
    ways = [way.name for way in ways_past(step)]
    if event.outcome is not None and event.outcome not in ways:
        return f"there is no outcome {event.outcome}; choose from: {', '.join(ways) or '–'}"
    return None
