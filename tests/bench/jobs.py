"""Order approval whose two services are real jobs, against a floor of five commits."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Final

from app.adapters.executor_rq import RqWaker, connect
from app.db.engine import create_database
from app.runtime.ports import Engine
from app.task import service as tasks
from tests.bench import workers
from tests.bench.approval import JOBS_KEY, TYPED, begun, person
from tests.bench.clients import Shape, Work
from tests.bench.floor import Floor
from tests.bench.given import Given, best_of, engine
from tests.bench.rows import Row

_SHAPES: Final = (Shape(1, 4), Shape(2, 4))
_WORKERS: Final = 2
_AHEAD: Final = 8
"""Instances of one client whose first job is not done yet, at most."""
_PATIENCE: Final = 60.0
_READY: Final = """
select id, instance_id from tasks
 where instance_id = any(%(started)s) and state = 'open' limit 1
"""


class WithJobs:
    """Starts one instance and finishes the task of another whose job is done.

    The instances of a thread stay few, so that over time as many end as begin.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._zhao = person(engine.db, "zhao")
        self._li = person(engine.db, "li")
        self._local = threading.local()

    def once(self) -> None:
        """Do as much as one approval needs."""
        if not hasattr(self._local, "started"):
            self._local.started = []
        started: list[int] = self._local.started
        started.append(begun(self._engine, self._zhao, JOBS_KEY, now=workers.now()).instance.id)
        if len(started) < _AHEAD:
            return
        task_id, instance_id = self._ready(started)
        started.remove(instance_id)
        tasks.claim(self._engine, self._li, task_id, now=workers.now())
        tasks.complete(self._engine, self._li, task_id, TYPED, now=workers.now())

    def _ready(self, started: list[int]) -> tuple[int, int]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with self._engine.db.transaction() as tx:
                row = tx.run(_READY, {"started": started}).fetchone()
            if row is not None:
                return row["id"], row["instance_id"]
            time.sleep(0.001)
        raise AssertionError(f"no job was done within {_PATIENCE} s")


def run(given: Given) -> list[Row]:
    """Measure both in turns, with the number of clients that suits each best."""
    url = given.database("jobs")
    with workers.working(given, url, _WORKERS):
        floor, ours = best_of(
            given, _SHAPES, partial(_floor, url), partial(_ours, url, given.redis.url)
        )
    parts = {"engine/s": ours, "floor/s": floor, "workers": _WORKERS}
    return [Row("jobs", ours / floor, parts)]


def _ours(url: str, redis_url: str, threads: int) -> Work:
    db = create_database(url, pool_size=threads, max_overflow=0)
    return WithJobs(engine(db, workers.registry(), RqWaker(connect(redis_url))))


def _floor(url: str, threads: int) -> Work:
    return Floor(url, threads=threads, jobs=True)
