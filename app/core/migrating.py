"""Going on by another version: what becomes of each token, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from app.core.definition import Definition
from app.core.state import PAST_JOIN, Again, State, Token


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of one token.

    Args:
        step: where it stands; ``target``: where it would stand, None if nowhere.
        problem: why the instance cannot be migrated like this, if so: ``no_step``,
            ``other_type``, ``other_scope`` or ``no_edge``.
    """

    token: int
    step: str
    target: str | None
    problem: Literal["no_step", "other_type", "other_scope", "no_edge"] | None = None


def proposed(old: Definition, new: Definition) -> dict[str, str]:
    """Return the map that suggests itself: same id, same type."""
    return {
        step.id: step.id
        for step in old.steps
        if step.id in new.by_id and new.by_id[step.id].type == step.type
    }


def preview(
    old: Definition, new: Definition, state: State, steps: Mapping[str, str]
) -> tuple[Fate, ...]:
    """Say for every token what a migration would do to it."""
    return tuple(_fate(old, new, state, token, steps) for token in state.tokens)


def migrated(new: Definition, state: State, steps: Mapping[str, str]) -> State:
    """Return the state with the steps' new names; ``preview`` has found no problem."""

    def name(step: str) -> str:
        return steps.get(step, step)

    def edge(given: str) -> str:
        step, mark, index = given.partition("#")
        return given if given in ("", PAST_JOIN) else f"{name(step)}{mark}{index}"

    return replace(
        state,
        tokens=tuple(
            replace(
                token, step=name(token.step), edge=edge(token.edge), again=_again(new, token, steps)
            )
            for token in state.tokens
        ),
        scopes={
            key: replace(
                scope,
                step=name(scope.step),
                visits=_added((name(step), count) for step, count in scope.visits.items()),
            )
            for key, scope in state.scopes.items()
        },
        completed={name(step): done for step, done in state.completed.items()},
        visits=_added((name(step), count) for step, count in state.visits.items()),
    )


def _again(new: Definition, token: Token, steps: Mapping[str, str]) -> Again | None:
    """Return the same for the new version; what leads back to a step that is gone is dropped."""
    if token.again is None:
        return None
    back = ((steps.get(step, step), by) for step, by in token.again.back)
    return Again(token.again.by, tuple(each for each in back if each[0] in new.by_id))


def _added(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for step, count in counts:
        total[step] = total.get(step, 0) + count
    return total


def _fate(
    old: Definition, new: Definition, state: State, token: Token, steps: Mapping[str, str]
) -> Fate:
    target = new.by_id.get(steps.get(token.step, token.step))
    if target is None:
        return Fate(token.id, token.step, None, "no_step")
    if target.type != old.by_id[token.step].type:
        return Fate(token.id, token.step, target.id, "other_type")
    scope = state.scopes.get(token.scope)
    if target.multi is None and (
        (token.wait is not None and token.wait.kind == "multi")
        or (scope is not None and scope.kind == "element")
    ):
        return Fate(token.id, token.step, target.id, "other_type")
    while scope is not None and scope.kind != "sub":
        scope = state.scopes.get(scope.parent)
    around = steps.get(scope.step, scope.step) if scope is not None else None
    if target.parent != around:
        return Fate(token.id, token.step, target.id, "other_scope")
    if token.wait is not None and token.wait.kind == "join":
        step, mark, index = token.edge.partition("#")
        if f"{steps.get(step, step)}{mark}{index}" not in new.incoming[target.id]:
            return Fate(token.id, token.step, target.id, "no_edge")
    return Fate(token.id, token.step, target.id)
