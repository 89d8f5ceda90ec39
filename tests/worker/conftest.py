"""A workshop: an engine whose services are the test's own, and what became of its instances."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.connector.registry import Registry
from app.db.tx import Database
from app.definition import service as definitions
from app.history import record
from app.runtime import jobs
from app.runtime import service as runtime
from app.runtime.failures import Failure
from app.runtime.jobs import Job
from app.runtime.ports import Engine
from tests.support.office import NOW, Office, make_office

Step = dict[str, Any]


def service(step: str, method: str = "work", next_: str | None = None, **more: Any) -> Step:
    """Return a service step that calls ``Shop.<method>``; keys of its config beside others."""
    outer: Step = {name: more.pop(name) for name in ("on_error", "skip_when") if name in more}
    config = {"service_name": "Shop", "method": method, **more}
    made: Step = {"id": step, "name": step, "type": "service_task", "config": config, **outer}
    return made | ({"next": [next_]} if next_ else {})


@dataclass
class Shop:
    """One engine. ``Shop.work`` returns what it was given; a test may register more.

    Time stands at ``NOW`` until ``later`` moves it.
    """

    office: Office
    at: datetime = NOW
    made: int = 0
    services: Registry = field(init=False)

    def __post_init__(self) -> None:
        registry = self.office.engine.services
        assert isinstance(registry, Registry)
        self.services = registry
        self.provide("work", lambda given: dict(given))

    @property
    def engine(self) -> Engine:
        """What runs the instances."""
        return self.office.engine

    @property
    def db(self) -> Database:
        """Where they are."""
        return self.office.db

    def clock(self) -> datetime:
        """Return the shop's time."""
        return self.at

    def later(self, **parts: float) -> datetime:
        """Let a ``timedelta`` of these parts pass; return the new time."""
        self.at += timedelta(**parts)
        return self.at

    def provide(self, method: str, handler: Callable[[Mapping[str, Any]], Any]) -> None:
        """Let workers offer ``Shop.<method>``."""
        self.services.register("Shop", method, lambda given, _context: handler(given))

    def start(self, *steps: Step, **variables: Any) -> int:
        """Start a new process of these steps; return the instance's id."""
        self.made += 1
        document = {
            "name": "Shop",
            "key": f"shop{self.made}",
            "version": "1",
            "settings": {"max_visits": 5_000},
            "steps": list(steps or (service("only"),)),
        }
        text = json.dumps(document)
        definitions.create(self.db, self.office["root"], text, known=None, now=self.at)
        return self.again(**variables)

    def again(self, **variables: Any) -> int:
        """Start the newest process once more."""
        row = runtime.start(
            self.engine,
            self.office["root"],
            definition_key=f"shop{self.made}",
            variables=variables,
            now=self.at,
        )
        return int(row.id)

    def lease(self, worker: str = "one", limit: int = 10) -> list[Job]:
        """Take due jobs."""
        return jobs.lease(self.db, worker, limit=limit, now=self.at)

    def one(self, worker: str = "one") -> Job:
        """Take the only due job."""
        (job,) = self.lease(worker)
        return job

    def succeed(self, job: Job, result: Any = None) -> bool:
        """Hand in a result."""
        return jobs.succeed(self.engine, job, result, now=self.at, spread=1)

    def fail(
        self, job: Job, code: str = "error", *, business: bool = False, spread: float = 1
    ) -> bool:
        """Hand in a failure."""
        failure = Failure(code, f"It is {code}.", business)
        return jobs.fail(self.engine, job, failure, now=self.at, spread=spread)

    def expire(self) -> int:
        """Do what the duties do about leases."""
        return jobs.expire(self.engine, now=self.at)

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return what a query finds."""
        with self.db.transaction() as tx:
            return tx.run(sql, params).fetchall()

    def instance(self, instance_id: int) -> dict[str, Any]:
        """Return its row."""
        (row,) = self.rows("select * from process_instances where id = %(id)s", id=instance_id)
        return row

    def job(self, job_id: int) -> dict[str, Any]:
        """Return a job's row."""
        (row,) = self.rows("select * from jobs where id = %(id)s", id=job_id)
        return row

    def incident(self, instance_id: int) -> dict[str, Any]:
        """Return its only open incident."""
        (row,) = self.rows(
            "select * from incidents where instance_id = %(id)s and resolved_at is null",
            id=instance_id,
        )
        return row

    def lines(self, instance_id: int, kind: str) -> list[dict[str, Any]]:
        """Return the data of the history's lines of a kind; the chain must be whole."""
        with self.db.transaction() as tx:
            assert record.verify(tx, instance_id) is None
        rows = self.rows(
            "select data -> 'lines' as lines from history_events where instance_id = %(id)s"
            " order by seq",
            id=instance_id,
        )
        return [data for row in rows for each, _, data in row["lines"] if each == kind]


@pytest.fixture
def shop(db: Database) -> Shop:
    """For one thread; undone afterwards."""
    return Shop(make_office(db))


@pytest.fixture
def open_shop(committed: Database) -> Shop:
    """For several threads."""
    return Shop(make_office(committed))
