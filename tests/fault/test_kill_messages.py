"""Senders and receivers killed around every commit: a message reaches one receiver, once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from app.identity.actor import SYSTEM
from app.runtime import messages
from app.worker.clock import now
from tests.fault import orders
from tests.fault.plant import Plant
from tests.fault.proof import publish, start, stories, take_back

pytestmark = pytest.mark.fault

POINTS = ("before_commit", "after_commit")
SENDING = range(1, 6)
"""Commits of a worker after the lease: the result, with two messages; what is to be delivered,
looked up; each of the two; what the sender itself awaits."""
WAITING = range(1, 4)
"""The same of one whose instance begins to wait for what is there already."""


def job(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "service_task",
        "config": {"service_name": "Parcels", "method": "work", "input": {}},
    }


def send(name: str, message: str) -> dict[str, Any]:
    config = {"message": message, "correlate": "${order}", "payload": {"order": "${order}"}}
    return {"id": name, "type": "send_message", "config": config}


def receive(name: str) -> dict[str, Any]:
    config = {"message": name, "correlate": "${order}"}
    return {"id": name, "type": "receive_message", "config": config}


@pytest.fixture
def post(parcels: Plant) -> Plant:
    """A sender, who it reaches, whom it starts, and one who is late to wait."""
    publish(parcels, "sender", job("begin"), send("tell", "parcel"), send("order", "ordered"))
    publish(parcels, "receiver", receive("parcel"))
    publish(parcels, "begun", job("work"), start={"message": "ordered"})
    publish(parcels, "late", job("begin"), receive("told"))
    return parcels


def kept(post: Plant, order: str) -> list[str]:
    """Return the names of the messages about an order that are not delivered, in order."""
    rows = post.rows(
        "select name from messages where key = %(key)s and state = 'kept' order by id", key=order
    )
    return [row["name"] for row in rows]


def killed(post: Plant, point: str, passes: int) -> None:
    """Let a worker die; what it had becomes due, what others wait for it is left over."""
    post.dies(post.worker, point, passes)
    take_back(post)
    # The next worker is to have the next pair alone.
    post.rows("update jobs set paused = true where state = 'due' returning 1")


def test_a_message_reaches_one_receiver_once_whichever_commit_a_worker_dies_at(
    post: Plant,
) -> None:
    left = []
    pairs = [(point, passes) for point in POINTS for passes in SENDING]
    for number, (point, passes) in enumerate(pairs):
        order = f"S-{number}"
        start(post, "receiver", order=order)
        start(post, "sender", order=order)
        killed(post, point, passes)
        left.append(kept(post, order))
    both, one, none = ["parcel", "ordered"], ["ordered"], list[str]()
    assert left == [none, both, both, one, none, both, both, one, none, none]

    waits = [(point, passes) for point in POINTS for passes in WAITING]
    left = []
    for number, (point, passes) in enumerate(waits):
        order = f"W-{number}"
        messages.send(post.engine, SYSTEM, "told", order, {}, now=now())
        start(post, "late", order=order)
        killed(post, point, passes)
        left.append(kept(post, order))
    told = ["told"]
    assert left == [told, told, told, told, told, none]

    # The duties deliver what is left over. They die as well, before and after a delivery.
    post.rows("update jobs set paused = false where paused returning 1")
    passes = 0
    while len(post.rows("select 1 from messages where state = 'kept'")) > 1:  # one is not awaited
        for point in POINTS:
            post.dies(post.duties, point, passes)
        passes += 1
        assert passes < len(left) + len(pairs)
    assert passes > 2
    post.worker.start()
    count = 3 * len(pairs) + len(waits)
    post.until(lambda: orders.all_ended(post, count))

    told_by = stories(post)
    assert len(told_by) == count
    waited = {"receiver": ["parcel"], "late": ["told"]}
    for story in told_by:
        assert story.steps("message.received") == Counter(waited.get(story.key, []))
    rows = post.rows("select receiver_id, name, count(*) as n from messages group by 1, 2")
    assert all(row["receiver_id"] and row["n"] == 1 for row in rows)
    assert len(rows) == 2 * len(pairs) + len(waits)
