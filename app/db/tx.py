"""The transaction: the only place that commits.

A use case opens one with ``with db.transaction() as tx``. If the calling context
already has one (a REST request with an Idempotency-Key stores its answer together
with the work), the inner one joins it and the outermost commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row

from app.errors import Unavailable

_current: ContextVar[Tx | None] = ContextVar("current_transaction", default=None)


class Tx:
    """One open transaction.

    ``conn`` is for SQLAlchemy Core statements (screens, cold paths); ``run`` sends
    hand-written SQL with ``%(name)s`` parameters straight to the driver (hot paths).
    """

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self._driver: psycopg.Connection[Any] = conn.connection.driver_connection  # type: ignore[assignment]  # the pool's proxy is untyped
        self._after_commit: list[Callable[[], None]] = []

    def run(self, sql: str, params: Mapping[str, Any] | None = None) -> psycopg.Cursor[Any]:
        """Execute hand-written SQL; rows come as dicts.

        The first execution goes through SQLAlchemy's connection so that its
        transaction bookkeeping (BEGIN, savepoints) has begun.
        """
        cursor = self._driver.cursor(row_factory=dict_row)
        cursor.execute(sql, params)  # type: ignore[call-overload]  # psycopg wants LiteralString; ours are constants
        return cursor

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run ``call`` once the work is durable (wake workers, count metrics)."""
        self._after_commit.append(call)

    def take_after_commit(self) -> list[Callable[[], None]]:
        """Hand over what is to run after the commit."""
        calls, self._after_commit = self._after_commit, []
        return calls


class Database:
    """The pool of connections and the transactions on it."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a transaction, or join the one that is open in this context.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        outer = _current.get()
        if outer is not None:
            yield outer
            return
        with self._connection() as conn:
            tx = Tx(conn)
            mark = _current.set(tx)
            try:
                yield tx
                conn.commit()
            except BaseException:
                conn.rollback()
                raise
            finally:
                _current.reset(mark)
        for call in tx.take_after_commit():
            call()

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            conn = self.engine.connect()
        except sa.exc.OperationalError as error:
            raise Unavailable(
                "database_unavailable", "The database cannot be reached; try again in a moment."
            ) from error
        with conn:
            yield conn
