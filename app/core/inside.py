"""What runs inside a waiting token: a sub-process, or a step once for each element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.core import attached, seeing, withdrawing
from app.core.definition import Definition, Multi
from app.core.effects import Passed
from app.core.events import Jumped
from app.core.expression import ExpressionError, evaluate_config, truth
from app.core.nodes.base import Fail, Leave, Visit, expression_failure
from app.core.nodes.result import fitting
from app.core.state import ROOT, Scope, State, Token, Wait
from app.core.values import storable
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.run import Run

MAX_ELEMENTS: Final = 1_000


# --- scopes ---------------------------------------------------------------------------


def is_element(run: Run, token: Token) -> bool:
    """Say whether a token stands for one element of its step's multi."""
    if token.scope == ROOT:
        return False
    scope = run.scopes[token.scope]
    return scope.kind == "element" and scope.step == token.step


def enclosing(run: Run, token: Token) -> Scope | None:
    """Return the sub-process that a token moves in; None for the process itself."""
    scope = run.scope_of(token)
    while scope is not None and scope.kind != "sub":
        scope = None if scope.parent == ROOT else run.scopes[scope.parent]
    return scope


def variables_owner(run: Run, scope: int) -> Scope | None:
    """Return the element whose own variables are set in a scope; None: the instance's."""
    while scope != ROOT:
        found = run.scopes[scope]
        if found.kind == "element":
            return found
        scope = found.parent
    return None


def variables(run: Run, scope: int) -> Mapping[str, Any]:
    """Return the variables seen in a scope: the instance's, and each element's over them."""
    if scope == ROOT:
        return run.variables
    found = run.scopes[scope]
    outer = variables(run, found.parent)
    return {**outer, **found.variables} if found.kind == "element" else outer


def maybe_over(run: Run, scope: int) -> None:
    """Let the owner of a sub-process go on if nothing moves in it any more."""
    if scope == ROOT or any(token.scope == scope for token in run.tokens.values()):
        return
    over = run.scopes.pop(scope)
    run.leave(run.tokens[over.owner], Leave(by_edges=True))


def no_jump(definition: Definition, state: State, event: Jumped) -> str | None:
    """Say why a token cannot be moved to a step, if it can't."""
    token = next((each for each in state.tokens if each.id == event.token), None)
    if token is None:
        return "there is no such token any more"
    target = definition.by_id.get(event.step)
    if target is None:
        return "there is no such step"
    scope = state.scopes.get(token.scope)
    if scope is not None and scope.kind == "element":
        return "the token stands for one element of its step"
    if target.parent != (scope.step if scope else None):
        return "the step is not in the same process or sub-process"
    return None


# --- sub-process ----------------------------------------------------------------------


def open_sub(run: Run, token: Token) -> None:
    """Let a token wait for the steps inside its own."""
    extra = attached.arm(run, token)
    if extra is None:
        return
    scope = Scope(run.take_id(), "sub", token.scope, token.id, token.step)
    run.scopes[scope.id] = scope
    run.put(replace(token, wait=Wait(run.take_id(), "scope", attached=extra)))
    first = run.definition.first[token.step]
    run.put(Token(run.take_id(), first, "", scope.id, token.forks))


# --- multi ----------------------------------------------------------------------------


def open_multi(run: Run, token: Token, multi: Multi, visit: Visit) -> None:
    """Let a token wait for each element of a list.

    Raises:
        ExpressionError: the list cannot be evaluated.
    """
    items = storable(evaluate_config(multi.over, visit.scope, visit.now))
    if not isinstance(items, list):
        message = Phrase("multi needs a list to go over.")
        run.stop(token, Fail("bad_multi", message, {"over": multi.over, "value": items}))
        return
    if len(items) > MAX_ELEMENTS:
        message = Phrase(
            "multi goes over at most %(max)d elements; this list has %(count)d.",
            max=MAX_ELEMENTS,
            count=len(items),
        )
        run.stop(token, Fail("bad_multi", message, {"over": multi.over}))
        return
    empty: dict[str, Any] = {name: [] for name in multi.collect}
    fit = fitting(visit, empty)
    if isinstance(fit, Fail):
        run.stop(token, fit)
        return
    if not items:
        run.leave(token, Leave(variables=empty, by_edges=True))
        return
    extra = attached.arm(run, token)
    if extra is None:
        return
    begun = 1 if multi.sequential else len(items)
    scope = Scope(
        run.take_id(), "multi", token.scope, token.id, token.step, items=tuple(items), next=begun
    )
    run.scopes[scope.id] = scope
    run.put(replace(token, wait=Wait(run.take_id(), "multi", attached=extra)))
    for index in range(begun):
        _begin_element(run, scope, multi, index)


def element_done(run: Run, token: Token) -> None:
    """Take what an element collected; begin the next one, or let the owner go on."""
    element = run.scopes[token.scope]
    group = run.scopes[element.parent]
    multi = run.step_of(token).multi
    assert multi is not None  # noqa: S101 - elements exist only of a multi
    visit = seeing.visit(run, token)
    try:
        taken = storable(evaluate_config(dict(multi.collect), visit.scope, visit.now))
        collected = {
            name: {**group.collected.get(name, {}), str(element.index): value}
            for name, value in taken.items()
        }
        group = replace(group, done=group.done + 1, collected=collected)
        over = group.done == len(group.items) or _early(run, group, multi, visit)
    except ExpressionError as error:
        run.stop(token, expression_failure(error), leaving=True)
        return
    attached.detach(run, token)
    run.effects.append(Passed(step=token.step, token=token.id, left=True))
    run.take(token)
    del run.scopes[element.id]
    run.scopes[group.id] = group
    if over:
        _multi_over(run, group)
    elif group.next < len(group.items):
        run.scopes[group.id] = replace(group, next=group.next + 1)
        _begin_element(run, group, multi, group.next)


def _begin_element(run: Run, group: Scope, multi: Multi, index: int) -> None:
    own = {multi.name: group.items[index]}
    if multi.index_name:
        own[multi.index_name] = index
    owner = run.tokens[group.owner]
    element = Scope(
        run.take_id(), "element", group.id, owner.id, group.step, variables=own, index=index
    )
    run.scopes[element.id] = element
    forks = (*owner.forks, run.take_id())
    run.put(Token(run.take_id(), group.step, "", element.id, forks))


def _early(run: Run, group: Scope, multi: Multi, visit: Visit) -> bool:
    if multi.complete_when is None:
        return False
    seen = {**visit.scope, **_lists(group), "done": group.done, "total": len(group.items)}
    return truth(multi.complete_when, seen, visit.now)


def _lists(group: Scope) -> dict[str, list[Any]]:
    return {
        name: [values[key] for key in sorted(values, key=int)]
        for name, values in group.collected.items()
    }


def _multi_over(run: Run, group: Scope) -> None:
    for inner in [scope.id for scope in run.scopes.values() if scope.parent == group.id]:
        withdrawing.scope(run, inner, "the step was over before")
        run.scopes.pop(inner, None)
    del run.scopes[group.id]
    owner = run.tokens[group.owner]
    run.leave(owner, Leave(variables=_lists(group), by_edges=True))
