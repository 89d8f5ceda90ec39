"""``python -m tests.bench.timers``: timers that are all due, fired by two processes at once.

The instances are copies of one that was really started, so that as many as wanted exist
in seconds. Afterwards every one has to have passed its timer exactly once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from datetime import timedelta
from typing import Final

from app.connector.standard import standard_registry
from app.core.jsontext import read
from app.db.engine import create_database
from app.db.migrate import upgrade
from app.db.tx import Database
from app.definition import service as definitions
from app.definition.cache import DefinitionCache
from app.identity import service as identity
from app.identity.actor import SYSTEM
from app.runtime import timers
from app.runtime.ports import Engine, NobodyToWake
from app.runtime.starting import begin
from tests.bench.approval import NOW
from tests.bench.server import BenchServer

DEFINITION: Final = {
    "name": "Reminder",
    "key": "bench_timer",
    "version": "1",
    "steps": [
        {"id": "wait", "type": "timer", "config": {"after": "${minutes}m"}, "next": ["end"]},
        {"id": "end", "type": "end"},
    ],
}
# Copies of the first instance; each falls due at its own moment of one minute.
_COPIES: Final = """
with i as (
    insert into process_instances
           (definition_id, business_key, title, status, state, variables, started_by,
            started_at, history_seq, history_hash)
    select definition_id, business_key, title, status, state, variables, started_by,
           started_at, history_seq, history_hash
      from process_instances, generate_series(2, %(count)s) where id = %(id)s
    returning id
), t as (
    insert into timers (instance_id, wait, step, due_at)
    select i.id, t.wait, t.step, t.due_at + make_interval(secs => i.id %% 60)
      from timers t, i where t.instance_id = %(id)s
)
insert into history_events (instance_id, seq, at, actor, kind, data, prev_hash, hash)
select i.id, h.seq, h.at, h.actor, h.kind, h.data, h.prev_hash, h.hash
  from history_events h, i where h.instance_id = %(id)s
"""
_FIRED: Final = """
select count(*) as instances, count(*) filter (where status = 'completed') as completed,
       (select count(*) from history_events where kind = 'timer.fired') as fired,
       (select count(*) from timers) as waiting
  from process_instances
"""


def main() -> int:
    """Run; return 1 if a timer did not fire exactly once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.timers", description=__doc__)
    parser.add_argument("--timers", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    with BenchServer() as server:
        url = server.database("bench")
        prepare(url, given.timers)
        took = fire(url, given.processes)
        with create_database(url).transaction() as tx:
            row = tx.run(_FIRED).fetchone()
    assert row is not None
    sys.stdout.write(
        f"{row['instances']} timers due within a minute, {given.processes} processes:"
        f" {row['fired']} fired in {took:.1f} s ({row['fired'] / took:.0f}/s),"
        f" {row['completed']} instances completed, {row['waiting']} left\n"
    )
    once = row["instances"] == row["completed"] == row["fired"] == given.timers
    return 0 if once and row["waiting"] == 0 else 1


def prepare(url: str, count: int) -> None:
    """Make ``count`` instances that wait."""
    db = create_database(url)
    upgrade(db.engine)
    identity.ensure_roles(db)
    definitions.create(db, SYSTEM, json.dumps(DEFINITION), known=None, now=NOW)
    first = begin(
        _engine(db),
        SYSTEM,
        definition_key="bench_timer",
        variables=read('{"minutes": 10}').value,
        now=NOW,
    )
    with db.transaction() as tx:
        tx.run(_COPIES, {"id": first.instance.id, "count": count})
    with db.transaction() as tx:
        tx.run("analyze timers")
    db.engine.dispose()


def fire(url: str, processes: int) -> float:
    """Let several processes fire what is due; return the seconds until none is."""
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=_fire, args=(url,)) for _ in range(processes)]
    begun = time.perf_counter()
    for process in running:
        process.start()
    for process in running:
        process.join()
    return time.perf_counter() - begun


def _fire(url: str) -> None:
    engine = _engine(create_database(url, pool_size=2))
    while timers.fire_due(engine, now=NOW + timedelta(hours=1)):
        pass


def _engine(db: Database) -> Engine:
    return Engine(
        db=db,
        services=standard_registry(),
        waker=NobodyToWake(),
        definitions=DefinitionCache(),
    )


if __name__ == "__main__":
    sys.exit(main())
