"""What PostgreSQL sees of an approval: round trips, commits, WAL, processor time."""

from __future__ import annotations

import statistics
import tempfile
from typing import Any, Final, Protocol

import psycopg

from tests.bench.clients import WARM_UP, Work
from tests.bench.given import Given, on_processor
from tests.bench.process import bare, ours
from tests.bench.rows import Row


class Counted(Work, Protocol):
    """Work on one connection, which can be listened to."""

    def connection(self) -> psycopg.Connection[Any]:
        """The connection."""
        ...


_AT_ONCE: Final = 20
"""Approvals between two looks; small enough that a checkpoint spoils few of these."""


def run(given: Given) -> list[Row]:
    """Count with one client, the engine and the floor in turns."""
    url = given.database("costs")
    with psycopg.connect(url, autocommit=True) as conn:
        seen: dict[str, list[dict[str, float]]] = {}
        for kind, make in (("engine", ours), ("floor", bare)):
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


def _batch(conn: psycopg.Connection[Any], work: Counted, backend: int) -> dict[str, float]:
    found = _traced(work)
    wal = _scalar(conn, b"select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    cpu = on_processor(backend)
    for _ in range(_AT_ONCE):
        work.once()
    found["cpu"] = on_processor(backend) - cpu
    found["wal"] = _scalar(conn, b"select pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - wal
    return {name: value / _AT_ONCE for name, value in found.items()}


def _traced(work: Counted) -> dict[str, float]:
    """Count what the server says it is ready after: each is a trip, each idle one a commit."""
    with tempfile.TemporaryFile() as file:
        conn = work.connection().pgconn
        conn.trace(file.fileno())
        conn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            for _ in range(_AT_ONCE):
                work.once()
        finally:
            conn.untrace()
        file.seek(0)
        ready = [line for line in file.read().splitlines() if b"ReadyForQuery" in line]
    idle = sum(1 for line in ready if line.split()[-1] == b"I")
    return {"trips": float(len(ready)), "commits": float(idle)}


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
