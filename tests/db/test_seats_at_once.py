"""Votes at the same moment: they are counted one after the other, and the step ends once."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import AppError
from app.task import service
from tests.db.conftest import Lab
from tests.db.test_seats import ALLOW, define, kinds, result, seats, task_of
from tests.support import stored
from tests.support.threads import in_line


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """Really committed: each thread has a connection of its own."""
    return real_lab


def lock(instance: int) -> str:
    return f"select 1 from process_instances where id = {instance} for update"


def cast(lab: Lab, instance: int, who: str, approved: bool) -> Any:
    task = task_of(lab, instance, who)
    return lambda: service.complete(
        lab.engine, lab.office[who], task, {"approved": approved}, now=lab.at
    )


def codes(results: list[Any]) -> list[str | None]:
    return [each.code if isinstance(each, AppError) else None for each in results]


def test_the_last_two_votes_at_once_end_it_once(lab: Lab) -> None:
    define(lab, ["mei", "wang", "li"])
    instance = lab.start()
    cast(lab, instance, "li", True)()
    both = [cast(lab, instance, who, True) for who in ("mei", "wang")]
    first, second = in_line(lab.db, lock(instance), both)
    assert (first.instance.status, second.instance.status) == ("running", "completed")
    assert kinds(lab, instance).count("task.voted") == 3
    assert kinds(lab, instance).count("task.completed") == 1
    stored.agrees(lab.db, instance)


def test_who_votes_in_the_moment_it_is_decided_is_told_by_whom(lab: Lab) -> None:
    define(lab, ["mei", "wang"], mode="any")
    instance = lab.start()
    both = [cast(lab, instance, "wang", False), cast(lab, instance, "mei", True)]
    assert codes(in_line(lab.db, lock(instance), both)) == [None, "decided_by_others"]
    assert result(lab, instance) == "no"
    assert seats(lab, instance) == {"mei": "decided by wang", "wang": "completed"}
    stored.agrees(lab.db, instance)


def test_a_seat_is_either_taken_away_or_votes(lab: Lab) -> None:
    define(lab, ["mei"], allow=ALLOW)
    instance = lab.start()
    task = task_of(lab, instance, "mei")
    mei = lab.office["mei"]
    service.add_signer(lab.engine, mei, task, ["wang"], now=lab.at)
    cast(lab, instance, "mei", True)()
    calls = [
        lambda: service.remove_signer(lab.engine, mei, task, "wang", now=lab.at),
        cast(lab, instance, "wang", False),
    ]
    assert codes(in_line(lab.db, lock(instance), calls)) == [None, "task_cancelled"]
    assert result(lab, instance) == "yes"
    stored.agrees(lab.db, instance)


def test_two_managers_who_decide_the_last_seats_end_it_once(lab: Lab) -> None:
    define(lab, ["mei", "wang"])
    instance = lab.start()
    for whose, manager in (("mei", "root"), ("wang", "li")):
        task = task_of(lab, instance, whose)
        service.assign(lab.engine, lab.office[manager], task, manager, now=lab.at)
    both = [cast(lab, instance, "root", True), cast(lab, instance, "li", False)]
    first, second = in_line(lab.db, lock(instance), both)
    assert (first.instance.status, second.instance.status) == ("running", "terminated")
    assert result(lab, instance) == "no"
    stored.agrees(lab.db, instance)
