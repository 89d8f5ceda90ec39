"""Duties killed at each commit of a round, and two of them at once: everything happens once."""

from __future__ import annotations

import itertools
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from app.runtime import timers
from app.worker.clock import now
from app.worker.duties import DUTIES
from tests.fault import orders
from tests.fault.plant import Plant
from tests.fault.proof import leaders, publish, start, stories

pytestmark = pytest.mark.fault

LONG_AGO = timedelta(days=3)
KINDS = {"timer", "boundary", "beside", "first", "parent", "receiver", "begun", "leap", "lease"}
MOST_COMMITS = 25
"""More than a round with one piece of each kind of work makes."""
TIMER = {"id": "wait", "type": "timer", "config": {"after": "1h"}}


def after(step: str, **more: Any) -> dict[str, Any]:
    return {"on": "timer", "after": "1h", "next": step, **more}


@pytest.fixture
def clocks(parcels: Plant) -> Plant:
    """Everything that a clock or the duties move. Each ends when they have done their part."""
    job = {
        "id": "work",
        "type": "service_task",
        "config": {"service_name": "Parcels", "method": "work", "input": {}},
    }
    wait = {"id": "wait", "type": "user_task", "config": {"assignee": "admin"}, "next": ["end"]}
    end = {"id": "end", "type": "end"}
    publish(parcels, "timer", TIMER)
    publish(parcels, "boundary", {**wait, "boundary": [after("end")]}, end)
    publish(
        parcels,
        "beside",
        {
            **wait,
            "boundary": [after("noted", interrupt=False, repeat=3), after("end", after="12h")],
        },
        {"id": "noted", "type": "script", "config": {"set": {"noted": "${true}"}}, "next": []},
        end,
    )
    gateway = {"events": [after("end"), {"on": "message", "message": "never", "next": "end"}]}
    publish(parcels, "first", {"id": "wait", "type": "event_gateway", "config": gateway}, end)
    call = {"id": "call", "type": "call_activity", "config": {"process_key": "timer", "input": {}}}
    publish(parcels, "parent", call)
    publish(
        parcels,
        "receiver",
        {
            "id": "wait",
            "type": "receive_message",
            "config": {"message": "told", "correlate": "${order}"},
        },
    )
    publish(parcels, "begun", {"id": "end", "type": "end"}, start={"message": "begin"})
    publish(parcels, "leap", {"id": "end", "type": "end"}, start={"cron": "0 6 29 2 *"})
    publish(parcels, "job", job)
    return parcels


def load(works: Plant, order: str) -> None:
    """Put one piece of each kind of work there, all of it due."""
    for key in ("timer", "boundary", "beside", "first", "parent"):
        start(works, key, ago=LONG_AGO, order=order)
    start(works, "receiver", order=order)
    job = start(works, "job", order=order)
    for name in ("told", "begin"):  # as a sender leaves them that dies after its commit
        works.rows(
            "insert into messages (name, key, payload, state, sent_by, created_at, expires_at)"
            " values (%(name)s, %(key)s, %(payload)s, 'kept', 'system', now(),"
            " now() + interval '1 day') returning id",
            name=name,
            key=order,
            payload={"order": order},
        )
    works.rows(
        "update process_definitions set next_start_at = now() - interval '1 minute'"
        " where key = 'leap' returning id"
    )
    works.rows(
        "update jobs set state = 'leased', attempt = 1, leased_by = 'dead',"
        " leased_until = now() - interval '1 minute' where instance_id = %(id)s returning id",
        id=job,
    )


def done(works: Plant, order: str, days: int) -> set[str]:
    """Return which kinds of this work were done.

    Args:
        days: of leap days that there were before.
    """
    rows = works.rows(
        "select d.key from process_instances i join process_definitions d on d.id = i.definition_id"
        " where i.variables ->> 'order' = %(order)s and i.status = 'completed'"
        " and i.parent_id is null"
        " union all select 'lease' from jobs j join process_instances i on i.id = j.instance_id"
        " where i.variables ->> 'order' = %(order)s and j.state = 'due' and j.lost = 1",
        order=order,
    )
    found = [row["key"] for row in rows] + ["leap"] * (leaps(works) - days)
    assert len(found) == len(set(found)), found
    return set(found)


