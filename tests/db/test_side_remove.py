"""Taking away one who signs before or after, and a question alone; the others are not touched."""

from __future__ import annotations

from functools import partial

from app.errors import Conflict, Forbidden, Invalid
from app.runtime import queries as instances
from app.task import queries
from tests.db.conftest import Lab
from tests.db.test_absence import away, now
from tests.db.test_interplay import (
    YES,
    act,
    begun,
    code,
    live,
    notes,
    one,
    result,
    row,
    side,
    sign,
    signed,
)
from tests.db.test_interplay import together as seats
from tests.db.test_seats import task_of
from tests.support import stored


def opinions(lab: Lab, by: str, task: int) -> dict[str, bool]:
    """Return who was asked about a task, and whether the reader may take that back alone."""
    shown = queries.get(lab.db, lab.office[by], task, now=lab.at)
    return {each["user"]: each["removable"] for each in shown["opinions"]}


def kinds(lab: Lab, task: int) -> list[str]:
    return [kind for kind, _ in stored.lines(lab.db, row(lab, task)["instance_id"])][-3:]


def test_the_last_who_has_not_signed_first_is_taken_away_and_it_goes_on(lab: Lab) -> None:
    task = one(lab)
    act(lab, "add_signer", "mei", task, ["li", "wang"], "before")
    assert opinions(lab, "mei", task) == {"li": True, "wang": True}
    assert opinions(lab, "zhao", task) == {"li": False, "wang": False}
    refused = lab.refused(Forbidden, lambda: act(lab, "remove_signer", "wang", task, "li"))
    assert refused.code == "not_added_by_you"
    act(lab, "remove_signer", "mei", task, "wang", comment="On leave")
    assert (row(lab, task)["waits_for"], notes(lab, "unasked")) == ("before", ["wang"])
    refused = lab.refused(Invalid, lambda: act(lab, "remove_signer", "mei", task, "wang"))
    assert refused.errors[0].code == "not_added"
    with stored.taken_back(lab.db):
        signed(lab, "li", side(lab, task, "li"))
        refused = lab.refused(Conflict, lambda: act(lab, "remove_signer", "mei", task, "li"))
        assert refused.code == "has_decided"
    act(lab, "remove_signer", "root", side(lab, task, "li"), "li")
    assert row(lab, task)["waits_for"] is None
    assert notes(lab, "task") == ["mei", "mei"]  # opened, and theirs again
    assert kinds(lab, task)[-1] == "task.signer_removed"
    act(lab, "complete", "mei", task, YES)
    assert result(lab, row(lab, task)["instance_id"]) == "yes"


def test_a_decision_is_applied_when_nobody_is_left_to_sign(lab: Lab) -> None:
    task = one(lab)
    act(lab, "add_signer", "mei", task, ["li", "wang"], "after", values=YES)
    signed(lab, "li", side(lab, task, "li"))
    act(lab, "remove_signer", "mei", task, "wang")
    assert (row(lab, task)["completed_by"], notes(lab, "unasked")) == ("mei", ["wang"])
    assert result(lab, row(lab, task)["instance_id"]) == "yes"


def test_what_nobody_has_signed_is_recalled_as_any_decision(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="li"))
    task = lab.task(instance, "sign")
    act(lab, "add_signer", "mei", task, ["wang"], "after", values=YES)
    lab.later(minutes=40)
    act(lab, "remove_signer", "mei", task, "wang")
    assert live(lab) == [("two", "li")]
    act(lab, "recall", "mei", task)
    assert live(lab) == [("sign", "mei")]
    stored.agrees(lab.db, instance)


def test_of_one_of_several_who_decide_it_counts_as_their_vote(lab: Lab) -> None:
    instance = seats(lab, "mei", "zhao")
    task = task_of(lab, instance, "mei")
    act(lab, "add_signer", "mei", task, ["wang"], "after", values=YES)
    act(lab, "remove_signer", "root", task_of(lab, instance, "zhao"), "wang")
    assert live(lab) == [("sign", "zhao")]
    visit = queries.get(lab.db, lab.office["zhao"], task_of(lab, instance, "zhao"), now=lab.at)
    assert (visit["visit"]["approved"], visit["visit"]["total"]) == (1, 2)
    stored.agrees(lab.db, instance)


def test_a_decision_that_is_not_possible_any_more_is_the_holders_again(lab: Lab) -> None:
    task = one(lab)
    act(lab, "add_signer", "mei", task, ["wang"], "after", values=YES)
    with lab.db.transaction() as tx:
        tx.run("update users set active = false where username = 'mei'")
        tx.run("update tasks set barred = '{mei}' where id = %(task)s", {"task": task})
    with stored.taken_back(lab.db):
        act(lab, "remove_signer", "root", task, "wang")
        assert row(lab, task)["state"] == "completed"
    with lab.db.transaction() as tx:
        tx.run("update tasks set form = '[]' where id = %(task)s", {"task": task})
    act(lab, "remove_signer", "root", task, "wang")
    assert (row(lab, task)["state"], row(lab, task)["waits_for"]) == ("claimed", None)
    assert kinds(lab, task)[-1] == "task.not_applied"


def test_who_is_back_takes_away_whom_a_substitute_has_added(lab: Lab) -> None:
    task = one(lab)
    away(lab, "mei", "wang")
    act(lab, "add_signer", now(lab, "wang"), task, ["stranger"], "before")
    assert (opinions(lab, "mei", task), opinions(lab, "zhao", task)) == (
        {"stranger": True},
        {"stranger": False},
    )
    act(lab, "remove_signer", "mei", task, "stranger")
    assert (row(lab, task)["waits_for"], notes(lab, "unasked")) == (None, ["stranger"])


def test_a_question_alone_is_withdrawn(lab: Lab) -> None:
    task = one(lab)
    act(lab, "consult", "mei", task, ["li", "wang"], "How many?")
    act(lab, "transfer", "mei", task, "zhao")
    asked = side(lab, task, "li")
    assert opinions(lab, "zhao", task) == {"li": True, "wang": True}
    assert queries.get(lab.db, lab.office["mei"], asked, now=lab.at)["allowed"][0] == "recall"
    refused = lab.refused(Forbidden, lambda: act(lab, "recall", "wang", side(lab, task, "wang")))
    assert refused.code == "not_yours"
    assert code(partial(act, lab, "recall", "stranger", asked)) == "task_not_found"
    back = act(lab, "recall", "mei", asked, comment="I know by now")
    assert (back["id"], back["state"], notes(lab, "unasked")) == (task, "claimed", ["li"])
    assert row(lab, asked)["reason"] == "withdrawn"
    act(lab, "recall", "zhao", side(lab, task, "wang"))
    assert code(partial(act, lab, "recall", "zhao", asked)) == "task_cancelled"
    assert kinds(lab, task)[-2:] == ["task.unasked", "task.unasked"]
    shown = instances.get(lab.db, lab.office["zhao"], row(lab, task)["instance_id"])
    assert [each["id"] for each in shown["tasks"]] == [task]
