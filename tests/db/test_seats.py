"""Several people decide one step: seats, votes, what they come to, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.errors import Conflict, Forbidden, Invalid
from app.history import queries as history
from app.runtime import queries as instances
from app.task import queries, service
from app.task.inbox import inbox
from app.task.route import route
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW

FORM = {"approved": {"type": "boolean", "required": True}, "remark": "text"}
ENDS = (
    {"id": "yes", "type": "end", "config": {"code": "yes"}},
    {"id": "no", "type": "end", "config": {"code": "no", "result": "cancelled"}},
)


def define(lab: Lab, assignees: Any, key: str = "own", **config: Any) -> None:
    """Store a definition whose first step these people decide."""
    config = {"form": FORM, "assignees": assignees, **config}
    step = {"id": "sign", "name": "Sign", "type": "user_task", "config": config}
    lab.define({**step, "next": ["yes", "no"]}, *ENDS, key=key)


def seats(lab: Lab, instance: int) -> dict[str, str]:
    """Return who has a task, and how it stands; who was withdrawn with who decided instead."""
    rows = stored.rows(
        lab.db,
        "select coalesce(assignee, array_to_string(candidates, ',')) as who, state, reason,"
        " decided_by from tasks where instance_id = %(id)s and step = 'sign' order by id",
        id=instance,
    )
    shown = {}
    for row in rows:
        end = f"{row['reason']} by {row['decided_by']}" if row["state"] == "cancelled" else ""
        shown[row["who"]] = end or row["state"]
    return shown


def task_of(lab: Lab, instance: int, who: str) -> int:
    sql = (
        "select max(id) as id from tasks where instance_id = %(id)s and step = 'sign'"
        " and (assignee = %(who)s or %(key)s = any(candidates))"
    )
    found = stored.row(lab.db, sql, id=instance, who=who, key=f"g:{who}")["id"]
    assert found is not None, f"{who} has no task"
    return int(found)


def vote(lab: Lab, instance: int, who: str, approved: bool, **more: Any) -> service.Completed:
    values = {"approved": approved, **more}
    lab.later(minutes=1)
    task = task_of(lab, instance, who)
    done = service.complete(lab.engine, lab.office[who], task, values, now=lab.at)
    stored.agrees(lab.db, instance)
    return done


def result(lab: Lab, instance: int) -> str | None:
    body = instances.get(lab.db, lab.office["root"], instance)
    return body["result"] if body["status"] != "running" else None


def get(lab: Lab, who: str, task: int) -> dict[str, Any]:
    return queries.get(lab.db, lab.office[who], task, now=lab.at)


def kinds(lab: Lab, instance: int) -> list[str]:
    return [each["kind"] for each in history.events(lab.db, lab.office["root"], instance)]


def test_all_of_them_approve_and_each_vote_is_kept(lab: Lab) -> None:
    define(lab, ["mei", "group:finance_team", "li"])
    instance = lab.start()
    assert seats(lab, instance) == {"mei": "claimed", "wang": "claimed", "li": "claimed"}
    notes = stored.rows(lab.db, "select username, event from notifications order by id")
    assert [(each["username"], each["event"]) for each in notes] == [
        ("mei", "task"),
        ("wang", "task"),
        ("li", "task"),
    ]
    first = vote(lab, instance, "mei", True, remark="fine")
    assert (first.instance.status, first.next) == ("running", [])
    wanted = {"mode": "all", "needed": 3, "total": 3, "approved": 1, "rejected": 0}
    assert first.counts == wanted
    assert first.task["state"] == "completed"
    vote(lab, instance, "li", True)
    last = vote(lab, instance, "wang", True, remark="also fine")
    assert last.instance.status == "completed"
    assert result(lab, instance) == "yes"
    values = instances.get(lab.db, lab.office["root"], instance)["variables"]
    assert values == {"approved": True, "remark": "also fine"}
    state = stored.agrees(lab.db, instance).completed["sign"].seen()
    assert (state["approved"], state["rejected"], state["total"]) == (3, 0, 3)
    said = [
        (each["user"], each["approved"], each["values"].get("remark")) for each in state["votes"]
    ]
    assert said == [("mei", True, "fine"), ("li", True, None), ("wang", True, "also fine")]
    assert kinds(lab, instance).count("task.voted") == 3
    assert kinds(lab, instance).count("task.completed") == 1


def test_a_rejection_ends_it_and_the_others_find_who_decided(lab: Lab) -> None:
    define(lab, ["mei", "wang", "li"])
    instance = lab.start()
    vote(lab, instance, "mei", True)
    typed = task_of(lab, instance, "li")
    service.save_draft(lab.engine, lab.office["li"], typed, {"remark": "hm"}, now=lab.at)
    vote(lab, instance, "wang", False)
    assert result(lab, instance) == "no"
    wanted = {"mei": "completed", "wang": "completed", "li": "decided by wang"}
    assert seats(lab, instance) == wanted
    assert stored.rows(lab.db, "select 1 from drafts") == []
    mine = inbox(lab.db, lab.office["li"], "done", now=lab.at)
    assert [(each["id"], each["decided_by"]) for each in mine.items] == [(typed, "wang")]
    assert mine.counts["done"] == 1
    error = lab.refused(Conflict, lambda: vote(lab, instance, "li", True))
    assert (error.code, error.extra["by"]) == ("decided_by_others", "wang")


def test_what_is_done_and_what_others_decided_stand_in_one_list_by_time(lab: Lab) -> None:
    define(lab, ["mei", "li"], mode="any")
    own, others = [], []
    for number in range(5):
        instance = lab.start()
        vote(lab, instance, "mei" if number % 2 else "li", True)
        (own if number % 2 else others).append(task_of(lab, instance, "mei"))
    actor, found, after = lab.office["mei"], [], None
    while True:
        page = inbox(lab.db, actor, "done", size=2, after=after, now=lab.at)
        found += [each["id"] for each in page.items]
        after = page.next
        if after is None:
            break
    assert found == [others[2], own[1], others[1], own[0], others[0]]


@pytest.mark.parametrize(
    ("config", "votes", "ends"),
    [
        ({"mode": "any"}, {"mei": False}, "no"),
        ({"mode": "all", "on_reject": "after_all"}, {"mei": False, "wang": True, "li": True}, "no"),
        ({"mode": "ratio", "ratio": "${2 / 3}"}, {"mei": False, "wang": True, "li": True}, "yes"),
        ({"mode": "ratio", "ratio": 0.5}, {"mei": False, "wang": False}, "no"),
        ({"mode": "ratio", "ratio": 0.3, "on_reject": "at_once"}, {"mei": False}, "no"),
    ],
)
def test_when_it_is_decided(
    lab: Lab, config: dict[str, Any], votes: dict[str, bool], ends: str
) -> None:
    define(lab, ["mei", "wang", "li"], **config)
    instance = lab.start()
    for number, (who, approved) in enumerate(votes.items(), start=1):
        assert result(lab, instance) is None
        done = vote(lab, instance, who, approved)
        assert done.counts is not None
        assert done.counts["approved"] + done.counts["rejected"] == number
    assert result(lab, instance) == ends
    final = instances.get(lab.db, lab.office["root"], instance)["variables"]["approved"]
    assert final is (ends == "yes")


def test_one_after_another_only_who_has_the_turn_has_a_task(lab: Lab) -> None:
    define(lab, ["finance_team", "li"], mode="sequential", due_date="2h")
    instance = lab.start()
    assert seats(lab, instance) == {"mei": "claimed"}
    shown = get(lab, "mei", task_of(lab, instance, "mei"))["visit"]
    assert [(each["user"], each["state"]) for each in shown["seats"]] == [
        ("mei", "claimed"),
        ("wang", "waiting"),
        ("li", "waiting"),
    ]
    vote(lab, instance, "mei", True)
    assert seats(lab, instance) == {"mei": "completed", "wang": "claimed"}
    assert get(lab, "wang", task_of(lab, instance, "wang"))["due_at"] == NOW + timedelta(hours=2)
    told = stored.rows(lab.db, "select username from notifications order by id")
    assert [each["username"] for each in told] == ["mei", "wang"]
    error = lab.refused(
        Invalid,
        lambda: service.transfer(
            lab.engine, lab.office["wang"], task_of(lab, instance, "wang"), "li", now=lab.at
        ),
    )
    assert [each.code for each in error.errors] == ["has_a_seat"]
    (token,) = instances.get(lab.db, lab.office["root"], instance)["tokens"]
    assert token["since"] == NOW  # whoever has the turn, the step waits since it was reached
    vote(lab, instance, "wang", False)
    assert result(lab, instance) == "no"
    assert "li" not in seats(lab, instance)


def test_a_group_can_be_one_seat_that_one_of_them_claims(lab: Lab) -> None:
    define(lab, ["finance_team", "mei"], expand=False)
    instance = lab.start()
    assert seats(lab, instance) == {"g:finance_team": "open", "mei": "claimed"}
    shared = task_of(lab, instance, "finance_team")
    error = lab.refused(
        Conflict, lambda: service.claim(lab.engine, lab.office["mei"], shared, now=lab.at)
    )
    assert error.code == "has_a_seat"
    assert "claim" in get(lab, "wang", shared)["allowed"]
    assert {"claim", "complete"}.isdisjoint(get(lab, "mei", shared)["allowed"])
    done = service.complete(lab.engine, lab.office["wang"], shared, {"approved": True}, now=lab.at)
    assert done.counts is not None
    assert (done.counts["approved"], done.counts["total"]) == (1, 2)
    vote(lab, instance, "mei", True)
    assert result(lab, instance) == "yes"


def test_nobody_left_gives_it_to_the_owners_as_one_seat(lab: Lab) -> None:
    define(lab, ["nobody.here"])
    instance = lab.start()
    assert seats(lab, instance) == {"r:admin": "open"}
    task = lab.task(instance, "sign")
    service.complete(lab.engine, lab.office["root"], task, {"approved": True}, now=lab.at)
    assert result(lab, instance) == "yes"
    stored.agrees(lab.db, instance)


def test_the_people_can_come_from_an_expression(lab: Lab) -> None:
    define(lab, "${signers}")
    instance = lab.start(signers=["li", "li", "nobody", None])
    assert seats(lab, instance) == {"li": "claimed"}
    broken = lab.start(signers=[1])
    assert (
        stored.row(lab.db, "select kind from incidents where instance_id = %(id)s", id=broken)[
            "kind"
        ]
        == "bad_people"
    )


def test_outcomes_decide_and_what_one_requires_is_asked_of_who_chooses_it(lab: Lab) -> None:
    outcomes = [
        {"id": "ok", "next": "yes"},
        {"id": "with_conditions", "next": "yes"},
        {"id": "back", "style": "danger", "next": "no", "requires": ["remark"]},
    ]
    define(lab, ["mei", "wang"], on_reject="after_all", form={"remark": "text"}, outcomes=outcomes)
    instance = lab.start()

    def choose(who: str, outcome: str, **values: Any) -> Any:
        task = task_of(lab, instance, who)
        actor = lab.office[who]
        return service.complete(lab.engine, actor, task, values, outcome=outcome, now=lab.at)

    lab.refused(Invalid, lambda: choose("mei", "back"))
    choose("mei", "back", remark="no budget")
    lab.later(minutes=1)
    done = choose("wang", "with_conditions")
    assert done.counts is not None
    assert (done.counts["approved"], done.counts["rejected"]) == (1, 1)
    assert result(lab, instance) == "no"
    assert stored.agrees(lab.db, instance).completed["sign"].outcome == "back"


def test_a_vote_says_yes_or_no(lab: Lab) -> None:
    define(
        lab,
        ["mei", "li"],
        form={"approved": "boolean", "urgent": "boolean"},
        mode="any",
        decision_field="approved",
    )
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    error = lab.refused(
        Invalid,
        lambda: service.complete(lab.engine, lab.office["mei"], task, {"urgent": True}, now=NOW),
    )
    assert [(each.field, each.code) for each in error.errors] == [("approved", "required")]


def test_what_ends_the_step_otherwise_withdraws_every_seat(lab: Lab) -> None:
    define(lab, ["mei", "li"])
    instance = lab.start()
    vote(lab, instance, "mei", True)
    lab.operate("suspend", instance)
    lab.refused(Conflict, lambda: vote(lab, instance, "li", True))
    lab.operate("terminate", instance)
    stored.agrees(lab.db, instance)
    assert seats(lab, instance)["li"].endswith("by None")
    error = lab.refused(Conflict, lambda: vote(lab, instance, "li", True))
    assert error.code == "task_cancelled"


def test_seats_show_to_who_takes_part_how_it_stands(lab: Lab) -> None:
    define(lab, ["mei", "li"], form={"approved": "boolean"})
    instance = lab.start()
    vote(lab, instance, "li", True)
    shown = get(lab, "mei", task_of(lab, instance, "mei"))
    visit = shown["visit"]
    assert visit["decided"] is None
    assert [
        (each["user"], each["state"], each["approved"], each["removable"])
        for each in visit["seats"]
    ] == [("mei", "claimed", None, False), ("li", "completed", True, False)]
    assert shown["people"]["li"] == "Li Wei"


def test_roles_stand_for_their_people_and_who_has_left_is_passed_over(lab: Lab) -> None:
    define(lab, ["role:manager", "finance_team", "mei"])
    with lab.db.transaction() as tx:
        tx.run("update users set active = false where username = 'mei'")
    assert seats(lab, lab.start()) == {"li": "claimed", "wang": "claimed"}


def test_more_people_than_can_decide_together_leave_it_to_the_owners(lab: Lab) -> None:
    define(lab, ["li", "finance_team"], mode="any")
    with lab.db.transaction() as tx:
        tx.run(
            "with made as (insert into users (username, name, created_at)"
            " select 'clerk' || n, 'Clerk', now() from generate_series(1, 199) n returning id)"
            " insert into memberships (group_id, user_id)"
            " select g.id, made.id from made, groups g where g.name = 'finance_team'"
        )
    instance = lab.start()
    assert seats(lab, instance) == {"r:admin": "open"}
    assert "decision.automatic" in kinds(lab, instance)


def test_who_will_decide_together_is_foreseen(lab: Lab) -> None:
    sign = {"id": "sign", "type": "user_task", "config": {"assignees": ["finance_team", "li"]}}
    lab.define(
        {"id": "ask", "type": "user_task", "config": {"assignee": "mei"}, "next": ["sign"]}, sign
    )
    task = lab.task(lab.start(), "ask")
    (way,) = route(lab.engine, lab.office["mei"], task, {}, now=lab.at)
    assert way.stops[0].candidates["users"] == ["mei", "wang", "li"]


# --- signers ------------------------------------------------------------------------------

ALLOW = ["transfer", "add_signer", "remove_signer"]


def add(lab: Lab, by: str, task: int, *users: str, **more: Any) -> dict[str, Any]:
    return service.add_signer(lab.engine, lab.office[by], task, users, now=lab.at, **more)


def remove(lab: Lab, by: str, task: int, user: str, **more: Any) -> dict[str, Any]:
    return service.remove_signer(lab.engine, lab.office[by], task, user, now=lab.at, **more)


def test_who_is_added_late_has_a_say_and_votes_stay(lab: Lab) -> None:
    define(lab, ["mei", "li"], allow=ALLOW, due_date="2h")
    instance = lab.start()
    vote(lab, instance, "li", True)
    task = task_of(lab, instance, "mei")
    add(lab, "mei", task, "wang", comment="knows the supplier")
    line = history.events(lab.db, lab.office["root"], instance)[-1]
    assert (line["kind"], line["data"]["users"]) == ("task.signer_added", ["wang"])
    added = get(lab, "wang", task_of(lab, instance, "wang"))
    assert (added["due_at"], added["form"]) == (
        NOW + timedelta(hours=2),
        get(lab, "mei", task)["form"],
    )
    assert "add_signer" not in added["allowed"]
    error = lab.refused(Conflict, lambda: add(lab, "wang", added["id"], "stranger"))
    assert error.code == "added_yourself"
    vote(lab, instance, "mei", True)
    assert result(lab, instance) is None
    vote(lab, instance, "wang", True)
    assert result(lab, instance) == "yes"
    told = stored.rows(lab.db, "select event from notifications where username = 'wang'")
    assert [each["event"] for each in told] == ["task"]


@pytest.mark.parametrize("who", ["mei", "li", "Wang "])
def test_nobody_is_added_who_decides_already(lab: Lab, who: str) -> None:
    define(lab, ["mei", "li", "wang"], allow=ALLOW, mode="sequential")
    instance = lab.start()
    vote(lab, instance, "mei", True)
    task = task_of(lab, instance, "li")
    error = lab.refused(Invalid, lambda: add(lab, "li", task, "stranger", who))
    (found,) = error.errors
    assert found.code == "has_a_seat"
    assert found.params["name"] in ("Chen Mei", "Li Wei", "Wang Fang")
    assert "stranger" not in [each["user"] for each in get(lab, "li", task)["visit"]["seats"]]


def test_signers_where_one_decides_after_the_other_come_last(lab: Lab) -> None:
    define(lab, ["mei", "li"], allow=ALLOW, mode="sequential")
    instance = lab.start()
    add(lab, "mei", task_of(lab, instance, "mei"), "wang")
    vote(lab, instance, "mei", True)
    remove(lab, "mei", task_of(lab, instance, "mei"), "wang")
    vote(lab, instance, "li", True)
    assert result(lab, instance) == "yes"
    assert "wang" not in seats(lab, instance)


def test_a_task_of_one_person_becomes_one_of_two(lab: Lab) -> None:
    step = {"id": "sign", "type": "user_task", "next": ["yes", "no"]}
    lab.define({**step, "config": {"assignee": "mei", "form": FORM, "allow": ALLOW}}, *ENDS)
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    assert get(lab, "mei", task)["visit"] is None
    add(lab, "mei", task, "wang")
    assert get(lab, "mei", task)["visit"]["mode"] == "all"
    vote(lab, instance, "mei", True)
    assert result(lab, instance) is None
    vote(lab, instance, "wang", False)
    assert result(lab, instance) == "no"
    assert stored.agrees(lab.db, instance).completed["sign"].seen()["rejected"] == 1


def test_taking_the_last_open_seat_away_lets_it_go_on(lab: Lab) -> None:
    define(lab, ["mei"], allow=ALLOW)
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    add(lab, "mei", task, "wang")
    vote(lab, instance, "mei", True)
    added = task_of(lab, instance, "wang")
    assert "remove_signer" in get(lab, "li", added)["allowed"]
    remove(lab, "li", added, "wang", comment="on leave")
    assert result(lab, instance) == "yes"
    assert seats(lab, instance) == {"mei": "completed", "wang": "removed by None"}
    stored.agrees(lab.db, instance)
    told = kinds(lab, instance)
    assert told.index("task.signer_removed") < told.index("task.completed")
    state = stored.agrees(lab.db, instance).completed["sign"]
    assert (state.by, state.seen()["total"]) == ("mei", 1)


def test_what_a_seat_has_asked_of_others_is_no_seat_and_goes_with_it(lab: Lab) -> None:
    define(lab, ["mei", "li"], mode="sequential", allow=[*ALLOW, "consult"])
    instance = lab.start()

    def ask(by: str, other: str) -> None:
        actor, task = lab.office[by], task_of(lab, instance, by)
        service.consult(lab.engine, actor, task, [other], "Well?", now=lab.at)

    ask("mei", "zhao")
    add(lab, "mei", task_of(lab, instance, "mei"), "wang")
    vote(lab, instance, "mei", True)
    assert seats(lab, instance) == {
        "mei": "completed",
        "zhao": seats(lab, instance)["zhao"],
        "li": "claimed",
    }
    vote(lab, instance, "li", True)
    ask("wang", "stranger")
    remove(lab, "mei", task_of(lab, instance, "mei"), "wang")
    assert result(lab, instance) == "yes"
    assert "claimed" not in seats(lab, instance).values()
    stored.agrees(lab.db, instance)


def test_who_may_not_take_a_seat_away(lab: Lab) -> None:
    define(lab, ["mei", "wang"], allow=ALLOW)
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    add(lab, "mei", task, "zhao", "stranger")
    assert lab.refused(Forbidden, lambda: remove(lab, "wang", task, "zhao")).code == (
        "not_added_by_you"
    )
    error = lab.refused(Invalid, lambda: remove(lab, "mei", task, "wang"))
    assert [each.code for each in error.errors] == ["not_added"]
    vote(lab, instance, "zhao", True)
    assert lab.refused(Conflict, lambda: remove(lab, "mei", task, "zhao")).code == "has_decided"
    vote(lab, instance, "mei", True)
    for verb, code in (("suspend", "instance_suspended"), ("terminate", "instance_ended")):
        lab.operate(verb, instance)
        for by in ("mei", "li"):
            error = lab.refused(Conflict, lambda who=by: remove(lab, who, task, "stranger"))
            assert error.code == code


def test_signers_are_for_steps_that_allow_them(lab: Lab) -> None:
    define(lab, ["mei", "wang"])
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    assert lab.refused(Forbidden, lambda: add(lab, "mei", task, "li")).code == "not_allowed_here"
    assert lab.refused(Forbidden, lambda: remove(lab, "mei", task, "li")).code == "not_allowed_here"


def test_a_seat_can_be_passed_on(lab: Lab) -> None:
    define(lab, ["mei", "li"], allow=ALLOW)
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    service.transfer(lab.engine, lab.office["mei"], task, "stranger", now=lab.at)
    vote(lab, instance, "stranger", True)
    vote(lab, instance, "li", True)
    assert result(lab, instance) == "yes"
