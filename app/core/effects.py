"""What should happen after an event: values that the runtime turns into rows.

Each is keyed by the wait id it belongs to and is a line of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from app.core.record import dataclass
from app.core.rules import Rules
from app.errors import Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Base; ``step`` is the id of the step it is about."""

    kind: ClassVar[str]
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Effect):
    """A token entered (``left`` False) or left (True, by ``outcome`` if any) the step."""

    kind: ClassVar[str] = "passed"
    token: int
    left: bool = False
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask(Effect):
    """Work for people. Names are as evaluated; resolving them is the runtime's.

    ``form`` is the expanded form (see ``core.form``) with defaults evaluated;
    ``outcomes`` are the choices, empty where none has to be made; ``allow`` are the verbs
    that the step allows, None for the usual ones; ``cc`` are told of it and may read;
    ``again`` is who did it before, of a step that is opened once more.
    With ``rules`` it is several people's (``assignees``), a task for each of them; ``expand``
    says whether a group among them stands for its members. ``approval`` are the approval rules
    to be kept when it is given to somebody (see ``core.approval.applied``), None if there are
    none; at ``remind_at`` it has to be looked at.
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
    allow: tuple[str, ...] | None = None
    cc: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    rules: Rules | None = None
    expand: bool = True
    again: str | None = None
    approval: Mapping[str, Any] | None = None
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTask(Effect):
    """The task of ``wait`` is withdrawn (not: completed)."""

    kind: ClassVar[str] = "close_task"
    wait: int
    reason: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Effect):
    """Nobody waits for the job of ``wait`` any more."""

    kind: ClassVar[str] = "cancel_job"
    wait: int
    reason: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIncident(Effect):
    """The incident of ``wait`` is over; ``how`` is ``retried``, ``skipped`` or ``withdrawn``."""

    kind: ClassVar[str] = "resolve_incident"
    wait: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariables(Effect):
    """Variables changed by the step: only the changed names with their new values.

    ``scope`` is the element of a multi whose own they are, 0 for the instance's.
    """

    kind: ClassVar[str] = "set_variables"
    values: Mapping[str, Any]
    scope: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer(Effect):
    """``wait`` is to be told when ``due_at`` has come."""

    kind: ClassVar[str] = "start_timer"
    wait: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer(Effect):
    """Nobody waits for the timer of ``wait`` any more."""

    kind: ClassVar[str] = "cancel_timer"
    wait: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Effect):
    """``wait`` is to be given the next message of this name and correlation key."""

    kind: ClassVar[str] = "subscribe"
    wait: int
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Effect):
    """``wait`` awaits no message any more."""

    kind: ClassVar[str] = "unsubscribe"
    wait: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlate(Effect):
    """A message is sent to whoever awaits it, or kept for ``ttl`` seconds."""

    kind: ClassVar[str] = "correlate"
    name: str
    key: str
    payload: Mapping[str, Any]
    ttl: float


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EndChild(Effect):
    """The child of ``wait`` is to be terminated."""

    kind: ClassVar[str] = "end_child"
    wait: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Effect):
    """An operator moved a token to ``target``, or the instance to another version."""

    kind: ClassVar[str] = "moved"
    token: int
    target: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Effect):
    """The instance ended; ``status`` is completed, terminated or failed."""

    kind: ClassVar[str] = "ended"
    status: str
    result: str | None = None
    code: str | None = None
