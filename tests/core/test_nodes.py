"""What single steps do: what they ask for, and what they take along."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.core.effects import OpenTask, RaiseIncident, StartJob
from app.core.events import JobFailed, JobSucceeded, Retried, Started, TaskCompleted
from app.core.nodes.base import Node
from app.core.nodes.table import NODES
from app.core.state import Completion
from tests.support.pace import within
from tests.support.scenario import MONDAY, define, end, person, service, started

LATER = MONDAY + timedelta(hours=1)


def task(variables=None, rest=None, **config):
    """Return the task that a user step with this config opens."""
    played = started(define(person("p", **config), **(rest or {})), variables)
    return next(effect for effect in played.effects if isinstance(effect, OpenTask))


def incident(played):
    return next(e for e in reversed(played.effects) if isinstance(e, RaiseIncident))


def stuck(step, variables=None, **rest):
    """Return the incident of a first step that cannot be entered."""
    return incident(started(define(step, **rest), variables))


# People ----------------------------------------------------------------------------------


def test_a_task_names_its_people_as_evaluated():
    opened = task(
        {"boss": "li", "team": ["a", "b"]},
        assignee="${boss}",
        candidate_users="${team}",
        candidate_groups=["hr", "${initiator.groups[0]}", "${missing}", "${''}"],
        priority="${40 + 2.00}",
        instructions="# Read",
    )
    assert (opened.assignee, opened.candidate_users) == ("li", ("a", "b"))
    assert opened.candidate_groups == ("hr", "sales")
    assert (opened.priority, opened.instructions) == (42, "# Read")


@pytest.mark.parametrize(("given", "assignee"), [("${missing}", None), ("${n}", "5")])
def test_an_assignee_that_is_nobody_or_no_text(given, assignee):
    assert task({"n": 5}, assignee=given).assignee == assignee


def test_one_name_may_stand_for_a_list():
    assert task({"boss": "li"}, candidate_users="${boss}").candidate_users == ("li",)
    assert task(candidate_users="${missing}").candidate_users == ()


@pytest.mark.parametrize("key", ["candidate_users", "candidate_groups"])
def test_candidates_that_are_no_names_are_an_incident(key):
    raised = stuck(person("p", **{key: "${people}"}), {"people": ["li", 5]})
    assert (raised.error_kind, raised.detail) == ("bad_people", {"value": ["li", 5]})


@pytest.mark.parametrize("priority", [101, -1, True, "high", None, Decimal("1.5")])
def test_a_priority_out_of_range_is_an_incident(priority):
    assert stuck(person("p", priority="${n}"), {"n": priority}).error_kind == "bad_priority"


SHANGHAI = {"settings": {"timezone": "Asia/Shanghai"}}


@pytest.mark.parametrize(
    ("given", "due", "rest"),
    [
        (None, None, {}),
        ("${missing}", None, {}),
        ("${''}", None, {}),
        ("2h", MONDAY + timedelta(hours=2), {}),
        ("1wd", datetime(2026, 3, 3, 9, tzinfo=UTC), {}),
        ("9wh", datetime(2026, 3, 3, 10, tzinfo=UTC), {}),
        ("P1M", datetime(2026, 4, 2, 9, tzinfo=UTC), {}),
        ("2026-03-05", datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC), {}),
        ("2026-03-05", datetime(2026, 3, 5, 15, 59, 59, tzinfo=UTC), SHANGHAI),
        ("2026-03-05T12:00+08:00", datetime(2026, 3, 5, 4, tzinfo=UTC), SHANGHAI),
        ("${add_duration(now(), '90m')}", MONDAY + timedelta(minutes=90), {}),
        ("${date('2026-03-05')}", datetime(2026, 3, 5, 15, 59, 59, tzinfo=UTC), SHANGHAI),
        ("${days}d", MONDAY + timedelta(days=3), {}),
    ],
)
def test_due_dates(given, due, rest):
    config = {"due_date": given} if given is not None else {}
    assert task({"days": 3}, rest, **config).due_at == due


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("${d}", "tomorrow"),
        ("${d}", 5),
        ("${d}", []),
        ("${d}d", -3),
        ("${d}", "200y"),
        ("${d}", "9999-12-31"),
        ("${d}", "9999-12-31T23:59:59-12:00"),
        ("${add_duration(now(), d)}", "P99Y"),
    ],
)
def test_a_due_date_that_cannot_be_used_is_an_incident(given, value):
    step = person("p", due_date=given)
    west = {"settings": {"timezone": "America/Los_Angeles"}}
    at = datetime(9990, 1, 1, tzinfo=UTC)
    raised = incident(started(define(step, **west), {"d": value}, at=at))
    assert raised.error_kind in ("bad_due_date", "expression")
    assert "due date" in raised.message or "9999" in raised.message


def test_defaults_and_options_come_from_the_variables():
    form = {
        "a": {"type": "number", "default": "${amount * 2}"},
        "b": {"type": "date", "default": "${today()}"},
        "c": {"type": "select", "options": "${towns}", "default": "Ulm"},
        "d": {"type": "select", "options": ["${towns[1]}", {"value": 1, "label": "One"}]},
        "e": "text",
    }
    opened = task({"amount": Decimal("1.50"), "towns": ["Ulm", "Bonn"]}, form=form)
    a, b, c, d, e = opened.form
    assert (a["default"], b["default"]) == (Decimal("3.00"), "2026-03-02")
    assert c["options"] == [{"value": town, "label": town} for town in ("Ulm", "Bonn")]
    assert [one["value"] for one in d["options"]] == ["Bonn", 1]
    assert e == {"name": "e", "type": "text", "required": False, "label": "e"}


@pytest.mark.parametrize("towns", ["Ulm", 5, {"a": 1}])
def test_options_that_are_no_list_are_an_incident(towns):
    form = {"c": {"type": "select", "options": "${towns}"}}
    assert stuck(person("p", form=form), {"towns": towns}).error_kind == "bad_options"


def test_what_a_person_entered_becomes_variables_and_is_remembered():
    played = started(define(person("p", "q", form={"a": "number"}), person("q")), {"a": 1})
    values = {"a": Decimal("2.50")}
    played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p"), values=values))
    assert played.state.variables == values
    done = Completion("li", "2026-03-02T10:00:00Z", values, mark=3)
    assert played.state.completed == {"p": done}


def test_the_person_who_completed_a_step_can_be_named_later():
    played = started(define(person("p", "q"), person("q", assignee="${p.completed_by}")))
    played.give(TaskCompleted(at=LATER, by="mei", wait=played.wait("p")))
    assert played.effects[-1].assignee == "mei"


def test_an_outcome_sets_variables_that_see_the_form():
    outcomes = [{"id": "ok", "set": {"note": "${a} by ${initiator.username}", "due": "${today()}"}}]
    played = started(define(person("p", form={"a": "text"}, outcomes=outcomes)))
    wait = played.wait("p")
    played.give(TaskCompleted(at=LATER, by="li", wait=wait, values={"a": "x"}, outcome="ok"))
    assert played.state.variables == {"a": "x", "note": "x by zhao", "due": "2026-03-02"}
    assert played.state.completed["p"].outcome == "ok"


@pytest.mark.parametrize(("set_", "kind"), [("${1 / 0}", "expression"), ("${big}", "bad_value")])
def test_an_outcome_that_cannot_be_worked_out_is_an_incident(set_, kind):
    outcomes = [{"id": "ok", "set": {f"v{i}": set_ for i in range(6)}}]
    played = started(define(person("p", outcomes=outcomes)), {"big": "x" * 200_000})
    played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p"), outcome="ok"))
    assert incident(played).error_kind == kind
    assert played.at("p").wait.kind == "incident"


def test_a_completion_that_decides_nothing_is_an_incident():
    played = started(define(person("p", "a", "b"), end("a"), end("b")))
    played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p"), outcome="c"))
    assert incident(played).error_kind == "no_decision"
    played.give(Retried(at=LATER, wait=played.wait("p")))
    assert played.at("p").wait.kind == "task"


# Machines --------------------------------------------------------------------------------


def job(variables=None, **config):
    """Return the job that a service step with this config starts."""
    played = started(define(service("s", **config)), variables)
    return next(effect for effect in played.effects if isinstance(effect, StartJob))


def test_a_service_is_given_all_variables_or_its_input():
    assert job({"a": 1}).input == {"a": 1}
    given = {"n": "${a + 1.5}", "on": "${today()}", "list": ["${a}", 2], "text": "$${a}"}
    assert job({"a": 1}, input=given).input == {
        "n": Decimal("2.5"),
        "on": "2026-03-02",
        "list": [1, 2],
        "text": "${a}",
    }


def test_the_policy_and_the_time_limit_are_expanded_once():
    started_job = job(timeout="1m30s", retry_policy={"max_attempts": 5, "initial": "2s"})
    assert started_job.timeout == 90
    assert (started_job.retry["max_attempts"], started_job.retry["initial"]) == (5, 2)
    assert job().timeout == 60


def result(given, variables=None, declared=None, **config):
    """Return the variables after a service gave this result."""
    played = started(define(service("s", **config), variables=declared or {}), variables)
    played.give(JobSucceeded(at=LATER, wait=played.wait("s"), result=given))
    return played


@pytest.mark.parametrize(
    ("given", "declared", "variables"),
    [
        ({"a": 1, "b": 2}, {"a": "number"}, {"a": 1}),
        ({"a": 1, "b": 2}, {}, {"s": {"a": 1, "b": 2}}),
        ([1], {"a": "number"}, {"s": [1]}),
        (None, {}, {}),
        (False, {}, {"s": False}),
        ({}, {"a": "number"}, {"s": {}}),
    ],
)
def test_what_a_result_sets_without_output(given, declared, variables):
    played = result(given, None, declared)
    assert played.state.variables == variables
    assert played.state.status == "completed"


def test_output_sees_the_result_and_the_variables():
    output = {"total": "${result.net + tax}", "at": "${now()}", "kind": "auto"}
    played = result({"net": Decimal("1.10")}, {"tax": Decimal("0.20")}, output=output)
    assert played.state.variables == {
        "tax": Decimal("0.20"),
        "total": Decimal("1.30"),
        "at": "2026-03-02T10:00:00Z",
        "kind": "auto",
    }


@pytest.mark.parametrize("declared", [{"a": "number"}, {"a": {"type": "number"}}])
def test_a_result_of_another_type_than_declared_is_an_incident(declared):
    played = result({"a": "x" * 10_000}, None, declared)
    raised = incident(played)
    assert raised.error_kind == "wrong_type"
    assert len(raised.detail["value"]) < 300
    assert "a" not in played.state.variables


def test_input_and_output_too_large_to_keep_are_incidents_at_once():
    many = {f"v{i}": "${big}" for i in range(2_000)}
    big = [0] * 50_000
    with within(1):
        assert stuck(service("s", input=many), {"big": big}).error_kind == "bad_value"
        assert incident(result(None, {"big": big}, output=many)).error_kind == "bad_value"


def test_an_output_that_fails_is_an_incident_and_a_retry_asks_again():
    played = result(5, {"a": "text"}, output={"n": "${result + a}"})
    assert incident(played).error_kind == "expression"
    played.give(Retried(at=LATER, wait=played.wait("s")))
    assert played.at("s").wait.kind == "job"


def test_a_service_that_failed_hands_over_to_on_error():
    played = started(define(service("s", on_error="p"), person("p", assignee="${error.code}")))
    failed = JobFailed(at=LATER, wait=played.wait("s"), code="down", message="No luck.", attempt=3)
    played.give(failed)
    assert played.path == ["s", "p"]
    assert played.state.variables["error"] == {
        "step": "s",
        "code": "down",
        "message": "No luck.",
        "attempt": 3,
        "business": False,
    }
    assert played.effects[-1].assignee == "down"


@pytest.mark.parametrize(("code", "kind"), [("down", "job_failed"), ("unknown_service",) * 2])
def test_a_service_that_failed_is_else_an_incident(code, kind):
    played = started(define(service("s")))
    played.give(JobFailed(at=LATER, wait=played.wait("s"), code=code, message="No luck."))
    raised = incident(played)
    assert (raised.error_kind, raised.message) == (kind, "No luck.")
    assert raised.detail["code"] == code


# All -------------------------------------------------------------------------------------


def test_every_node_says_what_it_is_and_what_it_takes():
    for name, node in NODES.items():
        assert node.type == name
        assert node.doc
        assert all(key.doc for key in node.keys)


def test_a_node_answers_nothing_that_is_not_for_it():
    played = started(define(person("p")))
    visit_of_nothing = Started(at=LATER)
    for node in NODES.values():
        assert node.answer(played, visit_of_nothing) is None


def test_a_node_without_behaviour_is_a_mistake_of_ours():
    class Strange(Node):
        type = "strange"

    with pytest.raises(TypeError, match="strange has no behaviour"):
        Strange().enter(None)
