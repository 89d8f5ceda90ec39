"""Substitutes and what is offered to the absent by name: seen, claimed and decided for them."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Conflict, Forbidden, NotFound
from app.history.queries import events
from app.runtime import listing
from app.runtime import queries as instances
from app.task import absence, access, choices, queries
from app.task import service as tasks
from tests.db.conftest import Lab
from tests.db.test_absence import away, now, todo
from tests.support import stored

PICK: dict[str, Any] = {
    "id": "pick",
    "type": "user_task",
    "config": {"candidate_users": ["mei", "li"], "form": {"note": "string"}},
}


@pytest.fixture
def task(lab: Lab) -> int:
    """A task that is offered to mei and li by name, and that zhao started."""
    lab.define(PICK)
    return lab.task(lab.start(), "pick")


def test_it_is_claimed_and_decided_for_who_is_away(lab: Lab, task: int) -> None:
    instance = stored.row(lab.db, "select instance_id as id from tasks")["id"]
    assert todo(lab, now(lab, "stranger")) == []
    away(lab, "mei", "stranger")
    who = now(lab, "stranger")
    assert todo(lab, who) == [(task, "mei")]
    assert queries.inbox(lab.db, who, "todo", now=lab.at).counts["claimable"] == 1
    assert todo(lab, now(lab, "li")) == [(task, None)], "who is there has it for themselves"
    (listed,) = queries.list_(lab.db, who, candidate_user="me", now=lab.at).items
    assert (listed["id"], listed["for"], listed["mine"]) == (task, "mei", False)
    assert choices.choices(lab.db, who, "todo").step("pick") == "pick"
    assert instances.get(lab.db, who, instance, now=lab.at)["id"] == instance
    assert [one["id"] for one in listing.list_(lab.db, who).items] == [instance]
    tasks.save_draft(lab.engine, who, task, {"note": "half"}, now=lab.at)
    had = tasks.claim(lab.engine, who, task, now=lab.at)
    assert (had["assignee"], had["mine"], had["for"]) == ("mei", True, "mei")
    lab.refused(Conflict, lambda: tasks.claim(lab.engine, now(lab, "li"), task, now=lab.at))
    tasks.release(lab.engine, who, task, now=lab.at)
    done = tasks.complete(lab.engine, who, task, {"note": "fine"}, now=lab.at).task
    assert (done["completed_by"], done["on_behalf_of"], done["assignee"]) == (
        *("stranger", "mei"),
        "mei",
    )
    lines = events(lab.db, lab.office["root"], instance)
    told = [(each["kind"], each["on_behalf_of"]) for each in lines if each["actor"] == "stranger"]
    assert [each for each in told if each[0].startswith("task.")] == [
        ("task.claimed", "mei"),
        ("task.released", "mei"),
        ("task.claimed", "mei"),
        ("task.completed", "mei"),
    ]
    stored.agrees(lab.db, instance)


def test_who_is_offered_it_too_claims_for_themselves(lab: Lab, task: int) -> None:
    away(lab, "mei", "li")
    had = tasks.claim(lab.engine, now(lab, "li"), task, now=lab.at)
    assert (had["assignee"], had["for"]) == ("li", None)


def test_it_is_as_with_seats_for_what_and_for_whom(lab: Lab, task: int) -> None:
    lab.define(PICK, key="other")
    lab.later(minutes=1)
    away(lab, "mei", "stranger", definitions=["other"])
    away(lab, "mei", "wang", definitions=["own"], open_tasks=False)
    away(lab, "wang", "zhao")
    lab.later(minutes=1)
    other, new = lab.task(lab.start("other"), "pick"), lab.task(lab.start(by="wang"), "pick")
    assert todo(lab, now(lab, "stranger")) == [(other, "mei")], "one process"
    assert todo(lab, now(lab, "wang")) == [], "not what was open before, nor what he started"
    zhao = now(lab, "zhao")
    assert todo(lab, zhao) == [(new, "mei")], "by a chain"
    lab.refused(NotFound, lambda: tasks.claim(lab.engine, now(lab, "wang"), task, now=lab.at))
    with lab.db.transaction() as tx:
        row = queries.seen(tx, now(lab, "zhao"), task)
    assert access.acting_for(zhao, row) is None, "what they started is another's to decide"
    lab.refused(Forbidden, lambda: tasks.claim(lab.engine, zhao, task, now=lab.at))


def test_groups_have_no_substitutes_and_an_end_ends_it(lab: Lab, task: int) -> None:
    group = lab.office.open_task()
    number = away(lab, "mei", "stranger")
    assert todo(lab, now(lab, "stranger")) == [(task, "mei")]
    lab.refused(NotFound, lambda: tasks.claim(lab.engine, now(lab, "stranger"), group, now=lab.at))
    tasks.claim(lab.engine, now(lab, "stranger"), task, now=lab.at)
    absence.end(lab.db, lab.office["mei"], number, now=lab.at)
    assert todo(lab, now(lab, "stranger")) == []
    assert (task, None) in todo(lab, now(lab, "mei")), "what was claimed for her is hers"


def test_whoever_stands_in_is_reminded_of_it_once(lab: Lab, task: int) -> None:
    away(lab, "mei", "li")
    away(lab, "li", "stranger")
    tasks.remind(lab.engine, lab.office["zhao"], task, now=lab.at)
    told = stored.rows(lab.db, "select username from notifications where event = 'reminded'")
    assert sorted(one["username"] for one in told) == ["li", "mei", "stranger"]
