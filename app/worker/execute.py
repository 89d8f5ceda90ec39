"""One attempt of a job: call the service, write down what came of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import structlog

from app.connector.base import Handler, JobContext
from app.connector.registry import Registry
from app.db import faults
from app.errors import AppError, Unavailable
from app.runtime import failures, jobs
from app.runtime.jobs import Job
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

WRITE_AGAIN: Final = 1.0
"""Seconds after which a database that was away or busy is tried again."""


class Attempt:
    """An attempt in its own thread; whoever ends it first, result or time limit, counts.

    Args:
        done: called once when the attempt no longer needs its place. Until then its lease
            is to be renewed.
    """

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        job: Job,
        *,
        clock: Callable[[], datetime],
        done: Callable[[Attempt], None],
    ) -> None:
        self.job = job
        self._engine = engine
        self._registry = registry
        self._clock = clock
        self._done = done
        self._lock = threading.Lock()
        self._ended = False
        self._abandoned = threading.Event()

    def start(self) -> None:
        """Begin; returns at once. A hung service must not keep the process alive."""
        self._in_thread(self._run)

    def time_out(self) -> None:
        """End it as failed if it has not ended; its thread's result will come too late.

        Returns at once: whoever watches the time must not wait for the database.
        """
        if self._end():
            self._in_thread(self._write_time_out)

    def abandon(self) -> None:
        """Stop trying to write down what came of it: somebody else will do the job."""
        self._abandoned.set()

    def _in_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"job-{self.job.id}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads; then the lease runs out
            log.exception("job.no_thread", job=self.job.id, instance=self.job.instance_id)
            self._done(self)

    def _write_time_out(self) -> None:
        message = f"No answer within {self.job.timeout:g} s."
        self._settle(lambda: self._fail(failures.Failure("timeout", message)))
        self._done(self)

    def _run(self) -> None:
        outcome = self._call()
        faults.point("after_connector")
        first = self._end()
        self._settle(outcome)
        if first:
            self._done(self)

    def _call(self) -> Callable[[], bool]:
        """Call the service; return how to write down what came of it."""
        job = self.job
        handler = self._registry.handler(job.service, job.method)
        if handler is None:
            message = f"There is no service {job.service}.{job.method} in this worker."
            return lambda: self._fail(failures.Failure("unknown_service", message))
        try:
            result = self._answer(handler)
        except BaseException as error:  # a service may raise anything, even try to exit
            failure = failures.of(error)
            if failure.code == "error":
                log.warning("job.raised", job=job.id, instance=job.instance_id, exc_info=True)
            return lambda: self._fail(failure)
        return lambda: jobs.succeed(
            self._engine, job, result, now=self._clock(), spread=random.random()
        )

    def _answer(self, handler: Handler) -> Any:
        job = self.job
        context = JobContext(str(job.id), job.instance_id, job.step, job.attempt, job.timeout)
        return handler(job.input, context)

    def _fail(self, failure: failures.Failure) -> bool:
        return jobs.fail(self._engine, self.job, failure, now=self._clock(), spread=random.random())

    def _settle(self, write: Callable[[], bool]) -> None:
        """Write it down, when the database is there; the service has done its work.

        If it can't be written the lease runs out and another attempt is made.
        """
        said = log.bind(job=self.job.id, instance=self.job.instance_id, attempt=self.job.attempt)
        while not self._abandoned.is_set():
            try:
                applied = write()
            except Unavailable as error:
                said.warning("job.not_written_yet", error=str(error))
                self._abandoned.wait(WRITE_AGAIN)
                continue
            except AppError as error:
                said.warning("job.not_written", error=str(error))
            except Exception:
                said.exception("job.not_written")
            else:
                if not applied:
                    said.info("job.late")
            return

    def _end(self) -> bool:
        with self._lock:
            first, self._ended = not self._ended, True
            return first
