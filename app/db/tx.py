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
import structlog
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.db import faults
from app.errors import Unavailable

log = structlog.get_logger(__name__)

# What PostgreSQL answers when others were first or it has too much to do: nothing was
# done, and the same again in a moment may well succeed.
_BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
    psycopg.errors.TooManyConnections,
)


class Tx:
    """One open transaction.

    ``conn`` is for SQLAlchemy Core statements (screens, cold paths); ``run`` sends
    hand-written SQL with ``%(name)s`` parameters straight to the driver (hot paths).
    """

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        driver = conn.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 - narrows the pool's untyped proxy
        self._driver: psycopg.Connection[Any] = driver
        self._after_commit: list[Callable[[], None]] = []
        self.spoiled = False

    def run(
        self, sql: str, params: Mapping[str, Any] | None = None
    ) -> psycopg.Cursor[dict[str, Any]]:
        """Execute hand-written SQL; rows come as dicts."""
        cursor = self._driver.cursor(row_factory=dict_row)
        cursor.execute(sql.encode(), params)  # bytes: the SQL is ours, values are parameters
        return cursor

    def run_many(self, sql: str, rows: list[dict[str, Any]]) -> None:
        """Execute one statement for many rows in a single round trip (pipeline)."""
        with self._driver.cursor() as cursor:
            cursor.executemany(sql.encode(), rows)

    @staticmethod
    def json(value: Any) -> Jsonb:
        """Wrap a value that is not a dict (a list, a text) as a jsonb parameter."""
        return Jsonb(value)

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Do something that is taken back, and it alone, if it raises."""
        spoiled, calls = self.spoiled, len(self._after_commit)
        try:
            with self.conn.begin_nested():
                yield
        except BaseException:
            self.spoiled = spoiled
            del self._after_commit[calls:]
            raise

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run ``call`` once the work is durable (wake workers, count metrics)."""
        self._after_commit.append(call)

    def take_after_commit(self) -> list[Callable[[], None]]:
        """Hand over what is to run after the commit."""
        calls, self._after_commit = self._after_commit, []
        return calls


_current: ContextVar[tuple[Database, Tx] | None] = ContextVar("current_transaction", default=None)


class Database:
    """The pool of connections and the transactions on it.

    Args:
        engine: the pool.
        connection: for tests: every transaction becomes a savepoint on this one.
    """

    def __init__(self, engine: sa.Engine, connection: sa.Connection | None = None) -> None:
        self.engine = engine
        self._joined = connection

    @classmethod
    def joined(cls, connection: sa.Connection) -> Database:
        """Return a database whose transactions are savepoints on ``connection``."""
        return cls(connection.engine, connection)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a transaction, or join the one that is open in this context.

        An error that leaves a joined transaction spoils the outer one: half of a use
        case is never committed, even if somebody swallows the error on the way.

        Raises:
            Unavailable: PostgreSQL cannot be reached, or is too busy; nothing was changed.
        """
        outer = _current.get()
        if outer is not None and outer[0] is self:
            try:
                yield outer[1]
            except BaseException:
                outer[1].spoiled = True
                raise
            return
        with self._connection() as conn:
            tx = Tx(conn)
            mark = _current.set((self, tx))
            try:
                yield tx
                if tx.spoiled:
                    raise RuntimeError("an error inside this transaction was swallowed")
            finally:
                _current.reset(mark)
        for call in tx.take_after_commit():
            try:
                call()
            except Exception:  # the work is done: it must not look as if it had failed
                log.exception("after_commit_failed")

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """Commit at the end, roll back at an error; say which errors are outages."""
        if self._joined is not None:
            with self._joined.begin_nested():
                yield self._joined
            return
        try:
            with self.engine.connect() as conn:
                conn.begin()
                try:
                    yield conn
                    faults.point("before_commit")
                    conn.commit()
                    faults.point("after_commit")
                except BaseException:
                    self._roll_back(conn)
                    raise
        except sa.exc.TimeoutError as error:
            raise _busy() from error
        except (psycopg.OperationalError, sa.exc.OperationalError) as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise (_busy() if isinstance(cause, _BUSY) else _away()) from error

    def _roll_back(self, conn: sa.Connection) -> None:
        """Roll back; a connection that died takes the idle ones with it (a restart)."""
        driver: Any = conn.connection.driver_connection
        if driver is None or driver.closed:
            conn.invalidate()
            self.engine.dispose()
            return
        conn.rollback()


def _away() -> Unavailable:
    return Unavailable(
        "database_unavailable",
        "The database cannot be reached. Nothing was changed; try again in a moment.",
        extra={"retry_after": 5},
    )


def _busy() -> Unavailable:
    return Unavailable(
        "database_busy",
        "The system is busy. Nothing was changed; try again in a moment.",
        extra={"retry_after": 2},
    )
