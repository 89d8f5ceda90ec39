"""What PostgreSQL sees of an approval: round trips, commits, WAL, processor time."""

from __future__ import annotations

import statistics
from typing import Any, Final

import psycopg

from tests.bench.clients import WARM_UP, Work
from tests.bench.given import Given, on_processor
from tests.bench.process import ours, theirs
from tests.bench.rows import Row

_AT_ONCE: Final = 20
"""Approvals between two looks; small enough that a checkpoint spoils few of these."""
_COUNTS: Final = b"""
select sum(calls) filter (where query !~ 'pg_(stat|current)') as trips,
       sum(calls) filter (where query ~* '^commit') as commits
  from pg_stat_statements
"""


def run(given: Given) -> list[Row]:
    """Count with one client, the engine and the floor in turns."""
    url = given.database("costs")
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create extension if not exists pg_stat_statements")
        conn.execute(f'alter database "{name}" set pg_stat_statements.track = top'.encode())
        seen: dict[str, list[dict[str, float]]] = {}
        for kind, make in (("engine", ours), ("floor", theirs)):
            work = make(url, 1)
            for _ in range(WARM_UP):
                work.once()
            backend = _other(conn)
            for _ in range(2 * WARM_UP):  # the hot pages have been written whole after it
                work.once()
            batches = max(1, given.sizes.counted // _AT_ONCE)
            seen[kind] = [_batch(conn, work, backend) for _ in range(batches)]
            work.close()
    engine, floor = (
        {name: statistics.median(each[name] for each in seen[kind]) for name in seen[kind][0]}
        for kind in ("engine", "floor")
    )
    return [
        Row("trips", engine["trips"], {"floor": floor["trips"]}),
        Row("commits", engine["commits"], {"floor": floor["commits"]}),
        Row("wal", engine["wal"] / floor["wal"], {"bytes": engine["wal"], "floor": floor["wal"]}),
        Row(
            "postgres_cpu",
            engine["cpu"] / floor["cpu"],
            {"ms": 1000 * engine["cpu"], "floor ms": 1000 * floor["cpu"]},
        ),
    ]


def _batch(conn: psycopg.Connection[Any], work: Work, backend: int) -> dict[str, float]:
    conn.execute("select pg_stat_statements_reset()")
    wal = _scalar(conn, b"select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    cpu = on_processor(backend)
    for _ in range(_AT_ONCE):
        work.once()
    cpu = on_processor(backend) - cpu
    wal = _scalar(conn, b"select pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - wal
    row = conn.execute(_COUNTS).fetchone()
    if row is None:
        raise RuntimeError("nothing was counted")
    trips = float(row[0])
    commits = float(row[1] or trips)  # without BEGIN every statement is its own transaction
    found = {"trips": trips, "commits": commits, "wal": wal, "cpu": cpu}
    return {name: value / _AT_ONCE for name, value in found.items()}


def _other(conn: psycopg.Connection[Any]) -> int:
    """Return the process that serves the only other connection."""
    rows = conn.execute(
        "select pid from pg_stat_activity where datname = current_database()"
        " and backend_type = 'client backend' and pid <> pg_backend_pid()"
    ).fetchall()
    if len(rows) != 1:
        raise RuntimeError(f"{len(rows)} connections are open, not one")
    return int(rows[0][0])


def _scalar(conn: psycopg.Connection[Any], query: bytes) -> float:
    row = conn.execute(query).fetchone()
    if row is None:
        raise RuntimeError("no answer")
    return float(row[0])
