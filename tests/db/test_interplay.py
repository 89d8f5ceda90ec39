"""Verbs and rules that meet: what one has begun and another ends, decides or takes back."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError, Conflict, Forbidden
from app.runtime import queries as instances
from app.runtime import migrate, repair, withdrawal
from app.runtime import service as runtime
from app.runtime.figures import figures
from app.task import overdue, queries, service
from tests.db.conftest import Lab
from tests.db.test_absence import away, now
from tests.db.test_seats import ENDS, FORM, seats, task_of
from tests.support import stored

ALLOW = ["delegate", "consult", "add_signer", "remove_signer", "return", "recall", "transfer", "assign", "withdraw"]


def begun(lab: Lab, *steps: dict[str, Any], **more: Any) -> int:
    """Start something that zhao asks for, before these steps; return the instance."""
    ask = {"id": "ask", "type": "user_task", "config": {"assignee": "zhao"}}
    ask["next"] = [steps[0]["id"]]
    lab.define(ask, *steps, *ENDS, **more)
    instance = lab.start()
    service.complete(lab.engine, lab.office["zhao"], lab.task(instance, "ask"), {}, now=lab.at)
    return instance


def sign(*next_: str, id: str = "sign", **config: Any) -> dict[str, Any]:
    given = {"form": FORM, "allow": ALLOW, **config}
    return {"id": id, "name": id, "type": "user_task", "config": given, "next": [*next_] or ["yes", "no"]}


def together(lab: Lab, *people: str, **config: Any) -> int:
    return begun(lab, sign(assignees=list(people), **config))


def act(lab: Lab, verb: str, by: Any, task: int, *args: Any, **more: Any) -> Any:
    actor = lab.office[by] if isinstance(by, str) else by
    return getattr(service, verb)(lab.engine, actor, task, *args, now=lab.at, **more)


def side(lab: Lab, task: int, who: str) -> int:
    row = stored.row(
        lab.db,
        "select max(id) as id from tasks where serves = %(t)s and assignee = %(w)s",
        t=task, w=who,
    )
    return int(row["id"])


def notes(lab: Lab, event: str) -> list[str]:
    rows = stored.rows(lab.db, "select username from notifications where event = %(e)s order by id", e=event)
    return [row["username"] for row in rows]


def row(lab: Lab, task: int) -> dict[str, Any]:
    return stored.row(lab.db, "select * from tasks where id = %(t)s", t=task)


def vote(lab: Lab, instance: int, by: str, *, ok: bool = True, actor: Any = None) -> Any:
    lab.later(minutes=1)
    return act(lab, "complete", actor or by, task_of(lab, instance, by), {"approved": ok})


def test_a_decision_that_waits_for_signatures_stays_that_of_a_substitute(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei"))
    task = lab.task(instance, "sign")
    away(lab, "mei", "wang")
    act(lab, "add_signer", now(lab, "wang"), task, ["li"], "after", values={"approved": True})
    act(lab, "resolve", "li", side(lab, task, "li"), {}, outcome="approve")
    kept = row(lab, task)
    assert (kept["state"], kept["completed_by"], kept["on_behalf_of"]) == ("completed", "wang", "mei")
    stored.agrees(lab.db, instance)


def test_who_may_not_decide_does_not_by_adding_signers_after(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei", approval={"exclude": ["wang"]}))
    task = lab.task(instance, "sign")
    away(lab, "mei", "wang")
    wang = now(lab, "wang")
    call = lambda: act(lab, "add_signer", wang, task, ["li"], "after", values={"approved": True})
    assert lab.refused(Forbidden, call).code == "barred_by_rule"


def test_barred_substitute_signs_before(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei", approval={"exclude": ["wang"]}))
    task = lab.task(instance, "sign")
    act(lab, "add_signer", "mei", task, ["li"], "before")
    away(lab, "li", "wang")
    call = lambda: act(lab, "resolve", now(lab, "wang"), side(lab, task, "li"), {}, outcome="approve")
    assert lab.refused(Forbidden, call).code == "barred_by_rule"


def test_recall_by_substitute_gives_it_back_to_absent(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="li"))
    task = lab.task(instance, "sign")
    away(lab, "mei", "wang")
    act(lab, "complete", now(lab, "wang"), task, {"approved": True})
    act(lab, "recall", now(lab, "wang"), task)
    stored.agrees(lab.db, instance)
    again = row(lab, lab.task(instance, "sign"))
    assert again["assignee"] == "mei"


def test_return_to_what_a_substitute_did(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="li"))
    task = lab.task(instance, "sign")
    away(lab, "mei", "wang")
    act(lab, "complete", now(lab, "wang"), task, {"approved": True})
    act(lab, "give_back", "li", lab.task(instance, "two"), "previous", comment="no")
    again = row(lab, lab.task(instance, "sign"))
    assert again["assignee"] == "mei"
    stored.agrees(lab.db, instance)


def test_sequential_recall_by_substitute_who_voted_twice(lab: Lab) -> None:
    instance = together(lab, "mei", "li", "zhao", mode="sequential")
    away(lab, "mei", "wang")
    away(lab, "li", "wang")
    wang = now(lab, "wang")
    vote(lab, instance, "mei", actor=wang)
    vote(lab, instance, "li", actor=wang)
    with pytest.raises(Conflict) as caught:
        act(lab, "recall", wang, task_of(lab, instance, "mei"))
    assert caught.value.code == "gone_on"
    act(lab, "recall", wang, task_of(lab, instance, "li"))
    stored.agrees(lab.db, instance)


def test_others_decide_while_a_delegate_is_asked(lab: Lab) -> None:
    instance = together(lab, "mei", "li", mode="any")
    task = task_of(lab, instance, "mei")
    act(lab, "delegate", "mei", task, "stranger")
    act(lab, "consult", "mei", task, ["wang"], "?") if False else None
    asked = side(lab, task, "stranger")
    vote(lab, instance, "li")
    assert row(lab, asked)["state"] == "cancelled"
    assert notes(lab, "unasked") == ["stranger"]
    stored.agrees(lab.db, instance)


def test_previous_is_not_what_a_rule_decided(lab: Lab) -> None:
    instance = begun(
        lab,
        sign("two", assignee="mei"),
        sign("three", id="two", assignee="zhao", approval={"self_approval": "skip"}),
        sign(id="three", assignee="li"),
    )
    act(lab, "complete", "mei", lab.task(instance, "sign"), {"approved": True})
    act(lab, "give_back", "li", lab.task(instance, "three"), "previous", comment="no")
    stored.agrees(lab.db, instance)
    live = stored.rows(lab.db, "select step, assignee from tasks where state in ('open', 'claimed')")
    assert live == [{"step": "sign", "assignee": "mei"}]


def test_recall_after_automatic(lab: Lab) -> None:
    instance = begun(
        lab,
        sign("two", assignee="mei"),
        sign("three", id="two", assignee="zhao", approval={"self_approval": "skip"}),
        sign(id="three", assignee="li"),
    )
    act(lab, "complete", "mei", lab.task(instance, "sign"), {"approved": True})
    act(lab, "recall", "mei", lab.task(instance, "sign"))
    stored.agrees(lab.db, instance)
    live = stored.rows(lab.db, "select step, assignee from tasks where state in ('open', 'claimed')")
    assert live == [{"step": "sign", "assignee": "mei"}]


def test_straight_back_to_countersign(lab: Lab) -> None:
    instance = together(lab, "mei", "li", mode="all")
    vote(lab, instance, "mei")
    act(lab, "give_back", "li", task_of(lab, instance, "li"), "ask", resume="straight_back", comment="x")
    stored.agrees(lab.db, instance)
    act(lab, "complete", "zhao", lab.task(instance, "ask"), {})
    stored.agrees(lab.db, instance)
    live = stored.rows(lab.db, "select step, assignee from tasks where state in ('open', 'claimed') order by id")
    print(live)
    vote(lab, instance, "mei")
    vote(lab, instance, "li")
    stored.agrees(lab.db, instance)
    assert instances.get(lab.db, lab.office["root"], instance)["result"] == "yes"


def test_overdue_reminds_substitutes(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei", due_date="2h", reminders=["-1h"], on_overdue={"action": "notify"}))
    away(lab, "mei", "wang")
    lab.later(hours=1)
    overdue.look(lab.engine, now=lab.at)
    assert sorted(notes(lab, "reminded")) == ["mei", "wang"]
    lab.later(hours=1)
    overdue.look(lab.engine, now=lab.at)
    assert sorted(notes(lab, "overdue")) == ["mei", "wang"]


def test_remind_waiting(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei"))
    task = lab.task(instance, "sign")
    away(lab, "li", "root")
    away(lab, "mei", "wang")
    act(lab, "delegate", "mei", task, "li")
    assert sorted(notes(lab, "asked")) == ["li", "root"]
    act(lab, "remind", "mei", task)
    assert sorted(notes(lab, "reminded")) == ["li", "root"]


def test_figures(lab: Lab) -> None:
    instance = begun(lab, sign(assignee="mei"))
    before = figures(lab.db, now=lab.at).tasks_open
    act(lab, "consult", "mei", lab.task(instance, "sign"), ["li"], "?")
    assert figures(lab.db, now=lab.at).tasks_open == before == 1


def test_overdue_outcome_with_pending_seat(lab: Lab) -> None:
    instance = together(lab, "mei", "li", due_date="2h", on_overdue={"action": "outcome", "outcome": "true"})
    task = task_of(lab, instance, "mei")
    act(lab, "add_signer", "mei", task, ["wang"], "after", values={"approved": True})
    lab.later(hours=3)
    overdue.look(lab.engine, now=lab.at)
    stored.agrees(lab.db, instance)
    assert instances.get(lab.db, lab.office["root"], instance)["result"] == "yes"
    print(stored.rows(lab.db, "select id, assignee, state, reason, waits_for, pending::text from tasks order by id"))
    assert notes(lab, "unasked") == ["wang"]


def test_recall_after_migration(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    vote(lab, instance, "mei")
    new = lab.define(
        {"id": "ask", "type": "user_task", "config": {"assignee": "zhao"}, "next": ["seal"]},
        sign(id="seal", assignees=["mei", "li"]), *ENDS, version="2")
    migrate.migrate(lab.engine, lab.office["root"], instance, new, steps={"sign": "seal"}, now=lab.at)
    with pytest.raises(Conflict):
        act(lab, "recall", "mei", task_of(lab, instance, "mei"))
    vote_ = stored.row(lab.db, "select id from tasks where step = 'seal' and state = 'claimed'")["id"]
    act(lab, "complete", "li", vote_, {"approved": True})


def test_drafts_hidden(lab: Lab) -> None:
    form = {**FORM, "salary": "number"}
    lab.define(sign(assignee="finance_team", form=form, allow=["release"]), *ENDS, variables={"salary": {"type": "number", "sensitive": True}})
    instance = lab.start()
    task = lab.task(instance, "sign")
    act(lab, "claim", "mei", task)
    service.save_draft(lab.engine, lab.office["mei"], task, {"salary": "9", "remark": "r"}, now=lab.at)
    assert queries.get(lab.db, lab.office["mei"], task, now=lab.at)["draft"]["values"]["salary"] == "9"
    act(lab, "release", "mei", task)
    act(lab, "claim", "wang", task)
    assert queries.get(lab.db, lab.office["wang"], task, now=lab.at)["draft"]["values"] == {"remark": "r"}


@pytest.mark.parametrize("verb", ["terminate", "jump", "skip", "return", "withdraw", "recall"])
def test_leaves_nothing(lab: Lab, verb: str) -> None:
    instance = together(lab, "mei", "li", "wang")
    vote(lab, instance, "wang")
    task = task_of(lab, instance, "mei")
    act(lab, "add_signer", "mei", task, ["stranger"], "after", values={"approved": True})
    act(lab, "consult", "li", task_of(lab, instance, "li"), ["root"], "?")
    wait = row(lab, task)["wait"]
    if verb == "terminate":
        lab.operate("terminate", instance)
    elif verb == "withdraw":
        withdrawal.withdraw(lab.engine, lab.office["zhao"], instance, comment="x", now=lab.at)
    elif verb == "return":
        act(lab, "give_back", "li", task_of(lab, instance, "li"), "ask", comment="x")
        print(notes(lab, "withdrawn"))
    elif verb == "recall":
        act(lab, "recall", "wang", task_of(lab, instance, "wang"))
        vote(lab, instance, "li")
        vote(lab, instance, "wang")
        act(lab, "resolve", "stranger", side(lab, task, "stranger"), {}, outcome="approve")
        assert instances.get(lab.db, lab.office["root"], instance)["result"] == "yes"
    else:
        lab.operate("suspend", instance)
        token = stored.state_of(lab.db, instance).tokens[0]
        if verb == "jump":
            repair.jump(lab.engine, lab.office["root"], instance, token.id, "yes", now=lab.at)
        else:
            lab.operate("activate", instance)
            repair.skip(lab.engine, lab.office["root"], instance, wait, now=lab.at)
        if verb == "jump":
            lab.operate("activate", instance)
    stored.agrees(lab.db, instance)
    print(stored.rows(lab.db, "select id, assignee, role, state, reason from tasks order by id"))
