"""The one way an instance moves: from one wait to the next, in one transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.connector.base import BusinessError, ConnectorError
from app.core.events import TaskCompleted
from app.errors import NotFound
from app.runtime import step
from app.runtime.plan import INLINE_LIMIT
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.scenario import end, gateway, person, service

CHAIN = (
    person("first", "double", assignee="finance_team", form={"amount": "number"}),
    service("double", "route", service_name="Math", method="double"),
    gateway("route", ("${amount > 100}", "big"), default="small"),
    person("big", assignee="li"),
    person("small", assignee="li"),
)


@pytest.fixture
def chain(lab: Lab) -> Lab:
    """A process of people, an inline service and a gateway."""
    return chained(lab)


def chained(lab: Lab) -> Lab:
    lab.services.register_inline("Math", "double", lambda given: {"amount": given["amount"] * 2})
    lab.define(*CHAIN, variables={"amount": "number"})
    return lab


def test_one_event_passes_every_step_up_to_the_next_wait(chain: Lab) -> None:
    instance = chain.start()
    before = len(stored.lines(chain.db, instance))
    done = chain.complete(instance, "first", amount=Decimal("60.5"))
    assert [(each["step"]["id"], each["assignee"]) for each in done.next] == [("big", "li")]
    assert done.instance.variables["amount"] == Decimal("121.0")
    happened = stored.lines(chain.db, instance)[before:]
    assert [line for line in happened if line[0] != "variables.changed"] == [
        ("task.claimed", "first"),
        ("task.completed", "first"),
        ("step.left", "first"),
        ("step.entered", "double"),
        ("job.started", "double"),
        ("job.completed", "double"),
        ("step.left", "double"),
        ("step.entered", "route"),
        ("step.left", "route"),
        ("step.entered", "big"),
        ("task.opened", "big"),
    ]
    stored.agrees(chain.db, instance)


def test_what_follows_from_one_event_is_one_row_of_the_history(chain: Lab) -> None:
    instance = chain.start()
    chain.complete(instance, "first", amount=1)
    found = stored.rows(
        chain.db,
        "select kind, json_array_length(data -> 'events') as events from history_events"
        " where instance_id = %(id)s order by seq",
        id=instance,
    )
    assert [(each["kind"], each["events"]) for each in found] == [
        ("instance.started", 1),
        ("task.claimed", 0),
        ("task.completed", 2),  # the completion, and the answer of the inline service
    ]


def test_all_rows_of_a_move_are_written_by_one_transaction(real_lab: Lab) -> None:
    lab = chained(real_lab)
    instance = lab.start()
    lab.complete(instance, "first", amount=1)
    written = stored.rows(
        lab.db,
        "select xmin::text as tx from process_instances where id = %(id)s"
        " union all select xmin::text from tasks where instance_id = %(id)s"
        " union all (select xmin::text from history_events where instance_id = %(id)s"
        "             order by seq desc limit 2)",
        id=instance,
    )
    assert len(written) == 5
    assert len({each["tx"] for each in written}) == 1


def test_an_inline_service_makes_no_job_and_wakes_nobody(chain: Lab) -> None:
    instance = chain.start()
    chain.complete(instance, "first", amount=1)
    assert stored.rows(chain.db, "select 1 as one from jobs") == []
    assert chain.waker.count == 0


def test_a_service_that_is_not_inline_becomes_a_job_and_wakes_the_workers(lab: Lab) -> None:
    lab.services.register("Mail", "send", lambda given, context: None)
    lab.define(service("mail", input={"text": "Hello ${name}"}))
    instance = lab.start(name="Ada")
    job = stored.row(lab.db, "select * from jobs where instance_id = %(id)s", id=instance)
    assert (job["state"], job["due_at"], job["input"]) == ("due", lab.at, {"text": "Hello Ada"})
    assert lab.waker.count == 1
    stored.agrees(lab.db, instance)


@pytest.mark.parametrize("again", ["the same", "another value"])
def test_an_event_whose_wait_is_over_changes_no_byte(chain: Lab, again: str) -> None:
    instance = chain.start()
    (token,) = stored.state_of(chain.db, instance).tokens
    assert token.wait is not None
    chain.complete(instance, "first", amount=1)
    event = TaskCompleted(
        at=chain.later(minutes=1),
        by="mei",
        wait=token.wait.id,
        values={"amount": 1 if again == "the same" else 2},
    )
    before = stored.everything(chain.db)
    with chain.db.transaction() as tx:
        moved = step.move(chain.engine, tx, instance, event, actor=chain.office["mei"])
    assert moved.ignored == "nothing waits for this any more"
    assert stored.everything(chain.db) == before


def test_deciding_that_nothing_happened_changes_no_byte(chain: Lab) -> None:
    instance = chain.start()
    before = stored.everything(chain.db)
    with chain.db.transaction() as tx:
        moved = step.move(chain.engine, tx, instance, lambda _: None, actor=chain.office["mei"])
    assert moved.ignored == "nothing to do"
    assert stored.everything(chain.db) == before


def test_an_instance_that_is_not_there_cannot_be_moved(chain: Lab) -> None:
    with chain.db.transaction() as tx, pytest.raises(NotFound):
        step.lock(chain.engine, tx, 4711)


# --- inline services that go wrong ----------------------------------------------------


def raising(error: Exception) -> Any:
    def handler(given: Any) -> Any:
        raise error

    return handler


class Odd:
    """No JSON value."""


@pytest.mark.parametrize(
    ("handler", "kind", "code"),
    [
        (raising(BusinessError("refused", "No.")), "job_failed", "refused"),
        (raising(ConnectorError("away", "Not now.")), "job_failed", "away"),
        (raising(ZeroDivisionError("x" * 5000)), "job_failed", "error"),
        (lambda given: Odd(), "job_failed", "bad_result"),
        (lambda given: "half a \ud800", "job_failed", "bad_result"),
    ],
)
def test_an_inline_service_that_fails_is_an_incident(
    lab: Lab, handler: Any, kind: str, code: str
) -> None:
    lab.services.register_inline("Mail", "send", handler)
    lab.define(service("mail"))
    instance = lab.start()
    found = stored.row(lab.db, "select * from incidents where instance_id = %(id)s", id=instance)
    assert (found["step"], found["kind"], found["detail"]["code"]) == ("mail", kind, code)
    assert len(found["message"]) <= 2_100
    stored.agrees(lab.db, instance)


def test_an_inline_failure_goes_where_on_error_says(lab: Lab) -> None:
    lab.services.register_inline("Mail", "send", raising(BusinessError("refused", "No.")))
    lab.define(service("mail", on_error="help"), person("help", assignee="li"))
    instance = lab.start()
    assert stored.state_of(lab.db, instance).variables["error"]["code"] == "refused"
    assert [token.step for token in stored.agrees(lab.db, instance).tokens] == ["help"]


def test_a_service_that_nobody_provides_is_an_incident_that_says_so(lab: Lab) -> None:
    lab.define(service("mail"))
    instance = lab.start()
    found = stored.row(lab.db, "select * from incidents where instance_id = %(id)s", id=instance)
    assert found["kind"] == "unknown_service"
    assert "Mail.send" in found["message"]
    assert lab.waker.count == 0
    stored.agrees(lab.db, instance)


def test_a_circle_of_inline_services_ends_in_a_job_instead_of_holding_the_lock(lab: Lab) -> None:
    calls = []
    lab.services.register_inline("Mail", "send", lambda given: calls.append(1))
    lab.define(
        service("one", "two"),
        service("two", {"step": "out", "when": "stop == true"}, "one"),
        end("out"),
        settings={"max_visits": 5_000},
        key="circle",
    )
    instance = lab.start("circle")
    assert len(calls) == INLINE_LIMIT
    job = stored.row(lab.db, "select state from jobs where instance_id = %(id)s", id=instance)
    assert job["state"] == "due"
    assert lab.waker.count == 1


# --- who gets a task ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "assignee", "candidates"),
    [
        ({"assignee": "li"}, "li", []),
        ({"assignee": "finance_team"}, None, ["g:finance_team"]),
        ({"assignee": "role:manager"}, None, ["r:manager"]),
        ({"assignee": "${initiator.username}"}, "zhao", []),
        (
            {"candidate_users": ["mei", "wang"], "candidate_groups": ["sales"]},
            None,
            ["u:mei", "u:wang", "g:sales"],
        ),
    ],
)
def test_people_are_looked_up_when_the_task_opens(
    lab: Lab, config: dict[str, Any], assignee: str | None, candidates: list[str]
) -> None:
    lab.define(person("work", **config))
    instance = lab.start()
    found = stored.row(lab.db, "select * from tasks where instance_id = %(id)s", id=instance)
    assert found["assignee"] == assignee
    assert found["candidates"] == candidates
    assert found["state"] == ("claimed" if assignee else "open")


@pytest.mark.parametrize(
    ("settings", "given"),
    [({}, ["r:admin"]), ({"owners": ["li"]}, ["u:li"]), ({"owners": ["nobody"]}, ["r:admin"])],
)
def test_a_task_for_nobody_goes_to_the_owners_and_the_history_says_so(
    lab: Lab, settings: dict[str, Any], given: list[str]
) -> None:
    lab.define(person("work", assignee="someone_who_left"), settings=settings)
    instance = lab.start()
    found = stored.row(lab.db, "select * from tasks where instance_id = %(id)s", id=instance)
    assert (found["assignee"], found["candidates"]) == (None, given)
    assert ("decision.automatic", "work") in stored.lines(lab.db, instance)
