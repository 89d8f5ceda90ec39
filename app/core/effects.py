"""What should happen after an event: values that the runtime turns into rows.

Each is keyed by the wait id it belongs to and is a line of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from app.core.record import dataclass
from app.errors import Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Base; ``step`` is the id of the step it is about."""

    kind: ClassVar[str]
    step: str

    def told(self) -> tuple[str, dict[str, Any]]:
        """Return what the history calls it, and what it says of it."""
        raise TypeError(f"no line for {self!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Effect):
    """A token entered (``left`` False) or left (True, by ``outcome`` if any) the step."""

    kind: ClassVar[str] = "passed"
    token: int
    left: bool = False
    target: str | None = None

    def told(self) -> tuple[str, dict[str, Any]]:
        if self.left:
            return "step.left", {"token": self.token, "to": self.target}
        return "step.entered", {"token": self.token}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask(Effect):
    """Work for people. Names are as evaluated; resolving them is the runtime's.

    ``form`` is the expanded form (see ``core.form``) with defaults evaluated;
    ``outcomes`` are the choices, empty where none has to be made.
    """

    kind: ClassVar[str] = "open_task"
    wait: int
    token: int
    assignee: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    form: tuple[Mapping[str, Any], ...] = ()
    outcomes: tuple[Mapping[str, Any], ...] = ()
    due_at: datetime | None = None
    priority: int = 50
    instructions: Any = None

    def told(self) -> tuple[str, dict[str, Any]]:
        named = [*self.candidate_users, *self.candidate_groups]
        return "task.opened", {"wait": self.wait, "assignee": self.assignee, "candidates": named}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTask(Effect):
    """The task of ``wait`` is withdrawn (not: completed)."""

    kind: ClassVar[str] = "close_task"
    wait: int
    reason: str = ""

    def told(self) -> tuple[str, dict[str, Any]]:
        return "task.cancelled", {"wait": self.wait, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob(Effect):
    """Work for a machine: ``service.method(input)``.

    Args:
        timeout: seconds an attempt may take.
        retry: the retry policy, expanded (see ``core.retry``).
        topic: a worker elsewhere fetches it under this name; no connector is called.
    """

    kind: ClassVar[str] = "start_job"
    wait: int
    token: int
    service: str
    method: str
    input: Any
    timeout: float
    retry: Mapping[str, Any] = field(default_factory=dict)
    topic: str | None = None

    def told(self) -> tuple[str, dict[str, Any]]:
        return "job.started", {"wait": self.wait, "service": f"{self.service}.{self.method}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Effect):
    """Nobody waits for the job of ``wait`` any more."""

    kind: ClassVar[str] = "cancel_job"
    wait: int
    reason: str = ""

    def told(self) -> tuple[str, dict[str, Any]]:
        return "job.cancelled", {"wait": self.wait, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseIncident(Effect):
    """The token of ``wait`` cannot go on without help.

    ``error_kind`` is a stable word (``expression``, ``no_way_out``, ``job_failed``,
    ``unknown_service``, ``loop_limit``, …); ``detail`` names sub-expressions and values.
    What a message that is a ``Phrase`` was made of goes along as ``detail["phrase"]``, so that
    it can be told in other languages for as long as the incident is kept.
    """

    kind: ClassVar[str] = "raise_incident"
    wait: int
    token: int
    error_kind: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.message, Phrase) and self.message.params:
            detail = {**self.detail, "phrase": self.message.parts()}
            object.__setattr__(self, "detail", detail)

    def told(self) -> tuple[str, dict[str, Any]]:
        said = {"wait": self.wait, "kind": self.error_kind, "message": self.message}
        parts = self.detail.get("phrase")
        return "incident.opened", {**said, "phrase": parts} if parts else said


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIncident(Effect):
    """The incident of ``wait`` is over; ``how`` is ``retried``, ``skipped`` or ``withdrawn``."""

    kind: ClassVar[str] = "resolve_incident"
    wait: int
    how: str

    def told(self) -> tuple[str, dict[str, Any]]:
        return "incident.resolved", {"wait": self.wait, "how": self.how}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariables(Effect):
    """Variables changed by the step: only the changed names with their new values.

    ``scope`` is the element of a multi whose own they are, 0 for the instance's.
    """

    kind: ClassVar[str] = "set_variables"
    values: Mapping[str, Any]
    scope: int = 0

    def told(self) -> tuple[str, dict[str, Any]]:
        if self.scope:
            return "variables.changed", {"values": self.values, "scope": self.scope}
        return "variables.changed", {"values": self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer(Effect):
    """``wait`` is to be told when ``due_at`` has come."""

    kind: ClassVar[str] = "start_timer"
    wait: int
    due_at: datetime

    def told(self) -> tuple[str, dict[str, Any]]:
        return "timer.started", {"wait": self.wait, "due_at": self.due_at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer(Effect):
    """Nobody waits for the timer of ``wait`` any more."""

    kind: ClassVar[str] = "cancel_timer"
    wait: int

    def told(self) -> tuple[str, dict[str, Any]]:
        return "timer.cancelled", {"wait": self.wait}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Effect):
    """``wait`` is to be given the next message of this name and correlation key."""

    kind: ClassVar[str] = "subscribe"
    wait: int
    name: str
    key: str

    def told(self) -> tuple[str, dict[str, Any]]:
        return "message.awaited", {"wait": self.wait, "name": self.name, "key": self.key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Effect):
    """``wait`` awaits no message any more."""

    kind: ClassVar[str] = "unsubscribe"
    wait: int

    def told(self) -> tuple[str, dict[str, Any]]:
        return "message.given_up", {"wait": self.wait}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlate(Effect):
    """A message is sent to whoever awaits it, or kept for ``ttl`` seconds."""

    kind: ClassVar[str] = "correlate"
    name: str
    key: str
    payload: Mapping[str, Any]
    ttl: float

    def told(self) -> tuple[str, dict[str, Any]]:
        return "message.sent", {"name": self.name, "key": self.key}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild(Effect):
    """Another definition is run as a child.

    Args:
        wait: who is told of its end; nobody if ``awaited`` is False.
        version: None for the newest active one.
    """

    kind: ClassVar[str] = "start_child"
    wait: int
    process_key: str
    version: str | None
    variables: Mapping[str, Any]
    awaited: bool = True
    business_key: str | None = None

    def told(self) -> tuple[str, dict[str, Any]]:
        return "child.started", {"wait": self.wait, "process_key": self.process_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndChild(Effect):
    """The child of ``wait`` is to be terminated."""

    kind: ClassVar[str] = "end_child"
    wait: int
    reason: str = ""

    def told(self) -> tuple[str, dict[str, Any]]:
        return "child.withdrawn", {"wait": self.wait, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Effect):
    """An operator moved a token to ``target``, or the instance to another version."""

    kind: ClassVar[str] = "moved"
    token: int
    target: str
    how: str

    def told(self) -> tuple[str, dict[str, Any]]:
        return f"token.{self.how}", {"token": self.token, "to": self.target}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Effect):
    """The instance ended; ``status`` is completed, terminated or failed."""

    kind: ClassVar[str] = "ended"
    status: str
    result: str | None = None
    code: str | None = None

    def told(self) -> tuple[str, dict[str, Any]]:
        return f"instance.{self.status}", {"result": self.result, "code": self.code}
