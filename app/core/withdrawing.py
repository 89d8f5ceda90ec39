"""Taking back: whatever a token waits for is closed, with all that runs inside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.core import attached
from app.core.effects import (
    CancelJob,
    CancelTimer,
    CloseTask,
    Effect,
    EndChild,
    Moved,
    Passed,
    ResolveIncident,
    Unsubscribe,
)
from app.core.events import Jumped
from app.core.state import PAST_JOIN, Token, Wait

if TYPE_CHECKING:
    from app.core.run import Run


def everything(run: Run, reason: str) -> None:
    """Withdraw every token."""
    for token in list(run.tokens.values()):
        if token.id in run.tokens:
            withdraw(run, token, reason)


def scope(run: Run, scope_id: int, reason: str) -> None:
    """Withdraw every token that moves in a scope."""
    for token in list(run.tokens.values()):
        if token.id in run.tokens and token.scope == scope_id:
            withdraw(run, token, reason)


def withdraw(run: Run, token: Token, reason: str) -> None:
    """Take a token away, with whatever it waits for."""
    close_wait(run, token, reason)
    run.take(token)


def close_wait(run: Run, token: Token, reason: str, *, how: str = "withdrawn") -> Token:
    """Close what a token waits for, what is attached to it and what runs inside it.

    Returns:
        The token, waiting for nothing; the caller sends it on or takes it away.
    """
    if token.wait is None:
        return token
    for inner in [each for each in run.scopes.values() if each.owner == token.id]:
        if inner.id in run.scopes:
            scope(run, inner.id, reason)
            run.scopes.pop(inner.id, None)
    close_own(run, token, token.wait, reason, how)
    attached.detach(run, token)
    bare = replace(token, wait=None)
    run.tokens[token.id] = bare  # not put: it is not ready
    return bare


def close_own(run: Run, token: Token, wait: Wait, reason: str, how: str = "withdrawn") -> None:
    """Close what a token itself waits for, and nothing beside or inside it."""
    closing = _closing(token, wait, reason, how)
    if closing is not None:
        run.effects.append(closing)


def _closing(token: Token, wait: Wait, reason: str, how: str) -> Effect | None:
    match wait.kind:
        case "task":
            return CloseTask(step=token.step, wait=wait.id, reason=reason)
        case "job":
            return CancelJob(step=token.step, wait=wait.id, reason=reason)
        case "timer":
            return CancelTimer(step=token.step, wait=wait.id)
        case "message":
            return Unsubscribe(step=token.step, wait=wait.id)
        case "child":
            return EndChild(step=token.step, wait=wait.id, reason=reason)
        case "incident":
            return ResolveIncident(step=token.step, wait=wait.id, how=how)
    return None


def jump(run: Run, event: Jumped) -> None:
    """Move a token to another step of its scope; behind a join's gathering if it is one."""
    token = run.tokens[event.token]
    entered = token.wait is not None  # else it was moved before, and the instance suspended
    token = close_wait(run, token, event.reason or "moved by an operator")
    if entered:
        run.effects.append(Passed(step=token.step, token=token.id, left=True, target=event.step))
    run.effects.append(Moved(step=token.step, token=token.id, target=event.step, how="jumped"))
    run.put(replace(token, step=event.step, edge=PAST_JOIN, wait=None, again=None))
