"""What requests may hold that repair instances, send messages, or work on jobs elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.payloads import Comment, DefinitionUpload, Id, Request, ShortText, StartInstance
from app.api.payloads import Variables as Values
from app.core.duration import DurationError, parse_duration

MAX_BATCH = 500
"""Instances of one request."""
MAX_RETRIES = 200
"""Incidents of one request."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _length_of_time(value: object) -> object:
    """Read ``30s``, ``1h30m`` or ``PT2H``; anything else is refused."""
    try:
        if isinstance(value, str):
            seconds = parse_duration(value).fixed_seconds()
            return _EPOCH + timedelta(seconds=seconds) - _EPOCH
    except (DurationError, OverflowError):
        pass
    raise PydanticCustomError("length_of_time", "no length of time")


LengthOfTime = Annotated[
    timedelta,
    BeforeValidator(_length_of_time),
    WithJsonSchema({"type": "string", "examples": ["30s", "1h30m", "PT2H"]}),
]
StepId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
TokenId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SendMessage(Request):
    """A message, and whom it is for."""

    name: ShortText
    correlation_key: ShortText = Field(
        default="", description="What the receiver waits with as well."
    )
    variables: Values = Field(default_factory=dict)
    ttl: LengthOfTime | None = Field(
        default=None, description="How long it is kept if nobody awaits it; default 1d."
    )


class FetchAndLock(Request):
    """Which work a worker elsewhere asks for."""

    worker_id: Word
    topics: list[ShortText] = Field(min_length=1, max_length=100)
    max_tasks: int = Field(default=10, ge=1, le=100)
    lock: LengthOfTime | None = Field(
        default=None, description="How long it may keep them; default: as the step says."
    )
    wait: LengthOfTime = Field(
        default=timedelta(),
        description="How long the answer may wait for work, at most 30s; default: not at all.",
        le=timedelta(seconds=30),
    )


class Worker(Request):
    """Who holds the lock."""

    worker_id: Word


class CompleteExternal(Worker):
    """What the work gave."""

    result: Any = None


class FailExternal(Worker):
    """Why it failed; ``business`` says that trying again is no use."""

    code: Word
    message: Comment = ""
    business: bool = False


class ExtendExternal(Worker):
    """How long from now on the worker needs the lock."""

    lock: LengthOfTime


class Jump(Request):
    """Which token goes to which step, and why."""

    token: TokenId
    to: StepId
    reason: Comment | None = None


class Skip(Request):
    """Which token goes past its step, where to if there is a choice, and why."""

    token: TokenId
    outcome: ShortText | None = None
    reason: Comment | None = None


class SkipIncident(Request):
    """Where to go on, if there is a choice, and why."""

    outcome: ShortText | None = None
    reason: Comment | None = None


class Migrate(Request):
    """Which version to go on with; ``steps`` adds to the map that suggests itself."""

    process_definition_id: Id
    steps: dict[StepId, StepId] = Field(default_factory=dict, max_length=500)
    preview: bool = Field(default=False, description="Only say what would happen.")
    reason: Comment | None = None


class Restart(Request):
    """Why; ``comment`` is another name for ``reason``."""

    reason: Comment | None = None
    comment: Comment | None = None


class BatchRetry(Request):
    """Which incidents to try again: by their ids, or those of a definition."""

    ids: list[Id] | None = Field(default=None, min_length=1, max_length=MAX_RETRIES)
    process_definition_id: Id | None = None
    reason: Comment | None = None


class InstanceBatch(Request):
    """Many of the same: ``instances`` to start, or ``ids`` for the other actions."""

    action: Literal["start", "suspend", "activate", "terminate"]
    instances: list[StartInstance] | None = Field(default=None, min_length=1, max_length=MAX_BATCH)
    ids: list[Id] | None = Field(default=None, min_length=1, max_length=MAX_BATCH)
    reason: Comment | None = None


class Simulation(DefinitionUpload):
    """The body of a create, and the scenario to play."""

    scenario: dict[str, Any] = Field(description="``{start, answers}``; see the documentation.")
