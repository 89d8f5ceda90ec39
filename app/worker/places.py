"""The places of a worker: how many calls of each service it makes at the same time.

A service may declare its limit when it is registered. One that doesn't leaves a quarter of
the places to others, so that a slow one never has them all. A call keeps its service's
place until its thread ends, since a hung remote still has it; after twice its time limit it
is given up for lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from app.connector.registry import Registry, Service
from app.runtime.jobs import Job
from app.worker.execute import Call


class Places:
    """Counts what runs. Its owner guards it with a lock.

    Args:
        total: calls at the same time, of all services together.
    """

    def __init__(self, registry: Registry, total: int) -> None:
        self.total = total
        self._registry = registry
        self._calls: set[Call] = set()

    def service(self, job: Job) -> Service | None:
        """Return what does a job here."""
        return self._registry.service(job.service, job.method)

    def batch(self, job: Job) -> int:
        """Return how many jobs like this one one call takes."""
        service = self.service(job)
        return service.batch if service is not None else 1

    def room(self) -> dict[str, int]:
        """Return how many jobs may be taken of each service, for those with a limit."""
        running: dict[str, int] = {}
        for call in self._calls:
            running[call.name] = running.get(call.name, 0) + 1
        return {
            name: max(0, self._limit(service) - running.get(name, 0)) * service.batch
            for name, service in self._registry.services()
        }

    def crowded(self) -> bool:
        """Say whether a service has no place left, so that jobs of it may wait here."""
        return any(room == 0 for room in self.room().values())

    def grouped(self, jobs: Iterable[Job]) -> Iterator[list[Job]]:
        """Yield the jobs of each call to be made."""
        groups: dict[tuple[str, str], list[Job]] = {}
        for job in jobs:
            group = groups.setdefault((job.service, job.method), [])
            group.append(job)
            if len(group) >= self.batch(job):
                yield groups.pop((job.service, job.method))
        yield from groups.values()

    def take(self, call: Call) -> None:
        """Count a call."""
        self._calls.add(call)

    def give_back(self, call: Call) -> bool:
        """Forget a call; True if its service had no place left, so that some may wait."""
        if call not in self._calls:
            return False
        full = self.room().get(call.name) == 0
        self._calls.discard(call)
        return full

    def give_up(self, now: float) -> list[str]:
        """Forget calls that will hardly end; return their names.

        Args:
            now: as ``time.monotonic`` says.
        """
        lost = [call for call in self._calls if call.lost_at <= now]
        self._calls.difference_update(lost)
        return [call.name for call in lost]

    @property
    def give_up_at(self) -> float:
        """When the next call is given up, as ``time.monotonic`` says; or never."""
        return min((call.lost_at for call in self._calls), default=math.inf)

    def _limit(self, service: Service) -> int:
        if service.concurrency is not None:
            return min(service.concurrency, self.total)
        return self.total - self.total // 4
