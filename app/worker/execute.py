"""One attempt of a job: call the service, write down what came of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from app.connector.base import Handler, JobContext
from app.connector.registry import Registry
from app.db import faults
from app.errors import AppError
from app.runtime import failures, jobs
from app.runtime.jobs import Job
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)


class Attempt:
    """An attempt in its own thread; whoever ends it first, result or time limit, counts.

    Args:
        done: called once when the attempt no longer needs its place.
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

    def start(self) -> None:
        """Begin; returns at once. A hung service must not keep the process alive."""
        threading.Thread(target=self._run, name=f"job-{self.job.id}", daemon=True).start()

    def time_out(self) -> None:
        """End it as failed if it has not ended; its thread's result will come too late."""
        if self._end():
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
        except Exception as error:  # a service may raise anything; each is a failed attempt
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
        """Write it down; if that fails the lease runs out and another attempt is made."""
        job = self.job
        try:
            applied = write()
        except AppError as error:
            log.warning("job.not_written", job=job.id, instance=job.instance_id, error=str(error))
        except Exception:
            log.exception("job.not_written", job=job.id, instance=job.instance_id)
        else:
            if not applied:
                log.info("job.late", job=job.id, instance=job.instance_id, attempt=job.attempt)

    def _end(self) -> bool:
        with self._lock:
            first, self._ended = not self._ended, True
            return first
