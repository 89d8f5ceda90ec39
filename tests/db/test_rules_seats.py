"""Approval rules where several people decide: who has no seat, and votes that a rule casts."""

from __future__ import annotations

from typing import Any

from app.errors import Invalid
from app.history import queries as history
from app.task import overdue, signers
from app.task.service import complete
from tests.db.conftest import Lab
from tests.support import stored


def together(
    lab: Lab, *assignees: str, by: str = "zhao", first: str | None = None, **config: Any
) -> int:
    """Start a process in which people decide together, after somebody who decides alone."""
    rules = {"assignees": [*assignees], "form": {"ok": "boolean"}, **config}
    steps = [{"id": "check", "name": "Check", "type": "user_task", "config": rules}]
    if first is not None:
        alone = {"assignee": first, "form": {"yes": "boolean"}}
        steps.insert(
            0,
            {"id": "one", "name": "One", "type": "user_task", "config": alone, "next": ["check"]},
        )
    lab.define(*steps)
    instance = lab.start(by=by)
    if first is not None:
        lab.complete(instance, "one", by=first, yes=True)
    return instance


def seats(lab: Lab, instance: int) -> list[tuple[str | None, str, str | None]]:
    rows = stored.rows(
        lab.db,
        "select assignee, state, rule from tasks where instance_id = %(i)s and step = 'check'"
        " order by seat",
        i=instance,
    )
    return [(row["assignee"], row["state"], row["rule"]) for row in rows]


def vote(lab: Lab, instance: int, by: str, *, ok: bool = True) -> None:
    row = stored.row(
        lab.db,
        "select id from tasks where instance_id = %(i)s and assignee = %(by)s and step = 'check'",
        i=instance,
        by=by,
    )
    complete(lab.engine, lab.office[by], row["id"], {"ok": ok}, now=lab.at)


def ended(lab: Lab, instance: int) -> bool:
    stored.agrees(lab.db, instance)
    return stored.state_of(lab.db, instance).status == "completed"


def test_an_initiator_has_no_seat_while_others_have(lab: Lab) -> None:
    instance = together(lab, "mei", "zhao", "wang", approval={"self_approval": "skip"})
    assert [name for name, _, _ in seats(lab, instance)] == ["mei", "wang"]


def test_an_initiator_who_is_the_only_one_is_skipped(lab: Lab) -> None:
    instance = together(lab, "zhao", approval={"self_approval": "skip"})
    assert [(state, rule) for _, state, rule in seats(lab, instance)] == [
        ("completed", "self_approval")
    ]
    assert ended(lab, instance)


def test_the_manager_sits_in_the_initiators_place(lab: Lab) -> None:
    with lab.db.transaction() as tx:
        boss = {"boss": lab.office["li"].id}
        tx.run("update users set manager_id = %(boss)s where username = 'zhao'", boss)
    instance = together(lab, "mei", "zhao", "wang", approval={"self_approval": "to_manager"})
    assert [name for name, _, _ in seats(lab, instance)] == ["mei", "li", "wang"]


def test_who_is_excluded_has_no_seat_and_gets_none(lab: Lab) -> None:
    instance = together(
        lab,
        "finance_team",
        first="wang",
        approval={"exclude": ["${one.completed_by}"]},
        allow=["add_signer"],
    )
    assert seats(lab, instance) == [("mei", "claimed", None)]
    error = lab.refused(
        Invalid,
        lambda: signers.add_signer(
            lab.engine, lab.office["mei"], lab.task(instance, "check"), ["wang"], now=lab.at
        ),
    )
    assert [each.code for each in error.errors] == ["barred"]


ANY = {"duplicate_approver": "auto_approve_any"}


def test_a_rule_casts_the_vote_of_who_has_approved_before(lab: Lab) -> None:
    instance = together(lab, "mei", "wang", "li", first="wang", approval=ANY)
    assert seats(lab, instance) == [
        ("wang", "completed", "duplicate_approver"),
        ("mei", "claimed", None),
        ("li", "claimed", None),
    ]
    vote(lab, instance, "mei")
    assert not ended(lab, instance)
    vote(lab, instance, "li")
    assert ended(lab, instance)
    told = stored.state_of(lab.db, instance).completed["check"].votes
    assert told is not None
    assert (told["approved"], told["total"]) == (3, 3)


def test_a_vote_of_a_rule_can_be_the_one_that_decides(lab: Lab) -> None:
    instance = together(lab, "mei", "wang", first="wang", mode="any", approval=ANY)
    assert ended(lab, instance)
    lines = history.events(lab.db, lab.office["root"], instance)
    rules = [line["data"]["rule"] for line in lines if line["kind"] == "decision.automatic"]
    assert rules == ["duplicate_approver", "duplicate_approver"]


def test_one_after_the_other_a_rule_waits_for_its_turn(lab: Lab) -> None:
    instance = together(lab, "mei", "wang", first="wang", mode="sequential", approval=ANY)
    assert seats(lab, instance) == [("mei", "claimed", None)]


def test_one_after_the_other_whose_turn_it_is_need_not_approve_again(lab: Lab) -> None:
    instance = together(lab, "wang", "mei", "li", first="wang", mode="sequential", approval=ANY)
    assert [row[:2] for row in seats(lab, instance)] == [("wang", "completed"), ("mei", "claimed")]
    vote(lab, instance, "mei")
    vote(lab, instance, "li")
    assert ended(lab, instance)


def test_nobody_left_is_the_empty_rule(lab: Lab) -> None:
    approval = {"self_approval": "forbid", "empty_assignee": "auto_reject"}
    instance = together(lab, "zhao", approval=approval)
    assert stored.state_of(lab.db, instance).variables["ok"] is False


def test_an_overdue_seat_is_a_vote(lab: Lab) -> None:
    late = {"action": "outcome", "outcome": "true"}
    instance = together(lab, "mei", "wang", due_date="2h", on_overdue=late)
    vote(lab, instance, "mei")
    lab.later(hours=2)
    assert overdue.look(lab.engine, now=lab.at) == 1
    assert [rule for _, _, rule in seats(lab, instance)] == [None, "on_overdue"]
    assert ended(lab, instance)
