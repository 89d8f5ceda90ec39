"""Substitutes: what they see and may do, for whom, how long, and what is told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.history.queries import events
from app.identity.actor import Actor
from app.identity.service import actor_by_id
from app.notice import queries as notices
from app.notice.service import choose
from app.runtime import listing
from app.runtime import queries as instances
from app.task import absence, absences, access, choices, queries, side
from app.task import service as tasks
from app.task.absence import Wish
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW

DAY = timedelta(days=1)
BACK = NOW + 5 * DAY
SIGN: dict[str, Any] = {
    "id": "sign",
    "type": "user_task",
    "config": {"assignee": "mei", "form": {"note": "string"}},
}


def away(lab: Lab, person: str, substitute: str, by: str | None = None, **more: Any) -> int:
    """Let a person be away from the lab's time until ``BACK``; return the absence's id."""
    at = more.pop("now", lab.at)
    wish = Wish(substitute, more.pop("until", BACK), **more)
    row = absence.set_(lab.db, lab.office[by or person], wish, user=person, now=at)
    return int(row["id"])


def now(lab: Lab, username: str, at: datetime | None = None) -> Actor:
    """Return a person as a request of theirs finds them."""
    found = actor_by_id(lab.db, lab.office[username].id, now=at or lab.at)
    assert found is not None
    return found


def todo(lab: Lab, who: Actor) -> list[tuple[int, str | None]]:
    """Return id and absent person of each task in somebody's inbox."""
    page = queries.inbox(lab.db, who, "todo", now=lab.at)
    assert page.counts["mine"] == sum(one["mine"] for one in page.items)
    assert queries.badge(lab.db, who) == len(page.items)
    return [(one["id"], one["for"]) for one in page.items]


@pytest.fixture
def task(lab: Lab) -> int:
    """A task of mei's alone, that zhao started."""
    lab.define(SIGN)
    return lab.task(lab.start(), "sign")


def test_a_substitute_decides_and_both_names_are_kept(lab: Lab, task: int) -> None:
    instance = stored.row(lab.db, "select instance_id as id from tasks")["id"]
    away(lab, "mei", "wang")
    wang, mei = now(lab, "wang"), now(lab, "mei")
    assert todo(lab, wang) == [(task, "mei")]
    assert todo(lab, mei) == [(task, None)], "who is away keeps it"
    with lab.db.transaction() as tx:
        row = queries.seen(tx, wang, task)
    assert (access.deciding(wang, row), access.deciding(mei, row)) == (("wang", "mei"), ("mei",))
    shown = queries.get(lab.db, wang, task, now=lab.at)
    assert shown["for"] == "mei"
    assert shown["allowed"] == queries.get(lab.db, mei, task, now=lab.at)["allowed"]
    (listed,) = queries.list_(lab.db, wang, assignee="current_user", now=lab.at).items
    assert (listed["id"], listed["for"]) == (task, "mei")
    assert choices.choices(lab.db, wang, "todo").step("sign") == "sign"
    assert instances.get(lab.db, wang, instance, now=lab.at)["id"] == instance
    assert [one["id"] for one in listing.list_(lab.db, wang).items] == [instance]
    tasks.save_draft(lab.engine, wang, task, {"note": "half"}, now=lab.at)
    done = tasks.complete(lab.engine, wang, task, {"note": "fine"}, now=lab.at).task
    assert (done["completed_by"], done["on_behalf_of"], done["assignee"]) == ("wang", "mei", "mei")
    kept = stored.row(lab.db, "select completed_by, on_behalf_of from tasks")
    assert kept == {"completed_by": "wang", "on_behalf_of": "mei"}
    (line,) = [each for each in events(lab.db, mei, instance) if each["kind"] == "task.completed"]
    assert (line["actor"], line["on_behalf_of"]) == ("wang", "mei")
    for who in (wang, mei):  # who was away finds it among what is done
        (finished,) = queries.inbox(lab.db, who, "done", now=lab.at).items
        assert (finished["on_behalf_of"], finished["decided_by"]) == ("mei", "wang")
    stored.agrees(lab.db, instance)


