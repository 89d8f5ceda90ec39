"""Where an instance stands: frozen values, and their form as JSON.

The JSON form carries ``v``. A state of an unknown version is refused; an older one is
upgraded on reading, with a test for each version that ever shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from app.core.record import dataclass

Status = Literal["running", "suspended", "completed", "terminated", "failed"]
ENDED: frozenset[str] = frozenset({"completed", "terminated", "failed"})
WaitKind = Literal[
    "task", "job", "timer", "message", "event", "child", "scope", "multi", "join", "incident"
]
"""Who answers a wait: people, a machine, a clock, a message, the first of several, a child
instance, what is inside, each element, the other branches, an operator."""
ScopeKind = Literal["sub", "multi", "element"]
ROOT = 0
"""Scope id of the instance itself."""
PAST_JOIN = "*"
"""Edge of a token that stands behind a join's gathering: an operator put it there."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What may happen while a token waits: a timer or a message of its step's ``boundary``.

    Args:
        id: a wait id of its own.
        index: which one of the step's; ``TIMEOUT`` for the limit of the wait itself.
        kind: ``timer`` or ``message``.
        left: how often it may still fire; None for no end.
    """

    id: int
    index: int
    kind: Literal["timer", "message"]
    left: int | None = 1


TIMEOUT = -1
"""Index of the attached timer that limits the wait itself."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a token waits for.

    Args:
        id: new at every arrival; whatever answers it must name it.
        kind: who answers.
        error: for an incident, its kind and message (so that state alone can explain it).
        attached: what else may happen meanwhile.
    """

    id: int
    kind: WaitKind
    error: Mapping[str, Any] | None = None
    attached: tuple[Attached, ...] = ()

    def has(self, wait: int) -> bool:
        """Say whether this id is its own, or that of something attached to it."""
        return self.id == wait or any(each.id == wait for each in self.attached)


@dataclass(frozen=True, slots=True)
class Again:
    """What a token that was sent back brings along to the step that is opened once more.

    Args:
        by: who gets the step's task, if they still can.
        back: steps that it goes straight on to, the next one first, as long as each is done the
            same way as before; each with whom it is opened for.
    """

    by: str
    back: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """Marks where an instance stands. ``wait`` None means ready to act.

    Args:
        edge: where it came from, as joins tell their ways in apart: a step's id, for a
            boundary ``id#index``, empty for the beginning.
        scope: the scope it moves in.
        forks: the branches of splits it is inside, outermost first.
        again: set while it stands on a step that it was sent back to.
    """

    id: int
    step: str
    edge: str = ""
    scope: int = ROOT
    forks: tuple[int, ...] = ()
    wait: Wait | None = None
    again: Again | None = None

    def at(self, step: str, edge: str) -> Token:
        """Return it on another step, ready (``dataclasses.replace`` takes three times as long)."""
        return Token(self.id, step, edge, self.scope, self.forks)

    def waiting(self, wait: Wait) -> Token:
        """Return it with something to wait for."""
        return Token(self.id, self.step, self.edge, self.scope, self.forks, wait, self.again)


@dataclass(frozen=True, slots=True)
class Scope:
    """What runs inside a waiting token: a sub-process, the elements of a multi, one of them.

    Args:
        parent: the scope that ``owner`` moves in; for an element its multi.
        owner: the token that waits for it.
        step: the step of the owner.
        variables: an element's own; other scopes have none.
        visits: of a sub-process, per step how often a token entered it.
        index: of an element, from 0.
        items: of a multi, all elements.
        next: of a multi, the first element that has not begun.
        done: of a multi, how many have ended.
        collected: of a multi, per collected variable the values by element.
    """

    id: int
    kind: ScopeKind
    parent: int
    owner: int
    step: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    index: int = 0
    items: tuple[Any, ...] = ()
    next: int = 0
    done: int = 0
    collected: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def within(forks: tuple[int, ...], outer: tuple[int, ...]) -> bool:
    """Say whether what is inside the splits ``forks`` is inside ``outer`` too."""
    return forks[: len(outer)] == outer


@dataclass(frozen=True, slots=True)
class Completion:
    """The last completion of a user step.

    Args:
        scope: the scope it was made in.
        mark: the next id at that time: what has a lower one was there before.
        round: of the instance when it was made.
        target: where conditions led then; None where the decision itself says it.
        void: what was decided was taken back, by a return or by a recall.
        votes: what it came from, if several people decided it.
        seal: what tells whether the forms' values have changed since (``core.approval``).
        behalf: for whom it was decided, who was away; it is their task if it comes back.
    """

    by: str
    at: str
    values: Mapping[str, Any]
    outcome: str | None = None
    forks: tuple[int, ...] = ()
    scope: int = ROOT
    mark: int = 0
    round: int = 1
    target: str | None = None
    void: bool = False
    votes: Mapping[str, Any] | None = None
    seal: str | None = None
    behalf: str | None = None

    def made(self, token: Token, mark: int, round_: int) -> Completion:
        """Return it as made where a token stands."""
        return Completion(
            *(self.by, self.at, self.values, self.outcome, token.forks, token.scope, mark, round_),
            votes=self.votes,
            seal=self.seal,
            behalf=self.behalf,
        )

    @property
    def owner(self) -> str:
        """Whose the step's task was."""
        return self.behalf or self.by

    def seen(self) -> dict[str, Any]:
        """Return what ``${step.completed_by}`` and its like read."""
        return {
            "completed_by": self.by,
            "completed_at": self.at,
            "outcome": self.outcome,
            "values": self.values,
            **(self.votes or {}),
        }


@dataclass(frozen=True, slots=True)
class State:
    """Everything ``advance`` needs to know about an instance.

    Args:
        tokens: ordered by id.
        variables: of the root scope; decimals exact.
        facts: what expressions see as ``initiator`` and ``instance``, fixed at start.
        completed: per user step its last completion, the latest of them last.
        visits: per step of the root scope how often a token entered it; also of the points of
            no return inside sub-processes.
        next_id: the next token, wait or scope id.
        result: how it ended, for an ended instance.
        scopes: the open ones beside the root, by id.
        end: the gravest end that a path reached so far, ``(result, code)``.
        round: from 1; each return opens the next one.
    """

    status: Status = "running"
    tokens: tuple[Token, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    completed: Mapping[str, Completion] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    next_id: int = 1
    result: str | None = None
    scopes: Mapping[int, Scope] = field(default_factory=dict)
    end: tuple[str, str | None] | None = None
    round: int = 1
