"""Workers that die, wherever it hurts most, and workers that are asked to end."""

from __future__ import annotations

import signal

import pytest

from app.db import faults
from app.runtime import jobs
from app.worker.clock import now
from tests.fault.orders import all_ended, check, start
from tests.fault.plant import Plant
from tests.fault.proof import take_back
from tests.fault.slow_worker import slow_worker

pytestmark = pytest.mark.fault

AT_ONCE = 3
KILLS = (  # the point, how often it is passed before, and how many jobs may die with the worker
    ("after_lease", 0, {AT_ONCE}),
    ("after_connector", 0, set(range(1, AT_ONCE + 1))),
    ("before_commit", 3, set(range(AT_ONCE + 1))),  # of a result, or of another lease
    ("after_commit", 3, set(range(AT_ONCE + 1))),
)


def test_workers_killed_at_every_named_point_lose_nothing_and_repeat_nothing(works: Plant) -> None:
    assert {point for point, _, _ in KILLS} == set(faults.POINTS)
    orders = 0
    for point, passes, lost in KILLS:
        for _ in range(AT_ONCE):
            orders += 1
            start(works, orders)
        works.dies(works.worker, point, passes)
        held = works.rows("select 1 from jobs where state = 'leased'")
        assert take_back(works) == len(held)
        assert len(held) in lost or orders > AT_ONCE, (point, len(held))
    works.worker.start()
    works.until(lambda: all_ended(works, orders))
    outcome = check(works, orders)
    assert outcome.attempts == outcome.jobs + outcome.lost
    assert outcome.lost >= AT_ONCE + 1
    works.worker.signal(signal.SIGTERM)
    assert works.worker.until_dead() == 0


def test_a_worker_that_is_asked_to_end_hands_back_what_it_cannot_finish(works: Plant) -> None:
    instance = start(works)
    slow = slow_worker(works)
    slow.start()
    slow.until_said("slow.called")
    slow.signal(signal.SIGTERM)
    assert slow.until_dead() == 0, slow.said
    (job,) = works.rows("select * from jobs where step = 'mail'")
    assert (job["state"], job["lost"], job["failures"]) == ("due", 0, 0)
    (again,) = jobs.lease(works.db, "another", limit=9, now=now())
    assert (again.instance_id, again.attempt) == (instance, 2)
