"""Places of services: a slow one keeps to its own, and several jobs in one call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.connector.base import BusinessError, JobContext
from app.errors import Unavailable
from app.runtime import jobs
from app.worker import execute
from app.worker.clock import now
from app.worker.drain import Drain
from app.worker.execute import Attempt, settle_all
from tests.support.until import until
from tests.worker.conftest import Shop, service

Batch = Sequence[tuple[Mapping[str, Any], JobContext]]


class Slow:
    """A remote that answers when it is let go; knows how many it had at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.now = self.most = self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, given: Any, context: JobContext) -> Any:
        with self._lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            assert self.go.wait(20)
        finally:
            with self._lock:
                self.now -= 1
        return {}


@pytest.fixture
def slow(open_shop: Shop) -> Iterator[Slow]:
    open_shop.at = now()  # the drain has the time of day
    made = Slow()
    yield made
    made.go.set()


@contextmanager
def draining(shop: Shop, **more: Any) -> Iterator[Drain]:
    drain = Drain(shop.engine, shop.services, worker="test", clock=now, **more)
    drain.set_hearing(True)
    drain.start()
    try:
        yield drain
    finally:
        drain.stop(5)


def several(shop: Shop, count: int, method: str, **more: Any) -> list[int]:
    first = shop.start(service("only", method=method, **more), n=0)
    return [first, *(shop.again(n=number) for number in range(1, count))]


def done(shop: Shop, method: str) -> int:
    rows = shop.rows("select 1 from jobs where state = 'done' and method = %(m)s", m=method)
    return len(rows)


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "places", "most"), [(2, 8, 2), (1, 3, 1), (9, 4, 4), (None, 8, 6), (None, 1, 1)]
)
def test_a_slow_service_keeps_to_its_places_and_others_go_on(
    open_shop: Shop, slow: Slow, declared: int | None, places: int, most: int
) -> None:
    open_shop.services.register("Shop", "slow", slow, concurrency=declared)
    several(open_shop, 12, "slow")
    several(open_shop, 5, "work")
    with draining(open_shop, places=places):
        until(lambda: slow.now == most)
        if most < places:
            until(lambda: done(open_shop, "work") == 5)
            assert (slow.now, slow.calls) == (most, most)
            leased = open_shop.rows("select 1 from jobs where state = 'leased'")
            assert len(leased) == most
        slow.go.set()
        until(lambda: done(open_shop, "slow") == 12)
        until(lambda: done(open_shop, "work") == 5)
    assert slow.most == most


def test_others_that_come_later_need_not_wait_for_the_next_look(
    open_shop: Shop, slow: Slow
) -> None:
    open_shop.services.register("Shop", "slow", slow, concurrency=1)
    several(open_shop, 20, "slow")
    with draining(open_shop, places=4) as drain:
        until(lambda: slow.now == 1)
        open_shop.start()
        drain.notify()
        until(lambda: done(open_shop, "work") == 1, seconds=3)
        assert slow.calls == 1
        slow.go.set()


def test_a_process_that_has_no_place_for_a_service_calls_the_others(
    open_shop: Shop, slow: Slow
) -> None:
    far: list[bool] = []

    class Counting:
        def wake(self) -> None:
            far.append(True)

    open_shop.services.register("Shop", "slow", slow, concurrency=1)
    several(open_shop, 1, "slow")
    engine = replace(open_shop.engine, waker=Counting())
    drain = Drain(engine, open_shop.services, worker="a", clock=now, places=4)
    drain._engine.waker.wake()
    assert far == []
    drain.start()
    until(lambda: slow.now == 1)
    drain._engine.waker.wake()
    assert far == [True]
    assert not drain.full
    slow.go.set()
    drain.stop(5)


def test_two_slow_services_each_have_their_own_places(open_shop: Shop, slow: Slow) -> None:
    other = Slow()
    open_shop.services.register("Shop", "slow", slow, concurrency=2)
    open_shop.services.register("Shop", "other", other, concurrency=3)
    several(open_shop, 6, "slow")
    several(open_shop, 6, "other")
    several(open_shop, 6, "work")
    with draining(open_shop, places=6):
        until(lambda: (slow.now, other.now, done(open_shop, "work")) == (2, 3, 6))
        other.go.set()
        until(lambda: done(open_shop, "other") == 6)
        assert slow.calls == 2
        slow.go.set()
        until(lambda: done(open_shop, "slow") == 6)
    assert (slow.most, other.most) == (2, 3)


def test_a_hung_call_has_its_service_s_place_until_it_is_given_up(
    open_shop: Shop, slow: Slow
) -> None:
    open_shop.services.register("Shop", "slow", slow, concurrency=1)
    several(open_shop, 2, "slow", retry_policy={"max_attempts": 1})
    open_shop.rows("update jobs set timeout = 0.3 returning 1")
    seen: list[int] = []
    with draining(open_shop, places=2):
        until(lambda: open_shop.rows("select 1 from jobs where state = 'failed'"))
        seen.append(slow.calls)
        until(lambda: slow.calls == 2)
        assert slow.now == 2
        until(lambda: len(open_shop.rows("select 1 from jobs where state = 'failed'")) == 2)
    assert seen == [1]


def test_what_has_no_room_is_passed_over_and_what_has_some_is_taken_up_to_it(shop: Shop) -> None:
    for method in ("a", "b", "c"):
        shop.provide(method, lambda given: {})
        several(shop, 4, method)
        shop.later(seconds=1)

    def leased(limit: int, **room: int) -> list[str]:
        named = {f"Shop.{method}": places for method, places in room.items()}
        rows = jobs.lease(shop.db, "w", limit=limit, now=shop.at, room=named)
        return sorted(job.method for job in rows)

    assert leased(6, a=0, b=-1) == ["c"] * 4
    assert leased(6, a=1) == ["a", *["b"] * 2]  # four of a and two of b were looked at
    assert leased(6, a=0, b=1) == ["b"]
    assert leased(6) == ["a", "a", "a", "b"]


