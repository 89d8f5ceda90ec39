"""A manager decides a seat that was not theirs: it is told as such, and is no vote."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Invalid
from app.history import queries as history
from app.task import service
from app.task.inbox import inbox
from tests.db.conftest import Lab
from tests.db.test_seats import define, get, kinds, result, seats, task_of, vote
from tests.support import stored


def take(lab: Lab, instance: int, whose: str, by: str = "root") -> int:
    """Let a manager take somebody's seat; return the task."""
    task = task_of(lab, instance, whose)
    service.assign(lab.engine, lab.office[by], task, by, now=lab.at)
    return task


def hint(lab: Lab, task: int, who: str = "root") -> str | None:
    said: str | None = get(lab, who, task)["visit"]["as_manager"]
    return said


@pytest.mark.parametrize(
    ("config", "votes", "ends"),
    [
        ({}, {"root": False, "mei": True, "li": True}, "yes"),
        ({}, {"mei": True, "li": True, "root": False}, "yes"),
        ({"mode": "any"}, {"root": False, "mei": True}, "yes"),
        ({"mode": "ratio", "ratio": 0.5}, {"mei": True, "root": False}, "yes"),
        ({"on_reject": "after_all"}, {"mei": False, "root": True, "li": True}, "no"),
    ],
)
def test_the_others_decide_without_the_seat(
    lab: Lab, config: dict[str, Any], votes: dict[str, bool], ends: str
) -> None:
    define(lab, ["mei", "wang", "li"], **config)
    instance = lab.start()
    task = take(lab, instance, "wang")
    assert hint(lab, task) == "not_counted"
    for who, approved in votes.items():
        assert result(lab, instance) is None
        done = vote(lab, instance, who, approved, remark=who)
    assert result(lab, instance) == ends
    assert done.counts is not None
    assert done.counts["total"] == 2
    kept = stored.agrees(lab.db, instance)
    said = kept.completed["sign"].seen()
    assert [each["user"] for each in said["votes"] if not each["counted"]] == ["root"]
    assert said["approved"] + said["rejected"] == len(votes) - 1
    assert kept.variables["remark"] != "root"
    withdrawn = [end for end in seats(lab, instance).values() if " by " in end]
    assert all(each == "decided by mei" for each in withdrawn)


def test_one_after_the_other_the_next_has_the_turn(lab: Lab) -> None:
    define(lab, ["mei", "li"], mode="sequential")
    instance = lab.start()
    take(lab, instance, "mei")
    vote(lab, instance, "root", False)
    assert seats(lab, instance) == {"root": "completed", "li": "claimed"}
    shown = get(lab, "li", task_of(lab, instance, "li"))["visit"]
    assert (shown["total"], shown["rejected"], shown["as_manager"]) == (1, 0, None)
    assert [each["counted"] for each in shown["seats"]] == [False, True]
    vote(lab, instance, "li", True)
    assert result(lab, instance) == "yes"


def test_it_is_the_decision_where_nobody_else_has_a_say(lab: Lab) -> None:
    define(lab, ["mei", "wang"])
    instance = lab.start()
    take(lab, instance, "mei")
    vote(lab, instance, "root", True)
    task = take(lab, instance, "wang", by="li")
    assert hint(lab, task, "li") == "decides"
    vote(lab, instance, "li", False, remark="No budget")
    assert result(lab, instance) == "no"
    kept = stored.agrees(lab.db, instance)
    assert kept.variables == {"approved": False, "remark": "No budget"}
    said = kept.completed["sign"].seen()
    assert (said["completed_by"], said["approved"], said["total"]) == ("li", 0, 0)
    lines = [
        line["data"]["votes"]["total"]
        for line in history.events(lab.db, lab.office["root"], instance)
        if line["kind"] == "task.voted" and line["data"]["counted"] is False
    ]
    assert lines == [1, 0]


def test_one_manager_decides_for_all_of_them_but_not_beside_a_vote(lab: Lab) -> None:
    define(lab, ["mei", "wang", "li"])
    instance = lab.start()
    first, second = (take(lab, instance, whose) for whose in ("mei", "wang"))
    for task in (first, second):
        done = {"approved": task == second}
        assert hint(lab, task) == "not_counted"
        service.complete(lab.engine, lab.office["root"], task, done, now=lab.later(minutes=1))
    task = take(lab, instance, "li")
    assert hint(lab, task) == "decides"
    service.complete(
        lab.engine, lab.office["root"], task, {"approved": False}, now=lab.later(minutes=1)
    )
    assert result(lab, instance) == "no"
    stored.agrees(lab.db, instance)
    define(lab, ["mei", "li"], key="beside")
    instance = lab.start("beside")
    vote(lab, instance, "li", True)
    refused = lab.refused(Invalid, lambda: take(lab, instance, "mei", by="li"))
    assert [each.code for each in refused.errors] == ["has_a_seat"]


def test_taken_back_or_passed_on_it_counts_as_before(lab: Lab) -> None:
    define(lab, ["mei", "li", "wang"], allow=["assign", "transfer", "recall"])
    instance = lab.start()
    task = take(lab, instance, "mei")
    vote(lab, instance, "root", False)
    service.recall(lab.engine, lab.office["root"], task, now=lab.at)
    assert get(lab, "root", task)["visit"]["total"] == 3
    service.transfer(lab.engine, lab.office["root"], task, "zhao", now=lab.at)
    vote(lab, instance, "zhao", False)
    assert result(lab, instance) == "no"
    assert kinds(lab, instance).count("task.voted") == 2


def test_a_row_of_the_inbox_tells_how_many_have_decided(lab: Lab) -> None:
    define(lab, ["mei", "wang", "li"])
    define(lab, ["mei"], key="alone")
    lab.start("alone")
    instance = lab.start()
    take(lab, instance, "li")
    rows = [each["seats"] for each in inbox(lab.db, lab.office["mei"], "todo", now=lab.at).items]
    assert rows == [{"decided": 0, "total": 3}, None]
    vote(lab, instance, "root", True)
    vote(lab, instance, "wang", True)
    rows = [each["seats"] for each in inbox(lab.db, lab.office["mei"], "todo", now=lab.at).items]
    assert rows == [{"decided": 1, "total": 2}, None]
    done = inbox(lab.db, lab.office["wang"], "done", now=lab.at).items
    assert [each["seats"] for each in done] == [None]
