"""Leases: one attempt for one worker, and what late, lost and unwanted results do: nothing."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.runtime import jobs
from app.runtime import service as runtime
from app.runtime.jobs import MAX_LOST, Job
from tests.worker.conftest import Shop, service

THREADS = 6


def test_each_job_is_given_to_one_of_many_workers(open_shop: Shop) -> None:
    open_shop.start()
    for _ in range(59):
        open_shop.again()
    together = threading.Barrier(THREADS)

    def work(name: str) -> list[Job]:
        taken: list[Job] = []
        together.wait()
        while more := open_shop.lease(name, limit=4):
            taken += more
        return taken

    with ThreadPoolExecutor(THREADS) as pool:
        taken = [job for some in pool.map(work, "abcdef") for job in some]
    counts = Counter(job.id for job in taken)
    assert (len(counts), set(counts.values())) == (60, {1})
    assert {job.attempt for job in taken} == {1}


def test_results_of_one_attempt_from_many_threads_are_applied_once(open_shop: Shop) -> None:
    instance = open_shop.start(service("one", next_="two"), service("two"))
    job = open_shop.one()
    together = threading.Barrier(THREADS)

    def finish(number: int) -> bool:
        together.wait()
        return open_shop.succeed(job, {"number": number})

    with ThreadPoolExecutor(THREADS) as pool:
        applied = list(pool.map(finish, range(THREADS)))
    assert applied.count(True) == 1
    assert open_shop.instance(instance)["variables"] == {"one": {"number": applied.index(True)}}
    lines = open_shop.lines(instance, "job.completed")
    assert [line.get("ignored") for line in lines].count("late") == THREADS - 1
    assert open_shop.one().step == "two"


def test_the_oldest_due_job_comes_first(shop: Shop) -> None:
    first = shop.start()
    shop.later(seconds=1)
    shop.again()
    (job,) = shop.lease(limit=1)
    assert job.instance_id == first


@pytest.mark.parametrize("how", ["succeeds", "fails"])
def test_an_older_attempt_is_recorded_and_ignored(shop: Shop, how: str) -> None:
    instance = shop.start()
    old = shop.one("dying")
    shop.later(seconds=31)
    assert shop.expire() == 1
    new = shop.one("living")
    before = shop.job(new.id)

    assert not (shop.succeed(old, {"from": "old"}) if how == "succeeds" else shop.fail(old))
    assert shop.job(new.id) == before
    kind = "job.completed" if how == "succeeds" else "job.failed"
    late = shop.lines(instance, kind)[-1]
    assert (late["attempt"], late["ignored"]) == (1, "late")

    assert shop.succeed(new, {"from": "new"})
    assert shop.instance(instance)["variables"] == {"only": {"from": "new"}}
    assert not shop.succeed(new, {"from": "again"})
    assert shop.instance(instance)["variables"] == {"only": {"from": "new"}}


def test_a_lease_that_ran_out_still_counts_until_it_is_taken_back(shop: Shop) -> None:
    instance = shop.start()
    job = shop.one()
    shop.later(hours=1)
    assert shop.succeed(job, {})
    assert shop.expire() == 0
    assert shop.instance(instance)["status"] == "completed"


def test_a_renewed_lease_is_not_taken_back(shop: Shop) -> None:
    shop.start()
    job = shop.one("one")
    shop.later(seconds=25)
    assert jobs.renew(shop.db, "two", [job.id], now=shop.at) == 0
    assert jobs.renew(shop.db, "one", [job.id, 999], now=shop.at) == 1
    shop.later(seconds=30)
    assert shop.expire() == 0
    shop.later(milliseconds=1)
    assert shop.expire() == 1
    assert jobs.renew(shop.db, "one", [job.id], now=shop.at) == 0


def test_lost_workers_use_up_no_attempts_and_the_tenth_is_an_incident(shop: Shop) -> None:
    instance = shop.start(service("only", retry_policy={"max_attempts": 1}))
    for lost in range(1, MAX_LOST + 1):
        assert shop.instance(instance)["incident_count"] == 0
        job = shop.one()
        assert (job.attempt, job.failures) == (lost, 0)
        shop.later(seconds=31)
        assert shop.expire() == 1
    incident = shop.incident(instance)
    assert incident["detail"]["code"] == "worker_lost"
    assert "10 workers died or hung" in incident["message"]
    assert incident["attempts"] == MAX_LOST
    assert shop.job(job.id)["state"] == "failed"
    assert shop.lease() == []
    assert len(shop.lines(instance, "job.failed")) == MAX_LOST + 1


def test_a_lost_job_is_due_again_at_once(shop: Shop) -> None:
    shop.start()
    shop.one()
    shop.later(seconds=31)
    shop.expire()
    assert shop.one().attempt == 2


def test_one_instance_in_trouble_keeps_no_other_s_lease(shop: Shop) -> None:
    broken = shop.start()
    healthy = shop.again()
    taken = {job.instance_id: job for job in shop.lease()}
    shop.rows("update process_instances set state = '{\"v\": 99}' where id = %(id)s returning 1",
              id=broken)  # fmt: skip
    shop.later(seconds=31)
    with pytest.raises(Exception, match="99"):
        shop.expire()
    assert shop.job(taken[broken].id)["state"] == "leased"
    assert shop.job(taken[healthy].id)["state"] == "due"


def test_handing_back_makes_due_what_this_worker_has(shop: Shop) -> None:
    shop.start()
    shop.again()
    (mine,) = shop.lease("me", limit=1)
    (other,) = shop.lease("other", limit=1)
    assert jobs.hand_back(shop.db, "me", [mine.id, other.id], now=shop.at) == 1
    row = shop.job(mine.id)
    assert (row["state"], row["failures"], row["lost"]) == ("due", 0, 0)
    assert not shop.succeed(mine, {})
    assert shop.one().attempt == 2


# --- suspended and ended instances ----------------------------------------------------------


def suspend(shop: Shop, instance: int) -> None:
    runtime.suspend(shop.engine, shop.office["root"], instance, now=shop.at)


def activate(shop: Shop, instance: int) -> None:
    runtime.activate(shop.engine, shop.office["root"], instance, now=shop.at)


def test_jobs_of_a_suspended_instance_are_not_given_out(shop: Shop) -> None:
    instance = shop.start()
    suspend(shop, instance)
    assert shop.lease() == []
    assert not jobs.any_due(shop.db, now=shop.at)
    activate(shop, instance)
    assert shop.one().attempt == 1


def test_a_result_while_suspended_is_kept_and_applied_once_on_activation(shop: Shop) -> None:
    instance = shop.start(service("one", next_="two"), service("two"))
    job = shop.one()
    suspend(shop, instance)
    assert shop.succeed(job, {"n": 1})
    assert not shop.succeed(job, {"n": 2})
    shop.later(hours=1)
    assert (shop.lease(), shop.expire()) == ([], 0)
    assert shop.instance(instance)["variables"] == {}

    activate(shop, instance)
    activate(shop, instance)
    assert shop.instance(instance)["variables"] == {"one": {"n": 1}}
    assert shop.job(job.id)["state"] == "done"
    applied = [line for line in shop.lines(instance, "job.completed") if "ignored" not in line]
    assert len(applied) == 1
    assert shop.one().step == "two"


def test_a_final_failure_while_suspended_is_kept_too(shop: Shop) -> None:
    instance = shop.start()
    job = shop.one()
    suspend(shop, instance)
    assert shop.fail(job, "no_stock", business=True)
    assert shop.instance(instance)["incident_count"] == 0
    activate(shop, instance)
    assert shop.incident(instance)["detail"]["code"] == "no_stock"
    row = shop.job(job.id)
    assert (row["state"], row["failures"]) == ("failed", 1)


def test_a_failed_attempt_while_suspended_is_made_again_after_activation(shop: Shop) -> None:
    instance = shop.start()
    job = shop.one()
    suspend(shop, instance)
    assert shop.fail(job)
    shop.later(minutes=1)
    assert shop.lease() == []
    activate(shop, instance)
    assert shop.lease() == []  # the pause before the next attempt was still to come
    shop.later(minutes=1)
    assert shop.one().attempt == 2


def test_a_tenth_lost_worker_while_suspended_is_told_on_activation(shop: Shop) -> None:
    instance = shop.start()
    for _ in range(MAX_LOST):
        shop.one()
        if shop.rows("select 1 from jobs where lost = %(n)s", n=MAX_LOST - 1):
            suspend(shop, instance)
        shop.later(seconds=31)
        shop.expire()
    assert shop.instance(instance)["incident_count"] == 0
    activate(shop, instance)
    assert shop.incident(instance)["detail"]["code"] == "worker_lost"


def test_a_job_leased_before_a_pause_that_is_over_ends_as_any_other(shop: Shop) -> None:
    instance = shop.start()
    job = shop.one()
    suspend(shop, instance)
    activate(shop, instance)
    assert shop.succeed(job, {"n": 1})
    assert shop.instance(instance)["status"] == "completed"


@pytest.mark.parametrize("suspended", [False, True])
def test_a_result_for_a_terminated_instance_is_recorded_and_ignored(
    shop: Shop, suspended: bool
) -> None:
    instance = shop.start()
    job = shop.one()
    if suspended:
        suspend(shop, instance)
    runtime.terminate(shop.engine, shop.office["root"], instance, now=shop.at)
    assert shop.job(job.id)["state"] == "cancelled"
    assert not shop.succeed(job, {"n": 1})
    row = shop.instance(instance)
    assert (row["status"], row["variables"]) == ("terminated", {})
    assert shop.lines(instance, "job.completed")[0]["ignored"] == "late"
    shop.later(hours=1)
    assert (shop.expire(), shop.lease()) == (0, [])


def test_a_kept_result_of_an_instance_that_is_terminated_stays_unused(shop: Shop) -> None:
    instance = shop.start()
    job = shop.one()
    suspend(shop, instance)
    shop.succeed(job, {"n": 1})
    runtime.terminate(shop.engine, shop.office["root"], instance, now=shop.at)
    assert shop.job(job.id)["state"] == "cancelled"
    assert shop.instance(instance)["variables"] == {}
