"""The same request many times at the same moment, as an impatient client sends it."""

from __future__ import annotations

import pytest

from app.db.tx import Database
from tests.support import stored
from tests.support.office import Office, make_office
from tests.support.rest import Rest
from tests.support.threads import at_once

TIMES = 10


@pytest.fixture
def office(committed: Database) -> Office:
    """Really committed: each request has a connection of its own."""
    return make_office(committed)


def test_ten_starts_with_one_key_at_once_are_one_instance(rest: Rest) -> None:
    rest.token("zhao")
    sent = {"process_definition_key": "request", "variables": {"amount": 5}}

    def start() -> tuple[int, str | None, int | None]:
        reply = rest("zhao", "POST", "/process-instances", sent, headers={"Idempotency-Key": "k"})
        replayed = "Idempotent-Replayed" in reply.headers
        if reply.status == 201:
            return 201, "again" if replayed else "first", reply.body["id"]
        return reply.status, reply.body["code"], None

    answers = at_once([start] * TIMES)
    made = stored.row(rest.office.db, "select id from process_instances")["id"]
    assert answers.count((201, "first", made)) == 1
    assert set(answers) <= {(201, "first", made), (201, "again", made), (409, "in_progress", None)}
    assert start() == (201, "again", made)


def test_ten_completions_with_one_key_at_once_complete_once(rest: Rest) -> None:
    task = rest.office.open_task()
    rest.token("mei")
    sent = {"variables": {"approved": True}}

    def complete() -> tuple[int, str | None]:
        path = f"/tasks/{task}/complete"
        reply = rest("mei", "PUT", path, sent, headers={"Idempotency-Key": "k"})
        return reply.status, reply.body.get("code")

    answers = at_once([complete] * TIMES)
    assert (200, None) in answers
    assert set(answers) <= {(200, None), (409, "in_progress")}
    assert complete() == (200, None)
    assert len(stored.rows(rest.office.db, "select id from tasks where state = 'completed'")) == 1
    assert len(stored.rows(rest.office.db, "select id from tasks")) == 2


@pytest.mark.parametrize("verb", ["suspend", "terminate"])
def test_completing_while_it_is_stopped_is_one_or_the_other(rest: Rest, verb: str) -> None:
    task = rest.office.open_task()
    instance = stored.row(rest.office.db, "select instance_id as id from tasks")["id"]
    for who in ("mei", "li"):
        rest.token(who)
    steer = ("DELETE", "") if verb == "terminate" else ("PUT", "/suspend")
    completed, stopped = at_once(
        [
            lambda: rest(
                "mei", "PUT", f"/tasks/{task}/complete", {"variables": {"approved": True}}
            ),
            lambda: rest("li", steer[0], f"/process-instances/{instance}{steer[1]}"),
        ]
    )
    assert stopped.ok()["status"] == ("terminated" if verb == "terminate" else "suspended")
    if completed.status != 200:
        code = "task_cancelled" if verb == "terminate" else "instance_suspended"
        completed.refused(409, code)
    stored.agrees(rest.office.db, instance)