def test_without_an_absence_nobody_else_has_it(lab: Lab, task: int) -> None:
    wang = now(lab, "wang")
    assert todo(lab, wang) == []
    lab.refused(NotFound, lambda: tasks.complete(lab.engine, wang, task, {}, now=lab.at))


def test_verbs_of_a_substitute_are_the_holders_and_their_words_are_their_own(
    lab: Lab, task: int
) -> None:
    away(lab, "mei", "wang")
    wang = now(lab, "wang")
    tasks.comment(lab.engine, wang, task, "Mine to say", now=lab.at)
    tasks.transfer(lab.engine, wang, task, "stranger", now=lab.at)
    rows = stored.rows(
        lab.db, "select kind, actor, on_behalf_of from history_events where seq > 1 order by seq"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("task.commented", "wang", None),
        ("task.transferred", "wang", "mei"),
    ]
    assert todo(lab, wang) == []


def test_an_absence_begins_and_ends_by_the_clock(lab: Lab, task: int) -> None:
    number = away(lab, "mei", "wang", starts_at=NOW + DAY)
    for at, who in ((NOW, ()), (NOW + DAY, ("mei",)), (BACK - DAY, ("mei",)), (BACK, ())):
        assert tuple(one.person for one in now(lab, "wang", at).stands_in) == who
    early = now(lab, "wang", NOW + DAY)
    assert early.at(BACK).stands_in == (), "also of somebody who was looked up before"
    absence.end(lab.db, lab.office["mei"], number, now=NOW + 2 * DAY)
    assert now(lab, "wang", NOW + 2 * DAY).stands_in == ()
    error = lab.refused(
        Conflict, lambda: absence.end(lab.db, lab.office["mei"], number, now=NOW + 2 * DAY)
    )
    assert error.code == "absence_over"


def test_it_may_be_for_some_processes_or_for_what_comes_alone(lab: Lab, task: int) -> None:
    lab.define(SIGN, key="other")
    lab.later(minutes=1)
    away(lab, "mei", "wang", definitions=["other"])
    away(lab, "mei", "stranger", definitions=["own"], open_tasks=False)
    lab.later(minutes=1)
    other, new = lab.task(lab.start("other"), "sign"), lab.task(lab.start(), "sign")
    assert todo(lab, now(lab, "wang")) == [(other, "mei")]
    assert todo(lab, now(lab, "stranger")) == [(new, "mei")]
    wang = now(lab, "wang")
    lab.refused(NotFound, lambda: tasks.complete(lab.engine, wang, new, {}, now=lab.at))


def test_chains_are_followed_and_who_started_it_is_passed_over(lab: Lab, task: int) -> None:
    away(lab, "mei", "zhao")
    assert todo(lab, now(lab, "zhao")) == []
    assert notices.notifications(lab.db, lab.office["zhao"]).items[0]["event"] == "substitute"
    away(lab, "zhao", "wang")
    assert todo(lab, now(lab, "wang")) == [(task, "mei")]
    done = tasks.complete(lab.engine, now(lab, "wang"), task, {"note": "x"}, now=lab.at)
    assert done.task["on_behalf_of"] == "mei"


def test_chains_that_became_a_circle_go_once_round(lab: Lab, task: int) -> None:
    away(lab, "mei", "wang")
    away(lab, "wang", "li")
    with lab.db.transaction() as tx:
        tx.run(
            "insert into absences (username, substitute, starts_at, ends_at, open_tasks,"
            " created_by, created_at)"
            " values ('li', 'mei', %(now)s, %(until)s, true, 'li', %(now)s)",
            {"now": NOW, "until": BACK},
        )
    people = {name: {one.person for one in now(lab, name).stands_in} for name in ("mei", "li")}
    assert people == {"mei": {"li", "wang"}, "li": {"wang", "mei"}}
    assert todo(lab, now(lab, "li")) == [(task, "mei")]