def leaps(works: Plant) -> int:
    """Return how often the process of leap days was started."""
    return len(
        works.rows(
            "select 1 from process_instances i join process_definitions d"
            " on d.id = i.definition_id where d.key = 'leap'"
        )
    )


def dies(works: Plant, point: str, passes: int) -> set[str]:
    """Load work, let duties die over it; return what they had done. The rest is done here."""
    order, days = f"{point} {passes}", leaps(works)
    load(works, order)
    works.dies(works.duties, point, passes)
    found = done(works, order, days)
    for duty in DUTIES:
        duty.run(works.engine, now())
    assert done(works, order, days) == KINDS
    return found


def test_duties_killed_at_any_commit_did_what_was_committed_and_nothing_else(
    clocks: Plant,
) -> None:
    before: list[set[str]] = []
    while not before or before[-1] != KINDS:
        before.append(dies(clocks, "before_commit", len(before)))
        assert len(before) < MOST_COMMITS
    assert before[0] == set()
    assert all(some <= more for some, more in itertools.pairwise(before))
    assert len({len(some) for some in before}) > 6  # each kind has a commit of its own
    mattered = [n for n, some in enumerate(before[1:]) if some != before[n]]
    after = [dies(clocks, "after_commit", passes) for passes in mattered]
    assert after == [before[passes + 1] for passes in mattered]

    clocks.worker.start()
    clocks.until(lambda: not clocks.rows("select 1 from process_instances where status='running'"))
    rounds = len(before) + len(after)
    fired = {"timer": 1, "boundary": 1, "beside": 2, "first": 1, "parent": 0}
    told = stories(clocks)
    for story in told:
        assert story.steps("timer.fired").total() == fired.get(story.key, 0), story
    keys = Counter(story.key for story in told)
    assert keys == {**dict.fromkeys(KINDS - {"lease"}, rounds), "timer": 2 * rounds, "job": rounds}
    assert {(j["attempt"], j["lost"]) for j in clocks.rows("select * from jobs")} == {(2, 1)}


def test_two_that_do_the_duties_and_one_is_killed_fire_each_timer_once(clocks: Plant) -> None:
    """One leads, and dies in the midst of it; one takes over; one believes that it leads."""
    count = 6 * timers.BATCH
    for _ in range(count):
        start(clocks, "timer")
    clocks.duties.start()
    (first,) = clocks.until(lambda: leaders(clocks))
    spare = clocks.program("spare", "app.worker.duties")
    spare.start()
    spare.until_said("duties.started")
    assert leaders(clocks) == [first]
    with ThreadPoolExecutor(1) as pool:
        with clocks.db.engine.begin() as held:
            held.exec_driver_sql("lock table timers")
            held.exec_driver_sql("update timers set due_at = now()")
            clocks.until(lambda: waiting(clocks) == 1)
            clocks.arm("before_commit", 2)
            here = pool.submit(lambda: timers.fire_due(clocks.engine, now=now()))
            clocks.until(lambda: waiting(clocks) == 2)
        assert clocks.duties.until_dead() == -signal.SIGKILL
        clocks.until(lambda: orders.all_ended(clocks, count))
        assert here.result() >= timers.BATCH
    assert spare.runs
    told = stories(clocks)
    assert [story.count("timer.fired", "wait") for story in told] == [1] * count


def waiting(works: Plant) -> int:
    """Return how many wait for the lock."""
    return len(
        works.rows(
            "select 1 from pg_stat_activity where datname = current_database()"
            " and wait_event_type = 'Lock'"
        )
    )
