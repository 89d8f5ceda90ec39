"""Where the tokens of an instance stand, and what would let each of them go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.definition import Boundary, Definition
from app.core.nodes.table import node_of
from app.core.outcome import ways_past
from app.core.state import ROOT, Scope, State, Token
from app.runtime.waits import Open

_NOTHING: Final = Open("", None, None, None, "", "")


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that may let a token go on.

    Args:
        kind: ``timer`` or ``message``.
        due_at: of a timer, as far as clocks go.
        name, key: of a message.
        label: what the definition calls it, if it does.
        target: id of the step that it leads to; None ends the path.
        interrupts: whether the token leaves its step by it.
    """

    kind: str
    due_at: datetime | None = None
    name: str = ""
    key: str = ""
    label: Any = None
    target: str | None = None
    interrupts: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where one token stands.

    Args:
        waits: what it waits for, a ``WaitKind``; empty: it is about to move.
        since: when its wait began, where that is known.
        task, incident, child: ids of what it waits for.
        child_title: what the child is called.
        topic: under which its work is offered to workers elsewhere.
        own: the timer or message that it waits for.
        beside: what else may happen meanwhile, or any of which it waits for.
        missing: ids of the steps whose branches a join waits for.
        total, done: how many elements of a list there are, and have ended.
        within: ids of the steps that it stands in, outermost first.
        element: which element of a list it belongs to, from 1.
        outcomes: what can be chosen when its step is skipped.
        may_skip: whether that is possible.
        targets: ids of the steps that it could be moved to.
    """

    token: int
    step: str
    waits: str
    since: datetime | None = None
    task: int | None = None
    incident: int | None = None
    child: int | None = None
    child_title: str = ""
    topic: str = ""
    own: Awaited | None = None
    beside: tuple[Awaited, ...] = ()
    missing: tuple[str, ...] = ()
    total: int = 0
    done: int = 0
    within: tuple[str, ...] = ()
    element: int = 0
    outcomes: tuple[Mapping[str, Any], ...] = ()
    may_skip: bool = False
    targets: tuple[str, ...] = ()


def places(definition: Definition, state: State, waits: Mapping[int, Open]) -> tuple[Place, ...]:
    """Return where the tokens of an instance stand, in their order.

    Args:
        waits: what may answer them, see ``open_waits``.
    """
    return tuple(_place(definition, state, token, waits) for token in state.tokens)


def _place(definition: Definition, state: State, token: Token, waits: Mapping[int, Open]) -> Place:
    step = definition.by_id[token.step]
    around = list(_around(state, token))
    inside = (scope for scope in state.scopes.values() if scope.owner == token.id)
    multi = next((scope for scope in inside if scope.kind == "multi"), None)
    element = next((scope for scope in around if scope.kind == "element"), None)
    total, done = _progress(state, multi or element)
    one_of_many = bool(around) and around[0].kind == "element"
    kind = token.wait.kind if token.wait is not None else ""
    row = waits.get(token.wait.id, _NOTHING) if token.wait is not None else _NOTHING
    ids = {kind: row.id} if row.kind == kind else {}
    return Place(
        token=token.id,
        step=token.step,
        waits=kind,
        since=row.since,
        task=ids.get("task"),
        incident=ids.get("incident"),
        child=ids.get("child"),
        child_title=row.name if kind == "child" else "",
        topic=row.name if kind == "job" else "",
        own=_awaited(row) if kind in ("timer", "message") and row.kind else None,
        beside=tuple(_beside(definition, token, waits)),
        missing=_missing(definition, state, token) if kind == "join" else (),
        total=total,
        done=done,
        within=_within(around),
        element=element.index + 1 if element else 0,
        outcomes=tuple(_outcomes(definition, token)),
        may_skip=kind not in ("", "join") and not node_of(step.type).routes,
        targets=() if one_of_many else _same_scope(definition, step.parent),
    )


def _around(state: State, token: Token) -> Iterable[Scope]:
    """Yield the scopes around a token, the nearest first."""
    scope = token.scope
    while scope != ROOT and scope in state.scopes:
        yield state.scopes[scope]
        scope = state.scopes[scope].parent


def _same_scope(definition: Definition, parent: str | None) -> tuple[str, ...]:
    return tuple(step.id for step in definition.steps if step.parent == parent)


def _within(around: Iterable[Scope]) -> tuple[str, ...]:
    """Return the steps that these scopes belong to, each once, the outermost first."""
    return tuple(dict.fromkeys(scope.step for scope in around if scope.kind == "sub"))[::-1]


def _progress(state: State, scope: Scope | None) -> tuple[int, int]:
    """Return how many elements the list has that a scope belongs to, and how many ended."""
    if scope is not None and scope.kind == "element":
        scope = state.scopes.get(scope.parent)
    if scope is None or scope.kind != "multi":
        return 0, 0
    return len(scope.items), scope.done


def _beside(definition: Definition, token: Token, waits: Mapping[int, Open]) -> Iterable[Awaited]:
    boundary = definition.by_id[token.step].boundary
    for each in token.wait.attached if token.wait is not None else ():
        if each.id in waits:
            known = 0 <= each.index < len(boundary)
            yield _awaited(waits[each.id], boundary[each.index] if known else None)


def _awaited(row: Open, event: Boundary | None = None) -> Awaited:
    return Awaited(
        row.kind,
        row.due_at,
        row.name,
        row.key,
        event.label if event else None,
        event.target if event else None,
        event.interrupt if event else True,
    )


def _missing(definition: Definition, state: State, token: Token) -> tuple[str, ...]:
    """Return the steps whose branches a join still waits for."""
    there = {
        each.edge
        for each in state.tokens
        if each.step == token.step
        and each.scope == token.scope
        and each.wait is not None
        and each.wait.kind == "join"
    }
    edges = [edge for edge in definition.incoming[token.step] if edge not in there]
    return tuple(dict.fromkeys(step for edge in edges if (step := edge.partition("#")[0])))


def _outcomes(definition: Definition, token: Token) -> Iterable[Mapping[str, Any]]:
    """Yield what can be chosen: ``id``, ``label`` if there is one, and ``target``."""
    step = definition.by_id[token.step]
    labels = {each["id"]: each.get("label") for each in step.config.get("outcomes") or ()}
    labels |= {edge.target: edge.label for edge in step.next if edge.label}
    for way in ways_past(step):
        if way.name:
            yield {"id": way.name, "label": labels.get(way.name), "target": way.target}
