"""A repeated request with the same key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from app.db import idempotency
from app.db.engine import create_engine
from app.db.idempotency import Slot
from app.db.tx import Database, Tx
from tests.support.office import REQUEST
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


def test_other_parameters_are_another_request(rest: Rest) -> None:
    body = {"name": "n", "key": "n", "version": "1", "steps": REQUEST["steps"][1:2]}
    draft = rest("li", "POST", "/process-definitions?status=draft", body, headers=KEY)
    assert draft.ok(201)["status"] == "draft"
    again = rest("li", "POST", "/process-definitions?status=active", body, headers=KEY)
    again.refused(422, "key_reused")


def test_requests_without_a_body_take_a_key_too(rest: Rest) -> None:
    instance = rest.office.start()
    first = rest("li", "DELETE", f"/process-instances/{instance}", headers=KEY)
    again = rest("li", "DELETE", f"/process-instances/{instance}", headers=KEY)
    assert first.ok() == again.ok()
    assert again.headers["Idempotent-Replayed"] == "true"


@contextmanager
def held(db: Database, lock: Callable[[Tx], object]) -> Iterator[None]:
    """Let somebody else hold a lock meanwhile."""
    has, release = threading.Event(), threading.Event()

    def hold() -> None:
        with db.transaction() as tx:
            lock(tx)
            has.set()
            release.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert has.wait(30)
        yield
    finally:
        release.set()
        other.join()


def test_still_running_is_said_and_nothing_is_done(demo: Rest) -> None:
    body = {"name": "n", "key": "n", "version": "1", "steps": REQUEST["steps"][1:2]}
    path = "/process-definitions"
    admin = demo("admin", "GET", "/auth/me").ok()
    slot = Slot(admin["id"], "POST", f"/api/v1{path}", KEY["Idempotency-Key"])
    with held(demo.office.db, lambda tx: idempotency.try_lock(tx, slot)):
        demo("admin", "POST", path, body, headers=KEY).refused(409, "in_progress")
        assert demo("admin", "GET", f"{path}?key=n").ok()["total"] == 0
    assert demo("admin", "POST", path, body, headers=KEY).ok(201)


@pytest.fixture
def impatient(database_url: str) -> Iterator[Database]:
    """The same database for who waits 50 ms for a lock and not ten seconds."""
    pool = create_engine(database_url)

    @event.listens_for(pool, "connect")
    def hurry(driver: Any, _record: object) -> None:
        driver.execute("set lock_timeout = '50ms'")
        driver.commit()

    yield Database(pool)
    pool.dispose()


def test_what_failed_on_our_side_is_not_kept(demo: Rest, impatient: Database) -> None:
    body = {"name": "n", "key": "n", "version": "1", "steps": REQUEST["steps"][1:2]}
    one = demo("admin", "POST", "/process-definitions?status=draft", body).ok(201)["id"]
    path = f"/process-definitions/{one}/publish"
    row = "select 1 from process_definitions where id = %(id)s for update"

    with held(demo.office.db, lambda tx: tx.run(row, {"id": one})):
        demo.app.extensions["engine"] = replace(demo.office.engine, db=impatient)
        busy = demo("admin", "POST", path, headers=KEY)
        assert busy.status == 503
        assert int(busy.headers["Retry-After"]) > 0
        demo.app.extensions["engine"] = demo.office.engine
    assert demo("admin", "POST", path, headers=KEY).ok()["status"] == "active"
