"""Web killed under workers elsewhere and senders of messages: a repeat is safe, a late one told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fault import orders
from tests.fault.plant import Plant
from tests.fault.proof import publish, start, stories, take_back

pytestmark = pytest.mark.fault

POINTS = ("before_commit", "after_commit")
MOST_COMMITS = 8
"""Of one request."""
FETCH = "/external-tasks/fetch-and-lock"
Body = dict[str, Any]


class Caller:
    """Sends requests; some get no answer."""

    def __init__(self, works: Plant, client: httpx.Client) -> None:
        self._works = works
        self._client = client

    def once(self, path: str, body: Body, key: str = "") -> httpx.Response | None:
        """Send a request; None if its process died, or the first with its key is still at work."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._client.post(f"/api/v1{path}", json=body, headers=headers)
        except httpx.TransportError:
            return None
        at_work = answer.status_code == 409 and answer.json()["code"] == "in_progress"
        return None if at_work else answer

    def again(self, path: str, body: Body, key: str = "") -> httpx.Response:
        """Send it until there is an answer."""
        answer: httpx.Response = self._works.until(lambda: self.once(path, body, key))
        return answer

    def fetch(self, worker: str) -> list[int]:
        """Fetch as a worker elsewhere; return the tasks' ids."""
        answer = self.again(FETCH, {"worker_id": worker, "topics": ["pack"]})
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["items"]]

    def died(self, point: str, passes: int, path: str, body: Body, key: str = "") -> bool:
        """Send a request that dies at a commit; False: it has no so many, and was answered."""
        self._works.arm(point, passes)
        answer = self.once(path, body, key)
        if answer is None:
            assert not self._works.fault.exists()
            return True
        self._works.fault.unlink()
        assert answer.status_code < 400, answer.text
        return False


@pytest.fixture
def caller(parcels: Plant) -> Iterator[Caller]:
    """Signed in as admin; web runs."""
    parcels.web.start()
    parcels.until_ready()
    with parcels.client(Authorization=f"Bearer {parcels.token()}") as client:
        yield Caller(parcels, client)


def job(works: Plant, instance: int) -> dict[str, Any]:
    """Return the only job of an instance."""
    (row,) = works.rows("select * from jobs where instance_id = %(id)s", id=instance)
    return row


def given(worker: str) -> Body:
    """Return what a worker elsewhere completes its task with."""
    return {"worker_id": worker, "result": {"by": worker}}


def test_work_elsewhere_is_applied_once_whichever_commit_of_a_request_web_dies_at(
    parcels: Plant, caller: Caller
) -> None:
    config = {"topic": "pack", "input": {}, "output": {"by": "${result.by}"}}
    publish(parcels, "outside", {"id": "pack", "type": "external_task", "config": config})

    states = []
    fetch = {"worker_id": "first", "topics": ["pack"]}
    for point in POINTS:
        for passes in range(MOST_COMMITS):
            instance = start(parcels, "outside")
            died = caller.died(point, passes, FETCH, fetch)
            task = job(parcels, instance)
            states.append((point, died, task["state"]))
            path = f"/external-tasks/{task['id']}/complete"
            if task["state"] == "leased":  # and its answer was lost: until the lock ends, nobody's
                assert caller.fetch("second") == []
                assert take_back(parcels) == 1
            assert caller.fetch("second") == [task["id"]]
            late = caller.again(path, given("first"))
            assert (late.status_code, late.json()["code"]) == (409, "lock_lost")
            done = caller.again(path, given("second"))
            assert done.status_code == 204
            if not died:
                break
    lost = ("after_commit", True, "leased")
    assert lost in states
    assert {("before_commit", True, "due"), ("after_commit", False, "leased")} <= set(states)
    assert not any(died and state != "due" for point, died, state in states if point == POINTS[0])

    for point in POINTS:
        for passes in range(MOST_COMMITS):
            for patient in (True, False):
                instance = start(parcels, "outside")
                task = job(parcels, instance)
                path, key = f"/external-tasks/{task['id']}/complete", f"done-{instance}"
                assert caller.fetch("first") == [task["id"]]
                died = caller.died(point, passes, path, given("first"), key)
                applied = job(parcels, instance)["state"] == "done"
                by = "first"
                if not patient and not applied:  # its lock ends before it asks again
                    assert take_back(parcels) == 1
                    assert caller.fetch("second") == [task["id"]]
                    second = caller.again(path, given("second"))
                    assert second.status_code == 204
                    by = "second"
                repeat = caller.again(path, given("first"), key)
                assert repeat.status_code == (204 if by == "first" else 409), repeat.text
                assert ("Idempotent-Replayed" in repeat.headers) == applied
                anew = caller.again(path, given("first"))
                assert (anew.status_code, anew.json()["code"]) == (409, "lock_lost")
                row = parcels.rows(
                    "select variables from process_instances where id = %(id)s", id=instance
                )
                assert row == [{"variables": {"by": by}}]
            if not died:
                break
        assert applied
    told = stories(parcels)
    assert [story.count("job.completed", "pack") for story in told] == [1] * len(told)


def test_a_message_sent_over_rest_is_taken_once_whichever_commit_web_dies_at(
    parcels: Plant, caller: Caller
) -> None:
    wait = {"message": "parcel", "correlate": "${order}"}
    publish(parcels, "receiver", {"id": "wait", "type": "receive_message", "config": wait})
    replayed = []
    for point in POINTS:
        for passes in range(MOST_COMMITS):
            key = f"{point}-{passes}"
            instance = start(parcels, "receiver", order=key)
            body = {"name": "parcel", "correlation_key": key}
            died = caller.died(point, passes, "/messages", body, key)
            answer = caller.again("/messages", body, key)
            assert (answer.status_code, answer.json()["instance_id"]) == (200, instance)
            replayed.append((point, died, "Idempotent-Replayed" in answer.headers))
            if not died:
                break
    assert orders.all_ended(parcels, len(replayed))
    assert {("before_commit", True, False), ("after_commit", True, True)} <= set(replayed)
    assert ("before_commit", True, True) not in replayed
    told = stories(parcels)
    assert [story.count("message.received", "wait") for story in told] == [1] * len(replayed)
    assert len(parcels.rows("select 1 from messages")) == len(replayed)
