"""Where an instance stands: frozen values, and their form as JSON.

The JSON form carries ``v``. A state of an unknown version is refused; an older one is
upgraded on reading, with a test for each version that ever shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["running", "suspended", "completed", "terminated", "failed"]
ENDED: frozenset[str] = frozenset({"completed", "terminated", "failed"})
WaitKind = Literal["task", "job", "incident"]
ROOT = 0
"""Scope id of the instance itself."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a token waits for.

    Args:
        id: new at every arrival; whatever answers it must name it.
        kind: who answers: people, a machine, or an operator.
        error: for an incident, its kind and message (so that state alone can explain it).
    """

    id: int
    kind: WaitKind
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Marks where an instance stands. ``wait`` None means ready to act.

    ``forks`` lists the splits the token is inside, outermost first.
    """

    id: int
    step: str
    edge: int = 0
    scope: int = ROOT
    forks: tuple[int, ...] = ()
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The last completion of a user step."""

    by: str
    at: str
    values: Mapping[str, Any]
    outcome: str | None = None
    forks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Everything ``advance`` needs to know about an instance.

    Args:
        tokens: ordered by id.
        variables: of the root scope; decimals exact.
        facts: what expressions see as ``initiator`` and ``instance``, fixed at start.
        completed: per user step its last completion.
        visits: per step how often a token entered it.
        next_id: the next token or wait id.
        result: how it ended, for an ended instance.
    """

    status: Status = "running"
    tokens: tuple[Token, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    completed: Mapping[str, Completion] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    next_id: int = 1
    result: str | None = None