# --- several jobs in one call --------------------------------------------------------------------


class Bulk:
    """A service that takes several jobs at once."""

    def __init__(self, answer: Callable[[Batch], Any]) -> None:
        self.calls: list[list[Any]] = []
        self.keys: list[str] = []
        self._answer = answer

    def __call__(self, given: Batch) -> Any:
        self.calls.append([each["n"] for each, _ in given])
        self.keys += [context.idempotency_key for _, context in given]
        return self._answer(given)


def test_a_call_takes_as_many_jobs_as_it_may_in_one_place(open_shop: Shop, slow: Slow) -> None:
    bulk = Bulk(lambda given: [{"twice": each["n"] * 2} for each, _ in given])
    open_shop.services.register_batch("Shop", "bulk", bulk, batch=10, concurrency=1)
    instances = several(open_shop, 25, "bulk", output={"twice": "${result.twice}"})
    with draining(open_shop, places=2):
        until(lambda: done(open_shop, "bulk") == 25)
    assert sorted(map(len, bulk.calls)) == [5, 10, 10]
    assert len(set(bulk.keys)) == 25
    for number, instance in enumerate(instances):
        row = open_shop.instance(instance)
        assert (row["status"], row["variables"]["twice"]) == ("completed", number * 2)


def test_each_job_of_a_call_has_its_own_end(open_shop: Shop, slow: Slow) -> None:
    def answer(given: Batch) -> list[Any]:
        odd: dict[int, Any] = {
            1: BusinessError("closed", "No."),
            2: OSError("gone"),
            3: {"x": "\0"},
        }
        return [odd.get(each["n"], {"ok": True}) for each, _ in given]

    open_shop.services.register_batch("Shop", "bulk", Bulk(answer), batch=10)
    instances = several(open_shop, 5, "bulk", retry_policy={"max_attempts": 1})
    with draining(open_shop):
        until(lambda: len(open_shop.rows("select 1 from jobs where ended_at is not null")) == 5)
    codes = [
        open_shop.incident(instance)["detail"]["code"]
        for instance in instances
        if open_shop.instance(instance)["incident_count"]
    ]
    assert codes == ["closed", "error", "bad_result"]
    assert [open_shop.instance(each)["status"] for each in instances] == [
        "completed", "running", "running", "running", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda given: [1], "bad_result"),
        (lambda given: None, "bad_result"),
        (lambda given: "ab", "bad_result"),
        (lambda given: 1 / 0, "error"),
    ],
)
def test_a_call_that_fails_fails_all_its_jobs(
    open_shop: Shop, slow: Slow, answer: Callable[[Batch], Any], code: str
) -> None:
    open_shop.services.register_batch("Shop", "bulk", Bulk(answer), batch=2)
    instances = several(open_shop, 2, "bulk", retry_policy={"max_attempts": 1})
    with draining(open_shop):
        until(lambda: all(open_shop.instance(each)["incident_count"] for each in instances))
    assert {open_shop.incident(each)["detail"]["code"] for each in instances} == {code}


def test_the_shorter_time_limit_ends_only_its_own_job(open_shop: Shop, slow: Slow) -> None:
    def answer(given: Batch) -> list[Any]:
        assert slow.go.wait(20)
        return [{} for _ in given]

    bulk = Bulk(answer)
    open_shop.services.register_batch("Shop", "bulk", bulk, batch=5, concurrency=1)
    first, second = several(open_shop, 2, "bulk", retry_policy={"max_attempts": 1})
    open_shop.rows("update jobs set timeout = 0.2 where instance_id = %(id)s returning 1", id=first)
    with draining(open_shop, places=1) as drain:
        until(lambda: open_shop.instance(first)["incident_count"])
        assert drain.full
        slow.go.set()
        until(lambda: open_shop.instance(second)["status"] == "completed")
        until(lambda: open_shop.lines(first, "job.completed"))
    assert open_shop.incident(first)["detail"]["code"] == "timeout"
    assert [len(call) for call in bulk.calls] == [2]


def test_a_result_that_cannot_be_written_yet_does_not_hold_up_the_others_of_its_call(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "WRITE_AGAIN", 0.01)
    several(open_shop, 2, "work")
    order: list[str] = []

    def busy() -> bool:
        order.append("busy")
        if order.count("busy") < 3:
            raise Unavailable("database_busy", "Somebody else has it.")
        return True

    def free() -> bool:
        order.append("free")
        return True

    one, two = (
        Attempt(open_shop.engine, job, clock=now, done=lambda attempt: None)
        for job in open_shop.lease()
    )
    settle_all({one: busy, two: free})
    assert order == ["busy", "free", "busy", "busy"]


# --- what a remote asks for ----------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "waits"), [(0.0, 1), (40.0, 40), (4_000.0, 60)])
def test_a_remote_that_asks_for_a_pause_gets_it_up_to_the_policy_s_longest(
    shop: Shop, asked: float, waits: float
) -> None:
    policy = {"initial": "1s", "max_interval": "1m", "jitter": False}
    shop.start(service("only", retry_policy=policy))
    job = shop.one()
    failure = jobs.Failure("http_503", "Later.", retry_after=asked)
    assert jobs.fail(shop.engine, job, failure, now=shop.at, spread=1)
    assert (shop.job(job.id)["due_at"] - shop.at).total_seconds() == waits
