"""The pool of connections to PostgreSQL."""

from __future__ import annotations

import select
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from app.config import ConfigError
from app.db.spare import SINCE, attach
from app.db.tx import Database
from app.db.types import dumps, loads, teach_driver
from app.db.wire import forget

# A lock that is held longer belongs to somebody who is stuck: "busy" is a better answer
# than a queue of waiting requests.
_SESSION: Final = (
    "-c timezone=UTC -c datestyle=ISO -c lock_timeout=10s -c statement_timeout=60s"
    " -c idle_in_transaction_session_timeout=60s"
)

# A server or a router that vanished says no goodbye: without these a connection, and the
# thread that waits on it, would hang for hours. They have no effect on unix sockets.
_ALIVE: Final = {
    "keepalives": 1,
    "keepalives_idle": 30,  # seconds
    "keepalives_interval": 10,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds that what was sent may stay unacknowledged
}


def sqlalchemy_url(url: str) -> sa.URL:
    """Return ``url`` (``postgres://`` or ``postgresql://``) for the psycopg 3 driver.

    Raises:
        ConfigError: it is no such address; the text does not repeat it, for its password.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        with suppress(sa.exc.ArgumentError, ValueError):
            return sa.make_url(f"postgresql+psycopg://{rest}")
    raise ConfigError(
        "DATABASE_URL cannot be used: it must look like postgresql://user:password@host:5432/name,"
        " with %40 for an @ in the password. Correct it (setting database_url), and start again."
    )


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 10,
    max_age: float = 600,
    wait: float = 10,
    name: str = "workflow-engine",
) -> sa.Engine:
    """Make the pool; no connection is opened yet, so it may be made before a fork.

    Args:
        pool_size: connections kept.
        max_overflow: more of them for a short while.
        max_age: seconds after which a connection is replaced.
        wait: seconds a caller waits for a free one.
        name: what ``pg_stat_activity`` shows; workers and duties are recognised by it.
    """
    engine = sa.create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_recycle=int(max_age),
        pool_timeout=wait,
        pool_use_lifo=True,
        pool_reset_on_return=None,  # whoever takes a connection rolls back itself
        json_serializer=dumps,
        json_deserializer=loads,
        connect_args={
            "connect_timeout": 5,
            "application_name": name,
            "options": _SESSION,
            "prepare_threshold": 2,
            **_ALIVE,
        },
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(driver: Any, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info[SINCE] = time.monotonic()
        teach_driver(driver)

    sa.event.listen(engine, "checkout", _refuse_dead)
    sa.event.listen(engine, "rollback", forget)
    sa.event.listen(engine, "rollback_savepoint", lambda conn, _name, _context: forget(conn))
    attach(engine, _refuse_dead, max_age)
    return engine


def create_database(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 10,
    max_age: float = 600,
    wait: float = 10,
    name: str = "workflow-engine",
) -> Database:
    """Make a :class:`Database`; see :func:`create_engine` for the arguments."""
    return Database(
        create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            max_age=max_age,
            wait=wait,
            name=name,
        )
    )


def _refuse_dead(driver: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Have a connection replaced that PostgreSQL has closed, without a trip to find out.

    On an idle connection there is hardly ever anything to be read; if there is, it may be a
    farewell, whose end can still be on its way: then a trip it is.
    """
    if not driver.closed:
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        if not poll.poll(0):
            return
        try:
            driver.pgconn.consume_input()
            answer = driver.pgconn.exec_(b"")
        except psycopg.OperationalError as error:
            raise sa.exc.DisconnectionError from error
        if answer.status == psycopg.pq.ExecStatus.EMPTY_QUERY:
            return
    raise sa.exc.DisconnectionError
