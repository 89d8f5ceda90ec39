"""What a node, and the expressions in its step, may look at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from app.core import inside
from app.core.nodes.base import Visit
from app.core.state import ROOT, Token

if TYPE_CHECKING:
    from app.core.run import Run


def visit(run: Run, token: Token) -> Visit:
    """Return what the node of a token's step may look at."""
    variables, see = run.variables, partial(_seen, run)
    if token.scope != ROOT and inside.variables_owner(run, token.scope) is not None:
        variables = inside.variables(run, token.scope)
        see = partial(_seen_by_element, run, variables)
    return Visit(run.definition, run.step_of(token), token.id, see, variables, run.event.at)


def _seen(run: Run) -> Mapping[str, Any]:
    """Return what expressions see, put together once after every change."""
    if run.seen is None:
        done = {step: one.seen() for step, one in run.completed.items()}
        run.seen = {**done, **run.variables, **run.facts}
    return run.seen


def _seen_by_element(run: Run, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_seen(run), **variables, **run.facts}
