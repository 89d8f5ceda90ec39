"""The transaction: the only place that commits.

A use case opens one with ``with db.transaction() as tx``. If the calling context
already has one (a REST request with an Idempotency-Key stores its answer together
with the work), the inner one joins it and the outermost commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, cast

import psycopg
import sqlalchemy as sa
import structlog

from app.db import faults
from app.db.spare import spares_of
from app.db.wire import Answer, Statement, wire_of
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
_OUTAGES = (psycopg.OperationalError, sa.exc.OperationalError)


class Tx:
    """One open transaction.

    ``conn`` is for SQLAlchemy Core statements (screens, cold paths); ``run`` sends
    hand-written SQL with ``%(name)s`` parameters straight to the driver (hot paths). It
    begins with the first statement; until then nothing is asked of PostgreSQL.

    Args:
        driver: the pool's connection.
        conn: SQLAlchemy's view of it, if somebody has one.
        own: this transaction is the one that commits; else it is a part of a larger one.

    ``ahead`` holds what was read before it was asked for, by its type.
    """

    def __init__(
        self,
        engine: sa.Engine,
        driver: sa.PoolProxiedConnection,
        conn: sa.Connection | None = None,
        *,
        own: bool = True,
    ) -> None:
        self._engine = engine
        self._driver = driver
        self._conn = conn
        self._own = own
        self._wire = wire_of(driver)
        self._after_commit: list[Callable[[], None]] = []
        self._waiting: list[Statement] = []
        self._wanted: list[tuple[int, list[Answer]]] = []
        self.ahead: dict[type, Any] = {}
        self.joined = 0
        self.spoiled = False
        self.committed = False

    @property
    def conn(self) -> sa.Connection:
        """SQLAlchemy's view of the connection; what it does is in this transaction too."""
        if self._waiting:
            self._send((), begin=self._wire.idle)
        if self._conn is None:
            self._conn = sa.Connection(self._engine, connection=self._driver)
        return self._conn

    def run(self, sql: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Execute hand-written SQL; rows come as dicts."""
        if params is None and ";" in sql:
            self._open()
            self._send((), begin=self._wire.idle)
            self._wire.script(sql)
            return Answer([], 0)
        return self.together(((sql, params),))[0]

    def later(self, statements: Sequence[Statement]) -> None:
        """Execute statements whose answers nobody needs, with the next trip.

        What is run after them sees what they did; an error of theirs is raised there, or by the
        commit.
        """
        self._open()
        self._waiting += statements

    def soon(self, sql: str, params: Mapping[str, Any] | None = None) -> Callable[[], Answer]:
        """Execute a statement with the next trip, whose answer somebody needs after that.

        Returns:
            What gives the answer; if nothing else was run meanwhile, by a trip of its own.
        """
        self._open()
        kept: list[Answer] = []
        self._wanted.append((len(self._waiting), kept))
        self._waiting.append((sql, params))

        def answer() -> Answer:
            if not kept:
                self._send((), begin=self._wire.idle)
            return kept[0]

        return answer

    def together(self, statements: Sequence[Statement], *, last: bool = False) -> list[Answer]:
        """Execute several statements in one round trip, in their order.

        Args:
            last: nothing is read or written in this transaction any more: it is committed
                by the same trip. Within a larger one that is left to the outermost.
        """
        self._open()
        if not last or self.joined or not self._own:
            return self._send(statements, begin=self._wire.idle)
        self._refuse_spoiled()
        faults.point("before_commit")
        answers = self._send(statements, commit=not self._wire.idle)
        self.committed = True
        faults.point("after_commit")
        return answers

    def only(self, sql: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Execute the one statement that there is: the same as ``together`` as the last."""
        return self.together(((sql, params),), last=True)[0]

    def commit(self) -> None:
        """Make what was done durable; ``Database.transaction`` calls it at the end."""
        self._refuse_spoiled()
        if self._own and not self.committed:
            faults.point("before_commit")
            if self._waiting or not self._wire.idle:
                self._send((), commit=not self._wire.idle)
            faults.point("after_commit")
        elif self._waiting:
            self._send(())
        self.committed = True

    def _send(
        self, statements: Sequence[Statement], *, begin: bool = False, commit: bool = False
    ) -> list[Answer]:
        """Send what waits, and then these; return the answers to these."""
        waiting, self._waiting = self._waiting, []
        wanted, self._wanted = self._wanted, []
        answers = self._wire.send([*waiting, *statements], begin=begin, commit=commit)
        for place, kept in wanted:
            kept.append(answers[place])
        return answers[len(waiting) :]

    def _open(self) -> None:
        if self.committed:
            raise RuntimeError("this transaction has been committed by its last statement")

    def _refuse_spoiled(self) -> None:
        if self.spoiled:
            raise RuntimeError("an error inside this transaction was swallowed")

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Do something that is taken back, and it alone, if it raises."""
        spoiled, calls = self.spoiled, len(self._after_commit)
        self.run("savepoint undo")
        try:
            yield
        except BaseException:
            self.spoiled = spoiled
            del self._after_commit[calls:]
            self._waiting.clear()
            self._wanted.clear()
            self.run("rollback to savepoint undo")
            raise
        self.run("release savepoint undo")

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
        self.spares = spares_of(engine)
        self._joined = connection

    @classmethod
    def joined(cls, connection: sa.Connection) -> Database:
        """Return a database whose transactions are savepoints on ``connection``."""
        return cls(connection.engine, connection)

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open a transaction, or join the one that is open in this context.

        An error that leaves a joined transaction spoils the outer one: half of a use
        case is never committed, even if somebody swallows the error on the way.

        Raises:
            Unavailable: PostgreSQL cannot be reached, or is too busy; nothing was changed.
        """
        outer = _current.get()
        if outer is not None and outer[0] is self:
            return _part_of(outer[1])
        if self._joined is not None:
            return self._savepoint(self._joined)
        return _Outermost(self)

    @contextmanager
    def _savepoint(self, conn: sa.Connection) -> Iterator[Tx]:
        with conn.begin_nested():
            tx = Tx(self.engine, conn.connection, conn, own=False)
            mark = _current.set((self, tx))
            try:
                yield tx
                tx.commit()
            finally:
                _current.reset(mark)
        _call(tx)


class _Outermost:
    """The transaction that commits: what ``Database.transaction`` opens."""

    __slots__ = ("_db", "_driver", "_mark", "_tx")

    def __init__(self, db: Database) -> None:
        self._db = db

    def __enter__(self) -> Tx:
        spares = self._db.spares
        try:
            taken = spares.take() if spares is not None else None
            self._driver = taken or self._db.engine.raw_connection()
        except (*_OUTAGES, sa.exc.TimeoutError) as error:
            raise _unavailable(error) from error
        self._tx = Tx(self._db.engine, self._driver)
        self._mark = _current.set((self._db, self._tx))
        return self._tx

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            try:
                if error is None:
                    self._tx.commit()
            finally:
                _current.reset(self._mark)
                self._give_back()
        except _OUTAGES as outage:
            raise _unavailable(outage) from outage
        finally:
            if self._tx.committed:  # also if an error came after that
                _call(self._tx)
        if isinstance(error, _OUTAGES):
            raise _unavailable(error) from error

    def _give_back(self) -> None:
        """Roll back what was not committed; a connection that died takes the idle ones along."""
        driver = self._driver
        below = cast("psycopg.Connection[Any] | None", driver.driver_connection)
        if below is None or below.closed:
            driver.invalidate()
            self._db.engine.dispose()  # PostgreSQL was restarted: none of them lives
            return
        wire_of(driver).roll_back()
        if self._db.spares is not None:
            self._db.spares.keep(driver)
        else:
            driver.close()


@contextmanager
def _part_of(outer: Tx) -> Iterator[Tx]:
    outer.joined += 1
    try:
        yield outer
    except BaseException:
        outer.spoiled = True
        raise
    finally:
        outer.joined -= 1


def _call(tx: Tx) -> None:
    for call in tx.take_after_commit():
        try:
            call()
        except Exception:  # the work is done: it must not look as if it had failed
            log.exception("after_commit_failed")


def _unavailable(error: Exception) -> Unavailable:
    """Say which outage it is: too much to do, or nobody there."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return _busy() if isinstance(cause, (*_BUSY, sa.exc.TimeoutError)) else _away()


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
