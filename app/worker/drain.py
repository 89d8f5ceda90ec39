"""Draining: leases due jobs as long as there are places, and watches their time limits.

One thread leases, and renews the leases of what runs; every attempt has a thread of its
own. Who is told what:

- ``notify`` says that there may be work (RQ's message, or a job this process created);
- an attempt says that its place is free;
- without either the table is looked at now and then, so that nothing depends on Redis.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.connector.registry import Registry
from app.db import faults
from app.errors import AppError
from app.runtime import jobs
from app.runtime.ports import Engine, Waker
from app.worker.execute import Attempt

log = structlog.get_logger(__name__)

PLACES: Final = 8
"""Attempts at the same time in one process."""
IDLE: Final = 5.0
"""Seconds between two looks at the table while Redis can wake us."""
IDLE_DEAF: Final = 1.0
"""The same while it cannot."""


class Drain:
    """Runs the due jobs of a database.

    Args:
        worker: the name that leases carry.
        places: attempts at the same time. A hung one that ran into its time limit gives
            its place back, but its thread stays until the service answers.
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
        self._registry = registry
        self._worker = worker
        self._clock = clock
        self._places = places
        self._hold = hold
        self._looked = looked
        self._running: dict[Attempt, float] = {}
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
            return self._stopping or len(self._running) >= self._places

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

    def _lease(self) -> None:
        """Fill the free places; remember whether more may be waiting."""
        with self._lock:
            free = self._places - len(self._running)
        if free <= 0:
            self._more_waits = True
            return
        leased = jobs.lease(
            self._engine.db, self._worker, limit=free, now=self._clock(), hold=self._hold
        )
        if leased:
            faults.point("after_lease")
            if not self._held():
                self._renew_at = time.monotonic() + self._hold.total_seconds() / 3
        self._more_waits = len(leased) == free
        for job in leased:
            attempt = Attempt(self._engine, self._registry, job, clock=self._clock, done=self._done)
            with self._lock:
                self._running[attempt] = time.monotonic() + job.timeout
            attempt.start()

    def _done(self, attempt: Attempt) -> None:
        with self._lock:
            self._running.pop(attempt, None)
        if self._more_waits or self._stopping:
            self.notify()

    def _end_overdue(self) -> None:
        with self._lock:
            late = [each for each, end in self._running.items() if end <= time.monotonic()]
            for attempt in late:
                self._running[attempt] = math.inf  # told once; writing it down takes its time
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
        return max(0.0, min([idle, *(end - time.monotonic() for end in ends)]))


class _Near:
    """Wakes this process first, and the others when there is no place here."""

    def __init__(self, drain: Drain, far: Waker) -> None:
        self._drain = drain
        self._far = far

    def wake(self) -> None:
        """Never raises."""
        if self._drain.full:
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
