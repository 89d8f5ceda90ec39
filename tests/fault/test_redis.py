"""Redis flushed, killed, hung and away: everything goes on, more slowly."""

from __future__ import annotations

import signal

import pytest
from rq import Worker

from app.adapters import redis_health
from app.adapters.executor_rq import RqWaker, connect
from tests.fault.hasty_worker import hasty_worker
from tests.fault.orders import all_ended, check, start
from tests.fault.plant import Plant
from tests.support.until import until

pytestmark = pytest.mark.fault

PENDING = "workflow:wake-pending"


def listening(works: Plant) -> bool:
    state = redis_health.state(works.redis.url)
    return state is not None and state.workers == 1


def waits(works: Plant) -> bool:
    """Say whether the worker waits for a message."""
    workers = Worker.all(connection=works.redis.client)
    return [worker.get_state() for worker in workers] == ["idle"]


def until_heard(works: Plant) -> None:
    """Wake through Redis alone, and wait until a worker has taken the message.

    The mark of a message under way does not run out meanwhile: only who hears removes it.
    """
    client = works.redis.client
    for _ in range(9):
        RqWaker(connect(works.redis.url)).wake()
        client.persist(PENDING)
        try:
            until(lambda: not client.exists(PENDING), seconds=4)
        except AssertionError:  # it went to a connection that its worker has given up
            client.delete(PENDING)
        else:
            return
    raise AssertionError("nobody hears")


def test_a_worker_outlives_everything_that_happens_to_redis(works: Plant) -> None:
    worker = hasty_worker(works)
    works.redis.kill()
    worker.start()
    start(works, 1)
    works.until(lambda: all_ended(works, 1))
    pid = worker.pid

    works.redis.begin()
    works.until(lambda: listening(works))
    until_heard(works)

    works.redis.client.flushall()
    until_heard(works)
    works.until(lambda: listening(works))

    works.redis.kill()
    start(works, 2)
    works.until(lambda: all_ended(works, 2))
    works.redis.begin()
    works.until(lambda: listening(works))
    until_heard(works)

    works.redis.signal(signal.SIGSTOP)
    start(works, 3)
    works.until(lambda: all_ended(works, 3))
    works.redis.signal(signal.SIGCONT)
    until_heard(works)

    works.redis.kill()
    assert worker.pid == pid
    worker.signal(signal.SIGTERM)
    assert worker.until_dead() == 0
    outcome = check(works, 3)
    assert (outcome.attempts, outcome.lost) == (9, 0)


def test_a_worker_that_is_asked_to_end_ends_even_if_rq_loses_the_request(works: Plant) -> None:
    worker = hasty_worker(works, ends_while_it_speaks=True)
    worker.start()
    works.until(lambda: waits(works))
    works.redis.kill()
    assert worker.until_dead(20) == 0, worker.said
    assert "StopRequested" in worker.said  # as logging shows what it catches


def test_web_serves_without_redis_and_says_so(works: Plant) -> None:
    works.redis.kill()
    works.web.start()
    works.until_ready()
    token = works.token()
    with works.client(Authorization=f"Bearer {token}") as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        begun = client.post(
            "/api/v1/process-instances",
            json={"process_definition_key": "test_order", "variables": {"order_id": "O-1"}},
        )
        assert begun.status_code == 201, begun.text
        works.redis.begin()
        assert client.get("/health/ready").json()["status"] == "ok"
