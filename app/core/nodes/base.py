"""What a step type decides: a node returns what should happen, it does nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from app.core.definition import Definition, Edge, Step
from app.core.effects import Effect
from app.core.events import Event
from app.core.expression import ExpressionError, evaluate_config, shown, truth
from app.core.keys import Key
from app.core.once import once
from app.core.record import dataclass
from app.core.state import Again, Completion, WaitKind
from app.core.values import check_json, storable
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.compiling import Compiling


@dataclass(frozen=True, slots=True)
class Stay:
    """The token waits; ``effects`` are given the new wait id.

    ``limit``: when the wait is over at the latest; then the step fails, code ``timeout``.
    """

    kind: WaitKind
    effects: Callable[[int], tuple[Effect, ...]] = lambda _: ()
    limit: datetime | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The token goes to ``target`` (None: its path ends here) and takes ``variables`` along.

    ``by_edges`` leaves the way to the step's edges, asked after the variables are set: the
    work is done and kept even if no edge can be taken. ``edge`` is what joins tell it by, if
    not the step. ``effects`` are given a new id that nobody waits with.
    """

    target: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    completion: Completion | None = None
    by_edges: bool = False
    edge: str | None = None
    effects: Callable[[int], tuple[Effect, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The token becomes one for each of the targets, at least one."""

    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """The token waits until what is inside the step has ended."""


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


Decision = Stay | Leave | Split | Inside | Finish | Fail


@dataclass(frozen=True, slots=True)
class Visit:
    """What a node may look at: the token's place, the variables, the time.

    ``see`` gives what expressions see, while the node decides; ``variables`` are the process's
    own; ``completed`` are the steps that people did, the last one last, and ``forks`` the
    token's branches; ``again`` says that the token was sent back here; ``round`` is that of the
    instance.
    """

    definition: Definition
    step: Step
    token: int
    see: Callable[[], Mapping[str, Any]]
    variables: Mapping[str, Any]
    now: datetime
    completed: Mapping[str, Completion] = field(default_factory=dict)
    forks: tuple[int, ...] = ()
    again: Again | None = None
    round: int = 1

    @property
    def scope(self) -> Mapping[str, Any]:
        """What expressions see; most steps have none, and it is put together for the others."""
        return self.see()

    def config(self, name: str, default: Any = None) -> Any:
        """Return one value of the step's configuration, its templates evaluated.

        Raises:
            ExpressionError: an expression cannot be read or fails.
        """
        given = self.step.config.get(name, default)
        if name in self.step.live:
            return evaluate_config(given, self.see(), self.now)
        if isinstance(given, dict | list | tuple):
            return evaluate_config(given, _NOTHING, self.now)  # a copy that may be kept
        return given

    def evaluated(self, value: Any) -> Any:
        """Return a value of the configuration, the templates in it evaluated.

        Raises:
            ExpressionError: an expression cannot be read or fails.
        """
        return evaluate_config(value, self.see(), self.now)

    def kept(self, name: str, default: Any = None) -> Any:
        """Return the same as it can be kept, or a ``Fail`` if it is too much to keep.

        Raises:
            ExpressionError: an expression cannot be read or fails.
        """
        if name in _keepable(self.step):
            return storable(self.step.config[name])
        return kept(self.config(name, default))


_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Branch:
    """One thing that may become of a token in a step, whatever the data: for the checker.

    Args:
        targets: where its successors stand; empty: the path ends.
        label: what decides for it, in words of the definition.
        ends: the whole scope ends with it.
        reads: variables that decide.
    """

    targets: tuple[str, ...]
    label: str = ""
    ends: bool = False
    reads: frozenset[str] = frozenset()


class Node:
    """One step type. Subclasses say what their ``config`` may hold and what they do."""

    type: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]] = ()
    doc: ClassVar[str] = ""
    gathers: ClassVar[Literal["", "all", "those_that_can_come"]] = ""
    """Whether several ways in are joined, and what such a join waits for."""
    waits: ClassVar[bool] = False
    """Whether a token stands still here, so that a ``boundary`` makes sense."""
    routes: ClassVar[bool] = False
    """Whether it does nothing but send tokens on: there is nothing to skip."""
    repeats: ClassVar[bool] = False
    """Whether ``multi`` may stand beside it."""

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

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """Return what may become of a token here; errors and boundaries come on top."""
        return edge_branches(step)


def edge_branches(step: Step) -> tuple[Branch, ...]:
    """Return one branch for each way out of a step that takes one of them."""
    if not step.next:
        return (Branch(()),)
    return tuple(
        Branch(
            (edge.target,),
            edge.when.text if edge.when else "",
            reads=edge.when.names if edge.when else frozenset(),
        )
        for edge in step.next
    )


@once
def _keepable(step: Step) -> frozenset[str]:
    """Return the names in the configuration whose values always are the same, and can be kept."""
    return frozenset(
        name
        for name, value in step.config.items()
        if name not in step.live and check_json(value) is None
    )


@once
def plain_way(step: Step) -> Leave | None:
    """Return the way out of a step whose edges have no conditions; None if some have."""
    if any(edge.when is not None for edge in step.next):
        return None
    return Leave(step.next[0].target if step.next else None)


def way_out(visit: Visit) -> Leave | Fail:
    """Leave by the step's edges: the first true condition, else the plain edge."""
    step = visit.step
    way = plain_way(step)
    if way is not None:
        return way
    plain: Edge | None = None
    for edge in step.next:
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
        Phrase(
            "%(problem)s (in %(expression)s)", problem=error.message, expression=error.expression
        ),
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
    message = Phrase("What the step works with cannot be kept. %(problem)s", problem=problem.text())
    return Fail("bad_value", message, {"place": problem.pointer})
