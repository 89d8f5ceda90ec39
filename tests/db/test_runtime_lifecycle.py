"""Suspend, activate, terminate, correct and repair: what it does, who may, what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.history import queries as history
from app.identity.sensitive import masked_detail
from app.runtime import details, figures, jobs, queries
from app.runtime import service as runtime
from app.runtime.failures import Failure
from app.task import queries as task_queries
from app.task import service as tasks
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW
from tests.support.scenario import end, gateway, person, service

HOUR = timedelta(hours=1)
LONG = {"backoff": "fixed", "initial": "30m", "max_interval": "1h", "jitter": False}


@pytest.fixture
def desk(lab: Lab) -> Lab:
    """The office's request with a task that is due in two hours, and a service of its own."""
    lab.services.register("Mail", "send", lambda given, context: None)
    return lab


def column(lab: Lab, name: str, instance: int, table: str = "tasks") -> Any:
    return stored.row(
        lab.db, f"select {name} as it from {table} where instance_id = %(id)s", id=instance
    )["it"]


def last(lab: Lab, instance: int) -> dict[str, Any]:
    return history.events(lab.db, lab.office["root"], instance)[-1]


# --- suspend and activate -------------------------------------------------------------


def test_suspending_stops_everything_where_it_stands_and_keeps_the_reason(desk: Lab) -> None:
    instance = desk.start("request", salary=5)
    row = desk.operate("suspend", instance, by="li", reason="  audit  ")
    assert row.status == "suspended"
    line = last(desk, instance)
    assert (line["kind"], line["actor"], line["data"]) == (
        "instance.suspended",
        "li",
        {"reason": "audit"},
    )
    assert column(desk, "state", instance) == "open"
    stored.agrees(desk.db, instance)


@pytest.mark.parametrize("verb", ["claim", "release", "complete", "save_draft"])
def test_tasks_of_a_suspended_instance_can_be_read_and_nothing_else(desk: Lab, verb: str) -> None:
    instance = desk.start("request")
    task_id = desk.task(instance, "approve")
    if verb == "release":
        tasks.claim(desk.engine, desk.office["mei"], task_id, now=desk.at)
    desk.operate("suspend", instance)
    values = {"complete": ({"approved": True},), "save_draft": ({"comments": "x"},)}.get(verb, ())
    refusal = desk.refused(
        Conflict,
        lambda: getattr(tasks, verb)(
            desk.engine, desk.office["mei"], task_id, *values, now=desk.at
        ),
    )
    assert refusal.code == "instance_suspended"
    seen = task_queries.get(desk.db, desk.office["mei"], task_id, now=desk.at)
    assert seen["allowed"] == []


def test_a_due_date_stands_while_suspended_and_has_the_same_time_left_afterwards(
    desk: Lab,
) -> None:
    instance = desk.start("request")
    task_id = desk.task(instance, "approve")
    assert column(desk, "due_at", instance) == NOW + 2 * HOUR
    desk.later(hours=1.5)
    desk.operate("suspend", instance)
    desk.later(hours=10)

    def overdue() -> tuple[bool, bool, int]:
        seen = task_queries.get(desk.db, desk.office["mei"], task_id, now=desk.at)
        body = queries.get(desk.db, desk.office["root"], instance, now=desk.at)
        counted = figures.figures(desk.db, now=desk.at)
        return seen["overdue"], body["tasks"][0]["overdue"], counted.tasks_overdue

    assert overdue() == (False, False, 0)
    desk.operate("activate", instance)
    assert column(desk, "due_at", instance) == desk.at + 0.5 * HOUR
    assert (
        column(
            desk,
            "suspended_at",
            instance,
            "tasks t join process_instances i on i.id = t.instance_id",
        )
        is None
    )
    desk.later(minutes=29)
    assert overdue() == (False, False, 0)
    desk.later(minutes=2)
    assert overdue() == (True, True, 1)


def test_what_was_overdue_stays_overdue_by_as_much(desk: Lab) -> None:
    instance = desk.start("request")
    desk.later(hours=3)
    desk.operate("suspend", instance)
    assert figures.figures(desk.db, now=desk.later(hours=5)).tasks_overdue == 1
    desk.operate("activate", instance)
    assert column(desk, "due_at", instance) == desk.at - HOUR


