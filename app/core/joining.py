"""Joins: tokens of several ways in become one again.

A parallel join needs one token on each incoming edge. An inclusive join fires when it has
one and no other token of its scope can still come by an edge that is empty. Source: the
semantics of BPMN 2.0, §13.4.2 and §13.4.3; two inclusive joins that wait for each other
only are released, the lower token first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.definition import Definition, Step
from app.core.effects import Passed
from app.core.nodes.table import node_of
from app.core.state import PAST_JOIN, Token, Wait

if TYPE_CHECKING:
    from app.core.run import Run


def is_join(definition: Definition, step: Step) -> bool:
    """Say whether tokens are gathered on a step."""
    return bool(node_of(step.type).gathers) and len(definition.incoming[step.id]) > 1


def gather(run: Run, token: Token) -> None:
    """Let a token wait at a join; a parallel one fires as soon as it is complete."""
    run.put(replace(token, wait=Wait(run.take_id(), "join")))
    step = run.step_of(token)
    if node_of(step.type).gathers == "all":
        there = by_edge(_at(run.tokens.values(), step.id, token.scope))
        if complete(run.definition, step.id, there):
            _merge(run, list(there.values()))


def fire_waiting(run: Run) -> bool:
    """Fire one join that waits for those that can still come, if one may; say whether."""
    groups = _waiting_groups(run)
    for there in groups:
        one = next(iter(there.values()))
        others = {
            token.step
            for token in run.tokens.values()
            if token.scope == one.scope and token.step != one.step
        }
        if not still_to_come(run.definition, one.step, there, others):
            _merge(run, list(there.values()))
            return True
    for there in groups:
        scope = next(iter(there.values())).scope
        if all(
            token.wait is not None and token.wait.kind == "join"
            for token in run.tokens.values()
            if token.scope == scope
        ):
            _merge(run, list(there.values()))
            return True
    return False


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


def _waiting_groups(run: Run) -> list[dict[str, Token]]:
    """Return the tokens at inclusive joins, per join and scope, by edge."""
    groups: dict[tuple[str, int], list[Token]] = {}
    for token in sorted(run.tokens.values(), key=lambda each: each.id):
        if token.wait is None or token.wait.kind != "join":
            continue
        if node_of(run.step_of(token).type).gathers == "those_that_can_come":
            groups.setdefault((token.step, token.scope), []).append(token)
    return [by_edge(group) for group in groups.values()]


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
