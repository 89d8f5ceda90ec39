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
    variables, see = run.variables, run.see
    if token.scope != ROOT and inside.variables_owner(run, token.scope) is not None:
        variables = inside.variables(run, token.scope)
        see = partial(_seen_by_element, run, variables)
    return Visit(
        run.definition,
        run.steps[token.step],
        token.id,
        see,
        variables,
        run.event.at,
        run.completed,
        token.forks,
        token.again,
        run.round,
    )


def _seen_by_element(run: Run, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**run.see(), **variables, **run.facts}
