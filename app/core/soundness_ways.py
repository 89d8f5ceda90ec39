"""What may become of a token in each step, with data, people and clocks left open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.core.conditions import INCLUSIVE, Cover
from app.core.definition import Boundary, Definition, Step
from app.core.nodes.base import Branch
from app.core.nodes.job import JobNode
from app.core.nodes.table import node_of
from app.core.outcome import choices, deciding_field

ANY: Final = "*"
"""Stands for every error code: nobody knows what a job may fail with."""
SKIPPED: Final = "skipped"
ERROR: Final = "error"


class Way(NamedTuple):
    """One thing that may become of a token in a step.

    Args:
        choice: in words of the definition.
        targets: ``(edge, step)`` of each token that goes on.
        reads: the variables that decide.
        ends: the whole scope ends.
        thrown: the scope ends with an error of this code.
        stays: the boundary that fired without interrupting: the token stays too.
    """

    choice: str
    targets: tuple[tuple[str, str], ...] = ()
    reads: frozenset[str] = frozenset()
    ends: bool = False
    thrown: str | None = None
    stays: int | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """What a sub-process can come to: done, or an error that nothing in it catches.

    Args:
        ends: those of ``codes`` that an end inside throws: caught nowhere, the instance fails.
    """

    completes: bool = True
    codes: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()


def rests(step: Step) -> bool:
    """Say whether a token waits in a step, whatever the data."""
    if step.type == "call_activity" and step.config.get("wait") is False:
        return False
    return node_of(step.type).waits or step.type == "event_gateway"


def ways_on(step: Step, cover: Cover | None, inside: Inside) -> list[Way]:
    """Return the ways of a step that is entered, and done if it waits."""
    if step.type == "end" and step.parent is not None and step.config.get("result") == "error":
        return [Way("", thrown=step.config.get("code") or "error")]
    if not inside.completes and step.multi is None:
        return []
    found = [
        Way(
            branch.label,
            tuple((step.id, target) for target in branch.targets),
            branch.reads,
            branch.ends,
        )
        for branch in _possible(step, cover)
    ]
    return _labelled(step, found)


def ways_past(step: Step, cover: Cover | None) -> list[Way]:
    """Return the ways of a step that ``skip_when`` passes."""
    if step.skip_when is None:
        return []
    names = step.skip_when.names
    offered = choices(step)
    if offered:
        first = offered[0]["target"]
        return [Way(SKIPPED, ((step.id, first),) if first else (), names)]
    branches = [
        Branch((edge.target,), reads=edge.when.names if edge.when else frozenset())
        for index, edge in enumerate(step.next)
        if edge.when or all(before.when for before in step.next[:index])
    ]
    return [
        Way(SKIPPED, tuple((step.id, target) for target in branch.targets), names | branch.reads)
        for branch in (branches or [Branch(())])
    ]


def ways_off(step: Step, inside: Inside) -> tuple[list[Way], frozenset[str]]:
    """Return what may happen to a waiting token, and the error codes that nothing catches."""
    found = [
        Way(
            _event(boundary),
            _targets(f"{step.id}#{index}", boundary.target),
            stays=None if boundary.interrupt else index,
        )
        for index, boundary in enumerate(step.boundary)
        if boundary.on != "error"
    ]
    codes = failures(step, inside)
    named: set[str] = set()
    for index, boundary in enumerate(step.boundary):
        wanted = boundary.config.get("code")
        if boundary.on != "error" or wanted is None or wanted in named:
            continue
        named.add(wanted)
        if codes & {ANY, wanted}:
            edge = f"{step.id}#{index}"
            found.append(Way(f"{ERROR} {wanted}", _targets(edge, boundary.target)))
    left = codes - named
    if left:
        rest = list(_catch_all(step))
        found += rest
        left = frozenset() if rest else left
    found += [Way(f"{ERROR} {code}", thrown=code) for code in sorted(inside.ends & left)]
    return found, left


def failures(step: Step, inside: Inside) -> frozenset[str]:
    """Return the error codes that a step may fail with for good."""
    node = node_of(step.type)
    if isinstance(node, JobNode) or (step.type == "call_activity" and rests(step)):
        return frozenset({ANY})
    if step.type == "receive_message" and "timeout" in step.config:
        return frozenset({"timeout"})
    return inside.codes if step.type == "sub_process" else frozenset()


def insides(definition: Definition) -> list[str | None]:
    """Return the scopes, each after those inside it; None is the process itself."""
    subs: list[str | None] = [step.id for step in definition.steps if step.type == "sub_process"]
    return [*reversed(subs), None]


def _catch_all(step: Step) -> Iterator[Way]:
    for index, boundary in enumerate(step.boundary):
        if boundary.on == "error" and boundary.config.get("code") is None:
            yield Way(ERROR, _targets(f"{step.id}#{index}", boundary.target))
            return
    if step.on_error is not None:
        yield Way(ERROR, ((step.id, step.on_error),))


def _possible(step: Step, cover: Cover | None) -> tuple[Branch, ...]:
    """Return the branches of a step without those that no value of the data leads to."""
    branches = node_of(step.type).branches(step)
    if cover is None or step.type == "decision":
        return branches
    conditions = [edge for edge in step.next if edge.when is not None]
    if step.type == INCLUSIVE:
        found = []
        for rules in sorted(cover.together(), key=sorted):
            edges = [conditions[rule] for rule in sorted(rules)]
            edges = edges or [edge for edge in step.next if edge.when is None][:1]
            names = frozenset().union(*(edge.when.names for edge in conditions if edge.when))
            label = " and ".join(edge.when.text for edge in edges if edge.when)
            targets = tuple(dict.fromkeys(edge.target for edge in edges))
            if targets:
                found.append(Branch(targets, label, reads=names))
        return tuple(found) or branches
    first = cover.first()
    kept = []
    for edge, branch in zip(step.next, branches, strict=True):
        if (conditions.index(edge) if edge.when is not None else None) in first:
            kept.append(branch)
    return tuple(kept) or branches


def _labelled(step: Step, ways: list[Way]) -> list[Way]:
    """Say what decides: "otherwise" beside conditions, the field of a form, nothing alone."""
    if len(ways) < 2:
        return [way._replace(reads=frozenset()) for way in ways]
    field = deciding_field(step) if step.type == "user_task" else None
    deciding = frozenset().union(*(way.reads for way in ways), {field} if field else ())
    return [
        way._replace(choice=way.choice or "otherwise", reads=deciding if deciding else way.reads)
        for way in ways
    ]


def _event(boundary: Boundary) -> str:
    detail = boundary.config
    named = detail.get("message") or detail.get("after") or detail.get("until") or ""
    return f"{boundary.on} {named or detail.get('cron', '')}".strip()


def _targets(edge: str, target: str | None) -> tuple[tuple[str, str], ...]:
    return () if target is None else ((edge, target),)
