"""Advice, questions, and people who sign before or after: what is asked and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.history import queries as history
from app.task import queries, service
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW, REQUEST

VERBS = ["release", "assign", "transfer", "delegate", "consult", "add_signer", "remind", "cc"]
VALUES: dict[str, Any] = {"approved": True, "comments": "Fine."}


@pytest.fixture
def task(lab: Lab) -> int:
    """A task that mei has claimed, where people may be added to sign."""
    approve = {**REQUEST["steps"][0]}
    approve["config"] = approve["config"] | {"allow": VERBS}
    lab.define(
        approve,
        *REQUEST["steps"][1:],
        variables=REQUEST["variables"],
    )
    made = lab.task(lab.start(purpose="Chairs"), "approve")
    service.claim(lab.engine, lab.office["mei"], made, now=NOW)
    return made


def get(lab: Lab, by: str, task_id: int) -> dict[str, Any]:
    return queries.get(lab.db, lab.office[by], task_id, now=NOW)


def delegate(lab: Lab, task: int, to: str = "li", **more: Any) -> int:
    """Ask for advice; return the id of the task for it."""
    service.delegate(lab.engine, lab.office["mei"], task, to, now=NOW, **more)
    return side(lab, task, to)


def before(lab: Lab, task: int, *users: str) -> list[int]:
    service.add_before(lab.engine, lab.office["mei"], task, users, now=NOW)
    return [side(lab, task, each) for each in users]


def after(lab: Lab, task: int, *users: str, **values: Any) -> list[int]:
    service.add_after(
        lab.engine, lab.office["mei"], task, users, VALUES | values, comment="Ok", now=NOW
    )
    return [side(lab, task, each) for each in users]


def side(lab: Lab, task: int, who: str) -> int:
    found = get(lab, "root", task)["opinions"]
    return int([each["id"] for each in found if each["user"] == who][-1])


def resolve(lab: Lab, by: str, task_id: int, outcome: str | None = "approve", **more: Any) -> Any:
    values = more.pop("values", {})
    return service.resolve(
        lab.engine, lab.office[by], task_id, values, outcome=outcome, now=lab.at, **more
    )


def recall(lab: Lab, by: str, task: int, **more: Any) -> dict[str, Any]:
    return service.recall(lab.engine, lab.office[by], task, now=NOW, **more)


def kinds(lab: Lab, task: int) -> list[str]:
    """Return the kinds of the history's lines that tell what people did here."""
    instance = get(lab, "root", task)["process_instance_id"]
    lines = history.events(lab.db, lab.office["root"], instance)
    return [line["kind"] for line in lines if line["kind"].startswith("task.")][2:]


def notes(lab: Lab) -> list[tuple[str, str, str]]:
    found = stored.rows(lab.db, "select username, event, actor from notifications order by id")
    return [(each["username"], each["event"], each["actor"]) for each in found]


def test_advice_comes_back_to_who_has_the_task(lab: Lab, task: int) -> None:
    advice = delegate(lab, task, comment="Is it cheap?")
    asked = get(lab, "li", advice)
    assert (asked["role"], asked["allowed"], asked["due_at"]) == (
        "delegate",
        ["resolve", "assign"],  # li is a manager
        get(lab, "mei", task)["due_at"],
    )
    assert asked["asked"] == {"task_id": task, "by": "mei", "text": "Is it cheap?"}
    # The decision stays with the owner: advice proposes the rest, and nothing is required.
    assert [(each["name"], each.get("required")) for each in asked["form"]] == [
        ("comments", None),
        ("amount", None),
    ]
    assert (get(lab, "mei", task)["waits_for"], notes(lab)[-1]) == (
        "delegate",
        ("li", "asked", "mei"),
    )
    done = resolve(lab, "li", advice, "reject", comment="No.", values={"comments": "Dear"})
    assert (done["state"], done["allowed"]) == ("completed", [])
    back = get(lab, "mei", task)
    assert (back["waits_for"], back["state"], back["assignee"]) == (None, "claimed", "mei")
    (opinion,) = back["opinions"]
    assert (opinion["outcome"], opinion["comment"], opinion["values"]) == (
        "reject",
        "No.",
        {"comments": "Dear"},
    )
    assert notes(lab)[-1] == ("mei", "answered", "li")
    assert kinds(lab, task) == ["task.delegated", "task.resolved"]
    service.complete(lab.engine, lab.office["mei"], task, VALUES, now=NOW)
    stored.agrees(lab.db, back["process_instance_id"])


