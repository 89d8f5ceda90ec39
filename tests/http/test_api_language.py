"""Messages, work elsewhere, dry runs and the format's schema over REST."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.rest import Rest
from tests.support.until import until

ONE = {
    "id": "work",
    "type": "external_task",
    "config": {"topic": "print", "input": {"text": "${text}"}, "output": {"pages": "${result.n}"}},
}


def define(rest: Rest, key: str, *steps: Mapping[str, Any], **more: Any) -> int:
    body = {"name": key, "key": key, "version": "1", "steps": list(steps), **more}
    return int(rest("root", "POST", "/process-definitions", body).ok(201)["id"])


def start(rest: Rest, key: str, **variables: Any) -> Any:
    body = {"process_definition_key": key, "variables": variables}
    return rest("root", "POST", "/process-instances", body).ok(201)


def seen(rest: Rest, instance_id: int) -> Any:
    return rest("root", "GET", f"/process-instances/{instance_id}").ok()


def fetch(rest: Rest, **more: Any) -> Any:
    body = {"worker_id": "w", "topics": ["print"], **more}
    return rest("root", "POST", "/external-tasks/fetch-and-lock", body).ok()["items"]


def act(rest: Rest, task: int, verb: str, **body: Any) -> Any:
    sent = {"worker_id": "w", **body}
    return rest("root", "POST", f"/external-tasks/{task}/{verb}", sent)


# Messages -----------------------------------------------------------------------------


RECEIVE = {
    "id": "get",
    "type": "receive_message",
    "config": {"message": "paid", "correlate": "${order}", "output": {"sum": "${result.sum}"}},
}


def test_a_message_reaches_who_awaits_it(rest: Rest) -> None:
    define(rest, "r", RECEIVE)
    one = start(rest, "r", order="A-1")
    (token,) = one["tokens"]
    assert (token["waiting_for"], token["since"]) == ("message", one["started_at"])
    assert token["awaits"] == [
        {"kind": "message", "boundary": None, "message": "paid", "correlation_key": "A-1"}
    ]
    body = {"name": "paid", "correlation_key": "A-1", "variables": {"sum": Decimal("0.10")}}
    sent = rest("root", "POST", "/messages", body).ok()
    assert (sent["instance_id"], sent["started"], sent["kept_until"]) == (one["id"], False, None)
    after = seen(rest, one["id"])
    assert after["status"] == "completed"
    assert str(after["variables"]["sum"]) == "0.10"


def test_a_message_that_nobody_awaits_is_kept_for_its_ttl(rest: Rest) -> None:
    sent = rest("root", "POST", "/messages", {"name": "paid", "ttl": "1h30m"}).ok()
    assert sent["instance_id"] is None
    until_ = (rest.clock.at + timedelta(minutes=90)).isoformat().replace("+00:00", "Z")
    assert sent["kept_until"] == until_


def test_a_message_starts_what_begins_with_it(rest: Rest) -> None:
    task = {"id": "w", "type": "user_task", "config": {"assignee": "li"}}
    define(rest, "s", task, start={"message": "order"})
    sent = rest("root", "POST", "/messages", {"name": "order", "correlation_key": "A-7"}).ok()
    assert sent["started"] is True
    assert seen(rest, sent["instance_id"])["business_key"] == "A-7"


def test_a_repeated_message_with_a_key_is_sent_once(rest: Rest) -> None:
    body, key = {"name": "paid", "correlation_key": "k"}, {"Idempotency-Key": "m-1"}
    first = rest("root", "POST", "/messages", body, headers=key)
    again = rest("root", "POST", "/messages", body, headers=key)
    assert first.ok() == again.ok()
    assert again.headers["Idempotent-Replayed"] == "true"


# Work elsewhere -----------------------------------------------------------------------


def test_a_worker_elsewhere_takes_work_and_completes_it(rest: Rest) -> None:
    define(rest, "x", ONE)
    one = start(rest, "x", text="hello")
    (task,) = fetch(rest, lock="2m")
    assert (task["topic"], task["step"], task["input"]) == ("print", "work", {"text": "hello"})
    assert task["process_instance_id"] == one["id"]
    until_ = (rest.clock.at + timedelta(minutes=2)).isoformat().replace("+00:00", "Z")
    assert task["locked_until"] == until_
    assert fetch(rest, worker_id="other") == []
    assert act(rest, task["id"], "complete", result={"n": 3}).status == 204
    assert seen(rest, one["id"])["variables"]["pages"] == 3
    act(rest, task["id"], "complete", result={"n": 4}).refused(409, "lock_lost")


def test_only_who_holds_the_lock_may_use_it(rest: Rest) -> None:
    define(rest, "x", ONE)
    start(rest, "x", text="")
    (task,) = fetch(rest)
    for verb, more in (
        ("complete", {}),
        ("fail", {"code": "no_paper"}),
        ("extend", {"lock": "1m"}),
        ("unlock", {}),
    ):
        act(rest, task["id"], verb, worker_id="other", **more).refused(409, "lock_lost")
    assert act(rest, 999_999, "unlock").status == 404


def test_work_can_be_kept_for_longer_and_given_back(rest: Rest) -> None:
    define(rest, "x", ONE)
    start(rest, "x", text="")
    (task,) = fetch(rest, lock="1m")
    rest.clock.pass_(seconds=30)
    kept = act(rest, task["id"], "extend", lock="1h").ok()
    until_ = (rest.clock.at + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert kept == {"id": task["id"], "locked_until": until_}
    assert act(rest, task["id"], "unlock").status == 204
    (again,) = fetch(rest, worker_id="other")
    assert (again["id"], again["failures"]) == (task["id"], 0)


def test_a_business_failure_is_an_incident_at_once(rest: Rest) -> None:
    define(rest, "x", ONE)
    one = start(rest, "x", text="")
    (task,) = fetch(rest)
    failed = act(rest, task["id"], "fail", code="no_paper", message="Empty", business=True)
    assert failed.status == 204
    (incident,) = seen(rest, one["id"])["incidents"]
    assert incident["kind"] == "job_failed"
    assert incident["detail"]["code"] == "no_paper"


def test_another_failure_is_tried_again_later(rest: Rest) -> None:
    define(rest, "x", ONE)
    one = start(rest, "x", text="")
    (task,) = fetch(rest)
    assert act(rest, task["id"], "fail", code="jam").status == 204
    assert seen(rest, one["id"])["incidents"] == []
    assert fetch(rest) == []
    rest.clock.pass_(minutes=5)
    (again,) = fetch(rest)
    assert (again["attempt"], again["failures"]) == (2, 1)


def test_a_request_may_wait_for_work(demo: Rest) -> None:
    rest = demo
    define_on(rest, "x", ONE)
    found: list[Any] = []
    body = {"worker_id": "w", "topics": ["print"], "wait": "20s"}

    def ask() -> None:
        answer = rest("admin", "POST", "/external-tasks/fetch-and-lock", body)
        found.extend(answer.ok()["items"])

    asking = threading.Thread(target=ask)
    asking.start()
    begin = {"process_definition_key": "x", "variables": {"text": "late"}}
    rest("admin", "POST", "/process-instances", begin).ok(201)
    until(lambda: bool(found))
    asking.join(30)
    assert [task["input"] for task in found] == [{"text": "late"}]


def test_twenty_workers_never_get_the_same_task(demo: Rest) -> None:
    rest, workers, tasks = demo, 20, 60
    define_on(rest, "x", ONE)
    begin = {"process_definition_key": "x", "variables": {"text": ""}}
    batch = {"action": "start", "instances": [begin] * tasks}
    made = rest("admin", "POST", "/process-instances/batch", batch).ok()
    assert made["done"] == tasks
    rest.token("admin")
    gate = threading.Barrier(workers)

    def work(number: int) -> list[int]:
        gate.wait(30)
        body = {"worker_id": f"w{number}", "topics": ["print"], "max_tasks": 2}
        mine: list[int] = []
        while items := rest("admin", "POST", "/external-tasks/fetch-and-lock", body).ok()["items"]:
            mine += [item["id"] for item in items]
        return mine

    with ThreadPoolExecutor(workers) as pool:
        ids = [task for mine in pool.map(work, range(workers)) for task in mine]
    assert (len(ids), len(set(ids))) == (tasks, tasks)


def define_on(rest: Rest, key: str, *steps: Mapping[str, Any]) -> None:
    body = {"name": key, "key": key, "version": "1", "steps": list(steps)}
    rest("admin", "POST", "/process-definitions", body).ok(201)


# Dry runs -----------------------------------------------------------------------------


TRY: dict[str, Any] = {
    "name": "Try",
    "version": "1",
    "variables": {"amount": {"type": "number", "required": True}},
    "steps": [
        {
            "id": "ask",
            "type": "user_task",
            "config": {"assignee": "li", "form": {"ok": {"type": "boolean", "required": True}}},
            "next": ["good", "bad"],
        },
        {"id": "good", "type": "end", "config": {"code": "good"}},
        {"id": "bad", "type": "end", "config": {"result": "cancelled"}},
    ],
}
SCENARIO: dict[str, Any] = {
    "start": {"variables": {"amount": Decimal("1.10")}},
    "answers": [{"step": "ask", "by": "li", "values": {"ok": True}}],
}


def simulate(rest: Rest, scenario: Any = SCENARIO, **more: Any) -> Any:
    body = {**TRY, **more} | ({"scenario": scenario} if scenario is not None else {})
    return rest("li", "POST", "/process-definitions/simulate", body)


def test_a_dry_run_says_how_it_went_and_stores_nothing(rest: Rest) -> None:
    before = rest("root", "GET", "/process-definitions").ok()["total"]
    told = simulate(rest).ok()
    assert told["path"] == ["ask", "good"]
    assert (told["status"], told["result"]) == ("completed", "good")
    assert str(told["variables"]["amount"]) == "1.10"
    assert (told["waiting"], told["incidents"]) == ([], [])
    assert rest("root", "GET", "/process-definitions").ok()["total"] == before
    assert rest("root", "GET", "/process-instances").ok()["total"] == 0


def test_a_dry_run_may_end_where_it_waits(rest: Rest) -> None:
    told = simulate(rest, {"start": SCENARIO["start"]}).ok()
    assert told["status"] == "running"
    assert told["waiting"] == [{"step": "ask", "kind": "task"}]


def test_a_dry_run_takes_the_envelope_of_a_create(rest: Rest) -> None:
    inner = {name: value for name, value in TRY.items() if name not in ("name", "version")}
    body = {"name": "Try", "version": "1", "config": inner, "scenario": SCENARIO}
    assert rest("li", "POST", "/process-definitions/simulate", body).ok()["path"] == ["ask", "good"]


def test_a_definition_with_errors_is_refused_with_its_findings_in_their_places(rest: Rest) -> None:
    text = (
        '{"name": "Broken", "version": "1",\n "scenario": {"answers":\n []},\n'
        ' "steps": [{"id": "a", "type": "nothing"}]}'
    )
    answer = rest("li", "POST", "/process-definitions/simulate", text=text)
    (finding,) = answer.refused(422, "definition_invalid")["findings"]
    assert (finding["code"], finding["line"]) == ("unsupported_type", 4)


@pytest.mark.parametrize(
    ("scenario", "field"),
    [
        ({}, "start.variables.amount"),
        ({"start": {"variables": {"amount": "much"}}}, "start.variables.amount"),
        ({"start": []}, "start.variables.amount"),
        ({"start": {**SCENARIO["start"], "at": "soon"}}, "start"),
        ({**SCENARIO, "answres": []}, "answres"),
        ({**SCENARIO, "answers": {}}, "start"),
        ({**SCENARIO, "answers": [7]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "nowhere"}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "good"}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "values": {}}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "after": "soon", "values": {}}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "fires": True}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "message": {}}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "child": {}}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "jump": "nowhere"}]}, "answers[0]"),
        ({**SCENARIO, "answers": [{"step": "ask", "of": True, "skip": "x"}]}, "answers[0]"),
        ({**SCENARIO, "answers": SCENARIO["answers"] * 2}, "answers[1]"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_at_its_place(
    rest: Rest, scenario: Any, field: str
) -> None:
    problem = simulate(rest, scenario).refused(422, "bad_scenario")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("scenario", [None, 7, [], "x"])
def test_a_dry_run_needs_a_scenario(rest: Rest, scenario: Any) -> None:
    problem = simulate(rest, scenario).refused(422, "invalid_body")
    assert problem["errors"][0]["pointer"] == "/scenario"


def test_anybody_may_have_the_schema_of_the_format(rest: Rest) -> None:
    schema = rest(None, "GET", "/process-definitions/format.schema.json").ok()
    assert schema["$schema"].endswith("2020-12/schema")
    assert "external_task" in schema["$defs"]["step"]["properties"]["type"]["enum"]
