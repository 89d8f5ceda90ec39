"""A repeated request with the same key."""

from __future__ import annotations

import threading

import pytest

from app.db import idempotency
from app.db.idempotency import Slot
from app.db.tx import Database
from tests.support.rest import Rest

START = {"process_definition_key": "request", "variables": {"amount": 1}}
KEY = {"Idempotency-Key": "order-1"}


def start(rest: Rest, who: str = "zhao", body=START, key: str = "order-1"):
    return rest(who, "POST", "/process-instances", body, headers={"Idempotency-Key": key})


def instances(rest: Rest) -> int:
    return int(rest("li", "GET", "/process-instances").ok()["total"])


def test_the_first_answer_again_and_the_work_once(rest: Rest) -> None:
    first, again = start(rest), start(rest)
    assert first.ok(201) == again.ok(201)
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert instances(rest) == 1


def test_another_key_is_other_work(rest: Rest) -> None:
    start(rest)
    start(rest, key="order-2")
    assert instances(rest) == 2


def test_another_caller_s_key_is_another_key(rest: Rest) -> None:
    start(rest)
    start(rest, who="li")
    assert instances(rest) == 2


def test_the_same_key_with_another_body_is_refused(rest: Rest) -> None:
    start(rest)
    start(rest, body=START | {"business_key": "B"}).refused(422, "key_reused")
    assert instances(rest) == 1


def test_a_refusal_is_kept_and_its_work_is_not(rest: Rest) -> None:
    wrong = START | {"variables": {"amount": "much"}}
    first, again = start(rest, body=wrong), start(rest, body=wrong)
    assert first.status == again.status == 422
    assert first.text == again.text
    assert instances(rest) == 0


def test_completing_again_with_the_key_gives_the_first_answer(rest: Rest) -> None:
    task = rest.office.open_task()
    body = {"variables": {"approved": True}}
    path = f"/tasks/{task}/complete"
    first = rest("mei", "PUT", path, body, headers=KEY)
    again = rest("mei", "PUT", path, body, headers=KEY)
    assert first.ok() == again.ok()
    rest("mei", "PUT", path, body).refused(409, "already_completed")


def test_after_a_day_the_key_is_free_again(rest: Rest) -> None:
    start(rest)
    rest.clock.pass_(hours=23)
    start(rest)
    assert instances(rest) == 1
    rest.clock.pass_(hours=2)
    rest._tokens.clear()
    start(rest)
    assert instances(rest) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_key_must_be_printable(rest: Rest, key: str) -> None:
    start(rest, key=key).refused(400, "bad_idempotency_key")


def test_still_running_is_said(committed: Database) -> None:
    slot = Slot(1, "POST", "/api/v1/x", "k")
    held, release = threading.Event(), threading.Event()

    def first() -> None:
        with committed.transaction() as tx:
            assert idempotency.try_lock(tx, slot)
            held.set()
            release.wait(10)

    other = threading.Thread(target=first)
    other.start()
    try:
        assert held.wait(10)
        with committed.transaction() as tx:
            assert not idempotency.try_lock(tx, slot)
    finally:
        release.set()
        other.join()
    with committed.transaction() as tx:
        assert idempotency.try_lock(tx, slot)
