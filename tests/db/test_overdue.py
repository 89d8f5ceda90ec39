"""Reminders and on_overdue: what the clock of a task sets off, once, and never while it stands."""

from __future__ import annotations

from typing import Any

import pytest

from app.history import queries as history
from app.runtime import clocks
from app.task import overdue, queries, service
from tests.db.conftest import Lab
from tests.db.test_absence import away
from tests.support import stored


def begun(lab: Lab, assignee: str = "mei", *, due: str = "2h", **config: Any) -> int:
    """Start a process with one task that is due in two hours; return the instance."""
    given = {"assignee": assignee, "form": {"ok": "boolean"}, "due_date": due, **config}
    lab.define(
        {"id": "check", "name": "Check", "type": "user_task", "config": given},
        settings={"owners": ["li"]},
    )
    return lab.start()


def look(lab: Lab) -> int:
    return overdue.look(lab.engine, now=lab.at)


def told(lab: Lab) -> list[tuple[str, str]]:
    rows = stored.rows(lab.db, "select username, event from notifications order by id")
    return [(row["username"], row["event"]) for row in rows if row["event"] != "task"]


def task(lab: Lab) -> dict[str, Any]:
    return stored.row(lab.db, "select * from tasks order by id desc limit 1")


def lines(lab: Lab, instance: int, kind: str) -> list[dict[str, Any]]:
    found = history.events(lab.db, lab.office["root"], instance)
    return [line["data"] for line in found if line["kind"] == kind]


def test_each_reminder_comes_once_and_at_its_time(lab: Lab) -> None:
    instance = begun(lab, reminders=["-1h", "+1d", "-3h"])
    lab.later(minutes=59)
    assert look(lab) == 0
    lab.later(minutes=1)
    assert (look(lab), look(lab)) == (1, 0)
    assert told(lab) == [("mei", "reminded")]
    lab.later(days=2)
    assert (look(lab), look(lab)) == (1, 0)
    assert [line["at"] for line in lines(lab, instance, "task.reminded")] == ["-1h", "+1d"]
    assert task(lab)["remind_at"] is None
    stored.agrees(lab.db, instance)


def test_what_a_stop_has_held_up_comes_as_one(lab: Lab) -> None:
    begun(lab, "finance_team", reminders=["-1h", "+1h", "+2h", "+9d"])
    lab.later(days=1)
    assert look(lab) == 1
    assert told(lab) == [("mei", "reminded"), ("wang", "reminded")]
    assert task(lab)["remind_at"] > lab.at


def test_who_may_not_decide_is_not_reminded(lab: Lab) -> None:
    approval = {"exclude": ["mei"]}
    instance = begun(lab, "finance_team", reminders=["-1h"], approval=approval)
    lab.later(hours=1)
    look(lab)
    service.remind(lab.engine, lab.office["zhao"], lab.task(instance, "check"), now=lab.at)
    assert told(lab) == [("wang", "reminded")] * 2


def test_a_task_without_a_clock_is_never_looked_at(lab: Lab) -> None:
    begun(lab)
    assert task(lab)["remind_at"] is None
    lab.later(days=9)
    assert look(lab) == 0


def test_who_has_it_is_told_that_it_is_overdue(lab: Lab) -> None:
    instance = begun(lab, on_overdue={"action": "notify", "after": "1h"})
    lab.later(hours=2, minutes=59)
    assert look(lab) == 0
    lab.later(minutes=1)
    assert look(lab) == 1
    assert told(lab) == [("mei", "overdue")]
    assert [line["action"] for line in lines(lab, instance, "task.overdue")] == ["notify"]


def test_it_is_escalated_to_the_manager_and_the_owners(lab: Lab) -> None:
    with lab.db.transaction() as tx:
        params = {"boss": lab.office["wang"].id}
        tx.run("update users set manager_id = %(boss)s where username = 'mei'", params)
    away(lab, "mei", "wang")  # who is told as her manager is not told again as her substitute
    begun(lab, on_overdue={"action": "escalate"})
    lab.later(hours=2)
    look(lab)
    late = [each for each in told(lab) if each[1] == "overdue"]
    assert sorted(late) == [("li", "overdue"), ("mei", "overdue"), ("wang", "overdue")]


def test_it_is_given_to_whom_an_expression_names(lab: Lab) -> None:
    late = {"action": "reassign", "to": "${initiator.username}"}
    instance = begun(lab, on_overdue=late)
    lab.later(hours=2)
    look(lab)
    assert (task(lab)["assignee"], task(lab)["state"]) == ("zhao", "claimed")
    (line,) = lines(lab, instance, "task.overdue")
    assert (line["from"], line["keys"]) == ("mei", ["u:zhao"])
    assert lab.complete(instance, "check", by="zhao", ok=True).instance.status == "completed"


def test_it_is_offered_to_a_group(lab: Lab) -> None:
    begun(lab, on_overdue={"action": "reassign", "to": "sales"})
    lab.later(hours=2)
    look(lab)
    assert (task(lab)["state"], task(lab)["candidates"]) == ("open", ["g:sales"])


@pytest.mark.parametrize("to", ["nobody", "${1 / 0}", "zhao"])
def test_who_cannot_get_it_does_not_and_the_owners_are_told(lab: Lab, to: str) -> None:
    late = {"action": "reassign", "to": to}
    begun(lab, on_overdue=late, approval={"self_approval": "forbid"})
    lab.later(hours=2)
    look(lab)
    assert task(lab)["assignee"] == "mei"
    assert sorted(told(lab)) == [("li", "overdue"), ("mei", "overdue")]


