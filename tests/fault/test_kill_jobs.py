"""A worker killed at every named point of every kind of job: each is done, and applied once."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app.db import faults
from tests.fault import orders
from tests.fault.conftest import SERVICES
from tests.fault.plant import Plant, plant
from tests.fault.proof import publish, start, stories, take_back
from tests.fault.slow_worker import slow_worker
from tests.support.loopback import Remote, json_reply, serving

pytestmark = pytest.mark.fault

ONE = (  # the point, how often it is passed before, and how many jobs die with the worker
    ("after_lease", 0, 1),
    ("after_connector", 0, 1),
    ("before_commit", 1, 1),  # after that of the lease
    ("after_commit", 1, 0),
)
SEVERAL = (  # three jobs in one call, whose results are written one after the other
    ("after_lease", 0, 3),
    ("after_connector", 0, 3),
    ("before_commit", 2, 2),
    ("after_commit", 3, 0),  # the lease, a look for a third one, and what was left
)
CALLS = 3
"""Of each job: all but the worker that dies with the lease alone call the service."""


@pytest.fixture
def remote() -> Iterator[Remote]:
    with serving(json_reply("{}")) as made:
        yield made


@pytest.fixture
def reaching(fresh_url: str) -> Iterator[Plant]:
    """A plant whose steps may reach a web server on this machine; leases as in ``parcels``."""
    env = {"APP_CONNECTORS": str(SERVICES), "APP_WEBHOOK__ALLOW": "127.0.0.1"}
    with plant(fresh_url, lease="10m", env=env) as made:
        yield made


def kinds(port: int) -> list[dict[str, Any]]:
    """Return a step for each kind of job."""
    return [
        {
            "id": "service",
            "type": "service_task",
            "config": {"service_name": "Parcels", "method": "work"},
        },
        {
            "id": "batch",
            "type": "service_task",
            "config": {"service_name": "Parcels", "method": "several"},
            "multi": {"over": "${[1, 2, 3]}", "as": "it"},
        },
        {"id": "stamp", "type": "stamp"},
        {
            "id": "webhook",
            "type": "webhook",
            "config": {"url": f"http://127.0.0.1:{port}/", "method": "POST", "body": {}},
        },
        {
            "id": "queue",
            "type": "message_queue",
            "config": {"queue_name": "parcels", "message": {}},
        },
        {
            "id": "email",
            "type": "email",
            "config": {"to": ["li@example.com"], "subject": "Parcel", "body": "Here."},
        },
    ]


def test_every_kind_of_job_outlives_a_kill_at_every_point(reaching: Plant, remote: Remote) -> None:
    assert [point for point, _, _ in ONE] == list(faults.POINTS)
    steps = kinds(remote.port)
    publish(reaching, "parcel", *steps)
    start(reaching, "parcel")
    for step in steps:
        for point, passes, lost in SEVERAL if "multi" in step else ONE:
            reaching.dies(reaching.worker, point, passes)
            held = reaching.rows("select step from jobs where state = 'leased'")
            assert held == [{"step": step["id"]}] * lost, (step["id"], point)
            assert take_back(reaching) == lost
    assert orders.all_ended(reaching, 1)

    (story,) = stories(reaching)
    counts = {step["id"]: 3 if "multi" in step else 1 for step in steps}
    assert (story.steps("job.completed"), story.late) == (counts, [])
    jobs = reaching.rows("select id, step, attempt, lost from jobs")
    assert sorted(job["lost"] for job in jobs) == [2, *[3] * 7]  # one result was written alone
    assert all(job["attempt"] == job["lost"] + 1 for job in jobs)
    keys = _keys(reaching, remote)
    (mail,) = (str(job["id"]) for job in jobs if job["step"] == "email")
    assert keys.pop("mail") == CALLS
    assert keys.keys() | {mail} == {str(job["id"]) for job in jobs}
    assert set(keys.values()) == {CALLS, CALLS - 1}


def _keys(works: Plant, remote: Remote) -> Counter[str]:
    """Count what the outside world was told, by the key that came with it."""
    keys = Counter(got.headers["idempotency-key"] for got in remote.got)
    for raw in works.redis.client.lrange("parcels", 0, -1):
        keys[json.loads(raw)["headers"]["idempotency-key"]] += 1
    for log in works.folder.glob("worker.*.log"):
        for line in filter(lambda line: line.startswith("{"), log.read_text().splitlines()):
            said = json.loads(line)
            if said.get("event") == "called":
                keys[said["key"]] += 1
            elif said.get("event") == "mail.written_to_log":
                keys["mail"] += 1
    return keys


def test_a_lease_that_runs_out_under_a_hung_worker_is_another_one_s(fresh_url: str) -> None:
    with plant(fresh_url, lease="1s") as works:
        orders.publish(works)
        orders.start(works)
        slow = slow_worker(works)
        slow.start()
        slow.until_said("slow.called")
        slow.signal(signal.SIGSTOP)
        works.duties.start()
        works.until(lambda: works.rows("select 1 from jobs where state = 'due' and lost = 1"))
        works.worker.start()
        works.until(lambda: orders.all_ended(works, 1))
        (works.folder / "go").touch()
        slow.signal(signal.SIGCONT)
        slow.until_said("job.late")
        outcome = orders.check(works, 1)
    assert (outcome.attempts, outcome.lost, outcome.late) == (4, 1, 1)
