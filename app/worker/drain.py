"""Draining: leases due jobs as long as there are places, and watches their time limits.

One thread leases, and renews the leases of what runs; every attempt has a thread of its
own. Who is told what:

- ``notify`` says that there may be work (RQ's message, or a job this process created);
- a call says that its place is free;
- without either the table is looked at now and then, so that nothing depends on Redis.

A service that is slow takes no more than its own places: the others' jobs are leased
around it (see ``places``).
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.connector.registry import Registry
from app.db import faults
from app.errors import AppError
from app.runtime import jobs
from app.runtime.jobs import Job
from app.runtime.ports import Engine, Waker
from app.worker.execute import Attempt, Call
from app.worker.places import Places

log = structlog.get_logger(__name__)

PLACES: Final = 8
"""Calls at the same time in one process."""
IDLE: Final = 5.0
"""Seconds between two looks at the table while Redis can wake us."""
IDLE_DEAF: Final = 1.0
"""The same while it cannot."""


class Drain:
    """Runs the due jobs of a database.

    Args:
        worker: the name that leases carry.
        places: calls at the same time. A hung one that ran into its time limit gives its
            place back, but its thread stays until the service answers.
        hold: how long this process may be silent before others take its jobs.
        looked: called before a look that a message asked for.
    """

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        *,
        worker: str,
        clock: Callable[[], datetime],
        places: int = PLACES,
        hold: timedelta = jobs.HOLD,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        self.hears = False
        self._engine = replace(engine, waker=_Near(self, engine.waker))
        self._places = Places(registry, places)
        self._worker = worker
        self._clock = clock
        self._hold = hold
        self._looked = looked
        self._running: dict[Attempt, float] = {}
        self._calls: dict[Call, set[Attempt]] = {}
        self._renew_at = 0.0
        self._trouble = False
        self._lock = threading.Lock()
        self._call = threading.Event()
        self._more_waits = False
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="drain", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def notify(self) -> None:
        """Say that there may be work."""
        self._call.set()

    def heard(self) -> None:
        """Take a message: later ones must be sent again, and there may be work."""
        self._looked()
        self.notify()

    def set_hearing(self, hears: bool) -> None:
        """Say whether messages arrive; while they don't, the table is looked at more often."""
        if self.hears and not hears:
            self.notify()
        self.hears = hears

    @property
    def full(self) -> bool:
        """Whether nothing more can be taken here."""
        with self._lock:
            return self._stopping or self._free <= 0

    @property
    def holds_up(self) -> bool:
        """Whether there are jobs that cannot be taken here, but may be elsewhere."""
        with self._lock:
            return self._stopping or self._free <= 0 or self._places.crowded()

    def stop(self, within: float) -> None:
        """Take no more work, wait for what runs, hand back what does not end in time.

        Args:
            within: seconds.
        """
        end = time.monotonic() + within
        self._stopping = True
        self.notify()
        self._thread.join(within)
        while time.monotonic() < end and self._held():
            self._call.wait(0.1)
            self._call.clear()
            self._look_after()
        left = self._held()
        if left:
            self._hand_back(left)

    def _hand_back(self, left: list[Attempt]) -> None:
        for attempt in left:
            attempt.abandon()
        ids = [attempt.job.id for attempt in left]
        try:
            count = jobs.hand_back(self._engine.db, self._worker, ids, now=self._clock())
        except AppError as error:  # then the leases run out
            log.warning("worker.cannot_hand_back", jobs=len(left), error=str(error))
        else:
            log.warning("worker.handed_back", jobs=count)
            self._engine.waker.wake()

    def _loop(self) -> None:
        while True:
            self._call.clear()
            if self._stopping:
                return
            self._look_after()
            self._trouble = not self._tried(self._lease, "worker.cannot_lease")
            self._call.wait(self._pause())

    def _look_after(self) -> None:
        """Keep what runs, and end what runs for too long."""
        self._end_overdue()
        if time.monotonic() >= self._renew_at and (held := self._held()):
            ids = [attempt.job.id for attempt in held]
            renewed = self._tried(lambda: self._renew(ids), "worker.cannot_renew")
            pause = self._hold.total_seconds() / 3 if renewed else IDLE_DEAF
            self._renew_at = time.monotonic() + pause

    def _tried(self, work: Callable[[], None], failed: str) -> bool:
        try:
            work()
        except AppError as error:
            log.warning(failed, error=str(error))
        except Exception:
            log.exception(failed)
        else:
            return True
        return False

    def _renew(self, ids: list[int]) -> None:
        jobs.renew(self._engine.db, self._worker, ids, now=self._clock(), hold=self._hold)

    @property
    def _free(self) -> int:
        """Places that nobody has; read under the lock."""
        return self._places.total - len(self._calls)

    def _lease(self) -> None:
        """Fill the free places; remember whether more may be waiting."""
        with self._lock:
            free, room = self._free, self._places.room()
        if free <= 0:
            self._more_waits = True
            return
        leased = jobs.lease(
            self._engine.db,
            self._worker,
            limit=free,
            now=self._clock(),
            hold=self._hold,
            room=room,
        )
        if leased:
            faults.point("after_lease")
            if not self._held():
                self._renew_at = time.monotonic() + self._hold.total_seconds() / 3
        taken = Counter(f"{job.service}.{job.method}" for job in leased)
        filled = any(room.get(name) == count for name, count in taken.items())
        self._more_waits = filled or len(leased) == free
        for group in self._places.grouped(leased):
            self._begin(self._filled(group))
        if self._more_waits and not self.full:
            self.notify()  # others may stand behind a service that is full now

    def _filled(self, group: list[Job]) -> list[Job]:
        """Take more of the same along, if one call takes several."""
        missing = self._places.batch(group[0]) - len(group)
        if missing <= 0:
            return group
        more: list[Job] = []

        def take() -> None:
            more.extend(
                jobs.lease_more(
                    self._engine.db,
                    self._worker,
                    group[0],
                    limit=missing,
                    now=self._clock(),
                    hold=self._hold,
                )
            )

        self._tried(take, "worker.cannot_lease")  # those that are leased begin nevertheless
        return [*group, *more]

    def _begin(self, group: list[Job]) -> None:
        attempts = [
            Attempt(self._engine, job, clock=self._clock, done=self._timed_out) for job in group
        ]
        call = Call(self._places.service(group[0]), attempts, ended=self._call_ended)
        with self._lock:
            start = time.monotonic()
            self._running |= {attempt: start + attempt.job.timeout for attempt in attempts}
            self._calls[call] = set(attempts)
            self._places.take(call)
        call.start()

    def _timed_out(self, attempt: Attempt) -> None:
        """Give the place back of what ran into its time limit; its thread may go on."""
        self._free_places([attempt])
        if self._more_waits or self._stopping:
            self.notify()

    def _call_ended(self, call: Call, attempts: Sequence[Attempt]) -> None:
        self._free_places(attempts)
        with self._lock:
            held_up = self._places.give_back(call)
        if held_up or self._more_waits or self._stopping:
            self.notify()

    def _free_places(self, attempts: Sequence[Attempt]) -> None:
        with self._lock:
            for attempt in attempts:
                self._running.pop(attempt, None)
            ended = set(attempts)
            self._calls = {call: left - ended for call, left in self._calls.items() if left - ended}

    def _end_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [each for each, end in self._running.items() if end <= now]
            for attempt in late:
                self._running[attempt] = math.inf  # told once; writing it down takes its time
            lost = self._places.give_up(now)
        for name in lost:
            log.error("worker.call_hangs", service=name)
        for attempt in late:
            attempt.time_out()

    def _held(self) -> list[Attempt]:
        with self._lock:
            return list(self._running)

    def _pause(self) -> float:
        """Return the seconds until somebody has to be looked after."""
        idle = IDLE if self.hears and not self._trouble else IDLE_DEAF
        with self._lock:
            ends = [*self._running.values(), *([self._renew_at] if self._running else [])]
            ends.append(self._places.give_up_at)
        return max(0.0, min([idle, *(end - time.monotonic() for end in ends)]))


class _Near:
    """Wakes this process first, and the others when there is no place here."""

    def __init__(self, drain: Drain, far: Waker) -> None:
        self._drain = drain
        self._far = far

    def wake(self) -> None:
        """Never raises."""
        if self._drain.holds_up:
            self._far.wake()
        self._drain.notify()


_serving: list[Drain] = []


def serve(worker: Drain) -> None:
    """Make this process's messages go to ``worker``."""
    _serving[:] = [worker]


def drain() -> None:
    """Take a message; RQ calls this by its name."""
    for worker in _serving:
        worker.heard()
