"""``python -m tests.bench``: order approval in process against the hand-written floor.

Ratios count, not times: both run on the same PostgreSQL in turns, so that what else the
machine does hits both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from app.db.engine import create_database
from app.db.migrate import upgrade
from tests.bench import approval, floor
from tests.bench.clients import Measured, Shape, Work, measure
from tests.bench.server import BenchServer

ONE: Final = Shape(1, 1)
SHAPES: Final = (ONE, Shape(1, 4), Shape(2, 2), Shape(2, 4), Shape(4, 4))
OUT: Final = Path(__file__).resolve().parents[2] / "var" / "bench.json"
GOAL: Final = 0.25
COUNTED: Final = 100
"""Approvals whose trips and commits are counted."""


def main() -> int:
    """Run; return 1 if the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go")
    given = parser.parse_args()
    with BenchServer() as server:
        figures = run(server, seconds=given.seconds, rounds=given.rounds)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    show(figures)
    return 0 if figures["best"]["ratio"] >= GOAL else 1


def run(server: BenchServer, *, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure everything; return the figures."""
    url = server.database("bench")
    db = create_database(url)
    upgrade(db.engine)
    approval.prepare(db)
    db.engine.dispose()
    floor.prepare(url)
    engine_of, floor_of = partial(_engine, url), partial(_floor, url)
    by_shape = []
    for shape in SHAPES:
        pairs = [
            (measure(floor_of, shape, seconds), measure(engine_of, shape, seconds))
            for _ in range(rounds)
        ]
        by_shape.append(
            {
                "clients": shape.clients,
                "processes": shape.processes,
                "floor": _middle(pair[0] for pair in pairs),
                "engine": _middle(pair[1] for pair in pairs),
                "ratio": statistics.median(e.rate / f.rate for f, e in pairs),
                "cpu_ms": 1000 * statistics.median(e.cpu for _, e in pairs),
            }
        )
    one = by_shape[0]
    best_floor = max(row["floor"] for row in by_shape)
    best = max(by_shape, key=lambda row: row["engine"])
    return {
        "one_client": {key: one[key] for key in ("floor", "engine", "ratio")},
        "best": {
            "floor": best_floor,
            "engine": best["engine"],
            "ratio": best["engine"] / best_floor,
            "clients": best["clients"],
        },
        "cpu_ms_per_instance": one["cpu_ms"],
        "engine_counts": _counted(url, engine_of),
        "floor_counts": _counted(url, floor_of),
        "shapes": by_shape,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    out = sys.stdout.write
    out("clients  processes    floor/s   engine/s   ratio   engine CPU ms\n")
    for row in figures["shapes"]:
        out(
            f"{row['clients']:>7}  {row['processes']:>9}  {row['floor']:>9.0f}  "
            f"{row['engine']:>9.0f}  {row['ratio']:>6.3f}   {row['cpu_ms']:.2f}\n"
        )
    best, counts, base = figures["best"], figures["engine_counts"], figures["floor_counts"]
    out(f"one client        {figures['one_client']['ratio']:.3f} of F1\n")
    out(f"best concurrency  {best['ratio']:.3f} of F (goal {GOAL})\n")
    out(f"engine CPU        {figures['cpu_ms_per_instance']:.2f} ms an instance\n")
    out(f"round trips       {counts['trips']:.1f} (floor {base['trips']:.1f})\n")
    out(f"commits           {counts['commits']:.1f} (floor {base['commits']:.1f})\n")
    out(f"WAL               {counts['wal']:.0f} bytes (floor {base['wal']:.0f})\n")


def _engine(url: str, threads: int) -> Work:
    return approval.Approval(create_database(url, pool_size=threads, max_overflow=0))


def _floor(url: str, _threads: int) -> Work:
    return floor.Floor(url)


def _middle(values: Any) -> float:
    return statistics.median(value.rate for value in values)


def _counted(url: str, make: Callable[[int], Work]) -> dict[str, float]:
    """Count what the server sees of one client's approvals."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create extension if not exists pg_stat_statements")
        conn.execute(f'alter database "{name}" set pg_stat_statements.track = top'.encode())
        work = make(1)
        for _ in range(20):
            work.once()
        conn.execute("select pg_stat_statements_reset()")
        wal = conn.execute("select pg_current_wal_lsn()").fetchone()
        for _ in range(COUNTED):
            work.once()
        row = conn.execute(
            "select sum(calls) filter (where query !~ 'pg_(stat|current)'),"
            "       sum(calls) filter (where query ~* '^commit'),"
            "       pg_wal_lsn_diff(pg_current_wal_lsn(), %s)"
            "  from pg_stat_statements",
            wal,
        ).fetchone()
        conn.execute(f'alter database "{name}" reset pg_stat_statements.track'.encode())
    if row is None:
        raise RuntimeError("nothing was counted")
    trips, explicit, bytes_ = (float(value or 0) for value in row)
    commits = explicit or trips  # without BEGIN every statement is its own transaction
    return {
        "trips": trips / COUNTED,
        "commits": commits / COUNTED,
        "wal": bytes_ / COUNTED,
    }


__all__ = ["Measured", "main"]

if __name__ == "__main__":
    sys.exit(main())