def test_while_advice_is_waited_for_nobody_acts_on_the_task(lab: Lab, task: int) -> None:
    advice = delegate(lab, task)
    calls: list[tuple[str, Any]] = [
        ("mei", lambda: service.complete(lab.engine, lab.office["mei"], task, VALUES, now=NOW)),
        ("mei", lambda: service.release(lab.engine, lab.office["mei"], task, now=NOW)),
        ("mei", lambda: service.transfer(lab.engine, lab.office["mei"], task, "wang", now=NOW)),
        ("mei", lambda: delegate(lab, task, "wang")),
        ("li", lambda: service.assign(lab.engine, lab.office["li"], task, "wang", now=NOW)),
    ]
    for _, call in calls:
        error = lab.refused(Conflict, call)
        assert error.code == "waits_for_others"
    assert error.extra == {
        "role": "delegate",
        "people": [{"username": "li", "name": "Li Wei"}],
        "since": "2026-03-02T09:00:00Z",
    }
    assert get(lab, "mei", task)["allowed"] == ["recall", "cc", "remind"]
    service.remind(lab.engine, lab.office["mei"], task, now=NOW)
    assert notes(lab)[-1] == ("li", "reminded", "mei")
    # A manager can still give the advice to somebody else.
    service.assign(lab.engine, lab.office["root"], advice, "stranger", now=NOW)
    resolve(lab, "stranger", advice)


def test_a_delegate_can_only_resolve(lab: Lab, task: int) -> None:
    advice, li = delegate(lab, task), lab.office["li"]
    calls = {
        "resolve_instead": lambda: service.complete(lab.engine, li, advice, {}, now=NOW),
        "asked_oneself": lambda: service.delegate(lab.engine, li, advice, "wang", now=NOW),
    }
    for code, call in calls.items():
        assert lab.refused(Forbidden, call).code == code
    lab.refused(Forbidden, lambda: service.complete(lab.engine, li, task, VALUES, now=NOW))
    lab.refused(Forbidden, lambda: service.transfer(lab.engine, li, advice, "wang", now=NOW))
    # Named by the task that one was asked about, it is the same.
    assert resolve(lab, "li", task)["id"] == advice


@pytest.mark.parametrize(
    ("to", "code"), [("mei", "oneself"), ("nobody", "unknown_name"), ("", "required")]
)
def test_who_cannot_be_asked(lab: Lab, task: int, to: str, code: str) -> None:
    error = lab.refused(Invalid, lambda: delegate(lab, task, to))
    assert [(each.field, each.code) for each in error.errors] == [("to", code)]


def test_who_is_seated_is_named_and_not_added(lab: Lab, task: int) -> None:
    (sign,) = before(lab, task, "li")
    resolve(lab, "li", sign)
    error = lab.refused(Invalid, lambda: before(lab, task, "wang", "li"))
    assert [(each.code, each.params) for each in error.errors] == [
        ("has_a_seat", {"name": "Li Wei"})
    ]
    eleven = [f"u{number}" for number in range(11)]
    error = lab.refused(Invalid, lambda: before(lab, task, *eleven))
    assert [each.code for each in error.errors] == ["too_long"]


def test_who_gave_advice_can_be_asked_again_or_given_the_task(lab: Lab, task: int) -> None:
    resolve(lab, "li", delegate(lab, task))
    resolve(lab, "li", delegate(lab, task))
    given = service.transfer(lab.engine, lab.office["mei"], task, "li", now=NOW)
    assert given["assignee"] == "li"


@pytest.mark.parametrize("by", ["mei", "root"])
def test_a_task_is_pulled_back(lab: Lab, task: int, by: str) -> None:
    advice = delegate(lab, task)
    recall(lab, by, task, comment="Done")
    assert get(lab, "mei", task)["waits_for"] is None
    assert get(lab, "li", advice)["reason"] == "pulled_back"
    assert notes(lab)[-1] == ("li", "unasked", by)
    error = lab.refused(Conflict, lambda: resolve(lab, "li", advice))
    assert error.code == "task_cancelled"
    error = lab.refused(Conflict, lambda: recall(lab, "mei", task))
    assert error.code == "nothing_to_pull_back"
    assert kinds(lab, task) == ["task.delegated", "task.pulled_back"]
    stored.agrees(lab.db, get(lab, "mei", task)["process_instance_id"])


