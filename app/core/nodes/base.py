"""What a step type decides: a node returns what should happen, it does nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from app.core.definition import Definition, Edge, Step
from app.core.effects import Effect
from app.core.events import Event
from app.core.expression import ExpressionError, shown, truth
from app.core.keys import Key
from app.core.state import Completion, WaitKind
from app.core.values import check_json, storable

if TYPE_CHECKING:
    from app.core.compiling import Compiling


@dataclass(frozen=True, slots=True)
class Stay:
    """The token waits; ``effects`` are given the new wait id."""

    kind: WaitKind
    effects: Callable[[int], tuple[Effect, ...]]


@dataclass(frozen=True, slots=True)
class Leave:
    """The token goes to ``target`` (None: its path ends here) and takes ``variables`` along.

    ``by_edges`` leaves the way to the step's edges, asked after the variables are set: the
    work is done and kept even if no edge can be taken.
    """

    target: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    completion: Completion | None = None
    by_edges: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The token reached an explicit end; ``terminate`` ends all others too."""

    result: str = "completed"
    code: str | None = None
    terminate: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """The token cannot go on: an incident, unless the step's ``on_error`` takes over.

    ``caught`` False says that ``on_error`` is not for this kind of trouble.
    """

    kind: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    caught: bool = False


Decision = Stay | Leave | Finish | Fail


@dataclass(frozen=True, slots=True)
class Visit:
    """What a node may look at: the token's place, the variables, the time.

    ``scope`` is what expressions see; ``variables`` are the process's own.
    """

    definition: Definition
    step: Step
    token: int
    scope: Mapping[str, Any]
    variables: Mapping[str, Any]
    now: datetime


class Node:
    """One step type. Subclasses say what their ``config`` may hold and what they do."""

    type: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]] = ()
    doc: ClassVar[str] = ""

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Check what the keys' kinds cannot, and return the config as ``enter`` wants it."""
        return dict(config)

    def edges(self, config: Mapping[str, Any]) -> tuple[Edge, ...]:
        """Return ways out that stand in the config instead of ``next``."""
        return ()

    def enter(self, visit: Visit) -> Decision:
        """Decide what happens when a token arrives."""
        raise TypeError(f"{self.type} has no behaviour")

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Decide what the answer to the wait means; None if it is no answer to this."""
        return None


def way_out(visit: Visit) -> Leave | Fail:
    """Leave by the step's edges: the first true condition, else the plain edge."""
    if not visit.step.next:
        return Leave(None)
    plain: Edge | None = None
    for edge in visit.step.next:
        if edge.when is None:
            plain = plain or edge
        elif truth(edge.when, visit.scope, visit.now):
            return Leave(edge.target)
    if plain is not None:
        return Leave(plain.target)
    return Fail(
        "no_way_out",
        "No condition is true and there is no default.",
        {
            "conditions": [
                {
                    "expression": edge.when.text,
                    "next": edge.target,
                    "values": {
                        name: shown(visit.scope.get(name)) for name in sorted(edge.when.names)
                    },
                }
                for edge in visit.step.next
                if edge.when is not None
            ]
        },
    )


def expression_failure(error: ExpressionError) -> Fail:
    """Return the incident for an expression that could not be evaluated."""
    return Fail(
        "expression",
        f"{error.message} (in {error.expression})",
        {
            "expression": error.expression,
            "fragment": error.fragment,
            "values": [list(pair) for pair in error.values],
        },
    )


def kept(value: Any) -> Any:
    """Return an evaluated value as it can be kept, or a ``Fail`` if it is too much to keep.

    Checked first: there may be a thousand times the largest variable in it.
    """
    problem = check_json(value, dates=True)
    if problem is None:
        return storable(value)
    message = f"What the step works with cannot be kept. {problem.text()}"
    return Fail("bad_value", message, {"place": problem.pointer})