def test_a_second_pause_is_given_back_too(desk: Lab) -> None:
    instance = desk.start("request")
    for _ in range(2):
        desk.later(minutes=30)
        desk.operate("suspend", instance)
        desk.later(hours=4)
        desk.operate("activate", instance)
    assert column(desk, "due_at", instance) == desk.at + HOUR


def test_the_pause_before_the_next_attempt_stands_as_well(desk: Lab) -> None:
    desk.define(service("mail", retry_policy=LONG))
    instance = desk.start()
    jobs.fail(desk.engine, desk.job(), Failure("away", "Later."), now=desk.at, spread=0)
    desk.later(minutes=10)
    desk.operate("suspend", instance)
    desk.later(hours=8)
    assert not jobs.any_due(desk.db, now=desk.at)
    desk.operate("activate", instance)
    assert column(desk, "due_at", instance, "jobs") == desk.at + timedelta(minutes=20)


def test_an_attempt_that_fails_while_suspended_waits_in_full_after_activation(desk: Lab) -> None:
    desk.define(service("mail", retry_policy=LONG))
    instance = desk.start()
    job = desk.job()
    desk.operate("suspend", instance)
    desk.later(hours=1)
    assert jobs.fail(desk.engine, job, Failure("away", "Later."), now=desk.at, spread=0)
    desk.later(hours=1)
    desk.operate("activate", instance)
    assert column(desk, "due_at", instance, "jobs") == desk.at + timedelta(minutes=30)


@pytest.mark.parametrize("how", ["handed back", "lost"])
def test_a_job_that_comes_back_while_suspended_is_due_on_activation(desk: Lab, how: str) -> None:
    desk.define(service("mail"))
    instance = desk.start()
    job = desk.job()
    desk.operate("suspend", instance)
    desk.later(hours=1)
    if how == "lost":
        assert jobs.expire(desk.engine, now=desk.at) == 1
    else:
        assert jobs.hand_back(desk.db, "worker", [job.id], now=desk.at) == 1
    desk.later(hours=1)
    assert not jobs.any_due(desk.db, now=desk.at)
    desk.operate("activate", instance)
    assert desk.job().id == job.id


def test_activation_applies_what_jobs_gave_meanwhile_and_wakes_the_workers(desk: Lab) -> None:
    desk.define(service("mail", "pay"), person("pay", assignee="li", due_date="1h"))
    instance = desk.start()
    job = desk.job()
    desk.operate("suspend", instance)
    assert jobs.succeed(desk.engine, job, {"sent": True}, now=desk.at, spread=0)
    assert [token.step for token in stored.agrees(desk.db, instance).tokens] == ["mail"]
    woken = desk.waker.count
    desk.later(hours=3)
    row = desk.operate("activate", instance)
    assert row.variables["mail"] == {"sent": True}
    assert [token.step for token in stored.agrees(desk.db, instance).tokens] == ["pay"]
    assert column(desk, "due_at", instance) == desk.at + HOUR
    assert desk.waker.count == woken + 1


@pytest.mark.parametrize(("first", "again"), [("suspend", "suspend"), (None, "activate")])
def test_a_second_call_changes_nothing(desk: Lab, first: str | None, again: str) -> None:
    instance = desk.start("request")
    if first:
        desk.operate(first, instance, reason="once")
    before = stored.everything(desk.db)
    desk.later(hours=1)
    row = desk.operate(again, instance, reason="twice")
    assert row.status == ("suspended" if first else "running")
    assert stored.everything(desk.db) == before


# --- terminate ------------------------------------------------------------------------


def test_terminating_cancels_open_work_keeps_the_reason_and_the_history(desk: Lab) -> None:
    instance = desk.start("request")
    task_id = desk.task(instance, "approve")
    tasks.save_draft(desk.engine, desk.office["mei"], task_id, {"comments": "x"}, now=desk.at)
    row = desk.operate("terminate", instance, reason="mistake")
    assert (row.status, row.result, row.ended_at) == ("terminated", "terminated", desk.at)
    task = stored.row(desk.db, "select * from tasks where id = %(id)s", id=task_id)
    assert (task["state"], task["reason"], task["completed_at"]) == (
        "cancelled",
        "mistake",
        desk.at,
    )
    assert stored.rows(desk.db, "select * from drafts") == []
    line = last(desk, instance)
    assert (line["kind"], line["data"]["reason"]) == ("instance.terminated", "mistake")
    stored.agrees(desk.db, instance)


