"""The shipped examples, run to each of their ends by the shipped scenarios."""

from decimal import Decimal

import pytest

from app.core.advance import advance
from app.core.effects import OpenTask, StartJob
from app.core.events import JobSucceeded
from app.core.findings import Known
from app.core.parse import check
from app.core.run import STATUS_OF
from app.core.state import State
from tests.support.scenario import (
    EXAMPLES,
    MONDAY,
    example,
    play,
    read_scenario,
    scenarios,
    started,
)

KNOWN = Known(
    groups=frozenset({"finance_team", "approval_team"}),
    roles=frozenset({"manager"}),
    services=frozenset(
        {
            "OrderValidationService.validate",
            "OrderService.fulfill",
            "OrderService.cancel",
            "NoopService.run",
            "EmailService.send",
            "EmailService.sendWelcomeEmail",
        }
    ),
    processes=frozenset({"example_equipment"}),
)
DEFINITIONS = sorted((EXAMPLES / "definitions").glob("*.json"))


def named(path):
    return path.stem


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_an_example_has_no_finding_at_all(path):
    checked = check(path.read_text(encoding="utf-8"), KNOWN)
    assert [(found.code, found.pointer, found.text()) for found in checked.findings] == []
    assert checked.definition.key == path.stem


@pytest.mark.parametrize("path", scenarios(), ids=named)
def test_scenario(path):
    scenario = read_scenario(path)
    played = play(scenario)
    expected = scenario["expect"]
    incidents = [t.wait.error["kind"] for t in played.state.tokens if t.wait.kind == "incident"]
    variables = {name: played.state.variables.get(name) for name in expected["variables"]}
    assert played.path == expected["path"]
    assert (played.state.status, played.state.result) == (expected["status"], expected["result"])
    assert variables == expected["variables"]
    assert incidents == expected.get("incidents", [])


@pytest.mark.parametrize("path", scenarios(), ids=named)
def test_replay_of_a_scenario_gives_the_same_state_and_effects(path):
    played = play(read_scenario(path))
    state, effects = State(), []
    for event in played.events:
        moved = advance(played.definition, state, event)
        state = moved.state
        effects.extend(moved.effects)
    assert (state, effects) == (played.state, played.effects)


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_the_scenarios_of_an_example_enter_every_step(path):
    entered = {
        step
        for scenario in map(read_scenario, scenarios())
        if scenario["definition"] == path.stem
        for step in scenario["expect"]["path"]
    }
    assert entered == {step.id for step in example(path.stem).steps}


@pytest.mark.parametrize("path", DEFINITIONS, ids=named)
def test_the_scenarios_of_an_example_end_in_each_of_its_ways(path):
    """Beside ends that only end a path beside the others."""
    mine = [one for one in map(read_scenario, scenarios()) if one["definition"] == path.stem]
    reached = {(one["expect"]["status"], one["expect"]["result"]) for one in mine}
    ends = [step for step in example(path.stem).steps if step.type == "end"]
    wanted = {
        (STATUS_OF[step.config.get("result", "completed")], step.config["code"])
        for step in ends
        if "code" in step.config and step.parent is None
    }
    assert wanted <= reached


@pytest.mark.parametrize(
    ("amount", "step"),
    [
        (Decimal("999.99"), "auto_approve"),
        (Decimal("1000"), "auto_approve"),
        (1000, "auto_approve"),
        (Decimal("1000.00"), "auto_approve"),
        (Decimal("1000.0000000000000000000000001"), "manager_approval"),
        (Decimal("1000.01"), "manager_approval"),
    ],
)
def test_the_order_process_chooses_exactly_at_the_limit(amount, step):
    played = started(example("example_order_processing"), {"order_id": "O", "amount": amount})
    wait = played.wait("validate_order")
    played.give(JobSucceeded(at=MONDAY, wait=wait, result={"status": "validated"}))
    assert played.path[-1] == step


def test_what_the_order_process_asks_people_and_services_for():
    path = EXAMPLES / "scenarios" / "example_order_processing.fulfilled_after_approval.json"
    effects = play(read_scenario(path)).effects
    jobs = [effect for effect in effects if isinstance(effect, StartJob)]
    tasks = [effect for effect in effects if isinstance(effect, OpenTask)]
    assert [f"{job.service}.{job.method}" for job in jobs] == [
        "OrderValidationService.validate",
        "OrderService.fulfill",
    ]
    assert (jobs[0].timeout, jobs[0].retry["max_attempts"]) == (30, 3)
    assert jobs[0].input["amount"] == Decimal("1000.01")
    approval, payment = tasks
    assert (approval.assignee, approval.candidate_groups) == ("manager", ("approval_team",))
    assert (approval.due_at - MONDAY).total_seconds() == 7200 + 60
    assert [field["name"] for field in approval.form] == ["approved", "comments"]
    assert payment.assignee == "finance_team"
    assert payment.due_at is None
