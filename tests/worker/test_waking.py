"""Waking through Redis: messages that say nothing, collapse, and may get lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from app.adapters.executor_rq import QUEUE, RqWaker, connect
from app.adapters.listener_rq import Calls, listen
from app.worker import drain as draining
from app.worker.__main__ import worker_name


@pytest.fixture
def waker(clean_redis: redis.Redis) -> RqWaker:
    return RqWaker(clean_redis)


def waiting(client: redis.Redis) -> int:
    return int(client.llen(f"rq:queue:{QUEUE}"))


def test_many_calls_before_a_look_are_one_message(waker: RqWaker, clean_redis: redis.Redis) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: waker.wake(), range(200)))
    assert waiting(clean_redis) == 1
    waker.looked()
    waker.wake()
    assert waiting(clean_redis) == 2


def test_a_lost_message_holds_up_later_ones_for_seconds_only(
    waker: RqWaker, clean_redis: redis.Redis
) -> None:
    waker.wake()
    assert 0 < clean_redis.ttl("workflow:wake-pending") <= 5
    clean_redis.flushdb()
    waker.wake()
    assert waiting(clean_redis) == 1


def test_a_message_carries_no_data(waker: RqWaker, clean_redis: redis.Redis) -> None:
    waker.wake()
    (job,) = clean_redis.scan_iter("rq:job:*")
    kept = {str(name) for name in clean_redis.hkeys(job)}
    assert clean_redis.hget(job, "description") == b"app.worker.drain.drain()"
    assert not kept & {"b'meta'", "b'result'"}


def test_without_redis_waking_is_quick_and_raises_nothing() -> None:
    waker = RqWaker(connect("unix:///nowhere/redis.sock"))
    before = time.monotonic()
    for _ in range(100):
        waker.wake()
    waker.looked()
    assert time.monotonic() - before < 1


def test_a_redis_that_refuses_is_no_error_either(waker: RqWaker, clean_redis: redis.Redis) -> None:
    clean_redis.set(f"rq:queue:{QUEUE}", "no list")
    waker.wake()


class Ear:
    """Notes what a listener tells."""

    def __init__(self) -> None:
        self.hears: list[bool] = []
        self.stopped = threading.Event()

    @property
    def calls(self) -> Calls:
        return Calls(hearing=self.hears.append, stop=self.stopped.set, stopping=self.stopped.is_set)


@pytest.fixture
def url(clean_redis: redis.Redis, redis_url: str) -> str:
    number = clean_redis.connection_pool.connection_kwargs["db"]
    return f"{redis_url}?db={number}"


@pytest.fixture
def in_time() -> Iterator[None]:
    """End a listener that does not end by itself."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it still listens"))
    signal.alarm(15)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


class Looked:
    """Stands for a worker of this process."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then = then
        self.count = 0

    def heard(self) -> None:
        self.count += 1
        self.then()


def raised(number: signal.Signals) -> Callable[[], None]:
    """Return what sends this process a signal a moment later, as from outside."""
    main = threading.main_thread().ident
    assert main is not None
    return lambda: threading.Timer(0.05, signal.pthread_kill, (main, number)).start()


@pytest.mark.usefixtures("in_time")
def test_a_message_reaches_the_worker_and_a_signal_ends_the_listening(
    waker: RqWaker, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    worker = Looked(raised(signal.SIGTERM))
    monkeypatch.setattr(draining, "_serving", [worker])
    before = signal.getsignal(signal.SIGTERM)
    waker.wake()
    listen(url, name="ear", calls=ear.calls)
    assert worker.count == 1
    assert ear.stopped.is_set()
    assert ear.hears[0] is True
    assert ear.hears[-1] is False
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.usefixtures("in_time")
def test_a_signal_that_came_before_rq_could_hear_it_ends_the_listening(url: str) -> None:
    ear = Ear()
    ear.stopped.set()
    listen(url, name="ear", calls=ear.calls)
    assert ear.hears[-1] is False


@pytest.mark.usefixtures("in_time")
def test_without_redis_the_listening_ends(url: str) -> None:
    ear = Ear()
    listen("unix:///nowhere/redis.sock", name="ear", calls=ear.calls)
    assert ear.hears == [False]
    assert not ear.stopped.is_set()


def test_no_two_processes_have_one_name_even_if_host_and_number_are_the_same() -> None:
    assert len({worker_name() for _ in range(100)}) == 100
