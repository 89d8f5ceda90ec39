"""The drain with real threads: places, time limits, renewing, and giving back at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.connector.base import JobContext
from app.runtime import jobs
from app.worker.clock import now
from app.worker.drain import Drain
from tests.support.until import until
from tests.worker.conftest import Shop, service


class Counting:
    """A waker that counts."""

    def __init__(self) -> None:
        self.calls = 0

    def wake(self) -> None:
        self.calls += 1


class Held:
    """A service that answers when it is let go."""

    def __init__(self) -> None:
        self.contexts: list[JobContext] = []
        self.go = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, given: Any, context: JobContext) -> Any:
        with self._lock:
            self.contexts.append(context)
            self._now += 1
            self.most = max(self.most, self._now)
        assert self.go.wait(20)
        with self._lock:
            self._now -= 1
        return {"attempt": context.attempt}


@pytest.fixture
def held(open_shop: Shop) -> Iterator[Held]:
    open_shop.at = now()  # the drain has the time of day
    made = Held()
    open_shop.services.register("Shop", "hold", made)
    yield made
    made.go.set()


@contextmanager
def draining(shop: Shop, *, within: float = 5, **more: Any) -> Iterator[Drain]:
    drain = Drain(shop.engine, shop.services, worker="test", clock=now, **more)
    drain.start()
    try:
        yield drain
    finally:
        drain.stop(within)


def status(shop: Shop, instance: int) -> str:
    return str(shop.instance(instance)["status"])


def shorten(shop: Shop, seconds: float) -> None:
    """Give every job a time limit shorter than a definition can."""
    shop.rows("update jobs set timeout = %(s)s returning 1", s=seconds)


def test_steps_follow_one_another_without_waiting_for_a_look_at_the_table(
    open_shop: Shop, held: Held
) -> None:
    steps = [service(f"s{n}", next_=f"s{n + 1}") for n in range(8)] + [service("s8")]
    with draining(open_shop) as drain:
        until(lambda: drain._thread.is_alive())
        instance = open_shop.start(*steps)
        drain.notify()
        until(lambda: status(open_shop, instance) == "completed", seconds=3)
    assert len(open_shop.lines(instance, "job.completed")) == 9


def test_no_more_run_at_once_than_there_are_places(open_shop: Shop, held: Held) -> None:
    open_shop.start(service("only", method="hold"))
    for _ in range(4):
        open_shop.again()
    with draining(open_shop, places=2) as drain:
        until(lambda: len(held.contexts) == 2)
        assert drain.full
        leased = open_shop.rows("select 1 from jobs where state = 'leased'")
        assert len(leased) == 2
        held.go.set()
        until(lambda: len(open_shop.rows("select 1 from jobs where state = 'done'")) == 5)
    assert held.most == 2


def test_a_full_process_calls_the_others(open_shop: Shop, held: Held) -> None:
    far = Counting()
    open_shop.start(service("only", method="hold"))
    drain = Drain(
        replace(open_shop.engine, waker=far), open_shop.services, worker="a", clock=now, places=1
    )
    drain._engine.waker.wake()
    assert far.calls == 0
    drain.start()
    until(lambda: drain.full)
    drain._engine.waker.wake()
    assert far.calls == 1
    held.go.set()
    drain.stop(5)
    drain._engine.waker.wake()
    assert far.calls == 2


def test_every_attempt_is_told_the_same_key(open_shop: Shop, held: Held) -> None:
    keys: list[JobContext] = []

    def unsteady(given: Any, context: JobContext) -> Any:
        keys.append(context)
        if len(keys) == 1:
            raise ConnectionError
        return None

    open_shop.services.register("Shop", "unsteady", unsteady)
    quick = {"initial": "1s", "max_interval": "1s", "jitter": False}
    instance = open_shop.start(service("only", method="unsteady", retry_policy=quick))
    with draining(open_shop) as drain:
        until(lambda: len(keys) == 1)
        until(lambda: open_shop.rows("select 1 from jobs where failures = 1"))
        open_shop.rows("update jobs set due_at = now() returning 1")
        drain.notify()
        until(lambda: status(open_shop, instance) == "completed")
    one, two = keys
    assert (one.attempt, two.attempt) == (1, 2)
    assert one.idempotency_key == two.idempotency_key
    assert (one.instance_id, one.step, one.timeout) == (instance, "only", 60)


def test_a_hung_attempt_fails_when_its_time_is_over_and_gives_its_place_back(
    open_shop: Shop, held: Held
) -> None:
    hung = open_shop.start(service("only", method="hold"))
    shorten(open_shop, 0.2)
    with draining(open_shop, places=1) as drain:
        until(lambda: open_shop.rows("select 1 from jobs where failures = 1"))
        (row,) = open_shop.rows("select * from jobs")
        assert (row["state"], row["error"]["code"]) == ("due", "timeout")
        assert row["error"]["message"] == "No answer within 0.2 s."
        other = open_shop.start()
        drain.notify()
        until(lambda: status(open_shop, other) == "completed")
        held.go.set()
        until(lambda: open_shop.lines(hung, "job.completed"))
        assert open_shop.lines(hung, "job.completed")[0]["ignored"] == "late"
        until(lambda: status(open_shop, hung) == "completed")
    assert open_shop.instance(hung)["variables"] == {"only": {"attempt": 2}}


def test_an_instance_that_is_locked_holds_up_neither_others_nor_the_processor(
    open_shop: Shop, held: Held
) -> None:
    ticks = 0

    def counted() -> Any:
        nonlocal ticks
        ticks += 1
        return now()

    instance = open_shop.start(service("only", method="hold"))
    shorten(open_shop, 0.2)
    drain = Drain(open_shop.engine, open_shop.services, worker="test", clock=counted, places=2)
    with ExitStack() as locked:
        tx = locked.enter_context(open_shop.db.engine.begin())
        tx.exec_driver_sql(f"select 1 from process_instances where id = {instance} for update")
        drain.start()
        until(lambda: drain._running and min(drain._running.values()) == float("inf"))
        other = open_shop.start()
        drain.notify()
        until(lambda: status(open_shop, other) == "completed", seconds=5)
        assert ticks < 20
    until(lambda: open_shop.rows("select 1 from jobs where failures = 1"))
    drain.stop(5)
    held.go.set()
    until(lambda: open_shop.lines(instance, "job.completed"))


def test_what_runs_for_long_is_renewed(open_shop: Shop, held: Held) -> None:
    instance = open_shop.start(service("only", method="hold"))
    hold = timedelta(seconds=0.6)
    with draining(open_shop, hold=hold):
        until(lambda: held.contexts)
        seen: set[Any] = set()

        def renewed() -> bool:
            seen.add(open_shop.rows("select leased_until from jobs")[0]["leased_until"])
            assert jobs.expire(open_shop.engine, now=now()) == 0
            return len(seen) >= 5

        until(renewed)
        held.go.set()
        until(lambda: status(open_shop, instance) == "completed")
    assert [context.attempt for context in held.contexts] == [1]


def test_a_service_that_tries_to_exit_is_a_failed_attempt(open_shop: Shop, held: Held) -> None:
    open_shop.provide("leave", lambda given: sys.exit("enough"))
    instance = open_shop.start(service("only", method="leave", retry_policy={"max_attempts": 1}))
    with draining(open_shop):
        until(lambda: open_shop.instance(instance)["incident_count"])
    assert open_shop.incident(instance)["message"] == "SystemExit: enough"


def test_a_service_that_this_worker_lacks_is_tried_again_elsewhere(
    open_shop: Shop, held: Held
) -> None:
    open_shop.start()
    open_shop.rows("update jobs set method = 'new' returning 1")
    with draining(open_shop):
        until(lambda: open_shop.rows("select 1 from jobs where failures = 1"))
    (row,) = open_shop.rows("select * from jobs")
    assert (row["state"], row["error"]["code"]) == ("due", "unknown_service")
    assert "no service Shop.new in this worker" in row["error"]["message"]


def test_at_the_end_nothing_new_is_taken_and_what_does_not_end_is_handed_back(
    open_shop: Shop, held: Held
) -> None:
    far = Counting()
    instance = open_shop.start(service("only", method="hold"))
    drain = Drain(
        replace(open_shop.engine, waker=far), open_shop.services, worker="a", clock=now, places=3
    )
    drain.start()
    until(lambda: held.contexts)
    open_shop.start()
    drain.stop(0.2)
    rows = open_shop.rows("select state, lost, failures from jobs order by id")
    assert [tuple(row.values()) for row in rows] == [("due", 0, 0), ("due", 0, 0)]
    assert far.calls == 1
    open_shop.at = now()
    again = next(job for job in open_shop.lease() if job.instance_id == instance)
    held.go.set()
    assert open_shop.succeed(again, {"n": 2})
    assert open_shop.instance(instance)["variables"] == {"only": {"n": 2}}


def test_at_the_end_what_ends_in_time_is_written_down(open_shop: Shop, held: Held) -> None:
    instance = open_shop.start(service("only", method="hold"))
    drain = Drain(open_shop.engine, open_shop.services, worker="a", clock=now)
    drain.start()
    until(lambda: held.contexts)
    threading.Timer(0.1, held.go.set).start()
    drain.stop(10)
    assert status(open_shop, instance) == "completed"
