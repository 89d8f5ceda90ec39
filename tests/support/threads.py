"""Several people at the same moment: threads that begin together, or one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

from app.db.tx import Database
from app.errors import AppError
from tests.support import stored
from tests.support.until import until

_WAITING = """
select count(*) as n from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock'
"""


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls together; return results, or the errors they were refused with."""
    start = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        start.wait()
        return outcome(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def in_line(db: Database, lock: str, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls so that all of them stand in line for a lock, in this order.

    Args:
        lock: SQL that takes it; it is let go when every call waits.

    Returns:
        As ``at_once``.
    """
    with ThreadPoolExecutor(len(calls)) as pool, ExitStack() as held:
        held.enter_context(db.transaction()).run(lock)
        running = []
        for number, call in enumerate(calls, start=1):
            running.append(pool.submit(outcome, call))
            until_waiting(db, number)
        held.close()
        return [each.result() for each in running]


def until_waiting(db: Database, number: int) -> None:
    """Wait until so many connections wait for a lock, whatever this thread has open."""
    outside = Database(db.engine)
    until(lambda: stored.row(outside, _WAITING)["n"] == number)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what the call gives, or the error it is refused with."""
    try:
        return call()
    except AppError as error:
        return error
