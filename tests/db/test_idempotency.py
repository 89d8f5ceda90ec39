"""Answers kept under a caller's key, and how what has run out goes away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.db import idempotency
from app.db.engine import create_database
from app.db.idempotency import KEPT, Kept, Slot
from app.db.tx import Database
from app.identity import service as identity
from app.worker import duty_prune
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW

SECOND = timedelta(seconds=1)
ANSWER = Kept(b"\x01\x02", 201, {"Location": "/x/1"}, '{"id": 1}')


@pytest.fixture
def slot(lab: Lab) -> Slot:
    return Slot(lab.office["mei"].id, "POST", "/api/v1/x", "key-1")


def test_the_first_answer_is_given_again_for_a_day(lab: Lab, slot: Slot) -> None:
    with lab.db.transaction() as tx:
        assert idempotency.find(tx, slot, now=NOW) is None
        idempotency.keep(tx, slot, ANSWER, now=NOW)
        assert idempotency.find(tx, slot, now=NOW + KEPT - SECOND) == ANSWER
        assert idempotency.find(tx, slot, now=NOW + KEPT) is None


@pytest.mark.parametrize(
    "other",
    [{"user_id": 2}, {"method": "PUT"}, {"path": "/api/v1/y"}, {"key": "key-2"}],
    ids=lambda other: next(iter(other)),
)
def test_a_key_belongs_to_one_caller_method_and_path(
    lab: Lab, slot: Slot, other: dict[str, object]
) -> None:
    given = {"user_id": slot.user_id, "method": "POST", "path": slot.path, "key": slot.key} | other
    if "user_id" in other:
        given["user_id"] = lab.office["wang"].id
    foreign = Slot(**given)  # type: ignore[arg-type]  # the cases differ in one member
    with lab.db.transaction() as tx:
        idempotency.keep(tx, slot, ANSWER, now=NOW)
        assert idempotency.find(tx, foreign, now=NOW) is None
    assert foreign.lock != slot.lock


def test_an_answer_that_had_expired_is_replaced(lab: Lab, slot: Slot) -> None:
    later = Kept(b"\x03", 200, {}, "{}")
    with lab.db.transaction() as tx:
        idempotency.keep(tx, slot, ANSWER, now=NOW)
        idempotency.keep(tx, slot, later, now=NOW + 2 * KEPT)
        assert idempotency.find(tx, slot, now=NOW + 2 * KEPT) == later


def test_a_key_is_held_by_one_until_its_transaction_ends(
    committed: Database, database_url: str
) -> None:
    slot, other = Slot(1, "POST", "/x", "key"), Slot(1, "POST", "/x", "other")
    rival = create_database(database_url)
    with committed.transaction() as tx:
        assert idempotency.try_lock(tx, slot)
        with rival.transaction() as late:
            assert not idempotency.try_lock(late, slot)
            assert idempotency.try_lock(late, other)
    with rival.transaction() as late:
        assert idempotency.try_lock(late, slot)
    rival.engine.dispose()


def test_old_answers_go_a_few_at_a_time_and_young_ones_stay(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PRUNED_AT_ONCE", 2)
    with lab.db.transaction() as tx:
        for number in range(7):
            at = NOW if number < 5 else NOW + SECOND
            slot = Slot(lab.office["mei"].id, "POST", "/x", str(number))
            idempotency.keep(tx, slot, ANSWER, now=at)
    assert idempotency.prune(lab.db, now=NOW + KEPT) == 5
    left = stored.rows(lab.db, "select key from idempotency_keys order by key")
    assert [row["key"] for row in left] == ["5", "6"]
    assert idempotency.prune(lab.db, now=NOW + KEPT) == 0


def test_the_duty_forgets_answers_and_tokens_that_have_run_out(lab: Lab, slot: Slot) -> None:
    mei = lab.office["mei"]
    with lab.db.transaction() as tx:
        idempotency.keep(tx, slot, ANSWER, now=NOW)
    identity.store_refresh(lab.db, mei.id, "old", expires_at=NOW + SECOND)
    identity.store_refresh(lab.db, mei.id, "young", expires_at=NOW + 3 * KEPT)
    identity.revoke(lab.db, "ended", NOW + SECOND)
    identity.revoke(lab.db, "valid", NOW + 3 * KEPT)
    assert duty_prune.run(lab.engine, NOW) == 0
    assert duty_prune.run(lab.engine, NOW + 2 * KEPT) == 3
    kept = stored.rows(
        lab.db, "select jti from refresh_tokens union all select jti from revoked_tokens"
    )
    assert {row["jti"] for row in kept} == {"young", "valid"}
