"""Joins: tokens of several ways in become one again.

A parallel join needs one token on each incoming edge. An inclusive join fires when it has
one and no other token of its scope can still come by an edge that is empty. Source: the
semantics of BPMN 2.0, §13.4.2 and §13.4.3; inclusive joins that wait for nothing but
each other are released, the lower token first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.definition import Definition, Step
from app.core.effects import Passed
from app.core.nodes.table import node_of
from app.core.once import once
from app.core.state import PAST_JOIN, Token, Wait

if TYPE_CHECKING:
    from app.core.run import Run


def is_join(definition: Definition, step: Step) -> bool:
    """Say whether tokens are gathered on a step."""
    return step.id in joins(definition)


@once
def joins(definition: Definition) -> frozenset[str]:
    """Return the steps on which tokens are gathered."""
    return frozenset(
        step.id
        for step in definition.steps
        if node_of(step.type).gathers and len(definition.incoming[step.id]) > 1
    )


def gather(run: Run, token: Token) -> None:
    """Let a token wait at a join; a parallel one fires as soon as it is complete."""
    run.put(replace(token, wait=Wait(run.take_id(), "join")))
    step = run.step_of(token)
    if node_of(step.type).gathers == "all":
        there = by_edge(_at(run.tokens.values(), step.id, token.scope))
        if complete(run.definition, step.id, there):
            _merge(run, list(there.values()))


def fire_waiting(run: Run) -> bool:
    """Fire one join that may go on now that nothing moves; say whether there was one.

    A parallel one was complete when its last token came, unless a migration took away a way
    in that it waited for.
    """
    groups = _groups(run)
    if not groups:
        return False
    blockers = [_blockers(run, tokens) for tokens in groups]
    free = [not each for each in blockers]
    held = _held(groups, blockers)
    for tokens, may in zip(groups, free, strict=True):
        if may:
            _merge(run, list(by_edge(tokens).values()))
            return True
    for tokens, waits in zip(groups, held, strict=True):
        if not waits and not _needs_all(run, tokens[0]):
            _merge(run, list(by_edge(tokens).values()))
            return True
    return False


def _groups(run: Run) -> list[list[Token]]:
    """Return the tokens at joins, per join and scope; the lowest token first."""
    waiting = [
        token
        for token in run.tokens.values()
        if token.wait is not None and token.wait.kind == "join"
    ]
    if not waiting:
        return []
    groups: dict[tuple[str, int], list[Token]] = {}
    for token in sorted(waiting, key=lambda each: each.id):
        groups.setdefault((token.step, token.scope), []).append(token)
    return list(groups.values())


def _blockers(run: Run, tokens: list[Token]) -> list[Token]:
    """Return the tokens for which a join waits; itself where an edge has to be taken."""
    one = tokens[0]
    edges = {token.edge for token in tokens}
    found = [
        token
        for token in run.tokens.values()
        if token.scope == one.scope
        and token.step != one.step
        and still_to_come(run.definition, one.step, edges, (token.step,))
    ]
    lacks = _needs_all(run, one) and not complete(run.definition, one.step, edges)
    return [*found, one] if lacks else found


def _held(groups: list[list[Token]], blockers: list[list[Token]]) -> list[bool]:
    """Say of each join whether, in the end, it waits for a token that is not at a join."""
    group_of = {token.id: index for index, tokens in enumerate(groups) for token in tokens}
    held = [any(token.id not in group_of for token in each) for each in blockers]
    changed = True
    while changed:
        changed = False
        for index, each in enumerate(blockers):
            if not held[index] and any(held[group_of[token.id]] for token in each):
                held[index] = changed = True
    return held


def _needs_all(run: Run, token: Token) -> bool:
    return node_of(run.step_of(token).type).gathers == "all"


def by_edge(tokens: Iterable[Token]) -> dict[str, Token]:
    """Return the first token of each edge."""
    found: dict[str, Token] = {}
    for token in sorted(tokens, key=lambda each: each.id):
        found.setdefault(token.edge, token)
    return found


def complete(definition: Definition, join: str, edges: Collection[str]) -> bool:
    """Say whether a parallel join has a token on each edge, given those that have one."""
    return all(edge in edges for edge in definition.incoming[join])


def still_to_come(
    definition: Definition, join: str, edges: Collection[str], others: Iterable[str]
) -> bool:
    """Say whether a token on one of ``others`` can reach a join by an edge still empty.

    Args:
        edges: those that have a token.
        others: the steps, beside the join, on which tokens of the same scope stand.
    """
    reaching = definition.edges_reaching(join)
    return any(not reaching[step].issubset(edges) for step in others)


def _at(tokens: Iterable[Token], step: str, scope: int) -> list[Token]:
    return [
        token
        for token in tokens
        if token.step == step
        and token.scope == scope
        and token.wait is not None
        and token.wait.kind == "join"
    ]


def _merge(run: Run, tokens: list[Token]) -> None:
    """Let the lowest token go on, inside the splits that all of them are inside."""
    tokens.sort(key=lambda each: each.id)
    kept, *others = tokens
    for other in others:
        run.take(other)
        run.effects.append(Passed(step=other.step, token=other.id, left=True))
    forks = kept.forks
    for other in others:
        forks = _common(forks, other.forks)
    run.enter(replace(kept, wait=None, edge=PAST_JOIN, forks=forks))


def _common(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    count = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        count += 1
    return one[:count]