def test_terminating_cancels_a_job_and_its_late_result_is_only_recorded(desk: Lab) -> None:
    desk.define(service("mail"))
    instance = desk.start()
    job = desk.job()
    desk.operate("terminate", instance)
    assert column(desk, "state", instance, "jobs") == "cancelled"
    assert not jobs.succeed(desk.engine, job, {"sent": True}, now=desk.at, spread=0)
    assert stored.agrees(desk.db, instance).status == "terminated"
    assert last(desk, instance)["data"]["ignored"] == "late"


def test_terminating_a_suspended_instance_withdraws_its_incident(desk: Lab) -> None:
    desk.define(service("nobody", method="knows"))
    instance = desk.start()
    desk.operate("suspend", instance)
    row = desk.operate("terminate", instance)
    assert (row.status, row.incident_count) == ("terminated", 0)
    assert column(desk, "resolution", instance, "incidents") == "withdrawn"
    stored.agrees(desk.db, instance)


def test_terminating_twice_is_the_same_as_once(desk: Lab) -> None:
    instance = desk.start("request")
    first = desk.operate("terminate", instance, reason="mistake")
    before = stored.everything(desk.db)
    desk.later(hours=1)
    assert desk.operate("terminate", instance, reason="again") == first
    assert stored.everything(desk.db) == before


def ended(lab: Lab) -> int:
    lab.define(end())
    return lab.start()


@pytest.mark.parametrize("verb", ["suspend", "activate", "terminate", "set_variables"])
def test_nothing_can_be_done_to_what_has_ended(desk: Lab, verb: str) -> None:
    instance = ended(desk)
    more = {"values": {"a": 1}} if verb == "set_variables" else {}
    refusal = desk.refused(Conflict, lambda: desk.operate(verb, instance, **more))
    assert (refusal.code, refusal.extra) == ("instance_ended", {"instance_status": "completed"})


@pytest.mark.parametrize("verb", ["suspend", "activate", "set_variables"])
def test_a_terminated_instance_stays_terminated(desk: Lab, verb: str) -> None:
    instance = desk.start("request")
    desk.operate("terminate", instance)
    more = {"values": {"amount": 1}} if verb == "set_variables" else {}
    refusal = desk.refused(Conflict, lambda: desk.operate(verb, instance, **more))
    assert refusal.extra == {"instance_status": "terminated"}


# --- variables ------------------------------------------------------------------------


@pytest.mark.parametrize("suspended", [False, True])
def test_correcting_variables_sets_the_named_ones_and_keeps_the_reason(
    desk: Lab, suspended: bool
) -> None:
    instance = desk.start("request", amount=1, purpose="old")
    if suspended:
        desk.operate("suspend", instance)
    row = desk.operate("set_variables", instance, values={"amount": 2}, reason="typo")
    assert row.variables == {"amount": 2, "purpose": "old"}
    line = last(desk, instance)
    assert (line["kind"], line["data"]) == (
        "variables.changed",
        {"values": {"amount": 2}, "reason": "typo"},
    )
    stored.agrees(desk.db, instance)


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({}, "variables", "required"),
        ({"amount": "many"}, "amount", "wrong_type"),
        ({"instance": {}}, "instance", "reserved_name"),
        ({"note": "half \ud800"}, "note", "bad_text"),
    ],
)
def test_wrong_values_are_refused_by_name(
    desk: Lab, values: dict[str, Any], field: str, code: str
) -> None:
    instance = desk.start("request")
    refusal = desk.refused(Invalid, lambda: desk.operate("set_variables", instance, values=values))
    assert [(error.field, error.code) for error in refusal.errors] == [(field, code)]


# --- incidents ------------------------------------------------------------------------


def stuck(lab: Lab) -> int:
    lab.define(
        gateway("route", ("${amount > 100}", "big")),
        person("big", assignee="li"),
        variables={"amount": "number"},
    )
    return lab.start(amount=5)


