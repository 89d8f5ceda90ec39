"""The floors: the least a program could do for one order approval, written by hand.

Three data-modifying statements, each its own durable commit: insert the request, claim it,
complete it. Once with the libraries that we use, and once as little as is possible at all.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from app.db.engine import sqlalchemy_url

TABLE: Final = """
create table floor_approvals (
    id bigint generated always as identity primary key,
    status text not null,
    assignee text,
    variables jsonb not null,
    started_at timestamptz not null,
    claimed_at timestamptz,
    ended_at timestamptz
)
"""
_INSERT: Final = b"""
insert into floor_approvals (status, variables, started_at)
values ('open', %s::jsonb, now()) returning id
"""
_CLAIM: Final = b"""
update floor_approvals set status = 'claimed', assignee = %s, claimed_at = now()
 where id = %s and status = 'open'
"""
_COMPLETE: Final = b"""
update floor_approvals set status = 'completed', variables = variables || %s::jsonb,
       ended_at = now()
 where id = %s and status = 'claimed' and assignee = %s
"""
_GIVEN: Final = '{"order_id": "PO-1", "customer_id": "C-7", "amount": 1250.50}'
_TYPED: Final = '{"approved": true, "comments": "fine", "status": "fulfilled"}'


def prepare(url: str) -> None:
    """Make the table."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(TABLE.encode())


_JOB_DONE: Final = b"""
update floor_approvals set variables = variables || %s::jsonb where id = %s and status <> 'failed'
"""


def _text(statement: bytes, *names: str) -> sa.TextClause:
    """Return the same for SQLAlchemy, its places named."""
    sql = statement.decode().replace("%s::jsonb", "cast(%s as jsonb)")
    for name in names:
        sql = sql.replace("%s", f":{name}", 1)
    return sa.text(sql)


_INSERT_TEXT: Final = _text(_INSERT, "given")
_CLAIM_TEXT: Final = _text(_CLAIM, "who", "id")
_COMPLETE_TEXT: Final = _text(_COMPLETE, "given", "id", "who")
_JOB_DONE_TEXT: Final = _text(_JOB_DONE, "given", "id")


class BareFloor:
    """Runs approvals on the bare driver; each thread has a connection of its own.

    Each statement is one trip that commits by itself: less than this is not possible.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()

    def once(self) -> None:
        """Run one approval."""
        conn = self.connection()
        number = insert(conn)
        claim(conn, number)
        complete(conn, number)

    def close(self) -> None:
        """Close this thread's connection."""
        self.connection().close()

    def connection(self) -> psycopg.Connection[tuple[int, ...]]:
        """This thread's connection."""
        if not hasattr(self._local, "conn"):
            self._local.conn = psycopg.connect(self._url, autocommit=True)
        conn: psycopg.Connection[tuple[int, ...]] = self._local.conn
        return conn


class Floor:
    """Runs approvals as one would write them by hand with what we use: a pool, transactions.

    Args:
        threads: connections of the pool.
        jobs: also write down what each of two jobs gave, in transactions of their own.
    """

    def __init__(self, url: str, *, threads: int, jobs: bool = False) -> None:
        self._engine = sa.create_engine(
            sqlalchemy_url(url), pool_size=threads, max_overflow=0, pool_use_lifo=True
        )
        self._jobs = jobs

    def once(self) -> None:
        """Run one approval."""
        number = self.insert()
        if self._jobs:
            self._write(_JOB_DONE_TEXT, given='{"status": "validated"}', id=number)
        self.claim(number)
        self.complete(number)
        if self._jobs:
            self._write(_JOB_DONE_TEXT, given='{"status": "fulfilled"}', id=number)

    def insert(self, given: str = _GIVEN) -> int:
        """Insert a request; return its number."""
        with self._engine.begin() as conn:
            return int(conn.execute(_INSERT_TEXT, {"given": given}).scalar_one())

    def claim(self, number: int) -> None:
        """Take it."""
        self._write(_CLAIM_TEXT, who="li", id=number)

    def complete(self, number: int, typed: str = _TYPED) -> None:
        """Finish it."""
        self._write(_COMPLETE_TEXT, given=typed, id=number, who="li")

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _write(self, statement: sa.TextClause, **params: Any) -> None:
        with self._engine.begin() as conn:
            if conn.execute(statement, params).rowcount != 1:
                raise AssertionError("nothing was written")


def insert(conn: psycopg.Connection[tuple[int, ...]], given: str = _GIVEN) -> int:
    """Insert a request; return its number."""
    row = conn.execute(_INSERT, (given,), prepare=True).fetchone()
    if row is None:
        raise AssertionError("nothing was inserted")
    return row[0]


def claim(conn: psycopg.Connection[tuple[int, ...]], number: int) -> None:
    """Take it."""
    if conn.execute(_CLAIM, ("li", number), prepare=True).rowcount != 1:
        raise AssertionError("nothing was claimed")


def complete(conn: psycopg.Connection[tuple[int, ...]], number: int, typed: str = _TYPED) -> None:
    """Finish it."""
    if conn.execute(_COMPLETE, (typed, number, "li"), prepare=True).rowcount != 1:
        raise AssertionError("nothing was completed")
