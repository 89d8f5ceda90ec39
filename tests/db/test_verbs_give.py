"""Assign, transfer, hand over: who may, to whom, what goes along, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.history import queries as history
from app.runtime import queries as instances
from app.task import queries, service
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW

SOON = NOW + timedelta(minutes=10)


def claimed(lab: Lab, by: str = "mei") -> int:
    """Return a task that somebody of the finance team has claimed."""
    task_id = lab.office.open_task()
    service.claim(lab.engine, lab.office[by], task_id, now=NOW)
    return task_id


def give(lab: Lab, verb: str, by: str, task_id: int, to: str, **more: Any) -> dict[str, Any]:
    call = getattr(service, verb)
    given: dict[str, Any] = call(lab.engine, lab.office[by], task_id, to, now=SOON, **more)
    return given


def get(lab: Lab, by: str, task_id: int) -> dict[str, Any]:
    return queries.get(lab.db, lab.office[by], task_id, now=SOON)


def last_line(lab: Lab, task_id: int) -> dict[str, Any]:
    instance = get(lab, "root", task_id)["process_instance_id"]
    return history.events(lab.db, lab.office["root"], instance)[-1]


def notes(lab: Lab) -> list[tuple[str, str, str]]:
    found = stored.rows(lab.db, "select username, event, actor from notifications order by id")
    return [(each["username"], each["event"], each["actor"]) for each in found]


def set_active(lab: Lab, username: str, active: bool = False) -> None:
    with lab.db.transaction() as tx:
        tx.run(
            "update users set active = %(on)s where username = %(name)s",
            {"on": active, "name": username},
        )


def test_who_has_a_task_transfers_it_for_good(lab: Lab) -> None:
    task_id = claimed(lab)
    due = get(lab, "mei", task_id)["due_at"]
    given = give(lab, "transfer", "mei", task_id, "stranger", comment="on leave")
    assert (given["state"], given["assignee"], given["claimed_at"]) == ("claimed", "stranger", SOON)
    assert given["due_at"] == due
    assert "complete" in get(lab, "stranger", task_id)["allowed"]
    line = last_line(lab, task_id)
    assert (line["kind"], line["actor"]) == ("task.transferred", "mei")
    wanted = {"from": "mei", "to": "stranger", "comment": "on leave", "round": 1}
    assert {name: line["data"][name] for name in wanted} == wanted
    assert notes(lab) == [("stranger", "transferred", "mei")]
    stored.agrees(lab.db, given["process_instance_id"])


def test_what_was_typed_is_offered_to_who_gets_the_task(lab: Lab) -> None:
    task_id = claimed(lab)
    typed = {"comments": "half a sen"}
    service.save_draft(lab.engine, lab.office["mei"], task_id, typed, now=NOW)
    give(lab, "transfer", "mei", task_id, "wang")
    draft = get(lab, "wang", task_id)["draft"]
    assert (draft["by"], draft["values"]) == ("mei", typed)


def test_a_name_is_taken_however_it_is_typed(lab: Lab) -> None:
    assert give(lab, "transfer", "mei", claimed(lab), " Wang ")["assignee"] == "wang"


@pytest.mark.parametrize(
    ("to", "code"),
    [("mei", "has_it"), ("nobody", "unknown_name"), ("", "required"), ("\0", "unknown_name")],
)
def test_who_cannot_be_given_a_task(lab: Lab, to: str, code: str) -> None:
    task_id = claimed(lab)
    error = lab.refused(Invalid, lambda: give(lab, "transfer", "mei", task_id, to))
    assert [(each.field, each.code) for each in error.errors] == [("to", code)]


def test_somebody_inactive_cannot_be_given_a_task(lab: Lab) -> None:
    task_id = claimed(lab)
    set_active(lab, "wang")
    for verb, by in (("transfer", "mei"), ("assign", "li")):
        error = lab.refused(Invalid, lambda v=verb, b=by: give(lab, v, b, task_id, "wang"))
        assert [each.code for each in error.errors] == ["inactive"]


def test_somebody_who_may_not_work_cannot_be_given_a_task(lab: Lab) -> None:
    task_id = claimed(lab)
    with lab.db.transaction() as tx:
        tx.run("delete from user_roles where user_id = %(id)s", {"id": lab.office["wang"].id})
    error = lab.refused(Invalid, lambda: give(lab, "transfer", "mei", task_id, "wang"))
    assert [each.code for each in error.errors] == ["cannot_work"]


@pytest.mark.parametrize("state", ["claimed", "completed"])
@pytest.mark.parametrize(("verb", "by"), [("transfer", "mei"), ("assign", "li")])
def test_nobody_gets_a_second_seat_of_a_visit(lab: Lab, state: str, verb: str, by: str) -> None:
    task_id = claimed(lab)
    with lab.db.transaction() as tx:
        tx.run(
            "insert into tasks (instance_id, definition_id, wait, seat, step, name, state,"
            " assignee, form, outcomes, created_at, completed_by)"
            " select instance_id, definition_id, wait, 1, step, name, %(state)s, 'wang', form,"
            " outcomes, created_at, case when %(state)s = 'completed' then 'wang' end"
            " from tasks where id = %(id)s",
            {"id": task_id, "state": state},
        )
    error = lab.refused(Invalid, lambda: give(lab, verb, by, task_id, "wang"))
    assert [each.code for each in error.errors] == ["has_a_seat"]


def test_only_who_has_a_task_transfers_it(lab: Lab) -> None:
    task_id = lab.office.open_task()
    error = lab.refused(Conflict, lambda: give(lab, "transfer", "mei", task_id, "wang"))
    assert error.code == "not_yours_yet"
    service.claim(lab.engine, lab.office["mei"], task_id, now=NOW)
    error = lab.refused(Conflict, lambda: give(lab, "transfer", "wang", task_id, "li"))
    assert error.code == "claimed_by_other"
    error = lab.refused(Forbidden, lambda: give(lab, "transfer", "li", task_id, "wang"))
    assert error.code == "not_a_candidate"
    lab.refused(NotFound, lambda: give(lab, "transfer", "stranger", task_id, "wang"))


@pytest.mark.parametrize("taken", [False, True])
def test_a_manager_gives_a_task_to_anyone(lab: Lab, taken: bool) -> None:
    task_id = claimed(lab) if taken else lab.office.open_task()
    given = give(lab, "assign", "li", task_id, "stranger", comment="you know them")
    assert (given["state"], given["assignee"]) == ("claimed", "stranger")
    line = last_line(lab, task_id)
    assert line["kind"] == "task.assigned"
    assert (line["data"].get("from"), line["data"]["to"]) == ("mei" if taken else None, "stranger")
    taken_away = [("mei", "withdrawn", "li")] if taken else []
    assert notes(lab) == [("stranger", "task", "li"), *taken_away]


def test_a_manager_can_take_a_task_and_is_not_told_of_it(lab: Lab) -> None:
    assert give(lab, "assign", "li", lab.office.open_task(), "li")["assignee"] == "li"
    assert notes(lab) == []


def test_without_the_right_nobody_assigns(lab: Lab) -> None:
    task_id = claimed(lab)
    error = lab.refused(Forbidden, lambda: give(lab, "assign", "mei", task_id, "wang"))
    assert error.extra["permission"] == "task:assign"


@pytest.mark.parametrize(("verb", "by"), [("transfer", "mei"), ("assign", "li")])
def test_nothing_is_given_while_suspended_or_when_it_is_over(lab: Lab, verb: str, by: str) -> None:
    task_id = claimed(lab)
    instance = get(lab, "root", task_id)["process_instance_id"]
    lab.operate("suspend", instance)
    error = lab.refused(Conflict, lambda: give(lab, verb, by, task_id, "wang"))
    assert error.code == "instance_suspended"
    lab.operate("activate", instance)
    lab.complete(instance, "approve", approved=True)
    error = lab.refused(Conflict, lambda: give(lab, verb, by, task_id, "wang"))
    assert error.code == "already_completed"


def test_a_step_says_which_verbs_it_allows(lab: Lab) -> None:
    step = {
        "id": "work",
        "type": "user_task",
        "config": {"assignee": "mei", "allow": ["comment"]},
    }
    lab.define(step)
    task_id = lab.task(lab.start(), "work")
    assert get(lab, "mei", task_id)["allowed"] == ["complete", "comment"]
    error = lab.refused(Forbidden, lambda: give(lab, "transfer", "mei", task_id, "wang"))
    assert error.code == "not_allowed_here"
    error = lab.refused(Forbidden, lambda: give(lab, "assign", "li", task_id, "wang"))
    assert error.code == "not_allowed_here"


# --- hand over ------------------------------------------------------------------------


def hand_over(lab: Lab, by: str, username: str, to: str) -> service.HandedOver:
    return service.hand_over(lab.engine, lab.office[by], username, to, comment="has left", now=SOON)


def test_everything_of_somebody_who_leaves_is_handed_over(lab: Lab) -> None:
    first, second, stays, other = (claimed(lab) for _ in range(4))
    service.release(lab.engine, lab.office["mei"], other, now=NOW)
    service.claim(lab.engine, lab.office["wang"], other, now=NOW)
    lab.operate("suspend", get(lab, "root", stays)["process_instance_id"])
    set_active(lab, "mei")
    done = hand_over(lab, "li", "mei", "stranger")
    assert (list(done.done), dict(done.failed), done.left) == ([first, second], {}, 1)
    holders = [get(lab, "root", each)["assignee"] for each in (first, second, stays, other)]
    assert holders == ["stranger", "stranger", "mei", "wang"]
    assert last_line(lab, second)["data"]["comment"] == "has left"
    assert notes(lab) == [("stranger", "task", "li")] * 2


def test_what_waits_for_others_is_handed_over_and_answered_to_the_new_holder(lab: Lab) -> None:
    asked, decided = claimed(lab), claimed(lab)
    mei, db, engine = lab.office["mei"], lab.db, lab.engine
    with db.transaction() as tx:
        tx.run("update tasks set allow = '{add_signer,assign,delegate}'")
    service.delegate(engine, mei, asked, "zhao", now=NOW)
    values = {"approved": True}
    service.add_signer(engine, mei, decided, ["zhao"], "after", values=values, now=NOW)
    set_active(lab, "mei")
    done = hand_over(lab, "li", "mei", "wang")
    assert (sorted(done.done), dict(done.failed)) == ([asked, decided], {})
    service.resolve(engine, lab.office["zhao"], asked, {}, outcome="approve", now=SOON)
    assert ("wang", "answered", "zhao") in notes(lab)
    assert "complete" in get(lab, "wang", asked)["allowed"]
    service.resolve(engine, lab.office["zhao"], decided, {}, outcome="approve", now=SOON)
    shown = get(lab, "root", decided)
    assert (shown["state"], shown["completed_by"]) == ("completed", "mei")


def test_what_cannot_be_handed_over_stops_nothing_else(lab: Lab) -> None:
    step = {"id": "work", "type": "user_task", "config": {"assignee": "mei", "allow": []}}
    lab.define(step)
    held = lab.task(lab.start(), "work")
    free = claimed(lab)
    done = hand_over(lab, "li", "mei", "wang")
    assert list(done.done) == [free]
    assert {each: error.code for each, error in done.failed.items()} == {held: "not_allowed_here"}
    assert done.left == 1


@pytest.mark.parametrize(
    ("username", "to", "field", "code"),
    [
        ("mei", "mei", "to", "same_person"),
        ("mei", "nobody", "to", "unknown_name"),
        ("nobody", "wang", "from", "unknown_name"),
    ],
)
def test_hand_over_needs_two_people(
    lab: Lab, username: str, to: str, field: str, code: str
) -> None:
    claimed(lab)
    error = lab.refused(Invalid, lambda: hand_over(lab, "li", username, to))
    assert [(each.field, each.code) for each in error.errors] == [(field, code)]


def test_only_managers_hand_over(lab: Lab) -> None:
    claimed(lab)
    lab.refused(Forbidden, lambda: hand_over(lab, "mei", "wang", "zhao"))


def done(lab: Lab, by: str, **more: Any) -> list[tuple[int, str | None]]:
    page = queries.inbox(lab.db, lab.office[by], "done", now=SOON, **more)
    return [(item["id"], (item["passed_on"] or {}).get("to")) for item in page.items]


def test_who_transferred_a_task_reads_on_and_finds_it_in_done(lab: Lab) -> None:
    task_id, stranger = lab.office.open_task(), lab.office["stranger"]
    give(lab, "assign", "li", task_id, "stranger")
    instance = get(lab, "stranger", task_id)["process_instance_id"]
    give(lab, "transfer", "stranger", task_id, "wang")
    assert get(lab, "stranger", task_id)["allowed"] == ["remind"]
    assert instances.get(lab.db, stranger, instance, now=SOON)["id"] == instance
    assert [each["id"] for each in instances.list_(lab.db, stranger).items] == [instance]
    assert done(lab, "stranger") == [(task_id, "wang")]
    assert done(lab, "stranger", q="nothing of the kind") == []
    listed = queries.list_(lab.db, stranger, transferred=True, now=SOON)
    assert [item["id"] for item in listed.items] == [task_id]
    open_ = queries.list_(lab.db, stranger, transferred=True, state="open", now=SOON)
    assert (open_.items, queries.list_(lab.db, stranger, now=SOON).items) == ([], [])
    error = lab.refused(
        Forbidden, lambda: service.comment(lab.engine, stranger, task_id, "?", now=SOON)
    )
    assert error.code == "not_a_participant"
    give(lab, "transfer", "wang", task_id, "stranger")
    assert (done(lab, "stranger"), done(lab, "wang")) == ([], [(task_id, "stranger")])


def test_what_was_transferred_and_completed_is_paged_as_one_list(lab: Lab) -> None:
    tasks = [claimed(lab) for _ in range(5)]
    for number, task_id in enumerate(tasks):
        at = SOON + timedelta(minutes=number)
        if number % 2:
            service.complete(lab.engine, lab.office["mei"], task_id, {"approved": True}, now=at)
        else:
            service.transfer(lab.engine, lab.office["mei"], task_id, "li", now=at)
    found: list[int] = []
    after = None
    for _ in range(3):
        page = queries.inbox(lab.db, lab.office["mei"], "done", size=2, after=after, now=SOON)
        found += [item["id"] for item in page.items]
        after = page.next
    assert found == tasks[::-1]
    assert after is None


def test_who_a_manager_takes_a_task_from_keeps_nothing(lab: Lab) -> None:
    task_id = lab.office.open_task()
    give(lab, "assign", "li", task_id, "stranger")
    give(lab, "assign", "li", task_id, "wang")
    with pytest.raises(NotFound):
        get(lab, "stranger", task_id)
    assert done(lab, "li") == []
