"""Order approval: what is measured, as the engine does it.

Start → validate (inline) → gateway → human task → claim → complete → inline service → end:
three transactions, each durable.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.connector.standard import standard_registry
from app.db.tx import Database
from app.definition import service as definitions
from app.definition.cache import DefinitionCache
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.runtime.ports import Engine, NobodyToWake
from app.runtime.starting import begin
from app.task import service as tasks

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY: Final = "bench_order_approval"

DEFINITION: Final[dict[str, Any]] = {
    "name": "Order approval",
    "key": KEY,
    "version": "1.0.0",
    "variables": {
        "order_id": {"type": "string", "required": True},
        "customer_id": "string",
        "amount": {"type": "number", "required": True},
        "status": "string",
    },
    "steps": [
        {
            "id": "validate",
            "name": "Validate",
            "type": "service_task",
            "config": {
                "service_name": "NoopService",
                "method": "run",
                "input": {"status": "validated"},
            },
            "next": ["check"],
        },
        {
            "id": "check",
            "name": "Amount?",
            "type": "exclusive_gateway",
            "config": {
                "conditions": [
                    {"expression": "${amount > 1000}", "next": "approve"},
                    {"expression": "${amount <= 1000}", "next": "fulfil"},
                ]
            },
        },
        {
            "id": "approve",
            "name": {"en": "Approve", "zh": "审批"},
            "type": "user_task",
            "config": {
                "assignee": "approval_team",
                "form": {"approved": {"type": "boolean", "required": True}, "comments": "text"},
                "due_date": "2h",
            },
            "next": ["fulfil", "cancel"],
        },
        {
            "id": "fulfil",
            "name": "Fulfil",
            "type": "service_task",
            "config": {
                "service_name": "NoopService",
                "method": "run",
                "input": {"status": "fulfilled"},
            },
            "next": ["done"],
        },
        {
            "id": "cancel",
            "name": "Cancel",
            "type": "service_task",
            "config": {
                "service_name": "NoopService",
                "method": "run",
                "input": {"status": "cancelled"},
            },
            "next": ["done"],
        },
        {"id": "done", "name": "Done", "type": "end"},
    ],
}


def prepare(db: Database) -> None:
    """Fill an empty database: people, and the definition."""
    identity.ensure_roles(db)
    identity.create_group(db, SYSTEM, name="approval_team", now=NOW)
    identity.create_user(db, SYSTEM, username="zhao", name="Zhao Min", roles=["user"], now=NOW)
    identity.create_user(
        db,
        SYSTEM,
        username="li",
        name="Li Wei",
        groups=["approval_team"],
        roles=["manager"],
        now=NOW,
    )
    definitions.create(db, SYSTEM, json.dumps(DEFINITION), known=None, now=NOW)


class Approval:
    """Runs whole instances; one for all threads of a process."""

    def __init__(self, db: Database) -> None:
        self._engine = Engine(
            db=db,
            services=standard_registry(),
            waker=NobodyToWake(),
            definitions=DefinitionCache(),
        )
        self._zhao = _person(db, "zhao")
        self._li = _person(db, "li")

    def once(self) -> None:
        """Run one instance from start to end."""
        started = begin(
            self._engine,
            self._zhao,
            definition_key=KEY,
            business_key="PO-1",
            variables={"order_id": "PO-1", "customer_id": "C-7", "amount": Decimal("1250.50")},
            now=NOW,
        )
        task_id = started.opened[0]["id"]
        tasks.claim(self._engine, self._li, task_id, now=NOW)
        done = tasks.complete(
            self._engine, self._li, task_id, {"approved": True, "comments": "fine"}, now=NOW
        )
        if done.instance.status != "completed":
            raise AssertionError(f"the instance is {done.instance.status}")


def _person(db: Database, username: str) -> Actor:
    with db.transaction() as tx:
        row = tx.run("select id from users where username = %(name)s", {"name": username})
        found = row.fetchone()
    actor = identity.actor_by_id(db, found["id"]) if found else None
    if actor is None:
        raise AssertionError(f"there is no {username}")
    return actor
