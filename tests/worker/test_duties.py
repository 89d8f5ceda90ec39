"""The duties: each at its time, by one process, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from app.db import idempotency
from app.db.engine import create_database
from app.db.idempotency import Kept, Slot
from app.db.leader import Leadership
from app.db.tx import Database
from app.errors import Unavailable
from app.identity import tokens
from app.runtime.ports import Engine
from app.worker import duties, duty_leases, duty_prune, duty_wake
from app.worker.duties import Round
from app.worker.duty import Duty
from tests.support.office import NOW
from tests.support.until import until
from tests.worker.conftest import Shop
from tests.worker.test_drain import Counting


class Turns:
    """Duties that note when they are done, on seconds that are moved by hand."""

    def __init__(self, shop: Shop) -> None:
        self.at = 0.0
        self.done: list[str] = []
        self.leads = True
        self.broken: set[str] = set()
        often = [
            Duty(name, timedelta(seconds=every), self.runner(name))
            for name, every in (("often", 1), ("seldom", 10))
        ]
        self.round = Round(shop.engine, lambda: self.leads, duties=often, monotonic=lambda: self.at)

    def runner(self, name: str) -> Callable[[Engine, datetime], int]:
        """Return what a duty of this name does."""

        def run(engine: Engine, now: datetime) -> int:
            self.done.append(name)
            if name in self.broken:
                raise ZeroDivisionError
            return 0

        return run

    def tick(self, seconds: float) -> list[str]:
        """Let seconds pass; return what was done."""
        self.at += seconds
        self.done.clear()
        self.round.tick(NOW)
        return list(self.done)


@pytest.fixture
def turns(shop: Shop) -> Turns:
    return Turns(shop)


def test_each_duty_is_done_when_its_time_has_come(turns: Turns) -> None:
    assert turns.tick(0) == ["often", "seldom"]
    assert turns.tick(0.9) == []
    assert turns.tick(0.1) == ["often"]
    assert turns.tick(9) == ["often", "seldom"]


def test_a_duty_that_fails_stops_no_other_and_is_done_again(turns: Turns) -> None:
    turns.broken = {"often"}
    assert turns.tick(0) == ["often", "seldom"]
    assert turns.tick(1) == ["often"]


def test_who_does_not_lead_does_nothing_and_catches_up_when_it_leads(turns: Turns) -> None:
    turns.leads = False
    assert turns.tick(0) == []
    assert turns.tick(100) == []
    turns.leads = True
    assert turns.tick(0) == ["often", "seldom"]


def test_every_duty_is_among_those_that_are_done() -> None:
    folder = Path(duties.__file__).parent
    modules = [import_module(f"app.worker.{path.stem}") for path in folder.glob("duty_*.py")]
    there = {each for module in modules for each in vars(module).values() if isinstance(each, Duty)}
    assert set(duties.DUTIES) == there


def test_workers_are_woken_only_for_what_is_due(shop: Shop) -> None:
    waker = Counting()
    engine = replace(shop.engine, waker=waker)
    assert duty_wake.run(engine, shop.at) == 0
    shop.start()
    shop.fail(shop.one())
    assert duty_wake.run(engine, shop.at) == 0
    assert waker.calls == 0
    assert duty_wake.run(engine, shop.later(seconds=1)) == 1
    assert waker.calls == 1


def test_leases_are_taken_back_however_many_there_are(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty_leases, "_BATCH", 2)
    waker = Counting()
    shop.start()
    for _ in range(4):
        shop.again()
    assert len(shop.lease()) == 5
    engine = replace(shop.engine, waker=waker)
    assert duty_leases.run(engine, shop.later(seconds=30)) == 0
    assert duty_leases.run(engine, shop.later(milliseconds=1)) == 5
    assert waker.calls == 5
    assert len(shop.lease()) == 5


def test_only_what_has_run_out_is_forgotten(shop: Shop) -> None:
    mei = shop.office["mei"].id
    for number, age in enumerate((25, 23)):
        made = NOW - timedelta(hours=age)
        with shop.db.transaction() as tx:
            slot = Slot(mei, "POST", "/x", f"key-{number}")
            idempotency.keep(tx, slot, Kept(b"h", 201, {}, "{}"), now=made)
    for jti, ends in (("old", -1), ("new", 1)):
        tokens.revoke(shop.db, jti, NOW + timedelta(seconds=ends))
        tokens.store_refresh(shop.db, mei, jti, expires_at=NOW + timedelta(seconds=ends))
    assert duty_prune.run(shop.engine, NOW) == 3
    assert duty_prune.run(shop.engine, NOW) == 0
    assert tokens.is_revoked(shop.db, "new")
    assert not tokens.is_revoked(shop.db, "old")


# --- leading ----------------------------------------------------------------------------------


@pytest.fixture
def two(database_url: str) -> Iterator[tuple[Leadership, Leadership]]:
    """Two that want to lead, as two processes would have them."""
    dbs = [create_database(database_url, name=f"leader {n}") for n in range(2)]
    pair = Leadership(dbs[0], 77), Leadership(dbs[1], 77)
    yield pair
    for leadership, db in zip(pair, dbs, strict=True):
        leadership.release()
        db.engine.dispose()


def test_one_leads_until_it_lets_go(two: tuple[Leadership, Leadership]) -> None:
    first, second = two
    for _ in range(2):
        assert first.held()
        assert not second.held()
    first.release()
    until(second.held)
    assert not first.held()


def test_a_leader_whose_connection_broke_knows_and_another_takes_over(
    two: tuple[Leadership, Leadership], committed: Database
) -> None:
    first, second = two
    assert first.held()
    assert not second.held()
    with committed.transaction() as tx:
        tx.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'leader 0'"
        )
    until(second.held)
    assert not first.held()
    assert not first.held()
    second.release()
    until(first.held)


def test_nobody_leads_while_the_database_is_away() -> None:
    leadership = Leadership(create_database("postgresql:///x?host=/nowhere"), 77)
    assert not leadership.held()
    leadership.release()


def test_a_busy_database_is_told_without_a_trace(shop: Shop) -> None:
    def busy(engine: Engine, now: datetime) -> int:
        raise Unavailable("database_busy", "Busy.")

    Round(shop.engine, lambda: True, duties=[Duty("busy", timedelta(1), busy)]).tick(NOW)
