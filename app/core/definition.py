"""A checked definition as the core walks it: immutable, compiled once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.core.expression import Expression

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
class Step:
    """A node of the definition.

    Args:
        id: unique within the definition.
        index: position in ``steps`` (0 = where an instance starts).
        config: the step's configuration as compiled by its node class; raw values for
            what the node evaluates at run time.
        next: ways out, in order.
        on_error: id of the step that takes over when this one fails for good.
        skip_when: if true on arrival, the token passes through.
    """

    id: str
    index: int
    name: Label
    type: str
    config: Mapping[str, Any]
    next: tuple[Edge, ...] = ()
    on_error: str | None = None
    description: Label | None = None
    skip_when: Expression | None = None


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


@dataclass(frozen=True)
class Definition:
    """One immutable (key, version)."""

    key: str
    name: Label
    version: str
    steps: tuple[Step, ...]
    variables: Mapping[str, Variable] = field(default_factory=dict)
    description: Label | None = None
    start: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        """Steps by id."""
        return {step.id: step for step in self.steps}

    @cached_property
    def max_visits(self) -> int:
        """How many times a token may enter one step before it becomes an incident."""
        return int(self.settings.get("max_visits", 1000))
