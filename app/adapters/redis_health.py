"""Whether Redis answers, and which workers listen to it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import redis
from rq import Worker

from app.adapters.executor_rq import QUEUE, connect


@dataclass(frozen=True, slots=True)
class RedisState:
    """How Redis does.

    Args:
        latency: seconds of one round trip.
        workers: workers that listen to our queue.
    """

    latency: float
    version: str
    workers: int


def state(url: str) -> RedisState | None:
    """Ask Redis how it does; None if it does not answer."""
    client = connect(url)
    try:
        before = time.perf_counter()
        client.ping()
        latency = time.perf_counter() - before
        version = str(client.info("server")["redis_version"])
        workers = sum(
            1 for worker in Worker.all(connection=client) if QUEUE in worker.queue_names()
        )
    except redis.RedisError:
        return None
    finally:
        client.close()
    return RedisState(latency, version, workers)
