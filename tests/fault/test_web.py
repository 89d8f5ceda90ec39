"""Web processes that die within a request: all of it happened or nothing, and a repeat is safe."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.fault.orders import publish
from tests.fault.plant import STARTS, Plant, plant
from tests.support import servers

pytestmark = pytest.mark.fault

START = {"process_definition_key": "test_order", "variables": {"order_id": "O-1", "amount": 1}}
MOST_COMMITS = 8
Served = tuple[Plant, str]


@pytest.fixture(scope="module")
def kept() -> Iterator[Served]:
    """Web on a database of the module's own, and a token of admin's."""
    name = f"fault_web_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.drop_database(name)
    with plant(servers.create_database(name)) as works:
        publish(works)
        works.web.start()
        works.until_ready()
        yield works, works.token()
    servers.drop_database(name)


@pytest.fixture
def served(kept: Served) -> Served:
    """The same, running."""
    works, _ = kept
    if not works.web.runs:
        works.web.start()
        works.until_ready()
    return kept


def test_a_request_whose_process_is_killed_at_its_commit_can_be_repeated(served: Served) -> None:
    works, token = served
    for point in ("before_commit", "after_commit"):
        replayed = []
        for passes in range(MOST_COMMITS):
            before = _count(works)
            works.arm(point, passes)
            first = _start(works, token, f"{point}-{passes}")
            after = _count(works)
            if first is not None:
                works.fault.unlink()
                assert after == before + 1
                break
            answer = _repeated(works, token, f"{point}-{passes}")
            assert answer.status_code == 201, answer.text
            assert _count(works) == before + 1
            replayed.append("Idempotent-Replayed" in answer.headers)
            assert replayed[-1] == (after > before)
        else:
            raise AssertionError(f"a start has more than {MOST_COMMITS} commits?")
        assert replayed[-1] == (point == "after_commit")  # the last commit is that of the work


def test_all_web_processes_killed_within_a_request(served: Served) -> None:
    works, token = served
    before = _count(works)
    with works.db.engine.begin() as locked:  # the request waits where the answer is kept
        locked.exec_driver_sql("lock table idempotency_keys in exclusive mode")
        with works.client() as client, pytest.raises(httpx.HTTPError):
            _post(client, token, "all", timeout=1)
        works.until(lambda: _waits_for_lock(works))
        works.web.kill()
    works.until(lambda: not _waits_for_lock(works))
    assert _count(works) == before

    works.web.start()
    works.until_ready()
    answer = _repeated(works, token, "all")
    assert answer.status_code == 201
    again = _repeated(works, token, "all")
    assert again.json() == answer.json()
    assert "Idempotent-Replayed" in again.headers
    assert _count(works) == before + 1


def test_web_that_is_asked_to_end_answers_what_it_has_begun(served: Served) -> None:
    works, token = served
    before = _count(works)
    with ThreadPoolExecutor(1) as pool:
        with works.db.engine.begin() as locked:
            locked.exec_driver_sql("lock table idempotency_keys in exclusive mode")
            answer = pool.submit(_repeated, works, token, "end")
            works.until(lambda: _waits_for_lock(works))
            works.web.signal(signal.SIGTERM)
            works.until(lambda: _begun_to_end(works))
        assert answer.result(STARTS).status_code == 201
    assert works.web.until_dead() == 0
    assert _count(works) == before + 1


def _post(client: httpx.Client, token: str, key: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return client.post("/api/v1/process-instances", json=START, headers=headers, **more)


def _start(works: Plant, token: str, key: str) -> httpx.Response | None:
    """Start an order; None if there was no answer, or the first request is still at work."""
    try:
        with works.client() as client:
            answer = _post(client, token, key)
    except httpx.TransportError:
        return None
    return None if answer.status_code == 409 else answer


def _repeated(works: Plant, token: str, key: str) -> httpx.Response:
    """Start an order again until there is an answer."""
    answer: httpx.Response = works.until(lambda: _start(works, token, key))
    return answer


def _count(works: Plant) -> int:
    return len(works.rows("select 1 from process_instances"))


def _waits_for_lock(works: Plant) -> bool:
    return bool(
        works.rows(
            "select 1 from pg_stat_activity where datname = current_database()"
            " and wait_event_type = 'Lock'"
        )
    )


def _begun_to_end(works: Plant) -> bool:
    """Say whether web takes no new request."""
    with suppress(httpx.TransportError), works.client() as client:
        return client.get("/health", timeout=0.3).status_code != 200
    return True
