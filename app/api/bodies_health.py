"""Bodies of answers about how the system does."""

from __future__ import annotations

from pydantic import Field

from app.api.bodies import Body


class DatabaseHealth(Body):
    """How the database does."""

    status: str
    latency_ms: float
    version: str
    migration: str | None
    pool: dict[str, int]
    connections: int
    max_connections: int


class RedisHealth(Body):
    """How Redis does; without it everything goes on, more slowly."""

    status: str
    latency_ms: float | None = None
    version: str | None = None
    problem: str | None = None


class WorkerHealth(Body):
    """How work for machines does."""

    status: str
    due: int
    leased: int
    oldest_due_seconds: float
    timers_late: int = Field(description="Timers due for over 5 s; at most 10,000 are counted.")
    oldest_timer_seconds: float = Field(description="How long the oldest of them has been due.")
    workers: int | None = Field(description="Null without Redis.")
    leader: bool = Field(description="Whether some process does the duties.")