def test_retrying_enters_the_step_again_with_what_was_corrected(desk: Lab) -> None:
    instance = stuck(desk)
    incident = desk.incident(instance)
    desk.operate("set_variables", instance, values={"amount": 500})
    row = runtime.retry_incident(
        desk.engine, desk.office["li"], incident, reason="corrected", now=desk.later(minutes=5)
    )
    assert (row.status, row.incident_count) == ("running", 0)
    assert [token.step for token in stored.agrees(desk.db, instance).tokens] == ["big"]
    found = stored.row(desk.db, "select * from incidents where id = %(id)s", id=incident)
    assert (found["resolved_by"], found["resolved_at"], found["resolution"]) == (
        "li",
        desk.at,
        "retried",
    )
    resolved = [
        line
        for line in history.events(desk.db, desk.office["root"], instance)
        if line["kind"] == "incident.resolved"
    ]
    assert resolved[0]["data"]["reason"] == "corrected"


def test_retrying_what_is_still_wrong_is_a_new_incident(desk: Lab) -> None:
    instance = stuck(desk)
    first = desk.incident(instance)
    row = runtime.retry_incident(desk.engine, desk.office["root"], first, now=desk.at)
    assert row.incident_count == 1
    assert desk.incident(instance) != first
    stored.agrees(desk.db, instance)


def test_retrying_a_job_gives_it_all_its_attempts_again(desk: Lab) -> None:
    desk.define(service("mail", retry_policy={"max_attempts": 1}))
    instance = desk.start()
    jobs.fail(desk.engine, desk.job(), Failure("away", "No."), now=desk.at, spread=0)
    found = stored.row(desk.db, "select * from incidents")
    assert (found["kind"], found["attempts"]) == ("job_failed", 1)
    woken = desk.waker.count
    runtime.retry_incident(desk.engine, desk.office["root"], found["id"], now=desk.at)
    again = desk.job()
    assert (again.attempt, again.failures) == (1, 0)
    assert desk.waker.count == woken + 1
    stored.agrees(desk.db, instance)


def test_an_incident_is_retried_once(desk: Lab) -> None:
    instance = stuck(desk)
    first = desk.incident(instance)
    runtime.retry_incident(desk.engine, desk.office["root"], first, now=desk.at)
    refusal = desk.refused(
        Conflict,
        lambda: runtime.retry_incident(desk.engine, desk.office["root"], first, now=desk.at),
    )
    assert refusal.code == "incident_over"


@pytest.mark.parametrize(
    ("verb", "code"), [("suspend", "instance_suspended"), ("terminate", "instance_ended")]
)
def test_an_incident_of_what_does_not_run_is_not_retried(desk: Lab, verb: str, code: str) -> None:
    instance = stuck(desk)
    incident = desk.incident(instance)
    desk.operate(verb, instance)
    refusal = desk.refused(
        Conflict,
        lambda: runtime.retry_incident(desk.engine, desk.office["root"], incident, now=desk.at),
    )
    assert refusal.code == code


# --- who may --------------------------------------------------------------------------


VERBS: dict[str, Callable[[Lab, int, str], object]] = {
    "suspend": lambda lab, instance, by: lab.operate("suspend", instance, by),
    "activate": lambda lab, instance, by: lab.operate("activate", instance, by),
    "terminate": lambda lab, instance, by: lab.operate("terminate", instance, by),
    "set_variables": lambda lab, instance, by: lab.operate(
        "set_variables", instance, by, values={"amount": 500}
    ),
    "retry": lambda lab, instance, by: runtime.retry_incident(
        lab.engine, lab.office[by], lab.incident(instance), now=lab.at
    ),
}


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize(("by", "kind"), [("zhao", Forbidden), ("stranger", NotFound)])
def test_steering_needs_process_operate_and_a_stranger_learns_nothing(
    desk: Lab, verb: str, by: str, kind: type[AppError]
) -> None:
    instance = stuck(desk)
    refusal = desk.refused(kind, lambda: VERBS[verb](desk, instance, by))
    if kind is NotFound:
        other = "incident_not_found" if verb == "retry" else "instance_not_found"
        assert refusal.code == other
    else:
        assert refusal.extra == {"permission": "process:operate"}


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"retry"}))
def test_what_is_not_there_is_refused_like_what_may_not_be_seen(desk: Lab, verb: str) -> None:
    for by in ("stranger", "root"):
        refusal = desk.refused(NotFound, lambda by=by: VERBS[verb](desk, 4711, by))
        assert refusal.code == "instance_not_found"