def test_others_cannot_pull_it_back(lab: Lab, task: int) -> None:
    advice = delegate(lab, task)
    lab.refused(Conflict, lambda: recall(lab, "li", advice))
    for by in ("wang", "zhao"):
        lab.refused(AppError, lambda by=by: recall(lab, by, task))
    lab.refused(NotFound, lambda: recall(lab, "stranger", task))


def test_a_question_does_not_hold_the_task_up(lab: Lab, task: int) -> None:
    mei = lab.office["mei"]
    error = lab.refused(
        Invalid, lambda: service.consult(lab.engine, mei, task, ["li"], " ", now=NOW)
    )
    assert error.errors[0].field == "comment"
    service.consult(lab.engine, mei, task, ["li", "wang"], "How many?", now=NOW)

    def again() -> None:
        service.consult(lab.engine, mei, task, ["li"], "And?", now=NOW)

    assert lab.refused(Invalid, again).errors[0].code == "asked_already"
    li, wang = side(lab, task, "li"), side(lab, task, "wang")
    error = lab.refused(Invalid, lambda: resolve(lab, "li", li, None))
    assert [(each.field, each.code) for each in error.errors] == [("comment", "required")]
    resolve(lab, "li", li, None, comment="Six.")
    again()
    service.complete(lab.engine, mei, task, VALUES, now=NOW)
    closed = get(lab, "wang", wang)
    assert (closed["state"], closed["reason"]) == ("cancelled", "decided")
    assert kinds(lab, task)[:5] == [
        "task.consulted",
        "task.resolved",
        "task.consulted",
        "task.unasked",
        "task.unasked",
    ]
    assert ("wang", "unasked", "mei") in notes(lab)
    stored.agrees(lab.db, closed["process_instance_id"])


def test_those_before_sign_and_then_the_holder_decides(lab: Lab, task: int) -> None:
    one, two = before(lab, task, "li", "wang")
    resolve(lab, "li", one)
    assert get(lab, "mei", task)["waits_for"] == "before"
    assert "answered" not in [event for _, event, _ in notes(lab)]
    resolve(lab, "wang", two, comment="Good")
    assert (get(lab, "mei", task)["waits_for"], notes(lab)[-1]) == (
        None,
        ("mei", "answered", "wang"),
    )
    service.complete(lab.engine, lab.office["mei"], task, VALUES, now=NOW)


def test_a_no_before_goes_back_at_once_and_spares_the_others(lab: Lab, task: int) -> None:
    one, two = before(lab, task, "li", "wang")
    resolve(lab, "li", one, "reject", comment="Too dear")
    shown = get(lab, "mei", task)
    assert (shown["waits_for"], "complete" in shown["allowed"]) == (None, True)
    assert [each["state"] for each in shown["opinions"]] == ["completed", "cancelled"]
    assert get(lab, "wang", two)["reason"] == "refused"
    assert kinds(lab, task) == ["task.signer_added", "task.resolved", "task.unasked"]


def test_a_decision_is_applied_when_those_after_have_signed(lab: Lab, task: int) -> None:
    service.consult(lab.engine, lab.office["mei"], task, ["zhao"], "Why?", now=NOW)
    one, two = after(lab, task, "li", "wang", amount=5)
    assert get(lab, "li", one)["decision"]["values"] == VALUES | {"amount": 5}
    assert get(lab, "mei", task)["state"] == "claimed"
    lab.later(hours=1)
    resolve(lab, "li", one)
    resolve(lab, "wang", two)
    done = get(lab, "mei", task)
    assert (done["state"], done["completed_by"], done["completed_at"], done["comment"]) == (
        "completed",
        "mei",
        NOW,
        "Ok",
    )
    assert done["values"] == VALUES | {"amount": 5}
    instance = done["process_instance_id"]
    lines = history.events(lab.db, lab.office["root"], instance)
    assert [(each["kind"], each["actor"]) for each in lines if each["kind"].startswith("task.")][
        -5:
    ] == [
        ("task.resolved", "li"),
        ("task.resolved", "wang"),
        ("task.unasked", "mei"),
        ("task.completed", "mei"),
        ("task.opened", "mei"),
    ]
    assert lab.task(instance, "pay")
    assert stored.rows(lab.db, "select 1 from drafts") == []
    stored.agrees(lab.db, instance)


def test_a_no_after_gives_the_decision_back_as_a_draft(lab: Lab, task: int) -> None:
    one, two = after(lab, task, "li", "wang")
    resolve(lab, "li", one, "reject", comment="Not yet")
    back = get(lab, "mei", task)
    assert (back["state"], back["waits_for"], back["decision"]) == ("claimed", None, None)
    assert back["draft"]["values"] == VALUES
    assert get(lab, "wang", two)["state"] == "cancelled"


