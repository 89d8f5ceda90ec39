"""Timers that are all due, fired by two processes at once; each must fire exactly once."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Final

from app.core.jsontext import read
from app.db.engine import create_database
from app.definition import service as definitions
from app.identity.actor import SYSTEM
from app.runtime import timers
from app.runtime.starting import begin
from tests.bench import copies, workers
from tests.bench.approval import NOW
from tests.bench.given import Given, engine
from tests.bench.rows import Row

_PROCESSES: Final = 2
_DEFINITION: Final = {
    "name": "Reminder",
    "key": "bench_timer",
    "version": "1",
    "steps": [
        {"id": "wait", "type": "timer", "config": {"after": "${minutes}m"}, "next": ["end"]},
        {"id": "end", "type": "end"},
    ],
}
_FIRED: Final = """
select count(*) as instances, count(*) filter (where status = 'completed') as completed,
       (select count(*) from history_events where kind = 'timer.fired') as fired,
       (select count(*) from timers) as waiting
  from process_instances
"""


def run(given: Given) -> list[Row]:
    """Fire them; fail unless each fired once and none is left."""
    count = given.sizes.timers
    url = given.database("timers")
    db = create_database(url, pool_size=1)
    definitions.create(db, SYSTEM, json.dumps(_DEFINITION), known=None, now=NOW)
    first = begin(
        engine(db),
        SYSTEM,
        definition_key="bench_timer",
        variables=read('{"minutes": 10}').value,
        now=NOW,
    )
    copies.make(db, first.instance.id, count - 1)
    db.engine.dispose()
    took = fire(url)
    with db.transaction() as tx:
        row = tx.run(_FIRED).fetchone()
    db.engine.dispose()
    if row != {"instances": count, "completed": count, "fired": count, "waiting": 0}:
        raise AssertionError(f"not each timer fired once: {row}")
    return [Row("timers", count / took, {"timers": count, "seconds": took})]


def fire(url: str) -> float:
    """Let several processes fire what is due; return the seconds until none is."""
    begun = time.perf_counter()
    running = [workers.in_process(_fire, url) for _ in range(_PROCESSES)]
    for process in running:
        process.join()
    return time.perf_counter() - begun


def _fire(url: str) -> None:
    ours = engine(create_database(url, pool_size=2))
    while timers.fire_due(ours, now=NOW + timedelta(hours=1)):
        pass
