"""Claim, release, complete: who may, what it changes, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.tx import Database
from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.history import queries as history
from app.runtime import service as runtime
from app.task import queries, service
from tests.support.office import NOW, Office, make_office

SOON = NOW + timedelta(minutes=10)
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
def office(db: Database) -> Office:
    return make_office(db)


def rows(office: Office) -> list[dict[str, Any]]:
    """Everything that a refused verb must leave as it was."""
    with office.db.transaction() as tx:
        tasks = tx.run("select * from tasks order by id").fetchall()
        instances = tx.run("select * from process_instances order by id").fetchall()
        events = tx.run("select * from history_events order by instance_id, seq").fetchall()
    return [*tasks, *instances, *events]


def refused(office: Office, kind: type[AppError], call: Callable[[], object]) -> AppError:
    """Run ``call``, which must be refused and change nothing."""
    before = rows(office)
    with pytest.raises(kind) as refusal:
        call()
    assert rows(office) == before
    return refusal.value


def task(office: Office, task_id: int, by: str = "root") -> dict[str, Any]:
    return queries.get(office.db, office[by], task_id, now=LATER)


def kinds(office: Office, task_id: int) -> list[str]:
    instance_id = task(office, task_id)["process_instance_id"]
    lines = history.events(office.db, office["root"], instance_id)
    return [line["kind"] for line in lines if line["kind"].startswith("task.")]


# --- claim and release ----------------------------------------------------------------


def test_a_candidate_claims_an_open_task(office: Office) -> None:
    task_id = office.open_task()
    service.claim(office.engine, office["mei"], task_id, comment="I know them", now=SOON)
    claimed = task(office, task_id)
    assert (claimed["state"], claimed["assignee"]) == ("claimed", "mei")
    assert claimed["claimed_at"] == SOON
    assert kinds(office, task_id) == ["task.opened", "task.claimed"]
    (line,) = [each for each in rows(office) if each.get("kind") == "task.claimed"]
    assert line["data"]["lines"][0][2]["comment"] == "I know them"


def test_claiming_twice_is_the_same_as_once(office: Office) -> None:
    task_id = office.open_task()
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    before = rows(office)
    again = service.claim(office.engine, office["mei"], task_id, now=LATER)
    assert again["assignee"] == "mei"
    assert rows(office) == before


def test_a_task_that_someone_has_cannot_be_claimed(office: Office) -> None:
    task_id = office.open_task()
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    error = refused(
        office,
        Conflict,
        lambda: service.claim(office.engine, office["wang"], task_id, now=LATER),
    )
    assert error.code == "claimed_by_other"
    assert error.extra["by"] == "mei"
    assert error.extra["since"] == "2026-03-02T09:10:00Z"
    assert "Chen Mei" in str(error)


@pytest.mark.parametrize("verb", ["claim", "release", "complete"])
def test_someone_who_sees_a_task_but_is_no_candidate_is_forbidden(
    office: Office, verb: str
) -> None:
    task_id = office.open_task()
    error = refused(office, Forbidden, lambda: act(office, "zhao", verb, task_id))
    assert error.code == "not_a_candidate"


@pytest.mark.parametrize("verb", ["claim", "release", "complete"])
def test_a_stranger_is_told_that_there_is_no_such_task(office: Office, verb: str) -> None:
    task_id = office.open_task()
    refused(office, NotFound, lambda: act(office, "stranger", verb, task_id))
    refused(office, NotFound, lambda: act(office, "mei", verb, task_id + 1000))
    with pytest.raises(NotFound):
        queries.get(office.db, office["stranger"], task_id, now=NOW)


def test_releasing_gives_it_back_and_keeps_what_was_typed(office: Office) -> None:
    task_id = office.open_task()
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    typed = {"comments": "half a sen", "amount": "12,"}
    service.save_draft(office.engine, office["mei"], task_id, typed, now=SOON)
    service.release(office.engine, office["mei"], task_id, comment="lunch", now=LATER)
    released = task(office, task_id, "wang")
    assert (released["state"], released["assignee"], released["claimed_at"]) == (
        "open",
        None,
        None,
    )
    kept = {"by": "mei", "values": typed, "comment": None, "saved_at": SOON}
    assert released["draft"] == kept
    assert kinds(office, task_id) == ["task.opened", "task.claimed", "task.released"]


def test_only_the_holder_releases(office: Office) -> None:
    task_id = office.open_task()
    error = refused(office, Conflict, lambda: act(office, "mei", "release", task_id))
    assert error.code == "not_claimed"
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    error = refused(office, Conflict, lambda: act(office, "wang", "release", task_id))
    assert error.code == "claimed_by_other"


def test_a_task_for_one_person_is_theirs_from_the_start(office: Office) -> None:
    instance_id = office.start()
    act(office, "mei", "complete", office.task_of(instance_id, "approve"), approved=True)
    pay = office.task_of(instance_id, "pay")
    given = task(office, pay)
    assert (given["state"], given["assignee"]) == ("claimed", "li")
    assert given["claimed_at"] is None  # nobody claimed it
    error = refused(office, Forbidden, lambda: act(office, "mei", "claim", pay))
    assert error.code == "not_a_candidate"


# --- complete -------------------------------------------------------------------------


def act(office: Office, by: str, verb: str, task_id: int, **values: Any) -> Any:
    actor = office[by]
    if verb == "complete":
        given = values or {"approved": True}
        return service.complete(office.engine, actor, task_id, given, now=LATER)
    return getattr(service, verb)(office.engine, actor, task_id, now=LATER)


def test_completing_moves_the_instance_and_tells_what_is_next(office: Office) -> None:
    task_id = office.open_task(amount=Decimal("10.50"))
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    done = service.complete(
        office.engine,
        office["mei"],
        task_id,
        {"approved": True, "comments": "fine", "amount": Decimal("10.10")},
        comment="looked at twice",
        now=LATER,
    )
    assert done.task["state"] == "completed"
    assert (done.task["completed_by"], done.task["completed_at"]) == ("mei", LATER)
    assert done.task["values"] == {
        "approved": True,
        "comments": "fine",
        "amount": Decimal("10.10"),
    }
    assert done.task["comment"] == "looked at twice"
    assert done.instance.status == "running"
    assert [(each["step"]["id"], each["assignee"]) for each in done.next] == [("pay", "li")]
    assert kinds(office, task_id) == [
        "task.opened",
        "task.claimed",
        "task.completed",
        "task.opened",
    ]


def test_a_candidate_who_completes_claims_on_the_way(office: Office) -> None:
    task_id = office.open_task()
    act(office, "mei", "complete", task_id, approved=False)
    done = task(office, task_id)
    assert (done["assignee"], done["claimed_at"]) == ("mei", LATER)
    assert kinds(office, task_id)[:3] == ["task.opened", "task.claimed", "task.completed"]


def test_a_no_goes_the_other_way(office: Office) -> None:
    task_id = office.open_task()
    done = act(office, "mei", "complete", task_id, approved=False)
    assert [each["step"]["id"] for each in done.next] == ["rework"]
    assert done.next[0]["assignee"] == "zhao"


def test_the_last_completion_ends_the_instance(office: Office) -> None:
    instance_id = office.start()
    act(office, "mei", "complete", office.task_of(instance_id, "approve"), approved=True)
    done = act(office, "li", "complete", office.task_of(instance_id, "pay"), paid_on="2026-03-03")
    assert done.instance.status == "completed"
    assert done.next == []


def test_completing_twice_says_who_was_first(office: Office) -> None:
    task_id = office.open_task()
    act(office, "mei", "complete", task_id)
    for again in ("mei", "wang"):
        error = refused(office, Conflict, lambda by=again: act(office, by, "complete", task_id))
        assert error.code == "already_completed"
        assert error.extra["by"] == "mei"
        assert error.extra["at"] == "2026-03-02T09:20:00Z"
        assert str(error).startswith("You have" if again == "mei" else "Chen Mei has")


def test_a_task_that_someone_else_has_cannot_be_completed(office: Office) -> None:
    task_id = office.open_task()
    act(office, "mei", "claim", task_id)
    error = refused(office, Conflict, lambda: act(office, "wang", "complete", task_id))
    assert error.code == "claimed_by_other"


@pytest.mark.parametrize("verb", ["claim", "release", "complete"])
def test_nothing_moves_while_the_instance_is_suspended(office: Office, verb: str) -> None:
    task_id = office.open_task()
    if verb == "release":
        act(office, "mei", "claim", task_id)
    instance_id = task(office, task_id)["process_instance_id"]
    runtime.suspend(office.engine, office["root"], instance_id, now=SOON)
    error = refused(office, Conflict, lambda: act(office, "mei", verb, task_id))
    assert error.code == "instance_suspended"
    assert task(office, task_id, "mei")["allowed"] == []
    runtime.activate(office.engine, office["root"], instance_id, now=SOON)
    act(office, "mei", verb, task_id)


@pytest.mark.parametrize("verb", ["claim", "complete"])
def test_a_withdrawn_task_is_over(office: Office, verb: str) -> None:
    task_id = office.open_task()
    instance_id = task(office, task_id)["process_instance_id"]
    runtime.terminate(office.engine, office["root"], instance_id, reason="test", now=SOON)
    error = refused(office, Conflict, lambda: act(office, "mei", verb, task_id))
    assert error.code == "task_cancelled"


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {"approved": "required"}),
        ({"approved": "yes"}, {"approved": "wrong_type"}),
        ({"approved": True, "amount": "a lot"}, {"amount": "wrong_type"}),
        ({"approved": True, "hacked": 1}, {"hacked": "unknown_field"}),
        (
            {"amount": [], "hacked": 1},
            {"approved": "required", "amount": "wrong_type", "hacked": "unknown_field"},
        ),
    ],
)
def test_wrong_values_are_all_named(
    office: Office, values: dict[str, Any], wrong: dict[str, str]
) -> None:
    task_id = office.open_task()
    error = refused(
        office,
        Invalid,
        lambda: service.complete(office.engine, office["mei"], task_id, values, now=LATER),
    )
    assert {each.field for each in error.errors} == set(wrong)


def test_a_browsers_form_gives_the_same_as_json(office: Office) -> None:
    task_id = office.open_task()
    done = service.complete(
        office.engine,
        office["mei"],
        task_id,
        {"approved": "true", "comments": "", "amount": "10.10"},
        text=True,
        now=LATER,
    )
    assert done.task["values"]["approved"] is True
    assert done.task["values"]["amount"] == Decimal("10.10")


# --- outcomes -------------------------------------------------------------------------


def test_without_a_choice_the_choices_are_listed(office: Office) -> None:
    task_id = office.task_of(office.start("choice"), "decide")
    for outcome in (None, "elsewhere"):
        error = refused(
            office,
            Invalid,
            lambda chosen=outcome: service.complete(
                office.engine, office["mei"], task_id, {}, outcome=chosen, now=LATER
            ),
        )
        assert [each.field for each in error.errors] == ["outcome"]
        assert [choice["id"] for choice in error.extra["choices"]] == ["left", "right"]


def test_the_chosen_outcome_is_gone(office: Office) -> None:
    task_id = office.task_of(office.start("choice"), "decide")
    done = service.complete(
        office.engine, office["mei"], task_id, {"note": "x"}, outcome="right", now=LATER
    )
    assert done.task["outcome"] == "right"
    assert [each["step"]["id"] for each in done.next] == ["right"]


# --- drafts ---------------------------------------------------------------------------


def test_a_draft_is_ones_own_and_goes_with_completion(office: Office) -> None:
    task_id = office.open_task()
    act(office, "mei", "claim", task_id)
    for typed in ({"comments": "a"}, {"comments": "ab"}):
        service.save_draft(office.engine, office["mei"], task_id, typed, now=SOON)
    assert task(office, task_id, "mei")["draft"]["values"] == {"comments": "ab"}
    assert task(office, task_id, "wang")["draft"] is None
    assert task(office, task_id, "root")["draft"] is None
    act(office, "mei", "complete", task_id)
    assert task(office, task_id, "mei")["draft"] is None


@pytest.mark.parametrize(("by", "kind"), [("wang", Conflict), ("zhao", Forbidden)])
def test_only_who_could_complete_keeps_a_draft(
    office: Office, by: str, kind: type[AppError]
) -> None:
    task_id = office.open_task()
    act(office, "mei", "claim", task_id)
    refused(
        office,
        kind,
        lambda: service.save_draft(office.engine, office[by], task_id, {"a": "b"}, now=SOON),
    )


def test_a_draft_too_large_or_not_text_is_refused(office: Office) -> None:
    task_id = office.open_task()
    for typed in ({"comments": "x" * 300_000}, {"comments": "\x00"}):
        with pytest.raises(Invalid):
            service.save_draft(office.engine, office["mei"], task_id, typed, now=SOON)


@pytest.mark.parametrize("verb", ["release", "complete"])
@pytest.mark.parametrize(("comment", "code"), [("x" * 10_001, "too_long"), ("a\0b", "bad_text")])
def test_a_comment_that_cannot_be_kept_is_refused(
    office: Office, verb: str, comment: str, code: str
) -> None:
    task_id = office.open_task()
    service.claim(office.engine, office["mei"], task_id, now=SOON)
    given = [{"approved": True}] if verb == "complete" else []
    error = refused(
        office,
        Invalid,
        lambda: getattr(service, verb)(
            office.engine, office["mei"], task_id, *given, comment=comment, now=LATER
        ),
    )
    assert [(each.field, each.code) for each in error.errors] == [("comment", code)]
