"""Instances, incidents and history over REST."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.rest import Rest

START = {
    "process_definition_key": "request",
    "business_key": "ORDER-001",
    "variables": {"amount": Decimal("999.99"), "purpose": "chairs"},
}


def start(rest: Rest, who: str = "zhao") -> int:
    return int(rest(who, "POST", "/process-instances", START).ok(201)["id"])


def test_start_answers_201_with_where_it_stands(rest: Rest) -> None:
    answer = rest("zhao", "POST", "/process-instances", START)
    body = answer.ok(201)
    assert answer.headers["Location"] == f"/api/v1/process-instances/{body['id']}"
    assert body["status"] == "running"
    assert [token["step"]["id"] for token in body["tokens"]] == ["approve"]
    assert [task["step"]["id"] for task in body["tasks"]] == ["approve"]
    assert body["definition"]["key"] == "request"


def test_numbers_go_in_and_come_out_exactly(rest: Rest) -> None:
    sent = '{"process_definition_key": "request", "variables": {"amount": 0.10}}'
    answer = rest("zhao", "POST", "/process-instances", text=sent)
    answer.ok(201)
    assert '"amount":0.10' in answer.text.replace(" ", "")


def test_every_wrong_variable_is_named(rest: Rest) -> None:
    body = START | {"variables": {"amount": "much", "purpose": 7}}
    problem = rest("zhao", "POST", "/process-instances", body).body
    assert problem["status"] == 422
    assert len(problem["errors"]) == 2


def test_start_needs_exactly_one_definition(rest: Rest) -> None:
    rest("zhao", "POST", "/process-instances", {}).refused(422, "invalid_body")
    both = START | {"process_definition_id": 1}
    rest("zhao", "POST", "/process-instances", both).refused(422, "invalid_body")


def test_an_unknown_definition_is_404(rest: Rest) -> None:
    body = {"process_definition_id": 999_999}
    assert rest("zhao", "POST", "/process-instances", body).status == 404


def test_lists_filter_and_show_only_what_one_may_see(rest: Rest) -> None:
    mine = start(rest)
    running = rest("zhao", "GET", "/process-instances?status=running").ok()
    assert [item["id"] for item in running["items"]] == [mine]
    assert rest("zhao", "GET", "/process-instances?status=completed").ok()["total"] == 0
    assert rest("li", "GET", "/process-instances?business_key=ORDER-001").ok()["total"] == 1
    assert rest("stranger", "GET", "/process-instances").ok()["total"] == 0


def test_a_stranger_sees_nothing_and_learns_nothing(rest: Rest) -> None:
    mine = start(rest)
    seen = rest("stranger", "GET", f"/process-instances/{mine}")
    missing = rest("stranger", "GET", "/process-instances/999999")
    assert seen.status == missing.status == 404
    assert seen.body["code"] == missing.body["code"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_suspend_and_activate(rest: Rest, method: str) -> None:
    mine = start(rest)
    one = f"/process-instances/{mine}"
    body = rest("li", method, f"{one}/suspend", {"reason": "audit"}).ok()
    assert body["status"] == "suspended"
    assert rest("li", method, f"{one}/suspend").ok()["status"] == "suspended"
    assert rest("li", method, f"{one}/activate").ok()["status"] == "running"


def test_delete_terminates_with_a_reason_and_keeps_the_history(rest: Rest) -> None:
    mine = start(rest)
    one = f"/process-instances/{mine}"
    assert rest("li", "DELETE", one, {"reason": "mistake"}).ok()["status"] == "terminated"
    items = rest("zhao", "GET", f"{one}/history").ok()["items"]
    kinds = [event["kind"] for event in items]
    assert kinds[0] == "instance.started"
    assert "instance.terminated" in kinds
    assert all(event["step"] is None or event["step"]["id"] for event in items)


def test_delete_of_an_ended_instance_is_a_conflict(rest: Rest) -> None:
    mine = start(rest)
    task = rest("mei", "GET", f"/tasks?process_instance_id={mine}").ok()["items"][0]["id"]
    done = rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": {"approved": False}}).ok()
    rework = done["next"][0]["id"] if done["next"] else None
    if rework is None:
        rework = rest("zhao", "GET", f"/tasks?process_instance_id={mine}").ok()["items"][0]["id"]
    body = rest("zhao", "PUT", f"/tasks/{rework}/complete", {"variables": {}}).ok()
    assert body["instance"]["status"] == "completed"
    assert rest("li", "DELETE", f"/process-instances/{mine}").status == 409


def test_correcting_variables_is_in_the_history(rest: Rest) -> None:
    mine = start(rest)
    one = f"/process-instances/{mine}"
    body = {"variables": {"amount": Decimal("12.50")}, "reason": "typo"}
    assert rest("li", "PATCH", f"{one}/variables", body).ok()["variables"]["amount"] == Decimal(
        "12.50"
    )
    kinds = [event["kind"] for event in rest("li", "GET", f"{one}/history").ok()["items"]]
    assert "variables.changed" in kinds


def test_history_is_paged_by_its_numbers(rest: Rest) -> None:
    mine = start(rest)
    path = f"/process-instances/{mine}/history"
    everything = rest("zhao", "GET", path).ok()["items"]
    seen, after = [], 0
    while after is not None:
        page = rest("zhao", "GET", f"{path}?size=1&after={after}").ok()
        seen += page["items"]
        after = page["next"]
    assert seen == everything
