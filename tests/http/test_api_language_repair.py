"""Moving, skipping, migrating, restarting, and many at once over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.history.record import verify
from tests.http.test_api_language import define, seen, start
from tests.support.pages import Pages
from tests.support.rest import Rest

TASK = {"id": "one", "type": "user_task", "config": {"assignee": "li"}, "next": ["two"]}
TWO = {"id": "two", "type": "user_task", "config": {"assignee": "li"}}
BROKEN = {
    "id": "choose",
    "type": "exclusive_gateway",
    "config": {"conditions": [{"expression": "${amount > 1000}", "next": "more"}]},
}
MORE = {"id": "more", "type": "user_task", "config": {"assignee": "li"}}


def standing(instance: Any) -> list[str]:
    return [token["step"]["id"] for token in instance["tokens"]]


def post(rest: Rest, path: str, who: str = "li", **body: Any) -> Any:
    return rest(who, "POST", path, body)


# One instance -------------------------------------------------------------------------


def test_a_token_is_moved_while_the_instance_is_suspended(rest: Rest) -> None:
    define(rest, "p", TASK, TWO)
    one = start(rest, "p")
    place, token = f"/process-instances/{one['id']}", one["tokens"][0]["id"]
    move = {"token": token, "to": "two", "reason": "the first is of no use"}
    post(rest, f"{place}/jump", **move).refused(409, "instance_running")
    post(rest, f"{place}/suspend").ok()
    assert standing(post(rest, f"{place}/jump", **move).ok()) == ["two"]
    assert [task["step"]["id"] for task in post(rest, f"{place}/activate").ok()["tasks"]] == ["two"]


def test_a_token_goes_only_where_its_process_has_a_step(rest: Rest) -> None:
    define(rest, "p", TASK, TWO)
    one = start(rest, "p")
    place, token = f"/process-instances/{one['id']}", one["tokens"][0]["id"]
    post(rest, f"{place}/suspend").ok()
    post(rest, f"{place}/jump", token=token, to="nowhere").refused(422, "cannot_jump")
    post(rest, f"{place}/jump", token=999, to="two").refused(404, "token_not_found")
    assert standing(seen(rest, one["id"])) == ["one"]


def test_a_step_is_skipped_and_its_task_withdrawn(rest: Rest) -> None:
    define(rest, "p", TASK, TWO)
    one = start(rest, "p")
    token = one["tokens"][0]["id"]
    after = post(rest, f"/process-instances/{one['id']}/skip", token=token, reason="known").ok()
    assert standing(after) == ["two"]
    old = one["tasks"][0]["id"]
    assert rest("li", "GET", f"/tasks/{old}").ok()["state"] == "cancelled"
    events = rest("li", "GET", f"/process-instances/{one['id']}/history").ok()["items"]
    assert any((event["data"] or {}).get("reason") == "known" for event in events)


def test_what_people_choose_an_operator_chooses_by_an_outcome(rest: Rest) -> None:
    one = rest.office.start("choice")
    place = f"/process-instances/{one}/skip"
    token = seen(rest, one)["tokens"][0]["id"]
    post(rest, place, token=token, outcome="up").refused(422, "unknown_outcome")
    assert standing(post(rest, place, token=token, outcome="right").ok()) == ["right"]


def test_an_incident_is_skipped_once(rest: Rest) -> None:
    define(rest, "b", BROKEN, MORE, variables={"amount": "number"})
    call = {"id": "call", "type": "service_task", "config": {"service_name": "X", "method": "y"}}
    define(rest, "c", {**call, "next": ["two"]}, TWO)
    one = start(rest, "c")
    (incident,) = one["incidents"]
    after = post(rest, f"/incidents/{incident['id']}/skip", reason="done by hand").ok()
    assert (standing(after), after["incidents"]) == (["two"], [])
    post(rest, f"/incidents/{incident['id']}/skip").refused(409, "incident_over")
    post(rest, "/incidents/999999/skip").refused(404, "incident_not_found")


def test_a_preview_says_what_a_migration_would_do_and_the_migration_does_it(rest: Rest) -> None:
    define(rest, "p", TASK, TWO)
    one = start(rest, "p")
    place = f"/process-instances/{one['id']}/migrate"
    renamed = {**TASK, "id": "first"}
    new = rest(
        "root",
        "POST",
        "/process-definitions",
        {"name": "p", "key": "p", "version": "2", "steps": [renamed, TWO]},
    ).ok(201)["id"]
    plan = post(rest, place, process_definition_id=new, preview=True).ok()
    (fate,) = plan["tokens"]
    assert (plan["possible"], plan["instance"], fate["problem"]) == (False, None, "no_step")
    problem = post(rest, place, process_definition_id=new).refused(409, "cannot_migrate")
    assert [token["step"] for token in problem["tokens"]] == ["one"]
    body = {"process_definition_id": new, "steps": {"one": "first"}, "reason": "renamed"}
    done = post(rest, place, **body).ok()
    assert done["instance"]["definition"]["version"] == "2"
    assert standing(done["instance"]) == ["first"]
    assert done["instance"]["tasks"][0]["step"]["id"] == "first"


def test_an_instance_goes_only_to_a_version_of_its_own_definition(rest: Rest) -> None:
    define(rest, "p", TASK, TWO)
    other = define(rest, "q", TASK, TWO)
    one = start(rest, "p")
    place = f"/process-instances/{one['id']}/migrate"
    post(rest, place, process_definition_id=other).refused(422, "other_definition")
    post(rest, place, process_definition_id=999_999).refused(404, "definition_not_found")


def test_what_has_ended_starts_anew_with_the_same_values(rest: Rest) -> None:
    one = rest.office.start(amount=7)
    place = f"/process-instances/{one}"
    rest("zhao", "POST", f"{place}/restart").refused(409, "instance_not_ended")
    rest("li", "DELETE", place).ok()
    answer = rest("zhao", "POST", f"{place}/restart")
    made = answer.ok(201)
    assert answer.headers["Location"] == f"/api/v1/process-instances/{made['id']}"
    assert made["id"] != one
    assert (made["business_key"], made["variables"]["amount"]) == ("R-1", 7)
    assert rest("stranger", "POST", f"{place}/restart").status == 404


@pytest.mark.parametrize("member", ["reason", "comment"])
def test_both_histories_tell_why_one_was_started_anew(rest: Rest, member: str) -> None:
    old = rest.office.start(amount=7)
    rest("li", "DELETE", f"/process-instances/{old}").ok()
    new = rest("zhao", "POST", f"/process-instances/{old}/restart", {member: " Once more "}).ok(201)
    for each in (old, new["id"]):
        told = rest("zhao", "GET", f"/process-instances/{each}/history").ok()["items"][-1]
        assert (told["kind"], told["actor"]) == ("instance.restarted", "zhao")
        assert told["data"] == {"from": old, "to": new["id"], "reason": "Once more"}
        with rest.office.db.transaction() as tx:
            assert verify(tx, each) is None


def test_a_reason_to_start_anew_that_is_too_long_starts_nothing(rest: Rest) -> None:
    old = rest.office.start(amount=7)
    rest("li", "DELETE", f"/process-instances/{old}").ok()
    body = {"reason": "x" * 2001}
    rest("zhao", "POST", f"/process-instances/{old}/restart", body).refused(422, "invalid_reason")
    assert rest("zhao", "GET", "/process-instances").ok()["total"] == 1


def test_a_family_is_told_on_both_sides(rest: Rest) -> None:
    define(rest, "child", TASK, TWO)
    call = {"id": "call", "type": "call_activity", "config": {"process_key": "child"}}
    define(rest, "parent", call)
    one = start(rest, "parent")
    (child,) = one["children"]
    assert (child["definition_key"], child["status"]) == ("child", "running")
    (token,) = one["tokens"]
    assert token["waiting_for"] == "child"
    assert token["awaits"] == [{"kind": "child", "boundary": None, "child_id": child["id"]}]
    assert seen(rest, child["id"])["parent_id"] == one["id"]


def test_a_child_is_shown_to_nobody_who_may_not_see_it(
    rest: Rest, browser: Callable[[str | None], Pages]
) -> None:
    define(rest, "child", TASK, TWO)
    first = {"id": "first", "type": "user_task", "config": {"assignee": "mei"}, "next": ["call"]}
    call = {"id": "call", "type": "call_activity", "config": {"process_key": "child"}}
    define(rest, "parent", first, call)
    one = start(rest, "parent")
    post(rest, f"/tasks/{one['tasks'][0]['id']}/complete", "mei").ok()
    url = f"/process-instances/{one['id']}"
    (child,) = rest("li", "GET", url).ok()["children"]
    assert rest("mei", "GET", url).ok()["children"] == []
    link = f'href="/instances/{child["id"]}"'
    assert link in browser("li").get(f"/instances/{one['id']}").ok().text
    page = browser("mei").get(f"/instances/{one['id']}").ok().says("Waits for another process")
    assert link not in page.text


def test_a_clock_and_what_is_attached_to_a_step_are_told(rest: Rest) -> None:
    wait = {"id": "wait", "type": "timer", "config": {"after": "2h"}, "next": ["race"]}
    race = {
        "id": "race",
        "type": "event_gateway",
        "config": {
            "events": [
                {"on": "message", "message": "go", "next": "two"},
                {"on": "timer", "after": "1d", "next": "two"},
            ]
        },
    }
    define(rest, "clock", wait, race, TWO)
    one = start(rest, "clock")
    (token,) = one["tokens"]
    (awaited,) = token["awaits"]
    assert (token["waiting_for"], awaited["kind"]) == ("timer", "timer")
    assert awaited["due_at"] == "2026-03-02T11:00:00Z"
    skipped = post(rest, f"/process-instances/{one['id']}/skip", token=token["id"]).ok()
    (token,) = skipped["tokens"]
    assert token["waiting_for"] == "event"
    assert [(each["kind"], each["boundary"]) for each in token["awaits"]] == [
        ("message", 0),
        ("timer", 1),
    ]


# Many at once -------------------------------------------------------------------------


def batch(rest: Rest, who: str = "li", **body: Any) -> Any:
    return rest(who, "POST", "/process-instances/batch", body).ok()


def test_many_are_started_and_each_is_judged_for_itself(rest: Rest) -> None:
    good = {"process_definition_key": "request", "variables": {"amount": 1}}
    wrong = {"process_definition_key": "request", "variables": {"amount": "much"}}
    missing = {"process_definition_key": "nothing"}
    told = batch(rest, "zhao", action="start", instances=[good, wrong, missing, {}, good])
    assert (told["done"], told["failed"]) == (2, 3)
    assert [result["status"] for result in told["results"]] == [200, 422, 404, 422, 200]
    assert told["results"][1]["problem"]["code"] == "invalid_variables"
    assert rest("zhao", "GET", "/process-instances").ok()["total"] == 2


@pytest.mark.parametrize(
    ("action", "status"),
    [("suspend", "suspended"), ("activate", "running"), ("terminate", "terminated")],
)
def test_many_are_steered(rest: Rest, action: str, status: str) -> None:
    ids = [rest.office.start(), rest.office.start()]
    told = batch(rest, action=action, ids=[*ids, 999_999], reason="audit")
    assert [(result["id"], result["ok"]) for result in told["results"]] == [
        (ids[0], True),
        (ids[1], True),
        (999_999, False),
    ]
    assert {seen(rest, one)["status"] for one in ids} == {status}


def test_who_may_not_steer_steers_none_of_many(rest: Rest) -> None:
    one = rest.office.start()
    told = batch(rest, "zhao", action="terminate", ids=[one])
    assert told["results"][0]["problem"]["code"] == "forbidden"
    assert seen(rest, one)["status"] == "running"


def test_a_repeated_batch_with_a_key_is_done_once(rest: Rest) -> None:
    good = {"process_definition_key": "request"}
    body = {"action": "start", "instances": [good, {"process_definition_key": "nothing"}, good]}
    key = {"Idempotency-Key": "b-1"}
    first = rest("zhao", "POST", "/process-instances/batch", body, headers=key).ok()
    again = rest("zhao", "POST", "/process-instances/batch", body, headers=key).ok()
    assert first == again
    assert (first["done"], rest("zhao", "GET", "/process-instances").ok()["total"]) == (2, 2)


def test_many_incidents_are_tried_again_by_definition_or_by_id(rest: Rest) -> None:
    broken = define(rest, "b", BROKEN, MORE, variables={"amount": "number"})
    ones = [start(rest, "b"), start(rest, "b")]
    for one in ones:
        values = {"variables": {"amount": 5000}}
        rest("li", "PATCH", f"/process-instances/{one['id']}/variables", values).ok()
    told = rest("li", "POST", "/incidents/batch-retry", {"process_definition_id": broken}).ok()
    assert told["done"] == 2
    assert {tuple(standing(seen(rest, one["id"]))) for one in ones} == {("more",)}
    ids = [one["incidents"][0]["id"] for one in ones]
    told = rest("li", "POST", "/incidents/batch-retry", {"ids": ids}).ok()
    assert [result["problem"]["code"] for result in told["results"]] == ["incident_over"] * 2


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/process-instances/batch", {}, "/action"),
        ("/process-instances/batch", {"action": "start"}, "/instances"),
        ("/process-instances/batch", {"action": "start", "ids": [1]}, "/instances"),
        ("/process-instances/batch", {"action": "suspend", "instances": [{}]}, "/ids"),
        ("/process-instances/batch", {"action": "suspend", "ids": []}, "/ids"),
        ("/process-instances/batch", {"action": "suspend", "ids": [0]}, "/ids/0"),
        ("/process-instances/batch", {"action": "suspend", "ids": [1] * 501}, "/ids"),
        ("/process-instances/batch", {"action": "explode", "ids": [1]}, "/action"),
        ("/incidents/batch-retry", {}, "/ids"),
        ("/incidents/batch-retry", {"ids": [1], "process_definition_id": 1}, "/ids"),
        ("/incidents/batch-retry", {"ids": [1] * 201}, "/ids"),
        ("/process-instances/1/jump", {"token": 1}, "/to"),
        ("/process-instances/1/jump", {"token": "1", "to": "a"}, "/token"),
        ("/process-instances/1/skip", {"token": 2**63}, "/token"),
        ("/process-instances/1/migrate", {"process_definition_id": 1, "steps": 7}, "/steps"),
        ("/process-instances/1/migrate", {"process_definition_id": 1, "preview": 1}, "/preview"),
        ("/process-instances/1/restart", {"comment": 7}, "/comment"),
        ("/messages", {}, "/name"),
        ("/messages", {"name": "x", "ttl": "soon"}, "/ttl"),
        ("/messages", {"name": "x", "ttl": 60}, "/ttl"),
        ("/messages", {"name": "x", "ttl": "P1M"}, "/ttl"),
        ("/messages", {"name": "x" * 256}, "/name"),
        ("/messages", {"name": "x", "variables": []}, "/variables"),
        ("/external-tasks/fetch-and-lock", {"topics": ["a"]}, "/worker_id"),
        ("/external-tasks/fetch-and-lock", {"worker_id": "", "topics": ["a"]}, "/worker_id"),
        ("/external-tasks/fetch-and-lock", {"worker_id": "w", "topics": []}, "/topics"),
        (
            "/external-tasks/fetch-and-lock",
            {"worker_id": "w", "topics": ["a"], "wait": "31s"},
            "/wait",
        ),
        (
            "/external-tasks/fetch-and-lock",
            {"worker_id": "w", "topics": ["a"], "max_tasks": 0},
            "/max_tasks",
        ),
        ("/external-tasks/1/complete", {}, "/worker_id"),
        ("/external-tasks/1/fail", {"worker_id": "w"}, "/code"),
        ("/external-tasks/1/extend", {"worker_id": "w"}, "/lock"),
        ("/external-tasks/1/unlock", {"worker_id": "w", "x": 1}, "/x"),
    ],
)
def test_wrong_members_are_named(rest: Rest, path: str, body: Any, pointer: str) -> None:
    problem = rest("root", "POST", path, body).refused(422, "invalid_body")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all("%(" not in error["message"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/messages", {"name": " "}, "name"),
        ("/messages", {"name": "x", "ttl": "400d"}, "ttl"),
        (
            "/external-tasks/fetch-and-lock",
            {"worker_id": "w", "topics": ["a"], "lock": "25h"},
            "lock",
        ),
    ],
)
def test_values_that_mean_nothing_are_named(rest: Rest, path: str, body: Any, field: str) -> None:
    answer = rest("root", "POST", path, body)
    assert answer.status == 422, answer.text
    assert [error.get("field") for error in answer.body["errors"]] == [field]