def test_people_may_end_what_they_started_where_the_definition_says_so(desk: Lab) -> None:
    desk.define(
        person("work", assignee="li"), settings={"initiator_may_terminate": True}, key="mine"
    )
    instance = desk.start("mine", by="zhao")
    refused = desk.refused(Forbidden, lambda: desk.operate("suspend", instance, by="zhao"))
    assert refused.code == "forbidden"
    shown = details.details(desk.engine, desk.office["zhao"], instance, now=desk.at)
    assert shown.allowed == {"terminate", "withdraw"}
    desk.refused(NotFound, lambda: desk.operate("terminate", instance, by="mei"))
    assert desk.operate("terminate", instance, by="zhao").status == "terminated"


@pytest.mark.parametrize("verb", ["suspend", "activate", "terminate", "set_variables"])
@pytest.mark.parametrize(
    ("reason", "code"), [("x" * 2_001, "too_long"), ("a\0b", "bad_text"), ("\ud800", "bad_text")]
)
def test_a_reason_that_cannot_be_kept_is_refused(
    desk: Lab, verb: str, reason: str, code: str
) -> None:
    instance = desk.start("request")
    more = {"values": {"amount": 1}} if verb == "set_variables" else {}
    refusal = desk.refused(Invalid, lambda: desk.operate(verb, instance, reason=reason, **more))
    assert [(error.field, error.code) for error in refusal.errors] == [("reason", code)]


def test_incidents_hide_sensitive_values_from_those_who_may_not_read_them(desk: Lab) -> None:
    desk.define(
        gateway("route", ("${salary > 100 and amount > 1}", "big")),
        person("big", assignee="li"),
        variables={"salary": {"type": "number", "sensitive": True}, "amount": "number"},
    )
    instance = desk.start(salary=77, amount=5)
    for by, hidden in (("zhao", True), ("li", True), ("root", False)):
        body = queries.get(desk.db, desk.office[by], instance, now=desk.at)
        (condition,) = body["incidents"][0]["detail"]["conditions"]
        assert condition["values"]["amount"] == 5
        assert (condition["values"]["salary"] == 77) is not hidden
        assert (body["variables"]["salary"] == 77) is not hidden
        if by != "zhao":
            (listed,) = queries.incidents(desk.db, desk.office[by]).items
            assert listed["detail"] == body["incidents"][0]["detail"]


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        (
            {"values": [["salary * 2", 154], ["amount", 5]]},
            {"values": [["salary * 2", "••••••"], ["amount", 5]]},
        ),
        ({"values": [["salary", None]]}, {"values": [["salary", None]]}),
        ({"variable": "salary", "value": "much"}, {"variable": "salary", "value": "••••••"}),
        ({"variable": "amount", "value": "much"}, {"variable": "amount", "value": "much"}),
        ({"value": 7, "place": "/a"}, {"value": "••••••", "place": "/a"}),
        ({"code": "away", "attempt": 3}, {"code": "away", "attempt": 3}),
    ],
)
def test_each_kind_of_detail_is_masked(detail: dict[str, Any], shown: dict[str, Any]) -> None:
    assert masked_detail(detail, frozenset({"salary"})) == shown
    assert masked_detail(detail, frozenset()) == detail


def test_incidents_of_one_instance_are_for_those_who_see_it(desk: Lab) -> None:
    instance, other = stuck(desk), desk.start("own", amount=5)
    for by in ("zhao", "root"):
        (found,) = queries.incidents(desk.db, desk.office[by], process_instance_id=instance).items
        assert found["process_instance_id"] == instance
    runtime.retry_incident(desk.engine, desk.office["root"], desk.incident(instance), now=desk.at)
    every = queries.incidents(desk.db, desk.office["root"], open=False)
    assert [row["process_instance_id"] for row in every.items] == [instance, other, instance]
    with pytest.raises(NotFound):
        queries.incidents(desk.db, desk.office["stranger"], process_instance_id=instance)
    with pytest.raises(Forbidden):
        queries.incidents(desk.db, desk.office["zhao"])
