"""Attempts of jobs: call the service, write down what came of each."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from app.connector.base import JobContext
from app.connector.registry import Service
from app.db import faults
from app.errors import AppError, Unavailable
from app.runtime import failures, jobs
from app.runtime.jobs import Job
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

WRITE_AGAIN: Final = 1.0
"""Seconds after which a database that was away or busy is tried again."""

Outcome = Callable[[], bool]
"""Writes down what came of an attempt; False: it came too late."""


class Attempt:
    """One attempt; whoever ends it first, result or time limit, counts.

    Args:
        done: called once, when its time limit ended it and that is written down. Until an
            attempt no longer needs its place its lease is to be renewed.
    """

    def __init__(
        self,
        engine: Engine,
        job: Job,
        *,
        clock: Callable[[], datetime],
        done: Callable[[Attempt], None],
    ) -> None:
        self.job = job
        self._engine = engine
        self._clock = clock
        self._done = done
        self._lock = threading.Lock()
        self._ended = False
        self._abandoned = threading.Event()

    @property
    def context(self) -> JobContext:
        """What the service is told about it."""
        job = self.job
        return JobContext(str(job.id), job.instance_id, job.step, job.attempt, job.timeout)

    def end(self) -> bool:
        """Say that it has ended; True for whoever says so first."""
        with self._lock:
            first, self._ended = not self._ended, True
            return first

    def time_out(self) -> None:
        """End it as failed if it has not ended; its thread's result will come too late.

        Returns at once: whoever watches the time must not wait for the database.
        """
        if self.end() and not _in_thread(self._write_time_out, self.job):
            self._done(self)

    def abandon(self) -> None:
        """Stop trying to write down what came of it: somebody else will do the job."""
        self._abandoned.set()

    def succeeded(self, result: Any) -> Outcome:
        """Return what writes a result down."""
        return lambda: jobs.succeed(
            self._engine, self.job, result, now=self._clock(), spread=random.random()
        )

    def failed(self, failure: failures.Failure) -> Outcome:
        """Return what writes a failure down."""
        return lambda: jobs.fail(
            self._engine, self.job, failure, now=self._clock(), spread=random.random()
        )

    def raised(self, error: BaseException) -> Outcome:
        """Return what writes down that the service raised."""
        failure = failures.of(error)
        if failure.code == "error":
            self._log.warning("job.raised", exc_info=error)
        return self.failed(failure)

    def settle(self, outcome: Outcome) -> bool:
        """Write it down; False if that has to be tried again: the database is away.

        If it can't be written the lease runs out and another attempt is made.
        """
        if self._abandoned.is_set():
            return True
        try:
            if not outcome():
                self._log.info("job.late")
        except Unavailable as error:
            self._log.warning("job.not_written_yet", error=str(error))
            return False
        except AppError as error:
            self._log.warning("job.not_written", error=str(error))
        except Exception:
            self._log.exception("job.not_written")
        return True

    def pause(self) -> None:
        """Wait until the database may be there again."""
        self._abandoned.wait(WRITE_AGAIN)

    def _write_time_out(self) -> None:
        message = f"No answer within {self.job.timeout:g} s."
        settle_all({self: self.failed(failures.Failure("timeout", message))})
        self._done(self)

    @property
    def _log(self) -> Any:
        job = self.job
        return log.bind(job=job.id, instance=job.instance_id, attempt=job.attempt)


class Call:
    """One call of a service, in a thread of its own, for one attempt or several.

    Args:
        service: None if this worker doesn't have it.
        ended: called once, with the attempts that it ended before their time limits did.
    """

    def __init__(
        self,
        service: Service | None,
        attempts: Sequence[Attempt],
        *,
        ended: Callable[[Call, Sequence[Attempt]], None],
    ) -> None:
        self.attempts = attempts
        first = attempts[0].job
        self.name = f"{first.service}.{first.method}"
        longest = max(attempt.job.timeout for attempt in attempts)
        self.lost_at = time.monotonic() + 2 * longest
        self._service = service
        self._ended = ended

    def start(self) -> None:
        """Begin; returns at once. A hung service must not keep the process alive."""
        if not _in_thread(self._run, self.attempts[0].job):
            self._ended(self, self.attempts)

    def _run(self) -> None:
        outcomes = dict(zip(self.attempts, self._outcomes(), strict=True))
        faults.point("after_connector")
        first = [attempt for attempt in self.attempts if attempt.end()]
        settle_all(outcomes)
        self._ended(self, first)

    def _outcomes(self) -> list[Outcome]:
        """Call the service; return how to write down what came of each attempt."""
        if self._service is None:
            message = f"There is no service {self.name} in this worker."
            failure = failures.Failure("unknown_service", message)
            return [attempt.failed(failure) for attempt in self.attempts]
        try:
            results = self._results(self._service)
        except BaseException as error:  # a service may raise anything, even try to exit
            return [attempt.raised(error) for attempt in self.attempts]
        several = self._service.many is not None
        return [
            attempt.raised(result)
            if several and isinstance(result, Exception)
            else attempt.succeeded(result)
            for attempt, result in zip(self.attempts, results, strict=True)
        ]

    def _results(self, service: Service) -> Sequence[Any]:
        given = [(attempt.job.input, attempt.context) for attempt in self.attempts]
        if service.many is None:
            if service.one is None:
                raise TypeError(f"{self.name} has no handler")
            return [service.one(*each) for each in given]
        results = service.many(given)
        if not isinstance(results, list | tuple) or len(results) != len(given):
            said = f"{self.name} must return a list of {len(given)} results, one for each job."
            raise failures.ServiceFailure("bad_result", said)
        return results


def settle_all(outcomes: dict[Attempt, Outcome]) -> None:
    """Write down what came of attempts, one after the other, each in its own transaction.

    Together they would save commits, and would hold the locks of all their instances until
    the last is applied: a person at any of them would wait, two workers could wait for each
    other, and one that cannot be applied would take the others back.
    """
    waiting = outcomes
    while waiting:
        waiting = {
            attempt: outcome for attempt, outcome in waiting.items() if not attempt.settle(outcome)
        }
        if waiting:
            next(iter(waiting)).pause()


def _in_thread(target: Callable[[], None], job: Job) -> bool:
    thread = threading.Thread(target=target, name=f"job-{job.id}", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no more threads; then the lease runs out
        log.exception("job.no_thread", job=job.id, instance=job.instance_id)
        return False
    return True