def test_seats_of_groups_have_no_substitutes(lab: Lab) -> None:
    offered = lab.office.open_task()
    away(lab, "mei", "stranger")
    assert todo(lab, now(lab, "stranger")) == []
    tasks.claim(lab.engine, lab.office["mei"], offered, now=lab.at)
    assert todo(lab, now(lab, "stranger")) == [(offered, "mei")], "once claimed, it is hers"
    tasks.release(lab.engine, now(lab, "stranger"), offered, now=lab.at)
    (row,) = stored.rows(lab.db, "select * from history_events where kind = 'task.released'")
    assert (row["actor"], row["on_behalf_of"]) == ("stranger", "mei")


def test_who_is_asked_for_advice_is_stood_in_for_too(lab: Lab, task: int) -> None:
    away(lab, "wang", "stranger")
    side.delegate(lab.engine, lab.office["mei"], task, "wang", now=lab.at)
    ((asked, absent),) = todo(lab, now(lab, "stranger"))
    assert absent == "wang"
    given = tasks.resolve(lab.engine, now(lab, "stranger"), task, {}, outcome="approve", now=lab.at)
    assert (given["id"], given["completed_by"], given["on_behalf_of"]) == (
        asked,
        "stranger",
        "wang",
    )


def test_substitutes_are_told_of_tasks_and_reminded_too(lab: Lab) -> None:
    lab.define(SIGN)
    away(lab, "mei", "wang", definitions=["own"])
    away(lab, "wang", "zhao")
    away(lab, "mei", "stranger", definitions=["request"])
    lab.later(minutes=1)
    task = lab.task(lab.start(by="zhao"), "sign")
    tasks.remind(lab.engine, lab.office["zhao"], task, comment="Soon?", now=lab.at)
    told = stored.rows(
        lab.db, "select username, event from notifications where task_id is not null order by id"
    )
    assert sorted(tuple(one.values()) for one in told) == [
        ("mei", "reminded"),
        ("mei", "task"),
        ("wang", "reminded"),
        ("wang", "task"),
    ], "zhao started it, and so is told nothing"
    with lab.db.transaction() as tx:
        tx.run("update tasks set barred = '{wang}'")
    tasks.remind(lab.engine, lab.office["zhao"], task, now=lab.later(hours=4))
    again = stored.rows(lab.db, "select username from notifications order by id desc limit 2")
    assert [one["username"] for one in again] == ["mei", "wang"], "who may not decide is not told"


