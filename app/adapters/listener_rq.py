"""RQ's worker as an ear: it runs the wake-ups of ``executor_rq`` in the main thread.

RQ's worker may end by itself when Redis is in trouble; whoever listens begins again.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import redis
import structlog
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from app.adapters.executor_rq import QUEUE, connect

log = structlog.get_logger(__name__)

_TTL: Final = 20
"""Seconds; RQ waits 15 less for a message and then gives a sign of life."""


@dataclass(frozen=True)
class Calls:
    """Whom the ear tells.

    Args:
        hearing: Redis answers (True), or does not (False).
        stop: SIGTERM or SIGINT came.
        stopping: whether one of them came before.
    """

    hearing: Callable[[bool], None]
    stop: Callable[[], None]
    stopping: Callable[[], bool]


class _Ear(SimpleWorker):
    """A worker that tells how it fares, and registers again when Redis has forgotten it."""

    max_connection_wait_time = 1.0  # RQ would wait up to a minute for Redis to come back
    calls: Calls
    _before: tuple[Any, Any] | None = None

    def _install_signal_handlers(self) -> None:
        self._before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]  # RQ gives no types
        if self.calls.stopping():  # a signal that came before RQ could hear it
            self._stop_requested = True

    def give_back_signals(self) -> None:
        """Let signals go to whom they went to before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before[0])
            signal.signal(signal.SIGINT, self._before[1])

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop on SIGTERM and SIGINT."""
        self.calls.stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ gives no types

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Give a sign of life.

        Raises:
            StopRequested: it was asked to end, and what the signal raised got lost: where
                others catch any exception, as logging does.
        """
        if self.calls.stopping() and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        try:
            if not self.connection.hexists(self.key, "birth"):
                self.connection.delete(self.key)
                self.register_birth()  # type: ignore[no-untyped-call]  # RQ gives no types
            super().heartbeat(timeout, pipeline)
        except redis.RedisError:
            self.calls.hearing(False)
            raise
        self.calls.hearing(True)


def listen(url: str, *, name: str, calls: Calls) -> None:
    """Run wake-ups until a signal asks to stop or Redis is in trouble; then return.

    Must be called in the main thread: RQ installs signal handlers.

    Args:
        url: of Redis.
        name: the worker's, as people see it; a new one at every call.
    """
    client = connect(url)
    ear = None
    try:
        ear = _Ear(
            [QUEUE],
            name=name,
            connection=client,
            serializer=JSONSerializer,
            worker_ttl=_TTL,
            log_job_description=False,
        )
        ear.calls = calls
        ear.work(logging_level="WARNING")
    except StopRequested:
        calls.stop()
    except (redis.RedisError, OSError) as error:
        log.warning("redis.away", error=str(error))
    finally:
        if ear is not None:
            ear.give_back_signals()
        calls.hearing(False)
        client.close()
