"""What should happen after an event: values that the runtime turns into rows.

Each is keyed by the wait id it belongs to and is a line of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar


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
    """

    kind: ClassVar[str] = "start_job"
    wait: int
    token: int
    service: str
    method: str
    input: Any
    timeout: float
    retry: Mapping[str, Any] = field(default_factory=dict)


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
    """

    kind: ClassVar[str] = "raise_incident"
    wait: int
    token: int
    error_kind: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIncident(Effect):
    """The incident of ``wait`` is over; ``how`` is ``retried`` or ``withdrawn``."""

    kind: ClassVar[str] = "resolve_incident"
    wait: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariables(Effect):
    """Variables changed by the step: only the changed names with their new values."""

    kind: ClassVar[str] = "set_variables"
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Effect):
    """The instance ended; ``status`` is completed, terminated or failed."""

    kind: ClassVar[str] = "ended"
    status: str
    result: str | None = None
    code: str | None = None
