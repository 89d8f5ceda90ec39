"""Whether the database answers, and how it does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.db.tx import Database

_STATE: Final = """
select current_setting('server_version') as version,
       (select count(*) from pg_stat_activity where datname = current_database()) as connections,
       current_setting('max_connections')::int as max_connections,
       to_regclass('alembic_version') is not null as migrated
"""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """How the database does.

    Args:
        latency: seconds of one round trip on an open connection.
        version: of the server.
        migration: revision of the tables; None: not migrated.
        connections: to this database, from everywhere.
        pool: of this process: ``in_use``, ``idle``, ``overflow``, ``max``.
    """

    latency: float
    version: str
    migration: str | None
    connections: int
    max_connections: int
    pool: dict[str, int]


def ping(db: Database) -> None:
    """Make one round trip.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    with db.transaction() as tx:
        tx.run("select 1").fetchone()


def state(db: Database) -> DatabaseState:
    """Ask the database how it does.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    with db.transaction() as tx:
        before = time.perf_counter()
        tx.run("select 1").fetchone()
        latency = time.perf_counter() - before
        row = tx.run(_STATE).fetchone() or {}
        migration = None
        if row["migrated"]:
            found = tx.run("select version_num from alembic_version").fetchone()
            migration = found["version_num"] if found else None
    return DatabaseState(
        latency,
        row["version"],
        migration,
        row["connections"],
        row["max_connections"],
        pool_of(db),
    )


def pool_of(db: Database) -> dict[str, int]:
    """Return how many connections this process's pool has, by state; empty if it has no pool."""
    pool = db.engine.pool
    if not isinstance(pool, sa.QueuePool):
        return {}
    spare = len(db.spares) if db.spares is not None else 0
    return {
        "in_use": max(pool.checkedout() - spare, 0),
        "idle": pool.checkedin() + spare,
        "overflow": max(pool.overflow(), 0),
        "max": pool.size() + max(pool._max_overflow, 0),  # no public name for it
    }
