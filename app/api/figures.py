"""The figures that are counted in SQL, as Prometheus reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from app.runtime.figures import Figures

CACHED: Final = timedelta(seconds=15)

_ACTIVE: Final = ("running", "suspended")
_COUNTED: Final = ("completed", "terminated", "failed")


class BusinessFigures:
    """Collects the figures at most once in ``CACHED``; the last ones stay if it fails.

    Args:
        count: counts everything at a moment; raises ``Unavailable`` without a database.
    """

    def __init__(self, count: Callable[[datetime], Figures]) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._at: datetime | None = None
        self._last: Figures | None = None

    def at(self, now: datetime) -> Figures:
        """Return the figures, counted again if the last ones are too old."""
        with self._lock:
            if self._at is None or self._last is None or not self._at <= now < self._at + CACHED:
                self._last = self._count(now)
                self._at = now
            return self._last


class Collector:
    """One scrape's view on figures (a Prometheus collector).

    Args:
        figures: None when the database is away; then only that is said.
        redis: whether Redis answers; None if nobody asked.
        version: of this program.
    """

    def __init__(self, figures: Figures | None, *, redis: bool, version: str) -> None:
        self._figures = figures
        self._redis = redis
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        build = GaugeMetricFamily("workflow_build", "The running program.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        yield _gauge("postgresql_up", "Whether PostgreSQL answers.", self._figures is not None)
        yield _gauge("redis_up", "Whether Redis answers.", self._redis)
        if self._figures is None:
            return
        yield _totals(self._figures)
        yield _active(self._figures)
        yield _gauge("tasks_open", "Tasks open or claimed.", self._figures.tasks_open)
        yield _gauge("tasks_overdue", "Tasks past their due date.", self._figures.tasks_overdue)
        yield _gauge("jobs_due", "Jobs that wait for a worker.", self._figures.jobs_due)
        yield _gauge("jobs_leased", "Jobs that a worker has.", self._figures.jobs_leased)
        yield _gauge(
            "job_oldest_due_seconds",
            "How long the oldest due job has been waiting.",
            self._figures.oldest_due_seconds,
        )
        yield _gauge("timers_late", "Timers due for over 5 s.", self._figures.timers_late)
        yield _gauge(
            "timer_oldest_late_seconds",
            "How long the oldest late timer has been due.",
            self._figures.oldest_timer_seconds,
        )
        yield _gauge("incidents_open", "Incidents not resolved.", self._figures.incidents_open)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _totals(figures: Figures) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "workflow_instances",
        "Instances started, and ended by how they ended.",
        labels=["definition", "status"],
    )
    started: dict[str, int] = {}
    for (definition, status), count in sorted(figures.instances.items()):
        started[definition] = started.get(definition, 0) + count
        if status in _COUNTED:
            family.add_metric([definition, status], count)
    for definition, count in started.items():
        family.add_metric([definition, "started"], count)
    return family


def _active(figures: Figures) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "workflow_instances_active", "Instances that have not ended.", labels=["definition"]
    )
    active: dict[str, int] = {}
    for (definition, status), count in sorted(figures.instances.items()):
        active[definition] = active.get(definition, 0) + (count if status in _ACTIVE else 0)
    for definition, count in active.items():
        family.add_metric([definition], count)
    return family
