"""An office whose processes a test writes itself."""

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
from app.definition.cache import DefinitionCache
from app.errors import AppError
from app.runtime import jobs
from app.runtime import service as runtime
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow
from app.task import service as tasks
from app.task.service import Completed
from tests.support import stored
from tests.support.office import NOW, Office, make_office


class CountingWaker:
    """Counts how often workers were woken."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self) -> None:
        """Count."""
        self.count += 1


@dataclass
class Lab:
    """An engine, people, and a clock that stands at ``NOW`` until it is moved."""

    office: Office
    services: Registry
    waker: CountingWaker
    at: datetime = field(default=NOW)

    @property
    def engine(self) -> Engine:
        """What runs the instances."""
        return self.office.engine

    @property
    def db(self) -> Database:
        """Where they are."""
        return self.office.db

    def later(self, **parts: float) -> datetime:
        """Let a ``timedelta`` of these parts pass; return the new time."""
        self.at += timedelta(**parts)
        return self.at

    def define(self, *steps: Mapping[str, Any], key: str = "own", **rest: Any) -> int:
        """Store a definition of these steps (see ``tests.support.scenario``); return its id."""
        document = {"name": key, "key": key, "version": "1", "steps": list(steps), **rest}
        made, _ = definitions.create(
            self.db, self.office["root"], json.dumps(document), known=None, now=self.at
        )
        return made.id

    def start(self, key: str = "own", by: str = "zhao", **variables: Any) -> int:
        """Start an instance and return its id."""
        made = runtime.start(
            self.engine, self.office[by], definition_key=key, variables=variables, now=self.at
        )
        return int(made.id)

    def task(self, instance_id: int, step: str) -> int:
        """Return the id of the latest task of a step."""
        return self.office.task_of(instance_id, step)

    def complete(
        self,
        instance_id: int,
        step: str,
        by: str = "mei",
        outcome: str | None = None,
        **values: Any,
    ) -> Completed:
        """Complete the latest task of a step."""
        task_id = self.task(instance_id, step)
        return tasks.complete(
            self.engine, self.office[by], task_id, values, outcome=outcome, now=self.at
        )

    def operate(self, verb: str, instance_id: int, by: str = "root", **more: Any) -> InstanceRow:
        """Suspend, activate or terminate."""
        call: Callable[..., InstanceRow] = getattr(runtime, verb)
        return call(self.engine, self.office[by], instance_id, now=self.at, **more)

    def job(self) -> jobs.Job:
        """Lease the only due job."""
        (leased,) = jobs.lease(self.db, "worker", limit=10, now=self.at)
        return leased

    def incident(self, instance_id: int) -> int:
        """Return the id of the only open incident."""
        found = stored.row(
            self.db,
            "select id from incidents where instance_id = %(id)s and resolved_at is null",
            id=instance_id,
        )
        return int(found["id"])

    def refused(self, kind: type[AppError], call: Callable[[], object]) -> AppError:
        """Run ``call``, which must be refused and leave every row as it was."""
        before = stored.everything(self.db)
        with pytest.raises(kind) as refusal:
            call()
        assert stored.everything(self.db) == before
        return refusal.value


def make_lab(db: Database) -> Lab:
    """Fill an empty database."""
    office = make_office(db)
    registry, waker = Registry(), CountingWaker()
    engine = Engine(db=db, services=registry, waker=waker, definitions=DefinitionCache())
    return Lab(Office(engine, office.people), registry, waker)


@pytest.fixture
def lab(db: Database) -> Lab:
    """People and an engine; undone afterwards."""
    return make_lab(db)


@pytest.fixture
def real_lab(committed: Database) -> Lab:
    """The same, really committed: for several threads."""
    return make_lab(committed)
