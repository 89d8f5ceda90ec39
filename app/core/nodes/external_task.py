"""Work that a worker elsewhere fetches over REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.duration import parse_duration
from app.core.keys import Key
from app.core.nodes.base import Visit
from app.core.nodes.job import OUTPUT, RETRY, JobNode, all_or_given
from app.core.values import plain_text

if TYPE_CHECKING:
    from app.core.compiling import Compiling

DEFAULT_LOCK = "5m"
"""How long a worker may keep it without extending."""


class ExternalTask(JobNode):
    """Offered under a ``topic``; fetched, locked, then completed or failed."""

    type = "external_task"
    doc = "A worker elsewhere fetches, locks, and completes or fails it over REST."
    service = "external.work"
    keys = (
        Key("topic", "text", required=True, expr=True, doc="what workers ask for"),
        Key("input", "expr_map", expr=True, doc="what they are given; default: all variables"),
        Key("lock", "duration", doc="how long one may keep it; default 5m"),
        OUTPUT,
        RETRY,
    )

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """The lock is what a timeout is elsewhere."""
        made = super().compile(config, making)
        lock = config.get("lock", DEFAULT_LOCK)
        return {**made, "timeout": parse_duration(lock).fixed_seconds()}

    def given(self, visit: Visit) -> Any:
        """Return ``input``, or all variables."""
        return all_or_given(visit)

    def topic(self, visit: Visit) -> str | None:
        """Return the evaluated topic."""
        return plain_text(visit.config("topic"))
