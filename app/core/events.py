"""What can happen to an instance. Each event that answers a wait names its wait id.

``at`` is the time of the event (aware, UTC); it is the only clock the core knows.
``by`` is who caused it: a username, or ``system``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from app.core.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base: when, and by whom."""

    kind: ClassVar[str]
    at: datetime
    by: str = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """A new instance. ``facts`` has ``initiator`` and ``instance`` for expressions."""

    kind: ClassVar[str] = "started"
    variables: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(Event):
    """People finished the task of ``wait``; ``values`` were validated by the form.

    ``outcome`` is the id of the chosen target or outcome, None where none is needed. ``votes``
    says what it was put together from where several people decided; see ``core.tally``. ``rule``
    is the rule that decided instead of people.
    """

    kind: ClassVar[str] = "task_completed"
    wait: int
    values: Mapping[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    comment: str | None = None
    on_behalf_of: str | None = None
    votes: Mapping[str, Any] | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyLeft(Event):
    """There is nobody whom the task of ``wait`` could be given to, and no rule for that.

    ``wanted`` are the names that were looked up.
    """

    kind: ClassVar[str] = "nobody_left"
    wait: int
    wanted: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded(Event):
    """The job of ``wait`` returned ``result`` (JSON value)."""

    kind: ClassVar[str] = "job_succeeded"
    wait: int
    result: Any = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """The job of ``wait`` failed for good (out of attempts, or a business error)."""

    kind: ClassVar[str] = "job_failed"
    wait: int
    code: str
    message: str
    attempt: int = 1
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended(Event):
    """Nothing may move until Activated."""

    kind: ClassVar[str] = "suspended"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated(Event):
    """Goes on after Suspended."""

    kind: ClassVar[str] = "activated"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated(Event):
    """Ended by a person; whatever is open is cancelled."""

    kind: ClassVar[str] = "terminated"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Event):
    """The incident of ``wait`` is over: the token enters its step again."""

    kind: ClassVar[str] = "retried"
    wait: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesSet(Event):
    """An operator changed variables; ``values`` are merged, ``reason`` is kept."""

    kind: ClassVar[str] = "variables_set"
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Event):
    """The time of ``wait`` has come."""

    kind: ClassVar[str] = "timer_fired"
    wait: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """A message reached ``wait``; ``payload`` is what it carried."""

    kind: ClassVar[str] = "message_received"
    wait: int
    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded(Event):
    """The child instance of ``wait`` ended.

    Args:
        status: completed, terminated or failed.
        result: how it ended, or the code of its end.
        variables: the child's, as they were in the end.
    """

    kind: ClassVar[str] = "child_ended"
    wait: int
    child: int
    status: str
    result: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Event):
    """An operator lets the token of ``wait`` go on without the work being done.

    ``outcome`` chooses where the step offers several.
    """

    kind: ClassVar[str] = "skipped"
    wait: int
    outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumped(Event):
    """An operator moves a token: what it waits for is withdrawn, it enters ``step``.

    Only within the scope the token moves in.
    """

    kind: ClassVar[str] = "jumped"
    token: int
    step: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated(Event):
    """The instance goes on by another version; ``steps`` maps old step ids to new ones.

    ``advance`` is given the new definition. A step that is not named keeps its id.
    """

    kind: ClassVar[str] = "migrated"
    definition_id: int
    steps: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned(Event):
    """Who has the task of ``wait`` gives it back: ``step`` is opened again for who did it.

    Args:
        step: a user step that was completed on the way here, or the start form's.
        straight: done the same way as before, it leads straight to the task that was given back.
    """

    kind: ClassVar[str] = "returned"
    wait: int
    step: str
    straight: bool = False
    reason: str | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled(Event):
    """Who completed ``step`` takes it back; what followed from it is withdrawn.

    Args:
        restore: variables that the completion had changed, with their former values.
        forget: those that did not exist before.
    """

    kind: ClassVar[str] = "recalled"
    step: str
    restore: Mapping[str, Any] = field(default_factory=dict)
    forget: Sequence[str] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(Event):
    """The initiator takes the whole request back: it ends, or ``step`` is opened for them."""

    kind: ClassVar[str] = "withdrawn"
    step: str | None = None
    reason: str | None = None
