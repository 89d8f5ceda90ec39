"""Steps that no run reaches although ways lead to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.core.soundness_net import Net
from app.core.soundness_problem import Problem


def dead_steps(net: Net, reached: Collection[str], starving: Collection[str]) -> Iterator[Problem]:
    """Yield the dead steps next to what is reached; those behind them follow from it.

    What only a join leads to that was found to starve follows from that, too. A step that
    conditions alone keep from being reached, or that waits for an error which nothing
    raises, does no harm: a warning.
    """
    before: dict[str, list[str]] = {step.id: [] for step in net.steps}
    after: dict[str, list[str]] = {step.id: [] for step in net.steps}
    for step in net.steps:
        for _, target in step.ways():
            before[target].append(step.id)
            after[step.id].append(target)
    dead = [step.id for step in net.steps if step.id not in reached and step.id not in starving]
    causes = {name: [other for other in before[name] if other in reached] for name in dead}
    behind = {*starving, *(name for name in dead if causes[name])}
    open_ = list(behind)
    while open_:
        fresh = {other for other in after[open_.pop()] if other not in behind}
        behind |= fresh
        open_ += fresh
    for name in dead:
        if causes[name] or name not in behind:
            yield _dead(net, name, causes[name])


def _dead(net: Net, step: str, causes: list[str]) -> Problem:
    by_choice = any(
        net.definition.by_id[cause].type != "sub_process" or step not in _next_of(net, cause)
        for cause in causes
    )
    arrives = any(
        target == step for cause in causes for way in net.ways(cause) for _, target in way.targets
    )
    harmless = by_choice and not arrives
    return Problem(
        "never_reached",
        "warning" if harmless else "error",
        step,
        "%(step)s can never happen, although %(before)s leads there."
        if causes
        else "%(step)s can never happen.",
        {"step": step, "before": ", ".join(causes)},
        "No value of the data, or no error, takes the way to it."
        if harmless
        else "What would have to come before it never does.",
    )


def _next_of(net: Net, step: str) -> list[str]:
    return [edge.target for edge in net.definition.by_id[step].next]
