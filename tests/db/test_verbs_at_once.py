"""Verbs of several people at the same moment: one wins, the others are told, nothing is torn."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError, TooMany
from app.runtime.start_form import start_by_form
from app.task import queries, service
from tests.db.conftest import Lab
from tests.db.test_verbs_give import claimed
from tests.support import stored
from tests.support.office import NOW
from tests.support.scenario import person
from tests.support.threads import at_once, in_line


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """Really committed: each thread has a connection of its own."""
    return real_lab


@pytest.fixture
def task(lab: Lab) -> int:
    return claimed(lab)


def instance_of(lab: Lab, task: int) -> int:
    shown = queries.get(lab.db, lab.office["root"], task, now=NOW)
    return int(shown["process_instance_id"])


def lock_of(lab: Lab, task: int) -> str:
    return f"select 1 from process_instances where id = {instance_of(lab, task)} for update"


def codes(results: list[Any]) -> list[str | None]:
    return [each.code if isinstance(each, AppError) else None for each in results]


def holder(lab: Lab, task: int) -> str | None:
    found = stored.row(lab.db, "select assignee from tasks where id = %(id)s", id=task)
    return found["assignee"]


def test_a_task_that_is_transferred_twice_at_once_goes_to_the_first(lab: Lab, task: int) -> None:
    def to(username: str) -> Any:
        return service.transfer(lab.engine, lab.office["mei"], task, username, now=NOW)

    results = in_line(lab.db, lock_of(lab, task), [lambda: to("wang"), lambda: to("stranger")])
    assert codes(results) == [None, "claimed_by_other"]
    assert holder(lab, task) == "wang"
    stored.agrees(lab.db, instance_of(lab, task))


@pytest.mark.parametrize("first", ["transfer", "complete"])
def test_a_task_is_either_transferred_or_completed(lab: Lab, task: int, first: str) -> None:
    mei = lab.office["mei"]
    calls = {
        "transfer": lambda: service.transfer(lab.engine, mei, task, "wang", now=NOW),
        "complete": lambda: service.complete(lab.engine, mei, task, {"approved": True}, now=NOW),
    }
    second = "complete" if first == "transfer" else "transfer"
    results = in_line(lab.db, lock_of(lab, task), [calls[first], calls[second]])
    lost = "claimed_by_other" if first == "transfer" else "already_completed"
    assert codes(results) == [None, lost]
    stored.agrees(lab.db, instance_of(lab, task))


def test_of_many_who_remind_at_once_one_does(lab: Lab, task: int) -> None:
    def remind(by: str) -> Any:
        return service.remind(lab.engine, lab.office[by], task, now=NOW)

    results = at_once([lambda who=who: remind(who) for who in ("zhao", "li", "root") * 3])
    refused = [each for each in results if isinstance(each, AppError)]
    assert {type(each) for each in refused} == {TooMany}
    assert len(refused) == 8
    assert len(stored.rows(lab.db, "select 1 from notifications where event = 'reminded'")) == 1


def test_a_copy_that_is_sent_many_times_at_once_arrives_once(lab: Lab, task: int) -> None:
    mei = lab.office["mei"]
    users = ["zhao", "stranger"]
    calls = [lambda: service.copy(lab.engine, mei, task, users, now=NOW) for _ in range(6)]
    assert sorted(codes(at_once(calls)), key=str) == [None, *["invalid_people"] * 5]
    assert len(stored.rows(lab.db, "select 1 from copies")) == 2
    assert len(stored.rows(lab.db, "select 1 from notifications where event = 'copied'")) == 2
    stored.agrees(lab.db, instance_of(lab, task))


def test_comments_of_many_at_once_are_all_kept_in_one_chain(lab: Lab, task: int) -> None:
    def say(by: str, text: str) -> Any:
        return service.comment(lab.engine, lab.office[by], task, text, now=NOW)

    people = ("mei", "wang", "zhao", "li")
    calls = [lambda n=n: say(people[n % 4], f"number {n}") for n in range(8)]
    made = at_once(calls)
    kept = queries.get(lab.db, lab.office["mei"], task, now=NOW)["comments"]
    assert sorted(each["id"] for each in made) == [each["id"] for each in kept]
    assert {each["text"] for each in kept} == {f"number {n}" for n in range(8)}
    stored.agrees(lab.db, instance_of(lab, task))


def test_a_hand_over_takes_nothing_that_was_given_away_meanwhile(lab: Lab, task: int) -> None:
    li, mei = lab.office["li"], lab.office["mei"]
    results = in_line(
        lab.db,
        lock_of(lab, task),
        [
            lambda: service.transfer(lab.engine, mei, task, "wang", now=NOW),
            lambda: service.hand_over(lab.engine, li, "mei", "stranger", now=NOW),
        ],
    )
    assert isinstance(results[1], service.HandedOver)
    assert {each: error.code for each, error in results[1].failed.items()} == {task: "task_changed"}
    assert holder(lab, task) == "wang"


@pytest.mark.parametrize("first", ["resolve", "recall"])
def test_advice_is_either_given_or_pulled_back(lab: Lab, task: int, first: str) -> None:
    mei, wang = lab.office["mei"], lab.office["wang"]
    service.delegate(lab.engine, mei, task, "wang", now=NOW)
    calls = {
        "resolve": lambda: service.resolve(lab.engine, wang, task, {}, outcome="approve", now=NOW),
        "recall": lambda: service.recall(lab.engine, mei, task, now=NOW),
    }
    second = "recall" if first == "resolve" else "resolve"
    results = in_line(lab.db, lock_of(lab, task), [calls[first], calls[second]])
    lost = "nothing_to_pull_back" if first == "resolve" else "not_asked"
    assert codes(results) == [None, lost]
    stored.agrees(lab.db, instance_of(lab, task))


def test_a_decision_is_applied_once_though_its_signers_sign_at_once(lab: Lab, task: int) -> None:
    mei, people = lab.office["mei"], ["wang", "li", "stranger"]
    with lab.db.transaction() as tx:
        tx.run("update tasks set allow = '{add_signer}' where id = %(id)s", {"id": task})
    service.add_after(lab.engine, mei, task, people, {"approved": True}, now=NOW)

    def sign(by: str) -> Any:
        return service.resolve(lab.engine, lab.office[by], task, {}, outcome="approve", now=NOW)

    assert codes(at_once([lambda who=who: sign(who) for who in people])) == [None] * 3
    opened = stored.rows(lab.db, "select 1 from tasks where step = 'pay'")
    assert len(opened) == 1
    stored.agrees(lab.db, instance_of(lab, task))


def test_a_form_that_is_sent_twice_at_once_starts_one_instance(lab: Lab) -> None:
    number, zhao = lab.define(person("check", assignee="li"), key="twice"), lab.office["zhao"]

    def send() -> int:
        return start_by_form(lab.engine, zhao, number, {}, once="the same", now=NOW).id

    calls = at_once([send] * 4)
    assert len(set(calls)) == 1, calls
    made = "select count(*) as n from process_instances where definition_id = %(id)s"
    assert stored.row(lab.db, made, id=number)["n"] == 1
