"""Order approval: what is measured, as the engine does it.

Start → validate (inline) → gateway → human task → claim → complete → inline service → end:
three transactions, each durable.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import psycopg

from app.db.tx import Database
from app.definition import service as definitions
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.runtime.moved import Moved
from app.runtime.ports import Engine
from app.runtime.starting import begin
from app.task import service as tasks

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY: Final = "bench_order_approval"

JOBS_KEY: Final = "bench_order_with_jobs"
JOB_KEY: Final = "bench_job"
SERVICE: Final = "BenchService"
"""A service that is not inline; benches register it."""
GIVEN: Final[dict[str, Any]] = {
    "order_id": "PO-1",
    "customer_id": "C-7",
    "amount": Decimal("1250.50"),
}
TYPED: Final[dict[str, Any]] = {"approved": True, "comments": "fine"}


def definition(key: str, service: str) -> dict[str, Any]:
    """Return order approval whose machine steps call ``service``."""
    return {
        "name": "Order approval",
        "key": key,
        "version": "1.0.0",
        "variables": {
            "order_id": {"type": "string", "required": True},
            "customer_id": "string",
            "amount": {"type": "number", "required": True},
            "status": "string",
        },
        "steps": [
            _call("validate", service, "validated", "check"),
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
            _call("fulfil", service, "fulfilled", "done"),
            _call("cancel", service, "cancelled", "done"),
            {"id": "done", "name": "Done", "type": "end"},
        ],
    }


def _call(step: str, service: str, status: str, target: str) -> dict[str, Any]:
    config = {"service_name": service, "method": "run", "input": {"status": status}}
    name = step.capitalize()
    return {"id": step, "name": name, "type": "service_task", "config": config, "next": [target]}


_JOB: Final = {
    "name": "A job",
    "key": JOB_KEY,
    "version": "1.0.0",
    "steps": [
        {
            "id": "work",
            "type": "service_task",
            "config": {"service_name": SERVICE, "method": "run"},
            "next": ["end"],
        },
        {"id": "end", "type": "end"},
    ],
}


def prepare(db: Database) -> None:
    """Fill an empty database: people, and the definitions."""
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
    orders = definition(KEY, "NoopService"), definition(JOBS_KEY, SERVICE)
    for each in (*orders, _JOB):
        definitions.create(db, SYSTEM, json.dumps(each), known=None, now=NOW)


class Approval:
    """Runs whole instances; one for all threads of a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._zhao = person(engine.db, "zhao")
        self._li = person(engine.db, "li")

    def once(self) -> None:
        """Run one instance from start to end."""
        task_id = begun(self._engine, self._zhao).opened[0]["id"]
        tasks.claim(self._engine, self._li, task_id, now=NOW)
        done = tasks.complete(self._engine, self._li, task_id, TYPED, now=NOW)
        if done.instance.status != "completed":
            raise AssertionError(f"the instance is {done.instance.status}")

    def connection(self) -> psycopg.Connection[Any]:
        """The connection that one client uses again and again."""
        with self._engine.db.transaction() as tx:
            driver = tx.conn.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("there is no connection")
        return driver

    def close(self) -> None:
        """Close the connections."""
        self._engine.db.engine.dispose()


def begun(engine: Engine, actor: Actor, key: str = KEY, *, now: datetime = NOW) -> Moved:
    """Start one."""
    return begin(
        engine, actor, definition_key=key, business_key="PO-1", variables=dict(GIVEN), now=now
    )


def person(db: Database, username: str) -> Actor:
    """Return one of the people."""
    with db.transaction() as tx:
        row = tx.run("select id from users where username = %(name)s", {"name": username})
        found = row.fetchone()
    actor = identity.actor_by_id(db, found["id"]) if found else None
    if actor is None:
        raise AssertionError(f"there is no {username}")
    return actor
