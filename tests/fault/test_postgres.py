"""PostgreSQL killed under everything: 503 meanwhile, then work goes on by itself."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.fault.orders import all_ended, check, publish, start
from tests.fault.plant import Plant, Postgres, Program, folder
from tests.fault.slow_worker import slow_worker

pytestmark = pytest.mark.fault

START = {"process_definition_key": "test_order", "variables": {"order_id": "O-1", "amount": 1}}


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with folder() as path:
        path.chmod(0o755)
        server = Postgres(path)
        try:
            server.begin()
            yield server
        finally:
            server.close()


@pytest.fixture
def works(postgres: Postgres) -> Iterator[Plant]:
    with folder() as path:
        made = Plant(path, postgres.url, lease="30s")  # longer than that is away
        try:
            made.prepare()
            publish(made)
            yield made
        finally:
            made.close()


def test_everything_waits_for_postgresql_and_goes_on(works: Plant, postgres: Postgres) -> None:
    go = works.folder / "go"
    slow = slow_worker(works)
    running: list[Program] = [works.web, works.duties, slow]
    for program in running:
        program.start()
    works.until_ready()
    pids = [program.pid for program in running]
    token = works.token()
    start(works)
    slow.until_said("slow.called")

    with works.client(Authorization=f"Bearer {token}") as client:
        _sign_in(client)
        postgres.kill()
        for path in ("/health/ready", "/api/v1/process-instances"):
            _is_away(client.get(path))
        key = {"Idempotency-Key": "order"}
        _is_away(client.post("/api/v1/process-instances", json=START, headers=key))
        page = client.get("/inbox", headers={"Accept": "text/html", "Accept-Language": "zh"})
        _is_away(page)
        assert 'lang="zh-Hans"' in page.text
        go.touch()
        slow.until_said("job.not_written_yet")

        postgres.begin()
        works.until(lambda: client.get("/health/ready").json()["status"] == "ok")
        begun = client.post("/api/v1/process-instances", json=START, headers=key)
        assert begun.status_code == 201, begun.text
    works.until(lambda: all_ended(works, 2))
    assert [program.pid for program in running] == pids
    outcome = check(works, 2)
    assert (outcome.attempts, outcome.lost) == (6, 0)
    slow.signal(signal.SIGTERM)
    assert slow.until_dead() == 0
    works.duties.signal(signal.SIGTERM)
    assert works.duties.until_dead() == 0


def _sign_in(client: httpx.Client) -> None:
    """Sign in on the page as admin; the client keeps the cookie."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    form = {"csrf_token": token[1], "username": "admin", "password": "password123"}
    assert client.post("/sign-in", data=form).status_code == 303
    assert client.get("/inbox").status_code == 200


def _is_away(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
