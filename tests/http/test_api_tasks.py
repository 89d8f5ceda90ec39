"""Tasks over REST."""

from __future__ import annotations

import pytest

from tests.support.rest import Rest


@pytest.fixture
def task(rest: Rest) -> int:
    return rest.office.open_task(amount=5)


def test_lists_of_the_manual(rest: Rest, task: int) -> None:
    offered = rest("mei", "GET", "/tasks?candidate_user=current_user").ok()
    assert [item["id"] for item in offered["items"]] == [task]
    assert rest("mei", "GET", "/tasks?assignee=current_user").ok()["total"] == 0
    rest("mei", "PUT", f"/tasks/{task}/claim").ok()
    assert rest("mei", "GET", "/tasks?assignee=current_user").ok()["total"] == 1


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_claim_release_complete(rest: Rest, task: int, method: str) -> None:
    one = f"/tasks/{task}"
    claimed = rest("mei", method, f"{one}/claim").ok()
    assert (claimed["state"], claimed["assignee"]) == ("claimed", "mei")
    assert rest("mei", method, f"{one}/claim").ok()["state"] == "claimed"
    assert rest("mei", method, f"{one}/release", {"comment": "later"}).ok()["state"] == "open"
    body = {"variables": {"approved": True, "comments": "审批通过"}}
    done = rest("mei", method, f"{one}/complete", body).ok()
    assert (done["state"], done["completed_by"]) == ("completed", "mei")
    assert done["instance"]["status"] == "running"
    assert isinstance(done["next"], list)


def test_the_task_shows_its_form_and_what_may_be_done(rest: Rest, task: int) -> None:
    body = rest("mei", "GET", f"/tasks/{task}").ok()
    assert [field["name"] for field in body["form"]] == ["approved", "comments", "amount"]
    assert "claim" in body["allowed"]
    assert body["values"]["amount"] == 5


def test_wrong_and_unknown_values_are_named_and_nothing_changes(rest: Rest, task: int) -> None:
    body = {"variables": {"approved": "yes", "colour": "red"}}
    problem = rest("mei", "PUT", f"/tasks/{task}/complete", body).body
    assert problem["status"] == 422
    assert {error["field"] for error in problem["errors"]} == {"approved", "colour"}
    assert rest("mei", "GET", f"/tasks/{task}").ok()["state"] == "open"


def test_claimed_by_someone_else_is_named(rest: Rest, task: int) -> None:
    rest("mei", "PUT", f"/tasks/{task}/claim").ok()
    answer = rest("wang", "PUT", f"/tasks/{task}/claim")
    problem = answer.refused(409, "claimed_by_other")
    assert "mei" in answer.text
    assert problem["detail"]


def test_completing_twice_says_who_and_when(rest: Rest, task: int) -> None:
    body = {"variables": {"approved": True}}
    rest("mei", "PUT", f"/tasks/{task}/complete", body).ok()
    answer = rest("wang", "PUT", f"/tasks/{task}/complete", body)
    answer.refused(409, "already_completed")
    assert "mei" in answer.text


def test_completing_while_suspended_is_refused(rest: Rest, task: int) -> None:
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    rest("li", "PUT", f"/process-instances/{instance}/suspend").ok()
    body = {"variables": {"approved": True}}
    rest("mei", "PUT", f"/tasks/{task}/complete", body).refused(409, "instance_suspended")


def test_someone_else_s_task_is_not_there(rest: Rest, task: int) -> None:
    assert rest("stranger", "GET", f"/tasks/{task}").status == 404
    assert rest("stranger", "PUT", f"/tasks/{task}/claim").status == 404


def test_who_sees_it_but_is_no_candidate_may_not(rest: Rest, task: int) -> None:
    assert rest("li", "PUT", f"/tasks/{task}/claim").status == 403


def test_tasks_without_a_plain_choice_list_their_outcomes(rest: Rest) -> None:
    instance = rest.office.start("choice")
    task = rest.office.task_of(instance, "decide")
    problem = rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": {}}).body
    assert problem["status"] == 422
    assert "left" in str(problem)
    assert "right" in str(problem)
    body = {"variables": {}, "outcome": "right"}
    assert rest("mei", "PUT", f"/tasks/{task}/complete", body).ok()["outcome"] == "right"
