"""Several people decide together, and something else happens: absences, restarts, clocks, rules."""

from __future__ import annotations

from functools import partial

from app.errors import Conflict, Forbidden
from app.runtime import repair
from app.task import access, overdue, queries
from tests.db.conftest import Lab
from tests.db.test_absence import away, now
from tests.db.test_interplay import YES, act, begun, code, live, result, row, sign, together, vote
from tests.db.test_seats import task_of
from tests.support import stored


def test_of_two_who_stand_in_one_decides_and_the_other_is_told_who(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    away(lab, "mei", "wang")
    away(lab, "wang", "stranger")
    wang, stranger = now(lab, "wang"), now(lab, "stranger")
    task = task_of(lab, instance, "mei")
    for who in (wang, stranger):
        shown = queries.get(lab.db, who, task, now=lab.at)
        assert (shown["for"], "complete" in shown["allowed"]) == ("mei", True)
    act(lab, "complete", stranger, task, YES)
    refused = lab.refused(Conflict, lambda: act(lab, "complete", wang, task, {"approved": False}))
    assert (refused.code, refused.extra["by"]) == ("already_completed", "stranger")
    assert queries.get(lab.db, wang, task, now=lab.at)["allowed"] == []
    assert (row(lab, task)["on_behalf_of"], live(lab)) == ("mei", [("sign", "li")])
    before = act(lab, "complete", "mei", task_of(lab, together(lab, "mei", "li"), "mei"), YES)
    assert code(partial(act, lab, "complete", wang, before.task["id"], YES)) == "already_completed"
    away(lab, "li", "zhao", now=lab.later(minutes=5))
    for who in (now(lab, "zhao"), now(lab, "wang")):  # since then, and a stranger to it
        row_ = {**row(lab, task), "started_by": "x", "definition_key": "own", "assignee": "li"}
        assert not access.stood_in(who, row_)
    vote(lab, instance, "li")
    assert result(lab, instance) == "yes"


def test_what_was_voted_for_who_is_away_is_taken_back_by_who_voted(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignees=["li", "mei"]), sign(id="two", assignee="zhao"))
    away(lab, "mei", "wang")
    wang, task = now(lab, "wang"), task_of(lab, instance, "mei")
    vote(lab, instance, "mei", wang)
    refused = lab.refused(Forbidden, lambda: act(lab, "recall", "mei", task))
    assert refused.code == "not_yours"
    act(lab, "recall", wang, task)
    assert live(lab) == [("sign", "li"), ("sign", "mei")]
    vote(lab, instance, "li")
    vote(lab, instance, "mei", wang)
    assert live(lab) == [("two", "zhao")]
    assert code(partial(act, lab, "recall", "mei", task)) == "not_yours"
    back = act(lab, "recall", wang, task)
    assert (back["assignee"], live(lab)) == ("mei", [("sign", "mei")])
    vote(lab, instance, "mei")
    assert (row(lab, task)["completed_by"], row(lab, task)["on_behalf_of"]) == ("mei", None)
    stored.agrees(lab.db, instance)


