"""Verbs and rules that meet: what one has begun and another ends, decides or takes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.definition.sensitive import MASK
from app.errors import AppError, Conflict, Forbidden
from app.runtime import migrate, repair, timers, withdrawal
from app.runtime import queries as instances
from app.runtime.figures import figures
from app.task import inbox, overdue, queries, service
from tests.db.conftest import Lab
from tests.db.test_absence import away, now
from tests.db.test_seats import ENDS, FORM, task_of
from tests.support import stored

ALLOW = ["release", "assign", "transfer", "delegate", "consult", "add_signer", "remove_signer"]
ALLOW += ["return", "withdraw", "recall", "remind"]
YES = {"approved": True}


def sign(*next_: str, id: str = "sign", **config: Any) -> dict[str, Any]:
    given = {"form": FORM, "allow": ALLOW, **config}
    way = [*next_] or ["yes", "no"]
    return {"id": id, "name": id, "type": "user_task", "config": given, "next": way}


def begun(lab: Lab, *steps: dict[str, Any], **more: Any) -> int:
    """Start something that zhao asks for, before these steps; return the instance."""
    ask = {"id": "ask", "type": "user_task", "config": {"assignee": "zhao"}}
    lab.define({**ask, "next": [steps[0]["id"]]}, *steps, *ENDS, **more)
    instance = lab.start()
    act(lab, "complete", "zhao", lab.task(instance, "ask"), {})
    return instance


def one(lab: Lab, assignee: str = "mei", **config: Any) -> int:
    """Start something that one person decides; return their task."""
    return lab.task(begun(lab, sign(assignee=assignee, **config)), "sign")


def together(lab: Lab, *people: str, **config: Any) -> int:
    return begun(lab, sign(assignees=list(people), **config))


def act(lab: Lab, verb: str, by: Any, task: int, *args: Any, **more: Any) -> Any:
    actor = lab.office[by] if isinstance(by, str) else by
    return getattr(service, verb)(lab.engine, actor, task, *args, now=lab.at, **more)


def vote(lab: Lab, instance: int, holder: str, by: Any = None) -> None:
    lab.later(minutes=1)
    act(lab, "complete", by or holder, task_of(lab, instance, holder), YES)


def side(lab: Lab, task: int, who: str) -> int:
    sql = "select max(id) as id from tasks where serves = %(task)s and assignee = %(who)s"
    return int(stored.row(lab.db, sql, task=task, who=who)["id"])


def signed(lab: Lab, by: Any, task: int) -> None:
    act(lab, "resolve", by, task, {}, outcome="approve")


def row(lab: Lab, task: int) -> dict[str, Any]:
    return stored.row(lab.db, "select * from tasks where id = %(task)s", task=task)


def live(lab: Lab) -> list[tuple[str, str]]:
    sql = "select step, assignee from tasks where state in ('open', 'claimed') order by id"
    return [(each["step"], each["assignee"]) for each in stored.rows(lab.db, sql)]


def notes(lab: Lab, event: str) -> list[str]:
    sql = "select username from notifications where event = %(event)s order by username"
    return [each["username"] for each in stored.rows(lab.db, sql, event=event)]


def result(lab: Lab, instance: int) -> str | None:
    stored.agrees(lab.db, instance)
    ended: str | None = instances.get(lab.db, lab.office["root"], instance)["result"]
    return ended


def code(call: Callable[[], Any]) -> str | None:
    try:
        call()
    except AppError as error:
        return error.code
    return None


# --- who stands in for somebody -------------------------------------------------------


def test_a_decision_that_waits_for_signatures_stays_that_of_who_stood_in(lab: Lab) -> None:
    task = one(lab)
    away(lab, "mei", "wang")
    act(lab, "add_signer", now(lab, "wang"), task, ["li"], "after", values=YES)
    decision = queries.get(lab.db, lab.office["li"], side(lab, task, "li"), now=lab.at)["decision"]
    assert (decision["by"], decision["on_behalf_of"]) == ("wang", "mei")
    signed(lab, "li", side(lab, task, "li"))
    kept = row(lab, task)
    assert (kept["completed_by"], kept["on_behalf_of"]) == ("wang", "mei")
    assert result(lab, kept["instance_id"]) == "yes"


def test_what_was_decided_for_somebody_comes_back_to_them(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="li"))
    away(lab, "mei", "wang")
    wang, task = now(lab, "wang"), lab.task(instance, "sign")
    act(lab, "complete", wang, task, YES)
    with stored.taken_back(lab.db):
        act(lab, "recall", wang, task)
        assert live(lab) == [("sign", "mei")]
    two = lab.task(instance, "two")
    act(lab, "give_back", "li", two, "previous", resume="straight_back", comment="No")
    assert live(lab) == [("sign", "mei")]
    act(lab, "complete", wang, lab.task(instance, "sign"), YES)
    assert live(lab) == [("two", "li")]
    stored.agrees(lab.db, instance)


def test_who_voted_for_two_takes_back_the_last_one_only(lab: Lab) -> None:
    instance = together(lab, "mei", "li", "zhao", mode="sequential")
    away(lab, "mei", "wang")
    away(lab, "li", "wang")
    wang = now(lab, "wang")
    for holder in ("mei", "li"):
        vote(lab, instance, holder, wang)
    first, second = (task_of(lab, instance, holder) for holder in ("mei", "li"))
    refused = lab.refused(Conflict, lambda: act(lab, "recall", wang, first))
    assert refused.code == "gone_on"
    again = act(lab, "recall", wang, second)
    assert (again["assignee"], again["on_behalf_of"], live(lab)) == ("li", None, [("sign", "li")])
    stored.agrees(lab.db, instance)


def test_who_may_not_decide_does_not_for_others_in_any_way(lab: Lab) -> None:
    task = one(lab, approval={"exclude": ["wang"]})
    act(lab, "add_signer", "mei", task, ["li"], "before")
    away(lab, "mei", "wang")
    away(lab, "li", "wang")
    wang, asked = now(lab, "wang"), side(lab, task, "li")
    refused = lab.refused(Forbidden, lambda: signed(lab, wang, asked))
    assert refused.code == "barred_by_rule"
    signed(lab, "li", asked)
    more: dict[str, Any] = {"values": YES}
    refused = lab.refused(
        Forbidden, lambda: act(lab, "add_signer", wang, task, ["zhao"], "after", **more)
    )
    assert refused.code == "barred_by_rule"


def test_who_stands_in_is_told_what_the_person_is_told(lab: Lab) -> None:
    late = {"action": "notify"}
    task = one(lab, due_date="2h", reminders=["-1h"], on_overdue=late)
    away(lab, "mei", "wang")
    away(lab, "li", "root")
    act(lab, "delegate", "mei", task, "li")
    assert notes(lab, "asked") == ["li", "root"]
    act(lab, "remind", "mei", task)
    assert notes(lab, "reminded") == ["li", "root"], "who is waited for, and nobody else"
    signed(lab, "li", side(lab, task, "li"))
    assert notes(lab, "answered") == ["mei", "wang"]
    lab.later(hours=1)
    overdue.look(lab.engine, now=lab.at)
    assert notes(lab, "reminded") == ["li", "mei", "root", "wang"]
    lab.later(hours=1)
    overdue.look(lab.engine, now=lab.at)
    assert notes(lab, "overdue") == ["mei", "wang"]


# --- what was asked, when something else ends it ---------------------------------------


def test_who_was_asked_is_told_when_others_decide(lab: Lab) -> None:
    instance = together(lab, "mei", "li", mode="any")
    task = task_of(lab, instance, "mei")
    act(lab, "consult", "mei", task, ["root"], "?")
    act(lab, "delegate", "mei", task, "stranger")
    assert figures(lab.db, now=lab.at).tasks_open == 2, "what is asked is no task of the process"
    vote(lab, instance, "li")
    assert (live(lab), notes(lab, "unasked")) == ([], ["root", "stranger"])
    shown = queries.get(lab.db, lab.office["mei"], task, now=lab.at)
    assert (shown["waits_for"], shown["decided_by"]) == (None, "li")
    assert result(lab, instance) == "yes"


def test_a_seat_that_is_taken_away_is_told_with_what_it_asked(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    task = task_of(lab, instance, "mei")
    act(lab, "add_signer", "mei", task, ["wang"])
    act(lab, "delegate", "wang", task_of(lab, instance, "wang"), "stranger")
    act(lab, "remove_signer", "mei", task, "wang", comment="Too many")
    assert (notes(lab, "withdrawn"), notes(lab, "unasked")) == (["wang"], ["stranger"])
    stored.agrees(lab.db, instance)


def test_a_rule_that_decides_leaves_nothing_waiting(lab: Lab) -> None:
    late = {"action": "outcome", "outcome": "true"}
    instance = together(lab, "mei", "li", due_date="2h", on_overdue=late)
    task = task_of(lab, instance, "mei")
    act(lab, "add_signer", "mei", task, ["wang"], "before")
    lab.later(hours=3)
    overdue.look(lab.engine, now=lab.at)
    assert (result(lab, instance), notes(lab, "unasked")) == ("yes", ["wang"])
    kept = row(lab, task)
    assert (kept["waits_for"], kept["pending"], kept["rule"]) == (None, None, "on_overdue")


def test_whatever_ends_a_step_leaves_none_of_its_rows_open(lab: Lab) -> None:
    late = [{"on": "timer", "after": "1h", "next": "no"}]
    step = {**sign(assignees=["mei", "li", "wang"]), "boundary": late}
    instance = begun(lab, step)
    vote(lab, instance, "wang")
    mei, li = (task_of(lab, instance, who) for who in ("mei", "li"))
    act(lab, "add_signer", "mei", mei, ["stranger"], "after", values=YES)
    act(lab, "consult", "li", li, ["root"], "?")
    root, token = lab.office["root"], stored.state_of(lab.db, instance).tokens[0].id
    others = ["li", "mei", "stranger"]

    def jump() -> None:
        lab.operate("suspend", instance)
        repair.jump(lab.engine, root, instance, token, "yes", now=lab.at)
        lab.operate("activate", instance)

    ways: list[tuple[Callable[[], object], list[tuple[str, str]], list[str]]] = [
        (jump, [], others),
        (lambda: repair.skip(lab.engine, root, instance, token, now=lab.at), [], others),
        (lambda: lab.operate("terminate", instance), [], others),
        (lambda: timers.fire_due(lab.engine, now=lab.later(hours=2)), [], []),
        (
            lambda: act(lab, "give_back", "li", li, "ask", resume="straight_back", comment="No"),
            [("ask", "zhao")],
            ["mei", "root", "stranger"],
        ),
        (
            lambda: withdrawal.withdraw(
                lab.engine, lab.office["zhao"], instance, comment="No", now=lab.at
            ),
            [],
            ["li", "mei", "root", "stranger"],
        ),
    ]
    for end, left, told in ways:
        with stored.taken_back(lab.db):
            end()
            kind = "ended" if left else "withdrawn"
            assert (live(lab), notes(lab, kind)) == (left, told)
            stored.agrees(lab.db, instance)
            if left:  # straight back: everyone decides anew
                act(lab, "complete", "zhao", lab.task(instance, "ask"), {})
                assert live(lab) == [("sign", who) for who in ("mei", "li", "wang")]
                stored.agrees(lab.db, instance)


# --- taking back ----------------------------------------------------------------------


def test_previous_is_what_a_person_did_and_a_recall_goes_behind_rules(lab: Lab) -> None:
    rule = {"self_approval": "skip"}
    instance = begun(
        lab,
        sign("two", assignee="mei"),
        sign("three", id="two", assignee="zhao", approval=rule),
        sign(id="three", assignees=["li", "wang"]),
    )
    task = lab.task(instance, "sign")
    act(lab, "complete", "mei", task, YES)
    with stored.taken_back(lab.db):
        act(lab, "recall", "mei", task)
        assert live(lab) == [("sign", "mei")]
        stored.agrees(lab.db, instance)
    three = stored.row(lab.db, "select min(id) as id from tasks where step = 'three'")["id"]
    act(lab, "give_back", "li", three, "previous", comment="No")
    assert live(lab) == [("sign", "mei")]
    stored.agrees(lab.db, instance)


def test_what_others_have_signed_is_not_recalled(lab: Lab) -> None:
    instance = begun(lab, sign("two", assignee="mei"), sign(id="two", assignee="li"))
    task = lab.task(instance, "sign")
    act(lab, "add_signer", "mei", task, ["wang"], "after", values=YES)
    lab.later(minutes=1)
    signed(lab, "wang", side(lab, task, "wang"))
    refused = lab.refused(Conflict, lambda: act(lab, "recall", "mei", task))
    (way,) = refused.extra["in_the_way"]
    assert (refused.code, way["by"]) == ("gone_on", "wang")


def test_a_vote_of_another_version_is_not_recalled(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    vote(lab, instance, "mei")
    ask = {"id": "ask", "type": "user_task", "config": {"assignee": "zhao"}, "next": ["seal"]}
    new = lab.define(ask, sign(id="seal", assignees=["mei", "li"]), *ENDS, version="2")
    root, steps = lab.office["root"], {"sign": "seal"}
    migrate.migrate(lab.engine, root, instance, new, steps=steps, now=lab.at)
    mei = task_of(lab, instance, "mei")
    assert code(lambda: act(lab, "recall", "mei", mei)) == "gone_on"
    act(lab, "complete", "li", lab.task(instance, "seal"), YES)
    assert instances.get(lab.db, root, instance)["result"] == "yes"


# --- values and people ----------------------------------------------------------------


def test_a_draft_of_others_keeps_back_what_one_may_not_read(lab: Lab) -> None:
    secret = {"salary": {"type": "number", "sensitive": True}}
    form = {**FORM, "salary": "number"}
    instance = begun(lab, sign(assignee="finance_team", form=form), variables=secret)
    task, typed = lab.task(instance, "sign"), {"salary": "4711", "remark": "Well"}
    act(lab, "claim", "mei", task)
    service.save_draft(lab.engine, lab.office["mei"], task, typed, now=lab.at)
    act(lab, "release", "mei", task)
    act(lab, "claim", "wang", task)
    drafts = [
        queries.get(lab.db, lab.office[who], task, now=lab.at)["draft"] for who in ("wang", "root")
    ]
    assert (drafts[0]["by"], drafts[0]["values"], drafts[1]) == ("mei", {"remark": "Well"}, None)


def test_what_one_may_not_read_is_not_lost_by_leaving_it_empty(lab: Lab) -> None:
    secret = {"salary": {"type": "number", "sensitive": True, "default": 4711}}
    paid = {"salary": {"type": "number", "required": True}}
    shown = {"salary": {"type": "number", "read_only": True}}
    first = sign("seal", "no", assignee="mei", form={**FORM, **paid})
    last = sign(id="seal", assignee="mei", form={**FORM, **shown})
    instance = begun(lab, first, last, variables=secret)
    page = queries.get(lab.db, lab.office["mei"], lab.task(instance, "sign"), now=lab.at)
    assert (page["values"]["salary"], page["withheld"]) == (None, ["salary"])
    typed = {"approved": "true", "salary": ""}
    act(lab, "complete", "mei", page["id"], typed, text=True)
    assert instances.get(lab.db, lab.office["root"], instance)["variables"]["salary"] == 4711
    page = queries.get(lab.db, lab.office["mei"], lab.task(instance, "seal"), now=lab.at)
    assert (page["values"]["salary"], page["withheld"]) == (MASK, ["salary"])


def test_a_default_made_of_what_one_may_not_read_is_not_shown(lab: Lab) -> None:
    secret = {"salary": {"type": "number", "sensitive": True, "default": 4000}}
    form = {
        "raise": {"type": "number", "default": "${salary + 100}"},
        "offer": {"type": "number", "default": "${1 + 1}"},
    }
    instance = begun(lab, sign(assignee="mei", form={**FORM, **form}), variables=secret)
    task = lab.task(instance, "sign")
    for who, seen in (("mei", None), ("root", 4100)):
        page = queries.get(lab.db, lab.office[who], task, now=lab.at)
        fields = {field["name"]: field for field in page["form"]}
        assert page["values"]["raise"] == seen, who
        assert fields["raise"].get("default") == seen, who
        assert "default" in fields["offer"]
    (listed,) = inbox.inbox(lab.db, lab.office["mei"], "todo", now=lab.at).items
    assert "4100" not in str(listed["form"])
    act(lab, "complete", "mei", task, {"approved": True, "raise": 1})
    assert instances.get(lab.db, lab.office["root"], instance)["variables"]["raise"] == 1


def test_nobody_gets_a_second_seat_by_being_late(lab: Lab) -> None:
    late = {"action": "reassign", "to": "li"}
    instance = together(lab, "mei", "li", mode="sequential", due_date="2h", on_overdue=late)
    lab.later(hours=3)
    overdue.look(lab.engine, now=lab.at)
    assert live(lab) == [("sign", "mei")], "li's turn comes anyway"
    stored.agrees(lab.db, instance)


def test_who_began_it_is_given_no_part_in_the_decision(lab: Lab) -> None:
    instance = together(lab, "mei", "li", approval={"self_approval": "forbid"})
    task = task_of(lab, instance, "mei")

    def add(where: str) -> None:
        values = YES if where == "after" else None
        act(lab, "add_signer", "mei", task, ["zhao"], where, values=values)

    calls = [
        lambda: act(lab, "transfer", "mei", task, "zhao"),
        lambda: act(lab, "assign", "root", task, "zhao"),
        *(lambda where=where: add(where) for where in ("parallel", "before", "after")),
    ]
    assert [code(call) for call in calls] == ["invalid_people"] * 5
    act(lab, "delegate", "mei", task, "zhao")  # to give advice is not to decide
