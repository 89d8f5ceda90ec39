"""The figures that processes count themselves, under the names that are documented.

Each duration is kept under two names: the documented one, and the one with its unit that
Prometheus' conventions ask for. Labels are bounded: routes and not paths, definitions and
steps and not instances, never a person.

With ``PROMETHEUS_MULTIPROC_DIR`` set (before this module is imported) the processes of one
host share their figures through files there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

MULTIPROC: Final = "PROMETHEUS_MULTIPROC_DIR"

registry: Final = CollectorRegistry(auto_describe=True)

_FAST = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_HUMAN = (
    _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    _DAY,
    2 * _DAY,
    7 * _DAY,
    14 * _DAY,
    28 * _DAY,
)
_API_LABELS = ("method", "route", "status")
_TASK_LABELS = ("definition", "step")

_api_times = [
    Histogram(
        name,
        "Seconds from a REST request to its answer.",
        _API_LABELS,
        buckets=_FAST,
        registry=registry,
    )
    for name in ("api_request_duration", "api_request_duration_seconds")
]
_task_times = [
    Histogram(
        name,
        "Seconds from a task's opening to its completion.",
        _TASK_LABELS,
        buckets=_HUMAN,
        registry=registry,
    )
    for name in ("task_completion_time", "task_completion_time_seconds")
]
_connections = Gauge(
    "database_connections",
    "Connections of the web processes' pools: in_use, idle, overflow, max.",
    ("state",),
    multiprocess_mode="livesum",
    registry=registry,
)
_sign_in_failures = Counter(
    "sign_in_failures", "Refused sign-ins, by door (page or api).", ("door",), registry=registry
)
_limited = Counter(
    "rate_limited_requests", "Requests refused for being too many.", ("door",), registry=registry
)
_reminders = Counter(
    "task_reminders",
    "What clocks of tasks set off: remind, notify, escalate, reassign, outcome.",
    ("action",),
    registry=registry,
)


def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count a REST request.

    Args:
        route: the rule of the URL map, not the path.
        seconds: from the first byte read to the answer made.
    """
    for histogram in _api_times:
        histogram.labels(method, route, str(status)).observe(seconds)


def task_completed(definition: str, step: str, seconds: float) -> None:
    """Count a completed task; to be called after the commit.

    Args:
        definition: its key.
        seconds: from its opening to its completion.
    """
    for histogram in _task_times:
        histogram.labels(definition, step).observe(seconds)


def task_reminded(action: str) -> None:
    """Count what the clock of a task set off; to be called after the commit."""
    _reminders.labels(action).inc()


def sign_in_failed(door: str) -> None:
    """Count a refused sign-in; ``door`` is ``page`` or ``api``."""
    _sign_in_failures.labels(door).inc()


def rate_limited(door: str) -> None:
    """Count a request refused for being one of too many; ``door`` is ``page`` or ``api``."""
    _limited.labels(door).inc()


def pool_changed(counts: Mapping[str, int]) -> None:
    """Say how this process's pool of connections stands, by state."""
    for state, count in counts.items():
        _connections.labels(state).set(count)


class _AllProcesses:
    """What the processes of this host share, and what none of them counted yet, by its name."""

    def __init__(self, directory: str) -> None:
        self._shared = CollectorRegistry()
        MultiProcessCollector(self._shared, path=directory)  # type: ignore[no-untyped-call]  # the library's

    def collect(self) -> Iterator[Metric]:
        seen = set()
        for family in self._shared.collect():
            seen.add(family.name)
            yield family
        for family in registry.collect():
            if family.name not in seen:
                yield Metric(family.name, family.documentation, family.type)


def collected() -> Collector:
    """Return a collector of the figures of all processes of this host."""
    directory = os.environ.get(MULTIPROC)
    return _AllProcesses(directory) if directory else registry


def forget_process(pid: int) -> None:
    """Drop the gauges of a process that ended (gunicorn's ``child_exit``)."""
    if os.environ.get(MULTIPROC):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library's
