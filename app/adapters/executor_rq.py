"""RQ as the wake-up: a message without data that says "there is work in the table".

Redis may be slow, flushed or away: waking never raises, and the duties wake again
whatever is due.
"""

from __future__ import annotations

import time
from typing import Final

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

from app.config import ConfigError

log = structlog.get_logger(__name__)

QUEUE = "workflow"
_DRAIN = "app.worker.drain.drain"
_PENDING = "workflow:wake-pending"
_PENDING_SECONDS = 5
_DRAIN_SECONDS = 60
_AWAY_SECONDS: Final = 2.0


def connect(url: str) -> redis.Redis:
    """Return a client with short time limits, so that nobody waits for a dead Redis.

    Raises:
        ConfigError: the address is none; the text does not repeat it, for its password.
    """
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=5)
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # opens nothing, but knows its options
    except (ValueError, TypeError):
        raise ConfigError(
            "REDIS_URL cannot be used: it must look like redis://host:6379/0, rediss://… with"
            " TLS, or unix:///path/redis.sock?db=0. Correct it (setting redis_url), and start"
            " again."
        ) from None
    return client


class RqWaker:
    """Fulfils ``app.runtime.ports.Waker``.

    After a failure Redis is left alone for a moment: whoever completes a task must not
    pay its time limits again and again.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
        self._away_until = 0.0

    def wake(self) -> None:
        """Ask a worker to look for due jobs; many calls before it looks count as one."""
        if time.monotonic() < self._away_until:
            return
        try:
            if self._client.set(_PENDING, 1, nx=True, ex=_PENDING_SECONDS):
                self._queue.enqueue_call(
                    _DRAIN, result_ttl=0, failure_ttl=0, timeout=_DRAIN_SECONDS
                )
        except Exception as error:  # the work is committed: nothing may turn it into an error
            self._away_until = time.monotonic() + _AWAY_SECONDS
            known = isinstance(error, redis.RedisError)
            log.warning("redis.wake_failed", error=str(error), exc_info=not known)

    def looked(self) -> None:
        """Say that a worker is about to look: later wakes must be heard again."""
        try:
            self._client.delete(_PENDING)
        except redis.RedisError as error:
            log.warning("redis.wake_failed", error=str(error))
