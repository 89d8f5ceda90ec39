"""``workflow-engine run``: what it starts, keeps, starts again, and leaves behind: nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fault.launching import PROCESS, Checkout, Run
from tests.fault.plant import STARTS
from tests.support.until import until

pytestmark = pytest.mark.fault


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Checkout]:
    """One in which nothing ran."""
    made = Checkout(tmp_path / "checkout")
    yield made
    made.close()


def whole(run: Run) -> bool:
    """Say whether everything that work may need is there again."""
    try:
        with run.client() as client:
            database, redis, worker = (
                client.get(f"/api/v1/health/{part}").json()
                for part in ("database", "redis", "worker")
            )
    except (httpx.HTTPError, AssertionError):
        return False
    return database["status"] == redis["status"] == "ok" and worker["workers"] == 1


def test_data_outlives_a_stop_and_no_process_does(checkout: Checkout) -> None:
    first = checkout.runs[0]
    assert "Making a new database" in first.said
    assert f"http://localhost:{checkout.port}" in first.said
    assert "password123" in first.said
    assert checkout.processes() == {}

    second = checkout.fork()
    second.until_ready()
    assert "Making a new database" not in second.said
    with second.client() as client:
        assert client.post("/api/v1/process-definitions", json=PROCESS).status_code == 200
    second.process.terminate()
    assert second.until_ended() == 0, second.said
    assert checkout.processes() == {}


def test_what_dies_is_started_again_and_what_remains_dies_with_the_launcher(
    checkout: Checkout,
) -> None:
    run = checkout.fork()
    run.until_ready()
    ours = {"duties": "app.worker.duties", "worker": "app.worker", "web": "gunicorn"}
    for dying in (ours, {"Redis": "redis-server", "PostgreSQL": "postgres"}):
        for pid in [run.child(word) for word in dying.values()]:
            os.kill(pid, signal.SIGKILL)
        for name in dying:
            run.until_said(f"{name} is started again")
            assert f"{name} died (killed by SIGKILL)" in run.said
    until(lambda: whole(run), seconds=STARTS, every=0.2)

    second = checkout.fork(PORT=str(checkout.port + 1))
    assert second.until_ended() == 1
    assert "already runs in this checkout" in second.said

    run.process.kill()
    run.until_ended()
    until(lambda: not checkout.processes(), seconds=STARTS)
    again = checkout.fork("migrate", "status")
    assert again.until_ended() == 0, again.said


def test_ctrl_c_during_the_set_up_leaves_nothing_half_done(new: Checkout) -> None:
    run = new.start()
    run.until_said("Making a new database")
    assert run.interrupt() == 128 + signal.SIGINT, run.said
    assert new.processes() == {}
    assert not new.data.exists()
    again = new.fork("migrate", "up")
    assert again.until_ended() == 0, again.said
    assert "migrated from nothing" in again.said
    assert new.processes() == {}
