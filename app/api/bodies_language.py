"""What answers hold about repairs, messages, work elsewhere and dry runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from app.api.bodies import Body, Instance


class Sent(Body):
    """What became of a message."""

    id: int
    instance_id: int | None = Field(description="Whom it reached, or who was started by it.")
    started: bool
    kept_until: datetime | None = Field(description="If it waits for a receiver.")


class ExternalTask(Body):
    """Work that was fetched."""

    id: int
    process_instance_id: int
    step: str
    topic: str
    input: Any
    attempt: int
    failures: int
    locked_until: datetime


class ExternalTasks(Body):
    """What a worker holds from now on."""

    items: list[ExternalTask]


class Locked(Body):
    """Until when a worker may keep its task."""

    id: int
    locked_until: datetime


class Fate(Body):
    """What becomes of a token by a migration."""

    token: int
    step: str
    target: str | None
    problem: str | None


class Migration(Body):
    """What a migration did, or would do."""

    possible: bool
    steps: dict[str, str]
    tokens: list[Fate]
    instance: Instance | None = Field(description="Afterwards; null for a preview.")


class Result(Body):
    """What became of one item of a batch."""

    index: int = Field(description="Its place in the request, from 0.")
    id: int | None = Field(description="Of the instance, or of what was named; null if none was.")
    ok: bool
    status: int = Field(description="What a request of its own would have been answered with.")
    problem: dict[str, Any] | None = None


class Batch(Body):
    """What became of each item, in the order of the request."""

    results: list[Result]
    done: int
    failed: int


class Waiting(Body):
    """Where a dry run stands."""

    step: str
    kind: str
    message: str | None = None


class Trouble(Body):
    """An incident of a dry run."""

    step: str
    kind: str
    message: str
    detail: dict[str, Any]


class Simulated(Body):
    """How a dry run went."""

    path: list[str] = Field(description="Steps in the order they were entered.")
    status: str
    result: str | None
    variables: dict[str, Any]
    waiting: list[Waiting]
    incidents: list[Trouble]


class FormatSchema(Body):
    """The JSON Schema of the definition format."""

    model_config = ConfigDict(extra="allow")
