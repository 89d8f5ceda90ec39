"""A checked definition as the core walks it: immutable, compiled once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from app.core.expression import Expression, has_expression

START: Final = "@start"
"""Id of the step that opens the start form again; no step of a document can have it."""
Label = str | Mapping[str, str]
"""A text that a person reads: one text, or one per language (``{"en": …, "zh": …}``)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a step.

    Args:
        target: id of the step it leads to.
        when: condition; None is the plain (or "otherwise") edge.
        label: what a person sees on it.
    """

    target: str
    when: Expression | None = None
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Boundary:
    """What may interrupt a waiting step, or start a path beside it.

    Args:
        on: timer, error or message.
        target: id of the step it leads to; None ends the path.
        interrupt: whether the step is left by it.
        config: what its kind needs: ``after``/``until``/``cron`` and ``repeat``, ``code``,
            ``message``, ``correlate`` and ``output``; raw, evaluated when it is armed.
        label: what a person sees on it.
    """

    on: str
    target: str | None
    interrupt: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Multi:
    """Runs a step once for each element of a list.

    Args:
        over: expression whose value is the list.
        name: of the element, as expressions inside see it.
        index_name: of its place, from 0.
        sequential: one after the other.
        complete_when: true ends it early; sees ``done``, ``total`` and what is collected.
        collect: variable ← expression over the element's scope; lists in element order.
    """

    over: str
    name: str
    index_name: str | None = None
    sequential: bool = False
    complete_when: Expression | None = None
    collect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A node of the definition.

    Args:
        id: unique within the definition, sub-processes included.
        path: its place in the document, ``("steps", 0)``.
        config: the step's configuration as compiled by its node class; raw values for
            what the node evaluates at run time.
        next: ways out, in order.
        on_error: id of the step that takes over when this one fails for good.
        skip_when: if true on arrival, the token passes through.
        parent: id of the sub-process it stands in; None for the process itself.
        point_of_no_return: once a token has come here, the initiator cannot withdraw any more.
    """

    id: str
    path: tuple[str | int, ...]
    name: Label
    type: str
    config: Mapping[str, Any]
    next: tuple[Edge, ...] = ()
    on_error: str | None = None
    description: Label | None = None
    skip_when: Expression | None = None
    boundary: tuple[Boundary, ...] = ()
    multi: Multi | None = None
    parent: str | None = None
    point_of_no_return: bool = False

    @cached_property
    def live(self) -> frozenset[str]:
        """Names in the configuration whose values have expressions in them."""
        return frozenset(name for name, value in self.config.items() if has_expression(value))

    def ways(self) -> tuple[tuple[str, str], ...]:
        """Return ``(edge, target)`` of every way out; see ``state.Token.edge``."""
        found = [(self.id, edge.target) for edge in self.next]
        found += [
            (self.id, outcome["next"])
            for outcome in self.config.get("outcomes", ())
            if outcome.get("next")
        ]
        if self.on_error is not None:
            found.append((self.id, self.on_error))
        found += [
            (f"{self.id}#{index}", each.target)
            for index, each in enumerate(self.boundary)
            if each.target is not None
        ]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared process variable; ``type`` is one of ``values.TYPES``."""

    name: str
    type: str
    label: Label | None = None
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] | None = None
    sensitive: bool = False


_PEOPLE: Final = ("assignee", "assignees", "candidate_users", "candidate_groups", "cc")
"""Keys of a step that name people."""


@dataclass(frozen=True)
class Definition:
    """One immutable (key, version).

    Args:
        again: the step ``START``, for definitions with a start form. It is found by its id and
            is none of ``steps``: nothing leads there but a return.
    """

    key: str
    name: Label
    version: str
    steps: tuple[Step, ...]
    variables: Mapping[str, Variable] = field(default_factory=dict)
    description: Label | None = None
    start: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    again: Step | None = None

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        """Steps by id, those of sub-processes included, and ``again``."""
        found = {step.id: step for step in self.steps}
        return found if self.again is None else {**found, START: self.again}

    @cached_property
    def points_of_no_return(self) -> frozenset[str]:
        """Ids of the steps beyond which the initiator cannot withdraw."""
        return frozenset(step.id for step in self.steps if step.point_of_no_return)

    @cached_property
    def max_rounds(self) -> int:
        """How many rounds there may be: one more than an instance may be returned."""
        return int(self.settings.get("max_rounds", 20))

    @cached_property
    def people(self) -> frozenset[str]:
        """Whom the tasks name outright: users, groups and roles as they are written."""
        found: set[str] = set()
        for step in self.steps:
            for key in _PEOPLE:
                named = step.config.get(key)
                listed = named if isinstance(named, list | tuple) else (named,)
                found |= {name for name in listed if isinstance(name, str)}
        return frozenset(found)

    @cached_property
    def first(self) -> Mapping[str | None, str]:
        """The id of the step that begins each sub-process; under None that of the process."""
        firsts: dict[str | None, str] = {}
        for step in self.steps:
            firsts.setdefault(step.parent, step.id)
        return firsts

    @cached_property
    def incoming(self) -> Mapping[str, tuple[str, ...]]:
        """The edges that lead into each step; the beginning is the edge ``""``."""
        found: dict[str, list[str]] = {step.id: [] for step in self.steps}
        for first in self.first.values():
            found[first].append("")
        for step in self.steps:
            for edge, target in step.ways():
                found[target].append(edge)
        return {step: tuple(dict.fromkeys(edges)) for step, edges in found.items()}

    def edges_reaching(self, join: str) -> Mapping[str, frozenset[str]]:
        """Return which edges into ``join`` a token on each step may still come by.

        What could get there only through the join itself does not count.
        """
        known = self._reaching.get(join)
        if known is None:
            known = self._reaching[join] = _edges_reaching(tuple(self.by_id.values()), join)
        return known

    @cached_property
    def _reaching(self) -> dict[str, Mapping[str, frozenset[str]]]:
        return {}

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """Names whose values are masked: variables and form fields that say so."""
        forms = [self.start.get("form", ()), *(step.config.get("form", ()) for step in self.steps)]
        fields = {field["name"] for form in forms for field in form if field.get("sensitive")}
        return frozenset(fields | {name for name, each in self.variables.items() if each.sensitive})

    @cached_property
    def max_visits(self) -> int:
        """How many times a token may enter one step before it becomes an incident."""
        return int(self.settings.get("max_visits", 1000))


def _edges_reaching(steps: tuple[Step, ...], join: str) -> Mapping[str, frozenset[str]]:
    reaching: dict[str, set[str]] = {step.id: set() for step in steps}
    before: dict[str, list[str]] = {step.id: [] for step in steps}
    for step in steps:
        for edge, target in step.ways():
            if target == join:
                reaching[step.id].add(edge)
            elif step.id != join:
                before[target].append(step.id)
    open_ = [name for name, edges in reaching.items() if edges and name != join]
    while open_:
        name = open_.pop()
        for previous in before[name]:
            if not reaching[name] <= reaching[previous]:
                reaching[previous] |= reaching[name]
                open_.append(previous)
    return {name: frozenset(edges) for name, edges in reaching.items()}
