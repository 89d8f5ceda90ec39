"""The floor: the least a program could do for one order approval, written by hand.

Three data-modifying statements, each its own durable commit and one round trip, prepared,
straight on the driver: insert the request, claim it, complete it.
"""

from __future__ import annotations

import threading
from typing import Final

import psycopg

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


class Floor:
    """Runs approvals; each thread has a connection of its own.

    Args:
        jobs: also write down what each of two jobs gave, in statements of their own.
    """

    def __init__(self, url: str, *, jobs: bool = False) -> None:
        self._url = url
        self._jobs = jobs
        self._local = threading.local()

    def once(self) -> None:
        """Run one approval."""
        conn = self.connection()
        number = insert(conn)
        if self._jobs:
            conn.execute(_JOB_DONE, ('{"status": "validated"}', number), prepare=True)
        claim(conn, number)
        complete(conn, number)
        if self._jobs:
            conn.execute(_JOB_DONE, ('{"status": "fulfilled"}', number), prepare=True)

    def close(self) -> None:
        """Close this thread's connection."""
        self.connection().close()

    def connection(self) -> psycopg.Connection[tuple[int, ...]]:
        """This thread's connection."""
        if not hasattr(self._local, "conn"):
            self._local.conn = psycopg.connect(self._url, autocommit=True)
        conn: psycopg.Connection[tuple[int, ...]] = self._local.conn
        return conn


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
