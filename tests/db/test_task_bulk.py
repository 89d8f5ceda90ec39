"""Many tasks at once: what can be decided without its form, and each for itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.db import busy
from app.db.tx import Database
from app.definition import service as definitions
from app.errors import AppError, Invalid
from app.runtime import service as runtime
from app.task import bulk, service, side
from tests.db.conftest import Lab
from tests.support.office import NOW, Office, make_office
from tests.support.stored import agrees, everything, row, rows

YES_NO = {"approved": {"type": "boolean", "required": True}}
SIGN = [
    {"id": "yes", "label": "Sign", "next": "end"},
    {"id": "no", "label": "Refuse", "next": "end", "requires": ["why"]},
    {"id": "late", "label": "Postpone", "next": "end", "requires": ["until"]},
]
SIGNING: dict[str, Any] = {"form": {"why": "text", "until": "date"}, "outcomes": SIGN}


@pytest.fixture
def office(db: Database) -> Office:
    return make_office(db)


def opened(office: Office, config: dict[str, Any], *, decides: bool = False) -> int:
    """Return the task of a new definition whose step has this config."""
    step = {
        "id": "decide",
        "type": "user_task",
        "config": {"assignee": "finance_team", **config},
        "next": ["end", "other"] if decides else ["end"],
    }
    ends = [{"id": name, "type": "end"} for name in (("end", "other") if decides else ("end",))]
    document = {"name": "Bulk", "key": "bulk", "version": "1", "steps": [step, *ends]}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    return office.task_of(office.start("bulk"), "decide")


def act(office: Office, action: Any, ids: list[int], by: str = "mei", **more: Any) -> list[Any]:
    """Return what became of each: None, or the code of the refusal."""
    done = bulk.act(office.engine, office[by], action, ids, **more, now=NOW)
    assert [each.id for each in done] == list(dict.fromkeys(ids))
    return [each.problem and each.problem.code for each in done]


@pytest.mark.parametrize(
    ("config", "decides", "outcomes"),
    [
        ({"form": YES_NO}, True, ["true", "false"]),
        (SIGNING, False, ["yes", "no", "late"]),
        ({"form": YES_NO, "bulk": False}, True, None),
        ({"form": YES_NO | {"sum": {"type": "number", "required": True}}}, True, None),
        ({"form": {"sum": {"type": "number", "required": True}}, "bulk": True}, False, None),
        ({"form": {"note": "text"}}, False, None),
        ({"form": {"note": "text"}, "bulk": True}, False, []),
    ],
)
def test_what_needs_only_a_decision_can_be_decided_together(
    office: Office, config: dict[str, Any], decides: bool, outcomes: list[str] | None
) -> None:
    task = opened(office, config, decides=decides)
    (offer,) = bulk.offers(office.engine, office["mei"], [task], now=NOW)
    if outcomes is None:
        assert (offer.problem and offer.problem.code) == "not_in_bulk"
        assert act(office, "complete", [task], outcome="true") == ["not_in_bulk"]
        return
    assert [name for name, _ in offer.outcomes] == outcomes
    chosen = outcomes[0] if outcomes else None
    assert act(office, "complete", [task], outcome=chosen) == [None]


def test_each_is_done_or_refused_for_itself(office: Office) -> None:
    free, taken, done, elsewhere = (office.open_task() for _ in range(4))
    service.claim(office.engine, office["wang"], taken, now=NOW)
    service.complete(office.engine, office["mei"], done, {"approved": True}, now=NOW)
    instance = row(office.db, "select instance_id as id from tasks where id = %(id)s", id=elsewhere)
    runtime.suspend(office.engine, office["li"], instance["id"], now=NOW)
    ids = [taken, free, done, elsewhere, 999_999, free]
    expected = ["claimed_by_other", None, "already_completed", "instance_suspended"]
    assert act(office, "complete", ids, outcome="false") == [*expected, "task_not_found"]
    found = row(
        office.db, "select state, values, instance_id from tasks where id = %(id)s", id=free
    )
    left = {"approved": False, "comments": None, "amount": None}  # as its page would have sent
    assert (found["state"], found["values"]) == ("completed", left)
    agrees(office.db, found["instance_id"])


def test_claims_what_is_free(office: Office) -> None:
    free, taken = office.open_task(), office.open_task()
    service.claim(office.engine, office["wang"], taken, now=NOW)
    assert act(office, "claim", [free, taken]) == [None, "claimed_by_other"]
    assert act(office, "claim", [free]) == [None]


def test_passes_on_what_one_has(office: Office) -> None:
    mine, free = office.open_task(), office.open_task()
    service.claim(office.engine, office["mei"], mine, now=NOW)
    codes = act(office, "transfer", [mine, free], to="wang", comment="On leave")
    assert codes[0] is None
    assert codes[1] is not None
    found = row(office.db, "select assignee, instance_id from tasks where id = %(id)s", id=mine)
    assert found["assignee"] == "wang"
    agrees(office.db, found["instance_id"])
    for nobody in ("nobody.at.all", ""):  # then none of them is looked at
        with pytest.raises(Invalid, match="Choose other people"):
            act(office, "transfer", [mine], by="wang", to=nobody)


def test_whoever_has_no_part_in_them_changes_nothing_and_learns_nothing(office: Office) -> None:
    task = office.open_task()
    before = everything(office.db)
    for action in bulk.ACTIONS:
        more = {"outcome": "true", "to": "li"}
        assert act(office, action, [task], by="stranger", **more) == ["task_not_found"]
        if action != "remind":  # who started it may
            assert act(office, action, [task], by="zhao", **more) == ["not_a_candidate"]
    (offer,) = bulk.offers(office.engine, office["stranger"], [task], now=NOW)
    assert (offer.task, offer.problem and offer.problem.code) == (None, "task_not_found")
    assert everything(office.db) == before


@pytest.mark.parametrize(
    ("outcome", "comment", "code"),
    [
        ("yes", None, None),
        ("no", "Too dear", None),
        ("no", "  ", "comment_needed"),
        ("late", "Next year", "not_in_bulk"),
        ("other", None, "outcome_needed"),
        (None, None, "outcome_needed"),
    ],
)
def test_a_comment_fills_in_the_text_that_an_outcome_requires(
    office: Office, outcome: str | None, comment: str | None, code: str | None
) -> None:
    task = opened(office, SIGNING)
    assert act(office, "complete", [task], outcome=outcome, comment=comment) == [code]
    found = row(office.db, "select values, comment, state from tasks where id = %(id)s", id=task)
    assert (found["state"] == "completed") is (code is None)
    if outcome == "no" and code is None:
        assert (found["values"], found["comment"]) == (
            {"why": "Too dear", "until": None},
            "Too dear",
        )


def test_the_answer_that_decides_may_be_given_by_its_name(office: Office) -> None:
    def refusal(variables: dict[str, Any], outcome: str | None = None) -> str | None:
        try:
            bulk.one(
                office.engine,
                office["mei"],
                "complete",
                office.open_task(),
                variables=variables,
                outcome=outcome,
                now=NOW,
            )
        except AppError as error:
            return error.code
        return None

    assert refusal({"approved": True}) is None
    assert refusal({"approved": True, "amount": 3}) == "not_in_bulk"
    assert refusal({"approved": "yes"}) == "invalid_form"
    assert refusal({}, "maybe") == "invalid_form"
    assert refusal({}) == "invalid_form"


def test_what_somebody_has_begun_to_fill_in_is_not_passed_over(office: Office) -> None:
    first, second = office.open_task(amount=3), office.open_task(amount=4)
    for task, typed in ((first, {"comments": "Well"}), (second, {"approved": "true"})):
        service.save_draft(office.engine, office["mei"], task, typed, now=NOW)
    shown = bulk.offers(office.engine, office["mei"], [first, second], now=NOW)
    assert [each.problem and each.problem.code for each in shown] == ["has_draft", None]
    assert act(office, "complete", [first, second], outcome="true") == ["has_draft", None]
    found = row(office.db, "select values from tasks where id = %(id)s", id=second)
    assert found["values"] == {"approved": True, "comments": None, "amount": 4}


def test_a_comment_that_cannot_be_kept_stops_all_of_it(office: Office) -> None:
    task = office.open_task()
    with pytest.raises(Invalid):
        act(office, "complete", [task], outcome="true", comment="x" * 10_001)
    assert row(office.db, "select state from tasks where id = %(id)s", id=task)["state"] == "open"


def test_each_is_reminded_of_for_itself_and_not_too_often(office: Office) -> None:
    first, second = office.open_task(), office.open_task()
    service.remind(office.engine, office["zhao"], first, now=NOW - timedelta(hours=3))
    own = office.open_task()
    service.claim(office.engine, office["mei"], own, now=NOW)
    assert act(office, "remind", [first, second, own, 10**9], by="zhao", comment="Please") == [
        "reminded_lately",
        None,
        None,
        "task_not_found",
    ]
    assert act(office, "remind", [second], by="zhao") == ["reminded_lately"]
    assert act(office, "remind", [own], by="mei") == ["yours"]


def test_what_waits_in_instances_is_told_with_why_it_cannot_be_reminded_of(office: Office) -> None:
    started = [office.start() for _ in range(3)]
    tasks = [office.task_of(each, "approve") for each in started]
    service.remind(office.engine, office["zhao"], tasks[1], now=NOW)
    runtime.suspend(office.engine, office["root"], started[2], now=NOW)
    found = bulk.waiting(office.engine, office["zhao"], started, now=NOW)
    assert [(each.id, each.problem and each.problem.code) for each in found] == list(
        zip(tasks, [None, "reminded_lately", "instance_suspended"], strict=True)
    )
    assert bulk.waiting(office.engine, office["mei"], started, now=NOW) == []
    assert len(bulk.waiting(office.engine, office["root"], started, now=NOW)) == 3


def test_those_who_were_asked_are_reminded_and_not_who_waits_for_them(office: Office) -> None:
    instance = office.start()
    task = office.task_of(instance, "approve")
    service.claim(office.engine, office["mei"], task, now=NOW)
    side.delegate(office.engine, office["mei"], task, "wang", now=NOW)
    (found,) = bulk.waiting(office.engine, office["zhao"], [instance], now=NOW)
    assert found.task is not None
    assert (found.task["assignee"], found.task["role"], found.problem) == ("wang", "delegate", None)
    service.remind(office.engine, office["zhao"], found.id, now=NOW)
    assert act(office, "remind", [task], by="zhao") == ["reminded_lately"], "wang was, just now"
    later = NOW + timedelta(hours=4)
    service.remind(office.engine, office["zhao"], task, now=later)
    told = rows(office.db, "select username from notifications where event = 'reminded'")
    assert [each["username"] for each in told] == ["wang", "wang"]
    (found,) = bulk.waiting(office.engine, office["zhao"], [instance], now=later)
    assert found.problem is not None, "by the task that waits for him"
    assert found.problem.code == "reminded_lately"


def test_one_that_is_locked_does_not_hold_up_the_others(
    real_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "PATIENCE", 20)
    office = real_lab.office
    tasks = [office.open_task() for _ in range(3)]
    lock = "select id from process_instances where id = %(id)s for update"
    with Database(office.db.engine).transaction() as tx:
        tx.run(lock, {"id": row(office.db, "select instance_id as id from tasks limit 1")["id"]})
        first = row(office.db, "select id from tasks limit 1")["id"]
        assert act(office, "claim", tasks) == [
            "locked" if each == first else None for each in tasks
        ]
    assert act(office, "claim", tasks) == [None, None, None]
