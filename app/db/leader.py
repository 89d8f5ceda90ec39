"""Electing one process: who holds an advisory lock leads."""

from __future__ import annotations

from typing import Final

import psycopg
import sqlalchemy as sa

from app.db.tx import Database, Tx

DUTIES_LOCK: Final = 1
"""What the process leads that does the duties."""


def led(tx: Tx, key: int) -> bool:
    """Say whether some process leads."""
    row = tx.run(
        "select exists (select 1 from pg_locks l join pg_database d on d.oid = l.database"
        " where l.locktype = 'advisory' and l.classid = 0 and l.objid = %(key)s"
        " and l.objsubid = 2 and l.granted and d.datname = current_database()) as led",
        {"key": key},
    ).fetchone()
    return bool(row and row["led"])


class Leadership:
    """The lock, on a connection of its own: it is free again when the holder dies.

    A holder that lost its connection learns of it at the next ``held``; for that long two
    may lead, so what a leader does must be harmless when done twice.

    Args:
        key: what is led; any 32 bit number that leads nothing else.
    """

    def __init__(self, db: Database, key: int) -> None:
        self._db = db
        self._key = key
        self._conn: sa.Connection | None = None

    def held(self) -> bool:
        """Take the lock if it is free; say whether this process has it."""
        try:
            if self._conn is None:
                return self._take()
            self._conn.execute(sa.text("select 1"))
        except (psycopg.OperationalError, sa.exc.OperationalError):
            self._forget()
            return False
        return True

    def release(self) -> None:
        """Let another process lead."""
        self._forget()

    def _take(self) -> bool:
        conn = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            lock = sa.text("select pg_try_advisory_lock(0, :key)")  # two numbers: apart from others
            if conn.execute(lock, {"key": self._key}).scalar_one():
                self._conn = conn
                return True
        finally:
            if self._conn is None:
                conn.close()
        return False

    def _forget(self) -> None:
        """Close the connection for good: back in the pool it would keep the lock."""
        if self._conn is not None:
            self._conn.invalidate()
            self._conn.close()
            self._conn = None
