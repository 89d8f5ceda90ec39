"""Notifications: who is told of what, once; reading them; choosing how to be told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.errors import Invalid, NotFound
from app.notice import queries, service
from app.task import service as tasks
from tests.db.conftest import Lab
from tests.db.test_verbs_give import claimed, give, notes, set_active
from tests.support import stored
from tests.support.office import NOW

LATER = NOW + timedelta(hours=1)


def told(lab: Lab, username: str) -> list[dict[str, Any]]:
    return list(queries.notifications(lab.db, lab.office[username]).items)


def unread(lab: Lab, username: str) -> int:
    return queries.unread(lab.db, lab.office[username])


def read(lab: Lab, username: str, *ids: int) -> None:
    service.read(lab.db, lab.office[username], ids or None, now=LATER)


def test_who_alone_is_given_a_task_by_the_process_is_told(lab: Lab) -> None:
    instance = lab.office.start()
    assert notes(lab) == []
    lab.complete(instance, "approve", approved=True)
    (note,) = told(lab, "li")
    wanted = {"event": "task", "by": "mei", "task_id": lab.task(instance, "pay"), "read_at": None}
    assert {name: note[name] for name in wanted} == wanted
    assert note["step"] == {"id": "pay", "name": "Pay"}


def test_a_task_that_one_makes_for_oneself_tells_nobody(lab: Lab) -> None:
    lab.define({"id": "own", "type": "user_task", "config": {"assignee": "mei"}})
    lab.start(by="mei")
    assert notes(lab) == []


def test_each_person_is_told_once_of_each_of_several_tasks(lab: Lab) -> None:
    both = [
        {"id": name, "type": "user_task", "config": {"assignee": who}, "next": []}
        for name, who in (("a", "mei"), ("b", "mei"), ("c", "wang"), ("d", "finance_team"))
    ]
    fork = {"id": "fork", "type": "parallel_gateway", "next": ["a", "b", "c", "d"]}
    lab.define(fork, *both)
    lab.start()
    assert sorted(each[0] for each in notes(lab)) == ["mei", "mei", "wang"]
    assert {each["step"]["id"] for each in told(lab, "mei")} == {"a", "b"}


def test_notifications_are_read_one_by_one_or_all(lab: Lab) -> None:
    for _ in range(3):
        give(lab, "assign", "li", lab.office.open_task(), "zhao")
    first, second, third = told(lab, "zhao")
    assert unread(lab, "zhao") == 3
    read(lab, "zhao", second["id"])
    assert [each["read_at"] for each in told(lab, "zhao")] == [None, LATER, None]
    assert unread(lab, "zhao") == 2
    read(lab, "mei", first["id"])
    assert unread(lab, "zhao") == 2
    read(lab, "zhao")
    assert unread(lab, "zhao") == 0
    assert queries.notifications(lab.db, lab.office["zhao"], unread=True).items == []
    assert third["id"] < second["id"] < first["id"]


def test_a_notification_is_its_readers_alone(lab: Lab) -> None:
    give(lab, "assign", "li", lab.office.open_task(), "zhao")
    (note,) = told(lab, "zhao")
    assert queries.one(lab.db, lab.office["zhao"], note["id"])["id"] == note["id"]
    with pytest.raises(NotFound):
        queries.one(lab.db, lab.office["root"], note["id"])


def test_reading_a_copy_and_reading_of_it_are_the_same(lab: Lab) -> None:
    zhao = lab.office["zhao"]
    for _ in range(2):
        users = ["zhao"]
        tasks.copy(lab.engine, lab.office["mei"], claimed(lab), users, now=NOW)
    newest, oldest = queries.copies(lab.db, zhao).items
    service.read_copies(lab.db, zhao, [newest["id"]], now=LATER)
    assert [each["read_at"] for each in told(lab, "zhao")] == [LATER, None]
    read(lab, "zhao", told(lab, "zhao")[1]["id"])
    assert queries.copies(lab.db, zhao, unread=True).items == []
    assert queries.one_copy(lab.db, zhao, oldest["id"])["read_at"] == LATER
    with pytest.raises(NotFound):
        queries.one_copy(lab.db, lab.office["mei"], oldest["id"])


@pytest.mark.parametrize(("choice", "count"), [("page", 1), ("mail", 1), ("none", 0)])
def test_everyone_chooses_how_to_be_told(lab: Lab, choice: str, count: int) -> None:
    zhao = lab.office["zhao"]
    service.choose(lab.db, zhao, {"task": choice})
    service.choose(lab.db, zhao, {"reminded": "none"})
    give(lab, "assign", "li", lab.office.open_task(), "zhao")
    assert len(told(lab, "zhao")) == count
    made = queries.choices(lab.db, zhao)
    assert (made["task"], made["reminded"], made["copied"]) == (choice, "none", "page")


def test_what_cannot_be_chosen_changes_nothing(lab: Lab) -> None:
    asked = {"task": "pigeon", "weather": "page", "copied": "none"}
    error = lab.refused(Invalid, lambda: service.choose(lab.db, lab.office["zhao"], asked))
    assert {(each.field, each.code) for each in error.errors} == {
        ("task", "not_an_option"),
        ("weather", "unknown_name"),
    }


def test_nobody_who_has_left_is_told(lab: Lab) -> None:
    task = lab.office.open_task()
    set_active(lab, "wang")
    tasks.remind(lab.engine, lab.office["zhao"], task, now=NOW)
    assert [each[0] for each in notes(lab)] == ["mei"]


def test_a_long_comment_is_shortened_where_it_is_told(lab: Lab) -> None:
    task = lab.office.open_task()
    comment = "a\n b " * 200
    tasks.remind(lab.engine, lab.office["zhao"], task, comment=comment, now=NOW)
    text = told(lab, "mei")[0]["text"]
    assert len(text) == 300
    assert text.startswith("a b a b")
    assert text.endswith("…")


def test_the_badge_counts_no_further_than_a_hundred(lab: Lab) -> None:
    give(lab, "assign", "li", lab.office.open_task(), "zhao")
    with lab.db.transaction() as tx:
        tx.run(
            "insert into notifications (username, event, instance_id, task_id, actor, at)"
            " select username, event, instance_id, task_id, actor, at"
            "   from notifications, generate_series(1, 150)"
        )
    assert unread(lab, "zhao") == queries.COUNT_CAP


def test_old_notifications_are_forgotten(lab: Lab) -> None:
    give(lab, "assign", "li", lab.office.open_task(), "zhao")
    at = stored.row(lab.db, "select at from notifications")["at"]
    assert service.prune(lab.db, now=at + service.KEPT) == 0
    assert service.prune(lab.db, now=at + service.KEPT + timedelta(seconds=1)) == 1
