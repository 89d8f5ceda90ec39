"""A small office for tests: five people, and a request that two of its groups work on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from app.connector.registry import Registry
from app.db.tx import Database
from app.definition import service as definitions
from app.definition.cache import DefinitionCache
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.runtime import service as runtime
from app.runtime.ports import Engine
from tests.support.filled import Filled

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

REQUEST: dict[str, Any] = {
    "name": {"en": "Request", "zh": "申请"},
    "key": "request",
    "version": "1.0.0",
    "variables": {
        "amount": "number",
        "purpose": {"type": "string", "label": "Purpose"},
        "salary": {"type": "number", "sensitive": True},
    },
    "steps": [
        {
            "id": "approve",
            "name": {"en": "Approve", "zh": "审批"},
            "type": "user_task",
            "config": {
                "assignee": "finance_team",
                "form": {
                    "approved": {"type": "boolean", "required": True},
                    "comments": "text",
                    "amount": "number",
                },
                "due_date": "2h",
            },
            "next": ["pay", "rework"],
        },
        {
            "id": "pay",
            "name": "Pay",
            "type": "user_task",
            "config": {"assignee": "li", "form": {"paid_on": "date"}},
        },
        {
            "id": "rework",
            "name": "Rework",
            "type": "user_task",
            "config": {"assignee": "${initiator.username}", "form": {"purpose": "string"}},
        },
    ],
}

CHOICE: dict[str, Any] = {
    "name": "Choice",
    "key": "choice",
    "version": "1",
    "steps": [
        {
            "id": "decide",
            "name": "Decide",
            "type": "user_task",
            "config": {"assignee": "finance_team", "form": {"note": "string"}},
            "next": ["left", "right"],
        },
        {"id": "left", "name": "Left", "type": "user_task", "config": {"assignee": "li"}},
        {"id": "right", "name": "Right", "type": "user_task", "config": {"assignee": "li"}},
    ],
}


class SilentWaker:
    """Nobody has to be woken: no worker runs beside these tests."""

    def wake(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Office:
    """An engine with people and the two definitions above.

    Everyone has the role ``user``; ``li`` is a manager as well, ``root`` an administrator.
    """

    engine: Engine
    people: Mapping[str, Actor]

    @property
    def db(self) -> Database:
        """The database."""
        return self.engine.db

    def __getitem__(self, username: str) -> Actor:
        return self.people[username]

    def start(self, key: str = "request", by: str = "zhao", **variables: Any) -> int:
        """Start an instance and return its id."""
        row = runtime.start(
            self.engine,
            self[by],
            definition_key=key,
            business_key="R-1",
            variables=variables,
            now=NOW,
        )
        return int(row.id)

    def task_of(self, instance_id: int, step: str) -> int:
        """Return the id of an instance's latest task of a step."""
        with self.db.transaction() as tx:
            row = tx.run(
                "select max(id) as id from tasks where instance_id = %(id)s and step = %(step)s",
                {"id": instance_id, "step": step},
            ).fetchone()
        assert row is not None
        assert row["id"] is not None, f"no task of step {step}"
        return int(row["id"])

    def open_task(self, **variables: Any) -> int:
        """Start a request and return its task ``approve``."""
        return self.task_of(self.start(**variables), "approve")


_first: list[tuple[Filled, Mapping[str, Actor]]] = []


def make_office(db: Database) -> Office:
    """Fill an empty database.

    The first office of a process is made by the use cases, the others are copies of its rows:
    that takes a tenth of the time.
    """
    engine = Engine(db=db, services=Registry(), waker=SilentWaker(), definitions=DefinitionCache())
    if not _first:
        people = set_up(db)
        _first.append((Filled.of(db), people))
        return Office(engine, people)
    filled, people = _first[0]
    filled.into(db)
    return Office(engine, people)


def set_up(db: Database) -> Mapping[str, Actor]:
    """Make people, groups and definitions; return the people."""
    identity.ensure_roles(db)
    for group in ("finance_team", "sales"):
        identity.create_group(db, SYSTEM, name=group, now=NOW)
    people = {}
    for username, name, groups, roles in (
        ("root", "Root", [], ["admin"]),
        ("li", "Li Wei", [], ["user", "manager"]),
        ("mei", "Chen Mei", ["finance_team"], ["user"]),
        ("wang", "Wang Fang", ["finance_team"], ["user"]),
        ("zhao", "Zhao Min", ["sales"], ["user"]),
        ("stranger", "Some One", [], ["user"]),
    ):
        people[username] = identity.create_user(
            db, SYSTEM, username=username, name=name, groups=groups, roles=roles, now=NOW
        )
    for document in (REQUEST, CHOICE):
        definitions.create(db, people["root"], json.dumps(document), known=None, now=NOW)
    return MappingProxyType(people)