def test_it_is_decided_by_rule(lab: Lab) -> None:
    instance = begun(lab, on_overdue={"action": "outcome", "outcome": "false"})
    service.save_draft(
        lab.engine, lab.office["mei"], lab.task(instance, "check"), {"ok": "true"}, now=lab.at
    )
    lab.later(hours=2)
    assert (look(lab), look(lab)) == (1, 0)
    row = task(lab)
    assert (row["completed_by"], row["rule"], row["values"]) == (
        "system",
        "on_overdue",
        {"ok": False},
    )
    assert stored.state_of(lab.db, instance).status == "completed"
    assert [line["rule"] for line in lines(lab, instance, "decision.automatic")] == ["on_overdue"]
    stored.agrees(lab.db, instance)


def test_what_waits_for_others_is_decided_as_any_other(lab: Lab) -> None:
    instance = begun(lab, on_overdue={"action": "outcome", "outcome": "true"})
    task_id = lab.task(instance, "check")
    service.delegate(lab.engine, lab.office["mei"], task_id, "wang", now=lab.at)
    lab.later(hours=2)
    assert look(lab) == 1
    rows = stored.rows(lab.db, "select assignee, state, rule from tasks order by id")
    assert [tuple(row.values()) for row in rows] == [
        ("mei", "completed", "on_overdue"),
        ("wang", "cancelled", None),
    ]
    stored.agrees(lab.db, instance)


def test_what_somebody_has_decided_is_not_decided_otherwise_while_others_sign(lab: Lab) -> None:
    instance = begun(lab, allow=["add_signer"], on_overdue={"action": "outcome", "outcome": "true"})
    task_id = lab.task(instance, "check")
    mei, wang = lab.office["mei"], lab.office["wang"]
    no = {"ok": False}
    service.add_signer(lab.engine, mei, task_id, ["wang"], "after", values=no, now=lab.at)
    lab.later(hours=2)
    look(lab)
    assert [line["action"] for line in lines(lab, instance, "task.overdue")] == ["escalate"]
    service.resolve(lab.engine, wang, task_id, {}, outcome="approve", now=lab.at)
    kept = stored.row(lab.db, "select values from tasks where id = %(id)s", id=task_id)
    assert kept["values"] == no
    stored.agrees(lab.db, instance)


def test_what_waits_for_others_is_escalated_and_not_taken_away(lab: Lab) -> None:
    instance = begun(lab, on_overdue={"action": "reassign", "to": "stranger"})
    task_id = lab.task(instance, "check")
    service.delegate(lab.engine, lab.office["mei"], task_id, "wang", now=lab.at)
    lab.later(hours=2)
    look(lab)
    assert [line["action"] for line in lines(lab, instance, "task.overdue")] == ["escalate"]


def test_a_due_date_in_the_past_is_overdue_at_once(lab: Lab) -> None:
    begun(lab, due="2026-02-01", reminders=["-1h", "+1h"], on_overdue={"action": "notify"})
    assert look(lab) == 1
    assert [event for _, event in told(lab)][-1] == "overdue"


def test_the_clock_stands_while_the_instance_is_suspended(lab: Lab) -> None:
    instance = begun(lab, reminders=["-1h"])
    lab.later(minutes=30)
    lab.operate("suspend", instance)
    assert task(lab)["remind_at"].year > 6_000
    lab.later(days=3)
    assert look(lab) == 0
    lab.operate("activate", instance)
    lab.later(minutes=29)
    assert look(lab) == 0
    lab.later(minutes=1)
    assert look(lab) == 1


def test_a_stand_of_years_gives_every_second_back(lab: Lab) -> None:
    begun(lab, reminders=["-1h"])
    sql = f"select remind_at - (remind_at + {clocks.FAR} - {clocks.FAR}) as gone from tasks"
    with lab.db.transaction() as tx:
        tx.run("set local time zone 'Europe/Berlin'")
        assert (tx.run(sql).fetchone() or {})["gone"].total_seconds() == 0


def test_one_that_fails_holds_up_no_other(lab: Lab) -> None:
    begun(lab, reminders=["-1h"])
    with lab.db.transaction() as tx:
        tx.run("update process_definitions set checksum = 'x', source = '{' where key = 'own'")
        tx.run("update tasks set remind_at = %(at)s", {"at": lab.at})
    lab.define(
        {
            "id": "check",
            "name": "Check",
            "type": "user_task",
            "config": {"assignee": "wang", "due_date": "2h", "reminders": ["-1h"]},
        },
        key="other",
    )
    lab.start("other")
    lab.later(hours=1)
    assert look(lab) == 1
    assert told(lab) == [("wang", "reminded")]


def test_a_manager_who_decides_for_others_is_seen_to_have_done_so(lab: Lab) -> None:
    instance = begun(lab)
    task_id = lab.task(instance, "check")
    service.assign(lab.engine, lab.office["li"], task_id, "li", now=lab.at)
    lab.complete(instance, "check", by="li", ok=True)
    shown = queries.get(lab.db, lab.office["root"], task_id, now=lab.at)
    assert (shown["completed_by"], shown["rule"]) == ("li", "by_manager")
