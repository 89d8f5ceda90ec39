"""Where a decision would lead, played with the values typed so far."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.db.tx import Database
from app.definition import service as definitions
from app.task import service
from app.task.route import Stop, route
from tests.support.office import NOW, Office, make_office
from tests.support.stored import everything


@pytest.fixture
def office(db: Database) -> Office:
    return make_office(db)


def told(office: Office, task: int, by: str = "mei", **values: Any) -> dict[Any, list[Any]]:
    """Return for each decision what comes, in short."""
    before = everything(office.db)
    ways = route(office.engine, office[by], task, values, now=NOW)
    assert everything(office.db) == before
    return {way.outcome: [short(stop) for stop in way.stops] for way in ways}


def short(stop: Stop) -> Any:
    if stop.kind == "decided":
        whom = [stop.assignee] if stop.assignee else list(stop.candidates.get("users", ()))
        return (stop.step, stop.rule, stop.approved, *whom)
    if stop.kind == "choice":
        return stop.options
    if stop.kind == "next" and stop.assignee:
        return f"{stop.step} by {stop.assignee}"
    return f"({stop.step})" if stop.kind == "later" else stop.step or stop.kind


def opened(
    office: Office,
    *steps: dict[str, Any],
    by: str = "zhao",
    settings: dict[str, Any] | None = None,
    **variables: Any,
) -> int:
    document = {"name": "Way", "key": "way", "version": "1", "steps": list(steps)}
    document |= {"settings": settings or {}}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    return office.task_of(office.start("way", by=by, **variables), "ask")


def ask(*following: Any, **config: Any) -> dict[str, Any]:
    return {
        "id": "ask",
        "type": "user_task",
        "config": {"assignee": "finance_team", **config},
        "next": list(following),
    }


def person(name: str, *following: str) -> dict[str, Any]:
    config = {"assignee": "li"}
    return {"id": name, "type": "user_task", "config": config, "next": list(following)}


def test_each_answer_has_its_way_until_one_is_given(office: Office) -> None:
    task = office.open_task()
    both = {"true": ["pay by li", "end"], "false": ["rework by zhao", "end"]}
    assert told(office, task) == both
    assert told(office, task, approved=True) == {"true": both["true"]}
    assert told(office, task, approved=False, amount="many") == {"false": both["false"]}


def test_each_outcome_has_its_way(office: Office) -> None:
    task = office.task_of(office.start("choice"), "decide")
    assert told(office, task) == {"left": ["left by li", "end"], "right": ["right by li", "end"]}


def test_conditions_are_asked_with_what_is_typed(office: Office) -> None:
    ways = [{"step": "boss", "when": "${amount > 1000}"}, "desk"]
    form = {"amount": "number"}
    task = opened(office, ask(*ways, form=form), person("boss"), person("desk"), amount=5000)
    assert told(office, task) == {None: ["boss by li", "end"]}
    assert told(office, task, amount=10) == {None: ["desk by li", "end"]}
    assert told(office, task, amount="x") == {None: ["boss by li", "end"]}


def test_what_lies_behind_a_choice_is_said_to_be_open(office: Office) -> None:
    task = opened(
        office,
        ask("second"),
        person("second", "third"),
        person("third", "a", "b"),
        person("a"),
        person("b"),
    )
    assert told(office, task) == {None: ["second by li", "(third)", ("a", "b")]}


def test_a_circle_is_followed_once(office: Office) -> None:
    outcomes = [{"id": "more", "next": "second"}, {"id": "stop", "next": "last"}]
    task = opened(office, ask(outcomes=outcomes), person("second", "ask"), person("last"))
    assert told(office, task) == {"more": ["second by li"], "stop": ["last by li", "end"]}


def test_a_job_is_where_it_goes_next(office: Office) -> None:
    call = {"id": "call", "type": "external_task", "config": {"topic": "t"}, "next": ["second"]}
    task = opened(office, ask("call"), call, person("second"))
    assert told(office, task) == {None: ["call", "(second)", "end"]}


def test_branches_side_by_side_are_all_told_and_a_join_too(office: Office) -> None:
    split = {"id": "split", "type": "parallel_gateway", "next": ["a", "b"]}
    join = {"id": "join", "type": "parallel_gateway", "next": ["last"]}
    steps = (split, person("a", "join"), person("b", "join"), join, person("last"))
    task = opened(office, ask("split"), *steps)
    assert told(office, task) == {None: ["a by li", "b by li"]}
    service.complete(office.engine, office["mei"], task, {}, now=NOW)
    with office.db.transaction() as tx:
        row = tx.run("select id from tasks where step = 'a'").fetchone()
    assert row is not None
    assert told(office, row["id"], by="li") == {None: ["join"]}


def test_the_end_and_an_incident_are_told(office: Office) -> None:
    task = opened(
        office,
        ask("wrong", form={"go": "string"}),
        {**person("wrong"), "config": {"assignee": "li", "priority": "${nothing.at_all * 2}"}},
    )
    assert told(office, task) == {None: ["wrong"]}
    (way,) = route(office.engine, office["mei"], task, {}, now=NOW)
    assert way.stops[0].kind == "stuck"
    (last,) = route(
        office.engine,
        office["li"],
        office.task_of(_paid(office), "pay"),
        {},
        now=NOW,
    )
    assert [stop.kind for stop in last.stops] == ["end"]


def _paid(office: Office) -> int:
    instance = office.start()
    task = office.task_of(instance, "approve")
    service.complete(office.engine, office["mei"], task, {"approved": True}, now=NOW)
    return instance


def test_an_outcome_that_wants_a_text_is_played_without_it(office: Office) -> None:
    outcomes = [
        {"id": "yes", "next": "good"},
        {"id": "no", "next": "bad", "requires": ["why"]},
        {"id": "later", "next": "bad", "requires": ["until"]},
    ]
    form = {"why": "text", "until": "date"}
    task = opened(office, ask(form=form, outcomes=outcomes), person("good"), person("bad"))
    shown = told(office, task)
    assert shown == {"yes": ["good by li", "end"], "no": ["bad by li", "end"], "later": []}
    assert told(office, task, until="2026-04-01")["later"] == ["bad by li", "end"]


def test_whoever_cannot_decide_is_told_nothing(office: Office) -> None:
    """What the values decide might be none of their business."""
    task = office.open_task()
    for by in ("zhao", "li", "root"):
        assert told(office, task, by=by) == {}
    service.claim(office.engine, office["wang"], task, now=NOW)
    assert told(office, task) == {}


def approval(name: str, who: Any, *following: str, **config: Any) -> dict[str, Any]:
    given = {"assignees": who} if isinstance(who, list) else {"assignee": who}
    config = {**given, "form": {"ok": "boolean"}, **config}
    return {"id": name, "type": "user_task", "config": config, "next": list(following)}


def test_what_a_rule_would_decide_is_told_as_that_and_what_comes_then(office: Office) -> None:
    steps = (
        approval("ask", "finance_team", "second", outcomes=None),
        approval("second", "mei", "both"),
        approval("both", ["mei", "li"], "own", mode="all"),
        approval("own", "zhao", "nobody", approval={"self_approval": "skip"}),
        approval("nobody", "nobody", "last", approval={"empty_assignee": "auto_reject"}),
        approval("last", "li"),
    )
    for each in steps:
        each["config"] = {k: v for k, v in each["config"].items() if v is not None}
    rules = {"duplicate_approver": "auto_approve_any"}
    task = opened(office, *steps, settings={"approval": rules})
    same = "duplicate_approver"
    decided = [("second", same, True, "mei"), ("both", same, True, "mei")]
    assert told(office, task)["true"] == [*decided, "both", "(own)", "(nobody)", "(last)", "end"]
    assert told(office, task)["false"] == ["second by mei", "(both)", *_LATER]
    done = service.complete(office.engine, office["mei"], task, {"ok": True}, now=NOW)
    (left,) = done.next
    assert (left["step"]["id"], left["assignee"]) == ("both", "li"), "as it was told"
    assert told(office, left["id"], by="li")["true"] == [
        ("own", "self_approval", True),
        ("nobody", "empty_assignee", False),
        ("last", same, True, "li"),
        "end",
    ]
    done = service.complete(office.engine, office["li"], left["id"], {"ok": True}, now=NOW)
    assert done.instance.status == "completed"


_LATER = ["(own)", "(nobody)", "(last)", "end"]