@pytest.mark.parametrize(
    ("wish", "field", "code"),
    [
        (Wish("wang", None), "until", "required"),
        (Wish("wang", NOW), "until", "too_early"),
        (Wish("wang", NOW - DAY, starts_at=NOW - 2 * DAY), "until", "past"),
        (Wish("mei", BACK), "substitute", "same_person"),
        (Wish("nobody", BACK), "substitute", "unknown_name"),
        (Wish("", BACK), "substitute", "required"),
        (Wish("wang", BACK, definitions=["nothing"]), "definitions", "unknown_name"),
        (Wish("wang", BACK, definitions=[]), "definitions", "required"),
        (Wish("stranger", BACK), "from", "overlaps"),
        (Wish("zhao", BACK + DAY, starts_at=BACK), "substitute", "circle"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    lab: Lab, wish: Wish, field: str, code: str
) -> None:
    if code == "overlaps":
        away(lab, "mei", "wang", definitions=["request"])
    away(lab, "zhao", "li", until=BACK + 2 * DAY)
    away(lab, "li", "mei", until=BACK + 2 * DAY)
    mei = lab.office["mei"]
    error = lab.refused(Invalid, lambda: absence.set_(lab.db, mei, wish, now=NOW))
    assert [(each.field, each.code) for each in error.errors] == [(field, code)]
    if code == "circle":
        assert "Chen Mei → Zhao Min → Li Wei → Chen Mei" in error.errors[0].text()


def test_managers_say_it_for_others_and_others_only_for_themselves(lab: Lab) -> None:
    number = away(lab, "mei", "wang", by="li")
    assert absences.get(lab.db, lab.office["wang"], number, now=NOW)["created_by"] == "li"
    tries: list[tuple[type[AppError], str, Any]] = [
        (Forbidden, "wang", lambda who: away(lab, "zhao", "mei", by="wang")),
        (Forbidden, "wang", lambda who: absence.end(lab.db, who, number, now=NOW)),
        (NotFound, "zhao", lambda who: absence.end(lab.db, who, number, now=NOW)),
        (NotFound, "zhao", lambda who: absences.get(lab.db, who, number, now=NOW)),
    ]
    for kind, who, call in tries:
        lab.refused(kind, lambda who=who, call=call: call(lab.office[who]))  # type: ignore[misc]  # mypy knows no defaults of lambdas
    found = absences.list_(lab.db, lab.office["zhao"], user="mei", now=NOW)
    assert (list(found.items), found.total) == ([], 0)
    (one,) = absences.list_(lab.db, lab.office["li"], user="mei", over=False, now=NOW).items
    assert (one["id"], one["state"]) == (number, "away")
    wish = Wish("stranger", BACK + DAY, open_tasks=False)
    changed = absence.change(lab.db, lab.office["mei"], number, wish, now=NOW + DAY)
    assert (changed["from"], changed["until"], changed["open_tasks"]) == (NOW, BACK + DAY, False)
    assert told(lab) == [
        ("wang", "mei", "substitute", "set"),
        ("mei", "li", "absence", "set"),
        ("wang", "mei", "substitute", "ended"),
        ("stranger", "mei", "substitute", "set"),
    ], "whom it concerns, and nobody of what they did themselves"
    assert [each["until"] for each in absences.current(lab.db, now(lab, "mei"), now=NOW)] == [
        BACK + DAY
    ]
    assert absences.current(lab.db, now(lab, "zhao"), now=NOW) == []


def told(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what was told of absences: whom, by whom, what, and what became of it."""
    rows = stored.rows(
        lab.db,
        "select username, actor, event, about ->> 'change' as change from notifications"
        " where task_id is null order by id",
    )
    return [tuple(row.values()) for row in rows]


def test_whoever_stands_in_is_told_what_has_changed_and_when_it_is_over(lab: Lab) -> None:
    mei, li, wang = (lab.office[name] for name in ("mei", "li", "wang"))
    number = away(lab, "mei", "wang", starts_at=NOW + DAY)
    wish = Wish("wang", BACK + DAY, starts_at=NOW + DAY)
    absence.change(lab.db, li, number, wish, now=NOW)
    absence.change(lab.db, li, number, wish, now=NOW)
    absence.end(lab.db, li, number, now=NOW)
    assert told(lab)[1:] == [
        ("wang", "mei", "substitute", "changed"),
        ("mei", "li", "absence", "changed"),
        ("wang", "mei", "substitute", "ended"),
        ("mei", "li", "absence", "ended"),
    ], "once for each: what stays as it was is nothing to tell"
    (ended, changed) = notices.notifications(lab.db, mei).items
    assert changed["absence"] == {
        "change": "changed",
        "user": "mei",
        "substitute": "wang",
        "from": NOW + DAY,
        "until": BACK + DAY,
    }
    assert ended["absence"]["change"] == "ended"
    choose(lab.db, wang, {"substitute": "none"})
    away(lab, "mei", "wang")
    assert told(lab)[5:] == [], "who wants to hear nothing hears nothing"


def test_what_is_for_some_processes_is_asked_of_those_one_has_tasks_of(lab: Lab, task: int) -> None:
    assert absences.processes(lab.db, lab.office["mei"]) == [("own", "own")]
    assert absences.processes(lab.db, lab.office["li"], "mei") == [("own", "own")]
    assert absences.processes(lab.db, lab.office["zhao"], "mei") == []
