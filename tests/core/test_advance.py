"""The loop: ways, ends, loops, incidents, and what is ignored."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.advance import MAX_STEPS, advance
from app.core.effects import (
    CancelJob,
    CloseTask,
    Ended,
    OpenTask,
    Passed,
    RaiseIncident,
    ResolveIncident,
    SetVariables,
    StartJob,
)
from app.core.events import (
    Activated,
    JobFailed,
    JobSucceeded,
    Retried,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    VariablesSet,
)
from app.core.state import State, Token, Wait
from app.core.values import json_text
from tests.support.scenario import MONDAY, define, end, gateway, person, service, started

LATER = MONDAY + timedelta(hours=1)


def kinds(effects):
    return [type(effect).__name__ for effect in effects]


def incident(played):
    return next(e for e in reversed(played.effects) if isinstance(e, RaiseIncident))


def test_the_first_step_starts_and_a_step_without_next_ends_the_instance():
    played = started(define(service("one", "two"), service("two")))
    played.give(JobSucceeded(at=LATER, wait=played.wait("one")))
    moved = played.give(JobSucceeded(at=LATER, wait=played.wait("two")))
    assert played.path == ["one", "two"]
    assert (played.state.status, played.state.result) == ("completed", "completed")
    assert played.state.tokens == ()
    assert moved.effects == (
        Passed(step="two", token=1, left=True),
        Ended(step="", status="completed", result="completed"),
    )


def test_every_arrival_has_a_wait_id_of_its_own():
    played = started(define(person("again", {"step": "again", "when": "more"}, "end"), end()))
    seen = []
    for more in (True, True, False):
        seen.append(played.wait("again"))
        played.give(TaskCompleted(at=LATER, by="li", wait=seen[-1], values={"more": more}))
    assert len(set(seen)) == 3
    assert played.state.visits == {"again": 3, "end": 1}
    assert played.state.status == "completed"


def test_declared_defaults_fill_what_is_not_given():
    variables = {"a": {"type": "number", "default": 1}, "b": {"type": "number", "default": 2}}
    played = started(define(person("p"), variables=variables), {"b": 5, "undeclared": True})
    assert played.state.variables == {"a": 1, "b": 5, "undeclared": True}


@pytest.mark.parametrize(
    ("config", "status", "result"),
    [
        ({}, "completed", "completed"),
        ({"result": "completed", "code": "paid"}, "completed", "paid"),
        ({"result": "cancelled"}, "terminated", "cancelled"),
        ({"result": "cancelled", "code": "by_customer"}, "terminated", "by_customer"),
        ({"result": "error", "code": "broken"}, "failed", "broken"),
        ({"result": "error", "terminate": True}, "failed", "error"),
    ],
)
def test_an_explicit_end_says_how_it_ended(config, status, result):
    played = started(define({"id": "s", "type": "start", "next": ["end"]}, end(**config)))
    assert (played.state.status, played.state.result) == (status, result)
    assert [e.status for e in played.effects if isinstance(e, Ended)] == [status]


@pytest.mark.parametrize(
    ("amount", "step"),
    [(5, "small"), (Decimal("10"), "medium"), (99, "medium"), (100, "large"), (-1, "other")],
)
def test_a_gateway_takes_the_first_condition_that_is_true(amount, step):
    choose = gateway(
        "choose",
        ("${amount >= 100}", "large"),
        ("amount >= 10", "medium"),
        ("${amount >= 0}", "small"),
        default="other",
    )
    steps = [end(id) for id in ("large", "medium", "small", "other")]
    assert started(define(choose, *steps), {"amount": amount}).path == ["choose", step]


def test_a_gateway_may_write_its_conditions_in_next():
    choose = gateway("choose") | {"next": [{"step": "yes", "when": "${ok}"}, "no"]}
    definition = define(choose, end("yes"), end("no"))
    assert started(definition, {"ok": True}).path == ["choose", "yes"]
    assert started(definition, {"ok": False}).path == ["choose", "no"]


def test_no_way_out_is_an_incident_that_shows_each_expression_and_its_values():
    choose = gateway("choose", ("${amount > 10}", "a"), ("${kind == 'x'}", "b"))
    played = started(define(choose, end("a"), end("b")), {"amount": 3, "kind": "y"})
    raised = incident(played)
    assert raised.error_kind == "no_way_out"
    assert raised.detail["conditions"] == [
        {"expression": "amount > 10", "next": "a", "values": {"amount": 3}},
        {"expression": "kind == 'x'", "next": "b", "values": {"kind": "y"}},
    ]
    assert played.state.status == "running"
    assert played.at("choose").wait.error["kind"] == "no_way_out"


def test_what_an_incident_shows_is_short():
    played = started(define(gateway("g", ("len(t) == 0", "e")), end("e")), {"t": "x" * 100_000})
    shown = incident(played).detail["conditions"][0]["values"]["t"]
    assert len(shown) < 300


def test_an_expression_that_fails_is_an_incident_with_its_part_and_values():
    played = started(define(gateway("g", ("${1 + a > 0}", "e")), end("e")), {"a": "text"})
    raised = incident(played)
    assert raised.error_kind == "expression"
    assert raised.detail["fragment"] == "1 + a"
    assert ["a", "text"] in raised.detail["values"]
    assert raised.detail["expression"] in raised.message


def test_a_corrected_variable_and_a_retry_go_on():
    definition = define(gateway("g", ("${a > 0}", "e")), end("e"))
    played = started(definition, {"a": "text"})
    stuck = played.wait("g")
    moved = played.give(VariablesSet(at=LATER, by="admin", values={"a": 1}))
    assert moved.effects == (SetVariables(step="", values={"a": 1}),)
    assert played.wait("g") == stuck
    moved = played.give(Retried(at=LATER, by="admin", wait=stuck))
    assert moved.effects[0] == ResolveIncident(step="g", wait=stuck, how="retried")
    assert played.state.status == "completed"


def test_only_variables_that_change_are_told():
    played = started(define(person("p")), {"a": 1, "b": [1]})
    moved = played.give(VariablesSet(at=LATER, values={"a": 1, "b": [1], "c": None}))
    assert moved.effects == (SetVariables(step="", values={"c": None}),)
    moved = played.give(VariablesSet(at=LATER, values={"a": True}))
    assert moved.effects == (SetVariables(step="", values={"a": True}),)
    moved = played.give(VariablesSet(at=LATER, values={"a": True}))
    assert moved.effects == ()


def test_a_circle_becomes_an_incident_and_never_hangs():
    circle = define(gateway("g", ("true", "s")), {"id": "s", "type": "start", "next": ["g"]})
    played = started(circle)
    assert incident(played).error_kind == "loop_limit"
    assert played.state.visits["g"] == 1000
    unbounded = define(
        gateway("g", ("true", "s")),
        {"id": "s", "type": "start", "next": ["g"]},
        settings={"max_visits": 100_000},
    )
    played = started(unbounded)
    assert incident(played).error_kind == "loop_limit"
    assert sum(played.state.visits.values()) == MAX_STEPS


def test_the_visits_of_a_step_are_bounded_and_a_retry_begins_anew():
    definition = define(person("p", {"step": "p", "when": "true"}), settings={"max_visits": 2})
    played = started(definition)
    for _ in range(2):
        played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p")))
    assert incident(played).error_kind == "loop_limit"
    played.give(Retried(at=LATER, by="admin", wait=played.wait("p")))
    assert played.at("p").wait.kind == "task"
    assert played.state.visits == {"p": 1}


def test_skip_when_passes_through_on_the_way_that_fits():
    ways = [{"step": "a", "when": "x == 1"}, "b"]
    definition = define(service("s", *ways, skip_when="${skip}"), end("a"), end("b"))
    assert started(definition, {"skip": True, "x": 1}).path == ["s", "a"]
    assert started(definition, {"skip": True, "x": 2}).path == ["s", "b"]
    assert started(definition, {"skip": False, "x": 1}).at("s").wait.kind == "job"


def test_a_skipped_choice_takes_its_first_way():
    outcomes = [{"id": "ok", "next": "a"}, {"id": "no", "next": "b"}]
    definition = define(person("p", outcomes=outcomes, skip_when="true"), end("a"), end("b"))
    assert started(definition).path == ["p", "a"]
    two = define(
        person("p", "a", "b", form={"x": "boolean"}, skip_when="1 == 1"), end("a"), end("b")
    )
    assert started(two).path == ["p", "a"]


@pytest.mark.parametrize("expression", ["${name}", "${1 / 0 == 1}", "${null}"])
def test_a_condition_must_be_true_or_false(expression):
    played = started(define(service("s", skip_when=expression)), {"name": "text"})
    assert incident(played).error_kind == "expression"


def test_suspended_nothing_moves_and_activated_it_goes_on():
    played = started(define(person("p", "q"), person("q")))
    before = played.state
    played.give(Suspended(at=LATER, by="admin", reason="audit"))
    assert played.state == replace(before, status="suspended")
    wait = played.wait("p")
    moved = played.give(TaskCompleted(at=LATER, by="li", wait=wait))
    assert moved.ignored == "the instance is suspended"
    assert moved.state is played.state
    assert played.give(Suspended(at=LATER)).ignored == "already suspended"
    played.give(Activated(at=LATER))
    assert played.state == before
    assert played.give(Activated(at=LATER)).ignored == "not suspended"
    played.give(TaskCompleted(at=LATER, by="li", wait=wait))
    assert played.path == ["p", "q"]


def test_variables_can_be_corrected_while_suspended_and_stay_so():
    played = started(define(person("p")))
    played.give(Suspended(at=LATER))
    played.give(VariablesSet(at=LATER, values={"a": 1}))
    assert (played.state.status, played.state.variables) == ("suspended", {"a": 1})


@pytest.mark.parametrize(("step", "effect"), [(person("x"), CloseTask), (service("x"), CancelJob)])
@pytest.mark.parametrize("suspended", [False, True])
def test_termination_closes_what_is_open(step, effect, suspended):
    played = started(define(step))
    wait = played.wait("x")
    if suspended:
        played.give(Suspended(at=LATER))
    moved = played.give(Terminated(at=LATER, by="admin", reason="duplicate"))
    assert moved.effects == (
        effect(step="x", wait=wait, reason="duplicate"),
        Ended(step="", status="terminated", result="terminated"),
    )
    assert (played.state.status, played.state.tokens) == ("terminated", ())


def test_termination_withdraws_incidents():
    played = started(define(gateway("g", ("false", "e")), end("e")))
    wait = played.wait("g")
    moved = played.give(Terminated(at=LATER))
    assert moved.effects[0] == ResolveIncident(step="g", wait=wait, how="withdrawn")


@pytest.mark.parametrize(
    "event",
    [
        Terminated(at=LATER),
        Suspended(at=LATER),
        Activated(at=LATER),
        VariablesSet(at=LATER, values={"a": 1}),
        TaskCompleted(at=LATER, wait=2),
        JobSucceeded(at=LATER, wait=2),
        JobFailed(at=LATER, wait=2, code="x", message="y"),
        Retried(at=LATER, wait=2),
        Started(at=LATER),
    ],
    ids=lambda event: event.kind,
)
def test_an_ended_instance_ignores_everything(event):
    played = started(define(person("p")))
    played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p")))
    moved = advance(played.definition, played.state, event)
    assert moved.state is played.state
    assert moved.effects == ()
    assert moved.ignored


def test_only_the_kind_of_answer_that_is_waited_for_counts():
    played = started(define(person("p")))
    wait = played.wait("p")
    wrong = [
        JobSucceeded(at=LATER, wait=wait),
        JobFailed(at=LATER, wait=wait, code="c", message="m"),
        Retried(at=LATER, wait=wait),
    ]
    for event in wrong:
        moved = advance(played.definition, played.state, event)
        assert (moved.ignored, moved.effects) == ("another kind of wait", ())
        assert moved.state is played.state
    late = advance(played.definition, played.state, TaskCompleted(at=LATER, wait=wait + 1))
    assert late.ignored == "nothing waits for this any more"


def test_an_end_that_terminates_withdraws_the_other_tokens():
    definition = define(
        gateway("g", ("go", "all"), default="t"), person("t"), end("all", terminate=True)
    )
    other = Token(id=2, step="t", wait=Wait(3, "task"))
    state = State(tokens=(Token(id=1, step="g"), other), variables={"go": True}, next_id=4)
    moved = advance(definition, state, VariablesSet(at=LATER, values={}))
    assert CloseTask(step="t", wait=3, reason="another path ended the process") in moved.effects
    assert (moved.state.status, moved.state.tokens) == ("completed", ())


def test_an_end_without_terminate_leaves_the_other_tokens_alone():
    definition = define(gateway("g", ("go", "one"), default="t"), person("t"), end("one"))
    other = Token(id=2, step="t", wait=Wait(3, "task"))
    state = State(tokens=(Token(id=1, step="g"), other), variables={"go": True}, next_id=4)
    moved = advance(definition, state, VariablesSet(at=LATER, values={}))
    assert (moved.state.status, moved.state.tokens) == ("running", (other,))


def test_tokens_act_in_the_order_of_their_ids():
    definition = define(service("a", "b"), service("b"))
    state = State(
        tokens=(Token(id=3, step="b"), Token(id=1, step="a"), Token(id=2, step="b")), next_id=4
    )
    moved = advance(definition, state, VariablesSet(at=LATER, values={}))
    assert [e.token for e in moved.effects if isinstance(e, StartJob)] == [1, 2, 3]
    assert [token.id for token in moved.state.tokens] == [1, 2, 3]


def test_effects_come_in_the_order_in_which_things_happen():
    definition = define(person("p", "g"), gateway("g", ("n > 1", "q")), person("q"))
    played = started(definition)
    moved = played.give(TaskCompleted(at=LATER, by="li", wait=played.wait("p"), values={"n": 2}))
    assert kinds(moved.effects) == [
        "SetVariables",
        "Passed",
        "Passed",
        "Passed",
        "Passed",
        "OpenTask",
    ]
    opened = moved.effects[-1]
    assert isinstance(opened, OpenTask)
    assert (opened.wait, opened.token) == (played.wait("q"), 1)
    assert isinstance(played.state.tokens[0].wait, Wait)


def test_work_that_is_done_stays_done_when_its_way_out_is_missing():
    ways = [{"step": "a", "when": "n > 1"}, {"step": "b", "when": "n < 1"}]
    played = started(define(service("s", *ways, output={"n": "${result}"}), end("a"), end("b")))
    played.give(JobSucceeded(at=LATER, wait=played.wait("s"), result=1))
    assert incident(played).error_kind == "no_way_out"
    assert played.state.variables == {"n": 1}
    played.give(Retried(at=LATER, by="admin", wait=played.wait("s")))
    assert incident(played).wait == played.wait("s")
    played.give(VariablesSet(at=LATER, by="admin", values={"n": 2}))
    moved = played.give(Retried(at=LATER, by="admin", wait=played.wait("s")))
    assert played.path == ["s", "a"]
    assert [e for e in moved.effects if isinstance(e, StartJob)] == []
    assert len([e for e in played.effects if isinstance(e, StartJob)]) == 1


def test_a_condition_that_fails_on_the_way_out_keeps_the_completion():
    ways = [{"step": "e", "when": "n > 1"}, "e"]
    played = started(define(person("p", *ways, form={"n": "text"}), end("e")))
    wait = played.wait("p")
    played.give(TaskCompleted(at=LATER, by="li", wait=wait, values={"n": "x"}))
    assert incident(played).error_kind == "expression"
    assert played.state.completed["p"].by == "li"
    played.give(VariablesSet(at=LATER, values={"n": 5}))
    played.give(Retried(at=LATER, wait=played.wait("p")))
    assert played.state.status == "completed"


def test_values_are_kept_as_they_are_given():
    played = started(define(person("p")), {"a": [1], "b": Decimal("1.0"), "c": {"x": 1}})
    new = {"a": [True], "b": Decimal("1.00"), "c": {"x": Decimal("1")}}
    moved = played.give(VariablesSet(at=LATER, values=new))
    assert moved.effects == (SetVariables(step="", values=new),)
    assert json_text(played.state.variables) == json_text(new)
    assert played.give(VariablesSet(at=LATER, values=new)).effects == ()


def test_a_step_that_a_circle_did_not_reach_is_entered_by_a_retry():
    circle = define(
        gateway("g", ("true", "s")),
        {"id": "s", "type": "start", "next": ["g"]},
        settings={"max_visits": 100_000},
    )
    played = started(circle)
    stuck = incident(played)
    assert played.effects[-2] == Passed(step=stuck.step, token=1)
    played.give(Retried(at=LATER, by="admin", wait=stuck.wait))
    assert incident(played).error_kind == "loop_limit"
