"""How soon the task after a job can be seen by somebody else."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from app.adapters.executor_rq import RqWaker, connect
from app.connector.base import JobContext
from app.db.engine import create_database
from tests.bench import workers
from tests.bench.approval import JOBS_KEY, begun, person
from tests.bench.floor import insert
from tests.bench.given import Given, engine, quantile
from tests.bench.rows import Row

_WARM: Final = 5
_PATIENCE: Final = 30.0
_VISIBLE: Final = b"select 1 from tasks where instance_id = %s"


def run(given: Given) -> list[Row]:
    """Run one instance after the other; from the handler's return to the visible row."""
    url = given.database("next_task")
    returned = multiprocessing.get_context("fork").SimpleQueue()

    def handler(_given: Mapping[str, Any], context: JobContext) -> Any:
        returned.put((context.instance_id, time.monotonic()))
        return {"status": "validated"}

    count = max(10, int(20 * given.seconds * given.rounds))
    took: list[float] = []
    floor: list[float] = []
    with workers.working(given, url, 1, handler), psycopg.connect(url, autocommit=True) as conn:
        db = create_database(url, pool_size=1)
        ours = engine(db, workers.registry(), RqWaker(connect(given.redis.url)))
        zhao = person(db, "zhao")
        for _ in range(_WARM + count):
            begin = time.monotonic()
            insert(conn)
            floor.append(time.monotonic() - begin)
            instance_id = begun(ours, zhao, JOBS_KEY, now=workers.now()).instance.id
            seen = _seen(conn, instance_id)
            number, at = returned.get()
            if number != instance_id:
                raise AssertionError("another job was done")
            took.append(seen - at)
        db.engine.dispose()
    took, floor = took[_WARM:], floor[_WARM:]
    parts = {
        "p95 ms": 1000 * quantile(took, 0.95),
        "a bare commit ms": 1000 * statistics.median(floor),
        "tasks": count,
    }
    return [Row("next_task", 1000 * statistics.median(took), parts)]


def _seen(conn: psycopg.Connection[Any], instance_id: int) -> float:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if conn.execute(_VISIBLE, (instance_id,), prepare=True).fetchone() is not None:
            return time.monotonic()
        time.sleep(0.0002)
    raise AssertionError(f"no task within {_PATIENCE} s")