def test_a_decision_that_is_not_possible_any_more_comes_back(lab: Lab, task: int) -> None:
    (one,) = after(lab, task, "li")
    with lab.db.transaction() as tx:  # as if the form had got stricter meanwhile
        tx.run(
            'update tasks set form = replace(form::text, \'"name":"amount"\','
            ' \'"name":"amount","required":true\')::json where id = %(id)s',
            {"id": task},
        )
    assert resolve(lab, "li", one)["state"] == "completed"
    back = get(lab, "mei", task)
    assert (back["state"], back["waits_for"]) == ("claimed", None)
    assert back["draft"]["values"] == VALUES
    assert kinds(lab, task)[-2:] == ["task.resolved", "task.not_applied"]
    stored.agrees(lab.db, back["process_instance_id"])


def test_a_wrong_decision_asks_nobody(lab: Lab, task: int) -> None:
    error = lab.refused(Invalid, lambda: after(lab, task, "li", approved=None))
    assert [each.field for each in error.errors] == ["approved"]


def test_a_step_that_does_not_allow_it_has_no_signers(lab: Lab) -> None:
    other = lab.office.open_task()
    service.claim(lab.engine, lab.office["mei"], other, now=NOW)
    error = lab.refused(Forbidden, lambda: before(lab, other, "li"))
    assert error.code == "not_allowed_here"


def test_only_who_has_the_task_asks(lab: Lab, task: int) -> None:
    def call(by: str) -> None:
        service.delegate(lab.engine, lab.office[by], task, "zhao", now=NOW)

    assert lab.refused(Conflict, lambda: call("wang")).code == "claimed_by_other"
    lab.refused(Forbidden, lambda: call("li"))
    assert lab.refused(Forbidden, lambda: resolve(lab, "mei", task)).code == "not_asked"


def test_what_ends_the_task_ends_what_was_asked(lab: Lab, task: int) -> None:
    advice = delegate(lab, task)
    instance = get(lab, "mei", task)["process_instance_id"]
    lab.operate("suspend", instance)
    assert lab.refused(Conflict, lambda: resolve(lab, "li", advice)).code == "instance_suspended"
    lab.operate("activate", instance)
    lab.operate("terminate", instance)
    assert [get(lab, "root", each)["state"] for each in (task, advice)] == ["cancelled"] * 2
    assert lab.refused(Conflict, lambda: resolve(lab, "li", advice)).code == "task_cancelled"
    stored.agrees(lab.db, instance)


def test_the_inbox_names_what_is_wanted_and_who_is_awaited(lab: Lab, task: int) -> None:
    delegate(lab, task)
    (mine,) = queries.inbox(lab.db, lab.office["mei"], "todo", now=NOW).items
    (theirs,) = queries.inbox(lab.db, lab.office["li"], "todo", now=NOW).items
    assert (mine["waits_for"], mine["awaits"]) == ("delegate", ["li"])
    assert (theirs["role"], theirs["allowed"]) == ("delegate", ["resolve", "assign"])


def test_seats_of_several_ask_each_for_themselves(lab: Lab) -> None:
    approve = {**REQUEST["steps"][0]}
    config = approve["config"] | {"assignees": ["mei", "wang"], "mode": "any", "allow": VERBS}
    approve["config"] = {name: value for name, value in config.items() if name != "assignee"}
    lab.define(approve, *REQUEST["steps"][1:], variables=REQUEST["variables"])
    instance = lab.start()
    mine, theirs = (
        int(row["id"])
        for row in stored.rows(
            lab.db, "select id from tasks where instance_id = %(id)s order by seat", id=instance
        )
    )
    advice = delegate(lab, mine, "stranger")
    wang = lab.office["wang"]
    for busy in ("mei", "stranger"):
        error = lab.refused(
            Invalid, lambda to=busy: service.delegate(lab.engine, wang, theirs, to, now=NOW)
        )
        assert [each.code for each in error.errors] == ["has_a_seat"]
    service.add_after(lab.engine, wang, theirs, ["li"], VALUES, now=NOW)
    resolve(lab, "li", theirs)  # the last signature casts wang's vote, which is enough
    assert get(lab, "wang", theirs)["completed_by"] == "wang"
    assert [get(lab, "root", each)["state"] for each in (mine, advice)] == ["cancelled"] * 2
    assert lab.task(instance, "pay")
    stored.agrees(lab.db, instance)