def test_started_again_nobody_has_voted(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    vote(lab, instance, "mei")
    act(lab, "consult", "li", task_of(lab, instance, "li"), ["wang"], "Really?")
    again = partial(repair.restart, lab.engine, lab.office["root"], instance, now=lab.at)
    assert lab.refused(Conflict, again).code == "instance_not_ended"
    lab.operate("terminate", instance)
    new = again().id
    assert live(lab) == [("ask", "zhao")]
    act(lab, "complete", "zhao", lab.task(new, "ask"), {})
    assert live(lab) == [("sign", "mei"), ("sign", "li")]
    shown = queries.get(lab.db, lab.office["li"], task_of(lab, new, "li"), now=lab.at)["visit"]
    assert (shown["approved"], shown["total"]) == (0, 2)
    assert code(partial(act, lab, "recall", "mei", task_of(lab, instance, "mei"))) is not None
    stored.agrees(lab.db, instance)
    stored.agrees(lab.db, new)


def test_what_is_open_again_is_due_reminded_returned_and_suspended_as_before(lab: Lab) -> None:
    late = {"action": "outcome", "outcome": "false"}
    first = sign("two", assignees=["mei", "li"], mode="any", due_date="2h", on_overdue=late)
    first["next"] = ["two", "no"]
    instance = begun(lab, first, sign(id="two", assignee="zhao"))
    due = row(lab, task_of(lab, instance, "li"))["due_at"]
    vote(lab, instance, "mei")
    task = task_of(lab, instance, "mei")
    act(lab, "recall", "mei", task)
    assert row(lab, task)["due_at"] == row(lab, task_of(lab, instance, "li"))["due_at"] == due
    with stored.taken_back(lab.db):
        act(lab, "give_back", "mei", task, "ask", comment="No")
        assert live(lab) == [("ask", "zhao")]
        stored.agrees(lab.db, instance)
    lab.operate("suspend", instance)
    assert code(partial(act, lab, "complete", "li", task_of(lab, instance, "li"), YES)) == (
        "instance_suspended"
    )
    lab.operate("activate", instance)
    lab.later(hours=3)
    assert overdue.look(lab.engine, now=lab.at) == 1
    assert result(lab, instance) == "no"


def test_who_was_added_to_one_persons_task_decides_again_alone(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="zhao"))
    task = lab.task(instance, "sign")
    act(lab, "add_signer", "mei", task, ["li"])
    vote(lab, instance, "mei")
    vote(lab, instance, "li")
    assert code(partial(act, lab, "recall", "mei", task)) == "gone_on"
    act(lab, "recall", "li", task_of(lab, instance, "li"))
    assert live(lab) == [("sign", "li")]
    act(lab, "remove_signer", "mei", task, "li")
    assert live(lab) == [("two", "zhao")]
    assert code(partial(act, lab, "recall", "mei", task)) == "gone_on"
    stored.agrees(lab.db, instance)


def test_a_decision_that_a_rule_has_followed_is_taken_back_with_it(lab: Lab) -> None:
    rule = {"duplicate_approver": "auto_approve_any"}
    follow = sign("three", id="two", assignee="mei", approval=rule)
    instance = begun(
        lab, sign("two", assignees=["mei", "li"]), follow, sign(id="three", assignee="wang")
    )
    vote(lab, instance, "mei")
    vote(lab, instance, "li")
    assert live(lab) == [("three", "wang")]
    act(lab, "recall", "li", task_of(lab, instance, "li"))
    assert live(lab) == [("sign", "li")]
    vote(lab, instance, "li")
    assert live(lab) == [("three", "wang")]
    stored.agrees(lab.db, instance)


def test_a_manager_in_a_seat_does_not_count_as_who_approved_before(lab: Lab) -> None:
    rule = {"duplicate_approver": "auto_approve_any"}
    instance = begun(
        lab,
        sign("two", assignees=["mei", "wang"]),
        sign(id="two", assignee="root", approval=rule),
    )
    act(lab, "assign", "root", task_of(lab, instance, "wang"), "root")
    vote(lab, instance, "mei")
    vote(lab, instance, "root")
    assert live(lab) == [("two", "root")]
    back = act(lab, "recall", "root", task_of(lab, instance, "root"))
    assert (back["state"], live(lab)) == ("claimed", [("sign", "root")])
    shown = queries.get(lab.db, lab.office["root"], back["id"], now=lab.at)["visit"]
    assert (shown["total"], shown["as_manager"]) == (2, "not_counted")
    stored.agrees(lab.db, instance)


def test_a_step_that_may_not_be_entered_again_stays_decided(lab: Lab) -> None:
    instance = begun(
        lab,
        sign("two", assignees=["mei", "li"], mode="any"),
        sign(id="two", assignee="zhao"),
        settings={"max_visits": 1},
    )
    vote(lab, instance, "mei")
    task = task_of(lab, instance, "mei")
    assert code(partial(act, lab, "recall", "mei", task)) == "gone_on"
    assert (row(lab, task)["state"], live(lab)) == ("completed", [("two", "zhao")])
    stored.agrees(lab.db, instance)
