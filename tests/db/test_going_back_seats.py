"""Going back where several people decide: one's own vote, and visits that are left."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError, Invalid
from app.runtime import service as runtime
from app.task import service
from tests.db.conftest import Lab
from tests.db.test_seats import FORM, get, kinds, seats, task_of, vote
from tests.support import stored


def begun(lab: Lab, assignees: Any, **config: Any) -> int:
    """Start something that zhao asks for and these people decide."""
    sign = {"form": FORM, "assignees": assignees, **config}
    lab.define(
        {"id": "ask", "type": "user_task", "config": {"assignee": "zhao"}, "next": ["sign"]},
        {"id": "sign", "type": "user_task", "config": sign, "next": ["yes", "no"]},
        {"id": "yes", "type": "user_task", "config": {"assignee": "root"}},
        {"id": "no", "type": "user_task", "config": {"assignee": "root"}},
    )
    instance = lab.start()
    task = lab.office.task_of(instance, "ask")
    service.complete(lab.engine, lab.office["zhao"], task, {}, now=lab.at)
    return instance


def recall(lab: Lab, instance: int, who: str) -> dict[str, Any]:
    task = task_of(lab, instance, who)
    again: dict[str, Any] = service.recall(lab.engine, lab.office[who], task, now=lab.at)
    stored.agrees(lab.db, instance)
    return again


def refused(lab: Lab, instance: int, who: str) -> dict[str, Any]:
    with pytest.raises(AppError) as caught:
        recall(lab, instance, who)
    assert caught.value.code == "gone_on"
    (way,) = caught.value.extra["in_the_way"]
    return dict(way)


def test_while_others_still_decide_it_is_the_own_vote_alone(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang", "li"])
    vote(lab, instance, "mei", approved=True, remark="Hm")
    vote(lab, instance, "wang", approved=True)
    again = recall(lab, instance, "mei")
    assert (again["state"], again["assignee"], again["completed_at"]) == ("claimed", "mei", None)
    assert seats(lab, instance) == {"mei": "claimed", "wang": "completed", "li": "claimed"}
    assert kinds(lab, instance)[-1] == "task.recalled"
    vote(lab, instance, "li", approved=True)
    vote(lab, instance, "mei", approved=True)
    assert lab.office.task_of(instance, "yes")


def test_one_after_the_other_the_next_one_must_not_have_begun(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang", "li"], mode="sequential")
    vote(lab, instance, "mei", approved=True)
    recall(lab, instance, "mei")
    assert seats(lab, instance) == {"mei": "claimed", "wang": "removed by None"}
    vote(lab, instance, "mei", approved=True)
    assert seats(lab, instance)["wang"] == "claimed"
    task, typed = task_of(lab, instance, "wang"), {"remark": "Well"}
    service.save_draft(lab.engine, lab.office["wang"], task, typed, now=lab.at)
    assert refused(lab, instance, "mei")["kind"] == "draft"
    vote(lab, instance, "wang", approved=True)
    assert refused(lab, instance, "mei")["by"] == "wang"
    vote(lab, instance, "li", approved=True)
    assert lab.office.task_of(instance, "yes")


def test_who_decided_last_takes_back_the_own_vote_alone(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang", "li"], mode="ratio", ratio=0.6)
    vote(lab, instance, "mei", approved=True, remark="Fine")
    lab.later(minutes=1)
    vote(lab, instance, "wang", approved=True, remark="So be it")
    tasks = {who: task_of(lab, instance, who) for who in ("mei", "wang", "li")}
    assert seats(lab, instance)["li"] == "decided by wang"
    way = refused(lab, instance, "mei")
    assert (way["kind"], way["by"], way["step"]) == ("vote", "wang", "sign")
    with stored.taken_back(lab.db):
        lab.later(minutes=31)
        with pytest.raises(AppError) as caught:
            recall(lab, instance, "wang")
        assert caught.value.code == "too_late"
        lab.later(minutes=-31)
    with stored.taken_back(lab.db):
        root = lab.office.task_of(instance, "yes")
        service.save_draft(lab.engine, lab.office["root"], root, {}, now=lab.at)
        assert refused(lab, instance, "wang")["kind"] == "draft"
    again = recall(lab, instance, "wang")
    assert (again["id"], again["state"], again["assignee"]) == (tasks["wang"], "claimed", "wang")
    assert seats(lab, instance) == {"mei": "completed", "wang": "claimed", "li": "claimed"}
    assert {who: task_of(lab, instance, who) for who in tasks} == tasks
    assert stored.state_of(lab.db, instance).variables == {}
    shown = get(lab, "li", tasks["li"])["visit"]
    assert (shown["approved"], shown["total"], shown["decided"]) == (1, 3, None)
    told = stored.rows(lab.db, "select username, event from notifications order by id desc limit 2")
    assert {(each["username"], each["event"]) for each in told} == {
        ("root", "withdrawn"),
        ("li", "task"),
    }
    ask = lab.office.task_of(instance, "ask")
    with pytest.raises(AppError) as caught:  # mei's vote stands on it
        service.recall(lab.engine, lab.office["zhao"], ask, now=lab.at)
    assert caught.value.code == "gone_on"
    recall(lab, instance, "mei")
    vote(lab, instance, "mei", approved=False)
    vote(lab, instance, "li", approved=True)
    vote(lab, instance, "wang", approved=True)
    assert stored.state_of(lab.db, instance).completed["sign"].seen()["approved"] == 2
    recall(lab, instance, "wang")
    assert seats(lab, instance) == {"mei": "completed", "wang": "claimed", "li": "completed"}


def test_one_after_the_other_the_last_ones_turn_comes_again(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang", "li"], mode="sequential")
    vote(lab, instance, "mei", approved=True)
    vote(lab, instance, "wang", approved=False)
    recall(lab, instance, "wang")
    assert seats(lab, instance) == {"mei": "completed", "wang": "claimed"}
    assert refused(lab, instance, "mei") == {
        "kind": "task",
        "step": "sign",
        "by": "wang",
        "at": None,
    }
    vote(lab, instance, "wang", approved=True)
    assert seats(lab, instance)["li"] == "claimed"


def test_what_one_alone_has_decided_for_all_is_open_again_for_all(lab: Lab) -> None:
    instance = begun(lab, ["mei", "group:finance_team"], mode="any", expand=False)
    task = task_of(lab, instance, "finance_team")
    service.complete(lab.engine, lab.office["wang"], task, {"approved": True}, now=lab.at)
    again = recall(lab, instance, "wang")
    assert (again["id"], again["assignee"], again["state"]) == (task, "wang", "claimed")
    assert seats(lab, instance) == {"mei": "claimed", "wang": "claimed"}
    assert kinds(lab, instance)[-1] != "incident.opened"
    vote(lab, instance, "mei", approved=True)
    recall(lab, instance, "mei")
    assert seats(lab, instance) == {"mei": "claimed", "wang": "claimed"}


def test_who_had_asked_others_asks_them_again(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang"], mode="any", allow=["add_signer", "recall"])
    task = task_of(lab, instance, "mei")
    service.add_signer(lab.engine, lab.office["mei"], task, ["li"], "before", now=lab.at)
    vote(lab, instance, "wang", approved=True)
    recall(lab, instance, "wang")
    assert (get(lab, "mei", task)["waits_for"], seats(lab, instance)["li"]) == (
        None,
        "decided by wang",
    )
    service.add_signer(lab.engine, lab.office["mei"], task, ["li"], "before", now=lab.at)
    assert seats(lab, instance)["li"] == "claimed"


def test_once_somebody_has_voted_it_is_withdrawn_with_a_reason(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang"])
    vote(lab, instance, "mei", approved=True)
    with pytest.raises(Invalid, match="Say why"):
        runtime.withdraw(lab.engine, lab.office["zhao"], instance, now=lab.at)


def test_a_visit_that_is_left_by_a_return_counts_no_more(lab: Lab) -> None:
    instance = begun(lab, ["mei", "wang", "li"])
    vote(lab, instance, "mei", approved=True)
    task = task_of(lab, instance, "wang")
    service.give_back(lab.engine, lab.office["wang"], task, "ask", comment="No", now=lab.at)
    stored.agrees(lab.db, instance)
    assert seats(lab, instance)["li"].startswith("No by")
    told = stored.rows(lab.db, "select username, event from notifications where text = 'No'")
    assert sorted((each["username"], each["event"]) for each in told) == [
        ("li", "ended"),
        ("zhao", "returned"),
    ]
    again = lab.office.task_of(instance, "ask")
    service.complete(lab.engine, lab.office["zhao"], again, {}, now=lab.at)
    shown = get(lab, "mei", task_of(lab, instance, "mei"))
    assert (shown["round"], shown["state"]) == (2, "claimed")
    assert [each["by"] for each in shown["returned"]["opinions"]][:1] == ["mei"]
    for who in ("mei", "wang", "li"):
        vote(lab, instance, who, approved=True)
    root = lab.office.task_of(instance, "yes")
    service.give_back(lab.engine, lab.office["root"], root, "sign", comment="Hm", now=lab.at)
    assert seats(lab, instance) == {"mei": "claimed", "wang": "claimed", "li": "claimed"}
    stored.agrees(lab.db, instance)
