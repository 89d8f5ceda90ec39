"""Approval rules: who gets a task, who may not decide it, and what is decided by rule."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Forbidden, Invalid
from app.history import queries as history
from app.runtime import service as runtime
from app.task import inbox, queries, service
from tests.db.conftest import Lab
from tests.support import stored


def person(step: str, assignee: str | None, *next_: str, **config: Any) -> dict[str, Any]:
    given = {"form": {"ok": "boolean"}, **config}
    if assignee is not None:
        given["assignee"] = assignee
    return {"id": step, "name": step, "type": "user_task", "config": given, "next": [*next_]}


def asked(lab: Lab, assignee: str | None, by: str = "zhao", **more: Any) -> int:
    """Start a process whose only approval is given to somebody; return the instance."""
    settings = more.pop("settings", {})
    lab.define(person("check", assignee, **more), settings=settings)
    return lab.start(by=by)


def task(lab: Lab, instance: int, step: str = "check") -> dict[str, Any]:
    return stored.row(
        lab.db,
        "select * from tasks where instance_id = %(id)s and step = %(step)s"
        " order by id desc limit 1",
        id=instance,
        step=step,
    )


def by_rule(lab: Lab, instance: int) -> list[tuple[str, str]]:
    lines = history.events(lab.db, lab.office["root"], instance)
    return [
        (line["step"]["id"], line["data"]["rule"])
        for line in lines
        if line["kind"] == "decision.automatic"
    ]


def notes(lab: Lab, event: str) -> list[str]:
    rows = stored.rows(
        lab.db, "select username from notifications where event = %(e)s order by username", e=event
    )
    return [row["username"] for row in rows]


def run(lab: Lab, sql: str, **params: Any) -> None:
    with lab.db.transaction() as tx:
        tx.run(sql, params)


# self_approval ------------------------------------------------------------------------


def test_an_initiator_who_is_alone_is_skipped(lab: Lab) -> None:
    instance = asked(lab, "zhao", approval={"self_approval": "skip"})
    row = task(lab, instance)
    assert (row["state"], row["completed_by"], row["rule"]) == (
        "completed",
        "system",
        "self_approval",
    )
    assert row["values"] == {"ok": True}
    assert by_rule(lab, instance) == [("check", "self_approval")]
    assert stored.state_of(lab.db, instance).status == "completed"
    stored.agrees(lab.db, instance)


def test_an_initiator_is_passed_over_while_others_are_there(lab: Lab) -> None:
    instance = asked(lab, "finance_team", by="mei", approval={"self_approval": "skip"})
    assert task(lab, instance)["state"] == "open"
    assert inbox.badge(lab.db, lab.office["mei"]) == 0
    assert inbox.badge(lab.db, lab.office["wang"]) == 1


def test_the_last_of_a_group_is_the_initiator(lab: Lab) -> None:
    run(lab, "update users set active = false where username = 'wang'")
    instance = asked(lab, "finance_team", by="mei", approval={"self_approval": "skip"})
    assert task(lab, instance)["rule"] == "self_approval"


def test_the_initiators_manager_decides_instead(lab: Lab) -> None:
    run(lab, "update users set manager_id = %(li)s where username = 'zhao'", li=lab.office["li"].id)
    instance = asked(lab, "zhao", approval={"self_approval": "to_manager"})
    assert (task(lab, instance)["assignee"], task(lab, instance)["barred"]) == ("li", ["zhao"])
    assert by_rule(lab, instance) == [("check", "to_manager")]


def test_without_a_manager_it_is_the_empty_rule(lab: Lab) -> None:
    approval = {"self_approval": "to_manager", "empty_assignee": "auto_reject"}
    instance = asked(lab, "zhao", approval=approval)
    assert (task(lab, instance)["values"], task(lab, instance)["rule"]) == (
        {"ok": False},
        "empty_assignee",
    )


def test_four_eyes_are_kept_on_the_act(lab: Lab) -> None:
    instance = asked(lab, "finance_team", by="mei", approval={"self_approval": "forbid"})
    task_id = lab.task(instance, "check")
    mei = lab.office["mei"]
    seen = queries.get(lab.db, mei, task_id, now=lab.at)
    assert not {"claim", "complete"} & {*seen["allowed"]}
    for verb in (service.claim, lambda *a, **k: service.complete(*a, {"ok": True}, **k)):
        error = lab.refused(Forbidden, lambda v=verb: v(lab.engine, mei, task_id, now=lab.at))
        assert error.code == "barred_by_rule"
    service.claim(lab.engine, lab.office["wang"], task_id, now=lab.at)
    for verb, by in (("transfer", "wang"), ("assign", "li")):
        give = getattr(service, verb)
        error = lab.refused(
            Invalid,
            lambda g=give, b=by: g(lab.engine, lab.office[b], task_id, "mei", now=lab.at),
        )
        assert [each.code for each in error.errors] == ["barred"]
    assert lab.complete(instance, "check", by="wang", ok=True).instance.status == "completed"


def test_the_rules_of_the_settings_leave_the_initiators_own_work_alone(lab: Lab) -> None:
    settings = {"approval": {"self_approval": "forbid"}}
    lab.define(
        person("check", "finance_team", "fix"),
        person("fix", "${initiator.username}"),
        settings=settings,
    )
    instance = lab.start(by="mei")
    lab.complete(instance, "check", by="wang", ok=False)
    assert lab.complete(instance, "fix", by="mei", ok=True).instance.status == "completed"


# exclude ------------------------------------------------------------------------------


def test_who_took_part_before_is_excluded(lab: Lab) -> None:
    lab.define(
        person("first", "finance_team", "second"),
        person("second", "finance_team", approval={"exclude": ["${first.completed_by}"]}),
    )
    instance = lab.start()
    lab.complete(instance, "first", by="mei", ok=True)
    assert task(lab, instance, "second")["barred"] == ["mei"]
    error = lab.refused(Forbidden, lambda: lab.complete(instance, "second", by="mei", ok=True))
    assert "part in this before" in error.message
    lab.complete(instance, "second", by="wang", ok=True)


def test_an_exclusion_that_is_no_name_is_an_incident(lab: Lab) -> None:
    instance = asked(lab, "li", approval={"exclude": "${[1]}"})
    found = stored.row(lab.db, "select kind from incidents where instance_id = %(i)s", i=instance)
    assert found["kind"] == "bad_people"


# duplicate_approver -------------------------------------------------------------------


def chain(lab: Lab, rule: str, *people: str, **more: Any) -> int:
    """Start a chain of approvals; each has the form field ``amount`` beside its decision."""
    steps = [
        person(
            f"s{place}",
            name,
            *([f"s{place + 1}"] if place + 1 < len(people) else []),
            form={f"ok{place}": "boolean", "amount": "number"},
        )
        for place, name in enumerate(people)
    ]
    lab.define(*steps, settings={"approval": {"duplicate_approver": rule}}, **more)
    return lab.start()


def test_who_has_just_approved_is_not_asked_again(lab: Lab) -> None:
    instance = chain(lab, "auto_approve_consecutive", "mei", "mei", "mei")
    done = lab.complete(instance, "s0", ok0=True, amount=5)
    assert done.instance.status == "completed"
    assert by_rule(lab, instance) == [("s1", "duplicate_approver"), ("s2", "duplicate_approver")]
    stored.agrees(lab.db, instance)


@pytest.mark.parametrize(
    ("rule", "asked_again"), [("auto_approve_consecutive", True), ("auto_approve_any", False)]
)
def test_somebody_else_has_approved_between(lab: Lab, rule: str, asked_again: bool) -> None:
    instance = chain(lab, rule, "mei", "wang", "mei")
    lab.complete(instance, "s0", ok0=True, amount=5)
    lab.complete(instance, "s1", by="wang", ok1=True, amount=5)
    assert (task(lab, instance, "s2")["state"] == "claimed") is asked_again


def test_a_changed_form_is_asked_again(lab: Lab) -> None:
    instance = chain(lab, "auto_approve_any", "mei", "wang", "mei")
    lab.complete(instance, "s0", ok0=True, amount=5)
    lab.complete(instance, "s1", by="wang", ok1=True, amount=500)
    assert task(lab, instance, "s2")["state"] == "claimed"


def test_a_rejection_counts_for_nothing(lab: Lab) -> None:
    instance = chain(lab, "auto_approve_any", "mei", "mei")
    lab.complete(instance, "s0", ok0=False, amount=5)
    assert task(lab, instance, "s1")["state"] == "claimed"


def test_after_a_return_everybody_is_asked_again(lab: Lab) -> None:
    instance = chain(lab, "auto_approve_any", "mei", "li", "wang", "mei")
    lab.complete(instance, "s0", ok0=True, amount=5)
    lab.complete(instance, "s1", by="li", ok1=True, amount=5)
    task_id = lab.task(instance, "s2")
    service.give_back(lab.engine, lab.office["wang"], task_id, to="s1", comment="why?", now=lab.at)
    lab.complete(instance, "s1", by="li", ok1=True, amount=5)
    lab.complete(instance, "s2", by="wang", ok2=True, amount=5)
    assert task(lab, instance, "s3")["state"] == "claimed"
    stored.agrees(lab.db, instance)


# empty_assignee -----------------------------------------------------------------------


def test_owners_are_told_that_they_got_it_for_lack_of_people(lab: Lab) -> None:
    instance = asked(lab, "nobody", settings={"owners": ["li"]})
    assert task(lab, instance)["candidates"] == ["u:li"]
    assert notes(lab, "unassigned") == ["li"]


def test_an_incident_waits_until_there_is_somebody(lab: Lab) -> None:
    instance = asked(lab, "late", approval={"empty_assignee": "incident"})
    found = stored.row(
        lab.db, "select kind, detail from incidents where instance_id = %(i)s", i=instance
    )
    assert (found["kind"], found["detail"]["wanted"]) == ("empty_assignee", ["late"])
    assert stored.rows(lab.db, "select 1 from tasks where instance_id = %(i)s", i=instance) == []
    run(lab, "update users set username = 'late' where username = 'stranger'")
    runtime.retry_incident(lab.engine, lab.office["root"], lab.incident(instance), now=lab.at)
    assert task(lab, instance)["assignee"] == "late"
    stored.agrees(lab.db, instance)


def test_an_outcome_that_needs_a_comment_is_no_hindrance_for_a_rule(lab: Lab) -> None:
    outcomes = [{"id": "yes"}, {"id": "no", "style": "danger", "requires": ["why"]}]
    instance = asked(
        lab,
        "nobody",
        form={"why": "text"},
        outcomes=outcomes,
        approval={"empty_assignee": "auto_reject"},
    )
    assert (task(lab, instance)["outcome"], task(lab, instance)["state"]) == ("no", "completed")


def test_a_name_gets_it_unless_it_is_excluded(lab: Lab) -> None:
    lab.define(
        person("check", "zhao", approval={"self_approval": "forbid", "empty_assignee": "wang"})
    )
    assert task(lab, lab.start(by="zhao"))["assignee"] == "wang"
    lab.define(
        person("check", "zhao", approval={"self_approval": "forbid", "empty_assignee": "zhao"}),
        key="other",
    )
    assert task(lab, lab.start("other", by="zhao"))["candidates"] == ["r:admin"]


def test_nobody_left_at_all_is_an_incident(lab: Lab) -> None:
    instance = asked(lab, "root", by="root", approval={"self_approval": "forbid"})
    found = stored.row(lab.db, "select kind from incidents where instance_id = %(i)s", i=instance)
    assert found["kind"] == "empty_assignee"


def test_rules_that_go_round_in_a_circle_stop(lab: Lab) -> None:
    approval = {"empty_assignee": "auto_approve"}
    lab.define(
        person("a", "nobody", "b", approval=approval),
        person("b", "nobody", "a", "end", approval=approval),
        {"id": "end", "name": "end", "type": "end"},
    )
    instance = lab.start()
    live = stored.rows(
        lab.db, "select step from tasks where instance_id = %(i)s and state = 'open'", i=instance
    )
    assert len(live) == 1
    stored.agrees(lab.db, instance)
