"""Many people want one task at once: exactly one gets it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from app.db.tx import Database
from app.errors import AppError, Conflict
from app.history import record
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.runtime import service as runtime
from app.task import service
from tests.support.office import NOW, Office, make_office

PEOPLE = 20


@pytest.fixture
def office(committed: Database) -> Office:
    return make_office(committed)


@pytest.fixture
def crowd(office: Office) -> list[Actor]:
    return [
        identity.create_user(
            office.db,
            SYSTEM,
            username=f"clerk{number}",
            name=f"Clerk {number}",
            groups=["finance_team"],
            roles=["user"],
            now=NOW,
        )
        for number in range(PEOPLE)
    ]


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls together; return results, or the errors they were refused with."""
    start = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        except AppError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def events(office: Office, kind: str) -> int:
    with office.db.transaction() as tx:
        row = tx.run(
            """
            select count(*) as n from history_events,
                   jsonb_array_elements(data -> 'lines') line where line ->> 0 = %(kind)s
            """,
            {"kind": kind},
        ).fetchone()
    assert row is not None
    return int(row["n"])


def test_one_of_twenty_gets_the_task_and_the_others_learn_who(
    office: Office, crowd: list[Actor]
) -> None:
    task_id = office.open_task()
    results = at_once(
        [
            lambda actor=actor: service.claim(office.engine, actor, task_id, now=NOW)
            for actor in crowd
        ]
    )
    won = [each for each in results if not isinstance(each, AppError)]
    lost = [each for each in results if isinstance(each, AppError)]
    assert len(won) == 1
    assert [type(each) for each in lost] == [Conflict] * (PEOPLE - 1)
    winner = won[0]["assignee"]
    assert {(each.code, each.extra["by"]) for each in lost} == {("claimed_by_other", winner)}
    assert events(office, "task.claimed") == 1
    with office.db.transaction() as tx:
        assert record.verify(tx, won[0]["process_instance_id"]) is None


def test_one_of_twenty_completes_an_open_task(office: Office, crowd: list[Actor]) -> None:
    task_id = office.open_task()
    results = at_once(
        [
            lambda actor=actor: service.complete(
                office.engine, actor, task_id, {"approved": True}, now=NOW
            )
            for actor in crowd
        ]
    )
    won = [each for each in results if not isinstance(each, AppError)]
    lost = [each for each in results if isinstance(each, AppError)]
    assert len(won) == 1
    assert {each.code for each in lost} == {"already_completed"}
    assert {each.extra["by"] for each in lost} == {won[0].task["completed_by"]}
    assert events(office, "task.completed") == 1
    assert events(office, "task.opened") == 2


def test_the_same_person_clicking_twenty_times_claims_once(office: Office) -> None:
    task_id = office.open_task()
    results = at_once(
        [lambda: service.claim(office.engine, office["mei"], task_id, now=NOW)] * PEOPLE
    )
    assert {each["assignee"] for each in results} == {"mei"}
    assert events(office, "task.claimed") == 1


def test_completing_and_terminating_at_once_leaves_one_end(office: Office) -> None:
    for _ in range(10):
        instance_id = office.start()
        task_id = office.task_of(instance_id, "approve")
        at_once(
            [
                lambda t=task_id: service.complete(
                    office.engine, office["mei"], t, {"approved": True}, now=NOW
                ),
                lambda i=instance_id: runtime.terminate(office.engine, office["root"], i, now=NOW),
            ]
        )
        with office.db.transaction() as tx:
            states = tx.run(
                "select state from tasks where instance_id = %(id)s", {"id": instance_id}
            ).fetchall()
            assert record.verify(tx, instance_id) is None
        assert {row["state"] for row in states} <= {"completed", "cancelled"}
