"""Jobs done by one of our worker processes, and by one of RQ's."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any, Final

import redis
from rq import Queue, SimpleWorker

from app.db.engine import create_database
from app.worker.drain import PLACES, Drain
from tests.bench import copies, workers
from tests.bench.approval import JOB_KEY, begun, person
from tests.bench.given import Given, engine, in_turns
from tests.bench.rows import Row

_QUEUE: Final = "bench"
_LEFT: Final = "select exists (select from jobs where state in ('due', 'leased')) as left"


def nothing() -> None:
    """What RQ does."""


def run(given: Given) -> list[Row]:
    """Do the same number of jobs both ways, in turns."""
    count = given.sizes.jobs
    numbers = iter(range(given.rounds))

    def ours() -> float:
        url = given.database(f"dispatch_{next(numbers)}")
        db = create_database(url, pool_size=1)
        first = begun(engine(db, workers.registry()), person(db, "zhao"), JOB_KEY)
        copies.make(db, first.instance.id, count - 1)
        db.engine.dispose()
        return count / _timed(_drain, url)

    def rq() -> float:
        with redis.Redis.from_url(given.redis.url) as client:
            client.flushdb()
            queue = Queue(_QUEUE, connection=client)
            for _ in range(count):
                queue.enqueue_call(nothing)
        return count / _timed(_burst, given.redis.url)

    theirs, own, ratio = in_turns(given.rounds, rq, ours)
    return [Row("dispatch", ratio, {"ours/s": own, "RQ/s": theirs, "jobs": count})]


def _timed(target: Any, url: str) -> float:
    """Return the seconds that a process of its own needed."""
    result = multiprocessing.get_context("fork").SimpleQueue()
    process = workers.in_process(target, url, result)
    seconds: float = result.get()
    process.join()
    return seconds


def _drain(url: str, result: Any) -> None:
    db = create_database(url, pool_size=PLACES + 1)
    known = workers.registry()
    drain = Drain(engine(db, known), known, worker="bench", clock=workers.now)
    begin = time.perf_counter()
    drain.start()
    while True:
        with db.transaction() as tx:
            row = tx.run(_LEFT).fetchone()
        if row is None or not row["left"]:
            break
        time.sleep(0.01)
    result.put(time.perf_counter() - begin)
    drain.stop(2)


def _burst(url: str, result: Any) -> None:
    client = redis.Redis.from_url(url)
    worker = SimpleWorker([_QUEUE], connection=client)
    begin = time.perf_counter()
    worker.work(burst=True, logging_level="WARNING")
    result.put(time.perf_counter() - begin)
